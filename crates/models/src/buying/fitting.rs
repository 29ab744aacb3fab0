//! How the models of buying are fitted: the largest likelihood, over the logarithms of the parameters, all of which are positive.
//!
//! Always holds: a fit has settled, its second derivatives tell every parameter apart, and none lies at the end of what was searched. Many
//! rows are first fitted on a systematic sample of them, whose result starts the fit to all.

use crate::Fault;
use crate::estimate::{Estimate, TAILS};
use crate::optimise::{Objective, Optimum, Settings, from_starts, hessian, inverse, minimise, polish};

/// A row of data that stands for one or more customers.
pub trait Row: Clone {
    /// How many it stands for.
    fn weight(&self) -> f64;

    /// The same for another number of customers.
    fn weighted(&self, weight: f64) -> Self;
}

/// A model with positive parameters that says how likely data are.
pub trait Likelihood: Clone {
    /// What it is fitted to.
    type Row: Row;

    /// The names of its parameters.
    const NAMES: &'static [&'static str];

    /// What the data do not tell where the fit runs away.
    const UNTOLD: &'static str;

    /// With these parameters, in the order of their names.
    fn with(parameters: &[f64]) -> Self;

    /// Its parameters, in the order of their names.
    fn parameters(&self) -> Vec<f64>;

    /// The log-likelihood of the rows, and its derivatives with respect to the parameters.
    fn log_likelihood(&self, rows: &[Self::Row], gradient: &mut [f64]) -> f64;
}

/// A fitted model.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit<M> {
    /// The model.
    pub model: M,
    /// How likely the data are.
    pub log_likelihood: f64,
    /// Its parameters, in the order of their names, with standard errors by the second derivatives of the log-likelihood, and Wald's intervals of 95 %
    /// of their logarithms.
    pub estimates: Vec<Estimate>,
    /// The covariances of the logarithms of the parameters.
    pub covariance: Vec<Vec<f64>>,
    /// How many customers it was fitted to.
    pub customers: f64,
    /// How often the likelihood was computed.
    pub evaluations: usize,
}

impl<M: Likelihood> Fit<M> {
    /// Akaike's criterion (1974): the less, the better; for models of the same data.
    pub fn aic(&self) -> f64 {
        2.0 * self.estimates.len() as f64 - 2.0 * self.log_likelihood
    }

    /// Schwarz's criterion (1978).
    pub fn bic(&self) -> f64 {
        self.estimates.len() as f64 * self.customers.ln() - 2.0 * self.log_likelihood
    }
}

/// How far a parameter may be from the first start, as a factor's logarithm.
const FAR: f64 = 14.0;
/// A parameter whose logarithm has a standard error above this is not told by the data.
const UNTOLD: f64 = 5.0;
/// From how many rows on a sample is fitted first, and how large it is at least.
const MANY: usize = 800;
const SAMPLE: usize = 400;

/// Fits a model to rows, from `starts` (parameters, the first of them also in the middle of where is searched).
pub(super) fn fit<M: Likelihood>(rows: &[M::Row], starts: &[Vec<f64>]) -> Result<Fit<M>, Fault> {
    let starts: Vec<Vec<f64>> = starts.iter().map(|it| it.iter().map(|it| it.ln()).collect()).collect();
    let middle = starts[0].clone();
    let mut objective = negative::<M>(rows, &middle);
    let mut optimum = match guessed::<M>(rows, &starts, &middle) {
        Some((at, metric)) => {
            let settings = Settings { promise: 1e-4, ..Settings::default() };
            minimise(&mut objective, &at, Some(metric), &settings)
        }
        None => {
            let settings = Settings { promise: 1e-6, ..Settings::default() };
            from_starts(&mut objective, &starts, &settings).ok_or(Fault::DidNotSettle)?
        }
    };
    conclude(&mut optimum, objective, &middle, weight(rows))
}

/// Where the fit to a sample of many rows ended, with what the covariances are for all of them. `None` for few rows, or where the sample tells too little.
fn guessed<M: Likelihood>(rows: &[M::Row], starts: &[Vec<f64>], middle: &[f64]) -> Option<(Vec<f64>, Vec<Vec<f64>>)> {
    if rows.len() < MANY {
        return None;
    }
    let size = (rows.len() / 20).clamp(SAMPLE, 10 * SAMPLE);
    let sample: Vec<M::Row> = rows.iter().step_by(rows.len() / size).cloned().collect();
    let mut coarse = negative::<M>(&sample, middle);
    let first = from_starts(&mut coarse, starts, &Settings { promise: 1e-4, ..Settings::default() })?;
    let mut metric = inverse(&hessian(&mut coarse, &first.at, STEP))?;
    let share = weight(&sample) / weight(rows);
    metric.iter_mut().flatten().for_each(|cell| *cell *= share);
    first.settled.then_some((first.at, metric))
}

/// How far apart the gradients are from which the second derivatives are taken, in logarithms of parameters.
const STEP: f64 = 1e-4;

/// Where the search ended, as a fit or as a fault.
fn conclude<M: Likelihood>(
    optimum: &mut Optimum,
    mut objective: impl Objective,
    middle: &[f64],
    customers: f64,
) -> Result<Fit<M>, Fault> {
    let untold = || Fault::NotIdentified { why: M::UNTOLD };
    let ran_away = |at: &[f64]| at.iter().zip(middle).any(|(at, middle)| (at - middle).abs() > FAR - 1.0);
    if !optimum.value.is_finite() {
        return Err(Fault::DidNotSettle);
    }
    if ran_away(&optimum.at) {
        return Err(untold());
    }
    let covariance = inverse(&hessian(&mut objective, &optimum.at, STEP)).ok_or_else(untold)?;
    polish(&mut objective, optimum, &covariance, 8);
    if ran_away(&optimum.at) || covariance.iter().enumerate().any(|(i, row)| row[i].sqrt() > UNTOLD) {
        return Err(untold());
    }
    if !optimum.settled {
        return Err(Fault::DidNotSettle);
    }
    let parameters: Vec<f64> = optimum.at.iter().map(|it| it.exp()).collect();
    let estimates = parameters.iter().zip(&covariance).enumerate();
    let estimates =
        estimates.map(|(i, (value, row))| Estimate::around_positive(*value, row[i].sqrt(), TAILS)).collect();
    Ok(Fit {
        model: M::with(&parameters),
        log_likelihood: -optimum.value,
        estimates,
        covariance,
        customers,
        evaluations: optimum.evaluations,
    })
}

/// What is made least: the log-likelihood with its sign turned, over logarithms of parameters; infinite far from the middle.
pub(super) fn negative<'a, M: Likelihood>(rows: &'a [M::Row], middle: &'a [f64]) -> impl Objective + use<'a, M> {
    move |at: &[f64], gradient: &mut [f64]| {
        if at.iter().zip(middle).any(|(at, middle)| (at - middle).abs() > FAR) {
            return f64::INFINITY;
        }
        let parameters: Vec<f64> = at.iter().map(|it| it.exp()).collect();
        gradient.fill(0.0);
        let found = M::with(&parameters).log_likelihood(rows, gradient);
        gradient.iter_mut().zip(&parameters).for_each(|(it, parameter)| *it *= -parameter);
        -found
    }
}

fn weight<R: Row>(rows: &[R]) -> f64 {
    rows.iter().map(R::weight).sum()
}
