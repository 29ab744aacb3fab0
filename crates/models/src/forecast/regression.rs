//! A line of causes that are assumed: trend, season, waves and outside factors, with errors of which each keeps a share ρ of the one before it.
//!
//! y = x β + u, u = ρ u₋₁ + ε, by exact maximum likelihood: given ρ, β is least squares of what is left of each value after ρ times the one before it (Prais
//! and Winsten 1954; Beach and MacKinnon 1978), and ρ is searched on a line. With `log` it is ln y: factors multiply.
//!
//! Always holds: forecasts need the factors of the days that they are for. Standard errors take ρ for known.
//!
//! Does not do: let effects change with time, or make causes of what goes together.

mod design;

use super::counts::golden;
use super::series::{Series, kept};
use crate::cholesky::Cholesky;
use crate::distributions::student_quantile;
use crate::estimate::Estimate;
use crate::fault::{Fault, none_of};

use design::Design;

/// What there is beside outside factors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Terms {
    /// A straight line. It goes on for ever.
    pub trend: bool,
    /// A value of its own for each step of the season.
    pub season: bool,
    /// Waves of a length in steps, which need not be whole (365.25 days), and how many: the first, and those of half, a third ... of its length.
    pub waves: Vec<(f64, usize)>,
    /// Of the logarithm: for values above zero.
    pub log: bool,
}

/// A fitted line.
#[derive(Clone, Debug, PartialEq)]
pub struct Regression {
    /// What it is made of.
    pub terms: Terms,
    /// ρ: how much of an error stays at the next step.
    pub kept: f64,
    /// The standard deviation of what is new in errors (of the logarithm, with `log`).
    pub deviation: f64,
    /// The log-likelihood of the values.
    pub log_likelihood: f64,
    /// Akaike's criterion for few values: of several terms those with the least are chosen.
    pub aicc: f64,
    coefficients: Vec<f64>,
    /// (XᵀX)⁻¹ of what is left, flat by rows.
    spread: Vec<f64>,
    design: Design,
    series: Series,
    last_error: f64,
    freedom: f64,
}

/// What a change of factors would do.
#[derive(Clone, Debug, PartialEq)]
pub struct WhatIf {
    /// At each step.
    pub steps: Vec<Estimate>,
    /// All steps together.
    pub total: Estimate,
}

impl Terms {
    /// Those that are tried: with and without trend, up to three waves of `year` where the series is that long, the logarithm where it can be taken; with a
    /// season of 2 to 53 steps.
    pub fn of(series: &Series, year: Option<f64>) -> Vec<Self> {
        let season = (2..=53).contains(&series.season) && series.values.len() > 2 * series.season + 5;
        let long = year.filter(|it| it.is_finite() && *it > 2.0 && series.values.len() as f64 >= 1.5 * it);
        let positive = series.values.iter().all(|it| *it > 0.0);
        let mut found = Vec::new();
        for log in [false, true].into_iter().filter(|it| !it || positive) {
            for trend in [false, true] {
                for pairs in 0..=if long.is_some() { 3 } else { 0 } {
                    let waves = long.filter(|_| pairs > 0).map(|it| (it, pairs)).into_iter().collect();
                    found.push(Self { trend, season, waves, log });
                }
            }
        }
        found
    }
}

impl Regression {
    /// The line with the least AICc of [`Terms::of`].
    pub fn choose(series: &Series, factors: &[Vec<f64>], year: Option<f64>) -> Result<Self, Fault> {
        let mut fault = None;
        let mut best: Option<Self> = None;
        for terms in Terms::of(series, year) {
            match Self::fit(series, &terms, factors) {
                Ok(it) if best.as_ref().is_none_or(|best| it.aicc < best.aicc) => best = Some(it),
                Ok(_) => {}
                Err(it) => fault = fault.or(Some(it)),
            }
        }
        best.ok_or_else(|| fault.unwrap_or(Fault::DidNotSettle))
    }

    /// A line of these terms and of `factors`, columns of a value a step.
    pub fn fit(series: &Series, terms: &Terms, factors: &[Vec<f64>]) -> Result<Self, Fault> {
        if terms.log {
            none_of(&series.values, |it| *it <= 0.0, |row| Fault::Negative { row })?;
        }
        let design = Design::of(series, terms, factors)?;
        let (n, k) = (series.values.len(), design.width());
        series.enough(k + 5)?;
        let y: Vec<f64> = series.values.iter().map(|it| if terms.log { it.ln() } else { *it }).collect();
        let scale = (y.iter().map(|it| it * it).sum::<f64>() / n as f64).sqrt();
        let rows: Vec<Vec<f64>> = (0..n).map(|at| design.row(at, factors, at)).collect();
        let moments = Moments::of(&rows, &y);
        let apart = Fault::NotIdentified {
            why: "the factors apart: one of them follows from the others, from trend or season",
        };
        let deviance = |kept: f64| match moments.left(kept) {
            Some(it) => n as f64 * (it / n as f64).ln() - (1.0 - kept * kept).ln(),
            None => f64::INFINITY,
        };
        // A coarse look first: there may be more than one valley.
        let coarse = (-18..=19).map(|it| f64::from(it) * 0.05);
        let best = coarse.min_by(|a, b| deviance(*a).total_cmp(&deviance(*b))).unwrap_or_default();
        let kept = golden(deviance, best - 0.05, (best + 0.05).min(0.99));
        let squares = moments.left(kept).ok_or(apart.clone())?;
        if squares <= 1e-18 * n as f64 * scale * scale {
            return Err(Fault::NotIdentified { why: "the noise: trend, season and factors say every value" });
        }
        let (coefficients, spread) = moments.solved(kept).ok_or(apart)?;
        let expected = |at: usize| rows[at].iter().zip(&coefficients).map(|(x, b)| x * b).sum::<f64>();
        let freedom = (n - k - 1) as f64;
        let logs: f64 = if terms.log { series.values.iter().map(|it| it.ln()).sum() } else { 0.0 };
        let own = n as f64 * ((2.0 * std::f64::consts::PI * squares / n as f64).ln() + 1.0);
        let log_likelihood = -0.5 * (own - (1.0 - kept * kept).ln()) - logs;
        let q = k as f64 + 2.0;
        let rest = n as f64 - q - 1.0;
        let small = if rest > 0.0 { 2.0 * q * (q + 1.0) / rest } else { f64::INFINITY };
        let last_error = y[n - 1] - expected(n - 1);
        let deviation = (squares / freedom).sqrt();
        let found = [log_likelihood, deviation, last_error].into_iter().chain(coefficients.iter().copied());
        if found.chain(spread.iter().copied()).any(|it| !it.is_finite()) {
            return Err(Fault::DidNotSettle);
        }
        Ok(Self {
            terms: terms.clone(),
            kept,
            deviation,
            log_likelihood,
            aicc: 2.0 * (q - log_likelihood) + small,
            coefficients,
            spread,
            design,
            series: series.clone(),
            last_error,
            freedom,
        })
    }

    /// What a unit of each factor adds (to the logarithm, with `log`: then exp of it multiplies), with intervals by Student's t.
    pub fn effects(&self, tails: f64) -> Vec<Estimate> {
        let width = self.design.width();
        let one = |(at, unit): (usize, f64)| {
            let value = self.coefficients[at] / unit;
            let error = self.deviation * self.spread[at * width + at].max(0.0).sqrt() / unit;
            self.around(value, error, tails)
        };
        self.design.factors().map(one).collect()
    }

    /// The next `horizon` values; `future` has a column of `horizon` values for each factor. With `log` they are means, not medians.
    pub fn forecast(&self, horizon: usize, future: &[Vec<f64>], tails: f64) -> Result<Vec<Estimate>, Fault> {
        self.design.check(future, horizon)?;
        let n = self.series.values.len();
        let last = self.design.last();
        let mut found = Vec::with_capacity(horizon);
        let (mut power, mut noise) = (1.0, 0.0);
        for ahead in 0..horizon {
            noise += power * power;
            power *= self.kept;
            let row = self.design.row(n + ahead, future, ahead);
            let expected = self.expected(&row) + power * self.last_error;
            let off: Vec<f64> = row.iter().zip(last).map(|(now, then)| now - power * then).collect();
            let own = noise * self.deviation * self.deviation;
            let error = (own + self.variance(&off)).sqrt();
            let it = self.around(expected, error, tails);
            found.push(if self.terms.log { raised(it, own) } else { Estimate { standard_error: None, ..it } });
        }
        let found = kept(&self.series, found);
        if found.iter().any(|it| !(it.value.is_finite() && it.low.is_finite() && it.high.is_finite())) {
            return Err(Fault::NotIdentified { why: "so far a future: forecasts are infinite" });
        }
        Ok(found)
    }

    /// What `other` factors would do instead of `future`, everything else the same.
    pub fn what_if(&self, future: &[Vec<f64>], other: &[Vec<f64>], tails: f64) -> Result<WhatIf, Fault> {
        let horizon = future.first().or(other.first()).map_or(0, Vec::len);
        self.design.check(other, horizon)?;
        let base = self.forecast(horizon, future, tails)?;
        let n = self.series.values.len();
        let mut sum = vec![0.0; self.design.width()];
        let mut steps = Vec::with_capacity(horizon);
        for (ahead, base) in base.iter().enumerate() {
            let (a, b) = (self.design.row(n + ahead, future, ahead), self.design.row(n + ahead, other, ahead));
            let off: Vec<f64> = b.iter().zip(&a).map(|(b, a)| b - a).collect();
            sum.iter_mut().zip(&off).for_each(|(sum, it)| *sum += it);
            let it = self.around(self.expected(&off), self.variance(&off).sqrt(), tails);
            let share = |it: f64| base.value * it.exp_m1();
            steps.push(if self.terms.log {
                Estimate { value: share(it.value), standard_error: None, low: share(it.low), high: share(it.high) }
            } else {
                it
            });
        }
        let total = if self.terms.log {
            // One and the same effect at every step: ends add up.
            let add = |of: &dyn Fn(&Estimate) -> f64| steps.iter().map(of).sum();
            Estimate {
                value: add(&|it| it.value),
                standard_error: None,
                low: add(&|it| it.low),
                high: add(&|it| it.high),
            }
        } else {
            self.around(self.expected(&sum), self.variance(&sum).sqrt(), tails)
        };
        Ok(WhatIf { steps, total })
    }

    fn around(&self, value: f64, error: f64, tails: f64) -> Estimate {
        let half = student_quantile(tails, self.freedom) * error;
        Estimate { value, standard_error: Some(error), low: value - half, high: value + half }
    }

    fn expected(&self, row: &[f64]) -> f64 {
        row.iter().zip(&self.coefficients).map(|(x, b)| x * b).sum()
    }

    /// That of a row's expectation, since coefficients are estimates.
    fn variance(&self, row: &[f64]) -> f64 {
        let width = row.len();
        let through = |i: usize| (0..width).map(|j| self.spread[i * width + j] * row[j]).sum::<f64>();
        self.deviation * self.deviation * (0..width).map(|i| row[i] * through(i)).sum::<f64>().max(0.0)
    }
}

/// Back from logarithms: the mean of what is log-normal, within its interval.
fn raised(it: Estimate, noise: f64) -> Estimate {
    let (low, high) = (it.low.exp(), it.high.exp());
    Estimate { value: (it.value + noise / 2.0).exp().clamp(low, high), standard_error: None, low, high }
}

/// Sums of products of rows, y being the last column: at each step, between steps, of the steps before, and of the first row.
struct Moments {
    now: Vec<f64>,
    between: Vec<f64>,
    before: Vec<f64>,
    first: Vec<f64>,
    width: usize,
}

impl Moments {
    fn of(rows: &[Vec<f64>], y: &[f64]) -> Self {
        let width = rows[0].len() + 1;
        let whole: Vec<Vec<f64>> =
            rows.iter().zip(y).map(|(row, y)| row.iter().copied().chain([*y]).collect()).collect();
        let mut it = Self {
            now: vec![0.0; width * width],
            between: vec![0.0; width * width],
            before: vec![0.0; width * width],
            first: vec![0.0; width * width],
            width,
        };
        for i in 0..width {
            for j in 0..width {
                it.first[i * width + j] = whole[0][i] * whole[0][j];
            }
        }
        for pair in whole.windows(2) {
            for i in 0..width {
                for j in 0..=i {
                    let at = i * width + j;
                    it.now[at] += pair[1][i] * pair[1][j];
                    it.before[at] += pair[0][i] * pair[0][j];
                    it.between[at] += pair[1][i] * pair[0][j] + pair[0][i] * pair[1][j];
                }
            }
        }
        it
    }

    /// The lower triangle at ρ.
    fn at(&self, kept: f64) -> Vec<f64> {
        let square = kept * kept;
        let cell = |at: usize| {
            self.now[at] - kept * self.between[at] + square * self.before[at] + (1.0 - square) * self.first[at]
        };
        (0..self.width * self.width).map(cell).collect()
    }

    /// What least squares leave at ρ.
    fn left(&self, kept: f64) -> Option<f64> {
        let (k, width) = (self.width - 1, self.width);
        let whole = self.at(kept);
        let (factor, right) = self.parts(&whole)?;
        let solved = factor.solved(&right);
        let explained: f64 = solved.iter().zip(&right).map(|(b, r)| b * r).sum();
        let own = whole[k * width + k];
        let left = own - explained;
        // Less than rounding is nothing.
        (left > 1e-14 * own && left.is_finite()).then_some(left)
    }

    fn parts(&self, whole: &[f64]) -> Option<(Cholesky, Vec<f64>)> {
        let (k, width) = (self.width - 1, self.width);
        let mut matrix = vec![0.0; k * k];
        for i in 0..k {
            (0..=i).for_each(|j| matrix[i * k + j] = whole[i * width + j]);
        }
        let right = (0..k).map(|j| whole[k * width + j]).collect();
        Some((Cholesky::of(&matrix, k)?, right))
    }

    fn solved(&self, kept: f64) -> Option<(Vec<f64>, Vec<f64>)> {
        let (factor, right) = self.parts(&self.at(kept))?;
        Some((factor.solved(&right), factor.inverse()))
    }
}
