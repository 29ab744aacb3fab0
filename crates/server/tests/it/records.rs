//! The server's tables on both engines: every statement can be prepared, every column is declared.

use rapport_domain::{Id, Timestamp, WorkspaceId};
use rapport_server::records::rejects::{self, NewReject};
use rapport_server::records::users::{self, UserRow};
use rapport_server::records::workspaces::{self, FIRST};
use rapport_server::records::{sign_in_failures, sign_in_links, sources};
use rapport_server::{installation, schema};
use rapport_store::testing::{self, TestDatabase, assert_indexes_are_used, prepare_statements};
use rapport_store::{Priority, Result, data_map, db_test};

#[test]
fn every_statement_can_be_prepared_on_sqlite() {
    testing::on_sqlite(installation::MIGRATIONS.to_vec(), prepare_all);
}

#[test]
fn every_statement_can_be_prepared_on_postgres() {
    testing::on_postgres(installation::MIGRATIONS.to_vec(), prepare_all);
}

async fn prepare_all(db: TestDatabase) {
    let count = prepare_statements(&db).await;
    assert!(count >= 45, "{count}");
}

/// What a request or a batch of events reads may not grow with the number of customers.
#[test]
fn only_lists_of_everything_read_everything() {
    testing::on_sqlite(installation::MIGRATIONS.to_vec(), |db: TestDatabase| async move {
        assert_indexes_are_used(&db, MEANT).await;
    });
}

/// What is small, or asked for as a whole.
const MEANT: &[&str] = &[
    // A company has few.
    "FROM workspaces",
    "FROM imports",
    "FROM api_keys",
    "FROM questions",
    "FROM sources",
    "FROM users",
    "FROM sign_in_links",
    // Of a list, by its own order, as many as a page holds.
    "FROM rejects r",
    // Once an hour, what is past its time.
    "DELETE FROM audit",
    "DELETE FROM rejects",
    "DELETE FROM sessions",
    "DELETE FROM sign_in_failures",
];

#[test]
fn every_column_is_declared_on_sqlite() {
    testing::on_sqlite(installation::MIGRATIONS.to_vec(), data_map_is_true);
}

#[test]
fn every_column_is_declared_on_postgres() {
    testing::on_postgres(installation::MIGRATIONS.to_vec(), data_map_is_true);
}

/// Of all crates together: an undeclared column, or one declared twice, fails here.
async fn data_map_is_true(db: TestDatabase) -> Result<()> {
    let found = data_map::differences(&db, installation::DATA_MAPS).await?;
    assert!(found.is_empty(), "{found:#?}");
    let lax = data_map::lax_tables(&db).await?;
    assert!(lax.is_empty(), "{lax:?}");
    Ok(())
}

#[db_test(schema::MIGRATIONS)]
async fn a_fresh_folder_has_a_workspace(db: TestDatabase) -> Result<()> {
    assert_eq!(workspaces::ids(&mut db.read()).await?, [FIRST]);
    let row = workspaces::find(&mut db.read(), FIRST).await?.unwrap();
    assert_eq!((row.name.as_str(), row.time_zone.as_str(), row.currency.as_str()), ("My shop", "UTC", "EUR"));
    assert_eq!((row.week_start.as_str(), row.locale.as_str()), ("monday", "en"));
    Ok(())
}

#[db_test(schema::MIGRATIONS)]
async fn sources_are_numbered_named_once_and_counted(db: TestDatabase) -> Result<()> {
    let at = Timestamp::from_seconds(1);
    let mut tx = db.begin(Priority::Interactive).await?;
    let first = sources::ensure(&mut tx, FIRST, "shop", "http", at).await?;
    assert_eq!(sources::ensure(&mut tx, FIRST, "shop", "http", at).await?, first);
    let second = sources::create(&mut tx, WorkspaceId(2), "shop", "file", at).await?;
    assert_ne!(first, second);
    sources::add_events(&mut tx, FIRST, first, 3, Timestamp::from_seconds(9)).await?;
    sources::add_events(&mut tx, FIRST, first, 2, Timestamp::from_seconds(5)).await?;
    sources::add_events(&mut tx, FIRST, second, 1, at).await?;
    tx.commit().await?;
    let row = sources::find(&mut db.read(), FIRST, first).await?.unwrap();
    assert_eq!((row.events, row.last_event_at), (5, Some(Timestamp::from_seconds(9))));
    assert_eq!(sources::find(&mut db.read(), FIRST, second).await?, None, "of another workspace");
    assert_eq!(sources::find(&mut db.read(), WorkspaceId(2), second).await?.unwrap().events, 0);
    let mut tx = db.begin(Priority::Interactive).await?;
    assert!(sources::create(&mut tx, FIRST, "shop", "http", at).await.unwrap_err().is_unique_violation());
    Ok(())
}

#[db_test(schema::MIGRATIONS)]
async fn rejects_come_newest_first_page_by_page(db: TestDatabase) -> Result<()> {
    let mut tx = db.begin(Priority::Interactive).await?;
    let source = sources::create(&mut tx, FIRST, "shop", "http", Timestamp(0)).await?;
    let other = sources::create(&mut tx, FIRST, "other", "http", Timestamp(0)).await?;
    for (number, source) in [(1, source), (2, source), (3, other), (4, source)] {
        let text = || format!("m{number}");
        let id = Id(format!("rej_{number}"));
        let row = NewReject { id, code: "bad_time", message: text(), location: text(), excerpt: text() };
        rejects::insert(&mut tx, FIRST, source, Timestamp(number), &[row]).await?;
    }
    tx.commit().await?;
    let mut db = db.read();
    let messages = |rows: Vec<rejects::RejectRow>| rows.into_iter().map(|row| row.message).collect::<Vec<_>>();
    assert_eq!(messages(rejects::newest(&mut db, FIRST, None, None, 2).await?), ["m4", "m3"]);
    assert_eq!(messages(rejects::newest(&mut db, FIRST, None, Some("rej_3"), 5).await?), ["m2", "m1"]);
    assert_eq!(messages(rejects::newest(&mut db, FIRST, Some(source), None, 5).await?), ["m4", "m2", "m1"]);
    assert_eq!(rejects::count(&mut db, FIRST, Some(source), Timestamp(2)).await?, 2);
    assert_eq!(rejects::count(&mut db, WorkspaceId(2), None, Timestamp(0)).await?, 0);
    Ok(())
}

#[db_test(schema::MIGRATIONS)]
async fn users_are_found_whatever_the_case_and_links_work_once(db: TestDatabase) -> Result<()> {
    let mut tx = db.begin(Priority::Interactive).await?;
    let user = UserRow {
        id: Id("usr_1".to_owned()),
        workspace: FIRST,
        name: "Ünal".to_owned(),
        email: "Ünal@Example.org".to_owned(),
        role: "owner".to_owned(),
        password_hash: None,
        disabled: false,
        created_at: Timestamp(1),
        last_seen_at: None,
    };
    users::insert(&mut tx, &user).await?;
    assert_eq!(users::by_email(&mut tx, " ünal@example.ORG ").await?, Some(user.clone()));
    sign_in_links::insert(&mut tx, [1; 32], &user.id, Timestamp(100)).await?;
    assert_eq!(sign_in_links::take(&mut tx, [1; 32], Timestamp(100)).await?, None, "too late");
    assert_eq!(sign_in_links::take(&mut tx, [1; 32], Timestamp(99)).await?, Some(user.id.clone()));
    assert_eq!(sign_in_links::take(&mut tx, [1; 32], Timestamp(99)).await?, None, "used");
    tx.commit().await?;
    let mut tx = db.begin(Priority::Interactive).await?;
    let twin = UserRow { id: Id("usr_2".to_owned()), email: "ÜNAL@example.org".to_owned(), ..user };
    assert!(users::insert(&mut tx, &twin).await.unwrap_err().is_unique_violation());
    Ok(())
}

#[db_test(schema::MIGRATIONS)]
async fn failures_are_counted_within_their_window(db: TestDatabase) -> Result<()> {
    let mut tx = db.begin(Priority::Interactive).await?;
    for (at, failures) in [(100, 1), (110, 2), (120, 3), (160, 1), (161, 2)] {
        sign_in_failures::add(&mut tx, [7; 32], Timestamp(at), Timestamp(at - 50)).await?;
        assert_eq!(sign_in_failures::find(&mut tx, [7; 32]).await?.unwrap().failures, failures, "at {at}");
    }
    sign_in_failures::clear(&mut tx, [7; 32]).await?;
    assert_eq!(sign_in_failures::find(&mut tx, [7; 32]).await?, None);
    tx.commit().await
}
