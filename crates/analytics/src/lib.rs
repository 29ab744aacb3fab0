//! Questions and their answers: trends, funnels, retention, RFM and key figures over a workspace's events, experiments read out, offers, and models at work
//! with what they say of people.
//!
//! Always holds: a question is data with one JSON form, is checked before anything is planned, becomes a typed plan (never SQL
//! text), and runs within a budget of time and memory; dropping the future of an answer cancels it. Per-person mathematics is that of
//! the `sequences` crate. Intervals are those of the workspace's calendar, and those that are not over are marked. Money is added
//! up exactly, in one currency.
//!
//! Does not: decide who may ask, keep questions, draw anything, or run jobs.

pub mod aggregates;
mod analytics;
pub mod answer;
mod asking;
pub mod baskets;
mod breakdown;
pub mod catalog;
pub mod churn;
mod columns;
pub mod engagement;
mod english;
mod error;
pub mod experiment;
pub mod foretelling;
mod funnel;
pub mod groups;
mod kpis;
pub mod lifecycle;
pub mod loyalty_index;
pub mod members;
mod people;
mod period;
pub mod propensity;
pub mod question;
pub mod recommend;
mod retention;
pub mod rfm;
mod schema;
pub mod scores;
mod trend;
pub mod usual_hours;
pub mod value;

pub use analytics::{Analytics, Context};
pub use answer::{Answer, Cell, Detail};
pub use error::{Error, Result};
pub use people::Part;
pub use question::Question;
