//! Churn where customers have subscriptions: from their starts and ends to who is spoken of, and who is not; settings that are none.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_server::auth::Role;
use rapport_server::installation::MIGRATIONS;
use rapport_server::modelling;
use rapport_store::testing::{TestDatabase, on_postgres, on_sqlite};
use rapport_store::{Queries, args, sql};
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, track};
use crate::models::{only, people_of};
use crate::world::{Browser, World};

const CHURN: &str = "/api/v1/models/churn";
/// So many who have, or had, a subscription.
const SUBSCRIBERS: u32 = 400;

/// What one of them did, and whether they still have it. They come by every five days or so; most tire of it some day, come by no more, and end it a few weeks later.
fn life(world: &World, n: u32) -> (Vec<Value>, bool) {
    let user = format!("s{n}");
    // Numbers that look like chance, and are the same each time.
    let drawn = |of: u64| {
        let mixed = (u64::from(n) * 8 + of + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (((mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 32) % 1_000) as f64 / 1_000.0
    };
    let at = |event: &str, id: String, properties: Value, days: i64| {
        let mut call = track(&id, &user, event, properties);
        call["timestamp"] = json!(world.clock_now().plus(-days * Timestamp::DAY).to_rfc3339());
        call
    };
    let begins = 60 + (200.0 * drawn(0)) as i64;
    let tires = if drawn(1) < 0.6 { (begins as f64 * drawn(2)) as i64 } else { 0 };
    let ends = if tires > 0 { tires - 21 - (10.0 * drawn(3)) as i64 } else { 0 };
    let named = || json!({"subscription_id": format!("plan-{n}"), "price": 9, "interval": "month"});
    let mut all = vec![at("Subscription Started", format!("b{n}"), named(), begins)];
    // Whoever will tire is less satisfied from the start.
    if !n.is_multiple_of(3) {
        let answer = json!({"type": "csat", "score": if tires > 0 { 2 } else { 5 }});
        all.push(at("Survey Answered", format!("a{n}"), answer, begins - 1));
    }
    let mut days = begins;
    while days > tires {
        all.push(at("Page Viewed", format!("v{n}-{days}"), json!({}), days));
        days -= 3 + (days * 7 + i64::from(n)) % 5;
    }
    if ends > 0 {
        all.push(at("Subscription Cancelled", format!("e{n}"), named(), ends));
    }
    if n.is_multiple_of(2) {
        let order = json!({"order_id": format!("o{n}"), "currency": "EUR", "revenue": 30});
        all.push(at("Order Completed", format!("o{n}"), order, begins));
    }
    (all, ends <= 0)
}

async fn people(world: &World, owner: &Browser) -> Vec<Value> {
    people_of(world, owner, "churn", "").await
}

/// The names by which people are known, by their numbers.
async fn names(world: &World) -> BTreeMap<String, String> {
    let text = sql!("SELECT person, value FROM identifiers WHERE kind = 'user_id'");
    let all: Vec<(i64, String)> = world.app.installation.store.read().fetch_all(text, args![]).await.unwrap();
    all.into_iter().map(|(person, name)| (person.to_string(), name)).collect()
}

fn named(rows: &[Value], names: &BTreeMap<String, String>) -> BTreeSet<String> {
    rows.iter().map(|row| names[row["customer"]["person_id"].as_str().unwrap()].clone()).collect()
}

#[test]
fn whoever_has_a_subscription_is_told_whether_it_ends_and_nobody_else_on_sqlite() {
    on_sqlite(MIGRATIONS.to_vec(), subscribed);
}

#[test]
fn whoever_has_a_subscription_is_told_whether_it_ends_and_nobody_else_on_postgres() {
    on_postgres(MIGRATIONS.to_vec(), subscribed);
}

async fn subscribed(database: TestDatabase) {
    let world = World::over_with(&database, &[("session.idle_hours", "100000"), ("session.days", "4000")]).await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("service", None).await;
    let lives: Vec<(Vec<Value>, bool)> = (0..SUBSCRIBERS).map(|n| life(&world, n)).collect();
    let events: Vec<Value> = lives.iter().flat_map(|it| it.0.clone()).collect();
    for part in events.chunks(400) {
        let answer = world.collect("/v1/batch", &key, json!({ "batch": part }).to_string()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    }
    happen(&world, &key, Vec::new()).await;
    world.app.pipeline.settle().await.unwrap();
    only(&world, &["churn"]).await;

    // What is no contract is refused, by its field.
    let change = async |settings: Value| {
        call(&world, &owner, Method::PUT, CHURN, json!({"settings": settings, "is_paused": false})).await
    };
    for (settings, place) in [
        (json!({"contract": {"has": []}}), "settings.contract.has"),
        (json!({"contract": {"ends": [" "]}}), "settings.contract.ends"),
        (json!({"contract": {"ends": ["Subscription Renewed"]}}), "settings.contract.ends"),
        (json!({"contract": {}, "active_weeks": 8}), "settings.active_weeks"),
        (json!({"contract": {"sql": "x"}}), "settings"),
        (json!({"contract": "Subscription Started"}), "settings"),
    ] {
        let answer = change(settings.clone()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{settings}: {}", answer.text());
        assert!(answer.json()["detail"].as_str().unwrap().starts_with(place), "{}", answer.text());
    }
    let changed = change(json!({"contract": {"ends": ["Left for good"]}, "horizon_weeks": 4})).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text());
    assert_eq!(changed.json()["settings"]["contract"]["has"][0], "Subscription Started");
    modelling::settle(&world.app.installation).await.unwrap();
    let model = get(&world, &owner, CHURN).await;
    assert_eq!(model["verdict"]["code"], "too_few_lost", "nobody left by that name: {model}");

    // By the events that they have.
    let changed = change(json!({"contract": {}})).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text());
    let asked = call(&world, &owner, Method::POST, &format!("{CHURN}/fit"), Value::Null).await;
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.text());
    modelling::settle(&world.app.installation).await.unwrap();
    let model = get(&world, &owner, CHURN).await;
    assert_eq!((&model["live"]["version"], &model["verdict"]), (&json!(1), &json!(null)), "{model}");
    assert!(model["live"]["metrics"]["auc"]["low"].as_f64().unwrap() > 0.6, "{}", model["live"]["metrics"]);
    let version = get(&world, &owner, &format!("{CHURN}/versions/1")).await;
    assert_eq!(version["card"]["title"], "Whose subscription ends in the next 4 weeks");
    let features = version["card"]["features"].as_array().unwrap();
    for feature in ["days since their subscription began", "last answer how satisfied they are"] {
        assert!(features.contains(&json!(feature)), "{features:?}");
    }

    // Spoken of is whoever has one, and nobody who had one.
    let figures = get(&world, &owner, &format!("{CHURN}/risks")).await;
    let (all, names) = (people(&world, &owner).await, names(&world).await);
    let still: BTreeSet<String> = (0..SUBSCRIBERS).filter(|n| lives[*n as usize].1).map(|n| format!("s{n}")).collect();
    assert_eq!(named(&all, &names), still);
    assert_eq!(
        (&figures["people"], &figures["lost"], &figures["when"]),
        (&json!(still.len()), &json!(0), &json!(null))
    );
    assert_eq!(figures["definition"]["contract"]["ends"], json!(["Subscription Cancelled"]));
    assert!(all.iter().all(|row| row["score"]["part"] != "lost"));

    // Who ends it now is not spoken of any more.
    let gone = still.first().unwrap().clone();
    let ended = json!({"subscription_id": format!("plan-{}", &gone[1..])});
    happen(&world, &key, vec![track("gone", &gone, "Subscription Cancelled", ended)]).await;
    world.app.pipeline.settle().await.unwrap();
    world.clock.advance(2 * Timestamp::DAY);
    modelling::settle(&world.app.installation).await.unwrap();
    let left = named(&people(&world, &owner).await, &names);
    let others: BTreeSet<String> = still.into_iter().filter(|it| *it != gone).collect();
    assert_eq!(left, others);
}
