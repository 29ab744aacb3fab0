//! The directions in which sparse rows spread most: a truncated singular value decomposition by random projection (Halko, Martinsson and Tropp 2011) from
//! a fixed seed.

use crate::features::Sparse;

/// How often the projection is sharpened.
const ROUNDS: usize = 4;
/// Directions that are looked at beyond those that are wanted.
const MORE: usize = 8;

/// For every column its share in each direction (row by row), and how far the rows spread in each: the singular values, largest first.
pub(super) struct Factors {
    pub columns: Vec<f32>,
    pub spread: Vec<f32>,
}

/// The `rank` foremost directions of `rows` over `width` columns; those beyond what there is are 0.
pub(super) fn factors(rows: &[Sparse], width: usize, rank: usize) -> Factors {
    let wide = rank + MORE;
    let mut directions = noise(width * wide);
    let mut spread = vec![0.0; wide];
    for _ in 0..ROUNDS {
        let mut seen = Vec::with_capacity(rows.len() * wide);
        rows.iter().for_each(|row| seen.extend(sum(row, &directions, wide)));
        orthonormal(&mut seen, wide);
        directions = vec![0.0; width * wide];
        for (row, seen) in rows.iter().zip(seen.chunks(wide)) {
            for (column, value) in row {
                let own = &mut directions[*column as usize * wide..][..wide];
                own.iter_mut().zip(seen).for_each(|(own, seen)| *own += value * seen);
            }
        }
        spread = orthonormal(&mut directions, wide);
    }
    let columns = directions.chunks(wide).flat_map(|column| &column[..rank]).copied().collect();
    spread.truncate(rank);
    Factors { columns, spread }
}

/// The weighted sum of the columns' shares.
pub(super) fn sum(row: &[(u32, f32)], columns: &[f32], wide: usize) -> Vec<f32> {
    let mut sum = vec![0.0f32; wide];
    for (column, value) in row {
        let own = &columns[*column as usize * wide..][..wide];
        sum.iter_mut().zip(own).for_each(|(sum, own)| *sum += value * own);
    }
    sum
}

fn noise(count: usize) -> Vec<f32> {
    let mut seed = 0x2545_f491_4f6c_dd1du64;
    let one = |_| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..count).map(one).collect()
}

/// Turns the columns of a tall matrix so that they are at right angles, longest first, and makes each 1 long; gives their lengths before.
fn orthonormal(matrix: &mut [f32], wide: usize) -> Vec<f32> {
    let mut gram = vec![0.0f64; wide * wide];
    for row in matrix.chunks(wide) {
        for (a, at) in row.iter().enumerate() {
            let own = &mut gram[a * wide..(a + 1) * wide];
            own.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*at) * f64::from(*value));
        }
    }
    let (values, vectors) = eigen(gram, wide);
    let least = values.first().copied().unwrap_or_default() * 1e-9;
    let lengths: Vec<f64> = values.iter().map(|value| if *value > least { value.sqrt() } else { 0.0 }).collect();
    let mut turned = vec![0.0f64; wide];
    for row in matrix.chunks_mut(wide) {
        turned.fill(0.0);
        for (value, vector) in row.iter().zip(vectors.chunks(wide)) {
            turned.iter_mut().zip(vector).for_each(|(sum, part)| *sum += f64::from(*value) * part);
        }
        let scaled = turned.iter().zip(&lengths).map(|(it, length)| if *length > 0.0 { it / length } else { 0.0 });
        row.iter_mut().zip(scaled).for_each(|(old, new)| *old = new as f32);
    }
    lengths.into_iter().map(|it| it as f32).collect()
}

/// The eigenvalues of a symmetric matrix, largest first, and its eigenvectors in the columns of a matrix, by Jacobi's rotations.
fn eigen(mut matrix: Vec<f64>, size: usize) -> (Vec<f64>, Vec<f64>) {
    let mut vectors = vec![0.0; size * size];
    (0..size).for_each(|at| vectors[at * size + at] = 1.0);
    let total: f64 = matrix.iter().map(|it| it * it).sum();
    for _ in 0..30 {
        let mut off = 0.0;
        for (p, q) in (0..size).flat_map(|p| (p + 1..size).map(move |q| (p, q))) {
            let between = matrix[p * size + q];
            off += between * between;
            if between * between > total * 1e-30 {
                rotate(&mut matrix, &mut vectors, size, p, q);
            }
        }
        if off <= total * 1e-24 {
            break;
        }
    }
    let mut order: Vec<usize> = (0..size).collect();
    order.sort_by(|a, b| matrix[b * size + b].total_cmp(&matrix[a * size + a]));
    let values = order.iter().map(|at| matrix[at * size + at].max(0.0)).collect();
    let sorted = vectors.chunks(size).flat_map(|row| order.iter().map(|at| row[*at])).collect();
    (values, sorted)
}

fn rotate(matrix: &mut [f64], vectors: &mut [f64], size: usize, p: usize, q: usize) {
    let theta = (matrix[q * size + q] - matrix[p * size + p]) / (2.0 * matrix[p * size + q]);
    let tangent = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
    let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
    let sine = tangent * cosine;
    let turn = |matrix: &mut [f64], a: usize, b: usize| {
        let (x, y) = (matrix[a], matrix[b]);
        (matrix[a], matrix[b]) = (cosine * x - sine * y, sine * x + cosine * y);
    };
    for at in 0..size {
        turn(matrix, at * size + p, at * size + q);
        turn(vectors, at * size + p, at * size + q);
    }
    (0..size).for_each(|at| turn(matrix, p * size + at, q * size + at));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// Against the definition: the directions are at right angles and 1 long, and what is left of the rows beside them is what the smaller singular
        /// values say; those come from the eigenvalues of the columns' products, found by powers of the matrix one at a time.
        #[test]
        fn what_is_left_beside_the_directions_is_least(cells in prop::collection::vec(prop::collection::vec(-2.0f32..2.0, 6), 3..20)) {
            let rows: Vec<Sparse> = cells.iter().map(|row| (0u32..).zip(row.iter().copied()).collect()).collect();
            let found = factors(&rows, 6, 2);
            let direction = |at: usize| -> Vec<f64> { found.columns.chunks(2).map(|it| f64::from(it[at])).collect() };
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            prop_assert!((dot(&direction(0), &direction(0)) - 1.0).abs() < 1e-4 && dot(&direction(0), &direction(1)).abs() < 1e-3);
            let mut products = vec![vec![0.0f64; 6]; 6];
            for row in &cells {
                (0..36).for_each(|at| products[at / 6][at % 6] += f64::from(row[at / 6]) * f64::from(row[at % 6]));
            }
            for of in 0..2 {
                let mut vector = vec![1.0, 0.9, -0.8, 0.7, -0.6, 0.5];
                let mut value = 0.0;
                for _ in 0..5_000 {
                    let next: Vec<f64> = products.iter().map(|row| dot(row, &vector)).collect();
                    value = dot(&next, &next).sqrt();
                    if value < 1e-12 { break; }
                    vector = next.into_iter().map(|it| it / value).collect();
                }
                prop_assert!((f64::from(found.spread[of]) - value.sqrt()).abs() < 0.02 * (1.0 + value.sqrt()), "{} {}", found.spread[of], value.sqrt());
                (0..36).for_each(|at| products[at / 6][at % 6] -= value * vector[at / 6] * vector[at % 6]);
            }
        }
    }

    #[test]
    fn nothing_has_no_directions() {
        assert_eq!(factors(&[], 0, 3).columns.len(), 0);
        assert!(factors(&[vec![(0, 1.0)]], 1, 3).spread[1] == 0.0);
    }
}
