//! Copies for the company's own people: tests of templates, and the seed list of campaigns.

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_server::auth::Role;
use serde_json::json;

use crate::engaging::{call, get, happen, launch, only_person, person, settle, track, with_template, world};
use crate::sink::{Manner, Sink};

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace("=\r\n", "").replace("=3D", "=")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_goes_to_colleagues_with_a_customers_values_and_touches_nobody() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    with_template(&world, &owner).await;
    happen(&world, &key, person(1, "ann@example.com")).await;
    let ann = only_person(&world, &owner, "ann").await;
    let path = "/api/v1/message-templates/welcome/test";
    let body = json!({"addresses": ["Me@shop.example", "me@shop.example", "you@shop.example"], "person_id": ann});
    let asked = call(&world, &owner, Method::POST, path, body).await;
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.text());
    assert_eq!(asked.json()["rows"].as_array().unwrap().len(), 2, "the same address once");
    settle(&world).await;
    let mails = sink.kept();
    assert_eq!(mails.len(), 2);
    for mail in &mails {
        let text = text_of(&mail.bytes);
        assert!(mail.recipient.ends_with("@shop.example"), "{}", mail.recipient);
        assert!(text.contains("Subject: [Test] ") && text.contains("X-Rapport-Copy: test"), "{text}");
        assert!(text.contains("Ann"), "{text}");
        // Nothing in it counts anybody, or changes something for her.
        for part in [
            "https://shop.example/c/",
            "/o/",
            "https://shop.example/unsubscribe/",
            "https://shop.example/preferences/",
            "ann@example.com",
            "List-Unsubscribe",
        ] {
            assert!(!text.contains(part), "{part}: {text}");
        }
    }
    let copies = get(&world, &owner, "/api/v1/message-copies?template=welcome").await;
    assert_eq!((&copies["rows"][0]["state"], &copies["rows"][1]["kind"]), (&json!("sent"), &json!("test")), "{copies}");
    let own = get(&world, &owner, &format!("/api/v1/customers/{ann}/messages")).await;
    assert_eq!(own["rows"], json!([]), "she got nothing");
    let line = get(&world, &owner, &format!("/api/v1/customers/{ann}/timeline")).await.to_string();
    assert!(!line.contains("Message Sent"), "{line}");
    // Who may not, and what may not be.
    let viewer = world.browser(Role::Viewer).await;
    let body = json!({"addresses": ["me@shop.example"]});
    assert_eq!(call(&world, &viewer, Method::POST, path, body.clone()).await.status, StatusCode::FORBIDDEN);
    let many: Vec<String> = (0..21).map(|number| format!("a{number}@shop.example")).collect();
    for (body, status) in [
        (json!({"addresses": []}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"addresses": many}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"addresses": ["me@shop.example\r\nBcc: all@example.com"]}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"addresses": ["me@shop.example"], "person_id": "77"}), StatusCode::NOT_FOUND),
    ] {
        let refused = call(&world, &owner, Method::POST, path, body.clone()).await;
        assert_eq!(refused.status, status, "{body}: {}", refused.text());
    }
    let nowhere = call(&world, &owner, Method::POST, "/api/v1/message-templates/none/test", body).await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
    for round in 0..10 {
        let body = json!({"addresses": (0..20).map(|n| format!("r{round}n{n}@shop.example")).collect::<Vec<_>>()});
        let asked = call(&world, &owner, Method::POST, path, body).await;
        let wanted = if round < 9 { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        assert_eq!(asked.status, wanted, "{round}: {}", asked.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_seed_list_gets_each_run_of_a_campaign_once_and_is_counted_nowhere() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    with_template(&world, &owner).await;
    let settings = |seeds: serde_json::Value| json!({"settings": {"from": {"name": "Shop", "address": "news@shop.example"}, "quiet": null, "caps": [], "seed_list": seeds}});
    let path = "/api/v1/sending/settings";
    let many: Vec<String> = (0..21).map(|number| format!("a{number}@shop.example")).collect();
    for wrong in [json!(["nobody"]), json!(many)] {
        let refused = call(&world, &owner, Method::PUT, path, settings(wrong)).await;
        assert!(refused.text().contains("seed_list"), "{}", refused.text());
    }
    let saved =
        call(&world, &owner, Method::PUT, path, settings(json!(["team@shop.example", "boss@shop.example"]))).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    for number in 0..3 {
        happen(&world, &key, person(number, &format!("p{number}@example.com"))).await;
        let order = json!({"order_id": format!("o{number}"), "revenue": 10});
        happen(&world, &key, vec![track(&format!("o{number}"), &format!("u{number}"), "Order Completed", order)]).await;
    }
    let definition = |at: &str, seed_list: bool| {
        json!({"entry": {"schedule": {"at": at, "every": "day"}}, "reentry": "after_exit", "seed_list": seed_list,
            "audience": {"performed": {"event": "Order Completed"}}, "start": "mail", "nodes": [
            {"id": "mail", "step": {"message": {"channel": "email", "template": "welcome", "next": null}}}]})
    };
    let body = json!({"name": "Sale", "kind": "campaign", "definition": definition("2026-11-21T15:00", true)});
    let campaign = launch(&world, &owner, body).await;
    let seeds = || sink.kept().iter().filter(|mail| mail.recipient.ends_with("@shop.example")).count();
    for day in 1..=2 {
        world.clock.advance(if day == 1 { 3 * Timestamp::HOUR } else { Timestamp::DAY });
        settle(&world).await;
        assert_eq!((sink.kept().len(), seeds()), (5 * day, 2 * day), "day {day}");
    }
    let mail = sink.kept().into_iter().find(|mail| mail.recipient == "team@shop.example").unwrap();
    let text = text_of(&mail.bytes);
    assert!(text.contains("Subject: [Copy] ") && text.contains("X-Rapport-Copy: seed"), "{text}");
    assert!(!text.contains("https://shop.example/c/") && !text.contains("p0@example.com"), "{text}");
    let report = get(&world, &owner, &format!("/api/v1/journeys/{campaign}/report")).await;
    assert_eq!((&report["messages"]["sent"], &report["entered"]), (&json!(6), &json!(6)), "{report}");
    let copies = get(&world, &owner, &format!("/api/v1/message-copies?journey={campaign}")).await;
    assert_eq!(copies["rows"].as_array().unwrap().len(), 4, "{copies}");
    // A campaign can do without.
    let body = json!({"name": "Quiet sale", "kind": "campaign", "definition": definition("2026-11-22T20:00", false)});
    launch(&world, &owner, body).await;
    let before = seeds();
    world.clock.advance(6 * Timestamp::HOUR);
    settle(&world).await;
    assert_eq!(seeds(), before);
}
