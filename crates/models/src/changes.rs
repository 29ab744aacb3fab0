//! When a series changed for good: orders a day, a score a week, complaints a month.
//!
//! [`Changes::find`] parts a series where that pays: the sum of the parts' costs and a penalty for each change is least, over all ways to part it. That is found
//! exactly, in time that grows little faster than the series, by leaving out beginnings that can no longer win (PELT: Killick, Fearnhead and Eckley 2012,
//! "Optimal detection of changepoints with a linear computational cost").
//!
//! Always holds: the parts are the best of all for their cost and penalty, which an exhaustive search in the tests confirms.
//!
//! Does not do: a trend (a slope is many small changes; [`Movement`] tells them apart); why something changed; single odd days, unless they are as long as the shortest part.

mod cost;
mod movement;
mod noise;
mod search;

pub use cost::Kind;
pub use movement::Movement;
pub use noise::without_season;

use crate::estimate::{Estimate, TAILS};
use crate::fault::{Fault, none_of};
use cost::Costs;

/// How to look for changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// What changes.
    pub kind: Kind,
    /// How much the fit must gain for a change, in units of twice the log-likelihood; `None` takes 3 ln n (Zhang and Siegmund 2007): one for the new level,
    /// two for finding where. More is fewer false alarms.
    pub penalty: Option<f64>,
    /// How many values a part has at least.
    pub shortest: usize,
}

impl Options {
    /// With the usual penalty and parts of at least two values, or three where a variance changes.
    pub fn of(kind: Kind) -> Self {
        Self { kind, penalty: None, shortest: if kind == Kind::LevelAndSpread { 3 } else { 2 } }
    }
}

/// One change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// The place of the first value after it.
    pub at: usize,
    /// The level of the part before.
    pub before: Estimate,
    /// The level of the part after.
    pub after: Estimate,
    /// By how much twice the log-likelihood is worse if these two parts are one: far above the penalty is sure, near it is not.
    pub gain: f64,
}

/// A series in parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Changes {
    /// In the order of time.
    pub changes: Vec<Change>,
    /// What each cost.
    pub penalty: f64,
    /// How much a value goes with the one before it, within a part, as far as the noise is taken to; 0 where it is not looked at.
    pub dependence: f64,
}

impl Changes {
    /// The changes of a series in the order of time. Levels' intervals hold 95 %, given the parts.
    pub fn find(values: &[f64], options: &Options) -> Result<Self, Fault> {
        let shortest = options.shortest.max(if options.kind == Kind::LevelAndSpread { 2 } else { 1 });
        let need = (2 * shortest).max(4);
        if values.len() < need {
            return Err(Fault::TooFew { what: "values", have: values.len(), need });
        }
        none_of(values, |it| !it.is_finite() || it.abs() > 1e140, |row| Fault::NotFinite { row })?;
        if options.kind == Kind::Counts {
            none_of(values, |it| *it < 0.0, |row| Fault::Negative { row })?;
        }
        let penalty = options.penalty.unwrap_or(3.0 * (values.len() as f64).ln());
        if !penalty.is_finite() || penalty < 0.0 {
            return Err(Fault::NotIdentified { why: "changes: the penalty is below zero or not a number" });
        }
        if values.iter().all(|it| *it == values[0]) {
            return Ok(Self { changes: Vec::new(), penalty, dependence: 0.0 });
        }
        let (costs, dependence) = Costs::of(values, options.kind);
        let ends = search::parts(&costs, penalty, shortest);
        let edges: Vec<usize> = std::iter::once(0).chain(ends).collect();
        let change = |it: &[usize]| Change {
            at: it[1],
            before: costs.level(it[0], it[1], TAILS),
            after: costs.level(it[1], it[2], TAILS),
            gain: (costs.cost(it[0], it[2]) - costs.cost(it[0], it[1]) - costs.cost(it[1], it[2])).max(0.0),
        };
        Ok(Self { changes: edges.windows(3).map(change).collect(), penalty, dependence })
    }

    /// The last change, if it is among the last `recent` of so many values: what an alarm is about.
    pub fn alarm(&self, values: usize, recent: usize) -> Option<&Change> {
        self.changes.last().filter(|it| it.at + recent >= values)
    }
}

#[cfg(test)]
mod tests;
