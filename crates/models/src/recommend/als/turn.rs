//! One side's turn: each of its rows moves to where it fits the other side better.

use super::AlsOptions;
use crate::recommend::histories::Histories;
use crate::resampling::Draws;

/// Values that are worked on together; a point's width is a multiple of it, the rest zero.
pub(super) const LANES: usize = 16;

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
    pub(super) points: Vec<f32>,
}

impl<'a> Side<'a> {
    /// At the origin.
    pub(super) fn new(rows: &'a Histories, width: usize, options: &AlsOptions) -> Self {
        let all: f64 = rows.interactions().map(|it| options.alpha * it.weight).sum();
        let others = rows.items() as f64;
        let mean = others + all / rows.persons().max(1) as f64;
        let penalty = Penalty { penalty: options.penalty, exponent: options.exponent, others, mean };
        let points = vec![0.0; rows.persons() * width];
        Self { rows, width, steps: options.steps.max(1), alpha: options.alpha, penalty, points }
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
        let n = self.width;
        let mut gram = vec![0.0_f32; n * n];
        // A few points at a time, so that a row of the sum is read and written once for all of them.
        for points in self.points.chunks(4 * n) {
            let mut four = vec![0.0; 4 * n];
            four[..points.len()].copy_from_slice(points);
            for (at, row) in gram.chunks_exact_mut(n).enumerate() {
                add_four(row, &four, [0, 1, 2, 3].map(|it| four[it * n + at]));
            }
        }
        gram
    }

    /// Every row to where it fits `other`, of which `gram` is Σ y yᵀ. What the pairs added to the sum before, beside [`Self::apart`].
    pub(super) fn turn(&mut self, other: &Side<'_>, gram: &[f32]) -> f64 {
        let mut of_pairs = 0.0;
        let n = self.width;
        let mut steps = Gradients { gram, points: Vec::new(), weights: Vec::new(), width: n };
        let mut memory = vec![0.0; 3 * n];
        for (row, point) in self.points.chunks_exact_mut(n).enumerate() {
            let own = self.rows.of_person(row);
            steps.points.clear();
            steps.weights.clear();
            for (at, weight) in own {
                steps.points.extend_from_slice(&other.points[*at as usize * n..][..n]);
                steps.weights.push((self.alpha * weight) as f32);
            }
            // Zeros fill the last four up.
            steps.points.resize(own.len().next_multiple_of(4) * n, 0.0);
            steps.weights.resize(own.len().next_multiple_of(4), 0.0);
            let sum: f64 = own.iter().map(|it| self.alpha * it.1).sum();
            if own.is_empty() {
                point.fill(0.0);
            } else {
                of_pairs += steps.take(point, self.penalty.of(sum) as f32, self.steps, &mut memory);
            }
        }
        of_pairs
    }

    /// Σ c (p − x·y)² + Σ λ ‖x‖² + Σ λ ‖y‖², with Σ y yᵀ of both sides.
    pub(super) fn loss(&self, other: &Side<'_>, grams: [&[f32]; 2]) -> f64 {
        let n = self.width;
        let mut of_pairs = 0.0;
        for (own, x) in self.rows.iter().zip(self.points.chunks_exact(n)) {
            for (at, weight) in own {
                of_pairs += of_pair((self.alpha * weight) as f32, dot(x, &other.points[*at as usize * n..][..n]));
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
        let rows = self.rows.iter().zip(self.points.chunks_exact(self.width));
        let one = |(own, point): (&[(u32, f64)], &[f32])| {
            let sum: f64 = own.iter().map(|it| self.alpha * it.1).sum();
            self.penalty.of(sum) * f64::from(dot(point, point))
        };
        rows.map(one).sum()
    }
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
    fn take(&self, x: &mut [f32], penalty: f32, steps: usize, memory: &mut [f32]) -> f64 {
        let n = self.width;
        let (left, rest) = memory.split_at_mut(n);
        let (direction, product) = rest.split_at_mut(n);
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
        let mut square = dot(left, left);
        for _ in 0..steps {
            // Nothing is left, but for rounding.
            if square < 1e-20 {
                break;
            }
            self.by_gram(direction, penalty, product);
            self.by_points(direction, product, |weight, dot| weight * dot);
            let length = square / dot(direction, product);
            x.iter_mut().zip(&*direction).for_each(|(it, by)| *it += length * by);
            left.iter_mut().zip(&*product).for_each(|(it, by)| *it -= length * by);
            let before = std::mem::replace(&mut square, dot(left, left));
            let turn = square / before;
            direction.iter_mut().zip(&*left).for_each(|(it, by)| *it = by + turn * *it);
        }
        of_pairs
    }

    /// (Yᵀ Y + λ I) x.
    fn by_gram(&self, x: &[f32], penalty: f32, out: &mut [f32]) {
        out.iter_mut().zip(x).for_each(|(it, x)| *it = penalty * x);
        for (rows, x) in self.gram.chunks_exact(4 * self.width).zip(x.as_chunks::<4>().0) {
            add_four(out, rows, *x);
        }
    }

    /// Adds the points of the row, each times what `factor` makes of its weight and its product with `x`.
    fn by_points(&self, x: &[f32], out: &mut [f32], mut factor: impl FnMut(f32, f32) -> f32) {
        let n = self.width;
        for (points, weights) in self.points.chunks_exact(4 * n).zip(self.weights.as_chunks::<4>().0) {
            let mut factors = [0.0; 4];
            for ((it, point), weight) in factors.iter_mut().zip(points.chunks_exact(n)).zip(weights) {
                *it = factor(*weight, dot(point, x));
            }
            add_four(out, points, factors);
        }
    }
}

/// Adds four points, each times its factor.
fn add_four(out: &mut [f32], points: &[f32], factors: [f32; 4]) {
    let n = out.len();
    let (a, rest) = points.split_at(n);
    let (b, rest) = rest.split_at(n);
    let (c, d) = rest.split_at(n);
    for ((((it, a), b), c), d) in out.iter_mut().zip(a).zip(b).zip(c).zip(d) {
        *it += (factors[0] * a + factors[1] * b) + (factors[2] * c + factors[3] * d);
    }
}

/// The product of two points, whose width is a multiple of [`LANES`].
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    for (a, b) in a.as_chunks::<LANES>().0.iter().zip(b.as_chunks::<LANES>().0) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let mut half = [0.0_f32; 4];
    for four in sums.as_chunks::<4>().0 {
        half.iter_mut().zip(four).for_each(|(it, a)| *it += a);
    }
    (half[0] + half[2]) + (half[1] + half[3])
}
