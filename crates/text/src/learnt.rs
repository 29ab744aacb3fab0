//! Sentiment learnt from texts that people rated, in any language, together with the rules.
//!
//! Always holds: the same rated texts give the same model; what it says is calibrated on texts that it had not seen, and how well it does is measured on
//! them; it keeps no text. Where nothing was learnt yet there are `crate::rules`.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::features::{Grams, Spans, Sparse, Vocabulary, hash};
use crate::linear::{Loss, Rows, Weights, learn};
use crate::rules::{self, Reason};

/// Fewer rated texts than these teach nothing that could be measured.
pub const LEAST_TEXTS: usize = 50;
/// Beyond, an n-gram of one text only is left out.
const MANY_TEXTS: usize = 20_000;
/// One of so many texts is held back to calibrate and measure.
const HELD_BACK: u64 = 5;
/// The n-grams of sentiment and intents (docs/decisions/0016 says how they were chosen).
pub(crate) const GRAMS: Grams = Grams { words: 2, characters: (2, 5), weight: 0.5, least_texts: 1, most: 1 << 20 };
pub(crate) const COST: f32 = 1.0;

/// What was learnt from rated texts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Learnt {
    vocabulary: Vocabulary,
    weights: Weights,
    mean: f64,
    /// The rating is the first plus the second times the sum.
    rating: (f64, f64),
    /// The same for the log odds of being above the middle.
    odds: (f64, f64),
    bounds: (f64, f64),
    measured: Measured,
}

/// How well it does on the texts that were held back.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// How many were learnt from in the end.
    pub texts: usize,
    /// How many had been held back.
    pub held_back: usize,
    /// Pearson's r of what people and the model said of them.
    pub correlation: f64,
    /// The share of them that were put on the right side of the middle.
    pub accuracy: f64,
    /// The root of the mean squared difference of the ratings.
    pub off: f64,
}

/// What the model says of a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// On the scale of the ratings it learnt from, within what was seen.
    pub rating: f64,
    /// The probability that people would rate it above the middle.
    pub positive: f64,
}

impl Learnt {
    /// Learns from texts and their ratings; above `middle` is positive. `None` if they are too few or all rated alike.
    pub fn learn(rated: &[(&str, f64)], middle: f64) -> Option<Self> {
        let rated: Vec<(&str, f64)> = rated.iter().copied().filter(|(_, rating)| rating.is_finite()).collect();
        let back = |text: &str| hash(text.trim().as_bytes()).is_multiple_of(HELD_BACK);
        let (held_back, kept): (Vec<_>, Vec<_>) = rated.iter().copied().partition(|(text, _)| back(text));
        if rated.len() < LEAST_TEXTS
            || held_back.is_empty()
            || kept.is_empty()
            || rated.iter().all(|it| it.1 == rated[0].1)
        {
            return None;
        }
        let first = Self::fitted(&kept);
        let sums: Vec<f64> = held_back.iter().map(|(text, _)| first.sum(text)).collect();
        let ratings: Vec<f64> = held_back.iter().map(|(_, rating)| *rating).collect();
        let rating = line(&sums, &ratings);
        let above: Vec<bool> = ratings.iter().map(|rating| *rating > middle).collect();
        let odds = log_odds(&sums, &above);
        let mut learnt = Self::fitted(&rated);
        let of = |sum: &f64| learnt.bounded(rating.0 + rating.1 * sum);
        let squares: f64 = sums.iter().zip(&ratings).map(|(sum, rating)| (of(sum) - rating).powi(2)).sum();
        let right = sums.iter().zip(&above).filter(|(sum, above)| (odds.0 + odds.1 * **sum > 0.0) == **above).count();
        let count = held_back.len() as f64;
        learnt.measured = Measured {
            texts: rated.len(),
            held_back: held_back.len(),
            correlation: correlation(&sums, &ratings),
            accuracy: right as f64 / count,
            off: (squares / count).sqrt(),
        };
        (learnt.rating, learnt.odds) = (rating, odds);
        Some(learnt)
    }

    /// The weights for these texts, calibrated on nothing yet.
    fn fitted(rated: &[(&str, f64)]) -> Self {
        let least_texts = if rated.len() > MANY_TEXTS { 2 } else { 1 };
        let vocabulary = Vocabulary::learn(rated.iter().map(|(text, _)| *text), Grams { least_texts, ..GRAMS });
        let mean = rated.iter().map(|(_, rating)| rating).sum::<f64>() / rated.len() as f64;
        let spread = rated.iter().map(|(_, rating)| (rating - mean).powi(2)).sum::<f64>() / rated.len() as f64;
        let scale = spread.sqrt().max(f64::MIN_POSITIVE);
        let mut rows = Rows::default();
        rated.iter().for_each(|(text, _)| rows.push(&row(&vocabulary, text)));
        let which: Vec<u32> = (0..rated.len() as u32).collect();
        let target = |at: u32| ((rated[at as usize].1 - mean) / scale) as f32;
        let weights = learn(&rows, &which, target, Loss::Square, COST);
        let low = rated.iter().map(|it| it.1).fold(f64::INFINITY, f64::min);
        let bounds = (low, rated.iter().map(|it| it.1).fold(low, f64::max));
        let measured = Measured { texts: 0, held_back: 0, correlation: 0.0, accuracy: 0.0, off: 0.0 };
        Self { vocabulary, weights, mean, rating: (mean, scale), odds: (0.0, 0.0), bounds, measured }
    }

    fn sum(&self, text: &str) -> f64 {
        f64::from(self.weights.sum(&row(&self.vocabulary, text)))
    }

    fn bounded(&self, rating: f64) -> f64 {
        rating.clamp(self.bounds.0, self.bounds.1)
    }

    /// What it says of a text.
    pub fn estimate(&self, text: &str) -> Estimate {
        let sum = self.sum(text);
        let odds = self.odds.0 + self.odds.1 * sum;
        Estimate { rating: self.bounded(self.rating.0 + self.rating.1 * sum), positive: 1.0 / (1.0 + libm::exp(-odds)) }
    }

    /// How well it does, measured on texts that it had not seen.
    pub fn measured(&self) -> Measured {
        self.measured
    }

    /// The words that decided, weightiest first: how far each moves the rating, n-grams and rules together.
    pub fn reasons(&self, text: &str, most: usize) -> Vec<Reason> {
        let (tokens, mut shares) = shares(&self.vocabulary, &self.weights, text);
        let token = |at: usize| tokens.partition_point(|token| token.start <= at).saturating_sub(1);
        let decided = rules::reasons(text);
        let by_rules: f64 = by_rules(text, self.vocabulary.len()).iter().map(|it| self.weights.part(it)).sum();
        let all: f64 = decided.iter().map(|it| it.valence.abs()).sum();
        for it in decided.iter().filter(|it| tokens.last().is_some_and(|last| it.range.start < last.end)) {
            shares[token(it.range.start)] += by_rules * it.valence.abs() / all;
        }
        let reason = |(range, share): (Range<usize>, f64)| Reason { range, valence: share * self.rating.1 };
        let mut reasons: Vec<Reason> = tokens.into_iter().zip(shares).filter(|it| it.1 != 0.0).map(reason).collect();
        reasons.sort_by(|a, b| b.valence.abs().total_cmp(&a.valence.abs()).then(a.range.start.cmp(&b.range.start)));
        reasons.truncate(most);
        reasons
    }
}

/// The words of a text, and what the n-grams in which each is add to the sum; an n-gram's share is divided among its words.
pub(crate) fn shares(vocabulary: &Vocabulary, weights: &Weights, text: &str) -> (Vec<Range<usize>>, Vec<f64>) {
    let Spans { vector, spans, tokens } = vocabulary.spans(text);
    let mut shares = vec![0.0; tokens.len()];
    let token = |at: usize| tokens.partition_point(|token| token.start <= at).saturating_sub(1);
    spread(weights, &vector, &spans, |range, share| {
        let (first, last) = (token(range.start), token(range.end.saturating_sub(1)));
        (first..=last).for_each(|at| shares[at] += share / (last - first + 1) as f64);
    });
    (tokens, shares)
}

/// Gives every occurrence of a known n-gram its share of what its place adds to the sum.
fn spread(
    weights: &Weights,
    vector: &[(u32, f32)],
    spans: &[(u32, Range<usize>)],
    mut give: impl FnMut(&Range<usize>, f64),
) {
    let place = |of: u32| vector.binary_search_by_key(&of, |it| it.0);
    let mut times = vec![0u32; vector.len()];
    spans.iter().filter_map(|(of, _)| place(*of).ok()).for_each(|at| times[at] += 1);
    for (of, range) in spans {
        if let Ok(at) = place(*of) {
            give(range, weights.part(&vector[at]) / f64::from(times[at]));
        }
    }
}

/// A text's n-grams and, behind them, what the rules say of it.
fn row(vocabulary: &Vocabulary, text: &str) -> Sparse {
    let mut row = vocabulary.vector(text);
    row.extend(by_rules(text, vocabulary.len()));
    row
}

fn by_rules(text: &str, from: usize) -> [(u32, f32); 3] {
    let found = rules::sentiment(text);
    let from = from as u32;
    [(from, found.compound as f32), (from + 1, found.positive as f32), (from + 2, found.negative as f32)]
}

/// The straight line of least squares through points: where it begins and how steep it is.
fn line(x: &[f64], y: &[f64]) -> (f64, f64) {
    let (mean_x, mean_y, xx, xy, _) = moments(x, y);
    let slope = if xx > 0.0 { (xy / xx).max(0.0) } else { 0.0 };
    (mean_y - slope * mean_x, slope)
}

fn correlation(x: &[f64], y: &[f64]) -> f64 {
    let (_, _, xx, xy, yy) = moments(x, y);
    if xx * yy > 0.0 { xy / (xx * yy).sqrt() } else { 0.0 }
}

fn moments(x: &[f64], y: &[f64]) -> (f64, f64, f64, f64, f64) {
    let count = x.len() as f64;
    let (mean_x, mean_y) = (x.iter().sum::<f64>() / count, y.iter().sum::<f64>() / count);
    let sum = |of: &dyn Fn(f64, f64) -> f64| x.iter().zip(y).map(|(x, y)| of(x - mean_x, y - mean_y)).sum::<f64>();
    (mean_x, mean_y, sum(&|x, _| x * x), sum(&|x, y| x * y), sum(&|_, y| y * y))
}

/// Platt's scaling (1999) with his priors, by Newton's method: the log odds as a straight line.
pub(crate) fn log_odds(sums: &[f64], positive: &[bool]) -> (f64, f64) {
    let positives = positive.iter().filter(|it| **it).count() as f64;
    let negatives = positive.len() as f64 - positives;
    let target =
        |positive: bool| if positive { (positives + 1.0) / (positives + 2.0) } else { 1.0 / (negatives + 2.0) };
    let (mut base, mut slope) = (libm::log((positives + 1.0) / (negatives + 1.0)), 0.0);
    for _ in 0..50 {
        let (mut g0, mut g1, mut h00, mut h01, mut h11) = (0.0, 0.0, 1e-9, 0.0, 1e-9);
        for (sum, positive) in sums.iter().zip(positive) {
            let chance = 1.0 / (1.0 + libm::exp(-(base + slope * sum)));
            let (off, weight) = (chance - target(*positive), (chance * (1.0 - chance)).max(1e-9));
            (g0, g1) = (g0 + off, g1 + off * sum);
            (h00, h01, h11) = (h00 + weight, h01 + weight * sum, h11 + weight * sum * sum);
        }
        let determinant = h00 * h11 - h01 * h01;
        let (step0, step1) = ((h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant);
        // Steps are held in bounds: far out the curve is too flat to be trusted.
        (base, slope) = (base - step0.clamp(-2.0, 2.0), slope - step1.clamp(-2.0, 2.0));
        if step0.abs() + step1.abs() < 1e-9 {
            break;
        }
    }
    (base, slope)
}
