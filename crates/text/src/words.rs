//! A text cut into words and their stems, as themes are made of: "Parcels" and "parcel" are one, Chinese by jieba.
//!
//! Always holds: any text is taken; ranges are of the text; a word longer than 64 bytes is none that anybody means.

use std::ops::Range;
use std::sync::LazyLock;

use frostem::{Algorithm, Stemmer};
use jieba_rs::Jieba;

use crate::features::without_blanks;
use crate::language::language;

static JIEBA: LazyLock<Jieba> = LazyLock::new(Jieba::new);
const LONGEST: usize = 64;

/// A word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Where it stands.
    pub range: Range<usize>,
    /// It in small letters.
    pub text: String,
    /// What it has in common with its other forms.
    pub stem: String,
}

/// Makes words and stems in one language.
pub struct Stems(Option<Stemmer>);

impl Stems {
    /// Of the language of a text, as far as its words have stems that we know.
    pub fn of(text: &str) -> Self {
        Self::in_language(language(text))
    }

    /// Of a language by ISO 639-1; words of others stay as they are.
    pub fn in_language(language: Option<&str>) -> Self {
        let algorithm = match language {
            Some("de") => Algorithm::German,
            Some("en") => Algorithm::English,
            Some("es") => Algorithm::Spanish,
            Some("fr") => Algorithm::French,
            Some("it") => Algorithm::Italian,
            Some("nl") => Algorithm::Dutch,
            Some("pt") => Algorithm::Portuguese,
            _ => return Self(None),
        };
        Self(Some(Stemmer::new(algorithm)))
    }

    /// The stem of a word in small letters.
    pub fn stem(&self, word: &str) -> String {
        match &self.0 {
            Some(stemmer) if !word.chars().any(without_blanks) => stemmer.stem(word).into(),
            _ => word.to_owned(),
        }
    }

    /// The words of a text, in order.
    pub fn words(&self, text: &str) -> Vec<Word> {
        let mut words = Vec::new();
        let mut start = None;
        for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
            match (inside(c), start) {
                (true, None) => start = Some(at),
                (false, Some(from)) => {
                    self.run(text, from..at, &mut words);
                    start = None;
                }
                _ => {}
            }
        }
        words
    }

    /// The words of what stands between signs and blanks.
    fn run(&self, text: &str, range: Range<usize>, words: &mut Vec<Word>) {
        let run = &text[range.clone()];
        if run.chars().any(without_blanks) {
            let mut at = range.start;
            for token in JIEBA.cut(run, false) {
                let offset = text[at..range.end].find(token.word).map_or(at, |offset| at + offset);
                at = offset + token.word.len();
                self.push(offset..at, token.word, words);
            }
        } else {
            let word = run.trim_matches(['\'', '’']);
            let from = range.start + (run.len() - run.trim_start_matches(['\'', '’']).len());
            self.push(from..from + word.len(), word, words);
        }
    }

    fn push(&self, range: Range<usize>, word: &str, words: &mut Vec<Word>) {
        if !is_meant(word) {
            return;
        }
        let text = word.replace('’', "'").to_lowercase();
        let stem = self.stem(&text);
        words.push(Word { range, text, stem });
    }
}

/// Whether a character is a part of a word.
pub(crate) fn inside(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '\'' | '’' | '\u{300}'..='\u{36f}')
}

/// Whether a word is one that somebody means.
pub(crate) fn is_meant(word: &str) -> bool {
    (1..=LONGEST).contains(&word.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stems(language: &str, text: &str) -> Vec<String> {
        Stems::in_language(Some(language)).words(text).into_iter().map(|it| it.stem).collect()
    }

    #[test]
    fn forms_of_a_word_are_one() {
        assert_eq!(stems("en", "Parcels' delivery; delivered parcel"), ["parcel", "deliveri", "deliv", "parcel"]);
        assert_eq!(stems("de", "Lieferungen Lieferung"), ["liefer", "liefer"]);
        assert_eq!(stems("pt", "entregas entrega"), ["entreg", "entreg"]);
        assert_eq!(stems("zh", "质量很好"), ["质量", "很", "好"]);
        assert_eq!(stems("pl", "Paczki"), ["paczki"]);
    }

    proptest! {
        #[test]
        fn words_stand_where_they_are_said_to(text in r"(?s)(parcel|don't|送餐很快|'|’|[\PC]|\x00| ){0,40}") {
            for word in Stems::of(&text).words(&text) {
                prop_assert_eq!(text[word.range].replace('’', "'").to_lowercase(), word.text);
            }
        }
    }
}
