//! Gives points because another part of Rapport decided so: a step of a journey.
//!
//! Always holds: under an id of the caller's, so that what is asked for twice is given once; pending and lapsing as the wallet says.
//!
//! Does not: decide. Who is no member, and does not become one by earning, gets nothing.

use rapport_domain::{PersonId, WorkspaceId};
use rapport_loyalty::ledger::{Command, Refusal, Source};
use rapport_loyalty::program::Enrolment;
use rapport_loyalty::records::{members, wallets};
use rapport_store::Priority;

use crate::installation::Installation;

/// Points for somebody.
#[derive(Clone, Copy, Debug)]
pub struct Gift<'a> {
    /// Stays the same when it is asked for again.
    pub id: &'a str,
    /// For whom.
    pub person: PersonId,
    /// Into which wallet; the programme's first without one.
    pub wallet: Option<&'a str>,
    /// How many.
    pub points: i64,
    /// What kind of thing decided it: `journey`.
    pub kind: &'a str,
    /// Which one.
    pub reference: &'a str,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// They have them.
    It,
    /// There is no programme, or no such wallet.
    NoWallet,
    /// They are no member.
    NoMember,
    /// The ledger refused it.
    Refused(Refusal),
}

/// Gives points.
///
/// # Errors
/// The store's, or the ledger's; then nothing was given, and the same can be asked for again.
pub async fn give(
    installation: &Installation,
    workspace: WorkspaceId,
    gift: Gift<'_>,
) -> Result<Given, rapport_loyalty::Error> {
    let now = installation.clock.now();
    let mut db = installation.store.read();
    let programs = installation.programs.get(&mut db, workspace).await?;
    let Some(program) = programs.at(now) else { return Ok(Given::NoWallet) };
    let Some(plan) = program.wallet_meant(gift.wallet) else { return Ok(Given::NoWallet) };
    let Some(wallet) = wallets::numbers(&mut db, workspace).await?.get(&plan.key).copied() else {
        return Ok(Given::NoWallet);
    };
    let member = match members::of(&mut db, workspace, gift.person).await? {
        Some(member) => member,
        None if program.enrolment == Enrolment::Earning => {
            let mut tx = installation.store.begin(Priority::Background).await?;
            let member = members::enrol(&mut tx, workspace, gift.person, now, &*installation.rng).await?;
            tx.commit().await?;
            member
        }
        None => return Ok(Given::NoMember),
    };
    let act = plan.earn(gift.points, now, &program.calendar()?.zone);
    // A day later the same gift would lapse a day later: what is asked for is the gift.
    let asked = blake3::hash(format!("{}\n{}\n{}", gift.id, plan.key, gift.points).as_bytes());
    let source = Source {
        kind: gift.kind.to_owned(),
        reference: gift.reference.to_owned(),
        asked: asked.as_bytes()[..16].try_into().ok(),
        ..Source::default()
    };
    let command = Command { id: gift.id.to_owned(), member, wallet, act, source };
    let answer = installation.points.post(workspace, command).await?;
    Ok(answer.refused.map_or(Given::It, Given::Refused))
}
