//! What is said to customers, to whom and when: templates of messages ([`content`]), the ways people take ([`journey`]), whether a message goes
//! out ([`sending`]), and who is told to advertising platforms ([`audiences`]).
//!
//! Always holds: what decides is pure: it neither stores, sends, nor asks for the time. What is stored is written with what caused it, in one
//! transaction. Nothing here talks to the outside: [`records::messages`] is where the server fetches what is to be sent.

pub mod audiences;
pub mod content;
pub mod dry_run;
mod error;
pub mod journey;
pub mod lots;
pub mod plans;
pub mod records;
pub mod schema;
pub mod sending;
pub mod service;
pub mod situations;
pub mod slots;
pub mod timing;
pub mod tracking;
pub mod zones;

pub use error::Error;
pub use schema::{DATA_MAP, MIGRATIONS};
