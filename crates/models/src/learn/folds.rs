//! Which rows a model learns from and which it is tried on: folds that keep the share of positives, or that keep a group (a customer) together.
//!
//! Always holds: every row is in exactly one fold; the same seed makes the same folds.

use std::collections::BTreeMap;

use crate::resampling::Draws;

/// The fold of each row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folds {
    of: Vec<usize>,
    folds: usize,
}

impl Folds {
    /// Folds that each hold the same share of positives, to one row.
    pub fn stratified(labels: &[bool], folds: usize, seed: u64) -> Self {
        let folds = folds.max(2);
        let mut draws = Draws::new(seed);
        let mut of = vec![0; labels.len()];
        let mut next = 0;
        for class in [true, false] {
            let rows: Vec<usize> = (0..labels.len()).filter(|at| labels[*at] == class).collect();
            for place in draws.order(rows.len()) {
                of[rows[place]] = next % folds;
                next += 1;
            }
        }
        Self { of, folds }
    }

    /// Folds of any rows.
    pub fn plain(rows: usize, folds: usize, seed: u64) -> Self {
        Self::stratified(&vec![true; rows], folds, seed)
    }

    /// Folds that keep the rows of a group together: groups in an order of chance, the largest first, each to the fold that is furthest behind its
    /// share of rows and positives.
    pub fn grouped(groups: &[u64], labels: &[bool], folds: usize, seed: u64) -> Self {
        let folds = folds.max(2);
        let mut members: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        groups.iter().enumerate().for_each(|(row, it)| members.entry(*it).or_default().push(row));
        let members: Vec<Vec<usize>> = members.into_values().collect();
        let mut order = Draws::new(seed).order(members.len());
        order.sort_by_key(|at| std::cmp::Reverse(members[*at].len()));
        let positive = |rows: &[usize]| rows.iter().filter(|it| labels.get(**it) == Some(&true)).count() as f64;
        let all: Vec<usize> = (0..groups.len()).collect();
        let (rows_each, positives_each) = (all.len() as f64, positive(&all).max(1.0));
        let mut filled = vec![0.0_f64; folds];
        let mut of = vec![0; groups.len()];
        for at in order {
            let fold = (0..folds).min_by(|a, b| filled[*a].total_cmp(&filled[*b])).unwrap_or(0);
            filled[fold] += members[at].len() as f64 / rows_each + positive(&members[at]) / positives_each;
            members[at].iter().for_each(|row| of[*row] = fold);
        }
        Self { of, folds }
    }

    /// How many folds.
    pub fn count(&self) -> usize {
        self.folds
    }

    /// The rows of a fold.
    pub fn held(&self, fold: usize) -> Vec<usize> {
        (0..self.of.len()).filter(|at| self.of[*at] == fold).collect()
    }

    /// The rows of all other folds.
    pub fn kept(&self, fold: usize) -> Vec<usize> {
        (0..self.of.len()).filter(|at| self.of[*at] != fold).collect()
    }

    /// Kept and held rows of each fold.
    pub fn splits(&self) -> impl Iterator<Item = (Vec<usize>, Vec<usize>)> + '_ {
        (0..self.folds).map(|it| (self.kept(it), self.held(it)))
    }
}

/// The values at these places.
pub(crate) fn taken<T: Copy>(values: &[T], places: &[usize]) -> Vec<T> {
    places.iter().map(|at| values[*at]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn folds_hold_the_same_share_and_groups_stay_together(labels in prop::collection::vec(any::<bool>(), 1..200), folds in 2usize..7, seed: u64) {
            let found = Folds::stratified(&labels, folds, seed);
            let counts: Vec<usize> = (0..folds).map(|it| found.held(it).iter().filter(|at| labels[**at]).count()).collect();
            prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1);
            prop_assert_eq!((0..folds).map(|it| found.held(it).len()).sum::<usize>(), labels.len());
            let groups: Vec<u64> = (0..labels.len() as u64).map(|it| it / 3).collect();
            let grouped = Folds::grouped(&groups, &labels, folds, seed);
            for (kept, held) in grouped.splits() {
                prop_assert!(held.iter().all(|a| kept.iter().all(|b| groups[*a] != groups[*b])));
            }
        }
    }
}
