//! Experiments at work: who gets what ([`deciding`]), in journeys too ([`lots`]), what sites say they have shown ([`reporting`]), what came of it
//! ([`reading`]), what a journey brought in ([`effect`]), and who gets no marketing at all ([`global`]).
//!
//! Always holds: an exposure is noted before its answer leaves, or in the transaction of what it leads to; chances, checks and words are those of
//! `rapport-experiments`, sums those of `rapport-analytics`.

pub mod deciding;
pub mod effect;
pub mod global;
pub mod live;
pub mod lots;
pub mod metrics;
pub mod reading;
pub mod reporting;
pub mod sample;

pub use live::{Known, LiveExperiments};
