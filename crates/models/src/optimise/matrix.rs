//! Small positive definite matrices: their factor and their inverse.

/// A square matrix by rows.
pub(crate) type Matrix = [Vec<f64>];

/// The lower triangle L with A = L Lᵀ (Cholesky). `None` where A is not positive definite, but for rounding.
pub(crate) fn factor(matrix: &Matrix) -> Option<Vec<Vec<f64>>> {
    let n = matrix.len();
    let mut lower = vec![vec![0.0; n]; n];
    for i in 0..n {
        for j in 0..=i {
            let rest = matrix[i][j] - (0..j).map(|k| lower[i][k] * lower[j][k]).sum::<f64>();
            if i == j {
                if !(rest > 1e-12 * matrix[i][i].abs() && rest.is_finite()) {
                    return None;
                }
                lower[i][i] = rest.sqrt();
            } else {
                lower[i][j] = rest / lower[j][j];
            }
        }
    }
    Some(lower)
}

/// The inverse of a positive definite matrix. `None` where it is not.
pub(crate) fn inverse(matrix: &Matrix) -> Option<Vec<Vec<f64>>> {
    let n = matrix.len();
    let lower = factor(matrix)?;
    let mut columns = Vec::with_capacity(n);
    for unit in 0..n {
        let mut it = vec![0.0; n];
        for i in 0..n {
            let right = if i == unit { 1.0 } else { 0.0 };
            it[i] = (right - (0..i).map(|k| lower[i][k] * it[k]).sum::<f64>()) / lower[i][i];
        }
        for i in (0..n).rev() {
            it[i] = (it[i] - (i + 1..n).map(|k| lower[k][i] * it[k]).sum::<f64>()) / lower[i][i];
        }
        columns.push(it);
    }
    Some(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_times_its_inverse_is_one() {
        let matrix = vec![vec![4.0, 2.0, 0.6], vec![2.0, 3.0, 0.4], vec![0.6, 0.4, 1.0]];
        let back = inverse(&matrix).unwrap();
        for (i, row) in matrix.iter().enumerate() {
            for (j, column) in back.iter().enumerate() {
                let cell: f64 = row.iter().zip(column).map(|(a, b)| a * b).sum();
                assert!((cell - f64::from(u8::from(i == j))).abs() < 1e-12, "{cell}");
            }
        }
        assert!(inverse(&[vec![1.0, 2.0], vec![2.0, 1.0]]).is_none());
        assert!(factor(&[vec![f64::NAN]]).is_none());
    }
}
