//! Regression with a ridge: logistic for classes, least squares for numbers (Hoerl and Kennard 1970; le Cessie and van Houwelingen 1992, "Ridge estimators in
//! logistic regression"). The simple model that everything else has to beat.
//!
//! Columns are divided by their deviation before the ridge is laid on them, so that it weighs features alike whatever their unit. The intercept has none.
//!
//! Always holds: a fit has settled; with a ridge above 0 it is finite even where a feature tells the classes apart without fault.
//!
//! Does not do: interactions and bends; where they matter boosting is the better model.

mod design;

use serde::{Deserialize, Serialize};

use super::boosting::{Contributions, Outcome};
use super::calibration::{log_odds, probability};
use super::table::{Shape, Table};
use crate::cholesky::Cholesky;
use crate::distributions::normal_tail;
use crate::estimate::{Estimate, TAILS};
use crate::fault::Fault;
use design::{Column, Design, Kind};

/// What the regression fits with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RegressionOptions {
    /// The weight of half the sum of squared coefficients, of divided columns, beside the loss of all rows; 0 is none.
    pub ridge: f64,
}

impl Default for RegressionOptions {
    fn default() -> Self {
        Self { ridge: 1.0 }
    }
}

/// A regression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Regression {
    design: Design,
    shape: Vec<Shape>,
    intercept: f64,
    /// Of the divided columns.
    coefficients: Vec<f64>,
    /// Their standard errors.
    errors: Vec<f64>,
    class: bool,
}

/// What one unit of a feature, or a category in place of the most common one, goes with.
#[derive(Clone, Debug, PartialEq)]
pub struct Coefficient {
    /// The feature.
    pub feature: String,
    /// The level, "missing", or nothing for a number.
    pub level: Option<String>,
    /// The level that it is compared with, for categories.
    pub reference: Option<String>,
    /// By how much log-odds, or the number, are higher; per unit.
    pub estimate: Estimate,
    /// The same as a factor of the odds; of classes only.
    pub odds_ratio: Option<Estimate>,
    /// The probability of one further from 0 by chance alone, if there were nothing.
    pub p: f64,
    /// The estimate times the deviation of the column: what of different features can be compared.
    pub per_deviation: f64,
}

impl Regression {
    /// The regression of an outcome on all features.
    pub fn fit(
        table: &Table,
        outcome: Outcome,
        weights: Option<&[f64]>,
        options: &RegressionOptions,
    ) -> Result<Self, Fault> {
        super::boosting::checked_rows(table, outcome, weights)?;
        if !(options.ridge >= 0.0 && options.ridge.is_finite()) {
            return Err(Fault::NotIdentified { why: "what a ridge below 0 should mean" });
        }
        let design = Design::of(table);
        let system =
            System { cells: design.cells(table), width: design.columns.len(), outcome, weights, ridge: options.ridge };
        let (mut solution, information) = match outcome {
            Outcome::Class(labels) => system.logistic(labels)?,
            Outcome::Number(_) => system.linear()?,
        };
        let n = solution.len();
        let inverse = Cholesky::of(&information, n).ok_or(DEPENDENT)?.inverse();
        let errors = (1..n).map(|it| inverse[it * n + it].sqrt()).collect();
        let intercept = solution.remove(0);
        let class = matches!(outcome, Outcome::Class(_));
        Ok(Self { design, shape: table.shape(), intercept, coefficients: solution, errors, class })
    }

    /// For each row log-odds of a class, or the number.
    pub fn scores(&self, table: &Table) -> Result<Vec<f64>, Fault> {
        table.fits(&self.shape)?;
        let width = self.coefficients.len();
        if width == 0 {
            return Ok(vec![self.intercept; table.rows()]);
        }
        let cells = self.design.cells(table);
        let score = |row: &[f64]| {
            // What is far outside all that was seen says as much as a thousand deviations.
            self.intercept + row.iter().zip(&self.coefficients).map(|(it, b)| it.clamp(-1e3, 1e3) * b).sum::<f64>()
        };
        Ok(cells.chunks(width).map(score).collect())
    }

    /// For each row the probability of a class, or the number.
    pub fn predict(&self, table: &Table) -> Result<Vec<f64>, Fault> {
        let scores = self.scores(table)?;
        Ok(if self.class { scores.into_iter().map(probability).collect() } else { scores })
    }

    /// What each feature adds to the score of each row, against a row that is like the mean.
    pub fn explain(&self, table: &Table) -> Result<Contributions, Fault> {
        table.fits(&self.shape)?;
        let (cells, width) = (self.design.cells(table), self.coefficients.len());
        let means = self.design.columns.iter().zip(&self.coefficients);
        let base = self.intercept + means.map(|(it, b)| it.mean * b).sum::<f64>();
        let row = |at: usize| {
            let mut found = vec![0.0; self.shape.len()];
            for (place, column) in self.design.columns.iter().enumerate() {
                let off = cells[at * width + place].clamp(-1e3, 1e3) - column.mean;
                found[column.feature] += off * self.coefficients[place];
            }
            found
        };
        Ok(Contributions { base, rows: (0..table.rows()).map(row).collect() })
    }

    /// Whether all parts fit together.
    pub(crate) fn is_sound(&self) -> bool {
        let columns = &self.design.columns;
        self.coefficients.len() == columns.len()
            && self.errors.len() == columns.len()
            && self.design.references.len() == self.shape.len()
            && columns.iter().all(|it| it.feature < self.shape.len())
    }

    /// The coefficients, in the unit of the features.
    pub fn coefficients(&self) -> Vec<Coefficient> {
        let of = self.design.columns.iter().zip(self.coefficients.iter().zip(&self.errors));
        of.map(|(column, (b, error))| self.coefficient(column, *b, *error)).collect()
    }

    fn coefficient(&self, column: &Column, b: f64, error: f64) -> Coefficient {
        let shape = &self.shape[column.feature];
        let levels = shape.levels.as_deref().unwrap_or(&[]);
        let name = |it: &u32| levels[*it as usize].clone();
        let level = match &column.kind {
            Kind::Number => None,
            Kind::Missing => Some("missing".to_string()),
            Kind::Levels(of) if of.len() == 1 => Some(name(&of[0])),
            Kind::Levels(of) => Some(format!("{} rare ones", of.len())),
        };
        let (value, error) = (b / column.scale, error / column.scale);
        let estimate = Estimate::around(value, error, TAILS);
        Coefficient {
            feature: shape.name.clone(),
            level,
            reference: self.design.references[column.feature].as_ref().map(name),
            odds_ratio: self.class.then(|| Estimate::around_positive(value.clamp(-700.0, 700.0).exp(), error, TAILS)),
            p: 2.0 * normal_tail((value / error).abs()),
            per_deviation: b,
            estimate,
        }
    }
}

/// Without a ridge columns that follow from others have no coefficient of their own.
const DEPENDENT: Fault =
    Fault::NotIdentified { why: "the coefficients of features that follow from each other, without a ridge" };

/// Without a ridge its coefficient would grow for ever.
const PARTED: &str = "how strong a feature is that parts the classes without fault, without a ridge";

/// Columns and outcome.
struct System<'a> {
    cells: Vec<f64>,
    width: usize,
    outcome: Outcome<'a>,
    weights: Option<&'a [f64]>,
    ridge: f64,
}

impl System<'_> {
    fn rows(&self) -> usize {
        self.outcome.len()
    }

    fn row(&self, at: usize) -> &[f64] {
        &self.cells[at * self.width..(at + 1) * self.width]
    }

    fn weight(&self, at: usize) -> f64 {
        self.weights.map_or(1.0, |it| it[at])
    }

    fn score(&self, at: usize, solution: &[f64]) -> f64 {
        solution[0] + self.row(at).iter().zip(&solution[1..]).map(|(x, b)| x * b).sum::<f64>()
    }

    /// Sums of curvature times columns with each other, lower triangle, and of slope times column; with an intercept in front and the ridge on the diagonal.
    fn sums(&self, slope_and_curvature: impl Fn(usize) -> (f64, f64)) -> (Vec<f64>, Vec<f64>) {
        let n = self.width + 1;
        let (mut matrix, mut right) = (vec![0.0; n * n], vec![0.0; n]);
        let mut full = vec![1.0; n];
        for at in 0..self.rows() {
            let (slope, curvature) = slope_and_curvature(at);
            full[1..].copy_from_slice(self.row(at));
            for i in 0..n {
                let own = full[i];
                if own == 0.0 {
                    continue;
                }
                right[i] += slope * own;
                let by = curvature * own;
                matrix[i * n..=i * n + i].iter_mut().zip(&full).for_each(|(cell, x)| *cell += by * x);
            }
        }
        (1..n).for_each(|i| matrix[i * n + i] += self.ridge);
        (matrix, right)
    }

    /// Newton's steps, each halved until the penalised loss falls.
    fn logistic(&self, labels: &[bool]) -> Result<(Vec<f64>, Vec<f64>), Fault> {
        let label = |at: usize| f64::from(u8::from(labels[at]));
        let loss = |solution: &[f64]| {
            let one = |at: usize| {
                let z = self.score(at, solution);
                self.weight(at) * (z.max(0.0) + (-z.abs()).exp().ln_1p() - label(at) * z)
            };
            let ridge = self.ridge / 2.0 * solution[1..].iter().map(|it| it * it).sum::<f64>();
            (0..self.rows()).map(one).sum::<f64>() + ridge
        };
        let (sum, all) =
            (0..self.rows()).fold((0.0, 0.0), |(s, a), at| (s + self.weight(at) * label(at), a + self.weight(at)));
        if !(sum > 0.0 && sum < all) {
            return Err(Fault::OneClass);
        }
        let mut solution = vec![0.0; self.width + 1];
        solution[0] = log_odds(sum / all);
        let mut now = loss(&solution);
        for _ in 0..60 {
            let (matrix, mut slope) = self.sums(|at| {
                let p = probability(self.score(at, &solution));
                (self.weight(at) * (label(at) - p), self.weight(at) * (p * (1.0 - p)).max(1e-14))
            });
            slope[1..].iter_mut().zip(&solution[1..]).for_each(|(it, b)| *it -= self.ridge * b);
            let step = Cholesky::of(&matrix, slope.len()).ok_or(DEPENDENT)?.solved(&slope);
            let fall: f64 = step.iter().zip(&slope).map(|(a, b)| a * b).sum();
            let apart = self.ridge == 0.0 && (now < 1e-6 || solution[1..].iter().any(|it| it.abs() > 50.0));
            if apart {
                return Err(Fault::NotIdentified { why: PARTED });
            }
            if fall < 1e-9 * (1.0 + now.abs() * 1e-3) {
                return Ok((solution, matrix));
            }
            let mut size = 1.0;
            loop {
                let next: Vec<f64> = solution.iter().zip(&step).map(|(b, it)| b + size * it).collect();
                let then = loss(&next);
                if then < now {
                    (solution, now) = (next, then);
                    break;
                }
                size /= 2.0;
                if size < 1e-10 {
                    return Ok((solution, matrix));
                }
            }
        }
        Err(Fault::DidNotSettle)
    }

    /// One solution; what is left over gives the scale of the information.
    fn linear(&self) -> Result<(Vec<f64>, Vec<f64>), Fault> {
        let Outcome::Number(values) = self.outcome else { return Err(Fault::DidNotSettle) };
        let (matrix, right) = self.sums(|at| (self.weight(at) * values[at], self.weight(at)));
        let solution = Cholesky::of(&matrix, right.len()).ok_or(DEPENDENT)?.solved(&right);
        let left: f64 =
            (0..self.rows()).map(|at| self.weight(at) * (values[at] - self.score(at, &solution)).powi(2)).sum();
        let free = self.rows() as f64 - solution.len() as f64;
        if free <= 0.0 && self.ridge == 0.0 {
            return Err(Fault::TooFew { what: "rows", have: self.rows(), need: solution.len() + 1 });
        }
        let variance = (left / free.max(1.0)).max(f64::MIN_POSITIVE);
        Ok((solution, matrix.into_iter().map(|it| it / variance).collect()))
    }
}

#[cfg(test)]
mod tests;
