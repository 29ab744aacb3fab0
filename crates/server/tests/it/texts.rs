//! What customers write: understood as it comes, shown without personal data, on the timeline, as facts for conditions, corrected and learnt from.

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_server::auth::Role;
use rapport_server::records::workspaces::FIRST;
use rapport_server::understanding::rereading;
use rapport_server::{keeper, searching, understanding};
use serde_json::{Value, json};

use super::world::{Answer, Browser, World};

async fn get(world: &World, browser: &Browser, path: &str) -> Value {
    let answer = world.get(path, &browser.reads()).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    answer.json()
}

async fn post(world: &World, browser: &Browser, path: &str, body: Value) -> Answer {
    let [cookie, token] = browser.writes();
    let headers = [cookie, token, ("content-type", "application/json")];
    world.request(Method::POST, path, &headers, body.to_string()).await
}

async fn send(world: &World, key: &str, calls: Vec<Value>) {
    let answer = world.collect("/v1/batch", key, json!({ "batch": calls }).to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    world.app.pipeline.drain().await.unwrap();
}

fn said(world: &World, user: &str, hours: i64, event: &str, properties: Value) -> Value {
    let at = world.clock_now().plus(-hours * Timestamp::HOUR).to_rfc3339();
    let id = format!("{user}-{hours}-{event}");
    json!({"type": "track", "userId": user, "event": event, "messageId": id, "timestamp": at, "properties": properties})
}

fn texts(answer: &Value) -> Vec<&str> {
    answer["rows"].as_array().unwrap().iter().map(|row| row["text"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_is_written_is_understood_shown_without_personal_data_and_asked_for() {
    let world = World::new().await;
    let browser = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Web", None).await;
    let angry = "I am furious, you lied to me! Call me immediately: +49 170 1234567 or ann@example.org";
    send(
        &world,
        &key,
        vec![
            said(
                &world,
                "ann",
                5,
                "Product Reviewed",
                json!({"rating": 5, "text": "Thank you so much, I love the shoes"}),
            ),
            said(&world, "ann", 2, "Ticket Opened", json!({"subject": "Order", "text": angry})),
            said(&world, "bob", 3, "Product Reviewed", json!({"rating": 2, "text": "很失望，不会再来"})),
            // Written to them, not by them; and no text at all.
            said(&world, "bob", 2, "Ticket Answered", json!({"text": "I am furious too"})),
            said(&world, "bob", 1, "Product Viewed", json!({"product_id": "p1"})),
        ],
    )
    .await;
    let all = get(&world, &browser, "/api/v1/texts").await;
    assert_eq!(all["rows"].as_array().unwrap().len(), 3, "{all}");
    let first = &all["rows"][0];
    assert_eq!(first["text"], json!("I am furious, you lied to me! Call me immediately: [phone] or [email]"));
    assert_eq!((&first["understood"]["tone"], &first["understood"]["language"]), (&json!("negative"), &json!("en")));
    assert_eq!(first["understood"]["feelings"][0]["feeling"], json!("anger"));
    assert!(!all.to_string().contains("ann@example.org") && !all.to_string().contains("1234567"));
    let of = async |query: &str| get(&world, &browser, &format!("/api/v1/texts?{query}")).await;
    assert_eq!(texts(&of("feeling=gratitude").await), ["Thank you so much, I love the shoes"]);
    assert_eq!(texts(&of("language=zh&tone=negative").await), ["很失望，不会再来"]);
    searching::follow(&world.app.installation, FIRST).await.unwrap();
    let found = of("words=SHOE%20i&event_name=Product%20Reviewed").await;
    assert_eq!((texts(&found).len(), &found["total"]), (1, &json!(1)), "{found}");
    assert_eq!(texts(&of("words=%22bin%20furious%22").await), Vec::<&str>::new());
    assert_eq!(texts(&of("words=%E5%A4%B1%E6%9C%9B").await), ["很失望，不会再来"]);
    let person = first["person_id"].as_str().unwrap();
    assert_eq!(texts(&of(&format!("person_id={person}")).await).len(), 2);
    let page = of("limit=2").await;
    let next = page["next"].as_str().unwrap();
    assert_eq!(texts(&of(&format!("limit=2&cursor={next}")).await), ["Thank you so much, I love the shoes"]);
    assert_eq!(texts(&of("stars=5").await).len(), 1);
    let ids: Vec<&str> = all["rows"].as_array().unwrap().iter().map(|row| row["event_id"].as_str().unwrap()).collect();
    let two = format!("ids={},{}", ids[2], ids[0]);
    assert_eq!(
        of(&two).await["rows"],
        json!([all["rows"][0], all["rows"][2]]),
        "newest first, whatever was asked first"
    );
    let counts = get(&world, &browser, "/api/v1/texts/counts?tone=negative").await;
    let counted: i64 = counts["rows"].as_array().unwrap().iter().map(|row| row["texts"].as_i64().unwrap()).sum();
    assert_eq!(counted, 2, "{counts}");
    let english = counts["rows"].as_array().unwrap().iter().find(|row| row["language"] == "en").unwrap();
    assert_eq!((&english["event_name"], &english["stars"]), (&json!("Ticket Opened"), &Value::Null));
    assert_eq!((&english["feelings"]["anger"], &english["feelings"]["joy"]), (&json!(1), &json!(0)));
    for wrong in ["words=i&order=worst", "feeling=envy", "tone=loud", "from=yesterday", "ids=me"] {
        let answer = world.get(&format!("/api/v1/texts?{wrong}"), &browser.reads()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }

    // On the timeline, with what it said before.
    let timeline = get(&world, &browser, &format!("/api/v1/customers/{person}/timeline")).await;
    let tones: Vec<&Value> =
        timeline["rows"].as_array().unwrap().iter().map(|row| &row["understood"]["tone"]).collect();
    assert_eq!(tones, [&json!("negative"), &json!("positive")]);

    // As a fact of conditions.
    let segment = json!({"key": "upset", "name": "Upset", "text": "fact feeling.strongest = anger and fact feeling.sentiment < 0"});
    assert_eq!(post(&world, &browser, "/api/v1/segments", segment).await.status, StatusCode::OK);
    keeper::fill_workspace(&world.app.installation, FIRST).await.unwrap();
    let members = get(&world, &browser, "/api/v1/segments/upset/members").await;
    assert_eq!(members["rows"].as_array().unwrap().len(), 1);
    send(&world, &key, vec![said(&world, "ann", 1, "Ticket Opened", json!({"text": "Thank you, all is fine now"}))])
        .await;
    let members = get(&world, &browser, "/api/v1/segments/upset/members").await;
    assert_eq!(members["rows"].as_array().unwrap().len(), 0, "she feels better, and leaves at once");

    // Why, and what is like it.
    let event = first["event_id"].as_str().unwrap();
    let detail = get(&world, &browser, &format!("/api/v1/texts/{event}")).await;
    let reasons = detail["reasons"].as_array().unwrap();
    assert!(reasons.iter().any(|it| it["of"] == "anger" && it["word"] == "furious" && it["start"] == 5), "{detail}");
    let none = get(&world, &browser, &format!("/api/v1/texts/{event}/similar")).await;
    assert_eq!(none["rows"], json!([]));
    let missing = world.get("/api/v1/texts/0123456789abcdef0123456789abcdef", &browser.reads()).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_correction_counts_at_once_and_models_learn_from_corrections_and_stars() {
    let world = World::new().await;
    let browser = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Web", None).await;
    // A language without lists: what "grumu" means is in the stars only, and what it feels in corrections only.
    let text =
        |at: usize| if at.is_multiple_of(2) { format!("grumu pakk oma{at}") } else { format!("ilus pakk tulu{at}") };
    let calls = (0..100).map(|at| {
        let rating = if at % 2 == 0 { 1 } else { 5 };
        let hours = i64::try_from(200 - at).unwrap();
        said(&world, &format!("u{at}"), hours, "Product Reviewed", json!({"rating": rating, "text": text(at)}))
    });
    send(&world, &key, calls.collect()).await;
    assert_eq!(texts(&get(&world, &browser, "/api/v1/texts?tone=negative").await).len(), 0);
    let all = get(&world, &browser, "/api/v1/texts?limit=500").await;
    for row in all["rows"].as_array().unwrap().iter().take(60) {
        let path = format!("/api/v1/texts/{}/correction", row["event_id"].as_str().unwrap());
        let bad = row["text"].as_str().unwrap().starts_with("grumu");
        let body = json!({"feelings": if bad { vec!["anger"] } else { vec![] }});
        let answer = post(&world, &browser, &path, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        assert_eq!(answer.json()["understood"]["feelings"].as_array().unwrap().len(), usize::from(bad));
    }
    assert_eq!(texts(&get(&world, &browser, "/api/v1/texts?feeling=anger").await).len(), 30);
    assert!(understanding::learn(&world.app.installation, FIRST).await.unwrap());
    assert!(!understanding::learn(&world.app.installation, FIRST).await.unwrap(), "there is nothing new to learn from");
    let quality = get(&world, &browser, "/api/v1/texts/quality").await;
    assert_eq!((&quality["corrections"], &quality["rated"]), (&json!(60), &json!(100)));
    assert!(
        quality["sentiment_accuracy"].as_f64().unwrap() > 0.9
            && quality["feelings"][0]["precision"].as_f64().unwrap() > 0.9
    );
    send(&world, &key, vec![said(&world, "new", 0, "Ticket Opened", json!({"text": "see on grumu"}))]).await;
    let found = get(&world, &browser, "/api/v1/texts?limit=1").await;
    assert_eq!(found["rows"][0]["understood"]["tone"], json!("negative"));
    assert_eq!(found["rows"][0]["understood"]["feelings"][0]["feeling"], json!("anger"));

    let event = found["rows"][0]["event_id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/texts/{event}/correction");
    for wrong in [json!({}), json!({"sentiment": 2.0}), json!({"feelings": ["envy"]})] {
        assert_eq!(post(&world, &browser, &path, wrong).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let viewer = world.browser(Role::Viewer).await;
    assert_eq!(post(&world, &viewer, &path, json!({"sentiment": 0.0})).await.status, StatusCode::FORBIDDEN);

    // Taken back, it is again as it was understood.
    let before = found["rows"][0]["understood"].clone();
    let corrected = post(&world, &browser, &path, json!({"sentiment": 0.9, "feelings": ["joy"]})).await.json();
    assert_eq!(corrected["understood"]["tone"], json!("positive"));
    let delete = async |browser: &Browser| world.request(Method::DELETE, &path, &browser.writes(), String::new()).await;
    assert_eq!(delete(&viewer).await.status, StatusCode::FORBIDDEN);
    // Whoever serves customers reads them best.
    let agent = world.browser(Role::Agent).await;
    assert_eq!(delete(&agent).await.json()["understood"], before);
    assert_eq!(delete(&browser).await.json()["understood"], before, "there is no correction any more");
}

#[tokio::test]
async fn themes_say_what_is_new() {
    let world = World::new().await;
    let browser = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Web", None).await;
    let mut calls = Vec::new();
    for at in 0..120i64 {
        let day = 24 * (at % 50) + 1;
        let text = if at % 2 == 0 { "The shoes fit well" } else { "The delivery was quick" };
        calls.push(said(&world, &format!("u{at}"), day, "Product Reviewed", json!({"text": format!("{text} {at}")})));
    }
    for at in 0..40i64 {
        let text = format!("My voucher code is rejected and I am furious {at}");
        calls.push(said(&world, &format!("v{at}"), 1 + at, "Ticket Opened", json!({"text": text})));
    }
    send(&world, &key, calls).await;
    let from = world.clock_now().plus(-25 * Timestamp::DAY).to_rfc3339();
    let found = get(&world, &browser, &format!("/api/v1/texts/themes?from={from}")).await;
    assert_eq!(
        (&found["is_cut"], found["texts"].as_u64().unwrap() + found["texts_before"].as_u64().unwrap()),
        (&json!(false), 160)
    );
    let voucher =
        found["rows"].as_array().unwrap().iter().find(|row| row["words"].to_string().contains("voucher")).unwrap();
    assert_eq!(
        (&voucher["volume"], &voucher["texts"], &voucher["texts_before"]),
        (&json!("new"), &json!(40), &json!(0))
    );
    assert!(voucher["negative_share"].as_f64().unwrap() > 0.9 && voucher["quotes"].as_array().unwrap().len() == 3);
    let steady =
        found["rows"].as_array().unwrap().iter().find(|row| row["words"].to_string().contains("shoes")).unwrap();
    assert_eq!(steady["feeling"], json!("steady"));
    assert_eq!((&voucher["people"], voucher["event_ids"].as_array().unwrap().len()), (&json!(40), 40));
    assert!(voucher["sentiment"].as_f64().unwrap() < -0.1, "{voucher}");
    let course: Vec<u64> = voucher["course"].as_array().unwrap().iter().map(|it| it.as_u64().unwrap()).collect();
    assert_eq!(
        (course.len(), course.iter().sum::<u64>(), course[11]),
        (12, 40, 40),
        "all came within two days: {course:?}"
    );
    let empty = get(&world, &browser, "/api/v1/texts/themes?from=2001-01-01T00:00:00Z&to=2001-02-01T00:00:00Z").await;
    assert_eq!(empty["rows"], json!([]));
}

#[tokio::test]
async fn texts_are_found_by_their_words_page_by_page_and_never_those_of_another_workspace_or_who_is_gone() {
    let world = World::new().await;
    let browser = world.browser(Role::Agent).await;
    let (key, _) = world.write_key("Web", None).await;
    let wrote =
        |user: &str, hours: i64, text: String| said(&world, user, hours, "Ticket Opened", json!({"text": text}));
    let mut calls: Vec<Value> = (1..=7).map(|at| wrote("ann", at, format!("The parcel number {at} is late"))).collect();
    calls.push(wrote("bob", 9, "Parcel, parcel, late parcel".to_owned()));
    send(&world, &key, calls).await;
    let path = |query: &str| format!("/api/v1/texts?words=parcels%20late&{query}");
    // Before it followed, it says so instead of finding nothing.
    let early = world.get(&path(""), &browser.reads()).await;
    assert_eq!((early.status, early.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "10"));
    searching::follow(&world.app.installation, FIRST).await.unwrap();
    for order in ["newest", "best"] {
        let mut found: Vec<String> = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = get(&world, &browser, &path(&format!("order={order}&limit=3{cursor}"))).await;
            assert_eq!(page["total"], json!(8));
            found.extend(texts(&page).into_iter().map(str::to_owned));
            let Some(next) = page["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let first = if order == "best" { "Parcel, parcel, late parcel" } else { "The parcel number 1 is late" };
        assert_eq!((found.len(), found[0].as_str()), (8, first), "{order}: {found:?}");
        found.sort();
        found.dedup();
        assert_eq!(found.len(), 8, "nothing twice");
    }
    // Who is erased is found no more, at once.
    let owner = world.browser(Role::Owner).await;
    let ann = get(&world, &browser, &path("limit=1")).await["rows"][0]["person_id"].as_str().unwrap().to_owned();
    let erased = post(&world, &owner, &format!("/api/v1/customers/{ann}/erasure"), json!({})).await;
    assert_eq!(erased.status, StatusCode::OK, "{}", erased.text());
    let left = get(&world, &browser, &path("")).await;
    assert_eq!((texts(&left), &left["total"]), (vec!["Parcel, parcel, late parcel"], &json!(1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_before_a_model_was_learnt_is_understood_anew_and_nothing_follows_from_it() {
    let world = World::new().await;
    let browser = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Web", None).await;
    // What "grumu" means is in the stars only.
    let text =
        |at: usize| if at.is_multiple_of(2) { format!("grumu pakk oma{at}") } else { format!("ilus pakk tulu{at}") };
    let calls = (0..300).map(|at| {
        let rating = if at % 2 == 0 { 1 } else { 5 };
        let hours = 400 - i64::try_from(at).unwrap();
        said(&world, &format!("u{at}"), hours, "Product Reviewed", json!({"rating": rating, "text": text(at)}))
    });
    send(&world, &key, calls.collect()).await;
    let quality = async || get(&world, &browser, "/api/v1/texts/quality").await;
    let negative = async || {
        let counts = get(&world, &browser, "/api/v1/texts/counts?tone=negative").await;
        counts["rows"].as_array().unwrap().iter().map(|row| row["texts"].as_i64().unwrap()).sum::<i64>()
    };
    let opened = async || get(&world, &browser, "/api/v1/follow-ups/counts").await;
    let facts = async || {
        let mut db = world.app.installation.store.read();
        let keys = ["feeling.sentiment".to_owned()];
        let handles = rapport_profiles::records::identifiers::some_persons(&mut db, FIRST, 1_000).await.unwrap();
        let people: Vec<_> = handles.into_iter().map(|it| it.0).collect();
        rapport_profiles::records::facts::histories_of(&mut db, FIRST, &keys, &people).await.unwrap()
    };
    let installation = &world.app.installation;
    assert!(!rereading::begin_where_due(installation, FIRST).await.unwrap(), "by rules all is read already");
    let (before, told, follow_ups) = (negative().await, facts().await, opened().await);
    assert_eq!((before, quality().await["reading"].clone()), (0, Value::Null));
    // Somebody says of the first one that it is fine.
    let list = get(&world, &browser, "/api/v1/texts?limit=200").await;
    let event =
        list["rows"].as_array().unwrap().iter().find(|row| row["text"] == text(290)).unwrap()["event_id"].clone();
    let path = format!("/api/v1/texts/{}/correction", event.as_str().unwrap());
    let put = post(&world, &browser, &path, json!({"sentiment": 1.0})).await;
    assert_eq!(put.status, StatusCode::OK, "{}", put.text());

    assert!(understanding::learn(installation, FIRST).await.unwrap());
    assert!(rereading::begin_where_due(installation, FIRST).await.unwrap());
    assert!(rereading::go_on(installation, FIRST).await.unwrap());
    let reading = quality().await["reading"].clone();
    assert_eq!((&reading["texts"], &reading["read"], &reading["done_at"]), (&json!(300), &json!(200), &Value::Null));
    assert!(!rereading::begin_where_due(installation, FIRST).await.unwrap(), "it goes on instead");
    while rereading::go_on(installation, FIRST).await.unwrap() {}
    let reading = quality().await["reading"].clone();
    assert!(reading["read"] == 300 && reading["altered"].as_i64().unwrap() > 250, "{reading}");
    assert!(!reading["done_at"].is_null() && !rereading::go_on(installation, FIRST).await.unwrap());
    assert!(negative().await > 130, "{}", negative().await);
    let kept = get(&world, &browser, &format!("/api/v1/texts/{}", event.as_str().unwrap())).await;
    assert_eq!(kept["understood"]["sentiment"], json!(1.0), "what staff say stays: {kept}");
    assert_eq!((facts().await, opened().await), (told, follow_ups), "nobody said anything anew");
}
