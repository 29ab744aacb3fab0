//! One number for a count of purchases to come. A model says how likely each count is; which number stands for them depends on how it will be judged
//! (Gneiting 2011, "Making and evaluating point forecasts"): the mean has the least squared error and adds up over customers, the median the least absolute
//! error, and the mean of logarithms the least squared error of logarithms.

use super::{Buying, History};

/// Numbers that stand for a count to come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// The mean.
    pub mean: f64,
    /// The median, a whole number: 0 for most.
    pub median: f64,
    /// Of which the logarithm of one more is the mean of those of the counts.
    pub log_mean: f64,
}

impl Point {
    /// What a model says of the `horizon` that follows.
    pub fn of(model: &(impl Buying + ?Sized), history: &History, horizon: f64) -> Self {
        /// The most counts that are asked for, and what of all may be left beyond.
        const MOST: usize = 4_000;
        const LEFT: f64 = 1e-7;
        let mean = model.expected(history, horizon);
        let mut most = (4.0 * mean + 12.0).min(MOST as f64) as usize;
        let mut chances = model.probabilities(history, horizon, most);
        while most < MOST && 1.0 - chances.iter().sum::<f64>() > LEFT {
            most = (2 * most).min(MOST);
            chances = model.probabilities(history, horizon, most);
        }
        let mut sum = 0.0;
        let half = chances.iter().position(|it| {
            sum += it;
            sum >= 0.5
        });
        let all: f64 = chances.iter().sum();
        let logs: f64 = chances.iter().enumerate().map(|(n, it)| it * (n as f64).ln_1p()).sum();
        let log_mean = if all > 0.0 { (logs / all).exp_m1() } else { mean };
        Self { mean, median: half.unwrap_or(most) as f64, log_mean }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buying::MbgNbd;

    #[test]
    fn points_lie_where_their_errors_are_least() {
        let model = MbgNbd { r: 0.9, alpha: 6.0, a: 0.9, b: 2.0 };
        let history = History { frequency: 9, recency: 28.0, age: 30.0 };
        let point = Point::of(&model, &history, 26.0);
        let chances = model.probabilities(&history, 26.0, 300);
        let error = |at: f64, of: fn(f64, f64) -> f64| -> f64 {
            chances.iter().enumerate().map(|(n, it)| it * of(at, n as f64)).sum()
        };
        let absolute: fn(f64, f64) -> f64 = |a, b| (a - b).abs();
        let log: fn(f64, f64) -> f64 = |a, b| (a.ln_1p() - b.ln_1p()).powi(2);
        for by in [-1.0, 1.0] {
            assert!(error(point.median, absolute) <= error(point.median + by, absolute), "{point:?}");
            assert!(error(point.log_mean, log) < error(point.log_mean + 0.01 * by, log), "{point:?}");
        }
        assert!(point.log_mean < point.mean && point.median > 0.0, "{point:?}");
        let gone = History { frequency: 9, recency: 3.0, age: 200.0 };
        assert_eq!(Point::of(&model, &gone, 26.0).median, 0.0);
    }
}
