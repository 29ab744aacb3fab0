//! Reading: [`Queries`] is what a reader, a snapshot and a transaction have in common, so that a record function
//! `async fn find(db: &mut impl Queries, ...)` works in all three.
//!
//! Always holds: on SQLite a reader's connection cannot write (`query_only`) and never waits for the writer.

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use sqlx::pool::PoolConnection;
use sqlx::{Postgres, Sqlite, Transaction};

use crate::column::RowInner;
use crate::connection::{Call, Connection, postgres_arguments, sqlite_arguments};
use crate::store::Pools;
use crate::{Args, Column, Engine, Error, Record, Result, Row, Sql};

/// How many of a statement's rows are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// All of them.
    All,
    /// The first, if there is one.
    First,
}

/// Hears of each row.
pub type Each<'q> = &'q mut (dyn FnMut(&Row) -> Result<()> + Send);

/// Statements that give rows.
///
/// All futures of this crate are boxed: what runs a statement is compiled here, once, and whoever awaits one has a future that is
/// small and known to be `Send` without looking into it. Beside a statement the allocation is nothing; without it the product
/// takes several times as long to build.
pub trait Queries: Send {
    /// Shows `each` the rows.
    fn rows<'q>(&'q mut self, sql: Sql, args: Args, rows: Rows, each: Each<'q>) -> BoxFuture<'q, Result<()>>;

    /// Which engine runs the statements.
    fn engine(&self) -> Engine;

    /// All rows.
    fn fetch_all<'q, T: Record + Send + 'q>(&'q mut self, sql: Sql, args: Args) -> BoxFuture<'q, Result<Vec<T>>> {
        Box::pin(async move {
            let mut records = Vec::new();
            let mut each = |row: &Row| {
                records.push(T::from_row(row)?);
                Ok(())
            };
            self.rows(sql, args, Rows::All, &mut each).await?;
            Ok(records)
        })
    }

    /// The first row, if any.
    fn fetch_optional<'q, T: Record + Send + 'q>(
        &'q mut self,
        sql: Sql,
        args: Args,
    ) -> BoxFuture<'q, Result<Option<T>>> {
        Box::pin(async move {
            let mut record = None;
            let mut each = |row: &Row| {
                record = Some(T::from_row(row)?);
                Ok(())
            };
            self.rows(sql, args, Rows::First, &mut each).await?;
            Ok(record)
        })
    }

    /// The first row; [`Error::NotFound`] when there is none.
    fn fetch_one<'q, T: Record + Send + 'q>(&'q mut self, sql: Sql, args: Args) -> BoxFuture<'q, Result<T>> {
        Box::pin(async move { self.fetch_optional(sql, args).await?.ok_or(Error::NotFound) })
    }

    /// The first column of the first row; [`Error::NotFound`] when there is none.
    fn scalar<'q, T: Column + Send + 'q>(&'q mut self, sql: Sql, args: Args) -> BoxFuture<'q, Result<T>> {
        Box::pin(async move { Ok(self.fetch_one::<(T,)>(sql, args).await?.0) })
    }
}

/// Reads single statements, each on any free connection.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'s> {
    pub(crate) pools: &'s Pools,
}

/// What a pool lends.
enum Lent {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

impl Lent {
    fn connection(&mut self) -> Connection<'_> {
        match self {
            Self::Sqlite(connection) => Connection::Sqlite(connection),
            Self::Postgres(connection) => Connection::Postgres(connection),
        }
    }
}

impl<'s> Reader<'s> {
    async fn acquire(&self) -> Result<Lent> {
        Ok(match self.pools {
            Pools::Sqlite { readers, .. } => Lent::Sqlite(readers.acquire().await?),
            Pools::Postgres(pool) => Lent::Postgres(pool.acquire().await?),
        })
    }

    /// The rows of a statement one by one, for results too large to hold. Keeps a connection until it is dropped.
    pub fn stream<T: Record + Send + 's>(&self, sql: Sql, args: Args) -> Result<BoxStream<'s, Result<T>>> {
        let text = sql.prepare(self.engine(), &args.0);
        Ok(match self.pools {
            Pools::Sqlite { readers, .. } => sqlx::query_with(text, sqlite_arguments(args.0)?)
                .fetch(readers)
                .map_err(Error::from)
                .map(|row| T::from_row(&Row(RowInner::Sqlite(row?))))
                .boxed(),
            Pools::Postgres(pool) => sqlx::query_with(text, postgres_arguments(args.0)?)
                .fetch(pool)
                .map_err(Error::from)
                .map(|row| T::from_row(&Row(RowInner::Postgres(row?))))
                .boxed(),
        })
    }
}

impl Queries for Reader<'_> {
    fn rows<'q>(&'q mut self, sql: Sql, args: Args, rows: Rows, each: Each<'q>) -> BoxFuture<'q, Result<()>> {
        let call = Call::new(self.engine(), sql, args);
        Box::pin(async move { self.acquire().await?.connection().rows(call?, rows, each).await })
    }

    fn engine(&self) -> Engine {
        self.pools.engine()
    }
}

/// Reads several statements that all see the same state of the database.
#[derive(Debug)]
pub struct Snapshot(SnapshotInner);

#[derive(Debug)]
enum SnapshotInner {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Snapshot {
    /// Begins one. Both engines pin the state at the first statement, so one is run at once.
    pub(crate) async fn begin(pools: &Pools) -> Result<Self> {
        Ok(Self(match pools {
            Pools::Sqlite { readers, .. } => {
                let mut transaction = readers.begin().await?;
                sqlx::query("SELECT COUNT(*) FROM rapport_migration").fetch_one(&mut *transaction).await?;
                SnapshotInner::Sqlite(transaction)
            }
            Pools::Postgres(pool) => {
                let mut transaction = pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
                sqlx::query("SELECT COUNT(*) FROM rapport_migration").fetch_one(&mut *transaction).await?;
                SnapshotInner::Postgres(transaction)
            }
        }))
    }

    fn connection(&mut self) -> Connection<'_> {
        match &mut self.0 {
            SnapshotInner::Sqlite(transaction) => Connection::Sqlite(transaction),
            SnapshotInner::Postgres(transaction) => Connection::Postgres(transaction),
        }
    }
}

impl Queries for Snapshot {
    fn rows<'q>(&'q mut self, sql: Sql, args: Args, rows: Rows, each: Each<'q>) -> BoxFuture<'q, Result<()>> {
        let call = Call::new(self.engine(), sql, args);
        Box::pin(async move { self.connection().rows(call?, rows, each).await })
    }

    fn engine(&self) -> Engine {
        match self.0 {
            SnapshotInner::Sqlite(_) => Engine::Sqlite,
            SnapshotInner::Postgres(_) => Engine::Postgres,
        }
    }
}
