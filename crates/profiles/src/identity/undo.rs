//! Taking evidence back, and standing by it again: persons are derived anew from what is left.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::{Id, PersonId, WorkspaceId};
use rapport_store::{Result, Tx};

use super::cluster;
use crate::Profiles;
use crate::apply::{Moved, labels};
use crate::records::{evidence, identifiers, persons};

/// What changed by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Identifiers that belong to another person now.
    pub moved: Vec<Moved>,
    /// Everyone whose profile changed.
    pub touched: Vec<PersonId>,
}

/// Takes a piece of evidence back (`undone`) or stands by it again. `None` when there is no such evidence. After the commit the caller
/// calls [`Profiles::forget`] and tells the lake what moved.
///
/// # Errors
/// Only the store's; the transaction must then be dropped.
pub async fn set_undone(
    tx: &mut Tx,
    profiles: &Profiles,
    workspace: WorkspaceId,
    id: &Id,
    undone: bool,
    by: &str,
    reason: &str,
) -> Result<Option<Changed>> {
    let Some(row) = evidence::by_id(tx, workspace, id).await? else { return Ok(None) };
    let ends = [row.left_handle, row.right_handle];
    let at = undone.then(|| profiles.clock.now());
    if undone {
        // The cluster must be read while this piece still connects it.
        let before = cluster::load(tx, workspace, &ends, &BTreeMap::new()).await?;
        evidence::mark_undone(tx, workspace, id, at, by, reason).await?;
        let mut after = before;
        if let Some(piece) = after.evidence.iter_mut().find(|e| e.id == *id) {
            piece.undone_at = at;
        }
        return settle(tx, profiles, workspace, &after).await.map(Some);
    }
    evidence::mark_undone(tx, workspace, id, None, by, reason).await?;
    let cluster = cluster::load(tx, workspace, &ends, &BTreeMap::new()).await?;
    settle(tx, profiles, workspace, &cluster).await.map(Some)
}

async fn settle(
    tx: &mut Tx,
    profiles: &Profiles,
    workspace: WorkspaceId,
    cluster: &cluster::Cluster,
) -> Result<Changed> {
    let (names, standing, result) = cluster.derive(profiles);
    for (row, aside) in standing.iter().zip(&result.set_aside) {
        if row.set_aside != *aside {
            evidence::set_aside(tx, workspace, &row.id, *aside).await?;
        }
    }
    let mut changed = Changed::default();
    let mut touched = BTreeSet::new();
    for (handle, person) in cluster.assign(profiles, &names, &result, &BTreeMap::new()) {
        let before = cluster.identifiers[&handle].person;
        touched.extend([before, person]);
        if before != person {
            changed.moved.push(Moved { handle, from: before, to: person });
        }
    }
    let assigned: Vec<_> = changed.moved.iter().map(|moved| (moved.handle, moved.to)).collect();
    identifiers::assign(tx, workspace, &assigned).await?;
    changed.touched = touched.into_iter().collect();
    persons::summarise(tx, workspace, &changed.touched).await?;
    labels::relabel(tx, workspace, &changed.touched).await?;
    Ok(changed)
}
