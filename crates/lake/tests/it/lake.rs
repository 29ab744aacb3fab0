//! The lake as its callers use it: on both engines, after a crash, under concurrent work, at its limits.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{col, lit};
use rapport_domain::{
    Event, EventId, EventKind, Handle, Identifier, IdentifierKind, PersonId, SourceId, Timestamp, WorkspaceId,
};
use rapport_lake::{
    Budget, Error, EventRow, Fate, Lake, Location, MIGRATIONS, Move, PropertyPolicy, Settings, Snapshot, TableOptions,
    record_moves, record_superseded,
};
use rapport_store::testing::TestDatabase;
use rapport_store::{Priority, Store, StoreConfig, db_test};
use serde_json::{Map, Value, json};

const WORKSPACE: WorkspaceId = WorkspaceId(3);

struct KeepAll;

impl PropertyPolicy for KeepAll {
    fn fate(&self, _: &str, _: &Value) -> Fate {
        Fate::Keep
    }
}

fn id(number: i64) -> EventId {
    EventId::of_message(WORKSPACE, SourceId(1), &number.to_string())
}

/// The event with this number, one a day; five handles, each its own person.
fn row(number: i64) -> EventRow {
    let handle = Handle(100 + number % 5);
    let event = Event {
        id: id(number),
        workspace: WORKSPACE,
        source: SourceId(1),
        kind: EventKind::Track,
        name: "Order Completed".to_owned(),
        occurred_at: Timestamp(number * Timestamp::DAY),
        sent_at: None,
        received_at: Timestamp(number * Timestamp::DAY + 1),
        order_key: 0,
        identifiers: vec![Identifier { kind: IdentifierKind::UserId, value: handle.0.to_string() }],
        group_id: None,
        previous_id: None,
        natural_key: None,
        supersedes: None,
        properties: json!({"price": 1.5, "note": number}).as_object().cloned().unwrap(),
        traits: Map::new(),
        context: Map::new(),
    };
    EventRow::of_event(&event, PersonId(handle.0 * 10), handle, &KeepAll).0
}

fn rows(from: i64, to: i64) -> Vec<EventRow> {
    (from..to).map(row).collect()
}

async fn open(store: &Store, folder: &Path, settings: Settings) -> Lake {
    Lake::open(store.clone(), &Location::Folder(folder.to_owned()), settings).await.unwrap()
}

async fn count_rows(lake: &Lake, snapshot: &Snapshot) -> i64 {
    let plan = snapshot.scan(TableOptions::default()).unwrap();
    let plan = plan.aggregate(Vec::<datafusion::logical_expr::Expr>::new(), vec![count(lit(1_i64))]).unwrap();
    let (_, batches) = lake.query(Budget::default()).unwrap().collect(plan.build().unwrap()).await.unwrap();
    batches[0].column(0).as_primitive::<Int64Type>().value(0)
}

async fn persons(lake: &Lake, snapshot: &Snapshot) -> BTreeSet<(i64, i64)> {
    let plan = snapshot.scan(TableOptions::default()).unwrap().project(vec![col("handle"), col("person")]).unwrap();
    let plan = plan.distinct().unwrap().build().unwrap();
    let (_, batches) = lake.query(Budget::default()).unwrap().collect(plan).await.unwrap();
    let pairs = batches.iter().flat_map(|batch| {
        let column = |at: usize| batch.column(at).as_primitive::<Int64Type>().values().to_vec();
        column(0).into_iter().zip(column(1)).collect::<Vec<_>>()
    });
    pairs.collect()
}

async fn move_handle(lake: &Lake, store: &Store, change: Move) {
    let mut tx = store.begin(Priority::Interactive).await.unwrap();
    let ticket = record_moves(&mut tx, WORKSPACE, &[change]).await.unwrap();
    tx.commit().await.unwrap();
    lake.publish(ticket).await.unwrap();
}

#[db_test(MIGRATIONS)]
async fn the_catalog_survives_a_restart(db: TestDatabase) {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { merge_files: 2, pending_changes: 100, ..Settings::default() };
    let lake = open(&db, folder.path(), settings.clone()).await;
    lake.append(WORKSPACE, rows(0, 20), 20).await.unwrap();
    let flushed = lake.flush(WORKSPACE).await.unwrap();
    assert_eq!((flushed.rows, flushed.files, flushed.position), (20, 1, 20));
    move_handle(&lake, &db, Move { handle: Handle(101), from: PersonId(1010), to: Some(PersonId(1000)) }).await;
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let ticket = record_superseded(&mut tx, WORKSPACE, &[id(4)], 20).await.unwrap();
    tx.commit().await.unwrap();
    lake.publish(ticket).await.unwrap();
    lake.append(WORKSPACE, rows(20, 30), 30).await.unwrap();
    let before = persons(&lake, &lake.snapshot(WORKSPACE).await.unwrap()).await;
    assert!(before.contains(&(101, 1000)) && !before.contains(&(101, 1010)));

    // What a crash leaves behind is deleted; what was not flushed comes again from the log.
    let stray = folder.path().join("3/1970/b1-0/stray.parquet");
    std::fs::write(&stray, b"half a file").unwrap();
    drop(lake);
    let lake = open(&db, folder.path(), settings).await;
    assert!(!stray.exists());
    let positions = lake.positions(WORKSPACE).await.unwrap();
    assert_eq!((positions.flushed, positions.applied), (20, 20));
    lake.append(WORKSPACE, rows(20, 30), 30).await.unwrap();
    lake.append(WORKSPACE, rows(20, 30), 30).await.unwrap();
    assert_eq!(count_rows(&lake, &lake.snapshot(WORKSPACE).await.unwrap()).await, 29);
    lake.flush(WORKSPACE).await.unwrap();
    lake.rewrite_changed(WORKSPACE).await.unwrap();
    while lake.compact(WORKSPACE).await.unwrap().is_some() {}
    let snapshot = lake.snapshot(WORKSPACE).await.unwrap();
    assert_eq!(snapshot.rows(), 29, "the superseded row is in no file any more");
    assert_eq!(persons(&lake, &snapshot).await, before);
    let mine = lake.person_events(WORKSPACE, PersonId(1000), None, None, 100).await.unwrap();
    assert_eq!(mine.len(), 12);
}

/// As a long import leaves them: nobody compacted beside it, and people's devices became theirs later.
#[db_test(MIGRATIONS)]
async fn many_files_with_moved_rows_are_merged_in_little_memory(db: TestDatabase) {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { merge_files: 4, pending_changes: 0, compaction_bytes: 48 << 20, ..Settings::default() };
    let lake = open(&db, folder.path(), settings).await;
    for file in 0..60 {
        lake.append(WORKSPACE, rows(file * 10, file * 10 + 10), file + 1).await.unwrap();
        lake.flush(WORKSPACE).await.unwrap();
    }
    move_handle(&lake, &db, Move { handle: Handle(101), from: PersonId(1010), to: Some(PersonId(1020)) }).await;
    while lake.compact(WORKSPACE).await.unwrap().is_some() {}
    let snapshot = lake.snapshot(WORKSPACE).await.unwrap();
    assert_eq!(count_rows(&lake, &snapshot).await, 600);
    assert!(persons(&lake, &snapshot).await.contains(&(101, 1020)));
}

/// Appends, flushes, compactions, moves and questions at once: every snapshot has each applied row once.
#[test]
fn concurrent_work_loses_and_doubles_nothing() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(StoreConfig::folder(folder.path().join("db")), &[MIGRATIONS]).await.unwrap();
        let settings = Settings { merge_files: 2, cell_rows: 200, pending_changes: 1, ..Settings::default() };
        let lake = open(&store, &folder.path().join("lake"), settings).await;
        let done = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let until_done = |work: fn(Lake) -> futures::future::BoxFuture<'static, ()>| {
            let (lake, done) = (lake.clone(), Arc::clone(&done));
            tokio::spawn(async move {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    work(lake.clone()).await;
                    tokio::task::yield_now().await;
                }
            })
        };
        let workers = [
            until_done(|lake| {
                Box::pin(async move {
                    let _ = lake.flush(WORKSPACE).await.unwrap();
                })
            }),
            until_done(|lake| {
                Box::pin(async move {
                    let _ = lake.compact(WORKSPACE).await.unwrap();
                })
            }),
            until_done(|lake| {
                Box::pin(async move {
                    let snapshot = lake.snapshot(WORKSPACE).await.unwrap();
                    assert_eq!(count_rows(&lake, &snapshot).await, snapshot.positions().applied);
                })
            }),
        ];
        let mut now = PersonId(1_020);
        for batch in 0..60 {
            lake.append(WORKSPACE, rows(batch * 10, batch * 10 + 10), batch * 10 + 10).await.unwrap();
            if batch % 3 == 0 {
                let to = PersonId(1_000 + batch);
                move_handle(&lake, &store, Move { handle: Handle(102), from: now, to: Some(to) }).await;
                now = to;
            }
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        for worker in workers {
            worker.await.unwrap();
        }
        let snapshot = lake.snapshot(WORKSPACE).await.unwrap();
        assert_eq!(count_rows(&lake, &snapshot).await, 600);
        let persons = persons(&lake, &snapshot).await;
        assert_eq!(persons.iter().filter(|(handle, _)| *handle == 102).collect::<Vec<_>>(), [&(102, now.0)]);
    });
}

#[tokio::test]
async fn limits_are_kept_and_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(StoreConfig::folder(folder.path().join("db")), &[MIGRATIONS]).await.unwrap();
    let settings = Settings { hot_bytes: 1, ..Settings::default() };
    let lake = open(&store, &folder.path().join("lake"), settings).await;
    lake.append(WORKSPACE, rows(0, 10), 10).await.unwrap();
    let refused = lake.append(WORKSPACE, rows(10, 20), 20).await.unwrap_err();
    assert!(matches!(refused, Error::HotRowsFull { .. }) && refused.is_retryable());
    lake.flush(WORKSPACE).await.unwrap();
    lake.append(WORKSPACE, rows(10, 20), 20).await.unwrap();

    let snapshot = lake.snapshot(WORKSPACE).await.unwrap();
    let all = || snapshot.scan(TableOptions::default()).unwrap().build().unwrap();
    let few_rows = Budget { rows: 5, ..Budget::default() };
    let refused = lake.query(few_rows).unwrap().collect(all()).await.unwrap_err();
    assert_eq!(refused.code(), "question_row_budget");
    let no_time = Budget { time: std::time::Duration::ZERO, ..Budget::default() };
    let refused = lake.query(no_time).unwrap().collect(all()).await.unwrap_err();
    assert_eq!(refused.code(), "question_time_budget");
    let no_memory = Budget { memory: 1, ..Budget::default() };
    let sorted =
        snapshot.scan(TableOptions::default()).unwrap().sort(vec![col("occurred_at").sort(true, false)]).unwrap();
    let refused = lake.query(no_memory).unwrap().collect(sorted.build().unwrap()).await.unwrap_err();
    assert_eq!(refused.code(), "question_memory_budget");
}
