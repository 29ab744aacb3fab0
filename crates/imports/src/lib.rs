//! Files of any shape in, events out: finds out how a file is written, says what is in it, proposes what its columns mean, and
//! turns its rows into events.
//!
//! ```no_run
//! use rapport_domain::Timestamp;
//! use rapport_imports::{Goal, Import, Options, Output};
//!
//! let mut import = Import::open(&["orders.csv".into()], Options::at(Timestamp(0)))?;
//! let mapping = import.propose(Goal::Orders)?;
//! let mut events = import.events(&mapping)?;
//! for output in &mut events {
//!     match output? {
//!         Output::Event(event) => println!("{} {}", event.natural_key.0, event.name),
//!         Output::Reject(reject) => println!("row {}: {}", reject.row_number, reject.message),
//!         Output::Progress(progress) => println!("{} rows", progress.rows_read),
//!     }
//! }
//! println!("{} orders", events.report().orders);
//! # Ok::<(), rapport_imports::Error>(())
//! ```
//!
//! Always holds: memory is bounded whatever a file's size; a row that cannot be taken is given back with its number and the reason,
//! and stops nothing; the same files, mapping and options give the same events in the same order, with the same natural keys.
//! Does not store anything, read a clock, or know workspaces: who calls adds those.

pub mod columns;
mod error;
mod event;
mod events;
mod import;
mod json_rows;
mod looks_like;
pub mod mapping;
mod parquet_rows;
pub mod profile;
mod progress;
mod readings;
mod records;
mod report;
mod row;
mod sniff;
mod table;
mod unpack;
pub mod values;
mod words;
pub mod written;

pub use columns::TextTable;
pub use error::Error;
pub use event::{ImportedEvent, Output, Reject};
pub use events::Events;
pub use import::{Import, Options};
pub use mapping::{Field, Goal, Mapping, Role};
pub use profile::FileProfile;
pub use progress::Progress;
pub use report::{Report, RuleCount};
pub use sniff::{FileFormat, Layout};
pub use unpack::Packing;
