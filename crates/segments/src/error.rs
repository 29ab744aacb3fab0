//! What can go wrong with a condition.
//!
//! Always holds: the texts name the place in the condition and the limit, and say what to do; they never quote a value that
//! a condition compares with, because that may be personal data.

/// Why a condition was refused or could not be compiled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not JSON.
    #[error("the condition is not JSON: {0}")]
    NotJson(String),
    /// The text form is wrong somewhere.
    #[error("line {line}, column {column}: found {found}, expected {expected}")]
    Text {
        /// From 1.
        line: usize,
        /// In letters, from 1.
        column: usize,
        /// What stands there: a keyword or name, never a value in quotes.
        found: String,
        /// What could stand there.
        expected: String,
    },
    /// A field is missing, unknown, of the wrong type, or says something impossible.
    #[error("{place}: {problem}")]
    Invalid {
        /// Where, e.g. `all[1].performed.times`; `the condition` for its root.
        place: String,
        /// What is wrong there and what is expected.
        problem: String,
    },
    /// Conditions are nested too deeply.
    #[error("the condition is nested too deeply: at most {limit} levels; use `in` or a flat `all` or `any`")]
    TooDeep {
        /// The largest depth.
        limit: usize,
    },
    /// There is too much of something.
    #[error("the condition is too large: at most {limit} {what}; split it into several conditions")]
    TooLarge {
        /// What is counted, in plural.
        what: &'static str,
        /// The largest number.
        limit: usize,
    },
    /// The product database failed.
    #[error(transparent)]
    Store(#[from] rapport_store::Error),
    /// The lake failed.
    #[error(transparent)]
    Lake(#[from] rapport_lake::Error),
    /// The query engine refused the plan: a table lacks a column, or the program is wrong.
    #[error("the condition could not be planned: {0}")]
    Plan(#[from] datafusion::error::DataFusionError),
}

impl Error {
    /// A stable name for the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotJson(_) => "condition_not_json",
            Self::Text { .. } => "condition_text",
            Self::Invalid { .. } => "condition_invalid",
            Self::TooDeep { .. } => "condition_too_deep",
            Self::TooLarge { .. } => "condition_too_large",
            Self::Store(error) => error.code(),
            Self::Lake(error) => error.code(),
            Self::Plan(_) => "condition_not_planned",
        }
    }

    /// Whether the same call can succeed later. A refused condition stays refused.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.is_retryable(),
            Self::Lake(error) => error.is_retryable(),
            _ => false,
        }
    }
}
