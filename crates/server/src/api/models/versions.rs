//! Versions of a model: their cards, and the decision which one scores.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use rapport_analytics::scores::card::Card;
use rapport_analytics::scores::records::models::{self, ModelRow};
use rapport_analytics::scores::records::versions::{self, State as Stands, VersionRow};
use rapport_domain::plain;
use rapport_store::{Priority, Queries};
use serde::Deserialize;
use utoipa::ToSchema;

use super::find;
use super::shapes::{ModelVersion, ModelVersionWithCard};
use crate::api::segments::user_names;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path};
use crate::http::paging::Rows;
use crate::problem::Problem;

/// Versions that are listed.
pub(super) const LISTED: i64 = 100;
/// The longest reason.
const LONGEST: usize = 500;

/// Lists the versions of a model, the newest first, each with what then happened.
#[utoipa::path(get, path = "/api/v1/models/{model}/versions", security(("caller" = ["view_reports"])), tag = "models", operation_id = "model_versions", params(("model" = String, Path)), responses((status = 200, body = Rows<ModelVersion>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn model_versions(
    State(app): State<App>,
    caller: Caller,
    Path(model): Path<String>,
) -> Result<Json<Rows<ModelVersion>>, Problem> {
    caller.require(Permission::ViewReports)?;
    find(&app, &caller, &model).await?;
    let users = user_names(&app, caller.workspace).await?;
    let rows = versions::latest(&mut app.installation.store.read(), caller.workspace, &model, LISTED).await?;
    let rows: Result<Vec<ModelVersion>, Problem> = rows.into_iter().map(|row| ModelVersion::of(row, &users)).collect();
    Ok(Json(Rows { rows: rows? }))
}

/// A version of a path.
pub(super) async fn version(
    db: &mut impl Queries,
    caller: &Caller,
    model: &str,
    version: &str,
) -> Result<VersionRow, Problem> {
    let missing = || Problem::not_found("version");
    let number: i64 = version.parse().map_err(|_| missing())?;
    versions::find(db, caller.workspace, model, number).await?.ok_or_else(missing)
}

/// The version that speaks, and a newer one that is held.
pub(super) async fn live_and_held(
    db: &mut impl Queries,
    caller: &Caller,
    row: &ModelRow,
) -> Result<[Option<VersionRow>; 2], Problem> {
    let live = match row.version {
        Some(version) => versions::find(db, caller.workspace, &row.model, version).await?,
        None => None,
    };
    let newest = versions::latest(db, caller.workspace, &row.model, 1).await?.into_iter().next();
    Ok([live, newest.filter(|it| it.state == Stands::Held.as_str())])
}

/// Shows a version with its card.
#[utoipa::path(get, path = "/api/v1/models/{model}/versions/{version}", security(("caller" = ["view_reports"])), tag = "models", operation_id = "model_version", params(("model" = String, Path), ("version" = String, Path)), responses((status = 200, body = ModelVersionWithCard), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn model_version(
    State(app): State<App>,
    caller: Caller,
    Path((model, number)): Path<(String, String)>,
) -> Result<Json<ModelVersionWithCard>, Problem> {
    caller.require(Permission::ViewReports)?;
    let users = user_names(&app, caller.workspace).await?;
    let row = version(&mut app.installation.store.read(), &caller, &model, &number).await?;
    Ok(Json(ModelVersionWithCard { card: card_of(&row)?, version: ModelVersion::of(row, &users)? }))
}

/// The card of a version as a page of text (Markdown).
#[utoipa::path(get, path = "/api/v1/models/{model}/versions/{version}/card", security(("caller" = ["view_reports"])), tag = "models", operation_id = "model_card", params(("model" = String, Path), ("version" = String, Path)), responses((status = 200, body = String, content_type = "text/markdown"), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn model_card(
    State(app): State<App>,
    caller: Caller,
    Path((model, number)): Path<(String, String)>,
) -> Result<Response, Problem> {
    caller.require(Permission::ViewReports)?;
    card_page(&app, &caller, &model, &number).await
}

/// A version's card.
pub(super) fn card_of(row: &VersionRow) -> Result<Card, Problem> {
    serde_json::from_value(row.card.clone()).map_err(Problem::internal)
}

/// A version's card as a page.
pub(super) async fn card_page(app: &App, caller: &Caller, model: &str, number: &str) -> Result<Response, Problem> {
    let row = version(&mut app.installation.store.read(), caller, model, number).await?;
    let head = [(header::CONTENT_TYPE, "text/markdown; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    Ok((head, card_of(&row)?.markdown(row.version)).into_response())
}

/// Why a version is to score.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UseVersionBody {
    /// One sentence, kept with the version: 3 to 500 letters.
    pub(super) why: String,
}

/// Lets a version score from now on: one that was held, or an earlier one. Who and why is kept; people are scored anew at once.
#[utoipa::path(post, path = "/api/v1/models/{model}/versions/{version}/use", security(("caller" = ["edit_models"])), tag = "models", operation_id = "use_model_version", params(("model" = String, Path), ("version" = String, Path)), request_body = UseVersionBody, responses((status = 200, body = ModelVersion), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn use_model_version(
    State(app): State<App>,
    caller: Caller,
    Path((model, number)): Path<(String, String)>,
    Json(body): Json<UseVersionBody>,
) -> Result<Json<ModelVersion>, Problem> {
    caller.require(Permission::EditModels)?;
    let unsaid = Problem::invalid("why", "say in a sentence why this version is to score");
    let live = Problem::conflict(
        "model_version_live",
        format!("Version {number} scores already."),
        "Choose another version, or leave it as it is.",
    );
    let row = make_live(&app, &caller, (&model, &number), &body, [unsaid, live]).await?;
    let users = user_names(&app, caller.workspace).await?;
    ModelVersion::of(row, &users).map(Json)
}

/// Lets a version be used from now on, as somebody decides.
pub(super) async fn use_version(
    app: &App,
    caller: &Caller,
    (model, number): (&str, &str),
    body: &UseVersionBody,
) -> Result<VersionRow, Problem> {
    let unsaid = Problem::invalid("why", "say in a sentence why this version is to be used");
    let live = Problem::conflict(
        "model_version_live",
        format!("Version {number} is used already."),
        "Choose another version, or leave it as it is.",
    );
    make_live(app, caller, (model, number), body, [unsaid, live]).await
}

/// Lets a version speak from now on, as somebody decides; what is said where they do not say why, and where it does already.
async fn make_live(
    app: &App,
    caller: &Caller,
    (model, number): (&str, &str),
    body: &UseVersionBody,
    [unsaid, live]: [Problem; 2],
) -> Result<VersionRow, Problem> {
    let why = plain::one_line(&body.why, LONGEST);
    if why.chars().count() < 3 {
        return Err(unsaid);
    }
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let row = version(&mut tx, caller, model, number).await?;
    if row.state == Stands::Live.as_str() {
        return Err(live);
    }
    versions::retire(&mut tx, caller.workspace, model).await?;
    let decided = (caller.id().as_str(), why.as_str(), app.now());
    versions::make_live(&mut tx, caller.workspace, model, row.version, decided).await?;
    models::judged(&mut tx, caller.workspace, model, Some(row.version), None).await?;
    let row = version(&mut tx, caller, model, number).await?;
    tx.commit().await?;
    Ok(row)
}
