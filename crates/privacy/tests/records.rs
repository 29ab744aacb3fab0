//! What is stored, on both engines, and that all of it is found and erased through the data map.

use std::collections::BTreeMap;

use rapport_domain::{Channel, Handle, Identifier, IdentifierKind, PersonId, SeededRng, Timestamp, WorkspaceId};
use rapport_privacy::records::consents::{self, After, ConsentRow, Filter};
use rapport_privacy::records::requests::{self, RequestRow};
use rapport_privacy::records::topics::{self, Texts, TopicRow};
use rapport_privacy::records::{confirmations, notices, restrictions, secrets, wishes};
use rapport_privacy::{DATA_MAP, MIGRATIONS, Scope, Subject, Suppressions, Tables, Verdict, consent};
use rapport_store::testing::{TestDatabase, assert_indexes_are_used, on_sqlite, prepare_statements};
use rapport_store::{Json, Priority, db_test};
use serde_json::json;

const W: WorkspaceId = WorkspaceId(1);
const OTHER: WorkspaceId = WorkspaceId(2);

#[db_test(MIGRATIONS)]
async fn every_statement_can_be_prepared(db: TestDatabase) {
    assert!(prepare_statements(&db).await > 15);
}

/// What a request or a batch of events reads may not grow with the number of customers.
#[test]
fn only_lists_of_everything_read_everything() {
    on_sqlite(vec![MIGRATIONS], |db: TestDatabase| async move {
        assert_indexes_are_used(&db, MEANT).await;
    });
}

/// What is small, or asked for as a whole.
const MEANT: &[&str] = &[
    "FROM notices",
    "FROM topics",
    "FROM privacy_secrets",
    // Once an hour.
    "DELETE FROM privacy_proofs",
    // Of lists of all requests, and of those that are open.
    "FROM privacy_requests\n         WHERE workspace = $1 ORDER BY",
    "WHERE finished_at IS NULL ORDER BY",
    // At the start, into memory.
    "FROM suppressions",
    "SELECT DISTINCT handle FROM consents",
    // Whom nothing is learnt from.
    "FROM restrictions WHERE workspace = $1 AND lifted_at IS NULL",
];

#[db_test(MIGRATIONS)]
async fn every_column_is_declared(db: TestDatabase) {
    let found = rapport_store::data_map::differences(&db, &[rapport_store::DATA_MAP, DATA_MAP]).await.unwrap();
    assert_eq!(found, Vec::<String>::new());
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_seconds(second)
}

fn said(handle: i64, number: u8, state: &str) -> ConsentRow {
    ConsentRow {
        handle: Handle(handle),
        event_id: [number; 16],
        purpose: "marketing".into(),
        channel: "email".into(),
        topic: String::new(),
        state: state.into(),
        occurred_at: at(i64::from(number)),
        until_at: None,
        recorded_at: at(50),
        notice: Some("newsletter".into()),
        notice_version: Some(2),
        locale: Some("de".into()),
        method: "form".into(),
        actor: "person".into(),
        evidence: Some(json!({"page": "/join"})),
    }
}

#[db_test(MIGRATIONS)]
async fn statements_are_added_and_never_changed(db: TestDatabase) {
    let mut tx = db.begin(Priority::Background).await.unwrap();
    consents::insert(&mut tx, W, &[said(1, 1, "granted"), said(2, 1, "granted"), said(1, 2, "withdrawn")])
        .await
        .unwrap();
    // The same event again, as after a crash, adds nothing.
    consents::insert(&mut tx, W, &[said(1, 2, "granted")]).await.unwrap();
    consents::insert(&mut tx, OTHER, &[said(1, 3, "granted")]).await.unwrap();
    tx.commit().await.unwrap();
    let rows = consents::of_handles(&mut db.read(), W, &[Handle(1)]).await.unwrap();
    assert_eq!(rows, [said(1, 2, "withdrawn"), said(1, 1, "granted")]);
    let statements: Vec<_> = rows.iter().filter_map(ConsentRow::statement).collect();
    let standing = consent::standing(&statements, &Scope::marketing(Channel::Email), at(60));
    assert_eq!((standing.verdict, standing.since), (Verdict::Denied, Some(at(2))));
}

#[db_test(MIGRATIONS)]
async fn topics_notices_and_wishes_are_kept(db: TestDatabase) {
    let texts =
        |text: &str| Json(Texts::from([("en".to_owned(), text.to_owned()), ("zh".to_owned(), "新闻".to_owned())]));
    let topic = TopicRow {
        key: "news".into(),
        names: texts("News"),
        descriptions: Json(Texts::new()),
        channels: Json(vec!["email".into()]),
        double_opt_in: true,
        shown: true,
        place: 1,
        created_at: at(1),
        archived_at: None,
    };
    let mut tx = db.begin(Priority::Background).await.unwrap();
    topics::save(&mut tx, W, &topic).await.unwrap();
    let renamed = TopicRow { names: texts("What is new"), ..topic };
    topics::save(&mut tx, W, &renamed).await.unwrap();
    for version in [1, 2] {
        let notice = notices::NoticeRow {
            key: "newsletter".into(),
            version,
            locale: "en".into(),
            content: format!("Text {version}"),
            digest: [0; 32],
            created_at: at(version),
            created_by: "usr_1".into(),
        };
        notices::insert(&mut tx, W, &notice).await.unwrap();
    }
    let wish = |value: &str, second| (Handle(1), wishes::FREQUENCY.to_owned(), value.to_owned(), at(second));
    wishes::save(&mut tx, W, &[wish("monthly", 5)]).await.unwrap();
    wishes::save(&mut tx, W, &[wish("all", 4)]).await.unwrap();
    tx.commit().await.unwrap();
    let found = topics::all(&mut db.read(), W).await.unwrap();
    assert_eq!(found, [renamed]);
    assert_eq!(["en-GB", "zh-Hant", "fr"].map(|tag| found[0].name(tag)), ["What is new", "新闻", "What is new"]);
    assert_eq!(topics::all(&mut db.read(), OTHER).await.unwrap(), []);
    let found = notices::all(&mut db.read(), W).await.unwrap();
    assert_eq!(found.iter().map(|row| row.version).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(found[0].digest, *blake3::hash(b"Text 2").as_bytes());
    let found = wishes::of_handles(&mut db.read(), W, &[Handle(1), Handle(2)]).await.unwrap();
    assert_eq!(found, [("frequency".to_owned(), "monthly".to_owned(), at(5))]);
}

fn email(value: &str) -> Identifier {
    Identifier { kind: IdentifierKind::Email, value: value.into() }
}

#[db_test(MIGRATIONS)]
async fn who_was_forgotten_is_recognised_also_after_a_restart(db: TestDatabase) {
    let rng = SeededRng::new(3);
    let known = Suppressions::open(&db).await.unwrap();
    assert!(!known.holds(W, &[email("ann@example.com")]));
    let mut tx = db.begin(Priority::Background).await.unwrap();
    let added = Suppressions::add(&mut tx, W, &[email("ann@example.com")], (at(1), "prq_1"), &rng).await.unwrap();
    tx.commit().await.unwrap();
    known.added(added);
    let again = Suppressions::open(&db).await.unwrap();
    for known in [&known, &again] {
        assert!(known.holds(W, &[email("bob@example.com"), email("ann@example.com")]));
        assert!(!known.holds(W, &[email("bob@example.com")]));
        assert!(!known.holds(OTHER, &[email("ann@example.com")]), "each workspace for itself");
        let same_text = Identifier { kind: IdentifierKind::UserId, value: "ann@example.com".into() };
        assert!(!known.holds(W, &[same_text]));
    }
    let stored: Vec<(Vec<u8>,)> = rapport_store::Queries::fetch_all(
        &mut db.read(),
        rapport_store::Sql::assembled("SELECT digest FROM suppressions".into()),
        rapport_store::args![],
    )
    .await
    .unwrap();
    assert_ne!(stored[0].0, blake3::hash(b"ann@example.com").as_bytes(), "a plain hash could be guessed");
    let tx = db.begin(Priority::Background).await.unwrap();
    assert!(known.lift(tx, W, &email("ann@example.com"), (at(2), "usr_1")).await.unwrap());
    assert!(!known.holds(W, &[email("ann@example.com")]));
    assert!(!Suppressions::open(&db).await.unwrap().holds(W, &[email("ann@example.com")]));
}

#[db_test(MIGRATIONS)]
async fn what_is_kept_of_somebody_is_found_and_erased(db: TestDatabase) {
    let rng = SeededRng::new(3);
    let mut tx = db.begin(Priority::Background).await.unwrap();
    let secret = secrets::ensure(&mut tx, W, &rng).await.unwrap();
    assert_eq!(secrets::ensure(&mut tx, W, &rng).await.unwrap(), secret, "it is made once");
    consents::insert(&mut tx, W, &[said(1, 1, "granted"), said(2, 1, "granted"), said(3, 1, "granted")]).await.unwrap();
    consents::insert(&mut tx, OTHER, &[said(1, 1, "granted")]).await.unwrap();
    wishes::save(&mut tx, W, &[(Handle(2), wishes::LANGUAGE.into(), "zh".into(), at(1))]).await.unwrap();
    restrictions::add(&mut tx, W, &[Handle(1)], at(3), "prq_1").await.unwrap();
    let request = RequestRow {
        id: "prq_1".into(),
        kind: "erasure".into(),
        state: "running".into(),
        person: Some(PersonId(9)),
        requested_at: at(1),
        due_at: at(2),
        finished_at: None,
        actor: "person".into(),
        report: json!({}),
    };
    requests::save(&mut tx, W, &request).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(restrictions::since(&mut db.read(), W, &[Handle(1), Handle(5)]).await.unwrap(), Some(at(3)));
    assert_eq!(restrictions::since(&mut db.read(), W, &[Handle(2)]).await.unwrap(), None);
    assert_eq!(requests::unfinished(&mut db.read()).await.unwrap(), [(W, "prq_1".to_owned())]);

    let tables = Tables::of(&[DATA_MAP]).unwrap();
    let subject = Subject { workspace: W, person: PersonId(9), handles: vec![Handle(1), Handle(2)] };
    let count = async |subject: &Subject| -> BTreeMap<&'static str, usize> {
        let found = tables.read(&mut db.read(), subject).await.unwrap();
        found.into_iter().map(|rows| (rows.table, rows.rows.len())).collect()
    };
    let all = BTreeMap::from([("consents", 2), ("privacy_requests", 1), ("restrictions", 1), ("wishes", 1)]);
    assert_eq!(count(&subject).await, all);
    let shown = tables.read(&mut db.read(), &subject).await.unwrap();
    let wish = shown.iter().find(|rows| rows.table == "wishes").unwrap();
    let column = wish.columns.iter().position(|column| *column == "value").unwrap();
    assert_eq!(wish.rows.first().unwrap()[column].as_deref(), Some("zh"));

    let mut tx = db.begin(Priority::Background).await.unwrap();
    let erased = tables.erase(&mut tx, &subject).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(erased, all.iter().map(|(table, rows)| (*table, *rows as u64)).collect());
    assert_eq!(count(&subject).await, BTreeMap::new());
    let kept = requests::find(&mut db.read(), W, "prq_1").await.unwrap().unwrap();
    assert_eq!(kept, RequestRow { person: None, ..request }, "that it was asked for stays, without who asked");
    let somebody_else = Subject { handles: vec![Handle(3)], person: PersonId(10), workspace: W };
    assert_eq!(count(&somebody_else).await, BTreeMap::from([("consents", 1)]));
    let elsewhere = Subject { workspace: OTHER, ..subject };
    assert_eq!(count(&elsewhere).await, BTreeMap::from([("consents", 1)]));
}

#[db_test(MIGRATIONS)]
async fn what_was_said_last_is_listed_by_statement(db: TestDatabase) {
    let mut tx = db.begin(Priority::Background).await.unwrap();
    // What an import brings later was said before.
    let row = |handle: i64, number: u8, channel: &str, seconds: i64| ConsentRow {
        channel: channel.into(),
        occurred_at: at(seconds),
        recorded_at: at(200 - seconds),
        ..said(handle, number, if number == 2 { "denied" } else { "granted" })
    };
    let rows = [
        row(1, 1, "email", 60),
        row(2, 1, "email", 60),
        row(1, 1, "sms", 60),
        row(3, 2, "email", 70),
        row(3, 3, "email", 60),
    ];
    consents::insert(&mut tx, W, &rows).await.unwrap();
    consents::insert(&mut tx, OTHER, &[row(9, 9, "email", 90)]).await.unwrap();
    tx.commit().await.unwrap();
    let mut reader = db.read();
    let of = |rows: Vec<ConsentRow>| -> Vec<(i64, u8, String)> {
        rows.into_iter().map(|it| (it.handle.0, it.event_id[0], it.channel)).collect()
    };
    let all = Filter::default();
    let found = of(consents::latest(&mut reader, W, &all, None, 10).await.unwrap());
    let expected = [(3, 2, "email"), (1, 1, "email"), (2, 1, "email"), (1, 1, "sms"), (3, 3, "email")];
    assert_eq!(found, expected.map(|(handle, event, channel)| (handle, event, channel.to_owned())));
    // After a statement comes the next one, not the same under another identifier.
    let after = After {
        occurred_at: at(60).0,
        event_id: [1; 16],
        purpose: "marketing".into(),
        channel: "email".into(),
        topic: String::new(),
    };
    let found = of(consents::latest(&mut reader, W, &all, Some(&after), 10).await.unwrap());
    assert_eq!(found, [(1, 1, "sms".to_owned()), (3, 3, "email".to_owned())]);
    let denied = Filter { state: "denied".into(), ..Filter::default() };
    assert_eq!(of(consents::latest(&mut reader, W, &denied, None, 10).await.unwrap()), [(3, 2, "email".to_owned())]);
    let mut handles = consents::handles(&mut reader, W).await.unwrap();
    handles.sort_unstable();
    assert_eq!(handles, [Handle(1), Handle(2), Handle(3)]);
}

#[db_test(MIGRATIONS)]
async fn what_is_to_be_confirmed_is_asked_for_once_a_day_at_most(db: TestDatabase) {
    const DAY: i64 = 86_400;
    let handle = Handle(7);
    let ask = async |at_second: i64| {
        let mut tx = db.begin(Priority::Background).await.unwrap();
        let asked = confirmations::ask(&mut tx, W, (handle, "news"), "zh", at(at_second)).await.unwrap();
        tx.commit().await.unwrap();
        asked
    };
    let row = async || confirmations::of_handles(&mut db.read(), W, &[handle]).await.unwrap().remove(0);
    assert!(ask(10).await);
    assert!(!ask(11).await, "one is under way");
    assert_eq!(confirmations::due(&mut db.read(), at(9), 5).await.unwrap(), []);
    assert_eq!(confirmations::due(&mut db.read(), at(10), 5).await.unwrap(), [(W, handle)]);
    let before = row().await;
    assert_eq!((before.asked_at, before.language.as_str(), before.sent), (at(10), "zh", 0));
    let mut tx = db.begin(Priority::Background).await.unwrap();
    assert!(confirmations::take(&mut tx, W, &before, at(100)).await.unwrap());
    assert!(!confirmations::take(&mut tx, W, &before, at(100)).await.unwrap(), "somebody was faster");
    let sent = confirmations::ConfirmationRow { due_at: Some(at(3 * DAY)), sent: 1, sent_at: Some(at(20)), ..before };
    confirmations::note(&mut tx, W, &sent).await.unwrap();
    tx.commit().await.unwrap();
    assert!(!ask(20 + DAY - 1).await, "a mail went out less than a day ago");
    assert_eq!(row().await, sent);
    assert!(ask(20 + DAY).await);
    let anew = row().await;
    assert_eq!((anew.asked_at, anew.due_at, anew.sent), (at(20 + DAY), Some(at(20 + DAY)), 0));
    // What was given up before anything went out can be asked for at once.
    let mut tx = db.begin(Priority::Background).await.unwrap();
    let given_up = confirmations::ConfirmationRow { due_at: None, sent_at: None, ..anew };
    confirmations::note(&mut tx, W, &given_up).await.unwrap();
    tx.commit().await.unwrap();
    assert!(ask(30 + DAY).await);
    assert_eq!(confirmations::of_handles(&mut db.read(), OTHER, &[handle]).await.unwrap(), []);
}
