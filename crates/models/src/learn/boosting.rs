//! Gradient boosting: many small trees, each of which mends what those before it left (Friedman 2001), over histograms of at most 256 bins (Ke and others
//! 2017, "LightGBM: a highly efficient gradient boosting decision tree").
//!
//! Missing values go to the side where they serve best; categories are divided in two sets, not cut in an order of chance. How many trees and how large they
//! are is found inside the training part: the rows are cut in folds, each fold's model stops where its own held rows are told no better, and the model is
//! the mean of the folds' models. What each says of its held rows is kept, because only such scores can be calibrated and judged.
//!
//! Always holds: the same rows, options and seed give the same model; a prediction is a sum that [`Boosting::explain`] divides exactly among the features.
//!
//! Does not do: say what would happen if a feature were changed; a tree knows what goes together.

pub(crate) mod bins;
mod explain;
mod grow;
mod split;
mod tree;

use serde::{Deserialize, Serialize};

use super::calibration::probability;
use super::folds::{Folds, taken};
use super::metrics::surprise;
use super::table::{Feature, Shape, Table};
use crate::fault::{Fault, none_of};
use crate::resampling::Draws;
pub use explain::Contributions;

use bins::{Binned, Binning, binned, binnings};
use grow::{Grower, Slope};
use tree::Tree;

/// What is learnt.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    /// Whether something came true: trees add up to log-odds.
    Class(&'a [bool]),
    /// A number: trees add up to its mean.
    Number(&'a [f64]),
}

/// How trees are grown. The number of trees and of leaves is found inside the training part. The defaults of the shares were chosen by trying a peer's
/// boosting on the four data sets of the gates, so that those are no independent evidence for them.
#[derive(Clone, Debug, PartialEq)]
pub struct BoostingOptions {
    /// The most trees; so many, where nothing stops earlier.
    pub trees: usize,
    /// The part of each tree that is used, above 0 to 1.
    pub learning_rate: f64,
    /// The most leaves of a tree; of several the best is found inside the training part.
    pub leaves: Vec<usize>,
    /// The least rows of a leaf.
    pub least_rows: usize,
    /// What is added to curvatures, so that small leaves say less.
    pub ridge: f64,
    /// The share of rows that each tree is grown from.
    pub row_share: f64,
    /// The share of features that is tried at each node.
    pub feature_share: f64,
    /// The direction that the outcome may go in with each feature of numbers: 1 up, −1 down, 0 or nothing either.
    pub directions: Vec<i8>,
    /// Trees without any better on held rows, after which it stops.
    pub patience: usize,
    /// Folds inside the training part.
    pub folds: usize,
    /// Where chance begins.
    pub seed: u64,
}

impl Default for BoostingOptions {
    fn default() -> Self {
        Self {
            trees: 2_000,
            learning_rate: 0.1,
            leaves: vec![4, 8, 31],
            least_rows: 20,
            ridge: 1.0,
            row_share: 0.7,
            feature_share: 0.5,
            directions: Vec::new(),
            patience: 30,
            folds: 5,
            seed: 0,
        }
    }
}

/// Trees and where they start from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Boosting {
    base: f64,
    trees: Vec<Tree>,
    binnings: Vec<Binning>,
    shape: Vec<Shape>,
    class: bool,
}

/// A model whose size was found on held rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Stopped {
    /// The mean of the folds' models.
    pub model: Boosting,
    /// For each row what the model that did not learn from it says: log-odds, or a number.
    pub held: Vec<f64>,
    /// The leaves that were best.
    pub leaves: usize,
    /// The trees of each fold's model.
    pub trees: Vec<usize>,
}

impl Outcome<'_> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Class(it) => it.len(),
            Self::Number(it) => it.len(),
        }
    }

    /// Where nothing is known yet: the mean, in the unit of the trees' sum.
    fn start(&self, rows: &[u32], weights: Option<&[f64]>) -> f64 {
        let of = |row: usize| match self {
            Self::Class(it) => f64::from(u8::from(it[row])),
            Self::Number(it) => it[row],
        };
        let (sum, all) = rows.iter().fold((0.0, 0.0), |(sum, all), it| {
            let weight = weights.map_or(1.0, |w| w[*it as usize]);
            (sum + weight * of(*it as usize), all + weight)
        });
        let mean = if all > 0.0 { sum / all } else { 0.0 };
        match self {
            Self::Class(_) => super::calibration::log_odds(mean.clamp(1e-6, 1.0 - 1e-6)),
            Self::Number(_) => mean,
        }
    }

    /// Slopes and curvatures of the loss at these scores.
    fn slopes(&self, rows: &[u32], scores: &[f64], weights: Option<&[f64]>, slopes: &mut [Slope]) {
        for row in rows {
            let at = *row as usize;
            let weight = weights.map_or(1.0, |it| it[at] as f32);
            slopes[at] = match self {
                Self::Class(it) => {
                    let p = 1.0 / (1.0 + (-scores[at] as f32).exp());
                    [weight * (p - f32::from(u8::from(it[at]))), weight * (p * (1.0 - p)).max(1e-12)]
                }
                Self::Number(it) => [weight * (scores[at] - it[at]) as f32, weight],
            };
        }
    }

    /// How bad scores are on these rows.
    fn loss(&self, rows: &[usize], scores: &[f64], weights: Option<&[f64]>) -> f64 {
        let one = |at: &usize| {
            let loss = match self {
                Self::Class(it) => surprise(probability(scores[*at]), it[*at]),
                Self::Number(it) => (scores[*at] - it[*at]).powi(2),
            };
            loss * weights.map_or(1.0, |it| it[*at])
        };
        rows.iter().map(one).sum()
    }
}

impl Boosting {
    /// As many trees as the options say, of their first number of leaves, grown from all rows.
    pub fn fit(
        table: &Table,
        outcome: Outcome,
        weights: Option<&[f64]>,
        options: &BoostingOptions,
    ) -> Result<Self, Fault> {
        checked(table, outcome, weights, options)?;
        let binnings = binnings(table);
        let binned = binned(table, &binnings);
        let rows: Vec<u32> = (0..table.rows() as u32).collect();
        let leaves = options.leaves.first().copied().unwrap_or(31);
        let grown = grown(&binned, &binnings, outcome, weights, options, leaves, (rows, &[]), options.seed);
        let class = matches!(outcome, Outcome::Class(_));
        Ok(Self { base: grown.base, trees: grown.trees, binnings, shape: table.shape(), class })
    }

    /// The mean of models that each stop where a fold that they did not learn from is told no better. `folds` says which rows belong together; without
    /// it they are cut by chance, keeping the share of positives.
    pub fn fit_stopped(
        table: &Table,
        outcome: Outcome,
        weights: Option<&[f64]>,
        folds: Option<&Folds>,
        options: &BoostingOptions,
    ) -> Result<Stopped, Fault> {
        checked(table, outcome, weights, options)?;
        let own = match outcome {
            _ if folds.is_some() => None,
            Outcome::Class(labels) => Some(Folds::stratified(labels, options.folds, options.seed)),
            Outcome::Number(_) => Some(Folds::plain(table.rows(), options.folds, options.seed)),
        };
        let folds = folds.or(own.as_ref()).ok_or(Fault::DidNotSettle)?;
        let binnings = binnings(table);
        let binned = binned(table, &binnings);
        let fold = |fold: usize, leaves: usize| {
            let kept = folds.kept(fold).into_iter().map(|it| it as u32).collect();
            grown(
                &binned,
                &binnings,
                outcome,
                weights,
                options,
                leaves,
                (kept, &folds.held(fold)),
                options.seed ^ (fold as u64 + 1),
            )
        };
        let (leaves, first) = options
            .leaves
            .iter()
            .map(|it| (*it, fold(0, *it)))
            .min_by(|a, b| a.1.loss.total_cmp(&b.1.loss))
            .ok_or(Fault::TooFew { what: "choices of leaves", have: 0, need: 1 })?;
        let mut held = vec![0.0; table.rows()];
        let (mut base, mut trees, mut counts) = (0.0, Vec::new(), Vec::new());
        let share = 1.0 / folds.count() as f64;
        for (at, mut grown) in std::iter::once(first).chain((1..folds.count()).map(|it| fold(it, leaves))).enumerate() {
            folds.held(at).into_iter().zip(&grown.held).for_each(|(row, it)| held[row] = *it);
            base += share * grown.base;
            counts.push(grown.trees.len());
            grown.trees.iter_mut().for_each(|it| it.scale(share));
            trees.append(&mut grown.trees);
        }
        let class = matches!(outcome, Outcome::Class(_));
        let model = Self { base, trees, binnings, shape: table.shape(), class };
        Ok(Stopped { model, held, leaves, trees: counts })
    }

    /// For each row the sum of the trees: log-odds of a class, or a number. Fails for a table with other features.
    pub fn scores(&self, table: &Table) -> Result<Vec<f64>, Fault> {
        table.fits(&self.shape)?;
        let binned = binned(table, &self.binnings);
        let score = |row| self.base + self.trees.iter().map(|it| it.value(binned.row(row))).sum::<f64>();
        Ok((0..table.rows()).map(score).collect())
    }

    /// For each row the probability of a class, or the number.
    pub fn predict(&self, table: &Table) -> Result<Vec<f64>, Fault> {
        let scores = self.scores(table)?;
        Ok(if self.class { scores.into_iter().map(probability).collect() } else { scores })
    }

    /// What each feature did for telling the training part apart, as a share of all; in the order of the features.
    pub fn importance(&self) -> Vec<f64> {
        let mut gains = vec![0.0; self.shape.len()];
        for question in self.trees.iter().flat_map(|it| &it.nodes).filter_map(|it| it.question.as_ref()) {
            gains[question.feature as usize] += question.gain;
        }
        let all: f64 = gains.iter().sum();
        gains.into_iter().map(|it| if all > 0.0 { it / all } else { 0.0 }).collect()
    }

    /// Whether all parts fit together.
    pub(crate) fn is_sound(&self) -> bool {
        let features = self.shape.len();
        let kinds = self.binnings.iter().zip(&self.shape);
        self.binnings.len() == features
            && kinds.into_iter().all(|(binning, it)| binning.is_categorical() == it.levels.is_some())
            && self.trees.iter().all(|it| it.is_sound(features))
    }

    /// How many trees.
    pub fn trees(&self) -> usize {
        self.trees.len()
    }
}

/// The bin of each row's value: 0 is missing.
pub(crate) fn bins_of(feature: &Feature) -> Vec<u8> {
    let binning = Binning::of(feature);
    binning.bins(feature)
}

/// Whether outcome and weights fit the table and can be learnt from.
pub(crate) fn checked_rows(table: &Table, outcome: Outcome, weights: Option<&[f64]>) -> Result<(), Fault> {
    let rows = table.rows();
    for (what, have) in [("outcomes", outcome.len()), ("weights", weights.map_or(rows, <[f64]>::len))] {
        if have != rows {
            return Err(Fault::Shape { what, have, need: rows });
        }
    }
    if rows < 4 || u32::try_from(rows).is_err() {
        return Err(Fault::TooFew { what: "rows", have: rows, need: 4 });
    }
    none_of(weights.unwrap_or(&[]), |it| !it.is_finite() || *it < 0.0, |row| Fault::Negative { row })?;
    match outcome {
        Outcome::Class(it) if it.iter().all(|label| *label == it[0]) => Err(Fault::OneClass),
        // Beyond this squares of slopes leave the range of numbers.
        Outcome::Number(it) => none_of(it, |it| it.is_nan() || it.abs() >= 1e15, |row| Fault::NotFinite { row }),
        Outcome::Class(_) => Ok(()),
    }
}

fn checked(table: &Table, outcome: Outcome, weights: Option<&[f64]>, options: &BoostingOptions) -> Result<(), Fault> {
    checked_rows(table, outcome, weights)?;
    let usable =
        options.learning_rate > 0.0 && options.learning_rate <= 1.0 && options.trees > 0 && options.ridge >= 0.0;
    if usable { Ok(()) } else { Err(Fault::NotIdentified { why: "what options outside their range should mean" }) }
}

/// Trees of one model, with what they say of held rows.
struct Grown {
    base: f64,
    trees: Vec<Tree>,
    held: Vec<f64>,
    loss: f64,
}

/// Trees grown from rows until those held are told no better.
#[expect(clippy::too_many_arguments, reason = "one private function that both ways of fitting share")]
fn grown(
    binned: &Binned,
    binnings: &[Binning],
    outcome: Outcome,
    weights: Option<&[f64]>,
    options: &BoostingOptions,
    leaves: usize,
    (rows, held): (Vec<u32>, &[usize]),
    seed: u64,
) -> Grown {
    let base = outcome.start(&rows, weights);
    let mut scores = vec![base; binned.rows()];
    let mut slopes = vec![[0.0; 2]; binned.rows()];
    let mut grower = Grower::new(binned, binnings, options, leaves.max(2));
    let mut draws = Draws::new(seed);
    let mut trees: Vec<Tree> = Vec::new();
    let (mut best, mut at_best) = (outcome.loss(held, &scores, weights), 0);
    let mut best_held: Vec<f64> = taken(&scores, held);
    let used = ((rows.len() as f64 * options.row_share).ceil() as usize).clamp(1, rows.len());
    for _ in 0..options.trees {
        outcome.slopes(&rows, &scores, weights, &mut slopes);
        let (mut drawn, out) = sampled(&rows, used, &mut draws);
        let (mut tree, places) = grower.tree(&mut drawn, &slopes, &mut draws);
        tree.scale(options.learning_rate);
        for (node, from, to) in places {
            drawn[from..to].iter().for_each(|it| scores[*it as usize] += tree.nodes[node].value);
        }
        let others = out.iter().map(|it| *it as usize).chain(held.iter().copied());
        others.for_each(|it| scores[it] += tree.value(binned.row(it)));
        let nothing = tree.nodes.len() == 1;
        trees.push(tree);
        if !held.is_empty() {
            let loss = outcome.loss(held, &scores, weights);
            if loss < best {
                (best, at_best) = (loss, trees.len());
                best_held = taken(&scores, held);
            }
            if trees.len() - at_best >= options.patience.max(1) {
                break;
            }
        } else if nothing && used == rows.len() && options.feature_share >= 1.0 {
            break;
        }
    }
    if !held.is_empty() {
        trees.truncate(at_best);
    }
    Grown { base, trees, held: best_held, loss: best }
}

/// `used` of the rows by chance, in their order, and the others (Knuth's selection, "Seminumerical algorithms", 3.4.2 S).
fn sampled(rows: &[u32], used: usize, draws: &mut Draws) -> (Vec<u32>, Vec<u32>) {
    if used == rows.len() {
        return (rows.to_vec(), Vec::new());
    }
    let (mut drawn, mut out) = (Vec::with_capacity(used), Vec::with_capacity(rows.len() - used));
    for (at, row) in rows.iter().enumerate() {
        let taken = draws.below(rows.len() - at) < used - drawn.len();
        if taken { drawn.push(*row) } else { out.push(*row) }
    }
    (drawn, out)
}

#[cfg(test)]
mod tests;
