//! Which identifiers are one person, why, and how to take it back.

pub mod partition;
