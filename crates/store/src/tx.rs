//! Write transactions: [`Tx`] and its savepoints.
//!
//! Always holds: dropped without [`Tx::commit`], nothing of it remains; after the engine refused a statement the
//! transaction (or its innermost savepoint) takes no further one, on SQLite as on PostgreSQL.
//!
//! Keep one short: on SQLite everybody else's writes wait for it. Never wait for the network inside.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Instant;

use futures::future::BoxFuture;
use rapport_domain::Clock;
use sqlx::{AssertSqlSafe, Postgres, SqlSafeStr, Transaction};

use crate::connection::{Call, Connection};
use crate::outbox::{self, Event};
use crate::read::{self, Each};
use crate::slice::SLICE;
use crate::writer::Lease;
use crate::{Arg, Args, Engine, Error, Queries, Result, Sql};

/// Whose turn comes first on SQLite's one writer. PostgreSQL takes no notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Somebody waits for the answer.
    Interactive,
    /// A job, an import, a consumer: it cuts its work into slices ([`Tx::slice_is_over`], [`Slice`](crate::Slice)).
    Background,
}

/// A write transaction.
pub struct Tx {
    inner: TxInner,
    began: Instant,
    clock: Arc<dyn Clock>,
    writes: Writes,
    savepoints: u32,
    /// A savepoint was dropped unreleased: undo to this depth before the next statement.
    undo_to: Option<u32>,
    failed: bool,
}

#[derive(Debug)]
pub(crate) enum TxInner {
    Sqlite(Lease),
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    pub(crate) fn new(inner: TxInner, clock: Arc<dyn Clock>) -> Self {
        Self {
            inner,
            began: Instant::now(),
            clock,
            writes: Writes::default(),
            savepoints: 0,
            undo_to: None,
            failed: false,
        }
    }

    /// Reports a domain event: it is written to the outbox when this commits, and only then.
    pub fn emit(&mut self, event: Event) {
        self.writes.emit(event);
    }

    /// Runs a statement; how many rows it changed.
    pub fn execute(&mut self, sql: Sql, args: Args) -> BoxFuture<'_, Result<u64>> {
        Box::pin(async move {
            self.settle().await?;
            let call = self.call(sql, args)?;
            let outcome = self.connection().execute(call).await;
            self.noted(outcome)
        })
    }

    /// Writes many rows with as few statements as the engine's bind limit allows; how many rows changed. The text says
    /// `{rows}` where they go: `INSERT INTO t (a, b) VALUES {rows} ON CONFLICT DO NOTHING`, or
    /// `WITH v (a, b) AS (VALUES {rows}) UPDATE t SET b = v.b FROM v WHERE t.a = v.a`; every row has the same width.
    pub fn execute_many<'t>(
        &'t mut self,
        sql: Sql,
        rows: impl IntoIterator<Item = Args>,
    ) -> BoxFuture<'t, Result<u64>> {
        // Collected before the first await: a closure in the iterator would otherwise cost the caller's future its `Send`.
        let rows = Rows::of(sql, rows);
        Box::pin(async move {
            self.settle().await?;
            self.write(rows).await
        })
    }

    /// Writes many rows as [`Tx::execute_many`] does, but not yet: before the next statement, or when this commits. What is written later
    /// together costs SQLite one change of threads, when there is little of it. Whoever need not know how many rows changed writes so; a refusal comes where
    /// it is written.
    pub fn execute_later(&mut self, sql: Sql, rows: impl IntoIterator<Item = Args>) {
        self.writes.execute_later(sql, rows);
    }

    /// What is to be written later, for whoever puts more to it.
    pub const fn writes(&mut self) -> &mut Writes {
        &mut self.writes
    }

    /// Writes what was put together without a transaction: before the next statement, or when this commits.
    pub fn add(&mut self, writes: Writes) {
        let Writes { events, later } = writes;
        self.writes.events.extend(events);
        self.writes.later.extend(later);
    }

    async fn write(&mut self, rows: Rows) -> Result<u64> {
        let Rows { sql, width, binds } = rows;
        let engine = self.engine();
        let mut binds = binds.into_iter();
        let mut changed = 0;
        while binds.len() > 0 {
            let (rows, keep) = engine.chunk(width, binds.len() / width);
            let part: Vec<Arg> = binds.by_ref().take(rows * width).collect();
            let call = self.call(Sql::assembled(with_rows(&sql, engine, width, rows)?), Args(part))?;
            let outcome = self.connection().execute(if keep { call } else { call.once() }).await;
            changed += self.noted(outcome)?;
        }
        Ok(changed)
    }

    /// Writes what was to be written later.
    async fn write_later(&mut self) -> Result<()> {
        if let Some((sql, args)) = self.together()? {
            let call = self.call(sql, args)?;
            let outcome = self.connection().execute(call).await;
            return self.noted(outcome).map(drop);
        }
        for rows in std::mem::take(&mut self.writes.later) {
            self.write(rows).await?;
        }
        Ok(())
    }

    /// What was to be written later as one text, if there is little of it.
    fn together(&mut self) -> Result<Option<(Sql, Args)>> {
        let rows = self.writes.later.iter().map(|rows| rows.binds.len() / rows.width).sum();
        let engine = self.engine();
        if self.writes.later.is_empty() || !engine.takes_together(rows) {
            return Ok(None);
        }
        let mut text = String::new();
        let mut binds = Vec::new();
        for Rows { sql, width, binds: own } in std::mem::take(&mut self.writes.later) {
            text.push_str(if text.is_empty() { "" } else { "; " });
            text.push_str(&with_rows(&sql, engine, width, own.len() / width)?);
            binds.extend(own);
        }
        Ok(Some((Sql::assembled(text), Args(binds))))
    }

    /// Begins a part that can fail and be undone by itself. Release it to keep its work; dropped, it is undone.
    pub fn savepoint(&mut self) -> BoxFuture<'_, Result<Savepoint<'_>>> {
        Box::pin(async move {
            self.settle().await?;
            let depth = self.savepoints + 1;
            self.run(format!("SAVEPOINT s{depth}")).await?;
            self.savepoints = depth;
            let events = self.writes.events.len();
            Ok(Savepoint { tx: self, depth, events, released: false })
        })
    }

    /// Commits. When this returns `Ok`, the work is on disk.
    pub fn commit(mut self) -> BoxFuture<'static, Result<()>> {
        Box::pin(async move {
            let events = std::mem::take(&mut self.writes.events);
            if !events.is_empty() {
                let now = self.clock.now();
                outbox::append(&mut self, events, now);
            }
            self.ready().await?;
            let last = match self.together()? {
                Some((sql, args)) => Some(Call::new(self.engine(), sql, args)?),
                None => None,
            };
            self.settle().await?;
            match self.inner {
                TxInner::Sqlite(lease) => lease.finish(last).await,
                TxInner::Postgres(transaction) => Ok(transaction.commit().await?),
            }
        })
    }

    /// Rolls back, as dropping does, but returns after it happened on PostgreSQL.
    pub fn rollback(self) -> BoxFuture<'static, Result<()>> {
        Box::pin(async move {
            match self.inner {
                TxInner::Sqlite(lease) => drop(lease),
                TxInner::Postgres(transaction) => transaction.rollback().await?,
            }
            Ok(())
        })
    }

    /// Whether background work has used up its slice: commit, and begin again for the rest.
    pub fn slice_is_over(&self) -> bool {
        self.began.elapsed() >= SLICE
    }

    fn connection(&mut self) -> Connection<'_> {
        match &mut self.inner {
            TxInner::Sqlite(lease) => lease.connection(),
            TxInner::Postgres(transaction) => Connection::Postgres(transaction),
        }
    }

    /// A statement, in one text with the beginning of the transaction if it is the first.
    fn call(&mut self, sql: Sql, args: Args) -> Result<Call> {
        let call = Call::new(self.engine(), sql, args);
        Ok(self.noted(call)?.after(self.opening()))
    }

    const fn opening(&mut self) -> &'static str {
        match &mut self.inner {
            TxInner::Sqlite(lease) => lease.opening(),
            TxInner::Postgres(_) => "",
        }
    }

    async fn run(&mut self, text: String) -> Result<()> {
        let text = format!("{}{text}", self.opening());
        let outcome = self.connection().run(AssertSqlSafe(text).into_sql_str()).await;
        self.noted(outcome)
    }

    /// Undoes savepoints that were dropped, refuses to go on after a failure, and writes what was to be written before the next statement.
    async fn settle(&mut self) -> Result<()> {
        self.ready().await?;
        if self.writes.later.is_empty() { Ok(()) } else { self.write_later().await }
    }

    /// Undoes savepoints that were dropped, and refuses to go on after a failure.
    async fn ready(&mut self) -> Result<()> {
        if let Some(depth) = self.undo_to.take() {
            self.run(format!("ROLLBACK TO SAVEPOINT s{depth}; RELEASE SAVEPOINT s{depth}")).await?;
            self.failed = false;
        }
        if self.failed {
            return Err(Error::TransactionFailed);
        }
        Ok(())
    }

    fn noted<T>(&mut self, outcome: Result<T>) -> Result<T> {
        if let Err(error) = &outcome {
            self.failed |= error.ends_transaction();
        }
        outcome
    }
}

/// What is to be written, and told: put together while another transaction is under way, say.
#[derive(Debug, Default)]
pub struct Writes {
    /// Domain events to be written when the transaction commits.
    events: Vec<Event>,
    /// Rows to be written before its next statement, in this order.
    later: Vec<Rows>,
}

impl Writes {
    /// As [`Tx::emit`].
    pub fn emit(&mut self, event: Event) {
        self.events.push(event);
    }

    /// As [`Tx::execute_later`].
    pub fn execute_later(&mut self, sql: Sql, rows: impl IntoIterator<Item = Args>) {
        let rows = Rows::of(sql, rows);
        if !rows.binds.is_empty() {
            self.later.push(rows);
        }
    }
}

/// Rows of one statement's text.
#[derive(Debug)]
struct Rows {
    sql: Sql,
    width: usize,
    binds: Vec<Arg>,
}

impl Rows {
    fn of(sql: Sql, rows: impl IntoIterator<Item = Args>) -> Self {
        let mut width = 1;
        let mut binds = Vec::new();
        let mut count = 0;
        for row in rows {
            width = row.0.len();
            count += 1;
            binds.extend(row.0);
        }
        debug_assert_eq!(width * count, binds.len(), "every row has the same width");
        Self { sql, width, binds }
    }
}

fn with_rows(sql: &Sql, engine: Engine, width: usize, rows: usize) -> Result<String> {
    let text = sql.with_rows(engine, width, rows);
    text.ok_or_else(|| Error::Engine { what: "many rows need {rows} in their text".into() })
}

impl std::fmt::Debug for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tx").field("engine", &self.engine()).field("failed", &self.failed).finish_non_exhaustive()
    }
}

impl Queries for Tx {
    fn rows<'q>(&'q mut self, sql: Sql, args: Args, rows: read::Rows, each: Each<'q>) -> BoxFuture<'q, Result<()>> {
        Box::pin(async move {
            self.settle().await?;
            let call = self.call(sql, args)?;
            let outcome = self.connection().rows(call, rows, each).await;
            self.noted(outcome)
        })
    }

    fn engine(&self) -> Engine {
        match self.inner {
            TxInner::Sqlite(_) => Engine::Sqlite,
            TxInner::Postgres(_) => Engine::Postgres,
        }
    }
}

/// A part of a transaction that can be undone by itself. Use it as the [`Tx`] it stands in.
#[derive(Debug)]
pub struct Savepoint<'t> {
    tx: &'t mut Tx,
    depth: u32,
    /// How many events had been reported when it began.
    events: usize,
    released: bool,
}

impl<'t> Savepoint<'t> {
    /// Keeps the work done since the savepoint, as part of the transaction.
    pub fn release(self) -> BoxFuture<'t, Result<()>> {
        Box::pin(async move {
            // Whole: taken by its parts, it would be dropped, and so undone, when this returns the future.
            let mut it = self;
            it.tx.settle().await?;
            let depth = it.depth;
            it.tx.run(format!("RELEASE SAVEPOINT s{depth}")).await?;
            it.tx.savepoints = depth - 1;
            it.released = true;
            Ok(())
        })
    }
}

impl Drop for Savepoint<'_> {
    fn drop(&mut self) {
        if !self.released {
            self.tx.undo_to = Some(self.depth);
            self.tx.writes.events.truncate(self.events);
            // What was to be written before it was written before it began.
            self.tx.writes.later.clear();
            self.tx.savepoints = self.depth - 1;
        }
    }
}

impl Deref for Savepoint<'_> {
    type Target = Tx;

    fn deref(&self) -> &Tx {
        self.tx
    }
}

impl DerefMut for Savepoint<'_> {
    fn deref_mut(&mut self) -> &mut Tx {
        self.tx
    }
}
