//! Advocacy from outside: what people say and whom they bring is counted, of everybody and of one customer, and is a fact by which conditions know them.

use axum::http::{Method, StatusCode};
use rapport_domain::{PersonId, Timestamp};
use rapport_server::auth::Role;
use rapport_server::records::workspaces::FIRST;
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, only_person, settle, track};
use crate::world::{Browser, World};

const ADVOCACY: &str = "/api/v1/advocacy";

/// What is known of somebody, as conditions see it.
async fn known(world: &World, browser: &Browser, user: &str, key: &str) -> Option<Value> {
    let person = PersonId(only_person(world, browser, user).await.parse().unwrap());
    let mut db = world.app.installation.store.read();
    let (keys, now) = ([key.to_owned()], world.clock_now());
    let facts = rapport_profiles::records::facts::current_keys_of(&mut db, FIRST, &[person], &keys, now).await.unwrap();
    facts.first().map(|it| serde_json::from_str(&it.2).unwrap())
}

fn kind<'a>(found: &'a Value, word: &str) -> &'a Value {
    found["kinds"].as_array().unwrap().iter().find(|it| it["kind"] == word).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_speaks_for_the_company_is_counted_and_known() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Web", None).await;
    let order = |user: &str, id: &str| {
        track(&format!("o{id}"), user, "Order Completed", json!({"order_id": id, "revenue": 20, "currency": "EUR"}))
    };
    happen(&world, &key, vec![order("ann", "1"), order("bob", "2"), order("eve", "3")]).await;
    world.clock.advance(Timestamp::HOUR);
    // The conversion is heard of before the referral, and the friend buys.
    let came = |user: &str| track(&format!("came-{user}"), user, "Referral Converted", json!({"referral_id": "r-1"}));
    happen(&world, &key, vec![came("cat"), came("dan"), came("ann")]).await;
    let review = |user: &str, rating: i64| {
        track(
            &format!("review-{user}"),
            user,
            "Product Reviewed",
            json!({"product_id": "lamp", "rating": rating, "review_body": "Bright"}),
        )
    };
    let said = track(
        "m1",
        "bob",
        "Mention Published",
        json!({"text": "Awful, never again, I hate it", "channel": "social", "reach": 900}),
    );
    happen(
        &world,
        &key,
        vec![
            track("made", "ann", "Referral Made", json!({"referral_id": "r-1"})),
            review("ann", 5),
            review("bob", 2),
            said,
        ],
    )
    .await;
    world.clock.advance(Timestamp::HOUR);
    happen(&world, &key, vec![order("cat", "4")]).await;
    settle(&world).await;

    let found = get(&world, &owner, ADVOCACY).await;
    assert_eq!((&found["advocates"], &found["customers"]), (&json!(1), &json!(4)), "{found}");
    assert_eq!((&found["share"]["now"]["hits"], &found["share"]["now"]["of"]), (&json!(1), &json!(4)));
    assert_eq!(found["share"]["before"], Value::Null, "nobody had bought then");
    let referrals = kind(&found, "referral");
    assert_eq!(
        (&referrals["acts"], &referrals["reach"], &referrals["in_favour"]["now"]),
        (&json!(1), &json!(2), &Value::Null)
    );
    assert_eq!(
        (&referrals["quality"][1]["name"], &referrals["quality"][1]["now"]["hits"]),
        (&json!("bought"), &json!(1))
    );
    assert_eq!((&kind(&found, "review")["acts"], &kind(&found, "review")["for_us"]), (&json!(2), &json!(1)));
    let mentions = kind(&found, "mention");
    assert_eq!(
        (&mentions["for_us"], &mentions["reach"], &mentions["reach_against"]),
        (&json!(0), &json!(0), &json!(900))
    );
    let top = &found["top"][0];
    assert_eq!(
        (&top["came"], &top["bought"], &top["acts"]["review"], &top["acts"]["referral"]),
        (&json!(2), &json!(1), &json!(1), &json!(1))
    );
    assert_eq!(found["top"].as_array().unwrap().len(), 1);
    let periods = found["periods"].as_array().unwrap();
    assert_eq!(periods.iter().map(|it| it["advocates"].as_u64().unwrap()).sum::<u64>(), 1);

    let ann = get(&world, &owner, &format!("/api/v1/customers/{}/advocacy", top["person_id"].as_str().unwrap())).await;
    assert_eq!(
        (&ann["came"], &ann["bought"], &ann["others"], ann["latest"].as_array().unwrap().len()),
        (&json!(2), &json!(1), &json!(0), 2)
    );
    let bob = only_person(&world, &owner, "bob").await;
    let bob = get(&world, &owner, &format!("/api/v1/customers/{bob}/advocacy")).await;
    assert_eq!(
        (&bob["others"], &bob["last_at"], &bob["latest"][0]["in_favour"]),
        (&json!(2), &Value::Null, &json!(false))
    );

    assert_eq!(known(&world, &owner, "ann", "advocacy.count").await, Some(json!(2)));
    assert!(known(&world, &owner, "ann", "advocacy.last_at").await.is_some());
    assert_eq!(known(&world, &owner, "bob", "advocacy.count").await, None, "who is against us is no advocate");
    assert_eq!(known(&world, &owner, "cat", "advocacy.count").await, None, "who came has not spoken");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_said_goes_with_the_person_and_is_erased_with_them() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Web", None).await;
    let made = |id: &str| json!({"type": "track", "anonymousId": "a1", "event": "Referral Made", "messageId": id, "properties": {"referral_id": id}});
    happen(&world, &key, vec![made("r-1"), made("r-2")]).await;
    happen(&world, &key, vec![json!({"type": "identify", "userId": "ann", "anonymousId": "a1", "messageId": "i1"})])
        .await;
    settle(&world).await;
    assert_eq!(known(&world, &owner, "ann", "advocacy.count").await, Some(json!(2)));
    let person = only_person(&world, &owner, "ann").await;
    let found = get(&world, &owner, &format!("{ADVOCACY}?kind=referral&interval=day&limit=5")).await;
    assert_eq!(found["top"][0]["person_id"], json!(person));

    for (query, field) in [
        ("kind=praise", "kind"),
        ("limit=0", "limit"),
        ("interval=hour", "interval"),
        ("from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", "to"),
        ("from=yesterday", "from"),
    ] {
        let answer = call(&world, &owner, Method::GET, &format!("{ADVOCACY}?{query}"), Value::Null).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert!(
            answer.json()["detail"].as_str().unwrap().starts_with(&format!("{field}: ")),
            "{query}: {}",
            answer.text()
        );
    }
    let path = format!("/api/v1/customers/{person}/erasure");
    let erased = call(&world, &owner, Method::POST, &path, json!({"suppress": true})).await;
    assert!(erased.status.is_success(), "{}", erased.text());
    let left = get(&world, &owner, ADVOCACY).await;
    assert_eq!((&kind(&left, "referral")["acts"], &left["top"]), (&json!(0), &json!([])));
    let missing = call(&world, &owner, Method::GET, "/api/v1/customers/1/advocacy", Value::Null).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_way_to_a_brand_is_read_by_wave() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let ready = get(&world, &owner, "/api/v1/survey-templates/brand_tracking").await;
    let body = json!({"key": "brand", "name": "Brand", "definition": ready["definition"]});
    let made = call(&world, &owner, Method::POST, "/api/v1/surveys", body).await;
    assert!(made.status.is_success(), "{}", made.text());
    let found = get(&world, &owner, "/api/v1/surveys/brand/brand").await;
    assert_eq!(found["steps"], json!(["aided", "familiar", "considered", "bought", "recommended"]));
    assert_eq!(
        (&found["brands"][0]["key"], &found["brands"][0]["is_own"], &found["brands"][0]["waves"]),
        (&json!("us"), &json!(true), &json!([]))
    );
    for (query, field) in [("steps=aided", "steps"), ("steps=aided,trust", "steps"), ("own=none", "own")] {
        let answer =
            call(&world, &owner, Method::GET, &format!("/api/v1/surveys/brand/brand?{query}"), Value::Null).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert!(
            answer.json()["detail"].as_str().unwrap().starts_with(&format!("{field}: ")),
            "{query}: {}",
            answer.text()
        );
    }
}
