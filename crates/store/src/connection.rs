//! Runs one statement on one connection of either engine. The only file that binds values and walks results.
//!
//! Always holds: a text with NUL is refused before it reaches an engine; both engines get the same text and values.

use futures::TryStreamExt;
use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Arguments, AssertSqlSafe, SqlSafeStr, SqlStr};

use crate::column::RowInner;
use crate::read::{Each, Rows};
use crate::{Arg, Args, Engine, Error, Record, Result, Row, Sql};

/// A borrowed connection.
pub(crate) enum Connection<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

/// A statement ready to run.
pub(crate) struct Call {
    sql: SqlStr,
    binds: Binds,
    /// Whether the prepared statement is worth keeping.
    keep: bool,
}

enum Binds {
    Sqlite(SqliteArguments),
    Postgres(PgArguments),
}

impl Call {
    /// # Errors
    /// That a value cannot be sent.
    pub(crate) fn new(engine: Engine, sql: Sql, args: Args) -> Result<Self> {
        let sql = sql.prepare(engine, &args.0);
        let binds = match engine {
            Engine::Sqlite => Binds::Sqlite(sqlite_arguments(args.0)?),
            Engine::Postgres => Binds::Postgres(postgres_arguments(args.0)?),
        };
        Ok(Self { sql, binds, keep: true })
    }

    /// A statement whose form will hardly come again.
    pub(crate) fn once(mut self) -> Self {
        self.keep = false;
        self
    }

    /// In one text with what stands before it.
    pub(crate) fn after(mut self, opening: &'static str) -> Self {
        if !opening.is_empty() {
            self.sql = AssertSqlSafe(format!("{opening}{}", self.sql.as_str())).into_sql_str();
        }
        self
    }

    /// In one text with what stands after it.
    pub(crate) fn before(mut self, end: &'static str) -> Self {
        self.sql = AssertSqlSafe(format!("{}{end}", self.sql.as_str())).into_sql_str();
        self
    }
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call").field("sql", &self.sql.as_str()).finish_non_exhaustive()
    }
}

impl Connection<'_> {
    /// The same connection for one more statement.
    pub(crate) fn reborrow(&mut self) -> Connection<'_> {
        match self {
            Self::Sqlite(connection) => Connection::Sqlite(connection),
            Self::Postgres(connection) => Connection::Postgres(connection),
        }
    }

    /// Runs a statement; how many rows it changed.
    pub(crate) async fn execute(self, call: Call) -> Result<u64> {
        let Call { sql, binds, keep } = call;
        match (self, binds) {
            (Self::Sqlite(connection), Binds::Sqlite(binds)) => {
                // Of a text of several statements the last one counts: `BEGIN` says what the one before it did.
                let query = sqlx::query_with::<sqlx::Sqlite, _>(sql, binds).persistent(keep);
                let mut done = sqlx::Executor::fetch_many(connection, query);
                let mut changed = 0;
                while let Some(step) = done.try_next().await? {
                    changed = step.left().map_or(changed, |result| result.rows_affected());
                }
                Ok(changed)
            }
            (Self::Postgres(connection), Binds::Postgres(binds)) => {
                Ok(sqlx::query_with(sql, binds).persistent(keep).execute(connection).await?.rows_affected())
            }
            _ => Err(other_engine()),
        }
    }

    /// Shows `each` the rows of a statement: all of them, or only the first.
    pub(crate) async fn rows(self, call: Call, rows: Rows, each: Each<'_>) -> Result<()> {
        let Call { sql, binds, keep } = call;
        match (self, binds) {
            (Self::Sqlite(connection), Binds::Sqlite(binds)) => {
                let query = sqlx::query_with(sql, binds).persistent(keep);
                if rows == Rows::First {
                    return query
                        .fetch_optional(connection)
                        .await?
                        .map_or(Ok(()), |row| each(&Row(RowInner::Sqlite(row))));
                }
                let mut found = query.fetch(connection);
                while let Some(row) = found.try_next().await? {
                    each(&Row(RowInner::Sqlite(row)))?;
                }
            }
            (Self::Postgres(connection), Binds::Postgres(binds)) => {
                let query = sqlx::query_with(sql, binds).persistent(keep);
                if rows == Rows::First {
                    return query
                        .fetch_optional(connection)
                        .await?
                        .map_or(Ok(()), |row| each(&Row(RowInner::Postgres(row))));
                }
                let mut found = query.fetch(connection);
                while let Some(row) = found.try_next().await? {
                    each(&Row(RowInner::Postgres(row)))?;
                }
            }
            _ => return Err(other_engine()),
        }
        Ok(())
    }

    /// All rows of a statement.
    pub(crate) async fn fetch_all<T: Record + Send>(self, call: Call) -> Result<Vec<T>> {
        let mut records = Vec::new();
        let mut each = |row: &Row| {
            records.push(T::from_row(row)?);
            Ok(())
        };
        self.rows(call, Rows::All, &mut each).await?;
        Ok(records)
    }

    /// The first row of a statement, if there is one.
    pub(crate) async fn fetch_optional<T: Record + Send>(self, call: Call) -> Result<Option<T>> {
        let mut record = None;
        let mut each = |row: &Row| {
            record = Some(T::from_row(row)?);
            Ok(())
        };
        self.rows(call, Rows::First, &mut each).await?;
        Ok(record)
    }

    /// Runs a text of several statements without binds: a migration, a pragma, `BEGIN`.
    pub(crate) async fn run(self, text: SqlStr) -> Result<()> {
        match self {
            Self::Sqlite(connection) => sqlx::raw_sql(text).execute(connection).await.map(drop)?,
            Self::Postgres(connection) => sqlx::raw_sql(text).execute(connection).await.map(drop)?,
        }
        Ok(())
    }
}

fn other_engine() -> Error {
    Error::Engine { what: "a statement was made for the other engine".into() }
}

/// Binds for SQLite: a list is one JSON text.
pub(crate) fn sqlite_arguments(args: Vec<Arg>) -> Result<SqliteArguments> {
    let mut bound = SqliteArguments::default();
    bound.reserve(args.len(), 0);
    for arg in args {
        match arg {
            Arg::Bool(value) => bound.add(value),
            Arg::Int(value) => bound.add(value),
            Arg::Float(value) => bound.add(value),
            Arg::Text(value) => bound.add(without_nul(value)?),
            Arg::Bytes(value) => bound.add(value),
            Arg::Json(value) => bound.add(value),
            Arg::Ints(list) => bound.add(serde_json::Value::from(list).to_string()),
            Arg::Texts(list) => {
                if list.iter().any(|text| text.contains('\0')) {
                    return Err(Error::NulCharacter);
                }
                bound.add(serde_json::Value::from(list).to_string())
            }
            Arg::Blobs(list) => {
                bound.add(serde_json::Value::from_iter(list.iter().map(|bytes| hex(bytes))).to_string())
            }
        }
        .map_err(|error| Error::Engine { what: error.to_string() })?;
    }
    Ok(bound)
}

/// Binds for PostgreSQL: a list is an array.
pub(crate) fn postgres_arguments(args: Vec<Arg>) -> Result<PgArguments> {
    let mut bound = PgArguments::default();
    bound.reserve(args.len(), 0);
    for arg in args {
        match arg {
            Arg::Bool(value) => bound.add(value),
            Arg::Int(value) => bound.add(value),
            Arg::Float(value) => bound.add(value),
            Arg::Text(value) => bound.add(without_nul(value)?),
            Arg::Bytes(value) => bound.add(value),
            Arg::Json(value) => bound.add(value.map(raw_json).transpose()?.map(sqlx::types::Json)),
            Arg::Ints(list) => bound.add(list),
            Arg::Texts(list) => bound.add(list),
            Arg::Blobs(list) => bound.add(list),
        }
        .map_err(|error| Error::Engine { what: error.to_string() })?;
    }
    Ok(bound)
}

/// As SQLite's `unhex` reads them: JSON has no bytes.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn without_nul(text: Option<String>) -> Result<Option<String>> {
    match &text {
        Some(some) if some.contains('\0') => Err(Error::NulCharacter),
        _ => Ok(text),
    }
}

/// JSONB refuses the escape of NUL, so it is refused here, for both the same.
fn raw_json(text: String) -> Result<Box<serde_json::value::RawValue>> {
    serde_json::value::RawValue::from_string(text).map_err(|error| Error::Engine { what: error.to_string() })
}
