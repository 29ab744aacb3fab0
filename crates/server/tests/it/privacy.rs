//! Consent, preferences by link, access, erasure and restriction.

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use rapport_domain::{Timestamp, WorkspaceId};
use rapport_server::auth::Role;
use rapport_server::erasing;
use serde_json::{Value, json};

use crate::world::{Answer, Browser, World};

const FIRST: WorkspaceId = WorkspaceId(1);
const ANN: &str = "ann@example.com";

async fn send(world: &World, key: &str, calls: Vec<Value>) {
    world.clock.advance(Timestamp::SECOND);
    let answer = world.collect("/v1/batch", key, json!({ "batch": calls }).to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    world.app.pipeline.drain().await.unwrap();
}

fn track(number: u32, user: &str, event: &str, properties: Value) -> Value {
    json!({"type": "track", "userId": user, "event": event, "messageId": format!("m{number}"), "properties": properties})
}

fn identify(number: u32, user: &str, email: &str) -> Value {
    json!({"type": "identify", "userId": user, "messageId": format!("i{number}"), "traits": {"email": email, "name": "Ann Example"}})
}

async fn call(world: &World, browser: &Browser, method: Method, path: &str, body: Value) -> Answer {
    world.clock.advance(Timestamp::SECOND);
    let [cookie, token] = browser.writes();
    let headers = [cookie, token, ("content-type", "application/json")];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    world.request(method, path, &headers, body).await
}

async fn get(world: &World, browser: &Browser, path: &str) -> Value {
    let answer = world.get(path, &browser.reads()).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    answer.json()
}

/// The number of the only customer.
async fn only_customer(world: &World, browser: &Browser) -> String {
    let rows = get(world, browser, "/api/v1/customers").await;
    assert_eq!(rows["rows"].as_array().unwrap().len(), 1, "{rows}");
    rows["rows"][0]["person_id"].as_str().unwrap().to_owned()
}

async fn verdict(
    world: &World,
    browser: &Browser,
    person: &str,
    purpose: &str,
    channel: Value,
    topic: Value,
) -> String {
    let found = get(world, browser, &format!("/api/v1/customers/{person}/consents")).await;
    let standings = found["standings"].as_array().unwrap();
    let is_it = |it: &&Value| it["purpose"] == purpose && it["channel"] == channel && it["topic"] == topic;
    standings.iter().find(is_it).unwrap_or_else(|| panic!("{found}"))["verdict"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_is_said_holds_and_is_shown_with_its_proof() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Web", None).await;
    let said = json!({"channel": "email", "method": "form", "notice": "newsletter", "notice_version": 3, "locale": "de", "evidence": {"page": "/join"}});
    send(&world, &key, vec![identify(1, "ann", ANN), track(1, "ann", "Consent Granted", said)]).await;
    let person = only_customer(&world, &owner).await;
    assert_eq!(verdict(&world, &owner, &person, "marketing", json!("email"), Value::Null).await, "granted");
    assert_eq!(verdict(&world, &owner, &person, "marketing", json!("sms"), Value::Null).await, "unknown");
    let found = get(&world, &owner, &format!("/api/v1/customers/{person}/consents")).await;
    let statements = found["statements"].as_array().unwrap();
    assert_eq!(statements.len(), 1, "once, though Ann has two identifiers: {found}");
    assert_eq!(
        [
            &statements[0]["notice"],
            &statements[0]["notice_version"],
            &statements[0]["method"],
            &statements[0]["evidence"]["page"]
        ],
        [&json!("newsletter"), &json!(3), &json!("form"), &json!("/join")]
    );
    // Staff note what was said on the telephone.
    let path = format!("/api/v1/customers/{person}/consents");
    let agent = world.browser(Role::Agent).await;
    let noted =
        call(&world, &agent, Method::POST, &path, json!({"state": "withdrawn", "channel": "email", "method": "phone"}))
            .await;
    assert_eq!(noted.status, StatusCode::ACCEPTED, "{}", noted.text());
    world.app.pipeline.drain().await.unwrap();
    assert_eq!(verdict(&world, &owner, &person, "marketing", json!("email"), Value::Null).await, "denied");
    let found = get(&world, &owner, &path).await;
    assert!(found["statements"][0]["actor"].as_str().unwrap().starts_with("usr_"), "{found}");
    // What cannot be is refused and leaves nothing.
    for (body, field) in [
        (json!({"state": "maybe", "channel": "email"}), "state"),
        (json!({"state": "granted", "channel": "pigeon"}), "channel"),
        (json!({"state": "granted", "channel": "email", "topic": "none"}), "topic"),
        (json!({"state": "granted", "channel": "email", "purpose": "fun"}), "purpose"),
        (json!({"state": "granted", "channel": "email", "method": "double_opt_in"}), "method"),
        (json!({"state": "granted", "channel": "email", "evidence": {"long": "x".repeat(5_000)}}), "evidence"),
    ] {
        let refused = call(&world, &agent, Method::POST, &path, body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
        assert!(refused.text().contains(field), "{}", refused.text());
    }
    let viewer = world.browser(Role::Viewer).await;
    let refused = call(&world, &viewer, Method::POST, &path, json!({"state": "granted", "channel": "email"})).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    world.app.pipeline.drain().await.unwrap();
    assert_eq!(get(&world, &owner, &path).await["statements"].as_array().unwrap().len(), 2);
}

/// How many of a kind an overview counts now.
fn counts(overview: &Value, purpose: &str, channel: &Value) -> Value {
    let scopes = overview["scopes"].as_array().unwrap();
    let is_it = |it: &&Value| it["purpose"] == purpose && it["channel"] == *channel && it["topic"].is_null();
    scopes.iter().find(is_it).unwrap_or_else(|| panic!("{overview}"))["now"].clone()
}

#[tokio::test]
async fn what_all_agreed_to_is_counted_by_people_and_listed_by_statement() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Web", None).await;
    let granted = |number: u32, user: &str, more: Value| {
        let mut said = json!({"channel": "email", "method": "form", "notice": "newsletter", "notice_version": 3});
        said.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        track(number, user, "Consent Granted", said)
    };
    let calls = vec![
        identify(1, "ann", ANN),
        identify(2, "bob", "bob@example.com"),
        identify(3, "eve", "eve@example.com"),
        granted(1, "ann", json!({})),
        granted(2, "bob", json!({})),
    ];
    send(&world, &key, calls).await;
    let early = get(&world, &owner, "/api/v1/consents/overview").await;
    assert_eq!(early["people"], 3);
    let four = |granted: u64, denied: u64| json!({"granted": granted, "denied": denied, "pending": 0, "expired": 0});
    assert_eq!(counts(&early, "marketing", &json!("email")), four(2, 0));
    assert_eq!(counts(&early, "marketing", &json!("sms")), four(0, 0));
    assert_eq!(
        early["texts"],
        json!([{"key": "newsletter", "version": 3, "locales": [], "created_at": null, "people": 2}])
    );
    world.clock.advance(40 * Timestamp::DAY);
    let owner = Browser::of(&world.sign_in("owner@example.org", crate::world::PASSWORD).await);
    let calls = vec![
        track(3, "bob", "Consent Withdrawn", json!({"channel": "any"})),
        track(4, "eve", "Consent Denied", json!({"channel": "sms", "purpose": "marketing"})),
    ];
    send(&world, &key, calls).await;
    let late = get(&world, &owner, "/api/v1/consents/overview?days=50").await;
    assert_eq!(counts(&late, "marketing", &json!("email")), four(1, 1));
    assert_eq!(counts(&late, "marketing", &json!("sms")), four(0, 2));
    let email = late["scopes"].as_array().unwrap().iter().find(|it| it["channel"] == "email").unwrap();
    let course: Vec<u64> =
        email["course"].as_array().unwrap().iter().map(|it| it["granted"].as_u64().unwrap()).collect();
    assert_eq!((course.len(), course[0], course[10], course[24], course[25]), (26, 0, 2, 2, 1), "{course:?}");
    assert_eq!(late["texts"][0]["people"], 1);
    // Each once, although it is noted for every identifier of its person; a page at a time.
    let list = async |query: &str| get(&world, &owner, &format!("/api/v1/consents?{query}")).await;
    let all = list("").await;
    let rows = all["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 4, "{all}");
    assert_eq!((&rows[0]["name"], &rows[0]["actor"]), (&json!("Ann Example"), &json!("person")));
    let mut paged = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = list(&format!("limit=1&cursor={cursor}")).await;
        paged.extend(page["rows"].as_array().unwrap().clone());
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(&paged, rows);
    let denied = list("state=denied").await;
    assert_eq!((denied["rows"].as_array().unwrap().len(), &denied["rows"][0]["channel"]), (1, &json!("sms")));
    assert_eq!(list("notice=newsletter&method=form").await["rows"].as_array().unwrap().len(), 2);
    assert_eq!(list("purpose=sharing").await["rows"], json!([]));
    let wrong = world.get("/api/v1/consents/overview?days=3", &owner.reads()).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
}

/// A browser that asks not to sell or share what it tells is heard, once.
#[tokio::test]
async fn the_signal_of_a_browser_is_a_refusal_to_share() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Web", None).await;
    for number in 1..4 {
        let body = track(number, "ann", "Page Viewed", json!({})).to_string();
        let authorization =
            format!("Basic {}", base64::Engine::encode(&base64::prelude::BASE64_STANDARD, format!("{key}:")));
        let headers =
            [("authorization", authorization.as_str()), ("content-type", "application/json"), ("sec-gpc", "1")];
        let answer = world.request(Method::POST, "/v1/track", &headers, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        world.app.pipeline.drain().await.unwrap();
    }
    // Also of a browser that only loads a picture.
    let pixel = format!("/pixel/v1/track?writeKey={key}&userId=eve&event=Page+Viewed");
    assert_eq!(world.get(&pixel, &[("sec-gpc", "1")]).await.status, StatusCode::OK);
    world.app.pipeline.drain().await.unwrap();
    let rows = get(&world, &owner, "/api/v1/customers?search=eve").await;
    let eve = rows["rows"][0]["person_id"].as_str().unwrap().to_owned();
    assert_eq!(verdict(&world, &owner, &eve, "sharing", Value::Null, Value::Null).await, "denied");
    let wanted = erasing::Wanted {
        workspace: FIRST,
        person: rapport_domain::PersonId(eve.parse().unwrap()),
        actor: "test",
        suppress: false,
    };
    erasing::erase(&world.app.installation, &world.app.pipeline, wanted).await.unwrap();
    // That it is heard is said where browsers look for it.
    let said = world.get("/.well-known/gpc.json", &[]).await;
    assert_eq!((said.status, said.header("content-type")), (StatusCode::OK, "application/json"));
    let said = said.json();
    assert_eq!(said["gpc"], true);
    let date = said["lastUpdate"].as_str().unwrap();
    assert!(
        Timestamp::parse(&format!("{date}T00:00:00Z"))
            .is_some_and(|at| at <= world.clock_now().plus(30 * Timestamp::DAY)),
        "{said}"
    );
    let person = only_customer(&world, &owner).await;
    assert_eq!(verdict(&world, &owner, &person, "sharing", Value::Null, Value::Null).await, "denied");
    assert_eq!(verdict(&world, &owner, &person, "marketing", json!("email"), Value::Null).await, "unknown");
    let found = get(&world, &owner, &format!("/api/v1/customers/{person}/consents")).await;
    assert_eq!(found["statements"].as_array().unwrap().len(), 1);
}

async fn topic(world: &World, owner: &Browser, key: &str, double_opt_in: bool) {
    let body = json!({"names": {"en": "Weekly news", "zh": "每周新闻"}, "descriptions": {"en": "What is new."}, "channels": ["email"], "double_opt_in": double_opt_in});
    let saved = call(world, owner, Method::PUT, &format!("/api/v1/privacy/topics/{key}"), body).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
}

#[tokio::test]
async fn a_topic_that_must_be_confirmed_waits() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Web", None).await;
    topic(&world, &owner, "news", true).await;
    let claimed = json!({"topic": "news", "method": "double_opt_in"});
    send(&world, &key, vec![track(1, "ann", "Consent Granted", claimed)]).await;
    let person = only_customer(&world, &owner).await;
    let standing = async || verdict(&world, &owner, &person, "marketing", json!("email"), json!("news")).await;
    assert_eq!(standing().await, "pending");
    let link =
        get(&world, &owner, &format!("/api/v1/customers/{person}/confirmation-link?channel=email&topic=news")).await;
    let path = path_of(link["url"].as_str().unwrap());
    let preferences = get(&world, &owner, &format!("/api/v1/customers/{person}/preference-link")).await;
    let preferences = path_of(preferences["url"].as_str().unwrap());
    // Neither looking confirms, nor another link of theirs, which is in every mail that is passed on.
    assert_eq!(world.get(&path, &[]).await.status, StatusCode::OK);
    let other = form(&world, &preferences.replace("/preferences/", "/confirm/"), "").await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
    assert_eq!(world.get(&path.replace("/confirm/", "/preferences/"), &[]).await.status, StatusCode::NOT_FOUND);
    world.app.pipeline.drain().await.unwrap();
    assert_eq!(standing().await, "pending");
    for _ in 0..2 {
        assert_eq!(form(&world, &path, "").await.status, StatusCode::OK);
        world.app.pipeline.drain().await.unwrap();
        assert_eq!(standing().await, "granted");
    }
    let found = get(&world, &owner, &format!("/api/v1/customers/{person}/consents")).await;
    assert_eq!(found["statements"].as_array().unwrap().len(), 2, "confirmed once: {found}");
    // Who has left since does not come back by an old mail.
    form(&world, &preferences, "act=leave").await;
    world.app.pipeline.drain().await.unwrap();
    assert_eq!(form(&world, &path, "").await.status, StatusCode::NOT_FOUND);
    world.app.pipeline.drain().await.unwrap();
    assert_eq!(standing().await, "denied");
}

fn path_of(url: &str) -> String {
    format!("/{}", url.splitn(4, '/').nth(3).unwrap())
}

/// Keeps the pipeline running, as the server does.
fn run(world: &World) -> tokio::sync::watch::Sender<bool> {
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let pipeline = Arc::clone(&world.app.pipeline);
    tokio::spawn(async move { pipeline.run(stopped).await });
    stop
}

/// Sends a form as a browser or a mail program does.
async fn form(world: &World, path: &str, text: &str) -> Answer {
    world.clock.advance(Timestamp::SECOND);
    world.request(Method::POST, path, &[("content-type", "application/x-www-form-urlencoded")], text.to_owned()).await
}

#[tokio::test]
async fn people_choose_by_a_link_without_signing_in() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Web", None).await;
    topic(&world, &owner, "news", false).await;
    send(&world, &key, vec![identify(1, "ann", ANN), track(1, "ann", "Consent Granted", json!({"topic": "news"}))])
        .await;
    let person = only_customer(&world, &owner).await;
    let link = get(&world, &owner, &format!("/api/v1/customers/{person}/preference-link")).await;
    let path = path_of(link["url"].as_str().unwrap());
    let running = run(&world);
    let page = world.get(&path, &[("accept-language", "zh-CN")]).await;
    assert_eq!(page.status, StatusCode::OK);
    let text = page.text();
    assert!(text.contains("每周新闻") && text.contains("checked"), "{text}");
    assert!(!text.contains(ANN), "a link that is passed on shows no address: {text}");
    assert!(!text.contains("<script"), "it works without one");
    assert_eq!(page.header("cache-control"), "no-store");
    // A form that did not come whole takes nothing away.
    for part in ["", "frequency=monthly&language=zh", "act=sav"] {
        let kept = form(&world, &path, part).await;
        assert!(kept.text().contains("Nothing was changed") && kept.text().contains("checked"), "{}", kept.text());
    }
    assert!(text.contains(r#"<input type="hidden" name="act" value="save">"#), "{text}");
    // Whoever takes the tick away does not agree any more; language and frequency are remembered.
    let saved = form(&world, &path, "act=save&frequency=monthly&language=zh").await;
    assert_eq!(saved.status, StatusCode::OK);
    assert!(saved.text().contains("已保存") && !saved.text().contains("checked"), "{}", saved.text());
    assert_eq!(verdict(&world, &owner, &person, "marketing", json!("email"), json!("news")).await, "denied");
    let found = get(&world, &owner, &format!("/api/v1/customers/{person}/consents")).await;
    assert_eq!([&found["frequency"], &found["language"]], [&json!("monthly"), &json!("zh")]);
    assert_eq!(found["statements"][0]["method"], "preference_centre");
    // The same again says nothing more.
    form(&world, &path, "act=save&frequency=monthly&language=zh").await;
    let again = get(&world, &owner, &format!("/api/v1/customers/{person}/consents")).await;
    assert_eq!(again["statements"].as_array().unwrap().len(), 2);
    let back = form(&world, &path, "act=save&choice=email%3Anews").await;
    assert!(back.text().contains("checked"), "{}", back.text());
    assert_eq!(verdict(&world, &owner, &person, "marketing", json!("email"), json!("news")).await, "granted");
    // Asking for one's data is for the company to answer, once.
    for _ in 0..2 {
        form(&world, &path, "act=erasure").await;
    }
    let requests = get(&world, &owner, "/api/v1/privacy/requests").await;
    assert_eq!(requests["rows"].as_array().unwrap().len(), 1, "{requests}");
    assert_eq!([&requests["rows"][0]["kind"], &requests["rows"][0]["state"]], [&json!("erasure"), &json!("received")]);
    for (kind, act) in [("access", "access"), ("erasure", "erasure")] {
        form(&world, &path, &format!("act={act}")).await;
        let done = call(&world, &owner, Method::POST, &format!("/api/v1/customers/{person}/{kind}"), json!({})).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        let requests = get(&world, &owner, "/api/v1/privacy/requests").await;
        let open = requests["rows"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|row| row["kind"] == kind && row["finished_at"].is_null());
        assert_eq!(open.count(), 0, "what was asked for is answered: {requests}");
    }
    // Of who was forgotten, and others' texts, are no links.
    assert_eq!(world.get(&path, &[]).await.status, StatusCode::NOT_FOUND);
    for text in ["x", &path["/preferences/".len()..path.len() - 2], "AAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        let nothing = world.get(&format!("/preferences/{text}"), &[]).await;
        assert_eq!(nothing.status, StatusCode::NOT_FOUND);
        let nothing = form(&world, &format!("/unsubscribe/{text}"), "").await;
        assert_eq!(nothing.status, StatusCode::NOT_FOUND);
    }
    drop(running);
}

/// RFC 8058: a program that follows links changes nothing; the button of a mail program does, without cookies, as often as it likes.
#[tokio::test]
async fn one_click_unsubscribes_and_looking_does_not() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Web", None).await;
    send(&world, &key, vec![identify(1, "ann", ANN), track(1, "ann", "Consent Granted", json!({}))]).await;
    let person = only_customer(&world, &owner).await;
    let link = get(&world, &owner, &format!("/api/v1/customers/{person}/preference-link")).await;
    let path = path_of(link["url"].as_str().unwrap()).replace("/preferences/", "/unsubscribe/");
    for method in [Method::GET, Method::HEAD] {
        let looked = world.request(method, &path, &[], "").await;
        assert_eq!(looked.status, StatusCode::OK);
    }
    world.app.pipeline.drain().await.unwrap();
    assert_eq!(verdict(&world, &owner, &person, "marketing", json!("email"), Value::Null).await, "granted");
    for _ in 0..2 {
        let left = form(&world, &path, "List-Unsubscribe=One-Click").await;
        assert_eq!(left.status, StatusCode::OK, "no redirect: {}", left.text());
        world.app.pipeline.drain().await.unwrap();
    }
    assert_eq!(verdict(&world, &owner, &person, "marketing", json!("email"), Value::Null).await, "denied");
    let found = get(&world, &owner, &format!("/api/v1/customers/{person}/consents")).await;
    assert_eq!(found["statements"].as_array().unwrap().len(), 2, "{found}");
    assert_eq!(found["statements"][0]["method"], "one_click");
}

/// Somebody agrees again and leaves at once: what they said last counts, though the program has not heard of the agreement yet.
#[tokio::test]
async fn who_leaves_while_an_agreement_is_on_its_way_has_left() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Web", None).await;
    send(&world, &key, vec![identify(1, "ann", ANN)]).await;
    let person = only_customer(&world, &owner).await;
    let link = get(&world, &owner, &format!("/api/v1/customers/{person}/preference-link")).await;
    let choices = path_of(link["url"].as_str().unwrap());
    let leave = choices.replace("/preferences/", "/unsubscribe/");
    world.clock.advance(Timestamp::MINUTE);
    let agreed = json!({"batch": [track(2, "ann", "Consent Granted", json!({}))]}).to_string();
    form(&world, &leave, "List-Unsubscribe=One-Click").await;
    world.app.pipeline.drain().await.unwrap();
    assert_eq!(world.collect("/v1/batch", &key, agreed).await.status, StatusCode::OK);
    form(&world, &leave, "List-Unsubscribe=One-Click").await;
    world.app.pipeline.drain().await.unwrap();
    assert_eq!(verdict(&world, &owner, &person, "marketing", json!("email"), Value::Null).await, "denied");
}

/// Whether a text stands in any file of the data folder as it is, or in any value of the product database.
async fn stands_somewhere(world: &World, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let store = &world.app.installation.store;
    let tables = "SELECT s.name, c.name FROM sqlite_schema s, pragma_table_info(s.name) c WHERE s.type = 'table'";
    let tables: Vec<(String, String)> = rapport_store::Queries::fetch_all(
        &mut store.read(),
        rapport_store::Sql::assembled(tables.to_owned()),
        rapport_store::args![],
    )
    .await
    .unwrap();
    for (table, column) in tables {
        let look = format!("SELECT COUNT(*) FROM \"{table}\" WHERE CAST(\"{column}\" AS TEXT) LIKE '%{text}%'");
        let count: i64 = rapport_store::Queries::scalar(
            &mut store.read(),
            rapport_store::Sql::assembled(look),
            rapport_store::args![],
        )
        .await
        .unwrap();
        if count > 0 {
            found.push(format!("{table}.{column}"));
        }
    }
    let mut folders = vec![world.app.installation.folder.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if std::fs::read(&path).unwrap().windows(text.len()).any(|window| window == text.as_bytes()) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

#[tokio::test]
async fn somebody_is_shown_all_and_then_forgotten_everywhere() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Web", None).await;
    let order = json!({"order_id": "o-1", "revenue": 30, "currency": "EUR", "coupon": "SECRETCOUPON"});
    let review = json!({"text": "Zebrafish love it", "rating": 5});
    send(
        &world,
        &key,
        vec![
            identify(1, "ann", ANN),
            track(1, "ann", "Order Completed", order),
            track(2, "ann", "Product Reviewed", review),
            track(3, "ann", "Consent Granted", json!({})),
            track(4, "bob", "Page Viewed", json!({})),
        ],
    )
    .await;
    world.app.installation.lake.flush(FIRST).await.unwrap();
    send(&world, &key, vec![track(5, "ann", "Page Viewed", json!({"coupon": "SECRETCOUPON"}))]).await;
    let rows = get(&world, &owner, "/api/v1/customers").await;
    let of = |rows: &Value, name: &str| {
        let rows = rows["rows"].as_array().unwrap();
        rows.iter().find(|row| row["name"] == name).map(|row| row["person_id"].as_str().unwrap().to_owned())
    };
    let person = of(&rows, "Ann Example").unwrap();

    // Only who manages privacy may have it; then it is all there.
    let analyst = world.browser(Role::Analyst).await;
    for path in ["access", "erasure"] {
        let refused =
            call(&world, &analyst, Method::POST, &format!("/api/v1/customers/{person}/{path}"), json!({})).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
    }
    let pack = call(&world, &owner, Method::POST, &format!("/api/v1/customers/{person}/access"), Value::Null).await;
    assert_eq!(pack.status, StatusCode::OK, "{}", pack.text());
    let pack = pack.json();
    for table in ["identifiers", "persons", "facts", "orders", "texts", "consents"] {
        assert!(pack["tables"][table].as_array().is_some_and(|rows| !rows.is_empty()), "{table} in {pack}");
        assert!(pack["purposes"][table]["used_for"].is_array(), "{table}");
    }
    assert_eq!(pack["events"].as_array().unwrap().len(), 5, "{pack}");
    assert!(pack.to_string().contains("Zebrafish"));
    let page =
        call(&world, &owner, Method::POST, &format!("/api/v1/customers/{person}/access?format=html"), Value::Null)
            .await;
    assert!(page.text().contains("Zebrafish") && page.header("content-disposition").starts_with("attachment"));
    let refused =
        call(&world, &owner, Method::POST, &format!("/api/v1/customers/{person}/access?format=pdf"), Value::Null).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);

    let erased = call(&world, &owner, Method::POST, &format!("/api/v1/customers/{person}/erasure"), json!({})).await;
    assert_eq!(erased.status, StatusCode::OK, "{}", erased.text());
    let erased = erased.json();
    assert_eq!([&erased["state"], &erased["person_id"]], [&json!("done"), &Value::Null]);
    assert_eq!(erased["report"]["events"], 5);
    assert_eq!(erased["report"]["database_log_emptied"], true);
    assert_eq!(erased["report"]["tables"]["texts"], 1);
    assert!(erased["report"]["files_rewritten"].as_u64() >= Some(1), "her rows are out of the files too: {erased}");
    for text in [ANN, "Zebrafish", "Ann Example"] {
        assert_eq!(stands_somewhere(&world, text).await, Vec::<String>::new(), "{text}");
    }
    let gone = world.get(&format!("/api/v1/customers/{person}"), &owner.reads()).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    let lake = &world.app.installation.lake;
    let person_id = rapport_domain::PersonId(person.parse().unwrap());
    assert!(lake.person_events(FIRST, person_id, None, None, 100).await.unwrap().is_empty());
    // The sale stays in the books, without the customer.
    let orders: i64 = rapport_store::Queries::scalar(
        &mut world.app.installation.store.read(),
        rapport_store::Sql::assembled("SELECT COUNT(*) FROM orders WHERE handle = 0 AND order_id = 'o-1'".to_owned()),
        rapport_store::args![],
    )
    .await
    .unwrap();
    assert_eq!(orders, 1);
    let told =
        rapport_store::outbox::batch(&mut world.app.installation.store.read(), FIRST, "test", 100).await.unwrap();
    let told =
        told.events.iter().find(|event| event.name == erasing::ERASED).expect("whoever was told of her hears it");
    assert_eq!(told.payload["person_id"], json!(person));

    // What is sent again does not bring her back, and her source says so; others go on.
    send(
        &world,
        &key,
        vec![
            track(6, "ann", "Page Viewed", json!({})),
            identify(2, "other", ANN),
            track(7, "bob", "Page Viewed", json!({})),
        ],
    )
    .await;
    let rows = get(&world, &owner, "/api/v1/customers").await;
    assert_eq!(rows["rows"].as_array().unwrap().len(), 1, "{rows}");
    let rejects = get(&world, &owner, "/api/v1/rejects").await;
    assert!(rejects.to_string().contains("suppressed") && !rejects.to_string().contains(ANN), "{rejects}");
    // Also after a restart.
    let again = rapport_privacy::Suppressions::open(&world.app.installation.store).await.unwrap();
    let email = rapport_domain::Identifier { kind: rapport_domain::IdentifierKind::Email, value: ANN.to_owned() };
    assert!(again.holds(FIRST, &[email]));
    // Unless she comes back herself.
    let lift = json!({"kind": "user_id", "value": "ann"});
    let lifted = call(&world, &owner, Method::POST, "/api/v1/privacy/suppressions/lift", lift.clone()).await;
    assert_eq!(lifted.status, StatusCode::NO_CONTENT);
    let nobody = call(&world, &owner, Method::POST, "/api/v1/privacy/suppressions/lift", lift).await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
    send(&world, &key, vec![track(8, "ann", "Page Viewed", json!({}))]).await;
    let rows = get(&world, &owner, "/api/v1/customers").await;
    assert_eq!(rows["rows"].as_array().unwrap().len(), 2, "{rows}");
}

/// Cut short between the database's commit and the files, an erasure is finished at the next start.
#[tokio::test]
async fn an_erasure_that_was_cut_short_is_finished() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Web", None).await;
    send(&world, &key, vec![identify(1, "ann", ANN)]).await;
    let person = only_customer(&world, &owner).await;
    let installation = &world.app.installation;
    installation.lake.flush(FIRST).await.unwrap();
    let wanted = erasing::Wanted {
        workspace: FIRST,
        person: rapport_domain::PersonId(person.parse().unwrap()),
        actor: "usr_1",
        suppress: true,
    };
    let row = erasing::request(installation, wanted, "erasure", "running");
    let mut tx = installation.store.begin(rapport_store::Priority::Background).await.unwrap();
    rapport_privacy::records::requests::save(&mut tx, FIRST, &row).await.unwrap();
    tx.commit().await.unwrap();
    erasing::resume(installation).await.unwrap();
    let requests = get(&world, &owner, "/api/v1/privacy/requests").await;
    assert_eq!(requests["rows"][0]["state"], "done", "{requests}");
}

#[tokio::test]
async fn what_is_restricted_is_kept_and_shown_as_such() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Web", None).await;
    send(&world, &key, vec![track(1, "ann", "Page Viewed", json!({}))]).await;
    let person = only_customer(&world, &owner).await;
    let path = format!("/api/v1/customers/{person}/restriction");
    let since =
        async || get(&world, &owner, &format!("/api/v1/customers/{person}/consents")).await["restricted_since"].clone();
    assert_eq!(since().await, Value::Null);
    for _ in 0..2 {
        let done = call(&world, &owner, Method::PUT, &path, Value::Null).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
    }
    assert!(since().await.is_string());
    let lifted = call(&world, &owner, Method::DELETE, &path, Value::Null).await;
    assert_eq!(lifted.status, StatusCode::NO_CONTENT);
    assert_eq!(since().await, Value::Null);
}
