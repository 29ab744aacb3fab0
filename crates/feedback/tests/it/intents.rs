//! Examples of intents as they are stored, on both engines.

use rapport_domain::{Handle, PersonId, Timestamp, WorkspaceId};
use rapport_feedback::intents::{self, records};
use rapport_privacy::{Subject, Tables};
use rapport_store::testing::TestDatabase;
use rapport_store::{Priority, db_test};

const INTENTS: rapport_store::Migrations = intents::MIGRATIONS;
const W: WorkspaceId = WorkspaceId(1);
const OTHER: WorkspaceId = WorkspaceId(2);

#[db_test(INTENTS)]
async fn examples_are_replaced_as_a_whole(db: TestDatabase) {
    let maps = [rapport_store::DATA_MAP, intents::DATA_MAP];
    assert_eq!(rapport_store::data_map::differences(&db, &maps).await.unwrap(), Vec::<String>::new());
    let replace = async |workspace: WorkspaceId, intent: &str, of: &[&str], at: i64| {
        let of: Vec<String> = of.iter().map(|it| (*it).to_owned()).collect();
        let mut tx = db.begin(Priority::Interactive).await.unwrap();
        records::replace(&mut tx, workspace, (intent, &of), ("usr_1", Timestamp(at))).await.unwrap();
        tx.commit().await.unwrap();
    };
    replace(W, "where", &["Where is it?", "When does it come?"], 1).await;
    replace(W, "cancel", &["Cancel it"], 2).await;
    replace(OTHER, "where", &["Wo?"], 3).await;
    replace(W, "where", &["Where is my order?"], 4).await;
    assert_eq!(
        records::list(&mut db.read(), W).await.unwrap(),
        [("cancel".to_owned(), 1, Timestamp(2)), ("where".to_owned(), 1, Timestamp(4))]
    );
    assert_eq!(records::of(&mut db.read(), W, "where").await.unwrap(), [("Where is my order?".to_owned(),)]);
    replace(W, "where", &[], 5).await;
    assert_eq!(records::examples(&mut db.read(), W).await.unwrap(), [("cancel".to_owned(), "Cancel it".to_owned())]);
}

#[db_test(INTENTS)]
async fn a_text_is_an_example_of_one_intent_and_goes_with_who_wrote_it(db: TestDatabase) {
    let put = async |text: &str, handle: i64, intent: Option<&str>| {
        let mut tx = db.begin(Priority::Interactive).await.unwrap();
        let by = ("usr_1", Timestamp(handle));
        records::put(&mut tx, W, (text, Handle(handle)), intent, by).await.unwrap();
        tx.commit().await.unwrap();
    };
    let of = async |intent: &str| {
        let found = records::of(&mut db.read(), W, intent).await.unwrap();
        found.into_iter().map(|it| it.0).collect::<Vec<_>>()
    };
    put("Where?", 1, Some("where")).await;
    put("When?", 2, Some("where")).await;
    put("Where?", 1, Some("cancel")).await;
    assert_eq!((of("where").await, of("cancel").await), (vec!["When?".to_owned()], vec!["Where?".to_owned()]));
    put("Where?", 1, Some("where")).await;
    assert_eq!(of("where").await, ["When?", "Where?"], "behind those that are there");
    assert_eq!(records::of_text(&mut db.read(), W, "When?").await.unwrap(), Some(("where".to_owned(), 2)));
    assert_eq!(records::of_text(&mut db.read(), OTHER, "When?").await.unwrap(), None);
    // Saved again with another one, it stays theirs, and goes with them; what staff wrote stays.
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let all = ["Own words".to_owned(), "Where?".to_owned(), "When?".to_owned()];
    records::replace(&mut tx, W, ("where", &all), ("usr_1", Timestamp(9))).await.unwrap();
    let ann = Subject { workspace: W, person: PersonId(1), handles: vec![Handle(1)] };
    Tables::of(&[intents::DATA_MAP]).unwrap().erase(&mut tx, &ann).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(of("where").await, ["Own words", "When?"]);
    put("When?", 2, None).await;
    assert_eq!(
        (of("where").await, records::of_text(&mut db.read(), W, "When?").await.unwrap()),
        (vec!["Own words".to_owned()], None)
    );
}
