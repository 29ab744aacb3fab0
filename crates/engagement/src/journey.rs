//! Journeys: what happens with somebody from the moment they come in until they leave.
//!
//! A [`Definition`] is the plan: who comes in ([`Entry`]), the nodes they pass ([`Step`]), and what takes them out. An [`Instance`] is one
//! person on the way through one version of it. [`rules::look`] says what happens to an instance at an instant, from nothing but the plan, the
//! instance and its [`Situation`]: it can be asked at any time, and asked again it does nothing twice. A campaign is a journey that people enter on a
//! schedule.
//!
//! Always holds: an instance moves on only by [`rules::look`]; it keeps the version it came in with until it is moved explicitly; whoever is not
//! sent something has a [`Reason`](crate::sending::Reason).

pub mod check;
pub mod definition;
pub mod instance;
pub mod ready;
pub mod rules;
pub mod situation;
pub mod turns;

pub use definition::{Class, Definition, Entry, Node, Reentry, Step, When};
pub use instance::{End, Instance};
pub use situation::{Situation, Suppressed};
