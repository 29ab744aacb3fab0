//! Reads again what events became, without applying them: for rows of the lake that were in memory when the program stopped.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rapport_domain::{Event, Identifier, IdentifierKind};
use rapport_store::{Queries, Result};

use super::resolve::correction;
use super::{Applied, AppliedEvent, Known, Profiles, Settings, lake_properties};
use crate::records::{device_clocks, identifiers};

impl Profiles {
    /// What `events`, which were applied before, are now. An event whose person was erased since is left out; the second value gives
    /// the index of each event that is there.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn again(
        &self,
        db: &mut impl Queries,
        settings: Settings,
        events: &[Event],
    ) -> Result<(Vec<usize>, Vec<AppliedEvent>)> {
        let mut known: HashMap<Identifier, Known> = HashMap::new();
        for (kind, values) in named(events) {
            for row in identifiers::by_values(db, settings.workspace, kind, &values).await? {
                known.insert(row.identifier(), Known { handle: row.handle, person: row.person });
            }
        }
        let mut devices: Vec<i64> = events.iter().map(|event| event.order_key >> 32).collect();
        devices.sort_unstable();
        devices.dedup();
        let offsets: HashMap<i64, i64> =
            device_clocks::offsets(db, settings.workspace, &devices).await?.into_iter().collect();
        let (mut indexes, mut applied) = (Vec::new(), Applied::default());
        for (index, event) in events.iter().enumerate() {
            let Some(who) = known.get(&event.identifiers[0]) else { continue };
            let offset = event.sent_at.and_then(|_| offsets.get(&(event.order_key >> 32)));
            let (properties, context, _) = lake_properties(event);
            indexes.push(index);
            applied.events.push(AppliedEvent {
                handle: who.handle,
                person: who.person,
                occurred_at: event.occurred_at.plus(offset.map_or(0, |o| correction(*o))),
                properties,
                context,
            });
        }
        Ok((indexes, applied.events))
    }
}

/// The identifiers that events name, by kind, each once.
pub(super) fn named(events: &[Event]) -> BTreeMap<IdentifierKind, Vec<String>> {
    let mut values: BTreeMap<IdentifierKind, BTreeSet<&str>> = BTreeMap::new();
    for identifier in events.iter().flat_map(|event| &event.identifiers) {
        values.entry(identifier.kind).or_default().insert(&identifier.value);
    }
    let owned = |values: BTreeSet<&str>| values.into_iter().map(str::to_owned).collect();
    values.into_iter().map(|(kind, values)| (kind, owned(values))).collect()
}
