//! SQLite's one writer, as a scheduled resource. It lends its connection to one transaction at a time; those that wait
//! together share one commit, hence one fsync.
//!
//! Always holds: interactive requests go first, background ones at least every [`BACKGROUND_WAIT`]; each request after the
//! first of a batch runs in a savepoint of its own, so that one which fails undoes only itself; nobody is told "committed"
//! before the shared `COMMIT` returned; a request whose future is dropped is rolled back.
//!
//! What it writes goes to SQLite's log first, and from there into the file. The log begins anew when nobody reads in it; where somebody always does,
//! it would grow for ever, so from a certain size on the writer waits for readers a little, and longer each time.
//!
//! Does not: run the requests' code. They run it on their own task with the lent connection, so they may borrow freely.

use std::collections::VecDeque;
use std::panic::Location;
use std::time::{Duration, Instant};

use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::{mpsc, oneshot};

use crate::backfill::Backfill;
use crate::connection::{Call, Connection};
use crate::pages::Pages;
use crate::{Engine, Error, Priority, Result, args};

/// A batch is committed when it is this old, even if more requests wait.
const BATCH_TIME: Duration = Duration::from_millis(5);
/// A batch is committed when it holds this many requests.
const BATCH_REQUESTS: usize = 256;
/// A background request that has waited this long goes before interactive ones.
const BACKGROUND_WAIT: Duration = Duration::from_millis(250);
/// A background turn longer than this is told to whoever debugs: it should be cut into slices.
const BACKGROUND_TURN: Duration = Duration::from_millis(50);

/// How long it waits for readers of the log at first, and at last.
const PATIENCE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));
/// How often it does.
const LOOK: Duration = Duration::from_millis(500);

/// Asks for turns.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    messages: mpsc::UnboundedSender<Message>,
}

#[derive(Debug)]
enum Message {
    Turn(Request),
    Close(oneshot::Sender<()>),
}

#[derive(Debug)]
struct Request {
    priority: Priority,
    /// Who asked, in the code.
    place: &'static Location<'static>,
    since: Instant,
    grant: oneshot::Sender<Result<Lease>>,
}

/// The lent connection. Dropped without [`Lease::finish`], the request is rolled back.
///
/// A statement that is sent by itself costs two changes of threads, which take longer than most statements do. So a transaction begins in one text with its first
/// statement, and ends in one with its last.
#[derive(Debug)]
pub(crate) struct Lease {
    connection: Option<SqliteConnection>,
    /// Whether the transaction has begun.
    begun: bool,
    give_back: Option<oneshot::Sender<Returned>>,
}

#[derive(Debug)]
struct Returned {
    connection: SqliteConnection,
    begun: bool,
    /// `None` asks for a rollback.
    finished: Option<Finished>,
}

/// What a request that is to be kept still has to write, and who waits for the commit.
#[derive(Debug)]
struct Finished {
    last: Option<Call>,
    told: oneshot::Sender<Result<()>>,
}

const BEGIN: &str = "BEGIN IMMEDIATE; ";

impl Writer {
    /// Starts the writer's task on `connection`. It ends when the last `Writer` is dropped.
    pub(crate) fn start(connection: SqliteConnection, log: Log, pages: Pages) -> Self {
        let (messages, queue) = mpsc::unbounded_channel();
        let schedule =
            Schedule { queue, interactive: VecDeque::new(), background: VecDeque::new(), closing: None, log, pages };
        tokio::spawn(schedule.run(connection));
        Self { messages }
    }

    /// Waits for a turn.
    pub(crate) async fn turn(&self, priority: Priority, place: &'static Location<'static>) -> Result<Lease> {
        let (grant, granted) = oneshot::channel();
        let request = Request { priority, place, since: Instant::now(), grant };
        self.messages.send(Message::Turn(request)).map_err(|_| Error::Closed)?;
        granted.await.map_err(|_| Error::Closed)?
    }

    /// Serves those already waiting, then closes the connection.
    pub(crate) async fn close(&self) {
        let (closed, done) = oneshot::channel();
        if self.messages.send(Message::Close(closed)).is_ok() {
            let _ = done.await;
        }
    }
}

impl Lease {
    pub(crate) fn connection(&mut self) -> Connection<'_> {
        Connection::Sqlite(self.connection.as_mut().expect("held until finish or drop"))
    }

    /// What the next text opens with. Whoever asks sends it.
    pub(crate) const fn opening(&mut self) -> &'static str {
        if std::mem::replace(&mut self.begun, true) { "" } else { BEGIN }
    }

    /// Hands the connection back, with what is still to be written, and waits until all of it is on disk.
    pub(crate) async fn finish(mut self, last: Option<Call>) -> Result<()> {
        let (told, outcome) = oneshot::channel();
        self.hand_back(Some(Finished { last, told }));
        outcome.await.map_err(|_| Error::Closed)?
    }

    fn hand_back(&mut self, finished: Option<Finished>) {
        if let (Some(connection), Some(give_back)) = (self.connection.take(), self.give_back.take()) {
            // Fails only when the writer's task is gone, and with it the transaction.
            let _ = give_back.send(Returned { connection, begun: self.begun, finished });
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.hand_back(None);
    }
}

struct Schedule {
    queue: mpsc::UnboundedReceiver<Message>,
    interactive: VecDeque<Request>,
    background: VecDeque<Request>,
    closing: Option<oneshot::Sender<()>>,
    log: Log,
    pages: Pages,
}

/// SQLite's log, to be kept small.
pub(crate) struct Log {
    backfill: Backfill,
    every: Duration,
    looked: Instant,
    patience: Duration,
}

impl Log {
    /// A log that is moved into its file by `backfill`.
    pub(crate) fn of(backfill: Backfill) -> Self {
        Self { backfill, every: LOOK, looked: Instant::now(), patience: PATIENCE.0 }
    }

    /// Waits for readers of a log that has become large, so that it begins anew. Those who begin to read meanwhile do not delay it.
    async fn trim(&mut self, connection: &mut SqliteConnection) -> Result<()> {
        if self.looked.elapsed() < self.every || !self.backfill.asks_to_begin_anew() {
            return Ok(());
        }
        let wait = |patience: Duration| {
            let text = format!("PRAGMA busy_timeout = {}", patience.as_millis());
            sqlx::SqlSafeStr::into_sql_str(sqlx::AssertSqlSafe(text))
        };
        Connection::Sqlite(&mut *connection).run(wait(self.patience)).await?;
        let call = Call::new(Engine::Sqlite, crate::Sql::literal("PRAGMA wal_checkpoint(RESTART)"), args![])?;
        let outcome: Result<Option<(i64, i64, i64)>> = Connection::Sqlite(&mut *connection).fetch_optional(call).await;
        Connection::Sqlite(connection).run(wait(crate::store::BUSY_TIMEOUT)).await?;
        let is_done = matches!(outcome?, Some((0, ..)));
        self.patience = if is_done { PATIENCE.0 } else { (self.patience * 2).min(PATIENCE.1) };
        self.looked = Instant::now();
        Ok(())
    }
}

impl Schedule {
    async fn run(mut self, mut connection: SqliteConnection) {
        while let Some(first) = self.next_request().await {
            match self.batch(connection, first).await {
                Some(returned) => connection = returned,
                None => return,
            }
            if let Err(error) = timed("beginning the log anew", self.log.trim(&mut connection)).await {
                tracing::warn!(code = error.code(), "sqlite.log could not be made smaller; it is tried again");
            }
            if let Err(error) = self.pages.follow(&mut connection).await {
                tracing::warn!(code = error.code(), "sqlite.pages in memory could not be made more; it is tried again");
            }
        }
        // The last connection that is closed moves what is left.
        self.log.backfill.end().await;
        if let Err(error) = connection.close().await {
            tracing::warn!(code = Error::from(error).code(), "sqlite.close failed");
        }
        if let Some(closed) = self.closing {
            let _ = closed.send(());
        }
    }

    /// Serves requests and commits them together. Gives the connection back, or `None` when it was lost.
    async fn batch(&mut self, mut connection: SqliteConnection, first: Request) -> Option<SqliteConnection> {
        let started = Instant::now();
        let mut batch = Batch { waiting: Vec::new(), somebody_waits: false, begun: false, savepoint: false };
        let mut next = Some(first);
        let mut intact = Ok(());
        let mut last = None;
        while let Some(request) = next.take() {
            let (returned, served) = batch.serve(connection, request).await?;
            connection = returned;
            let open = started.elapsed() < BATCH_TIME && batch.waiting.len() < BATCH_REQUESTS;
            let more_come = open && self.waits_for(&batch);
            intact = match served {
                // Alone: what it writes last and the commit are one text.
                Ok(Some(Finished { last: Some(call), told })) if batch.waiting.is_empty() && !more_come => {
                    last = Some(call);
                    batch.waiting.push(told);
                    Ok(())
                }
                Ok(Some(finished)) => batch.write(&mut connection, finished).await,
                Ok(None) => Ok(()),
                Err(error) => Err(error),
            };
            if more_come && intact.is_ok() {
                next = if batch.somebody_waits { self.interactive.pop_front() } else { self.waiting_request() };
            }
        }
        let outcome = match intact {
            Ok(()) => timed("commit", batch.commit(&mut connection, last)).await,
            Err(error) => Err(error),
        };
        if let Err(error) = &outcome {
            if !error.is_refusal() {
                tracing::error!(code = error.code(), "sqlite.batch lost");
            }
            // Fails when the engine has rolled back already.
            let _ = run(&mut connection, "ROLLBACK").await;
        }
        batch.tell(outcome);
        Some(connection)
    }

    /// Whether a request waits that may share the batch: somebody who waits for the commit does not wait for background work.
    fn waits_for(&mut self, batch: &Batch) -> bool {
        self.sort_in_all();
        !self.interactive.is_empty() || !batch.somebody_waits && !self.background.is_empty()
    }

    /// Waits for the next request; `None` when the store is closed and nobody waits any more.
    async fn next_request(&mut self) -> Option<Request> {
        loop {
            if let Some(request) = self.waiting_request() {
                return Some(request);
            }
            if self.closing.is_some() {
                return None;
            }
            let message = self.queue.recv().await?;
            self.sort_in(message);
        }
    }

    fn sort_in(&mut self, message: Message) {
        match message {
            Message::Turn(request) if request.priority == Priority::Interactive => self.interactive.push_back(request),
            Message::Turn(request) => self.background.push_back(request),
            Message::Close(closed) => self.closing = Some(closed),
        }
    }

    /// The request to serve now, if one waits.
    fn waiting_request(&mut self) -> Option<Request> {
        self.sort_in_all();
        let starved = self.background.front().is_some_and(|request| request.since.elapsed() > BACKGROUND_WAIT);
        if starved || self.interactive.is_empty() {
            return self.background.pop_front();
        }
        self.interactive.pop_front()
    }

    fn sort_in_all(&mut self) {
        while let Ok(message) = self.queue.try_recv() {
            self.sort_in(message);
        }
    }
}

/// The requests that share one commit.
struct Batch {
    /// Those who have written and wait for it.
    waiting: Vec<oneshot::Sender<Result<()>>>,
    /// Whether one of them is interactive.
    somebody_waits: bool,
    /// Whether the transaction has begun: it does with the first statement, so that somebody before has written then.
    begun: bool,
    /// Whether a request's savepoint is open.
    savepoint: bool,
}

impl Batch {
    /// Lends the connection to one request; what it still has to write if it is to be kept, and an error when the shared transaction is lost. Until somebody has
    /// written, a request needs no savepoint: its rollback is the whole transaction's. `None` when the connection is lost.
    async fn serve(
        &mut self,
        mut connection: SqliteConnection,
        request: Request,
    ) -> Option<(SqliteConnection, Result<Option<Finished>>)> {
        // Who gave up while waiting wrote nothing, so that nothing is undone: the last savepoint is somebody else's.
        if request.grant.is_closed() {
            return Some((connection, Ok(None)));
        }
        if self.begun {
            let text = if self.savepoint { "RELEASE request; SAVEPOINT request" } else { "SAVEPOINT request" };
            if let Err(error) = run(&mut connection, text).await {
                let _ = request.grant.send(Err(error.copy()));
                return Some((connection, Err(error)));
            }
            self.savepoint = true;
        }
        let started = Instant::now();
        let (give_back, returned) = oneshot::channel();
        let lease = Lease { connection: Some(connection), begun: self.begun, give_back: Some(give_back) };
        // Should the caller be gone by now, the refused lease drops and comes back as a rollback.
        drop(request.grant.send(Ok(lease)));
        let Returned { mut connection, begun, finished } = returned.await.ok()?;
        if request.priority == Priority::Background && started.elapsed() > BACKGROUND_TURN {
            let turn_ms = started.elapsed().as_millis();
            tracing::debug!(turn_ms, place = %request.place, "sqlite.background turn is long");
        }
        self.begun = begun;
        self.somebody_waits |= finished.is_some() && request.priority == Priority::Interactive;
        let served = match finished {
            Some(finished) => Ok(Some(finished)),
            None => self.undo(&mut connection).await.map(|()| None),
        };
        Some((connection, served))
    }

    /// Writes what a request wrote last, and keeps all of it.
    async fn write(&mut self, connection: &mut SqliteConnection, finished: Finished) -> Result<()> {
        let Finished { last, told } = finished;
        if let Some(call) = last
            && let Err(error) = Connection::Sqlite(connection).execute(call.after(self.opening())).await
        {
            let _ = told.send(Err(error));
            return self.undo(connection).await;
        }
        self.waiting.push(told);
        Ok(())
    }

    /// Undoes what the last request wrote.
    async fn undo(&mut self, connection: &mut SqliteConnection) -> Result<()> {
        if self.savepoint {
            return run(connection, "ROLLBACK TO request").await;
        }
        if std::mem::take(&mut self.begun) {
            // Fails when the engine has rolled back already, or the request was gone before it began.
            let _ = run(connection, "ROLLBACK").await;
        }
        Ok(())
    }

    /// Commits, which releases the last savepoint too, after what is still to be written. It fails when the engine itself ended the transaction.
    async fn commit(&mut self, connection: &mut SqliteConnection, last: Option<Call>) -> Result<()> {
        match last {
            Some(call) => {
                let call = call.after(self.opening()).before("; COMMIT");
                Connection::Sqlite(connection).execute(call).await.map(drop)
            }
            None if self.begun => run(connection, "COMMIT").await,
            None => Ok(()),
        }
    }

    /// Tells everybody what came of it.
    fn tell(mut self, outcome: Result<()>) {
        let last = self.waiting.pop();
        for told in self.waiting {
            let _ = told.send(outcome.as_ref().copied().map_err(Error::copy));
        }
        if let Some(told) = last {
            let _ = told.send(outcome);
        }
    }

    const fn opening(&mut self) -> &'static str {
        if std::mem::replace(&mut self.begun, true) { "" } else { BEGIN }
    }
}

/// Tells whoever debugs when `work`, for which everybody waits, takes long.
async fn timed<T>(what: &'static str, work: impl Future<Output = T>) -> T {
    let started = Instant::now();
    let outcome = work.await;
    if started.elapsed() > BACKGROUND_TURN {
        tracing::debug!(ms = started.elapsed().as_millis(), what, "sqlite.everybody waited");
    }
    outcome
}

async fn run(connection: &mut SqliteConnection, text: &'static str) -> Result<()> {
    Connection::Sqlite(connection).run(sqlx::SqlStr::from_static(text)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arg::Arg;

    async fn opened(file: &std::path::Path) -> SqliteConnection {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file).create_if_missing(true);
        SqliteConnection::connect_with(&options.journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)).await.unwrap()
    }

    /// How many bytes a log has that should begin anew at so many pages.
    async fn grown(large: i64) -> u64 {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("test.db");
        let mut connection = opened(&file).await;
        run(&mut connection, "CREATE TABLE numbers (text TEXT); INSERT INTO numbers VALUES ('')").await.unwrap();
        let held = std::sync::Arc::new(std::fs::File::open(&file).unwrap());
        let backfill = Backfill::start_with(&file, held, [Duration::from_millis(1); 3], large).await.unwrap();
        let writer = Writer::start(connection, Log { every: Duration::ZERO, ..Log::of(backfill) }, Pages::of(&file));
        // Before one has ended another has begun: there is no moment without a reader.
        let mut readers = [opened(&file).await, opened(&file).await];
        let reading = tokio::spawn(async move {
            let read = "BEGIN; SELECT COUNT(*) FROM numbers";
            run(&mut readers[0], read).await.unwrap();
            loop {
                run(&mut readers[1], read).await.unwrap();
                run(&mut readers[0], "COMMIT").await.unwrap();
                readers.swap(0, 1);
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
        for _ in 0..100 {
            let lease = writer.turn(Priority::Background, Location::caller()).await.unwrap();
            let text = crate::Sql::literal("INSERT INTO numbers VALUES ($1)");
            let call = Call::new(Engine::Sqlite, text, crate::Args(vec![Arg::from("x".repeat(100_000))]));
            lease.finish(Some(call.unwrap())).await.unwrap();
        }
        reading.abort();
        std::fs::metadata(folder.path().join("test.db-wal")).unwrap().len()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_log_in_which_somebody_always_reads_does_not_grow_for_ever() {
        let (kept_small, left_alone) = (grown(250).await, grown(i64::MAX).await);
        assert!(left_alone > 9_000_000, "{left_alone}");
        assert!(kept_small < 6_000_000, "{kept_small}");
    }
}
