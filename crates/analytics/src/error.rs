//! What can go wrong with a question.

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The question says something impossible, or says it wrongly.
    #[error("{place}: {problem}")]
    Invalid {
        /// Where in the question, e.g. `steps[1].where`.
        place: String,
        /// What is wrong there and what is expected.
        problem: String,
    },
    /// A condition in the question was refused.
    #[error(transparent)]
    Condition(#[from] rapport_segments::Error),
    /// The lake refused, or the question went past its budget.
    #[error(transparent)]
    Lake(#[from] rapport_lake::Error),
    /// The product database refused.
    #[error("what is known of the persons could not be read: {0}")]
    Store(#[from] rapport_store::Error),
    /// A sum of money is beyond what an amount can be.
    #[error("a sum of money is larger than 9.2 million million; ask for a shorter period")]
    TooMuchMoney,
    /// Nothing was learned of the workspace's items yet.
    #[error("what to offer is not known yet; it is being worked out, so ask again in a minute")]
    NotBuilt,
    /// The plan was refused: the program is wrong.
    #[error("the question could not be planned: {0}")]
    Plan(String),
}

impl Error {
    pub(crate) fn invalid(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid { place: place.into(), problem: problem.into() }
    }

    /// A stable name for the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "question_invalid",
            Self::Condition(error) => error.code(),
            Self::Lake(error) => error.code(),
            Self::Store(_) => "question_store",
            Self::TooMuchMoney => "question_too_much_money",
            Self::NotBuilt => "recommendations_not_ready",
            Self::Plan(_) => "question_not_planned",
        }
    }

    /// Whether the same question can succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Lake(error) => error.is_retryable(),
            Self::Store(error) => error.is_retryable(),
            Self::Condition(error) => error.is_retryable(),
            Self::NotBuilt => true,
            Self::Invalid { .. } | Self::TooMuchMoney | Self::Plan(_) => false,
        }
    }

    /// Whether whoever asked can put it right by asking otherwise.
    pub const fn is_callers(&self) -> bool {
        matches!(
            self,
            Self::Invalid { .. }
                | Self::Condition(_)
                | Self::Lake(
                    rapport_lake::Error::TimeBudget { .. }
                        | rapport_lake::Error::MemoryBudget
                        | rapport_lake::Error::RowBudget { .. }
                        | rapport_lake::Error::TooLarge { .. }
                )
        )
    }
}

impl From<datafusion::error::DataFusionError> for Error {
    fn from(error: datafusion::error::DataFusionError) -> Self {
        Self::Plan(error.strip_backtrace())
    }
}

impl From<arrow::error::ArrowError> for Error {
    fn from(error: arrow::error::ArrowError) -> Self {
        Self::Plan(error.to_string())
    }
}

/// A result of a question.
pub type Result<T> = std::result::Result<T, Error>;
