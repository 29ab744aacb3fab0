//! `/api/v1/benchmarks`: scores of others with source and day, and how far a survey's scores are from them.

use crate::http::route::routes;
use axum::extract::State;
use axum::http::StatusCode;
use rapport_domain::Id;
use rapport_feedback::Error;
use rapport_feedback::records::benchmarks::{self, BenchmarkRow};
use rapport_feedback::records::counts::Which;
use rapport_feedback::results::benchmarks::{Beside, beside, check};
use rapport_feedback::results::{Wanted, scores};
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::survey_results::{ResultsQuery, found, on_a_scale};
use super::wire::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::Rows;
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_benchmarks, create_benchmark))
        .routes(routes!(save_benchmark, delete_benchmark))
        .routes(routes!(survey_benchmarks))
}

/// A workspace has at most so many.
const MOST: usize = 500;

/// Somebody else's score.
#[derive(Debug, Serialize, ToSchema)]
pub struct Benchmark {
    id: String,
    #[serde(flatten)]
    body: BenchmarkBody,
    entered_at: String,
    entered_by: String,
}

/// A score to enter.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BenchmarkBody {
    /// Whose it is: an industry, a competitor.
    name: String,
    /// `nps` (points), `top_two` or `easy` (shares, 0 to 1), `mean`.
    measure: String,
    score: f64,
    /// Half of its interval's width, where the source says it; the gap's interval is wider by it.
    #[serde(default)]
    margin: Option<f64>,
    /// Of a mean: the least of its scale.
    #[serde(default)]
    low: Option<i64>,
    /// Of a mean: the most.
    #[serde(default)]
    high: Option<i64>,
    /// Where it is from.
    source: String,
    /// Of which day it is: `2026-01-31`.
    as_of: String,
}

impl Benchmark {
    fn of(row: BenchmarkRow) -> Self {
        let BenchmarkRow { id, name, measure, score, margin, low, high, source, as_of, entered_at, entered_by } = row;
        let body = BenchmarkBody { name, measure, score, margin, low, high, source, as_of };
        Self { id, body, entered_at: time(entered_at), entered_by }
    }
}

impl BenchmarkBody {
    fn row(self, id: String, app: &App, caller: &Caller) -> Result<BenchmarkRow, Problem> {
        let Self { name, measure, score, margin, low, high, source, as_of } = self;
        let (name, source) = (name.trim().to_owned(), source.trim().to_owned());
        let (entered_at, entered_by) = (app.now(), caller.id().as_str().to_owned());
        let row = BenchmarkRow { id, name, measure, score, margin, low, high, source, as_of, entered_at, entered_by };
        check(&row).map_err(|error| match error {
            Error::Invalid { place, problem } => Problem::invalid(&place, problem),
            other => Problem::internal(other),
        })?;
        Ok(row)
    }
}

/// Lists the scores of others, the newest first.
#[utoipa::path(get, path = "/api/v1/benchmarks", security(("caller" = ["view_reports"])), tag = "surveys", operation_id = "benchmarks", responses((status = 200, body = Rows<Benchmark>)))]
pub async fn list_benchmarks(State(app): State<App>, caller: Caller) -> Result<Json<Rows<Benchmark>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let rows = benchmarks::all(&mut app.installation.store.read(), caller.workspace).await?;
    Ok(Json(Rows { rows: rows.into_iter().map(Benchmark::of).collect() }))
}

/// Enters somebody else's score.
#[utoipa::path(post, path = "/api/v1/benchmarks", security(("caller" = ["edit_questions"])), tag = "surveys", operation_id = "create_benchmark", request_body = BenchmarkBody, responses((status = 200, body = Benchmark), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn create_benchmark(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<BenchmarkBody>,
) -> Result<Json<Benchmark>, Problem> {
    caller.require(Permission::EditQuestions)?;
    let id = Id::new("bmk", &*app.installation.clock, &*app.installation.rng).0;
    let row = body.row(id, &app, &caller)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    if benchmarks::all(&mut tx, caller.workspace).await?.len() >= MOST {
        return Err(Problem::invalid("name", format!("of at most {MOST} benchmarks; delete some")));
    }
    benchmarks::save(&mut tx, caller.workspace, &row).await?;
    tx.commit().await?;
    Ok(Json(Benchmark::of(row)))
}

/// Corrects somebody else's score.
#[utoipa::path(put, path = "/api/v1/benchmarks/{id}", security(("caller" = ["edit_questions"])), tag = "surveys", operation_id = "save_benchmark", params(("id" = String, Path)), request_body = BenchmarkBody, responses((status = 200, body = Benchmark), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn save_benchmark(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json<BenchmarkBody>,
) -> Result<Json<Benchmark>, Problem> {
    caller.require(Permission::EditQuestions)?;
    let row = body.row(id, &app, &caller)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    if benchmarks::all(&mut tx, caller.workspace).await?.iter().all(|it| it.id != row.id) {
        return Err(Problem::not_found("benchmark"));
    }
    benchmarks::save(&mut tx, caller.workspace, &row).await?;
    tx.commit().await?;
    Ok(Json(Benchmark::of(row)))
}

/// Takes somebody else's score away.
#[utoipa::path(delete, path = "/api/v1/benchmarks/{id}", security(("caller" = ["edit_questions"])), tag = "surveys", operation_id = "delete_benchmark", params(("id" = String, Path)), responses((status = 204), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn delete_benchmark(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.require(Permission::EditQuestions)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    if !benchmarks::delete(&mut tx, caller.workspace, &id).await? {
        return Err(Problem::not_found("benchmark"));
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One's own score beside somebody else's.
#[derive(Debug, Serialize, ToSchema)]
pub struct GapShape {
    question: String,
    benchmark: Benchmark,
    /// One's own, with its interval.
    estimate: f64,
    low: f64,
    high: f64,
    answers: u64,
    /// Fewer than 30 answers: the interval is to be shown before the score.
    few: bool,
    /// One's own less the other, with its interval.
    gap: f64,
    gap_low: f64,
    gap_high: f64,
    /// The interval leaves out zero: `above`, `below` or `unclear`.
    verdict: &'static str,
}

impl GapShape {
    fn of(question: &str, it: &Beside<'_>) -> Self {
        let verdict = match it.gap {
            gap if gap.low > 0.0 => "above",
            gap if gap.high < 0.0 => "below",
            _ => "unclear",
        };
        Self {
            question: question.to_owned(),
            benchmark: Benchmark::of(it.benchmark.clone()),
            estimate: it.score.estimate,
            low: it.score.low,
            high: it.score.high,
            answers: it.score.answers,
            few: it.score.few,
            gap: it.gap.estimate,
            gap_low: it.gap.low,
            gap_high: it.gap.high,
            verdict,
        }
    }
}

/// A survey's scores beside those of others: every benchmark of the same measure, and of a mean on the same scale.
#[utoipa::path(get, path = "/api/v1/surveys/{key}/benchmarks", security(("caller" = ["view_reports"])), tag = "surveys", operation_id = "survey_benchmarks", params(("key" = String, Path), ResultsQuery), responses((status = 200, body = Rows<GapShape>), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn survey_benchmarks(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Query(query): Query<ResultsQuery>,
) -> Result<Json<Rows<GapShape>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let confidence = query.confidence()?;
    let (from, to) = query.span(None, app.now())?;
    let mut db = app.installation.store.read();
    let (row, definition) = found(&mut db, caller.workspace, &key).await?;
    let others = benchmarks::all(&mut db, caller.workspace).await?;
    let questions = on_a_scale(&definition).filter(|it| query.question.as_deref().is_none_or(|one| one == *it));
    let mut rows = Vec::new();
    for question in questions {
        let which = Which { survey: row.survey, question, from, to, partial: query.partial, invited: false };
        let wanted = Wanted { which, by: None, periods: Vec::new(), confidence };
        for series in scores(&mut db, caller.workspace, &wanted).await? {
            rows.extend(beside(&series, &others).iter().map(|it| GapShape::of(question, it)));
        }
    }
    Ok(Json(Rows { rows }))
}
