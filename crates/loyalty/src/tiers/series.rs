//! What was measured of a member, and when.
//!
//! Always holds: in the order of its instants, whatever order it was brought in.

use rapport_domain::Timestamp;

use super::Counted;

/// What was measured by one measure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Series {
    ats: Vec<Timestamp>,
    /// The sum up to each.
    sums: Vec<i64>,
    /// Whether each says how much there is from then on, instead of how much came.
    is_level: bool,
}

impl Series {
    /// Of amounts in millionths, each with its instant.
    pub fn of_amounts(mut amounts: Vec<(Timestamp, i64)>) -> Self {
        amounts.retain(|(_, amount)| *amount != 0);
        amounts.sort_unstable();
        let mut sum = 0_i64;
        let sums = amounts.iter().map(|(_, amount)| {
            sum = sum.saturating_add(*amount);
            sum
        });
        let sums = sums.collect();
        Self { ats: amounts.into_iter().map(|(at, _)| at).collect(), sums, is_level: false }
    }

    /// Of a condition that held, or did not, from these instants on. Of several of one instant the last counts.
    pub fn of_switches(mut switches: Vec<(Timestamp, bool)>) -> Self {
        switches.sort_by_key(|(at, _)| *at);
        let one = |holds| if holds { 1_000_000 } else { 0 };
        let (ats, sums) = switches.into_iter().map(|(at, holds)| (at, one(holds))).unzip();
        Self { ats, sums, is_level: true }
    }

    /// How much there is of what came from `from` on, up to and with `to`.
    pub fn within(&self, from: Timestamp, to: Timestamp) -> i64 {
        let before = |at: Timestamp, and_then: bool| {
            let place = self.ats.partition_point(|it| *it < at || (and_then && *it == at));
            place.checked_sub(1).map_or(0, |last| self.sums[last])
        };
        if self.is_level {
            return before(to, true);
        }
        if from > to { 0 } else { before(to, true).saturating_sub(before(from, false)) }
    }

    /// The first instant behind this one at which there is anything.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        self.ats.get(self.ats.partition_point(|it| *it <= after)).copied()
    }

    /// The instants of amounts; a level does not leave a window.
    pub(super) fn leaving(&self) -> &[Timestamp] {
        if self.is_level { &[] } else { &self.ats }
    }

    pub(super) fn first(&self) -> Option<Timestamp> {
        self.ats.first().copied()
    }

    /// How many there are from an instant on, up to and with another.
    pub(super) fn count(&self, from: Timestamp, to: Timestamp) -> usize {
        self.ats.iter().filter(|at| (from..=to).contains(*at)).count()
    }
}

/// What was measured, by what it counts. A version of the ladder that counts something else finds its own.
#[derive(Clone, Debug, Default)]
pub struct History {
    list: Vec<(Counted, Series)>,
    nothing: Series,
}

impl History {
    /// Says what was measured of something, instead of what was said before.
    pub fn put(&mut self, counted: Counted, series: Series) {
        self.list.retain(|(it, _)| *it != counted);
        self.list.push((counted, series));
    }

    /// What was measured of something.
    pub fn of(&self, counted: &Counted) -> &Series {
        self.list.iter().find(|(it, _)| it == counted).map_or(&self.nothing, |(_, series)| series)
    }
}
