//! What is stored, on both engines.

use std::collections::BTreeMap;

use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_segments::MIGRATIONS;
use rapport_segments::records::memberships::{self, MembershipRow, Moved};
use rapport_segments::records::segments::{self, SegmentRow};
use rapport_store::testing::{TestDatabase, assert_indexes_are_used, on_sqlite, prepare_statements};
use rapport_store::{Priority, Queries, Sql, args, db_test};

const W: WorkspaceId = WorkspaceId(1);

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
    // A company has few.
    "FROM lists",
    "FROM segment_sizes",
    "FROM segments",
];

fn at(second: i64) -> Timestamp {
    Timestamp::from_seconds(second)
}

fn row(person: i64, entered: i64, exited: Option<i64>, recorded: i64) -> MembershipRow {
    MembershipRow {
        person: PersonId(person),
        segment: 1,
        entered_at: at(entered),
        exited_at: exited.map(at),
        recorded_at: at(recorded),
    }
}

/// What was said is kept when it is corrected: each pair of instants has its answer.
#[db_test(MIGRATIONS)]
async fn what_was_known_can_be_told(db: TestDatabase) {
    let mut tx = db.begin(Priority::Background).await.unwrap();
    memberships::insert(&mut tx, W, &[row(7, 100, None, 110), row(8, 100, Some(150), 160)]).await.unwrap();
    memberships::end(&mut tx, W, &[(PersonId(7), 1, at(100), at(300))], at(310)).await.unwrap();
    // Later it turns out that person 7 came at 50 and left at 200.
    memberships::replace(&mut tx, W, &[(PersonId(7), 1, at(100))], at(400)).await.unwrap();
    memberships::insert(&mut tx, W, &[row(7, 50, Some(200), 400)]).await.unwrap();
    tx.commit().await.unwrap();
    for (valid, known, entered) in [
        (120, 105, None),
        (120, 110, Some(100)),
        (250, 120, Some(100)),
        (350, 120, Some(100)),
        (350, 310, None),
        (250, 310, Some(100)),
        (250, 400, None),
        (60, 399, None),
        (60, 400, Some(50)),
        (199, 500, Some(50)),
        (200, 500, None),
    ] {
        let rows = memberships::at(&mut db.read(), W, PersonId(7), at(valid), at(known)).await.unwrap();
        let found = rows.first().map(|row| row.entered_at);
        assert_eq!((rows.len() < 2, found), (true, entered.map(at)), "valid at {valid}, known at {known}");
    }
    let held = memberships::of_persons(&mut db.read(), W, &[PersonId(7), PersonId(8)]).await.unwrap();
    assert_eq!(held, [row(7, 50, Some(200), 400), row(8, 100, Some(150), 160)]);
    assert!(memberships::of_persons(&mut db.read(), WorkspaceId(2), &[PersonId(7)]).await.unwrap().is_empty());
}

#[db_test(MIGRATIONS)]
async fn segments_keep_their_versions_and_leave_nothing_behind(db: TestDatabase) {
    let segment = |version: i64, condition: &str| SegmentRow {
        segment: 1,
        key: "loyal".to_owned(),
        name: "Loyal".to_owned(),
        description: String::new(),
        condition: condition.to_owned(),
        version,
        state: "filling".to_owned(),
        filled_version: 0,
        error: None,
        created_at: at(1),
        updated_at: at(version),
        updated_by: "usr_1".to_owned(),
    };
    let mut tx = db.begin(Priority::Background).await.unwrap();
    assert_eq!(segments::next_number(&mut tx, W).await.unwrap(), 1);
    segments::save(&mut tx, W, &segment(1, "{}")).await.unwrap();
    segments::save(&mut tx, W, &segment(2, "[]")).await.unwrap();
    assert_eq!(segments::next_number(&mut tx, W).await.unwrap(), 2);
    // A version that was overtaken meanwhile changes nothing.
    segments::filled(&mut tx, W, 1, 1, None).await.unwrap();
    assert_eq!(segments::by_key(&mut tx, W, "loyal").await.unwrap().unwrap().state, "filling");
    segments::filled(&mut tx, W, 1, 2, None).await.unwrap();
    memberships::insert(&mut tx, W, &[row(7, 1, None, 1)]).await.unwrap();
    memberships::add_flows(&mut tx, W, &BTreeMap::from([((1, 0), (1, 0))])).await.unwrap();
    memberships::add_flows(&mut tx, W, &BTreeMap::from([((1, 0), (2, 1)), ((1, 3), (0, 1))])).await.unwrap();
    tx.commit().await.unwrap();
    let versions = segments::versions(&mut db.read(), W, 1).await.unwrap();
    assert_eq!(
        versions.iter().map(|row| (row.version, row.condition.as_str())).collect::<Vec<_>>(),
        [(2, "[]"), (1, "{}")]
    );
    assert_eq!(memberships::sizes(&mut db.read(), W).await.unwrap(), BTreeMap::from([(1, 1)]));
    assert_eq!(memberships::flows(&mut db.read(), W, 1).await.unwrap(), [(0, 3, 1), (3, 0, 1)]);
    assert_eq!(memberships::members(&mut db.read(), W, 1, 0, 10).await.unwrap(), [(PersonId(7), at(1))]);
    // All is taken back before a segment is filled anew.
    memberships::replace_all(&db, W, 1, at(5)).await.unwrap();
    let mut tx = db.begin(Priority::Background).await.unwrap();
    assert_eq!(memberships::sizes(&mut tx, W).await.unwrap(), BTreeMap::new());
    assert_eq!(memberships::flows(&mut tx, W, 1).await.unwrap(), []);
    memberships::add_flows(&mut tx, W, &BTreeMap::from([((1, 4), (5, 2)), ((2, 4), (1, 0))])).await.unwrap();
    assert_eq!(memberships::sizes(&mut tx, W).await.unwrap(), BTreeMap::from([(1, 3), (2, 1)]));
    segments::delete(&mut tx, W, 1).await.unwrap();
    assert_eq!(memberships::sizes(&mut tx, W).await.unwrap(), BTreeMap::from([(2, 1)]));
    tx.commit().await.unwrap();
    assert!(memberships::of_persons(&mut db.read(), W, &[PersonId(7)]).await.unwrap().is_empty());
    assert!(segments::all(&mut db.read(), W).await.unwrap().is_empty());
}

/// More rows than are changed at once, several of a person among them.
#[db_test(MIGRATIONS)]
async fn who_came_and_went_within_a_time_is_counted_and_named(db: TestDatabase) {
    let mut tx = db.begin(Priority::Background).await.unwrap();
    let rows =
        [row(9, 100, Some(150), 100), row(9, 180, None, 180), row(7, 199, None, 199), row(8, 200, Some(300), 200)];
    memberships::insert(&mut tx, W, &rows).await.unwrap();
    memberships::insert(&mut tx, W, &[MembershipRow { segment: 2, ..row(1, 100, None, 100) }]).await.unwrap();
    // What was taken back does not count.
    memberships::insert(&mut tx, W, &[row(2, 110, None, 110)]).await.unwrap();
    memberships::replace(&mut tx, W, &[(PersonId(2), 1, at(110))], at(400)).await.unwrap();
    tx.commit().await.unwrap();
    let within = (at(100), at(200));
    let db = &mut db.read();
    let entered = memberships::moved_between(db, W, 1, Moved::Entered, within, 10).await.unwrap();
    assert_eq!(entered, [(PersonId(7), at(199)), (PersonId(9), at(100)), (PersonId(9), at(180))]);
    assert_eq!(memberships::count_moved(db, W, 1, Moved::Entered, within).await.unwrap(), (2, 3));
    assert_eq!(memberships::moved_between(db, W, 1, Moved::Entered, within, 1).await.unwrap().len(), 1);
    let left = memberships::moved_between(db, W, 1, Moved::Left, within, 10).await.unwrap();
    assert_eq!(left, [(PersonId(9), at(150))]);
    assert_eq!(memberships::count_moved(db, W, 1, Moved::Left, (at(0), at(301))).await.unwrap(), (2, 2));
    for (second, people) in [(99, vec![]), (149, vec![9]), (150, vec![]), (200, vec![7, 8, 9]), (300, vec![7, 9])] {
        let wanted: Vec<(PersonId,)> = people.iter().map(|person| (PersonId(*person),)).collect();
        assert_eq!(memberships::some_at(db, W, 1, at(second), 10).await.unwrap(), wanted, "at {second}");
        let count = memberships::count_at(db, W, 1, at(second)).await.unwrap();
        assert_eq!(count, i64::try_from(wanted.len()).unwrap(), "at {second}");
    }
}

#[db_test(MIGRATIONS)]
async fn a_large_segment_is_taken_back_and_deleted_in_slices(db: TestDatabase) {
    let count = 4_100;
    let mut tx = db.begin(Priority::Background).await.unwrap();
    let rows: Vec<MembershipRow> = (0..count)
        .flat_map(|person| [row(person, 1, Some(2), 1), row(person, 3, None, 1)])
        .chain([MembershipRow { segment: 2, ..row(7, 1, None, 1) }])
        .collect();
    for rows in rows.chunks(500) {
        memberships::insert(&mut tx, W, rows).await.unwrap();
    }
    tx.commit().await.unwrap();
    let held = async |person: i64| memberships::of_persons(&mut db.read(), W, &[PersonId(person)]).await.unwrap();
    memberships::replace_all(&db, W, 1, at(9)).await.unwrap();
    for person in [0, 1_999, 2_000, count - 1] {
        assert!(held(person).await.is_empty(), "{person}");
    }
    assert_eq!(held(7).await.len(), 1, "another segment is left alone");
    let rows = async || -> i64 {
        let text = Sql::assembled("SELECT COUNT(*) FROM memberships".to_owned());
        db.read().scalar(text, args![]).await.unwrap()
    };
    assert_eq!(rows().await, 2 * count + 1, "what was held true once stays known");
    memberships::delete_all(&db, W, 1).await.unwrap();
    assert_eq!(rows().await, 1);
}
