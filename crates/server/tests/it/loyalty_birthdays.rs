//! Points for a birthday, by both ways: a journey on the date, and a rule for an event that the shop sends. 29 February, the programme's zone, once a year.

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_server::records::workspaces::FIRST;
use rapport_server::sending::acts;
use rapport_store::{Queries, args, sql};
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, launch, person, settle, track, world};
use crate::sink::{Manner, Sink};
use crate::world::{Browser, World};

const CLUB: &str = "/api/v1/loyalty";

async fn put(world: &World, owner: &Browser, path: &str, body: Value) {
    let saved = call(world, owner, Method::PUT, &format!("{CLUB}/{path}"), body).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
}

/// A club at the other end of the world, thirteen hours ahead of UTC in February, whose points last for twelve months.
async fn founded(sink: &Sink) -> (World, Browser, String) {
    let (world, owner, key) = world(sink).await;
    let expiry = json!({"kind": "after", "count": 12, "unit": "months"});
    let program = json!({"name": "Club", "zone": "Pacific/Auckland", "currency": "EUR", "enrolment": {"by": "earning"},
        "wallets": [{"key": "points", "name": "Points", "expiry": expiry}]});
    put(&world, &owner, "program", json!({"version": 0, "program": program})).await;
    happen(&world, &key, person(1, "ann@example.com")).await;
    (world, owner, key)
}

fn set(world: &World, at: &str) {
    world.clock.set(Timestamp::parse(at).unwrap());
}

/// How many points the only member has, and when the next of them lapse.
async fn has(world: &World, owner: &Browser) -> (i64, String) {
    let members = get(world, owner, &format!("{CLUB}/members")).await;
    let wallet = &members["rows"][0]["wallets"][0];
    (wallet["available"].as_i64().unwrap_or(0), wallet["expires_at"].as_str().unwrap_or_default().to_owned())
}

/// How often the journey gave points by then, with everything that is due done.
async fn given(world: &World, at: &str) -> i64 {
    set(world, at);
    settle(world).await;
    while acts::do_due(&world.app.installation).await.unwrap() {}
    let done = sql!("SELECT COUNT(*) FROM journey_acts WHERE workspace = $1 AND state = 'done'");
    world.app.installation.store.read().scalar(done, args![FIRST]).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journey_gives_points_on_each_birthday_also_to_who_was_born_on_the_29th_of_february() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = founded(&sink).await;
    let says = |message: &str, birthday: &str| json!({"type": "identify", "userId": "u1", "messageId": message, "traits": {"birthday": birthday, "timezone": "Asia/Tokyo"}});
    happen(&world, &key, vec![says("b1", "1988-02-29")]).await;
    set(&world, "2027-02-26T12:00:00Z");
    let gives = json!({"id": "give", "step": {"act": {"action": "give_points", "with": {"points": 50}, "next": null}}});
    let definition = json!({"entry": {"date": {"fact": "trait.birthday", "yearly": true, "at": "09:00"}},
        "reentry": {"after": "300d"}, "start": "give", "nodes": [gives]});
    launch(&world, &owner, json!({"name": "Birthdays", "definition": definition})).await;

    // In a year without the day it is the 28th, in the morning where she is. The points last for twelve months of the programme's zone.
    assert_eq!(given(&world, "2027-02-27T12:00:00Z").await, 0);
    assert_eq!(given(&world, "2027-02-28T00:30:00Z").await, 1);
    assert_eq!(has(&world, &owner).await, (50, "2028-02-28T11:00:00Z".to_owned()));
    assert_eq!(given(&world, "2027-03-01T00:30:00Z").await, 1);

    // In a leap year it is the day itself. Twelve months later that is the 28th.
    assert_eq!(given(&world, "2028-02-27T12:00:00Z").await, 1);
    assert_eq!(given(&world, "2028-02-28T00:30:00Z").await, 1);
    assert_eq!(given(&world, "2028-02-29T00:30:00Z").await, 2);
    assert_eq!(has(&world, &owner).await, (50, "2029-02-28T11:00:00Z".to_owned()), "the first ones have lapsed");

    // Whoever says another day has no second birthday in the year.
    happen(&world, &key, vec![says("b2", "1988-03-05")]).await;
    assert_eq!(given(&world, "2028-03-04T12:00:00Z").await, 2);
    assert_eq!(given(&world, "2028-03-05T00:30:00Z").await, 2);
    assert_eq!(has(&world, &owner).await.0, 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_gives_points_for_one_birthday_in_each_year_of_the_programmes_zone() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = founded(&sink).await;
    let once = json!({"most": 1, "of": "times", "per": "member", "every": "year"});
    let rule =
        json!({"name": "Birthday", "event": "Birthday", "gives": {"kind": "fixed", "points": 50}, "caps": [once]});
    put(&world, &owner, "rules/birthday", json!({"version": 0, "state": "live", "rule": rule})).await;
    let told = async |at: &str, message: &str| {
        set(&world, at);
        happen(&world, &key, vec![track(message, "u1", "Birthday", json!({}))]).await;
        has(&world, &owner).await
    };
    let first = "2029-02-28T11:00:00Z".to_owned();
    assert_eq!(told("2028-02-29T00:30:00Z", "b1").await, (50, first.clone()), "twelve months after the 29th");
    assert_eq!(told("2028-02-29T00:40:00Z", "b1").await, (50, first.clone()), "told twice");
    assert_eq!(told("2028-03-05T00:30:00Z", "b2").await, (50, first.clone()), "another day in the year");
    // An hour later it is New Year in Auckland, while it is noon of the old year's last day elsewhere.
    assert_eq!(told("2028-12-31T10:30:00Z", "b3").await, (50, first.clone()));
    assert_eq!(told("2028-12-31T11:30:00Z", "b4").await, (100, first));
}
