//! The ideas box: what customers propose, how many want it, and what becomes of it.
//!
//! Always holds: each person, and each browser of whom nobody knows whose it is, has one vote for an idea; ideas that are one are merged with their votes;
//! what staff said of one stays with it; of whoever is forgotten the words go, and the idea stays as a number of votes.
//!
//! Does not do: decide what is alike by itself. It says what looks alike ([`likeness`]), and people say whether it is.

pub mod records;
pub mod schema;

use std::collections::BTreeSet;

use rapport_text::finding::{Piece, forms, pieces, run_terms};
use rapport_text::similar::Shingles;
use serde::{Deserialize, Serialize};

use crate::survey::Words;

pub use schema::{DATA_MAP, MIGRATIONS};

/// From this likeness on an idea may be another one in other words.
pub const ALIKE: f64 = 0.4;

/// What becomes of an idea.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nobody of the staff has seen it; nobody else sees it.
    New,
    /// Everybody sees it and can vote.
    Open,
    /// It will be done.
    Planned,
    /// It is done.
    Done,
    /// It will not be done.
    Declined,
    /// It is no idea; nobody sees it.
    Hidden,
    /// It is another one in other words.
    Merged,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::New, Self::Open, Self::Planned, Self::Done, Self::Declined, Self::Hidden, Self::Merged];

    /// The stable word for it, as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Open => "open",
            Self::Planned => "planned",
            Self::Done => "done",
            Self::Declined => "declined",
            Self::Hidden => "hidden",
            Self::Merged => "merged",
        }
    }

    /// From its stable word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether everybody sees it.
    pub const fn is_seen(self) -> bool {
        matches!(self, Self::Open | Self::Planned | Self::Done | Self::Declined)
    }

    /// Whether it can be voted for.
    pub const fn takes_votes(self) -> bool {
        matches!(self, Self::Open | Self::Planned)
    }
}

/// The box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Whether its page is there.
    pub is_open: bool,
    /// Whether somebody of the staff looks at an idea before everybody sees it.
    pub is_moderated: bool,
    /// What stands above it, by language.
    pub text: Words,
}

impl Default for Settings {
    fn default() -> Self {
        Self { is_open: false, is_moderated: true, text: Words::default() }
    }
}

/// How alike two ideas are, 0 to 1: by the words that they have in common in any form, or by runs of letters, whichever says more.
pub fn likeness(one: &str, other: &str) -> f64 {
    let (a, b) = (words(one), words(other));
    let both = a.iter().filter(|it| b.iter().any(|other| !it.is_disjoint(other))).count();
    let either = a.len() + b.len() - both;
    let by_words = if either > 0 { both as f64 / either as f64 } else { 0.0 };
    by_words.max(Shingles::of(one).similarity(&Shingles::of(other)))
}

/// Of each word what it can stand as: a title is too short to say in which language it is.
fn words(text: &str) -> BTreeSet<BTreeSet<String>> {
    let of = |piece: Piece<'_>| match piece {
        Piece::Word(word) => vec![forms(word)],
        Piece::Run(run) => run_terms(run).into_iter().map(|it| BTreeSet::from([it.text])).collect(),
    };
    pieces(text).into_iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_in_other_words_looks_alike() {
        let alike = |a: &str, b: &str| likeness(a, b) >= ALIKE;
        assert!(alike("Please offer gift wrapping", "Gift wrapping, please"));
        assert!(alike("A filter for colours", "Filter by colours"));
        assert!(alike("A filter for colours in the shop", "Filters by colour in your shop"));
        assert!(alike("希望支持礼品包装", "请支持礼品包装"));
        assert!(!alike("Please offer gift wrapping", "A filter for colours in the shop"));
        assert!(!alike("", "") && likeness("Same", "same") > 0.99);
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(state));
        }
    }
}
