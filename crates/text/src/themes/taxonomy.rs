//! Themes that people keep: named, edited, and learnt from what they put where.
//!
//! Always holds: a word that people gave to a theme decides before anything learnt does; the same examples give the same model; a clause of which little is
//! known is in no theme; how often what was held back was put where people had put it is measured. It keeps no text beyond the words of themes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::terms::{clauses, terms};
use crate::intents::{Intents, fold};
use crate::words::Stems;

/// A theme of the taxonomy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topic {
    /// What it is known by; it stays when the theme is renamed.
    pub key: String,
    /// Words and pairs of words that always mean it, in any form.
    pub words: Vec<String>,
}

/// A clause that people put into a theme, or into none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Example<'t> {
    /// The clause.
    pub clause: &'t str,
    /// The key of its theme; `None` for none of them.
    pub topic: Option<&'t str>,
}

/// A taxonomy with what was learnt for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Taxonomy {
    /// The key of the theme of a stem, or of a pair of them.
    words: BTreeMap<String, String>,
    intents: Option<Intents>,
    quality: Quality,
}

/// How well clauses that were held back were put into themes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Quality {
    /// How many there were.
    pub held_back: usize,
    /// How many of these were put into a theme.
    pub put: usize,
    /// How many of those into the right one.
    pub right: usize,
}

/// A clause in a theme.
#[derive(Debug, Clone, PartialEq)]
pub struct Assigned<'m> {
    /// Where the clause stands.
    pub range: Range<usize>,
    /// The key of the theme.
    pub topic: &'m str,
    /// How probable it is: 1 where people's words decided.
    pub probability: f64,
    /// The word that decided, where people gave it.
    pub word: Option<Range<usize>>,
}

/// What examples of no theme are called; no key of a theme is empty.
const NONE: &str = "";
/// Below, a theme is a guess.
const LEAST: f64 = 0.5;

impl Taxonomy {
    /// From themes and examples; those of themes that are no more are left out. Later examples of the same clause win.
    pub fn learn(topics: &[Topic], examples: &[Example]) -> Self {
        let keys: BTreeSet<&str> = topics.iter().map(|it| it.key.as_str()).collect();
        let known = |it: &&Example| it.topic.is_none_or(|key| keys.contains(key));
        let latest: BTreeMap<&str, &str> =
            examples.iter().filter(known).map(|it| (it.clause.trim(), it.topic.unwrap_or(NONE))).collect();
        let learnt: Vec<(&str, &str)> = latest.into_iter().filter(|it| !it.0.is_empty()).collect();
        let mut taxonomy = Self { words: words(topics), intents: None, quality: Quality::default() };
        taxonomy.quality = taxonomy.measured(&learnt);
        taxonomy.intents = Intents::learn(&learnt);
        taxonomy
    }

    /// A fifth of the examples by a model of the others; it is not the fifth that calibrates.
    fn measured(&self, examples: &[(&str, &str)]) -> Quality {
        let (held_back, kept): (Vec<_>, Vec<_>) = examples.iter().copied().partition(|(clause, _)| fold(clause) == 1);
        let first = Self { intents: Intents::learn(&kept), ..self.clone() };
        let mut quality = Quality { held_back: held_back.len(), ..Quality::default() };
        for (clause, topic) in held_back {
            let found = first.topic(clause, &Stems::of(clause));
            quality.put += usize::from(found.is_some());
            quality.right += usize::from(found.is_some_and(|it| it.0 == topic));
        }
        quality
    }

    /// The clauses of a text that are in a theme.
    pub fn assign(&self, text: &str) -> Vec<Assigned<'_>> {
        let stems = Stems::of(text);
        let one = |range: Range<usize>| {
            let (topic, probability, word) = self.topic(&text[range.clone()], &stems)?;
            let word = word.map(|word| range.start + word.start..range.start + word.end);
            Some(Assigned { range, topic, probability, word })
        };
        clauses(text).into_iter().filter_map(one).collect()
    }

    /// How well it does on clauses that it had not seen.
    pub fn quality(&self) -> Quality {
        self.quality
    }

    fn topic(&self, clause: &str, stems: &Stems) -> Option<(&str, f64, Option<Range<usize>>)> {
        let words = stems.words(clause);
        // A pair of words says more than one of them.
        for length in [3, 2, 1] {
            for run in words.windows(length) {
                let stems: Vec<&str> = run.iter().map(|it| it.stem.as_str()).collect();
                if let Some(topic) = self.words.get(&stems.join(" ")) {
                    return Some((topic, 1.0, Some(run[0].range.start..run[length - 1].range.end)));
                }
            }
        }
        if terms(clause, stems).terms.is_empty() {
            return None;
        }
        let best = self.intents.as_ref()?.guesses(clause).into_iter().next()?;
        (best.intent != NONE && best.probability >= LEAST).then_some((best.intent, best.probability, None))
    }
}

/// The stems of the words of themes. A word of two themes is the first one's.
fn words(topics: &[Topic]) -> BTreeMap<String, String> {
    let mut words = BTreeMap::new();
    for topic in topics.iter().filter(|it| it.key != NONE) {
        for word in &topic.words {
            // Whoever writes "parcels" means it in each language whose texts have it.
            for language in [None, Some("en"), Some("de"), Some("pt"), Some("es"), Some("fr"), Some("it"), Some("nl")] {
                let stems: Vec<String> =
                    Stems::in_language(language).words(word).into_iter().map(|it| it.stem).collect();
                if !stems.is_empty() {
                    words.entry(stems.join(" ")).or_insert_with(|| topic.key.clone());
                }
            }
        }
    }
    words
}
