//! The next values: by formula where everything adds, otherwise by paths drawn.

use super::{Ets, Noise, Season, Shape, filter::Shares};
use crate::distributions::normal_quantile;
use crate::estimate::Estimate;
use crate::forecast::series::kept;
use crate::resampling::{Draws, between};

/// Paths that are drawn.
const PATHS: usize = 2_000;

impl Ets {
    fn shares(&self) -> Shares {
        Shares { alpha: self.alpha, beta: self.beta, gamma: self.gamma, phi: self.phi }
    }

    /// What was expected at each step from those before it.
    pub fn fitted(&self) -> Vec<f64> {
        let mut states =
            super::filter::States { level: self.level, slope: self.slope, seasonal: self.seasonal.clone() };
        let one = |value: &f64| {
            let (reached, expected) = states.expected(self.shape, self.phi);
            states.moved(self.shape, self.shares(), reached, value - expected);
            expected
        };
        self.series.values.iter().map(one).collect()
    }

    /// The next `horizon` values, with intervals that leave out `tails`. Where everything adds, the variance is σ² (1 + Σ c²), c = α + β (φ + … + φʲ) + γ at whole
    /// seasons (Hyndman et al. 2008, 6.1); otherwise the interval is that of 2,000 paths drawn by `seed`. That parameters are estimates is not in it: with few
    /// values intervals are too narrow, which a [`super::super::Backtest`] shows.
    pub fn forecast(&self, horizon: usize, tails: f64, seed: u64) -> Vec<Estimate> {
        let points = self.points(horizon);
        let adds = self.shape.noise == Noise::Additive && self.shape.season != Season::Multiplicative;
        let found = if adds { self.by_formula(&points, tails) } else { self.by_paths(&points, tails, seed) };
        kept(&self.series, found)
    }

    pub(super) fn points(&self, horizon: usize) -> Vec<f64> {
        let mut states = self.last.clone();
        let one = |_| {
            let (reached, expected) = states.expected(self.shape, self.phi);
            states.moved(self.shape, self.shares(), reached, 0.0);
            expected
        };
        (0..horizon).map(one).collect()
    }

    fn by_formula(&self, points: &[f64], tails: f64) -> Vec<Estimate> {
        let m = self.seasonal.len();
        let z = normal_quantile(tails / 2.0);
        let (mut sum, mut damped, mut power) = (1.0, 0.0, 1.0);
        let mut found = Vec::with_capacity(points.len());
        for (ahead, value) in points.iter().enumerate() {
            let half = z * self.deviation * f64::sqrt(sum);
            found.push(Estimate { value: *value, standard_error: None, low: value - half, high: value + half });
            power *= self.phi;
            damped += power;
            let whole = m > 0 && (ahead + 1).is_multiple_of(m);
            let moved = self.alpha + self.beta * damped + if whole { self.gamma } else { 0.0 };
            sum += moved * moved;
        }
        found
    }

    pub(super) fn by_paths(&self, points: &[f64], tails: f64, seed: u64) -> Vec<Estimate> {
        let mut chance = Draws::new(seed);
        let mut drawn: Vec<Vec<f64>> = vec![Vec::with_capacity(PATHS); points.len()];
        for _ in 0..PATHS {
            let mut states = self.last.clone();
            for values in &mut drawn {
                let (reached, expected) = states.expected(self.shape, self.phi);
                let noise = self.deviation * normal(&mut chance);
                let surprise = surprise(self.shape, noise, expected);
                values.push(expected + surprise);
                // A path that came to nothing stays there.
                let alive = reached > 0.0 && states.seasonal.first().is_none_or(|it| *it > 0.0);
                if alive || self.shape.season != Season::Multiplicative {
                    states.moved(self.shape, self.shares(), reached, surprise);
                }
            }
        }
        let one = |(value, drawn): (&f64, Vec<f64>)| {
            let (low, high) = between(drawn, tails).unwrap_or((*value, *value));
            Estimate { value: *value, standard_error: None, low, high }
        };
        points.iter().zip(drawn).map(one).collect()
    }
}

/// Noise that multiplies takes no more than everything.
fn surprise(shape: Shape, noise: f64, expected: f64) -> f64 {
    if shape.noise == Noise::Multiplicative { expected * noise.max(-1.0) } else { noise }
}

/// A standard normal value (Box and Muller 1958).
pub(in crate::forecast) fn normal(chance: &mut Draws) -> f64 {
    let mut uniform = || ((chance.next() >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
    (-2.0 * uniform().ln()).sqrt() * (2.0 * std::f64::consts::PI * uniform()).cos()
}
