//! Personal data in texts, found and put out of sight before anybody sees or exports them.
//!
//! Always holds: numbers that carry a check (cards, IBANs, identity cards, tax numbers) are taken only where it holds; full-width and other digits,
//! and characters that are not seen between them, hide nothing; one pass over the text, whatever it is. It does not find names that it was not
//! given, nor postal addresses.

mod numbers;

use std::collections::HashMap;
use std::ops::Range;

use crate::features::without_blanks;

/// What kind of personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// An e-mail address.
    Email,
    /// The number of an account (ISO 13616), with its check digits right.
    Iban,
    /// The number of a payment card (13 to 19 digits, Luhn's check right).
    Card,
    /// The number of a person's document: China's identity card, Brazil's CPF and CNPJ, Spain's DNI and NIE, the social security number of the USA.
    Document,
    /// A telephone number.
    Phone,
    /// A name that was given.
    Name,
}

impl Kind {
    /// What stands in the place of what was there.
    pub fn placeholder(self) -> &'static str {
        match self {
            Self::Email => "[email]",
            Self::Iban => "[iban]",
            Self::Card => "[card]",
            Self::Document => "[document]",
            Self::Phone => "[phone]",
            Self::Name => "[name]",
        }
    }
}

/// Personal data in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where it stands.
    pub range: Range<usize>,
    /// What it is.
    pub kind: Kind,
}

/// Finds personal data; it knows the names that it was made with.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    /// The words of names by their first word.
    names: HashMap<String, Vec<Vec<String>>>,
}

/// The most words of a name.
const MOST_WORDS: usize = 8;

impl Redactor {
    /// With the names of people (agents, the customer); a name counts where all its words stand in a row, in any case.
    pub fn new<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut redactor = Self::default();
        for name in names {
            let words: Vec<String> = words(name).into_iter().map(|it| it.1).take(MOST_WORDS).collect();
            if let Some(first) = words.first() {
                let same = redactor.names.entry(first.clone()).or_default();
                if !same.contains(&words) {
                    same.push(words);
                }
            }
        }
        redactor
    }

    /// The personal data of a text, in order, never overlapping.
    pub fn find(&self, text: &str) -> Vec<Found> {
        let mut found = emails(text);
        numbers::find(text, &mut found);
        self.find_names(text, &mut found);
        found.sort_by(|a, b| {
            a.range.start.cmp(&b.range.start).then(b.range.end.cmp(&a.range.end)).then(a.kind.cmp(&b.kind))
        });
        let mut apart: Vec<Found> = Vec::with_capacity(found.len());
        for it in found {
            match apart.last_mut() {
                // What overlaps is covered as one, as the weightier of the two kinds.
                Some(last) if it.range.start < last.range.end => {
                    last.range.end = last.range.end.max(it.range.end);
                    last.kind = last.kind.min(it.kind);
                }
                _ => apart.push(it),
            }
        }
        apart
    }

    /// The text with placeholders for personal data.
    pub fn redact(&self, text: &str) -> String {
        let (mut shown, mut at) = (String::with_capacity(text.len()), 0);
        for it in self.find(text) {
            shown.push_str(&text[at..it.range.start]);
            shown.push_str(it.kind.placeholder());
            at = it.range.end;
        }
        shown.push_str(&text[at..]);
        shown
    }

    fn find_names(&self, text: &str, found: &mut Vec<Found>) {
        if self.names.is_empty() {
            return;
        }
        let words = words(text);
        for (at, (range, word)) in words.iter().enumerate() {
            let Some(names) = self.names.get(word) else { continue };
            let stands = |name: &&Vec<String>| {
                name.iter().enumerate().all(|(i, own)| words.get(at + i).is_some_and(|it| it.1 == *own))
            };
            if let Some(longest) = names.iter().filter(stands).map(Vec::len).max() {
                found.push(Found { range: range.start..words[at + longest - 1].0.end, kind: Kind::Name });
            }
        }
    }
}

/// The words of a text in small letters; characters of scripts without blanks each by themselves.
fn words(text: &str) -> Vec<(Range<usize>, String)> {
    let mut words: Vec<(Range<usize>, String)> = Vec::new();
    let mut open = false;
    for (at, c) in text.char_indices().filter(|(_, c)| !unseen(*c)) {
        let single = without_blanks(c);
        let inside = single || c.is_alphanumeric() || matches!(c, '\u{300}'..='\u{36f}');
        if inside {
            if !open || single {
                words.push((at..at, String::new()));
            }
            if let Some((range, word)) = words.last_mut() {
                range.end = at + c.len_utf8();
                word.extend(c.to_lowercase());
            }
        }
        open = inside && !single;
    }
    words
}

/// Characters that are not seen: what has no width, and marks of direction.
fn unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// E-mail addresses: from every "@" what may stand before and after it.
fn emails(text: &str) -> Vec<Found> {
    let local = |c: char| c.is_alphanumeric() || unseen(c) || "!#$%&'*+/=?^_`{|}~.-".contains(c);
    let domain = |c: char| c.is_alphanumeric() || unseen(c) || matches!(c, '.' | '-' | '。' | '．');
    let mut found: Vec<Found> = Vec::new();
    let mut from = 0;
    for (at, sign) in text.char_indices().filter(|(_, c)| matches!(c, '@' | '＠')) {
        let behind = at + sign.len_utf8();
        let before = &text[from..at];
        let start = before.char_indices().rev().take_while(|(_, c)| local(*c)).last().map(|(place, _)| from + place);
        let length: usize = text[behind..].chars().take_while(|c| domain(*c)).map(char::len_utf8).sum();
        let end = behind + text[behind..behind + length].trim_end_matches(|c: char| !c.is_alphanumeric()).len();
        let host = &text[behind..end];
        // In scripts without blanks the sentence runs on into the address: only Latin letters are of it there.
        let start = start
            .map(|start| start + text[start..at].rfind(without_blanks).map_or(0, |last| after(&text[start..at], last)));
        let end = behind + host.find(without_blanks).unwrap_or(host.len());
        let dotted = text[behind..end].split(['.', '。', '．']).filter(|part| !part.is_empty()).count() > 1;
        if let Some(start) = start.filter(|start| dotted && *start < at) {
            found.push(Found { range: start..end, kind: Kind::Email });
        }
        from = behind;
    }
    found
}

fn after(text: &str, at: usize) -> usize {
    at + text[at..].chars().next().map_or(0, char::len_utf8)
}
