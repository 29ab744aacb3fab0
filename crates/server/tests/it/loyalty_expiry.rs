//! Members are told before points lapse: once for each end, and in time.

use axum::http::{Method, StatusCode};
use rapport_domain::{Clock, Timestamp};
use rapport_server::points::{jurisdictions, notices};
use rapport_server::records::workspaces::FIRST;
use rapport_store::Slice;
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, launch, one_mail, only_person, person, settle, track, with_template, world};
use crate::sink::{Manner, Sink};
use crate::world::{Browser, World};

async fn put(world: &World, owner: &Browser, path: &str, body: Value) {
    let saved = call(world, owner, Method::PUT, path, body).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
}

/// Looks whom to tell, as the night work does, and lets follow what follows; how many accounts were looked at.
async fn night(world: &World) -> usize {
    let (mut looked_at, mut slice) = (0, Slice::default());
    loop {
        let some = notices::settle(&world.app.installation, FIRST, &mut slice).await.unwrap();
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

/// Who lives where the law asks for a notice loses points only after one that went out in time: the shop's journey writes it, and what it handed over is the proof.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn points_lapse_by_law_only_after_a_notice_that_arrived() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    let wallets =
        json!([{"key": "points", "name": "Points", "expiry": {"kind": "after", "count": 100, "unit": "days"}}]);
    let lives = |region: &str| json!({"fact": {"key": "trait.region", "op": "equals", "value": region}});
    let laws = json!([
        {"key": "ontario", "name": "Ontario", "when": lives("ON"), "no_expiry_by_time": true},
        {"key": "quebec", "name": "Québec", "when": lives("QC"), "notice_between": [30, 60]},
    ]);
    let mut program = json!({"name": "Club", "zone": "UTC", "currency": "CAD", "enrolment": {"by": "earning"}, "wallets": wallets, "jurisdictions": laws});
    let save = async |version: i64, program: &Value| {
        put(&world, &owner, "/api/v1/loyalty/program", json!({"version": version, "program": program})).await;
    };
    save(0, &program).await;
    let rule = json!({"name": "Orders", "event": "Order Completed", "gives": {"kind": "fixed", "points": 10}});
    put(&world, &owner, "/api/v1/loyalty/rules/orders", json!({"version": 0, "state": "live", "rule": rule})).await;
    world.clock.advance(Timestamp::HOUR);
    let mut members = Vec::new();
    for (number, region) in [(1, "QC"), (2, "ON"), (3, "BC")] {
        happen(&world, &key, person(number, &format!("c{number}@example.com"))).await;
        let user = format!("u{number}");
        let at_home = json!({"type": "identify", "userId": user, "messageId": format!("r{number}"), "traits": {"region": region}});
        let order = json!({"order_id": format!("o{number}"), "revenue": 10, "currency": "CAD"});
        happen(&world, &key, vec![at_home, track(&format!("t{number}"), &user, "Order Completed", order)]).await;
        let who = only_person(&world, &owner, &format!("c{number}@example.com")).await;
        let found = get(&world, &owner, &format!("/api/v1/loyalty/members?person_id={who}")).await;
        members.push(found["rows"][0]["member_id"].as_str().unwrap().to_owned());
    }
    let laws = get(&world, &owner, "/api/v1/loyalty/jurisdictions").await;
    let counts: Vec<(&Value, &Value)> =
        laws["rows"].as_array().unwrap().iter().map(|it| (&it["key"], &it["members"])).collect();
    assert_eq!(counts, [(&json!("ontario"), &json!(1)), (&json!("quebec"), &json!(1))]);
    let points = async |member: usize| {
        let lots = get(&world, &owner, &format!("/api/v1/loyalty/members/{}/lots", members[member])).await;
        lots["rows"].as_array().unwrap().iter().map(|lot| lot["expires_at"].clone()).collect::<Vec<_>>()
    };
    let notices =
        async || get(&world, &owner, &format!("/api/v1/loyalty/members/{}/notices", members[0])).await["rows"].clone();
    let first = points(0).await[0].clone();

    // Nobody writes to them: at the end the points stay, and a new end is told.
    world.clock.advance(41 * Timestamp::DAY);
    night(&world).await;
    let told = notices().await;
    assert_eq!((&told[0]["expires_at"], &told[0]["proof"]), (&first, &Value::Null), "{told}");
    assert!(told[0]["counts_from"].is_string() && told[0]["counts_until"].is_string(), "{told}");
    world.clock.advance(60 * Timestamp::DAY);
    assert_eq!(points(2).await, Vec::<Value>::new(), "no law concerns them");
    assert_eq!(points(1).await, [Value::Null], "never by time alone");
    let second = points(0).await[0].clone();
    assert_ne!(second, first);

    // The shop writes when points are about to lapse; the notice of the new end is proved by that letter.
    with_template(&world, &owner).await;
    let definition = one_mail(json!({"event": {"name": "Points Expiring"}}), json!({"reentry": "after_exit"}));
    launch(&world, &owner, json!({"name": "Points lapse", "definition": definition})).await;
    night(&world).await;
    assert_eq!(notices().await[0]["expires_at"], second);
    world.clock.advance(Timestamp::DAY);
    night(&world).await;
    let proved = notices().await;
    assert!(
        proved[0]["proof"].as_str().is_some_and(|id| !id.is_empty()) && proved[0]["proved_at"].is_string(),
        "{proved}"
    );
    assert_eq!(proved[1]["proof"], Value::Null);
    let end = Timestamp::parse(second.as_str().unwrap()).unwrap();
    world.clock.advance(end.0 - world.clock.now().0 - 1);
    assert_eq!(points(0).await, std::slice::from_ref(&second));
    world.clock.advance(1);
    assert_eq!(points(0).await, Vec::<Value>::new(), "at the instant that they were told");

    // Who lost points before the law was known to be theirs is given them back, once.
    program["jurisdictions"][0]["when"] = json!({"any": [lives("ON"), lives("BC")]});
    save(1, &program).await;
    while jurisdictions::settle(&world.app.installation, FIRST, &mut Slice::default()).await.unwrap() > 0 {}
    let ask = async |law: &str, body: Value| {
        call(&world, &owner, Method::POST, &format!("/api/v1/loyalty/jurisdictions/{law}/give-back"), body).await
    };
    let since = "2000-01-01T00:00:00Z";
    let preview = ask("ontario", json!({"since": since})).await.json();
    assert_eq!((&preview["rows"][0]["points"], &preview["next"]), (&json!(10), &Value::Null), "{preview}");
    assert_eq!(points(2).await, Vec::<Value>::new());
    let given = ask("ontario", json!({"since": since, "confirmed": true})).await.json();
    assert_eq!(given, preview);
    let again = ask("ontario", json!({"since": since, "confirmed": true})).await.json();
    assert_eq!(again["rows"], json!([]));
    assert_eq!(points(2).await, [Value::Null]);
    assert_eq!(ask("mars", json!({"since": since})).await.status, StatusCode::NOT_FOUND);
    assert_eq!(ask("ontario", json!({"since": "soon"})).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let viewer = world.browser(rapport_server::auth::Role::Viewer).await;
    let path = "/api/v1/loyalty/jurisdictions/ontario/give-back";
    assert_eq!(call(&world, &viewer, Method::POST, path, json!({"since": since})).await.status, StatusCode::FORBIDDEN);
}
