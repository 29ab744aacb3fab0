//! Challenges and badges: what people do counts for them in the transaction that applies it; what time alone changes is noticed by the night work.
//!
//! Orders are one occasion each, by their number, however often they are told, and count as far as they did not go back.
//!
//! Always holds: what happened is judged by the challenges that were in force when it happened; an order counts for the day on which it was first told, whatever is said of it later.
//!
//! Does not: decide how far somebody is (`loyalty::challenges`), or what they get (`loyalty::records::challenges`).

pub mod facts;
pub mod trying;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use anyhow::Result;
use rapport_domain::{Event, PersonId, Timestamp, WorkspaceId};
use rapport_loyalty::challenges::{Challenge, Joins};
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::records::badges::{self, BY_CONDITION, Whose};
use rapport_loyalty::records::challenges::{self, CountRow, Scene};
use rapport_loyalty::records::documents;
use rapport_loyalty::records::members::{self, Member};
use rapport_loyalty::records::programs::Programs;
use rapport_profiles::Applied;
use rapport_profiles::orders::Status;
use rapport_segments::{Condition, EventView, Moment, holds};
use rapport_store::{Priority, Slice, Tx};

use crate::earning::{Occasions, Standing, Told};
use crate::installation::Installation;
use crate::knowing::Known;

/// What the names of events begin with after which facts may differ.
const OWN: [&str; 3] = ["Challenge ", "Badge ", "Member "];

/// Counts what a batch says, gives what was completed by it and takes back what was not, in the transaction that applies it.
///
/// # Errors
/// The store's, or the ledger's where its records do not fit together.
pub async fn hear(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    events: &[Event],
    applied: &mut Applied,
) -> Result<()> {
    hear_at(installation, tx, workspace, (events, applied), installation.clock.now()).await
}

/// As [`hear`], at another time than the present where a past is played through.
pub(crate) async fn hear_at(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    (events, applied): (&[Event], &mut Applied),
    now: Timestamp,
) -> Result<()> {
    let programs = installation.programs.get(tx, workspace).await?;
    let Some(latest) = programs.latest() else { return Ok(()) };
    if programs.challenges.is_empty() && programs.badges.is_empty() {
        return Ok(());
    }
    let calendar = latest.program.calendar()?;
    let scene =
        Scene { workspace, program: &latest.program, calendar: &calendar, challenges: &programs.challenges, now };
    let touched = count(tx, &programs, scene, events, applied).await?;
    let mut people: BTreeSet<PersonId> = applied.moved.iter().flat_map(|moved| [moved.from, moved.to]).collect();
    let own = |event: &Event| OWN.iter().any(|own| event.name.starts_with(own));
    people.extend(events.iter().zip(&applied.events).filter(|(event, _)| own(event)).map(|(_, it)| it.person));
    let mut found: BTreeMap<MemberId, Member> = BTreeMap::new();
    let touched: Vec<MemberId> = touched.into_iter().collect();
    found.extend(members::by_numbers(tx, workspace, &touched).await?.into_iter().map(|it| (it.member, it)));
    let asked: Vec<PersonId> = people.iter().copied().collect();
    found.extend(members::by_persons(tx, workspace, &asked).await?.into_iter().map(|it| (it.member, it)));
    let found: Vec<Member> = found.into_values().collect();
    challenges::review(tx, scene, &found, false).await?;
    people.extend(found.iter().filter_map(|it| it.person));
    people.extend(give_badges(tx, &programs, scene, applied).await?);
    let people: Vec<PersonId> = people.into_iter().collect();
    facts::tell(tx, workspace, &people, (events, applied), now).await
}

/// Writes what counts of a batch; whose it is, and whose it was.
async fn count(
    tx: &mut Tx,
    programs: &Programs,
    scene: Scene<'_>,
    events: &[Event],
    applied: &Applied,
) -> Result<BTreeSet<MemberId>> {
    let listened: BTreeSet<&str> = programs.challenges.iter().map(|it| it.document.event.as_str()).collect();
    if listened.is_empty() {
        return Ok(BTreeSet::new());
    }
    let told = Told { events, applied: &applied.events, superseded: &applied.superseded };
    let occasions = Occasions::find(programs, (&listened, scene.program.currency), told);
    if occasions.is_empty() {
        return Ok(BTreeSet::new());
    }
    let names = occasions.names();
    let before = challenges::counted(tx, scene.workspace, &names).await?;
    let mut rows = told_anew(tx, programs, scene, &occasions, &before).await?;
    let anew: BTreeSet<&String> =
        occasions.told.iter().map(|it| &it.occasion).chain(occasions.replaced.iter().map(|(old, _)| old)).collect();
    rows.extend(before.iter().filter(|row| !anew.contains(&row.occasion)).cloned());
    let standing = occasions.standing(tx, scene.workspace).await?;
    let latest: BTreeMap<&str, &Challenge> =
        programs.challenges.iter().map(|it| (it.document.key.as_str(), &it.document)).collect();
    for row in &mut rows {
        let order = occasions.orders.get(&row.occasion).map(|(order_id, _)| order_id);
        let challenge = latest.get(row.challenge.as_str()).copied();
        row.remaining = remaining(row, challenge, order, &standing);
    }
    rows.sort_by(|one, other| key(one).cmp(&key(other)));
    if rows == before {
        return Ok(BTreeSet::new());
    }
    challenges::replace(tx, scene.workspace, &names, &rows).await?;
    Ok(before.iter().chain(&rows).map(|row| MemberId(row.member)).collect())
}

fn key(row: &CountRow) -> (&str, &str, &str) {
    (&row.occasion, &row.challenge, &row.value)
}

/// How much is left of what an order counted.
fn remaining(row: &CountRow, challenge: Option<&Challenge>, order: Option<&String>, standing: &Standing) -> i64 {
    let (Some(challenge), Some((revenue, back, status))) = (challenge, order.and_then(|order| standing.get(order)))
    else {
        return row.amount;
    };
    // Of an order that brought nothing no part can go back.
    let is_free = *status == *Status::Refunded.as_str() && *revenue <= 0;
    if *status == *Status::Cancelled.as_str() || is_free {
        return 0;
    }
    challenge.left(row.amount, *back, *revenue)
}

/// What counts of what is told in this batch.
async fn told_anew(
    tx: &mut Tx,
    programs: &Programs,
    scene: Scene<'_>,
    occasions: &Occasions<'_>,
    before: &[CountRow],
) -> Result<Vec<CountRow>> {
    let people = occasions.people();
    let of_person = members::of_persons(tx, scene.workspace, &people).await?;
    let numbers: Vec<MemberId> = of_person.values().copied().collect();
    let joined: BTreeSet<(i64, String)> = if programs.challenges.iter().any(|it| it.document.joins == Joins::OptIn) {
        let joins = challenges::joins(tx, scene.workspace, &numbers).await?;
        joins.into_iter().map(|row| (row.member, row.challenge)).collect()
    } else {
        BTreeSet::new()
    };
    let conditions: Vec<&Condition> =
        programs.challenges.iter().flat_map(|it| [&it.document.when, &it.document.who]).collect();
    let known = Known::read(tx, scene.workspace, &conditions, &people).await?;
    let mut rows = Vec::new();
    for found in &occasions.told {
        let Some(member) = of_person.get(&found.person) else { continue };
        let first = before.iter().filter(|row| row.occasion == found.occasion).map(|row| row.occurred_at).min();
        let at = first.map_or(found.at, |first| first.min(found.at));
        let Some(program) = programs.at(at) else { continue };
        let handle = occasions.handles.get(&found.occasion).copied();
        let Some(handle) = handle else { continue };
        for challenge in documents::in_force(&programs.challenges, at).map(|it| &it.document) {
            // What somebody does before they join never counts, so it need not be kept.
            if challenge.joins == Joins::OptIn && !joined.contains(&(member.0, challenge.key.clone())) {
                continue;
            }
            let counted = found.look((&known, scene.calendar), at, |occasion| challenge.entries(program, occasion));
            rows.extend(counted.into_iter().map(|it| CountRow {
                occasion: found.occasion.clone(),
                challenge: challenge.key.clone(),
                value: it.value,
                member: member.0,
                amount: it.amount,
                remaining: it.amount,
                occurred_at: at,
                handle,
            }));
        }
    }
    Ok(rows)
}

/// Gives badges whose conditions hold of somebody of the batch now; who got any. Whoever had one for that reason before does not get it again.
async fn give_badges(
    tx: &mut Tx,
    programs: &Programs,
    scene: Scene<'_>,
    applied: &Applied,
) -> Result<BTreeSet<PersonId>> {
    let live = documents::in_force(&programs.badges, scene.now);
    let asked: Vec<(&str, &Condition)> =
        live.filter_map(|it| Some((it.document.key.as_str(), it.document.when.as_ref()?))).collect();
    if asked.is_empty() {
        return Ok(BTreeSet::new());
    }
    let people: BTreeSet<PersonId> = applied.events.iter().map(|it| it.person).collect();
    let people: Vec<PersonId> = people.into_iter().collect();
    let found = members::of_persons(tx, scene.workspace, &people).await?;
    let numbers: Vec<MemberId> = found.values().copied().collect();
    if numbers.is_empty() {
        return Ok(BTreeSet::new());
    }
    let had = badges::of_members(tx, scene.workspace, &numbers).await?;
    let had: BTreeSet<(i64, String)> =
        had.into_iter().filter(|row| row.cause == BY_CONDITION).map(|row| (row.member, row.badge)).collect();
    let conditions: Vec<&Condition> = asked.iter().map(|(_, when)| *when).collect();
    let known = Known::read(tx, scene.workspace, &conditions, &people).await?;
    let moment = Moment { now: scene.now, calendar: scene.calendar };
    let mut given = BTreeSet::new();
    for (person, member) in found {
        for (badge, when) in &asked {
            let nothing = EventView::new("", scene.now, &[]);
            if had.contains(&(member.0, (*badge).to_owned()))
                || !known.with(person, nothing, |subject| holds(when, subject, moment))
            {
                continue;
            }
            let whose = Whose { member, person, badge, cause: BY_CONDITION };
            let act = badges::Act { at: scene.now, now: scene.now, by: "", reason: "" };
            badges::give(tx, scene.workspace, whose, act).await?;
            given.insert(person);
        }
    }
    Ok(given)
}

/// Does what is due in a workspace's challenges, a few members at a time; how many were looked at.
///
/// # Errors
/// As [`hear`].
pub async fn settle(installation: &Installation, workspace: WorkspaceId, slice: &mut Slice) -> Result<usize> {
    let now: Timestamp = installation.clock.now();
    let due = challenges::due(&mut installation.store.read(), workspace, now, slice.size()).await?;
    if due.is_empty() {
        return Ok(0);
    }
    let programs = installation.programs.get(&mut installation.store.read(), workspace).await?;
    let Some(latest) = programs.latest() else { return Ok(0) };
    let calendar = latest.program.calendar()?;
    let scene =
        Scene { workspace, program: &latest.program, calendar: &calendar, challenges: &programs.challenges, now };
    let mut tx = installation.store.begin(Priority::Background).await?;
    let began = Instant::now();
    let found = members::by_numbers(&mut tx, workspace, &due).await?;
    challenges::review(&mut tx, scene, &found, true).await?;
    tx.commit().await?;
    slice.took(began.elapsed(), due.len());
    Ok(due.len())
}
