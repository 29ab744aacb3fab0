//! An instant: microseconds since 1970-01-01 UTC. The same number in SQL (`BIGINT`), Arrow (`Timestamp(µs)`) and JSON's
//! source of truth; text forms are RFC 3339 in UTC.

use serde::{Deserialize, Serialize};

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// One second, in microseconds.
    pub const SECOND: i64 = 1_000_000;
    /// One minute, in microseconds.
    pub const MINUTE: i64 = 60 * Self::SECOND;
    /// One hour, in microseconds.
    pub const HOUR: i64 = 60 * Self::MINUTE;
    /// A day of 24 hours, in microseconds.
    pub const DAY: i64 = 24 * Self::HOUR;

    /// From whole seconds since 1970.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds * Self::SECOND)
    }

    /// Microseconds since 1970.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// This instant moved by `micros` (saturating).
    #[must_use]
    pub const fn plus(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// Reads RFC 3339 (any offset; a missing offset is taken as UTC, a bare date as its midnight UTC).
    /// `None` when the text is no such time.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(instant) = text.parse::<jiff::Timestamp>() {
            return Some(Self(instant.as_microsecond()));
        }
        let civil = text.parse::<jiff::civil::DateTime>().ok()?;
        let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(Self(zoned.timestamp().as_microsecond()))
    }

    /// RFC 3339 in UTC with `Z`; no fraction when it is zero. Instants outside years -9999..9999 are clamped.
    pub fn to_rfc3339(self) -> String {
        self.to_jiff().to_string()
    }

    /// As jiff's instant, clamped to what jiff can hold.
    pub fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(if self.0 < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        })
    }

    /// Days since 1970-01-01 in UTC (negative before).
    pub const fn utc_day(self) -> i64 {
        self.0.div_euclid(Self::DAY)
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(value: jiff::Timestamp) -> Self {
        Self(value.as_microsecond())
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints() {
        let t = Timestamp::parse("2011-12-09T12:50:00+01:00").unwrap();
        assert_eq!(t.to_rfc3339(), "2011-12-09T11:50:00Z");
        assert_eq!(Timestamp::parse("2011-12-09 11:50:00"), Some(t));
        assert_eq!(Timestamp::parse("1970-01-02"), Some(Timestamp(Timestamp::DAY)));
        assert_eq!(Timestamp::parse("yesterday"), None);
        assert_eq!(Timestamp(-1).utc_day(), -1);
    }
}
