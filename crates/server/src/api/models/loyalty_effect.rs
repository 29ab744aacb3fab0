//! The loyalty index: the figures of the page, by what it differs, and what a change would do before it is made.

use axum::extract::State;
use rapport_analytics::loyalty_index::{self, Content, Detail, Effect, Overview, Settings};
use rapport_analytics::scores::records::{scores, versions};
use rapport_analytics::scores::{LOYALTY_INDEX, Sure};
use rapport_domain::PersonId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::find;
use super::grouped::{Group, GroupsQuery, LISTED, named, scored};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Query};
use crate::http::paging::Rows;
use crate::problem::Problem;

/// Shows how the loyalty index is spread, its facets, what people say beside what they do, and how it was.
#[utoipa::path(get, path = "/api/v1/models/loyalty_index/overview", security(("caller" = ["view_reports"])), tag = "models", operation_id = "loyalty_index_overview", responses((status = 200, body = Overview), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn loyalty_index_overview(State(app): State<App>, caller: Caller) -> Result<Json<Overview>, Problem> {
    caller.require(Permission::ViewReports)?;
    let row = find(&app, &caller, LOYALTY_INDEX).await?;
    let overview = row.overview.ok_or_else(|| Problem::not_found("run of scores yet"))?;
    Ok(Json(serde_json::from_value(overview).map_err(Problem::internal)?))
}

/// The index of a group.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoyaltyIndexGroup {
    /// Which; of a segment its key.
    key: String,
    name: String,
    /// How many of its people have an index.
    people: u64,
    /// The mean, with its interval of 95 %.
    average: Sure,
}

/// Shows the loyalty index by source, market, segment or a fact, the largest group first. Of segments somebody may be in several.
#[utoipa::path(get, path = "/api/v1/models/loyalty_index/groups", security(("caller" = ["view_reports"])), tag = "models", operation_id = "loyalty_index_groups", params(GroupsQuery), responses((status = 200, body = Rows<LoyaltyIndexGroup>), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn loyalty_index_groups(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<GroupsQuery>,
) -> Result<Json<Rows<LoyaltyIndexGroup>>, Problem> {
    caller.require(Permission::ViewReports)?;
    find(&app, &caller, LOYALTY_INDEX).await?;
    let scored = scored(&app, caller.workspace, LOYALTY_INDEX).await?;
    let groups = named(&app, caller.workspace, &query.by).await?;
    let row = |Group { key, name, people }: Group| {
        let values: Vec<f64> = people.iter().filter_map(|it| scored.get(it).copied()).collect();
        let row = LoyaltyIndexGroup { key, name, people: values.len() as u64, average: Sure::mean(&values) };
        (!values.is_empty()).then_some(row)
    };
    let mut rows: Vec<LoyaltyIndexGroup> = groups.into_iter().filter_map(row).collect();
    rows.sort_by(|a, b| b.people.cmp(&a.people).then(a.key.cmp(&b.key)));
    rows.truncate(LISTED);
    Ok(Json(Rows { rows }))
}

/// Settings that are thought of.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoyaltyEffectBody {
    /// All of the settings; what is left out is as usual.
    #[schema(value_type = Settings)]
    settings: Value,
}

/// Shows what other settings would do: the index of all, and how many people would change by more than ten points. Of what the last run of scores knew; nothing is changed.
#[utoipa::path(post, path = "/api/v1/models/loyalty_index/effect", security(("caller" = ["view_reports"])), tag = "models", operation_id = "loyalty_index_effect", request_body = LoyaltyEffectBody, responses((status = 200, body = Effect), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn loyalty_index_effect(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<LoyaltyEffectBody>,
) -> Result<Json<Effect>, Problem> {
    caller.require(Permission::ViewReports)?;
    let settings: Settings =
        serde_json::from_value(body.settings).map_err(|error| Problem::invalid("settings", error))?;
    settings.check().map_err(|(field, expected)| Problem::invalid(&format!("settings.{field}"), expected))?;
    let row = find(&app, &caller, LOYALTY_INDEX).await?;
    let none = || Problem::not_found("run of scores yet");
    let (version, mut db) = (row.scored_version.ok_or_else(none)?, app.installation.store.read());
    let kept = versions::find(&mut db, caller.workspace, LOYALTY_INDEX, version).await?.ok_or_else(none)?;
    let live: Content = serde_json::from_value(kept.content).map_err(Problem::internal)?;
    let mut details: Vec<(PersonId, Detail)> = Vec::new();
    for (person, detail) in scores::details(&mut db, caller.workspace, LOYALTY_INDEX).await? {
        // The newest comes first.
        if details.last().is_none_or(|it| it.0 != person) {
            details.extend(serde_json::from_value(detail).ok().map(|it| (person, it)));
        }
    }
    // Facts that the last run did not read.
    let mut known = live.definition.facts();
    known.extend(Settings::default().facts());
    let facts: Vec<String> = settings.facts().into_iter().filter(|it| !known.contains(it)).collect();
    let more = app.installation.analytics.numeric_facts(caller.workspace, &facts, app.now()).await?;
    let effect = loyalty_index::effect(&details, &live, &settings, (&facts, &more)).map_err(|verdict| {
        Problem::conflict("no_index", verdict.text, "Choose other measures or weights, or be content with less.")
    })?;
    Ok(Json(effect))
}
