//! The one order of a person's events.
//!
//! Events are *stored* and *walked* in one total order: time, then order key, then tie-break (a number derived from the event id or,
//! where the input is already in id order, its position). So the same events give the same walk, whatever order they came in.
//!
//! What comes *before* what is weaker, because clocks of two devices cannot tell which of two equal times was first:
//!
//! * An earlier time is before a later time.
//! * At equal times, when all events there come from one producer, the lower counter is before the higher counter.
//! * Everything else is a tie: equal times and equal order keys, or equal times in which several producers take part. Nothing
//!   in a tie is before anything else in it, so steps that tie may be taken in either order (each event at most once).
//!
//! An order key has the producer (a device, a file) in its upper 32 bits, and in its lower 32 bits the producer's own counter.
//! Where several producers meet at one instant, their counters say nothing: this keeps "tied" transitive, so the events of a
//! person fall into groups that follow one another, and a walk over these groups is all that a kernel needs.
//!
//! Example, all at the same microsecond, written producer:counter - `1:0 1:1` are two groups; `1:0 1:0` one; `1:0 1:1 2:0` one.

use std::cmp::Ordering;
use std::ops::Range;

/// Something that has its place in the one order.
pub trait Ordered {
    /// When it happened: microseconds UTC.
    fn time(&self) -> i64;

    /// Producer in the upper 32 bits, its counter in the lower 32. Events without one share key 0, so their equal times tie.
    fn order_key(&self) -> i64 {
        0
    }

    /// Makes the walk over ties repeatable; it never puts one event before another.
    fn tie_break(&self) -> u64 {
        0
    }
}

/// A bare time, without producer.
impl Ordered for i64 {
    fn time(&self) -> i64 {
        *self
    }
}

/// The producer's name: the upper half of an order key.
#[inline]
pub const fn producer(order_key: i64) -> i64 {
    order_key >> 32
}

/// An order key from its two halves.
#[inline]
pub const fn order_key(producer: u32, counter: u32) -> i64 {
    (((producer as u64) << 32) | counter as u64).cast_signed()
}

/// The total order in which events are walked.
#[inline]
pub fn compare<E: Ordered>(a: &E, b: &E) -> Ordering {
    a.time()
        .cmp(&b.time())
        .then_with(|| a.order_key().cmp(&b.order_key()))
        .then_with(|| a.tie_break().cmp(&b.tie_break()))
}

/// Sorts into the total order. Costs one pass when the events are sorted already.
pub fn sort<E: Ordered>(events: &mut [E]) {
    if !is_sorted(events) {
        events.sort_unstable_by(compare);
    }
}

/// Whether the events are in the total order.
pub fn is_sorted<E: Ordered>(events: &[E]) -> bool {
    events.is_sorted_by(|a, b| compare(a, b) != Ordering::Greater)
}

/// The tie groups of sorted events, one after the other: every event of a group is before every event of the next one. Only
/// events for which `counts` is true decide whether several producers meet; the others go along in some group of their time.
pub fn tie_groups<E: Ordered, F: Fn(&E) -> bool>(events: &[E], counts: F) -> TieGroups<'_, E, F> {
    TieGroups { events, counts, at: 0, run_end: 0, by_counter: false }
}

/// Iterator over tie groups as ranges of positions; see [`tie_groups`].
pub struct TieGroups<'a, E, F> {
    events: &'a [E],
    counts: F,
    at: usize,
    run_end: usize,
    by_counter: bool,
}

impl<E: Ordered, F: Fn(&E) -> bool> TieGroups<'_, E, F> {
    /// Finds the run of equal times that begins here, and whether one producer's counter orders it.
    #[cold]
    fn begin_run(&mut self) {
        let time = self.events[self.at].time();
        let rest = &self.events[self.at..];
        let length = rest.iter().position(|event| event.time() != time).unwrap_or(rest.len());
        self.run_end = self.at + length;
        let mut producers =
            rest[..length].iter().filter(|event| (self.counts)(event)).map(|event| producer(event.order_key()));
        let first = producers.next();
        self.by_counter = producers.all(|other| Some(other) == first);
    }
}

impl<E: Ordered, F: Fn(&E) -> bool> Iterator for TieGroups<'_, E, F> {
    type Item = Range<usize>;

    #[inline]
    fn next(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        let event = self.events.get(start)?;
        if start == self.run_end {
            if self.events.get(start + 1).is_none_or(|next| next.time() != event.time()) {
                self.at = start + 1;
                self.run_end = self.at;
                return Some(start..self.at);
            }
            self.begin_run();
        }
        self.at = self.run_end;
        if self.by_counter {
            let key = event.order_key();
            let run = &self.events[start..self.run_end];
            self.at = start + run.iter().position(|other| other.order_key() != key).unwrap_or(run.len());
        }
        Some(start..self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq)]
    struct E(i64, i64, u64);

    impl Ordered for E {
        fn time(&self) -> i64 {
            self.0
        }
        fn order_key(&self) -> i64 {
            self.1
        }
        fn tie_break(&self) -> u64 {
            self.2
        }
    }

    /// How many events each group has.
    fn groups(events: &[E]) -> Vec<usize> {
        assert!(is_sorted(events));
        tie_groups(events, |event| event.2 != 99).map(|group| group.len()).collect()
    }

    #[test]
    fn one_producers_counter_orders_and_several_producers_tie() {
        let key = order_key;
        assert_eq!(groups(&[E(5, key(1, 0), 0), E(5, key(1, 1), 0), E(6, 0, 0)]), [1, 1, 1]);
        assert_eq!(groups(&[E(5, key(1, 0), 0), E(5, key(1, 0), 1)]), [2]);
        assert_eq!(groups(&[E(5, key(1, 0), 0), E(5, key(1, 1), 1), E(5, key(2, 0), 2)]), [3]);
        // The event that does not count (99) does not make the other two tie.
        assert_eq!(groups(&[E(5, key(1, 0), 0), E(5, key(1, 1), 1), E(5, key(2, 0), 99)]), [1, 1, 1]);
        assert_eq!(groups(&[]), [0; 0]);
    }

    #[test]
    fn keys_sort_by_counter_within_any_producer() {
        for name in [0, 1, u32::MAX / 2 + 1, u32::MAX] {
            assert!(order_key(name, 0) < order_key(name, 1) && order_key(name, 1) < order_key(name, u32::MAX));
            assert_eq!(producer(order_key(name, 0)), producer(order_key(name, u32::MAX)));
        }
        let mut events = [E(2, 0, 0), E(1, 7, 3), E(1, 7, 2), E(1, 6, 9)];
        sort(&mut events);
        assert_eq!(events, [E(1, 6, 9), E(1, 7, 2), E(1, 7, 3), E(2, 0, 0)]);
    }
}
