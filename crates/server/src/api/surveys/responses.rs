//! What was answered: shown one by one, and taken in from elsewhere.

use std::collections::BTreeMap;

use axum::extract::State;
use rapport_domain::language::Language;
use rapport_domain::{Handle, PersonId, Timestamp, WorkspaceId};
use rapport_feedback::Error;
use rapport_feedback::records::answers::{self, AnswerRow};
use rapport_feedback::records::responses::{self, ResponseRow, Source};
use rapport_feedback::service::answering::{self, Beginning};
use rapport_feedback::service::asking::About;
use rapport_feedback::survey::{self, Answers, Refusal};
use rapport_profiles::records::identifiers;
use rapport_store::{Priority, Queries};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::asked::{short, touchpoint};
use super::{find, instant, published};
use crate::api::wire::{optional_time, time};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::{Page, PageQuery};
use crate::problem::Problem;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, take)).routes(routes!(of_customer))
}

/// A part of an answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct AnswerShape {
    /// The question.
    question: String,
    /// Which part of it: the row of a matrix, the choice of several, the half of a pair; empty where there is only one.
    part: String,
    /// The kind of question.
    kind: String,
    /// The point on the scale, the rank, the value of what was chosen.
    number: Option<i64>,
    /// The key of what was chosen; a day as `2026-01-31`.
    choice: Option<String>,
    /// In their own words.
    text: Option<String>,
    /// The least of the scale under which it was given.
    low: Option<i64>,
    /// The most of it.
    high: Option<i64>,
    /// Which end of it is the good one: `up` or `down`.
    direction: Option<String>,
}

/// A response.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResponseShape {
    id: String,
    /// The survey's key.
    survey: String,
    /// The version that was answered.
    version: i64,
    wave: i64,
    /// `invitation`, `link`, `kiosk`, `widget`, `api`, `import` or `event`.
    source: String,
    /// `partial`, `completed`, `over_quota` or `screened`.
    state: String,
    /// Who answered, if that is known.
    person_id: Option<String>,
    language: String,
    channel: Option<String>,
    touchpoint: Option<String>,
    product_id: Option<String>,
    agent_id: Option<String>,
    subject_id: Option<String>,
    started_at: String,
    completed_at: Option<String>,
    answers: Vec<AnswerShape>,
}

/// Responses.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResponseList {
    rows: Vec<ResponseShape>,
    /// Where the next page begins; null on the last.
    next: Option<String>,
}

/// Answers that were given elsewhere.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResponseBody {
    /// What tells this response from others: sent again it is refused, never counted twice.
    id: String,
    /// The answers by question: `9`, `"price"`, `["a", "b"]`, `{"row": "column"}`; the guide Surveys lists the forms.
    #[schema(value_type = Object)]
    answers: Map<String, Value>,
    /// Who answered, if that is known.
    #[serde(default)]
    person_id: Option<String>,
    #[serde(default)]
    language: Option<String>,
    /// When it was answered; now otherwise.
    #[serde(default)]
    answered_at: Option<String>,
    #[serde(default)]
    touchpoint: Option<String>,
    #[serde(default)]
    product_id: Option<String>,
    #[serde(default)]
    agent_id: Option<String>,
    #[serde(default)]
    subject_id: Option<String>,
}

/// Lists the responses of a survey with their answers, the newest first.
#[utoipa::path(get, path = "/api/v1/surveys/{key}/responses", security(("caller" = ["view_people"])), tag = "surveys", operation_id = "survey_responses", params(("key" = String, Path), PageQuery), responses((status = 200, body = ResponseList)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<Json<ResponseList>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let row = find(&app, caller.workspace, &key).await?;
    let (before, name): (i64, String) = query.position()?.unwrap_or((i64::MAX, String::new()));
    let mut db = app.installation.store.read();
    let limit = i64::from(query.limit()) + 1;
    let place = (Timestamp(before), name.as_str());
    let found = responses::page(&mut db, caller.workspace, row.survey, place, limit).await?;
    let page = Page::cut(found, query.limit(), |row| (row.started_at.0, row.id.clone()));
    let names = BTreeMap::from([(row.survey, row.key)]);
    let rows = shapes(&mut db, caller.workspace, page.rows, &names).await?;
    Ok(Json(ResponseList { rows, next: page.next }))
}

/// Lists what a customer answered, to all surveys, the newest first.
#[utoipa::path(get, path = "/api/v1/customers/{person_id}/responses", security(("caller" = ["view_people"])), tag = "surveys", operation_id = "customer_responses", params(("person_id" = String, Path)), responses((status = 200, body = ResponseList)))]
pub async fn of_customer(
    State(app): State<App>,
    caller: Caller,
    Path(person): Path<String>,
) -> Result<Json<ResponseList>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let person = PersonId(person.parse().map_err(|_| Problem::not_found("customer"))?);
    let mut db = app.installation.store.read();
    let found = responses::of_person(&mut db, caller.workspace, person).await?;
    let surveys = rapport_feedback::records::surveys::all(&mut db, caller.workspace).await?;
    let names = surveys.into_iter().map(|row| (row.survey, row.key)).collect();
    Ok(Json(ResponseList { rows: shapes(&mut db, caller.workspace, found, &names).await?, next: None }))
}

/// Takes a response that was given elsewhere: on paper, by telephone, in an app of your own. An answer that its question does not have refuses all of it.
#[utoipa::path(post, path = "/api/v1/surveys/{key}/responses", security(("caller" = ["edit_content"])), tag = "surveys", operation_id = "add_survey_response", params(("key" = String, Path)), request_body = ResponseBody,
    responses((status = 200, body = ResponseShape), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn take(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<ResponseBody>,
) -> Result<Json<ResponseShape>, Problem> {
    caller.require(Permission::EditContent)?;
    let workspace = caller.workspace;
    let survey = find(&app, workspace, &key).await?;
    let (version, definition) = published(&app, workspace, &survey).await?;
    let id = short("id", Some(body.id))?.ok_or_else(|| Problem::invalid("id", "names the response"))?;
    let language = body.language.as_deref().map(Language::parse);
    let language = match language {
        Some(None) => return Err(Problem::invalid("language", "is a BCP 47 tag, e.g. en or zh-Hans")),
        Some(Some(language)) => language,
        None => definition.default_language.clone(),
    };
    let at = instant("answered_at", body.answered_at.as_deref())?.unwrap_or_else(|| app.now());
    if at > app.now() {
        return Err(Problem::invalid("answered_at", "lies in the future"));
    }
    let (mut given, mut refusals) = (Answers::new(), Vec::<Refusal>::new());
    for (question, value) in &body.answers {
        let Some(question) = definition.question(question) else {
            return Err(Problem::invalid(&format!("answers.{question}"), "is no question of the published version"));
        };
        match survey::read(question, value) {
            Ok(read) => drop(given.insert(question.key.clone(), read)),
            Err(refusal) => refusals.push(refusal),
        }
    }
    if !refusals.is_empty() {
        return Err(Error::Refused(refusals).into());
    }
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let who = who(&mut tx, workspace, body.person_id.as_deref()).await?;
    let beginning = Beginning {
        survey: &survey,
        version,
        source: Source::Api,
        invitation: None,
        origin: Some(format!("api:{id}")),
        who,
        language: language.as_str(),
        about: About {
            touchpoint: touchpoint(body.touchpoint)?.or_else(|| definition.asking.touchpoint.clone()),
            product: short("product_id", body.product_id)?,
            agent: short("agent_id", body.agent_id)?,
            subject: short("subject_id", body.subject_id)?,
        },
        at: Some(at),
    };
    let clock = (&*app.installation.clock, app.rng());
    let row = answering::begin(&mut tx, workspace, &beginning, clock).await?;
    answers::write(&mut tx, workspace, &row, &definition, &given, at).await?;
    let done = answering::complete(&mut tx, workspace, &survey, &definition, &row, at).await?;
    let names = BTreeMap::from([(survey.survey, survey.key.clone())]);
    let shape = shapes(&mut tx, workspace, vec![done], &names).await?.pop();
    tx.commit().await?;
    shape.map(Json).ok_or_else(|| Problem::not_found("response"))
}

async fn who(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    person: Option<&str>,
) -> Result<Option<(Handle, PersonId)>, Problem> {
    let Some(person) = person.filter(|person| !person.is_empty()) else { return Ok(None) };
    let missing = || Problem::not_found("customer");
    let person = PersonId(person.parse().map_err(|_| missing())?);
    let names = identifiers::by_persons(db, workspace, &[person]).await?;
    Ok(Some((names.first().ok_or_else(missing)?.handle, person)))
}

async fn shapes(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    rows: Vec<ResponseRow>,
    names: &BTreeMap<i64, String>,
) -> Result<Vec<ResponseShape>, Problem> {
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let mut given: BTreeMap<String, Vec<AnswerShape>> = BTreeMap::new();
    for row in answers::of_responses(db, workspace, &ids).await? {
        given.entry(row.response.clone()).or_default().push(answer(row));
    }
    let shape = |row: ResponseRow| ResponseShape {
        answers: given.remove(&row.id).unwrap_or_default(),
        survey: names.get(&row.survey).cloned().unwrap_or_default(),
        id: row.id,
        version: row.version,
        wave: row.wave,
        source: row.source,
        state: row.state,
        person_id: row.person.map(|person| person.to_string()),
        language: row.language,
        channel: row.channel,
        touchpoint: row.touchpoint,
        product_id: row.product,
        agent_id: row.agent,
        subject_id: row.subject,
        started_at: time(row.started_at),
        completed_at: optional_time(row.completed_at),
    };
    Ok(rows.into_iter().map(shape).collect())
}

fn answer(row: AnswerRow) -> AnswerShape {
    AnswerShape {
        question: row.question,
        part: row.part,
        kind: row.kind,
        number: row.number,
        choice: row.choice,
        text: row.text,
        low: row.low,
        high: row.high,
        direction: row.direction,
    }
}
