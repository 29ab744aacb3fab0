//! `/api/v1/surveys`: surveys, what is wrong with them, their versions, and how often people are asked.
//!
//! A definition's JSON is that of `rapport-feedback`; the guide "Surveys" describes it.

mod asked;
mod files;
mod looking;
mod reaching;
mod responses;
mod responses_file;

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::{Timestamp, WorkspaceId};
use rapport_feedback::asking::Settings;
use rapport_feedback::records::surveys::{self, SurveyRow};
use rapport_feedback::records::{quotas, responses as response_rows, settings};
use rapport_feedback::service::Author;
use rapport_feedback::service::editing::{self, Act};
use rapport_feedback::survey::{Severity, check};
use rapport_feedback::{Definition, Finding, gallery};
use rapport_segments::records::segments;
use rapport_store::{Priority, Queries};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::segments::{Names, user_names};
use super::wire::{optional_time, time};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path};
use crate::http::paging::Rows;
use crate::problem::Problem;
use crate::surveying::letters;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, update))
        .routes(routes!(act))
        .routes(routes!(look))
        .routes(routes!(templates))
        .routes(routes!(template))
        .routes(routes!(policy, set_policy))
        .merge(asked::router())
        .merge(files::router())
        .merge(looking::router())
        .merge(responses::router())
        .merge(responses_file::router())
}

/// A survey in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct SurveySummary {
    /// Its name in addresses and events.
    key: String,
    name: String,
    /// `draft`, `open`, `paused` or `closed`.
    state: String,
    /// `relationship`, `touchpoint`, `research` or `exit`.
    kind: String,
    /// How often it was changed in any way; whoever saves says which they looked at.
    revision: i64,
    /// The latest version of what it asks.
    version: i64,
    /// The version that people answer.
    published: Option<i64>,
    /// Which round of asking.
    wave: i64,
    /// Answered to the end in this wave.
    completed: i64,
    /// Begun and left in the middle in this wave.
    partial: i64,
    opened_at: Option<String>,
    closes_at: Option<String>,
    closed_at: Option<String>,
    updated_at: String,
    /// By whom: their name.
    updated_by: String,
}

/// Something that is wrong with a survey, or may be.
#[derive(Debug, Serialize, ToSchema)]
pub struct SurveyFinding {
    /// `error`: it cannot be opened so; `warning`: it may be meant so.
    severity: &'static str,
    /// A stable word.
    code: &'static str,
    /// The question with its part, or the part of the survey.
    place: String,
    /// What is wrong and what to do.
    text: String,
}

/// A version of what a survey asks.
#[derive(Debug, Serialize, ToSchema)]
pub struct SurveyVersion {
    version: i64,
    saved_at: String,
    saved_by: String,
}

/// A quota with the answers it has in this wave.
#[derive(Debug, Serialize, ToSchema)]
pub struct SurveyQuota {
    key: String,
    most: u32,
    filled: i64,
}

/// A survey.
#[derive(Debug, Serialize, ToSchema)]
pub struct SurveyDetail {
    summary: SurveySummary,
    /// What it asks, as it was saved last.
    #[schema(value_type = Object)]
    definition: Value,
    /// What is wrong with that; of an open survey that asks by itself also what keeps its invitations from being written or from leaving.
    findings: Vec<SurveyFinding>,
    /// The quotas of the version that people answer.
    quotas: Vec<SurveyQuota>,
    versions: Vec<SurveyVersion>,
}

/// A survey to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SurveyCreateBody {
    /// Its name in addresses and events: 1 to 60 small letters, digits, `-` and `_`. It cannot be changed.
    key: String,
    name: String,
    /// What it asks.
    #[schema(value_type = Object)]
    definition: Value,
}

/// A changed survey.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SurveyUpdateBody {
    /// The revision that was looked at.
    revision: i64,
    name: String,
    /// When it closes by itself.
    #[serde(default)]
    closes_at: Option<String>,
    /// All that it asks.
    #[schema(value_type = Object)]
    definition: Value,
}

/// What is to be done.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SurveyActBody {
    /// `publish`: people answer what was saved last; `open`; `pause`; `close`; `wave`: begin the next round.
    act: String,
    /// The revision that was looked at.
    revision: i64,
}

/// A definition to look at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SurveyCheckBody {
    /// What it would ask.
    #[schema(value_type = Object)]
    definition: Value,
}

/// A ready survey.
#[derive(Debug, Serialize, ToSchema)]
pub struct SurveyTemplate {
    key: String,
    /// What it is called, by language.
    #[schema(value_type = Object)]
    name: Value,
    /// What it is for, by language.
    #[schema(value_type = Object)]
    purpose: Value,
    /// Where its questions and scales come from.
    source: String,
    kind: &'static str,
    /// How many questions it has.
    questions: usize,
    /// What it asks; in the list of all it is left out.
    #[schema(value_type = Object)]
    #[serde(skip_serializing_if = "Option::is_none")]
    definition: Option<Value>,
}

/// How often people are asked.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SurveySettings {
    /// Nobody gets any survey within so many days of the last one, but for those who leave.
    quarantine_days: u32,
    /// Nobody gets a survey of a kind within so many days of the last one of that kind, by kind.
    #[schema(value_type = Object)]
    floor_days: Value,
    /// Nobody is asked who has an open complaint or ticket.
    spare_the_troubled: bool,
    /// An occasion can be asked about for so many days.
    late_days: u32,
}

/// Lists surveys, the newest first.
#[utoipa::path(get, path = "/api/v1/surveys", security(("caller" = ["view_reports"])), tag = "surveys", operation_id = "surveys", responses((status = 200, body = Rows<SurveySummary>)))]
pub async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Rows<SurveySummary>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let names = user_names(&app, caller.workspace).await?;
    let found = surveys::all(&mut app.installation.store.read(), caller.workspace).await?;
    let mut rows = Vec::with_capacity(found.len());
    for row in &found {
        rows.push(summary(&app, caller.workspace, row, &names).await?);
    }
    Ok(Json(Rows { rows }))
}

/// Makes a survey, as a draft.
#[utoipa::path(post, path = "/api/v1/surveys", security(("caller" = ["edit_content"])), tag = "surveys", operation_id = "create_survey", request_body = SurveyCreateBody,
    responses((status = 200, body = SurveyDetail), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<SurveyCreateBody>,
) -> Result<Json<SurveyDetail>, Problem> {
    caller.require(Permission::EditContent)?;
    let definition = Definition::from_json(&body.definition)?;
    has_letters(&app, caller.workspace, &definition).await?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let author = Author { by: caller.id().as_str(), at: app.now() };
    let named = (body.key.as_str(), body.name.as_str());
    let row = editing::create(&mut tx, caller.workspace, named, &definition, author).await?;
    tx.commit().await?;
    app.installation.surveys.forget(caller.workspace);
    detail(&app, caller.workspace, row).await
}

/// Shows a survey with what is wrong with it and its versions.
#[utoipa::path(get, path = "/api/v1/surveys/{key}", security(("caller" = ["view_reports"])), tag = "surveys", operation_id = "survey", params(("key" = String, Path)), responses((status = 200, body = SurveyDetail)))]
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<SurveyDetail>, Problem> {
    caller.require(Permission::ViewReports)?;
    let row = find(&app, caller.workspace, &key).await?;
    detail(&app, caller.workspace, row).await
}

/// Saves what a survey asks. People go on answering the published version until this one is published.
#[utoipa::path(put, path = "/api/v1/surveys/{key}", security(("caller" = ["edit_content"])), tag = "surveys", operation_id = "update_survey", params(("key" = String, Path)), request_body = SurveyUpdateBody,
    responses((status = 200, body = SurveyDetail), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<SurveyUpdateBody>,
) -> Result<Json<SurveyDetail>, Problem> {
    caller.require(Permission::EditContent)?;
    let definition = Definition::from_json(&body.definition)?;
    let closes_at = instant("closes_at", body.closes_at.as_deref())?;
    has_letters(&app, caller.workspace, &definition).await?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let author = Author { by: caller.id().as_str(), at: app.now() };
    let named = (body.name.as_str(), closes_at);
    let row = editing::save(&mut tx, caller.workspace, &key, named, &definition, body.revision, author).await?;
    tx.commit().await?;
    app.installation.surveys.forget(caller.workspace);
    detail(&app, caller.workspace, row).await
}

/// Publishes, opens, pauses or closes a survey, or begins its next wave.
#[utoipa::path(post, path = "/api/v1/surveys/{key}/act", security(("caller" = ["edit_content"])), tag = "surveys", operation_id = "act_on_survey", params(("key" = String, Path)), request_body = SurveyActBody,
    responses((status = 200, body = SurveyDetail), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn act(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<SurveyActBody>,
) -> Result<Json<SurveyDetail>, Problem> {
    caller.require(Permission::EditContent)?;
    let act = Act::parse(&body.act);
    let act = act.ok_or_else(|| Problem::invalid("act", "is publish, open, pause, close or wave"))?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let author = Author { by: caller.id().as_str(), at: app.now() };
    can_ask(&mut tx, caller.workspace, &key, act).await?;
    let row = editing::act(&mut tx, caller.workspace, &key, act, body.revision, author).await?;
    tx.commit().await?;
    app.installation.surveys.forget(caller.workspace);
    detail(&app, caller.workspace, row).await
}

/// Whether the templates that a survey names can ask.
async fn has_letters(app: &App, workspace: WorkspaceId, definition: &Definition) -> Result<(), Problem> {
    let mut db = app.installation.store.read();
    let found = letters::findings(&mut db, workspace, &definition.asking).await?;
    found.into_iter().next().map_or(Ok(()), |it| Err(Problem::invalid(&it.place, it.text)))
}

/// Whether there is the segment that a survey asks, and what it writes with, before it does.
async fn can_ask(db: &mut impl Queries, workspace: WorkspaceId, key: &str, act: Act) -> Result<(), Problem> {
    let Some(row) = surveys::find(db, workspace, key).await?.filter(|_| matches!(act, Act::Open | Act::Publish)) else {
        return Ok(());
    };
    let version = if act == Act::Open { row.published.unwrap_or(row.version) } else { row.version };
    let definition = surveys::version(db, workspace, row.survey, version).await?;
    if let Some(definition) = &definition
        && let Some(it) = letters::findings(db, workspace, &definition.asking).await?.into_iter().next()
    {
        return Err(Problem::invalid(&it.place, it.text));
    }
    let segment = definition.as_ref().and_then(|it| it.asking.when.as_ref()?.segment());
    match segment {
        Some(segment) if segments::by_key(db, workspace, segment).await?.is_none() => {
            Err(Problem::invalid("asking.when", "there is no such segment"))
        }
        _ => Ok(()),
    }
}

/// Says what is wrong with a definition, without saving it.
#[utoipa::path(post, path = "/api/v1/survey-check", security(("caller" = ["view_reports"])), tag = "surveys", operation_id = "check_survey", request_body = SurveyCheckBody,
    responses((status = 200, body = Rows<SurveyFinding>), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn look(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<SurveyCheckBody>,
) -> Result<Json<Rows<SurveyFinding>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let definition = Definition::from_json(&body.definition)?;
    Ok(Json(Rows { rows: looked_over(&app, caller.workspace, &definition).await? }))
}

/// Lists ready surveys.
#[utoipa::path(get, path = "/api/v1/survey-templates", security(("caller" = ["view_reports"])), tag = "surveys", operation_id = "survey_templates", responses((status = 200, body = Rows<SurveyTemplate>)))]
pub async fn templates(caller: Caller) -> Result<Json<Rows<SurveyTemplate>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let rows: Result<Vec<SurveyTemplate>, Problem> = gallery::keys().map(|key| ready(key, false)).collect();
    Ok(Json(Rows { rows: rows? }))
}

/// Shows a ready survey with what it asks.
#[utoipa::path(get, path = "/api/v1/survey-templates/{key}", security(("caller" = ["view_reports"])), tag = "surveys", operation_id = "survey_template", params(("key" = String, Path)), responses((status = 200, body = SurveyTemplate)))]
pub async fn template(caller: Caller, Path(key): Path<String>) -> Result<Json<SurveyTemplate>, Problem> {
    caller.require(Permission::ViewReports)?;
    if !gallery::keys().any(|known| known == key) {
        return Err(Problem::not_found("survey template"));
    }
    ready(&key, true).map(Json)
}

fn ready(key: &str, whole: bool) -> Result<SurveyTemplate, Problem> {
    let ready = gallery::ready(key)?;
    let value = |it: Result<Value, serde_json::Error>| it.map_err(Problem::internal);
    Ok(SurveyTemplate {
        key: ready.key.to_owned(),
        name: value(serde_json::to_value(&ready.name))?,
        purpose: value(serde_json::to_value(&ready.purpose))?,
        source: ready.source,
        kind: ready.survey.asking.kind.as_str(),
        questions: ready.survey.questions().count(),
        definition: whole.then(|| value(serde_json::to_value(&ready.survey))).transpose()?,
    })
}

/// How often people are asked.
#[utoipa::path(get, path = "/api/v1/survey-settings", security(("caller" = ["view_reports"])), tag = "surveys", operation_id = "survey_settings", responses((status = 200, body = SurveySettings)))]
pub async fn policy(State(app): State<App>, caller: Caller) -> Result<Json<SurveySettings>, Problem> {
    caller.require(Permission::ViewReports)?;
    let found = settings::find(&mut app.installation.store.read(), caller.workspace).await?;
    settled(&found)
}

/// Sets how often people are asked.
#[utoipa::path(put, path = "/api/v1/survey-settings", security(("caller" = ["manage_sending"])), tag = "surveys", operation_id = "set_survey_settings", request_body = SurveySettings,
    responses((status = 200, body = SurveySettings), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn set_policy(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<SurveySettings>,
) -> Result<Json<SurveySettings>, Problem> {
    caller.require(Permission::ManageSending)?;
    let form = serde_json::to_value(&body).map_err(Problem::internal)?;
    let changed: Settings = serde_json::from_value(form).map_err(|error| Problem::invalid("floor_days", error))?;
    if let Some((field, problem)) = changed.problem() {
        return Err(Problem::invalid(field, problem));
    }
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    settings::save(&mut tx, caller.workspace, &changed, app.now(), caller.id().as_str()).await?;
    tx.commit().await?;
    settled(&changed)
}

fn settled(settings: &Settings) -> Result<Json<SurveySettings>, Problem> {
    Ok(Json(SurveySettings {
        quarantine_days: settings.quarantine_days,
        floor_days: serde_json::to_value(&settings.floor_days).map_err(Problem::internal)?,
        spare_the_troubled: settings.spare_the_troubled,
        late_days: settings.late_days,
    }))
}

/// The survey of a key.
async fn find(app: &App, workspace: WorkspaceId, key: &str) -> Result<SurveyRow, Problem> {
    let row = surveys::find(&mut app.installation.store.read(), workspace, key).await?;
    row.ok_or_else(|| Problem::not_found("survey"))
}

/// What people answer, with its version.
async fn published(app: &App, workspace: WorkspaceId, row: &SurveyRow) -> Result<(i64, Definition), Problem> {
    let version = row.published.ok_or_else(|| Problem::from(rapport_feedback::Error::NotOpen("open it first")))?;
    let found = surveys::version(&mut app.installation.store.read(), workspace, row.survey, version).await?;
    Ok((version, found.ok_or_else(|| Problem::not_found("survey"))?))
}

fn instant(field: &str, text: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let at = Timestamp::parse(text);
    at.map(Some).ok_or_else(|| Problem::invalid(field, "is a time such as 2027-01-31T00:00:00Z"))
}

/// What is wrong with a definition, with the templates that it names.
async fn looked_over(
    app: &App,
    workspace: WorkspaceId,
    definition: &Definition,
) -> Result<Vec<SurveyFinding>, Problem> {
    let mut found = check(definition);
    found.extend(letters::findings(&mut app.installation.store.read(), workspace, &definition.asking).await?);
    Ok(findings(found))
}

fn findings(found: Vec<Finding>) -> Vec<SurveyFinding> {
    let severity = |it: Severity| if it == Severity::Error { "error" } else { "warning" };
    let shape =
        |it: Finding| SurveyFinding { severity: severity(it.severity), code: it.code, place: it.place, text: it.text };
    found.into_iter().map(shape).collect()
}

async fn summary(app: &App, workspace: WorkspaceId, row: &SurveyRow, names: &Names) -> Result<SurveySummary, Problem> {
    let counts = response_rows::counts(&mut app.installation.store.read(), workspace, row.survey).await?;
    let of = |state: &str| counts.iter().filter(|it| it.0 == row.wave && it.2 == state).map(|it| it.3).sum();
    Ok(SurveySummary {
        key: row.key.clone(),
        name: row.name.clone(),
        state: row.state.clone(),
        kind: row.kind.clone(),
        revision: row.revision,
        version: row.version,
        published: row.published,
        wave: row.wave,
        completed: of(response_rows::COMPLETED),
        partial: of(response_rows::PARTIAL),
        opened_at: optional_time(row.opened_at),
        closes_at: optional_time(row.closes_at),
        closed_at: optional_time(row.closed_at),
        updated_at: time(row.updated_at),
        updated_by: names.get(&row.updated_by).cloned().unwrap_or_else(|| row.updated_by.clone()),
    })
}

async fn detail(app: &App, workspace: WorkspaceId, row: SurveyRow) -> Result<Json<SurveyDetail>, Problem> {
    let names = user_names(app, workspace).await?;
    let mut db = app.installation.store.read();
    let versions = surveys::versions(&mut db, workspace, row.survey).await?;
    let of = |number: Option<i64>| versions.iter().find(|it| Some(it.version) == number).map(|it| &it.definition.0);
    let latest = of(Some(row.version)).ok_or_else(|| Problem::not_found("survey"))?;
    let filled = quotas::of(&mut db, workspace, row.survey, row.wave).await?;
    let has = |key: &str| filled.iter().find(|(quota, _)| quota == key).map_or(0, |(_, count)| *count);
    let answered = of(row.published).map_or(&[][..], |it| it.quotas.as_slice());
    let quotas = answered.iter().map(|it| SurveyQuota { key: it.key.clone(), most: it.most, filled: has(&it.key) });
    let version = |it: &surveys::VersionRow| SurveyVersion {
        version: it.version,
        saved_at: time(it.saved_at),
        saved_by: names.get(&it.saved_by).cloned().unwrap_or_else(|| it.saved_by.clone()),
    };
    let mut found = looked_over(app, workspace, latest).await?;
    if let Some(answered) = of(row.published).filter(|_| row.state == "open") {
        found.extend(reaching::hindrances(app, workspace, answered).await?);
    }
    Ok(Json(SurveyDetail {
        definition: serde_json::to_value(latest).map_err(Problem::internal)?,
        findings: found,
        quotas: quotas.collect(),
        versions: versions.iter().map(version).collect(),
        summary: summary(app, workspace, &row, &names).await?,
    }))
}
