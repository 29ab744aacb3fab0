//! The loyalty index: what it is made of, which version is in use, what staff change of it, and the versions there were.

use axum::extract::State;
use axum::response::Response;
use rapport_analytics::loyalty_index::{Against, Content, Measure, Reading, Settings, Weights};
use rapport_analytics::scores::card::Card;
use rapport_analytics::scores::judged::Hold;
use rapport_analytics::scores::records::models::{self, ModelRow};
use rapport_analytics::scores::records::versions::{self, VersionRow};
use rapport_analytics::scores::{LOYALTY_INDEX, Verdict};
use rapport_domain::Timestamp;
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::shapes::{ModelJob, job};
use super::versions::{LISTED, UseVersionBody, card_of, card_page, live_and_held, use_version, version};
use super::{find, set};
use crate::api::segments::{Names, user_names};
use crate::api::shapes::time;
use crate::api::wire::optional_time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path};
use crate::http::paging::Rows;
use crate::modelling::{self, SCHEDULE};
use crate::problem::Problem;

/// The loyalty index.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoyaltyIndexModel {
    settings: Settings,
    is_paused: bool,
    /// The version in use; null before the first.
    live: Option<LoyaltyIndexVersion>,
    /// A newer version that was held until somebody decides.
    held: Option<LoyaltyIndexVersion>,
    /// Why there is no newer version; null where nothing stood against one.
    verdict: Option<Verdict>,
    /// When it is looked next whether the measures are still the right ones; null where that is paused.
    fit_at: Option<String>,
    /// When people are scored next.
    score_at: Option<String>,
    /// As of when people were scored last.
    scored_at: Option<String>,
    /// By which version.
    scored_version: Option<i64>,
    /// The last look at the measures.
    fit: Option<ModelJob>,
    /// The last run of scores.
    scoring: Option<ModelJob>,
}

/// A version: a definition of the index.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoyaltyIndexVersion {
    version: i64,
    /// `live`, `held` or `retired`.
    state: String,
    fitted_at: String,
    /// Who asked for it; null where it was due.
    fitted_by: Option<String>,
    /// The present of its data.
    as_of: String,
    /// How many people had an index by it when it came about.
    people: i64,
    /// What it is made of.
    measures: Vec<Measure>,
    /// Whether the measures were proposed by what the workspace knows.
    is_proposed: bool,
    /// How much each facet counts.
    weights: Weights,
    /// The share of the weights that must be known of a person.
    least_known: f64,
    /// From where on somebody counts as loyal.
    cut: f64,
    /// Within how many days what people did is counted.
    window_days: u32,
    /// What it said of all when it came about.
    reading: Reading,
    /// Why it was held; empty where it was not.
    held: Vec<Hold>,
    /// Beside the version before.
    against: Option<Against>,
    /// When somebody decided that it is used.
    decided_at: Option<String>,
    decided_by: Option<String>,
    decided_why: Option<String>,
}

impl LoyaltyIndexVersion {
    fn of(row: VersionRow, users: &Names) -> Result<Self, Problem> {
        let content: Content = serde_json::from_value(row.content).map_err(Problem::internal)?;
        let named = |id: String| users.get(&id).cloned().unwrap_or(id);
        Ok(Self {
            version: row.version,
            state: row.state,
            fitted_at: time(row.fitted_at),
            fitted_by: Some(row.fitted_by).filter(|it| it != SCHEDULE).map(named),
            as_of: time(row.as_of),
            people: row.people,
            measures: content.definition.measures,
            is_proposed: content.is_proposed,
            weights: content.definition.weights,
            least_known: content.definition.least_known,
            cut: content.definition.cut,
            window_days: content.definition.window_days,
            reading: content.reading,
            held: serde_json::from_value(row.held).map_err(Problem::internal)?,
            against: content.against,
            decided_at: optional_time(row.decided_at),
            decided_by: row.decided_by.map(named),
            decided_why: row.decided_why,
        })
    }
}

/// What staff chose; what cannot be read any more is as usual.
pub(super) fn settings_of(row: &ModelRow) -> Settings {
    serde_json::from_value(row.settings.clone()).unwrap_or_default()
}

async fn shown(app: &App, caller: &Caller) -> Result<Json<LoyaltyIndexModel>, Problem> {
    let row = find(app, caller, LOYALTY_INDEX).await?;
    let users = user_names(app, caller.workspace).await?;
    let db = &mut app.installation.store.read();
    let [live, held] = live_and_held(db, caller, &row).await?;
    // What is due at once is due now.
    let due = |at: Timestamp| (!row.is_paused).then(|| time(at.max(app.now())));
    Ok(Json(LoyaltyIndexModel {
        settings: settings_of(&row),
        live: live.map(|it| LoyaltyIndexVersion::of(it, &users)).transpose()?,
        held: held.map(|it| LoyaltyIndexVersion::of(it, &users)).transpose()?,
        fit_at: due(row.fit_at),
        score_at: due(row.score_at),
        scored_at: optional_time(row.scored_at),
        scored_version: row.scored_version,
        is_paused: row.is_paused,
        verdict: row.verdict.map(serde_json::from_value).transpose().map_err(Problem::internal)?,
        fit: job(app, row.fit_job).await?,
        scoring: job(app, row.score_job).await?,
    }))
}

/// Shows what the loyalty index is made of, and how far a look at it is. A workspace in which nobody bought yet has none.
#[utoipa::path(get, path = "/api/v1/models/loyalty_index", security(("caller" = ["view_reports"])), tag = "models", operation_id = "loyalty_index_model", responses((status = 200, body = LoyaltyIndexModel), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn loyalty_index_model(State(app): State<App>, caller: Caller) -> Result<Json<LoyaltyIndexModel>, Problem> {
    caller.require(Permission::ViewReports)?;
    shown(&app, &caller).await
}

/// What staff choose.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoyaltyIndexBody {
    /// All of the settings; what is left out is as usual.
    #[schema(value_type = Settings)]
    settings: Value,
    /// Whether nothing is looked at, and nobody scored, by itself.
    is_paused: bool,
}

/// Changes what the loyalty index is made of; a new version comes about and scores within moments, unless that is paused.
#[utoipa::path(put, path = "/api/v1/models/loyalty_index", security(("caller" = ["edit_models"])), tag = "models", operation_id = "change_loyalty_index", request_body = LoyaltyIndexBody, responses((status = 200, body = LoyaltyIndexModel), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn change_loyalty_index(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<LoyaltyIndexBody>,
) -> Result<Json<LoyaltyIndexModel>, Problem> {
    caller.require(Permission::EditModels)?;
    find(&app, &caller, LOYALTY_INDEX).await?;
    let is_paused = body.is_paused;
    let body = (body.settings, is_paused);
    set(&app, &caller, LOYALTY_INDEX, body, serde_json::from_value::<Settings>, Settings::check).await?;
    if !is_paused {
        ask(&app, &caller).await?;
    }
    shown(&app, &caller).await
}

/// Asks for a look at the measures; where one is under way, it may have read what staff chose before, so that the next one is due at once.
async fn ask(app: &App, caller: &Caller) -> Result<(), Problem> {
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    modelling::found(&mut tx, caller.workspace).await.map_err(Problem::internal)?;
    let row = models::find(&mut tx, caller.workspace, LOYALTY_INDEX).await?;
    let row = row.ok_or_else(|| Problem::not_found("model"))?;
    let by = caller.id();
    let asked = modelling::ask_fit(&app.installation, &mut tx, caller.workspace, &row, by.as_str()).await;
    if asked.map_err(Problem::internal)?.is_none() {
        models::fitting(&mut tx, caller.workspace, LOYALTY_INDEX, None, Timestamp(0)).await?;
    }
    Ok(tx.commit().await?)
}

/// Looks now, in the background, whether the measures are still the right ones. Where they are, no new version comes about.
#[utoipa::path(post, path = "/api/v1/models/loyalty_index/fit", security(("caller" = ["edit_models"])), tag = "models", operation_id = "make_loyalty_index", responses((status = 200, body = LoyaltyIndexModel)))]
pub async fn make_loyalty_index(State(app): State<App>, caller: Caller) -> Result<Json<LoyaltyIndexModel>, Problem> {
    caller.require(Permission::EditModels)?;
    ask(&app, &caller).await?;
    shown(&app, &caller).await
}

/// Lists versions, the newest first.
#[utoipa::path(get, path = "/api/v1/models/loyalty_index/versions", security(("caller" = ["view_reports"])), tag = "models", operation_id = "loyalty_index_versions", responses((status = 200, body = Rows<LoyaltyIndexVersion>)))]
pub async fn loyalty_index_versions(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Rows<LoyaltyIndexVersion>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let users = user_names(&app, caller.workspace).await?;
    let db = &mut app.installation.store.read();
    let rows = versions::latest(db, caller.workspace, LOYALTY_INDEX, LISTED).await?;
    let rows: Result<Vec<_>, Problem> = rows.into_iter().map(|row| LoyaltyIndexVersion::of(row, &users)).collect();
    Ok(Json(Rows { rows: rows? }))
}

/// A version with its card.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoyaltyIndexVersionWithCard {
    version: LoyaltyIndexVersion,
    card: Card,
}

/// Shows a version with its card.
#[utoipa::path(get, path = "/api/v1/models/loyalty_index/versions/{version}", security(("caller" = ["view_reports"])), tag = "models", operation_id = "loyalty_index_version", params(("version" = String, Path)), responses((status = 200, body = LoyaltyIndexVersionWithCard), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn loyalty_index_version(
    State(app): State<App>,
    caller: Caller,
    Path(number): Path<String>,
) -> Result<Json<LoyaltyIndexVersionWithCard>, Problem> {
    caller.require(Permission::ViewReports)?;
    let users = user_names(&app, caller.workspace).await?;
    let row = version(&mut app.installation.store.read(), &caller, LOYALTY_INDEX, &number).await?;
    Ok(Json(LoyaltyIndexVersionWithCard { card: card_of(&row)?, version: LoyaltyIndexVersion::of(row, &users)? }))
}

/// The card of a version as a page of text (Markdown).
#[utoipa::path(get, path = "/api/v1/models/loyalty_index/versions/{version}/card", security(("caller" = ["view_reports"])), tag = "models", operation_id = "loyalty_index_card", params(("version" = String, Path)), responses((status = 200, body = String, content_type = "text/markdown"), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn loyalty_index_card(
    State(app): State<App>,
    caller: Caller,
    Path(number): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Permission::ViewReports)?;
    card_page(&app, &caller, LOYALTY_INDEX, &number).await
}

/// Lets a version be used from now on: one that was held, or an earlier one. The settings are its own from then on; who and why is kept.
#[utoipa::path(post, path = "/api/v1/models/loyalty_index/versions/{version}/use", security(("caller" = ["edit_models"])), tag = "models", operation_id = "use_loyalty_index_version", params(("version" = String, Path)), request_body = UseVersionBody, responses((status = 200, body = LoyaltyIndexVersion), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn use_loyalty_index_version(
    State(app): State<App>,
    caller: Caller,
    Path(number): Path<String>,
    Json(body): Json<UseVersionBody>,
) -> Result<Json<LoyaltyIndexVersion>, Problem> {
    caller.require(Permission::EditModels)?;
    let row = use_version(&app, &caller, (LOYALTY_INDEX, &number), &body).await?;
    let content: Content = serde_json::from_value(row.content.clone()).map_err(Problem::internal)?;
    let model = find(&app, &caller, LOYALTY_INDEX).await?;
    let settings = settings_of(&model).following(&content);
    let settings = serde_json::to_value(settings).map_err(Problem::internal)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    models::set(&mut tx, caller.workspace, LOYALTY_INDEX, settings, model.is_paused).await?;
    tx.commit().await?;
    let users = user_names(&app, caller.workspace).await?;
    LoyaltyIndexVersion::of(row, &users).map(Json)
}
