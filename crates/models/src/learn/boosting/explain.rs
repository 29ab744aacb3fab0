//! Why a row's prediction is what it is: exact Shapley values of trees.
//!
//! The polynomial algorithm of Lundberg and others (2018, "Consistent individualized feature attribution for tree ensembles", algorithm 2): all ways down the
//! tree are kept at once, each with the shares of subsets of features that would lead down it; a feature that is not in a subset follows the shares of
//! the training rows.
//!
//! Always holds: contributions and the base add up to the score.

use super::bins::binned;
use super::tree::Tree;
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

/// A feature on the way down: the share of rows that goes on without it, whether the row itself does, and the weight of subsets of this size.
#[derive(Clone, Copy, Default)]
struct Step {
    feature: u32,
    without: f64,
    with: f64,
    weight: f64,
}

/// No feature: the root.
const ROOT: u32 = u32::MAX;

impl Boosting {
    /// The contributions of features to the score of each row.
    pub fn explain(&self, table: &Table) -> Result<Contributions, Fault> {
        table.fits(&self.shape)?;
        let binned = binned(table, &self.binnings);
        let deepest = self.trees.iter().map(Tree::depth).max().unwrap_or(0);
        let mut path = vec![Step::default(); (deepest + 2) * (deepest + 3)];
        let base = self.base + self.trees.iter().map(expected).sum::<f64>();
        let rows = (0..table.rows()).map(|row| {
            let mut found = vec![0.0; self.shape.len()];
            for tree in self.trees.iter().filter(|it| it.nodes.len() > 1) {
                down(tree, binned.row(row), &mut found, &mut path, 0, 0, [1.0, 1.0], ROOT);
            }
            found
        });
        Ok(Contributions { base, rows: rows.collect() })
    }
}

/// The mean of a tree over its training rows.
fn expected(tree: &Tree) -> f64 {
    let leaves = tree.nodes.iter().filter(|it| it.question.is_none());
    leaves.map(|it| it.value * it.cover).sum::<f64>() / tree.nodes[0].cover
}

/// Goes down from `node`, to which `length` steps lead that are at the start of `path`; behind them is room for those of the children.
#[expect(clippy::too_many_arguments, reason = "the state of one recursion")]
fn down(
    tree: &Tree,
    row: &[u8],
    found: &mut [f64],
    path: &mut [Step],
    length: usize,
    node: usize,
    shares: [f64; 2],
    feature: u32,
) {
    extend(path, length, shares, feature);
    let here = &tree.nodes[node];
    let Some(question) = &here.question else {
        for at in 1..=length {
            let step = path[at];
            found[step.feature as usize] += unwound_sum(path, length, at) * (step.with - step.without) * here.value;
        }
        return;
    };
    let (hot, cold) = match question.next(row) {
        it if it == question.left as usize => (it, question.right as usize),
        it => (it, question.left as usize),
    };
    let mut last = length;
    let mut before = [1.0, 1.0];
    if let Some(at) = (1..=length).find(|it| path[*it].feature == question.feature) {
        before = [path[at].without, path[at].with];
        unwind(path, length, at);
        last -= 1;
    }
    for (child, with) in [(hot, before[1]), (cold, 0.0)] {
        let without = before[0] * tree.nodes[child].cover / here.cover;
        // Nothing of a way is left where neither the rows nor this row go.
        if without == 0.0 && with == 0.0 {
            continue;
        }
        let (own, rest) = path.split_at_mut(last + 1);
        rest[..=last].copy_from_slice(own);
        down(tree, row, found, rest, last + 1, child, [without, with], question.feature);
    }
}

fn extend(path: &mut [Step], length: usize, [without, with]: [f64; 2], feature: u32) {
    path[length] = Step { feature, without, with, weight: if length == 0 { 1.0 } else { 0.0 } };
    let n = (length + 1) as f64;
    for at in (0..length).rev() {
        path[at + 1].weight += with * path[at].weight * (at + 1) as f64 / n;
        path[at].weight = without * path[at].weight * (length - at) as f64 / n;
    }
}

/// Takes a step out again.
fn unwind(path: &mut [Step], length: usize, at: usize) {
    let Step { without, with, .. } = path[at];
    let n = (length + 1) as f64;
    let mut next = path[length].weight;
    for it in (0..length).rev() {
        if with != 0.0 {
            let weight = path[it].weight;
            path[it].weight = next * n / ((it + 1) as f64 * with);
            next = weight - path[it].weight * without * (length - it) as f64 / n;
        } else {
            path[it].weight = path[it].weight * n / (without * (length - it) as f64);
        }
    }
    for it in at..length {
        let Step { feature, without, with, .. } = path[it + 1];
        path[it] = Step { feature, without, with, weight: path[it].weight };
    }
}

/// The sum of weights that [`unwind`] would leave.
fn unwound_sum(path: &[Step], length: usize, at: usize) -> f64 {
    let Step { without, with, .. } = path[at];
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
