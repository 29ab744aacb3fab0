//! What is stored, table by table.

pub mod confirmations;
pub mod consents;
pub mod notices;
pub mod proofs;
pub mod requests;
pub mod restrictions;
pub mod secrets;
pub mod suppressions;
pub mod topics;
pub mod wishes;
