//! Choices that are learnt from while they are made: what another policy would have brought, from decisions logged with their probabilities.
//!
//! Always holds: an estimate comes with its interval and with how many decisions it really rests on.

mod off_policy;

pub use off_policy::{Logged, Value, doubly_robust, inverse_propensity, self_normalised};
