//! Remembers for a few seconds what presented keys open, wrong ones too, so that neither a busy source nor a storm of wrong keys
//! asks the database for every request.
//!
//! Always holds: at most [`MOST`] entries; a change made here is seen at once ([`KeyCache::clear`]), one made by another process after
//! [`LASTS`] at the latest.

use std::collections::HashMap;
use std::sync::Mutex;

use rapport_domain::Timestamp;

/// How long an answer is remembered.
pub const LASTS: i64 = 10 * Timestamp::SECOND;
/// How many answers are remembered.
const MOST: usize = 10_000;

/// When the database was asked, and what it said; `None` is "no such key".
type Answer<T> = (Timestamp, Option<T>);

/// Answers by the key's hash.
#[derive(Debug)]
pub struct KeyCache<T>(Mutex<HashMap<[u8; 32], Answer<T>>>);

impl<T: Clone> KeyCache<T> {
    /// An empty one.
    pub fn new() -> Self {
        Self(Mutex::default())
    }

    /// What is remembered: `Some(None)` is a key known to be wrong.
    pub fn get(&self, hash: &[u8; 32], now: Timestamp) -> Option<Option<T>> {
        let entries = self.0.lock().expect("no holder of this lock can panic");
        let (since, found) = entries.get(hash)?;
        (0..LASTS).contains(&(now.0 - since.0)).then(|| found.clone())
    }

    /// Remembers an answer.
    pub fn put(&self, hash: [u8; 32], found: Option<T>, now: Timestamp) {
        let mut entries = self.0.lock().expect("no holder of this lock can panic");
        if entries.len() >= MOST {
            entries.retain(|_, (since, found)| found.is_some() && now.0 - since.0 < LASTS);
        }
        if entries.len() < MOST {
            entries.insert(hash, (now, found));
        }
    }

    /// Forgets everything, as after a key was made or revoked.
    pub fn clear(&self) {
        self.0.lock().expect("no holder of this lock can panic").clear();
    }
}

impl<T: Clone> Default for KeyCache<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_last_a_while_and_are_bounded() {
        let cache = KeyCache::new();
        let at = |seconds| Timestamp::from_seconds(seconds);
        cache.put([1; 32], Some("source"), at(0));
        cache.put([2; 32], None, at(0));
        assert_eq!(cache.get(&[1; 32], at(9)), Some(Some("source")));
        assert_eq!(cache.get(&[2; 32], at(9)), Some(None));
        assert_eq!(cache.get(&[1; 32], at(10)), None);
        for number in 0..2 * MOST as u64 {
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&number.to_le_bytes());
            cache.put(hash, None, at(9));
        }
        assert!(cache.0.lock().unwrap().len() <= MOST);
        assert_eq!(cache.get(&[1; 32], at(9)), Some(Some("source")), "right keys outlive a storm of wrong ones");
        cache.clear();
        assert_eq!(cache.get(&[1; 32], at(9)), None);
    }
}
