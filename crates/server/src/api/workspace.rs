//! The workspace: its name, and the calendar, currency and language in which it counts.

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::{Calendar, Currency, WeekStart};
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::wire;
use crate::app::App;
use crate::auth::Caller;
use crate::http::extract::Json;
use crate::problem::{Problem, Result};
use crate::records::workspaces::{self, WorkspaceRow};

/// The routes of this module.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(change))
}

/// A workspace.
#[derive(Debug, Serialize, ToSchema)]
pub struct Workspace {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// IANA time zone in which days begin.
    pub time_zone: String,
    /// monday, sunday or saturday.
    pub week_start: String,
    /// Three letters.
    pub currency: String,
    /// BCP 47 tag for numbers and dates.
    pub locale: String,
}

/// What may change; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkspaceChange {
    name: Option<String>,
    time_zone: Option<String>,
    week_start: Option<String>,
    currency: Option<String>,
    locale: Option<String>,
}

impl From<WorkspaceRow> for Workspace {
    fn from(row: WorkspaceRow) -> Self {
        Self {
            id: row.workspace.to_string(),
            name: row.name,
            time_zone: row.time_zone,
            week_start: row.week_start,
            currency: row.currency,
            locale: row.locale,
        }
    }
}

/// Change name, time zone, week start, currency or locale.
#[utoipa::path(patch, path = "/api/v1/workspace", tag = "workspace", security(("caller" = ["manage_workspace"])),
    request_body = WorkspaceChange, responses((status = 200, body = Workspace)))]
async fn change(
    State(app): State<App>,
    caller: Caller,
    Json(change): Json<WorkspaceChange>,
) -> Result<Json<Workspace>> {
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let row = workspaces::find(&mut tx, caller.workspace).await?;
    let mut row = row.ok_or_else(|| Problem::not_found("workspace"))?;
    apply(&mut row, change)?;
    workspaces::update(&mut tx, &row).await?;
    tx.commit().await?;
    Ok(Json(row.into()))
}

fn apply(row: &mut WorkspaceRow, change: WorkspaceChange) -> Result<()> {
    if let Some(name) = change.name {
        row.name = wire::name("name", &name)?;
    }
    if let Some(zone) = change.time_zone {
        if Calendar::new(&zone, WeekStart::default()).is_none() {
            return Err(Problem::invalid("time_zone", "is an IANA time zone such as Europe/Berlin"));
        }
        row.time_zone = zone;
    }
    if let Some(day) = change.week_start {
        if !matches!(day.as_str(), "monday" | "sunday" | "saturday") {
            return Err(Problem::invalid("week_start", "is monday, sunday or saturday"));
        }
        row.week_start = day;
    }
    if let Some(currency) = change.currency {
        let currency = Currency::parse(&currency);
        row.currency = currency.ok_or_else(|| Problem::invalid("currency", "has three letters, e.g. EUR"))?.to_string();
    }
    if let Some(locale) = change.locale {
        let plausible = (2..=35).contains(&locale.len())
            && locale
                .split('-')
                .all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()));
        if !plausible {
            return Err(Problem::invalid("locale", "is a language tag such as en or zh-CN"));
        }
        row.locale = locale;
    }
    Ok(())
}
