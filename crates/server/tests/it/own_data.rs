//! Whoever asks to see or to delete their data proves by a mail that the address is theirs; nobody else gets anything.

use axum::http::{Method, StatusCode};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rapport_domain::{Timestamp, WorkspaceId};
use rapport_server::records::audit::{self, Filter, Kind};
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, link, only_person, person, settle, text_of, track, world};
use crate::sink::{Act, Manner, Sink};
use crate::world::{Answer, Browser, World};

const ANN: &str = "ann@example.com";

/// The page of somebody's choices, without the address of the server.
async fn preferences(world: &World, owner: &Browser, person: &str) -> String {
    let link = get(world, owner, &format!("/api/v1/customers/{person}/preference-link")).await;
    format!("/{}", link["url"].as_str().unwrap().splitn(4, '/').nth(3).unwrap())
}

async fn form(world: &World, path: &str, text: &str, language: &str) -> Answer {
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("accept-language", language)];
    world.request(Method::POST, path, &headers, text.to_owned()).await
}

async fn open_requests(world: &World, owner: &Browser) -> Vec<Value> {
    let rows = get(world, owner, "/api/v1/privacy/requests").await;
    let rows = rows["rows"].as_array().unwrap().clone();
    rows.into_iter().filter(|row| row["finished_at"].is_null()).collect()
}

/// Ann, whom we know by one address, and a mail server.
async fn ann(script: &[(&'static str, Act)]) -> (Sink, World, Browser, String, String) {
    let sink = Sink::start(Manner::default(), script).await;
    let (world, owner, key) = world(&sink).await;
    happen(&world, &key, person(1, ANN)).await;
    happen(&world, &key, vec![track("r1", "u1", "Product Reviewed", json!({"text": "Zebrafish love it"}))]).await;
    let who = only_person(&world, &owner, "ann").await;
    let path = preferences(&world, &owner, &who).await;
    (sink, world, owner, key, path)
}

/// Recipients and texts. A text in Chinese comes in base64.
fn mailed(sink: &Sink) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| {
        let plain = String::from_utf8_lossy(bytes).into_owned();
        match plain.split_once("Content-Transfer-Encoding: base64\r\n\r\n") {
            Some((_, body)) => {
                let letters: String = body.chars().filter(|c| !c.is_whitespace()).collect();
                String::from_utf8(BASE64_STANDARD.decode(letters).unwrap()).unwrap()
            }
            None => text_of(bytes),
        }
    };
    sink.kept().iter().map(|mail| (mail.recipient.clone(), text(&mail.bytes))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_the_mail_sees_what_is_kept_of_them() {
    let (sink, world, owner, _, path) = ann(&[]).await;
    let asked = form(&world, &path, "act=access", "en").await;
    assert!(asked.text().contains("We have sent you a mail"), "{}", asked.text());
    assert!(!asked.text().contains("Zebrafish"));
    settle(&world).await;
    let mails = mailed(&sink);
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].0, ANN);
    assert!(!mails[0].1.to_lowercase().contains("list-unsubscribe"), "nobody unsubscribes from what they asked for");
    let mine = link(&mails[0].1, "my-data");
    // A program that follows links changes nothing, and sees nothing of her.
    for method in [Method::GET, Method::HEAD] {
        let looked = world.request(method, &mine, &[], "").await;
        assert_eq!(looked.status, StatusCode::OK);
        assert!(!looked.text().contains(ANN) && !looked.text().contains("Zebrafish"), "{}", looked.text());
        assert_eq!(looked.header("cache-control"), "no-store");
    }
    let open = open_requests(&world, &owner).await;
    assert_eq!((open.len(), &open[0]["report"]["mailed"]), (1, &json!(true)));
    let shown = form(&world, &mine, "", "en").await;
    assert_eq!(shown.status, StatusCode::OK);
    assert!(shown.text().contains(ANN) && shown.text().contains("Zebrafish"), "{}", shown.text());
    assert!(!shown.text().contains("<script"), "it works without one");
    let file = form(&world, &mine, "form=json", "en").await;
    assert_eq!(file.header("content-type"), "application/json");
    assert!(file.header("content-disposition").contains("your-data.json"));
    assert!(file.json()["tables"]["identifiers"].is_array());
    assert_eq!(open_requests(&world, &owner).await, Vec::<Value>::new(), "it is answered");
    let rows = get(&world, &owner, "/api/v1/privacy/requests").await;
    assert_eq!(rows["rows"][0]["report"]["proved_by"], "mail");
    // Once: whoever finds the mail later sees nothing.
    world.clock.advance(16 * Timestamp::MINUTE);
    assert_eq!(world.get(&mine, &[]).await.status, StatusCode::NOT_FOUND);
    let again = form(&world, &mine, "form=json", "en").await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    assert!(!again.text().contains("Zebrafish"));
    let (folder, store) = world.close().await;
    // Found among the rights of customers, and among what left; it is no signing in.
    for (kind, count) in [(None, 2), (Some(Kind::Rights), 2), (Some(Kind::Exports), 2), (Some(Kind::SignIns), 0)] {
        let filter = Filter { kind, ..Filter::default() };
        let notes = audit::page(&mut store.read(), WorkspaceId(1), &filter, None, 100).await.unwrap();
        let own = notes.iter().filter(|row| row.action == "POST /my-data (access)" && row.actor == "person");
        assert_eq!(own.count(), count, "{kind:?}");
    }
    drop(folder);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_flooded_and_a_link_ends() {
    let (sink, world, _, _, path) = ann(&[]).await;
    for _ in 0..3 {
        form(&world, &path, "act=access", "en").await;
        settle(&world).await;
    }
    assert_eq!(mailed(&sink).len(), 1, "one is under way");
    for _ in 0..4 {
        world.clock.advance(11 * Timestamp::MINUTE);
        form(&world, &path, "act=erasure", "en").await;
        settle(&world).await;
    }
    assert_eq!(mailed(&sink).len(), 3, "so many a day");
    let mine = link(&mailed(&sink)[2].1, "my-data");
    world.clock.advance(3 * Timestamp::HOUR);
    assert_eq!(world.get(&mine, &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(form(&world, &mine, "sure=yes", "en").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_the_mail_can_be_forgotten() {
    let (sink, world, owner, key, path) = ann(&[]).await;
    let who = only_person(&world, &owner, "ann").await;
    let asked = form(&world, &path, "act=erasure", "zh-CN").await;
    assert!(asked.text().contains("已向您发送一封含有链接的邮件"), "{}", asked.text());
    form(&world, &path, "act=access", "en").await;
    settle(&world).await;
    let mails = mailed(&sink);
    assert_eq!(mails.len(), 2);
    let links: Vec<String> = mails.iter().map(|(_, mail)| link(mail, "my-data")).collect();
    let mut erasure = None;
    for link in &links {
        let page = world.get(link, &[]).await.text();
        if page.contains("永久删除") {
            erasure = Some(link.clone());
        }
    }
    let erasure = erasure.expect("in the language in which she asked");
    // Not by accident.
    for unsure in ["", "sure=no"] {
        let page = form(&world, &erasure, unsure, "en").await;
        assert!(page.text().contains("请勾选此框"), "{}", page.text());
    }
    assert_eq!(world.get(&format!("/api/v1/customers/{who}"), &owner.reads()).await.status, StatusCode::OK);
    for _ in 0..2 {
        let done = form(&world, &erasure, "sure=yes", "en").await;
        assert_eq!(done.status, StatusCode::OK);
        assert!(done.text().contains("您的数据已删除"), "{}", done.text());
    }
    assert_eq!(world.get(&format!("/api/v1/customers/{who}"), &owner.reads()).await.status, StatusCode::NOT_FOUND);
    assert_eq!(open_requests(&world, &owner).await.len(), 0);
    let rows = get(&world, &owner, "/api/v1/privacy/requests").await;
    let erased: Vec<&Value> =
        rows["rows"].as_array().unwrap().iter().filter(|row| row["report"]["events"].is_number()).collect();
    assert_eq!(erased.len(), 1, "once: {rows}");
    assert_eq!(erased[0]["actor"], "person");
    // The other links of hers lead nowhere, and she does not come back by what is sent again.
    for link in links.iter().filter(|link| **link != erasure) {
        assert_eq!(form(&world, link, "", "en").await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(form(&world, &path, "act=access", "en").await.status, StatusCode::NOT_FOUND);
    happen(&world, &key, vec![track("late", "u1", "Page Viewed", json!({}))]).await;
    assert_eq!(get(&world, &owner, "/api/v1/customers").await["rows"], json!([]));
    world.clock.advance(4 * Timestamp::HOUR);
    assert_eq!(world.get(&erasure, &[]).await.status, StatusCode::NOT_FOUND);
}

/// Whoever has a site's key can say that they are somebody, with an address of their own. That shows them nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_only_claims_to_be_somebody_gets_nothing() {
    let (sink, world, owner, key, path) = ann(&[]).await;
    form(&world, &path, "act=access", "en").await;
    settle(&world).await;
    let before = link(&mailed(&sink)[0].1, "my-data");
    let claimed =
        json!({"type": "identify", "userId": "u1", "messageId": "claim", "traits": {"email": "mallory@example.com"}});
    happen(&world, &key, vec![claimed]).await;
    world.clock.advance(11 * Timestamp::MINUTE);
    let who = only_person(&world, &owner, "mallory").await;
    let path = preferences(&world, &owner, &who).await;
    for act in ["act=access", "act=erasure"] {
        let asked = form(&world, &path, act, "en").await;
        assert!(asked.text().contains("Somebody will check that it is you"), "{}", asked.text());
    }
    settle(&world).await;
    assert_eq!(mailed(&sink).len(), 1, "nothing goes to either address");
    assert_eq!(form(&world, &before, "", "en").await.status, StatusCode::NOT_FOUND, "it is not hers alone any more");
    assert!(open_requests(&world, &owner).await.iter().all(|row| row["report"]["mailed"] == false));
    // What was claimed is taken back: the link shows what is hers.
    let identity = get(&world, &owner, &format!("/api/v1/customers/{who}/identity")).await;
    for row in identity["evidence"].as_array().unwrap() {
        if row.to_string().contains("m•") || row.to_string().contains("mallory") {
            let path = format!("/api/v1/identity/evidence/{}/undo", row["id"].as_str().unwrap());
            let undone = call(&world, &owner, Method::POST, &path, json!({"reason": "a false claim"})).await;
            assert_eq!(undone.status, StatusCode::OK, "{}", undone.text());
        }
    }
    let shown = form(&world, &before, "form=json", "en").await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.text());
    assert!(shown.text().contains(ANN) && !shown.json()["tables"]["identifiers"].to_string().contains("mallory"));
    // Other texts are no links, and her other links are not this one.
    for text in ["x", &path["/preferences/".len()..], &before["/my-data/".len()..before.len() - 1]] {
        for method in [Method::GET, Method::POST] {
            let nothing = world.request(method, &format!("/my-data/{text}"), &[], "sure=yes").await;
            assert_eq!(nothing.status, StatusCode::NOT_FOUND, "{text}");
        }
    }
}

/// A request goes with whoever asked when they turn out to be one with somebody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_follows_who_asked() {
    let world = World::new().await;
    let owner = world.browser(rapport_server::auth::Role::Owner).await;
    let (key, _) = world.write_key("Web", None).await;
    let seen = json!({"type": "track", "anonymousId": "d1", "event": "Page Viewed", "messageId": "p1"});
    happen(&world, &key, vec![seen]).await;
    world.clock.advance(Timestamp::SECOND);
    happen(&world, &key, person(1, ANN)).await;
    let path = preferences(&world, &owner, &only_person(&world, &owner, "ann").await).await;
    form(&world, &path, "act=access", "en").await;
    let joined = json!({"type": "identify", "userId": "u1", "anonymousId": "d1", "messageId": "j1", "traits": {}});
    happen(&world, &key, vec![joined]).await;
    let who = only_person(&world, &owner, "ann").await;
    let open = open_requests(&world, &owner).await;
    assert_eq!((open.len(), &open[0]["person_id"]), (1, &json!(who)));
    let done = call(&world, &owner, Method::POST, &format!("/api/v1/customers/{who}/access"), json!(null)).await;
    assert_eq!(done.status, StatusCode::OK);
    assert_eq!(open_requests(&world, &owner).await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_mailed_is_answered_by_the_company() {
    let world = World::new().await;
    let owner = world.browser(rapport_server::auth::Role::Owner).await;
    let (key, _) = world.write_key("Web", None).await;
    happen(&world, &key, person(1, ANN)).await;
    let who = only_person(&world, &owner, "ann").await;
    let path = preferences(&world, &owner, &who).await;
    for _ in 0..2 {
        let asked = form(&world, &path, "act=access", "en").await;
        assert!(asked.text().contains("Somebody will check that it is you"), "{}", asked.text());
    }
    let open = open_requests(&world, &owner).await;
    assert_eq!((open.len(), &open[0]["report"]["mailed"]), (1, &json!(false)), "no mail server is set up");
    // An address that does not exist: that is learned once.
    let (sink, world, owner, _, path) = ann(&[("ann", Act::Say("RCPT", "550 5.1.1 No such user"))]).await;
    form(&world, &path, "act=access", "en").await;
    settle(&world).await;
    world.clock.advance(Timestamp::HOUR);
    settle(&world).await;
    assert_eq!(sink.kept().len(), 0);
    let asked = form(&world, &path, "act=access", "en").await;
    assert!(asked.text().contains("Somebody will check that it is you"), "{}", asked.text());
    assert_eq!(open_requests(&world, &owner).await.len(), 1);
    // A server that is away for a moment.
    let (sink, world, _, _, path) = ann(&[("ann", Act::Say("RCPT", "452 4.2.2 Mailbox full"))]).await;
    let tries = || sink.commands().iter().filter(|command| command.starts_with("RCPT")).count();
    form(&world, &path, "act=access", "en").await;
    settle(&world).await;
    assert_eq!(tries(), 1);
    world.clock.advance(2 * Timestamp::MINUTE);
    settle(&world).await;
    assert_eq!(tries(), 2, "it is tried again");
    world.clock.advance(4 * Timestamp::HOUR);
    settle(&world).await;
    assert_eq!(tries(), 2, "a link that would not work is not sent");
}
