//! Models at work: fits and scores as jobs, on schedule and on request.
//!
//! Always holds: of those whose data are restricted, or who refused to be understood in numbers, nothing is learnt or said; a fit writes its version with the completion of its job, so that a job that was cut off leaves nothing; a run of scores that is done again writes the
//! same again and tells nothing twice; a version that was held does not score.
//!
//! Does not do: what is learnt, how it is judged, and what is said of people (`analytics::value`, `analytics::churn`, `analytics::propensity`,
//! `analytics::loyalty_index`, `analytics::scores`).

mod churn;
mod fit;
mod foretelling;
mod forget;
pub mod job;
mod loyalty_index;
mod propensity;
pub mod said;
mod score;
mod settings;
mod value;
mod without;
mod written;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures::FutureExt as _;
use rapport_analytics::scores::records::models::{self, ModelRow};
use rapport_analytics::scores::{CHURN, GROUPS, LOYALTY_INDEX, RECOMMENDATIONS, VALUE};
use rapport_analytics::{churn as churns, loyalty_index as indices, value as values};
use rapport_domain::{Id, WorkspaceId};
use rapport_profiles::records::orders;
use rapport_store::{Priority, Tx};
use tokio::sync::watch;

use crate::beat::Beat;
use crate::installation::Installation;
use crate::records::workspaces;
use job::Sort;

pub use churn::FACTS as CHURN_FACTS;
pub use forget::remove;
pub use loyalty_index::FACTS as LOYALTY_INDEX_FACTS;
pub use settings::Settings;
pub use value::{FACTS, NEXT};
pub use without::{is_without, without};

/// Jobs that fit a model.
pub const FIT: &str = "models.fit";
/// Jobs that score everybody by a model.
pub const SCORE: &str = "models.score";
/// Jobs that take back what a model said of people, once it is gone.
pub const FORGET: &str = "models.forget";
/// Who a fit was asked for by, where nobody did.
pub const SCHEDULE: &str = "schedule";
/// For so long a job belongs to whoever does it, unless they say that they go on: what everybody bought is read in one go.
pub const LEASE: Duration = Duration::from_secs(180);

/// These jobs.
pub const SORT: Sort =
    Sort { about: "models", due: |it| enqueue_due(it).boxed(), work: |it, stop| work(it, stop).boxed() };

/// Works until `stop` is set.
pub async fn run(installation: Arc<Installation>, stop: watch::Receiver<bool>) {
    job::run(installation, stop, SORT).await;
}

/// Enqueues what is due in all workspaces. A workspace in which somebody bought has the models of value and of churn, and a loyalty index.
///
/// # Errors
/// The store's.
pub async fn enqueue_due(installation: &Installation) -> Result<()> {
    let now = installation.clock.now();
    for workspace in workspaces::ids(&mut installation.store.read()).await? {
        let mut rows = models::all(&mut installation.store.read(), workspace).await?;
        let is_whole = FOUNDED.iter().all(|kind| rows.iter().any(|row| row.model == *kind));
        if !is_whole && orders::any(&mut installation.store.read(), workspace).await? {
            let mut tx = installation.store.begin(Priority::Background).await?;
            found(&mut tx, workspace).await?;
            tx.commit().await?;
            rows = models::all(&mut installation.store.read(), workspace).await?;
        }
        // What to offer, and groups, have jobs of their own.
        for row in rows.iter().filter(|row| !row.is_paused && ![RECOMMENDATIONS, GROUPS].contains(&row.kind.as_str())) {
            let settings = Settings::of(row);
            if row.fit_at <= now {
                let mut tx = installation.store.begin(Priority::Background).await?;
                ask_fit(installation, &mut tx, workspace, row, SCHEDULE).await?;
                tx.commit().await?;
            }
            if row.version.is_some() && row.score_at <= now {
                job::ask_scores(installation, workspace, &row.model, (SCORE, settings.score_hours())).await?;
            }
        }
    }
    Ok(())
}

/// The models that each workspace has in which somebody bought.
pub const FOUNDED: [&str; 3] = [VALUE, CHURN, LOYALTY_INDEX];

/// Makes those of [`FOUNDED`] that are not there.
///
/// # Errors
/// The store's.
pub async fn found(tx: &mut Tx, workspace: WorkspaceId) -> Result<()> {
    models::ensure(tx, workspace, VALUE, VALUE, serde_json::to_value(values::Settings::default())?).await?;
    models::ensure(tx, workspace, CHURN, CHURN, serde_json::to_value(churns::Settings::default())?).await?;
    let index = serde_json::to_value(indices::Settings::default())?;
    models::ensure(tx, workspace, LOYALTY_INDEX, LOYALTY_INDEX, index).await?;
    Ok(())
}

/// Asks for a fit; one that waits or runs already is enough. The job, if it is a new one.
pub async fn ask_fit(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    row: &ModelRow,
    by: &str,
) -> Result<Option<Id>> {
    job::ask(installation, tx, workspace, row, (FIT, Settings::of(row).fit_days(), by)).await
}

/// Fits and scores at once what is due, to the end: for the sample shop and for tests.
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
    let Some(claim) = installation.store.jobs().claim(&[FIT, SCORE, FORGET], LEASE).await? else { return Ok(false) };
    let model = claim.payload["model"].as_str().context("a job of a model names it")?.to_owned();
    let beat = Beat { installation, claim: &claim, lease: LEASE, stop };
    let outcome = match claim.kind.as_str() {
        FIT => fit::fit(&beat, &model).await,
        SCORE => score::score(&beat, &model).await,
        _ => forget::forget(&beat, &model).await,
    };
    job::ended(&beat, outcome).await
}
