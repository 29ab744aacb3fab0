//! Write transactions: [`Tx`] and its savepoints.
//!
//! Always holds: dropped without [`Tx::commit`], nothing of it remains; after the engine refused a statement the
//! transaction (or its innermost savepoint) takes no further one, on SQLite as on PostgreSQL.
//!
//! Keep one short: on SQLite everybody else's writes wait for it. Never wait for the network inside.

use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Postgres, SqlSafeStr, Transaction};

use crate::connection::{Call, Connection};
use crate::writer::Lease;
use crate::{Arg, Args, Engine, Error, Queries, Record, Result, Sql};

/// Whose turn comes first on SQLite's one writer. PostgreSQL takes no notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Somebody waits for the answer.
    Interactive,
    /// A job, an import, a consumer: it cuts its work into slices ([`Tx::slice_is_over`]).
    Background,
}

/// How long a background transaction may work before it should commit and ask for its next turn.
pub const SLICE: Duration = Duration::from_millis(5);

/// A write transaction.
#[derive(Debug)]
pub struct Tx {
    inner: TxInner,
    began: Instant,
    savepoints: u32,
    /// A savepoint was dropped unreleased: undo to this depth before the next statement.
    undo_to: Option<u32>,
    failed: bool,
}

#[derive(Debug)]
enum TxInner {
    Sqlite(Lease),
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    pub(crate) fn sqlite(lease: Lease) -> Self {
        Self::new(TxInner::Sqlite(lease))
    }

    pub(crate) fn postgres(transaction: Transaction<'static, Postgres>) -> Self {
        Self::new(TxInner::Postgres(transaction))
    }

    fn new(inner: TxInner) -> Self {
        Self { inner, began: Instant::now(), savepoints: 0, undo_to: None, failed: false }
    }

    /// Runs a statement; how many rows it changed.
    pub async fn execute(&mut self, sql: Sql, args: Args) -> Result<u64> {
        self.settle().await?;
        let call = Call::new(self.engine(), sql, args);
        let outcome = self.connection().execute(call).await;
        self.noted(outcome)
    }

    /// Inserts many rows with as few statements as the engine's bind limit allows; how many rows changed. The text says
    /// `{rows}` where they go: `INSERT INTO t (a, b) VALUES {rows} ON CONFLICT DO NOTHING`; every row has the same width.
    pub async fn execute_many(&mut self, sql: Sql, rows: impl IntoIterator<Item = Args>) -> Result<u64> {
        let mut changed = 0;
        let mut rows = rows.into_iter().peekable();
        let Some(width) = rows.peek().map(|row| row.0.len()) else { return Ok(0) };
        let limit = self.engine().binds_per_statement();
        if width == 0 || width > limit {
            return Err(Error::TooManyBinds { binds: width, limit });
        }
        let full = (limit / width).min(self.engine().rows_per_statement(width));
        let full_text = sql.with_rows(width, full);
        loop {
            let mut binds: Vec<Arg> = Vec::with_capacity(full * width);
            binds.extend(rows.by_ref().take(full).flat_map(|row| row.0));
            if binds.is_empty() {
                return Ok(changed);
            }
            let count = binds.len() / width;
            let text = if count == full { full_text.clone() } else { sql.with_rows(width, count) };
            let text = text.ok_or_else(|| Error::Engine { what: "execute_many needs {rows} in its text".into() })?;
            self.settle().await?;
            let mut call = Call::new(self.engine(), Sql::assembled(text), Args(binds));
            if count != full {
                call = call.once();
            }
            let outcome = self.connection().execute(call).await;
            changed += self.noted(outcome)?;
        }
    }

    /// Begins a part that can fail and be undone by itself. Release it to keep its work; dropped, it is undone.
    pub async fn savepoint(&mut self) -> Result<Savepoint<'_>> {
        self.settle().await?;
        let depth = self.savepoints + 1;
        self.run(format!("SAVEPOINT s{depth}")).await?;
        self.savepoints = depth;
        Ok(Savepoint { tx: self, depth, released: false })
    }

    /// Commits. When this returns `Ok`, the work is on disk.
    pub async fn commit(mut self) -> Result<()> {
        self.settle().await?;
        match self.inner {
            TxInner::Sqlite(lease) => lease.finish().await,
            TxInner::Postgres(transaction) => Ok(transaction.commit().await?),
        }
    }

    /// Rolls back, as dropping does, but returns after it happened on PostgreSQL.
    pub async fn rollback(self) -> Result<()> {
        match self.inner {
            TxInner::Sqlite(lease) => drop(lease),
            TxInner::Postgres(transaction) => transaction.rollback().await?,
        }
        Ok(())
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

    async fn run(&mut self, text: String) -> Result<()> {
        let outcome = self.connection().run(AssertSqlSafe(text).into_sql_str()).await;
        self.noted(outcome)
    }

    /// Undoes savepoints that were dropped, and refuses to go on after a failure.
    async fn settle(&mut self) -> Result<()> {
        if let Some(depth) = self.undo_to.take() {
            self.run(format!("ROLLBACK TO SAVEPOINT s{depth}; RELEASE SAVEPOINT s{depth}")).await?;
            self.failed = false;
        }
        if self.failed { Err(Error::TransactionFailed) } else { Ok(()) }
    }

    fn noted<T>(&mut self, outcome: Result<T>) -> Result<T> {
        if let Err(error) = &outcome {
            self.failed |= error.ends_transaction();
        }
        outcome
    }
}

impl Queries for Tx {
    async fn fetch_all<T: Record + Send>(&mut self, sql: Sql, args: Args) -> Result<Vec<T>> {
        self.settle().await?;
        let call = Call::new(self.engine(), sql, args);
        let outcome = self.connection().fetch_all(call).await;
        self.noted(outcome)
    }

    async fn fetch_optional<T: Record + Send>(&mut self, sql: Sql, args: Args) -> Result<Option<T>> {
        self.settle().await?;
        let call = Call::new(self.engine(), sql, args);
        let outcome = self.connection().fetch_optional(call).await;
        self.noted(outcome)
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
    released: bool,
}

impl Savepoint<'_> {
    /// Keeps the work done since the savepoint, as part of the transaction.
    pub async fn release(mut self) -> Result<()> {
        self.tx.settle().await?;
        let depth = self.depth;
        self.tx.run(format!("RELEASE SAVEPOINT s{depth}")).await?;
        self.tx.savepoints = depth - 1;
        self.released = true;
        Ok(())
    }
}

impl Drop for Savepoint<'_> {
    fn drop(&mut self) {
        if !self.released {
            self.tx.undo_to = Some(self.depth);
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
