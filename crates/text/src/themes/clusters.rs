//! Spherical k-means (Dhillon and Modha 2001) with spread-out beginnings (Arthur and Vassilvitskii 2007) from fixed seeds.

use super::meaning::{WIDE, unit};
use crate::features::Sparse;

/// A clause's vector, 1 long.
pub(super) type Dense = [f32; WIDE];

/// Which group every row is in and how like its middle it is.
pub(super) struct Clusters {
    pub of: Vec<Option<(usize, f32)>>,
    pub stability: f64,
}

/// Beginnings are tried on so many rows, spread evenly over all.
const SAMPLE: usize = 8_000;
const SEEDS: [u64; 4] = [11, 22, 33, 44];
const ROUNDS: usize = 20;
/// What is less like the middle of its group than this is in none.
const LEAST_LIKENESS: f32 = 0.2;

/// Rows of terms as tf-idf vectors of length 1.
pub(super) fn weighed(rows: &[Vec<u32>], terms: usize) -> Vec<Sparse> {
    let mut counts = vec![0.0f64; terms];
    rows.iter().flatten().for_each(|term| counts[*term as usize] += 1.0);
    let rarity: Vec<f32> =
        counts.iter().map(|count| libm::log((1.0 + rows.len() as f64) / (1.0 + count)) as f32 + 1.0).collect();
    let one = |row: &Vec<u32>| {
        let length = row.iter().map(|term| rarity[*term as usize].powi(2)).sum::<f32>().sqrt();
        row.iter().map(|term| (*term, rarity[*term as usize] / length)).collect()
    };
    rows.iter().map(one).collect()
}

/// The groups of rows; `None` is a row without a vector.
pub(super) fn found(rows: &[Option<Dense>], count: usize) -> Clusters {
    let meant: Vec<&Dense> = rows.iter().flatten().collect();
    if count == 0 || meant.is_empty() {
        return Clusters { of: vec![None; rows.len()], stability: 1.0 };
    }
    let sample: Vec<&Dense> = meant.iter().copied().step_by(meant.len().div_ceil(SAMPLE)).collect();
    let middles = Middles::best(&sample, count);
    let of = |row: &Option<Dense>| {
        row.as_ref().map(|row| middles.nearest(row)).filter(|(_, likeness)| *likeness >= LEAST_LIKENESS)
    };
    Clusters { of: rows.iter().map(of).collect(), stability: stability(&sample, &middles, count) }
}

/// How far halves of the rows give the groups that all of them give: the mean adjusted Rand index over the rows.
fn stability(rows: &[&Dense], middles: &Middles, count: usize) -> f64 {
    let of = |middles: &Middles| -> Vec<usize> { rows.iter().map(|row| middles.nearest(row).0).collect() };
    let whole = of(middles);
    let half = |odd: usize| {
        let half: Vec<&Dense> = rows.iter().copied().skip(odd).step_by(2).collect();
        if half.is_empty() { 1.0 } else { adjusted_rand(&whole, &of(&Middles::best(&half, count)), count) }
    };
    (half(0) + half(1)) / 2.0
}

/// The middles of the groups.
struct Middles(Vec<Dense>);

impl Middles {
    /// Of several beginnings the one whose rows are nearest to their middles in the end.
    fn best(rows: &[&Dense], count: usize) -> Self {
        let begun = |seed: &u64| {
            let mut middles = Self::spread_out(rows, count, *seed);
            middles.settle(rows);
            let near: f64 = rows.iter().map(|row| f64::from(middles.nearest(row).1)).sum();
            (near, middles)
        };
        let better = |best: (f64, Self), it: (f64, Self)| if it.0 > best.0 { it } else { best };
        SEEDS.iter().map(begun).reduce(better).map_or(Self(Vec::new()), |best| best.1)
    }

    /// The first row by the seed; each further one with a chance that grows with how unlike the chosen ones it is, the best of three.
    fn spread_out(rows: &[&Dense], count: usize, mut seed: u64) -> Self {
        let mut draw = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 11) as f64 / (1u64 << 53) as f64
        };
        let mut away = vec![1.0f64; rows.len()];
        let mut middles = Vec::with_capacity(count);
        for group in 0..count {
            let all: f64 = away.iter().sum();
            let mut one = || {
                let mut left = draw() * all;
                let mut reached = |away: &f64| {
                    left -= away;
                    left <= 0.0 && *away > 0.0
                };
                let chosen = rows[away.iter().position(&mut reached).unwrap_or(group % rows.len())];
                let off = |row: &&Dense| f64::from(1.0 - likeness(row, chosen)).max(0.0);
                let nearer: Vec<f64> = rows.iter().zip(&away).map(|(row, away)| away.min(off(row))).collect();
                (nearer.iter().sum::<f64>(), nearer, *chosen)
            };
            let tried = [one(), one(), one()];
            let best = tried.into_iter().reduce(|best, it| if it.0 < best.0 { it } else { best });
            if let Some((_, nearer, chosen)) = best {
                away = nearer;
                middles.push(chosen);
            }
        }
        Self(middles)
    }

    fn nearest(&self, row: &Dense) -> (usize, f32) {
        let likenesses = self.0.iter().map(|middle| likeness(middle, row)).enumerate();
        likenesses.fold((0, f32::MIN), |best, it| if it.1 > best.1 { it } else { best })
    }

    /// Puts every row to its nearest middle and every middle into the middle of its rows, in turns.
    fn settle(&mut self, rows: &[&Dense]) {
        let mut before = Vec::new();
        for _ in 0..ROUNDS {
            let nearest: Vec<usize> = rows.iter().map(|row| self.nearest(row).0).collect();
            if nearest == before {
                break;
            }
            self.0.iter_mut().for_each(|middle| *middle = [0.0; WIDE]);
            for (row, group) in rows.iter().zip(&nearest) {
                self.0[*group].iter_mut().zip(row.iter()).for_each(|(sum, value)| *sum += value);
            }
            self.0.iter_mut().for_each(|middle| unit(middle));
            before = nearest;
        }
    }
}

/// The cosine of two vectors that are 1 long; eight sums at a time, which the processor adds side by side.
fn likeness(a: &Dense, b: &Dense) -> f32 {
    let mut sums = [0.0f32; 8];
    for (a, b) in a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0) {
        (0..8).for_each(|at| sums[at] += a[at] * b[at]);
    }
    sums.iter().sum()
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
