//! Ladders of tiers: who stands where, since when and until when, and what is missing to the next tier. Pure.
//!
//! A [`Ladder`] counts things ([`Measure`]: points, money, orders, events, a condition) within a period and says what each tier needs of them. [`Course`] follows one member along it.
//!
//! Always holds: how somebody stands is a function of what happened and when, of the ladder's versions and of the present; never of the order in which it was heard of, nor of whether a job
//! was in time. At one instant there is at most one move. What went back never counted: a tier that was reached by it is lost with it.
//!
//! Does not: read or write anything ([`crate::records::tiers`]), or look at conditions; whoever asks brings along when they held.

mod course;
mod forecast;
mod ladder;
mod period;
mod series;

pub use course::{Course, Kind, Match, Move, Standing, Why};
pub use forecast::{Forecast, Next, Outlook, Progress};
pub use ladder::{
    Anchor, Benefit, BenefitKind, Counted, Downgrade, LADDERS_MAX, Ladder, Length, Measure, Needs, Period, Tier, Times,
};
pub use series::{History, Series};
