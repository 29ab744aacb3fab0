//! How far a file has been read: what a progress bar needs.

use serde::{Deserialize, Serialize};

/// Rows between two reports.
pub const ROWS_BETWEEN: u64 = 10_000;

/// How far a file has been read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The file's name.
    pub file: String,
    /// Rows read of it.
    pub rows_read: u64,
    /// Bytes read of it, on disk (compressed); 0 for Parquet.
    pub bytes_read: u64,
    /// Its size on disk.
    pub bytes_total: u64,
}
