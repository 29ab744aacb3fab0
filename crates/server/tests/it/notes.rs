//! Notes from outside: written in passages, coded by hand with suggestions, linked to people who agreed, quoted by topic.

use axum::http::{Method, StatusCode};
use rapport_server::auth::Role;
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, only_person};
use crate::world::World;

const NOTES: &str = "/api/v1/notes";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interview_is_written_coded_and_quoted() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let agent = world.browser(Role::Agent).await;
    let (key, _) = world.write_key("Web", None).await;
    let identify = json!({"type": "identify", "userId": "u1", "messageId": "i1", "traits": {"name": "Ann Weber", "email": "ann@example.org"}});
    happen(&world, &key, vec![identify]).await;
    let ann = only_person(&world, &owner, "ann").await;
    let body = json!({"kind": "interview", "title": "Ann at home", "held_at": "2026-11-01T10:00:00Z", "passages": [
        {"text": "The packaging was torn, says Ann Weber (ann@example.org)", "topics": ["packaging"], "person_id": ann, "consent": "in writing, 1 November"},
        {"text": "She finds the price high\u{202e}"},
    ]});
    let written = call(&world, &agent, Method::POST, NOTES, body.clone()).await;
    assert_eq!(written.status, StatusCode::OK, "{}", written.text());
    let note = written.json();
    assert_eq!(note["passages"][0]["text"], "The packaging was torn, says [name] ([email])");
    assert_eq!(
        (&note["passages"][0]["person_name"], &note["passages"][0]["suggested"]),
        (&json!("Ann Weber"), &json!([]))
    );
    assert_eq!(
        (&note["passages"][1]["suggested"], &note["passages"][1]["person_id"]),
        (&json!(["price"]), &Value::Null)
    );
    let path = format!("{NOTES}/{}", note["id"].as_str().unwrap());
    let mut changed = body.clone();
    changed["passages"][1]["topics"] = json!(["price", "price"]);
    assert_eq!(
        call(&world, &agent, Method::PUT, &path, changed.clone()).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    changed["revision"] = json!(1);
    let saved = call(&world, &agent, Method::PUT, &path, changed.clone()).await;
    assert_eq!((&saved.json()["revision"], &saved.json()["passages"][1]["topics"]), (&json!(2), &json!(["price"])));
    assert_eq!(call(&world, &agent, Method::PUT, &path, changed).await.status, StatusCode::CONFLICT);
    // What stands below a topic is of it, too.
    let quotes = get(&world, &owner, &format!("{NOTES}/quotes?topic=delivery")).await;
    assert_eq!(
        (quotes["rows"].as_array().unwrap().len(), &quotes["rows"][0]["note"]["title"]),
        (1, &json!("Ann at home"))
    );
    assert_eq!(get(&world, &owner, NOTES).await["rows"][0]["kind"], "interview");

    for (change, word) in [
        (json!({"kind": "dream"}), "kind"),
        (json!({"title": " "}), "title"),
        (json!({"passages": [{"text": " "}]}), "passages[0].text"),
        (json!({"passages": [{"text": "x", "topics": ["nothing"]}]}), "passages[0].topics"),
        (json!({"passages": [{"text": "x", "person_id": ann}]}), "passages[0].consent"),
    ] {
        let mut wrong = body.clone();
        wrong.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let refused = call(&world, &owner, Method::POST, NOTES, wrong).await;
        assert!(refused.json()["detail"].as_str().unwrap().starts_with(word), "{word}: {}", refused.text());
    }
    let restricted =
        call(&world, &owner, Method::PUT, &format!("/api/v1/customers/{ann}/restriction"), Value::Null).await;
    assert!(restricted.status.is_success(), "{}", restricted.text());
    let refused = call(&world, &owner, Method::POST, NOTES, body.clone()).await;
    assert!(refused.text().contains("passages[0].person_id"), "{}", refused.text());
    let viewer = world.browser(Role::Viewer).await;
    assert_eq!(call(&world, &viewer, Method::POST, NOTES, body).await.status, StatusCode::FORBIDDEN);
    assert_eq!(call(&world, &agent, Method::DELETE, &path, Value::Null).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.get(&path, &owner.reads()).await.status, StatusCode::NOT_FOUND);
}
