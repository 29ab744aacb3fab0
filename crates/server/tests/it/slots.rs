//! Slots: what is chosen for whom, who is held out, how often it is shown, and that nobody sees what is another person's.

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use serde_json::{Value, json};

use crate::channels::{person, proof, world};
use crate::engaging::{call, get, happen, only_person, settle, track};
use crate::world::{Browser, PASSWORD, World};

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

async fn preview(world: &World, owner: &Browser, definition: &Value, person: Option<&str>) -> Value {
    let body = json!({"key": "hero", "definition": definition, "person_id": person});
    let answer = call(world, owner, Method::POST, "/api/v1/slot-preview", body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_anybody_would_see_is_said_with_its_reason_and_leaves_no_trace() {
    let (world, owner, key, templates) = shop().await;
    let plain = definition(&templates, json!({"cap": {"most": 1, "within": "1h"}}));
    let (ann, bob) = (only_person(&world, &owner, "u1").await, only_person(&world, &owner, "u2").await);
    for _ in 0..2 {
        let shown = preview(&world, &owner, &plain, Some(&ann)).await;
        assert_eq!((&shown["reason"], &shown["variant"], &shown["fits"]), (&json!("chosen"), &json!(0), &json!(0)));
        assert_eq!(shown["is_member"], json!([true, null]));
        // Whoever tries it must not count as the person.
        assert_eq!(
            (&shown["content"]["title"], &shown["content"]["url"]),
            (&json!("Back, Name1"), &json!("https://shop.example/vip"))
        );
    }
    let shown = preview(&world, &owner, &plain, Some(&bob)).await;
    assert_eq!((&shown["reason"], &shown["variant"], &shown["fits"]), (&json!("no_member"), &json!(1), &Value::Null));
    assert_eq!((&shown["is_member"], &shown["content"]["title"]), (&json!([false, null]), &json!("Welcome to Shop")));
    let shown = preview(&world, &owner, &plain, None).await;
    assert_eq!((&shown["reason"], &shown["is_member"]), (&json!("not_known"), &json!([null, null])));
    let all_held = definition(&templates, json!({"holdout_percent": 100}));
    let shown = preview(&world, &owner, &all_held, Some(&ann)).await;
    assert_eq!((&shown["reason"], &shown["fits"], &shown["variant"]), (&json!("held_out"), &json!(0), &json!(1)));
    // What was seen on the page counts in what is said here.
    save(&world, &owner, plain.clone()).await;
    let proven = proof(&world, &owner, "u1").await;
    let body = json!({"userId": "u1", "userHash": proven}).to_string();
    assert_eq!(world.collect("/v1/slots/hero", &key, body).await.json()["content"]["title"], "Back, Name1");
    assert_eq!(preview(&world, &owner, &plain, Some(&ann)).await["reason"], "seen_enough");
    happen(&world, &key, vec![track("d1", "u1", "Consent Denied", json!({"channel": "in_app"}))]).await;
    assert_eq!(preview(&world, &owner, &plain, Some(&ann)).await["reason"], "not_agreed");
    settle(&world).await;
    let line = get(&world, &owner, &format!("/api/v1/customers/{ann}/timeline")).await.to_string();
    assert!(!line.contains("Experiment Viewed") && !line.contains("Slot Clicked"), "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_shown_and_clicked_is_counted_by_version_and_variant() {
    let (world, owner, key, templates) = shop().await;
    let form = definition(&templates, json!({}));
    save(&world, &owner, form.clone()).await;
    let ann = proof(&world, &owner, "u1").await;
    let known = format!("/v1/slots/hero?writeKey={key}&userId=u1&userHash={ann}");
    let shown = world.get(&known, &[]).await.json();
    for _ in 0..3 {
        world.get(&format!("/v1/slots/hero?writeKey={key}"), &[]).await;
    }
    let link = shown["content"]["url"].as_str().unwrap().strip_prefix("https://shop.example").unwrap();
    let human = [
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
        ("accept", "text/html"),
        ("accept-language", "de"),
    ];
    for headers in [&human[..], &[("user-agent", "curl/8")]] {
        world.get(link, headers).await;
    }
    world.app.slots.write(&world.app.installation).await.unwrap();
    world.app.slots.write(&world.app.installation).await.unwrap();
    let page = get(&world, &owner, "/api/v1/slots/hero").await;
    assert_eq!(
        page["variants"],
        json!([{"variant": 0, "views": 1, "chosen": 1, "clicks": 1}, {"variant": 1, "views": 3, "chosen": 0, "clicks": 0}])
    );
    assert_eq!(page["days"], json!([{"day": "2026-11-21", "views": 4, "chosen": 1, "clicks": 1}]));
    let listed = get(&world, &owner, "/api/v1/slots").await["rows"][0].clone();
    assert_eq!((&listed["views"], &listed["chosen"], &listed["clicks"]), (&json!(4), &json!(1), &json!(1)));
    // The next version counts anew, and what was shown a long time ago is in no list.
    world.clock.advance(40 * Timestamp::DAY);
    let owner = Browser::of(&world.sign_in("owner@example.org", PASSWORD).await);
    let body =
        json!({"name": "Hero", "definition": definition(&templates, json!({"holdout_percent": 20})), "based_on": 1});
    let saved = call(&world, &owner, Method::PUT, "/api/v1/slots/hero", body).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    let saved = saved.json();
    assert_eq!((&saved["slot"]["version"], &saved["variants"], &saved["days"]), (&json!(2), &json!([]), &json!([])));
    assert_eq!(saved["versions"][1]["definition"], form_of(&form));
    assert_eq!(get(&world, &owner, "/api/v1/slots").await["rows"][0]["last_day"], Value::Null);
    let effect = get(&world, &owner, "/api/v1/slots/hero/effect").await;
    assert_eq!((&effect["holdout"]["percent"], &effect["holdout"]["held_out"]), (&json!(20.0), &json!(0)));
}

/// A definition as it is kept.
fn form_of(form: &Value) -> Value {
    let mut form = form.clone();
    form["holdout_percent"] = json!(0.0);
    form
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_is_put_away_and_changed_by_one_at_a_time() {
    let (world, owner, key, templates) = shop().await;
    let form = definition(&templates, json!({}));
    let put = async |name: &str, based_on: i64| {
        let body = json!({"name": name, "definition": form, "based_on": based_on});
        call(&world, &owner, Method::PUT, "/api/v1/slots/hero", body).await
    };
    assert_eq!(put("Hero", 0).await.status, StatusCode::OK);
    for (based_on, code) in [(0, "slot_exists"), (7, "changed_meanwhile")] {
        let refused = put("Other", based_on).await;
        assert_eq!((refused.status, refused.json()["code"].clone()), (StatusCode::CONFLICT, json!(code)));
    }
    assert_eq!(put("Hero", 1).await.json()["slot"]["version"], 1, "the same again is no version");
    assert_eq!(put("Top", 1).await.json()["slot"]["version"], 2);
    let away = async |archived: bool| {
        let body = json!({"archived": archived});
        assert_eq!(call(&world, &owner, Method::PUT, "/api/v1/slots/hero/archived", body).await.status, StatusCode::OK);
        world.get(&format!("/v1/slots/hero?writeKey={key}"), &[]).await.status
    };
    assert_eq!(away(true).await, StatusCode::NOT_FOUND);
    let rows = async |query: &str| get(&world, &owner, &format!("/api/v1/slots{query}")).await["rows"].clone();
    assert_eq!((rows("").await, rows("?archived=true").await[0]["name"].clone()), (json!([]), json!("Top")));
    assert_eq!(away(false).await, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holdout_of_another_share_exposes_anew() {
    let (world, owner, key, templates) = shop().await;
    let ann = proof(&world, &owner, "u1").await;
    let body = json!({"userId": "u1", "userHash": ann}).to_string();
    for (at, percent) in [50, 50, 100].into_iter().enumerate() {
        let more = json!({"holdout_percent": percent, "cap": {"most": 9, "within": format!("{}h", at + 1)}});
        save(&world, &owner, definition(&templates, more)).await;
        for _ in 0..2 {
            world.collect("/v1/slots/hero", &key, body.clone()).await;
        }
        world.clock.advance(Timestamp::MINUTE);
    }
    settle(&world).await;
    let number = only_person(&world, &owner, "u1").await;
    let line = get(&world, &owner, &format!("/api/v1/customers/{number}/timeline")).await.to_string();
    assert_eq!(line.matches("\"name\":\"Experiment Viewed\"").count(), 2, "{line}");
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_script_for_pages_is_small_and_served_to_any_site() {
    let world = World::new().await;
    let answer = world.get("/slots.js", &[("origin", "https://shop.example")]).await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "text/javascript; charset=utf-8"));
    assert_eq!(answer.header("cross-origin-resource-policy"), "cross-origin");
    assert!(answer.body.len() < 5_000, "{} bytes", answer.body.len());
}
