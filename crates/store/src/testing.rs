//! For tests of records: a database of one's own on each engine ([`crate::db_test`]), and the check that every statement
//! written in a crate's source can be prepared on both.
//!
//! Always holds: each test has an empty database with the schema it asked for, a clock that stands still and seeded
//! randomness; it is gone afterwards, even when the test fails.

mod postgres;
mod sqlite;
mod statements;

use std::ops::Deref;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Arc;

use rapport_domain::{ManualClock, SeededRng, Timestamp};

pub use sqlite::lay_tables;
pub use statements::{assert_indexes_are_used, prepare_statements};

use crate::{Migrations, Store, StoreConfig};

/// When the clocks of tests begin: 2026-01-01.
const STARTS: Timestamp = Timestamp::from_seconds(1_767_225_600);

/// The database of one test; use it as the [`Store`] it holds.
#[derive(Debug)]
pub struct TestDatabase {
    /// The store.
    pub store: Store,
    /// Its clock, at 2026-01-01 until told otherwise.
    pub clock: Arc<ManualClock>,
}

impl Deref for TestDatabase {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

/// What a test may return.
pub trait Outcome {
    /// Panics when the test failed.
    fn check(self);
}

impl Outcome for () {
    fn check(self) {}
}

impl<E: std::fmt::Debug> Outcome for Result<(), E> {
    fn check(self) {
        if let Err(error) = self {
            panic!("the test returned {error:?}");
        }
    }
}

/// Runs a test on SQLite, in a temporary folder.
pub fn on_sqlite<F, O>(migrations: Vec<Migrations>, test: impl FnOnce(TestDatabase) -> F)
where
    F: Future<Output = O>,
    O: Outcome,
{
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    block_on(async {
        lay_tables(folder.path(), &migrations).await;
        test(open_folder(folder.path(), &migrations).await).await
    })
    .check();
}

/// Runs a test on PostgreSQL, in a database of its own; says so when there is none.
pub fn on_postgres<F, O>(migrations: Vec<Migrations>, test: impl FnOnce(TestDatabase) -> F)
where
    F: Future<Output = O>,
    O: Outcome,
{
    with_postgres(&migrations, |url| {
        block_on(async { test(open_at(url, &migrations).await).await }).check();
    });
}

/// Gives a test the URL of a PostgreSQL database of its own, which other processes may open ([`open_at`]); says so when there is none.
pub fn with_postgres(migrations: &[Migrations], test: impl FnOnce(&str)) {
    let Some(server) = postgres::Server::from_environment() else { return };
    let name = block_on(server.create_database(migrations));
    let url = server.url_of(&name);
    let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| test(&url)));
    block_on(server.drop_database(&name));
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

/// A store in `folder` with a standing clock and seeded randomness, for tests that need SQLite's folder itself.
pub async fn open_folder(folder: &Path, migrations: &[Migrations]) -> TestDatabase {
    open(StoreConfig::folder(folder), migrations).await
}

/// The same wherever the database is: a folder, or a `postgres://` URL ([`with_postgres`]).
pub async fn open_at(place: &str, migrations: &[Migrations]) -> TestDatabase {
    let config =
        if place.starts_with("postgres://") { StoreConfig::postgres(place) } else { StoreConfig::folder(place) };
    open(config, migrations).await
}

async fn open(config: StoreConfig, migrations: &[Migrations]) -> TestDatabase {
    let clock = Arc::new(ManualClock::at(STARTS));
    let config = config.clock(clock.clone()).rng(Arc::new(SeededRng::new(1)));
    let store = Store::open(config, migrations).await.expect("the test's database opens");
    TestDatabase { store, clock }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime can be built").block_on(future)
}

/// One name for one schema.
fn schema_name(migrations: &[Migrations]) -> String {
    let mut hasher = blake3::Hasher::new();
    for migration in std::iter::once(&crate::MIGRATIONS).chain(migrations) {
        hasher.update(migration.namespace.as_bytes());
        for step in migration.list {
            hasher.update(step.sql.as_bytes());
        }
    }
    hasher.finalize().to_hex()[..16].to_owned()
}
