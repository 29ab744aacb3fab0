//! Answers from a file of another program: looked at first, then taken.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::http::route::routes;
use axum::body::Body;
use axum::extract::State;
use rapport_feedback::survey::{Answers, Given};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::{find, published};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::body;
use crate::http::extract::{Json, Path};
use crate::problem::Problem;
use crate::surveying::files::{self, Sheet};
use crate::surveying::known::Published;

/// The most bytes of a file.
const MOST_BYTES: usize = 16 << 20;
/// How long it may take to come.
const DEADLINE: Duration = Duration::from_secs(60);
/// So many rows are shown, and so many refusals.
const SHOWN: usize = 20;
const REFUSALS: usize = 100;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(take_file))
}

/// A file of answers that were given elsewhere.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResponseFileBody {
    /// Its text: a line of names, then a line for each response, with fields between commas, semicolons or tabs. At most 10,000 rows.
    text: String,
    /// What its columns are, by their names: the key of a question, with a dot and the key of a part where it has several (`parts.time`); or `:id`, `:email`,
    /// `:user_id`, `:answered_at`, `:language`, `:touchpoint`, `:product_id`, `:agent_id`, `:subject_id`. What is not named is left out. Proposed by their
    /// names where nothing is said.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    mapping: Option<BTreeMap<String, String>>,
    /// Says what would be taken, and takes nothing.
    #[serde(default)]
    only_look: bool,
}

/// A column of a file.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResponseFileColumn {
    name: String,
    /// What it is; null where it is left out.
    meaning: Option<String>,
}

/// A row that is taken.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResponseFileRow {
    /// Its line in the file.
    line: u64,
    /// Its answers by question: a number, a choice or a text; of several parts by part.
    #[schema(value_type = Object)]
    answers: Value,
}

/// A row that is not taken.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResponseFileRefusal {
    line: u64,
    /// The column that is wrong.
    column: Option<String>,
    why: String,
}

/// What a file has, and what came of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResponseFileShape {
    columns: Vec<ResponseFileColumn>,
    rows: u64,
    /// New responses.
    added: u64,
    /// Rows that were here before.
    known: u64,
    /// Of both, those whose person is known here.
    people: u64,
    /// How many rows are refused; the first of them with their reasons.
    refused: u64,
    refusals: Vec<ResponseFileRefusal>,
    /// The first rows as they are taken.
    first: Vec<ResponseFileRow>,
}

/// Takes responses from a file, or says what would be taken. The same rows again add nothing.
#[utoipa::path(post, path = "/api/v1/surveys/{key}/response-file", security(("caller" = ["edit_content"])), tag = "surveys", operation_id = "take_survey_file", params(("key" = String, Path)), request_body = ResponseFileBody,
    responses((status = 200, body = ResponseFileShape), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn take_file(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    body: Body,
) -> Result<Json<ResponseFileShape>, Problem> {
    caller.require(Permission::EditContent)?;
    caller.require(Permission::ViewPeople)?;
    let row = find(&app, caller.workspace, &key).await?;
    let (version, definition) = published(&app, caller.workspace, &row).await?;
    let survey = Published { row, version, definition };
    let bytes = body::read(body, MOST_BYTES, DEADLINE).await?;
    let body: ResponseFileBody =
        serde_json::from_slice(&bytes).map_err(|error| Problem::invalid("body", error.to_string()))?;
    let sheet = Sheet::read(&body.text).map_err(|why| Problem::invalid("text", why))?;
    let mapping = body.mapping.unwrap_or_else(|| sheet.propose(&survey));
    let read = sheet.rows(&survey, &mapping, app.now()).map_err(|why| Problem::invalid("mapping", why));
    let (rows, refused) = match read {
        // A first look shows the columns, whatever their names say.
        Err(_) if body.only_look && mapping.values().all(|it| it.starts_with(':')) => Default::default(),
        read => read?,
    };
    let taken = files::take(&app.installation, caller.workspace, &survey, &rows, body.only_look)
        .await
        .map_err(Problem::internal)?;
    let column = |name: &String| ResponseFileColumn {
        name: name.clone(),
        meaning: mapping.get(name).filter(|it| !it.is_empty()).cloned(),
    };
    let refusal = |it: &files::Refused| ResponseFileRefusal {
        line: it.line,
        column: Some(it.column.clone()).filter(|it| !it.is_empty()),
        why: it.why.clone(),
    };
    Ok(Json(ResponseFileShape {
        columns: sheet.columns.iter().map(column).collect(),
        rows: sheet.len() as u64,
        added: taken.added,
        known: taken.known,
        people: taken.people,
        refused: refused.len() as u64,
        refusals: refused.iter().take(REFUSALS).map(refusal).collect(),
        first: rows.iter().take(SHOWN).map(|it| ResponseFileRow { line: it.line, answers: shown(&it.given) }).collect(),
    }))
}

/// Answers as one reads them.
fn shown(given: &Answers) -> Value {
    let part = |it: &Given| match (&it.text, &it.choice, it.number) {
        (Some(text), ..) => Value::from(text.as_str()),
        (None, Some(choice), _) => Value::from(choice.as_str()),
        (None, None, Some(number)) => Value::from(number),
        (None, None, None) => Value::Null,
    };
    let of = |parts: &Vec<Given>| match parts.as_slice() {
        [it] if it.part.is_empty() => part(it),
        parts => Value::Object(parts.iter().map(|it| (it.part.clone(), part(it))).collect::<Map<_, _>>()),
    };
    Value::Object(given.iter().map(|(key, parts)| (key.clone(), of(parts))).collect())
}
