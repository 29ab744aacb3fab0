//! Reviews of products: how far one can be believed, and what they say together.
//!
//! A review comes as an event ("Product Reviewed": the shop's own form, an import, the API), is noted in the transaction that applies it, and judged soon
//! after by what its writer did ([`authenticity`]).
//!
//! Always holds: what a review looks like never takes it away. It may wait in a queue for somebody to look, with reasons that can be read; every average
//! can be had with those that wait and without them; what staff decided is not decided again by a rule.
//!
//! Does not: read words for lies. Behaviour tells far more than wording does (Mukherjee, Venkataraman, Liu, Glance, "What Yelp fake review filter might
//! be doing?", ICWSM 2013), and Rapport knows orders, deliveries and devices.

pub mod authenticity;
pub mod records;
pub mod schema;
pub mod standing;

use serde::{Deserialize, Serialize};

pub use schema::{DATA_MAP, MIGRATIONS};

/// What becomes of a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nobody has looked at it.
    New,
    /// Everybody may see it.
    Shown,
    /// It waits for somebody of the staff to look.
    Waiting,
    /// Somebody of the staff does not show it, and said why.
    Hidden,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::New, Self::Shown, Self::Waiting, Self::Hidden];

    /// The stable word for it, as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Shown => "shown",
            Self::Waiting => "waiting",
            Self::Hidden => "hidden",
        }
    }

    /// The state of a stable word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}
