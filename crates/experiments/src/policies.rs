//! Policies: choices that learn. What is chosen among (arms), what a choice brought (the reward), with which chance each arm was taken, and what another
//! policy would have brought.
//!
//! [`design`] is what staff write, [`checks`] refuses what cannot work, [`service`] makes, changes, starts and fixes. [`learner`] says with which chance each
//! arm is taken, [`decisions`] keeps what was chosen, [`settling`] learns what it brought, [`judging`] says what it is worth.
//!
//! Always holds: a decision is kept in the transaction of what it leads to, with the chance that its arm had; a reward is learnt once, in the
//! transaction that marks its decision; until each arm has [`learner::LEAST`] rewards all have the same chance.
//!
//! Does not do: know people, events or channels. It is told what is known of somebody, and what came.

pub mod checks;
pub mod decisions;
pub mod design;
pub mod effects;
pub mod judging;
pub mod learner;
pub mod records;
pub mod service;
pub mod settling;

pub use design::{Arm, Design, Kind, Policy, State};
pub use learner::Chances;
