//! Simulations: today's rules come to what was really given, other rules to what a slow look at the orders says, and nothing is posted.

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_domain::money::format_micros;
use rapport_loyalty::records::head;
use rapport_server::installation::MIGRATIONS;
use rapport_server::records::workspaces::FIRST;
use rapport_server::simulating;
use rapport_store::testing::{TestDatabase, on_postgres, on_sqlite};
use rapport_store::{Queries, args, sql};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::engaging::{call, get, happen, person, track, world, world_over};
use crate::sink::{Manner, Sink};
use crate::world::{Browser, World};

const SIMULATIONS: &str = "/api/v1/loyalty/simulations";

async fn send(world: &World, owner: &Browser, method: Method, path: &str, body: Value) -> Value {
    let answer = call(world, owner, method, path, body).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    answer.json()
}

async fn save_rule(world: &World, owner: &Browser, (key, version, state): (&str, i64, &str), rule: Value) {
    let body = json!({"version": version, "state": state, "rule": rule});
    send(world, owner, Method::PUT, &format!("/api/v1/loyalty/rules/{key}"), body).await;
}

fn base(points: i64, caps: Value) -> Value {
    json!({"name": "Points for each euro", "event": "Order Completed", "gives": {"kind": "amount", "points": points, "each": "1"}, "caps": caps})
}

async fn founded((world, owner, key): (World, Browser, String), caps: Value) -> (World, Browser, String) {
    let program = json!({"name": "Trail club", "zone": "Europe/Berlin", "currency": "EUR", "enrolment": {"by": "earning"},
        "wallets": [{"key": "points", "name": "Points", "worth": "0.01", "books": {"redemption": "0.9"},
            "expiry": {"kind": "after", "count": 2, "unit": "months"}}]});
    send(&world, &owner, Method::PUT, "/api/v1/loyalty/program", json!({"version": 0, "program": program})).await;
    save_rule(&world, &owner, ("base", 0, "live"), base(1, caps)).await;
    let review = json!({"name": "A review", "event": "Product Reviewed", "gives": {"kind": "fixed", "points": 25}});
    save_rule(&world, &owner, ("review", 0, "live"), review).await;
    world.clock.advance(Timestamp::HOUR);
    (world, owner, key)
}

fn event(message: &str, who: u32, name: &str, properties: Value) -> Value {
    track(message, &format!("u{who}"), name, properties)
}

fn order(number: u32, who: u32, name: &str, subtotal: i64) -> Value {
    let properties =
        json!({"order_id": format!("o{number}"), "subtotal": subtotal, "revenue": subtotal, "currency": "EUR"});
    event(&format!("{name} {number} {subtotal}"), who, name, properties)
}

/// Twelve people order, change orders, get money back, call off, review; batch by batch, over some weeks.
async fn live(world: &World, key: &str) {
    for who in 1..=12 {
        happen(world, key, person(who, &format!("p{who}@example.com"))).await;
    }
    let mut number = 0;
    for week in 0..5_u32 {
        for who in 1..=12_u32 {
            if (who + week).is_multiple_of(3) {
                continue;
            }
            number += 1;
            world.clock.advance(Timestamp::MINUTE);
            let amount = i64::from((who * 37 + week * 53) % 90 + 5);
            happen(world, key, vec![order(number, who, "Order Completed", amount)]).await;
            world.clock.advance(Timestamp::MINUTE);
            match number % 6 {
                0 => happen(world, key, vec![order(number, who, "Order Updated", amount + 11)]).await,
                1 => {
                    let refund = json!({"order_id": format!("o{number}"), "refund": amount / 2});
                    happen(world, key, vec![event(&format!("r{number}"), who, "Order Refunded", refund)]).await;
                }
                2 => {
                    let off = json!({"order_id": format!("o{number}")});
                    happen(world, key, vec![event(&format!("off{number}"), who, "Order Cancelled", off)]).await;
                }
                3 => happen(world, key, vec![event(&format!("v{number}"), who, "Product Reviewed", json!({}))]).await,
                _ => {}
            }
        }
        world.clock.advance(6 * Timestamp::DAY);
    }
}

async fn simulate(world: &World, owner: &Browser, path: &str, body: Value) -> Value {
    let asked = send(world, owner, Method::POST, path, body).await;
    assert_eq!(asked["state"], "queued");
    let (_stop, stopped) = watch::channel(false);
    assert!(simulating::work(&world.app.installation, &stopped).await.unwrap());
    let id = asked["id"].as_str().unwrap();
    let done = get(world, owner, &format!("{SIMULATIONS}/{id}")).await;
    assert_eq!(done["state"], "done", "{done}");
    done
}

fn scope(world: &World, more: Value) -> Value {
    let now = world.app.now();
    let from = Timestamp(now.0 - 40 * Timestamp::DAY).to_rfc3339();
    let mut scope = json!({"from": from});
    scope.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    scope
}

/// What was really given: (rule, points left, times, people), from the awards' own table.
async fn given(world: &World) -> Vec<(String, i64, i64, i64)> {
    let text = sql!(
        "SELECT rule, CAST(SUM(points - taken_back) AS BIGINT), COUNT(*), COUNT(DISTINCT member) FROM loyalty_awards
         WHERE points > taken_back GROUP BY rule ORDER BY rule"
    );
    world.app.installation.store.read().fetch_all(text, args![]).await.unwrap()
}

fn rules(result: &Value, side: &str) -> Vec<(String, i64, i64, i64)> {
    let of = |rule: &Value, what: &str| rule[format!("{what}_{side}")].as_i64().unwrap();
    let rows = result["rules"].as_array().unwrap().iter();
    rows.map(|it| (it["rule"].as_str().unwrap().to_owned(), of(it, "points"), of(it, "times"), of(it, "people")))
        .filter(|it| it.1 > 0)
        .collect()
}

#[test]
fn todays_rules_come_to_what_was_given_on_sqlite() {
    on_sqlite(MIGRATIONS.to_vec(), |db| async move { as_given(Some(&db), json!([])).await });
    on_sqlite(MIGRATIONS.to_vec(), |db| async move { as_given(Some(&db), budget()).await });
}

#[test]
fn todays_rules_come_to_what_was_given_on_postgres() {
    on_postgres(MIGRATIONS.to_vec(), |db| async move { as_given(Some(&db), budget()).await });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn todays_rules_with_a_cap_for_each_come_to_what_was_given() {
    as_given(None, json!([{"most": 60, "of": "points", "per": "member", "every": "month"}])).await;
}

/// Caps of everybody and of each.
fn budget() -> Value {
    json!([{"most": 400, "of": "points", "per": "everybody", "every": "month"}, {"most": 3, "of": "times", "per": "member", "every": "ever"}])
}

async fn as_given(db: Option<&TestDatabase>, caps: Value) {
    let sink = Sink::start(Manner::default(), &[]).await;
    let began = match db {
        Some(db) => world_over(&sink, db).await,
        None => world(&sink).await,
    };
    let (world, owner, key) = founded(began, caps.clone()).await;
    live(&world, &key).await;
    let before = head::read(&mut world.app.installation.store.read(), FIRST).await.unwrap();
    for against in ["as_it_was", "now"] {
        let body = json!({"scope": scope(&world, json!({"against": against}))});
        let result = simulate(&world, &owner, SIMULATIONS, body).await["result"].clone();
        let given = given(&world).await;
        assert!(given.len() == 2 && given[0].1 > 100, "{given:?}");
        assert_eq!(rules(&result, "before"), given, "{against} {caps}");
        assert_eq!(rules(&result, "after"), given, "{against} {caps}");
        let points = &result["wallets"][0];
        assert_eq!(points["difference"], json!({"value": 0.0, "low": 0.0, "high": 0.0}));
        assert_eq!((&result["looked_at"], &points["same"]), (&json!(12), &json!(12)));
    }
    assert_eq!(head::read(&mut world.app.installation.store.read(), FIRST).await.unwrap(), before, "nothing is posted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_rules_come_to_what_a_slow_look_says() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = founded(world(&sink).await, json!([])).await;
    live(&world, &key).await;
    // What nobody says the revenue of earns by its subtotal, and nothing has gone back of it.
    let bare = json!({"order_id": "bare", "subtotal": 33, "currency": "EUR"});
    happen(&world, &key, vec![event("bare", 1, "Order Completed", bare)]).await;
    let left = sql!("SELECT points - taken_back FROM loyalty_awards WHERE occasion = 'order:bare' AND rule = 'base'");
    let left: i64 = world.app.installation.store.read().scalar(left, args![]).await.unwrap();
    assert_eq!(left, 33);
    world.clock.advance(Timestamp::MINUTE);
    // Three points a euro for orders of 50 and more, and nothing for reviews.
    let draft = json!({"name": "Large", "event": "Order Completed", "gives": {"kind": "amount", "points": 3, "each": "1"},
        "when": {"property": {"path": "subtotal", "op": "at_least", "value": 50}}});
    save_rule(&world, &owner, ("large", 0, "draft"), draft).await;
    let body = json!({"scope": scope(&world, json!({"name": "Only large ones"})), "drafts": ["large"], "without": ["base", "review"]});
    let done = simulate(&world, &owner, SIMULATIONS, body).await;
    assert_eq!((&done["name"], &done["changed"]), (&json!("Only large ones"), &json!(["base", "large", "review"])));
    let result = &done["result"];
    // The slow look: how orders stand in the end.
    let orders = sql!("SELECT revenue_micros, refunded_micros, status FROM orders");
    let orders: Vec<(i64, i64, String)> = world.app.installation.store.read().fetch_all(orders, args![]).await.unwrap();
    let mut expected = 0;
    for (revenue, back, status) in orders {
        let points = 3 * revenue / 1_000_000;
        if revenue >= 50_000_000 && status != "cancelled" {
            let gone = (points as f64 * back as f64 / revenue as f64 + 0.5).floor() as i64;
            expected += points - gone;
        }
    }
    let points = &result["wallets"][0];
    assert_eq!(points["after"].as_i64().unwrap(), expected);
    assert_eq!(points["before"].as_i64().unwrap(), given(&world).await.iter().map(|it| it.1).sum::<i64>());
    let difference = &points["difference"];
    let value = difference["value"].as_f64().unwrap();
    assert_eq!(value, (points["after"].as_i64().unwrap() - points["before"].as_i64().unwrap()) as f64);
    assert!(
        difference["low"].as_f64().unwrap() < value && value < difference["high"].as_f64().unwrap(),
        "{difference}"
    );
    assert_eq!(
        points["cost_after"],
        json!(format!("{:.6}", expected as f64 * 0.009).trim_end_matches('0').to_owned()),
        "points × 0.01 × 0.9"
    );
    // Nothing is two months old yet, so all that was given and not taken back may still be redeemed.
    let before = points["before"].as_i64().unwrap();
    for (side, outstanding) in [("before", before), ("after", expected)] {
        assert_eq!(points[format!("outstanding_{side}")], json!(outstanding));
        assert_eq!(
            points[format!("liability_{side}")],
            json!(format_micros(outstanding * 9_000)),
            "points × 0.01 × 0.9"
        );
    }
    let months: i64 = result["months"].as_array().unwrap().iter().map(|it| it["points_after"].as_i64().unwrap()).sum();
    assert_eq!(months, expected);
    let people =
        get(&world, &owner, &format!("{SIMULATIONS}/{}/people?wallet=points", done["id"].as_str().unwrap())).await;
    let rows = people["rows"].as_array().unwrap();
    assert_eq!(rows.len() as u64, points["gain"].as_u64().unwrap() + points["lose"].as_u64().unwrap());
    let sum: i64 = rows.iter().map(|it| it["after"].as_i64().unwrap() - it["before"].as_i64().unwrap()).sum();
    assert_eq!(sum as f64, value, "twelve people: all who gain or lose are named");

    // From the rule's own address: beside the others.
    let path = "/api/v1/loyalty/rules/large/simulations";
    let beside = simulate(&world, &owner, path, scope(&world, json!({}))).await;
    assert_eq!((&beside["changed"], &beside["name"]), (&json!(["large"]), &json!("large")));
    assert_eq!(beside["result"]["wallets"][0]["difference"]["value"].as_f64().unwrap(), expected as f64);

    // Of a few people only: sums are for all, with an interval that is wider.
    let few = simulate(&world, &owner, path, scope(&world, json!({"people_max": 6}))).await;
    let few = &few["result"];
    assert_eq!((&few["people"], &few["looked_at"]), (&json!(12), &json!(6)));
    let listed = get(&world, &owner, SIMULATIONS).await;
    assert_eq!(listed["rows"].as_array().unwrap().len(), 3);
    assert_eq!(listed["rows"][0]["result"], Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_stopped_begun_anew_and_refused_with_the_place() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = founded(world(&sink).await, json!([])).await;
    live(&world, &key).await;
    let (stop, stopped) = watch::channel(false);
    let asked = send(&world, &owner, Method::POST, SIMULATIONS, json!({"scope": scope(&world, json!({}))})).await;
    let path = format!("{SIMULATIONS}/{}", asked["id"].as_str().unwrap());
    let cancelled = call(&world, &owner, Method::POST, &format!("{path}/cancel"), Value::Null).await;
    assert_eq!(cancelled.status, StatusCode::NO_CONTENT);
    assert_eq!(get(&world, &owner, &path).await["state"], "cancelled");
    assert!(!simulating::work(&world.app.installation, &stopped).await.unwrap(), "nobody does it any more");

    // The server stops in the middle, and another one begins anew when nobody has it any more.
    let asked = send(&world, &owner, Method::POST, SIMULATIONS, json!({"scope": scope(&world, json!({}))})).await;
    let path = format!("{SIMULATIONS}/{}", asked["id"].as_str().unwrap());
    stop.send(true).unwrap();
    assert!(!simulating::work(&world.app.installation, &stopped).await.unwrap());
    assert_eq!(get(&world, &owner, &path).await["state"], "running");
    stop.send(false).unwrap();
    assert!(!simulating::work(&world.app.installation, &stopped).await.unwrap(), "it still belongs to the one before");
    world.clock.advance(2 * Timestamp::MINUTE);
    assert!(simulating::work(&world.app.installation, &stopped).await.unwrap());
    let done = get(&world, &owner, &path).await;
    assert_eq!((&done["state"], &done["done"], &done["total"]), (&json!("done"), &json!(12), &json!(12)));
    let gone = call(&world, &owner, Method::DELETE, &path, Value::Null).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(call(&world, &owner, Method::GET, &path, Value::Null).await.status, StatusCode::NOT_FOUND);

    let wrong = base(0, json!([]));
    let mut keyed = wrong.clone();
    keyed["key"] = json!("base");
    for (body, status, place) in [
        (json!({"scope": scope(&world, json!({"who": "all"}))}), 422, "scope.who"),
        (json!({"scope": scope(&world, json!({"against": "then"}))}), 422, "scope.against"),
        (json!({"scope": scope(&world, json!({"people_max": 0}))}), 422, "scope.people_max"),
        (json!({"scope": {"from": "2000-01-01T00:00:00Z"}}), 422, "scope.from"),
        (json!({"scope": scope(&world, json!({"segment": "gone"}))}), 404, "segment"),
        (json!({"scope": scope(&world, json!({})), "drafts": ["gone"]}), 404, "rule"),
        (json!({"scope": scope(&world, json!({})), "rules": [keyed]}), 422, "gives.points"),
    ] {
        let refused = call(&world, &owner, Method::POST, SIMULATIONS, body.clone()).await;
        assert_eq!(
            (refused.status.as_u16(), refused.text().contains(place)),
            (status, true),
            "{body}: {}",
            refused.text()
        );
    }
}

/// Before there is a programme: what would one have given everybody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_programme_that_is_not_there_yet_is_tried_on_all_customers() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    for who in 1..=3 {
        happen(&world, &key, person(who, &format!("p{who}@example.com"))).await;
        happen(&world, &key, vec![order(who, who, "Order Completed", 10 * i64::from(who))]).await;
    }
    world.clock.advance(Timestamp::DAY);
    let program =
        json!({"name": "Club", "zone": "UTC", "currency": "EUR", "wallets": [{"key": "points", "name": "Points"}]});
    let mut rule = base(2, json!([]));
    rule["key"] = json!("base");
    let body = json!({"scope": scope(&world, json!({"who": "customers"})), "program": program, "rules": [rule]});
    let result = simulate(&world, &owner, SIMULATIONS, body).await["result"].clone();
    let points = &result["wallets"][0];
    assert_eq!((&points["before"], &points["after"], &points["gain"]), (&json!(0), &json!(120), &json!(3)));
    assert_eq!(points["cost_after"], Value::Null, "nobody said what a point is worth");
}
