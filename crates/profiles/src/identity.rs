//! Which identifiers are one person, why, and how to take it back.

pub(crate) mod cluster;
pub mod partition;
pub mod undo;
