//! The till: a key that may do this and nothing else finds members by card and number, tells receipts that earn like orders, redeems against them, and takes things back.

use axum::http::{Method, StatusCode};
use rapport_domain::{Clock, Timestamp};
use rapport_server::auth::Scope;
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, only_person, settle, track, world};
use crate::sink::{Manner, Sink};
use crate::world::{Answer, Browser, World};

const TILL: &str = "/api/v1/loyalty/till";

async fn put(world: &World, owner: &Browser, path: &str, body: Value) {
    let saved = call(world, owner, Method::PUT, path, body).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
}

struct Shop {
    world: World,
    owner: Browser,
    /// The shop's write key.
    key: String,
    /// The till's API key.
    till: String,
    ann: String,
}

impl Shop {
    async fn open(sink: &Sink) -> Self {
        let (world, owner, key) = world(sink).await;
        let program = json!({"name": "Club", "zone": "Europe/Berlin", "currency": "EUR", "country_code": "49", "counts_from": "2020-01-01",
            "wallets": [{"key": "points", "name": "Points"}]});
        put(&world, &owner, "/api/v1/loyalty/program", json!({"version": 0, "program": program})).await;
        let rule = json!({"version": 0, "state": "live", "rule": {"name": "A point a euro", "event": "Order Completed",
            "gives": {"kind": "amount", "points": 1, "each": "1"}}});
        put(&world, &owner, "/api/v1/loyalty/rules/base", rule).await;
        let coffee = json!({"version": 0, "state": "live", "reward": {"name": "Coffee", "gives": {"kind": "code"}, "prices": [{"points": 40}]}});
        put(&world, &owner, "/api/v1/loyalty/rewards/coffee", coffee).await;
        world.clock.advance(Timestamp::HOUR);
        let ann = json!({"type": "identify", "userId": "u1", "messageId": "i1", "traits": {"email": "ann@example.com", "firstName": "Ann", "lastName": "Zebrafish", "phone": "0151 / 123 456-78"}});
        happen(&world, &key, vec![ann]).await;
        let id = only_person(&world, &owner, "ann").await;
        let ann = call(&world, &owner, Method::POST, "/api/v1/loyalty/members", json!({"person_id": id})).await.json();
        let ann = ann["member_id"].as_str().unwrap().to_owned();
        // That she is a member comes round as an event, and then she is found by her number.
        settle(&world).await;
        let till = format!("Bearer {}", world.api_key(&[Scope::Till], None).await);
        Self { world, owner, key, till, ann }
    }

    async fn at(&self, method: Method, path: &str, body: Value) -> Answer {
        let headers = [("authorization", self.till.as_str()), ("content-type", "application/json")];
        self.world.request(method, path, &headers, body.to_string()).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.at(Method::POST, &format!("{TILL}{path}"), body).await
    }

    async fn available(&self) -> i64 {
        let member = get(&self.world, &self.owner, &format!("/api/v1/loyalty/members/{}", self.ann)).await;
        member["wallets"][0]["available"].as_i64().unwrap_or(0)
    }

    fn receipt(&self, number: &str, revenue: &str) -> Value {
        json!({"store": "mitte", "receipt": number, "member_id": self.ann, "order": {"revenue": revenue, "subtotal": revenue, "currency": "EUR"}})
    }
}

fn refused(answer: &Answer, status: StatusCode, code: &str) {
    assert_eq!((answer.status, answer.json()["code"].as_str()), (status, Some(code)), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_earn_like_orders_and_rewards_are_redeemed_against_them() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let shop = Shop::open(&sink).await;
    // However it is said; a cashier sees a first name and no address.
    for phone in ["+49 151 12345678", "0151 12345678", "0049-151-123-456-78"] {
        let found = shop.post("/lookup", json!({"store": "mitte", "phone": phone})).await;
        assert_eq!(found.status, StatusCode::OK, "{phone}: {}", found.text());
        let found = found.json();
        assert_eq!((&found["member_id"], &found["first_name"]), (&json!(shop.ann), &json!("Ann")));
        assert_eq!((&found["rewards"][0]["reward"], &found["rewards"][0]["missing"]), (&json!("coffee"), &json!(40)));
        assert!(!found.to_string().contains("Zebrafish") && !found.to_string().contains("example.com"), "{found}");
    }
    let card = call(
        &shop.world,
        &shop.owner,
        Method::POST,
        &format!("/api/v1/loyalty/members/{}/card", shop.ann),
        json!(null),
    )
    .await
    .json();
    let by_card = shop.post("/lookup", json!({"store": "mitte", "card": card["code"]})).await;
    assert_eq!(by_card.json()["member_id"], json!(shop.ann), "{}", by_card.text());

    let basket = json!({"member_id": shop.ann, "order": {"revenue": "55.00", "subtotal": "55.00", "currency": "EUR"}});
    assert_eq!(shop.post("/ratings", basket).await.json()["points"]["points"], 55);
    for is_repeated in [false, true] {
        let told = shop.post("/receipts", shop.receipt("1001", "55.00")).await;
        assert_eq!(told.status, StatusCode::OK, "{}", told.text());
        assert_eq!(
            (&told.json()["order_id"], &told.json()["is_repeated"]),
            (&json!("till/mitte/1001"), &json!(is_repeated))
        );
        assert_eq!(told.json()["rating"]["points"]["points"], 55);
        settle(&shop.world).await;
        assert_eq!(shop.available().await, 55, "told twice it is told once");
        shop.world.clock.advance(Timestamp::MINUTE);
    }
    refused(
        &shop.post("/receipts", shop.receipt("1001", "555.00")).await,
        StatusCode::CONFLICT,
        "receipt_told_otherwise",
    );
    let id = only_person(&shop.world, &shop.owner, "ann").await;
    let orders = get(&shop.world, &shop.owner, &format!("/api/v1/customers/{id}/timeline?limit=50")).await.to_string();
    assert_eq!(orders.matches("\"name\":\"Order Completed\"").count(), 1, "{orders}");

    let wants = json!({"id": "r1", "member_id": shop.ann, "reward": "coffee", "points": 40, "store": "mitte", "receipt": "1001"});
    let given = shop.post("/redemptions", wants.clone()).await;
    assert_eq!(given.status, StatusCode::OK, "{}", given.text());
    assert_eq!(shop.post("/redemptions", wants).await.json()["redemption_id"], given.json()["redemption_id"]);
    assert_eq!(shop.available().await, 15);
    let dearer = json!({"id": "r2", "member_id": shop.ann, "reward": "coffee", "points": 30, "store": "mitte", "receipt": "1001"});
    refused(&shop.post("/redemptions", dearer).await, StatusCode::CONFLICT, "reward_price_changed");
    // Thirty tills want the last points at once.
    let path = format!("/redemptions/{}/cancelled", given.json()["redemption_id"].as_str().unwrap());
    for _ in 0..2 {
        assert_eq!(shop.post(&path, json!(null)).await.status, StatusCode::OK);
    }
    assert_eq!(shop.available().await, 55);
    let all = (0..30).map(|till| {
        let body = json!({"id": format!("race {till}"), "member_id": shop.ann, "reward": "coffee", "points": 40, "store": "mitte", "receipt": "1001"});
        shop.post("/redemptions", body)
    });
    let all = futures::future::join_all(all).await;
    assert_eq!(all.iter().filter(|answer| answer.status == StatusCode::OK).count(), 1);
    assert_eq!(shop.available().await, 15);

    // A part comes back, then the rest.
    let back =
        |id: &str, amount: Option<&str>| json!({"store": "mitte", "receipt": "1001", "id": id, "amount": amount});
    for _ in 0..2 {
        assert_eq!(shop.post("/returns", back("b1", Some("15.00"))).await.status, StatusCode::OK);
        settle(&shop.world).await;
        assert_eq!(shop.available().await, 0);
    }
    let pack = call(&shop.world, &shop.owner, Method::POST, &format!("/api/v1/customers/{id}/access"), json!(null))
        .await
        .json();
    assert_eq!(pack["tables"]["loyalty_receipts"][0]["receipt"], "1001", "{}", pack["tables"]["loyalty_receipts"]);
    let erased =
        call(&shop.world, &shop.owner, Method::POST, &format!("/api/v1/customers/{id}/erasure"), json!({})).await;
    assert_eq!(erased.status, StatusCode::OK, "{}", erased.text());
    let gone = shop.post("/lookup", json!({"store": "mitte", "phone": "+4915112345678"})).await;
    refused(&gone, StatusCode::NOT_FOUND, "till_member_unknown");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_till_was_offline_for_and_what_it_calls_off() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let shop = Shop::open(&sink).await;
    shop.world.clock.advance(3 * Timestamp::DAY);
    let mut late = shop.receipt("7", "20.00");
    late["occurred_at"] = json!(shop.world.clock.now().plus(-2 * Timestamp::DAY).to_rfc3339());
    let told = shop.post("/receipts", late).await;
    assert_eq!(told.status, StatusCode::OK, "{}", told.text());
    settle(&shop.world).await;
    assert_eq!(shop.available().await, 20);
    for _ in 0..2 {
        let off = shop.post("/cancellations", json!({"store": "mitte", "receipt": "7"})).await;
        assert_eq!(off.status, StatusCode::OK, "{}", off.text());
        settle(&shop.world).await;
        assert_eq!(shop.available().await, 0, "on the day on which it was told");
    }
    assert_eq!(shop.post("/receipts", shop.receipt("8", "20.00")).await.status, StatusCode::OK);
    settle(&shop.world).await;
    shop.world.clock.advance(Timestamp::DAY);
    refused(
        &shop.post("/cancellations", json!({"store": "mitte", "receipt": "8"})).await,
        StatusCode::CONFLICT,
        "receipt_too_late",
    );
    assert_eq!(
        shop.post("/returns", json!({"store": "mitte", "receipt": "8", "id": "all"})).await.status,
        StatusCode::OK
    );
    settle(&shop.world).await;
    assert_eq!(shop.available().await, 0, "everything goes back without an amount");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_new_becomes_a_member_by_their_number_once() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let shop = Shop::open(&sink).await;
    let known = shop.post("/members", json!({"store": "mitte", "phone": "0151 12345678"})).await;
    assert_eq!(known.json()["member_id"], json!(shop.ann), "who is one already is shown: {}", known.text());
    let body = json!({"store": "mitte", "phone": "+46 70 555 01 23", "first_name": "Bo"});
    // Nothing is applied here unless the test says so.
    refused(&shop.post("/members", body.clone()).await, StatusCode::SERVICE_UNAVAILABLE, "till_not_yet");
    settle(&shop.world).await;
    let made = shop.post("/members", body.clone()).await;
    assert_eq!((made.status, &made.json()["first_name"]), (StatusCode::OK, &json!("Bo")), "{}", made.text());
    settle(&shop.world).await;
    assert_eq!(shop.post("/members", body).await.json()["member_id"], made.json()["member_id"]);
    let found = shop.post("/lookup", json!({"store": "mitte", "phone": "0046705550123"})).await;
    assert_eq!(found.json()["member_id"], made.json()["member_id"], "{}", found.text());
    let all = get(&shop.world, &shop.owner, "/api/v1/loyalty/members").await;
    assert_eq!(all["rows"].as_array().unwrap().len(), 2, "{all}");
    // Nobody agreed to anything by it.
    let bo = only_person(&shop.world, &shop.owner, "Bo").await;
    let timeline =
        get(&shop.world, &shop.owner, &format!("/api/v1/customers/{bo}/timeline?limit=50")).await.to_string();
    assert!(!timeline.contains("Consent"), "{timeline}");
    // Two who have one number are told apart by their cards.
    let other = json!({"type": "identify", "userId": "u9", "messageId": "i9", "traits": {"phone": "+46705550123"}});
    happen(
        &shop.world,
        &shop.key,
        vec![other, track("j9", "u9", "Order Completed", json!({"order_id": "x9", "revenue": 1, "currency": "EUR"}))],
    )
    .await;
    let rows = get(&shop.world, &shop.owner, "/api/v1/customers?search=u9").await;
    let id = rows["rows"][0]["id"].as_str().or(rows["rows"][0]["person_id"].as_str()).unwrap().to_owned();
    call(&shop.world, &shop.owner, Method::POST, "/api/v1/loyalty/members", json!({"person_id": id})).await;
    settle(&shop.world).await;
    let shared = shop.post("/lookup", json!({"store": "mitte", "phone": "+46705550123"})).await;
    refused(&shared, StatusCode::CONFLICT, "till_number_shared");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_till_may_do_this_and_nothing_else_and_does_not_guess() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let shop = Shop::open(&sink).await;
    for (method, path) in [
        (Method::GET, "/api/v1/customers".to_owned()),
        (Method::GET, format!("/api/v1/loyalty/members/{}", shop.ann)),
        (Method::GET, "/api/v1/loyalty/members".to_owned()),
        (Method::POST, "/api/v1/loyalty/operations".to_owned()),
        (Method::POST, "/api/v1/loyalty/redemptions".to_owned()),
        (Method::POST, "/api/v1/loyalty/cards/lookup".to_owned()),
        (Method::POST, format!("/api/v1/loyalty/members/{}/page-link", shop.ann)),
    ] {
        assert_eq!(shop.at(method, &path, json!({})).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let reader = format!("Bearer {}", shop.world.api_key(&[Scope::Read], None).await);
    let headers = [("authorization", reader.as_str()), ("content-type", "application/json")];
    let body = json!({"store": "mitte", "phone": "0151 12345678"}).to_string();
    let asked = shop.world.request(Method::POST, &format!("{TILL}/lookup"), &headers, body).await;
    assert_eq!(asked.status, StatusCode::FORBIDDEN);

    for (path, body, place) in [
        ("/lookup", json!({"store": "", "phone": "0151 12345678"}), "store"),
        ("/lookup", json!({"store": "mitte"}), "card"),
        ("/lookup", json!({"store": "mitte", "phone": "ann"}), "phone"),
        ("/lookup", json!({"store": "mitte", "phone": "0151 12345678", "card": "R"}), "card"),
        ("/members", json!({"store": "mitte", "phone": "12"}), "phone"),
        ("/receipts", json!({"store": "mitte", "receipt": "1", "member_id": shop.ann, "order": {}}), "order.revenue"),
        (
            "/receipts",
            json!({"store": "mitte", "receipt": "1", "member_id": shop.ann, "order": {"revenue": -1}}),
            "order.revenue",
        ),
        (
            "/receipts",
            json!({"store": "mitte", "receipt": "1", "member_id": shop.ann, "order": {"revenue": 1, "order_id": "x"}}),
            "order.order_id",
        ),
        (
            "/receipts",
            json!({"store": "mitte", "receipt": "1\n", "member_id": shop.ann, "order": {"revenue": 1}}),
            "receipt",
        ),
        (
            "/receipts",
            json!({"store": "mitte", "receipt": "1", "member_id": shop.ann, "order": {"revenue": 1}, "occurred_at": "2099-01-01T00:00:00Z"}),
            "occurred_at",
        ),
    ] {
        let answer = shop.post(path, body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text());
        assert!(answer.json()["detail"].as_str().unwrap().starts_with(place), "{place}: {}", answer.text());
    }
    assert_eq!(
        shop.post("/receipts", json!({"store": "mitte", "receipt": "1", "member_id": "7", "order": {"revenue": 1}}))
            .await
            .status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        shop.post("/returns", json!({"store": "mitte", "receipt": "none", "id": "1"})).await.status,
        StatusCode::NOT_FOUND
    );
    settle(&shop.world).await;
    assert_eq!(shop.available().await, 0, "nothing of it was told");

    let guess = async |number: u32, store: &str| {
        shop.post("/lookup", json!({"store": store, "phone": format!("+49151{number:08}")})).await
    };
    for number in 0..20 {
        refused(&guess(number, "ost").await, StatusCode::NOT_FOUND, "till_member_unknown");
    }
    refused(&guess(12_345_678, "ost").await, StatusCode::TOO_MANY_REQUESTS, "too_many_tries");
    assert_eq!(guess(12_345_678, "mitte").await.status, StatusCode::OK, "another store does not wait");
    // Nor by making members of them.
    let through = json!({"store": "ost", "phone": "0151 12345678"});
    refused(&shop.post("/members", through).await, StatusCode::TOO_MANY_REQUESTS, "too_many_tries");
    shop.world.clock.advance(11 * Timestamp::MINUTE);
    assert_eq!(guess(12_345_678, "ost").await.status, StatusCode::OK);
}
