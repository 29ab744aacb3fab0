//! Segments from outside: who is in them while events come, late ones too, while time passes, while they are filled, and after a restart; and
//! what the API says and refuses.

use std::sync::Arc;
use std::task::Poll;

use axum::http::{Method, StatusCode};
use rapport_domain::{PersonId, Rng, SeededRng, Timestamp};
use rapport_profiles::records::persons;
use rapport_segments::records::{memberships, segments};
use rapport_segments::{Condition, Limits, Program, batch, spans};
use rapport_server::api::questions;
use rapport_server::auth::Role;
use rapport_server::keeper;
use rapport_server::records::workspaces::FIRST;
use rapport_store::outbox;
use serde_json::{Value, json};

use super::world::{Browser, World};

const SEGMENTS: [(&str, &str); 6] = [
    ("buyers", r#"performed "Order Completed""#),
    ("busy", r#"performed "Product Viewed" at least 2 times in the last 6 hours"#),
    ("quiet", r#"never performed "Product Viewed" in the last 1 day"#),
    ("left", r#"sequence ("Checkout Started") without "Order Completed" within 1 hour in the last 2 days"#),
    ("pro", "trait plan = pro for 3 hours"),
    ("busy-buyers", "in segment buyers for 2 hours and in segment busy"),
];

async fn create(world: &World, browser: &Browser, key: &str, text: &str) {
    let body = json!({"key": key, "name": key, "text": text}).to_string();
    let answer = world.request(Method::POST, "/api/v1/segments", &json_of(browser), body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
}

fn json_of(browser: &Browser) -> [(&str, &str); 3] {
    let [cookie, token] = browser.writes();
    [cookie, token, ("content-type", "application/json")]
}

async fn fill(world: &World) {
    keeper::fill_workspace(&world.app.installation, FIRST).await.unwrap();
}

async fn wake(world: &World) {
    while world.app.installation.memberships.wake(FIRST, || None).await.unwrap() {}
}

type Held = Vec<(i64, i64, Timestamp, Option<Timestamp>)>;

/// What is held true: (person, segment, from, until).
async fn held(world: &World) -> Held {
    let store = &world.app.installation.store;
    let text = "SELECT DISTINCT person FROM memberships WHERE workspace = $1";
    let people: Vec<(PersonId,)> = rapport_store::Queries::fetch_all(
        &mut store.read(),
        rapport_store::Sql::assembled(text.to_owned()),
        rapport_store::args![FIRST],
    )
    .await
    .unwrap();
    let people: Vec<PersonId> = people.into_iter().map(|(person,)| person).collect();
    if people.is_empty() {
        return Vec::new();
    }
    let rows = memberships::of_persons(&mut store.read(), FIRST, &people).await.unwrap();
    rows.into_iter().map(|row| (row.person.0, row.segment, row.entered_at, row.exited_at)).collect()
}

/// What is true, from everybody's history.
async fn truth(world: &World) -> Held {
    let installation = &world.app.installation;
    let rows = segments::all(&mut installation.store.read(), FIRST).await.unwrap();
    let conditions: Vec<Condition> = rows.iter().map(|row| Condition::parse(&row.condition).unwrap()).collect();
    let named: Vec<(&str, &Condition)> = rows.iter().map(|row| row.key.as_str()).zip(&conditions).collect();
    let calendar = questions::context(installation, FIRST).await.unwrap().calendar;
    let program = Program::new(&named, calendar).unwrap();
    let numbers: Vec<i64> = program.keys().map(|key| rows.iter().find(|row| row.key == key).unwrap().segment).collect();
    let snapshot = installation.lake.snapshot(FIRST).await.unwrap();
    let sources = batch::Sources {
        store: &installation.store,
        lake: &installation.lake,
        snapshot: &snapshot,
        workspace: FIRST,
        now: world.clock_now(),
        until: world.clock_now(),
    };
    let mut all = Held::new();
    let mut play = batch::Play::begin(&Arc::new(program), sources, batch::Whom::Everybody).unwrap();
    while let Some(chunk) = play.next().await.unwrap() {
        for (person, changes) in chunk {
            let spans = spans(&changes).into_iter();
            all.extend(spans.map(|(tree, from, until)| (person.id().0, numbers[tree], from, until)));
        }
    }
    all.sort_unstable();
    all
}

/// A shop with thirty calls, and a segment of those who bought that is not filled yet.
async fn shop_with_buyers() -> (World, Browser) {
    let world = World::new().await;
    let browser = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Web", None).await;
    let now = world.clock_now();
    send(&world, &key, (0..30).map(|number| call(&SeededRng::new(number), number, now)).collect()).await;
    world.app.pipeline.drain().await.unwrap();
    create(&world, &browser, "buyers", SEGMENTS[0].1).await;
    (world, browser)
}

/// More people than one plan can name.
#[tokio::test]
async fn many_people_are_played_by_name() {
    let (world, _) = shop_with_buyers().await;
    let installation = &world.app.installation;
    let calendar = questions::context(installation, FIRST).await.unwrap().calendar;
    let condition = Condition::from_text(SEGMENTS[0].1, Limits::DEFAULT).unwrap();
    let program = Arc::new(Program::new(&[("buyers", &condition)], calendar).unwrap());
    let snapshot = installation.lake.snapshot(FIRST).await.unwrap();
    let (store, lake) = (&installation.store, &installation.lake);
    let now = world.clock_now();
    let sources = batch::Sources { store, lake, snapshot: &snapshot, workspace: FIRST, now, until: now };
    let everybody = persons::lives(&mut store.read(), FIRST, (PersonId(0), PersonId(i64::MAX))).await.unwrap();
    let named: Vec<PersonId> = (1..45_000).map(PersonId).chain(everybody.iter().map(|row| row.person)).collect();
    let mut play = batch::Play::begin(&program, sources, batch::Whom::These(&named)).unwrap();
    let mut found = 0;
    while let Some(chunk) = play.next().await.unwrap() {
        found += chunk.len();
    }
    assert_eq!(found, everybody.len());
}

async fn assert_true(world: &World, when: &str) {
    let (held, truth) = (held(world).await, truth(world).await);
    let missing: Vec<_> = truth.iter().filter(|it| !held.contains(it)).collect();
    let wrong: Vec<_> = held.iter().filter(|it| !truth.contains(it)).collect();
    if !missing.is_empty() || !wrong.is_empty() {
        let told = outbox::batch(&mut world.app.installation.store.read(), FIRST, "test", 10_000).await.unwrap();
        let person = missing.first().or(wrong.first()).map(|it| PersonId(it.0));
        let told: Vec<_> = told
            .events
            .iter()
            .filter(|event| event.person == person)
            .map(|event| (&event.name, event.payload.to_string()))
            .collect();
        panic!("{when}: missing {missing:?}, wrong {wrong:?}; told {told:#?}");
    }
    // The days add up to the sizes.
    let sizes = memberships::sizes(&mut world.app.installation.store.read(), FIRST).await.unwrap();
    for (segment, size) in sizes {
        let members = held.iter().filter(|(_, of, _, until)| *of == segment && until.is_none()).count();
        assert_eq!(size, members as i64, "{when}: size of {segment}");
    }
}

/// One call of a random person: mostly now, some late, some signing in, so that persons are joined.
fn call(rng: &SeededRng, number: u64, now: Timestamp) -> Value {
    let draw = |below: u64| rng.next_u64() % below;
    let late = [0, 0, 0, 0, 1, 30, 200, 2_000][usize::try_from(draw(8)).unwrap()];
    let at = now.plus(-late * Timestamp::MINUTE).to_rfc3339();
    let (user, device) = (format!("u{}", draw(5)), format!("d{}", draw(5)));
    let mut call = match draw(6) {
        0 => {
            let plan = if draw(2) == 0 { "free" } else { "pro" };
            json!({"type": "identify", "traits": {"plan": plan}})
        }
        draw => {
            let name = ["Product Viewed", "Product Viewed", "Checkout Started", "Order Completed", "Page Seen"];
            let name = name[usize::try_from(draw - 1).unwrap()];
            json!({"type": "track", "event": name, "properties": {"order_id": format!("o{number}"), "revenue": 5}})
        }
    };
    let who = match draw(4) {
        0 => json!({"anonymousId": device}),
        1 => json!({"anonymousId": device, "userId": user}),
        _ => json!({"userId": user}),
    };
    call.as_object_mut().unwrap().extend(who.as_object().unwrap().clone());
    call["messageId"] = json!(format!("m{number}"));
    call["timestamp"] = json!(at);
    call
}

async fn send(world: &World, key: &str, calls: Vec<Value>) {
    let answer = world.collect("/v1/batch", key, json!({ "batch": calls }).to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
}

/// Events that come in any order, time that passes, segments that are added: what is held true is true after each step.
#[tokio::test]
async fn what_is_held_true_is_true_after_every_step() {
    for seed in 0..6 {
        let world = World::new().await;
        world.browser(Role::Owner).await;
        let (key, _) = world.write_key("Web", None).await;
        let rng = SeededRng::new(seed);
        let mut number = 0;
        let mut left: Vec<(&str, &str)> = SEGMENTS.iter().rev().copied().collect();
        for step in 0..40 {
            let what = rng.next_u64() % 8;
            match what {
                0 if !left.is_empty() => {
                    let (segment, text) = left.pop().unwrap();
                    // Sessions end while time passes.
                    let browser = Browser::of(&world.sign_in("owner@example.org", super::world::PASSWORD).await);
                    create(&world, &browser, segment, text).await;
                    fill(&world).await;
                }
                1 | 2 => {
                    world.clock.advance(i64::try_from(rng.next_u64() % 300).unwrap() * Timestamp::MINUTE);
                    wake(&world).await;
                }
                _ => {
                    let calls = (0..1 + rng.next_u64() % 4).map(|_| {
                        number += 1;
                        call(&rng, number, world.clock_now())
                    });
                    send(&world, &key, calls.collect()).await;
                    world.app.pipeline.drain().await.unwrap();
                    wake(&world).await;
                }
            }
            assert_true(&world, &format!("seed {seed}, step {step}, {what}")).await;
        }
    }
}

/// While a segment is being filled events go on: wherever they come in between, nobody is missed and nobody is there twice.
/// Sizes and days go with them, too.
#[tokio::test]
async fn whoever_is_erased_is_counted_no_more() {
    let (world, browser) = shop_with_buyers().await;
    fill(&world).await;
    let [member, ..] = held(&world).await[..] else { panic!("nobody bought") };
    let erasure = format!("/api/v1/customers/{}/erasure", PersonId(member.0));
    let answer = world.request(Method::POST, &erasure, &json_of(&browser), "{}".to_owned()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert!(held(&world).await.iter().all(|it| it.0 != member.0));
    assert_true(&world, "after an erasure").await;
    let flows = memberships::flows(&mut world.app.installation.store.read(), FIRST, member.1).await.unwrap();
    let days: i64 = flows.iter().map(|(_, entered, exited)| entered - exited).sum();
    let sizes = memberships::sizes(&mut world.app.installation.store.read(), FIRST).await.unwrap();
    assert_eq!(days, sizes[&member.1]);
}

#[tokio::test]
async fn a_segment_is_filled_while_events_keep_coming() {
    for pauses in 0..24 {
        let world = World::new().await;
        let browser = world.browser(Role::Owner).await;
        let (key, _) = world.write_key("Web", None).await;
        let rng = SeededRng::new(pauses);
        let now = world.clock_now();
        send(&world, &key, (0..30).map(|number| call(&rng, number, now)).collect()).await;
        world.app.pipeline.drain().await.unwrap();
        if pauses % 2 == 1 {
            create(&world, &browser, "before", SEGMENTS[2].1).await;
            fill(&world).await;
        }
        for (segment, text) in SEGMENTS {
            create(&world, &browser, segment, text).await;
        }
        let coming = async {
            for number in 100..110 {
                for _ in 0..pauses * 3 {
                    tokio::task::yield_now().await;
                }
                send(&world, &key, vec![call(&rng, number, now), call(&rng, number + 500, now)]).await;
                world.app.pipeline.drain().await.unwrap();
            }
        };
        tokio::join!(fill(&world), coming);
        wake(&world).await;
        assert_true(&world, &format!("{pauses} pauses")).await;
    }
}

/// Fills, and begins with something else when filling rests for the time after `point` others. Whether it came so far.
async fn fill_and(world: &World, point: usize, other: impl Future<Output = ()>) -> bool {
    let mut filling = std::pin::pin!(fill(world));
    for _ in 0..point {
        let is_done = std::future::poll_fn(|context| Poll::Ready(filling.as_mut().poll(context).is_ready())).await;
        if is_done {
            return false;
        }
        // What it waits for is done in the meantime, so that the next time it comes one step further.
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    tokio::join!(filling, other);
    true
}

/// Events of which no condition asks anything, but which are older than all that was known of a person, come at every point of a fill: people are
/// known since then.
#[tokio::test]
async fn people_known_since_earlier_than_thought_are_found_while_a_segment_is_filled() {
    for point in 0.. {
        let world = World::new().await;
        let browser = world.browser(Role::Owner).await;
        let (key, _) = world.write_key("Web", None).await;
        let now = world.clock_now();
        let seen = |user: u32, hours: i64| {
            json!({"type": "track", "event": "Page Seen", "userId": format!("u{user}"), "messageId": format!("{user} {hours}"),
                "timestamp": now.plus(-hours * Timestamp::HOUR).to_rfc3339()})
        };
        send(&world, &key, (0..30).map(|user| seen(user, 30)).collect()).await;
        world.app.pipeline.drain().await.unwrap();
        // With another segment live, a batch is told event by event.
        create(&world, &browser, "buyers", SEGMENTS[0].1).await;
        fill(&world).await;
        create(&world, &browser, "quiet", SEGMENTS[2].1).await;
        let coming = async {
            for user in 0..3 {
                send(&world, &key, vec![seen(user, 60)]).await;
                world.app.pipeline.drain().await.unwrap();
            }
        };
        let came_so_far = fill_and(&world, point, coming).await;
        wake(&world).await;
        if !came_so_far {
            assert!(point > 5, "a fill rests {point} times");
            return;
        }
        assert_true(&world, &format!("at point {point}")).await;
    }
}

/// A window that runs out while nothing happens ends the membership at that very instant, and says so once.
#[tokio::test]
async fn an_exit_has_the_instant_at_which_the_window_ran_out() {
    let world = World::new().await;
    let browser = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Web", None).await;
    create(&world, &browser, "busy", SEGMENTS[1].1).await;
    fill(&world).await;
    let now = world.clock_now();
    let view = |number: i64, minutes: i64| {
        json!({"type": "track", "event": "Product Viewed", "userId": "ann", "messageId": format!("m{number}"),
            "timestamp": now.plus(minutes * Timestamp::MINUTE).to_rfc3339()})
    };
    send(&world, &key, vec![view(1, -10), view(2, -4)]).await;
    world.app.pipeline.drain().await.unwrap();
    world.clock.advance(12 * Timestamp::HOUR);
    wake(&world).await;
    wake(&world).await;
    let held = held(&world).await;
    let ran_out = now.plus(-10 * Timestamp::MINUTE + 6 * Timestamp::HOUR);
    assert_eq!(
        held.iter().map(|it| (it.2, it.3)).collect::<Vec<_>>(),
        [(now.plus(-4 * Timestamp::MINUTE), Some(ran_out))]
    );
    let told = outbox::batch(&mut world.app.installation.store.read(), FIRST, "test", 100).await.unwrap();
    let names: Vec<(&str, &str)> =
        told.events.iter().map(|event| (event.name.as_str(), event.payload["at"].as_str().unwrap())).collect();
    assert_eq!(
        names,
        [
            ("membership.entered", now.plus(-4 * Timestamp::MINUTE).to_rfc3339().as_str()),
            ("membership.exited", ran_out.to_rfc3339().as_str())
        ]
    );
}

/// Where something happens all the time, nobody's window waits for a quiet moment.
#[tokio::test]
async fn a_window_runs_out_while_others_are_heard_of() {
    let world = World::new().await;
    let browser = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Web", None).await;
    create(&world, &browser, "busy", SEGMENTS[1].1).await;
    fill(&world).await;
    let view = |number: i64, user: &str| {
        json!({"type": "track", "event": "Product Viewed", "userId": user, "messageId": format!("m{number}"),
            "timestamp": world.clock_now().to_rfc3339()})
    };
    let began = world.clock_now();
    send(&world, &key, vec![view(1, "ann"), view(2, "ann")]).await;
    world.app.pipeline.drain().await.unwrap();
    assert_eq!(held(&world).await.iter().filter(|it| it.3.is_none()).count(), 1);
    world.clock.advance(12 * Timestamp::HOUR);
    send(&world, &key, vec![view(3, "bob")]).await;
    world.app.pipeline.drain().await.unwrap();
    let ran_out = began.plus(6 * Timestamp::HOUR);
    assert_eq!(held(&world).await.iter().map(|it| it.3).collect::<Vec<_>>(), [Some(ran_out)]);
}

/// An event that comes late tells the past anew: one `membership.restated`, and what was held true before can still be told.
#[tokio::test]
async fn a_late_event_restates_and_never_enters_twice() {
    let world = World::new().await;
    let browser = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Web", None).await;
    create(&world, &browser, "buyers", SEGMENTS[0].1).await;
    fill(&world).await;
    let now = world.clock_now();
    let order = |number: i64, hours: i64| {
        json!({"type": "track", "event": "Order Completed", "userId": "ann", "messageId": format!("m{number}"),
            "properties": {"order_id": number, "revenue": 5}, "timestamp": now.plus(hours * Timestamp::HOUR).to_rfc3339()})
    };
    send(&world, &key, vec![order(1, -1)]).await;
    world.app.pipeline.drain().await.unwrap();
    let person = held(&world).await[0].0;
    world.clock.advance(Timestamp::MINUTE);
    let between = world.clock_now();
    world.clock.advance(Timestamp::MINUTE);
    send(&world, &key, vec![order(2, -30)]).await;
    world.app.pipeline.drain().await.unwrap();
    assert_true(&world, "after the late order").await;
    let told = outbox::batch(&mut world.app.installation.store.read(), FIRST, "test", 100).await.unwrap();
    let names: Vec<&str> = told.events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["membership.entered", "membership.restated"]);

    let since = async |known_at: Option<Timestamp>| {
        let known = known_at.map_or(String::new(), |at| format!("?known_at={}", at.to_rfc3339()));
        let path = format!("/api/v1/customers/{person}/segments{known}");
        let answer = world.get(&path, &browser.reads()).await;
        answer.json()["rows"][0]["since"].as_str().unwrap().to_owned()
    };
    assert_eq!(since(Some(between)).await, now.plus(-Timestamp::HOUR).to_rfc3339());
    assert_eq!(since(None).await, now.plus(-30 * Timestamp::HOUR).to_rfc3339());
}

/// What happened while nothing ran (a window ran out, a crash came before memberships were written) is found at the next start, and told.
#[tokio::test]
async fn a_restart_finds_what_was_missed() {
    let world = World::new().await;
    let browser = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Web", None).await;
    for (segment, text) in SEGMENTS {
        create(&world, &browser, segment, text).await;
    }
    fill(&world).await;
    let rng = SeededRng::new(9);
    let now = world.clock_now();
    send(&world, &key, (0..40).map(|number| call(&rng, number, now)).collect()).await;
    world.app.pipeline.drain().await.unwrap();
    // As after a start: nothing is in memory, and meanwhile events were applied and time has passed.
    let installation = &world.app.installation;
    let fresh = rapport_segments::live::Live::new(installation.store.clone(), installation.lake.clone());
    world.clock.advance(9 * Timestamp::HOUR);
    let rows = segments::all(&mut installation.store.read(), FIRST).await.unwrap();
    let wanted: Vec<rapport_segments::live::Wanted> = rows
        .iter()
        .map(|row| rapport_segments::live::Wanted {
            segment: row.segment,
            key: row.key.clone(),
            condition: Condition::parse(&row.condition).unwrap(),
            version: row.version,
            is_filled: true,
        })
        .collect();
    let calendar = questions::context(installation, FIRST).await.unwrap().calendar;
    fresh.fill(FIRST, &wanted, &calendar).await.unwrap();
    assert_true(&world, "after a restart").await;
}

#[tokio::test]
async fn a_segment_is_made_changed_explained_and_deleted() {
    let (world, browser) = shop_with_buyers().await;
    create(&world, &browser, "busy", SEGMENTS[1].1).await;
    create(&world, &browser, "both", "in segment buyers and in segment busy").await;
    fill(&world).await;
    let list = world.get("/api/v1/segments", &browser.reads()).await.json();
    assert_eq!(list["rows"].as_array().unwrap().len(), 3);
    let size = |list: &Value, key: &str| {
        list["rows"].as_array().unwrap().iter().find(|row| row["key"] == key).unwrap()["size"].as_i64().unwrap()
    };
    assert!(size(&list, "buyers") > 0, "{list}");

    let estimate = json!({"text": SEGMENTS[0].1}).to_string();
    let answer = world.request(Method::POST, "/api/v1/conditions/estimate", &json_of(&browser), estimate).await.json();
    assert_eq!(answer["people"].as_i64().unwrap(), size(&list, "buyers"), "{answer}");
    assert_eq!((&answer["at_least"], &answer["looked_at"]), (&answer["people"], &answer["of"]), "all were looked at");
    let never = json!({"text": "trait plan = free and trait plan = pro"}).to_string();
    let answer = world.request(Method::POST, "/api/v1/conditions/estimate", &json_of(&browser), never).await.json();
    assert_eq!(answer["warnings"], json!(["never_holds"]));

    let members = world.get("/api/v1/segments/buyers/members", &browser.reads()).await.json();
    let id = members["rows"][0]["customer"]["person_id"].as_str();
    let id = id.unwrap_or_else(|| panic!("{members}")).to_owned();
    let why = world.get(&format!("/api/v1/customers/{id}/segments/both"), &browser.reads()).await.json();
    assert_eq!(why["parts"][0]["text"], "in segment buyers");
    assert_eq!(why["parts"][0]["holds"], true);
    let both = world.get("/api/v1/segments/both/members", &browser.reads()).await.json();
    let is_in_both = both["rows"].as_array().unwrap().iter().any(|row| row["customer"]["person_id"] == id.as_str());
    assert_eq!(why["nearest"].as_array().unwrap().is_empty(), is_in_both, "{why}");
    let why = world.get(&format!("/api/v1/customers/{id}/segments/buyers"), &browser.reads()).await.json();
    assert_eq!((&why["kind"], &why["figure"]["kind"]), (&json!("test"), &json!("count")), "{why}");
    assert!(why["figure"]["value"].as_i64().unwrap() >= 1, "{why}");

    // Every question takes the same conditions as its `who`.
    let question = json!({"kind": "trend", "series": [{"event": "*", "measure": "people"}], "interval": "year", "period": {"last": "30d"},
        "who": {"any": [{"segment": {"key": "both"}}, {"overdue": {"event": "*", "factor": 500, "gaps": 1}}]}});
    let asked = world.request(Method::POST, "/api/v1/questions/ask", &json_of(&browser), question.to_string()).await;
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.text());
    let people = asked.json()["detail"]["series"][0]["total"].as_i64().unwrap_or(0);
    assert_eq!(people, size(&list, "both"), "{}", asked.text());

    let overlap = world.get("/api/v1/segments/overlap?keys=buyers,both", &browser.reads()).await.json();
    let common = overlap["rows"].as_array().unwrap().iter().find(|row| row["one"] != row["other"]);
    assert_eq!(common.map_or(0, |row| row["people"].as_i64().unwrap()), size(&list, "both"));

    let change =
        json!({"name": "Buyers", "text": "performed \"Order Completed\" at least $least times with $least = 3"})
            .to_string();
    let changed = world.request(Method::PUT, "/api/v1/segments/buyers", &json_of(&browser), change).await;
    assert_eq!(changed.json()["version"], 2, "{}", changed.text());
    // A named value is changed by its name: a version of its own.
    let parameters = async |values: Value| {
        let path = "/api/v1/segments/buyers/parameters";
        world.request(Method::PATCH, path, &json_of(&browser), values.to_string()).await
    };
    let unknown = parameters(json!({"most": 2})).await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", unknown.text());
    assert!(unknown.text().contains("no parameter of this name"), "{}", unknown.text());
    let changed = parameters(json!({"least": 2})).await;
    assert_eq!(changed.json()["version"], 3, "{}", changed.text());
    assert_eq!(changed.json()["text"], "performed \"Order Completed\" at least $least times with $least = 2");
    assert_eq!(parameters(json!({"least": 2})).await.json()["version"], 3, "nothing changed");
    fill(&world).await;
    assert_true(&world, "after a change").await;
    let page = world.get("/api/v1/segments/buyers", &browser.reads()).await.json();
    assert_eq!(page["versions"].as_array().unwrap().len(), 3);
    assert_eq!(page["used_by"], json!(["both"]));

    let delete = async |key: &str| {
        world.request(Method::DELETE, &format!("/api/v1/segments/{key}"), &browser.writes(), "").await.status
    };
    assert_eq!(delete("buyers").await, StatusCode::UNPROCESSABLE_ENTITY, "another asks for it");
    assert_eq!(delete("both").await, StatusCode::NO_CONTENT);
    assert_eq!(delete("buyers").await, StatusCode::NO_CONTENT);
    fill(&world).await;
    assert_true(&world, "after deleting").await;
}

/// Filling one more segment looks at those only who are played for it, and at nobody when one is taken away.
#[tokio::test]
async fn one_more_segment_does_not_begin_anew() {
    let world = World::new().await;
    let browser = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Web", None).await;
    let now = world.clock_now();
    send(&world, &key, (0..60).map(|number| call(&SeededRng::new(number), number, now)).collect()).await;
    world.app.pipeline.drain().await.unwrap();
    let filled = async || keeper::fill_workspace(&world.app.installation, FIRST).await.unwrap();
    create(&world, &browser, "busy", SEGMENTS[1].1).await;
    let first = filled().await;
    assert!(first.persons > 0);
    // What it shares with the first is known already; the second asks for the first.
    create(&world, &browser, "busy-or-buyer", &format!("{} or {}", SEGMENTS[1].1, SEGMENTS[0].1)).await;
    create(&world, &browser, "busy-for-long", "in segment busy for 1 hour").await;
    assert_eq!(filled().await.persons, first.persons);
    assert_true(&world, "with two more").await;
    assert_eq!(filled().await.persons, 0, "nothing is new");
    world.clock.advance(2 * Timestamp::HOUR);
    wake(&world).await;
    assert_true(&world, "later").await;
    let path = "/api/v1/segments/busy-for-long";
    assert_eq!(world.request(Method::DELETE, path, &browser.writes(), "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(filled().await.persons, 0, "nobody has to be looked at");
    send(&world, &key, (100..130).map(|number| call(&SeededRng::new(number), number, world.clock_now())).collect())
        .await;
    world.app.pipeline.drain().await.unwrap();
    assert_true(&world, "with one less").await;
    world.clock.advance(9 * Timestamp::HOUR);
    wake(&world).await;
    assert_true(&world, "much later").await;
}

#[tokio::test]
async fn what_cannot_be_a_segment_is_refused_and_leaves_nothing() {
    let world = World::new().await;
    let browser = world.browser(Role::Owner).await;
    create(&world, &browser, "one", "in bucket 0 to 50 of x").await;
    let deep = format!("{}trait a = 1", "not ".repeat(500));
    let large = format!("trait a in ({})", vec!["x"; 6_000].join(", "));
    for (key, text, code) in [
        ("two", "performed", "condition_text"),
        ("two", "revenue > 5", "condition_invalid"),
        ("two", "in segment missing", "condition_invalid"),
        ("two", "in segment two", "condition_invalid"),
        ("two", deep.as_str(), "condition_too_deep"),
        ("two", large.as_str(), "condition_too_large"),
        ("one", "trait a = 1", "invalid_value"),
        ("Two", "trait a = 1", "invalid_value"),
    ] {
        let body = json!({"key": key, "name": "x", "text": text}).to_string();
        let answer = world.request(Method::POST, "/api/v1/segments", &json_of(&browser), body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{key} {}", answer.text());
        assert_eq!(answer.json()["code"], code, "{}", answer.text());
    }
    // A circle by way of another segment.
    create(&world, &browser, "two", "in segment one").await;
    let circle = json!({"name": "One", "text": "in segment two"}).to_string();
    let answer = world.request(Method::PUT, "/api/v1/segments/one", &json_of(&browser), circle).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text());
    let list = world.get("/api/v1/segments", &browser.reads()).await.json();
    assert_eq!(list["rows"].as_array().unwrap().len(), 2);

    let viewer = world.browser(Role::Viewer).await;
    let body = json!({"name": "x", "text": "trait a = 1"}).to_string();
    let answer = world.request(Method::POST, "/api/v1/segments", &json_of(&viewer), body).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}
