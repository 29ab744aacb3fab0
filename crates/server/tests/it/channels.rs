//! Text messages from a journey to a provider and back: numbers, signatures, what is reported, and what a STOP does.

use axum::http::{Method, StatusCode};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rapport_channels::outbound::{Url, signing};
use rapport_domain::Timestamp;
use rapport_server::auth::Role;
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, launch, only_person, settle, track};
use crate::provider::Provider;
use crate::world::{Answer, Browser, World};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const CALLBACKS: &str = "/callbacks/text-messages";

/// Settings with which texts go to a bridge.
fn bridge(url: &str) -> [(&'static str, &str); 4] {
    [
        ("text_messages.provider", "bridge"),
        ("text_messages.url", url),
        ("text_messages.secret", SECRET),
        ("text_messages.country_code", "46"),
    ]
}

/// A world that sends by these settings, whose workspace has no quiet hours.
pub async fn world(flags: &[(&'static str, &str)]) -> (World, Browser, String) {
    let mut all = vec![("public_url", "https://shop.example"), ("webhooks.private_addresses", "true")];
    all.extend_from_slice(flags);
    let world = World::with(&all).await;
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

/// A template of this key, and a journey that sends it to whoever signs up.
pub async fn journey(world: &World, owner: &Browser, channel: &str, content: Value) -> String {
    let template = json!({"name": "Hello", "purpose": "marketing", "default_language": "en", "content": content});
    let made = call(world, owner, Method::POST, "/api/v1/message-templates", json!({ "template": template })).await;
    assert!(made.status.is_success(), "{}", made.text());
    let key = made.json()["summary"]["key"].as_str().unwrap().to_owned();
    let definition = json!({"entry": {"event": {"name": "Signed Up"}}, "reentry": "after_exit", "start": "say", "nodes": [
        {"id": "say", "step": {"message": {"channel": channel, "template": key, "next": null}}}]});
    launch(world, owner, json!({"name": "Hello", "definition": definition})).await
}

/// Somebody who agreed to hear by a channel.
pub fn person(number: u32, channel: &str, traits: Value) -> Vec<Value> {
    let user = format!("u{number}");
    let agreed = json!({"channel": channel, "method": "form"});
    vec![
        json!({"type": "identify", "userId": user, "messageId": format!("i{number}"), "traits": traits}),
        track(&format!("c{number}"), &user, "Consent Granted", agreed),
    ]
}

async fn message(world: &World, owner: &Browser, at: usize) -> Value {
    get(world, owner, "/api/v1/messages").await["rows"][at]["message"].clone()
}

async fn bridge_says(world: &World, secret: &str, id: &str, reports: Value) -> Answer {
    let body = json!({ "reports": reports }).to_string();
    let seconds = world.clock_now().0.div_euclid(Timestamp::SECOND);
    let signature = signing::standard_webhooks(secret, id, seconds, &body).unwrap();
    let headers =
        [("webhook-id", id), ("webhook-timestamp", &*seconds.to_string()), ("webhook-signature", &*signature)];
    world.request(Method::POST, CALLBACKS, &headers, body).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_goes_to_the_number_and_a_stop_ends_it() {
    let provider = Provider::start(|_, before| (200, json!({"id": format!("p-{before}")}).to_string())).await;
    let flags = bridge(&provider.url);
    let (world, owner, key) = world(&flags).await;
    let content = json!({"text": {"en": {"body": "Hello {{ profile.first_name | default('you') }}", "url": "https://shop.example/new"}}});
    let hello = journey(&world, &owner, "sms", content).await;
    happen(&world, &key, person(1, "sms", json!({"phone": "070-555 01 23", "firstName": "Ann"}))).await;
    happen(&world, &key, person(2, "sms", json!({"phone": "0046 70 555 0199", "firstName": "Bob"}))).await;
    // A number that is none is known, but nothing can go there.
    happen(&world, &key, person(3, "sms", json!({"phone": "ask my mother", "firstName": "Cy"}))).await;
    happen(&world, &key, (1..4).map(|n| track(&format!("s{n}"), &format!("u{n}"), "Signed Up", json!({}))).collect())
        .await;
    let sent = provider.kept();
    let mut to: Vec<String> = Vec::new();
    for posted in &sent {
        let body: Value = serde_json::from_slice(&posted.body).unwrap();
        to.push(body["to"].as_str().unwrap().to_owned());
        let text = body["text"].as_str().unwrap();
        assert!(text.starts_with("Hello ") && text.contains(" https://shop.example/c/"), "{text}");
        assert!(
            body["callback"].as_str().unwrap().starts_with("https://shop.example/callbacks/text-messages?message=msg_")
        );
        let seconds = posted.header("webhook-timestamp").parse().unwrap();
        let signature =
            signing::standard_webhooks(SECRET, posted.header("webhook-id"), seconds, &posted.text()).unwrap();
        assert_eq!(posted.header("webhook-signature"), signature);
    }
    to.sort();
    assert_eq!(to, ["+46705550123", "+46705550199"]);
    let rows = get(&world, &owner, "/api/v1/messages").await;
    let states: Vec<&str> =
        rows["rows"].as_array().unwrap().iter().map(|row| row["message"]["state"].as_str().unwrap()).collect();
    assert_eq!(states.iter().filter(|state| **state == "sent").count(), 2, "{rows}");
    assert!(rows.to_string().contains("unreachable"), "{rows}");

    // Without the secret nothing is believed.
    let body = json!([{"id": "p-0", "state": "delivered"}]);
    let forged = bridge_says(&world, "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "w1", body.clone()).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN, "{}", forged.text());
    assert_eq!(world.request(Method::POST, CALLBACKS, &[], "{}").await.status, StatusCode::FORBIDDEN);
    assert!(!get(&world, &owner, "/api/v1/messages").await.to_string().contains("delivered\""));
    let failed = json!({"id": "p-1", "state": "failed", "kind": "policy", "text": "filtered"});
    let unknown = json!({"id": "p-77", "state": "delivered"});
    let told = bridge_says(&world, SECRET, "w2", json!([body[0], failed, unknown])).await;
    assert_eq!(told.status, StatusCode::NO_CONTENT, "{}", told.text());
    settle(&world).await;
    let rows = get(&world, &owner, "/api/v1/messages").await.to_string();
    assert!(rows.contains("\"state\":\"delivered\"") && rows.contains("\"state\":\"failed\""), "{rows}");

    // A STOP from Ann's number, told twice, and a START, which is no consent.
    let stop = json!([{"id": "in-1", "channel": "sms", "from": "+46705550123", "to": "+461", "text": " Stop. "}]);
    for id in ["w3", "w4"] {
        assert_eq!(bridge_says(&world, SECRET, id, stop.clone()).await.status, StatusCode::NO_CONTENT);
    }
    let start = json!([{"id": "in-2", "channel": "sms", "from": "+46705550123", "to": "+461", "text": "START"}]);
    assert_eq!(bridge_says(&world, SECRET, "w5", start).await.status, StatusCode::NO_CONTENT);
    world.clock.advance(Timestamp::HOUR);
    happen(&world, &key, vec![track("s4", "u1", "Signed Up", json!({})), track("s5", "u2", "Signed Up", json!({}))])
        .await;
    let numbers: Vec<String> = provider.kept()[2..].iter().map(super::provider::Posted::text).collect();
    assert_eq!(numbers.len(), 1, "{numbers:?}");
    assert!(numbers[0].contains("+46705550199"), "only Bob is written to: {numbers:?}");
    let ann = only_person(&world, &owner, "u1").await;
    let line = get(&world, &owner, &format!("/api/v1/customers/{ann}/timeline")).await.to_string();
    assert_eq!(line.matches("\"name\":\"Message Unsubscribed\"").count(), 1, "{line}");
    // It is known by which message: the only one that Ann got, and none of Bob's.
    let rows = get(&world, &owner, "/api/v1/messages").await["rows"].as_array().unwrap().clone();
    let by: Vec<&Value> = rows.iter().filter(|row| !row["message"]["unsubscribed_at"].is_null()).collect();
    assert_eq!(by.len(), 1, "{rows:?}");
    assert_eq!((&by[0]["message"]["person_id"], &by[0]["message"]["channel"]), (&json!(ann), &json!("sms")));
    let report = get(&world, &owner, &format!("/api/v1/journeys/{hello}/report")).await;
    assert_eq!(report["messages"]["unsubscribed"], 1, "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twilio_is_believed_only_with_the_address_that_it_was_told() {
    let provider = Provider::start(|_, _| (201, json!({"sid": "SM1", "status": "queued"}).to_string())).await;
    let flags = [
        ("text_messages.provider", "twilio"),
        ("text_messages.url", &*provider.url),
        ("text_messages.account", "AC1"),
        ("text_messages.token", "token"),
        ("text_messages.sms_from", "+15550100"),
    ];
    let (world, owner, key) = world(&flags).await;
    let ways = get(&world, &owner, "/api/v1/sending/settings").await["ways"].to_string();
    assert!(
        ways.contains("{\"channel\":\"sms\",\"is_ready\":true}")
            && ways.contains("{\"channel\":\"whatsapp\",\"is_ready\":false}"),
        "{ways}"
    );
    journey(&world, &owner, "sms", json!({"text": {"en": {"body": "Hello"}}})).await;
    happen(&world, &key, person(1, "sms", json!({"phone": "+46 70 555 01 23"}))).await;
    happen(&world, &key, vec![track("s1", "u1", "Signed Up", json!({}))]).await;
    let posted = &provider.kept()[0];
    assert_eq!(posted.path, "/2010-04-01/Accounts/AC1/Messages.json");
    assert!(
        posted
            .text()
            .contains("To=%2B46705550123&From=%2B15550100&Body=Hello&StatusCallback=https%3A%2F%2Fshop.example"),
        "{}",
        posted.text()
    );
    let id = message(&world, &owner, 0).await["id"].as_str().unwrap().to_owned();
    // Its report may come before its answer was noted: the name of the message is in the address that it signs.
    let query = format!("?message={id}");
    for (address, status) in [
        (format!("https://evil.example{CALLBACKS}{query}"), StatusCode::FORBIDDEN),
        (format!("https://shop.example{CALLBACKS}{query}"), StatusCode::OK),
    ] {
        let signed = format!("{address}MessageSidSM9MessageStatusdelivered");
        let mac = ring::hmac::sign(
            &ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"token"),
            signed.as_bytes(),
        );
        let signature = BASE64_STANDARD.encode(mac.as_ref());
        let headers =
            [("x-twilio-signature", signature.as_str()), ("content-type", "application/x-www-form-urlencoded")];
        let path = format!("{CALLBACKS}{query}");
        let answer = world.request(Method::POST, &path, &headers, "MessageSid=SM9&MessageStatus=delivered").await;
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    assert_eq!(message(&world, &owner, 0).await["state"], "delivered");
}

#[test]
fn settings_that_cannot_work_are_refused_at_the_start() {
    use rapport_server::sending::Ways;
    use rapport_server::settings::{Origins, Settings};
    for (flags, word) in [
        (vec![("text_messages.provider", "pigeon")], "pigeon"),
        (vec![("text_messages.provider", "twilio")], "account"),
        (vec![("text_messages.provider", "bridge")], "url"),
        (
            vec![
                ("text_messages.provider", "bridge"),
                ("text_messages.url", "https://b.example"),
                ("text_messages.secret", "%"),
            ],
            "key",
        ),
    ] {
        let mut flags: Vec<_> = flags.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
        flags.push(("text_messages.sms_from", "+1555".to_owned()));
        flags.push(("text_messages.country_code", "46".to_owned()));
        let settings = Settings::read(&Origins { flags, ..Origins::default() }).unwrap();
        let refusal = format!("{:#}", Ways::new(&settings).err().unwrap());
        assert!(refusal.contains(word), "{refusal}");
    }
}

/// A browser's subscription (`PushSubscription.toJSON()`) at a push service.
fn subscription(service: &str, path: &str) -> Value {
    json!({"endpoint": format!("{service}/{path}"), "expirationTime": null, "keys": {
        "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "auth": "BTBZMqHH6r4Tts7J_aSIgg"}})
}

/// What the company's own server says of who is signed in.
pub async fn proof(world: &World, owner: &Browser, user: &str) -> String {
    let secret = get(world, owner, "/api/v1/sending/settings").await["visitor_secret"].as_str().unwrap().to_owned();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    ring::hmac::sign(&key, user.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn browsers_that_subscribed_get_notifications_until_they_are_gone() {
    let service = Provider::start(|posted, _| (if posted.path == "/gone" { 410 } else { 201 }, String::new())).await;
    let (world, owner, key) = world(&[]).await;
    let content = json!({"push": {"en": {"title": "New", "body": "Look", "url": "https://shop.example/new"}}});
    journey(&world, &owner, "push", content).await;
    happen(&world, &key, person(1, "push", json!({"firstName": "Ann"}))).await;
    happen(&world, &key, person(2, "push", json!({"firstName": "Bob"}))).await;
    let shown = world.get(&format!("/v1/push/key?writeKey={key}"), &[]).await;
    assert_eq!(shown.json()["key"].as_str().unwrap().len(), 87, "a point of P-256");
    assert_eq!(world.get("/v1/push/key?writeKey=nonsense", &[]).await.status, StatusCode::UNAUTHORIZED);

    let hash = proof(&world, &owner, "u1").await;
    let subscribe = |body: Value| world.collect("/v1/push/subscriptions", &key, body.to_string());
    for (body, status) in [
        (
            json!({"userId": "u1", "userHash": hash, "subscription": subscription(&service.url, "alive")}),
            StatusCode::OK,
        ),
        (json!({"userId": "u1", "userHash": hash, "subscription": subscription(&service.url, "gone")}), StatusCode::OK),
        // Somebody says that their browser is Bob's.
        (json!({"userId": "u2", "subscription": subscription(&service.url, "thief")}), StatusCode::FORBIDDEN),
        (
            json!({"userId": "u2", "userHash": hash, "subscription": subscription(&service.url, "thief")}),
            StatusCode::FORBIDDEN,
        ),
        (json!({"subscription": subscription(&service.url, "nobody")}), StatusCode::BAD_REQUEST),
        (
            json!({"anonymousId": "nobody-knows", "subscription": subscription(&service.url, "x")}),
            StatusCode::NOT_FOUND,
        ),
        (
            json!({"userId": "u1", "userHash": hash, "subscription": subscription("file:///etc", "x")}),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (json!([]), StatusCode::BAD_REQUEST),
    ] {
        let answer = subscribe(body.clone()).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
    }
    // A thief subscribes as a browser of nobody, then claims to be Bob: Bob's messages do not follow.
    happen(&world, &key, vec![json!({"type": "page", "anonymousId": "thief", "messageId": "p1", "name": "Home"})])
        .await;
    let body = json!({"anonymousId": "thief", "subscription": subscription(&service.url, "thief")});
    assert_eq!(subscribe(body).await.status, StatusCode::OK);
    happen(&world, &key, vec![json!({"type": "identify", "anonymousId": "thief", "userId": "u2", "messageId": "p2"})])
        .await;
    happen(&world, &key, (1..3).map(|n| track(&format!("s{n}"), &format!("u{n}"), "Signed Up", json!({}))).collect())
        .await;
    let mut paths: Vec<String> = service.kept().into_iter().map(|posted| posted.path).collect();
    paths.sort();
    assert_eq!(paths, ["/alive", "/gone"]);
    let posted = &service.kept()[0];
    assert!(posted.header("authorization").starts_with("vapid t="), "{posted:?}");
    assert_eq!(posted.header("content-encoding"), "aes128gcm");
    let rows = get(&world, &owner, "/api/v1/messages").await.to_string();
    assert!(rows.contains("\"state\":\"sent\"") && rows.contains("unreachable"), "{rows}");
    // Who is gone is not asked again.
    world.clock.advance(Timestamp::DAY);
    happen(&world, &key, vec![track("s3", "u1", "Signed Up", json!({}))]).await;
    assert_eq!(service.kept().len(), 3);
    let worker = world.get("/push-worker.js", &[]).await;
    assert!(worker.header("content-type").starts_with("text/javascript") && worker.text().contains("showNotification"));
    assert_eq!(worker.header("cross-origin-resource-policy"), "cross-origin", "another site's worker loads it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_inbox_shows_a_person_their_own_messages_only() {
    let (world, owner, key) = world(&[]).await;
    let content = json!({"slot": {"en": {"title": "For {{ profile.first_name | default('you') }}", "body": "<b>Look</b>", "url": "https://shop.example/new", "label": "Go"}}});
    journey(&world, &owner, "in_app", content).await;
    happen(&world, &key, person(1, "in_app", json!({"firstName": "Ann"}))).await;
    happen(&world, &key, person(2, "in_app", json!({"firstName": "Bob"}))).await;
    happen(&world, &key, (1..3).map(|n| track(&format!("s{n}"), &format!("u{n}"), "Signed Up", json!({}))).collect())
        .await;
    let (ann, bob) = (proof(&world, &owner, "u1").await, proof(&world, &owner, "u2").await);
    let path = |user: &str, hash: &str| format!("/v1/inbox?writeKey={key}&userId={user}&userHash={hash}");
    let seen = world.get(&path("u1", &ann), &[("origin", "https://shop.example")]).await;
    assert_eq!(seen.status, StatusCode::OK, "{}", seen.text());
    assert_eq!((seen.header("access-control-allow-origin"), seen.header("cache-control")), ("*", "no-store"));
    let seen = seen.json();
    assert_eq!(seen["messages"].as_array().unwrap().len(), 1, "{seen}");
    let message = &seen["messages"][0];
    assert_eq!(
        (&message["title"], &message["body"], &message["label"]),
        (&json!("For Ann"), &json!("<b>Look</b>"), &json!("Go"))
    );
    assert_eq!((&message["is_seen"], &seen["unseen"]), (&json!(false), &json!(1)));
    assert!(message["url"].as_str().unwrap().starts_with("https://shop.example/c/"), "{message}");
    for (user, hash) in [("u1", bob.as_str()), ("u1", ""), ("u2", ann.as_str())] {
        assert_eq!(world.get(&path(user, hash), &[]).await.status, StatusCode::FORBIDDEN);
    }
    let id = message["id"].as_str().unwrap();
    let act = |act: &str, user: &str, hash: &str| {
        let body = json!({"userId": user, "userHash": hash}).to_string();
        let path = format!("/v1/inbox/{id}/{act}");
        let (world, key) = (&world, &key);
        async move { world.collect(&path, key, body).await.status }
    };
    assert_eq!(act("clicked", "u2", &bob).await, StatusCode::NOT_FOUND, "it is not Bob's");
    assert_eq!(act("eaten", "u1", &ann).await, StatusCode::NOT_FOUND);
    assert_eq!(act("clicked", "u1", &ann).await, StatusCode::OK);
    let seen = world.get(&path("u1", &ann), &[]).await.json();
    assert_eq!((&seen["messages"][0]["is_clicked"], &seen["unseen"]), (&json!(true), &json!(0)));
    // Whoever writes sees what is in inboxes now, and what became of it.
    let figures = get(&world, &owner, "/api/v1/inbox/figures").await;
    let row = &figures["rows"][0];
    assert_eq!((&row["messages"], &row["seen"], &row["clicked"]), (&json!(2), &json!(1), &json!(1)), "{figures}");
    let listed = get(&world, &owner, "/api/v1/inbox?limit=1").await;
    let rest = get(&world, &owner, &format!("/api/v1/inbox?cursor={}", listed["next"].as_str().unwrap())).await;
    let rows = [&listed["rows"][0], &rest["rows"][0]];
    let mut titles: Vec<&str> = rows.iter().map(|row| row["content"]["title"].as_str().unwrap()).collect();
    titles.sort_unstable();
    assert_eq!((titles, &rest["next"]), (vec!["For Ann", "For Bob"], &Value::Null));
    let anns = rows.iter().find(|row| row["content"]["title"] == "For Ann").unwrap();
    assert!(anns["seen_at"].is_string() && anns["clicked_at"].is_string(), "{anns}");
    assert_eq!(get(&world, &owner, "/api/v1/inbox?template=other").await["rows"], json!([]));
    let person = anns["person_id"].as_str().unwrap();
    let sent = get(&world, &owner, &format!("/api/v1/customers/{person}/messages")).await;
    assert_eq!(sent["rows"][0]["content"]["title"], "For Ann", "{sent}");
    // Whoever is restricted finds nothing; whoever is erased leaves nothing.
    let number = only_person(&world, &owner, "u1").await;
    let erased = call(&world, &owner, Method::POST, &format!("/api/v1/customers/{number}/erasure"), json!({})).await;
    assert_eq!(erased.status, StatusCode::OK, "{}", erased.text());
    assert_eq!(world.get(&path("u1", &ann), &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.get(&path("u2", &bob), &[]).await.json()["unseen"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn products_are_recommended_and_stand_in_messages() {
    let (world, owner, key) = world(&[]).await;
    let path = "/api/v1/recommendations?method=popular&limit=2";
    let early = world.get(path, &owner.reads()).await;
    assert_eq!(
        (early.status, early.header("retry-after")),
        (StatusCode::SERVICE_UNAVAILABLE, "60"),
        "{}",
        early.text()
    );
    let order = |n: u32, user: &str, names: &[&str]| {
        let products: Vec<Value> = names
            .iter()
            .map(|name| json!({"product_id": name, "name": format!("The {name}"), "price": 20, "url": format!("https://shop.example/{name}")}))
            .collect();
        track(
            &format!("o{n}"),
            user,
            "Order Completed",
            json!({"order_id": format!("o{n}"), "currency": "EUR", "revenue": 20, "products": products}),
        )
    };
    happen(&world, &key, person(1, "in_app", json!({"firstName": "Ann"}))).await;
    let orders = (0..12).map(|n| order(n, &format!("c{n}"), if n < 8 { &["mug", "tea"] } else { &["lamp"] }));
    happen(&world, &key, orders.collect()).await;
    happen(
        &world,
        &key,
        vec![track("v1", "u1", "Product Viewed", json!({"product_id": "mug", "name": "The mug", "price": 20}))],
    )
    .await;
    rapport_server::recommending::refresh(&world.app.installation, rapport_server::records::workspaces::FIRST)
        .await
        .unwrap();
    let popular = get(&world, &owner, path).await;
    let ids: Vec<&str> = popular["products"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["mug", "tea"], "{popular}");
    let together = get(&world, &owner, "/api/v1/recommendations?method=bought_together&with=mug").await;
    assert_eq!(
        (&together["products"][0]["id"], &together["products"][0]["because_of"]),
        (&json!("tea"), &json!("mug")),
        "{together}"
    );
    let ann = only_person(&world, &owner, "u1").await;
    let own = get(&world, &owner, &format!("/api/v1/recommendations?method=for_person&person={ann}")).await;
    assert_eq!(own["products"][0]["id"], "tea", "{own}");
    for bad in [
        "method=magic",
        "method=for_person",
        "method=popular&person=x",
        "method=popular&limit=0",
        "method=popular&not_bought=1y",
        "method=popular&minimum_margin=7",
    ] {
        let answer = world.get(&format!("/api/v1/recommendations?{bad}"), &owner.reads()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}: {}", answer.text());
    }
    // The same stand in a message.
    let body = "{% for item in recommended %}{{ item.name }} {{ item.price }};{% endfor %}";
    journey(&world, &owner, "in_app", json!({"slot": {"en": {"body": body}}})).await;
    happen(&world, &key, vec![track("s1", "u1", "Signed Up", json!({}))]).await;
    let hash = proof(&world, &owner, "u1").await;
    let inbox = world.get(&format!("/v1/inbox?writeKey={key}&userId=u1&userHash={hash}"), &[]).await.json();
    assert!(inbox["messages"][0]["body"].as_str().unwrap().starts_with("The tea 20.00;"), "{inbox}");
}

const APPROVED: &str = "HX0123456789abcdef0123456789abcdef";

/// The form of a request to Twilio.
fn posted(request: &crate::provider::Posted) -> std::collections::BTreeMap<String, String> {
    let url = Url::parse(&format!("http://form/?{}", request.text())).unwrap();
    url.query_pairs().map(|(name, value)| (name.into(), value.into())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatsapp_gets_the_approved_text_but_for_24_hours_after_a_message() {
    let provider =
        Provider::start(|_, before| (201, json!({"sid": format!("SM{before}"), "status": "queued"}).to_string())).await;
    let flags = [
        ("text_messages.provider", "twilio"),
        ("text_messages.url", &*provider.url),
        ("text_messages.account", "AC1"),
        ("text_messages.token", "token"),
        ("text_messages.whatsapp_from", "+15550100"),
        ("session.idle_hours", "100000"),
    ];
    let (world, owner, key) = world(&flags).await;
    let own = json!({"id": APPROVED, "variables": ["{{ profile.first_name|default('you') }}", "Shop"]});
    journey(&world, &owner, "whatsapp", json!({"text": {"en": {"body": "Hello", "approved": own}}})).await;
    let plain = journey(&world, &owner, "whatsapp", json!({"text": {"en": {"body": "Plain"}}})).await;
    // Whoever launches is told that WhatsApp would not take the other one.
    let page = get(&world, &owner, &format!("/api/v1/journeys/{plain}")).await;
    let warned = page["findings"].as_array().unwrap().iter().find(|it| it["code"] == "not_approved").cloned();
    assert_eq!(warned.map(|it| (it["severity"].clone(), it["place"].clone())), Some((json!("warning"), json!("say"))));
    happen(&world, &key, person(1, "whatsapp", json!({"phone": "+46 70 555 01 23", "firstName": "A\nnn"}))).await;
    let mut signed_up = 0;
    let mut sign_up = async || {
        signed_up += 1;
        happen(&world, &key, vec![track(&format!("s{signed_up}"), "u1", "Signed Up", json!({}))]).await;
        world.clock.advance(Timestamp::SECOND);
    };
    // She never wrote: only the approved text goes out, and who gets the other one is told why not.
    sign_up().await;
    let sent = provider.kept();
    assert_eq!(sent.len(), 1);
    let form = posted(&sent[0]);
    assert_eq!((form["To"].as_str(), form["ContentSid"].as_str()), ("whatsapp:+46705550123", APPROVED));
    assert_eq!(serde_json::from_str::<Value>(&form["ContentVariables"]).unwrap(), json!({"1": "A nn", "2": "Shop"}));
    assert!(!form.contains_key("Body"));
    let rows = get(&world, &owner, "/api/v1/messages").await;
    let reasons: Vec<&Value> = rows["rows"].as_array().unwrap().iter().map(|row| &row["message"]["reason"]).collect();
    assert!(reasons.contains(&&json!("not_approved")), "{rows}");

    // An SMS opens no window, nor does a message that nobody signed.
    let inbound = async |from: &str, token: &[u8], id: &str| {
        let body =
            format!("Body=Hi&From={}&MessageSid={id}&To=%2B15550100", from.replace('+', "%2B").replace(':', "%3A"));
        let text = format!("https://shop.example{CALLBACKS}BodyHiFrom{from}MessageSid{id}To+15550100");
        let mac =
            ring::hmac::sign(&ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, token), text.as_bytes());
        let signature = BASE64_STANDARD.encode(mac.as_ref());
        let headers =
            [("x-twilio-signature", signature.as_str()), ("content-type", "application/x-www-form-urlencoded")];
        world.request(Method::POST, CALLBACKS, &headers, body).await.status
    };
    assert_eq!(inbound("+46705550123", b"token", "SMa").await, StatusCode::OK);
    assert_eq!(inbound("whatsapp:+46705550123", b"forged", "SMb").await, StatusCode::FORBIDDEN);
    sign_up().await;
    let bodies = |from: usize| -> Vec<Option<String>> {
        provider.kept()[from..].iter().map(|it| posted(it).get("Body").cloned()).collect()
    };
    assert_eq!(bodies(1), [None]);

    // She writes: for a day both go out as they are.
    assert_eq!(inbound("whatsapp:+46705550123", b"token", "SMc").await, StatusCode::OK);
    sign_up().await;
    let mut free = bodies(2);
    free.sort();
    assert_eq!(free, [Some("Hello".to_owned()), Some("Plain".to_owned())]);
    world.clock.advance(23 * Timestamp::HOUR);
    sign_up().await;
    assert_eq!(bodies(4).iter().flatten().count(), 2);
    world.clock.advance(Timestamp::HOUR);
    sign_up().await;
    assert_eq!(bodies(6), [None], "the day is over");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bridge_is_told_the_approved_text() {
    let provider = Provider::start(|_, before| (200, json!({"id": format!("p-{before}")}).to_string())).await;
    let flags = bridge(&provider.url);
    let (world, owner, key) = world(&flags).await;
    let own = json!({"id": "order_shipped", "variables": ["{{ profile.first_name|default('you') }}"]});
    journey(&world, &owner, "whatsapp", json!({"text": {"en": {"body": "Hello", "approved": own}}})).await;
    happen(&world, &key, person(1, "whatsapp", json!({"phone": "070-555 01 23", "firstName": "Ann"}))).await;
    happen(&world, &key, vec![track("s1", "u1", "Signed Up", json!({}))]).await;
    let body = |at: usize| serde_json::from_slice::<Value>(&provider.kept()[at].body).unwrap();
    assert_eq!(body(0)["template"], json!({"id": "order_shipped", "variables": {"1": "Ann"}}));
    let wrote = json!([{"id": "in-1", "channel": "whatsapp", "from": "+46705550123", "to": "+461", "text": "Hi"}]);
    assert_eq!(bridge_says(&world, SECRET, "w1", wrote).await.status, StatusCode::NO_CONTENT);
    world.clock.advance(Timestamp::SECOND);
    happen(&world, &key, vec![track("s2", "u1", "Signed Up", json!({}))]).await;
    assert_eq!((&body(1)["template"], &body(1)["text"]), (&Value::Null, &json!("Hello")));
}
