//! Follow-ups, from what customers say to what came of it: opened when an event is applied, worked on by agents, told on the timeline, heard again, suggested from,
//! and a mail to whose they are.

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_server::auth::Role;
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, track, world};
use crate::sink::{Manner, Sink};
use crate::world::{Browser, World};

const ANGRY: &str = "I am FURIOUS! This is outrageous, call me at +49 170 1234567 immediately!";

fn answered(id: &str, user: &str, score: i64) -> Value {
    track(id, user, "Survey Answered", json!({"survey_id": "nps", "type": "nps", "score": score}))
}

fn review(id: &str, user: &str, stars: i64, words: &str) -> Value {
    let about = json!({"review_id": id, "product_id": "lamp", "name": "Lamp", "rating": stars, "review_body": words});
    track(id, user, "Product Reviewed", about)
}

async fn rows(world: &World, who: &Browser, query: &str) -> Vec<Value> {
    get(world, who, &format!("/api/v1/follow-ups{query}")).await["rows"].as_array().unwrap().clone()
}

async fn act(world: &World, who: &Browser, id: &str, body: Value) -> crate::world::Answer {
    call(world, who, Method::POST, &format!("/api/v1/follow-ups/{id}/act"), body).await
}

async fn done(world: &World, who: &Browser, id: &str, body: Value) -> Value {
    let answer = act(world, who, id, body.clone()).await;
    assert_eq!(answer.status, StatusCode::OK, "{body}: {}", answer.text());
    answer.json()
}

fn words_of(lines: &Value, field: &str) -> Vec<String> {
    lines.as_array().unwrap().iter().map(|it| it[field].as_str().unwrap_or_default().to_owned()).collect()
}

async fn shop() -> (World, Browser, String) {
    // Days pass in these tests.
    let world = World::with(&[("session.idle_hours", "100000"), ("session.days", "4000")]).await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Web", None).await;
    (world, owner, key)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_unhappy_is_followed_up_at_once() {
    let (world, owner, key) = shop().await;
    let agent = world.browser(Role::Agent).await;
    let calls = vec![
        answered("s1", "u1", 3),
        answered("s2", "u2", 9),
        review("r1", "u3", 1, "It broke after a day, the switch is loose"),
        review("r2", "u4", 5, "A very good lamp"),
        track("c1", "u5", "Chat Message", json!({"message": ANGRY})),
        json!({"type": "track", "userId": "u6", "messageId": "old", "event": "Survey Answered", "timestamp": "2026-11-01T00:00:00Z",
               "properties": {"type": "nps", "score": 0}}),
    ];
    happen(&world, &key, calls).await;
    let found = rows(&world, &agent, "").await;
    let rules: Vec<&str> = found.iter().map(|it| it["rule"].as_str().unwrap()).collect();
    assert_eq!(rules, ["urgent_text", "detractor", "bad_review"], "the most pressing first: {found:?}");
    let urgent = &found[0];
    let quote = urgent["reason"]["quote"].as_str().unwrap();
    assert!(quote.contains("[phone]") && !quote.contains("1234567"), "{urgent}");
    assert_eq!((&urgent["state"], &urgent["late"], &urgent["reasons"]), (&json!("open"), &json!(false), &json!(1)));
    assert_eq!(urgent["due_at"], "2026-11-22T12:00:00Z");
    assert_eq!((&found[1]["reason"]["number"], &found[1]["reason"]["subject"]), (&json!(3.0), &json!("nps")));
    assert_eq!((&found[2]["reason"]["number"], &found[2]["reason"]["subject"]), (&json!(1.0), &json!("Lamp")));
    // One after the other among agents, of whom there is one.
    let me = get(&world, &agent, "/api/v1/me").await["user"]["name"].clone();
    assert!(found.iter().all(|it| it["owner_name"] == me || it["owner"].is_string()), "{found:?}");
    assert_eq!(rows(&world, &agent, "?owner=me").await.len(), 3);
    assert_eq!(rows(&world, &owner, "?owner=me").await.len(), 0);
    // Once more the same customer: one more reason; and what was said better afterwards is none.
    happen(&world, &key, vec![answered("s3", "u1", 0)]).await;
    let id = found[1]["id"].as_str().unwrap();
    let one = get(&world, &agent, &format!("/api/v1/follow-ups/{id}")).await;
    assert_eq!(
        (one["reasons"].clone(), words_of(&one["log"], "act")),
        (json!(2), vec!["opened".to_owned(), "reason".to_owned()])
    );
    let person = one["person_id"].as_str().unwrap();
    let timeline = get(&world, &owner, &format!("/api/v1/customers/{person}/timeline")).await;
    assert!(timeline.to_string().contains("Follow-up Opened"), "{timeline}");
    assert_eq!(
        get(&world, &owner, &format!("/api/v1/customers/{person}/follow-ups")).await["rows"].as_array().unwrap().len(),
        1
    );
    world.clock.advance(2 * Timestamp::DAY);
    assert_eq!(rows(&world, &agent, "?late=true").await.len(), 3);
    let counts = get(&world, &owner, "/api/v1/follow-ups/counts").await["rows"].clone();
    assert_eq!((&counts[0]["follow_ups"], &counts[0]["late"]), (&json!(3), &json!(3)), "{counts}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_work_on_them_and_nobody_else_does() {
    let (world, owner, key) = shop().await;
    let (agent, viewer) = (world.browser(Role::Agent).await, world.browser(Role::Viewer).await);
    happen(&world, &key, vec![review("r1", "u1", 1, "The parcel came two weeks late and nobody told me")]).await;
    let id = rows(&world, &agent, "").await[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(act(&world, &viewer, &id, json!({"act": "start"})).await.status, StatusCode::FORBIDDEN);
    for body in [
        json!({"act": "fly"}),
        json!({"act": "close", "outcome": "recovered"}),
        json!({"act": "close", "outcome": "perfect"}),
        json!({"act": "contact", "channel": "pigeon"}),
        json!({"act": "note", "text": " "}),
        json!({"act": "assign", "owner": "usr_nobody"}),
        json!({"act": "snooze", "until": "2020-01-01T00:00:00Z"}),
        json!({"act": "undo"}),
        json!({"act": "start", "revision": 7}),
        json!({"act": "start", "more": 1}),
    ] {
        let refused = act(&world, &agent, &id, body.clone()).await;
        assert!(refused.status.is_client_error(), "{body}: {}", refused.text());
    }
    assert_eq!(act(&world, &agent, "fup_none", json!({"act": "start"})).await.status, StatusCode::NOT_FOUND);
    let spoke = json!({"act": "contact", "channel": "phone", "text": "Said sorry, refunded the postage; her mail is ann@example.org"});
    let one = done(&world, &agent, &id, spoke).await;
    assert_eq!((&one["state"], &one["can_undo"]), (&json!("in_progress"), &json!("contacted")));
    done(&world, &agent, &id, json!({"act": "wait"})).await;
    world.clock.advance(Timestamp::DAY);
    // She is asked again and is content: that is heard.
    happen(&world, &key, vec![answered("s1", "u1", 9)]).await;
    let one = get(&world, &agent, &format!("/api/v1/follow-ups/{id}")).await;
    assert_eq!((&one["state"], &one["later"][0]["number"]), (&json!("in_progress"), &json!(9.0)), "{one}");
    let one = done(&world, &agent, &id, json!({"act": "close", "outcome": "recovered", "text": "Content"})).await;
    assert_eq!((&one["state"], &one["outcome"]), (&json!("done"), &json!("recovered")));
    let taken = done(&world, &agent, &id, json!({"act": "undo"})).await;
    assert_eq!((&taken["state"], &taken["log"][4]["undone"]), (&json!("in_progress"), &json!(true)), "{taken}");
    done(&world, &agent, &id, json!({"act": "close", "outcome": "recovered"})).await;
    assert_eq!(rows(&world, &owner, "?state=done&outcome=recovered").await.len(), 1);
    assert_eq!(rows(&world, &owner, "").await.len(), 0);

    // Somebody says the like: what helped is suggested, without anybody's address.
    happen(&world, &key, vec![review("r2", "u2", 1, "My parcel is two weeks late")]).await;
    let next = rows(&world, &agent, "").await[0]["id"].as_str().unwrap().to_owned();
    let suggested = get(&world, &agent, &format!("/api/v1/follow-ups/{next}/suggestions")).await["rows"].clone();
    assert!(suggested[0]["likeness"].as_f64().unwrap() > 0.1, "{suggested}");
    let answer = suggested[0]["answer"].as_str().unwrap();
    assert!(answer.starts_with("Said sorry") && !answer.contains("ann@"), "{answer}");
    let figures = get(&world, &owner, "/api/v1/follow-ups/figures?by=rule").await;
    assert_eq!(
        (&figures["all"]["opened"], &figures["all"]["recovered"]["estimate"]),
        (&json!(2), &json!(1.0)),
        "{figures}"
    );
    assert_eq!(
        (&figures["groups"][0]["key"], &figures["later"]["kind"]),
        (&json!("bad_review"), &json!("association"))
    );
    world.clock.advance(100 * Timestamp::DAY);
    let later = get(&world, &owner, "/api/v1/follow-ups/figures").await["later"].clone();
    assert_eq!(
        (&later["contacted"]["people"], &later["others"]["people"], &later["few"]),
        (&json!(1), &json!(1), &json!(true)),
        "{later}"
    );
    happen(&world, &key, vec![]).await;
    let person =
        get(&world, &owner, &format!("/api/v1/follow-ups/{id}")).await["person_id"].as_str().unwrap().to_owned();
    let timeline = get(&world, &owner, &format!("/api/v1/customers/{person}/timeline")).await;
    assert!(timeline.to_string().contains("Follow-up Closed"), "{timeline}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_are_conditions_that_staff_write() {
    let (world, owner, key) = shop().await;
    let viewer = world.browser(Role::Viewer).await;
    let rules = get(&world, &viewer, "/api/v1/follow-up-rules").await["rows"].clone();
    assert_eq!(words_of(&rules, "key"), ["complaint", "urgent_text", "detractor", "bad_review"]);
    assert_eq!(
        (&rules[2]["text"], &rules[2]["ready"], &rules[2]["revision"]),
        (&json!("score <= 6"), &json!(true), &json!(0))
    );
    let put = async |key: &str, body: Value| {
        call(&world, &owner, Method::PUT, &format!("/api/v1/follow-up-rules/{key}"), body).await
    };
    let off = json!({"revision": 0, "name": "Bad review", "place": 40, "event": "Product Reviewed", "text": "rating <= 2", "enabled": false});
    assert_eq!(put("bad_review", off.clone()).await.status, StatusCode::OK);
    assert_eq!(put("bad_review", off).await.status, StatusCode::CONFLICT, "somebody else saved meanwhile");
    let vip = json!({"revision": 0, "name": "Gold and only fair", "place": 5, "event": "Product Reviewed",
        "text": "rating <= 3 and trait tier = gold", "owner": {"by": "nobody"}, "deadline": {"hours": 8, "working": true}});
    let saved = put("gold", vip.clone()).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    for (field, value) in [
        ("text", json!("performed \"Order Completed\" at least 3 times")),
        ("text", json!("rating <=")),
        ("owner", json!({"by": "chance"})),
        ("owner", json!({"by": "one", "users": ["usr_nobody"]})),
        ("deadline", json!({"hours": 0})),
        ("event", json!("Follow-up Closed")),
        ("more", json!(1)),
    ] {
        let mut body = vip.clone();
        body["revision"] = json!(1);
        body[field] = value.clone();
        let refused = put("gold", body).await;
        assert!(refused.status.is_client_error(), "{field} {value}: {}", refused.text());
    }
    let tier = |user: &str, tier: &str| json!({"type": "identify", "userId": user, "messageId": format!("i{user}"), "traits": {"tier": tier}});
    let calls = vec![
        tier("u1", "gold"),
        tier("u2", "tin"),
        review("r1", "u1", 3, "It is fair"),
        review("r2", "u2", 1, "It is small"),
    ];
    happen(&world, &key, calls).await;
    let found = rows(&world, &owner, "").await;
    assert_eq!(found.len(), 1, "{found:?}");
    // A Saturday: eight working hours later it is Monday evening.
    assert_eq!(
        (&found[0]["rule_name"], &found[0]["owner"], &found[0]["due_at"]),
        (&json!("Gold and only fair"), &Value::Null, &json!("2026-11-23T17:00:00Z"))
    );
    let gone = call(&world, &owner, Method::DELETE, "/api/v1/follow-up-rules/gold", Value::Null).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(
        call(&world, &viewer, Method::DELETE, "/api/v1/follow-up-rules/bad_review", Value::Null).await.status,
        StatusCode::FORBIDDEN
    );
    // By hand, with why.
    let person = found[0]["person_id"].clone();
    let body = json!({"person_id": person, "text": "Met her in the shop, she was sad"});
    let opened = call(&world, &owner, Method::POST, "/api/v1/follow-ups", body.clone()).await;
    assert_eq!((opened.status, &opened.json()["rule"]), (StatusCode::OK, &json!("by_hand")), "{}", opened.text());
    assert_eq!(call(&world, &owner, Method::POST, "/api/v1/follow-ups", body).await.status, StatusCode::CONFLICT);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_visitors_who_are_one_have_one_and_who_is_forgotten_none() {
    let (world, owner, key) = shop().await;
    let anonymous = |id: &str, device: &str, score: i64| json!({"type": "track", "anonymousId": device, "messageId": id, "event": "Survey Answered", "properties": {"type": "nps", "score": score}});
    happen(&world, &key, vec![anonymous("a1", "d1", 1), anonymous("a2", "d2", 2)]).await;
    assert_eq!(rows(&world, &owner, "").await.len(), 2);
    let names = |device: &str| json!({"type": "identify", "userId": "u1", "anonymousId": device, "messageId": device});
    happen(&world, &key, vec![names("d1"), names("d2")]).await;
    let found = rows(&world, &owner, "").await;
    assert_eq!((found.len(), &found[0]["reasons"]), (1, &json!(2)), "{found:?}");
    let person = found[0]["person_id"].as_str().unwrap();
    let erased = call(&world, &owner, Method::POST, &format!("/api/v1/customers/{person}/erasure"), json!({})).await;
    assert!(erased.status.is_success(), "{}", erased.text());
    happen(&world, &key, vec![]).await;
    assert_eq!(rows(&world, &owner, "").await.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_it_is_gets_a_mail_that_names_no_customer() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    let _agent = world.browser(Role::Agent).await;
    let named = json!({"type": "identify", "userId": "u1", "messageId": "i1", "traits": {"firstName": "Annabel", "email": "annabel@example.org"}});
    happen(&world, &key, vec![named, answered("s1", "u1", 3), answered("s2", "u2", 4)]).await;
    let mails = sink.kept();
    assert_eq!(mails.len(), 1, "one mail for both");
    let text = String::from_utf8_lossy(&mails[0].bytes);
    assert!(text.contains("2 follow-ups are yours") && text.contains("Would not recommend us"), "{text}");
    assert!(text.contains("https://shop.example/feedback/follow-ups") && !text.contains("Annabel"), "{text}");
    happen(&world, &key, vec![]).await;
    assert_eq!(sink.kept().len(), 1, "told once");
    let id = rows(&world, &owner, "").await[0]["id"].as_str().unwrap().to_owned();
    let me = get(&world, &owner, "/api/v1/me").await;
    let own = me["user"]["id"].as_str().unwrap_or_default().to_owned();
    done(&world, &owner, &id, json!({"act": "assign", "owner": own})).await;
    happen(&world, &key, vec![]).await;
    assert_eq!(sink.kept().len(), 2, "told again when it is somebody else's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deadlines_run_in_the_working_hours_of_complaints_with_the_holidays_of_a_file() {
    let (world, owner, key) = shop().await;
    let settings = "/api/v1/complaint-settings";
    let path = format!("{settings}/holidays");
    // Monday the 23rd is none of the days on which somebody works; what is not read is said.
    let text = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20201123\r\nRRULE:FREQ=YEARLY\r\nSUMMARY:Labor Thanks\r\n giving Day\r\nEND:VEVENT\r\n\
        BEGIN:VEVENT\r\nDTSTART:20261224T100000Z\r\nSUMMARY:Party\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let look = call(&world, &owner, Method::POST, &path, json!({"text": text, "to": "2027-12-31"})).await.json();
    assert_eq!(
        look["rows"],
        json!([{"day": "2026-11-23", "name": "Labor Thanksgiving Day", "is_new": true},
            {"day": "2027-11-23", "name": "Labor Thanksgiving Day", "is_new": true}])
    );
    assert_eq!(look["skipped"], json!([{"line": 8, "name": "Party", "why": "is no whole day"}]), "{look}");
    assert!(look["revision"].is_null() && get(&world, &owner, settings).await["revision"] == 0, "only looked at");
    for (body, status) in [
        (json!({"text": "day,name"}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"text": text, "from": "soon"}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"text": text, "from": "2027-01-01", "to": "2026-01-01"}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"text": text, "revision": 7}), StatusCode::CONFLICT),
    ] {
        assert_eq!(call(&world, &owner, Method::POST, &path, body.clone()).await.status, status, "{body}");
    }
    let agent = world.browser(Role::Agent).await;
    let refused = call(&world, &agent, Method::POST, &path, json!({"text": text, "revision": 0})).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let saved = call(&world, &owner, Method::POST, &path, json!({"text": text, "revision": 0})).await.json();
    assert_eq!((&saved["revision"], saved["rows"].as_array().unwrap().len()), (&json!(1), 4), "{saved}");
    let again = call(&world, &owner, Method::POST, &path, json!({"text": text, "revision": 1})).await.json();
    assert!(again["rows"].as_array().unwrap().iter().all(|row| row["is_new"] == false), "{again}");
    let kept = get(&world, &owner, settings).await["settings"]["hours"]["holidays"].clone();
    assert_eq!((kept.as_array().unwrap().len(), &kept[0]["day"]), (4, &json!("2026-11-23")), "{kept}");

    let rule = json!({"revision": 0, "name": "Would not recommend us", "place": 30, "event": "Survey Answered", "text": "score <= 6",
        "deadline": {"hours": 8, "working": true}});
    let changed = call(&world, &owner, Method::PUT, "/api/v1/follow-up-rules/detractor", rule).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text());
    // Said on a Saturday.
    happen(&world, &key, vec![answered("s1", "u1", 3)]).await;
    assert_eq!(rows(&world, &owner, "").await[0]["due_at"], "2026-11-24T17:00:00Z");
}
