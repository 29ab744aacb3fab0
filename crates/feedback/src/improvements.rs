//! Improvements: what customers write about becomes something that the company changes, and it is seen whether that changed anything.
//!
//! [`service`] keeps who decided what, and when it was changed, each in the caller's transaction; [`effect`] says what became of the theme, of a score, and of those
//! who had written about it, before and after.
//!
//! Always holds: an improvement says by words of its own what it is about, so that texts of later can be counted by the same; what was done is only added to; an
//! effect has its interval, and where there is too little to say anything it says so.
//!
//! Does not do: find themes (`rapport_text::themes`), or say what caused a change.

pub mod effect;
pub mod records;
pub mod schema;
pub mod service;

use std::collections::BTreeSet;

use rapport_text::words::Stems;
use serde::{Deserialize, Serialize};

pub use schema::{DATA_MAP, MIGRATIONS};

/// Where an improvement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Somebody thinks of it.
    Proposed,
    /// It is to be done.
    Decided,
    /// It was done.
    Changed,
    /// It was seen what became of it.
    Measured,
    /// It is not to be done.
    Dropped,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Proposed, Self::Decided, Self::Changed, Self::Measured, Self::Dropped];

    /// The stable word for it, as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Decided => "decided",
            Self::Changed => "changed",
            Self::Measured => "measured",
            Self::Dropped => "dropped",
        }
    }

    /// The state of a stable word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Where it can go from here.
    pub const fn next(self) -> &'static [Self] {
        match self {
            Self::Proposed => &[Self::Decided, Self::Changed, Self::Dropped],
            Self::Decided => &[Self::Changed, Self::Proposed, Self::Dropped],
            Self::Changed => &[Self::Measured, Self::Decided],
            Self::Measured => &[Self::Changed],
            Self::Dropped => &[Self::Proposed],
        }
    }
}

/// What texts are about, by words: a text has the theme when all words of one of the phrases are in it, in any form and order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theme(Vec<String>);

impl Theme {
    /// Of phrases.
    pub fn new(phrases: &[String]) -> Self {
        Self(phrases.to_vec())
    }

    /// Whether a text has it.
    pub fn is_in(&self, text: &str) -> bool {
        let stems = Stems::of(text);
        let of = |text: &str| -> BTreeSet<String> { stems.words(text).into_iter().map(|word| word.stem).collect() };
        let own = of(text);
        let says = |phrase: &String| {
            let words = stems.words(phrase);
            !words.is_empty() && words.iter().all(|word| own.contains(&word.stem))
        };
        self.0.iter().any(says)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_theme_is_met_by_its_words_in_any_form() {
        let theme = Theme::new(&["late parcel".to_owned(), "switch".to_owned(), "物流".to_owned()]);
        for text in ["My parcels came late again", "Late! Where is the parcel?", "The switches are loose", "物流太慢了"]
        {
            assert!(theme.is_in(text), "{text}");
        }
        for text in ["The parcel came soon", "", "Late evening", "!!!"] {
            assert!(!theme.is_in(text), "{text}");
        }
        assert!(!Theme::new(&["!".to_owned(), String::new()]).is_in("anything!"));
    }
}
