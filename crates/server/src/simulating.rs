//! Simulations of loyalty rules on what people did: a job that tells their events again under today's rules and under others.
//!
//! Always holds: it reads the lake and the product database and writes only its own result; it can be begun anew at any time and comes to the same.
//!
//! Does not: decide what rules give (`loyalty::earning`) or add it up (`loyalty::simulation`).

pub mod plan;
mod result;
mod told;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use rapport_domain::Id;
use rapport_loyalty::records::simulations;
use rapport_store::jobs::Claim;
use rapport_store::{Error, Priority};
use tokio::sync::watch;

use crate::beat::Beat;
use crate::installation::Installation;
pub use plan::Plan;
pub use result::SimulationResult;

/// The kind of its jobs.
pub const KIND: &str = "loyalty.simulation";
/// For so long a job belongs to whoever does it, unless they say that they go on.
const LEASE: Duration = Duration::from_secs(60);
/// How often it is looked whether one waits.
const EVERY: Duration = Duration::from_secs(1);

/// Works until `stop` is set.
pub async fn run(installation: Arc<Installation>, mut stop: watch::Receiver<bool>) {
    while tokio::time::timeout(EVERY, stop.wait_for(|stop| *stop)).await.is_err() {
        while !*stop.borrow() {
            match work(&installation, &stop).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(error = %error, "a simulation could not be ended properly; it is tried again");
                    break;
                }
            }
        }
    }
}

/// Does the simulation that waits longest; whether there was one.
///
/// # Errors
/// The store's.
pub async fn work(installation: &Installation, stop: &watch::Receiver<bool>) -> Result<bool> {
    let Some(claim) = installation.store.jobs().claim(&[KIND], LEASE).await? else { return Ok(false) };
    let id = claim.payload["simulation"].as_str().context("a job of a simulation names it")?.to_owned();
    let now = installation.clock.now();
    let mut tx = installation.store.begin(Priority::Background).await?;
    simulations::begin(&mut tx, claim.workspace, &id, now).await?;
    tx.commit().await?;
    let came = simulate(&Beat { installation, claim: &claim, lease: LEASE, stop }, &id).await;
    if came.is_err() && *stop.borrow() {
        // The lease runs out, and whoever starts next begins anew.
        return Ok(false);
    }
    match end(installation, &claim, &id, came).await {
        // It was deleted, or another server has it.
        Ok(()) | Err(Error::LeaseLost { .. }) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Writes down what came of it.
async fn end(
    installation: &Installation,
    claim: &Claim,
    id: &str,
    came: Result<Option<result::Came>>,
) -> rapport_store::Result<()> {
    let (jobs, now) = (installation.store.jobs(), installation.clock.now());
    let mut tx = installation.store.begin(Priority::Background).await?;
    match came {
        Ok(Some((result, people))) => {
            let result = serde_json::to_value(result).unwrap_or_default();
            simulations::end(&mut tx, claim.workspace, id, result, &people, now).await?;
            jobs.complete(&mut tx, claim).await?;
        }
        Ok(None) => jobs.stopped(&mut tx, claim).await?,
        Err(error) => {
            tracing::warn!(error = %error, "a simulation failed");
            if !jobs.fail(&mut tx, claim, "simulation_failed").await? {
                simulations::fail(&mut tx, claim.workspace, id, "simulation_failed", now).await?;
            }
        }
    }
    tx.commit().await
}

/// What came of it; `None` when somebody asked it to stop.
async fn simulate(beat: &Beat<'_>, id: &str) -> Result<Option<result::Came>> {
    let (installation, workspace) = (beat.installation, beat.claim.workspace);
    let row = simulations::find(&mut installation.store.read(), workspace, id).await?;
    let row = row.context("the simulation was deleted")?;
    let plan: Plan = serde_json::from_value(row.plan)?;
    result::reckon(installation, workspace, &plan, beat).await
}

/// A new name for a simulation.
pub fn name(installation: &Installation) -> Id {
    Id::new("sim", &*installation.clock, &*installation.rng)
}
