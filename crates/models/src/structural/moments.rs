//! What a fit needs of the rows: how many, their means and covariances.

use crate::fault::{Fault, none_of};

/// By what covariances are divided, and what the test statistic is multiplied by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Divisor {
    /// N, the likelihood of normal rows; lavaan's and Mplus's rule.
    #[default]
    N,
    /// N − 1, the likelihood of the covariances (Wishart); EQS's and LISREL's rule. The statistic is smaller by (N − 1) / N.
    LessOne,
}

/// Rows, means and covariances of columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// How many rows.
    pub rows: usize,
    /// The mean of each column.
    pub means: Vec<f64>,
    /// Sums of products of what is off the means, divided by N.
    pub covariance: Vec<Vec<f64>>,
}

impl Moments {
    /// Of columns of a value a row.
    pub fn of(columns: &[Vec<f64>]) -> Result<Self, Fault> {
        let rows = columns.first().map_or(0, Vec::len);
        if let Some(other) = columns.iter().find(|it| it.len() != rows) {
            return Err(Fault::Shape { what: "values in a column", have: other.len(), need: rows });
        }
        if rows < 2 {
            return Err(Fault::TooFew { what: "rows", have: rows, need: 2 });
        }
        let at: Vec<usize> = (0..rows).collect();
        none_of(&at, |row| columns.iter().any(|it| !it[*row].is_finite()), |row| Fault::NotFinite { row })?;
        let everybody: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        Self::checked(Self::summed(&everybody, at.iter().copied()))
    }

    /// As published: covariances that were divided by N − 1 or by N.
    pub fn given(rows: usize, means: &[f64], covariance: &[Vec<f64>], divisor: Divisor) -> Result<Self, Fault> {
        let need = means.len();
        if let Some(have) = [covariance.len()].into_iter().chain(covariance.iter().map(Vec::len)).find(|it| *it != need)
        {
            return Err(Fault::Shape { what: "covariances in a row", have, need });
        }
        if rows < 2 {
            return Err(Fault::TooFew { what: "rows", have: rows, need: 2 });
        }
        let by = if divisor == Divisor::LessOne { (rows as f64 - 1.0) / rows as f64 } else { 1.0 };
        let cell = |i: usize, j: usize| (covariance[i][j] + covariance[j][i]) / 2.0 * by;
        let covariance = (0..need).map(|i| (0..need).map(|j| cell(i, j)).collect()).collect();
        Self::checked(Self { rows, means: means.to_vec(), covariance })
    }

    /// Of the rows at these places, unchecked.
    pub(super) fn summed(columns: &[&[f64]], places: impl ExactSizeIterator<Item = usize> + Clone) -> Self {
        let (n, k) = (places.len() as f64, columns.len());
        let off: Vec<Vec<f64>> = columns.iter().map(|it| places.clone().map(|at| it[at]).collect()).collect();
        let means: Vec<f64> = off.iter().map(|it| it.iter().map(|it| it / n).sum()).collect();
        let off: Vec<Vec<f64>> =
            off.iter().zip(&means).map(|(it, mean)| it.iter().map(|it| it - mean).collect()).collect();
        let mut covariance = vec![vec![0.0; k]; k];
        for i in 0..k {
            for j in 0..=i {
                let sum: f64 = off[i].iter().zip(&off[j]).map(|(a, b)| a * b).sum();
                (covariance[i][j], covariance[j][i]) = (sum / n, sum / n);
            }
        }
        Self { rows: places.len(), means, covariance }
    }

    fn checked(self) -> Result<Self, Fault> {
        if self.means.iter().chain(self.covariance.iter().flatten()).any(|it| !it.is_finite()) {
            return Err(Fault::NotIdentified { why: "variances: values are too large to be squared" });
        }
        for (column, mean) in self.means.iter().enumerate() {
            if self.covariance[column][column].max(0.0).sqrt() <= 1e-9 * mean.abs() {
                return Err(Fault::Constant { column });
            }
        }
        Ok(self)
    }
}
