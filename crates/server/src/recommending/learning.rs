//! Which model offers best, learnt as a job: on schedule and on request.
//!
//! Always holds: a job writes its version with its completion, so that one that was cut off leaves nothing; a version that was held makes no offers until somebody decides so.
//!
//! Does not do: what is learnt and how it is judged (`analytics::recommend::learning`).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use rapport_analytics::recommend::KeptPlan;
use rapport_analytics::recommend::learning::{Before, Content, Learned, STEPS, Wishes};
use rapport_analytics::scores::judged::Hold;
use rapport_analytics::scores::records::models::{self, ModelRow};
use rapport_analytics::scores::records::versions::{self, State, VersionRow};
use rapport_analytics::scores::{RECOMMENDATIONS, Verdict};
use rapport_domain::{Id, Timestamp, WorkspaceId};
use rapport_profiles::records::orders;
use rapport_store::jobs::NewJob;
use rapport_store::{Error, Priority, Tx};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::refresh;
use crate::api::questions;
use crate::beat::Beat;
use crate::installation::Installation;
use crate::modelling::{SCHEDULE, restricted};
use crate::records::workspaces;

/// Jobs that choose a plan.
pub const LEARN: &str = "recommendations.learn";
/// For so long a job belongs to whoever does it, unless they say that they go on.
pub const LEASE: Duration = Duration::from_secs(300);
/// Reading is the first step, and writing the last.
const ALL: usize = STEPS + 2;
/// How often it is said how far a job is.
const TELL_EVERY: Duration = Duration::from_millis(500);
/// How often it is looked whether a job waits.
const EVERY: Duration = Duration::from_secs(1);
/// How often it is looked whether a plan is due.
const DUE_EVERY: Duration = Duration::from_secs(60);

/// Works until `stop` is set.
pub async fn run(installation: Arc<Installation>, mut stop: watch::Receiver<bool>) {
    let mut looked: Option<Instant> = None;
    while timeout(EVERY, stop.wait_for(|stop| *stop)).await.is_err() {
        if looked.is_none_or(|at| at.elapsed() >= DUE_EVERY) {
            looked = Some(Instant::now());
            if let Err(error) = enqueue_due(&installation).await {
                tracing::warn!(error = %format!("{error:#}"), "it could not be seen whether what to offer is due; it is tried again");
            }
        }
        while !*stop.borrow() {
            match work(&installation, &stop).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(error = %format!("{error:#}"), "learning what to offer could not be ended properly; it is tried again");
                    break;
                }
            }
        }
    }
}

/// Enqueues what is due in all workspaces. A workspace in which somebody bought has this model.
///
/// # Errors
/// The store's.
pub async fn enqueue_due(installation: &Installation) -> Result<()> {
    let now = installation.clock.now();
    for workspace in workspaces::ids(&mut installation.store.read()).await? {
        let db = &mut installation.store.read();
        let mut row = models::find(db, workspace, RECOMMENDATIONS).await?;
        if row.is_none() && orders::any(db, workspace).await? {
            let mut tx = installation.store.begin(Priority::Background).await?;
            found(&mut tx, workspace).await?;
            tx.commit().await?;
            row = models::find(&mut installation.store.read(), workspace, RECOMMENDATIONS).await?;
        }
        if let Some(row) = row.filter(|row| !row.is_paused && row.fit_at <= now) {
            let mut tx = installation.store.begin(Priority::Background).await?;
            ask(installation, &mut tx, workspace, &row, SCHEDULE).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}

/// Makes the model where there is none.
///
/// # Errors
/// The store's.
pub async fn found(tx: &mut Tx, workspace: WorkspaceId) -> Result<()> {
    let usual = serde_json::to_value(Wishes::default())?;
    Ok(models::ensure(tx, workspace, RECOMMENDATIONS, RECOMMENDATIONS, usual).await?)
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
    let next = installation.clock.now().plus(i64::from(wishes_of(row).fit_days) * Timestamp::DAY);
    let mut job = NewJob::new(workspace, LEARN, json!({"by": by}));
    job.unique_key = Some(RECOMMENDATIONS.to_owned());
    let job = installation.store.jobs().enqueue(tx, job).await?;
    models::fitting(tx, workspace, RECOMMENDATIONS, job.as_ref(), next).await?;
    Ok(job)
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
    let (_stop, stopped) = watch::channel(false);
    enqueue_due(installation).await?;
    while work(installation, &stopped).await? {}
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
    let outcome = learn(&beat).await;
    if outcome.is_err() && *stop.borrow() {
        // The lease runs out, and whoever starts next begins anew.
        return Ok(false);
    }
    match outcome {
        Ok(()) => Ok(true),
        Err(error) => match fail(&beat, &error).await {
            // Another server has it.
            Ok(()) | Err(Error::LeaseLost { .. }) => Ok(true),
            Err(error) => Err(error.into()),
        },
    }
}

async fn fail(beat: &Beat<'_>, error: &anyhow::Error) -> rapport_store::Result<()> {
    tracing::warn!(error = %format!("{error:#}"), "learning what to offer failed");
    let mut tx = beat.installation.store.begin(Priority::Background).await?;
    beat.installation.store.jobs().fail(&mut tx, beat.claim, "model_failed").await?;
    tx.commit().await
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
        return complete(beat, None).await;
    }
    if beat.at(0, ALL).await? {
        return beat.stopped().await;
    }
    let restricted = restricted(installation, workspace).await?;
    let settings = *installation.recommender.settings();
    let past = installation.analytics.past(workspace, &context, &settings, &wishes_of(&row), &restricted).await?;
    let past = match past {
        Ok(past) => past,
        Err(verdict) => return complete(beat, Some(verdict)).await,
    };
    let before = before(beat, &row).await?;
    let version = versions::next(&mut installation.store.read(), workspace, RECOMMENDATIONS).await?;
    let done = Arc::new(AtomicUsize::new(0));
    let mut work = tokio::task::spawn_blocking({
        let (done, usual) = (Arc::clone(&done), KeptPlan::usual(settings.keep));
        let seed = u64::try_from(version).unwrap_or(0);
        move || past.learn(before.as_ref(), &usual, seed, &|at| done.store(at, Ordering::Relaxed))
    });
    let outcome = loop {
        if let Ok(outcome) = timeout(TELL_EVERY, &mut work).await {
            break outcome.context("learning stopped unexpectedly")?;
        }
        if beat.at(1 + done.load(Ordering::Relaxed), ALL).await? {
            return beat.stopped().await;
        }
    };
    if beat.at(1 + STEPS, ALL).await? {
        return beat.stopped().await;
    }
    match outcome {
        Err(verdict) => complete(beat, Some(verdict)).await,
        Ok(learned) => {
            keep(beat, learned, (version, as_of, &by)).await?;
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

/// Keeps a version, which makes offers from now on unless it is held.
async fn keep(beat: &Beat<'_>, learned: Learned, (version, as_of, by): (i64, Timestamp, &str)) -> Result<()> {
    let (installation, workspace) = (beat.installation, beat.claim.workspace);
    let content = &learned.content;
    let held: Vec<Hold> = content.against.as_ref().map(|it| it.holds()).unwrap_or_default();
    let state = if held.is_empty() { State::Live } else { State::Held };
    let new = VersionRow {
        version,
        state: state.as_str().to_owned(),
        fitted_at: installation.clock.now(),
        fitted_by: by.to_owned(),
        as_of,
        people: i64::try_from(content.seen.people)?,
        content: serde_json::to_value(content)?,
        card: serde_json::to_value(&learned.card)?,
        held: serde_json::to_value(&held)?,
        came: None,
        decided_at: None,
        decided_by: None,
        decided_why: None,
    };
    let mut tx = installation.store.begin(Priority::Background).await?;
    if state == State::Live {
        versions::retire(&mut tx, workspace, RECOMMENDATIONS).await?;
    }
    versions::insert(&mut tx, workspace, RECOMMENDATIONS, &new).await?;
    models::judged(&mut tx, workspace, RECOMMENDATIONS, (state == State::Live).then_some(version), None).await?;
    installation.store.jobs().complete(&mut tx, beat.claim).await?;
    tx.commit().await?;
    tracing::info!(version, state = state.as_str(), "what to offer was learnt");
    Ok(())
}

/// Ends a job that came to nothing, with why.
async fn complete(beat: &Beat<'_>, verdict: Option<Verdict>) -> Result<()> {
    let mut tx = beat.installation.store.begin(Priority::Background).await?;
    if let Some(verdict) = verdict {
        let verdict = serde_json::to_value(verdict)?;
        models::judged(&mut tx, beat.claim.workspace, RECOMMENDATIONS, None, Some(verdict)).await?;
    }
    beat.installation.store.jobs().complete(&mut tx, beat.claim).await?;
    Ok(tx.commit().await?)
}
