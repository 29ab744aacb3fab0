//! The likelihood of a model at given parameters, its slope and expected information.
//!
//! With W = Σ⁻¹, F = ln|Σ| + tr(S W) − ln|S| − p (Jöreskog 1967). Any derivative of Σ is c (a bᵀ + b aᵀ): for a path from j to i, a is column i of
//! (I − A)⁻¹ and b the covariances with j, c = 1; for a covariance of i and j both are columns of (I − A)⁻¹, c = 1, and ½ for a variance. So slopes are
//! 2c aᵀ(W − W S W)b, and the information of two of them, a pair of traces, is made of products aᵀW c, all of which are in one small table.

use super::model::{Cell, Held, Model};
use crate::cholesky::Cholesky;

/// All that follows from parameters; matrices are flat by rows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct State {
    /// (I − A)⁻¹.
    pub(super) total: Vec<f64>,
    /// Covariances of all variables.
    pub(super) covariance: Vec<f64>,
    /// Σ, those of the observed.
    pub(super) implied: Vec<f64>,
    /// Σ⁻¹.
    pub(super) inverse: Vec<f64>,
    /// F.
    pub(super) discrepancy: f64,
}

/// What a sample says: S, its logarithmic determinant, and how often it counts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Target {
    pub(super) sample: Vec<f64>,
    pub(super) log_determinant: f64,
    pub(super) weight: f64,
}

/// Products of the vectors that derivatives are made of.
pub(super) struct Products {
    /// aᵀ(W − W S W)b of each two.
    slope: Vec<f64>,
    /// aᵀW b of each two.
    metric: Vec<f64>,
    width: usize,
}

/// The inverse of a square matrix by elimination with pivots. `None` where it has none.
fn inverted(mut matrix: Vec<f64>, n: usize) -> Option<Vec<f64>> {
    let mut inverse = vec![0.0; n * n];
    (0..n).for_each(|i| inverse[i * n + i] = 1.0);
    for at in 0..n {
        let pivot = (at..n).max_by(|a, b| matrix[a * n + at].abs().total_cmp(&matrix[b * n + at].abs()))?;
        let value = matrix[pivot * n + at];
        if !value.is_finite() || value.abs() < 1e-12 {
            return None;
        }
        for it in [&mut matrix, &mut inverse] {
            (0..n).for_each(|column| it.swap(at * n + column, pivot * n + column));
            it[at * n..(at + 1) * n].iter_mut().for_each(|cell| *cell /= value);
        }
        for row in (0..n).filter(|row| *row != at) {
            let by = matrix[row * n + at];
            if by != 0.0 {
                for it in [&mut matrix, &mut inverse] {
                    (0..n).for_each(|column| it[row * n + column] -= by * it[at * n + column]);
                }
            }
        }
    }
    Some(inverse)
}

/// a b, of matrices of `rows` × `inner` and `inner` × `columns`.
pub(super) fn times(a: &[f64], b: &[f64], rows: usize, inner: usize, columns: usize) -> Vec<f64> {
    let mut product = vec![0.0; rows * columns];
    for i in 0..rows {
        for k in 0..inner {
            let by = a[i * inner + k];
            if by != 0.0 {
                let own = &mut product[i * columns..(i + 1) * columns];
                own.iter_mut().zip(&b[k * columns..(k + 1) * columns]).for_each(|(it, cell)| *it += by * cell);
            }
        }
    }
    product
}

pub(super) fn turned(a: &[f64], rows: usize, columns: usize) -> Vec<f64> {
    (0..rows * columns).map(|at| a[at % rows * columns + at / rows]).collect()
}

impl Target {
    /// `None` where a column follows from others.
    pub(super) fn of(sample: Vec<f64>, p: usize, weight: f64) -> Option<Self> {
        let log_determinant = Cholesky::of(&sample, p)?.log_determinant();
        Some(Self { sample, log_determinant, weight })
    }
}

impl State {
    /// `None` where Σ is not that of any variables.
    pub(super) fn at(model: &Model, parameters: &[f64], target: &Target) -> Option<Self> {
        let (m, p) = (model.names.len(), model.observed());
        let (mut without, mut left) = (vec![0.0; m * m], vec![0.0; m * m]);
        (0..m).for_each(|i| without[i * m + i] = 1.0);
        for cell in &model.cells {
            let value = held(cell, parameters);
            if cell.directed() {
                without[cell.to * m + cell.from] -= value;
            } else {
                left[cell.to * m + cell.from] = value;
                left[cell.from * m + cell.to] = value;
            }
        }
        let total = inverted(without, m)?;
        let covariance = times(&times(&total, &left, m, m, m), &turned(&total, m, m), m, m, m);
        let implied: Vec<f64> = (0..p * p).map(|at| covariance[at / p * m + at % p]).collect();
        let factor = Cholesky::of(&implied, p)?;
        let inverse = factor.inverse();
        let trace: f64 = inverse.iter().zip(&target.sample).map(|(a, b)| a * b).sum();
        let discrepancy = factor.log_determinant() + trace - target.log_determinant - p as f64;
        discrepancy.is_finite().then_some(Self { total, covariance, implied, inverse, discrepancy })
    }

    /// What derivatives are made of: columns of (I − A)⁻¹ for each variable, then covariances of the observed with each.
    pub(super) fn products(&self, model: &Model, target: &Target) -> Products {
        let (m, p) = (model.names.len(), model.observed());
        let width = 2 * m;
        let side = |row: usize, at: usize| {
            if at < m { self.total[row * m + at] } else { self.covariance[row * m + at - m] }
        };
        let sides: Vec<f64> = (0..p * width).map(|at| side(at / width, at % width)).collect();
        let back = turned(&sides, p, width);
        let seen = times(&self.inverse, &sides, p, p, width);
        let metric = times(&back, &seen, width, p, width);
        let fitted = times(&times(&turned(&seen, p, width), &target.sample, width, p, p), &seen, width, p, width);
        let slope = metric.iter().zip(&fitted).map(|(a, b)| a - b).collect();
        Products { slope, metric, width }
    }
}

/// What stands in a cell.
pub(super) fn held(cell: &Cell, parameters: &[f64]) -> f64 {
    match cell.held {
        Held::Fixed(value) => value,
        Held::Free(at) => parameters[at],
    }
}

/// The vectors of a cell's derivative, and its factor.
fn vectors(to: usize, from: usize, directed: bool, m: usize) -> (usize, usize, f64) {
    if directed { (to, m + from, 1.0) } else { (to, from, if to == from { 0.5 } else { 1.0 }) }
}

impl Products {
    /// The slope of weight / 2 · F for a cell of A or S.
    pub(super) fn slope(&self, (to, from, directed): (usize, usize, bool), weight: f64) -> f64 {
        let (a, b, factor) = vectors(to, from, directed, self.width / 2);
        weight * factor * self.slope[a * self.width + b]
    }

    /// The expected information of two cells.
    pub(super) fn information(&self, one: (usize, usize, bool), other: (usize, usize, bool), weight: f64) -> f64 {
        let (a, b, first) = vectors(one.0, one.1, one.2, self.width / 2);
        let (c, d, second) = vectors(other.0, other.1, other.2, self.width / 2);
        let metric = |i: usize, j: usize| self.metric[i * self.width + j];
        weight * first * second * (metric(a, c) * metric(b, d) + metric(a, d) * metric(b, c))
    }

    /// The slopes of all parameters.
    pub(super) fn slopes(&self, model: &Model, weight: f64) -> Vec<f64> {
        let mut slopes = vec![0.0; model.free];
        for (cell, at) in free(model) {
            slopes[at] += self.slope((cell.to, cell.from, cell.directed()), weight);
        }
        slopes
    }

    /// The expected information of all parameters, flat by rows.
    pub(super) fn informations(&self, model: &Model, weight: f64) -> Vec<f64> {
        let q = model.free;
        let mut found = vec![0.0; q * q];
        let cells: Vec<(&Cell, usize)> = free(model).collect();
        for (i, (one, k)) in cells.iter().enumerate() {
            for (other, l) in &cells[..=i] {
                let (one, other) = ((one.to, one.from, one.directed()), (other.to, other.from, other.directed()));
                let value = self.information(one, other, weight);
                found[k * q + l] += value;
                // A pair of two cells stands for both of its orders.
                if one != other {
                    found[l * q + k] += value;
                }
            }
        }
        found
    }
}

/// The cells that are free, each with its parameter.
pub(super) fn free(model: &Model) -> impl Iterator<Item = (&Cell, usize)> {
    let place = |cell: &Cell| if let Held::Free(at) = cell.held { Some(at) } else { None };
    model.cells.iter().filter_map(move |cell| place(cell).map(|at| (cell, at)))
}
