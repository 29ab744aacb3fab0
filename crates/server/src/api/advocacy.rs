//! `/api/v1/advocacy`: who speaks for the company, how, what it reaches; and what one customer said and did.

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::calendar::Interval;
use rapport_domain::{Handle, PersonId, Timestamp};
use rapport_feedback::advocacy::{
    Act, Advocate, Compared, Customers, Figure, Kind, KindFigures, advocates, figures, over_time, records,
};
use rapport_profiles::records::{identifiers, persons};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::members::{given, instant};
use super::questions::context;
use super::shapes::{ChangeShape, display_name, time};
use crate::advocating;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(advocacy)).routes(routes!(customer_advocacy))
}

const USUAL_DAYS: i64 = 90;
const USUAL_TOP: usize = 20;
const MOST_TOP: usize = 200;
const MOST_PERIODS: usize = 120;
/// So many acts of one customer are listed.
const MOST_ACTS: usize = 100;

/// Of which time.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct AdvocacyQuery {
    /// From this time on (RFC 3339); 90 days before `to` unless said.
    from: Option<String>,
    /// Before this time; now unless said.
    to: Option<String>,
    /// Periods of the trend: `day`, `week` (unless said), `month`, `quarter` or `year`, by the workspace's calendar.
    interval: Option<String>,
    /// Advocates of one kind only: `recommendation`, `review`, `mention`, `referral`.
    kind: Option<String>,
    /// At most so many advocates; 20 unless said, at most 200.
    limit: Option<usize>,
}

/// A share (0 to 1) or a mean, with the interval that holds it 19 times of 20.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdvocacyFigure {
    estimate: f64,
    low: f64,
    high: f64,
    /// Of so many.
    of: u64,
    /// Of a share: so many.
    hits: Option<u64>,
    /// Of fewer than 30: the interval is to be shown before the figure.
    few: bool,
}

impl AdvocacyFigure {
    fn of(it: Figure) -> Self {
        let Figure { score, hits } = it;
        Self { estimate: score.estimate, low: score.low, high: score.high, of: score.answers, hits, few: score.few }
    }
}

/// A figure beside that of the time before.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdvocacyCompared {
    now: Option<AdvocacyFigure>,
    before: Option<AdvocacyFigure>,
    change: Option<ChangeShape>,
}

impl AdvocacyCompared {
    fn of(it: Compared) -> Self {
        Self {
            now: it.now.map(AdvocacyFigure::of),
            before: it.before.map(AdvocacyFigure::of),
            change: it.change.map(ChangeShape::of),
        }
    }
}

/// What else is said of the quality of a kind.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdvocacyQuality {
    /// Of reviews: `verified` (bought what they write of), `detailed` (more than a sentence), `authenticity` (mean, 0 to 100: how little speaks against them). Of
    /// referrals: `came` (somebody came by it), `bought` (of those who came, who then bought).
    name: String,
    #[serde(flatten)]
    compared: AdvocacyCompared,
}

/// What the acts of one kind amount to.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdvocacyKind {
    /// `recommendation`, `review`, `mention` or `referral`.
    kind: String,
    acts: u64,
    acts_before: u64,
    /// Acts in favour.
    for_us: u64,
    for_us_before: u64,
    /// People with such an act in favour.
    people: u64,
    /// The share in favour; of referrals nothing, as all of them are.
    in_favour: AdvocacyCompared,
    quality: Vec<AdvocacyQuality>,
    /// How many those in favour reached: readers of mentions as far as known, people who came by referrals. Null where a kind has no reach.
    reach: Option<u64>,
    reach_before: Option<u64>,
    /// Of mentions: how many those not in favour reached.
    reach_against: Option<u64>,
}

impl AdvocacyKind {
    fn of(it: KindFigures) -> Self {
        let quality = |(name, compared): (&str, Compared)| AdvocacyQuality {
            name: name.to_owned(),
            compared: AdvocacyCompared::of(compared),
        };
        Self {
            kind: it.kind.as_str().to_owned(),
            acts: it.acts,
            acts_before: it.acts_before,
            for_us: it.for_us,
            for_us_before: it.for_us_before,
            people: it.people,
            in_favour: AdvocacyCompared::of(it.in_favour),
            quality: it.quality.into_iter().map(quality).collect(),
            reach: it.reach,
            reach_before: it.reach_before,
            reach_against: it.reach_against,
        }
    }
}

/// Acts in favour, by kind.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdvocacyCounts {
    recommendation: u64,
    review: u64,
    mention: u64,
    referral: u64,
}

impl AdvocacyCounts {
    fn of([recommendation, review, mention, referral]: [u64; 4]) -> Self {
        Self { recommendation, review, mention, referral }
    }
}

/// A period of the trend.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdvocacyPeriod {
    from: String,
    to: String,
    /// People with an act in favour.
    advocates: u64,
    /// Acts in favour.
    acts: AdvocacyCounts,
}

/// Whoever speaks for the company.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdvocateShape {
    person_id: String,
    name: String,
    /// Acts in favour.
    acts: AdvocacyCounts,
    /// What they said that is not in favour.
    others: u64,
    /// How many their acts in favour reached: readers as far as known, and people who came.
    reach: u64,
    /// People who came by them.
    came: u64,
    /// Those of them who then bought.
    bought: u64,
    last_at: String,
}

/// Who speaks for the company, how, and what it reaches.
#[derive(Debug, Serialize, ToSchema)]
pub struct Advocacy {
    from: String,
    to: String,
    /// Where the time before begins that everything is compared with: it is as long, and ends where this one begins.
    before_from: String,
    /// People with an act in favour.
    advocates: u64,
    advocates_before: u64,
    /// How many people had bought by the end of the time.
    customers: u64,
    /// The share of these who spoke for the company.
    share: AdvocacyCompared,
    kinds: Vec<AdvocacyKind>,
    periods: Vec<AdvocacyPeriod>,
    /// By whose word most people then bought, then with most acts, the furthest reach, the latest.
    top: Vec<AdvocateShape>,
    /// Whether there are more advocates than are listed.
    has_more: bool,
    /// Whether only the latest 100,000 of a kind were counted.
    is_cut: bool,
}

/// Says who speaks for the company in a time, how, and what it reaches, against the time before.
#[utoipa::path(get, path = "/api/v1/advocacy", security(("caller" = ["view_people"])), tag = "feedback", operation_id = "advocacy", params(AdvocacyQuery),
    responses((status = 200, body = Advocacy), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn advocacy(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<AdvocacyQuery>,
) -> Result<Json<Advocacy>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let to = instant("to", given(&query.to))?.unwrap_or(app.now().plus(Timestamp::SECOND));
    let from = instant("from", given(&query.from))?.unwrap_or(to.plus(-USUAL_DAYS * Timestamp::DAY));
    if from >= to {
        return Err(Problem::invalid("to", "lies after `from`"));
    }
    let kind = kind(&query)?;
    let limit = query.limit.unwrap_or(USUAL_TOP);
    if !(1..=MOST_TOP).contains(&limit) {
        return Err(Problem::invalid("limit", format_args!("is 1 to {MOST_TOP}")));
    }
    let starts = starts(&app, &caller, &query, (from, to)).await?;
    let before_from = Timestamp(from.0.saturating_sub(to.0.saturating_sub(from.0)));
    let mut db = app.installation.store.read();
    let (now, is_cut) = records::between(&mut db, caller.workspace, (from, to)).await?;
    let (before, was_cut) = records::between(&mut db, caller.workspace, (before_from, from)).await?;
    let now = advocating::acts(&mut db, caller.workspace, now).await?;
    let before = advocating::acts(&mut db, caller.workspace, before).await?;
    let all: Vec<&Act> = now.iter().chain(&before).collect();
    let customers = advocating::customers(&mut db, caller.workspace, &all, (from, to)).await?;
    let found = figures(&now, &before, &customers, (from, to));
    let periods = over_time(&now, &starts);
    let of_kind: Vec<Act> = now.into_iter().filter(|it| kind.is_none_or(|kind| it.told.kind == kind)).collect();
    let mut top = advocates(&of_kind, &customers);
    let has_more = top.len() > limit;
    top.truncate(limit);
    Ok(Json(Advocacy {
        from: time(from),
        to: time(to),
        before_from: time(before_from),
        advocates: found.advocates,
        advocates_before: found.advocates_before,
        customers: customers.now,
        share: AdvocacyCompared::of(found.share),
        kinds: found.kinds.into_iter().map(AdvocacyKind::of).collect(),
        periods: starts.windows(2).zip(periods).map(|(ends, it)| period((ends[0], ends[1]), it)).collect(),
        top: named(&app, &caller, top).await?,
        has_more,
        is_cut: is_cut || was_cut,
    }))
}

fn kind(query: &AdvocacyQuery) -> Result<Option<Kind>, Problem> {
    let Some(word) = given(&query.kind) else { return Ok(None) };
    let known = || Kind::ALL.map(Kind::as_str).join(", ");
    Kind::parse(word).map(Some).ok_or_else(|| Problem::invalid("kind", format_args!("is one of {}", known())))
}

/// Where the periods of the trend begin, and as the last where the last one ends.
async fn starts(
    app: &App,
    caller: &Caller,
    query: &AdvocacyQuery,
    (from, to): (Timestamp, Timestamp),
) -> Result<Vec<Timestamp>, Problem> {
    let interval = match given(&query.interval) {
        Some("day") => Interval::Day,
        None | Some("week") => Interval::Week,
        Some("month") => Interval::Month,
        Some("quarter") => Interval::Quarter,
        Some("year") => Interval::Year,
        Some(_) => return Err(Problem::invalid("interval", "is one of day, week, month, quarter, year")),
    };
    let calendar = context(&app.installation, caller.workspace).await?.calendar;
    let starts = calendar.starts(interval, from, to, MOST_PERIODS);
    if starts.len() > MOST_PERIODS {
        let detail = format!("gives more than {MOST_PERIODS} periods; choose a longer one");
        return Err(Problem::invalid("interval", detail));
    }
    Ok(starts)
}

fn period((from, to): (Timestamp, Timestamp), (acts, advocates): ([u64; 4], u64)) -> AdvocacyPeriod {
    AdvocacyPeriod { from: time(from), to: time(to), advocates, acts: AdvocacyCounts::of(acts) }
}

async fn named(app: &App, caller: &Caller, all: Vec<Advocate>) -> Result<Vec<AdvocateShape>, Problem> {
    let ids: Vec<PersonId> = all.iter().map(|it| it.person).collect();
    let known = persons::by_ids(&mut app.installation.store.read(), caller.workspace, &ids).await?;
    let shape = |it: Advocate| {
        let person = known.iter().find(|row| row.person == it.person)?;
        Some(AdvocateShape {
            person_id: it.person.to_string(),
            name: display_name(person),
            acts: AdvocacyCounts::of(it.acts),
            others: it.others,
            reach: it.reach,
            came: it.came,
            bought: it.bought,
            last_at: time(it.last_at),
        })
    };
    Ok(all.into_iter().filter_map(shape).collect())
}

/// What a customer said or did in front of others.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdvocacyAct {
    /// `recommendation`, `review`, `mention` or `referral`.
    kind: String,
    /// Of a recommendation its response, otherwise its event.
    id: String,
    at: String,
    in_favour: bool,
    /// Points or stars, as they were given.
    score: Option<i64>,
    /// How many may have read it, or came by it; null where that is not known.
    reach: Option<u64>,
}

/// What a customer said and did in front of others.
#[derive(Debug, Serialize, ToSchema)]
pub struct CustomerAdvocacy {
    /// Acts in favour, by kind.
    acts: AdvocacyCounts,
    /// What they said that is not in favour.
    others: u64,
    reach: u64,
    /// People who came by them.
    came: u64,
    /// Those of them who then bought.
    bought: u64,
    /// The last act in favour.
    last_at: Option<String>,
    /// The latest 100, the latest first.
    latest: Vec<AdvocacyAct>,
}

/// Says what a customer said and did for the company in front of others, or against it.
#[utoipa::path(get, path = "/api/v1/customers/{person_id}/advocacy", security(("caller" = ["view_people"])), tag = "customers", operation_id = "customer_advocacy", params(("person_id" = String, Path)),
    responses((status = 200, body = CustomerAdvocacy), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn customer_advocacy(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<CustomerAdvocacy>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let missing = || Problem::not_found("customer");
    let person = PersonId(id.parse().map_err(|_| missing())?);
    let mut db = app.installation.store.read();
    if persons::by_ids(&mut db, caller.workspace, &[person]).await?.is_empty() {
        return Err(missing());
    }
    let names = identifiers::by_persons(&mut db, caller.workspace, &[person]).await?;
    let handles: Vec<Handle> = names.iter().map(|it| it.handle).collect();
    let told = records::of_persons(&mut db, caller.workspace, (&[person], &handles)).await?;
    let acts = advocating::acts(&mut db, caller.workspace, told).await?;
    let all: Vec<&Act> = acts.iter().collect();
    let now = app.now();
    let customers: Customers = advocating::customers(&mut db, caller.workspace, &all, (now, now)).await?;
    let own = advocates(&acts, &customers).into_iter().find(|it| it.person == person);
    let others = acts.iter().filter(|it| !it.told.in_favour).count() as u64;
    Ok(Json(CustomerAdvocacy {
        acts: AdvocacyCounts::of(own.as_ref().map_or([0; 4], |it| it.acts)),
        others,
        reach: own.as_ref().map_or(0, |it| it.reach),
        came: own.as_ref().map_or(0, |it| it.came),
        bought: own.as_ref().map_or(0, |it| it.bought),
        last_at: own.map(|it| time(it.last_at)),
        latest: acts.iter().rev().take(MOST_ACTS).map(act).collect(),
    }))
}

fn act(it: &Act) -> AdvocacyAct {
    let has_reach = it.told.kind == Kind::Referral || it.told.reach.is_some();
    AdvocacyAct {
        kind: it.told.kind.as_str().to_owned(),
        id: it.told.id.clone(),
        at: time(it.told.at),
        in_favour: it.told.in_favour,
        score: it.told.score,
        reach: has_reach.then(|| it.reach()),
    }
}
