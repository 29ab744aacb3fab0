//! Exponential smoothing: level, trend and season that follow the values, each by its share of what was not expected (Hyndman, Koehler, Ord and Snyder 2008,
//! "Forecasting with exponential smoothing: the state space approach"; Hyndman and Khandakar 2008).
//!
//! With r = level + φ trend, and ŷ = r, r + season or r season, the surprise e = y − ŷ moves the level by α e, the trend by β e, the season by γ e (where the
//! season multiplies: α e / season, β e / season, γ e / r). Noise that adds and noise that multiplies move them alike; the likelihood differs:
//!
//! ```text
//! −2 ln L = n ln(Σ ε² / n) + n (ln 2π + 1) + 2 Σ ln|ŷ|,    ε = e / ŷ,   and without the last sum and with ε = e where noise adds
//! ```
//!
//! States at the beginning are parameters too; seasons add up to 0, or average to 1. Trends that multiply are left out, as in R's `forecast`: they explode.
//!
//! Does not do: seasons of more than 24 steps; for those a [`super::Regression`] has waves.

mod filter;
mod fitting;
mod future;

#[cfg(test)]
mod probe;

use super::Series;
use crate::fault::Fault;

#[cfg(test)]
pub(super) use future::normal;
#[cfg(test)]
pub(super) use probe::{by_paths, deviance, slopes_off};

/// Whether noise is the same everywhere or grows with what is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noise {
    /// It adds.
    Additive,
    /// It multiplies; for values above zero alone.
    Multiplicative,
}

/// What the level does by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trend {
    /// Nothing.
    None,
    /// It goes on as it goes.
    Additive,
    /// It goes on ever less (φ between .8 and .98).
    Damped,
}

/// What a season does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Season {
    /// Nothing.
    None,
    /// It adds.
    Additive,
    /// It multiplies; for values above zero alone.
    Multiplicative,
}

/// One of the forms of exponential smoothing: ETS(A,N,N) is simple smoothing, ETS(A,A,N) Holt's, ETS(A,A,A) and ETS(A,A,M) Holt and Winters'.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The noise.
    pub noise: Noise,
    /// The trend.
    pub trend: Trend,
    /// The season.
    pub season: Season,
}

/// A fitted form.
#[derive(Clone, Debug, PartialEq)]
pub struct Ets {
    /// Which form.
    pub shape: Shape,
    /// How much of a surprise the level takes.
    pub alpha: f64,
    /// How much the trend takes; 0 without one.
    pub beta: f64,
    /// How much the season takes; 0 without one.
    pub gamma: f64,
    /// What is left of the trend at each step; 1 where it is not damped.
    pub phi: f64,
    /// The level at the beginning.
    pub level: f64,
    /// The trend at the beginning.
    pub slope: f64,
    /// The season at the beginning: that of the first step, the second and so on.
    pub seasonal: Vec<f64>,
    /// The standard deviation of the noise, by n less the parameters; in shares where it multiplies.
    pub deviation: f64,
    /// The log-likelihood.
    pub log_likelihood: f64,
    /// Akaike's criterion, on the scale of the log-likelihood. The parameters are those above and the deviation.
    pub aic: f64,
    /// Akaike's criterion for few values (Hurvich and Tsai 1989): the form with the least is chosen.
    pub aicc: f64,
    /// Schwarz's criterion.
    pub bic: f64,
    /// The values that it was fitted to.
    series: Series,
    /// Level, trend and season after the last value; of the season that of the next step first.
    last: filter::States,
}

/// Seasons of more steps have too many parameters for this.
const LONGEST: usize = 24;

impl Shape {
    /// As `AAN`, `MAdM`: noise, trend (with d if damped), season.
    pub fn named(name: &str) -> Option<Self> {
        let (noise, rest) = name.split_at_checked(1)?;
        let (trend, season) = rest.split_at_checked(rest.len().checked_sub(1)?)?;
        let noise = match noise {
            "A" => Noise::Additive,
            "M" => Noise::Multiplicative,
            _ => return None,
        };
        let trend = match trend {
            "N" => Trend::None,
            "A" => Trend::Additive,
            "Ad" => Trend::Damped,
            _ => return None,
        };
        let season = match season {
            "N" => Season::None,
            "A" => Season::Additive,
            "M" => Season::Multiplicative,
            _ => return None,
        };
        Some(Self { noise, trend, season })
    }

    /// Those that are tried of a series: none that multiplies unless all values are above zero, no season of one step or more than 24, none with noise that
    /// adds and a season that multiplies (it is unstable, as Hyndman and others say).
    pub fn of(series: &Series) -> Vec<Self> {
        let positive = series.values.iter().all(|it| *it > 0.0);
        let seasonal = (2..=LONGEST).contains(&series.season) && series.values.len() >= 2 * series.season + 5;
        let mut shapes = Vec::new();
        for noise in [Noise::Additive, Noise::Multiplicative] {
            for trend in [Trend::None, Trend::Additive, Trend::Damped] {
                for season in [Season::None, Season::Additive, Season::Multiplicative] {
                    let shape = Self { noise, trend, season };
                    let multiplies = noise == Noise::Multiplicative || season == Season::Multiplicative;
                    let unstable = noise == Noise::Additive && season == Season::Multiplicative;
                    if (positive || !multiplies) && (seasonal || season == Season::None) && !unstable {
                        shapes.push(shape);
                    }
                }
            }
        }
        shapes
    }

    /// How many parameters it has, the deviation included, with a season of so many steps.
    pub fn parameters(self, season: usize) -> usize {
        let trend = match self.trend {
            Trend::None => 0,
            Trend::Additive => 2,
            Trend::Damped => 3,
        };
        3 + trend + if self.season == Season::None { 0 } else { season }
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let noise = if self.noise == Noise::Additive { "A" } else { "M" };
        let trend = match self.trend {
            Trend::None => "N",
            Trend::Additive => "A",
            Trend::Damped => "Ad",
        };
        let season = match self.season {
            Season::None => "N",
            Season::Additive => "A",
            Season::Multiplicative => "M",
        };
        write!(out, "ETS({noise},{trend},{season})")
    }
}

impl Ets {
    /// The form with the least AICc of those that suit the series.
    pub fn choose(series: &Series) -> Result<Self, Fault> {
        let mut fault = None;
        let mut best: Option<Self> = None;
        for shape in Shape::of(series) {
            match Self::fit(series, shape) {
                Ok(it) if best.as_ref().is_none_or(|best| it.aicc < best.aicc) => best = Some(it),
                Ok(_) => {}
                Err(it) => fault = fault.or(Some(it)),
            }
        }
        best.ok_or_else(|| fault.unwrap_or(Fault::DidNotSettle))
    }
}
