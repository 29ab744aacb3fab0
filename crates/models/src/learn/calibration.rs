//! Probabilities that mean what they say: scores bent until of those with 30 % three in ten come true.
//!
//! Platt's line in log-odds (1999, "Probabilistic outputs for support vector machines", with his targets that are a little off 0 and 1) where there are few
//! positives; isotonic regression (Ayer and others 1955: pool adjacent violators) where there are enough for its many steps. As every row that is judged
//! by what it was learnt from looks better than it is, scores must come from rows that the model has not seen.
//!
//! Always holds: what ranks higher before never ranks lower after, and results are inside 0 to 1, ends left out.

use serde::{Deserialize, Serialize};

use super::metrics::surprise;

/// Positives from which isotonic regression is used: with fewer its steps follow chance.
pub const ENOUGH_FOR_STEPS: usize = 1_000;

/// How scores, in log-odds, become probabilities.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Calibration {
    /// As the score says.
    Kept,
    /// A line: the log-odds are `slope` times the score and `shift`.
    Platt {
        /// By how much scores are stretched; not below 0.
        slope: f64,
        /// By how much they are moved.
        shift: f64,
    },
    /// A curve that never falls: straight lines between these points of score and probability.
    Isotonic {
        /// Scores, rising.
        scores: Vec<f64>,
        /// Their probabilities, which never fall.
        probabilities: Vec<f64>,
    },
}

/// Probability of log-odds.
pub(crate) fn probability(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// Log-odds of a probability.
pub(crate) fn log_odds(probability: f64) -> f64 {
    let p = probability.clamp(1e-12, 1.0 - 1e-12);
    (p / (1.0 - p)).ln()
}

impl Calibration {
    /// The kind that suits the number of positives.
    pub fn fit(scores: &[f64], labels: &[bool]) -> Self {
        let positives = labels.iter().filter(|it| **it).count();
        let least = positives.min(labels.len() - positives);
        if least >= ENOUGH_FOR_STEPS { Self::isotonic(scores, labels) } else { Self::platt(scores, labels) }
    }

    /// The best of what suits the number of positives and the scores as they are, by the log loss of each half of the rows under what the other half taught.
    /// Rows must be in an order of chance, or of folds that are alike.
    pub fn chosen(scores: &[f64], labels: &[bool]) -> Self {
        let half = |odd: usize| -> (Vec<f64>, Vec<bool>) {
            scores.iter().zip(labels).enumerate().filter(|it| it.0 % 2 == odd).map(|it| (*it.1.0, *it.1.1)).unzip()
        };
        let halves = [half(0), half(1)];
        let loss = |it: &Self, half: &(Vec<f64>, Vec<bool>)| {
            half.0.iter().zip(&half.1).map(|(score, label)| surprise(it.of(*score), *label)).sum::<f64>()
        };
        let bent: f64 = (0..2).map(|it| loss(&Self::fit(&halves[it].0, &halves[it].1), &halves[1 - it])).sum();
        let kept: f64 = halves.iter().map(|it| loss(&Self::Kept, it)).sum();
        if bent < kept { Self::fit(scores, labels) } else { Self::Kept }
    }

    /// Platt's line by Newton's steps. Kept as it is where nothing can be learnt, or where scores point the wrong way.
    pub fn platt(scores: &[f64], labels: &[bool]) -> Self {
        let positives = labels.iter().filter(|it| **it).count() as f64;
        let negatives = labels.len() as f64 - positives;
        if positives == 0.0 || negatives == 0.0 {
            return Self::Kept;
        }
        let target = |label: bool| if label { (positives + 1.0) / (positives + 2.0) } else { 1.0 / (negatives + 2.0) };
        let (mut slope, mut shift) = (1.0, 0.0);
        let loss = |slope: f64, shift: f64| -> f64 {
            let one = |(score, label): (&f64, &bool)| {
                let z = slope * score + shift;
                z.max(0.0) + (-z.abs()).exp().ln_1p() - target(*label) * z
            };
            scores.iter().zip(labels).map(one).sum()
        };
        let mut now = loss(slope, shift);
        for _ in 0..100 {
            let (mut g, mut h) = ([0.0; 2], [1e-9, 0.0, 1e-9]);
            for (score, label) in scores.iter().zip(labels) {
                let p = probability(slope * score + shift);
                let (off, weight) = (p - target(*label), p * (1.0 - p));
                g = [g[0] + off * score, g[1] + off];
                h = [h[0] + weight * score * score, h[1] + weight * score, h[2] + weight];
            }
            let determinant = h[0] * h[2] - h[1] * h[1];
            let step = [(h[2] * g[0] - h[1] * g[1]) / determinant, (h[0] * g[1] - h[1] * g[0]) / determinant];
            let mut size = 1.0;
            let worse = |loss: f64| loss.is_nan() || loss > now;
            while size > 1e-6 && worse(loss(slope - size * step[0], shift - size * step[1])) {
                size /= 2.0;
            }
            let next = loss(slope - size * step[0], shift - size * step[1]);
            if !next.is_finite() || size <= 1e-6 {
                break;
            }
            (slope, shift) = (slope - size * step[0], shift - size * step[1]);
            if now - next < 1e-10 * now.abs() {
                break;
            }
            now = next;
        }
        let usable = slope.is_finite() && shift.is_finite() && slope > 0.0;
        if usable { Self::Platt { slope, shift } } else { Self::Kept }
    }

    /// Isotonic regression. Between the middles of two blocks the curve is a straight line, so that different scores seldom become tied; the first and the last
    /// block are drawn half a positive or negative towards the inside, as no score makes anything certain.
    pub fn isotonic(scores: &[f64], labels: &[bool]) -> Self {
        let mut rows: Vec<(f64, f64)> =
            scores.iter().zip(labels).map(|(score, label)| (*score, f64::from(u8::from(*label)))).collect();
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        // Blocks of (rows, sum of scores, positives), of which none has a higher share than the next.
        let mut blocks: Vec<(f64, f64, f64)> = Vec::new();
        for (score, label) in rows {
            blocks.push((1.0, score, label));
            while let [.., before, last] = blocks[..] {
                if before.2 / before.0 < last.2 / last.0 && before.1 / before.0 < last.1 / last.0 {
                    break;
                }
                blocks.pop();
                blocks.pop();
                blocks.push((before.0 + last.0, before.1 + last.1, before.2 + last.2));
            }
        }
        let inside = |(n, _, hits): &(f64, f64, f64)| hits.clamp(0.5_f64.min(n / 2.0), (n - 0.5).max(n / 2.0)) / n;
        let mut probabilities: Vec<f64> = blocks.iter().map(inside).collect();
        (1..probabilities.len()).for_each(|at| probabilities[at] = probabilities[at].max(probabilities[at - 1]));
        Self::Isotonic { scores: blocks.iter().map(|it| it.1 / it.0).collect(), probabilities }
    }

    /// The probability of a score.
    pub fn of(&self, score: f64) -> f64 {
        let found = match self {
            Self::Kept => probability(score),
            Self::Platt { slope, shift } => probability(slope * score + shift),
            Self::Isotonic { scores, probabilities } => {
                let after = scores.partition_point(|it| *it <= score);
                match (after.checked_sub(1), scores.get(after)) {
                    (None, None) => 0.5,
                    (None, Some(_)) => probabilities[0],
                    (Some(before), None) => probabilities[before],
                    (Some(before), Some(next)) => {
                        let part = (score - scores[before]) / (next - scores[before]);
                        probabilities[before] + part * (probabilities[after] - probabilities[before])
                    }
                }
            }
        };
        found.clamp(1e-9, 1.0 - 1e-9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resampling::Draws;
    use proptest::prelude::*;

    /// Scores whose true log-odds are `bend` of them.
    fn drawn(n: usize, seed: u64, bend: impl Fn(f64) -> f64) -> (Vec<f64>, Vec<bool>) {
        let mut draws = Draws::new(seed);
        let mut unit = || (draws.next() >> 11) as f64 / (1u64 << 53) as f64;
        (0..n)
            .map(|_| {
                let score = 6.0 * unit() - 3.0;
                (score, unit() < probability(bend(score)))
            })
            .unzip()
    }

    #[test]
    fn a_line_that_was_there_is_found() {
        let (scores, labels) = drawn(40_000, 3, |it| 0.5 * it - 1.0);
        let Calibration::Platt { slope, shift } = Calibration::platt(&scores, &labels) else { panic!() };
        assert!((slope - 0.5).abs() < 0.03 && (shift + 1.0).abs() < 0.05, "{slope} {shift}");
        let found = Calibration::chosen(&scores, &labels);
        assert!(matches!(found, Calibration::Isotonic { .. }));
        for score in [-2.0, -1.0, 0.0, 1.0, 2.0] {
            assert!((found.of(score) - probability(0.5 * score - 1.0)).abs() < 0.05);
        }
    }

    #[test]
    fn with_nothing_to_learn_scores_stay() {
        assert_eq!(Calibration::platt(&[], &[]), Calibration::Kept);
        let (scores, labels) = drawn(400, 3, |it| -it);
        assert_eq!(Calibration::platt(&scores, &labels), Calibration::Kept);
        assert_eq!(Calibration::Isotonic { scores: vec![], probabilities: vec![] }.of(1.0), 0.5);
    }

    proptest! {
        #[test]
        fn order_stays_and_results_are_probabilities(rows in prop::collection::vec((-1e3..1e3f64, any::<bool>()), 2..60), a in -1e4..1e4f64, b in -1e4..1e4f64) {
            let (scores, labels): (Vec<f64>, Vec<bool>) = rows.into_iter().unzip();
            for it in [Calibration::platt(&scores, &labels), Calibration::isotonic(&scores, &labels), Calibration::chosen(&scores, &labels)] {
                let (low, high) = (it.of(a.min(b)), it.of(a.max(b)));
                prop_assert!(low > 0.0 && low <= high + 1e-12 && high < 1.0, "{it:?}");
            }
        }
    }
}
