//! Every route of the OpenAPI document: closed to strangers, and its writes to those who may only look.

use axum::http::{Method, StatusCode};
use rapport_server::auth::{Permission, Role, Scope};
use rapport_server::{api, openapi};

use crate::world::World;

/// Method, a path that fits, and the declared permission of each route.
fn routes() -> Vec<(Method, String, Permission)> {
    let document = openapi::described(api::router()).into_openapi();
    let mut routes: Vec<_> = openapi::permissions(&document)
        .into_iter()
        .map(|((method, path), permission)| {
            let parts = path.split('/').map(|part| if part.starts_with('{') { "1" } else { part });
            (method, parts.collect::<Vec<_>>().join("/"), permission)
        })
        .collect();
    routes.sort_by_key(|(method, path, _)| (path.clone(), method.to_string()));
    assert!(routes.len() >= 15, "{routes:?}");
    routes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_get_401_everywhere() {
    let world = World::new().await;
    for (method, path, _) in routes() {
        for headers in [
            vec![],
            vec![("authorization", "Bearer rk_wrong")],
            vec![("cookie", "rapport_session=wrong"), ("x-csrf-token", "wrong")],
        ] {
            let answer = world.request(method.clone(), &path, &headers, "{}").await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path} {headers:?}");
            assert_eq!(answer.header("content-type"), "application/problem+json", "{method} {path}");
            assert!(answer.json()["what_to_do"].as_str().unwrap().len() > 10);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_lacks_the_permission_gets_403_before_the_body_is_read() {
    let world = World::new().await;
    let viewer = world.browser(Role::Viewer).await;
    let read_key = format!("Bearer {}", world.api_key(&[Scope::Read], None).await);
    let mut refused = 0;
    for (method, path, permission) in routes() {
        if !Role::Viewer.allows(permission) {
            let answer = world.request(method.clone(), &path, &viewer.writes(), "no JSON").await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path}: {}", answer.text());
            assert_eq!(answer.json()["code"], "not_allowed");
            refused += 1;
        }
        if !Scope::Read.allows(permission) {
            let answer = world.request(method.clone(), &path, &[("authorization", &read_key)], "no JSON").await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path}: {}", answer.text());
        }
        let is_write = method != Method::GET && !matches!(permission, Permission::ViewReports | Permission::ViewPeople);
        assert!(!(is_write && Role::Viewer.allows(permission)), "{method} {path} lets a viewer write");
    }
    assert!(refused >= 12, "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_addresses_and_methods_are_problems_and_other_paths_the_console() {
    let world = World::new().await;
    let answer = world.get("/api/v1/nothing", &[]).await;
    assert_eq!((answer.status, answer.json()["code"].as_str()), (StatusCode::NOT_FOUND, Some("not_found")));
    let browser = world.browser(Role::Owner).await;
    let answer = world.request(Method::PUT, "/api/v1/me", &browser.writes(), "").await;
    assert_eq!((answer.status, answer.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "GET,HEAD"));
    let answer = world.get("/customers/42", &[]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.header("content-type").starts_with("text/html"));
    assert_eq!(world.get("/health", &[]).await.text(), "ok\n");
    assert_eq!(world.get("/ready", &[]).await.text(), "ready\n");
    let document = world.get("/openapi.json", &[]).await.json();
    assert!(document["paths"]["/api/v1/sources/{id}/keys"]["post"].is_object());
    assert_eq!(document, serde_json::from_str::<serde_json::Value>(&openapi::document()).unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_has_an_id_and_the_security_headers() {
    let world = World::new().await;
    for path in ["/", "/sign-in", "/api/v1/me", "/health", "/v1/nothing", "/public.css"] {
        let answer = world.get(path, &[]).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'") || path == "/", "{path}");
        assert_eq!(answer.header("x-request-id").len(), 16, "{path}");
        assert_eq!(answer.header("strict-transport-security"), "", "plain http promises no https");
    }
    let metrics = world.get("/metrics", &[]).await.text();
    assert!(metrics.contains("rapport_http_requests_total{"), "{metrics}");
    let world = World::with(&[("public_url", "https://crm.example.com")]).await;
    assert!(world.get("/health", &[]).await.header("strict-transport-security").starts_with("max-age="));
}
