//! What customers are worth: the figures of the page, and by what they differ.

use std::collections::{BTreeMap, HashMap};

use axum::extract::State;
use rapport_analytics::scores::records::scores;
use rapport_analytics::scores::{Sure, VALUE};
use rapport_analytics::value::Overview;
use rapport_domain::{PersonId, WorkspaceId};
use rapport_profiles::records::{facts, persons};
use rapport_segments::kept;
use rapport_segments::records::{memberships, segments};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::find;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::Rows;
use crate::problem::Problem;

/// More groups than these are not listed: the largest are.
const LISTED: usize = 50;
/// Members of a segment that are looked at.
const MEMBERS: i64 = 5_000_000;

/// Shows what customers are worth: how that is spread, who is still there, what is to come.
#[utoipa::path(get, path = "/api/v1/models/{model}/overview", security(("caller" = ["view_reports"])), tag = "models", operation_id = "value_overview", params(("model" = String, Path)), responses((status = 200, body = Overview), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn value_overview(
    State(app): State<App>,
    caller: Caller,
    Path(model): Path<String>,
) -> Result<Json<Overview>, Problem> {
    caller.require(Permission::ViewReports)?;
    let row = find(&app, &caller, &model).await?;
    let overview = row.overview.filter(|_| row.kind == VALUE).ok_or_else(|| Problem::not_found("run of scores yet"))?;
    Ok(Json(serde_json::from_value(overview).map_err(Problem::internal)?))
}

/// By what customers are grouped.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ValueGroupsQuery {
    /// `source` (the campaign's source that brought them first), `market` (the country), `segment`, or `fact:` with a key.
    by: String,
}

/// What a group is worth.
#[derive(Debug, Serialize, ToSchema)]
pub struct ValueGroup {
    /// Which; of a segment its key.
    key: String,
    name: String,
    /// How many of its people were scored.
    people: u64,
    /// What they are worth together.
    value: f64,
    /// The share of what all are worth.
    share: f64,
    /// What each is worth on average, with its interval of 95 %.
    average: Sure,
}

/// Shows what customers are worth by source, market, segment or a fact, the group worth most first. Of segments somebody may be in several.
#[utoipa::path(get, path = "/api/v1/models/{model}/groups", security(("caller" = ["view_reports"])), tag = "models", operation_id = "value_groups", params(("model" = String, Path), ValueGroupsQuery), responses((status = 200, body = Rows<ValueGroup>), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn value_groups(
    State(app): State<App>,
    caller: Caller,
    Path(model): Path<String>,
    Query(query): Query<ValueGroupsQuery>,
) -> Result<Json<Rows<ValueGroup>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let row = find(&app, &caller, &model).await?;
    if row.kind != VALUE {
        return Err(Problem::not_found("value of this model"));
    }
    let mut db = app.installation.store.read();
    let mut scored: HashMap<PersonId, f64> = HashMap::new();
    for (person, micros) in scores::everybody(&mut db, caller.workspace, &model).await? {
        // The newest comes first.
        scored.entry(person).or_insert(micros as f64 / 1e6);
    }
    let total: f64 = scored.values().sum();
    let mut names = segment_names(&app, caller.workspace, &query.by).await?;
    let groups = of(&app, caller.workspace, &query.by).await?;
    let mut rows: Vec<ValueGroup> = groups
        .into_iter()
        .filter_map(|(key, people)| {
            let name = names.remove(&key).unwrap_or_else(|| key.clone());
            let values: Vec<f64> = people.iter().filter_map(|it| scored.get(it).copied()).collect();
            let value: f64 = values.iter().sum();
            let share = if total > 0.0 { value / total } else { 0.0 };
            let row = ValueGroup { key, name, people: values.len() as u64, value, share, average: Sure::mean(&values) };
            (!values.is_empty()).then_some(row)
        })
        .collect();
    rows.sort_by(|a, b| b.value.total_cmp(&a.value).then(a.key.cmp(&b.key)));
    rows.truncate(LISTED);
    Ok(Json(Rows { rows }))
}

/// The people of each group, by its key.
type Groups = BTreeMap<String, Vec<PersonId>>;

/// What segments are called; other groups are called by their keys.
async fn segment_names(app: &App, workspace: WorkspaceId, by: &str) -> Result<HashMap<String, String>, Problem> {
    if by != "segment" {
        return Ok(HashMap::new());
    }
    let rows = segments::all(&mut app.installation.store.read(), workspace).await?;
    Ok(rows.into_iter().map(|row| (row.key, row.name)).collect())
}

/// People by source, market, segment or a fact.
pub(super) async fn of(app: &App, workspace: WorkspaceId, by: &str) -> Result<Groups, Problem> {
    match by {
        "segment" => of_segments(app, workspace).await,
        _ => of_names(app, workspace, by).await,
    }
}

async fn of_segments(app: &App, workspace: WorkspaceId) -> Result<Groups, Problem> {
    let mut db = app.installation.store.read();
    let mut groups = Groups::new();
    for row in segments::all(&mut db, workspace).await?.into_iter().filter(|row| !kept::is_kept(&row.key)) {
        let members = memberships::some(&mut db, workspace, row.segment, MEMBERS).await?;
        groups.insert(row.key, members.into_iter().map(|(person,)| person).collect());
    }
    Ok(groups)
}

async fn of_names(app: &App, workspace: WorkspaceId, by: &str) -> Result<Groups, Problem> {
    let mut db = app.installation.store.read();
    let known: Vec<(PersonId, String)> = match by {
        "market" => {
            let mut known = Vec::new();
            for range in persons::ranges(1) {
                known.extend(persons::countries(&mut db, workspace, range).await?);
            }
            known
        }
        "source" => {
            let found = app.installation.analytics.first_sources(workspace, app.now()).await?;
            found.into_iter().collect()
        }
        _ => {
            let key = by
                .strip_prefix("fact:")
                .filter(|key| !key.is_empty() && key.len() <= 200)
                .ok_or_else(|| Problem::invalid("by", "expected source, market, segment, or fact: with a key"))?;
            let told = facts::current_by_person(&mut db, workspace, &[key.to_owned()], app.now()).await?;
            told.into_iter().map(|(person, _, value)| (person, shown(&value))).collect()
        }
    };
    let mut groups = Groups::new();
    for (person, name) in known {
        groups.entry(name).or_default().push(person);
    }
    Ok(groups)
}

/// A fact's value as the name of a group.
fn shown(json: &str) -> String {
    match serde_json::from_str(json) {
        Ok(Value::String(text)) => text.chars().take(100).collect(),
        _ => json.chars().take(100).collect(),
    }
}
