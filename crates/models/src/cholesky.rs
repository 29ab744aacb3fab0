//! Positive definite matrices, flat by rows: their factor, solutions and inverse.
//!
//! Always holds: a matrix that is not positive definite, but for rounding, has no factor.

use multiversion::multiversion;

/// An upper triangle U with Uᵀ U = A (Cholesky; Golub and Van Loan, "Matrix computations", 4.2).
#[derive(Clone, Debug)]
pub(crate) struct Cholesky {
    upper: Vec<f64>,
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

/// The rows of the factor in place of those of the matrix from the diagonal on; whether there is one. Each row is what is left of it without those above it, four of them at a time, so that it is read and written once for
/// all of them, and values beside each other are worked on at once.
#[multiversion(targets("x86_64+avx2"))]
fn is_factored(upper: &mut [f64], n: usize) -> bool {
    for i in 0..n {
        let (above, from) = upper.split_at_mut(i * n);
        let own = &mut from[i..n];
        let diagonal = own[0];
        let fours = above.chunks_exact(4 * n);
        let rest = fours.remainder();
        for four in fours {
            let (a, rest) = four[i..].split_at(n);
            let (b, rest) = rest.split_at(n);
            let (c, d) = rest.split_at(n);
            let [of_a, of_b, of_c, of_d] = [a[0], b[0], c[0], d[0]];
            for ((((it, a), b), c), d) in own.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                *it -= (of_a * a + of_b * b) + (of_c * c + of_d * d);
            }
        }
        for row in rest.chunks_exact(n) {
            own.iter_mut().zip(&row[i..]).for_each(|(it, a)| *it -= row[i] * a);
        }
        let left = own[0];
        if left.is_nan() || left <= 1e-13 * diagonal.abs() || left.is_infinite() {
            return false;
        }
        let root = left.sqrt();
        own[0] = root;
        own[1..].iter_mut().for_each(|it| *it /= root);
    }
    true
}

impl Cholesky {
    /// The factor of the matrix of `n` rows, of which the lower triangle is read.
    pub(crate) fn of(matrix: &[f64], n: usize) -> Option<Self> {
        let mut upper = vec![0.0; n * n];
        for (i, row) in matrix.chunks_exact(n.max(1)).enumerate() {
            row[..=i].iter().enumerate().for_each(|(j, it)| upper[j * n + i] = *it);
        }
        is_factored(&mut upper, n).then_some(Self { upper, n })
    }

    /// The solution x of A x = b.
    pub(crate) fn solved(&self, right: &[f64]) -> Vec<f64> {
        let n = self.n;
        let mut x = right.to_vec();
        for (i, row) in self.upper.chunks_exact(n.max(1)).enumerate() {
            x[i] /= row[i];
            let own = x[i];
            x[i + 1..].iter_mut().zip(&row[i + 1..]).for_each(|(it, a)| *it -= a * own);
        }
        for (i, row) in self.upper.chunks_exact(n.max(1)).enumerate().rev() {
            x[i] = (x[i] - product(&row[i + 1..], &x[i + 1..])) / row[i];
        }
        x
    }

    /// The logarithm of the determinant of A.
    pub(crate) fn log_determinant(&self) -> f64 {
        2.0 * (0..self.n).map(|i| self.upper[i * self.n + i].ln()).sum::<f64>()
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
