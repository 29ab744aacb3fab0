//! Templates of messages through the API: kept with versions, looked over, previewed; and what hostile people write into them and into their names.

use axum::http::{Method, StatusCode};
use rapport_domain::{Channel, PersonId, Timestamp, WorkspaceId};
use rapport_server::auth::{Role, Scope as KeyScope};
use rapport_server::messages::scope::{self, Wanted};
use serde_json::{Value, json};

use crate::world::{Answer, Browser, World};

const FIRST: WorkspaceId = WorkspaceId(1);
const TEMPLATES: &str = "/api/v1/message-templates";

async fn call(world: &World, browser: &Browser, method: Method, path: &str, body: &Value) -> Answer {
    world.clock.advance(Timestamp::SECOND);
    let [cookie, token] = browser.writes();
    world.request(method, path, &[cookie, token, ("content-type", "application/json")], body.to_string()).await
}

async fn post(world: &World, browser: &Browser, path: &str, body: Value) -> Value {
    let answer = call(world, browser, Method::POST, path, &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    answer.json()
}

async fn get(world: &World, browser: &Browser, path: &str) -> Value {
    let answer = world.get(path, &browser.reads()).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    answer.json()
}

fn email(name: &str, subject: &str, blocks: Value) -> Value {
    json!({"name": name, "purpose": "service", "default_language": "en",
           "content": {"email": {"en": {"subject": subject, "preheader": "p", "blocks": blocks}}}})
}

fn text(words: &str) -> Value {
    json!([{"text": {"text": words}}])
}

fn sms(body: &str) -> Value {
    json!({"name": "Text", "purpose": "service", "default_language": "en", "content": {"text": {"en": {"body": body}}}})
}

async fn preview(world: &World, browser: &Browser, template: Value) -> Value {
    post(world, browser, "/api/v1/message-preview", json!({ "template": template })).await
}

fn codes(found: &Value) -> Vec<&str> {
    found["findings"].as_array().unwrap().iter().map(|it| it["code"].as_str().unwrap()).collect()
}

/// A customer with this name and these traits; their number.
async fn customer(world: &World, browser: &Browser, user: &str, traits: Value) -> String {
    let (key, _) = world.write_key("Web", None).await;
    world.clock.advance(Timestamp::SECOND);
    let batch =
        json!({"batch": [{"type": "identify", "userId": user, "messageId": format!("i-{user}"), "traits": traits}]});
    let answer = world.collect("/v1/batch", &key, batch.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    world.app.pipeline.drain().await.unwrap();
    let rows = get(world, browser, "/api/v1/customers?sort=last_seen").await;
    rows["rows"][0]["person_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_template_lives_through_versions_copies_and_the_archive() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let made = post(&world, &owner, TEMPLATES, json!({"template": email("Order news!", "One", text("Hello"))})).await;
    assert_eq!((&made["summary"]["key"], &made["summary"]["version"]), (&json!("order-news"), &json!(1)));
    let twin = post(&world, &owner, TEMPLATES, json!({"template": email("Order news", "Other", text("Hello"))})).await;
    assert_eq!(twin["summary"]["key"], "order-news-2", "keys are unique");
    let one = format!("{TEMPLATES}/order-news");
    let change = |subject: &str, based_on: i64| json!({"template": email("Order news", subject, text("Hello")), "based_on": based_on});
    let answer = call(&world, &owner, Method::PUT, &one, &change("Two", 1)).await;
    assert_eq!((answer.status, &answer.json()["summary"]["version"]), (StatusCode::OK, &json!(2)));
    let answer = call(&world, &owner, Method::PUT, &one, &change("Two", 2)).await;
    assert_eq!(answer.json()["summary"]["version"], 2, "the same again is no version");
    let answer = call(&world, &owner, Method::PUT, &one, &change("Late", 1)).await;
    assert_eq!((answer.status, &answer.json()["code"]), (StatusCode::CONFLICT, &json!("changed_meanwhile")));
    let answer = call(&world, &owner, Method::PUT, &one, &json!({"template": sms("x"), "based_on": 2})).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "an e-mail stays an e-mail");
    let old = get(&world, &owner, &format!("{one}/versions/1")).await;
    assert_eq!(old["template"]["content"]["email"]["en"]["subject"], "One");
    let restored = post(&world, &owner, &format!("{one}/versions/1/restore"), json!({})).await;
    let versions = restored["versions"].as_array().unwrap();
    let numbers: Vec<_> = versions.iter().map(|it| (it["version"].as_i64(), it["restored_from"].as_i64())).collect();
    assert_eq!(numbers, [(Some(3), Some(1)), (Some(2), None), (Some(1), None)]);
    assert_eq!(restored["template"]["content"]["email"]["en"]["subject"], "One");
    assert_eq!(versions[0]["saved_by"], "Test", "by their name");
    let copy = post(&world, &owner, &format!("{one}/duplicate"), json!({"name": "Copy"})).await;
    assert_eq!((&copy["summary"]["key"], &copy["summary"]["version"]), (&json!("copy"), &json!(1)));
    let answer = call(&world, &owner, Method::PUT, &format!("{one}/archived"), &json!({"archived": true})).await;
    assert!(answer.json()["summary"]["archived_at"].is_string());
    let keys = |list: Value| {
        let rows = list["rows"].as_array().unwrap().clone();
        rows.iter().map(|row| row["key"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(keys(get(&world, &owner, TEMPLATES).await), ["copy", "order-news-2"]);
    assert_eq!(keys(get(&world, &owner, &format!("{TEMPLATES}?archived=true")).await), ["order-news"]);
    for path in [format!("{TEMPLATES}/none"), format!("{one}/versions/9")] {
        assert_eq!(world.get(&path, &owner.reads()).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn who_looks_does_not_write() {
    let world = World::new().await;
    let viewer = world.browser(Role::Viewer).await;
    let agent = world.browser(Role::Agent).await;
    let analyst = world.browser(Role::Analyst).await;
    let body = json!({"ready": "welcome"});
    for browser in [&viewer, &agent] {
        assert_eq!(call(&world, browser, Method::POST, TEMPLATES, &body).await.status, StatusCode::FORBIDDEN);
    }
    let made = post(&world, &analyst, TEMPLATES, body.clone()).await;
    let path = format!("{TEMPLATES}/{}", made["summary"]["key"].as_str().unwrap());
    assert_eq!(get(&world, &viewer, &path).await["summary"]["name"], "Welcome");
    let shown = post(&world, &viewer, "/api/v1/message-preview", json!({"key": made["summary"]["key"]})).await;
    assert!(shown["html"].as_str().unwrap().contains("Welcome, Mei"), "{shown}");
    let key = format!("Bearer {}", world.api_key(&[KeyScope::Read], None).await);
    let answer = world.request(Method::POST, TEMPLATES, &[("authorization", &key)], body.to_string()).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn ready_templates_show_themselves_and_say_what_they_need() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let gallery = get(&world, &owner, "/api/v1/message-gallery").await;
    let rows = gallery["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 23);
    for row in rows {
        let key = row["key"].as_str().unwrap();
        // Two of them are a text message and a notification.
        if row["template"]["content"]["email"].is_null() {
            let shown = post(&world, &owner, "/api/v1/message-preview", json!({"template": row["template"]})).await;
            assert!(shown["error"].is_null() && shown["html"].is_null(), "{key}: {shown}");
            continue;
        }
        for language in ["en", "zh-CN"] {
            let body = json!({"template": row["template"], "language": language});
            let shown = post(&world, &owner, "/api/v1/message-preview", body).await;
            assert!(shown["error"].is_null(), "{key} {language}: {}", shown["error"]);
            assert!(shown["html"].as_str().unwrap().contains("My shop"), "{key}: the workspace's own name");
            assert!(shown["bytes"].as_i64().unwrap() > 2_000 && shown["sample_links"] == true, "{key}");
        }
        let found = post(&world, &owner, "/api/v1/message-check", json!({"template": row["template"]})).await;
        let errors = found["findings"].as_array().unwrap().iter().filter(|it| it["severity"] == "error");
        assert!(
            errors.clone().count() > 0 && errors.clone().all(|it| it["code"] == "letterhead_incomplete"),
            "{key}: {found}"
        );
        assert_eq!(found["needs"], row["needs"], "{key}");
    }
    let needs = |key: &str| rows.iter().find(|row| row["key"] == key).unwrap()["needs"].clone();
    assert_eq!(
        [needs("abandoned_cart"), needs("thank_you"), needs("lapse_warning")],
        [json!(["cart"]), json!([]), json!(["points"])]
    );
    // With a letterhead nothing is left to say.
    let head =
        json!({"name": "Juniper & Co", "address": "12 Harbour Lane", "url": "https://juniper.example", "logo_url": ""});
    let answer = call(&world, &owner, Method::PUT, "/api/v1/letterhead", &head).await;
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, head));
    for row in rows {
        let found = post(&world, &owner, "/api/v1/message-check", json!({"template": row["template"]})).await;
        assert_eq!(found["can_be_sent"], true, "{found}");
    }
    for (field, wrong) in
        [("url", "javascript:alert(1)"), ("url", "https://"), ("logo_url", "https://a.b/ x"), ("address", "a\r\nb")]
    {
        let mut head = json!({"name": "", "address": "", "url": "", "logo_url": ""});
        head[field] = json!(wrong);
        let answer = call(&world, &owner, Method::PUT, "/api/v1/letterhead", &head).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{field} {wrong}");
    }
}

#[tokio::test]
async fn findings_name_the_place() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let template = email(
        "n",
        "Hi {{ profile.frist_name }}",
        json!([
            {"text": {"text": "Line one\nDear {{ profile.first_name }}"}},
            {"button": {"label": "Go", "url": "javascript:alert(1)"}},
        ]),
    );
    let found = post(&world, &owner, "/api/v1/message-check", json!({ "template": template })).await;
    assert_eq!(found["can_be_sent"], false);
    let at = |code: &str| {
        found["findings"].as_array().unwrap().iter().find(|it| it["code"] == code).unwrap_or_else(|| panic!("{found}"))
    };
    assert_eq!(at("unknown_token")["place"], "content.email.en.subject");
    assert_eq!(
        (&at("no_fallback")["place"], &at("no_fallback")["line"]),
        (&json!("content.email.en.blocks[0].text.text"), &json!(2))
    );
    assert_eq!(at("url_not_allowed")["place"], "content.email.en.blocks[1].button.url");
    // A trait that somebody was told to have is a token like any other.
    customer(&world, &owner, "u1", json!({"shoe_size": 42, "api_token": "s3cret"})).await;
    let tokens = get(&world, &owner, "/api/v1/message-tokens").await;
    let own: Vec<_> = tokens["rows"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["group"] == "traits")
        .map(|row| row["path"].clone())
        .collect();
    assert_eq!(own, ["profile.shoe_size"], "and what opens something is none");
    let body = |words: &str| json!({"template": email("n", "s", text(words))});
    let found = post(&world, &owner, "/api/v1/message-check", body("{{ profile.shoe_size|default(0) }}")).await;
    assert_eq!(found["can_be_sent"], true, "{found}");
    let found = post(&world, &owner, "/api/v1/message-check", body("{{ profile.api_token|default(\"\") }}")).await;
    assert_eq!(codes(&found), ["unknown_token"]);
}

#[tokio::test]
async fn a_customers_message_has_their_values_their_language_and_no_secret() {
    let world = World::with(&[("public_url", "https://crm.example.com")]).await;
    let owner = world.browser(Role::Owner).await;
    let viewer = world.browser(Role::Viewer).await;
    let traits = json!({"email": "mei@example.com", "firstName": "Mei", "language": "zh-CN", "timezone": "Asia/Shanghai",
                        "phone": "+46705550123", "password": "hunter2", "tier": "gold"});
    let person = customer(&world, &owner, "u1", traits).await;
    let words = "{{ profile.first_name|default(\"x\") }} {{ profile.tier|default(\"-\") }} {{ profile.email|default(\"-\") }} \
                 {{ profile.phone|default(\"-\") }} {{ profile.password|default(\"none\") }} {{ profile.orders }} [out]({{ unsubscribe_url }})";
    let mut template = email("n", "Hello", text(words));
    template["content"]["email"]["zh"] = template["content"]["email"]["en"].clone();
    template["content"]["email"]["zh"]["subject"] = json!("您好");
    let path = format!("/api/v1/customers/{person}/message-preview");
    let shown = post(&world, &owner, &path, json!({ "template": template })).await;
    assert_eq!((&shown["language"], &shown["subject"]), (&json!("zh"), &json!("您好")));
    let plain = shown["text"].as_str().unwrap();
    assert!(
        plain.starts_with("Mei gold m•••@example.com +4•••23 none 0 out (https://crm.example.com/unsubscribe/"),
        "{plain}"
    );
    // Their own way out works; who may not note consents does not get it.
    let link = plain.split_once("https://crm.example.com").unwrap().1.trim_end().trim_end_matches(')');
    assert_eq!(world.get(link, &[]).await.status, StatusCode::OK);
    let shown = post(&world, &viewer, &path, json!({ "template": template, "language": "en" })).await;
    assert_eq!((&shown["subject"], &shown["sample_links"]), (&json!("Hello"), &json!(true)));
    assert!(shown["text"].as_str().unwrap().contains("https://example.com/sample/unsubscribe"), "{shown}");
    let answer =
        call(&world, &owner, Method::POST, "/api/v1/customers/12/message-preview", &json!({ "template": template }))
            .await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);

    // What the sender gets is whole, with what the event brings.
    let event = json!({"name": "Checkout Started", "occurred_at": "2026-11-21T11:00:00Z",
                       "properties": {"products": [{"name": "Lamp", "price": 5, "quantity": 3}], "profile": "x"}});
    let wanted = Wanted {
        workspace: FIRST,
        person: PersonId(person.parse().unwrap()),
        channel: Channel::Email,
        message: None,
        topic: Some("news"),
        event: Some(&event),
        given: None,
        public_url: "https://crm.example.com",
    };
    let scope = scope::scope(&world.app.installation, &wanted).await.unwrap().unwrap();
    assert_eq!((scope.email.as_deref(), scope.phone.as_deref()), (Some("mei@example.com"), Some("+46705550123")));
    assert_eq!((scope.language.as_str(), &scope.data["profile"]["time_zone"]), ("zh-CN", &json!("Asia/Shanghai")));
    assert_eq!((&scope.data["cart"]["total"], &scope.data["company"]["name"]), (&json!("15.00"), &json!("My shop")));
    assert!(!scope.data.to_string().contains("hunter2"));
    let nobody = Wanted { person: PersonId(5), ..wanted };
    assert!(scope::scope(&world.app.installation, &nobody).await.unwrap().is_none());
    let elsewhere = Wanted { workspace: WorkspaceId(2), ..wanted };
    assert!(scope::scope(&world.app.installation, &elsewhere).await.map_or(true, |found| found.is_none()));
}

#[tokio::test]
async fn what_hostile_people_call_themselves_stays_a_name() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let name = "<script>alert(1)</script>\r\nBcc: all {{ company.name }}{% raw %}";
    let person = customer(&world, &owner, "u1", json!({"first_name": name, "site": "javascript:alert(1)"})).await;
    let template = email(
        "n",
        "Hi {{ profile.first_name|default(\"x\") }}",
        json!([
            {"text": {"text": "Dear {{ profile.first_name|default(\"x\") }}"}},
            {"button": {"label": "{{ profile.first_name|default(\"x\") }}", "url": "{{ profile.site|default(\"https://a.example\") }}"}},
        ]),
    );
    let shown =
        post(&world, &owner, &format!("/api/v1/customers/{person}/message-preview"), json!({ "template": template }))
            .await;
    assert!(shown["error"].is_null(), "{shown}");
    let subject = shown["subject"].as_str().unwrap();
    assert!(!subject.contains(['\r', '\n']), "one header line: {subject:?}");
    assert!(subject.contains("{{ company.name }}"), "not evaluated: {subject}");
    let html = shown["html"].as_str().unwrap();
    assert!(!html.contains("<script>alert") && html.contains("&lt;script&gt;"), "{html}");
    assert!(!html.contains("javascript:"), "{html}");
    assert_eq!(shown["warnings"][0]["place"], "content.email.en.blocks[1].button.url");
}

#[tokio::test]
async fn templates_that_never_end_or_make_no_sense_are_answered_at_once() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let began = std::time::Instant::now();
    let nested = "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}";
    let deep = format!("{}x{}", "{% if profile.name %}".repeat(500), "{% endif %}".repeat(500));
    let unfinished = "{{ profile.name".to_owned();
    for words in
        [nested.to_owned(), deep, unfinished, "{{ 9**9**9 }}".to_owned(), "{% include \"/etc/passwd\" %}".to_owned()]
    {
        let shown = preview(&world, &owner, email("n", "s", text(&words))).await;
        assert!(
            shown["error"]["place"].as_str().is_some_and(|place| place.starts_with("content.email.en.blocks")),
            "{words:.60}: {shown}"
        );
        let found =
            post(&world, &owner, "/api/v1/message-check", json!({"template": email("n", "s", text(&words))})).await;
        assert_eq!(found["can_be_sent"], false, "{words:.60}");
    }
    // A list of the data that is far too long: this person gets no message, and the place is told.
    let event =
        json!({"name": "Checkout Started", "properties": {"products": vec![json!({"name": "x", "price": 1}); 6_000]}});
    let words = "{% for item in cart.items %}{{ item.name }}{{ item.name }}{{ item.name }}{{ item.name }}{% endfor %}";
    let body = json!({"template": email("n", "s", text(words)), "event": event});
    let shown = post(&world, &owner, "/api/v1/message-preview", body).await;
    assert_eq!(shown["error"]["code"], "template_too_much", "{shown}");
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());

    let no_template = [
        json!({}),
        json!({"template": 5, "ready": "welcome"}),
        json!({"template": "text"}),
        json!({"template": {"name": "x"}}),
        json!({"template": email("n", "s", json!([]))}),
        json!({"template": email("n", "s", json!([{"script": {"src": "x"}}]))}),
        json!({"template": email("a\r\nb", "s", text("x"))}),
        json!({"ready": "../../etc/passwd"}),
        json!({"template": {"name": "n", "purpose": "sharing", "default_language": "en", "content": {"text": {"en": {"body": "x"}}}}}),
    ];
    for body in no_template {
        let answer = call(&world, &owner, Method::POST, TEMPLATES, &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {}", answer.text());
        assert!(answer.json()["what_to_do"].as_str().unwrap().len() > 10);
    }
    let [cookie, token] = owner.writes();
    for broken in ["{\"template\": ", "", "[1,", "\u{0}"] {
        let answer = world.request(Method::POST, TEMPLATES, &[cookie, token], broken.to_owned()).await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (StatusCode::BAD_REQUEST, &json!("not_json")),
            "{broken:?}"
        );
    }
    let huge = json!({"template": email("n", "s", text(&"x".repeat(2_000_000)))});
    assert_eq!(call(&world, &owner, Method::POST, TEMPLATES, &huge).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(get(&world, &owner, TEMPLATES).await["rows"], json!([]), "nothing of it was kept");
}

#[tokio::test]
async fn a_text_message_says_how_many_it_is() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let shown = preview(&world, &owner, sms("Hello {{ profile.first_name|default(\"x\") }}")).await;
    assert_eq!(shown["text"], "Hello Mei");
    assert_eq!(
        (&shown["sms"]["parts"], &shown["sms"]["left"], &shown["sms"]["is_seven_bit"]),
        (&json!(1), &json!(151), &json!(true))
    );
    let shown = preview(&world, &owner, sms(&format!("Now – {}", "a".repeat(70)))).await;
    assert_eq!((&shown["sms"]["parts"], &shown["sms"]["others"]), (&json!(2), &json!(["–"])));
}
