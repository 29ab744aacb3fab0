//! `/api/v1/imports`: files dropped into the console, what is in them, what their columns mean, and how far the import is.

use std::path::{Path as FilePath, PathBuf};

use anyhow::Context as _;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;
use rapport_domain::{Id, Timestamp, WorkspaceId};
use rapport_imports::{Goal, Mapping};
use rapport_store::{Json as Stored, Priority};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use utoipa::{IntoParams, ToSchema};

use super::shapes::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::route::routes;
use crate::importing::records::{self, ImportRow};
use crate::importing::{self, runs};
use crate::problem::Problem;
use crate::records::sources;
use utoipa_axum::router::OpenApiRouter;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(upload))
        .routes(routes!(set_mapping))
        .routes(routes!(start))
        .routes(routes!(cancel))
        .routes(routes!(rejects))
}

/// A file larger than this is imported with `rapport import` instead.
const LARGEST_UPLOAD: u64 = 2 << 30;

/// How far a running import is.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProgressShape {
    rows_read: u64,
    /// As the files' profiles counted them.
    rows_total: u64,
    bytes_read: u64,
    bytes_total: u64,
    rate_per_second: f64,
    seconds_left: Option<f64>,
    added: u64,
}

/// An import.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportShape {
    id: String,
    name: String,
    /// profiled, running, done, failed or cancelled.
    state: String,
    /// Names of the files.
    file_names: Vec<String>,
    /// What is in the files (`FileProfile` of the import's guide).
    #[schema(value_type = Vec<Object>)]
    files: Value,
    /// What the columns mean (`Mapping` of the import's guide).
    #[schema(value_type = Object)]
    mapping: Value,
    progress: Option<ProgressShape>,
    /// Events that were new.
    added: Option<u64>,
    /// Events that were there before.
    known: Option<u64>,
    /// What it did: counts by rule, orders, customers, revenue.
    #[schema(value_type = Option<Object>)]
    report: Option<Value>,
    error: Option<String>,
    created_at: String,
}

/// All imports.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportList {
    rows: Vec<ImportShape>,
}

/// To which import a file is added.
#[derive(Debug, Deserialize, IntoParams)]
pub struct UploadQuery {
    /// An import that has not begun yet; without it a new one is made.
    import: Option<String>,
}

fn shape(app: &App, row: ImportRow) -> ImportShape {
    let progress = app.imports.running(&row.id).map(|running| {
        #[expect(clippy::cast_precision_loss, reason = "shown as a rate")]
        let seconds = ((app.installation.clock.now().0 - running.began.0) as f64 / Timestamp::SECOND as f64).max(0.1);
        let (rows_read, bytes_read, bytes_total) =
            running.progress.map_or((0, 0, 0), |p| (p.rows_read, p.bytes_read, p.bytes_total));
        #[expect(clippy::cast_precision_loss, reason = "shown as a rate")]
        let (rate, left) = (
            rows_read as f64 / seconds,
            (bytes_read > 0).then(|| seconds * (bytes_total.saturating_sub(bytes_read)) as f64 / bytes_read as f64),
        );
        let rows_total = row.profiles.0.as_array().into_iter().flatten().filter_map(|file| file["rows"].as_u64()).sum();
        ProgressShape {
            rows_read,
            rows_total,
            bytes_read,
            bytes_total,
            rate_per_second: rate,
            seconds_left: left,
            added: running.added,
        }
    });
    ImportShape {
        id: row.id.to_string(),
        name: row.name,
        state: row.state,
        file_names: row.files.0.into_iter().map(|(_, name)| name).collect(),
        files: row.profiles.0,
        mapping: row.mapping.0,
        progress,
        added: row.outcome.as_ref().and_then(|outcome| outcome.0["added"].as_u64()),
        known: row.outcome.as_ref().and_then(|outcome| outcome.0["known"].as_u64()),
        report: row.outcome.map(|outcome| outcome.0["report"].clone()),
        error: row.error,
        created_at: time(row.created_at),
    }
}

/// Lists imports, newest first.
#[utoipa::path(get, path = "/api/v1/imports", security(("caller" = ["view_data"])), tag = "imports", responses((status = 200, body = ImportList)))]
pub async fn list(State(app): State<App>, caller: Caller) -> Result<Json<ImportList>, Problem> {
    caller.require(Permission::ViewData)?;
    let rows = records::all(&mut app.installation.store.read(), caller.workspace).await?;
    Ok(Json(ImportList { rows: rows.into_iter().map(|row| shape(&app, row)).collect() }))
}

/// Shows an import.
#[utoipa::path(get, path = "/api/v1/imports/{id}", security(("caller" = ["view_data"])), tag = "imports", params(("id" = String, Path)), responses((status = 200, body = ImportShape)))]
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<ImportShape>, Problem> {
    caller.require(Permission::ViewData)?;
    let row = find(&app, caller.workspace, &id).await?;
    Ok(Json(shape(&app, row)))
}

async fn find(app: &App, workspace: WorkspaceId, id: &str) -> Result<ImportRow, Problem> {
    let found = records::find(&mut app.installation.store.read(), workspace, &Id(id.to_owned())).await?;
    found.ok_or_else(|| Problem::not_found("import"))
}

/// Takes a file in, looks at it, and proposes what its columns mean. Nothing is imported yet.
#[utoipa::path(post, path = "/api/v1/imports/upload", security(("caller" = ["import_data"])), tag = "imports", params(UploadQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 200, body = ImportShape)))]
pub async fn upload(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<UploadQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<ImportShape>, Problem> {
    caller.require(Permission::ImportData)?;
    let name = file_name(&headers)?;
    let installation = &app.installation;
    let now = installation.clock.now();
    let mut row = match &query.import {
        Some(id) => find(&app, caller.workspace, id).await?,
        None => new_import(&app, caller.workspace, &name).await?,
    };
    if row.state != "profiled" {
        return Err(Problem::conflict(
            "import_has_begun",
            "This import has begun.",
            "Drop the file again to begin another.",
        ));
    }
    let folder = installation.folder.join("uploads").join(row.id.as_str());
    // The file's place has a name of ours; the sender's is only shown.
    let path = folder.join(format!("{}.data", row.files.0.len()));
    let path = path.to_string_lossy().into_owned();
    receive(&folder, FilePath::new(&path), body).await?;
    row.files.0.push((path, name_of_its_own(name, &row.files.0)));
    let files = row.files.0.clone();
    let looked = tokio::task::spawn_blocking(move || look(&files, now)).await.map_err(Problem::internal)?;
    let (profiles, mapping) = looked?;
    row.profiles = Stored(profiles);
    row.mapping = Stored(mapping);
    save(&app, caller.workspace, &row).await?;
    Ok(Json(shape(&app, row)))
}

async fn save(app: &App, workspace: WorkspaceId, row: &ImportRow) -> Result<(), Problem> {
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    records::save(&mut tx, workspace, row).await?;
    tx.commit().await?;
    Ok(())
}

async fn new_import(app: &App, workspace: WorkspaceId, name: &str) -> Result<ImportRow, Problem> {
    let installation = &app.installation;
    let now = installation.clock.now();
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    let source = sources::ensure(&mut tx, workspace, "Imported files", "file", now).await?;
    tx.commit().await?;
    Ok(ImportRow {
        id: Id::new("imp", &*installation.clock, &*installation.rng),
        name: name.to_owned(),
        source,
        state: "profiled".to_owned(),
        files: Stored(Vec::new()),
        profiles: Stored(Value::Array(Vec::new())),
        mapping: Stored(Value::Null),
        outcome: None,
        error: None,
        created_at: now,
        ended_at: None,
    })
}

/// The mapping knows files by their names, so two exports called `orders.csv` become `orders.csv` and `orders.csv (2)`.
fn name_of_its_own(name: String, files: &[(String, String)]) -> String {
    let taken = |name: &str| files.iter().any(|(_, other)| other == name);
    let numbered = (2..).map(|number| format!("{name} ({number})"));
    std::iter::once(name.clone()).chain(numbered).find(|name| !taken(name)).unwrap_or(name)
}

fn file_name(headers: &HeaderMap) -> Result<String, Problem> {
    let name = headers.get("x-file-name").and_then(|value| value.to_str().ok()).unwrap_or("file");
    let decoded = percent_decode(name);
    let name: String = decoded.chars().filter(|c| !c.is_control() && !"/\\".contains(*c)).take(200).collect();
    if name.is_empty() {
        Err(Problem::bad_request("no_file_name", "X-File-Name is the file's name, percent-encoded."))
    } else {
        Ok(name)
    }
}

/// Header values are ASCII, so names come percent-encoded.
fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

async fn receive(folder: &FilePath, path: &FilePath, body: Body) -> Result<(), Problem> {
    let kept = async {
        tokio::fs::create_dir_all(folder).await?;
        let mut file = tokio::fs::File::create(path).await?;
        let mut stream = body.into_data_stream();
        let mut bytes = 0;
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.context("the upload broke off")?;
            bytes += chunk.len() as u64;
            anyhow::ensure!(bytes <= LARGEST_UPLOAD, "files over 2 GiB are imported with `rapport import`");
            file.write_all(&chunk).await?;
        }
        file.sync_all().await?;
        anyhow::Ok(())
    };
    let result = kept.await;
    if let Err(error) = result {
        let _ = tokio::fs::remove_file(path).await;
        return Err(Problem::bad_request("upload_failed", format!("{error:#}")));
    }
    Ok(())
}

fn look(files: &[(String, String)], now: Timestamp) -> Result<(Value, Value), Problem> {
    let unreadable = |error: rapport_imports::Error| Problem::bad_request("unreadable_file", error.to_string());
    let files: Vec<(PathBuf, String)> = files.iter().map(|(path, name)| (path.into(), name.clone())).collect();
    let mut import = importing::open(&files, now).map_err(unreadable)?;
    let profiles = import.profile(&mut |_| {}).map_err(unreadable)?;
    let mapping = import.propose(Goal::Orders).map_err(unreadable)?;
    let json = |value: serde_json::Result<Value>| value.map_err(Problem::internal);
    Ok((json(serde_json::to_value(profiles))?, json(serde_json::to_value(mapping))?))
}

/// Corrects what the columns mean.
#[utoipa::path(put, path = "/api/v1/imports/{id}/mapping", security(("caller" = ["import_data"])), tag = "imports", params(("id" = String, Path)),
    request_body(content = Object), responses((status = 200, body = ImportShape)))]
pub async fn set_mapping(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(mapping): Json<Value>,
) -> Result<Json<ImportShape>, Problem> {
    caller.require(Permission::ImportData)?;
    let mut row = find(&app, caller.workspace, &id).await?;
    if row.state == "running" {
        return Err(Problem::conflict("import_is_running", "This import is running.", "Cancel it first."));
    }
    let checked: Mapping = serde_json::from_value(mapping)
        .map_err(|error| Problem::bad_request("not_a_mapping", format!("not a mapping: {error}")))?;
    row.mapping = Stored(serde_json::to_value(checked).map_err(Problem::internal)?);
    save(&app, caller.workspace, &row).await?;
    Ok(Json(shape(&app, row)))
}

/// Begins an import, or runs it again.
#[utoipa::path(post, path = "/api/v1/imports/{id}/start", security(("caller" = ["import_data"])), tag = "imports", params(("id" = String, Path)), responses((status = 200, body = ImportShape)))]
pub async fn start(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<ImportShape>, Problem> {
    caller.require(Permission::ImportData)?;
    let mut row = find(&app, caller.workspace, &id).await?;
    let task = runs::task(caller.workspace, &row).map_err(|_| {
        Problem::conflict(
            "import_has_no_mapping",
            "This import has no mapping yet.",
            "Say what its columns mean first.",
        )
    })?;
    runs::mark_running(&app.installation, caller.workspace, &row.id).await?;
    app.imports.begin(task);
    row.state = "running".to_owned();
    Ok(Json(shape(&app, row)))
}

/// Stops an import; what it has taken stays.
#[utoipa::path(post, path = "/api/v1/imports/{id}/cancel", security(("caller" = ["import_data"])), tag = "imports", params(("id" = String, Path)), responses((status = 200, body = ImportShape)))]
pub async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<ImportShape>, Problem> {
    caller.require(Permission::ImportData)?;
    let row = find(&app, caller.workspace, &id).await?;
    app.imports.stop(&row.id);
    Ok(Json(shape(&app, row)))
}

/// The rejected rows as CSV.
#[utoipa::path(get, path = "/api/v1/imports/{id}/rejects.csv", security(("caller" = ["view_data"])), tag = "imports", params(("id" = String, Path)),
    responses((status = 200, body = String, content_type = "text/csv")))]
pub async fn rejects(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    caller.require(Permission::ViewData)?;
    let row = find(&app, caller.workspace, &id).await?;
    let rejects = records::rejects(&mut app.installation.store.read(), caller.workspace, &row.id, 1_000_000).await?;
    let mut csv = String::from("file,row,code,message,excerpt\r\n");
    for r in rejects {
        let cells = [&r.file, &r.row_number.to_string(), &r.code, &r.message, &r.excerpt].map(|cell| cell_of(cell));
        csv.push_str(&cells.join(","));
        csv.push_str("\r\n");
    }
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"rejects.csv\""),
    ];
    Ok((headers, csv).into_response())
}

/// A cell of CSV. A leading sign that a spreadsheet would take for a formula is defused.
fn cell_of(text: &str) -> String {
    let defused = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() };
    format!("\"{}\"", defused.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_cells_are_defused() {
        assert_eq!(cell_of("=1+1"), "\"'=1+1\"");
        assert_eq!(cell_of("a \"b\""), "\"a \"\"b\"\"\"");
    }

    #[test]
    fn names_are_decoded() {
        assert_eq!(percent_decode("K%C3%A4ufe%2.csv"), "Käufe%2.csv");
    }
}
