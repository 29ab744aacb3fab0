//! Who is in segments, who came and went, what sets them apart and what they are worth.

use std::collections::BTreeMap;

use crate::http::route::routes;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use rapport_analytics::members::{self, Kind, LEAST, Trait};
use rapport_domain::{Interval, PersonId, Timestamp, WorkspaceId};
use rapport_profiles::records::{orders, persons};
use rapport_segments::records::memberships::{self, MOST_INTERSECTED, Moved};
use rapport_segments::records::segments::{self, SegmentRow};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::questions::context;
use super::shapes::{CustomerRow, time};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::exporting;
use crate::http::extract::{Json, Path, Query};
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(list_as_csv))
        .routes(routes!(overlap))
        .routes(routes!(intersections))
        .routes(routes!(traits))
        .routes(routes!(persona))
        .routes(routes!(value))
}

/// Members on a page.
const PAGE: i64 = 50;
/// Segments that are compared with each other.
const MOST_COMPARED: usize = 30;
/// Who came or left since when, unless said.
const USUAL_DAYS: i64 = 30;

/// Who is asked for, and where a page begins.
#[derive(Debug, Deserialize, ToSchema)]
pub struct MembersQuery {
    /// `next` of the page before.
    cursor: Option<String>,
    /// `now` (unless said), `entered` or `left`.
    list: Option<String>,
    /// Of `entered` and `left`: since when; 30 days ago without it.
    since: Option<String>,
}

/// A member of a segment.
#[derive(Debug, Serialize, ToSchema)]
pub struct Member {
    customer: CustomerRow,
    /// Since when.
    since: String,
    /// Until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_at: Option<String>,
}

/// A page of members.
#[derive(Debug, Serialize, ToSchema)]
pub struct Members {
    rows: Vec<Member>,
    next: Option<String>,
}

async fn segment(app: &App, workspace: WorkspaceId, key: &str) -> Result<SegmentRow, Problem> {
    let row = segments::by_key(&mut app.installation.store.read(), workspace, key).await?;
    row.ok_or_else(|| Problem::not_found("segment"))
}

/// Reads a time of a query.
pub(super) fn instant(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    text.map(|text| instant_of(name, text)).transpose()
}

/// Reads a time.
pub(super) fn instant_of(name: &str, text: &str) -> Result<Timestamp, Problem> {
    Timestamp::parse(text).ok_or_else(|| Problem::invalid(name, "expected a time such as 2026-03-01T10:00:00Z"))
}

/// What was given for a parameter; one that is empty was not.
pub(super) fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| !text.is_empty())
}

/// Lists the members of a segment, or who came into it or left it since; the latest first.
#[utoipa::path(get, path = "/api/v1/segments/{key}/members", security(("caller" = ["view_people"])), tag = "segments", operation_id = "segment_members",
    params(("key" = String, Path), ("cursor" = Option<String>, Query), ("list" = Option<String>, Query), ("since" = Option<String>, Query)), responses((status = 200, body = Members)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Query(query): Query<MembersQuery>,
) -> Result<Json<Members>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let workspace = caller.workspace;
    let row = segment(&app, workspace, &key).await?;
    let offset: i64 = query.cursor.as_deref().and_then(|cursor| cursor.parse().ok()).unwrap_or(0).max(0);
    let usual = app.installation.clock.now().plus(-USUAL_DAYS * Timestamp::DAY);
    let since = instant("since", given(&query.since))?.unwrap_or(usual);
    let page = (offset, PAGE + 1);
    let mut db = app.installation.store.read();
    let mut found = match query.list.as_deref() {
        None | Some("now") => {
            let now = memberships::members(&mut db, workspace, row.segment, offset, PAGE + 1).await?;
            now.into_iter().map(|(person, since)| (person, since, None)).collect()
        }
        Some("entered") => {
            memberships::moved_since(&mut db, workspace, row.segment, (Moved::Entered, since), page).await?
        }
        Some("left") => memberships::moved_since(&mut db, workspace, row.segment, (Moved::Left, since), page).await?,
        Some(_) => return Err(Problem::invalid("list", "expected now, entered or left")),
    };
    let is_more = i64::try_from(found.len()).unwrap_or(0) > PAGE;
    found.truncate(usize::try_from(PAGE).unwrap_or(0));
    let rows = with_customers(&app, workspace, found).await?;
    Ok(Json(Members { rows, next: is_more.then(|| (offset + PAGE).to_string()) }))
}

/// Who they are: (person, since when, until when).
pub(super) async fn with_customers(
    app: &App,
    workspace: WorkspaceId,
    found: Vec<(PersonId, Timestamp, Option<Timestamp>)>,
) -> Result<Vec<Member>, Problem> {
    let ids: Vec<PersonId> = found.iter().map(|(person, ..)| *person).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = persons::by_ids(&mut app.installation.store.read(), workspace, &ids).await?;
    let by_id: BTreeMap<PersonId, _> = rows.iter().map(|row| (row.person, row)).collect();
    let member = |(person, since, until): (PersonId, Timestamp, Option<Timestamp>)| {
        let customer = CustomerRow::of(by_id.get(&person)?);
        Some(Member { customer, since: time(since), left_at: until.map(time) })
    };
    Ok(found.into_iter().filter_map(member).collect())
}

/// The members of a segment now, with their names, numbers and addresses, as a CSV file.
#[utoipa::path(get, path = "/api/v1/segments/{key}/members.csv", security(("caller" = ["edit_segments"])), tag = "segments", operation_id = "segment_members_csv",
    params(("key" = String, Path)), responses((status = 200, body = String, content_type = "text/csv")))]
pub async fn list_as_csv(State(app): State<App>, caller: Caller, Path(key): Path<String>) -> Result<Response, Problem> {
    caller.require(Permission::EditSegments)?;
    let row = segment(&app, caller.workspace, &key).await?;
    let members = exporting::members(&app.installation, caller.workspace, row.segment).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        // A key has letters, digits and hyphens only.
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}.csv\"", row.key)),
    ];
    Ok((headers, exporting::csv(&members)).into_response())
}

/// Which segments are compared.
#[derive(Debug, Deserialize, ToSchema)]
pub struct OverlapQuery {
    /// Keys, separated by commas.
    keys: String,
}

/// How many are in two segments.
#[derive(Debug, Serialize, ToSchema)]
pub struct Common {
    one: String,
    other: String,
    people: i64,
}

/// How much segments have in common.
#[derive(Debug, Serialize, ToSchema)]
pub struct Overlap {
    /// Each pair once, and each segment with itself.
    rows: Vec<Common>,
}

/// Says how many people segments have in common.
#[utoipa::path(get, path = "/api/v1/segments/overlap", security(("caller" = ["view_reports"])), tag = "segments", operation_id = "segment_overlap", params(("keys" = String, Query)), responses((status = 200, body = Overlap)))]
pub async fn overlap(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<OverlapQuery>,
) -> Result<Json<Overlap>, Problem> {
    caller.require(Permission::ViewReports)?;
    let keys: Vec<&str> = query.keys.split(',').map(str::trim).filter(|key| !key.is_empty()).collect();
    if keys.is_empty() || keys.len() > MOST_COMPARED {
        return Err(Problem::invalid("keys", format!("name 1 to {MOST_COMPARED} segments")));
    }
    let mut db = app.installation.store.read();
    let known = segments::all(&mut db, caller.workspace).await?;
    let mut names: BTreeMap<i64, String> = BTreeMap::new();
    for key in keys {
        let row = known.iter().find(|row| row.key == key).ok_or_else(|| Problem::not_found("segment"))?;
        names.insert(row.segment, row.key.clone());
    }
    let numbers: Vec<i64> = names.keys().copied().collect();
    let rows = memberships::overlap(&mut db, caller.workspace, &numbers).await?;
    let name = |number: i64| names.get(&number).cloned().unwrap_or_default();
    let rows = rows.into_iter().map(|(one, other, people)| Common { one: name(one), other: name(other), people });
    Ok(Json(Overlap { rows: rows.collect() }))
}

/// People who are in exactly these of the segments asked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct Intersection {
    keys: Vec<String>,
    people: i64,
}

/// How many people are in exactly which of some segments.
#[derive(Debug, Serialize, ToSchema)]
pub struct Intersections {
    /// The largest first.
    rows: Vec<Intersection>,
}

/// Says how many people are in exactly which of 2 to 8 segments.
#[utoipa::path(get, path = "/api/v1/segments/intersections", security(("caller" = ["view_reports"])), tag = "segments", operation_id = "segment_intersections", params(("keys" = String, Query)), responses((status = 200, body = Intersections)))]
pub async fn intersections(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<OverlapQuery>,
) -> Result<Json<Intersections>, Problem> {
    caller.require(Permission::ViewReports)?;
    let keys: Vec<&str> = query.keys.split(',').map(str::trim).filter(|key| !key.is_empty()).collect();
    if !(2..=MOST_INTERSECTED).contains(&keys.len()) {
        return Err(Problem::invalid("keys", format!("name 2 to {MOST_INTERSECTED} segments")));
    }
    let mut numbers = Vec::with_capacity(keys.len());
    for key in &keys {
        numbers.push(segment(&app, caller.workspace, key).await?.segment);
    }
    let found = memberships::intersections(&mut app.installation.store.read(), caller.workspace, &numbers).await?;
    let row = |(bits, people): (i64, i64)| Intersection {
        keys: keys
            .iter()
            .enumerate()
            .filter(|(at, _)| bits & (1 << at) != 0)
            .map(|(_, key)| (*key).to_owned())
            .collect(),
        people,
    };
    Ok(Json(Intersections { rows: found.into_iter().map(row).collect() }))
}

/// Something that members have more or less often than others.
#[derive(Debug, Serialize, ToSchema)]
pub struct TraitRow {
    /// `fact` or `did`.
    kind: &'static str,
    /// The fact's key or the event's name.
    key: String,
    /// The fact's value, `>= 42` for amounts; null for events.
    value: Option<String>,
    members_with: u64,
    members_share: f64,
    others_with: u64,
    others_share: f64,
    /// How many times as common it is among members; null where others never have it.
    lift: Option<f64>,
    /// With a confidence of 95 %.
    lift_low: Option<f64>,
    lift_high: Option<f64>,
    /// How likely so great a difference is by chance alone.
    p: f64,
    /// The false discovery rate at which it is just called distinct.
    q: f64,
    /// Whether it is hardly chance, many comparisons considered (q at most 0.05).
    distinct: bool,
}

impl From<Trait> for TraitRow {
    fn from(it: Trait) -> Self {
        let distinct = it.is_distinct();
        let association = it.association;
        Self {
            kind: if it.kind == Kind::Fact { "fact" } else { "did" },
            key: it.key,
            value: it.value,
            members_with: it.counts.with,
            members_share: association.share,
            others_with: it.counts.others_with,
            others_share: association.others_share,
            lift: association.lift,
            lift_low: association.between.map(|(low, _)| low),
            lift_high: association.between.map(|(_, high)| high),
            p: association.p,
            q: it.q,
            distinct,
        }
    }
}

/// What sets members apart from everybody else.
#[derive(Debug, Serialize, ToSchema)]
pub struct Traits {
    /// Members looked at.
    members: usize,
    /// Others looked at.
    others: usize,
    /// The strongest first.
    rows: Vec<TraitRow>,
}

/// Says what sets the members of a segment apart: what is known of them and what they do, more or less often than others.
#[utoipa::path(get, path = "/api/v1/segments/{key}/traits", security(("caller" = ["view_reports"])), tag = "segments", operation_id = "segment_traits", params(("key" = String, Path)), responses((status = 200, body = Traits)))]
pub async fn traits(State(app): State<App>, caller: Caller, Path(key): Path<String>) -> Result<Json<Traits>, Problem> {
    caller.require(Permission::ViewReports)?;
    let row = segment(&app, caller.workspace, &key).await?;
    let apart = app.installation.analytics.apart(caller.workspace, row.segment).await?;
    let rows = apart.rows.into_iter().map(Into::into).collect();
    Ok(Json(Traits { members: apart.members, others: apart.others, rows }))
}

/// Where members stand.
#[derive(Debug, Serialize, ToSchema)]
pub struct FigureRow {
    /// `orders`, `spent`, `days_since_order`, `days_known` or `events`.
    key: &'static str,
    median: f64,
    /// A quarter has less.
    low: f64,
    /// A quarter has more.
    high: f64,
    /// The median of everybody.
    everyone: f64,
}

/// The typical member.
#[derive(Debug, Serialize, ToSchema)]
pub struct Example {
    customer: CustomerRow,
    figures: BTreeMap<&'static str, f64>,
}

/// One thing after another.
#[derive(Debug, Serialize, ToSchema)]
pub struct PathRow {
    steps: Vec<String>,
    members_share: f64,
    others_share: f64,
    lift: Option<f64>,
}

/// A segment as a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct PersonaPage {
    /// Members looked at.
    size: usize,
    /// With fewer nothing is shown, because it would show persons.
    least: usize,
    enough: bool,
    figures: Vec<FigureRow>,
    /// The one who is nearest to all others.
    example: Option<Example>,
    traits: Vec<TraitRow>,
    paths: Vec<PathRow>,
}

/// Shows a segment as a person: where its members stand, a typical one, what sets them apart, what they do.
#[utoipa::path(get, path = "/api/v1/segments/{key}/persona", security(("caller" = ["view_people"])), tag = "segments", operation_id = "segment_persona", params(("key" = String, Path)), responses((status = 200, body = PersonaPage)))]
pub async fn persona(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<PersonaPage>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let row = segment(&app, caller.workspace, &key).await?;
    let persona = app.installation.analytics.persona(caller.workspace, row.segment).await?;
    let example = match persona.example {
        Some((person, figures)) => {
            let rows = persons::by_ids(&mut app.installation.store.read(), caller.workspace, &[person]).await?;
            rows.first().map(|row| Example { customer: CustomerRow::of(row), figures: figures.into_iter().collect() })
        }
        None => None,
    };
    let figure = |it: members::Spread| FigureRow {
        key: it.key,
        median: it.median,
        low: it.low,
        high: it.high,
        everyone: it.everyone,
    };
    let path = |it: members::Path| PathRow {
        steps: it.steps,
        members_share: it.association.share,
        others_share: it.association.others_share,
        lift: it.association.lift,
    };
    Ok(Json(PersonaPage {
        size: persona.members,
        least: LEAST,
        enough: persona.members >= LEAST,
        figures: persona.figures.into_iter().map(figure).collect(),
        example,
        traits: persona.traits.into_iter().map(Into::into).collect(),
        paths: persona.paths.into_iter().map(path).collect(),
    }))
}

/// How many months.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ValueQuery {
    /// 1 to 60; 12 without it.
    months: Option<u32>,
}

/// What members were worth in a month.
#[derive(Debug, Serialize, ToSchema)]
pub struct Month {
    /// `2026-11`.
    month: String,
    /// Whether it is over.
    complete: bool,
    /// At its end, or now.
    members: i64,
    /// Of people while they were members.
    orders: i64,
    /// Of these orders, what was paid and not given back.
    revenue: f64,
    /// Of everybody else.
    others_revenue: f64,
    /// Revenue by member.
    per_member: Option<f64>,
    /// Revenue by other person.
    per_other: Option<f64>,
    /// The mean of what members answered to surveys in it, as it was scored.
    satisfaction: Option<f64>,
    /// How many answers.
    answers: u64,
}

/// What a segment is worth.
#[derive(Debug, Serialize, ToSchema)]
pub struct SegmentValue {
    currency: String,
    rows: Vec<Month>,
}

/// Says what members bought while they were members, and how content they were, beside everybody else.
#[utoipa::path(get, path = "/api/v1/segments/{key}/value", security(("caller" = ["view_reports"])), tag = "segments", operation_id = "segment_value", params(("key" = String, Path), ("months" = Option<u32>, Query)), responses((status = 200, body = SegmentValue)))]
pub async fn value(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Query(query): Query<ValueQuery>,
) -> Result<Json<SegmentValue>, Problem> {
    caller.require(Permission::ViewReports)?;
    let workspace = caller.workspace;
    let row = segment(&app, workspace, &key).await?;
    let context = context(&app.installation, workspace).await?;
    let months = query.months.unwrap_or(12).clamp(1, 60);
    let last = context.calendar.floor(context.data_until.min(context.now), Interval::Month);
    let mut bounds = vec![context.calendar.next(last, Interval::Month)];
    for _ in 0..months {
        bounds.push(context.calendar.floor(bounds[bounds.len() - 1].plus(-1), Interval::Month));
    }
    bounds.reverse();
    let (from, to, currency) = (bounds[0], bounds[bounds.len() - 1], context.currency.as_str());
    let place = |at: Timestamp| bounds.partition_point(|bound| *bound <= at).checked_sub(1);
    let mut db = app.installation.store.read();
    let mut sums = vec![(0_i64, 0_i64, 0_i64); bounds.len() - 1];
    let spans = memberships::spans_of(&mut db, workspace, row.segment).await?;
    let is_member = |person: PersonId, at: Timestamp| {
        let is_in =
            |(entered, left): &(Timestamp, Option<Timestamp>)| *entered <= at && left.is_none_or(|left| at < left);
        spans.get(&person).is_some_and(|spans| spans.iter().any(is_in))
    };
    for (person, at, micros) in orders::paid(&mut db, workspace, currency, (from, to)).await? {
        let Some(sum) = place(at).and_then(|at| sums.get_mut(at)) else { continue };
        sum.2 += micros;
        if is_member(person, at) {
            (sum.0, sum.1) = (sum.0 + 1, sum.1 + micros);
        }
    }
    let flows = memberships::flows(&mut db, workspace, row.segment).await?;
    let people = persons::first_seen(&mut db, workspace).await?;
    let scores = app.installation.analytics.scores(workspace, (from, to)).await?;
    let mut content = vec![(0.0, 0_u64); sums.len()];
    for (person, at, score) in scores {
        let is_one = is_member(person, at);
        if let Some(sum) = place(at).filter(|_| is_one).and_then(|at| content.get_mut(at)) {
            *sum = (sum.0 + score, sum.1 + 1);
        }
    }
    let month = |(at, (orders, revenue, all)): (usize, (i64, i64, i64))| {
        let end = bounds[at + 1];
        let members: i64 =
            flows.iter().filter(|(day, ..)| *day < end.utc_day()).map(|(_, came, went)| came - went).sum();
        let others = people.partition_point(|seen| *seen < end) as i64 - members;
        let (scores, answers) = content[at];
        let share = |micros: i64, people: i64| (people > 0).then(|| micros as f64 / 1e6 / people as f64);
        Month {
            month: bounds[at].plus(Timestamp::DAY).to_rfc3339()[..7].to_owned(),
            complete: end <= context.data_until.min(context.now),
            members,
            orders,
            revenue: revenue as f64 / 1e6,
            others_revenue: (all - revenue) as f64 / 1e6,
            per_member: share(revenue, members),
            per_other: share(all - revenue, others),
            satisfaction: (answers > 0).then(|| scores / answers as f64),
            answers,
        }
    };
    let rows = sums.into_iter().enumerate().map(month).collect();
    Ok(Json(SegmentValue { currency: currency.to_owned(), rows }))
}
