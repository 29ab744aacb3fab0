//! Whom groups must not be made of.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use rapport_domain::{Handle, PersonId, Purpose, Timestamp, WorkspaceId};
use rapport_privacy::consent::{self, Scope, Verdict};
use rapport_privacy::records::consents;
use rapport_privacy::{Statement, records};
use rapport_profiles::records::identifiers;
use rapport_store::Queries;

use crate::installation::Installation;
use crate::modelling::restricted;

/// So many of those who said anything are looked at together.
const SLICE: usize = 500;

/// Whose data are restricted, and who refused to be understood in numbers.
///
/// # Errors
/// The store's.
pub async fn without(installation: &Installation, workspace: WorkspaceId) -> Result<BTreeSet<PersonId>> {
    let mut found = restricted(installation, workspace).await?;
    let db = &mut installation.store.read();
    let handles = refused(db, workspace, installation.clock.now()).await?;
    for slice in handles.chunks(SLICE) {
        found.extend(identifiers::by_handles(db, workspace, slice).await?.into_iter().map(|row| row.person));
    }
    Ok(found)
}

/// Under which identifiers it was refused: of several of one person the stricter counts.
async fn refused(db: &mut impl Queries, workspace: WorkspaceId, now: Timestamp) -> rapport_store::Result<Vec<Handle>> {
    let scope = Scope { purpose: Purpose::Analytics, channel: None, topic: None };
    let mut found = Vec::new();
    for slice in records::consents::handles(db, workspace).await?.chunks(SLICE) {
        let mut said: BTreeMap<Handle, Vec<Statement>> = BTreeMap::new();
        for statement in consents::of_handles(db, workspace, slice).await?.iter().filter_map(|it| it.statement()) {
            said.entry(statement.handle).or_default().push(statement);
        }
        let is_refused = |own: &[Statement]| consent::standing(own, &scope, now).verdict == Verdict::Denied;
        found.extend(said.into_iter().filter(|(_, own)| is_refused(own)).map(|(handle, _)| handle));
    }
    Ok(found)
}
