//! Somebody who is known is in front of a page beside which a survey can open: whether it does, and as what.
//!
//! Always holds: by itself it opens only to those whom a message would ask: of the sample, outside quarantine and floors, not in trouble, with nothing open
//! that asks the same. Who is spared has one row with the reason, which later visits decide anew, so whoever reads many pages counts once. Who opens
//! it themselves is never kept back, and nobody says that they were asked: they go on where they can still answer, see that they answered lately, or begin.
//!
//! Does not do: say who is there, or whether that is proven.

use rapport_domain::{Clock, Handle, Id, PersonId, Rng, Timestamp, WorkspaceId};
use rapport_store::{Queries, Tx};

use super::asking::{Known, invited, situation};
use crate::Error;
use crate::asking::{Occasion, Settings, is_sampled, judge};
use crate::records::invitations::{self, INVITED, InvitationRow, SAMPLED_OUT, SUPPRESSED, UNASKED, UNDELIVERED};
use crate::records::settings;
use crate::records::surveys::SurveyRow;
use crate::survey::Definition;

/// By which channel somebody is asked whose page it opens beside.
pub const CHANNEL: &str = "widget";
/// What tells the occasions of such pages from others.
const OCCASION: &str = "visit:";

/// Somebody in front of a page, and the survey beside it, which takes answers.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'a> {
    /// The survey.
    pub survey: &'a SurveyRow,
    /// What it asks.
    pub definition: &'a Definition,
    /// The identifier, and whose it is.
    pub who: (Handle, PersonId),
    /// Where the page is, if its link says so.
    pub touchpoint: Option<&'a str>,
    /// What others know of them.
    pub known: &'a Known,
    /// Whether they opened it themselves.
    pub wished: bool,
}

/// What is to be written of a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// It stands already.
    Nothing,
    /// A new row.
    Insert,
    /// What was decided of a row of an earlier visit.
    Change,
}

/// What comes of a visit.
#[derive(Clone, Debug, PartialEq)]
pub struct Met {
    /// What they answer, or why they are not asked.
    pub row: InvitationRow,
    /// What is to be written of it.
    pub write: Write,
    /// Whether the survey opens.
    pub opens: bool,
}

/// What would come of a visit now; nothing is written.
///
/// # Errors
/// The store's.
pub async fn look(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    visit: &Visit<'_>,
    (clock, rng): (&dyn Clock, &dyn Rng),
) -> Result<Met, Error> {
    let settings = settings::find(db, workspace).await?;
    let past = invitations::of_persons(db, workspace, &[visit.who.1]).await?;
    Ok(meet(visit, &past, &settings, Id::new("inv", clock, rng).0, clock.now()))
}

/// What comes of a visit, written; two at once cannot both find that somebody was not asked.
///
/// # Errors
/// The store's.
pub async fn visit(
    tx: &mut Tx,
    workspace: WorkspaceId,
    visit: &Visit<'_>,
    clock: (&dyn Clock, &dyn Rng),
) -> Result<Met, Error> {
    settings::hold(tx, workspace, clock.0.now()).await?;
    let met = look(tx, workspace, visit, clock).await?;
    let is_written = match met.write {
        Write::Nothing => false,
        Write::Insert => invitations::insert(tx, workspace, std::slice::from_ref(&met.row)).await? == 1,
        Write::Change => invitations::decide_anew(tx, workspace, &met.row).await?,
    };
    if is_written && met.row.state == INVITED {
        tx.emit(invited(workspace, visit.survey, &met.row));
    }
    Ok(met)
}

/// What comes of a visit, by what somebody was asked before (the newest first). `id` names a new row.
pub fn meet(visit: &Visit<'_>, past: &[InvitationRow], settings: &Settings, id: String, now: Timestamp) -> Met {
    if visit.wished { wished(visit, past, settings, id, now) } else { unbidden(visit, past, settings, id, now) }
}

/// A row of this visit, as it stands before anything is decided.
fn new_row(visit: &Visit<'_>, id: String, now: Timestamp) -> InvitationRow {
    let place = (visit.survey.survey, visit.survey.wave);
    let kind = visit.definition.asking.kind.as_str();
    let touchpoint = visit.touchpoint.map(str::to_owned).or_else(|| visit.definition.asking.touchpoint.clone());
    InvitationRow {
        occasion: format!("{OCCASION}{id}"),
        touchpoint,
        due_at: None,
        decided_at: Some(now),
        ..InvitationRow::waiting(id, place, kind, visit.who, now)
    }
}

fn expiry(visit: &Visit<'_>, now: Timestamp) -> Option<Timestamp> {
    Some(now.plus(i64::from(visit.definition.asking.valid_days) * Timestamp::DAY))
}

fn is_of_wave(visit: &Visit<'_>, row: &InvitationRow) -> bool {
    row.survey == visit.survey.survey && row.wave == visit.survey.wave
}

/// They opened it themselves.
fn wished(visit: &Visit<'_>, past: &[InvitationRow], settings: &Settings, id: String, now: Timestamp) -> Met {
    let asking = &visit.definition.asking;
    let opens_something = |it: &&InvitationRow| [INVITED, UNDELIVERED, UNASKED].contains(&it.state.as_str());
    let can_answer = |it: &&InvitationRow| {
        is_of_wave(visit, it) && it.answered_at.is_none() && it.expires_at.is_some_and(|end| now < end)
    };
    let floor = asking.floor_days.or(settings.floor_days.get(&asking.kind).copied()).unwrap_or_default();
    let answered_lately = |it: &&InvitationRow| {
        it.survey == visit.survey.survey
            && it.answered_at.is_some_and(|at| now < at.plus(i64::from(floor) * Timestamp::DAY))
    };
    let mut own = past.iter().filter(opens_something);
    if let Some(row) = own.clone().find(can_answer).or_else(|| own.find(answered_lately)) {
        return Met { row: row.clone(), write: Write::Nothing, opens: true };
    }
    let mut row = new_row(visit, id, now);
    row.state = UNASKED.to_owned();
    (row.version, row.expires_at) = (visit.survey.published, expiry(visit, now));
    Met { row, write: Write::Insert, opens: true }
}

/// It would open by itself.
fn unbidden(visit: &Visit<'_>, past: &[InvitationRow], settings: &Settings, id: String, now: Timestamp) -> Met {
    let last = past.iter().find(|it| is_of_wave(visit, it) && it.occasion.starts_with(OCCASION) && it.state != UNASKED);
    let spared = last.filter(|it| [SUPPRESSED, SAMPLED_OUT].contains(&it.state.as_str()));
    let fresh = new_row(visit, id, now);
    let mut row = match spared {
        Some(row) => {
            InvitationRow { occasioned_at: now, decided_at: Some(now), touchpoint: fresh.touchpoint, ..row.clone() }
        }
        None => fresh,
    };
    let known = Known { channel: Some(CHANNEL.to_owned()), ..visit.known.clone() };
    row.channel.clone_from(&known.channel);
    (row.state, row.reason) = if is_sampled(row.survey, row.wave, row.person, visit.definition) {
        let occasion = Occasion { at: now, due_at: now, is_open: true };
        match judge(visit.definition, settings, occasion, &situation(&row, past, Some(&known), now), now) {
            Some(reason) => (SUPPRESSED.to_owned(), Some(reason.as_str().to_owned())),
            None => (INVITED.to_owned(), None),
        }
    } else {
        (SAMPLED_OUT.to_owned(), None)
    };
    let opens = row.state == INVITED;
    if opens {
        (row.version, row.invited_at, row.expires_at) = (visit.survey.published, Some(now), expiry(visit, now));
    }
    let write = match spared {
        None => Write::Insert,
        Some(before) if (&before.state, &before.reason) == (&row.state, &row.reason) => Write::Nothing,
        Some(_) => Write::Change,
    };
    Met { row, write, opens }
}
