//! Texts as sparse vectors: n-grams of words and of the characters within words, weighted by how rare they are (tf-idf).
//!
//! Always holds: any language (scripts without blanks between words are taken by character); n-grams are kept as 64-bit hashes, so a vocabulary holds
//! no words of those who wrote; its size is bounded, and only the first `MOST_BYTES` of a text are looked at.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

use serde::{Deserialize, Serialize};

/// What is looked at of a text.
pub const MOST_BYTES: usize = 32_768;
/// How many different n-grams are counted at once; beyond, those met once so far are forgotten.
const MOST_COUNTED: usize = 4_000_000;

/// Which n-grams are taken.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Grams {
    /// The most words in a row.
    pub words: usize,
    /// The fewest and the most characters in a row, within a word with its edges; none if the most is 0.
    pub characters: (usize, usize),
    /// How much the characters weigh beside the words.
    pub weight: f32,
    /// In how many texts an n-gram must be.
    pub least_texts: u32,
    /// How many n-grams are kept: those of the most texts.
    pub most: usize,
}

/// An n-gram of a text.
struct Gram {
    hash: u64,
    of_words: bool,
    range: Range<usize>,
}

/// A word, a run of signs, or a character of a script without blanks.
struct Token {
    range: Range<usize>,
    hash: u64,
    single: bool,
    /// Where its characters are among all.
    characters: Range<usize>,
}

/// A text in small letters, each with its place.
struct Letters {
    letters: Vec<char>,
    places: Vec<usize>,
    tokens: Vec<Token>,
}

#[derive(PartialEq, Clone, Copy)]
enum Kind {
    Blank,
    Letter,
    Single,
    Sign,
}

/// Scripts that put no blanks between words: Han, kana, Thai, Lao, Burmese, Khmer.
pub(crate) fn without_blanks(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{2fdf}' | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}')
        || matches!(c, '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' | '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}')
}

fn kind(c: char) -> Kind {
    match c {
        'a'..='z' | '0'..='9' | 'A'..='Z' => Kind::Letter,
        _ if c.is_whitespace() || c.is_control() => Kind::Blank,
        _ if without_blanks(c) => Kind::Single,
        _ if c.is_alphanumeric() || matches!(c, '\u{300}'..='\u{36f}') => Kind::Letter,
        _ => Kind::Sign,
    }
}

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

fn mixed(hash: u64, value: u64) -> u64 {
    let mixed = (hash.rotate_left(23) ^ value).wrapping_mul(SEED);
    mixed ^ (mixed >> 29)
}

/// Spreads a hash over all bits.
fn spread(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

/// A hash of bytes that is the same on every machine.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    spread(bytes.iter().fold(bytes.len() as u64, |hash, byte| mixed(hash, u64::from(*byte))))
}

impl Letters {
    fn of(text: &str) -> Self {
        let end = text.floor_char_boundary(MOST_BYTES);
        let mut found =
            Self { letters: Vec::with_capacity(end), places: Vec::with_capacity(end + 1), tokens: Vec::new() };
        let mut before = Kind::Blank;
        let mut characters = text[..end].char_indices().peekable();
        while let Some((at, c)) = characters.next() {
            // An apostrophe within a word belongs to it.
            let inner = matches!(c, '\'' | '’') && before == Kind::Letter;
            let inner = inner && characters.peek().is_some_and(|(_, next)| kind(*next) == Kind::Letter);
            let own = if inner { Kind::Letter } else { kind(c) };
            let end = at + c.len_utf8();
            if own != Kind::Blank {
                let first = found.letters.len();
                if c.is_ascii() {
                    found.letters.push(c.to_ascii_lowercase());
                } else {
                    found.letters.extend(if c == '’' { '\''.to_lowercase() } else { c.to_lowercase() });
                }
                found.places.resize(found.letters.len(), at);
                if own != before || own == Kind::Single {
                    let characters = first..first;
                    found.tokens.push(Token { range: at..at, hash: 0, single: own == Kind::Single, characters });
                }
                if let Some(token) = found.tokens.last_mut() {
                    found.letters[first..].iter().for_each(|c| token.hash = mixed(token.hash, u64::from(*c as u32)));
                    token.range.end = end;
                    token.characters.end = found.letters.len();
                }
            }
            before = own;
        }
        found.places.push(end);
        found
    }

    fn grams(&self, grams: &Grams, mut take: impl FnMut(Gram)) {
        for (at, token) in self.tokens.iter().enumerate() {
            let mut hash = 1;
            // Characters that are words by themselves go further: four make what two words say.
            let most = grams.words + if token.single { 2 } else { 0 };
            for last in self.tokens[at..].iter().take(most) {
                hash = mixed(hash, last.hash);
                take(Gram { hash: spread(hash), of_words: true, range: token.range.start..last.range.end });
            }
            if grams.characters.1 > 0 && !token.single {
                self.inside(token, grams.characters, &mut take);
            }
        }
    }

    /// The n-grams of a word's characters, with an edge on both sides.
    fn inside(&self, token: &Token, (least, most): (usize, usize), take: &mut impl FnMut(Gram)) {
        let own = &self.letters[token.characters.clone()];
        let padded = own.len() + 2;
        let letter = |at: usize| if at == 0 || at == padded - 1 { ' ' } else { own[at - 1] };
        for from in 0..padded {
            let mut hash = 2;
            for at in from..padded.min(from + most) {
                hash = mixed(hash, u64::from(letter(at) as u32));
                if at + 1 - from >= least {
                    let start = token.characters.start + from.saturating_sub(1);
                    let end = (token.characters.start + at).min(token.characters.end);
                    take(Gram { hash: spread(hash), of_words: false, range: self.places[start]..self.places[end] });
                }
            }
        }
    }
}

/// How long a vector is.
const SCALE: f32 = 1.4;

/// Hashes that are spread already.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {}
    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// A text's vector, the places of its known n-grams, and its words.
pub(crate) struct Spans {
    pub vector: Sparse,
    pub spans: Vec<(u32, Range<usize>)>,
    pub tokens: Vec<Range<usize>>,
}

/// The n-grams that were met often enough, and how rare each is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Vocabulary {
    grams: Grams,
    /// Sorted.
    hashes: Vec<u64>,
    rarity: Vec<f32>,
    /// For the first bits of a hash, where its like begins.
    starts: Vec<u32>,
    shift: u32,
}

/// A sparse vector: places in order, each once, and what stands there.
pub(crate) type Sparse = Vec<(u32, f32)>;

impl Vocabulary {
    /// Learns the n-grams of texts.
    pub fn learn<'t>(texts: impl Iterator<Item = &'t str>, grams: Grams) -> Self {
        let mut counts: HashMap<u64, (u32, u32), BuildHasherDefault<AsItIs>> = HashMap::default();
        let mut seen = 0;
        for text in texts {
            seen += 1;
            Letters::of(text).grams(&grams, |gram| {
                let count = counts.entry(gram.hash).or_default();
                if count.1 != seen {
                    *count = (count.0 + 1, seen);
                }
            });
            if counts.len() > MOST_COUNTED {
                counts.retain(|_, (texts, _)| *texts > 1);
            }
        }
        let mut kept: Vec<(u32, u64)> = counts
            .into_iter()
            .filter(|(_, (texts, _))| *texts >= grams.least_texts)
            .map(|(hash, it)| (it.0, hash))
            .collect();
        kept.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        kept.truncate(grams.most);
        kept.sort_unstable_by_key(|it| it.1);
        let rarity = |texts: u32| libm::log(f64::from(1 + seen) / f64::from(1 + texts)) as f32 + 1.0;
        let bits = usize::BITS - kept.len().leading_zeros();
        let shift = 63 - bits.min(30);
        let mut starts = vec![0u32; (u64::MAX >> shift) as usize + 2];
        kept.iter().for_each(|(_, hash)| starts[(hash >> shift) as usize + 1] += 1);
        (1..starts.len()).for_each(|at| starts[at] += starts[at - 1]);
        let (rarity, hashes) = kept.into_iter().map(|(texts, hash)| (rarity(texts), hash)).unzip();
        Self { grams, hashes, rarity, starts, shift }
    }

    /// How many n-grams it knows.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Whether it knows none.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    fn place(&self, hash: u64) -> Option<usize> {
        let first = (hash >> self.shift) as usize;
        let (from, to) = (*self.starts.get(first)? as usize, *self.starts.get(first + 1)? as usize);
        self.hashes.get(from..to)?.iter().position(|known| *known == hash).map(|at| from + at)
    }

    /// The vector of a text, as long as all others, or empty where nothing is known.
    pub(crate) fn vector(&self, text: &str) -> Sparse {
        self.weighed(&Letters::of(text), |_, _| ())
    }

    /// The vector of a text, and where in it what stands.
    pub(crate) fn spans(&self, text: &str) -> Spans {
        let (letters, mut spans) = (Letters::of(text), Vec::new());
        let vector = self.weighed(&letters, |place, range| spans.push((place, range)));
        Spans { vector, spans, tokens: letters.tokens.into_iter().map(|token| token.range).collect() }
    }

    fn weighed(&self, letters: &Letters, mut met: impl FnMut(u32, Range<usize>)) -> Sparse {
        let mut found: Vec<(u32, bool)> = Vec::new();
        letters.grams(&self.grams, |gram| {
            if let Some(place) = self.place(gram.hash) {
                met(place as u32, gram.range);
                found.push((place as u32, gram.of_words));
            }
        });
        found.sort_unstable();
        let mut vector = Sparse::with_capacity(found.len());
        let mut of_words = Vec::with_capacity(found.len());
        for same in found.chunk_by(|a, b| a.0 == b.0) {
            let times = if same.len() == 1 { 1.0 } else { 1.0 + libm::logf(same.len() as f32) };
            vector.push((same[0].0, times * self.rarity[same[0].0 as usize]));
            of_words.push(same[0].1);
        }
        let weights = [self.grams.weight, 1.0];
        vector.iter_mut().zip(&of_words).for_each(|((_, value), words)| *value *= weights[usize::from(*words)]);
        let length = vector.iter().map(|(_, value)| value * value).sum::<f32>().sqrt();
        let scale = if length > 0.0 { SCALE / length } else { 0.0 };
        vector.iter_mut().for_each(|(_, value)| *value *= scale);
        vector
    }
}
