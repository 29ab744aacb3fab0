//! Sessions: the cookie, CSRF, idle and absolute ends, slow guessing, sign-in links.

use axum::http::{Method, StatusCode};
use rapport_domain::{Id, Timestamp};
use rapport_server::auth::Role;
use rapport_server::auth::issue::{self, Doors};
use rapport_store::Priority;

use crate::world::{Browser, PASSWORD, World};

async fn is_in(world: &World, browser: &Browser) -> bool {
    world.get("/api/v1/me", &browser.reads()).await.status == StatusCode::OK
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_in_gives_a_session_and_signing_out_ends_it() {
    let world = World::new().await;
    world.user("Ann@Example.org", Role::Owner).await;
    let answer = world.sign_in("ann@example.ORG", PASSWORD).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/"));
    let cookie = answer.header("set-cookie");
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=1209600"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "plain http could not send it back");
    let browser = Browser::of(&answer);
    let me = world.get("/api/v1/me", &browser.reads()).await.json();
    assert_eq!((me["user"]["email"].as_str(), me["user"]["role"].as_str()), (Some("Ann@Example.org"), Some("owner")));
    assert_eq!(
        (me["workspace"]["name"].as_str(), me["workspace"]["currency"].as_str()),
        (Some("My shop"), Some("EUR"))
    );
    assert_eq!(me["csrf_token"].as_str(), Some(browser.csrf_token.as_str()));

    let answer = world.request(Method::POST, "/sign-out", &browser.reads(), "csrf_token=wrong").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(is_in(&world, &browser).await, "another site cannot sign someone out");
    let form = format!("csrf_token={}", browser.csrf_token);
    let answer = world.request(Method::POST, "/sign-out", &browser.reads(), form).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/sign-in"));
    assert!(answer.header("set-cookie").contains("Max-Age=0"));
    assert!(!is_in(&world, &browser).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_need_the_csrf_token_of_their_own_session() {
    let world = World::new().await;
    let browser = world.browser(Role::Owner).await;
    let other = world.browser(Role::Admin).await;
    let change = |headers: Vec<(&'static str, String)>| {
        let world = &world;
        async move {
            let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            world.request(Method::PATCH, "/api/v1/workspace", &headers, r#"{"name":"Elsewhere"}"#).await
        }
    };
    let cookie = ("cookie", browser.cookie.clone());
    for headers in [vec![cookie.clone()], vec![cookie.clone(), ("x-csrf-token", other.csrf_token.clone())]] {
        let answer = change(headers).await;
        assert_eq!((answer.status, answer.json()["code"].as_str()), (StatusCode::FORBIDDEN, Some("csrf_token")));
    }
    let answer = change(vec![cookie, ("x-csrf-token", browser.csrf_token.clone())]).await;
    assert_eq!((answer.status, answer.json()["name"].as_str()), (StatusCode::OK, Some("Elsewhere")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_ends_when_idle_and_in_any_case_after_some_days() {
    let world = World::new().await;
    let browser = world.browser(Role::Viewer).await;
    world.clock.advance(11 * Timestamp::HOUR);
    assert!(is_in(&world, &browser).await);
    world.clock.advance(11 * Timestamp::HOUR);
    assert!(is_in(&world, &browser).await, "use keeps it alive");
    world.clock.advance(12 * Timestamp::HOUR);
    assert!(!is_in(&world, &browser).await, "idle for 12 hours");

    let answer = world.sign_in("viewer@example.org", PASSWORD).await;
    let browser = Browser::of(&answer);
    let mut hours = 0;
    while is_in(&world, &browser).await {
        world.clock.advance(6 * Timestamp::HOUR);
        hours += 6;
    }
    assert_eq!(hours, 14 * 24);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_is_slowed_down_and_tells_nothing() {
    let world = World::new().await;
    world.user("ann@example.org", Role::Owner).await;
    let unknown = world.sign_in("nobody@example.org", "wrong password").await;
    for _ in 0..10 {
        let answer = world.sign_in("ann@example.org", "wrong password").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.text().replace("ann@", "nobody@"), unknown.text(), "both look the same");
    }
    let answer = world.sign_in("ann@example.org", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "even the right one has to wait");
    world.clock.advance(15 * Timestamp::MINUTE);
    assert_eq!(world.sign_in("ann@example.org", PASSWORD).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_signs_in_once_and_leads_to_a_password() {
    let world = World::new().await;
    let store = &world.app.installation.store;
    let mut tx = store.begin(Priority::Interactive).await.unwrap();
    let workspace = rapport_server::records::workspaces::FIRST;
    let user =
        issue::user(&mut tx, Doors::of(store), workspace, "new@example.org", "New", Role::Agent, None).await.unwrap();
    let link = issue::sign_in_link(&mut tx, Doors::of(store), &user.id, 60).await.unwrap();
    let late = issue::sign_in_link(&mut tx, Doors::of(store), &Id(user.id.0.clone()), 60).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        world.sign_in("new@example.org", "").await.status,
        StatusCode::UNAUTHORIZED,
        "no password is no password"
    );

    let answer = world.get(&format!("{link}&next=/password"), &[]).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/password"));
    let first = Browser::of(&answer);
    assert!(world.get("/password", &first.reads()).await.text().contains(&first.csrf_token));
    assert_eq!(world.get(&link, &[]).await.status, StatusCode::UNAUTHORIZED, "it was used");

    let form = format!("csrf_token={}&password=short", first.csrf_token);
    let answer = world.request(Method::POST, "/password", &first.reads(), form).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let form = format!("csrf_token={}&password=my+long+password", first.csrf_token);
    let answer = world.request(Method::POST, "/password", &first.reads(), form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    assert!(is_in(&world, &Browser::of(&answer)).await);
    assert!(!is_in(&world, &first).await, "a new password ends other sessions");
    assert_eq!(world.get(&late, &[]).await.status, StatusCode::UNAUTHORIZED, "and makes old links useless");
    assert_eq!(world.sign_in("new@example.org", "my long password").await.status, StatusCode::SEE_OTHER);
}
