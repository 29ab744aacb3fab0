//! Dry runs over everybody who would have come into a journey on a day that is over: who, which way, what they would be sent and why not, and that
//! nothing of it is written.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_server::auth::Role;
use rapport_store::{Queries, args, sql};
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, launch, one_mail, only_person, person, settle, track, with_template, world};
use crate::sink::{Manner, Sink};
use crate::world::{Browser, World};

fn ts(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// How many rows there are of everything that a journey would write.
async fn written(world: &World) -> Vec<i64> {
    let db = &mut world.app.installation.store.read();
    let mut counts = Vec::new();
    for text in [
        sql!("SELECT COUNT(*) FROM journey_instances WHERE id <> $1"),
        sql!("SELECT COUNT(*) FROM messages WHERE id <> $1"),
        sql!("SELECT COUNT(*) FROM journey_acts WHERE id <> $1"),
        sql!("SELECT COUNT(*) FROM journey_flows WHERE node <> $1"),
        sql!("SELECT COUNT(*) FROM outbox_event WHERE name <> $1"),
        sql!("SELECT COUNT(*) FROM exposures WHERE experiment <> $1"),
        sql!("SELECT COUNT(*) FROM segments WHERE key <> $1"),
        sql!("SELECT COUNT(*) FROM facts WHERE fact_key <> $1"),
    ] {
        counts.push(db.scalar::<i64>(text, args!["-"]).await.unwrap());
    }
    counts.push(i64::try_from(world.events()).unwrap());
    counts
}

async fn dry(world: &World, owner: &Browser, key: &str, body: Value) -> Value {
    let before = written(world).await;
    let answer = call(world, owner, Method::POST, &format!("/api/v1/journeys/{key}/dry-run/day"), body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    settle(world).await;
    assert_eq!(written(world).await, before, "a dry run writes nothing");
    answer.json()
}

async fn draft(world: &World, owner: &Browser, definition: &Value) -> String {
    let body = json!({"name": "Tried", "definition": definition});
    let made = call(world, owner, Method::POST, "/api/v1/journeys", body).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text());
    made.json()["summary"]["key"].as_str().unwrap().to_owned()
}

/// What is counted, by word: (people, of these assumed).
fn counts(list: &Value) -> BTreeMap<String, (i64, i64)> {
    let one = |it: &Value| {
        (it["what"].as_str().unwrap().to_owned(), (it["people"].as_i64().unwrap(), it["assumed"].as_i64().unwrap()))
    };
    list.as_array().unwrap().iter().map(one).filter(|(_, number)| number.0 > 0).collect()
}

fn node<'a>(run: &'a Value, id: &str) -> &'a Value {
    run["nodes"].as_array().unwrap().iter().find(|it| it["node"] == id).unwrap_or_else(|| panic!("{id}: {run}"))
}

fn notes(run: &Value) -> Vec<&str> {
    run["notes"].as_array().unwrap().iter().map(|it| it["code"].as_str().unwrap()).collect()
}

/// A template that needs what only some have.
async fn sized(world: &World, owner: &Browser) {
    let template = json!({"name": "Sized", "purpose": "marketing", "default_language": "en", "content": {"email": {"en": {
        "subject": "Yours", "preheader": "p", "blocks": [{"text": {"text": "In size {{ profile.size }}"}}]}}}});
    let made = call(world, owner, Method::POST, "/api/v1/message-templates", json!({"template": template})).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text());
}

fn size(user: &str, size: i64) -> Value {
    json!({"type": "identify", "userId": user, "messageId": format!("size-{user}"), "traits": {"size": size}})
}

fn waiting() -> Value {
    json!({
        "entry": {"event": {"name": "Signed Up"}}, "start": "mail",
        "quiet": {"from": "00:00", "until": "10:00", "jitter_minutes": 0},
        "nodes": [
            {"id": "mail", "step": {"message": {"channel": "email", "template": "sized", "next": "wait"}}},
            {"id": "wait", "step": {"wait_until": {"paths": [{"until": {"event": {"name": "Order Completed"}}, "next": null}],
                "timeout": "3d", "timed_out": "again"}}},
            {"id": "again", "step": {"message": {"channel": "email", "template": "welcome", "next": null}}},
        ],
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn yesterdays_people_by_an_event() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    with_template(&world, &owner).await;
    sized(&world, &owner).await;
    for (number, name) in [(1, "ann"), (3, "cid"), (6, "flo")] {
        happen(&world, &key, person(number, &format!("{name}@example.com"))).await;
    }
    let bob = json!({"type": "identify", "userId": "u2", "messageId": "i2", "traits": {"email": "bob@example.com"}});
    // Dan agreed, and nobody knows where to write to; Cid has no size.
    let dan = person(4, "").remove(1);
    happen(&world, &key, vec![bob, dan, size("u1", 40), size("u2", 41)]).await;
    // The day before: not of yesterday.
    happen(&world, &key, vec![track("s6", "u6", "Signed Up", json!({}))]).await;
    world.clock.set(ts("2026-11-22T09:00:00Z"));
    let signed = (1..=4).map(|user| track(&format!("s{user}"), &format!("u{user}"), "Signed Up", json!({})));
    happen(&world, &key, signed.collect()).await;
    world.clock.set(ts("2026-11-22T11:00:00Z"));
    let again = track("s1b", "u1", "Signed Up", json!({}));
    happen(&world, &key, vec![again, track("o1", "u1", "Order Completed", json!({"order_id": "1", "revenue": 5}))])
        .await;
    world.clock.set(ts("2026-11-23T12:00:00Z"));
    // Today: neither.
    happen(&world, &key, vec![track("s6b", "u6", "Signed Up", json!({}))]).await;

    let journey = draft(&world, &owner, &waiting()).await;
    let run = dry(&world, &owner, &journey, json!({})).await;
    assert_eq!((&run["from"], &run["to"]), (&json!("2026-11-22T00:00:00Z"), &json!("2026-11-23T00:00:00Z")), "{run}");
    assert_eq!((&run["people"], &run["times"], &run["looked_at"]), (&json!(4), &json!(5), &json!(4)), "{run}");
    assert_eq!(counts(&run["outcomes"]), BTreeMap::from([("in".into(), (4, 0)), ("not_again".into(), (1, 0))]));
    let mail = node(&run, "mail");
    assert_eq!((&mail["came"], &mail["sends"], &mail["sends_assumed"]), (&json!(4), &json!(1), &json!(0)), "{run}");
    let expected = [("no_consent", (1, 0)), ("unreachable", (1, 0)), ("unwritable", (1, 0))];
    assert_eq!(counts(&mail["skipped"]), expected.map(|(word, number)| (word.to_owned(), number)).into(), "{run}");
    let wait = node(&run, "wait");
    assert_eq!((&wait["came"], &wait["waiting"]), (&json!(4), &json!(3)), "{run}");
    // Ann bought, which is known. That nobody else does is assumed.
    assert_eq!(counts(&wait["ways"]), BTreeMap::from([("path:0".into(), (1, 0)), ("timed_out".into(), (3, 3))]));
    let last = node(&run, "again");
    assert_eq!((&last["came"], &last["sends"], &last["sends_assumed"]), (&json!(3), &json!(1), &json!(1)), "{run}");
    assert_eq!(notes(&run), ["nothing_more", "as_of_now"]);

    // Each of them, with their way and their hours.
    let ann = only_person(&world, &owner, "ann@example.com").await;
    let row = run["rows"].as_array().unwrap().iter().find(|row| row["person_id"] == ann.as_str()).unwrap();
    assert_eq!(row["time_zone"], "UTC");
    let steps: Vec<(&str, &str)> = row["trips"][0]["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (step["at"].as_str().unwrap(), step["what"].as_str().unwrap()))
        .collect();
    let expected = [
        ("2026-11-22T09:00:00Z", "waits"),
        ("2026-11-22T10:00:00Z", "sends"),
        ("2026-11-22T10:00:00Z", "goes"),
        ("2026-11-22T10:00:00Z", "waits"),
        ("2026-11-22T11:00:00Z", "goes"),
        ("2026-11-22T11:00:00Z", "ends"),
    ];
    assert_eq!(steps, expected, "{row}");
    let cid = only_person(&world, &owner, "cid@example.com").await;
    let row = run["rows"].as_array().unwrap().iter().find(|row| row["person_id"] == cid.as_str()).unwrap();
    let missing = row["trips"][0]["steps"].as_array().unwrap().iter().find(|step| step["what"] == "skips").unwrap();
    assert!(missing["sentence"].as_str().unwrap().contains("profile.size"), "{row}");
    assert!(sink.kept().is_empty());

    // Another time: the day before it, the last 24 hours, and what is no day.
    let earlier = dry(&world, &owner, &journey, json!({"when": "2026-11-21"})).await;
    assert_eq!((&earlier["people"], &earlier["times"]), (&json!(1), &json!(1)), "{earlier}");
    let last = dry(&world, &owner, &journey, json!({"when": "last_24_hours"})).await;
    assert_eq!(last["people"], 0, "Flo's today is now, which the last 24 hours end before: {last}");
    for when in ["2026-11-24", "2020-01-01", "tomorrow", "2026-13-01", "+002026-11-20"] {
        let path = format!("/api/v1/journeys/{journey}/dry-run/day");
        let refused = call(&world, &owner, Method::POST, &path, json!({ "when": when })).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{when}: {}", refused.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_condition_that_nobody_keeps_says_the_same_as_one_that_is_kept() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    with_template(&world, &owner).await;
    for number in 1..=6 {
        happen(&world, &key, person(number, &format!("p{number}@example.com"))).await;
    }
    let buys = |user: u32, count: u32| -> Vec<Value> {
        let order = |n| {
            track(
                &format!("o{user}-{n}"),
                &format!("u{user}"),
                "Order Completed",
                json!({"order_id": format!("{user}-{n}")}),
            )
        };
        (0..count).map(order).collect()
    };
    happen(&world, &key, buys(1, 2)).await;
    world.clock.set(ts("2026-11-22T15:00:00Z"));
    happen(&world, &key, [buys(2, 2), buys(3, 1), buys(4, 3)].concat()).await;
    world.clock.set(ts("2026-11-23T12:00:00Z"));
    happen(&world, &key, buys(5, 2)).await;
    // Who bought twice within two days comes in, and leaves when that is over.
    let twice = json!({"performed": {"event": "Order Completed", "times": {"at_least": 2}, "within": {"last": "2d"}}});
    let vip = json!({"performed": {"event": "Order Completed", "times": {"at_least": 3}, "within": {"last": "365d"}}});
    let branch = json!({"entry": {"segment_entered": {"when": twice}}, "start": "branch", "nodes": [
        {"id": "branch", "step": {"branch": {"paths": [{"name": "many", "when": vip, "next": "mail"}], "otherwise": null}}},
        {"id": "mail", "step": {"message": {"channel": "email", "template": "welcome", "next": "wait"}}},
        {"id": "wait", "step": {"wait_until": {"paths": [{"until": {"condition": {"not": twice}}, "next": null}], "timeout": "9d", "timed_out": null}}},
    ]});
    let journey = draft(&world, &owner, &branch).await;
    let unkept = dry(&world, &owner, &journey, json!({})).await;
    assert_eq!((&unkept["people"], &unkept["looked_at"]), (&json!(2), &json!(2)), "{unkept}");
    let ways = counts(&node(&unkept, "branch")["ways"]);
    assert_eq!(ways, BTreeMap::from([("path:0".into(), (1, 0)), ("otherwise".into(), (1, 0))]));
    assert_eq!(node(&unkept, "mail")["sends"], 1);
    // Time passes by itself: they leave the condition two days after, which nobody has to assume anything for but that they buy nothing.
    assert_eq!(counts(&node(&unkept, "wait")["ways"]), BTreeMap::from([("path:0".into(), (1, 1))]), "{unkept}");

    launch(&world, &owner, json!({"name": "Launched", "definition": branch})).await;
    let kept = dry(&world, &owner, &journey, json!({})).await;
    assert_eq!(kept, unkept);
    world.clock.advance(Timestamp::HOUR);
    settle(&world).await;
    let mut left = json!({"entry": {"segment_left": {"when": twice}}, "start": "mail", "nodes": [branch["nodes"][1]]});
    left["nodes"][0]["step"]["message"]["next"] = Value::Null;
    let run = dry(&world, &owner, &journey, json!({"definition": left, "when": "2026-11-23"})).await;
    assert_eq!(run["people"], 1, "who bought twice on the 21st at noon: {run}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dates_schedules_and_programs() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    with_template(&world, &owner).await;
    for (number, day) in [(1, "1990-11-20"), (2, "1985-11-21"), (3, "1985-11-20")] {
        happen(&world, &key, person(number, &format!("p{number}@example.com"))).await;
        let birthday = json!({"type": "identify", "userId": format!("u{number}"), "messageId": format!("b{number}"), "traits": {"birthday": day}});
        happen(&world, &key, vec![birthday]).await;
    }
    world.clock.set(ts("2026-11-22T12:00:00Z"));
    settle(&world).await;
    let date = json!({"date": {"fact": "trait.birthday", "yearly": true, "at": "13:00"}});
    let journey = draft(&world, &owner, &one_mail(date, json!({}))).await;
    let run = dry(&world, &owner, &journey, json!({})).await;
    assert_eq!((&run["people"], &node(&run, "mail")["sends"]), (&json!(1), &json!(1)), "{run}");
    assert_eq!(run["rows"][0]["trips"][0]["at"], "2026-11-21T13:00:00Z", "{run}");

    // A campaign goes out at its time, to everybody who was of its audience then.
    let audience = json!({"performed": {"event": "Consent Granted", "times": {"at_least": 1}}});
    let schedule = |at: &str| json!({"schedule": {"at": at, "most_per_hour": 10}});
    let campaign = one_mail(schedule("2027-01-04T18:30"), json!({ "audience": audience }));
    let run = dry(&world, &owner, &journey, json!({ "definition": campaign })).await;
    assert_eq!((&run["people"], &node(&run, "mail")["sends"]), (&json!(3), &json!(3)), "{run}");
    assert_eq!(notes(&run), ["as_if_scheduled", "pace_not_played", "as_of_now"]);
    assert_eq!(run["notes"][0]["at"], "2026-11-21T18:30:00Z");
    let early = one_mail(schedule("2027-01-04T03:00"), json!({ "audience": audience }));
    let run = dry(&world, &owner, &journey, json!({ "definition": early })).await;
    assert_eq!(run["people"], 0, "nobody had agreed at three that night: {run}");

    let run = dry(&world, &owner, &journey, json!({"definition": one_mail(json!({"api": {}}), json!({}))})).await;
    assert_eq!((&run["people"], notes(&run)), (&json!(0), vec!["api_unknown"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_people_a_sample_is_looked_at_and_not_everybody_may_look() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    with_template(&world, &owner).await;
    let signed: Vec<Value> =
        (0..1_005).map(|user| track(&format!("s{user}"), &format!("u{user}"), "Signed Up", json!({}))).collect();
    for some in signed.chunks(400) {
        happen(&world, &key, some.to_vec()).await;
    }
    world.clock.set(ts("2026-11-22T12:00:00Z"));
    settle(&world).await;
    let journey = draft(&world, &owner, &one_mail(json!({"event": {"name": "Signed Up"}}), json!({}))).await;
    let run = dry(&world, &owner, &journey, json!({})).await;
    assert_eq!((&run["people"], &run["looked_at"]), (&json!(1_005), &json!(1_000)), "{}", run["notes"]);
    assert_eq!(run["rows"].as_array().unwrap().len(), 1_000);
    assert_eq!(counts(&node(&run, "mail")["skipped"]), BTreeMap::from([("unreachable".into(), (1_000, 0))]));
    assert!(notes(&run).contains(&"sampled"), "{}", run["notes"]);

    // Whoever may not see people does not.
    let path = format!("/api/v1/journeys/{journey}/dry-run/day");
    let outsider = world.browser(Role::Viewer).await;
    let may = Role::Viewer.allows(rapport_server::auth::Permission::ViewPeople);
    let answer = call(&world, &outsider, Method::POST, &path, json!({})).await;
    assert_eq!(answer.status == StatusCode::OK, may, "{}", answer.text());
    let unknown = call(&world, &owner, Method::POST, "/api/v1/journeys/nothing/dry-run/day", json!({})).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    let page = get(&world, &owner, &format!("/api/v1/journeys/{journey}")).await;
    assert_eq!(page["summary"]["state"], "draft");
}

async fn reach(world: &World, owner: &Browser, key: &str, definition: &Value) -> Value {
    let before = written(world).await;
    let path = format!("/api/v1/journeys/{key}/reachability");
    let answer = call(world, owner, Method::POST, &path, json!({ "definition": definition })).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(written(world).await, before, "looking writes nothing");
    answer.json()
}

/// Who is not reached: (node, reason, what is missing, people).
fn unreached(found: &Value) -> Vec<(&str, &str, Option<&str>, i64)> {
    let rows = found["messages"].as_array().unwrap();
    assert!(rows.is_sorted_by_key(|it| -it["people"].as_i64().unwrap()), "{found}");
    let mut all: Vec<(&str, &str, Option<&str>, i64)> = rows
        .iter()
        .map(|it| {
            let people = it["people"].as_i64().unwrap();
            (it["node"].as_str().unwrap(), it["reason"].as_str().unwrap(), it["missing"].as_str(), people)
        })
        .collect();
    all.sort_unstable();
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn before_a_launch_it_is_known_who_would_not_be_reached() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    with_template(&world, &owner).await;
    sized(&world, &owner).await;
    for (number, name) in [(1, "ann"), (3, "cid"), (5, "eve")] {
        happen(&world, &key, person(number, &format!("{name}@example.com"))).await;
    }
    let bob = json!({"type": "identify", "userId": "u2", "messageId": "i2", "traits": {"email": "bob@example.com"}});
    let dan = person(4, "").remove(1);
    happen(&world, &key, vec![bob, dan, size("u1", 40), size("u2", 41)]).await;
    let signed = (1..=4).map(|user| track(&format!("s{user}"), &format!("u{user}"), "Signed Up", json!({})));
    happen(&world, &key, signed.collect()).await;
    world.clock.advance(2 * Timestamp::DAY);
    settle(&world).await;

    let plan = waiting();
    let journey = draft(&world, &owner, &plan).await;
    let found = reach(&world, &owner, &journey, &plan).await;
    assert_eq!(
        (&found["basis"], &found["people"], &found["looked_at"]),
        (&json!("came"), &json!(4), &json!(4)),
        "{found}"
    );
    assert_eq!(found["unreached"], 3, "all but Ann: {found}");
    let expected = [
        ("again", "no_consent", None, 1),
        ("again", "unreachable", None, 1),
        ("mail", "no_consent", None, 1),
        ("mail", "unreachable", None, 1),
        ("mail", "unwritable", Some("profile.size"), 1),
    ];
    assert_eq!(unreached(&found), expected, "{found}");
    // Behind a number are its people.
    let cid = only_person(&world, &owner, "cid@example.com").await;
    let row = found["rows"].as_array().unwrap().iter().find(|row| row["person_id"] == cid.as_str()).unwrap();
    let of = row["of"].as_array().unwrap();
    assert_eq!(of.len(), 1, "{found}");
    assert_eq!(found["messages"][usize::try_from(of[0].as_u64().unwrap()).unwrap()]["missing"], "profile.size");

    // Of a segment its members now; of a campaign its audience; who is not of the audience is not looked at.
    let agreed = json!({"performed": {"event": "Consent Granted", "times": {"at_least": 1}}});
    let entered = json!({"segment_entered": {"when": agreed}});
    let found = reach(&world, &owner, &journey, &one_mail(entered, json!({}))).await;
    assert_eq!((&found["basis"], &found["people"]), (&json!("members"), &json!(4)), "{found}");
    assert_eq!(unreached(&found), [("mail", "unreachable", None, 1)]);
    let campaign = one_mail(json!({"schedule": {"at": "2027-01-04T10:00"}}), json!({ "audience": agreed }));
    let same = reach(&world, &owner, &journey, &campaign).await;
    assert_eq!(
        (&same["basis"], &same["people"], &same["messages"]),
        (&json!("members"), &json!(4), &found["messages"])
    );
    let mut narrow = plan.clone();
    narrow["audience"] = json!({"fact": {"key": "trait.size", "op": "equals", "value": 40}});
    let found = reach(&world, &owner, &journey, &narrow).await;
    assert_eq!((&found["looked_at"], &found["unreached"]), (&json!(1), &json!(0)), "only Ann: {found}");
    let api = reach(&world, &owner, &journey, &one_mail(json!({"api": {}}), json!({}))).await;
    assert_eq!((&api["basis"], &api["looked_at"]), (&json!("unknown"), &json!(0)));
    // What was longer ago than a week says nothing about who comes in now.
    world.clock.advance(6 * Timestamp::DAY);
    settle(&world).await;
    assert_eq!(reach(&world, &owner, &journey, &plan).await["people"], 0);
    assert!(sink.kept().is_empty());
}
