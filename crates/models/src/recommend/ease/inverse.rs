//! The inverse of a large positive definite matrix, in place.
//!
//! Sweeps of blocks (Beaton 1964; Goodnight 1979, "A tutorial on the SWEEP operator"): with A parted in a block of pivots K and the rest R, P = A_KK⁻¹ and U = A_RK P, it becomes
//! −P, U, and A_RR − U A_KR; after all blocks the matrix is −A⁻¹. That is n³ operations, nearly all of them in the last update, which goes by small squares kept in
//! registers. Memory is the lower triangle alone, n (n + 1) / 2 numbers, and two panels of n rows.
//!
//! Always holds: a matrix that is not positive definite, but for rounding, has no inverse here.

use crate::cholesky::Cholesky;

/// Pivots at a time.
const BLOCK: usize = 64;
/// Rows and columns of a square in registers.
const SQUARE: usize = 4;

/// A symmetric matrix, of which the lower triangle is kept by rows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Triangle {
    pub(super) cells: Vec<f64>,
    pub(super) n: usize,
}

impl Triangle {
    /// Of zeros.
    pub(super) fn new(n: usize) -> Self {
        Self { cells: vec![0.0; n * (n + 1) / 2], n }
    }

    /// Where a cell is, whichever triangle names it.
    pub(super) fn place(i: usize, j: usize) -> usize {
        let (low, high) = if i < j { (i, j) } else { (j, i) };
        high * (high + 1) / 2 + low
    }

    /// Turns it into its inverse times −1.
    pub(super) fn invert_negated(&mut self) -> Option<()> {
        let n = self.n;
        let largest: Vec<f64> = (0..n).map(|it| self.cells[Self::place(it, it)]).collect();
        for start in (0..n).step_by(BLOCK) {
            let width = BLOCK.min(n - start);
            let block = || (0..width * width).map(|at| (start + at / width, start + at % width));
            let pivots: Vec<f64> = block().map(|(i, j)| self.cells[Self::place(i, j)]).collect();
            // What is left of a diagonal after the blocks before is its part that they do not say.
            let is_gone = |at: usize| pivots[at * width + at] <= 1e-13 * largest[start + at];
            if (0..width).any(is_gone) {
                return None;
            }
            let inverse = Cholesky::of(&pivots, width)?.inverse();
            let (columns, swept) = self.panels(start, width, &inverse);
            self.update(width, &columns, &swept);
            for i in 0..n {
                for k in 0..width {
                    if i < start || i >= start + width {
                        self.cells[Self::place(i, start + k)] = swept[strip(i, k, width)];
                    }
                }
            }
            for ((i, j), value) in block().zip(&inverse) {
                self.cells[Self::place(i, j)] = -value;
            }
        }
        Some(())
    }

    /// The columns of the pivots, and the same times their inverse, in strips of rows; the rows of the pivots themselves are zero, so that the update
    /// leaves them alone.
    fn panels(&self, start: usize, width: usize, inverse: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let rows = self.n.next_multiple_of(SQUARE);
        let (mut columns, mut swept) = (vec![0.0; rows * width], vec![0.0; rows * width]);
        let (mut row, mut out) = (vec![0.0; width], vec![0.0; width]);
        for i in (0..self.n).filter(|it| *it < start || *it >= start + width) {
            for (k, cell) in row.iter_mut().enumerate() {
                *cell = self.cells[Self::place(i, start + k)];
            }
            out.fill(0.0);
            for (value, of) in row.iter().zip(inverse.chunks_exact(width)) {
                out.iter_mut().zip(of).for_each(|(it, a)| *it += value * a);
            }
            for k in 0..width {
                (columns[strip(i, k, width)], swept[strip(i, k, width)]) = (row[k], out[k]);
            }
        }
        (columns, swept)
    }

    /// Takes the product of the panels away, square by square.
    fn update(&mut self, width: usize, columns: &[f64], swept: &[f64]) {
        let (n, of_strip) = (self.n, SQUARE * width);
        for (i, left) in swept.chunks_exact(of_strip).enumerate() {
            for (j, right) in columns.chunks_exact(of_strip).enumerate().take(i + 1) {
                let product = product(left, right);
                for (row, product) in (i * SQUARE..n.min((i + 1) * SQUARE)).zip(&product) {
                    let cells = &mut self.cells[row * (row + 1) / 2..][..=row];
                    let cells = cells.iter_mut().skip(j * SQUARE);
                    cells.zip(product).for_each(|(cell, it)| *cell -= it);
                }
            }
        }
    }
}

/// Where a row's k-th value is in a panel of strips.
fn strip(row: usize, k: usize, width: usize) -> usize {
    (row / SQUARE * width + k) * SQUARE + row % SQUARE
}

/// The products of each row of a strip with each of another.
fn product(left: &[f64], right: &[f64]) -> [[f64; SQUARE]; SQUARE] {
    let mut sums = [[0.0; SQUARE]; SQUARE];
    let (left, right) = (left.as_chunks::<SQUARE>().0, right.as_chunks::<SQUARE>().0);
    for (a, b) in left.iter().zip(right) {
        for (sums, a) in sums.iter_mut().zip(a) {
            for (sum, b) in sums.iter_mut().zip(b) {
                *sum += a * b;
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resampling::Draws;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn the_inverse_undoes_the_matrix(n in 1usize..150, seed: u64) {
            let mut draws = Draws::new(seed);
            let mut draw = || (draws.next() >> 11) as f64 / (1u64 << 53) as f64 - 0.5;
            let rows: Vec<Vec<f64>> = (0..n).map(|_| (0..8).map(|_| draw()).collect()).collect();
            let mut matrix = Triangle::new(n);
            for i in 0..n {
                for j in 0..=i {
                    let product: f64 = rows[i].iter().zip(&rows[j]).map(|(a, b)| a * b).sum();
                    matrix.cells[Triangle::place(i, j)] = product + if i == j { 0.1 } else { 0.0 };
                }
            }
            let mut inverse = matrix.clone();
            inverse.invert_negated().unwrap();
            let cell = |of: &Triangle, i: usize, j: usize| of.cells[Triangle::place(i, j)];
            for (i, j) in [(0, 0), (n - 1, 0), (n / 2, n / 3), (n / 2, n / 2), (n - 1, n - 1)] {
                let product: f64 = (0..n).map(|k| -cell(&matrix, i, k) * cell(&inverse, k, j)).sum();
                prop_assert!((product - f64::from(u8::from(i == j))).abs() < 1e-9, "{i} {j} {product}");
            }
        }
    }

    #[test]
    fn what_is_not_positive_definite_has_none() {
        let of = |cells: &[f64], n| Triangle { cells: cells.to_vec(), n }.invert_negated();
        assert!(of(&[1.0, 1.0, 1.0], 2).is_none() && of(&[f64::NAN], 1).is_none() && of(&[0.0], 1).is_none());
        assert!(of(&[-1.0], 1).is_none() && of(&[2.0, 1.0, 2.0], 2).is_some());
    }
}
