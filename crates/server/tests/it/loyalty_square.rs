//! Square's loyalty endpoints: accounts by number, points for orders and outright, rewards that lock points until they are had, events, and Square's shape of errors.

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_loyalty::verify::verify;
use rapport_server::auth::Scope;
use rapport_server::records::workspaces::FIRST;
use serde_json::{Value, json};

use crate::engaging::{call, happen, settle, track, world};
use crate::sink::{Manner, Sink};
use crate::world::{Answer, Browser, World};

const FACE: &str = "/square/v2/loyalty";
const PHONE: &str = "+4915112345678";

async fn put(world: &World, owner: &Browser, path: &str, body: Value) {
    let saved = call(world, owner, Method::PUT, path, body).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
}

struct Shop {
    world: World,
    /// The shop's write key.
    key: String,
    square: String,
}

impl Shop {
    async fn open(sink: &Sink) -> Self {
        let (world, owner, key) = world(sink).await;
        let program = json!({"name": "Club", "zone": "UTC", "currency": "EUR", "country_code": "49", "counts_from": "2020-01-01",
            "wallets": [{"key": "points", "name": "Beans", "expiry": {"kind": "after", "count": 12, "unit": "months", "rounding": "month"}}, {"key": "miles", "name": "Miles"}]});
        put(&world, &owner, "/api/v1/loyalty/program", json!({"version": 0, "program": program})).await;
        let rule = json!({"version": 0, "state": "live", "rule": {"name": "A point for ten", "event": "Order Completed",
            "gives": {"kind": "amount", "points": 1, "each": "10", "full_steps": true}}});
        put(&world, &owner, "/api/v1/loyalty/rules/base", rule).await;
        let rewards = [
            (
                "coffee",
                json!({"name": "Coffee", "gives": {"kind": "discount", "off": {"kind": "amount", "amount": "3"}}, "prices": [{"points": 10}]}),
            ),
            ("cup", json!({"name": "A cup", "gives": {"kind": "delivered"}, "prices": [{"points": 4}]})),
            ("film", json!({"name": "A film", "gives": {"kind": "code"}, "prices": [{"points": 5, "money": "4.50"}]})),
        ];
        for (key, reward) in rewards {
            let body = json!({"version": 0, "state": "live", "reward": reward});
            put(&world, &owner, &format!("/api/v1/loyalty/rewards/{key}"), body).await;
        }
        world.clock.advance(Timestamp::HOUR);
        let ann = json!({"type": "identify", "userId": "u1", "messageId": "i1", "traits": {"email": "ann@example.com", "phone": PHONE}});
        happen(&world, &key, vec![ann]).await;
        let id = crate::engaging::only_person(&world, &owner, "ann").await;
        let made = call(&world, &owner, Method::POST, "/api/v1/loyalty/members", json!({"person_id": id})).await;
        assert_eq!(made.status, StatusCode::OK, "{}", made.text());
        settle(&world).await;
        let square = world.api_key(&[Scope::Read, Scope::Write], None).await;
        Self { world, key, square }
    }

    async fn with(&self, key: &str, method: Method, path: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        self.world.request(method, &format!("{FACE}{path}"), &headers, body.to_string()).await
    }

    async fn sent(&self, path: &str, body: Value) -> Answer {
        self.with(&self.square, Method::POST, path, &body).await
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.sent(path, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        self.world.clock.advance(Timestamp::SECOND);
        answer.json()
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.with(&self.square, Method::GET, path, &json!(null)).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        answer.json()
    }

    async fn delete(&self, path: &str) -> Answer {
        self.with(&self.square, Method::DELETE, path, &json!(null)).await
    }

    async fn ann(&self) -> Value {
        let found = self.post("/accounts/search", json!({"query": {"mappings": [{"phone_number": PHONE}]}})).await;
        assert_eq!(found["loyalty_accounts"].as_array().unwrap().len(), 1, "{found}");
        found["loyalty_accounts"][0].clone()
    }

    async fn balance(&self) -> i64 {
        self.ann().await["balance"].as_i64().unwrap()
    }

    async fn give(&self, ann: &str, points: i64, key: &str) -> Answer {
        let body = json!({"accumulate_points": {"points": points}, "idempotency_key": key, "location_id": "mitte"});
        self.sent(&format!("/accounts/{ann}/accumulate"), body).await
    }
}

fn refused(answer: &Answer, status: StatusCode, category: &str, code: &str) {
    let error = &answer.json()["errors"][0];
    assert_eq!(
        (answer.status, error["category"].as_str(), error["code"].as_str()),
        (status, Some(category), Some(code)),
        "{}",
        answer.text()
    );
    assert!(error["detail"].as_str().is_some_and(|text| !text.is_empty()));
}

const INVALID: &str = "INVALID_REQUEST_ERROR";
const BAD: StatusCode = StatusCode::BAD_REQUEST;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_are_members_and_points_come_once() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let shop = Shop::open(&sink).await;
    let ann = shop.ann().await;
    assert_eq!(
        (&ann["program_id"], &ann["balance"], &ann["lifetime_points"], &ann["mapping"]["phone_number"]),
        (&json!("main"), &json!(0), &json!(0), &json!(PHONE))
    );
    let id = ann["id"].as_str().unwrap();
    let by_customer = json!({"query": {"customer_ids": [ann["customer_id"]]}});
    assert_eq!(shop.post("/accounts/search", by_customer).await["loyalty_accounts"][0]["id"], ann["id"]);
    let nobody = json!({"query": {"mappings": [{"phone_number": "+491700000000"}]}});
    assert_eq!(shop.post("/accounts/search", nobody).await, json!({}));

    // Made again it is the same account; somebody new is a new one, whom the number finds.
    let new = |phone: &str, key: &str| json!({"loyalty_account": {"program_id": "main", "mapping": {"phone_number": phone}}, "idempotency_key": key});
    let again = shop.post("/accounts", new(PHONE, "a1")).await;
    assert_eq!(again["loyalty_account"]["id"], ann["id"]);
    // Nothing is applied here unless the test says so: a client is told to send the same again in a moment.
    let early = shop.sent("/accounts", new("+14155551111", "a2")).await;
    refused(&early, StatusCode::SERVICE_UNAVAILABLE, "API_ERROR", "SERVICE_UNAVAILABLE");
    settle(&shop.world).await;
    let bob = shop.post("/accounts", new("+14155551111", "a2")).await["loyalty_account"].clone();
    settle(&shop.world).await;
    assert_ne!(bob["id"], ann["id"]);
    assert_eq!(shop.post("/accounts", new("+14155551111", "a3")).await["loyalty_account"]["id"], bob["id"]);
    let first = shop.post("/accounts/search", json!({"limit": 1})).await;
    let second = shop.post("/accounts/search", json!({"limit": 1, "cursor": first["cursor"]})).await;
    assert_eq!((&first["loyalty_accounts"][0]["id"], &second["loyalty_accounts"][0]["id"]), (&bob["id"], &ann["id"]));
    assert!(second["cursor"].is_null());

    let given = shop.give(id, 7, "k1").await;
    assert_eq!(given.status, StatusCode::OK, "{}", given.text());
    let event = given.json()["events"][0].clone();
    assert_eq!(
        (&event["type"], &event["accumulate_points"]["points"], &event["location_id"], &event["loyalty_account_id"]),
        (&json!("ACCUMULATE_POINTS"), &json!(7), &json!("mitte"), &ann["id"])
    );
    shop.world.clock.advance(40 * Timestamp::DAY);
    assert_eq!(shop.give(id, 7, "k1").await.json()["events"][0], event, "a month later it is the same answer");
    refused(&shop.give(id, 8, "k1").await, BAD, INVALID, "IDEMPOTENCY_KEY_REUSED");
    let ann = shop.ann().await;
    assert_eq!((&ann["balance"], &ann["lifetime_points"]), (&json!(7), &json!(7)));
    let deadlines = ann["expiring_point_deadlines"].as_array().unwrap();
    assert_eq!((deadlines.len(), &deadlines[0]["points"]), (1, &json!(7)));

    let adjust = |points: i64, key: &str, negative: bool| json!({"idempotency_key": key, "adjust_points": {"points": points, "reason": "Counted wrong"}, "allow_negative_balance": negative});
    let path = format!("/accounts/{id}/adjust");
    refused(&shop.sent(&path, adjust(-9, "k2", false)).await, BAD, INVALID, "BAD_REQUEST");
    assert_eq!(shop.balance().await, 7);
    let taken = shop.post(&path, adjust(-9, "k3", true)).await["event"].clone();
    assert_eq!(
        (&taken["type"], &taken["adjust_points"]["points"], &taken["adjust_points"]["reason"]),
        (&json!("ADJUST_POINTS"), &json!(-9), &json!("Counted wrong"))
    );
    assert_eq!(shop.balance().await, -2);

    // An order that was told: rules gave for it, and nothing is given twice.
    let bought = track(
        "o1",
        "u1",
        "Order Completed",
        json!({"order_id": "1001", "revenue": 105, "subtotal": 105, "currency": "EUR"}),
    );
    happen(&shop.world, &shop.key, vec![bought]).await;
    settle(&shop.world).await;
    let order = |id: &str, key: &str| json!({"accumulate_points": {"order_id": id}, "idempotency_key": key, "location_id": "mitte"});
    let path = format!("/accounts/{id}/accumulate");
    for key in ["k4", "k5"] {
        let events = shop.post(&path, order("1001", key)).await["events"].clone();
        assert_eq!(events.as_array().unwrap().len(), 1);
        assert_eq!(
            (&events[0]["accumulate_points"]["points"], &events[0]["accumulate_points"]["order_id"]),
            (&json!(10), &json!("1001"))
        );
        assert_eq!(shop.balance().await, 8);
    }
    refused(&shop.sent(&path, order("nothing", "k6")).await, StatusCode::NOT_FOUND, INVALID, "NOT_FOUND");
    let other = format!("/accounts/{}/accumulate", bob["id"].as_str().unwrap());
    refused(&shop.sent(&other, order("1001", "k7")).await, BAD, INVALID, "BAD_REQUEST");
    let dry = |body: Value| shop.post("/programs/main/calculate", body);
    let money = json!({"transaction_amount_money": {"amount": 10500, "currency": "EUR"}, "loyalty_account_id": id});
    assert_eq!(dry(money).await, json!({"points": 10, "promotion_points": 0}));
    assert_eq!(dry(json!({"order_id": "1001"})).await["points"], 10);
    assert_eq!(shop.balance().await, 8);
    assert_eq!(verify(&mut shop.world.app.installation.store.read(), FIRST).await.unwrap().findings, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reward_locks_points_until_it_is_had_or_deleted() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let shop = Shop::open(&sink).await;
    let id = shop.ann().await["id"].as_str().unwrap().to_owned();
    assert_eq!(shop.give(&id, 30, "k1").await.status, StatusCode::OK);
    let want = |tier: &str, key: &str| json!({"reward": {"loyalty_account_id": id, "reward_tier_id": tier, "order_id": "77"}, "idempotency_key": key});
    let redeem = |key: &str| json!({"idempotency_key": key, "location_id": "mitte"});
    let mut balance = 30;
    for (tier, points) in [("coffee", 10), ("cup", 4)] {
        let first = shop.post("/rewards", want(tier, &format!("{tier} 1"))).await["reward"].clone();
        assert_eq!(
            (&first["status"], &first["points"], &first["reward_tier_id"], &first["order_id"]),
            (&json!("ISSUED"), &json!(points), &json!(tier), &json!("77"))
        );
        assert_eq!(shop.post("/rewards", want(tier, &format!("{tier} 1"))).await["reward"], first);
        assert_eq!(shop.balance().await, balance - points);
        let own = format!("/rewards/{}", first["id"].as_str().unwrap());
        for _ in 0..2 {
            assert_eq!(shop.delete(&own).await.json(), json!({}));
            assert_eq!(shop.balance().await, balance, "deleted twice, the points come back once");
        }
        refused(&shop.sent(&format!("{own}/redeem"), redeem("late")).await, BAD, INVALID, "BAD_REQUEST");
        assert_eq!(shop.get(&own).await["reward"]["status"], "DELETED");

        let second = shop.post("/rewards", want(tier, &format!("{tier} 2"))).await["reward"].clone();
        balance -= points;
        let own = format!("/rewards/{}", second["id"].as_str().unwrap());
        let key = format!("{tier} had");
        let had = shop.post(&format!("{own}/redeem"), redeem(&key)).await["event"].clone();
        assert_eq!((&had["type"], &had["redeem_reward"]["reward_id"]), (&json!("REDEEM_REWARD"), &second["id"]));
        assert_eq!(shop.post(&format!("{own}/redeem"), redeem(&key)).await["event"], had);
        refused(&shop.sent(&format!("{own}/redeem"), redeem("another")).await, BAD, INVALID, "BAD_REQUEST");
        refused(&shop.delete(&own).await, BAD, INVALID, "BAD_REQUEST");
        assert_eq!(shop.balance().await, balance, "what was had stays had");
        let shown = shop.get(&own).await["reward"].clone();
        assert_eq!((&shown["status"], shown["redeemed_at"].is_string()), (&json!("REDEEMED"), true));
    }
    refused(&shop.sent("/rewards", want("cup", "coffee 1")).await, BAD, INVALID, "IDEMPOTENCY_KEY_REUSED");
    refused(&shop.sent("/rewards", want("film", "f1")).await, BAD, INVALID, "UNSUPPORTED_LOYALTY_REWARD_TIER");
    refused(&shop.sent("/rewards", want("nothing", "f2")).await, StatusCode::NOT_FOUND, INVALID, "NOT_FOUND");
    // Ten of sixteen points, wanted by ten at once: one has them.
    let all = (0..10).map(|at| shop.sent("/rewards", want("coffee", &format!("race {at}"))));
    let all = futures::future::join_all(all).await;
    assert_eq!(all.iter().filter(|it| it.status == StatusCode::OK).count(), 1);
    assert_eq!(shop.balance().await, 6);

    let count = async |status: &str| {
        let mut seen = Vec::new();
        let mut cursor = Value::Null;
        loop {
            let query = json!({"query": {"loyalty_account_id": id, "status": status}, "limit": 1, "cursor": cursor});
            let found = shop.post("/rewards/search", query).await;
            seen.extend(found["rewards"].as_array().cloned().unwrap_or_default());
            cursor = found["cursor"].clone();
            if cursor.is_null() {
                return seen.len();
            }
        }
    };
    assert_eq!((count("ISSUED").await, count("REDEEMED").await, count("DELETED").await), (1, 2, 2));

    // Every event once, the latest first, whatever the pages; what they say adds up to the balance.
    let mut events: Vec<Value> = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let query = json!({"query": {"filter": {"loyalty_account_filter": {"loyalty_account_id": id}}}, "limit": 2, "cursor": cursor});
        let found = shop.post("/events/search", query).await;
        events.extend(found["events"].as_array().cloned().unwrap_or_default());
        cursor = found["cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    let kinds: Vec<&str> = events.iter().map(|it| it["type"].as_str().unwrap()).collect();
    let of = |word: &str| kinds.iter().filter(|it| **it == word).count();
    assert_eq!(
        (of("ACCUMULATE_POINTS"), of("CREATE_REWARD"), of("REDEEM_REWARD"), of("DELETE_REWARD"), kinds.len()),
        (1, 5, 2, 2, 10),
        "{kinds:?}"
    );
    let points = |it: &Value| {
        ["accumulate_points", "create_reward", "delete_reward"]
            .iter()
            .filter_map(|name| it[name]["points"].as_i64())
            .sum::<i64>()
    };
    assert_eq!(events.iter().map(points).sum::<i64>(), 6);
    let times: Vec<&str> = events.iter().map(|it| it["created_at"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|one, other| one >= other), "{times:?}");
    let only = json!({"query": {"filter": {"type_filter": {"types": ["DELETE_REWARD"]}}}});
    assert_eq!(shop.post("/events/search", only).await["events"].as_array().unwrap().len(), 2);
    let there = json!({"query": {"filter": {"location_filter": {"location_ids": ["mitte"]}}}});
    assert_eq!(shop.post("/events/search", there).await["events"].as_array().unwrap().len(), 1);
    assert_eq!(verify(&mut shop.world.app.installation.store.read(), FIRST).await.unwrap().findings, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_said_is_refused_in_squares_words() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let shop = Shop::open(&sink).await;
    let id = shop.ann().await["id"].as_str().unwrap().to_owned();
    let program = shop.get("/programs/main").await["program"].clone();
    let tiers: Vec<&str> =
        program["reward_tiers"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!(tiers, ["cup", "coffee"], "the cheapest first, without what costs money too");
    assert_eq!(program["expiration_policy"]["expiration_duration"], "P12M");
    assert_eq!(
        program["accrual_rules"],
        json!([{"accrual_type": "SPEND", "points": 1, "spend_data": {"amount_money": {"amount": 1000, "currency": "EUR"}, "tax_mode": "BEFORE_TAX"}}])
    );
    assert_eq!(shop.get("/programs").await["programs"], json!([program]));
    assert_eq!(shop.get("/programs/main/promotions").await, json!({}));

    let none = shop.world.request(Method::GET, &format!("{FACE}/programs"), &[], String::new()).await;
    refused(&none, StatusCode::UNAUTHORIZED, "AUTHENTICATION_ERROR", "UNAUTHORIZED");
    let wrong = shop.with("rk_wrong", Method::GET, "/programs", &json!(null)).await;
    refused(&wrong, StatusCode::UNAUTHORIZED, "AUTHENTICATION_ERROR", "UNAUTHORIZED");
    let reading = shop.world.api_key(&[Scope::Read], None).await;
    let body = json!({"accumulate_points": {"points": 1}, "idempotency_key": "r", "location_id": "mitte"});
    let path = format!("/accounts/{id}/accumulate");
    let answer = shop.with(&reading, Method::POST, &path, &body).await;
    refused(&answer, StatusCode::FORBIDDEN, "AUTHENTICATION_ERROR", "INSUFFICIENT_SCOPES");
    refused(
        &shop.sent("/programs/main/promotions", json!({})).await,
        StatusCode::NOT_IMPLEMENTED,
        "API_ERROR",
        "NOT_IMPLEMENTED",
    );
    refused(&shop.sent("/nothing", json!({})).await, StatusCode::NOT_FOUND, INVALID, "NOT_FOUND");
    refused(&shop.delete("/programs").await, StatusCode::METHOD_NOT_ALLOWED, INVALID, "METHOD_NOT_ALLOWED");

    let points = |points: Value, key: &str| json!({"accumulate_points": {"points": points}, "idempotency_key": key, "location_id": "mitte"});
    let cases = [
        (points(json!(0), "z"), "INVALID_VALUE"),
        (points(json!(-5), "z"), "INVALID_VALUE"),
        (points(json!(1.5), "z"), "INVALID_VALUE"),
        (points(json!(i64::MAX), "z"), "BAD_REQUEST"),
        (points(json!(1), ""), "MISSING_REQUIRED_PARAMETER"),
        (points(json!(1), &"x".repeat(129)), "INVALID_VALUE"),
        (json!({"accumulate_points": {"points": 1}, "idempotency_key": "z"}), "MISSING_REQUIRED_PARAMETER"),
        (json!({"accumulate_points": {}, "idempotency_key": "z", "location_id": "m"}), "MISSING_REQUIRED_PARAMETER"),
        (
            json!({"accumulate_points": {"points": 1, "order_id": "1"}, "idempotency_key": "z", "location_id": "m"}),
            "CONFLICTING_PARAMETERS",
        ),
    ];
    for (body, code) in cases {
        refused(&shop.sent(&path, body).await, BAD, INVALID, code);
    }
    refused(
        &shop.sent("/accounts/0815/accumulate", points(json!(1), "z")).await,
        StatusCode::NOT_FOUND,
        INVALID,
        "NOT_FOUND",
    );
    for phone in ["0151 12345678", "+49", "+4915x", ""] {
        let body = json!({"loyalty_account": {"program_id": "main", "mapping": {"phone_number": phone}}, "idempotency_key": "p"});
        refused(&shop.sent("/accounts", body).await, BAD, INVALID, "INVALID_VALUE");
    }
    let other =
        json!({"loyalty_account": {"program_id": "other", "mapping": {"phone_number": PHONE}}, "idempotency_key": "p"});
    refused(&shop.sent("/accounts", other).await, StatusCode::NOT_FOUND, INVALID, "NOT_FOUND");
    refused(&shop.sent("/events/search", json!({"limit": 31})).await, BAD, INVALID, "INVALID_VALUE");
    refused(&shop.sent("/events/search", json!({"cursor": "nonsense"})).await, BAD, INVALID, "INVALID_CURSOR");
    let text = format!("Bearer {}", shop.square);
    let headers = [("authorization", text.as_str())];
    let broken = shop.world.request(Method::POST, &format!("{FACE}/rewards"), &headers, "{".to_owned()).await;
    refused(&broken, BAD, INVALID, "EXPECTED_JSON_BODY");
    assert_eq!(shop.balance().await, 0, "nothing was posted");
}
