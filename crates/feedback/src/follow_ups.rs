//! Follow-ups: somebody said that they are unhappy, so somebody answers them, by a time, and it is known what came of it.
//!
//! [`rules`] say what opens one, [`service`] opens and works on them, each in the caller's transaction; [`figures`] says how well the loop is closed, and
//! [`suggestions`] what helped others who said the like.
//!
//! Always holds: of one person and rule one follow-up at most is open, and what comes then is one more reason of it; what happened to it is only added to,
//! also by taking something back; what was done counts from the log, nobody's memory.
//!
//! Does not do: write to the person, or to the owner.

pub mod deadline;
pub mod figures;
pub mod records;
pub mod rules;
pub mod schema;
pub mod service;
pub mod suggestions;
pub mod work;

use serde::{Deserialize, Serialize};

pub use schema::{DATA_MAP, MIGRATIONS};

/// Where a follow-up stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nobody has begun.
    Open,
    /// Somebody works on it.
    InProgress,
    /// The customer was asked something.
    Waiting,
    /// It is over; its outcome says how.
    Done,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Open, Self::InProgress, Self::Waiting, Self::Done];

    /// The stable word for it, as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::InProgress => "in_progress",
            Self::Waiting => "waiting",
            Self::Done => "done",
        }
    }

    /// The state of a stable word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// What came of a follow-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// They are content again.
    Recovered,
    /// They were spoken with, and are not.
    NotRecovered,
    /// They could not be reached.
    NotReached,
    /// There was nothing to do.
    NoActionNeeded,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Recovered, Self::NotRecovered, Self::NotReached, Self::NoActionNeeded];

    /// The stable word for it, as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recovered => "recovered",
            Self::NotRecovered => "not_recovered",
            Self::NotReached => "not_reached",
            Self::NoActionNeeded => "no_action_needed",
        }
    }

    /// The outcome of a stable word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == word)
    }

    /// Whether it says what somebody answered: then they were spoken with.
    pub const fn needs_contact(self) -> bool {
        matches!(self, Self::Recovered | Self::NotRecovered)
    }
}
