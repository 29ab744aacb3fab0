//! Leaderboards: what people do counts for them in the transaction that applies it; the night work finds the winners of periods that ended.
//!
//! Always holds: whoever is not on a leaderboard costs one look at who is.
//!
//! Does not: rank anybody (`loyalty::records::leaderboards`).

use std::collections::BTreeSet;

use anyhow::Result;
use rapport_domain::{Event, PersonId, Timestamp, WorkspaceId};
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::records::leaderboards::{self, Scene};
use rapport_loyalty::records::members;
use rapport_profiles::Applied;
use rapport_store::{Priority, Tx};

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

/// Finds the winners of periods that ended, one period in a turn of the writer; how many stand now.
///
/// # Errors
/// As [`hear`].
pub async fn settle(installation: &Installation, workspace: WorkspaceId) -> Result<usize> {
    let now = installation.clock.now();
    let ended = leaderboards::ended(&mut installation.store.read(), workspace, now).await?;
    if ended.is_empty() {
        return Ok(0);
    }
    let programs = installation.programs.get(&mut installation.store.read(), workspace).await?;
    let Some(latest) = programs.latest() else { return Ok(0) };
    let calendar = latest.program.calendar()?;
    let scene = Scene {
        workspace,
        program: &latest.program,
        calendar: &calendar,
        leaderboards: &programs.leaderboards,
        challenges: &programs.challenges,
        now,
    };
    let mut stand = 0;
    for row in ended {
        let mut tx = installation.store.begin(Priority::Background).await?;
        if leaderboards::settle(&mut tx, scene, &row).await?.is_some() {
            stand += 1;
        }
        tx.commit().await?;
    }
    Ok(stand)
}
