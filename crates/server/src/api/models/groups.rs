//! Groups of customers: which version is used, what each group is, what was tried, and the versions there were.

use std::collections::HashMap;

use axum::extract::State;
use axum::response::Response;
use rapport_analytics::groups::{Against, By, Content, Figure, Settings, Trait, Tried};
use rapport_analytics::scores::card::Card;
use rapport_analytics::scores::judged::Hold;
use rapport_analytics::scores::records::models::{self, ModelRow};
use rapport_analytics::scores::records::personas::{self, PersonaRow};
use rapport_analytics::scores::records::versions::{self, VersionRow};
use rapport_analytics::scores::{GROUPS, Sure, Verdict};
use rapport_analytics::value::date_of;
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::shapes::{ModelJob, job};
use super::versions::{LISTED, UseVersionBody, card_of, card_page, live_and_held, use_version, version};
use super::{find, set};
use crate::api::segments::{Names, user_names};
use crate::api::shapes::time;
use crate::api::wire::optional_time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::grouping;
use crate::http::extract::{Json, Path};
use crate::http::paging::Rows;
use crate::modelling::SCHEDULE;
use crate::problem::Problem;

/// The model of groups.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupModel {
    settings: Settings,
    is_paused: bool,
    /// The version in use; null before the first.
    live: Option<GroupVersion>,
    /// A newer version that was held until somebody decides.
    held: Option<GroupVersion>,
    /// Why the last search came to nothing; null where it did not.
    verdict: Option<Verdict>,
    /// When groups are looked for next, by themselves; null where that is paused.
    fit_at: Option<String>,
    /// When people are put into them next.
    place_at: Option<String>,
    /// As of when they were put into them last.
    placed_at: Option<String>,
    /// By which version.
    placed_version: Option<i64>,
    /// The last search.
    fit: Option<ModelJob>,
    /// The last time that people were put into groups.
    scoring: Option<ModelJob>,
}

/// A version.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupVersion {
    version: i64,
    /// `live`, `held` or `retired`.
    state: String,
    fitted_at: String,
    /// Who asked for it; null where it was due.
    fitted_by: Option<String>,
    /// The present of its data.
    as_of: String,
    /// By what people were grouped.
    by: By,
    /// The measures that the groups were made by.
    measures: Vec<String>,
    /// The two in which they differ most.
    axes: [String; 2],
    /// How many people it was learnt from.
    people: u64,
    /// The first and the last day of their purchases that were looked at.
    learnt_on: [String; 2],
    /// The groups, the largest first.
    groups: Vec<CustomerGroup>,
    /// How well they are parted: from −1 to 1, above 0.25 at all.
    silhouette: f64,
    /// How well clouds without groups are at the most.
    by_chance: f64,
    /// What was tried.
    tried: Vec<Tried>,
    /// Why it was held; empty where it was not.
    held: Vec<Hold>,
    /// Beside the version before.
    against: Option<Against>,
    /// When somebody decided that it is used.
    decided_at: Option<String>,
    decided_by: Option<String>,
    decided_why: Option<String>,
}

/// A group of customers, as a version found it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CustomerGroup {
    /// Its number, which it keeps while it is mostly the same people.
    number: u32,
    /// What staff call it, else `Group` with its number.
    name: String,
    /// What staff made of it; null where nobody named it.
    persona: Option<Persona>,
    /// Who is in it, as a condition.
    condition: String,
    /// How many people when it was found.
    people: u64,
    /// Of all.
    share: f64,
    /// What each spent on average within the time that was looked at.
    spent: Sure,
    /// The share of what all spent.
    revenue_share: f64,
    /// How well it comes again in samples drawn again: from 0.75 on well enough, from 0.85 on surely.
    stability: f64,
    /// What sets it apart, the clearest first.
    traits: Vec<Trait>,
    /// What its people are like, beside all.
    figures: Vec<Figure>,
}

/// What staff call a group, and what they wrote of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Persona {
    name: String,
    note: String,
    changed_at: String,
    changed_by: String,
}

/// Personas by the numbers of their groups.
pub(super) type Personas = HashMap<u32, Persona>;

/// Those of the caller's workspace.
pub(super) async fn personas_of(app: &App, caller: &Caller, users: &Names) -> Result<Personas, Problem> {
    let rows = personas::all(&mut app.installation.store.read(), caller.workspace).await?;
    let one = |row: PersonaRow| {
        let changed_by = users.get(&row.changed_by).cloned().unwrap_or(row.changed_by);
        let persona = Persona { name: row.name, note: row.note, changed_at: time(row.changed_at), changed_by };
        Some((u32::try_from(row.number).ok()?, persona))
    };
    Ok(rows.into_iter().filter_map(one).collect())
}

impl GroupVersion {
    fn of(row: VersionRow, users: &Names, personas: &Personas) -> Result<Self, Problem> {
        let content: Content = serde_json::from_value(row.content).map_err(Problem::internal)?;
        let named = |id: String| users.get(&id).cloned().unwrap_or(id);
        let group = |it: rapport_analytics::groups::Group| {
            let persona = personas.get(&it.number).cloned();
            CustomerGroup {
                number: it.number,
                name: persona.as_ref().map_or_else(|| grouping::unnamed(it.number), |own| own.name.clone()),
                persona,
                condition: format!("fact {} = {}", grouping::FACTS[0], it.number),
                people: it.people,
                share: it.share,
                spent: it.spent,
                revenue_share: it.revenue_share,
                stability: it.stability,
                traits: it.traits,
                figures: it.figures,
            }
        };
        Ok(Self {
            version: row.version,
            state: row.state,
            fitted_at: time(row.fitted_at),
            fitted_by: Some(row.fitted_by).filter(|it| it != SCHEDULE).map(named),
            as_of: time(row.as_of),
            by: content.by,
            measures: content.scales.into_iter().map(|it| it.key).collect(),
            axes: content.axes,
            people: content.people,
            learnt_on: [date_of(content.from), date_of(content.end - 1)],
            groups: content.groups.into_iter().map(group).collect(),
            silhouette: content.silhouette,
            by_chance: content.by_chance,
            tried: content.tried,
            held: serde_json::from_value(row.held).map_err(Problem::internal)?,
            against: content.against,
            decided_at: optional_time(row.decided_at),
            decided_by: row.decided_by.map(named),
            decided_why: row.decided_why,
        })
    }
}

async fn shown(app: &App, caller: &Caller, row: ModelRow) -> Result<Json<GroupModel>, Problem> {
    let users = user_names(app, caller.workspace).await?;
    let personas = personas_of(app, caller, &users).await?;
    let db = &mut app.installation.store.read();
    let [live, held] = live_and_held(db, caller, &row).await?;
    // What is due at once is due now.
    let due = |at: rapport_domain::Timestamp| (!row.is_paused).then(|| time(at.max(app.now())));
    Ok(Json(GroupModel {
        settings: grouping::settings_of(&row),
        live: live.map(|it| GroupVersion::of(it, &users, &personas)).transpose()?,
        held: held.map(|it| GroupVersion::of(it, &users, &personas)).transpose()?,
        fit_at: due(row.fit_at),
        place_at: due(row.score_at),
        placed_at: optional_time(row.scored_at),
        placed_version: row.scored_version,
        is_paused: row.is_paused,
        verdict: row.verdict.map(serde_json::from_value).transpose().map_err(Problem::internal)?,
        fit: job(app, row.fit_job).await?,
        scoring: job(app, row.score_job).await?,
    }))
}

/// Shows the groups that customers fall into, what each is, how sure that is, and how far a search is. A workspace in which nobody bought yet has no such model.
#[utoipa::path(get, path = "/api/v1/models/groups", security(("caller" = ["view_reports"])), tag = "models", operation_id = "group_model", responses((status = 200, body = GroupModel), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn group_model(State(app): State<App>, caller: Caller) -> Result<Json<GroupModel>, Problem> {
    caller.require(Permission::ViewReports)?;
    let row = find(&app, &caller, GROUPS).await?;
    shown(&app, &caller, row).await
}

/// What staff choose.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupModelBody {
    /// All of the settings; what is left out is as usual.
    #[schema(value_type = Settings)]
    settings: Value,
    /// Whether nothing is looked for, and nobody put into groups, by itself.
    is_paused: bool,
}

/// Changes what staff choose of it; the next search goes by it.
#[utoipa::path(put, path = "/api/v1/models/groups", security(("caller" = ["edit_models"])), tag = "models", operation_id = "change_group_model", request_body = GroupModelBody, responses((status = 200, body = GroupModel), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn change_group_model(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<GroupModelBody>,
) -> Result<Json<GroupModel>, Problem> {
    caller.require(Permission::EditModels)?;
    find(&app, &caller, GROUPS).await?;
    let body = (body.settings, body.is_paused);
    set(&app, &caller, GROUPS, body, serde_json::from_value::<Settings>, Settings::check).await?;
    let row = find(&app, &caller, GROUPS).await?;
    shown(&app, &caller, row).await
}

/// Looks for groups now, in the background; one search at a time.
#[utoipa::path(post, path = "/api/v1/models/groups/fit", security(("caller" = ["edit_models"])), tag = "models", operation_id = "learn_groups", responses((status = 200, body = GroupModel)))]
pub async fn learn_groups(State(app): State<App>, caller: Caller) -> Result<Json<GroupModel>, Problem> {
    caller.require(Permission::EditModels)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    grouping::found(&mut tx, caller.workspace).await.map_err(Problem::internal)?;
    let row = models::find(&mut tx, caller.workspace, GROUPS).await?;
    let row = row.ok_or_else(|| Problem::not_found("model"))?;
    let asked = grouping::ask(&app.installation, &mut tx, caller.workspace, &row, caller.id().as_str()).await;
    asked.map_err(Problem::internal)?;
    tx.commit().await?;
    let row = find(&app, &caller, GROUPS).await?;
    shown(&app, &caller, row).await
}

/// Lists versions, the newest first.
#[utoipa::path(get, path = "/api/v1/models/groups/versions", security(("caller" = ["view_reports"])), tag = "models", operation_id = "group_versions", responses((status = 200, body = Rows<GroupVersion>)))]
pub async fn group_versions(State(app): State<App>, caller: Caller) -> Result<Json<Rows<GroupVersion>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let users = user_names(&app, caller.workspace).await?;
    let personas = personas_of(&app, &caller, &users).await?;
    let rows = versions::latest(&mut app.installation.store.read(), caller.workspace, GROUPS, LISTED).await?;
    let rows: Result<Vec<_>, Problem> = rows.into_iter().map(|row| GroupVersion::of(row, &users, &personas)).collect();
    Ok(Json(Rows { rows: rows? }))
}

/// A version with its card.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupVersionWithCard {
    version: GroupVersion,
    card: Card,
}

/// Shows a version with its card.
#[utoipa::path(get, path = "/api/v1/models/groups/versions/{version}", security(("caller" = ["view_reports"])), tag = "models", operation_id = "group_version", params(("version" = String, Path)), responses((status = 200, body = GroupVersionWithCard), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn group_version(
    State(app): State<App>,
    caller: Caller,
    Path(number): Path<String>,
) -> Result<Json<GroupVersionWithCard>, Problem> {
    caller.require(Permission::ViewReports)?;
    let users = user_names(&app, caller.workspace).await?;
    let personas = personas_of(&app, &caller, &users).await?;
    let row = version(&mut app.installation.store.read(), &caller, GROUPS, &number).await?;
    Ok(Json(GroupVersionWithCard { card: card_of(&row)?, version: GroupVersion::of(row, &users, &personas)? }))
}

/// The card of a version as a page of text (Markdown).
#[utoipa::path(get, path = "/api/v1/models/groups/versions/{version}/card", security(("caller" = ["view_reports"])), tag = "models", operation_id = "group_card", params(("version" = String, Path)), responses((status = 200, body = String, content_type = "text/markdown"), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn group_card(
    State(app): State<App>,
    caller: Caller,
    Path(number): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Permission::ViewReports)?;
    card_page(&app, &caller, GROUPS, &number).await
}

/// Lets a version be used from now on: one that was held, or an earlier one. Who and why is kept; people are put into its groups within a minute.
#[utoipa::path(post, path = "/api/v1/models/groups/versions/{version}/use", security(("caller" = ["edit_models"])), tag = "models", operation_id = "use_group_version", params(("version" = String, Path)), request_body = UseVersionBody, responses((status = 200, body = GroupVersion), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn use_group_version(
    State(app): State<App>,
    caller: Caller,
    Path(number): Path<String>,
    Json(body): Json<UseVersionBody>,
) -> Result<Json<GroupVersion>, Problem> {
    caller.require(Permission::EditModels)?;
    let row = use_version(&app, &caller, (GROUPS, &number), &body).await?;
    let users = user_names(&app, caller.workspace).await?;
    let personas = personas_of(&app, &caller, &users).await?;
    GroupVersion::of(row, &users, &personas).map(Json)
}
