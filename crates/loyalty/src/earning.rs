//! What somebody earns by something they did: rules in, points and the reason for each out. Pure.
//!
//! A rule looks at one event; its condition says for whom and for what. What it gives is fixed, or goes by an amount, by units, by a number of the event, or
//! multiplies what other rules give. Rules of a group stand in for each other ([`Mode`](crate::program::Mode)); caps cut what is left.
//!
//! Always holds: points are whole; a share is rounded once, at the end of a rule; multipliers do not multiply each other (twice and three times are four times
//! together); whatever was looked at has a line that says what came of it, also where it came to nothing; the same occasion under the same rules gives the same.
//!
//! Does not: post. Caps ask whoever calls what was used up; [`Awards`] says which commands to the ledger make points follow what happened.

mod amounts;
mod awards;
mod rate;
mod rule;

pub use amounts::{Amounts, Item};
pub use awards::{Award, Awards, Count, Happened, OWN_IDS, Step, given};
pub(crate) use rate::Looks;
pub use rate::{InForce, Line, Occasion, Outcome, Period, Rated, Used, holds_out, rate};
pub use rule::{Base, Cap, CapOf, CapPer, Every, Gives, Round, Rule, Window};
pub(crate) use rule::{check_caps, check_event, check_holdout, refuse_history};
