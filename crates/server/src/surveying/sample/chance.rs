//! Chance that is the same for the same name.

use rapport_domain::{Rng, SeededRng};

/// A source of it.
pub struct Chance(SeededRng);

impl Chance {
    /// Of a name.
    pub fn of(name: &str) -> Self {
        let hash = blake3::hash(name.as_bytes());
        let seed = hash.as_bytes().iter().take(8).fold(0, |sum: u64, byte| (sum << 8) | u64::from(*byte));
        Self(SeededRng::new(seed))
    }

    /// 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// From 0 to 1.
    pub fn part(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Whether something of that likelihood happens.
    pub fn happens(&mut self, likelihood: f64) -> bool {
        self.part() < likelihood
    }

    /// Around nought, with a spread of one.
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.part().max(1e-12).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.part()).cos()
    }

    /// From nought on, with a mean of one.
    pub fn exponential(&mut self) -> f64 {
        -self.part().max(1e-12).ln()
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        let place = (self.part() * of.len() as f64) as usize;
        of.get(place.min(of.len().saturating_sub(1)))
    }
}
