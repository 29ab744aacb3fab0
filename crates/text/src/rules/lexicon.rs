//! The rated words, degree words and negations, and the words that rules name. One look-up a word.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use super::words::{Key, key};

/// vaderSentiment 3.3.2, MIT (see `lexicon/LICENSE`): a valence and the words that have it, a line each.
const WORDS: &str = include_str!("../../lexicon/words.txt");
/// From the same: a character and the words that stand for it.
const EMOJI: &str = include_str!("../../lexicon/emoji.txt");

pub(super) static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::new);

/// What a word that strengthens adds, and one that weakens.
pub(super) const MORE: f64 = 0.293;
pub(super) const LESS: f64 = -0.293;

const STRENGTHENING: &str = "absolutely amazingly awfully completely considerable considerably decidedly deeply effing enormous enormously entirely \
    especially exceptional exceptionally extreme extremely fabulously flipping flippin frackin fracking fricking frickin frigging friggin fully \
    fuckin fucking fuggin fugging greatly hella highly hugely incredible incredibly intensely major majorly more most particularly purely quite \
    really remarkably so substantially thoroughly total totally tremendous tremendously uber unbelievably unusually utter utterly very";

const WEAKENING: &str = "almost barely hardly kinda kindof kind-of less little marginal marginally occasional occasionally partly scarce scarcely \
    slight slightly somewhat sorta sortof sort-of";

const NEGATIONS: &str = "aint arent cannot cant couldnt darent didnt doesnt ain't aren't can't couldn't daren't didn't doesn't dont hadnt hasnt \
    havent isnt mightnt mustnt neither don't hadn't hasn't haven't isn't mightn't mustn't neednt needn't never none nope nor not nothing nowhere \
    oughtnt shant shouldnt uhuh wasnt werent oughtn't shan't shouldn't uh-uh wasn't weren't without wont wouldnt won't wouldn't rarely seldom \
    despite";

/// Words that rules name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[rustfmt::skip]
pub(super) enum Mark {
    #[default]
    None,
    Ass, At, Bad, Beating, Bomb, Bus, But, Death, Die, Doubt, Enough, For, Heart, Just, Kind, Kiss, Least, Never, No, Nor, Of, Or, Right, Shit, So,
    Sort, Stop, The, This, To, Very, Without, Yeah,
}

#[rustfmt::skip]
const MARKS: [(&str, Mark); 33] = {
    use Mark::*;
    [
        ("ass", Ass), ("at", At), ("bad", Bad), ("beating", Beating), ("bomb", Bomb), ("bus", Bus), ("but", But), ("death", Death), ("die", Die),
        ("doubt", Doubt), ("enough", Enough), ("for", For), ("heart", Heart), ("just", Just), ("kind", Kind), ("kiss", Kiss), ("least", Least),
        ("never", Never), ("no", No), ("nor", Nor), ("of", Of), ("or", Or), ("right", Right), ("shit", Shit), ("so", So), ("sort", Sort),
        ("stop", Stop), ("the", The), ("this", This), ("to", To), ("very", Very), ("without", Without), ("yeah", Yeah),
    ]
};

/// What is known of a word.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Entry {
    pub valence: Option<f64>,
    pub degree: Option<f64>,
    pub negates: bool,
    pub mark: Mark,
}

pub(super) struct Lexicon {
    /// A bit for every hash that is known, small enough for the nearest cache: most words end here.
    known: Vec<u64>,
    /// Open addressing: for every place a part of the hash, and one more than the place in `entries`. Small, so that it stays near the processor.
    places: Vec<(u16, u16)>,
    entries: Vec<(&'static str, Entry)>,
    unknown: Entry,
    negated: Entry,
    emoji: HashMap<char, &'static str>,
    /// A bit for every character that is an emoji.
    is_emoji: Vec<u64>,
}

const PLACES: usize = 1 << 15;
const KNOWN: usize = 1 << 17;

/// The place of a hash among the bits, taken from other parts of it than its place in the table.
fn bit(hash: u64) -> usize {
    (hash >> 40) as usize % KNOWN
}

impl Lexicon {
    fn new() -> Self {
        let mut words: BTreeMap<&'static str, Entry> = BTreeMap::new();
        for line in lines(WORDS) {
            let mut parts = line.split(' ');
            let valence = parts.next().and_then(|valence| valence.parse().ok());
            parts.for_each(|word| words.entry(word).or_default().valence = valence);
        }
        for (list, degree) in [(STRENGTHENING, MORE), (WEAKENING, LESS)] {
            list.split(' ').for_each(|word| words.entry(word).or_default().degree = Some(degree));
        }
        NEGATIONS.split(' ').for_each(|word| words.entry(word).or_default().negates = true);
        MARKS.iter().for_each(|(word, mark)| words.entry(word).or_default().mark = *mark);
        words.iter_mut().for_each(|(word, entry)| entry.negates |= word.contains("n't"));
        let emoji = |line: &'static str| {
            let (character, words) = line.split_once(' ')?;
            Some((character.chars().next()?, words))
        };
        let emoji: HashMap<char, &'static str> = lines(EMOJI).filter_map(emoji).collect();
        let mut is_emoji = vec![0; emoji.keys().max().map_or(0, |most| *most as usize / 64 + 1)];
        emoji.keys().for_each(|it| is_emoji[*it as usize / 64] |= 1 << (*it as usize % 64));
        let entries: Vec<(&'static str, Entry)> = words.into_iter().collect();
        let (mut places, mut known) = (vec![(0, 0); PLACES], vec![0; KNOWN / 64]);
        for (at, (word, _)) in entries.iter().enumerate() {
            let hash = key(word.as_bytes(), 0, word.len()).hash;
            known[bit(hash) / 64] |= 1 << (bit(hash) % 64);
            let mut place = hash as usize % PLACES;
            while places[place].1 != 0 {
                place = (place + 1) % PLACES;
            }
            places[place] = ((hash >> 48) as u16, at as u16 + 1);
        }
        let negated = Entry { negates: true, ..Entry::default() };
        Self { known, places, entries, unknown: Entry::default(), negated, emoji, is_emoji }
    }

    /// What is known of a word, whose ASCII letters may be capitals, by its key.
    #[inline]
    pub(super) fn entry(&self, key: &Key, word: &str) -> &Entry {
        let bit = bit(key.hash);
        if self.known[bit / 64] >> (bit % 64) & 1 == 1 {
            let (mut place, own) = (key.hash as usize % PLACES, (key.hash >> 48) as u16);
            while self.places[place].1 != 0 {
                let (known, entry) = &self.entries[usize::from(self.places[place].1) - 1];
                if self.places[place].0 == own && known.eq_ignore_ascii_case(word) {
                    return entry;
                }
                place = (place + 1) % PLACES;
            }
        }
        let negation = |three: &[u8]| three.eq_ignore_ascii_case(b"n't");
        if key.apostrophe && word.as_bytes().windows(3).any(negation) { &self.negated } else { &self.unknown }
    }

    /// The words for an emoji.
    pub(super) fn emoji(&self, character: char) -> Option<&'static str> {
        let bits = self.is_emoji.get(character as usize / 64)?;
        if bits >> (character as usize % 64) & 1 == 0 { None } else { self.emoji.get(&character).copied() }
    }
}

fn lines(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.lines().filter(|line| !line.starts_with('#'))
}
