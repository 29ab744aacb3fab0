//! Audiences at a platform that behaves and misbehaves: who comes on a list, who is taken off it at once, and that nobody is left behind.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::http::{Method, StatusCode};
use rapport_channels::outbound::Url;
use rapport_domain::Timestamp;
use rapport_server::audiences;
use rapport_server::auth::Role;
use serde_json::{Value, json};

use crate::channels::world;
use crate::engaging::{call, get, happen, only_person, track};
use crate::provider::{Posted, Provider};
use crate::world::{Browser, World};

const TOKEN: &str = "EAAB-a-secret-token";

/// How the platform behaves now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mood {
    Good,
    /// It does what it is told, and its answer is lost.
    Silent,
    /// It does nothing.
    Down,
}

/// Meta, as far as lists go: the hashed addresses on the list.
struct Platform {
    provider: Provider,
    list: Arc<Mutex<BTreeSet<String>>>,
    mood: Arc<Mutex<Mood>>,
}

impl Platform {
    async fn start() -> Self {
        let list = Arc::<Mutex<BTreeSet<String>>>::default();
        let mood = Arc::new(Mutex::new(Mood::Good));
        let (kept, behaves) = (Arc::clone(&list), Arc::clone(&mood));
        let provider =
            Provider::start(move |posted, _| answer(posted, &mut kept.lock().unwrap(), *behaves.lock().unwrap())).await;
        Self { provider, list, mood }
    }

    fn has(&self, emails: &[&str]) -> bool {
        let wanted: BTreeSet<String> = emails.iter().map(|email| sha256(email)).collect();
        *self.list.lock().unwrap() == wanted
    }

    fn is(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }
}

fn answer(posted: &Posted, list: &mut BTreeSet<String>, mood: Mood) -> (u16, String) {
    assert_eq!(posted.path, "/v25.0/42/users");
    let form = Url::parse(&format!("form:/?{}", posted.text())).unwrap();
    let fields: Vec<(String, String)> = form.query_pairs().into_owned().collect();
    assert_eq!(fields[1], ("access_token".to_owned(), TOKEN.to_owned()));
    let payload: Value = serde_json::from_str(&fields[0].1).unwrap();
    let emails = payload["data"].as_array().unwrap().iter().map(|row| row[0].as_str().unwrap().to_owned());
    if mood != Mood::Down {
        match posted.method.as_str() {
            "POST" => list.extend(emails),
            "DELETE" => {
                let gone: BTreeSet<String> = emails.collect();
                list.retain(|email| !gone.contains(email));
            }
            other => panic!("{other}"),
        }
    }
    match mood {
        Mood::Good => (200, json!({"num_received": 1, "num_invalid_entries": 0}).to_string()),
        Mood::Silent | Mood::Down => (503, String::new()),
    }
}

fn sha256(text: &str) -> String {
    ring::digest::digest(&ring::digest::SHA256, text.as_bytes())
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn agrees(id: &str, user: &str) -> Value {
    track(id, user, "Consent Granted", json!({"purpose": "sharing", "channel": "ads", "method": "form"}))
}

fn order(user: &str) -> Value {
    track(&format!("o-{user}"), user, "Order Completed", json!({"order_id": format!("o-{user}"), "revenue": 10}))
}

fn customer(user: &str, traits: Value) -> Value {
    json!({"type": "identify", "userId": user, "messageId": format!("i-{user}"), "traits": traits})
}

async fn look(world: &World) {
    while audiences::look(&world.app.installation, &world.app.advertising).await.unwrap() {}
}

/// A world with a segment of buyers and a platform: Ann and Bob agreed, Cy said nothing, Di refused, Ed agreed and gave no address, Fay agreed and bought nothing.
async fn shop(platform: &Platform) -> (World, Browser, String) {
    let url = format!("{}/v25.0", platform.provider.url);
    let (world, owner, key) =
        world(&[("advertising.meta_url", &url), ("session.idle_hours", "100000"), ("session.days", "4000")]).await;
    let segment = json!({"key": "buyers", "name": "Buyers", "condition": {"performed": {"event": "Order Completed"}}});
    let made = call(&world, &owner, Method::POST, "/api/v1/segments", segment).await;
    assert!(made.status.is_success(), "{}", made.text());
    for user in ["ann", "bob", "cy", "di", "fay"] {
        happen(&world, &key, vec![customer(user, json!({"email": format!("{user}@example.com"), "firstName": user}))])
            .await;
    }
    let refusal = track("r-di", "di", "Consent Denied", json!({"purpose": "sharing", "channel": "any"}));
    happen(&world, &key, vec![customer("ed", json!({"firstName": "Ed"})), refusal]).await;
    happen(&world, &key, ["ann", "bob", "ed", "fay"].iter().map(|user| agrees(&format!("a-{user}"), user)).collect())
        .await;
    happen(&world, &key, ["ann", "bob", "cy", "di", "ed"].iter().map(|user| order(user)).collect()).await;
    (world, owner, key)
}

fn body(more: Value) -> Value {
    let mut body = json!({"name": "Buyers", "platform": "meta", "segment": "buyers", "way": "interface", "list": "42", "token": TOKEN, "refresh_hours": 24});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

async fn save(world: &World, owner: &Browser, body: Value) {
    let saved = call(world, owner, Method::PUT, "/api/v1/audiences/buyers", body).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
}

async fn shown(world: &World, owner: &Browser) -> Value {
    get(world, owner, "/api/v1/audiences").await["rows"][0].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_agreed_is_on_the_list_and_whoever_withdraws_is_taken_off_at_once() {
    let platform = Platform::start().await;
    let (world, owner, key) = shop(&platform).await;
    save(&world, &owner, body(json!({}))).await;
    look(&world).await;
    assert!(platform.has(&["ann@example.com", "bob@example.com"]), "{:?}", platform.list);
    let audience = shown(&world, &owner).await;
    assert_eq!(
        audience["counts"],
        json!({"members": 5, "people": 2, "rows": 2, "absent": {"not_agreed": 1, "refused": 1, "unknown": 1}})
    );
    assert_eq!((&audience["on"], &audience["adding"], &audience["has_token"]), (&json!(2), &json!(0), &json!(true)));
    assert!(!audience.to_string().contains(TOKEN), "{audience}");

    // Nothing has to be refreshed for it.
    let refreshed = audience["refreshed_at"].clone();
    happen(
        &world,
        &key,
        vec![track("w-ann", "ann", "Consent Withdrawn", json!({"purpose": "sharing", "channel": "ads"}))],
    )
    .await;
    look(&world).await;
    assert!(platform.has(&["bob@example.com"]), "{:?}", platform.list);
    // Whoever is restricted, and whoever comes back.
    let bob = only_person(&world, &owner, "bob").await;
    let restricted =
        call(&world, &owner, Method::PUT, &format!("/api/v1/customers/{bob}/restriction"), json!({})).await;
    assert_eq!(restricted.status, StatusCode::OK, "{}", restricted.text());
    look(&world).await;
    assert!(platform.has(&[]), "{:?}", platform.list);
    assert_eq!(shown(&world, &owner).await["refreshed_at"], refreshed);
    let lifted =
        call(&world, &owner, Method::DELETE, &format!("/api/v1/customers/{bob}/restriction"), Value::Null).await;
    assert_eq!(lifted.status, StatusCode::NO_CONTENT, "{}", lifted.text());
    world.clock.advance(Timestamp::HOUR);
    happen(&world, &key, vec![agrees("a2-ann", "ann"), agrees("a-cy", "cy")]).await;
    look(&world).await;
    assert!(platform.has(&[]), "whoever comes on it comes with the next refresh");
    world.clock.advance(Timestamp::DAY);
    look(&world).await;
    assert!(platform.has(&["ann@example.com", "bob@example.com", "cy@example.com"]), "{:?}", platform.list);

    // Erased: the platform is told, and then nothing is known of it here.
    let ann = only_person(&world, &owner, "ann").await;
    let erased = call(&world, &owner, Method::POST, &format!("/api/v1/customers/{ann}/erasure"), json!({})).await;
    assert_eq!(erased.status, StatusCode::OK, "{}", erased.text());
    platform.is(Mood::Down);
    look(&world).await;
    assert_eq!(shown(&world, &owner).await["on"], 3, "what may still be there is known");
    platform.is(Mood::Good);
    world.clock.advance(Timestamp::MINUTE);
    look(&world).await;
    assert!(platform.has(&["bob@example.com", "cy@example.com"]), "{:?}", platform.list);
    assert_eq!(shown(&world, &owner).await["on"], 2);

    // A browser that refused turns out to be Cy's: the stricter counts. When that is taken back, he is on it again.
    let refusal = json!({"type": "track", "anonymousId": "browser", "messageId": "gpc", "event": "Consent Denied", "properties": {"purpose": "sharing", "channel": "any"}});
    happen(&world, &key, vec![refusal]).await;
    happen(
        &world,
        &key,
        vec![json!({"type": "identify", "userId": "cy", "anonymousId": "browser", "messageId": "merge"})],
    )
    .await;
    look(&world).await;
    assert!(platform.has(&["bob@example.com"]), "{:?}", platform.list);
    let cy = only_person(&world, &owner, "cy").await;
    let identity = get(&world, &owner, &format!("/api/v1/customers/{cy}/identity")).await;
    let evidence =
        identity["evidence"].as_array().unwrap().iter().find(|row| row.to_string().contains("anonymous_id")).unwrap();
    let path = format!("/api/v1/identity/evidence/{}/undo", evidence["id"].as_str().unwrap());
    let undone = call(&world, &owner, Method::POST, &path, json!({"reason": "another's browser"})).await;
    assert_eq!(undone.status, StatusCode::OK, "{}", undone.text());
    happen(&world, &key, Vec::new()).await;
    let refreshed = call(&world, &owner, Method::POST, "/api/v1/audiences/buyers/refresh", json!({})).await;
    assert_eq!(refreshed.status, StatusCode::OK, "{}", refreshed.text());
    look(&world).await;
    assert!(platform.has(&["bob@example.com", "cy@example.com"]), "{:?}", platform.list);
    // An address that changed: the old one leaves.
    world.clock.advance(2 * Timestamp::DAY);
    look(&world).await;
    let log = platform.provider.kept().len();
    look(&world).await;
    assert_eq!(platform.provider.kept().len(), log, "what is as it should be is told nobody");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_left_behind_by_what_was_cut_short() {
    let platform = Platform::start().await;
    let (world, owner, key) = shop(&platform).await;
    save(&world, &owner, body(json!({}))).await;
    // The platform has done it and nobody heard: a crash between its yes and ours is the same.
    platform.is(Mood::Silent);
    look(&world).await;
    assert!(platform.has(&["ann@example.com", "bob@example.com"]));
    let audience = shown(&world, &owner).await;
    assert_eq!((&audience["on"], &audience["adding"]), (&json!(0), &json!(2)), "{audience}");
    assert!(audience["error"].as_str().unwrap().contains("503"), "{audience}");
    let asked = platform.provider.kept().len();
    look(&world).await;
    assert_eq!(platform.provider.kept().len(), asked, "it is left alone for a minute");
    happen(
        &world,
        &key,
        vec![track("w-ann", "ann", "Consent Withdrawn", json!({"purpose": "sharing", "channel": "ads"}))],
    )
    .await;
    platform.is(Mood::Good);
    world.clock.advance(Timestamp::MINUTE);
    look(&world).await;
    assert!(platform.has(&["bob@example.com"]), "{:?}", platform.list);
    let last: Vec<String> = platform.provider.kept()[asked..].iter().map(|posted| posted.method.clone()).collect();
    assert_eq!(last, ["DELETE", "POST"], "whoever leaves, leaves first");
    assert_eq!(shown(&world, &owner).await["error"], Value::Null);

    // Emptied, and kept empty; deleted once the list is empty, and not before.
    let emptied = call(&world, &owner, Method::POST, "/api/v1/audiences/buyers/empty", json!({})).await;
    assert_eq!(emptied.status, StatusCode::OK, "{}", emptied.text());
    look(&world).await;
    world.clock.advance(3 * Timestamp::DAY);
    look(&world).await;
    assert!(platform.has(&[]), "{:?}", platform.list);
    let refreshed = call(&world, &owner, Method::POST, "/api/v1/audiences/buyers/refresh", json!({})).await;
    assert_eq!(refreshed.json()["state"], "live");
    look(&world).await;
    assert!(platform.has(&["bob@example.com"]), "{:?}", platform.list);
    let moved = call(&world, &owner, Method::PUT, "/api/v1/audiences/buyers", body(json!({"list": "43"}))).await;
    assert_eq!(moved.status, StatusCode::CONFLICT, "{}", moved.text());
    platform.is(Mood::Down);
    let deleted = call(&world, &owner, Method::DELETE, "/api/v1/audiences/buyers", Value::Null).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT, "{}", deleted.text());
    look(&world).await;
    assert_eq!(shown(&world, &owner).await["state"], "deleting");
    platform.is(Mood::Good);
    world.clock.advance(Timestamp::HOUR);
    look(&world).await;
    assert!(platform.has(&[]), "{:?}", platform.list);
    assert_eq!(get(&world, &owner, "/api/v1/audiences").await["rows"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_platform_has_its_file_and_what_cannot_work_is_refused() {
    let platform = Platform::start().await;
    let (world, owner, key) = shop(&platform).await;
    let by_file = |platform: &str| body(json!({"platform": platform, "way": "file", "list": "", "token": null}));
    let traits = json!({"phone": "+16505551212", "lastName": "Lee", "country": "US", "zip": "94035"});
    happen(&world, &key, vec![json!({"type": "identify", "userId": "ann", "messageId": "more", "traits": traits})])
        .await;
    let (ann, bob) = (sha256("ann@example.com"), sha256("bob@example.com"));
    let number = sha256("+16505551212");
    let digits = sha256("16505551212");
    let (first, last) = (sha256("ann"), sha256("lee"));
    let names_of_bob = sha256("bob");
    for (name, wanted) in [
        (
            "google",
            format!(
                "Email,Phone,First Name,Last Name,Country,Zip\r\n{ann},{number},{first},{last},US,94035\r\n{bob},,,,,\r\n"
            ),
        ),
        (
            "meta",
            format!(
                "email,phone,fn,ln,zip,country\r\n{ann},{digits},{first},{last},{},{}\r\n{bob},,{names_of_bob},,,\r\n",
                sha256("94035"),
                sha256("us")
            ),
        ),
        ("tiktok", format!("Email_SHA256,Phone_SHA256\r\n{ann},{digits}\r\n{bob},\r\n")),
        ("linkedin", format!("email\r\n{ann}\r\n{bob}\r\n")),
        ("pinterest", format!("{ann}\r\n{bob}\r\n")),
    ] {
        save(&world, &owner, by_file(name)).await;
        let file = world.get("/api/v1/audiences/buyers/file", &owner.reads()).await;
        let mut lines: Vec<String> = file.text().split_inclusive("\r\n").map(str::to_owned).collect();
        let mut wanted: Vec<String> = wanted.split_inclusive("\r\n").map(str::to_owned).collect();
        lines.sort();
        wanted.sort();
        if name == "google" || name == "tiktok" {
            // Ed has a number nowhere, and no address.
            assert!(!file.text().contains(&sha256("ed")));
        }
        assert_eq!(lines, wanted, "{name}");
        assert!(file.header("content-disposition").contains(&format!("buyers-{name}.csv")));
    }
    look(&world).await;
    let audience = shown(&world, &owner).await;
    assert_eq!((&audience["counts"]["people"], &audience["on"]), (&json!(2), &json!(0)), "{audience}");
    assert_eq!(platform.provider.kept().len(), 0);
    for (bad, word) in [
        (json!({"platform": "myspace"}), "platform"),
        (json!({"platform": "google"}), "way"),
        (json!({"way": "pigeon"}), "way"),
        (json!({"list": "../me"}), "list"),
        (json!({"token": ""}), "token"),
        (json!({"token": "two words"}), "token"),
        (json!({"segment": "nobody"}), "segment"),
        (json!({"refresh_hours": 0}), "refresh_hours"),
        (json!({"name": " "}), "name"),
    ] {
        let refused = call(&world, &owner, Method::PUT, "/api/v1/audiences/other", body(bad.clone())).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}: {}", refused.text());
        assert!(refused.text().contains(word) && !refused.text().contains(TOKEN), "{bad}: {}", refused.text());
    }
    let analyst = world.browser(Role::Analyst).await;
    assert_eq!(world.get("/api/v1/audiences/buyers/file", &analyst.reads()).await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        call(&world, &analyst, Method::POST, "/api/v1/audiences/buyers/empty", json!({})).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(world.get("/api/v1/audiences/none/file", &owner.reads()).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        call(&world, &owner, Method::DELETE, "/api/v1/audiences/buyers", Value::Null).await.status,
        StatusCode::NO_CONTENT
    );
}
