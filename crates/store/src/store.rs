//! Opening and holding the product database.
//!
//! Always holds: [`Store::open`] either gives a database whose schema is exactly what this program knows, or an error and an
//! unchanged database.

use std::panic;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use rapport_domain::{Clock, Rng};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection as _};

use crate::backfill::Backfill;
use crate::config::Location;
use crate::connection::{Call, Connection};
use crate::folder::{self, APPLICATION_ID, FolderLock};
use crate::migrate::{self, Migrations};
use crate::pages::Pages;
use crate::tx::TxInner;
use crate::writer::{Log, Writer};
use crate::{Engine, Error, Priority, Reader, Result, Snapshot, StoreConfig, Tx, args};

/// The file of the product database within the data folder.
pub const DATABASE_FILE: &str = "rapport.db";
/// The PostgreSQL schema that holds all our tables.
pub const POSTGRES_SCHEMA: &str = "rapport";
/// How long SQLite waits for a foreign lock (a backup, say).
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The product database. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Store(Arc<StoreInner>);

struct StoreInner {
    pools: Pools,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    file: Option<PathBuf>,
    _lock: Option<FolderLock>,
}

/// The connections.
#[derive(Debug)]
pub(crate) enum Pools {
    Sqlite {
        readers: SqlitePool,
        writer: Writer,
        /// Open as long as any connection: see [`Backfill::start`].
        _file: Arc<std::fs::File>,
    },
    Postgres(PgPool),
}

impl Pools {
    pub(crate) const fn engine(&self) -> Engine {
        match self {
            Self::Sqlite { .. } => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }
}

impl Store {
    /// Opens the database, creating it and applying `migrations` (the store's own come first by themselves) as needed.
    pub async fn open(config: StoreConfig, migrations: &[Migrations]) -> Result<Self> {
        let known: Vec<Migrations> = std::iter::once(crate::MIGRATIONS).chain(migrations.iter().copied()).collect();
        let StoreConfig { location, readers, clock, rng } = config;
        let now = clock.now().0;
        Ok(Self(Arc::new(match location {
            Location::Folder(folder) => {
                let lock = FolderLock::take(&folder)?;
                let file = folder.join(DATABASE_FILE);
                let pools = open_sqlite(&file, readers, &known, now).await?;
                StoreInner { pools, clock, rng, file: Some(file), _lock: Some(lock) }
            }
            Location::Postgres(url) => {
                let pools = open_postgres(&url, readers, &known, now).await?;
                StoreInner { pools, clock, rng, file: None, _lock: None }
            }
        })))
    }

    /// Reads single statements. Give `&mut store.read()` where `&mut impl Queries` is asked for.
    pub fn read(&self) -> Reader<'_> {
        Reader { pools: &self.0.pools }
    }

    /// Reads several statements that all see the same state.
    pub fn snapshot(&self) -> BoxFuture<'_, Result<Snapshot>> {
        Box::pin(Snapshot::begin(&self.0.pools))
    }

    /// Begins a write transaction; on SQLite, waits for a turn of the one writer.
    #[track_caller]
    pub fn begin(&self, priority: Priority) -> BoxFuture<'_, Result<Tx>> {
        let place = panic::Location::caller();
        Box::pin(async move {
            let inner = match &self.0.pools {
                Pools::Sqlite { writer, .. } => TxInner::Sqlite(writer.turn(priority, place).await?),
                Pools::Postgres(pool) => TxInner::Postgres(pool.begin().await?),
            };
            Ok(Tx::new(inner, self.0.clock.clone()))
        })
    }

    #[cfg(feature = "testing")]
    pub(crate) fn pools(&self) -> &Pools {
        &self.0.pools
    }

    /// Which database this is.
    pub fn engine(&self) -> Engine {
        self.0.pools.engine()
    }

    /// The clock it was opened with.
    pub fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    /// The randomness it was opened with.
    pub fn rng(&self) -> &dyn Rng {
        &*self.0.rng
    }

    /// Checks every page and index of an SQLite database; on PostgreSQL that it answers. `Err(Damaged)` says what was found.
    pub async fn verify(&self) -> Result<()> {
        let Some(file) = &self.0.file else {
            return crate::Queries::scalar::<bool>(&mut self.read(), crate::sql!("SELECT TRUE"), args![])
                .await
                .map(drop);
        };
        let mut connection = sqlite_options(file).connect().await?;
        let check = Call::new(Engine::Sqlite, crate::Sql::literal("PRAGMA integrity_check"), args![])?;
        let findings: Vec<(String,)> = Connection::Sqlite(&mut connection).fetch_all(check).await?;
        let keys = Call::new(Engine::Sqlite, crate::Sql::literal("PRAGMA foreign_key_check"), args![])?;
        let orphans: Option<(String,)> = Connection::Sqlite(&mut connection).fetch_optional(keys).await?;
        connection.close().await?;
        match (findings.first(), orphans) {
            (Some((text,)), None) if text == "ok" => Ok(()),
            (_, Some((table,))) => Err(Error::Damaged { what: format!("{table} points at rows that do not exist") }),
            (text, None) => {
                Err(Error::Damaged { what: text.map_or_else(|| "unreadable".into(), |(text,)| text.clone()) })
            }
        }
    }

    /// Moves SQLite's log into the database file and empties it, as before copying the file. Waits for readers a while;
    /// [`Error::Busy`] when one kept it. Nothing to do on PostgreSQL.
    pub async fn checkpoint(&self) -> Result<()> {
        let Some(file) = &self.0.file else { return Ok(()) };
        let mut connection = sqlite_options(file).connect().await?;
        let mut is_done = false;
        // SQLite waits for readers, but not for whoever moves pages beside the writer at this moment.
        for pause in [0, 20, 50, 100, 200, 400, 800] {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            let asked = Instant::now();
            let call = Call::new(Engine::Sqlite, crate::Sql::literal("PRAGMA wal_checkpoint(TRUNCATE)"), args![])?;
            let outcome: Option<(i64, i64, i64)> = Connection::Sqlite(&mut connection).fetch_optional(call).await?;
            is_done = matches!(outcome, Some((0, _, _)));
            if is_done || asked.elapsed() >= BUSY_TIMEOUT / 2 {
                break;
            }
        }
        connection.close().await?;
        if is_done { Ok(()) } else { Err(Error::Busy { what: "a reader holds the log".into() }) }
    }

    /// Closes the connections. Work of open transactions is rolled back; later calls answer [`Error::Closed`].
    pub async fn close(&self) {
        match &self.0.pools {
            Pools::Sqlite { readers, writer, .. } => {
                writer.close().await;
                readers.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("engine", &self.engine()).finish_non_exhaustive()
    }
}

/// What every SQLite connection has in common.
pub(crate) fn sqlite_options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(512)
        .row_buffer_size(256)
        .pragma("secure_delete", "ON")
        // As large as the log becomes (`backfill`): a file that is cut and grows again makes every commit wait for the file system's own journal.
        .pragma("journal_size_limit", "201326592")
        .disable_statement_logging()
}

async fn open_sqlite(file: &Path, readers: u32, known: &[Migrations], now: i64) -> Result<Pools> {
    let exists = folder::inspect(file)?;
    if exists {
        let mut look: SqliteConnection =
            SqliteConnectOptions::new().filename(file).read_only(true).disable_statement_logging().connect().await?;
        let applied = migrate::applied(Connection::Sqlite(&mut look), Engine::Sqlite).await?;
        migrate::pending(known, &applied)?;
        look.close().await?;
    }
    let pages = Pages::of(file);
    let mut writer = sqlite_options(file)
        .create_if_missing(true)
        .pragma("cache_size", pages.pragma())
        // Pages go into the file beside the writer.
        .pragma("wal_autocheckpoint", "0")
        // What a statement may have to undo is kept in memory too: as a file it was as much as the journal itself.
        .pragma("temp_store", "MEMORY")
        .connect()
        .await?;
    let applied = migrate::applied(Connection::Sqlite(&mut writer), Engine::Sqlite).await?;
    let steps = migrate::pending(known, &applied)?;
    if !steps.is_empty() {
        let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
        migrate::apply(Connection::Sqlite(&mut transaction), Engine::Sqlite, &steps, now).await?;
        let mark = format!("PRAGMA application_id = {APPLICATION_ID}");
        let mark = sqlx::SqlSafeStr::into_sql_str(sqlx::AssertSqlSafe(mark));
        Connection::Sqlite(&mut transaction).run(mark).await?;
        transaction.commit().await?;
    }
    let pool = SqlitePoolOptions::new()
        .max_connections(readers)
        .acquire_timeout(Duration::from_secs(30))
        // A connection within our own process does not die unnoticed.
        .test_before_acquire(false)
        .connect_with(sqlite_options(file).pragma("query_only", "ON"))
        .await?;
    let held =
        Arc::new(std::fs::File::open(file).map_err(|source| Error::Io { path: file.display().to_string(), source })?);
    let backfill = Backfill::start(file, Arc::clone(&held)).await?;
    let writer = Writer::start(writer, Log::of(backfill), pages);
    Ok(Pools::Sqlite { readers: pool, writer, _file: held })
}

async fn open_postgres(url: &str, readers: u32, known: &[Migrations], now: i64) -> Result<Pools> {
    let options: PgConnectOptions = url.parse()?;
    // What the server or the database has been set to does not decide whether a commit that was answered outlives a crash.
    let options =
        options.options([("search_path", POSTGRES_SCHEMA), ("synchronous_commit", "on")]).disable_statement_logging();
    let pool = PgPoolOptions::new()
        .max_connections(readers)
        .acquire_timeout(Duration::from_secs(30))
        .connect_with(options)
        .await?;
    let mut transaction = pool.begin().await?;
    // Two servers that start together migrate one after the other.
    sqlx::query("SELECT pg_advisory_xact_lock(5927118)").execute(&mut *transaction).await?;
    let applied = migrate::applied(Connection::Postgres(&mut transaction), Engine::Postgres).await?;
    let steps = migrate::pending(known, &applied)?;
    if !steps.is_empty() {
        sqlx::query("CREATE SCHEMA IF NOT EXISTS rapport").execute(&mut *transaction).await?;
        migrate::apply(Connection::Postgres(&mut transaction), Engine::Postgres, &steps, now).await?;
    }
    transaction.commit().await?;
    let collation: String =
        sqlx::query_scalar("SELECT datcollate::text FROM pg_database WHERE datname = current_database()")
            .fetch_one(&pool)
            .await?;
    if !matches!(collation.as_str(), "C" | "POSIX") {
        tracing::warn!(collation, "postgres.collation is not C: texts will sort differently from SQLite");
    }
    Ok(Pools::Postgres(pool))
}
