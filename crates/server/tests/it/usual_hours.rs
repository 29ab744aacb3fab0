//! The hour at which somebody is usually there: found from what they did, told as a fact, waited for by journeys.

use rapport_domain::{PersonId, Timestamp};
use rapport_profiles::records::facts;
use rapport_server::records::workspaces::FIRST;
use rapport_server::scoring;
use serde_json::{Value, json};

use crate::engaging::{happen, launch, only_person, person, settle, track, with_template, world};
use crate::sink::{Manner, Sink};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journey_waits_for_the_hour_at_which_somebody_is_usually_there() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    with_template(&world, &owner).await;
    happen(&world, &key, person(1, "ann@example.com")).await;
    happen(&world, &key, person(2, "bob@example.com")).await;
    let zone =
        json!({"type": "identify", "userId": "u1", "messageId": "z1", "traits": {"timezone": "America/New_York"}});
    // It is noon of 21 November, UTC. Ann looks around at 20:10 in New York; once, for long, at noon. Of Bob there are only dates.
    let look = |id: String, user: &str, at: &str| {
        let mut call = track(&id, user, "Page Viewed", json!({}));
        call["timestamp"] = Value::from(at);
        call
    };
    let mut calls = vec![zone];
    for (n, day) in ["17", "18", "20"].into_iter().enumerate() {
        calls.push(look(format!("e{n}"), "u1", &format!("2026-11-{day}T01:10:07Z")));
        calls.push(look(format!("b{n}"), "u2", &format!("2026-11-{day}T00:00:00Z")));
    }
    calls.extend((0..30).map(|n| look(format!("n{n}"), "u1", &format!("2026-11-19T17:{:02}:31Z", n))));
    happen(&world, &key, calls).await;
    world.app.pipeline.settle().await.unwrap();
    assert!(scoring::refresh_standing(&world.app.installation, FIRST).await.unwrap() > 0);
    assert_eq!(scoring::refresh_standing(&world.app.installation, FIRST).await.unwrap(), 0, "nothing changed");
    let hour_of = async |search: &str| {
        let person = only_person(&world, &owner, search).await.parse().map(PersonId).unwrap();
        let mut db = world.app.installation.store.read();
        let keys = ["usual_hour".to_owned()];
        let known = facts::current_keys_of(&mut db, FIRST, &[person], &keys, world.app.now()).await.unwrap();
        known.first().map(|(.., value)| value.clone())
    };
    assert_eq!(hour_of("ann@example.com").await.as_deref(), Some("20"));
    assert_eq!(hour_of("bob@example.com").await, None, "a date is no habit");
    let definition = json!({"entry": {"event": {"name": "Signed Up"}}, "start": "wait", "nodes": [
        {"id": "wait", "step": {"wait": {"how": {"usual_hour": {"fallback": "15:00"}}, "next": "mail"}}},
        {"id": "mail", "step": {"message": {"channel": "email", "template": "welcome", "next": null}}}]});
    launch(&world, &owner, json!({"name": "Hello", "definition": definition})).await;
    happen(&world, &key, vec![track("s1", "u1", "Signed Up", json!({})), track("s2", "u2", "Signed Up", json!({}))])
        .await;
    let sent = || sink.kept().into_iter().map(|mail| mail.recipient).collect::<Vec<_>>();
    assert!(sent().is_empty());
    // 15:01 where the workspace is; 20:01 in New York is 01:01 here.
    world.clock.advance(3 * Timestamp::HOUR + Timestamp::MINUTE);
    settle(&world).await;
    assert_eq!(sent(), ["bob@example.com"]);
    world.clock.advance(9 * Timestamp::HOUR + 58 * Timestamp::MINUTE);
    settle(&world).await;
    assert_eq!(sent(), ["bob@example.com"]);
    world.clock.advance(2 * Timestamp::MINUTE);
    settle(&world).await;
    assert_eq!(sent(), ["bob@example.com", "ann@example.com"]);
}
