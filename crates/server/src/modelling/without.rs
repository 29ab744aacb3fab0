//! Of whom nothing may be learnt or said, by any model.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use rapport_domain::{Handle, PersonId, Purpose, Timestamp, WorkspaceId};
use rapport_privacy::Statement;
use rapport_privacy::consent::{self, Scope, Verdict};
use rapport_privacy::records::{consents, restrictions};
use rapport_profiles::records::identifiers;
use rapport_store::Queries;

use crate::installation::Installation;

/// So many of those who said anything are looked at together.
const SLICE: usize = 500;

/// Whose data are restricted, and who refused to be understood in numbers.
///
/// # Errors
/// The store's.
pub async fn without(installation: &Installation, workspace: WorkspaceId) -> Result<BTreeSet<PersonId>> {
    let db = &mut installation.store.read();
    let mut handles = restrictions::all(db, workspace).await?;
    handles.extend(refused(db, workspace, installation.clock.now()).await?);
    let mut found = BTreeSet::new();
    for slice in handles.chunks(SLICE) {
        found.extend(identifiers::by_handles(db, workspace, slice).await?.into_iter().map(|row| row.person));
    }
    Ok(found)
}

/// Whether somebody is one of them.
///
/// # Errors
/// The store's.
pub async fn is_without(
    installation: &Installation,
    workspace: WorkspaceId,
    person: PersonId,
) -> rapport_store::Result<bool> {
    let db = &mut installation.store.read();
    let names = identifiers::by_persons(db, workspace, &[person]).await?;
    let handles: Vec<Handle> = names.into_iter().map(|it| it.handle).collect();
    if handles.is_empty() {
        return Ok(false);
    }
    let is_restricted = !restrictions::restricted(db, workspace, &handles).await?.is_empty();
    Ok(is_restricted || !refused_of(db, workspace, &handles, installation.clock.now()).await?.is_empty())
}

/// Under which identifiers it was refused: of several of one person the stricter counts.
async fn refused(db: &mut impl Queries, workspace: WorkspaceId, now: Timestamp) -> rapport_store::Result<Vec<Handle>> {
    let mut found = Vec::new();
    for slice in consents::handles(db, workspace).await?.chunks(SLICE) {
        found.extend(refused_of(db, workspace, slice, now).await?);
    }
    Ok(found)
}

async fn refused_of(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    handles: &[Handle],
    now: Timestamp,
) -> rapport_store::Result<Vec<Handle>> {
    let scope = Scope { purpose: Purpose::Analytics, channel: None, topic: None };
    let mut said: BTreeMap<Handle, Vec<Statement>> = BTreeMap::new();
    for statement in consents::of_handles(db, workspace, handles).await?.iter().filter_map(|it| it.statement()) {
        said.entry(statement.handle).or_default().push(statement);
    }
    let is_refused = |own: &[Statement]| consent::standing(own, &scope, now).verdict == Verdict::Denied;
    Ok(said.into_iter().filter(|(_, own)| is_refused(own)).map(|(handle, _)| handle).collect())
}
