//! The product database: SQLite or PostgreSQL behind one facade, with one SQL text for both.
//!
//! Always holds: what [`Tx::commit`] acknowledged is on disk; on SQLite there is one writer, which begins `IMMEDIATE` and
//! serves interactive requests first; a second process on the same data folder is refused; a database of a newer version
//! is refused untouched. After a statement of a transaction failed, that transaction (or its innermost savepoint) can only
//! be rolled back, on both engines.
//!
//! Does not: know any business rule, or show sqlx's types to other crates; retry by itself: a failed transaction is begun
//! again by whoever knows how ([`Error::is_retryable`]).
//!
//! ```no_run
//! use rapport_domain::{PersonId, Timestamp};
//! use rapport_store::{Priority, Queries, Record, Result, Store, StoreConfig, args, sql};
//!
//! #[derive(Record)]
//! struct Seen {
//!     person: PersonId,
//!     seen_at: Option<Timestamp>,
//! }
//!
//! async fn find(db: &mut impl Queries, persons: &[PersonId]) -> Result<Vec<Seen>> {
//!     db.fetch_all(sql!("SELECT person, seen_at FROM seen WHERE person IN ($1)"), args![persons]).await
//! }
//!
//! async fn example(now: Timestamp) -> Result<()> {
//!     let store = Store::open(StoreConfig::folder("data"), &[]).await?;
//!     let mut tx = store.begin(Priority::Interactive).await?;
//!     let insert = sql!("INSERT INTO seen (person, seen_at) VALUES {rows} ON CONFLICT DO NOTHING");
//!     tx.execute_many(insert, (1..=1_000).map(|n| args![PersonId(n), now])).await?;
//!     assert!(!find(&mut tx, &[PersonId(1)]).await?.is_empty());
//!     tx.commit().await?;
//!     find(&mut store.read(), &[PersonId(2), PersonId(3)]).await.map(drop)
//! }
//! ```

extern crate self as rapport_store;

pub mod arg;
mod backfill;
pub mod column;
pub mod config;
mod connection;
pub mod cursor;
pub mod data_map;
pub mod engine;
pub mod error;
mod folder;
pub mod jobs;
pub mod migrate;
pub mod outbox;
mod pages;
pub mod read;
mod schema;
pub mod slice;
pub mod sql;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod tx;
mod writer;

pub use arg::{Arg, Args};
pub use column::{Cell, Column, Json, Record, Row};
pub use config::StoreConfig;
pub use engine::Engine;
pub use error::{Error, Result};
pub use folder::FolderLock;
pub use migrate::{Migration, Migrations};
pub use rapport_store_macros::{Record, db_test};
pub use read::{Each, Queries, Reader, Rows, Snapshot};
pub use schema::{DATA_MAP, MIGRATIONS};
pub use slice::Slice;
pub use sql::Sql;
pub use store::Store;
pub use tx::{Priority, Tx, Writes};
