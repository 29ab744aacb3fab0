//! Journeys, campaigns and messages, from the API to a mail server and back.

use axum::http::{Method, StatusCode};
use rapport_domain::{PersonId, Timestamp};
use rapport_server::auth::Role;
use rapport_server::records::workspaces::FIRST;
use rapport_server::{engaging, keeper, sending, surveying};
use rapport_store::testing::TestDatabase;
use rapport_store::{Queries, args, sql};
use serde_json::{Value, json};

use crate::sink::{Act, Manner, Sink};
use crate::world::{Answer, Browser, World};

/// A world with a mail server, whose workspace has a sender and no quiet hours.
pub async fn world(sink: &Sink) -> (World, Browser, String) {
    world_with(sink, &[]).await
}

/// The same with more settings.
pub async fn world_with(sink: &Sink, more: &[(&'static str, &str)]) -> (World, Browser, String) {
    made(sink, more, None).await
}

/// A world with a mail server over a product database that a test has.
pub async fn world_over(sink: &Sink, database: &TestDatabase) -> (World, Browser, String) {
    made(sink, &[], Some(database)).await
}

async fn made(sink: &Sink, more: &[(&'static str, &str)], database: Option<&TestDatabase>) -> (World, Browser, String) {
    let port = sink.port.to_string();
    let mut flags = vec![
        ("mail.host", "127.0.0.1"),
        ("mail.port", port.as_str()),
        ("mail.security", "plain"),
        ("public_url", "https://shop.example"),
        // Days pass in these tests.
        ("session.idle_hours", "100000"),
        ("session.days", "4000"),
    ];
    flags.extend_from_slice(more);
    let world = match database {
        Some(database) => World::over_with(database, &flags).await,
        None => World::with(&flags).await,
    };
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Web", None).await;
    let settings =
        json!({"settings": {"from": {"name": "Shop", "address": "news@shop.example"}, "quiet": null, "caps": []}});
    let saved = call(&world, &owner, Method::PUT, "/api/v1/sending/settings", settings).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    let letterhead =
        json!({"name": "Shop", "address": "1 Street, Town", "url": "https://shop.example", "logo_url": ""});
    let saved = call(&world, &owner, Method::PUT, "/api/v1/letterhead", letterhead).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    (world, owner, key)
}

pub async fn call(world: &World, browser: &Browser, method: Method, path: &str, body: Value) -> Answer {
    let [cookie, token] = browser.writes();
    let headers = [cookie, token, ("content-type", "application/json")];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    world.request(method, path, &headers, body).await
}

pub async fn get(world: &World, browser: &Browser, path: &str) -> Value {
    let answer = world.get(path, &browser.reads()).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    answer.json()
}

/// Sends events, and lets everything happen that follows from them now.
pub async fn happen(world: &World, key: &str, calls: Vec<Value>) {
    if !calls.is_empty() {
        let answer = world.collect("/v1/batch", key, json!({ "batch": calls }).to_string()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    }
    settle(world).await;
}

/// Lets everything happen that is due.
pub async fn settle(world: &World) {
    let app = &world.app;
    for _ in 0..20 {
        app.pipeline.drain().await.unwrap();
        keeper::fill_workspace(&app.installation, FIRST).await.unwrap();
        while app.installation.memberships.wake(FIRST, || None).await.unwrap() {}
        let mut did = engaging::look(&app.installation, app.pipeline.observed(), true).await.unwrap();
        did |= surveying::look(&app.installation, &app.sender.ways).await.unwrap();
        did |= sending::look(&app.sender, true).await.unwrap();
        if !did {
            return;
        }
    }
    panic!("it never comes to rest");
}

pub fn person(number: u32, email: &str) -> Vec<Value> {
    let user = format!("u{number}");
    vec![
        json!({"type": "identify", "userId": user, "messageId": format!("i{number}"), "traits": {"email": email, "firstName": "Ann"}}),
        json!({"type": "track", "userId": user, "messageId": format!("c{number}"), "event": "Consent Granted", "properties": {"channel": "email", "method": "form"}}),
    ]
}

pub fn track(id: &str, user: &str, event: &str, properties: Value) -> Value {
    json!({"type": "track", "userId": user, "messageId": id, "event": event, "properties": properties})
}

pub async fn launch(world: &World, owner: &Browser, body: Value) -> String {
    let made = call(world, owner, Method::POST, "/api/v1/journeys", body).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text());
    let key = made.json()["summary"]["key"].as_str().unwrap().to_owned();
    let launched = call(world, owner, Method::POST, &format!("/api/v1/journeys/{key}/launch"), json!({})).await;
    assert_eq!(launched.status, StatusCode::OK, "{}", launched.text());
    settle(world).await;
    let page = get(world, owner, &format!("/api/v1/journeys/{key}")).await;
    assert_eq!(page["summary"]["state"], "live", "{page}");
    key
}

pub fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace("=\r\n", "").replace("=3D", "=")
}

/// The first link of ours of a kind in a mail.
pub fn link(mail: &str, kind: &str) -> String {
    let begin = mail.find(&format!("https://shop.example/{kind}/")).unwrap_or_else(|| panic!("no {kind}: {mail}"));
    let rest = &mail[begin + "https://shop.example".len()..];
    rest[..rest.find(|c: char| "\"'<> \r\n)".contains(c)).unwrap_or(rest.len())].to_owned()
}

pub async fn only_person(world: &World, owner: &Browser, search: &str) -> String {
    let rows = get(world, owner, &format!("/api/v1/customers?search={search}")).await;
    rows["rows"][0]["person_id"].as_str().unwrap_or_else(|| panic!("{rows}")).to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abandoned_cart_is_written_about_once_and_an_order_ends_it() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    let journey = launch(&world, &owner, json!({"ready": "abandoned_cart"})).await;
    happen(&world, &key, person(1, "ann@example.com")).await;
    happen(&world, &key, person(2, "bob@example.com")).await;
    let checkout = |id: &str, user: &str| {
        track(
            id,
            user,
            "Checkout Started",
            json!({"order_id": "o-1", "value": 20, "products": [{"name": "Mug", "price": 20}]}),
        )
    };
    happen(&world, &key, vec![checkout("k1", "u1"), checkout("k2", "u2")]).await;
    assert!(sink.kept().is_empty(), "an hour is waited");
    world.clock.advance(30 * Timestamp::MINUTE);
    happen(&world, &key, vec![track("b1", "u2", "Order Completed", json!({"order_id": "o-2", "revenue": 20}))]).await;
    world.clock.advance(31 * Timestamp::MINUTE);
    settle(&world).await;
    let report = get(&world, &owner, &format!("/api/v1/journeys/{journey}/report")).await;
    // One of ten is held out; whoever it is, the other one is written to.
    let (entered, held) = (report["entered"].as_i64().unwrap(), report["held_out"].as_i64().unwrap());
    assert_eq!(entered + held, 2, "{report}");
    let mails = sink.kept();
    let to: Vec<&str> = mails.iter().map(|mail| mail.recipient.as_str()).collect();
    if held == 0 {
        assert_eq!(to, ["ann@example.com"], "{report}");
        assert_eq!(report["ends"], json!([{"why": "goal", "people": 1}]));
    }
    // Long after it: the second word, and never a third.
    for _ in 0..5 {
        world.clock.advance(Timestamp::DAY);
        settle(&world).await;
    }
    let count = sink.kept().len();
    assert!(count <= 2, "{count}");
    let names: Vec<String> = sink.kept().iter().map(|mail| text_of(&mail.bytes)).collect();
    let ids: std::collections::BTreeSet<&str> =
        names.iter().filter_map(|text| text.lines().find(|line| line.starts_with("Message-ID:"))).collect();
    assert_eq!(ids.len(), count, "each has a name of its own");
}

/// A journey without a holdout, of one mail.
pub fn one_mail(entry: Value, more: Value) -> Value {
    let mut definition = json!({"entry": entry, "start": "mail", "nodes": [
        {"id": "mail", "step": {"message": {"channel": "email", "template": "welcome", "next": null}}}]});
    for (name, value) in more.as_object().unwrap() {
        definition[name] = value.clone();
    }
    definition
}

pub async fn with_template(world: &World, owner: &Browser) {
    // A ready journey brings its templates along; this one stays a draft.
    let made = call(world, owner, Method::POST, "/api/v1/journeys", json!({"ready": "welcome"})).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_can_be_clicked_unsubscribed_and_explained() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    with_template(&world, &owner).await;
    let signed_up = json!({"event": {"name": "Signed Up"}});
    let definition = one_mail(signed_up, json!({"reentry": "after_exit"}));
    let journey = launch(&world, &owner, json!({"name": "Hello", "definition": definition})).await;
    happen(&world, &key, person(1, "ann@example.com")).await;
    // Somebody who agreed to nothing.
    let bob = json!({"type": "identify", "userId": "u2", "messageId": "i2", "traits": {"email": "bob@example.com"}});
    happen(
        &world,
        &key,
        vec![bob, track("s1", "u1", "Signed Up", json!({})), track("s2", "u2", "Signed Up", json!({}))],
    )
    .await;
    let mails = sink.kept();
    assert_eq!(mails.len(), 1, "only Ann agreed");
    let mail = text_of(&mails[0].bytes);
    assert_eq!(mails[0].recipient, "ann@example.com");
    assert!(mail.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"), "{mail}");
    assert!(mail.contains("Ann"), "{mail}");

    let ann = only_person(&world, &owner, "ann").await;
    let bob = only_person(&world, &owner, "bob").await;
    let why = get(&world, &owner, &format!("/api/v1/customers/{bob}/journeys/{journey}")).await;
    assert_eq!(why["messages"][0]["reason"], "no_consent", "{why}");
    assert!(why["sentences"][0].as_str().unwrap().contains("never agreed"), "{why}");

    // A scanner looks at everything at once and changes nothing; a human clicks later.
    let (click, open, leave) = (link(&mail, "c"), link(&mail, "o"), link(&mail, "unsubscribe"));
    world.clock.advance(2 * Timestamp::SECOND);
    for path in [&click, &open, &leave, &link(&mail, "preferences")] {
        let answer = world.get(path, &[("user-agent", "Mozilla/5.0 (compatible; MailScanner/1.0)")]).await;
        assert!(answer.status.is_success() || answer.status.is_redirection(), "{path} {}", answer.status);
    }
    world.clock.advance(Timestamp::HOUR);
    settle(&world).await;
    let sent = get(&world, &owner, &format!("/api/v1/customers/{ann}/messages")).await;
    assert_eq!((&sent["rows"][0]["clicked_at"], &sent["rows"][0]["opened_at"]), (&Value::Null, &Value::Null), "{sent}");
    let human = [
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
        ("accept", "text/html"),
        ("accept-language", "de"),
    ];
    let answer = world.get(&click, &human).await;
    assert_eq!(answer.status, StatusCode::FOUND);
    let target = answer.header("location").to_owned();
    assert!(target.contains("utm_medium=email") && target.contains(&format!("utm_campaign={journey}")), "{target}");
    world.clock.advance(Timestamp::MINUTE);
    settle(&world).await;
    let id = sent["rows"][0]["id"].as_str().unwrap();
    let page = get(&world, &owner, &format!("/api/v1/messages/{id}")).await;
    assert!(page["message"]["clicked_at"].is_string(), "{page}");
    assert_eq!(page["looks"].as_array().unwrap().len(), 3, "{page}");
    // The click is on the timeline and can be asked for.
    let line = get(&world, &owner, &format!("/api/v1/customers/{ann}/timeline")).await.to_string();
    for name in ["Journey Entered", "Message Sent", "Message Clicked"] {
        assert!(line.contains(name), "{name}: {line}");
    }
    // The mail as a page, which can do nothing but show itself.
    let page = world.get(&link(&mail, "m"), &[]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    assert!(
        page.text().contains("Ann") && page.header("content-security-policy").contains("sandbox"),
        "{}",
        page.text()
    );
    // A link that was bent leads nowhere.
    assert_eq!(world.get(&format!("{}x", &click[..click.len() - 1]), &[]).await.status, StatusCode::NOT_FOUND);

    // One click of the mail program's own button, and nothing more comes.
    let answer = world
        .request(
            Method::POST,
            &leave,
            &[("content-type", "application/x-www-form-urlencoded")],
            "List-Unsubscribe=One-Click",
        )
        .await;
    assert!(answer.status.is_success(), "{}", answer.text());
    world.clock.advance(Timestamp::DAY);
    happen(&world, &key, vec![track("s3", "u1", "Signed Up", json!({}))]).await;
    assert_eq!(sink.kept().len(), 1, "she left");
    let why = get(&world, &owner, &format!("/api/v1/customers/{ann}/journeys/{journey}")).await;
    assert!(why.to_string().contains("consent_gone") || why.to_string().contains("consent_denied"), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_server_that_misbehaves_costs_no_message_and_makes_none_twice() {
    let script = [
        ("full", Act::Say("RCPT", "452 4.2.2 Mailbox full")),
        ("gone", Act::Say("RCPT", "550 5.1.1 No such user")),
        ("cut", Act::Cut(".")),
    ];
    let sink = Sink::start(Manner::default(), &script).await;
    let (world, owner, key) = world(&sink).await;
    with_template(&world, &owner).await;
    let definition = one_mail(json!({"event": {"name": "Signed Up"}}), json!({}));
    launch(&world, &owner, json!({"name": "Hello", "definition": definition})).await;
    for (number, name) in ["full", "gone", "cut", "fine"].iter().enumerate() {
        happen(&world, &key, person(u32::try_from(number).unwrap(), &format!("{name}@example.com"))).await;
    }
    let calls =
        (0..4).map(|number| track(&format!("s{number}"), &format!("u{number}"), "Signed Up", json!({}))).collect();
    happen(&world, &key, calls).await;
    let all = get(&world, &owner, "/api/v1/messages").await;
    let mut ids = std::collections::BTreeMap::new();
    for name in ["full", "gone", "cut", "fine"] {
        ids.insert(name, only_person(&world, &owner, name).await);
    }
    let state = |email: &str| {
        let rows = all["rows"].as_array().unwrap();
        let row = rows.iter().find(|row| row["message"]["person_id"] == ids[email].as_str());
        let row = row.unwrap_or_else(|| panic!("{email}: {all}"));
        row["message"].clone()
    };
    assert_eq!(state("full")["state"], "queued");
    assert_eq!(state("gone")["state"], "bounced");
    assert_eq!(state("cut")["state"], "sending", "nobody knows");
    assert_eq!(state("fine")["state"], "sent");
    assert!(!state("gone")["response"].as_str().unwrap().contains('@'));
    // Whoever is gone is not written to any more; what is full is tried again; what is not known goes out under the same name.
    for _ in 0..3 {
        world.clock.advance(Timestamp::HOUR);
        settle(&world).await;
    }
    let kept = sink.kept();
    let cut: Vec<_> = kept.iter().filter(|mail| mail.recipient == "cut@example.com").collect();
    let names: std::collections::BTreeSet<String> = cut
        .iter()
        .map(|mail| text_of(&mail.bytes).lines().find(|line| line.starts_with("Message-ID")).unwrap().to_owned())
        .collect();
    assert_eq!(names.len(), 1, "the same mail, however often");
    assert_eq!(kept.iter().filter(|mail| mail.recipient == "fine@example.com").count(), 1);
    happen(&world, &key, vec![track("again", "u1", "Signed Up", json!({}))]).await;
    let health = get(&world, &owner, "/api/v1/sending/health").await;
    assert_eq!(health["dead"], json!([{"channel": "email", "reason": "bounced", "addresses": 1}]), "{health}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_goes_out_to_its_audience_once() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    with_template(&world, &owner).await;
    for number in 0..5 {
        happen(&world, &key, person(number, &format!("p{number}@example.com"))).await;
    }
    let audience = json!({"performed": {"event": "Order Completed"}});
    happen(
        &world,
        &key,
        (0..3)
            .map(|n| {
                track(
                    &format!("o{n}"),
                    &format!("u{n}"),
                    "Order Completed",
                    json!({"order_id": format!("o{n}"), "revenue": 10}),
                )
            })
            .collect(),
    )
    .await;
    let definition = one_mail(json!({"schedule": {"at": "2026-11-21T15:00"}}), json!({"audience": audience}));
    let campaign = launch(&world, &owner, json!({"name": "Sale", "kind": "campaign", "definition": definition})).await;
    assert!(sink.kept().is_empty());
    world.clock.advance(3 * Timestamp::HOUR);
    settle(&world).await;
    let mut to: Vec<String> = sink.kept().into_iter().map(|mail| mail.recipient).collect();
    to.sort();
    assert_eq!(to, ["p0@example.com", "p1@example.com", "p2@example.com"]);
    world.clock.advance(Timestamp::DAY);
    settle(&world).await;
    assert_eq!(sink.kept().len(), 3);
    let report = get(&world, &owner, &format!("/api/v1/journeys/{campaign}/report")).await;
    assert_eq!((&report["messages"]["sent"], &report["runs"][0]["state"]), (&json!(3), &json!("done")), "{report}");
    // The list counts as each one's own page does, and the calendar knows when it went out.
    launch(&world, &owner, json!({"ready": "welcome"})).await;
    let rows = get(&world, &owner, "/api/v1/journeys").await["rows"].as_array().unwrap().clone();
    assert!(rows.len() >= 2);
    for row in rows {
        let path = format!("/api/v1/journeys/{}", row["key"].as_str().unwrap());
        assert_eq!(get(&world, &owner, &path).await["summary"], row);
    }
    let span =
        |from: &str, until: &str| format!("/api/v1/journeys/calendar?from={from}T00:00:00Z&until={until}T00:00:00Z");
    let on = async |from: &str, until: &str, key: &str| {
        let rows = get(&world, &owner, &span(from, until)).await["rows"].as_array().unwrap().clone();
        rows.into_iter().find(|row| row["key"] == key)
    };
    let shown = on("2026-11-01", "2026-12-01", &campaign).await.unwrap();
    assert_eq!(shown["runs"][0]["entered"], 3, "{shown}");
    assert!(shown["schedule"]["at"].is_string(), "{shown}");
    assert_eq!(on("2027-01-01", "2027-02-01", &campaign).await.unwrap()["runs"], json!([]));
    assert_eq!(on("2026-11-01", "2026-12-01", "welcome").await, None, "it has no schedule");
    for query in ["from=x&until=2026-12-01T00:00:00Z", "from=2026-12-01T00:00:00Z&until=2026-11-01T00:00:00Z"] {
        let refused = world.get(&format!("/api/v1/journeys/calendar?{query}"), &owner.reads()).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_that_cannot_work_is_refused_before_launch_and_a_dry_run_tells_what_would_happen() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    with_template(&world, &owner).await;
    let circle = json!({"entry": {"api": {}}, "start": "a", "nodes": [
        {"id": "a", "step": {"set_trait": {"name": "x", "value": 1, "next": "b"}}},
        {"id": "b", "step": {"set_trait": {"name": "y", "value": 1, "next": "a"}}}]});
    let bad = [
        (circle, "circle"),
        (one_mail(json!({"api": {}}), json!({"topic": "nothing"})), "topic_unknown"),
        (
            json!({"entry": {"api": {}}, "start": "m", "nodes": [{"id": "m", "step": {"message": {"channel": "email", "template": "none", "next": null}}}]}),
            "template_unknown",
        ),
        (
            json!({"entry": {"api": {}}, "start": "w", "nodes": [{"id": "w", "step": {"webhook": {"url": "file:///etc/passwd", "next": null}}}]}),
            "webhook",
        ),
        (
            json!({"entry": {"api": {}}, "start": "m", "nodes": [{"id": "m", "step": {"message": {"channel": "sms", "template": "welcome", "next": null}}}]}),
            "no_channel",
        ),
    ];
    for (definition, code) in bad {
        let found =
            call(&world, &owner, Method::POST, "/api/v1/journeys/check", json!({"definition": definition})).await;
        assert!(found.text().contains(code), "{code}: {}", found.text());
        let made =
            call(&world, &owner, Method::POST, "/api/v1/journeys", json!({"name": code, "definition": definition}))
                .await;
        let key = made.json()["summary"]["key"].as_str().unwrap().to_owned();
        let refused = call(&world, &owner, Method::POST, &format!("/api/v1/journeys/{key}/launch"), json!({})).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{code}");
    }
    for (body, field) in [
        (json!({"name": ""}), "name"),
        (json!({"name": "x", "kind": "y"}), "kind"),
        (json!({"name": "x", "definition": {"entry": {"magic": {}}}}), "definition"),
        (json!({"name": "x", "definition": 7}), "definition"),
        (json!({"name": "x", "ready": "nothing"}), "ready"),
    ] {
        let refused = call(&world, &owner, Method::POST, "/api/v1/journeys", body).await;
        assert!(refused.status.is_client_error() && refused.text().contains(field), "{field}: {}", refused.text());
    }
    // What would happen to Ann: nothing is sent by it.
    happen(&world, &key, person(1, "ann@example.com")).await;
    let ann = only_person(&world, &owner, "ann").await;
    let made = call(&world, &owner, Method::POST, "/api/v1/journeys", json!({"ready": "abandoned_cart"})).await;
    let path = format!("/api/v1/journeys/{}/dry-run", made.json()["summary"]["key"].as_str().unwrap());
    let dry = call(&world, &owner, Method::POST, &path, json!({"person_id": ann})).await.json();
    let words: Vec<&str> = dry["rows"].as_array().unwrap().iter().map(|row| row["what"].as_str().unwrap()).collect();
    if words[0] != "held_out" {
        assert_eq!(words.iter().filter(|word| **word == "sends").count(), 2, "{dry}");
        let bought = call(
            &world,
            &owner,
            Method::POST,
            &path,
            json!({"person_id": ann, "events": [{"name": "Order Completed", "hours": 0.5}]}),
        )
        .await
        .json();
        assert!(!bought.to_string().contains("sends"), "{bought}");
    }
    assert!(sink.kept().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_journeys_note_is_known_afterwards_and_goes_with_the_person() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    let list = call(&world, &owner, Method::POST, "/api/v1/lists", json!({"key": "vip", "name": "VIP"})).await;
    assert_eq!(list.status, StatusCode::OK, "{}", list.text());
    let definition = json!({"entry": {"event": {"name": "Signed Up"}}, "start": "trait", "nodes": [
        {"id": "trait", "step": {"set_trait": {"name": "onboarding", "value": "begun", "next": "list"}}},
        {"id": "list", "step": {"list": {"list": "vip", "next": "tell"}}},
        {"id": "tell", "step": {"act": {"action": "tell_event", "with": {"name": "Onboarding Begun"}, "next": "wait"}}},
        {"id": "wait", "step": {"wait": {"how": {"for": "30d"}, "next": null}}}]});
    launch(&world, &owner, json!({"name": "Notes", "definition": definition})).await;
    happen(&world, &key, person(1, "ann@example.com")).await;
    happen(&world, &key, vec![track("s1", "u1", "Signed Up", json!({}))]).await;
    let ann = only_person(&world, &owner, "ann").await;
    let page = get(&world, &owner, &format!("/api/v1/customers/{ann}")).await.to_string();
    assert!(page.contains("begun"), "{page}");
    let members = get(&world, &owner, "/api/v1/lists/vip/members").await;
    assert_eq!(members["rows"].as_array().unwrap().len(), 1, "{members}");
    let line = get(&world, &owner, &format!("/api/v1/customers/{ann}/timeline")).await.to_string();
    assert!(line.contains("Onboarding Begun"), "{line}");
    let erased = call(&world, &owner, Method::POST, &format!("/api/v1/customers/{ann}/erasure"), json!({})).await;
    assert_eq!(erased.status, StatusCode::OK, "{}", erased.text());
    let report = get(&world, &owner, "/api/v1/journeys/notes/report").await;
    assert_eq!((&report["active"], &report["entered"]), (&json!(0), &json!(1)), "{report}");
    world.clock.advance(40 * Timestamp::DAY);
    settle(&world).await;
}

/// What was joined is parted by hand: whoever came into a journey by a device goes with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_parted_takes_along_what_they_began() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    with_template(&world, &owner).await;
    let definition = json!({"entry": {"event": {"name": "Signed Up"}}, "start": "w", "nodes": [
        {"id": "w", "step": {"wait": {"how": {"for": "1d"}, "next": null}}}]});
    launch(&world, &owner, json!({"name": "Later", "definition": definition})).await;
    let joined = json!({"type": "identify", "userId": "u1", "anonymousId": "d1", "messageId": "j1", "traits": {"email": "ann@example.com"}});
    let began = json!({"type": "track", "anonymousId": "d1", "event": "Signed Up", "messageId": "s1"});
    happen(&world, &key, vec![joined]).await;
    happen(&world, &key, vec![began]).await;
    let store = &world.app.installation.store;
    let owner_of = async || {
        let text = sql!(
            "SELECT i.person, n.person FROM journey_instances i JOIN identifiers n ON n.workspace = i.workspace AND n.handle = i.handle
             WHERE i.workspace = $1"
        );
        let rows: Vec<(PersonId, PersonId)> = store.read().fetch_all(text, args![FIRST]).await.unwrap();
        assert_eq!(rows.len(), 1);
        rows[0]
    };
    let together = owner_of().await;
    assert_eq!(together.0, together.1);
    let who = only_person(&world, &owner, "ann").await;
    let identity = get(&world, &owner, &format!("/api/v1/customers/{who}/identity")).await;
    for word in ["undo", "redo"] {
        for row in identity["evidence"].as_array().unwrap() {
            let path = format!("/api/v1/identity/evidence/{}/{word}", row["id"].as_str().unwrap());
            let changed = call(&world, &owner, Method::POST, &path, json!({"reason": "a test"})).await;
            assert_eq!(changed.status, StatusCode::OK, "{}", changed.text());
        }
        let now = owner_of().await;
        assert_eq!(now.0, now.1, "{word}: it stayed with somebody else");
    }
}
