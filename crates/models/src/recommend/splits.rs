//! What a model may know and what it is asked for.
//!
//! The honest way is by time, several times over: before a cut a model learns, after it it is tried, as it would have been on that day. The random way of benchmarks lets a model
//! learn from what came later; figures of the two are not comparable.
//!
//! Always holds: nothing of a cut's future is known. What nobody had before the cut cannot be foretold; it is left out of what is wanted and counted.

use std::collections::BTreeSet;

use super::Interaction;
use super::histories::Histories;
use crate::fault::{Fault, none_of};
use crate::resampling::Draws;

/// A person had to do with an item, once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    /// Which person.
    pub person: u32,
    /// Which item.
    pub item: u32,
    /// How much, above zero.
    pub weight: f64,
    /// When, in any unit.
    pub at: f64,
}

impl Event {
    fn interaction(&self) -> Interaction {
        Interaction { person: self.person, item: self.item, weight: self.weight }
    }
}

/// One trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// What may be learned from, and each person's history when they are asked for.
    pub known: Histories,
    /// What each person took afterwards; none of it is in their history.
    pub wanted: Histories,
    /// Pairs that were left out of what is wanted: items that nobody had before.
    pub unreachable: usize,
}

impl Split {
    fn of(known: &[Interaction], wanted: &[Interaction], persons: usize, items: usize) -> Result<Self, Fault> {
        let known = Histories::of(known, persons, items)?;
        let audience = known.audience();
        let had: BTreeSet<(u32, u32)> = known.interactions().map(|it| (it.person, it.item)).collect();
        let new: Vec<Interaction> = wanted.iter().copied().filter(|it| !had.contains(&(it.person, it.item))).collect();
        let all = Histories::of(&new, persons, items)?;
        let reachable: Vec<Interaction> = all.interactions().filter(|it| audience[it.item as usize] > 0).collect();
        let unreachable = all.len() - reachable.len();
        Ok(Self { wanted: Histories::of(&reachable, persons, items)?, known, unreachable })
    }

    /// At each cut what was before it, and what came from it until `horizon` later.
    ///
    /// # Errors
    /// Times that are no numbers, a horizon that is none above zero, and what [`Histories::of`] refuses.
    pub fn rolling(
        events: &[Event],
        persons: usize,
        items: usize,
        cuts: &[f64],
        horizon: f64,
    ) -> Result<Vec<Self>, Fault> {
        none_of(events, |it| !it.at.is_finite(), |row| Fault::NotFinite { row })?;
        none_of(cuts, |it| !it.is_finite(), |row| Fault::NotFinite { row })?;
        if horizon.is_nan() || horizon <= 0.0 {
            return Err(Fault::NotIdentified { why: "what comes after a cut within a time of nothing" });
        }
        let at = |cut: &f64| {
            let between = |from: f64, to: f64| -> Vec<Interaction> {
                events.iter().filter(|it| (from..to).contains(&it.at)).map(Event::interaction).collect()
            };
            Self::of(&between(f64::NEG_INFINITY, *cut), &between(*cut, cut + horizon), persons, items)
        };
        cuts.iter().map(at).collect()
    }

    /// Of each item this share of its pairs, by chance, is known, the rest wanted: the way of the benchmark of the Recommenders project.
    ///
    /// # Errors
    /// A share outside of 0 to 1.
    pub fn by_item(histories: &Histories, share: f64, seed: u64) -> Result<Self, Fault> {
        if !(0.0..=1.0).contains(&share) {
            return Err(Fault::NotIdentified { why: "what a share outside of 0 to 1 should mean" });
        }
        let mut draws = Draws::new(seed);
        let (mut known, mut wanted) = (Vec::new(), Vec::new());
        for (item, of_item) in (0_u32..).zip(histories.turned().iter()) {
            let first = (share * of_item.len() as f64).round_ties_even() as usize;
            for (at, place) in draws.order(of_item.len()).into_iter().enumerate() {
                let (person, weight) = of_item[place];
                let to = if at < first { &mut known } else { &mut wanted };
                to.push(Interaction { person, item, weight });
            }
        }
        Self::of(&known, &wanted, histories.persons(), histories.items())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_wanted_came_after_the_cut_and_was_new() {
        let event = |person, item, at| Event { person, item, weight: 1.0, at };
        let events = [
            event(0, 0, 1.0),
            event(1, 1, 2.0),
            event(0, 1, 3.0),
            event(0, 0, 3.5),
            event(1, 2, 3.0),
            event(1, 0, 9.0),
        ];
        let found = Split::rolling(&events, 2, 3, &[3.0, 3.5], 2.0).unwrap();
        assert_eq!(found[0].known.interactions().count(), 2);
        // Item 2 was nobody's before, what comes back is not new, and the last is past the horizon.
        assert_eq!((found[0].wanted.of_person(0), found[0].wanted.of_person(1)), (&[(1, 1.0)][..], &[][..]));
        assert_eq!((found[0].unreachable, found[1].wanted.is_empty()), (1, true));
        assert!(Split::rolling(&events, 2, 3, &[f64::NAN], 2.0).is_err());
        assert!(
            Split::rolling(&events, 2, 3, &[1.0], 0.0).is_err() && Split::rolling(&events, 1, 3, &[3.0], 2.0).is_err()
        );
    }

    proptest! {
        #[test]
        fn each_pair_is_known_or_wanted(pairs in prop::collection::btree_set((0u32..9, 0u32..5), 1..40), seed: u64) {
            let rows: Vec<Interaction> = pairs.iter().map(|it| Interaction { person: it.0, item: it.1, weight: 1.0 }).collect();
            let all = Histories::of(&rows, 9, 5).unwrap();
            let split = Split::by_item(&all, 0.75, seed).unwrap();
            prop_assert_eq!(split.known.len() + split.wanted.len() + split.unreachable, all.len());
            for (item, (known, all)) in split.known.audience().into_iter().zip(all.audience()).enumerate() {
                prop_assert_eq!(f64::from(known), (0.75 * f64::from(all)).round_ties_even(), "{}", item);
            }
            prop_assert!(Split::by_item(&all, 1.5, seed).is_err());
        }
    }
}
