//! A positive definite matrix that grows by products of rows with themselves, kept as its Cholesky factor.
//!
//! Always holds: the factor after n rows is, but for rounding, that of the whole matrix.

/// A lower triangle L with L Lᵀ = A, flat by rows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Factor {
    pub(super) lower: Vec<f64>,
    pub(super) n: usize,
}

impl Factor {
    /// Of `ridge` times the identity.
    pub(super) fn ridge(n: usize, ridge: f64) -> Self {
        let mut lower = vec![0.0; n * n];
        (0..n).for_each(|it| lower[it * n + it] = ridge.sqrt());
        Self { lower, n }
    }

    /// A + x xᵀ, in time with the square of the columns (Gill, Golub, Murray and Saunders 1974, "Methods for modifying matrix factorizations").
    pub(super) fn add(&mut self, x: &[f64]) {
        let n = self.n;
        let mut x = x.to_vec();
        for k in 0..n {
            if x[k] == 0.0 {
                continue;
            }
            let own = self.lower[k * n + k];
            let now = own.hypot(x[k]);
            let (c, s) = (now / own, x[k] / own);
            self.lower[k * n + k] = now;
            for (below, it) in x[k + 1..].iter_mut().enumerate() {
                let cell = &mut self.lower[(k + 1 + below) * n + k];
                *cell = (*cell + s * *it) / c;
                *it = c * *it - s * *cell;
            }
        }
    }

    /// `share` A + (1 − share) `ridge` I: old rows count less, the ridge does not.
    pub(super) fn fade(&mut self, share: f64, ridge: f64) {
        self.lower.iter_mut().for_each(|it| *it *= share.sqrt());
        let mut row = vec![0.0; self.n];
        for at in 0..self.n {
            row[at] = ((1.0 - share) * ridge).sqrt();
            self.add(&row);
            row[at] = 0.0;
        }
    }

    /// L⁻¹ x. Products of two such are x A⁻¹ y.
    pub(super) fn forward(&self, x: &[f64]) -> Vec<f64> {
        let n = self.n;
        let mut found = x.to_vec();
        for i in 0..n {
            let known: f64 = self.lower[i * n..i * n + i].iter().zip(&found).map(|(a, b)| a * b).sum();
            found[i] = (found[i] - known) / self.lower[i * n + i];
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cholesky::Cholesky;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_factor_is_that_of_the_whole_matrix(cells in prop::collection::vec(-3.0..3.0f64, 24), right in prop::collection::vec(-2.0..2.0f64, 4), share in 0.1..1.0f64) {
            let mut factor = Factor::ridge(4, 0.7);
            let mut matrix: Vec<f64> = (0..16).map(|it| if it % 5 == 0 { 0.7 } else { 0.0 }).collect();
            for row in cells.chunks(4) {
                factor.fade(share, 0.7);
                factor.add(row);
                for (at, cell) in matrix.iter_mut().enumerate() {
                    let ridge = if at % 5 == 0 { (1.0 - share) * 0.7 } else { 0.0 };
                    *cell = share * *cell + ridge + row[at / 4] * row[at % 4];
                }
            }
            let wanted: f64 = Cholesky::of(&matrix, 4).unwrap().solved(&right).iter().zip(&right).map(|(a, b)| a * b).sum();
            let found: f64 = factor.forward(&right).iter().map(|it| it * it).sum();
            prop_assert!((found - wanted).abs() < 1e-9 * (1.0 + wanted.abs()));
        }
    }
}
