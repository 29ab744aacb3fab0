//! A survey beside a page of the company's own, which says who is in front of it: proven, known by their browser alone, lied about, spared.

use axum::http::{Method, StatusCode};
use rapport_domain::{Timestamp, WorkspaceId};
use rapport_server::records::workspaces::FIRST;
use rapport_server::visitors::who;
use rapport_store::{Priority, Queries, args, sql};
use serde_json::{Value, json};

use crate::channels::{person, proof, world};
use crate::engaging::{call, get, happen, only_person, settle, track};
use crate::world::{Answer, Browser, World};

const SURVEYS: &str = "/api/v1/surveys";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const LAST: &str = "page=1&shown=improve&shown=contact&q.improve=Faster&act=next";

/// The ready survey `nps` under a key, open, with other rules of asking; the link of its panel, for which nothing is known of anybody.
async fn opened(world: &World, owner: &Browser, key: &str, asking: Value) -> String {
    let mut definition = get(world, owner, "/api/v1/survey-templates/nps").await["definition"].clone();
    definition["pages"][0]["questions"][0]["text"]["en"] =
        json!("Would you recommend us, {{ profile.first_name|default(\"friend\") }}?");
    for (name, value) in asking.as_object().unwrap() {
        definition["asking"][name] = value.clone();
    }
    let body = json!({"key": key, "name": "A survey", "definition": definition});
    let made = call(world, owner, Method::POST, SURVEYS, body).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text());
    let act = json!({"act": "open", "revision": 1});
    let done = call(world, owner, Method::POST, &format!("{SURVEYS}/{key}/act"), act).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text());
    link(world, owner, key, "widget").await
}

async fn link(world: &World, owner: &Browser, key: &str, mode: &str) -> String {
    let body = json!({"mode": mode, "touchpoint": "shop"});
    let made = call(world, owner, Method::POST, &format!("{SURVEYS}/{key}/links"), body).await.json();
    made["url"].as_str().unwrap().strip_prefix("https://shop.example").unwrap().to_owned()
}

/// What the script is answered that is beside a page with this panel.
async fn panel(world: &World, link: &str, said: Value, headers: &[(&str, &str)]) -> Answer {
    let mut body = json!({"survey": link.strip_prefix("/s/").unwrap()});
    body.as_object_mut().unwrap().extend(said.as_object().unwrap().clone());
    world.request(Method::POST, "/v1/survey-panel", headers, body.to_string()).await
}

/// Where the panel leads to; nothing where it does not open.
async fn opens(world: &World, link: &str, said: Value) -> Option<String> {
    world.clock.advance(Timestamp::SECOND);
    let answer = panel(world, link, said, &[("origin", "https://other.example")]).await;
    assert_eq!(
        (answer.status, answer.header("access-control-allow-origin")),
        (StatusCode::OK, "*"),
        "{}",
        answer.text()
    );
    assert_eq!(answer.header("cache-control"), "no-store");
    let body = answer.json();
    assert_eq!(body.as_object().unwrap().len(), 1, "why is nobody's business: {body}");
    body["url"].as_str().map(str::to_owned)
}

/// Sends a page; where it leads to.
async fn send(world: &World, path: &str, form: &str) -> String {
    let answer = world.request(Method::POST, path, &[FORM], form.to_owned()).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{form}: {}", answer.text());
    answer.header("location").to_owned()
}

async fn answer(world: &World, page: &str) {
    send(world, page, "page=0&shown=nps&q.nps=3&act=next").await;
    send(world, page, LAST).await;
}

/// What came of everybody: (state, reason, channel).
async fn fates(world: &World) -> Vec<(String, Option<String>, Option<String>)> {
    let text = sql!("SELECT state, reason, channel FROM invitations WHERE workspace = $1 ORDER BY occasioned_at, id");
    world.app.installation.store.read().fetch_all(text, args![FIRST]).await.unwrap()
}

fn fate(state: &str, reason: Option<&str>, channel: Option<&str>) -> (String, Option<String>, Option<String>) {
    (state.to_owned(), reason.map(str::to_owned), channel.map(str::to_owned))
}

fn hmac(secret: &str, user: &str) -> String {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    ring::hmac::sign(&key, user.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Ann (u1), of whom it is known what she is called, and her proof.
async fn shop() -> (World, Browser, String, Value) {
    // Months pass in these tests.
    let (world, owner, key) = world(&[("session.idle_hours", "100000"), ("session.days", "4000")]).await;
    happen(&world, &key, person(1, "email", json!({"first_name": "Ann"}))).await;
    let ann = json!({"userId": "u1", "userHash": proof(&world, &owner, "u1").await});
    (world, owner, key, ann)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_proven_is_asked_as_themselves_and_only_once() {
    let (world, owner, _, ann) = shop().await;
    let open = opened(&world, &owner, "nps", json!({"basis": "service"})).await;
    let page = opens(&world, &open, ann.clone()).await.unwrap();
    assert!(page.starts_with("/s/") && page != open && !page.contains("u1"), "{page}");
    let shown = world.get(&page, &[]).await;
    assert!(shown.header("content-security-policy").contains("frame-ancestors https: http:"));
    assert!(shown.text().contains("Would you recommend us, Ann?"), "{}", shown.text());
    // She was asked, so by itself it opens no second time; if she wants to, she goes on where she is.
    assert_eq!(opens(&world, &open, ann.clone()).await, None);
    let mut wishes = ann.clone();
    wishes["wished"] = json!(true);
    send(&world, &page, "page=0&shown=nps&q.nps=3&act=next").await;
    let again = opens(&world, &open, wishes.clone()).await.unwrap();
    assert!(
        world.get(&again, &[]).await.text().contains("Faster")
            || world.get(&again, &[]).await.text().contains("name=\"shown\" value=\"improve\"")
    );
    send(&world, &again, LAST).await;
    settle(&world).await;
    assert_eq!(
        fates(&world).await,
        [fate("invited", None, Some("widget")), fate("suppressed", Some("asked"), Some("widget"))]
    );
    // It is hers: on her profile, on her timeline, in her facts.
    let number = only_person(&world, &owner, "u1").await;
    let kept = get(&world, &owner, &format!("/api/v1/customers/{number}/responses")).await;
    let row = &kept["rows"][0];
    assert_eq!(
        (&row["state"], &row["source"], &row["channel"], &row["touchpoint"]),
        (&json!("completed"), &json!("invitation"), &json!("widget"), &json!("shop"))
    );
    let line = get(&world, &owner, &format!("/api/v1/customers/{number}/timeline")).await.to_string();
    assert_eq!(
        (line.matches("\"name\":\"Survey Answered\"").count(), line.matches("\"name\":\"Survey Sent\"").count()),
        (1, 1),
        "{line}"
    );
    // Who answered sees nothing by itself, is counted once with the reason, and is thanked again if she opens it.
    for _ in 0..3 {
        assert_eq!(opens(&world, &open, ann.clone()).await, None);
    }
    let thanks = opens(&world, &open, wishes.clone()).await.unwrap();
    assert!(world.get(&thanks, &[]).await.text().contains("Thank you for being frank"));
    assert_eq!(fates(&world).await[1..], [fate("suppressed", Some("floor"), Some("widget"))]);
    // The same form once more, by the same link and by another one of hers: nothing comes of it.
    for link in [&page, &again, &thanks] {
        send(&world, link, "page=0&shown=nps&q.nps=10&act=next").await;
    }
    assert_eq!(get(&world, &owner, &format!("{SURVEYS}/nps/responses")).await["rows"].as_array().unwrap().len(), 1);
    let funnel = get(&world, &owner, &format!("{SURVEYS}/nps/funnel")).await;
    assert_eq!(
        (&funnel["occasions"], &funnel["invited"], &funnel["opened"], &funnel["answered"], &funnel["unasked"]),
        (&json!(2), &json!(1), &json!(1), &json!(1), &json!(0)),
        "{funnel}"
    );
    // After the floor she may be asked again: it is decided anew in the row that says why she was not.
    world.clock.advance(91 * Timestamp::DAY);
    let next = opens(&world, &open, ann.clone()).await.unwrap();
    assert_eq!(fates(&world).await, [fate("invited", None, Some("widget")), fate("invited", None, Some("widget"))]);
    // A link of the panel is for one visit: a day later it shows nothing of her and takes nothing.
    world.clock.advance(Timestamp::DAY);
    let over = world.get(&next, &[]).await;
    assert_eq!(over.status, StatusCode::GONE);
    assert!(
        !over.text().contains("Ann") && over.header("content-security-policy").contains("frame-ancestors https: http:")
    );
    let late = world.request(Method::POST, &next, &[FORM], "page=0&shown=nps&q.nps=3&act=next").await;
    assert_eq!(late.status, StatusCode::GONE);
    assert_eq!(get(&world, &owner, &format!("{SURVEYS}/nps/responses")).await["rows"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_proof_is_refused_and_leaves_no_trace() {
    let (world, owner, _, ann) = shop().await;
    let open = opened(&world, &owner, "nps", json!({"basis": "service"})).await;
    let many = link(&world, &owner, "nps", "many").await;
    // Of another company on the same server.
    let second = WorkspaceId(2);
    let mut tx = world.app.installation.store.begin(Priority::Background).await.unwrap();
    let text = sql!(
        "INSERT INTO workspaces (workspace, name, time_zone, week_start, currency, locale)
         SELECT $1, name, time_zone, week_start, currency, locale FROM workspaces WHERE workspace = $2"
    );
    tx.execute(text, args![second, FIRST]).await.unwrap();
    tx.commit().await.unwrap();
    let theirs = hmac(&who::secret(&world.app.installation, second).await.unwrap(), "u1");
    let own = ann["userHash"].as_str().unwrap();
    let before = world.events();
    for said in [
        json!({"userId": "u1"}),
        json!({"userId": "u1", "userHash": ""}),
        json!({"userId": "u1", "userHash": theirs}),
        json!({"userId": "u2", "userHash": own}),
        json!({"userId": "u1", "userHash": own.chars().rev().collect::<String>(), "anonymousId": "a1", "wished": true}),
    ] {
        let refused = panel(&world, &open, said.clone(), &[]).await;
        assert_eq!(
            (refused.status, refused.json()["code"].as_str()),
            (StatusCode::FORBIDDEN, Some("proof_missing")),
            "{said}"
        );
        assert!(
            refused.json()["what_to_do"].as_str().is_some_and(|it| it.contains("HMAC-SHA256")),
            "{}",
            refused.text()
        );
    }
    // Links that are none of a panel, or none at all; one that was changed.
    let forged = format!("{}{}", &open[..open.len() - 1], if open.ends_with('A') { 'B' } else { 'A' });
    for link in [&many, &forged, "/s/", "/s/abc", "/s/é"] {
        let refused = panel(&world, link, ann.clone(), &[]).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "{link}");
    }
    let none = world.request(Method::POST, "/v1/survey-panel", &[], "[1]").await;
    assert_eq!(none.status, StatusCode::BAD_REQUEST);
    settle(&world).await;
    assert_eq!(fates(&world).await, []);
    assert_eq!(world.events(), before);
    assert_eq!(get(&world, &owner, &format!("{SURVEYS}/nps/responses")).await["rows"], json!([]));
    // A link of hers that was changed opens nothing.
    let page = opens(&world, &open, ann).await.unwrap();
    let at = page.len() / 2;
    let other = if page.as_bytes()[at] == b'A' { "B" } else { "A" };
    let forged = format!("{}{other}{}", &page[..at], &page[at + 1..]);
    assert_eq!(world.get(&forged, &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_alone_answers_as_itself_and_is_shown_nothing_that_is_known() {
    let (world, owner, key, ann) = shop().await;
    let open = opened(&world, &owner, "nps", json!({"basis": "service"})).await;
    // Whoever is nobody is asked as before.
    let signal = panel(&world, &open, ann, &[("sec-gpc", "1")]).await.json();
    assert_eq!(signal["url"], json!(open));
    for said in [json!({}), json!({"anonymousId": "new"}), json!({"userId": " ", "anonymousId": " "})] {
        assert_eq!(opens(&world, &open, said).await.as_deref(), Some(open.as_str()));
    }
    assert_eq!(fates(&world).await, []);
    // A browser of which something is known, but not whose it is.
    let zed = json!({"type": "identify", "anonymousId": "a1", "messageId": "ia", "traits": {"first_name": "Zed"}});
    happen(&world, &key, vec![zed]).await;
    let browser = json!({"anonymousId": "a1", "wished": true});
    let page = opens(&world, &open, browser.clone()).await.unwrap();
    assert_ne!(page, open);
    let shown = world.get(&page, &[]).await.text();
    assert!(shown.contains("Would you recommend us, friend?") && !shown.contains("Zed"), "{shown}");
    answer(&world, &page).await;
    settle(&world).await;
    let kept = get(&world, &owner, &format!("{SURVEYS}/nps/responses")).await;
    let row = &kept["rows"][0];
    assert_eq!((&row["source"], &row["channel"]), (&json!("widget"), &Value::Null));
    let number = row["person_id"].as_str().unwrap().to_owned();
    let line = get(&world, &owner, &format!("/api/v1/customers/{number}/timeline")).await.to_string();
    assert_eq!(
        (line.matches("\"name\":\"Survey Answered\"").count(), line.matches("\"name\":\"Survey Sent\"").count()),
        (1, 0),
        "{line}"
    );
    // They asked for it themselves, so they are not of those of whom the response rate is.
    assert_eq!(fates(&world).await, [fate("unasked", None, None)]);
    let funnel = get(&world, &owner, &format!("{SURVEYS}/nps/funnel")).await;
    assert_eq!(
        (&funnel["occasions"], &funnel["unasked"], &funnel["unasked_answered"]),
        (&json!(0), &json!(1), &json!(1)),
        "{funnel}"
    );
    // But they were heard, and are not asked for it now.
    assert_eq!(opens(&world, &open, json!({"anonymousId": "a1"})).await, None);
    assert_eq!(fates(&world).await[1], fate("suppressed", Some("floor"), Some("widget")));
    // Once it is known whose it is, the browser's id opens nothing of theirs any more.
    let named = json!({"type": "identify", "userId": "u9", "anonymousId": "a1", "messageId": "iz"});
    happen(&world, &key, vec![named]).await;
    assert_eq!(opens(&world, &open, browser).await.as_deref(), Some(open.as_str()));
    assert!(!world.get(&page, &[]).await.text().contains("Zed"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rules_of_asking_hold_beside_a_page_too() {
    let (world, owner, key, ann) = shop().await;
    let open = opened(&world, &owner, "first", json!({"kind": "touchpoint", "valid_days": 1})).await;
    let other = opened(&world, &owner, "second", json!({"kind": "research", "basis": "service"})).await;
    let nobody = opened(&world, &owner, "none", json!({"kind": "exit", "sample_percent": 0.01})).await;
    let segment = json!({"key": "buyers", "name": "Buyers", "condition": {"performed": {"event": "Order Completed"}}});
    assert!(call(&world, &owner, Method::POST, "/api/v1/segments", segment).await.status.is_success());
    settle(&world).await;
    let buyers =
        opened(&world, &owner, "buyers", json!({"kind": "exit", "when": {"entered": {"segment": "buyers"}}})).await;
    let last = async || fates(&world).await.pop();
    let spared = |reason: &str| Some(fate("suppressed", Some(reason), Some("widget")));
    // All sending is paused: messages wait, a page does not.
    let paused = json!({"settings": {"from": {"name": "Shop", "address": "news@shop.example"}, "paused": true}});
    let done = call(&world, &owner, Method::PUT, "/api/v1/sending/settings", paused).await;
    assert_eq!((done.status, &done.json()["settings"]["paused"]), (StatusCode::OK, &json!(true)), "{}", done.text());
    // Two pages at once: one of them asks.
    let (one, two) = tokio::join!(opens(&world, &open, ann.clone()), opens(&world, &open, ann.clone()));
    assert_eq!(one.is_some() as u8 + two.is_some() as u8, 1, "{one:?} {two:?}");
    // Any other survey waits, but not for who wants to say something.
    assert_eq!((opens(&world, &other, ann.clone()).await, last().await), (None, spared("quarantine")));
    let mut wishes = ann.clone();
    wishes["wished"] = json!(true);
    let page = opens(&world, &other, wishes.clone()).await.unwrap();
    assert!(world.get(&page, &[]).await.text().contains("Would you recommend us, Ann?"));
    // Of nobody: counted as not of the sample. For buyers: of others there is no line at all.
    assert_eq!(
        (opens(&world, &nobody, ann.clone()).await, last().await),
        (None, Some(fate("sampled_out", None, Some("widget"))))
    );
    let lines = fates(&world).await.len();
    assert_eq!(opens(&world, &buyers, ann.clone()).await, None);
    assert_eq!(fates(&world).await.len(), lines);
    happen(&world, &key, vec![track("o1", "u1", "Order Completed", json!({"order_id": "o1", "revenue": 10}))]).await;
    // Who is in trouble, or refused, is left alone.
    let trait_ = |id: &str, tickets: i64| json!({"type": "identify", "userId": "u1", "messageId": id, "traits": {"open_tickets": tickets}});
    world.clock.advance(40 * Timestamp::DAY);
    happen(&world, &key, vec![trait_("t1", 1)]).await;
    assert_eq!((opens(&world, &other, ann.clone()).await, last().await), (None, spared("trouble")));
    let denied = |id: &str, purpose: &str| {
        track(id, "u1", "Consent Denied", json!({"channel": "in_app", "purpose": purpose, "method": "form"}))
    };
    happen(&world, &key, vec![trait_("t2", 0), denied("d1", "service")]).await;
    assert_eq!((opens(&world, &other, ann.clone()).await, last().await), (None, spared("no_consent")));
    // What is restricted is not used: she is nobody then.
    let number = only_person(&world, &owner, "u1").await;
    let restrict = format!("/api/v1/customers/{number}/restriction");
    let done = call(&world, &owner, Method::PUT, &restrict, Value::Null).await;
    assert!(done.status.is_success(), "{}", done.text());
    assert_eq!((opens(&world, &other, ann.clone()).await, last().await), (None, spared("restricted")));
    assert_eq!(opens(&world, &other, wishes.clone()).await.as_deref(), Some(other.as_str()));
    // A survey that takes no answers opens for nobody by itself, and says so to who opens it.
    let act = json!({"act": "pause", "revision": 2});
    let done = call(&world, &owner, Method::POST, &format!("{SURVEYS}/second/act"), act).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text());
    assert_eq!(opens(&world, &other, ann).await, None);
    let shut = opens(&world, &other, wishes).await.unwrap();
    assert_eq!(world.get(&shut, &[]).await.status, StatusCode::GONE);
}
