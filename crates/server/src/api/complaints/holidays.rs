//! `POST /api/v1/complaint-settings/holidays`: days on which nobody works, out of a calendar file.
//!
//! Always holds: a day that is in the settings stays as it is there; without a revision nothing is saved; what of the file is not read is named.

use std::collections::BTreeSet;

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::business_hours::Holiday;
use rapport_domain::holidays::Date;
use rapport_domain::{Calendar, WeekStart, holidays};
use rapport_feedback::complaints::records;
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::complaining;
use crate::http::extract::Json;
use crate::problem::Problem;

/// Unless said, days from this year on are read, for so many years.
const YEARS: i16 = 4;
/// What is not read is named so often.
const NAMED: usize = 50;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(read_holidays))
}

/// A calendar file.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HolidayFile {
    /// The file's text (iCalendar, `.ics`).
    text: String,
    /// From this day on (`2026-01-01`); otherwise from the first of this year.
    #[serde(default)]
    from: Option<String>,
    /// Until this day; otherwise to the end of the third year after this one.
    #[serde(default)]
    to: Option<String>,
    /// The revision of the settings that was looked at: the days are saved. Otherwise they are only looked at.
    #[serde(default)]
    revision: Option<i64>,
}

/// A day on which nobody works.
#[derive(Debug, Serialize, ToSchema)]
pub struct HolidayShape {
    /// `2026-12-25`.
    day: String,
    name: String,
    /// Whether the settings do not have it yet.
    is_new: bool,
}

/// Something of the file that is not read.
#[derive(Debug, Serialize, ToSchema)]
pub struct SkippedShape {
    /// On which line it begins.
    line: usize,
    name: String,
    why: String,
}

/// What was read.
#[derive(Debug, Serialize, ToSchema)]
pub struct HolidayAnswer {
    /// The days of the file, in order.
    rows: Vec<HolidayShape>,
    /// What is not read; at most the first 50.
    skipped: Vec<SkippedShape>,
    /// The revision of the settings that has them; null where nothing was saved.
    revision: Option<i64>,
}

/// Reads days on which nobody works out of a calendar file, and adds them to the working hours: whole days, once or each year.
#[utoipa::path(post, path = "/api/v1/complaint-settings/holidays", security(("caller" = ["edit_questions"])), tag = "feedback", operation_id = "read_holidays", request_body = HolidayFile,
    responses((status = 200, body = HolidayAnswer), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn read_holidays(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<HolidayFile>,
) -> Result<Json<HolidayAnswer>, Problem> {
    caller.require(Permission::EditQuestions)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let (mut settings, revision) = complaining::settings(&mut tx, caller.workspace).await?;
    let calendar = Calendar::new(&settings.hours.zone, WeekStart::Monday).unwrap_or_default();
    let year = calendar.date(app.now()).year();
    let day = |field, given: &Option<String>, or: String| {
        let text = given.clone().unwrap_or(or);
        text.parse::<Date>().map_err(|_| Problem::invalid(field, "is a day such as 2026-12-25"))
    };
    let from = day("from", &body.from, format!("{year}-01-01"))?;
    let to = day("to", &body.to, format!("{}-12-31", year + YEARS - 1))?;
    let text = body.text;
    let reading = tokio::task::spawn_blocking(move || holidays::read(&text, (from, to)));
    let found = reading.await.map_err(Problem::internal)?.map_err(|why| Problem::invalid("text", why))?;

    let known: BTreeSet<String> = settings.hours.holidays.iter().map(|it| it.day.clone()).collect();
    let row = |(day, name): (&Date, &String)| {
        let day = day.to_string();
        HolidayShape { is_new: !known.contains(&day), day, name: name.clone() }
    };
    let rows: Vec<HolidayShape> = found.days.iter().map(row).collect();
    let new = rows.iter().filter(|row| row.is_new).map(|row| Holiday {
        day: row.day.clone(),
        name: row.name.clone(),
        open: Vec::new(),
        is_off: false,
    });
    settings.hours.holidays.extend(new);
    settings.hours.holidays.sort_by(|a, b| a.day.cmp(&b.day));
    settings.check().map_err(|(field, why)| Problem::invalid(&format!("settings.{field}"), why))?;
    if let Some(seen) = body.revision {
        let by = (caller.id().as_str(), app.now());
        if seen != revision || !records::save_settings(&mut tx, caller.workspace, (&settings, seen), by).await? {
            return Err(Problem::conflict(
                "stale",
                "These settings were saved by somebody else meanwhile.",
                "Read it again, then save again.",
            ));
        }
        tx.commit().await?;
    }
    let skipped = found.skipped.into_iter().take(NAMED);
    let skipped = skipped.map(|(line, name, why)| SkippedShape { line, name, why: why.to_owned() });
    Ok(Json(HolidayAnswer { rows, skipped: skipped.collect(), revision: body.revision.map(|seen| seen + 1) }))
}
