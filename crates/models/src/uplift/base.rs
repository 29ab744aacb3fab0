//! The models that learners of effects are made of, with what they say of rows that they did not learn from.

use serde::{Deserialize, Serialize};

use super::Options;
use crate::fault::Fault;
use crate::learn::{Boosting, Folds, Outcome, Regression, Table};

/// What learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// Regression with a ridge: steady, without interactions.
    Regression,
    /// Boosting, whose size is found inside the training part.
    Boosting,
}

/// A model of an outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Learnt {
    Regression(Box<Regression>),
    Boosting(Box<Boosting>),
}

impl Learnt {
    /// Of all rows.
    pub(super) fn fit(
        table: &Table,
        outcome: Outcome,
        weights: Option<&[f64]>,
        options: &Options,
    ) -> Result<Self, Fault> {
        match options.base {
            Base::Regression => {
                Ok(Self::Regression(Box::new(Regression::fit(table, outcome, weights, &options.regression)?)))
            }
            Base::Boosting => {
                let found = Boosting::fit_stopped(table, outcome, weights, None, &options.boosting)?;
                Ok(Self::Boosting(Box::new(found.model)))
            }
        }
    }

    /// The same, and for each row what a model says that did not learn from it.
    pub(super) fn fit_held(table: &Table, outcome: Outcome, options: &Options) -> Result<(Self, Vec<f64>), Fault> {
        let folds = match outcome {
            Outcome::Class(labels) => Folds::stratified(labels, options.boosting.folds, options.boosting.seed),
            Outcome::Number(it) => Folds::plain(it.len(), options.boosting.folds, options.boosting.seed),
        };
        if options.base == Base::Boosting {
            let found = Boosting::fit_stopped(table, outcome, None, Some(&folds), &options.boosting)?;
            let held = match outcome {
                Outcome::Class(_) => found.held.into_iter().map(|it| 1.0 / (1.0 + (-it).exp())).collect(),
                Outcome::Number(_) => found.held,
            };
            return Ok((Self::Boosting(Box::new(found.model)), held));
        }
        let mut held = vec![0.0; table.rows()];
        for (kept, out) in folds.splits() {
            let own = super::Response::of(outcome).taken(&kept);
            let model = Regression::fit(&table.taken(&kept), own.outcome(), None, &options.regression)?;
            out.iter().zip(model.predict(&table.taken(&out))?).for_each(|(at, it)| held[*at] = it);
        }
        Ok((Self::fit(table, outcome, None, options)?, held))
    }

    /// For each row the probability or the number.
    pub(super) fn predict(&self, table: &Table) -> Result<Vec<f64>, Fault> {
        match self {
            Self::Regression(it) => it.predict(table),
            Self::Boosting(it) => it.predict(table),
        }
    }

    /// Whether all parts fit together.
    pub(super) fn is_sound(&self) -> bool {
        match self {
            Self::Regression(it) => it.is_sound(),
            Self::Boosting(it) => it.is_sound(),
        }
    }
}
