//! Whether a rule or an offer works, through the API: those who are held out beside the others, to the member; and who is only there for the offer.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use rapport_domain::{PersonId, Timestamp};
use rapport_store::{Queries, args, sql};
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, track, world};
use crate::sink::{Manner, Sink};
use crate::world::{Browser, World};

const MEMBERS: u32 = 260;

async fn put(world: &World, owner: &Browser, path: &str, body: Value) {
    let saved = call(world, owner, Method::PUT, path, body).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
}

async fn rule(world: &World, owner: &Browser, (key, version): (&str, i64), rule: Value) {
    let body = json!({"version": version, "state": "live", "rule": rule});
    put(world, owner, &format!("/api/v1/loyalty/rules/{key}"), body).await;
}

fn order(name: &str, who: u32, amount: i64, more: Value) -> Value {
    let mut properties =
        json!({"order_id": format!("{name}{who}"), "subtotal": amount, "revenue": amount, "currency": "EUR"});
    properties.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    track(&format!("{name}-{who}"), &format!("u{who}"), "Order Completed", properties)
}

async fn all(world: &World, key: &str, calls: Vec<Value>) {
    for part in calls.chunks(100) {
        happen(world, key, part.to_vec()).await;
    }
}

/// Members who ordered once before a campaign that doubles points for half of them.
async fn founded(sink: &Sink) -> (World, Browser, String) {
    let (world, owner, key) = world(sink).await;
    let program = json!({"name": "Club", "zone": "UTC", "currency": "EUR", "enrolment": {"by": "earning"},
        "wallets": [{"key": "points", "name": "Points", "worth": "0.01", "books": {"redemption": "0.5"}}]});
    put(&world, &owner, "/api/v1/loyalty/program", json!({"version": 0, "program": program})).await;
    let base =
        json!({"name": "Base", "event": "Order Completed", "gives": {"kind": "amount", "points": 1, "each": "1"}});
    rule(&world, &owner, ("base", 0), base).await;
    world.clock.advance(Timestamp::HOUR);
    all(&world, &key, (1..=MEMBERS).map(|who| order("a", who, 30 + i64::from(who % 17), json!({}))).collect()).await;
    world.clock.advance(Timestamp::DAY);
    (world, owner, key)
}

const EFFECT: &str = "/api/v1/loyalty/rules/double/effect";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_is_judged_by_those_who_are_held_out_of_it() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = founded(&sink).await;
    let double = |holdout: u8| json!({"name": "Double", "event": "Order Completed", "gives": {"kind": "times", "factor": "2"}, "holdout_percent": holdout});
    rule(&world, &owner, ("double", 0), double(0)).await;
    let nobody = get(&world, &owner, EFFECT).await;
    assert_eq!((&nobody["verdict"], &nobody["holdout"]), (&json!("nobody_held_out"), &Value::Null));
    world.clock.advance(Timestamp::HOUR);
    rule(&world, &owner, ("double", 1), double(50)).await;
    world.clock.advance(Timestamp::HOUR);
    let early = get(&world, &owner, &format!("{EFFECT}?margin_percent=50")).await;
    assert_eq!(
        (&early["verdict"], &early["points"]),
        (&json!("unclear"), &json!(0)),
        "nobody bought anything yet: {early}"
    );

    // Everybody orders once, and those who have the rule again. One more joins, and is not counted.
    all(&world, &key, (1..=MEMBERS).map(|who| order("b", who, 40 + i64::from(who % 23), json!({}))).collect()).await;
    let sides = sql!("SELECT occasion, outcome FROM loyalty_awards WHERE rule = 'double' AND occasion LIKE 'order:b%'");
    let sides: Vec<(String, String)> = world.app.installation.store.read().fetch_all(sides, args![]).await.unwrap();
    let treated: BTreeMap<u32, bool> =
        sides.iter().map(|(occasion, outcome)| (occasion[7..].parse().unwrap(), outcome == "given")).collect();
    assert_eq!(treated.len(), MEMBERS as usize);
    let again = treated.iter().filter(|(_, treated)| **treated);
    all(&world, &key, again.map(|(who, _)| order("c", *who, 20 + i64::from(who % 11), json!({}))).collect()).await;
    happen(&world, &key, vec![order("n", 9_999, 500, json!({}))]).await;
    world.clock.advance(Timestamp::HOUR);

    let found = get(&world, &owner, &format!("{EFFECT}?margin_percent=50")).await;
    let (mut held, mut had, mut points) = ((0.0, 0.0), (0.0, 0.0), 0);
    for (who, is_treated) in &treated {
        let (b, c) = (40 + i64::from(who % 23), 20 + i64::from(who % 11));
        if *is_treated {
            had = (had.0 + 1.0, had.1 + (b + c) as f64);
            points += b + c;
        } else {
            held = (held.0 + 1.0, held.1 + b as f64);
        }
    }
    let holdout = &found["holdout"];
    assert_eq!((holdout["held_out"].as_f64().unwrap(), holdout["treated"].as_f64().unwrap()), (held.0, had.0));
    assert_eq!((&found["newcomers"], &found["points"]), (&json!(1), &json!(points)));
    assert_eq!(found["cost"], json!(format!("{:.6}", points as f64 * 0.005).trim_end_matches('0')), "{found}");
    let means = found["means"].as_array().unwrap().iter().find(|it| it["metric"] == "revenue").unwrap();
    assert!((means["held_out"].as_f64().unwrap() - held.1 / held.0).abs() < 1e-9, "{means}");
    assert!((means["treated"].as_f64().unwrap() - had.1 / had.0).abs() < 1e-9, "{means}");
    let revenue = holdout["metrics"].as_array().unwrap().iter().find(|it| it["metric"]["key"] == "revenue").unwrap();
    let brought = (had.1 / had.0 - held.1 / held.0) * had.0;
    let number = |it: &Value| it.as_f64().unwrap();
    assert!((number(&revenue["estimate"]) - brought).abs() < 0.1 * brought, "{brought}: {revenue}");
    assert!(number(&revenue["low"]) > 0.0 && number(&revenue["low"]) < brought && brought < number(&revenue["high"]));
    assert_eq!(found["verdict"], "pays");
    let net = number(&found["net"]["estimate"]);
    assert!((net - (number(&revenue["estimate"]) * 0.5 - points as f64 * 0.005)).abs() < 1e-6, "{found}");
    assert_eq!(get(&world, &owner, EFFECT).await["verdict"], "brings_in");
    assert_eq!(get(&world, &owner, &format!("{EFFECT}?margin_percent=0")).await["verdict"], "does_not_pay");

    // Those who have it bought twice of three times with an offer, the others twice in all.
    let buying = get(&world, &owner, "/api/v1/loyalty/buying").await;
    let of = |group: &str| buying["groups"].as_array().unwrap().iter().find(|it| it["group"] == group).unwrap().clone();
    assert_eq!(buying["looked_at"], json!(MEMBERS + 1));
    assert_eq!((number(&of("mixed")["members"]), number(&of("too_few")["members"])), (had.0, held.0 + 1.0));
    assert_eq!((number(&of("mixed")["full_price"]), number(&of("mixed")["with_offer"])), (1.0, 2.0));

    let wrong = call(&world, &owner, Method::GET, &format!("{EFFECT}?margin_percent=120"), Value::Null).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let gone = call(&world, &owner, Method::GET, "/api/v1/loyalty/rules/gone/effect", Value::Null).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}

const OFFER: &str = "/api/v1/loyalty/offers/spring";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_is_judged_by_those_who_are_held_out_of_it() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = founded(&sink).await;
    let path = format!("{OFFER}/effect");
    let spring = |version: i64, holdout: u8| {
        json!({"version": version, "state": "live",
            "offer": {"name": "Spring", "gives": {"kind": "percent_off", "percent": "10"}, "holdout_percent": holdout}})
    };
    put(&world, &owner, OFFER, spring(0, 0)).await;
    let nobody = get(&world, &owner, &path).await;
    assert_eq!((&nobody["verdict"], &nobody["holdout"]), (&json!("nobody_held_out"), &Value::Null));
    world.clock.advance(Timestamp::HOUR);
    put(&world, &owner, OFFER, spring(1, 50)).await;
    world.clock.advance(Timestamp::HOUR);

    // Who has it, by what their cart gets; those order twice, the others once.
    let persons = sql!("SELECT value, person FROM identifiers WHERE kind = 'user_id'");
    let persons: Vec<(String, PersonId)> =
        world.app.installation.store.read().fetch_all(persons, args![]).await.unwrap();
    let persons: BTreeMap<u32, String> =
        persons.into_iter().map(|(user, person)| (user[1..].parse().unwrap(), person.0.to_string())).collect();
    assert_eq!(persons.len(), MEMBERS as usize);
    let cart =
        json!({"currency": "EUR", "products": [{"product_id": "tent", "price": 100, "quantity": 1, "cost": 60}]});
    let mut treated = BTreeMap::new();
    for (who, person) in &persons {
        let body = json!({"cart": cart, "person_id": person});
        let priced = call(&world, &owner, Method::POST, "/api/v1/loyalty/offers/price", body).await.json();
        treated.insert(*who, priced["lines"][0]["outcome"] != "held_out");
    }
    all(&world, &key, (1..=MEMBERS).map(|who| order("b", who, 40 + i64::from(who % 23), json!({}))).collect()).await;
    let having: Vec<u32> = treated.iter().filter(|(_, treated)| **treated).map(|(who, _)| *who).collect();
    let again = having.iter().map(|who| order("c", *who, 20 + i64::from(who % 11), json!({})));
    all(&world, &key, again.collect()).await;
    happen(&world, &key, vec![order("n", 9_999, 500, json!({}))]).await;
    let newcomer = sql!("SELECT person FROM identifiers WHERE kind = 'user_id' AND value = 'u9999'");
    let newcomer: PersonId = world.app.installation.store.read().scalar(newcomer, args![]).await.unwrap();

    // Ten of them and the newcomer pay carts with it; one cart is called off, and one is only set aside.
    let send = async |method: Method, path: String, body: Value| {
        let answer = call(&world, &owner, method, &path, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    };
    let whose = having[..11].iter().map(|who| persons[who].clone()).chain([newcomer.0.to_string()]);
    for (at, person) in whose.enumerate() {
        let checkout = format!("/api/v1/loyalty/checkouts/cart{at}");
        send(Method::PUT, checkout.clone(), json!({"cart": cart, "person_id": person})).await;
        if at > 0 {
            send(Method::POST, format!("{checkout}/redeem"), json!({"order_id": format!("s{at}")})).await;
        }
    }
    send(Method::POST, "/api/v1/loyalty/checkouts/cart1/cancel".to_owned(), json!({})).await;
    world.clock.advance(Timestamp::HOUR);

    let found = get(&world, &owner, &format!("{path}?margin_percent=50")).await;
    let (mut held, mut had) = ((0.0, 0.0), (0.0, 0.0));
    for (who, is_treated) in &treated {
        let (b, c) = (40 + i64::from(who % 23), 20 + i64::from(who % 11));
        let side = if *is_treated { &mut had } else { &mut held };
        let spent = if *is_treated { b + c } else { b };
        *side = (side.0 + 1.0, side.1 + spent as f64);
    }
    let number = |it: &Value| it.as_f64().unwrap();
    let holdout = &found["holdout"];
    assert_eq!((number(&holdout["held_out"]), number(&holdout["treated"])), (held.0, had.0));
    assert_eq!(
        (&found["newcomers"], &found["times"], &found["cost"]),
        (&json!(1), &json!(9), &json!("90.00")),
        "{found}"
    );
    let revenue = holdout["metrics"].as_array().unwrap().iter().find(|it| it["metric"]["key"] == "revenue").unwrap();
    let brought = (had.1 / had.0 - held.1 / held.0) * had.0;
    assert!((number(&revenue["estimate"]) - brought).abs() < 0.1 * brought, "{brought}: {revenue}");
    assert!(number(&revenue["low"]) > 0.0 && number(&revenue["low"]) < brought && brought < number(&revenue["high"]));
    // Revenue is less by what was taken off: margin is of both together, and the cost comes off once.
    let margin = (number(&revenue["estimate"]) + 90.0) * 0.5;
    assert!((number(&found["margin"]["estimate"]) - margin).abs() < 1e-6, "{found}");
    assert!((number(&found["net"]["estimate"]) - (margin - 90.0)).abs() < 1e-6, "{found}");
    assert_eq!(found["verdict"], "pays");
    assert_eq!(get(&world, &owner, &path).await["verdict"], "brings_in");
    assert_eq!(get(&world, &owner, &format!("{path}?margin_percent=0")).await["verdict"], "does_not_pay");

    let wrong = call(&world, &owner, Method::GET, &format!("{path}?margin_percent=120"), Value::Null).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let gone = call(&world, &owner, Method::GET, "/api/v1/loyalty/offers/gone/effect", Value::Null).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_that_says_nothing_holds_some_out_and_what_is_stored_stays() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, _) = founded(&sink).await;
    // Saves a version and says how many it holds out.
    let saved = async |kind: &str, key: &str, version: i64, document: Value| {
        let body = json!({"version": version, "state": "live", kind: document});
        let answer = call(&world, &owner, Method::PUT, &format!("/api/v1/loyalty/{kind}s/{key}"), body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()[kind]["holdout_percent"].as_u64().unwrap()
    };
    let double = |holdout: Option<u8>| {
        let mut rule = json!({"name": "Double", "event": "Order Completed", "gives": {"kind": "times", "factor": "2"}});
        if let Some(percent) = holdout {
            rule["holdout_percent"] = json!(percent);
        }
        rule
    };
    assert_eq!(saved("rule", "double", 0, double(None)).await, 10);
    assert_eq!(saved("rule", "double", 1, double(Some(25))).await, 25);
    assert_eq!(saved("rule", "double", 2, double(None)).await, 25, "nothing changes unless somebody says so");
    assert_eq!(saved("rule", "other", 0, double(Some(0))).await, 0, "nobody is a choice");
    assert_eq!(saved("rule", "other", 1, double(None)).await, 0);
    let base =
        json!({"name": "Base", "event": "Order Completed", "gives": {"kind": "amount", "points": 1, "each": "1"}});
    assert_eq!(saved("rule", "promise", 0, base).await, 0);

    let offer = |more: Value| {
        let mut offer = json!({"name": "Ten", "gives": {"kind": "percent_off", "percent": "10"}});
        offer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        offer
    };
    let window = json!({"until": "2040-06-30"});
    assert_eq!(saved("offer", "always", 0, offer(json!({}))).await, 0);
    assert_eq!(saved("offer", "june", 0, offer(json!({"window": window}))).await, 10);
    assert_eq!(saved("offer", "code", 0, offer(json!({"window": window, "needs_code": true}))).await, 0);
    assert_eq!(saved("offer", "none", 0, offer(json!({"window": window, "holdout_percent": 0}))).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_discounts_is_told_from_who_does_not() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = founded(&sink).await;
    let few = get(&world, &owner, "/api/v1/loyalty/buying").await;
    assert_eq!(few["groups"][3]["members"], json!(MEMBERS), "one order says nothing: {few}");
    let (discount, coupon) = (json!({"discount": 5}), json!({"coupon": "SPRING"}));
    let mut calls = Vec::new();
    for number in 0..4_u32 {
        let name = ["d", "e", "f", "g"][number as usize];
        calls.push(order(name, 1, 20, json!({})));
        calls.push(order(name, 2, 20, if number.is_multiple_of(2) { discount.clone() } else { coupon.clone() }));
        calls.push(order(name, 3, 20, if number < 2 { discount.clone() } else { json!({}) }));
    }
    happen(&world, &key, calls).await;
    world.clock.advance(Timestamp::HOUR);
    let now = world.app.now();
    let from = Timestamp(now.0 - 11 * Timestamp::HOUR).to_rfc3339();
    let path = |group: &str| format!("/api/v1/loyalty/buying/people?group={group}&from={from}");
    let mut found = Vec::new();
    for group in ["full_price", "only_offers", "mixed"] {
        let rows = get(&world, &owner, &path(group)).await["rows"].clone();
        assert_eq!(rows.as_array().unwrap().len(), 1, "{group}: {rows}");
        let orders = ["full_price", "with_offer", "full_price_before", "with_offer_before"];
        found.push(orders.map(|it| rows[0][it].as_u64().unwrap()));
    }
    // What they bought a day before lies outside of as long a time before.
    assert_eq!(found, [[4, 0, 0, 0], [0, 4, 0, 0], [2, 2, 0, 0]]);
    let whole = get(&world, &owner, "/api/v1/loyalty/buying").await;
    let shares: f64 = whole["groups"].as_array().unwrap().iter().map(|it| it["share"].as_f64().unwrap()).sum();
    assert!((shares - 1.0).abs() < 1e-9, "{whole}");
    let wrong = call(&world, &owner, Method::GET, &path("loyal"), Value::Null).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
}
