//! What the programme amounts to: members, what was given, redeemed and lapsed, what is outstanding and when it lapses, what each rule gives.
//!
//! Always holds: sums come from sums that were written with the postings (`loyalty::records::flows`), so that a page reads thousands of rows, and not the ledger.

use std::collections::BTreeMap;

use crate::http::route::routes;
use axum::extract::State;
use rapport_analytics::{Cell, Detail, Question};
use rapport_domain::calendar::Interval;
use rapport_domain::{Calendar, Timestamp};
use rapport_loyalty::document;
use rapport_loyalty::earning::{CapPer, Every, Period, Rule, given as given_by};
use rapport_loyalty::ledger::{Balance, MemberId, WalletId};
use rapport_loyalty::program::WalletPlan;
use rapport_loyalty::records::documents::Version;
use rapport_loyalty::records::flows::{self, Flows};
use rapport_loyalty::records::{awards, members, read, wallets};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::liability::{WalletBooks, in_passing};
use super::{documents, missing};
use crate::api::members::{given, instant};
use crate::api::questions::context;
use crate::api::shapes::{Amount, time};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::earning::effect;
use crate::http::extract::{Json, Query};
use crate::http::paging::Rows;
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(loyalty_overview))
        .routes(routes!(loyalty_lapsing))
        .routes(routes!(loyalty_rule_figures))
}

const USUAL_DAYS: i64 = 365;
const MOST_PERIODS: usize = 120;
/// Stands for everybody where it is asked what rules gave: nobody in particular.
const NOBODY: MemberId = MemberId(-1);

/// Of which time.
#[derive(Debug, Deserialize, IntoParams)]
pub struct OverviewQuery {
    /// From this time on (RFC 3339); a year before `to` unless said.
    from: Option<String>,
    /// Before this time; now unless said.
    to: Option<String>,
    /// Periods: `day`, `week` or `month` (unless said), by the programme's zone.
    interval: Option<String>,
}

/// What moved in a wallet in a time, by when it took effect.
#[derive(Debug, Serialize, ToSchema)]
pub struct PointsFlows {
    /// Given by rules, programs and staff, without `adjusted`.
    issued: i64,
    /// Of what was given, taken back: an order was refunded.
    taken_back: i64,
    /// Spent, less what was given back.
    redeemed: i64,
    /// Lapsed, less what was given back.
    lapsed: i64,
    /// Put right by hand or by an import: up less down.
    adjusted: i64,
}

impl From<Flows> for PointsFlows {
    fn from(Flows { issued, taken_back, redeemed, lapsed, adjusted, balance: _ }: Flows) -> Self {
        Self { issued, taken_back, redeemed, lapsed, adjusted }
    }
}

/// A period of a wallet.
#[derive(Debug, Serialize, ToSchema)]
pub struct WalletPeriod {
    from: String,
    to: String,
    /// Whether it goes on: the time that is asked for does not hold all of it.
    is_open: bool,
    #[serde(flatten)]
    flows: PointsFlows,
    /// What members had at its end, or now: to be spent, pending and held, less what they owed.
    outstanding: i64,
}

/// What a wallet amounts to.
#[derive(Debug, Serialize, ToSchema)]
pub struct WalletOverview {
    wallet: String,
    name: String,
    /// `points`, `stamps`, or `money` in the smallest units of a currency.
    #[schema(value_type = Object)]
    unit: Value,
    now: PointsFlows,
    before: PointsFlows,
    /// Since the programme began.
    ever: PointsFlows,
    /// What members have as of now.
    pending: i64,
    available: i64,
    held: i64,
    owed: i64,
    /// What of it would be worth if all of it were redeemed; null where the programme does not say what one is worth.
    worth: Option<Amount>,
    /// Of what was given since the programme began and not taken back, the share that was redeemed, 0 to 1; null where nothing was given.
    redemption_rate: Option<f64>,
    /// What it comes to in the books; null as long as they are not kept up to near the ledger's end.
    books: Option<WalletBooks>,
    periods: Vec<WalletPeriod>,
}

/// Who came.
#[derive(Debug, Serialize, ToSchema)]
pub struct MembersPeriod {
    from: String,
    to: String,
    is_open: bool,
    /// Who became a member in it.
    joined: i64,
    /// Members at its end, or now.
    members: i64,
}

/// What the programme amounts to.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoyaltyOverview {
    from: String,
    to: String,
    /// Where the time before begins that everything is compared with: it is as long, and ends where this one begins.
    before_from: String,
    members: i64,
    joined: i64,
    joined_before: i64,
    /// People who earned points in the time; each once.
    earning: i64,
    earning_before: i64,
    /// Asks who they are.
    #[schema(value_type = Object)]
    earning_question: Value,
    /// Rules that are live.
    live_rules: usize,
    /// Those of them that hold somebody out by chance, so that it can be said what they bring in.
    measured_rules: usize,
    /// In the programme's order.
    wallets: Vec<WalletOverview>,
    periods: Vec<MembersPeriod>,
}

/// A time, where its periods begin and the last one ends, and where the time before begins.
struct Span {
    from: Timestamp,
    to: Timestamp,
    before_from: Timestamp,
    starts: Vec<Timestamp>,
}

impl Span {
    fn read(query: &OverviewQuery, now: Timestamp, calendar: &Calendar) -> Result<Self, Problem> {
        let to = instant("to", given(&query.to))?.unwrap_or(now.plus(Timestamp::SECOND));
        let from = instant("from", given(&query.from))?.unwrap_or(to.plus(-USUAL_DAYS * Timestamp::DAY));
        if from >= to {
            return Err(Problem::invalid("to", "lies after `from`"));
        }
        let interval = match given(&query.interval) {
            Some("day") => Interval::Day,
            Some("week") => Interval::Week,
            None | Some("month") => Interval::Month,
            Some(_) => return Err(Problem::invalid("interval", "is one of day, week, month")),
        };
        let starts = calendar.starts(interval, from, to, MOST_PERIODS);
        if starts.len() > MOST_PERIODS {
            let detail = format!("gives more than {MOST_PERIODS} periods; choose a longer one");
            return Err(Problem::invalid("interval", detail));
        }
        let before_from = Timestamp(from.0.saturating_sub(to.0.saturating_sub(from.0)));
        Ok(Self { from, to, before_from, starts })
    }

    fn periods(&self) -> Vec<(Timestamp, Timestamp)> {
        self.starts.windows(2).map(|ends| (ends[0], ends[1])).collect()
    }

    fn is_open(&self, (from, to): (Timestamp, Timestamp)) -> bool {
        from < self.from || to > self.to
    }
}

/// Says what the programme amounts to: its members, and wallet by wallet what was given, redeemed, lapsed and taken back, and what is outstanding.
#[utoipa::path(get, path = "/api/v1/loyalty/overview", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "loyalty_overview", params(OverviewQuery), responses((status = 200, body = LoyaltyOverview), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn loyalty_overview(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<OverviewQuery>,
) -> Result<Json<LoyaltyOverview>, Problem> {
    caller.require(Permission::ViewReports)?;
    let workspace = caller.workspace;
    let mut db = app.installation.store.read();
    let programs = app.installation.programs.get(&mut db, workspace).await?;
    let program = &programs.latest().ok_or_else(missing)?.program;
    let span = Span::read(&query, app.now(), &program.calendar()?)?;
    let numbers = wallets::numbers(&mut db, workspace).await?;
    let all: Vec<WalletId> = numbers.values().copied().collect();
    let times = [(span.from, span.to), (span.before_from, span.from), (span.to, Timestamp(i64::MAX))];
    let mut sums = Vec::new();
    for time in times.into_iter().chain(span.periods()) {
        sums.push(flows::between(&mut db, workspace, &all, time).await?);
    }
    let ever = flows::ever(&mut db, workspace, &all).await?;
    let mut books = in_passing(&app, workspace, program).await?;
    let plans = program.wallets.iter().filter_map(|plan| Some((plan, *numbers.get(&plan.key)?)));
    let wallets = plans.map(|(plan, wallet)| {
        let of = |sums: &BTreeMap<WalletId, Flows>| sums.get(&wallet).copied().unwrap_or_default();
        let sums: Vec<Flows> = sums.iter().map(of).collect();
        let books = books.remove(&plan.key);
        wallet_overview(plan, program.currency.as_str(), (of(&ever), &sums, books), &span)
    });
    let wallets = wallets.collect();
    let (live_rules, measured_rules) = measured(&programs.rules);
    let members = members::count(&mut db, workspace, None).await?;
    let after = members::count(&mut db, workspace, Some((span.to, Timestamp(i64::MAX)))).await?;
    let mut at_end = members - after;
    let mut periods = Vec::new();
    for (from, to) in span.periods().into_iter().rev() {
        let joined = members::count(&mut db, workspace, Some((from, to.min(span.to)))).await?;
        let is_open = span.is_open((from, to));
        periods.push(MembersPeriod { from: time(from), to: time(to), is_open, joined, members: at_end });
        at_end -= joined;
    }
    periods.reverse();
    let earning_question = json!({"kind": "trend", "series": [{"event": "Points Earned", "measure": "people"}], "interval": "month",
        "period": {"from": time(span.from), "to": time(span.to)}, "compare": true});
    let (earning, earning_before) = earned(&app, &caller, &earning_question).await?;
    Ok(Json(LoyaltyOverview {
        from: time(span.from),
        to: time(span.to),
        before_from: time(span.before_from),
        members,
        joined: members::count(&mut db, workspace, Some((span.from, span.to))).await?,
        joined_before: members::count(&mut db, workspace, Some((span.before_from, span.from))).await?,
        earning,
        earning_before,
        earning_question,
        live_rules,
        measured_rules,
        wallets,
        periods,
    }))
}

/// How many rules are live, and of how many of those it can be said what they bring in: what it is takes all orders to say, and is asked for rule by rule.
fn measured(rules: &[Version<Rule>]) -> (usize, usize) {
    let by_rule = rules.chunk_by(|one, other| one.document.key == other.document.key);
    let live: Vec<_> = by_rule.filter(|all| all.last().is_some_and(|it| it.state == document::State::Live)).collect();
    (live.len(), live.iter().filter(|all| effect::since(all).is_some()).count())
}

/// `sums` of the time, of the time before, of what came after it, and of each period.
fn wallet_overview(
    plan: &WalletPlan,
    currency: &str,
    (ever, sums, books): (Flows, &[Flows], Option<WalletBooks>),
    span: &Span,
) -> WalletOverview {
    let Balance { pending, available, held, owed } = ever.balance;
    let total = ever.balance.total();
    let kept = ever.issued - ever.taken_back;
    // Backwards from what is outstanding now.
    let mut outstanding = total - sums[2].balance.total();
    let mut periods = Vec::new();
    for ((from, to), flows) in span.periods().into_iter().zip(&sums[3..]).rev() {
        let is_open = span.is_open((from, to));
        periods.push(WalletPeriod { from: time(from), to: time(to), is_open, flows: (*flows).into(), outstanding });
        outstanding -= flows.balance.total();
    }
    periods.reverse();
    WalletOverview {
        wallet: plan.key.clone(),
        name: plan.name.clone(),
        unit: json!(plan.unit),
        now: sums[0].into(),
        before: sums[1].into(),
        ever: ever.into(),
        pending,
        available,
        held,
        owed,
        worth: plan.worth.and_then(|worth| worth_of(worth.micros(), pending + available + held, currency)),
        books,
        redemption_rate: (kept > 0).then(|| ever.redeemed as f64 / kept as f64),
        periods,
    }
}

/// What so many points are worth, in an amount of the programme's currency.
fn worth_of(one: i64, points: i64, currency: &str) -> Option<Amount> {
    Some(Amount::of(one.checked_mul(points)?, currency))
}

/// How many people earned points in a time, and in the time before.
async fn earned(app: &App, caller: &Caller, question: &Value) -> Result<(i64, i64), Problem> {
    let context = context(&app.installation, caller.workspace).await?;
    let question = Question::from_json(question.clone())?;
    let answer = app.installation.analytics.ask(caller.workspace, &question, &context).await?;
    let Detail::Trend(trend) = answer.detail else { return Err(Problem::internal("a trend gave another answer")) };
    let line = trend.series.first();
    let people = |cell: Option<&Cell>| match cell {
        Some(Cell::Integer(count)) => *count,
        _ => 0,
    };
    Ok((people(line.map(|line| &line.total)), people(line.and_then(|line| line.compare_total.as_ref()))))
}

/// Of which wallet.
#[derive(Debug, Deserialize, IntoParams)]
pub struct LapsingQuery {
    /// Its key; the programme's first, unless said.
    wallet: Option<String>,
}

/// Points that lapse in a month.
#[derive(Debug, Serialize, ToSchema)]
pub struct LapsingMonth {
    /// The month's beginning in the programme's zone; null of those that never lapse. A point that can be spent to the end of a month lapses in that month.
    from: Option<String>,
    points: i64,
    worth: Option<Amount>,
}

/// When what is outstanding lapses.
#[derive(Debug, Serialize, ToSchema)]
pub struct Lapsing {
    wallet: String,
    /// What members have in lots: the sum of all months.
    points: i64,
    /// The nearest first; those that never lapse last.
    months: Vec<LapsingMonth>,
}

/// Says when what members have lapses, month by month: pending and held points too. The months sum to what there is.
#[utoipa::path(get, path = "/api/v1/loyalty/lapsing", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "loyalty_lapsing", params(LapsingQuery), responses((status = 200, body = Lapsing), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn loyalty_lapsing(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<LapsingQuery>,
) -> Result<Json<Lapsing>, Problem> {
    caller.require(Permission::ViewReports)?;
    let mut db = app.installation.store.read();
    let programs = app.installation.programs.get(&mut db, caller.workspace).await?;
    let program = &programs.latest().ok_or_else(missing)?.program;
    let calendar = program.calendar()?;
    let plan = program.wallet_meant(given(&query.wallet)).ok_or_else(|| Problem::not_found("wallet"))?;
    let numbers = wallets::numbers(&mut db, caller.workspace).await?;
    let wallet = *numbers.get(&plan.key).ok_or_else(|| Problem::not_found("wallet"))?;
    let mut months: BTreeMap<Timestamp, i64> = BTreeMap::new();
    let mut never = 0;
    for (end, points) in read::lapsing(&mut db, caller.workspace, wallet).await? {
        match end {
            // The end is the first instant at which they cannot be spent any more.
            Some(end) => *months.entry(calendar.floor(end.plus(-1), Interval::Month)).or_default() += points,
            None => never += points,
        }
    }
    let worth = |points| plan.worth.and_then(|worth| worth_of(worth.micros(), points, program.currency.as_str()));
    let row =
        |(from, points): (Option<Timestamp>, i64)| LapsingMonth { from: from.map(time), points, worth: worth(points) };
    let rows = months.into_iter().map(|(from, points)| (Some(from), points));
    let rows: Vec<LapsingMonth> = rows.chain((never > 0).then_some((None, never))).map(row).collect();
    Ok(Json(Lapsing { wallet: plan.key.clone(), points: rows.iter().map(|it| it.points).sum(), months: rows }))
}

/// What a rule gave everybody in a month of the programme's zone, less what was taken back.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleMonth {
    from: String,
    points: i64,
    times: i64,
}

/// How much of a budget is used.
#[derive(Debug, Serialize, ToSchema)]
pub struct BudgetUse {
    /// Which of the rule's caps, from 0.
    cap: usize,
    used: i64,
    most: i64,
}

/// What a rule gives.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleFigures {
    rule: String,
    wallet: String,
    /// The latest last.
    months: Vec<RuleMonth>,
    /// Caps that count for everybody together, in the period that goes on.
    budgets: Vec<BudgetUse>,
}

/// How many months of rules are told.
const RULE_MONTHS: usize = 12;

/// Lists what each rule gave in the last twelve months, and how much of its budgets is used.
#[utoipa::path(get, path = "/api/v1/loyalty/rules/figures", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "loyalty_rule_figures", responses((status = 200, body = Rows<RuleFigures>)))]
pub async fn loyalty_rule_figures(State(app): State<App>, caller: Caller) -> Result<Json<Rows<RuleFigures>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let mut db = app.installation.store.read();
    let programs = app.installation.programs.get(&mut db, caller.workspace).await?;
    let Some(latest) = programs.latest() else { return Ok(Json(Rows { rows: Vec::new() })) };
    let calendar = latest.program.calendar()?;
    let now = app.now();
    let mut months: Vec<Timestamp> = vec![calendar.floor(now, Interval::Month)];
    while months.len() < RULE_MONTHS {
        months.push(calendar.floor(months[months.len() - 1].plus(-1), Interval::Month));
    }
    months.reverse();
    let of_month = |from: Timestamp| Period::of(Every::Month, from, &calendar);
    let current = Period::all(now, &calendar);
    let keys = months.iter().map(|from| of_month(*from)).chain(current).map(Period::key);
    let keys: Vec<String> = keys.collect();
    let rules = documents::list::<Rule>(&app, &caller, true).await?;
    let names: Vec<String> = rules.iter().map(|it| it.document.key.clone()).collect();
    let used = awards::used(&mut db, caller.workspace, &names, &[], &keys).await?;
    let rows = rules.iter().map(|it| {
        let of = |period: Period| given_by(&used, NOBODY, &it.document.key, CapPer::Everybody, period);
        let month = |from: &Timestamp| {
            let given = of(of_month(*from));
            RuleMonth { from: time(*from), points: given.points, times: given.times }
        };
        let budgets = it.document.caps.iter().enumerate().filter(|(_, cap)| cap.per == CapPer::Everybody);
        RuleFigures {
            rule: it.document.key.clone(),
            wallet: it.document.wallet(&latest.program).to_owned(),
            months: months.iter().map(month).collect(),
            budgets: budgets
                .map(|(at, cap)| {
                    let given = of(Period::of(cap.every, now, &calendar));
                    BudgetUse { cap: at, used: given.of(cap.of), most: cap.most }
                })
                .collect(),
        }
    });
    Ok(Json(Rows { rows: rows.collect() }))
}
