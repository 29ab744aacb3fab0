//! How much background work is done in one turn of the writer.
//!
//! Always holds: a turn takes up at least one thing, which is never cut in two, and no more than whoever works lets it. Where beginning and ending a turn takes long by itself (a slow disk, a
//! database far away), turns do not become so small that little else is done in them.

use std::time::Duration;

/// How long a background transaction may work before it should commit and ask for its next turn.
pub const SLICE: Duration = Duration::from_millis(5);
/// How many times as long as a turn with one thing others may take, where that alone takes long.
const TIMES: u32 = 3;
/// No turn is made longer than that, however long one with one thing takes.
const LONGEST: Duration = Duration::from_millis(100);
/// Things taken up in one turn at most, unless whoever works says otherwise.
const MOST: u32 = 256;

/// How many things some background work takes up in a turn: as many as take about [`SLICE`], since others wait that long. How long one takes differs with what it is, and
/// so do machines, so it is found by trying.
///
/// Each turn also takes what no smaller one would save: the way to the database, and the sync of its disk. Where that is more than a slice, a turn may take some times as long.
#[derive(Clone, Debug)]
pub struct Slice {
    size: u32,
    most: u32,
    /// How long a turn takes that takes up one thing: the last of them, or a shorter one since.
    least: Duration,
}

impl Default for Slice {
    fn default() -> Self {
        Self::up_to(MOST)
    }
}

impl Slice {
    /// Takes up so many things at most.
    pub const fn up_to(most: u32) -> Self {
        Self { size: 1, most, least: Duration::ZERO }
    }

    /// How many things the next turn takes up.
    pub const fn size(&self) -> u32 {
        self.size
    }

    /// Learns from a turn that took so long, the commit included, and found so many things to do. One that found nothing says nothing: it had nothing to write.
    pub fn took(&mut self, time: Duration, found: usize) {
        if found == 0 {
            return;
        }
        self.least = if self.size == 1 { time } else { self.least.min(time) };
        let longest = (self.least * TIMES).clamp(SLICE, LONGEST);
        if time > longest {
            self.size = (self.size / 2).max(1);
        } else if time < longest / 2 && found >= self.size as usize {
            self.size = (self.size * 2).min(self.most);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Turns of which each takes `fixed` thousandths of a millisecond, and `each` more for each thing.
    fn turns(slice: &mut Slice, fixed: u64, each: u64) {
        for _ in 0..20 {
            let time = Duration::from_micros(fixed + each * u64::from(slice.size()));
            slice.took(time, slice.size() as usize);
        }
    }

    #[test]
    fn a_slice_becomes_as_long_as_others_may_wait() {
        let mut slice = Slice::up_to(512);
        assert_eq!(slice.size(), 1, "nobody knows yet how long one takes");
        for (each, wanted) in [(1_000, 4), (100, 32)] {
            turns(&mut slice, 0, each);
            assert_eq!(slice.size(), wanted, "{each}");
        }
        slice.took(Duration::ZERO, 31);
        assert_eq!(slice.size(), 32, "there was not more to do");
        turns(&mut slice, 0, 1_000_000);
        assert_eq!(slice.size(), 1, "one is never cut in two");
        turns(&mut slice, 0, 0);
        assert_eq!(slice.size(), 512);
        assert_eq!(Slice::up_to(1).size(), 1);
    }

    #[test]
    fn a_slow_disk_does_not_make_slices_of_one() {
        let mut slice = Slice::up_to(512);
        turns(&mut slice, 10_000, 100);
        assert_eq!(slice.size(), 64, "a turn of one would take ten milliseconds, and this takes sixteen");
        slice.took(Duration::ZERO, 0);
        slice.took(Duration::from_micros(16_400), 64);
        assert_eq!(slice.size(), 64, "that nothing was to do says nothing about the disk");
        // The disk was quick, and becomes slow: found out by turns of one.
        let mut slice = Slice::up_to(512);
        turns(&mut slice, 500, 100);
        assert_eq!(slice.size(), 32);
        turns(&mut slice, 10_000, 100);
        assert_eq!(slice.size(), 64);
    }

    #[test]
    fn nobody_waits_much_longer_because_one_thing_takes_long() {
        let mut slice = Slice::up_to(512);
        turns(&mut slice, 0, 30_000);
        assert_eq!(slice.size(), 2);
        turns(&mut slice, 0, 60_000);
        assert_eq!(slice.size(), 1);
    }
}
