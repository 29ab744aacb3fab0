//! Clauses as short dense vectors, learnt from the texts themselves: what a clause's terms have in common with those of others (latent semantic analysis,
//! Deerwester et al. 1990), and beside what words its words stand (positive pointwise mutual information, weighed as Arora et al. 2017 do).
//!
//! So "card has not come" and "still no sign of my new card" are near although they share one word; nothing is downloaded for it.

use std::collections::HashMap;

use super::factors::{Factors, factors, sum};
use crate::features::Sparse;

/// Directions of terms and of words.
const OF_TERMS: usize = 64;
const OF_WORDS: usize = 32;
/// How long a vector is.
pub(super) const WIDE: usize = OF_TERMS + OF_WORDS;
/// Words are beside each other within so many.
const WINDOW: usize = 5;
/// A word of this share of all words counts half.
const COMMON: f32 = 1e-3;
/// Directions are learnt from so many rows, spread evenly over all.
const LEARNT_FROM: usize = 16_000;
/// And neighbours of words from so many texts.
const READ: usize = 60_000;

pub(super) struct Meaning {
    terms: Vec<f32>,
    words: Vec<f32>,
    /// How much each word counts.
    weights: Vec<f32>,
}

impl Meaning {
    /// From rows of weighed terms, and the words of every text in order.
    pub fn learn(rows: &[Sparse], terms: usize, texts: &[Vec<u32>], words: usize) -> Self {
        let step = rows.len().div_ceil(LEARNT_FROM).max(1);
        let sample: Vec<Sparse> = rows.iter().filter(|row| !row.is_empty()).step_by(step).cloned().collect();
        let of_terms = factors(&sample, terms, OF_TERMS).columns;
        let step = texts.len().div_ceil(READ).max(1);
        let read: Vec<&Vec<u32>> = texts.iter().step_by(step).collect();
        let Factors { mut columns, spread } = factors(&neighbours(&read, words), words, OF_WORDS);
        // The root of how far a direction goes: between all alike and the first ones alone.
        for word in columns.chunks_mut(OF_WORDS) {
            word.iter_mut().zip(&spread).for_each(|(share, spread)| *share *= spread.sqrt());
        }
        let mut counts = vec![0.0f32; words];
        texts.iter().flatten().for_each(|word| counts[*word as usize] += 1.0);
        let all: f32 = counts.iter().sum();
        let weights = counts.into_iter().map(|count| COMMON / (COMMON + count / all.max(1.0))).collect();
        Self { terms: of_terms, words: columns, weights }
    }

    /// Both halves 1 long, then the whole; zeros where nothing is known.
    pub fn vector(&self, row: &[(u32, f32)], words: &[u32]) -> [f32; WIDE] {
        let mut vector = [0.0; WIDE];
        vector[..OF_TERMS].copy_from_slice(&sum(row, &self.terms, OF_TERMS));
        let weighed: Vec<(u32, f32)> = words.iter().map(|word| (*word, self.weights[*word as usize])).collect();
        vector[OF_TERMS..].copy_from_slice(&sum(&weighed, &self.words, OF_WORDS));
        unit(&mut vector[..OF_TERMS]);
        unit(&mut vector[OF_TERMS..]);
        unit(&mut vector);
        vector
    }
}

/// Makes a vector 1 long.
pub(super) fn unit(vector: &mut [f32]) {
    let length = vector.iter().map(|it| it * it).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|it| *it /= length);
    }
}

/// For every word how much more often each other one is near it than by chance: the logarithm, where it is positive.
fn neighbours(texts: &[&Vec<u32>], words: usize) -> Vec<Sparse> {
    let mut pairs: HashMap<u64, f32> = HashMap::new();
    for text in texts {
        for (at, word) in text.iter().enumerate() {
            for other in &text[at + 1..text.len().min(at + 1 + WINDOW)] {
                for (a, b) in [(word, other), (other, word)] {
                    *pairs.entry(u64::from(*a) << 32 | u64::from(*b)).or_default() += 1.0;
                }
            }
        }
    }
    let mut pairs: Vec<(u64, f32)> = pairs.into_iter().collect();
    pairs.sort_unstable_by_key(|it| it.0);
    let mut sums = vec![0.0f64; words];
    pairs.iter().for_each(|(pair, count)| sums[(pair >> 32) as usize] += f64::from(*count));
    let all: f64 = sums.iter().sum();
    // Rare neighbours are taken for a little less rare than they are (Levy, Goldberg and Dagan 2015).
    let smoothed: Vec<f64> = sums.iter().map(|it| libm::pow(*it, 0.75)).collect();
    let of_smoothed: f64 = smoothed.iter().sum();
    let mut rows = vec![Sparse::new(); words];
    for (pair, count) in pairs {
        let (a, b) = ((pair >> 32) as usize, (pair & 0xffff_ffff) as usize);
        let more = libm::log(f64::from(count) / all / (sums[a] / all * smoothed[b] / of_smoothed));
        if more > 0.0 {
            rows[a].push((b as u32, more as f32));
        }
    }
    rows
}
