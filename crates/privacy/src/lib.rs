//! What protects the people in the data: who agreed to what, what they may see, and how they are forgotten.
//!
//! Always holds: what is not known to be agreed to is not agreed to; what was said stays as it was said, and is only added to; everything that is
//! kept of a person is found through the data map ([`rapport_store::data_map`]), never through a second list.
//!
//! Does not: know the tables of other crates (they declare them), resolve identifiers to persons, or send anything.

pub mod consent;
pub mod error;
pub mod links;
pub mod overview;
pub mod proofs;
pub mod records;
pub mod schema;
pub mod sealing;
pub mod subject;
pub mod suppression;
pub mod told;

pub use consent::{Scope, Standing, State, Statement, Verdict};
pub use error::Error;
pub use links::{Link, Links};
pub use proofs::Proofs;
pub use schema::{DATA_MAP, MIGRATIONS};
pub use subject::{Subject, Tables};
pub use suppression::Suppressions;
