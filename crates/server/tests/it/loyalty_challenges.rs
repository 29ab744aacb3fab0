//! Challenges from the event to the fact: stamp cards that are filled and come back with their order, streaks over the night in which the clock changes, joining, badges, and what a
//! challenge would have shown.

use axum::http::{Method, StatusCode};
use rapport_domain::{Clock, PersonId, Timestamp};
use rapport_server::auth::Role;
use rapport_server::challenges;
use rapport_server::records::workspaces::FIRST;
use rapport_store::Slice;
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, only_person, person, settle, track, world};
use crate::sink::{Manner, Sink};
use crate::world::{Answer, Browser, World};

const CHALLENGES: &str = "/api/v1/loyalty/challenges";
const BADGES: &str = "/api/v1/loyalty/badges";

async fn put(world: &World, who: &Browser, path: &str, body: Value) -> Answer {
    call(world, who, Method::PUT, path, body).await
}

async fn post(world: &World, who: &Browser, path: &str, body: Value) -> Answer {
    call(world, who, Method::POST, path, body).await
}

fn refused(answer: &Answer, status: StatusCode, code: &str) {
    assert_eq!((answer.status, answer.json()["code"].as_str()), (status, Some(code)), "{}", answer.text());
}

async fn save(world: &World, owner: &Browser, key: &str, version: i64, challenge: Value) {
    let body = json!({"version": version, "state": "live", "challenge": challenge});
    let saved = put(world, owner, &format!("{CHALLENGES}/{key}"), body).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
}

fn card() -> Value {
    json!({"name": "Coffee card", "event": "Order Completed", "counts": {"kind": "units"}, "recurrence": {"kind": "always"},
        "items": {"property": {"path": "category", "op": "equals", "value": "coffee"}},
        "steps": [{"target": 10, "points": 100, "badge": "regular"}]})
}

/// A programme in Berlin, a badge, a stamp card, and Ann, a member.
async fn founded(sink: &Sink) -> (World, Browser, String, String) {
    let (world, owner, key) = world(sink).await;
    let program = json!({"name": "Club", "zone": "Europe/Berlin", "currency": "EUR", "counts_from": "2020-01-01",
        "wallets": [{"key": "points", "name": "Points", "worth": "0.01", "books": {"redemption": "1"}}]});
    let saved = put(&world, &owner, "/api/v1/loyalty/program", json!({"version": 0, "program": program})).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    let unknown =
        put(&world, &owner, &format!("{CHALLENGES}/card"), json!({"version": 0, "state": "live", "challenge": card()}))
            .await;
    assert!(unknown.text().contains("steps[0].badge"), "{}", unknown.text());
    let badge =
        json!({"version": 0, "state": "live", "badge": {"name": "Regular", "picture": "https://shop.example/r.png"}});
    assert_eq!(put(&world, &owner, &format!("{BADGES}/regular"), badge).await.status, StatusCode::OK);
    save(&world, &owner, "card", 0, card()).await;
    world.clock.advance(Timestamp::HOUR);
    happen(&world, &key, person(1, "ann@example.com")).await;
    let ann = only_person(&world, &owner, "ann").await;
    let member = post(&world, &owner, "/api/v1/loyalty/members", json!({"person_id": ann})).await.json();
    let member = member["member_id"].as_str().unwrap().to_owned();
    (world, owner, key, member)
}

fn coffee(order: &str, message: &str, units: i64) -> Value {
    let properties = json!({"order_id": order, "subtotal": units * 3, "revenue": units * 3, "currency": "EUR",
        "products": [{"category": "coffee", "price": 3, "quantity": units}, {"category": "cake", "price": 0, "quantity": 1}]});
    track(message, "u1", "Order Completed", properties)
}

async fn available(world: &World, owner: &Browser, member: &str) -> i64 {
    let found = get(world, owner, &format!("/api/v1/loyalty/members/{member}")).await;
    found["wallets"][0]["available"].as_i64().unwrap_or(0)
}

async fn own(world: &World, owner: &Browser, member: &str, key: &str) -> Value {
    let rows = get(world, owner, &format!("/api/v1/loyalty/members/{member}/challenges")).await;
    let rows = rows["rows"].as_array().unwrap().clone();
    rows.into_iter().find(|row| row["challenge"] == key).unwrap_or_default()
}

async fn facts(world: &World, owner: &Browser) -> Value {
    let person = PersonId(only_person(world, owner, "ann").await.parse().unwrap());
    let mut db = world.app.installation.store.read();
    let known =
        rapport_profiles::records::facts::current_of(&mut db, FIRST, &[person], world.clock.now()).await.unwrap();
    let begins = ["challenge.", "streak.", "badge."];
    let own = known.into_iter().filter(|it| begins.iter().any(|begins| it.1.starts_with(begins)));
    Value::Object(own.map(|it| (it.1, serde_json::from_str(&it.2).unwrap())).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stamp_card_is_filled_and_comes_back_with_its_order() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key, member) = founded(&sink).await;
    happen(&world, &key, vec![coffee("o1", "m1", 8)]).await;
    let card = own(&world, &owner, &member, "card").await;
    assert_eq!(
        (&card["have"], &card["steps"][0]["target"], &card["completed"]),
        (&json!(8), &json!(10), &json!(0)),
        "{card}"
    );
    happen(&world, &key, vec![coffee("o2", "m2", 4), coffee("o2", "m3", 4)]).await;
    let card = own(&world, &owner, &member, "card").await;
    assert_eq!(
        (&card["have"], &card["rounds"], &card["completed"]),
        (&json!(2), &json!(1), &json!(1)),
        "told twice: {card}"
    );
    assert_eq!(available(&world, &owner, &member).await, 100);
    let told = facts(&world, &owner).await;
    assert_eq!(
        (&told["challenge.card.progress"], &told["challenge.card.target"], &told["challenge.card.completed"]),
        (&json!(2), &json!(10), &json!(1))
    );
    let badges = get(&world, &owner, &format!("/api/v1/loyalty/members/{member}/badges")).await;
    assert_eq!(
        (&badges["rows"][0]["by"], &badges["rows"][0]["challenge"]),
        (&json!("challenge"), &json!("card")),
        "{badges}"
    );
    let ann = only_person(&world, &owner, "ann").await;
    let timeline = get(&world, &owner, &format!("/api/v1/customers/{ann}/timeline?limit=50")).await.to_string();
    for name in ["Challenge Completed", "Badge Received", "Points Earned"] {
        assert_eq!(timeline.matches(&format!("\"name\":\"{name}\"")).count(), 1, "{name}: {timeline}");
    }
    assert!(facts(&world, &owner).await["badge.regular"].is_string());
    let list = get(&world, &owner, CHALLENGES).await;
    let figures = &list["rows"][0]["figures"];
    assert_eq!(
        (&figures["members"], &figures["completed"], &figures["cost"]),
        (&json!(1), &json!(1), &json!("1.00")),
        "{figures}"
    );
    assert_eq!(figures["steps"], json!([{"step": 1, "times": 1, "points": 100}]));
    assert_eq!(get(&world, &owner, BADGES).await["rows"][0]["holders"], 1);
    let taking_part = get(&world, &owner, &format!("{CHALLENGES}/card/members")).await;
    assert_eq!(taking_part["rows"][0]["member_id"], json!(member));

    // Half of the second order goes back: ten are left. Then all of it.
    let back = |amount: i64, id: &str| track(id, "u1", "Order Refunded", json!({"order_id": "o2", "refund": amount}));
    happen(&world, &key, vec![back(6, "m4")]).await;
    assert_eq!(own(&world, &owner, &member, "card").await["rounds"], 1);
    happen(&world, &key, vec![back(6, "m5")]).await;
    let card = own(&world, &owner, &member, "card").await;
    assert_eq!((&card["have"], &card["rounds"], &card["completed"]), (&json!(8), &json!(0), &json!(0)), "{card}");
    assert!(card["completions"][0]["taken_back_at"].is_string());
    assert_eq!(available(&world, &owner, &member).await, 0);
    assert_eq!(facts(&world, &owner).await["badge.regular"], Value::Null);
    // What it turns out to be worth after all.
    happen(&world, &key, vec![coffee("o3", "m6", 2)]).await;
    assert_eq!(available(&world, &owner, &member).await, 100);
    happen(&world, &key, vec![track("m7", "u1", "Order Cancelled", json!({"order_id": "o1"}))]).await;
    assert_eq!(
        (available(&world, &owner, &member).await, own(&world, &owner, &member, "card").await["have"].clone()),
        (0, json!(2))
    );

    let tried =
        post(&world, &owner, &format!("{CHALLENGES}/try"), json!({"challenge": card_for_try(), "days": 30})).await;
    assert_eq!(tried.status, StatusCode::OK, "{}", tried.text());
    let tried = tried.json();
    assert_eq!((&tried["looked_at"], &tried["taking_part"]), (&json!(1), &json!(1)), "{tried}");
    assert_eq!(
        tried["steps"],
        json!([{"step": 1, "members": 1, "times": 1, "points": 7}, {"step": 2, "members": 0, "times": 0, "points": 0}])
    );
}

fn card_for_try() -> Value {
    json!({"name": "Tried", "event": "Order Completed", "counts": {"kind": "units"}, "steps": [{"target": 2, "points": 7}, {"target": 20}]})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_streak_lives_through_the_night_in_which_the_clock_changes() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key, member) = founded(&sink).await;
    let streak = json!({"name": "Three days", "event": "Walk Uploaded", "counts": {"kind": "in_a_row", "unit": "days"},
        "steps": [{"target": 2}, {"target": 3, "points": 30}]});
    save(&world, &owner, "walk", 0, streak).await;
    // To the last Saturday of some March, 23:30 in Berlin: an hour before a day of 23 hours.
    let begin = Timestamp::parse("2031-03-29T22:30:00Z").unwrap();
    world.clock.advance(begin.0 - world.clock.now().0);
    let walk = |id: &str| track(id, "u1", "Walk Uploaded", json!({"km": 5}));
    happen(&world, &key, vec![walk("w1")]).await;
    world.clock.advance(23 * Timestamp::HOUR);
    happen(&world, &key, vec![walk("w2"), walk("w2b")]).await;
    let now = own(&world, &owner, &member, "walk").await;
    assert_eq!(now["streak"]["current"], 2, "{now}");
    assert_eq!(now["streak"]["ends_at"].as_str().unwrap()[..16], *"2031-03-31T22:00", "{now}");
    assert_eq!((&now["steps"][0]["is_completed"], &now["steps"][1]["is_completed"]), (&json!(true), &json!(false)));
    assert_eq!(facts(&world, &owner).await["streak.walk.current"], 2);

    world.clock.advance(3 * Timestamp::DAY);
    while challenges::settle(&world.app.installation, FIRST, &mut Slice::default()).await.unwrap() > 0 {}
    settle(&world).await;
    let told = facts(&world, &owner).await;
    assert_eq!(
        (&told["streak.walk.current"], &told["streak.walk.longest"], &told["streak.walk.ends_at"]),
        (&json!(0), &json!(2), &Value::Null)
    );
    let ann = only_person(&world, &owner, "ann").await;
    let timeline = get(&world, &owner, &format!("/api/v1/customers/{ann}/timeline?limit=50")).await.to_string();
    for name in ["Challenge Progressed", "Challenge Progress Lost"] {
        assert_eq!(timeline.matches(&format!("\"name\":\"{name}\"")).count(), 1, "{name}: {timeline}");
    }
    // The phone was offline: the third day was walked.
    let mut late = walk("w3");
    late["timestamp"] = json!("2031-03-31T12:00:00Z");
    happen(&world, &key, vec![late]).await;
    assert_eq!(available(&world, &owner, &member).await, 30);
    assert_eq!(own(&world, &owner, &member, "walk").await["streak"]["longest"], 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_join_and_leave_and_bad_input_changes_nothing() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key, member) = founded(&sink).await;
    let joined = |key: &str| format!("/api/v1/loyalty/members/{member}/challenges/{key}/joined");
    let left = format!("/api/v1/loyalty/members/{member}/challenges/stores/left");
    let stores = json!({"name": "Three stores", "event": "Store Visited", "joins": "opt_in", "counts": {"kind": "distinct", "property": "store"},
        "steps": [{"target": 3, "points": 5}]});
    save(&world, &owner, "stores", 0, stores.clone()).await;
    let visit = |id: &str, store: &str| track(id, "u1", "Store Visited", json!({"store": store}));
    happen(&world, &key, vec![visit("v1", "Mitte")]).await;
    world.clock.advance(Timestamp::HOUR);
    refused(&post(&world, &owner, &joined("card"), json!({})).await, StatusCode::CONFLICT, "challenge_not_opt_in");
    refused(&post(&world, &owner, &joined("nothing"), json!({})).await, StatusCode::NOT_FOUND, "not_found");
    refused(&post(&world, &owner, &left, json!({})).await, StatusCode::CONFLICT, "challenge_not_joined");
    let viewer = world.browser(Role::Viewer).await;
    assert_eq!(post(&world, &viewer, &joined("stores"), json!({})).await.status, StatusCode::FORBIDDEN);
    for _ in 0..2 {
        let now = post(&world, &owner, &joined("stores"), json!({})).await;
        assert_eq!((now.status, &now.json()["takes_part"]), (StatusCode::OK, &json!(true)), "{}", now.text());
    }
    world.clock.advance(Timestamp::HOUR);
    happen(&world, &key, vec![visit("v2", "Mitte"), visit("v3", "Ost"), visit("v4", "Ost")]).await;
    assert_eq!(own(&world, &owner, &member, "stores").await["have"], 2);
    assert_eq!(post(&world, &owner, &left, json!({})).await.json()["takes_part"], false);
    world.clock.advance(Timestamp::HOUR);
    happen(&world, &key, vec![visit("v5", "West")]).await;
    assert_eq!(available(&world, &owner, &member).await, 0);
    assert_eq!(post(&world, &owner, &joined("stores"), json!({})).await.status, StatusCode::OK);
    assert_eq!(available(&world, &owner, &member).await, 5, "who joins again goes on where they were");

    let mut other = stores.clone();
    other["counts"] = json!({"kind": "times"});
    let changed = put(
        &world,
        &owner,
        &format!("{CHALLENGES}/stores"),
        json!({"version": 1, "state": "live", "challenge": other}),
    )
    .await;
    refused(&changed, StatusCode::UNPROCESSABLE_ENTITY, "loyalty_invalid");
    let stale = json!({"version": 0, "state": "live", "challenge": stores});
    refused(&put(&world, &owner, &format!("{CHALLENGES}/stores"), stale).await, StatusCode::CONFLICT, "loyalty_stale");
    let paused = put(
        &world,
        &owner,
        &format!("{CHALLENGES}/stores"),
        json!({"version": 1, "state": "paused", "challenge": stores}),
    )
    .await;
    assert_eq!(paused.status, StatusCode::OK);
    refused(&post(&world, &owner, &joined("stores"), json!({})).await, StatusCode::CONFLICT, "challenge_not_open");
    let vip = json!({"name": "For gold", "event": "Store Visited", "joins": "opt_in", "counts": {"kind": "times"}, "steps": [{"target": 1}],
        "who": {"fact": {"key": "trait.plan", "op": "equals", "value": "gold"}}});
    save(&world, &owner, "vip", 0, vip).await;
    refused(&post(&world, &owner, &joined("vip"), json!({})).await, StatusCode::CONFLICT, "challenge_not_entitled");
    let own_event = json!({"version": 0, "state": "live", "challenge": {"name": "X", "event": "Points Earned", "counts": {"kind": "times"}, "steps": [{"target": 1, "points": 1}]}});
    refused(
        &put(&world, &owner, &format!("{CHALLENGES}/circle"), own_event).await,
        StatusCode::UNPROCESSABLE_ENTITY,
        "loyalty_invalid",
    );
    let days =
        post(&world, &owner, &format!("{CHALLENGES}/try"), json!({"challenge": card_for_try(), "days": 0})).await;
    refused(&days, StatusCode::UNPROCESSABLE_ENTITY, "invalid_value");
    assert_eq!(
        put(&world, &viewer, &format!("{CHALLENGES}/vip"), json!({"version": 1, "state": "live", "challenge": card()}))
            .await
            .status,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn badges_by_hand_and_by_condition() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key, member) = founded(&sink).await;
    let own = format!("/api/v1/loyalty/members/{member}/badges");
    let by_hand = put(&world, &owner, &format!("{own}/regular"), json!({"reason": "Ann Zebrafish helped"})).await;
    assert_eq!(by_hand.status, StatusCode::OK, "{}", by_hand.text());
    assert_eq!(
        (&by_hand.json()["rows"][0]["by"], &by_hand.json()["rows"][0]["is_held"]),
        (&json!("staff"), &json!(true))
    );
    refused(
        &put(&world, &owner, &format!("{own}/regular"), json!({"reason": " "})).await,
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid_value",
    );
    refused(
        &put(&world, &owner, &format!("{own}/none"), json!({"reason": "x"})).await,
        StatusCode::NOT_FOUND,
        "not_found",
    );
    let gold = json!({"version": 0, "state": "live", "badge": {"name": "Gold", "when": {"fact": {"key": "trait.plan", "op": "equals", "value": "gold"}}}});
    let saved = put(&world, &owner, &format!("{BADGES}/gold"), gold).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    happen(
        &world,
        &key,
        vec![json!({"type": "identify", "userId": "u1", "messageId": "g1", "traits": {"plan": "gold"}})],
    )
    .await;
    let rows = get(&world, &owner, &own).await;
    let held: Vec<&str> = rows["rows"].as_array().unwrap().iter().map(|row| row["by"].as_str().unwrap()).collect();
    assert!(held.contains(&"staff") && held.contains(&"condition"), "{rows}");
    let holders = get(&world, &owner, &format!("{BADGES}/regular/members")).await;
    assert_eq!(
        (&holders["rows"][0]["member_id"], holders["rows"].as_array().map(Vec::len), &holders["next"]),
        (&json!(member), Some(1), &json!(null)),
        "{holders}"
    );
    assert!(holders["rows"][0]["person_name"].as_str().is_some_and(|name| !name.is_empty()), "{holders}");

    let back = format!("{own}/regular/taken_back");
    assert_eq!(post(&world, &owner, &back, json!({"reason": "a mistake"})).await.status, StatusCode::OK);
    assert_eq!(get(&world, &owner, &format!("{BADGES}/regular/members")).await["rows"], json!([]));
    refused(&post(&world, &owner, &back, json!({"reason": "a mistake"})).await, StatusCode::CONFLICT, "badge_not_held");
    settle(&world).await;
    let ann = only_person(&world, &owner, "ann").await;
    let timeline = get(&world, &owner, &format!("/api/v1/customers/{ann}/timeline?limit=50")).await.to_string();
    assert!(timeline.contains("Badge Taken Back") && !timeline.contains("Zebrafish"), "{timeline}");
    let pack = post(&world, &owner, &format!("/api/v1/customers/{ann}/access"), json!(null)).await.json();
    assert!(pack["tables"]["loyalty_badges"].to_string().contains("Zebrafish"));
    let erased = post(&world, &owner, &format!("/api/v1/customers/{ann}/erasure"), json!({})).await;
    assert_eq!(erased.status, StatusCode::OK, "{}", erased.text());
    assert_eq!(get(&world, &owner, &own).await["rows"], json!([]));
}
