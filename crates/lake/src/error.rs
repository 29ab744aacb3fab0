//! What can go wrong in the lake.

/// An error of the lake.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The product database refused.
    #[error("the catalog of the lake could not be read or written: {0}")]
    Store(#[from] rapport_store::Error),
    /// A file or the object store refused.
    #[error(
        "the files of the lake could not be read or written ({0}); check the disk's space and rights, or the object store"
    )]
    Files(String),
    /// The query engine refused: a wrong plan, or damaged files.
    #[error("the query engine failed: {0}")]
    Engine(String),
    /// More hot rows than memory was given for; a flush makes room.
    #[error("hot rows fill their {limit} bytes; flush, then append again")]
    HotRowsFull {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The question ran longer than it may.
    #[error("the question took longer than {seconds} s; ask for a shorter period")]
    TimeBudget {
        /// The limit.
        seconds: u64,
    },
    /// The question needs more memory than it may.
    #[error("the question needs more memory than it may have; ask for a shorter period or fewer groups")]
    MemoryBudget,
    /// The answer has more rows than it may.
    #[error("the answer has more than {rows} rows; ask for fewer groups")]
    RowBudget {
        /// The limit.
        rows: usize,
    },
    /// The plan is larger or deeper than the planner may be given.
    #[error("the question is too large: {nodes} parts, {depth} deep")]
    TooLarge {
        /// Parts counted, up to the limit.
        nodes: usize,
        /// Levels counted, up to the limit.
        depth: usize,
    },
    /// What is stored cannot be: a damaged catalog or a program older than its data.
    #[error("the catalog of the lake is damaged: {0}")]
    Damaged(String),
}

impl Error {
    /// A stable code for logs and answers.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Store(_) => "lake_store",
            Self::Files(_) => "lake_files",
            Self::Engine(_) => "lake_engine",
            Self::HotRowsFull { .. } => "lake_hot_rows_full",
            Self::TimeBudget { .. } => "question_time_budget",
            Self::MemoryBudget => "question_memory_budget",
            Self::RowBudget { .. } => "question_row_budget",
            Self::TooLarge { .. } => "question_too_large",
            Self::Damaged(_) => "lake_damaged",
        }
    }

    /// Whether the same call can succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.is_retryable(),
            Self::Files(_) | Self::HotRowsFull { .. } | Self::MemoryBudget => true,
            Self::Engine(_)
            | Self::TimeBudget { .. }
            | Self::RowBudget { .. }
            | Self::TooLarge { .. }
            | Self::Damaged(_) => false,
        }
    }

    pub(crate) fn files(error: impl std::fmt::Display) -> Self {
        Self::Files(error.to_string())
    }
}

impl From<datafusion::error::DataFusionError> for Error {
    fn from(error: datafusion::error::DataFusionError) -> Self {
        use datafusion::error::DataFusionError;
        match error.find_root() {
            DataFusionError::ResourcesExhausted(_) => Self::MemoryBudget,
            _ => Self::Engine(error.strip_backtrace()),
        }
    }
}

impl From<arrow::error::ArrowError> for Error {
    fn from(error: arrow::error::ArrowError) -> Self {
        Self::Engine(error.to_string())
    }
}

impl From<parquet::errors::ParquetError> for Error {
    fn from(error: parquet::errors::ParquetError) -> Self {
        Self::Files(error.to_string())
    }
}

/// A result of the lake.
pub type Result<T> = std::result::Result<T, Error>;
