//! Topics: themes that a workspace keeps, as a tree that people edit, with words that mean them and clauses that people put into them; and what is said of
//! each, how much, how it feels, and what changed.
//!
//! Always holds: every version of the tree is kept; a topic's key stays when it is renamed; a text counts once for a topic and once for each topic above it;
//! what people corrected is learnt from; competitors' texts are counted apart.
//!
//! Does not do: find themes that nobody thought of (`text::themes`), keep texts: what people put where is kept as the clause of the text as it is shown, and
//! goes with the person.

pub mod aspects;
pub mod records;
pub mod schema;
pub mod sorter;
pub mod tree;

pub use schema::{DATA_MAP, MIGRATIONS};
pub use sorter::Sorter;
pub use tree::{Node, Tree};
