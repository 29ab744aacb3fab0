//! How a message leaves the house, and what comes back: mail ([`mail`], [`dkim`], [`smtp`]), what mail servers and mailboxes return
//! ([`returned`], [`mailbox`]) or carriers report ([`mail_reports`]), lists at advertising platforms ([`advertising`]), text messages ([`text_messages`]), web push ([`push`]), and the one door to other people's servers ([`outbound`]).
//!
//! Always holds: a message is sent once or the caller is told that it cannot be known ([`Outcome::Unsure`]); texts of other servers are shortened and
//! carry no address ([`redaction`]); what comes from outside is bounded in size and never trusted.
//! Nothing here knows persons, consent, journeys or tables, and nothing is tried again behind the caller's back.

pub mod advertising;
pub mod callback;
pub mod dkim;
mod error;
pub mod letters;
pub mod mail;
pub mod mail_reports;
pub mod mailbox;
pub mod outbound;
mod outcome;
pub mod push;
pub mod redaction;
pub mod returned;
pub mod smtp;
pub mod text_messages;
mod tls;

pub use error::Error;
pub use outcome::{Outcome, Refusal, RefusalKind};
