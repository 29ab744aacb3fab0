//! What a row says of the latent variables.

use super::fit::Fit;
use super::likelihood::times;
use crate::fault::{Fault, none_of};

impl Fit {
    /// The expected value of each latent variable given a row's observed ones (the regression method of Thurstone 1935): a score a row for each, in the
    /// order of [`super::Model::latent`], off the mean. `columns` are those of the model, of these rows or of others.
    pub fn scores(&self, columns: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, Fault> {
        let own = self.model.own(columns)?;
        let rows = own.first().map_or(0, Vec::len);
        if let Some(other) = own.iter().find(|it| it.len() != rows) {
            return Err(Fault::Shape { what: "values in a column", have: other.len(), need: rows });
        }
        let at: Vec<usize> = (0..rows).collect();
        none_of(&at, |row| own.iter().any(|it| !it[*row].is_finite()), |row| Fault::NotFinite { row })?;
        let weights = self.score_weights();
        let score = |weights: &Vec<f64>, row: usize| {
            weights.iter().zip(&own).zip(&self.means).map(|((w, column), mean)| w * (column[row] - mean)).sum::<f64>()
        };
        Ok(weights.iter().map(|weights| at.iter().map(|row| score(weights, *row)).collect()).collect())
    }

    /// How much each observed variable counts for each latent one: covariance with the latent variable times Σ⁻¹.
    pub fn score_weights(&self) -> Vec<Vec<f64>> {
        let (p, m) = (self.model.observed(), self.model.names.len());
        let with: Vec<f64> =
            (p..m).flat_map(|i| (0..p).map(move |j| (i, j))).map(|(i, j)| self.between(i, j)).collect();
        times(&with, &self.state.inverse, m - p, p, p).chunks(p.max(1)).map(<[f64]>::to_vec).collect()
    }

    /// The squared correlation of each latent variable with its scores (determinacy): near 1 the scores tell people apart, below .5 they hardly do.
    pub fn determinacy(&self) -> Vec<f64> {
        let p = self.model.observed();
        let share = |(at, weights): (usize, Vec<f64>)| {
            let explained: f64 = weights.iter().enumerate().map(|(j, w)| w * self.between(p + at, j)).sum();
            let whole = self.between(p + at, p + at);
            if whole > 0.0 { explained / whole } else { 0.0 }
        };
        self.score_weights().into_iter().enumerate().map(share).collect()
    }
}
