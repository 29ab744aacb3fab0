//! Columns made alike before a fit: each with mean 0 and deviation 1, row by row in one piece of memory, so that no unit decides how well a fit settles.

use crate::fault::{Fault, none_of};

/// What a column is taken for that says nothing beside the others: a pivot below this share of its own.
const NOTHING: f64 = 1e-9;

/// Rows of standardised values.
pub(super) struct Standardised {
    /// How many columns.
    pub(super) width: usize,
    /// Row after row, in the order that was asked for.
    pub(super) cells: Vec<f64>,
    pub(super) means: Vec<f64>,
    pub(super) deviations: Vec<f64>,
}

impl Standardised {
    /// The rows at the places of `order`.
    pub(super) fn of(columns: &[Vec<f64>], order: &[usize]) -> Result<Self, Fault> {
        let (n, width) = (order.len(), columns.len());
        let (mut means, mut deviations, mut cells) = (Vec::new(), Vec::new(), vec![0.0; n * width]);
        for (at, column) in columns.iter().enumerate() {
            if column.len() != n {
                return Err(Fault::Shape { what: "rows of a column", have: column.len(), need: n });
            }
            none_of(column, |it| !it.is_finite(), |row| Fault::NotFinite { row })?;
            // In shares of the largest, whose squares do not overflow.
            let largest = column.iter().fold(0.0_f64, |most, it| most.max(it.abs()));
            if largest < 1e-150 {
                return Err(Fault::Constant { column: at });
            }
            let mean = column.iter().map(|it| it / largest).sum::<f64>() / n as f64;
            let squares: f64 = column.iter().map(|it| (it / largest - mean).powi(2)).sum();
            let deviation = (squares / n as f64).sqrt();
            if deviation < 1e-12 {
                return Err(Fault::Constant { column: at });
            }
            for (row, from) in order.iter().enumerate() {
                cells[row * width + at] = (column[*from] / largest - mean) / deviation;
            }
            means.push(mean * largest);
            deviations.push(deviation * largest);
        }
        Ok(Self { width, cells, means, deviations })
    }

    pub(super) fn row(&self, at: usize) -> &[f64] {
        &self.cells[at * self.width..(at + 1) * self.width]
    }

    /// A row that is not among them, made alike.
    pub(super) fn alike(means: &[f64], deviations: &[f64], row: &[f64]) -> Vec<f64> {
        row.iter().zip(means.iter().zip(deviations)).map(|(it, (mean, deviation))| (it - mean) / deviation).collect()
    }
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// A positive definite matrix as the product of a triangle with itself (Cholesky), by which equations are solved.
pub(super) struct Factor {
    n: usize,
    lower: Vec<f64>,
}

impl Factor {
    /// Of the upper triangle of `matrix`. The column at which it is not positive definite, but for rounding, otherwise.
    pub(super) fn of(matrix: &[f64], n: usize) -> Result<Self, usize> {
        let mut lower = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..=i {
                let known = dot(&lower[i * n..i * n + j], &lower[j * n..j * n + j]);
                let left = matrix[j * n + i] - known;
                if i != j {
                    lower[i * n + j] = left / lower[j * n + j];
                } else if left > NOTHING * matrix[i * n + i] && left > f64::MIN_POSITIVE && left.is_finite() {
                    lower[i * n + i] = left.sqrt();
                } else {
                    return Err(i);
                }
            }
        }
        Ok(Self { n, lower })
    }

    /// x of A x = b.
    pub(super) fn solved(&self, right: &[f64]) -> Vec<f64> {
        let (n, mut x) = (self.n, right.to_vec());
        for i in 0..n {
            let known = dot(&self.lower[i * n..i * n + i], &x[..i]);
            x[i] = (x[i] - known) / self.lower[i * n + i];
        }
        for i in (0..n).rev() {
            let known: f64 = (i + 1..n).map(|j| self.lower[j * n + i] * x[j]).sum();
            x[i] = (x[i] - known) / self.lower[i * n + i];
        }
        x
    }

    /// The inverse, all of it.
    pub(super) fn inverse(&self) -> Vec<f64> {
        let n = self.n;
        let mut inverse = vec![0.0; n * n];
        for i in 0..n {
            let unit: Vec<f64> = (0..n).map(|j| f64::from(u8::from(i == j))).collect();
            inverse[i * n..(i + 1) * n].copy_from_slice(&self.solved(&unit));
        }
        inverse
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_times_its_inverse_is_one() {
        let matrix = [4.0, 2.0, 0.5, 2.0, 5.0, 1.0, 0.5, 1.0, 3.0];
        let inverse = Factor::of(&matrix, 3).ok().unwrap().inverse();
        for i in 0..3 {
            for j in 0..3 {
                let cell: f64 = (0..3).map(|k| matrix[i * 3 + k] * inverse[k * 3 + j]).sum();
                assert!((cell - f64::from(u8::from(i == j))).abs() < 1e-14);
            }
        }
        assert_eq!(Factor::of(&[1.0, 1.0, 1.0, 1.0], 2).err(), Some(1));
        assert_eq!(Factor::of(&[f64::NAN], 1).err(), Some(0));
    }

    #[test]
    fn any_unit_is_made_alike() {
        let columns = [vec![-1e308, 1e308, 1e308, -1e308], vec![2e9, 2e9 + 2.0, 2e9, 2e9 + 2.0]];
        let found = Standardised::of(&columns, &[0, 1, 2, 3]).unwrap();
        assert_eq!(found.row(0)[0], -1.0);
        assert!((found.row(1)[1] - 1.0).abs() < 1e-4);
        assert_eq!(Standardised::of(&[vec![3.0; 4]], &[0, 1, 2, 3]).err(), Some(Fault::Constant { column: 0 }));
        assert_eq!(Standardised::of(&[vec![1.0, f64::NAN]], &[0, 1]).err(), Some(Fault::NotFinite { row: vec![1] }));
        assert!(Standardised::of(&[vec![1.0]], &[0, 1]).is_err());
    }
}
