//! Keys: made once, shown once, expiring and revocable.

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_server::auth::{Role, Scope};
use serde_json::json;

use crate::world::World;

const TRACK: &str = r#"{"userId":"u1","event":"Quiz finished"}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_key_works_until_it_is_revoked() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let answer = world.request(Method::POST, "/api/v1/sources", &owner.writes(), r#"{"name":"Web shop"}"#).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let keys = format!("/api/v1/sources/{}/keys", answer.json()["id"].as_str().unwrap());
    let made = world.request(Method::POST, &keys, &owner.writes(), "{}").await.json();
    let key = made["key"].as_str().unwrap();
    assert!(key.starts_with("rw_") && key.starts_with(made["prefix"].as_str().unwrap()));
    assert_eq!(world.collect("/v1/track", key, TRACK).await.status, StatusCode::OK);

    let listed = world.get(&keys, &owner.reads()).await;
    assert!(!listed.text().contains(key), "a key is shown once");
    let revoke = format!("/api/v1/keys/{}", made["id"].as_str().unwrap());
    assert_eq!(world.request(Method::DELETE, &revoke, &owner.writes(), "").await.status, StatusCode::NO_CONTENT);
    let answer = world.collect("/v1/track", key, TRACK).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "at once, whatever was remembered");
    assert!(world.get(&keys, &owner.reads()).await.json()["rows"][0]["revoked_at"].is_string());
    assert_eq!(
        world.request(Method::DELETE, "/api/v1/keys/wky_0", &owner.writes(), "").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(world.events(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_expire() {
    let world = World::new().await;
    let soon = world.clock_now().plus(Timestamp::HOUR);
    let (write_key, _) = world.write_key("shop", Some(soon)).await;
    let api_key = format!("Bearer {}", world.api_key(&[Scope::Read], Some(soon)).await);
    let me = async || world.get("/api/v1/me", &[("authorization", &api_key)]).await;
    assert_eq!(world.collect("/v1/track", &write_key, TRACK).await.status, StatusCode::OK);
    assert_eq!(me().await.json()["permissions"], json!(["enter", "view_reports", "view_people", "view_data"]));
    world.clock.advance(Timestamp::HOUR);
    assert_eq!(world.collect("/v1/track", &write_key, TRACK).await.json()["code"], "invalid_write_key");
    assert_eq!(me().await.json()["code"], "key_expired");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_key_may_what_its_scopes_say_and_needs_no_csrf_token() {
    let world = World::new().await;
    let admin = format!("Bearer {}", world.api_key(&[Scope::Admin], None).await);
    let headers = [("authorization", admin.as_str())];
    let answer = world.request(Method::POST, "/api/v1/sources", &headers, r#"{"name":"By key"}"#).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(world.get("/api/v1/sources", &headers).await.status, StatusCode::FORBIDDEN, "admin does not mean read");
    let request = json!({"name": "n8n", "scopes": ["read"], "expires_at": "2027-01-01T00:00:00Z"}).to_string();
    let made = world.request(Method::POST, "/api/v1/api-keys", &headers, request).await;
    assert_eq!((made.status, made.json()["scopes"].clone()), (StatusCode::CREATED, json!(["read"])));
    let key = format!("Bearer {}", made.json()["key"].as_str().unwrap());
    assert_eq!(world.get("/api/v1/sources", &[("authorization", &key)]).await.json()["rows"][0]["name"], "By key");
    let revoke = format!("/api/v1/api-keys/{}", made.json()["id"].as_str().unwrap());
    assert_eq!(world.request(Method::DELETE, &revoke, &headers, "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.get("/api/v1/sources", &[("authorization", &key)]).await.json()["code"], "key_revoked");
    for wrong in [r#"{"scopes":[]}"#, r#"{"scopes":["root"]}"#, r#"{"scopes":["read"],"expires_at":"2020-01-01"}"#] {
        let answer = world.request(Method::POST, "/api/v1/api-keys", &headers, wrong).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn using_a_key_is_noted_to_the_hour() {
    let world = World::new().await;
    let (key, source) = world.write_key("shop", None).await;
    world.collect("/v1/track", &key, TRACK).await;
    let reader = format!("Bearer {}", world.api_key(&[Scope::Read], None).await);
    let path = format!("/api/v1/sources/{source}/keys");
    let mut tries = 0;
    loop {
        let rows = world.get(&path, &[("authorization", &reader)]).await.json();
        if rows["rows"][0]["last_used_at"] == "2026-11-21T12:00:00Z" {
            break;
        }
        tries += 1;
        assert!(tries < 500, "it is noted beside the request: {rows}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
