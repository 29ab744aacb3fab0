//! What jobs that learn have in common: they are looked for again and again, say how far they are, keep a version or why there is none, and fail in one way.
//!
//! Always holds: a version is written with the completion of its job, so that a job that was cut off leaves nothing; a version that was held does not speak.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures::future::BoxFuture;
use rapport_analytics::scores::Verdict;
use rapport_analytics::scores::judged::Hold;
use rapport_analytics::scores::records::models::{self, ModelRow};
use rapport_analytics::scores::records::versions::{self, State, VersionRow};
use rapport_domain::{Id, Timestamp, WorkspaceId};
use rapport_profiles::records::orders;
use rapport_store::jobs::NewJob;
use rapport_store::{Error, Priority, Tx};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use crate::beat::Beat;
use crate::installation::Installation;

/// How often it is said how far a job is.
const TELL_EVERY: Duration = Duration::from_millis(500);
/// How often it is looked whether a job waits.
const EVERY: Duration = Duration::from_secs(1);
/// How often it is looked whether something is due.
const DUE_EVERY: Duration = Duration::from_secs(60);

/// Jobs of a sort.
pub struct Sort {
    /// What they are about, for the log.
    pub about: &'static str,
    /// Enqueues what is due in all workspaces.
    pub due: for<'a> fn(&'a Installation) -> BoxFuture<'a, Result<()>>,
    /// Does the job that waits longest; whether there was one.
    pub work: for<'a> fn(&'a Installation, &'a watch::Receiver<bool>) -> BoxFuture<'a, Result<bool>>,
}

/// Works until `stop` is set.
pub async fn run(installation: Arc<Installation>, mut stop: watch::Receiver<bool>, sort: Sort) {
    let about = sort.about;
    let mut looked: Option<Instant> = None;
    while timeout(EVERY, stop.wait_for(|stop| *stop)).await.is_err() {
        if looked.is_none_or(|at| at.elapsed() >= DUE_EVERY) {
            looked = Some(Instant::now());
            if let Err(error) = (sort.due)(&installation).await {
                tracing::warn!(error = %format!("{error:#}"), about, "it could not be seen what is due; it is tried again");
            }
        }
        while !*stop.borrow() {
            match (sort.work)(&installation, &stop).await {
                // What was learnt can make something else due.
                Ok(true) => looked = None,
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(error = %format!("{error:#}"), about, "a job could not be ended properly; it is tried again");
                    break;
                }
            }
        }
    }
}

/// Does what is due and what follows of it at once, to the end: for the sample shop and for tests.
///
/// # Errors
/// Those of the jobs.
pub async fn settle(installation: &Installation, sort: &Sort) -> Result<()> {
    let (_stop, stopped) = watch::channel(false);
    // What was learnt can make something else due.
    for _ in 0..2 {
        (sort.due)(installation).await?;
        while (sort.work)(installation, &stopped).await? {}
    }
    Ok(())
}

/// A model with its usual settings, made where there is none and somebody bought; `None` where nobody did.
///
/// # Errors
/// The store's.
pub async fn founded(
    installation: &Installation,
    workspace: WorkspaceId,
    model: &str,
    usual: Value,
) -> Result<Option<ModelRow>> {
    let db = &mut installation.store.read();
    let there = models::find(db, workspace, model).await?;
    if there.is_some() || !orders::any(db, workspace).await? {
        return Ok(there);
    }
    let mut tx = installation.store.begin(Priority::Background).await?;
    models::ensure(&mut tx, workspace, model, model, usual).await?;
    tx.commit().await?;
    Ok(models::find(db, workspace, model).await?)
}

/// Asks for everybody to be looked at by a model as things are now, by a job of this kind, and again after `hours`; one that waits or runs already is enough.
///
/// # Errors
/// The store's.
pub async fn ask_scores(
    installation: &Installation,
    workspace: WorkspaceId,
    model: &str,
    (kind, hours): (&'static str, u32),
) -> Result<()> {
    let now = installation.clock.now();
    let mut tx = installation.store.begin(Priority::Background).await?;
    let mut job = NewJob::new(workspace, kind, json!({"model": model, "at": now.0}));
    job.unique_key = Some(model.to_owned());
    let job = installation.store.jobs().enqueue(&mut tx, job).await?;
    models::scoring(&mut tx, workspace, model, job.as_ref(), now.plus(i64::from(hours) * Timestamp::HOUR)).await?;
    Ok(tx.commit().await?)
}

/// Asks for a model to be learnt anew, and again after `days`; a job that waits or runs already is enough. The job, if it is a new one.
///
/// # Errors
/// The store's.
pub async fn ask(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    row: &ModelRow,
    (kind, days, by): (&'static str, u32, &str),
) -> Result<Option<Id>> {
    let next = installation.clock.now().plus(i64::from(days) * Timestamp::DAY);
    let mut job = NewJob::new(workspace, kind, json!({"model": row.model, "by": by}));
    job.unique_key = Some(row.model.clone());
    let job = installation.store.jobs().enqueue(tx, job).await?;
    models::fitting(tx, workspace, &row.model, job.as_ref(), next).await?;
    Ok(job)
}

/// Learns on a thread of its own, and says meanwhile how far that is: it has `steps`, of which it counts those that are done; reading was the step before, and
/// writing is the one after. `None` when somebody asked the job to stop.
///
/// # Errors
/// As of [`Beat::at`]; that learning panicked.
pub async fn learnt<T: Send + 'static>(
    beat: &Beat<'_>,
    steps: usize,
    learn: impl FnOnce(&AtomicUsize) -> T + Send + 'static,
) -> Result<Option<T>> {
    let done = Arc::new(AtomicUsize::new(0));
    let mut work = tokio::task::spawn_blocking({
        let done = Arc::clone(&done);
        move || learn(&done)
    });
    let outcome = loop {
        if let Ok(outcome) = timeout(TELL_EVERY, &mut work).await {
            break outcome.context("learning stopped unexpectedly")?;
        }
        if beat.at(1 + done.load(Ordering::Relaxed), steps + 2).await? {
            return Ok(None);
        }
    };
    Ok((!beat.at(1 + steps, steps + 2).await?).then_some(outcome))
}

/// Waits for work on another thread, and keeps the job meanwhile.
///
/// # Errors
/// As of [`Beat::at`]; that the work panicked.
pub async fn finished<T>(beat: &Beat<'_>, mut work: JoinHandle<T>) -> Result<T> {
    loop {
        match timeout(TELL_EVERY, &mut work).await {
            Ok(done) => return done.context("scoring stopped unexpectedly"),
            Err(_) => {
                beat.at(0, 1).await?;
            }
        }
    }
}

/// A version that was learnt.
pub struct Made<'a> {
    /// Its number.
    pub version: i64,
    /// The present of its data.
    pub as_of: Timestamp,
    /// Who asked for it.
    pub by: &'a str,
    /// How many people it was learnt from.
    pub people: i64,
    /// What it is.
    pub content: Value,
    /// Its card.
    pub card: Value,
    /// Why it is held.
    pub held: Vec<Hold>,
    /// What happened since earlier versions were learnt.
    pub came: Vec<(i64, Value)>,
}

/// Keeps a version, which speaks from now on unless it is held, and completes its job.
///
/// # Errors
/// The store's.
pub async fn keep(beat: &Beat<'_>, model: &str, made: Made<'_>) -> Result<()> {
    let (installation, workspace) = (beat.installation, beat.claim.workspace);
    let state = if made.held.is_empty() { State::Live } else { State::Held };
    let new = VersionRow {
        version: made.version,
        state: state.as_str().to_owned(),
        fitted_at: installation.clock.now(),
        fitted_by: made.by.to_owned(),
        as_of: made.as_of,
        people: made.people,
        content: made.content,
        card: made.card,
        held: serde_json::to_value(&made.held)?,
        came: None,
        decided_at: None,
        decided_by: None,
        decided_why: None,
    };
    let mut tx = installation.store.begin(Priority::Background).await?;
    if state == State::Live {
        versions::retire(&mut tx, workspace, model).await?;
    }
    versions::insert(&mut tx, workspace, model, &new).await?;
    for (earlier, came) in made.came {
        versions::came(&mut tx, workspace, model, earlier, came).await?;
    }
    models::judged(&mut tx, workspace, model, (state == State::Live).then_some(new.version), None).await?;
    installation.store.jobs().complete(&mut tx, beat.claim).await?;
    tx.commit().await?;
    tracing::info!(model, version = new.version, state = state.as_str(), "a model was learnt");
    Ok(())
}

/// Completes a job that came to nothing, with why.
///
/// # Errors
/// The store's.
pub async fn complete(beat: &Beat<'_>, model: &str, verdict: Option<Verdict>) -> Result<()> {
    let mut tx = beat.installation.store.begin(Priority::Background).await?;
    if let Some(verdict) = verdict {
        let verdict = serde_json::to_value(verdict)?;
        models::judged(&mut tx, beat.claim.workspace, model, None, Some(verdict)).await?;
    }
    beat.installation.store.jobs().complete(&mut tx, beat.claim).await?;
    Ok(tx.commit().await?)
}

/// Fails a job where it came to an error; whether the next one is to be looked for.
///
/// # Errors
/// The store's.
pub async fn ended(beat: &Beat<'_>, outcome: Result<()>) -> Result<bool> {
    let Err(error) = outcome else { return Ok(true) };
    if *beat.stop.borrow() {
        // The lease runs out, and whoever starts next begins anew.
        return Ok(false);
    }
    match fail(beat, &error).await {
        // Another server has it.
        Ok(()) | Err(Error::LeaseLost { .. }) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

async fn fail(beat: &Beat<'_>, error: &anyhow::Error) -> rapport_store::Result<()> {
    tracing::warn!(error = %format!("{error:#}"), kind = beat.claim.kind, "a job of a model failed");
    let mut tx = beat.installation.store.begin(Priority::Background).await?;
    beat.installation.store.jobs().fail(&mut tx, beat.claim, "model_failed").await?;
    tx.commit().await
}
