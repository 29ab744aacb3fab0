//! Funnels over time: each interval counts a person once, by the deepest chain whose entry lies in it, whenever the chain ends.
//!
//! Always holds: the greatest level over intervals that cover all events is the level of the whole. Costs one pass an interval that
//! has an entry, over that interval's events and one window more.

use super::{Entries, Funnel, Stepped};

impl Funnel {
    /// The deepest level of the chains whose entry lies in `[from, until)`; 0 where there is none.
    pub fn level_of_entries<E: Stepped>(&mut self, events: &[E], from: i64, until: i64) -> usize {
        let (begin, end) = self.reach(events, from, until);
        self.run::<E, false>(&events[begin..end], Entries { until })
    }

    /// Calls `each(i, level)` for every interval `[boundaries[i], boundaries[i + 1])` in which a chain begins.
    pub fn levels_by_entry<E: Stepped>(
        &mut self,
        events: &[E],
        boundaries: &[i64],
        mut each: impl FnMut(usize, usize),
    ) {
        let mut left = events;
        for (i, interval) in boundaries.windows(2).enumerate() {
            left = &left[left.partition_point(|event| event.time() < interval[0])..];
            let level = self.level_of_entries(left, interval[0], interval[1]);
            if level > 0 {
                each(i, level);
            }
        }
    }

    /// Positions of the events that such chains can use.
    fn reach<E: Stepped>(&self, events: &[E], from: i64, until: i64) -> (usize, usize) {
        let begin = events.partition_point(|event| event.time() < from);
        let last = until.saturating_sub(1).saturating_add_unsigned(self.spec.window);
        let entries = events[begin..].partition_point(|event| event.time() < until);
        if entries == 0 {
            return (begin, begin);
        }
        (begin, begin + events[begin..].partition_point(|event| event.time() <= last))
    }
}
