//! Where members ask for a link to their page by mail: the same answer for everybody, a mail for those who are known by one address, and limits.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, link as link_in, person, settle, text_of, world};
use crate::loyalty_member_page::{FORM, earn, member, put, send};
use crate::sink::{Manner, Sink};
use crate::world::{Answer, Browser, World};

async fn founded(sink: &Sink) -> (World, Browser, String, String) {
    let (world, owner, key) = world(sink).await;
    let none = call(&world, &owner, Method::GET, "/api/v1/loyalty/page-door", Value::Null).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND, "without a programme there is none: {}", none.text());
    let program = json!({"name": "Trail club", "zone": "Europe/Berlin", "currency": "EUR", "wallets": [{"key": "points", "name": "Points"}]});
    put(&world, &owner, "/api/v1/loyalty/program", json!({"version": 0, "program": program})).await;
    world.clock.advance(Timestamp::HOUR);
    let ann = member(&world, &owner, &key, 1, "ann@example.com").await;
    earn(&world, &owner, "e1", &ann, 1234).await;
    let door = get(&world, &owner, "/api/v1/loyalty/page-door").await;
    let door = door["url"].as_str().unwrap().strip_prefix("https://shop.example").unwrap().to_owned();
    (world, owner, key, door)
}

async fn ask(world: &World, door: &str, email: &str) -> Answer {
    send(world, door, &format!("email={}", email.replace('@', "%40"))).await
}

/// Lets what was asked for be sent; to whom, and what they read.
async fn mailed(world: &World, sink: &Sink, wanted: usize) -> Vec<(String, String)> {
    for _ in 0..20 {
        settle(world).await;
        if wanted > 0 && sink.kept().len() >= wanted {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    sink.kept().iter().map(|mail| (mail.recipient.clone(), text_of(&mail.bytes))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_gets_a_link_by_mail_and_nobody_learns_who_is_one() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, _, key, door) = founded(&sink).await;
    // A customer who is no member, and a member whom somebody added an address to.
    happen(&world, &key, person(7, "carl@example.com")).await;
    let page = world.get(&door, &[]).await;
    assert!(page.status == StatusCode::OK && page.text().contains("A link to your points"), "{}", page.text());
    assert!(world.get(&format!("{door}?lang=zh"), &[]).await.text().contains("获取积分页面链接"));

    let mut answers = Vec::new();
    for email in ["nobody@example.com", "carl@example.com", "ann@example.com", " ANN@example.com "] {
        let asked = ask(&world, &door, email).await;
        assert_eq!(asked.status, StatusCode::SEE_OTHER, "{email}: {}", asked.text());
        answers.push((asked.header("location").to_owned(), asked.text()));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "one answer for all: {answers:?}");
    let told = world.get(&answers[0].0, &[]).await.text();
    assert!(told.contains("Look into your mail") && !told.contains("example.com"), "{told}");

    // One mail, though she asked twice.
    let mails = mailed(&world, &sink, 1).await;
    let again = mailed(&world, &sink, 0).await;
    assert_eq!((mails.len(), again.len()), (1, 1), "{mails:?}");
    assert_eq!(mails[0].0, "ann@example.com");
    assert!(!mails[0].1.to_lowercase().contains("list-unsubscribe"), "{}", mails[0].1);
    let path = link_in(&mails[0].1, "member");
    let own = world.get(&path, &[]).await;
    assert!(
        own.status == StatusCode::OK && own.text().contains("1,234") && own.text().contains("Trail club"),
        "{}",
        own.text()
    );
    // A link of such a mail opens this page only, and for an hour.
    world.clock.advance(Timestamp::HOUR);
    assert_eq!(world.get(&path, &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_somebody_added_opens_nothing() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, _, key, door) = founded(&sink).await;
    let more =
        json!({"type": "identify", "userId": "u1", "messageId": "m2", "traits": {"email": "mallory@example.com"}});
    happen(&world, &key, vec![more]).await;
    for email in ["mallory@example.com", "ann@example.com"] {
        assert_eq!(ask(&world, &door, email).await.status, StatusCode::SEE_OTHER);
    }
    let mails = mailed(&world, &sink, 0).await;
    assert!(mails.is_empty(), "{mails:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_door_is_not_knocked_down() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, _, _, door) = founded(&sink).await;
    let foreign = [FORM, ("sec-fetch-site", "cross-site")];
    let sent = world.request(Method::POST, &door, &foreign, "email=ann%40example.com").await;
    assert_eq!((sent.status, sent.json()["code"].as_str()), (StatusCode::FORBIDDEN, Some("foreign_form")));
    for bad in
        ["", "ann", "@", "a b@example.com", "ann@example.com%0d%0aBcc: x@example.com", "%3Cscript%3E@example.com"]
    {
        let sent = send(&world, &door, &format!("email={bad}")).await;
        assert_eq!(sent.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}: {}", sent.text());
        assert!(!sent.text().contains("<script>"), "{bad}");
    }
    let cut = &door[..door.len() - 1];
    for none in ["/member-link/x", cut] {
        assert_eq!(world.get(none, &[]).await.status, StatusCode::NOT_FOUND);
        assert_eq!(ask(&world, none, "ann@example.com").await.status, StatusCode::NOT_FOUND);
    }
    // Of one network so many an hour, whoever is asked for.
    let mut last = StatusCode::OK;
    for at in 0..12 {
        last = ask(&world, &door, &format!("n{at}@example.com")).await.status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    // Five a day to one address, however patiently somebody asks.
    for _ in 0..8 {
        world.clock.advance(Timestamp::HOUR);
        assert_eq!(ask(&world, &door, "ann@example.com").await.status, StatusCode::SEE_OTHER);
        tokio::time::sleep(Duration::from_millis(50)).await;
        settle(&world).await;
    }
    assert_eq!(mailed(&world, &sink, 0).await.len(), 5);
}
