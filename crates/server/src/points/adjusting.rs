//! Adjustments of many accounts: drafted, worked off and forgotten a few accounts in each turn of the writer.
//!
//! Always holds: nobody sees a draft before all its accounts are there, wherever it was cut short.
//!
//! Does not: decide who may start one ([`bulks::start`]).

use std::time::Instant;

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_loyalty::Error;
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::records::bulks::{self, Asked, Bulk, Drafting};
use rapport_loyalty::records::redemptions::Scene;
use rapport_loyalty::rewards::Refusal;
use rapport_store::{Priority, Slice};

use crate::installation::Installation;

/// Accounts that are looked at and written down together at most.
const TOGETHER: u32 = 500;
/// What was begun so long ago and is not whole was cut short: a hundred thousand accounts take some minutes.
const ABANDONED: i64 = Timestamp::HOUR;

/// Fixes whose accounts are to be adjusted and says what would come of it. What is asked for under the same id again is answered the same.
///
/// # Errors
/// The store's, or that what it reads back does not fit together.
pub async fn draft(
    installation: &Installation,
    scene: Scene<'_>,
    asked: Asked<'_>,
    whose: &[MemberId],
) -> Result<Result<Bulk, Refusal>, Error> {
    let (store, workspace) = (&installation.store, scene.workspace);
    let mut drafting = match Drafting::prepare(&mut store.read(), scene, asked, whose).await? {
        Ok(drafting) => drafting,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let mut tx = store.begin(Priority::Background).await?;
    let earlier = drafting.begin(&mut tx, workspace).await?;
    tx.commit().await?;
    match earlier {
        Ok(None) => {}
        Ok(Some(row)) => return Ok(Ok(row)),
        Err(refusal) => return Ok(Err(refusal)),
    }
    let mut slice = Slice::up_to(TOGETHER);
    let mut left = whose;
    while !left.is_empty() {
        let (part, rest) = left.split_at(left.len().min(slice.size() as usize));
        left = rest;
        let looked_at = drafting.look(&mut store.read(), scene, part).await?;
        let mut tx = store.begin(Priority::Background).await?;
        let began = Instant::now();
        drafting.add(&mut tx, workspace, looked_at).await?;
        tx.commit().await?;
        slice.took(began.elapsed(), part.len());
    }
    let mut tx = store.begin(Priority::Background).await?;
    let outcome = drafting.finish(&mut tx, workspace).await?;
    tx.commit().await?;
    Ok(outcome)
}

/// Works on an adjustment that was started; whether there was one.
///
/// # Errors
/// As [`draft`].
pub async fn work(installation: &Installation, workspace: WorkspaceId, slice: &mut Slice) -> Result<bool, Error> {
    let Some(bulk) = bulks::open(&mut installation.store.read(), workspace).await? else { return Ok(false) };
    let programs = installation.programs.get(&mut installation.store.read(), workspace).await?;
    let Some(program) = programs.latest().map(|it| &it.program) else { return Ok(false) };
    let (calendar, now) = (program.calendar()?, installation.clock.now());
    let scene = Scene { workspace, program, calendar: &calendar, now, rng: &*installation.rng };
    let mut tx = installation.store.begin(Priority::Background).await?;
    let began = Instant::now();
    let adjusted = bulks::step(&mut tx, scene, &bulk, slice.size()).await?;
    tx.commit().await?;
    slice.took(began.elapsed(), adjusted);
    Ok(true)
}

/// Forgets some of the accounts of a draft that was cut short; whether there was one.
///
/// # Errors
/// The store's.
pub async fn forget(installation: &Installation, workspace: WorkspaceId, slice: &mut Slice) -> Result<bool, Error> {
    let before = installation.clock.now().plus(-ABANDONED);
    let found = bulks::abandoned(&mut installation.store.read(), workspace, before).await?;
    let Some(bulk) = found else { return Ok(false) };
    let mut tx = installation.store.begin(Priority::Background).await?;
    let began = Instant::now();
    let gone = bulks::forget_draft(&mut tx, workspace, &bulk, slice.size()).await?;
    tx.commit().await?;
    slice.took(began.elapsed(), gone);
    Ok(true)
}
