//! Challenges: things to do for which members get points and badges; streaks and stamp cards are challenges too. Pure.
//!
//! [`Challenge`] is what staff write, [`Challenge::entries`] says what one event counts, [`Course`] walks through all that counted and says how far a member is and what they completed when.
//!
//! Always holds: progress is a function of what happened, so that order of arrival, late events, telling twice and refunds cannot make it wrong; each step of a round of a period is completed
//! at most once.
//!
//! Does not: give anything; [`records::challenges`](crate::records::challenges) compares what was completed with what was given.

mod challenge;
mod counting;
mod course;
mod spans;

pub use challenge::{Challenge, Counts, Joins, Recurrence, Rollback, Step};
pub use counting::Counted;
pub use course::{Course, Done, Entry, Progress, Streak};
pub use spans::{Period, Span, StreakUnit};
