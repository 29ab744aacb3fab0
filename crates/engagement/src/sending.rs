//! Whether, when and how a message goes out.
//!
//! [`policy::decide`] is the one rule for all of them: consent, caps, quiet hours and the rest are judged together, in the transaction that writes
//! the message's row. What it decides has a [`Reason`] that people can read.
//!
//! Always holds: a message that is not known to be allowed is not sent.

pub mod policy;
pub mod reason;
pub mod settings;

pub use policy::{Ask, Decision, Pace, decide};
pub use reason::Reason;
pub use settings::{Cap, Quiet, Settings, Window};
