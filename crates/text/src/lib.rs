//! What texts say: text in, results out. No storage, no clock, no network, no other crate of ours, nothing to download.
//!
//! Always holds: any text is taken (empty, a megabyte long, control characters, anything that is valid UTF-8), in time that grows with its length as
//! `n log n` at worst; the same input gives the same result on every machine; ranges are byte ranges of the text that was given.

pub mod features;
pub mod feelings;
pub mod finding;
pub mod intents;
pub mod language;
pub mod learnt;
mod linear;
pub mod redaction;
pub mod rules;
pub mod similar;
pub mod themes;
pub mod words;
