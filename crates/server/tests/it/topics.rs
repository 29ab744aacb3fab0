//! Topics from outside: a tree that people edit, what is said of each, theirs and ours, and clauses that people put somewhere else.

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_server::auth::Role;
use rapport_server::records::workspaces::FIRST;
use rapport_server::{reviewing, searching};
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, track};
use crate::world::{Browser, World};

async fn wrote(world: &World, key: &str, days: i64, texts: &[&str]) {
    let at = world.clock_now().plus(-days * Timestamp::DAY).to_rfc3339();
    let calls = texts.iter().enumerate().map(|(number, text)| {
        let mut call =
            track(&format!("{days}-{number}"), &format!("u{number}"), "Comment Written", json!({ "text": text }));
        call["timestamp"] = json!(at);
        call
    });
    happen(world, key, calls.collect()).await;
}

async fn shop() -> (World, Browser, String) {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Web", None).await;
    (world, owner, key)
}

fn of<'v>(rows: &'v Value, key: &str) -> &'v Value {
    rows["rows"].as_array().unwrap().iter().find(|row| row["key"] == key).unwrap_or_else(|| panic!("{key}: {rows}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_of_topics_is_counted_and_quoted() {
    let (world, owner, key) = shop().await;
    wrote(
        &world,
        &key,
        2,
        &["The packaging was awful. The price is great!", "Terrible delivery, I am angry", "Nothing much"],
    )
    .await;
    wrote(&world, &key, 40, &["I love the colour"]).await;
    let found = get(&world, &owner, "/api/v1/topics/aspects").await;
    assert_eq!((&found["texts"], &found["texts_before"], &found["without"]), (&json!(3), &json!(1), &json!(1)));
    let delivery = of(&found, "delivery");
    assert_eq!(
        (&delivery["texts"], &delivery["negative"], &delivery["name"]["zh"]),
        (&json!(2), &json!(2), &json!("配送"))
    );
    assert_eq!(
        (&of(&found, "packaging")["parent"], &of(&found, "looks")["texts_before"]),
        (&json!("delivery"), &json!(1))
    );
    assert!(of(&found, "price")["quotes"][0]["text"].as_str().unwrap().contains("price is great"), "{found}");

    // A rival's texts are counted apart, and side by side.
    let csv = "text,brand\nTheir packaging is great,Rival\nAwful service,Rival\n";
    let [cookie, token] = owner.writes();
    let sent = world.request(Method::POST, "/api/v1/mentions/import", &[cookie, token], csv.to_owned()).await;
    assert_eq!(sent.json()["taken"], 2, "{}", sent.text());
    assert_eq!(of(&get(&world, &owner, "/api/v1/topics/aspects").await, "delivery")["texts"], 2);
    let theirs = get(&world, &owner, "/api/v1/topics/aspects?subject=Rival").await;
    assert_eq!((&theirs["texts"], &of(&theirs, "packaging")["positive"]), (&json!(2), &json!(1)));
    let both = get(&world, &owner, "/api/v1/topics/compare").await;
    assert_eq!((&both["subjects"][0]["subject"], &both["subjects"][1]["subject"]), (&Value::Null, &json!("Rival")));
    let packaging = both["topics"].as_array().unwrap().iter().find(|it| it["key"] == "packaging").unwrap();
    assert_eq!(
        (&packaging["of"][0]["negative"]["hits"], &packaging["of"][1]["negative"]["hits"]),
        (&json!(1), &json!(0))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tree_is_edited_and_corrections_count() {
    let (world, owner, key) = shop().await;
    wrote(&world, &key, 1, &["The grumble box is splendid. I like it"]).await;
    let agent = world.browser(Role::Agent).await;
    let text = get(&world, &agent, "/api/v1/texts").await["rows"][0]["event_id"].as_str().unwrap().to_owned();
    let clauses = format!("/api/v1/texts/{text}/topics");
    let found = get(&world, &agent, &clauses).await;
    assert_eq!(found["rows"].as_array().unwrap().len(), 2, "{found}");
    let start = found["rows"][1]["start"].clone();
    let put = call(&world, &agent, Method::POST, &clauses, json!({"start": start, "topic": "service"})).await;
    assert_eq!(put.status, StatusCode::OK, "{}", put.text());
    assert_eq!(
        (&put.json()["rows"][1]["topic"], &put.json()["rows"][1]["is_corrected"]),
        (&json!("service"), &json!(true))
    );
    for body in [json!({"start": 3, "topic": "service"}), json!({"start": start, "topic": "nothing"})] {
        assert_eq!(call(&world, &agent, Method::POST, &clauses, body).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    // An agent corrects how a text feels, too, and does not edit the tree.
    let corrected =
        call(&world, &agent, Method::POST, &format!("/api/v1/texts/{text}/correction"), json!({"sentiment": -0.5}))
            .await;
    assert_eq!(corrected.status, StatusCode::OK, "{}", corrected.text());
    let tree = get(&world, &owner, "/api/v1/topics").await;
    assert_eq!((&tree["version"], &tree["examples"]), (&json!(0), &json!(1)));
    let refused =
        call(&world, &agent, Method::PUT, "/api/v1/topics", json!({"topics": tree["topics"], "version": 0})).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);

    let mut topics = tree["topics"].clone();
    topics
        .as_array_mut()
        .unwrap()
        .push(json!({"key": "grumbles", "name": {"en": "Grumbles"}, "words": ["grumble box"]}));
    let saved = call(&world, &owner, Method::PUT, "/api/v1/topics", json!({"topics": topics, "version": 0})).await;
    assert_eq!(saved.json()["version"], 1, "{}", saved.text());
    let late = call(&world, &owner, Method::PUT, "/api/v1/topics", json!({"topics": topics, "version": 0})).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert_eq!(of(&get(&world, &owner, "/api/v1/topics/aspects").await, "grumbles")["texts"], 1);
    topics[0]["parent"] = json!("grumbles");
    topics.as_array_mut().unwrap().last_mut().unwrap()["parent"] = json!("product");
    let wrong = call(&world, &owner, Method::PUT, "/api/v1/topics", json!({"topics": topics, "version": 1})).await;
    assert!(
        wrong.status == StatusCode::UNPROCESSABLE_ENTITY && wrong.text().contains("topics[0].parent"),
        "{}",
        wrong.text()
    );
    let versions = get(&world, &owner, "/api/v1/topics/versions").await;
    assert_eq!((versions["rows"].as_array().unwrap().len(), &versions["rows"][0]["saved_by"]), (1, &json!("Test")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reviews_of_a_product_are_summed_up_by_topic() {
    let (world, owner, key) = shop().await;
    let review = |id: &str, user: &str, stars: i64, words: &str| {
        track(
            id,
            user,
            "Product Reviewed",
            json!({"review_id": id, "product_id": "lamp", "rating": stars, "review_body": words}),
        )
    };
    happen(
        &world,
        &key,
        vec![
            review("1", "u1", 5, "The colour is beautiful"),
            review("2", "u2", 1, "It broke at once, the quality is terrible"),
        ],
    )
    .await;
    while reviewing::judge_due(&world.app.installation).await.unwrap() {}
    let hidden = get(&world, &owner, "/api/v1/reviews?rating=1").await["rows"][0]["id"].as_str().unwrap().to_owned();
    let aspects = async || get(&world, &owner, "/api/v1/reviews/products/lamp/aspects").await;
    let found = aspects().await;
    assert_eq!((&of(&found, "looks")["positive"], &of(&found, "quality")["negative"]), (&json!(1), &json!(1)));
    assert_eq!(of(&found, "looks")["quotes"][0]["text"], "The colour is beautiful", "in their own words: {found}");
    assert!(of(&found, "quality")["quotes"].to_string().contains("quality is terrible"), "{found}");
    let path = format!("/api/v1/reviews/{hidden}/decision");
    call(&world, &owner, Method::POST, &path, json!({"state": "hidden", "why": "a rival's"})).await;
    let found = aspects().await;
    assert_eq!(of(&found, "product")["texts"], 1, "only what is shown: {found}");
    assert!(!found.to_string().contains("terrible"), "nor quoted: {found}");
    let public = get(&world, &owner, "/api/v1/reviews/public").await;
    let url = public["url"].as_str().unwrap();
    let public = world.get(&url[url.find("/r/").unwrap()..].replace("{product}", "lamp"), &[]).await.json();
    assert_eq!(public["aspects"].as_array().unwrap().len(), 2, "{public}");
    assert!(!public.to_string().contains("terrible"));
}

/// Every page of a list, joined: the ids of texts.
async fn listed(world: &World, owner: &Browser, query: &str, limit: usize) -> Vec<String> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = get(world, owner, &format!("/api/v1/texts?limit={limit}{query}&cursor={cursor}")).await;
        all.extend(page["rows"].as_array().unwrap().iter().map(|row| row["event_id"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => return all,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_of_a_topic_are_those_that_each_text_says_of_itself() {
    let (world, owner, key) = shop().await;
    // Most speak of nothing that is kept: what is about a topic stands far apart.
    let texts: Vec<String> = (0..430)
        .map(|number| match number % 43 {
            0 => format!("The parcel came torn, terrible packaging {number}"),
            7 => format!("Terrible delivery {number}, I am angry"),
            11 => format!("Parcel number {number}. The price is great!"),
            20 => format!("Das Paket {number} kam verspätet"),
            _ => format!("Blue sky over parceltown {number}"),
        })
        .collect();
    wrote(&world, &key, 3, &texts.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let all = listed(&world, &owner, "", 500).await;
    assert_eq!(all.len(), 430);
    // Two were put elsewhere by hand: one out of every topic, one into another.
    let parcels = listed(&world, &owner, "&topic=packaging", 50).await;
    for (text, topic) in [(&parcels[0], Value::Null), (&parcels[1], json!("price"))] {
        let path = format!("/api/v1/texts/{text}/topics");
        let put = call(&world, &owner, Method::POST, &path, json!({"start": 0, "topic": topic})).await;
        assert_eq!(put.status, StatusCode::OK, "{}", put.text());
    }
    let mut of: Vec<(String, Vec<Value>)> = Vec::new();
    for text in &all {
        let clauses = get(&world, &owner, &format!("/api/v1/texts/{text}/topics")).await;
        of.push((text.clone(), clauses["rows"].as_array().unwrap().iter().map(|it| it["topic"].clone()).collect()));
    }
    let below: [(&str, &[&str]); 4] = [
        ("delivery", &["delivery", "delivery_time", "packaging"]),
        ("packaging", &["packaging"]),
        ("price", &["price"]),
        ("payment", &["payment"]),
    ];
    searching::follow(&world.app.installation, FIRST).await.unwrap();
    let figures = get(&world, &owner, "/api/v1/topics/aspects").await;
    for (topic, keys) in below {
        let is_about = |text: &String| {
            of.iter().any(|(it, topics)| it == text && topics.iter().any(|topic| keys.iter().any(|key| topic == key)))
        };
        for narrowed in ["", "&tone=negative", "&language=de", "&words=parcel", "&words=parcel%20-torn&order=best"] {
            let slow: Vec<String> = listed(&world, &owner, narrowed, 500).await.into_iter().filter(is_about).collect();
            for limit in [3, 500] {
                let found = listed(&world, &owner, &format!("{narrowed}&topic={topic}"), limit).await;
                assert_eq!(found, slow, "{topic} {narrowed} {limit}");
            }
            let counts = get(&world, &owner, &format!("/api/v1/texts/counts?topic={topic}{narrowed}")).await;
            let sum: i64 = counts["rows"].as_array().unwrap().iter().map(|row| row["texts"].as_i64().unwrap()).sum();
            assert_eq!(usize::try_from(sum), Ok(slow.len()), "{topic} {narrowed}: {counts}");
        }
        let told = figures["rows"].as_array().unwrap().iter().find(|row| row["key"] == topic);
        assert_eq!(
            told.map_or(0, |row| row["texts"].as_u64().unwrap()),
            all.iter().filter(|it| is_about(it)).count() as u64
        );
    }
    assert!(parcels.len() > 2 && of.iter().any(|(text, topics)| *text == parcels[1] && topics[0] == "price"));
    for wrong in ["topic=nothing", "topic=price&order=worst"] {
        let answer = world.get(&format!("/api/v1/texts?{wrong}"), &owner.reads()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_goes_into_another_with_all_that_was_put_into_it_and_comes_back() {
    let (world, owner, key) = shop().await;
    let texts = [
        "The parcel came torn",
        "Great support, thank you",
        "Nothing much",
        "The parcel and the support were late. Bad box",
    ];
    wrote(&world, &key, 1, &texts).await;
    let agent = world.browser(Role::Agent).await;
    let all = get(&world, &owner, "/api/v1/texts").await;
    let plain = all["rows"].as_array().unwrap().iter().find(|row| row["text"] == "Nothing much").unwrap();
    let path = format!("/api/v1/texts/{}/topics", plain["event_id"].as_str().unwrap());
    call(&world, &agent, Method::POST, &path, json!({"start": 0, "topic": "packaging"})).await;
    let note = json!({"kind": "interview", "title": "Ann", "held_at": "2026-11-01T10:00:00Z", "passages": [{"text": "Torn", "topics": ["packaging", "price"]}]});
    assert_eq!(call(&world, &agent, Method::POST, "/api/v1/notes", note).await.status, StatusCode::OK);
    let of_topic = async |topic: &str| listed(&world, &owner, &format!("&topic={topic}"), 50).await;
    let (packaging, service) = (of_topic("packaging").await, of_topic("service").await);
    assert_eq!((packaging.len(), service.len()), (3, 1));
    let before = get(&world, &owner, "/api/v1/topics").await;

    let merge = async |key: &str, body: Value| {
        call(&world, &owner, Method::POST, &format!("/api/v1/topics/{key}/merge"), body).await
    };
    let looked = merge("packaging", json!({"into": "service", "version": 0, "only_look": true})).await.json();
    assert_eq!(
        (&looked["texts"], &looked["texts_of_both"], &looked["examples"], &looked["passages"], &looked["tree"]),
        (&json!(3), &json!(0), &json!(1), &json!(1), &Value::Null),
        "{looked}"
    );
    assert!(looked["words"].as_array().unwrap().contains(&json!("parcel")), "{looked}");
    assert_eq!(get(&world, &owner, "/api/v1/topics").await, before, "only looked at");
    for (key, into, version, status) in [
        ("delivery", "delivery", 0, StatusCode::UNPROCESSABLE_ENTITY),
        ("delivery", "packaging", 0, StatusCode::UNPROCESSABLE_ENTITY),
        ("delivery", "nothing", 0, StatusCode::UNPROCESSABLE_ENTITY),
        ("nothing", "delivery", 0, StatusCode::NOT_FOUND),
        ("packaging", "service", 7, StatusCode::CONFLICT),
    ] {
        let refused = merge(key, json!({"into": into, "version": version})).await;
        assert_eq!(refused.status, status, "{key} {into}: {}", refused.text());
    }
    let path = "/api/v1/topics/packaging/merge";
    let refused = call(&world, &agent, Method::POST, path, json!({"into": "service", "version": 0})).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);

    let merged = merge("packaging", json!({"into": "service", "version": 0})).await.json();
    assert_eq!((&merged["tree"]["version"], &merged["tree"]["examples"]), (&json!(1), &json!(1)), "{merged}");
    let both: std::collections::BTreeSet<&String> = packaging.iter().chain(&service).collect();
    for topic in ["service", "packaging"] {
        assert_eq!(of_topic(topic).await.iter().collect::<std::collections::BTreeSet<_>>(), both, "{topic}");
    }
    assert_eq!(of(&get(&world, &owner, "/api/v1/topics/aspects").await, "service")["texts"], 4);
    let quotes = get(&world, &owner, "/api/v1/notes/quotes?topic=service").await;
    assert_eq!(quotes["rows"][0]["topics"], json!(["price", "service"]), "{quotes}");
    // Whoever saves the tree without knowing of merges undoes none, and a key that was merged is no new topic beside it.
    let mut plain = merged["tree"]["topics"].clone();
    plain.as_array_mut().unwrap().iter_mut().for_each(|topic| drop(topic.as_object_mut().unwrap().remove("merged")));
    let put = async |topics: &Value, version: i64| {
        call(&world, &owner, Method::PUT, "/api/v1/topics", json!({"topics": topics, "version": version})).await
    };
    assert_eq!(put(&plain, 1).await.json()["topics"], merged["tree"]["topics"]);
    let mut doubled = merged["tree"]["topics"].clone();
    doubled.as_array_mut().unwrap().push(json!({"key": "packaging", "name": {"en": "Packaging"}}));
    assert_eq!(put(&doubled, 2).await.status, StatusCode::UNPROCESSABLE_ENTITY);

    // The tree before, saved again, is all that it takes.
    assert_eq!(put(&before["topics"], 2).await.status, StatusCode::OK);
    assert_eq!((of_topic("packaging").await, of_topic("service").await), (packaging, service));
    let quotes = get(&world, &owner, "/api/v1/notes/quotes?topic=packaging").await;
    assert_eq!(quotes["rows"][0]["topics"], json!(["packaging", "price"]));
}
