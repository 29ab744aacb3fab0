//! Positive definite matrices, flat by rows: their factor, solutions and inverse.
//!
//! Always holds: a matrix that is not positive definite, but for rounding, has no factor.

/// A lower triangle L with L Lᵀ = A (Cholesky; Golub and Van Loan, "Matrix computations", 4.2).
#[derive(Clone, Debug)]
pub(crate) struct Cholesky {
    lower: Vec<f64>,
    n: usize,
}

/// The product of two vectors, as four sums beside each other, which a processor adds up at once.
fn product(a: &[f64], b: &[f64]) -> f64 {
    let ((a, rest_a), (b, rest_b)) = (a.as_chunks::<4>(), b.as_chunks::<4>());
    let mut sums = [0.0; 4];
    for (a, b) in a.iter().zip(b) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(it, (a, b))| *it += a * b);
    }
    let rest: f64 = rest_a.iter().zip(rest_b).map(|(a, b)| a * b).sum();
    (sums[0] + sums[2]) + (sums[1] + sums[3]) + rest
}

impl Cholesky {
    /// The factor of the matrix of `n` rows, of which the lower triangle is read.
    pub(crate) fn of(matrix: &[f64], n: usize) -> Option<Self> {
        let mut lower = matrix.to_vec();
        for i in 0..n {
            for j in 0..=i {
                let (before, from) = lower.split_at_mut(i * n);
                let own = &mut from[..=i];
                let dot = |row: &[f64], own: &[f64]| product(&row[..j], &own[..j]);
                if i == j {
                    let left = own[i] - dot(own, own);
                    if left.is_nan() || left <= 1e-13 * matrix[i * n + i].abs() || left.is_infinite() {
                        return None;
                    }
                    own[i] = left.sqrt();
                } else {
                    let row = &before[j * n..=j * n + j];
                    own[j] = (own[j] - dot(row, own)) / row[j];
                }
            }
        }
        Some(Self { lower, n })
    }

    /// The solution x of A x = b.
    pub(crate) fn solved(&self, right: &[f64]) -> Vec<f64> {
        let (n, l) = (self.n, &self.lower);
        let mut x = right.to_vec();
        for i in 0..n {
            x[i] = (x[i] - product(&l[i * n..i * n + i], &x[..i])) / l[i * n + i];
        }
        for i in (0..n).rev() {
            x[i] /= l[i * n + i];
            let own = x[i];
            x[..i].iter_mut().zip(&l[i * n..]).for_each(|(it, a)| *it -= a * own);
        }
        x
    }

    /// The logarithm of the determinant of A.
    pub(crate) fn log_determinant(&self) -> f64 {
        2.0 * (0..self.n).map(|i| self.lower[i * self.n + i].ln()).sum::<f64>()
    }

    /// The inverse, flat by rows.
    pub(crate) fn inverse(&self) -> Vec<f64> {
        let n = self.n;
        let mut inverse = vec![0.0; n * n];
        let mut unit = vec![0.0; n];
        for i in 0..n {
            unit[i] = 1.0;
            inverse[i * n..(i + 1) * n].copy_from_slice(&self.solved(&unit));
            unit[i] = 0.0;
        }
        inverse
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn by_hand() {
        let found = Cholesky::of(&[4.0, 2.0, 2.0, 5.0], 2).unwrap();
        assert_eq!(found.solved(&[6.0, 7.0]), [1.0, 1.0]);
        assert!((found.log_determinant() - 16.0_f64.ln()).abs() < 1e-15);
        assert!(Cholesky::of(&[1.0, 1.0, 1.0, 1.0], 2).is_none() && Cholesky::of(&[f64::NAN], 1).is_none());
    }

    proptest! {
        #[test]
        fn the_inverse_undoes_the_matrix(cells in prop::collection::vec(-3.0..3.0f64, 16)) {
            let at = |i: usize, j: usize| (0..4).map(|k| cells[i * 4 + k] * cells[j * 4 + k]).sum::<f64>() + if i == j { 0.5 } else { 0.0 };
            let matrix: Vec<f64> = (0..16).map(|it| at(it / 4, it % 4)).collect();
            let inverse = Cholesky::of(&matrix, 4).unwrap().inverse();
            for i in 0..4 {
                for j in 0..4 {
                    let cell: f64 = (0..4).map(|k| matrix[i * 4 + k] * inverse[k * 4 + j]).sum();
                    prop_assert!((cell - f64::from(u8::from(i == j))).abs() < 1e-8);
                }
            }
        }
    }
}
