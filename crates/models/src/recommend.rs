//! What to offer: what many buy, what is bought together, and what is like what somebody looked at.
//!
//! Items and persons are places in the caller's lists. Where two items score alike, the one with the lower place comes first, so whoever
//! lists the items by their ids has one order for the same data.
//!
//! Always holds: a result names no item twice and none with a score of zero or less; it does not depend on the order of what came in.
//!
//! Does not do: learn from how offers were taken up.

mod als;
mod blend;
mod choice;
mod diversity;
mod ease;
mod evaluation;
mod histories;
mod neighbours;
mod next;
mod popular;
mod rebuy;
mod recommender;
mod rules;
mod splits;
mod together;

pub use als::{Als, AlsFit, AlsOptions};
pub use blend::Blend;
pub use choice::{Choice, Model, Plan, Tried, Way, choose, plans};
pub use diversity::{Likeness, diversified, unlike};
pub use ease::{Ease, EaseOptions};
pub use evaluation::{Evaluation, Judged, Means};
pub use histories::Histories;
pub use neighbours::{Interaction, Near, Neighbours, Suggested, Weighting};
pub use next::{Next, NextBest, NextOptions};
pub use popular::{Bought, Popular, popularity};
pub use rebuy::Cycles;
pub use recommender::{Filter, Reason, Recommendation, Recommender};
pub use rules::{Again, Band, Item, Purpose, Rules};
pub use splits::{Event, Split};
pub use together::{Baskets, Companion, Pair};

/// What is left of a weight after an age, in the unit of the half-life: half after each of those. What lies in the future weighs as if it were now, and
/// without a positive half-life nothing fades.
pub fn faded(age: f64, half_life: f64) -> f64 {
    if half_life > 0.0 { (-(age.max(0.0)) / half_life).exp2() } else { 1.0 }
}

/// The `limit` items with the highest scores above zero, highest first, of equals the lower place.
pub fn ranked(scores: Vec<(u32, f64)>, limit: usize) -> Vec<(u32, f64)> {
    let mut best = Best::of(limit);
    scores.into_iter().for_each(|it| best.add(it));
    best.sorted()
}

/// The best of items that come one after another, as [`ranked`] has them.
struct Best {
    limit: usize,
    /// Some times as many as are wanted are kept until they are too many; what is behind the last of the wanted ones then is not looked at any more.
    room: usize,
    kept: Vec<(u32, f64)>,
    last: Option<(u32, f64)>,
}

impl Best {
    fn of(limit: usize) -> Self {
        Self { limit, room: limit.saturating_mul(4).max(64), kept: Vec::new(), last: None }
    }

    fn order(a: &(u32, f64), b: &(u32, f64)) -> std::cmp::Ordering {
        b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
    }

    /// A score below this is none of the best.
    fn least(&self) -> f64 {
        self.last.map_or(0.0, |it| it.1)
    }

    fn add(&mut self, it: (u32, f64)) {
        let is_behind = |last| Self::order(&it, &last).is_gt();
        if self.limit == 0 || it.1.is_nan() || it.1 <= 0.0 || self.last.is_some_and(is_behind) {
            return;
        }
        self.kept.push(it);
        if self.kept.len() == self.room {
            self.kept.select_nth_unstable_by(self.limit - 1, Self::order);
            self.kept.truncate(self.limit);
            self.last = Some(self.kept[self.limit - 1]);
        }
    }

    fn sorted(mut self) -> Vec<(u32, f64)> {
        self.kept.sort_unstable_by(Self::order);
        self.kept.truncate(self.limit);
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_weight_halves_with_each_half_life() {
        assert_eq!([faded(0.0, 30.0), faded(30.0, 30.0), faded(90.0, 30.0)], [1.0, 0.5, 0.125]);
        assert_eq!((faded(-5.0, 30.0), faded(5.0, 0.0)), (1.0, 1.0));
    }

    proptest! {
        /// Oracle: sort all of them.
        #[test]
        fn ranking_is_sorting(scores in prop_oneof![prop::collection::vec(-2i8..5, 0..12), prop::collection::vec(-2i8..100, 0..400)], limit in 0usize..40) {
            let scores: Vec<(u32, f64)> = (0..).zip(scores.iter().map(|it| f64::from(*it))).collect();
            let mut sorted: Vec<_> = scores.iter().copied().filter(|it| it.1 > 0.0).collect();
            sorted.sort_by(|a, b| b.1.partial_cmp(&a.1).unwrap());
            sorted.truncate(limit);
            prop_assert_eq!(ranked(scores, limit), sorted, "sorting keeps equals in their order");
        }
    }
}
