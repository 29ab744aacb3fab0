//! Improvements: from what customers write to what became of it.

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_server::auth::Role;
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, track};
use crate::world::{Browser, World};

fn wrote(number: usize, days_ago: i64, words: &str) -> Value {
    let at = Timestamp::parse("2026-11-21T12:00:00Z").unwrap().plus(-days_ago * Timestamp::DAY);
    json!({"type": "track", "userId": format!("u{number}"), "messageId": format!("w{number}"), "timestamp": at.to_rfc3339(),
           "event": "Product Reviewed", "properties": {"review_id": format!("r{number}"), "product_id": "lamp", "rating": 3, "review_body": words}})
}

async fn act(world: &World, who: &Browser, id: &str, body: Value) -> crate::world::Answer {
    call(world, who, Method::POST, &format!("/api/v1/improvements/{id}/act"), body).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_theme_becomes_something_that_is_changed_and_measured() {
    let world = World::new().await;
    let (owner, viewer) = (world.browser(Role::Owner).await, world.browser(Role::Viewer).await);
    let (key, _) = world.write_key("Web", None).await;
    // Before the change, 10 days ago, half of the texts are about it, and after it one of forty.
    let before =
        (0..40).map(|n| wrote(n, 12, if n % 2 == 0 { "My parcels came far too late" } else { "A bright lamp" }));
    let after = (40..80).map(|n| wrote(n, 5, if n == 40 { "The parcel was late" } else { "A fine lamp" }));
    happen(&world, &key, before.chain(after).collect()).await;
    let order = |id: &str, user: &str| {
        let mut order = track(id, user, "Order Completed", json!({"order_id": id, "revenue": 50}));
        order["timestamp"] = json!("2026-11-20T12:00:00Z");
        order
    };
    happen(&world, &key, vec![order("o1", "u0"), order("o2", "u1")]).await;

    let body = json!({"title": "Parcels in time", "phrases": ["late parcel"]});
    let path = "/api/v1/improvements";
    assert_eq!(call(&world, &viewer, Method::POST, path, body.clone()).await.status, StatusCode::FORBIDDEN);
    for (field, value) in [
        ("title", json!("")),
        ("phrases", json!([])),
        ("survey", json!("nps")),
        ("owner", json!("usr_nobody")),
        ("more", json!(1)),
    ] {
        let mut wrong = body.clone();
        wrong[field] = value.clone();
        let refused = call(&world, &owner, Method::POST, path, wrong).await;
        assert!(refused.status.is_client_error(), "{field} {value}: {}", refused.text());
    }
    let made = call(&world, &owner, Method::POST, path, body.clone()).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text());
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let effect = format!("{path}/{id}/effect");
    assert_eq!(world.get(&effect, &viewer.reads()).await.json()["code"], "not_changed");
    let decided = act(&world, &owner, &id, json!({"revision": 1, "act": "decided", "text": "Another carrier"})).await;
    assert_eq!(decided.status, StatusCode::OK, "{}", decided.text());
    assert_eq!(act(&world, &owner, &id, json!({"revision": 1, "act": "dropped"})).await.status, StatusCode::CONFLICT);
    assert_eq!(
        act(&world, &owner, &id, json!({"revision": 2, "act": "measured", "text": "x"})).await.status,
        StatusCode::CONFLICT
    );
    assert!(act(&world, &owner, &id, json!({"revision": 2, "act": "flown"})).await.status.is_client_error());
    let changed =
        json!({"revision": 2, "act": "changed", "text": "Changed the carrier", "changed_at": "2026-11-11T12:00:00Z"});
    let changed = act(&world, &owner, &id, changed).await;
    assert_eq!(
        (changed.status, &changed.json()["next"]),
        (StatusCode::OK, &json!(["measured", "decided"])),
        "{}",
        changed.text()
    );

    let read = get(&world, &viewer, &effect).await;
    assert_eq!((&read["before"]["texts"], &read["before"]["about_it"]), (&json!(40), &json!(20)), "{read}");
    assert_eq!((&read["after"]["texts"], &read["after"]["about_it"]), (&json!(40), &json!(1)));
    assert!(
        (read["share_change"]["estimate"].as_f64().unwrap() + 0.475).abs() < 1e-9
            && read["share_change"]["high"].as_f64() < Some(0.0)
    );
    assert_eq!(
        (&read["few_texts"], &read["few_people"], &read["kind"]),
        (&json!(false), &json!(true), &json!("association"))
    );
    assert_eq!((&read["affected"]["people"], &read["affected"]["spent_after"]), (&json!(20), &json!(2.5)), "{read}");
    assert_eq!((&read["others"]["people"], &read["others"]["spent_after"]), (&json!(20), &json!(2.5)));
    assert_eq!(read["score"], Value::Null);
    assert_eq!(
        world.get(&format!("{effect}?changed_at=2026-11-20T00:00:00Z"), &viewer.reads()).await.json()["code"],
        "too_soon"
    );

    let mut edited = body;
    edited["revision"] = json!(3);
    edited["title"] = json!("All parcels in time");
    let edited = call(&world, &owner, Method::PUT, &format!("{path}/{id}"), edited).await;
    assert_eq!(
        (edited.status, &edited.json()["title"]),
        (StatusCode::OK, &json!("All parcels in time")),
        "{}",
        edited.text()
    );
    let noted = act(&world, &owner, &id, json!({"revision": 4, "act": "note", "text": "Ask them"})).await;
    assert_eq!(noted.json()["log"].as_array().unwrap().len(), 5, "{}", noted.text());
    let measured = act(&world, &owner, &id, json!({"revision": 5, "act": "measured", "text": "Nearly gone"})).await;
    assert_eq!(measured.json()["conclusion"], "Nearly gone", "{}", measured.text());
    assert_eq!(get(&world, &viewer, path).await["rows"].as_array().unwrap().len(), 1);
}
