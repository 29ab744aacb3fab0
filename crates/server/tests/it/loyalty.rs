//! The programme from the API to the ledger: rules are saved, events earn, orders go back, members are looked at, operations are posted once.

use axum::http::{Method, StatusCode};
use rapport_domain::{Clock, Event, EventId, Identifier, IdentifierKind, Timestamp};
use rapport_loyalty::verify::verify;
use rapport_server::auth::{Role, Scope};
use rapport_server::own_events;
use rapport_server::records::workspaces::FIRST;
use serde_json::{Map, Value, json};

use crate::engaging::{call, get, happen, only_person, person, track, world};
use crate::sink::{Manner, Sink};
use crate::world::{Answer, Browser, World};

const PROGRAM: &str = "/api/v1/loyalty/program";

fn program() -> Value {
    json!({
        "name": "Trail club", "zone": "Europe/Berlin", "currency": "EUR", "enrolment": {"by": "earning"},
        "wallets": [
            {"key": "points", "name": "Points", "worth": "0.01", "expiry": {"kind": "after", "count": 12, "unit": "months", "rounding": "month"}},
            {"key": "stamps", "name": "Stamps", "unit": {"kind": "stamps"}, "pending": {"kind": "return_window", "days": 14}},
        ],
        "groups": [{"key": "base", "mode": "best"}],
    })
}

async fn save(world: &World, owner: &Browser, path: &str, body: Value) -> Value {
    let saved = call(world, owner, Method::PUT, path, body).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    saved.json()
}

async fn save_rule(world: &World, owner: &Browser, key: &str, version: i64, rule: Value) -> Value {
    let body = json!({"version": version, "state": "live", "rule": rule});
    save(world, owner, &format!("/api/v1/loyalty/rules/{key}"), body).await
}

/// A programme with a point for each euro, and ten more for orders above a hundred.
async fn founded(sink: &Sink) -> (World, Browser, String) {
    let (world, owner, key) = world(sink).await;
    save(&world, &owner, PROGRAM, json!({"version": 0, "program": program()})).await;
    let base = json!({"name": "A point for each euro", "event": "Order Completed", "gives": {"kind": "amount", "points": 1, "each": "1"}});
    save_rule(&world, &owner, "base", 0, base).await;
    let large = json!({"name": "Large orders", "event": "order_completed", "gives": {"kind": "fixed", "points": 10},
        "when": {"property": {"path": "subtotal", "op": "more_than", "value": 100}}});
    assert_eq!(
        save_rule(&world, &owner, "large", 0, large).await["rule"]["event"],
        "Order Completed",
        "its standard name"
    );
    world.clock.advance(Timestamp::HOUR);
    happen(&world, &key, person(1, "ann@example.com")).await;
    (world, owner, key)
}

fn order(id: &str, message: &str, subtotal: f64) -> Value {
    let properties = json!({"order_id": id, "subtotal": subtotal, "revenue": subtotal, "currency": "EUR"});
    track(message, "u1", "Order Completed", properties)
}

async fn only_member(world: &World, owner: &Browser) -> Value {
    let rows = get(world, owner, "/api/v1/loyalty/members").await["rows"].clone();
    assert_eq!(rows.as_array().unwrap().len(), 1, "{rows}");
    rows[0].clone()
}

async fn available(world: &World, owner: &Browser) -> i64 {
    only_member(world, owner).await["wallets"][0]["available"].as_i64().unwrap()
}

async fn post(world: &World, owner: &Browser, operation: Value) -> Answer {
    call(world, owner, Method::POST, "/api/v1/loyalty/operations", json!({"operations": [operation]})).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn points_follow_the_order_through_the_pipeline() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = founded(&sink).await;
    assert_eq!(get(&world, &owner, "/api/v1/loyalty/members").await["rows"], json!([]), "nobody is enrolled yet");
    happen(&world, &key, vec![order("o1", "m1", 120.5)]).await;
    let member = only_member(&world, &owner).await;
    assert_eq!(member["wallets"][0]["available"], 130);
    assert_eq!(member["person_id"].as_str().unwrap(), only_person(&world, &owner, "ann").await);
    // Berlin's first of a month, a year later.
    let end = member["wallets"][0]["expires_at"].as_str().unwrap();
    assert!(end.ends_with("-01T00:00:00Z") || end.contains("T22:00:00") || end.contains("T23:00:00"), "{end}");
    assert_eq!(member["wallets"][0]["expiring"], 130);

    happen(&world, &key, vec![order("o1", "m2", 120.5)]).await;
    assert_eq!(available(&world, &owner).await, 130, "told twice, it is one order");
    let updated = json!({"order_id": "o1", "subtotal": 80, "revenue": 80});
    happen(&world, &key, vec![track("m3", "u1", "Order Updated", updated)]).await;
    assert_eq!(available(&world, &owner).await, 80, "another content earns what it earns");
    let refund = |message: &str, amount: f64| {
        track(message, "u1", "Order Refunded", json!({"order_id": "o1", "refund": amount}))
    };
    happen(&world, &key, vec![refund("m4", 20.0)]).await;
    assert_eq!(available(&world, &owner).await, 60);
    happen(&world, &key, vec![refund("m5", 30.0), refund("m5", 30.0)]).await;
    assert_eq!(available(&world, &owner).await, 30, "parts come to the whole");
    happen(&world, &key, vec![refund("m6", 30.0)]).await;
    assert_eq!(available(&world, &owner).await, 0);

    // A refund that is heard of before its order.
    happen(&world, &key, vec![track("m7", "u1", "Order Cancelled", json!({"order_id": "o2"}))]).await;
    happen(&world, &key, vec![order("o3", "m8", 50.0), order("o4", "m9", 60.0)]).await;
    happen(&world, &key, vec![track("m10", "u1", "Order Cancelled", json!({"order_id": "o3"}))]).await;
    assert_eq!(available(&world, &owner).await, 60);

    let id = member["member_id"].as_str().unwrap();
    let awards = get(&world, &owner, &format!("/api/v1/loyalty/members/{id}/awards")).await;
    let of = |occasion: &str, rule: &str| {
        let rows = awards["rows"].as_array().unwrap();
        let found = rows.iter().find(|it| it["occasion"] == occasion && it["rule"] == rule);
        found.map(|it| {
            (
                it["points"].as_i64().unwrap(),
                it["taken_back"].as_i64().unwrap(),
                it["outcome"].as_str().unwrap().to_owned(),
            )
        })
    };
    assert_eq!(of("order:o1", "base"), Some((80, 80, "given".to_owned())), "{awards}");
    assert_eq!(of("order:o1", "large"), Some((10, 10, "condition".to_owned())), "{awards}");
    assert_eq!(of("order:o3", "base"), Some((50, 50, "given".to_owned())), "{awards}");
    assert_eq!(of("order:o4", "base"), Some((60, 0, "given".to_owned())), "{awards}");
    let operations = get(&world, &owner, &format!("/api/v1/loyalty/members/{id}/operations?limit=3")).await;
    assert_eq!(operations["rows"].as_array().unwrap().len(), 3);
    assert_eq!(operations["rows"][0]["kind"], "reverse");
    assert_eq!(
        (&operations["rows"][0]["source_kind"], &operations["rows"][0]["source_reference"]),
        (&json!("order"), &json!("o3"))
    );
    let next = operations["next"].as_str().unwrap();
    let older = get(&world, &owner, &format!("/api/v1/loyalty/members/{id}/operations?limit=3&cursor={next}")).await;
    assert!(older["rows"][0]["operation"].as_i64() < operations["rows"][2]["operation"].as_i64());
    let lots = get(&world, &owner, &format!("/api/v1/loyalty/members/{id}/lots")).await;
    assert_eq!((lots["rows"].as_array().unwrap().len(), &lots["rows"][0]["available"]), (1, &json!(60)), "{lots}");
    assert_eq!(verify(&mut world.app.installation.store.read(), FIRST).await.unwrap().findings, []);
}

/// Shops tell in several ways, and one may be quicker than another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_went_back_before_its_order_was_told_earns_nothing() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = founded(&sink).await;
    let back = |message: &str, id: &str, amount: Value| {
        track(message, "u1", "Order Refunded", json!({"order_id": id, "amount": amount}))
    };
    happen(&world, &key, vec![track("m1", "u1", "Order Cancelled", json!({"order_id": "off"}))]).await;
    happen(&world, &key, vec![back("m2", "whole", Value::Null), back("m3", "part", json!(20))]).await;
    happen(&world, &key, vec![order("off", "m4", 50.0)]).await;
    happen(&world, &key, vec![order("whole", "m5", 50.0)]).await;
    assert_eq!(available(&world, &owner).await, 0);
    happen(&world, &key, vec![order("part", "m6", 60.0)]).await;
    assert_eq!(available(&world, &owner).await, 40);
    assert_eq!(verify(&mut world.app.installation.store.read(), FIRST).await.unwrap().findings, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_the_rules_counts_for_what_happens_afterwards() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = founded(&sink).await;
    let before = world.clock.now().to_rfc3339();
    happen(&world, &key, vec![order("o1", "m1", 50.0)]).await;
    world.clock.advance(Timestamp::HOUR);
    let double = json!({"name": "Two points for each euro", "event": "Order Completed", "gives": {"kind": "amount", "points": 2, "each": "1"}});
    save_rule(&world, &owner, "base", 1, double.clone()).await;
    let stale = json!({"version": 1, "state": "live", "rule": double});
    let stale = call(&world, &owner, Method::PUT, "/api/v1/loyalty/rules/base", stale).await;
    assert_eq!((stale.status, &stale.json()["code"]), (StatusCode::CONFLICT, &json!("loyalty_stale")));
    world.clock.advance(Timestamp::HOUR);
    happen(&world, &key, vec![order("o2", "m2", 50.0)]).await;
    assert_eq!(available(&world, &owner).await, 150);
    // What happened before the change, and is heard of only now.
    let mut late = order("o3", "m3", 50.0);
    late["timestamp"] = json!(before);
    happen(&world, &key, vec![late]).await;
    assert_eq!(available(&world, &owner).await, 200, "by the rule of then");
    // What happened before the programme began earns nothing.
    let mut early = order("o4", "m4", 500.0);
    early["timestamp"] = json!("2001-01-01T00:00:00Z");
    happen(&world, &key, vec![early]).await;
    assert_eq!(available(&world, &owner).await, 200);
    let versions = get(&world, &owner, "/api/v1/loyalty/rules/base/versions").await;
    assert_eq!(versions["rows"].as_array().unwrap().len(), 2);
    let paused = json!({"version": 2, "state": "paused", "rule": versions["rows"][0]["rule"]});
    save(&world, &owner, "/api/v1/loyalty/rules/base", paused).await;
    world.clock.advance(Timestamp::HOUR);
    happen(&world, &key, vec![order("o5", "m5", 50.0)]).await;
    assert_eq!(available(&world, &owner).await, 200, "a paused rule gives nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_events_earn_caps_hold_and_a_rating_says_why() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = founded(&sink).await;
    let review = json!({"name": "A stamp for a review", "event": "Product Reviewed", "wallet": "stamps", "gives": {"kind": "fixed", "points": 1},
        "when": {"all": [{"property": {"path": "rating", "op": "at_least", "value": 1}}, {"fact": {"key": "trait.vip", "op": "not_equals", "value": true}}]},
        "caps": [{"most": 2, "of": "times", "per": "member", "every": "month"}]});
    save_rule(&world, &owner, "review", 0, review).await;
    world.clock.advance(Timestamp::HOUR);
    let write = |message: &str, product: &str| {
        track(message, "u1", "Product Reviewed", json!({"product_id": product, "rating": 5, "review_body": "Good."}))
    };
    happen(&world, &key, vec![write("r1", "p1"), write("r2", "p2"), write("r3", "p3")]).await;
    let member = only_member(&world, &owner).await;
    let stamps = &member["wallets"][0];
    assert_eq!((&stamps["wallet"], &stamps["pending"], &stamps["available"]), (&json!("stamps"), &json!(2), &json!(0)));
    let id = member["member_id"].as_str().unwrap();
    let awards = get(&world, &owner, &format!("/api/v1/loyalty/members/{id}/awards")).await;
    let outcomes: Vec<&str> =
        awards["rows"].as_array().unwrap().iter().map(|it| it["outcome"].as_str().unwrap()).collect();
    assert_eq!(
        (outcomes.iter().filter(|it| **it == "given").count(), outcomes.iter().filter(|it| **it == "capped").count()),
        (2, 1)
    );

    let ask = json!({"event": "Product Reviewed", "properties": {"rating": 4}, "person_id": member["person_id"]});
    let rated = call(&world, &owner, Method::POST, "/api/v1/loyalty/ratings", ask).await.json();
    assert_eq!(
        (&rated["lines"][0]["outcome"], &rated["lines"][0]["cap"], &rated["is_member"]),
        (&json!("capped"), &json!(0), &json!(true)),
        "{rated}"
    );
    let tried = json!({"key": "double", "name": "Double", "event": "Order Completed", "gives": {"kind": "amount", "points": 2, "each": "1", "items": {"property": {"path": "category", "op": "equals", "value": "tents"}}}});
    let products = json!([{"price": 30, "quantity": 2, "category": "tents"}, {"price": 40, "category": "shoes"}]);
    let ask =
        json!({"event": "completed order", "properties": {"subtotal": 100, "products": products}, "rules": [tried]});
    let rated = call(&world, &owner, Method::POST, "/api/v1/loyalty/ratings", ask).await.json();
    assert_eq!(
        (&rated["points"], &rated["lines"][0]["version"], &rated["is_member"]),
        (&json!({"points": 120}), &json!(0), &json!(false)),
        "{rated}"
    );
    let wrong = json!({"event": "x", "rules": [{"key": "a", "name": "A", "event": "x", "gives": {"kind": "fixed", "points": "many"}}]});
    let wrong = call(&world, &owner, Method::POST, "/api/v1/loyalty/ratings", wrong).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.text());
    assert!(wrong.json()["detail"].as_str().unwrap().starts_with("gives"), "{}", wrong.text());
    // The fortnight of returns is over.
    world.clock.advance(16 * Timestamp::DAY);
    let stamps = only_member(&world, &owner).await["wallets"][0].clone();
    assert_eq!(
        (&stamps["pending"], &stamps["available"]),
        (&json!(0), &json!(2)),
        "as of now, though nothing was posted"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operation_is_posted_once_and_its_refusals_say_why() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, _) = founded(&sink).await;
    let who = only_person(&world, &owner, "ann").await;
    let enrolled =
        call(&world, &owner, Method::POST, "/api/v1/loyalty/members", json!({"person_id": who})).await.json();
    let id = enrolled["member_id"].as_str().unwrap().to_owned();
    let again = call(&world, &owner, Method::POST, "/api/v1/loyalty/members", json!({"person_id": who})).await.json();
    assert_eq!(again["member_id"], enrolled["member_id"]);
    let earn = json!({"id": "gift-1", "member_id": id, "act": {"kind": "earn", "amount": 50}, "source_kind": "staff", "reason": "late parcel"});
    let done = post(&world, &owner, earn.clone()).await.json()["rows"][0].clone();
    assert_eq!((&done["available"], &done["replayed"]), (&json!(50), &json!(false)), "{done}");
    // The same words a month later are the same request, though points earned then would lapse later.
    world.clock.advance(40 * Timestamp::DAY);
    let replayed = post(&world, &owner, earn.clone()).await.json()["rows"][0].clone();
    assert_eq!((&replayed["operation"], &replayed["replayed"]), (&done["operation"], &json!(true)), "{replayed}");
    let refusal = async |operation: Value| {
        let answer = post(&world, &owner, operation).await;
        let body = answer.json();
        assert!(body["detail"].as_str().unwrap().len() > 20 && body["what_to_do"].is_string(), "{body}");
        (answer.status.as_u16(), body["code"].as_str().unwrap().to_owned())
    };
    let with = |id: &str, act: Value| json!({"id": id, "member_id": enrolled["member_id"], "act": act});
    assert_eq!(
        refusal(json!({"id": "gift-1", "member_id": id, "act": {"kind": "earn", "amount": 51}})).await,
        (409, "id_reused".into())
    );
    assert_eq!(refusal(with("s1", json!({"kind": "spend", "amount": 51}))).await, (409, "insufficient_points".into()));
    assert_eq!(refusal(with("s2", json!({"kind": "spend", "amount": 0}))).await, (422, "amount_zero".into()));
    assert_eq!(refusal(with("s3", json!({"kind": "spend", "amount": -5}))).await, (422, "amount_negative".into()));
    assert_eq!(
        refusal(with("s4", json!({"kind": "earn", "amount": i64::MAX}))).await,
        (422, "amount_too_large".into())
    );
    assert_eq!(refusal(with("", json!({"kind": "spend", "amount": 1}))).await, (422, "id_malformed".into()));
    // Whoever took an id of the programme's own would make what the programme gives fail.
    for own in [
        "award:order:o1:base:1",
        "auto:1",
        "offer:1",
        "redemption:1",
        "change:1",
        "goodwill:1",
        "import:1",
        "bulk:1:0",
        "jurisdiction:1",
        "partner:1",
        "gift_card:1",
        "till:1",
        "transfer:1",
        "challenge:card::0:0:1:1",
        "leaderboard:week:2026-05-04:1",
        "referral:1:1:friend",
        "journey:1",
        "square:1",
    ] {
        let refused = refusal(with(own, json!({"kind": "spend", "amount": 1}))).await;
        assert_eq!(refused, (422, "invalid_value".into()), "{own}");
    }
    assert_eq!(
        refusal(with("r1", json!({"kind": "reverse", "of": "unknown"}))).await,
        (404, "operation_unknown".into())
    );
    assert_eq!(refusal(with("c1", json!({"kind": "capture", "hold": "unknown"}))).await, (404, "hold_unknown".into()));
    assert_eq!(
        refusal(with("h1", json!({"kind": "hold", "amount": 1, "until": "soon"}))).await,
        (422, "invalid_value".into())
    );
    assert_eq!(
        refusal(with("e1", json!({"kind": "earn", "amount": 1, "earned_at": "2199-01-01T00:00:00Z"}))).await,
        (422, "in_the_future".into())
    );
    assert_eq!(
        refusal(json!({"id": "w1", "member_id": id, "wallet": "gems", "act": {"kind": "spend", "amount": 1}})).await,
        (422, "wallet_unknown".into())
    );
    assert_eq!(
        refusal(json!({"id": "m1", "member_id": "12", "act": {"kind": "spend", "amount": 1}})).await,
        (404, "member_unknown".into())
    );
    assert_eq!(refusal(with("f1", json!({"kind": "fly"}))).await, (422, "invalid_value".into()));

    // Linked: the second is refused, so the first is not done.
    let linked = json!({"operations": [with("l1", json!({"kind": "spend", "amount": 10})), with("l2", json!({"kind": "spend", "amount": 45}))]});
    let linked = call(&world, &owner, Method::POST, "/api/v1/loyalty/operations", linked).await;
    assert_eq!((linked.status, &linked.json()["code"]), (StatusCode::CONFLICT, &json!("insufficient_points")));
    assert!(linked.json()["detail"].as_str().unwrap().starts_with("operations[1]"), "{}", linked.text());
    assert_eq!(available(&world, &owner).await, 50);

    // The header stands in for the id; a program's key may post, one that only reads may not.
    let write = format!("Bearer {}", world.api_key(&[Scope::Write], None).await);
    let headers =
        [("authorization", write.as_str()), ("content-type", "application/json"), ("idempotency-key", "till-1")];
    let spend = json!({"operations": [{"member_id": id, "act": {"kind": "spend", "amount": 20}}]}).to_string();
    for replayed in [false, true] {
        let answer = world.request(Method::POST, "/api/v1/loyalty/operations", &headers, spend.clone()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        assert_eq!(
            (&answer.json()["rows"][0]["available"], &answer.json()["rows"][0]["replayed"]),
            (&json!(30), &json!(replayed))
        );
    }
    let agent = world.browser(Role::Agent).await;
    let forbidden =
        call(&world, &agent, Method::POST, "/api/v1/loyalty/operations", json!({"operations": [earn]})).await;
    assert_eq!(forbidden.status, StatusCode::FORBIDDEN);

    let patch = async |standing: &str| {
        call(&world, &owner, Method::PATCH, &format!("/api/v1/loyalty/members/{id}"), json!({"standing": standing}))
            .await
    };
    assert_eq!(patch("blocked").await.json()["standing"], "blocked");
    assert_eq!(refusal(with("b1", json!({"kind": "spend", "amount": 1}))).await, (409, "member_blocked".into()));
    assert_eq!(patch("closed").await.json()["code"], "member_not_empty");
    assert_eq!(patch("gone").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(post(&world, &owner, with("x1", json!({"kind": "forfeit"}))).await.status, StatusCode::OK);
    assert_eq!(patch("closed").await.json()["standing"], "closed");
    assert_eq!(refusal(with("x2", json!({"kind": "earn", "amount": 1}))).await, (409, "member_closed".into()));
    assert_eq!(verify(&mut world.app.installation.store.read(), FIRST).await.unwrap().findings, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_programme_is_saved_whole_or_refused_with_the_place() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, _) = world(&sink).await;
    let none = world.get(PROGRAM, &owner.reads()).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    let rule = json!({"version": 0, "state": "live", "rule": {"name": "A", "event": "x", "gives": {"kind": "fixed", "points": 1}}});
    let early = call(&world, &owner, Method::PUT, "/api/v1/loyalty/rules/a", rule.clone()).await;
    assert_eq!(early.status, StatusCode::NOT_FOUND, "rules need a programme: {}", early.text());
    let refused = async |change: Value| {
        let mut wrong = program();
        wrong.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let version = if world.get(PROGRAM, &owner.reads()).await.status == StatusCode::OK { 1 } else { 0 };
        let answer = call(&world, &owner, Method::PUT, PROGRAM, json!({"version": version, "program": wrong})).await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("loyalty_invalid")),
            "{}",
            answer.text()
        );
        answer.json()["detail"].as_str().unwrap().to_owned()
    };
    assert!(refused(json!({"zone": "Mars/Base"})).await.starts_with("zone: "));
    assert!(
        refused(json!({"wallets": [{"key": "points", "name": "P", "expiry": {"kind": "soon"}}]}))
            .await
            .starts_with("wallets[0].expiry")
    );
    assert!(refused(json!({"colour": "red"})).await.contains("colour"));
    save(&world, &owner, PROGRAM, json!({"version": 0, "program": program()})).await;
    let saved = get(&world, &owner, PROGRAM).await;
    assert_eq!((&saved["version"], &saved["program"]["wallets"][0]["worth"]), (&json!(1), &json!("0.01")));
    assert!(refused(json!({"wallets": [{"key": "points", "name": "Points"}]})).await.contains("`stamps` is missing"));
    let grouped = json!({"version": 0, "state": "live", "rule": {"name": "A", "event": "x", "group": "base", "gives": {"kind": "fixed", "points": 1}}});
    save(&world, &owner, "/api/v1/loyalty/rules/a", grouped).await;
    assert!(refused(json!({"groups": []})).await.contains("the rule `a`"));
    // The condition as text: what the list says of another rule.
    let when = json!({"property": {"path": "total", "op": "at_least", "value": 5}});
    let kept = json!({"name": "B", "event": "x", "gives": {"kind": "fixed", "points": 1}, "when": when});
    let kept = save_rule(&world, &owner, "b", 0, kept).await;
    let by_text = json!({"version": 0, "state": "draft", "text": kept["text"],
        "rule": {"name": "C", "event": "x", "gives": {"kind": "fixed", "points": 1}}});
    let by_text = save(&world, &owner, "/api/v1/loyalty/rules/c", by_text).await;
    assert_eq!((&by_text["rule"]["when"], &by_text["state"]), (&when, &json!("draft")));
    let rules = get(&world, &owner, "/api/v1/loyalty/rules").await;
    assert_eq!(rules["rows"][0]["key"], "a");
    let ended = json!({"version": 1, "state": "ended", "rule": rules["rows"][0]["rule"]});
    save(&world, &owner, "/api/v1/loyalty/rules/a", ended).await;
    let keys = |rules: Value| -> Vec<String> {
        rules["rows"].as_array().unwrap().iter().map(|it| it["key"].as_str().unwrap().to_owned()).collect()
    };
    assert!(!keys(get(&world, &owner, "/api/v1/loyalty/rules").await).contains(&"a".to_owned()));
    assert!(keys(get(&world, &owner, "/api/v1/loyalty/rules?ended=true").await).contains(&"a".to_owned()));
    let viewer = world.browser(Role::Viewer).await;
    assert_eq!(
        call(&world, &viewer, Method::PUT, PROGRAM, json!({"version": 1, "program": program()})).await.status,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn balances_are_facts_and_what_moved_is_on_the_timeline() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = founded(&sink).await;
    let rich = json!({"fact": {"key": "points.points.available", "op": "at_least", "value": 100}});
    let soon = json!({"fact": {"key": "points.points.expires_at", "op": "in_next", "value": "400d"}});
    let blocked = json!({"fact": {"key": "loyalty.standing", "op": "equals", "value": "blocked"}});
    for (name, condition) in [("rich", rich), ("soon", soon), ("blocked", blocked)] {
        let segment = json!({"key": name, "name": name, "condition": condition});
        let made = call(&world, &owner, Method::POST, "/api/v1/segments", segment).await;
        assert!(made.status.is_success(), "{}", made.text());
    }
    happen(&world, &key, vec![order("o1", "m1", 120.0)]).await;
    let members = async |segment: &str| {
        let rows = get(&world, &owner, &format!("/api/v1/segments/{segment}/members")).await;
        rows["rows"].as_array().unwrap_or_else(|| panic!("{rows}")).len()
    };
    assert_eq!([members("rich").await, members("soon").await, members("blocked").await], [1, 1, 0]);
    let id = only_member(&world, &owner).await["member_id"].as_str().unwrap().to_owned();
    let spend = json!({"id": "s1", "member_id": id, "act": {"kind": "spend", "amount": 50}});
    assert_eq!(post(&world, &owner, spend).await.status, StatusCode::OK);
    let block = json!({"standing": "blocked"});
    call(&world, &owner, Method::PATCH, &format!("/api/v1/loyalty/members/{id}"), block).await;
    happen(&world, &key, vec![]).await;
    assert_eq!([members("rich").await, members("blocked").await], [0, 1]);
    let who = only_person(&world, &owner, "ann").await;
    let line = get(&world, &owner, &format!("/api/v1/customers/{who}/timeline")).await.to_string();
    for name in ["Member Enrolled", "Points Earned", "Points Spent", "Member Changed"] {
        assert!(line.contains(&format!("\"name\":\"{name}\"")), "{name}: {line}");
    }
    // A customer's program can claim what it wants: facts are read from the ledger.
    happen(
        &world,
        &key,
        vec![track("forged", "u1", "Points Earned", json!({"wallet": "points", "available": 1_000_000}))],
    )
    .await;
    assert_eq!(members("rich").await, 0);
    // Given away, both sides are told.
    call(&world, &owner, Method::PATCH, &format!("/api/v1/loyalty/members/{id}"), json!({"standing": "active"})).await;
    happen(&world, &key, person(2, "bob@example.com")).await;
    let bob = only_person(&world, &owner, "bob").await;
    let bob = call(&world, &owner, Method::POST, "/api/v1/loyalty/members", json!({"person_id": bob})).await.json();
    let give = json!({"id": "t1", "member_id": id, "act": {"kind": "transfer", "to_member_id": bob["member_id"], "amount": 80}});
    assert_eq!(post(&world, &owner, give).await.status, StatusCode::OK);
    let more = json!({"id": "e1", "member_id": bob["member_id"], "act": {"kind": "earn", "amount": 30}});
    assert_eq!(post(&world, &owner, more).await.status, StatusCode::OK);
    happen(&world, &key, vec![]).await;
    assert_eq!(members("rich").await, 1, "80 that were given and 30 that were earned");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_replaced_earns_once_also_within_one_batch() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, _) = founded(&sink).await;
    let quiz = json!({"name": "A quiz", "event": "Quiz Done", "gives": {"kind": "fixed", "points": 10}});
    save_rule(&world, &owner, "quiz", 0, quiz).await;
    world.clock.advance(Timestamp::HOUR);
    let installation = &world.app.installation;
    let source = own_events::source(installation, FIRST).await.unwrap();
    let told = |number: u8, supersedes: Option<u8>| {
        let who = Identifier { kind: IdentifierKind::UserId, value: "u1".into() };
        let (id, now) = (EventId([number; 16]), world.clock.now());
        let event = own_events::event((FIRST, source), id, now, who, "Quiz Done", Map::new());
        Event { supersedes: supersedes.map(|old| EventId([old; 16])), ..event }
    };
    for (events, points) in
        [(vec![told(1, None)], 10), (vec![told(2, Some(1))], 10), (vec![told(3, None), told(4, Some(3))], 20)]
    {
        installation.log.append(&events).await.unwrap();
        happen(&world, "", vec![]).await;
        assert_eq!(available(&world, &owner).await, points);
    }
}
