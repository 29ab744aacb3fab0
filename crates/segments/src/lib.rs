//! Who and which: the one typed condition tree of the product, its JSON form, its plain evaluator, and its compiler to a plan of
//! the query engine.
//!
//! Always holds: a condition tests events and facts, nothing else; a text from a user never becomes SQL, a regular expression or
//! code; evaluator and compiler agree on every condition ([`condition`] says what one means). It sends nothing and stores nothing.

mod accumulate;
pub mod batch;
pub mod compile;
pub mod condition;
pub mod duration;
mod error;
pub mod evaluate;
pub mod export;
mod history;
pub mod instant;
pub mod kept;
pub mod live;
pub mod occurred;
mod person;
mod program;
pub mod records;
pub mod schema;
mod text;
pub mod value;

pub use compile::{EventColumns, Sources, event_filter, person_set};
pub use condition::{Condition, Limits, Scope};
pub use duration::{Duration, DurationError};
pub use error::Error;
pub use evaluate::{EventView, FactView, SegmentView, Subject, holds};
pub use history::{History, Spans, spans};
pub use instant::{Instant, Moment};
pub use person::{Change, Person, Told};
pub use program::{Program, Seen};
pub use schema::{DATA_MAP, MIGRATIONS};
