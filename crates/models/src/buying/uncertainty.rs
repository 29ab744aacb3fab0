//! How sure a fit is, in three further ways: profiles of the likelihood, samples drawn again, and what to believe of the parameters together.
//!
//! Always holds: the same seed gives the same draws. The posterior has a flat prior over the logarithms of the parameters.

use super::fitting::{Fit, Likelihood, Row, negative};
use crate::estimate::Interval;
use crate::optimise::{Settings, factor, minimise};
use crate::resampling::{Draws, between};

/// Half of what chi-square of one degree of freedom exceeds with a probability of 5 %.
const FALL: f64 = 1.920_729_410_347;

/// Models that the data leave possible, each with its weight.
#[derive(Clone, Debug, PartialEq)]
pub struct Posterior<M> {
    /// The models and their weights, which add up to 1.
    pub models: Vec<(M, f64)>,
    /// How many draws of the posterior itself they are worth (Kong 1992): where it is a small part of the models, the interval is rough.
    pub worth: f64,
}

impl<M: Likelihood> Fit<M> {
    /// The interval of 95 % in which the largest likelihood given the parameter, over all others, is not too small (Venzon and Moolgavkar 1988). Where the
    /// likelihood never falls that far on one side, the end is as far as e¹² times.
    pub fn profile(&self, rows: &[M::Row], parameter: usize) -> Option<Interval> {
        let best: Vec<f64> = self.model.parameters().iter().map(|it| it.ln()).collect();
        let error = self.covariance.get(parameter)?[parameter].sqrt();
        // What the others are given the one, by the covariances: where their search starts.
        let follow: Vec<f64> = self.covariance[parameter].iter().map(|it| it / error.powi(2)).collect();
        let fall = |off: f64| {
            let mut full = negative::<M>(rows, &best);
            let mut whole = vec![0.0; best.len()];
            let mut place: Vec<f64> = best.iter().zip(&follow).map(|(at, by)| at + off * by).collect();
            let start: Vec<f64> = others(&place, parameter);
            let mut inner = |at: &[f64], gradient: &mut [f64]| {
                let mut at = at.iter();
                place
                    .iter_mut()
                    .enumerate()
                    .filter(|(i, _)| *i != parameter)
                    .for_each(|(_, it)| *it = *at.next().unwrap());
                let value = full(&place, &mut whole);
                gradient.copy_from_slice(&others(&whole, parameter));
                value
            };
            let found = minimise(&mut inner, &start, None, &Settings { promise: 1e-5, ..Settings::default() });
            found.value + self.log_likelihood - FALL
        };
        let end = |side: f64| {
            let (mut low, mut high) = (0.0, 2.0 * error);
            while high < 12.0 && fall(side * high) < 0.0 {
                (low, high) = (high, high * 1.5);
            }
            for _ in 0..30 {
                let middle = (low + high) / 2.0;
                if high - low < 1e-4 * error {
                    break;
                }
                if fall(side * middle) < 0.0 { low = middle } else { high = middle }
            }
            (best[parameter] + side * high).exp()
        };
        Some(Interval { low: end(-1.0), high: end(1.0) })
    }

    /// Models fitted to customers drawn again with replacement (Efron 1979), each from this fit; those that do not settle are left out.
    pub fn bootstrap(&self, rows: &[M::Row], samples: usize, seed: u64) -> Vec<M> {
        let best: Vec<f64> = self.model.parameters().iter().map(|it| it.ln()).collect();
        let mut ends = Vec::with_capacity(rows.len());
        let mut total = 0.0;
        rows.iter().for_each(|row| {
            total += row.weight();
            ends.push(total);
        });
        let mut draws = Draws::new(seed);
        let mut one = || {
            let mut counts = vec![0.0; rows.len()];
            (0..total.round() as usize).for_each(|_| {
                let at = uniform(&mut draws) * total;
                counts[ends.partition_point(|end| *end <= at).min(rows.len() - 1)] += 1.0;
            });
            let kept = rows.iter().zip(counts).filter(|(_, count)| *count > 0.0);
            let sample: Vec<M::Row> = kept.map(|(row, count)| row.weighted(count)).collect();
            let mut objective = negative::<M>(&sample, &best);
            let settings = Settings { promise: 1e-5, ..Settings::default() };
            let found = minimise(&mut objective, &best, Some(self.covariance.clone()), &settings);
            found.settled.then(|| model::<M>(&found.at))
        };
        (0..samples).filter_map(|_| one()).collect()
    }

    /// What to believe of the parameters together: drawn from Laplace's approximation with wider tails (Student's t of five degrees of freedom), and weighted
    /// by how likely the data are with each (Rubin 1987), which corrects the approximation.
    pub fn posterior(&self, rows: &[M::Row], draws: usize, seed: u64) -> Option<Posterior<M>> {
        const TAIL: f64 = 5.0;
        let best: Vec<f64> = self.model.parameters().iter().map(|it| it.ln()).collect();
        let lower = factor(&self.covariance)?;
        let n = best.len();
        let mut chance = Draws::new(seed);
        let mut objective = negative::<M>(rows, &best);
        let mut gradient = vec![0.0; n];
        let mut found = Vec::with_capacity(draws);
        for _ in 0..draws {
            let z: Vec<f64> = (0..n).map(|_| normal(&mut chance)).collect();
            let spread: f64 = (0..TAIL as usize).map(|_| normal(&mut chance).powi(2)).sum();
            let wide = (TAIL / spread).sqrt();
            let off = |i: usize| wide * lower[i].iter().zip(&z).map(|(l, z)| l * z).sum::<f64>();
            let place: Vec<f64> = (0..n).map(|i| best[i] + off(i)).collect();
            let distance = z.iter().map(|it| it * it).sum::<f64>() * wide * wide;
            let proposal = -(TAIL + n as f64) / 2.0 * (distance / TAIL).ln_1p();
            let weight = (-objective(&place, &mut gradient) - self.log_likelihood - proposal).exp();
            if weight.is_finite() && weight > 0.0 {
                found.push((model::<M>(&place), weight));
            }
        }
        let total: f64 = found.iter().map(|it| it.1).sum();
        found.iter_mut().for_each(|it| it.1 /= total);
        let worth = 1.0 / found.iter().map(|it| it.1 * it.1).sum::<f64>();
        worth.is_finite().then_some(Posterior { models: found, worth })
    }
}

impl<M: Likelihood> Posterior<M> {
    /// The mean of what the models say of something.
    pub fn mean(&self, of: impl Fn(&M) -> f64) -> f64 {
        self.models.iter().map(|(model, weight)| weight * of(model)).sum()
    }

    /// Between which values what the models say of something is with a probability of 95 %.
    pub fn interval(&self, of: impl Fn(&M) -> f64) -> Interval {
        let mut values: Vec<(f64, f64)> = self.models.iter().map(|(model, weight)| (of(model), *weight)).collect();
        values.sort_by(|a, b| a.0.total_cmp(&b.0));
        let at = |share: f64| {
            let mut sum = 0.0;
            let reached = values.iter().find(|(_, weight)| {
                sum += weight;
                sum >= share
            });
            reached.or(values.last()).map_or(f64::NAN, |it| it.0)
        };
        Interval { low: at(0.025), high: at(0.975) }
    }
}

/// Between which values what models of samples drawn again say of something is, but for 5 %: the percentile interval. `None` without models.
pub fn percentiles<M>(models: &[M], of: impl Fn(&M) -> f64) -> Option<Interval> {
    between(models.iter().map(of).collect(), 0.05).map(|(low, high)| Interval { low, high })
}

fn model<M: Likelihood>(logs: &[f64]) -> M {
    M::with(&logs.iter().map(|it| it.exp()).collect::<Vec<f64>>())
}

fn others(values: &[f64], but: usize) -> Vec<f64> {
    values.iter().enumerate().filter(|(i, _)| *i != but).map(|(_, it)| *it).collect()
}

/// A number from 0 up to, but not at, 1.
pub(super) fn uniform(draws: &mut Draws) -> f64 {
    (draws.next() >> 11) as f64 / (1u64 << 53) as f64
}

/// A standard normal number (Box and Muller 1958).
pub(super) fn normal(draws: &mut Draws) -> f64 {
    let radius = (-2.0 * (1.0 - uniform(draws)).ln()).sqrt();
    radius * (2.0 * std::f64::consts::PI * uniform(draws)).cos()
}
