//! Propensities at work: a purchase, a category, an event and a condition foretold of a shop of which all is known; audiences, facts, people, segments, changes, deletion,
//! what then came, who may what, and hostile settings.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_server::auth::Role;
use rapport_server::installation::MIGRATIONS;
use rapport_server::modelling;
use rapport_server::records::workspaces::FIRST;
use rapport_store::testing::{TestDatabase, on_postgres, on_sqlite};
use rapport_store::{Priority, Queries, args, sql};
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, launch, track};
use crate::models::{count_of, only, people_of};
use crate::models_asked::people_by;
use crate::world::{Browser, World};

const ALL: &str = "/api/v1/models/propensities";
const PEOPLE: i64 = 500;
/// Weeks of the past, the last of which is judged.
const WEEKS: i64 = 8;

/// A number below 100, by chance but always the same.
fn roll(n: i64, week: i64, salt: u64) -> u64 {
    let mut mixed = (n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        ^ (week as u64 + 1).wrapping_mul(0xD1B5_4A32_D192_ED03)
        ^ salt << 40;
    mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (mixed ^ (mixed >> 32)) % 100
}

/// How eager somebody is: 0 to 3. The more so, the more of everything they do.
fn eager(n: i64) -> usize {
    usize::try_from(n % 4).unwrap()
}

/// Whether somebody bought shoes in a week, so many weeks ago; one in ten of these orders of the last week was called off.
fn bought_shoes(n: i64, week: i64) -> bool {
    roll(n, week, 1) < [5, 20, 45, 75][eager(n)]
}

fn called_off(n: i64, week: i64) -> bool {
    week == 0 && n % 10 == 3
}

fn bought_hats(n: i64, week: i64) -> bool {
    roll(n, week, 2) < 30
}

/// The campaign whose message they clicked.
fn clicked(n: i64, week: i64) -> Option<&'static str> {
    let chance = roll(n, week, 3);
    if chance < [5, 15, 40, 70][eager(n)] { Some("spring") } else { (chance > 85).then_some("autumn") }
}

/// How many weeks ago they went to the dear plan.
fn upgraded(n: i64) -> Option<i64> {
    (0..5).rev().find(|week| roll(n, *week, 4) < [2, 8, 18, 30][eager(n)])
}

/// Everything that somebody did.
fn deeds(world: &World, n: i64) -> Vec<Value> {
    let user = format!("c{n}");
    let mut found = Vec::new();
    let mut tell = |mut event: Value, week: i64, day: i64| {
        event["timestamp"] = json!(world.clock_now().plus(-(7 * week + day) * Timestamp::DAY).to_rfc3339());
        found.push(event);
    };
    let plan = |plan: &str| json!({"type": "identify", "userId": user, "messageId": format!("i{n}{plan}"), "traits": {"plan": plan}});
    tell(plan("free"), WEEKS - 1, 6);
    if let Some(week) = upgraded(n) {
        tell(plan("pro"), week, n % 6);
    }
    for week in 0..WEEKS {
        for day in 0..=(n % 4) {
            tell(track(&format!("v{n}-{week}-{day}"), &user, "Page Viewed", json!({})), week, day);
        }
        for (is_bought, category) in [(bought_shoes(n, week), "Shoes"), (bought_hats(n, week), "Hats")] {
            if is_bought {
                let id = format!("{category}{n}-{week}");
                // Every other line does not say what the shop said of the same item elsewhere.
                let mut line = json!({"product_id": format!("{category}-{}", n % 5), "price": 40});
                if (n / 5 + week) % 2 == 0 {
                    line["category"] = json!(category);
                }
                let order = json!({"order_id": id, "currency": "EUR", "revenue": 40, "products": [line]});
                tell(track(&id, &user, "Order Completed", order), week, n % 7);
                if category == "Shoes" && called_off(n, week) {
                    tell(track(&format!("x{id}"), &user, "Order Cancelled", json!({"order_id": id})), week, 0);
                }
            }
        }
        if let Some(campaign) = clicked(n, week) {
            let what = json!({"campaign": campaign});
            tell(track(&format!("m{n}-{week}"), &user, "Message Clicked", what), week, n % 7);
        }
    }
    found
}

async fn fill(world: &World) {
    let (key, _) = world.write_key("shop", None).await;
    let all: Vec<Value> = (0..PEOPLE).flat_map(|n| deeds(world, n)).collect();
    for part in all.chunks(400) {
        let answer = world.collect("/v1/batch", &key, json!({ "batch": part }).to_string()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    }
    happen(world, &key, Vec::new()).await;
    world.app.pipeline.settle().await.unwrap();
}

async fn settle(world: &World) {
    modelling::settle(&world.app.installation).await.unwrap();
}

/// Makes one that looks a week ahead, and scores by it.
async fn made(world: &World, owner: &Browser, name: &str, label: Value, audience: Value) -> Value {
    let settings = json!({"name": name, "label": label, "horizon_weeks": 1, "audience": audience});
    let made = call(world, owner, Method::POST, ALL, json!({"settings": settings})).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text());
    let made = made.json();
    assert_eq!((&made["model"]["fit"]["state"], &made["figures"]), (&json!("queued"), &json!(null)));
    made
}

fn judged(model: &Value) -> (u64, u64) {
    let metrics = &model["live"]["metrics"];
    assert!(metrics["auc"]["low"].as_f64().unwrap_or_default() > 0.5, "{model}");
    (metrics["people"].as_u64().unwrap(), metrics["came"].as_f64().unwrap() as u64)
}

fn count(which: impl Fn(i64) -> bool) -> u64 {
    (0..PEOPLE).filter(|n| which(*n)).count() as u64
}

#[test]
fn all_that_people_may_do_is_foretold_and_leads_to_them_on_sqlite() {
    on_sqlite(MIGRATIONS.to_vec(), foretold);
}

#[test]
fn all_that_people_may_do_is_foretold_and_leads_to_them_on_postgres() {
    on_postgres(MIGRATIONS.to_vec(), foretold);
}

async fn foretold(database: TestDatabase) {
    let world = World::over_with(&database, &[("session.idle_hours", "100000"), ("session.days", "4000")]).await;
    let owner = world.browser(Role::Owner).await;
    fill(&world).await;
    only(&world, &[]).await;
    let of = async |key: &str| get(&world, &owner, &format!("/api/v1/models/propensity.{key}")).await;

    made(&world, &owner, "Next purchase", json!({"kind": "purchase"}), json!(null)).await;
    made(&world, &owner, "Shoes", json!({"kind": "category", "category": "Shoes"}), json!(null)).await;
    let spring = json!({"kind": "event", "event": "Message Clicked", "where": "campaign = spring"});
    let clicks = made(&world, &owner, "Clicks", spring, json!(null)).await;
    assert_eq!(clicks["label_text"], "campaign = spring", "{clicks}");
    let pro = json!({"kind": "condition", "condition": "trait plan = pro"});
    let upgrade = made(&world, &owner, "Upgrade", pro, json!("performed \"Order Completed\"")).await;
    assert_eq!((&upgrade["key"], &upgrade["fact"]), (&json!("upgrade"), &json!("propensity.upgrade")));
    assert_eq!(upgrade["audience_text"], "performed \"Order Completed\"");
    settle(&world).await;

    // What it was judged by is what really happened, to the person.
    let shoes = |n: i64| bought_shoes(n, 0) && !called_off(n, 0);
    assert_eq!(judged(&of("next_purchase").await), (PEOPLE as u64, count(|n| shoes(n) || bought_hats(n, 0))));
    assert_eq!(judged(&of("shoes").await), (PEOPLE as u64, count(shoes)), "lines that leave the category out too");
    assert_eq!(judged(&of("clicks").await), (PEOPLE as u64, count(|n| clicked(n, 0) == Some("spring"))));
    let had_bought = |n: i64, until: i64| (until..WEEKS).any(|week| bought_shoes(n, week) || bought_hats(n, week));
    let is_asked = |n: &i64| had_bought(*n, 1) && upgraded(*n).is_none_or(|week| week == 0);
    let asked: Vec<i64> = (0..PEOPLE).filter(is_asked).collect();
    let came = asked.iter().filter(|n| upgraded(**n) == Some(0)).count();
    assert_eq!(judged(&of("upgrade").await), (asked.len() as u64, came as u64));

    // Whoever is on the plan already, or never bought, is not scored; the others are, and each figure leads to its people.
    let figures = get(&world, &owner, "/api/v1/models/propensity.upgrade/chances").await;
    let all = people_of(&world, &owner, "propensity.upgrade", "").await;
    let now: Vec<i64> = (0..PEOPLE).filter(|n| had_bought(*n, 0) && upgraded(*n).is_none()).collect();
    assert_eq!((figures["people"].as_u64().unwrap(), all.len()), (now.len() as u64, now.len()), "{figures}");
    assert_eq!(figures["already"], json!(count(|n| had_bought(n, 0) && upgraded(n).is_some())));
    assert_eq!(figures["others"], json!(count(|n| !had_bought(n, 0))));
    for level in figures["levels"].as_array().unwrap() {
        let behind =
            people_of(&world, &owner, "propensity.upgrade", &format!("part={}", level["level"].as_str().unwrap()))
                .await;
        assert_eq!(level["people"], json!(behind.len()), "{level}");
    }
    for band in figures["bands"].as_array().unwrap() {
        let query = format!("from={}&to={}", band["from"], band["to"]);
        assert_eq!(
            band["people"],
            json!(people_of(&world, &owner, "propensity.upgrade", &query).await.len()),
            "{band}"
        );
    }
    let first = &all[0];
    let detail = &first["score"]["chance"];
    assert!(
        detail["chance"].as_f64().unwrap() > 0.0
            && first["score"]["risk"].is_null()
            && first["score"]["detail"].is_null()
    );
    // The customer's own list names them.
    let person = first["customer"]["person_id"].as_str().unwrap();
    let scores = get(&world, &owner, &format!("/api/v1/customers/{person}/scores")).await;
    let names: BTreeSet<&str> =
        scores["rows"].as_array().unwrap().iter().filter_map(|it| it["name"].as_str()).collect();
    assert_eq!(names, BTreeSet::from(["Clicks", "Next purchase", "Shoes", "Upgrade"]));

    // It is a fact like any other.
    assert_eq!(count_of(&world, "propensity.upgrade", "scores").await, all.len() as i64);
    let told: i64 = {
        let text = sql!("SELECT COUNT(*) FROM facts WHERE fact_key = 'propensity.upgrade'");
        world.app.installation.store.read().scalar(text, args![]).await.unwrap()
    };
    assert_eq!(told, all.len() as i64);
    let body = json!({"key": "likely", "name": "Likely", "text": "fact propensity.upgrade >= 0"});
    let saved = call(&world, &owner, Method::POST, "/api/v1/segments", body).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    let size = async || {
        rapport_server::keeper::fill_workspace(&world.app.installation, FIRST).await.unwrap();
        get(&world, &owner, "/api/v1/segments").await["rows"][0]["size"].as_u64().unwrap()
    };
    assert_eq!(size().await, all.len() as u64);

    // Questions are of those of whom it is said, and are taken apart by it.
    let by_chance = people_by(&world, &owner, "propensity.upgrade", Value::Null).await;
    assert_eq!(by_chance.get("(not set)"), Some(&(PEOPLE as u64 - all.len() as u64)), "{by_chance:?}");
    let who = json!({"fact": {"key": "propensity.upgrade", "op": "at_least", "value": 0}});
    let meant = people_by(&world, &owner, "propensity.upgrade", who).await;
    assert_eq!((meant.values().sum::<u64>(), meant.get("(not set)")), (all.len() as u64, None), "{meant:?}");

    // The list in short; versions and cards are as of any model.
    let list = get(&world, &owner, ALL).await;
    let keys: Vec<&str> = list["rows"].as_array().unwrap().iter().map(|it| it["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["clicks", "next_purchase", "shoes", "upgrade"]);
    assert_eq!(list["rows"][3]["figures"]["people"], json!(all.len()));
    let card = world.get("/api/v1/models/propensity.upgrade/versions/1/card", &owner.reads()).await;
    assert!(card.text().contains("Who comes to fulfil: trait plan = pro, in the next 1 weeks"), "{}", card.text());
    assert!(card.text().contains("Who was not of those asked about: performed \"Order Completed\"."));

    // Something else foretold is fitted at once, though nothing happened since; another name is not.
    let change = async |name: &str, weeks: u32| {
        let settings = json!({"name": name, "label": {"kind": "purchase"}, "horizon_weeks": weeks});
        let path = format!("{ALL}/next_purchase");
        let answer = call(&world, &owner, Method::PUT, &path, json!({"settings": settings, "is_paused": false})).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        settle(&world).await;
        of("next_purchase").await["live"].clone()
    };
    assert_eq!(change("Buys again", 1).await["version"], 1);
    let live = change("Buys again", 2).await;
    assert_eq!((&live["version"], &live["against"]), (&json!(2), &json!(null)), "there is nothing to compare");

    // Deleted, nothing of it is left with anybody.
    let delete =
        async |key: &str| call(&world, &owner, Method::DELETE, &format!("{ALL}/{key}"), Value::Null).await.status;
    assert_eq!((delete("upgrade").await, delete("upgrade").await), (StatusCode::NO_CONTENT, StatusCode::NOT_FOUND));
    assert_eq!(world.get("/api/v1/models/propensity.upgrade", &owner.reads()).await.status, StatusCode::NOT_FOUND);
    settle(&world).await;
    assert_eq!(count_of(&world, "propensity.upgrade", "scores").await, 0);
    assert_eq!(count_of(&world, "propensity.upgrade", "versions").await, 0);
    assert_eq!(size().await, 0, "segments let go of them");
    parted_by_a_journey(&world, &owner).await;
    what_then_came(&world, &owner).await;
}

async fn user_of(world: &World, row: &Value) -> String {
    let person: i64 = row["customer"]["person_id"].as_str().unwrap().parse().unwrap();
    let text = sql!("SELECT value FROM identifiers WHERE kind = 'user_id' AND person = $1");
    world.app.installation.store.read().scalar(text, args![person]).await.unwrap()
}

/// Whoever probably buys shoes goes one way, whoever probably does not the other.
async fn parted_by_a_journey(world: &World, owner: &Browser) {
    let all = people_of(world, owner, "propensity.shoes", "").await;
    let chance = |row: &Value| row["score"]["chance"]["chance"].as_f64().unwrap();
    let (most, least) = (all.first().unwrap(), all.last().unwrap());
    let middle = (500_000.0 * (chance(most) + chance(least))).round() / 1_000_000.0;
    let when = json!({"fact": {"key": "propensity.shoes", "op": "at_least", "value": middle}});
    let note = |name: &str| json!({"id": name, "step": {"set_trait": {"name": "offer", "value": name, "next": null}}});
    let definition = json!({"entry": {"event": {"name": "Signed Up"}}, "start": "choose", "nodes": [
        {"id": "choose", "step": {"branch": {"paths": [{"name": "likely", "when": when, "next": "likely"}], "otherwise": "unlikely"}}},
        note("likely"), note("unlikely")]});
    let journey = launch(world, owner, json!({"name": "Shoes", "definition": definition})).await;
    let (key, _) = world.write_key("web", None).await;
    for (row, expected) in [(most, (1, 0)), (least, (1, 1))] {
        let user = user_of(world, row).await;
        happen(world, &key, vec![track(&format!("j-{user}"), &user, "Signed Up", json!({}))]).await;
        let report = get(world, owner, &format!("/api/v1/journeys/{journey}/report")).await;
        let entered = |id: &str| {
            let node = report["nodes"].as_array().unwrap().iter().find(|it| it["node"] == id);
            node.map_or(0, |it| it["entered"].as_i64().unwrap())
        };
        assert_eq!((entered("likely"), entered("unlikely")), expected, "{report}");
    }
}

/// A week later the first version stands beside who then clicked, to the person.
async fn what_then_came(world: &World, owner: &Browser) {
    const MODEL: &str = "propensity.clicks";
    /// A week that is none of those of the past.
    const AFTER: i64 = 100;
    let mut tx = world.app.installation.store.begin(Priority::Interactive).await.unwrap();
    tx.execute(sql!("UPDATE models SET is_paused = TRUE WHERE model <> $1"), args![MODEL]).await.unwrap();
    tx.commit().await.unwrap();
    let foretold: f64 = {
        let all = people_of(world, owner, MODEL, "").await;
        all.iter().map(|it| it["score"]["chance"]["chance"].as_f64().unwrap()).sum()
    };
    let (key, _) = world.write_key("later", None).await;
    let start = world.clock_now();
    let clicks = (0..PEOPLE).filter_map(|n| Some((n, clicked(n, AFTER)?))).map(|(n, campaign)| {
        let mut event =
            track(&format!("m{n}-after"), &format!("c{n}"), "Message Clicked", json!({"campaign": campaign}));
        event["timestamp"] = json!(start.plus((1 + n % 6) * Timestamp::DAY).to_rfc3339());
        event
    });
    world.clock.advance(7 * Timestamp::DAY);
    let seen = track("seen-after", "c0", "Page Viewed", json!({}));
    happen(world, &key, clicks.chain([seen]).collect()).await;
    world.app.pipeline.settle().await.unwrap();
    settle(world).await;
    let versions = get(world, owner, &format!("/api/v1/models/{MODEL}/versions")).await["rows"].clone();
    assert_eq!((&versions[0]["version"], &versions[0]["came"]), (&json!(2), &json!(null)), "{versions}");
    let told = &versions[1]["came"];
    let came = count(|n| clicked(n, AFTER) == Some("spring"));
    assert_eq!((&told["came"], &told["weeks"]), (&json!(came as f64), &json!(1.0)), "{versions}");
    // Since they were told of it two of them did something else on the same day.
    assert!((told["said"].as_f64().unwrap() / foretold - 1.0).abs() < 0.05, "{foretold}: {told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_little_data_is_a_sentence_and_nonsense_leaves_no_trace() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let create = async |body: Value| call(&world, &owner, Method::POST, ALL, body).await;
    let purchase = json!({"name": "Next", "label": {"kind": "purchase"}});
    for (settings, place) in [
        (json!({"name": "", "label": {"kind": "purchase"}}), "settings.name"),
        (json!({"name": "a"}), "settings"),
        (json!({"name": "a", "label": {"kind": "magic"}}), "settings"),
        (json!({"name": "a", "label": {"kind": "category", "category": " "}}), "settings.label.category"),
        (
            json!({"name": "a", "label": {"kind": "event", "event": "X", "where": "trait plan = pro"}}),
            "settings.label.where",
        ),
        (
            json!({"name": "a", "label": {"kind": "condition", "condition": "plan is pro ("}}),
            "settings.label.condition",
        ),
        (
            json!({"name": "a", "label": {"kind": "condition", "condition": {"sql": "DROP TABLE models"}}}),
            "settings.label.condition",
        ),
        (json!({"name": "a", "label": {"kind": "purchase"}, "audience": "in segment nowhere"}), ""),
        (json!({"name": "a", "label": {"kind": "purchase"}, "horizon_weeks": 53}), "settings.horizon_weeks"),
        (json!({"name": "a", "label": {"kind": "purchase"}, "active_weeks": 0}), "settings.active_weeks"),
        (json!([]), "settings"),
    ] {
        let answer = create(json!({"key": "a", "settings": settings})).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{settings}: {}", answer.text());
        assert!(answer.json()["detail"].as_str().unwrap().starts_with(place), "{settings}: {}", answer.text());
    }
    for key in ["", "A", "a-b", "9a", "a.b", &"x".repeat(41)] {
        let answer = create(json!({"key": key, "settings": purchase})).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{key}: {}", answer.text());
    }
    // What it says cannot be what it is about, also by way of a segment.
    let segment = json!({"key": "sure", "name": "Sure", "text": "fact propensity.own > 0.5"});
    let saved = call(&world, &owner, Method::POST, "/api/v1/segments", segment).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    for audience in ["fact propensity.own > 0.5", "in segment sure"] {
        let settings = json!({"name": "Own", "label": {"kind": "purchase"}, "audience": audience});
        let answer = create(json!({"key": "own", "settings": settings})).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{audience}");
        let other = create(json!({"key": "other", "settings": settings})).await;
        assert_eq!(other.status, StatusCode::OK, "{audience}: of another it may ask: {}", other.text());
        let gone = call(&world, &owner, Method::DELETE, &format!("{ALL}/other"), Value::Null).await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(get(&world, &owner, ALL).await["rows"], json!([]), "nothing was left behind");

    let made = create(json!({"settings": purchase})).await;
    assert_eq!((made.status, &made.json()["key"]), (StatusCode::OK, &json!("next")), "{}", made.text());
    assert_eq!(create(json!({"key": "next", "settings": purchase})).await.json()["code"], "propensity_key_taken");
    settle(&world).await;
    let model = get(&world, &owner, "/api/v1/models/propensity.next").await;
    assert_eq!((&model["live"], &model["verdict"]["code"]), (&json!(null), &json!("too_little_time")), "{model}");
    let chances = "/api/v1/models/propensity.next/chances";
    assert_eq!(world.get(chances, &owner.reads()).await.status, StatusCode::NOT_FOUND);
    for path in ["overview", "risks", "groups?by=market"] {
        let answer = world.get(&format!("/api/v1/models/propensity.next/{path}"), &owner.reads()).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    // Through the door of all models it is checked as through its own.
    let put = async |settings: Value| {
        let path = "/api/v1/models/propensity.next";
        call(&world, &owner, Method::PUT, path, json!({"settings": settings, "is_paused": true})).await
    };
    assert_eq!(put(json!({"name": "a", "label": {"kind": "magic"}})).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let own = json!({"name": "a", "label": {"kind": "purchase"}, "audience": "fact propensity.next > 0.5"});
    assert_eq!(put(own).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(put(purchase.clone()).await.json()["is_paused"], true);
    // No more than twenty.
    for n in 2..=20 {
        let answer = create(json!({"settings": purchase})).await;
        assert_eq!(answer.json()["key"], format!("next_{n}"), "{}", answer.text());
    }
    assert_eq!(create(json!({"settings": purchase})).await.json()["code"], "too_many_propensities");
    // Who may see, and who may not.
    let viewer = world.browser(Role::Viewer).await;
    assert_eq!(get(&world, &viewer, ALL).await["rows"].as_array().unwrap().len(), 20);
    for (method, path) in
        [(Method::POST, ALL.to_owned()), (Method::PUT, format!("{ALL}/next")), (Method::DELETE, format!("{ALL}/next"))]
    {
        let body = match method {
            Method::POST => json!({"settings": purchase}),
            Method::PUT => json!({"settings": purchase, "is_paused": true}),
            _ => Value::Null,
        };
        let refused = call(&world, &viewer, method.clone(), &path, body).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{method} {path}");
    }
    assert_eq!(world.get(&format!("{ALL}/nothing"), &owner.reads()).await.status, StatusCode::NOT_FOUND);
}
