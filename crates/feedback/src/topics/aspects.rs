//! What is said of each topic: how much, how it feels, what changed against the time before, and in whose words.
//!
//! Always holds: a text counts once for a topic, and once for each topic above it; how it feels about a topic is the mean of its clauses about that, or about
//! what stands below it.

use std::collections::BTreeMap;
use std::ops::Range;

use rapport_text::themes::change::{Change, Counts, changes};

use super::Sorter;
use crate::verbatims::{CLEAR, Reader};

/// Alarms that may be false.
const FALSE_ALARMS: f64 = 0.05;
/// Quotes of a topic: of each tone so many.
const QUOTES: usize = 2;

/// A text, as far as topics go.
#[derive(Clone, Copy, Debug)]
pub struct Text<'t> {
    /// The event that brought it.
    pub event_id: [u8; 16],
    /// As it is shown.
    pub shown: &'t str,
    /// Whether it is of the time asked about; otherwise it is of the time before.
    pub is_now: bool,
}

/// A clause of a text that is about a topic.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// Which text.
    pub text: usize,
    /// Where in it.
    pub range: Range<usize>,
    /// How it feels, -1,000 to 1,000.
    pub sentiment: i64,
}

/// What is said of a topic.
#[derive(Clone, Debug, PartialEq)]
pub struct Aspect {
    /// The topic.
    pub key: String,
    /// Texts about it now, and before.
    pub counts: Counts,
    /// Of those now, how many feel well about it.
    pub positive: u64,
    /// The mean of how those now feel about it, -1,000 to 1,000.
    pub sentiment: i64,
    /// What changed.
    pub change: Change,
    /// Clauses that feel strongest, bad ones and good ones.
    pub quotes: Vec<Said>,
}

/// What a text says of each topic and those above it: how it feels about it, and its clauses.
fn of_text(at: usize, text: &Text<'_>, sorter: &Sorter, reader: &Reader) -> BTreeMap<String, Vec<Said>> {
    let mut of: BTreeMap<String, Vec<Said>> = BTreeMap::new();
    for (range, topic) in sorter.assign(text.event_id, text.shown) {
        let sentiment = reader.sentiment(&text.shown[range.clone()]);
        for key in sorter.tree.line(topic) {
            of.entry(key.to_owned()).or_default().push(Said { text: at, range: range.clone(), sentiment });
        }
    }
    of
}

fn mean(of: &[Said]) -> i64 {
    let count = i64::try_from(of.len()).unwrap_or(1).max(1);
    of.iter().map(|it| it.sentiment).sum::<i64>() / count
}

/// What texts say of topics, most texts first; topics that nobody speaks of are left out.
pub fn aspects(texts: &[Text<'_>], sorter: &Sorter, reader: &Reader) -> Vec<Aspect> {
    #[derive(Default)]
    struct Sum {
        counts: Counts,
        positive: u64,
        sentiment: i64,
        said: Vec<Said>,
    }
    let mut sums: BTreeMap<String, Sum> = BTreeMap::new();
    for (at, text) in texts.iter().enumerate() {
        for (key, said) in of_text(at, text, sorter, reader) {
            let feels = mean(&said);
            let sum = sums.entry(key).or_default();
            let is_negative = u64::from(feels <= -CLEAR);
            if text.is_now {
                sum.counts.now += 1;
                sum.counts.negative_now += is_negative;
                sum.positive += u64::from(feels >= CLEAR);
                sum.sentiment += feels;
                sum.said.extend(said);
            } else {
                sum.counts.before += 1;
                sum.counts.negative_before += is_negative;
            }
        }
    }
    let now = texts.iter().filter(|text| text.is_now).count() as u64;
    let counts: Vec<Counts> = sums.values().map(|sum| sum.counts).collect();
    let changed = changes(&counts, texts.len() as u64 - now, now, FALSE_ALARMS);
    let mut found: Vec<Aspect> = sums
        .into_iter()
        .zip(changed)
        .map(|((key, sum), change)| Aspect {
            key,
            counts: sum.counts,
            positive: sum.positive,
            sentiment: sum.sentiment / i64::try_from(sum.counts.now).unwrap_or(1).max(1),
            change,
            quotes: quotes(sum.said),
        })
        .collect();
    found.sort_by(|a, b| b.counts.now.cmp(&a.counts.now).then(a.key.cmp(&b.key)));
    found
}

/// The worst and the best, of different texts.
fn quotes(mut said: Vec<Said>) -> Vec<Said> {
    said.sort_by_key(|it| (it.sentiment, it.text, it.range.start));
    let mut chosen: Vec<Said> = Vec::new();
    let mut take = |all: &mut dyn Iterator<Item = &Said>| {
        let before = chosen.len();
        for it in all {
            if chosen.len() < before + QUOTES && !chosen.iter().any(|known| known.text == it.text) {
                chosen.push(it.clone());
            }
        }
    };
    take(&mut said.iter().filter(|it| it.sentiment <= -CLEAR));
    take(&mut said.iter().rev().filter(|it| it.sentiment >= CLEAR));
    if chosen.is_empty() {
        chosen.extend(said.into_iter().take(1));
    }
    chosen
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rapport_text::themes::change::Volume;

    use super::super::Tree;
    use super::*;

    fn usual() -> Sorter {
        Sorter::learn(Tree::default(), &[])
    }

    fn text(shown: &str, is_now: bool) -> Text<'_> {
        Text { event_id: [0; 16], shown, is_now }
    }

    #[test]
    fn a_text_counts_once_for_what_it_is_about_and_for_what_stands_above() {
        let texts = [
            text("The packaging was awful, the parcel was torn. The price is great!", true),
            text("Terrible delivery", true),
            text("I love the colour", false),
            text("Nothing to say", true),
        ];
        let found = aspects(&texts, &usual(), &Reader::default());
        let of = |key: &str| found.iter().find(|it| it.key == key);
        let (delivery, packaging, price) = (of("delivery").unwrap(), of("packaging").unwrap(), of("price").unwrap());
        assert_eq!((delivery.counts.now, packaging.counts.now, price.counts.now), (2, 1, 1));
        assert_eq!((delivery.counts.negative_now, price.counts.negative_now, price.positive), (2, 0, 1));
        assert_eq!((of("looks").unwrap().counts.now, of("looks").unwrap().counts.before), (0, 1));
        assert!(of("payment").is_none() && found[0].key == "delivery");
        assert_eq!(delivery.quotes.len(), 2, "one of each text");
        assert_eq!(packaging.change.volume, Volume::Steady, "one text is no news");
    }

    const PIECES: [&str; 7] =
        ["great packaging", "awful parcel", "expensive", "a good price", "friendly staff", "rude agent", "blue sky"];

    proptest! {
        /// Against asking of each topic and each text by itself.
        #[test]
        fn counts_are_those_of_each_text(texts in prop::collection::vec((prop::collection::vec(0usize..7, 0..4), any::<bool>()), 0..8)) {
            let sorter = usual();
            let (tree, taxonomy) = (&sorter.tree, &sorter.taxonomy);
            let reader = Reader::default();
            let shown: Vec<(String, bool)> =
                texts.into_iter().map(|(of, now)| (of.iter().map(|at| PIECES[*at]).collect::<Vec<_>>().join(". "), now)).collect();
            let all: Vec<Text> = shown.iter().map(|(shown, is_now)| text(shown, *is_now)).collect();
            let found = aspects(&all, &sorter, &reader);
            for node in &tree.0 {
                let below = |key: &str| tree.line(key).contains(&node.key.as_str());
                let (mut now, mut before, mut negative) = (0, 0, 0);
                for text in &all {
                    let mut of_clauses = Vec::new();
                    for found in taxonomy.assign(text.shown).iter().filter(|it| below(it.topic)) {
                        of_clauses.push(reader.sentiment(&text.shown[found.range.clone()]));
                    }
                    if !of_clauses.is_empty() {
                        let feels = of_clauses.iter().sum::<i64>() / of_clauses.len() as i64;
                        (now, before) = if text.is_now { (now + 1, before) } else { (now, before + 1) };
                        negative += u64::from(text.is_now && feels <= -CLEAR);
                    }
                }
                let own = found.iter().find(|it| it.key == node.key);
                let counts = own.map(|it| it.counts).unwrap_or_default();
                prop_assert_eq!((counts.now, counts.before, counts.negative_now), (now, before, negative), "{}", node.key);
            }
        }
    }
}
