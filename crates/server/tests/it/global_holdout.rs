//! The global holdout: set in one place, asked by journeys, slots and experiments, noted on both sides, and read out.

use axum::http::{Method, StatusCode};
use rapport_domain::{PersonId, Timestamp, assignment};
use rapport_engagement::records::settings;
use rapport_experiments::Design;
use rapport_experiments::records::experiments;
use rapport_experiments::service::{Act, Author, act, create};
use rapport_server::experimenting::global;
use rapport_server::records::workspaces::FIRST;
use rapport_store::Priority;
use serde_json::{Value, json};

use crate::channels::{journey, person, proof, world};
use crate::engaging::{call, get, happen, settle, track};
use crate::world::{Browser, World};

const SETTINGS: &str = "/api/v1/sending/settings";
const HOLDOUT: &str = "/api/v1/experiments/global-holdout";

async fn hold_out(world: &World, owner: &Browser, percent: f64) {
    world.clock.advance(Timestamp::MINUTE);
    let body = json!({"settings": {"quiet": null, "caps": [], "holdout_percent": percent}});
    let saved = call(world, owner, Method::PUT, SETTINGS, body).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    world.clock.advance(Timestamp::MINUTE);
}

/// How many are noted, held out and not, since the share is as it is; and before.
async fn noted(world: &World, owner: &Browser) -> (u64, u64, u64) {
    let summary = get(world, owner, HOLDOUT).await["summary"].clone();
    let of = |at: usize| summary["variants"][at]["exposed"].as_u64().unwrap();
    (of(0), of(1), summary["earlier"].as_u64().unwrap())
}

async fn flag(world: &World, key: &str, user: u32) -> String {
    let bearer = format!("Bearer {key}");
    let body = json!({"context": {"targetingKey": format!("u{user}")}}).to_string();
    let path = "/ofrep/v1/evaluate/flags/headline";
    let answer = world.request(Method::POST, path, &[("authorization", &bearer)], body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()["variant"].as_str().unwrap().to_owned()
}

async fn person_of(world: &World, owner: &Browser, user: u32) -> PersonId {
    let rows = get(world, owner, &format!("/api/v1/customers?search=name{user}x")).await;
    PersonId(rows["rows"][0]["person_id"].as_str().unwrap_or_else(|| panic!("{rows}")).parse().unwrap())
}

/// An experiment whose variant everybody gets who is not held out.
fn design() -> Value {
    json!({"name": "Headline", "kind": "experiment", "primary": {"key": "conversion", "name": "buyers"},
        "variants": [{"key": "old", "weight": 1, "value": "a", "is_control": true}, {"key": "new", "weight": 9_999, "value": "b"}]})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_lot_holds_out_of_everything_and_both_sides_are_noted() {
    let (world, owner, key) = world(&[]).await;
    let segment = json!({"key": "members", "name": "Members", "condition": {"performed": {"event": "Signed Up"}}});
    call(&world, &owner, Method::POST, "/api/v1/segments", segment).await;
    let say = json!({"slot": {"en": {"title": "Hello", "body": "b", "url": "https://shop.example/new"}}});
    journey(&world, &owner, "in_app", say).await;
    let template = get(&world, &owner, "/api/v1/message-templates").await["rows"][0]["key"].clone();
    let slot =
        json!({"name": "Hero", "definition": {"variants": [{"segment": "members", "show": {"template": template}}]}});
    let saved = call(&world, &owner, Method::PUT, "/api/v1/slots/hero", slot).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    let made =
        call(&world, &owner, Method::POST, "/api/v1/experiments", json!({"key": "headline", "design": design()})).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text());
    let start = json!({"act": "start", "version": 1});
    call(&world, &owner, Method::POST, "/api/v1/experiments/headline/act", start).await;
    for user in 1..=40 {
        happen(&world, &key, person(user, "in_app", json!({"firstName": format!("name{user}x")}))).await;
    }
    let mut people = Vec::new();
    for user in 1..=40 {
        people.push(person_of(&world, &owner, user).await);
    }
    let is_held = |user: u32, places: u32| assignment::is_held_out(people[user as usize - 1], places);
    let held = |users: std::ops::RangeInclusive<u32>, places| users.filter(|it| is_held(*it, places)).count() as u64;

    hold_out(&world, &owner, 30.0).await;
    // Journeys.
    let signed_up: Vec<Value> =
        (1..=20).map(|user| track(&format!("s{user}"), &format!("u{user}"), "Signed Up", json!({}))).collect();
    happen(&world, &key, signed_up).await;
    let messages = get(&world, &owner, "/api/v1/messages?limit=100").await;
    let reasons = messages["rows"].as_array().unwrap().iter().filter(|it| it["message"]["reason"] == "held_out");
    assert_eq!(reasons.count() as u64, held(1..=20, 3_000), "{messages}");
    assert_eq!(noted(&world, &owner).await, (held(1..=20, 3_000), 20 - held(1..=20, 3_000), 0));
    // Slots: these are noted already, and others are when they come.
    let mut joined = Vec::new();
    for user in 21..=25 {
        joined.push(track(&format!("s{user}"), &format!("u{user}"), "Signed Up", json!({"quietly": true})));
    }
    happen(&world, &key, joined).await;
    for user in 16..=25 {
        let hash = proof(&world, &owner, &format!("u{user}")).await;
        let body = json!({"userId": format!("u{user}"), "userHash": hash}).to_string();
        for _ in 0..2 {
            let shown = world.collect("/v1/slots/hero", &key, body.clone()).await.json();
            assert_eq!(shown["content"].is_null(), is_held(user, 3_000), "{user}: {shown}");
        }
    }
    assert_eq!(noted(&world, &owner).await, (held(1..=25, 3_000), 25 - held(1..=25, 3_000), 0));
    // Experiments.
    for user in 20..=40 {
        let wanted = if is_held(user, 3_000) { "old" } else { "new" };
        assert_eq!(flag(&world, &key, user).await, wanted, "{user}");
    }
    assert_eq!(noted(&world, &owner).await, (held(1..=40, 3_000), 40 - held(1..=40, 3_000), 0));

    // A larger share lets nobody go, and is read out anew, of those who are asked about since.
    assert!((1..=40).all(|user| !is_held(user, 3_000) || is_held(user, 5_000)));
    hold_out(&world, &owner, 49.996).await;
    assert_eq!(get(&world, &owner, SETTINGS).await["settings"]["holdout_percent"], 50.0);
    for user in 26..=40 {
        let wanted = if is_held(user, 5_000) { "old" } else { "new" };
        assert_eq!(flag(&world, &key, user).await, wanted, "{user}");
    }
    assert_eq!(noted(&world, &owner).await, (held(26..=40, 5_000), 15 - held(26..=40, 5_000), 25));
    settle(&world).await;
    let readout = get(&world, &owner, &format!("{HOLDOUT}/readout")).await;
    assert_eq!(readout["verdict"]["word"], "too_early", "{readout}");

    // Nobody: everybody gets everything.
    hold_out(&world, &owner, 0.0).await;
    assert_eq!(get(&world, &owner, HOLDOUT).await["summary"]["state"], "paused");
    for user in 26..=40 {
        assert_eq!(flag(&world, &key, user).await, "new", "{user}");
    }
    // It is set in one place.
    let act = json!({"act": "start", "version": 1});
    let answer = call(&world, &owner, Method::POST, &format!("{HOLDOUT}/act"), act).await;
    assert!(answer.text().contains("settings of sending"), "{}", answer.text());
    for subject in [Value::Null, json!("journey:welcome"), json!("slot:home")] {
        let mut holdout = design();
        (holdout["kind"], holdout["subject"]) = (json!("holdout"), subject);
        let body = json!({"key": "mine", "design": holdout});
        let answer = call(&world, &owner, Method::POST, "/api/v1/experiments", body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.text().contains("settings of sending"), "{}", answer.text());
    }
}

/// From before there was one lot: experiments that held people out of experiments alone, and a share of sending that was no experiment.
#[tokio::test]
async fn what_was_two_lots_becomes_one() {
    let world = World::new().await;
    let store = &world.app.installation.store;
    let author = Author { by: "usr_ann", at: world.clock_now() };
    let form = json!({"name": "All", "kind": "holdout", "primary": {"key": "conversion", "name": "buyers"}, "variants": [
        {"key": "out", "weight": 1, "value": false, "is_control": true}, {"key": "in", "weight": 9, "value": true}]});
    let design: Design = serde_json::from_value(form).unwrap();
    let mut tx = store.begin(Priority::Interactive).await.unwrap();
    create(&mut tx, FIRST, "all", design.clone(), author, world.app.rng()).await.unwrap();
    act(&mut tx, FIRST, "all", Act::Start, 1, author).await.unwrap();
    create(&mut tx, FIRST, "draft", design, author, world.app.rng()).await.unwrap();
    tx.commit().await.unwrap();
    for _ in 0..2 {
        global::settle(store, world.clock_now()).await.unwrap();
        let rows = experiments::all(&mut store.read(), FIRST).await.unwrap();
        let mut states: Vec<(&str, &str, i64)> =
            rows.iter().map(|row| (row.key.as_str(), row.state.as_str(), row.version)).collect();
        states.sort_unstable();
        assert_eq!(states, [("all", "stopped", 3), ("draft", "draft", 1), ("global-holdout", "running", 1)]);
        let own = settings::read(&mut store.read(), FIRST).await.unwrap();
        assert_eq!(own.holdout_places(), 1_000);
    }
    // A share that was set before and is no experiment yet.
    let mut own = settings::read(&mut store.read(), FIRST).await.unwrap();
    own.holdout_percent = 7.25;
    let mut tx = store.begin(Priority::Interactive).await.unwrap();
    settings::save(&mut tx, FIRST, &own, world.clock_now(), "usr_ann").await.unwrap();
    tx.commit().await.unwrap();
    global::settle(store, world.clock_now()).await.unwrap();
    let row = experiments::find(&mut store.read(), FIRST, "global-holdout").await.unwrap().unwrap();
    let weights: Vec<u32> = row.design.0.weights();
    assert_eq!((weights, row.version, row.allocation), (vec![725, 9_275], 2, 2));
}
