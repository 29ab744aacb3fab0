//! What many texts are about: clauses with alike words are put together, and each group gets the words that set it apart.
//!
//! Always holds: the same texts in the same order give the same themes; a clause without words that others use too is in no theme rather than in any;
//! how well the words of a theme go together and how far another start would have given the same groups is said with them.

mod clusters;
mod terms;

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

pub use terms::clauses;

use clusters::Clusters;
use terms::terms;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wanted {
    /// How many themes at most; by the number of clauses if `None`.
    pub themes: Option<usize>,
    /// How many words a label has.
    pub words: usize,
}

/// A clause of one of the texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Which text.
    pub text: usize,
    /// Where in it.
    pub range: Range<usize>,
}

/// A group of clauses about the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    /// The words that set it apart (c-TF-IDF, Grootendorst 2022), most telling first.
    pub label: Vec<String>,
    /// Its clauses, the most typical first.
    pub clauses: Vec<Place>,
    /// How well the words of its label go together: the mean normalised pointwise mutual information of its pairs over texts, -1 to 1.
    pub coherence: f64,
}

/// Themes, largest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Themes {
    /// By number of clauses.
    pub themes: Vec<Theme>,
    /// Clauses that are in none.
    pub without: Vec<Place>,
    /// The adjusted Rand index of two groupings that began elsewhere: 1 for the same, 0 for what chance would give.
    pub stability: f64,
}

/// A term must be in so many clauses.
const LEAST_CLAUSES: u32 = 3;
const MOST_TERMS: usize = 20_000;

/// The themes of texts.
pub fn themes(texts: &[&str], wanted: Wanted) -> Themes {
    let mut places = Vec::new();
    let mut rows: Vec<Vec<u32>> = Vec::new();
    let mut ids: HashMap<String, u32> = HashMap::new();
    for (text, whole) in texts.iter().enumerate() {
        for range in clauses(whole) {
            let mut row: Vec<u32> = Vec::new();
            for term in terms(&whole[range.clone()]) {
                let next = ids.len() as u32;
                row.push(*ids.entry(term).or_insert(next));
            }
            row.sort_unstable();
            row.dedup();
            places.push(Place { text, range });
            rows.push(row);
        }
    }
    let mut names = vec![String::new(); ids.len()];
    ids.into_iter().for_each(|(name, id)| names[id as usize] = name);
    let names = keep(&mut rows, &names);
    let vectors = clusters::weighed(&rows, names.len());
    let meant = vectors.iter().filter(|row| !row.is_empty()).count();
    let count = wanted.themes.unwrap_or_else(|| ((meant as f64 / 20.0).sqrt() as usize).clamp(3, 40)).min(meant);
    let Clusters { of, stability } = clusters::found(&vectors, names.len(), count);
    let mut groups: Vec<Vec<(f32, usize)>> = vec![Vec::new(); count];
    let mut without = Vec::new();
    for (at, of) in of.into_iter().enumerate() {
        match of {
            Some((group, likeness)) => groups[group].push((likeness, at)),
            None => without.push(places[at].clone()),
        }
    }
    groups.retain(|group| !group.is_empty());
    groups.iter_mut().for_each(|group| group.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1))));
    groups.sort_by(|a, b| b.len().cmp(&a.len()).then(a[0].1.cmp(&b[0].1)));
    let labels = labels(&groups, &rows, &names, wanted.words);
    let together = Together::of(&labels, &rows, &places);
    let theme = |(group, label): (Vec<(f32, usize)>, Vec<u32>)| Theme {
        coherence: together.coherence(&label),
        label: label.iter().map(|term| names[*term as usize].clone()).collect(),
        clauses: group.into_iter().map(|(_, at)| places[at].clone()).collect(),
    };
    Themes { themes: groups.into_iter().zip(labels).map(theme).collect(), without, stability }
}

/// Keeps the terms of enough clauses and gives them new numbers, in the order of their names among equals.
fn keep(rows: &mut [Vec<u32>], names: &[String]) -> Vec<String> {
    let mut counts = vec![0u32; names.len()];
    rows.iter().flatten().for_each(|term| counts[*term as usize] += 1);
    let mut kept: Vec<u32> = (0..names.len() as u32).filter(|term| counts[*term as usize] >= LEAST_CLAUSES).collect();
    kept.sort_by(|a, b| {
        counts[*b as usize].cmp(&counts[*a as usize]).then(names[*a as usize].cmp(&names[*b as usize]))
    });
    kept.truncate(MOST_TERMS);
    let mut renamed = vec![None; names.len()];
    kept.iter().enumerate().for_each(|(new, old)| renamed[*old as usize] = Some(new as u32));
    for row in rows {
        *row = row.iter().filter_map(|term| renamed[*term as usize]).collect();
        row.sort_unstable();
    }
    kept.into_iter().map(|term| names[term as usize].clone()).collect()
}

/// The telling terms of every group: how often they are in it times how rare they are in all; a word that is within a chosen pair is not said again.
fn labels(groups: &[Vec<(f32, usize)>], rows: &[Vec<u32>], names: &[String], words: usize) -> Vec<Vec<u32>> {
    let mut all = vec![0.0f64; names.len()];
    groups.iter().flatten().flat_map(|(_, at)| &rows[*at]).for_each(|term| all[*term as usize] += 1.0);
    let mean = all.iter().sum::<f64>() / groups.len().max(1) as f64;
    let one = |group: &Vec<(f32, usize)>| {
        let mut own: HashMap<u32, f64> = HashMap::new();
        group.iter().flat_map(|(_, at)| &rows[*at]).for_each(|term| *own.entry(*term).or_default() += 1.0);
        let weight = |(term, count): (u32, f64)| (term, count * libm::log(1.0 + mean / all[term as usize]));
        let mut weights: Vec<(u32, f64)> = own.into_iter().map(weight).collect();
        weights.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let mut label: Vec<u32> = Vec::new();
        for (term, _) in weights {
            let name = &names[term as usize];
            let said =
                |other: &u32| names[*other as usize].contains(name.as_str()) || name.contains(&names[*other as usize]);
            if label.len() < words && !label.iter().any(said) {
                label.push(term);
            }
        }
        label
    };
    groups.iter().map(one).collect()
}

/// In which texts the terms of labels are.
struct Together {
    texts: HashMap<u32, BTreeSet<usize>>,
    all: f64,
}

impl Together {
    fn of(labels: &[Vec<u32>], rows: &[Vec<u32>], places: &[Place]) -> Self {
        let mut texts: HashMap<u32, BTreeSet<usize>> =
            labels.iter().flatten().map(|term| (*term, BTreeSet::new())).collect();
        for (row, place) in rows.iter().zip(places) {
            for term in row {
                if let Some(of) = texts.get_mut(term) {
                    of.insert(place.text);
                }
            }
        }
        Self { texts, all: places.last().map_or(1.0, |last| last.text as f64 + 1.0) }
    }

    fn coherence(&self, label: &[u32]) -> f64 {
        let pairs = label.iter().enumerate().flat_map(|(at, a)| label[at + 1..].iter().map(move |b| (a, b)));
        let found: Vec<f64> = pairs.map(|(a, b)| self.mutual(&self.texts[a], &self.texts[b])).collect();
        if found.is_empty() { 0.0 } else { found.iter().sum::<f64>() / found.len() as f64 }
    }

    /// Normalised pointwise mutual information (Bouma 2009).
    fn mutual(&self, a: &BTreeSet<usize>, b: &BTreeSet<usize>) -> f64 {
        let both = a.intersection(b).count() as f64 / self.all;
        match both {
            0.0 => -1.0,
            _ if both >= 1.0 => 1.0,
            _ => libm::log(both * self.all * self.all / (a.len() as f64 * b.len() as f64)) / -libm::log(both),
        }
    }
}
