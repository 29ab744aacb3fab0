//! The job queue on both engines, under a clock that the test moves.

use std::collections::BTreeSet;
use std::time::Duration;

use rapport_domain::{Id, Timestamp, WorkspaceId};
use rapport_store::jobs::{NewJob, Progress, Status};
use rapport_store::testing::TestDatabase;
use rapport_store::{Error, Priority, Result, db_test};
use serde_json::json;

const LEASE: Duration = Duration::from_secs(60);
const KIND: &str = "test.work";

fn job() -> NewJob {
    NewJob { attempts_max: 2, ..NewJob::new(WorkspaceId(1), KIND, json!({"rows": 3})) }
}

async fn enqueue(db: &TestDatabase, job: NewJob) -> Result<Option<Id>> {
    let mut tx = db.begin(Priority::Interactive).await?;
    let id = db.jobs().enqueue(&mut tx, job).await?;
    tx.commit().await?;
    Ok(id)
}

async fn status(db: &TestDatabase, id: &Id) -> Status {
    db.jobs().status(&mut db.read(), id).await.unwrap().unwrap()
}

#[db_test]
async fn a_job_runs_once_and_is_done(db: TestDatabase) -> Result<()> {
    let mut tx = db.begin(Priority::Interactive).await?;
    db.jobs().enqueue(&mut tx, job()).await?;
    drop(tx);
    assert_eq!(db.jobs().claim(&[KIND], LEASE).await?, None, "its transaction did not commit");
    let id = enqueue(&db, job()).await?.unwrap();
    assert_eq!(db.jobs().claim(&["other"], LEASE).await?, None);
    let claim = db.jobs().claim(&["other", KIND], LEASE).await?.unwrap();
    assert_eq!((&claim.id, claim.attempts, &claim.payload), (&id, 1, &json!({"rows": 3})));
    assert_eq!(db.jobs().claim(&[KIND], LEASE).await?, None, "it is leased");
    let stop = db.jobs().heartbeat(&claim, LEASE, Progress { done: 2, total: Some(3) }).await?;
    assert!(!stop);
    let now = status(&db, &id).await;
    assert_eq!((now.state.as_str(), now.progress_done, now.progress_total), ("running", 2, Some(3)));
    let mut tx = db.begin(Priority::Background).await?;
    db.jobs().complete(&mut tx, &claim).await?;
    tx.commit().await?;
    assert_eq!(status(&db, &id).await.state, "done");
    let mut tx = db.begin(Priority::Background).await?;
    assert_eq!(db.jobs().prune(&mut tx, Timestamp(i64::MAX)).await?, 1);
    tx.commit().await
}

#[db_test]
async fn failures_pause_and_then_kill(db: TestDatabase) -> Result<()> {
    let id = enqueue(&db, job()).await?.unwrap();
    for (attempt, again) in [(1, true), (2, false)] {
        let claim = db.jobs().claim(&[KIND], LEASE).await?.unwrap();
        assert_eq!(claim.attempts, attempt);
        let mut tx = db.begin(Priority::Background).await?;
        assert_eq!(db.jobs().fail(&mut tx, &claim, "test.broken").await?, again);
        tx.commit().await?;
        assert_eq!(db.jobs().claim(&[KIND], LEASE).await?, None, "it pauses, then is dead");
        db.clock.advance(2 * Timestamp::SECOND);
    }
    let now = status(&db, &id).await;
    assert_eq!((now.state.as_str(), now.last_error.as_deref()), ("dead", Some("test.broken")));
    Ok(())
}

#[db_test]
async fn a_lost_lease_is_lost(db: TestDatabase) -> Result<()> {
    let id = enqueue(&db, job()).await?.unwrap();
    let first = db.jobs().claim(&[KIND], LEASE).await?.unwrap();
    db.clock.advance(61 * Timestamp::SECOND);
    let second = db.jobs().claim(&[KIND], LEASE).await?.unwrap();
    assert_eq!((&second.id, second.attempts), (&id, 2));
    let late = db.jobs().heartbeat(&first, LEASE, Progress::default()).await;
    assert!(matches!(late, Err(Error::LeaseLost { .. })), "{late:?}");
    let mut tx = db.begin(Priority::Background).await?;
    assert!(matches!(db.jobs().complete(&mut tx, &first).await, Err(Error::LeaseLost { .. })));
    drop(tx);
    db.clock.advance(61 * Timestamp::SECOND);
    assert_eq!(db.jobs().claim(&[KIND], LEASE).await?, None, "two attempts were all it had");
    let now = status(&db, &id).await;
    assert_eq!((now.state.as_str(), now.last_error.as_deref()), ("dead", Some("job.lease_expired")));
    Ok(())
}

#[db_test]
async fn cancelling(db: TestDatabase) -> Result<()> {
    let queued = enqueue(&db, NewJob { start_at: Some(Timestamp(i64::MAX)), ..job() }).await?.unwrap();
    let running = enqueue(&db, job()).await?.unwrap();
    let claim = db.jobs().claim(&[KIND], LEASE).await?.unwrap();
    assert_eq!(claim.id, running);
    let mut tx = db.begin(Priority::Interactive).await?;
    assert!(db.jobs().cancel(&mut tx, &queued).await?);
    assert!(db.jobs().cancel(&mut tx, &running).await?);
    assert!(!db.jobs().cancel(&mut tx, &queued).await?);
    tx.commit().await?;
    assert_eq!(status(&db, &queued).await.state, "cancelled");
    assert!(db.jobs().heartbeat(&claim, LEASE, Progress::default()).await?, "it is asked to stop");
    let mut tx = db.begin(Priority::Background).await?;
    db.jobs().stopped(&mut tx, &claim).await?;
    tx.commit().await?;
    assert_eq!(status(&db, &running).await.state, "cancelled");
    Ok(())
}

#[db_test]
async fn a_unique_key_holds_while_unfinished(db: TestDatabase) -> Result<()> {
    let keyed = || NewJob { unique_key: Some("nightly".into()), ..job() };
    assert!(enqueue(&db, keyed()).await?.is_some());
    assert_eq!(enqueue(&db, keyed()).await?, None);
    let claim = db.jobs().claim(&[KIND], LEASE).await?.unwrap();
    assert_eq!(enqueue(&db, keyed()).await?, None);
    let mut tx = db.begin(Priority::Background).await?;
    db.jobs().complete(&mut tx, &claim).await?;
    tx.commit().await?;
    assert!(enqueue(&db, keyed()).await?.is_some());
    Ok(())
}

#[db_test]
async fn many_workers_never_share_a_job(db: TestDatabase) -> Result<()> {
    for _ in 0..40 {
        enqueue(&db, job()).await?;
    }
    let workers: Vec<_> = (0..6)
        .map(|_| {
            let store = db.store.clone();
            tokio::spawn(async move {
                let mut mine = Vec::new();
                while let Some(claim) = store.jobs().claim(&[KIND], LEASE).await.unwrap() {
                    mine.push(claim.id);
                }
                mine
            })
        })
        .collect();
    let mut all = Vec::new();
    for worker in workers {
        all.extend(worker.await.unwrap());
    }
    // On PostgreSQL a worker may find all due jobs locked by others and stop early; the rest is still there.
    while let Some(claim) = db.jobs().claim(&[KIND], LEASE).await? {
        all.push(claim.id);
    }
    assert_eq!(all.len(), 40);
    assert_eq!(all.into_iter().collect::<BTreeSet<_>>().len(), 40);
    Ok(())
}
