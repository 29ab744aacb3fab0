//! Points that members send each other, from the API to both timelines: by number and as a gift by code, who may, guessing, what tiers make of it, and what people see of it.

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_loyalty::verify::verify;
use rapport_server::auth::Role;
use rapport_server::records::workspaces::FIRST;
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, only_person, person, settle, world};
use crate::sink::{Manner, Sink};
use crate::world::{Answer, Browser, World};

const TRANSFERS: &str = "/api/v1/loyalty/transfers";
const CLAIM: &str = "/api/v1/loyalty/transfers/claim";

async fn post(world: &World, who: &Browser, path: &str, body: Value) -> Answer {
    call(world, who, Method::POST, path, body).await
}

async fn ok(world: &World, who: &Browser, path: &str, body: Value) -> Value {
    let answer = post(world, who, path, body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()
}

fn refused(answer: &Answer, status: StatusCode, code: &str) {
    assert_eq!((answer.status, answer.json()["code"].as_str()), (status, Some(code)), "{}", answer.text());
}

struct Club {
    world: World,
    owner: Browser,
    people: [String; 2],
    members: [String; 2],
}

/// A programme with a ladder by points; Ann has five hundred, Bob none.
async fn founded(sink: &Sink, transfers: Value) -> Club {
    let (world, owner, key) = world(sink).await;
    let ladder = json!({"key": "club", "name": "Club", "measures": [{"key": "points", "name": "Points", "counts": {"kind": "points"}}],
        "tiers": [{"key": "insider", "name": "Insider", "needs": {"measure": "points", "at_least": 200}}]});
    let mut program = json!({"name": "Trail club", "zone": "Europe/Berlin", "currency": "EUR", "ladders": [ladder],
        "wallets": [{"key": "points", "name": "Points"}]});
    if !transfers.is_null() {
        program["transfers"] = transfers;
    }
    let body = json!({"version": 0, "program": program});
    let saved = call(&world, &owner, Method::PUT, "/api/v1/loyalty/program", body).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    world.clock.advance(Timestamp::HOUR);
    let (mut people, mut members) = (Vec::new(), Vec::new());
    for (number, name) in [(1, "ann"), (2, "bob")] {
        happen(&world, &key, person(number, &format!("{name}@example.com"))).await;
        let who = only_person(&world, &owner, name).await;
        let member = ok(&world, &owner, "/api/v1/loyalty/members", json!({"person_id": who})).await;
        members.push(member["member_id"].as_str().unwrap().to_owned());
        people.push(who);
    }
    let earn = json!({"operations": [{"id": "e1", "member_id": members[0], "act": {"kind": "earn", "amount": 500}}]});
    ok(&world, &owner, "/api/v1/loyalty/operations", earn).await;
    Club { world, owner, people: people.try_into().unwrap(), members: members.try_into().unwrap() }
}

impl Club {
    async fn has(&self, who: usize) -> (i64, i64) {
        let found = get(&self.world, &self.owner, &format!("/api/v1/loyalty/members/{}", self.members[who])).await;
        let wallet = &found["wallets"][0];
        (wallet["available"].as_i64().unwrap_or(0), wallet["held"].as_i64().unwrap_or(0))
    }

    async fn timeline(&self, who: usize) -> String {
        get(&self.world, &self.owner, &format!("/api/v1/customers/{}/timeline?limit=50", self.people[who]))
            .await
            .to_string()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn points_are_sent_undone_and_told_to_both() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let club = founded(&sink, json!({"wallets": ["points"], "least": 10, "most": 400})).await;
    let (world, owner, [ann, bob]) = (&club.world, &club.owner, &club.members);
    let sent = json!({"id": "t1", "member_id": ann, "to_member_id": bob, "points": 300, "reason": "for Zebrafish"});
    let done = ok(world, owner, TRANSFERS, sent.clone()).await;
    assert_eq!((&done["state"], &done["arrived"], &done["code"]), (&json!("done"), &json!(300), &json!(null)));
    assert_eq!(ok(world, owner, TRANSFERS, sent.clone()).await, done, "told again it is the same");
    let mut other = sent;
    other["points"] = json!(301);
    refused(&post(world, owner, TRANSFERS, other).await, StatusCode::CONFLICT, "id_reused");
    let ask =
        |id: &str, points: i64, to: &str| json!({"id": id, "member_id": ann, "to_member_id": to, "points": points});
    let hostile = [
        (ask("h1", 0, bob), StatusCode::UNPROCESSABLE_ENTITY, "amount_zero"),
        (ask("h2", -4, bob), StatusCode::UNPROCESSABLE_ENTITY, "amount_negative"),
        (ask("h3", 9, bob), StatusCode::UNPROCESSABLE_ENTITY, "transfer_below_least"),
        (ask("h4", i64::MAX, bob), StatusCode::UNPROCESSABLE_ENTITY, "transfer_above_most"),
        (ask("h5", 250, bob), StatusCode::CONFLICT, "insufficient_points"),
        (ask("h6", 20, ann), StatusCode::UNPROCESSABLE_ENTITY, "transfer_to_self"),
        (ask("h7", 20, "77"), StatusCode::NOT_FOUND, "transfer_receiver_unknown"),
        (ask("h8", 20, "nobody"), StatusCode::NOT_FOUND, "transfer_receiver_unknown"),
        (json!({"id": "h9", "member_id": ann, "points": 20}), StatusCode::CONFLICT, "transfer_gifts_off"),
    ];
    for (body, status, code) in hostile {
        refused(&post(world, owner, TRANSFERS, body).await, status, code);
    }
    assert_eq!((club.has(0).await, club.has(1).await), ((200, 0), (300, 0)), "nothing was posted");

    // What Bob got makes no tier; what Ann earned stays hers for hers.
    settle(world).await;
    let tiers = |member: &str| format!("/api/v1/loyalty/members/{member}/tiers");
    let (hers, his) = (get(world, owner, &tiers(ann)).await, get(world, owner, &tiers(bob)).await);
    assert_eq!((&hers["rows"][0]["tier"], &his["rows"][0]["tier"]), (&json!("insider"), &json!(null)), "{hers} {his}");
    let (sender, receiver) = (club.timeline(0).await, club.timeline(1).await);
    assert!(sender.contains("Points Transferred") && receiver.contains("Points Received"), "{sender} {receiver}");

    // Agents send for members and do not undo; whoever only looks does neither.
    let (agent, viewer) = (world.browser(Role::Agent).await, world.browser(Role::Viewer).await);
    let again = ok(world, &agent, TRANSFERS, ask("a1", 10, bob)).await;
    assert_eq!(post(world, &viewer, TRANSFERS, ask("v1", 10, bob)).await.status, StatusCode::FORBIDDEN);
    let undo = |row: &Value| format!("{TRANSFERS}/{}/reversed", row["transfer_id"].as_str().unwrap());
    let why = json!({"reason": "to the wrong Bob"});
    assert_eq!(post(world, &agent, &undo(&again), why.clone()).await.status, StatusCode::FORBIDDEN);
    let silent = post(world, owner, &undo(&again), json!({"reason": " "})).await;
    refused(&silent, StatusCode::UNPROCESSABLE_ENTITY, "invalid_value");
    let back = ok(world, owner, &undo(&again), why.clone()).await;
    assert_eq!((&back["state"], &back["returned"]), (&json!("reversed"), &json!(10)));
    assert_eq!(ok(world, owner, &undo(&again), why.clone()).await, back, "told again it is the same");
    let none = post(world, owner, &format!("{TRANSFERS}/trf_none/reversed"), why).await;
    refused(&none, StatusCode::NOT_FOUND, "transfer_unknown");
    assert_eq!((club.has(0).await, club.has(1).await), ((200, 0), (300, 0)));
    let list = get(world, owner, &format!("/api/v1/loyalty/members/{bob}/transfers")).await;
    assert_eq!(list["rows"].as_array().unwrap().len(), 5, "two that arrived, and three that were refused: {list}");
    let named = |it: &Value| it["member_name"].is_string() && it["to_member_name"].is_string();
    assert!(list["rows"].as_array().unwrap().iter().all(named), "{list}");

    // Each sees their own side; words go with whoever wrote them.
    let access = |who: usize| format!("/api/v1/customers/{}/access", club.people[who]);
    let shown = ok(world, owner, &access(0), json!(null)).await["tables"]["loyalty_transfers"].clone();
    assert!(shown.to_string().contains("Zebrafish") && !shown.to_string().contains(bob.as_str()), "{shown}");
    let shown = ok(world, owner, &access(1), json!(null)).await["tables"]["loyalty_transfers"].clone();
    assert!(shown.to_string().contains("receiver") && !shown.to_string().contains("Zebrafish"), "{shown}");
    ok(world, owner, &format!("/api/v1/customers/{}/erasure", club.people[0]), json!({})).await;
    let left = get(world, owner, TRANSFERS).await;
    assert!(!left.to_string().contains("Zebrafish") && left.to_string().contains("300"), "{left}");
    assert_eq!(verify(&mut world.app.installation.store.read(), FIRST).await.unwrap().findings, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gift_waits_for_whoever_has_its_code() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let club = founded(&sink, json!({"wallets": ["points"], "claim_days": 3})).await;
    let (world, owner, [ann, bob]) = (&club.world, &club.owner, &club.members);
    let gift = |id: &str| json!({"id": id, "member_id": ann, "points": 50});
    let made = ok(world, owner, TRANSFERS, gift("g1")).await;
    let code = made["code"].as_str().unwrap().to_owned();
    assert_eq!(ok(world, owner, TRANSFERS, gift("g1")).await["code"], code, "an answer that was lost comes again");
    let path = format!("{TRANSFERS}/{}", made["transfer_id"].as_str().unwrap());
    assert_eq!(get(world, owner, &path).await["code"], json!(null), "nobody else reads it");
    assert_eq!(club.has(0).await, (450, 50));
    let claim = |code: &str| json!({"code": code, "member_id": bob});
    let claimed = ok(world, owner, CLAIM, claim(&code.to_lowercase())).await;
    assert_eq!(
        (&claimed["state"], &claimed["to_member_id"], &claimed["code"]),
        (&json!("claimed"), &json!(bob), &json!(null))
    );
    assert_eq!(ok(world, owner, CLAIM, claim(&code)).await, claimed, "told again it is the same");
    let own = json!({"code": code, "member_id": ann});
    refused(&post(world, owner, CLAIM, own).await, StatusCode::CONFLICT, "gift_claimed");
    refused(&post(world, owner, &format!("{path}/cancelled"), json!({})).await, StatusCode::CONFLICT, "gift_claimed");

    // Called off, and not claimed in time.
    let off = ok(world, owner, TRANSFERS, gift("g2")).await;
    let path = format!("{TRANSFERS}/{}/cancelled", off["transfer_id"].as_str().unwrap());
    refused(&post(world, owner, &path, json!({"member_id": bob})).await, StatusCode::NOT_FOUND, "transfer_unknown");
    assert_eq!(ok(world, owner, &path, json!({"member_id": ann})).await["state"], "cancelled");
    let answer = post(world, owner, CLAIM, claim(off["code"].as_str().unwrap())).await;
    refused(&answer, StatusCode::CONFLICT, "gift_cancelled");
    let late = ok(world, owner, TRANSFERS, gift("g3")).await;
    world.clock.advance(3 * Timestamp::DAY);
    let answer = post(world, owner, CLAIM, claim(late["code"].as_str().unwrap())).await;
    refused(&answer, StatusCode::CONFLICT, "gift_timed_out");
    assert_eq!((club.has(0).await, club.has(1).await), ((450, 0), (50, 0)));
    settle(world).await;
    let events = club.timeline(0).await;
    for name in ["Gift Made", "Gift Claimed", "Gift Cancelled", "Points Transferred"] {
        assert!(events.contains(name), "{name}: {events}");
    }
    assert!(!events.contains(&code), "{events}");

    // Whoever guesses is stopped, also with a right code; others are not.
    let open = ok(world, owner, TRANSFERS, gift("g4")).await["code"].as_str().unwrap().to_owned();
    for _ in 0..20 {
        refused(&post(world, owner, CLAIM, claim("NOSUCHCODE")).await, StatusCode::NOT_FOUND, "gift_code_unknown");
    }
    refused(&post(world, owner, CLAIM, claim(&open)).await, StatusCode::TOO_MANY_REQUESTS, "too_many_tries");
    let own = json!({"code": open, "member_id": ann});
    refused(&post(world, owner, CLAIM, own).await, StatusCode::UNPROCESSABLE_ENTITY, "transfer_to_self");
    let typo = json!({"code": "R23456789ABC", "member_id": ann});
    refused(&post(world, owner, CLAIM, typo).await, StatusCode::UNPROCESSABLE_ENTITY, "gift_code_mistyped");
    let nobody = json!({"code": open, "member_id": "12"});
    refused(&post(world, owner, CLAIM, nobody).await, StatusCode::NOT_FOUND, "transfer_receiver_unknown");
    world.clock.advance(10 * Timestamp::MINUTE);
    assert_eq!(ok(world, owner, CLAIM, claim(&open)).await["state"], "claimed");
    let viewer = world.browser(Role::Viewer).await;
    assert_eq!(post(world, &viewer, CLAIM, claim(&open)).await.status, StatusCode::FORBIDDEN);
    assert_eq!(verify(&mut world.app.installation.store.read(), FIRST).await.unwrap().findings, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_sends_points_unless_the_programme_says_so() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let club = founded(&sink, json!(null)).await;
    let (world, owner, [ann, bob]) = (&club.world, &club.owner, &club.members);
    let asked = json!({"id": "t1", "member_id": ann, "to_member_id": bob, "points": 10});
    refused(&post(world, owner, TRANSFERS, asked.clone()).await, StatusCode::CONFLICT, "transfers_off");
    let saved = get(world, owner, "/api/v1/loyalty/program").await;
    let mut program = saved["program"].clone();
    program["transfers"] = json!({"wallets": ["gold"]});
    let wrong = json!({"version": 1, "program": program});
    let answer = call(world, owner, Method::PUT, "/api/v1/loyalty/program", wrong).await;
    assert!(answer.text().contains("transfers.wallets[0]"), "{}", answer.text());
    program["transfers"] = json!({"wallets": ["points"]});
    let right = json!({"version": 1, "program": program});
    assert_eq!(call(world, owner, Method::PUT, "/api/v1/loyalty/program", right).await.status, StatusCode::OK);
    assert_eq!(ok(world, owner, TRANSFERS, asked).await["state"], "done", "the refusal used nothing up");
}
