//! What is bought together: pairs of items in baskets, and how much more than chance that is.
//!
//! Support and confidence are those of Agrawal, Imieliński and Swami (1993, "Mining association rules between sets of items in large databases"), lift
//! that of Brin, Motwani, Ullman and Tsur (1997, "Dynamic itemset counting and implication rules for market basket data", there called interest).
//! Companions are ranked by the cosine, P(A, B) / √(P(A) P(B)), which is the geometric mean of lift and support and of both confidences (the IS measure
//! of Tan, Kumar and Srivastava 2002, "Selecting the right interestingness measure for association patterns"): by confidence alone everything goes with
//! what everybody buys, by lift alone with what was bought once.

use super::ranked;

/// Baskets, item by item.
#[derive(Clone, Debug, Default)]
pub struct Baskets {
    /// Where each basket ends in `items`.
    ends: Vec<usize>,
    items: Vec<u32>,
    /// Baskets that were larger than is looked at.
    left_out: u64,
}

/// How often two items are in baskets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Baskets with both.
    pub both: u64,
    /// Baskets with the first.
    pub first: u64,
    /// Baskets with the second.
    pub second: u64,
    /// All baskets.
    pub baskets: u64,
}

/// An item that is bought together with another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Companion {
    /// The item.
    pub item: u32,
    /// How often both are bought; the other is the first.
    pub pair: Pair,
}

impl Pair {
    /// The share of baskets with both.
    pub fn support(self) -> f64 {
        self.both as f64 / self.baskets as f64
    }

    /// Of the baskets with the first, the share that have the second too.
    pub fn confidence(self) -> f64 {
        self.both as f64 / self.first as f64
    }

    /// How many times as often as chance would have it.
    pub fn lift(self) -> f64 {
        self.both as f64 * self.baskets as f64 / (self.first as f64 * self.second as f64)
    }

    /// The cosine of the two columns of baskets: 1 where neither is bought without the other.
    pub fn cosine(self) -> f64 {
        self.both as f64 / (self.first as f64 * self.second as f64).sqrt()
    }
}

impl Baskets {
    /// A basket larger than this says little of what goes with what, and costs its square.
    pub const LARGEST: usize = 500;

    /// Adds the items of an order; one that is named twice counts once.
    pub fn add(&mut self, items: &mut Vec<u32>) {
        items.sort_unstable();
        items.dedup();
        if items.len() > Self::LARGEST {
            self.left_out += 1;
        } else if !items.is_empty() {
            self.items.extend_from_slice(items);
            self.ends.push(self.items.len());
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many were too large.
    pub const fn left_out(&self) -> u64 {
        self.left_out
    }

    fn iter(&self) -> impl Iterator<Item = &[u32]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.items[start..*end])
    }

    /// Of each of `items` items the `keep` companions with the greatest cosine that are in at least `least` baskets with it.
    pub fn companions(&self, items: usize, least: u64, keep: usize) -> Vec<Vec<Companion>> {
        let baskets_of = self.by_item(items);
        let all: Vec<&[u32]> = self.iter().collect();
        let baskets = self.len() as u64;
        let (mut both, mut touched) = (vec![0_u64; items], Vec::new());
        let mut companions = Vec::with_capacity(items);
        for item in 0..items {
            for basket in &baskets_of[item] {
                for other in all[*basket as usize].iter().filter(|other| **other as usize != item) {
                    if both[*other as usize] == 0 {
                        touched.push(*other);
                    }
                    both[*other as usize] += 1;
                }
            }
            let pair = |other: u32| {
                let (first, second) = (baskets_of[item].len() as u64, baskets_of[other as usize].len() as u64);
                Pair { both: both[other as usize], first, second, baskets }
            };
            let often = touched.iter().filter(|other| both[**other as usize] >= least.max(1));
            let scores = often.map(|other| (*other, pair(*other).cosine())).collect();
            let best = ranked(scores, keep).into_iter();
            companions.push(best.map(|(item, _)| Companion { item, pair: pair(item) }).collect());
            touched.drain(..).for_each(|other| both[other as usize] = 0);
        }
        companions
    }

    /// The places of the baskets that hold each item.
    fn by_item(&self, items: usize) -> Vec<Vec<u32>> {
        let mut baskets_of = vec![Vec::new(); items];
        for (basket, held) in (0_u32..).zip(self.iter()) {
            held.iter().for_each(|item| baskets_of[*item as usize].push(basket));
        }
        baskets_of
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn baskets(all: &[Vec<u32>]) -> Baskets {
        let mut baskets = Baskets::default();
        all.iter().for_each(|basket| baskets.add(&mut basket.clone()));
        baskets
    }

    /// By hand: of five baskets, bread is in four, butter in three, both in three.
    #[test]
    fn the_measures_of_a_pair() {
        let [bread, butter, milk] = [0, 1, 2];
        let all = [vec![bread, butter], vec![bread, butter, milk], vec![butter, bread, bread], vec![bread], vec![milk]];
        let companions = baskets(&all).companions(3, 1, 9);
        let pair = companions[bread as usize][0];
        assert_eq!(pair, Companion { item: butter, pair: Pair { both: 3, first: 4, second: 3, baskets: 5 } });
        assert_eq!((pair.pair.support(), pair.pair.confidence(), pair.pair.lift()), (0.6, 0.75, 1.25));
        assert!((pair.pair.cosine() - (0.75_f64 * 1.0).sqrt()).abs() < 1e-12);
        assert_eq!(companions[milk as usize].len(), 2);
        assert!(baskets(&all).companions(3, 2, 9)[milk as usize].is_empty(), "once is chance");
    }

    #[test]
    fn what_is_too_large_is_left_out_and_counted() {
        let mut some = baskets(&[(0..=Baskets::LARGEST as u32).collect(), vec![], vec![1]]);
        assert_eq!((some.len(), some.left_out(), some.is_empty()), (1, 1, false));
        some.add(&mut vec![3, 3]);
        assert_eq!(some.len(), 2);
    }

    proptest! {
        /// Oracle: every pair in every basket.
        #[test]
        fn companions_are_those_of_counting(
            all in prop::collection::vec(prop::collection::vec(0u32..6, 0..5), 0..12),
            (least, keep) in (0u64..3, 0usize..6),
        ) {
            let found = baskets(&all).companions(6, least, keep);
            let with = |items: &[u32]| all.iter().filter(|basket| items.iter().all(|item| basket.contains(item))).count() as u64;
            let full = all.iter().filter(|basket| !basket.is_empty()).count() as u64;
            for item in 0..6_u32 {
                let pair = |other: u32| Pair { both: with(&[item, other]), first: with(&[item]), second: with(&[other]), baskets: full };
                let mut expected: Vec<Companion> = (0..6)
                    .filter(|other| *other != item && with(&[item, *other]) >= least.max(1))
                    .map(|item| Companion { item, pair: pair(item) })
                    .collect();
                expected.sort_by(|a, b| b.pair.cosine().partial_cmp(&a.pair.cosine()).unwrap());
                expected.truncate(keep);
                prop_assert_eq!(&found[item as usize], &expected);
            }
        }
    }
}
