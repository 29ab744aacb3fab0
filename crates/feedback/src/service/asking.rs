//! Occasions to ask become rows at once; whether somebody is asked is decided when the row is due.
//!
//! Always holds: everybody who could have been asked has a row, with the reason where they were not, so the response rate counts all of them; a decision
//! holds the workspace's settings row, so two at a time cannot both find that somebody was not asked lately; the row that says "invited" and the domain
//! event that has it sent are one transaction.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::{Clock, Handle, Id, PersonId, Rng, Timestamp, WorkspaceId};
use rapport_store::Tx;
use rapport_store::outbox::Event;
use serde_json::json;

use crate::Error;
use crate::asking::{Occasion, Situation, Suppression, is_sampled, judge};
use crate::records::invitations::{self, INVITED, InvitationRow, SAMPLED_OUT, SUPPRESSED};
use crate::records::rounds::{self, RoundRow};
use crate::records::surveys::{self, SurveyRow};
use crate::records::{responses, settings};
use crate::survey::Definition;
use crate::survey::trigger::turn;

/// The domain event of an invitation that is to be sent. Its payload: `invitation_id`, `survey_id` (its key), `wave`, `channel`.
pub const ASKED: &str = "survey.invited";

/// What somebody could be asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// At which touchpoint; the survey's own otherwise.
    pub touchpoint: Option<String>,
    /// About which product.
    pub product: Option<String>,
    /// What that is called.
    pub product_name: Option<String>,
    /// About whose service.
    pub agent: Option<String>,
    /// About which order, ticket or visit.
    pub subject: Option<String>,
}

/// Somebody who could be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The identifier, and whose it is.
    pub who: (Handle, PersonId),
    /// What tells this occasion from another; empty where a wave asks once.
    pub occasion: String,
    /// When it was.
    pub at: Timestamp,
    /// When to decide.
    pub due_at: Timestamp,
    /// What it is about.
    pub about: About,
}

/// What others know of somebody at the moment of deciding, as far as one survey is concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Nobody any more.
    pub is_gone: bool,
    /// Their data may not be used.
    pub is_restricted: bool,
    /// They may not be written to about this.
    pub lacks_consent: bool,
    /// They are of those who get nothing, so that it can be said what all of it is worth.
    pub is_held_out: bool,
    /// They have an open complaint or ticket.
    pub is_troubled: bool,
    /// They would be asked for a review, and have nothing that they could review.
    pub has_nothing: bool,
    /// The channel by which they are asked; `None` when there is no way to reach them.
    pub channel: Option<String>,
    /// They may be asked, but not before then: it is night where they are, or they were written to often enough lately.
    pub not_before: Option<Timestamp>,
}

/// Notes occasions; how many there were not yet. Who is not of the sample is noted as that.
///
/// # Errors
/// The store's.
pub async fn note(
    tx: &mut Tx,
    workspace: WorkspaceId,
    survey: &SurveyRow,
    definition: &Definition,
    candidates: &[Candidate],
    (clock, rng): (&dyn Clock, &dyn Rng),
) -> Result<u64, Error> {
    let now = clock.now();
    let rows: Vec<InvitationRow> = candidates
        .iter()
        .map(|it| {
            let place = (survey.survey, survey.wave);
            let id = Id::new("inv", clock, rng).0;
            let kind = definition.asking.kind.as_str();
            let mut row = InvitationRow::waiting(id, place, kind, it.who, it.at);
            row.occasion.clone_from(&it.occasion);
            row.due_at = Some(it.due_at);
            row.touchpoint = it.about.touchpoint.clone().or_else(|| definition.asking.touchpoint.clone());
            row.product.clone_from(&it.about.product);
            row.product_name.clone_from(&it.about.product_name);
            row.agent.clone_from(&it.about.agent);
            row.subject.clone_from(&it.about.subject);
            if !is_sampled(survey.survey, survey.wave, it.who.1, definition) {
                (row.state, row.due_at, row.decided_at) = (SAMPLED_OUT.to_owned(), None, Some(now));
            }
            row
        })
        .collect();
    Ok(invitations::insert(tx, workspace, &rows).await?)
}

/// What was decided of some rows that were due.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decided {
    /// Who is asked.
    pub invited: Vec<InvitationRow>,
    /// Who is not, and why.
    pub suppressed: Vec<(InvitationRow, Suppression)>,
    /// Of whom it is decided later.
    pub waiting: Vec<InvitationRow>,
}

/// Notes the next members of a segment in a round, each for their turn; how many there were not yet. `reached` is up to which number they were read; none at
/// the end.
///
/// # Errors
/// The store's.
pub async fn go_round(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (survey, definition): (&SurveyRow, &Definition),
    (round, per_day): (&RoundRow, u32),
    (members, reached): (&[(Handle, PersonId)], Option<PersonId>),
    (clock, rng): (&dyn Clock, &dyn Rng),
) -> Result<u64, Error> {
    let mut next = round.clone();
    let mut candidates = Vec::with_capacity(members.len());
    for who in members {
        let at = turn(round.began_at, next.placed, i64::from(per_day));
        next.placed += i64::from(is_sampled(survey.survey, survey.wave, who.1, definition));
        candidates.push(Candidate { who: *who, occasion: String::new(), at, due_at: at, about: About::default() });
    }
    match reached {
        Some(reached) => next.after_person = reached,
        None => next.finished_at = Some(clock.now()),
    }
    if !rounds::go_on(tx, workspace, round, &next).await? {
        return Ok(0);
    }
    note(tx, workspace, survey, definition, &candidates, (clock, rng)).await
}

/// Decides on rows that are due, in their order. `known` has what others know of these people with respect to these surveys (by their numbers), read in
/// the same transaction.
///
/// # Errors
/// The store's.
pub async fn decide(
    tx: &mut Tx,
    workspace: WorkspaceId,
    due: &[InvitationRow],
    known: &BTreeMap<(i64, PersonId), Known>,
    now: Timestamp,
) -> Result<Decided, Error> {
    let settings = settings::hold(tx, workspace, now).await?;
    let persons: BTreeSet<PersonId> = due.iter().map(|it| it.person).collect();
    let persons: Vec<PersonId> = persons.into_iter().collect();
    let mut past: BTreeMap<PersonId, Vec<InvitationRow>> = BTreeMap::new();
    for row in invitations::of_persons(tx, workspace, &persons).await? {
        past.entry(row.person).or_default().push(row);
    }
    let mut asked: BTreeMap<i64, Option<(SurveyRow, Definition)>> = BTreeMap::new();
    let mut decided = Decided::default();
    for row in due {
        if let std::collections::btree_map::Entry::Vacant(place) = asked.entry(row.survey) {
            place.insert(published(tx, workspace, row.survey).await?);
        }
        let others = past.get(&row.person).map_or(&[][..], Vec::as_slice);
        let survey = asked.get(&row.survey).and_then(Option::as_ref);
        let known = known.get(&(row.survey, row.person));
        let reason = match survey {
            None => Some(Suppression::Closed),
            Some((survey, definition)) => {
                let occasion = Occasion {
                    at: row.occasioned_at,
                    // As it was first: waiting for a good hour makes nothing late that is not.
                    due_at: row.occasioned_at.plus(definition.asking.delay()),
                    is_open: survey.takes_answers(now) && survey.wave == row.wave,
                };
                let situation = situation(row, others, known, now);
                judge(definition, &settings, occasion, &situation, now)
            }
        };
        if let (None, Some(until)) = (reason, known.and_then(|it| it.not_before).filter(|until| *until > now)) {
            invitations::postpone(tx, workspace, &row.id, until).await?;
            decided.waiting.push(row.clone());
            continue;
        }
        let mut row = InvitationRow { due_at: None, decided_at: Some(now), ..row.clone() };
        match (reason, survey) {
            (None, Some((survey, definition))) => {
                row.state = INVITED.to_owned();
                row.invited_at = Some(now);
                row.version = survey.published;
                row.channel = known.and_then(|it| it.channel.clone());
                row.expires_at = Some(now.plus(i64::from(definition.asking.valid_days) * Timestamp::DAY));
                let days = definition.asking.remind_after_days;
                row.remind_at = days.map(|days| now.plus(i64::from(days) * Timestamp::DAY));
            }
            (reason, _) => {
                row.state = SUPPRESSED.to_owned();
                row.reason = reason.map(|it| it.as_str().to_owned());
            }
        }
        if !invitations::decide(tx, workspace, &row).await? {
            continue;
        }
        match (reason, survey) {
            (None, Some((survey, _))) => {
                tx.emit(invited(workspace, survey, &row));
                past.entry(row.person).or_default().push(row.clone());
                decided.invited.push(row);
            }
            (reason, _) => decided.suppressed.push((row, reason.unwrap_or(Suppression::Closed))),
        }
    }
    Ok(decided)
}

pub(super) fn invited(workspace: WorkspaceId, survey: &SurveyRow, row: &InvitationRow) -> Event {
    let payload = json!({"invitation_id": row.id, "survey_id": survey.key, "wave": row.wave, "channel": row.channel});
    Event::new(workspace, ASKED, payload).about(row.person)
}

async fn published(tx: &mut Tx, workspace: WorkspaceId, survey: i64) -> Result<Option<(SurveyRow, Definition)>, Error> {
    let Some(row) = surveys::by_number(tx, workspace, survey).await? else { return Ok(None) };
    let Some(version) = row.published else { return Ok(None) };
    let definition = surveys::version(tx, workspace, survey, version).await?;
    Ok(definition.map(|definition| (row, definition)))
}

/// What is known of somebody, with what they were asked before.
pub(super) fn situation(
    row: &InvitationRow,
    others: &[InvitationRow],
    known: Option<&Known>,
    now: Timestamp,
) -> Situation {
    let asked_at = |which: &dyn Fn(&&InvitationRow) -> bool| {
        // Who opened it themselves was asked by nobody; once they answered it counts all the same.
        others.iter().filter(|it| it.id != row.id).filter(which).filter_map(|it| it.invited_at.or(it.answered_at)).max()
    };
    let is_open = |it: &&InvitationRow| {
        it.invited_at.is_some() && it.answered_at.is_none() && it.expires_at.is_some_and(|end| now < end)
    };
    let same = |it: &&InvitationRow| it.id != row.id && it.survey == row.survey && it.wave == row.wave;
    Situation {
        is_gone: known.is_none_or(|it| it.is_gone),
        is_restricted: known.is_some_and(|it| it.is_restricted),
        lacks_consent: known.is_some_and(|it| it.lacks_consent),
        is_held_out: known.is_some_and(|it| it.is_held_out),
        is_reachable: known.is_some_and(|it| it.channel.is_some()),
        is_troubled: known.is_some_and(|it| it.is_troubled),
        has_nothing: known.is_some_and(|it| it.has_nothing),
        any_at: asked_at(&|_| true),
        kind_at: asked_at(&|it| it.kind == row.kind),
        survey_at: asked_at(&|it| it.survey == row.survey),
        is_asked: others
            .iter()
            .filter(same)
            .any(|it| is_open(&it) || (it.invited_at.is_some() && it.occasion == row.occasion)),
    }
}

/// Makes an invitation for somebody who is asked in person or by other means, such as a letter: nothing is sent, no reason keeps it back, and it counts for
/// how often they are asked. One that is open is given again.
///
/// # Errors
/// [`Error::NotOpen`], or the store's.
pub async fn hand_out(
    tx: &mut Tx,
    workspace: WorkspaceId,
    survey: &SurveyRow,
    candidate: &Candidate,
    channel: Option<&str>,
    (clock, rng): (&dyn Clock, &dyn Rng),
) -> Result<InvitationRow, Error> {
    let now = clock.now();
    settings::hold(tx, workspace, now).await?;
    let Some((survey, definition)) =
        published(tx, workspace, survey.survey).await?.filter(|it| it.0.takes_answers(now))
    else {
        return Err(Error::NotOpen("open it first"));
    };
    let persons = [candidate.who.1];
    for row in invitations::of_persons(tx, workspace, &persons).await? {
        let is_same = row.survey == survey.survey && row.wave == survey.wave && row.occasion == candidate.occasion;
        if is_same && row.invited_at.is_some() && row.expires_at.is_some_and(|end| now < end) {
            return Ok(row);
        }
    }
    let id = Id::new("inv", clock, rng).0;
    let place = (survey.survey, survey.wave);
    let mut row = InvitationRow::waiting(id, place, definition.asking.kind.as_str(), candidate.who, candidate.at);
    row.occasion = if candidate.occasion.is_empty() { row.id.clone() } else { candidate.occasion.clone() };
    (row.state, row.due_at) = (INVITED.to_owned(), None);
    (row.decided_at, row.invited_at) = (Some(now), Some(now));
    row.version = survey.published;
    row.channel = channel.map(str::to_owned);
    row.touchpoint = candidate.about.touchpoint.clone().or(definition.asking.touchpoint);
    row.product.clone_from(&candidate.about.product);
    row.product_name.clone_from(&candidate.about.product_name);
    row.agent.clone_from(&candidate.about.agent);
    row.subject.clone_from(&candidate.about.subject);
    row.expires_at = Some(now.plus(i64::from(definition.asking.valid_days) * Timestamp::DAY));
    if invitations::insert(tx, workspace, std::slice::from_ref(&row)).await? == 0 {
        return Err(Error::Answered);
    }
    Ok(row)
}

/// Whether an invitation has been answered, for whoever is about to remind somebody of it.
///
/// # Errors
/// The store's.
pub async fn is_answered(tx: &mut Tx, workspace: WorkspaceId, invitation: &str) -> Result<bool, Error> {
    let response = responses::of_invitation(tx, workspace, invitation).await?;
    Ok(response.is_some_and(|it| it.state != responses::PARTIAL))
}
