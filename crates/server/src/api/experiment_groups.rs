//! `/api/v1/experiment-groups`: groups of experiments that may not meet; and `/api/v1/experiment-plan`: how many people an experiment needs.

use crate::http::route::routes;
use axum::extract::State;
use rapport_experiments::design::UnitKind;
use rapport_experiments::groups::{Taken, free};
use rapport_experiments::records::experiments::{self, ExperimentRow};
use rapport_experiments::records::groups::{self, GroupRow};
use rapport_experiments::service::{self, Author};
use rapport_models::experiments::{Baseline, Better, Estimand, Inference, Plan, days};
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::wire::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::experimenting::metrics;
use crate::http::extract::Json;
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(plan)).routes(routes!(known_metrics))
}

/// A range of places, 0 to 10,000.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupPlaces {
    /// From this one on.
    from: u32,
    /// Up to, not including.
    to: u32,
    /// The experiment that has them; none: they are free.
    experiment: Option<String>,
}

/// A group.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExperimentGroup {
    key: String,
    name: String,
    /// `person` or `anonymous`: what all of its experiments assign.
    unit: String,
    /// Who has which of the 10,000 places, and which are free.
    places: Vec<GroupPlaces>,
    created_at: String,
}

/// All groups.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExperimentGroups {
    rows: Vec<ExperimentGroup>,
}

/// A group to make.
#[derive(Debug, Deserialize, ToSchema)]
pub struct GroupBody {
    /// 1 to 64 small letters, digits, `-`, `_` or `.`
    key: String,
    name: String,
    /// `person` or `anonymous`.
    unit: String,
}

fn shape(row: GroupRow, all: &[ExperimentRow]) -> ExperimentGroup {
    let in_it = |it: &&ExperimentRow| {
        !it.experiment().state.is_over() && it.design.0.group.as_ref().is_some_and(|place| place.group == row.key)
    };
    let taken: Vec<Taken> = all
        .iter()
        .filter(in_it)
        .filter_map(|it| {
            let place = it.design.0.group.as_ref()?;
            Some(Taken { key: it.key.clone(), range: place.from..place.to })
        })
        .collect();
    let mut places: Vec<GroupPlaces> =
        free(&taken).into_iter().map(|it| GroupPlaces { from: it.start, to: it.end, experiment: None }).collect();
    places.extend(taken.into_iter().map(|it| GroupPlaces {
        from: it.range.start,
        to: it.range.end,
        experiment: Some(it.key),
    }));
    places.sort_by_key(|it| it.from);
    ExperimentGroup { key: row.key, name: row.name, unit: row.unit, places, created_at: time(row.created_at) }
}

/// Lists the groups with who has which places.
#[utoipa::path(get, path = "/api/v1/experiment-groups", security(("caller" = ["view_reports"])), tag = "experiments", responses((status = 200, body = ExperimentGroups)))]
pub async fn list(State(app): State<App>, caller: Caller) -> Result<Json<ExperimentGroups>, Problem> {
    caller.require(Permission::ViewReports)?;
    let mut db = app.installation.store.read();
    let all = experiments::all(&mut db, caller.workspace).await?;
    let groups = groups::all(&mut db, caller.workspace).await?;
    Ok(Json(ExperimentGroups { rows: groups.into_iter().map(|row| shape(row, &all)).collect() }))
}

/// Makes a group.
#[utoipa::path(post, path = "/api/v1/experiment-groups", security(("caller" = ["edit_experiments"])), tag = "experiments", request_body = GroupBody,
    responses((status = 200, body = ExperimentGroup), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<GroupBody>,
) -> Result<Json<ExperimentGroup>, Problem> {
    caller.require(Permission::EditExperiments)?;
    let unit = match body.unit.as_str() {
        "person" => UnitKind::Person,
        "anonymous" => UnitKind::Anonymous,
        _ => return Err(Problem::invalid("unit", "is `person` or `anonymous`")),
    };
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let author = Author { by: caller.id().as_str(), at: app.now() };
    let row = service::create_group(&mut tx, caller.workspace, (&body.key, &body.name, unit), author).await?;
    tx.commit().await?;
    Ok(Json(shape(row, &[])))
}

/// A metric that can be measured.
#[derive(Debug, Serialize, ToSchema)]
pub struct KnownMetric {
    key: String,
    name: String,
    description: String,
    /// `higher` or `lower` is better.
    direction: String,
    /// `share`, `number` or `money`.
    form: String,
}

/// The metrics that every workspace has. Beside them any event can be one: `people:<event>`, `count:<event>`, `sum:<event>:<property>`.
#[derive(Debug, Serialize, ToSchema)]
pub struct KnownMetrics {
    rows: Vec<KnownMetric>,
}

/// Lists the metrics that every workspace has.
#[utoipa::path(get, path = "/api/v1/experiment-metrics", security(("caller" = ["view_reports"])), tag = "experiments", responses((status = 200, body = KnownMetrics)))]
pub async fn known_metrics(caller: Caller) -> Result<Json<KnownMetrics>, Problem> {
    caller.require(Permission::ViewReports)?;
    let metric = |it: &metrics::Usual| KnownMetric {
        key: it.key.to_owned(),
        name: it.name.to_owned(),
        description: it.description.to_owned(),
        direction: if it.lower { "lower" } else { "higher" }.to_owned(),
        form: super::experiment_readouts::form_word(&metrics::form(it.key, "EUR")).to_owned(),
    };
    Ok(Json(KnownMetrics { rows: metrics::USUAL.iter().map(metric).collect() }))
}

/// An experiment to be.
#[derive(Debug, Deserialize, ToSchema)]
pub struct PlannerBody {
    /// The share of people who have it without the experiment, 0 to 1. Or give `mean` and `deviation`.
    share: Option<f64>,
    /// The mean a person.
    mean: Option<f64>,
    /// The standard deviation among people.
    deviation: Option<f64>,
    /// The smallest effect that would matter, above 0, on the scale. Negative where less is better.
    effect: f64,
    /// `relative` (0.05 is five per cent of the baseline) or `absolute`.
    #[serde(default = "relative")]
    scale: String,
    /// `always` may be read every day, `once` one time.
    #[serde(default = "always")]
    method: String,
    #[serde(default = "one_in_twenty")]
    alpha: f64,
    #[serde(default = "four_of_five")]
    power: f64,
    /// The share of people that goes to the control; the rest is parted equally.
    #[serde(default = "half")]
    control: f64,
    /// How many variants there are beside the control.
    #[serde(default = "one")]
    treatments: u32,
    /// New people a day.
    per_day: Option<f64>,
}

fn relative() -> String {
    "relative".to_owned()
}
fn always() -> String {
    "always".to_owned()
}
const fn one_in_twenty() -> f64 {
    0.05
}
const fn four_of_five() -> f64 {
    0.8
}
const fn half() -> f64 {
    0.5
}
const fn one() -> u32 {
    1
}

/// What is found after so many days.
#[derive(Debug, Serialize, ToSchema)]
pub struct Detectable {
    days: u32,
    people: u64,
    /// The smallest effect that is noticed then; none where none is.
    effect: Option<f64>,
}

/// What an experiment needs.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlanAnswer {
    /// People in the control.
    control: u64,
    /// People in each other variant.
    treatment: u64,
    /// People in all.
    total: u64,
    /// Days until they are there.
    days: Option<u64>,
    /// What shorter and longer runs would notice.
    detectable: Vec<Detectable>,
}

/// Says how many people and days an experiment needs.
#[utoipa::path(post, path = "/api/v1/experiment-plan", security(("caller" = ["view_reports"])), tag = "experiments", request_body = PlannerBody,
    responses((status = 200, body = PlanAnswer), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn plan(caller: Caller, Json(body): Json<PlannerBody>) -> Result<Json<PlanAnswer>, Problem> {
    caller.require(Permission::ViewReports)?;
    let plan = read(&body)?;
    let sizes = plan.sizes(body.effect).ok_or_else(|| {
        Problem::invalid("effect", "no number of people is enough; the effect leads to what cannot be, or is too small")
    })?;
    let better = if body.effect > 0.0 { Better::Higher } else { Better::Lower };
    let per_day = body.per_day.filter(|it| it.is_finite() && *it > 0.0);
    let after = |after: u32| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and below 10^15")]
        let people = (per_day? * f64::from(after)).min(1e15) as u64;
        Some(Detectable { days: after, people, effect: plan.detectable(people, better) })
    };
    Ok(Json(PlanAnswer {
        control: sizes.control,
        treatment: sizes.treatment,
        total: sizes.total,
        days: per_day.and_then(|it| days(sizes.total, it)),
        detectable: [7, 14, 28, 56, 90].into_iter().filter_map(after).collect(),
    }))
}

fn read(body: &PlannerBody) -> Result<Plan, Problem> {
    let baseline = match (body.share, body.mean, body.deviation) {
        (Some(share), None, None) if share > 0.0 && share < 1.0 => Baseline::Proportion(share),
        (Some(_), None, None) => return Err(Problem::invalid("share", "is above 0 and below 1")),
        (None, Some(mean), Some(deviation)) if mean.is_finite() && deviation.is_finite() && deviation > 0.0 => {
            Baseline::Mean { mean, variance: deviation * deviation }
        }
        (None, Some(_), Some(_)) => return Err(Problem::invalid("deviation", "is above 0")),
        _ => return Err(Problem::invalid("share", "give either `share`, or `mean` and `deviation`")),
    };
    let estimand = match body.scale.as_str() {
        "relative" => Estimand::Relative,
        "absolute" => Estimand::Absolute,
        _ => return Err(Problem::invalid("scale", "is `relative` or `absolute`")),
    };
    let inference = match body.method.as_str() {
        "always" => Inference::always_valid(body.alpha),
        "once" => Inference::fixed(body.alpha),
        _ => return Err(Problem::invalid("method", "is `always` or `once`")),
    };
    let inference = inference.ok_or_else(|| Problem::invalid("alpha", "is above 0 and below 1"))?;
    if !(0.5..1.0).contains(&body.power) {
        return Err(Problem::invalid("power", "is 0.5 to below 1"));
    }
    if !(0.001..=0.999).contains(&body.control) || !(1..=19).contains(&body.treatments) {
        return Err(Problem::invalid("control", "is 0.001 to 0.999, with 1 to 19 treatments"));
    }
    if !body.effect.is_finite() || body.effect == 0.0 {
        return Err(Problem::invalid("effect", "is a number that is not 0"));
    }
    let (power, control, treatments) = (body.power, body.control, body.treatments);
    Ok(Plan { baseline, estimand, inference, power, control, treatments })
}
