//! What was answered: shown one by one, and taken in from elsewhere.

use std::collections::BTreeMap;

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::language::Language;
use rapport_domain::{Handle, PersonId, Timestamp, WorkspaceId};
use rapport_feedback::Error;
use rapport_feedback::records::answers::{self, AnswerRow};
use rapport_feedback::records::counts::Dimension;
use rapport_feedback::records::responses::{
    self, AnswerFilter, COMPLETED, Filter, OVER_QUOTA, PARTIAL, ResponseRow, SCREENED, Source,
};
use rapport_feedback::results::Spans;
use rapport_feedback::service::answering::{self, Beginning};
use rapport_feedback::service::asking::About;
use rapport_feedback::survey::{self, Answers, Refusal};
use rapport_profiles::records::{identifiers, persons};
use rapport_segments::records::{memberships, segments};
use rapport_store::{Priority, Queries};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::asked::{short, touchpoint};
use super::{find, instant, published};
use crate::api::shapes::CustomerRow;
use crate::api::wire::{optional_time, time};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::{Page, PageQuery};
use crate::problem::Problem;

/// The word for groups that are segments.
const SEGMENT: &str = "segment";
/// Of a segment so many responses are read at once.
const STEP: usize = 500;

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
    /// The same with what a list of people says; in lists of a survey's responses.
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<CustomerRow>,
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

/// Which responses, and which page of them.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ResponsesQuery {
    /// Rows of a page: 1 to 500, 50 unless said.
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// `partial`, `completed`, `over_quota` or `screened`.
    state: Option<String>,
    /// `channel`, `touchpoint`, `product`, `agent`, `version`, `wave`, `source`, `language` or `segment`: with `group`.
    by: Option<String>,
    /// Only those of this value; empty for those of which it is not known.
    group: Option<String>,
    /// Of a segment: who was in it when they answered, rather than who is now.
    #[serde(default)]
    as_answered: bool,
    /// Only those that answered this question.
    question: Option<String>,
    /// This part of it.
    part: Option<String>,
    /// With a number of at least this.
    at_least: Option<i64>,
    /// With a number of at most this.
    at_most: Option<i64>,
    /// With this choice.
    choice: Option<String>,
    /// Begun, or where a question is asked for answered, from this time on.
    from: Option<String>,
    /// Before this time.
    to: Option<String>,
}

impl ResponsesQuery {
    pub(super) fn filter(&self) -> Result<Filter<'_>, Problem> {
        let states = [PARTIAL, COMPLETED, OVER_QUOTA, SCREENED];
        let state = self.state.as_deref().filter(|it| !it.is_empty());
        if state.is_some_and(|it| !states.contains(&it)) {
            return Err(Problem::invalid("state", "is partial, completed, over_quota or screened"));
        }
        let group = self.group.as_deref().unwrap_or_default();
        let of = match self.by.as_deref().filter(|it| !it.is_empty() && *it != SEGMENT) {
            None => None,
            Some(word) => {
                let known = || Dimension::ALL.map(Dimension::as_str).join(", ");
                let dimension = Dimension::parse(word);
                Some(dimension.ok_or_else(|| Problem::invalid("by", format!("is one of {}, segment", known())))?)
            }
        };
        let question = self.question.as_deref().filter(|it| !it.is_empty());
        if question.is_none() && (self.at_least.is_some() || self.at_most.is_some() || self.choice.is_some()) {
            return Err(Problem::invalid("question", "is the one whose answers are asked for"));
        }
        let answer = question.map(|question| AnswerFilter {
            question,
            part: self.part.as_deref(),
            at_least: self.at_least,
            at_most: self.at_most,
            choice: self.choice.as_deref(),
        });
        Ok(Filter {
            state,
            of: of.map(|dimension| (dimension, group)),
            answer,
            from: instant("from", self.from.as_deref())?.unwrap_or(Timestamp(i64::MIN)),
            to: instant("to", self.to.as_deref())?.unwrap_or(Timestamp(i64::MAX)),
        })
    }

    /// The members of the segment that is asked for, if one is.
    pub(super) async fn members(
        &self,
        db: &mut impl Queries,
        workspace: WorkspaceId,
    ) -> Result<Option<Spans>, Problem> {
        if self.by.as_deref() != Some(SEGMENT) {
            return Ok(None);
        }
        let key = self.group.as_deref().unwrap_or_default();
        let all = segments::all(db, workspace).await?;
        let row = all.into_iter().find(|it| it.key == key);
        let row = row.ok_or_else(|| Problem::invalid("group", "is the key of a segment"))?;
        Ok(Some(memberships::spans_of(db, workspace, row.segment).await?))
    }

    /// At which instant whoever gave a response must have been in the segment.
    pub(super) fn when(&self, row: &ResponseRow, now: Timestamp) -> Timestamp {
        if self.as_answered { row.completed_at.unwrap_or(row.updated_at) } else { now }
    }
}

/// Whether somebody's times in a segment contain an instant.
pub(super) fn is_member(spans: &Spans, row: &ResponseRow, at: Timestamp) -> bool {
    let inside = |(from, to): &(Timestamp, Option<Timestamp>)| *from <= at && to.is_none_or(|to| at < to);
    row.person.and_then(|it| spans.get(&it)).is_some_and(|it| it.iter().any(inside))
}

/// Lists the responses of a survey with their answers and who gave them, the newest first: the way from every score to the people behind it.
#[utoipa::path(get, path = "/api/v1/surveys/{key}/responses", security(("caller" = ["view_people"])), tag = "surveys", operation_id = "survey_responses", params(("key" = String, Path), ResponsesQuery), responses((status = 200, body = ResponseList), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Query(query): Query<ResponsesQuery>,
) -> Result<Json<ResponseList>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let filter = query.filter()?;
    let row = find(&app, caller.workspace, &key).await?;
    let page = PageQuery { limit: query.limit, cursor: query.cursor.clone() };
    let mut place: (i64, String) = page.position()?.unwrap_or((i64::MAX, String::new()));
    let mut db = app.installation.store.read();
    let members = query.members(&mut db, caller.workspace).await?;
    let (wanted, now) = (page.limit() as usize + 1, app.now());
    // Of a segment pages are read until enough are of its members, or there are no more.
    let step = if members.is_some() { STEP } else { wanted };
    let mut found = Vec::new();
    loop {
        let at = (Timestamp(place.0), place.1.as_str());
        let limit = i64::try_from(step).unwrap_or(i64::MAX);
        let rows = responses::page(&mut db, caller.workspace, (row.survey, &filter), at, limit).await?;
        let is_last = rows.len() < step;
        if let Some(last) = rows.last() {
            place = (last.started_at.0, last.id.clone());
        }
        let is_in =
            |row: &ResponseRow| members.as_ref().is_none_or(|spans| is_member(spans, row, query.when(row, now)));
        found.extend(rows.into_iter().filter(is_in));
        if is_last || found.len() >= wanted {
            break;
        }
    }
    found.truncate(wanted);
    let page = Page::cut(found, page.limit(), |row| (row.started_at.0, row.id.clone()));
    let people: Vec<PersonId> = page.rows.iter().filter_map(|row| row.person).collect();
    let names = BTreeMap::from([(row.survey, row.key)]);
    let mut rows = shapes(&mut db, caller.workspace, page.rows, &names).await?;
    if !people.is_empty() {
        let known = persons::by_ids(&mut db, caller.workspace, &people).await?;
        let known: BTreeMap<String, _> = known.into_iter().map(|row| (row.person.to_string(), row)).collect();
        for row in &mut rows {
            let person = row.person_id.as_ref().and_then(|it| known.get(it));
            row.customer = person.map(CustomerRow::of);
        }
    }
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
            ..About::default()
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
        customer: None,
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
