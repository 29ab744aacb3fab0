//! Home: whoever said that they are unhappy and was not spoken with is to be answered before anything else.

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_server::auth::Role;
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, track};
use crate::world::{Browser, World};

async fn next(world: &World, browser: &Browser) -> Vec<Value> {
    get(world, browser, "/api/v1/home").await["next"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_an_answer_comes_first_and_is_gone_once_spoken_with() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Web", None).await;
    let order = json!({"order_id": "o1", "revenue": 40, "currency": "EUR"});
    let unhappy = json!({"score": 2});
    let content = json!({"score": 9});
    let calls = vec![
        track("o1", "u1", "Order Completed", order),
        track("s1", "u1", "Survey Answered", unhappy),
        track("s2", "u2", "Survey Answered", content),
    ];
    happen(&world, &key, calls).await;
    let found = next(&world, &owner).await;
    assert_eq!(
        (&found[0]["group"], &found[0]["urgency"], &found[0]["count"], &found[0]["people_url"]),
        (&json!("follow_ups_open"), &json!("soon"), &json!(1), &json!("/feedback/follow-ups")),
        "{found:?}"
    );
    world.clock.advance(3 * Timestamp::DAY);
    // The owner's session is over by now.
    let admin = world.browser(Role::Admin).await;
    let found = next(&world, &admin).await;
    assert_eq!(
        (&found[0]["group"], &found[0]["urgency"], &found[0]["count"], &found[0]["people_url"]),
        (&json!("follow_ups_late"), &json!("risk"), &json!(1), &json!("/feedback/follow-ups?late=1")),
        "{found:?}"
    );
    let id = get(&world, &admin, "/api/v1/follow-ups").await["rows"][0]["id"].as_str().unwrap().to_owned();
    let contact = json!({"act": "contact", "channel": "phone", "text": "We talked"});
    let done = call(&world, &admin, Method::POST, &format!("/api/v1/follow-ups/{id}/act"), contact).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text());
    let found = next(&world, &admin).await;
    assert!(found.iter().all(|it| !it["group"].as_str().unwrap().starts_with("follow_ups")), "{found:?}");
}
