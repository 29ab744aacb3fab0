//! Answers that mean harm, are broken on the way, or are longer than usual: what cannot be taken leaves no trace, and of what can nothing is lost.

use axum::body::{Body, Bytes};
use axum::http::{Method, StatusCode};
use futures::stream;
use rapport_domain::Timestamp;
use rapport_server::auth::Role;
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, only_person};
use crate::world::{Answer, Browser, World};

const SURVEYS: &str = "/api/v1/surveys";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A survey of two pages: a number that is needed and a choice, then two texts and a consent.
async fn opened(world: &World) -> Browser {
    let owner = world.browser(Role::Owner).await;
    let ask = |key: &str, answer: Value| json!({"key": key, "text": {"en": key}, "answer": answer});
    let long = json!({"kind": "text", "long": true});
    let choices = json!([{"key": "a", "text": {"en": "A"}}, {"key": "b", "text": {"en": "B"}}]);
    let mut nps = ask("nps", json!({"kind": "nps"}));
    nps["required"] = json!(true);
    let first = json!({"questions": [nps, ask("which", json!({"kind": "single", "choices": choices}))]});
    let second =
        json!({"questions": [ask("good", long.clone()), ask("bad", long), ask("again", json!({"kind": "consent"}))]});
    let definition = json!({"title": {"en": "Us"}, "default_language": "en", "pages": [first, second]});
    let made = json!({"key": "us", "name": "Us", "definition": definition});
    assert_eq!(call(world, &owner, Method::POST, SURVEYS, made).await.status, StatusCode::OK);
    let act = json!({"act": "open", "revision": 1});
    assert_eq!(call(world, &owner, Method::POST, &format!("{SURVEYS}/us/act"), act).await.status, StatusCode::OK);
    owner
}

fn path(url: &Value) -> String {
    let url = url.as_str().unwrap();
    url[url.find("/s/").unwrap()..].to_owned()
}

/// The link of somebody's own.
async fn invited(world: &World, owner: &Browser) -> String {
    let (key, _) = world.write_key("shop", None).await;
    happen(world, &key, vec![json!({"type": "identify", "userId": "u1", "messageId": "i1"})]).await;
    let person = only_person(world, owner, "u1").await;
    let invite = json!({"person_id": person, "channel": "letter"});
    path(&call(world, owner, Method::POST, &format!("{SURVEYS}/us/invitations"), invite).await.json()["url"])
}

async fn anybodys(world: &World, owner: &Browser) -> String {
    let link = call(world, owner, Method::POST, &format!("{SURVEYS}/us/links"), json!({"mode": "many"})).await;
    path(&link.json()["url"])
}

async fn send(world: &World, link: &str, form: impl Into<Body>) -> Answer {
    world.request(Method::POST, link, &[FORM], form).await
}

async fn responses(world: &World, owner: &Browser) -> Vec<Value> {
    get(world, owner, &format!("{SURVEYS}/us/responses")).await["rows"].as_array().unwrap().clone()
}

/// What was kept of a response, by question.
fn said(row: &Value, question: &str) -> Value {
    let all = row["answers"].as_array().unwrap();
    let own = all.iter().find(|it| it["question"] == question);
    own.map_or(Value::Null, |it| {
        ["text", "choice", "number"].into_iter().map(|field| it[field].clone()).find(|it| !it.is_null()).unwrap()
    })
}

/// A link of somebody's own of whose survey the first page is answered.
async fn begun(world: &World, owner: &Browser) -> String {
    let link = invited(world, owner).await;
    let sent = send(world, &link, "page=0&shown=nps&shown=which&q.nps=3&act=next").await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER);
    link
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_that_breaks_on_the_way_takes_nothing_along_and_comes_again() {
    let world = World::new().await;
    let owner = opened(&world).await;
    let link = begun(&world, &owner).await;
    let whole = "page=1&shown=good&shown=bad&shown=again&q.good=The+lid&q.bad=The+box&q.again=yes&act=next";
    for end in [20, 45, whole.len() - 9] {
        let part = Bytes::copy_from_slice(&whole.as_bytes()[..end]);
        let broken = stream::iter([Ok(part), Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))]);
        let answer = send(&world, &link, Body::from_stream(broken)).await;
        assert_eq!((answer.status, answer.json()["code"].clone()), (StatusCode::BAD_REQUEST, json!("body_broken")));
        let rows = responses(&world, &owner).await;
        assert_eq!((rows.len(), &rows[0]["state"]), (1, &json!("partial")));
        assert_eq!((said(&rows[0], "nps"), said(&rows[0], "good")), (json!(3), Value::Null), "{rows:?}");
    }
    // The page goes on where it was, also from another device.
    assert!(world.get(&link, &[]).await.text().contains("name=\"q.good\""));
    assert_eq!(send(&world, &link, whole).await.status, StatusCode::SEE_OTHER);
    // The answer to that did not arrive, so it is sent once more.
    assert_eq!(send(&world, &link, whole).await.status, StatusCode::SEE_OTHER);
    let rows = responses(&world, &owner).await;
    assert_eq!((rows.len(), &rows[0]["state"]), (1, &json!("completed")));
    assert_eq!(
        (said(&rows[0], "nps"), said(&rows[0], "good"), said(&rows[0], "bad")),
        (json!(3), json!("The lid"), json!("The box"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_answers_of_any_script_arrive_whole() {
    let world = World::new().await;
    let owner = opened(&world).await;
    let link = invited(&world, &owner).await;
    send(&world, &link, "page=0&shown=nps&shown=which&q.nps=9&act=next").await;
    // As a browser writes it: nine bytes a letter, more than an address may have.
    let (good, bad) = ("%E5%A5%BD".repeat(5_000), "%E5%9D%8F".repeat(5_000));
    let too_long = format!("page=1&shown=good&shown=bad&shown=again&q.good={good}&q.bad={bad}%E5%9D%8F&act=next");
    let refused = send(&world, &link, too_long).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains("Please write 5000 letters at most."));
    assert_eq!(refused.text().matches('坏').count(), 5_001, "what is too long is there to be shortened");
    let form = format!("page=1&shown=good&shown=bad&shown=again&q.good={good}&q.bad={bad}&act=next");
    assert_eq!(send(&world, &link, form).await.status, StatusCode::SEE_OTHER);
    let rows = responses(&world, &owner).await;
    assert_eq!(rows[0]["state"], "completed");
    for (question, letter) in [("good", "好"), ("bad", "坏")] {
        assert_eq!(said(&rows[0], question), json!(letter.repeat(5_000)), "{question}");
    }
    // A megabyte is more than any page may say.
    let large = format!("page=0&shown=nps&q.nps=9&q.good={}", "x".repeat(1 << 20));
    assert_eq!(send(&world, &link, large).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_what_is_refused_nothing_stays() {
    let world = World::new().await;
    let owner = opened(&world).await;
    let own = invited(&world, &owner).await;
    let open = anybodys(&world, &owner).await;
    let page = world.get(&open, &[]).await.text();
    let start = page.split("name=\"start\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    for link in [&own, &open] {
        for (form, says) in [
            ("q.nps=11", "The most is 10."),
            ("q.nps=ten", "whole number"),
            ("q.nps=%3Cscript%3Ealert(1)%3C%2Fscript%3E", "whole number"),
            ("q.nps=&q.which=", "Please answer this question."),
            ("q.which=c", "This is not one of the answers."),
            ("q.which=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E%E2%80%AE%00", "This is not one of the answers."),
        ] {
            let form = format!("page=0&start={start}&shown=nps&shown=which&{form}&act=next");
            let refused = send(&world, link, form.clone()).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{form}");
            assert!(refused.text().contains(says), "{form}: {}", refused.text());
            assert!(!refused.text().contains("<script"), "{form}: {}", refused.text());
            assert_eq!(responses(&world, &owner).await, Vec::<Value>::new(), "{form}");
        }
    }
    // What was right beside what was wrong is kept, and the page goes on with the same response.
    let half = format!("page=0&start={start}&shown=nps&shown=which&q.nps=10&q.which=c&act=next");
    let refused = send(&world, &open, half.clone()).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    send(&world, &open, half).await;
    let rows = responses(&world, &owner).await;
    assert_eq!((rows.len(), said(&rows[0], "nps"), said(&rows[0], "which")), (1, json!(10), Value::Null));
    let next = refused.text().split("action=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let sent = send(&world, &next, "page=0&shown=nps&shown=which&q.nps=10&q.which=b&act=next").await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text());
    let rows = responses(&world, &owner).await;
    assert_eq!((rows.len(), said(&rows[0], "which")), (1, json!("b")));
    // A file, by the text that browsers make of it.
    let file = "page=1&shown=good&shown=bad&shown=again&q.good=data%3Aimage%2Fpng%3Bbase64%2CiVBORw0KGgo%3D&q.again=maybe&act=next";
    let refused = send(&world, &next, file).await.text();
    assert!(refused.contains("A file cannot be an answer."), "{refused}");
    assert_eq!(said(&responses(&world, &owner).await[0], "good"), Value::Null);
    let hostile = "page=1&shown=good&shown=bad&shown=again&q.good=%3Cimg+src%3Dx+onerror%3Dalert(1)%3E%E2%80%AEgpj.exe%1B%5B31m%00&q.bad=%E2%81%A6x%E2%81%A9&act=next";
    assert_eq!(send(&world, &next, hostile).await.status, StatusCode::SEE_OTHER);
    let rows = responses(&world, &owner).await;
    assert_eq!(
        (said(&rows[0], "good"), said(&rows[0], "bad")),
        (json!("<img src=x onerror=alert(1)>gpj.exe[31m"), json!("x"))
    );
    let funnel = get(&world, &owner, &format!("{SURVEYS}/us/funnel")).await;
    assert_eq!((&funnel["invited"], &funnel["answered"]), (&json!(1), &json!(0)), "{funnel}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_sends_no_beginning_begins_for_themselves() {
    let world = World::new().await;
    let owner = opened(&world).await;
    let link = anybodys(&world, &owner).await;
    let first = send(&world, &link, "page=0&shown=nps&shown=which&q.nps=1&q.which=a&act=next").await;
    let second = send(&world, &link, "page=0&shown=nps&shown=which&q.nps=10&q.which=b&act=next").await;
    assert_ne!(first.header("location"), second.header("location"), "they are two people");
    let rows = responses(&world, &owner).await;
    let mut all: Vec<String> = rows.iter().map(|row| format!("{} {}", said(row, "nps"), said(row, "which"))).collect();
    all.sort();
    assert_eq!(all, ["1 \"a\"", "10 \"b\""]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_its_days_an_invitation_takes_nothing_and_says_so() {
    let world = World::new().await;
    let owner = opened(&world).await;
    let link = begun(&world, &owner).await;
    world.clock.advance(31 * Timestamp::DAY);
    let owner = Browser::of(&world.sign_in("owner@example.org", crate::world::PASSWORD).await);
    for answer in
        [world.get(&link, &[]).await, send(&world, &link, "page=0&shown=nps&shown=which&q.nps=9&act=next").await]
    {
        assert_eq!(answer.status, StatusCode::GONE, "{}", answer.text());
        assert!(!answer.text().contains("name=\"q.nps\""));
    }
    // What was said in time is there; a replayed link changes nothing of it.
    let rows = responses(&world, &owner).await;
    assert_eq!((rows.len(), said(&rows[0], "nps"), &rows[0]["state"]), (1, json!(3), &json!("partial")));
}
