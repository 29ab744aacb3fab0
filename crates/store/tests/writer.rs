//! The scheduled writer: who goes first, what a failing request undoes, what closing does. Also run on PostgreSQL, where
//! only the order of turns differs.

use std::pin::pin;

use futures::future::join_all;
use futures::poll;
use rapport_store::testing::TestDatabase;
use rapport_store::{Engine, Error, Migration, Migrations, Priority, Queries, Result, Store, args, db_test, sql};

const TABLES: Migrations = Migrations {
    namespace: "test",
    list: &[Migration { number: 1, name: "numbers", sql: "CREATE TABLE number (n {int} PRIMARY KEY) {strict}" }],
};

async fn numbers(store: &Store) -> Vec<i64> {
    let rows: Vec<(i64,)> = store.read().fetch_all(sql!("SELECT n FROM number ORDER BY n"), args![]).await.unwrap();
    rows.into_iter().map(|(n,)| n).collect()
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
