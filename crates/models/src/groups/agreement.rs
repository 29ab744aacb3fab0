//! How well two groupings agree, and how well a grouping is parted.

use std::collections::HashMap;

use super::points::{Points, apart};

/// How far two groupings of the same rows agree beyond chance: 1 fully, 0 as by chance (Hubert and Arabie 1985). `None` if they have different lengths, or no
/// pairs. Two groupings that both make all rows one group, or each row its own, agree fully.
pub fn adjusted_rand(a: &[usize], b: &[usize]) -> Option<f64> {
    if a.len() != b.len() || a.len() < 2 {
        return None;
    }
    let pairs = |counts: HashMap<(usize, usize), u64>| counts.values().map(|n| (n * (n - 1) / 2) as f64).sum::<f64>();
    let counted = |key: &dyn Fn(usize) -> (usize, usize)| {
        let mut counts = HashMap::new();
        (0..a.len()).for_each(|at| *counts.entry(key(at)).or_default() += 1);
        pairs(counts)
    };
    let (both, first, second) = (counted(&|at| (a[at], b[at])), counted(&|at| (a[at], 0)), counted(&|at| (0, b[at])));
    let all = a.len() as f64 * (a.len() as f64 - 1.0) / 2.0;
    let (expected, most) = (first * second / all, (first + second) / 2.0);
    Some(if most - expected == 0.0 { 1.0 } else { (both - expected) / (most - expected) })
}

/// How many rows' silhouettes are computed at most; others are left out evenly.
const LOOKED_AT: usize = 4_000;

/// How much nearer rows are to their own group than to the next one, on average: from −1 to 1 (Rousseeuw 1987). A row alone in its group counts 0. Of more
/// than 4,000 rows every so many-th is looked at. `None` with fewer than two groups.
pub fn silhouette(points: &Points, labels: &[usize]) -> Option<f64> {
    let every = labels.len().div_ceil(LOOKED_AT).max(1);
    let places: Vec<usize> = (0..labels.len().min(points.len())).step_by(every).collect();
    let groups = labels.iter().max()? + 1;
    let mut sizes = vec![0.0_f64; groups];
    places.iter().for_each(|at| sizes[labels[*at]] += 1.0);
    if sizes.iter().filter(|it| **it > 0.0).count() < 2 {
        return None;
    }
    let mut total = 0.0;
    for at in &places {
        let mut sums = vec![0.0; groups];
        places.iter().for_each(|other| sums[labels[*other]] += apart(points.row(*at), points.row(*other)).sqrt());
        let own = labels[*at];
        if sizes[own] > 1.0 {
            let within = sums[own] / (sizes[own] - 1.0);
            let others = (0..groups).filter(|it| *it != own && sizes[*it] > 0.0).map(|it| sums[it] / sizes[it]);
            let next = others.fold(f64::INFINITY, f64::min);
            let most = within.max(next);
            total += if most > 0.0 { (next - within) / most } else { 0.0 };
        }
    }
    Some(total / places.len() as f64)
}

/// The share of rows in either that are in both, of groups as marks; 1 if both are empty.
pub(super) fn jaccard(a: &[bool], b: &[bool]) -> f64 {
    let both = a.iter().zip(b).filter(|it| *it.0 && *it.1).count();
    let either = a.iter().zip(b).filter(|it| *it.0 || *it.1).count();
    if either == 0 { 1.0 } else { both as f64 / either as f64 }
}
