//! How a workspace sorts its complaints, when somebody is there to answer, and the page on which people complain.

use crate::http::route::routes;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use rapport_feedback::complaints::records;
use rapport_feedback::complaints::settings::Settings;
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::complaining;
use crate::http::extract::Json;
use crate::problem::Problem;
use crate::public_pages::complaint;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(complaint_settings, save_complaint_settings))
}

/// The settings of complaints.
#[derive(Debug, Serialize, ToSchema)]
pub struct ComplaintSettings {
    /// `categories`, `root_causes`, `touchpoints` (lists of `{key, name: {en, zh}, is_retired}`), `hours` (`zone`, `week` from Monday on as lists of
    /// `09:00-17:00`, `holidays` of `{day, name, open, is_off}`), `targets` (`first_answer_minutes` and `resolution_minutes` of business time, from the lowest
    /// severity to the highest), `page` (`is_open`, `text` by language).
    #[schema(value_type = Object)]
    settings: Value,
    /// The revision that they are at; 0 while none were saved.
    revision: i64,
    /// Where people complain.
    page_url: String,
}

async fn shape(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    settings: &Settings,
    revision: i64,
) -> Result<Json<ComplaintSettings>, Problem> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let link = complaint::link(&app.installation, caller.workspace).await?;
    Ok(Json(ComplaintSettings {
        settings: serde_json::to_value(settings).map_err(Problem::internal)?,
        revision,
        page_url: format!("{}{}", app.public_url(host), complaint::path(&link)),
    }))
}

/// Shows how complaints are sorted.
#[utoipa::path(get, path = "/api/v1/complaint-settings", security(("caller" = ["view_reports"])), tag = "feedback", operation_id = "complaint_settings", responses((status = 200, body = ComplaintSettings)))]
pub async fn complaint_settings(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Json<ComplaintSettings>, Problem> {
    caller.require(Permission::ViewReports)?;
    let (found, revision) = complaining::settings(&mut app.installation.store.read(), caller.workspace).await?;
    shape(&app, &caller, &headers, &found, revision).await
}

/// Changed settings.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ComplaintSettingsBody {
    /// All of them; what is left out is as usual.
    #[schema(value_type = Object)]
    settings: Value,
    /// The revision that was looked at.
    revision: i64,
}

/// Saves how complaints are sorted.
#[utoipa::path(put, path = "/api/v1/complaint-settings", security(("caller" = ["edit_questions"])), tag = "feedback", operation_id = "save_complaint_settings", request_body = ComplaintSettingsBody,
    responses((status = 200, body = ComplaintSettings), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn save_complaint_settings(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(body): Json<ComplaintSettingsBody>,
) -> Result<Json<ComplaintSettings>, Problem> {
    caller.require(Permission::EditQuestions)?;
    let changed: Settings = serde_path_to_error::deserialize(body.settings).map_err(|error| {
        let place = error.path().to_string();
        Problem::invalid(&format!("settings.{place}"), error.into_inner())
    })?;
    changed.check().map_err(|(field, why)| Problem::invalid(&format!("settings.{field}"), why))?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let saved = (&changed, body.revision);
    if !records::save_settings(&mut tx, caller.workspace, saved, (caller.id().as_str(), app.now())).await? {
        return Err(Problem::conflict(
            "stale",
            "These settings were saved by somebody else meanwhile.",
            "Read it again, then save again.",
        ));
    }
    tx.commit().await?;
    shape(&app, &caller, &headers, &changed, body.revision + 1).await
}
