//! `/api/v1/segments`: named conditions, who is in them, since when and why.

use std::collections::BTreeMap;

use crate::http::route::routes;
use axum::extract::State;
use axum::http::StatusCode;
use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_segments::kept;
use rapport_segments::live::{Figure, Kind, Reason};
use rapport_segments::records::memberships;
use rapport_segments::records::segments::{self, SegmentRow};
use rapport_segments::{Condition, Limits, Program, Scope};
use rapport_store::{Priority, Tx};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::loyalty::protected::refuse_segment;
use super::members::{Member, instant, with_customers};
use super::questions::context;
use super::shapes::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::installation::Installation;
use crate::problem::Problem;
use crate::records::users;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, update, delete))
        .routes(routes!(set_parameters))
        .routes(routes!(read))
        .routes(routes!(schema))
        .routes(routes!(estimate))
        .routes(routes!(of_customer))
        .routes(routes!(why))
}

/// Members named with an estimate.
const EXAMPLES: usize = 5;

/// A segment.
#[derive(Debug, Serialize, ToSchema)]
pub struct Segment {
    /// Its name in conditions and addresses.
    key: String,
    /// What people call it.
    name: String,
    /// What it is for.
    description: String,
    /// The condition.
    #[schema(value_type = Object)]
    condition: Value,
    /// The condition as text.
    text: String,
    /// Counts changes of the condition, from 1.
    version: i64,
    /// `filling`, `live` or `failed`.
    state: String,
    /// Why filling failed.
    error: Option<String>,
    /// How many are in it now; unknown until it has been filled.
    size: Option<i64>,
    /// When it was changed last.
    updated_at: String,
    /// By whom: their name.
    updated_by: String,
}

impl Segment {
    fn of(row: SegmentRow, sizes: &BTreeMap<i64, i64>, users: &Names) -> Self {
        let condition = Condition::parse(&row.condition).ok();
        let size = (row.filled_version > 0).then(|| sizes.get(&row.segment).copied().unwrap_or(0));
        Self {
            key: row.key,
            name: row.name,
            description: row.description,
            text: condition.as_ref().map(Condition::to_text).unwrap_or_default(),
            condition: serde_json::from_str(&row.condition).unwrap_or(Value::Null),
            version: row.version,
            state: row.state,
            error: row.error,
            size,
            updated_at: time(row.updated_at),
            updated_by: users.get(&row.updated_by).cloned().unwrap_or(row.updated_by),
        }
    }
}

/// What users are called, by id.
pub(super) type Names = BTreeMap<String, String>;

pub(super) async fn user_names(app: &App, workspace: WorkspaceId) -> Result<Names, Problem> {
    let rows = users::all(&mut app.installation.store.read(), workspace).await?;
    Ok(rows.into_iter().map(|row| (row.id.to_string(), row.name)).collect())
}

/// All segments.
#[derive(Debug, Serialize, ToSchema)]
pub struct Segments {
    rows: Vec<Segment>,
    /// How many people there are.
    people: i64,
}

/// Lists segments, by name.
#[utoipa::path(get, path = "/api/v1/segments", security(("caller" = ["view_reports"])), tag = "segments", operation_id = "list_segments", responses((status = 200, body = Segments)))]
pub async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Segments>, Problem> {
    caller.require(Permission::ViewReports)?;
    let mut db = app.installation.store.read();
    let sizes = memberships::sizes(&mut db, caller.workspace).await?;
    let mut rows = segments::all(&mut db, caller.workspace).await?;
    // What is kept for journeys and experiments is shown where it stands.
    rows.retain(|row| !kept::is_kept(&row.key));
    let people = app.installation.memberships.people(caller.workspace).await?;
    let users = user_names(&app, caller.workspace).await?;
    Ok(Json(Segments { rows: rows.into_iter().map(|row| Segment::of(row, &sizes, &users)).collect(), people }))
}

/// A segment to save. The condition is given in one of its two forms.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SegmentBody {
    /// Its name in conditions and addresses; made from the name without it. It cannot be changed.
    key: Option<String>,
    /// What people call it.
    name: String,
    /// What it is for.
    #[serde(default)]
    description: String,
    /// The condition.
    #[schema(value_type = Option<Object>)]
    condition: Option<Value>,
    /// The condition as text.
    text: Option<String>,
}

/// A condition in one of its two forms.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ConditionBody {
    /// The condition.
    #[schema(value_type = Option<Object>)]
    condition: Option<Value>,
    /// The condition as text.
    text: Option<String>,
}

fn condition(condition: Option<&Value>, text: Option<&str>) -> Result<Condition, Problem> {
    let condition = match (condition, text) {
        (Some(form), None) => Condition::from_json(form, Limits::DEFAULT)?,
        (None, Some(text)) => Condition::from_text(text, Limits::DEFAULT)?,
        _ => return Err(Problem::invalid("condition", "give the condition as `condition` or as `text`")),
    };
    condition.validate(Scope::Person)?;
    Ok(condition)
}

/// Adds a segment. Its members are found in the background.
#[utoipa::path(post, path = "/api/v1/segments", security(("caller" = ["edit_segments"])), tag = "segments", operation_id = "create_segment", request_body = SegmentBody, responses((status = 200, body = Segment), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<SegmentBody>,
) -> Result<Json<Segment>, Problem> {
    caller.require(Permission::EditSegments)?;
    let name = checked_name(&body.name)?;
    let condition = condition(body.condition.as_ref(), body.text.as_deref())?;
    let now = app.installation.clock.now();
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let known = segments::all(&mut tx, caller.workspace).await?;
    let key =
        body.key.clone().unwrap_or_else(|| free_key(&key_of(&name), |key| known.iter().any(|row| row.key == key)));
    if !is_key(&key) {
        return Err(Problem::invalid(
            "key",
            "a key has 1 to 60 small letters, digits and hyphens, and begins with a letter",
        ));
    }
    if kept::is_kept(&key) {
        let why = format!("keys that begin with {} are kept for journeys and experiments", kept::KEPT);
        return Err(Problem::invalid("key", why));
    }
    if known.iter().any(|row| row.key == key) {
        return Err(Problem::invalid(
            "key",
            format!("there is a segment with the key {key} already; give another key"),
        ));
    }
    fits(&known, &key, &condition)?;
    refuse_segment(&mut tx, caller.workspace, &known, (&key, &condition)).await?;
    let number = segments::next_number(&mut tx, caller.workspace).await?;
    let words = (name, checked_description(&body.description)?);
    let row = SegmentRow::new(number, key, words, &condition, now, caller.id().as_str());
    segments::save(&mut tx, caller.workspace, &row).await?;
    tx.commit().await?;
    app.segments_changed.notify_one();
    Ok(Json(Segment::of(row, &BTreeMap::new(), &user_names(&app, caller.workspace).await?)))
}

/// Changes a segment. A changed condition is a new version, whose members are found in the background.
#[utoipa::path(put, path = "/api/v1/segments/{key}", security(("caller" = ["edit_segments"])), tag = "segments", operation_id = "update_segment", params(("key" = String, Path)), request_body = SegmentBody, responses((status = 200, body = Segment), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<SegmentBody>,
) -> Result<Json<Segment>, Problem> {
    caller.require(Permission::EditSegments)?;
    if body.key.as_ref().is_some_and(|other| *other != key) {
        return Err(Problem::invalid(
            "key",
            "a key cannot be changed, because conditions name it; make another segment",
        ));
    }
    let condition = condition(body.condition.as_ref(), body.text.as_deref())?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let known = segments::all(&mut tx, caller.workspace).await?;
    let old = known.iter().find(|row| row.key == key).cloned().ok_or_else(|| Problem::not_found("segment"))?;
    fits(&known, &key, &condition)?;
    refuse_segment(&mut tx, caller.workspace, &known, (&key, &condition)).await?;
    let (name, description) = (checked_name(&body.name)?, checked_description(&body.description)?);
    change(&app, &caller, tx, SegmentRow { name, description, ..old }, &condition).await
}

/// Gives parameters of a segment's condition other values: a new version, as if the condition had been changed.
#[utoipa::path(patch, path = "/api/v1/segments/{key}/parameters", security(("caller" = ["edit_segments"])), tag = "segments", operation_id = "set_segment_parameters", params(("key" = String, Path)),
    request_body(content = Object, description = "Names of parameters and their new values; what is not named stays.", example = json!({"least": 5})),
    responses((status = 200, body = Segment), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn set_parameters(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(values): Json<Map<String, Value>>,
) -> Result<Json<Segment>, Problem> {
    caller.require(Permission::EditSegments)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let known = segments::all(&mut tx, caller.workspace).await?;
    let old = known.iter().find(|row| row.key == key).cloned().ok_or_else(|| Problem::not_found("segment"))?;
    let condition = Condition::parse(&old.condition)?.with_parameters(&values)?;
    fits(&known, &key, &condition)?;
    refuse_segment(&mut tx, caller.workspace, &known, (&key, &condition)).await?;
    change(&app, &caller, tx, old, &condition).await
}

/// Stores what became of a segment.
async fn change(
    app: &App,
    caller: &Caller,
    mut tx: Tx,
    old: SegmentRow,
    condition: &Condition,
) -> Result<Json<Segment>, Problem> {
    let form = condition.to_json().to_string();
    let is_changed = form != old.condition;
    let row = SegmentRow {
        version: if is_changed { old.version + 1 } else { old.version },
        state: if is_changed { "filling".to_owned() } else { old.state.clone() },
        error: if is_changed { None } else { old.error.clone() },
        condition: form,
        updated_at: app.installation.clock.now(),
        updated_by: caller.id().to_string(),
        ..old
    };
    segments::save(&mut tx, caller.workspace, &row).await?;
    tx.commit().await?;
    if is_changed {
        app.segments_changed.notify_one();
    }
    let sizes = memberships::sizes(&mut app.installation.store.read(), caller.workspace).await?;
    Ok(Json(Segment::of(row, &sizes, &user_names(app, caller.workspace).await?)))
}

/// Deletes a segment that no other segment asks for.
#[utoipa::path(delete, path = "/api/v1/segments/{key}", security(("caller" = ["edit_segments"])), tag = "segments", operation_id = "delete_segment", params(("key" = String, Path)), responses((status = 204), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn delete(State(app): State<App>, caller: Caller, Path(key): Path<String>) -> Result<StatusCode, Problem> {
    caller.require(Permission::EditSegments)?;
    let store = &app.installation.store;
    let mut tx = store.begin(Priority::Interactive).await?;
    let segment = deletable(&mut tx, &caller, &key).await?;
    // Should it end on the way, its members are found again.
    segments::unfilled(&mut tx, caller.workspace, segment).await?;
    tx.commit().await?;
    memberships::delete_all(store, caller.workspace, segment).await?;
    let mut tx = store.begin(Priority::Interactive).await?;
    let deleted = match deletable(&mut tx, &caller, &key).await {
        Ok(segment) => Ok(segments::delete(&mut tx, caller.workspace, segment).await?),
        Err(problem) => Err(problem),
    };
    tx.commit().await?;
    app.segments_changed.notify_one();
    deleted.map(|()| StatusCode::NO_CONTENT)
}

/// The number of a segment that may be deleted.
async fn deletable(tx: &mut Tx, caller: &Caller, key: &str) -> Result<i64, Problem> {
    let known = segments::all(tx, caller.workspace).await?;
    let row = known.iter().find(|row| row.key == key).ok_or_else(|| Problem::not_found("segment"))?;
    match users_of(&known, key).first() {
        Some(user) => Err(Problem::invalid("key", format!("the segment {user} asks for this one; change it first"))),
        None => Ok(row.segment),
    }
}

/// Refuses a condition that asks for segments that are not there, or for itself.
pub fn fits(known: &[SegmentRow], key: &str, condition: &Condition) -> Result<(), Problem> {
    let others: Vec<(String, Condition)> =
        segments::conditions(known).into_iter().filter(|(other, _)| other != key).collect();
    let mut all: Vec<(&str, &Condition)> = others.iter().map(|(key, condition)| (key.as_str(), condition)).collect();
    all.push((key, condition));
    Program::new(&all, rapport_domain::Calendar::default())?;
    Ok(())
}

/// The keys of the segments that ask for one.
fn users_of(known: &[SegmentRow], key: &str) -> Vec<String> {
    let asks = |condition: &Condition| condition.segment_keys().contains(&key);
    segments::conditions(known).into_iter().filter(|(_, condition)| asks(condition)).map(|(user, _)| user).collect()
}

pub(super) fn checked_name(name: &str) -> Result<String, Problem> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 200 {
        return Err(Problem::invalid("name", "a name has 1 to 200 characters"));
    }
    Ok(name.to_owned())
}

fn checked_description(text: &str) -> Result<String, Problem> {
    if text.chars().count() > 2_000 {
        return Err(Problem::invalid("description", "a description has at most 2,000 characters"));
    }
    Ok(text.trim().to_owned())
}

/// Whether a text can name a segment.
pub fn is_key(key: &str) -> bool {
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    key.len() <= 60 && key.starts_with(|c: char| c.is_ascii_lowercase()) && key.chars().all(letters)
}

/// The key, or the first that is free with a number behind it.
pub(super) fn free_key(key: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let numbered = (2..).map(|number| format!("{}-{number}", key.chars().take(50).collect::<String>()));
    std::iter::once(key.to_owned()).chain(numbered).find(|key| !is_taken(key)).unwrap_or_default()
}

/// A key made from a name.
pub(super) fn key_of(name: &str) -> String {
    let plain =
        name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect::<String>();
    let words: Vec<&str> = plain.split('-').filter(|word| !word.is_empty()).collect();
    let key: String = words.join("-").chars().take(60).collect();
    let key = key.trim_end_matches('-');
    if key.starts_with(|c: char| c.is_ascii_lowercase()) {
        key.to_owned()
    } else {
        format!("segment-{key}").trim_end_matches('-').to_owned()
    }
}

/// How many came, went and were in a segment on a day.
#[derive(Debug, Serialize, ToSchema)]
pub struct Day {
    /// The day, in UTC.
    day: String,
    entered: i64,
    exited: i64,
    /// At its end.
    size: i64,
}

/// A version of a segment.
#[derive(Debug, Serialize, ToSchema)]
pub struct SegmentVersion {
    version: i64,
    name: String,
    #[schema(value_type = Object)]
    condition: Value,
    text: String,
    saved_at: String,
    saved_by: String,
}

/// A segment with its past.
#[derive(Debug, Serialize, ToSchema)]
pub struct SegmentPage {
    segment: Segment,
    /// How many people there are.
    people: i64,
    /// The days on which somebody came or went, ascending.
    days: Vec<Day>,
    /// Newest first.
    versions: Vec<SegmentVersion>,
    /// The keys of the segments that ask for this one.
    used_by: Vec<String>,
}

/// Shows a segment: its condition, its size over time, its versions, where it is used.
#[utoipa::path(get, path = "/api/v1/segments/{key}", security(("caller" = ["view_reports"])), tag = "segments", operation_id = "show_segment", params(("key" = String, Path)), responses((status = 200, body = SegmentPage)))]
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<SegmentPage>, Problem> {
    caller.require(Permission::ViewReports)?;
    let mut db = app.installation.store.read();
    let known = segments::all(&mut db, caller.workspace).await?;
    let row = known.iter().find(|row| row.key == key).cloned().ok_or_else(|| Problem::not_found("segment"))?;
    let sizes = memberships::sizes(&mut db, caller.workspace).await?;
    let flows = memberships::flows(&mut db, caller.workspace, row.segment).await?;
    let mut size = 0;
    let days =
        flows.into_iter().filter(|(_, entered, exited)| *entered != 0 || *exited != 0).map(|(day, entered, exited)| {
            size += entered - exited;
            let day = Timestamp(day.saturating_mul(Timestamp::DAY)).to_rfc3339();
            Day { day: day.split('T').next().unwrap_or_default().to_owned(), entered, exited, size }
        });
    let users = user_names(&app, caller.workspace).await?;
    let people = app.installation.memberships.people(caller.workspace).await?;
    let versions = segments::versions(&mut db, caller.workspace, row.segment).await?;
    let versions = versions.into_iter().map(|row| SegmentVersion {
        version: row.version,
        name: row.name,
        text: Condition::parse(&row.condition).map(|it| it.to_text()).unwrap_or_default(),
        condition: serde_json::from_str(&row.condition).unwrap_or(Value::Null),
        saved_at: time(row.saved_at),
        saved_by: users.get(&row.saved_by).cloned().unwrap_or(row.saved_by),
    });
    let (days, versions, used_by) = (days.collect(), versions.collect(), users_of(&known, &key));
    Ok(Json(SegmentPage { days, versions, used_by, people, segment: Segment::of(row, &sizes, &users) }))
}

/// A condition in both of its forms.
#[derive(Debug, Serialize, ToSchema)]
pub struct BothForms {
    #[schema(value_type = Object)]
    condition: Value,
    text: String,
}

/// Reads a condition in one form and writes it in both.
#[utoipa::path(post, path = "/api/v1/conditions/read", security(("caller" = ["view_reports"])), tag = "segments", operation_id = "read_condition", request_body = ConditionBody, responses((status = 200, body = BothForms), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn read(caller: Caller, Json(body): Json<ConditionBody>) -> Result<Json<BothForms>, Problem> {
    caller.require(Permission::ViewReports)?;
    let condition = condition(body.condition.as_ref(), body.text.as_deref())?;
    Ok(Json(BothForms { text: condition.to_text(), condition: condition.to_json() }))
}

/// The JSON Schema of conditions.
#[utoipa::path(get, path = "/api/v1/conditions/schema", security(("caller" = ["view_reports"])), tag = "segments", operation_id = "condition_schema", responses((status = 200, body = Object)))]
pub async fn schema(caller: Caller) -> Result<Json<Value>, Problem> {
    caller.require(Permission::ViewReports)?;
    Ok(Json(Condition::schema()))
}

/// A condition to try out, in one of its two forms.
#[derive(Debug, Deserialize, ToSchema)]
pub struct EstimateBody {
    /// The condition.
    #[schema(value_type = Option<Object>)]
    condition: Option<Value>,
    /// The condition as text.
    text: Option<String>,
    /// Look at everybody, however long it takes.
    #[serde(default)]
    exact: bool,
}

/// Whom a condition finds.
#[derive(Debug, Serialize, ToSchema)]
pub struct EstimateAnswer {
    /// How many; the best guess when only a sample was looked at.
    people: u64,
    /// With a confidence of 95 % there are this many or more.
    at_least: u64,
    /// With a confidence of 95 % there are this many or fewer.
    at_most: u64,
    /// Of how many.
    of: u64,
    /// How many of them were looked at: all, or a sample.
    looked_at: u64,
    /// Who came in last.
    examples: Vec<Member>,
    /// The condition as text.
    text: String,
    /// What should be looked at.
    warnings: Vec<Warning>,
    computed_ms: i64,
}

/// What should be looked at before a condition is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Warning {
    /// It holds for everybody, whatever they do.
    AlwaysHolds,
    /// It can hold for nobody.
    NeverHolds,
    /// It holds for everybody now.
    HoldsForEverybody,
    /// It holds for nobody now.
    HoldsForNobody,
    /// It looks at every event, of whatever name, in more than a million of them.
    LooksAtEveryEvent,
}

/// Events of which looking at all costs much.
const MANY_EVENTS: i64 = 1_000_000;

/// Says whom a condition finds now. Where there is much to read it looks at a sample of the people, and says so.
#[utoipa::path(post, path = "/api/v1/conditions/estimate", security(("caller" = ["view_people"])), tag = "segments", operation_id = "estimate_condition", request_body = EstimateBody, responses((status = 200, body = EstimateAnswer), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn estimate(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<EstimateBody>,
) -> Result<Json<EstimateAnswer>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let condition = condition(body.condition.as_ref(), body.text.as_deref())?;
    let began = app.installation.clock.now();
    let (known, calendar) = surroundings(&app.installation, caller.workspace).await?;
    let live = &app.installation.memberships;
    let found = live.estimate(caller.workspace, (&known, &condition), &calendar, EXAMPLES, body.exact).await?;
    let computed_ms = (app.installation.clock.now().0 - began.0) / 1_000;
    let mut warnings = Vec::new();
    match condition.constant() {
        Some(true) => warnings.push(Warning::AlwaysHolds),
        Some(false) => warnings.push(Warning::NeverHolds),
        None if found.of > 0 && found.between.0 == found.of => warnings.push(Warning::HoldsForEverybody),
        None if found.between.1 == 0 => warnings.push(Warning::HoldsForNobody),
        None => {}
    }
    let looks_at_all = condition.event_names().contains(&"*");
    if looks_at_all && app.installation.lake.snapshot(caller.workspace).await?.rows() > MANY_EVENTS {
        warnings.push(Warning::LooksAtEveryEvent);
    }
    let latest = found.latest.into_iter().map(|(person, since)| (person, since, None)).collect();
    let examples = with_customers(&app, caller.workspace, latest).await?;
    let answer = EstimateAnswer {
        people: found.people,
        at_least: found.between.0,
        at_most: found.between.1,
        of: found.of,
        looked_at: found.looked_at,
        examples,
        text: condition.to_text(),
        warnings,
        computed_ms,
    };
    Ok(Json(answer))
}

pub(super) async fn surroundings(
    installation: &Installation,
    workspace: WorkspaceId,
) -> Result<(Vec<(String, Condition)>, rapport_domain::Calendar), Problem> {
    let known = segments::all(&mut installation.store.read(), workspace).await?;
    Ok((segments::conditions(&known), context(installation, workspace).await?.calendar))
}

/// A segment that somebody is in.
#[derive(Debug, Serialize, ToSchema)]
pub struct CustomerSegment {
    key: String,
    name: String,
    since: String,
}

/// The segments that somebody is in.
#[derive(Debug, Serialize, ToSchema)]
pub struct CustomerSegments {
    rows: Vec<CustomerSegment>,
}

/// When, and as it was known when.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AtQuery {
    /// RFC 3339; now without it.
    valid_at: Option<String>,
    /// RFC 3339; now without it.
    known_at: Option<String>,
}

/// Lists the segments that a customer is, or was, in.
#[utoipa::path(get, path = "/api/v1/customers/{id}/segments", security(("caller" = ["view_people"])), tag = "segments", operation_id = "customer_segments",
    params(("id" = String, Path), ("valid_at" = Option<String>, Query), ("known_at" = Option<String>, Query)), responses((status = 200, body = CustomerSegments)))]
pub async fn of_customer(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<AtQuery>,
) -> Result<Json<CustomerSegments>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let person = person(&id)?;
    let now = app.installation.clock.now();
    let valid_at = instant("valid_at", query.valid_at.as_deref())?.unwrap_or(now);
    let known_at = instant("known_at", query.known_at.as_deref())?.unwrap_or(now);
    let mut db = app.installation.store.read();
    let names: BTreeMap<i64, (String, String)> = segments::all(&mut db, caller.workspace)
        .await?
        .into_iter()
        .map(|row| (row.segment, (row.key, row.name)))
        .collect();
    let rows = memberships::at(&mut db, caller.workspace, person, valid_at, known_at).await?;
    let row = |row: memberships::MembershipRow| {
        let (key, name) = names.get(&row.segment)?.clone();
        Some(CustomerSegment { key, name, since: time(row.entered_at) })
    };
    Ok(Json(CustomerSegments { rows: rows.into_iter().filter_map(row).collect() }))
}

fn person(id: &str) -> Result<PersonId, Problem> {
    id.parse().map(PersonId).map_err(|_| Problem::not_found("customer"))
}

/// A part of a condition, and whether it holds.
#[derive(Debug, Serialize, ToSchema)]
pub struct Why {
    /// The part, as text.
    text: String,
    /// `all`, `any` or `not` of its parts, or one `test`.
    kind: &'static str,
    /// Whether it holds now.
    holds: bool,
    /// Since when it holds, or does not.
    since: Option<String>,
    /// What a test looks at, as it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    figure: Option<FigureNow>,
    /// The parts that it is made of.
    #[schema(no_recursion)]
    parts: Vec<Why>,
}

/// What a test looks at, as it is now.
#[derive(Debug, Serialize, ToSchema)]
pub struct FigureNow {
    /// `count` (events, different values, days, steps, intervals in a row), `amount`, `value` (what is known of the customer), `at` (when it
    /// happened), `passed` (seconds so far) or `place` (the customer's random place, in per cent).
    kind: &'static str,
    /// Null for nothing.
    #[schema(value_type = Object)]
    value: Value,
    /// Of `passed`: after how many seconds it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    needed: Option<i64>,
}

impl From<Figure> for FigureNow {
    fn from(figure: Figure) -> Self {
        let (kind, value, needed) = match figure {
            Figure::Count(count) => ("count", count.into(), None),
            Figure::Amount(micros) => ("amount", (micros as f64 / 1e6).into(), None),
            Figure::Value(value) => ("value", value, None),
            Figure::At(at) => ("at", at.map(time).into(), None),
            Figure::Passed { so_far, needed } => {
                ("passed", (so_far / Timestamp::SECOND).into(), Some(needed / Timestamp::SECOND))
            }
            Figure::Place(place) => ("place", (f64::from(place) / 100.0).into(), None),
        };
        Self { kind, value, needed }
    }
}

impl From<&Reason> for Why {
    fn from(reason: &Reason) -> Self {
        let kind = match reason.kind {
            Kind::All => "all",
            Kind::Any => "any",
            Kind::Not => "not",
            Kind::Test => "test",
        };
        let parts = reason.parts.iter().map(Into::into).collect();
        let figure = reason.figure.clone().map(Into::into);
        Self { text: reason.text.clone(), kind, holds: reason.holds, since: reason.since.map(time), figure, parts }
    }
}

/// Why somebody is in a segment, or is not.
#[derive(Debug, Serialize, ToSchema)]
pub struct WhyAnswer {
    /// The whole condition.
    #[serde(flatten)]
    why: Why,
    /// For somebody who is not in it: the fewest tests that would have to turn out otherwise, the nearest of several choices.
    nearest: Vec<Why>,
}

/// Says which parts of a segment's condition hold for a customer.
#[utoipa::path(get, path = "/api/v1/customers/{id}/segments/{key}", security(("caller" = ["view_people"])), tag = "segments", operation_id = "why_in_segment",
    params(("id" = String, Path), ("key" = String, Path)), responses((status = 200, body = WhyAnswer)))]
pub async fn why(
    State(app): State<App>,
    caller: Caller,
    Path((id, key)): Path<(String, String)>,
) -> Result<Json<WhyAnswer>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let person = person(&id)?;
    let (known, calendar) = surroundings(&app.installation, caller.workspace).await?;
    let (_, condition) = known.iter().find(|(other, _)| *other == key).ok_or_else(|| Problem::not_found("segment"))?;
    let live = &app.installation.memberships;
    let reason = live.explain(caller.workspace, &known, condition, &calendar, person).await?;
    let reason = reason.ok_or_else(|| Problem::not_found("customer"))?;
    let nearest = reason.nearest_miss().into_iter().map(Into::into).collect();
    Ok(Json(WhyAnswer { why: (&reason).into(), nearest }))
}
