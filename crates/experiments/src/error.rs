//! What can go wrong with experiments.
//!
//! Always holds: no text names a person or an identifier of one.

use crate::refusal::Refusal;

/// Why something was refused or could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The product database failed.
    #[error(transparent)]
    Store(#[from] rapport_store::Error),
    /// A field says something impossible.
    #[error("{field}: {problem}")]
    Invalid {
        /// Which, as a path: `variants[1].weight`.
        field: String,
        /// What is wrong and what is expected.
        problem: Refusal,
    },
    /// What may not change any more.
    #[error("{field}: {problem}")]
    Fixed {
        /// Which.
        field: &'static str,
        /// Why, and what to do instead.
        problem: Refusal,
    },
    /// Places of an exclusion group are taken.
    #[error("places {from} to {to} of the group `{group}` overlap those of `{with}`; free are {free}")]
    Overlap {
        /// The group.
        group: String,
        /// The first place that was wanted.
        from: u32,
        /// The end of what was wanted.
        to: u32,
        /// Who has some of them.
        with: String,
        /// The free ranges, as text.
        free: String,
    },
    /// There is no such thing.
    #[error("there is no {what} `{key}`")]
    NotFound {
        /// What was looked for.
        what: &'static str,
        /// Under which key.
        key: String,
    },
    /// The key is taken.
    #[error("there is an experiment `{key}` already; choose another key")]
    Exists {
        /// Which.
        key: String,
    },
    /// Somebody else saved meanwhile.
    #[error("`{key}` was saved by somebody else meanwhile (it is at version {found}); look at it again, then save")]
    Stale {
        /// Which.
        key: String,
        /// The version it is at.
        found: i64,
    },
    /// From where it stands it cannot get there.
    #[error("{why}")]
    Transition {
        /// Where it stands, and what can be done instead.
        why: Refusal,
    },
}

impl Error {
    /// A stable name for the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Invalid { .. } => "experiment_invalid",
            Self::Fixed { .. } => "experiment_fixed",
            Self::Overlap { .. } => "experiment_overlap",
            Self::NotFound { .. } => "experiment_not_found",
            Self::Exists { .. } => "experiment_exists",
            Self::Stale { .. } => "experiment_stale",
            Self::Transition { .. } => "experiment_transition",
        }
    }

    /// Whether the same may work later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_retryable())
    }

    /// What is wrong with a design, to be said in the reader's language: the field, where it is of one, and why.
    pub fn refusal(&self) -> Option<(Option<&str>, Refusal)> {
        Some(match self {
            Self::Transition { why } => (None, why.clone()),
            Self::Invalid { field, problem } => (Some(field.as_str()), problem.clone()),
            Self::Fixed { field, problem } => (Some(*field), problem.clone()),
            Self::Overlap { group, from, to, with, free } => {
                let params = [
                    ("group", group.clone()),
                    ("from", from.to_string()),
                    ("to", to.to_string()),
                    ("with", with.clone()),
                    ("free", free.clone()),
                ];
                (None, Refusal::new("overlap", params))
            }
            Self::Exists { key } => (None, Refusal::new("exists", [("key", key.clone())])),
            Self::Stale { key, found } => {
                (None, Refusal::new("stale", [("key", key.clone()), ("version", found.to_string())]))
            }
            _ => return None,
        })
    }

    pub(crate) fn invalid<const N: usize>(
        field: impl Into<String>,
        code: &'static str,
        params: [(&'static str, String); N],
    ) -> Self {
        Self::Invalid { field: field.into(), problem: Refusal::new(code, params) }
    }
}
