//! The crate on real texts. The data is not part of the repository: without it each test says that it is skipped.

mod data;
mod feelings;
mod intents;
mod language;
mod learnt;
mod redaction;
mod rules;
mod themes;
