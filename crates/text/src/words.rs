//! A text cut into words and their stems, the same for themes and for search: "Parcels" and "parcel" are one, Chinese by jieba.
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

    /// The words of a text, in order. With `all` a Chinese word is there with the words that are within it, as a search may ask for either.
    pub fn words(&self, text: &str, all: bool) -> Vec<Word> {
        let mut words = Vec::new();
        let inside = |c: char| c.is_alphanumeric() || matches!(c, '\'' | '’' | '\u{300}'..='\u{36f}');
        let mut start = None;
        for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
            match (inside(c), start) {
                (true, None) => start = Some(at),
                (false, Some(from)) => {
                    self.run(text, from..at, all, &mut words);
                    start = None;
                }
                _ => {}
            }
        }
        words
    }

    /// The words of what stands between signs and blanks.
    fn run(&self, text: &str, range: Range<usize>, all: bool, words: &mut Vec<Word>) {
        let run = &text[range.clone()];
        if run.chars().any(without_blanks) {
            let mut at = range.start;
            let cut = if all { JIEBA.cut_for_search(run, false) } else { JIEBA.cut(run, false) };
            for token in cut {
                // Words within a word come before it; each is looked for from where the last whole one ended.
                let offset = text[at..range.end].find(token.word).map_or(at, |offset| at + offset);
                self.push(offset..offset + token.word.len(), token.word, words);
                if !all {
                    at = offset + token.word.len();
                }
            }
        } else {
            let word = run.trim_matches(['\'', '’']);
            let from = range.start + (run.len() - run.trim_start_matches(['\'', '’']).len());
            self.push(from..from + word.len(), word, words);
        }
    }

    fn push(&self, range: Range<usize>, word: &str, words: &mut Vec<Word>) {
        if word.is_empty() || word.len() > LONGEST {
            return;
        }
        let text = word.replace('’', "'").to_lowercase();
        let stem = self.stem(&text);
        words.push(Word { range, text, stem });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stems(language: &str, text: &str) -> Vec<String> {
        Stems::in_language(Some(language)).words(text, false).into_iter().map(|it| it.stem).collect()
    }

    #[test]
    fn forms_of_a_word_are_one() {
        assert_eq!(stems("en", "Parcels' delivery; delivered parcel"), ["parcel", "deliveri", "deliv", "parcel"]);
        assert_eq!(stems("de", "Lieferungen Lieferung"), ["liefer", "liefer"]);
        assert_eq!(stems("pt", "entregas entrega"), ["entreg", "entreg"]);
        assert_eq!(stems("zh", "质量很好"), ["质量", "很", "好"]);
        assert_eq!(stems("pl", "Paczki"), ["paczki"]);
    }

    #[test]
    fn a_search_finds_words_within_words() {
        let of = |all| Stems(None).words("中华人民共和国成立", all).into_iter().map(|it| it.text).collect::<Vec<_>>();
        assert!(!of(false).contains(&"人民".to_owned()));
        assert!(of(true).contains(&"人民".to_owned()) && of(true).contains(&"中华人民共和国".to_owned()));
    }

    proptest! {
        #[test]
        fn words_stand_where_they_are_said_to(text in r"(?s)(parcel|don't|送餐很快|'|’|[\PC]|\x00| ){0,40}", all: bool) {
            for word in Stems::of(&text).words(&text, all) {
                prop_assert_eq!(text[word.range].replace('’', "'").to_lowercase(), word.text);
            }
        }
    }
}
