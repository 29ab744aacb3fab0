//! What users may give and take alone, by every way that moves points by hand: acts of the ledger, gift cards, files from elsewhere, what lapsed, transfers undone. Programs with a key have no limit.

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_loyalty::verify::verify;
use rapport_server::auth::{Role, Scope};
use rapport_server::points::jurisdictions;
use rapport_server::records::workspaces::FIRST;
use rapport_store::Slice;
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, only_person, person, world};
use crate::sink::{Manner, Sink};
use crate::world::{Answer, Browser, World};

const OPERATIONS: &str = "/api/v1/loyalty/operations";
const CARDS: &str = "/api/v1/loyalty/gift-cards";
const IMPORTS: &str = "/api/v1/loyalty/imports";
const TRANSFERS: &str = "/api/v1/loyalty/transfers";
/// When nothing of these tests lapses any more.
const LATE: &str = "2099-01-01T00:00:00Z";

struct Club {
    world: World,
    owner: Browser,
    /// The header of a program that may post.
    program: String,
    /// Where its events go in.
    write_key: String,
    ann: String,
    bob: String,
}

/// A programme in which owners change a hundred points alone, and five stamps; Ann and Bob are members.
async fn founded(sink: &Sink) -> Club {
    let (world, owner, write_key) = world(sink).await;
    save(&world, &owner, 0, json!([])).await;
    world.clock.advance(Timestamp::HOUR);
    let mut members = Vec::new();
    for (number, name) in [(1, "ann"), (2, "bob")] {
        happen(&world, &write_key, person(number, &format!("{name}@example.com"))).await;
        let who = only_person(&world, &owner, name).await;
        let member = call(&world, &owner, Method::POST, "/api/v1/loyalty/members", json!({"person_id": who})).await;
        members.push(member.json()["member_id"].as_str().unwrap().to_owned());
    }
    let [ann, bob]: [String; 2] = members.try_into().unwrap();
    let program = format!("Bearer {}", world.api_key(&[Scope::Write], None).await);
    Club { world, owner, program, write_key, ann, bob }
}

async fn save(world: &World, owner: &Browser, version: i64, jurisdictions: Value) {
    let alone = json!([{"role": "owner", "most": 100}, {"role": "owner", "wallet": "stamps", "most": 5}]);
    let program = json!({"name": "Trail club", "zone": "UTC", "currency": "EUR", "staff": {"alone": alone}, "jurisdictions": jurisdictions,
        "transfers": {"wallets": ["points"], "least": 10, "most": 400},
        "wallets": [{"key": "points", "name": "Points", "expiry": {"kind": "after", "count": 100, "unit": "days"}}, {"key": "stamps", "name": "Stamps"}]});
    let body = json!({"version": version, "program": program});
    let saved = call(world, owner, Method::PUT, "/api/v1/loyalty/program", body).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
}

impl Club {
    async fn by_owner(&self, path: &str, body: Value) -> Answer {
        call(&self.world, &self.owner, Method::POST, path, body).await
    }

    async fn by_program(&self, path: &str, body: Value) -> Answer {
        let headers = [("authorization", self.program.as_str()), ("content-type", "application/json")];
        self.world.request(Method::POST, path, &headers, body.to_string()).await
    }

    async fn available(&self, member: &str) -> i64 {
        let found = get(&self.world, &self.owner, &format!("/api/v1/loyalty/members/{member}")).await;
        found["wallets"][0]["available"].as_i64().unwrap_or(0)
    }

    async fn is_sound(&self) {
        assert_eq!(verify(&mut self.world.app.installation.store.read(), FIRST).await.unwrap().findings, []);
    }
}

fn done(answer: &Answer) -> Value {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()
}

/// The answer to more than somebody may alone, which says what to do instead.
fn needs_approval(answer: &Answer) {
    let said = answer.json();
    assert_eq!((answer.status, &said["code"]), (StatusCode::CONFLICT, &json!("change_needs_approval")), "{said}");
    assert!(said["detail"].as_str().unwrap().contains("ask for it as a change"), "{said}");
}

fn list(operations: &[Value]) -> Value {
    json!({"operations": operations})
}

fn act(id: &str, member: &str, act: Value) -> Value {
    json!({"id": id, "member_id": member, "act": act})
}

fn earn(amount: i64) -> Value {
    json!({"kind": "earn", "amount": amount})
}

fn hold(amount: i64) -> Value {
    json!({"kind": "hold", "amount": amount, "until": LATE})
}

fn on(kind: &str, hold: &str) -> Value {
    json!({"kind": kind, "hold": hold})
}

/// What happened: Ann earned five thousand, spent four hundred, and five hundred are set aside.
async fn happened(club: &Club) {
    let ann = &club.ann;
    let spend = json!({"kind": "spend", "amount": 400});
    let posted = [act("e1", ann, earn(5000)), act("s1", ann, spend), act("h1", ann, hold(500))];
    done(&club.by_program(OPERATIONS, list(&posted)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_act_of_the_ledger_goes_round_the_limit() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let club = founded(&sink).await;
    happened(&club).await;
    let (ann, bob) = (club.ann.as_str(), club.bob.as_str());
    let reverse = |of: &str| json!({"kind": "reverse", "of": of});
    let acts = [
        earn(101),
        json!({"kind": "spend", "amount": 101}),
        json!({"kind": "adjust", "amount": -101}),
        json!({"kind": "transfer", "to_member_id": bob, "amount": 101}),
        hold(101),
        on("capture", "h1"),
        // The rest of the hold would come back.
        json!({"kind": "capture", "hold": "h1", "amount": 1}),
        on("release", "h1"),
        reverse("e1"),
        reverse("s1"),
        json!({"kind": "reverse", "of": "s1", "amount": 101}),
        json!({"kind": "reverse", "of": "s1", "refunded": 30, "total": 100}),
        json!({"kind": "extend", "expires_at": LATE}),
        json!({"kind": "forfeit"}),
    ];
    for (at, it) in acts.into_iter().enumerate() {
        needs_approval(&club.by_owner(OPERATIONS, list(&[act(&format!("one{at}"), ann, it)])).await);
    }
    let part = json!({"kind": "reverse", "of": "s1", "amount": 41});
    let lists = [
        vec![act("l1", ann, earn(60)), act("l2", ann, earn(60))],
        vec![act("l1", ann, earn(60)), act("l2", bob, earn(60))],
        vec![act("l1", ann, earn(60)), act("l2", ann, json!({"kind": "spend", "amount": 60}))],
        vec![act("l1", ann, earn(60)), act("l2", ann, reverse("l1"))],
        vec![act("l1", ann, hold(60)), act("l2", ann, on("capture", "l1")), act("l3", ann, earn(41))],
        vec![act("l1", ann, hold(60)), act("l2", ann, part)],
        // What was held before is not held by saying so again.
        vec![act("h1", ann, hold(500)), act("l2", ann, on("capture", "h1"))],
    ];
    for it in lists {
        needs_approval(&club.by_owner(OPERATIONS, list(&it)).await);
    }
    let stamps = |amount: i64| json!({"id": "w1", "member_id": ann, "wallet": "stamps", "act": earn(amount)});
    needs_approval(&club.by_owner(OPERATIONS, list(&[stamps(6)])).await);
    let admin = club.world.browser(Role::Admin).await;
    let by_admin = call(&club.world, &admin, Method::POST, OPERATIONS, list(&[act("a1", ann, hold(1))])).await;
    needs_approval(&by_admin);
    assert_eq!((club.available(ann).await, club.available(bob).await), (4100, 0), "nothing was posted");

    // Each wallet has its own limit.
    done(&club.by_owner(OPERATIONS, list(&[act("w2", ann, earn(100)), stamps(5)])).await);
    club.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_acts_are_done_below_the_limit_and_by_programs() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let club = founded(&sink).await;
    happened(&club).await;
    let (ann, bob) = (club.ann.as_str(), club.bob.as_str());
    let below = [
        vec![act("b1", ann, hold(50)), act("b2", ann, on("capture", "b1")), act("b3", ann, earn(50))],
        vec![act("b4", ann, hold(100))],
        vec![act("b5", ann, on("release", "b4"))],
        vec![act("b6", ann, json!({"kind": "reverse", "of": "s1", "amount": 100}))],
        // Two hundred in all, of which a hundred were undone already.
        vec![act("b7", ann, json!({"kind": "reverse", "of": "s1", "refunded": 50, "total": 100}))],
        vec![act("b8", bob, earn(40))],
        vec![act("b9", bob, json!({"kind": "extend", "expires_at": LATE}))],
        vec![act("b10", bob, json!({"kind": "forfeit"}))],
        // Nothing is there any more.
        vec![act("b11", bob, json!({"kind": "forfeit"}))],
    ];
    for it in below {
        let rows = done(&club.by_owner(OPERATIONS, list(&it)).await);
        assert_eq!(rows["rows"].as_array().unwrap().len(), it.len(), "{rows}");
    }
    assert_eq!((club.available(ann).await, club.available(bob).await), (4300, 0));
    let again = done(&club.by_owner(OPERATIONS, list(&[act("e1", ann, earn(5000))])).await);
    assert_eq!(again["rows"][0]["replayed"], true, "what moves nothing is answered: {again}");
    let unknown = club.by_owner(OPERATIONS, list(&[act("b12", ann, on("capture", "nothing"))])).await;
    assert_eq!((unknown.status, &unknown.json()["code"]), (StatusCode::NOT_FOUND, &json!("hold_unknown")));

    let by_program = [
        act("p1", ann, on("capture", "h1")),
        act("p2", ann, hold(300)),
        act("p3", ann, on("release", "p2")),
        act("p4", ann, json!({"kind": "reverse", "of": "s1"})),
        act("p5", ann, json!({"kind": "extend", "expires_at": LATE})),
        act("p6", ann, json!({"kind": "forfeit"})),
    ];
    done(&club.by_program(OPERATIONS, list(&by_program)).await);
    assert_eq!(club.available(ann).await, 0);
    club.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gift_cards_and_transfers_undone_have_the_limit_too() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let club = founded(&sink).await;
    happened(&club).await;
    let cards =
        |id: &str, count: i64, amount: i64| json!({"id": id, "wallet": "points", "count": count, "amount": amount});
    needs_approval(&club.by_owner(CARDS, cards("g1", 1, 101)).await);
    needs_approval(&club.by_owner(CARDS, cards("g1", 2, 51)).await);
    let own = done(&club.by_owner(CARDS, cards("g1", 2, 50)).await);
    let large = done(&club.by_program(CARDS, cards("g2", 2, 400)).await);
    let id = |made: &Value, at: usize| made["rows"][at]["gift_card"]["gift_card_id"].as_str().unwrap().to_owned();
    let (first, second) = (id(&own, 0), id(&own, 1));

    let top_ups = format!("{CARDS}/top-ups");
    let by_code = |id: &str, amount: i64| json!({"id": id, "code": own["rows"][0]["code"], "amount": amount});
    let by_id = |id: &str, amount: i64| json!({"id": id, "gift_card_id": first, "amount": amount});
    needs_approval(&club.by_owner(&top_ups, by_code("t1", 101)).await);
    needs_approval(&club.by_owner(&top_ups, by_id("t1", 101)).await);
    done(&club.by_owner(&top_ups, by_code("t1", 100)).await);
    done(&club.by_program(&top_ups, by_id("t2", 400)).await);

    let voided = |card: &str| format!("{CARDS}/{card}/voided");
    let why = json!({"reason": "lost"});
    needs_approval(&club.by_owner(&voided(&id(&large, 0)), why.clone()).await);
    needs_approval(&club.by_owner(&voided(&first), why.clone()).await);
    done(&club.by_owner(&voided(&second), why.clone()).await);
    done(&club.by_program(&voided(&id(&large, 0)), why.clone()).await);
    done(&club.by_owner(&voided(&id(&large, 0)), why.clone()).await);

    for (name, points) in [("small", 100), ("large", 300)] {
        let sent = json!({"id": name, "member_id": club.ann, "to_member_id": club.bob, "points": points});
        let sent = done(&club.by_owner(TRANSFERS, sent).await);
        let reversed = format!("{TRANSFERS}/{}/reversed", sent["transfer_id"].as_str().unwrap());
        if points > 100 {
            needs_approval(&club.by_owner(&reversed, why.clone()).await);
            done(&club.by_program(&reversed, why.clone()).await);
        }
        done(&club.by_owner(&reversed, why.clone()).await);
    }
    club.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_brings_no_more_than_its_sender_may_give() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let club = founded(&sink).await;
    let file = |source: &str, lines: &[(&str, i64)], dry_run: bool| {
        let line = |(who, points): &(&str, i64)| format!("{who}@example.com,{points},2026-01-10,never\n");
        let text = format!("mail,points,day,ends\n{}", lines.iter().map(line).collect::<String>());
        json!({"source": source, "text": text, "who_is": "email", "dry_run": dry_run,
            "columns": {"who": "mail", "points": "points", "at": "day", "expires_at": "ends"}})
    };
    let both = [("ann", 60), ("bob", 60)];
    needs_approval(&club.by_owner(IMPORTS, file("old", &[("ann", 101)], false)).await);
    needs_approval(&club.by_owner(IMPORTS, file("old", &both, false)).await);
    let tried = done(&club.by_owner(IMPORTS, file("old", &both, true)).await);
    assert_eq!(tried["points"], 120, "whoever only tries learns how much it would be: {tried}");
    assert_eq!((club.available(&club.ann).await, club.available(&club.bob).await), (0, 0), "nothing came in");

    // What is left of a history counts, not what came and went.
    let history = [("ann", 150), ("ann", -60)];
    let came = done(&club.by_owner(IMPORTS, file("old", &history, false)).await);
    assert_eq!((&came["points"], &came["wrong"]), (&json!(90), &json!(0)), "{came}");
    let came = done(&club.by_program(IMPORTS, file("older", &both, false)).await);
    assert_eq!((&came["points"], &came["members"]), (&json!(120), &json!(2)), "{came}");
    let again = done(&club.by_owner(IMPORTS, file("older", &both, false)).await);
    assert_eq!((&again["points"], &again["known"]), (&json!(0), &json!(2)), "the same file adds nothing: {again}");
    assert_eq!((club.available(&club.ann).await, club.available(&club.bob).await), (150, 60));
    club.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lapsed_is_given_back_within_the_limit() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let club = founded(&sink).await;
    let world = &club.world;
    done(&club.by_program(OPERATIONS, list(&[act("e1", &club.ann, earn(101))])).await);
    world.clock.advance(10 * Timestamp::DAY);
    done(&club.by_program(OPERATIONS, list(&[act("e2", &club.bob, earn(60))])).await);
    world.clock.advance(101 * Timestamp::DAY);
    world.app.installation.points.settle(FIRST, 100).await.unwrap();
    assert_eq!((club.available(&club.ann).await, club.available(&club.bob).await), (0, 0), "it lapsed");
    // The law of both was not known.
    for (number, name) in [(1, "ann"), (2, "bob")] {
        let traits = json!({"email": format!("{name}@example.com"), "region": "ON"});
        let user = format!("u{number}");
        let at_home = json!({"type": "identify", "userId": user, "messageId": format!("r{number}"), "traits": traits});
        happen(world, &club.write_key, vec![at_home]).await;
    }
    let lives = json!({"fact": {"key": "trait.region", "op": "equals", "value": "ON"}});
    save(
        world,
        &club.owner,
        1,
        json!([{"key": "ontario", "name": "Ontario", "when": lives, "no_expiry_by_time": true}]),
    )
    .await;
    while jurisdictions::settle(&world.app.installation, FIRST, &mut Slice::default()).await.unwrap() > 0 {}

    let path = "/api/v1/loyalty/jurisdictions/ontario/give-back";
    let ask = |since: &str, confirmed: bool| json!({"since": since, "confirmed": confirmed});
    let ever = "2000-01-01T00:00:00Z";
    let all = done(&club.by_owner(path, ask(ever, false)).await);
    let rows = all["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2, "whoever only looks is told: {all}");
    let of_bob = rows.iter().find(|row| row["points"] == 60).unwrap();
    let since = of_bob["lapsed_at"].as_str().unwrap();
    needs_approval(&club.by_owner(path, ask(ever, true)).await);
    assert_eq!((club.available(&club.ann).await, club.available(&club.bob).await), (0, 0), "nothing was given");
    let given = done(&club.by_owner(path, ask(since, true)).await);
    assert_eq!(given["rows"], json!([of_bob]));
    needs_approval(&club.by_owner(path, ask(ever, true)).await);
    done(&club.by_program(path, ask(ever, true)).await);
    assert_eq!((club.available(&club.ann).await, club.available(&club.bob).await), (101, 60));
    club.is_sound().await;
}
