//! What can go wrong with journeys and templates, when they are saved and when they run.
//!
//! Always holds: the texts name the place in the template and say what to do; they quote what the author of the template wrote,
//! never a value of a person.

/// Why a template was refused or could not be rendered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The product database failed.
    #[error(transparent)]
    Store(#[from] rapport_store::Error),
    /// Somebody else gave a person another arm of an experiment meanwhile.
    #[error("another arm of an experiment holds than the one that was acted on; it is looked at again")]
    Overtaken,
    /// There is no such journey, or none to which this can be done.
    #[error("{0}")]
    Refused(String),
    /// A field is missing, unknown, of the wrong type, or says something impossible.
    #[error("{place}: {problem}")]
    Invalid {
        /// Where, e.g. `content.email.en.blocks[2].button`.
        place: String,
        /// What is wrong there and what is expected.
        problem: String,
    },
    /// A tag of the template cannot be read.
    #[error("{place}, line {line}, column {column}: found {found}; expected {expected}")]
    Syntax {
        /// The field.
        place: String,
        /// In the field, from 1.
        line: usize,
        /// In letters, from 1.
        column: usize,
        /// What stands there.
        found: String,
        /// What could stand there.
        expected: String,
    },
    /// The template is too large to be prepared.
    #[error("{place}: more than {limit} {what}; make it smaller or split it")]
    TooLarge {
        /// The field, or the template.
        place: String,
        /// What is counted, in plural.
        what: &'static str,
        /// The largest number.
        limit: usize,
    },
    /// A value is missing, and the template has no fallback for it.
    #[error("{place}, line {line}, column {column}: `{expression}` has no value; give a fallback: `|default(\"...\")`")]
    Missing {
        /// The field.
        place: String,
        /// In the field, from 1.
        line: usize,
        /// In letters, from 1.
        column: usize,
        /// What the author wrote.
        expression: String,
    },
    /// An expression cannot deal with a value, e.g. a date in words.
    #[error("{place}, line {line}, column {column}: `{expression}` does not fit its value ({problem})")]
    Value {
        /// The field.
        place: String,
        /// In the field, from 1.
        line: usize,
        /// In letters, from 1.
        column: usize,
        /// What the author wrote.
        expression: String,
        /// The kind of mistake.
        problem: String,
    },
    /// Rendering took more than it may.
    #[error("{place}: rendering needs more than {limit} {what}; loop over less, or shorten what is repeated")]
    TooMuch {
        /// The field, or the part of the message.
        place: String,
        /// What is counted, in plural.
        what: &'static str,
        /// The largest number.
        limit: usize,
    },
}

impl Error {
    /// A stable name for the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Overtaken => "journey_overtaken",
            Self::Refused(_) => "journey_refused",
            Self::Invalid { .. } => "template_invalid",
            Self::Syntax { .. } => "template_syntax",
            Self::TooLarge { .. } => "template_too_large",
            Self::Missing { .. } => "template_value_missing",
            Self::Value { .. } => "template_value_unfit",
            Self::TooMuch { .. } => "template_too_much",
        }
    }

    /// Whether the same call can succeed later: only where the database failed or somebody was faster, because nothing but plan, template and data
    /// decides otherwise.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_retryable()) || matches!(self, Self::Overtaken)
    }

    pub(crate) fn too_large(place: impl Into<String>, what: &'static str, limit: usize) -> Self {
        Self::TooLarge { place: place.into(), what, limit }
    }

    pub(crate) fn invalid(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid { place: place.into(), problem: problem.into() }
    }
}
