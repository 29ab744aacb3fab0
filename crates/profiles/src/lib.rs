//! One profile a person: identifiers and the evidence that joins them, facts, accounts, orders, and what the timeline needs.
//!
//! Always holds: persons are derived from evidence, which is only ever added to; facts, orders and texts are kept by handle, so that
//! joining and parting persons moves nothing. Errors are the store's: there is no rule here that can refuse an accepted event.
//!
//! Does not do: segments, scores' mathematics, the lake.

pub mod apply;
pub mod classify;
pub mod data_map;
pub mod fold;
pub mod identity;
pub mod orders;
pub mod records;
pub mod schema;

pub use apply::{Applied, AppliedEvent, Backlog, Moved, Profiles, Settings};
pub use data_map::DATA_MAP;
pub use schema::MIGRATIONS;
