//! `/api/v1/audit`: who did what, when, what for, and whether they got it; as a list and as a file.
//!
//! Always holds: only owners and admins see it; it names staff, keys and addresses of the API, and nothing of a customer but their number.

use std::collections::BTreeMap;

use crate::http::route::routes;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use rapport_domain::{Timestamp, WorkspaceId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::wire::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::exporting::plain;
use crate::http::extract::{Json, Query};
use crate::http::paging::{Page, PageQuery};
use crate::problem::{Problem, Result};
use crate::records::audit::{self, After, AuditRow, Filter, Kind};
use crate::records::{api_keys, users};

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(list_as_csv)).routes(routes!(list_actors))
}

/// Most entries of a file.
const MOST: u32 = 100_000;

/// Which entries.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct AuditQuery {
    /// The id of a user or key.
    actor: Option<String>,
    /// `changes`, `reads`, `sign_ins`, `exports` or `rights` (access, erasure, restriction of customers, also by themselves); all of them without it.
    kind: Option<String>,
    /// A part of the address, e.g. `segments` or `customers/7100000000`.
    object: Option<String>,
    /// From this day on (UTC): 2026-11-21.
    from: Option<String>,
    /// To this day, included.
    to: Option<String>,
}

impl AuditQuery {
    fn filter(self) -> Result<Filter> {
        let day = |name: &str, text: Option<String>| match text.filter(|text| !text.is_empty()) {
            None => Ok(None),
            Some(text) => {
                let day = Some(&text).filter(|text| text.len() == 10).and_then(|text| Timestamp::parse(text));
                day.map(Some).ok_or_else(|| Problem::invalid(name, "is a day such as 2026-11-21"))
            }
        };
        let kind =
            match self.kind.as_deref() {
                None | Some("") => None,
                Some(word) => Some(Kind::parse(word).ok_or_else(|| {
                    Problem::invalid("kind", "is `changes`, `reads`, `sign_ins`, `exports` or `rights`")
                })?),
            };
        Ok(Filter {
            actor: self.actor.unwrap_or_default(),
            kind,
            object: self.object.unwrap_or_default(),
            from: day("from", self.from)?,
            until: day("to", self.to)?.map(|day| day.plus(Timestamp::DAY)),
        })
    }
}

/// Something that somebody did.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEntry {
    id: String,
    at: String,
    /// The id of a user or key.
    actor_id: String,
    /// What people call them; the id of who is not there any more.
    actor: String,
    /// `user`, `key`, or `gone`.
    actor_kind: String,
    /// What the data was used for.
    purpose: String,
    /// `GET` looks, the others change.
    method: String,
    /// What it was about.
    path: String,
    /// HTTP status of the answer: 400 and more was refused or failed.
    status: u16,
}

type Names = BTreeMap<String, (&'static str, String)>;

async fn names(app: &App, workspace: WorkspaceId) -> Result<Names> {
    let mut db = app.installation.store.read();
    let users = users::all(&mut db, workspace).await?.into_iter().map(|row| (row.id.0, ("user", row.name)));
    let mut names: Names = users.collect();
    let keys = api_keys::all(&mut db, workspace).await?;
    names.extend(keys.into_iter().map(|row| (row.id.0, ("key", row.name))));
    Ok(names)
}

fn shape(row: AuditRow, names: &Names) -> AuditEntry {
    let (kind, name) = names.get(&row.actor).cloned().unwrap_or_else(|| ("gone", row.actor.clone()));
    let (method, path) = row.action.split_once(' ').unwrap_or(("", &row.action));
    AuditEntry {
        id: row.id.0,
        at: time(row.at),
        actor_id: row.actor,
        actor: name,
        actor_kind: kind.to_owned(),
        purpose: row.purpose,
        method: method.to_owned(),
        path: path.to_owned(),
        status: row.status,
    }
}

/// Lists what was done, the latest first. What was done in the last second may be missing.
#[utoipa::path(get, path = "/api/v1/audit", security(("caller" = ["view_audit"])), tag = "privacy", operation_id = "audit", params(AuditQuery, PageQuery), responses((status = 200, body = Page<AuditEntry>), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<AuditQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<AuditEntry>>> {
    caller.require(Permission::ViewAudit)?;
    let filter = query.filter()?;
    let after: Option<After> = page.position()?;
    let limit = page.limit();
    let rows =
        audit::page(&mut app.installation.store.read(), caller.workspace, &filter, after.as_ref(), limit + 1).await?;
    let names = names(&app, caller.workspace).await?;
    Ok(Json(Page::cut(rows, limit, After::of).map(|row| shape(row, &names))))
}

/// The same as a file, at most 100,000 entries.
#[utoipa::path(get, path = "/api/v1/audit.csv", security(("caller" = ["view_audit"])), tag = "privacy", operation_id = "audit_csv", params(AuditQuery), responses((status = 200, body = String, content_type = "text/csv")))]
pub async fn list_as_csv(State(app): State<App>, caller: Caller, Query(query): Query<AuditQuery>) -> Result<Response> {
    caller.require(Permission::ViewAudit)?;
    let filter = query.filter()?;
    let names = names(&app, caller.workspace).await?;
    let rows = audit::page(&mut app.installation.store.read(), caller.workspace, &filter, None, MOST).await?;
    let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let mut is_written = out.write_record(["at", "actor_id", "actor", "purpose", "method", "path", "status"]).is_ok();
    for row in rows {
        let it = shape(row, &names);
        let status = it.status.to_string();
        let cells = [it.at, it.actor_id, plain(&it.actor), it.purpose, it.method, plain(&it.path), status];
        is_written &= out.write_record(cells).is_ok();
    }
    debug_assert!(is_written, "memory takes every record");
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"audit.csv\""),
    ];
    Ok((headers, out.into_inner().unwrap_or_default()).into_response())
}

/// Somebody who can be in the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditActor {
    id: String,
    name: String,
    /// `user` or `key`.
    kind: String,
}

/// Everybody who can be in the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditActors {
    rows: Vec<AuditActor>,
}

/// Lists users and keys, to filter by.
#[utoipa::path(get, path = "/api/v1/audit/actors", security(("caller" = ["view_audit"])), tag = "privacy", operation_id = "audit_actors", responses((status = 200, body = AuditActors)))]
pub async fn list_actors(State(app): State<App>, caller: Caller) -> Result<Json<AuditActors>> {
    caller.require(Permission::ViewAudit)?;
    let names = names(&app, caller.workspace).await?;
    let row = |(id, (kind, name)): (String, (&'static str, String))| AuditActor { id, name, kind: kind.to_owned() };
    Ok(Json(AuditActors { rows: names.into_iter().map(row).collect() }))
}
