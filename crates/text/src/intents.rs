//! What a text wants, by examples: a workspace names intents and gives each some texts.
//!
//! Always holds: the same examples give the same model; probabilities are calibrated on examples that it had not seen; a text of which nothing is known
//! has no intent rather than the most frequent one.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::features::{Grams, Sparse, Vocabulary, hash};
use crate::learnt::{COST, GRAMS};
use crate::linear::{Loss, Rows, Weights, learn};

/// The n-grams kept: there is a weight of each for every intent.
const MOST_GRAMS: usize = 1 << 17;
const HELD_BACK: u64 = 5;

/// What was learnt from examples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intents {
    vocabulary: Vocabulary,
    names: Vec<String>,
    weights: Vec<Weights>,
    sharpness: f64,
    accuracy: Option<f64>,
}

/// An intent that a text may have.
#[derive(Debug, Clone, PartialEq)]
pub struct Guess<'m> {
    /// Its name.
    pub intent: &'m str,
    /// How probable it is, if it is one of those that were learnt.
    pub probability: f64,
}

impl Intents {
    /// Learns from texts and the names of their intents. `None` with fewer than two intents.
    pub fn learn(examples: &[(&str, &str)]) -> Option<Self> {
        let (held_back, kept): (Vec<_>, Vec<_>) = examples.iter().copied().partition(|(text, _)| fold(text) == 0);
        let mut learnt = Self::fitted(examples)?;
        let unseen = Self::fitted(&kept).filter(|first| first.names == learnt.names && !held_back.is_empty());
        if let Some(first) = unseen {
            let sums: Vec<(Vec<f64>, usize)> =
                held_back.iter().filter_map(|(text, name)| Some((first.sums(text)?, first.place(name)?))).collect();
            let right = sums.iter().filter(|(sums, own)| best(sums) == *own).count();
            learnt.accuracy = Some(right as f64 / held_back.len() as f64);
            learnt.sharpness = sharpness(&sums);
        }
        Some(learnt)
    }

    fn fitted(examples: &[(&str, &str)]) -> Option<Self> {
        let names: BTreeSet<&str> = examples.iter().map(|(_, name)| *name).collect();
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        if names.len() < 2 {
            return None;
        }
        let vocabulary = Vocabulary::learn(examples.iter().map(|(text, _)| *text), Grams { most: MOST_GRAMS, ..GRAMS });
        let mut rows = Rows::default();
        examples.iter().for_each(|(text, _)| rows.push(&vocabulary.vector(text)));
        let which: Vec<u32> = (0..examples.len() as u32).collect();
        let one = |name: &String| {
            let target = |at: u32| if examples[at as usize].1 == name { 1.0 } else { -1.0 };
            learn(&rows, &which, target, Loss::Hinge, COST)
        };
        let weights = names.iter().map(one).collect();
        Some(Self { vocabulary, names, weights, sharpness: 2.0, accuracy: None })
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.names.binary_search_by(|own| own.as_str().cmp(name)).ok()
    }

    fn sums(&self, text: &str) -> Option<Vec<f64>> {
        let vector: Sparse = self.vocabulary.vector(text);
        (!vector.is_empty()).then(|| self.weights.iter().map(|weights| f64::from(weights.sum(&vector))).collect())
    }

    /// The intents that a text may have, most probable first; none if nothing of it is known.
    pub fn guesses(&self, text: &str) -> Vec<Guess<'_>> {
        let Some(sums) = self.sums(text) else { return Vec::new() };
        let chances = chances(&sums, self.sharpness);
        let mut order: Vec<usize> = (0..sums.len()).collect();
        order.sort_by(|a, b| sums[*b].total_cmp(&sums[*a]).then(a.cmp(b)));
        order.into_iter().map(|at| Guess { intent: &self.names[at], probability: chances[at] }).collect()
    }

    /// The share of examples that were found right when they were held back; `None` if there were too few to hold some back.
    pub fn accuracy(&self) -> Option<f64> {
        self.accuracy
    }
}

/// Which fifth an example is in; the same text is always in the same. Those of the first calibrate and measure.
pub(crate) fn fold(text: &str) -> u64 {
    hash(text.trim().as_bytes()) % HELD_BACK
}

fn best(sums: &[f64]) -> usize {
    (0..sums.len()).reduce(|best, at| if sums[at] > sums[best] { at } else { best }).unwrap_or_default()
}

fn chances(sums: &[f64], sharpness: f64) -> Vec<f64> {
    let most = sums.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let raised: Vec<f64> = sums.iter().map(|sum| libm::exp((sum - most) * sharpness)).collect();
    let total: f64 = raised.iter().sum();
    raised.into_iter().map(|it| it / total).collect()
}

/// By what the sums are multiplied so that unseen examples are most probable (temperature scaling, Guo et al. 2017): golden section.
fn sharpness(unseen: &[(Vec<f64>, usize)]) -> f64 {
    let surprise = |log: f64| -> f64 {
        let of = |(sums, own): &(Vec<f64>, usize)| -libm::log(chances(sums, libm::exp(log))[*own].max(1e-12));
        unseen.iter().map(of).sum()
    };
    let golden = (5f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (-2.0, 4.0);
    for _ in 0..30 {
        let (a, b) = (high - golden * (high - low), low + golden * (high - low));
        if surprise(a) < surprise(b) { high = b } else { low = a }
    }
    libm::exp((low + high) / 2.0)
}
