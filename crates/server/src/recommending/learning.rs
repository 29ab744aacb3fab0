//! Which model offers best, learnt as a job: on schedule and on request.
//!
//! Always holds: a job writes its version with its completion, so that one that was cut off leaves nothing; a version that was held makes no offers until somebody decides so.
//!
//! Does not do: what is learnt and how it is judged (`analytics::recommend::learning`).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use futures::FutureExt as _;
use rapport_analytics::recommend::KeptPlan;
use rapport_analytics::recommend::learning::{Before, Content, Learned, STEPS, Wishes};
use rapport_analytics::scores::RECOMMENDATIONS;
use rapport_analytics::scores::records::models::{self, ModelRow};
use rapport_analytics::scores::records::versions;
use rapport_domain::{Id, WorkspaceId};
use rapport_store::{Priority, Tx};
use serde_json::Value;
use tokio::sync::watch;

use super::refresh;
use crate::api::questions;
use crate::beat::Beat;
use crate::installation::Installation;
use crate::modelling::job::{self, Made, Sort};
use crate::modelling::{SCHEDULE, without};
use crate::records::workspaces;

/// Jobs that choose a plan.
pub const LEARN: &str = "recommendations.learn";
/// For so long a job belongs to whoever does it, unless they say that they go on.
pub const LEASE: Duration = Duration::from_secs(300);

/// These jobs.
pub const SORT: Sort =
    Sort { about: "what to offer", due: |it| enqueue_due(it).boxed(), work: |it, stop| work(it, stop).boxed() };

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
        let row = job::founded(installation, workspace, RECOMMENDATIONS, usual()?).await?;
        if let Some(row) = row.filter(|row| !row.is_paused && row.fit_at <= now) {
            let mut tx = installation.store.begin(Priority::Background).await?;
            ask(installation, &mut tx, workspace, &row, SCHEDULE).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}

fn usual() -> serde_json::Result<Value> {
    serde_json::to_value(Wishes::default())
}

/// Makes the model where there is none.
///
/// # Errors
/// The store's.
pub async fn found(tx: &mut Tx, workspace: WorkspaceId) -> Result<()> {
    Ok(models::ensure(tx, workspace, RECOMMENDATIONS, RECOMMENDATIONS, usual()?).await?)
}

/// Asks for a plan to be chosen; a job that waits or runs already is enough. The job, if it is a new one.
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
    job::ask(installation, tx, workspace, row, (LEARN, wishes_of(row).fit_days, by)).await
}

/// What staff chose; what cannot be read any more is as usual.
pub fn wishes_of(row: &ModelRow) -> Wishes {
    serde_json::from_value(row.settings.clone()).unwrap_or_default()
}

/// Learns at once what is due, to the end, and prepares offers: for the sample shop and for tests.
///
/// # Errors
/// Those of the jobs.
pub async fn settle(installation: &Installation) -> Result<()> {
    job::settle(installation, &SORT).await?;
    for workspace in workspaces::ids(&mut installation.store.read()).await? {
        refresh(installation, workspace).await?;
    }
    Ok(())
}

/// Does the job that waits longest; whether there was one.
///
/// # Errors
/// The store's.
pub async fn work(installation: &Installation, stop: &watch::Receiver<bool>) -> Result<bool> {
    let Some(claim) = installation.store.jobs().claim(&[LEARN], LEASE).await? else { return Ok(false) };
    let beat = Beat { installation, claim: &claim, lease: LEASE, stop };
    job::ended(&beat, learn(&beat).await).await
}

async fn learn(beat: &Beat<'_>) -> Result<()> {
    let (installation, workspace) = (beat.installation, beat.claim.workspace);
    let Some(row) = models::find(&mut installation.store.read(), workspace, RECOMMENDATIONS).await? else {
        return beat.stopped().await;
    };
    let context = questions::context(installation, workspace).await.map_err(|it| anyhow::anyhow!("{}", it.detail()))?;
    let as_of = context.now.min(context.data_until);
    let by = beat.claim.payload["by"].as_str().unwrap_or(SCHEDULE).to_owned();
    let newest = versions::latest(&mut installation.store.read(), workspace, RECOMMENDATIONS, 1).await?;
    if by == SCHEDULE && newest.first().is_some_and(|it| it.as_of == as_of) {
        // Nothing happened since.
        return job::complete(beat, RECOMMENDATIONS, None).await;
    }
    if beat.at(0, STEPS + 2).await? {
        return beat.stopped().await;
    }
    let without = without(installation, workspace).await?;
    let settings = *installation.recommender.settings();
    let past = installation.analytics.past(workspace, &context, &settings, &wishes_of(&row), &without).await?;
    let past = match past {
        Ok(past) => past,
        Err(verdict) => return job::complete(beat, RECOMMENDATIONS, Some(verdict)).await,
    };
    let before = before(beat, &row).await?;
    let version = versions::next(&mut installation.store.read(), workspace, RECOMMENDATIONS).await?;
    let (usual, seed) = (KeptPlan::usual(settings.keep), u64::try_from(version).unwrap_or(0));
    let learn =
        move |done: &AtomicUsize| past.learn(before.as_ref(), &usual, seed, &|at| done.store(at, Ordering::Relaxed));
    match job::learnt(beat, STEPS, learn).await? {
        None => beat.stopped().await,
        Some(Err(verdict)) => job::complete(beat, RECOMMENDATIONS, Some(verdict)).await,
        Some(Ok(Learned { content, card })) => {
            let made = Made {
                version,
                as_of,
                by: &by,
                people: i64::try_from(content.seen.people)?,
                content: serde_json::to_value(&content)?,
                card: serde_json::to_value(&card)?,
                held: content.against.as_ref().map(|it| it.holds()).unwrap_or_default(),
                came: Vec::new(),
            };
            job::keep(beat, RECOMMENDATIONS, made).await?;
            // From now on, and not only at the next round.
            refresh(installation, workspace).await.map(drop)
        }
    }
}

/// The version in use, as far as it can be read.
async fn before(beat: &Beat<'_>, row: &ModelRow) -> Result<Option<Before>> {
    let Some(version) = row.version else { return Ok(None) };
    let db = &mut beat.installation.store.read();
    let kept = versions::find(db, beat.claim.workspace, RECOMMENDATIONS, version).await?;
    let content = kept.and_then(|it| serde_json::from_value::<Content>(it.content).ok());
    Ok(content.map(|content| Before { version, content }))
}
