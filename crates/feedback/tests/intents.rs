//! Examples of intents as they are stored, on both engines.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_feedback::intents::{self, records};
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
