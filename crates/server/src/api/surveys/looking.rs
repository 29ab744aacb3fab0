//! Looking at what a survey asks: as whoever answers would see it, saved or not, and as it was in an earlier version.

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::language::Language;
use rapport_feedback::records::surveys;
use rapport_feedback::survey::{self, Answers, Refusal};
use rapport_feedback::{Definition, Error};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::find;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path};
use crate::problem::Problem;
use crate::public_pages::survey::preview::{Look, draw};
use crate::records::workspaces;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(preview)).routes(routes!(version))
}

/// A definition to look at as whoever answers would see it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SurveyPreviewBody {
    /// What it would ask.
    #[schema(value_type = Object)]
    definition: Value,
    /// Which page, from 0; past the last one is the end.
    #[serde(default)]
    page: usize,
    /// In which language; its own otherwise.
    #[serde(default)]
    language: Option<String>,
    /// What somebody has answered so far, by question, in the forms that answers have everywhere.
    #[serde(default)]
    #[schema(value_type = Object)]
    answers: Map<String, Value>,
}

/// A page as whoever answers would see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SurveyPreview {
    /// The page itself.
    html: String,
    /// Its style sheets, which the page names by their addresses.
    style: String,
    /// Whether somebody with these answers comes to this page.
    is_reached: bool,
    /// The page that comes after it; null when the end does.
    next: Option<usize>,
}

/// A version of what a survey asks.
#[derive(Debug, Serialize, ToSchema)]
pub struct SurveyVersionDetail {
    version: i64,
    /// What it asked.
    #[schema(value_type = Object)]
    definition: Value,
}

/// Draws a page of a survey as whoever answers would see it, saved or not. Nothing is kept; of the person nothing is known, so that fallbacks are shown.
#[utoipa::path(post, path = "/api/v1/survey-preview", security(("caller" = ["view_reports"])), tag = "surveys", operation_id = "preview_survey", request_body = SurveyPreviewBody,
    responses((status = 200, body = SurveyPreview), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn preview(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<SurveyPreviewBody>,
) -> Result<Json<SurveyPreview>, Problem> {
    caller.require(Permission::ViewReports)?;
    let definition = Definition::from_json(&body.definition)?;
    let language = match body.language.as_deref().map(Language::parse) {
        Some(None) => return Err(Problem::invalid("language", "is a BCP 47 tag, e.g. en or zh-Hans")),
        Some(Some(language)) => language,
        None => definition.default_language.clone(),
    };
    let (mut answers, mut refusals) = (Answers::new(), Vec::<Refusal>::new());
    // An answer to a question that is being taken away is none.
    for (question, value) in &body.answers {
        let Some(question) = definition.question(question) else { continue };
        match survey::read(question, value) {
            Ok(read) => drop(answers.insert(question.key.clone(), read)),
            Err(refusal) => refusals.push(refusal),
        }
    }
    if !refusals.is_empty() {
        return Err(Error::Refused(refusals).into());
    }
    let company = workspaces::find(&mut app.installation.store.read(), caller.workspace).await?;
    let company = company.map(|row| row.name).unwrap_or_default();
    let seen = draw(caller.workspace, company, definition, Look { page: body.page, language, answers })?;
    Ok(Json(SurveyPreview { html: seen.html, style: seen.style, is_reached: seen.is_reached, next: seen.next }))
}

/// Shows what an earlier version of a survey asked.
#[utoipa::path(get, path = "/api/v1/surveys/{key}/versions/{version}", security(("caller" = ["view_reports"])), tag = "surveys", operation_id = "survey_version", params(("key" = String, Path), ("version" = i64, Path)),
    responses((status = 200, body = SurveyVersionDetail), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn version(
    State(app): State<App>,
    caller: Caller,
    Path((key, version)): Path<(String, i64)>,
) -> Result<Json<SurveyVersionDetail>, Problem> {
    caller.require(Permission::ViewReports)?;
    let row = find(&app, caller.workspace, &key).await?;
    let found = surveys::version(&mut app.installation.store.read(), caller.workspace, row.survey, version).await?;
    let definition = found.ok_or_else(|| Problem::not_found("version"))?;
    let definition = serde_json::to_value(&definition).map_err(Problem::internal)?;
    Ok(Json(SurveyVersionDetail { version, definition }))
}
