//! How much of its database the writer keeps in memory.
//!
//! Handles and persons are drawn by chance, so a batch touches pages all over the indexes: they should be in memory, or most of its time goes into
//! fetching them. Always holds: a quarter of the file, at least 64 MB and at most 384 MB; what a small database does not need is not taken.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sqlx::sqlite::SqliteConnection;

use crate::Result;
use crate::connection::Connection;

/// Kilobytes, at least and at most.
const LIMITS: (u64, u64) = (64 << 10, 384 << 10);
/// How often it is looked whether the file has grown.
const LOOK: Duration = Duration::from_secs(30);

/// The pages in memory.
pub(crate) struct Pages {
    file: PathBuf,
    kilobytes: u64,
    looked: Instant,
}

impl Pages {
    /// Of a database.
    pub(crate) fn of(file: &Path) -> Self {
        Self { file: file.to_owned(), kilobytes: wanted(size(file)), looked: Instant::now() }
    }

    /// The value of `PRAGMA cache_size`: negative for kilobytes.
    pub(crate) fn pragma(&self) -> String {
        format!("-{}", self.kilobytes)
    }

    /// Follows the file, when it has grown by a good part.
    pub(crate) async fn follow(&mut self, connection: &mut SqliteConnection) -> Result<()> {
        if self.looked.elapsed() < LOOK {
            return Ok(());
        }
        self.looked = Instant::now();
        let kilobytes = wanted(size(&self.file));
        if kilobytes < self.kilobytes + self.kilobytes / 4 {
            return Ok(());
        }
        self.kilobytes = kilobytes;
        let text = format!("PRAGMA cache_size = {}", self.pragma());
        let text = sqlx::SqlSafeStr::into_sql_str(sqlx::AssertSqlSafe(text));
        Connection::Sqlite(connection).run(text).await
    }
}

fn size(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |file| file.len())
}

fn wanted(bytes: u64) -> u64 {
    (bytes / 4 / 1024).clamp(LIMITS.0, LIMITS.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_the_file_within_limits() {
        for (megabytes, kept) in [(0, 64), (200, 64), (400, 100), (1_536, 384), (9_000, 384)] {
            assert_eq!(wanted(megabytes << 20), kept << 10, "of {megabytes} MB");
        }
    }
}
