//! A model at the peak of its likelihood, with what is odd about it.

use std::fmt;

use super::likelihood::{Products, State, Target, held};
use super::measures::Measures;
use super::model::{Kind, Model};
use super::moments::{Divisor, Moments};
use super::scoring::{climb, determined};
use crate::cholesky::Cholesky;
use crate::fault::Fault;

/// A fitted model.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// How well the whole fits.
    pub measures: Measures,
    /// What is odd.
    pub warnings: Vec<Warning>,
    /// By what covariances were divided.
    pub divisor: Divisor,
    pub(super) model: Model,
    pub(super) parameters: Vec<f64>,
    /// How the estimates vary together, flat by rows.
    pub(super) uncertainty: Vec<f64>,
    pub(super) state: State,
    pub(super) target: Target,
    /// The means of the observed variables.
    pub(super) means: Vec<f64>,
    pub(super) rows: usize,
}

/// What is odd about a fit.
#[derive(Clone, Debug, PartialEq)]
pub enum Warning {
    /// A variance, or what is left over of one, is below zero (a Heywood case): too few rows or columns, or the wrong model.
    NegativeVariance {
        /// Of which variable.
        variable: String,
        /// The estimate.
        value: f64,
    },
    /// Latent variables, or what is left over of columns, would be correlated by more than 1, or be so taken together.
    BeyondOne {
        /// One of them.
        one: String,
        /// The other.
        other: String,
        /// The correlation.
        correlation: f64,
    },
    /// The latent variables' covariances are those of no variables, taken together.
    Impossible,
    /// What leads to a variable can hardly be told apart, so that its paths are anything: the variance of one is inflated more than tenfold by what it
    /// shares with the others.
    HardlyApart {
        /// Where the paths lead.
        to: String,
        /// The one of which the others say most.
        from: String,
        /// By how much the variance of its path is inflated (VIF).
        inflation: f64,
    },
    /// There are as many parameters as variances and covariances: it fits anything, and says nothing of whether it is right.
    Saturated,
    /// There are fewer than five rows for each parameter (Bentler and Chou 1987), so that standard errors and the test are rough.
    FewRows {
        /// How many rows.
        rows: usize,
        /// How many parameters.
        parameters: usize,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NegativeVariance { variable, value } => write!(
                out,
                "The variance of {variable}, or what is left over of it, is below zero ({value:.3}): the model does not suit these data, or they are too few."
            ),
            Self::BeyondOne { one, other, correlation } => {
                write!(out, "{one} and {other} would be correlated by {correlation:.3}, which cannot be.")
            }
            Self::Impossible => {
                write!(out, "The covariances of the latent variables cannot be those of any variables.")
            }
            Self::HardlyApart { to, from, inflation } => write!(
                out,
                "What leads to {to} can hardly be told apart: most of {from} is what the others say (VIF {inflation:.0}), so the single paths say nothing."
            ),
            Self::Saturated => write!(
                out,
                "The model has as many parameters as there are variances and covariances, so its fit says nothing."
            ),
            Self::FewRows { rows, parameters } => {
                write!(
                    out,
                    "There are {rows} rows for {parameters} parameters, fewer than five for each: standard errors are rough."
                )
            }
        }
    }
}

impl Model {
    /// The model fitted to columns of a value a row; those that it does not name may hold anything.
    pub fn fit(&self, columns: &[Vec<f64>], divisor: Divisor) -> Result<Fit, Fault> {
        let own = self.own(columns)?;
        let moments = Moments::of(&own).map_err(|it| self.column(it))?;
        self.fitted(&moments, divisor, None)
    }

    /// The model fitted to the moments of all columns, as [`Moments::of`] or [`Moments::given`] makes them.
    pub fn fit_moments(&self, moments: &Moments, divisor: Divisor) -> Result<Fit, Fault> {
        let need = self.columns.iter().max().map_or(0, |it| it + 1);
        if moments.means.len() < need {
            return Err(Fault::Shape { what: "columns", have: moments.means.len(), need });
        }
        let pick = |it: &[f64]| self.columns.iter().map(|at| it[*at]).collect::<Vec<f64>>();
        let covariance = self.columns.iter().map(|at| pick(&moments.covariance[*at])).collect();
        self.fitted(&Moments { rows: moments.rows, means: pick(&moments.means), covariance }, divisor, None)
    }

    /// The columns that are used.
    pub(super) fn own(&self, columns: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, Fault> {
        let need = self.columns.iter().max().map_or(0, |it| it + 1);
        if columns.len() < need {
            return Err(Fault::Shape { what: "columns", have: columns.len(), need });
        }
        Ok(self.columns.iter().map(|at| columns[*at].clone()).collect())
    }

    /// A fault of a used column as one of the columns given.
    pub(super) fn column(&self, fault: Fault) -> Fault {
        if let Fault::Constant { column } = fault { Fault::Constant { column: self.columns[column] } } else { fault }
    }

    /// Fitted to the moments of its own columns.
    pub(super) fn fitted(&self, moments: &Moments, divisor: Divisor, from: Option<&[f64]>) -> Result<Fit, Fault> {
        let (p, q, rows) = (self.observed(), self.free, moments.rows);
        if self.degrees_of_freedom() < 0 {
            return Err(Fault::NotIdentified {
                why: "the parameters apart: there are more of them than variances and covariances",
            });
        }
        if rows <= p {
            return Err(Fault::TooFew { what: "rows", have: rows, need: p + 1 });
        }
        let weight = if divisor == Divisor::LessOne { rows as f64 - 1.0 } else { rows as f64 };
        let by = rows as f64 / weight;
        let sample = moments.covariance.iter().flatten().map(|it| it * by).collect();
        let target = Target::of(sample, p, weight)
            .ok_or(Fault::NotIdentified { why: "the columns apart: one of them follows from the others" })?;
        let (parameters, state) = climb(self, &target, from)?;
        let information = state.products(self, &target).informations(self, weight);
        let unknown = Fault::NotIdentified { why: "the parameters apart: other values of them fit as well" };
        if determined(&information, q).is_some() {
            return Err(unknown);
        }
        let uncertainty = Cholesky::of(&information, q).ok_or(unknown)?.inverse();
        if parameters.iter().chain(&uncertainty).any(|it| !it.is_finite()) {
            return Err(Fault::DidNotSettle);
        }
        let measures = Measures::of(self, &state, &target, rows);
        let means = moments.means.clone();
        let mut fit = Fit {
            measures,
            warnings: Vec::new(),
            divisor,
            model: self.clone(),
            parameters,
            uncertainty,
            state,
            target,
            means,
            rows,
        };
        fit.warnings = fit.odd();
        Ok(fit)
    }
}

impl Fit {
    fn odd(&self) -> Vec<Warning> {
        let mut found = Vec::new();
        let (model, p, m) = (&self.model, self.model.observed(), self.model.names.len());
        let name = |at: usize| model.names[at].clone();
        let value = |to: usize, from: usize| {
            let cell = model
                .cells
                .iter()
                .find(|it| !it.directed() && [(it.to, it.from), (it.from, it.to)].contains(&(to, from)));
            cell.map_or(0.0, |it| held(it, &self.parameters))
        };
        for cell in model.cells.iter().filter(|it| it.kind == Kind::Variance) {
            let value = held(cell, &self.parameters);
            if value < 0.0 {
                found.push(Warning::NegativeVariance { variable: name(cell.to), value });
            }
        }
        for cell in model.cells.iter().filter(|it| it.kind == Kind::Covariance) {
            let product = value(cell.to, cell.to) * value(cell.from, cell.from);
            let correlation = value(cell.to, cell.from) / product.max(0.0).sqrt();
            if product > 0.0 && correlation.abs() > 1.0 {
                found.push(Warning::BeyondOne { one: name(cell.to), other: name(cell.from), correlation });
            }
        }
        let latent: Vec<f64> =
            (p..m).flat_map(|i| (p..m).map(move |j| i * m + j)).map(|at| self.state.covariance[at]).collect();
        if found.is_empty() && m > p && Cholesky::of(&latent, m - p).is_none() {
            found.push(Warning::Impossible);
        }
        found.extend((0..m).filter_map(|to| self.hardly_apart(to)));
        if model.degrees_of_freedom() == 0 {
            found.push(Warning::Saturated);
        }
        if self.rows < 5 * model.free {
            found.push(Warning::FewRows { rows: self.rows, parameters: model.free });
        }
        found
    }

    /// Whether the paths to a variable can be told apart: variances inflated more than tenfold (Marquardt 1970) are not.
    fn hardly_apart(&self, to: usize) -> Option<Warning> {
        let paths = self.model.cells.iter().filter(|it| it.kind == Kind::Regression && it.to == to);
        let from: Vec<usize> = paths.map(|it| it.from).collect();
        let correlation =
            |i: &usize, j: &usize| self.between(*i, *j) / (self.between(*i, *i) * self.between(*j, *j)).sqrt();
        let cells: Vec<f64> = from.iter().flat_map(|i| from.iter().map(move |j| correlation(i, j))).collect();
        let inflated = Cholesky::of(&cells, from.len()).map(|it| it.inverse());
        let inflation = |at: usize| inflated.as_ref().map_or(f64::MAX, |it| it[at * from.len() + at]);
        let most = (0..from.len()).max_by(|a, b| inflation(*a).total_cmp(&inflation(*b)))?;
        let name = |at: usize| self.model.names[at].clone();
        let told = inflation(most) <= 10.0;
        (!told).then(|| Warning::HardlyApart { to: name(to), from: name(from[most]), inflation: inflation(most) })
    }

    /// The covariances of the observed variables that the model implies, in the order of [`Model::columns`].
    pub fn implied(&self) -> Vec<Vec<f64>> {
        self.state.implied.chunks(self.model.observed().max(1)).map(<[f64]>::to_vec).collect()
    }

    /// Those of the sample less those implied.
    pub fn residuals(&self) -> Vec<Vec<f64>> {
        let left: Vec<f64> = self.target.sample.iter().zip(&self.state.implied).map(|(a, b)| a - b).collect();
        left.chunks(self.model.observed().max(1)).map(<[f64]>::to_vec).collect()
    }

    /// The same in units of the sample's standard deviations: correlations that are left over.
    pub fn residual_correlations(&self) -> Vec<Vec<f64>> {
        let deviation: Vec<f64> =
            (0..self.means.len()).map(|i| self.target.sample[i * self.means.len() + i].sqrt()).collect();
        let scaled = |(i, row): (usize, Vec<f64>)| {
            row.iter().enumerate().map(|(j, it)| it / (deviation[i] * deviation[j])).collect()
        };
        self.residuals().into_iter().enumerate().map(scaled).collect()
    }

    /// The covariance that the model implies of two variables, latent ones included; `None` of what it does not know.
    pub fn covariance(&self, one: &str, other: &str) -> Option<f64> {
        let place = |name: &str| self.model.names.iter().position(|it| it == name);
        Some(self.between(place(one)?, place(other)?))
    }

    /// Between variables by their places.
    pub(super) fn between(&self, one: usize, other: usize) -> f64 {
        self.state.covariance[one * self.model.names.len() + other]
    }

    /// The means of the observed variables: the sample's.
    pub fn means(&self) -> &[f64] {
        &self.means
    }

    pub(super) fn products(&self) -> Products {
        self.state.products(&self.model, &self.target)
    }
}
