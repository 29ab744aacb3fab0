//! The figures of the page: who will probably do it, why, whom one reaches by writing to those with the highest chances.
//!
//! Always holds: the figures are sums over the same scores that people get, and name the column of scores by which their people are found.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Definition, Run};
use crate::foretelling::{Associated, Band, Cause, Level, Reached, Warned, reached};
use crate::scores::Sure;
use crate::scores::card::Said;
use crate::value::date_of;

/// The figures of the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = PropensityOverview)]
pub struct Overview {
    /// The day that they are of.
    pub as_of: String,
    /// The workspace's currency.
    pub currency: String,
    /// What is foretold of whom.
    pub definition: Definition,
    /// What is foretold in words, after "Who": `buys in the next 4 weeks`.
    pub said: String,
    /// Of how many people.
    pub people: u64,
    /// How many of them are expected to do it within the horizon: as sure as it was where the version was judged.
    pub expected: Sure,
    /// How many are left out as they fulfil the condition already.
    pub already: u64,
    /// How many, as they are not of those asked about.
    pub others: u64,
    /// How many, as nothing was heard of them for too long.
    pub idle: u64,
    /// The share that did it where the version was judged.
    pub base: f64,
    /// What those who did it spent within the horizon, on average.
    pub worth: f64,
    /// The chance from which on the level is high: twice the usual odds.
    pub high: f64,
    /// The chance from which on it is medium: the usual one.
    pub medium: f64,
    /// People by level.
    pub levels: Vec<Level>,
    /// People by chance.
    pub bands: Vec<Band>,
    /// What was said where the version was judged, beside what came.
    pub reliability: Vec<Said>,
    /// Why.
    pub causes: Vec<Cause>,
    /// Whom one would have reached, where the version was judged, by the least chance that is acted on.
    pub reached: Vec<Reached>,
    /// What goes with a chance.
    pub associated: Vec<Associated>,
    /// What is to be looked at.
    pub warnings: Vec<Warned>,
}

impl Run {
    /// The figures of the page.
    pub fn overview(&self, currency: &str) -> Overview {
        let (chances, content) = (&self.chances, &self.chances.content);
        Overview {
            as_of: date_of(chances.rows.days.last().copied().unwrap_or(content.end) - 1),
            currency: currency.to_owned(),
            said: content.definition.said(),
            definition: content.definition.clone(),
            people: self.people() as u64,
            expected: chances.expected(),
            already: self.left.already,
            others: self.left.others,
            idle: self.left.idle,
            base: content.base(),
            worth: content.worth,
            high: self.levels.high.unwrap_or(1.0),
            medium: self.levels.medium,
            levels: chances.by_level(&self.levels),
            bands: chances.bands(),
            reliability: content.metrics.calibration.clone(),
            causes: chances.causes(),
            reached: reached(&content.bins),
            associated: chances.associated(),
            warnings: content.warnings.clone(),
        }
    }
}
