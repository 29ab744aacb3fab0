//! The digest as it is stored, on both engines: saved, taken once by each, tried again when its time has come.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_feedback::digest::records::{self, FAILED, SENT};
use rapport_feedback::digest::{DATA_MAP, MIGRATIONS, Settings};
use rapport_store::testing::TestDatabase;
use rapport_store::{Priority, db_test};

const W: WorkspaceId = WorkspaceId(1);
const OTHER: WorkspaceId = WorkspaceId(2);
const NOW: Timestamp = Timestamp(1_780_000_000_000_000);
const MINUTE: i64 = Timestamp::MINUTE;

#[db_test(MIGRATIONS)]
async fn every_column_is_declared(db: TestDatabase) {
    let found = rapport_store::data_map::differences(&db, &[rapport_store::DATA_MAP, DATA_MAP]).await.unwrap();
    assert_eq!(found, Vec::<String>::new());
}

#[db_test(MIGRATIONS)]
async fn it_is_off_until_somebody_switches_it_on(db: TestDatabase) {
    let kept = records::find(&mut db.read(), W).await.unwrap();
    assert_eq!((kept.settings.enabled, kept.revision), (false, 0));
    let on = Settings { enabled: true, users: vec!["usr_a".to_owned()], ..Settings::default() };
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    assert!(records::save(&mut tx, W, (&on, NOW), 0, (NOW, "usr_a")).await.unwrap());
    assert!(!records::save(&mut tx, W, (&Settings::default(), NOW), 0, (NOW, "usr_b")).await.unwrap());
    tx.commit().await.unwrap();
    let kept = records::find(&mut db.read(), W).await.unwrap();
    assert_eq!((kept.settings, kept.enabled_at, kept.revision), (on, NOW, 1));
    assert_eq!(records::find(&mut db.read(), OTHER).await.unwrap().revision, 0);
}

#[db_test(MIGRATIONS)]
async fn of_a_period_everybody_gets_one(db: TestDatabase) {
    let take = async |user: &str, at: i64| -> bool {
        let (now, lease) = (NOW.plus(at * MINUTE), NOW.plus((at + 15) * MINUTE));
        let mut tx = db.begin(Priority::Interactive).await.unwrap();
        let taken = records::take(&mut tx, W, (NOW, user), (now, lease), 3).await.unwrap();
        tx.commit().await.unwrap();
        taken
    };
    let settled = async |at: i64| -> Vec<String> {
        let found = records::settled(&mut db.read(), W, NOW, (NOW.plus(at * MINUTE), 3)).await.unwrap();
        found.into_iter().map(|(name,)| name).collect()
    };
    assert!(take("usr_a", 0).await && take("usr_b", 0).await);
    assert!(!take("usr_a", 1).await, "somebody is at it");
    assert_eq!(settled(1).await, ["usr_a", "usr_b"]);
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    records::note(&mut tx, W, (NOW, "usr_a"), SENT).await.unwrap();
    tx.commit().await.unwrap();
    assert!(!take("usr_a", 20).await, "it was sent");
    assert_eq!(settled(20).await, ["usr_a"]);
    // Whoever was cut short is tried again, three times in all.
    assert!(take("usr_b", 20).await && take("usr_b", 40).await && !take("usr_b", 60).await);
    assert_eq!(settled(60).await, ["usr_a", "usr_b"]);
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    records::note(&mut tx, W, (NOW, "usr_b"), FAILED).await.unwrap();
    assert!(records::take(&mut tx, W, (NOW.plus(1), "usr_b"), (NOW, NOW), 3).await.unwrap(), "another period");
    assert!(records::take(&mut tx, OTHER, (NOW, "usr_a"), (NOW, NOW), 3).await.unwrap());
    tx.commit().await.unwrap();
}
