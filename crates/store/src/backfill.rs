//! Moves what was written from SQLite's log into its file, beside the writer.
//!
//! Left to itself SQLite does that within commits: from a certain size of the log on each commit also syncs the file, and whoever waits for it waits for
//! thousands of pages that are written all over a large file. Always holds: it waits for nobody and nobody waits for it (a passive checkpoint); the
//! order of syncs that makes the log safe is SQLite's own.
//!
//! Does not: begin the log anew. The writer does, when it is asked to ([`Backfill::asks_to_begin_anew`]): when little is left to move, and most of
//! what it has to sync then was synced here before.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::connection::{Call, Connection};
use crate::{Engine, Result, args};

/// How often it moves pages: while there are so many that the log should begin anew, while there are many, and while there are few.
const EVERY: [Duration; 3] = [Duration::from_millis(20), Duration::from_millis(300), Duration::from_secs(3)];
/// So many pages are many.
const MANY: i64 = 1_000;
/// Of a log of so many pages (64 MB) it does not rest for long.
const LONG: i64 = 16_384;
/// A log of so many pages (192 MB) should begin anew: when nearly all of it is in the file, in any case when it has twice as many.
pub(crate) const LARGE: i64 = 49_152;

/// The task that does it. It ends when this is dropped.
pub(crate) struct Backfill {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
    asks: Arc<AtomicBool>,
}

impl Backfill {
    /// Starts it on a database that the writer has opened. `file` is that database, and must stay open as long as any connection does: when a process
    /// closes a file, it loses its locks on it.
    pub(crate) async fn start(path: &Path, file: Arc<File>) -> Result<Self> {
        Self::start_with(path, file, EVERY, LARGE).await
    }

    /// The same with other pauses, and another number of pages that is large.
    pub(crate) async fn start_with(path: &Path, file: Arc<File>, every: [Duration; 3], large: i64) -> Result<Self> {
        let connection = crate::store::sqlite_options(path).connect().await?;
        let (stop, stopped) = oneshot::channel();
        let asks = Arc::new(AtomicBool::new(false));
        let work = Work { file, asks: Arc::clone(&asks), every, large };
        Ok(Self { stop, task: tokio::spawn(work.run(connection, stopped)), asks })
    }

    /// Whether the log should begin anew now.
    pub(crate) fn asks_to_begin_anew(&self) -> bool {
        self.asks.load(Ordering::Relaxed)
    }

    /// Ends it, and waits for it.
    pub(crate) async fn end(self) {
        drop(self.stop);
        let _ = self.task.await;
    }
}

struct Work {
    file: Arc<File>,
    asks: Arc<AtomicBool>,
    every: [Duration; 3],
    large: i64,
}

impl Work {
    async fn run(self, mut connection: SqliteConnection, mut stopped: oneshot::Receiver<()>) {
        let [soon, often, seldom] = self.every;
        let (mut pause, mut before) = (often, 0);
        loop {
            tokio::select! {
                _ = &mut stopped => break,
                () = tokio::time::sleep(pause) => {}
            }
            let outcome = checkpoint(&mut connection).await;
            match outcome {
                Ok(found) => {
                    // How many pages the log has, and how many of them are in the file; fewer than before when the log began anew.
                    let (pages, moved) = found.map_or((0, 0), |(_, pages, moved)| (pages, moved));
                    let news = if moved < before { moved } else { moved - before };
                    before = moved;
                    // Once for all pages of a log: synced each time, a page that changes often would be written each time.
                    if news > 0 && pages >= self.large {
                        sync(&self.file).await;
                    }
                    // Pages come into the log while others are moved: when it was quick to move them, few more have come.
                    let few_left = pages == moved && news < MANY;
                    let asks = pages >= self.large && few_left || pages >= self.large.saturating_mul(2);
                    self.asks.store(asks, Ordering::Relaxed);
                    pause = if pages >= LONG {
                        soon
                    } else if news >= MANY {
                        often
                    } else {
                        seldom
                    };
                }
                Err(error) => tracing::warn!(code = error.code(), "sqlite.log could not be moved; it is tried again"),
            }
        }
        if let Err(error) = sqlx::Connection::close(connection).await {
            tracing::warn!(code = crate::Error::from(error).code(), "sqlite.close failed");
        }
    }
}

/// Nothing depends on it: SQLite itself syncs the file before it lets go of the log, and then has less to wait for.
async fn sync(file: &Arc<File>) {
    let file = Arc::clone(file);
    let synced = tokio::task::spawn_blocking(move || file.sync_data()).await;
    if !matches!(synced, Ok(Ok(()))) {
        tracing::warn!("sqlite.file could not be synced; SQLite does it later");
    }
}

/// Moves pages into the file: (whether it could not, pages of the log, those of them that are in the file).
async fn checkpoint(connection: &mut SqliteConnection) -> Result<Option<(i64, i64, i64)>> {
    let call = Call::new(Engine::Sqlite, crate::Sql::literal("PRAGMA wal_checkpoint(PASSIVE)"), args![])?;
    Connection::Sqlite(connection).fetch_optional(call).await
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
        let held = Arc::new(File::open(&file).unwrap());
        let backfill = Backfill::start_with(&file, held, [Duration::from_millis(5); 3], LARGE).await.unwrap();
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
