//! Johnson's relative weights: the drivers are replaced by the nearest ones that have nothing in common, whose parts of R² are clear, and those parts
//! go back to the drivers by how much each of them is in each of the replacements.

use crate::symmetric::eigen;

/// An eigenvalue below this is rounding.
const NOTHING: f64 = 1e-10;

/// The parts of R² by the drivers of a matrix of correlations whose last row is the score's: Λ² β², with Λ the square root of the correlations of the
/// drivers and β = Λ⁻¹ r.
pub(super) fn parts(matrix: &[Vec<f64>]) -> Vec<f64> {
    let drivers = matrix.len() - 1;
    let between: Vec<Vec<f64>> = matrix[..drivers].iter().map(|row| row[..drivers].to_vec()).collect();
    let with_score: Vec<f64> = matrix[..drivers].iter().map(|row| row[drivers]).collect();
    let mut root = vec![vec![0.0; drivers]; drivers];
    let mut beta = vec![0.0; drivers];
    for (value, vector) in eigen(&between) {
        if value <= NOTHING {
            continue;
        }
        let along: f64 = vector.iter().zip(&with_score).map(|(v, r)| v * r).sum::<f64>() / value.sqrt();
        for (i, row) in root.iter_mut().enumerate() {
            beta[i] += vector[i] * along;
            row.iter_mut().zip(&vector).for_each(|(cell, v)| *cell += value.sqrt() * vector[i] * v);
        }
    }
    root.iter().map(|row| row.iter().zip(&beta).map(|(l, b)| (l * b).powi(2)).sum()).collect()
}
