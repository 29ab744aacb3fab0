//! When an event happened, as properties that every event has: `occurred.hour` (0 to 23) and `occurred.weekday` (`monday` to `sunday`), by the
//! clock of the workspace. So people who come in the evening or at weekends are found with the tests of any property.
//!
//! Always holds: an event's own property of such a name is never read; the hour of a repeated or skipped clock hour is what the clock showed.

use rapport_domain::{Calendar, Timestamp};
use serde_json::Value;

use crate::condition::{Operand, Test};

/// The days of the week, as they are compared.
pub const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// What is asked of the time of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occurred {
    /// `occurred.hour`
    Hour,
    /// `occurred.weekday`
    Weekday,
}

impl Occurred {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Hour, Self::Weekday];

    /// The path that stands for it.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Hour => "occurred.hour",
            Self::Weekday => "occurred.weekday",
        }
    }

    /// What a property's path asks of the time, if it does.
    pub fn of_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|occurred| occurred.path() == path)
    }

    /// What it is for an event of `instant`.
    pub fn value(self, instant: Timestamp, calendar: &Calendar) -> Value {
        match self {
            Self::Hour => Value::from(calendar.hour(instant)),
            Self::Weekday => Value::from(weekday(instant, calendar)),
        }
    }

    /// What is wrong with a test of it, if something is.
    pub(crate) fn problem(self, test: &Test) -> Option<&'static str> {
        let fits = |operand: &Operand| match (self, operand) {
            (Self::Hour, Operand::Number(number)) => {
                number.micros() % 1_000_000 == 0 && (0..24).contains(&(number.micros() / 1_000_000))
            }
            (Self::Weekday, Operand::Text(text)) => WEEKDAYS.contains(&text.as_str()),
            _ => false,
        };
        let is_right = match test {
            Test::Equals(operand) | Test::NotEquals(operand) => fits(operand),
            Test::In(operands) | Test::NotIn(operands) => operands.iter().all(|operand| fits(operand)),
            Test::AtLeast(number) | Test::MoreThan(number) | Test::AtMost(number) | Test::LessThan(number) => {
                self == Self::Hour && fits(&Operand::Number(**number))
            }
            Test::Between(from, to) => {
                self == Self::Hour && fits(&Operand::Number(**from)) && fits(&Operand::Number(**to))
            }
            _ => false,
        };
        match self {
            _ if is_right => None,
            Self::Hour => Some(
                "an hour is a whole number from 0 to 23, compared by at_least, more_than, at_most, less_than, between, equals or in",
            ),
            Self::Weekday => Some(
                "a weekday is monday, tuesday, wednesday, thursday, friday, saturday or sunday, compared by equals or in",
            ),
        }
    }
}

/// The day of the week of an instant.
pub(crate) fn weekday(instant: Timestamp, calendar: &Calendar) -> &'static str {
    // Never beyond the seven.
    WEEKDAYS[usize::from(calendar.weekday(instant)) % 7]
}
