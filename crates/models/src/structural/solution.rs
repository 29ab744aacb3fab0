//! What a fit says of each relation, in the units of the columns and in standard deviations.

use super::fit::Fit;
use super::likelihood::{State, Target, held};
use super::model::{Cell, Held, Kind, Model};
use crate::distributions::normal_tail;
use crate::estimate::Estimate;

/// One relation of a fitted model.
#[derive(Clone, Debug, PartialEq)]
pub struct Relation {
    /// What it is.
    pub kind: Kind,
    /// The left side, as it is written.
    pub left: String,
    /// The right side.
    pub right: String,
    /// The name that makes it equal to others.
    pub label: Option<String>,
    /// Whether it was estimated; otherwise it was fixed, and its interval is its value.
    pub free: bool,
    /// In the units of the columns.
    pub estimate: Estimate,
    /// Estimate by standard error.
    pub z: Option<f64>,
    /// The probability of so large a z, on either side, if it is 0.
    pub p: Option<f64>,
    /// In standard deviations of both sides (of what is left over, for covariances; of the whole, for variances), with its own standard error by the
    /// delta method.
    pub standardised: Estimate,
}

/// The share of a variable's variance that what leads to it explains.
type Explained = (String, f64);

impl Fit {
    /// All relations: those of the text first, in its order, then those that it does not say. Intervals leave out `tails` (.05 for 95 %), by the normal
    /// and the expected information.
    pub fn relations(&self, tails: f64) -> Vec<Relation> {
        let q = self.model.free;
        let standard = standardised(&self.model, &self.state, &self.parameters);
        let slopes = self.standardised_slopes();
        let error = |slope: &dyn Fn(usize) -> f64| {
            let variance: f64 =
                (0..q).map(|i| slope(i) * (0..q).map(|j| self.uncertainty[i * q + j] * slope(j)).sum::<f64>()).sum();
            variance.max(0.0).sqrt()
        };
        let one = |(at, cell): (usize, &Cell)| {
            let value = held(cell, &self.parameters);
            let fixed = Estimate { value, standard_error: None, low: value, high: value };
            let (estimate, z) = match cell.held {
                Held::Fixed(_) => (fixed, None),
                Held::Free(place) => {
                    let error = self.uncertainty[place * q + place].max(0.0).sqrt();
                    (Estimate::around(value, error, tails), (error > 0.0).then_some(value / error))
                }
            };
            let (left, right) = cell.sides();
            Relation {
                kind: cell.kind,
                left: self.model.names[left].clone(),
                right: self.model.names[right].clone(),
                label: cell.label.clone(),
                free: matches!(cell.held, Held::Free(_)),
                estimate,
                z,
                p: z.map(|it| (2.0 * normal_tail(it.abs())).min(1.0)),
                standardised: Estimate::around(standard[at], error(&|i| slopes[i][at]), tails),
            }
        };
        self.model.cells.iter().enumerate().map(one).collect()
    }

    /// One relation, as it is written: `("visual", Kind::Loading, "x2")`.
    pub fn relation(&self, left: &str, kind: Kind, right: &str) -> Option<Relation> {
        let turned = |it: &Relation| kind == Kind::Covariance && it.left == right && it.right == left;
        let found = self.relations(crate::estimate::TAILS);
        found.into_iter().find(|it| it.kind == kind && ((it.left == left && it.right == right) || turned(it)))
    }

    /// Of each variable to which something leads, the share that is explained (R²). Below 0 where a variance is.
    pub fn explained(&self) -> Vec<Explained> {
        let left = |cell: &&Cell| cell.kind == Kind::Variance && self.model.led_to(cell.to);
        let share = |cell: &Cell| 1.0 - held(cell, &self.parameters) / self.between(cell.to, cell.to);
        self.model.cells.iter().filter(left).map(|it| (self.model.names[it.to].clone(), share(it))).collect()
    }

    /// The slopes of all standardised relations in each parameter, as differences.
    fn standardised_slopes(&self) -> Vec<Vec<f64>> {
        let q = self.model.free;
        let at = |place: &[f64]| {
            let state = State::at(&self.model, place, &self.target)?;
            Some(standardised(&self.model, &state, place))
        };
        let mut place = self.parameters.clone();
        let slope = |i: usize| {
            let error = self.uncertainty[i * q + i].max(0.0).sqrt();
            let step = 1e-4 * if error > 0.0 { error } else { 1.0 };
            let own = place[i];
            place[i] = own + step;
            let above = at(&place);
            place[i] = own - step;
            let below = at(&place);
            place[i] = own;
            match (above, below) {
                (Some(above), Some(below)) => above.iter().zip(&below).map(|(a, b)| (a - b) / (2.0 * step)).collect(),
                _ => vec![0.0; self.model.cells.len()],
            }
        };
        (0..q).map(slope).collect()
    }
}

/// All relations in standard deviations.
pub(super) fn standardised(model: &Model, state: &State, parameters: &[f64]) -> Vec<f64> {
    let m = model.names.len();
    let deviation = |at: usize| state.covariance[at * m + at].max(0.0).sqrt();
    let left = |at: usize| {
        let own = model.cells.iter().find(|it| it.kind == Kind::Variance && it.to == at);
        own.map_or(0.0, |it| held(it, parameters)).max(0.0).sqrt()
    };
    let one = |cell: &Cell| {
        let value = held(cell, parameters);
        let by = match cell.kind {
            Kind::Loading | Kind::Regression => deviation(cell.to) / deviation(cell.from),
            Kind::Covariance => left(cell.to) * left(cell.from),
            Kind::Variance => state.covariance[cell.to * m + cell.to],
        };
        // Where there is no deviation there is no correlation.
        if by.is_finite() && by > 0.0 { value / by } else { 0.0 }
    };
    model.cells.iter().map(one).collect()
}

impl Target {
    /// The sample's correlation of two observed variables.
    pub(super) fn correlation(&self, i: usize, j: usize, p: usize) -> f64 {
        self.sample[i * p + j] / (self.sample[i * p + i] * self.sample[j * p + j]).sqrt()
    }
}
