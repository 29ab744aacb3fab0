//! A survey asks with letters of its own: they are what is sent, on both engines; what cannot ask is refused, and never sent.

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_server::installation::MIGRATIONS;
use rapport_store::testing::{TestDatabase, on_postgres, on_sqlite};
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, link, settle, text_of, track, world_over};
use crate::sink::{Manner, Sink};
use crate::world::{Answer, Browser, World};

const SURVEYS: &str = "/api/v1/surveys";

#[test]
fn what_is_sent_is_the_survey_s_own_letter_on_sqlite() {
    on_sqlite(MIGRATIONS.to_vec(), own_letters);
}

#[test]
fn what_is_sent_is_the_survey_s_own_letter_on_postgres() {
    on_postgres(MIGRATIONS.to_vec(), own_letters);
}

/// A letter that says this, with a button that leads there, in each of some languages.
fn letter(words: &str, leads: &[(&str, &str)]) -> Value {
    let of = |url: &str| {
        let text =
            format!("{words} [No more]({{{{ unsubscribe_url }}}}) {{{{ company.name }}}}, {{{{ company.address }}}}");
        json!({"subject": words, "blocks": [{"text": {"text": text}}, {"button": {"label": "Go", "url": url}}]})
    };
    leads.iter().map(|(language, url)| ((*language).to_owned(), of(url))).collect::<serde_json::Map<_, _>>().into()
}

const LEADS: (&str, &str) = ("en", "{{ survey.url }}");

async fn template(world: &World, owner: &Browser, name: &str, content: Value) -> String {
    let template = json!({"name": name, "purpose": "service", "default_language": "en", "content": content});
    let made = call(world, owner, Method::POST, "/api/v1/message-templates", json!({ "template": template })).await;
    assert!(made.status.is_success(), "{}", made.text());
    made.json()["summary"]["key"].as_str().unwrap().to_owned()
}

async fn definition(world: &World, owner: &Browser, asking: Value) -> Value {
    let mut definition = get(world, owner, "/api/v1/survey-templates/delivery").await["definition"].clone();
    definition["asking"]["when"] = json!({"event": {"name": "Order Delivered", "key": "order_id"}});
    for (name, value) in asking.as_object().unwrap() {
        definition["asking"][name] = value.clone();
    }
    definition
}

async fn create(world: &World, owner: &Browser, key: &str, asking: Value) -> Answer {
    let body = json!({"key": key, "name": "A survey", "definition": definition(world, owner, asking).await});
    call(world, owner, Method::POST, SURVEYS, body).await
}

async fn act(world: &World, owner: &Browser, key: &str, act: &str, revision: i64) -> Answer {
    let body = json!({"act": act, "revision": revision});
    call(world, owner, Method::POST, &format!("{SURVEYS}/{key}/act"), body).await
}

/// Somebody of this number got a parcel.
async fn delivered(world: &World, key: &str, number: u32) {
    let user = format!("u{number}");
    let email = format!("ann{number}@example.com");
    let known =
        json!({"type": "identify", "userId": user, "messageId": format!("i{number}"), "traits": {"email": email}});
    let order = track(&format!("d{number}"), &user, "Order Delivered", json!({"order_id": format!("o{number}")}));
    happen(world, key, vec![known]).await;
    happen(world, key, vec![order]).await;
}

/// The mails to somebody of this number.
fn to(sink: &Sink, number: u32) -> Vec<String> {
    let email = format!("ann{number}@example.com");
    sink.kept().iter().filter(|mail| mail.recipient == email).map(|mail| text_of(&mail.bytes)).collect()
}

async fn own_letters(db: TestDatabase) {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world_over(&sink, &db).await;
    let first = template(&world, &owner, "Ours", json!({"email": letter("Was the fox in time?", &[LEADS])})).await;
    let again =
        template(&world, &owner, "Ours again", json!({"email": letter("The fox asks once more", &[LEADS])})).await;
    let letters = json!({"letters": {"email": {"invitation": first, "reminder": again}}, "remind_after_days": 3});
    let made = create(&world, &owner, "delivery", letters).await;
    assert_eq!((made.status, &made.json()["findings"]), (StatusCode::OK, &json!([])), "{}", made.text());
    assert_eq!(made.json()["definition"]["asking"]["letters"]["email"]["reminder"], json!(again));
    assert_eq!(act(&world, &owner, "delivery", "open", 1).await.status, StatusCode::OK);
    delivered(&world, &key, 1).await;
    let mails = to(&sink, 1);
    assert_eq!(mails.len(), 1);
    assert!(mails[0].contains("Was the fox in time?") && !mails[0].contains("A few questions"), "{}", mails[0]);
    // Its button leads to the survey.
    let answer = world.get(&link(&mails[0], "c"), &[]).await;
    let page =
        answer.header("location").strip_prefix("https://shop.example").unwrap().split('?').next().unwrap().to_owned();
    assert!(world.get(&page, &[]).await.text().contains("How satisfied are you with the delivery"));
    world.clock.advance(3 * Timestamp::DAY + Timestamp::MINUTE);
    settle(&world).await;
    let mails = to(&sink, 1);
    assert_eq!(mails.len(), 2);
    assert!(mails[1].contains("The fox asks once more") && !mails[1].contains("our only reminder"), "{}", mails[1]);

    // A letter that lost its link since goes to nobody: the workspace's does, and the survey says so.
    let lost = json!({"template": {"name": "Ours", "purpose": "service", "default_language": "en",
        "content": {"email": letter("Was the fox in time?", &[("en", "https://shop.example/")])}}, "based_on": 1});
    let saved = call(&world, &owner, Method::PUT, &format!("/api/v1/message-templates/{first}"), lost).await;
    assert!(saved.status.is_success(), "{}", saved.text());
    delivered(&world, &key, 2).await;
    let mails = to(&sink, 2);
    assert_eq!(mails.len(), 1);
    assert!(mails[0].contains("A few questions") && !mails[0].contains("fox"), "{}", mails[0]);
    let found = get(&world, &owner, &format!("{SURVEYS}/delivery")).await["findings"].clone();
    assert_eq!(
        (&found[0]["code"], &found[0]["place"], &found[0]["severity"]),
        (&json!("letter_link"), &json!("asking.letters.email.invitation"), &json!("error")),
        "{found}"
    );
    let refused = act(&world, &owner, "delivery", "publish", 2).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text());
    let away = call(
        &world,
        &owner,
        Method::PUT,
        &format!("/api/v1/message-templates/{again}/archived"),
        json!({"archived": true}),
    )
    .await;
    assert!(away.status.is_success(), "{}", away.text());
    world.clock.advance(3 * Timestamp::DAY + Timestamp::MINUTE);
    settle(&world).await;
    let mails = to(&sink, 2);
    assert_eq!(mails.len(), 2);
    assert!(mails[1].contains("our only reminder"), "{}", mails[1]);

    // Another survey of the workspace keeps the workspace's letters.
    refusals(&world, &owner, (&first, &again)).await;
}

/// What is refused when it is saved, and what is only said.
async fn refusals(world: &World, owner: &Browser, (linkless, away): (&str, &str)) {
    let text =
        template(world, owner, "Text", json!({"text": {"en": {"body": "Hello", "url": "{{ survey.url }}"}}})).await;
    let half = json!({"email": letter("Half", &[LEADS, ("zh", "https://shop.example/")])});
    let half = template(world, owner, "Half", half).await;
    let bare = json!({"email": {"en": {"subject": "Bare", "blocks": [{"button": {"label": "Go", "url": "{{ survey.url }}"}}]}}});
    let bare = template(world, owner, "Bare", bare).await;
    for (asking, place, says) in [
        (json!({"letters": {"email": {"invitation": "nothing"}}}), "invitation", "there is no such template"),
        (
            json!({"letters": {"email": {"reminder": "nothing"}}, "remind_after_days": 2}),
            "reminder",
            "there is no such template",
        ),
        (json!({"letters": {"email": {"invitation": away}}}), "invitation", "put away"),
        (json!({"letters": {"email": {"invitation": text}}}), "invitation", "for another channel"),
        (json!({"letters": {"email": {"invitation": linkless}}}), "invitation", "does not lead to the survey in en"),
        (json!({"letters": {"email": {"invitation": half}}}), "invitation", "does not lead to the survey in zh"),
        (
            json!({"basis": "marketing", "letters": {"email": {"invitation": bare}}}),
            "invitation",
            "must find a way out",
        ),
    ] {
        let refused = create(world, owner, "other", asking.clone()).await;
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{asking}");
        assert!(detail.starts_with(&format!("asking.letters.email.{place}: ")) && detail.contains(says), "{detail}");
        // Whoever writes it is told before.
        let body = json!({"definition": definition(world, owner, asking).await});
        let found = call(world, owner, Method::POST, "/api/v1/survey-check", body).await.json();
        assert!(found["rows"].to_string().contains(says), "{found}");
    }
    assert_eq!(get(world, owner, SURVEYS).await["rows"].as_array().unwrap().len(), 1);
    // About what they just got nobody needs a way out; what no message uses is a warning.
    let asking = json!({"letters": {"email": {"invitation": bare}, "sms": {"invitation": text}}});
    let made = create(world, owner, "other", asking).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text());
    let found = made.json()["findings"].clone();
    assert_eq!(
        (found.as_array().unwrap().len(), &found[0]["code"], &found[0]["severity"]),
        (1, &json!("letter_unused"), &json!("warning")),
        "{found}"
    );
    // And a save names them as the making does.
    let body = json!({"revision": 1, "name": "A survey", "definition": definition(world, owner, json!({"letters": {"email": {"invitation": "nothing"}}})).await});
    let refused = call(world, owner, Method::PUT, &format!("{SURVEYS}/other"), body).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text());
    let unknown = create(world, owner, "third", json!({"letters": {"pigeon": {"invitation": bare}}})).await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", unknown.text());
}
