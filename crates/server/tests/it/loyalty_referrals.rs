//! Referrals through the API: a friend comes by a code, orders, and both get theirs when the order stood; whatever the order in which it is told, and whatever becomes of the two.

use axum::http::{Method, StatusCode};
use futures::future::join_all;
use rapport_domain::{PersonId, Timestamp};
use rapport_loyalty::verify::verify;
use rapport_profiles::records::facts;
use rapport_server::auth::Role;
use rapport_server::records::workspaces::FIRST;
use rapport_server::referring;
use rapport_store::Slice;
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, only_person, settle, track, world};
use crate::sink::{Manner, Sink};
use crate::world::{Answer, Browser, World};

pub const REFERRALS: &str = "/api/v1/loyalty/referrals";

/// A shop with a club, a referral programme, and a write key.
pub struct Shop {
    pub world: World,
    pub owner: Browser,
    pub key: String,
    number: std::cell::Cell<u32>,
}

impl Shop {
    pub async fn open(program: Value) -> Self {
        let sink = Sink::start(Manner::default(), &[]).await;
        let (world, owner, key) = world(&sink).await;
        let club = json!({"name": "Trail club", "zone": "UTC", "currency": "EUR", "enrolment": {"by": "earning"},
            "wallets": [{"key": "points", "name": "Points"}]});
        let saved =
            call(&world, &owner, Method::PUT, "/api/v1/loyalty/program", json!({"version": 0, "program": club})).await;
        assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
        let shop = Self { world, owner, key, number: std::cell::Cell::new(0) };
        let saved = shop.save("friends", 0, "live", program).await;
        assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
        shop.world.clock.advance(Timestamp::HOUR);
        shop
    }

    pub async fn save(&self, key: &str, version: i64, state: &str, program: Value) -> Answer {
        let body = json!({"version": version, "state": state, "program": program});
        call(&self.world, &self.owner, Method::PUT, &format!("{REFERRALS}/programs/{key}"), body).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        call(&self.world, &self.owner, Method::POST, path, body).await
    }

    pub async fn get(&self, path: &str) -> Value {
        get(&self.world, &self.owner, path).await
    }

    /// Somebody who is a member; their person, their number and their code.
    pub async fn member(&self, user: &str) -> (String, String, String) {
        self.tell(vec![track_of(user, json!({}), None, "Looked", json!({}))]).await;
        let person = self.person(user).await;
        let enrolled = self.post("/api/v1/loyalty/members", json!({"person_id": person})).await.json();
        let member = enrolled["member_id"].as_str().unwrap().to_owned();
        let code = self.code(&member).await["code"].as_str().unwrap().to_owned();
        (person, member, code)
    }

    pub async fn code(&self, member: &str) -> Value {
        let path = format!("/api/v1/loyalty/members/{member}/referral-codes");
        let made = self.post(&path, json!({"program": "friends"})).await;
        assert_eq!(made.status, StatusCode::OK, "{}", made.text());
        made.json()
    }

    pub async fn person(&self, user: &str) -> String {
        only_person(&self.world, &self.owner, user).await
    }

    /// Sends events with ids of their own.
    pub async fn tell(&self, calls: Vec<Value>) {
        let numbered = calls.into_iter().map(|mut call| {
            self.number.set(self.number.get() + 1);
            call["messageId"] = json!(format!("m{}", self.number.get()));
            call
        });
        happen(&self.world, &self.key, numbered.collect()).await;
    }

    /// Lets days pass, and everything happen that falls due.
    pub async fn days(&self, days: i64) {
        self.world.clock.advance(days * Timestamp::DAY);
        self.rest().await;
    }

    pub async fn rest(&self) {
        let installation = &self.world.app.installation;
        while referring::forget_traces(installation, FIRST, &mut Slice::default()).await.unwrap() > 0 {}
        while referring::settle(installation, FIRST, &mut Slice::default()).await.unwrap() > 0 {}
        settle(&self.world).await;
    }

    pub async fn all(&self) -> Vec<Value> {
        self.get(&format!("{REFERRALS}?limit=500")).await["rows"].as_array().unwrap().clone()
    }

    /// Of one member's friends the only one.
    pub async fn only(&self, member: &str) -> Value {
        let rows = self.get(&format!("/api/v1/loyalty/members/{member}/referrals")).await;
        let rows = rows["rows"].as_array().unwrap().clone();
        assert_eq!(rows.len(), 1, "{rows:?}");
        rows[0].clone()
    }

    pub async fn available(&self, member: &str) -> i64 {
        let found = self.get(&format!("/api/v1/loyalty/members/{member}")).await;
        found["wallets"].as_array().unwrap().iter().map(|it| it["available"].as_i64().unwrap()).sum()
    }

    async fn assert_sound(&self) {
        let report = verify(&mut self.world.app.installation.store.read(), FIRST).await.unwrap();
        assert_eq!(report.findings, []);
    }
}

pub fn program(more: Value) -> Value {
    let mut form = json!({"name": "Bring a friend", "page": {"address": "https://shop.example/welcome?from=club", "words": "Your friend thinks of you.\nYou get 100 points.", "words_zh": "您将获得100积分。"},
        "referrer": {"steps": [{"from": 1, "points": 200}]}, "friend": {"points": 100},
        "qualifies": {"minimum": "20", "within_days": 30}, "stands_days": 14});
    for (key, value) in more.as_object().unwrap() {
        form[key] = value.clone();
    }
    form
}

/// An event of a user, with more fields of the call, and when it happened if not now.
pub fn track_of(user: &str, more: Value, at: Option<Timestamp>, event: &str, properties: Value) -> Value {
    let mut call = track("", user, event, properties);
    for (key, value) in more.as_object().unwrap() {
        call[key] = value.clone();
    }
    if let Some(at) = at {
        call["timestamp"] = json!(at.to_rfc3339());
    }
    call
}

pub fn uses(user: &str, code: &str) -> Value {
    track_of(user, json!({}), None, "Signed Up", json!({"referral_code": code}))
}

pub fn order(user: &str, id: &str, euros: i64) -> Value {
    track_of(user, json!({}), None, "Order Completed", json!({"order_id": id, "revenue": euros, "currency": "EUR"}))
}

pub fn refund(user: &str, id: &str) -> Value {
    track_of(user, json!({}), None, "Order Refunded", json!({"order_id": id}))
}

pub fn stands(row: &Value, state: &str, reason: Option<&str>) {
    assert_eq!((row["state"].as_str(), row["reason"].as_str()), (Some(state), reason), "{row}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_friend_comes_orders_and_both_get_theirs_until_the_order_goes_back() {
    let shop = Shop::open(program(json!({}))).await;
    let (ann, member, code) = shop.member("ann").await;
    assert_eq!(shop.code(&member).await["code"], json!(code), "it stays the same");
    shop.tell(vec![uses("bob", &code.to_lowercase().replace('-', " "))]).await;
    stands(&shop.only(&member).await, "joined", None);
    shop.tell(vec![order("bob", "o-1", 15)]).await;
    stands(&shop.only(&member).await, "joined", Some("below_minimum"));
    shop.tell(vec![order("bob", "o-2", 30)]).await;
    let row = shop.only(&member).await;
    stands(&row, "pending", None);
    assert!(row["due_at"].is_string() && row["friend"]["person_name"].is_string(), "{row}");
    shop.days(13).await;
    stands(&shop.only(&member).await, "pending", None);
    shop.days(2).await;
    let row = shop.only(&member).await;
    stands(&row, "rewarded", None);
    assert_eq!((&row["for_referrer"]["points"], &row["for_friend"]["points"]), (&json!(200), &json!(100)));
    let friend = row["friend"]["member_id"].as_str().unwrap().to_owned();
    assert_eq!((shop.available(&member).await, shop.available(&friend).await), (200, 100));
    // It is on the timelines, a fact, and counted by advocacy.
    let timeline = shop.get(&format!("/api/v1/customers/{ann}/timeline?limit=50")).await.to_string();
    for name in ["Referral Made", "Referral Qualified", "Referral Rewarded"] {
        assert!(timeline.contains(name), "{name}: {timeline}");
    }
    let person = PersonId(ann.parse().unwrap());
    let (keys, now) = (["referral.rewarded".to_owned()], shop.world.clock_now());
    let mut db = shop.world.app.installation.store.read();
    let facts = facts::current_keys_of(&mut db, FIRST, &[person], &keys, now).await.unwrap();
    assert_eq!(facts.first().map(|it| it.2.as_str()), Some("1"), "{facts:?}");
    let advocacy = shop.get("/api/v1/advocacy").await;
    let referrals = advocacy["kinds"].as_array().unwrap().iter().find(|it| it["kind"] == "referral").unwrap().clone();
    assert_eq!((&referrals["acts"], &referrals["reach"]), (&json!(1), &json!(1)), "{referrals}");
    let figures = shop.get(&format!("{REFERRALS}/figures")).await;
    let own = &figures["rows"][0];
    assert_eq!(
        (&own["codes"], &own["by_state"]["rewarded"], &own["referrer_points"]),
        (&json!(1), &json!(1), &json!(200))
    );
    // The order goes back: taken back, once.
    for _ in 0..2 {
        shop.tell(vec![refund("bob", "o-2")]).await;
        shop.rest().await;
        stands(&shop.only(&member).await, "taken_back", Some("went_back"));
        assert_eq!((shop.available(&member).await, shop.available(&friend).await), (0, 0));
    }
    let figures = shop.get(&format!("{REFERRALS}/figures")).await;
    assert_eq!(figures["rows"][0]["referrer_points"], 0, "{figures}");
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_order_in_which_it_is_told_does_not_matter() {
    let shop = Shop::open(program(json!({}))).await;
    let (_, member, code) = shop.member("ann").await;
    let now = shop.world.clock_now();
    shop.world.clock.advance(Timestamp::DAY);
    // The refund, then the order, then that they came by the code before.
    shop.tell(vec![refund("bob", "b-1")]).await;
    shop.tell(vec![order("bob", "b-1", 50)]).await;
    let came = track_of("bob", json!({}), Some(now), "Signed Up", json!({"referral_code": code}));
    shop.tell(vec![came.clone()]).await;
    stands(&shop.only(&member).await, "joined", Some("went_back"));
    // Told twice it is the same; another order counts instead.
    shop.tell(vec![came]).await;
    shop.tell(vec![order("bob", "b-2", 50)]).await;
    stands(&shop.only(&member).await, "pending", None);
    // It is told again with less, and then cancelled.
    shop.tell(vec![order("bob", "b-2", 10)]).await;
    stands(&shop.only(&member).await, "joined", Some("below_minimum"));
    shop.tell(vec![order("bob", "b-2", 25)]).await;
    stands(&shop.only(&member).await, "pending", None);
    let cancelled = track_of("bob", json!({}), None, "Order Cancelled", json!({"order_id": "b-2"}));
    shop.tell(vec![cancelled]).await;
    stands(&shop.only(&member).await, "joined", Some("went_back"));
    shop.days(31).await;
    stands(&shop.only(&member).await, "refused", Some("went_back"));
    assert_eq!(shop.available(&member).await, 0);
    // A code with the order itself is no order before it.
    let with = json!({"order_id": "c-1", "revenue": 40, "currency": "EUR", "referral_code": code});
    shop.tell(vec![track_of("cat", json!({}), None, "Order Completed", with)]).await;
    let rows = shop.all().await;
    assert!(rows.iter().any(|row| row["state"] == "pending"), "{rows:?}");
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_count_is_told_why() {
    let shop = Shop::open(program(json!({"newcomer": {"seen_within_days": 10}}))).await;
    let (_, ann, a) = shop.member("ann").await;
    let (_, bea, b) = shop.member("bea").await;
    shop.tell(vec![order("old", "o-1", 30), track_of("lurker", json!({}), None, "Looked", json!({}))]).await;
    shop.days(1).await;
    shop.tell(vec![uses("old", &a), uses("ann", &a), uses("new", "R234-5678-9ABC"), uses("new", "hello")]).await;
    // Two codes at once for one friend: the first has them.
    shop.tell(vec![uses("two", &a), uses("two", &b)]).await;
    shop.days(20).await;
    shop.tell(vec![uses("lurker", &b)]).await;
    let rows = shop.all().await;
    let of = |reason: &str| rows.iter().filter(|row| row["reason"] == reason).count();
    for reason in ["already_customer", "self_referral", "already_referred", "seen_before"] {
        assert_eq!(of(reason), 1, "{reason}: {rows:?}");
    }
    assert_eq!(of("code_unknown"), 2);
    let two = |row: &&Value| row["state"] == "joined";
    let first = rows.iter().find(two).unwrap();
    assert_eq!(first["referrer"]["member_id"], json!(ann), "{first}");
    assert!(rows.iter().all(|row| row["reason"].is_null() || row["reason_words"].is_string()));
    // Paused, nobody comes; whoever came goes on.
    assert_eq!(shop.save("friends", 1, "paused", program(json!({}))).await.status, StatusCode::OK);
    shop.world.clock.advance(Timestamp::HOUR);
    shop.tell(vec![uses("late", &b), order("two", "t-1", 30)]).await;
    assert_eq!(shop.all().await.iter().filter(|row| row["reason"] == "paused").count(), 1);
    shop.days(15).await;
    let row = shop.all().await.into_iter().find(|row| row["state"] == "rewarded").unwrap();
    assert_eq!(row["referrer"]["member_id"], json!(ann), "{row}");
    assert_ne!(ann, bea);
    // Whoever left has no code; codes of a programme that is over are not made.
    let closed = call(
        &shop.world,
        &shop.owner,
        Method::PATCH,
        &format!("/api/v1/loyalty/members/{bea}"),
        json!({"standing": "closed"}),
    )
    .await;
    assert_eq!(closed.status, StatusCode::OK, "{}", closed.text());
    let path = format!("/api/v1/loyalty/members/{bea}/referral-codes");
    let refused = shop.post(&path, json!({"program": "friends"})).await;
    assert_eq!((refused.status, refused.json()["code"].as_str()), (StatusCode::CONFLICT, Some("member_closed")));
    let path = format!("/api/v1/loyalty/members/{ann}/referral-codes");
    let refused = shop.post(&path, json!({"program": "none"})).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    assert_eq!(shop.save("friends", 2, "ended", program(json!({}))).await.status, StatusCode::OK);
    let refused = shop.post(&path, json!({"program": "friends"})).await;
    assert_eq!(refused.json()["code"], "referral_not_live");
    let wrong = shop.save("other", 0, "live", program(json!({"stands_days": 9999}))).await;
    assert_eq!(
        (wrong.status, wrong.json()["code"].as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some("loyalty_invalid"))
    );
    assert_eq!(shop.save("friends", 1, "live", program(json!({}))).await.status, StatusCode::CONFLICT);
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_of_a_budget_is_given_once_however_many_press() {
    let caps = json!([{"most": 1, "of": "times", "per": "everybody", "every": "ever"}]);
    let fraud = json!({"alias": "flag"});
    let shop = Shop::open(program(json!({"caps": caps, "fraud": fraud, "stands_days": 0}))).await;
    let (_, ann, code) = shop.member("ann").await;
    let email = |user: &str, email: &str| json!({"type": "identify", "userId": user, "traits": {"email": email}});
    shop.tell(vec![email("ann", "ann.lee@gmail.com")]).await;
    for number in 0..4 {
        let user = format!("friend{number}");
        shop.tell(vec![
            email(&user, &format!("annlee+{number}@gmail.com")),
            uses(&user, &code),
            order(&user, &user, 30),
        ])
        .await;
    }
    let rows = shop.get(&format!("{REFERRALS}/review")).await["rows"].as_array().unwrap().clone();
    assert_eq!(rows.len(), 4, "{rows:?}");
    assert!(rows.iter().all(|row| row["signals"][0]["code"] == "alias" && row["state"] == "review"), "{rows:?}");
    let approve = async |row: &Value| {
        let path = format!("{REFERRALS}/{}/approved", row["referral_id"].as_str().unwrap());
        shop.post(&path, json!({"reason": "the children of Ann Zebrafish"})).await
    };
    let answers = join_all(rows.iter().chain(&rows).map(approve)).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK), "{answers:?}");
    let all = shop.all().await;
    let of = |state: &str, reason: Option<&str>| {
        all.iter().filter(|row| row["state"] == state && row["reason"].as_str() == reason).count()
    };
    assert_eq!((of("rewarded", None), of("refused", Some("budget_used"))), (1, 3), "{all:?}");
    assert_eq!(shop.available(&ann).await, 200);
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_turns_out_to_be_one_person_has_referred_themselves() {
    let shop = Shop::open(program(json!({"stands_days": 0, "fraud": {"same_device": "off"}}))).await;
    let (_, ann, code) = shop.member("ann").await;
    let device = |event: &str, properties: Value| json!({"type": "track", "anonymousId": "d-1", "event": event, "properties": properties});
    let bought = json!({"order_id": "d-1", "revenue": 30, "currency": "EUR"});
    shop.tell(vec![device("Signed Up", json!({"referral_code": code})), device("Order Completed", bought)]).await;
    stands(&shop.only(&ann).await, "rewarded", None);
    // Another event says that both are one.
    let one = json!({"type": "alias", "userId": "ann", "previousId": "d-1"});
    shop.tell(vec![one]).await;
    shop.rest().await;
    let row = shop.only(&ann).await;
    stands(&row, "taken_back", Some("self_referral"));
    assert_eq!(shop.available(row["referrer"]["member_id"].as_str().unwrap()).await, 0);
    // Staff part them again: it counts as it did.
    let person = shop.person("ann").await;
    let evidence = shop.get(&format!("/api/v1/customers/{person}/identity")).await;
    let piece = evidence["evidence"][0]["id"].as_str().unwrap_or_else(|| panic!("{evidence}")).to_owned();
    let undone = shop.post(&format!("/api/v1/identity/evidence/{piece}/undo"), json!({"reason": "two people"})).await;
    assert_eq!(undone.status, StatusCode::OK, "{}", undone.text());
    // At once, before anything else happens.
    stands(&shop.all().await[0], "rewarded", None);
    shop.rest().await;
    let rows = shop.all().await;
    stands(&rows[0], "rewarded", None);
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_forgotten_leaves_totals_and_nothing_else() {
    let shop = Shop::open(program(json!({"stands_days": 0, "fraud": {"same_payment": "flag"}}))).await;
    let (ann, member, code) = shop.member("ann").await;
    let paid = |user: &str| {
        let properties =
            json!({"order_id": user, "revenue": 30, "currency": "EUR", "payment_fingerprint": "card-zebrafish"});
        track_of(user, json!({}), None, "Order Completed", properties)
    };
    shop.tell(vec![uses("bob", &code), order("bob", "b-1", 30)]).await;
    shop.tell(vec![paid("ann")]).await;
    shop.tell(vec![uses("cat", &code), paid("cat")]).await;
    let waits = shop.get(&format!("{REFERRALS}/review")).await["rows"][0].clone();
    assert_eq!(waits["signals"][0]["code"], "same_payment", "{waits}");
    let before = shop.get(&format!("{REFERRALS}/figures")).await;
    let cat = waits["friend"]["person_id"].as_str().unwrap().to_owned();
    let pack = shop.post(&format!("/api/v1/customers/{cat}/access"), json!(null)).await.json();
    for table in ["loyalty_referrals", "loyalty_referral_claims", "loyalty_referral_acts", "loyalty_referral_traces"] {
        assert!(pack["tables"][table].is_array(), "{table}");
    }
    let pack = shop.post(&format!("/api/v1/customers/{ann}/access"), json!(null)).await.json();
    assert_eq!(pack["tables"]["loyalty_referrals"].as_array().map(Vec::len), Some(2), "{pack}");
    assert_eq!(pack["tables"]["loyalty_referral_codes"].as_array().map(Vec::len), Some(1));
    assert!(!pack["tables"]["loyalty_referrals"].to_string().contains("bob"));
    for who in [cat, ann] {
        let erased = shop.post(&format!("/api/v1/customers/{who}/erasure"), json!({})).await;
        assert_eq!(erased.status, StatusCode::OK, "{}", erased.text());
    }
    shop.days(40).await;
    let after = shop.get(&format!("{REFERRALS}/figures")).await;
    assert_eq!(after["rows"][0]["referrer_points"], before["rows"][0]["referrer_points"], "{after}");
    assert_eq!(after["rows"][0]["by_reason"]["friend_forgotten"], 1, "{after}");
    let all = shop.all().await;
    assert_eq!(all.len(), 2);
    assert!(all.iter().all(|row| row["referrer"]["person_id"].is_null()), "{all:?}");
    // The code does not count any more.
    let page = shop.world.get(&format!("/r/{}", code.replace('-', "")), &[]).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    shop.tell(vec![uses("dan", &code)]).await;
    assert!(shop.all().await.iter().any(|row| row["reason"] == "code_void"));
    let _ = member;
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_says_what_the_friend_gets_and_nothing_of_the_member() {
    let hostile = "<script>alert(1)</script> \"You\" & 'yours'";
    let page =
        json!({"address": "https://shop.example/welcome?from=club", "words": hostile, "words_zh": "您将获得100积分。"});
    let shop = Shop::open(program(json!({"page": page}))).await;
    let name =
        json!({"type": "identify", "userId": "ann", "traits": {"email": "ann@example.com", "firstName": "Zebrafish"}});
    shop.tell(vec![name]).await;
    let (_, member, code) = shop.member("ann").await;
    let made = shop.code(&member).await;
    let url = made["url"].as_str().unwrap();
    let path = url.strip_prefix("https://shop.example").unwrap();
    let shown = shop.world.get(path, &[]).await;
    assert_eq!(shown.status, StatusCode::OK);
    let text = shown.text();
    assert!(text.contains("&lt;script&gt;") || text.contains("&#60;script&#62;"), "{text}");
    assert!(!text.contains("<script>") && !text.contains("Zebrafish") && !text.contains("ann@example.com"), "{text}");
    let plain = code.replace('-', "");
    assert!(
        text.contains(&format!("from=club&amp;ref={plain}")) || text.contains(&format!("from=club&#38;ref={plain}")),
        "{text}"
    );
    assert!(shown.header("content-security-policy").contains("default-src 'none'"), "{:?}", shown.headers);
    let chinese = shop.world.get(&format!("/r/{}?lang=zh", code.to_lowercase()), &[]).await.text();
    assert!(chinese.contains("您将获得100积分") && chinese.contains("lang=\"zh\""), "{chinese}");
    let accepted = shop.world.get(path, &[("accept-language", "zh-CN,zh;q=0.9")]).await.text();
    assert!(accepted.contains("前往商店"));
    for wrong in
        ["R23456789ABC", "x", "%00", "%3Cscript%3E", "..%2F..%2Fetc", &"A".repeat(4_000), "%E2%80%AE", "'%20OR%201=1"]
    {
        let answer = shop.world.get(&format!("/r/{wrong}"), &[]).await;
        assert!(
            [StatusCode::NOT_FOUND, StatusCode::BAD_REQUEST].contains(&answer.status),
            "{wrong}: {}",
            answer.status
        );
        assert!(!answer.text().contains("<script"), "{}", answer.text());
    }
    // Suspended, paused or over, it is one answer.
    let suspension = format!("/api/v1/loyalty/members/{member}/referral-suspension");
    let nothing = shop.post(&suspension, json!({"reason": " "})).await;
    assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(shop.post(&suspension, json!({"reason": "looks odd"})).await.status, StatusCode::OK);
    assert_eq!(shop.world.get(path, &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(shop.post(&suspension, json!({"reason": "twice"})).await.json()["code"], "referrer_suspended");
    assert_eq!(
        shop.post(&format!("{suspension}/lifted"), json!({"reason": "a mistake"})).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(shop.world.get(path, &[]).await.status, StatusCode::OK);
    assert_eq!(shop.save("friends", 1, "paused", program(json!({}))).await.status, StatusCode::OK);
    assert_eq!(shop.world.get(path, &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_role_may_what_it_may() {
    let shop = Shop::open(program(json!({}))).await;
    let (_, member, code) = shop.member("ann").await;
    shop.tell(vec![uses("bob", &code)]).await;
    let id = shop.only(&member).await["referral_id"].as_str().unwrap().to_owned();
    let viewer = shop.world.browser(Role::Viewer).await;
    let ask =
        async |method: Method, path: String, body: Value| call(&shop.world, &viewer, method, &path, body).await.status;
    let read = ask(Method::GET, REFERRALS.to_owned(), json!(null)).await;
    assert_eq!(read, StatusCode::OK);
    for (method, path, body) in [
        (
            Method::PUT,
            format!("{REFERRALS}/programs/x"),
            json!({"version": 0, "state": "live", "program": program(json!({}))}),
        ),
        (Method::POST, format!("{REFERRALS}/{id}/approved"), json!({"reason": "x"})),
        (Method::POST, format!("{REFERRALS}/{id}/refused"), json!({"reason": "x"})),
        (Method::POST, format!("/api/v1/loyalty/members/{member}/referral-codes"), json!({"program": "friends"})),
        (Method::POST, format!("/api/v1/loyalty/members/{member}/referral-suspension"), json!({"reason": "x"})),
        (Method::POST, format!("/api/v1/loyalty/members/{member}/referral-suspension/lifted"), json!({"reason": "x"})),
    ] {
        assert_eq!(ask(method, path.clone(), body).await, StatusCode::FORBIDDEN, "{path}");
    }
    let missing = shop.post(&format!("{REFERRALS}/rfl_none/approved"), json!({"reason": "x"})).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    // A refusal by staff stands, and is in the audit log.
    let refused = shop.post(&format!("{REFERRALS}/{id}/refused"), json!({"reason": "plays both"})).await;
    stands(&refused.json(), "refused", Some("by_staff"));
    assert_eq!(refused.json()["decision"]["reason"], "plays both");
}
