//! Feelings learnt from texts that people corrected, in any language, together with the rules.
//!
//! Always holds: the same corrections give the same model; precision and recall are those on texts that the model had not seen, beside those of the
//! rules on the same texts, and a feeling goes by whichever of the two did better; it keeps no text.

use std::collections::BTreeSet;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{ALL, Evidence, Feeling, Felt, PRESENT, evidence, strengths};
use crate::features::{Grams, Sparse, Vocabulary, hash};
use crate::learnt::{COST, GRAMS, log_odds, shares};
use crate::linear::{Loss, Rows, Weights, learn};
use crate::rules;

/// Fewer texts with a feeling, or without it, teach nothing of it.
pub const LEAST_EXAMPLES: usize = 10;
const FOLDS: u64 = 5;
const MOST_GRAMS: usize = 1 << 18;
/// What the rules say is worth so much beside all n-grams of a text.
const RULES: f32 = 2.0;
/// So many words are named as reasons.
const MOST_REASONS: usize = 4;

/// How well a way to find a feeling does.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Measured {
    /// How many texts it found it in.
    pub found: usize,
    /// In how many of these people found it too.
    pub right: usize,
    /// In how many people found it.
    pub shown: usize,
}

impl Measured {
    /// Counts pairs of what was found and what people found.
    pub fn of(pairs: impl IntoIterator<Item = (bool, bool)>) -> Self {
        pairs.into_iter().fold(Self::default(), |sum, (found, shown)| Self {
            found: sum.found + usize::from(found),
            right: sum.right + usize::from(found && shown),
            shown: sum.shown + usize::from(shown),
        })
    }

    /// The share of those found that are right; `None` if none was found.
    pub fn precision(&self) -> Option<f64> {
        (self.found > 0).then(|| self.right as f64 / self.found as f64)
    }

    /// The share of those shown that were found; `None` if none was shown.
    pub fn recall(&self) -> Option<f64> {
        (self.shown > 0).then(|| self.right as f64 / self.shown as f64)
    }

    /// The harmonic mean of both.
    pub fn f1(&self) -> f64 {
        if self.found + self.shown > 0 { 2.0 * self.right as f64 / (self.found + self.shown) as f64 } else { 0.0 }
    }
}

/// What was learnt of one feeling.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct One {
    feeling: Feeling,
    weights: Weights,
    odds: (f64, f64),
    learnt: Measured,
    rules: Measured,
}

impl One {
    fn is_better(&self) -> bool {
        self.learnt.f1() > self.rules.f1()
    }
}

/// What was learnt from corrected texts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LearntFeelings {
    vocabulary: Vocabulary,
    of: Vec<One>,
}

/// A feeling, and how well it is found in texts that were not learnt from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quality {
    /// Which.
    pub feeling: Feeling,
    /// By what was learnt together with the rules.
    pub learnt: Measured,
    /// By the rules alone, on the same texts.
    pub rules: Measured,
}

impl LearntFeelings {
    /// Learns from texts and the feelings that people find in each. `None` if of no feeling there are enough examples.
    pub fn learn(corrected: &[(&str, &BTreeSet<Feeling>)]) -> Option<Self> {
        let enough = |feeling: &Feeling| {
            let shown = corrected.iter().filter(|it| it.1.contains(feeling)).count();
            shown >= LEAST_EXAMPLES && corrected.len() - shown >= LEAST_EXAMPLES
        };
        let wanted: Vec<Feeling> = ALL.into_iter().filter(enough).collect();
        if wanted.is_empty() {
            return None;
        }
        let unseen = unseen(corrected, &wanted);
        let by_rules: Vec<_> = corrected.iter().map(|it| strengths(it.0)).collect();
        let texts: Vec<&str> = corrected.iter().map(|it| it.0).collect();
        let (vocabulary, rows) = rows(&texts);
        let which: Vec<u32> = (0..corrected.len() as u32).collect();
        let one = |(feeling, sums): (Feeling, Vec<f64>)| {
            let shown: Vec<bool> = corrected.iter().map(|it| it.1.contains(&feeling)).collect();
            let odds = log_odds(&sums, &shown);
            let found = sums.iter().map(|sum| odds.0 + odds.1 * sum > 0.0);
            let of_rules = by_rules.iter().map(|it| it[feeling as usize] >= PRESENT);
            let learnt = Measured::of(found.zip(shown.iter().copied()));
            let rules = Measured::of(of_rules.zip(shown.iter().copied()));
            One { feeling, weights: fitted(&rows, &which, &shown), odds, learnt, rules }
        };
        Some(Self { vocabulary, of: wanted.into_iter().zip(unseen).map(one).collect() })
    }

    /// The feelings that `text` shows, strongest first; of what was learnt the strength is a probability.
    pub fn feelings(&self, text: &str) -> Vec<Felt> {
        let row = row(&self.vocabulary, text);
        let mut felt: Vec<Felt> = Vec::new();
        for (feeling, by_rules) in ALL.into_iter().zip(evidence(text)) {
            let (strength, reasons) = match self.of.iter().find(|it| it.feeling == feeling && it.is_better()) {
                None => (by_rules.strength(), by_rules.reasons),
                Some(one) => {
                    let odds = one.odds.0 + one.odds.1 * f64::from(one.weights.sum(&row));
                    (1.0 / (1.0 + libm::exp(-odds)), self.reasons(one, text, by_rules))
                }
            };
            if strength >= PRESENT {
                felt.push(Felt { feeling, strength, reasons });
            }
        }
        felt.sort_by(|a, b| b.strength.total_cmp(&a.strength).then(a.feeling.cmp(&b.feeling)));
        felt
    }

    /// How well each feeling that was learnt is found.
    pub fn quality(&self) -> Vec<Quality> {
        let of = |it: &One| Quality { feeling: it.feeling, learnt: it.learnt, rules: it.rules };
        self.of.iter().map(of).collect()
    }

    /// The words of the rules, and those that what was learnt weighs most.
    fn reasons(&self, one: &One, text: &str, by_rules: Evidence) -> Vec<Range<usize>> {
        let (words, shares) = shares(&self.vocabulary, &one.weights, text);
        let mut words: Vec<(Range<usize>, f64)> =
            words.into_iter().zip(shares).filter(|it| it.1 * one.odds.1 > 0.0).collect();
        words.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.start.cmp(&b.0.start)));
        let mut reasons = by_rules.reasons;
        for (range, _) in words.into_iter().take(MOST_REASONS) {
            if !reasons.iter().any(|it| it.start < range.end && range.start < it.end) {
                reasons.push(range);
            }
        }
        reasons.sort_by_key(|it| it.start);
        reasons
    }
}

/// For every wanted feeling and text the sum by a model that had not seen the text; copies are on one side.
fn unseen(corrected: &[(&str, &BTreeSet<Feeling>)], wanted: &[Feeling]) -> Vec<Vec<f64>> {
    let mut sums = vec![vec![0.0; corrected.len()]; wanted.len()];
    let folds: Vec<u64> = corrected.iter().map(|it| hash(it.0.trim().as_bytes()) % FOLDS).collect();
    for fold in 0..FOLDS {
        let kept: Vec<usize> = (0..corrected.len()).filter(|at| folds[*at] != fold).collect();
        let texts: Vec<&str> = kept.iter().map(|at| corrected[*at].0).collect();
        let (vocabulary, rows) = rows(&texts);
        let which: Vec<u32> = (0..kept.len() as u32).collect();
        let back: Vec<(usize, Sparse)> = (0..corrected.len())
            .filter(|at| folds[*at] == fold)
            .map(|at| (at, row(&vocabulary, corrected[at].0)))
            .collect();
        for (feeling, sums) in wanted.iter().zip(&mut sums) {
            let shown: Vec<bool> = kept.iter().map(|at| corrected[*at].1.contains(feeling)).collect();
            let weights = fitted(&rows, &which, &shown);
            back.iter().for_each(|(at, row)| sums[*at] = f64::from(weights.sum(row)));
        }
    }
    sums
}

fn fitted(rows: &Rows, which: &[u32], shown: &[bool]) -> Weights {
    learn(rows, which, |at| if shown[at as usize] { 1.0 } else { -1.0 }, Loss::Hinge, COST)
}

fn rows(texts: &[&str]) -> (Vocabulary, Rows) {
    let vocabulary = Vocabulary::learn(texts.iter().copied(), Grams { most: MOST_GRAMS, ..GRAMS });
    let mut rows = Rows::default();
    texts.iter().for_each(|text| rows.push(&row(&vocabulary, text)));
    (vocabulary, rows)
}

/// A text's n-grams and, behind them, what the rules of feelings and of sentiment say.
fn row(vocabulary: &Vocabulary, text: &str) -> Sparse {
    let mut row = vocabulary.vector(text);
    let from = vocabulary.len() as u32;
    let by_rules = strengths(text).into_iter().chain([rules::sentiment(text).compound]);
    row.extend((from..).zip(by_rules).map(|(at, it)| (at, it as f32 * RULES)));
    row
}
