//! The lake: events as Parquet in cells of (period x bucket of the person), the newest ones as Arrow batches in memory, and both
//! as one table for questions.
//!
//! Always holds: what was appended is seen by the next snapshot; a snapshot never changes; answers do not depend on what is hot,
//! flushed, moved or compacted; identifiers, contact data and free text have no way in ([`PropertyPolicy`]).
//!
//! Does not: know what an event means, or who may read it.

mod backend;
mod batch;
mod catalog;
mod changes;
pub mod columns;
mod compact;
mod error;
mod files;
pub mod functions;
mod gathered;
mod hot;
mod lake;
mod layout;
mod partitioned;
mod point;
mod read_back;
pub mod reading;
mod registry;
mod reshred;
mod row;
mod scan;
mod session;
mod snapshot;
mod workspace;
mod writer;

pub use backend::{ExecutionBackend, Local};
pub use catalog::{DATA_MAP, LAKE_COLUMNS, MIGRATIONS};
pub use changes::Move;
pub use columns::{PropertyColumn, PropertyType};
pub use compact::Compacted;
pub use error::{Error, Result};
pub use files::Location;
pub use gathered::KEEPS_ROWS;
pub use lake::{Flushed, Lake, Settings, Ticket, record_moves, record_superseded};
pub use layout::{Cell, Granularity, Layout, bucket};
pub use registry::{HotRule, PropertyUse, Registry};
pub use row::{EventRow, Fate, PropertyPolicy};
pub use session::{Budget, MAX_PLAN_DEPTH, MAX_PLAN_NODES, QueryContext, check_size};
pub use snapshot::{NameUse, Positions, Snapshot, TableOptions};
