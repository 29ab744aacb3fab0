//! `/api/v1/experiment-baseline`: what the workspace's own data says about a metric, for planning an experiment with it.
//!
//! Always holds: the figures are those that an experiment without any effect would have found, had it begun with everybody who came in a week whose
//! time is over by now.

use crate::http::route::routes;
use axum::extract::State;
use rapport_analytics::experiment::{Experiment as Question, Measured};
use rapport_analytics::question::Period;
use rapport_domain::Timestamp;
use rapport_models::experiments::Arm;
use rapport_segments::{Duration, Instant};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::questions::context;
use super::wire::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::experimenting::metrics;
use crate::http::extract::{Json, Query};
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(baseline))
}

/// How long people are gathered: a week has each of its days once.
const GATHERED: i64 = 7 * Timestamp::DAY;
/// Fewer people say too little.
const LEAST_PEOPLE: u64 = 100;
/// The longest that people are followed.
const LONGEST_HOURS: u32 = 24 * 90;

/// Of which metric.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BaselineQuery {
    /// Its key: `conversion`, `people:Signed Up` ...
    metric: String,
    /// How long people are followed, in hours: 336 unless told, 2,160 at most.
    hours: Option<u32>,
}

/// What an experiment would have found without any effect.
#[derive(Debug, Serialize, ToSchema)]
pub struct MetricBaseline {
    /// How many people came in that week.
    people: u64,
    /// How many a day.
    per_day: f64,
    /// The share of them that had it, of a share; none where too few came to say.
    share: Option<f64>,
    /// The mean a person, of anything else; none where too few came to say.
    mean: Option<f64>,
    /// The standard deviation among people.
    deviation: Option<f64>,
    /// The week in which they came.
    from: String,
    to: String,
}

/// Says what the workspace's own data makes of a metric: where a planner begins.
#[utoipa::path(get, path = "/api/v1/experiment-baseline", security(("caller" = ["view_reports"])), tag = "experiments", params(BaselineQuery),
    responses((status = 200, body = MetricBaseline), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn baseline(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<BaselineQuery>,
) -> Result<Json<MetricBaseline>, Problem> {
    caller.require(Permission::ViewReports)?;
    let metric =
        metrics::measured(&query.metric).ok_or_else(|| Problem::invalid("metric", "there is no metric of that key"))?;
    let hours = query.hours.unwrap_or(14 * 24);
    if !(1..=LONGEST_HOURS).contains(&hours) {
        return Err(Problem::invalid("hours", format!("is 1 to {LONGEST_HOURS}")));
    }
    let context = context(&app.installation, caller.workspace).await?;
    let to = context.now.min(context.data_until).plus(-i64::from(hours) * Timestamp::HOUR);
    let from = to.plus(-GATHERED);
    let period = Period::Between { from: Some(Instant::At(from)), to: Some(Instant::At(to)) };
    let window = Duration::parse(&format!("{hours}h")).map_err(Problem::internal)?;
    let question = Question::everybody(vec![metric], period, window);
    let found = app.installation.analytics.experiment(caller.workspace, &question, &context).await?;
    let everybody = found.all.variants.first();
    let people = everybody.map_or(0, |it| it.persons);
    let measured = everybody.and_then(|it| it.metrics.first()).filter(|_| people >= LEAST_PEOPLE);
    let arm = measured.and_then(|it| it.arm().ok());
    let is_share = matches!(measured, Some(Measured::Share { .. }));
    let mean = |arm: &Arm| arm.mean();
    Ok(Json(MetricBaseline {
        people,
        per_day: rounded(people),
        // Of what nobody or everybody has, no effect can be planned.
        share: arm.as_ref().filter(|_| is_share).map(mean).filter(|share| *share > 0.0 && *share < 1.0),
        mean: arm.as_ref().filter(|_| !is_share).map(mean),
        deviation: arm.as_ref().filter(|_| !is_share).map(|arm| arm.variance().sqrt()).filter(|it| *it > 0.0),
        from: time(from),
        to: time(to),
    }))
}

/// A day's people, to a tenth.
#[expect(clippy::cast_precision_loss, reason = "people are few")]
fn rounded(people: u64) -> f64 {
    (people as f64 / 7.0 * 10.0).round() / 10.0
}
