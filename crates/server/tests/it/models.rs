//! Models at work: from orders to versions, scores, facts and people; held versions, verdicts, jobs that were cut off.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_server::auth::Role;
use rapport_server::installation::MIGRATIONS;
use rapport_server::modelling::{self, FACTS, FIT, FOUNDED, LEASE, SCORE};
use rapport_server::records::workspaces::FIRST;
use rapport_server::sample_shop::TRUTH;
use rapport_store::testing::{TestDatabase, on_postgres, on_sqlite};
use rapport_store::{Priority, Queries, args, sql};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::engaging::{call, get};
use crate::models_asked::people_by;
use crate::models_truth::recovered;
use crate::world::{Browser, World};

const VALUE: &str = "/api/v1/models/value";

async fn people(world: &World, owner: &Browser, query: &str) -> Vec<Value> {
    people_of(world, owner, "value", query).await
}

/// All people with what a model says of them.
pub async fn people_of(world: &World, owner: &Browser, model: &str, query: &str) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = get(world, owner, &format!("/api/v1/models/{model}/people?limit=500&{query}&cursor={cursor}")).await;
        all.extend(page["rows"].as_array().unwrap().clone());
        match page["next"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => {
                assert_eq!(page["total"], json!(all.len()), "{query}");
                return all;
            }
        }
    }
}

fn amount(row: &Value) -> f64 {
    row["score"]["score"].as_str().unwrap().parse().unwrap()
}

async fn count(world: &World, table: &str) -> i64 {
    count_of(world, "value", table).await
}

/// How many scores or versions of a model there are, or else facts that it told.
pub async fn count_of(world: &World, model: &str, table: &str) -> i64 {
    let (text, whose) = match table {
        "scores" => (sql!("SELECT COUNT(*) FROM scores WHERE model = $1"), model.to_owned()),
        "versions" => (sql!("SELECT COUNT(*) FROM model_versions WHERE model = $1"), model.to_owned()),
        _ => (sql!("SELECT COUNT(*) FROM facts WHERE fact_key LIKE $1"), format!("{model}.%")),
    };
    world.app.installation.store.read().scalar(text, args![whose]).await.unwrap()
}

async fn settle(world: &World) {
    modelling::settle(&world.app.installation).await.unwrap();
}

/// Whether a buyer of the sample shop will buy again, by customer number.
pub fn truth(world: &World) -> BTreeMap<String, bool> {
    let text = std::fs::read_to_string(world.app.installation.folder.join(TRUTH)).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.map(|it| (it["user_id"].as_str().unwrap().to_owned(), it["alive_at_end"].as_bool().unwrap())).collect()
}

#[test]
fn the_sample_shop_is_scored_and_every_figure_leads_to_its_people_on_sqlite() {
    on_sqlite(MIGRATIONS.to_vec(), scored);
}

#[test]
fn the_sample_shop_is_scored_and_every_figure_leads_to_its_people_on_postgres() {
    on_postgres(MIGRATIONS.to_vec(), scored);
}

async fn scored(database: TestDatabase) {
    // Days pass.
    let world = World::over_with(&database, &[("session.idle_hours", "100000"), ("session.days", "4000")]).await;
    let owner = world.browser(Role::Owner).await;
    assert_eq!(get(&world, &owner, "/api/v1/models").await["rows"], json!([]), "nobody bought yet");
    world.fill(700, 3).await;
    world.app.pipeline.settle().await.unwrap();
    only(&world, &["value"]).await;
    settle(&world).await;
    let model = get(&world, &owner, VALUE).await;
    assert_eq!((&model["live"]["version"], &model["held"], &model["verdict"]), (&json!(1), &json!(null), &json!(null)));
    assert_eq!((&model["fit"]["state"], &model["scoring"]["state"]), (&json!("done"), &json!("done")));
    assert_eq!(model["live"]["choice"]["tried"].as_array().unwrap().len(), 3);
    let metrics = &model["live"]["metrics"];
    assert!(metrics["auc"]["value"].as_f64().unwrap() > 0.6, "{metrics}");
    assert!(metrics["bias"]["value"].as_f64().unwrap().abs() < 0.4, "{metrics}");

    // The figures, and the people behind each.
    let figures = get(&world, &owner, &format!("{VALUE}/overview")).await;
    let all = people(&world, &owner, "").await;
    assert_eq!(figures["people"], json!(all.len()));
    assert_eq!(count(&world, "scores").await, all.len() as i64);
    let total: f64 = all.iter().map(amount).sum();
    assert!((figures["value"]["value"].as_f64().unwrap() - total).abs() < 0.01, "{total} {}", figures["value"]);
    assert!(all.windows(2).all(|pair| amount(&pair[0]) >= amount(&pair[1])));
    let cell = figures["matrix"].as_array().unwrap().iter().max_by_key(|it| it["people"].as_u64()).unwrap();
    let behind = people(&world, &owner, &format!("part={}", cell["part"].as_str().unwrap())).await;
    assert_eq!(cell["people"], json!(behind.len()));
    let cohort = &figures["cohorts"][0];
    let behind = people(&world, &owner, &format!("cohort={}", cohort["cohort"].as_str().unwrap())).await;
    assert_eq!(cohort["people"], json!(behind.len()));
    let best = people(&world, &owner, "tenth=10").await;
    assert_eq!(figures["tenths"][0]["people"], json!(best.len()));
    let band = figures["bands"].as_array().unwrap().iter().max_by_key(|it| it["people"].as_u64()).unwrap();
    let behind = people(&world, &owner, &format!("from={}&to={}&order=lowest", band["from"], band["to"])).await;
    assert_eq!(band["people"], json!(behind.len()));
    for (query, code) in [("tenth=11", 422), ("order=best", 422), ("tenth=x", 400), ("cursor=!", 400)] {
        let answer = world.get(&format!("{VALUE}/people?{query}"), &owner.reads()).await;
        assert_eq!(answer.status.as_u16(), code, "{query}: {}", answer.text());
    }

    // What is said of one, with reasons, is what the list says; conditions see it.
    let first = &best[0];
    let person = first["customer"]["person_id"].as_str().unwrap();
    let scores = get(&world, &owner, &format!("/api/v1/customers/{person}/scores")).await;
    let of_value = scores["rows"].as_array().unwrap().iter().find(|it| it["model"] == "value");
    assert_eq!(of_value, Some(&first["score"]));
    assert!(!first["score"]["detail"]["reasons"].as_array().unwrap().is_empty());
    let body = json!({"key": "best", "name": "Worth most", "text": "fact value.tenth = 10"});
    let saved = call(&world, &owner, Method::POST, "/api/v1/segments", body).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    rapport_server::keeper::fill_workspace(&world.app.installation, FIRST).await.unwrap();
    let segments = get(&world, &owner, "/api/v1/segments").await;
    assert_eq!(segments["rows"][0]["size"], json!(best.len()), "{segments}");
    // So do questions: whose events are counted, and by what they are taken apart.
    let ten = || ("10".to_owned(), best.len() as u64);
    let by_tenth = people_by(&world, &owner, "value.tenth", Value::Null).await;
    assert_eq!(by_tenth.get("10"), Some(&ten().1), "{by_tenth:?}");
    let scored = by_tenth.iter().filter(|it| it.0.parse::<u8>().is_ok()).map(|it| it.1).sum::<u64>();
    assert_eq!(scored, all.len() as u64, "{by_tenth:?}");
    let who = json!({"fact": {"key": "value.tenth", "op": "at_least", "value": 10}});
    assert_eq!(people_by(&world, &owner, "value.tenth", who).await, BTreeMap::from([ten()]));
    let groups = get(&world, &owner, &format!("{VALUE}/groups?by=segment")).await;
    assert_eq!((&groups["rows"][0]["key"], &groups["rows"][0]["people"]), (&json!("best"), &json!(best.len())));
    let sources = get(&world, &owner, &format!("{VALUE}/groups?by=source")).await;
    assert!(sources["rows"].as_array().unwrap().len() >= 3, "{sources}");
    let shares: f64 = sources["rows"].as_array().unwrap().iter().map(|it| it["share"].as_f64().unwrap()).sum();
    assert!(shares > 0.3 && shares <= 1.0 + 1e-9, "{sources}");
    // Each group leads to its people, of whom the sum is what it is worth.
    for by in ["source", "market", "segment"] {
        let groups = get(&world, &owner, &format!("{VALUE}/groups?by={by}")).await;
        for group in groups["rows"].as_array().unwrap().iter().take(3) {
            let behind = people(&world, &owner, &format!("of={by}&group={}", group["key"].as_str().unwrap())).await;
            assert_eq!(group["people"], json!(behind.len()), "{group}");
            let sum: f64 = behind.iter().map(amount).sum();
            assert!((sum - group["value"].as_f64().unwrap()).abs() < 0.01, "{sum} {group}");
            assert!(behind.windows(2).all(|pair| amount(&pair[0]) >= amount(&pair[1])));
        }
    }
    assert!(people(&world, &owner, "of=source&group=nowhere").await.is_empty());
    for query in ["of=moon&group=x", "of=source&group=google&tenth=10"] {
        let answer = world.get(&format!("{VALUE}/people?{query}"), &owner.reads()).await;
        assert_eq!(answer.status.as_u16(), 422, "{query}: {}", answer.text());
    }
    assert_eq!(world.get(&format!("{VALUE}/groups?by=moon"), &owner.reads()).await.status.as_u16(), 422);

    // Who is there according to the model really is, more often than not. As many as it says are not: the shop's customers, who do as no model assumes, are half of them
    // still there (266 of the 528 who may be looked at), and it says 35 %. The guide tells so.
    let truth = truth(&world);
    let (mut said, mut came, mut there, mut gone) = (0.0, 0.0, Vec::new(), Vec::new());
    let numbers: Vec<(i64, String)> = {
        let text = sql!("SELECT person, value FROM identifiers WHERE kind = 'user_id'");
        world.app.installation.store.read().fetch_all(text, args![]).await.unwrap()
    };
    let numbers: BTreeMap<String, String> = numbers.into_iter().map(|(a, b)| (a.to_string(), b)).collect();
    for row in &all {
        let is_there = truth[&numbers[row["customer"]["person_id"].as_str().unwrap()]];
        let alive = row["score"]["detail"]["alive"].as_f64().unwrap();
        (said, came) = (said + alive, came + f64::from(u8::from(is_there)));
        if is_there { there.push(alive) } else { gone.push(alive) }
    }
    let n = all.len() as f64;
    assert!((said / n - came / n).abs() < 0.17, "said {said}, came {came} of {n}");
    let right = there.iter().flat_map(|a| gone.iter().map(move |b| f64::from(u8::from(a > b)))).sum::<f64>();
    assert!(right / (there.len() * gone.len()) as f64 > 0.75, "{right}");
    recovered(&world, &all, &numbers);

    // Again: nothing happened, so nothing is fitted, written or told.
    let before = (count(&world, "versions").await, count(&world, "facts").await, count(&world, "scores").await);
    assert_eq!(before.1, 4 * before.2, "{FACTS:?} of everybody");
    world.clock.advance(8 * Timestamp::DAY);
    settle(&world).await;
    let after = (count(&world, "versions").await, count(&world, "facts").await, count(&world, "scores").await);
    assert_eq!(before, after);
    let card = world.get(&format!("{VALUE}/versions/1/card"), &owner.reads()).await;
    assert!(card.header("content-type").starts_with("text/markdown") && card.text().contains("What it cannot say"));
    let version = get(&world, &owner, &format!("{VALUE}/versions/1")).await;
    assert_eq!(version["card"]["parameters"].as_array().unwrap().len(), 7);
    // Erased, somebody has no score any more.
    let erased = call(&world, &owner, Method::POST, &format!("/api/v1/customers/{person}/erasure"), json!({})).await;
    assert!(erased.status.is_success(), "{}", erased.text());
    assert_eq!(count(&world, "scores").await, before.2 - 1);
    // Nor does whoever may not be used, from the next run on.
    let other = best[1]["customer"]["person_id"].as_str().unwrap();
    let path = format!("/api/v1/customers/{other}/restriction");
    assert!(call(&world, &owner, Method::PUT, &path, json!({})).await.status.is_success());
    world.clock.advance(2 * Timestamp::DAY);
    settle(&world).await;
    assert_eq!(count(&world, "scores").await, before.2 - 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_was_cut_off_is_done_once_and_a_version_that_does_worse_waits_for_staff() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    world.fill(500, 4).await;
    world.app.pipeline.settle().await.unwrap();
    only(&world, &["value"]).await;
    cut_off(&world).await;
    // The version that scores was learnt from far more people.
    let mut tx = world.app.installation.store.begin(Priority::Interactive).await.unwrap();
    tx.execute(sql!("UPDATE model_versions SET people = people * 2"), args![]).await.unwrap();
    tx.commit().await.unwrap();
    let fit = async || {
        let asked = call(&world, &owner, Method::POST, &format!("{VALUE}/fit"), Value::Null).await;
        assert_eq!(asked.status, StatusCode::OK, "{}", asked.text());
        assert_eq!(asked.json()["fit"]["state"], "queued");
        settle(&world).await;
        get(&world, &owner, VALUE).await
    };
    let facts = count(&world, "facts").await;
    let model = fit().await;
    assert_eq!((&model["live"]["version"], &model["held"]["version"]), (&json!(1), &json!(2)), "{model}");
    assert_eq!(model["held"]["held"][0]["code"], "people_missing");
    assert_eq!((count(&world, "facts").await, &model["scored_version"]), (facts, &json!(1)));
    let decide = async |version: u32, why: Value| {
        let path = format!("{VALUE}/versions/{version}/use");
        call(&world, &owner, Method::POST, &path, why).await
    };
    assert_eq!(decide(2, json!({"why": " "})).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(decide(9, json!({"why": "because"})).await.status, StatusCode::NOT_FOUND);
    let used = decide(2, json!({"why": "We deleted old accounts."})).await;
    assert_eq!((used.status, &used.json()["decided_why"]), (StatusCode::OK, &json!("We deleted old accounts.")));
    assert_eq!(decide(2, json!({"why": "again"})).await.json()["code"], "model_version_live");
    settle(&world).await;
    let model = get(&world, &owner, VALUE).await;
    assert_eq!((&model["scored_version"], &model["held"]), (&json!(2), &json!(null)));
    assert_eq!(decide(1, json!({"why": "The first was better."})).await.status, StatusCode::OK);
    let versions = get(&world, &owner, &format!("{VALUE}/versions")).await;
    let states: Vec<&str> =
        versions["rows"].as_array().unwrap().iter().map(|it| it["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["retired", "live"]);
    let viewer = world.browser(Role::Viewer).await;
    let refused = call(&world, &viewer, Method::POST, &format!("{VALUE}/fit"), Value::Null).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_little_data_is_a_sentence_and_settings_have_bounds() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    assert_eq!(world.get(VALUE, &owner.reads()).await.status, StatusCode::NOT_FOUND);
    let asked = call(&world, &owner, Method::POST, &format!("{VALUE}/fit"), Value::Null).await;
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.text());
    settle(&world).await;
    let model = get(&world, &owner, VALUE).await;
    assert_eq!((&model["live"], &model["verdict"]["code"]), (&json!(null), &json!("too_few_people")), "{model}");
    assert!(model["verdict"]["text"].as_str().unwrap().contains("at least 100"));
    assert_eq!(world.get(&format!("{VALUE}/overview"), &owner.reads()).await.status, StatusCode::NOT_FOUND);
    let change = async |settings: Value| {
        call(&world, &owner, Method::PUT, VALUE, json!({"settings": settings, "is_paused": true})).await
    };
    for (settings, place) in [
        (json!({"horizon_weeks": 0}), "settings.horizon_weeks"),
        (json!({"horizon_weeks": -3}), "settings"),
        (json!({"discount_year": 2}), "settings.discount_year"),
        (json!({"margin": 0}), "settings.margin"),
        (json!({"held_weeks": 1}), "settings.held_weeks"),
        (json!({"fit_days": 100_000}), "settings.fit_days"),
        (json!({"sql": "DROP TABLE models"}), "settings"),
        (json!([]), "settings"),
    ] {
        let answer = change(settings.clone()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{settings}: {}", answer.text());
        assert!(answer.json()["detail"].as_str().unwrap().starts_with(place), "{}", answer.text());
    }
    let changed = change(json!({"horizon_weeks": 26, "margin": 0.4})).await.json();
    assert_eq!((&changed["settings"]["horizon_weeks"], &changed["fit_at"]), (&json!(26), &json!(null)), "{changed}");
    for path in ["/api/v1/models/moon", "/api/v1/models/moon/versions", "/api/v1/models/value/versions/x"] {
        assert_eq!(world.get(path, &owner.reads()).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

/// Of the models that a workspace has by itself only these are fitted and score: what a test is not about need not be computed for it.
pub async fn only(world: &World, models: &[&str]) {
    let mut tx = world.app.installation.store.begin(Priority::Interactive).await.unwrap();
    modelling::found(&mut tx, FIRST).await.unwrap();
    for other in FOUNDED.into_iter().filter(|it| !models.contains(it)) {
        tx.execute(sql!("UPDATE models SET is_paused = TRUE WHERE model = $1"), args![other]).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// Killed in the middle, a job is done again by whoever comes next, and once.
async fn cut_off(world: &World) {
    let installation = &world.app.installation;
    modelling::enqueue_due(installation).await.unwrap();
    let (stop, stopped) = watch::channel(false);
    let jobs = installation.store.jobs();
    let past_the_lease = i64::try_from(LEASE.as_micros()).unwrap() + Timestamp::SECOND;
    let lost = jobs.claim(&[FIT], LEASE).await.unwrap().unwrap();
    assert!(!modelling::work(installation, &stopped).await.unwrap(), "somebody has it");
    world.clock.advance(past_the_lease);
    assert!(modelling::work(installation, &stopped).await.unwrap());
    assert_eq!(count(world, "versions").await, 1);
    let mut tx = installation.store.begin(Priority::Background).await.unwrap();
    assert!(jobs.complete(&mut tx, &lost).await.is_err(), "the lease is lost");
    drop(tx);
    modelling::enqueue_due(installation).await.unwrap();
    modelling::enqueue_due(installation).await.unwrap();
    // The server stops while it scores.
    stop.send_replace(true);
    assert!(!modelling::work(installation, &stopped).await.unwrap());
    assert_eq!(count(world, "facts").await, 0);
    stop.send_replace(false);
    world.clock.advance(past_the_lease);
    assert!(modelling::work(installation, &stopped).await.unwrap());
    let told = count(world, "facts").await;
    assert_eq!(told, 4 * count(world, "scores").await);
    assert!(told > 400);
    // As if the end of the run had not been written: it is done again, and tells nothing again.
    let mut tx = installation.store.begin(Priority::Interactive).await.unwrap();
    tx.execute(sql!("UPDATE models SET score_at = fit_at - fit_at"), args![]).await.unwrap();
    tx.commit().await.unwrap();
    modelling::enqueue_due(installation).await.unwrap();
    assert!(jobs.claim(&[SCORE], Duration::from_secs(1)).await.unwrap().is_some());
    world.clock.advance(2 * Timestamp::SECOND);
    assert!(modelling::work(installation, &stopped).await.unwrap());
    assert_eq!((count(world, "facts").await, count(world, "versions").await), (told, 1));
}
