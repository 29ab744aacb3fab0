//! Double opt-in by mail: who asks gets one mail and one reminder, confirms by a POST, and nobody is written to who is not to be.

use axum::http::{Method, StatusCode};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rapport_domain::Timestamp;
use rapport_server::auth::Role;
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, link, only_person, settle, text_of, track, world};
use crate::sink::{Act, Manner, Sink};
use crate::world::{Answer, Browser, World};

async fn topics(world: &World, owner: &Browser, keys: &[&str]) {
    for key in keys {
        let body = json!({"names": {"en": format!("Our {key}")}, "descriptions": {}, "channels": ["email"], "double_opt_in": true});
        let saved = call(world, owner, Method::PUT, &format!("/api/v1/privacy/topics/{key}"), body).await;
        assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    }
}

fn named(name: &str) -> Value {
    json!({"type": "identify", "userId": name, "messageId": format!("i-{name}"), "traits": {"email": format!("{name}@example.com")}})
}

/// They ask for a topic.
fn asks(id: &str, name: &str, topic: &str) -> Value {
    track(id, name, "Consent Granted", json!({"topic": topic, "method": "form"}))
}

/// What went to somebody. A text in Chinese comes in base64.
fn mails(sink: &Sink, name: &str) -> Vec<String> {
    let text = |bytes: &[u8]| {
        let plain = String::from_utf8_lossy(bytes).into_owned();
        match plain.split_once("Content-Transfer-Encoding: base64\r\n\r\n") {
            Some((_, body)) => {
                let letters: String = body.chars().filter(|c| !c.is_whitespace()).collect();
                String::from_utf8(BASE64_STANDARD.decode(letters).unwrap()).unwrap()
            }
            None => text_of(bytes),
        }
    };
    let to = format!("{name}@example.com");
    sink.kept().iter().filter(|mail| mail.recipient == to).map(|mail| text(&mail.bytes)).collect()
}

async fn standing(world: &World, owner: &Browser, name: &str, topic: &str) -> String {
    let person = only_person(world, owner, name).await;
    let found = get(world, owner, &format!("/api/v1/customers/{person}/consents")).await;
    let rows = found["standings"].as_array().unwrap();
    let row = rows.iter().find(|row| row["topic"] == topic && row["channel"] == "email").unwrap();
    row["verdict"].as_str().unwrap().to_owned()
}

async fn post(world: &World, path: &str, text: &str) -> Answer {
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let answer = world.request(Method::POST, path, &headers, text.to_owned()).await;
    settle(world).await;
    answer
}

async fn days(world: &World, count: i64) {
    for _ in 0..count {
        world.clock.advance(Timestamp::DAY);
        settle(world).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_gets_one_mail_and_one_reminder_and_confirms_by_a_post() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    topics(&world, &owner, &["news"]).await;
    happen(&world, &key, vec![named("ann"), asks("a1", "ann", "news")]).await;
    let first = mails(&sink, "ann");
    assert_eq!(first.len(), 1);
    assert!(first[0].contains("Our news") && first[0].contains("If it was not you"), "{}", first[0]);
    assert!(first[0].contains("news@shop.example"), "{}", first[0]);
    // Neither looking confirms it, nor brings asking again at once a second mail.
    let path = link(&first[0], "confirm");
    for method in [Method::GET, Method::HEAD] {
        assert_eq!(world.request(method, &path, &[], "").await.status, StatusCode::OK);
    }
    happen(&world, &key, vec![asks("a2", "ann", "news")]).await;
    assert_eq!((mails(&sink, "ann").len(), standing(&world, &owner, "ann", "news").await.as_str()), (1, "pending"));
    // Staff ask again no sooner than a day later; only of what waits.
    let person = only_person(&world, &owner, "ann").await;
    let again = format!("/api/v1/customers/{person}/confirmation-mail");
    let ask = async |topic: &str| call(&world, &owner, Method::POST, &again, json!({"topic": topic})).await.status;
    assert_eq!(ask("news").await, StatusCode::CONFLICT);
    assert_eq!(ask("offers").await, StatusCode::UNPROCESSABLE_ENTITY);
    let viewer = world.browser(Role::Viewer).await;
    let refused = call(&world, &viewer, Method::POST, &again, json!({"topic": "news"})).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let shown = get(&world, &owner, &format!("/api/v1/customers/{person}/consents")).await["confirmations"].clone();
    assert_eq!((&shown[0]["topic"], &shown[0]["mails"]), (&json!("news"), &json!(1)), "{shown}");
    days(&world, 2).await;
    assert_eq!(mails(&sink, "ann").len(), 1);
    days(&world, 1).await;
    let both = mails(&sink, "ann");
    assert_eq!(both.len(), 2);
    // Both are on the timeline, and say what they were about.
    let line = get(&world, &owner, &format!("/api/v1/customers/{person}/timeline?kind=consent")).await;
    let asked: Vec<&Value> =
        line["rows"].as_array().unwrap().iter().filter(|row| row["name"] == "Confirmation Asked").collect();
    let about = |at: usize| (&asked[at]["properties"]["topics"], &asked[at]["properties"]["is_reminder"]);
    assert_eq!((asked.len(), about(0), about(1)), (2, (&json!("news"), &json!(true)), (&json!("news"), &json!(false))));
    assert!(both[1].contains("Reminder") && both[1].contains("Some days ago"), "{}", both[1]);
    days(&world, 8).await;
    assert_eq!(mails(&sink, "ann").len(), 2, "one reminder, and never another");
    assert_eq!(ask("news").await, StatusCode::ACCEPTED);
    settle(&world).await;
    assert_eq!(mails(&sink, "ann").len(), 3);
    assert_eq!(post(&world, &path, "").await.status, StatusCode::OK);
    assert_eq!(standing(&world, &owner, "ann", "news").await, "granted");
    days(&world, 4).await;
    assert_eq!(mails(&sink, "ann").len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_confirmed_or_taken_back_is_not_reminded_of_and_what_is_old_is_not_confirmed() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    topics(&world, &owner, &["news"]).await;
    let calls = ["ann", "bob", "cy"].map(|name| [named(name), asks(&format!("a-{name}"), name, "news")]).concat();
    happen(&world, &key, calls).await;
    assert_eq!(post(&world, &link(&mails(&sink, "ann")[0], "confirm"), "").await.status, StatusCode::OK);
    happen(&world, &key, vec![track("w", "bob", "Consent Withdrawn", json!({"topic": "news"}))]).await;
    days(&world, 5).await;
    assert_eq!(["ann", "bob", "cy"].map(|name| mails(&sink, name).len()), [1, 1, 2]);
    days(&world, 26).await;
    // Too late; asked for again it works, by the same link.
    let path = link(&mails(&sink, "cy")[0], "confirm");
    assert_eq!(post(&world, &path, "").await.status, StatusCode::NOT_FOUND);
    assert_eq!(standing(&world, &owner, "cy", "news").await, "pending");
    happen(&world, &key, vec![asks("again", "cy", "news")]).await;
    assert_eq!(mails(&sink, "cy").len(), 3);
    assert_eq!(post(&world, &path, "").await.status, StatusCode::OK);
    assert_eq!(standing(&world, &owner, "cy", "news").await, "granted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_written_to_who_is_not_to_be() {
    let script = [("gone", Act::Say("RCPT", "550 5.1.1 No such user")), ("late", Act::Say("RCPT", "452 4.2.2 Later"))];
    let sink = Sink::start(Manner::default(), &script).await;
    let (world, owner, key) = world(&sink).await;
    topics(&world, &owner, &["news", "offers", "events"]).await;
    // What is told of long ago, and what has no address.
    let mut old = asks("old", "old", "news");
    old["timestamp"] = json!(world.clock_now().plus(-5 * Timestamp::DAY).to_rfc3339());
    happen(&world, &key, vec![named("old"), old, asks("none", "nobody", "news")]).await;
    assert_eq!(sink.kept().len(), 0);
    // An address that is dead, before it or by it.
    happen(&world, &key, vec![named("gone"), asks("g1", "gone", "news")]).await;
    happen(&world, &key, vec![asks("g2", "gone", "offers")]).await;
    days(&world, 5).await;
    let dead = get(&world, &owner, "/api/v1/sending/health").await["dead"].clone();
    assert_eq!(dead, json!([{"channel": "email", "reason": "bounced", "addresses": 1}]));
    assert_eq!(sink.kept().len(), 0);
    // Somebody types in another's address for all there is: what waits goes together, and no more than two mails a day.
    happen(&world, &key, vec![named("bob"), asks("b1", "bob", "news"), asks("b2", "bob", "offers")]).await;
    let first = mails(&sink, "bob");
    assert_eq!(first.len(), 1);
    assert!(first[0].contains("Our news") && first[0].contains("Our offers"), "{}", first[0]);
    world.clock.advance(Timestamp::MINUTE);
    happen(&world, &key, vec![asks("b3", "bob", "events")]).await;
    topics(&world, &owner, &["more"]).await;
    world.clock.advance(Timestamp::MINUTE);
    happen(&world, &key, vec![asks("b4", "bob", "more")]).await;
    assert_eq!(mails(&sink, "bob").len(), 2);
    days(&world, 2).await;
    assert_eq!(mails(&sink, "bob").len(), 3, "the next day it is asked");
    // Restricted, or switched off.
    happen(&world, &key, vec![named("cy"), named("dora")]).await;
    let cy = only_person(&world, &owner, "cy").await;
    let path = format!("/api/v1/customers/{cy}/restriction");
    assert_eq!(call(&world, &owner, Method::PUT, &path, json!({})).await.status, StatusCode::OK);
    happen(&world, &key, vec![asks("c1", "cy", "news")]).await;
    let mut settings = get(&world, &owner, "/api/v1/sending/settings").await["settings"].clone();
    assert_eq!(settings["confirmation_mails"], true);
    settings["confirmation_mails"] = json!(false);
    let saved = call(&world, &owner, Method::PUT, "/api/v1/sending/settings", json!({"settings": settings})).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    happen(&world, &key, vec![asks("d1", "dora", "news")]).await;
    days(&world, 1).await;
    assert_eq!(["cy", "dora"].map(|name| mails(&sink, name).len()), [0, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_preference_centre_asks_in_the_persons_language() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    topics(&world, &owner, &["news"]).await;
    happen(&world, &key, vec![named("ann")]).await;
    let person = only_person(&world, &owner, "ann").await;
    let url = get(&world, &owner, &format!("/api/v1/customers/{person}/preference-link")).await;
    let path = format!("/{}", url["url"].as_str().unwrap().splitn(4, '/').nth(3).unwrap());
    post(&world, &path, "act=save&choice=email%3Anews&language=zh").await;
    let all = mails(&sink, "ann");
    assert_eq!(all.len(), 1);
    assert!(all[0].contains("您确认后才会开始"), "{}", all[0]);
    let page = world.get(&path, &[]).await.text();
    assert!(!page.contains("checked"), "{page}");
    assert_eq!(post(&world, &link(&all[0], "confirm"), "").await.status, StatusCode::OK);
    assert!(world.get(&path, &[]).await.text().contains("checked"));
}
