//! What can go wrong with an import as a whole. A row that cannot be taken is no error: it is a [`crate::Reject`].
//!
//! Always holds: the text says what to do, and holds no value out of the file.

use std::io;

/// Why an import cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be opened or read.
    #[error("{file} cannot be read: {source}. Check that it exists and that this user may read it.")]
    Unreadable {
        /// The file's name.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// The file holds no rows and columns.
    #[error("{file} is no table: it looks like {looks_like}. {advice}")]
    NoTable {
        /// The file's name.
        file: String,
        /// What it seems to be instead.
        looks_like: String,
        /// What to do.
        advice: String,
    },
    /// A Parquet file that is damaged or uses a compression that is not built in.
    #[error("{file} cannot be read as Parquet: {reason}. Write it again with snappy or zstd compression, or as CSV.")]
    Parquet {
        /// The file's name.
        file: String,
        /// What the reader said.
        reason: String,
    },
    /// The mapping contradicts itself or the file.
    #[error("the mapping does not fit: {0}")]
    Mapping(String),
    /// The temporary file for sorting lines into orders cannot be written.
    #[error("the temporary folder cannot be written: {0}. Free some space, or set TMPDIR to a folder that has some.")]
    Spill(#[source] io::Error),
    /// No file was named.
    #[error("no file to import: name at least one")]
    NoFiles,
}

impl Error {
    /// A stable word for the error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "file_unreadable",
            Self::NoTable { .. } => "file_no_table",
            Self::Parquet { .. } => "file_parquet",
            Self::Mapping(_) => "mapping_invalid",
            Self::Spill(_) => "spill_failed",
            Self::NoFiles => "no_files",
        }
    }

    /// Whether the same call can succeed later without another input.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Unreadable { .. } | Self::Spill(_))
    }
}
