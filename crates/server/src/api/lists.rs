//! `/api/v1/lists`: lists that people keep by hand. Who is on one is a fact (`list.<key>`), so conditions ask for it like for any other.

use std::collections::{BTreeMap, BTreeSet};

use crate::http::route::routes;
use axum::extract::State;
use axum::http::StatusCode;
use rapport_domain::{IdentifierKind, PersonId, Timestamp, WorkspaceId};
use rapport_profiles::records::{facts, identifiers, persons};
use rapport_segments::records::lists::{self, ListRow};
use rapport_segments::records::segments;
use rapport_store::{Priority, Queries};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::segments::{checked_name, free_key, is_key, key_of};
use super::shapes::{CustomerRow, time};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::problem::Problem;
use crate::scoring;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(all, create)).routes(routes!(delete)).routes(routes!(members, change))
}

/// People on a page.
const PAGE: usize = 50;
/// People changed in one call.
const MOST_CHANGED: usize = 10_000;

/// A list.
#[derive(Debug, Serialize, ToSchema)]
pub struct List {
    key: String,
    name: String,
    /// People on it.
    size: usize,
    created_at: String,
}

/// All lists.
#[derive(Debug, Serialize, ToSchema)]
pub struct Lists {
    rows: Vec<List>,
}

/// Who is on each of some lists.
async fn people(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    rows: &[ListRow],
    now: Timestamp,
) -> Result<BTreeMap<String, BTreeSet<PersonId>>, Problem> {
    let keys: Vec<String> = rows.iter().map(ListRow::fact_key).collect();
    let mut found: BTreeMap<String, BTreeSet<PersonId>> = BTreeMap::new();
    if keys.is_empty() {
        return Ok(found);
    }
    for (person, key, value) in facts::current_by_person(db, workspace, &keys, now).await? {
        if value == "true" {
            found.entry(key).or_default().insert(person);
        }
    }
    Ok(found)
}

async fn find(db: &mut impl Queries, workspace: WorkspaceId, key: &str) -> Result<ListRow, Problem> {
    let rows = lists::all(db, workspace).await?;
    rows.into_iter().find(|row| row.key == key).ok_or_else(|| Problem::not_found("list"))
}

/// Lists the lists, by name.
#[utoipa::path(get, path = "/api/v1/lists", security(("caller" = ["view_reports"])), tag = "lists", operation_id = "list_lists", responses((status = 200, body = Lists)))]
pub async fn all(State(app): State<App>, caller: Caller) -> Result<Json<Lists>, Problem> {
    caller.require(Permission::ViewReports)?;
    let mut db = app.installation.store.read();
    let rows = lists::all(&mut db, caller.workspace).await?;
    let people = people(&mut db, caller.workspace, &rows, app.installation.clock.now()).await?;
    let list = |row: ListRow| List {
        size: people.get(&row.fact_key()).map_or(0, BTreeSet::len),
        key: row.key,
        name: row.name,
        created_at: time(row.created_at),
    };
    Ok(Json(Lists { rows: rows.into_iter().map(list).collect() }))
}

/// A list to make.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ListBody {
    /// What people call it.
    name: String,
    /// Its name in conditions and addresses; made from the name without it.
    key: Option<String>,
}

/// Makes an empty list.
#[utoipa::path(post, path = "/api/v1/lists", security(("caller" = ["edit_segments"])), tag = "lists", operation_id = "create_list", request_body = ListBody, responses((status = 200, body = List), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn create(State(app): State<App>, caller: Caller, Json(body): Json<ListBody>) -> Result<Json<List>, Problem> {
    caller.require(Permission::EditSegments)?;
    let name = checked_name(&body.name)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let known = lists::all(&mut tx, caller.workspace).await?;
    let is_taken = |key: &str| known.iter().any(|row| row.key == key);
    let key = body.key.unwrap_or_else(|| free_key(&key_of(&name), is_taken));
    if !is_key(&key) || is_taken(&key) {
        let problem = "a key is not used by another list, has 1 to 60 small letters, digits and hyphens, and begins with a letter";
        return Err(Problem::invalid("key", problem));
    }
    let created_at = app.installation.clock.now();
    let row = ListRow { key, name, created_at, created_by: caller.id().to_string() };
    lists::insert(&mut tx, caller.workspace, &row).await?;
    tx.commit().await?;
    Ok(Json(List { key: row.key, name: row.name, size: 0, created_at: time(created_at) }))
}

/// Deletes a list that no segment asks for. Whoever was on it was so until now.
#[utoipa::path(delete, path = "/api/v1/lists/{key}", security(("caller" = ["edit_segments"])), tag = "lists", operation_id = "delete_list", params(("key" = String, Path)), responses((status = 204), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn delete(State(app): State<App>, caller: Caller, Path(key): Path<String>) -> Result<StatusCode, Problem> {
    caller.require(Permission::EditSegments)?;
    let workspace = caller.workspace;
    let mut db = app.installation.store.read();
    let row = find(&mut db, workspace, &key).await?;
    let fact = row.fact_key();
    let asking = segments::conditions(&segments::all(&mut db, workspace).await?)
        .into_iter()
        .find(|(_, condition)| condition.fact_keys().contains(&fact.as_str()));
    if let Some((segment, _)) = asking {
        return Err(Problem::invalid("key", format!("the segment {segment} asks for this list; change it first")));
    }
    let now = app.installation.clock.now();
    let on_it = people(&mut db, workspace, &[row], now).await?.remove(&fact).unwrap_or_default();
    tell(&app, workspace, &fact, on_it.into_iter().collect(), false, now).await?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    lists::delete(&mut tx, workspace, &key).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Where a page begins.
#[derive(Debug, Deserialize, ToSchema)]
pub struct PageQuery {
    /// `next` of the page before.
    cursor: Option<String>,
}

/// A page of the people on a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListMembers {
    rows: Vec<CustomerRow>,
    next: Option<String>,
}

/// Lists the people on a list.
#[utoipa::path(get, path = "/api/v1/lists/{key}/members", security(("caller" = ["view_people"])), tag = "lists", operation_id = "list_members", params(("key" = String, Path), ("cursor" = Option<String>, Query)), responses((status = 200, body = ListMembers)))]
pub async fn members(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<Json<ListMembers>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let mut db = app.installation.store.read();
    let row = find(&mut db, caller.workspace, &key).await?;
    let fact = row.fact_key();
    let all = people(&mut db, caller.workspace, &[row], app.installation.clock.now()).await?.remove(&fact);
    let after: i64 = query.cursor.as_deref().and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
    let mut ids: Vec<PersonId> =
        all.unwrap_or_default().into_iter().filter(|person| person.0 > after).take(PAGE + 1).collect();
    let is_more = ids.len() > PAGE;
    ids.truncate(PAGE);
    let mut rows = if ids.is_empty() { Vec::new() } else { persons::by_ids(&mut db, caller.workspace, &ids).await? };
    rows.sort_by_key(|row| row.person);
    let next = ids.last().filter(|_| is_more).map(ToString::to_string);
    Ok(Json(ListMembers { rows: rows.iter().map(CustomerRow::of).collect(), next }))
}

/// Who is put on a list, or taken off it.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ChangeBody {
    /// Customers by their ids.
    #[serde(default)]
    customers: Vec<String>,
    /// Customers by the company's own numbers for them, or by e-mail address.
    #[serde(default)]
    identifiers: Vec<String>,
    /// Take them off.
    #[serde(default)]
    remove: bool,
}

/// What came of a change.
#[derive(Debug, Serialize, ToSchema)]
pub struct Changed {
    /// Whose being on the list changed.
    changed: usize,
    /// What was asked for and nobody has.
    unknown: Vec<String>,
}

/// Puts people on a list, or takes them off it.
#[utoipa::path(post, path = "/api/v1/lists/{key}/members", security(("caller" = ["edit_segments"])), tag = "lists", operation_id = "change_list", params(("key" = String, Path)), request_body = ChangeBody, responses((status = 200, body = Changed), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<ChangeBody>,
) -> Result<Json<Changed>, Problem> {
    caller.require(Permission::EditSegments)?;
    if body.customers.len() + body.identifiers.len() > MOST_CHANGED {
        return Err(Problem::invalid("identifiers", format!("at most {MOST_CHANGED} at once")));
    }
    let workspace = caller.workspace;
    let mut db = app.installation.store.read();
    let row = find(&mut db, workspace, &key).await?;
    let fact = row.fact_key();
    let mut unknown = Vec::new();
    let mut wanted: BTreeSet<PersonId> = BTreeSet::new();
    let ids: Vec<PersonId> = body.customers.iter().filter_map(|id| id.parse().ok().map(PersonId)).collect();
    let known: BTreeSet<PersonId> = if ids.is_empty() {
        BTreeSet::new()
    } else {
        persons::by_ids(&mut db, workspace, &ids).await?.into_iter().map(|row| row.person).collect()
    };
    for id in &body.customers {
        match id.parse().ok().map(PersonId).filter(|person| known.contains(person)) {
            Some(person) => drop(wanted.insert(person)),
            None => unknown.push(id.clone()),
        }
    }
    let given: Vec<String> = body.identifiers.iter().map(|text| text.trim().to_owned()).collect();
    let given: Vec<String> = given.into_iter().filter(|text| !text.is_empty()).collect();
    let folded: Vec<String> = given.iter().map(|text| text.to_lowercase()).collect();
    let by_number = identifiers::by_values(&mut db, workspace, IdentifierKind::UserId, &given).await?;
    let by_email = identifiers::by_values(&mut db, workspace, IdentifierKind::Email, &folded).await?;
    for (text, folded) in given.into_iter().zip(&folded) {
        let number = by_number.iter().find(|row| row.value == text);
        match number.or_else(|| by_email.iter().find(|row| row.value == *folded)) {
            Some(row) => drop(wanted.insert(row.person)),
            None => unknown.push(text),
        }
    }
    let now = app.installation.clock.now();
    let on_it = people(&mut db, workspace, &[row], now).await?.remove(&fact).unwrap_or_default();
    let changed: Vec<PersonId> = wanted.into_iter().filter(|person| on_it.contains(person) == body.remove).collect();
    let count = changed.len();
    tell(&app, workspace, &fact, changed, !body.remove, now).await?;
    Ok(Json(Changed { changed: count, unknown }))
}

/// Tells of people that they are on a list from now on, or are not.
async fn tell(
    app: &App,
    workspace: WorkspaceId,
    fact: &str,
    people: Vec<PersonId>,
    is_on: bool,
    now: Timestamp,
) -> Result<(), Problem> {
    let value = if is_on { Value::Bool(true) } else { Value::Null };
    let told: Vec<scoring::Told> =
        people.into_iter().map(|person| (person, now, fact.to_owned(), value.clone())).collect();
    scoring::tell_all(&app.installation, workspace, &told, Priority::Interactive).await.map_err(Problem::internal)
}
