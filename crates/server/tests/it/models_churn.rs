//! Churn at work: from what people did to risks, levels, facts and people; events that came late, versions that are held, jobs that were cut off, who may what.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_server::auth::Role;
use rapport_server::installation::MIGRATIONS;
use rapport_server::modelling::{self, CHURN_FACTS, LEASE};
use rapport_server::records::workspaces::FIRST;
use rapport_store::testing::{TestDatabase, on_postgres, on_sqlite};
use rapport_store::{Priority, Queries, args, sql};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::engaging::{call, get, happen, track};
use crate::models::{count_of, only, people_of, truth};
use crate::models_asked::people_by;
use crate::models_without::note;
use crate::world::{Browser, World};

const CHURN: &str = "/api/v1/models/churn";

async fn people(world: &World, owner: &Browser, query: &str) -> Vec<Value> {
    people_of(world, owner, "churn", query).await
}

async fn count(world: &World, table: &str) -> i64 {
    count_of(world, "churn", table).await
}

async fn settle(world: &World) {
    modelling::settle(&world.app.installation).await.unwrap();
}

fn risk(row: &Value) -> f64 {
    row["score"]["score"].as_str().unwrap().parse().unwrap()
}

#[test]
fn the_sample_shop_says_who_is_at_risk_and_every_figure_leads_to_its_people_on_sqlite() {
    on_sqlite(MIGRATIONS.to_vec(), scored);
}

#[test]
fn the_sample_shop_says_who_is_at_risk_and_every_figure_leads_to_its_people_on_postgres() {
    on_postgres(MIGRATIONS.to_vec(), scored);
}

async fn scored(database: TestDatabase) {
    let world = World::over_with(&database, &[("session.idle_hours", "100000"), ("session.days", "4000")]).await;
    let owner = world.browser(Role::Owner).await;
    world.fill(1_000, 3).await;
    world.app.pipeline.settle().await.unwrap();
    only(&world, &["churn", "value"]).await;
    settle(&world).await;
    let model = get(&world, &owner, CHURN).await;
    assert_eq!(
        (&model["live"]["version"], &model["verdict"], &model["kind"]),
        (&json!(1), &json!(null), &json!("churn"))
    );
    let metrics = &model["live"]["metrics"];
    assert!(metrics["auc"]["low"].as_f64().unwrap() > 0.55, "{metrics}");
    assert!(metrics["calibration_error"].as_f64().unwrap() < 0.12, "{metrics}");
    assert_eq!(model["live"]["choice"]["tried"].as_array().unwrap().len(), 2);

    // The figures, and the people behind each.
    let figures = get(&world, &owner, &format!("{CHURN}/risks")).await;
    let all = people(&world, &owner, "").await;
    assert_eq!(json!(all.len()), json!(figures["people"].as_u64().unwrap() + figures["lost"].as_u64().unwrap()));
    assert_eq!(count(&world, "scores").await, all.len() as i64);
    let by_level = people_by(&world, &owner, "churn.level", Value::Null).await;
    for level in figures["levels"].as_array().unwrap() {
        let name = level["level"].as_str().unwrap();
        let behind = people(&world, &owner, &format!("part={name}")).await;
        assert_eq!(level["people"], json!(behind.len()), "{level}");
        // Questions are taken apart by it, and are of those of whom it is said.
        let asked = by_level.get(name).copied().unwrap_or_default();
        assert_eq!(asked, behind.len() as u64, "{level} {by_level:?}");
        let who = json!({"fact": {"key": "churn.level", "op": "equals", "value": name}});
        let meant = people_by(&world, &owner, "value.tenth", who).await;
        assert_eq!(meant.values().sum::<u64>(), behind.len() as u64, "{level} {meant:?}");
    }
    for band in figures["bands"].as_array().unwrap() {
        let behind = people(&world, &owner, &format!("from={}&to={}", band["from"], band["to"])).await;
        assert_eq!(band["people"], json!(behind.len()), "{band}");
    }
    let cause = figures["causes"].as_array().unwrap().iter().max_by_key(|it| it["people"].as_u64()).unwrap();
    let behind = people(&world, &owner, &format!("cohort={}", cause["feature"].as_str().unwrap())).await;
    assert_eq!(cause["people"], json!(behind.len()));
    assert!(figures["reliability"].as_array().unwrap().len() > 1 && figures["costs"].as_array().unwrap().len() == 20);
    assert!(figures["triggers"]["people"].as_u64().unwrap() > 0, "{}", figures["triggers"]);
    // When they buy again: more and more of them, and whoever has waited too long is found.
    let when = &figures["when"];
    assert_eq!(when["all"]["verdict"], json!(null), "{when}");
    let shares: Vec<f64> =
        when["all"]["curve"].as_array().unwrap().iter().map(|it| it["share"]["value"].as_f64().unwrap()).collect();
    assert!(shares.len() > 12 && shares.is_sorted() && *shares.last().unwrap() > 0.1, "{shares:?}");
    for lapse in ["lapsed", "lapsing"] {
        let behind = people(&world, &owner, &format!("lapse={lapse}")).await;
        assert_eq!(when["lapse"][lapse].as_u64().unwrap_or(0), behind.len() as u64, "{lapse}: {when}");
    }
    let still: f64 = all.iter().filter(|it| it["score"]["part"] != "lost").map(risk).sum();
    assert!((figures["expected"]["value"].as_f64().unwrap() - still).abs() < 0.01, "{still}");

    // What is said of one, with reasons, is what the list says; conditions see it.
    let first = all.iter().find(|it| it["score"]["part"] != "lost").unwrap();
    let person = first["customer"]["person_id"].as_str().unwrap();
    let scores = get(&world, &owner, &format!("/api/v1/customers/{person}/scores")).await;
    assert_eq!(scores["rows"][0], first["score"]);
    let value = scores["rows"].as_array().unwrap().iter().find(|it| it["model"] == "value").unwrap();
    assert_eq!(value["risk"], json!(null));
    assert_eq!(first["score"]["detail"], json!(null));
    assert!(!first["score"]["risk"]["because"].as_array().unwrap().is_empty(), "{first}");
    let level = first["score"]["risk"]["level"].as_str().unwrap();
    let text = format!("fact churn.level = \"{level}\" and fact churn.risk > 0");
    let body = json!({"key": "risky", "name": "At risk", "text": text});
    let saved = call(&world, &owner, Method::POST, "/api/v1/segments", body).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    rapport_server::keeper::fill_workspace(&world.app.installation, FIRST).await.unwrap();
    let segments = get(&world, &owner, "/api/v1/segments").await;
    let behind = people(&world, &owner, &format!("part={level}")).await;
    assert_eq!(segments["rows"][0]["size"], json!(behind.len()), "{segments}");

    // Who is said to be at risk really has left, more often than who is not. Of those who still buy: whoever is lost already is easy.
    let truth = truth(&world);
    let numbers: Vec<(i64, String)> = {
        let text = sql!("SELECT person, value FROM identifiers WHERE kind = 'user_id'");
        world.app.installation.store.read().fetch_all(text, args![]).await.unwrap()
    };
    let numbers: BTreeMap<String, String> = numbers.into_iter().map(|(a, b)| (a.to_string(), b)).collect();
    let (mut there, mut gone) = (Vec::new(), Vec::new());
    for row in all.iter().filter(|it| it["score"]["part"] != "lost") {
        let is_there = truth[&numbers[row["customer"]["person_id"].as_str().unwrap()]];
        if is_there { there.push(risk(row)) } else { gone.push(risk(row)) }
    }
    let right = gone.iter().flat_map(|a| there.iter().map(move |b| f64::from(u8::from(a > b)))).sum::<f64>();
    let share = right / (there.len() * gone.len()) as f64;
    assert!(share > 0.65, "{share}: {} there, {} gone", there.len(), gone.len());

    // Again: nothing happened, so nothing is fitted, written or told.
    let before = (count(&world, "versions").await, count(&world, "facts").await, count(&world, "scores").await);
    assert_eq!(before.1, 2 * before.2, "{CHURN_FACTS:?} of everybody");
    world.clock.advance(8 * Timestamp::DAY);
    settle(&world).await;
    let after = (count(&world, "versions").await, count(&world, "facts").await, count(&world, "scores").await);
    assert_eq!(before, after);
    let version = get(&world, &owner, &format!("{CHURN}/versions/1")).await;
    let left_out = version["card"]["left_out"].to_string();
    assert!(left_out.contains("0 events came on a later day"), "history is known when it happened: {left_out}");

    // What comes late from a source that has been there for long is not taken as known before; the next version says how much that was.
    let (key, _) = world.write_key("Till", None).await;
    world.clock.advance(8 * Timestamp::DAY);
    let mut events = Vec::new();
    for (number, days) in [(1, 40), (2, 39), (3, 0)] {
        let at = world.clock_now().plus(-days * Timestamp::DAY).to_rfc3339();
        let user = numbers[person].clone();
        events.push(json!({"type": "track", "event": "Complaint Opened", "userId": user, "timestamp": at,
            "messageId": format!("late-{number}"), "properties": {}}));
    }
    let sent = world.collect("/v1/batch", &key, json!({"batch": events}).to_string()).await;
    assert!(sent.status.is_success(), "{}", sent.text());
    world.app.pipeline.drain().await.unwrap();
    let asked = call(&world, &owner, Method::POST, &format!("{CHURN}/fit"), Value::Null).await;
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.text());
    settle(&world).await;
    let version = get(&world, &owner, &format!("{CHURN}/versions/2")).await;
    let left_out = version["card"]["left_out"].to_string();
    assert!(left_out.contains("2 events came on a later day"), "{left_out}");

    // Erased, somebody has no score any more; restricted, from the next run on.
    let scores = count(&world, "scores").await;
    let erased = call(&world, &owner, Method::POST, &format!("/api/v1/customers/{person}/erasure"), json!({})).await;
    assert!(erased.status.is_success(), "{}", erased.text());
    assert_eq!(count(&world, "scores").await, scores - 1);
    let other = all.iter().rev().find(|it| it["score"]["part"] != "lost").unwrap();
    let path = format!("/api/v1/customers/{}/restriction", other["customer"]["person_id"].as_str().unwrap());
    assert!(call(&world, &owner, Method::PUT, &path, json!({})).await.status.is_success());
    world.clock.advance(2 * Timestamp::DAY);
    settle(&world).await;
    assert_eq!(count(&world, "scores").await, scores - 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_was_cut_off_is_done_once_costs_make_levels_and_a_version_with_fewer_people_waits() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    world.fill(900, 4).await;
    world.app.pipeline.settle().await.unwrap();
    only(&world, &["churn"]).await;
    cut_off(&world).await;
    let change = async |settings: Value| {
        let answer = call(&world, &owner, Method::PUT, CHURN, json!({"settings": settings, "is_paused": false})).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        settle(&world).await;
        get(&world, &owner, &format!("{CHURN}/risks")).await
    };
    let high = |figures: &Value| figures["levels"][0]["people"].as_u64().unwrap();
    let figures = change(json!({"loss": 100, "action": 1, "keeps": 0.5})).await;
    assert!((figures["threshold"].as_f64().unwrap() - 0.02).abs() < 1e-9, "{figures}");
    let many = high(&figures);
    let figures = change(json!({"loss": 100, "action": 40, "keeps": 0.5})).await;
    assert!((figures["threshold"].as_f64().unwrap() - 0.8).abs() < 1e-9);
    assert!(high(&figures) < many, "{many} {figures}");
    let told = people(&world, &owner, "part=high").await;
    assert_eq!(told.len() as u64, high(&figures), "levels are those of today's costs");
    let figures = change(json!({"loss": 10, "action": 40})).await;
    assert_eq!((&figures["threshold"], high(&figures)), (&json!(null), 0));

    // The version that scores was learnt from far more people: the next one is held, and staff decide.
    let mut tx = world.app.installation.store.begin(Priority::Interactive).await.unwrap();
    tx.execute(sql!("UPDATE model_versions SET people = people * 2"), args![]).await.unwrap();
    tx.commit().await.unwrap();
    let asked = call(&world, &owner, Method::POST, &format!("{CHURN}/fit"), Value::Null).await;
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.text());
    settle(&world).await;
    let model = get(&world, &owner, CHURN).await;
    assert_eq!((&model["live"]["version"], &model["held"]["held"][0]["code"]), (&json!(1), &json!("people_missing")));
    assert_eq!(model["held"]["against"]["version"], json!(1), "both were judged by what they had not seen");
    let path = format!("{CHURN}/versions/2/use");
    let used = call(&world, &owner, Method::POST, &path, json!({"why": "We closed a market."})).await;
    assert_eq!(used.status, StatusCode::OK, "{}", used.text());
    settle(&world).await;
    assert_eq!(get(&world, &owner, CHURN).await["scored_version"], json!(2));

    // Who may see, and who may not.
    let viewer = world.browser(Role::Viewer).await;
    let refused = call(&world, &viewer, Method::POST, &format!("{CHURN}/fit"), Value::Null).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let refused = call(&world, &viewer, Method::PUT, CHURN, json!({"settings": {}, "is_paused": true})).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    // What is of one kind is not of the other.
    for path in
        [format!("{CHURN}/overview"), format!("{CHURN}/groups?by=market"), "/api/v1/models/value/risks".to_owned()]
    {
        assert_eq!(world.get(&path, &owner.reads()).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_little_data_is_a_sentence_and_settings_have_bounds() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    assert_eq!(world.get(CHURN, &owner.reads()).await.status, StatusCode::NOT_FOUND);
    let asked = call(&world, &owner, Method::POST, &format!("{CHURN}/fit"), Value::Null).await;
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.text());
    settle(&world).await;
    let model = get(&world, &owner, CHURN).await;
    assert_eq!((&model["live"], &model["verdict"]["code"]), (&json!(null), &json!("too_few_people")), "{model}");
    assert_eq!(world.get(&format!("{CHURN}/risks"), &owner.reads()).await.status, StatusCode::NOT_FOUND);
    let change = async |settings: Value| {
        call(&world, &owner, Method::PUT, CHURN, json!({"settings": settings, "is_paused": true})).await
    };
    for (settings, place) in [
        (json!({"horizon_weeks": 1}), "settings.horizon_weeks"),
        (json!({"horizon_weeks": 53}), "settings.horizon_weeks"),
        (json!({"active_weeks": 1}), "settings.active_weeks"),
        (json!({"loss": 0}), "settings.loss"),
        (json!({"action": -1}), "settings.action"),
        (json!({"keeps": 2}), "settings.keeps"),
        (json!({"discount_year": 0.1}), "settings"),
        (json!({"sql": "DROP TABLE models"}), "settings"),
        (json!([]), "settings"),
    ] {
        let answer = change(settings.clone()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{settings}: {}", answer.text());
        assert!(answer.json()["detail"].as_str().unwrap().starts_with(place), "{}", answer.text());
    }
    let changed = change(json!({"horizon_weeks": 12, "action": 4.5})).await.json();
    assert_eq!((&changed["settings"]["horizon_weeks"], &changed["settings"]["action"]), (&json!(12), &json!(4.5)));
}

/// Killed in the middle, a fit and a run of scores are done again by whoever comes next, and once.
async fn cut_off(world: &World) {
    let installation = &world.app.installation;
    modelling::enqueue_due(installation).await.unwrap();
    let (stop, stopped) = watch::channel(true);
    let past_the_lease = i64::try_from(LEASE.as_micros()).unwrap() + Timestamp::SECOND;
    assert!(!modelling::work(installation, &stopped).await.unwrap(), "the server stops while it is fitted");
    assert_eq!(count(world, "versions").await, 0);
    stop.send_replace(false);
    world.clock.advance(past_the_lease);
    assert!(modelling::work(installation, &stopped).await.unwrap());
    assert_eq!(count(world, "versions").await, 1);
    modelling::enqueue_due(installation).await.unwrap();
    stop.send_replace(true);
    assert!(!modelling::work(installation, &stopped).await.unwrap(), "and while it scores");
    assert_eq!(count(world, "facts").await, 0);
    stop.send_replace(false);
    world.clock.advance(past_the_lease);
    assert!(modelling::work(installation, &stopped).await.unwrap());
    let told = count(world, "facts").await;
    assert_eq!(told, 2 * count(world, "scores").await);
    assert!(told > 400);
    // As if the end of the run had not been written: it is done again, and tells nothing again.
    let mut tx = installation.store.begin(Priority::Interactive).await.unwrap();
    tx.execute(sql!("UPDATE models SET score_at = fit_at - fit_at WHERE model = 'churn'"), args![]).await.unwrap();
    tx.commit().await.unwrap();
    modelling::enqueue_due(installation).await.unwrap();
    assert!(modelling::work(installation, &stopped).await.unwrap());
    assert_eq!((count(world, "facts").await, count(world, "versions").await), (told, 1));
}

/// So many who buy about every three weeks.
const REGULARS: u32 = 400;

/// What one of them did: orders, and for most a complaint. Whoever complains of a delivery mostly leaves that day, whoever complains of sizes hardly ever.
fn life(world: &World, n: u32) -> Vec<Value> {
    let user = format!("c{n}");
    // Numbers that look like chance, and are the same each time.
    let drawn = |of: u64| {
        let mixed = (u64::from(n) * 8 + of + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (((mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 32) % 1_000) as f64 / 1_000.0
    };
    let at = |mut event: Value, days: i64| {
        event["timestamp"] = json!(world.clock_now().plus(-days * Timestamp::DAY).to_rfc3339());
        event
    };
    let complains = (drawn(0) < 0.7).then(|| 20 + (240.0 * drawn(1)) as i64);
    let delivery = drawn(2) < 0.6;
    let leaves = match complains {
        Some(days) if drawn(3) < if delivery { 0.9 } else { 0.1 } => days,
        _ if drawn(4) < 0.1 => 20 + (240.0 * drawn(5)) as i64,
        _ => 0,
    };
    let mut all = Vec::new();
    let mut days = 400 - (20.0 * drawn(6)) as i64;
    while days > leaves {
        let id = format!("o{n}-{days}");
        all.push(at(
            track(&id, &user, "Order Completed", json!({"order_id": id, "currency": "EUR", "revenue": 30})),
            days,
        ));
        days -= 16 + (days * 7 + i64::from(n)) % 9;
    }
    if let Some(days) = complains {
        let category = if delivery { "delivery" } else { "sizes" };
        let id = format!("x{n}");
        all.push(at(track(&id, &user, "Complaint Opened", json!({"complaint_id": id, "category": category})), days));
    }
    all
}

#[test]
fn complaints_that_come_before_a_loss_are_told_and_lead_to_whoever_has_one_now_on_sqlite() {
    on_sqlite(MIGRATIONS.to_vec(), triggered);
}

#[test]
fn complaints_that_come_before_a_loss_are_told_and_lead_to_whoever_has_one_now_on_postgres() {
    on_postgres(MIGRATIONS.to_vec(), triggered);
}

async fn triggered(database: TestDatabase) {
    let world = World::over_with(&database, &[("session.idle_hours", "100000"), ("session.days", "4000")]).await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("shop", None).await;
    let events: Vec<Value> = (0..REGULARS).flat_map(|n| life(&world, n)).collect();
    for part in events.chunks(400) {
        let answer = world.collect("/v1/batch", &key, json!({ "batch": part }).to_string()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    }
    happen(&world, &key, Vec::new()).await;
    world.app.pipeline.settle().await.unwrap();
    only(&world, &["churn"]).await;
    let settings = json!({"settings": {"horizon_weeks": 6, "active_weeks": 12}, "is_paused": false});
    assert_eq!(call(&world, &owner, Method::PUT, CHURN, settings).await.status, StatusCode::OK);
    settle(&world).await;
    let model = get(&world, &owner, CHURN).await;
    assert_eq!((&model["live"]["version"], &model["verdict"]), (&json!(1), &json!(null)), "{model}");
    let figures = get(&world, &owner, &format!("{CHURN}/risks")).await;
    let triggers = &figures["triggers"];
    assert_eq!((&triggers["verdict"], &triggers["window_days"]), (&json!(null), &json!(42)), "{triggers}");
    let now = figures["triggers_now"].as_array().unwrap();
    let keys: Vec<&str> = now.iter().map(|it| it["trigger"]["key"].as_str().unwrap()).collect();
    let delivery = now.iter().find(|it| it["trigger"]["key"] == "complained:category=delivery");
    let delivery = delivery.unwrap_or_else(|| panic!("{keys:?}: {triggers}"));
    assert!(
        delivery["trigger"]["odds"]["low"].as_f64().unwrap() > 2.0 && delivery["now"].as_u64().unwrap() > 0,
        "{delivery}"
    );
    assert!(!keys.iter().any(|it| it.contains("sizes") && !it.contains("delivery")), "{keys:?}");

    // The people behind each, none of whom is lost; and what is said of one.
    for it in now {
        let key = it["trigger"]["key"].as_str().unwrap();
        let key = key.replace('%', "%25").replace(' ', "%20").replace('+', "%2B").replace('>', "%3E");
        let behind = people(&world, &owner, &format!("trigger={key}")).await;
        assert_eq!(it["now"], json!(behind.len()), "{it}");
        for row in &behind {
            let own = row["score"]["risk"]["triggers"].as_array().unwrap();
            assert!(own.contains(&it["trigger"]["key"]) && row["score"]["part"] != "lost", "{row}");
        }
    }
    // A segment of it has those who complained so lately; it counts to the instant, the model by whole days.
    let body = json!({"key": "complained", "name": "Complained of a delivery", "condition": delivery["condition"]});
    let saved = call(&world, &owner, Method::POST, "/api/v1/segments", body).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    rapport_server::keeper::fill_workspace(&world.app.installation, FIRST).await.unwrap();
    let size = get(&world, &owner, "/api/v1/segments").await["rows"][0]["size"].as_u64().unwrap();
    assert!(size.abs_diff(delivery["now"].as_u64().unwrap()) <= 3, "{size}: {delivery}");

    // Months later it is nobody's any more: the marks are gone with what they said.
    world.clock.advance(60 * Timestamp::DAY);
    let order = track("late", "c1", "Order Completed", json!({"order_id": "late", "currency": "EUR", "revenue": 30}));
    happen(&world, &key, vec![order]).await;
    world.app.pipeline.settle().await.unwrap();
    settle(&world).await;
    assert!(people(&world, &owner, "trigger=complained:category=delivery").await.is_empty());
    let marks: i64 =
        world.app.installation.store.read().scalar(sql!("SELECT COUNT(*) FROM score_marks"), args![]).await.unwrap();
    let figures = get(&world, &owner, &format!("{CHURN}/risks")).await;
    let named: u64 = figures["triggers_now"].as_array().unwrap().iter().map(|it| it["now"].as_u64().unwrap()).sum();
    let waiting: u64 = ["lapsed", "lapsing"].iter().filter_map(|it| figures["when"]["lapse"][*it].as_u64()).sum();
    assert_eq!(u64::try_from(marks).unwrap(), named + waiting, "no mark is left over");
}

/// So many come for the first time, months after the others.
const NEWCOMERS: i64 = 120;

/// What newcomers did. Two of three came back after ten days.
fn newcomers(world: &World) -> Vec<Value> {
    let bought = |n: i64| {
        let first = 100 + (7 * n) % 100;
        std::iter::once(first).chain((n % 3 != 0).then_some(first - 10)).map(move |days| (n, days))
    };
    let order = |(n, days): (i64, i64)| {
        let id = format!("p{n}-{days}");
        let properties = json!({"order_id": id, "currency": "EUR", "revenue": 30});
        let mut event = track(&id, &format!("n{n}"), "Order Completed", properties);
        event["timestamp"] = json!(world.clock_now().plus(-days * Timestamp::DAY).to_rfc3339());
        event
    };
    (0..NEWCOMERS).flat_map(bought).map(order).collect()
}

/// The day of an instant, since 1970.
fn day(of: &str) -> i64 {
    Timestamp::parse(of).unwrap().0 / Timestamp::DAY
}

/// On which days each bought, ascending, but those of whom it is not to be said.
fn purchases(events: &[Value], refused: &[&str]) -> BTreeMap<String, Vec<i64>> {
    let mut days: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for event in events.iter().filter(|it| it["event"] == "Order Completed") {
        let user = event["userId"].as_str().unwrap();
        if !refused.contains(&user) {
            days.entry(user.to_owned()).or_default().push(day(event["timestamp"].as_str().unwrap()));
        }
    }
    days.values_mut().for_each(|it| it.sort_unstable());
    days
}

/// From when somebody waited, when they bought again, and whether they had never bought before.
#[derive(Clone, Copy)]
struct Waited {
    from: i64,
    next: Option<i64>,
    is_new: bool,
}

/// How long people waited, as of a day, by hand.
struct ByHand {
    all: Vec<Waited>,
    present: i64,
}

impl ByHand {
    fn of(purchases: &BTreeMap<String, Vec<i64>>, since: i64, present: i64) -> Self {
        let waited = purchases.values().filter_map(|days| {
            let at = days.iter().position(|day| *day >= since)?;
            Some(Waited { from: days[at], next: days.get(at + 1).copied(), is_new: at == 0 })
        });
        Self { all: waited.collect(), present }
    }

    fn only(&self, is_new: bool) -> Self {
        Self { all: self.all.iter().filter(|it| it.is_new == is_new).copied().collect(), present: self.present }
    }

    fn count(&self, which: impl Fn(&Waited) -> bool) -> usize {
        self.all.iter().filter(|it| which(it)).count()
    }

    /// Those who are watched for so many days, and had not bought again by then.
    fn waiting(&self, days: i64) -> usize {
        self.count(|it| it.from + days <= self.present && it.next.is_none_or(|next| next > it.from + days))
    }

    fn at_risk(&self, day: i64) -> usize {
        self.count(|it| it.from + day <= self.present && it.next.is_none_or(|next| next >= it.from + day))
    }

    fn came(&self, day: i64) -> usize {
        self.count(|it| it.next == Some(it.from + day))
    }

    /// Day by day, of those who still waited, the part that did not come.
    fn left(&self, from: i64, to: i64) -> f64 {
        (from + 1..=to).map(|day| 1.0 - self.came(day) as f64 / self.at_risk(day).max(1) as f64).product()
    }

    fn is_told(&self, told: &Value) {
        let again = self.count(|it| it.next.is_some());
        assert_eq!((&told["people"], &told["bought_again"]), (&json!(self.all.len()), &json!(again)));
        assert_eq!(told["verdict"], json!(null), "{told}");
        for row in told["weeks"].as_array().unwrap() {
            let days = 7 * row["weeks"].as_i64().unwrap();
            assert_eq!(row["waiting"], json!(self.waiting(days)), "{row}");
            if let Some(share) = row["share"]["value"].as_f64() {
                assert!((share - 1.0 + self.left(0, days)).abs() < 1e-9, "{row}");
            }
        }
        assert!(told["weeks"][3]["share"].is_object() && told["curve"].as_array().unwrap().len() >= 8, "{told}");
        let half = (1..400).find(|days| self.left(0, *days) <= 0.5).unwrap();
        assert_eq!(told["half"]["days"], json!(half));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_people_buy_again_is_told_as_by_hand_without_those_who_refused_and_leads_to_its_people() {
    let world = World::with(&[("session.idle_hours", "100000"), ("session.days", "4000")]).await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("shop", None).await;
    let mut events: Vec<Value> = (0..REGULARS).flat_map(|n| life(&world, n)).collect();
    events.extend(newcomers(&world));
    for part in events.chunks(400) {
        let answer = world.collect("/v1/batch", &key, json!({ "batch": part }).to_string()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    }
    happen(&world, &key, Vec::new()).await;
    world.app.pipeline.settle().await.unwrap();
    let names: Vec<(i64, String)> = {
        let text = sql!("SELECT person, value FROM identifiers WHERE kind = 'user_id'");
        world.app.installation.store.read().fetch_all(text, args![]).await.unwrap()
    };
    let names: BTreeMap<String, String> = names.into_iter().map(|(person, user)| (person.to_string(), user)).collect();
    let refused = ["c0", "n0"];
    for (person, _) in names.iter().filter(|it| refused.contains(&it.1.as_str())) {
        note(&world, &owner, person, "denied").await;
    }
    only(&world, &["churn"]).await;
    let settings = json!({"settings": {"horizon_weeks": 6, "active_weeks": 12}, "is_paused": false});
    assert_eq!(call(&world, &owner, Method::PUT, CHURN, settings).await.status, StatusCode::OK);
    settle(&world).await;
    let model = get(&world, &owner, CHURN).await;
    assert_eq!((&model["live"]["version"], &model["verdict"]), (&json!(1), &json!(null)), "{model}");
    let figures = get(&world, &owner, &format!("{CHURN}/risks")).await;
    let when = &figures["when"];
    assert_eq!(when["left_out"], json!(refused.len()), "{when}");

    // All of it by hand: everybody once, from the first purchase since a horizon after the data began.
    let present = day(&format!("{}T12:00:00Z", figures["as_of"].as_str().unwrap()));
    let purchases = purchases(&events, &refused);
    let since = purchases.values().map(|days| days[0]).min().unwrap() + 42;
    assert_eq!(day(&format!("{}T12:00:00Z", when["since"].as_str().unwrap())), since);
    let all = ByHand::of(&purchases, since, present);
    let [new, returning] = [true, false].map(|is_new| all.only(is_new));
    assert_eq!((new.all.len(), new.count(|it| it.next.is_some())), (119, 80));
    for (told, own) in [("all", &all), ("new", &new), ("returning", &returning)] {
        own.is_told(&when[told]);
    }
    let expected: f64 =
        (1..400).map(|day| all.came(day) as f64 * new.at_risk(day) as f64 / all.at_risk(day).max(1) as f64).sum();
    assert!((when["difference"]["new_expected"].as_f64().unwrap() - expected).abs() < 1e-6, "{expected}: {when}");
    assert!((0.0..=1.0).contains(&when["difference"]["p"].as_f64().unwrap()));

    // From which day on fewer than one in ten still come within six weeks, as long as thirty can be watched for them; and who has waited so long.
    let watched = |days: i64| {
        all.count(|it| it.next.is_none_or(|next| next > it.from + days) && it.from + days + 42 <= present) >= 30
    };
    let shares: Vec<f64> =
        (0..400).take_while(|days| watched(*days)).map(|days| 1.0 - all.left(days, days + 42)).collect();
    let lapse = (0..shares.len()).find(|at| shares[*at..].iter().all(|it| *it < 0.1)).unwrap();
    assert_eq!(when["lapse"]["days"], json!(lapse));
    assert!((when["lapse"]["share"]["value"].as_f64().unwrap() - shares[lapse]).abs() < 1e-9, "{when}");
    let lapse = i64::try_from(lapse).unwrap();
    let users = async |query: &str| -> Vec<String> {
        let rows = people(&world, &owner, query).await;
        let mut users: Vec<String> =
            rows.iter().map(|it| names[it["customer"]["person_id"].as_str().unwrap()].clone()).collect();
        users.sort();
        users
    };
    let by_hand = |is_one: &dyn Fn(i64) -> bool| -> Vec<String> {
        let ago = |days: &Vec<i64>| present - days[days.len() - 1];
        purchases.iter().filter(|(_, days)| is_one(ago(days))).map(|(user, _)| user.clone()).collect()
    };
    let lapsed = by_hand(&|ago| ago >= lapse);
    assert_eq!(users("lapse=lapsed").await, lapsed);
    assert_eq!(when["lapse"]["lapsed"], json!(lapsed.len()));
    let lapsing = by_hand(&|ago| ago < lapse && ago >= lapse - 28);
    assert_eq!(users("lapse=lapsing").await, lapsing);
    assert_eq!(when["lapse"]["lapsing"], json!(lapsing.len()));
    assert!(lapsed.contains(&"n3".to_owned()) && !lapsing.is_empty());
    for query in ["lapse=gone", "lapse=lapsed&trigger=complained", "lapse=lapsed&of=market"] {
        let answer = world.get(&format!("{CHURN}/people?{query}"), &owner.reads()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
    }

    // Whoever buys again has not lapsed any more, once people are scored again.
    world.clock.advance(2 * Timestamp::DAY);
    let order = track("again", "n3", "Order Completed", json!({"order_id": "again", "currency": "EUR", "revenue": 30}));
    happen(&world, &key, vec![order]).await;
    world.app.pipeline.settle().await.unwrap();
    settle(&world).await;
    assert!(!users("lapse=lapsed").await.contains(&"n3".to_owned()));
}
