//! Randomness as a door: whoever needs chance asks an [`Rng`], so that a seed repeats a run.

use std::sync::Mutex;

use rand::{Rng as _, SeedableRng, TryRng};
use rand_chacha::ChaCha12Rng;

/// A source of random bits.
pub trait Rng: Send + Sync + 'static {
    /// Fills `bytes` with random bits.
    fn fill(&self, bytes: &mut [u8]);

    /// 64 random bits.
    fn next_u64(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// A random positive 63-bit integer, as used for persons and handles (never 0).
    fn next_positive_i64(&self) -> i64 {
        loop {
            let value = i64::from_le_bytes(self.next_u64().to_le_bytes()) & i64::MAX;
            if value != 0 {
                return value;
            }
        }
    }
}

/// The operating system's generator; fit for keys and tokens.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRng;

impl Rng for SystemRng {
    fn fill(&self, bytes: &mut [u8]) {
        rand::rngs::SysRng
            .try_fill_bytes(bytes)
            .expect("the operating system gives random bytes; without them no key is safe");
    }
}

/// A seeded generator (ChaCha12): the same seed gives the same run.
#[derive(Debug)]
pub struct SeededRng(Mutex<ChaCha12Rng>);

impl SeededRng {
    /// A generator that always gives the same bits for the same `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(ChaCha12Rng::seed_from_u64(seed)))
    }
}

impl Rng for SeededRng {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().expect("no holder of this lock can panic").fill_bytes(bytes);
    }
}

impl<R: Rng> Rng for std::sync::Arc<R> {
    fn fill(&self, bytes: &mut [u8]) {
        (**self).fill(bytes);
    }
}
