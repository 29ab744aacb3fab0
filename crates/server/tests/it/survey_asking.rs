//! Surveys that reach people by themselves: after an event, on coming into a segment, by rounds; each of them once, at a decent hour, with one reminder.

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_feedback::records::invitations::{self, InvitationRow};
use rapport_server::records::workspaces::FIRST;
use rapport_store::{Queries, args, sql};
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, link, only_person, person, settle, text_of, track, with_template, world};
use crate::sink::{Act, Manner, Sink};
use crate::world::{Browser, World};

const SURVEYS: &str = "/api/v1/surveys";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A ready survey, open, with other rules of asking.
async fn opened(world: &World, owner: &Browser, ready: &str, asking: Value) {
    let mut definition = get(world, owner, &format!("/api/v1/survey-templates/{ready}")).await["definition"].clone();
    for (name, value) in asking.as_object().unwrap() {
        definition["asking"][name] = value.clone();
    }
    let body = json!({"key": ready, "name": "A survey", "definition": definition});
    let made = call(world, owner, Method::POST, SURVEYS, body).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text());
    assert_eq!(made.json()["findings"], json!([]), "{}", made.text());
    act(world, owner, ready, "open", 1).await;
}

async fn act(world: &World, owner: &Browser, key: &str, act: &str, revision: i64) {
    let body = json!({"act": act, "revision": revision});
    let done = call(world, owner, Method::POST, &format!("{SURVEYS}/{key}/act"), body).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text());
}

fn customer(number: u32, email: &str) -> Value {
    json!({"type": "identify", "userId": format!("u{number}"), "messageId": format!("i{number}"), "traits": {"email": email}})
}

fn delivered(number: u32, order: &str) -> Value {
    track(&format!("d{order}"), &format!("u{number}"), "Order Delivered", json!({"order_id": order, "late": false}))
}

/// What came of everybody, by occasion: (state, reason).
async fn fates(world: &World) -> Vec<(String, String, Option<String>)> {
    let mut db = world.app.installation.store.read();
    let text = sql!("SELECT occasion, state, reason FROM invitations WHERE workspace = $1 ORDER BY occasion, state");
    db.fetch_all(text, args![FIRST]).await.unwrap()
}

fn fate(occasion: &str, state: &str, reason: Option<&str>) -> (String, String, Option<String>) {
    (occasion.to_owned(), state.to_owned(), reason.map(str::to_owned))
}

async fn all(world: &World) -> Vec<InvitationRow> {
    let mut db = world.app.installation.store.read();
    let ids: Vec<(String,)> = db
        .fetch_all(sql!("SELECT id FROM invitations WHERE workspace = $1 ORDER BY occasion"), args![FIRST])
        .await
        .unwrap();
    let mut rows = Vec::new();
    for (id,) in ids {
        rows.push(invitations::find(&mut db, FIRST, &id).await.unwrap().unwrap());
    }
    rows
}

/// Where the button of a mail leads to, on this server.
async fn survey_link(world: &World, mail: &str) -> String {
    let answer = world.get(&link(mail, "c"), &[]).await;
    let target = answer.header("location").to_owned();
    let path = target.strip_prefix("https://shop.example").unwrap_or_else(|| panic!("{target}"));
    path.split('?').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_got_a_parcel_is_asked_two_days_later_answers_and_is_reminded_once() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    let when = json!({"event": {"name": "Order Delivered", "where": {"property": {"path": "late", "op": "equals", "value": false}}, "key": "order_id", "after": "2d"}});
    opened(&world, &owner, "delivery", json!({"when": when, "remind_after_days": 3})).await;
    // Nobody agreed to anything: about what they just got they may be asked, who refused may not.
    let refused = json!({"type": "track", "userId": "u3", "messageId": "r3", "event": "Consent Denied", "properties": {"channel": "email", "purpose": "service", "method": "form"}});
    happen(
        &world,
        &key,
        vec![customer(1, "ann@example.com"), customer(2, "bob@example.com"), customer(3, "cay@example.com"), refused],
    )
    .await;
    let late = track("dL", "u2", "Order Delivered", json!({"order_id": "L", "late": true}));
    let nameless = track("dN", "u2", "Order Delivered", json!({"late": false}));
    happen(&world, &key, vec![delivered(1, "A"), delivered(2, "B"), delivered(3, "C"), late, nameless]).await;
    world.clock.advance(2 * Timestamp::DAY - Timestamp::HOUR);
    settle(&world).await;
    assert!(sink.kept().is_empty(), "two days are waited");
    assert_eq!(
        fates(&world).await,
        [fate("A", "waiting", None), fate("B", "waiting", None), fate("C", "waiting", None)]
    );
    world.clock.advance(Timestamp::HOUR);
    settle(&world).await;
    settle(&world).await;
    let mails = sink.kept();
    let mut to: Vec<&str> = mails.iter().map(|mail| mail.recipient.as_str()).collect();
    to.sort_unstable();
    assert_eq!(to, ["ann@example.com", "bob@example.com"], "{:?}", fates(&world).await);
    assert_eq!(
        fates(&world).await,
        [fate("A", "invited", None), fate("B", "invited", None), fate("C", "suppressed", Some("no_consent"))]
    );
    let mail = text_of(&mails.iter().find(|mail| mail.recipient == "ann@example.com").unwrap().bytes);
    assert!(mail.contains("Your delivery") && mail.contains("List-Unsubscribe"), "{mail}");
    let page = survey_link(&world, &mail).await;
    assert!(world.get(&page, &[]).await.text().contains("How satisfied are you with the delivery"));
    for form in [
        "page=0&shown=csat&q.csat=5&act=next",
        "page=1&shown=parts&shown=comment&act=next",
        "page=2&shown=return&shown=nps&q.nps=9&act=next",
    ] {
        let sent = world.request(Method::POST, &page, &[FORM], form.to_owned()).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{form}: {}", sent.text());
    }
    settle(&world).await;
    let funnel = get(&world, &owner, &format!("{SURVEYS}/delivery/funnel")).await;
    assert_eq!(
        (&funnel["invited"], &funnel["opened"], &funnel["answered"]),
        (&json!(2), &json!(1), &json!(1)),
        "{funnel}"
    );

    // The people behind each figure.
    let behind = async |query: &str| {
        let list = get(&world, &owner, &format!("{SURVEYS}/delivery/invitations?{query}")).await;
        let rows = list["rows"].as_array().unwrap().clone();
        rows.iter().map(|row| row["subject_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(behind("state=suppressed&reason=no_consent").await, ["C"]);
    assert_eq!(behind("state=invited&answered=true").await, ["A"]);
    assert_eq!(behind("state=invited&opened=false").await, ["B"]);
    let first = get(&world, &owner, &format!("{SURVEYS}/delivery/invitations?limit=2")).await;
    let next = first["next"].as_str().unwrap();
    assert_eq!(behind(&format!("limit=2&cursor={next}")).await.len(), 1);
    let ann = only_person(&world, &owner, "ann").await;
    let of_ann = get(&world, &owner, &format!("/api/v1/customers/{ann}/invitations")).await;
    assert_eq!((&of_ann["rows"][0]["survey"], &of_ann["rows"][0]["state"]), (&json!("delivery"), &json!("invited")));

    // Who answered hears no more; who did not is reminded, once.
    world.clock.advance(3 * Timestamp::DAY + Timestamp::MINUTE);
    for _ in 0..5 {
        settle(&world).await;
        world.clock.advance(2 * Timestamp::DAY);
    }
    let mails = sink.kept();
    let again: Vec<&str> = mails[2..].iter().map(|mail| mail.recipient.as_str()).collect();
    assert_eq!(again, ["bob@example.com"]);
    assert!(text_of(&mails[2].bytes).contains("our only reminder"));
    let rows = all(&world).await;
    assert!(rows[1].reminded_at.is_some() && rows[0].reminded_at.is_none());
    // On the timeline it says so, once.
    let timeline = get(&world, &owner, &format!("/api/v1/customers/{ann}/timeline")).await.to_string();
    assert_eq!(timeline.matches("\"name\":\"Survey Sent\"").count(), 1, "{timeline}");
    assert_eq!(timeline.matches("\"name\":\"Survey Answered\"").count(), 1, "{timeline}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_asked_in_trouble_at_night_too_often_or_where_no_mail_arrives() {
    let sink = Sink::start(Manner::default(), &[("eve", Act::Say("RCPT", "550 5.1.1 No such user"))]).await;
    let (world, owner, key) = world(&sink).await;
    let settings = json!({"settings": {"from": {"name": "Shop", "address": "news@shop.example"},
        "quiet": {"from": "21:00", "until": "08:00", "jitter_minutes": 0}, "caps": [{"most": 1, "window": {"last": "1d"}}]}});
    let saved = call(&world, &owner, Method::PUT, "/api/v1/sending/settings", settings).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    opened(&world, &owner, "delivery", json!({"when": {"event": {"name": "Order Delivered", "key": "order_id"}}}))
        .await;
    let people = ["ann", "bob", "cay", "eve"];
    let named = (1..).zip(people).map(|(number, name)| customer(number, &format!("{name}@example.com")));
    happen(&world, &key, named.collect()).await;
    let complaint = json!({"type": "identify", "userId": "u2", "messageId": "t2", "traits": {"open_complaints": 1}});
    happen(&world, &key, vec![complaint]).await;
    // At night, in the zone of the workspace (UTC here).
    let now = world.clock_now();
    let midnight = Timestamp((now.0 / Timestamp::DAY + 1) * Timestamp::DAY);
    world.clock.advance(midnight.0 - now.0 + Timestamp::HOUR);
    happen(&world, &key, vec![delivered(1, "A"), delivered(2, "B"), delivered(4, "E")]).await;
    assert!(sink.kept().is_empty());
    assert_eq!(
        fates(&world).await,
        [fate("A", "waiting", None), fate("B", "suppressed", Some("trouble")), fate("E", "waiting", None)]
    );
    world.clock.advance(8 * Timestamp::HOUR);
    settle(&world).await;
    settle(&world).await;
    let to: Vec<String> = sink.kept().iter().map(|mail| mail.recipient.clone()).collect();
    assert_eq!(to, ["ann@example.com"]);
    assert_eq!(
        fates(&world).await,
        [
            fate("A", "invited", None),
            fate("B", "suppressed", Some("trouble")),
            fate("E", "undelivered", Some("bounced")),
        ]
    );
    // The quarantine is one for all surveys, and enforced here, whoever asks.
    happen(&world, &key, vec![delivered(1, "A2")]).await;
    assert!(fates(&world).await.contains(&fate("A2", "suppressed", Some("asked"))), "{:?}", fates(&world).await);
    // Whoever got as many messages as they may get today is asked tomorrow.
    with_template(&world, &owner).await;
    let cay = only_person(&world, &owner, "cay").await;
    let letter = json!({"person_id": cay, "channel": "email", "class": "service", "template": "welcome"});
    let sent = call(&world, &owner, Method::POST, "/api/v1/messages/send", letter).await;
    assert_eq!(sent.status, StatusCode::OK, "{}", sent.text());
    settle(&world).await;
    happen(&world, &key, vec![delivered(3, "C")]).await;
    assert!(fates(&world).await.contains(&fate("C", "waiting", None)), "{:?}", fates(&world).await);
    world.clock.advance(Timestamp::DAY + Timestamp::HOUR);
    settle(&world).await;
    assert!(fates(&world).await.contains(&fate("C", "invited", None)), "{:?}", fates(&world).await);
    let funnel = get(&world, &owner, &format!("{SURVEYS}/delivery/funnel")).await;
    assert_eq!((&funnel["occasions"], &funnel["undelivered"]), (&json!(5), &json!(1)), "{funnel}");
}

/// What somebody complains about here, as it is told: from that commit on they are left alone, until it is resolved.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_complained_is_not_asked_until_it_is_resolved() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    let when = json!({"event": {"name": "Order Delivered", "key": "order_id", "after": "1h"}});
    opened(&world, &owner, "delivery", json!({ "when": when })).await;
    happen(&world, &key, vec![customer(1, "ann@example.com"), customer(2, "bob@example.com")]).await;
    happen(&world, &key, vec![delivered(1, "A"), delivered(2, "B")]).await;
    // Between the parcel and the question.
    let complained = json!({"complaint_id": "T-1", "text": "It came broken"});
    happen(&world, &key, vec![track("c1", "u1", "Complaint Opened", complained)]).await;
    world.clock.advance(2 * Timestamp::HOUR);
    settle(&world).await;
    settle(&world).await;
    assert_eq!(fates(&world).await, [fate("A", "suppressed", Some("trouble")), fate("B", "invited", None)]);
    happen(&world, &key, vec![track("c2", "u1", "Complaint Resolved", json!({"complaint_id": "T-1"}))]).await;
    happen(&world, &key, vec![delivered(1, "A2")]).await;
    world.clock.advance(2 * Timestamp::HOUR);
    settle(&world).await;
    settle(&world).await;
    // Somebody of the staff hears of the complaint.
    let to: Vec<String> =
        sink.kept().iter().map(|mail| mail.recipient.clone()).filter(|it| it.ends_with(".com")).collect();
    assert_eq!(to, ["bob@example.com", "ann@example.com"], "{:?}", fates(&world).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_round_asks_the_members_of_a_segment_day_by_day_and_who_comes_in_is_asked_then() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    let made = json!({"key": "buyers", "name": "Buyers", "text": "performed \"Order Completed\""});
    let made = call(&world, &owner, Method::POST, "/api/v1/segments", made).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text());
    let buy = |number: u32| {
        let mut calls = person(number, &format!("p{number}@example.com"));
        calls.push(track(
            &format!("o{number}"),
            &format!("u{number}"),
            "Order Completed",
            json!({"order_id": number, "revenue": 20}),
        ));
        calls
    };
    happen(&world, &key, (1..=6).flat_map(buy).collect()).await;
    opened(&world, &owner, "nps", json!({"when": {"members": {"segment": "buyers", "per_day": 2}}})).await;
    let mut nobody = get(&world, &owner, "/api/v1/survey-templates/ces").await["definition"].clone();
    nobody["asking"]["when"] = json!({"entered": {"segment": "nobody"}});
    let made = json!({"key": "nobody", "name": "Nobody", "definition": nobody});
    assert_eq!(call(&world, &owner, Method::POST, SURVEYS, made).await.status, StatusCode::OK);
    let opening = json!({"act": "open", "revision": 1});
    let refused = call(&world, &owner, Method::POST, &format!("{SURVEYS}/nobody/act"), opening).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains("there is no such segment"), "{}", refused.text());
    opened(&world, &owner, "exit", json!({"when": {"entered": {"segment": "buyers", "after": "1h"}}})).await;
    let mut by_day = Vec::new();
    for _ in 0..4 {
        settle(&world).await;
        by_day.push(sink.kept().len());
        world.clock.advance(Timestamp::DAY);
    }
    // Two a day: one as it begins, the next half a day later.
    assert_eq!(by_day, [1, 3, 5, 6], "{:?}", fates(&world).await);
    settle(&world).await;
    let to: std::collections::BTreeSet<String> = sink.kept().into_iter().map(|mail| mail.recipient).collect();
    assert_eq!((sink.kept().len(), to.len()), (6, 6), "each of them once");
    // Whoever was in it before is not asked for coming in; who comes in now is, an hour later.
    happen(&world, &key, buy(7)).await;
    assert_eq!(sink.kept().len(), 6);
    world.clock.advance(Timestamp::HOUR + Timestamp::MINUTE);
    settle(&world).await;
    settle(&world).await;
    let mails = sink.kept();
    assert_eq!((mails.len(), mails[6].recipient.as_str()), (7, "p7@example.com"));
    // The next wave asks them all again, as far as the floor of the survey allows.
    world.clock.advance(100 * Timestamp::DAY);
    act(&world, &owner, "nps", "wave", 2).await;
    for _ in 0..5 {
        settle(&world).await;
        world.clock.advance(Timestamp::DAY);
    }
    assert_eq!(sink.kept().len(), 14, "{:?}", fates(&world).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opening_a_survey_says_what_keeps_its_invitations_from_being_written() {
    let world = World::new().await;
    let owner = world.browser(rapport_server::auth::Role::Owner).await;
    let mut definition = get(&world, &owner, "/api/v1/survey-templates/delivery").await["definition"].clone();
    let open = async |key: &str, definition: &Value| {
        let body = json!({"key": key, "name": "A survey", "definition": definition});
        let made = call(&world, &owner, Method::POST, "/api/v1/surveys", body).await;
        assert_eq!(made.status, StatusCode::OK, "{}", made.text());
        let act = json!({"act": "open", "revision": 1});
        let opened = call(&world, &owner, Method::POST, &format!("/api/v1/surveys/{key}/act"), act).await;
        assert_eq!(opened.status, StatusCode::OK, "it is no error: {}", opened.text());
        opened.json()["findings"].clone()
    };
    assert_eq!(open("by_link", &definition).await, json!([]), "nobody is written to");
    definition["asking"]["when"] = json!({"event": {"name": "Order Delivered", "key": "order_id", "after": "2d"}});
    let codes = |found: &Value| -> Vec<String> {
        let of = |it: &Value| {
            assert_eq!(it["severity"], "warning", "{found}");
            it["code"].as_str().unwrap().to_owned()
        };
        found.as_array().unwrap().iter().map(of).collect()
    };
    let found = open("by_mail", &definition).await;
    let first = codes(&found);
    assert!(first.starts_with(&["no_way_out".to_owned(), "no_sender".to_owned()]), "{found}");
    assert!(
        first.contains(&"letterhead_incomplete".to_owned()) && found.to_string().contains("company.address"),
        "{found}"
    );
    // What was filled in is not missed any more.
    let letterhead =
        json!({"name": "Halm & Faden", "address": "Kai 1, Hamburg", "url": "https://shop.example", "logo_url": ""});
    let saved = call(&world, &owner, Method::PUT, "/api/v1/letterhead", letterhead).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    let found = get(&world, &owner, "/api/v1/surveys/by_mail").await["findings"].clone();
    assert_eq!(codes(&found), ["no_way_out", "no_sender"], "{found}");
    // One that is not open has not been asked to write to anybody.
    let act = json!({"act": "close", "revision": 2});
    let closed = call(&world, &owner, Method::POST, "/api/v1/surveys/by_mail/act", act).await;
    assert_eq!(closed.json()["findings"], json!([]), "{}", closed.text());
}
