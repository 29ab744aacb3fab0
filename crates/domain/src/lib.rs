//! The words every other crate speaks: ids, money, time, calendars, languages, the event, purposes, channels, and the two doors through
//! which the outside world comes in, [`Clock`] and [`Rng`].
//!
//! Always holds: nothing here does I/O, is asynchronous, or knows SQL, HTTP or Arrow.

pub mod assignment;
pub mod business_hours;
pub mod calendar;
pub mod channel;
pub mod clock;
pub mod event;
pub mod holidays;
pub mod ids;
pub mod language;
pub mod money;
pub mod plain;
pub mod purpose;
pub mod random;
pub mod shop_events;
pub mod timestamp;

pub use business_hours::BusinessHours;
pub use calendar::{Calendar, Interval, WeekStart};
pub use channel::Channel;
pub use clock::{Clock, ManualClock, SystemClock};
pub use event::{Event, EventId, EventKind, Identifier, IdentifierKind, NaturalKey};
pub use ids::{AccountId, Handle, Id, PersonId, SourceId, WorkspaceId};
pub use language::Language;
pub use money::{Currency, Money, MoneyError};
pub use purpose::Purpose;
pub use random::{Rng, SeededRng, SystemRng};
pub use timestamp::Timestamp;
