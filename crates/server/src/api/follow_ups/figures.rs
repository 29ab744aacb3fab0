//! How well the loop is closed.

use std::collections::BTreeMap;

use axum::extract::State;
use rapport_domain::{PersonId, Timestamp};
use rapport_feedback::follow_ups::figures::{Case, Deeds, Figures, Group, Later, figures, later};
use rapport_feedback::follow_ups::records::{self, FollowUpRow, rules};
use rapport_feedback::results::Share;
use rapport_models::survey::{Confidence, Difference};
use rapport_profiles::records::{orders, persons};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{NO_TIME, named};
use crate::api::questions::context;
use crate::api::segments::user_names;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Query};
use crate::problem::Problem;

/// So many of the latest are looked at.
const MOST: i64 = 100_000;
/// People are looked up so many at a time.
const TOGETHER: usize = 5_000;
const HOUR: f64 = Timestamp::HOUR as f64;

/// Of which time.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct FollowUpFiguresQuery {
    /// Opened from this time on; otherwise within the last 365 days.
    from: Option<String>,
    /// Opened before this time.
    to: Option<String>,
    /// What people did within so many days after the deadline; otherwise 90.
    days: Option<u32>,
    /// Also by `rule` or by `owner`.
    by: Option<String>,
}

/// A figure with the interval that holds the truth 19 times of 20.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ranged {
    estimate: f64,
    low: f64,
    high: f64,
}

impl Ranged {
    /// Of a share, or of any figure with its interval.
    pub fn of(share: Share) -> Self {
        Self { estimate: share.estimate, low: share.low, high: share.high }
    }

    /// With the ends of its interval.
    pub const fn between(estimate: f64, low: f64, high: f64) -> Self {
        Self { estimate, low, high }
    }

    /// Of a difference.
    pub fn of_difference(it: Difference) -> Self {
        Self { estimate: it.estimate, low: it.low, high: it.high }
    }

    fn units(share: Share) -> Self {
        let unit = |it: f64| it / 1e6;
        Self { estimate: unit(share.estimate), low: unit(share.low), high: unit(share.high) }
    }
}

/// How well the loop is closed. Those that needed no action count for none of the shares.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoopFigures {
    opened: u64,
    /// Of which by now were spoken with, should have been, or are done: what the first two shares are of.
    judged: u64,
    contacted: Option<Ranged>,
    /// Spoken with by the deadline.
    in_time: Option<Ranged>,
    /// Of those that are done, content again.
    recovered: Option<Ranged>,
    /// Done, by outcome.
    outcomes: BTreeMap<String, u64>,
    /// The middle of the times until they were spoken with, in hours.
    usual_hours: Option<f64>,
}

impl LoopFigures {
    fn of(it: Figures) -> Self {
        Self {
            opened: it.opened,
            judged: it.judged,
            contacted: it.contacted.map(Ranged::of),
            in_time: it.in_time.map(Ranged::of),
            recovered: it.recovered.map(Ranged::of),
            outcomes: it.outcomes.into_iter().map(|(word, count)| (word.to_owned(), count)).collect(),
            usual_hours: it.usual_time.map(|micros| micros as f64 / HOUR),
        }
    }
}

/// What a group of people did after the deadline. Amounts are in the workspace's currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct LaterGroup {
    people: u64,
    /// The share of those who bought.
    bought: Option<Ranged>,
    /// Orders of each on average.
    orders: Option<f64>,
    /// What each spent on average.
    spent: Option<f64>,
    /// The share of those who were still seen in the second half of the days, or later.
    stayed: Option<Ranged>,
}

impl LaterGroup {
    fn of(it: Group) -> Self {
        Self {
            people: it.people,
            bought: it.bought.map(Ranged::of),
            orders: it.orders,
            spent: it.spent.map(|micros| micros / 1e6),
            stayed: it.stayed.map(Ranged::of),
        }
    }
}

/// What people did afterwards who were spoken with by the deadline, and who were not. It is association: whom somebody calls is not drawn by chance.
#[derive(Debug, Serialize, ToSchema)]
pub struct LaterFigures {
    /// `association`.
    kind: &'static str,
    days: u32,
    currency: String,
    contacted: LaterGroup,
    others: LaterGroup,
    /// The first less the second, with its interval.
    bought_more: Option<Ranged>,
    stayed_more: Option<Ranged>,
    spent_more: Option<Ranged>,
    /// So few people that the intervals are to be shown before the figures.
    few: bool,
    /// People whose days are not over.
    too_recent: u64,
}

impl LaterFigures {
    fn of(it: Later, days: u32, currency: &str) -> Self {
        Self {
            kind: "association",
            days,
            currency: currency.to_owned(),
            contacted: LaterGroup::of(it.contacted),
            others: LaterGroup::of(it.others),
            bought_more: it.bought_more.map(Ranged::of_difference),
            stayed_more: it.stayed_more.map(Ranged::of_difference),
            spent_more: it.spent_more.map(Ranged::units),
            few: it.few,
            too_recent: it.too_recent,
        }
    }
}

/// The figures of a rule or an owner.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoopGroup {
    /// The rule's key, or the owner's id; none is nobody.
    key: Option<String>,
    name: Option<String>,
    figures: LoopFigures,
}

/// How well the loop is closed.
#[derive(Debug, Serialize, ToSchema)]
pub struct FollowUpFigures {
    from: String,
    to: String,
    all: LoopFigures,
    /// By rule or owner, as asked for.
    groups: Vec<LoopGroup>,
    later: LaterFigures,
}

/// Says how well the loop is closed: who was spoken with, in time, and is content again, with intervals; and what people did afterwards beside those who were not
/// spoken with.
#[utoipa::path(get, path = "/api/v1/follow-ups/figures", security(("caller" = ["view_reports"])), tag = "follow_ups", operation_id = "follow_up_figures", params(FollowUpFiguresQuery), responses((status = 200, body = FollowUpFigures), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<FollowUpFiguresQuery>,
) -> Result<Json<FollowUpFigures>, Problem> {
    caller.require(Permission::ViewReports)?;
    let days = query.days.unwrap_or(90);
    if !(1..=730).contains(&days) {
        return Err(Problem::invalid("days", "is 1 to 730"));
    }
    let now = app.now();
    let instant = |name: &str, text: &Option<String>| match text.as_deref().filter(|it| !it.is_empty()) {
        Some(text) => Timestamp::parse(text).map(Some).ok_or_else(|| Problem::invalid(name, NO_TIME)),
        None => Ok(None),
    };
    let to = instant("to", &query.to)?.unwrap_or(now.plus(1));
    let from = instant("from", &query.from)?.unwrap_or(to.plus(-365 * Timestamp::DAY));
    let mut db = app.installation.store.read();
    let rows = records::opened_between(&mut db, caller.workspace, (from, to), MOST).await?;
    let cases: Vec<Case> = rows.iter().map(Case::of).collect();
    let context = context(&app.installation, caller.workspace).await?;
    let currency = context.currency.as_str();
    let first = cases.iter().map(|it| it.due_at).min().unwrap_or(now);
    let paid = orders::paid(&mut db, caller.workspace, currency, (first, now)).await?;
    let people: Vec<PersonId> = cases.iter().map(|it| it.person).collect();
    let mut seen = BTreeMap::new();
    for some in people.chunks(TOGETHER) {
        let found = persons::by_ids(&mut db, caller.workspace, some).await?;
        seen.extend(found.into_iter().map(|row| (row.person, row.last_seen_at)));
    }
    let confidence = Confidence::default();
    let read = later(&cases, Deeds { paid: &paid, seen: &seen }, (days, now), confidence);
    let groups = groups(&app, &caller, query.by.as_deref(), (&rows, now)).await?;
    Ok(Json(FollowUpFigures {
        from: from.to_rfc3339(),
        to: to.to_rfc3339(),
        all: LoopFigures::of(figures(&cases, now, confidence)),
        groups,
        later: LaterFigures::of(read, days, currency),
    }))
}

async fn groups(
    app: &App,
    caller: &Caller,
    by: Option<&str>,
    (rows, now): (&[FollowUpRow], Timestamp),
) -> Result<Vec<LoopGroup>, Problem> {
    let key: fn(&FollowUpRow) -> Option<String> = match by {
        None | Some("") => return Ok(Vec::new()),
        Some("rule") => |row| Some(row.rule.clone()),
        Some("owner") => |row| row.owner.clone(),
        Some(_) => return Err(Problem::invalid("by", "is rule or owner")),
    };
    let names = if by == Some("rule") {
        let all = rules::all(&mut app.installation.store.read(), caller.workspace).await?;
        all.into_iter().map(|it| (it.rule.key, it.rule.name)).collect()
    } else {
        user_names(app, caller.workspace).await?
    };
    let mut cases: BTreeMap<Option<String>, Vec<Case>> = BTreeMap::new();
    for row in rows {
        cases.entry(key(row)).or_default().push(Case::of(row));
    }
    let shape = |(key, cases): (Option<String>, Vec<Case>)| LoopGroup {
        name: named(&names, key.as_ref()),
        key,
        figures: LoopFigures::of(figures(&cases, now, Confidence::default())),
    };
    Ok(cases.into_iter().map(shape).collect())
}
