//! The facade on both engines: values, lists, rows, transactions, savepoints, errors.

use futures::TryStreamExt;
use rapport_domain::{Handle, PersonId, Timestamp};
use rapport_store::testing::TestDatabase;
use rapport_store::{Arg, Error, Json, Migration, Migrations, Priority, Queries, Record, args, db_test, sql};

const TABLES: Migrations = Migrations {
    namespace: "test",
    list: &[Migration {
        number: 1,
        name: "things",
        sql: "CREATE TABLE thing (person {int} PRIMARY KEY, name TEXT NOT NULL, seen_at {int}, weight {float}, active {bool} NOT NULL,
              traits {json}, body {bytes}) {strict};
              CREATE TABLE part (person {int} NOT NULL REFERENCES thing (person), number {int} NOT NULL CHECK (number > 0),
              PRIMARY KEY (person, number)) {clustered};",
    }],
};

#[derive(Debug, PartialEq, Record)]
struct Thing {
    #[record(column = "person")]
    id: PersonId,
    name: String,
    seen_at: Option<Timestamp>,
    weight: Option<f64>,
    active: bool,
    traits: Option<Json<Vec<String>>>,
    body: Option<Vec<u8>>,
}

fn full(id: i64) -> Thing {
    Thing {
        id: PersonId(id),
        name: format!("thing {id}"),
        seen_at: Some(Timestamp(i64::MAX)),
        weight: Some(0.1),
        active: true,
        traits: Some(Json(vec![String::from("ä\"")])),
        body: Some(vec![0, 255]),
    }
}

fn row(thing: &Thing) -> rapport_store::Args {
    let traits = thing.traits.clone();
    args![thing.id, &thing.name, thing.seen_at, thing.weight, thing.active, traits, Arg::Bytes(thing.body.clone())]
}

async fn insert(db: &TestDatabase, things: &[Thing]) -> rapport_store::Result<u64> {
    let mut tx = db.begin(Priority::Interactive).await?;
    let insert = sql!("INSERT INTO thing (person, name, seen_at, weight, active, traits, body) VALUES {rows}");
    let count = tx.execute_many(insert, things.iter().map(row)).await?;
    tx.commit().await?;
    Ok(count)
}

async fn all(db: &mut impl Queries) -> rapport_store::Result<Vec<Thing>> {
    db.fetch_all(sql!("SELECT * FROM thing ORDER BY person"), args![]).await
}

#[db_test(TABLES)]
async fn values_come_back_as_they_went_in(db: TestDatabase) {
    let empty = Thing {
        id: PersonId(-1),
        name: String::new(),
        seen_at: None,
        weight: None,
        active: false,
        traits: None,
        body: None,
    };
    assert_eq!(insert(&db, &[full(7)]).await.unwrap(), 1);
    assert_eq!(insert(&db, &[]).await.unwrap(), 0);
    insert(&db, std::slice::from_ref(&empty)).await.unwrap();
    assert_eq!(all(&mut db.read()).await.unwrap(), [empty, full(7)]);
    let first: String = db
        .read()
        .scalar(sql!("SELECT traits ->> 0 FROM thing WHERE active AND name LIKE $1 ESCAPE '\\'"), args!["thing%"])
        .await
        .unwrap();
    assert_eq!(first, "ä\"");
}

#[db_test(TABLES)]
async fn many_rows_are_cut_into_statements(db: TestDatabase) {
    let things: Vec<Thing> = (1..=20_001).map(full).collect();
    assert_eq!(insert(&db, &things).await.unwrap(), 20_001);
    let (count, sum): (i64, i64) =
        db.read().fetch_one(sql!("SELECT COUNT(*), CAST(SUM(person) AS BIGINT) FROM thing"), args![]).await.unwrap();
    assert_eq!((count, sum), (20_001, 20_001 * 20_002 / 2));
    let above = sql!("SELECT person FROM thing WHERE person > $1 ORDER BY person");
    let streamed = db.read().stream::<(i64,)>(above, args![19_000_i64]).unwrap();
    let streamed: Vec<(i64,)> = streamed.try_collect().await.unwrap();
    assert_eq!(streamed.len(), 1_001);
}

#[db_test(TABLES)]
async fn lists_of_any_length(db: TestDatabase) {
    insert(&db, &(1..=5).map(full).collect::<Vec<_>>()).await.unwrap();
    let mut read = db.read();
    let count = sql!("SELECT COUNT(*) FROM thing WHERE person IN ($1) AND name NOT IN ($2)");
    let none: Vec<String> = Vec::new();
    let long: Vec<Handle> = (2..=100_000).map(Handle).collect();
    let quoted = vec!["thing 2", "it's \"x\""];
    assert_eq!(read.scalar::<i64>(count.clone(), args![&long, &none]).await.unwrap(), 4);
    assert_eq!(read.scalar::<i64>(count.clone(), args![&long, &quoted]).await.unwrap(), 3);
    assert_eq!(read.scalar::<i64>(count, args![&Vec::<i64>::new(), &none]).await.unwrap(), 0);
    // Bytes too: any, and none.
    insert(&db, &[Thing { body: Some(vec![0, 255, 39]), ..full(9) }]).await.unwrap();
    let with = sql!("SELECT COUNT(*) FROM thing WHERE body IN ($1)");
    let bytes: [[u8; 3]; 2] = [[0, 255, 39], [1, 1, 1]];
    assert_eq!(read.scalar::<i64>(with.clone(), args![&bytes[..]]).await.unwrap(), 1);
    assert_eq!(read.scalar::<i64>(with, args![&bytes[..0]]).await.unwrap(), 0);
}

#[db_test(TABLES)]
async fn errors_are_told_apart(db: TestDatabase) {
    insert(&db, &[full(1)]).await.unwrap();
    let error = insert(&db, &[full(1)]).await.unwrap_err();
    assert!(error.is_unique_violation() && !error.is_retryable(), "{error}");
    let nul = Thing { name: "a\0b".into(), ..full(2) };
    assert!(matches!(insert(&db, &[nul]).await, Err(Error::NulCharacter)));
    for number in [0_i64, 1] {
        let mut tx = db.begin(Priority::Interactive).await.unwrap();
        let error = tx.execute(sql!("INSERT INTO part (person, number) VALUES ($1, $2)"), args![99_i64, number]).await;
        assert!(matches!(error, Err(Error::Constraint { .. })), "{error:?}");
        let after = tx.scalar::<i64>(sql!("SELECT COUNT(*) FROM thing"), args![]).await;
        assert!(matches!(after, Err(Error::TransactionFailed)), "{after:?}");
        assert!(matches!(tx.commit().await, Err(Error::TransactionFailed)));
    }
    let none = db.read().fetch_one::<(i64,)>(sql!("SELECT person FROM thing WHERE person = $1"), args![5_i64]).await;
    assert!(matches!(none, Err(Error::NotFound)));
    let wrong = db.read().scalar::<i64>(sql!("SELECT name FROM thing"), args![]).await.unwrap_err();
    assert_eq!(wrong.code(), "store.decode");
    assert!(!wrong.to_string().contains("thing 1"), "{wrong}");
}

#[db_test(TABLES)]
async fn transactions_and_savepoints(db: TestDatabase) -> rapport_store::Result<()> {
    let add = sql!("INSERT INTO thing (person, name, active) VALUES ($1, $2, $3)");
    let mut tx = db.begin(Priority::Interactive).await?;
    tx.execute(add.clone(), args![1_i64, "lost", true]).await?;
    drop(tx);
    let mut tx = db.begin(Priority::Background).await?;
    tx.execute(add.clone(), args![2_i64, "kept", true]).await?;
    {
        let mut part = tx.savepoint().await?;
        part.execute(add.clone(), args![3_i64, "undone", true]).await?;
        let mut inner = part.savepoint().await?;
        inner.execute(add.clone(), args![4_i64, "undone too", true]).await?;
        inner.release().await?;
    }
    {
        let mut part = tx.savepoint().await?;
        let twice = part.execute(add.clone(), args![2_i64, "twice", true]).await;
        assert!(twice.is_err_and(|error| error.is_unique_violation()));
    }
    let mut part = tx.savepoint().await?;
    part.execute(add, args![5_i64, "kept too", false]).await?;
    part.release().await?;
    assert_eq!(tx.scalar::<i64>(sql!("SELECT COUNT(*) FROM thing"), args![]).await?, 2);
    assert_eq!(db.read().scalar::<i64>(sql!("SELECT COUNT(*) FROM thing"), args![]).await?, 0);
    tx.commit().await?;
    let names: Vec<(String,)> = db.read().fetch_all(sql!("SELECT name FROM thing ORDER BY person"), args![]).await?;
    assert_eq!(names, [("kept".to_owned(),), ("kept too".to_owned(),)]);
    Ok(())
}

#[db_test(TABLES)]
async fn what_is_written_later_is_there_for_the_next_statement(db: TestDatabase) -> rapport_store::Result<()> {
    let things = sql!("INSERT INTO thing (person, name, active) VALUES {rows}");
    let parts = sql!("INSERT INTO part (person, number) VALUES {rows}");
    let rename = sql!(
        "WITH v (person, name) AS (VALUES {rows}) UPDATE thing SET name = v.name FROM v WHERE thing.person = v.person"
    );
    let counted = sql!("SELECT COUNT(*) FROM part p JOIN thing t ON t.person = p.person WHERE t.name = 'new'");
    // Few rows go in one text, many in pieces; either way in their order: a part needs its thing.
    for (from, count) in [(0_i64, 3_i64), (1_000, 700)] {
        let rows = from..from + count;
        let mut tx = db.begin(Priority::Interactive).await?;
        tx.execute_later(things.clone(), rows.clone().map(|id| args![id, "old", true]));
        tx.execute_later(parts.clone(), rows.clone().map(|id| args![id, 1_i64]));
        tx.execute_later(rename.clone(), rows.map(|id| args![id, "new"]));
        tx.execute_later(rename.clone(), []);
        assert_eq!(tx.scalar::<i64>(counted.clone(), args![]).await?, count);
        tx.rollback().await?;
    }
    let mut tx = db.begin(Priority::Interactive).await?;
    tx.execute_later(things.clone(), [args![1_i64, "new", true]]);
    let mut part = tx.savepoint().await?;
    part.execute_later(things.clone(), [args![2_i64, "undone", true]]);
    drop(part);
    let mut part = tx.savepoint().await?;
    part.execute_later(parts.clone(), [args![1_i64, 1_i64]]);
    part.release().await?;
    tx.execute_later(things.clone(), [args![3_i64, "other", true]]);
    tx.commit().await?;
    assert_eq!(db.read().scalar::<i64>(sql!("SELECT COUNT(*) FROM thing"), args![]).await?, 2);
    assert_eq!(db.read().scalar::<i64>(counted.clone(), args![]).await?, 1);
    Ok(())
}

#[db_test(TABLES)]
async fn what_is_refused_later_is_refused_whole(db: TestDatabase) -> rapport_store::Result<()> {
    let things = sql!("INSERT INTO thing (person, name, active) VALUES {rows}");
    let parts = sql!("INSERT INTO part (person, number) VALUES {rows}");
    let mut tx = db.begin(Priority::Interactive).await?;
    tx.execute_later(things.clone(), [args![1_i64, "lost", true]]);
    tx.execute_later(parts.clone(), [args![1_i64, -1_i64]]);
    assert!(tx.commit().await.is_err());
    assert_eq!(db.read().scalar::<i64>(sql!("SELECT COUNT(*) FROM thing"), args![]).await?, 0);
    let mut tx = db.begin(Priority::Interactive).await?;
    {
        let mut part = tx.savepoint().await?;
        part.execute_later(things.clone(), [args![1_i64, "once", true], args![1_i64, "twice", true]]);
        assert!(part.release().await.is_err_and(|error| error.is_unique_violation()));
    }
    tx.execute_later(things, [args![1_i64, "kept", true]]);
    tx.commit().await?;
    assert_eq!(db.read().scalar::<i64>(sql!("SELECT COUNT(*) FROM thing"), args![]).await?, 1);
    Ok(())
}

#[db_test(TABLES)]
async fn a_snapshot_stands_still(db: TestDatabase) {
    insert(&db, &[full(1)]).await.unwrap();
    let mut before = db.snapshot().await.unwrap();
    insert(&db, &[full(2)]).await.unwrap();
    assert_eq!(all(&mut before).await.unwrap().len(), 1);
    assert_eq!(all(&mut db.read()).await.unwrap().len(), 2);
}
