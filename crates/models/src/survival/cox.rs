//! Proportional hazards (Cox 1972, "Regression models and life-tables"): each column multiplies the risk of ending by its own factor, at all times alike,
//! and nothing is assumed of how that risk goes with time.
//!
//! The likelihood is the partial one, that of who ended given that somebody did; those who end at the same time are handled by Efron's way (1977, the
//! default, nearly exact) or Breslow's (1974). It is concave, and Newton's steps, halved where they overshoot, find its peak or show that there is none.
//!
//! Always holds: columns are centred and scaled before the fit, so their units change nothing but the units of the answer.
//!
//! Does not do: penalties, strata, columns that change except by stretches with entry times.

mod curve;
mod likelihood;
mod residuals;

pub use curve::Baseline;
pub use residuals::Transform;

use serde::{Deserialize, Serialize};

use super::linear::{Factor, Standardised, dot};
use super::{Concordance, Lifetimes, Test, concordance};
use crate::distributions::{chi_square_tail, normal_quantile};
use crate::estimate::Estimate;
use crate::fault::Fault;
use likelihood::{Ends, Peak};

/// How those who end at the same time are handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Ties {
    /// On average over the orders in which they may have ended.
    #[default]
    Efron,
    /// As if each ended while the others were still there.
    Breslow,
}

/// A fitted model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cox {
    /// The logarithm of the factor of one unit, column by column.
    pub coefficients: Vec<f64>,
    /// How their estimates vary together: the inverse of the observed information.
    pub covariance: Vec<Vec<f64>>,
    /// The partial log-likelihood.
    pub log_likelihood: f64,
    /// That of a model in which nothing matters.
    pub null_log_likelihood: f64,
    /// Rao's test that nothing matters: the log-rank test where the column is a group.
    pub score_test: Test,
    /// Wald's, by the estimates and their covariance.
    pub wald_test: Test,
    /// How ties were handled.
    pub ties: Ties,
    /// How many rows, and how many of them ended.
    pub rows: (usize, usize),
    /// The risk of somebody whose columns are all at their mean.
    pub baseline: Baseline,
    means: Vec<f64>,
    deviations: Vec<f64>,
    /// Of the standardised columns.
    own: (Vec<f64>, Vec<f64>),
}

/// What is said of one column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coefficient {
    /// The logarithm of the factor.
    pub coefficient: Estimate,
    /// The factor by which one unit more multiplies the risk.
    pub hazard_ratio: Estimate,
    /// The estimate in standard errors.
    pub z: f64,
    /// How likely one as far from zero is by chance.
    pub p: f64,
}

impl Cox {
    /// Fits the factors of `columns`, each with a value a row.
    pub fn fit(lifetimes: &Lifetimes<'_>, columns: &[Vec<f64>], ties: Ties) -> Result<Self, Fault> {
        let width = columns.len();
        if width == 0 {
            return Err(Fault::TooFew { what: "columns", have: 0, need: 1 });
        }
        lifetimes.check_events(width + 1)?;
        let ends = Ends::of(lifetimes, ties);
        let x = Standardised::of(columns, &ends.order)?;
        let null = ends.at(&x, &vec![0.0; width]);
        let at_null = Factor::of(&null.information, width).map_err(|_| DEPENDENT)?;
        let peak = likelihood::climb(&ends, &x, &null)?;
        let Peak { coefficients: own, state, factor } = peak;
        let inverse = factor.inverse();
        let scale = &x.deviations;
        let coefficients: Vec<f64> = own.iter().zip(scale).map(|(b, s)| b / s).collect();
        let covariance = (0..width)
            .map(|i| (0..width).map(|j| inverse[i * width + j] / scale[i] / scale[j]).collect())
            .collect::<Vec<Vec<f64>>>();
        let wald: f64 = (0..width).map(|i| own[i] * dot(&full_row(&state.information, width, i), &own)).sum();
        let baseline = Baseline::of(&ends, &x, &own);
        Ok(Self {
            coefficients,
            covariance,
            log_likelihood: state.log_likelihood,
            null_log_likelihood: null.log_likelihood,
            score_test: Test::of(dot(&null.score, &at_null.solved(&null.score)), width as u32),
            wald_test: Test::of(wald, width as u32),
            ties,
            rows: (lifetimes.times.len(), lifetimes.events()),
            baseline,
            means: x.means,
            deviations: x.deviations,
            own: (own, inverse),
        })
    }

    /// The likelihood ratio test that nothing matters.
    pub fn likelihood_ratio_test(&self) -> Test {
        Test::of(2.0 * (self.log_likelihood - self.null_log_likelihood), self.coefficients.len() as u32)
    }

    /// Akaike's criterion, of the partial likelihood: comparable only with other models of the same ends.
    pub fn aic(&self) -> f64 {
        2.0 * self.coefficients.len() as f64 - 2.0 * self.log_likelihood
    }

    /// What is said of each column, with intervals by the normal that leave out `tails` (.05 for 95 %).
    pub fn summary(&self, tails: f64) -> Vec<Coefficient> {
        let quantile = normal_quantile(tails / 2.0);
        let of = |(at, value): (usize, &f64)| {
            let error = self.covariance[at][at].sqrt();
            let (low, high) = (value - quantile * error, value + quantile * error);
            let z = value / error;
            let ratio = value.exp();
            Coefficient {
                coefficient: Estimate { value: *value, standard_error: Some(error), low, high },
                hazard_ratio: Estimate {
                    value: ratio,
                    standard_error: Some(ratio * error),
                    low: low.exp(),
                    high: high.exp(),
                },
                z,
                p: chi_square_tail(z * z, 1),
            }
        };
        self.coefficients.iter().enumerate().map(of).collect()
    }

    /// By what factor the risk of somebody differs from that of the mean, as a logarithm; `None` if the row has other columns or not finite ones.
    pub fn log_risk(&self, row: &[f64]) -> Option<f64> {
        let known = row.len() == self.means.len() && row.iter().all(|it| it.is_finite());
        known.then(|| dot(&Standardised::alike(&self.means, &self.deviations, row), &self.own.0))
    }

    /// Whether all parts fit together, as they do in what [`Cox::fit`] gives: to be asked of one that was read from a file.
    pub fn is_sound(&self) -> bool {
        let width = self.coefficients.len();
        let wide = [self.means.len(), self.deviations.len(), self.own.0.len(), self.covariance.len()];
        width > 0
            && wide.iter().all(|it| *it == width)
            && self.own.1.len() == width * width
            && self.covariance.iter().all(|it| it.len() == width)
            && self.baseline.is_sound(width)
    }

    /// How often who ended first had the higher risk, among these.
    pub fn concordance(&self, lifetimes: &Lifetimes<'_>, columns: &[Vec<f64>]) -> Result<Concordance, Fault> {
        let order: Vec<usize> = (0..lifetimes.times.len()).collect();
        let shaped = columns.len() == self.means.len() && columns.iter().all(|it| it.len() == order.len());
        if !shaped {
            return Err(Fault::Shape { what: "columns", have: columns.len(), need: self.means.len() });
        }
        let risk = |row: &usize| {
            let values: Vec<f64> = columns.iter().map(|it| it[*row]).collect();
            self.log_risk(&values).ok_or(Fault::NotFinite { row: vec![*row] })
        };
        concordance(lifetimes, &order.iter().map(risk).collect::<Result<Vec<f64>, Fault>>()?)
    }
}

/// A row of a symmetric matrix of which the upper triangle is filled.
fn full_row(upper: &[f64], width: usize, i: usize) -> Vec<f64> {
    (0..width).map(|j| upper[i.min(j) * width + i.max(j)]).collect()
}

/// Why there is no peak for columns of which one follows from the others.
const DEPENDENT: Fault = Fault::NotIdentified { why: "the columns apart: one of them follows from the others" };
