//! Members follow their person: when identity says that two persons are one, so does the programme.
//!
//! Always holds: in the transaction that moves the identifiers. A membership belongs to a person, not to an identifier: it goes along only when the person is none
//! of their own any more. So when evidence is undone, the one who kept the person keeps all points (they cannot be told apart once some were spent), and the
//! other begins anew; staff can transfer. What is of a member goes with the membership: their household, the friends whom they brought, their place in challenges. What tells people
//! apart is reckoned anew of both: orders and counted events count for whoever they are of now.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::{Handle, PersonId, Timestamp, WorkspaceId};
use rapport_loyalty::records::{members, merging};
use rapport_profiles::records::identifiers;
use rapport_profiles::{Applied, Moved};
use rapport_store::Tx;

use super::{facts, jurisdictions, phones};
use crate::installation::Installation;
use crate::{challenges, leaderboards, tiers};

/// Takes memberships along with identifiers: (identifier, whose it was, whose it is).
///
/// # Errors
/// The store's, or the ledger's where its records do not fit together.
pub async fn follow(
    tx: &mut Tx,
    workspace: WorkspaceId,
    moved: &[(Handle, PersonId, PersonId)],
    now: Timestamp,
) -> Result<(), rapport_loyalty::Error> {
    if moved.is_empty() {
        return Ok(());
    }
    let mut heirs: BTreeMap<PersonId, BTreeMap<PersonId, usize>> = BTreeMap::new();
    for (_, from, to) in moved {
        *heirs.entry(*from).or_default().entry(*to).or_default() += 1;
    }
    // Most are no members.
    let persons: Vec<PersonId> = heirs.keys().copied().collect();
    let persons: BTreeSet<PersonId> = members::of_persons(tx, workspace, &persons).await?.into_keys().collect();
    if persons.is_empty() {
        return Ok(());
    }
    let asked: Vec<PersonId> = persons.iter().copied().collect();
    let left = identifiers::by_persons(tx, workspace, &asked).await?;
    for from in persons.into_iter().filter(|person| left.iter().all(|row| row.person != *person)) {
        // Whoever got most of what they were known by.
        let to = heirs[&from].iter().max_by_key(|(to, count)| (**count, std::cmp::Reverse(**to)));
        if let Some((to, _)) = to {
            merging::follow(tx, workspace, from, *to, now).await?;
        }
    }
    Ok(())
}

/// Reckons anew how everybody stands whose identifiers moved though no event says so, because staff took evidence back or stood by it again. As the pipeline does for what a batch moves,
/// after [`follow`].
///
/// # Errors
/// The store's, or the ledger's where its records do not fit together.
pub async fn stand_anew(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    moved: &[Moved],
) -> anyhow::Result<()> {
    if moved.is_empty() {
        return Ok(());
    }
    let mut applied = Applied::default();
    applied.moved = moved.to_vec();
    challenges::hear(installation, tx, workspace, &[], &mut applied).await?;
    leaderboards::hear(installation, tx, workspace, &[], &applied).await?;
    jurisdictions::hear(installation, tx, workspace, &applied).await?;
    tiers::hear(installation, tx, workspace, &[], &mut applied).await?;
    facts::hear(installation, tx, workspace, &[], &mut applied).await?;
    phones::hear(installation, tx, workspace, &[], &applied).await
}
