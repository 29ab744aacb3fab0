//! Tiers from the event to the fact: reached at once, lost by time, given by staff; benefits used once; what other thresholds would do.

use axum::http::{Method, StatusCode};
use rapport_domain::{Clock, PersonId, Timestamp};
use rapport_server::auth::Role;
use rapport_server::records::workspaces::FIRST;
use rapport_server::tiers;
use rapport_store::Slice;
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, only_person, person, settle, track, world};
use crate::sink::{Manner, Sink};
use crate::world::{Browser, World};

const PROGRAM: &str = "/api/v1/loyalty/program";

fn club() -> Value {
    json!({
        "key": "club", "name": "Club", "period": {"kind": "calendar", "months": 12},
        "measures": [{"key": "spend", "name": "Spent", "counts": {"kind": "spent"}}, {"key": "stays", "name": "Nights", "counts": {"kind": "events", "event": "Stay Completed", "property": "nights"}}],
        "tiers": [
            {"key": "base", "name": "Base"},
            {"key": "silver", "name": "Silver", "needs": {"any": [{"measure": "spend", "at_least": "100"}, {"measure": "stays", "at_least": 5}]}},
            {"key": "gold", "name": "Gold", "needs": {"measure": "spend", "at_least": "300"}},
        ],
        "benefits": [{"key": "lounge", "name": "Lounge", "kind": "access", "tiers": ["silver", "gold"], "times": {"most": 2, "every": "year"}, "cost": "12.50"}],
    })
}

fn program() -> Value {
    let points = json!({"key": "points", "name": "By points", "measures": [{"key": "points", "name": "Points", "counts": {"kind": "points"}}],
        "tiers": [{"key": "insider", "name": "Insider", "needs": {"measure": "points", "at_least": 200}}]});
    json!({
        "name": "Club", "zone": "UTC", "currency": "EUR", "enrolment": {"by": "earning"},
        "wallets": [{"key": "points", "name": "Points"}], "ladders": [club(), points],
    })
}

async fn put(world: &World, owner: &Browser, path: &str, body: Value) -> Value {
    let saved = call(world, owner, Method::PUT, path, body).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    saved.json()
}

async fn founded(sink: &Sink) -> (World, Browser, String) {
    let (world, owner, key) = world(sink).await;
    put(&world, &owner, PROGRAM, json!({"version": 0, "program": program()})).await;
    let rule = |rule: Value| json!({"version": 0, "state": "live", "rule": rule});
    let base = json!({"name": "A point for each euro", "event": "Order Completed", "gives": {"kind": "amount", "points": 1, "each": "1"}});
    put(&world, &owner, "/api/v1/loyalty/rules/base", rule(base)).await;
    let double = json!({"name": "Gold earns double", "event": "Order Completed", "gives": {"kind": "times", "factor": "2"},
        "when": {"fact": {"key": "tier.club", "op": "equals", "value": "gold"}}, "holdout_percent": 0});
    put(&world, &owner, "/api/v1/loyalty/rules/double", rule(double)).await;
    world.clock.advance(Timestamp::HOUR);
    happen(&world, &key, person(1, "ann@example.com")).await;
    (world, owner, key)
}

fn order(id: &str, message: &str, subtotal: f64) -> Value {
    let properties = json!({"order_id": id, "subtotal": subtotal, "revenue": subtotal, "currency": "EUR"});
    track(message, "u1", "Order Completed", properties)
}

async fn member(world: &World, owner: &Browser) -> String {
    let rows = get(world, owner, "/api/v1/loyalty/members").await["rows"].clone();
    assert_eq!(rows.as_array().unwrap().len(), 1, "{rows}");
    rows[0]["member_id"].as_str().unwrap().to_owned()
}

/// Where the only member stands on a ladder.
async fn stands(world: &World, owner: &Browser, place: usize) -> Value {
    let id = member(world, owner).await;
    get(world, owner, &format!("/api/v1/loyalty/members/{id}/tiers")).await["rows"][place].clone()
}

/// What is known of the only person about tiers.
async fn facts(world: &World, owner: &Browser) -> Value {
    let person = PersonId(only_person(world, owner, "ann").await.parse().unwrap());
    let mut db = world.app.installation.store.read();
    let known =
        rapport_profiles::records::facts::current_of(&mut db, FIRST, &[person], world.clock.now()).await.unwrap();
    let own = known.into_iter().filter(|it| it.1.starts_with("tier."));
    Value::Object(own.map(|it| (it.1, serde_json::from_str(&it.2).unwrap())).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tier_is_reached_with_the_order_and_lost_with_it() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = founded(&sink).await;
    happen(&world, &key, vec![order("o1", "m1", 120.0)]).await;
    let silver = stands(&world, &owner, 0).await;
    assert_eq!((&silver["tier"], &silver["next"]["tier"]), (&json!("silver"), &json!("gold")), "{silver}");
    assert_eq!(silver["next"]["missing"]["missing"], "180.00");
    assert_eq!(silver["measures"][0], json!({"measure": "spend", "name": "Spent", "have": "120.00"}));
    let told = facts(&world, &owner).await;
    assert_eq!(
        (&told["tier.club"], &told["tier.club.next"], &told["tier.club.missing"]),
        (&json!("silver"), &json!("gold"), &json!(180))
    );
    assert_eq!(told["tier.points"], Value::Null);

    world.clock.advance(Timestamp::HOUR);
    happen(&world, &key, vec![order("o2", "m2", 200.0)]).await;
    assert_eq!(stands(&world, &owner, 0).await["tier"], "gold");
    assert_eq!(stands(&world, &owner, 1).await["tier"], "insider", "320 points");
    // From now on gold earns double.
    world.clock.advance(Timestamp::HOUR);
    happen(&world, &key, vec![order("o3", "m3", 10.0)]).await;
    let balance = get(&world, &owner, "/api/v1/loyalty/members").await["rows"][0]["wallets"][0]["available"].clone();
    assert_eq!(balance, 340);
    settle(&world).await;
    let id = only_person(&world, &owner, "ann").await;
    let timeline = get(&world, &owner, &format!("/api/v1/customers/{id}/timeline")).await.to_string();
    assert_eq!(timeline.matches("\"Tier Reached\"").count(), 3, "{timeline}");

    // The second order goes back: its tier was never reached.
    let back = json!({"order_id": "o2", "refund": 200.0});
    happen(&world, &key, vec![track("m4", "u1", "Order Refunded", back)]).await;
    let after = stands(&world, &owner, 0).await;
    assert_eq!(after["tier"], "silver");
    assert_eq!(
        after["moves"].as_array().unwrap().iter().filter(|it| it["restated_at"] != Value::Null).count(),
        1,
        "{after}"
    );
    assert_eq!(facts(&world, &owner).await["tier.club"], "silver");
    assert_eq!(stands(&world, &owner, 1).await["tier"], Value::Null, "140 points are left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn time_alone_takes_a_tier_and_whoever_asks_is_not_kept_waiting() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = founded(&sink).await;
    happen(&world, &key, vec![order("o1", "m1", 20.0), track("m2", "u1", "Stay Completed", json!({"nights": 3}))])
        .await;
    assert_eq!(stands(&world, &owner, 0).await["tier"], "base");
    happen(
        &world,
        &key,
        vec![
            track("m3", "u1", "Stay Completed", json!({"nights": 2})),
            track("m3", "u1", "Stay Completed", json!({"nights": 2})),
        ],
    )
    .await;
    let now = stands(&world, &owner, 0).await;
    assert_eq!(now["tier"], "silver", "5 nights: {now}");
    let until = Timestamp::parse(now["until"].as_str().unwrap()).unwrap();
    let long = until.0 - world.clock.now().0;
    world.clock.advance(long - Timestamp::SECOND);
    assert_eq!(stands(&world, &owner, 0).await["tier"], "silver");
    world.clock.advance(Timestamp::SECOND);
    assert_eq!(stands(&world, &owner, 0).await["tier"], "base", "before the night work");
    while tiers::settle(&world.app.installation, FIRST, &mut Slice::default()).await.unwrap() > 0 {}
    settle(&world).await;
    assert_eq!(facts(&world, &owner).await["tier.club"], "base");
    let counts = get(&world, &owner, "/api/v1/loyalty/tiers").await;
    let tier = |place: usize| counts["rows"][0]["tiers"][place].clone();
    assert_eq!(
        (&tier(0)["members"], &tier(1)["members"], &tier(1)["lost"]),
        (&json!(1), &json!(0), &json!(1)),
        "{counts}"
    );
    // Done is done: the work finds nothing, however often it runs.
    assert_eq!(tiers::settle(&world.app.installation, FIRST, &mut Slice::default()).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn staff_give_a_tier_for_a_time_with_a_reason() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = founded(&sink).await;
    happen(&world, &key, vec![order("o1", "m1", 20.0)]).await;
    let path = format!("/api/v1/loyalty/members/{}/tiers/club/match", member(&world, &owner).await);
    let until = world.clock.now().plus(90 * Timestamp::DAY).to_rfc3339();
    let body = json!({"tier": "gold", "until": until, "reason": "holds the other club's gold card"});
    for (wrong, field) in [
        (json!({"tier": "none", "until": until, "reason": "x"}), "tier"),
        (json!({"tier": "gold", "until": "2001-01-01T00:00:00Z", "reason": "x"}), "until"),
        (json!({"tier": "gold", "until": until, "reason": " "}), "reason"),
    ] {
        let refused = call(&world, &owner, Method::PUT, &path, wrong).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
    }
    let given = put(&world, &owner, &path, body.clone()).await["rows"][0].clone();
    assert_eq!((&given["tier"], &given["earned"]), (&json!("gold"), &json!("base")), "{given}");
    assert_eq!(given["matches"][0]["reason"], "holds the other club's gold card");
    let agent = world.browser(Role::Agent).await;
    assert_eq!(call(&world, &agent, Method::PUT, &path, body).await.status, StatusCode::FORBIDDEN);
    let ended = call(&world, &owner, Method::DELETE, &path, Value::Null).await;
    assert_eq!(ended.json()["rows"][0]["tier"], "base", "{}", ended.text());
    assert_eq!(call(&world, &owner, Method::DELETE, &path, Value::Null).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn benefits_are_used_once_and_never_past_their_limit() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = founded(&sink).await;
    happen(&world, &key, vec![order("o1", "m1", 20.0)]).await;
    let id = member(&world, &owner).await;
    let path = format!("/api/v1/loyalty/members/{id}/benefits/lounge/uses");
    let try_use =
        async |name: String| call(&world, &owner, Method::POST, &path, json!({"id": name, "reference": "visit"})).await;
    let refused = try_use("a".to_owned()).await;
    assert_eq!((refused.status, &refused.json()["code"]), (StatusCode::CONFLICT, &json!("benefit_not_of_tier")));
    happen(&world, &key, vec![order("o2", "m2", 100.0)]).await;
    // Ten at once, twice each: two are used.
    let tries = (0..20).map(|it| try_use(format!("use-{}", it % 10)));
    let answers = futures::future::join_all(tries).await;
    let used: std::collections::BTreeSet<String> = answers
        .iter()
        .filter(|it| it.status == StatusCode::OK)
        .map(|it| it.json()["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(used.len(), 2, "{used:?}");
    assert!(answers.iter().all(|it| it.status == StatusCode::OK || it.json()["code"] == "benefit_used_up"));
    let again = try_use(used.first().unwrap().clone()).await;
    assert_eq!(again.status, StatusCode::OK, "the same is answered the same");
    let other =
        call(&world, &owner, Method::POST, &path, json!({"id": used.first().unwrap(), "reference": "another"})).await;
    assert_eq!(other.json()["code"], "id_reused");
    let rows = get(&world, &owner, &format!("/api/v1/loyalty/members/{id}/benefits")).await;
    let lounge = &rows["rows"][0];
    assert_eq!((&lounge["used"], &lounge["why_not"]), (&json!(2), &json!("used_up")), "{rows}");
    let totals = get(&world, &owner, "/api/v1/loyalty/benefits").await;
    assert_eq!((&totals["rows"][0]["uses"], &totals["rows"][0]["cost"]), (&json!(2), &json!("25.00")));
    let list = get(&world, &owner, &format!("/api/v1/loyalty/members/{id}/benefits/uses?limit=1")).await;
    assert_eq!((list["rows"].as_array().unwrap().len(), &list["rows"][0]["tier"]), (1, &json!("silver")));
    let next = list["next"].as_str().unwrap();
    let list = get(&world, &owner, &format!("/api/v1/loyalty/members/{id}/benefits/uses?limit=1&cursor={next}")).await;
    assert_eq!(list["rows"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_thresholds_say_who_would_move_and_what_it_costs() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = founded(&sink).await;
    happen(&world, &key, vec![order("o1", "m1", 120.0)]).await;
    let mut tried = club();
    tried["tiers"][2]["needs"]["at_least"] = json!("110");
    tried["benefits"][0]["tiers"] = json!(["gold"]);
    let answer = call(&world, &owner, Method::POST, "/api/v1/loyalty/tiers/what-if", json!({"ladder": tried})).await;
    let said = answer.json();
    assert_eq!(answer.status, StatusCode::OK, "{said}");
    assert_eq!((&said["looked_at"], &said["is_sample"]), (&json!(1), &json!(false)));
    assert_eq!(said["moves"], json!([{"from": "silver", "to": "gold", "members": 1}]));
    assert_eq!(said["movers"][0]["person_name"], "Ann", "{said}");
    assert_eq!((&said["cost"]["at_most_now"], &said["cost"]["at_most_then"]), (&json!("25.00"), &json!("25.00")));
    assert_eq!(stands(&world, &owner, 0).await["tier"], "silver", "nothing was changed");
    // Saved, it counts for everybody, also for those who do nothing.
    let mut program = program();
    program["ladders"][0] = tried;
    put(&world, &owner, PROGRAM, json!({"version": 1, "program": program})).await;
    assert_eq!(stands(&world, &owner, 0).await["tier"], "gold");
    while tiers::settle(&world.app.installation, FIRST, &mut Slice::default()).await.unwrap() > 0 {}
    settle(&world).await;
    assert_eq!(facts(&world, &owner).await["tier.club"], "gold");
    program["ladders"].as_array_mut().unwrap().remove(0);
    let refused = call(&world, &owner, Method::PUT, PROGRAM, json!({"version": 2, "program": program})).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "a ladder stays");
}
