//! The mathematics of customers: arrays in, results out. No storage, no clock, no other crate of ours.
//!
//! Always holds: every formula names its source, and is compared in the tests with published results or with a slow, obvious computation.

pub mod association;
pub mod attribution;
pub mod bandits;
pub mod baskets;
mod bisection;
pub mod buying;
pub mod changes;
mod cholesky;
mod columns;
pub mod discovery;
mod distributions;
pub mod estimate;
pub mod experiments;
pub mod fault;
pub mod forecast;
pub mod groups;
pub mod learn;
pub mod medoid;
pub mod optimise;
pub mod patterns;
pub mod recommend;
mod resampling;
pub mod special;
pub mod structural;
pub mod survey;
pub mod survival;
mod symmetric;
pub mod uplift;
pub mod usual_hour;

pub use association::{Association, Table};
pub use discovery::adjusted;
pub use estimate::{Estimate, Interval};
pub use fault::Fault;
pub use medoid::medoid;
