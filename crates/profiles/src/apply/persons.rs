//! Joining identifiers into persons by the evidence of a batch.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rapport_domain::{Event, EventKind, Handle, Id, Identifier, IdentifierKind, Timestamp};
use rapport_store::{Result, Tx};

use super::{Known, Moved, Work};
use crate::identity::cluster::{self, Cluster};
use crate::identity::partition::Rule;
use crate::records::evidence::EvidenceRow;
use crate::records::{evidence, identifiers};

impl Work<'_> {
    /// Records new evidence and derives the persons it touches anew.
    pub(super) async fn join_persons(&mut self, tx: &mut Tx) -> Result<()> {
        let candidates = self.candidates(tx).await?;
        if candidates.is_empty() {
            return Ok(());
        }
        let handles: BTreeSet<Handle> = candidates.iter().flat_map(|e| [e.left_handle, e.right_handle]).collect();
        let handles: Vec<Handle> = handles.into_iter().collect();
        let mut cluster = cluster::load(tx, self.settings.workspace, &handles, &self.fresh).await?;
        let known: HashMap<(Handle, Handle, &str), Timestamp> = cluster
            .evidence
            .iter()
            .map(|e| ((e.left_handle, e.right_handle, e.rule.as_str()), e.occurred_at))
            .collect();
        let mut new: Vec<EvidenceRow> = candidates
            .into_iter()
            .filter(|e| {
                known.get(&(e.left_handle, e.right_handle, e.rule.as_str())).is_none_or(|at| e.occurred_at < *at)
            })
            .collect();
        for row in &mut new {
            row.set_aside = cluster.too_large;
        }
        evidence::insert(tx, self.settings.workspace, &new).await?;
        if new.is_empty() || cluster.too_large {
            return Ok(());
        }
        for row in new {
            let same = |e: &EvidenceRow| {
                (e.left_handle, e.right_handle, &e.rule) == (row.left_handle, row.right_handle, &row.rule)
            };
            match cluster.evidence.iter_mut().find(|e| same(e)) {
                Some(old) => old.occurred_at = row.occurred_at,
                None => cluster.evidence.push(row),
            }
        }
        self.settle(tx, &cluster).await
    }

    /// Writes who the identifiers of a cluster belong to now.
    async fn settle(&mut self, tx: &mut Tx, cluster: &Cluster) -> Result<()> {
        let (names, standing, result) = cluster.derive(self.profiles);
        for (row, aside) in standing.iter().zip(&result.set_aside) {
            if row.set_aside != *aside {
                evidence::set_aside(tx, self.settings.workspace, &row.id, *aside).await?;
            }
        }
        let mut assigned = Vec::new();
        for (handle, person) in cluster.assign(self.profiles, &names, &result, &self.fresh) {
            let row = &cluster.identifiers[&handle];
            if row.person == person {
                continue;
            }
            self.news.extend([row.person, person]);
            match self.fresh.get_mut(&handle) {
                Some(fresh) => fresh.person = person,
                None => {
                    assigned.push((handle, person));
                    self.applied.moved.push(Moved { handle, from: row.person, to: person });
                }
            }
            let known = Known { handle, person };
            match self.ids.get_mut(&row.identifier()) {
                Some(resolved) => *resolved = known,
                None => self.applied.known.push((row.identifier(), known)),
            }
        }
        identifiers::assign(tx, self.settings.workspace, &assigned).await
    }

    /// The evidence in this batch that is not remembered as known; of each pair and rule the earliest.
    async fn candidates(&mut self, tx: &mut Tx) -> Result<Vec<EvidenceRow>> {
        let mut earliest: BTreeMap<(Handle, Handle, Rule), (Timestamp, usize)> = BTreeMap::new();
        for (index, event) in self.events.iter().enumerate() {
            let primary = self.who(event).handle;
            let mut pairs: Vec<(Handle, Rule)> =
                event.identifiers[1..].iter().map(|i| (self.ids[i].handle, Rule::SameCall)).collect();
            if let Some(previous) = self.previous(tx, event).await? {
                pairs.push((previous, Rule::Alias));
            }
            for (other, rule) in pairs {
                let (left, right) = (primary.min(other), primary.max(other));
                let at = self.times[index];
                let known = self.profiles.pairs.get(&(self.settings.workspace, left, right));
                if left == right || known.is_some_and(|earliest| earliest <= at) {
                    continue;
                }
                let entry = earliest.entry((left, right, rule)).or_insert((at, index));
                if at < entry.0 {
                    *entry = (at, index);
                }
            }
        }
        self.applied.pairs.extend(earliest.iter().map(|((left, right, _), (at, _))| (*left, *right, *at)));
        let rows = earliest.into_iter().map(|((left_handle, right_handle, rule), (occurred_at, index))| EvidenceRow {
            id: Id::new("evd", &*self.profiles.clock, &*self.profiles.rng),
            left_handle,
            right_handle,
            rule: rule.as_str().to_owned(),
            event_id: self.events[index].id.0,
            occurred_at,
            recorded_at: self.now,
            set_aside: false,
            undone_at: None,
            undone_by: None,
            reason: None,
        });
        Ok(rows.collect())
    }

    /// The identifier that an `alias` call names as the person's earlier one: a customer number we know, else a device.
    async fn previous(&mut self, tx: &mut Tx, event: &Event) -> Result<Option<Handle>> {
        let (EventKind::Alias, Some(previous)) = (event.kind, &event.previous_id) else { return Ok(None) };
        for kind in [IdentifierKind::UserId, IdentifierKind::AnonymousId] {
            if let Some(known) = self.ids.get(&Identifier { kind, value: previous.clone() }) {
                return Ok(Some(known.handle));
            }
            let found =
                identifiers::by_values(tx, self.settings.workspace, kind, std::slice::from_ref(previous)).await?;
            if let Some(row) = found.first() {
                return Ok(Some(row.handle));
            }
        }
        Ok(None)
    }
}
