//! Keeps journeys going: what was applied is heard, who is due is looked at, and what happened is told as events of a later round.
//!
//! Always holds: an event is heard in the transaction that applies it, a change of membership with the cursor that passes it; a person is looked at
//! only when memberships have heard of what brought them.

pub mod listening;
pub mod plans;
pub mod sample;
pub mod telling;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use rapport_domain::WorkspaceId;
use rapport_engagement::Error;
use rapport_engagement::plans::Plans;
use rapport_engagement::records::runs;
use rapport_engagement::service::entering::With;
use rapport_engagement::service::{launching, running, scheduling};
use tokio::sync::watch;

use crate::installation::Installation;
use crate::pipeline::Pipeline;
use crate::records::workspaces;

pub use plans::LivePlans;

/// How often it is looked who is due.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often it is looked whether segments of launched journeys are known, and which runs are due.
const SELDOM: u32 = 10;

/// Keeps all journeys going until `stop` is set.
pub async fn run(installation: Arc<Installation>, pipeline: Arc<Pipeline>, mut stop: watch::Receiver<bool>) {
    let mut count = 0_u32;
    while tokio::time::timeout(LOOK_EVERY, stop.wait_for(|stop| *stop)).await.is_err() {
        let thorough = count.is_multiple_of(SELDOM);
        count = count.wrapping_add(1);
        if let Err(error) = look(&installation, pipeline.observed(), thorough).await {
            metrics::counter!("rapport_journey_failures_total").increment(1);
            tracing::warn!(error = %format!("{error:#}"), "journeys could not go on; it is tried again");
        }
    }
}

/// Does what is due in all workspaces; whether anything was. `observed` is how far memberships have heard of the log.
///
/// # Errors
/// The store's and the log's; what was done before stays done.
pub async fn look(installation: &Installation, observed: u64, thorough: bool) -> Result<bool> {
    let mut did = false;
    for workspace in workspaces::ids(&mut installation.store.read()).await? {
        if thorough {
            did |= seldom(installation, workspace).await?;
        }
        let plans = installation.plans.get(installation, workspace).await?;
        did |= listening::hear_memberships(installation, workspace, &plans).await?;
        if !plans.is_empty() {
            did |= go_on(installation, workspace, &plans, observed).await?;
        }
        did |= telling::tell(installation, workspace).await?;
    }
    Ok(did)
}

/// What is not needed in each look.
async fn seldom(installation: &Installation, workspace: WorkspaceId) -> Result<bool> {
    let now = installation.clock.now();
    let plans = installation.plans.get(installation, workspace).await?;
    let activated = launching::activate(&installation.store, workspace, &plans.calendar.zone, now).await?;
    if activated {
        installation.plans.forget(workspace);
    }
    let finished = launching::finish(&installation.store, workspace, &plans).await?;
    if finished {
        installation.plans.forget(workspace);
    }
    let mut did = activated || finished;
    let due = runs::due(&mut installation.store.read(), now).await?;
    for (_, journey, run) in due.into_iter().filter(|(of, ..)| *of == workspace) {
        let plans = installation.plans.get(installation, workspace).await?;
        while scheduling::go_on(&installation.store, with(installation, workspace, &plans), &journey, &run).await? {}
        did = true;
    }
    Ok(did)
}

async fn go_on(
    installation: &Installation,
    workspace: WorkspaceId,
    plans: &Plans,
    observed: u64,
) -> Result<bool, Error> {
    let position = i64::try_from(observed).unwrap_or(i64::MAX);
    let mut did = false;
    loop {
        let ran = running::run_due(&installation.store, with(installation, workspace, plans), position).await?;
        if ran.unplanned > 0 {
            // They came in by a version that was launched since these plans were read.
            installation.plans.forget(workspace);
        }
        if ran.looked_at == 0 {
            return Ok(did);
        }
        did = true;
        metrics::counter!("rapport_journey_looks_total").increment(ran.looked_at as u64);
        metrics::counter!("rapport_messages_decided_total").increment(ran.messages as u64);
        // Others wait for the writer too.
        tokio::task::yield_now().await;
    }
}

/// What journeys are asked with.
pub fn with<'a>(installation: &'a Installation, workspace: WorkspaceId, plans: &'a Plans) -> With<'a> {
    With { workspace, plans, clock: &*installation.clock, rng: &*installation.rng }
}
