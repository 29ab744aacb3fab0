//! What a part costs: twice the negative log-likelihood of its best level, less what is the same for all ways to part the series.

use super::noise::{dependence_and_spread, middle};
use crate::distributions::normal_quantile;
use crate::estimate::{Estimate, Interval};

/// What changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The level, in noise that stays the same. Its spread is estimated by differences of neighbours, which changes hardly touch, and widened if
    /// neighbours depend on each other.
    Level,
    /// The level, the spread or both, of a normal distribution.
    LevelAndSpread,
    /// How often something happens: counts of Poisson's distribution.
    Counts,
}

/// Sums by which every part's cost is known at once.
pub(super) struct Costs {
    kind: Kind,
    /// What was taken off before, so that squares keep their digits, and by what it was divided.
    center: f64,
    unit: f64,
    sums: Vec<f64>,
    squares: Vec<f64>,
    /// The variance of the noise, of a value as far as it says something new.
    variance: f64,
    /// The least variance of a part.
    floor: f64,
}

impl Costs {
    /// Of values that are not all the same; and how much neighbours depend on each other.
    pub(super) fn of(values: &[f64], kind: Kind) -> (Self, f64) {
        let largest = values.iter().fold(0.0_f64, |most, it| most.max(it.abs()));
        let (center, unit) =
            if kind == Kind::Counts { (0.0, 1.0) } else { (middle(values), largest.max(f64::MIN_POSITIVE)) };
        let own: Vec<f64> = values.iter().map(|it| (it - center) / unit).collect();
        let mean = own.iter().map(|it| it / own.len() as f64).sum::<f64>();
        let all = own.iter().map(|it| (it - mean) * (it - mean)).sum::<f64>() / own.len() as f64;
        let floor = (all * 1e-8).max(f64::MIN_POSITIVE);
        let (dependence, spread) = if kind == Kind::Level { dependence_and_spread(&own) } else { (0.0, 0.0) };
        let added = |of: &dyn Fn(f64) -> f64| {
            let sums = own.iter().scan(0.0, |sum, it| {
                *sum += of(*it);
                Some(*sum)
            });
            std::iter::once(0.0).chain(sums).collect::<Vec<f64>>()
        };
        let (sums, squares) = (added(&|it| it), added(&|it| it * it));
        (Self { kind, center, unit, sums, squares, variance: spread.max(floor), floor }, dependence)
    }

    pub(super) fn len(&self) -> usize {
        self.sums.len() - 1
    }

    /// Of the values from one place up to another: how many, their mean, and the squares off it.
    fn moments(&self, from: usize, to: usize) -> (f64, f64, f64) {
        let (n, sum) = ((to - from) as f64, self.sums[to] - self.sums[from]);
        (n, sum / n, (self.squares[to] - self.squares[from] - sum * sum / n).max(0.0))
    }

    pub(super) fn cost(&self, from: usize, to: usize) -> f64 {
        let (n, mean, off) = self.moments(from, to);
        match self.kind {
            Kind::Level => off / self.variance,
            Kind::LevelAndSpread => n * (off / n).max(self.floor).ln(),
            Kind::Counts if mean > 0.0 => 2.0 * n * mean * (1.0 - mean.ln()),
            Kind::Counts => 0.0,
        }
    }

    /// The level of a part with its interval that leaves out `tails`.
    pub(super) fn level(&self, from: usize, to: usize, tails: f64) -> Estimate {
        let (n, mean, off) = self.moments(from, to);
        let variance = match self.kind {
            Kind::Level => self.variance,
            Kind::LevelAndSpread => (off / (n - 1.0)).max(self.floor),
            Kind::Counts => {
                // Wald's interval of a count has no width at none: that of its root's transform has (Anscombe 1948).
                let half = normal_quantile(tails / 2.0) / 2.0;
                let root = (n * mean + 0.375).sqrt();
                let end = |it: f64| ((it * it - 0.375) / n).max(0.0);
                let interval =
                    Interval { low: end((root - half).max(0.0)).min(mean), high: end(root + half).max(mean) };
                return Estimate { standard_error: Some((mean / n).sqrt()), ..Estimate::between(mean, interval) };
            }
        };
        Estimate::around(self.center + self.unit * mean, self.unit * (variance / n).sqrt(), tails)
    }
}
