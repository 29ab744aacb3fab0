//! Gives a reward for nothing because another part of Rapport decided so: a step of a journey. It comes out of the reward's budget for surprises.
//!
//! Always holds: under an id of the caller's, so that what is asked for twice is given once.
//!
//! Does not: decide. Who is no member gets nothing, and a reward without a budget for surprises is not given.

use rapport_domain::{PersonId, WorkspaceId};
use rapport_loyalty::records::members;
use rapport_loyalty::records::redemptions::{self, Asked, Scene};
use rapport_loyalty::rewards::{Refusal, Wish};
use rapport_store::Priority;

use crate::installation::Installation;

/// A reward for somebody.
#[derive(Clone, Copy, Debug)]
pub struct Present<'a> {
    /// Stays the same when it is asked for again.
    pub id: &'a str,
    /// For whom.
    pub person: PersonId,
    /// Its key.
    pub reward: &'a str,
    /// What decided it.
    pub by: &'a str,
    /// Why, in words that the member can see.
    pub reason: &'a str,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// They have it.
    It,
    /// There is no programme.
    NoProgram,
    /// They are no member.
    NoMember,
    /// It was refused: there is no such reward, no room for surprises, none left.
    Refused(Refusal),
}

/// Gives a reward.
///
/// # Errors
/// The store's, or the ledger's; then nothing was given, and the same can be asked for again.
pub async fn give(
    installation: &Installation,
    workspace: WorkspaceId,
    present: Present<'_>,
) -> Result<Given, rapport_loyalty::Error> {
    let now = installation.clock.now();
    let mut db = installation.store.read();
    let programs = installation.programs.get(&mut db, workspace).await?;
    let Some(program) = programs.latest().map(|it| &it.program) else { return Ok(Given::NoProgram) };
    let Some(member) = members::of(&mut db, workspace, present.person).await? else { return Ok(Given::NoMember) };
    let calendar = program.calendar()?;
    let asked = Asked {
        id: present.id,
        member,
        reward: present.reward,
        wish: Wish::default(),
        is_surprise: true,
        with_household: false,
        by: present.by,
        reason: present.reason,
    };
    let mut tx = installation.store.begin(Priority::Background).await?;
    let scene = Scene { workspace, program, calendar: &calendar, now, rng: &*installation.rng };
    // What costs nothing has no price with a condition.
    let outcome = redemptions::redeem(&mut tx, scene, asked, |_| false).await?;
    tx.commit().await?;
    Ok(outcome.map_or_else(Given::Refused, |_| Given::It))
}
