//! Points go with their member when events say that two persons are one, and stay where they are when that is taken back; tiers, households and what is told of members are right at once.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use rapport_domain::{PersonId, Timestamp};
use rapport_loyalty::ledger::{Act, Answer, Balance, Command, MemberId, Portion, Shortage, Source, Wallet, WalletId};
use rapport_loyalty::records::{members, read, wallets};
use rapport_loyalty::verify::verify;
use rapport_profiles::records::facts;
use rapport_server::records::workspaces::FIRST;
use rapport_store::{Priority, Queries, args, sql};
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, world};
use crate::sink::{Manner, Sink};
use crate::world::{Browser, World};

/// Whose an identifier is.
async fn who(world: &World, value: &str) -> PersonId {
    let find = sql!("SELECT person FROM identifiers WHERE value = $2 AND workspace = $1");
    let found: Vec<(PersonId,)> =
        world.app.installation.store.read().fetch_all(find, args![FIRST, value]).await.unwrap();
    found[0].0
}

async fn member_of(world: &World, value: &str) -> Option<MemberId> {
    let person = who(world, value).await;
    members::of(&mut world.app.installation.store.read(), FIRST, person).await.unwrap()
}

/// Makes whoever has this identifier a member, a minute later than the one before.
async fn enrol(world: &World, value: &str) -> MemberId {
    world.clock.advance(Timestamp::MINUTE);
    let installation = &world.app.installation;
    let person = who(world, value).await;
    let mut tx = installation.store.begin(Priority::Interactive).await.unwrap();
    let limits = Wallet { amount_max: 1_000, balance_max: Some(25), arrears_max: 5 };
    wallets::save(&mut tx, FIRST, "points", &limits).await.unwrap();
    let now = installation.clock.now();
    let member = members::enrol(&mut tx, FIRST, person, now, &*installation.rng).await.unwrap();
    tx.commit().await.unwrap();
    member
}

async fn post(world: &World, member: MemberId, id: &str, act: Act) -> Answer {
    let command = Command { id: id.into(), member, wallet: WalletId(1), act, source: Source::default() };
    world.app.installation.points.post(FIRST, command).await.unwrap()
}

fn earn(amount: i64) -> Act {
    Act::Earn { amount, earned_at: None, active_from: None, expires_at: None }
}

fn refund(of: &str) -> Act {
    let (portion, shortage) = (Portion::Rest, Shortage::IntoArrears);
    Act::Reverse { of: of.into(), portion, shortage, grace_until: None }
}

async fn balance(world: &World, member: MemberId) -> Balance {
    let end = Timestamp(i64::MAX);
    let mut db = world.app.installation.store.read();
    read::balance_as_of(&mut db, FIRST, (member, WalletId(1)), end, end).await.unwrap()
}

fn seen(device: &str) -> Value {
    json!({"type": "track", "anonymousId": device, "event": "Looked", "messageId": format!("seen {device}")})
}

fn signed_in(device: &str, user: &str) -> Value {
    json!({"type": "identify", "anonymousId": device, "userId": user, "messageId": format!("{device} is {user}")})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_members_who_are_one_person_go_on_as_one() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    let named = json!({"type": "identify", "userId": "u1", "messageId": "u1", "traits": {"firstName": "Ann"}});
    happen(&world, &key, vec![named, seen("d1"), seen("d2")]).await;
    let (d1, u1, d2) = (enrol(&world, "d1").await, enrol(&world, "u1").await, enrol(&world, "d2").await);
    for (member, id) in [(d1, "order 1"), (u1, "order 2"), (d2, "order 3")] {
        assert_eq!(post(&world, member, id, earn(20)).await.refused, None);
    }
    let until = world.app.installation.clock.now().plus(Timestamp::HOUR);
    post(&world, u1, "basket", Act::Hold { amount: 6, until }).await;

    // The customer's number is not what the older membership was opened with: it goes on all the same.
    happen(&world, &key, vec![signed_in("d1", "u1")]).await;
    assert_eq!(who(&world, "d1").await, who(&world, "u1").await);
    assert_eq!(member_of(&world, "u1").await, Some(d1));
    assert_eq!(balance(&world, d1).await, Balance { available: 34, held: 6, ..Balance::default() });
    assert_eq!(balance(&world, u1).await, Balance::default());
    let paid = post(&world, u1, "paid", Act::Capture { hold: "basket".into(), amount: None }).await;
    assert_eq!((paid.refused, paid.after.available, paid.after.held), (None, 34, 0));

    // A third, by another kind of evidence; both old numbers lead to the one who is left.
    let alias = json!({"type": "alias", "previousId": "d2", "userId": "u1", "messageId": "d2 too"});
    happen(&world, &key, vec![alias]).await;
    assert_eq!(member_of(&world, "d2").await, Some(d1));
    let back = post(&world, d2, "refund 3", refund("order 3")).await;
    assert_eq!((back.refused, back.amount, back.after.available), (None, 20, 34));
    let back = post(&world, u1, "refund 2", refund("order 2")).await;
    assert_eq!((back.refused, back.amount, back.after.available), (None, 20, 14));

    // Taken back: all stays with whoever kept the person. Stood by again: nothing comes twice.
    let person = who(&world, "u1").await;
    let identity = get(&world, &owner, &format!("/api/v1/customers/{person}/identity")).await;
    for word in ["undo", "redo"] {
        for row in identity["evidence"].as_array().unwrap() {
            let path = format!("/api/v1/identity/evidence/{}/{word}", row["id"].as_str().unwrap());
            let changed = call(&world, &owner, Method::POST, &path, json!({"reason": "a test"})).await;
            assert_eq!(changed.status, StatusCode::OK, "{}", changed.text());
        }
        let holders = [member_of(&world, "u1").await, member_of(&world, "d1").await, member_of(&world, "d2").await];
        let expected = if word == "undo" { [Some(d1), None, None] } else { [Some(d1); 3] };
        assert_eq!(holders, expected, "{word}");
        assert_eq!(balance(&world, d1).await, Balance { available: 14, ..Balance::default() });
    }

    let erased = call(&world, &owner, Method::POST, &format!("/api/v1/customers/{person}/erasure"), json!({})).await;
    assert_eq!(erased.status, StatusCode::OK, "{}", erased.text());
    let mut db = world.app.installation.store.read();
    let linked = sql!("SELECT COUNT(*) FROM loyalty_members WHERE person IS NOT NULL AND workspace = $1");
    assert_eq!(db.scalar::<i64>(linked, args![FIRST]).await.unwrap(), 0);
    assert_eq!(members::now(&mut db, FIRST, u1).await.unwrap(), d1);
    assert_eq!(balance(&world, d1).await.available, 14);
    assert_eq!(verify(&mut db, FIRST).await.unwrap().findings, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_member_takes_the_membership_along() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, _, key) = world(&sink).await;
    let named = |user: &str| json!({"type": "identify", "userId": user, "messageId": user});
    happen(&world, &key, vec![named("u1"), named("u2"), seen("d1"), seen("d2"), seen("d3")]).await;
    let (d1, u2) = (enrol(&world, "d1").await, enrol(&world, "u2").await);
    post(&world, d1, "order", earn(20)).await;
    // Of many at once, in one batch: a member who becomes a customer, a customer who is a member, and a device of nobody.
    happen(&world, &key, vec![signed_in("d1", "u1"), signed_in("d2", "u2"), signed_in("d3", "u1")]).await;
    assert_eq!(member_of(&world, "u1").await, Some(d1));
    assert_eq!(member_of(&world, "d3").await, Some(d1));
    assert_eq!(member_of(&world, "d2").await, Some(u2));
    assert_eq!(balance(&world, d1).await.available, 20);
    assert_eq!(verify(&mut world.app.installation.store.read(), FIRST).await.unwrap().findings, []);
}

async fn put(world: &World, owner: &Browser, path: &str, body: Value) {
    let saved = call(world, owner, Method::PUT, path, body).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
}

/// What is known of whoever has this identifier, by key; what is nothing is left out.
async fn known(world: &World, value: &str) -> BTreeMap<String, Value> {
    let person = who(world, value).await;
    let now = world.app.installation.clock.now();
    let all = facts::current_of(&mut world.app.installation.store.read(), FIRST, &[person], now).await.unwrap();
    let read = all.into_iter().map(|(_, key, value)| (key, serde_json::from_str::<Value>(&value).unwrap()));
    read.filter(|(_, value)| !value.is_null()).collect()
}

/// Takes every piece of evidence of a person back, or stands by it again, at once.
async fn decide(world: &World, owner: &Browser, pieces: &Value, word: &str) {
    world.clock.advance(Timestamp::MINUTE);
    for row in pieces["evidence"].as_array().unwrap() {
        let path = format!("/api/v1/identity/evidence/{}/{word}", row["id"].as_str().unwrap());
        let changed = call(world, owner, Method::POST, &path, json!({"reason": "a test"})).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tiers_and_what_is_told_of_members_are_right_as_soon_as_people_are_parted() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    let ladder = |key: &str, counts: Value, tier: &str, least: &str| {
        json!({"key": key, "name": key, "measures": [{"key": "m", "name": "Measure", "counts": counts}],
            "tiers": [{"key": "base", "name": "Base"}, {"key": tier, "name": tier, "needs": {"measure": "m", "at_least": least}}]})
    };
    let program = json!({"name": "Club", "zone": "UTC", "currency": "EUR", "enrolment": {"by": "earning"},
        "wallets": [{"key": "points", "name": "Points"}],
        "ladders": [ladder("club", json!({"kind": "spent"}), "silver", "100"),
            ladder("stays", json!({"kind": "events", "event": "Stay Completed"}), "guest", "1"),
            ladder("points", json!({"kind": "points"}), "insider", "100")]});
    put(&world, &owner, "/api/v1/loyalty/program", json!({"version": 0, "program": program})).await;
    let base = json!({"name": "A point for each euro", "event": "Order Completed", "gives": {"kind": "amount", "points": 1, "each": "1"}});
    let base = json!({"version": 0, "state": "live", "rule": base});
    put(&world, &owner, "/api/v1/loyalty/rules/base", base).await;
    world.clock.advance(Timestamp::HOUR);
    let named = json!({"type": "identify", "userId": "u1", "messageId": "u1", "traits": {"firstName": "Ann"}});
    happen(&world, &key, vec![named]).await;
    // Somebody orders and stays as a guest, and comes to be taken for Ann.
    world.clock.advance(Timestamp::HOUR);
    let guest = |event: &str, properties: Value| json!({"type": "track", "anonymousId": "d1", "event": event, "messageId": event, "properties": properties});
    let order = json!({"order_id": "o1", "subtotal": 120, "revenue": 120, "currency": "EUR"});
    happen(&world, &key, vec![guest("Order Completed", order), guest("Stay Completed", json!({}))]).await;
    let member = member_of(&world, "d1").await.unwrap();
    let tiers = |known: &BTreeMap<String, Value>| {
        ["tier.club", "tier.stays", "tier.points"].map(|key| known.get(key).and_then(Value::as_str).map(str::to_owned))
    };
    let all = ["silver", "guest", "insider"].map(|tier| Some(tier.to_owned()));
    assert_eq!(tiers(&known(&world, "d1").await), all);
    world.clock.advance(Timestamp::MINUTE);
    happen(&world, &key, vec![signed_in("d1", "u1")]).await;
    assert_eq!((member_of(&world, "u1").await, tiers(&known(&world, "u1").await)), (Some(member), all.clone()));

    // Parted: the membership and its points stay with Ann, the order and the stay are the guest's, and nobody waits for the night or another event.
    let person = who(&world, "u1").await;
    let pieces = get(&world, &owner, &format!("/api/v1/customers/{person}/identity")).await;
    decide(&world, &owner, &pieces, "undo").await;
    assert_eq!([member_of(&world, "u1").await, member_of(&world, "d1").await], [Some(member), None]);
    let hers = known(&world, "u1").await;
    assert_eq!(tiers(&hers), ["base", "base", "insider"].map(|tier| Some(tier.to_owned())), "{hers:?}");
    assert_eq!((&hers["loyalty.standing"], &hers["points.points.available"]), (&json!("active"), &json!(120)));
    let path = format!("/api/v1/loyalty/members/{}/tiers", member.0);
    let shown = get(&world, &owner, &path).await;
    let shown = [0, 1, 2].map(|place| shown["rows"][place]["tier"].clone());
    assert_eq!(shown, [json!("base"), json!("base"), json!("insider")]);
    let theirs = known(&world, "d1").await;
    let of_members = ["points.", "loyalty.", "tier."];
    let left = theirs.keys().filter(|key| of_members.iter().any(|own| key.starts_with(own)));
    assert_eq!(left.collect::<Vec<_>>(), Vec::<&String>::new(), "{theirs:?}");

    // Stood by again, all is as it was.
    decide(&world, &owner, &pieces, "redo").await;
    assert_eq!((member_of(&world, "d1").await, tiers(&known(&world, "d1").await)), (Some(member), all));
    assert_eq!(verify(&mut world.app.installation.store.read(), FIRST).await.unwrap().findings, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_household_is_of_whoever_keeps_the_membership() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    let program = json!({"name": "Club", "zone": "UTC", "currency": "EUR", "enrolment": {"by": "earning"},
        "wallets": [{"key": "points", "name": "Points"}], "households": {"wallets": ["points"]}});
    put(&world, &owner, "/api/v1/loyalty/program", json!({"version": 0, "program": program})).await;
    let named = json!({"type": "identify", "userId": "u1", "messageId": "u1", "traits": {"firstName": "Ann"}});
    happen(&world, &key, vec![named, seen("d1")]).await;
    let member = enrol(&world, "d1").await;
    let founded = json!({"id": "h1", "member_id": member.0.to_string(), "name": "Home", "member_name": "Ann"});
    let home = call(&world, &owner, Method::POST, "/api/v1/loyalty/households", founded).await;
    assert_eq!(home.status, StatusCode::OK, "{}", home.text());
    let path = format!("/api/v1/loyalty/households/{}", home.json()["household_id"].as_str().unwrap());
    happen(&world, &key, vec![signed_in("d1", "u1")]).await;
    let person = who(&world, "u1").await;
    let pieces = get(&world, &owner, &format!("/api/v1/customers/{person}/identity")).await;
    for (word, guest) in [("undo", None), ("redo", Some(member))] {
        decide(&world, &owner, &pieces, word).await;
        assert_eq!([member_of(&world, "u1").await, member_of(&world, "d1").await], [Some(member), guest], "{word}");
        let shown = get(&world, &owner, &path).await;
        let rows = shown["members"].as_array().unwrap();
        let ids: Vec<&str> = rows.iter().filter_map(|row| row["member_id"].as_str()).collect();
        assert_eq!(
            (ids, &shown["household"]["ended_at"]),
            (vec![member.0.to_string().as_str()], &Value::Null),
            "{word}: {shown}"
        );
    }
    // Whoever was taken for her and becomes a member has a membership of their own, in no household; made one again, she stays in hers.
    decide(&world, &owner, &pieces, "undo").await;
    let other = enrol(&world, "d1").await;
    let founded = json!({"id": "h2", "member_id": other.0.to_string(), "name": "Elsewhere", "member_name": "Guest"});
    let elsewhere = call(&world, &owner, Method::POST, "/api/v1/loyalty/households", founded).await;
    assert_eq!(elsewhere.status, StatusCode::OK, "{}", elsewhere.text());
    decide(&world, &owner, &pieces, "redo").await;
    assert_eq!(member_of(&world, "d1").await, Some(member), "who was a member for longer goes on");
    assert_eq!(get(&world, &owner, &path).await["members"][0]["member_id"], member.0.to_string());
    let path = format!("/api/v1/loyalty/households/{}", elsewhere.json()["household_id"].as_str().unwrap());
    let left = get(&world, &owner, &path).await;
    assert!(left["household"]["ended_at"].is_string(), "nobody is left in it: {left}");
}
