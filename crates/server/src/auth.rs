//! Who asks, and what they may do: passwords, sessions, keys, roles.
//!
//! Always holds: secrets are 256 random bits and stored as hashes only; every route of the API declares the permission it needs, and
//! one that declares none is closed; a write with a session needs the session's CSRF token.

pub mod caller;
pub mod guard;
pub mod issue;
pub mod key_cache;
pub mod passwords;
pub mod roles;
pub mod secrets;
pub mod sessions;
pub mod sign_in;

pub use caller::{Actor, Caller};
pub use roles::{Permission, Role, Scope};
