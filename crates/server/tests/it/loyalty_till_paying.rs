//! A part of a receipt paid with points at a till: what it earns, what comes back, who may, and what people see of it.

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_loyalty::verify::verify;
use rapport_server::auth::Scope;
use rapport_server::points;
use rapport_server::records::workspaces::FIRST;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::engaging::{call, get, happen, only_person, person, settle, world};
use crate::sink::{Manner, Sink};
use crate::world::{Answer, Browser, World};

const TILL: &str = "/api/v1/loyalty/till";

struct Shop {
    world: World,
    owner: Browser,
    till: String,
    person: String,
    ann: String,
}

impl Shop {
    /// A point a euro, and a point is worth a cent at the till; Ann has a thousand.
    async fn open(sink: &Sink) -> Self {
        let (world, owner, key) = world(sink).await;
        let program = json!({"name": "Club", "zone": "Europe/Berlin", "currency": "EUR", "counts_from": "2020-01-01",
            "wallets": [{"key": "points", "name": "Points"}],
            "paying": [{"wallet": "points", "worth": "0.01", "least": 100, "step": 50, "most": "0.5"}]});
        let put = async |path: &str, body: Value| {
            let saved = call(&world, &owner, Method::PUT, path, body).await;
            assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
        };
        put("/api/v1/loyalty/program", json!({"version": 0, "program": program})).await;
        let rule = json!({"version": 0, "state": "live", "rule": {"name": "A point a euro", "event": "Order Completed",
            "gives": {"kind": "amount", "points": 1, "each": "1"}}});
        put("/api/v1/loyalty/rules/base", rule).await;
        world.clock.advance(Timestamp::HOUR);
        happen(&world, &key, person(1, "ann@example.com")).await;
        let person = only_person(&world, &owner, "ann").await;
        let body = json!({"person_id": person});
        let made = call(&world, &owner, Method::POST, "/api/v1/loyalty/members", body).await.json();
        let ann = made["member_id"].as_str().unwrap().to_owned();
        let earn = json!({"operations": [{"id": "e1", "member_id": ann, "act": {"kind": "earn", "amount": 1_000}}]});
        let earned = call(&world, &owner, Method::POST, "/api/v1/loyalty/operations", earn).await;
        assert_eq!(earned.status, StatusCode::OK, "{}", earned.text());
        settle(&world).await;
        let till = format!("Bearer {}", world.api_key(&[Scope::Till], None).await);
        Self { world, owner, till, person, ann }
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        let headers = [("authorization", self.till.as_str()), ("content-type", "application/json")];
        self.world.request(Method::POST, &format!("{TILL}{path}"), &headers, body.to_string()).await
    }

    async fn ok(&self, path: &str, body: Value) -> Value {
        let answer = self.post(path, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()
    }

    async fn available(&self) -> i64 {
        let member = get(&self.world, &self.owner, &format!("/api/v1/loyalty/members/{}", self.ann)).await;
        member["wallets"][0]["available"].as_i64().unwrap_or(0)
    }

    fn pays(&self, id: &str, receipt: &str, points: i64) -> Value {
        json!({"id": id, "store": "mitte", "receipt": receipt, "member_id": self.ann, "points": points, "total": "60.00"})
    }

    fn receipt(&self, number: &str, revenue: &str) -> Value {
        json!({"store": "mitte", "receipt": number, "member_id": self.ann, "order": {"revenue": revenue, "subtotal": revenue, "currency": "EUR"}})
    }
}

fn refused(answer: &Answer, status: StatusCode, code: &str) {
    assert_eq!((answer.status, answer.json()["code"].as_str()), (status, Some(code)), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_is_paid_in_part_with_points_and_goes_back_with_them() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let shop = Shop::open(&sink).await;
    let card = format!("/api/v1/loyalty/members/{}/card", shop.ann);
    let card = call(&shop.world, &shop.owner, Method::POST, &card, json!(null)).await.json();
    let seen = shop.ok("/lookup", json!({"store": "mitte", "card": card["code"]})).await;
    let pays = &seen["wallets"][0]["pays"];
    assert_eq!(
        (&pays["worth"], &pays["least"], &pays["step"], &pays["most"]),
        (&json!("0.01"), &json!(100), &json!(50), &json!("0.50"))
    );

    let paid = shop.ok("/payments", shop.pays("p1", "1", 600)).await;
    assert_eq!((&paid["money"], &paid["returned"]), (&json!("6.00"), &json!(0)), "{paid}");
    assert_eq!(shop.ok("/payments", shop.pays("p1", "1", 600)).await, paid, "told again it is the same");
    assert_eq!(shop.available().await, 400);
    refused(&shop.post("/payments", shop.pays("p1", "1", 650)).await, StatusCode::CONFLICT, "id_reused");
    for (points, status, code) in [
        (0, StatusCode::UNPROCESSABLE_ENTITY, "amount_zero"),
        (-100, StatusCode::UNPROCESSABLE_ENTITY, "amount_negative"),
        (50, StatusCode::UNPROCESSABLE_ENTITY, "till_pay_below_least"),
        (120, StatusCode::UNPROCESSABLE_ENTITY, "till_pay_step"),
    ] {
        refused(&shop.post("/payments", shop.pays("h", "1", points)).await, status, code);
    }
    refused(&shop.post("/payments", shop.pays("h1", "1", 2_450)).await, StatusCode::CONFLICT, "till_pay_above_most");
    refused(&shop.post("/payments", shop.pays("h2", "1", 450)).await, StatusCode::CONFLICT, "insufficient_points");
    let mut other = shop.pays("h3", "1", 100);
    other["member_id"] = json!("77");
    refused(&shop.post("/payments", other).await, StatusCode::NOT_FOUND, "member_unknown");
    let mut nothing = shop.pays("h3", "1", 100);
    nothing["total"] = json!("0");
    refused(&shop.post("/payments", nothing).await, StatusCode::UNPROCESSABLE_ENTITY, "invalid_value");
    let thought_better = shop.ok("/payments", shop.pays("p2", "1", 100)).await;
    assert_eq!(thought_better["money"], "1.00");
    for _ in 0..2 {
        assert_eq!(shop.ok("/payments/p2/cancelled", json!(null)).await["returned"], 100);
    }
    refused(&shop.post("/payments/none/cancelled", json!(null)).await, StatusCode::NOT_FOUND, "till_payment_unknown");
    assert_eq!(shop.available().await, 400);

    // Sixty euros, of which six were points: fifty-four earn.
    let cheap = shop.receipt("1", "5.00");
    refused(&shop.post("/receipts", cheap).await, StatusCode::CONFLICT, "till_pay_above_receipt");
    let mut own = shop.receipt("1", "60.00");
    own["order"]["paid_with_points"] = json!("1.00");
    refused(&shop.post("/receipts", own).await, StatusCode::UNPROCESSABLE_ENTITY, "invalid_value");
    let mut francs = shop.receipt("1", "60.00");
    francs["order"]["currency"] = json!("CHF");
    refused(&shop.post("/receipts", francs).await, StatusCode::UNPROCESSABLE_ENTITY, "invalid_value");
    for is_repeated in [false, true] {
        let told = shop.ok("/receipts", shop.receipt("1", "60.00")).await;
        assert_eq!(
            (&told["rating"]["points"]["points"], &told["is_repeated"]),
            (&json!(54), &json!(is_repeated)),
            "{told}"
        );
        settle(&shop.world).await;
        assert_eq!(shop.available().await, 454);
        shop.world.clock.advance(Timestamp::MINUTE);
    }
    refused(&shop.post("/payments", shop.pays("p3", "1", 100)).await, StatusCode::CONFLICT, "till_pay_receipt_told");
    refused(&shop.post("/payments/p1/cancelled", json!(null)).await, StatusCode::CONFLICT, "till_pay_receipt_told");

    // A third goes back: a third of the points, and a third of what it earned.
    let back = |id: &str, amount: Option<&str>| json!({"store": "mitte", "receipt": "1", "id": id, "amount": amount});
    for _ in 0..2 {
        let told = shop.ok("/returns", back("r1", Some("20.00"))).await;
        assert_eq!(told["paid_back"], json!([{"payment": "p1", "wallet": "points", "points": 200, "money": "2.00"}]));
        settle(&shop.world).await;
        assert_eq!(shop.available().await, 454 + 200 - 18);
    }
    refused(&shop.post("/returns", back("r1", Some("10.00"))).await, StatusCode::CONFLICT, "return_told_otherwise");
    let told = shop.ok("/returns", back("r2", None)).await;
    assert_eq!((&told["paid_back"][0]["points"], &told["paid_back"][0]["money"]), (&json!(400), &json!("4.00")));
    settle(&shop.world).await;
    assert_eq!(shop.available().await, 1_000, "as if it had never been");

    // Called off whole.
    shop.ok("/payments", shop.pays("p4", "2", 300)).await;
    shop.ok("/receipts", shop.receipt("2", "60.00")).await;
    settle(&shop.world).await;
    for _ in 0..2 {
        let off = shop.ok("/cancellations", json!({"store": "mitte", "receipt": "2"})).await;
        assert_eq!(off["paid_back"][0]["points"], 300, "{off}");
        settle(&shop.world).await;
        assert_eq!(shop.available().await, 1_000);
    }
    assert_eq!(verify(&mut shop.world.app.installation.store.read(), FIRST).await.unwrap().findings, []);

    // Seen, and forgotten.
    let access = format!("/api/v1/customers/{}/access", shop.person);
    let pack = call(&shop.world, &shop.owner, Method::POST, &access, json!(null)).await.json();
    let shown = &pack["tables"]["loyalty_payments"];
    assert!(shown.as_array().unwrap().len() >= 3 && shown.to_string().contains("6.00"), "{shown}");
    let erasure = format!("/api/v1/customers/{}/erasure", shop.person);
    let erased = call(&shop.world, &shop.owner, Method::POST, &erasure, json!({})).await;
    assert_eq!(erased.status, StatusCode::OK, "{}", erased.text());
    assert_eq!(verify(&mut shop.world.app.installation.store.read(), FIRST).await.unwrap().findings, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_paid_is_listed_and_comes_back_where_the_receipt_is_never_told() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let shop = Shop::open(&sink).await;
    let (world, owner) = (&shop.world, &shop.owner);
    let (_stop, stop) = watch::channel(false);
    let night = async || points::night(&world.app.installation, FIRST, &stop).await;
    let list = async |query: &str| get(world, owner, &format!("{TILL}/payments?{query}")).await;
    let ids = |page: &Value| -> Vec<String> {
        page["rows"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    };
    let open = shop.ok("/payments", shop.pays("p1", "1", 200)).await;
    assert_eq!(open["state"], "open", "{open}");
    let due = world.clock_now().plus(7 * Timestamp::DAY).to_rfc3339();
    assert_eq!(open["due_at"].as_str().map(|it| &it[..19]), Some(&due[..19]));
    world.clock.advance(Timestamp::HOUR);
    let later = world.clock_now().to_rfc3339();
    shop.ok("/payments", shop.pays("p2", "2", 100)).await;
    let told = shop.ok("/receipts", shop.receipt("2", "60.00")).await;
    assert_eq!(told["rating"]["points"]["points"], 59, "{told}");
    settle(world).await;
    world.clock.advance(Timestamp::HOUR);
    shop.ok("/payments", shop.pays("p3", "3", 100)).await;
    shop.ok("/payments/p3/cancelled", json!(null)).await;
    refused(&shop.post("/payments", shop.pays("p4", "4", 2_000)).await, StatusCode::CONFLICT, "insufficient_points");
    let all = list("").await;
    assert_eq!(ids(&all), ["p4", "p3", "p2", "p1"], "{all}");
    let row = &all["rows"][3];
    assert_eq!(
        (&row["state"], &row["money"], &row["total"], &row["store"]),
        (&json!("open"), &json!("2.00"), &json!("60.00"), &json!("mitte"))
    );
    assert_eq!(
        (&all["rows"][0]["refused"], &all["rows"][0]["state"]),
        (&json!("insufficient_points"), &json!("refused"))
    );
    let mut paged = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = list(&format!("limit=1&member_id={}{cursor}", shop.ann)).await;
        paged.extend(ids(&page));
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(paged, ["p4", "p3", "p2", "p1"]);
    for (query, expected) in [
        ("state=open", &["p1"][..]),
        ("state=told", &["p2"]),
        ("state=cancelled", &["p3"]),
        ("state=refused", &["p4"]),
        ("state=lapsed", &[]),
        ("store=nord", &[]),
        (&format!("until={later}"), &["p1"]),
        (&format!("from={later}&state=told"), &["p2"]),
    ] {
        assert_eq!(ids(&list(query).await), expected, "{query}");
    }
    let wrong = world.get(&format!("{TILL}/payments?state=paid"), &owner.reads()).await;
    refused(&wrong, StatusCode::UNPROCESSABLE_ENTITY, "invalid_value");
    let nobody = world.get(&format!("{TILL}/payments?member_id=77"), &owner.reads()).await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND, "{}", nobody.text());
    let by_till = world.get(&format!("{TILL}/payments"), &[("authorization", shop.till.as_str())]).await;
    assert_eq!(by_till.status, StatusCode::FORBIDDEN, "a till has no history");

    // Seven days later, to the microsecond, whoever comes first.
    assert_eq!(shop.available().await, 1_000 - 200 - 100 + 59);
    world.clock.advance(7 * Timestamp::DAY - 2 * Timestamp::HOUR - 1);
    night().await;
    assert_eq!(ids(&list("state=open").await), ["p1"]);
    world.clock.advance(1);
    for _ in 0..2 {
        night().await;
        assert_eq!(shop.available().await, 1_000 - 100 + 59, "once");
    }
    let lapsed = list("state=lapsed").await;
    assert_eq!((ids(&lapsed), &lapsed["rows"][0]["cancelled_by"]), (vec!["p1".to_owned()], &json!(null)));
    assert_eq!(lapsed["rows"][0]["returned"], 200);
    assert_eq!(shop.ok("/payments/p1/cancelled", json!(null)).await["state"], "lapsed", "nothing comes back twice");
    let told = shop.ok("/receipts", shop.receipt("1", "60.00")).await;
    assert_eq!(told["rating"]["points"]["points"], 60, "it was not paid with points: {told}");
    settle(world).await;
    assert_eq!(shop.available().await, 1_000 - 100 + 59 + 60);
    let back = shop.ok("/returns", json!({"store": "mitte", "receipt": "2", "id": "r1"})).await;
    assert_eq!(back["paid_back"][0]["points"], 100, "what was told in time goes back with its receipt");
    assert_eq!(ids(&list("state=returned").await), ["p2"]);
    assert_eq!(verify(&mut world.app.installation.store.read(), FIRST).await.unwrap().findings, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_paid_with_points_unless_the_programme_says_so() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let shop = Shop::open(&sink).await;
    let saved = get(&shop.world, &shop.owner, "/api/v1/loyalty/program").await;
    let mut program = saved["program"].clone();
    program["paying"] = json!([{"wallet": "gold", "worth": "0.01"}]);
    let wrong = json!({"version": 1, "program": program});
    let answer = call(&shop.world, &shop.owner, Method::PUT, "/api/v1/loyalty/program", wrong).await;
    assert!(answer.text().contains("paying[0].wallet"), "{}", answer.text());
    program.as_object_mut().unwrap().remove("paying");
    let off = json!({"version": 1, "program": program});
    let answer = call(&shop.world, &shop.owner, Method::PUT, "/api/v1/loyalty/program", off).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    refused(&shop.post("/payments", shop.pays("p1", "1", 100)).await, StatusCode::CONFLICT, "till_pay_off");
    let told = shop.ok("/receipts", shop.receipt("1", "60.00")).await;
    assert_eq!(told["rating"]["points"]["points"], 60);
    assert_eq!(shop.ok("/cancellations", json!({"store": "mitte", "receipt": "1"})).await["paid_back"], json!([]));
}
