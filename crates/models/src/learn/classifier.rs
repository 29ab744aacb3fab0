//! From labelled rows to probabilities that can be believed, or to the reason why not.
//!
//! Two models are tried on the same folds: a logistic regression, and boosting. The simpler one is kept unless boosting is better by more than one
//! standard error of the difference in log loss, row by row (the rule of Breiman, Friedman, Olshen and Stone 1984, on paired differences). What is said of
//! quality is said of rows that neither the model nor its calibration had seen. Classes are not weighted: that would leave the order and ruin the
//! probabilities.
//!
//! Always holds: all that is learnt, chosen or tuned is learnt, chosen or tuned inside the rows given; probabilities are calibrated.
//!
//! Does not do: look at time. Whoever makes the rows sees to it that features were known before labels came about.

use serde::{Deserialize, Serialize};

use super::boosting::{Boosting, BoostingOptions, Contributions, Outcome};
use super::calibration::Calibration;
use super::folds::{Folds, taken};
use super::leaks;
use super::metrics::{Judged, Metrics, mean, surprise};
use super::regression::{Regression, RegressionOptions};
use super::table::Table;
use crate::estimate::Estimate;
use crate::fault::Fault;

/// Which model it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Logistic regression.
    Regression,
    /// Boosted trees.
    Boosting,
}

/// What is asked of a classifier.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassifierOptions {
    /// Of the regression.
    pub regression: RegressionOptions,
    /// Of boosting; its folds and its seed are those of both models.
    pub boosting: BoostingOptions,
    /// The least positives, and negatives, that anything is learnt from.
    pub least_positives: usize,
    /// The AUC from which one feature by itself is said to give the answer away.
    pub giveaway: f64,
}

impl Default for ClassifierOptions {
    fn default() -> Self {
        Self {
            regression: RegressionOptions::default(),
            boosting: BoostingOptions::default(),
            least_positives: 50,
            giveaway: 0.95,
        }
    }
}

/// What should be looked at before the model is used.
#[derive(Clone, Debug, PartialEq)]
pub enum Warning {
    /// A feature by itself all but tells the label: it may have come about after it.
    GivesAway {
        /// The feature.
        feature: String,
        /// The AUC of it alone, on rows that it was not looked up from.
        auc: f64,
    },
    /// A feature is the same in all rows.
    Constant {
        /// The feature.
        feature: String,
    },
    /// The model tells no better than a coin: its AUC may be one half.
    TellsNothing,
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::GivesAway { feature, auc } => {
                write!(f, "{feature} alone gives the answer away (AUC {auc:.3}): was it known before the outcome?")
            }
            Self::Constant { feature } => write!(f, "{feature} is the same in all rows."),
            Self::TellsNothing => f.write_str("The model tells no better than chance who is who."),
        }
    }
}

/// A model with its calibration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Classifier {
    model: Model,
    calibration: Calibration,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Model {
    Regression(Regression),
    Boosting(Box<Boosting>),
}

/// What is known of a fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The model that was kept.
    pub kept: Kind,
    /// How good it is on rows that it had not seen.
    pub metrics: Metrics,
    /// How good the regression is.
    pub regression: Metrics,
    /// How good boosting is.
    pub boosting: Metrics,
    /// By how much the regression's log loss is higher, a row.
    pub difference: Estimate,
    /// For each row the probability said by a model and a calibration that had not seen it.
    pub held: Vec<f64>,
    /// How often each feature matters: the mean size of what it adds to the log-odds, the largest first.
    pub features: Vec<(String, f64)>,
    /// What should be looked at.
    pub warnings: Vec<Warning>,
}

/// Both models, each calibrated, and what is known of the fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Both {
    /// The regression.
    pub regression: Classifier,
    /// Boosting.
    pub boosting: Classifier,
    /// Of the one that held rows speak for.
    pub report: Report,
}

/// Scores of one kind on held rows, and the probabilities that calibrations of the other folds make of them.
struct Tried {
    scores: Vec<f64>,
    probabilities: Vec<f64>,
}

impl Tried {
    fn of(scores: Vec<f64>, labels: &[bool], folds: &Folds) -> Self {
        let mut probabilities = vec![0.0; scores.len()];
        for (kept, held) in folds.splits() {
            let calibration = Calibration::chosen(&taken(&scores, &kept), &taken(labels, &kept));
            held.into_iter().for_each(|it| probabilities[it] = calibration.of(scores[it]));
        }
        Self { scores, probabilities }
    }
}

impl Classifier {
    /// Learns who is positive. `groups` keeps rows of the same customer in one fold.
    pub fn fit(
        table: &Table,
        labels: &[bool],
        groups: Option<&[u64]>,
        options: &ClassifierOptions,
    ) -> Result<(Self, Report), Fault> {
        let Both { regression, boosting, report } = Self::both(table, labels, groups, options)?;
        Ok((if report.kept == Kind::Boosting { boosting } else { regression }, report))
    }

    /// The same, with both models, for whoever has later rows to choose between them by.
    pub fn both(
        table: &Table,
        labels: &[bool],
        groups: Option<&[u64]>,
        options: &ClassifierOptions,
    ) -> Result<Both, Fault> {
        enough(table, labels, groups, options)?;
        let (count, seed) = (options.boosting.folds.max(2), options.boosting.seed);
        let folds = match groups {
            Some(groups) => Folds::grouped(groups, labels, count, seed),
            None => Folds::stratified(labels, count, seed),
        };
        let outcome = Outcome::Class(labels);
        let mut scores = vec![0.0; labels.len()];
        for (kept, held) in folds.splits() {
            let (rows, own) = (table.taken(&kept), taken(labels, &kept));
            let fit = Regression::fit(&rows, Outcome::Class(&own), None, &options.regression)?;
            let said = fit.scores(&table.taken(&held))?;
            held.into_iter().zip(said).for_each(|(at, it)| scores[at] = it);
        }
        let simple = Tried::of(scores, labels, &folds);
        let boosted = Boosting::fit_stopped(table, outcome, None, Some(&folds), &options.boosting)?;
        let strong = Tried::of(boosted.held, labels, &folds);
        let loss = |it: &Tried, at: usize| surprise(it.probabilities[at], labels[at]);
        let difference = mean((0..labels.len()).map(|at| loss(&simple, at) - loss(&strong, at)));
        let kept =
            if difference.value > difference.standard_error.unwrap_or(0.0) { Kind::Boosting } else { Kind::Regression };
        let whole = |model, tried: &Tried| Self { model, calibration: Calibration::chosen(&tried.scores, labels) };
        let regression = whole(Model::Regression(Regression::fit(table, outcome, None, &options.regression)?), &simple);
        let boosting = whole(Model::Boosting(Box::new(boosted.model)), &strong);
        let judged = |it: &Tried| Judged::new(&it.probabilities, labels).map(|it| it.metrics());
        let (of_regression, of_boosting) = (judged(&simple)?, judged(&strong)?);
        let (found, tried, metrics) = match kept {
            Kind::Boosting => (&boosting, &strong, of_boosting.clone()),
            Kind::Regression => (&regression, &simple, of_regression.clone()),
        };
        let warnings = warnings(table, labels, &folds, &metrics, options);
        let features = found.sizes(table)?;
        let held = tried.probabilities.clone();
        let report = Report {
            kept,
            metrics,
            regression: of_regression,
            boosting: of_boosting,
            difference,
            held,
            features,
            warnings,
        };
        Ok(Both { regression, boosting, report })
    }

    /// The probability of each row. Fails for a table with other features.
    pub fn predict(&self, table: &Table) -> Result<Vec<f64>, Fault> {
        let scores = match &self.model {
            Model::Regression(it) => it.scores(table)?,
            Model::Boosting(it) => it.scores(table)?,
        };
        Ok(scores.into_iter().map(|it| self.calibration.of(it)).collect())
    }

    /// What each feature adds to the log-odds of each row, before they are calibrated: what goes with it, not what it would do.
    pub fn explain(&self, table: &Table) -> Result<Contributions, Fault> {
        match &self.model {
            Model::Regression(it) => it.explain(table),
            Model::Boosting(it) => it.explain(table),
        }
    }

    /// The regression, if that was kept: its coefficients are the model.
    pub fn regression(&self) -> Option<&Regression> {
        match &self.model {
            Model::Regression(it) => Some(it),
            Model::Boosting(_) => None,
        }
    }

    /// Whether all parts fit together, as they do in what [`Classifier::fit`] gives: to be asked of one that was read from a file.
    pub fn is_sound(&self) -> bool {
        let calibrated = match &self.calibration {
            Calibration::Kept => true,
            Calibration::Platt { slope, shift } => slope.is_finite() && shift.is_finite(),
            Calibration::Isotonic { scores, probabilities } => {
                !scores.is_empty() && scores.len() == probabilities.len()
            }
        };
        let model = match &self.model {
            Model::Regression(it) => it.is_sound(),
            Model::Boosting(it) => it.is_sound(),
        };
        calibrated && model
    }

    /// How scores become probabilities.
    pub fn calibration(&self) -> &Calibration {
        &self.calibration
    }

    /// The mean size of contributions on up to a thousand rows, evenly from all.
    pub fn sizes(&self, table: &Table) -> Result<Vec<(String, f64)>, Fault> {
        let places: Vec<usize> = (0..table.rows()).step_by(table.rows().div_ceil(1_000)).collect();
        let explained = self.explain(&table.taken(&places))?;
        let size = |at: usize| explained.rows.iter().map(|it| it[at].abs()).sum::<f64>() / places.len() as f64;
        let mut sizes: Vec<(String, f64)> =
            table.features().iter().enumerate().map(|(at, it)| (it.name.clone(), size(at))).collect();
        sizes.sort_by(|a, b| b.1.total_cmp(&a.1));
        Ok(sizes)
    }
}

/// Whether there is enough to learn from.
fn enough(table: &Table, labels: &[bool], groups: Option<&[u64]>, options: &ClassifierOptions) -> Result<(), Fault> {
    let rows = table.rows();
    for (what, have) in [("labels", labels.len()), ("groups", groups.map_or(rows, <[u64]>::len))] {
        if have != rows {
            return Err(Fault::Shape { what, have, need: rows });
        }
    }
    let positives = labels.iter().filter(|it| **it).count();
    // Fewer could leave a fold with one class only.
    let need = options.least_positives.max(2 * options.boosting.folds.max(2));
    for (what, have) in [("positives", positives), ("negatives", rows - positives)] {
        if have < need {
            return Err(Fault::TooFew { what, have, need });
        }
    }
    let distinct = groups.map(|it| it.iter().collect::<std::collections::BTreeSet<_>>().len());
    match distinct {
        Some(have) if have < need => Err(Fault::TooFew { what: "groups", have, need }),
        _ => Ok(()),
    }
}

fn warnings(
    table: &Table,
    labels: &[bool],
    folds: &Folds,
    metrics: &Metrics,
    options: &ClassifierOptions,
) -> Vec<Warning> {
    let mut found = Vec::new();
    for feature in table.features() {
        if feature.is_constant() {
            found.push(Warning::Constant { feature: feature.name.clone() });
            continue;
        }
        let auc = leaks::alone(feature, labels, folds);
        if auc >= options.giveaway {
            found.push(Warning::GivesAway { feature: feature.name.clone(), auc });
        }
    }
    if metrics.auc.low <= 0.5 {
        found.push(Warning::TellsNothing);
    }
    found
}

#[cfg(test)]
mod tests;
