//! What can go wrong with a programme, besides a command that is refused ([`crate::ledger::Refusal`]).
//!
//! Always holds: no text names a person.

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The product database failed.
    #[error(transparent)]
    Store(#[from] rapport_store::Error),
    /// What was read back is not what was written: the database was changed by other means.
    #[error("the ledger's records do not fit together at operation {operation}: {what}; run `rapport verify`")]
    Damaged {
        /// Which operation.
        operation: i64,
        /// What does not fit.
        what: &'static str,
    },
    /// A field of a rule or of the programme says something impossible.
    #[error("{place}: {problem}")]
    Invalid {
        /// Where, as a path: `wallets[0].expiry`.
        place: String,
        /// What is wrong there and what is expected.
        problem: String,
    },
    /// There is no such thing.
    #[error("there is no {what} `{key}`")]
    NotFound {
        /// What was looked for.
        what: &'static str,
        /// Under which key.
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
    /// The batch in which it was could not be written down.
    #[error(transparent)]
    Batch(std::sync::Arc<Error>),
    /// The poster was stopped.
    #[error("the server is stopping; send the same again, nothing is done twice")]
    Stopped,
}

impl Error {
    /// A stable name for the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Damaged { .. } => "ledger_damaged",
            Self::Invalid { .. } => "loyalty_invalid",
            Self::NotFound { .. } => "loyalty_not_found",
            Self::Stale { .. } => "loyalty_stale",
            Self::Batch(error) => error.code(),
            Self::Stopped => "stopping",
        }
    }

    /// Whether the same may work later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.is_retryable(),
            Self::Damaged { .. } | Self::Invalid { .. } | Self::NotFound { .. } | Self::Stale { .. } => false,
            Self::Batch(error) => error.is_retryable(),
            Self::Stopped => true,
        }
    }

    pub(crate) fn invalid(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid { place: place.into(), problem: problem.into() }
    }
}
