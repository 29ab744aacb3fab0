//! A table as columns of numbers: what is missing gets the mean and a column that says so, categories get a column each but the most common.
//!
//! Always holds: means, deviations, references and columns come from the rows that were learnt from; others are only put into them.

use serde::{Deserialize, Serialize};

use crate::learn::table::{Feature, Table, Values};

/// Levels that get a column of their own; rarer ones share the last.
const LEVELS: usize = 60;

/// One column of the design.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Column {
    /// The feature that it comes from.
    pub(crate) feature: usize,
    pub(crate) kind: Kind,
    /// What is taken off before it is divided.
    pub(crate) centre: f64,
    /// Its standard deviation.
    pub(crate) scale: f64,
    /// Its mean after that.
    pub(crate) mean: f64,
}

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// The number.
    Number,
    /// Whether it is missing.
    Missing,
    /// Whether the category is one of these levels.
    Levels(Vec<u32>),
}

/// The columns of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Design {
    pub(crate) columns: Vec<Column>,
    /// Of each feature the level that the others are compared with.
    pub(crate) references: Vec<Option<u32>>,
}

impl Design {
    pub(crate) fn of(table: &Table) -> Self {
        let mut design = Self { columns: Vec::new(), references: Vec::new() };
        for (at, feature) in table.features().iter().enumerate() {
            let reference = design.add(at, feature);
            design.references.push(reference);
        }
        let cells = design.cells(table);
        let (width, rows) = (design.columns.len(), table.rows() as f64);
        for (at, column) in design.columns.iter_mut().enumerate() {
            let own = || cells.iter().skip(at).step_by(width);
            column.mean = own().sum::<f64>() / rows;
            let variance = own().map(|it| (it - column.mean).powi(2)).sum::<f64>() / rows;
            column.scale = variance.sqrt();
            column.mean /= column.scale;
        }
        // What does not vary, but for rounding, says nothing.
        design.columns.retain(|it| it.scale > 1e-9 * (1.0 + it.centre.abs()) && it.scale.is_finite());
        design
    }

    /// The columns of a feature; gives its reference.
    fn add(&mut self, feature: usize, own: &Feature) -> Option<u32> {
        let mut push = |kind, centre| self.columns.push(Column { feature, kind, centre, scale: 1.0, mean: 0.0 });
        match &own.values {
            Values::Numbers(values) => {
                let there = || values.iter().filter(|it| !it.is_nan());
                let count = there().count();
                // Divided before it is added, so that no sum leaves the range.
                push(Kind::Number, if count == 0 { 0.0 } else { there().map(|it| it / count as f64).sum() });
                if count < values.len() {
                    push(Kind::Missing, 0.0);
                }
                None
            }
            Values::Categories { codes, levels } => {
                let mut counts: Vec<(usize, u32)> = (0..levels.len() as u32).map(|it| (0, it)).collect();
                codes.iter().flatten().for_each(|it| counts[*it as usize].0 += 1);
                counts.retain(|it| it.0 > 0);
                counts.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
                let (own, rare) = counts.split_at(counts.len().min(LEVELS));
                own.iter().skip(1).for_each(|it| push(Kind::Levels(vec![it.1]), 0.0));
                if !rare.is_empty() {
                    push(Kind::Levels(rare.iter().map(|it| it.1).collect()), 0.0);
                }
                if codes.iter().any(Option::is_none) {
                    push(Kind::Missing, 0.0);
                }
                counts.first().map(|it| it.1)
            }
        }
    }

    /// The cells of a table, row by row; numbers are centred and all is divided by its deviation.
    pub(crate) fn cells(&self, table: &Table) -> Vec<f64> {
        let width = self.columns.len();
        let mut cells = vec![0.0; table.rows() * width];
        for (at, column) in self.columns.iter().enumerate() {
            let own = cells.iter_mut().skip(at).step_by(width);
            let one = |it: bool| if it { 1.0 / column.scale } else { 0.0 };
            match (&table.features()[column.feature].values, &column.kind) {
                (Values::Numbers(values), Kind::Number) => own.zip(values).for_each(|(cell, it)| {
                    *cell = if it.is_nan() { 0.0 } else { (it - column.centre) / column.scale };
                }),
                (Values::Numbers(values), _) => own.zip(values).for_each(|(cell, it)| *cell = one(it.is_nan())),
                (Values::Categories { codes, .. }, Kind::Levels(levels)) => {
                    own.zip(codes).for_each(|(cell, it)| *cell = one(it.is_some_and(|it| levels.contains(&it))));
                }
                (Values::Categories { codes, .. }, _) => {
                    own.zip(codes).for_each(|(cell, it)| *cell = one(it.is_none()))
                }
            }
        }
        cells
    }
}
