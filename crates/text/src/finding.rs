//! What a text can be found by: the stems of its words without case and accents, and where nothing stands between words (Chinese, Japanese, Thai)
//! every character and every two in a row, so that whatever stands there is found however it would be cut into words.
//!
//! Always holds: a word of a text is among the forms of itself; whatever runs of characters stand in a text are found in it, in their order.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::features::without_blanks;
use crate::words::{Stems, inside, is_meant};

/// The languages whose words have stems.
pub const STEMMED: [&str; 7] = ["de", "en", "es", "fr", "it", "nl", "pt"];

/// Something that a text can be found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// What it is found by.
    pub text: String,
    /// Where it stands: the next word one further, a character one further.
    pub position: usize,
}

/// A part of a text between blanks and signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'t> {
    /// A word.
    Word(&'t str),
    /// Characters between which no blanks are written.
    Run(&'t str),
}

/// The words and runs of a text, in order.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut start: Option<(usize, bool)> = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        let now = inside(c).then(|| without_blanks(c));
        if let Some((from, run)) = start
            && now != Some(run)
        {
            let piece = &text[from..at];
            if run {
                pieces.push(Piece::Run(piece));
            } else {
                let word = piece.trim_matches(['\'', '’']);
                pieces.extend(is_meant(word).then_some(Piece::Word(word)));
            }
            start = None;
        }
        if start.is_none() {
            start = now.map(|run| (at, run));
        }
    }
    pieces
}

/// What a text in a language (ISO 639-1) can be found by.
pub fn terms(text: &str, language: Option<&str>) -> Vec<Term> {
    let stems = Stems::in_language(language);
    let mut terms = Vec::new();
    let mut position = 0;
    for piece in pieces(text) {
        match piece {
            Piece::Word(word) => {
                let [text, plain] = stems_of(&stems, word);
                let other = (text != plain).then_some(Term { text: plain, position });
                terms.push(Term { text, position });
                terms.extend(other);
                position += 1;
            }
            Piece::Run(run) => {
                let folded: Vec<char> = fold(run).chars().collect();
                for at in 0..folded.len() {
                    terms.push(Term { text: folded[at].to_string(), position: position + at });
                    if let Some(two) = folded.get(at..at + 2) {
                        terms.push(Term { text: two.iter().collect(), position: position + at });
                    }
                }
                // What is written apart is not found as one.
                position += folded.len() + 1;
            }
        }
    }
    terms
}

/// What a word can stand as in texts of any language.
pub fn forms(word: &str) -> BTreeSet<String> {
    let languages = STEMMED.iter().map(|language| Some(*language)).chain([None]);
    languages.flat_map(|language| stems_of(&Stems::in_language(language), word)).collect()
}

/// What a run is found by: its pairs of characters, or the one that it is, and how far each stands from its beginning.
pub fn run_terms(run: &str) -> Vec<Term> {
    let folded: Vec<char> = fold(run).chars().collect();
    if folded.len() < 2 {
        return folded.iter().map(|c| Term { text: c.to_string(), position: 0 }).collect();
    }
    let pair = |(position, two): (usize, &[char])| Term { text: two.iter().collect(), position };
    folded.windows(2).enumerate().map(pair).collect()
}

/// Stems are made of words with their accents, as languages have them; whoever searches may leave them out, and then the same must come of it.
pub fn stems_of(stems: &Stems, word: &str) -> [String; 2] {
    let lower = word.replace('’', "'").to_lowercase();
    [fold(&stems.stem(&lower)), fold(&stems.stem(&fold(&lower)))]
}

/// Small letters without accents.
pub fn fold(text: &str) -> String {
    text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(text: &str, language: &str) -> Vec<String> {
        terms(text, Some(language)).into_iter().map(|it| it.text).collect()
    }

    #[test]
    fn words_are_found_in_any_form_and_without_accents() {
        assert_eq!(found("Parcels' delivery", "en"), ["parcel", "deliveri"]);
        for (word, text, language) in [
            ("parcels", "my parcel", "en"),
            ("pessimo", "Péssimo!", "pt"),
            ("avaliações", "avaliação", "pt"),
            ("AVALIACAO", "a avaliação", "pt"),
            ("Lieferung", "lieferungen", "de"),
            ("strasse", "STRASSE", "de"),
        ] {
            assert!(found(text, language).iter().any(|it| forms(word).contains(it)), "{word} in {text}");
        }
        assert!(!forms("parcel").contains("parcour"));
    }

    #[test]
    fn what_is_written_without_blanks_is_found_however_it_is_cut() {
        assert_eq!(found("好 吃", "zh"), ["好", "吃"]);
        let of = terms("iPhone手机壳很好", Some("zh"));
        let at = |text: &str| of.iter().find(|it| it.text == text).map(|it| it.position);
        assert_eq!((at("iphone"), at("手机"), at("机壳"), at("很好")), (Some(0), Some(1), Some(2), Some(4)));
        assert_eq!(run_terms("很好"), [Term { text: "很好".into(), position: 0 }]);
        assert_eq!(run_terms("好").len(), 1);
        // Apart is not together.
        assert_eq!(terms("不，好", Some("zh"))[1].position, 2);
    }

    proptest! {
        #[test]
        fn every_piece_is_found_where_it_stands(text in r"(?s)(parcel|don't|送餐很快|'|’|[\PC]|\x00|é| ){0,40}", language in 0..7_usize) {
            let of = terms(&text, Some(STEMMED[language]));
            for piece in pieces(&text) {
                match piece {
                    Piece::Word(word) => {
                        let forms = forms(word);
                        prop_assert!(of.iter().any(|it| forms.contains(&it.text)), "{word}");
                    }
                    Piece::Run(run) => {
                        let wanted = run_terms(run);
                        let stands = |from: usize| {
                            wanted.iter().all(|it| of.iter().any(|own| own.text == it.text && own.position == from + it.position))
                        };
                        prop_assert!(wanted.is_empty() || of.iter().any(|it| stands(it.position)), "{run}");
                    }
                }
            }
        }
    }
}
