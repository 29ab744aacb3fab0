//! Notes and ideas as they are stored, on both engines: saved as looked at, quotes by topic, one vote each, merged, and what erasure takes and leaves.

use rapport_domain::{Handle, PersonId, Timestamp, WorkspaceId};
use rapport_feedback::ideas::records::NewIdea;
use rapport_feedback::ideas::{self, Settings, State};
use rapport_feedback::notes;
use rapport_feedback::notes::records::{self as notes_kept, NoteRow, PassageRow};
use rapport_privacy::{Subject, Tables};
use rapport_store::testing::TestDatabase;
use rapport_store::{Priority, db_test};

const NOTES: rapport_store::Migrations = notes::MIGRATIONS;
const IDEAS: rapport_store::Migrations = rapport_feedback::ideas::MIGRATIONS;
const W: WorkspaceId = WorkspaceId(1);
const OTHER: WorkspaceId = WorkspaceId(2);
const NOW: Timestamp = Timestamp(1_780_000_000_000_000);

fn note(id: &str, revision: i64, days: i64) -> NoteRow {
    NoteRow {
        id: id.into(),
        kind: "interview".into(),
        title: format!("Note {id}"),
        held_at: NOW.plus(days * Timestamp::DAY),
        revision,
        created_at: NOW,
        updated_at: NOW,
        updated_by: "usr_1".into(),
    }
}

fn passage(note: &str, place: i64, handle: i64, topics: &str) -> PassageRow {
    PassageRow {
        note: note.into(),
        place,
        handle: Handle(handle),
        consent: if handle == 0 { String::new() } else { "said yes".into() },
        text: format!("words {note} {place}"),
        topics: topics.into(),
    }
}

async fn save(db: &TestDatabase, note: &NoteRow, passages: &[PassageRow]) -> bool {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let saved = notes_kept::save(&mut tx, W, note, passages).await.unwrap();
    tx.commit().await.unwrap();
    saved
}

async fn erase(db: &TestDatabase, handle: i64) {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let who = Subject { workspace: W, person: PersonId(1), handles: vec![Handle(handle)] };
    let maps = [notes::DATA_MAP, ideas::DATA_MAP];
    Tables::of(&maps).unwrap().erase(&mut tx, &who).await.unwrap();
    tx.commit().await.unwrap();
}

#[db_test(NOTES, IDEAS)]
async fn every_column_is_declared(db: TestDatabase) {
    let maps = [rapport_store::DATA_MAP, notes::DATA_MAP, ideas::DATA_MAP];
    assert_eq!(rapport_store::data_map::differences(&db, &maps).await.unwrap(), Vec::<String>::new());
    assert_eq!(rapport_store::data_map::lax_tables(&db).await.unwrap(), Vec::<String>::new());
}

#[db_test(NOTES, IDEAS)]
async fn a_note_is_saved_as_it_was_looked_at_and_quoted_by_topic(db: TestDatabase) {
    assert!(save(&db, &note("a", 1, 0), &[passage("a", 0, 0, "price"), passage("a", 1, 7, "price quality")]).await);
    assert!(save(&db, &note("b", 1, 3), &[passage("b", 0, 7, "quality"), passage("b", 1, 0, "")]).await);
    assert!(!save(&db, &note("a", 1, 0), &[]).await, "it is there already");
    assert!(save(&db, &note("a", 2, 1), &[passage("a", 0, 7, "price")]).await);
    assert!(!save(&db, &note("a", 2, 1), &[]).await, "somebody was faster");
    let rows = notes_kept::list(&mut db.read(), W, None, 9).await.unwrap();
    assert_eq!(rows.iter().map(|row| (row.id.as_str(), row.revision)).collect::<Vec<_>>(), [("b", 1), ("a", 2)]);
    let next = Some((rows[0].held_at, rows[0].id.clone()));
    assert_eq!(notes_kept::list(&mut db.read(), W, next, 9).await.unwrap().len(), 1);
    assert_eq!(notes_kept::list(&mut db.read(), OTHER, None, 9).await.unwrap(), []);
    let quotes = async |topic: &str| -> Vec<(String, i64)> {
        let found = notes_kept::quotes(&mut db.read(), W, &[topic.to_owned()], 9).await.unwrap();
        found.into_iter().map(|it| (it.0.id, it.1.place)).collect()
    };
    assert_eq!(quotes("price").await, [("a".into(), 0)]);
    assert_eq!(quotes("quality").await, [("b".into(), 0)]);
    assert_eq!(quotes("pric").await, []);
    erase(&db, 7).await;
    assert_eq!(notes_kept::passages(&mut db.read(), W, "a").await.unwrap(), []);
    assert_eq!(notes_kept::passages(&mut db.read(), W, "b").await.unwrap().len(), 1, "the rest of the note stays");
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    assert!(!notes_kept::delete(&mut tx, OTHER, "b").await.unwrap());
    assert!(notes_kept::delete(&mut tx, W, "b").await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(notes_kept::find(&mut db.read(), W, "b").await.unwrap(), None);
}

async fn propose(db: &TestDatabase, id: &str, handle: i64, state: State) -> bool {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let idea = NewIdea {
        id: id.into(),
        origin: format!("form:{}", &id[..1]),
        handle: Handle(handle),
        title: format!("Idea {id}"),
        text: "More".into(),
        language: "en".into(),
        state,
        proposed_at: NOW,
    };
    let new = ideas::records::propose(&mut tx, W, &idea).await.unwrap();
    tx.commit().await.unwrap();
    new
}

async fn vote(db: &TestDatabase, idea: &str, voter: &str, handle: i64) -> bool {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let first = ideas::records::vote(&mut tx, W, idea, (voter, Handle(handle)), NOW).await.unwrap();
    tx.commit().await.unwrap();
    first
}

async fn votes(db: &TestDatabase, idea: &str) -> i64 {
    ideas::records::find(&mut db.read(), W, idea).await.unwrap().unwrap().votes
}

#[db_test(NOTES, IDEAS)]
async fn everybody_has_one_vote_also_of_ideas_that_are_one(db: TestDatabase) {
    assert!(propose(&db, "a", 7, State::Open).await && !propose(&db, "a2", 7, State::Open).await);
    assert!(propose(&db, "b", 0, State::New).await && propose(&db, "c", 0, State::Open).await);
    assert!(vote(&db, "a", "p7", 7).await && !vote(&db, "a", "p7", 7).await);
    assert!(vote(&db, "a", "b1", 0).await && vote(&db, "c", "b1", 0).await && vote(&db, "c", "b2", 0).await);
    assert_eq!((votes(&db, "a").await, votes(&db, "c").await), (2, 2));
    let of = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
    assert_eq!(ideas::records::voted(&mut db.read(), W, &of, "b2").await.unwrap(), [("c".to_owned(),)]);
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    ideas::records::merge(&mut tx, W, "c", "a").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((votes(&db, "a").await, votes(&db, "c").await), (3, 0), "b1 has one vote");
    let merged = ideas::records::find(&mut db.read(), W, "c").await.unwrap().unwrap();
    assert_eq!((merged.state.as_str(), merged.merged_into.as_deref()), ("merged", Some("a")));
    let list = ideas::records::list(&mut db.read(), W, &[State::Open, State::New], 9).await.unwrap();
    assert_eq!(list.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let said = (State::Planned, Some("In spring, Ann"));
    assert!(ideas::records::decide(&mut tx, W, "a", said, ("usr_1", NOW)).await.unwrap());
    assert!(!ideas::records::decide(&mut tx, OTHER, "a", said, ("usr_1", NOW)).await.unwrap());
    assert!(ideas::records::unvote(&mut tx, W, "a", "b2").await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(votes(&db, "a").await, 2);
    // Who proposed it is forgotten: the idea stays with the other's vote, without words.
    erase(&db, 7).await;
    let left = ideas::records::find(&mut db.read(), W, "a").await.unwrap().unwrap();
    assert_eq!((left.handle, left.title, left.text, left.answer), (Handle(0), None, None, None));
    assert_eq!((left.state.as_str(), left.votes), ("planned", 1));
}

#[db_test(NOTES, IDEAS)]
async fn the_box_is_shut_until_it_is_opened(db: TestDatabase) {
    assert_eq!(ideas::records::settings(&mut db.read(), W).await.unwrap(), Settings::default());
    let open = Settings { is_open: true, ..Settings::default() };
    for settings in [&Settings::default(), &open] {
        let mut tx = db.begin(Priority::Interactive).await.unwrap();
        ideas::records::save_settings(&mut tx, W, settings, ("usr_1", NOW)).await.unwrap();
        tx.commit().await.unwrap();
    }
    assert_eq!(ideas::records::settings(&mut db.read(), W).await.unwrap(), open);
    assert!(!ideas::records::settings(&mut db.read(), OTHER).await.unwrap().is_open);
}
