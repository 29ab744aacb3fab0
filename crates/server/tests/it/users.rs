//! Users: inviting, roles that nobody oversteps, and the last owner.

use axum::http::{Method, StatusCode};
use rapport_server::auth::Role;
use serde_json::json;

use crate::world::{Browser, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invited_user_signs_in_by_link_until_disabled() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let invitation = json!({"email": "new@example.org", "name": "New", "role": "analyst"}).to_string();
    let mut headers = owner.writes().to_vec();
    headers.push(("host", "crm.test"));
    let answer = world.request(Method::POST, "/api/v1/users", &headers, invitation.clone()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let user = answer.json();
    let link = user["sign_in_link"].as_str().unwrap().strip_prefix("http://crm.test").unwrap();
    let entered = Browser::of(&world.get(link, &[]).await);
    assert_eq!(world.get("/api/v1/me", &entered.reads()).await.json()["user"]["role"], "analyst");

    let answer = world.request(Method::POST, "/api/v1/users", &owner.writes(), invitation).await;
    assert_eq!((answer.status, answer.json()["code"].as_str()), (StatusCode::CONFLICT, Some("email_taken")));
    let path = format!("/api/v1/users/{}", user["id"].as_str().unwrap());
    let answer = world.request(Method::PATCH, &path, &owner.writes(), r#"{"disabled":true}"#).await;
    assert_eq!(answer.json()["disabled"], true);
    assert_eq!(world.get("/api/v1/me", &entered.reads()).await.status, StatusCode::UNAUTHORIZED);
    let rows = world.get("/api/v1/users", &owner.reads()).await.json()["rows"].as_array().unwrap().len();
    assert_eq!(rows, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_oversteps_their_role() {
    let world = World::new().await;
    let owner_id = world.user("first@example.org", Role::Owner).await;
    let admin = world.browser(Role::Admin).await;
    let as_owner = json!({"email": "x@example.org", "name": "X", "role": "owner"}).to_string();
    let answer = world.request(Method::POST, "/api/v1/users", &admin.writes(), as_owner).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "an admin makes no owner");
    let path = format!("/api/v1/users/{owner_id}");
    for change in [r#"{"disabled":true}"#, r#"{"role":"viewer"}"#] {
        let answer = world.request(Method::PATCH, &path, &admin.writes(), change).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "and unmakes none");
    }
    let answer = world.request(Method::POST, &format!("{path}/sign-in-link"), &admin.writes(), "").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "nor enters as one");

    let owner = world.sign_in("first@example.org", crate::world::PASSWORD).await;
    let owner = Browser::of(&owner);
    let answer = world.request(Method::PATCH, &path, &owner.writes(), r#"{"role":"admin"}"#).await;
    assert_eq!((answer.status, answer.json()["code"].as_str()), (StatusCode::CONFLICT, Some("last_owner")));
    assert_eq!(world.get("/api/v1/me", &owner.reads()).await.json()["user"]["role"], "owner", "nothing was changed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_workspace_takes_only_what_it_can_count_by() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let change = json!({"time_zone": "Europe/Berlin", "week_start": "sunday", "currency": "usd", "locale": "de"});
    let answer = world.request(Method::PATCH, "/api/v1/workspace", &owner.writes(), change.to_string()).await;
    assert_eq!(answer.json()["currency"], "USD");
    for (field, value) in
        [("time_zone", "Mars/Olympus"), ("week_start", "friday"), ("currency", "Euro"), ("locale", "x"), ("name", " ")]
    {
        let body = json!({field: value}).to_string();
        let answer = world.request(Method::PATCH, "/api/v1/workspace", &owner.writes(), body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
        assert!(answer.json()["detail"].as_str().unwrap().starts_with(field), "{}", answer.text());
    }
    let answer = world.request(Method::PATCH, "/api/v1/workspace", &owner.writes(), r#"{"nam":"x"}"#).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(world.get("/api/v1/me", &owner.reads()).await.json()["workspace"]["time_zone"], "Europe/Berlin");
}
