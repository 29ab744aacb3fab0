//! What many texts are about: clauses with alike words are put together, and each group gets the words that set it apart.
//!
//! Always holds: the same texts in the same order give the same themes; nothing but the texts is learnt from; a clause without words that others use too is in no theme rather than in any;
//! how well the words of a theme go together and how far another start would have given the same groups is said with them.

pub mod change;
mod clusters;
mod factors;
mod meaning;
pub mod taxonomy;
mod terms;

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

pub use terms::clauses;

use crate::features::Sparse;
use crate::words::Stems;
use clusters::{Clusters, Dense};
use meaning::{Meaning, WIDE, unit};
use terms::{Terms, terms};

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
    /// How far half of the texts gives the same groups (adjusted Rand index): 1 for the same, 0 for what chance would give.
    pub stability: f64,
}

/// A term must be in so many clauses.
const LEAST_CLAUSES: u32 = 3;
const MOST_TERMS: usize = 20_000;

/// A word must stand in so many texts' worth of places.
const LEAST_WORDS: u32 = 3;
const MOST_WORDS: usize = 8_000;

/// The themes of texts.
pub fn themes(texts: &[&str], wanted: Wanted) -> Themes {
    let mut read = Read::of(texts);
    let names = read.keep();
    let weighed = clusters::weighed(&read.rows, names.len());
    let meaning = Meaning::learn(&weighed, names.len(), &read.whole_texts(), read.words.names.len());
    let vector = |(row, words): (&Sparse, &Vec<u32>)| (!row.is_empty()).then(|| meaning.vector(row, words));
    let mut vectors: Vec<Option<Dense>> = weighed.iter().zip(&read.sentences).map(vector).collect();
    in_context(&mut vectors, &read.places);
    let meant = vectors.iter().flatten().count();
    let count = wanted.themes.unwrap_or_else(|| ((meant as f64 / 20.0).sqrt() as usize).clamp(3, 40)).min(meant);
    let Clusters { of, stability } = clusters::found(&vectors, count);
    let mut groups: Vec<Vec<(f32, usize)>> = vec![Vec::new(); count];
    let mut without = Vec::new();
    for (at, of) in of.into_iter().enumerate() {
        match of {
            Some((group, likeness)) => groups[group].push((likeness, at)),
            None => without.push(read.places[at].clone()),
        }
    }
    groups.retain(|group| !group.is_empty());
    groups.iter_mut().for_each(|group| group.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1))));
    groups.sort_by(|a, b| b.len().cmp(&a.len()).then(a[0].1.cmp(&b[0].1)));
    let labels = labels(&groups, &read.rows, &names, wanted.words);
    let together = Together::of(&labels, &read.rows, &read.places);
    let theme = |(group, label): (Vec<(f32, usize)>, Vec<u32>)| Theme {
        coherence: together.coherence(&label),
        label: label.iter().map(|term| names[*term as usize].clone()).collect(),
        clauses: group.into_iter().map(|(_, at)| read.places[at].clone()).collect(),
    };
    Themes { themes: groups.into_iter().zip(labels).map(theme).collect(), without, stability }
}

/// How much of the rest of its text a clause takes on: "and nobody answers" is about what the text is about.
const CONTEXT: f32 = 0.7;

fn in_context(vectors: &mut [Option<Dense>], places: &[Place]) {
    let mut start = 0;
    for text in places.chunk_by(|a, b| a.text == b.text) {
        let own = &mut vectors[start..start + text.len()];
        start += text.len();
        let mut sum = [0.0; WIDE];
        own.iter().flatten().for_each(|one| sum.iter_mut().zip(one).for_each(|(sum, it)| *sum += it));
        for one in own.iter_mut().flatten() {
            let mut rest = sum;
            rest.iter_mut().zip(one.iter()).for_each(|(rest, it)| *rest -= it);
            unit(&mut rest);
            one.iter_mut().zip(&rest).for_each(|(it, rest)| *it += CONTEXT * rest);
            unit(one);
        }
    }
}

/// Texts cut into clauses, and those into numbered terms and words.
#[derive(Default)]
struct Read {
    places: Vec<Place>,
    /// The terms of every clause, each once, in order.
    rows: Vec<Vec<u32>>,
    /// The words of every clause as they stand.
    sentences: Vec<Vec<u32>>,
    terms: Numbered,
    words: Numbered,
}

/// Names and their numbers; how each was written by most, told in one pass (Boyer and Moore 1981).
#[derive(Default)]
struct Numbered {
    numbers: HashMap<String, u32>,
    names: Vec<(String, i32)>,
}

impl Numbered {
    fn number(&mut self, name: String, written: String) -> u32 {
        let next = self.names.len() as u32;
        let number = *self.numbers.entry(name).or_insert(next);
        match self.names.get_mut(number as usize) {
            None => self.names.push((written, 1)),
            Some((most, lead)) if *most == written => *lead += 1,
            Some(it) if it.1 == 0 => *it = (written, 1),
            Some((_, lead)) => *lead -= 1,
        }
        number
    }
}

impl Read {
    fn of(texts: &[&str]) -> Self {
        let mut read = Self::default();
        for (text, whole) in texts.iter().enumerate() {
            let stems = Stems::of(whole);
            for range in clauses(whole) {
                let Terms { words, terms } = terms(&whole[range.clone()], &stems);
                let mut row: Vec<u32> =
                    terms.into_iter().map(|(stem, written)| read.terms.number(stem, written)).collect();
                row.sort_unstable();
                row.dedup();
                read.places.push(Place { text, range });
                read.rows.push(row);
                let number = |stem: String| read.words.number(stem, String::new());
                read.sentences.push(words.into_iter().map(number).collect());
            }
        }
        read.terms.numbers = HashMap::new();
        read.words.numbers = HashMap::new();
        read
    }

    /// Keeps what is met often enough; gives the names of the terms.
    fn keep(&mut self) -> Vec<String> {
        let names: Vec<String> = self.terms.names.drain(..).map(|it| it.0).collect();
        let kept = keep(&mut self.rows, names.len(), LEAST_CLAUSES, MOST_TERMS);
        self.rows.iter_mut().for_each(|row| row.sort_unstable());
        let words = keep(&mut self.sentences, self.words.names.len(), LEAST_WORDS, MOST_WORDS);
        self.words.names = vec![Default::default(); words.len()];
        kept.into_iter().map(|term| names[term as usize].clone()).collect()
    }

    /// The words of every text, over its clauses.
    fn whole_texts(&self) -> Vec<Vec<u32>> {
        let same = |a: &(&Place, &Vec<u32>), b: &(&Place, &Vec<u32>)| a.0.text == b.0.text;
        let all: Vec<(&Place, &Vec<u32>)> = self.places.iter().zip(&self.sentences).collect();
        all.chunk_by(same).map(|text| text.iter().flat_map(|it| it.1).copied().collect()).collect()
    }
}

/// Keeps in rows what is there often enough, and gives it new numbers: the most frequent first, among equals what was met first.
fn keep(rows: &mut [Vec<u32>], count: usize, least: u32, most: usize) -> Vec<u32> {
    let mut counts = vec![0u32; count];
    rows.iter().flatten().for_each(|it| counts[*it as usize] += 1);
    let mut kept: Vec<u32> = (0..count as u32).filter(|it| counts[*it as usize] >= least).collect();
    kept.sort_by(|a, b| counts[*b as usize].cmp(&counts[*a as usize]).then(a.cmp(b)));
    kept.truncate(most);
    let mut renamed = vec![None; count];
    kept.iter().enumerate().for_each(|(new, old)| renamed[*old as usize] = Some(new as u32));
    rows.iter_mut().for_each(|row| *row = row.iter().filter_map(|it| renamed[*it as usize]).collect());
    kept
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
