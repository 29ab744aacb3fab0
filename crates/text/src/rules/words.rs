//! A text cut into words, each looked up: where most of the time goes, so eight bytes are taken at once.

use super::lexicon::{Entry, LEXICON, Lexicon};

/// A word or an emoticon of the text.
pub(super) struct Word {
    pub start: usize,
    pub end: usize,
    pub entry: &'static Entry,
    pub capitals: bool,
}

/// What is between white space, without the punctuation around it; as it stands where hardly anything would be left (an emoticon).
pub(super) fn words(text: &str) -> Vec<Word> {
    let (bytes, lexicon) = (text.as_bytes(), &*LEXICON);
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
        loop {
            at = plain_until(bytes, at);
            if at == bytes.len() || white_space(text, at) > 0 {
                break;
            }
            wide |= !bytes[at].is_ascii();
            at += 1;
        }
        words.push(word(lexicon, text, start, at, wide));
    }
    words
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x80 * ONES;

/// The first byte from `at` on that is no visible ASCII character, or the end.
#[inline]
fn plain_until(bytes: &[u8], mut at: usize) -> usize {
    while let Some(full) = bytes.get(at..at + 8) {
        let eight = u64::from_le_bytes(full.try_into().unwrap_or_default());
        // The lowest high bit is exact; a borrow can only set others above it.
        let found = (eight.wrapping_sub(0x21 * ONES) | eight) & HIGH;
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    bytes[at..].iter().position(|byte| !(0x21..0x80).contains(byte)).map_or(bytes.len(), |further| at + further)
}

static PUNCTUATION: [bool; 256] = {
    let mut table = [false; 256];
    let mut at = 0;
    while at < 256 {
        table[at] = (at as u8).is_ascii_punctuation();
        at += 1;
    }
    table
};

/// The bytes that white space begins with.
static MAY_BE_SPACE: [bool; 256] = {
    let mut table = [false; 256];
    let mut at = 0;
    while at < 256 {
        table[at] = matches!(at as u8, b' ' | 0x09..=0x0d | 0x1c..=0x1f | 0xc2 | 0xe1 | 0xe2 | 0xe3);
        at += 1;
    }
    table
};

/// How many bytes of white space begin here, as Python's `str.split` sees it: with the four separators of ASCII.
fn white_space(text: &str, at: usize) -> usize {
    let byte = text.as_bytes()[at];
    if !MAY_BE_SPACE[usize::from(byte)] || byte.is_ascii() {
        return usize::from(MAY_BE_SPACE[usize::from(byte)]);
    }
    let first = text.get(at..).and_then(|rest| rest.chars().next());
    first.filter(|it| it.is_whitespace()).map_or(0, char::len_utf8)
}

fn word(lexicon: &'static Lexicon, text: &str, from: usize, to: usize, wide: bool) -> Word {
    let bytes = text.as_bytes();
    let (mut start, mut end) = (from, to);
    while start < end && PUNCTUATION[usize::from(bytes[start])] {
        start += 1;
    }
    while end > start && PUNCTUATION[usize::from(bytes[end - 1])] {
        end -= 1;
    }
    let long = if wide { text[start..end].chars().nth(2).is_some() } else { end - start > 2 };
    if !long {
        (start, end) = (from, to);
    }
    let word = &text[start..end];
    if wide && !word.is_ascii() {
        let lower = word.to_lowercase();
        let entry = lexicon.entry(&key(lower.as_bytes(), 0, lower.len()), &lower);
        return Word { start, end, entry, capitals: in_capitals(word) };
    }
    let key = key(bytes, start, end);
    Word { start, end, entry: lexicon.entry(&key, word), capitals: key.capital && !key.small }
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
    pub apostrophe: bool,
    capital: bool,
    small: bool,
}

#[inline]
pub(super) fn key(bytes: &[u8], start: usize, end: usize) -> Key {
    let (mut hash, mut capitals, mut smalls, mut apostrophes) = ((end - start) as u64, 0, 0, 0);
    let mut at = start;
    while at < end {
        let eight = eight(bytes, at, end - at);
        // The high bit of every byte of a letter: sums of seven bits each cannot run into the next byte.
        let low = eight & !HIGH;
        let from = |letter: u8| low + u64::from(0x80 - letter) * ONES;
        let capital = from(b'A') & !from(b'Z' + 1) & !eight & HIGH;
        capitals |= capital;
        smalls |= from(b'a') & !from(b'z' + 1) & !eight & HIGH;
        apostrophes |= from(b'\'') & !from(b'\'' + 1) & !eight & HIGH;
        hash = (hash.rotate_left(23) ^ (eight | (capital >> 2))).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        at += 8;
    }
    Key { hash: hash ^ (hash >> 32), apostrophe: apostrophes != 0, capital: capitals != 0, small: smalls != 0 }
}

/// The next eight bytes, zero beyond `left`.
fn eight(bytes: &[u8], at: usize, left: usize) -> u64 {
    let taken = match bytes.get(at..at + 8) {
        Some(full) => u64::from_le_bytes(full.try_into().unwrap_or_default()),
        None => bytes[at..].iter().rev().fold(0, |sum, byte| (sum << 8) | u64::from(*byte)),
    };
    if left >= 8 { taken } else { taken & ((1 << (8 * left)) - 1) }
}
