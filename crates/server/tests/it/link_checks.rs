//! Links and pictures of templates asked for: what is there, what is not, and what is never asked.

use std::sync::Arc;
use std::sync::Mutex;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::channels::world;
use crate::engaging::call;
use crate::world::{Browser, World};
use rapport_domain::Timestamp;
use rapport_server::auth::Role;

/// A site on this machine; keeps what it was asked.
async fn site() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let keeps = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let keeps = Arc::clone(&keeps);
            tokio::spawn(async move {
                let mut bytes = vec![0; 4_096];
                let length = stream.read(&mut bytes).await.unwrap_or_default();
                let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
                let first: Vec<&str> = text.split(' ').take(2).collect();
                let [method, path] = first[..] else { return };
                keeps.lock().unwrap().push(format!("{method} {path}"));
                let (status, more, body) = answer(method, path);
                if status == 0 {
                    return;
                }
                let head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\n{more}\r\n");
                let _ = stream.write_all(head.as_bytes()).await;
                if method != "HEAD" {
                    let _ = stream.write_all(&body).await;
                }
            });
        }
    });
    (url, asked)
}

fn answer(method: &str, path: &str) -> (u16, String, Vec<u8>) {
    let page = |status: u16| (status, "content-type: text/html; charset=utf-8\r\n".to_owned(), b"<p>hello".to_vec());
    match (method, path) {
        (_, "/fine") => page(200),
        // Some servers know no HEAD.
        ("HEAD", "/no-head") => page(405),
        (_, "/no-head") => page(200),
        (_, "/moved") => (301, "location: /fine\r\n".to_owned(), Vec::new()),
        (_, "/circle") => (302, "location: /circle\r\n".to_owned(), Vec::new()),
        (_, "/closed") => page(403),
        (_, "/broken") => page(500),
        (_, "/small.png") => (200, "content-type: image/png\r\ncontent-length: 2000\r\n".to_owned(), vec![0; 2_000]),
        ("HEAD", "/large.png") => {
            (200, "content-type: image/png\r\ncontent-length: 3000000\r\n".to_owned(), Vec::new())
        }
        // Its size is known only by reading it.
        (_, "/silent.png") => (200, "content-type: image/png\r\n".to_owned(), vec![0; 300_000]),
        (_, "/page.png") => (200, "content-type: text/html\r\ncontent-length: 8\r\n".to_owned(), b"<p>hello".to_vec()),
        (_, "/cut") => (0, String::new(), Vec::new()),
        _ => page(404),
    }
}

fn template(blocks: &Value) -> Value {
    json!({"template": {"name": "T", "purpose": "service", "default_language": "en", "content": {"email": {"en": {"subject": "S", "blocks": blocks}}}}})
}

async fn check(world: &World, owner: &Browser, body: Value) -> Value {
    let answer = call(world, owner, Method::POST, "/api/v1/message-links", body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_is_found() {
    let (site, asked) = site().await;
    let (world, owner, _) = world(&[]).await;
    let link = |path: &str| json!({"button": {"label": "Go", "url": format!("{site}{path}")}});
    let picture = |path: &str| json!({"image": {"url": format!("{site}{path}"), "alt": "A"}});
    let blocks = json!([
        link("/fine"),
        link("/fine"),
        link("/no-head"),
        link("/moved"),
        link("/circle"),
        link("/gone"),
        link("/closed"),
        link("/broken"),
        link("/cut"),
        picture("/small.png"),
        picture("/large.png"),
        picture("/silent.png"),
        picture("/page.png"),
        picture("/gone.png"),
        json!({"button": {"label": "Own", "url": format!("{site}/own/{{{{ profile.city | default('x') }}}}")}}),
        json!({"button": {"label": "Nobody", "url": "http://127.0.0.1:1/"}})
    ]);
    let found = check(&world, &owner, template(&blocks)).await;
    let of = |place: &str| -> Vec<String> {
        let findings = found["findings"].as_array().unwrap().iter();
        let here = findings
            .filter(|it| it["place"].as_str().unwrap().starts_with(&format!("content.email.en.blocks[{place}]")));
        here.filter(|it| it["code"] != "not_https").map(|it| it["text"].as_str().unwrap().to_owned()).collect()
    };
    for fine in ["0", "1", "2", "3", "9", "14"] {
        assert_eq!(of(fine), Vec::<String>::new(), "{fine}: {found}");
    }
    for (place, word) in [
        ("4", "leads on and on"),
        ("5", "answers 404"),
        ("6", "answers 403"),
        ("7", "answers 500"),
        ("8", "did not answer"),
        ("10", "has 3.0 MB"),
        ("11", "has 300 kB"),
        ("12", "no picture"),
        ("13", "answers 404"),
        ("15", "Nobody is reached"),
    ] {
        let said = of(place);
        assert!(said.len() == 1 && said[0].contains(word), "{place} {word}: {said:?}");
    }
    assert!(found["findings"].to_string().contains("not_https"));
    assert_eq!(found["asked"], 14, "the same address is asked once, one with a value never");
    let before = asked.lock().unwrap().clone();
    assert_eq!(
        before.iter().filter(|it| it.as_str() == "HEAD /fine").count(),
        2,
        "once itself, once behind /moved: {before:?}"
    );
    assert!(!before.iter().any(|it| it.contains("/own/")), "{before:?}");
    // It is remembered for a while.
    check(&world, &owner, template(&blocks)).await;
    assert_eq!(asked.lock().unwrap().len(), before.len());
    world.clock.advance(2 * Timestamp::MINUTE);
    check(&world, &owner, template(&blocks)).await;
    let again = asked.lock().unwrap()[before.len()..].to_vec();
    assert!(again.iter().any(|it| it.ends_with("/gone")) && !again.iter().any(|it| it == "HEAD /fine"), "{again:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_private_address_is_never_asked_and_who_may_not_edit_asks_nothing() {
    let (site, asked) = site().await;
    let (world, owner, _) = world(&[("webhooks.private_addresses", "false")]).await;
    let blocks = json!([{"button": {"label": "Go", "url": format!("{site}/fine")}}, {"button": {"label": "Go", "url": "http://localhost/fine"}}]);
    let found = check(&world, &owner, template(&blocks)).await;
    let private = found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["code"] == "address_private" && it["severity"] == "error");
    assert_eq!(private.count(), 2, "{found}");
    assert_eq!(asked.lock().unwrap().len(), 0);
    let viewer = world.browser(Role::Viewer).await;
    let refused = call(&world, &viewer, Method::POST, "/api/v1/message-links", template(&blocks)).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let missing = call(&world, &owner, Method::POST, "/api/v1/message-links", json!({"key": "none"})).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    // A saved one, by its key.
    let made = call(&world, &owner, Method::POST, "/api/v1/message-templates", template(&blocks)).await;
    let key = made.json()["summary"]["key"].as_str().unwrap().to_owned();
    assert_eq!(check(&world, &owner, json!({ "key": key })).await["asked"], 2);
}
