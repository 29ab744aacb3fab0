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
    // A text is put right where it is read: an example from then on, as it is shown, until that is taken back.
    let agent = world.browser(Role::Agent).await;
    let of_text = format!("/api/v1/texts/{text}/intents");
    let right = async |intent: Value| call(&world, &agent, Method::POST, &of_text, json!({ "intent": intent })).await;
    let said = right(json!("where_is_it")).await;
    assert_eq!((said.status, &said.json()["by_hand"]), (StatusCode::OK, &json!("where_is_it")), "{}", said.text());
    let examples = get(&world, &owner, &format!("{INTENTS}/where_is_it")).await;
    assert_eq!(examples["examples"][5], "Refund me, please");
    assert_eq!(right(json!("refund")).await.json()["by_hand"], "refund");
    assert_eq!(get(&world, &owner, &format!("{INTENTS}/where_is_it")).await["examples"].as_array().unwrap().len(), 5);
    assert_eq!(right(Value::Null).await.json()["by_hand"], Value::Null);
    put("alone", json!(["Refund me, please"])).await;
    for intent in [json!("nothing"), json!("refund"), Value::Null] {
        assert_eq!(right(intent.clone()).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{intent}");
    }
    call(&world, &owner, Method::DELETE, &format!("{INTENTS}/alone"), Value::Null).await;
    let viewer = world.browser(Role::Viewer).await;
    let refused = call(&world, &viewer, Method::POST, &of_text, json!({"intent": "refund"})).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    // What is changed is learnt at once.
    call(&world, &owner, Method::DELETE, &format!("{INTENTS}/refund"), Value::Null).await;
    assert_eq!(guess("refund my money").await, json!({"rows": []}));

    for (name, examples) in
        [("Bad key", json!(["x"])), ("empty", json!([])), ("blank", json!([" "])), ("long", json!(["x".repeat(1_001)]))]
    {
        let refused = put(&name.replace(' ', "%20"), examples).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}: {}", refused.text());
    }
    let refused = call(&world, &agent, Method::PUT, &format!("{INTENTS}/x"), json!({"examples": ["y"]})).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(world.get(&format!("{INTENTS}/refund"), &owner.reads()).await.status, StatusCode::NOT_FOUND);
}
