//! How much background work is done in one turn of the writer.
//!
//! Always holds: a turn takes up at least one thing, which is never cut in two, and no more than whoever works lets it.

use std::time::Duration;

/// How long a background transaction may work before it should commit and ask for its next turn.
pub const SLICE: Duration = Duration::from_millis(5);
/// Things taken up in the first turn.
const FIRST: u32 = 4;
/// Things taken up in one turn at most, unless whoever works says otherwise.
const MOST: u32 = 256;

/// How many things some background work takes up in a turn: as many as take about [`SLICE`], since others wait that long. How long one takes differs with what it is, and
/// so do machines, so it is found by trying.
#[derive(Clone, Debug)]
pub struct Slice {
    size: u32,
    most: u32,
}

impl Default for Slice {
    fn default() -> Self {
        Self::up_to(MOST)
    }
}

impl Slice {
    /// Takes up so many things at most.
    pub const fn up_to(most: u32) -> Self {
        Self { size: if most < FIRST { most } else { FIRST }, most }
    }

    /// How many things the next turn takes up.
    pub const fn size(&self) -> u32 {
        self.size
    }

    /// Learns from a turn that took so long, the commit included, and found so many things to do.
    pub fn took(&mut self, time: Duration, found: usize) {
        if time > SLICE {
            self.size = (self.size / 2).max(1);
        } else if time < SLICE / 2 && found >= self.size as usize {
            self.size = (self.size * 2).min(self.most);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_becomes_as_long_as_others_may_wait() {
        let mut slice = Slice::up_to(512);
        // A millisecond for each thing, then a tenth of one.
        for (millionths, wanted) in [(1_000, 4), (100, 32)] {
            for _ in 0..10 {
                slice.took(Duration::from_micros(millionths) * slice.size(), slice.size() as usize);
            }
            assert_eq!(slice.size(), wanted);
        }
        slice.took(Duration::ZERO, 31);
        assert_eq!(slice.size(), 32, "there was not more to do");
        for _ in 0..10 {
            slice.took(Duration::from_secs(1), slice.size() as usize);
        }
        assert_eq!(slice.size(), 1, "one is never cut in two");
        for _ in 0..10 {
            slice.took(Duration::ZERO, slice.size() as usize);
        }
        assert_eq!(slice.size(), 512);
        assert_eq!(Slice::up_to(2).size(), 2);
    }
}
