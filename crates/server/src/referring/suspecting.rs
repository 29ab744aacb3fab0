//! Looks for signs of fraud: what a friend shares with the member who brought them, and with other friends of theirs.

use std::collections::BTreeSet;

use anyhow::Result;
use rapport_domain::{Handle, IdentifierKind, PersonId, Timestamp};
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::records::members;
use rapport_loyalty::records::referrals::{self as records, Row, traces};
use rapport_loyalty::referrals::signals::{self, Signal, Trace};
use rapport_loyalty::referrals::{Level, Reason, Referral};
use rapport_profiles::records::identifiers::{self, IdentifierRow};
use rapport_store::Tx;

use super::reviewing::{Bringer, Desk};

/// Other friends of a member that one is compared with.
const FRIENDS: u32 = 100;
/// So far a circle of members is followed.
const LOOP: usize = 10;

/// A friend who is looked at.
pub(super) struct Friend<'a> {
    pub person: PersonId,
    pub names: &'a [&'a IdentifierRow],
    pub row: &'a Row,
    pub joined_at: Timestamp,
}

/// The signs that there are now.
pub(super) async fn look(
    tx: &mut Tx,
    desk: &Desk<'_>,
    friend: &Friend<'_>,
    bringer: &Bringer,
    terms: &Referral,
) -> Result<Vec<Signal>> {
    let is_asked = |signal: &Signal| terms.fraud.level(*signal) != Level::Off;
    let mut found: BTreeSet<Signal> = BTreeSet::new();
    let others = others(tx, desk, friend, bringer).await?;
    let since = desk.now.plus(-i64::from(terms.fraud.trace_days) * Timestamp::DAY);
    let own: Vec<Handle> = friend.names.iter().map(|row| row.handle).collect();
    let theirs: Vec<Handle> = others.iter().map(|(row, _)| row.handle).collect();
    let own = traces::of_handles(tx, desk.workspace, &own, since).await?;
    let own: BTreeSet<Trace> = own.into_iter().map(|(_, trace)| trace).collect();
    for (handle, trace) in traces::of_handles(tx, desk.workspace, &theirs, since).await? {
        let is_bringer = others.iter().any(|(row, is_bringer)| row.handle == handle && *is_bringer);
        if own.contains(&trace) && (is_bringer || trace.signal.is_among_friends()) {
            found.insert(trace.signal);
        }
    }
    let mailboxes: BTreeSet<String> = friend.names.iter().filter_map(|row| mailbox(row)).collect();
    if others.iter().any(|(row, _)| mailbox(row).is_some_and(|it| mailboxes.contains(&it))) {
        found.insert(Signal::Alias);
    }
    if is_asked(&Signal::Burst) && is_burst(tx, desk, friend, bringer, terms).await? {
        found.insert(Signal::Burst);
    }
    if is_asked(&Signal::ClosedLoop) && is_loop(tx, desk, friend, bringer).await? {
        found.insert(Signal::ClosedLoop);
    }
    Ok(found.into_iter().filter(is_asked).collect())
}

fn mailbox(row: &IdentifierRow) -> Option<String> {
    if row.kind == IdentifierKind::Email.as_str() { signals::mailbox(&row.value) } else { None }
}

/// Names of the member who brought the friend (true), and of other friends of theirs (false).
async fn others(
    tx: &mut Tx,
    desk: &Desk<'_>,
    friend: &Friend<'_>,
    bringer: &Bringer,
) -> Result<Vec<(IdentifierRow, bool)>> {
    let rows = records::of_members(tx, desk.workspace, &bringer.numbers, None, FRIENDS).await?;
    let handles: Vec<Handle> = rows.iter().filter(|row| row.is_bound).filter_map(|row| row.handle).collect();
    let mut people: BTreeSet<PersonId> = BTreeSet::new();
    if !handles.is_empty() {
        people.extend(identifiers::by_handles(tx, desk.workspace, &handles).await?.iter().map(|row| row.person));
    }
    people.extend(bringer.member.person);
    people.remove(&friend.person);
    let people: Vec<PersonId> = people.into_iter().collect();
    let names = identifiers::by_persons(tx, desk.workspace, &people).await?;
    Ok(names
        .into_iter()
        .map(|row| (bringer.member.person == Some(row.person), row))
        .map(|(is, row)| (row, is))
        .collect())
}

async fn is_burst(
    tx: &mut Tx,
    desk: &Desk<'_>,
    friend: &Friend<'_>,
    bringer: &Bringer,
    terms: &Referral,
) -> Result<bool> {
    let after = friend.joined_at.plus(-i64::from(terms.fraud.burst_hours) * Timestamp::HOUR);
    let count = records::joined(tx, desk.workspace, &bringer.numbers, (after, friend.joined_at)).await?;
    // One who was looked at before is among them already.
    let own = i64::from(!friend.row.is_bound);
    Ok(count + own > i64::from(terms.fraud.burst_most))
}

/// Whether the friend is among those by whom, one after the other, the member came; then all of the circle are marked.
async fn is_loop(tx: &mut Tx, desk: &Desk<'_>, friend: &Friend<'_>, bringer: &Bringer) -> Result<bool> {
    let mut circle: Vec<Row> = Vec::new();
    let mut person = bringer.member.person;
    for _ in 0..LOOP {
        let Some(at) = person else { return Ok(false) };
        let names = identifiers::by_persons(tx, desk.workspace, &[at]).await?;
        let handles: Vec<Handle> = names.iter().map(|row| row.handle).collect();
        let counts = |row: &Row| {
            let reason = Reason::read(&row.reason);
            row.is_bound && !matches!(reason, Some(Reason::AlreadyCustomer | Reason::SeenBefore))
        };
        let rows = records::of_friends(tx, desk.workspace, &handles).await?;
        let Some(row) = rows.into_iter().find(counts) else { return Ok(false) };
        person = members::find(tx, desk.workspace, MemberId(row.member)).await?.and_then(|it| it.person);
        circle.push(row);
        if person == Some(friend.person) {
            mark(tx, desk, circle).await?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// Marks the others of a circle, and lets them be looked at.
async fn mark(tx: &mut Tx, desk: &Desk<'_>, circle: Vec<Row>) -> Result<()> {
    let mut marked = Vec::new();
    for mut row in circle {
        let before = row.signals();
        if !before.contains(&Signal::ClosedLoop) {
            let all: Vec<Signal> = before.into_iter().chain([Signal::ClosedLoop]).collect();
            row.signals = Some(signals::write(&all));
            row.due_at = Some(desk.now);
            marked.push(row);
        }
    }
    Ok(records::save(tx, desk.workspace, marked).await?)
}
