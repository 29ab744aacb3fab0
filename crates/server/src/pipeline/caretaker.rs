//! What keeps an installation in shape beside the pipeline: flushes hot rows into files, compacts files, lets go of old log segments.
//!
//! Always holds: a failure is logged and tried again later; nothing here can lose an event, because a log segment is released only
//! when all of it is in files.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use rapport_domain::WorkspaceId;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::installation::Installation;
use crate::pipeline::cursors;
use crate::records::workspaces;

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Hot rows are in files after this long at the latest, so that a restart has little to read again.
const FLUSH_EVERY: Duration = Duration::from_secs(120);
/// Accepted events stay in the log this long after they are in the lake.
const KEEP_LOG_DAYS: i64 = 7;

/// Looks after the installation until `stop` is set.
pub async fn run(installation: Arc<Installation>, stop: watch::Receiver<bool>) {
    let mut flushed = Instant::now();
    while !*stop.borrow() {
        sleep(LOOK_EVERY).await;
        let overdue = flushed.elapsed() >= FLUSH_EVERY;
        if overdue {
            flushed = Instant::now();
        }
        if let Err(error) = look(&installation, overdue).await {
            tracing::warn!(error = %error, "looking after the lake failed; it is tried again");
        }
    }
}

async fn look(installation: &Installation, overdue: bool) -> Result<()> {
    let mut in_files = u64::MAX;
    for workspace in workspaces::ids(&mut installation.store.read()).await? {
        let due = overdue || installation.lake.is_flush_due(workspace).await?;
        if due {
            installation.lake.flush(workspace).await?;
            installation.lake.compact(workspace).await?;
        }
        let positions = installation.lake.positions(workspace).await?;
        if positions.applied > positions.flushed {
            in_files = in_files.min(u64::try_from(positions.flushed).unwrap_or(0));
        }
    }
    if overdue {
        let applied = cursors::position(&mut installation.store.read(), installation.log.epoch()).await?;
        installation.log.release(in_files.min(applied), KEEP_LOG_DAYS)?;
    }
    Ok(())
}

/// Writes all hot rows into files and compacts until nothing is due.
pub async fn settle(installation: &Installation, workspace: WorkspaceId) -> Result<()> {
    installation.lake.flush(workspace).await?;
    while installation.lake.compact(workspace).await?.is_some() {}
    Ok(())
}
