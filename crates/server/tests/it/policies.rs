//! Policies from outside: made, started, asked by a journey's split, a slot and the sending of messages; what they brought is learnt in its time, once; hostile
//! designs and wrong roles.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_experiments::policies::decisions::{self, DecisionRow};
use rapport_profiles::records::identifiers;
use rapport_server::auth::Role;
use rapport_server::installation::MIGRATIONS;
use rapport_server::policies::{effects, settling};
use rapport_server::records::workspaces::FIRST;
use rapport_store::testing::{TestDatabase, on_postgres, on_sqlite};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::channels::proof;
use crate::engaging::{call, get, happen, launch, one_mail, person, settle, track, with_template, world as mailing};
use crate::sink::{Manner, Sink};
use crate::world::{Browser, World};

const POLICIES: &str = "/api/v1/policies";
/// Days pass in these tests.
const LONG: [(&str, &str); 2] = [("session.idle_hours", "100000"), ("session.days", "4000")];

fn design() -> Value {
    json!({"name": "Which offer", "arms": [{"key": "none"}, {"key": "voucher", "name": "A voucher"}],
        "reward": {"metric": "conversion", "hours": 168}})
}

async fn started(world: &World, owner: &Browser, key: &str, design: Value) {
    let made = call(world, owner, Method::POST, POLICIES, json!({"key": key, "design": design})).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text());
    let begun = act(world, owner, key, json!({"act": "start", "version": 1})).await;
    assert_eq!(begun["summary"]["state"], "running");
}

async fn act(world: &World, owner: &Browser, key: &str, body: Value) -> Value {
    let answer = call(world, owner, Method::POST, &format!("{POLICIES}/{key}/act"), body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()
}

/// All decisions that are open, with who each is of.
async fn open(world: &World) -> Vec<(DecisionRow, String)> {
    let db = &mut world.app.installation.store.read();
    let rows = decisions::due(db, FIRST, 1, Timestamp(i64::MAX), 10_000).await.unwrap();
    let persons: Vec<_> = rows.iter().map(|row| row.person).collect();
    let names = identifiers::by_persons(db, FIRST, &persons).await.unwrap();
    let users: BTreeMap<_, _> =
        names.into_iter().filter(|it| it.kind == "user_id").map(|it| (it.person, it.value)).collect();
    rows.into_iter().map(|row| (row.clone(), users[&row.person].clone())).collect()
}

fn choosing(arms: [&str; 2]) -> Value {
    let way = |name: &str| json!({"name": name, "percent": 50, "next": format!("note-{name}")});
    let note = |name: &str| json!({"id": format!("note-{name}"), "step": {"set_trait": {"name": "offer", "value": name, "next": null}}});
    json!({"entry": {"event": {"name": "Signed Up"}}, "reentry": "after_exit", "start": "choose", "nodes": [
        {"id": "choose", "step": {"split": {"policy": "offer", "arms": [way(arms[0]), way(arms[1])]}}}, note(arms[0]), note(arms[1])]})
}

fn order(id: &str, user: &str) -> Value {
    track(id, user, "Order Completed", json!({"order_id": id, "revenue": 20, "currency": "EUR"}))
}

#[test]
fn a_split_learns_what_its_ways_bring_on_sqlite() {
    on_sqlite(MIGRATIONS.to_vec(), learnt);
}

#[test]
fn a_split_learns_what_its_ways_bring_on_postgres() {
    on_postgres(MIGRATIONS.to_vec(), learnt);
}

/// A hundred and twenty people sign up; whoever gets the voucher orders, nobody else does in the week that counts.
async fn learnt(database: TestDatabase) {
    let world = World::over_with(&database, &LONG).await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Web", None).await;
    started(&world, &owner, "offer", design()).await;
    // What is not of the policy is said before anybody goes there.
    let body = json!({"name": "Offer", "definition": choosing(["none", "gift"])});
    let made = call(&world, &owner, Method::POST, "/api/v1/journeys", body).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text());
    let wrong = made.json()["summary"]["key"].as_str().unwrap().to_owned();
    let refused = call(&world, &owner, Method::POST, &format!("/api/v1/journeys/{wrong}/launch"), json!({})).await;
    assert!(
        refused.status == StatusCode::UNPROCESSABLE_ENTITY && refused.text().contains("`gift`"),
        "{}",
        refused.text()
    );

    let body = json!({"name": "Offer", "definition": choosing(["none", "voucher"])});
    let journey = launch(&world, &owner, body).await;
    let sign_up = |number: usize, round: u32| json!({"type": "track", "userId": format!("u{number}"), "messageId": format!("s{number}-{round}"), "event": "Signed Up"});
    happen(&world, &key, (0..120).map(|number| sign_up(number, 1)).collect()).await;
    let all = open(&world).await;
    assert_eq!(all.len(), 120);
    let subject = format!("journey:{journey}/choose");
    assert!(all.iter().all(|(row, _)| row.subject == subject && row.propensity == 0.5), "{all:?}");
    let report = get(&world, &owner, &format!("/api/v1/journeys/{journey}/report")).await;
    assert_eq!(report["entered"], 120, "{report}");

    world.clock.advance(2 * Timestamp::DAY);
    let orders = all.iter().filter(|it| it.0.arm == "voucher").map(|(_, user)| order(&format!("o-{user}"), user));
    happen(&world, &key, orders.collect()).await;
    assert_eq!(settling::settle(&world.app.installation).await.unwrap(), 0, "their week is not over");
    let shown = get(&world, &owner, &format!("{POLICIES}/offer/readout")).await;
    assert_eq!(
        (&shown["waiting"], &shown["rewards"], &shown["arms"][1]["chance"]),
        (&json!(120), &json!(0), &json!(0.5))
    );
    assert!(shown["judged"].as_array().unwrap().iter().all(|it| it["value"].is_null()), "{shown}");

    // After the week, orders do not count.
    world.clock.advance(5 * Timestamp::DAY + Timestamp::MINUTE);
    let late = all.iter().filter(|it| it.0.arm == "none").map(|(_, user)| order(&format!("l-{user}"), user));
    happen(&world, &key, late.collect()).await;
    assert_eq!(settling::settle(&world.app.installation).await.unwrap(), 0, "what is on its way still counts");
    world.clock.advance(Timestamp::HOUR);
    assert_eq!(settling::settle(&world.app.installation).await.unwrap(), 120);
    assert_eq!(settling::settle(&world.app.installation).await.unwrap(), 0, "once");
    let shown = get(&world, &owner, &format!("{POLICIES}/offer/readout")).await;
    let judged = |policy: &str, arm: Value| {
        let all = shown["judged"].as_array().unwrap();
        all.iter().find(|it| it["policy"] == policy && it["arm"] == arm).unwrap()["value"]["value"].as_f64().unwrap()
    };
    assert!(judged("always", json!("none")).abs() < 1e-9 && (judged("always", json!("voucher")) - 1.0).abs() < 1e-9);
    assert!(judged("now", Value::Null) > 0.9 && shown["arms"][1]["chance"].as_f64().unwrap() > 0.9, "{shown}");
    assert_eq!((&shown["waiting"], &shown["rewards"], &shown["form"]), (&json!(0), &json!(120), &json!("share")));

    // Whoever comes again is decided anew, by what is known now; while it is paused everybody goes the usual way, which is no decision.
    happen(&world, &key, (0..40).map(|number| sign_up(number, 2)).collect()).await;
    let again = open(&world).await;
    assert!(again.len() == 40 && again.iter().filter(|it| it.0.arm == "voucher").count() > 30, "{}", again.len());
    act(&world, &owner, "offer", json!({"act": "pause", "version": 2})).await;
    happen(&world, &key, (40..60).map(|number| sign_up(number, 3)).collect()).await;
    assert_eq!(open(&world).await.len(), 40);
    let shown = get(&world, &owner, &format!("{POLICIES}/offer")).await;
    assert_eq!((&shown["summary"]["decisions"], &shown["subjects"][0]["subject"]), (&json!(160), &json!(subject)));
    let anew = act(&world, &owner, "offer", json!({"act": "anew", "version": 3})).await;
    assert_eq!((&anew["summary"]["decisions"], &anew["summary"]["prefers"]), (&json!(0), &json!(false)));
}

/// What a policy says is worth more than it costs: money by order, less what leaves, less the voucher.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reward_is_what_came_less_what_it_cost() {
    let world = World::with(&LONG).await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Web", None).await;
    let reward = json!({"metric": "revenue", "hours": 24, "worth": 0.5, "costs": [{"event": "Message Unsubscribed", "cost": 3}]});
    let arms = json!([{"key": "none"}, {"key": "voucher", "cost": 2}]);
    started(&world, &owner, "offer", json!({"name": "Offer", "arms": arms, "reward": reward})).await;
    launch(&world, &owner, json!({"name": "Offer", "definition": choosing(["none", "voucher"])})).await;
    let sign_up = |number: usize| track(&format!("s{number}"), &format!("u{number}"), "Signed Up", json!({}));
    happen(&world, &key, (0..6).map(sign_up).collect()).await;
    let all = open(&world).await;
    let mut expected = BTreeMap::new();
    let mut events = Vec::new();
    world.clock.advance(Timestamp::HOUR);
    for (at, (row, user)) in all.iter().enumerate() {
        let cost = if row.arm == "voucher" { 2.0 } else { 0.0 };
        let came = match at {
            0 => {
                events.push(order("o1", user));
                events.push(order("o2", user));
                20.0
            }
            1 => {
                events.push(order("o3", user));
                events.push(track("x1", user, "Message Unsubscribed", json!({"channel": "email"})));
                7.0
            }
            // In another currency.
            2 => {
                events.push(track(
                    "o4",
                    user,
                    "Order Completed",
                    json!({"order_id": "o4", "revenue": 90, "currency": "SEK"}),
                ));
                0.0
            }
            _ => 0.0,
        };
        expected.insert(user.clone(), came - cost);
    }
    happen(&world, &key, events).await;
    world.clock.advance(25 * Timestamp::HOUR);
    assert_eq!(settling::settle(&world.app.installation).await.unwrap(), 6);
    let db = &mut world.app.installation.store.read();
    for row in decisions::learnt(db, FIRST, (1, 1), 10).await.unwrap() {
        let user = all.iter().find(|it| it.0.turn == row.turn).unwrap().1.clone();
        assert_eq!(row.reward, Some(expected[&user]), "{user} {}", row.arm);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_shows_what_a_policy_chooses_and_keeps_it_for_its_time() {
    let (world, owner, key) = crate::channels::world(&LONG).await;
    started(&world, &owner, "offer", design()).await;
    let variant = |arm: &str| json!({"arm": arm, "show": {"products": {"method": "popular", "limit": 1}}});
    let slot = |variants: Value| json!({"name": "Hero", "definition": {"policy": "offer", "variants": variants}});
    let put = async |body: Value| call(&world, &owner, Method::PUT, "/api/v1/slots/hero", body).await;
    let refused = put(slot(json!([variant("none"), variant("gift"), {"show": "nothing"}]))).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains("variants[1].arm"), "{}", refused.text());
    let saved = put(slot(json!([variant("none"), variant("voucher"), {"show": "nothing"}]))).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    for number in 1..=30 {
        // The last one agreed to nothing that is shown.
        let channel = if number == 30 { "email" } else { "in_app" };
        happen(&world, &key, crate::channels::person(number, channel, json!({}))).await;
    }
    let shown = async |number: u32| {
        let user = format!("u{number}");
        let hash = proof(&world, &owner, &user).await;
        let answer = world.get(&format!("/v1/slots/hero?writeKey={key}&userId={user}&userHash={hash}"), &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        (answer.json()["variant"].as_u64().unwrap(), answer.json()["reason"].as_str().unwrap().to_owned())
    };
    let mut first = BTreeMap::new();
    for number in 1..=29 {
        let (variant, why) = shown(number).await;
        assert!(variant < 2 && why == "chosen", "{variant} {why}");
        first.insert(number, variant);
    }
    assert!(first.values().any(|it| *it == 0) && first.values().any(|it| *it == 1), "{first:?}");
    for number in 1..=29 {
        assert_eq!(shown(number).await.0, first[&number], "kept");
    }
    assert_eq!(shown(30).await, (2, "not_agreed".to_owned()), "consent comes first");
    let all = open(&world).await;
    let arm = |row: &DecisionRow| u64::from(row.arm == "voucher");
    assert!(all.len() == 29 && all.iter().all(|(row, user)| first[&user[1..].parse().unwrap()] == arm(row)));
    assert!(all.iter().all(|(row, _)| row.subject == "slot:hero" && row.propensity == 0.5));
    // After its time it is chosen anew.
    world.clock.advance(7 * Timestamp::DAY);
    shown(1).await;
    assert_eq!(open(&world).await.len(), 30);
    // Whoever is held out from everything sees what everybody gets, and nothing is decided.
    let settings = json!({"settings": {"from": {"name": "Shop", "address": "news@shop.example"}, "quiet": null, "caps": [], "holdout_percent": 50}});
    let saved = call(&world, &owner, Method::PUT, "/api/v1/sending/settings", settings).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    let mut out = 0;
    for number in 2..=29 {
        let before = open(&world).await.len();
        let (variant, why) = shown(number).await;
        if why == "held_out" {
            out += 1;
            assert_eq!((variant, open(&world).await.len()), (2, before));
        }
    }
    assert!(out > 5, "{out}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_says_how_often_people_are_written_to() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = mailing(&sink).await;
    with_template(&world, &owner).await;
    let arms =
        json!([{"key": "often", "cap": {"most": 9, "hours": 168}}, {"key": "never", "cap": {"most": 0, "hours": 168}}]);
    let reward = json!({"metric": "conversion", "hours": 672, "costs": [{"event": "Message Unsubscribed", "cost": 5}]});
    let design = json!({"name": "How often", "decides": "frequency", "arms": arms, "reward": reward});
    started(&world, &owner, "pace", design).await;
    let definition = one_mail(json!({"event": {"name": "Signed Up"}}), json!({"reentry": "after_exit"}));
    let journey = launch(&world, &owner, json!({"name": "Hello", "definition": definition})).await;
    for number in 1..=20 {
        happen(&world, &key, person(number, &format!("ann@shop{number}.example"))).await;
    }
    let sign_up = |round: u32| {
        move |number: u32| track(&format!("s{number}-{round}"), &format!("u{number}"), "Signed Up", json!({}))
    };
    happen(&world, &key, (1..=20).map(sign_up(1)).collect()).await;
    let all = open(&world).await;
    let often = all.iter().filter(|it| it.0.arm == "often").count();
    assert!(
        all.len() == 20 && (4..=16).contains(&often) && all.iter().all(|it| it.0.subject == "frequency"),
        "{often}"
    );
    assert_eq!(sink.kept().len(), often);
    let report = get(&world, &owner, &format!("/api/v1/journeys/{journey}/report")).await.to_string();
    assert!(report.contains("paced"), "{report}");
    // For four weeks it is the same for each.
    world.clock.advance(20 * Timestamp::DAY);
    happen(&world, &key, (1..=20).map(sign_up(2)).collect()).await;
    assert_eq!((sink.kept().len(), open(&world).await.len()), (2 * often, 20));
    // Then it is decided anew.
    world.clock.advance(9 * Timestamp::DAY);
    happen(&world, &key, (1..=20).map(sign_up(3)).collect()).await;
    assert_eq!(open(&world).await.len(), 40);
    assert_eq!(settling::settle(&world.app.installation).await.unwrap(), 20);
    // Fixed, everybody has that, and nothing is decided.
    act(&world, &owner, "pace", json!({"act": "fix", "arm": "never", "version": 2})).await;
    let before = sink.kept().len();
    happen(&world, &key, (1..=20).map(sign_up(4)).collect()).await;
    assert_eq!((sink.kept().len(), open(&world).await.len()), (before, 20));
}

/// The experiment's other variant makes those order who have many points, and nobody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn effects_are_learnt_from_an_experiment_and_acted_on() {
    let (world, owner, key) = crate::channels::world(&LONG).await;
    let count = 900;
    let identify = |number: usize| {
        json!({"type": "identify", "userId": format!("u{number}"), "messageId": format!("i{number}"),
            "traits": {"points": (number * 37) % 100}})
    };
    for some in (0..count).collect::<Vec<_>>().chunks(200) {
        happen(&world, &key, some.iter().map(|number| identify(*number)).collect()).await;
    }
    world.clock.advance(Timestamp::HOUR);
    let experiment = json!({"name": "Voucher", "kind": "experiment", "variants": [
        {"key": "none", "weight": 1, "value": false, "is_control": true}, {"key": "voucher", "weight": 1, "value": true}],
        "primary": {"key": "conversion", "name": "buyers"}});
    let made =
        call(&world, &owner, Method::POST, "/api/v1/experiments", json!({"key": "try", "design": experiment})).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text());
    let body = json!({"act": "start", "version": 1});
    assert_eq!(call(&world, &owner, Method::POST, "/api/v1/experiments/try/act", body).await.status, StatusCode::OK);
    let mut orders = Vec::new();
    for number in 0..count {
        let bearer = format!("Bearer {key}");
        let body = json!({"context": {"targetingKey": format!("u{number}")}}).to_string();
        let answer =
            world.request(Method::POST, "/ofrep/v1/evaluate/flags/try", &[("authorization", &bearer)], body).await;
        // Who has few points orders anyway, so that the plain response model is misled.
        let points = (number * 37) % 100;
        let gains = points >= 60 && (number / 100) % 5 != 0 && answer.json()["variant"] == "voucher";
        if gains || points < 30 {
            orders.push(order(&format!("o{number}"), &format!("u{number}")));
        }
    }
    world.clock.advance(Timestamp::HOUR);
    for some in orders.chunks(200) {
        happen(&world, &key, some.to_vec()).await;
    }
    let policy = json!({"name": "Voucher where it works", "kind": "uplift", "experiment": "try", "features": ["trait.points", "trait.nothing"],
        "arms": [{"key": "none"}, {"key": "voucher", "cost": 0.4}], "reward": {"metric": "conversion", "hours": 24}});
    let made = call(&world, &owner, Method::POST, POLICIES, json!({"key": "offer", "design": policy})).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text());
    let (_stop, stopped) = watch::channel(false);
    // Nobody's day is over yet.
    assert!(effects::work(&world.app.installation, &stopped).await.unwrap());
    let shown = get(&world, &owner, &format!("{POLICIES}/offer/readout")).await;
    assert!(shown["effects"].is_null() && shown["refused"].is_string(), "{shown}");
    world.clock.advance(2 * Timestamp::DAY);
    let asked = call(&world, &owner, Method::POST, &format!("{POLICIES}/offer/learn"), json!({})).await;
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.text());
    assert!(effects::work(&world.app.installation, &stopped).await.unwrap());
    let shown = get(&world, &owner, &format!("{POLICIES}/offer/readout")).await;
    assert_eq!((&shown["effects"]["way"], &shown["effects"]["people"]), (&json!("effects"), &json!(count)), "{shown}");

    act(&world, &owner, "offer", json!({"act": "start", "version": 1})).await;
    launch(&world, &owner, json!({"name": "Offer", "definition": choosing(["none", "voucher"])})).await;
    let sign_up = |number: usize| track(&format!("s{number}"), &format!("u{number}"), "Signed Up", json!({}));
    happen(&world, &key, (0..100).map(sign_up).collect()).await;
    let all = open(&world).await;
    assert_eq!(all.len(), 100);
    for (row, user) in &all {
        let number: usize = user[1..].parse().unwrap();
        let (points, voucher) = ((number * 37) % 100, row.chances.0.arms[1].1);
        assert_eq!(row.chances.0.features[0], Some(points as f64));
        if !(55..65).contains(&points) {
            assert_eq!(voucher, if points >= 60 { 0.95 } else { 0.05 }, "{user} {points}");
        }
    }

    // A slot chooses by the same effects.
    let variant = |arm: &str| json!({"arm": arm, "show": {"products": {"method": "popular", "limit": 1}}});
    let definition = json!({"policy": "offer", "variants": [variant("none"), variant("voucher"), {"show": "nothing"}]});
    let slot = json!({"name": "Hero", "definition": definition});
    let saved = call(&world, &owner, Method::PUT, "/api/v1/slots/hero", slot).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    let agreed = json!({"channel": "in_app", "method": "form"});
    let agree = |number: usize| track(&format!("c{number}"), &format!("u{number}"), "Consent Granted", agreed.clone());
    happen(&world, &key, (0..20).map(agree).collect()).await;
    let mut shown = BTreeMap::new();
    for number in 0..20 {
        let user = format!("u{number}");
        let hash = proof(&world, &owner, &user).await;
        let answer = world.get(&format!("/v1/slots/hero?writeKey={key}&userId={user}&userHash={hash}"), &[]).await;
        assert_eq!((answer.status, &answer.json()["reason"]), (StatusCode::OK, &json!("chosen")), "{}", answer.text());
        shown.insert(user, answer.json()["variant"].as_u64().unwrap());
    }
    let of_slot = open(&world).await.into_iter().filter(|it| it.0.subject == "slot:hero");
    let of_slot: Vec<(DecisionRow, String)> = of_slot.collect();
    assert_eq!(of_slot.len(), 20);
    for (row, user) in &of_slot {
        let number: usize = user[1..].parse().unwrap();
        let (points, voucher) = ((number * 37) % 100, row.chances.0.arms[1].1);
        assert_eq!(shown[user], u64::from(row.arm == "voucher"), "{user}");
        if !(55..65).contains(&points) {
            assert_eq!(voucher, if points >= 60 { 0.95 } else { 0.05 }, "{user} {points}");
        }
    }
}

/// The voucher brings orders of those who have many points, and keeps those from ordering who have few.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contextual_policy_learns_which_arm_is_for_whom() {
    let world = World::with(&LONG).await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Web", None).await;
    let points = |number: usize| (number * 37) % 100;
    let identify = |number: usize| {
        json!({"type": "identify", "userId": format!("u{number}"), "messageId": format!("i{number}"),
            "traits": {"points": points(number)}})
    };
    happen(&world, &key, (0..180).map(identify).collect()).await;
    let mut by_points = design();
    by_points["kind"] = json!("contextual");
    by_points["features"] = json!(["trait.points"]);
    started(&world, &owner, "offer", by_points).await;
    launch(&world, &owner, json!({"name": "Offer", "definition": choosing(["none", "voucher"])})).await;
    let sign_up = |round: u32| {
        move |number: usize| track(&format!("s{number}-{round}"), &format!("u{number}"), "Signed Up", json!({}))
    };
    happen(&world, &key, (0..180).map(sign_up(1)).collect()).await;
    let number = |user: &str| user[1..].parse::<usize>().unwrap();
    let all = open(&world).await;
    assert_eq!(all.len(), 180);
    for (row, user) in &all {
        let known = row.chances.0.features[0];
        assert_eq!((row.propensity, known), (0.5, Some(points(number(user)) as f64)), "{user}");
    }
    world.clock.advance(Timestamp::HOUR);
    let ordered = all.iter().filter(|(row, user)| (points(number(user)) >= 50) == (row.arm == "voucher"));
    happen(&world, &key, ordered.map(|(_, user)| order(&format!("o-{user}"), user)).collect()).await;
    // Their week is over, and the hour for what is on its way.
    world.clock.advance(7 * Timestamp::DAY + Timestamp::HOUR);
    assert_eq!(settling::settle(&world.app.installation).await.unwrap(), 180);

    happen(&world, &key, (0..100).map(sign_up(2)).collect()).await;
    let again = open(&world).await;
    assert_eq!(again.len(), 100);
    for (row, user) in &again {
        let (points, voucher) = (points(number(user)), row.chances.0.arms[1].1);
        let is_learnt = if points >= 70 { voucher > 0.9 } else { points > 30 || voucher < 0.1 };
        assert!(is_learnt, "{user} {points} {voucher}");
    }
    let right = again.iter().filter(|(row, user)| (points(number(user)) >= 50) == (row.arm == "voucher")).count();
    assert!(right > 75, "{right}");
    let shown = get(&world, &owner, &format!("{POLICIES}/offer/readout")).await;
    assert_eq!((&shown["rewards"], &shown["waiting"]), (&json!(180), &json!(100)), "{shown}");
}

#[tokio::test]
async fn hostile_designs_and_wrong_roles_are_refused() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let with = |key: &str, value: Value| {
        let mut it = design();
        it[key] = value;
        json!({"key": "offer", "design": it})
    };
    for (body, word) in [
        (with("reward", json!({"metric": "happiness", "hours": 24})), "design.reward.metric"),
        (with("reward", json!({"metric": "order_value", "hours": 24})), "design.reward.metric"),
        (with("reward", json!({"metric": "conversion", "hours": 0})), "reward.hours"),
        (with("arms", json!([{"key": "a"}])), "arms"),
        (with("arms", json!([{"key": "a"}, {"key": "a\n"}])), "arms[1].key"),
        (with("floor", json!(0.7)), "floor"),
        (with("magic", json!(1)), "magic"),
        (with("kind", json!("uplift")), "design.features"),
        (json!({"key": "Offer!", "design": design()}), "key"),
    ] {
        let answer = call(&world, &owner, Method::POST, POLICIES, body).await;
        let plain = word.trim_start_matches("design.");
        assert!(answer.status.is_client_error() && answer.text().contains(plain), "{word}: {}", answer.text());
    }
    let rows = get(&world, &owner, POLICIES).await;
    assert_eq!(rows["rows"], json!([]), "nothing was kept");
    started(&world, &owner, "offer", design()).await;
    let taken = call(&world, &owner, Method::POST, POLICIES, json!({"key": "offer", "design": design()})).await;
    assert_eq!(taken.status, StatusCode::UNPROCESSABLE_ENTITY);
    let stale =
        call(&world, &owner, Method::PUT, &format!("{POLICIES}/offer"), json!({"version": 1, "design": design()}))
            .await;
    assert_eq!(stale.status, StatusCode::CONFLICT, "{}", stale.text());
    let learn = call(&world, &owner, Method::POST, &format!("{POLICIES}/offer/learn"), json!({})).await;
    assert_eq!(learn.status, StatusCode::UNPROCESSABLE_ENTITY);
    for path in ["gone", "gone/readout"] {
        assert_eq!(world.get(&format!("{POLICIES}/{path}"), &owner.reads()).await.status, StatusCode::NOT_FOUND);
    }
    let viewer = world.browser(Role::Viewer).await;
    assert_eq!(world.get(POLICIES, &viewer.reads()).await.status, StatusCode::OK);
    for (method, path, body) in [
        (Method::POST, POLICIES.to_owned(), json!({"key": "b", "design": design()})),
        (Method::PUT, format!("{POLICIES}/offer"), json!({"version": 2, "design": design()})),
        (Method::POST, format!("{POLICIES}/offer/act"), json!({"act": "pause", "version": 2})),
        (Method::POST, format!("{POLICIES}/offer/learn"), json!({})),
    ] {
        assert_eq!(call(&world, &viewer, method, &path, body).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    settle(&world).await;
}
