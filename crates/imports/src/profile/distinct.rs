//! How many different values a column has, in bounded memory.
//!
//! Always holds: exact up to 4,096 values, and for key-like columns (nearly every value new) up to a million; beyond that an
//! estimate from the smallest hashes (k minimum values, standard error about 1.6 %).

use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

const SMALL: usize = 4_096;
const KEYS: usize = 1_000_000;

/// A hasher for what is a hash already.
#[derive(Default)]
pub(crate) struct Same(u64);

impl Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// A set of hashes.
pub(crate) type Hashes = HashSet<u64, BuildHasherDefault<Same>>;

/// Counts different values by their hashes.
#[derive(Default)]
pub(crate) struct Distinct {
    seen: u64,
    exact: Hashes,
    smallest: Option<BTreeSet<u64>>,
}

impl Distinct {
    /// Adds a value's hash.
    pub fn add(&mut self, hash: u64) {
        self.seen += 1;
        if let Some(smallest) = &mut self.smallest {
            if smallest.last().is_some_and(|last| hash < *last) && smallest.insert(hash) {
                smallest.pop_last();
            }
            return;
        }
        self.exact.insert(hash);
        let count = self.exact.len();
        let key_like = count as u64 * 100 >= self.seen * 95;
        if count > SMALL && (!key_like || count > KEYS) {
            let mut smallest: Vec<u64> = std::mem::take(&mut self.exact).into_iter().collect();
            smallest.sort_unstable();
            smallest.truncate(SMALL);
            self.smallest = Some(smallest.into_iter().collect());
        }
    }

    /// The number of different values, and whether it is exact.
    pub fn count(&self) -> (u64, bool) {
        let Some(smallest) = &self.smallest else { return (self.exact.len() as u64, true) };
        let last = smallest.last().copied().unwrap_or(u64::MAX).max(1);
        let estimate = (SMALL as f64 - 1.0) / (last as f64 / u64::MAX as f64);
        ((estimate as u64).min(self.seen), false)
    }

    /// Up to 4,096 smallest hashes: two columns that share values share these.
    pub fn sketch(&self) -> Vec<u64> {
        match &self.smallest {
            Some(smallest) => smallest.iter().copied().collect(),
            None => {
                let mut all: Vec<u64> = self.exact.iter().copied().collect();
                all.sort_unstable();
                all.truncate(SMALL);
                all
            }
        }
    }
}

/// The share of the first sketch's values that the second column has too (0 to 1).
pub(crate) fn overlap(of: &[u64], with: &[u64]) -> f64 {
    // Beyond the last hash of a full sketch nothing is known about the other column.
    let limit = if with.len() < SMALL { u64::MAX } else { with.last().copied().unwrap_or(0) };
    let comparable: Vec<u64> = of.iter().copied().filter(|hash| *hash <= limit).collect();
    let shared = comparable.iter().filter(|hash| with.binary_search(hash).is_ok()).count();
    shared as f64 / comparable.len().max(1) as f64
}

/// A 64-bit hash of a text.
pub(crate) fn hash(text: &str) -> u64 {
    use std::hash::Hash;
    let mut hasher = std::collections::hash_map::DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_exactly_then_closely() {
        let mut keys = Distinct::default();
        let mut many = Distinct::default();
        for i in 0..100_000u32 {
            keys.add(hash(&i.to_string()));
            many.add(hash(&(i % 30_000).to_string()));
            many.add(hash(&(i % 30_000).to_string()));
        }
        assert_eq!(keys.count(), (100_000, true));
        let (estimate, exact) = many.count();
        assert!(!exact && (28_000..32_000).contains(&estimate), "{estimate}");
    }

    #[test]
    fn sketches_tell_shared_values() {
        let sketch = |range: std::ops::Range<u32>| {
            let mut distinct = Distinct::default();
            range.for_each(|i| distinct.add(hash(&i.to_string())));
            distinct.sketch()
        };
        assert!((overlap(&sketch(0..20_000), &sketch(0..40_000)) - 1.0).abs() < 0.01);
        assert!((overlap(&sketch(0..20_000), &sketch(10_000..30_000)) - 0.5).abs() < 0.1);
        assert!(overlap(&sketch(0..100), &sketch(100..200)) < 0.01);
    }
}
