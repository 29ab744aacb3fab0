//! Models at work: which there are, their versions with cards, who decides what, and what they say of people.

mod churn;
mod grouped;
mod groups;
mod loyalty_effect;
mod loyalty_index;
mod people;
mod personas;
mod propensities;
mod recommendations;
mod shapes;
mod value;
mod versions;

use crate::http::route::routes;
use axum::extract::State;
use rapport_analytics::scores::records::models::{self, ModelRow};
use rapport_analytics::scores::{GROUPS, LOYALTY_INDEX, PROPENSITY, RECOMMENDATIONS};
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use crate::api::segments::user_names;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path};
use crate::http::paging::Rows;
use crate::modelling::{self, FOUNDED, Settings};
use crate::problem::Problem;
use shapes::ScoringModel;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_models))
        .routes(routes!(recommendations::recommendation_model, recommendations::change_recommendation_model))
        .routes(routes!(recommendations::learn_recommendations))
        .routes(routes!(recommendations::recommendation_versions))
        .routes(routes!(recommendations::recommendation_version))
        .routes(routes!(recommendations::recommendation_card))
        .routes(routes!(recommendations::use_recommendation_version))
        .routes(routes!(recommendations::try_recommendations))
        .routes(routes!(groups::group_model, groups::change_group_model))
        .routes(routes!(groups::learn_groups))
        .routes(routes!(groups::group_versions))
        .routes(routes!(groups::group_version))
        .routes(routes!(groups::group_card))
        .routes(routes!(groups::use_group_version))
        .routes(routes!(personas::group_overview))
        .routes(routes!(personas::group_people))
        .routes(routes!(personas::name_group, personas::unname_group))
        .routes(routes!(propensities::list_propensities, propensities::create_propensity))
        .routes(routes!(propensities::propensity, propensities::change_propensity, propensities::delete_propensity))
        .routes(routes!(propensities::propensity_overview))
        .routes(routes!(loyalty_index::loyalty_index_model, loyalty_index::change_loyalty_index))
        .routes(routes!(loyalty_index::make_loyalty_index))
        .routes(routes!(loyalty_index::loyalty_index_versions))
        .routes(routes!(loyalty_index::loyalty_index_version))
        .routes(routes!(loyalty_index::loyalty_index_card))
        .routes(routes!(loyalty_index::use_loyalty_index_version))
        .routes(routes!(loyalty_effect::loyalty_index_overview))
        .routes(routes!(loyalty_effect::loyalty_index_groups))
        .routes(routes!(loyalty_effect::loyalty_index_effect))
        .routes(routes!(model, change_model))
        .routes(routes!(fit_model))
        .routes(routes!(versions::model_versions))
        .routes(routes!(versions::model_version))
        .routes(routes!(versions::model_card))
        .routes(routes!(versions::use_model_version))
        .routes(routes!(value::value_overview))
        .routes(routes!(value::value_groups))
        .routes(routes!(churn::churn_overview))
        .routes(routes!(people::model_people))
        .routes(routes!(people::customer_scores))
}

/// The model of a path.
async fn find(app: &App, caller: &Caller, model: &str) -> Result<ModelRow, Problem> {
    let row = models::find(&mut app.installation.store.read(), caller.workspace, model).await?;
    row.ok_or_else(|| Problem::not_found("model"))
}

/// Lists the models that score people. A workspace in which nobody bought yet has none.
#[utoipa::path(get, path = "/api/v1/models", security(("caller" = ["view_reports"])), tag = "models", operation_id = "list_models", responses((status = 200, body = Rows<ScoringModel>)))]
pub async fn list_models(State(app): State<App>, caller: Caller) -> Result<Json<Rows<ScoringModel>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let users = user_names(&app, caller.workspace).await?;
    let mut rows = Vec::new();
    let all = models::all(&mut app.installation.store.read(), caller.workspace).await?;
    for row in all.into_iter().filter(|row| ![RECOMMENDATIONS, GROUPS, LOYALTY_INDEX].contains(&row.kind.as_str())) {
        rows.push(ScoringModel::of(&app, &caller, row, &users).await?);
    }
    Ok(Json(Rows { rows }))
}

/// Shows a model: which version scores, whether one is held, how far a fit is.
#[utoipa::path(get, path = "/api/v1/models/{model}", security(("caller" = ["view_reports"])), tag = "models", operation_id = "model", params(("model" = String, Path)), responses((status = 200, body = ScoringModel), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn model(
    State(app): State<App>,
    caller: Caller,
    Path(model): Path<String>,
) -> Result<Json<ScoringModel>, Problem> {
    caller.require(Permission::ViewReports)?;
    shown(&app, &caller, &model).await
}

async fn shown(app: &App, caller: &Caller, model: &str) -> Result<Json<ScoringModel>, Problem> {
    let row = find(app, caller, model).await?;
    let users = user_names(app, caller.workspace).await?;
    ScoringModel::of(app, caller, row, &users).await.map(Json)
}

/// What staff choose of a model.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScoringModelBody {
    /// All of the settings; what is left out is as usual.
    #[schema(value_type = Settings)]
    settings: Value,
    /// Whether nothing is fitted or scored by itself.
    is_paused: bool,
}

/// Keeps settings that somebody sent, once they are read and checked.
async fn set<S: Serialize>(
    app: &App,
    caller: &Caller,
    model: &str,
    (json, is_paused): (Value, bool),
    read: impl FnOnce(Value) -> serde_json::Result<S>,
    check: impl FnOnce(&S) -> Result<(), (&'static str, &'static str)>,
) -> Result<(), Problem> {
    if !json.is_object() {
        return Err(Problem::invalid("settings", "expected an object"));
    }
    let settings = read(json).map_err(|error| Problem::invalid("settings", error))?;
    check(&settings).map_err(|(field, expected)| Problem::invalid(&format!("settings.{field}"), expected))?;
    let settings = serde_json::to_value(settings).map_err(Problem::internal)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    models::set(&mut tx, caller.workspace, model, settings, is_paused).await?;
    Ok(tx.commit().await?)
}

/// Changes what staff choose of a model; people are scored anew at once. What lost means changes with the next fit.
#[utoipa::path(put, path = "/api/v1/models/{model}", security(("caller" = ["edit_models"])), tag = "models", operation_id = "change_model", params(("model" = String, Path)), request_body = ScoringModelBody, responses((status = 200, body = ScoringModel), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn change_model(
    State(app): State<App>,
    caller: Caller,
    Path(model): Path<String>,
    Json(body): Json<ScoringModelBody>,
) -> Result<Json<ScoringModel>, Problem> {
    caller.require(Permission::EditModels)?;
    let row = find(&app, &caller, &model).await?;
    if row.kind == PROPENSITY {
        propensities::change(&app, &caller, &model, body.settings, body.is_paused).await?;
        return shown(&app, &caller, &model).await;
    }
    let read = |json| Settings::read(&row.kind, json);
    set(&app, &caller, &row.model, (body.settings, body.is_paused), read, Settings::check).await?;
    shown(&app, &caller, &model).await
}

/// Fits a model now, in the background; one fit at a time. A workspace without the models of value and churn gets them.
#[utoipa::path(post, path = "/api/v1/models/{model}/fit", security(("caller" = ["edit_models"])), tag = "models", operation_id = "fit_model", params(("model" = String, Path)), responses((status = 200, body = ScoringModel), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn fit_model(
    State(app): State<App>,
    caller: Caller,
    Path(model): Path<String>,
) -> Result<Json<ScoringModel>, Problem> {
    caller.require(Permission::EditModels)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    if FOUNDED.contains(&model.as_str()) {
        modelling::found(&mut tx, caller.workspace).await.map_err(Problem::internal)?;
    }
    let row = models::find(&mut tx, caller.workspace, &model).await?.ok_or_else(|| Problem::not_found("model"))?;
    modelling::ask_fit(&app.installation, &mut tx, caller.workspace, &row, caller.id().as_str())
        .await
        .map_err(Problem::internal)?;
    tx.commit().await?;
    shown(&app, &caller, &model).await
}
