//! What is done with surveys, each in the caller's transaction: written and opened, asked, answered.

pub mod answering;
pub mod asking;
pub mod editing;
pub mod visiting;

use rapport_domain::Timestamp;

/// Who does something, and when.
#[derive(Clone, Copy, Debug)]
pub struct Author<'a> {
    /// The id of a user or key.
    pub by: &'a str,
    /// The present.
    pub at: Timestamp,
}
