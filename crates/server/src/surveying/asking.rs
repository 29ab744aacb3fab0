//! Asks whoever is due: decides with what others know of them, and has the message ready in the same transaction; reminds once.
//!
//! Always holds: whoever is invited has a message that waits to be sent, and nobody has two for one invitation, however often this is tried: a message's name
//! is made of the invitation's. Caps are asked while nobody else decides, so that two do not take one place. While all sending is paused nobody is asked.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use rapport_domain::{Channel, Id, PersonId, Timestamp, WorkspaceId};
use rapport_engagement::journey::situation::Sent;
use rapport_engagement::journey::{Class, Situation};
use rapport_engagement::plans::Plans;
use rapport_engagement::records::journeys;
use rapport_engagement::records::messages::{self, MessageRow};
use rapport_engagement::sending::{Ask, Decision, Reason, policy};
use rapport_engagement::situations::{self, TROUBLE};
use rapport_feedback::records::invitations::{self, InvitationRow};
use rapport_feedback::records::settings;
use rapport_feedback::service::asking::{self, Known};
use rapport_feedback::survey::{Asking, Basis};
use rapport_profiles::records::facts;
use rapport_store::{Priority, Queries, Tx};
use serde_json::{Value, json};

use super::bought;
use super::known::{Known as AllKnown, Published};
use super::letters::{self, Fit};
use super::reporting::SURVEY_SENT;
use super::sending::{self, INVITATION, REMINDER};
use crate::installation::Installation;
use crate::sending::Ways;

/// So many at a time: others wait for the writer too.
const BATCH: i64 = 100;
/// Whoever was written to often enough is looked at again so late.
const AGAIN: i64 = Timestamp::DAY;

/// What is asked with.
struct Asked<'a> {
    installation: &'a Installation,
    ways: &'a Ways,
    workspace: WorkspaceId,
    plans: &'a Plans,
    letters: &'a Fit,
    now: Timestamp,
}

/// Decides on occasions that are due; whether there were any.
///
/// # Errors
/// The store's: nothing was decided then.
pub async fn ask_due(installation: &Installation, ways: &Ways, workspace: WorkspaceId) -> Result<bool> {
    let mut any = false;
    loop {
        let now = installation.clock.now();
        let plans = installation.plans.get(installation, workspace).await?;
        let is_due = !invitations::due(&mut installation.store.read(), workspace, now, 1).await?.is_empty();
        if plans.settings.paused || !is_due {
            return Ok(any);
        }
        let letters = fitting(installation, workspace).await?;
        let asked = Asked { installation, ways, workspace, plans: &plans, letters: &letters, now };
        // Orders are read before others have to wait for this.
        let surveys = installation.surveys.get(&mut installation.store.read(), workspace).await?;
        let due = invitations::due(&mut installation.store.read(), workspace, now, BATCH).await?;
        let about = bought::find(installation, workspace, &surveys, &due).await?;
        let mut tx = installation.store.begin(Priority::Background).await?;
        journeys::hold(&mut tx, workspace).await?;
        let mut due = invitations::due(&mut tx, workspace, now, BATCH).await?;
        // What is decided of somebody depends on what was decided before.
        let mut seen = BTreeSet::new();
        due.retain(|row| seen.insert(row.person) && (about.contains_key(&row.id) || !bought::is_open(&surveys, row)));
        for row in &mut due {
            if let Some(product) = about.get(&row.id).and_then(Option::as_ref) {
                (row.product, row.product_name) = (Some(product.id.clone()), product.name.clone());
            }
        }
        asked.decide(&mut tx, &due, &surveys).await?;
        tx.commit().await?;
        if !plans.keeps_people {
            installation.plans.forget(workspace);
        }
        any = true;
    }
}

/// Reminds whoever did not answer; whether there was anybody.
///
/// # Errors
/// The store's: nobody was reminded then.
pub async fn remind_due(installation: &Installation, ways: &Ways, workspace: WorkspaceId) -> Result<bool> {
    let mut any = false;
    loop {
        let now = installation.clock.now();
        let plans = installation.plans.get(installation, workspace).await?;
        let is_due = !invitations::to_remind(&mut installation.store.read(), workspace, now, 1).await?.is_empty();
        if plans.settings.paused || !is_due {
            return Ok(any);
        }
        let letters = fitting(installation, workspace).await?;
        let asked = Asked { installation, ways, workspace, plans: &plans, letters: &letters, now };
        let mut tx = installation.store.begin(Priority::Background).await?;
        journeys::hold(&mut tx, workspace).await?;
        let due = invitations::to_remind(&mut tx, workspace, now, BATCH).await?;
        asked.remind(&mut tx, &due).await?;
        tx.commit().await?;
        any = true;
    }
}

impl Asked<'_> {
    async fn decide(&self, tx: &mut Tx, due: &[InvitationRow], surveys: &AllKnown) -> Result<()> {
        let (workspace, now) = (self.workspace, self.now);
        let (people, troubled) = people(tx, workspace, self.plans, &persons(due), now).await?;
        let mut known = BTreeMap::new();
        for row in due {
            let survey = surveys.all.iter().find(|it| it.row.survey == row.survey);
            if let (Some(survey), Some(person)) = (survey, people.get(&row.person)) {
                let is_troubled = troubled.contains(&row.person);
                let since = row.occasioned_at.plus(survey.definition.asking.delay());
                let has_nothing = bought::is_open(surveys, row);
                let verdict = self.verdict(&survey.definition.asking, person, row, since);
                let verdict = Known { is_troubled, has_nothing, ..verdict };
                known.insert((row.survey, row.person), verdict);
            }
        }
        let decided = asking::decide(tx, workspace, due, &known, now).await?;
        for row in &decided.invited {
            let survey = surveys.all.iter().find(|it| it.row.survey == row.survey);
            let person = people.get(&row.person);
            if let (Some(survey), Some(person)) = (survey, person) {
                self.send(tx, (survey, row), person, INVITATION).await?;
            }
        }
        metrics::counter!("rapport_survey_invitations_total").increment(decided.invited.len() as u64);
        Ok(())
    }

    /// By which channel somebody is asked now; or why by none, or not yet: of several channels the first that is open.
    fn verdict(&self, asking: &Asking, person: &Situation, row: &InvitationRow, since: Timestamp) -> Known {
        let mut known = Known::default();
        let mut later: Option<(Channel, Timestamp)> = None;
        let mut first: Option<Reason> = None;
        for channel in &asking.channels {
            let skip = if self.ways.can_send(*channel) {
                let ask = Ask {
                    channel: *channel,
                    topic: asking.topic.as_deref(),
                    class: class(asking),
                    priority: 0,
                    quiet: None,
                    chance: row.id.bytes().fold(0, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte))),
                    since,
                    // How late is too late is the survey's own rule.
                    drop_after: i64::MAX / 4,
                };
                match policy::decide(&ask, person, &self.plans.settings, self.now) {
                    Decision::Send => {
                        known.channel = Some(channel.as_str().to_owned());
                        return known;
                    }
                    Decision::Hold(until) => {
                        later = later.or(Some((*channel, until)));
                        continue;
                    }
                    Decision::Skip(Reason::Capped | Reason::Paced | Reason::TooOften | Reason::Yielded) => {
                        later = later.or(Some((*channel, self.now.plus(AGAIN))));
                        continue;
                    }
                    Decision::Skip(reason) => reason,
                }
            } else {
                Reason::Unreachable
            };
            first = first.filter(|it| *it != Reason::Unreachable).or(Some(skip));
        }
        if let Some((channel, until)) = later {
            (known.channel, known.not_before) = (Some(channel.as_str().to_owned()), Some(until));
            return known;
        }
        match first {
            Some(Reason::Gone) => known.is_gone = true,
            Some(Reason::Restricted) => known.is_restricted = true,
            Some(Reason::HeldOut) => known.is_held_out = true,
            Some(Reason::Unreachable | Reason::Suppressed) | None => {}
            Some(_) => known.lacks_consent = true,
        }
        known
    }

    /// Has a message ready for an invitation.
    async fn send(
        &self,
        tx: &mut Tx,
        (survey, row): (&Published, &InvitationRow),
        person: &Situation,
        node: &'static str,
    ) -> Result<()> {
        let Some(channel) = row.channel.as_deref().and_then(Channel::parse) else { return Ok(()) };
        let asking = &survey.definition.asking;
        let template = match self.letters.get(&(survey.row.survey, channel, node)) {
            Some(own) => own.clone(),
            None => sending::template(tx, self.workspace, channel, node, self.now).await?.to_owned(),
        };
        let id = Id::new("msg", &*self.installation.clock, &*self.installation.rng).0;
        let message = MessageRow {
            handle: person.reach.get(&channel).copied(),
            topic: asking.topic.clone(),
            instance: Some(sending::instance(&row.id)),
            node: node.to_owned(),
            template,
            payload: json!({
                "name": SURVEY_SENT, "occurred_at": self.now.to_rfc3339(),
                "properties": {"survey_id": survey.row.key, "invitation_id": row.id, "subject_id": row.subject},
            }),
            ..MessageRow::queued(id, row.person, channel, class(asking), self.now)
        };
        messages::insert(tx, self.workspace, &[message]).await?;
        Ok(())
    }

    async fn remind(&self, tx: &mut Tx, due: &[InvitationRow]) -> Result<()> {
        let (workspace, now) = (self.workspace, self.now);
        let surveys = self.installation.surveys.get(tx, workspace).await?;
        let spares = settings::find(tx, workspace).await?.spare_the_troubled;
        let (mut people, troubled) = people(tx, workspace, self.plans, &persons(due), now).await?;
        for row in due {
            let survey = surveys.all.iter().find(|it| it.row.survey == row.survey && it.row.takes_answers(now));
            let can_answer = row.answered_at.is_none() && row.expires_at.is_none_or(|end| now < end);
            let is_spared = spares && troubled.contains(&row.person);
            let found = survey.filter(|_| can_answer && !is_spared).zip(people.get_mut(&row.person));
            let Some((survey, person)) = found else {
                invitations::remind(tx, workspace, &row.id, None).await?;
                continue;
            };
            // By the way by which they were asked.
            let channels = row.channel.as_deref().and_then(Channel::parse).into_iter().collect();
            let asking = Asking { channels, ..survey.definition.asking.clone() };
            let verdict = self.verdict(&asking, person, row, now);
            match (verdict.channel.as_deref().and_then(Channel::parse), verdict.not_before) {
                (Some(_), Some(until)) => invitations::remind_later(tx, workspace, &row.id, until).await?,
                (Some(channel), None) => {
                    invitations::remind(tx, workspace, &row.id, Some(now)).await?;
                    self.send(tx, (survey, row), person, REMINDER).await?;
                    person.sent.push(Sent { at: now, channel, topic: asking.topic });
                }
                (None, _) => drop(invitations::remind(tx, workspace, &row.id, None).await?),
            }
        }
        Ok(())
    }
}

/// The surveys' own templates that can ask, read before the writer is taken.
async fn fitting(installation: &Installation, workspace: WorkspaceId) -> Result<Fit> {
    let mut db = installation.store.read();
    let surveys = installation.surveys.get(&mut db, workspace).await?;
    letters::fit(&mut db, workspace, &surveys).await
}

fn persons(due: &[InvitationRow]) -> Vec<PersonId> {
    due.iter().map(|row| row.person).collect()
}

/// What is known of some people, and who of them has an open complaint or ticket.
///
/// # Errors
/// The store's.
pub(super) async fn people(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    plans: &Plans,
    persons: &[PersonId],
    now: Timestamp,
) -> Result<(BTreeMap<PersonId, Situation>, BTreeSet<PersonId>)> {
    let mut people = situations::load(db, workspace, plans, persons, now).await?;
    let keys = TROUBLE.map(str::to_owned);
    let is_so = |value: &str| match serde_json::from_str::<Value>(value) {
        Ok(Value::Bool(is_so)) => is_so,
        Ok(value) => value.as_f64().is_some_and(|count| count > 0.0),
        Err(_) => false,
    };
    let found = facts::current_keys_of(db, workspace, persons, &keys, now).await?;
    let troubled = found.into_iter().filter(|(.., value)| is_so(value)).map(|(person, ..)| person).collect();
    // A bad mood alone is no reason not to ask: it is what the company wants to hear of.
    people.values_mut().for_each(|it| it.is_troubled = false);
    Ok((people, troubled))
}

/// What kind of message asks.
fn class(asking: &Asking) -> Class {
    match asking.basis() {
        Basis::Service => Class::Service,
        Basis::Marketing => Class::Marketing,
    }
}
