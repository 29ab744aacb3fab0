//! Partners over HTTP: what they tell with a key of their own, what comes back, the month's statement, its file, its closing, and the partner's own list beside it.

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_loyalty::verify::verify;
use rapport_server::auth::{Role, Scope};
use rapport_server::records::workspaces::FIRST;
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, only_person, person, settle, world};
use crate::sink::{Manner, Sink};
use crate::world::{Answer, Browser, World};

const AIR: &str = "/api/v1/loyalty/partners/air";

async fn post(world: &World, who: &Browser, path: &str, body: Value) -> Answer {
    call(world, who, Method::POST, path, body).await
}

async fn done(world: &World, who: &Browser, path: &str, body: Value) -> Value {
    let answer = post(world, who, path, body).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    answer.json()
}

fn refused(answer: &Answer, status: StatusCode, code: &str) {
    assert_eq!((answer.status, answer.json()["code"].as_str()), (status, Some(code)), "{}", answer.text());
}

fn air(keys: Value) -> Value {
    json!({"name": "Alpine Air", "currency": "EUR", "keys": keys, "gives": {"price": "0.012", "per_unit": "1.5"},
        "burns": {"price": "0.008", "worth": "0.01"}, "limits": [{"of": "given", "most": 500, "per": "member", "every": "day"}]})
}

async fn save(world: &World, owner: &Browser, version: i64, partner: Value) -> Answer {
    call(world, owner, Method::PUT, AIR, json!({"version": version, "state": "live", "partner": partner})).await
}

/// A programme, a partner, and Ann, who is a member with a card.
async fn founded(sink: &Sink) -> (World, Browser, String, String) {
    let (world, owner, key) = world(sink).await;
    let program = json!({"name": "Trail club", "zone": "Europe/Berlin", "currency": "EUR", "wallets": [{"key": "points", "name": "Points"}]});
    let saved =
        call(&world, &owner, Method::PUT, "/api/v1/loyalty/program", json!({"version": 0, "program": program})).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    let saved = save(&world, &owner, 0, air(json!([]))).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    world.clock.advance(Timestamp::HOUR);
    happen(&world, &key, person(1, "ann@example.com")).await;
    let ann = only_person(&world, &owner, "ann").await;
    let member = done(&world, &owner, "/api/v1/loyalty/members", json!({"person_id": ann})).await;
    let member = member["member_id"].as_str().unwrap().to_owned();
    (world, owner, ann, member)
}

async fn available(world: &World, owner: &Browser, member: &str) -> i64 {
    let found = get(world, owner, &format!("/api/v1/loyalty/members/{member}")).await;
    found["wallets"][0]["available"].as_i64().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partner_tells_with_a_key_of_its_own() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, _, member) = founded(&sink).await;
    let card = done(&world, &owner, &format!("/api/v1/loyalty/members/{member}/card"), json!(null)).await;
    let secret = format!("Bearer {}", world.api_key(&[Scope::Partner], None).await);
    let headers = [("authorization", secret.as_str()), ("content-type", "application/json")];
    let told = json!({"reference": "AA-1", "card": card["code"], "amount": "12.34"});
    let tell = async |door: &str, body: &Value| {
        world.request(Method::POST, &format!("{AIR}/{door}"), &headers, body.to_string()).await
    };
    refused(&tell("earn", &told).await, StatusCode::NOT_FOUND, "partner_unknown");
    let keys = get(&world, &owner, "/api/v1/api-keys").await;
    let of_partner = keys["rows"].as_array().unwrap().iter().find(|it| it["scopes"] == json!(["partner"])).unwrap();
    assert_eq!(save(&world, &owner, 1, air(json!([of_partner["id"]]))).await.status, StatusCode::OK);
    let earned = tell("earn", &told).await;
    assert_eq!(earned.status, StatusCode::OK, "{}", earned.text());
    assert_eq!((&earned.json()["points"], &earned.json()["money"]), (&json!(18), &json!("0.216")));
    assert_eq!(tell("earn", &told).await.json(), earned.json(), "told again it is the same");
    // A new card makes the old one void; what was told with it stays what it is.
    done(&world, &owner, &format!("/api/v1/loyalty/members/{member}/card"), json!(null)).await;
    assert_eq!(tell("earn", &told).await.json(), earned.json());
    let new = json!({"reference": "AA-2", "card": card["code"], "amount": "12.34"});
    refused(&tell("earn", &new).await, StatusCode::CONFLICT, "card_void");
    let burned = tell("burn", &json!({"reference": "AA-3", "member_id": member, "points": 8})).await;
    assert_eq!((burned.status, &burned.json()["kind"]), (StatusCode::OK, &json!("burned")), "{}", burned.text());
    let back = tell("returns", &json!({"reference": "AA-4", "of": "AA-1", "amount": "12.34"})).await;
    assert_eq!((back.status, &back.json()["points"]), (StatusCode::OK, &json!(18)), "{}", back.text());
    // It opens nothing else.
    for (method, path) in [
        (Method::GET, format!("{AIR}/months")),
        (Method::GET, format!("/api/v1/loyalty/members/{member}")),
        (Method::POST, "/api/v1/loyalty/operations".to_owned()),
        (Method::POST, format!("{AIR}/payments")),
    ] {
        let answer = world.request(method.clone(), &path, &headers, "{}").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path}: {}", answer.text());
    }
    for (door, body) in [
        ("earn", json!({"reference": "x", "member_id": member})),
        ("earn", json!({"reference": "x", "member_id": member, "points": 1, "amount": "1"})),
        ("earn", json!({"reference": "x", "points": 1})),
        ("earn", json!({"reference": "x", "member_id": member, "card": "R", "points": 1})),
        ("earn", json!({"reference": "x", "member_id": member, "points": 1, "occurred_at": "yesterday"})),
        ("earn", json!({"reference": "x\u{0}", "member_id": member, "points": 1})),
        ("earn", json!({"reference": "x".repeat(256), "member_id": member, "points": 1})),
    ] {
        refused(&tell(door, &body).await, StatusCode::UNPROCESSABLE_ENTITY, "invalid_value");
    }
    let late = json!({"reference": "AA-5", "member_id": member, "points": 501});
    refused(&tell("earn", &late).await, StatusCode::CONFLICT, "partner_limit_reached");
    let nobody = json!({"reference": "AA-6", "member_id": "zebra", "points": 1});
    refused(&tell("earn", &nobody).await, StatusCode::NOT_FOUND, "member_unknown");
    assert_eq!(save(&world, &owner, 2, air(json!([]))).await.status, StatusCode::OK);
    refused(&tell("earn", &told).await, StatusCode::NOT_FOUND, "partner_unknown");
    assert_eq!(verify(&mut world.app.installation.store.read(), FIRST).await.unwrap().findings, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_is_stated_compared_and_closed() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, ann, member) = founded(&sink).await;
    let agent = world.browser(Role::Agent).await;
    let told = |reference: &str, points: i64| json!({"reference": reference, "member_id": member, "points": points});
    let first = done(&world, &agent, &format!("{AIR}/earn"), told("=1+1", 300)).await;
    done(&world, &agent, &format!("{AIR}/earn"), told("E-2", 100)).await;
    done(&world, &agent, &format!("{AIR}/burn"), told("B-1", 50)).await;
    done(&world, &agent, &format!("{AIR}/returns"), json!({"reference": "R-1", "of": "E-2", "points": 40})).await;
    assert_eq!(available(&world, &owner, &member).await, 310);
    let paid = json!({"reference": "bank 7", "amount": "1.50"});
    refused(
        &post(&world, &agent, &format!("{AIR}/payments"), paid.clone()).await,
        StatusCode::FORBIDDEN,
        "not_allowed",
    );
    done(&world, &owner, &format!("{AIR}/payments"), paid).await;
    let word = first["month"].as_str().unwrap().to_owned();
    let months = get(&world, &agent, &format!("{AIR}/months")).await;
    assert_eq!(months["rows"], json!([{"month": word, "lines": 5, "is_closed": false}]));
    let month = format!("{AIR}/months/{word}");
    let stated = get(&world, &agent, &month).await;
    assert_eq!(
        [&stated["given"], &stated["given_back"], &stated["burned"], &stated["burned_back"]],
        [&json!(400), &json!(40), &json!(50), &json!(0)],
        "{stated}"
    );
    // 360 points at 1.2 cents, less 50 at 0.8, less what was paid.
    let (movement, closing) = (json!("2.42"), json!("2.42"));
    assert_eq!((&stated["movement"], &stated["closing"], &stated["owes"]), (&movement, &closing, &json!("partner")));
    assert_eq!(
        (&stated["proof"]["holds"], &stated["proof"]["given_posted"], &stated["proof"]["burned_posted"]),
        (&json!(true), &json!(360), &json!(50))
    );
    let lines = get(&world, &agent, &format!("{month}/lines?limit=2")).await;
    assert_eq!(lines["rows"].as_array().unwrap().len(), 2);
    assert!(lines["rows"][0]["member_name"].is_string(), "{lines}");
    let rest = get(&world, &agent, &format!("{month}/lines?cursor={}", lines["next"].as_str().unwrap())).await;
    assert_eq!(rest["rows"].as_array().unwrap().len(), 3, "{rest}");
    let file = world.get(&format!("{month}/lines.csv"), &agent.reads()).await;
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    let file = file.text();
    assert!(file.contains("\r\n'=1+1,given,,") && file.lines().count() == 6, "{file}");
    assert!(file.contains("R-1,given_back,E-2,") && file.contains(",-0.48,EUR,"), "{file}");

    let list = "ref,pts,sum\n'=1+1,300,3.60\nE-2,90,\nR-1,-40,-0.48\nX-9,5,0.06\nE-2,1,\nB-0,many,\n";
    let columns = json!({"reference": "ref", "points": "pts", "money": "sum"});
    let compare = json!({"text": list, "columns": columns});
    let found = done(&world, &owner, &format!("{month}/compare"), compare).await;
    assert_eq!((&found["matched"], &found["twice"], &found["unreadable"]), (&json!(2), &json!(["E-2"]), &json!([7])));
    assert_eq!(
        (&found["differing"][0]["their_points"], &found["differing"][0]["our_points"]),
        (&json!(90), &json!(100))
    );
    assert_eq!((&found["missing_here_lines"][0]["reference"], &found["missing_here"]), (&json!("X-9"), &json!(1)));
    let there: Vec<&str> =
        found["missing_there_lines"].as_array().unwrap().iter().map(|it| it["reference"].as_str().unwrap()).collect();
    assert_eq!(there, ["B-1", "bank 7"]);
    let wrong = json!({"text": list, "columns": {"reference": "name"}});
    refused(
        &post(&world, &owner, &format!("{month}/compare"), wrong).await,
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid_value",
    );

    let close = format!("{month}/closed");
    refused(&post(&world, &owner, &close, json!(null)).await, StatusCode::CONFLICT, "partner_month_open");
    let listed = async || get(&world, &agent, "/api/v1/loyalty/partners").await["rows"][0].clone();
    let now = listed().await;
    assert_eq!((&now["balance"], &now["to_close"]), (&closing, &json!(null)), "{now}");
    world.clock.advance(32 * Timestamp::DAY);
    assert_eq!(listed().await["to_close"], json!(word));
    refused(&post(&world, &agent, &close, json!(null)).await, StatusCode::FORBIDDEN, "not_allowed");
    let closed = done(&world, &owner, &close, json!(null)).await;
    assert_eq!((&closed["closing"], closed["closed"]["chain"].as_str().unwrap().len()), (&closing, 64), "{closed}");
    assert_eq!(done(&world, &owner, &close, json!(null)).await, closed, "told again it is the same");
    assert_eq!((&listed().await["balance"], &listed().await["to_close"]), (&closing, &json!(null)));
    let late = json!({"reference": "L-1", "member_id": member, "points": 10, "occurred_at": first["occurred_at"]});
    let late = done(&world, &agent, &format!("{AIR}/earn"), late).await;
    assert_eq!(late["is_late"], true);
    assert_ne!(late["month"], json!(word));
    assert_eq!(get(&world, &owner, &month).await["given"], 400, "a closed month stays what it is");
    let elsewhere = json!({"text": "ref\nL-1\n", "columns": {"reference": "ref"}});
    let found = done(&world, &owner, &format!("{month}/compare"), elsewhere).await;
    assert_eq!(found["missing_here_lines"][0]["elsewhere"], late["month"]);
    for path in ["months/2026-13", "months/never"] {
        let answer = world.get(&format!("{AIR}/{path}"), &owner.reads()).await;
        refused(&answer, StatusCode::UNPROCESSABLE_ENTITY, "invalid_value");
    }
    let none = world.get("/api/v1/loyalty/partners/sea/months", &owner.reads()).await;
    refused(&none, StatusCode::NOT_FOUND, "partner_unknown");

    // It is on the timeline and in what she is shown; when she is forgotten the settlement stays.
    settle(&world).await;
    let events = get(&world, &owner, &format!("/api/v1/customers/{ann}/timeline?limit=50")).await.to_string();
    for name in ["Partner Points Given", "Partner Points Burned", "Partner Points Returned"] {
        assert!(events.contains(name), "{name}: {events}");
    }
    let shown = done(&world, &owner, &format!("/api/v1/customers/{ann}/access"), json!(null)).await;
    assert_eq!(shown["tables"]["loyalty_partner_lines"].as_array().unwrap().len(), 5, "{shown}");
    done(&world, &owner, &format!("/api/v1/customers/{ann}/erasure"), json!({})).await;
    assert_eq!(get(&world, &owner, &month).await, get(&world, &owner, &month).await);
    assert_eq!(get(&world, &owner, &month).await["closing"], closing);
    assert_eq!(verify(&mut world.app.installation.store.read(), FIRST).await.unwrap().findings, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prices_can_be_saved_before_they_hold() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, _, member) = founded(&sink).await;
    let at = |days: i64| world.clock_now().plus(days * Timestamp::DAY).to_rfc3339();
    let mut dearer = air(json!([]));
    dearer["gives"]["price"] = json!("0.02");
    let body = |from: String| json!({"version": 1, "state": "live", "partner": dearer, "in_force_from": from});
    let past = call(&world, &owner, Method::PUT, AIR, body(at(-1))).await;
    refused(&past, StatusCode::UNPROCESSABLE_ENTITY, "invalid_value");
    let saved = call(&world, &owner, Method::PUT, AIR, body(at(2))).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    let told = |reference: &str| json!({"reference": reference, "member_id": member, "points": 10});
    assert_eq!(done(&world, &owner, &format!("{AIR}/earn"), told("a")).await["price"], "0.012");
    let before = world.clock_now().to_rfc3339();
    world.clock.advance(3 * Timestamp::DAY);
    assert_eq!(done(&world, &owner, &format!("{AIR}/earn"), told("b")).await["price"], "0.02");
    let mut late = told("c");
    late["occurred_at"] = json!(before);
    assert_eq!(done(&world, &owner, &format!("{AIR}/earn"), late).await["price"], "0.012", "by the price of its time");
    let versions = get(&world, &owner, &format!("{AIR}/versions")).await;
    assert_eq!(versions["rows"].as_array().unwrap().len(), 2);
    assert_eq!(get(&world, &owner, "/api/v1/loyalty/partners").await["rows"][0]["version"], 2);
    let mut other = air(json!([]));
    other["currency"] = json!("SEK");
    refused(&save(&world, &owner, 2, other).await, StatusCode::UNPROCESSABLE_ENTITY, "loyalty_invalid");
    let viewer = world.browser(Role::Viewer).await;
    assert_eq!(save(&world, &viewer, 2, air(json!([]))).await.status, StatusCode::FORBIDDEN);
}
