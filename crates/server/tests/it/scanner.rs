//! A program that protects a mailbox opens every link of every mail, and every form and link of the pages behind them. It changes nothing; the mail
//! program's own button does, once.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_store::{Queries, Sql, args};
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, launch, link, only_person, person, settle, text_of, track, world};
use crate::sink::{Manner, Sink};
use crate::world::World;

const OWN: &str = "https://shop.example";
/// What such a program says that it is: a browser.
const BROWSER: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";

/// Every row of every table, as text.
async fn everything(world: &World) -> BTreeMap<String, BTreeSet<String>> {
    let store = &world.app.installation.store;
    let text = |text: String| Sql::assembled(text);
    let columns: Vec<(String, String)> = store
        .read()
        .fetch_all(
            text("SELECT s.name, c.name FROM sqlite_schema s, pragma_table_info(s.name) c WHERE s.type = 'table' ORDER BY 1, c.cid".into()),
            args![],
        )
        .await
        .unwrap();
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (table, column) in columns {
        tables.entry(table).or_default().push(column);
    }
    let mut all = BTreeMap::new();
    for (table, columns) in tables {
        let cells: Vec<String> = columns.iter().map(|column| format!("quote(\"{column}\")")).collect();
        let look = format!("SELECT {} FROM \"{table}\"", cells.join(" || ' ' || "));
        let rows: Vec<(String,)> = store.read().fetch_all(text(look), args![]).await.unwrap();
        all.insert(table, rows.into_iter().map(|(row,)| row).collect());
    }
    all
}

/// The addresses of ours in a mail or a page, as paths.
fn addresses(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let ends = |c: char| "\"'<> \r\n\t)\\".contains(c);
    for (at, _) in text.match_indices(OWN) {
        let rest = &text[at + OWN.len()..];
        found.insert(rest[..rest.find(ends).unwrap_or(rest.len())].to_owned());
    }
    for name in ["href=\"", "src=\"", "action=\""] {
        for (at, _) in text.match_indices(name) {
            let rest = &text[at + name.len()..];
            let target = &rest[..rest.find('"').unwrap_or(rest.len())];
            if target.starts_with('/') {
                found.insert(target.to_owned());
            }
        }
    }
    found.into_iter().filter(|path| path.starts_with('/')).map(|path| path.replace("&amp;", "&")).collect()
}

/// Asks for all that can be reached, as a browser would that never sends a form; what was reached.
async fn scan(world: &World, mut left: Vec<String>) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let headers = [("user-agent", BROWSER), ("accept", "text/html,image/*"), ("accept-language", "en")];
    while let Some(path) = left.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        assert!(seen.len() < 500, "it never ends");
        for method in [Method::GET, Method::HEAD] {
            let answer = world.request(method, &path, &headers, "").await;
            assert!(!answer.status.is_server_error(), "{path}: {}", answer.text());
            let location = answer.header("location").to_owned();
            left.extend(addresses(&answer.text()));
            left.extend(addresses(&format!("{location} ")));
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_opens_every_link_changes_nothing_and_one_click_leaves_once() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    let topic = json!({"names": {"en": "News"}, "descriptions": {"en": "What is new."}, "channels": ["email"], "double_opt_in": true});
    let saved = call(&world, &owner, Method::PUT, "/api/v1/privacy/topics/news", topic).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    let content = json!({"email": {"en": {"subject": "Hello", "blocks": [
        {"text": {"text": "[In a browser]({{ view_url }}). Look at [this](https://shop.example/new) and [that](https://elsewhere.example/x)."}},
        {"button": {"label": "Go", "url": "https://shop.example/go"}}]}}});
    let template = json!({"name": "Hello", "purpose": "marketing", "default_language": "en", "content": content});
    let made = call(&world, &owner, Method::POST, "/api/v1/message-templates", json!({ "template": template })).await;
    assert!(made.status.is_success(), "{}", made.text());
    let template = made.json()["summary"]["key"].as_str().unwrap().to_owned();
    let definition = json!({"entry": {"event": {"name": "Signed Up"}}, "reentry": "after_exit", "start": "say", "nodes": [
        {"id": "say", "step": {"message": {"channel": "email", "template": template, "next": null}}}]});
    launch(&world, &owner, json!({"name": "Hello", "definition": definition})).await;
    happen(&world, &key, person(1, "ann@example.com")).await;
    happen(
        &world,
        &key,
        vec![track("s1", "u1", "Signed Up", json!({})), track("n1", "u1", "Consent Granted", json!({"topic": "news"}))],
    )
    .await;
    let who = only_person(&world, &owner, "ann").await;
    let url = |found: Value| found["url"].as_str().unwrap().to_owned();
    let confirmation =
        url(get(&world, &owner, &format!("/api/v1/customers/{who}/confirmation-link?channel=email&topic=news")).await);
    let preferences = url(get(&world, &owner, &format!("/api/v1/customers/{who}/preference-link")).await);
    for act in ["act=access", "act=erasure"] {
        let path = preferences.strip_prefix(OWN).unwrap();
        let asked = world
            .request(Method::POST, path, &[("content-type", "application/x-www-form-urlencoded")], act.to_owned())
            .await;
        assert_eq!(asked.status, StatusCode::OK);
    }
    settle(&world).await;
    let mails: Vec<String> = sink.kept().iter().map(|mail| text_of(&mail.bytes)).collect();
    assert_eq!(mails.len(), 3, "a message, and two that ask whether it was her");
    let message = mails.iter().find(|mail| mail.contains("/unsubscribe/")).unwrap();
    let unsubscribe = link(message, "unsubscribe");
    let mut before = everything(&world).await;
    // The audit log is stored once a second.
    while !before["audit"].iter().any(|row| row.contains("/preference-link")) {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        before = everything(&world).await;
    }

    let mut left: Vec<String> = mails.iter().flat_map(|mail| addresses(mail)).collect();
    left.extend(addresses(&format!("{confirmation} {preferences} ")));
    let seen = scan(&world, left).await;
    for kind in ["/c/", "/o/", "/m/", "/preferences/", "/unsubscribe/", "/confirm/", "/my-data/"] {
        assert!(seen.iter().any(|path| path.starts_with(kind)), "{kind} was not reached: {seen:?}");
    }
    world.clock.advance(30 * Timestamp::SECOND);
    settle(&world).await;
    let mut after = everything(&world).await;
    let looks = after.remove("message_clicks").unwrap();
    assert!(looks.len() > 2, "that somebody looked is known: {looks:?}");
    for (table, rows) in &after {
        assert_eq!(Some(rows), before.get(table), "{table}");
    }
    assert_eq!(after.len() + 1, before.len());
    let found = get(&world, &owner, "/api/v1/messages").await;
    let row = &found["rows"][0]["message"];
    assert!(row["clicked_at"].is_null() && row["unsubscribed_at"].is_null(), "no human did anything: {row}");
    let consents = format!("/api/v1/customers/{who}/consents");
    let statements = async || get(&world, &owner, &consents).await["statements"].as_array().unwrap().len();
    assert_eq!(statements().await, 2);

    // The button of a mail program (RFC 8058): a bare POST without cookies, which is sent again when the answer is lost.
    for _ in 0..3 {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let left = world.request(Method::POST, &unsubscribe, &headers, "List-Unsubscribe=One-Click".to_owned()).await;
        assert_eq!(left.status, StatusCode::OK);
        assert!(left.header("set-cookie").is_empty() && left.header("location").is_empty());
        settle(&world).await;
    }
    assert_eq!(statements().await, 3, "she left once");
    let found = get(&world, &owner, "/api/v1/messages").await;
    assert!(found["rows"][0]["message"]["unsubscribed_at"].is_string(), "and it is known by which message: {found}");
    happen(&world, &key, vec![track("s2", "u1", "Signed Up", json!({}))]).await;
    assert_eq!(sink.kept().len(), 3, "nothing more is sent");
}
