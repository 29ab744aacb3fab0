//! What is bought together over HTTP: the sample shop's planted pairs, the people behind a rule, hostile names, other workspaces, what may not be used.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use rapport_analytics::baskets::Question;
use rapport_domain::WorkspaceId;
use rapport_sample::{Options, SampleShop};
use rapport_server::api::questions::context;
use rapport_server::auth::Role;
use rapport_server::records::workspaces::FIRST;
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, track};
use crate::world::{Browser, World};

async fn ask(world: &World, owner: &Browser, question: &Value) -> Value {
    let answer = call(world, owner, Method::POST, "/api/v1/baskets/ask", question.clone()).await;
    assert_eq!(answer.status, StatusCode::OK, "{question}: {}", answer.text());
    answer.json()
}

/// All people behind a rule, page by page.
async fn behind(
    world: &World,
    owner: &Browser,
    question: &Value,
    (first, second): (&Value, &Value),
    whose: &str,
) -> BTreeSet<String> {
    let (mut all, mut cursor) = (BTreeSet::new(), Value::Null);
    loop {
        let body = json!({"question": question, "first": first, "second": [second], "whose": whose, "cursor": cursor});
        let page = call(world, owner, Method::POST, "/api/v1/baskets/people", body).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text());
        let page = page.json();
        all.extend(page["rows"].as_array().unwrap().iter().map(|it| it["person_id"].as_str().unwrap().to_owned()));
        if page["next"].is_null() {
            assert_eq!(page["total"], json!(all.len()));
            return all;
        }
        cursor = page["next"].clone();
    }
}

/// The pairs that were planted in a sample shop of this seed are found, and lead to their people; the one of them who may not be used any more.
pub async fn planted(world: &World, owner: &Browser, seed: u64) -> String {
    let question = json!({"period": {"all": true}});
    let answer = ask(world, owner, &question).await;
    let rules = answer["rules"].as_array().unwrap();
    assert!(!rules.is_empty() && answer["baskets"].as_u64() >= answer["of_several"].as_u64(), "{answer}");
    let shop = SampleShop::new(Options { customers: 1, seed, end: world.app.now() });
    let mut found = 0;
    let pairs: Vec<(String, String)> =
        shop.catalogue().companions().map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
    for (first, second) in &pairs {
        let is_it = |it: &&Value| it["first"] == json!([first]) && it["second"] == json!(second);
        if let Some(rule) = rules.iter().find(is_it) {
            assert!(rule["lift_low"].as_f64().unwrap() > 1.0 && rule["q"].as_f64().unwrap() < 0.05, "{rule}");
            found += 1;
        }
    }
    assert!(2 * found >= pairs.len(), "{found} of {}: {}", pairs.len(), answer["sentence"]);
    // The people behind the surest of them.
    let rule = &rules[0];
    let sides = (&rule["first"], &rule["second"]);
    let both = behind(world, owner, &question, sides, "both").await;
    let only = behind(world, owner, &question, sides, "only_first").await;
    assert!(
        !both.is_empty() && both.len() as u64 <= rule["both"].as_u64().unwrap() && both.is_disjoint(&only),
        "{rule}"
    );
    assert!(both.len() + only.len() <= usize::try_from(rule["with_first"].as_u64().unwrap()).unwrap());
    // Who may not be used is in neither, nor in the counts.
    let person = both.iter().next().unwrap();
    let path = format!("/api/v1/customers/{person}/restriction");
    assert!(call(world, owner, Method::PUT, &path, json!({})).await.status.is_success());
    let without = ask(world, owner, &question).await;
    assert!(without["baskets"].as_u64() < answer["baskets"].as_u64());
    assert!(!behind(world, owner, &question, sides, "both").await.contains(person));
    // Nor is who was erased.
    let erased = both.iter().nth(1).unwrap();
    let done = call(world, owner, Method::POST, &format!("/api/v1/customers/{erased}/erasure"), json!({})).await;
    assert!(done.status.is_success(), "{}", done.text());
    assert!(!behind(world, owner, &question, sides, "both").await.contains(erased));
    assert!(ask(world, owner, &question).await["baskets"].as_u64() < without["baskets"].as_u64());
    // By categories, of some people.
    let categories = ask(
        world,
        owner,
        &json!({"of": "category", "who": {"performed": {"event": "Order Completed", "times": {"at_least": 2}}}}),
    )
    .await;
    assert!(categories["items_in_all"].as_u64().unwrap() <= 10, "{categories}");
    // Another workspace sees nothing of it.
    let installation = &world.app.installation;
    let context = context(installation, FIRST).await.unwrap();
    let own = Question::from_json(question).unwrap();
    let other = installation.analytics.baskets(WorkspaceId(2), &own, &context, &BTreeSet::new()).await.unwrap();
    assert_eq!((other.baskets, other.rules.len()), (0, 0));
    person.clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_come_as_they_were_told_and_nonsense_is_refused() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("shop", None).await;
    let hostile = "<img src=x onerror=alert(1)>\"'; DROP TABLE orders; --";
    let order = |n: u32, names: &[&str]| {
        let products: Vec<Value> =
            names.iter().map(|name| json!({"product_id": name, "name": name, "price": 20})).collect();
        track(
            &format!("o{n}"),
            &format!("c{n}"),
            "Order Completed",
            json!({"order_id": format!("o{n}"), "currency": "EUR", "revenue": 20, "products": products}),
        )
    };
    let (both, mug, lamp) = (["mug", hostile], ["mug"], ["lamp"]);
    let of = |n: u32| -> &[&str] {
        match n {
            0..8 => &both,
            8..12 => &mug,
            _ => &lamp,
        }
    };
    let orders = (0..20).map(|n| order(n, of(n)));
    happen(&world, &key, orders.collect()).await;
    let question = json!({});
    let answer = ask(&world, &owner, &question).await;
    let rules = answer["rules"].as_array().unwrap();
    assert_eq!((answer["baskets"].as_u64(), rules.len()), (Some(20), 2), "{answer}");
    let rule = rules.iter().find(|it| it["second"] == "mug").unwrap();
    assert_eq!((&rule["first"], &rule["both"], &rule["conviction"]), (&json!([hostile]), &json!(8), &Value::Null));
    let item = answer["items"].as_array().unwrap().iter().find(|it| it["id"] == hostile).unwrap();
    assert_eq!(item["name"], hostile);
    let mug = json!(["mug"]);
    let lacking = behind(&world, &owner, &question, (&mug, &json!(hostile)), "only_first").await;
    assert_eq!(lacking.len(), 4, "who bought the mug and not the other");
    assert_eq!(behind(&world, &owner, &question, (&mug, &json!(hostile)), "both").await.len(), 8);
    assert_eq!(behind(&world, &owner, &question, (&mug, &json!("nothing")), "both").await.len(), 0);
    assert_eq!(behind(&world, &owner, &question, (&json!(["nothing"]), &json!("mug")), "only_first").await.len(), 0);
    // Called off, it is no order any more.
    happen(&world, &key, vec![track("x1", "c0", "Order Cancelled", json!({"order_id": "o0"}))]).await;
    assert_eq!(ask(&world, &owner, &question).await["baskets"].as_u64(), Some(19));
    for (body, code) in [
        (json!({"support": "2"}), "question_invalid"),
        (json!({"support": 0.1}), "question_invalid"),
        (json!({"longest": 9}), "question_invalid"),
        (json!({"period": {"last": "2 moons"}}), "question_invalid"),
        (json!({"sql": "SELECT"}), "question_invalid"),
        (json!({"who": {"performed": {"event": ""}}}), ""),
    ] {
        let answer = call(&world, &owner, Method::POST, "/api/v1/baskets/ask", body.clone()).await;
        assert!(answer.status.is_client_error(), "{body}: {}", answer.text());
        assert!(code.is_empty() || answer.json()["code"] == code, "{body}: {}", answer.text());
    }
    for (first, whose) in
        [(json!([]), "both"), (json!(["mug", "a", "b", "c", "d", "e"]), "both"), (json!(["mug"]), "everybody")]
    {
        let body = json!({"question": {}, "first": first, "second": ["lamp"], "whose": whose});
        let answer = call(&world, &owner, Method::POST, "/api/v1/baskets/people", body.clone()).await;
        assert!(answer.status.is_client_error(), "{body}: {}", answer.text());
    }
    let viewer = world.browser(Role::Viewer).await;
    assert_eq!(get(&world, &viewer, "/api/v1/me").await["user"]["role"], "viewer");
    assert_eq!(ask(&world, &viewer, &question).await["baskets"].as_u64(), Some(19), "a viewer may look");
}
