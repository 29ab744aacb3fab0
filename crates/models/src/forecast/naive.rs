//! The forecast that needs no model: what was a season ago.

use super::series::{Series, kept};
use crate::distributions::normal_quantile;
use crate::estimate::Estimate;
use crate::fault::Fault;

/// The last season, again and again; whatever else is tried has to be better.
#[derive(Clone, Debug, PartialEq)]
pub struct SeasonalNaive {
    series: Series,
    /// The standard deviation of what changed from season to season.
    pub deviation: f64,
}

impl SeasonalNaive {
    /// Of a series with more than a season and two values.
    pub fn fit(series: &Series) -> Result<Self, Fault> {
        series.enough(series.season + 2)?;
        let changes: Vec<f64> =
            series.values.iter().zip(&series.values[series.season..]).map(|(before, now)| now - before).collect();
        let deviation = (changes.iter().map(|it| it * it).sum::<f64>() / changes.len() as f64).sqrt();
        Ok(Self { series: series.clone(), deviation })
    }

    /// The next `horizon` values; each season ahead adds another change (Hyndman and Athanasopoulos, "Forecasting: principles and practice", 5.5).
    pub fn forecast(&self, horizon: usize, tails: f64) -> Vec<Estimate> {
        let (n, season) = (self.series.values.len(), self.series.season);
        let one = |ahead: usize| {
            let value = self.series.values[n - season + ahead % season];
            let seasons = (ahead / season + 1) as f64;
            let half = normal_quantile(tails / 2.0) * self.deviation * seasons.sqrt();
            Estimate { value, standard_error: None, low: value - half, high: value + half }
        };
        kept(&self.series, (0..horizon).map(one).collect())
    }
}
