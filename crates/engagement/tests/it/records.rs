//! What is stored, on both engines.

use rapport_domain::{Handle, PersonId, Timestamp, WorkspaceId};
use rapport_engagement::records::audiences::{self, MemberRow};
use rapport_engagement::records::letterheads::{self, LetterheadRow};
use rapport_engagement::records::numbers;
use rapport_engagement::records::slots::{self, DayRow, SlotRow, SumRow};
use rapport_engagement::records::templates::{self, TemplateRow};
use rapport_engagement::{DATA_MAP, MIGRATIONS};
use rapport_store::testing::{TestDatabase, prepare_statements};
use rapport_store::{Priority, db_test};

const W: WorkspaceId = WorkspaceId(1);
const OTHER: WorkspaceId = WorkspaceId(2);

#[db_test(MIGRATIONS)]
async fn every_statement_can_be_prepared(db: TestDatabase) {
    assert!(prepare_statements(&db).await >= 8);
}

#[db_test(MIGRATIONS)]
async fn every_column_is_declared(db: TestDatabase) {
    let found = rapport_store::data_map::differences(&db, &[rapport_store::DATA_MAP, DATA_MAP]).await.unwrap();
    assert_eq!(found, Vec::<String>::new());
}

fn row(key: &str, version: i64) -> TemplateRow {
    TemplateRow {
        key: key.into(),
        name: format!("Version {version}"),
        form: "email".into(),
        version,
        created_at: Timestamp::from_seconds(1),
        created_by: "usr_1".into(),
        updated_at: Timestamp::from_seconds(version),
        updated_by: "usr_2".into(),
        archived_at: None,
    }
}

#[db_test(MIGRATIONS)]
async fn every_version_stays(db: TestDatabase) {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    templates::save(&mut tx, W, &row("welcome", 1), "{\"a\":1}", None).await.unwrap();
    templates::save(&mut tx, W, &row("welcome", 2), "{\"a\":2}", None).await.unwrap();
    templates::save(&mut tx, W, &row("welcome", 3), "{\"a\":1}", Some(1)).await.unwrap();
    templates::save(&mut tx, OTHER, &row("welcome", 1), "{\"other\":1}", None).await.unwrap();
    templates::save(&mut tx, W, &row("birthday", 1), "{}", None).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let again = templates::save(&mut tx, W, &row("welcome", 2), "{\"late\":1}", None).await;
    assert!(again.unwrap_err().is_unique_violation(), "a version is saved once");
    drop(tx);
    let mut db = db.read();
    let found = templates::versions(&mut db, W, "welcome").await.unwrap();
    let found: Vec<_> = found.iter().map(|it| (it.version, it.content.as_str(), it.restored_from)).collect();
    assert_eq!(found, [(3, "{\"a\":1}", Some(1)), (2, "{\"a\":2}", None), (1, "{\"a\":1}", None)]);
    assert_eq!(templates::find(&mut db, W, "welcome").await.unwrap(), Some(row("welcome", 3)));
    let all = templates::all(&mut db, W).await.unwrap();
    let all: Vec<_> = all.iter().map(|(row, content)| (row.key.as_str(), content.as_str())).collect();
    assert_eq!(all, [("welcome", "{\"a\":1}"), ("birthday", "{}")], "the one changed last first");
    assert_eq!(templates::count(&mut db, OTHER).await.unwrap(), 1);
    let first = templates::version(&mut db, OTHER, "welcome", 1).await.unwrap().unwrap();
    assert_eq!(first.content, "{\"other\":1}");
    assert_eq!(templates::version(&mut db, W, "birthday", 2).await.unwrap(), None);
}

#[db_test(MIGRATIONS)]
async fn a_template_is_put_away_and_taken_out(db: TestDatabase) {
    let away = Timestamp::from_seconds(9);
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    for workspace in [W, OTHER] {
        templates::save(&mut tx, workspace, &row("welcome", 1), "{}", None).await.unwrap();
    }
    templates::archive(&mut tx, W, "welcome", Some(away)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(templates::find(&mut db.read(), W, "welcome").await.unwrap().unwrap().archived_at, Some(away));
    assert_eq!(templates::find(&mut db.read(), OTHER, "welcome").await.unwrap().unwrap().archived_at, None);
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    templates::archive(&mut tx, W, "welcome", None).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(templates::find(&mut db.read(), W, "welcome").await.unwrap().unwrap().archived_at, None);
}

#[db_test(MIGRATIONS)]
async fn a_workspace_has_one_letterhead(db: TestDatabase) {
    let head = |name: &str| LetterheadRow { name: name.into(), address: "1 Lane".into(), ..LetterheadRow::default() };
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    letterheads::save(&mut tx, W, &head("Old"), Timestamp(1), "usr_1").await.unwrap();
    letterheads::save(&mut tx, W, &head("New"), Timestamp(2), "usr_1").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(letterheads::find(&mut db.read(), W).await.unwrap(), Some(head("New")));
    assert_eq!(letterheads::find(&mut db.read(), OTHER).await.unwrap(), None);
}

fn slot(version: i64) -> SlotRow {
    SlotRow {
        key: "hero".into(),
        name: format!("Version {version}"),
        definition: serde_json::json!({"variants": [{"show": "nothing"}]}),
        version,
        updated_at: Timestamp::from_seconds(version),
        updated_by: "usr_1".into(),
        archived_at: None,
        held_since: Timestamp::from_seconds(1),
    }
}

fn day(at: i64, variant: i64, [views, chosen, clicks]: [i64; 3]) -> DayRow {
    DayRow { slot: "hero".into(), day: Timestamp(at * Timestamp::DAY), version: 2, variant, views, chosen, clicks }
}

#[db_test(MIGRATIONS)]
async fn a_slots_versions_stay_and_its_showings_add_up(db: TestDatabase) {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    for version in [1, 2] {
        slots::save(&mut tx, W, &slot(version)).await.unwrap();
    }
    slots::save(&mut tx, OTHER, &slot(1)).await.unwrap();
    slots::count(&mut tx, W, &[day(1, 0, [2, 2, 0]), day(1, -1, [5, 0, 0])]).await.unwrap();
    slots::count(&mut tx, W, &[day(1, 0, [1, 1, 1]), day(3, 0, [4, 3, 2])]).await.unwrap();
    slots::archive(&mut tx, W, "hero", Some(Timestamp::from_seconds(9))).await.unwrap();
    tx.commit().await.unwrap();
    let mut reader = db.read();
    let found = slots::find(&mut reader, W, "hero").await.unwrap().unwrap();
    assert_eq!(found, SlotRow { archived_at: Some(Timestamp::from_seconds(9)), ..slot(2) });
    let versions = slots::versions(&mut reader, W, "hero").await.unwrap();
    assert_eq!(
        versions.iter().map(|row| (row.version, row.name.as_str())).collect::<Vec<_>>(),
        [(2, "Version 2"), (1, "Version 1")]
    );
    assert_eq!(
        slots::days(&mut reader, W, "hero").await.unwrap(),
        [day(1, -1, [5, 0, 0]), day(1, 0, [3, 3, 1]), day(3, 0, [4, 3, 2])]
    );
    let sum = |views, chosen, clicks| SumRow {
        slot: "hero".into(),
        views,
        chosen,
        clicks,
        last_day: Timestamp(3 * Timestamp::DAY),
    };
    let since = |day: i64| Timestamp(day * Timestamp::DAY);
    assert_eq!(slots::sums(&mut reader, W, since(1)).await.unwrap(), [sum(12, 6, 3)]);
    assert_eq!(slots::sums(&mut reader, W, since(2)).await.unwrap(), [sum(4, 3, 2)]);
    assert_eq!(slots::sums(&mut reader, OTHER, since(0)).await.unwrap(), []);
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    assert!(slots::delete(&mut tx, W, "hero").await.unwrap() && !slots::delete(&mut tx, W, "hero").await.unwrap());
    tx.commit().await.unwrap();
    let mut reader = db.read();
    assert_eq!(slots::versions(&mut reader, W, "hero").await.unwrap(), []);
    assert_eq!(slots::days(&mut reader, W, "hero").await.unwrap(), []);
    assert_eq!(slots::all(&mut reader, OTHER).await.unwrap(), [slot(1)]);
}

/// What is heard of somebody while they are being judged is not forgotten by the judgement.
#[db_test(MIGRATIONS)]
async fn a_doubt_outlives_the_judgement_of_an_older_one(db: TestDatabase) {
    let now = Timestamp::from_seconds(1);
    let row = |id: &str, person: i64| MemberRow {
        id: id.into(),
        person: PersonId(person),
        content: serde_json::json!(["aa", ""]),
        state: audiences::ADDING.into(),
        run: 1,
        doubts: 1,
    };
    let ids = |rows: Vec<MemberRow>| rows.into_iter().map(|row| row.id).collect::<Vec<_>>();
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    audiences::insert(&mut tx, W, "a", &[row("m1", 7), row("m2", 8), row("m3", 9)], now).await.unwrap();
    audiences::insert(&mut tx, OTHER, "a", &[row("m4", 7)], now).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(ids(audiences::doubted(&mut db.read(), W, "a", 9).await.unwrap()), ["m1", "m2", "m3"]);
    assert_eq!(audiences::to_add(&mut db.read(), W, "a", 9).await.unwrap(), [], "a new row is judged first");
    // They were judged; meanwhile the second one withdrew.
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    assert_eq!(audiences::doubt(&mut tx, W, &[PersonId(8)], now).await.unwrap(), 1);
    audiences::trust(&mut tx, &["m1".into(), "m2".into(), "m3".into()], 1).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(ids(audiences::doubted(&mut db.read(), W, "a", 9).await.unwrap()), ["m2"]);
    assert_eq!(ids(audiences::to_add(&mut db.read(), W, "a", 9).await.unwrap()), ["m1", "m3"]);
    // Told; and one withdraws while the platform answers.
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    audiences::doubt(&mut tx, W, &[PersonId(9)], now).await.unwrap();
    audiences::added(&mut tx, &["m1".into(), "m3".into()]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(ids(audiences::doubted(&mut db.read(), W, "a", 9).await.unwrap()), ["m2", "m3"]);
    // The next refresh finds the first one only.
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    audiences::keep(&mut tx, &["m1".into()], 2, now).await.unwrap();
    assert_eq!(audiences::remove_before(&mut tx, W, "a", 2, now).await.unwrap(), 2);
    tx.commit().await.unwrap();
    assert_eq!(ids(audiences::to_remove(&mut db.read(), W, "a", 9).await.unwrap()), ["m2", "m3"]);
    // One comes back before they were taken away: judged, and told again.
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    audiences::keep(&mut tx, &["m2".into()], 3, now).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(ids(audiences::to_remove(&mut db.read(), W, "a", 9).await.unwrap()), ["m3"]);
    assert_eq!(ids(audiences::doubted(&mut db.read(), W, "a", 9).await.unwrap()), ["m2"]);
    let states = audiences::states(&mut db.read(), W, "a").await.unwrap();
    assert_eq!(states, [("adding".to_owned(), 1), ("on".to_owned(), 1), ("removing".to_owned(), 1)]);
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    audiences::removed(&mut tx, &["m3".into()]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(audiences::of_persons(&mut db.read(), W, "a", &[PersonId(9)]).await.unwrap(), []);
    assert_eq!(audiences::states(&mut db.read(), OTHER, "a").await.unwrap(), [("adding".to_owned(), 1)]);
}

#[db_test(MIGRATIONS)]
async fn when_a_number_wrote_last_is_known_in_all_workspaces_and_only_moves_on(db: TestDatabase) {
    let at = Timestamp::from_seconds;
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    numbers::note(&mut tx, W, "+461", Handle(1)).await.unwrap();
    numbers::note(&mut tx, OTHER, "+461", Handle(2)).await.unwrap();
    numbers::note(&mut tx, W, "+462", Handle(3)).await.unwrap();
    assert_eq!(numbers::heard_at(&mut tx, "+461").await.unwrap(), None);
    // A number that nobody wrote to is nobody's.
    for (number, seconds) in [("+461", 20), ("+461", 10), ("+469", 30)] {
        numbers::heard(&mut tx, number, at(seconds)).await.unwrap();
    }
    // Whoever comes to it later has not heard from it, and takes nothing away.
    numbers::note(&mut tx, W, "+461", Handle(4)).await.unwrap();
    numbers::note(&mut tx, W, "+461", Handle(1)).await.unwrap();
    tx.commit().await.unwrap();
    let mut db = db.read();
    assert_eq!(numbers::heard_at(&mut db, "+461").await.unwrap(), Some(at(20)));
    assert_eq!(numbers::heard_at(&mut db, "+462").await.unwrap(), None);
    assert_eq!(numbers::heard_at(&mut db, "+469").await.unwrap(), None);
}
