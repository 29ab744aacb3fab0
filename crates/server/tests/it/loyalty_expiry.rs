//! Members are told before points lapse: once for each end, and in time.

use axum::http::{Method, StatusCode};
use rapport_domain::{Clock, Timestamp};
use rapport_server::points::notices;
use rapport_server::records::workspaces::FIRST;
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, only_person, person, settle, track, world};
use crate::sink::{Manner, Sink};
use crate::world::{Browser, World};

async fn put(world: &World, owner: &Browser, path: &str, body: Value) {
    let saved = call(world, owner, Method::PUT, path, body).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
}

/// Looks whom to tell, as the night work does, and lets follow what follows; how many accounts were looked at.
async fn night(world: &World) -> usize {
    let mut looked_at = 0;
    loop {
        let some = notices::settle(&world.app.installation, FIRST).await.unwrap();
        if some == 0 {
            break;
        }
        looked_at += some;
    }
    settle(world).await;
    looked_at
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_loses_points_is_told_in_time_and_once() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    let wallets = json!([
        {"key": "points", "name": "Points", "notice_days": 7, "expiry": {"kind": "inactivity", "count": 30, "unit": "days"}},
        {"key": "stamps", "name": "Stamps", "expiry": {"kind": "after", "count": 30, "unit": "days"}},
    ]);
    let program =
        json!({"name": "Club", "zone": "UTC", "currency": "EUR", "enrolment": {"by": "earning"}, "wallets": wallets});
    put(&world, &owner, "/api/v1/loyalty/program", json!({"version": 0, "program": program})).await;
    for wallet in ["points", "stamps"] {
        let rule = json!({"name": "Orders", "event": "Order Completed", "wallet": wallet, "gives": {"kind": "fixed", "points": 10}});
        let body = json!({"version": 0, "state": "live", "rule": rule});
        put(&world, &owner, &format!("/api/v1/loyalty/rules/{wallet}"), body).await;
    }
    world.clock.advance(Timestamp::HOUR);
    happen(&world, &key, person(1, "ann@example.com")).await;
    let order =
        |id: &str| track(id, "u1", "Order Completed", json!({"order_id": id, "revenue": 10, "currency": "EUR"}));
    happen(&world, &key, vec![order("o1")]).await;
    let members = get(&world, &owner, "/api/v1/loyalty/members").await;
    let id = members["rows"][0]["member_id"].as_str().unwrap().to_owned();
    let list = async || get(&world, &owner, &format!("/api/v1/loyalty/members/{id}/notices")).await["rows"].clone();

    world.clock.advance(22 * Timestamp::DAY);
    night(&world).await;
    assert_eq!(list().await, json!([]), "eight days before");
    world.clock.advance(Timestamp::DAY);
    assert!(night(&world).await > 0);
    assert_eq!(night(&world).await, 0, "once a day");
    let told = list().await;
    assert_eq!(told.as_array().unwrap().len(), 1, "stamps have no notice: {told}");
    assert_eq!((&told[0]["wallet"], &told[0]["points"]), (&json!("points"), &json!(10)));
    let end = Timestamp::parse(told[0]["expires_at"].as_str().unwrap()).unwrap();
    assert!(end > world.clock.now().plus(7 * Timestamp::DAY) && end <= world.clock.now().plus(8 * Timestamp::DAY));
    world.clock.advance(Timestamp::DAY);
    night(&world).await;
    assert_eq!(list().await, told, "not again on the next day");
    let who = only_person(&world, &owner, "ann").await;
    let line = get(&world, &owner, &format!("/api/v1/customers/{who}/timeline")).await.to_string();
    assert_eq!(line.matches("\"Points Expiring\"").count(), 1, "{line}");

    // An order moves the end of everything in the wallet: it is told anew when that comes near.
    happen(&world, &key, vec![order("o2")]).await;
    world.clock.advance(24 * Timestamp::DAY);
    night(&world).await;
    let again = list().await;
    assert_eq!((again.as_array().unwrap().len(), &again[0]["points"]), (2, &json!(20)), "{again}");
    let moved = Timestamp::parse(again[0]["expires_at"].as_str().unwrap()).unwrap();
    assert!(moved > end.plus(20 * Timestamp::DAY));
}
