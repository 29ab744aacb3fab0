//! What keeps an installation in shape beside the pipeline: flushes hot rows into files, compacts files, scores customers anew, lets go
//! of old log segments, adds up the process's own figures.
//!
//! Always holds: a failure is logged and tried again later; nothing here can lose an event, because a log segment is released only
//! when all of it is in files.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use rapport_domain::WorkspaceId;
use rapport_store::cursor::Cursor;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::installation::Installation;
use crate::metrics::Metrics;
use crate::pipeline;
use crate::recommending;
use crate::records::workspaces;
use crate::scoring;

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Hot rows are in files after this long at the latest, so that a restart has little to read again.
const FLUSH_EVERY: Duration = Duration::from_secs(120);
/// Scores are about as old as this.
const SCORE_EVERY: Duration = Duration::from_secs(30);
/// Stages of life and levels of engagement look at everybody: they are about as old as this.
const STAND_EVERY: Duration = Duration::from_secs(600);
/// It is looked so often whether what to offer is old.
const OFFERS_EVERY: Duration = Duration::from_secs(60);
/// Accepted events stay in the log this long after they are in the lake.
pub const KEEP_LOG_DAYS: i64 = 7;

/// When things were done last.
struct Done {
    flushed: Instant,
    scored: Instant,
    /// How long that took.
    scoring_took: Duration,
    /// The cursor's position when customers were scored.
    scored_at: u64,
}

/// Between two of these it rests so many times as long as it took, so that a large shop spends no more of its machine on it than a small one.
const SCORE_RESTS: u32 = 20;
/// Finding stages rests on its way already.
const STAND_RESTS: u32 = 6;

/// How far events had been applied when stages of life were found last.
const STANDING: Cursor<'static> = Cursor { consumer: "standing", workspace: WorkspaceId(0), partition: 0 };

/// Looks after the installation until `stop` is set.
pub async fn run(installation: Arc<Installation>, stop: watch::Receiver<bool>) {
    tokio::join!(
        look_after(&installation, &stop),
        stand(&installation, stop.clone()),
        recommend(&installation, stop.clone())
    );
}

async fn look_after(installation: &Installation, stop: &watch::Receiver<bool>) {
    let mut done = Done { flushed: Instant::now(), scored: Instant::now(), scoring_took: Duration::ZERO, scored_at: 0 };
    let metrics = Metrics::install();
    while !*stop.borrow() {
        sleep(LOOK_EVERY).await;
        metrics.upkeep();
        if let Err(error) = look(installation, &mut done).await {
            tracing::warn!(error = %error, "looking after the lake failed; it is tried again");
        }
    }
}

/// Finds stages of life and levels of engagement: it looks at everybody, so nothing else waits for it.
async fn stand(installation: &Installation, mut stop: watch::Receiver<bool>) {
    let mut stood: Option<(Instant, Duration)> = None;
    while !*stop.borrow() {
        sleep(LOOK_EVERY).await;
        // At a start they are found at once, if anything happened since they were found last.
        if stood.is_some_and(|(at, took)| at.elapsed() < STAND_EVERY.max(took * STAND_RESTS)) {
            continue;
        }
        let began = Instant::now();
        let outcome = tokio::select! {
            outcome = stand_once(installation) => outcome,
            // What is not told yet is told after the next start.
            _ = stop.changed() => return,
        };
        match outcome {
            Ok(()) => stood = Some((Instant::now(), began.elapsed())),
            Err(error) => tracing::warn!(error = %error, "finding stages of life failed; it is tried again"),
        }
    }
}

/// Keeps what to offer fresh. Building it reads a year, so nothing else waits for it, and it rests as long as stages of life do.
async fn recommend(installation: &Installation, mut stop: watch::Receiver<bool>) {
    let mut done: Option<(Instant, Duration)> = None;
    while !*stop.borrow() {
        sleep(LOOK_EVERY).await;
        if done.is_some_and(|(at, took)| at.elapsed() < OFFERS_EVERY.max(took * STAND_RESTS)) {
            continue;
        }
        let began = Instant::now();
        let outcome = tokio::select! {
            outcome = recommend_once(installation) => outcome,
            _ = stop.changed() => return,
        };
        if let Err(error) = outcome {
            tracing::warn!(error = %error, "finding what to offer failed; it is tried again");
        }
        done = Some((Instant::now(), began.elapsed()));
    }
}

async fn recommend_once(installation: &Installation) -> Result<()> {
    for workspace in workspaces::ids(&mut installation.store.read()).await? {
        recommending::refresh(installation, workspace).await?;
    }
    Ok(())
}

async fn stand_once(installation: &Installation) -> Result<()> {
    let before = pipeline::position(installation, STANDING).await?;
    let cursor = pipeline::position(installation, pipeline::CURSOR).await?;
    if cursor == before {
        return Ok(());
    }
    for workspace in workspaces::ids(&mut installation.store.read()).await? {
        scoring::refresh_standing(installation, workspace).await?;
    }
    pipeline::advance(installation, STANDING, before, cursor).await
}

async fn look(installation: &Installation, done: &mut Done) -> Result<()> {
    let overdue = done.flushed.elapsed() >= FLUSH_EVERY;
    if overdue {
        done.flushed = Instant::now();
    }
    let cursor = pipeline::position(installation, pipeline::CURSOR).await?;
    let rest = SCORE_EVERY.max(done.scoring_took * SCORE_RESTS);
    let score = done.scored.elapsed() >= rest && cursor != done.scored_at;
    // Activity is counted again from the log, from where it was settled.
    let mut in_files = cursor.min(pipeline::position(installation, pipeline::ACTIVITY).await?);
    let mut scoring_took = Duration::ZERO;
    for workspace in workspaces::ids(&mut installation.store.read()).await? {
        if overdue || installation.lake.is_flush_due(workspace).await? {
            installation.lake.flush(workspace).await?;
            installation.lake.compact(workspace).await?;
        }
        if score {
            let began = Instant::now();
            scoring::refresh(installation, workspace).await?;
            scoring_took += began.elapsed();
        }
        let positions = installation.lake.positions(workspace).await?;
        if positions.applied > positions.flushed {
            in_files = in_files.min(u64::try_from(positions.flushed).unwrap_or(0));
        }
    }
    if score {
        (done.scored, done.scored_at, done.scoring_took) = (Instant::now(), cursor, scoring_took);
    }
    if overdue {
        installation.log.release(in_files, KEEP_LOG_DAYS)?;
    }
    Ok(())
}

/// Writes all hot rows into files and compacts until nothing is due.
pub async fn settle(installation: &Installation, workspace: WorkspaceId) -> Result<()> {
    installation.lake.flush(workspace).await?;
    while installation.lake.compact(workspace).await?.is_some() {}
    Ok(())
}
