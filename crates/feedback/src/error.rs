//! What can go wrong with surveys.
//!
//! Always holds: no text names a person, or quotes what somebody answered.

/// Why something was refused or could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A field is missing, unknown, of the wrong type, or says something impossible.
    #[error("{place}: {problem}")]
    Invalid {
        /// Where, as a path: `pages[0].questions[1].answer`.
        place: String,
        /// What is wrong there and what is expected.
        problem: String,
    },
}

impl Error {
    /// A stable name for the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "survey_invalid",
        }
    }

    /// Whether the same may work later.
    pub const fn is_retryable(&self) -> bool {
        false
    }

    pub(crate) fn invalid(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid { place: place.into(), problem: problem.into() }
    }
}
