//! What is like what: items by the persons who had to do with both.
//!
//! The item-based top-N algorithm of Deshpande and Karypis (2004, "Item-based top-N recommendation algorithms"): the similarity of two items is the
//! cosine of their columns of weights, one weight a person; an item keeps the `keep` that are most like it; a person's score for an item is the sum,
//! over their own items, of the weight of each times its similarity.
//!
//! Does not do: offer what nobody had to do with. For who has no history there is popularity.

use serde::{Deserialize, Serialize};

use super::histories::tidy;
use super::ranked;
use super::recommender::{Reason, Recommender};

/// What a person had to do with an item, all in all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interaction {
    /// Which person.
    pub person: u32,
    /// Which item.
    pub item: u32,
    /// How much, above zero.
    pub weight: f64,
}

/// How much a person says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Weighting {
    /// As much as their weights.
    Plain,
    /// Their weights have the length 1: who had to do with few items says more of each (section 4.1 of the paper).
    ByPerson,
    /// The square root of a weight, times ln(items / (1 + items of the person)): a person is to an item what a word is to a text (Spärck Jones 1972, "A
    /// statistical interpretation of term specificity and its application in retrieval"). Who had to do with nearly all items says nothing.
    TfIdf,
}

/// An item like another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Near {
    /// The item.
    pub item: u32,
    /// The cosine, above 0 and at most 1.
    pub similarity: f64,
}

/// An item that fits a person.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Suggested {
    /// The item.
    pub item: u32,
    /// The sum of similarities.
    pub score: f64,
    /// The item of their own that added most to it.
    pub because: u32,
}

/// Of each item those that are most like it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Neighbours {
    /// Where the neighbours of each item end.
    ends: Vec<usize>,
    near: Vec<Near>,
}

impl Neighbours {
    /// The newest items of a person that are looked at: more cost their square. The caller cuts.
    pub const MOST_ITEMS: usize = 200;

    /// The `keep` nearest of each of `items` items. Interactions are one a person and item; others of the same pair are left out, as are those of
    /// items that are not there.
    pub fn of(mut interactions: Vec<Interaction>, items: usize, keep: usize, weighting: Weighting) -> Self {
        interactions.retain(|it| it.weight > 0.0 && it.weight.is_finite() && (it.item as usize) < items);
        interactions
            .sort_unstable_by(|a, b| (a.person, a.item).cmp(&(b.person, b.item)).then(b.weight.total_cmp(&a.weight)));
        interactions.dedup_by_key(|it| (it.person, it.item));
        weigh(&mut interactions, items, weighting);
        let mut lengths = vec![0.0; items];
        let mut rows: Vec<Vec<u32>> = vec![Vec::new(); items];
        let persons: Vec<&[Interaction]> = interactions.chunk_by(|a, b| a.person == b.person).collect();
        for (row, of_person) in (0_u32..).zip(&persons) {
            for it in *of_person {
                lengths[it.item as usize] += it.weight * it.weight;
                rows[it.item as usize].push(row);
            }
        }
        lengths.iter_mut().for_each(|length: &mut f64| *length = length.sqrt());
        let (mut products, mut touched) = (vec![0.0; items], Vec::new());
        let mut found = Self { ends: Vec::with_capacity(items), near: Vec::new() };
        for item in 0..items {
            for row in &rows[item] {
                let of_person = persons[*row as usize];
                // The person's own weight of the item; the list is in order of items.
                let own = of_person.partition_point(|it| (it.item as usize) < item);
                let weight = of_person[own].weight;
                for other in of_person.iter().filter(|other| other.item as usize != item) {
                    let product = &mut products[other.item as usize];
                    if *product == 0.0 {
                        touched.push(other.item);
                    }
                    *product += weight * other.weight;
                }
            }
            let cosine = |other: u32| products[other as usize] / (lengths[item] * lengths[other as usize]);
            let scores = touched.iter().map(|other| (*other, cosine(*other))).collect();
            let best = ranked(scores, keep)
                .into_iter()
                .map(|(item, similarity)| Near { item, similarity: similarity.min(1.0) });
            found.near.extend(best);
            found.ends.push(found.near.len());
            touched.drain(..).for_each(|other| products[other as usize] = 0.0);
        }
        found
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Those most like an item, the nearest first.
    pub fn near(&self, item: u32) -> &[Near] {
        let item = item as usize;
        let start = item.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.ends.get(item).map_or(&[], |end| &self.near[start..*end])
    }

    /// All items that any of a person's own is near to, with their scores, best first; also their own, where they are near to one another. Of an item
    /// that is named twice the weights count both.
    pub fn suggested(&self, own: &[(u32, f64)]) -> Vec<Suggested> {
        // In one order, so that fractions come out the same whatever the order of the history.
        let mut own = own.to_vec();
        own.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
        // The sum of each item, its largest part, and what that is for.
        let mut sums = vec![(0.0, 0.0, 0); self.len()];
        let mut touched = Vec::new();
        for (item, weight) in own {
            for near in self.near(item) {
                let part = weight * near.similarity;
                let sum: &mut (f64, f64, u32) = &mut sums[near.item as usize];
                if sum.0 == 0.0 {
                    touched.push(near.item);
                }
                sum.0 += part;
                if part > sum.1 {
                    (sum.1, sum.2) = (part, item);
                }
            }
        }
        let one = |item: u32| {
            let (score, _, because) = sums[item as usize];
            Suggested { item, score, because }
        };
        let mut all: Vec<Suggested> = touched.into_iter().map(one).filter(|it| it.score > 0.0).collect();
        all.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then(a.item.cmp(&b.item)));
        all
    }
}

/// How much each person says, of interactions in the order of persons.
fn weigh(interactions: &mut Vec<Interaction>, items: usize, weighting: Weighting) {
    for of_person in interactions.chunk_by_mut(|a, b| a.person == b.person) {
        match weighting {
            Weighting::Plain => {}
            Weighting::ByPerson => {
                let length = of_person.iter().map(|it| it.weight * it.weight).sum::<f64>().sqrt();
                of_person.iter_mut().for_each(|it| it.weight /= length);
            }
            Weighting::TfIdf => {
                let rarity = (items as f64 / (1.0 + of_person.len() as f64)).ln();
                of_person.iter_mut().for_each(|it| it.weight = it.weight.sqrt() * rarity);
            }
        }
    }
    if weighting == Weighting::TfIdf {
        interactions.retain(|it| it.weight > 0.0);
    }
}

impl Recommender for Neighbours {
    fn items(&self) -> usize {
        self.len()
    }

    fn scores(&self, history: &[(u32, f64)]) -> Vec<f64> {
        let mut scores = vec![0.0; self.len()];
        for (own, weight) in tidy(history, self.len()) {
            for near in self.near(own) {
                scores[near.item as usize] += weight * near.similarity;
            }
        }
        scores
    }

    fn parts(&self, history: &[(u32, f64)], of: &[u32]) -> Vec<Vec<Reason>> {
        let similarity = |own: u32, item: u32| self.near(own).iter().find(|it| it.item == item).map(|it| it.similarity);
        let part = |own: &(u32, f64), item: u32| Some(Reason { item: own.0, part: own.1 * similarity(own.0, item)? });
        of.iter().map(|item| history.iter().filter_map(|own| part(own, *item)).collect()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn interactions(all: &[(u32, u32, u8)]) -> Vec<Interaction> {
        all.iter()
            .map(|(person, item, weight)| Interaction { person: *person, item: *item, weight: f64::from(*weight) })
            .collect()
    }

    /// By hand: two of three who have item 0 have item 1, and everyone who has item 1 has item 0.
    #[test]
    fn the_cosine_of_two_columns() {
        let all = interactions(&[(0, 0, 1), (1, 0, 1), (2, 0, 1), (0, 1, 1), (1, 1, 1), (9, 2, 1)]);
        let found = Neighbours::of(all.clone(), 3, 5, Weighting::Plain);
        let cosine = 2.0 / 6.0_f64.sqrt();
        assert!((found.near(0)[0].similarity - cosine).abs() < 1e-12 && found.near(0)[0].item == 1);
        assert!(found.near(2).is_empty() && found.near(7).is_empty());
        let suggested = found.suggested(&[(1, 0.5), (2, 1.0)]);
        assert_eq!((suggested.len(), suggested[0].item, suggested[0].because), (1, 0, 1));
        assert!((suggested[0].score - cosine / 2.0).abs() < 1e-12);
        // Who has but one item says more of it: columns (1/√2, 1/√2, 1) and (1/√2, 1/√2).
        let found = Neighbours::of(all, 3, 5, Weighting::ByPerson);
        assert!((found.near(0)[0].similarity - 1.0 / 2.0_f64.sqrt()).abs() < 1e-12);
    }

    proptest! {
        /// Oracle: the full table of weights, every pair of columns; and all sums over a history.
        #[test]
        fn neighbours_are_those_of_the_full_table(
            all in prop::collection::btree_map((0u32..5, 0u32..5), 1u8..4, 0..16),
            own in prop::collection::btree_map(0u32..5, 1u8..3, 0..4),
            (keep, weighting) in (0usize..5, prop::sample::select(vec![Weighting::Plain, Weighting::ByPerson, Weighting::TfIdf])),
        ) {
            let all: Vec<(u32, u32, u8)> = all.into_iter().map(|((person, item), weight)| (person, item, weight)).collect();
            let found = Neighbours::of(interactions(&all), 5, keep, weighting);
            let mut table = [[0.0_f64; 5]; 5];
            for (person, item, weight) in &all {
                table[*person as usize][*item as usize] = f64::from(*weight);
            }
            for row in &mut table {
                let length = row.iter().map(|it| it * it).sum::<f64>().sqrt();
                let rarity = (5.0 / (1.0 + row.iter().filter(|it| **it > 0.0).count() as f64)).ln().max(0.0);
                row.iter_mut().filter(|_| length > 0.0).for_each(|it| *it = match weighting {
                    Weighting::Plain => *it,
                    Weighting::ByPerson => *it / length,
                    Weighting::TfIdf => it.sqrt() * rarity,
                });
            }
            let product = |a: usize, b: usize| table.iter().map(|row| row[a] * row[b]).sum::<f64>();
            let cosine = |a: usize, b: usize| product(a, b) / (product(a, a) * product(b, b)).sqrt();
            for item in 0..5_usize {
                let near = found.near(item as u32);
                prop_assert!(near.iter().all(|it| (it.similarity - cosine(item, it.item as usize)).abs() < 1e-12));
                let others: Vec<f64> = (0..5).filter(|other| *other != item && product(item, *other) > 0.0).map(|other| cosine(item, other)).collect();
                prop_assert_eq!(near.len(), others.len().min(keep));
                let better = |least: f64| others.iter().filter(|it| **it > least + 1e-12).count();
                prop_assert!(near.last().is_none_or(|last| better(last.similarity) < keep), "none that is nearer was left out");
            }
            let history: Vec<(u32, f64)> = own.iter().map(|(item, weight)| (*item, f64::from(*weight))).collect();
            let suggested = found.suggested(&history);
            prop_assert!(suggested.windows(2).all(|pair| pair[0].score > pair[1].score || (pair[0].score == pair[1].score && pair[0].item < pair[1].item)));
            for item in 0..5_u32 {
                let part = |(own, weight): &(u32, f64)| found.near(*own).iter().filter(|it| it.item == item).map(|it| it.similarity * weight).sum::<f64>();
                let expected: f64 = history.iter().map(part).sum();
                let score = suggested.iter().find(|it| it.item == item).map_or(0.0, |it| it.score);
                prop_assert!((score - expected).abs() < 1e-9);
                prop_assert!((found.scores(&history)[item as usize] - expected).abs() < 1e-9);
                let parts: f64 = found.parts(&history, &[item])[0].iter().map(|it| it.part).sum();
                prop_assert!((parts - expected).abs() < 1e-9);
            }
            let mut turned = interactions(&all);
            turned.reverse();
            prop_assert_eq!(Neighbours::of(turned, 5, keep, weighting), found);
        }
    }
}
