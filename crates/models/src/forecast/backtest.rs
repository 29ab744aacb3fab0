//! What each way of forecasting would have said, from several origins, of values that it did not see.

use std::fmt;

use super::{Counts, Ets, Options, Regression, SeasonalNaive, Series};
use crate::estimate::Estimate;
use crate::fault::Fault;

/// A way of forecasting. What it chooses, it chooses at each origin anew, by the values before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The last season again.
    SeasonalNaive,
    /// Exponential smoothing, the form by AICc.
    Smoothing,
    /// A regression on the factors, the terms by AICc.
    Regression,
    /// A rate of counts.
    Counts,
}

impl Method {
    /// In words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SeasonalNaive => "the last season again",
            Self::Smoothing => "exponential smoothing",
            Self::Regression => "regression",
            Self::Counts => "a rate of counts",
        }
    }

    /// The next values by this method.
    pub fn forecast(
        self,
        series: &Series,
        (past, future): (&[Vec<f64>], &[Vec<f64>]),
        options: &Options,
    ) -> Result<Vec<Estimate>, Fault> {
        let (horizon, tails) = (options.horizon, options.tails);
        match self {
            Self::SeasonalNaive => Ok(SeasonalNaive::fit(series)?.forecast(horizon, tails)),
            Self::Smoothing => Ok(Ets::choose(series)?.forecast(horizon, tails, options.seed)),
            Self::Counts => Ok(Counts::fit(series)?.forecast(horizon, tails)),
            Self::Regression => Regression::choose(series, past, options.year)?.forecast(horizon, future, tails),
        }
    }
}

/// One forecast beside what came.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// How many values were before it.
    pub origin: usize,
    /// What was said.
    pub forecasts: Vec<Estimate>,
    /// What came.
    pub actual: Vec<f64>,
}

/// How good a method was.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Which.
    pub method: Method,
    /// What it said from each origin; fewer than there are origins where it could not be fitted.
    pub trials: Vec<Trial>,
    /// How far off it was on average.
    pub error: f64,
    /// The same by the sum of what came (weighted absolute percentage error); `None` where that is nothing.
    pub wape: Option<f64>,
    /// The same by what the naive forecast is off within the values before each origin (Hyndman and Koehler 2006); below 1 is better than it.
    pub mase: Option<f64>,
    /// How much it said too much on average; below 0, too little.
    pub bias: f64,
    /// The share of what came that its intervals held.
    pub coverage: f64,
    /// Of how many origins it was nearer than the naive forecast.
    pub wins: usize,
}

/// All methods beside each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Backtest {
    /// The naive one first.
    pub scores: Vec<Score>,
    /// The place of the one that was nearest, of those that could be fitted from every origin.
    pub best: usize,
    /// How many origins there are.
    pub origins: usize,
    /// The tails that intervals leave out.
    pub tails: f64,
}

impl Backtest {
    /// Tries `methods`, and the naive one, from up to `options.origins` origins, the last of which is `options.horizon` before the end and the others as far apart as that allows.
    pub fn run(series: &Series, past: &[Vec<f64>], methods: &[Method], options: &Options) -> Result<Self, Fault> {
        let origins = origins(series, options)?;
        if let Some(short) = past.iter().find(|it| it.len() != series.values.len()) {
            return Err(Fault::Shape { what: "values of a factor", have: short.len(), need: series.values.len() });
        }
        let naive = score(Method::SeasonalNaive, series, past, &origins, options, None);
        if naive.trials.len() < origins.len() {
            return Err(Fault::TooFew { what: "values", have: series.values.len(), need: series.season + 2 });
        }
        let mut scores = vec![naive];
        for method in methods.iter().filter(|it| **it != Method::SeasonalNaive) {
            let own = score(*method, series, past, &origins, options, scores.first());
            scores.push(own);
        }
        let whole = |it: &&(usize, &Score)| it.1.trials.len() == origins.len();
        let nearest = scores.iter().enumerate().filter(|it| whole(&it)).min_by(|a, b| a.1.error.total_cmp(&b.1.error));
        let best = nearest.map_or(0, |it| it.0);
        Ok(Self { scores, best, origins: origins.len(), tails: options.tails })
    }

    /// Whether nothing was better than saying what was a season ago.
    pub fn naive_is_best(&self) -> bool {
        self.best == 0
    }
}

impl fmt::Display for Backtest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (naive, best) = (&self.scores[0], &self.scores[self.best]);
        let percent = |it: f64| (100.0 * it).round();
        let wape = best.wape.map_or(String::new(), |it| format!(" ({} % of all)", percent(it)));
        if self.naive_is_best() {
            write!(
                out,
                "Nothing tried was better than saying what was a season ago, which was off by {:.4}{wape} on average",
                best.error
            )?;
            let next = self.scores[1..].iter().min_by(|a, b| a.error.total_cmp(&b.error));
            if let Some(next) = next.filter(|it| !it.trials.is_empty()) {
                write!(out, "; {} was off by {:.4}", next.method.as_str(), next.error)?;
            }
        } else {
            write!(
                out,
                "{} was off by {:.4}{wape} on average, what was a season ago by {:.4}; it was nearer from {} of {} origins",
                best.method.as_str(),
                best.error,
                naive.error,
                best.wins,
                self.origins
            )?;
        }
        let (held, meant) = (percent(best.coverage), percent(1.0 - self.tails));
        write!(out, ". Its intervals held {held} % of what came, of {meant} % that they claim.")
    }
}

/// How many values are before each origin.
fn origins(series: &Series, options: &Options) -> Result<Vec<usize>, Fault> {
    let n = series.values.len();
    let least = (2 * series.season + 7).max(12);
    let horizon = options.horizon;
    if horizon == 0 || options.origins == 0 {
        return Err(Fault::TooFew { what: "steps ahead, or origins", have: 0, need: 1 });
    }
    let Some(room) = n.checked_sub(least.saturating_add(horizon)) else {
        return Err(Fault::TooFew { what: "values", have: n, need: least.saturating_add(horizon) });
    };
    let step = (room / options.origins.saturating_sub(1).max(1)).clamp(1, horizon);
    let count = options.origins.min(room / step + 1);
    Ok((0..count).rev().map(|it| n - horizon - it * step).collect())
}

fn score(
    method: Method,
    series: &Series,
    past: &[Vec<f64>],
    origins: &[usize],
    options: &Options,
    naive: Option<&Score>,
) -> Score {
    let mut trials = Vec::new();
    let (mut off, mut sum, mut scaled, mut bias, mut held, mut count) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    let (mut wins, mut scalable) = (0, true);
    for (place, origin) in origins.iter().enumerate() {
        let before = series.first(*origin);
        let cut = |from: usize, to: usize| past.iter().map(|it| it[from..to].to_vec()).collect::<Vec<_>>();
        let (known, coming) = (cut(0, *origin), cut(*origin, origin + options.horizon));
        let Ok(forecasts) = method.forecast(&before, (&known, &coming), options) else { continue };
        let actual = series.values[*origin..origin + options.horizon].to_vec();
        let errors: Vec<f64> = forecasts.iter().zip(&actual).map(|(it, came)| it.value - came).collect();
        let own: f64 = errors.iter().map(|it| it.abs()).sum();
        (off, bias) = (off + own, bias + errors.iter().sum::<f64>());
        sum += actual.iter().map(|it| it.abs()).sum::<f64>();
        held += forecasts.iter().zip(&actual).filter(|(it, came)| it.interval().holds(**came)).count() as f64;
        count += errors.len() as f64;
        match before.naive_distance() {
            Some(unit) => scaled += own / unit,
            None => scalable = false,
        }
        if let Some(naive) = naive {
            let other = naive
                .trials
                .get(place)
                .map(|it| it.forecasts.iter().zip(&it.actual).map(|(it, came)| (it.value - came).abs()).sum::<f64>());
            wins += usize::from(other.is_some_and(|other| own < other));
        }
        trials.push(Trial { origin: *origin, forecasts, actual });
    }
    let fitted = count > 0.0;
    let mean = |it: f64| if fitted { it / count } else { f64::MAX };
    Score {
        method,
        error: mean(off),
        wape: (fitted && sum > 0.0).then(|| off / sum),
        mase: (fitted && scalable).then(|| scaled / count),
        bias: if fitted { bias / count } else { 0.0 },
        coverage: if fitted { held / count } else { 0.0 },
        wins,
        trials,
    }
}
