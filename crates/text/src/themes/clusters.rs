//! Spherical k-means (Dhillon and Modha 2001) with spread-out beginnings (Arthur and Vassilvitskii 2007) from fixed seeds.

use crate::features::Sparse;

/// Which group every row is in and how like its middle it is.
pub(super) struct Clusters {
    pub of: Vec<Option<(usize, f32)>>,
    pub stability: f64,
}

/// Beginnings are tried on so many rows, spread evenly over all.
const SAMPLE: usize = 8_000;
const ROUNDS: usize = 20;
/// What is less like the middle of its group than this is in none.
const LEAST_LIKENESS: f32 = 0.1;

/// Rows of terms as tf-idf vectors of length 1.
pub(super) fn weighed(rows: &[Vec<u32>], terms: usize) -> Vec<Sparse> {
    let mut counts = vec![0.0f64; terms];
    rows.iter().flatten().for_each(|term| counts[*term as usize] += 1.0);
    let rarity: Vec<f32> =
        counts.iter().map(|count| libm::log(1.0 + rows.len() as f64 / count).sqrt() as f32).collect();
    let one = |row: &Vec<u32>| {
        let length = row.iter().map(|term| rarity[*term as usize].powi(2)).sum::<f32>().sqrt();
        row.iter().map(|term| (*term, rarity[*term as usize] / length)).collect()
    };
    rows.iter().map(one).collect()
}

pub(super) fn found(rows: &[Sparse], terms: usize, count: usize) -> Clusters {
    let meant: Vec<&Sparse> = rows.iter().filter(|row| !row.is_empty()).collect();
    if count == 0 || meant.is_empty() {
        return Clusters { of: vec![None; rows.len()], stability: 1.0 };
    }
    let step = meant.len().div_ceil(SAMPLE);
    let sample: Vec<&Sparse> = meant.iter().copied().step_by(step).collect();
    let mut tried: Vec<(f64, Middles, Vec<usize>)> =
        [11, 22, 33, 44].iter().map(|seed| begun(&sample, terms, count, *seed)).collect();
    tried.sort_by(|a, b| b.0.total_cmp(&a.0));
    let stability = adjusted_rand(&tried[0].2, &tried[1].2, count);
    let (_, mut middles, _) = tried.swap_remove(0);
    if step > 1 {
        middles.settle(&meant, ROUNDS / 2);
    }
    let of = |row: &Sparse| {
        (!row.is_empty()).then(|| middles.nearest(row)).filter(|(_, likeness)| *likeness >= LEAST_LIKENESS)
    };
    Clusters { of: rows.iter().map(of).collect(), stability }
}

fn begun(rows: &[&Sparse], terms: usize, count: usize, seed: u64) -> (f64, Middles, Vec<usize>) {
    let mut middles = Middles::spread_out(rows, terms, count, seed);
    middles.settle(rows, ROUNDS);
    let nearest: Vec<(usize, f32)> = rows.iter().map(|row| middles.nearest(row)).collect();
    let good = nearest.iter().map(|it| f64::from(it.1)).sum();
    (good, middles, nearest.into_iter().map(|it| it.0).collect())
}

/// The middles of the groups: for every term its weight in each.
struct Middles {
    weights: Vec<f32>,
    count: usize,
}

impl Middles {
    /// The first row by the seed; each further one with a chance that grows with how unlike the chosen ones it is.
    fn spread_out(rows: &[&Sparse], terms: usize, count: usize, mut seed: u64) -> Self {
        let mut draw = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 11) as f64 / (1u64 << 53) as f64
        };
        let mut middles = Self { weights: vec![0.0; terms * count], count };
        let mut away = vec![1.0f64; rows.len()];
        let mut dense = vec![0.0f32; terms];
        for group in 0..count {
            let mut left = draw() * away.iter().sum::<f64>();
            let chosen = away
                .iter()
                .position(|away| {
                    left -= away;
                    left <= 0.0 && *away > 0.0
                })
                .unwrap_or(group % rows.len());
            dense.fill(0.0);
            for (term, value) in rows[chosen] {
                dense[*term as usize] = *value;
                middles.weights[*term as usize * count + group] = *value;
            }
            for (away, row) in away.iter_mut().zip(rows) {
                let like: f32 = row.iter().map(|(term, value)| dense[*term as usize] * value).sum();
                *away = away.min(f64::from(1.0 - like).max(0.0));
            }
        }
        middles
    }

    fn nearest(&self, row: &Sparse) -> (usize, f32) {
        let mut sums = vec![0.0f32; self.count];
        for (term, value) in row {
            let weights = &self.weights[*term as usize * self.count..][..self.count];
            sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight * value);
        }
        sums.into_iter().enumerate().fold((0, f32::MIN), |best, it| if it.1 > best.1 { it } else { best })
    }

    /// Puts every row to its nearest middle and every middle into the middle of its rows, in turns.
    fn settle(&mut self, rows: &[&Sparse], rounds: usize) {
        for _ in 0..rounds {
            let mut sums = vec![0.0f32; self.weights.len()];
            for row in rows {
                let (group, _) = self.nearest(row);
                row.iter().for_each(|(term, value)| sums[*term as usize * self.count + group] += value);
            }
            let mut squares = vec![0.0f64; self.count];
            sums.chunks(self.count)
                .for_each(|of| of.iter().zip(&mut squares).for_each(|(it, sum)| *sum += f64::from(it * it)));
            let scale: Vec<f32> =
                squares.iter().map(|it| if *it > 0.0 { 1.0 / it.sqrt() as f32 } else { 0.0 }).collect();
            sums.chunks_mut(self.count).for_each(|of| of.iter_mut().zip(&scale).for_each(|(it, scale)| *it *= scale));
            self.weights = sums;
        }
    }
}

/// How alike two groupings are beyond chance (Hubert and Arabie 1985).
pub(super) fn adjusted_rand(a: &[usize], b: &[usize], count: usize) -> f64 {
    let mut table = vec![0.0f64; count * count];
    a.iter().zip(b).for_each(|(a, b)| table[a * count + b] += 1.0);
    let pairs = |n: f64| n * (n - 1.0) / 2.0;
    let both: f64 = table.iter().map(|n| pairs(*n)).sum();
    let rows: f64 = table.chunks(count).map(|row| pairs(row.iter().sum())).sum();
    let columns: f64 = (0..count).map(|at| pairs(table.iter().skip(at).step_by(count).sum())).sum();
    let expected = rows * columns / pairs(a.len() as f64).max(1.0);
    let most = (rows + columns) / 2.0;
    if most == expected { 1.0 } else { (both - expected) / (most - expected) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Oracle: all pairs, one by one.
        #[test]
        fn the_adjusted_rand_index_is_that_of_all_pairs(of in prop::collection::vec((0usize..4, 0usize..4), 2..30)) {
            let (a, b): (Vec<usize>, Vec<usize>) = of.iter().copied().unzip();
            let (mut both, mut in_a, mut in_b, mut all) = (0.0, 0.0, 0.0, 0.0);
            for (x, y) in (0..of.len()).flat_map(|x| (0..x).map(move |y| (x, y))) {
                let (same_a, same_b) = (a[x] == a[y], b[x] == b[y]);
                (all, in_a, in_b) = (all + 1.0, in_a + f64::from(same_a), in_b + f64::from(same_b));
                both += f64::from(same_a && same_b);
            }
            let (expected, most) = (in_a * in_b / all, (in_a + in_b) / 2.0);
            let oracle = if most == expected { 1.0 } else { (both - expected) / (most - expected) };
            prop_assert!((adjusted_rand(&a, &b, 4) - oracle).abs() < 1e-9);
        }
    }
}
