//! Moves what was written from SQLite's log into its file, beside the writer.
//!
//! Left to itself SQLite does that within commits: from a certain size of the log on each commit also syncs the file, and whoever waits for it waits for
//! thousands of pages that are written all over a large file. Always holds: it waits for nobody and nobody waits for it (a passive checkpoint); the
//! order of syncs that makes the log safe is SQLite's own.
//!
//! Does not: begin the log anew. The writer does, and has little left to move then.

use std::path::Path;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::connection::{Call, Connection};
use crate::{Engine, Result, args};

/// How often it moves pages while there are many, and while there are few.
const EVERY: (Duration, Duration) = (Duration::from_millis(300), Duration::from_secs(3));
/// So many pages are many.
const MANY: i64 = 1_000;

/// The task that does it. It ends when this is dropped.
pub(crate) struct Backfill {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Backfill {
    /// Starts it on a database that the writer has opened.
    pub(crate) async fn start(file: &Path) -> Result<Self> {
        Self::start_every(file, EVERY).await
    }

    async fn start_every(file: &Path, every: (Duration, Duration)) -> Result<Self> {
        let connection = crate::store::sqlite_options(file).connect().await?;
        let (stop, stopped) = oneshot::channel();
        Ok(Self { stop, task: tokio::spawn(work(connection, stopped, every)) })
    }

    /// Ends it, and waits for it.
    pub(crate) async fn end(self) {
        drop(self.stop);
        let _ = self.task.await;
    }
}

async fn work(mut connection: SqliteConnection, mut stopped: oneshot::Receiver<()>, every: (Duration, Duration)) {
    let (mut pause, mut before) = (every.0, 0);
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            () = tokio::time::sleep(pause) => {}
        }
        let call = Call::new(Engine::Sqlite, crate::Sql::literal("PRAGMA wal_checkpoint(PASSIVE)"), args![]);
        let outcome: Result<Option<(i64, i64, i64)>> = Connection::Sqlite(&mut connection).fetch_optional(call).await;
        match outcome {
            Ok(found) => {
                // How many of the log's pages are in the file; fewer than before when the log began anew.
                let moved = found.map_or(0, |(_, _, moved)| moved);
                let news = if moved < before { moved } else { moved - before };
                before = moved;
                pause = if news >= MANY { every.0 } else { every.1 };
            }
            Err(error) => tracing::warn!(code = error.code(), "sqlite.log could not be moved; it is tried again"),
        }
    }
    if let Err(error) = sqlx::Connection::close(connection).await {
        tracing::warn!(code = crate::Error::from(error).code(), "sqlite.close failed");
    }
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::SqliteConnectOptions;

    use super::*;

    /// What is in the file alone, without its log.
    async fn in_the_file(file: &Path) -> i64 {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("copy.db");
        std::fs::copy(file, &copy).unwrap();
        let mut connection = SqliteConnectOptions::new().filename(&copy).connect().await.unwrap();
        let count = sqlx::query_scalar("SELECT COUNT(*) FROM numbers").fetch_one(&mut connection).await;
        count.unwrap_or_default()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_was_written_comes_into_the_file_without_the_writer() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("test.db");
        let options = crate::store::sqlite_options(&file).create_if_missing(true).pragma("wal_autocheckpoint", "0");
        let mut writer = options.connect().await.unwrap();
        let backfill =
            Backfill::start_every(&file, (Duration::from_millis(5), Duration::from_millis(5))).await.unwrap();
        sqlx::query("CREATE TABLE numbers (number INTEGER)").execute(&mut writer).await.unwrap();
        for _ in 0..500 {
            sqlx::query("INSERT INTO numbers VALUES (1)").execute(&mut writer).await.unwrap();
        }
        let mut found = 0;
        for _ in 0..200 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            found = in_the_file(&file).await;
            if found == 500 {
                break;
            }
        }
        assert_eq!(found, 500);
        backfill.end().await;
    }
}
