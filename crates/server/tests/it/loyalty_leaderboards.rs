//! Leaderboards from the event to the prize: members go on them under a name of their own, what they buy counts at once, and the night work finds the winners.

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_server::auth::Role;
use rapport_server::leaderboards;
use rapport_server::records::workspaces::FIRST;
use rapport_store::Slice;
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, only_person, person, settle, track, world};
use crate::sink::{Manner, Sink};
use crate::world::{Answer, Browser, World};

const BOARDS: &str = "/api/v1/loyalty/leaderboards";

async fn put(world: &World, who: &Browser, path: &str, body: Value) -> Answer {
    call(world, who, Method::PUT, path, body).await
}

async fn post(world: &World, who: &Browser, path: &str, body: Value) -> Answer {
    call(world, who, Method::POST, path, body).await
}

fn refused(answer: &Answer, status: StatusCode, code: &str) {
    assert_eq!((answer.status, answer.json()["code"].as_str()), (status, Some(code)), "{}", answer.text());
}

fn board() -> Value {
    json!({"name": "Week of buyers", "ranks": {"kind": "points"}, "period": {"kind": "week"},
        "prizes": [{"to_place": 1, "points": 500, "badge": "first"}]})
}

/// A programme with a point a euro, a badge, a leaderboard of the week, and Ann and Bea, who are members.
async fn founded(sink: &Sink) -> (World, Browser, String, [String; 2]) {
    let (world, owner, key) = world(sink).await;
    let program = json!({"name": "Club", "zone": "Europe/Berlin", "currency": "EUR", "counts_from": "2020-01-01",
        "wallets": [{"key": "points", "name": "Points", "worth": "0.01"}]});
    let saved = put(&world, &owner, "/api/v1/loyalty/program", json!({"version": 0, "program": program})).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    let rule = json!({"version": 0, "state": "live", "rule": {"name": "A point a euro", "event": "Order Completed",
        "gives": {"kind": "amount", "points": 1, "each": "1"}}});
    let saved = put(&world, &owner, "/api/v1/loyalty/rules/base", rule).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    let badge = json!({"version": 0, "state": "live", "badge": {"name": "First"}});
    assert_eq!(put(&world, &owner, "/api/v1/loyalty/badges/first", badge).await.status, StatusCode::OK);
    let saved =
        put(&world, &owner, &format!("{BOARDS}/week"), json!({"version": 0, "state": "live", "leaderboard": board()}))
            .await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    world.clock.advance(Timestamp::HOUR);
    let mut members = Vec::new();
    for (number, mail) in [(1, "ann@example.com"), (2, "bea@example.com")] {
        happen(&world, &key, person(number, mail)).await;
        let id = only_person(&world, &owner, &mail[..3]).await;
        let member = post(&world, &owner, "/api/v1/loyalty/members", json!({"person_id": id})).await.json();
        members.push(member["member_id"].as_str().unwrap().to_owned());
    }
    (world, owner, key, members.try_into().unwrap())
}

fn order(number: u32, who: &str, revenue: i64) -> Value {
    let properties =
        json!({"order_id": format!("o{number}"), "subtotal": revenue, "revenue": revenue, "currency": "EUR"});
    track(&format!("m{number}"), who, "Order Completed", properties)
}

async fn own(world: &World, owner: &Browser, member: &str) -> Value {
    get(world, owner, &format!("/api/v1/loyalty/members/{member}/leaderboards")).await["rows"][0].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_members_buy_counts_at_once_and_the_first_of_the_week_wins() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key, [ann, bea]) = founded(&sink).await;
    let join = |member: &str| format!("/api/v1/loyalty/members/{member}/leaderboards/week/joined");
    happen(&world, &key, vec![order(1, "u1", 30)]).await;
    assert_eq!(own(&world, &owner, &ann).await["first"], json!([]), "nobody is on it who did not ask");
    let joined = post(&world, &owner, &join(&ann), json!({"name": " Swift  Ann "})).await;
    assert_eq!((joined.status, &joined.json()["alias"]), (StatusCode::OK, &json!("Swift Ann")), "{}", joined.text());
    assert_eq!((&joined.json()["score"], &joined.json()["place"]), (&json!(30), &json!(1)));
    assert_eq!(post(&world, &owner, &join(&bea), json!({"name": "Bea"})).await.status, StatusCode::OK);
    happen(&world, &key, vec![order(2, "u2", 80), order(3, "u1", 20)]).await;
    let seen = own(&world, &owner, &ann).await;
    assert_eq!((&seen["score"], &seen["place"], &seen["of"]), (&json!(50), &json!(2), &json!(2)), "{seen}");
    assert_eq!((&seen["first"][0]["name"], &seen["first"][1]["is_own"]), (&json!("Bea"), &json!(true)));
    // What goes back does not count.
    let back = track("m4", "u2", "Order Refunded", json!({"order_id": "o2", "refund": 60}));
    happen(&world, &key, vec![back]).await;
    let seen = own(&world, &owner, &ann).await;
    assert_eq!((&seen["place"], &seen["first"][1]["score"]), (&json!(1), &json!(20)), "{seen}");
    let list = get(&world, &owner, BOARDS).await;
    assert_eq!(list["rows"][0]["members"], 2);
    let week = list["rows"][0]["period"].as_str().unwrap().to_owned();

    world.clock.advance(8 * Timestamp::DAY);
    let (mut slice, mut turns) = (Slice::up_to(2), 0);
    while leaderboards::settle(&world.app.installation, FIRST, &mut slice).await.unwrap() {
        turns += 1;
    }
    assert!(turns > 1, "it is closed in a turn of its own: {turns}");
    settle(&world).await;
    let id = only_person(&world, &owner, "ann").await;
    let timeline = get(&world, &owner, &format!("/api/v1/customers/{id}/timeline?limit=50")).await.to_string();
    for name in ["Leaderboard Joined", "Leaderboard Won", "Badge Received"] {
        assert_eq!(timeline.matches(&format!("\"name\":\"{name}\"")).count(), 1, "{name}: {timeline}");
    }
    let member = get(&world, &owner, &format!("/api/v1/loyalty/members/{ann}")).await;
    assert_eq!(member["wallets"][0]["available"], 550, "{member}");
    let seen = own(&world, &owner, &ann).await;
    assert_eq!(
        (&seen["score"], &seen["won"][0]["points"], &seen["won"][0]["place"]),
        (&json!(0), &json!(500), &json!(1))
    );
    let ranking = get(&world, &owner, &format!("{BOARDS}/week/ranking?period={}", week.replace(' ', "%20"))).await;
    assert_eq!((&ranking["is_settled"], &ranking["members"]), (&json!(true), &json!(2)), "{ranking}");
    assert_eq!((&ranking["rows"][0]["member_id"], &ranking["rows"][0]["outcome"]), (&json!(ann), &json!("given")));
    let periods = get(&world, &owner, &format!("{BOARDS}/week/periods")).await;
    assert_eq!((&periods["rows"][0]["period"], &periods["rows"][0]["members"]), (&json!(week), &json!(2)), "{periods}");

    let pack = post(&world, &owner, &format!("/api/v1/customers/{id}/access"), json!(null)).await.json();
    assert!(pack["tables"]["loyalty_leaderboard_joins"].to_string().contains("Swift Ann"), "{pack}");
    assert_eq!(pack["tables"]["loyalty_leaderboard_winners"][0]["points"], "500");
    let erased = post(&world, &owner, &format!("/api/v1/customers/{id}/erasure"), json!({})).await;
    assert_eq!(erased.status, StatusCode::OK, "{}", erased.text());
    let ranking = get(&world, &owner, &format!("{BOARDS}/week/ranking?period={}", week.replace(' ', "%20"))).await;
    assert!(!ranking.to_string().contains("Swift"), "{ranking}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_input_changes_nothing() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, _, [ann, bea]) = founded(&sink).await;
    let at = |member: &str, what: &str| format!("/api/v1/loyalty/members/{member}/leaderboards/{what}");
    refused(
        &post(&world, &owner, &at(&ann, "none/joined"), json!({"name": "A"})).await,
        StatusCode::NOT_FOUND,
        "not_found",
    );
    refused(
        &post(&world, &owner, &at(&ann, "week/left"), json!({})).await,
        StatusCode::CONFLICT,
        "leaderboard_not_joined",
    );
    for bad in ["", "ann@example.com", "+49 151 1234567"] {
        let answer = post(&world, &owner, &at(&ann, "week/joined"), json!({"name": bad})).await;
        refused(&answer, StatusCode::UNPROCESSABLE_ENTITY, "loyalty_invalid");
    }
    let viewer = world.browser(Role::Viewer).await;
    let forbidden = post(&world, &viewer, &at(&ann, "week/joined"), json!({"name": "A"})).await;
    assert_eq!(forbidden.status, StatusCode::FORBIDDEN);
    for _ in 0..2 {
        let joined = post(&world, &owner, &at(&ann, "week/joined"), json!({"name": "A"})).await;
        assert_eq!(joined.status, StatusCode::OK, "{}", joined.text());
    }
    let taken = post(&world, &owner, &at(&bea, "week/joined"), json!({"name": "a"})).await;
    refused(&taken, StatusCode::CONFLICT, "leaderboard_name_taken");
    assert_eq!(post(&world, &owner, &at(&ann, "week/left"), json!({})).await.json()["alias"], Value::Null);

    let save = |key: &str, version: i64, state: &str, more: Value| {
        let mut form = board();
        for (name, value) in more.as_object().unwrap() {
            form[name] = value.clone();
        }
        (format!("{BOARDS}/{key}"), json!({"version": version, "state": state, "leaderboard": form}))
    };
    for (more, place) in [
        (json!({"ranks": {"kind": "challenge", "challenge": "none"}}), "ranks.challenge"),
        (json!({"prizes": [{"to_place": 1, "badge": "none"}]}), "prizes[0].badge"),
        (json!({"key": "other"}), "leaderboard.key"),
        (json!({"what": 1}), "what"),
    ] {
        let (path, body) = save("new", 0, "live", more);
        let answer = put(&world, &owner, &path, body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.text().contains(place), "{}", answer.text());
    }
    let (path, body) = save("week", 1, "live", json!({"period": {"kind": "month"}}));
    refused(&put(&world, &owner, &path, body).await, StatusCode::UNPROCESSABLE_ENTITY, "loyalty_invalid");
    let (path, body) = save("week", 0, "live", json!({}));
    refused(&put(&world, &owner, &path, body.clone()).await, StatusCode::CONFLICT, "loyalty_stale");
    assert_eq!(put(&world, &viewer, &path, body).await.status, StatusCode::FORBIDDEN);
    let (path, body) = save("week", 1, "paused", json!({}));
    assert_eq!(put(&world, &owner, &path, body).await.status, StatusCode::OK);
    let closed = post(&world, &owner, &at(&bea, "week/joined"), json!({"name": "B"})).await;
    refused(&closed, StatusCode::CONFLICT, "leaderboard_not_open");
    assert_eq!(get(&world, &owner, &format!("{BOARDS}/week/versions")).await["rows"].as_array().unwrap().len(), 2);
}
