//! Choices that are learnt from while they are made, and what another policy would have brought.
//!
//! A [`Bandit`] chooses among arms of which each decision knows the same, a [`LinearBandit`] by what is known of the person. An arm is anything that can be given
//! by chance: an offer, a subject line, a channel, or how often to write. Every [`Decision`] has the propensity of each arm; logged, they are what
//! [`inverse_propensity`], [`self_normalised`] and [`doubly_robust`] judge other policies by.
//!
//! Always holds: an arm is drawn with exactly the propensity that is told; an estimate comes with its interval and with how many decisions it really rests on.
//!
//! Does not do: decide when an experiment is over, or what a reward is; who stops a bandit because an arm looks good has looked too often.

mod belief;
mod choice;
mod factor;
mod kept;
mod linear;
mod off_policy;
mod plain;

pub use belief::Chances;
pub use choice::{Decision, Rule};
pub use linear::{LinearBandit, LinearOptions};
pub use off_policy::{Logged, Value, doubly_robust, inverse_propensity, self_normalised};
pub use plain::{Bandit, Rewards};
