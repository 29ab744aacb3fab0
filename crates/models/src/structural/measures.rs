//! How well a whole model fits.

use super::likelihood::{State, Target};
use super::model::Model;
use super::noncentral::Tails;
use crate::distributions::chi_square_tail;
use crate::estimate::{Estimate, Interval};

/// Measures of fit. Where N is meant and covariances were divided by N − 1, it is N − 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Measures {
    /// How many rows.
    pub rows: usize,
    /// How many parameters are free; means, which are the sample's, are not counted (as in lavaan without a mean structure).
    pub parameters: usize,
    /// N F: the likelihood ratio against the covariances as they are.
    pub chi_square: f64,
    /// Degrees of freedom.
    pub degrees_of_freedom: u32,
    /// The probability of so large a chi-square if the model is right; `None` without degrees of freedom.
    pub p: Option<f64>,
    /// Chi-square and degrees of freedom of the model in which observed variables have nothing to do with each other, but those to which nothing leads
    /// and that are measures of nothing.
    pub baseline: (f64, u32),
    /// Comparative fit index (Bentler 1990); from .95 it is called good.
    pub cfi: f64,
    /// Tucker and Lewis's index (1973); not bounded by 1.
    pub tli: f64,
    /// Root mean square error of approximation (Steiger and Lind 1980), with its interval of 90 %; `None` without degrees of freedom.
    pub rmsea: Option<Estimate>,
    /// The probability of so large a chi-square if the error is .05 (Browne and Cudeck 1993): small says that the fit is not close.
    pub p_close: Option<f64>,
    /// Standardised root mean square residual (Bentler 1995); below .08 it is called good (Hu and Bentler 1999).
    pub srmr: f64,
    /// The logarithm of the likelihood of the rows, normal and with the sample's means.
    pub log_likelihood: f64,
    /// The same with the covariances as they are.
    pub log_likelihood_saturated: f64,
    /// Akaike's criterion.
    pub aic: f64,
    /// Schwarz's criterion.
    pub bic: f64,
    /// Schwarz's criterion with (N + 2) / 24 in the place of N (Sclove 1987).
    pub sabic: f64,
}

impl Measures {
    pub(super) fn of(model: &Model, state: &State, target: &Target, rows: usize) -> Self {
        let (p, q, n) = (model.observed(), model.free, rows as f64);
        let chi_square = (target.weight * state.discrepancy).max(0.0);
        let dof = u32::try_from(model.degrees_of_freedom()).unwrap_or(0);
        let baseline = baseline(model, target);
        let over = |(chi, dof): (f64, u32)| chi - f64::from(dof);
        let worst = over(baseline).max(over((chi_square, dof))).max(0.0);
        let cfi = if worst > 0.0 { 1.0 - over((chi_square, dof)).max(0.0) / worst } else { 1.0 };
        let ratio = |(chi, dof): (f64, u32)| chi / f64::from(dof.max(1));
        let tli = match (dof, ratio(baseline) - 1.0) {
            (0, _) => 1.0,
            (_, 0.0) => 1.0,
            (_, base) => (ratio(baseline) - ratio((chi_square, dof))) / base,
        };
        let (rmsea, p_close) = approximation(chi_square, dof, target.weight);
        // The likelihood is that of rows, whatever the covariances were divided by.
        let by = target.weight / n;
        let saturated =
            -0.5 * n * (p as f64 * ((2.0 * std::f64::consts::PI).ln() + by.ln() + 1.0) + target.log_determinant);
        let trace: f64 = state.inverse.iter().zip(&target.sample).map(|(a, b)| a * b).sum();
        let determinant = state.discrepancy - trace + target.log_determinant + p as f64;
        let log_likelihood = -0.5 * n * (p as f64 * (2.0 * std::f64::consts::PI).ln() + determinant + trace * by);
        let q = q as f64;
        Self {
            rows,
            parameters: model.free,
            chi_square,
            degrees_of_freedom: dof,
            p: (dof > 0).then(|| chi_square_tail(chi_square, dof)),
            baseline,
            cfi,
            tli,
            rmsea,
            p_close,
            srmr: residual(state, target, p),
            log_likelihood,
            log_likelihood_saturated: saturated,
            aic: 2.0 * (q - log_likelihood),
            bic: q * n.ln() - 2.0 * log_likelihood,
            sabic: q * ((n + 2.0) / 24.0).ln() - 2.0 * log_likelihood,
        }
    }
}

/// Columns that lead to others and to which nothing leads keep their covariances, as in lavaan.
fn baseline(model: &Model, target: &Target) -> (f64, u32) {
    let p = model.observed();
    let apart: Vec<usize> = (0..p).filter(|at| !model.led_to(*at)).collect();
    let s = |i: usize, j: usize| target.sample[i * p + j];
    let kept: Vec<f64> = apart.iter().flat_map(|i| apart.iter().map(|j| s(*i, *j))).collect();
    let kept = crate::cholesky::Cholesky::of(&kept, apart.len()).map_or(0.0, |it| it.log_determinant());
    let alone: f64 = (0..p).filter(|at| !apart.contains(at)).map(|at| s(at, at).ln()).sum();
    let pairs = |k: usize| k * k.saturating_sub(1) / 2;
    let dof = pairs(p) - pairs(apart.len());
    ((target.weight * (alone + kept - target.log_determinant)).max(0.0), dof as u32)
}

fn approximation(chi_square: f64, dof: u32, weight: f64) -> (Option<Estimate>, Option<f64>) {
    if dof == 0 {
        return (None, None);
    }
    let unit = f64::from(dof) * weight;
    let error = |noncentrality: f64| (noncentrality / unit).sqrt();
    let tails = Tails::at(chi_square, dof);
    let interval = Interval { low: error(tails.noncentrality(0.05)), high: error(tails.noncentrality(0.95)) };
    let value = error((chi_square - f64::from(dof)).max(0.0));
    (Some(Estimate::between(value, interval)), Some(tails.noncentral(0.05 * 0.05 * unit)))
}

fn residual(state: &State, target: &Target, p: usize) -> f64 {
    let mut sum = 0.0;
    for i in 0..p {
        for j in 0..=i {
            let scale = (target.sample[i * p + i] * target.sample[j * p + j]).sqrt();
            sum += ((target.sample[i * p + j] - state.implied[i * p + j]) / scale).powi(2);
        }
    }
    (sum / (p * (p + 1) / 2) as f64).sqrt()
}
