//! Webhooks of journeys: an address that cannot work is said before launch, and what is sent goes nowhere else.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::{Method, StatusCode};
use rapport_channels::outbound::names::{Found, Names};
use rapport_domain::Timestamp;
use rapport_server::auth::Role;
use rapport_store::{Queries, args, sql};
use serde_json::{Value, json};

use crate::engaging::{call, happen, settle, track};
use crate::provider::Provider;
use crate::world::{Browser, World};

/// The public address of example.org; nothing is ever sent to it here.
const PUBLIC: &str = "93.184.215.14";

/// Names as the tests have them; counts what is asked.
#[derive(Debug, Default)]
struct Book {
    asked: AtomicUsize,
    /// After so many questions about `turns.example` it leads inside; never at 0.
    turns_after: usize,
}

impl Names for Book {
    fn addresses(&self, name: &str) -> Found {
        let before = self.asked.fetch_add(1, Ordering::SeqCst);
        let found: &[&str] = match name {
            "out.example" => &[PUBLIC, "2606:2800:21f:cb07:6820:80da:af6b:8b2c"],
            "inside.example" => &["192.168.0.12"],
            "metadata.example" => &["169.254.169.254"],
            "mapped.example" => &["::ffff:127.0.0.1"],
            "both.example" => &[PUBLIC, "10.0.0.7"],
            "turns.example" if before >= self.turns_after => &["127.0.0.1"],
            "turns.example" => &[PUBLIC],
            "silent.example" => return Box::pin(std::future::pending()),
            _ => return Box::pin(async { Err(io::ErrorKind::NotFound.into()) }),
        };
        let found: Vec<IpAddr> = found.iter().map(|ip| ip.parse().unwrap()).collect();
        Box::pin(async move { Ok(found) })
    }
}

async fn world(book: &Arc<Book>, flags: &[(&'static str, &str)]) -> (World, Browser, String) {
    let names: Arc<dyn Names> = Arc::<Book>::clone(book);
    let world = World::with_names(flags, names).await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Web", None).await;
    (world, owner, key)
}

fn plan(url: &str) -> Value {
    json!({"entry": {"event": {"name": "Signed Up"}}, "start": "tell", "nodes": [
        {"id": "tell", "step": {"webhook": {"url": url, "next": null}}}]})
}

async fn check(world: &World, owner: &Browser, url: &str, look_up: bool) -> Vec<(String, String, String)> {
    let body = json!({"definition": plan(url), "look_up": look_up});
    let answer = call(world, owner, Method::POST, "/api/v1/journeys/check", body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
    let findings = answer.json()["findings"].as_array().unwrap().clone();
    findings.iter().map(|it| (text(it, "severity"), text(it, "code"), text(it, "place"))).collect()
}

async fn launched(world: &World, owner: &Browser, url: &str) -> crate::world::Answer {
    let made =
        call(world, owner, Method::POST, "/api/v1/journeys", json!({"name": "N", "definition": plan(url)})).await;
    let key = made.json()["summary"]["key"].as_str().unwrap().to_owned();
    call(world, owner, Method::POST, &format!("/api/v1/journeys/{key}/launch"), json!({})).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_cannot_work_is_said_before_launch() {
    let book = Arc::new(Book { turns_after: usize::MAX, ..Book::default() });
    let (world, owner, _) = world(&book, &[]).await;
    for (url, severity, code) in [
        ("ftp://out.example/", "error", "webhook"),
        ("https://", "error", "webhook"),
        ("https://user:secret@out.example/", "error", "webhook"),
        ("https://nobody.example/", "error", "webhook_nowhere"),
        ("https://inside.example/", "error", "webhook_private"),
        ("https://metadata.example/", "error", "webhook_private"),
        ("https://mapped.example/", "error", "webhook_private"),
        ("http://127.0.0.1/", "error", "webhook_private"),
        ("http://2130706433/", "error", "webhook_private"),
        ("http://0x7f.1/", "error", "webhook_private"),
        ("http://[::1]/", "error", "webhook_private"),
        ("http://[::ffff:10.0.0.7]/", "error", "webhook_private"),
        ("https://both.example/", "warning", "webhook_mixed"),
        ("https://silent.example/", "warning", "webhook_silent"),
        ("https://out.example/hook", "", ""),
    ] {
        let found = check(&world, &owner, url, true).await;
        // The finding names the node, so that it leads there.
        let expected: Vec<_> =
            (!code.is_empty()).then(|| (severity.to_owned(), code.to_owned(), "tell".to_owned())).into_iter().collect();
        assert_eq!(found, expected, "{url}");
        let answer = launched(&world, &owner, url).await;
        let status = if severity == "error" { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        assert_eq!(answer.status, status, "{url}: {}", answer.text());
        assert!(status == StatusCode::OK || answer.text().contains("tell: "), "{}", answer.text());
    }
    // While somebody writes nothing is looked up, and not for those who could not launch it.
    let before = book.asked.load(Ordering::SeqCst);
    assert_eq!(check(&world, &owner, "https://nobody.example/", false).await, []);
    let viewer = world.browser(Role::Viewer).await;
    let body = json!({"definition": plan("https://nobody.example/"), "look_up": true});
    let refused = call(&world, &viewer, Method::POST, "/api/v1/journeys/check", body).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(book.asked.load(Ordering::SeqCst), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_allows_private_addresses_is_told_of_names_only() {
    let book = Arc::new(Book::default());
    let (world, owner, _) = world(&book, &[("webhooks.private_addresses", "true")]).await;
    assert_eq!(check(&world, &owner, "http://127.0.0.1/", true).await, []);
    assert_eq!(check(&world, &owner, "https://both.example/", true).await, []);
    assert_eq!(check(&world, &owner, "https://nobody.example/", true).await[0].1, "webhook_nowhere");
}

/// What became of the only act: its state, and why.
async fn act(world: &World) -> (String, Option<String>) {
    let text = sql!("SELECT state, error FROM journey_acts ORDER BY id");
    world.app.installation.store.read().fetch_one(text, args![]).await.unwrap()
}

/// The name led out when the journey was launched; by the time of sending it leads into the company's own network.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_leads_inside_later_gets_nothing() {
    let provider = Provider::start(|_, _| (200, String::new())).await;
    let port = provider.url.rsplit_once(':').unwrap().1.to_owned();
    let book = Arc::new(Book { turns_after: 1, ..Book::default() });
    let (world, owner, key) = world(&book, &[]).await;
    let launched = launched(&world, &owner, &format!("http://turns.example:{port}/hook")).await;
    assert_eq!(launched.status, StatusCode::OK, "{}", launched.text());
    settle(&world).await;
    happen(&world, &key, vec![track("s1", "u1", "Signed Up", json!({}))]).await;
    assert!(book.asked.load(Ordering::SeqCst) > 1, "it was looked up again");
    assert_eq!(provider.kept().len(), 0);
    let (state, error) = act(&world).await;
    assert!(state != "done" && error.is_some(), "{state} {error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_is_not_followed() {
    let inside = Provider::start(|_, _| (200, String::new())).await;
    let target = format!("{}/inside", inside.url);
    let outside = Provider::start(move |_, _| (307, target.clone())).await;
    let book = Arc::new(Book::default());
    let (world, owner, key) = world(&book, &[("webhooks.private_addresses", "true")]).await;
    let launched = launched(&world, &owner, &format!("{}/hook", outside.url)).await;
    assert_eq!(launched.status, StatusCode::OK, "{}", launched.text());
    settle(&world).await;
    happen(&world, &key, vec![track("s1", "u1", "Signed Up", json!({}))]).await;
    assert_eq!((outside.kept().len(), inside.kept().len()), (1, 0));
    let (state, error) = act(&world).await;
    assert_eq!((state.as_str(), error.as_deref()), ("queued", Some("it answered 307")));
    // It is tried again later, at the same door.
    world.clock.advance(Timestamp::MINUTE);
    settle(&world).await;
    assert_eq!((outside.kept().len(), inside.kept().len()), (2, 0));
}
