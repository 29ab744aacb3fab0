//! Intervals as a caller's calendar cut them: interval `i` is `[boundaries[i], boundaries[i + 1])`.
//!
//! Always holds: boundaries ascend; n intervals have n + 1 boundaries. A time outside of all of them belongs to none.

/// How many intervals the boundaries make.
#[inline]
pub fn count(boundaries: &[i64]) -> usize {
    boundaries.len().saturating_sub(1)
}

/// Walks ascending times and finds the interval of each: one step a time and interval, no search.
pub struct Walk<'a> {
    boundaries: &'a [i64],
    after: usize,
}

impl<'a> Walk<'a> {
    /// A walk that has seen nothing.
    pub fn new(boundaries: &'a [i64]) -> Self {
        Self { boundaries, after: 0 }
    }

    /// The interval of `time`, which is not before the time asked for last.
    #[inline]
    pub fn find(&mut self, time: i64) -> Option<usize> {
        while self.boundaries.get(self.after).is_some_and(|start| *start <= time) {
            self.after += 1;
        }
        (self.after > 0 && self.after < self.boundaries.len()).then(|| self.after - 1)
    }
}

/// Finds the intervals of times in any order: each is looked for first where it would lie if all were equally long, as days, weeks and months
/// nearly are. So no search is needed that a processor cannot foresee.
pub struct Even<'a> {
    boundaries: &'a [i64],
    first: i64,
    /// Intervals a microsecond.
    rate: f64,
}

impl<'a> Even<'a> {
    /// A finder for these boundaries.
    pub fn new(boundaries: &'a [i64]) -> Self {
        let first = boundaries.first().copied().unwrap_or(0);
        let span = boundaries.last().map_or(0, |last| last.abs_diff(first));
        Self { boundaries, first, rate: count(boundaries) as f64 / span.max(1) as f64 }
    }

    /// The interval of `time`.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place among the boundaries, or none"
    )]
    pub fn find(&self, time: i64) -> Option<usize> {
        let last = self.boundaries.len().checked_sub(2)?;
        if time < self.first || time >= self.boundaries[last + 1] {
            return None;
        }
        let mut place = ((time.abs_diff(self.first) as f64 * self.rate) as usize).min(last);
        while time < self.boundaries[place] {
            place -= 1;
        }
        while time >= self.boundaries[place + 1] {
            place += 1;
        }
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn even_intervals_reach_from_end_to_end_of_time() {
        let boundaries = [i64::MIN, 0, i64::MAX];
        let even = Even::new(&boundaries);
        let found = [i64::MIN, -1, 0, i64::MAX - 1, i64::MAX].map(|time| even.find(time));
        assert_eq!(found, [Some(0), Some(0), Some(1), Some(1), None]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn all_finders_agree_with_looking(
            boundaries in prop::collection::btree_set(0i64..30, 0..6),
            mut times in prop::collection::vec(-2i64..33, 0..12),
        ) {
            let boundaries: Vec<i64> = boundaries.into_iter().collect();
            times.sort_unstable();
            let mut walk = Walk::new(&boundaries);
            for time in times {
                let looked = boundaries.windows(2).position(|w| w[0] <= time && time < w[1]);
                prop_assert_eq!(walk.find(time), looked);
                prop_assert_eq!(Even::new(&boundaries).find(time), looked);
            }
        }
    }
}
