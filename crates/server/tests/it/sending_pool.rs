//! Who goes out when: a domain that hangs holds nobody else up, what is transactional overtakes any queue, workspaces take turns.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use rapport_domain::{Channel, PersonId, Timestamp, WorkspaceId};
use rapport_engagement::journey::Class;
use rapport_engagement::records::messages::{self, MessageRow};
use rapport_server::records::workspaces::{self, FIRST};
use rapport_store::Priority;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::engaging::{call, get, happen, only_person, person, with_template, world};
use crate::sink::{Act, Kept, Manner, Sink};
use crate::world::World;

/// A marketing mail that waits to be sent.
fn queued(number: usize, person: PersonId, world: &World) -> MessageRow {
    MessageRow {
        template: "welcome".to_owned(),
        capped: false,
        ..MessageRow::queued(format!("msg_{number:06}"), person, Channel::Email, Class::Marketing, world.app.now())
    }
}

async fn insert(world: &World, workspace: WorkspaceId, rows: &[MessageRow]) {
    let mut tx = world.app.installation.store.begin(Priority::Background).await.unwrap();
    for rows in rows.chunks(500) {
        messages::insert(&mut tx, workspace, rows).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// Sends in the background until the test ends, while the clock goes on.
fn send(world: &World) -> watch::Sender<bool> {
    let (stop, stopped) = watch::channel(false);
    let (sender, clock) = (Arc::clone(&world.app.sender), Arc::clone(&world.clock));
    tokio::spawn(async move { sender.send(stopped).await });
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            clock.advance(Timestamp::SECOND / 50);
        }
    });
    stop
}

async fn until(what: &str, sink: &Sink, is_so: impl Fn(&[Kept]) -> bool) {
    let began = Instant::now();
    while !is_so(&sink.kept()) {
        let kept: Vec<String> = sink.kept().into_iter().map(|mail| mail.recipient).collect();
        assert!(began.elapsed() < Duration::from_secs(40), "not so: {what}: {kept:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn persons(world: &World, key: &str, addresses: &[String]) -> Vec<PersonId> {
    for (number, address) in addresses.iter().enumerate() {
        happen(world, key, person(u32::try_from(number).unwrap(), address)).await;
    }
    let mut db = world.app.installation.store.read();
    let all = known(&mut db).await;
    assert_eq!(all.len(), addresses.len());
    all
}

async fn known(db: &mut impl rapport_store::Queries) -> Vec<PersonId> {
    let text = rapport_store::sql!("SELECT person FROM identifiers WHERE kind = 'user_id' ORDER BY value");
    let rows: Vec<(PersonId,)> = db.fetch_all(text, rapport_store::args![]).await.unwrap();
    rows.into_iter().map(|(person,)| person).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_domain_that_hangs_holds_nobody_else_up() {
    let sink = Sink::start(Manner::default(), &[("hangs.example", Act::Slow(Duration::from_secs(120)))]).await;
    let (world, owner, key) = world(&sink).await;
    with_template(&world, &owner).await;
    let all = persons(&world, &key, &["a@hangs.example".to_owned(), "b@quick.example".to_owned()]).await;
    // The whole queue begins with those that hang.
    let rows: Vec<MessageRow> = (0..400).map(|n| queued(n, all[usize::from(n >= 350)], &world)).collect();
    insert(&world, FIRST, &rows).await;
    let stop = send(&world);
    until("the others are sent", &sink, |kept| {
        kept.iter().filter(|mail| mail.recipient == "b@quick.example").count() == 50
    })
    .await;
    let hanging = sink.kept().iter().filter(|mail| mail.recipient == "a@hangs.example").count();
    assert_eq!(hanging, 1, "one place for a domain that has shown nothing yet");
    // Whose answer is awaited is taken; who was sent away waits in the queue, and none is lost.
    let rows =
        messages::latest(&mut world.app.installation.store.read(), FIRST, None, None, None, 1_000).await.unwrap();
    let of = |state: &str| rows.iter().filter(|row| row.state == state).count();
    assert_eq!(of("sent") + of("sending") + of("queued"), 400);
    assert!((45..=50).contains(&of("sent")) && of("sending") >= 1, "{} sent, {} sending", of("sent"), of("sending"));
    drop(stop);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_transactional_overtakes_ten_thousand() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    with_template(&world, &owner).await;
    let all = persons(&world, &key, &["many@example.com".to_owned(), "one@example.com".to_owned()]).await;
    let rows: Vec<MessageRow> = (0..10_000).map(|number| queued(number, all[0], &world)).collect();
    insert(&world, FIRST, &rows).await;
    let _stop = send(&world);
    until("some are sent", &sink, |kept| kept.len() >= 5).await;
    let before = sink.kept().len();
    let one = only_person(&world, &owner, "one").await;
    let body = json!({"person_id": one, "channel": "email", "template": "welcome", "class": "transactional"});
    let sent = call(&world, &owner, Method::POST, "/api/v1/messages/send", body).await;
    assert_eq!(sent.status, StatusCode::OK, "{}", sent.text());
    // The domain takes 20 a second, so that most are waiting for their turn when it comes.
    until("it is sent", &sink, |kept| kept.iter().any(|mail| mail.recipient == "one@example.com")).await;
    let place = sink.kept().iter().position(|mail| mail.recipient == "one@example.com").unwrap();
    assert!(place < before + 100, "{place} after {before}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workspaces_take_turns_and_a_pause_is_kept() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    with_template(&world, &owner).await;
    let all = persons(&world, &key, &["a@example.com".to_owned()]).await;
    let second = WorkspaceId(2);
    let mut tx = world.app.installation.store.begin(Priority::Background).await.unwrap();
    let text = rapport_store::sql!(
        "INSERT INTO workspaces (workspace, name, time_zone, week_start, currency, locale)
         SELECT $1, name, time_zone, week_start, currency, locale FROM workspaces WHERE workspace = $2"
    );
    tx.execute(text, rapport_store::args![second, FIRST]).await.unwrap();
    tx.commit().await.unwrap();
    let first: Vec<MessageRow> = (0..1_000).map(|number| queued(number, all[0], &world)).collect();
    insert(&world, FIRST, &first).await;
    // Of the second workspace nobody knows these people: they are left out, which shows that they were looked at.
    let others: Vec<MessageRow> = (0..30).map(|number| queued(100_000 + number, PersonId(77), &world)).collect();
    insert(&world, second, &others).await;
    let mut db = world.app.installation.store.read();
    let now = world.app.now();
    let due = workspaces::with_messages_due(&mut db, Channel::Email, Class::Marketing, now).await.unwrap();
    assert_eq!(due, [FIRST, second]);
    let _stop = send(&world);
    let began = Instant::now();
    loop {
        let due = workspaces::with_messages_due(&mut db, Channel::Email, Class::Marketing, now).await.unwrap();
        if !due.contains(&second) {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "the second workspace waits behind the first");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(sink.kept().len() < 900, "the first one's queue is still long");
    let settings = json!({"settings": {"from": {"name": "Shop", "address": "news@shop.example"}, "quiet": null, "caps": [], "paused": true}});
    let saved = call(&world, &owner, Method::PUT, "/api/v1/sending/settings", settings).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let count = sink.kept().len();
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    assert_eq!(sink.kept().len(), count, "paused");
    let health = get(&world, &owner, "/api/v1/sending/health").await;
    assert!(health["waiting"].as_i64().unwrap() > 0, "{health}");
    assert_ne!(health["waiting_since"], Value::Null);
}
