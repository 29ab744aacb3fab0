//! Slots: what is chosen for whom, who is held out, how often it is shown, and that nobody sees what is another person's.

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use serde_json::{Value, json};

use crate::channels::{person, proof, world};
use crate::engaging::{call, get, happen, only_person, settle, track};
use crate::world::{Browser, World};

async fn template(world: &World, owner: &Browser, name: &str, content: Value) -> String {
    let template = json!({"name": name, "purpose": "marketing", "default_language": "en", "content": content});
    let made = call(world, owner, Method::POST, "/api/v1/message-templates", json!({ "template": template })).await;
    assert!(made.status.is_success(), "{}", made.text());
    made.json()["summary"]["key"].as_str().unwrap().to_owned()
}

async fn save(world: &World, owner: &Browser, definition: Value) {
    let body = json!({"name": "Hero", "definition": definition});
    let saved = call(world, owner, Method::PUT, "/api/v1/slots/hero", body).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
}

/// A world in which buyers are a segment, Ann (u1) is one and Bob (u2) is not; Cy (u3) is one too, and said nothing about what is shown to him.
async fn shop() -> (World, Browser, String, [String; 2]) {
    let (world, owner, key) = world(&[]).await;
    let segment = json!({"key": "buyers", "name": "Buyers", "condition": {"performed": {"event": "Order Completed"}}});
    let made = call(&world, &owner, Method::POST, "/api/v1/segments", segment).await;
    assert!(made.status.is_success(), "{}", made.text());
    for (number, channel) in [(1, "in_app"), (2, "in_app"), (3, "email")] {
        happen(&world, &key, person(number, channel, json!({"firstName": format!("Name{number}")}))).await;
    }
    let order = |id: &str, user: &str| track(id, user, "Order Completed", json!({"order_id": id, "revenue": 10}));
    happen(&world, &key, vec![order("o1", "u1"), order("o3", "u3")]).await;
    let content = json!({"slot": {"en": {"title": "Back, {{ profile.first_name | default('you') }}", "body": "b", "url": "https://shop.example/vip"}}});
    let own = template(&world, &owner, "Own", content).await;
    let content = json!({"slot": {"en": {"title": "Welcome to {{ company.name }}", "body": "b", "url": "https://shop.example/"}}});
    let usual = template(&world, &owner, "Usual", content).await;
    (world, owner, key, [own, usual])
}

fn definition([own, usual]: &[String; 2], more: Value) -> Value {
    let mut form =
        json!({"variants": [{"segment": "buyers", "show": {"template": own}}, {"show": {"template": usual}}]});
    for (key, value) in more.as_object().unwrap() {
        form[key] = value.clone();
    }
    form
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_shows_what_is_chosen_for_whoever_is_proven_to_be_there() {
    let (world, owner, key, templates) = shop().await;
    save(&world, &owner, definition(&templates, json!({}))).await;
    let (ann, bob) = (proof(&world, &owner, "u1").await, proof(&world, &owner, "u2").await);
    let cy = proof(&world, &owner, "u3").await;
    let shown = |query: String| {
        let (world, key) = (&world, &key);
        async move {
            let answer = world.get(&format!("/v1/slots/hero?writeKey={key}{query}"), &[]).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
            let shown = answer.json();
            (shown["content"].clone(), shown["reason"].as_str().unwrap().to_owned())
        }
    };
    let (content, reason) = shown(format!("&userId=u1&userHash={ann}")).await;
    assert_eq!((&content["title"], &*reason), (&json!("Back, Name1"), "chosen"), "{content}");
    for (query, why) in [
        (format!("&userId=u2&userHash={bob}"), "no_member"),
        (format!("&userId=u3&userHash={cy}"), "not_agreed"),
        ("&userId=u1".to_owned(), "not_proven"),
        (format!("&userId=u1&userHash={bob}"), "not_proven"),
        ("&anonymousId=new".to_owned(), "not_known"),
        (String::new(), "not_known"),
    ] {
        let (content, reason) = shown(query.clone()).await;
        assert_eq!((&content["title"], &content["url"]), (&json!("Welcome to Shop"), &json!("https://shop.example/")));
        assert_eq!(reason, why, "{query}");
    }
    // A browser that asks not to be told about is not treated by what is known, whatever was agreed.
    let path = format!("/v1/slots/hero?writeKey={key}&userId=u1&userHash={ann}");
    let signalled = world.get(&path, &[("sec-gpc", "1")]).await.json();
    assert_eq!(
        (&signalled["content"]["title"], &signalled["reason"]),
        (&json!("Welcome to Shop"), &json!("privacy_signal"))
    );
    // A click leads on and is counted, once it is a human's.
    let link = content["url"].as_str().unwrap().strip_prefix("https://shop.example").unwrap();
    let human = [
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
        ("accept", "text/html"),
        ("accept-language", "de"),
    ];
    for headers in [&human[..], &[("user-agent", "curl/8")]] {
        let answer = world.get(link, headers).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::FOUND, "https://shop.example/vip"));
    }
    settle(&world).await;
    let number = only_person(&world, &owner, "u1").await;
    let line = get(&world, &owner, &format!("/api/v1/customers/{number}/timeline")).await.to_string();
    assert_eq!(line.matches("\"name\":\"Slot Clicked\"").count(), 1, "{line}");
    // Whoever refused is shown what everybody gets.
    let denied = track("d1", "u1", "Consent Denied", json!({"channel": "in_app"}));
    let would = async |user: &str| {
        let person = only_person(&world, &owner, user).await;
        get(&world, &owner, &format!("/api/v1/customers/{person}/slots/hero")).await
    };
    assert_eq!((&would("u1").await["reason"], &would("u3").await["reason"]), (&json!("chosen"), &json!("not_agreed")));
    happen(&world, &key, vec![denied]).await;
    let (content, reason) = shown(format!("&userId=u1&userHash={ann}")).await;
    assert_eq!((&content["title"], &*reason), (&json!("Welcome to Shop"), "not_agreed"));
    // Whoever agrees later is treated by it from then on.
    let agreed = track("g3", "u3", "Consent Granted", json!({"channel": "in_app", "method": "form"}));
    happen(&world, &key, vec![agreed]).await;
    assert_eq!(shown(format!("&userId=u3&userHash={cy}")).await.0["title"], "Back, Name3");
    assert_eq!(world.get(&format!("/v1/slots/other?writeKey={key}"), &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.get("/v1/slots/hero", &[]).await.status, StatusCode::UNAUTHORIZED);
    let listed = get(&world, &owner, "/api/v1/slots").await;
    assert_eq!((&listed["rows"][0]["key"], &listed["rows"][0]["version"]), (&json!("hero"), &json!(1)));
    assert_eq!(
        call(&world, &owner, Method::DELETE, "/api/v1/slots/hero", Value::Null).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(world.get(&format!("/v1/slots/hero?writeKey={key}"), &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holdout_is_exposed_once_and_a_cap_ends_what_was_chosen() {
    let (world, owner, key, templates) = shop().await;
    let ann = proof(&world, &owner, "u1").await;
    let body = json!({"userId": "u1", "userHash": ann}).to_string();
    let title =
        || async { world.collect("/v1/slots/hero", &key, body.clone()).await.json()["content"]["title"].clone() };
    let number = only_person(&world, &owner, "u1").await;
    save(&world, &owner, definition(&templates, json!({"cap": {"most": 2, "within": "1h"}}))).await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        // Looking counts nothing.
        get(&world, &owner, &format!("/api/v1/customers/{number}/slots/hero")).await;
        seen.push(title().await);
    }
    let would = get(&world, &owner, &format!("/api/v1/customers/{number}/slots/hero")).await;
    assert_eq!((&would["reason"], &would["variant"]), (&json!("seen_enough"), &json!(1)));
    assert_eq!(seen, ["Back, Name1", "Back, Name1", "Welcome to Shop"]);
    world.clock.advance(Timestamp::HOUR);
    assert_eq!(title().await, "Back, Name1");
    // Everybody is held out.
    let erased = call(&world, &owner, Method::DELETE, "/api/v1/slots/hero", Value::Null).await;
    assert_eq!(erased.status, StatusCode::NO_CONTENT);
    save(&world, &owner, definition(&templates, json!({"holdout_percent": 100}))).await;
    for _ in 0..3 {
        assert_eq!(title().await, "Welcome to Shop");
    }
    settle(&world).await;
    let line = get(&world, &owner, &format!("/api/v1/customers/{number}/timeline")).await.to_string();
    assert_eq!(line.matches("\"name\":\"Experiment Viewed\"").count(), 1, "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_that_cannot_work_is_refused() {
    let (world, owner, _, [own, _]) = shop().await;
    let text = template(&world, &owner, "Text", json!({"text": {"en": {"body": "b"}}})).await;
    for (key, definition, word) in [
        ("hero", json!({"variants": []}), "variants"),
        ("hero", json!({"variants": [{"segment": "nobody", "show": {"template": own}}]}), "segment"),
        ("hero", json!({"variants": [{"show": {"template": "none"}}]}), "template"),
        ("hero", json!({"variants": [{"show": {"template": text}}]}), "another channel"),
        ("He%20ro", json!({"variants": [{"show": "nothing"}]}), "key"),
    ] {
        let body = json!({"name": "Hero", "definition": definition});
        let refused = call(&world, &owner, Method::PUT, &format!("/api/v1/slots/{key}"), body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text());
        assert!(refused.text().contains(word), "{word}: {}", refused.text());
    }
}
