//! The SQL of the server's own tables, one module a table. No decisions here.

pub mod api_keys;
pub mod audit;
pub mod questions;
pub mod rejects;
pub mod sessions;
pub mod sign_in_failures;
pub mod sign_in_links;
pub mod sources;
pub mod users;
pub mod webhooks;
pub mod workspaces;
pub mod write_keys;
