//! Learners of effects: how much more of the outcome each person has with the treatment than without it.
//!
//! S and T (Künzel, Sekhon, Bickel and Yu 2019, "Metalearners for estimating heterogeneous treatment effects", which also gives X), the doubly robust learner
//! (Kennedy 2020, "Towards optimal doubly robust estimation of heterogeneous causal effects"), class transformation (Jaśkowski and Jaroszewicz 2012, "Uplift
//! modeling for clinical trial data"; for numbers the transformed outcome of Athey and Imbens 2015), and trees of effects. Beside them the response model,
//! which knows nothing of effects and is what all others have to beat.
//!
//! Always holds: an effect has the unit of the outcome, for classes that of a probability, and is finite; the response model's is no effect but an order.
//!
//! Does not do: see what nobody measured. Where the treatment was not given by chance with the propensities that are said, all of this is wrong.

use serde::{Deserialize, Serialize};

use super::base::Learnt;
use super::comparison::{Comparison, Response};
use super::tree::Forest;
use super::{Learner, Options};
use crate::fault::Fault;
use crate::learn::{Feature, Outcome, Table};

/// A model of effects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Uplift {
    learner: Learner,
    model: Model,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Model {
    /// What it says is the order.
    Direct(Learnt),
    /// One model with the treatment as a feature of this name.
    Single(Learnt, String),
    /// The class is "treated and came true, or neither".
    Class(Learnt),
    /// With and without the treatment.
    Two(Box<[Learnt; 2]>),
    /// Of the effect on controls and on treated, and the share of the latter.
    Crossed(Box<[Learnt; 2]>, f64),
    Forest(Forest),
    /// The mean of several.
    Mean(Vec<Uplift>),
}

impl Uplift {
    /// Learns effects from a trial. Fails where arms or outcomes are too few, or a column is the same in all rows.
    pub fn fit(table: &Table, comparison: &Comparison, learner: Learner, options: &Options) -> Result<Self, Fault> {
        enough(table, comparison, options)?;
        constant(table)?;
        Self::learnt(table, comparison, learner, options)
    }

    /// The same without looking for columns that are the same in all rows: parts of a table may have such.
    pub(super) fn learnt(
        table: &Table,
        comparison: &Comparison,
        learner: Learner,
        options: &Options,
    ) -> Result<Self, Fault> {
        let model = match learner {
            Learner::Response => {
                let places = comparison.arm(true);
                let own = comparison.response().taken(&places);
                Model::Direct(Learnt::fit(&table.taken(&places), own.outcome(), None, options)?)
            }
            Learner::S => single(table, comparison, options)?,
            Learner::T => Model::Two(Box::new(two(table, comparison, options)?.map(|it| it.0))),
            Learner::X => crossed(table, comparison, options)?,
            Learner::DoublyRobust => {
                let scores = doubly_robust(table, comparison, options)?;
                Model::Direct(Learnt::fit(table, Outcome::Number(&scores), None, options)?)
            }
            Learner::ClassTransformation => transformed(table, comparison, options)?,
            Learner::Tree => Model::Forest(Forest::tree(table, comparison, &options.tree)?),
            Learner::Forest => Model::Forest(Forest::fit(table, comparison, &options.tree)?),
            Learner::Mean => {
                let each = [Learner::T, Learner::X, Learner::DoublyRobust, Learner::ClassTransformation];
                let models: Result<Vec<_>, _> =
                    each.into_iter().map(|it| Self::learnt(table, comparison, it, options)).collect();
                Model::Mean(models?)
            }
        };
        Ok(Self { learner, model })
    }

    /// The way it was learnt.
    pub fn learner(&self) -> Learner {
        self.learner
    }

    /// Whether all parts fit together, as they do in what [`Uplift::fit`] gives: to be asked of one that was read from a file.
    pub fn is_sound(&self) -> bool {
        match &self.model {
            Model::Direct(it) | Model::Single(it, _) | Model::Class(it) => it.is_sound(),
            Model::Two(it) => it.iter().all(Learnt::is_sound),
            Model::Crossed(it, share) => it.iter().all(Learnt::is_sound) && (0.0..=1.0).contains(share),
            Model::Forest(it) => it.is_sound(),
            // A mean is of models that are no means.
            Model::Mean(each) => {
                !each.is_empty() && each.iter().all(|it| !matches!(it.model, Model::Mean(_)) && it.is_sound())
            }
        }
    }

    /// The effect on each row; of the response model what is expected with the treatment.
    pub fn predict(&self, table: &Table) -> Result<Vec<f64>, Fault> {
        let difference = |a: Vec<f64>, b: Vec<f64>| a.into_iter().zip(b).map(|(a, b)| a - b).collect();
        match &self.model {
            Model::Direct(it) => it.predict(table),
            Model::Single(it, name) => {
                let said = |arm| it.predict(&table.with(feature(name, &vec![arm; table.rows()]))?);
                Ok(difference(said(true)?, said(false)?))
            }
            Model::Class(it) => Ok(it.predict(table)?.into_iter().map(|it| 2.0 * it - 1.0).collect()),
            Model::Two(it) => Ok(difference(it[1].predict(table)?, it[0].predict(table)?)),
            Model::Crossed(it, share) => {
                let both = it[0].predict(table)?.into_iter().zip(it[1].predict(table)?);
                Ok(both.map(|(on_controls, on_treated)| share * on_controls + (1.0 - share) * on_treated).collect())
            }
            Model::Forest(it) => it.predict(table),
            Model::Mean(each) => {
                let mut mean = vec![0.0; table.rows()];
                for model in each {
                    mean.iter_mut().zip(model.predict(table)?).for_each(|(sum, it)| *sum += it / each.len() as f64);
                }
                Ok(mean)
            }
        }
    }
}

/// Whether there is enough in each arm.
pub(super) fn enough(table: &Table, comparison: &Comparison, options: &Options) -> Result<(), Fault> {
    if table.rows() != comparison.rows() {
        return Err(Fault::Shape { what: "rows with features", have: table.rows(), need: comparison.rows() });
    }
    let arms = [(true, "treated rows", "treated rows of each class"), (false, "controls", "controls of each class")];
    for (arm, rows, class) in arms {
        let places = comparison.arm(arm);
        let need = options.least_rows.max(4 * options.boosting.folds);
        if places.len() < need {
            return Err(Fault::TooFew { what: rows, have: places.len(), need });
        }
        if let Response::Class(labels) = comparison.response() {
            let positives = places.iter().filter(|at| labels[**at]).count();
            let (have, need) = (positives.min(places.len() - positives), 2 * options.boosting.folds);
            if have < need {
                return Err(Fault::TooFew { what: class, have, need });
            }
        }
    }
    Ok(())
}

fn constant(table: &Table) -> Result<(), Fault> {
    let column = table.features().iter().position(Feature::is_constant);
    column.map_or(Ok(()), |column| Err(Fault::Constant { column }))
}

fn feature(name: &str, treated: &[bool]) -> Feature {
    Feature::numbers(name, treated.iter().map(|it| f64::from(u8::from(*it))).collect())
}

fn single(table: &Table, comparison: &Comparison, options: &Options) -> Result<Model, Fault> {
    let mut name = "treated".to_string();
    while table.features().iter().any(|it| it.name == name) {
        name.push('\'');
    }
    let with = table.with(feature(&name, comparison.treated()))?;
    // A tree of two leaves asks one question: it could give everybody the same effect only.
    let mut options = options.clone();
    options.boosting.leaves.retain(|it| *it > 2);
    if options.boosting.leaves.is_empty() {
        options.boosting.leaves.push(4);
    }
    Ok(Model::Single(Learnt::fit(&with, comparison.response().outcome(), None, &options)?, name))
}

/// A model of each arm's outcome, controls first, with what is said of its own rows by models that did not learn from them.
fn two(table: &Table, comparison: &Comparison, options: &Options) -> Result<[(Learnt, Vec<f64>); 2], Fault> {
    let of = |arm| {
        let places = comparison.arm(arm);
        Learnt::fit_held(&table.taken(&places), comparison.response().taken(&places).outcome(), options)
    };
    Ok([of(false)?, of(true)?])
}

/// For each row the outcomes expected without and with the treatment, by models that did not learn from it.
fn expected(table: &Table, comparison: &Comparison, options: &Options) -> Result<[Vec<f64>; 2], Fault> {
    let of = |(arm, (model, held)): (bool, (Learnt, Vec<f64>))| {
        let mut said = model.predict(table)?;
        comparison.arm(arm).into_iter().zip(held).for_each(|(at, it)| said[at] = it);
        Ok(said)
    };
    let [none, one] = two(table, comparison, options)?;
    Ok([of((false, none))?, of((true, one))?])
}

/// For each row an effect that is right in the mean if either the models or the propensities are: what models expect, and the weighted error in the row's arm.
pub(super) fn doubly_robust(table: &Table, comparison: &Comparison, options: &Options) -> Result<Vec<f64>, Fault> {
    let [none, one] = expected(table, comparison, options)?;
    let score = |at: usize| {
        let (value, chance) = (comparison.response().value(at), comparison.chance(at));
        let off = if comparison.treated()[at] { (value - one[at]) / chance } else { (none[at] - value) / chance };
        one[at] - none[at] + off
    };
    Ok((0..table.rows()).map(score).collect())
}

fn crossed(table: &Table, comparison: &Comparison, options: &Options) -> Result<Model, Fault> {
    let places = [comparison.arm(false), comparison.arm(true)];
    let own = |arm: usize| (table.taken(&places[arm]), comparison.response().taken(&places[arm]));
    let (rows, outcomes): (Vec<Table>, Vec<Response>) = [own(0), own(1)].into_iter().unzip();
    let models = [
        Learnt::fit(&rows[0], outcomes[0].outcome(), None, options)?,
        Learnt::fit(&rows[1], outcomes[1].outcome(), None, options)?,
    ];
    // What each row had less what the other arm's model expects of it, turned so that it is the effect of the treatment.
    let imputed = |arm: usize| {
        let sign = if arm == 1 { 1.0 } else { -1.0 };
        let other = models[1 - arm].predict(&rows[arm])?;
        let effects: Vec<f64> =
            other.iter().enumerate().map(|(at, it)| sign * (outcomes[arm].value(at) - it)).collect();
        Learnt::fit(&rows[arm], Outcome::Number(&effects), None, options)
    };
    let share = places[1].len() as f64 / table.rows() as f64;
    Ok(Model::Crossed(Box::new([imputed(0)?, imputed(1)?]), share))
}

fn transformed(table: &Table, comparison: &Comparison, options: &Options) -> Result<Model, Fault> {
    let rows = 0..table.rows();
    match comparison.response() {
        Response::Class(labels) => {
            let classes: Vec<bool> = labels.iter().zip(comparison.treated()).map(|(a, b)| a == b).collect();
            // Half of the weight is the treated's, so that even chances weigh 1.
            let weights: Vec<f64> = rows.map(|at| 0.5 / comparison.chance(at)).collect();
            Ok(Model::Class(Learnt::fit(table, Outcome::Class(&classes), Some(&weights), options)?))
        }
        Response::Number(values) => {
            // What is taken off everybody alike alters no effect, and makes the outcome less scattered.
            let mean = values.iter().map(|it| it / values.len() as f64).sum::<f64>();
            let sign = |at: usize| if comparison.treated()[at] { 1.0 } else { -1.0 };
            let effects: Vec<f64> = rows.map(|at| sign(at) * (values[at] - mean) / comparison.chance(at)).collect();
            Ok(Model::Direct(Learnt::fit(table, Outcome::Number(&effects), None, options)?))
        }
    }
}
