//! Mentions from files.

use std::time::Duration;

use crate::http::route::routes;
use axum::body::Body;
use axum::extract::State;
use rapport_domain::plain;
use rapport_feedback::complaints::Channel;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::super::members::given;
use super::one_of;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::complaining::LONGEST_WORD;
use crate::complaining::files::take_file;
use crate::http::body;
use crate::http::extract::{Json, Query};
use crate::problem::Problem;

/// The largest file.
const MOST_BYTES: usize = 16 << 20;
/// How long it may take to come.
const DEADLINE: Duration = Duration::from_secs(120);

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(import_mentions))
}

/// What holds for rows that do not say so themselves.
#[derive(Debug, Deserialize, IntoParams)]
pub struct MentionsQuery {
    /// `social` unless said, or `review_site`.
    channel: Option<String>,
    /// Whom they are about: a competitor. Left out, the company itself.
    subject: Option<String>,
}

/// A row that was not taken in.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefusedRow {
    /// Its line in the file, from 1.
    line: u64,
    /// Which column.
    column: String,
    why: String,
}

/// What came of a file.
#[derive(Debug, Serialize, ToSchema)]
pub struct MentionsReport {
    /// Rows that are new.
    taken: u64,
    /// Rows that were known.
    known: u64,
    refused: u64,
    /// The first hundred of the refused ones.
    lines: Vec<RefusedRow>,
    /// Columns that mean nothing here.
    ignored: Vec<String>,
}

/// Takes in posts of social networks and reviews of other sites from a table (CSV, at most 16 MB and 20,000 rows): `text`, and where there are any `title`,
/// `subject`, `kind`, `channel`, `url`, `id`, `author`, `reach`, `rating`, `at`, `category`, `severity`, `product_id`, `email`, `user_id`. The same row is taken
/// in once.
#[utoipa::path(post, path = "/api/v1/mentions/import", security(("caller" = ["import_data"])), tag = "feedback", operation_id = "import_mentions", params(MentionsQuery), request_body(content = String, content_type = "text/csv"),
    responses((status = 200, body = MentionsReport), (status = 413, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn import_mentions(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<MentionsQuery>,
    sent: Body,
) -> Result<Json<MentionsReport>, Problem> {
    caller.require(Permission::ImportData)?;
    let channel = one_of("channel", given(&query.channel), Channel::parse)?.unwrap_or(Channel::Social);
    let subject = given(&query.subject).map(|text| plain::one_line(text, LONGEST_WORD)).unwrap_or_default();
    let bytes = body::read(sent, MOST_BYTES, DEADLINE).await?;
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        Problem::bad_request("not_utf8", format!("The body is not UTF-8 at byte {}.", error.valid_up_to()))
    })?;
    let report = take_file(&app.installation, caller.workspace, text, (channel, &subject)).await?;
    let report = report.map_err(|why| Problem::invalid("body", why))?;
    app.pipeline.reached(app.installation.log.head()).await;
    let line = |it: crate::complaining::files::Refused| RefusedRow {
        line: it.line,
        column: it.column.to_owned(),
        why: it.why.to_owned(),
    };
    Ok(Json(MentionsReport {
        taken: report.taken,
        known: report.known,
        refused: report.refused,
        lines: report.lines.into_iter().map(line).collect(),
        ignored: report.ignored,
    }))
}
