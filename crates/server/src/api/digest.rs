//! `/api/v1/feedback-digest`: what customers said in a week, as a mail to whom of the company's own people wants it.

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::Timestamp;
use rapport_feedback::Error;
use rapport_feedback::digest::Settings;
use rapport_feedback::digest::records::{self, Kept};
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::segments::user_names;
use super::shapes::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::digesting::letter;
use crate::http::extract::{Json, Query};
use crate::problem::Problem;
use crate::records::users;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show, save)).routes(routes!(preview))
}

/// Whether, when and to whom it is sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct DigestSettings {
    enabled: bool,
    /// 0 is Monday.
    weekday: u8,
    /// Of the workspace's clock.
    hour: u8,
    /// Ids of users.
    users: Vec<String>,
    /// When it goes out next; none while it is off.
    next_at: Option<String>,
    revision: i64,
    updated_at: Option<String>,
    updated_by: Option<String>,
}

/// How it is to be sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DigestBody {
    /// The revision that was looked at.
    revision: i64,
    enabled: bool,
    /// 0 is Monday; that unless said.
    #[serde(default)]
    weekday: u8,
    /// Of the workspace's clock; 8 unless said.
    #[serde(default = "eight")]
    hour: u8,
    /// Ids of users; without any, whoever switches it on.
    #[serde(default)]
    users: Vec<String>,
}

const fn eight() -> u8 {
    8
}

async fn shape(app: &App, caller: &Caller, kept: Kept) -> Result<DigestSettings, Problem> {
    let names = user_names(app, caller.workspace).await?;
    let plans = app.installation.plans.get(&app.installation, caller.workspace).await?;
    let week = app.now().plus(7 * Timestamp::DAY);
    let next = kept.settings.last_due(&plans.calendar, week).filter(|_| kept.settings.enabled);
    let Settings { enabled, weekday, hour, users } = kept.settings;
    Ok(DigestSettings {
        enabled,
        weekday,
        hour,
        users,
        next_at: next.map(time),
        revision: kept.revision,
        updated_by: kept.updated.as_ref().map(|it| names.get(&it.1).cloned().unwrap_or_else(|| it.1.clone())),
        updated_at: kept.updated.map(|it| time(it.0)),
    })
}

/// Says whether, when and to whom what customers said is sent.
#[utoipa::path(get, path = "/api/v1/feedback-digest", security(("caller" = ["view_reports"])), tag = "follow_ups", operation_id = "feedback_digest", responses((status = 200, body = DigestSettings)))]
pub async fn show(State(app): State<App>, caller: Caller) -> Result<Json<DigestSettings>, Problem> {
    caller.require(Permission::ViewReports)?;
    let kept = records::find(&mut app.installation.store.read(), caller.workspace).await?;
    Ok(Json(shape(&app, &caller, kept).await?))
}

/// Switches it on or off, and says when and to whom it goes. The first goes out at the next time that is due.
#[utoipa::path(put, path = "/api/v1/feedback-digest", security(("caller" = ["edit_questions"])), tag = "follow_ups", operation_id = "save_feedback_digest", request_body = DigestBody, responses((status = 200, body = DigestSettings), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn save(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<DigestBody>,
) -> Result<Json<DigestSettings>, Problem> {
    caller.require(Permission::EditQuestions)?;
    let DigestBody { revision, enabled, weekday, hour, mut users } = body;
    if enabled && users.is_empty() && caller.role().is_some() {
        users.push(caller.id().to_string());
    }
    users.dedup();
    let settings = Settings { enabled, weekday, hour, users };
    settings.check()?;
    let now = app.now();
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let known = users::all(&mut tx, caller.workspace).await?;
    if settings.users.iter().any(|id| known.iter().all(|it| it.id.to_string() != *id)) {
        return Err(Problem::invalid("users", "has somebody who is no user of this workspace"));
    }
    let old = records::find(&mut tx, caller.workspace).await?;
    let enabled_at = if enabled && !old.settings.enabled { now } else { old.enabled_at };
    let by = (now, caller.id().as_str());
    let is_seen = old.revision == revision;
    if !is_seen || !records::save(&mut tx, caller.workspace, (&settings, enabled_at), revision, by).await? {
        return Err(Error::Stale { key: "feedback-digest".to_owned(), found: old.revision }.into());
    }
    let kept = records::find(&mut tx, caller.workspace).await?;
    tx.commit().await?;
    Ok(Json(shape(&app, &caller, kept).await?))
}

/// Of which week.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct DigestQuery {
    /// When the week ends; otherwise now.
    to: Option<String>,
}

/// What would be sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct DigestPreview {
    subject: String,
    /// To be shown in a frame without rights.
    html: String,
    text: String,
}

/// Shows what would be sent of a week.
#[utoipa::path(get, path = "/api/v1/feedback-digest/preview", security(("caller" = ["view_people"])), tag = "follow_ups", operation_id = "preview_feedback_digest", params(DigestQuery), responses((status = 200, body = DigestPreview), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn preview(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<DigestQuery>,
) -> Result<Json<DigestPreview>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let to = match query.to.as_deref().filter(|it| !it.is_empty()) {
        Some(text) => {
            Timestamp::parse(text).ok_or_else(|| Problem::invalid("to", "is a time such as 2026-11-01T00:00:00Z"))?
        }
        // What was said this very moment is of it.
        None => app.now().plus(1),
    };
    let letter = letter::write(&app.sender, caller.workspace, to).await?;
    Ok(Json(DigestPreview { subject: letter.subject, html: letter.html.unwrap_or_default(), text: letter.text }))
}
