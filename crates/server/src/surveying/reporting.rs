//! What clients and imports tell of surveys: `Survey Sent` becomes an invitation, `Survey Answered` a response, both under the event's id; and of every
//! answer, ours included, it becomes known of the person what they said last (`nps.last`, `csat.last`, `ces.last`, `survey.last_answered_at`).
//!
//! A survey is meant by its key, in `survey_id` or `survey`; events of surveys that are not written here are left as they are. Answers come under
//! `answers` by question, or as `score`, `csat`, `ces` and `comment` of the first question of that kind.
//!
//! Always holds: an answer that its question does not have is left out and noted among the rejects with its question and reason, never with what it said; a
//! number beside its scale is kept and counted as blank. A corrected event takes the place of what the older one said.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use anyhow::Result;
use rapport_domain::language::Language;
use rapport_domain::plain::{KEY_MAX, is_key};
use rapport_domain::shop_events::SURVEY_ANSWERED;
use rapport_domain::{Event, EventKind, Id, SourceId, Timestamp, WorkspaceId, plain};
use rapport_feedback::Error;
use rapport_feedback::records::answers;
use rapport_feedback::records::invitations::{self, INVITED, InvitationRow};
use rapport_feedback::records::responses::{self, Source};
use rapport_feedback::service::answering::{self, Beginning};
use rapport_feedback::service::asking::About;
use rapport_feedback::survey::shown::shown;
use rapport_feedback::survey::{Answer, Answers, Question, read_told};
use rapport_profiles::records::facts::{self, FactRow};
use rapport_profiles::{Applied, AppliedEvent};
use rapport_store::Tx;
use serde_json::{Map, Value};

use super::known::Published;
use crate::experimenting::reporting::NOTED;
use crate::installation::Installation;
use crate::records::rejects::{self, NewReject};
use crate::records::sources;

/// A survey was sent to somebody.
pub const SURVEY_SENT: &str = "Survey Sent";
/// What tells an order, ticket or visit from others, under the names that clients have for it.
const OCCASIONS: [&str; 5] = ["occasion", "subject_id", "order_id", "ticket_id", "visit_id"];
/// What somebody says in their own words.
const WORDS: [&str; 3] = ["comment", "text", "answer"];
/// The longest name that others gave to something, in letters.
const LONGEST: usize = 200;

/// Takes in what a batch says of surveys, in the transaction that applies it.
///
/// # Errors
/// The store's.
pub async fn hear(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    events: &[Event],
    applied: &mut Applied,
) -> Result<()> {
    let is_told =
        |event: &Event| event.kind == EventKind::Track && [SURVEY_SENT, SURVEY_ANSWERED].contains(&event.name.as_str());
    if !events.iter().any(is_told) {
        return Ok(());
    }
    let known = installation.surveys.get(tx, workspace).await?;
    let own = sources::of_kind(tx, workspace, sources::OWN).await?;
    let numbers: Vec<i64> = known.all.iter().map(|it| it.row.survey).collect();
    for (at, old) in &applied.superseded {
        if events[*at].name == SURVEY_ANSWERED && !numbers.is_empty() {
            responses::forget(tx, workspace, &numbers, &origin(&old.to_hex())).await?;
        }
    }
    let mut told = Vec::new();
    for (at, event) in events.iter().enumerate().filter(|(_, event)| is_told(event)) {
        let it = &applied.events[at];
        let survey = ["survey_id", "survey"].iter().find_map(|name| known.get(event.properties.get(*name)?.as_str()?));
        if event.name == SURVEY_ANSWERED {
            told.extend(said(event, survey, it.occurred_at).into_iter().map(|(key, value)| (at, key, value)));
        }
        let Some(survey) = survey.filter(|_| !is_noted(event, &own)) else { continue };
        if event.name == SURVEY_ANSWERED {
            answered(installation, tx, workspace, (event, it), survey).await?;
        } else {
            sent(installation, tx, workspace, (event, it), survey).await?;
        }
    }
    know(installation, tx, workspace, events, applied, told).await
}

/// Whether an event tells of a row of ours.
fn is_noted(event: &Event, own: &[SourceId]) -> bool {
    own.contains(&event.source) && event.properties.get(NOTED).is_some()
}

fn origin(event: &str) -> String {
    format!("event:{event}")
}

/// A name that others gave to something: one line that is not too long.
fn short(properties: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| {
        let text = match properties.get(*name)? {
            Value::String(text) => plain::one_line(text, LONGEST),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        (!text.is_empty()).then_some(text)
    })
}

fn about(event: &Event, survey: &Published) -> About {
    let of = |names: &[&str]| short(&event.properties, names);
    About {
        touchpoint: of(&["touchpoint"]).filter(|it| is_key(it)).or_else(|| survey.definition.asking.touchpoint.clone()),
        product: of(&["product_id"]),
        agent: of(&["agent_id", "agent"]),
        subject: of(&OCCASIONS),
        ..About::default()
    }
}

/// Others asked somebody: it counts for how often they are asked, and for the response rate.
async fn sent(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    (event, applied): (&Event, &AppliedEvent),
    survey: &Published,
) -> Result<()> {
    let at = applied.occurred_at;
    let asking = &survey.definition.asking;
    let id = Id::new("inv", &*installation.clock, &*installation.rng).0;
    let place = (survey.row.survey, survey.row.wave);
    let about = about(event, survey);
    let row = InvitationRow {
        occasion: about.subject.clone().unwrap_or_else(|| event.id.to_hex()),
        state: INVITED.to_owned(),
        channel: short(&event.properties, &["channel"]),
        touchpoint: about.touchpoint,
        product: about.product,
        agent: about.agent,
        subject: about.subject,
        version: Some(survey.version),
        due_at: None,
        decided_at: Some(at),
        invited_at: Some(at),
        expires_at: Some(at.plus(i64::from(asking.valid_days) * Timestamp::DAY)),
        ..InvitationRow::waiting(id, place, asking.kind.as_str(), (applied.handle, applied.person), at)
    };
    invitations::insert(tx, workspace, &[row]).await?;
    Ok(())
}

/// The invitation that an answer is to: of the same occasion (which is answered once), else the last one that is open.
async fn invitation(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (event, applied): (&Event, &AppliedEvent),
    survey: &Published,
) -> Result<Option<InvitationRow>> {
    let occasion = short(&event.properties, &OCCASIONS);
    let is_it = |it: &InvitationRow| {
        it.survey == survey.row.survey
            && it.invited_at.is_some_and(|asked| asked <= applied.occurred_at)
            && match &occasion {
                Some(occasion) => it.occasion == *occasion,
                None => it.answered_at.is_none() && it.expires_at.is_none_or(|end| applied.occurred_at < end),
            }
    };
    Ok(invitations::of_persons(tx, workspace, &[applied.person]).await?.into_iter().find(is_it))
}

async fn answered(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    (event, applied): (&Event, &AppliedEvent),
    survey: &Published,
) -> Result<()> {
    let (given, refused) = given(event, survey);
    if !refused.is_empty() {
        note(installation, tx, workspace, event, &refused).await?;
    }
    if given.is_empty() {
        return Ok(());
    }
    let invitation = invitation(tx, workspace, (event, applied), survey).await?;
    let language = short(&event.properties, &["language"]).and_then(|tag| Language::parse(&tag));
    let language = language.unwrap_or_else(|| survey.definition.default_language.clone());
    let beginning = Beginning {
        survey: &survey.row,
        version: survey.version,
        source: Source::Event,
        invitation: invitation.as_ref(),
        origin: Some(origin(&event.id.to_hex())),
        who: Some((applied.handle, applied.person)),
        language: language.as_str(),
        about: about(event, survey),
        at: Some(applied.occurred_at),
    };
    let clock = (&*installation.clock, &*installation.rng);
    match answering::take(tx, workspace, &survey.definition, &beginning, &given, clock).await {
        Ok(_) | Err(Error::Answered) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// What an event answers, as its questions have it; and of what they have not: which question, and why.
fn given(event: &Event, survey: &Published) -> (Answers, Vec<(String, String)>) {
    let definition = &survey.definition;
    let properties = &event.properties;
    let (mut given, mut refused) = (Answers::new(), Vec::new());
    let mut take = |given: &mut Answers, question: &Question, value: &Value| match read_told(question, value) {
        Ok(read) if read.is_empty() => {}
        Ok(read) => drop(given.entry(question.key.clone()).or_insert(read)),
        Err(refusal) => refused.push((question.key.clone(), refusal.text())),
    };
    let mut unknown = Vec::new();
    for (key, value) in properties.get("answers").and_then(Value::as_object).into_iter().flatten() {
        match definition.question(key) {
            Some(question) => take(&mut given, question, value),
            None => unknown.push((plain::one_line(key, KEY_MAX), "there is no such question".to_owned())),
        }
    }
    let word = properties.get("type").and_then(Value::as_str).unwrap_or("nps");
    for (name, kind) in [("score", word), ("nps", "nps"), ("csat", "csat"), ("ces", "ces")] {
        let question = definition.questions().find(|it| it.answer.kind() == kind);
        if let (Some(question), Some(value)) = (question, properties.get(name)) {
            take(&mut given, question, value);
        }
    }
    if let Some(value) = WORDS.iter().find_map(|name| properties.get(*name).filter(|it| it.is_string())) {
        let is_open = |it: &&Question| matches!(it.answer, Answer::Text { .. }) && !given.contains_key(&it.key);
        if let Some(question) = shown(definition, &given).into_iter().find(is_open) {
            take(&mut given, question, value);
        }
    }
    refused.extend(unknown);
    (given, refused)
}

/// Notes what was left out. What was said is not repeated there.
async fn note(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    event: &Event,
    refused: &[(String, String)],
) -> Result<()> {
    let row = |(question, why): &(String, String)| NewReject {
        id: Id::new("rej", &*installation.clock, &*installation.rng),
        code: "answer_refused",
        message: format!("{question}: {why}"),
        location: format!("properties.answers.{question}"),
        excerpt: String::new(),
    };
    let rows: Vec<NewReject> = refused.iter().map(row).collect();
    Ok(rejects::insert(tx, workspace, event.source, event.received_at, &rows).await?)
}

/// What an answer makes known of whoever gave it. Numbers beside the scale are no scores.
fn said(event: &Event, survey: Option<&Published>, at: Timestamp) -> Vec<(&'static str, Value)> {
    let number = |name: &str| event.properties.get(name).and_then(Value::as_i64);
    let word = event.properties.get("type").and_then(Value::as_str).unwrap_or("nps");
    let score = |kind: &str| number(kind).or_else(|| number("score").filter(|_| word == kind));
    let known = |kind: &str, scale: RangeInclusive<i64>| {
        let of_survey =
            survey.and_then(|it| it.definition.questions().find(|it| it.answer.kind() == kind)?.answer.scale());
        let scale = of_survey.map_or(scale, |(own, _)| i64::from(*own.start())..=i64::from(*own.end()));
        score(kind).filter(|number| scale.contains(number)).map(Value::from)
    };
    let scores =
        [("nps.last", known("nps", 0..=10)), ("csat.last", known("csat", 1..=11)), ("ces.last", known("ces", 1..=11))];
    let mut said: Vec<_> = scores.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
    said.push(("survey.last_answered_at", Value::from(at.to_rfc3339())));
    said
}

/// Writes what became known; of answers of one instant the later in the batch counts.
async fn know(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    events: &[Event],
    applied: &mut Applied,
    told: Vec<(usize, &'static str, Value)>,
) -> Result<()> {
    let now = installation.clock.now();
    let mut known: BTreeMap<_, FactRow> = BTreeMap::new();
    for (at, key, value) in told {
        let (event, it) = (&events[at], &applied.events[at]);
        let fact = FactRow {
            handle: it.handle,
            fact_key: key.to_owned(),
            valid_from: it.occurred_at,
            recorded_at: now,
            value: value.to_string(),
            source: event.source,
            event_id: event.id.0,
        };
        known.insert((it.handle, key, it.occurred_at), fact);
        applied.told.push((it.person, it.occurred_at, key.to_owned(), value));
    }
    let facts: Vec<FactRow> = known.into_values().collect();
    Ok(facts::insert(tx, workspace, &facts).await?)
}

/// What people wrote into surveys here, of events that tell of it without their words: (which event, the words).
///
/// # Errors
/// The store's.
pub async fn words(tx: &mut Tx, workspace: WorkspaceId, events: &[Event]) -> Result<Vec<(usize, String)>> {
    let answered: Vec<usize> = (0..events.len()).filter(|at| events[*at].name == SURVEY_ANSWERED).collect();
    if answered.is_empty() {
        return Ok(Vec::new());
    }
    let own = sources::of_kind(tx, workspace, sources::OWN).await?;
    let response = |at: usize| events[at].properties.get("response_id").and_then(Value::as_str).map(str::to_owned);
    let told: Vec<(usize, String)> = answered
        .into_iter()
        .filter(|at| is_noted(&events[*at], &own))
        .filter_map(|at| Some((at, response(at)?)))
        .collect();
    let ids: Vec<String> = told.iter().map(|it| it.1.clone()).collect();
    let mut said: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in answers::of_responses(tx, workspace, &ids).await?.into_iter().filter(|row| row.kind != "hidden") {
        said.entry(row.response).or_default().extend(row.text);
    }
    let words = |(at, id): (usize, String)| Some((at, said.get(&id).filter(|texts| !texts.is_empty())?.join("\n")));
    Ok(told.into_iter().filter_map(words).collect())
}
