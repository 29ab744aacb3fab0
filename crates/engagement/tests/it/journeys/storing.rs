//! What is stored: statements, columns, indexes, and messages on their way.

use std::collections::BTreeMap;

use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_engagement::records::journeys;
use rapport_engagement::records::messages::{self, Heard, MessageRow, Outcome};
use rapport_engagement::service::launching;
use rapport_engagement::{DATA_MAP, MIGRATIONS};
use rapport_privacy::MIGRATIONS as PRIVACY;
use rapport_profiles::MIGRATIONS as PROFILES;
use rapport_segments::MIGRATIONS as SEGMENTS;
use rapport_store::testing::{TestDatabase, assert_indexes_are_used, on_sqlite, prepare_statements};
use rapport_store::{Queries, Sql, Tx, args, db_test};
use serde_json::json;

use crate::town::{Town, W, mail};

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn every_statement_can_be_prepared(db: TestDatabase) {
    assert!(prepare_statements(&db).await > 40);
}

#[db_test(MIGRATIONS)]
async fn every_column_is_declared(db: TestDatabase) {
    let found = rapport_store::data_map::differences(&db, &[rapport_store::DATA_MAP, DATA_MAP]).await.unwrap();
    assert_eq!(found, Vec::<String>::new());
}

/// Small tables, and questions about everything.
const MEANT: &[&str] = &[
    "FROM sending_settings",
    "FROM letterheads",
    "FROM templates",
    "FROM journey_versions v",
    "FROM journey_flows",
    // A workspace has 500 journeys at most; what is asked of each has an index.
    "FROM journeys j WHERE +j.workspace = $1",
    "FROM journeys j\n",
    // Once an hour, what is past its time.
    "DELETE FROM message_copies",
    // Of a list of all journeys: every active one is counted, in an index.
    "SELECT journey, COUNT(*) FROM journey_instances",
    // A company has few.
    "FROM audiences ORDER BY",
    "FROM slots",
    "DELETE FROM slot_views WHERE slot",
    "FROM slot_days WHERE workspace = $1 AND day >=",
    // Ends at the first row.
    "CASE WHEN EXISTS (SELECT id FROM messages",
    "FROM dead_addresses WHERE workspace = $1 GROUP BY",
    "FROM messages WHERE workspace = $1 AND decided_at >= $2",
    "state = 'failed'",
    "INSERT INTO",
];

#[test]
fn indexes_are_used() {
    on_sqlite(vec![PROFILES, SEGMENTS, PRIVACY, MIGRATIONS], |db: TestDatabase| async move {
        assert_indexes_are_used(&db, MEANT).await;
    });
}

/// What is asked ten times a second must not read all who are on their way: SQLite has no statistics, and takes a list of journeys for selective.
#[test]
fn who_is_due_is_found_by_when() {
    on_sqlite(vec![MIGRATIONS], |db: TestDatabase| async move {
        let source = include_str!("../../../src/records/instances.rs");
        let text = |begins: &str| {
            let (_, rest) = source.split_once(begins).unwrap();
            let (rest, _) = rest.split_once('"').unwrap();
            format!("EXPLAIN QUERY PLAN {begins}{rest}")
                .replace("{COLUMNS}", "id")
                .replace("IN ($2)", "IN (5, $2)")
                .replace("IN ($3)", "IN ('a', $3)")
        };
        for (begins, index) in [
            ("SELECT {COLUMNS} FROM journey_instances i", "journey_instances_due (wake_at>? AND wake_at<?)"),
            ("SELECT MIN(wake_at) FROM (SELECT i.wake_at", "journey_instances_due"),
            ("UPDATE journey_instances SET wake_at = $4, log_position", "(person=?"),
        ] {
            let steps: Vec<(i64, i64, i64, String)> =
                db.read().fetch_all(Sql::assembled(text(begins)), args![1, 2, 3, 4, 5]).await.unwrap();
            let first = steps.iter().find(|step| step.3.starts_with("SEARCH")).unwrap();
            assert!(first.3.contains(index), "{begins}: {steps:?}");
        }
    });
}

async fn queued(town: &mut Town) -> MessageRow {
    town.launch("j", mail(json!({"api": {}}))).await;
    town.willing(1).await;
    town.enter("j", 1, "").await;
    town.run().await;
    town.messages(1).await[0].clone()
}

async fn commit(tx: Tx) {
    tx.commit().await.unwrap();
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn a_message_is_taken_and_noted(db: TestDatabase) {
    let mut town = Town::new(db).await;
    let row = queued(&mut town).await;
    let now = town.now();
    assert_eq!(town.due().await, std::slice::from_ref(&row.id));
    let mut tx = town.tx().await;
    let again = now.plus(Timestamp::MINUTE);
    assert!(messages::take(&mut tx, &row, "<1@x>", again).await.unwrap());
    assert!(!messages::take(&mut tx, &row, "<2@x>", again).await.unwrap());
    commit(tx).await;
    assert!(town.due().await.is_empty());
    // Whoever took it died: its name stays the same, so that a second copy can be told.
    let mut tx = town.tx().await;
    assert!(
        messages::take(&mut tx, &MessageRow { state: "sending".into(), ..row.clone() }, "<2@x>", again.plus(1))
            .await
            .unwrap()
    );
    let sent =
        Outcome { provider_id: Some("p-1"), sent_at: Some(again), template_version: Some(3), ..Outcome::of("sent") };
    messages::note(&mut tx, &row.id, &sent).await.unwrap();
    commit(tx).await;
    let noted = messages::find(&mut town.store.read(), W, &row.id).await.unwrap().unwrap();
    assert_eq!(
        (noted.message_id.as_deref(), noted.attempts, noted.state.as_str(), noted.capped),
        (Some("<1@x>"), 2, "sent", true)
    );
    let found = messages::by_provider_id(&mut town.store.read(), "p-1").await.unwrap();
    assert_eq!(found, Some((W, row.id)));
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn what_is_heard_early_or_twice_is_noted_once(db: TestDatabase) {
    let mut town = Town::new(db).await;
    let row = queued(&mut town).await;
    let now = town.now();
    let state = async |town: &Town| messages::find(&mut town.store.read(), W, &row.id).await.unwrap().unwrap().state;
    let hear = async |town: &Town, what, at| {
        let mut tx = town.tx().await;
        let is_first = messages::hear(&mut tx, &row.id, what, at).await.unwrap();
        commit(tx).await;
        is_first
    };
    let mut tx = town.tx().await;
    messages::take(&mut tx, &row, "<1@x>", now).await.unwrap();
    commit(tx).await;
    // The provider tells that it arrived before we could note that it was taken.
    assert!(hear(&town, Heard::Delivered, now).await);
    assert!(!hear(&town, Heard::Delivered, now.plus(5)).await);
    let mut tx = town.tx().await;
    messages::note(&mut tx, &row.id, &Outcome::of("sent")).await.unwrap();
    commit(tx).await;
    assert_eq!(state(&town).await, "delivered");
    assert!(hear(&town, Heard::Complained, now.plus(6)).await);
    assert!(!hear(&town, Heard::Complained, now.plus(7)).await);
    assert_eq!(state(&town).await, "complained");
    for what in [Heard::Opened, Heard::Clicked, Heard::Unsubscribed] {
        assert!(hear(&town, what, now.plus(8)).await && !hear(&town, what, now.plus(9)).await);
    }
    assert_eq!(state(&town).await, "complained");
    let tally = messages::tally(&mut town.store.read(), W, "j").await.unwrap();
    assert_eq!(
        (tally.len(), tally[0].messages, tally[0].delivered, tally[0].bounced, tally[0].clicked),
        (1, 1, 1, 0, 1)
    );
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn a_bounce_before_the_note_stays(db: TestDatabase) {
    let mut town = Town::new(db).await;
    let row = queued(&mut town).await;
    let mut tx = town.tx().await;
    messages::take(&mut tx, &row, "<1@x>", town.now()).await.unwrap();
    messages::hear(&mut tx, &row.id, Heard::Bounced, town.now()).await.unwrap();
    messages::note(&mut tx, &row.id, &Outcome::of("sent")).await.unwrap();
    messages::hear(&mut tx, &row.id, Heard::Delivered, town.now()).await.unwrap();
    commit(tx).await;
    assert_eq!(messages::find(&mut town.store.read(), W, &row.id).await.unwrap().unwrap().state, "bounced");
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn one_is_under_way_and_many_may_be_over(db: TestDatabase) {
    let mut town = Town::new(db).await;
    let row = queued(&mut town).await;
    let over = town.instances(1).await[0].clone();
    assert_eq!((over.ended_why.as_deref(), Some(over.id.clone())), (Some("completed"), row.instance));
    let mut tx = town.tx().await;
    let active = |id: &str| rapport_engagement::records::instances::InstanceRow {
        id: id.into(),
        ended_at: None,
        ended_why: None,
        ..over.clone()
    };
    let insert = async |tx: &mut Tx, row| rapport_engagement::records::instances::insert(tx, W, &[row]).await.unwrap();
    assert_eq!(insert(&mut tx, active("a")).await, 1);
    assert_eq!(insert(&mut tx, active("b")).await, 0);
    let other = rapport_engagement::records::instances::InstanceRow { person: PersonId(2), ..active("c") };
    assert_eq!(insert(&mut tx, other).await, 1);
    let ended = rapport_engagement::records::instances::InstanceRow { id: "d".into(), ..over.clone() };
    assert_eq!(insert(&mut tx, ended).await, 1);
    commit(tx).await;
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn a_loss_before_the_note_stays(db: TestDatabase) {
    let mut town = Town::new(db).await;
    let row = queued(&mut town).await;
    let mut tx = town.tx().await;
    messages::take(&mut tx, &row, "<1@x>", town.now()).await.unwrap();
    let lost = Outcome { reason: Some("temporary"), response: Some("not carried"), ..Outcome::of("failed") };
    messages::note(&mut tx, &row.id, &lost).await.unwrap();
    messages::note(&mut tx, &row.id, &Outcome { provider_id: Some("p-1"), ..Outcome::of("sent") }).await.unwrap();
    commit(tx).await;
    let noted = messages::find(&mut town.store.read(), W, &row.id).await.unwrap().unwrap();
    assert_eq!((noted.state.as_str(), noted.reason.as_deref()), ("failed", Some("temporary")));
    assert_eq!((noted.response.as_deref(), noted.provider_id.as_deref()), (Some("not carried"), Some("p-1")));
    assert!(!noted.capped, "it takes no place");
}

/// Sums over all journeys against counting the messages one by one.
#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn sums_of_a_list_are_those_of_the_messages(db: TestDatabase) {
    let mut town = Town::new(db).await;
    let row = queued(&mut town).await;
    let now = town.now();
    let mut tx = town.tx().await;
    let mut all = vec![row.clone()];
    for number in 0..60_i64 {
        let made = MessageRow {
            id: format!("msg_{number}"),
            journey: [Some("j"), Some("k"), None][(number % 3) as usize].map(str::to_owned),
            instance: None,
            state: ["sent", "delivered", "skipped", "bounced", "queued"][(number % 5) as usize].to_owned(),
            delivered_at: (number % 4 == 1).then_some(now),
            clicked_at: (number % 7 == 1).then_some(now),
            ..row.clone()
        };
        messages::insert(&mut tx, W, std::slice::from_ref(&made)).await.unwrap();
        for (what, at) in [(Heard::Delivered, made.delivered_at), (Heard::Clicked, made.clicked_at)] {
            if at.is_some() {
                messages::hear(&mut tx, &made.id, what, now).await.unwrap();
            }
        }
        all.push(made);
    }
    let other = MessageRow { id: "msg_other".into(), instance: None, ..row.clone() };
    messages::insert(&mut tx, WorkspaceId(2), &[other]).await.unwrap();
    commit(tx).await;
    let mut expected: BTreeMap<(String, String), (i64, i64, i64)> = BTreeMap::new();
    for row in all {
        let stored = messages::find(&mut town.store.read(), W, &row.id).await.unwrap().unwrap();
        let Some(journey) = row.journey else { continue };
        let sum = expected.entry((journey, stored.state)).or_default();
        sum.0 += 1;
        sum.1 += i64::from(row.delivered_at.is_some());
        sum.2 += i64::from(row.clicked_at.is_some());
    }
    let found = messages::sums(&mut town.store.read(), W).await.unwrap();
    let found: BTreeMap<_, _> = found.into_iter().map(|(j, state, all, d, c)| ((j, state), (all, d, c))).collect();
    assert_eq!(found, expected);
    assert!(found.values().any(|it| it.1 > 0 && it.2 > 0) && found.len() > 5);
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn what_a_pause_did_not_come_to_is_found(db: TestDatabase) {
    let mut town = Town::new(db).await;
    queued(&mut town).await;
    let unsettled = async |town: &Town| messages::unsettled(&mut town.store.read(), W).await.unwrap();
    let change = async |town: &Town, to: &str| {
        let mut tx = town.tx().await;
        launching::change_state(&mut tx, W, "j", to).await.unwrap();
        commit(tx).await;
    };
    assert!(unsettled(&town).await.is_empty());
    for to in ["paused", "live"] {
        // The program ends before it brought the change to the messages.
        change(&town, to).await;
        assert_eq!(unsettled(&town).await, ["j"], "{to}");
        launching::settle_queue(&town.store, W, "j", town.now()).await.unwrap();
        assert!(unsettled(&town).await.is_empty(), "{to}");
    }
    let mut tx = town.tx().await;
    journeys::set_state(&mut tx, W, "j", &["live"], "stopped").await.unwrap();
    commit(tx).await;
    assert_eq!(unsettled(&town).await, ["j"]);
}
