//! What is said to customers: the templates of messages ([`content`]).
//!
//! Always holds: pure. Nothing here stores, sends, or asks for the time; a template and data come in, a message comes out.

pub mod content;
mod error;

pub use error::Error;
