//! Why a row's prediction is what it is: exact Shapley values of trees.
//!
//! The values of Lundberg and others (2018, "Consistent individualized feature attribution for tree ensembles"): a feature that is not in a subset follows the
//! shares of the training rows. A leaf's part depends only on which of the features on the way to it a row agrees with, so that it is computed once for
//! each such pattern, and rows with the same pattern share it (Yang 2021, "Fast TreeSHAP").
//!
//! Always holds: contributions and the base add up to the score.

use std::collections::HashMap;

use super::bins::{Binned, binned};
use super::tree::{Side, Tree, on_side};
use super::{Boosting, Table};
use crate::fault::Fault;

/// What the features did to scores.
#[derive(Clone, Debug, PartialEq)]
pub struct Contributions {
    /// What the model says of rows it knows nothing about.
    pub base: f64,
    /// Of each row what each feature adds, in the unit of the score.
    pub rows: Vec<Vec<f64>>,
}

/// A feature on the way to a leaf: with it the row agrees or not (1 or 0), without it goes the share of the training rows.
#[derive(Clone, Copy, Default)]
struct Step {
    without: f64,
    with: f64,
    weight: f64,
}

/// The way to a leaf: each feature once, with all bins that lead there and the share of rows that goes on without it.
struct Way {
    features: Vec<(usize, Side, f64)>,
    value: f64,
}

/// Rows that are explained together, so that they stay at hand from leaf to leaf.
const TOGETHER: usize = 8_192;
/// Up to how many features patterns are places in a list.
const LISTED: usize = 12;

impl Boosting {
    /// The contributions of features to the score of each row.
    pub fn explain(&self, table: &Table) -> Result<Contributions, Fault> {
        table.fits(&self.shape)?;
        let binned = binned(table, &self.binnings);
        let base = self.base + self.trees.iter().map(expected).sum::<f64>();
        let ways: Vec<Way> = self.trees.iter().flat_map(ways).filter(|it| !it.features.is_empty()).collect();
        let width = self.shape.len();
        let mut rows = Vec::with_capacity(table.rows());
        for from in (0..table.rows()).step_by(TOGETHER) {
            let to = (from + TOGETHER).min(table.rows());
            let mut found = vec![0.0; (to - from) * width];
            ways.iter().for_each(|it| it.add(&binned, from, &mut found));
            rows.extend(found.chunks_exact(width).map(<[f64]>::to_vec));
        }
        Ok(Contributions { base, rows })
    }
}

/// The mean of a tree over its training rows.
fn expected(tree: &Tree) -> f64 {
    let leaves = tree.nodes.iter().filter(|it| it.question.is_none());
    leaves.map(|it| it.value * it.cover).sum::<f64>() / tree.nodes[0].cover
}

/// The ways to all leaves of a tree.
fn ways(tree: &Tree) -> Vec<Way> {
    let mut found = Vec::new();
    let mut open = vec![(0, Vec::<(usize, Side, f64)>::new())];
    while let Some((at, features)) = open.pop() {
        let here = &tree.nodes[at];
        let Some(question) = &here.question else {
            found.push(Way { features, value: here.value });
            continue;
        };
        let feature = question.feature as usize;
        for (child, side) in [(question.left, question.side), (question.right, question.side.map(|it| !it))] {
            let (mut features, child) = (features.clone(), child as usize);
            let share = tree.nodes[child].cover / here.cover;
            match features.iter_mut().find(|it| it.0 == feature) {
                Some(it) => {
                    it.1.iter_mut().zip(side).for_each(|(own, other)| *own &= other);
                    it.2 *= share;
                }
                None => features.push((feature, side, share)),
            }
            open.push((child, features));
        }
    }
    found
}

impl Way {
    /// Adds this leaf's part to the contributions of rows, from the row `from` on.
    fn add(&self, binned: &Binned, from: usize, found: &mut [f64]) {
        let many = self.features.len();
        let mut listed = vec![usize::MAX; if many <= LISTED { 1 << many } else { 0 }];
        let mut named: HashMap<u128, usize> = HashMap::new();
        let mut known: Vec<f64> = Vec::new();
        for (at, found) in found.chunks_exact_mut(binned.width).enumerate() {
            let row = binned.row(from + at);
            let place = if many <= LISTED {
                let bit = |(bit, it): (usize, &(usize, Side, f64))| usize::from(on_side(&it.1, row[it.0])) << bit;
                &mut listed[self.features.iter().enumerate().map(bit).sum::<usize>()]
            } else {
                // Of more features than it has bits the last are in no pattern: then each row is computed by itself.
                let bit = |(bit, it): (usize, &(usize, Side, f64))| u128::from(on_side(&it.1, row[it.0])) << bit;
                let pattern = self.features.iter().enumerate().take(128).map(bit).sum::<u128>();
                let place = named.entry(pattern).or_insert(usize::MAX);
                if many > 128 {
                    *place = usize::MAX;
                    known.clear();
                }
                place
            };
            if *place == usize::MAX {
                *place = known.len();
                known.extend(self.parts(row));
            }
            let parts = &known[*place..*place + many];
            self.features.iter().zip(parts).for_each(|(it, part)| found[it.0] += part);
        }
    }

    /// The part of each feature for a row.
    fn parts(&self, row: &[u8]) -> Vec<f64> {
        let agrees = |(feature, side, _): &(usize, Side, f64)| f64::from(u8::from(on_side(side, row[*feature])));
        // Nothing comes here where neither the rows nor this row go.
        if self.features.iter().any(|it| it.2 == 0.0 && agrees(it) == 0.0) {
            return vec![0.0; self.features.len()];
        }
        let mut path = vec![Step { without: 1.0, with: 1.0, weight: 1.0 }];
        self.features.iter().for_each(|it| extend(&mut path, it.2, agrees(it)));
        let part = |at: usize| unwound_sum(&path, at) * (path[at].with - path[at].without) * self.value;
        (1..path.len()).map(part).collect()
    }
}

/// One feature more: the weights of subsets by their size.
fn extend(path: &mut Vec<Step>, without: f64, with: f64) {
    let length = path.len();
    path.push(Step { without, with, weight: 0.0 });
    let n = (length + 1) as f64;
    for at in (0..length).rev() {
        path[at + 1].weight += with * path[at].weight * (at + 1) as f64 / n;
        path[at].weight = without * path[at].weight * (length - at) as f64 / n;
    }
}

/// The sum of the weights as they would be without a feature.
fn unwound_sum(path: &[Step], at: usize) -> f64 {
    let Step { without, with, .. } = path[at];
    let length = path.len() - 1;
    let n = (length + 1) as f64;
    let mut sum = 0.0;
    if with == 0.0 {
        let steps = path[..length].iter().enumerate();
        return steps.map(|(it, step)| step.weight / (length - it) as f64).sum::<f64>() * n / without;
    }
    let mut next = path[length].weight;
    for it in (0..length).rev() {
        let weight = next / ((it + 1) as f64 * with);
        sum += weight;
        next = path[it].weight - weight * without * (length - it) as f64;
    }
    sum * n
}
