//! EASE: which other items of a person foretell an item, in closed form.
//!
//! Steck (2019, "Embarrassingly shallow autoencoders for sparse data"): of all matrices B with a diagonal of zero the one that makes ‖X − X B‖² + λ ‖B‖² least, with X the weights of persons
//! and items. With P = (Xᵀ X + λ I)⁻¹ it is B_ij = −P_ij / P_jj. A person's score for an item is the sum of B over their own items.
//!
//! Time goes with the third power of the items and memory with their square: at the fit eight bytes a pair of items, afterwards four. A person costs their own
//! items times all items.
//!
//! Does not do: say anything of items that nobody took, or for persons without any item.

mod inverse;

use serde::{Deserialize, Serialize};

use super::histories::{Histories, tidy};
use super::recommender::{Reason, Recommender};
use crate::fault::Fault;
use inverse::Triangle;

/// How EASE is fitted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EaseOptions {
    /// λ, above zero: how much a person more than nobody it takes for two items to say something of each other.
    pub penalty: f64,
    /// Most items of the catalogue: 10,000 take 0.8 GB and a few minutes, twice as many four times that and eight times those.
    pub most_items: usize,
}

impl Default for EaseOptions {
    fn default() -> Self {
        Self { penalty: 400.0, most_items: 10_000 }
    }
}

/// What each item says of each.
#[derive(Clone, Debug, PartialEq)]
pub struct Ease {
    /// By rows: what the own item says of the others.
    weights: Vec<f32>,
    items: usize,
}

impl Ease {
    /// Learns from all histories. Weights count as they are; [`Histories`] of ones are the paper's.
    ///
    /// # Errors
    /// A penalty that is no number above zero, nobody with anything, more items than stated, weights so far apart that nothing is left of the small ones.
    pub fn fit(histories: &Histories, options: &EaseOptions) -> Result<Self, Fault> {
        let items = histories.items();
        if histories.is_empty() {
            return Err(Fault::TooFew { what: "pairs of a person and an item", have: 0, need: 1 });
        }
        if items > options.most_items {
            return Err(Fault::TooMany { what: "items for EASE", have: items, most: options.most_items });
        }
        if !(options.penalty > 0.0 && options.penalty < 1e100) {
            return Err(Fault::NotIdentified { why: "what a penalty should mean that is no number above zero" });
        }
        let mut gram = Triangle::new(items);
        for own in histories.iter() {
            for (at, (item, weight)) in own.iter().enumerate() {
                let row = Triangle::place(*item as usize, 0);
                own[..=at].iter().for_each(|(other, of_other)| gram.cells[row + *other as usize] += weight * of_other);
            }
        }
        (0..items).for_each(|it| gram.cells[Triangle::place(it, it)] += options.penalty);
        let apart = Fault::NotIdentified { why: "what items say of each other, their weights being too far apart" };
        gram.invert_negated().ok_or_else(|| apart.clone())?;
        let diagonal: Vec<f64> = (0..items).map(|it| -gram.cells[Triangle::place(it, it)]).collect();
        let mut weights = vec![0.0; items * items];
        for (i, row) in weights.chunks_exact_mut(items.max(1)).enumerate() {
            for (j, weight) in row.iter_mut().enumerate().filter(|(j, _)| *j != i) {
                *weight = (gram.cells[Triangle::place(i, j)] / diagonal[j]) as f32;
            }
        }
        if weights.iter().all(|it: &f32| it.is_finite()) { Ok(Self { weights, items }) } else { Err(apart) }
    }

    /// What an own item says of another.
    pub fn weight(&self, own: u32, other: u32) -> f64 {
        self.row(own).get(other as usize).map_or(0.0, |it| f64::from(*it))
    }

    fn row(&self, own: u32) -> &[f32] {
        self.weights.chunks_exact(self.items.max(1)).nth(own as usize).unwrap_or(&[])
    }
}

impl Recommender for Ease {
    fn items(&self) -> usize {
        self.items
    }

    fn scores(&self, history: &[(u32, f64)]) -> Vec<f64> {
        let mut scores = vec![0.0; self.items];
        for (own, weight) in tidy(history, self.items) {
            let row = self.row(own);
            scores.iter_mut().zip(row).for_each(|(score, it)| *score += weight * f64::from(*it));
        }
        scores
    }

    fn parts(&self, history: &[(u32, f64)], of: &[u32]) -> Vec<Vec<Reason>> {
        let part = |own: &(u32, f64), item: u32| Reason { item: own.0, part: own.1 * self.weight(own.0, item) };
        of.iter().map(|item| history.iter().map(|own| part(own, *item)).collect()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Filter, Interaction};
    use super::*;
    use proptest::prelude::*;

    fn histories(rows: &[(u32, u32, f64)], persons: usize, items: usize) -> Histories {
        let row = |it: &(u32, u32, f64)| Interaction { person: it.0, item: it.1, weight: it.2 };
        Histories::of(&rows.iter().map(row).collect::<Vec<_>>(), persons, items).unwrap()
    }

    /// By hand: two items, both with two persons, one of whom they share; G = [2 1; 1 2] + 1, whose inverse is [3 −1; −1 3] / 8.
    #[test]
    fn two_items_by_hand() {
        let data = histories(&[(0, 0, 1.0), (0, 1, 1.0), (1, 0, 1.0), (2, 1, 1.0)], 3, 2);
        let found = Ease::fit(&data, &EaseOptions { penalty: 1.0, ..EaseOptions::default() }).unwrap();
        assert!(
            (found.weight(0, 1) - 1.0 / 3.0).abs() < 1e-7 && found.weight(0, 0) == 0.0 && found.weight(5, 0) == 0.0
        );
        let offered = found.recommend(&[(0, 1.0)], &Filter::best(5));
        assert_eq!((offered.len(), offered[0].item, offered[0].because[0].item), (1, 1, 0));
        assert!(found.recommend(&[], &Filter::best(5)).is_empty());
    }

    #[test]
    fn what_does_not_do_is_told() {
        let data = histories(&[(0, 0, 1.0)], 1, 3);
        let few = EaseOptions { most_items: 2, ..EaseOptions::default() };
        assert_eq!(Ease::fit(&data, &few), Err(Fault::TooMany { what: "items for EASE", have: 3, most: 2 }));
        assert!(matches!(Ease::fit(&histories(&[], 1, 3), &few), Err(Fault::TooFew { .. })));
        for penalty in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Ease::fit(&data, &EaseOptions { penalty, ..EaseOptions::default() }).is_err());
        }
    }

    proptest! {
        /// Oracle: at the least sum of squares every weight's slope is zero: Xᵀ(X − XB) − λB is zero beside the diagonal.
        #[test]
        fn the_slope_is_zero(rows in prop::collection::btree_map((0u32..6, 0u32..5), 1u8..4, 1..20), penalty in 0.1..50.0f64) {
            let rows: Vec<(u32, u32, f64)> = rows.into_iter().map(|((p, i), w)| (p, i, f64::from(w))).collect();
            let data = histories(&rows, 6, 5);
            let found = Ease::fit(&data, &EaseOptions { penalty, ..EaseOptions::default() }).unwrap();
            let x = |p: usize, i: usize| data.of_person(p).iter().find(|it| it.0 as usize == i).map_or(0.0, |it| it.1);
            for j in 0..5 {
                for i in (0..5).filter(|i| *i != j) {
                    let left = |p: usize| x(p, j) - (0..5).map(|k| x(p, k) * found.weight(k as u32, j as u32)).sum::<f64>();
                    let slope = (0..6).map(|p| x(p, i) * left(p)).sum::<f64>() - penalty * found.weight(i as u32, j as u32);
                    prop_assert!(slope.abs() < 1e-4, "{slope}");
                }
            }
        }

        #[test]
        fn absurd_weights_are_refused_or_finite(rows in prop::collection::vec((0u32..4, 0u32..4, 0.0..1e60f64), 1..9), penalty in 1e-9..1e9f64) {
            let data = histories(&rows, 4, 4);
            if let Ok(found) = Ease::fit(&data, &EaseOptions { penalty, ..EaseOptions::default() }) {
                prop_assert!(found.scores(&[(0, 1.0), (1, 2.0)]).iter().all(|it| it.is_finite()));
            }
        }
    }
}
