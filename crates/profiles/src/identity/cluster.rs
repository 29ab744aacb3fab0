//! A cluster: identifiers that evidence connects, read from the records, and who they are by all of that evidence.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use rapport_domain::{Handle, Id, Identifier, PersonId, WorkspaceId};
use rapport_store::{Result, Tx};

use super::partition::{Evidence, Partition, Rule, partition};
use crate::Profiles;
use crate::records::evidence::EvidenceRow;
use crate::records::identifiers::IdentifierRow;
use crate::records::{evidence, identifiers};

/// A cluster of identifiers larger than this is not derived anew: a till or kiosk that everyone uses. Its evidence is kept, set aside.
const LARGEST_CLUSTER: usize = 20_000;

/// Identifiers that evidence connects, and that evidence.
pub(crate) struct Cluster {
    pub(crate) identifiers: BTreeMap<Handle, IdentifierRow>,
    pub(crate) evidence: Vec<EvidenceRow>,
    /// There are more than can be derived at once.
    pub(crate) too_large: bool,
}

/// Everything connected with these handles by evidence that has not been undone. `fresh` are those that no record knows yet, so that
/// there is nothing to read of them.
pub(crate) async fn load(
    tx: &mut Tx,
    workspace: WorkspaceId,
    handles: &[Handle],
    fresh: &BTreeMap<Handle, IdentifierRow>,
) -> Result<Cluster> {
    let mut seen: HashSet<Handle> = handles.iter().copied().collect();
    let mut frontier: Vec<Handle> = handles.iter().copied().filter(|handle| !fresh.contains_key(handle)).collect();
    let mut found: BTreeMap<Id, EvidenceRow> = BTreeMap::new();
    while !frontier.is_empty() && seen.len() <= LARGEST_CLUSTER {
        let mut next = BTreeSet::new();
        for row in evidence::touching(tx, workspace, &frontier).await? {
            if row.undone_at.is_none() {
                next.extend([row.left_handle, row.right_handle].into_iter().filter(|h| seen.insert(*h)));
            }
            found.insert(row.id.clone(), row);
        }
        frontier = next.into_iter().collect();
    }
    let too_large = seen.len() > LARGEST_CLUSTER;
    let (new, old): (Vec<Handle>, Vec<Handle>) = seen.into_iter().partition(|handle| fresh.contains_key(handle));
    let mut identifiers: BTreeMap<Handle, IdentifierRow> =
        new.into_iter().map(|handle| (handle, fresh[&handle].clone())).collect();
    if !old.is_empty() {
        let rows = identifiers::by_handles(tx, workspace, &old).await?;
        identifiers.extend(rows.into_iter().map(|row| (row.handle, row)));
    }
    Ok(Cluster { identifiers, evidence: found.into_values().collect(), too_large })
}

impl Cluster {
    /// The persons by all evidence that stands, and the rows in the order handed to [`partition`].
    pub(crate) fn derive(&self, profiles: &Profiles) -> (Vec<Identifier>, Vec<&EvidenceRow>, Partition) {
        let place: HashMap<Handle, usize> = self.identifiers.keys().enumerate().map(|(i, h)| (*h, i)).collect();
        let names: Vec<Identifier> = self.identifiers.values().map(IdentifierRow::identifier).collect();
        let standing: Vec<&EvidenceRow> = self.evidence.iter().filter(|e| e.undone_at.is_none()).collect();
        let pieces: Vec<Evidence> = standing
            .iter()
            .filter_map(|e| {
                let (left, right) = (*place.get(&e.left_handle)?, *place.get(&e.right_handle)?);
                Some(Evidence { left, right, rule: Rule::parse(&e.rule)?, occurred_at: e.occurred_at })
            })
            .collect();
        let result = partition(&names, &pieces, &profiles.limits);
        (names, standing, result)
    }

    /// Which person each handle belongs to by `partition`. A group keeps the person of its most settled identifier (known before this
    /// batch, then customer number before device before address); a group whose persons are all taken gets a new one.
    pub(crate) fn assign(
        &self,
        profiles: &Profiles,
        names: &[Identifier],
        result: &Partition,
        fresh: &BTreeMap<Handle, IdentifierRow>,
    ) -> Vec<(Handle, PersonId)> {
        let rows: Vec<&IdentifierRow> = self.identifiers.values().collect();
        let mut groups: BTreeMap<(&Identifier, usize), Vec<usize>> = BTreeMap::new();
        for (i, first) in result.person_of.iter().enumerate() {
            groups.entry((&names[*first], *first)).or_default().push(i);
        }
        let mut taken: HashSet<PersonId> = HashSet::new();
        let mut assigned = Vec::with_capacity(rows.len());
        for members in groups.values_mut() {
            members.sort_by_key(|&i| (fresh.contains_key(&rows[i].handle), &names[i]));
            let person = members.iter().map(|&i| rows[i].person).find(|p| !taken.contains(p));
            let person = person.unwrap_or_else(|| profiles.new_person());
            taken.insert(person);
            assigned.extend(members.iter().map(|&i| (rows[i].handle, person)));
        }
        assigned
    }
}
