//! The books through the API: what is earned, redeemed and taken back shows in points and in money, month by month, and is tied to the ledger.

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_loyalty::records::head;
use rapport_server::records::workspaces::FIRST;
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, person, track, world};
use crate::sink::{Manner, Sink};
use crate::world::{Browser, World};

const LIABILITY: &str = "/api/v1/loyalty/liability";

async fn put(world: &World, owner: &Browser, path: &str, body: Value) {
    let saved = call(world, owner, Method::PUT, path, body).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
}

fn program(books: Value) -> Value {
    json!({"name": "Trail club", "zone": "Europe/Berlin", "currency": "EUR", "enrolment": {"by": "earning"},
        "wallets": [{"key": "points", "name": "Points", "worth": "0.01", "books": books}, {"key": "stamps", "name": "Stamps"}]})
}

fn order(id: &str, subtotal: f64) -> Value {
    let properties = json!({"order_id": id, "subtotal": subtotal, "revenue": subtotal, "currency": "EUR"});
    track(&format!("m-{id}"), "u1", "Order Completed", properties)
}

async fn spend(world: &World, owner: &Browser, id: &str, amount: i64) {
    let member = get(world, owner, "/api/v1/loyalty/members").await["rows"][0]["member_id"].clone();
    let operation = json!({"id": id, "member_id": member, "act": {"kind": "spend", "amount": amount}});
    let done = call(world, owner, Method::POST, "/api/v1/loyalty/operations", json!({"operations": [operation]})).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_books_follow_what_happens_and_end_where_the_ledger_does() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    assert_eq!(call(&world, &owner, Method::GET, LIABILITY, Value::Null).await.status, StatusCode::NOT_FOUND);
    put(
        &world,
        &owner,
        "/api/v1/loyalty/program",
        json!({"version": 0, "program": program(json!({"redemption": "0.8"}))}),
    )
    .await;
    let base = json!({"name": "A point for each euro", "event": "Order Completed", "gives": {"kind": "amount", "points": 1, "each": "1"}});
    put(&world, &owner, "/api/v1/loyalty/rules/base", json!({"version": 0, "state": "live", "rule": base})).await;
    let empty = get(&world, &owner, LIABILITY).await;
    assert_eq!((&empty["months"], &empty["liability"]), (&json!([]), &json!("0.00")), "{empty}");
    world.clock.advance(Timestamp::HOUR);
    happen(&world, &key, person(1, "ann@example.com")).await;
    happen(&world, &key, vec![order("o1", 1_000.0), order("o2", 200.0)]).await;
    spend(&world, &owner, "s1", 480).await;
    let refund = json!({"order_id": "o2", "refund": 200.0});
    happen(&world, &key, vec![track("r1", "u1", "Order Refunded", refund)]).await;

    let found = get(&world, &owner, LIABILITY).await;
    let month = found["months"].as_array().unwrap().last().unwrap().clone();
    let points = ["opening", "issued", "redeemed", "lapsed", "taken_back", "adjusted", "closing", "owed"];
    assert_eq!(points.map(|it| month[it].as_i64().unwrap()), [0, 1_200, 480, 0, 200, 0, 520, 0], "{month}");
    // A point puts off 0.8 cents. 480 of the 800 that are expected to be redeemed of 1,000 earn three fifths of what 1,000 put off.
    let money = json!({"opening": "0.00", "deferred": "9.60", "taken_back": "1.60", "adjusted": "0.00", "redeemed": "3.84", "breakage": "0.96", "closing": "3.20"});
    assert_eq!(month["money"], money);
    assert_eq!((&found["outstanding"], &found["liability"]), (&json!(520), &json!("3.20")));
    assert_eq!((&found["redemption_by"], &found["worth"]), (&json!("set"), &json!("0.01")));

    // The month's end is the ledger's, as `rapport verify` finds it.
    let head = head::read(&mut world.app.installation.store.read(), FIRST).await.unwrap().unwrap();
    let chain: String = head.chain.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(month["ledger"], json!({"operation": head.operations, "chain": chain}));
    let file = call(&world, &owner, Method::GET, "/api/v1/loyalty/liability.csv", Value::Null).await;
    assert_eq!(file.status, StatusCode::OK);
    let text = file.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(
        lines[1].ends_with(&format!(",EUR,0.00,9.60,1.60,0.00,3.84,0.96,3.20,{}:{chain}", head.operations)),
        "{text}"
    );

    // Three months later: the months between are there, a month that is over stays what it was, and its end of the ledger too.
    world.clock.advance(92 * Timestamp::DAY);
    happen(&world, &key, vec![order("o3", 50.0)]).await;
    let later = get(&world, &owner, LIABILITY).await;
    let months = later["months"].as_array().unwrap();
    assert!((3..=5).contains(&months.len()), "{later}");
    assert_eq!(months[0], month);
    let last = months.last().unwrap();
    assert_eq!((&last["opening"], &last["issued"], &last["closing"]), (&json!(520), &json!(50), &json!(570)));
    assert!(last["ledger"]["operation"].as_i64().unwrap() > head.operations);
    let only = get(&world, &owner, &format!("{LIABILITY}?from={0}&until={0}", month["month"].as_str().unwrap())).await;
    assert_eq!(only["months"], json!([month]));
    assert_eq!(only["liability"], "3.20", "as of the last month that is asked for");

    let vintages = get(&world, &owner, "/api/v1/loyalty/liability/vintages").await;
    let first = &vintages["rows"][0];
    assert_eq!((&first["issued"], &first["redeemed"], &first["left"]), (&json!(1_200), &json!(480), &json!(520)));
    assert_eq!(first["redeemed_by_age"].as_array().unwrap().len(), months.len());
    assert_eq!(vintages["enough"], false);
    assert_eq!(
        (&first["standard_error"], &first["low"]),
        (&Value::Null, &Value::Null),
        "one vintage says nothing of how they differ"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_asked_is_said_with_its_place() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, _) = world(&sink).await;
    for (books, place) in [
        (json!({"redemption": "1.2"}), "wallets[0].books.redemption"),
        (json!({"goods": "0"}), "wallets[0].books.goods"),
    ] {
        let body = json!({"version": 0, "program": program(books)});
        let refused = call(&world, &owner, Method::PUT, "/api/v1/loyalty/program", body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text().contains(place), "{}", refused.text());
    }
    put(&world, &owner, "/api/v1/loyalty/program", json!({"version": 0, "program": program(json!({}))})).await;
    for (query, status) in [
        ("wallet=gold", StatusCode::NOT_FOUND),
        ("basis=cash", StatusCode::UNPROCESSABLE_ENTITY),
        ("from=2026-13", StatusCode::UNPROCESSABLE_ENTITY),
        ("from=1990-01", StatusCode::UNPROCESSABLE_ENTITY),
        ("from=2099-01", StatusCode::UNPROCESSABLE_ENTITY),
        ("wallet=stamps&basis=effective", StatusCode::OK),
    ] {
        let answer = call(&world, &owner, Method::GET, &format!("{LIABILITY}?{query}"), Value::Null).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.text());
    }
}
