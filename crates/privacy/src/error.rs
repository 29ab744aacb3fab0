//! What can go wrong when people are protected.
//!
//! Always holds: no text names a person or an identifier of one.

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
        /// Which.
        field: &'static str,
        /// What is wrong and what is expected.
        problem: String,
    },
    /// The data map cannot be followed.
    #[error("the data map is not true: {0}")]
    DataMap(String),
}

impl Error {
    /// A stable name for the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Invalid { .. } => "privacy_invalid",
            Self::DataMap(_) => "privacy_data_map",
        }
    }

    /// Whether the same may work later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_retryable())
    }
}
