//! The forecast of whatever was best on what it did not see.

use super::{Backtest, Counts, Method, Series};
use crate::estimate::{Estimate, TAILS};
use crate::fault::Fault;

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// How many steps ahead.
    pub horizon: usize,
    /// The tails that intervals leave out.
    pub tails: f64,
    /// From how many origins methods are tried.
    pub origins: usize,
    /// The length of a year in steps, for waves (365.25 days, 52.18 weeks), if there are to be any.
    pub year: Option<f64>,
    /// The seed of paths that are drawn.
    pub seed: u64,
}

impl Options {
    /// So many steps ahead, with intervals of 95 % and ten origins.
    pub fn of(horizon: usize) -> Self {
        Self { horizon, tails: TAILS, origins: 10, year: None, seed: 1 }
    }
}

/// What comes next, and how good such forecasts were.
#[derive(Clone, Debug, PartialEq)]
pub struct Outlook {
    /// What was used.
    pub method: Method,
    /// The next values.
    pub forecasts: Vec<Estimate>,
    /// How all methods did. Its `Display` is the reason in words, also where the naive forecast is the best.
    pub backtest: Backtest,
}

impl Outlook {
    /// The next values of a series. `past` and `future` hold the outside factors, a column each: of the values' steps, and of the steps ahead. Smoothing is tried always,
    /// a rate where values are small whole numbers, a regression where there are factors or a year. The one that was nearest is used, or the next one if it cannot be fitted to all values.
    pub fn of(series: &Series, (past, future): (&[Vec<f64>], &[Vec<f64>]), options: &Options) -> Result<Self, Fault> {
        let mean = series.values.iter().sum::<f64>() / series.values.len() as f64;
        let mut methods = vec![Method::Smoothing];
        if series.counts() && mean < Counts::LARGE {
            methods.push(Method::Counts);
        }
        if !past.is_empty() || options.year.is_some() {
            methods.push(Method::Regression);
        }
        let backtest = Backtest::run(series, past, &methods, options)?;
        if past.len() != future.len() {
            return Err(Fault::Shape { what: "factors of the future", have: future.len(), need: past.len() });
        }
        let mut order: Vec<usize> = (0..backtest.scores.len()).collect();
        order.sort_by(|a, b| backtest.scores[*a].error.total_cmp(&backtest.scores[*b].error));
        order.retain(|it| *it != backtest.best);
        order.insert(0, backtest.best);
        let mut fault = Fault::DidNotSettle;
        for at in order {
            let method = backtest.scores[at].method;
            match method.forecast(series, (past, future), options) {
                Ok(forecasts) => return Ok(Self { method, forecasts, backtest }),
                Err(it) => fault = it,
            }
        }
        Err(fault)
    }
}
