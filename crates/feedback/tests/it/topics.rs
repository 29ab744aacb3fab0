//! Topics as they are stored, on both engines: versions, corrections, and what erasure takes.

use rapport_domain::{Handle, PersonId, Timestamp, WorkspaceId};
use rapport_feedback::MIGRATIONS as FEEDBACK;
use rapport_feedback::reviews::MIGRATIONS as REVIEWS;
use rapport_feedback::topics::records::{self, ExampleRow};
use rapport_feedback::topics::{DATA_MAP, MIGRATIONS, Tree};
use rapport_feedback::verbatims::records as verbatims;
use rapport_privacy::{Subject, Tables};
use rapport_store::testing::TestDatabase;
use rapport_store::{Priority, db_test};

const W: WorkspaceId = WorkspaceId(1);
const OTHER: WorkspaceId = WorkspaceId(2);
const NOW: Timestamp = Timestamp(1_780_000_000_000_000);

fn example(number: u8, begins: i64, topic: &str) -> ExampleRow {
    ExampleRow {
        event_id: [number; 16],
        begins,
        handle: Handle(i64::from(number)),
        clause: format!("clause {number}"),
        topic: topic.to_owned(),
        noted_at: NOW.plus(i64::from(number) * Timestamp::MINUTE),
        noted_by: "usr_1".to_owned(),
    }
}

async fn note(db: &TestDatabase, rows: &[ExampleRow]) {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    for row in rows {
        records::note(&mut tx, W, row).await.unwrap();
    }
    tx.commit().await.unwrap();
}

#[db_test(MIGRATIONS)]
async fn every_column_is_declared(db: TestDatabase) {
    let found = rapport_store::data_map::differences(&db, &[rapport_store::DATA_MAP, DATA_MAP]).await.unwrap();
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(rapport_store::data_map::lax_tables(&db).await.unwrap(), Vec::<String>::new());
}

#[db_test(MIGRATIONS)]
async fn every_version_is_kept_and_the_last_one_looked_at_is_changed(db: TestDatabase) {
    assert_eq!(records::tree(&mut db.read(), W).await.unwrap(), None);
    let save = async |tree: &Tree, before: i64| {
        let mut tx = db.begin(Priority::Interactive).await.unwrap();
        let saved = records::save(&mut tx, W, (tree, before), ("usr_1", NOW)).await.unwrap();
        tx.commit().await.unwrap();
        saved
    };
    let (usual, mut small) = (Tree::default(), Tree::default());
    small.0.truncate(3);
    assert!(save(&usual, 0).await && !save(&small, 0).await && save(&small, 1).await && !save(&usual, 1).await);
    assert_eq!(records::tree(&mut db.read(), W).await.unwrap().map(|row| (row.version, row.tree.0)), Some((2, small)));
    let versions = records::versions(&mut db.read(), W, 10).await.unwrap();
    assert_eq!(versions.iter().map(|row| row.version).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(versions[1].tree.0, usual);
    assert_eq!(records::tree(&mut db.read(), OTHER).await.unwrap(), None);
}

#[db_test(FEEDBACK, REVIEWS, MIGRATIONS)]
async fn corrections_are_kept_and_go_with_the_person(db: TestDatabase) {
    note(&db, &[example(1, 0, "price"), example(2, 7, ""), example(1, 9, "quality")]).await;
    note(&db, &[ExampleRow { topic: "looks".to_owned(), ..example(1, 0, "") }]).await;
    let all = records::examples(&mut db.read(), W, 10).await.unwrap();
    assert_eq!(
        all.iter().map(|it| (it.event_id[0], it.begins, it.topic.as_str())).collect::<Vec<_>>(),
        [(1, 9, "quality"), (1, 0, "looks"), (2, 7, "")]
    );
    assert_eq!(records::examples(&mut db.read(), W, 1).await.unwrap().len(), 1);
    let count = async |topics: &[&str], of: WorkspaceId| {
        let topics: Vec<String> = topics.iter().map(|it| (*it).to_owned()).collect();
        records::count_of(&mut db.read(), of, &topics).await.unwrap()
    };
    assert_eq!(
        (count(&["looks", "quality"], W).await, count(&["price"], W).await, count(&["looks"], OTHER).await),
        (2, 0, 0)
    );
    assert_eq!(records::examples_of(&mut db.read(), W, [1; 16]).await.unwrap().len(), 2);
    assert_eq!(records::lessons(&mut db.read(), W).await.unwrap(), (0, 3, NOW.plus(2 * Timestamp::MINUTE).0));
    assert_eq!(records::lessons(&mut db.read(), OTHER).await.unwrap(), (0, 0, 0));
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let ann = Subject { workspace: W, person: PersonId(1), handles: vec![Handle(1)] };
    Tables::of(&[DATA_MAP]).unwrap().erase(&mut tx, &ann).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(records::examples(&mut db.read(), W, 10).await.unwrap().len(), 1);
    assert_eq!(verbatims::of_reviews(&mut db.read(), W, "lamp", 10).await.unwrap(), []);
}
