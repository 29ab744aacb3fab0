//! What complaints amount to, in all and by what tells them apart.

use std::collections::BTreeMap;

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::Timestamp;
use rapport_feedback::complaints::State as Standing;
use rapport_feedback::complaints::figures::{Figures, Observed, Share, Times, figures};
use rapport_feedback::complaints::records::{self, By};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::super::members::{given, instant};
use super::super::shapes::{Amount, time};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::complaining;
use crate::http::extract::{Json, Query};
use crate::problem::Problem;

/// So many of the newest are counted.
const MOST: i64 = 100_000;
const USUAL_DAYS: i64 = 90;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(complaint_figures))
}

/// Of which time, and by what.
#[derive(Debug, Deserialize, IntoParams)]
pub struct FiguresQuery {
    /// Opened from this time on (RFC 3339); 90 days ago unless said.
    from: Option<String>,
    /// Opened before this time; now unless said.
    to: Option<String>,
    /// What tells groups apart: `category` (unless said), `root_cause`, `touchpoint`, `severity`, `channel` or `product`.
    by: Option<String>,
}

/// A share with the interval that holds it 19 times of 20.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShareShape {
    hits: u64,
    of: u64,
    share: f64,
    low: f64,
    high: f64,
}

impl ShareShape {
    /// Of a share.
    pub(crate) fn of(it: Share) -> Self {
        Self { hits: it.hits, of: it.of, share: it.share, low: it.low, high: it.high }
    }
}

/// How long something takes, in seconds of business time.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimesShape {
    /// For how many it has happened.
    done: u64,
    /// For how many it has not.
    waiting: u64,
    /// For how many of these it is late already.
    overdue: u64,
    /// Within this time it had happened for half of all, those that wait included; null while that is not known.
    median_seconds: Option<i64>,
    /// For nine of ten.
    ninth_seconds: Option<i64>,
    /// The mean of those for which it has happened.
    mean_of_done_seconds: Option<i64>,
    /// Those in time among those that are decided: done, or late already.
    attained: Option<ShareShape>,
}

impl TimesShape {
    fn of(it: &Times) -> Self {
        let seconds = |micros: Option<i64>| micros.map(|micros| micros / Timestamp::SECOND);
        Self {
            done: it.done,
            waiting: it.waiting,
            overdue: it.overdue,
            median_seconds: seconds(it.median),
            ninth_seconds: seconds(it.ninth),
            mean_of_done_seconds: seconds(it.mean_of_done),
            attained: it.attained.map(ShareShape::of),
        }
    }
}

/// What some complaints cost.
#[derive(Debug, Serialize, ToSchema)]
pub struct CostShape {
    /// How many say what they cost.
    complaints: u64,
    sum: Amount,
}

/// What complaints amount to.
#[derive(Debug, Serialize, ToSchema)]
pub struct ComplaintFigures {
    /// What they have in common; null for those of which it is not known, and in all.
    group: Option<String>,
    complaints: u64,
    /// How many are `open`, `answered`, `resolved`, `reopened`.
    states: BTreeMap<String, u64>,
    /// How many were opened again at least once.
    reopened: u64,
    /// How many were resolved without an answer.
    resolved_unanswered: u64,
    first_answer: TimesShape,
    first_resolution: TimesShape,
    /// The time in which they were open in all, reopenings included.
    resolution: TimesShape,
    /// How many complaints and mentions others can read.
    public: u64,
    /// The share of these that was answered in public.
    public_answered: Option<ShareShape>,
    public_answer: TimesShape,
    /// People who complained.
    people: u64,
    /// People who did so twice or more.
    repeat_people: u64,
    /// Their complaints.
    repeat_complaints: u64,
    /// What they cost, by currency.
    cost: Vec<CostShape>,
}

impl ComplaintFigures {
    fn of(group: Option<String>, it: Figures) -> Self {
        let states = Standing::ALL.iter().zip(it.states).map(|(state, count)| (state.as_str().to_owned(), count));
        let cost = it
            .cost
            .into_iter()
            .map(|(currency, (complaints, micros))| CostShape { complaints, sum: Amount::of(micros, &currency) });
        Self {
            group,
            complaints: it.complaints,
            states: states.collect(),
            reopened: it.reopened,
            resolved_unanswered: it.resolved_unanswered,
            first_answer: TimesShape::of(&it.first_answer),
            first_resolution: TimesShape::of(&it.first_resolution),
            resolution: TimesShape::of(&it.resolution),
            public: it.public.all,
            public_answered: it.public.answered.map(ShareShape::of),
            public_answer: TimesShape::of(&it.public.times),
            people: it.repeats.people,
            repeat_people: it.repeats.repeated,
            repeat_complaints: it.repeats.complaints,
            cost: cost.collect(),
        }
    }
}

/// Figures of complaints.
#[derive(Debug, Serialize, ToSchema)]
pub struct ComplaintFiguresAnswer {
    from: String,
    to: String,
    /// What tells the groups apart.
    by: String,
    /// Whether only the newest were counted.
    is_cut: bool,
    all: ComplaintFigures,
    /// Most complaints first.
    groups: Vec<ComplaintFigures>,
}

/// Says what the complaints of a time amount to: how fast they were answered and resolved in business time, in public too, whose they are again, and what
/// they cost. Competitors' are left out; mentions count among what is public only.
#[utoipa::path(get, path = "/api/v1/complaints/figures", security(("caller" = ["view_reports"])), tag = "feedback", operation_id = "complaint_figures", params(FiguresQuery), responses((status = 200, body = ComplaintFiguresAnswer), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn complaint_figures(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<FiguresQuery>,
) -> Result<Json<ComplaintFiguresAnswer>, Problem> {
    caller.require(Permission::ViewReports)?;
    let now = app.now();
    let to = instant("to", given(&query.to))?.unwrap_or_else(|| now.plus(1));
    let from = instant("from", given(&query.from))?.unwrap_or_else(|| to.plus(-USUAL_DAYS * Timestamp::DAY));
    if from >= to {
        return Err(Problem::invalid("to", "it is after `from`"));
    }
    let word = given(&query.by).unwrap_or("category");
    let by = match word {
        "category" => By::Category,
        "root_cause" => By::RootCause,
        "touchpoint" => By::Touchpoint,
        "severity" => By::Severity,
        "channel" => By::Channel,
        "product" => By::Product,
        _ => return Err(Problem::invalid("by", "is category, root_cause, touchpoint, severity, channel or product")),
    };
    let mut db = app.installation.store.read();
    let (settings, _) = complaining::settings(&mut db, caller.workspace).await?;
    let hours = settings.hours().map_err(|(field, why)| Problem::invalid(&field, why))?;
    let (rows, is_cut) = records::observed(&mut db, caller.workspace, (from, to), by, MOST).await?;
    let targets = settings.targets;
    let counting = move || {
        let mut groups: BTreeMap<Option<String>, Vec<Observed>> = BTreeMap::new();
        let mut all = Vec::with_capacity(rows.len());
        for (group, one) in rows {
            all.push(one.clone());
            groups.entry(group).or_default().push(one);
        }
        let of = |observed: &[Observed]| figures(observed, &hours, &targets, now);
        let mut found: Vec<ComplaintFigures> =
            groups.into_iter().map(|(group, some)| ComplaintFigures::of(group, of(&some))).collect();
        found.sort_by_key(|it| std::cmp::Reverse(it.complaints));
        (ComplaintFigures::of(None, of(&all)), found)
    };
    let (all, groups) = tokio::task::spawn_blocking(counting).await.map_err(Problem::internal)?;
    Ok(Json(ComplaintFiguresAnswer { from: time(from), to: time(to), by: word.to_owned(), is_cut, all, groups }))
}
