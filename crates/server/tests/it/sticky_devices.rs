//! Devices and the people behind them, through the route that sites use: who keeps which variant when devices sign in, and when two ask at once.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use futures::future::join_all;
use rapport_domain::Timestamp;
use rapport_server::auth::Role;
use rapport_server::installation::MIGRATIONS;
use rapport_store::testing::{TestDatabase, on_postgres, on_sqlite};
use serde_json::{Value, json};

use crate::engaging::{call, get};
use crate::world::{Browser, World};

const EXPERIMENTS: &str = "/api/v1/experiments";

async fn send(world: &World, key: &str, calls: Vec<Value>) {
    let answer = world.collect("/v1/batch", key, json!({ "batch": calls }).to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    world.app.pipeline.drain().await.unwrap();
    world.clock.advance(Timestamp::SECOND);
}

/// A device that was here, and may have signed in.
fn seen(id: &str, device: &str, user: Option<&str>) -> Value {
    match user {
        None => json!({"type": "track", "event": "Page Viewed", "anonymousId": device, "messageId": id}),
        Some(user) => json!({"type": "identify", "anonymousId": device, "userId": user, "messageId": id}),
    }
}

async fn started(world: &World, owner: &Browser, key: &str, unit: &str) {
    let design = json!({"name": key, "kind": "experiment", "unit": unit, "primary": {"key": "conversion", "name": "buyers"},
        "variants": [{"key": "old", "weight": 1, "value": "a", "is_control": true}, {"key": "new", "weight": 1, "value": "b"}]});
    let made = call(world, owner, Method::POST, EXPERIMENTS, json!({"key": key, "design": design})).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text());
    let act = json!({"act": "start", "version": 1});
    let begun = call(world, owner, Method::POST, &format!("{EXPERIMENTS}/{key}/act"), act).await;
    assert_eq!(begun.status, StatusCode::OK, "{}", begun.text());
}

async fn variant(world: &World, key: &str, experiment: &str, unit: &str) -> String {
    let bearer = format!("Bearer {key}");
    let body = json!({"context": {"targetingKey": unit}}).to_string();
    let path = format!("/ofrep/v1/evaluate/flags/{experiment}");
    let answer = world.request(Method::POST, &path, &[("authorization", &bearer)], body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()["variant"].as_str().unwrap().to_owned()
}

/// How many units count, and how many are mixed.
async fn counted(world: &World, owner: &Browser, key: &str) -> (u64, u64) {
    let summary = get(world, owner, &format!("{EXPERIMENTS}/{key}")).await["summary"].clone();
    let exposed = summary["variants"].as_array().unwrap().iter().map(|it| it["exposed"].as_u64().unwrap()).sum();
    (exposed, summary["mixed"].as_u64().unwrap())
}

#[test]
fn two_devices_of_one_person_that_ask_at_once_count_once() {
    on_sqlite(MIGRATIONS.to_vec(), at_once);
    on_postgres(MIGRATIONS.to_vec(), at_once);
}

async fn at_once(db: TestDatabase) {
    let world = World::over(&db).await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Shop", None).await;
    let devices = |n: usize| [format!("phone-{n}"), format!("laptop-{n}"), format!("u{n}")];
    let both = |n: usize| {
        let user = format!("u{n}");
        [0, 1].map(|at| seen(&format!("{at}-{n}"), &devices(n)[at], Some(&user)))
    };
    send(&world, &key, (0..30).flat_map(both).collect()).await;
    started(&world, &owner, "headline", "person").await;
    let asked: Vec<[String; 3]> = (0..30).map(devices).collect();
    let answers = join_all(asked.iter().flatten().map(|unit| variant(&world, &key, "headline", unit))).await;
    for (n, answers) in answers.chunks(3).enumerate() {
        assert!(answers.iter().all(|it| *it == answers[0]), "{n}: {answers:?}");
    }
    assert_eq!(answers.iter().collect::<BTreeSet<_>>().len(), 2);
    assert_eq!(counted(&world, &owner, "headline").await, (30, 0));
    // An experiment on devices has each for itself, and they keep theirs after their people are known.
    started(&world, &owner, "banner", "anonymous").await;
    let phones: Vec<String> = (0..30).flat_map(|n| [format!("phone-{n}"), format!("laptop-{n}")]).collect();
    let again = [phones.clone(), phones].concat();
    let answers = join_all(again.iter().map(|unit| variant(&world, &key, "banner", unit))).await;
    assert_eq!(answers[..60], answers[60..], "the same device at once gets the same");
    assert_eq!(counted(&world, &owner, "banner").await, (60, 0));
}

/// Devices are shown variants as people of their own; then both turn out to be one person.
#[test]
fn who_signs_in_keeps_what_their_first_device_was_shown() {
    on_sqlite(MIGRATIONS.to_vec(), signing_in);
    on_postgres(MIGRATIONS.to_vec(), signing_in);
}

async fn signing_in(db: TestDatabase) {
    let world = World::over(&db).await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Shop", None).await;
    let device = |n: usize| format!("device-{n}");
    send(&world, &key, (0..24).map(|n| seen(&format!("p{n}"), &device(n), None)).collect()).await;
    started(&world, &owner, "headline", "person").await;
    started(&world, &owner, "banner", "anonymous").await;
    let mut shown = Vec::new();
    for n in 0..24 {
        shown.push((
            variant(&world, &key, "headline", &device(n)).await,
            variant(&world, &key, "banner", &device(n)).await,
        ));
        world.clock.advance(Timestamp::SECOND);
    }
    assert_eq!(counted(&world, &owner, "headline").await, (24, 0));
    // The first eight sign in on one device, the others two devices a person.
    let user = |n: usize| if n < 8 { format!("u{n}") } else { format!("u{}", 8 + (n - 8) / 2) };
    send(&world, &key, (0..24).map(|n| seen(&format!("i{n}"), &device(n), Some(&user(n)))).collect()).await;
    let mut mixed = 0;
    for n in 0..24 {
        let first = if n < 8 { n } else { n - n % 2 };
        mixed += u64::from(n != first && shown[n].0 != shown[first].0);
        assert_eq!(variant(&world, &key, "headline", &device(n)).await, shown[first].0, "device {n}");
        assert_eq!(variant(&world, &key, "headline", &user(n)).await, shown[first].0, "user of device {n}");
        assert_eq!(variant(&world, &key, "banner", &device(n)).await, shown[n].1, "device {n} for itself");
    }
    assert!(mixed > 0 && mixed < 8, "{mixed}");
    assert_eq!(counted(&world, &owner, "headline").await, (16 - mixed, mixed));
    assert_eq!(counted(&world, &owner, "banner").await, (24, 0));
}
