//! From a block to the people: whose indices are within some bounds, such as satisfied and not loyal.
//!
//! Always holds: of whoever answered all of the model; an index of somebody is by the weights that all of them gave.

use std::collections::BTreeMap;

use rapport_models::survey::paths::{Scheme, Unfit};

use super::Drawn;
use super::usual::Usual;
use crate::results::Numbers;

/// Somebody who answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// The response.
    pub response: String,
    /// The index of each block, from 0 to 100, in their order; `None` where the weights of a block add up to nothing.
    pub indices: Vec<Option<f64>>,
}

/// Whose index of a block is looked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    /// The place of the block.
    pub block: usize,
    /// At least.
    pub from: f64,
    /// And less than this.
    pub to: f64,
}

impl Numbers {
    /// Everybody who answered all of a model, with their indices.
    ///
    /// # Errors
    /// As of [`Numbers::fitted`].
    pub fn indices(&self, drawn: &Drawn, scheme: Scheme) -> Result<Vec<Answered>, Unfit> {
        let columns = drawn.questions();
        let persons = self.persons();
        let row = |it: &BTreeMap<&str, f64>| columns.iter().map(|key| it.get(key.as_str()).copied()).collect();
        let rows: Vec<Vec<Option<f64>>> = persons.values().map(row).collect();
        let fit = drawn.model()?.fit(&rows, scheme)?;
        let one = |(response, row): (&&str, Vec<Option<f64>>)| {
            let own: Vec<f64> = row.into_iter().collect::<Option<_>>()?;
            let indices = (0..drawn.blocks.len()).map(|at| fit.index_of(at, &own, 0.0, 100.0)).collect();
            Some(Answered { response: (*response).to_owned(), indices })
        };
        Ok(persons.keys().zip(rows).filter_map(one).collect())
    }

    /// The usual model as it can be fitted to the answers.
    ///
    /// # Errors
    /// As of [`Numbers::usual_fitted`].
    pub fn usual_drawn(&self, usual: &Usual, scheme: Scheme) -> Result<Drawn, Unfit> {
        self.usual_settled(usual, &|drawn| self.indices(drawn, scheme)).map(|it| it.0)
    }
}

/// Those whose indices are within all of the bounds.
pub fn within<'a>(people: &'a [Answered], bounds: &'a [Bound]) -> impl Iterator<Item = &'a Answered> {
    let holds = move |it: &&Answered| {
        bounds.iter().all(|bound| {
            let index = it.indices.get(bound.block).copied().flatten();
            index.is_some_and(|index| index >= bound.from && index < bound.to)
        })
    };
    people.iter().filter(holds)
}
