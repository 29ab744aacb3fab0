//! Outbox and cursors on both engines.

use std::collections::BTreeSet;

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::cursor::{Cursor, Head};
use rapport_store::outbox::{self, Event};
use rapport_store::testing::TestDatabase;
use rapport_store::{Error, Priority, Queries, Result, Store, args, db_test, sql};
use serde_json::json;

const SHOP: WorkspaceId = WorkspaceId(1);

async fn emit(db: &Store, name: &'static str) -> Result<()> {
    let mut tx = db.begin(Priority::Interactive).await?;
    tx.emit(Event::new(SHOP, name, json!({"n": 1})));
    tx.commit().await
}

#[db_test]
async fn events_are_there_exactly_if_their_transaction_is(db: TestDatabase) -> Result<()> {
    let mut tx = db.begin(Priority::Interactive).await?;
    tx.emit(Event::new(SHOP, "thing.lost", json!({})));
    tx.rollback().await?;
    let mut tx = db.begin(Priority::Interactive).await?;
    tx.emit(Event::new(WorkspaceId(2), "other.kept", json!({})));
    tx.emit(Event::new(SHOP, "thing.kept", json!({"n": 1})).about(rapport_domain::PersonId(7)));
    let mut part = tx.savepoint().await?;
    part.emit(Event::new(SHOP, "thing.undone", json!({})));
    drop(part);
    tx.commit().await?;
    let batch = outbox::batch(&mut db.read(), SHOP, "reader", 10).await?;
    let names: Vec<_> = batch.events.iter().map(|event| (event.position, event.name.as_str())).collect();
    assert_eq!(names, [(1, "thing.kept")]);
    assert_eq!(batch.events[0].payload, json!({"n": 1}));
    let effect = Event::new(SHOP, "effect", json!({})).caused(&batch.events[0]).unwrap();
    assert_eq!((effect.causation.as_deref(), effect.depth), (Some("outbox:1"), 1));
    let deep = outbox::Written { depth: outbox::DEPTH_MAX, ..batch.events[0].clone() };
    assert_eq!(Event::new(SHOP, "effect", json!({})).caused(&deep), None);
    Ok(())
}

#[db_test]
async fn a_batch_is_applied_once(db: TestDatabase) -> Result<()> {
    for _ in 0..3 {
        emit(&db, "thing.happened").await?;
    }
    let batch = outbox::batch(&mut db.read(), SHOP, "reader", 2).await?;
    assert_eq!(batch.events.len(), 2);
    for expected in [true, false] {
        let mut tx = db.begin(Priority::Background).await?;
        let outcome = outbox::applied(&mut tx, SHOP, "reader", &batch).await;
        assert_eq!(outcome.is_ok(), expected, "{outcome:?}");
        if expected { tx.commit().await? } else { tx.rollback().await? }
    }
    let rest = outbox::batch(&mut db.read(), SHOP, "reader", 10).await?;
    assert_eq!((rest.from, rest.events.len()), (2, 1));
    let mut tx = db.begin(Priority::Background).await?;
    let later = Timestamp(i64::MAX);
    assert_eq!(outbox::prune(&mut tx, SHOP, later).await?, 2, "only what every consumer applied may go");
    tx.commit().await
}

#[db_test]
async fn a_cursor_beyond_the_end_is_refused(db: TestDatabase) -> Result<()> {
    emit(&db, "thing.happened").await?;
    let cursor = Cursor { consumer: "reader", workspace: SHOP, partition: outbox::PARTITION };
    let mut tx = db.begin(Priority::Background).await?;
    cursor.advance(&mut tx, 1, 0, 1).await?;
    tx.commit().await?;
    for head in [Head { epoch: 1, position: 0 }, Head { epoch: 2, position: 9 }] {
        let refused = cursor.within(cursor.stands(&mut db.read()).await?, head);
        assert!(matches!(refused, Err(Error::CursorBeyondEnd { .. })), "{refused:?}");
    }
    let mut tx = db.begin(Priority::Background).await?;
    let head = outbox::begin_epoch(&mut tx, SHOP).await?;
    tx.commit().await?;
    assert_eq!(head, Head { epoch: 2, position: 1 });
    emit(&db, "thing.happened").await?;
    let batch = outbox::batch(&mut db.read(), SHOP, "reader", 10).await?;
    assert_eq!((batch.epoch, batch.from, batch.events.len()), (2, 1, 1));
    Ok(())
}

/// Looked at from the side (how far is somebody?) while the feed grows and its consumer follows: that is no restored backup.
#[db_test]
async fn a_feed_may_grow_while_it_is_looked_at(db: TestDatabase) -> Result<()> {
    emit(&db, "thing.happened").await?;
    let cursor = Cursor { consumer: "reader", workspace: SHOP, partition: outbox::PARTITION };
    let first = cursor.stands(&mut db.read()).await?;
    emit(&db, "thing.happened").await?;
    let mut tx = db.begin(Priority::Background).await?;
    cursor.advance(&mut tx, 1, 0, 2).await?;
    tx.commit().await?;
    let head = outbox::head(&mut db.read(), SHOP).await?;
    assert_eq!((cursor.within(first, head)?, head.position), (0, 2));
    let now = cursor.stands(&mut db.read()).await?;
    assert_eq!(cursor.within(now, head)?, 2);
    Ok(())
}

/// A reader that polls while many write must see every position once and in order, whatever the order of commits.
#[db_test]
async fn a_reader_never_skips_a_late_committer(db: TestDatabase) -> Result<()> {
    const WRITERS: usize = 8;
    const EACH: usize = 25;
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            let store = db.store.clone();
            tokio::spawn(async move {
                for _ in 0..EACH {
                    emit(&store, "thing.happened").await.unwrap();
                }
            })
        })
        .collect();
    let mut seen = Vec::new();
    while seen.len() < WRITERS * EACH {
        let batch = outbox::batch(&mut db.read(), SHOP, "reader", 7).await?;
        seen.extend(batch.events.iter().map(|event| event.position));
        let mut tx = db.begin(Priority::Background).await?;
        outbox::applied(&mut tx, SHOP, "reader", &batch).await?;
        tx.commit().await?;
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(seen, (1..=200).collect::<Vec<i64>>());
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), WRITERS * EACH);
    let count: i64 = db.read().scalar(sql!("SELECT COUNT(*) FROM outbox_event"), args![]).await?;
    assert_eq!(count, 200);
    Ok(())
}
