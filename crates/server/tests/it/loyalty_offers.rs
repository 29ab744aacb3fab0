//! Offers from the API to the checkout: they are written, price a cart with every reason, are set aside, paid, returned and called off.

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_loyalty::verify::verify;
use rapport_server::auth::Role;
use rapport_server::records::workspaces::FIRST;
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, only_person, person, track, world};
use crate::sink::{Manner, Sink};
use crate::world::{Answer, Browser, World};

async fn put(world: &World, owner: &Browser, path: &str, body: Value) -> Value {
    let saved = call(world, owner, Method::PUT, path, body).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    saved.json()
}

async fn offer(world: &World, owner: &Browser, key: &str, offer: Value) -> Value {
    let body = json!({"version": 0, "state": "live", "offer": offer});
    put(world, owner, &format!("/api/v1/loyalty/offers/{key}"), body).await
}

/// A programme that members join by earning, and a customer.
async fn founded(sink: &Sink) -> (World, Browser, String, String) {
    founded_with(sink, "told").await
}

/// The same, with where it is known from what went back.
async fn founded_with(sink: &Sink, returns: &str) -> (World, Browser, String, String) {
    let (world, owner, key) = world(sink).await;
    let program = json!({
        "name": "Trail club", "zone": "Europe/Berlin", "currency": "EUR", "enrolment": {"by": "earning"},
        "wallets": [{"key": "points", "name": "Points", "worth": "0.01"}],
        "offers": {"most_percent": "60", "price_changes": {"most": 1, "days": 30}, "returns": returns},
    });
    put(&world, &owner, "/api/v1/loyalty/program", json!({"version": 0, "program": program})).await;
    happen(&world, &key, person(1, "ann@example.com")).await;
    let ann = only_person(&world, &owner, "ann").await;
    (world, owner, key, ann)
}

fn cart() -> Value {
    json!({"currency": "EUR", "channel": "web", "shipping": 5, "products": [
        {"product_id": "tent", "category": "tents", "price": 100, "quantity": 2, "cost": 60},
        {"product_id": "peg", "category": "parts", "price": 2.5, "quantity": 4},
    ]})
}

async fn price(world: &World, owner: &Browser, more: Value) -> Value {
    let mut body = json!({"cart": cart()});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let priced = call(world, owner, Method::POST, "/api/v1/loyalty/offers/price", body).await;
    assert_eq!(priced.status, StatusCode::OK, "{}", priced.text());
    priced.json()
}

async fn lock(world: &World, owner: &Browser, key: &str, more: Value) -> Answer {
    let mut body = json!({"cart": cart()});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    call(world, owner, Method::PUT, &format!("/api/v1/loyalty/checkouts/{key}"), body).await
}

async fn act(world: &World, owner: &Browser, key: &str, act: &str, body: Value) -> Answer {
    call(world, owner, Method::POST, &format!("/api/v1/loyalty/checkouts/{key}/{act}"), body).await
}

fn outcomes(priced: &Value) -> Vec<(String, String)> {
    let text = |line: &Value, key: &str| line[key].as_str().unwrap().to_owned();
    priced["lines"].as_array().unwrap().iter().map(|line| (text(line, "offer"), text(line, "outcome"))).collect()
}

fn named(names: &[(&str, &str)]) -> Vec<(String, String)> {
    names.iter().map(|(offer, outcome)| ((*offer).to_owned(), (*outcome).to_owned())).collect()
}

fn refused(answer: &Answer) -> (StatusCode, String) {
    (answer.status, answer.json()["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cart_is_priced_locked_paid_and_returned() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key, ann) = founded(&sink).await;
    let tents = json!({"name": "10 % off tents", "items": {"property": {"path": "category", "op": "equals", "value": "tents"}},
        "gives": {"kind": "percent_off", "percent": "10"}, "budgets": [{"most": "1", "of": "times", "per": "member", "every": "ever"}]});
    offer(&world, &owner, "tents", tents).await;
    let hundred = json!({"name": "100 points", "gives": {"kind": "points", "points": 100}});
    offer(&world, &owner, "thanks", hundred).await;
    let stores = json!({"version": 0, "state": "live", "text": "channel = store", "offer": {"name": "Stores", "gives": {"kind": "shipping_off"}}});
    put(&world, &owner, "/api/v1/loyalty/offers/stores", stores).await;

    let priced = price(&world, &owner, json!({"person_id": ann})).await;
    assert_eq!(outcomes(&priced), named(&[("stores", "condition"), ("tents", "given"), ("thanks", "given")]));
    assert_eq!(
        (&priced["to_pay"], &priced["goods_off"], &priced["margin"]),
        (&json!("195.00"), &json!("20.00"), &Value::Null)
    );
    let anonymous = price(&world, &owner, json!({})).await;
    assert_eq!(outcomes(&anonymous)[2].1, "no_member");

    let locked = lock(&world, &owner, "basket-7", json!({"person_id": ann})).await;
    assert_eq!(locked.status, StatusCode::OK, "{}", locked.text());
    assert_eq!((&locked.json()["state"], &locked.json()["priced"]["goods_off"]), (&json!("locked"), &json!("20.00")));
    let second = lock(&world, &owner, "second", json!({"person_id": ann})).await.json();
    assert_eq!(outcomes(&second["priced"])[1].1, "budget", "once a person");
    assert_eq!(
        refused(&act(&world, &owner, "basket-7", "return", json!({"returned": []})).await),
        (StatusCode::CONFLICT, "checkout_not_redeemed".into())
    );

    let order = json!({"order_id": "1042"});
    let paid = act(&world, &owner, "basket-7", "redeem", order.clone()).await;
    assert_eq!((paid.status, &paid.json()["state"]), (StatusCode::OK, &json!("redeemed")), "{}", paid.text());
    assert_eq!(act(&world, &owner, "basket-7", "redeem", order).await.json(), paid.json(), "the same again");
    let other = json!({"order_id": "1043"});
    assert_eq!(
        refused(&act(&world, &owner, "basket-7", "redeem", other).await),
        (StatusCode::CONFLICT, "checkout_redeemed".into())
    );
    assert_eq!(
        refused(&lock(&world, &owner, "basket-7", json!({})).await),
        (StatusCode::CONFLICT, "checkout_redeemed".into())
    );
    let available = async || {
        let members = get(&world, &owner, "/api/v1/loyalty/members").await;
        members["rows"][0]["wallets"][0]["available"].as_i64()
    };
    assert_eq!(available().await, Some(100), "whoever earns becomes a member");
    let usage = get(&world, &owner, "/api/v1/loyalty/offers/tents/usage").await;
    assert_eq!(usage["rows"].as_array().unwrap().last().unwrap()["amount"].as_str(), Some("20.00"), "{usage}");

    let part = json!({"returned": [{"line": 0, "quantity": 1}]});
    let back = act(&world, &owner, "basket-7", "return", part.clone()).await.json();
    assert_eq!((&back["state"], &back["returned"]), (&json!("partly_returned"), &json!(["1.00", "0.00"])));
    let twins: Vec<(&str, &str)> = back["rolled_back"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["kind"].as_str().unwrap(), it["value"].as_str().unwrap()))
        .collect();
    // Of 190 that were paid for the goods 90 were returned.
    assert_eq!(twins, [("discount_rolled_back", "10.00"), ("points_rolled_back", "47")]);
    assert_eq!(available().await, Some(53));
    assert_eq!(act(&world, &owner, "basket-7", "return", part).await.json(), back, "the same again");
    let less = json!({"returned": []});
    assert_eq!(
        refused(&act(&world, &owner, "basket-7", "return", less).await),
        (StatusCode::CONFLICT, "return_went_down".into())
    );
    let more = json!({"returned": [{"line": 0, "quantity": 3}]});
    assert_eq!(act(&world, &owner, "basket-7", "return", more).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let none = json!({"returned": [{"line": 9, "quantity": 1}]});
    assert_eq!(act(&world, &owner, "basket-7", "return", none).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let whole = act(&world, &owner, "basket-7", "cancel", json!({})).await.json();
    assert_eq!((&whole["state"], available().await), (&json!("returned"), Some(0)));
    assert_eq!(act(&world, &owner, "basket-7", "cancel", json!({})).await.json(), whole);
    let again = lock(&world, &owner, "third", json!({"person_id": ann})).await.json();
    assert_eq!(outcomes(&again["priced"])[1].1, "given", "what came back whole was never used");

    // What was paid and returned is on the timeline.
    happen(&world, &key, vec![]).await;
    let timeline = get(&world, &owner, &format!("/api/v1/customers/{ann}/timeline")).await.to_string();
    assert!(timeline.contains("Offers Redeemed") && timeline.contains("Offers Returned"), "{timeline}");
    assert_eq!(verify(&mut world.app.installation.store.read(), FIRST).await.unwrap().findings, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_back_of_an_order_takes_its_part_of_the_carts_offers_back() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key, ann) = founded_with(&sink, "orders").await;
    let tents = json!({"name": "10 % off tents", "items": {"property": {"path": "category", "op": "equals", "value": "tents"}},
        "gives": {"kind": "percent_off", "percent": "10"}, "budgets": [{"most": "1", "of": "times", "per": "member", "every": "ever"}]});
    offer(&world, &owner, "tents", tents).await;
    offer(&world, &owner, "thanks", json!({"name": "100 points", "gives": {"kind": "points", "points": 100}})).await;
    let order = |message: &str, name: &str, order_id: &str, more: Value| {
        let mut properties = json!({"order_id": order_id, "currency": "EUR"});
        properties.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        track(message, "u1", name, properties)
    };
    let paid = async |checkout: &str, order_id: &str| {
        assert_eq!(lock(&world, &owner, checkout, json!({"person_id": ann})).await.status, StatusCode::OK);
        let answer = act(&world, &owner, checkout, "redeem", json!({"order_id": order_id})).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()
    };
    let stands = async |checkout: &str| {
        let found = get(&world, &owner, &format!("/api/v1/loyalty/checkouts/{checkout}")).await;
        let members = get(&world, &owner, "/api/v1/loyalty/members").await;
        (found["state"].as_str().unwrap().to_owned(), members["rows"][0]["wallets"][0]["available"].as_i64().unwrap())
    };

    paid("one", "1042").await;
    happen(&world, &key, vec![order("a", "Order Completed", "1042", json!({"revenue": 200}))]).await;
    assert_eq!(stands("one").await, ("redeemed".into(), 100));
    // Half of it: half of the points, and the budget is still used.
    happen(&world, &key, vec![order("b", "Order Refunded", "1042", json!({"total": 100}))]).await;
    assert_eq!(stands("one").await, ("partly_returned".into(), 50));
    happen(&world, &key, vec![order("b", "Order Refunded", "1042", json!({"total": 100}))]).await;
    assert_eq!(stands("one").await, ("partly_returned".into(), 50), "told twice");
    let line = json!({"returned": [{"line": 0, "quantity": 2}]});
    assert_eq!(
        refused(&act(&world, &owner, "one", "return", line).await),
        (StatusCode::CONFLICT, "returns_follow_order".into()),
        "two sources would take it back twice"
    );
    happen(&world, &key, vec![order("c", "Order Refunded", "1042", json!({"total": 100}))]).await;
    assert_eq!(stands("one").await, ("returned".into(), 0));

    // The refund is heard of before the cart is told to be paid; and the budget has room again.
    happen(
        &world,
        &key,
        vec![
            order("d", "Order Completed", "1043", json!({"revenue": 200})),
            order("e", "Order Refunded", "1043", json!({"total": 50})),
        ],
    )
    .await;
    let two = paid("two", "1043").await;
    assert_eq!(outcomes(&two["priced"]), named(&[("tents", "given"), ("thanks", "given")]));
    assert_eq!(stands("two").await, ("partly_returned".into(), 75));
    happen(&world, &key, vec![order("f", "Order Cancelled", "1043", json!({}))]).await;
    assert_eq!(stands("two").await, ("returned".into(), 0));
    assert_eq!(verify(&mut world.app.installation.store.read(), FIRST).await.unwrap().findings, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_of_a_budget_is_given_once() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, ..) = founded(&sink).await;
    let once = json!({"name": "Once", "gives": {"kind": "amount_off", "amount": "5"},
        "budgets": [{"most": "1", "of": "times", "per": "everybody", "every": "ever"}]});
    offer(&world, &owner, "once", once).await;
    for round in 0..5 {
        let locks = (0..12).map(|number| {
            let (world, owner) = (&world, &owner);
            async move { lock(world, owner, &format!("{round}-{number}"), json!({"lock_seconds": 60})).await.json() }
        });
        let all = futures::future::join_all(locks).await;
        let won: Vec<&Value> = all.iter().filter(|it| outcomes(&it["priced"])[0].1 == "given").collect();
        assert_eq!(won.len(), 1, "round {round}");
        // The next round is about it again, whether the lock was given up or ended by itself.
        let won = won[0]["checkout"].as_str().unwrap();
        if round % 2 == 0 {
            let off = act(&world, &owner, won, "cancel", json!({})).await.json();
            assert_eq!(off["state"], "released");
        } else {
            world.clock.advance(61 * Timestamp::SECOND);
            let path = format!("/api/v1/loyalty/checkouts/{won}");
            assert_eq!(get(&world, &owner, &path).await["state"], "released");
        }
        assert_eq!(
            refused(&act(&world, &owner, won, "redeem", json!({})).await),
            (StatusCode::CONFLICT, "lock_ended".into())
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prices_follow_what_people_do_not_what_they_are() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key, ann) = founded(&sink).await;
    for (key, text) in [("women", "trait gender = f"), ("nested", "in segment women")] {
        let segment = json!({"key": key, "name": key, "text": text});
        let made = call(&world, &owner, Method::POST, "/api/v1/segments", segment).await;
        assert!(made.status.is_success(), "{}", made.text());
    }
    let ten = json!({"name": "Ten", "gives": {"kind": "percent_off", "percent": "10"}});
    for text in ["trait gender = f", "in segment women", "in segment nested"] {
        let body = json!({"version": 0, "state": "live", "offer": ten, "text": text});
        let answer = call(&world, &owner, Method::PUT, "/api/v1/loyalty/offers/ten", body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{text}");
        assert!(answer.text().contains("no price may depend on"), "{}", answer.text());
    }
    // A percentage by what is known of a person changes once in 30 days, then it stays.
    let share = json!({"by": "trait.visits", "steps": [{"from": "1", "percent": "5"}, {"from": "2", "percent": "10"}, {"from": "3", "percent": "20"}], "otherwise": "0"});
    offer(&world, &owner, "dear", json!({"name": "Dear", "gives": {"kind": "percent_off", "percent": share}})).await;
    let mut seen = Vec::new();
    for visits in 1..=3 {
        world.clock.advance(Timestamp::HOUR);
        let traits = json!({"type": "identify", "messageId": format!("v{visits}"), "userId": "u1", "traits": {"visits": visits}});
        happen(&world, &key, vec![traits]).await;
        world.clock.advance(Timestamp::HOUR);
        seen.push(price(&world, &owner, json!({"person_id": ann})).await["goods_off"].as_str().unwrap().to_owned());
    }
    assert_eq!(seen, ["10.50", "21.00", "21.00"], "a third percentage within 30 days is not shown");
    // What is announced counts from the lowest price of 30 days, as it was told.
    let told = |message: &str, price: i64| {
        track(message, "u1", "Product Updated", json!({"product_id": "tent", "price": price, "currency": "EUR"}))
    };
    happen(&world, &key, vec![told("p1", 80)]).await;
    world.clock.advance(Timestamp::HOUR);
    happen(&world, &key, vec![told("p2", 100)]).await;
    let sale =
        json!([{"key": "sale", "name": "Sale", "announced": true, "gives": {"kind": "percent_off", "percent": "20"}}]);
    let sale = price(&world, &owner, json!({"offers": sale})).await;
    // Two tents at 64 instead of 100, four pegs at 2.
    assert_eq!((&sale["goods_off"], &sale["lines"][0]["version"]), (&json!("74.00"), &json!(0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prices_do_not_come_to_follow_what_people_are_by_a_segment_that_is_changed() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, ..) = founded(&sink).await;
    let (women, gold) = ("trait gender = f", "fact plan = gold");
    let made = async |key: &str, text: &str| {
        let body = json!({"key": key, "name": key, "text": text});
        call(&world, &owner, Method::POST, "/api/v1/segments", body).await
    };
    let changed = async |key: &str, text: &str| {
        let body = json!({"name": key, "text": text});
        call(&world, &owner, Method::PUT, &format!("/api/v1/segments/{key}"), body).await
    };
    let is_refused = |answer: &Answer, words: [&str; 2]| {
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text());
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(words.iter().all(|it| detail.contains(it)) && detail.contains("no price may depend on"), "{detail}");
    };
    for (key, text) in [("buyers", gold), ("nested", "in segment buyers"), ("idle", gold), ("priced", gold)] {
        assert_eq!(made(key, text).await.status, StatusCode::OK, "{key}");
    }
    let saved = async |version: i64, state: &str| {
        let ten = json!({"name": "Ten", "gives": {"kind": "percent_off", "percent": "10"}});
        let body = json!({"version": version, "state": state, "offer": ten, "text": "in segment nested"});
        call(&world, &owner, Method::PUT, "/api/v1/loyalty/offers/ten", body).await
    };
    assert_eq!(saved(0, "live").await.status, StatusCode::OK);
    for key in ["buyers", "nested"] {
        is_refused(&changed(key, women).await, ["the offer `ten`", "trait.gender"]);
    }
    assert_eq!(get(&world, &owner, "/api/v1/segments/buyers").await["segment"]["version"], 1, "nothing was saved");
    // A segment that no price goes by may ask for anything, until one goes by it.
    assert_eq!(changed("idle", women).await.status, StatusCode::OK);
    is_refused(&changed("nested", "in segment idle").await, ["the offer `ten`", "through the segment `idle`"]);
    assert_eq!(changed("nested", "in segment buyers and fact visits > 3").await.status, StatusCode::OK);

    // Rewards, by themselves, through a segment, and by one that is changed afterwards.
    let mug = async |version: i64, when: Value| {
        let mug =
            json!({"name": "A mug", "gives": {"kind": "code"}, "prices": [{"points": 5, "when": when}, {"points": 9}]});
        let body = json!({"version": version, "state": "live", "reward": mug});
        call(&world, &owner, Method::PUT, "/api/v1/loyalty/rewards/mug", body).await
    };
    let gender = json!({"fact": {"key": "trait.gender", "op": "equals", "value": "f"}});
    is_refused(&mug(0, gender).await, ["prices[0].when", "trait.gender"]);
    is_refused(&mug(0, json!({"segment": {"key": "idle"}})).await, ["reward.prices[0].when", "the segment `idle`"]);
    assert_eq!(mug(0, json!({"segment": {"key": "priced"}})).await.status, StatusCode::OK);
    is_refused(&changed("priced", women).await, ["the reward `mug` (`prices[0].when`)", "trait.gender"]);
    // A segment that is asked for before there is one.
    assert_eq!(mug(1, json!({"segment": {"key": "later"}})).await.status, StatusCode::OK);
    is_refused(&made("later", women).await, ["the reward `mug`", "trait.gender"]);

    // What is not live holds nothing up, and is looked at when it goes live again.
    assert_eq!(saved(1, "paused").await.status, StatusCode::OK);
    assert_eq!(changed("buyers", women).await.status, StatusCode::OK);
    is_refused(&saved(2, "live").await, ["offer.when", "the segment `buyers`"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_live_prices_go_by_is_not_forbidden_them_before_they_are_changed() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, ..) = founded(&sink).await;
    let programme = async |version: i64, protected: Value| {
        let mut program = get(&world, &owner, "/api/v1/loyalty/program").await["program"].clone();
        program["offers"]["protected"] = protected;
        let body = json!({"version": version, "program": program});
        call(&world, &owner, Method::PUT, "/api/v1/loyalty/program", body).await
    };
    let is_refused = |answer: &Answer, detail: &str| {
        assert_eq!(refused(answer), (StatusCode::CONFLICT, "loyalty_protected_in_use".into()), "{}", answer.text());
        assert_eq!(answer.json()["detail"], detail);
    };
    for (key, text) in [("near", "trait postcode = 10115"), ("nested", "in segment near")] {
        let body = json!({"key": key, "name": key, "text": text});
        let made = call(&world, &owner, Method::POST, "/api/v1/segments", body).await;
        assert_eq!(made.status, StatusCode::OK, "{}", made.text());
    }
    let saved = async |version: i64, state: &str| {
        let ten = json!({"name": "Ten", "gives": {"kind": "percent_off", "percent": "10"}});
        let body = json!({"version": version, "state": state, "offer": ten, "text": "in segment nested"});
        put(&world, &owner, "/api/v1/loyalty/offers/ten", body).await
    };
    saved(0, "live").await;
    let share = json!({"by": "trait.visits", "steps": [{"from": "1", "percent": "5"}], "otherwise": "0"});
    offer(&world, &owner, "dear", json!({"name": "Dear", "gives": {"kind": "percent_off", "percent": share}})).await;
    let when = json!({"fact": {"key": "trait.age", "op": "at_least", "value": 65}});
    let mug =
        json!({"name": "A mug", "gives": {"kind": "code"}, "prices": [{"points": 5, "when": when}, {"points": 9}]});
    let body = json!({"version": 0, "state": "live", "reward": mug});
    put(&world, &owner, "/api/v1/loyalty/rewards/mug", body).await;

    let then = "on which no price may depend then.";
    let ten = format!("The offer `ten` is live and goes by `trait.postcode` (`in segment near`), {then}");
    is_refused(&programme(1, json!(["trait.postcode"])).await, &ten);
    let dear = format!("The offer `dear` is live and goes by `trait.visits`, {then}");
    is_refused(&programme(1, json!(["trait.visits"])).await, &dear);
    let mug = format!("The reward `mug` is live, and its `prices[0].when` goes by `trait.age`, {then}");
    is_refused(&programme(1, json!(["trait.age"])).await, &mug);
    assert_eq!(get(&world, &owner, "/api/v1/loyalty/program").await["version"], 1, "nothing was saved");

    // What nothing goes by is forbidden at once, and what is not live holds nothing up: it cannot go live again as it is.
    assert_eq!(programme(1, json!(["trait.income"])).await.status, StatusCode::OK);
    saved(1, "paused").await;
    assert_eq!(programme(2, json!(["trait.income", "trait.postcode"])).await.status, StatusCode::OK);
    let ten = json!({"name": "Ten", "gives": {"kind": "percent_off", "percent": "10"}});
    let body = json!({"version": 2, "state": "live", "offer": ten, "text": "in segment nested"});
    let answer = call(&world, &owner, Method::PUT, "/api/v1/loyalty/offers/ten", body).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text());
    assert!(answer.text().contains("the segment `near`"), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_refused_and_leaves_nothing() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, ..) = founded(&sink).await;
    offer(&world, &owner, "ten", json!({"name": "Ten", "gives": {"kind": "percent_off", "percent": "10"}})).await;
    let wrong = [
        json!({"cart": {}}),
        json!({"cart": {"products": [1]}}),
        json!({"cart": {"products": (0..501).map(|_| json!({"price": 1})).collect::<Vec<_>>()}}),
        json!({"lock_seconds": 0}),
        json!({"lock_seconds": 604_801}),
        json!({"cart": {"products": [{"price": 1, "name": "a\u{0}b"}]}}),
        json!({"coupon": "x"}),
        json!({"codes": ["a", "a"]}),
    ];
    for body in wrong {
        assert_eq!(lock(&world, &owner, "c", body.clone()).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
    }
    assert_eq!(lock(&world, &owner, "c", json!({"person_id": "77"})).await.status, StatusCode::NOT_FOUND);
    assert_eq!(lock(&world, &owner, &"k".repeat(101), json!({})).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let gone = call(&world, &owner, Method::GET, "/api/v1/loyalty/checkouts/c", json!(null)).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    assert_eq!(act(&world, &owner, "c", "redeem", json!({})).await.status, StatusCode::NOT_FOUND);
    let twice = json!([{"key": "a", "name": "A", "gives": {"kind": "shipping_off"}}, {"key": "a", "name": "A", "gives": {"kind": "shipping_off"}}]);
    let body = json!({"cart": cart(), "offers": twice});
    let answer = call(&world, &owner, Method::POST, "/api/v1/loyalty/offers/price", body).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    // A programme that would leave an offer in the air is not saved.
    let in_group = json!({"version": 1, "state": "live", "offer": {"name": "Ten", "gives": {"kind": "points", "points": 5, "wallet": "points"}}});
    put(&world, &owner, "/api/v1/loyalty/offers/ten", in_group).await;
    // Roles: an agent sees prices, and locks nothing.
    let agent = world.browser(Role::Agent).await;
    assert_eq!(lock(&world, &agent, "c", json!({})).await.status, StatusCode::FORBIDDEN);
    let body = json!({"cart": cart()});
    let seen = call(&world, &agent, Method::POST, "/api/v1/loyalty/offers/price", body).await;
    assert_eq!(seen.status, StatusCode::OK);
    let body = json!({"version": 2, "state": "live", "offer": {"name": "X", "gives": {"kind": "shipping_off"}}});
    let answer = call(&world, &agent, Method::PUT, "/api/v1/loyalty/offers/ten", body).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_unlocks_an_offer_once() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, ..) = founded(&sink).await;
    let five = json!({"name": "Five off", "needs_code": true, "gives": {"kind": "amount_off", "amount": "5"}});
    offer(&world, &owner, "five", five).await;
    let codes = "/api/v1/loyalty/offers/five/codes";
    let made =
        call(&world, &owner, Method::POST, codes, json!({"codes": ["SUMMER", "summer"], "count": 1})).await.json();
    assert_eq!((&made["added"], &made["not_added"][0]["why"]), (&json!(2), &json!("code_twice")), "{made}");
    let code = made["made"][0].as_str().unwrap().to_owned();
    let with = |codes: &[&str]| json!({"codes": codes});
    let priced = price(&world, &owner, json!({})).await;
    assert_eq!(outcomes(&priced), named(&[("five", "needs_code")]));
    let priced = price(&world, &owner, with(&[&code, "WINTER"])).await;
    assert_eq!(outcomes(&priced), named(&[("five", "given")]));
    assert_eq!(
        (&priced["codes"][0]["offer"], &priced["codes"][1]["refused"]),
        (&json!("five"), &json!("code_unknown")),
        "{priced}"
    );

    let locks = (0..12).map(|number| {
        let (world, owner, body) = (&world, &owner, with(&["Summer"]));
        async move { lock(world, owner, &format!("c{number}"), body).await.json() }
    });
    let all = futures::future::join_all(locks).await;
    let won: Vec<&Value> = all.iter().filter(|it| outcomes(&it["priced"])[0].1 == "given").collect();
    assert_eq!(won.len(), 1);
    let lost = all.iter().find(|it| outcomes(&it["priced"])[0].1 != "given").unwrap();
    assert_eq!(lost["priced"]["codes"][0]["refused"], "code_locked", "{lost}");
    let won = won[0]["checkout"].as_str().unwrap();
    act(&world, &owner, won, "redeem", json!({"order_id": "1"})).await;
    let late = lock(&world, &owner, "late", with(&["SUMMER"])).await.json();
    assert_eq!(late["priced"]["codes"][0]["refused"], "code_used", "{late}");
    let counts = get(&world, &owner, codes).await;
    assert_eq!(counts["rows"], json!([{"state": "live", "count": 1}, {"state": "used", "count": 1}]));
    // Returned whole, it can be used again; locked and left alone too.
    act(&world, &owner, won, "cancel", json!({})).await;
    let again = lock(&world, &owner, "again", with(&["SUMMER"])).await.json();
    assert_eq!(outcomes(&again["priced"])[0].1, "given", "{again}");
    assert_eq!(get(&world, &owner, "/api/v1/loyalty/checkouts/again").await["priced"]["codes"][0]["code"], "SUMMER");
    world.clock.advance(16 * Timestamp::MINUTE);
    let last = lock(&world, &owner, "last", with(&["SUMMER"])).await.json();
    assert_eq!(outcomes(&last["priced"])[0].1, "given", "{last}");
    // The same checkout again takes the place of itself.
    let same = lock(&world, &owner, "last", with(&["SUMMER"])).await.json();
    assert_eq!(outcomes(&same["priced"])[0].1, "given", "{same}");

    // Whoever guesses is stopped, also with a right one.
    for round in 0..20 {
        lock(&world, &owner, "thief", with(&[&format!("GUESS{round}")])).await;
    }
    let stopped = lock(&world, &owner, "thief", with(&["SUMMER"])).await;
    assert_eq!(refused(&stopped), (StatusCode::TOO_MANY_REQUESTS, "too_many_codes".into()));
    let many: Vec<String> = (0..11).map(|number| number.to_string()).collect();
    assert_eq!(lock(&world, &owner, "many", json!({"codes": many})).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let agent = world.browser(Role::Agent).await;
    assert_eq!(call(&world, &agent, Method::POST, codes, json!({"count": 1})).await.status, StatusCode::FORBIDDEN);
    let none = call(&world, &owner, Method::POST, "/api/v1/loyalty/offers/none/codes", json!({"count": 1})).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn codes_of_an_offer_are_listed_and_taken_back() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, ..) = founded(&sink).await;
    let five = json!({"name": "Five off", "needs_code": true, "gives": {"kind": "amount_off", "amount": "5"}});
    offer(&world, &owner, "five", five).await;
    let codes = "/api/v1/loyalty/offers/five/codes";
    let add = async |body: Value| call(&world, &owner, Method::POST, codes, body).await.json();
    add(json!({"codes": ["SUMMER"], "uses": null})).await;
    add(json!({"codes": ["ONCE-1234567", "=1+1", "KEPT-1234567"]})).await;
    let list = format!("{codes}/list");
    let all = get(&world, &owner, &format!("{list}?limit=2")).await;
    let shown: Vec<&str> = all["rows"].as_array().unwrap().iter().map(|it| it["code"].as_str().unwrap()).collect();
    assert_eq!(shown, ["SUMMER", "…4567"], "what everybody may use is read, what can be used once is not");
    let rest = get(&world, &owner, &format!("{list}?cursor={}", all["next"].as_str().unwrap())).await;
    assert_eq!(rest["rows"].as_array().unwrap().len(), 2, "{rest}");
    assert_eq!(
        rest["rows"][0],
        json!({"place": 3, "code": "…1", "state": "live", "uses_left": 1, "member_id": null, "member_name": null, "valid_until": null, "added_at": rest["rows"][0]["added_at"]})
    );
    let file = world.get(&format!("{codes}.csv?state=live"), &owner.reads()).await;
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"codes-five.csv\"");
    let text = file.text();
    assert!(text.lines().count() == 5 && !text.contains("1234567") && text.contains("\r\n1,SUMMER,live,,,,"), "{text}");

    // A cart that has set one aside keeps it; nobody else gets it.
    let with = |code: &str| json!({"codes": [code]});
    let locked = lock(&world, &owner, "basket", with("KEPT1234567")).await.json();
    assert_eq!(outcomes(&locked["priced"])[0].1, "given", "{locked}");
    let voided = format!("{codes}/voided");
    let void = async |body: Value| call(&world, &owner, Method::POST, &voided, body).await;
    let found = void(json!({"codes": ["once 1234567", "WINTER", "kept-1234567"]})).await.json();
    assert_eq!(found, json!({"voided": 2, "not_voided": [{"at": 1, "why": "code_unknown"}]}));
    let again = void(json!({"places": [2, 3]})).await.json();
    assert_eq!(again, json!({"voided": 1, "not_voided": [{"at": 0, "why": "code_void"}]}));
    for code in ["ONCE-1234567", "KEPT-1234567"] {
        let priced = price(&world, &owner, with(code)).await;
        assert_eq!(priced["codes"][0]["refused"], "code_void", "{priced}");
    }
    act(&world, &owner, "basket", "redeem", json!({"order_id": "1"})).await;
    let used = get(&world, &owner, &format!("{list}?state=void")).await;
    assert_eq!(used["rows"].as_array().unwrap().len(), 3, "{used}");
    assert_eq!(void(json!({"all": true})).await.json(), json!({"voided": 1, "not_voided": []}));
    assert_eq!(price(&world, &owner, with("SUMMER")).await["codes"][0]["refused"], "code_void");
    for wrong in
        [json!({}), json!({"all": true, "places": [1]}), json!({"places": vec![1; 10_001]}), json!({"all": "yes"})]
    {
        assert_eq!(void(wrong).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let viewer = world.browser(Role::Viewer).await;
    let answer = call(&world, &viewer, Method::POST, &voided, json!({"all": true})).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(world.get(&format!("{list}?state=lost"), &owner.reads()).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    for path in ["codes/list", "codes.csv"] {
        let answer = world.get(&format!("/api/v1/loyalty/offers/none/{path}"), &owner.reads()).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cart_is_tried_by_another_way_of_choosing() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, _, _) = founded(&sink).await;
    let off = |percent: u8, place: u8| json!({"name": "Off", "place": place, "gives": {"kind": "percent_off", "percent": percent.to_string()}, "stacking": "alone"});
    for (key, it) in [("little", off(5, 1)), ("much", off(20, 2))] {
        offer(&world, &owner, key, it).await;
    }
    let given = |priced: &Value| {
        let lines = priced["lines"].as_array().unwrap().iter();
        lines
            .filter(|it| it["outcome"] == "given")
            .map(|it| it["offer"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let as_written = price(&world, &owner, json!({})).await;
    assert_eq!(given(&as_written), ["little"], "{as_written}");
    let best = price(&world, &owner, json!({"choice": "best_for_customer"})).await;
    assert_eq!(given(&best), ["much"], "{best}");
    let margin = price(&world, &owner, json!({"choice": "best_margin"})).await;
    assert_eq!(given(&margin), ["little"], "{margin}");
    assert_eq!(given(&price(&world, &owner, json!({})).await), ["little"], "it is only tried");
    let wrong = json!({"cart": cart(), "choice": "worst"});
    let answer = call(&world, &owner, Method::POST, "/api/v1/loyalty/offers/price", wrong).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text());
}
