//! What is believed of each arm's mean reward, and with which chance each arm is the best one.
//!
//! Always holds: chances add up to 1.

use crate::distributions::{incomplete_beta, normal_tail, student_two_sided};
use crate::resampling::Draws;

/// How the chance of each arm to be the best is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chances {
    /// By the integral over all arms' beliefs, to four digits. Its time goes with the square of the arms.
    Exact,
    /// By so many draws from the beliefs. The arm is then drawn with just these chances, so that they are its true propensities however few the draws.
    Draws(usize),
}

/// A belief of one number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Belief {
    Beta { a: f64, b: f64 },
    Student { mean: f64, scale: f64, dof: f64 },
    Normal { mean: f64, deviation: f64 },
}

/// Places on each side of a belief's mean.
const NODES: i32 = 60;

/// Uniform, above 0 and below 1.
pub(super) fn uniform(draws: &mut Draws) -> f64 {
    ((draws.next() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
}

/// Normal (Box and Muller 1958).
fn normal(draws: &mut Draws) -> f64 {
    (-2.0 * uniform(draws).ln()).sqrt() * (std::f64::consts::TAU * uniform(draws)).cos()
}

/// The logarithm of a gamma value of this shape and scale 1 (Marsaglia and Tsang 2000, with their boost for shapes below 1).
fn log_gamma(shape: f64, draws: &mut Draws) -> f64 {
    if shape < 1.0 {
        return log_gamma(shape + 1.0, draws) + uniform(draws).ln() / shape;
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = normal(draws);
        let v = (1.0 + c * x).powi(3);
        if v > 0.0 && uniform(draws).ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return (d * v).ln();
        }
    }
}

impl Belief {
    pub(super) fn mean(&self) -> f64 {
        match self {
            Self::Beta { a, b } => a / (a + b),
            Self::Student { mean, .. } | Self::Normal { mean, .. } => *mean,
        }
    }

    /// The standard deviation; of Student's t the scale, which is there for all degrees of freedom.
    pub(super) fn spread(&self) -> f64 {
        match self {
            Self::Beta { a, b } => (a * b / (a + b + 1.0)).sqrt() / (a + b),
            Self::Student { scale, .. } => *scale,
            Self::Normal { deviation, .. } => *deviation,
        }
    }

    pub(super) fn draw(&self, draws: &mut Draws) -> f64 {
        match self {
            Self::Beta { a, b } => 1.0 / (1.0 + (log_gamma(*b, draws) - log_gamma(*a, draws)).exp()),
            Self::Student { mean, scale, dof } => {
                let chi_square = 2.0 * log_gamma(dof / 2.0, draws).exp();
                mean + scale * normal(draws) / (chi_square / dof).max(f64::MIN_POSITIVE).sqrt()
            }
            Self::Normal { mean, deviation } => mean + deviation * normal(draws),
        }
    }

    /// The probability of a value below `x`.
    fn below(&self, x: f64) -> f64 {
        match self {
            Self::Beta { a, b } => incomplete_beta(x, *a, *b),
            Self::Student { mean, scale, dof } => {
                let t = (x - mean) / scale;
                let beyond = student_two_sided(t, *dof) / 2.0;
                if t > 0.0 { 1.0 - beyond } else { beyond }
            }
            Self::Normal { mean, deviation } => normal_tail((mean - x) / deviation),
        }
    }

    /// Values that part the belief finely.
    fn nodes(&self, found: &mut Vec<f64>) {
        let (mean, spread) = (self.mean(), self.spread());
        // Tails of Student's t are long: steps grow with the distance, out to 9 spreads, or 10,000.
        let far: f64 = if matches!(self, Self::Student { dof, .. } if *dof < 30.0) { 1e4 } else { 9.0 };
        found
            .extend((-NODES..=NODES).map(|it| mean + spread * (f64::from(it) / f64::from(NODES) * far.asinh()).sinh()));
        if let Self::Beta { .. } = self {
            found.retain(|it| (0.0..=1.0).contains(it));
            found.extend([0.0, 1.0]);
        }
    }
}

/// For each belief the chance to be above all others.
pub(super) fn best_of(beliefs: &[Belief], chances: Chances, draws: &mut Draws) -> Vec<f64> {
    if beliefs.len() == 1 {
        return vec![1.0];
    }
    match chances {
        Chances::Exact => integrated(beliefs),
        Chances::Draws(count) => {
            let mut found = vec![0.0; beliefs.len()];
            let share = 1.0 / count.max(1) as f64;
            for _ in 0..count.max(1) {
                let drawn: Vec<f64> = beliefs.iter().map(|it| it.draw(draws)).collect();
                found[highest(&drawn, draws)] += share;
            }
            found
        }
    }
}

/// The place of the highest; of several one by chance.
fn highest(values: &[f64], draws: &mut Draws) -> usize {
    let (mut best, mut at, mut alike) = (f64::NEG_INFINITY, 0, 0);
    for (place, value) in values.iter().copied().enumerate() {
        if value > best {
            (best, at, alike) = (value, place, 1);
        } else if value == best {
            alike += 1;
            if draws.below(alike) == 0 {
                at = place;
            }
        }
    }
    at
}

/// ∫ Π F of the others dF of one, by the trapezoid rule over the places where any belief is.
fn integrated(beliefs: &[Belief]) -> Vec<f64> {
    let mut nodes = Vec::new();
    beliefs.iter().for_each(|it| {
        let mut own = Vec::new();
        it.nodes(&mut own);
        nodes.append(&mut own);
    });
    nodes.sort_by(f64::total_cmp);
    nodes.dedup();
    let zeros = vec![0.0; beliefs.len()];
    let (mut found, mut before, mut now) = (zeros.clone(), zeros.clone(), zeros.clone());
    let (mut others_before, mut others_now) = (zeros.clone(), zeros);
    // Beyond the last node all is below.
    for node in nodes.into_iter().map(Some).chain([None]) {
        now.iter_mut().zip(beliefs).for_each(|(own, it)| *own = node.map_or(1.0, |x| it.below(x)));
        others(&now, &mut others_now);
        let sides = others_before.iter().zip(&others_now);
        for ((own, (from, to)), (a, b)) in found.iter_mut().zip(before.iter().zip(&now)).zip(sides) {
            *own += (to - from).max(0.0) * (a + b) / 2.0;
        }
        std::mem::swap(&mut before, &mut now);
        std::mem::swap(&mut others_before, &mut others_now);
    }
    let all: f64 = found.iter().sum();
    found.into_iter().map(|it| it / all).collect()
}

/// For each the product of all others.
fn others(values: &[f64], found: &mut [f64]) {
    let mut so_far = 1.0;
    for (own, it) in found.iter_mut().zip(values) {
        *own = so_far;
        so_far *= it;
    }
    so_far = 1.0;
    for (own, it) in found.iter_mut().zip(values).rev() {
        *own *= so_far;
        so_far *= it;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two normals: Φ of the difference of means over the root of summed variances.
    #[test]
    fn chances_of_two() {
        let found =
            integrated(&[Belief::Normal { mean: 1.0, deviation: 0.6 }, Belief::Normal { mean: 0.5, deviation: 0.8 }]);
        assert!((found[0] - (1.0 - normal_tail(0.5))).abs() < 1e-4, "{found:?}");
        // Beta(1, 1) above Beta(2, 1): 1/3.
        let found = integrated(&[Belief::Beta { a: 1.0, b: 1.0 }, Belief::Beta { a: 2.0, b: 1.0 }]);
        assert!((found[0] - 1.0 / 3.0).abs() < 1e-4, "{found:?}");
        let alike = Belief::Student { mean: 3.0, scale: 2.0, dof: 2.0 };
        let found = integrated(&[alike; 4]);
        assert!(found.iter().all(|it| (it - 0.25).abs() < 1e-9), "{found:?}");
    }

    #[test]
    fn the_integral_and_many_draws_say_the_same() {
        let sets = [
            vec![
                Belief::Beta { a: 3.0, b: 40.0 },
                Belief::Beta { a: 5.0, b: 45.0 },
                Belief::Beta { a: 1.0, b: 1.0 },
                Belief::Beta { a: 0.4, b: 9.0 },
            ],
            vec![
                Belief::Student { mean: 1.0, scale: 0.5, dof: 2.0 },
                Belief::Student { mean: 1.4, scale: 0.1, dof: 40.0 },
                Belief::Student { mean: 0.0, scale: 2.0, dof: 3.0 },
            ],
            vec![
                Belief::Normal { mean: 0.0, deviation: 1e-9 },
                Belief::Normal { mean: 0.1, deviation: 1.0 },
                Belief::Normal { mean: -9.0, deviation: 0.1 },
            ],
        ];
        for (at, beliefs) in sets.iter().enumerate() {
            let exact = best_of(beliefs, Chances::Exact, &mut Draws::new(1));
            let drawn = best_of(beliefs, Chances::Draws(200_000), &mut Draws::new(1));
            assert!((exact.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            // Five standard errors of 200,000 draws.
            assert!(exact.iter().zip(&drawn).all(|(a, b)| (a - b).abs() < 0.0056), "{at} {exact:?} {drawn:?}");
        }
    }

    #[test]
    fn draws_have_the_moments_of_their_belief() {
        let mut draws = Draws::new(9);
        for belief in [
            Belief::Beta { a: 0.5, b: 3.0 },
            Belief::Beta { a: 30.0, b: 10.0 },
            Belief::Normal { mean: 2.0, deviation: 3.0 },
        ] {
            let drawn: Vec<f64> = (0..100_000).map(|_| belief.draw(&mut draws)).collect();
            let mean = drawn.iter().sum::<f64>() / 1e5;
            let deviation = (drawn.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / 1e5).sqrt();
            assert!((mean - belief.mean()).abs() < 5.0 * belief.spread() / 1e5_f64.sqrt(), "{belief:?} {mean}");
            assert!((deviation / belief.spread() - 1.0).abs() < 0.02, "{belief:?} {deviation}");
        }
    }
}
