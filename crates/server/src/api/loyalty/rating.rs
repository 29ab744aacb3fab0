//! What an event would earn, line by line, without giving it: to try rules on a real order.

use std::collections::{BTreeMap, BTreeSet};

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::{PersonId, Timestamp, WorkspaceId, shop_events};
use rapport_loyalty::Document;
use rapport_loyalty::earning::{Amounts, Line, Occasion, Outcome, Period, Rule, given, rate};
use rapport_loyalty::records::{awards, members};
use rapport_profiles::records::{orders, persons};
use rapport_segments::{Condition, EventView, Moment};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::members::customer;
use super::missing;
use super::rules::read;
use crate::api::members::instant;
use crate::api::shapes::display_name;
use crate::api::timeline::{self, TimelineItem};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::earning::{NOBODY_YET, flat};
use crate::http::extract::{Json, Query};
use crate::http::paging::Rows;
use crate::knowing::Known;
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(rate_event)).routes(routes!(rated_occasions))
}

/// An event that may earn.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RatedEvent {
    /// What happened: `Order Completed`.
    event: String,
    /// Its properties, as an SDK would send them.
    #[serde(default)]
    #[schema(value_type = Object)]
    properties: Map<String, Value>,
    /// When; now, unless said.
    #[serde(default)]
    occurred_at: Option<String>,
    /// Who did it; without one, somebody of whom nothing is known and who earned nothing before.
    #[serde(default)]
    person_id: Option<String>,
    /// Rules to try instead of those in force, each as it would be saved, with its key.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Object>>)]
    rules: Option<Vec<Value>>,
}

/// What came of one rule.
#[derive(Debug, Serialize, ToSchema)]
pub struct RatedLine {
    rule: String,
    /// The rule's version; 0 of one that is tried.
    version: i64,
    wallet: String,
    /// What it would give if nothing cut it.
    wanted: i64,
    /// What it gives.
    points: i64,
    /// `given`, `capped`, `outside_window`, `condition`, `no_rate`, `too_little`, `instead` or `held_out`.
    outcome: String,
    /// Of `capped`: which of its caps, from 0.
    cap: Option<usize>,
    /// Of `instead`: which rule of the group counts.
    instead: Option<String>,
}

impl RatedLine {
    fn of(line: Line) -> Self {
        let outcome = line.outcome.code().to_owned();
        let (cap, instead) = match line.outcome {
            Outcome::Capped(cap) => (Some(cap), None),
            Outcome::Instead(rule) => (None, Some(rule)),
            _ => (None, None),
        };
        let Line { rule, version, wallet, wanted, points, .. } = line;
        Self { rule, version, wallet, wanted, points, outcome, cap, instead }
    }
}

/// What an event would earn.
#[derive(Debug, Serialize, ToSchema)]
pub struct Rating {
    /// A line for each rule that looks at this event.
    lines: Vec<RatedLine>,
    /// Points by wallet.
    pub(super) points: BTreeMap<String, i64>,
    /// Whether who did it is a member.
    is_member: bool,
}

/// Says what an event would earn and why, rule by rule. Nothing is given.
#[utoipa::path(post, path = "/api/v1/loyalty/ratings", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "rate_event", request_body = RatedEvent, responses((status = 200, body = Rating), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn rate_event(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<RatedEvent>,
) -> Result<Json<Rating>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let mut db = app.installation.store.read();
    let programs = app.installation.programs.get(&mut db, caller.workspace).await?;
    let at = instant("occurred_at", body.occurred_at.as_deref())?.unwrap_or_else(|| app.now());
    let program = programs.at(at).ok_or_else(missing)?;
    let tried: Vec<Rule> = match body.rules {
        None => Vec::new(),
        Some(forms) => {
            let read = |form: Value| {
                let key = form.get("key").and_then(Value::as_str).unwrap_or_default().to_owned();
                let rule = read(&key, form, None)?;
                rule.check(program)?;
                Ok(rule)
            };
            let tried: Vec<Rule> = forms.into_iter().map(read).collect::<Result<_, Problem>>()?;
            let keys: BTreeSet<&str> = tried.iter().map(|rule| rule.key.as_str()).collect();
            if keys.len() != tried.len() {
                return Err(Problem::invalid("rules", "has a key twice"));
            }
            tried
        }
    };
    let person = match body.person_id.as_deref() {
        None => None,
        Some(id) => Some(customer(&mut db, caller.workspace, id).await?),
    };
    let asked = Asked { name: &body.event, properties: &body.properties, at, person };
    Ok(Json(rating(&app, caller.workspace, asked, &tried).await?))
}

/// What is rated.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    /// What happened.
    pub name: &'a str,
    /// Its properties.
    pub properties: &'a Map<String, Value>,
    /// When.
    pub at: Timestamp,
    /// Who did it; somebody of whom nothing is known without one.
    pub person: Option<PersonId>,
}

/// What something would earn, by the rules that are tried, or by those in force.
///
/// # Errors
/// The store's, or that there is no programme.
pub(super) async fn rating(
    app: &App,
    workspace: WorkspaceId,
    asked: Asked<'_>,
    tried: &[Rule],
) -> Result<Rating, Problem> {
    let Asked { at, person, .. } = asked;
    let mut db = app.installation.store.read();
    let programs = app.installation.programs.get(&mut db, workspace).await?;
    let program = programs.at(at).ok_or_else(missing)?;
    let rules: Vec<(&Rule, i64)> =
        if tried.is_empty() { programs.rules_at(at).collect() } else { tried.iter().map(|rule| (rule, 0)).collect() };
    let member = match person {
        Some(person) => members::of(&mut db, workspace, person).await?,
        None => None,
    };
    let calendar = program.calendar()?;
    let conditions: Vec<&Condition> = rules.iter().map(|(rule, _)| &rule.when).collect();
    let people: Vec<PersonId> = person.into_iter().collect();
    let known = Known::read(&mut db, workspace, &conditions, &people).await?;
    let periods = Period::all(at, &calendar).map(Period::key);
    let keys: Vec<String> = rules.iter().map(|(rule, _)| rule.key.clone()).collect();
    let whose = member.unwrap_or(NOBODY_YET);
    let used = awards::used(&mut db, workspace, &keys, &[whose], &periods).await?;
    let name = shop_events::standard_name(asked.name).to_owned();
    let properties = flat(asked.properties);
    let amounts = Amounts::read(asked.properties);
    let view = EventView::new(&name, at, &properties);
    let rated = known.with(person.unwrap_or(PersonId(0)), view, |subject| {
        let occasion = Occasion { subject, amounts: &amounts, moment: Moment { now: at, calendar: &calendar } };
        rate(program, &rules, occasion, |rule, per, period| given(&used, whose, rule, per, period))
    });
    let mut points = BTreeMap::new();
    for line in rated.lines.iter().filter(|line| line.points > 0) {
        *points.entry(line.wallet.clone()).or_insert(0) += line.points;
    }
    let lines = rated.lines.into_iter().map(RatedLine::of).collect();
    Ok(Rating { lines, points, is_member: member.is_some() })
}

/// So many are offered to try rules on.
const OFFERED: i64 = 12;

/// Of which event.
#[derive(Debug, Deserialize, IntoParams)]
pub struct OccasionsQuery {
    /// Its name.
    event: String,
}

/// Something that happened, on which rules can be tried.
#[derive(Debug, Serialize, ToSchema)]
pub struct RatedOccasion {
    person_id: String,
    person_name: String,
    #[serde(flatten)]
    item: TimelineItem,
}

/// Lists the latest orders as they were told, to try rules on. Of other events there are none: choose a customer, and one of their timeline.
#[utoipa::path(get, path = "/api/v1/loyalty/occasions", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "rated_occasions", params(OccasionsQuery), responses((status = 200, body = Rows<RatedOccasion>)))]
pub async fn rated_occasions(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<OccasionsQuery>,
) -> Result<Json<Rows<RatedOccasion>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    if shop_events::standard_name(&query.event) != shop_events::ORDER_COMPLETED {
        return Ok(Json(Rows { rows: Vec::new() }));
    }
    let mut db = app.installation.store.read();
    let latest = orders::latest(&mut db, caller.workspace, OFFERED).await?;
    let people: Vec<PersonId> = latest.iter().map(|(person, _)| *person).collect();
    let known = persons::by_ids(&mut db, caller.workspace, &people).await?;
    let mut rows = Vec::new();
    for (person, order) in latest {
        let Some(row) = known.iter().find(|row| row.person == person) else { continue };
        let Some(item) = timeline::order(&app, caller.workspace, person, &order).await? else { continue };
        rows.push(RatedOccasion { person_id: person.to_string(), person_name: display_name(row), item });
    }
    Ok(Json(Rows { rows }))
}
