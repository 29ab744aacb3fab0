//! What customers are worth: whether they are still there, what they will buy and spend, learnt from how all of the workspace's people bought.
//!
//! Always holds: purchases of one day of the workspace's calendar are one; what was cancelled or went back whole is none; amounts of other currencies are
//! not added up. What a model is judged by was not seen by the fit that is judged. Data that do not carry a model are a [`Verdict`](crate::scores::Verdict).
//!
//! Does not do: the mathematics (`rapport_models::buying`), or writing scores anywhere.

mod cards;
mod groupings;
mod learning;
mod model;
mod next;
mod overview;
mod person;
mod purchases;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::scores::within;

pub use crate::scores::measured::{Came, Choice, Grouping, Metrics, Tried};
pub use learning::{Before, Learned, STEPS, came, learn};
pub use model::{Content, Model, Worth};
pub use next::{Cycle, Next};
pub use overview::{Band, Cell, Cohort, Forecast, Overview, Run, Scored, SimpleShape, Tenth};
pub use person::{Detail, Known as Standing, Reason, Score};
pub use purchases::{Bought, Buyer, Day, Known, Usual, date_of, day_of};

/// Days of a week: histories are told in weeks.
pub(crate) const WEEK: f64 = 7.0;

/// What staff choose of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = ValueSettings)]
pub struct Settings {
    /// How many weeks ahead people are scored: 1 to 260.
    pub horizon_weeks: u32,
    /// What money in a year is worth less: 0.1 is 10 %. 0 to 1.
    pub discount_year: f64,
    /// The part of what is spent that is earned: above 0, up to 1; 1 counts revenue.
    pub margin: f64,
    /// How many weeks are held out to judge models: 4 to 52; a quarter of the time there is, unless said.
    pub held_weeks: Option<u32>,
    /// After how many days it is fitted anew: 1 to 90.
    pub fit_days: u32,
    /// After how many hours people are scored anew: 1 to 168.
    pub score_hours: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { horizon_weeks: 52, discount_year: 0.1, margin: 1.0, held_weeks: None, fit_days: 7, score_hours: 24 }
    }
}

impl Settings {
    /// What is wrong with them: the field, and what is expected.
    ///
    /// # Errors
    /// The first field that is out of its bounds.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        within((1..=260).contains(&self.horizon_weeks), "horizon_weeks", "1 to 260 weeks")?;
        within((0.0..=1.0).contains(&self.discount_year), "discount_year", "0 to 1: 0.1 is 10 % a year")?;
        within(self.margin > 0.0 && self.margin <= 1.0, "margin", "above 0, up to 1: 0.4 is 40 % of what is spent")?;
        within(self.held_weeks.is_none_or(|it| (4..=52).contains(&it)), "held_weeks", "4 to 52 weeks, or null")?;
        within((1..=90).contains(&self.fit_days), "fit_days", "1 to 90 days")?;
        within((1..=168).contains(&self.score_hours), "score_hours", "1 to 168 hours")
    }

    /// The horizon in the unit of the histories.
    pub(crate) fn horizon(&self) -> rapport_models::buying::Horizon {
        let discount = (1.0 + self.discount_year).powf(WEEK / 365.25) - 1.0;
        rapport_models::buying::Horizon { period: 1.0, periods: self.horizon_weeks, discount, margin: self.margin }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_their_bounds_are_refused_by_field() {
        assert_eq!(Settings::default().check(), Ok(()));
        let wrong = |json: serde_json::Value| {
            let settings: Settings = serde_json::from_value(json).unwrap();
            settings.check().unwrap_err().0
        };
        assert_eq!(wrong(serde_json::json!({"horizon_weeks": 0})), "horizon_weeks");
        assert_eq!(wrong(serde_json::json!({"horizon_weeks": 261})), "horizon_weeks");
        assert_eq!(wrong(serde_json::json!({"discount_year": -0.1})), "discount_year");
        assert_eq!(wrong(serde_json::json!({"margin": 0.0})), "margin");
        assert_eq!(wrong(serde_json::json!({"held_weeks": 3})), "held_weeks");
        assert_eq!(wrong(serde_json::json!({"fit_days": 91})), "fit_days");
        assert_eq!(wrong(serde_json::json!({"score_hours": 0})), "score_hours");
        assert!(serde_json::from_value::<Settings>(serde_json::json!({"horizon": 3})).is_err());
        let year = Settings { horizon_weeks: 52, ..Settings::default() }.horizon();
        assert!(((1.0 + year.discount).powf(365.25 / 7.0) - 1.1).abs() < 1e-12);
    }
}
