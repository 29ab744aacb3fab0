//! What then came beside what versions had foretold; a version that does worse is held, staff release it, and a fit to data put right takes its place.

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_server::auth::Role;
use rapport_server::installation::MIGRATIONS;
use rapport_server::modelling;
use rapport_store::testing::{TestDatabase, on_postgres, on_sqlite};
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, track};
use crate::models::{only, people_of};
use crate::world::World;

const VALUE: &str = "/api/v1/models/value";
/// So many who buy at rates of their own, until they leave.
const BUYERS: u32 = 240;
/// The last day; the first version is fitted on day 0, the next one on this.
const LAST: i64 = 35;
const NEXT: i64 = 21;

/// Numbers that look like chance, and are the same each time.
fn drawn(n: u32, of: u64) -> f64 {
    let mixed = (u64::from(n) * 64 + of + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (((mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 32) % 1_000) as f64 / 1_000.0
}

/// The days on which one of them buys.
fn days(n: u32) -> Vec<i64> {
    let (gap, leaves) = (6.0 + 34.0 * drawn(n, 1) * drawn(n, 1), 0.04 + 0.16 * drawn(n, 2));
    let (mut all, mut day, mut at) = (Vec::new(), (280.0 * drawn(n, 0)) as i64 - 364, 3);
    while day <= LAST {
        all.push(day);
        if drawn(n, at) < leaves {
            break;
        }
        day += 1 + (-gap * (1.0 - 0.999 * drawn(n, at + 1)).ln()) as i64;
        at += 2;
    }
    all
}

/// The days of orders that nobody made, all before a day.
fn wrong_days(n: u32, until: i64) -> Vec<i64> {
    let (every, end) = (8.0 + 20.0 * drawn(n, 60), until as f64 - 3.0 - 90.0 * drawn(n, 61));
    let first = days(n)[0] as f64 + 1.0;
    (0_u32..).map(|at| first + every * f64::from(at)).take_while(|day| *day < end).map(|day| day as i64).collect()
}

/// An order of a day, before noon.
fn order(start: Timestamp, id: &str, n: u32, day: i64) -> Value {
    let paid = i64::from(20 + n % 40) + day.rem_euclid(7);
    let properties = json!({"order_id": id, "currency": "EUR", "revenue": paid});
    let mut event = track(id, &format!("c{n}"), "Order Completed", properties);
    event["timestamp"] = json!(start.plus(day * Timestamp::DAY - Timestamp::HOUR).to_rfc3339());
    event
}

/// Orders that were made after one day and up to another.
fn orders(start: Timestamp, after: i64, until: i64) -> Vec<Value> {
    let bought = (0..BUYERS).flat_map(|n| days(n).into_iter().map(move |day| (n, day)));
    let then = bought.filter(|(_, day)| *day > after && *day <= until);
    then.map(|(n, day)| order(start, &format!("o{n}-{day}"), n, day)).collect()
}

/// Sends events. Whatever they are of, the data reach until now.
async fn send(world: &World, key: &str, mut events: Vec<Value>) {
    events.push(track(&format!("seen-{}", world.clock_now().0), "c0", "Page Viewed", json!({})));
    for part in events.chunks(400) {
        let answer = world.collect("/v1/batch", key, json!({ "batch": part }).to_string()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    }
    happen(world, key, Vec::new()).await;
    world.app.pipeline.settle().await.unwrap();
}

async fn settle(world: &World) {
    modelling::settle(&world.app.installation).await.unwrap();
}

#[test]
fn versions_stand_beside_what_came_and_a_worse_one_is_held_released_and_replaced_on_sqlite() {
    on_sqlite(MIGRATIONS.to_vec(), compared);
}

#[test]
fn versions_stand_beside_what_came_and_a_worse_one_is_held_released_and_replaced_on_postgres() {
    on_postgres(MIGRATIONS.to_vec(), compared);
}

async fn compared(database: TestDatabase) {
    let world = World::over_with(&database, &[("session.idle_hours", "100000"), ("session.days", "4000")]).await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("shop", None).await;
    let start = world.clock_now();
    send(&world, &key, orders(start, -1_000, 0)).await;
    only(&world, &["value"]).await;
    // Three weeks are foretold of everybody, and three weeks later it is looked what came.
    let settings = json!({"settings": {"horizon_weeks": 3}, "is_paused": false});
    let changed = call(&world, &owner, Method::PUT, VALUE, settings).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text());
    settle(&world).await;
    let model = get(&world, &owner, VALUE).await;
    assert_eq!((&model["live"]["version"], &model["verdict"]), (&json!(1), &json!(null)), "{model}");
    assert_eq!(model["live"]["came"], json!(null), "nothing came yet");
    let everybody = people_of(&world, &owner, "value", "").await;
    assert_eq!(everybody.len(), BUYERS as usize);
    let said: f64 = everybody.iter().map(|it| it["score"]["detail"]["purchases"].as_f64().unwrap()).sum();

    // On schedule the next version is fitted, and the first stands beside what came: to the purchase, and to what everybody was told.
    world.clock.set(start.plus(NEXT * Timestamp::DAY));
    let then = orders(start, 0, NEXT);
    let came = then.len() as f64;
    send(&world, &key, then).await;
    settle(&world).await;
    let model = get(&world, &owner, VALUE).await;
    let live = &model["live"];
    assert_eq!((&live["version"], &live["fitted_by"], &model["held"]), (&json!(2), &json!(null), &json!(null)));
    assert_eq!((&live["against"]["version"], &live["came"]), (&json!(1), &json!(null)), "{live}");
    let first = get(&world, &owner, &format!("{VALUE}/versions/1")).await["version"].clone();
    let told = &first["came"];
    assert_eq!((&first["state"], &told["came"], &told["weeks"]), (&json!("retired"), &json!(came), &json!(3.0)));
    assert_eq!(told["until"], json!(world.clock_now().to_rfc3339()[..10]));
    assert!((told["said"].as_f64().unwrap() - said).abs() < 1e-6, "{said}: {told}");
    assert!((told["bias"]["value"].as_f64().unwrap() - (said / came - 1.0)).abs() < 1e-6, "{said} {came}: {told}");

    // An import gone wrong: every fourth is said to have bought far more often before the weeks held out than they did, so that these weeks are foretold worse.
    let held_out = Timestamp::parse(&format!("{}T12:00:00Z", live["judged_on"][0].as_str().unwrap())).unwrap();
    let until = (held_out.0 - start.0) / Timestamp::DAY;
    let wrong: Vec<(u32, i64)> =
        (0..BUYERS).step_by(4).flat_map(|n| wrong_days(n, until).into_iter().map(move |day| (n, day))).collect();
    world.clock.advance(Timestamp::HOUR);
    let imported = wrong.iter().map(|(n, day)| order(start, &format!("w{n}-{day}"), *n, *day)).collect();
    send(&world, &key, imported).await;
    let fit = async || {
        let asked = call(&world, &owner, Method::POST, &format!("{VALUE}/fit"), Value::Null).await;
        assert_eq!(asked.status, StatusCode::OK, "{}", asked.text());
        settle(&world).await;
        get(&world, &owner, VALUE).await
    };
    let model = fit().await;
    let held = &model["held"];
    assert_eq!(
        (&model["live"]["version"], &held["version"], &model["scored_version"]),
        (&json!(2), &json!(3), &json!(2)),
        "{model}"
    );
    let why = held["held"].as_array().unwrap().iter().find(|it| it["code"] == "foretells_worse");
    let why = why.unwrap_or_else(|| panic!("{held}"));
    assert!(why["text"].as_str().unwrap().contains("worse than version 2"), "{why}");
    assert!(held["against"]["difference"]["high"].as_f64().unwrap() < 0.0, "{held}");

    // Whoever may edit models releases it.
    let release = format!("{VALUE}/versions/3/use");
    let said_why = json!({"why": "We take these orders for real."});
    let viewer = world.browser(Role::Viewer).await;
    let refused = call(&world, &viewer, Method::POST, &release, said_why.clone()).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let released = call(&world, &owner, Method::POST, &release, said_why.clone()).await;
    assert_eq!((released.status, &released.json()["state"]), (StatusCode::OK, &json!("live")), "{}", released.text());
    settle(&world).await;
    let model = get(&world, &owner, VALUE).await;
    assert_eq!(
        (&model["live"]["version"], &model["held"], &model["scored_version"]),
        (&json!(3), &json!(null), &json!(3))
    );

    // They were not: once they are called off, the next fit foretells better, and scores by itself.
    world.clock.advance(Timestamp::HOUR);
    let off = |(n, day): &(u32, i64)| {
        let order = json!({"order_id": format!("w{n}-{day}")});
        track(&format!("x{n}-{day}"), &format!("c{n}"), "Order Cancelled", order)
    };
    send(&world, &key, wrong.iter().map(off).collect()).await;
    let model = fit().await;
    let live = &model["live"];
    assert_eq!(
        (&live["version"], &live["held"], &live["against"]["version"], &model["scored_version"]),
        (&json!(4), &json!([]), &json!(3), &json!(4)),
        "{model}"
    );
    assert!(live["against"]["difference"]["value"].as_f64().unwrap() > 0.0, "{live}");

    // Two weeks later all of them stand beside what came, the one that was held too.
    world.clock.set(start.plus(LAST * Timestamp::DAY));
    let then = orders(start, NEXT, LAST);
    let later = then.len() as f64;
    send(&world, &key, then).await;
    settle(&world).await;
    let versions = get(&world, &owner, &format!("{VALUE}/versions")).await["rows"].clone();
    let of =
        |key: &str| -> Vec<Value> { versions.as_array().unwrap().iter().map(|it| it["came"][key].clone()).collect() };
    assert_eq!(json!(of("weeks")), json!([null, 2.0, 2.0, 2.0, 5.0]), "{versions}");
    assert_eq!(json!(of("came")), json!([null, later, later, later, came + later]), "{versions}");
    assert_eq!((&versions[2]["state"], &versions[2]["decided_why"]), (&json!("retired"), &said_why["why"]));
}
