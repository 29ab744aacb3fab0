//! The night work, whenever it comes: random months lived with it every few hours, twice each time, and only once at the end, in the order that is published, come to the same, on both
//! engines; and one night in which everything is due.

use std::collections::BTreeSet;
use std::sync::Mutex;

use axum::http::{Method, StatusCode};
use rapport_domain::{Rng, SeededRng, Timestamp};
use rapport_server::installation::MIGRATIONS;
use rapport_server::points;
use rapport_server::records::workspaces::FIRST;
use rapport_store::Engine;
use rapport_store::testing::{TestDatabase, on_postgres, on_sqlite};
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use crate::engaging::{call, get, happen, only_person, person, settle, track, world_over};
use crate::sink::{Manner, Sink};
use crate::world::{Browser, World};

/// Months that are lived.
const DAYS: i64 = 75;

/// When the night work comes.
#[derive(Clone, Copy, Debug)]
enum Night {
    /// Every so many hours, so often each time.
    Every(i64, usize),
    /// Only at the end.
    Late,
}

/// Something that somebody does on a day.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Buys(i64),
    Walks,
    Redeems,
}

fn story(seed: u64) -> Vec<(i64, usize, Deed)> {
    let rng = SeededRng::new(seed);
    let below = |most: u64| i64::try_from(rng.next_u64() % most).unwrap();
    let mut deeds: Vec<(i64, usize, Deed)> = (0..26)
        .map(|_| {
            let deed = match below(5) {
                0 | 1 => Deed::Buys(10 + below(90)),
                2 | 3 => Deed::Walks,
                _ => Deed::Redeems,
            };
            // In hours; days in a row, so that there are streaks.
            (below(u64::try_from(DAYS * 24 - 600).unwrap()), usize::try_from(below(2)).unwrap(), deed)
        })
        .collect();
    let walks: Vec<_> = deeds.iter().filter(|it| matches!(it.2, Deed::Walks)).copied().collect();
    deeds.extend(walks.iter().map(|it| (it.0 + 24, it.1, it.2)));
    deeds.sort_by_key(|it| it.0);
    deeds
}

async fn put(world: &World, owner: &Browser, path: &str, body: Value) {
    let saved = call(world, owner, Method::PUT, path, body).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
}

async fn founded(sink: &Sink, db: &TestDatabase) -> (World, Browser, String, [String; 2]) {
    let (world, owner, key) = world_over(sink, db).await;
    let ladder = json!({"key": "club", "name": "Club", "period": {"kind": "rolling", "count": 20, "unit": "days"},
        "measures": [{"key": "spend", "name": "Spent", "counts": {"kind": "spent"}}],
        "tiers": [{"key": "base", "name": "Base"}, {"key": "silver", "name": "Silver", "needs": {"measure": "spend", "at_least": "60"}},
            {"key": "gold", "name": "Gold", "needs": {"measure": "spend", "at_least": "150"}}]});
    let program = json!({"name": "Club", "zone": "America/New_York", "currency": "EUR", "ladders": [ladder], "wallets": [
        {"key": "points", "name": "Points", "pending": {"kind": "return_window", "days": 5}, "expiry": {"kind": "after", "count": 25, "unit": "days"}},
        {"key": "kept", "name": "Kept", "notice_days": 3, "expiry": {"kind": "inactivity", "count": 12, "unit": "days"}}]});
    put(&world, &owner, "/api/v1/loyalty/program", json!({"version": 0, "program": program})).await;
    for (name, wallet) in [("base", "points"), ("other", "kept")] {
        let rule = json!({"name": name, "event": "Order Completed", "wallet": wallet, "gives": {"kind": "amount", "points": 1, "each": "1"}});
        put(
            &world,
            &owner,
            &format!("/api/v1/loyalty/rules/{name}"),
            json!({"version": 0, "state": "live", "rule": rule}),
        )
        .await;
    }
    let tent =
        json!({"name": "A tent", "gives": {"kind": "delivered"}, "prices": [{"points": 12}], "fulfil_within_days": 4});
    put(&world, &owner, "/api/v1/loyalty/rewards/tent", json!({"version": 0, "state": "live", "reward": tent})).await;
    let walk = json!({"name": "Days", "event": "Walk Uploaded", "counts": {"kind": "in_a_row", "unit": "days"}, "steps": [{"target": 2, "points": 9}],
        "recurrence": {"kind": "always"}});
    put(&world, &owner, "/api/v1/loyalty/challenges/walk", json!({"version": 0, "state": "live", "challenge": walk}))
        .await;
    world.clock.advance(Timestamp::HOUR);
    let mut members = Vec::new();
    for (number, mail) in [(1, "ann@example.com"), (2, "bea@example.com")] {
        happen(&world, &key, person(number, mail)).await;
        let id = only_person(&world, &owner, &mail[..3]).await;
        let member =
            call(&world, &owner, Method::POST, "/api/v1/loyalty/members", json!({"person_id": id})).await.json();
        members.push(member["member_id"].as_str().unwrap().to_owned());
    }
    (world, owner, key, members.try_into().unwrap())
}

/// Lives a story, and says how everybody ends.
async fn live(db: &TestDatabase, seed: u64, night: Night) -> Value {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key, members) = founded(&sink, db).await;
    let (_stop, stop) = watch::channel(false);
    let works = async |times: usize| {
        for _ in 0..times {
            points::night(&world.app.installation, FIRST, &stop).await;
        }
    };
    let mut hour = 0;
    let deeds = story(seed);
    for (number, (at, who, deed)) in
        deeds.iter().copied().map(Some).chain([None]).map(|it| it.unwrap_or((DAYS * 24, 0, Deed::Walks))).enumerate()
    {
        while hour < at {
            let step = match night {
                Night::Every(hours, _) => hours.min(at - hour),
                Night::Late => at - hour,
            };
            world.clock.advance(step * Timestamp::HOUR);
            hour += step;
            if let Night::Every(_, times) = night {
                works(times).await;
            }
        }
        if number == deeds.len() {
            break;
        }
        let user = format!("u{}", who + 1);
        match deed {
            Deed::Buys(amount) => {
                let order =
                    json!({"order_id": format!("o{number}"), "subtotal": amount, "revenue": amount, "currency": "EUR"});
                happen(&world, &key, vec![track(&format!("m{number}"), &user, "Order Completed", order)]).await;
            }
            Deed::Walks => {
                happen(&world, &key, vec![track(&format!("m{number}"), &user, "Walk Uploaded", json!({}))]).await
            }
            Deed::Redeems => {
                let body = json!({"id": format!("r{number}"), "member_id": members[who], "reward": "tent"});
                let asked = call(&world, &owner, Method::POST, "/api/v1/loyalty/redemptions", body).await;
                assert!([StatusCode::OK, StatusCode::CONFLICT].contains(&asked.status), "{}", asked.text());
            }
        }
    }
    works(1).await;
    settle(&world).await;
    let mut end = Map::new();
    for (number, member) in members.iter().enumerate() {
        let of = |what: &str| format!("/api/v1/loyalty/members/{member}{what}");
        let operations = get(&world, &owner, &of("/operations?limit=500")).await;
        let tiers = get(&world, &owner, &of("/tiers")).await;
        let challenges = get(&world, &owner, &of("/challenges")).await;
        let redemptions = get(&world, &owner, &of("/redemptions")).await;
        let mut moved: Vec<Value> = operations["rows"].as_array().unwrap().iter().map(operation).collect();
        moved.sort_by_key(Value::to_string);
        let moves: Vec<Value> = tiers["rows"][0]["moves"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|it| it["restated_at"].is_null())
            .cloned()
            .collect();
        let states: Vec<&Value> = redemptions["rows"].as_array().unwrap().iter().map(|row| &row["state"]).collect();
        let own = get(&world, &owner, &of("")).await;
        end.insert(
            number.to_string(),
            json!({"wallets": own["wallets"], "operations": moved, "tier": tiers["rows"][0]["tier"], "moves": moves,
                "streak": challenges["rows"][0]["streak"], "completed": challenges["rows"][0]["completed"], "redeemed": states}),
        );
    }
    let report = rapport_loyalty::verify::verify(&mut world.app.installation.store.read(), FIRST).await.unwrap();
    assert_eq!(report.findings, []);
    Value::Object(end)
}

/// What happened when, whoever wrote it down and in which order.
fn operation(row: &Value) -> Value {
    json!([row["effective_at"], row["kind"], row["wallet"], row["amount"], row["refused"], row["reversed"]])
}

/// Does something with a database of its own, and says what it came to; nothing where there is no server of that engine.
fn with_database<F: Future<Output = Value>>(engine: Engine, lives: impl FnOnce(TestDatabase) -> F) -> Option<Value> {
    let end = Mutex::new(None);
    let kept = &end;
    let life = |db: TestDatabase| {
        let life = lives(db);
        async move {
            let came_to = life.await;
            *kept.lock().unwrap() = Some(came_to);
        }
    };
    match engine {
        Engine::Sqlite => on_sqlite(MIGRATIONS.to_vec(), life),
        Engine::Postgres => on_postgres(MIGRATIONS.to_vec(), life),
    }
    end.into_inner().unwrap()
}

fn lived(engine: Engine, seed: u64, night: Night) -> Option<Value> {
    with_database(engine, |db| async move { live(&db, seed, night).await })
}

fn assert_same(one: &Value, other: &Value, story: &str) {
    for member in ["0", "1"] {
        for what in ["wallets", "operations", "tier", "moves", "streak", "completed", "redeemed"] {
            assert_eq!(one[member][what], other[member][what], "{what} of {member}, {story}");
        }
    }
}

const USUAL: Night = Night::Every(7, 1);

#[test]
fn whenever_it_comes_members_end_the_same() {
    let mut kinds = BTreeSet::new();
    for seed in [1, 2] {
        let usual = lived(Engine::Sqlite, seed, USUAL).unwrap();
        for night in [Night::Every(24, 2), Night::Late] {
            let other = lived(Engine::Sqlite, seed, night).unwrap();
            assert_same(&usual, &other, &format!("{night:?}, story {seed}"));
        }
        for operation in ["0", "1"].iter().flat_map(|member| usual[*member]["operations"].as_array().unwrap()) {
            kinds.insert(operation[1].as_str().unwrap().to_owned());
        }
    }
    for kind in ["earn", "activate", "expire", "hold"] {
        assert!(kinds.contains(kind), "the stories have no `{kind}`: {kinds:?}");
    }
}

#[test]
fn whenever_it_comes_members_end_the_same_on_postgres_as_on_sqlite() {
    let Some(late) = lived(Engine::Postgres, 1, Night::Late) else { return };
    let usual = lived(Engine::Postgres, 1, USUAL).unwrap();
    assert_same(&usual, &late, "late on PostgreSQL");
    assert_same(&usual, &lived(Engine::Sqlite, 1, USUAL).unwrap(), "on both engines");
}

/// Everything is due in one night: points became available long ago, lapse, come back from a reward that nobody delivered, keep nobody on a tier; a streak is lost, and somebody else is told
/// that theirs are about to lapse. What it came to: operations, tier, redemption, what was told.
async fn one_night(db: &TestDatabase) -> Value {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key, [ann, bea]) = founded(&sink, db).await;
    let (_stop, stop) = watch::channel(false);
    let order = |number: u32, amount: i64| {
        let order = json!({"order_id": format!("o{number}"), "subtotal": amount, "revenue": amount, "currency": "EUR"});
        track(&format!("m{number}"), &format!("u{number}"), "Order Completed", order)
    };
    happen(&world, &key, vec![order(1, 100)]).await;
    world.clock.advance(13 * Timestamp::DAY);
    for day in 14..17 {
        world.clock.advance(Timestamp::DAY);
        happen(&world, &key, vec![track(&format!("w{day}"), "u1", "Walk Uploaded", json!({}))]).await;
    }
    happen(&world, &key, vec![order(2, 50)]).await;
    let body = json!({"id": "r1", "member_id": ann, "reward": "tent"});
    let asked = call(&world, &owner, Method::POST, "/api/v1/loyalty/redemptions", body).await;
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.text());
    world.clock.advance(10 * Timestamp::DAY);

    let seen = async || {
        let of = |member: &str, what: &str| format!("/api/v1/loyalty/members/{member}{what}");
        let operations = get(&world, &owner, &of(&ann, "/operations?limit=500")).await;
        let mut moved: Vec<Value> = operations["rows"].as_array().unwrap().iter().map(operation).collect();
        moved.sort_by_key(Value::to_string);
        let tiers = get(&world, &owner, &of(&ann, "/tiers")).await;
        let redemptions = get(&world, &owner, &of(&ann, "/redemptions")).await;
        let notices = get(&world, &owner, &of(&bea, "/notices")).await;
        let notices = notices["rows"].as_array().unwrap();
        let notices: Vec<Value> =
            notices.iter().map(|it| json!([it["wallet"], it["points"], it["expires_at"]])).collect();
        json!({"operations": moved, "tier": tiers["rows"][0]["tier"], "redeemed": redemptions["rows"][0]["state"], "notices": notices})
    };
    points::night(&world.app.installation, FIRST, &stop).await;
    let came_to = seen().await;
    points::night(&world.app.installation, FIRST, &stop).await;
    assert_eq!(seen().await, came_to, "a second time there is nothing left to do");
    settle(&world).await;
    let mut told = Vec::new();
    for (mail, events) in [
        ("ann@example.com", &["Points Activated", "Points Expired", "Tier Lost", "Challenge Progress Lost"][..]),
        ("bea@example.com", &["Points Expiring"][..]),
    ] {
        let id = only_person(&world, &owner, mail).await;
        let timeline = get(&world, &owner, &format!("/api/v1/customers/{id}/timeline?limit=100")).await.to_string();
        told.extend(events.iter().filter(|event| timeline.contains(**event)).map(|event| json!(event)));
    }
    let report = rapport_loyalty::verify::verify(&mut world.app.installation.store.read(), FIRST).await.unwrap();
    assert_eq!(report.findings, []);
    json!({"came_to": came_to, "told": told})
}

#[test]
fn one_night_does_all_that_is_due_on_both_engines() {
    let night = |db: TestDatabase| async move { one_night(&db).await };
    let here = with_database(Engine::Sqlite, night).unwrap();
    let told = ["Points Activated", "Points Expired", "Tier Lost", "Challenge Progress Lost", "Points Expiring"];
    assert_eq!(here["told"], json!(told), "{here}");
    let came_to = &here["came_to"];
    assert_eq!((&came_to["tier"], &came_to["redeemed"]), (&json!("base"), &json!("expired")), "{came_to}");
    assert_eq!(came_to["notices"], json!([["kept", 50, "2026-12-20T05:00:00Z"]]), "{came_to}");
    let operations = came_to["operations"].as_array().unwrap();
    let kinds: BTreeSet<&str> = operations.iter().map(|it| it[1].as_str().unwrap()).collect();
    for kind in ["earn", "activate", "hold", "expire"] {
        assert!(kinds.contains(kind), "no `{kind}`: {kinds:?}");
    }
    if let Some(there) = with_database(Engine::Postgres, night) {
        assert_eq!(there, here, "PostgreSQL does what SQLite does");
    }
}
