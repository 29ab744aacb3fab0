//! The public pages without JavaScript.

use axum::http::{Method, StatusCode};
use rapport_server::auth::Role;

use crate::world::{PASSWORD, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sign_in_page_works_without_script_and_in_two_languages() {
    let world = World::new().await;
    let answer = world.get("/sign-in?next=%2Fcustomers%2F5", &[]).await;
    let html = answer.text();
    assert!(
        html.contains("<form method=\"post\" action=\"/sign-in\">") && html.contains("value=\"/customers/5\""),
        "{html}"
    );
    assert!(!html.contains("<script"));
    assert!(answer.header("content-security-policy").starts_with("default-src 'none'; style-src 'self'"));
    assert!(world.get("/sign-in", &[("accept-language", "zh-CN")]).await.text().contains("登录"));
    assert!(world.get("/public.css", &[]).await.header("content-type").starts_with("text/css"));
    let html = world.get("/sign-in?next=%22%3E%3Cscript%3E", &[]).await.text();
    assert!(!html.contains("<script"), "{html}");
    let answer = world.sign_in("\"><script>@x", "wrong password").await;
    assert!(answer.status == StatusCode::UNAUTHORIZED && !answer.text().contains("<script"), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_in_leads_where_one_was_and_never_elsewhere() {
    let world = World::new().await;
    world.user("ann@example.org", Role::Viewer).await;
    for (next, location) in
        [("%2Finsights", "/insights"), ("https%3A%2F%2Fevil.example", "/"), ("%2F%2Fevil.example", "/")]
    {
        let form = format!("email=ann%40example.org&password={}&next={next}", PASSWORD.replace(' ', "+"));
        let answer = world.request(Method::POST, "/sign-in", &[], form).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, location));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forms_of_other_sites_are_refused() {
    let world = World::new().await;
    world.user("ann@example.org", Role::Viewer).await;
    let form = format!("email=ann%40example.org&password={}", PASSWORD.replace(' ', "+"));
    for header in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
        let headers = [("host", "crm.example"), header];
        let answer = world.request(Method::POST, "/sign-in", &headers, form.clone()).await;
        assert_eq!((answer.status, answer.header("set-cookie")), (StatusCode::FORBIDDEN, ""), "{header:?}");
    }
}
