//! Sources, and what comes in from one right now.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::http::route::routes;
use axum::extract::State;
use axum::http::StatusCode;
use rapport_domain::{Event, Identifier, IdentifierKind, SourceId, WorkspaceId};
use rapport_profiles::classify;
use rapport_profiles::records::identifiers;
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::rejects::Reject;
use super::wire;
use crate::app::App;
use crate::auth::Caller;
use crate::http::extract::{Json, Path};
use crate::http::paging::Rows;
use crate::problem::{Problem, Result};
use crate::records::rejects;
use crate::records::sources::{self, SourceRow};

/// The newest positions of the log that are looked through for a source's live events.
const LOOK_BACK: u64 = 1_000;
/// Live events and rejects that are shown.
const SHOWN: usize = 50;

/// The routes of this module.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(live))
}

/// Where events come from.
#[derive(Debug, Serialize, ToSchema)]
pub struct Source {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// http, file or sample.
    pub kind: String,
    /// Events taken in so far.
    pub events: i64,
    /// Events rejected so far.
    pub rejects: i64,
    /// When the last event was received.
    #[schema(format = DateTime)]
    pub last_event_at: Option<String>,
    /// Since when there is the source.
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// A source to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSource {
    name: String,
    #[serde(default)]
    kind: SourceKind,
}

/// By which way events come.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// By HTTP, with a write key.
    #[default]
    Http,
    /// From files.
    File,
}

/// What came in last.
#[derive(Debug, Serialize, ToSchema)]
pub struct Live {
    /// The newest events, the last one first.
    pub events: Vec<LiveEvent>,
    /// The newest rejects, the last one first.
    pub rejects: Vec<Reject>,
}

/// An event as it came in.
#[derive(Debug, Serialize, ToSchema)]
pub struct LiveEvent {
    /// When.
    #[schema(format = DateTime)]
    pub received_at: String,
    /// Its standard name.
    pub name: String,
    /// identify, track, page, screen, group or alias.
    pub kind: String,
    /// Whose: the handle, or empty while the event is not applied yet.
    pub handle: String,
    /// Its properties without identifiers, contact data and free text.
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    pub properties: Map<String, Value>,
}

impl From<SourceRow> for Source {
    fn from(row: SourceRow) -> Self {
        Self {
            id: row.source.to_string(),
            name: row.name,
            kind: row.kind,
            events: row.events,
            rejects: row.rejects,
            last_event_at: wire::optional_time(row.last_event_at),
            created_at: wire::time(row.created_at),
        }
    }
}

/// All sources.
#[utoipa::path(get, path = "/api/v1/sources", tag = "data", security(("caller" = ["view_data"])),
    responses((status = 200, body = Rows<Source>)))]
async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Rows<Source>>> {
    let rows = sources::all(&mut app.installation.store.read(), caller.workspace).await?;
    Ok(Json(Rows { rows: rows.into_iter().map(Source::from).collect() }))
}

/// Make a source.
#[utoipa::path(post, path = "/api/v1/sources", tag = "data", security(("caller" = ["manage_sources"])),
    request_body = NewSource, responses((status = 201, body = Source)))]
async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(new): Json<NewSource>,
) -> Result<(StatusCode, Json<Source>)> {
    let name = wire::name("name", &new.name)?;
    let kind = match new.kind {
        SourceKind::Http => "http",
        SourceKind::File => "file",
    };
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let source = sources::create(&mut tx, caller.workspace, &name, kind, app.now()).await?;
    let row = sources::find(&mut tx, caller.workspace, source).await?.ok_or_else(|| Problem::not_found("source"))?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(row.into())))
}

/// The newest events and rejects of a source.
#[utoipa::path(get, path = "/api/v1/sources/{id}/live", tag = "data", security(("caller" = ["view_data"])),
    params(("id" = String, Path)), responses((status = 200, body = Live)))]
async fn live(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Json<Live>> {
    let source = find(&app, caller.workspace, &id).await?.source;
    let log = Arc::clone(&app.installation);
    let events = tokio::task::spawn_blocking(move || newest(&log.log, caller.workspace, source));
    let events = events.await.map_err(Problem::internal)??;
    let handles = handles(&app, caller.workspace, &events).await?;
    let db = &mut app.installation.store.read();
    let rejects = rejects::newest(db, caller.workspace, Some(source), None, u32::try_from(SHOWN).unwrap_or(50)).await?;
    let events = events.into_iter().map(|event| shown(event, &handles)).collect();
    Ok(Json(Live { events, rejects: rejects.into_iter().map(Reject::from).collect() }))
}

/// The source of this id in the workspace.
pub async fn find(app: &App, workspace: WorkspaceId, id: &str) -> Result<SourceRow> {
    let row = sources::find(&mut app.installation.store.read(), workspace, wire::source_id(id)?).await?;
    row.ok_or_else(|| Problem::not_found("source"))
}

/// The newest events of a source, the last one first.
fn newest(
    log: &rapport_intake::IntakeLog,
    workspace: WorkspaceId,
    source: SourceId,
) -> Result<Vec<Event>, rapport_intake::Error> {
    let head = log.head();
    let from = (head.saturating_sub(LOOK_BACK) + 1).max(log.first());
    if from > head {
        return Ok(Vec::new());
    }
    let mut events = Vec::new();
    let mut next = from;
    while next <= head {
        let read = log.read(next, usize::MAX, 4 << 20)?;
        next = read.next;
        events
            .extend(read.events.into_iter().map(|(_, e)| e).filter(|e| e.workspace == workspace && e.source == source));
    }
    events.reverse();
    events.truncate(SHOWN);
    Ok(events)
}

/// The handles of the events' primary identifiers.
async fn handles(app: &App, workspace: WorkspaceId, events: &[Event]) -> Result<HashMap<Identifier, String>> {
    let mut found = HashMap::new();
    for kind in [IdentifierKind::UserId, IdentifierKind::AnonymousId, IdentifierKind::Email] {
        let primary = events.iter().filter_map(|event| event.identifiers.first()).filter(|id| id.kind == kind);
        let values: Vec<String> = primary.map(|id| id.value.clone()).collect::<BTreeSet<_>>().into_iter().collect();
        if !values.is_empty() {
            let rows = identifiers::by_values(&mut app.installation.store.read(), workspace, kind, &values).await?;
            found.extend(rows.into_iter().map(|row| (row.identifier(), row.handle.to_string())));
        }
    }
    Ok(found)
}

fn shown(event: Event, handles: &HashMap<Identifier, String>) -> LiveEvent {
    let handle = event.identifiers.first().and_then(|id| handles.get(id)).cloned().unwrap_or_default();
    LiveEvent {
        received_at: wire::time(event.received_at),
        name: event.name,
        kind: event.kind.as_str().to_owned(),
        handle,
        properties: classify::split(&event.properties).0,
    }
}
