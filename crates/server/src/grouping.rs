//! Groups of customers at work: looked for as a job, and people put into them as another, on schedule and on request.
//!
//! Always holds: a job that was cut off leaves nothing half; whoever is in no group any more is told to be in none; of those whose data are restricted, or who refused to be
//! understood in numbers, nothing is looked at.
//!
//! Does not do: what is learnt and how it is judged (`analytics::groups`).

pub mod learn;
mod place;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use futures::FutureExt as _;
use rapport_analytics::groups::Settings;
use rapport_analytics::scores::GROUPS;
use rapport_analytics::scores::records::models::{self, ModelRow};
use rapport_domain::{Id, WorkspaceId};
use rapport_store::{Priority, Tx};
use serde_json::Value;
use tokio::sync::watch;

use crate::beat::Beat;
use crate::installation::Installation;
use crate::modelling::SCHEDULE;
use crate::modelling::job::{self, Sort};
use crate::records::workspaces;

/// Jobs that look for groups.
pub const LEARN: &str = "groups.learn";
/// Jobs that put people into them.
pub const PLACE: &str = "groups.place";
/// What is told of whoever is in a group: its number, which conditions use; what it is called; how surely they are in it.
pub const FACTS: [&str; 3] = ["group.number", "group.name", "group.sure"];
/// For so long a job belongs to whoever does it, unless they say that they go on: what everybody bought is read in one go.
pub const LEASE: Duration = Duration::from_secs(300);

/// These jobs.
pub const SORT: Sort =
    Sort { about: "groups of customers", due: |it| enqueue_due(it).boxed(), work: |it, stop| work(it, stop).boxed() };

/// Works until `stop` is set.
pub async fn run(installation: Arc<Installation>, stop: watch::Receiver<bool>) {
    job::run(installation, stop, SORT).await;
}

/// Enqueues what is due in all workspaces. A workspace in which somebody bought has this model.
///
/// # Errors
/// The store's.
pub async fn enqueue_due(installation: &Installation) -> Result<()> {
    let now = installation.clock.now();
    for workspace in workspaces::ids(&mut installation.store.read()).await? {
        let row = job::founded(installation, workspace, GROUPS, usual()?).await?;
        let Some(row) = row.filter(|row| !row.is_paused) else { continue };
        if row.fit_at <= now {
            let mut tx = installation.store.begin(Priority::Background).await?;
            ask(installation, &mut tx, workspace, &row, SCHEDULE).await?;
            tx.commit().await?;
        }
        if row.version.is_some() && row.score_at <= now {
            job::ask_scores(installation, workspace, GROUPS, (PLACE, settings_of(&row).place_hours)).await?;
        }
    }
    Ok(())
}

fn usual() -> serde_json::Result<Value> {
    serde_json::to_value(Settings::default())
}

/// Makes the model where there is none.
///
/// # Errors
/// The store's.
pub async fn found(tx: &mut Tx, workspace: WorkspaceId) -> Result<()> {
    Ok(models::ensure(tx, workspace, GROUPS, GROUPS, usual()?).await?)
}

/// Asks for groups to be looked for; a job that waits or runs already is enough. The job, if it is a new one.
///
/// # Errors
/// The store's.
pub async fn ask(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    row: &ModelRow,
    by: &str,
) -> Result<Option<Id>> {
    job::ask(installation, tx, workspace, row, (LEARN, settings_of(row).fit_days, by)).await
}

/// What staff chose; what cannot be read any more is as usual.
pub fn settings_of(row: &ModelRow) -> Settings {
    serde_json::from_value(row.settings.clone()).unwrap_or_default()
}

/// What a group is called where staff gave it no name.
pub fn unnamed(number: u32) -> String {
    format!("Group {number}")
}

/// Looks for groups and puts people into them at once where that is due, to the end: for the sample shop and for tests.
///
/// # Errors
/// Those of the jobs.
pub async fn settle(installation: &Installation) -> Result<()> {
    job::settle(installation, &SORT).await
}

/// Does the job that waits longest; whether there was one.
///
/// # Errors
/// The store's.
pub async fn work(installation: &Installation, stop: &watch::Receiver<bool>) -> Result<bool> {
    let Some(claim) = installation.store.jobs().claim(&[LEARN, PLACE], LEASE).await? else { return Ok(false) };
    let beat = Beat { installation, claim: &claim, lease: LEASE, stop };
    let outcome = if claim.kind == LEARN { learn::learn(&beat).await } else { place::place(&beat).await };
    job::ended(&beat, outcome).await
}
