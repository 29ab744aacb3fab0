//! Takes events in: decodes request bodies, validates and normalises their items, drops repeated ones, and keeps the rest in
//! a durable ordered log that consumers read from.
//!
//! Always holds: an event is acknowledged only after it is on the disk; it stands in the log once; positions have no gap; bad
//! items never stop good ones. It does not know HTTP, does not keep cursors, and does not know what consumers do.

pub mod call;
pub mod decode;
pub mod error;
pub mod limits;
pub mod log;
pub mod reject;

pub use call::Call;
pub use decode::{Body, Decoded, Origin, inflate};
pub use error::Error;
pub use limits::Limits;
pub use log::{AppendResult, IntakeLog, LogOptions, ReadBatch};
pub use reject::{Refusal, Reject, RejectCode, Warning};
