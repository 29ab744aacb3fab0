//! The loyalty index over HTTP: four kinds of loyalty that were put in are found and lead to their people, weights are tried before they are changed, a version that
//! comes about by itself and moves most people waits, and whoever refuses, or of whom too little is known, has no index.

use axum::http::{Method, StatusCode};
use rapport_analytics::scores::LOYALTY_INDEX;
use rapport_analytics::scores::records::models;
use rapport_domain::{Timestamp, WorkspaceId};
use rapport_server::auth::Role;
use rapport_server::installation::MIGRATIONS;
use rapport_server::modelling::{self, FIT, LEASE, LOYALTY_INDEX_FACTS};
use rapport_server::records::workspaces::FIRST;
use rapport_store::testing::{TestDatabase, on_postgres, on_sqlite};
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, track};
use crate::models::{count_of, only, people_of};
use crate::recommending::is_done_once;
use crate::world::{Browser, World};

const MODEL: &str = "/api/v1/models/loyalty_index";
/// So many of each kind: who buys and would recommend us, who would but hardly buys, who buys and would not, who does neither.
const EACH: u32 = 25;
/// So many who buy a little and never said anything.
const SILENT: u32 = 20;
/// Answers came so many days ago.
const ANSWERED: i64 = 3;

async fn settle(world: &World) {
    modelling::settle(&world.app.installation).await.unwrap();
}

fn ago(world: &World, mut event: Value, days: i64) -> Value {
    event["timestamp"] = json!(world.clock_now().plus(-days * Timestamp::DAY).to_rfc3339());
    event
}

/// What one person did and said, by their number.
fn life(world: &World, n: u32) -> Vec<Value> {
    let user = format!("c{n}");
    let (many, since, answer) = match (n >= 4 * EACH, n % 4) {
        (true, _) => (2, 30, None),
        (_, 0) => (6, 5, Some(10)),
        (_, 1) => (1, 300, Some(9)),
        (_, 2) => (6, 5, Some(2)),
        _ => (1, 300, Some(1)),
    };
    let order = |at: i64| {
        let id = format!("o{n}-{at}");
        let event = track(&id, &user, "Order Completed", json!({"order_id": id, "currency": "EUR", "revenue": 20}));
        ago(world, event, since + 20 * at)
    };
    let said = |answer: i64| {
        let event = track(
            &format!("s{n}"),
            &user,
            "Survey Answered",
            json!({"survey_id": "nps", "type": "nps", "score": answer}),
        );
        ago(world, event, ANSWERED)
    };
    (0..many).map(order).chain(answer.map(said)).collect()
}

async fn fill(world: &World) -> String {
    let (key, _) = world.write_key("shop", None).await;
    let all: Vec<Value> = (0..4 * EACH + SILENT).flat_map(|n| life(world, n)).collect();
    for part in all.chunks(300) {
        let answer = world.collect("/v1/batch", &key, json!({ "batch": part }).to_string()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    }
    happen(world, &key, Vec::new()).await;
    world.app.pipeline.settle().await.unwrap();
    key
}

async fn segment(world: &World, owner: &Browser, key: &str, text: &str) {
    let body = json!({"key": key, "name": key, "text": text});
    let saved = call(world, owner, Method::POST, "/api/v1/segments", body).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
}

async fn size(world: &World, owner: &Browser, key: &str) -> Value {
    rapport_server::keeper::fill_workspace(&world.app.installation, FIRST).await.unwrap();
    let rows = get(world, owner, "/api/v1/segments").await["rows"].clone();
    rows.as_array().unwrap().iter().find(|it| it["key"] == key).unwrap()["size"].clone()
}

fn close(value: &Value, wanted: f64) {
    let value = value.as_f64().unwrap();
    assert!((value - wanted).abs() < 1e-6, "{value} is not {wanted}");
}

/// By hand: behaviour is the mean of purchases (50 at two) and of how lately they were, attitude the answer.
fn by_hand(n: u32) -> (f64, Option<f64>) {
    let behaviour = |many: f64, since: f64| f64::midpoint(100.0 * many / (many + 2.0), 100.0 * (365.0 - since) / 365.0);
    match (n >= 4 * EACH, n % 4) {
        (true, _) => (behaviour(2.0, 30.0), None),
        (_, 0) => (behaviour(6.0, 5.0), Some(100.0)),
        (_, 1) => (behaviour(1.0, 300.0), Some(90.0)),
        (_, 2) => (behaviour(6.0, 5.0), Some(20.0)),
        _ => (behaviour(1.0, 300.0), Some(10.0)),
    }
}

fn index(n: u32) -> f64 {
    let (done, said) = by_hand(n);
    said.map_or(done, |it| f64::midpoint(done, it))
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.fold((0.0, 0.0), |(sum, n), it| (sum + it, n + 1.0));
    sum / n
}

#[test]
fn four_kinds_of_loyalty_are_found_tried_and_changed_on_sqlite() {
    on_sqlite(MIGRATIONS.to_vec(), found);
}

#[test]
fn four_kinds_of_loyalty_are_found_tried_and_changed_on_postgres() {
    on_postgres(MIGRATIONS.to_vec(), found);
}

async fn found(database: TestDatabase) {
    let world = World::over_with(&database, &[("session.idle_hours", "100000"), ("session.days", "4000")]).await;
    let owner = world.browser(Role::Owner).await;
    assert_eq!(world.get(MODEL, &owner.reads()).await.status, StatusCode::NOT_FOUND, "nobody bought yet");
    fill(&world).await;
    // Whoever has customers who bought has all models, without asking.
    settle(&world).await;
    let there = get(&world, &owner, "/api/v1/models").await;
    let kinds: Vec<&str> = there["rows"].as_array().unwrap().iter().map(|it| it["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["churn", "value"]);
    only(&world, &[LOYALTY_INDEX]).await;
    let model = get(&world, &owner, MODEL).await;
    assert_eq!(
        (&model["live"]["version"], &model["held"], &model["verdict"], &model["scored_version"]),
        (&json!(1), &json!(null), &json!(null), &json!(1)),
        "{model}"
    );
    let measures = model["live"]["measures"].as_array().unwrap();
    let of: Vec<&str> = measures.iter().map(|it| it["of"].as_str().unwrap()).collect();
    assert_eq!(of, ["purchases", "recency", "fact:nps.last"], "what enough people have");
    assert_eq!((&measures[0]["scaling"], &model["live"]["is_proposed"]), (&json!({"half": 2.0}), &json!(true)));
    let all = 4 * EACH + SILENT;

    // The figures are what they are by hand, and each leads to its people.
    let overview = get(&world, &owner, &format!("{MODEL}/overview")).await;
    let reading = &overview["reading"];
    assert_eq!((&reading["all"]["people"], &reading["complete"]["people"]), (&json!(all), &json!(4 * EACH)));
    close(&reading["all"]["mean"]["value"], mean((0..all).map(index)));
    close(&reading["said"]["mean"]["value"], mean((0..all).filter_map(|n| by_hand(n).1)));
    close(&reading["done"]["mean"]["value"], mean((0..all).map(|n| by_hand(n).0)));
    for (at, kind) in ["loyal", "said_only", "done_only", "neither"].into_iter().enumerate() {
        let row = &reading["kinds"][at];
        assert_eq!((&row["kind"], &row["people"]), (&json!(kind), &json!(EACH)), "{reading}");
        close(&row["share"]["value"], 0.25);
        let people = people_of(&world, &owner, "loyalty_index", &format!("part={kind}")).await;
        assert_eq!(people.len(), EACH as usize);
    }
    for band in overview["bands"].as_array().unwrap() {
        let to = if band["to"] == json!(100.0) { json!(101) } else { band["to"].clone() };
        let people = people_of(&world, &owner, "loyalty_index", &format!("from={}&to={to}", band["from"])).await;
        assert_eq!(band["people"], json!(people.len()), "{band}");
    }
    for weak in overview["weakest"].as_array().unwrap() {
        let query = format!("cohort={}", weak["facet"].as_str().unwrap());
        assert_eq!(weak["people"], json!(people_of(&world, &owner, "loyalty_index", &query).await.len()));
    }
    let past = overview["past"].as_array().unwrap();
    assert!(past.len() > 6, "{past:?}");
    // The last is now.
    for part in ["value", "low", "high"] {
        close(&past.last().unwrap()["mean"][part], reading["all"]["mean"][part].as_f64().unwrap());
    }
    let groups = get(&world, &owner, &format!("{MODEL}/groups?by=fact:nps.last")).await;
    let tens = groups["rows"].as_array().unwrap().iter().find(|it| it["key"] == "10").unwrap();
    assert_eq!(tens["people"], json!(EACH));
    close(&tens["average"]["value"], index(0));
    let behind = people_of(&world, &owner, "loyalty_index", "of=fact:nps.last&group=10").await;
    assert_eq!(json!(behind.len()), json!(EACH), "whoever is counted is found");

    // Of one person, with facets; conditions see it.
    let habit = people_of(&world, &owner, "loyalty_index", "part=done_only&order=lowest").await;
    let person = habit[0]["customer"]["person_id"].as_str().unwrap();
    let scores = get(&world, &owner, &format!("/api/v1/customers/{person}/scores")).await;
    let own = scores["rows"].as_array().unwrap().iter().find(|it| it["model"] == "loyalty_index").unwrap();
    assert_eq!((own, &own["detail"], &own["risk"]), (&habit[0]["score"], &json!(null), &json!(null)));
    let detail = &own["index"];
    close(&detail["index"], index(2));
    close(&detail["said"], 20.0);
    assert_eq!(
        (&detail["kind"], &detail["known"], &own["cohort"]),
        (&json!("done_only"), &json!(1.0), &json!("attitude"))
    );
    let facets: Vec<&str> =
        detail["facets"].as_array().unwrap().iter().map(|it| it["facet"].as_str().unwrap()).collect();
    assert_eq!(facets, ["behaviour", "attitude"]);
    segment(&world, &owner, "habit", "fact loyalty_index.kind = \"done_only\"").await;
    segment(&world, &owner, "indexed", "fact loyalty_index.value >= 0").await;
    assert_eq!((size(&world, &owner, "habit").await, size(&world, &owner, "indexed").await), (json!(EACH), json!(all)));

    // What other weights would do is told before they are chosen, and writes nothing.
    let silent = json!({"weights": {"behaviour": 0}});
    let try_it = async |browser: &Browser, settings: &Value| {
        call(&world, browser, Method::POST, &format!("{MODEL}/effect"), json!({"settings": settings})).await
    };
    let effect = try_it(&owner, &silent).await.json();
    close(&effect["before"], mean((0..all).map(index)));
    close(&effect["after"], mean((0..all).filter_map(|n| by_hand(n).1)));
    let moved = (0..all).filter(|n| by_hand(*n).1.is_some_and(|it| (it - index(*n)).abs() > 10.0)).count();
    assert_eq!((&effect["changed"], &effect["lost"], &effect["people"]), (&json!(moved), &json!(SILENT), &json!(all)));
    assert_eq!(get(&world, &owner, MODEL).await["settings"]["weights"]["behaviour"], json!(1.0));
    let nothing = json!({"measures": [{"of": "fact:trait.unknown", "facet": "brand", "source": "said", "scaling": {"half": 1}, "weight": 1}]});
    let none = try_it(&owner, &nothing).await;
    assert_eq!((none.status, &none.json()["code"]), (StatusCode::CONFLICT, &json!("no_index")), "{}", none.text());

    // Changed, the silent have no index any more and are told so; it is a version of its own, and back again.
    let viewer = world.browser(Role::Viewer).await;
    assert_eq!(try_it(&viewer, &silent).await.status, StatusCode::OK);
    let change = async |browser: &Browser, settings: &Value| {
        call(&world, browser, Method::PUT, MODEL, json!({"settings": settings, "is_paused": false})).await
    };
    assert_eq!(change(&viewer, &silent).await.status, StatusCode::FORBIDDEN);
    world.clock.advance(Timestamp::MINUTE);
    assert_eq!(change(&owner, &silent).await.status, StatusCode::OK);
    settle(&world).await;
    let model = get(&world, &owner, MODEL).await;
    assert_eq!((&model["live"]["version"], &model["held"]), (&json!(2), &json!(null)), "staff chose it: {model}");
    let against = &model["live"]["against"];
    assert_eq!(
        (&against["is_chosen"], &against["moved"], &against["both"]),
        (&json!(true), &json!(moved), &json!(4 * EACH))
    );
    assert_eq!(
        (size(&world, &owner, "indexed").await, count_of(&world, LOYALTY_INDEX, "scores").await),
        (json!(4 * EACH), i64::from(4 * EACH))
    );
    let back =
        call(&world, &owner, Method::POST, &format!("{MODEL}/versions/1/use"), json!({"why": "What they do counts."}))
            .await;
    assert_eq!(back.status, StatusCode::OK, "{}", back.text());
    settle(&world).await;
    world.clock.advance(8 * Timestamp::DAY);
    settle(&world).await;
    let model = get(&world, &owner, MODEL).await;
    assert_eq!((&model["live"]["version"], &model["settings"]["weights"]["behaviour"]), (&json!(1), &json!(1.0)));
    assert_eq!(count_of(&world, LOYALTY_INDEX, "versions").await, 2, "the same again is no version");
    assert_eq!(size(&world, &owner, "indexed").await, json!(all));
    let card = world.get(&format!("{MODEL}/versions/2/card"), &owner.reads()).await;
    assert!(
        card.header("content-type").starts_with("text/markdown") && card.text().contains("weight of attitude"),
        "{}",
        card.text()
    );
    assert_eq!(
        get(&world, &owner, &format!("{MODEL}/versions/2")).await["version"]["weights"]["behaviour"],
        json!(0.0)
    );
    assert!(
        get(&world, &owner, "/api/v1/models").await["rows"]
            .as_array()
            .unwrap()
            .iter()
            .all(|it| it["kind"] != "loyalty_index")
    );

    // Erased, restricted, or refusing to be understood in numbers: no index, and nobody is left in a segment by one.
    let id = |at: usize| habit[at]["customer"]["person_id"].as_str().unwrap().to_owned();
    let erased = call(&world, &owner, Method::POST, &format!("/api/v1/customers/{}/erasure", id(0)), json!({})).await;
    assert!(erased.status.is_success(), "{}", erased.text());
    let restricted =
        call(&world, &owner, Method::PUT, &format!("/api/v1/customers/{}/restriction", id(1)), json!({})).await;
    assert!(restricted.status.is_success(), "{}", restricted.text());
    let refusal = json!({"state": "denied", "channel": "any", "purpose": "analytics"});
    let refused = call(&world, &owner, Method::POST, &format!("/api/v1/customers/{}/consents", id(2)), refusal).await;
    assert_eq!(refused.status, StatusCode::ACCEPTED, "{}", refused.text());
    world.app.pipeline.drain().await.unwrap();
    world.clock.advance(2 * Timestamp::DAY);
    settle(&world).await;
    let overview = get(&world, &owner, &format!("{MODEL}/overview")).await;
    assert_eq!((&overview["left_out"], &overview["reading"]["kinds"][2]["people"]), (&json!(2), &json!(EACH - 3)));
    assert_eq!(
        size(&world, &owner, "habit").await,
        json!(EACH - 3),
        "they are told to have none: {LOYALTY_INDEX_FACTS:?}"
    );
    // Nothing of this is another workspace's.
    let db = &mut world.app.installation.store.read();
    assert!(models::find(db, WorkspaceId(2), LOYALTY_INDEX).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_comes_by_itself_and_moves_most_people_waits_for_staff() {
    let world = World::with(&[("session.idle_hours", "100000"), ("session.days", "4000")]).await;
    let owner = world.browser(Role::Owner).await;
    let key = fill(&world).await;
    only(&world, &[LOYALTY_INDEX]).await;
    settle(&world).await;
    // Reviews begin: whoever would recommend us gives one star, the others five.
    world.clock.advance(Timestamp::DAY);
    let review = |n: u32| {
        let rating = if n % 4 < 2 { 1 } else { 5 };
        track(&format!("r{n}"), &format!("c{n}"), "Product Reviewed", json!({"product_id": "p1", "rating": rating}))
    };
    happen(&world, &key, (0..4 * EACH).map(review).collect()).await;
    world.app.pipeline.settle().await.unwrap();
    world.clock.advance(8 * Timestamp::DAY);
    settle(&world).await;
    let model = get(&world, &owner, MODEL).await;
    assert_eq!((&model["live"]["version"], &model["held"]["version"]), (&json!(1), &json!(2)), "{model}");
    assert_eq!(model["held"]["held"][0]["code"], "index_moves");
    // Another week it is the same that waits.
    world.clock.advance(8 * Timestamp::DAY);
    settle(&world).await;
    assert_eq!(count_of(&world, LOYALTY_INDEX, "versions").await, 2);
    let decide = async |version: &str, why: Value| {
        call(&world, &owner, Method::POST, &format!("{MODEL}/versions/{version}/use"), why).await
    };
    assert_eq!(decide("2", json!({"why": " "})).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(decide("9", json!({"why": "because"})).await.status, StatusCode::NOT_FOUND);
    assert_eq!(decide("2", json!({"why": "Stars count."})).await.status, StatusCode::OK);
    assert_eq!(decide("2", json!({"why": "again"})).await.json()["code"], "model_version_live");
    settle(&world).await;
    let model = get(&world, &owner, MODEL).await;
    assert_eq!(
        (&model["live"]["version"], &model["held"], &model["scored_version"]),
        (&json!(2), &json!(null), &json!(2))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_few_people_are_a_sentence_and_settings_have_bounds() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    assert_eq!(call(&world, &owner, Method::POST, &format!("{MODEL}/fit"), Value::Null).await.status, StatusCode::OK);
    settle(&world).await;
    let model = get(&world, &owner, MODEL).await;
    let verdict = &model["verdict"];
    assert_eq!(
        (&model["live"], &verdict["code"], &verdict["have"]),
        (&json!(null), &json!("too_few_people"), &json!(0))
    );
    let change = async |settings: Value| {
        call(&world, &owner, Method::PUT, MODEL, json!({"settings": settings, "is_paused": true})).await
    };
    for (settings, place) in [
        (json!({"measures": []}), "settings.measures"),
        (json!({"weights": {"brand": -1}}), "settings.weights"),
        (json!({"least_known": 2}), "settings.least_known"),
        (json!({"cut": 101}), "settings.cut"),
        (json!({"window_days": 3}), "settings.window_days"),
        (json!({"fit_days": 91}), "settings.fit_days"),
        (json!({"score_hours": 0}), "settings.score_hours"),
        (json!({"horizon_weeks": 4}), "settings"),
        (json!("often"), "settings"),
    ] {
        let answer = change(settings.clone()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{settings}: {}", answer.text());
        assert!(answer.json()["detail"].as_str().unwrap().starts_with(place), "{}", answer.text());
    }
    let changed = change(json!({"cut": 60})).await.json();
    assert_eq!(
        (&changed["settings"]["cut"], &changed["fit_at"], &changed["score_at"]),
        (&json!(60.0), &json!(null), &json!(null))
    );
    for path in ["versions/1", "versions/x", "versions/1/card", "overview"] {
        assert_eq!(world.get(&format!("{MODEL}/{path}"), &owner.reads()).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let effect = call(&world, &owner, Method::POST, &format!("{MODEL}/effect"), json!({"settings": {}})).await;
    assert_eq!(effect.status, StatusCode::NOT_FOUND, "nobody was scored yet");
}

/// Killed in the middle, a job is done again by whoever comes next, and once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_at_the_measures_that_was_cut_off_is_done_once() {
    let world = World::new().await;
    fill(&world).await;
    only(&world, &[LOYALTY_INDEX]).await;
    is_done_once(&world, &modelling::SORT, (FIT, LEASE), LOYALTY_INDEX).await;
}
