//! What was answered, as a file: streamed, with the filters of the list, as our own reading of files takes it.

use crate::http::route::routes;
use anyhow::{Context, Result};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::stream;
use rapport_domain::{Timestamp, WorkspaceId};
use rapport_feedback::records::responses::{self, ResponseRow};
use rapport_feedback::records::surveys;
use rapport_feedback::results::Spans;
use utoipa_axum::router::OpenApiRouter;

use super::find;
use super::responses::{ResponsesQuery, is_member};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Path, Query};
use crate::problem::Problem;
use crate::surveying::lines::{Columns, lines};

/// So many responses are written at once.
const STEP: usize = 500;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(responses_csv))
}

/// Where a file has come to.
struct Writing {
    app: App,
    workspace: WorkspaceId,
    survey: i64,
    query: ResponsesQuery,
    members: Option<Spans>,
    columns: Columns,
    is_begun: bool,
    /// Behind which response it goes on; nothing at the end.
    behind: Option<(Timestamp, String)>,
}

/// The responses of a survey as a CSV file, the newest first, with who gave them: a column for each question by its key, of a matrix and a pair one for each part.
/// `limit` and `cursor` say nothing here: all of them are in it.
#[utoipa::path(get, path = "/api/v1/surveys/{key}/responses.csv", security(("caller" = ["edit_content"])), tag = "surveys", operation_id = "survey_responses_csv", params(("key" = String, Path), ResponsesQuery),
    responses((status = 200, body = String, content_type = "text/csv"), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn responses_csv(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Query(query): Query<ResponsesQuery>,
) -> Result<Response, Problem> {
    caller.require(Permission::EditContent)?;
    caller.require(Permission::ViewPeople)?;
    // What is wrong is said before anything is sent.
    query.filter()?;
    let row = find(&app, caller.workspace, &key).await?;
    let mut db = app.installation.store.read();
    let members = query.members(&mut db, caller.workspace).await?;
    let versions = surveys::versions(&mut db, caller.workspace, row.survey).await?;
    let writing = Writing {
        workspace: caller.workspace,
        survey: row.survey,
        columns: Columns::of(versions.iter().map(|version| &version.definition.0)),
        query,
        members,
        is_begun: false,
        behind: Some((Timestamp(i64::MAX), String::new())),
        app: app.clone(),
    };
    let pieces = stream::try_unfold(writing, |mut writing| async move {
        Ok::<_, anyhow::Error>(writing.next().await?.map(|piece| (piece, writing)))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        // A key has letters, digits, hyphens and underscores only.
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}-responses.csv\"", row.key)),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

impl Writing {
    /// The next piece of the file; nothing behind its end.
    async fn next(&mut self) -> Result<Option<Bytes>> {
        let Some((at, id)) = self.behind.take() else { return Ok(None) };
        let filter = self.query.filter().ok().context("the filter was right before")?;
        let mut db = self.app.installation.store.read();
        let limit = i64::try_from(STEP)?;
        let mut rows = responses::page(&mut db, self.workspace, (self.survey, &filter), (at, &id), limit).await?;
        if rows.len() == STEP {
            self.behind = rows.last().map(|row| (row.started_at, row.id.clone()));
        }
        if let Some(spans) = &self.members {
            let now = self.app.now();
            let when = |row: &ResponseRow| self.query.when(row, now);
            rows.retain(|row| is_member(spans, row, when(row)));
        }
        let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
        if !std::mem::replace(&mut self.is_begun, true) {
            out.write_record(self.columns.head())?;
        }
        for line in lines(&mut db, self.workspace, &self.columns, &rows).await? {
            out.write_record(line)?;
        }
        Ok(Some(Bytes::from(out.into_inner().map_err(|error| error.into_error())?)))
    }
}
