//! Keeps memberships: fills segments that are new or changed, and wakes people when a window runs out.
//!
//! Always holds: a failure is logged, shown at the segment where it is one segment's, and tried again.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use rapport_domain::WorkspaceId;
use rapport_segments::Condition;
use rapport_segments::live::{Filled, Wanted};
use rapport_segments::records::segments;
use rapport_store::Priority;
use tokio::sync::{Notify, watch};

use crate::api::questions;
use crate::installation::Installation;
use crate::pipeline::Pipeline;
use crate::records::workspaces;

/// How often it is looked whose window ran out.
const WAKE_EVERY: Duration = Duration::from_millis(100);
/// After a failure, until it is tried again.
const PAUSE: Duration = Duration::from_secs(5);

/// Makes all segments live, and again whenever `changed` is told, until `stop` is set.
pub async fn fill(installation: Arc<Installation>, changed: Arc<Notify>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let mut failed = false;
        match workspaces::ids(&mut installation.store.read()).await {
            Ok(ids) => {
                for workspace in ids {
                    if let Err(error) = fill_workspace(&installation, workspace).await {
                        failed = true;
                        tracing::warn!(error = %format!("{error:#}"), "segments could not be filled; it is tried again");
                    }
                }
            }
            Err(error) => {
                failed = true;
                tracing::warn!(code = error.code(), "segments could not be read; it is tried again");
            }
        }
        tokio::select! {
            () = changed.notified() => {}
            () = tokio::time::sleep(PAUSE), if failed => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// Makes a workspace's segments live.
pub async fn fill_workspace(installation: &Installation, workspace: WorkspaceId) -> Result<Filled> {
    let rows = segments::all(&mut installation.store.read(), workspace).await?;
    let mut wanted = Vec::with_capacity(rows.len());
    for row in rows {
        // What was stored was decoded before.
        let condition = Condition::parse(&row.condition).with_context(|| format!("segment {}", row.key))?;
        let is_filled = row.filled_version == row.version;
        wanted.push(Wanted { segment: row.segment, key: row.key, condition, version: row.version, is_filled });
    }
    if wanted.is_empty() && !installation.memberships.is_live(workspace) {
        return Ok(Filled::default());
    }
    let calendar = match questions::context(installation, workspace).await {
        Ok(context) => context.calendar,
        Err(_) => anyhow::bail!("the workspace has no calendar"),
    };
    let filled = installation.memberships.fill(workspace, &wanted, &calendar).await;
    if let Err(error) = &filled
        && !error.is_retryable()
    {
        let mut tx = installation.store.begin(Priority::Background).await?;
        for it in wanted.iter().filter(|it| !it.is_filled) {
            segments::filled(&mut tx, workspace, it.segment, it.version, Some(&error.to_string())).await?;
        }
        tx.commit().await?;
    }
    Ok(filled?)
}

/// Wakes people at the instant at which a window runs out, until `stop` is set.
pub async fn wake(installation: Arc<Installation>, pipeline: Arc<Pipeline>, mut stop: watch::Receiver<bool>) {
    while tokio::time::timeout(WAKE_EVERY, stop.wait_for(|stop| *stop)).await.is_err() {
        for workspace in installation.memberships.workspaces() {
            if let Err(error) = wake_workspace(&installation, workspace, &pipeline).await {
                tracing::warn!(code = error.code(), "memberships could not be written; they are found again");
            }
        }
    }
}

async fn wake_workspace(
    installation: &Installation,
    workspace: WorkspaceId,
    pipeline: &Pipeline,
) -> Result<(), rapport_segments::Error> {
    while installation.memberships.wake(workspace, || pipeline.behind_since()).await? {}
    Ok(())
}
