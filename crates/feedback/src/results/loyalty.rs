//! Satisfaction and loyalty as a model, fitted to what was answered: blocks of questions, and paths between them.
//!
//! Always holds: a model is fitted to whoever answered all of its questions; every answer is taken as its place on its scale, from 0 to 100 with more being
//! better, so that indices are from 0 to 100 too. Yes is 100, no is 0.

pub mod people;
pub mod usual;
mod whole;

use std::collections::BTreeMap;

use rapport_models::Fault;
use rapport_models::survey::Confidence;
use rapport_models::survey::paths::{Construct, Fit, Intervals, Invariance, Mode, Model, Scheme, Unfit};

use super::drivers::Numbers;

pub use whole::{Holds, Whole};

/// Samples drawn again for intervals, and divisions by chance.
const DRAWS: usize = 200;
/// The same answers give the same intervals.
const SEED: u64 = 20_260_102;

/// A block of questions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What they ask for together.
    pub key: String,
    /// Their keys.
    pub questions: Vec<String>,
    /// Whether they are signs of it or make it up.
    pub mode: Mode,
}

/// A model as it is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// Its blocks.
    pub blocks: Vec<Block>,
    /// From which to which, by their places.
    pub paths: Vec<(usize, usize)>,
}

impl Drawn {
    /// The questions, block by block: the columns of the model.
    pub fn questions(&self) -> Vec<String> {
        self.blocks.iter().flat_map(|it| it.questions.iter().cloned()).collect()
    }

    fn model(&self) -> Result<Model, Unfit> {
        let columns = self.questions();
        let column = |key: &String| columns.iter().position(|it| it == key).unwrap_or_default();
        let construct = |it: &Block| Construct { indicators: it.questions.iter().map(column).collect(), mode: it.mode };
        Model::new(self.blocks.iter().map(construct).collect(), &self.paths)
    }
}

/// A fitted model with intervals, and how far a group differs from everybody else, if that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// The fit.
    pub fit: Fit,
    /// Its intervals.
    pub intervals: Intervals,
    /// The same by covariances, which says whether the whole model holds; or why that cannot be said.
    pub whole: Result<Whole, Fault>,
    /// Of each block what the group and the others have in common; `None` where no group was named.
    pub invariance: Option<Vec<Invariance>>,
}

impl Numbers {
    /// The model fitted to the answers; a group is a value of what the answers were read by. Takes seconds of a thread.
    ///
    /// # Errors
    /// The model cannot be, or there are too few answers for it.
    pub fn fitted(
        &self,
        drawn: &Drawn,
        scheme: Scheme,
        group: Option<&str>,
        confidence: Confidence,
    ) -> Result<Fitted, Unfit> {
        let model = drawn.model()?;
        let columns = drawn.questions();
        let persons = self.persons();
        let row = |it: &BTreeMap<&str, f64>| columns.iter().map(|key| it.get(key.as_str()).copied()).collect();
        let rows: Vec<Vec<Option<f64>>> = persons.values().map(row).collect();
        let (fit, intervals) = model.fit_sampled(&rows, scheme, (0.0, 100.0), confidence, (DRAWS, SEED))?;
        let complete: Vec<Vec<f64>> =
            rows.iter().filter_map(|row| row.iter().copied().collect::<Option<Vec<f64>>>()).collect();
        let whole = whole::whole(drawn, &complete, confidence);
        let Some(group) = group else { return Ok(Fitted { fit, intervals, whole, invariance: None }) };
        let of: BTreeMap<&str, bool> =
            self.rows.iter().map(|it| (it.response.as_str(), it.dimension.as_deref() == Some(group))).collect();
        let side = |wanted: bool| -> Vec<Vec<Option<f64>>> {
            persons.iter().filter(|(id, _)| of.get(*id) == Some(&wanted)).map(|(_, it)| row(it)).collect()
        };
        let invariance = model.invariance(&side(true), &side(false), scheme, DRAWS, SEED)?;
        Ok(Fitted { fit, intervals, whole, invariance: Some(invariance) })
    }
}
