//! Models, their versions and scores in the product database.

pub mod marks;
pub mod models;
pub mod personas;
pub mod scores;
pub mod versions;

pub use models::ModelRow;
pub use personas::PersonaRow;
pub use scores::{ScoreRow, Wanted};
pub use versions::{State, VersionRow};
