//! The night work takes up a few members in each turn of the writer, however many there are, so that nobody waits for all of it.

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_loyalty::verify::verify;
use rapport_server::points::{self, Overdue, gifts, jurisdictions, notices};
use rapport_server::records::workspaces::FIRST;
use rapport_store::Slice;
use serde_json::{Value, json};

use crate::engaging::{call, happen, only_person, person, world};
use crate::sink::{Manner, Sink};
use crate::world::{Browser, World};

/// How many members or redemptions there are, and how many a turn takes up at most.
const MEMBERS: usize = 5;
const MOST: usize = 2;

async fn ok(world: &World, owner: &Browser, method: Method, path: &str, body: Value) -> Value {
    let answer = call(world, owner, method, path, body).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    answer.json()
}

async fn save(world: &World, owner: &Browser, version: i64) {
    let lives = json!({"fact": {"key": "trait.region", "op": "equals", "value": "ON"}});
    let wallet = json!({"key": "points", "name": "Points", "notice_days": 7, "expiry": {"kind": "after", "count": 30, "unit": "days"}});
    let program = json!({"name": "Club", "zone": "UTC", "currency": "EUR", "wallets": [wallet],
        "transfers": {"wallets": ["points"], "claim_days": 3},
        "jurisdictions": [{"key": "ontario", "name": "Ontario", "when": lives, "no_expiry_by_time": true}]});
    let body = json!({"version": version, "program": program});
    ok(world, owner, Method::PUT, "/api/v1/loyalty/program", body).await;
}

/// Works until nothing is left: everybody, or everything, once, a few in each turn.
async fn in_turns(mut turn: impl AsyncFnMut(&mut Slice) -> usize) {
    let mut slice = Slice::up_to(u32::try_from(MOST).unwrap());
    let mut turns = Vec::new();
    loop {
        match turn(&mut slice).await {
            0 => break,
            found => turns.push(found),
        }
    }
    assert!(turns.iter().all(|found| *found <= MOST), "{turns:?}");
    assert_eq!(turns.iter().sum::<usize>(), MEMBERS, "{turns:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gifts_laws_and_notices_come_in_turns() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    save(&world, &owner, 0).await;
    world.clock.advance(Timestamp::HOUR);
    for number in 1..=u32::try_from(MEMBERS).unwrap() {
        let mail = format!("c{number}@example.com");
        happen(&world, &key, person(number, &mail)).await;
        let who = only_person(&world, &owner, &mail).await;
        let member = ok(&world, &owner, Method::POST, "/api/v1/loyalty/members", json!({"person_id": who})).await;
        let member = &member["member_id"];
        let earn = json!([{"id": format!("e{number}"), "member_id": member, "act": {"kind": "earn", "amount": 10}}]);
        ok(&world, &owner, Method::POST, "/api/v1/loyalty/operations", json!({"operations": earn})).await;
        let gift = json!({"id": format!("g{number}"), "member_id": member, "points": 5});
        ok(&world, &owner, Method::POST, "/api/v1/loyalty/transfers", gift).await;
    }
    let installation = &world.app.installation;

    // Nobody was judged by the new version of the programme yet.
    save(&world, &owner, 1).await;
    in_turns(async |slice: &mut Slice| jurisdictions::settle(installation, FIRST, slice).await.unwrap()).await;
    // Gifts were not claimed in time, and what came back lapses within the days of which members are told.
    world.clock.advance(24 * Timestamp::DAY);
    in_turns(async |slice: &mut Slice| gifts::settle(installation, FIRST, slice).await.unwrap()).await;
    in_turns(async |slice: &mut Slice| notices::settle(installation, FIRST, slice).await.unwrap()).await;
    assert_eq!(verify(&mut installation.store.read(), FIRST).await.unwrap().findings, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redemptions_that_are_overdue_come_in_turns() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    save(&world, &owner, 0).await;
    let tent =
        json!({"name": "A tent", "gives": {"kind": "delivered"}, "prices": [{"points": 10}], "fulfil_within_days": 3});
    let tent = json!({"version": 0, "state": "live", "reward": tent});
    ok(&world, &owner, Method::PUT, "/api/v1/loyalty/rewards/tent", tent).await;
    world.clock.advance(Timestamp::HOUR);
    happen(&world, &key, person(1, "ann@example.com")).await;
    let who = only_person(&world, &owner, "ann@example.com").await;
    let member = ok(&world, &owner, Method::POST, "/api/v1/loyalty/members", json!({"person_id": who})).await;
    let member = &member["member_id"];
    let earn = json!([{"id": "e1", "member_id": member, "act": {"kind": "earn", "amount": 10 * MEMBERS}}]);
    ok(&world, &owner, Method::POST, "/api/v1/loyalty/operations", json!({"operations": earn})).await;
    for number in 1..=MEMBERS {
        let wanted = json!({"id": format!("r{number}"), "member_id": member, "reward": "tent"});
        ok(&world, &owner, Method::POST, "/api/v1/loyalty/redemptions", wanted).await;
    }
    world.clock.advance(4 * Timestamp::DAY);
    let installation = &world.app.installation;
    let redemptions = Overdue::Redemptions;
    in_turns(async |slice: &mut Slice| points::end_some(installation, FIRST, redemptions, slice).await.unwrap()).await;
    assert_eq!(verify(&mut installation.store.read(), FIRST).await.unwrap().findings, []);
}
