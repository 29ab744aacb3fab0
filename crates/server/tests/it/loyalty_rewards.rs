//! Rewards from the API to the person's timeline: saved, redeemed, used, called off, and forgotten with their person.

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_loyalty::verify::verify;
use rapport_server::auth::Role;
use rapport_server::records::workspaces::FIRST;
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, only_person, person, settle, world};
use crate::sink::{Manner, Sink};
use crate::world::{Answer, Browser, World};

const REDEMPTIONS: &str = "/api/v1/loyalty/redemptions";

async fn save(world: &World, owner: &Browser, path: &str, body: Value) -> Value {
    let saved = call(world, owner, Method::PUT, path, body).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    saved.json()
}

async fn post(world: &World, who: &Browser, path: &str, body: Value) -> Answer {
    call(world, who, Method::POST, path, body).await
}

fn refused(answer: &Answer, status: StatusCode, code: &str) {
    assert_eq!((answer.status, answer.json()["code"].as_str()), (status, Some(code)), "{}", answer.text());
}

/// A programme, two rewards, and Ann with a hundred points.
async fn founded(sink: &Sink) -> (World, Browser, String, String) {
    let (world, owner, key) = world(sink).await;
    let program = json!({"name": "Trail club", "zone": "Europe/Berlin", "currency": "EUR", "wallets": [{"key": "points", "name": "Points"}]});
    save(&world, &owner, "/api/v1/loyalty/program", json!({"version": 0, "program": program})).await;
    let mug = json!({"name": "A mug", "gives": {"kind": "code"}, "prices": [{"points": 10}], "cancel_within_hours": 1,
        "surprises": {"most": 1, "every": "ever"}});
    save(&world, &owner, "/api/v1/loyalty/rewards/mug", json!({"version": 0, "state": "live", "reward": mug})).await;
    let film = json!({"name": "A film", "gives": {"kind": "pool", "pool": "cinema"}, "prices": [{"points": 20, "money": "4.5"}]});
    let body = json!({"version": 0, "state": "live", "reward": film, "text": "fact plan = gold"});
    save(&world, &owner, "/api/v1/loyalty/rewards/film", body).await;
    world.clock.advance(Timestamp::HOUR);
    happen(&world, &key, person(1, "ann@example.com")).await;
    let ann = only_person(&world, &owner, "ann").await;
    let member = post(&world, &owner, "/api/v1/loyalty/members", json!({"person_id": ann})).await.json();
    let member = member["member_id"].as_str().unwrap().to_owned();
    let earn = json!({"operations": [{"id": "e1", "member_id": member, "act": {"kind": "earn", "amount": 100}}]});
    assert_eq!(post(&world, &owner, "/api/v1/loyalty/operations", earn).await.status, StatusCode::OK);
    (world, owner, ann, member)
}

async fn available(world: &World, owner: &Browser, member: &str) -> i64 {
    let found = get(world, owner, &format!("/api/v1/loyalty/members/{member}")).await;
    found["wallets"][0]["available"].as_i64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reward_is_redeemed_used_and_called_off() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, ann, member) = founded(&sink).await;
    let wanted = json!({"id": "r1", "member_id": member, "reward": "mug", "points": 10});
    let done = post(&world, &owner, REDEMPTIONS, wanted.clone()).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text());
    let done = done.json();
    assert_eq!((&done["state"], &done["points"]), (&json!("fulfilled"), &json!(10)));
    let code = done["codes"][0].as_str().unwrap().to_owned();
    assert_eq!(post(&world, &owner, REDEMPTIONS, wanted.clone()).await.json(), done, "told again it is the same");
    let mut other = wanted;
    other["points"] = json!(9);
    refused(&post(&world, &owner, REDEMPTIONS, other).await, StatusCode::CONFLICT, "id_reused");
    let shown = json!({"id": "r2", "member_id": member, "reward": "mug", "points": 9});
    refused(&post(&world, &owner, REDEMPTIONS, shown).await, StatusCode::CONFLICT, "reward_price_changed");
    let none = json!({"id": "r3", "member_id": member, "reward": "nothing"});
    refused(&post(&world, &owner, REDEMPTIONS, none).await, StatusCode::NOT_FOUND, "reward_unknown");
    let film = json!({"id": "r4", "member_id": member, "reward": "film"});
    refused(&post(&world, &owner, REDEMPTIONS, film).await, StatusCode::CONFLICT, "reward_not_entitled");
    assert_eq!(available(&world, &owner, &member).await, 90);

    let check = json!({"code": code.to_lowercase(), "member_id": member});
    let checked = post(&world, &owner, "/api/v1/loyalty/vouchers/check", check).await.json();
    assert_eq!(
        (&checked["reward"], &checked["gives"]["kind"], &checked["uses_left"]),
        (&json!("mug"), &json!("code"), &json!(1))
    );
    let used = json!({"id": "receipt 1", "code": code, "place": "till 1", "reference": "order 7"});
    for _ in 0..2 {
        assert_eq!(post(&world, &owner, "/api/v1/loyalty/vouchers/use", used.clone()).await.status, StatusCode::OK);
    }
    let twice = json!({"id": "receipt 2", "code": code});
    refused(&post(&world, &owner, "/api/v1/loyalty/vouchers/use", twice).await, StatusCode::CONFLICT, "code_used");
    let own = format!("{REDEMPTIONS}/{}", done["redemption_id"].as_str().unwrap());
    let cancelled = format!("{own}/cancelled");
    refused(&post(&world, &owner, &cancelled, json!({})).await, StatusCode::CONFLICT, "redemption_code_used");
    let back = post(&world, &owner, "/api/v1/loyalty/vouchers/release", json!({"id": "receipt 1"})).await;
    assert_eq!(back.json()["uses_left"], 1);
    let off = post(&world, &owner, &cancelled, json!({"reason": "Ann Zebrafish changed her mind"})).await;
    assert_eq!(off.json()["state"], "cancelled", "{}", off.text());
    assert_eq!(available(&world, &owner, &member).await, 100);

    // What happened is on the timeline, without words or codes.
    settle(&world).await;
    let events = get(&world, &owner, &format!("/api/v1/customers/{ann}/timeline?limit=50")).await.to_string();
    for name in ["Reward Redeemed", "Redemption Fulfilled", "Voucher Used", "Redemption Cancelled"] {
        assert!(events.contains(name), "{name}: {events}");
    }
    assert!(!events.contains("Zebrafish") && !events.contains(&code), "{events}");

    let list = get(&world, &owner, &format!("/api/v1/loyalty/members/{member}/redemptions")).await;
    assert_eq!(list["rows"].as_array().unwrap().len(), 3, "with what was refused: {list}");
    assert!(list["rows"].as_array().unwrap().iter().all(|row| row["codes"] == json!([])));
    let shown = post(&world, &owner, &format!("/api/v1/customers/{ann}/access"), json!(null)).await.json();
    let tables = &shown["tables"];
    assert!(
        tables["loyalty_redemptions"].to_string().contains("Zebrafish")
            && tables["loyalty_vouchers"][0]["code"] == code,
        "{tables}"
    );
    let erased = post(&world, &owner, &format!("/api/v1/customers/{ann}/erasure"), json!({})).await;
    assert_eq!(erased.status, StatusCode::OK, "{}", erased.text());
    let left = get(&world, &owner, REDEMPTIONS).await;
    assert!(!left.to_string().contains("Zebrafish") && left["rows"].as_array().unwrap().len() == 3, "{left}");
    assert_eq!(verify(&mut world.app.installation.store.read(), FIRST).await.unwrap().findings, []);
}

/// Whoever took an id under which a journey, a client of Square's API or a member's page asks would be answered with what those were given, or make it fail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_under_which_rapport_asks_itself_are_refused() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, _, member) = founded(&sink).await;
    for own in ["journey:1", "square:1", "page:1:2"] {
        let asked = [
            (REDEMPTIONS, json!({"id": own, "member_id": member, "reward": "mug", "points": 10})),
            (
                "/api/v1/loyalty/till/redemptions",
                json!({"id": own, "member_id": member, "reward": "mug", "points": 10, "store": "s1", "receipt": "7"}),
            ),
            ("/api/v1/loyalty/vouchers/use", json!({"id": own, "code": "AB-1234567"})),
            ("/api/v1/loyalty/transfers", json!({"id": own, "member_id": member, "points": 10})),
            (
                "/api/v1/loyalty/households",
                json!({"id": own, "member_id": member, "name": "Home", "member_name": "Ann"}),
            ),
            ("/api/v1/loyalty/households/hsh_1/invitations", json!({"id": own, "member_id": member})),
        ];
        for (path, body) in asked {
            let answer = post(&world, &owner, path, body).await;
            refused(&answer, StatusCode::UNPROCESSABLE_ENTITY, "invalid_value");
            let said = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(said.starts_with("id: ") && said.contains("`page:`"), "{path}: {said}");
        }
    }
    assert_eq!(get(&world, &owner, REDEMPTIONS).await["rows"], json!([]), "nothing is written down, refused or not");
    assert_eq!(available(&world, &owner, &member).await, 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_codes_and_surprises() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, _, member) = founded(&sink).await;
    let film = json!({"name": "A film", "gives": {"kind": "pool", "pool": "cinema"}, "prices": [{"points": 20, "money": "4.5"}]});
    save(&world, &owner, "/api/v1/loyalty/rewards/film", json!({"version": 1, "state": "live", "reward": film})).await;
    let versions = get(&world, &owner, "/api/v1/loyalty/rewards/film/versions").await;
    assert_eq!(versions["rows"][1]["text"], "fact plan = gold");
    let pool = "/api/v1/loyalty/vouchers/pools/cinema";
    let added = post(&world, &owner, pool, json!({"text": "AB-1234567;x\nab1234567\n\n\"CD-7654321\"\n"})).await.json();
    assert_eq!(added, json!({"added": 2, "refused": [{"at": 1, "code": "code_twice"}]}));
    let wanted = json!({"id": "f1", "member_id": member, "reward": "film", "money": "4.50"});
    let asked = post(&world, &owner, REDEMPTIONS, wanted).await.json();
    assert_eq!((&asked["state"], &asked["codes"], &asked["money"]), (&json!("requested"), &json!([]), &json!("4.50")));
    let id = asked["redemption_id"].as_str().unwrap();
    let paid = post(&world, &owner, &format!("{REDEMPTIONS}/{id}/paid"), json!(null)).await.json();
    assert_eq!((&paid["state"], &paid["codes"]), (&json!("fulfilled"), &json!(["AB-1234567"])), "{paid}");
    let list = get(&world, &owner, pool).await;
    assert_eq!((&list["rows"][0]["code"], &list["rows"][0]["member_id"]), (&json!("…567"), &json!(member)), "{list}");
    let pools = get(&world, &owner, "/api/v1/loyalty/vouchers/pools").await;
    assert_eq!(pools["rows"], json!([{"pool": "cinema", "counts": {"free": 1, "live": 1}}]));
    // What nobody has is taken back; what somebody paid for is not.
    let voided = post(&world, &owner, &format!("{pool}/voided"), json!({"places": [1, 2]})).await.json();
    assert_eq!(voided, json!({"voided": 1, "not_voided": [{"at": 0, "why": "code_given"}]}));
    let file = world.get(&format!("{pool}/codes.csv?state=void"), &owner.reads()).await.text();
    assert!(file.lines().count() == 2 && file.contains("\r\n2,…321,void,1,,,"), "{file}");
    let list = get(&world, &owner, &format!("{pool}?state=live")).await;
    assert_eq!((&list["rows"][0]["place"], list["rows"].as_array().unwrap().len()), (&json!(1), 1), "{list}");
    assert!(list["rows"][0]["member_name"].is_string(), "{list}");

    let surprise = |id: &str, reason: &str| json!({"id": id, "member_id": member, "reward": "mug", "is_surprise": true, "reason": reason});
    refused(
        &post(&world, &owner, REDEMPTIONS, surprise("s1", " ")).await,
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid_value",
    );
    assert_eq!(post(&world, &owner, REDEMPTIONS, surprise("s1", "ten years")).await.json()["points"], 0);
    refused(
        &post(&world, &owner, REDEMPTIONS, surprise("s2", "again")).await,
        StatusCode::CONFLICT,
        "reward_budget_spent",
    );
    assert_eq!(available(&world, &owner, &member).await, 80);

    // Whoever guesses is stopped at that till, and it is seen.
    let guess = |place: &str| json!({"code": "NOSUCHCODE", "place": place});
    let path = "/api/v1/loyalty/vouchers/check";
    for _ in 0..20 {
        refused(&post(&world, &owner, path, guess("till 9")).await, StatusCode::NOT_FOUND, "code_unknown");
    }
    let right = json!({"code": "AB-1234567", "place": "till 9"});
    refused(&post(&world, &owner, path, right).await, StatusCode::TOO_MANY_REQUESTS, "too_many_tries");
    let right = json!({"code": "AB-1234567", "place": "till 8"});
    assert_eq!(post(&world, &owner, path, right).await.json()["owner"], "cinema");
    let tries = get(&world, &owner, "/api/v1/loyalty/vouchers/tries").await;
    assert_eq!((&tries["rows"][0]["place"], &tries["rows"][0]["wrong"]), (&json!("till 9"), &json!(20)));
    // Agents serve members; whoever only looks does not.
    let agent = world.browser(Role::Agent).await;
    let wanted = json!({"id": "a1", "member_id": member, "reward": "mug"});
    assert_eq!(post(&world, &agent, REDEMPTIONS, wanted.clone()).await.status, StatusCode::OK);
    let viewer = world.browser(Role::Viewer).await;
    assert_eq!(post(&world, &viewer, REDEMPTIONS, wanted).await.status, StatusCode::FORBIDDEN);
    assert_eq!(post(&world, &viewer, path, guess("till 9")).await.status, StatusCode::FORBIDDEN);
    let typo = json!({"code": "R23456789ABC", "place": "till 8"});
    refused(&post(&world, &owner, path, typo).await, StatusCode::UNPROCESSABLE_ENTITY, "code_mistyped");
}
