//! One side's turn: each of its rows moves to where it fits the other side better.

use super::AlsOptions;
use super::lanes::{add_four, dots, gram, of_four, product};
use crate::recommend::histories::Histories;
use crate::resampling::Draws;
use multiversion::multiversion;

/// λ (s / mean s)^ν with s = how many there are on the other side + α times the row's weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Penalty {
    penalty: f64,
    exponent: f64,
    others: f64,
    mean: f64,
}

impl Penalty {
    /// Of a row with α times this weight.
    pub(super) fn of(&self, weight: f64) -> f64 {
        self.penalty * ((self.others + weight) / self.mean).powf(self.exponent)
    }
}

/// Persons or items.
pub(super) struct Side<'a> {
    rows: &'a Histories,
    width: usize,
    steps: usize,
    alpha: f64,
    pub(super) penalty: Penalty,
    /// Of each row.
    penalties: Vec<f64>,
    pub(super) points: Vec<f32>,
}

impl<'a> Side<'a> {
    /// At the origin.
    pub(super) fn new(rows: &'a Histories, width: usize, options: &AlsOptions) -> Self {
        let all: f64 = rows.interactions().map(|it| options.alpha * it.weight).sum();
        let others = rows.items() as f64;
        let mean = others + all / rows.persons().max(1) as f64;
        let penalty = Penalty { penalty: options.penalty, exponent: options.exponent, others, mean };
        let of_row = |own: &[(u32, f64)]| penalty.of(own.iter().map(|it| options.alpha * it.1).sum());
        let penalties = rows.iter().map(of_row).collect();
        let points = vec![0.0; rows.persons() * width];
        Self { rows, width, steps: options.steps.max(1), alpha: options.alpha, penalty, penalties, points }
    }

    /// To points by chance, normal with a deviation of 0.1 / √factors.
    pub(super) fn scatter(&mut self, factors: usize, seed: u64) {
        let mut draws = Draws::new(seed);
        let mut uniform = || ((draws.next() >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
        let deviation = 0.1 / (factors as f64).sqrt();
        for point in self.points.chunks_exact_mut(self.width) {
            for it in &mut point[..factors] {
                let normal = (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos();
                *it = (deviation * normal) as f32;
            }
        }
    }

    /// Σ y yᵀ, by rows.
    pub(super) fn gram(&self) -> Vec<f32> {
        gram(&self.points, self.width)
    }

    /// Every row to where it fits `other`, of which `gram` is Σ y yᵀ. What the pairs added to the sum before, beside [`Self::apart`].
    pub(super) fn turn(&mut self, other: &Side<'_>, gram: &[f32]) -> f64 {
        turned(self, &other.points, gram)
    }

    /// Σ c (p − x·y)² + Σ λ ‖x‖² + Σ λ ‖y‖², with Σ y yᵀ of both sides.
    pub(super) fn loss(&self, other: &Side<'_>, grams: [&[f32]; 2]) -> f64 {
        let n = self.width;
        let mut of_pairs = 0.0;
        for (own, x) in self.rows.iter().zip(self.points.chunks_exact(n)) {
            for (at, weight) in own {
                of_pairs += of_pair((self.alpha * weight) as f32, product(x, &other.points[*at as usize * n..][..n]));
            }
        }
        self.apart(other, grams) + of_pairs
    }

    /// What of the sum does not look at who had to do with what: (x·y)² over all pairs, and how long the points are.
    pub(super) fn apart(&self, other: &Side<'_>, grams: [&[f32]; 2]) -> f64 {
        let squares: f64 = grams[0].iter().zip(grams[1]).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
        squares + self.size() + other.size()
    }

    fn size(&self) -> f64 {
        let rows = self.penalties.iter().zip(self.points.chunks_exact(self.width));
        rows.map(|(penalty, point)| penalty * f64::from(product(point, point))).sum()
    }
}

/// [`Side::turn`], on the points of the other side.
#[multiversion(targets("x86_64+avx2"))]
fn turned(side: &mut Side<'_>, others: &[f32], gram: &[f32]) -> f64 {
    let mut of_pairs = 0.0;
    let n = side.width;
    let mut steps = Gradients { gram, points: Vec::new(), weights: Vec::new(), width: n };
    let mut memory = vec![0.0; 3 * n];
    for (row, point) in side.points.chunks_exact_mut(n).enumerate() {
        let own = side.rows.of_person(row);
        if own.is_empty() {
            point.fill(0.0);
            continue;
        }
        // Zeros fill the last four up.
        let padded = own.len().next_multiple_of(4);
        steps.weights.clear();
        steps.weights.extend(own.iter().map(|it| (side.alpha * it.1) as f32));
        steps.weights.resize(padded, 0.0);
        steps.points.resize(padded * n, 0.0);
        steps.points[own.len() * n..].fill(0.0);
        for ((at, _), to) in own.iter().zip(steps.points.chunks_exact_mut(n)) {
            to.copy_from_slice(&others[*at as usize * n..][..n]);
        }
        of_pairs += steps.take(point, side.penalties[row] as f32, side.steps, &mut memory);
    }
    of_pairs
}

/// What a pair with c − 1 = `weight` adds to the sum beside the (x·y)² that all pairs add.
fn of_pair(weight: f32, product: f32) -> f64 {
    let (weight, product) = (f64::from(weight), f64::from(product));
    (1.0 + weight) * (1.0 - product).powi(2) - product * product
}

/// The equations of one row: (Yᵀ C Y + λ I) x = Yᵀ C p.
struct Gradients<'a> {
    /// Yᵀ Y of all.
    gram: &'a [f32],
    /// The other side's points of the row, one after another, in fours.
    points: Vec<f32>,
    /// c − 1 of each.
    weights: Vec<f32>,
    width: usize,
}

impl Gradients<'_> {
    /// Steps of conjugate gradients (Hestenes and Stiefel 1952) from where `x` is. What the row's pairs added to the sum there.
    #[inline(always)]
    fn take(&self, x: &mut [f32], penalty: f32, steps: usize, memory: &mut [f32]) -> f64 {
        let n = self.width;
        let (left, rest) = memory.split_at_mut(n);
        let (direction, through) = rest.split_at_mut(n);
        // What is left: b − A x.
        self.by_gram(x, penalty, left);
        left.iter_mut().for_each(|it| *it = -*it);
        let mut of_pairs = 0.0;
        self.by_points(x, left, |weight, dot| {
            // What fills the last four up is no pair.
            if weight == 0.0 {
                return 0.0;
            }
            of_pairs += of_pair(weight, dot);
            1.0 + weight - weight * dot
        });
        direction.copy_from_slice(left);
        let mut square = product(left, left);
        for _ in 0..steps {
            // Nothing is left, but for rounding.
            if square < 1e-20 {
                break;
            }
            self.by_gram(direction, penalty, through);
            self.by_points(direction, through, |weight, dot| weight * dot);
            let length = square / product(direction, through);
            x.iter_mut().zip(&*direction).for_each(|(it, by)| *it += length * by);
            left.iter_mut().zip(&*through).for_each(|(it, by)| *it -= length * by);
            let before = std::mem::replace(&mut square, product(left, left));
            let turn = square / before;
            direction.iter_mut().zip(&*left).for_each(|(it, by)| *it = by + turn * *it);
        }
        of_pairs
    }

    /// (Yᵀ Y + λ I) x.
    #[inline(always)]
    fn by_gram(&self, x: &[f32], penalty: f32, out: &mut [f32]) {
        out.iter_mut().zip(x).for_each(|(it, x)| *it = penalty * x);
        for (rows, x) in self.gram.chunks_exact(4 * self.width).zip(x.as_chunks::<4>().0) {
            add_four(out, of_four(rows, self.width), *x);
        }
    }

    /// Adds the points of the row, each times what `factor` makes of its weight and its product with `x`.
    #[inline(always)]
    fn by_points(&self, x: &[f32], out: &mut [f32], mut factor: impl FnMut(f32, f32) -> f32) {
        let n = self.width;
        for (points, weights) in self.points.chunks_exact(4 * n).zip(self.weights.as_chunks::<4>().0) {
            let mut factors = dots(of_four(points, n), x);
            factors.iter_mut().zip(weights).for_each(|(it, weight)| *it = factor(*weight, *it));
            add_four(out, of_four(points, n), factors);
        }
    }
}
