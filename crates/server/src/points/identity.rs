//! Members follow their person: when identity says that two persons are one, so does the programme.
//!
//! Always holds: in the transaction that moves the identifiers. A membership belongs to a person, not to an identifier: it goes along only when the person is none
//! of their own any more. So when evidence is undone, the one who kept the person keeps all points (they cannot be told apart once some were spent), and the
//! other begins anew; staff can transfer.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::{Handle, PersonId, Timestamp, WorkspaceId};
use rapport_loyalty::records::{members, merging};
use rapport_profiles::records::identifiers;
use rapport_store::Tx;

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
