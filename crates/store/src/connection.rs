//! Runs one statement on one connection of either engine. The only file that binds values and walks results.
//!
//! Always holds: a text with NUL is refused before it reaches an engine; both engines get the same text and values.

use futures::TryStreamExt;
use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Arguments, SqlStr};

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
    args: Vec<Arg>,
    /// Whether the prepared statement is worth keeping.
    keep: bool,
}

impl Call {
    pub(crate) fn new(engine: Engine, sql: Sql, args: Args) -> Self {
        let sql = sql.prepare(engine, &args.0);
        Self { sql, args: args.0, keep: true }
    }

    /// A statement whose form will hardly come again.
    pub(crate) fn once(mut self) -> Self {
        self.keep = false;
        self
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
        Ok(match self {
            Self::Sqlite(connection) => {
                let args = sqlite_arguments(call.args)?;
                sqlx::query_with(call.sql, args).persistent(call.keep).execute(connection).await?.rows_affected()
            }
            Self::Postgres(connection) => {
                let args = postgres_arguments(call.args)?;
                sqlx::query_with(call.sql, args).persistent(call.keep).execute(connection).await?.rows_affected()
            }
        })
    }

    /// Shows `each` the rows of a statement: all of them, or only the first.
    pub(crate) async fn rows(self, call: Call, rows: Rows, each: Each<'_>) -> Result<()> {
        match self {
            Self::Sqlite(connection) => {
                let args = sqlite_arguments(call.args)?;
                let query = sqlx::query_with(call.sql, args).persistent(call.keep);
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
            Self::Postgres(connection) => {
                let args = postgres_arguments(call.args)?;
                let query = sqlx::query_with(call.sql, args).persistent(call.keep);
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
