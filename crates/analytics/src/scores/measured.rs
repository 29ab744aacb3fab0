//! How good a version was where it was judged, what was tried beside it, what then happened, and for whom it does worse: the same of all kinds of models.
//!
//! Always holds: what is judged here was not seen by the fit that is judged; of groups that are off, so many are by chance alone as the rate of false ones says.

use rapport_models::{Estimate, adjusted};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Sure;
use super::card::{Group, Said};

/// A group smaller than this is not told apart from chance, and may point at somebody.
const LEAST_GROUP: usize = 30;
/// So many groups of a kind are told at most, the largest.
const GROUPS: usize = 30;
/// More groups than by chance are called off at this rate of false ones.
const FALSE: f64 = 0.05;

/// A model that was tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ModelTried)]
pub struct Tried {
    /// `pareto_nbd`, `mbg_nbd` or `bg_nbd`; `regression` or `boosting`.
    pub kind: String,
    /// What people call it.
    pub name: String,
    /// Why it could not be fitted.
    pub fault: Option<String>,
    /// The mean logarithm of the probability of what happened, a person: the larger, the better.
    pub log_score: Option<f64>,
    /// The mean absolute error a person.
    pub mean_absolute: Option<f64>,
    /// The root of the mean squared error.
    pub root_mean_square: Option<f64>,
    /// By which part the sum was foretold too high.
    pub bias: Option<f64>,
    /// The correlation of what was foretold with what came.
    pub correlation: Option<f64>,
}

/// What was tried, and which was the best.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ModelChoice)]
pub struct Choice {
    /// All that were tried.
    pub tried: Vec<Tried>,
    /// The word of the best.
    pub best: String,
}

/// How good the best was on the weeks held out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ModelMetrics)]
pub struct Metrics {
    /// The first day held out, since 1970.
    pub from: i32,
    /// The first day after them.
    pub until: i32,
    /// How many people had bought before.
    pub people: u64,
    /// What was foretold, added up: purchases, or people lost.
    pub said: f64,
    /// What came.
    pub came: f64,
    /// By which part the sum was foretold too high.
    pub bias: Sure,
    /// The mean absolute error of the number of purchases, a person.
    pub mean_absolute: Sure,
    /// The mean logarithm of the probability of what happened, a person.
    pub log_score: Sure,
    /// By which part what they spent was foretold too high, where anything was spent.
    pub spend_bias: Option<Sure>,
    /// The share of what was spent that came from the tenth of whom most was foretold.
    pub top_tenth: Option<Sure>,
    /// The share that the tenth who spent most really brought: nobody can foretell more.
    pub top_tenth_best: Option<f64>,
    /// The probability that of two, one of whom it came true and one of whom it did not, the first was ranked higher.
    pub auc: Option<Sure>,
    /// How far probabilities were from what came, on average over ten bins.
    pub calibration_error: Option<f64>,
    /// Probabilities, beside of whom it came true.
    pub calibration: Vec<Said>,
}

/// By what people are grouped, to see for whom it does worse.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grouping {
    /// `market` or `source`.
    pub by: String,
    /// The names of the groups.
    pub names: Vec<String>,
    /// The place of each buyer's group, in their order; `None` where nobody knows.
    pub of: Vec<Option<u32>>,
}

/// What happened since a version was fitted, beside what it foretold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ModelCame)]
pub struct Came {
    /// The day until which it was looked.
    pub until: String,
    /// How many weeks that is.
    pub weeks: f64,
    /// What it foretold of its customers, added up: purchases, or people lost.
    pub said: f64,
    /// What came.
    pub came: f64,
    /// By which part the sum was foretold too high.
    pub bias: Sure,
    /// The mean absolute error a person.
    pub mean_absolute: Sure,
}

/// How it does for each group, the largest of each kind; those that are off more than chance explains are marked.
/// `said` and `came` are of the same people, `places` says where each is in the order of the groupings.
pub(crate) fn grouped(said: &[f64], came: &[f64], places: &[usize], groupings: &[Grouping]) -> Vec<Group> {
    let mut groups = Vec::new();
    let mut chances = Vec::new();
    for grouping in groupings {
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); grouping.names.len()];
        for (at, place) in places.iter().enumerate() {
            if let Some(group) = grouping.of.get(*place).copied().flatten() {
                members[group as usize].push(at);
            }
        }
        let mut named: Vec<(&String, Vec<usize>)> = grouping.names.iter().zip(members).collect();
        named.retain(|(_, members)| members.len() >= LEAST_GROUP);
        named.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then(a.0.cmp(b.0)));
        for (name, members) in named.into_iter().take(GROUPS) {
            let foretold: Vec<f64> = members.iter().map(|at| said[*at]).collect();
            let brought: Vec<f64> = members.iter().map(|at| came[*at]).collect();
            let off: Vec<f64> = foretold.iter().zip(&brought).map(|(a, b)| a - b).collect();
            chances.push(Estimate::mean(&off).chance());
            let bias = Sure::ratio(&foretold, &brought).map_or(Sure::default(), less_one);
            groups.push(Group {
                by: grouping.by.clone(),
                name: name.clone(),
                people: members.len() as u64,
                said: foretold.iter().sum(),
                came: brought.iter().sum(),
                bias,
                is_off: false,
            });
        }
    }
    let rates = adjusted(&chances);
    groups.iter_mut().zip(rates).for_each(|(group, rate)| group.is_off = rate <= FALSE);
    groups
}

/// A ratio as what it is off by.
pub(crate) fn less_one(it: Sure) -> Sure {
    Sure { value: it.value - 1.0, low: it.low - 1.0, high: it.high - 1.0 }
}
