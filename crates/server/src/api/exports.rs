//! `/api/v1/segments/{key}/exports`: members of a segment as files, on schedule.

use crate::http::route::routes;
use axum::extract::State;
use axum::http::StatusCode;
use rapport_domain::Timestamp;
use rapport_segments::records::exports::{self, ExportRow, RunRow};
use rapport_segments::records::segments;
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::shapes::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::exporting;
use crate::http::extract::{Json, Path};
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show, save, delete)).routes(routes!(run))
}

/// A year.
const MOST_HOURS: i64 = 24 * 366;

/// When a file is written.
#[derive(Debug, Serialize, ToSchema)]
pub struct Schedule {
    /// `csv` or `parquet`.
    format: String,
    every_hours: i64,
    next_at: String,
}

/// A file that was written, or was not.
#[derive(Debug, Serialize, ToSchema)]
pub struct Run {
    at: String,
    /// Members in it.
    rows: i64,
    /// Its place below the data folder.
    file: Option<String>,
    /// Why there is none.
    error: Option<String>,
}

impl From<RunRow> for Run {
    fn from(row: RunRow) -> Self {
        Self { at: time(row.ran_at), rows: row.people, file: row.file, error: row.error }
    }
}

/// A segment's files.
#[derive(Debug, Serialize, ToSchema)]
pub struct Exports {
    schedule: Option<Schedule>,
    /// The latest first.
    runs: Vec<Run>,
}

/// When files are to be written.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ScheduleBody {
    /// `csv` or `parquet`.
    format: String,
    /// 1 to 8,784.
    every_hours: i64,
}

async fn number(app: &App, caller: &Caller, key: &str) -> Result<i64, Problem> {
    let row = segments::by_key(&mut app.installation.store.read(), caller.workspace, key).await?;
    Ok(row.ok_or_else(|| Problem::not_found("segment"))?.segment)
}

/// Shows when a segment's members are written into a file, and the latest files.
#[utoipa::path(get, path = "/api/v1/segments/{key}/exports", security(("caller" = ["view_reports"])), tag = "segments", operation_id = "segment_exports", params(("key" = String, Path)), responses((status = 200, body = Exports)))]
pub async fn show(State(app): State<App>, caller: Caller, Path(key): Path<String>) -> Result<Json<Exports>, Problem> {
    caller.require(Permission::ViewReports)?;
    let segment = number(&app, &caller, &key).await?;
    let mut db = app.installation.store.read();
    let schedule = exports::of_segment(&mut db, caller.workspace, segment).await?;
    let runs = exports::runs(&mut db, caller.workspace, segment).await?.into_iter().map(Into::into).collect();
    let schedule =
        schedule.map(|row| Schedule { format: row.format, every_hours: row.every_hours, next_at: time(row.next_at) });
    Ok(Json(Exports { schedule, runs }))
}

/// Has a segment's members written into a file every so many hours, from now on.
#[utoipa::path(put, path = "/api/v1/segments/{key}/exports", security(("caller" = ["edit_segments"])), tag = "segments", operation_id = "schedule_segment_export", params(("key" = String, Path)), request_body = ScheduleBody, responses((status = 200, body = Exports), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn save(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<ScheduleBody>,
) -> Result<Json<Exports>, Problem> {
    caller.require(Permission::EditSegments)?;
    if !["csv", "parquet"].contains(&body.format.as_str()) {
        return Err(Problem::invalid("format", "expected csv or parquet"));
    }
    if !(1..=MOST_HOURS).contains(&body.every_hours) {
        return Err(Problem::invalid("every_hours", format!("expected 1 to {MOST_HOURS}")));
    }
    let segment = number(&app, &caller, &key).await?;
    let next_at = app.installation.clock.now().plus(Timestamp::SECOND);
    let row = ExportRow { segment, format: body.format, every_hours: body.every_hours, next_at };
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    exports::save(&mut tx, caller.workspace, &row).await?;
    tx.commit().await?;
    show(State(app), caller, Path(key)).await
}

/// Ends a segment's schedule; its files stay.
#[utoipa::path(delete, path = "/api/v1/segments/{key}/exports", security(("caller" = ["edit_segments"])), tag = "segments", operation_id = "end_segment_export", params(("key" = String, Path)), responses((status = 204)))]
pub async fn delete(State(app): State<App>, caller: Caller, Path(key): Path<String>) -> Result<StatusCode, Problem> {
    caller.require(Permission::EditSegments)?;
    let segment = number(&app, &caller, &key).await?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    exports::delete(&mut tx, caller.workspace, segment).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Writes a segment's file now.
#[utoipa::path(post, path = "/api/v1/segments/{key}/exports/run", security(("caller" = ["edit_segments"])), tag = "segments", operation_id = "run_segment_export", params(("key" = String, Path)), responses((status = 200, body = Run)))]
pub async fn run(State(app): State<App>, caller: Caller, Path(key): Path<String>) -> Result<Json<Run>, Problem> {
    caller.require(Permission::EditSegments)?;
    let segment = number(&app, &caller, &key).await?;
    let run = exporting::write(&app.installation, caller.workspace, segment).await.map_err(Problem::internal)?;
    Ok(Json(run.into()))
}
