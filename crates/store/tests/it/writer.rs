//! The scheduled writer: who goes first, what a failing request undoes, what closing does. Also run on PostgreSQL, where
//! only the order of turns differs.

use std::pin::pin;

use futures::future::join_all;
use futures::poll;
use rapport_store::testing::TestDatabase;
use rapport_store::{Engine, Error, Migration, Migrations, Priority, Queries, Result, Sql, Store, args, db_test, sql};

const TABLES: Migrations = Migrations {
    namespace: "test",
    list: &[Migration { number: 1, name: "numbers", sql: "CREATE TABLE number (n {int} PRIMARY KEY) {strict}" }],
};

async fn numbers(store: &Store) -> Vec<i64> {
    let rows: Vec<(i64,)> = store.read().fetch_all(sql!("SELECT n FROM number ORDER BY n"), args![]).await.unwrap();
    rows.into_iter().map(|(n,)| n).collect()
}

/// A commit that was answered is on the disk, whatever the server's own settings say.
#[db_test(TABLES)]
async fn a_commit_waits_for_the_disk(db: TestDatabase) -> Result<()> {
    let mut tx = db.begin(Priority::Interactive).await?;
    match db.engine() {
        Engine::Postgres => {
            let setting: String = tx.scalar(Sql::literal("SHOW synchronous_commit"), args![]).await?;
            assert_eq!(setting, "on");
            let source = Sql::literal("SELECT source FROM pg_settings WHERE name = 'synchronous_commit'");
            let source: String = tx.scalar(source, args![]).await?;
            assert_eq!(source, "client", "it is ours, not what the server happens to have");
        }
        Engine::Sqlite => {
            let setting: i64 = tx.scalar(Sql::literal("PRAGMA synchronous"), args![]).await?;
            assert_eq!(setting, 2, "FULL");
        }
    }
    tx.rollback().await
}

#[db_test(TABLES)]
async fn interactive_requests_go_first(db: TestDatabase) -> Result<()> {
    if db.engine() == Engine::Postgres {
        return Ok(());
    }
    let holder = db.begin(Priority::Background).await?;
    let mut background = pin!(db.begin(Priority::Background));
    assert!(poll!(&mut background).is_pending());
    let mut interactive = pin!(db.begin(Priority::Interactive));
    assert!(poll!(&mut interactive).is_pending());
    drop(holder);
    let turn = interactive.await?;
    assert!(poll!(&mut background).is_pending(), "one turn at a time");
    drop(turn);
    background.await?.rollback().await
}

#[db_test(TABLES)]
async fn a_failing_request_undoes_only_itself(db: TestDatabase) {
    let requests = (0..120_i64).map(|n| {
        let store = db.store.clone();
        tokio::spawn(async move {
            let priority = if n % 2 == 0 { Priority::Interactive } else { Priority::Background };
            let mut tx = store.begin(priority).await?;
            tx.execute(sql!("INSERT INTO number (n) VALUES ($1)"), args![n]).await?;
            match n % 3 {
                0 => tx.commit().await,
                1 => {
                    drop(tx);
                    Ok(())
                }
                _ => tx.execute(sql!("INSERT INTO number (n) VALUES ($1)"), args![n]).await.map(drop),
            }
        })
    });
    let outcomes = join_all(requests).await;
    for (n, outcome) in outcomes.into_iter().enumerate() {
        let outcome = outcome.unwrap();
        assert_eq!(outcome.is_err(), n % 3 == 2, "{n}: {outcome:?}");
    }
    // A rollback by dropping happens when the connection comes back: ask for it once more.
    db.begin(Priority::Interactive).await.unwrap().commit().await.unwrap();
    assert_eq!(numbers(&db).await, (0..120).filter(|n| n % 3 == 0).collect::<Vec<_>>());
}

#[db_test(TABLES)]
async fn a_request_whose_future_is_dropped_leaves_nothing(db: TestDatabase) -> Result<()> {
    let mut tx = db.begin(Priority::Interactive).await?;
    {
        let mut insert = pin!(tx.execute(sql!("INSERT INTO number (n) VALUES ($1)"), args![1_i64]));
        let _ = poll!(&mut insert);
    }
    drop(tx);
    {
        let mut waiting = pin!(db.begin(Priority::Interactive));
        let _ = poll!(&mut waiting);
    }
    let mut tx = db.begin(Priority::Interactive).await?;
    tx.execute(sql!("INSERT INTO number (n) VALUES ($1)"), args![2_i64]).await?;
    tx.commit().await?;
    assert_eq!(numbers(&db).await, [2]);
    Ok(())
}

#[db_test(TABLES)]
async fn closing_ends_everything(db: TestDatabase) -> Result<()> {
    let mut tx = db.begin(Priority::Interactive).await?;
    tx.execute(sql!("INSERT INTO number (n) VALUES ($1)"), args![1_i64]).await?;
    tx.commit().await?;
    db.close().await;
    let refused = db.begin(Priority::Interactive).await;
    assert!(matches!(refused, Err(Error::Closed)), "{refused:?}");
    let refused = db.read().scalar::<i64>(sql!("SELECT COUNT(*) FROM number"), args![]).await;
    assert!(matches!(refused, Err(Error::Closed)), "{refused:?}");
    Ok(())
}

/// A transaction begins with its first statement and ends with its last: what each of them did is told as if they had been sent by themselves.
#[db_test(TABLES)]
async fn the_first_statement_and_the_last_are_told_as_they_are(db: TestDatabase) -> Result<()> {
    let insert = sql!("INSERT INTO number (n) VALUES {rows}");
    let mut tx = db.begin(Priority::Interactive).await?;
    assert_eq!(tx.execute_many(insert.clone(), (1..=5_i64).map(|n| args![n])).await?, 5);
    tx.commit().await?;
    let mut tx = db.begin(Priority::Interactive).await?;
    assert_eq!(tx.execute(sql!("DELETE FROM number WHERE n > $1"), args![3_i64]).await?, 2);
    tx.commit().await?;
    let mut tx = db.begin(Priority::Interactive).await?;
    assert_eq!(tx.execute(sql!("DELETE FROM number WHERE n > $1"), args![3_i64]).await?, 0);
    tx.commit().await?;
    // Only to be written at the end.
    let mut tx = db.begin(Priority::Interactive).await?;
    tx.execute_later(insert.clone(), [args![4_i64], args![5_i64]]);
    tx.execute_later(sql!("INSERT INTO number (n) VALUES {rows} ON CONFLICT DO NOTHING"), [args![5_i64]]);
    tx.commit().await?;
    // Nothing at all.
    db.begin(Priority::Interactive).await?.commit().await?;
    assert_eq!(numbers(&db).await, [1, 2, 3, 4, 5]);
    Ok(())
}

#[db_test(TABLES)]
async fn a_text_that_is_refused_at_the_door_does_not_open_the_transaction(db: TestDatabase) -> Result<()> {
    let mut tx = db.begin(Priority::Interactive).await?;
    let outcome = tx.execute(sql!("DELETE FROM number WHERE CAST(n AS TEXT) = $1"), args!["\0"]).await;
    assert!(matches!(outcome, Err(Error::NulCharacter)));
    tx.execute(sql!("INSERT INTO number (n) VALUES ($1)"), args![1_i64]).await?;
    drop(tx);
    assert_eq!(numbers(&db).await, [0_i64; 0], "it was in a transaction");
    Ok(())
}

/// What is written last, with the commit, may be refused: whoever wrote it is told why, and the others of the commit are not concerned.
#[db_test(TABLES)]
async fn what_is_refused_at_the_end_undoes_only_itself(db: TestDatabase) {
    let write = |store: Store, n: i64| async move {
        let mut tx = store.begin(Priority::Interactive).await?;
        if n % 2 == 0 {
            tx.execute(sql!("INSERT INTO number (n) VALUES ($1)"), args![1_000 + n]).await?;
        }
        tx.execute_later(sql!("INSERT INTO number (n) VALUES {rows}"), [args![n - n % 3]]);
        tx.execute_later(sql!("INSERT INTO number (n) VALUES {rows}"), [args![2_000 + n]]);
        tx.commit().await
    };
    write(db.store.clone(), 0).await.unwrap();
    let alone = write(db.store.clone(), 0).await;
    assert!(alone.is_err_and(|error| error.is_unique_violation()));
    let outcomes = join_all((3..120_i64).map(|n| tokio::spawn(write(db.store.clone(), n)))).await;
    let kept: Vec<bool> = outcomes.into_iter().map(|outcome| outcome.unwrap().is_ok()).collect();
    let kept: Vec<i64> = (3..120).filter(|n| kept[usize::try_from(n - 3).unwrap()]).collect();
    assert_eq!(kept.len(), 39, "one of three");
    let mut expected: Vec<i64> = [0, 1_000, 2_000].into();
    expected.extend(kept.iter().flat_map(|n| [n - n % 3, 2_000 + n]));
    expected.extend(kept.iter().filter(|n| *n % 2 == 0).map(|n| 1_000 + n));
    expected.sort_unstable();
    assert_eq!(numbers(&db).await, expected);
}

/// Who gave up while others were served takes nothing of theirs along, be it that one of them has written or several.
#[db_test(TABLES)]
async fn a_request_that_gave_up_waiting_undoes_nothing_of_others(db: TestDatabase) -> Result<()> {
    let insert = sql!("INSERT INTO number (n) VALUES ($1)");
    let mut first = db.begin(Priority::Interactive).await?;
    first.execute(insert.clone(), args![1_i64]).await?;
    {
        let mut gone = pin!(db.begin(Priority::Interactive));
        let _ = poll!(&mut gone);
    }
    first.commit().await?;
    assert_eq!(numbers(&db).await, [1]);

    let mut first = db.begin(Priority::Interactive).await?;
    first.execute(insert.clone(), args![2_i64]).await?;
    let store = db.store.clone();
    let second = tokio::spawn(async move {
        let mut second = store.begin(Priority::Interactive).await?;
        second.execute(insert, args![3_i64]).await?;
        second.commit().await
    });
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    {
        let mut gone = pin!(db.begin(Priority::Interactive));
        let _ = poll!(&mut gone);
    }
    first.commit().await?;
    second.await.unwrap()?;
    assert_eq!(numbers(&db).await, [1, 2, 3]);
    Ok(())
}
