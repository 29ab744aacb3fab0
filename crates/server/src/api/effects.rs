//! `/api/v1/journeys/{key}/effect`: what a journey or campaign brought in, by those it held out; and by touches, as the second view.

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::money;
use rapport_engagement::records::journeys;
use rapport_experiments::attribution::{Credit, Incremental, Rule, touch_warning};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::experiment_readouts::{MetricShape, Said, metric, reason_word, said};
use super::questions::context;
use super::wire::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::experimenting::effect;
use crate::http::extract::{Json, Path, Query};
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show))
}

/// How it is measured.
#[derive(Debug, Deserialize, ToSchema)]
pub struct EffectQuery {
    /// For how many days people are followed, and how far touches look back: 1 to 90, 14 without it.
    days: Option<u32>,
    /// How touches share an order: `last`, `linear` or `position`.
    rule: Option<String>,
}

/// What was brought in of one metric.
#[derive(Debug, Serialize, ToSchema)]
pub struct BroughtIn {
    metric: MetricShape,
    /// What is there that would not be there without it: people, orders, or money.
    estimate: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    /// Why it cannot be said: `too_few`, `no_variance`, `nothing_to_relate_to`, `no_denominator` or `impossible`.
    reason: Option<String>,
    /// What those who came in came to in all.
    total: Option<f64>,
    sentences: Vec<Said>,
}

/// What those say who got nothing by chance.
#[derive(Debug, Serialize, ToSchema)]
pub struct HoldoutEffect {
    /// `holdout`: they were held out; `split`: one way of a split writes to nobody.
    by: String,
    /// What the group of those who got nothing is called.
    control: String,
    /// What the group of the others is called.
    treatment: String,
    /// The share of those who get nothing, in per cent.
    percent: f64,
    /// Since when it is so.
    since: String,
    held_out: u64,
    treated: u64,
    /// Of them, how many have not had all their days.
    immature: u64,
    metrics: Vec<BroughtIn>,
}

/// What touches give a journey.
#[derive(Debug, Serialize, ToSchema)]
pub struct TouchRow {
    /// The journey; none: orders that no message came before.
    journey: Option<String>,
    /// Orders, parted.
    orders: f64,
    /// Revenue, exact.
    revenue: String,
}

/// The view by touches. It is never added to what the holdout says.
#[derive(Debug, Serialize, ToSchema)]
pub struct TouchView {
    /// To be shown with every number of it.
    warning: Said,
    rule: String,
    currency: String,
    rows: Vec<TouchRow>,
}

/// What a journey brought in.
#[derive(Debug, Serialize, ToSchema)]
pub struct JourneyEffect {
    journey: String,
    days: u32,
    /// None where nobody is held out and no split parts people: then what it brought in cannot be said.
    holdout: Option<HoldoutEffect>,
    /// What to know of it.
    note: Option<String>,
    touches: TouchView,
}

/// Says what a journey or campaign brought in.
#[utoipa::path(get, path = "/api/v1/journeys/{key}/effect", security(("caller" = ["view_reports"])), tag = "experiments",
    params(("key" = String, Path), ("days" = Option<u32>, Query), ("rule" = Option<String>, Query)),
    responses((status = 200, body = JourneyEffect), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Query(query): Query<EffectQuery>,
) -> Result<Json<JourneyEffect>, Problem> {
    caller.require(Permission::ViewReports)?;
    let workspace = caller.workspace;
    let days = query.days.unwrap_or(14);
    if !(1..=90).contains(&days) {
        return Err(Problem::invalid("days", "is 1 to 90"));
    }
    let rule = match query.rule.as_deref() {
        None | Some("last") => Rule::Last,
        Some("linear") => Rule::Linear,
        Some("position") => Rule::Position,
        Some(_) => return Err(Problem::invalid("rule", "is `last`, `linear` or `position`")),
    };
    let mut db = app.installation.store.read();
    journeys::find(&mut db, workspace, &key).await?.ok_or_else(|| Problem::not_found("journey"))?;
    let versions = journeys::versions(&mut db, workspace, &key).await?;
    let context = context(&app.installation, workspace).await?;
    let lot = match (effect::lot(&key, &versions), effect::split(&key, &versions)) {
        (Some(lot), _) => Some(lot),
        (None, Some(split)) => Some(effect::as_drawn(&mut db, workspace, split).await?),
        (None, None) => None,
    };
    let holdout = match lot {
        None => None,
        Some(lot) => Some(effect::by_holdout(&app.installation, workspace, &lot, days, &context).await?),
    };
    let credits = effect::by_touches(&app.installation, workspace, rule, days, &context).await?;
    let row = |(subject, credit): (String, Credit)| TouchRow {
        journey: Some(subject).filter(|it| !it.is_empty()),
        orders: credit.conversions,
        revenue: money::format_micros(credit.value),
    };
    let note = holdout.is_none().then(|| {
        "Nobody is held out, so what it brought in cannot be said. Hold some people out in the journey's settings."
            .to_owned()
    });
    let word = match rule {
        Rule::Last => "last",
        Rule::Linear => "linear",
        Rule::Position => "position",
    };
    Ok(Json(JourneyEffect {
        journey: key,
        days,
        holdout: holdout.map(shape),
        note,
        touches: TouchView {
            warning: said(&touch_warning()),
            rule: word.to_owned(),
            currency: context.currency.as_str().to_owned(),
            rows: credits.into_iter().map(row).collect(),
        },
    }))
}

/// On the wire.
pub(super) fn shape(it: effect::Effect) -> HoldoutEffect {
    let brought_in = |(of, it): (rapport_experiments::design::Metric, Incremental)| {
        let believed = it.brought_in.as_ref().ok().filter(|_| !it.ratio_broken);
        BroughtIn {
            metric: metric(&of),
            estimate: believed.map(|it| it.estimate),
            low: believed.map(|it| it.low),
            high: believed.map(|it| it.high),
            reason: it.brought_in.as_ref().err().map(|it| reason_word(*it).to_owned()),
            total: it.total,
            sentences: it.sentences.iter().map(said).collect(),
        }
    };
    let [control, treatment] = it.lot.arms;
    HoldoutEffect {
        control,
        treatment,
        by: it.lot.by.as_str().to_owned(),
        percent: it.lot.percent,
        since: time(it.lot.since),
        held_out: it.people.0,
        treated: it.people.1,
        immature: it.immature,
        metrics: it.metrics.into_iter().map(brought_in).collect(),
    }
}
