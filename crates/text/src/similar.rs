//! Similar and duplicate texts: MinHash over runs of characters (Broder 1997), candidates by bands (Leskovec, Rajaraman and Ullman, chapter 3), every
//! candidate checked exactly.
//!
//! Always holds: what is called similar is so by the exact measure; a pair at the threshold may be missed, the less likely the more similar it is (at
//! .8 one in about 2,800); the work grows with the number of texts and not with their pairs, also where all are alike.

use std::collections::HashMap;

use crate::features::hash;

/// Characters in a row.
const SHINGLE: usize = 5;
const BANDS: usize = 20;
const ROWS: usize = 5;
/// What is looked at of a text, in characters.
const MOST_CHARACTERS: usize = 20_000;

/// The runs of characters of a text, as sorted hashes; case, white space, signs and marks do not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shingles(Vec<u64>);

impl Shingles {
    /// The runs of a text. A text shorter than a run is one by itself; one without letters or digits has none.
    pub fn of(text: &str) -> Self {
        let letters = |c: &char| c.is_alphanumeric();
        let plain: String = text.chars().flat_map(char::to_lowercase).filter(letters).take(MOST_CHARACTERS).collect();
        let mut places: Vec<usize> = plain.char_indices().map(|(at, _)| at).collect();
        places.push(plain.len());
        let run = |run: &[usize]| hash(&plain.as_bytes()[run[0]..run[run.len() - 1]]);
        let runs = places.windows((SHINGLE + 1).min(places.len())).filter(|_| !plain.is_empty());
        let mut hashes: Vec<u64> = runs.map(run).collect();
        hashes.sort_unstable();
        hashes.dedup();
        Self(hashes)
    }

    /// The share of runs that both have among those that either has (Jaccard), 0 to 1; two texts without any have nothing in common.
    pub fn similarity(&self, other: &Self) -> f64 {
        let (mut a, mut b, mut both) = (0, 0, 0usize);
        while let (Some(x), Some(y)) = (self.0.get(a), other.0.get(b)) {
            both += usize::from(x == y);
            (a, b) = (a + usize::from(x <= y), b + usize::from(y <= x));
        }
        let either = self.0.len() + other.0.len() - both;
        if either == 0 { 0.0 } else { both as f64 / either as f64 }
    }

    /// Marks by which texts like it are found among many: two that share one are candidates, to be compared exactly. The same text has the same marks on
    /// every machine. None where there is nothing to compare.
    pub fn marks(&self) -> Vec<u64> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let signature = self.signature();
        let bands = signature.chunks(ROWS).zip(1_u64..);
        // Equal rows of two bands are no mark of the same.
        bands
            .map(|(rows, band)| {
                rows.iter().fold(band, |mark, row| (mark ^ row).wrapping_mul(0xff51_afd7_ed55_8ccd).rotate_left(31))
            })
            .collect()
    }

    fn signature(&self) -> [u64; BANDS * ROWS] {
        let mut least = [u64::MAX; BANDS * ROWS];
        for hash in &self.0 {
            let (mut own, step) = (*hash, hash.rotate_left(32) | 1);
            for least in &mut least {
                own = own.wrapping_add(step).wrapping_mul(0xff51_afd7_ed55_8ccd);
                own ^= own >> 33;
                *least = (*least).min(own);
            }
        }
        least
    }
}

/// Groups of texts that are similar to another of their group by at least `threshold`, as places in `texts`: groups by their first, members in order,
/// single texts left out. Meant for thresholds of .5 and more.
pub fn groups(texts: &[&str], threshold: f64) -> Vec<Vec<usize>> {
    let shingles: Vec<Shingles> = texts.iter().map(|text| Shingles::of(text)).collect();
    let mut joined = Joined { parents: (0..texts.len()).collect() };
    // The same again is joined at once, so that a thousand copies are one candidate.
    let mut firsts: HashMap<&[u64], usize> = HashMap::new();
    let mut distinct = Vec::new();
    for (at, own) in shingles.iter().enumerate().filter(|(_, own)| !own.0.is_empty()) {
        match firsts.get(own.0.as_slice()) {
            Some(first) => joined.join(*first, at),
            None => {
                firsts.insert(&own.0, at);
                distinct.push(at);
            }
        }
    }
    let signatures: Vec<[u64; BANDS * ROWS]> = distinct.iter().map(|at| shingles[*at].signature()).collect();
    for band in 0..BANDS {
        let mut buckets: HashMap<&[u64], Vec<usize>> = HashMap::new();
        for (at, signature) in distinct.iter().zip(&signatures) {
            let same = buckets.entry(&signature[band * ROWS..(band + 1) * ROWS]).or_default();
            // Of a bucket only some are compared with: enough for real ones, and no more for crafted ones.
            for other in same.iter() {
                if joined.root(*at) != joined.root(*other) && shingles[*at].similarity(&shingles[*other]) >= threshold {
                    joined.join(*other, *at);
                }
            }
            if same.len() < MOST_COMPARED {
                same.push(*at);
            }
        }
    }
    let mut groups: HashMap<usize, Vec<usize>> = HashMap::new();
    (0..texts.len()).for_each(|at| groups.entry(joined.root(at)).or_default().push(at));
    let mut groups: Vec<Vec<usize>> = groups.into_values().filter(|group| group.len() > 1).collect();
    groups.sort_unstable();
    groups
}

const MOST_COMPARED: usize = 32;

/// Sets that are joined; the root is the first member.
struct Joined {
    parents: Vec<usize>,
}

impl Joined {
    fn root(&mut self, mut at: usize) -> usize {
        while self.parents[at] != at {
            self.parents[at] = self.parents[self.parents[at]];
            at = self.parents[at];
        }
        at
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.parents[a.max(b)] = a.min(b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// Oracle: sets of strings.
    fn jaccard(a: &str, b: &str) -> f64 {
        let runs = |text: &str| -> BTreeSet<String> {
            let plain: Vec<char> = text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
            match plain.len() {
                0 => BTreeSet::new(),
                1..=5 => BTreeSet::from([plain.iter().collect()]),
                _ => plain.windows(5).map(|run| run.iter().collect()).collect(),
            }
        };
        let (a, b) = (runs(a), runs(b));
        if a.is_empty() && b.is_empty() { 0.0 } else { a.intersection(&b).count() as f64 / a.union(&b).count() as f64 }
    }

    proptest! {
        #[test]
        fn similarity_is_that_of_the_sets(a in "(?s)(ab|ba|[a-cA-Cé好 .]){0,30}", b in "(?s)(ab|ba|[a-cA-Cé好 .]){0,30}") {
            let found = Shingles::of(&a).similarity(&Shingles::of(&b));
            prop_assert!((found - jaccard(&a, &b)).abs() < 1e-12);
        }

        /// Against all pairs: nobody is in a group who is like none in it, and hardly any pair well above the threshold is apart.
        #[test]
        fn groups_are_those_of_all_pairs(seeds in prop::collection::vec(("[a-f]{30,60}", prop::collection::vec((0usize..60, "[a-f]"), 0..4)), 2..12)) {
            let mut texts: Vec<String> = Vec::new();
            for (base, changes) in &seeds {
                texts.push(base.clone());
                for (at, letter) in changes {
                    let at = at % base.len();
                    texts.push(format!("{}{letter}{}", &base[..at], &base[at + 1..]));
                }
            }
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let groups = groups(&texts, 0.7);
            for group in &groups {
                prop_assert!(group.iter().all(|at| group.iter().any(|other| at != other && jaccard(texts[*at], texts[*other]) >= 0.7)));
            }
            let of = |at: usize| groups.iter().position(|group| group.contains(&at));
            for (a, b) in (0..texts.len()).flat_map(|a| (0..a).map(move |b| (a, b))) {
                if jaccard(texts[a], texts[b]) >= 0.95 {
                    prop_assert!(of(a).is_some() && of(a) == of(b), "{} {}", texts[a], texts[b]);
                }
            }
        }
    }

    #[test]
    fn the_share_of_equal_least_hashes_estimates_the_similarity() {
        let text = |from: usize| (from..from + 400).map(|at| format!("{} ", at * 7_919 % 1_000)).collect::<String>();
        for shift in [0, 20, 60, 150, 400] {
            let (a, b) = (Shingles::of(&text(0)), Shingles::of(&text(shift)));
            let equal = a.signature().iter().zip(b.signature()).filter(|(x, y)| **x == *y).count() as f64;
            // Four standard errors of a hundred draws.
            assert!((equal / 100.0 - a.similarity(&b)).abs() < 0.2, "{shift}: {equal} {}", a.similarity(&b));
        }
    }

    #[test]
    fn copies_and_small_changes_are_found_and_strange_texts_taken() {
        let texts = [
            "Great phone, battery lasts for two days, would buy again!",
            "Terrible. Do not buy.",
            "great phone  battery lasts for two days... would buy again",
            "Great phone, battery lasts for two days, would buy again and again!",
            "",
            "!!!",
            "东西很好，下次还会来买的，推荐",
            "东西很好，下次还会来买的，推荐！",
        ];
        assert_eq!(groups(&texts, 0.7), [vec![0, 2, 3], vec![6, 7]]);
        assert!(groups(&[], 0.7).is_empty());
        let same = vec!["the same again and again"; 50_000];
        assert_eq!(groups(&same, 0.8)[0].len(), 50_000);
        let long = "\u{202e}a\0é".repeat(300_000);
        assert_eq!(groups(&[&long, &long], 0.9), [vec![0, 1]]);
    }
}
