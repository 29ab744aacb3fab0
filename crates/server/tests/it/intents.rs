//! Intents from outside: named and shown by examples, learnt from, asked for.

use axum::http::{Method, StatusCode};
use rapport_server::auth::Role;
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, track};
use crate::world::World;

const INTENTS: &str = "/api/v1/intents";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_texts_want_is_learnt_from_examples() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let guess = async |text: &str| {
        call(&world, &owner, Method::POST, &format!("{INTENTS}/guess"), json!({ "text": text })).await.json()
    };
    assert_eq!(guess("Where is my order?").await, json!({"rows": []}), "nothing was learnt");
    let orders = [
        "Where is my order?",
        "When does my parcel come?",
        "My order has not arrived",
        "Track my parcel, ann@example.org",
        "Has the parcel been sent?",
    ];
    let refunds = [
        "I want my money back",
        "Please refund me",
        "When is the refund paid?",
        "Give me my money back",
        "Refund the payment",
    ];
    let put = async |key: &str, examples: Value| {
        call(&world, &owner, Method::PUT, &format!("{INTENTS}/{key}"), json!({ "examples": examples })).await
    };
    let saved = put("where_is_it", json!(orders)).await;
    assert_eq!(saved.json()["examples"][3], "Track my parcel, [email]", "{}", saved.text());
    assert_eq!(put("refund", json!(refunds)).await.status, StatusCode::OK);
    assert_eq!(guess("has my parcel arrived").await["rows"][0]["intent"], "where_is_it");
    assert_eq!(guess("refund my money").await["rows"][0]["intent"], "refund");
    let list = get(&world, &owner, INTENTS).await;
    assert_eq!((list["rows"].as_array().unwrap().len(), &list["rows"][0]["examples"]), (2, &json!(5)));
    let (key, _) = world.write_key("Web", None).await;
    happen(&world, &key, vec![track("1", "u1", "Ticket Opened", json!({"text": "Refund me, please"}))]).await;
    let text = get(&world, &owner, "/api/v1/texts").await["rows"][0]["event_id"].as_str().unwrap().to_owned();
    assert_eq!(get(&world, &owner, &format!("/api/v1/texts/{text}/intents")).await["rows"][0]["intent"], "refund");
    // What is changed is learnt at once.
    call(&world, &owner, Method::DELETE, &format!("{INTENTS}/refund"), Value::Null).await;
    assert_eq!(guess("refund my money").await, json!({"rows": []}));

    for (name, examples) in
        [("Bad key", json!(["x"])), ("empty", json!([])), ("blank", json!([" "])), ("long", json!(["x".repeat(1_001)]))]
    {
        let refused = put(&name.replace(' ', "%20"), examples).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}: {}", refused.text());
    }
    let agent = world.browser(Role::Agent).await;
    let refused = call(&world, &agent, Method::PUT, &format!("{INTENTS}/x"), json!({"examples": ["y"]})).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(world.get(&format!("{INTENTS}/refund"), &owner.reads()).await.status, StatusCode::NOT_FOUND);
}
