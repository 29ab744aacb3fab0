//! Which law says when points of a member may lapse: judged by what is known of them, in the transaction that applies it.
//!
//! Always holds: from the commit on in which a fact is applied, points lapse by the law that follows from it. Whoever became a member otherwise, and everybody after the programme was changed, is looked at in the next turn.
//!
//! Does not: say what a law allows (`loyalty::jurisdictions`).

use std::collections::BTreeSet;
use std::time::Instant;

use anyhow::Result;
use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::records::jurisdictions;
use rapport_loyalty::records::members::{self, Member};
use rapport_loyalty::records::programs::ProgramVersion;
use rapport_profiles::Applied;
use rapport_segments::{Condition, Moment, evaluate};
use rapport_store::{Priority, Slice, Tx};

use crate::installation::Installation;
use crate::knowing::Known;

/// Judges the members of whom a batch says anything.
///
/// # Errors
/// The store's.
pub async fn hear(installation: &Installation, tx: &mut Tx, workspace: WorkspaceId, applied: &Applied) -> Result<()> {
    let programs = installation.programs.get(tx, workspace).await?;
    let Some(latest) = programs.latest().filter(|_| programs.knows_jurisdictions()) else { return Ok(()) };
    let moved = applied.moved.iter().flat_map(|moved| [moved.from, moved.to]);
    let people: BTreeSet<PersonId> = applied.events.iter().map(|it| it.person).chain(moved).collect();
    let people: Vec<PersonId> = people.into_iter().collect();
    let found = members::by_persons(tx, workspace, &people).await?;
    judge(tx, workspace, latest, &found, installation.clock.now()).await
}

/// Judges some of those who were not judged since the programme was changed; how many were looked at.
///
/// # Errors
/// The store's.
pub async fn settle(installation: &Installation, workspace: WorkspaceId, slice: &mut Slice) -> Result<usize> {
    let mut db = installation.store.read();
    let programs = installation.programs.get(&mut db, workspace).await?;
    let Some(latest) = programs.latest().filter(|_| programs.knows_jurisdictions()) else { return Ok(0) };
    if jurisdictions::unjudged(&mut db, workspace, latest.version, 1).await?.is_empty() {
        return Ok(0);
    }
    let mut tx = installation.store.begin(Priority::Background).await?;
    let began = Instant::now();
    let due = jurisdictions::unjudged(&mut tx, workspace, latest.version, slice.size()).await?;
    let found = members::by_numbers(&mut tx, workspace, &due).await?;
    judge(&mut tx, workspace, latest, &found, installation.clock.now()).await?;
    // Of old numbers, and of whoever was forgotten, nothing is known: what held for them still does.
    jurisdictions::pass(&mut tx, workspace, &due, latest.version).await?;
    tx.commit().await?;
    slice.took(began.elapsed(), due.len());
    Ok(due.len())
}

async fn judge(
    tx: &mut Tx,
    workspace: WorkspaceId,
    latest: &ProgramVersion,
    found: &[Member],
    now: Timestamp,
) -> Result<()> {
    let people: Vec<PersonId> = found.iter().filter_map(|it| it.person).collect();
    if people.is_empty() {
        return Ok(());
    }
    let all = &latest.program.jurisdictions;
    let conditions: Vec<&Condition> = all.iter().map(|it| &it.when).collect();
    let known = Known::read(tx, workspace, &conditions, &people).await?;
    let calendar = latest.program.calendar()?;
    let moment = Moment { now, calendar: &calendar };
    let of = |person: PersonId| {
        let first = all.iter().find(|it| known.about(person, |subject| evaluate::holds(&it.when, subject, moment)));
        first.map(|it| it.key.as_str())
    };
    let judged: Vec<(MemberId, Option<&str>)> =
        found.iter().filter_map(|it| Some((it.member, of(it.person?)))).collect();
    Ok(jurisdictions::judge(tx, workspace, &judged, (latest.version, now)).await?)
}
