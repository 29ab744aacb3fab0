//! `/api/v1/questions`: asking, the people behind an answer, and saved questions.
//!
//! A question's and an answer's JSON is that of `rapport-analytics`; the guide "Ask" describes it.

use axum::extract::State;
use rapport_analytics::{Answer, Context, Part, Question};
use rapport_domain::{Calendar, Currency, Id, PersonId, WeekStart, WorkspaceId};
use rapport_profiles::records::persons::{Filter, SortBy};
use rapport_store::{Json as Stored, Priority};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::customers::page;
use super::shapes::{Customers, time};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path};
use crate::http::route::routes;
use crate::installation::Installation;
use crate::problem::Problem;
use crate::records::questions::{self, QuestionRow};
use crate::records::workspaces::{self, WorkspaceRow};
use utoipa_axum::router::OpenApiRouter;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(ask))
        .routes(routes!(people))
        .routes(routes!(list, create))
        .routes(routes!(show, update, delete))
}

/// How many people a part of an answer names at most.
const MOST_PEOPLE: usize = 100_000;

/// In which zone, currency and present a workspace's questions are asked.
pub async fn context(installation: &Installation, workspace: WorkspaceId) -> Result<Context, Problem> {
    let row = workspaces::find(&mut installation.store.read(), workspace)
        .await?
        .ok_or_else(|| Problem::not_found("workspace"))?;
    let calendar = calendar_of(&row).ok_or_else(|| Problem::internal("unknown time zone"))?;
    let currency = Currency::parse(&row.currency).ok_or_else(|| Problem::internal("unknown currency"))?;
    let now = installation.clock.now();
    let times = installation.lake.snapshot(workspace).await.map_err(Problem::internal)?.times();
    Ok(Context { calendar, currency, now, data_until: times.map_or(now, |(_, last)| last) })
}

/// The calendar of a workspace; `None` for a zone that is not known.
pub fn calendar_of(row: &WorkspaceRow) -> Option<Calendar> {
    let week_start = match row.week_start.as_str() {
        "sunday" => WeekStart::Sunday,
        "saturday" => WeekStart::Saturday,
        _ => WeekStart::Monday,
    };
    Calendar::new(&row.time_zone, week_start)
}

/// Answers a question.
#[utoipa::path(post, path = "/api/v1/questions/ask", security(("caller" = ["view_reports"])), tag = "questions", request_body = Question,
    responses((status = 200, body = Answer), (status = 400, body = crate::problem::ProblemBody)))]
pub async fn ask(State(app): State<App>, caller: Caller, Json(question): Json<Value>) -> Result<Json<Answer>, Problem> {
    caller.require(Permission::ViewReports)?;
    let question = Question::from_json(question)?;
    let context = context(&app.installation, caller.workspace).await?;
    Ok(Json(app.installation.analytics.ask(caller.workspace, &question, &context).await?))
}

/// Which part of which answer.
#[derive(Debug, Deserialize, ToSchema)]
pub struct PeopleBody {
    /// The question.
    #[schema(value_type = Question)]
    question: Value,
    /// The part, e.g. `{"step": 2, "stage": "dropped"}`.
    #[schema(value_type = Object)]
    part: Value,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Lists the people behind a part of an answer.
#[utoipa::path(post, path = "/api/v1/questions/people", security(("caller" = ["view_people"])), tag = "questions", request_body = PeopleBody, responses((status = 200, body = Customers)))]
pub async fn people(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<PeopleBody>,
) -> Result<Json<Customers>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let question = Question::from_json(body.question)?;
    let part = Part::from_json(&question, body.part)?;
    let context = context(&app.installation, caller.workspace).await?;
    let analytics = &app.installation.analytics;
    let people: Vec<PersonId> = analytics.people(caller.workspace, &question, &part, &context, MOST_PEOPLE).await?;
    let offset = body.cursor.as_deref().and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
    let filter = Filter { persons: Some(people), sort: SortBy::Spent, offset, limit: 50, ..Filter::default() };
    page(&app, caller.workspace, filter).await.map(Json)
}

/// A saved question.
#[derive(Debug, Serialize, ToSchema)]
pub struct SavedQuestion {
    id: String,
    name: String,
    #[schema(value_type = Question)]
    question: Value,
    created_by: String,
    updated_at: String,
}

impl From<QuestionRow> for SavedQuestion {
    fn from(row: QuestionRow) -> Self {
        Self {
            id: row.id.to_string(),
            name: row.name,
            question: row.question.0,
            created_by: row.created_by,
            updated_at: time(row.updated_at),
        }
    }
}

/// All saved questions.
#[derive(Debug, Serialize, ToSchema)]
pub struct SavedQuestions {
    rows: Vec<SavedQuestion>,
}

/// A question to save.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SaveBody {
    name: String,
    #[schema(value_type = Question)]
    question: Value,
}

/// Lists saved questions, the latest first.
#[utoipa::path(get, path = "/api/v1/questions", security(("caller" = ["view_reports"])), tag = "questions", responses((status = 200, body = SavedQuestions)))]
pub async fn list(State(app): State<App>, caller: Caller) -> Result<Json<SavedQuestions>, Problem> {
    caller.require(Permission::ViewReports)?;
    let rows = questions::all(&mut app.installation.store.read(), caller.workspace).await?;
    Ok(Json(SavedQuestions { rows: rows.into_iter().map(Into::into).collect() }))
}

/// Saves a question.
#[utoipa::path(post, path = "/api/v1/questions", security(("caller" = ["edit_questions"])), tag = "questions", request_body = SaveBody, responses((status = 200, body = SavedQuestion)))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<SaveBody>,
) -> Result<Json<SavedQuestion>, Problem> {
    caller.require(Permission::EditQuestions)?;
    let id = Id::new("qst", &*app.installation.clock, &*app.installation.rng);
    save(&app, &caller, id, body).await
}

/// Shows a saved question.
#[utoipa::path(get, path = "/api/v1/questions/{id}", security(("caller" = ["view_reports"])), tag = "questions", params(("id" = String, Path)), responses((status = 200, body = SavedQuestion)))]
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<SavedQuestion>, Problem> {
    caller.require(Permission::ViewReports)?;
    let row = questions::find(&mut app.installation.store.read(), caller.workspace, &Id(id)).await?;
    row.map(|row| Json(row.into())).ok_or_else(|| Problem::not_found("question"))
}

/// Changes a saved question.
#[utoipa::path(put, path = "/api/v1/questions/{id}", security(("caller" = ["edit_questions"])), tag = "questions", params(("id" = String, Path)), request_body = SaveBody, responses((status = 200, body = SavedQuestion)))]
pub async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json<SaveBody>,
) -> Result<Json<SavedQuestion>, Problem> {
    caller.require(Permission::EditQuestions)?;
    let id = Id(id);
    let known = questions::find(&mut app.installation.store.read(), caller.workspace, &id).await?;
    known.ok_or_else(|| Problem::not_found("question"))?;
    save(&app, &caller, id, body).await
}

async fn save(app: &App, caller: &Caller, id: Id, body: SaveBody) -> Result<Json<SavedQuestion>, Problem> {
    let name = body.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > 200 {
        return Err(Problem::invalid("name", "a name has 1 to 200 characters"));
    }
    let question = Question::from_json(body.question)?;
    let row = QuestionRow {
        id,
        name,
        question: Stored(serde_json::to_value(question).map_err(Problem::internal)?),
        created_by: caller.id().to_string(),
        updated_at: app.installation.clock.now(),
    };
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    questions::save(&mut tx, caller.workspace, &row).await?;
    tx.commit().await?;
    Ok(Json(row.into()))
}

/// Deletes a saved question.
#[utoipa::path(delete, path = "/api/v1/questions/{id}", security(("caller" = ["edit_questions"])), tag = "questions", params(("id" = String, Path)), responses((status = 204)))]
pub async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::http::StatusCode, Problem> {
    caller.require(Permission::EditQuestions)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let gone = questions::delete(&mut tx, caller.workspace, &Id(id)).await?;
    tx.commit().await?;
    if gone { Ok(axum::http::StatusCode::NO_CONTENT) } else { Err(Problem::not_found("question")) }
}
