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
            Self::Batch(error) => error.code(),
            Self::Stopped => "stopping",
        }
    }

    /// Whether the same may work later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.is_retryable(),
            Self::Damaged { .. } => false,
            Self::Batch(error) => error.is_retryable(),
            Self::Stopped => true,
        }
    }
}
