//! Qualitative notes: interviews, focus groups, observations and mystery visits, in passages that are coded with the workspace's topics by hand.
//!
//! Always holds: a passage is kept without e-mail addresses, telephone and card numbers; it is linked to a person only where somebody of the staff says how
//! that person agreed to it; erasing the person deletes their passages, and nothing else of the note.
//!
//! Does not do: code by itself. It can be suggested where a passage belongs ([`crate::topics`]); whoever reads it decides.

pub mod records;
pub mod schema;

use serde::{Deserialize, Serialize};

pub use schema::{DATA_MAP, MIGRATIONS};

/// How a note came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// With one person.
    Interview,
    /// With several.
    FocusGroup,
    /// Of what people did.
    Observation,
    /// By somebody who went as a customer.
    MysteryVisit,
    /// Otherwise.
    Other,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Interview, Self::FocusGroup, Self::Observation, Self::MysteryVisit, Self::Other];

    /// The stable word for it, as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Interview => "interview",
            Self::FocusGroup => "focus_group",
            Self::Observation => "observation",
            Self::MysteryVisit => "mystery_visit",
            Self::Other => "other",
        }
    }

    /// From its stable word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}
