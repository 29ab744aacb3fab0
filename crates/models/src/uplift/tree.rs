//! Trees of effects: which question parts persons whose effects differ most (Su, Tsai, Wang, Nickerson and Li 2009, "Subgroup analysis via recursive
//! partitioning"; Radcliffe and Surry 2011, "Real-world uplift modelling with significance-based uplift trees").
//!
//! Always holds: rows that chose the questions do not tell the effects in the leaves ("honest"; Athey and Imbens 2016, "Recursive partitioning for heterogeneous
//! causal effects"), so that the intervals of [`Segment`]s are no wishful ones. A leaf with too few such rows takes the effect of the node above.
//!
//! Does not do: find what needs two questions at once, neither of which parts effects alone.

mod grow;

use serde::{Deserialize, Serialize};

use super::comparison::Comparison;
use super::effect::effect_among;
use crate::estimate::Estimate;
use crate::fault::Fault;
use crate::learn::Table;
use crate::learn::boosting::bins::{Binned, Binning, binned, binnings};
use crate::resampling::Draws;
use grow::Grower;

/// How trees of effects are grown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TreeOptions {
    /// The most questions on the way to a leaf.
    pub depth: usize,
    /// The least rows of each arm in a leaf, among those that choose the questions.
    pub least_rows: usize,
    /// How many standard errors effects must be apart at least, for one tree alone; a forest asks for nothing.
    pub least_apart: f64,
    /// Trees of a forest.
    pub trees: usize,
    /// The share of rows that each tree of a forest sees.
    pub row_share: f64,
    /// The share of features that a forest tries at a node.
    pub feature_share: f64,
    /// Where chance begins.
    pub seed: u64,
}

impl Default for TreeOptions {
    fn default() -> Self {
        Self { depth: 5, least_rows: 50, least_apart: 3.0, trees: 100, row_share: 0.5, feature_share: 0.5, seed: 0 }
    }
}

/// A node; 0 is the root, and children come after their parent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Node {
    /// The effect here, by the rows that did not choose.
    effect: f64,
    /// The feature, which of its bins go left, and the children.
    question: Option<(usize, Vec<bool>, [usize; 2])>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Tree {
    nodes: Vec<Node>,
}

/// One tree, or the mean of many.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Forest {
    trees: Vec<Tree>,
    binnings: Vec<Binning>,
    shape: Vec<crate::learn::Shape>,
}

/// Persons that a tree tells apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// What they have in common, a sentence each.
    pub conditions: Vec<String>,
    /// How many rows told the effect.
    pub rows: usize,
    /// The effect; `None` where too few rows, or none that differ, tell it.
    pub effect: Option<Estimate>,
}

impl Tree {
    fn leaf(&self, row: &[u8]) -> usize {
        let mut at = 0;
        while let Some((feature, left, children)) = &self.nodes[at].question {
            at = children[usize::from(!left[row[*feature] as usize])];
        }
        at
    }

    /// Fills in the effects by rows that did not choose; gives the rows of each node.
    fn told(&mut self, binned: &Binned, comparison: &Comparison, places: &[usize], least: usize) -> Vec<Vec<usize>> {
        let mut rows = vec![Vec::new(); self.nodes.len()];
        rows[0] = places.to_vec();
        for at in 0..self.nodes.len() {
            if let Some((effect, fewest)) = mean_difference(comparison, &rows[at])
                && (at == 0 || fewest >= least)
            {
                self.nodes[at].effect = effect;
            }
            let effect = self.nodes[at].effect;
            if let Some((feature, left, children)) = &self.nodes[at].question {
                let children = *children;
                let (to_left, to_right) = rows[at].iter().partition(|it| left[binned.row(**it)[*feature] as usize]);
                (rows[children[0]], rows[children[1]]) = (to_left, to_right);
                children.iter().for_each(|it| self.nodes[*it].effect = effect);
            }
        }
        rows
    }
}

/// The difference of weighted means, and the rows of the smaller arm.
fn mean_difference(comparison: &Comparison, places: &[usize]) -> Option<(f64, usize)> {
    let (mut sums, mut weights, mut counts) = ([0.0; 2], [0.0; 2], [0; 2]);
    for at in places {
        let arm = usize::from(comparison.treated()[*at]);
        sums[arm] += comparison.weights()[*at] * comparison.response().value(*at);
        weights[arm] += comparison.weights()[*at];
        counts[arm] += 1;
    }
    (counts[0] > 0 && counts[1] > 0).then(|| (sums[1] / weights[1] - sums[0] / weights[0], counts[0].min(counts[1])))
}

/// Places of both arms in two halves of each.
fn halves(comparison: &Comparison, places: &[usize], draws: &mut Draws) -> [Vec<usize>; 2] {
    let mut both = [Vec::new(), Vec::new()];
    for arm in [true, false] {
        let own: Vec<usize> = places.iter().copied().filter(|at| comparison.treated()[*at] == arm).collect();
        draws.order(own.len()).into_iter().enumerate().for_each(|(at, it)| both[at % 2].push(own[it]));
    }
    both.iter_mut().for_each(|it| it.sort_unstable());
    both
}

impl Forest {
    /// One tree, whose questions must part effects by more than chance.
    pub(super) fn tree(table: &Table, comparison: &Comparison, options: &TreeOptions) -> Result<Self, Fault> {
        Ok(Self::one(table, comparison, options)?.0)
    }

    /// One tree, with its segments.
    fn one(table: &Table, comparison: &Comparison, options: &TreeOptions) -> Result<(Self, Vec<Segment>), Fault> {
        checked(options)?;
        let binnings = binnings(table);
        let binned = binned(table, &binnings);
        let mut draws = Draws::new(options.seed);
        let [choosing, telling] = halves(comparison, &(0..table.rows()).collect::<Vec<_>>(), &mut draws);
        let all = TreeOptions { feature_share: 1.0, ..*options };
        let mut tree = Grower::new(&binned, &binnings, comparison, &all).tree(choosing, &mut draws);
        let rows = tree.told(&binned, comparison, &telling, options.least_rows);
        let mut segments = Vec::new();
        segments_of(&tree, 0, &mut Vec::new(), &mut |at, conditions| {
            segments.push(Segment {
                conditions: said(table, &binnings, conditions),
                rows: rows[at].len(),
                effect: effect_among(comparison, &rows[at]).ok(),
            });
        });
        Ok((Self { trees: vec![tree], binnings, shape: table.shape() }, segments))
    }

    /// The mean of trees on samples without replacement.
    pub(super) fn fit(table: &Table, comparison: &Comparison, options: &TreeOptions) -> Result<Self, Fault> {
        checked(options)?;
        let binnings = binnings(table);
        let binned = binned(table, &binnings);
        let mut draws = Draws::new(options.seed);
        let rows = table.rows();
        let used = ((rows as f64 * options.row_share).ceil() as usize).clamp(1, rows);
        let free = TreeOptions { least_apart: 0.0, ..*options };
        let mut grower = Grower::new(&binned, &binnings, comparison, &free);
        let mut trees = Vec::with_capacity(options.trees);
        for _ in 0..options.trees {
            let mut places = draws.order(rows);
            places.truncate(used);
            let [choosing, telling] = halves(comparison, &places, &mut draws);
            let mut tree = grower.tree(choosing, &mut draws);
            tree.told(&binned, comparison, &telling, options.least_rows);
            trees.push(tree);
        }
        Ok(Self { trees, binnings, shape: table.shape() })
    }

    /// Whether trees have roots, questions are about features that there are and know all of their bins, and children come after their parent.
    pub(super) fn is_sound(&self) -> bool {
        let bins: Vec<usize> = self.binnings.iter().map(Binning::most).collect();
        let node = |tree: &Tree, at: usize| {
            tree.nodes[at].question.as_ref().is_none_or(|(feature, left, children)| {
                let follows = |it: &usize| *it > at && *it < tree.nodes.len();
                bins.get(*feature).is_some_and(|it| left.len() >= *it) && children.iter().all(follows)
            })
        };
        let sound = |tree: &Tree| !tree.nodes.is_empty() && (0..tree.nodes.len()).all(|at| node(tree, at));
        !self.trees.is_empty() && self.shape.len() == bins.len() && self.trees.iter().all(sound)
    }

    pub(super) fn predict(&self, table: &Table) -> Result<Vec<f64>, Fault> {
        table.fits(&self.shape)?;
        let binned = binned(table, &self.binnings);
        let share = 1.0 / self.trees.len() as f64;
        let one = |row: &[u8]| self.trees.iter().map(|it| share * it.nodes[it.leaf(row)].effect).sum();
        Ok((0..table.rows()).map(|at| one(binned.row(at))).collect())
    }
}

fn checked(options: &TreeOptions) -> Result<(), Fault> {
    let shares = [options.row_share, options.feature_share].iter().all(|it| *it > 0.0 && *it <= 1.0);
    let usable = shares && options.trees > 0 && options.least_rows > 1 && !options.least_apart.is_nan();
    if usable { Ok(()) } else { Err(Fault::NotIdentified { why: "what options outside their range should mean" }) }
}

/// Who gains how much, in words: the leaves of one honest tree.
pub fn segments(table: &Table, comparison: &Comparison, options: &TreeOptions) -> Result<Vec<Segment>, Fault> {
    if table.rows() != comparison.rows() {
        return Err(Fault::Shape { what: "rows with features", have: table.rows(), need: comparison.rows() });
    }
    Ok(Forest::one(table, comparison, options)?.1)
}

type Condition<'a> = (usize, &'a [bool], bool);

fn segments_of<'a>(
    tree: &'a Tree,
    at: usize,
    way: &mut Vec<Condition<'a>>,
    found: &mut dyn FnMut(usize, &[Condition<'a>]),
) {
    let Some((feature, left, children)) = &tree.nodes[at].question else { return found(at, way) };
    for (child, is_left) in children.iter().zip([true, false]) {
        way.push((*feature, left, is_left));
        segments_of(tree, *child, way, found);
        way.pop();
    }
}

/// Conditions as sentences: numbers by their edge, categories by their names.
fn said(table: &Table, binnings: &[Binning], conditions: &[Condition]) -> Vec<String> {
    let one = |(feature, left, is_left): &Condition| {
        let own = &table.features()[*feature];
        let missing = if own.has_missing() && left[0] == *is_left { " or missing" } else { "" };
        match (&binnings[*feature], &own.values) {
            (Binning::Numbers(edges), _) => {
                let last = (1..left.len()).rev().find(|it| left[*it]).unwrap_or(0);
                match (edges.get(last.wrapping_sub(1)), is_left) {
                    (Some(edge), true) => format!("{} is at most {edge}{missing}", own.name),
                    (Some(edge), false) => format!("{} is above {edge}{missing}", own.name),
                    (None, _) if left[0] == *is_left => format!("{} is missing", own.name),
                    (None, _) => format!("{} is there", own.name),
                }
            }
            (Binning::Categories(bins, _), crate::learn::Values::Categories { levels, .. }) => {
                let names = levels.iter().zip(bins).filter(|it| *it.1 > 0 && left[*it.1 as usize] == *is_left);
                let names: Vec<&str> = names.map(|it| it.0.as_str()).collect();
                format!("{} is {}{missing}", own.name, names.join(" or "))
            }
            _ => own.name.clone(),
        }
    };
    conditions.iter().map(one).collect()
}

#[cfg(test)]
mod tests;
