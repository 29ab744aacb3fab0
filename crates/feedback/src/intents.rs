//! Intents: what texts want ("where is my order", "cancel"), as a workspace names them and shows by examples.
//!
//! Always holds: what is kept of an example has no personal data in it; the same examples give the same model (`text::intents`); an intent's examples are
//! replaced as a whole.

pub mod records;
pub mod schema;

pub use schema::{DATA_MAP, MIGRATIONS};

/// Intents of a workspace, at most.
pub const MOST_INTENTS: usize = 300;
/// Examples of an intent, at most.
pub const MOST_EXAMPLES: usize = 2_000;
/// Letters of an example, at most.
pub const LONGEST: usize = 1_000;
