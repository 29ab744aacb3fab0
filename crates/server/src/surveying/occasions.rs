//! Occasions to ask: events as they are applied, people who come into a segment, members of a segment round by round.
//!
//! Always holds: an occasion is noted in the transaction that applies what it is; what a file tells of the past is none, nor is what happened before the
//! survey was opened.

use std::collections::BTreeMap;

use anyhow::Result;
use rapport_domain::{Event, Handle, PersonId, Timestamp, WorkspaceId, plain};
use rapport_engagement::service::entering::occasion_key;
use rapport_feedback::records::rounds;
use rapport_feedback::service::asking::{self, About, Candidate};
use rapport_feedback::survey::Trigger;
use rapport_lake::EventRow;
use rapport_profiles::Applied;
use rapport_profiles::records::identifiers;
use rapport_segments::instant::Moment;
use rapport_segments::live::ENTERED;
use rapport_segments::records::memberships;
use rapport_segments::{EventView, Subject, holds};
use rapport_store::Tx;
use rapport_store::outbox::Written;
use rapport_store::{Priority, Queries, outbox};
use serde_json::{Map, Value};

use super::known::Published;
use crate::engaging::listening::row;
use crate::installation::Installation;

/// How far changes of membership were heard.
const CONSUMER: &str = "surveys";
/// So many domain events at a time.
const BATCH: u32 = 500;
/// So many members at a time.
const PAGE: i64 = 500;
/// The longest name that others gave to something, in letters.
const LONGEST: usize = 200;

/// Notes whom events of a batch are an occasion to ask.
///
/// # Errors
/// The store's.
pub async fn hear(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    events: &[Event],
    applied: &Applied,
) -> Result<()> {
    let known = installation.surveys.get(tx, workspace).await?;
    let now = installation.clock.now();
    for survey in known.all.iter().filter(|it| it.row.takes_answers(now)) {
        let Some(Trigger::Event { name, filter, key, .. }) = &survey.definition.asking.when else { continue };
        let is_since = |at: Timestamp| survey.row.opened_at.is_some_and(|opened| opened <= at);
        let named = (0..events.len()).filter(|at| {
            let event = &events[*at];
            event.name == *name && event.natural_key.is_none() && is_since(applied.events[*at].occurred_at)
        });
        let rows: Vec<(usize, EventRow)> = named.map(|at| (at, row(&events[at], &applied.events[at]))).collect();
        if rows.is_empty() {
            continue;
        }
        let plans = installation.plans.within(tx, workspace).await?;
        let mut candidates = Vec::new();
        for (at, row) in &rows {
            let view = EventView {
                name: &row.name,
                occurred_at: row.occurred_at,
                order_key: row.order_key,
                properties: row.properties(),
            };
            let subject = Subject { event: Some(view), ..Subject::NOBODY };
            let moment = Moment { now: view.occurred_at, calendar: &plans.calendar };
            if !filter.as_ref().is_none_or(|filter| holds(&filter.0, &subject, moment)) {
                continue;
            }
            let occasion = match key {
                Some(key) => occasion_key(view, Some(key)),
                None => Some(events[*at].id.to_hex()),
            };
            let Some(occasion) = occasion else { continue };
            let subject = key.is_some().then(|| occasion.clone());
            candidates.push(Candidate {
                who: (row.handle, row.person),
                occasion,
                at: row.occurred_at,
                due_at: row.occurred_at.plus(survey.definition.asking.delay()),
                about: about(&events[*at].properties, subject),
            });
        }
        note(installation, tx, workspace, survey, &candidates).await?;
    }
    Ok(())
}

async fn note(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    survey: &Published,
    candidates: &[Candidate],
) -> Result<()> {
    if candidates.is_empty() {
        return Ok(());
    }
    let clock = (&*installation.clock, &*installation.rng);
    let noted = asking::note(tx, workspace, &survey.row, &survey.definition, candidates, clock).await?;
    metrics::counter!("rapport_survey_occasions_total").increment(noted);
    Ok(())
}

/// What an event is about.
fn about(properties: &Map<String, Value>, subject: Option<String>) -> About {
    let text = |names: &[&str]| {
        names.iter().find_map(|name| match properties.get(*name)? {
            Value::String(text) => Some(plain::one_line(text, LONGEST)).filter(|text| !text.is_empty()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
    };
    About {
        touchpoint: None,
        product: text(&["product_id"]),
        product_name: text(&["product_id"]).and_then(|_| text(&["name", "product_name"])),
        agent: text(&["agent_id", "agent"]),
        subject: subject.or_else(|| text(&["order_id", "ticket_id", "visit_id"])),
    }
}

/// Hears who came into a segment since; whether anybody did who could be asked.
///
/// # Errors
/// The store's.
pub async fn hear_memberships(installation: &Installation, workspace: WorkspaceId) -> Result<bool> {
    let mut any = false;
    loop {
        let batch = outbox::batch(&mut installation.store.read(), workspace, CONSUMER, BATCH).await?;
        if batch.events.is_empty() {
            return Ok(any);
        }
        let entered: Vec<&Written> = batch.events.iter().filter(|event| event.name == ENTERED).collect();
        let mut tx = installation.store.begin(Priority::Background).await?;
        if !entered.is_empty() {
            any |= entered_segments(installation, &mut tx, workspace, &entered).await?;
        }
        outbox::applied(&mut tx, workspace, CONSUMER, &batch).await?;
        tx.commit().await?;
    }
}

async fn entered_segments(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    entered: &[&Written],
) -> Result<bool> {
    let known = installation.surveys.get(tx, workspace).await?;
    let now = installation.clock.now();
    let mut any = false;
    for survey in known.all.iter().filter(|it| it.row.takes_answers(now)) {
        let Some(Trigger::Entered { segment, .. }) = &survey.definition.asking.when else { continue };
        let of_event = |event: &&Written| {
            let at = Timestamp::parse(event.payload["at"].as_str()?)?;
            let counts =
                event.payload["segment"] == segment.as_str() && survey.row.opened_at.is_some_and(|it| it <= at);
            counts.then_some((event.person?, at))
        };
        let came: Vec<(PersonId, Timestamp)> = entered.iter().filter_map(of_event).collect();
        let persons: Vec<PersonId> = came.iter().map(|it| it.0).collect();
        let names = handles(tx, workspace, &persons).await?;
        let candidate = |(person, at): (PersonId, Timestamp)| {
            Some(Candidate {
                who: (*names.get(&person)?, person),
                occasion: at.to_rfc3339(),
                at,
                due_at: at.plus(survey.definition.asking.delay()),
                about: About::default(),
            })
        };
        let candidates: Vec<Candidate> = came.into_iter().filter_map(candidate).collect();
        any |= !candidates.is_empty();
        note(installation, tx, workspace, survey, &candidates).await?;
    }
    Ok(any)
}

/// The first identifier of each of these people; whoever has none is nobody any more.
async fn handles(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    persons: &[PersonId],
) -> Result<BTreeMap<PersonId, Handle>> {
    let mut first = BTreeMap::new();
    if !persons.is_empty() {
        for row in identifiers::by_persons(db, workspace, persons).await? {
            first.entry(row.person).or_insert(row.handle);
        }
    }
    Ok(first)
}

/// Notes the next members of each round; whether there were any.
///
/// # Errors
/// The store's.
pub async fn go_round(installation: &Installation, workspace: WorkspaceId) -> Result<bool> {
    let known = installation.surveys.get(&mut installation.store.read(), workspace).await?;
    let now = installation.clock.now();
    let mut any = false;
    for survey in known.all.iter().filter(|it| it.row.takes_answers(now)) {
        let Some(Trigger::Members { segment, per_day }) = &survey.definition.asking.when else { continue };
        let place = (survey.row.survey, survey.row.wave);
        while let Some(round) = rounds::open(&mut installation.store.read(), workspace, place).await? {
            let mut tx = installation.store.begin(Priority::Background).await?;
            let page = memberships::after(&mut tx, workspace, segment, round.after_person, PAGE).await?;
            let persons: Vec<PersonId> = page.iter().map(|(person,)| *person).collect();
            let names = handles(&mut tx, workspace, &persons).await?;
            let members: Vec<(Handle, PersonId)> =
                persons.iter().filter_map(|person| Some((*names.get(person)?, *person))).collect();
            let reached = persons.last().copied().filter(|_| persons.len() as i64 == PAGE);
            let clock = (&*installation.clock, &*installation.rng);
            let of = (&survey.row, &survey.definition);
            let noted =
                asking::go_round(&mut tx, workspace, of, (&round, *per_day), (&members, reached), clock).await?;
            tx.commit().await?;
            any |= noted > 0;
        }
    }
    Ok(any)
}
