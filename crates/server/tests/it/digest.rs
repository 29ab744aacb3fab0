//! What customers said in a week, as a mail: looked at before, switched on, sent once to each, without anybody's name.

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_server::auth::Role;
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, track, world};
use crate::sink::{Manner, Sink};
use crate::world::{Browser, World};

const PATH: &str = "/api/v1/feedback-digest";

async fn put(world: &World, who: &Browser, body: Value) -> crate::world::Answer {
    call(world, who, Method::PUT, PATH, body).await
}

async fn said(world: &World, key: &str) {
    let named = json!({"type": "identify", "userId": "u0", "messageId": "i0", "traits": {"name": "Annabel Schmidt", "email": "annabel@example.org"}});
    let late = (0..12).map(|n| {
        let words = format!("Call +49 170 123456{n} as my parcel came far too late <b>now</b>");
        track(
            &format!("r{n}"),
            &format!("u{n}"),
            "Product Reviewed",
            json!({"review_id": format!("r{n}"), "product_id": "lamp", "rating": 1, "review_body": words}),
        )
    });
    // Before, nobody wrote of parcels.
    let before = (20..60).map(|n| {
        let about = json!({"review_id": format!("r{n}"), "product_id": "lamp", "rating": 5, "review_body": "A bright lamp, and the switch feels right"});
        let mut review = track(&format!("r{n}"), &format!("u{n}"), "Product Reviewed", about);
        review["timestamp"] = json!("2026-11-10T12:00:00Z");
        review
    });
    happen(world, key, std::iter::once(named).chain(late).chain(before).collect()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_week_is_looked_at_and_sent_once_to_whom_wants_it() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    let viewer = world.browser(Role::Viewer).await;
    let quiet = get(&world, &viewer, &format!("{PATH}/preview")).await;
    assert!(quiet["text"].as_str().unwrap().contains("Nobody said anything"), "{quiet}");
    said(&world, &key).await;
    let seen = get(&world, &viewer, &format!("{PATH}/preview")).await;
    let (html, text) = (seen["html"].as_str().unwrap(), seen["text"].as_str().unwrap());
    assert!(text.contains("New reviews: 12") && text.contains("Opened this week: 12"), "{text}");
    assert!(text.contains("parcel") && text.contains("[phone]"), "{text}");
    for private in ["Annabel", "annabel@", "123456", "<b>now"] {
        assert!(!html.contains(private), "{private}: {html}");
    }
    assert!(html.contains("https://shop.example/feedback") && !html.contains("<script"), "{html}");

    let settings = get(&world, &viewer, PATH).await;
    assert_eq!((&settings["enabled"], &settings["next_at"]), (&json!(false), &Value::Null));
    assert_eq!(put(&world, &viewer, json!({"revision": 0, "enabled": true})).await.status, StatusCode::FORBIDDEN);
    for body in [
        json!({"revision": 0, "enabled": true, "weekday": 7}),
        json!({"revision": 0, "enabled": true, "hour": 24}),
        json!({"revision": 0, "enabled": true, "users": ["usr_nobody"]}),
        json!({"revision": 3, "enabled": true}),
        json!({"revision": 0, "enabled": true, "more": 1}),
    ] {
        let refused = put(&world, &owner, body.clone()).await;
        assert!(refused.status.is_client_error(), "{body}: {}", refused.text());
    }
    // One click. It is a Saturday; the first goes out on Monday at eight.
    let on = put(&world, &owner, json!({"revision": 0, "enabled": true})).await;
    assert_eq!((on.status, &on.json()["next_at"]), (StatusCode::OK, &json!("2026-11-23T08:00:00Z")), "{}", on.text());
    let before = sink.kept().len();
    happen(&world, &key, vec![]).await;
    assert_eq!(sink.kept().len(), before);
    world.clock.set(Timestamp::parse("2026-11-23T08:00:01Z").unwrap());
    happen(&world, &key, vec![]).await;
    happen(&world, &key, vec![]).await;
    let mails = sink.kept();
    assert_eq!(mails.len(), before + 1, "once");
    let mail = String::from_utf8_lossy(&mails[before].bytes);
    assert!(mail.contains("2026-11-16") && mail.contains("text/html"), "{mail}");
    // And in the next week again; not any more when it is off.
    world.clock.set(Timestamp::parse("2026-11-30T09:00:00Z").unwrap());
    happen(&world, &key, vec![]).await;
    assert_eq!(sink.kept().len(), before + 2);
    assert_eq!(put(&world, &owner, json!({"revision": 1, "enabled": false})).await.status, StatusCode::OK);
    world.clock.set(Timestamp::parse("2026-12-07T09:00:00Z").unwrap());
    happen(&world, &key, vec![]).await;
    assert_eq!(sink.kept().len(), before + 2);
}
