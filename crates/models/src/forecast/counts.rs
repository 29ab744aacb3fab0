//! Small whole numbers, zeros among them: a rate that drifts, seen through Poisson counts (Harvey and Fernandes 1989, "Time series models for count or
//! qualitative observations").
//!
//! What is known of the rate is a gamma distribution (a, b). Each step forgets: a and b become ω a and ω b; then a count y with the seasonal factor f makes
//! them a + y and b + f. So the next count is negative binomial, and the likelihood of ω is exact. Factors of the season are its sums, drawn towards 1 by one
//! count.
//!
//! Does not do: trends. Intervals far ahead widen until the rate is known no better than by one count (a = 1), and no further.

use super::series::Series;
use crate::estimate::Estimate;
use crate::fault::{Fault, none_of};

/// A fitted rate.
#[derive(Clone, Debug, PartialEq)]
pub struct Counts {
    /// ω: what is kept of the past at each step.
    pub kept: f64,
    /// How much above or below the rate each step of the season is; the first is that of the first value.
    pub factors: Vec<f64>,
    /// The log-likelihood.
    pub log_likelihood: f64,
    /// a and b after the last value.
    known: (f64, f64),
    steps: usize,
}

impl Counts {
    /// From which mean on counts are as well taken for any numbers.
    pub const LARGE: f64 = 10.0;

    /// Of whole numbers that are not below zero, with a mean below 1,000.
    pub fn fit(series: &Series) -> Result<Self, Fault> {
        series.enough((2 * series.season).max(10))?;
        none_of(&series.values, |it| *it < 0.0, |row| Fault::Negative { row })?;
        let n = series.values.len() as f64;
        let mean = series.values.iter().sum::<f64>() / n;
        if !series.counts() || mean >= 1_000.0 {
            return Err(Fault::NotIdentified {
                why: "a rate of counts: values are not whole, or are a thousand and more",
            });
        }
        if mean <= 0.0 {
            return Err(Fault::Constant { column: 0 });
        }
        let factor = |at: usize| {
            let own = series.values.iter().skip(at).step_by(series.season);
            let (sum, count) = own.fold((0.0, 0.0), |(sum, count), it| (sum + it, count + 1.0));
            (sum + 1.0) / (count * mean + 1.0)
        };
        let factors: Vec<f64> = if series.season > 1 { (0..series.season).map(factor).collect() } else { vec![1.0] };
        let at = |kept: f64| filtered(&series.values, &factors, mean, kept);
        let kept = golden(|it| -at(it).0, 0.5, 1.0);
        let (log_likelihood, known) = at(kept);
        Ok(Self { kept, factors, log_likelihood, known, steps: series.values.len() })
    }

    /// The next `horizon` counts: means, and the counts between which all but `tails` are.
    pub fn forecast(&self, horizon: usize, tails: f64) -> Vec<Estimate> {
        let (a, b) = self.known;
        let one = |ahead: usize| {
            let factor = self.factors[(self.steps + ahead) % self.factors.len()];
            let shape = (a * self.kept.powi(ahead.min(10_000) as i32 + 1)).max(a.min(1.0)).max(1e-6);
            let value = factor * a / b;
            let (low, high) = between(shape, value, tails);
            Estimate { value, standard_error: None, low, high }
        };
        (0..horizon).map(one).collect()
    }
}

/// The log-likelihood of the counts, and what is known of the rate at the end. It begins with one step's worth of the mean.
fn filtered(values: &[f64], factors: &[f64], mean: f64, kept: f64) -> (f64, (f64, f64)) {
    let (mut a, mut b, mut log_likelihood) = (mean, 1.0, 0.0);
    for (at, y) in values.iter().enumerate() {
        let factor = factors[at % factors.len()];
        (a, b) = (kept * a, kept * b);
        log_likelihood += libm::lgamma(a + y) - libm::lgamma(a) - libm::lgamma(y + 1.0);
        log_likelihood += a * (b / (b + factor)).ln() + y * (factor / (b + factor)).ln();
        (a, b) = (a + y, b + factor);
    }
    (log_likelihood, (a, b))
}

/// The least counts that leave out half of the tails below and above, of a negative binomial count with a shape and a mean.
fn between(shape: f64, mean: f64, tails: f64) -> (f64, f64) {
    let share = mean / (shape + mean);
    let mut probability = (shape * (1.0 - share).ln()).exp();
    let (mut below, mut count, mut low) = (probability, 0.0, None);
    // A mean below 1,000 and a shape of 1 or more end long before.
    while count < 1e6 {
        if low.is_none() && below > tails / 2.0 {
            low = Some(count);
        }
        if below >= 1.0 - tails / 2.0 {
            break;
        }
        count += 1.0;
        probability *= (shape + count - 1.0) / count * share;
        below += probability;
    }
    (low.unwrap_or(0.0), count)
}

/// Where a function with one valley is least.
pub(super) fn golden(value: impl Fn(f64) -> f64, mut low: f64, mut high: f64) -> f64 {
    const SHARE: f64 = 0.618_033_988_749_894_9;
    let (mut a, mut b) = (high - SHARE * (high - low), low + SHARE * (high - low));
    let (mut at_a, mut at_b) = (value(a), value(b));
    for _ in 0..60 {
        if at_a <= at_b {
            (high, b, at_b) = (b, a, at_a);
            a = high - SHARE * (high - low);
            at_a = value(a);
        } else {
            (low, a, at_a) = (a, b, at_b);
            b = low + SHARE * (high - low);
            at_b = value(b);
        }
    }
    let middle = (low + high) / 2.0;
    // An end may be the valley.
    [low, high].into_iter().fold(middle, |best, it| if value(it) < value(best) { it } else { best })
}
