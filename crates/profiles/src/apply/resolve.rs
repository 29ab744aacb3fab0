//! Finding or making the handle of every identifier in a batch, and correcting the times of wrong device clocks.

use std::collections::{BTreeMap, HashMap};

use rapport_domain::{Handle, Identifier, IdentifierKind, Timestamp};
use rapport_store::{Result, Tx};

use super::{Known, Work};
use crate::records::identifiers::IdentifierRow;
use crate::records::{device_clocks, identifiers};

/// A clock is called wrong when even its best delivery took longer than this: no network needs a minute, a wrong clock often hours.
const SLOWEST_DELIVERY: i64 = Timestamp::MINUTE;
/// A message cannot arrive before it was sent; a second is left for clocks that are merely coarse.
const COARSE: i64 = -Timestamp::SECOND;

/// How far a device's clock is off, from the smallest difference ever seen between receiving and sending. Never from one delivery's
/// delay: that would turn a stalled network into a wrong clock.
pub(super) fn correction(smallest_offset: i64) -> i64 {
    if (COARSE..=SLOWEST_DELIVERY).contains(&smallest_offset) { 0 } else { smallest_offset }
}

impl Work<'_> {
    /// Sets `times`: each event's own time, moved by its device's clock error.
    pub(super) async fn correct_times(&mut self, tx: &mut Tx) -> Result<()> {
        let mut smallest: BTreeMap<i64, i64> = BTreeMap::new();
        for event in self.events {
            if let Some(sent) = event.sent_at {
                let offset = event.received_at.0.saturating_sub(sent.0);
                smallest.entry(event.order_key >> 32).and_modify(|s| *s = offset.min(*s)).or_insert(offset);
            }
        }
        let devices: Vec<i64> = smallest.keys().copied().collect();
        let mut known: HashMap<i64, i64> = HashMap::new();
        if !devices.is_empty() {
            known.extend(device_clocks::offsets(tx, self.settings.workspace, &devices).await?);
        }
        // Of a clock that is right it does not matter how right: kept again and again, that was a page of the database an event.
        let matters = |known: i64, offset: i64| offset < known && correction(offset) != correction(known);
        let lower: Vec<(i64, i64)> = smallest
            .into_iter()
            .filter(|(device, offset)| known.get(device).is_none_or(|known| matters(*known, *offset)))
            .collect();
        device_clocks::lower(tx, self.settings.workspace, &lower).await?;
        known.extend(lower);
        self.times = self
            .events
            .iter()
            .map(|event| {
                let offset = event.sent_at.and_then(|_| known.get(&(event.order_key >> 32)));
                event.occurred_at.plus(offset.map_or(0, |o| correction(*o)))
            })
            .collect();
        Ok(())
    }

    /// Fills `ids`: from memory, then from the database, then by making new ones (`fresh`).
    pub(super) async fn resolve_identifiers(&mut self, tx: &mut Tx) -> Result<()> {
        let mut missing: BTreeMap<IdentifierKind, Vec<String>> = BTreeMap::new();
        let mut first_named: HashMap<&Identifier, usize> = HashMap::new();
        for (index, event) in self.events.iter().enumerate() {
            for identifier in &event.identifiers {
                if first_named.contains_key(identifier) {
                    continue;
                }
                first_named.insert(identifier, index);
                match self.profiles.known.get(&(self.settings.workspace, identifier.clone())) {
                    Some(known) => {
                        self.ids.insert(identifier.clone(), known);
                    }
                    None => missing.entry(identifier.kind).or_default().push(identifier.value.clone()),
                }
            }
        }
        for (kind, values) in &missing {
            for row in identifiers::by_values(tx, self.settings.workspace, *kind, values).await? {
                self.ids.insert(row.identifier(), Known { handle: row.handle, person: row.person });
            }
        }
        for (kind, values) in missing {
            for value in values {
                let identifier = Identifier { kind, value };
                if !self.ids.contains_key(&identifier) {
                    let index = first_named[&identifier];
                    self.make(identifier, index);
                }
            }
        }
        Ok(())
    }

    /// A new identifier, its own person until evidence says otherwise. It is recorded when that is settled.
    fn make(&mut self, identifier: Identifier, index: usize) {
        let known = Known { handle: Handle(self.profiles.rng.next_positive_i64()), person: self.profiles.new_person() };
        let row = IdentifierRow {
            kind: identifier.kind.as_str().to_owned(),
            value: identifier.value.clone(),
            handle: known.handle,
            person: known.person,
            source: self.events[index].source,
            first_seen_at: self.times[index],
            last_seen_at: self.times[index],
            events: 0,
            counted_through: self.settings.position,
        };
        self.news.insert(known.person);
        self.made.insert(known.person);
        self.ids.insert(identifier, known);
        self.fresh.insert(row.handle, row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_network_is_no_wrong_clock() {
        assert_eq!(correction(30 * Timestamp::SECOND), 0);
        assert_eq!(correction(-Timestamp::HOUR), -Timestamp::HOUR);
        assert_eq!(correction(2 * Timestamp::HOUR), 2 * Timestamp::HOUR);
    }
}
