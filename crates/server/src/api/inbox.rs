//! `/api/v1/inbox`: what people find in their inbox on the company's own site now, and what became of it by template.

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::{PersonId, Timestamp};
use rapport_engagement::records::inbox::{self, FiguresRow, PutRow};
use rapport_profiles::records::persons;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::shapes::{display_name, time};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Query};
use crate::http::paging::{Page, PageQuery};
use crate::problem::Problem;
use crate::visitors::inbox::DAYS;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(figures))
}

/// What became of the messages of a template.
#[derive(Debug, Serialize, ToSchema)]
pub struct InboxFigures {
    template: String,
    /// How many people find there now.
    messages: i64,
    seen: i64,
    clicked: i64,
    last_at: String,
}

/// What became of the messages that are in inboxes now.
#[derive(Debug, Serialize, ToSchema)]
pub struct InboxTemplates {
    /// So many days a message stays in an inbox.
    days: i64,
    rows: Vec<InboxFigures>,
}

fn since(app: &App) -> Timestamp {
    app.now().plus(-DAYS * Timestamp::DAY)
}

/// Says by template how many messages are in inboxes now, and how many of them were seen and clicked.
#[utoipa::path(get, path = "/api/v1/inbox/figures", security(("caller" = ["view_reports"])), tag = "messages", operation_id = "inbox_figures", responses((status = 200, body = InboxTemplates)))]
pub async fn figures(State(app): State<App>, caller: Caller) -> Result<Json<InboxTemplates>, Problem> {
    caller.require(Permission::ViewReports)?;
    let rows = inbox::figures(&mut app.installation.store.read(), caller.workspace, since(&app)).await?;
    let shape = |row: FiguresRow| InboxFigures {
        template: row.template,
        messages: row.messages,
        seen: row.seen,
        clicked: row.clicked,
        last_at: time(row.last_at),
    };
    Ok(Json(InboxTemplates { days: DAYS, rows: rows.into_iter().map(shape).collect() }))
}

/// Which messages.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct InboxQuery {
    /// Those of this template.
    template: Option<String>,
}

/// A message in somebody's inbox.
#[derive(Debug, Serialize, ToSchema)]
pub struct InboxMessage {
    id: String,
    person_id: String,
    /// What to call them.
    name: String,
    template: String,
    journey: Option<String>,
    /// As it was written: title, body, url, image_url, label, language.
    #[schema(value_type = Object)]
    content: Value,
    at: String,
    seen_at: Option<String>,
    clicked_at: Option<String>,
}

/// Lists what people find in their inbox now, the latest first.
#[utoipa::path(get, path = "/api/v1/inbox", security(("caller" = ["view_people"])), tag = "messages", operation_id = "inbox", params(InboxQuery, PageQuery), responses((status = 200, body = Page<InboxMessage>)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<InboxQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<InboxMessage>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let limit = page.limit();
    let after: Option<(i64, String)> = page.position()?;
    // No message's name is as great as this.
    let (at, message) = after.unwrap_or((i64::MAX, "\u{7f}".to_owned()));
    let template = query.template.unwrap_or_default();
    let mut db = app.installation.store.read();
    let before = (Timestamp(at), message.as_str());
    let rows = inbox::latest(&mut db, caller.workspace, &template, since(&app), before, i64::from(limit) + 1).await?;
    let ids: Vec<PersonId> = rows.iter().map(|row| row.person).collect();
    let known = persons::by_ids(&mut db, caller.workspace, &ids).await?;
    let shape = |row: PutRow| InboxMessage {
        name: known.iter().find(|it| it.person == row.person).map(display_name).unwrap_or_default(),
        id: row.message,
        person_id: row.person.to_string(),
        template: row.template,
        journey: row.journey,
        content: row.content,
        at: time(row.put_at),
        seen_at: row.opened_at.map(time),
        clicked_at: row.clicked_at.map(time),
    };
    Ok(Json(Page::cut(rows, limit, |row| (row.put_at.0, row.message.clone())).map(shape)))
}
