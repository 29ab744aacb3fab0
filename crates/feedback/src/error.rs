//! What can go wrong with surveys.
//!
//! Always holds: no text names a person, or quotes what somebody answered.

use crate::survey::{Finding, Refusal};

/// Why something was refused or could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The product database failed.
    #[error(transparent)]
    Store(#[from] rapport_store::Error),
    /// A field is missing, unknown, of the wrong type, or says something impossible.
    #[error("{place}: {problem}")]
    Invalid {
        /// Where, as a path: `pages[0].questions[1].answer`.
        place: String,
        /// What is wrong there and what is expected.
        problem: String,
    },
    /// It cannot be opened so.
    #[error("the survey cannot be opened so; see what was found")]
    Unready(Vec<Finding>),
    /// There is no such thing.
    #[error("there is no {what} `{key}`")]
    NotFound {
        /// What was looked for.
        what: &'static str,
        /// Under which key.
        key: String,
    },
    /// The key is taken.
    #[error("there is a survey `{key}` already; choose another key")]
    Exists {
        /// Which.
        key: String,
    },
    /// Somebody else saved meanwhile.
    #[error("`{key}` was saved by somebody else meanwhile (it is at revision {found}); look at it again, then save")]
    Stale {
        /// Which.
        key: String,
        /// The revision it is at.
        found: i64,
    },
    /// From where it stands it cannot get there.
    #[error("what is {from} cannot be {act}; {instead}")]
    Transition {
        /// Where it stands.
        from: &'static str,
        /// What was asked for.
        act: &'static str,
        /// What can be done instead.
        instead: &'static str,
    },
    /// It takes no answers: not yet, for now, or any more.
    #[error("the survey takes no answers: {0}")]
    NotOpen(&'static str),
    /// The invitation was answered, or another answer of the same origin came before.
    #[error("it was answered already")]
    Answered,
    /// The invitation's time is over.
    #[error("the time to answer is over")]
    Expired,
    /// A follow-up cannot be taken so from where it stands.
    #[error("{0}")]
    Work(&'static str),
    /// Of one customer and rule one follow-up is open at most.
    #[error("a follow-up of this customer and rule is open already: {id}")]
    AlreadyOpen {
        /// Which.
        id: String,
    },
    /// Answers that its questions do not have.
    #[error("{} answers were refused", .0.len())]
    Refused(Vec<Refusal>),
}

impl Error {
    /// A stable name for the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Invalid { .. } => "survey_invalid",
            Self::Unready(_) => "survey_unready",
            Self::NotFound { .. } => "survey_not_found",
            Self::Exists { .. } => "survey_exists",
            Self::Stale { .. } => "survey_stale",
            Self::Transition { .. } => "survey_transition",
            Self::NotOpen(_) => "survey_not_open",
            Self::Answered => "survey_answered",
            Self::Expired => "survey_expired",
            Self::Work(_) => "follow_up_state",
            Self::AlreadyOpen { .. } => "follow_up_open",
            Self::Refused(_) => "answers_refused",
        }
    }

    /// Whether the same may work later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_retryable())
    }

    pub(crate) fn invalid(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid { place: place.into(), problem: problem.into() }
    }
}
