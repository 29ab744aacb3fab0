//! The risk that passes with time, and the share still there of somebody with given columns.

use serde::{Deserialize, Serialize};

use super::super::linear::{Standardised, dot};
use super::Cox;
use super::likelihood::Ends;
use crate::distributions::normal_quantile;
use crate::estimate::Estimate;

/// The hazard of the mean row, by Breslow's estimate (1974), or Efron's where ties were handled so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// The times at which somebody ended.
    pub times: Vec<f64>,
    /// The hazard that has passed by each.
    pub cumulative_hazard: Vec<f64>,
    /// The variance of that if the coefficients were known.
    variance: Vec<f64>,
    /// The sums of hazard times the mean columns of those at risk.
    drift: Vec<f64>,
}

impl Baseline {
    pub(super) fn is_sound(&self, width: usize) -> bool {
        let n = self.times.len();
        self.cumulative_hazard.len() == n && self.variance.len() == n && self.drift.len() == n * width
    }

    pub(super) fn of(ends: &Ends, x: &Standardised, coefficients: &[f64]) -> Self {
        let (n, width) = (ends.times.len(), x.width);
        let (logs, risks) = ends.risks(x, coefficients);
        // The risks are less by the largest; those of the mean row are taken back to it.
        let shift = logs.first().map_or(0.0, |it| it - dot(x.row(0), coefficients));
        let scale = (-shift).exp();
        let (mut cumulative_hazard, mut variance, mut drift) = (vec![0.0; n], vec![0.0; n], vec![0.0; n * width]);
        ends.each(x, &risks, |it| {
            for (gone, left) in it.left(ends.ties) {
                let hazard = 1.0 / left / scale;
                cumulative_hazard[it.at] += hazard;
                variance[it.at] += hazard * hazard;
                for column in 0..width {
                    drift[it.at * width + column] += hazard * (it.sums.1[column] - gone * it.ending.1[column]) / left;
                }
            }
        });
        for at in 1..n {
            cumulative_hazard[at] += cumulative_hazard[at - 1];
            variance[at] += variance[at - 1];
            (0..width).for_each(|column| drift[at * width + column] += drift[(at - 1) * width + column]);
        }
        Self { times: ends.times.clone(), cumulative_hazard, variance, drift }
    }
}

impl Cox {
    /// The share of such as `row` still there after `time`, with its interval that leaves out `tails`, by the log(−log): the variance of Tsiatis (1981), in
    /// which the coefficients' own is counted. `None` for a row with other columns or not finite ones.
    pub fn survival(&self, row: &[f64], time: f64, tails: f64) -> Option<Estimate> {
        let log_risk = self.log_risk(row)?;
        let Some(at) = self.baseline.times.partition_point(|it| *it <= time).checked_sub(1) else {
            return (!time.is_nan()).then_some(Estimate { value: 1.0, standard_error: Some(0.0), low: 1.0, high: 1.0 });
        };
        let (base, width) = (self.baseline.cumulative_hazard[at], self.means.len());
        let passed = base * log_risk.exp();
        let value = (-passed).exp();
        // The logarithm of the hazard that passed varies by this much.
        let off: Vec<f64> = Standardised::alike(&self.means, &self.deviations, row)
            .iter()
            .zip(&self.baseline.drift[at * width..])
            .map(|(x, drift)| x - drift / base)
            .collect();
        let own: f64 = (0..width).map(|i| off[i] * dot(&self.own.1[i * width..(i + 1) * width], &off)).sum();
        let error = (self.baseline.variance[at] / (base * base) + own).max(0.0).sqrt();
        if !error.is_finite() {
            return Some(Estimate { value, standard_error: None, low: 0.0, high: 1.0 });
        }
        let factor = (normal_quantile(tails / 2.0) * error).exp();
        let (low, high) = ((-passed * factor).exp(), (-passed / factor).exp());
        Some(Estimate { value, standard_error: Some(value * passed.min(1e300) * error), low, high })
    }

    /// The first time after which no more than `share` of such as `row` are still there; `None` if so many are still there at the last end that was seen.
    pub fn quantile(&self, row: &[f64], share: f64) -> Option<f64> {
        let (log_risk, needed) = (self.log_risk(row)?, -share.ln());
        let at = self.baseline.cumulative_hazard.partition_point(|it| it * log_risk.exp() < needed);
        self.baseline.times.get(at).copied()
    }
}
