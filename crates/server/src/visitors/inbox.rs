//! The inbox of a person on the company's own site: messages of the channel `in_app`, as they were written.
//!
//! Always holds: a message is shown to its own person only; nothing is shown to somebody whose data is restricted.

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use rapport_domain::{Channel, Timestamp};
use rapport_engagement::records::inbox::{self, InboxRow};
use rapport_engagement::records::messages::{self, Heard};
use rapport_privacy::records::restrictions;
use serde_json::{Value, json};

use super::who::{self, Said};
use super::{answer, json};
use crate::api::shapes::time;
use crate::app::App;
use crate::problem::{Problem, Result};
use crate::sending::outcomes;

/// So far back.
pub const DAYS: i64 = 90;
/// So many at most.
const MOST: i64 = 50;

/// `GET /v1/inbox`: what the person finds, the newest first.
pub async fn show(State(app): State<App>, RawQuery(query): RawQuery, headers: HeaderMap) -> Result<Response> {
    let said = Said::of_query(query.as_deref().unwrap_or_default());
    let visitor = who::visitor(&app, &headers, &said).await?;
    let mut db = app.installation.store.read();
    let is_restricted = !restrictions::restricted(&mut db, visitor.workspace, &visitor.handles).await?.is_empty();
    let since = app.now().plus(-DAYS * Timestamp::DAY);
    let rows = if is_restricted {
        Vec::new()
    } else {
        inbox::of_person(&mut db, visitor.workspace, visitor.person, since, MOST).await?
    };
    let unseen = rows.iter().filter(|row| row.opened_at.is_none()).count();
    let shown: Vec<Value> = rows.into_iter().map(shape).collect();
    answer(&json!({"messages": shown, "unseen": unseen}))
}

fn shape(row: InboxRow) -> Value {
    let mut shown = row.content;
    shown["id"] = row.message.into();
    shown["at"] = time(row.put_at).into();
    shown["is_seen"] = row.opened_at.is_some().into();
    shown["is_clicked"] = row.clicked_at.is_some().into();
    shown
}

/// `POST /v1/inbox/{message}/seen` and `clicked`: what the person did with a message.
pub async fn note(
    State(app): State<App>,
    Path((message, act)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    let done: &[Heard] = match act.as_str() {
        "seen" => &[Heard::Opened],
        // Nobody clicks on what they do not see.
        "clicked" => &[Heard::Opened, Heard::Clicked],
        _ => return Err(Problem::not_found("act")),
    };
    let said: Said = json(&app, body).await?;
    let visitor = who::visitor(&app, &headers, &said).await?;
    let row = messages::find(&mut app.installation.store.read(), visitor.workspace, &message).await?;
    let is_own = row.is_some_and(|row| row.person == visitor.person && row.channel == Channel::InApp.as_str());
    if !is_own {
        return Err(Problem::not_found("message"));
    }
    for what in done {
        outcomes::hear(&app.installation, visitor.workspace, &message, *what, ("", ""))
            .await
            .map_err(Problem::internal)?;
    }
    answer(&json!({"success": true}))
}
