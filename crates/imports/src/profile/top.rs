//! The most frequent values of a column, in bounded memory.
//!
//! Always holds: a value that makes up more than 1/8192 of the column is among them (Misra and Gries 1982); counts are exact while
//! there are at most 8,192 different values, else lower bounds. Long values are cut.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

const KEPT: usize = 8_192;
const LONGEST: usize = 80;

/// A value and how often it comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueCount {
    /// The value as in the file, at most 80 characters.
    pub value: String,
    /// How often, at least.
    pub count: u64,
}

/// Counts frequent values.
#[derive(Default)]
pub(crate) struct Top {
    counts: HashMap<String, u64>,
    pub exact_lost: bool,
}

impl Top {
    /// Adds a value.
    pub fn add(&mut self, value: &str) {
        let value = match value.char_indices().nth(LONGEST) {
            Some((end, _)) => &value[..end],
            None => value,
        };
        if let Some(count) = self.counts.get_mut(value) {
            *count += 1;
        } else if self.counts.len() < KEPT {
            self.counts.insert(value.to_owned(), 1);
        } else {
            self.exact_lost = true;
            self.counts.retain(|_, count| {
                *count -= 1;
                *count > 0
            });
        }
    }

    /// The `limit` most frequent values that come at least twice, or all of a handful.
    pub fn most(&self, limit: usize) -> Vec<ValueCount> {
        let mut all: Vec<ValueCount> =
            self.counts.iter().map(|(value, count)| ValueCount { value: value.clone(), count: *count }).collect();
        all.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
        let few = all.len() <= limit;
        all.retain(|entry| few || entry.count > 1);
        all.truncate(limit);
        all
    }
}
