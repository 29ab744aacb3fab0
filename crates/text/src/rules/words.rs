//! A text cut into words, each looked up: where most of the time goes, so eight bytes are taken at once.

use super::lexicon::{Entry, LEXICON};

/// A word or an emoticon of the text.
pub(super) struct Word {
    pub start: usize,
    pub end: usize,
    pub entry: &'static Entry,
    pub capitals: bool,
}

/// What is between white space, without the punctuation around it; as it stands where hardly anything would be left (an emoticon).
pub(super) fn words(text: &str) -> Vec<Word> {
    let bytes = text.as_bytes();
    let mut words = Vec::with_capacity(text.len() / 5 + 1);
    let mut at = 0;
    while at < bytes.len() {
        let space = white_space(text, at);
        if space > 0 {
            at += space;
            continue;
        }
        let start = at;
        let mut wide = false;
        while at < bytes.len() && white_space(text, at) == 0 {
            wide |= !bytes[at].is_ascii();
            at += 1;
        }
        words.push(word(text, start, at, wide));
    }
    words
}

/// How many bytes of white space begin here, as Python's `str.split` sees it: with the four separators of ASCII.
fn white_space(text: &str, at: usize) -> usize {
    match text.as_bytes()[at] {
        b' ' | 0x09..=0x0d | 0x1c..=0x1f => 1,
        // What white space beyond ASCII begins with.
        0xc2 | 0xe1 | 0xe2 | 0xe3 => match text[at..].chars().next() {
            Some(character) if character.is_whitespace() => character.len_utf8(),
            _ => 0,
        },
        _ => 0,
    }
}

fn word(text: &str, mut start: usize, mut end: usize, wide: bool) -> Word {
    let token = &text[start..end];
    let left = token.trim_start_matches(punctuation);
    let stripped = left.trim_end_matches(punctuation);
    let long = if wide { stripped.chars().nth(2).is_some() } else { stripped.len() > 2 };
    if long {
        start += token.len() - left.len();
        end = start + stripped.len();
    }
    let word = &text[start..end];
    if wide && !word.is_ascii() {
        let lower = word.to_lowercase();
        let entry = LEXICON.entry(key(lower.as_bytes(), 0, lower.len()).hash, &lower);
        return Word { start, end, entry, capitals: in_capitals(word) };
    }
    let key = key(text.as_bytes(), start, end);
    Word { start, end, entry: LEXICON.entry(key.hash, word), capitals: key.capital && !key.small }
}

fn punctuation(character: char) -> bool {
    character.is_ascii_punctuation()
}

/// As Python's `str.isupper`: at least one capital, and no letter that is small or in title case.
fn in_capitals(word: &str) -> bool {
    let titled = |c: char| {
        matches!(c, '\u{1c5}' | '\u{1c8}' | '\u{1cb}' | '\u{1f2}' | '\u{1f88}'..='\u{1f8f}' | '\u{1f98}'..='\u{1f9f}')
            || matches!(c, '\u{1fa8}'..='\u{1faf}' | '\u{1fbc}' | '\u{1fcc}' | '\u{1ffc}')
    };
    word.chars().any(char::is_uppercase) && !word.chars().any(|c| c.is_lowercase() || titled(c))
}

/// What one pass over a word's bytes tells.
pub(super) struct Key {
    /// Of the word with its ASCII letters made small.
    pub hash: u64,
    capital: bool,
    small: bool,
}

pub(super) fn key(bytes: &[u8], start: usize, end: usize) -> Key {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * ONES;
    let (mut hash, mut capitals, mut smalls) = ((end - start) as u64, 0, 0);
    let mut at = start;
    while at < end {
        let eight = eight(bytes, at, end - at);
        // The high bit of every byte of a letter: sums of seven bits each cannot run into the next byte.
        let low = eight & !HIGH;
        let from = |letter: u8| low + u64::from(0x80 - letter) * ONES;
        let capital = from(b'A') & !from(b'Z' + 1) & !eight & HIGH;
        capitals |= capital;
        smalls |= from(b'a') & !from(b'z' + 1) & !eight & HIGH;
        hash = (hash.rotate_left(23) ^ (eight | (capital >> 2))).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        at += 8;
    }
    Key { hash: hash ^ (hash >> 32), capital: capitals != 0, small: smalls != 0 }
}

/// The next eight bytes, zero beyond `left`.
fn eight(bytes: &[u8], at: usize, left: usize) -> u64 {
    let taken = match bytes.get(at..at + 8) {
        Some(full) => u64::from_le_bytes(full.try_into().unwrap_or_default()),
        None => bytes[at..].iter().rev().fold(0, |sum, byte| (sum << 8) | u64::from(*byte)),
    };
    if left >= 8 { taken } else { taken & ((1 << (8 * left)) - 1) }
}
