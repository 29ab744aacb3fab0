//! What happens to journeys, each part in a transaction of its own: launching and stopping ([`launching`]), coming in ([`entering`]), going on
//! ([`running`]), and going out on a schedule ([`scheduling`]).
//!
//! Always holds: what is decided for a person and the rows that say so commit together; after a crash it goes on where the last commit left it.

pub mod entering;
pub mod launching;
pub mod running;
pub mod scheduling;

/// Somebody came into a journey.
pub const ENTERED: &str = "journey.entered";
/// Somebody is out of a journey.
pub const EXITED: &str = "journey.exited";
/// Somebody reached a journey's goal.
pub const GOAL: &str = "journey.goal_reached";
/// A lot decided about somebody: an arm of an experiment, a split or a holdout.
pub const EXPOSED: &str = "experiment.exposed";
