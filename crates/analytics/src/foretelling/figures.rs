//! The figures that all pages of what is foretold have: how chances are spread, what goes with them, whom acting would have reached.
//!
//! Always holds: the figures are sums over the same scores that people get, and name the column of scores by which their people are found.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::BINS;
use super::features::{FEATURES, place};
use super::learning::table;
use super::reasons::cause;
use super::rows::Row;
use super::run::Chances;
use crate::scores::Sure;

/// Of so many people at most it is computed what goes with a chance.
const SAMPLE: usize = 400;
/// Of so many features.
const ASSOCIATED: usize = 6;
/// What nobody can act on, or what only says again how long ago the last purchase was.
const NOT_ASSOCIATED: [&str; 3] = ["tenure", "alive", "lateness"];
/// So many parts the people judged are divided into by how high their chance was.
const PARTS: usize = 20;

/// The levels of a chance, the highest first.
pub const LEVELS: [&str; 3] = ["high", "medium", "low"];
/// How much likelier than usual, as odds, it is for whom the level is high, where nothing else says from where on.
const ODDS: f64 = 2.0;

/// From which chances on levels begin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Levels {
    /// `high`; `None` where it never begins.
    pub high: Option<f64>,
    /// `medium`.
    pub medium: f64,
}

impl Levels {
    /// Beside the share of all for whom it comes true: `high` is whoever's odds are twice those of all, `medium` whoever's are above them. So a few are high whatever the share,
    /// where people differ, and nobody where they do not.
    pub fn beside(base: f64) -> Self {
        // Of the odds o = base / (1 - base), the chance r o / (1 + r o), without a division by what may be nothing.
        Self { high: Some(ODDS * base / (1.0 - base + ODDS * base)), medium: base }
    }

    /// The level of a chance.
    pub fn of(&self, chance: f64) -> &'static str {
        let [high, medium, low] = LEVELS;
        match chance {
            it if self.high.is_some_and(|from| it >= from) => high,
            it if it >= self.medium => medium,
            _ => low,
        }
    }
}

/// People of a level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ForetoldLevel)]
pub struct Level {
    /// `high`, `medium` or `low`, by which they are found; of churn also `lost`.
    pub level: String,
    /// How many they are.
    pub people: u64,
    /// For how many of them it is expected to come true within the horizon.
    pub expected: f64,
}

/// People between two chances.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ForetoldBand)]
pub struct Band {
    /// From this chance on.
    pub from: f64,
    /// Below this one.
    pub to: f64,
    /// How many they are.
    pub people: u64,
}

/// People whose chance one feature raises most.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ForetoldCause)]
pub struct Cause {
    /// The word of the feature, by which they are found.
    pub feature: String,
    /// What it is.
    pub name: String,
    /// How much it matters to all: the mean size of what it adds to the log-odds.
    pub size: f64,
    /// Of how many people it is what raises the chance most.
    pub people: u64,
    /// And their mean chance.
    #[serde(alias = "risk")]
    pub chance: f64,
}

/// How the mean chance goes with a feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ForetoldAssociated)]
pub struct Associated {
    /// The word of the feature.
    pub feature: String,
    /// What it is.
    pub name: String,
    /// A low, a middle and a high value of it.
    pub points: Vec<Point>,
}

/// A point of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ForetoldPoint)]
pub struct Point {
    /// The value that everybody is taken to have.
    pub value: f64,
    /// The mean chance that the model then says.
    #[serde(alias = "risk")]
    pub chance: f64,
}

/// Whom one would have reached, where the version was judged, with those whose chance was at least so high.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ForetoldReached)]
pub struct Reached {
    /// The least chance that is acted on.
    pub threshold: f64,
    /// The share of people acted on.
    pub acted: f64,
    /// The share of those for whom it really came true.
    pub right: Option<f64>,
    /// The share of those for whom it came true who were acted on.
    pub found: f64,
}

/// Whom acting would have reached, by the least chance that is acted on, of the people judged in bins of it.
pub(crate) fn reached(bins: &[(u32, u32)]) -> Vec<Reached> {
    let all: u32 = bins.iter().map(|it| it.0).sum();
    let came: u32 = bins.iter().map(|it| it.1).sum();
    let n = f64::from(all.max(1));
    let one = |step: usize| {
        let from = step * BINS / PARTS;
        let sum = |of: fn(&(u32, u32)) -> u32| f64::from(bins.iter().skip(from).map(of).sum::<u32>());
        let (acted, hits) = (sum(|it| it.0), sum(|it| it.1));
        Reached {
            threshold: from as f64 / BINS as f64,
            acted: acted / n,
            right: (acted > 0.0).then(|| hits / acted),
            found: if came > 0 { hits / f64::from(came) } else { 0.0 },
        }
    };
    (0..PARTS).map(one).collect()
}

impl<D> Chances<D> {
    /// How many are expected, as sure as it was where the version was judged.
    pub(crate) fn expected(&self) -> Sure {
        let total: f64 = self.said.iter().sum();
        // Said for each that came, as it was where it was judged.
        let part = |bias: f64| if bias > -0.9 { total / (1.0 + bias) } else { total };
        let (bias, people) = (self.content.metrics.bias, self.said.len() as f64);
        Sure { value: total, low: part(bias.high).min(total), high: part(bias.low).max(total).min(people) }
    }

    /// People by level.
    pub(crate) fn by_level(&self, levels: &Levels) -> Vec<Level> {
        let of = |level: &str| {
            let own = self.said.iter().filter(|it| levels.of(**it) == level);
            let (people, expected) = own.fold((0, 0.0), |(n, sum), it| (n + 1, sum + it));
            Level { level: level.to_owned(), people, expected }
        };
        LEVELS.iter().map(|level| of(level)).collect()
    }

    /// People by how high their chance is.
    pub(crate) fn bands(&self) -> Vec<Band> {
        let edge = |at: usize| at as f64 / 10.0;
        // As scores are kept: in millionths.
        let kept = |chance: f64| (chance * 1e6).round() / 1e6;
        let within =
            |at: usize| self.said.iter().filter(|it| kept(**it) >= edge(at) && kept(**it) < edge(at + 1)).count();
        (0..10).map(|at| Band { from: edge(at), to: edge(at + 1), people: within(at) as u64 }).collect()
    }

    /// What raises chances, the weightiest first.
    pub(crate) fn causes(&self) -> Vec<Cause> {
        let mut by: BTreeMap<&str, (u64, f64)> = BTreeMap::new();
        for (chance, adds) in self.said.iter().zip(&self.adds) {
            let sum = by.entry(cause(&self.features, adds)).or_default();
            *sum = (sum.0 + 1, sum.1 + chance);
        }
        let causes = self.content.importance.iter().map(|(feature, size)| {
            let (people, sum) = by.get(feature.as_str()).copied().unwrap_or_default();
            let chance = if people > 0 { sum / people as f64 } else { 0.0 };
            Cause { feature: feature.clone(), name: name(feature), size: *size, people, chance }
        });
        causes.collect()
    }

    /// The mean chance of some people, if all of them had a low, a middle or a high value of a feature, and all else as it is (Friedman 2001).
    pub(crate) fn associated(&self) -> Vec<Associated> {
        let step = self.rows.rows.len().div_ceil(SAMPLE).max(1);
        let some: Vec<Row> = self.rows.rows.iter().step_by(step).cloned().collect();
        let weighty = self.content.importance.iter().filter(|it| !NOT_ASSOCIATED.contains(&it.0.as_str()));
        weighty.take(ASSOCIATED).filter_map(|(feature, _)| self.along(feature, &some)).collect()
    }

    fn along(&self, feature: &str, some: &[Row]) -> Option<Associated> {
        let at = place(feature)?;
        let mut values: Vec<f64> = some.iter().map(|it| it.known.values[at]).filter(|it| !it.is_nan()).collect();
        values.sort_by(f64::total_cmp);
        let mut points: Vec<Point> = Vec::new();
        for share in [0.1, 0.5, 0.9] {
            let value = *values.get((share * values.len() as f64) as usize)?;
            if points.last().is_some_and(|it| it.value >= value) {
                continue;
            }
            let mut alike = some.to_vec();
            alike.iter_mut().for_each(|it| it.known.values[at] = value);
            let chances = self.content.model.predict(&table(alike.iter(), &self.features).ok()?).ok()?;
            points.push(Point { value, chance: Sure::mean(&chances).value });
        }
        (points.len() > 1).then(|| Associated { feature: feature.to_owned(), name: name(feature), points })
    }
}

fn name(feature: &str) -> String {
    place(feature).map_or(feature, |at| FEATURES[at].1).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Odds of 2 in 3 are those of 40 %; twice as much is 4 in 3, or 57 %.
    #[test]
    fn high_is_twice_the_usual_odds() {
        let levels = Levels::beside(0.4);
        assert!((levels.high.unwrap() - 4.0 / 7.0).abs() < 1e-12 && levels.medium == 0.4, "{levels:?}");
        assert_eq!([0.58, 0.57, 0.4, 0.39].map(|it| levels.of(it)), ["high", "medium", "medium", "low"]);
        for base in [0.0, 0.01, 0.5, 0.99, 1.0] {
            let levels = Levels::beside(base);
            let high = levels.high.unwrap();
            assert!((0.0..=1.0).contains(&high) && high >= levels.medium, "{base}: {levels:?}");
        }
    }

    #[test]
    fn whom_acting_reaches_is_counted_from_the_highest_on() {
        let mut bins = vec![(0, 0); BINS];
        (bins[0], bins[25], bins[49]) = ((60, 3), (30, 12), (10, 9));
        let found = reached(&bins);
        assert_eq!((found[0].acted, found[0].right, found[0].found), (1.0, Some(0.24), 1.0));
        let half = found.iter().find(|it| it.threshold == 0.5).unwrap();
        assert!((half.acted - 0.4).abs() < 1e-12 && (half.found - 21.0 / 24.0).abs() < 1e-12, "{half:?}");
        assert_eq!(reached(&[]).len(), PARTS);
    }
}
