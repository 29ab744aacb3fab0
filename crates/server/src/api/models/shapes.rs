//! How models and their versions look in JSON.

use rapport_analytics::scores::Verdict;
use rapport_analytics::scores::card::Card;
use rapport_analytics::scores::judged::{Against, Hold};
use rapport_analytics::scores::measured::{Came, Choice, Metrics};
use rapport_analytics::scores::records::models::ModelRow;
use rapport_analytics::scores::records::versions::VersionRow;
use rapport_analytics::value::date_of;
use rapport_domain::Id;
use rapport_store::jobs::Status;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::versions::live_and_held;
use crate::api::segments::Names;
use crate::api::shapes::time;
use crate::api::wire::optional_time;
use crate::app::App;
use crate::auth::Caller;
use crate::modelling::{SCHEDULE, Settings};
use crate::problem::Problem;

/// A job of a model.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelJob {
    /// `queued`, `running`, `done`, `dead` or `cancelled`.
    state: String,
    /// How many steps, or people, are done.
    done: i64,
    /// Of how many, when known.
    total: Option<i64>,
}

impl ModelJob {
    fn of(status: Status) -> Self {
        Self { state: status.state, done: status.progress_done, total: status.progress_total }
    }
}

/// A model.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScoringModel {
    model: String,
    kind: String,
    settings: Settings,
    is_paused: bool,
    /// The version that scores; null before the first.
    live: Option<ModelVersion>,
    /// A newer version that was held until somebody decides.
    held: Option<ModelVersion>,
    /// Why the last fit came to nothing; null where it did not.
    verdict: Option<Verdict>,
    /// When it is fitted next, by itself; null where that is paused.
    fit_at: Option<String>,
    /// When people are scored next.
    score_at: Option<String>,
    /// As of when people were scored last.
    scored_at: Option<String>,
    /// By which version.
    scored_version: Option<i64>,
    /// The last fit.
    fit: Option<ModelJob>,
    /// The last run of scores.
    scoring: Option<ModelJob>,
}

impl ScoringModel {
    pub(super) async fn of(app: &App, caller: &Caller, row: ModelRow, users: &Names) -> Result<Self, Problem> {
        let db = &mut app.installation.store.read();
        let [live, held] = live_and_held(db, caller, &row).await?;
        let settings = Settings::of(&row);
        // What is due at once is due now.
        let due = |at: rapport_domain::Timestamp| (!row.is_paused).then(|| time(at.max(app.now())));
        Ok(Self {
            live: live.map(|it| ModelVersion::of(it, users)).transpose()?,
            held: held.map(|it| ModelVersion::of(it, users)).transpose()?,
            verdict: row.verdict.map(serde_json::from_value).transpose().map_err(Problem::internal)?,
            fit_at: due(row.fit_at),
            score_at: due(row.score_at),
            scored_at: optional_time(row.scored_at),
            scored_version: row.scored_version,
            fit: job(app, row.fit_job).await?,
            scoring: job(app, row.score_job).await?,
            model: row.model,
            kind: row.kind,
            is_paused: row.is_paused,
            settings,
        })
    }
}

pub(super) async fn job(app: &App, id: Option<Id>) -> Result<Option<ModelJob>, Problem> {
    let Some(id) = id else { return Ok(None) };
    let status = app.installation.store.jobs().status(&mut app.installation.store.read(), &id).await?;
    Ok(status.map(ModelJob::of))
}

/// A version.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelVersion {
    version: i64,
    /// `live`, `held` or `retired`.
    state: String,
    fitted_at: String,
    /// Who asked for it; null where it was due.
    fitted_by: Option<String>,
    /// The present of its data.
    as_of: String,
    /// How many people it was learnt from.
    people: i64,
    /// Why it was held; empty where it was not.
    held: Vec<Hold>,
    /// Beside the version before.
    against: Option<Against>,
    /// What was tried.
    choice: Choice,
    /// How good it was on the weeks held out: what was foretold and came are purchases, or people lost.
    metrics: Metrics,
    /// On which days it was judged.
    judged_on: [String; 2],
    /// What then happened.
    came: Option<Came>,
    /// When somebody decided that it scores.
    decided_at: Option<String>,
    decided_by: Option<String>,
    decided_why: Option<String>,
}

/// What the contents of versions of all kinds have.
#[derive(Deserialize)]
struct Shared {
    choice: Choice,
    metrics: Metrics,
    against: Option<Against>,
}

impl ModelVersion {
    pub(super) fn of(row: VersionRow, users: &Names) -> Result<Self, Problem> {
        let content: Shared = serde_json::from_value(row.content).map_err(Problem::internal)?;
        let named = |id: String| users.get(&id).cloned().unwrap_or(id);
        let metrics = content.metrics;
        Ok(Self {
            version: row.version,
            state: row.state,
            fitted_at: time(row.fitted_at),
            fitted_by: Some(row.fitted_by).filter(|it| it != SCHEDULE).map(named),
            as_of: time(row.as_of),
            people: row.people,
            held: serde_json::from_value(row.held).map_err(Problem::internal)?,
            against: content.against,
            choice: content.choice,
            judged_on: [date_of(metrics.from), date_of(metrics.until - 1)],
            metrics,
            came: row.came.map(serde_json::from_value).transpose().map_err(Problem::internal)?,
            decided_at: optional_time(row.decided_at),
            decided_by: row.decided_by.map(named),
            decided_why: row.decided_why,
        })
    }
}

/// A version with its card.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelVersionWithCard {
    pub(super) version: ModelVersion,
    pub(super) card: Card,
}
