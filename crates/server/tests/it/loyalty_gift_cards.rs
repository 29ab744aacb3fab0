//! Gift cards over HTTP: issued, topped up, redeemed as rewards, spent at tills, given back, claimed, lost, taken back; who may, guessing, the books, and what people see of them.

use axum::http::{Method, StatusCode};
use rapport_domain::{SeededRng, Timestamp};
use rapport_loyalty::gift_cards::CodeKey;
use rapport_loyalty::records::{self, Memory};
use rapport_loyalty::verify::verify;
use rapport_server::auth::{Role, Scope};
use rapport_server::records::workspaces::FIRST;
use rapport_store::Priority;
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, only_person, person, settle, world};
use crate::loyalty_member_page::{available, earn, form_of, link, send};
use crate::sink::{Manner, Sink};
use crate::world::{Answer, Browser, World};

const CARDS: &str = "/api/v1/loyalty/gift-cards";

async fn post(world: &World, who: &Browser, path: &str, body: Value) -> Answer {
    call(world, who, Method::POST, &format!("{CARDS}{path}"), body).await
}

async fn ok(world: &World, who: &Browser, path: &str, body: Value) -> Value {
    let answer = post(world, who, path, body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()
}

fn refused(answer: &Answer, status: StatusCode, code: &str) {
    assert_eq!((answer.status, answer.json()["code"].as_str()), (status, Some(code)), "{}", answer.text());
}

struct Shop {
    world: World,
    owner: Browser,
    person: String,
    member: String,
}

/// A programme with points, and credit in euros that the books value; Ann is a member.
async fn founded(sink: &Sink) -> Shop {
    let (world, owner, key) = world(sink).await;
    let credit = json!({"key": "credit", "name": "Credit", "unit": {"kind": "money", "currency": "EUR"}, "worth": "0.01",
        "amount_max": 50_000, "balance_max": 90_000, "till_top_up_max": 10_000});
    let program = json!({"name": "Trail club", "zone": "Europe/Berlin", "currency": "EUR",
        "wallets": [{"key": "points", "name": "Points"}, credit]});
    let body = json!({"version": 0, "program": program});
    let saved = call(&world, &owner, Method::PUT, "/api/v1/loyalty/program", body).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    world.clock.advance(Timestamp::HOUR);
    happen(&world, &key, person(1, "ann@example.com")).await;
    let person = only_person(&world, &owner, "ann").await;
    let body = json!({"person_id": person});
    let enrolled = call(&world, &owner, Method::POST, "/api/v1/loyalty/members", body).await;
    assert_eq!(enrolled.status, StatusCode::OK, "{}", enrolled.text());
    let member = enrolled.json()["member_id"].as_str().unwrap().to_owned();
    Shop { world, owner, person, member }
}

impl Shop {
    async fn issue(&self, id: &str, amount: i64) -> (String, String) {
        let made = ok(&self.world, &self.owner, "", json!({"id": id, "amount": amount})).await;
        let row = &made["rows"][0];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&row["gift_card"]["gift_card_id"]), text(&row["code"]))
    }

    async fn sums(&self) -> Value {
        let all = get(&self.world, &self.owner, &format!("{CARDS}/sums")).await;
        let found = all["rows"].as_array().unwrap().iter().find(|row| row["wallet"] == "credit").cloned();
        let sum = found.unwrap_or_else(|| panic!("{all}"));
        let part = |name: &str| sum[name].as_i64().unwrap();
        let left = part("issued") - part("spent") - part("claimed") - part("voided") - part("lapsed");
        assert_eq!(part("outstanding"), left, "{sum}");
        assert_eq!(verify(&mut self.world.app.installation.store.read(), FIRST).await.unwrap().findings, []);
        sum
    }
}

fn spend(id: &str, code: &str, amount: i64) -> Value {
    json!({"id": id, "code": code, "amount": amount, "currency": "EUR", "reference": "receipt 12", "place": "till 1"})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gift_card_is_sold_spent_in_parts_and_given_back() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let shop = founded(&sink).await;
    let (world, owner) = (&shop.world, &shop.owner);
    let body = json!({"id": "order-7/2", "count": 2, "amount": 5_000, "reference": "order 7", "reason": "sold", "buyer_member_id": shop.member});
    let made = ok(world, owner, "", body.clone()).await;
    let rows = made["rows"].as_array().unwrap();
    let code = rows[0]["code"].as_str().unwrap().to_owned();
    let card = &rows[0]["gift_card"];
    assert_eq!((rows.len(), &card["wallet"], &card["currency"]), (2, &json!("credit"), &json!("EUR")), "{made}");
    assert_eq!((&card["left"], &card["state"]), (&json!(5_000), &json!("live")));
    assert!(code.ends_with(card["tail"].as_str().unwrap().trim_start_matches('…')) && code != rows[1]["code"]);
    let again = ok(world, owner, "", body.clone()).await;
    assert_eq!(again["rows"][0]["code"], json!(null), "told once");
    assert_eq!(again["rows"][0]["gift_card"], *card, "and done once");
    let other = json!({"id": "order-7/2", "count": 1, "amount": 5_000});
    refused(&post(world, owner, "", other).await, StatusCode::CONFLICT, "id_reused");
    let hostile = [
        (json!({"id": "h", "amount": 0}), StatusCode::UNPROCESSABLE_ENTITY, "amount_zero"),
        (json!({"id": "h", "amount": -1}), StatusCode::UNPROCESSABLE_ENTITY, "amount_negative"),
        (json!({"id": "h", "amount": 50_001}), StatusCode::UNPROCESSABLE_ENTITY, "amount_too_large"),
        (json!({"id": "h", "amount": 1, "count": 0}), StatusCode::UNPROCESSABLE_ENTITY, "invalid_value"),
        (json!({"id": "h", "amount": 1, "count": 101}), StatusCode::UNPROCESSABLE_ENTITY, "invalid_value"),
        (json!({"id": "h", "amount": 1, "wallet": "gold"}), StatusCode::UNPROCESSABLE_ENTITY, "invalid_value"),
        (json!({"id": "h", "amount": 1, "buyer_member_id": "77"}), StatusCode::NOT_FOUND, "member_unknown"),
        (json!({"id": "", "amount": 1}), StatusCode::UNPROCESSABLE_ENTITY, "id_malformed"),
        (
            json!({"id": "h", "amount": 1, "expires_at": "2020-01-01T00:00:00Z"}),
            StatusCode::UNPROCESSABLE_ENTITY,
            "ends_too_early",
        ),
    ];
    for (body, status, code) in hostile {
        refused(&post(world, owner, "", body).await, status, code);
    }
    assert_eq!(shop.sums().await["issued"], 10_000, "nothing else was posted");

    // A till looks it up and spends; told again it is the same.
    let till = format!("Bearer {}", world.api_key(&[Scope::Till], None).await);
    let at_till = async |path: &str, body: Value| {
        let headers = [("authorization", till.as_str()), ("content-type", "application/json")];
        world.request(Method::POST, &format!("{CARDS}{path}"), &headers, body.to_string()).await
    };
    let seen = at_till("/lookup", json!({"code": code.to_lowercase(), "place": "till 1"})).await.json();
    assert_eq!((&seen["left"], &seen["buyer_member_id"]), (&json!(5_000), &json!(null)), "{seen}");
    let first = at_till("/spends", spend("s1", &code, 1_999)).await.json();
    assert_eq!((&first["amount"], &first["gift_card"]["left"]), (&json!(1_999), &json!(3_001)), "{first}");
    assert_eq!(at_till("/spends", spend("s1", &code, 1_999)).await.json(), first);
    refused(&at_till("/spends", spend("s1", &code, 1_998)).await, StatusCode::CONFLICT, "id_reused");
    refused(&at_till("/spends", spend("s2", &code, 3_002)).await, StatusCode::CONFLICT, "gift_card_too_little");
    refused(&at_till("/spends", spend("s3", &code, 0)).await, StatusCode::UNPROCESSABLE_ENTITY, "amount_zero");
    let mut francs = spend("s3", &code, 10);
    for (currency, expected) in [
        (json!("CHF"), "gift_card_other_currency"),
        (json!(null), "gift_card_other_currency"),
        (json!("€"), "invalid_value"),
    ] {
        francs["currency"] = currency;
        refused(&at_till("/spends", francs.clone()).await, StatusCode::UNPROCESSABLE_ENTITY, expected);
    }
    let mut rest = spend("s4", &code, 9_000);
    rest["is_part"] = json!(true);
    let all = at_till("/spends", rest).await.json();
    assert_eq!((&all["amount"], &all["gift_card"]["state"]), (&json!(3_001), &json!("empty")), "{all}");
    refused(&at_till("/spends", spend("s5", &code, 1)).await, StatusCode::CONFLICT, "gift_card_empty");

    // It comes back to the unit.
    let back = |id: &str, amount: Value| json!({"id": id, "spend_id": "s1", "amount": amount});
    let part = at_till("/refunds", back("r1", json!(999))).await.json();
    assert_eq!((&part["amount"], &part["gift_card"]["left"]), (&json!(999), &json!(999)), "{part}");
    assert_eq!(at_till("/refunds", back("r1", json!(999))).await.json(), part);
    let much = at_till("/refunds", back("r2", json!(1_001))).await;
    refused(&much, StatusCode::UNPROCESSABLE_ENTITY, "gift_card_returned_more");
    assert_eq!(at_till("/refunds", back("r2", json!(null))).await.json()["amount"], 1_000, "all that is left");
    let none = json!({"id": "r3", "spend_id": "nothing"});
    refused(&at_till("/refunds", none).await, StatusCode::NOT_FOUND, "gift_card_spend_unknown");
    let sum = shop.sums().await;
    assert_eq!((&sum["spent"], &sum["outstanding"], &sum["worth"]), (&json!(3_001), &json!(6_999), &json!("69.99")));

    // It is found by what is printed on it, with all that was done.
    let id = card["gift_card_id"].as_str().unwrap();
    let detail = get(world, owner, &format!("{CARDS}/{id}")).await;
    let kinds: Vec<&str> = detail["moves"].as_array().unwrap().iter().map(|it| it["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "refund").count(), 2, "{detail}");
    let tail = code.rsplit('-').next().unwrap();
    let found = get(world, owner, &format!("{CARDS}?tail={}", &tail[tail.len() - 4..])).await;
    assert_eq!(found["rows"][0]["gift_card_id"], *id, "{found}");
    assert_eq!(get(world, owner, &format!("{CARDS}?id=order-7%2F2")).await["rows"].as_array().unwrap().len(), 2);
    assert_eq!(get(world, owner, &format!("{CARDS}?state=live&limit=1")).await["rows"].as_array().unwrap().len(), 1);
    for page in [detail, found, get(world, owner, CARDS).await] {
        assert!(!page.to_string().contains(&code), "nobody reads a code: {page}");
    }

    // Who may: agents serve, tills do not issue, whoever looks does nothing.
    let (agent, viewer) = (world.browser(Role::Agent).await, world.browser(Role::Viewer).await);
    assert_eq!(post(world, &agent, "", body.clone()).await.status, StatusCode::FORBIDDEN);
    assert_eq!(at_till("", body).await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        at_till("/claims", json!({"id": "c", "code": code, "member_id": shop.member})).await.status,
        StatusCode::FORBIDDEN
    );
    ok(world, &agent, "/lookup", json!({"code": code})).await;
    assert_eq!(post(world, &viewer, "/lookup", json!({"code": code})).await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        post(world, &agent, &format!("/{id}/voided"), json!({"reason": "x"})).await.status,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gift_card_is_claimed_lost_taken_back_and_over() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let shop = founded(&sink).await;
    let (world, owner, member) = (&shop.world, &shop.owner, &shop.member);
    let (_, code) = shop.issue("i1", 3_000).await;
    let claim = |id: &str, code: &str, member: &str| json!({"id": id, "code": code, "member_id": member});
    let nobody = post(world, owner, "/claims", claim("c0", &code, "77")).await;
    refused(&nobody, StatusCode::NOT_FOUND, "member_unknown");
    ok(world, owner, "/spends", spend("s1", &code, 1_000)).await;
    let claimed = ok(world, owner, "/claims", claim("c1", &code, member)).await;
    assert_eq!((&claimed["amount"], &claimed["gift_card"]["state"]), (&json!(2_000), &json!("claimed")), "{claimed}");
    assert_eq!(ok(world, owner, "/claims", claim("c1", &code, member)).await, claimed, "told again it is the same");
    refused(
        &post(world, owner, "/claims", claim("c2", &code, member)).await,
        StatusCode::CONFLICT,
        "gift_card_claimed",
    );
    refused(&post(world, owner, "/spends", spend("s2", &code, 1)).await, StatusCode::CONFLICT, "gift_card_claimed");
    ok(world, owner, "/refunds", json!({"id": "r1", "spend_id": "s1", "amount": 500})).await;
    let hers = get(world, owner, &format!("/api/v1/loyalty/members/{member}")).await;
    let credit = hers["wallets"].as_array().unwrap().iter().find(|it| it["wallet"] == "credit").cloned().unwrap();
    assert_eq!(credit["available"], 2_500, "what was spent before comes back to her: {hers}");

    // Lost, and taken back.
    let (id, lost) = shop.issue("i2", 700).await;
    let new = ok(world, owner, &format!("/{id}/replaced"), json!(null)).await;
    let code = new["code"].as_str().unwrap().to_owned();
    assert_ne!(code, lost);
    refused(&post(world, owner, "/spends", spend("s3", &lost, 1)).await, StatusCode::CONFLICT, "gift_card_code_void");
    ok(world, owner, "/spends", spend("s4", &code, 200)).await;
    let silent = post(world, owner, &format!("/{id}/voided"), json!({"reason": " "})).await;
    refused(&silent, StatusCode::UNPROCESSABLE_ENTITY, "invalid_value");
    let why = json!({"reason": "money went back"});
    let gone = ok(world, owner, &format!("/{id}/voided"), why.clone()).await;
    assert_eq!((&gone["state"], &gone["left"], &gone["void_reason"]), (&json!("void"), &json!(0), &why["reason"]));
    assert_eq!(ok(world, owner, &format!("/{id}/voided"), why.clone()).await, gone, "pressed twice");
    refused(&post(world, owner, "/spends", spend("s5", &code, 1)).await, StatusCode::CONFLICT, "gift_card_void");
    refused(&post(world, owner, &format!("/{id}/replaced"), json!(null)).await, StatusCode::CONFLICT, "gift_card_void");
    refused(&post(world, owner, "/gft_none/voided", why).await, StatusCode::NOT_FOUND, "gift_card_unknown");

    // Its time is over.
    let soon = world.clock_now().plus(Timestamp::DAY).to_rfc3339();
    let made = ok(world, owner, "", json!({"id": "i3", "amount": 900, "expires_at": soon})).await;
    let code = made["rows"][0]["code"].as_str().unwrap().to_owned();
    world.clock.advance(Timestamp::DAY);
    refused(&post(world, owner, "/spends", spend("s6", &code, 1)).await, StatusCode::CONFLICT, "gift_card_expired");
    assert_eq!(ok(world, owner, "/lookup", json!({"code": code})).await["state"], "expired");

    // Whoever guesses is stopped, also with a right code; at other places nobody is.
    let (_, good) = shop.issue("i4", 100).await;
    let wrong = CodeKey([0; 32]).make(&SeededRng::new(3)).shown;
    let typo = post(world, owner, "/lookup", json!({"code": "R234-5678-9ABC", "place": "till 9"})).await;
    refused(&typo, StatusCode::UNPROCESSABLE_ENTITY, "gift_card_mistyped");
    for _ in 0..20 {
        let answer = post(world, owner, "/lookup", json!({"code": wrong, "place": "till 9"})).await;
        refused(&answer, StatusCode::NOT_FOUND, "gift_card_unknown");
    }
    let mut there = spend("s7", &good, 1);
    there["place"] = json!("till 9");
    refused(&post(world, owner, "/spends", there.clone()).await, StatusCode::TOO_MANY_REQUESTS, "too_many_tries");
    ok(world, owner, "/spends", spend("s7", &good, 1)).await;

    // The books have what cards and members have.
    let sum = shop.sums().await;
    assert_eq!((&sum["claimed"], &sum["voided"]), (&json!(2_500), &json!(500)), "{sum}");
    let store = &world.app.installation.store;
    let mut tx = store.begin(Priority::Background).await.unwrap();
    records::settle(&mut tx, &mut Memory::default(), FIRST, 100, world.clock_now()).await.unwrap();
    tx.commit().await.unwrap();
    let sum = shop.sums().await;
    let books = get(world, owner, "/api/v1/loyalty/liability?wallet=credit").await;
    let cards = sum["outstanding"].as_i64().unwrap();
    assert_eq!(books["outstanding"].as_i64().unwrap(), cards + 2_500, "{books} {sum}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn value_is_added_to_a_gift_card_by_staff_and_tills() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let shop = founded(&sink).await;
    let (world, owner) = (&shop.world, &shop.owner);
    let (id, code) = shop.issue("i1", 5_000).await;
    let by_code = |id: &str, amount: i64| json!({"id": id, "code": code, "amount": amount, "currency": "EUR", "reference": "receipt 9", "place": "till 1"});
    let by_id = |id: &str, card: &str, amount: i64| json!({"id": id, "gift_card_id": card, "amount": amount, "currency": "EUR"});
    let till = format!("Bearer {}", world.api_key(&[Scope::Till], None).await);
    let at_till = async |body: Value| {
        let headers = [("authorization", till.as_str()), ("content-type", "application/json")];
        world.request(Method::POST, &format!("{CARDS}/top-ups"), &headers, body.to_string()).await
    };
    let first = at_till(by_code("t1", 2_500)).await.json();
    assert_eq!(
        (&first["kind"], &first["amount"], &first["gift_card"]["left"]),
        (&json!("top_up"), &json!(2_500), &json!(7_500)),
        "{first}"
    );
    assert_eq!(at_till(by_code("t1", 2_500)).await.json(), first, "told again it is the same");
    refused(&at_till(by_code("t1", 2_400)).await, StatusCode::CONFLICT, "id_reused");
    refused(&at_till(by_code("t2", 10_001)).await, StatusCode::UNPROCESSABLE_ENTITY, "amount_too_large");
    refused(&at_till(by_code("t2", 0)).await, StatusCode::UNPROCESSABLE_ENTITY, "amount_zero");
    refused(&at_till(by_code("t2", -1)).await, StatusCode::UNPROCESSABLE_ENTITY, "amount_negative");
    assert_eq!(at_till(by_id("t2", &id, 1)).await.status, StatusCode::FORBIDDEN, "tills say the code");
    let mut francs = by_code("t2", 10);
    francs["currency"] = json!("CHF");
    refused(&at_till(francs).await, StatusCode::UNPROCESSABLE_ENTITY, "gift_card_other_currency");
    for which in [
        json!({"id": "t2", "amount": 1, "currency": "EUR"}),
        json!({"id": "t2", "amount": 1, "code": code, "gift_card_id": id}),
    ] {
        refused(&at_till(which).await, StatusCode::UNPROCESSABLE_ENTITY, "invalid_value");
    }
    // Staff add more, as far as a card may have it.
    let added = ok(world, owner, "/top-ups", by_id("t3", &id, 50_000)).await;
    assert_eq!(added["gift_card"]["left"], 57_500, "{added}");
    refused(&post(world, owner, "/top-ups", by_id("t4", &id, 50_000)).await, StatusCode::CONFLICT, "balance_limit");
    refused(&post(world, owner, "/top-ups", by_id("t5", "gft_0", 1)).await, StatusCode::NOT_FOUND, "gift_card_unknown");
    let points = ok(world, owner, "", json!({"id": "i2", "amount": 10, "wallet": "points"})).await["rows"][0].clone();
    let in_points = json!({"id": "t6", "code": points["code"], "amount": 5});
    refused(&at_till(in_points.clone()).await, StatusCode::CONFLICT, "gift_card_top_up_off");
    assert_eq!(ok(world, owner, "/top-ups", in_points).await["gift_card"]["left"], 15);
    let viewer = world.browser(Role::Viewer).await;
    assert_eq!(post(world, &viewer, "/top-ups", by_code("t7", 1)).await.status, StatusCode::FORBIDDEN);
    let wrong = json!({"id": "t8", "code": CodeKey([0; 32]).make(&SeededRng::new(3)).shown, "amount": 1, "currency": "EUR", "place": "till 9"});
    for _ in 0..20 {
        refused(&at_till(wrong.clone()).await, StatusCode::NOT_FOUND, "gift_card_unknown");
    }
    refused(&at_till(wrong).await, StatusCode::TOO_MANY_REQUESTS, "too_many_tries");

    // It is in the history and in the books; nothing is added to a card that is gone.
    let detail = get(world, owner, &format!("{CARDS}/{id}")).await;
    let kinds: Vec<&str> = detail["moves"].as_array().unwrap().iter().map(|it| it["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["top_up"; 3], "with the one that was refused: {detail}");
    assert_eq!(detail["gift_card"]["amount"], 57_500);
    let sum = shop.sums().await;
    assert_eq!((&sum["issued"], &sum["outstanding"]), (&json!(57_500), &json!(57_500)));
    let books = get(world, owner, "/api/v1/loyalty/liability?wallet=credit").await;
    assert_eq!(books["outstanding"], 57_500, "{books}");
    ok(world, owner, &format!("/{id}/voided"), json!({"reason": "money went back"})).await;
    refused(&at_till(by_code("t9", 1)).await, StatusCode::CONFLICT, "gift_card_void");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reward_that_is_a_gift_card_is_told_once_and_goes_back_unspent() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let shop = founded(&sink).await;
    let (world, owner, member) = (&shop.world, &shop.owner, &shop.member);
    let reward = |amount: i64| json!({"name": "Ten euros", "gives": {"kind": "gift_card", "amount": amount}, "prices": [{"points": 100}], "cancel_within_hours": 24});
    let save = async |amount: i64| {
        let body = json!({"version": 0, "state": "live", "reward": reward(amount)});
        call(world, owner, Method::PUT, "/api/v1/loyalty/rewards/ten", body).await
    };
    let much = save(50_001).await;
    assert!(much.status == StatusCode::UNPROCESSABLE_ENTITY && much.text().contains("gives.amount"), "{}", much.text());
    assert_eq!(save(1_000).await.status, StatusCode::OK);
    earn(world, owner, "e1", member, 500).await;

    // At a till: the code stands in the answer, and nowhere later.
    let till = format!("Bearer {}", world.api_key(&[Scope::Till], None).await);
    let at_till = async |path: &str, body: Value| {
        let headers = [("authorization", till.as_str()), ("content-type", "application/json")];
        world.request(Method::POST, path, &headers, body.to_string()).await
    };
    let body =
        json!({"id": "r1", "member_id": member, "reward": "ten", "points": 100, "store": "mitte", "receipt": "1"});
    let redeemed = at_till("/api/v1/loyalty/till/redemptions", body.clone()).await.json();
    let code = redeemed["codes"][0].as_str().unwrap_or_else(|| panic!("{redeemed}")).to_owned();
    let card = &redeemed["gift_card"];
    assert_eq!((&redeemed["kind"], &redeemed["state"]), (&json!("gift_card"), &json!("fulfilled")));
    assert_eq!(
        (&card["left"], &card["currency"], &card["state"]),
        (&json!(1_000), &json!("EUR"), &json!("live")),
        "{redeemed}"
    );
    assert!(code.ends_with(card["tail"].as_str().unwrap().trim_start_matches('…')));
    let again = at_till("/api/v1/loyalty/till/redemptions", body).await.json();
    assert_eq!((&again["codes"], &again["gift_card"]), (&json!([]), card), "told once: {again}");
    let id = redeemed["redemption_id"].as_str().unwrap();
    let path = format!("/api/v1/loyalty/redemptions/{id}");
    let read = get(world, owner, &path).await;
    assert_eq!((&read["codes"], &read["gift_card"]), (&json!([]), card), "{read}");
    let listed = get(world, owner, CARDS).await;
    assert_eq!((listed["rows"].as_array().unwrap().len(), &listed["rows"][0]["buyer_member_id"]), (1, &json!(member)));
    for page in [read, listed, get(world, owner, &format!("/api/v1/loyalty/members/{member}/redemptions")).await] {
        assert!(!page.to_string().contains(&code), "nobody reads a code: {page}");
    }
    assert_eq!((shop.sums().await["outstanding"].as_i64(), available(world, owner, member).await), (Some(1_000), 400));

    // Spent, it stays; given back, it goes.
    ok(world, owner, "/spends", spend("s1", &code, 300)).await;
    let off = format!("{path}/cancelled");
    let cancel = async || call(world, owner, Method::POST, &off, json!({"reason": "thought better"})).await;
    refused(&cancel().await, StatusCode::CONFLICT, "redemption_gift_card_used");
    assert_eq!((shop.sums().await["outstanding"].as_i64(), available(world, owner, member).await), (Some(700), 400));
    ok(world, owner, "/refunds", json!({"id": "b1", "spend_id": "s1"})).await;
    for _ in 0..2 {
        let gone = cancel().await.json();
        assert_eq!((&gone["state"], &gone["gift_card"]["state"]), (&json!("cancelled"), &json!("void")), "{gone}");
        assert_eq!(available(world, owner, member).await, 500);
    }
    refused(&post(world, owner, "/spends", spend("s2", &code, 1)).await, StatusCode::CONFLICT, "gift_card_void");

    // On the member's own page the code is shown when they ask, once; another makes the one before void.
    world.clock.advance(Timestamp::MINUTE);
    let page = link(world, owner, member).await;
    let html = world.get(&page, &[]).await.text();
    let form = form_of(&html, "ten");
    assert_eq!(send(world, &page, &form).await.status, StatusCode::SEE_OTHER);
    let html = world.get(&page, &[]).await.text();
    assert!(html.contains("Show its code") && html.contains("on the gift card"), "{html}");
    let rows = get(world, owner, &format!("/api/v1/loyalty/members/{member}/redemptions")).await;
    let own = rows["rows"][0]["redemption_id"].as_str().unwrap().to_owned();
    let ask = async || {
        let shown = send(world, &page, &format!("act=card_code&redemption={own}")).await;
        assert_eq!(shown.status, StatusCode::OK, "{}", shown.text());
        let html = shown.text();
        assert!(html.contains("It is shown this once"), "{html}");
        let codes = html.split(r#"<section id="redeemed">"#).nth(1).unwrap();
        codes.split(r#"<p class="code">"#).nth(1).unwrap().split('<').next().unwrap().to_owned()
    };
    let first = ask().await;
    let html = world.get(&page, &[]).await.text();
    assert!(!html.contains(&first) && html.contains("Show a new code"), "{html}");
    let second = ask().await;
    refused(&post(world, owner, "/spends", spend("s3", &first, 1)).await, StatusCode::CONFLICT, "gift_card_code_void");
    let other = send(world, &page, &format!("act=card_code&redemption={id}")).await;
    assert_eq!(other.status, StatusCode::CONFLICT, "called off: {}", other.text());
    let chinese = world.get(&format!("{page}?lang=zh"), &[]).await.text();
    assert!(chinese.contains("显示新卡码"), "{chinese}");
    ok(world, owner, "/spends", spend("s4", &second, 1_000)).await;
    let gone = send(world, &page, &format!("act=cancel&redemption={own}")).await;
    assert_eq!(gone.status, StatusCode::CONFLICT, "{}", gone.text());
    assert_eq!(available(world, owner, member).await, 400);
    let sum = shop.sums().await;
    assert_eq!((&sum["issued"], &sum["voided"], &sum["spent"]), (&json!(2_000), &json!(1_000), &json!(1_000)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_see_their_gift_cards_and_are_forgotten() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let shop = founded(&sink).await;
    let (world, owner, member) = (&shop.world, &shop.owner, &shop.member);
    let body = json!({"id": "i1", "amount": 3_000, "reason": "for Zebrafish", "buyer_member_id": member});
    let made = ok(world, owner, "", body).await;
    let code = made["rows"][0]["code"].as_str().unwrap().to_owned();
    ok(world, owner, "/claims", json!({"id": "c1", "code": code, "member_id": member})).await;
    settle(world).await;
    let events = get(world, owner, &format!("/api/v1/customers/{}/timeline?limit=50", shop.person)).await.to_string();
    assert!(events.contains("Gift Card Issued") && events.contains("Gift Card Claimed"), "{events}");
    assert!(!events.contains(&code), "{events}");
    let access = format!("/api/v1/customers/{}/access", shop.person);
    let shown =
        call(world, owner, Method::POST, &access, json!(null)).await.json()["tables"]["loyalty_gift_cards"].clone();
    assert_eq!((&shown[0]["bought"], &shown[0]["claimed"]), (&json!(true), &json!(true)), "{shown}");
    assert!(shown.to_string().contains("Zebrafish"), "{shown}");
    let erasure = format!("/api/v1/customers/{}/erasure", shop.person);
    assert_eq!(call(world, owner, Method::POST, &erasure, json!({})).await.status, StatusCode::OK);
    let left = get(world, owner, CARDS).await.to_string();
    assert!(!left.contains("Zebrafish") && left.contains("3000"), "{left}");
    assert_eq!(shop.sums().await["claimed"], 3_000, "totals stay");
}
