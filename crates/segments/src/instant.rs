//! Times inside a condition: an instant, or a civil date, which stands for the whole day in the workspace's zone.
//!
//! Always holds: a date has no meaning without a [`Calendar`]; it is resolved when a condition is evaluated or compiled, so that
//! a stored condition follows the workspace's zone.

use jiff::civil::Date;
use rapport_domain::{Calendar, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The circumstances in which a condition is tested: the present, and the zone that dates are read in.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// The instant for which the answer holds. Events after it have not happened.
    pub now: Timestamp,
    /// The workspace's calendar.
    pub calendar: &'a Calendar,
}

/// A time that a condition compares with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Instant {
    /// A civil day, e.g. `2026-03-01`.
    Date(Date),
    /// A point in time, e.g. `2026-03-01T10:00:00Z`.
    At(Timestamp),
}

impl Instant {
    /// Reads a date (`2026-03-01`) or an RFC 3339 time with its offset (`2026-03-01T10:00:00+01:00`). `None` for anything else,
    /// also for a time without an offset, which could mean two instants.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() == 10 {
            return text.parse().ok().map(Self::Date);
        }
        let instant = text.parse::<jiff::Timestamp>().ok()?;
        Some(Self::At(instant.into()))
    }

    /// The first instant: the start of the day, or the point itself.
    pub fn start(self, calendar: &Calendar) -> Timestamp {
        match self {
            Self::Date(date) => start_of(date, calendar),
            Self::At(instant) => instant,
        }
    }

    /// Where a time ends that lasts until it: with the day, the day included; just before the point.
    pub fn until(self, calendar: &Calendar) -> Timestamp {
        match self {
            Self::Date(_) => self.end(calendar),
            Self::At(instant) => instant,
        }
    }

    /// The first instant after it: the start of the next day, or a microsecond past the point.
    pub fn end(self, calendar: &Calendar) -> Timestamp {
        match self {
            Self::Date(date) => date.tomorrow().map_or(Timestamp(i64::MAX), |next| start_of(next, calendar)),
            Self::At(instant) => instant.plus(1),
        }
    }
}

impl std::fmt::Display for Instant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Date(date) => date.fmt(f),
            Self::At(instant) => instant.fmt(f),
        }
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let expected = "expected a date (2026-03-01) or a time with its offset (2026-03-01T10:00:00Z)";
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(expected))
    }
}

/// The first instant of a civil day, also where midnight does not exist on it.
fn start_of(date: Date, calendar: &Calendar) -> Timestamp {
    date.to_zoned(calendar.zone.clone())
        .and_then(|zoned| zoned.start_of_day())
        .map_or(Timestamp(i64::MAX), |zoned| zoned.timestamp().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rapport_domain::WeekStart;

    #[test]
    fn a_date_is_a_whole_day_of_the_workspace() {
        let berlin = Calendar::new("Europe/Berlin", WeekStart::Monday).unwrap();
        let short_day = Instant::parse("2026-03-29").unwrap();
        assert_eq!(short_day.start(&berlin).to_rfc3339(), "2026-03-28T23:00:00Z");
        assert_eq!(short_day.end(&berlin).to_rfc3339(), "2026-03-29T22:00:00Z");
        let point = Instant::parse("2026-03-29T10:00:00+01:00").unwrap();
        assert_eq!(point.to_string(), "2026-03-29T09:00:00Z");
        assert_eq!(point.end(&berlin).0, point.start(&berlin).0 + 1);
    }

    #[test]
    fn refuses_what_could_mean_two_instants() {
        for text in ["2026-03-29T10:00:00", "2026-3-29", "29.03.2026", "2026-02-30", "yesterday", ""] {
            assert_eq!(Instant::parse(text), None, "{text}");
        }
    }
}
