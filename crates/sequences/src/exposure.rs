//! What a person did after being exposed to a variant of an experiment, and before.
//!
//! * **First exposure**: later ones change nothing. Exposures count from `from` and before `to`.
//! * **Mixed**: whoever was exposed to two variants belongs to none of them, however the two came about (a change of the split, a device that
//!   two people share, two histories that became one person).
//! * **After**: from the instant of the first exposure, which is included, for `window` microseconds, whose end is not; never past `until`. An
//!   event at the very instant of the exposure counts as after it, because clocks of two devices cannot tell which was first.
//! * **Before**: `before` microseconds up to the instant of the first exposure, which is not included. So no event is on both sides.
//! * **Mature**: the whole window lies before `until`. Without a window everybody is.
//!
//! Always holds: only times decide, so neither the order in which events came nor their order keys change anything; what is added up is
//! added up in one order, so that fractions come out the same.

use std::cmp::Ordering;

/// What to ask. Times are microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExposureSpec {
    /// Exposures count from here on.
    pub from: i64,
    /// Exposures count before this.
    pub to: i64,
    /// What happens from here on is not known.
    pub until: i64,
    /// How long the time after counts; `None`: up to `until`.
    pub window: Option<u64>,
    /// How long the time before is; 0 for none.
    pub before: u64,
}

/// The exposures of a person, in whatever order they are seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exposures {
    /// The time of the first; the last instant of time while there is none.
    pub first: i64,
    /// A bit for each variant seen.
    pub arms: u32,
    /// How many.
    pub count: u32,
}

impl Exposures {
    /// Of somebody who was never exposed.
    pub const NONE: Self = Self { first: i64::MAX, arms: 0, count: 0 };

    /// Those of two parts of a person's history.
    #[must_use]
    pub fn merged(self, other: Self) -> Self {
        Self {
            first: self.first.min(other.first),
            arms: self.arms | other.arms,
            count: self.count.saturating_add(other.count),
        }
    }

    /// Whether there is any.
    pub const fn any(self) -> bool {
        self.arms != 0
    }

    /// The one variant the person was exposed to; `None` for nobody's and for mixed exposures.
    pub const fn arm(self) -> Option<usize> {
        if self.arms.count_ones() == 1 { Some(self.arms.trailing_zeros() as usize) } else { None }
    }
}

/// How the measurements of one quantity become a person's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// They are added up.
    Sum,
    /// 1 if there is any, else 0.
    Any,
}

/// A quantity's value at an instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measurement {
    /// When.
    pub time: i64,
    /// Which of the quantities.
    pub quantity: u32,
    /// How much.
    pub value: f64,
}

impl ExposureSpec {
    /// Whether an exposure at `time` counts.
    pub const fn counts(&self, time: i64) -> bool {
        self.from <= time && time < self.to
    }

    /// Whether the window of somebody first exposed at `first` is over.
    pub fn is_mature(&self, first: i64) -> bool {
        self.window.is_none_or(|window| first.saturating_add_unsigned(window) <= self.until)
    }

    /// The values of somebody first exposed at `first`: `after` and `before` have a place for each quantity and are overwritten. A measurement of a
    /// quantity that `folds` does not have is left out.
    pub fn measure(
        &self,
        first: i64,
        measurements: &mut [Measurement],
        folds: &[Fold],
        after: &mut [f64],
        before: &mut [f64],
    ) {
        after.fill(0.0);
        before.fill(0.0);
        let end = self.window.map_or(self.until, |window| first.saturating_add_unsigned(window).min(self.until));
        let begin = first.saturating_sub_unsigned(self.before);
        if !measurements.is_sorted_by(|a, b| compare(a, b) != Ordering::Greater) {
            measurements.sort_unstable_by(compare);
        }
        for it in measurements.iter() {
            let side = if (first..end).contains(&it.time) {
                &mut *after
            } else if (begin..first).contains(&it.time) {
                &mut *before
            } else {
                continue;
            };
            let quantity = it.quantity as usize;
            if let (Some(sum), Some(fold)) = (side.get_mut(quantity), folds.get(quantity)) {
                match fold {
                    Fold::Sum => *sum += it.value,
                    Fold::Any => *sum = 1.0,
                }
            }
        }
    }
}

fn compare(a: &Measurement, b: &Measurement) -> Ordering {
    a.time.cmp(&b.time).then(a.quantity.cmp(&b.quantity)).then(a.value.total_cmp(&b.value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SPEC: ExposureSpec = ExposureSpec { from: 10, to: 20, until: 30, window: Some(5), before: 4 };

    fn values(spec: ExposureSpec, first: i64, times: &[i64]) -> (f64, f64) {
        let mut all: Vec<Measurement> =
            times.iter().map(|time| Measurement { time: *time, quantity: 0, value: 1.0 }).collect();
        let (mut after, mut before) = ([9.0], [9.0]);
        spec.measure(first, &mut all, &[Fold::Sum], &mut after, &mut before);
        (after[0], before[0])
    }

    #[test]
    fn the_instant_of_exposure_is_after_and_the_end_of_the_window_is_outside() {
        assert_eq!(values(SPEC, 12, &[12]), (1.0, 0.0));
        assert_eq!(values(SPEC, 12, &[16, 17]), (1.0, 0.0), "16 is the last instant of the window");
        assert_eq!(values(SPEC, 12, &[11, 8, 7]), (0.0, 2.0), "8 is the first instant before");
        assert_eq!(values(SPEC, 28, &[29, 30]), (1.0, 0.0), "nothing is known from 30 on");
        assert_eq!(values(ExposureSpec { window: None, ..SPEC }, 12, &[29, 30]), (1.0, 0.0));
        assert_eq!(values(ExposureSpec { before: 0, ..SPEC }, 12, &[11]), (0.0, 0.0));
    }

    #[test]
    fn a_window_that_ends_with_the_data_is_over() {
        assert!(SPEC.is_mature(25) && !SPEC.is_mature(26));
        assert!(ExposureSpec { window: None, ..SPEC }.is_mature(29));
        assert!(!ExposureSpec { window: Some(u64::MAX), ..SPEC }.is_mature(0));
    }

    #[test]
    fn two_variants_are_mixed_even_at_one_instant() {
        let of = |time, arm: usize| Exposures { first: time, arms: 1 << arm, count: 1 };
        assert_eq!(of(3, 1).merged(of(1, 1)), Exposures { first: 1, arms: 2, count: 2 });
        assert_eq!(of(3, 1).merged(of(1, 1)).arm(), Some(1));
        assert_eq!(of(3, 0).merged(of(3, 1)).arm(), None);
        assert_eq!((Exposures::NONE.arm(), Exposures::NONE.any()), (None, false));
        assert!(SPEC.counts(10) && SPEC.counts(19) && !SPEC.counts(20) && !SPEC.counts(9));
    }

    proptest! {
        /// Oracle: every event by itself, asked on which side it lies.
        #[test]
        fn equals_asking_every_event(
            events in prop::collection::vec((0i64..40, 0u32..3, 0u8..5), 0..12),
            (first, until) in (8i64..22, 0i64..40),
            (window, before) in (prop::option::of(0u64..12), 0u64..12),
        ) {
            let spec = ExposureSpec { until, window, before, ..SPEC };
            let mut all: Vec<Measurement> = events
                .iter()
                .map(|(time, quantity, value)| Measurement { time: *time, quantity: *quantity, value: f64::from(*value) })
                .collect();
            let (mut after, mut earlier) = ([9.0; 2], [9.0; 2]);
            spec.measure(first, &mut all, &[Fold::Sum, Fold::Any], &mut after, &mut earlier);
            let sum = |quantity: u32, is_there: &dyn Fn(i64) -> bool| -> f64 {
                events.iter().filter(|it| it.1 == quantity && is_there(it.0)).map(|it| f64::from(it.2)).sum()
            };
            let any = |is_there: &dyn Fn(i64) -> bool| f64::from(u8::from(events.iter().any(|it| it.1 == 1 && is_there(it.0))));
            let is_after = |at: i64| at >= first && at < until && window.is_none_or(|window| at - first < window as i64);
            let is_before = |at: i64| at < first && first - at <= before as i64;
            prop_assert_eq!(after, [sum(0, &is_after), any(&is_after)]);
            prop_assert_eq!(earlier, [sum(0, &is_before), any(&is_before)]);
        }
    }
}
