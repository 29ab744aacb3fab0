//! The figures of the page: who is at risk, why, what acting costs and brings, what goes with a risk.
//!
//! Always holds: the figures are sums over the same scores that people get, and name the column of scores by which their people are found.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::features::FEATURES;
use super::learning::{BINS, Definition, Warned, table};
use super::rows::Row;
use super::run::{LEVELS, LOST, Run};
use crate::scores::Sure;
use crate::scores::card::Said;
use crate::value::date_of;

/// Of so many people at most it is computed what goes with a risk.
const SAMPLE: usize = 400;
/// Of so many features.
const ASSOCIATED: usize = 6;
/// What nobody can act on, or what only says again how long ago the last purchase was.
const NOT_ASSOCIATED: [&str; 3] = ["tenure", "alive", "lateness"];

/// People of a level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ChurnLevel)]
pub struct Level {
    /// `high`, `medium`, `low` or `lost`, by which they are found.
    pub level: String,
    /// How many they are.
    pub people: u64,
    /// How many of them are expected to be lost within the horizon; of those lost already all.
    pub expected: f64,
}

/// People between two risks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ChurnBand)]
pub struct Band {
    /// From this risk on.
    pub from: f64,
    /// Below this one.
    pub to: f64,
    /// How many they are.
    pub people: u64,
}

/// People whose risk one feature raises most.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ChurnCause)]
pub struct Cause {
    /// The word of the feature, by which they are found.
    pub feature: String,
    /// What it is.
    pub name: String,
    /// How much it matters to all: the mean size of what it adds to the log-odds.
    pub size: f64,
    /// Of how many people it is what raises the risk most.
    pub people: u64,
    /// And their mean risk.
    pub risk: f64,
}

/// What acting from a risk on would have come to where the version was judged, for a thousand customers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ChurnCosted)]
pub struct Costed {
    /// The least risk that is acted on.
    pub threshold: f64,
    /// The share of people acted on.
    pub acted: f64,
    /// The share of those who really were lost.
    pub right: Option<f64>,
    /// The share of the lost who were acted on.
    pub found: f64,
    /// What it would have brought, less what it would have cost, if as many are kept as hoped.
    pub gain: f64,
}

/// How the mean risk goes with a feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ChurnAssociated)]
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
#[schema(as = ChurnPoint)]
pub struct Point {
    /// The value that everybody is taken to have.
    pub value: f64,
    /// The mean risk that the model then says.
    pub risk: f64,
}

/// The figures of the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ChurnOverview)]
pub struct Overview {
    /// The day that they are of.
    pub as_of: String,
    /// The workspace's currency.
    pub currency: String,
    /// What lost means.
    pub definition: Definition,
    /// How many people still buy.
    pub people: u64,
    /// How many of them are expected to be lost within the horizon: as sure as it was where the version was judged.
    pub expected: Sure,
    /// How many are lost already.
    pub lost: u64,
    /// The share that was lost where the version was judged.
    pub base: f64,
    /// What a lost customer costs.
    pub loss: f64,
    /// Whether that was proposed by the data.
    pub loss_is_proposed: bool,
    /// What acting on one costs.
    pub action: f64,
    /// Whether that was proposed.
    pub action_is_proposed: bool,
    /// The part of those who would be lost that acting is hoped to keep.
    pub keeps: f64,
    /// The risk from which on acting pays; null where it never does.
    pub threshold: Option<f64>,
    /// People by level.
    pub levels: Vec<Level>,
    /// People by risk.
    pub bands: Vec<Band>,
    /// What was said where the version was judged, beside what came.
    pub reliability: Vec<Said>,
    /// Why.
    pub causes: Vec<Cause>,
    /// What acting costs and brings.
    pub costs: Vec<Costed>,
    /// What goes with a risk.
    pub associated: Vec<Associated>,
    /// What is to be looked at.
    pub warnings: Vec<Warned>,
}

impl Run {
    /// The figures of the page.
    pub fn overview(&self, settings: &super::Settings, currency: &str) -> Overview {
        let content = &self.content;
        let total: f64 = self.risks.iter().sum();
        // Said for each that came, as it was where it was judged.
        let part = |bias: f64| if bias > -0.9 { total / (1.0 + bias) } else { total };
        let bias = content.metrics.bias;
        let people = self.risks.len() as f64;
        let expected =
            Sure { value: total, low: part(bias.high).min(total), high: part(bias.low).max(total).min(people) };
        Overview {
            as_of: date_of(self.rows.days.last().copied().unwrap_or(content.end) - 1),
            currency: currency.to_owned(),
            definition: content.definition,
            people: self.risks.len() as u64,
            expected,
            lost: self.rows.lost.len() as u64,
            base: content.metrics.came / (content.metrics.people.max(1) as f64),
            loss: self.costs.loss,
            loss_is_proposed: settings.loss.is_none(),
            action: self.costs.action,
            action_is_proposed: settings.action.is_none(),
            keeps: self.costs.keeps,
            threshold: self.costs.threshold(),
            levels: self.levels(),
            bands: self.bands(),
            reliability: content.metrics.calibration.clone(),
            causes: self.causes(),
            costs: self.costed(),
            associated: self.associated(),
            warnings: content.warnings.clone(),
        }
    }

    fn levels(&self) -> Vec<Level> {
        let mut levels: Vec<Level> = LEVELS
            .iter()
            .map(|level| {
                let own = self.risks.iter().filter(|it| self.level(**it) == *level);
                let (people, expected) = own.fold((0, 0.0), |(n, sum), it| (n + 1, sum + it));
                Level { level: (*level).to_owned(), people, expected }
            })
            .collect();
        let lost = self.rows.lost.len();
        levels.push(Level { level: LOST.to_owned(), people: lost as u64, expected: lost as f64 });
        levels
    }

    fn bands(&self) -> Vec<Band> {
        let edge = |at: usize| at as f64 / 10.0;
        // As scores are kept: in millionths.
        let kept = |risk: f64| (risk * 1e6).round() / 1e6;
        let within = |at: usize| {
            self.risks.iter().filter(|it| kept(**it) >= edge(at) && kept(**it) < edge(at + 1)).count() as u64
        };
        (0..10).map(|at| Band { from: edge(at), to: edge(at + 1), people: within(at) }).collect()
    }

    fn causes(&self) -> Vec<Cause> {
        let mut by: BTreeMap<&str, (u64, f64)> = BTreeMap::new();
        for (risk, adds) in self.risks.iter().zip(&self.adds) {
            let sum = by.entry(super::reasons::cause(&self.features, adds)).or_default();
            *sum = (sum.0 + 1, sum.1 + risk);
        }
        let causes = self.content.importance.iter().map(|(feature, size)| {
            let (people, sum) = by.get(feature.as_str()).copied().unwrap_or_default();
            let risk = if people > 0 { sum / people as f64 } else { 0.0 };
            Cause { feature: feature.clone(), name: name(feature), size: *size, people, risk }
        });
        causes.collect()
    }

    fn costed(&self) -> Vec<Costed> {
        let bins = &self.content.bins;
        let all: u32 = bins.iter().map(|it| it.0).sum();
        let lost: u32 = bins.iter().map(|it| it.1).sum();
        let n = f64::from(all.max(1));
        (0..20)
            .map(|step| {
                let from = step * BINS / 20;
                let sum = |of: fn(&(u32, u32)) -> u32| f64::from(bins.iter().skip(from).map(of).sum::<u32>());
                let (acted, hits) = (sum(|it| it.0), sum(|it| it.1));
                let gain = hits * self.costs.keeps * self.costs.loss - acted * self.costs.action;
                Costed {
                    threshold: from as f64 / BINS as f64,
                    acted: acted / n,
                    right: (acted > 0.0).then(|| hits / acted),
                    found: if lost > 0 { hits / f64::from(lost) } else { 0.0 },
                    gain: 1_000.0 * gain / n,
                }
            })
            .collect()
    }

    /// The mean risk of some people, if all of them had a low, a middle or a high value of a feature, and all else as it is (Friedman 2001).
    fn associated(&self) -> Vec<Associated> {
        let step = self.rows.rows.len().div_ceil(SAMPLE).max(1);
        let some: Vec<Row> = self.rows.rows.iter().step_by(step).cloned().collect();
        let weighty = self.content.importance.iter().filter(|it| !NOT_ASSOCIATED.contains(&it.0.as_str()));
        weighty.take(ASSOCIATED).filter_map(|(feature, _)| self.along(feature, &some)).collect()
    }

    fn along(&self, feature: &str, some: &[Row]) -> Option<Associated> {
        let at = super::features::place(feature)?;
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
            let risks = self.content.model.predict(&table(alike.iter(), &self.features).ok()?).ok()?;
            points.push(Point { value, risk: Sure::mean(&risks).value });
        }
        (points.len() > 1).then(|| Associated { feature: feature.to_owned(), name: name(feature), points })
    }
}

fn name(feature: &str) -> String {
    super::features::place(feature).map_or(feature, |at| FEATURES[at].1).to_owned()
}
