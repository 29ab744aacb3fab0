//! The product database: SQLite or PostgreSQL behind one facade, with one SQL text for both.
//!
//! Always holds: what [`Tx::commit`] acknowledged is on disk; on SQLite there is one writer, which begins `IMMEDIATE` and
//! serves interactive requests first; a second process on the same data folder is refused; a database of a newer version
//! is refused untouched. After a statement of a transaction failed, that transaction (or its innermost savepoint) can only
//! be rolled back, on both engines.
//!
//! Does not: know any business rule, or show sqlx's types to other crates.

extern crate self as rapport_store;

pub mod arg;
pub mod column;
mod connection;
pub mod cursor;
pub mod data_map;
pub mod error;
mod folder;
pub mod jobs;
pub mod migrate;
pub mod outbox;
pub mod read;
mod schema;
pub mod sql;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod tx;
mod writer;

pub use arg::{Arg, Args};
pub use column::{Cell, Column, Json, Record, Row};
pub use error::{Error, Result};
pub use folder::FolderLock;
pub use migrate::{Migration, Migrations};
pub use rapport_store_macros::{Record, db_test};
pub use read::{Queries, Reader, Snapshot};
pub use schema::{DATA_MAP, MIGRATIONS};
pub use sql::Sql;
pub use store::{Engine, Store, StoreConfig};
pub use tx::{Priority, Tx};
