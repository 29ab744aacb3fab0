//! What is stored of engagement, table by table.
//!
//! Always holds: every statement names the workspace; nothing here decides.

pub mod acts;
pub mod addresses;
pub mod audiences;
pub mod copies;
pub mod inbox;
pub mod instances;
pub mod journeys;
pub mod letterheads;
pub mod messages;
pub mod numbers;
pub mod runs;
pub mod settings;
pub mod slots;
pub mod subscriptions;
pub mod templates;
