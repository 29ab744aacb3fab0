//! Groups as staff use them: how large they are now, who is in them, and what they are called.

use axum::extract::State;
use rapport_analytics::groups::{Content, Detail, Overview};
use rapport_analytics::scores::GROUPS;
use rapport_analytics::scores::records::models;
use rapport_analytics::scores::records::personas::{self, PersonaRow};
use rapport_analytics::scores::records::scores::Wanted;
use rapport_analytics::scores::records::versions;
use rapport_domain::{Timestamp, plain};
use rapport_store::{Priority, Queries};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::find;
use super::groups::{Persona, personas_of};
use super::people::listed;
use crate::api::segments::user_names;
use crate::api::shapes::{CustomerRow, time};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::{Page, PageQuery};
use crate::problem::Problem;

/// The longest name.
const NAME: usize = 60;
/// The longest note.
const NOTE: usize = 2_000;
/// Versions of which groups may be named.
const VERSIONS: i64 = 100;

/// Shows how large the groups are, as of when people were put into them last.
#[utoipa::path(get, path = "/api/v1/models/groups/overview", security(("caller" = ["view_reports"])), tag = "models", operation_id = "group_overview", responses((status = 200, body = Overview), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn group_overview(State(app): State<App>, caller: Caller) -> Result<Json<Overview>, Problem> {
    caller.require(Permission::ViewReports)?;
    let row = find(&app, &caller, GROUPS).await?;
    let overview = row.overview.ok_or_else(|| Problem::not_found("person in a group yet"))?;
    Ok(Json(serde_json::from_value(overview).map_err(Problem::internal)?))
}

/// Somebody in a group.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupedPerson {
    customer: CustomerRow,
    /// As of when.
    placed_at: String,
    /// By which version.
    version: i64,
    /// 10 for the most typical tenth of the group.
    tenth: i64,
    /// Which group, how surely, and by what.
    detail: Detail,
}

/// Who is listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct GroupPeopleQuery {
    /// Only of the group of this number.
    group: Option<u32>,
    /// `typical` (unless said) or `unusual` first.
    order: Option<String>,
}

/// Lists the people of a group, the most typical first: the first is its medoid, as near to its middle as anybody.
#[utoipa::path(get, path = "/api/v1/models/groups/people", security(("caller" = ["view_people"])), tag = "models", operation_id = "group_people", params(GroupPeopleQuery, PageQuery), responses((status = 200, body = Page<GroupedPerson>), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn group_people(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<GroupPeopleQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<GroupedPerson>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    find(&app, &caller, GROUPS).await?;
    let ascending = match query.order.as_deref() {
        None | Some("typical") => false,
        Some("unusual") => true,
        Some(_) => return Err(Problem::invalid("order", "expected typical or unusual")),
    };
    let wanted = Wanted {
        part: query.group.map(|it| it.to_string()).unwrap_or_default(),
        ascending,
        offset: page.position::<i64>()?.unwrap_or(0).max(0),
        limit: i64::from(page.limit()),
        ..Wanted::default()
    };
    let page = listed(&app, &caller, GROUPS, &wanted, |row, customer| {
        let detail = serde_json::from_value(row.detail).ok()?;
        Some(GroupedPerson { customer, placed_at: time(row.scored_at), version: row.version, tenth: row.tenth, detail })
    });
    page.await.map(Json)
}

/// What a group is called from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonaBody {
    /// 1 to 60 letters.
    name: String,
    /// Whom one should think of, what moves them, how to speak to them: up to 2,000 letters.
    #[serde(default)]
    note: String,
}

/// Whether any version has a group of this number.
async fn there(db: &mut impl Queries, caller: &Caller, number: u32) -> Result<(), Problem> {
    let rows = versions::latest(db, caller.workspace, GROUPS, VERSIONS).await?;
    let has = |it: Content| it.groups.iter().any(|group| group.number == number);
    let is_there = rows.into_iter().filter_map(|row| serde_json::from_value(row.content).ok()).any(has);
    if is_there { Ok(()) } else { Err(Problem::not_found("group")) }
}

/// Names a group, and says whom to think of. The name is told of everybody in it within a minute (`group.name`); conditions had better use its number, which stays.
#[utoipa::path(put, path = "/api/v1/models/groups/personas/{number}", security(("caller" = ["edit_models"])), tag = "models", operation_id = "name_group", params(("number" = u32, Path)), request_body = PersonaBody, responses((status = 200, body = Persona), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn name_group(
    State(app): State<App>,
    caller: Caller,
    Path(number): Path<u32>,
    Json(body): Json<PersonaBody>,
) -> Result<Json<Persona>, Problem> {
    caller.require(Permission::EditModels)?;
    let name = plain::one_line(&body.name, NAME + 1);
    if name.is_empty() || name.chars().count() > NAME {
        return Err(Problem::invalid("name", "1 to 60 letters"));
    }
    let note = note_of(&body.note).ok_or_else(|| Problem::invalid("note", "up to 2,000 letters"))?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    there(&mut tx, &caller, number).await?;
    let folded = name.to_lowercase();
    let others = personas::all(&mut tx, caller.workspace).await?;
    if let Some(other) = others.iter().find(|it| it.number != i64::from(number) && it.name.to_lowercase() == folded) {
        return Err(Problem::conflict(
            "persona_name_taken",
            format!("Group {} is called so already.", other.number),
            "Choose another name, or rename that group first.",
        ));
    }
    let by = caller.id().as_str().to_owned();
    let row = PersonaRow { number: i64::from(number), name, note, changed_at: app.now(), changed_by: by };
    personas::put(&mut tx, caller.workspace, &row).await?;
    retell(&mut tx, &caller).await?;
    tx.commit().await?;
    let users = user_names(&app, caller.workspace).await?;
    let mut all = personas_of(&app, &caller, &users).await?;
    all.remove(&number).map(Json).ok_or_else(|| Problem::not_found("group"))
}

/// Takes the name of a group away, with what was written of it.
#[utoipa::path(delete, path = "/api/v1/models/groups/personas/{number}", security(("caller" = ["edit_models"])), tag = "models", operation_id = "unname_group", params(("number" = u32, Path)), responses((status = 204), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn unname_group(
    State(app): State<App>,
    caller: Caller,
    Path(number): Path<u32>,
) -> Result<axum::http::StatusCode, Problem> {
    caller.require(Permission::EditModels)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    if !personas::remove(&mut tx, caller.workspace, i64::from(number)).await? {
        return Err(Problem::not_found("persona"));
    }
    retell(&mut tx, &caller).await?;
    tx.commit().await?;
    Ok(axum::http::StatusCode::NO_CONTENT)
}

/// People are put into the groups anew, which tells their name.
async fn retell(tx: &mut rapport_store::Tx, caller: &Caller) -> Result<(), Problem> {
    if let Some(row) = models::find(tx, caller.workspace, GROUPS).await? {
        models::scoring(tx, caller.workspace, GROUPS, row.score_job.as_ref(), Timestamp(0)).await?;
    }
    Ok(())
}

/// A note without signs that show nothing, in lines; `None` if it is too long.
fn note_of(text: &str) -> Option<String> {
    let mut note = String::new();
    plain::clean(text.trim(), &mut note);
    (note.chars().count() <= NOTE).then_some(note)
}
