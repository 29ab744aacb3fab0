//! What is stored, table by table.

pub mod counts;
pub mod experiments;
pub mod exposures;
pub mod groups;
