//! How people went from one value of a fact to another between two instants: lifecycle stages, RFM groups, engagement levels.

use std::collections::BTreeMap;

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_profiles::records::{facts, persons};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::members::{given, instant};
use super::shapes::{CustomerRow, time};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Query};
use crate::problem::Problem;
use crate::scoring;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(flows)).routes(routes!(people))
}

/// People named of a flow.
const MOST_PEOPLE: usize = 100;
/// Values of a fact that is drawn.
const MOST_VALUES: usize = 50;
/// From when, unless said.
const USUAL_DAYS: i64 = 30;

/// Between which instants, of which fact.
#[derive(Debug, Deserialize, ToSchema)]
pub struct FlowsQuery {
    /// The fact's key.
    fact: String,
    /// RFC 3339; 30 days ago without it.
    from: Option<String>,
    /// RFC 3339; now without it.
    to: Option<String>,
    /// Of people: what it was; empty for not known yet.
    was: Option<String>,
    /// Of people: what it is; empty for not known.
    is: Option<String>,
}

/// People who went from one value to another, or stayed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Flow {
    /// Null: not known yet.
    was: Option<String>,
    /// Null: not known.
    is: Option<String>,
    people: u64,
}

/// How people went from one value of a fact to another.
#[derive(Debug, Serialize, ToSchema)]
pub struct Flows {
    fact: String,
    from: String,
    to: String,
    /// The values, in their order.
    values: Vec<String>,
    links: Vec<Flow>,
}

type Values = (Option<String>, Option<String>);

impl FlowsQuery {
    fn times(&self, now: Timestamp) -> Result<(Timestamp, Timestamp), Problem> {
        let to = instant("to", given(&self.to))?.unwrap_or(now);
        let from = instant("from", given(&self.from))?.unwrap_or(to.plus(-USUAL_DAYS * Timestamp::DAY));
        if from > to {
            return Err(Problem::invalid("from", "it is later than `to`"));
        }
        Ok((from, to))
    }
}

/// What the fact said of everybody at both instants.
async fn both(
    app: &App,
    workspace: WorkspaceId,
    query: &FlowsQuery,
    (from, to): (Timestamp, Timestamp),
) -> Result<BTreeMap<PersonId, Values>, Problem> {
    let keys = [query.fact.clone()];
    let mut db = app.installation.store.read();
    let mut people: BTreeMap<PersonId, Values> = BTreeMap::new();
    for (person, _, value) in facts::current_by_person(&mut db, workspace, &keys, from).await? {
        people.entry(person).or_default().0 = text(&value);
    }
    for (person, _, value) in facts::current_by_person(&mut db, workspace, &keys, to).await? {
        people.entry(person).or_default().1 = text(&value);
    }
    people.retain(|_, (was, is)| was.is_some() || is.is_some());
    Ok(people)
}

fn text(value: &str) -> Option<String> {
    match serde_json::from_str(value).unwrap_or(Value::Null) {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

/// Says how many people went from which value of a fact to which.
#[utoipa::path(get, path = "/api/v1/flows", security(("caller" = ["view_reports"])), tag = "segments", operation_id = "fact_flows",
    params(("fact" = String, Query), ("from" = Option<String>, Query), ("to" = Option<String>, Query)), responses((status = 200, body = Flows)))]
pub async fn flows(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<FlowsQuery>,
) -> Result<Json<Flows>, Problem> {
    caller.require(Permission::ViewReports)?;
    let (from, to) = query.times(app.installation.clock.now())?;
    let mut counts: BTreeMap<Values, u64> = BTreeMap::new();
    for values in both(&app, caller.workspace, &query, (from, to)).await?.into_values() {
        *counts.entry(values).or_default() += 1;
    }
    let mut values: Vec<String> = counts.keys().flat_map(|(was, is)| [was, is]).flatten().cloned().collect();
    let order = scoring::order_of(&query.fact);
    values.sort_by_key(|value| (order.iter().position(|other| other == value).unwrap_or(usize::MAX), value.clone()));
    values.dedup();
    if values.len() > MOST_VALUES {
        let problem = format!(
            "it has more than {MOST_VALUES} values; flows are drawn of a fact with few, such as lifecycle.stage"
        );
        return Err(Problem::invalid("fact", problem));
    }
    let links = counts.into_iter().map(|((was, is), people)| Flow { was, is, people }).collect();
    Ok(Json(Flows { fact: query.fact, from: time(from), to: time(to), values, links }))
}

/// The people of a flow.
#[derive(Debug, Serialize, ToSchema)]
pub struct FlowPeople {
    rows: Vec<CustomerRow>,
    /// Whether there are more than are named.
    more: bool,
}

/// Names people who went from one value of a fact to another.
#[utoipa::path(get, path = "/api/v1/flows/people", security(("caller" = ["view_people"])), tag = "segments", operation_id = "fact_flow_people",
    params(("fact" = String, Query), ("from" = Option<String>, Query), ("to" = Option<String>, Query), ("was" = Option<String>, Query), ("is" = Option<String>, Query)), responses((status = 200, body = FlowPeople)))]
pub async fn people(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<FlowsQuery>,
) -> Result<Json<FlowPeople>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let times = query.times(app.installation.clock.now())?;
    let named = |text: &Option<String>| given(text).map(str::to_owned);
    let wanted = (named(&query.was), named(&query.is));
    let all = both(&app, caller.workspace, &query, times).await?;
    let mut ids: Vec<PersonId> = all.into_iter().filter(|(_, values)| *values == wanted).map(|(id, _)| id).collect();
    let more = ids.len() > MOST_PEOPLE;
    ids.truncate(MOST_PEOPLE);
    let rows = match ids.as_slice() {
        [] => Vec::new(),
        ids => persons::by_ids(&mut app.installation.store.read(), caller.workspace, ids).await?,
    };
    Ok(Json(FlowPeople { rows: rows.iter().map(CustomerRow::of).collect(), more }))
}
