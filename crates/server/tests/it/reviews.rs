//! Reviews, from the event to the queue: what is known of their writers speaks for or against them, and staff decide and answer.

use axum::http::{Method, StatusCode};
use rapport_server::auth::Role;
use rapport_server::reviewing;
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, track};
use crate::world::{Browser, World};

const WORDS: &str = "The best lamp that I have ever had on my desk, it is bright and the switch feels right";

fn review(id: &str, user: &str, product: &str, rating: Value, words: &str) -> Value {
    let about = json!({"review_id": id, "product_id": product, "name": "Lamp", "rating": rating, "review_body": words});
    track(id, user, "Product Reviewed", about)
}

async fn told(world: &World, key: &str, calls: Vec<Value>) {
    happen(world, key, calls).await;
    while reviewing::judge_due(&world.app.installation).await.unwrap() {}
}

async fn shop() -> (World, Browser, String) {
    // Weeks pass in these tests.
    let world = World::with(&[("session.idle_hours", "100000"), ("session.days", "4000")]).await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Web", None).await;
    let order = json!({"order_id": "o1", "revenue": 10, "products": [{"product_id": "lamp", "price": 10}]});
    let identify = |user: &str| json!({"type": "identify", "userId": user, "messageId": format!("i{user}"), "traits": {"firstName": "Ann", "address": {"street": "1 Elm Street"}}});
    happen(&world, &key, vec![identify("u1"), track("o1", "u1", "Order Completed", order)]).await;
    (world, owner, key)
}

async fn by_id(world: &World, owner: &Browser, product: &str) -> Vec<Value> {
    get(world, owner, &format!("/api/v1/reviews?product={product}")).await["rows"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_buyers_review_is_shown_and_a_copy_of_it_waits() {
    let (world, owner, key) = shop().await;
    told(&world, &key, vec![review("r1", "u1", "lamp", json!(5), WORDS)]).await;
    let mine = by_id(&world, &owner, "lamp").await;
    assert_eq!(
        (&mine[0]["state"], &mine[0]["purchase"], &mine[0]["doubt"]),
        (&json!("shown"), &json!("verified"), &json!(0))
    );
    assert_eq!((&mine[0]["text"], &mine[0]["product_name"]), (&json!(WORDS), &json!("Lamp")));
    assert!(mine[0]["person_name"].as_str().unwrap().contains("Ann"), "{}", mine[0]);

    world.clock.advance(rapport_domain::Timestamp::HOUR);
    // Somebody else copies it, with a comma more and a mail address, and has bought nothing.
    let copy = format!("{WORDS}! me@b.example");
    told(&world, &key, vec![review("r2", "u2", "lamp", json!("4.5"), &copy)]).await;
    let rows = by_id(&world, &owner, "lamp").await;
    let copied = rows.iter().find(|row| row["rating"] == 5 && row["state"] == "waiting").expect("it waits");
    let signs: Vec<&str> = copied["signs"].as_array().unwrap().iter().map(|it| it["sign"].as_str().unwrap()).collect();
    assert_eq!(signs, ["copied_from_others", "not_bought", "just_came"], "{copied}");
    assert!(!copied["text"].as_str().unwrap().contains("me@b.example"), "{copied}");
    assert!(rows.iter().any(|row| row["state"] == "shown"), "who wrote it first has copied from nobody");

    // What everybody says is no copy.
    for user in ["u6", "u7"] {
        told(&world, &key, vec![review(user, user, "mug", json!(4), "Does what it should, nothing more.")]).await;
        world.clock.advance(rapport_domain::Timestamp::HOUR);
    }
    let signs = by_id(&world, &owner, "mug").await.iter().map(|row| row["signs"].to_string()).collect::<String>();
    assert!(!signs.contains("copied"), "{signs}");

    let products = get(&world, &owner, "/api/v1/reviews/products").await["rows"][0].clone();
    assert_eq!(
        (&products["reviews"], &products["waiting"], &products["stars"]),
        (&json!(2), &json!(1), &json!([0, 0, 0, 0, 2]))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_review_is_none_and_a_changed_one_is_one() {
    let (world, owner, key) = shop().await;
    let calls = vec![
        review("r1", "u1", "lamp", json!(0), "no stars"),
        review("r2", "u1", "lamp", json!(6), "too many"),
        review("r3", "u1", "lamp", json!("good"), "no number"),
        review("r4", "u1", "", json!(3), "of nothing"),
        review("r5", "u1", "lamp", json!(2), "It broke"),
    ];
    told(&world, &key, calls).await;
    let again = json!({"review_id": "r5", "product_id": "lamp", "rating": 4, "review_body": "They sent a new one"});
    told(&world, &key, vec![track("r5-changed", "u1", "Product Reviewed", again)]).await;
    let rows = by_id(&world, &owner, "lamp").await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!((&rows[0]["rating"], &rows[0]["text"]), (&json!(4), &json!("They sent a new one")));
    assert_eq!(get(&world, &owner, "/api/v1/reviews?product=").await["rows"], json!([]));
}

/// Two people who live in one house, and one who used a tablet of both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_shares_a_device_or_an_address_is_looked_at() {
    let (world, owner, key) = shop().await;
    let on_tablet = |id: &str, user: &str| json!({"type": "track", "userId": user, "anonymousId": "tablet", "messageId": id, "event": "Product Viewed"});
    let lives = |user: &str, street: &str| json!({"type": "identify", "userId": user, "messageId": format!("l{user}"), "traits": {"address": {"street": street}}});
    let calls =
        vec![on_tablet("v1", "u1"), on_tablet("v3", "u3"), lives("u4", "1 ELM Street"), lives("u5", "2 Elm Street")];
    happen(&world, &key, calls).await;
    let text = |number: u32| format!("Thought number {number} about this lamp of mine and of others");
    let calls = [1, 3, 4, 5]
        .map(|number| review(&format!("r{number}"), &format!("u{number}"), "lamp", json!(4), &text(number)));
    told(&world, &key, calls.to_vec()).await;
    // All are there now; each is looked at beside the others.
    let judged = call(&world, &owner, Method::POST, "/api/v1/reviews/judge", Value::Null).await;
    assert_eq!(judged.json()["reviews"], 4, "{}", judged.text());
    while reviewing::judge_due(&world.app.installation).await.unwrap() {}
    let shares = |row: &Value| row["signs"].as_array().unwrap().iter().any(|it| it["sign"] == "shared_device");
    let mut sharing: Vec<String> = by_id(&world, &owner, "lamp")
        .await
        .iter()
        .filter(|row| shares(row))
        .map(|row| row["text"].as_str().unwrap()[15..16].to_owned())
        .collect();
    sharing.sort();
    assert_eq!(sharing, ["1", "3", "4"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn staff_decide_and_answer_and_nobody_else_does() {
    let (world, owner, key) = shop().await;
    told(&world, &key, vec![review("r1", "u1", "lamp", json!(1), "It broke at once, and nobody answers")]).await;
    let id = by_id(&world, &owner, "lamp").await[0]["id"].as_str().unwrap().to_owned();
    let decision = format!("/api/v1/reviews/{id}/decision");
    for (body, code) in [
        (json!({"state": "gone"}), "invalid"),
        (json!({"state": "new"}), "invalid"),
        (json!({"state": "hidden", "why": " "}), "invalid"),
        (json!({"state": "hidden", "why": "x", "more": 1}), "invalid"),
    ] {
        let refused = call(&world, &owner, Method::POST, &decision, body.clone()).await;
        assert!(refused.status.is_client_error(), "{code} {body}: {}", refused.text());
    }
    let hidden =
        call(&world, &owner, Method::POST, &decision, json!({"state": "hidden", "why": "names a neighbour"})).await;
    assert_eq!(hidden.status, StatusCode::NO_CONTENT, "{}", hidden.text());
    let answer = format!("/api/v1/reviews/{id}/answer");
    let long = "x".repeat(4_001);
    for text in ["", "   ", long.as_str()] {
        assert!(call(&world, &owner, Method::PUT, &answer, json!({ "text": text })).await.status.is_client_error());
    }
    let said = call(&world, &owner, Method::PUT, &answer, json!({"text": "We are sorry\u{202e}\u{7}"})).await;
    assert_eq!(said.status, StatusCode::NO_CONTENT, "{}", said.text());
    let row = by_id(&world, &owner, "lamp").await[0].clone();
    assert_eq!(
        (&row["state"], &row["decided_why"], &row["answer"]),
        (&json!("hidden"), &json!("names a neighbour"), &json!("We are sorry"))
    );
    let product = get(&world, &owner, "/api/v1/reviews/products").await["rows"][0].clone();
    assert_eq!(
        (&product["hidden"], &product["all"]["mean"], &product["shown"]),
        (&json!(1), &json!(1.0), &Value::Null)
    );
    assert_eq!(call(&world, &owner, Method::DELETE, &answer, Value::Null).await.status, StatusCode::NO_CONTENT);
    assert_eq!(by_id(&world, &owner, "lamp").await[0]["answer"], Value::Null);

    // Taken back, the rule decides: nothing spoke against it.
    assert_eq!(call(&world, &owner, Method::DELETE, &decision, Value::Null).await.status, StatusCode::NO_CONTENT);
    let row = by_id(&world, &owner, "lamp").await[0].clone();
    assert_eq!((&row["state"], &row["decided_at"]), (&json!("shown"), &Value::Null));

    let viewer = world.browser(Role::Viewer).await;
    let refused = call(&world, &viewer, Method::POST, &decision, json!({"state": "shown"})).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(call(&world, &viewer, Method::DELETE, &decision, Value::Null).await.status, StatusCode::FORBIDDEN);
    for unknown in ["00000000000000000000000000000000", "zz", "../x"] {
        let path = format!("/api/v1/reviews/{unknown}/decision");
        assert_eq!(
            call(&world, &owner, Method::POST, &path, json!({"state": "shown"})).await.status,
            StatusCode::NOT_FOUND,
            "{unknown}"
        );
        assert_eq!(call(&world, &owner, Method::DELETE, &path, Value::Null).await.status, StatusCode::NOT_FOUND);
    }
}

/// The same product is reviewed seven times within an hour by people who know nobody: what the first ones were judged by has changed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neighbours_of_a_burst_are_judged_again() {
    let (world, owner, key) = shop().await;
    let text = |number: u32| format!("Opinion {number}: this kettle is what I was looking for, number {number}");
    let bursts = async || -> usize {
        let rows = by_id(&world, &owner, "kettle").await;
        let in_burst = |row: &&Value| row["signs"].as_array().unwrap().iter().any(|it| it["sign"] == "burst");
        rows.iter().filter(in_burst).count()
    };
    for number in 1..=4 {
        told(
            &world,
            &key,
            vec![review(&format!("k{number}"), &format!("w{number}"), "kettle", json!(4), &text(number))],
        )
        .await;
        world.clock.advance(rapport_domain::Timestamp::MINUTE);
    }
    assert_eq!(bursts().await, 0, "four are no burst");
    told(&world, &key, vec![review("k5", "w5", "kettle", json!(4), &text(5))]).await;
    // Those that came before are due now.
    reviewing::judge_due(&world.app.installation).await.unwrap();
    assert_eq!(bursts().await, 5, "with the fifth all five are");
    // What staff decided about one is left as it is.
    let one = by_id(&world, &owner, "kettle").await[4]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/reviews/{one}/decision");
    call(&world, &owner, Method::POST, &path, json!({"state": "shown"})).await;
    for number in 6..=8 {
        told(
            &world,
            &key,
            vec![review(&format!("k{number}"), &format!("w{number}"), "kettle", json!(4), &text(number))],
        )
        .await;
    }
    reviewing::judge_due(&world.app.installation).await.unwrap();
    assert_eq!(bursts().await, 8);
    let rows = by_id(&world, &owner, "kettle").await;
    let decided = rows.iter().find(|row| row["id"] == one.as_str()).unwrap();
    assert_eq!((&decided["state"], decided["decided_at"].is_string()), (&json!("shown"), true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_that_come_after_their_reviews_count() {
    let (world, owner, key) = shop().await;
    let words = "A mug that keeps its promise on every single morning of the week";
    told(&world, &key, vec![review("m1", "u9", "mug", json!(4), words)]).await;
    let purchase = async || by_id(&world, &owner, "mug").await[0]["purchase"].clone();
    assert_eq!(purchase().await, json!("none"));
    let days_ago = |days: i64| world.clock_now().plus(-days * rapport_domain::Timestamp::DAY).to_rfc3339();
    let mut order = track(
        "o9",
        "u9",
        "Order Completed",
        json!({"order_id": "o9", "revenue": 5, "products": [{"product_id": "mug", "price": 5}]}),
    );
    order["timestamp"] = json!(days_ago(9));
    happen(&world, &key, vec![order]).await;
    world.clock.advance(3 * rapport_domain::Timestamp::SECOND);
    while reviewing::judge_due(&world.app.installation).await.unwrap() {}
    assert_eq!(purchase().await, json!("verified"));
    // A visitor's, who turns out to be somebody with an order.
    let visitor = json!({"type": "track", "anonymousId": "phone", "messageId": "m2", "event": "Product Reviewed",
        "properties": {"review_id": "m2", "product_id": "lamp", "rating": 5, "text": "Bright and quiet, and it looks good in the hall"}});
    told(&world, &key, vec![visitor]).await;
    assert_eq!(by_id(&world, &owner, "lamp").await[0]["purchase"], json!("unknown"));
    told(&world, &key, vec![json!({"type": "identify", "anonymousId": "phone", "userId": "u1", "messageId": "j"})])
        .await;
    world.clock.advance(3 * rapport_domain::Timestamp::SECOND);
    while reviewing::judge_due(&world.app.installation).await.unwrap() {}
    assert_eq!(by_id(&world, &owner, "lamp").await[0]["purchase"], json!("verified"));
}

/// What is said against the review of a product with so many stars.
async fn signs(world: &World, owner: &Browser, product: &str, stars: i64) -> Vec<String> {
    let rows = by_id(world, owner, product).await;
    let row = rows.iter().find(|row| row["rating"] == stars).unwrap_or_else(|| panic!("{product}: {rows:?}"));
    row["signs"].as_array().unwrap().iter().map(|it| it["sign"].as_str().unwrap().to_owned()).collect()
}

/// What somebody does over time: the same words again, many at once, nothing but stars of one kind, and otherwise than all others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_writer_does_over_time_speaks_against_them() {
    let (world, owner, key) = shop().await;
    let own =
        |number: u32| format!("What I think of thing number {number} after having had it for a while, all in all");
    let write = async |id: &str, user: &str, product: &str, stars: i64, words: &str| {
        told(&world, &key, vec![review(id, user, product, json!(stars), words)]).await;
        signs(&world, &owner, product, stars).await
    };
    let has = |found: &[String], sign: &str| found.iter().any(|it| it == sign);

    // The same words of another product; of the same product they are a changed mind.
    assert!(!has(&write("c1", "u1", "lamp", 4, WORDS).await, "repeats_themselves"));
    world.clock.advance(3 * rapport_domain::Timestamp::DAY);
    assert!(!has(&write("c2", "u1", "lamp", 3, &format!("{WORDS}, still")).await, "repeats_themselves"));
    world.clock.advance(3 * rapport_domain::Timestamp::DAY);
    assert!(has(&write("c3", "u1", "desk", 4, &format!("{WORDS}!")).await, "repeats_themselves"));

    // Four within a day; the fifth comes days later.
    let mut found = Vec::new();
    for number in 1..=5 {
        if number == 5 {
            world.clock.advance(4 * rapport_domain::Timestamp::DAY);
        }
        found.push(write(&format!("m{number}"), "u2", &format!("m{number}"), 3, &own(number)).await);
        world.clock.advance(rapport_domain::Timestamp::HOUR);
    }
    assert_eq!(found.iter().map(|it| has(it, "many_in_a_day")).collect::<Vec<_>>(), [false, false, false, true, false]);

    // Five of five stars, each in its own week; somebody else's are as they come.
    let mut found = Vec::new();
    for number in 11..=15 {
        let always = write(&format!("a{number}"), "u3", &format!("a{number}"), 5, &own(number)).await;
        let as_it_is =
            write(&format!("b{number}"), "u4", &format!("b{number}"), i64::from(number % 5) + 1, &own(number + 50))
                .await;
        found.push((has(&always, "always_extreme"), has(&as_it_is, "always_extreme")));
        world.clock.advance(7 * rapport_domain::Timestamp::DAY);
    }
    assert_eq!(found, [(false, false), (false, false), (false, false), (false, false), (true, false)]);

    // Nine others are too few to be far from, ten are not.
    for number in 1..=9 {
        write(&format!("f{number}"), &format!("w{number}"), "chair", 5, &own(100 + number)).await;
        world.clock.advance(2 * rapport_domain::Timestamp::DAY);
    }
    assert!(!has(&write("f0", "u5", "chair", 1, &own(120)).await, "far_from_others"));
    write("f10", "w10", "chair", 5, &own(110)).await;
    world.clock.advance(2 * rapport_domain::Timestamp::DAY);
    assert!(has(&write("f11", "u6", "chair", 2, &own(121)).await, "far_from_others"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_not_come_yet_cannot_be_judged() {
    let (world, owner, key) = shop().await;
    let order = |id: &str, product: &str| {
        let lines = json!([{"product_id": product, "price": 5}]);
        track(id, "u9", "Order Completed", json!({"order_id": id, "revenue": 5, "products": lines}))
    };
    let delivered = |id: &str| track(&format!("d{id}"), "u9", "Order Delivered", json!({"order_id": id}));
    happen(&world, &key, vec![order("A", "vase"), delivered("A"), order("B", "mug")]).await;
    let words = "A mug that keeps its promise on every single morning of the week";
    told(&world, &key, vec![review("m1", "u9", "mug", json!(5), words)]).await;
    let row = by_id(&world, &owner, "mug").await[0].clone();
    assert_eq!((&row["purchase"], &row["signs"][0]["sign"]), (&json!("undelivered"), &json!("not_delivered")), "{row}");
    // It comes.
    happen(&world, &key, vec![delivered("B")]).await;
    let judged = call(&world, &owner, Method::POST, "/api/v1/reviews/judge", Value::Null).await;
    assert_eq!(judged.status, StatusCode::OK, "{}", judged.text());
    while reviewing::judge_due(&world.app.installation).await.unwrap() {}
    let row = by_id(&world, &owner, "mug").await[0].clone();
    // Written before it came, it stays what it was.
    assert_eq!(row["purchase"], json!("undelivered"), "{row}");
    told(
        &world,
        &key,
        vec![review("m2", "u9", "mug", json!(4), "Now that it is here: it holds what I hoped for, and more")],
    )
    .await;
    assert_eq!(signs(&world, &owner, "mug", 4).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_reads_what_is_shown_and_nothing_else() {
    let (world, owner, key) = shop().await;
    let hostile = "Bright </script><script>alert(1)</script>, says Ann Weber, ann@example.org";
    let name = json!({"type": "identify", "userId": "u1", "messageId": "n", "traits": {"name": "Ann Weber"}});
    happen(&world, &key, vec![name]).await;
    told(
        &world,
        &key,
        vec![
            review("r1", "u1", "lamp", json!(5), hostile),
            review("r2", "u2", "lamp", json!(1), "Never again, it is all lies"),
        ],
    )
    .await;
    let rows = by_id(&world, &owner, "lamp").await;
    let id = |stars: i64| rows.iter().find(|row| row["rating"] == stars).unwrap()["id"].as_str().unwrap().to_owned();
    for (stars, state) in [(5, "shown"), (1, "hidden")] {
        let path = format!("/api/v1/reviews/{}/decision", id(stars));
        let done = call(&world, &owner, Method::POST, &path, json!({"state": state, "why": "seen"})).await;
        assert_eq!(done.status, StatusCode::NO_CONTENT, "{}", done.text());
    }
    call(&world, &owner, Method::PUT, &format!("/api/v1/reviews/{}/answer", id(5)), json!({"text": "Thank you!"}))
        .await;
    // The list of the staff hides the writer's name, too.
    assert!(!by_id(&world, &owner, "lamp").await.iter().any(|row| row["text"].as_str().unwrap().contains("Weber")));
    let public = get(&world, &owner, "/api/v1/reviews/public").await;
    let url = public["url"].as_str().unwrap();
    let path = url[url.find("/r/").unwrap()..].replace("{product}", "lamp");
    let answer = world.get(&path, &[("origin", "https://shop.example")]).await;
    assert_eq!(
        (answer.header("access-control-allow-origin"), answer.header("cache-control")),
        ("*", "public, max-age=300")
    );
    let json = answer.json();
    assert_eq!(
        (&json["reviews"], &json["rating"]["mean"], &json["stars"]),
        (&json!(1), &json!(5.0), &json!([0, 0, 0, 0, 1]))
    );
    assert_eq!((&json["rows"][0]["answer"], &json["rows"][0]["is_verified"]), (&json!("Thank you!"), &json!(true)));
    for hidden in ["Weber", "ann@", "lies", "person"] {
        assert!(!answer.text().contains(hidden), "{hidden}: {}", answer.text());
    }
    assert_eq!(json["linked_data"]["aggregateRating"]["reviewCount"], 1);
    let page = world.get(&format!("{path}/summary?lang=zh"), &[]).await;
    assert!(page.text().contains("已购买用户") && page.header("content-security-policy").contains("frame-ancestors *"));
    assert_eq!(page.text().matches("<script").count(), 1, "only the data: {}", page.text());
    assert!(page.text().contains("application/ld+json") && page.text().contains("\\u003c/script"), "{}", page.text());
    assert_eq!(world.get(&path.replace("lamp", "mug"), &[]).await.json()["reviews"], 0);
    for wrong in
        [path.replace("/r/", "/r/x"), "/r/x/products/lamp".to_owned(), format!("/r/x/products/{}", "y".repeat(600))]
    {
        assert_eq!(world.get(&wrong, &[]).await.status, StatusCode::NOT_FOUND, "{wrong}");
    }
}

/// Asked after a delivery, somebody answers: their answer is a review of the product, judged like any other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_to_the_survey_of_a_product_is_a_review() {
    let (world, owner, _) = shop().await;
    let definition = get(&world, &owner, "/api/v1/survey-templates/product_review").await["definition"].clone();
    let made = json!({"key": "review", "name": "Review", "definition": definition});
    assert_eq!(call(&world, &owner, Method::POST, "/api/v1/surveys", made).await.status, StatusCode::OK);
    let opened =
        call(&world, &owner, Method::POST, "/api/v1/surveys/review/act", json!({"act": "open", "revision": 1})).await;
    assert_eq!(opened.status, StatusCode::OK, "{}", opened.text());
    let ann = crate::engaging::only_person(&world, &owner, "u1").await;
    let invite = json!({"person_id": ann, "product_id": "lamp", "channel": "letter"});
    let invited = call(&world, &owner, Method::POST, "/api/v1/surveys/review/invitations", invite).await.json();
    let url = invited["url"].as_str().unwrap_or_else(|| panic!("{invited}"));
    let path = &url[url.find("/s/").unwrap()..];
    let form =
        "page=0&shown=stars&shown=words&q.stars=4&q.words=Bright+and+quiet%2C+write+to+ann%40example.org&act=next";
    let sent = world.request(Method::POST, path, &[("content-type", "application/x-www-form-urlencoded")], form).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text());
    crate::engaging::settle(&world).await;
    while reviewing::judge_due(&world.app.installation).await.unwrap() {}
    let rows = by_id(&world, &owner, "lamp").await;
    assert_eq!((rows.len(), &rows[0]["rating"], &rows[0]["purchase"]), (1, &json!(4), &json!("verified")), "{rows:?}");
    assert_eq!(rows[0]["text"], "Bright and quiet, write to [email]");
    crate::engaging::settle(&world).await;
    assert_eq!(by_id(&world, &owner, "lamp").await.len(), 1, "told once");
}
