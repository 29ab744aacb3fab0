//! Times of Weibull's distribution, stretched or shrunk by columns (accelerated failure time; Kalbfleisch and Prentice 1980, 2.3): the share still there after
//! t is exp(−(t / λ)^ρ), with ln λ = intercept + what each column adds, a unit at a time.
//!
//! In the logarithm of the risk and its shape, divided by the scale, the likelihood is concave (without entry times), so Newton's steps find its one peak.
//!
//! Does not do: let the shape ρ depend on columns; tell whether times are Weibull's at all ([`super::KaplanMeier`] beside it does).

use serde::{Deserialize, Serialize};

use super::Lifetimes;
use super::linear::{Factor, Standardised, dot};
use crate::distributions::normal_quantile;
use crate::estimate::Estimate;
use crate::fault::{Fault, none_of};

/// A fitted model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weibull {
    /// ln λ where all columns are 0.
    pub intercept: f64,
    /// What a unit of each column adds to ln λ: times last exp of it as long.
    pub coefficients: Vec<f64>,
    /// ρ: below 1 the risk falls with time, above it rises.
    pub shape: f64,
    /// How the estimates of intercept, coefficients and ln ρ, in this order, vary together.
    pub covariance: Vec<Vec<f64>>,
    /// The log-likelihood.
    pub log_likelihood: f64,
    /// How many rows, and how many of them ended.
    pub rows: (usize, usize),
}

/// One piece of the likelihood: the logarithm of a time, whether it adds or, being an entry, takes away, and whether it was an end.
struct Piece {
    row: usize,
    log: f64,
    sign: f64,
    ended: bool,
}

/// The likelihood, its slope and its negative curvature (upper triangle).
struct State {
    log_likelihood: f64,
    slope: Vec<f64>,
    curvature: Vec<f64>,
}

impl Weibull {
    /// Fits the distribution, with `columns` of a value a row, or none. Times must be above 0.
    pub fn fit(lifetimes: &Lifetimes<'_>, columns: &[Vec<f64>]) -> Result<Self, Fault> {
        lifetimes.check_events(columns.len() + 2)?;
        none_of(lifetimes.times, |it| *it <= 0.0, |row| Fault::Negative { row })?;
        let order: Vec<usize> = (0..lifetimes.times.len()).collect();
        let x = Standardised::of(columns, &order)?;
        let logs: Vec<f64> = lifetimes.times.iter().map(|it| it.ln()).collect();
        let middle = logs.iter().sum::<f64>() / logs.len() as f64;
        if logs.iter().zip(lifetimes.ended).filter(|it| *it.1).all(|it| *it.0 == logs[0])
            && logs.iter().all(|it| *it <= logs[0])
        {
            return Err(Fault::NotIdentified {
                why: "the shape: all that ended did so at the same time, the last one",
            });
        }
        let end = |row: usize| Piece { row, log: logs[row] - middle, sign: 1.0, ended: lifetimes.ended[row] };
        let entry = |row: usize| {
            let log = lifetimes.entry(row).ln();
            (log > f64::NEG_INFINITY).then(|| Piece { row, log: log - middle, sign: -1.0, ended: false })
        };
        let mut pieces: Vec<Piece> = order.iter().map(|row| end(*row)).collect();
        pieces.extend(order.iter().filter_map(|row| entry(*row).filter(|_| lifetimes.entries.is_some())));
        let (at, state) = climb(&pieces, &x)?;
        // The density of a time, not of its logarithm.
        let shift: f64 = logs.iter().zip(lifetimes.ended).filter(|it| *it.1).map(|it| it.0).sum();
        Self::of(&at, &state, &x, middle, shift, (order.len(), lifetimes.events()))
    }

    /// Back from (γ, τ) of standardised columns to ln λ = γ / τ in the columns' own units, and ln ρ = ln τ, with the covariance by the delta method.
    fn of(
        at: &[f64],
        state: &State,
        x: &Standardised,
        middle: f64,
        shift: f64,
        rows: (usize, usize),
    ) -> Result<Self, Fault> {
        let (n, width) = (at.len(), x.width);
        let tau = at[n - 1];
        let own = Factor::of(&state.curvature, n).map_err(|at| dependent(at, width))?.inverse();
        // Row by row the slopes of intercept, coefficients and ln ρ in what was fitted.
        let mut slopes = vec![vec![0.0; n]; n];
        slopes[0][0] = 1.0 / tau;
        slopes[0][n - 1] = -at[0] / tau / tau;
        slopes[n - 1][n - 1] = 1.0 / tau;
        let (mut intercept, mut coefficients) = (middle + at[0] / tau, vec![0.0; width]);
        for i in 0..width {
            let (gamma, scale, mean) = (at[i + 1] / tau, x.deviations[i], x.means[i]);
            coefficients[i] = gamma / scale;
            intercept -= gamma * (mean / scale);
            slopes[i + 1][i + 1] = 1.0 / tau / scale;
            slopes[i + 1][n - 1] = -gamma / tau / scale;
            slopes[0][i + 1] = -(mean / scale) / tau;
            slopes[0][n - 1] += gamma / tau * (mean / scale);
        }
        let through = |a: &[f64], b: &[f64]| -> f64 { (0..n).map(|i| a[i] * dot(&own[i * n..(i + 1) * n], b)).sum() };
        let covariance: Vec<Vec<f64>> = slopes.iter().map(|a| slopes.iter().map(|b| through(a, b)).collect()).collect();
        let finite = intercept.is_finite() && tau.is_finite() && covariance.iter().flatten().all(|it| it.is_finite());
        if !finite {
            return Err(Fault::DidNotSettle);
        }
        let log_likelihood = state.log_likelihood - shift;
        Ok(Self { intercept, coefficients, shape: tau, covariance, log_likelihood, rows })
    }

    /// Estimates of intercept and coefficients, with intervals by the normal that leave out `tails` (.05 for 95 %).
    pub fn summary(&self, tails: f64) -> Vec<Estimate> {
        let quantile = normal_quantile(tails / 2.0);
        let values = std::iter::once(&self.intercept).chain(&self.coefficients);
        let estimate = |(at, value): (usize, &f64)| {
            let error = self.covariance[at][at].max(0.0).sqrt();
            let (low, high) = (value - quantile * error, value + quantile * error);
            Estimate { value: *value, standard_error: Some(error), low, high }
        };
        values.enumerate().map(estimate).collect()
    }

    /// ρ with its interval, by that of its logarithm.
    pub fn shape(&self, tails: f64) -> Estimate {
        let last = self.covariance.len() - 1;
        Estimate::around_positive(self.shape, self.covariance[last][last].max(0.0).sqrt(), tails)
    }

    /// Whether its parts fit together: one that was read from a file may have been made by hand.
    pub fn is_sound(&self) -> bool {
        let width = self.coefficients.len() + 2;
        let finite = std::iter::once(&self.intercept).chain(&self.coefficients).all(|it| it.is_finite());
        let covers = self.covariance.len() == width && self.covariance.iter().all(|it| it.len() == width);
        finite && covers && self.shape > 0.0 && self.shape.is_finite()
    }

    /// Akaike's criterion.
    pub fn aic(&self) -> f64 {
        2.0 * (self.coefficients.len() as f64 + 2.0) - 2.0 * self.log_likelihood
    }

    /// ln λ for such as `row`; `None` if it has other columns or not finite ones.
    fn log_scale(&self, row: &[f64]) -> Option<f64> {
        let known = row.len() == self.coefficients.len() && row.iter().all(|it| it.is_finite());
        known.then(|| self.intercept + dot(row, &self.coefficients))
    }

    /// λ for such as `row`, with its interval: the time after which 37 % are still there.
    pub fn scale(&self, row: &[f64], tails: f64) -> Option<Estimate> {
        self.quantile(row, (-1.0_f64).exp(), tails)
    }

    /// The share of such as `row` still there after `time`.
    pub fn survival(&self, row: &[f64], time: f64) -> Option<f64> {
        let log = self.log_scale(row)?;
        (!time.is_nan()).then(|| if time <= 0.0 { 1.0 } else { (-((time.ln() - log) * self.shape).exp()).exp() })
    }

    /// The share of such as are still there after `since` that are still there after `time` as well.
    pub fn survival_since(&self, row: &[f64], since: f64, time: f64) -> Option<f64> {
        let log = self.log_scale(row)?;
        let passed = |time: f64| if time <= 0.0 { 0.0 } else { ((time.ln() - log) * self.shape).exp() };
        let more = (passed(time) - passed(since)).max(0.0);
        Some(if more.is_nan() { 0.0 } else { (-more).exp() })
    }

    /// The time after which `share` of such as `row` are still there (the median for .5), with its interval by that of its logarithm.
    pub fn quantile(&self, row: &[f64], share: f64, tails: f64) -> Option<Estimate> {
        let log = self.log_scale(row)?;
        if !(share > 0.0 && share < 1.0) {
            return None;
        }
        let part = (-share.ln()).ln() / self.shape;
        let slopes: Vec<f64> = [1.0].into_iter().chain(row.iter().copied()).chain([-part]).collect();
        let variance: f64 = self.covariance.iter().zip(&slopes).map(|(line, a)| a * dot(line, &slopes)).sum();
        Some(Estimate::around_positive((log + part).exp(), variance.max(0.0).sqrt(), tails))
    }

    /// How long such as `row` last on average: λ Γ(1 + 1 / ρ).
    pub fn mean(&self, row: &[f64]) -> Option<f64> {
        Some((self.log_scale(row)? + libm::lgamma(1.0 + 1.0 / self.shape)).exp())
    }
}

/// Why there is no one peak.
fn dependent(at: usize, width: usize) -> Fault {
    let column = (1..=width).contains(&at);
    let why = if column {
        "the columns apart: one of them follows from the others"
    } else {
        "the shape: too few times differ"
    };
    Fault::NotIdentified { why }
}

fn climb(pieces: &[Piece], x: &Standardised) -> Result<(Vec<f64>, State), Fault> {
    let n = x.width + 2;
    let mut at = vec![0.0; n];
    at[n - 1] = start(pieces);
    let mut state = likelihood(pieces, x, &at);
    for _ in 0..100 {
        let step = match Factor::of(&state.curvature, n) {
            Ok(factor) => factor.solved(&state.slope),
            Err(column) => ridge(&state, n).ok_or_else(|| dependent(column, x.width))?,
        };
        let farthest = step.iter().fold(0.0_f64, |most, it| most.max(it.abs()));
        if !farthest.is_finite() {
            return Err(Fault::DidNotSettle);
        }
        if step[..n - 1].iter().all(|it| it.abs() <= 1e-8 * (1.0 + at[n - 1])) && step[n - 1].abs() <= 1e-8 * at[n - 1]
        {
            return Ok((at, state));
        }
        // The shape stays above zero.
        let mut share = if step[n - 1] < 0.0 { (-0.9 * at[n - 1] / step[n - 1]).min(1.0) } else { 1.0 };
        loop {
            let tried: Vec<f64> = at.iter().zip(&step).map(|(it, step)| it + share * step).collect();
            let there = likelihood(pieces, x, &tried);
            let gain = there.log_likelihood - state.log_likelihood;
            let rounding = 1e-12 * (1.0 + state.log_likelihood.abs());
            if gain >= -rounding {
                if there.log_likelihood.is_finite() && at[n - 1] > 1e6 {
                    return Err(Fault::NotIdentified {
                        why: "the shape: the ends all but coincide, or a column tells them without fail",
                    });
                }
                if gain <= rounding && farthest > 0.05 * (1.0 + at[n - 1]) && share > 0.5 {
                    return Err(Fault::NotIdentified { why: "how strong a column is: it tells who ends without fail" });
                }
                (at, state) = (tried, there);
                break;
            }
            share /= 2.0;
            if share < 1e-12 {
                return Err(Fault::DidNotSettle);
            }
        }
    }
    Err(Fault::DidNotSettle)
}

/// A shape to begin with, by the spread of the logarithms: that of Weibull's is π / (ρ √6).
fn start(pieces: &[Piece]) -> f64 {
    let spread = pieces.iter().map(|it| it.log * it.log).sum::<f64>() / pieces.len() as f64;
    (1.28 / spread.sqrt()).clamp(1e-3, 1e3)
}

/// A step up where the curvature is not that of a peak, as with entries it may be.
fn ridge(state: &State, n: usize) -> Option<Vec<f64>> {
    let most = (0..n).map(|i| state.curvature[i * n + i].abs()).fold(1e-9, f64::max);
    [1e-3, 0.1, 1.0, 10.0].into_iter().find_map(|share| {
        let mut curvature = state.curvature.clone();
        (0..n).for_each(|i| curvature[i * n + i] += share * most);
        Factor::of(&curvature, n).ok().map(|it| it.solved(&state.slope))
    })
}

/// With z = τ ln t − γ x: an end adds ln τ + z, and every piece takes its sign times e^z.
fn likelihood(pieces: &[Piece], x: &Standardised, at: &[f64]) -> State {
    let (n, width) = (at.len(), x.width);
    let tau = at[n - 1];
    let mut state = State { log_likelihood: 0.0, slope: vec![0.0; n], curvature: vec![0.0; n * n] };
    let mut own = vec![-1.0; n];
    for piece in pieces {
        let row = x.row(piece.row);
        own[1..=width].iter_mut().zip(row).for_each(|(own, x)| *own = -x);
        own[n - 1] = piece.log;
        let z = dot(&own, at);
        let passed = piece.sign * z.exp();
        let ended = f64::from(u8::from(piece.ended));
        state.log_likelihood += if piece.ended { tau.ln() + z } else { 0.0 } - passed;
        for i in 0..n {
            state.slope[i] += (ended - passed) * own[i];
            let by = passed * own[i];
            (i..n).for_each(|j| state.curvature[i * n + j] += by * own[j]);
        }
        state.slope[n - 1] += ended / tau;
        state.curvature[n * n - 1] += ended / tau / tau;
    }
    state
}
