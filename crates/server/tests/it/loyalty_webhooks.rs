//! What loyalty tells over webhooks: points, tiers and rewards, chosen by name, signed, in order, and again where it failed.

use axum::http::{Method, StatusCode};
use rapport_channels::outbound::signing;
use rapport_domain::{Clock, Timestamp};
use rapport_server::auth::Role;
use rapport_server::leaderboards;
use rapport_server::records::workspaces::FIRST;
use rapport_store::Slice;
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, only_person, person, settle, track, world};
use crate::members::receiver;
use crate::sink::{Manner, Sink};
use crate::world::{Browser, World};

const HOOKS: &str = "/api/v1/webhooks";

async fn done(world: &World, owner: &Browser, method: Method, path: &str, body: Value) -> Value {
    let answer = call(world, owner, method, path, body).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    answer.json()
}

/// A programme with a ladder by points, a rule, a reward, and Ann, who is no member yet.
async fn founded(sink: &Sink) -> (World, Browser, String) {
    let (world, owner, key) = world(sink).await;
    let ladder = json!({"key": "club", "name": "Club", "measures": [{"key": "points", "name": "Points", "counts": {"kind": "points"}}],
        "tiers": [{"key": "insider", "name": "Insider", "needs": {"measure": "points", "at_least": 100}}]});
    let program = json!({"name": "Club", "zone": "UTC", "currency": "EUR", "enrolment": {"by": "earning"},
        "wallets": [{"key": "points", "name": "Points"}], "ladders": [ladder]});
    let program = json!({"version": 0, "program": program});
    done(&world, &owner, Method::PUT, "/api/v1/loyalty/program", program).await;
    let rule = json!({"name": "A point for each euro", "event": "Order Completed", "gives": {"kind": "amount", "points": 1, "each": "1"}});
    let rule = json!({"version": 0, "state": "live", "rule": rule});
    done(&world, &owner, Method::PUT, "/api/v1/loyalty/rules/base", rule).await;
    let mug = json!({"name": "A mug", "gives": {"kind": "code"}, "prices": [{"points": 10}]});
    let mug = json!({"version": 0, "state": "live", "reward": mug});
    done(&world, &owner, Method::PUT, "/api/v1/loyalty/rewards/mug", mug).await;
    world.clock.advance(Timestamp::HOUR);
    happen(&world, &key, person(1, "ann@example.com")).await;
    (world, owner, key)
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let value = head.lines().filter_map(|line| line.split_once(':')).find(|(key, _)| key.eq_ignore_ascii_case(name));
    value.unwrap_or_else(|| panic!("{name} in {head}")).1.trim()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn points_tiers_and_rewards_are_told_by_name_in_order_and_signed() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = founded(&sink).await;
    let (url, mut received) = receiver(vec![500]).await;
    let hook = json!({"url": url, "events": ["reward.redeemed", "points.earned", "tier.reached"]});
    let hook = done(&world, &owner, Method::POST, HOOKS, hook).await;
    let secret = hook["secret"].as_str().unwrap().to_owned();
    let order = json!({"order_id": "o1", "subtotal": 120.0, "revenue": 120.0, "currency": "EUR"});
    happen(&world, &key, vec![track("m1", "u1", "Order Completed", order)]).await;
    let ann = only_person(&world, &owner, "ann").await;
    let member = get(&world, &owner, "/api/v1/loyalty/members").await["rows"][0]["member_id"].clone();
    let wanted = json!({"id": "r1", "member_id": member, "reward": "mug", "points": 10});
    let redeemed = done(&world, &owner, Method::POST, "/api/v1/loyalty/redemptions", wanted).await;
    let code = redeemed["codes"][0].as_str().unwrap();
    settle(&world).await;

    let installation = &world.app.installation;
    let send_due = async || rapport_server::webhooks::send_due(installation, true).await.unwrap();
    send_due().await;
    let (failed, _) = received.recv().await.unwrap();
    assert!(received.try_recv().is_err(), "nothing overtakes what failed");
    world.clock.advance(10 * Timestamp::SECOND);
    while send_due().await {}
    let mut told = Vec::new();
    while let Ok((head, body)) = received.try_recv() {
        let text = body.to_string();
        let of = |name: &str| header(&head, name);
        let (id, at, signatures) = (of("webhook-id"), of("webhook-timestamp"), of("webhook-signature"));
        signing::check(&secret, id, at, signatures, text.as_bytes(), world.clock.now()).unwrap();
        assert_eq!((&body["data"]["customer"], &body["data"]["member"]), (&json!(ann), &member), "{text}");
        assert!(!text.contains("ann@example.com") && !text.contains(code), "neither an address nor a code: {text}");
        told.push((id.to_owned(), body));
    }
    let types: Vec<&str> = told.iter().map(|(_, body)| body["type"].as_str().unwrap()).collect();
    assert_eq!(
        types,
        ["points.earned", "tier.reached", "reward.redeemed"],
        "in order, and nothing that was not chosen"
    );
    assert_eq!(told[0].0, header(&failed, "webhook-id"), "the same event keeps its id");
    let data = |place: usize| &told[place].1["data"];
    assert_eq!((&data(0)["wallet"], &data(0)["amount"]), (&json!("points"), &json!(120)), "the wallet by its key");
    assert_eq!((&data(1)["ladder"], &data(1)["tier"]), (&json!("club"), &json!("insider")));
    assert_eq!((&data(2)["reward"], &data(2)["points"]), (&json!("mug"), &json!(10)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn challenges_badges_and_leaderboards_are_told() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = founded(&sink).await;
    for badge in ["regular", "first"] {
        let body = json!({"version": 0, "state": "live", "badge": {"name": badge}});
        done(&world, &owner, Method::PUT, &format!("/api/v1/loyalty/badges/{badge}"), body).await;
    }
    let twice = json!({"name": "Two orders", "event": "Order Completed", "counts": {"kind": "times"},
        "steps": [{"target": 1}, {"target": 2, "badge": "regular"}]});
    let twice = json!({"version": 0, "state": "live", "challenge": twice});
    done(&world, &owner, Method::PUT, "/api/v1/loyalty/challenges/twice", twice).await;
    let week = json!({"name": "Week of buyers", "ranks": {"kind": "points"}, "period": {"kind": "week"},
        "prizes": [{"to_place": 1, "points": 500, "badge": "first"}]});
    let week = json!({"version": 0, "state": "live", "leaderboard": week});
    done(&world, &owner, Method::PUT, "/api/v1/loyalty/leaderboards/week", week).await;
    world.clock.advance(Timestamp::HOUR);
    let ann = only_person(&world, &owner, "ann").await;
    let member = done(&world, &owner, Method::POST, "/api/v1/loyalty/members", json!({"person_id": ann})).await;
    let member = member["member_id"].clone();
    let board = format!("/api/v1/loyalty/members/{}/leaderboards/week", member.as_str().unwrap());
    let (url, mut received) = receiver(Vec::new()).await;
    let events = json!([
        "challenge.progressed",
        "challenge.completed",
        "badge.received",
        "leaderboard.joined",
        "leaderboard.left",
        "leaderboard.won"
    ]);
    done(&world, &owner, Method::POST, HOOKS, json!({"url": url, "events": events})).await;

    done(&world, &owner, Method::POST, &format!("{board}/joined"), json!({"name": "Swift Fox"})).await;
    for number in [1, 2] {
        let order = json!({"order_id": format!("o{number}"), "subtotal": 30.0, "revenue": 30.0, "currency": "EUR"});
        happen(&world, &key, vec![track(&format!("m{number}"), "u1", "Order Completed", order)]).await;
    }
    world.clock.advance(8 * Timestamp::DAY);
    while leaderboards::settle(&world.app.installation, FIRST, &mut Slice::default()).await.unwrap() {}
    done(&world, &owner, Method::POST, &format!("{board}/left"), json!({})).await;
    settle(&world).await;
    while rapport_server::webhooks::send_due(&world.app.installation, true).await.unwrap() {}
    let mut told = Vec::new();
    while let Ok((_, body)) = received.try_recv() {
        assert_eq!((&body["data"]["customer"], &body["data"]["member"]), (&json!(ann), &member), "{body}");
        assert!(!body.to_string().contains("Swift Fox"), "a name that only the leaderboard shows: {body}");
        told.push(body);
    }
    let mut types: Vec<&str> = told.iter().map(|body| body["type"].as_str().unwrap()).collect();
    types.sort_unstable();
    let badge = "badge.received";
    let expected = [
        badge,
        badge,
        "challenge.completed",
        "challenge.progressed",
        "leaderboard.joined",
        "leaderboard.left",
        "leaderboard.won",
    ];
    assert_eq!(types, expected);
    let of = |name: &str| &told.iter().find(|body| body["type"] == name).unwrap()["data"];
    assert_eq!((&of("challenge.completed")["challenge"], &of(badge)["badge"]), (&json!("twice"), &json!("regular")));
    assert_eq!((&of("leaderboard.won")["place"], &of("leaderboard.won")["points"]), (&json!(1), &json!(500)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_there_is_can_be_chosen_and_only_by_who_may() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let wrong = json!({"url": "https://example.com/hook", "events": ["points.earned", "points.stolen"]});
    let refused = call(&world, &owner, Method::POST, HOOKS, wrong).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text());
    assert!(refused.text().contains("points.expiring") && refused.text().contains("tier.lost"), "{}", refused.text());
    let viewer = world.browser(Role::Viewer).await;
    let hook = json!({"url": "https://example.com/hook", "events": ["points.earned"]});
    assert_eq!(call(&world, &viewer, Method::POST, HOOKS, hook).await.status, StatusCode::FORBIDDEN);
    assert_eq!(get(&world, &owner, HOOKS).await["rows"], json!([]), "nothing was kept");
}
