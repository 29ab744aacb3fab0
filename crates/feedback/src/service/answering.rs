//! Answers come in: page by page from a page, or all at once from elsewhere.
//!
//! Always holds: a page is kept before the next one is shown; a response is one for its invitation and one for its origin, so what is sent again changes it
//! while it is open and is refused afterwards, and never counts twice; what is completed here has an answer to every required question that was shown,
//! what was answered elsewhere has what it has ([`take`]); the domain event [`ANSWERED`] is written once for each response that is completed, without
//! anybody's own words, but for those that came as such an event.

use rapport_domain::{Clock, Handle, Id, PersonId, Rng, Timestamp, WorkspaceId};
use rapport_store::Tx;
use rapport_store::outbox::Event;
use serde_json::{Map, Value, json};

use super::asking::About;
use crate::Error;
use crate::records::invitations::{self, InvitationRow};
use crate::records::responses::{self, COMPLETED, OVER_QUOTA, PARTIAL, ResponseRow, SCREENED, Source};
use crate::records::surveys::SurveyRow;
use crate::records::{answers, quotas};
use crate::survey::shown::{counted, missing, quotas as quotas_of};
use crate::survey::{Answer, Answers, Definition, Refusal};

/// The domain event of a completed response.
pub const ANSWERED: &str = "survey.answered";
/// The domain event of a completed response that is a review. Its payload: `response_id`, `product_id`, `rating`, `language`, `at`, and `question`, under
/// which its words are, if there are any.
pub const REVIEWED: &str = "survey.reviewed";

/// A response that is to begin.
#[derive(Clone, Debug)]
pub struct Beginning<'a> {
    /// The survey.
    pub survey: &'a SurveyRow,
    /// The version that is answered.
    pub version: i64,
    /// From where.
    pub source: Source,
    /// The invitation; who answers, and about what, is known from it.
    pub invitation: Option<&'a InvitationRow>,
    /// What tells it from others of its source.
    pub origin: Option<String>,
    /// Who answers, if that is known otherwise.
    pub who: Option<(Handle, PersonId)>,
    /// In which language.
    pub language: &'a str,
    /// What it is about, if that is known otherwise.
    pub about: About,
    /// When it was begun, for what is taken in later; now otherwise.
    pub at: Option<Timestamp>,
}

/// The response of an invitation or an origin: what there is already, or a new one.
///
/// # Errors
/// [`Error::NotOpen`], [`Error::Expired`], [`Error::Answered`] when it is complete, or the store's.
pub async fn begin(
    tx: &mut Tx,
    workspace: WorkspaceId,
    it: &Beginning<'_>,
    (clock, rng): (&dyn Clock, &dyn Rng),
) -> Result<ResponseRow, Error> {
    let now = clock.now();
    let found = existing(tx, workspace, it).await?;
    if found.as_ref().is_some_and(|row| row.state != PARTIAL) {
        return Err(Error::Answered);
    }
    is_open(it.survey, it.source, now)?;
    // Of what was answered elsewhere we may hear late.
    let is_told = matches!(it.source, Source::Import | Source::Event);
    if !is_told && it.invitation.is_some_and(|it| it.expires_at.is_some_and(|end| now >= end)) {
        return Err(Error::Expired);
    }
    if let Some(row) = found {
        return Ok(row);
    }
    let of = |own: &Option<String>, other: fn(&InvitationRow) -> &Option<String>| {
        own.clone().or_else(|| it.invitation.and_then(|invitation| other(invitation).clone()))
    };
    let who = it.invitation.map(|it| (it.handle, it.person)).or(it.who);
    let at = it.at.unwrap_or(now);
    let row = ResponseRow {
        id: Id::new("rsp", clock, rng).0,
        survey: it.survey.survey,
        version: it.version,
        wave: it.invitation.map_or(it.survey.wave, |it| it.wave),
        invitation: it.invitation.map(|it| it.id.clone()),
        origin: it.origin.clone(),
        source: it.source.as_str().to_owned(),
        state: PARTIAL.to_owned(),
        handle: who.map(|who| who.0),
        person: who.map(|who| who.1),
        language: it.language.to_owned(),
        channel: it.invitation.and_then(|it| it.channel.clone()),
        touchpoint: of(&it.about.touchpoint, |it| &it.touchpoint),
        product: of(&it.about.product, |it| &it.product),
        agent: of(&it.about.agent, |it| &it.agent),
        subject: of(&it.about.subject, |it| &it.subject),
        page: 0,
        started_at: at,
        updated_at: at,
        completed_at: None,
    };
    if responses::insert(tx, workspace, &row).await? {
        return Ok(row);
    }
    // Somebody was faster with the same.
    match existing(tx, workspace, it).await? {
        Some(row) if row.state == PARTIAL => Ok(row),
        _ => Err(Error::Answered),
    }
}

async fn existing(tx: &mut Tx, workspace: WorkspaceId, it: &Beginning<'_>) -> Result<Option<ResponseRow>, Error> {
    if let Some(invitation) = it.invitation {
        return Ok(responses::of_invitation(tx, workspace, &invitation.id).await?);
    }
    match &it.origin {
        Some(origin) => Ok(responses::of_origin(tx, workspace, it.survey.survey, origin).await?),
        None => Ok(None),
    }
}

/// Whether answers of a source are taken now. What was answered elsewhere is taken in also when the survey is closed here, but for a draft.
fn is_open(survey: &SurveyRow, source: Source, now: Timestamp) -> Result<(), Error> {
    use crate::records::surveys::{CLOSED, DRAFT, PAUSED};
    if matches!(source, Source::Import | Source::Event) && survey.published.is_some() {
        return Ok(());
    }
    match survey.state.as_str() {
        _ if survey.takes_answers(now) => Ok(()),
        DRAFT => Err(Error::NotOpen("it is not open yet")),
        PAUSED => Err(Error::NotOpen("it is paused")),
        CLOSED => Err(Error::NotOpen("it is closed")),
        _ => Err(Error::NotOpen("it is over")),
    }
}

/// Where a response stands after something was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is more to ask.
    Open,
    /// Enough others like this one answered: there is nothing more to ask.
    Screened,
}

/// Keeps what was given on a page: to every question of `given`, also where that is nothing. `page` is the one that comes next.
///
/// # Errors
/// [`Error::Answered`] when it is complete, or the store's.
pub async fn keep(
    tx: &mut Tx,
    workspace: WorkspaceId,
    survey: &SurveyRow,
    definition: &Definition,
    row: &ResponseRow,
    (given, page): (&Answers, usize),
    now: Timestamp,
) -> Result<Standing, Error> {
    is_open(survey, Source::Link, now)?;
    let next = ResponseRow { page: i64::try_from(page).unwrap_or(0), updated_at: now, ..row.clone() };
    if !responses::go_on(tx, workspace, &next).await? {
        return Err(Error::Answered);
    }
    answers::write(tx, workspace, row, definition, given, now).await?;
    let all = answers::of(tx, workspace, &row.id).await?;
    if !is_full(tx, workspace, row, definition, &all).await? {
        return Ok(Standing::Open);
    }
    let over = ResponseRow { state: SCREENED.to_owned(), ..next };
    responses::go_on(tx, workspace, &over).await?;
    if let Some(invitation) = &row.invitation {
        invitations::answer(tx, workspace, invitation, now).await?;
    }
    Ok(Standing::Screened)
}

async fn is_full(
    tx: &mut Tx,
    workspace: WorkspaceId,
    row: &ResponseRow,
    definition: &Definition,
    all: &Answers,
) -> Result<bool, Error> {
    if definition.quotas.is_empty() {
        return Ok(false);
    }
    let filled = quotas::of(tx, workspace, row.survey, row.wave).await?;
    let has = |key: &str| filled.iter().find(|(quota, _)| quota == key).map_or(0, |(_, count)| *count);
    Ok(quotas_of(definition, all).iter().any(|quota| has(&quota.key) >= i64::from(quota.most)))
}

/// Completes a response: what does not count is taken away, its quotas count it, and it is told.
///
/// # Errors
/// [`Error::Refused`] with the questions that still need an answer, [`Error::Answered`] when it is complete already, or the store's.
pub async fn complete(
    tx: &mut Tx,
    workspace: WorkspaceId,
    survey: &SurveyRow,
    definition: &Definition,
    row: &ResponseRow,
    now: Timestamp,
) -> Result<ResponseRow, Error> {
    let all = answers::of(tx, workspace, &row.id).await?;
    let open: Vec<Refusal> = missing(definition, &all).into_iter().map(Refusal::required).collect();
    if !open.is_empty() {
        return Err(Error::Refused(open));
    }
    finish(tx, workspace, survey, definition, row, all, now).await
}

/// Takes a response that was given elsewhere, whole: nobody can be asked again for what is missing. It counts as of when it was given.
///
/// # Errors
/// As [`begin`]; [`Error::Answered`] when it was taken before.
pub async fn take(
    tx: &mut Tx,
    workspace: WorkspaceId,
    definition: &Definition,
    beginning: &Beginning<'_>,
    given: &Answers,
    clock: (&dyn Clock, &dyn Rng),
) -> Result<ResponseRow, Error> {
    let row = begin(tx, workspace, beginning, clock).await?;
    let at = beginning.at.unwrap_or_else(|| clock.0.now());
    answers::write(tx, workspace, &row, definition, given, at).await?;
    finish(tx, workspace, beginning.survey, definition, &row, given.clone(), at).await
}

/// The end of a response, however it came.
async fn finish(
    tx: &mut Tx,
    workspace: WorkspaceId,
    survey: &SurveyRow,
    definition: &Definition,
    row: &ResponseRow,
    all: Answers,
    now: Timestamp,
) -> Result<ResponseRow, Error> {
    let counted = counted(definition, &all);
    let idle: Vec<String> = all.keys().filter(|key| !counted.contains_key(*key)).cloned().collect();
    if !idle.is_empty() {
        answers::remove(tx, workspace, &row.id, &idle).await?;
    }
    let state = if count(tx, workspace, row, definition, &counted).await? { COMPLETED } else { OVER_QUOTA };
    // What is told of later counts as of when it was given.
    let completed_at = Some(if is_told(row) { row.started_at } else { now });
    let done = ResponseRow { state: state.to_owned(), updated_at: now, completed_at, ..row.clone() };
    if !responses::go_on(tx, workspace, &done).await? {
        return Err(Error::Answered);
    }
    if let Some(invitation) = &row.invitation {
        invitations::answer(tx, workspace, invitation, now).await?;
    }
    if state == COMPLETED && row.source != Source::Event.as_str() {
        tx.emit(answered(workspace, survey, definition, &done, &counted));
        if let Some(event) = reviewed(workspace, definition, &done, &counted) {
            tx.emit(event);
        }
    }
    Ok(done)
}

/// Whether it was answered elsewhere, and only told here.
fn is_told(row: &ResponseRow) -> bool {
    [Source::Import.as_str(), Source::Event.as_str()].contains(&row.source.as_str())
}

/// Counts it for its quotas; whether there was room in all of them.
async fn count(
    tx: &mut Tx,
    workspace: WorkspaceId,
    row: &ResponseRow,
    definition: &Definition,
    counted: &Answers,
) -> Result<bool, Error> {
    let mut wanted = quotas_of(definition, counted);
    // In one order, so that two at a time wait for each other and not both.
    wanted.sort_by(|a, b| a.key.cmp(&b.key));
    let place = (row.survey, row.wave);
    let mut has_room = true;
    for quota in &wanted {
        has_room &= quotas::add(tx, workspace, place, &quota.key, 1).await? <= i64::from(quota.most);
    }
    if !has_room {
        for quota in &wanted {
            quotas::add(tx, workspace, place, &quota.key, -1).await?;
        }
    }
    Ok(has_room)
}

/// The review that a response of somebody about a product is, where its survey says so and it has stars.
fn reviewed(workspace: WorkspaceId, definition: &Definition, row: &ResponseRow, counted: &Answers) -> Option<Event> {
    let review = definition.review.as_ref()?;
    let (product, person) = (row.product.as_ref()?, row.person?);
    let stars = counted.get(&review.stars)?.first()?.number.filter(|stars| (1..=5).contains(stars))?;
    let payload = json!({
        "response_id": row.id, "product_id": product, "rating": stars, "language": row.language,
        "at": row.completed_at.unwrap_or(row.started_at).to_rfc3339(), "question": review.text,
    });
    Some(Event::new(workspace, REVIEWED, payload).about(person))
}

/// What is told of it: numbers and choices, never somebody's own words.
fn answered(
    workspace: WorkspaceId,
    survey: &SurveyRow,
    definition: &Definition,
    row: &ResponseRow,
    counted: &Answers,
) -> Event {
    let mut told = told(definition, counted);
    for (key, value) in [
        ("survey_id", Some(&survey.key)),
        ("response_id", Some(&row.id)),
        ("source", Some(&row.source)),
        ("language", Some(&row.language)),
        ("channel", row.channel.as_ref()),
        ("touchpoint", row.touchpoint.as_ref()),
        ("product_id", row.product.as_ref()),
        ("agent_id", row.agent.as_ref()),
        ("subject_id", row.subject.as_ref()),
    ] {
        if let Some(value) = value {
            told.insert(key.to_owned(), Value::from(value.as_str()));
        }
    }
    told.insert("wave".to_owned(), Value::from(row.wave));
    if let Some(at) = row.completed_at {
        told.insert("answered_at".to_owned(), Value::from(at.to_rfc3339()));
    }
    let event = Event::new(workspace, ANSWERED, Value::Object(told));
    match row.person {
        Some(person) => event.about(person),
        None => event,
    }
}

/// The numbers and choices of answers as properties of an event: `type` and `score` of the recommendation question where there is one; `csat` and `ces`
/// of the first of their kind; each answer under `answers`.
pub fn told(definition: &Definition, counted: &Answers) -> Map<String, Value> {
    let mut properties = Map::new();
    let mut each = Map::new();
    for question in definition.questions() {
        let Some(given) = counted.get(&question.key) else { continue };
        // What is on no scale is a blank code of somebody else's file, and no score.
        let is_meant = |number: &i64| match question.answer.scale() {
            Some((scale, _)) => (i64::from(*scale.start())..=i64::from(*scale.end())).contains(number),
            None => true,
        };
        let number = given.first().and_then(|it| it.number).filter(is_meant);
        let name = match &question.answer {
            Answer::Nps { .. } => Some("score"),
            Answer::Csat { .. } => Some("csat"),
            Answer::Ces { .. } => Some("ces"),
            _ => None,
        };
        if let (Some(name), Some(number)) = (name, number)
            && !properties.contains_key(name)
        {
            properties.insert(name.to_owned(), Value::from(number));
            let kind = question.answer.kind();
            if kind == "nps" || !properties.contains_key("type") {
                properties.insert("type".to_owned(), Value::from(kind));
            }
        }
        let value = |it: &crate::survey::Given| match (it.number.filter(is_meant), &it.choice) {
            (Some(number), _) => Some(json!(number)),
            (None, Some(choice)) => Some(json!(choice)),
            (None, None) => None,
        };
        if question.answer.parts().is_empty() {
            if let Some(value) = given.first().and_then(value) {
                each.insert(question.key.clone(), value);
            }
        } else {
            let parts = given.iter().filter_map(|it| Some((it.part.clone(), value(it)?))).collect::<Map<_, _>>();
            each.insert(question.key.clone(), Value::Object(parts));
        }
    }
    if !each.is_empty() {
        properties.insert("answers".to_owned(), Value::Object(each));
    }
    properties
}
