//! Leaderboards: what people do counts for them in the transaction that applies it; the night work finds the winners of periods that ended, a few in each turn of the writer.
//!
//! Always holds: whoever is not on a leaderboard costs one look at who is.
//!
//! Does not: rank anybody (`loyalty::records::leaderboards`).

use std::collections::BTreeSet;
use std::time::Instant;

use anyhow::Result;
use rapport_domain::{Event, PersonId, Timestamp, WorkspaceId};
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::records::leaderboards::{self, Scene, Turn};
use rapport_loyalty::records::members;
use rapport_profiles::Applied;
use rapport_store::{Priority, Slice, Tx};

use crate::installation::Installation;

/// Reckons anew how much the people of a batch have, in the transaction that applies it.
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
    if events.is_empty() && applied.moved.is_empty() {
        return Ok(());
    }
    let mut people: BTreeSet<PersonId> = applied.moved.iter().flat_map(|moved| [moved.from, moved.to]).collect();
    people.extend(applied.events.iter().map(|it| it.person));
    hear_at(installation, tx, workspace, people, installation.clock.now()).await
}

/// As [`hear`], of people who did something, at another time than the present where a past is played through.
pub(crate) async fn hear_at(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    people: BTreeSet<PersonId>,
    now: Timestamp,
) -> Result<()> {
    let programs = installation.programs.get(tx, workspace).await?;
    let Some(latest) = programs.latest() else { return Ok(()) };
    if programs.leaderboards.is_empty() {
        return Ok(());
    }
    let calendar = latest.program.calendar()?;
    let scene = Scene {
        workspace,
        program: &latest.program,
        calendar: &calendar,
        leaderboards: &programs.leaderboards,
        challenges: &programs.challenges,
        now,
    };
    let people: Vec<PersonId> = people.into_iter().collect();
    let found: Vec<MemberId> = members::of_persons(tx, workspace, &people).await?.into_values().collect();
    leaderboards::reckon(tx, scene, &found).await?;
    Ok(())
}

/// Finds some of the winners of a period that ended; whether there was anything to do.
///
/// # Errors
/// As [`hear`].
pub async fn settle(installation: &Installation, workspace: WorkspaceId, slice: &mut Slice) -> Result<bool> {
    let now = installation.clock.now();
    let mut db = installation.store.read();
    let ended = leaderboards::ended(&mut db, workspace, now).await?;
    if ended.is_empty() {
        return Ok(false);
    }
    let programs = installation.programs.get(&mut db, workspace).await?;
    let Some(latest) = programs.latest() else { return Ok(false) };
    let calendar = latest.program.calendar()?;
    let scene = Scene {
        workspace,
        program: &latest.program,
        calendar: &calendar,
        leaderboards: &programs.leaderboards,
        challenges: &programs.challenges,
        now,
    };
    let Some(row) = ended.into_iter().find(|row| leaderboards::are_due(scene, row)) else { return Ok(false) };
    // All rows of the period, so not in the writer's turn; once it is closed they stay as they are.
    let members = if row.closed_at.is_some() && row.members == 0 {
        leaderboards::above(&mut db, workspace, (&row.leaderboard, &row.period), 0).await?
    } else {
        row.members
    };
    let mut tx = installation.store.begin(Priority::Background).await?;
    let began = Instant::now();
    let turn = leaderboards::settle(&mut tx, scene, &row, (members, slice.size())).await?;
    tx.commit().await?;
    if let Turn::Found(count) | Turn::Stands(count) = turn {
        slice.took(began.elapsed(), count);
    }
    Ok(turn != Turn::Nothing)
}
