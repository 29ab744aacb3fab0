//! Experiments, feature flags and holdouts: who gets what by chance, that this is noted before it acts, and what can be said of it afterwards.
//!
//! [`design`] is what staff write, [`checks`] refuses what cannot work, [`change`] says what a change does to who is in already. [`evaluate()`] decides
//! for one unit; [`records::exposures`] notes it, in the transaction of what it leads to. [`readout`] says in numbers and in words what came of it,
//! and [`attribution`] what a journey or campaign brought in. [`open_feature`] is the same for the company's own site and apps. [`policies`] are choices that
//! learn what they bring while they are made.
//!
//! Always holds: the same unit gets the same variant of a design for ever; whoever was exposed keeps their variant whatever the design becomes; what
//! is not running gives everybody the control.
//!
//! Does not do: know conditions (it is told which hold), send anything, or sum up metrics (it is handed their sums by variant).

pub mod attribution;
pub mod change;
pub mod checks;
pub mod design;
pub mod error;
pub mod evaluate;
pub mod global_holdout;
pub mod groups;
pub mod open_feature;
pub mod policies;
pub mod readout;
pub mod records;
pub mod refusal;
pub mod schema;
pub mod service;

pub use change::{Change, change};
pub use design::{Design, Experiment, Kind, State, Variant};
pub use error::Error;
pub use evaluate::{Decision, Exposure, Held, Reason, Situation, evaluate, held_out};
pub use refusal::Refusal;
pub use schema::{DATA_MAP, MIGRATIONS};
