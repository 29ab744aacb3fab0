//! Models, their versions and scores in the product database.

pub mod models;
pub mod scores;
pub mod versions;

pub use models::ModelRow;
pub use scores::{ScoreRow, Wanted};
pub use versions::{State, VersionRow};
