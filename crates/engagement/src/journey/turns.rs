//! Who passes when, where only so many pass in so much time.

use std::collections::BTreeMap;

use rapport_domain::Timestamp;

use super::rules::Turns;

/// The turn counters of one journey: when each node's period began, and how many turns it gave.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    /// Of each node.
    pub nodes: BTreeMap<String, (Timestamp, i64)>,
    /// Whether any turn was given.
    pub is_changed: bool,
}

impl Turns for Counters {
    fn take(&mut self, node: &str, most: u32, per: i64, now: Timestamp) -> Timestamp {
        self.is_changed = true;
        let counter = self.nodes.entry(node.to_owned()).or_insert((now, 0));
        let per = per.max(1);
        if now.0 >= counter.0.0 + per {
            *counter = (now, 0);
        } else if counter.1 >= i64::from(most) {
            // The period is full: this is the first of the next one.
            *counter = (counter.0.plus(per), 0);
        }
        counter.1 += 1;
        counter.0.max(now)
    }
}
