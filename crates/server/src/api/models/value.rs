//! What customers are worth: the figures of the page, and by what they differ.

use axum::extract::State;
use rapport_analytics::scores::{Sure, VALUE};
use rapport_analytics::value::Overview;
use serde::Serialize;
use utoipa::ToSchema;

use super::find;
use super::grouped::{Group, GroupsQuery, LISTED, named, scored};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::Rows;
use crate::problem::Problem;

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
#[utoipa::path(get, path = "/api/v1/models/{model}/groups", security(("caller" = ["view_reports"])), tag = "models", operation_id = "value_groups", params(("model" = String, Path), GroupsQuery), responses((status = 200, body = Rows<ValueGroup>), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn value_groups(
    State(app): State<App>,
    caller: Caller,
    Path(model): Path<String>,
    Query(query): Query<GroupsQuery>,
) -> Result<Json<Rows<ValueGroup>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let row = find(&app, &caller, &model).await?;
    if row.kind != VALUE {
        return Err(Problem::not_found("value of this model"));
    }
    let scored = scored(&app, caller.workspace, &model).await?;
    let total: f64 = scored.values().sum();
    let groups = named(&app, caller.workspace, &query.by).await?;
    let mut rows: Vec<ValueGroup> = groups
        .into_iter()
        .filter_map(|Group { key, name, people }| {
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
