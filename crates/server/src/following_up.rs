//! What customers say opens follow-ups, in the transaction that applies it; what they say after somebody spoke with them is added there.
//!
//! Always holds: a follow-up commits with the event that opened it; an event opens one at most; what a newer event replaces is no reason any more.
//!
//! Does not do: decide what is a reason (`feedback::follow_ups::rules`), or work on one.

pub mod owners;
pub mod sample;

use std::collections::{BTreeSet, HashMap};

use anyhow::{Result, anyhow};
use rapport_domain::business_hours::Plan;
use rapport_domain::shop_events::{PRODUCT_REVIEWED, SURVEY_ANSWERED};
use rapport_domain::{BusinessHours, Event, EventKind, Handle, PersonId, Timestamp, WorkspaceId};
use rapport_feedback::follow_ups::records::{self, rules as kept};
use rapport_feedback::follow_ups::rules::{Choice, Rule, first};
use rapport_feedback::follow_ups::service::{self, Said, Users, With};
use rapport_feedback::verbatims::records::VerbatimRow;
use rapport_profiles::records::facts;
use rapport_profiles::{Applied, AppliedEvent};
use rapport_segments::{Condition, EventView, Moment, Subject};
use rapport_store::{Queries, Tx};
use rapport_text::feelings::ALL;
use serde_json::Value;

use crate::auth::{Permission, Role};
use crate::complaining;
use crate::engaging::listening;
use crate::installation::Installation;
use crate::knowing::Known;
use crate::records::users;

/// What an account says of who looks after it: an address or an id of a user.
const MANAGERS: [&str; 2] = ["account.manager", "account.account_manager"];
/// The longest name of what something was about.
const MOST_SUBJECT: usize = 200;

/// Opens follow-ups for what a batch says, adds what was said later, and goes with identifiers that came to another person. `written` is what was understood
/// of the batch's texts.
///
/// # Errors
/// The store's.
pub async fn hear(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    events: &[Event],
    applied: &Applied,
    written: &[VerbatimRow],
) -> Result<()> {
    let now = installation.clock.now();
    let moved: Vec<(Handle, PersonId, PersonId)> = applied.moved.iter().map(|it| (it.handle, it.from, it.to)).collect();
    service::follow(tx, workspace, &moved, now).await?;
    let texts: HashMap<[u8; 16], &VerbatimRow> = written.iter().map(|row| (row.event_id, row)).collect();
    let is_track = |at: &usize| events[*at].kind == EventKind::Track;
    let rules: Vec<Rule> = kept::all(tx, workspace).await?.into_iter().map(|it| it.rule).collect();
    let speaks = |at: &usize| {
        let (name, has_text) = (events[*at].name.as_str(), texts.contains_key(&events[*at].id.0));
        is_voice(name, has_text) || rules.iter().any(|rule| rule.looks_at(name, has_text))
    };
    let heard: Vec<usize> = (0..events.len()).filter(is_track).filter(speaks).collect();
    if heard.is_empty() {
        return Ok(());
    }
    let plans = installation.plans.within(tx, workspace).await?;
    let people: BTreeSet<PersonId> = heard.iter().map(|at| applied.events[*at].person).collect();
    let people: Vec<PersonId> = people.into_iter().collect();
    let asked: Vec<&Condition> = rules.iter().filter(|rule| rule.enabled).map(|rule| &rule.when).collect();
    let known = Known::read(tx, workspace, &asked, &people).await?;
    let with_any = records::persons_with(tx, workspace, &people).await?;
    let with_any: BTreeSet<PersonId> = with_any.into_iter().map(|(person,)| person).collect();
    let moment = Moment { now, calendar: &plans.calendar };
    let mut working: Option<(Working, BusinessHours)> = None;
    for at in heard {
        let (event, it) = (&events[at], &applied.events[at]);
        let text = texts.get(&event.id.0).copied();
        let said = said(event, it);
        let properties = properties(event, it, text);
        let view = EventView::new(&event.name, it.occurred_at, &properties);
        let fits = |subject: &Subject<'_>| first(&rules, subject, text.is_some(), moment);
        if let Some(rule) = known.with(it.person, view, fits) {
            let working = match &mut working {
                Some(known) => known,
                none => none.insert((who_works(tx, workspace).await?, hours(tx, workspace).await?)),
            };
            let ((users, names), hours) = &*working;
            let with = With { workspace, clock: &*installation.clock, rng: &*installation.rng, users };
            let manager = match rule.owner.by {
                Choice::AccountManager => manager(tx, workspace, it.person, (names, now)).await?,
                _ => None,
            };
            service::open(tx, with, (rule, hours), &said, manager.as_deref()).await?;
        }
        // Nobody was spoken with in this very batch.
        if is_voice(&event.name, text.is_some()) && with_any.contains(&it.person) {
            service::hear(tx, workspace, &said, now).await?;
        }
    }
    for (at, old) in &applied.superseded {
        if speaks(at) {
            service::take_back(tx, workspace, old.0, now).await?;
        }
    }
    Ok(())
}

/// Whether it is something that a customer says.
fn is_voice(name: &str, has_text: bool) -> bool {
    has_text || [SURVEY_ANSWERED, PRODUCT_REVIEWED].contains(&name)
}

/// What conditions see of an event: what the lake will have of it, and what was understood of its text.
fn properties(event: &Event, applied: &AppliedEvent, text: Option<&VerbatimRow>) -> Vec<(String, Value)> {
    let row = listening::row(event, applied);
    let mut properties: Vec<(String, Value)> =
        row.properties().iter().filter(|(path, _)| !path.starts_with("feeling.")).cloned().collect();
    if let Some(text) = text {
        let thousandths = |it: i64| Value::from(it as f64 / 1_000.0);
        properties.push(("feeling.sentiment".to_owned(), thousandths(text.sentiment)));
        for (feeling, strength) in ALL.iter().zip(text.feelings()) {
            properties.push((format!("feeling.{}", feeling.name()), thousandths(strength)));
        }
    }
    properties
}

/// What is noted of something that somebody said: a score or stars, and the product or the survey that it was about. Nothing of it names a person.
fn said(event: &Event, applied: &AppliedEvent) -> Said {
    let value = |names: &[&str]| names.iter().find_map(|name| event.properties.get(*name));
    let number = value(&["score", "rating", "csat", "ces"]);
    let number = number.and_then(|it| it.as_f64().or_else(|| it.as_str()?.trim().parse().ok()));
    let about: &[&str] = match event.name.as_str() {
        PRODUCT_REVIEWED => &["name", "product_name", "product_id"],
        SURVEY_ANSWERED => &["survey_id"],
        _ => &[],
    };
    let subject = value(about).and_then(Value::as_str).map(|text| rapport_domain::plain::one_line(text, MOST_SUBJECT));
    Said {
        event_id: event.id.0,
        event_name: event.name.clone(),
        handle: applied.handle,
        person: applied.person,
        occurred_at: applied.occurred_at,
        number: number.filter(|it| it.is_finite()),
        subject: subject.filter(|it| !it.is_empty()),
    }
}

/// Who may work on follow-ups, and who is called what: (address in small letters, id).
type Working = (Users, Vec<(String, String)>);

/// Who works on follow-ups: agents, or where there are none owners and admins.
///
/// # Errors
/// The store's.
pub async fn who_works(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Working> {
    let rows = users::all(db, workspace).await?;
    let may: Vec<(Role, &users::UserRow)> = rows
        .iter()
        .filter(|row| !row.disabled)
        .filter_map(|row| Some((Role::parse(&row.role)?, row)))
        .filter(|(role, _)| role.allows(Permission::AnswerFeedback))
        .collect();
    let of = |roles: &[Role]| -> Vec<String> {
        may.iter().filter(|(role, _)| roles.contains(role)).map(|(_, row)| row.id.to_string()).collect()
    };
    let agents = of(&[Role::Agent]);
    let usual = if agents.is_empty() { of(&[Role::Owner, Role::Admin]) } else { agents };
    let all = may.iter().map(|(_, row)| row.id.to_string()).collect();
    let names = may.iter().map(|(_, row)| (row.email.to_lowercase(), row.id.to_string())).collect();
    Ok((Users { all, usual }, names))
}

/// The hours in which somebody works: those that complaints are measured by; the usual ones where those cannot be read any more, so that nothing waits for it.
///
/// # Errors
/// The store's.
pub async fn hours(db: &mut impl Queries, workspace: WorkspaceId) -> Result<BusinessHours> {
    let (settings, _) = complaining::settings(db, workspace).await?;
    let usual = |_| BusinessHours::new(&Plan::usual("UTC"));
    settings.hours().or_else(usual).map_err(|(field, why)| anyhow!("working hours: {field} {why}"))
}

/// Who looks after a customer's account, as far as it says so.
async fn manager(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    person: PersonId,
    (names, now): (&[(String, String)], Timestamp),
) -> Result<Option<String>> {
    let known = facts::current_keys_of(db, workspace, &[person], &MANAGERS.map(str::to_owned), now).await?;
    let told = known.into_iter().filter_map(|(_, _, value)| serde_json::from_str::<String>(&value).ok());
    let found = |word: String| {
        let folded = word.trim().to_lowercase();
        names.iter().find(|(address, id)| *address == folded || *id == word).map(|(_, id)| id.clone())
    };
    Ok(told.into_iter().find_map(found))
}
