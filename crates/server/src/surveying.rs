//! Surveys and the rest of the program: who did something that they are asked about, how an invitation gets to them, and what is heard of it; and what
//! clients tell of surveys that are asked and answered elsewhere.
//!
//! Always holds: what an event says of a survey, and whom it is an occasion to ask, is written in the transaction that applies it; whoever is invited has
//! their message, or the survey before them, in the same transaction; what is told of our own rows ([`reporting`]) is not written twice.
//!
//! Does not do: decide whom to ask (`feedback::asking`) and whether a message may go out (`engagement::sending::policy`), or read an answer
//! (`feedback::survey`).

pub mod asking;
pub mod bought;
pub mod files;
pub mod known;
pub mod letters;
pub mod lines;
pub mod occasions;
pub mod reporting;
pub mod sample;
pub mod sending;
pub mod visiting;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use rapport_domain::{Event, WorkspaceId};
use rapport_profiles::Applied;
use rapport_store::Tx;
use tokio::sync::watch;

use crate::installation::Installation;
use crate::records::workspaces;
use crate::sending::Ways;

pub use known::LiveSurveys;

/// How often it is looked whom to ask.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Hears what a batch says of surveys, in the transaction that applies it.
///
/// # Errors
/// The store's.
pub async fn hear(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    events: &[Event],
    applied: &mut Applied,
) -> Result<()> {
    occasions::hear(installation, tx, workspace, events, applied).await?;
    reporting::hear(installation, tx, workspace, events, applied).await
}

/// Asks whoever is to be asked, until `stop` is set.
pub async fn run(installation: Arc<Installation>, ways: Arc<Ways>, mut stop: watch::Receiver<bool>) {
    while tokio::time::timeout(LOOK_EVERY, stop.wait_for(|stop| *stop)).await.is_err() {
        if let Err(error) = look(&installation, &ways).await {
            metrics::counter!("rapport_survey_failures_total").increment(1);
            tracing::warn!(error = %format!("{error:#}"), "people could not be asked; it is tried again");
        }
    }
}

/// Does what is due in all workspaces; whether anything was.
///
/// # Errors
/// The store's; what was done before stays done.
pub async fn look(installation: &Installation, ways: &Ways) -> Result<bool> {
    let mut did = false;
    for workspace in workspaces::ids(&mut installation.store.read()).await? {
        did |= occasions::hear_memberships(installation, workspace).await?;
        did |= occasions::go_round(installation, workspace).await?;
        did |= asking::ask_due(installation, ways, workspace).await?;
        did |= asking::remind_due(installation, ways, workspace).await?;
    }
    Ok(did)
}
