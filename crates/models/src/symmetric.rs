//! Small symmetric matrices, kept by rows: solutions and eigenvalues.

/// A pivot below this share of what stood there first is rounding: its column says nothing that the others do not.
const NOTHING: f64 = 1e-10;

/// The solution x of A x = b for a positive definite A by Gaussian elimination; a column that depends on those before it gets 0.
pub(crate) fn solved(matrix: &[Vec<f64>], right: &[f64]) -> Vec<f64> {
    let n = right.len();
    let mut rows: Vec<Vec<f64>> =
        matrix.iter().zip(right).map(|(row, b)| row.iter().copied().chain([*b]).collect()).collect();
    let mut free = vec![false; n];
    for at in 0..n {
        if rows[at][at] <= NOTHING * matrix[at][at].abs() {
            free[at] = true;
            continue;
        }
        let pivot = rows[at].clone();
        for row in &mut rows[at + 1..] {
            let factor = row[at] / pivot[at];
            row.iter_mut().zip(&pivot).for_each(|(it, own)| *it -= factor * own);
        }
    }
    let mut solution = vec![0.0; n];
    for at in (0..n).rev().filter(|at| !free[*at]) {
        let known: f64 = (at + 1..n).map(|later| rows[at][later] * solution[later]).sum();
        solution[at] = (rows[at][n] - known) / rows[at][at];
    }
    solution
}

/// The eigenvalues of a symmetric matrix and their vectors of length 1, by Jacobi's rotations (1846), always of what is largest beside the diagonal.
pub(crate) fn eigen(matrix: &[Vec<f64>]) -> Vec<(f64, Vec<f64>)> {
    let n = matrix.len();
    let mut a = matrix.to_vec();
    // Row i is the i-th vector.
    let mut vectors: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| f64::from(u8::from(i == j))).collect()).collect();
    for _ in 0..50 {
        let beside: f64 = (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| a[i][j] * a[i][j]).sum();
        if beside <= f64::MIN_POSITIVE {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                rotate(&mut a, &mut vectors, p, q);
            }
        }
    }
    vectors.into_iter().enumerate().map(|(at, vector)| (a[at][at], vector)).collect()
}

/// The rotation that makes the cell (p, q) zero (Golub and Van Loan, "Matrix computations", 8.5).
fn rotate(a: &mut [Vec<f64>], vectors: &mut [Vec<f64>], p: usize, q: usize) {
    if a[p][q] == 0.0 {
        return;
    }
    let tau = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
    let t = tau.signum() / (tau.abs() + tau.hypot(1.0));
    let c = 1.0 / t.hypot(1.0);
    let s = t * c;
    let turned = |x: f64, y: f64| (c * x - s * y, s * x + c * y);
    for row in a.iter_mut() {
        (row[p], row[q]) = turned(row[p], row[q]);
    }
    for rows in [a, vectors] {
        let (before, from) = rows.split_at_mut(q);
        for (x, y) in before[p].iter_mut().zip(&mut from[0]) {
            (*x, *y) = turned(*x, *y);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The products of `rows` with each other, which are a symmetric matrix with no negative eigenvalue.
    fn products(rows: &[Vec<f64>]) -> Vec<Vec<f64>> {
        rows.iter().map(|a| rows.iter().map(|b| a.iter().zip(b).map(|(x, y)| x * y).sum()).collect()).collect()
    }

    #[test]
    fn a_column_that_says_nothing_new_counts_nothing() {
        let twice = [vec![1.0, 1.0], vec![1.0, 1.0]];
        assert_eq!(solved(&twice, &[0.4, 0.4]), [0.4, 0.0]);
        assert_eq!(eigen(&[vec![2.0, 1.0], vec![1.0, 2.0]]).iter().map(|it| it.0.round()).sum::<f64>(), 4.0);
    }

    proptest! {
        #[test]
        fn solutions_and_eigenvectors_are_what_their_names_say(cells in prop::collection::vec(-3.0..3.0f64, 20), x in prop::collection::vec(-2.0..2.0f64, 4)) {
            let rows: Vec<Vec<f64>> = cells.chunks(5).map(<[f64]>::to_vec).collect();
            let mut matrix = products(&rows);
            (0..4).for_each(|at| matrix[at][at] += 0.5);
            let times = |v: &[f64]| matrix.iter().map(|row| row.iter().zip(v).map(|(a, b)| a * b).sum()).collect::<Vec<f64>>();
            for (found, wanted) in solved(&matrix, &times(&x)).iter().zip(&x) {
                prop_assert!((found - wanted).abs() < 1e-9);
            }
            for (value, vector) in eigen(&matrix) {
                prop_assert!((vector.iter().map(|it| it * it).sum::<f64>() - 1.0).abs() < 1e-12);
                for (found, own) in times(&vector).iter().zip(&vector) {
                    prop_assert!((found - value * own).abs() < 1e-9);
                }
            }
        }
    }
}
