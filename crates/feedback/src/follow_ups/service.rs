//! Opening follow-ups and working on them, each in the caller's transaction.
//!
//! Always holds: a reason is added once; who chooses the next owner looks at whom the rule chose last; a follow-up is told as opened once and as closed each
//! time that it is.

use rapport_domain::{BusinessHours, Clock, Handle, Id, PersonId, Rng, Timestamp, WorkspaceId};
use rapport_store::Tx;
use rapport_store::outbox::Event;
use serde_json::json;

use super::records::log::{self, LogRow};
use super::records::reasons::{self, LATER, REASON, ReasonRow};
use super::records::{self, FollowUpRow};
use super::rules::{BY_HAND, Choice, Owner, Rule};
use super::work::{self, Act, HEARD, ITSELF, OPENED, TAKEN_BACK, UNITED};
use super::{Outcome, State};
use crate::Error;

/// The domain event of a new follow-up. Its payload: `follow_up`, `rule`, `reason` (an event's name), `due_at`, `at`.
pub const FOLLOW_UP_OPENED: &str = "follow_up.opened";
/// The domain event of one that is done. Its payload: `follow_up`, `rule`, `outcome`, `at`.
pub const FOLLOW_UP_CLOSED: &str = "follow_up.closed";
/// What somebody says so long after it was done is still told beside it.
pub const REMEMBERED: i64 = 90 * Timestamp::DAY;

/// What it is done with.
#[derive(Clone, Copy)]
pub struct With<'a> {
    /// Whose.
    pub workspace: WorkspaceId,
    /// The present.
    pub clock: &'a dyn Clock,
    /// Chance.
    pub rng: &'a dyn Rng,
    /// Who can be chosen, as ids of users: where a rule names nobody, and of those that it names only these.
    pub users: &'a Users,
}

/// Who works here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Users {
    /// Everybody who may work on follow-ups.
    pub all: Vec<String>,
    /// Those who do where a rule names nobody.
    pub usual: Vec<String>,
}

/// Something that somebody said.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// The event.
    pub event_id: [u8; 16],
    /// Its name.
    pub event_name: String,
    /// By which identifier.
    pub handle: Handle,
    /// By whom.
    pub person: PersonId,
    /// When.
    pub occurred_at: Timestamp,
    /// A score, or stars.
    pub number: Option<f64>,
    /// About what.
    pub subject: Option<String>,
}

impl Said {
    fn reason(&self, follow_up: &str, role: &str, now: Timestamp) -> ReasonRow {
        ReasonRow {
            follow_up: follow_up.to_owned(),
            event_id: self.event_id,
            handle: self.handle,
            person: self.person,
            role: role.to_owned(),
            event_name: self.event_name.clone(),
            number: self.number,
            subject: self.subject.clone(),
            occurred_at: self.occurred_at,
            added_at: now,
            taken_back_at: None,
        }
    }
}

/// Opens a follow-up for what somebody said, or adds a reason to the one of the same rule that is open; its id. `hours` are those in which somebody works.
///
/// # Errors
/// The store's.
pub async fn open(
    tx: &mut Tx,
    with: With<'_>,
    (rule, hours): (&Rule, &BusinessHours),
    said: &Said,
    manager: Option<&str>,
) -> Result<String, Error> {
    let now = with.clock.now();
    let found = records::open_of(tx, with.workspace, said.person, &rule.key).await?;
    let (row, is_new) = match found {
        Some(row) => (row, false),
        None => {
            let owner = chosen(tx, with, rule, manager).await?;
            let due_at = rule.deadline.due(now, hours);
            begin(tx, with, (&rule.key, &said.event_name), (said.handle, said.person), owner, due_at).await?
        }
    };
    if reasons::insert(tx, with.workspace, &said.reason(&row.id, REASON, now)).await? && !is_new {
        let line = own_line(&row, work::REASON, Some(said.event_name.clone()), now);
        log::append(tx, with.workspace, &line).await?;
    }
    Ok(row.id)
}

/// Opens one by hand, with why; its id. `by` is a user or a key.
///
/// # Errors
/// [`Error::AlreadyOpen`] where one that was opened by hand is open, what is wrong with the text, or the store's.
pub async fn open_by_hand(
    tx: &mut Tx,
    with: With<'_>,
    who: (Handle, PersonId),
    (why, owner): (&str, Option<String>),
    (by, due_at): (&str, Timestamp),
) -> Result<String, Error> {
    if let Some(open) = records::open_of(tx, with.workspace, who.1, BY_HAND).await? {
        return Err(Error::AlreadyOpen { id: open.id });
    }
    let (row, _) = begin(tx, with, (BY_HAND, ""), who, owner, due_at).await?;
    work(tx, with.workspace, &row.id, &Act::Note(why.to_owned()), (by, with.clock.now())).await?;
    Ok(row.id)
}

/// The new follow-up, or the one that somebody else opened meanwhile; and whether it is new.
async fn begin(
    tx: &mut Tx,
    with: With<'_>,
    (rule, reason): (&str, &str),
    (handle, person): (Handle, PersonId),
    owner: Option<String>,
    due_at: Timestamp,
) -> Result<(FollowUpRow, bool), Error> {
    let now = with.clock.now();
    let row = FollowUpRow {
        id: Id::new("fup", with.clock, with.rng).0,
        handle,
        person,
        rule: rule.to_owned(),
        state: State::Open.as_str().to_owned(),
        outcome: None,
        assigned_at: owner.as_ref().map(|_| now),
        given_to: owner.clone(),
        owner,
        told_owner: None,
        opened_at: now,
        due_at,
        contacted_at: None,
        snoozed_until: None,
        closed_at: None,
        updated_at: now,
        revision: 1,
    };
    if !records::insert(tx, with.workspace, &row).await? {
        // Somebody else was faster.
        let open = records::open_of(tx, with.workspace, person, rule).await?;
        let open = open.ok_or(Error::NotFound { what: "follow-up", key: row.id })?;
        return Ok((open, false));
    }
    log::append(tx, with.workspace, &own_line(&row, OPENED, row.owner.clone(), now)).await?;
    let payload = json!({"follow_up": row.id, "rule": rule, "reason": reason, "due_at": row.due_at.to_rfc3339(), "at": row.opened_at.to_rfc3339()});
    tx.emit(Event::new(with.workspace, FOLLOW_UP_OPENED, payload).about(person));
    Ok((row, true))
}

/// Whose a new follow-up of a rule is.
async fn chosen(tx: &mut Tx, with: With<'_>, rule: &Rule, manager: Option<&str>) -> Result<Option<String>, Error> {
    let Owner { by, users } = &rule.owner;
    let works_here = |user: &&String| with.users.all.contains(*user);
    let named: Vec<&String> = users.iter().filter(works_here).collect();
    let manager = manager.map(str::to_owned).filter(|user| works_here(&user));
    match by {
        Choice::Nobody => return Ok(None),
        Choice::One => return Ok(named.first().map(|user| (*user).clone())),
        Choice::AccountManager if manager.is_some() => return Ok(manager),
        Choice::AccountManager | Choice::RoundRobin => {}
    }
    let circle: Vec<&String> = if named.is_empty() { with.users.usual.iter().collect() } else { named };
    let last = records::last_given(tx, with.workspace, &rule.key).await?;
    Ok(next_of(&circle, last.as_ref()).cloned())
}

/// Who comes behind `last` in a circle; the first where `last` is not of it.
fn next_of<'u>(circle: &[&'u String], last: Option<&String>) -> Option<&'u String> {
    let at = circle.iter().position(|user| Some(*user) == last);
    circle.get(at.map_or(0, |at| (at + 1) % circle.len())).copied()
}

/// Adds what somebody says later to the follow-ups in which they were spoken with. Who was waited for has answered.
///
/// # Errors
/// The store's.
pub async fn hear(tx: &mut Tx, workspace: WorkspaceId, said: &Said, now: Timestamp) -> Result<(), Error> {
    for row in records::of_persons(tx, workspace, &[said.person]).await? {
        let is_remembered = row.closed_at.is_none_or(|at| now.0 - at.0 <= REMEMBERED);
        let was_before = row.contacted_at.is_some_and(|at| at <= said.occurred_at);
        if !is_remembered || !was_before {
            continue;
        }
        if !reasons::insert(tx, workspace, &said.reason(&row.id, LATER, now)).await? {
            continue;
        }
        log::append(tx, workspace, &own_line(&row, HEARD, Some(said.event_name.clone()), now)).await?;
        if row.stands() == State::Waiting {
            let next = FollowUpRow {
                state: State::InProgress.as_str().to_owned(),
                snoozed_until: None,
                updated_at: now,
                revision: row.revision + 1,
                ..row
            };
            records::update(tx, workspace, &next).await?;
        }
    }
    Ok(())
}

/// Takes back what an event told that another one replaces. A follow-up that nobody began and that has no reason left is over.
///
/// # Errors
/// The store's.
pub async fn take_back(tx: &mut Tx, workspace: WorkspaceId, event_id: [u8; 16], now: Timestamp) -> Result<(), Error> {
    for (id,) in reasons::take_back(tx, workspace, event_id, now).await? {
        let Some(row) = records::find(tx, workspace, &id).await? else { continue };
        let left = reasons::of(tx, workspace, std::slice::from_ref(&id)).await?;
        let has_reason = left.iter().any(|it| it.role == REASON && it.taken_back_at.is_none());
        if has_reason || row.stands() != State::Open {
            continue;
        }
        let outcome = Outcome::NoActionNeeded.as_str();
        let next = FollowUpRow {
            state: State::Done.as_str().to_owned(),
            outcome: Some(outcome.to_owned()),
            closed_at: Some(now),
            updated_at: now,
            revision: row.revision + 1,
            ..row
        };
        log::append(tx, workspace, &own_line(&next, TAKEN_BACK, Some(outcome.to_owned()), now)).await?;
        records::update(tx, workspace, &next).await?;
        tx.emit(closed(workspace, &next));
    }
    Ok(())
}

/// Does something with a follow-up.
///
/// # Errors
/// [`Error::NotFound`], what [`work::after`] refuses, [`Error::AlreadyOpen`] where another one of the same customer and rule is open, [`Error::Stale`], or the
/// store's.
pub async fn work(
    tx: &mut Tx,
    workspace: WorkspaceId,
    id: &str,
    act: &Act,
    (by, now): (&str, Timestamp),
) -> Result<FollowUpRow, Error> {
    let missing = || Error::NotFound { what: "follow-up", key: id.to_owned() };
    let row = records::find(tx, workspace, id).await?.ok_or_else(missing)?;
    let lines = log::of(tx, workspace, &[id.to_owned()]).await?;
    let (next, line) = work::after(&row, &lines, act, (by, now))?;
    let is_again = row.stands() == State::Done && next.stands() != State::Done;
    if is_again && let Some(other) = records::open_of(tx, workspace, row.person, &row.rule).await? {
        return Err(Error::AlreadyOpen { id: other.id });
    }
    if !records::update(tx, workspace, &next).await? {
        return Err(Error::Stale { key: row.id, found: row.revision });
    }
    log::append(tx, workspace, &line).await?;
    if row.stands() != State::Done && next.stands() == State::Done {
        tx.emit(closed(workspace, &next));
    }
    Ok(next)
}

/// What identifiers brought in goes with them to the person they belong to now: (identifier, whose it was, whose it is). Two of one rule that are open become
/// one: of two the one on which somebody has worked stays, of equal ones the older.
///
/// # Errors
/// The store's.
pub async fn follow(
    tx: &mut Tx,
    workspace: WorkspaceId,
    moved: &[(Handle, PersonId, PersonId)],
    now: Timestamp,
) -> Result<(), Error> {
    let mut from: Vec<PersonId> = moved.iter().map(|it| it.1).collect();
    from.sort_unstable();
    from.dedup();
    if from.is_empty() {
        return Ok(());
    }
    for row in records::of_persons(tx, workspace, &from).await? {
        let to = moved.iter().find(|(handle, from, _)| *handle == row.handle && *from == row.person);
        let Some((_, _, to)) = to else { continue };
        let other = match row.stands() {
            State::Done => None,
            _ => records::open_of(tx, workspace, *to, &row.rule).await?,
        };
        let Some(other) = other.filter(|other| other.id != row.id) else {
            hand_over(tx, workspace, &row, *to, now).await?;
            continue;
        };
        let rank = |it: &FollowUpRow| (it.stands() == State::Open, it.opened_at);
        let (stays, goes) = if rank(&other) <= rank(&row) { (other, row) } else { (row, other) };
        unite(tx, workspace, (&stays, &goes), *to, now).await?;
    }
    Ok(())
}

async fn hand_over(
    tx: &mut Tx,
    workspace: WorkspaceId,
    row: &FollowUpRow,
    to: PersonId,
    now: Timestamp,
) -> Result<(), Error> {
    let next = FollowUpRow { person: to, updated_at: now, revision: row.revision + 1, ..row.clone() };
    records::update(tx, workspace, &next).await?;
    reasons::follow(tx, workspace, &row.id, to).await?;
    log::follow(tx, workspace, &row.id, to).await?;
    Ok(())
}

async fn unite(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (stays, goes): (&FollowUpRow, &FollowUpRow),
    to: PersonId,
    now: Timestamp,
) -> Result<(), Error> {
    // First, so that one is open at most.
    records::delete(tx, workspace, &goes.id).await?;
    reasons::unite(tx, workspace, &goes.id, &stays.id).await?;
    for line in log::of(tx, workspace, std::slice::from_ref(&goes.id)).await? {
        // What was done to the other cannot be taken back here.
        let line = LogRow { follow_up: stays.id.clone(), before: None, undoes: None, ..line };
        log::append(tx, workspace, &line).await?;
    }
    log::delete(tx, workspace, &goes.id).await?;
    log::append(tx, workspace, &own_line(stays, UNITED, None, now)).await?;
    let earliest = |a: Option<Timestamp>, b: Option<Timestamp>| match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    let both = FollowUpRow {
        due_at: stays.due_at.min(goes.due_at),
        contacted_at: earliest(stays.contacted_at, goes.contacted_at),
        ..stays.clone()
    };
    hand_over(tx, workspace, &both, to, now).await
}

fn own_line(row: &FollowUpRow, act: &str, detail: Option<String>, now: Timestamp) -> LogRow {
    LogRow {
        follow_up: row.id.clone(),
        number: 0,
        person: row.person,
        at: now,
        by: ITSELF.to_owned(),
        act: act.to_owned(),
        channel: None,
        text: None,
        detail,
        undoes: None,
        before: None,
    }
}

fn closed(workspace: WorkspaceId, row: &FollowUpRow) -> Event {
    let payload = json!({"follow_up": row.id, "rule": row.rule, "outcome": row.outcome, "at": row.closed_at.map(Timestamp::to_rfc3339)});
    Event::new(workspace, FOLLOW_UP_CLOSED, payload).about(row.person)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_after_the_other() {
        let users = ["a", "b", "c"].map(str::to_owned);
        let circle: Vec<&String> = users.iter().collect();
        let next = |last: Option<&str>| next_of(&circle, last.map(str::to_owned).as_ref()).map(String::as_str);
        assert_eq!(
            [next(None), next(Some("a")), next(Some("c")), next(Some("gone"))],
            [Some("a"), Some("b"), Some("a"), Some("a")]
        );
        assert_eq!(next_of(&[], None), None);
    }
}
