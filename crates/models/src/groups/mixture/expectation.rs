//! One pass over the rows: how likely each belongs to each group, and the sums that the next means and covariances follow from.
//!
//! Rows are taken in blocks turned to columns, so that the innermost loops run over rows that lie side by side. Sums are of distances from the means before, in
//! which little cancels.

use std::f64::consts::TAU;

use super::super::points::Points;

/// How many rows a block has.
const BLOCK: usize = 64;

/// One group, ready for densities.
pub(super) struct Component {
    mean: Vec<f64>,
    /// The triangle of its covariance (Cholesky) with its diagonal turned over, row after row.
    lower: Vec<f64>,
    /// The logarithm of its weight and of its density's height.
    height: f64,
}

/// Of each group the sums of memberships, of these times distances from the mean before, and times their products (upper triangles).
pub(super) struct Sums {
    pub(super) weights: Vec<f64>,
    pub(super) firsts: Vec<Vec<f64>>,
    pub(super) seconds: Vec<Vec<f64>>,
}

impl Component {
    /// `None` if the covariance is not positive definite.
    pub(super) fn of(weight: f64, mean: &[f64], covariance: &[f64]) -> Option<Self> {
        let n = mean.len();
        let mut lower = vec![0.0; n * n];
        let mut height = weight.ln() - n as f64 / 2.0 * TAU.ln();
        for i in 0..n {
            for j in 0..=i {
                let known: f64 = (0..j).map(|k| lower[i * n + k] * lower[j * n + k]).sum();
                let left = covariance[i * n + j] - known;
                if i == j {
                    if left.is_nan() || left <= 1e-13 * covariance[i * n + i] || left < f64::MIN_POSITIVE {
                        return None;
                    }
                    height -= left.ln() / 2.0;
                    // The inverse of the diagonal's root.
                    lower[i * n + i] = 1.0 / left.sqrt();
                } else {
                    lower[i * n + j] = left * lower[j * n + j];
                }
            }
            // While the triangle is made, the diagonal is only ever used to divide by.
        }
        height.is_finite().then(|| Self { mean: mean.to_vec(), lower, height })
    }

    /// The logarithms of weighted densities of a block, whose distances from the mean are left in `off`, column after column.
    fn densities(&self, block: &[f64], off: &mut [f64], solved: &mut [f64], out: &mut [f64]) {
        let n = self.mean.len();
        out.fill(self.height);
        for i in 0..n {
            let (before, rest) = solved.split_at_mut(i * BLOCK);
            let (own, own_off) = (&mut rest[..BLOCK], &mut off[i * BLOCK..(i + 1) * BLOCK]);
            for ((off, own), x) in own_off.iter_mut().zip(own.iter_mut()).zip(&block[i * BLOCK..]) {
                *off = x - self.mean[i];
                *own = *off;
            }
            for (j, earlier) in before.chunks_exact(BLOCK).enumerate() {
                let by = self.lower[i * n + j];
                if by != 0.0 {
                    own.iter_mut().zip(earlier).for_each(|(own, it)| *own -= by * it);
                }
            }
            let by = self.lower[i * n + i];
            for (own, out) in own.iter_mut().zip(out.iter_mut()) {
                *own *= by;
                *out -= *own * *own / 2.0;
            }
        }
    }
}

impl Sums {
    pub(super) fn new(groups: usize, width: usize) -> Self {
        let (firsts, seconds) = (vec![vec![0.0; width]; groups], vec![vec![0.0; width * width]; groups]);
        Self { weights: vec![0.0; groups], firsts, seconds }
    }

    /// A row whose group is known.
    pub(super) fn add_certain(&mut self, row: &[f64], label: usize, mean: &[f64]) {
        let off: Vec<f64> = row.iter().zip(mean).map(|(x, mean)| x - mean).collect();
        self.weights[label] += 1.0;
        for (i, own) in off.iter().enumerate() {
            self.firsts[label][i] += own;
            let line = &mut self.seconds[label][i * off.len()..(i + 1) * off.len()];
            line[i..].iter_mut().zip(&off[i..]).for_each(|(sum, other)| *sum += own * other);
        }
    }

    fn clear(&mut self) {
        self.weights.fill(0.0);
        self.firsts.iter_mut().chain(&mut self.seconds).for_each(|it| it.fill(0.0));
    }

    /// A block's memberships of one group.
    fn add(&mut self, group: usize, memberships: &[f64], off: &[f64], weighted: &mut [f64]) {
        let width = self.firsts[group].len();
        self.weights[group] += memberships.iter().sum::<f64>();
        for i in 0..width {
            let own = &off[i * BLOCK..(i + 1) * BLOCK];
            weighted.iter_mut().zip(memberships).zip(own).for_each(|((it, member), off)| *it = member * off);
            self.firsts[group][i] += weighted.iter().sum::<f64>();
            for j in i..width {
                self.seconds[group][i * width + j] += product(weighted, &off[j * BLOCK..(j + 1) * BLOCK]);
            }
        }
    }
}

/// The sum of products, in four lanes.
fn product(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 4];
    for (a, b) in a.chunks_exact(4).zip(b.chunks_exact(4)) {
        (0..4).for_each(|at| lanes[at] += a[at] * b[at]);
    }
    lanes.iter().sum()
}

/// Fills the sums, and returns the log-likelihood.
pub(super) fn run(points: &Points, components: &[Component], sums: &mut Sums) -> f64 {
    let (width, k) = (points.width, components.len());
    sums.clear();
    let (mut block, mut off) = (vec![0.0; width * BLOCK], vec![0.0; k * width * BLOCK]);
    let (mut solved, mut densities, mut weighted) = (vec![0.0; width * BLOCK], vec![0.0; k * BLOCK], vec![0.0; BLOCK]);
    let mut log_likelihood = 0.0;
    for rows in points.cells.chunks(width * BLOCK) {
        let count = rows.len() / width;
        block.fill(0.0);
        for (at, row) in rows.chunks_exact(width).enumerate() {
            row.iter().enumerate().for_each(|(column, x)| block[column * BLOCK + at] = *x);
        }
        for (group, component) in components.iter().enumerate() {
            let own = &mut off[group * width * BLOCK..(group + 1) * width * BLOCK];
            component.densities(&block, own, &mut solved, &mut densities[group * BLOCK..(group + 1) * BLOCK]);
        }
        for at in 0..BLOCK {
            let most = (0..k).map(|group| densities[group * BLOCK + at]).fold(f64::NEG_INFINITY, f64::max);
            let mut total = 0.0;
            for group in 0..k {
                let it = &mut densities[group * BLOCK + at];
                // Shares below e^-40 are rounding of the others.
                *it = if *it - most < -40.0 { 0.0 } else { (*it - most).exp() };
                total += *it;
            }
            let share = if at < count { 1.0 / total } else { 0.0 };
            (0..k).for_each(|group| densities[group * BLOCK + at] *= share);
            log_likelihood += if at < count { most + total.ln() } else { 0.0 };
        }
        for group in 0..k {
            let own = &off[group * width * BLOCK..(group + 1) * width * BLOCK];
            sums.add(group, &densities[group * BLOCK..(group + 1) * BLOCK], own, &mut weighted);
        }
    }
    log_likelihood
}

/// How likely one row belongs to each group.
pub(super) fn memberships(row: &[f64], components: &[Component]) -> Vec<f64> {
    let density = |it: &Component| {
        let n = row.len();
        let mut solved: Vec<f64> = Vec::with_capacity(n);
        for (i, (x, mean)) in row.iter().zip(&it.mean).enumerate() {
            let known: f64 = solved.iter().zip(&it.lower[i * n..]).map(|(a, b)| a * b).sum();
            solved.push((x - mean - known) * it.lower[i * n + i]);
        }
        it.height - solved.iter().map(|it| it * it).sum::<f64>() / 2.0
    };
    let logs: Vec<f64> = components.iter().map(density).collect();
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = logs.iter().map(|it| (it - most).exp()).sum();
    logs.iter().map(|it| (it - most).exp() / total).collect()
}
