//! `/api/v1/journeys/calendar`: what goes out to many, when: runs that were and that are planned, and the schedules that plan more.
//!
//! Always holds: a fixed number of questions to the store, however many campaigns there are.

use std::collections::BTreeMap;

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::Timestamp;
use rapport_engagement::records::journeys::{self, JourneyRow};
use rapport_engagement::records::runs::{self, RunRow};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Query};
use crate::http::paging::Rows;
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(calendar))
}

/// Most days that are asked for at once.
const MOST_DAYS: i64 = 400;

/// From when until when.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CalendarQuery {
    /// From this instant on: 2026-11-01T00:00:00Z.
    from: String,
    /// Before this one, at most 400 days later.
    until: String,
}

/// A run on the calendar.
#[derive(Debug, Serialize, ToSchema)]
pub struct CalendarRun {
    /// `planned`, `running`, `paused`, `done` or `cancelled`.
    state: String,
    planned_at: String,
    /// How many came in.
    entered: i64,
    finished_at: Option<String>,
}

/// A journey or campaign on the calendar.
#[derive(Debug, Serialize, ToSchema)]
pub struct CalendarJourney {
    key: String,
    /// `journey` or `campaign`.
    kind: String,
    name: String,
    state: String,
    /// When it goes out, by the workspace's clock: of what people come into, else of the draft; none when it has no schedule.
    #[schema(value_type = Option<Object>)]
    schedule: Option<Value>,
    /// Those in the time asked for, in order.
    runs: Vec<CalendarRun>,
}

/// Lists what has a schedule, or ran in that time.
#[utoipa::path(get, path = "/api/v1/journeys/calendar", security(("caller" = ["view_reports"])), tag = "journeys", operation_id = "calendar", params(CalendarQuery), responses((status = 200, body = Rows<CalendarJourney>), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn calendar(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<CalendarQuery>,
) -> Result<Json<Rows<CalendarJourney>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let instant = |name: &str, text: &str| {
        Timestamp::parse(text).ok_or_else(|| Problem::invalid(name, "is a time such as 2026-11-01T00:00:00Z"))
    };
    let (from, until) = (instant("from", &query.from)?, instant("until", &query.until)?);
    if until < from || until.0 - from.0 > MOST_DAYS * Timestamp::DAY {
        return Err(Problem::invalid("until", format!("lies 0 to {MOST_DAYS} days after `from`")));
    }
    let mut db = app.installation.store.read();
    let mut live: BTreeMap<String, Value> =
        journeys::live(&mut db, caller.workspace).await?.into_iter().map(|row| (row.journey, row.definition)).collect();
    let mut ran: BTreeMap<String, Vec<CalendarRun>> = BTreeMap::new();
    for row in runs::between(&mut db, caller.workspace, (from, until)).await? {
        ran.entry(row.journey.clone()).or_default().push(run(row));
    }
    let shape = |row: JourneyRow| {
        let plan = live.remove(&row.key).unwrap_or(row.draft);
        let schedule = plan.pointer("/entry/schedule").cloned();
        let runs = ran.remove(&row.key).unwrap_or_default();
        let shows = schedule.is_some() || !runs.is_empty();
        shows.then_some(CalendarJourney {
            key: row.key,
            kind: row.kind,
            name: row.name,
            state: row.state,
            schedule,
            runs,
        })
    };
    let rows = journeys::all(&mut db, caller.workspace).await?;
    Ok(Json(Rows { rows: rows.into_iter().filter_map(shape).collect() }))
}

fn run(row: RunRow) -> CalendarRun {
    CalendarRun {
        state: row.state,
        planned_at: time(row.planned_at),
        entered: row.entered,
        finished_at: row.finished_at.map(time),
    }
}
