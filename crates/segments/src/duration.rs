//! Lengths of time as people write them: `90d`, `12h`, `30m`, `45s`, `2w`.
//!
//! Always holds: a length is elapsed time (a day is 24 hours, a week 7 of them), between one second and a hundred years, and
//! prints as it was written. Months and years have no fixed length and are refused; a period of the calendar is said by its dates.

use rapport_domain::Timestamp;
use serde::{Deserialize, Serialize};

/// The unit of a [`Duration`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// `s`
    Second,
    /// `m`
    Minute,
    /// `h`
    Hour,
    /// `d`: 24 hours.
    Day,
    /// `w`: 7 days.
    Week,
}

impl Unit {
    const ALL: [Self; 5] = [Self::Second, Self::Minute, Self::Hour, Self::Day, Self::Week];

    /// The letter it is written with.
    pub const fn letter(self) -> char {
        match self {
            Self::Second => 's',
            Self::Minute => 'm',
            Self::Hour => 'h',
            Self::Day => 'd',
            Self::Week => 'w',
        }
    }

    const fn micros(self) -> i64 {
        match self {
            Self::Second => Timestamp::SECOND,
            Self::Minute => Timestamp::MINUTE,
            Self::Hour => Timestamp::HOUR,
            Self::Day => Timestamp::DAY,
            Self::Week => 7 * Timestamp::DAY,
        }
    }
}

/// An elapsed time: a whole number of one unit. Equal when written equally: `7d` is not `==` to `1w`; compare
/// [`micros`](Self::micros) for length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Duration {
    amount: u32,
    unit: Unit,
}

/// Why a text is no length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Not a whole number and a unit.
    #[error("a length of time is a whole number and one of s, m, h, d, w, e.g. `90d`, `12h` or `30m`")]
    Malformed,
    /// Months and years.
    #[error("months and years differ in length: write days, e.g. `30d` or `365d`, or give the dates")]
    Calendar,
    /// Zero, or more than a hundred years.
    #[error("a length of time is at least one second and at most 36500d")]
    OutOfRange,
}

impl Duration {
    const LONGEST: i64 = 36_500 * Timestamp::DAY;

    /// `amount` of `unit`.
    pub fn new(amount: u32, unit: Unit) -> Result<Self, DurationError> {
        let micros = i64::from(amount).checked_mul(unit.micros());
        match micros {
            Some(1..=Self::LONGEST) => Ok(Self { amount, unit }),
            _ => Err(DurationError::OutOfRange),
        }
    }

    /// Reads `90d`, `12h`, `30m`, `45s`, `2w`; blanks around and between are let pass.
    pub fn parse(text: &str) -> Result<Self, DurationError> {
        let text = text.trim();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (amount, unit) = text.split_at(digits);
        if amount.is_empty() {
            return Err(DurationError::Malformed);
        }
        let unit = unit.trim_start();
        if matches!(unit, "M" | "mo" | "month" | "months" | "y" | "year" | "years") {
            return Err(DurationError::Calendar);
        }
        let mut letters = unit.chars();
        let unit = match (letters.next(), letters.next()) {
            (Some(letter), None) => Unit::ALL.into_iter().find(|unit| unit.letter() == letter),
            _ => None,
        };
        let unit = unit.ok_or(DurationError::Malformed)?;
        Self::new(amount.parse().map_err(|_| DurationError::OutOfRange)?, unit)
    }

    /// The length in microseconds.
    pub const fn micros(self) -> i64 {
        self.amount as i64 * self.unit.micros()
    }

    /// How many of its unit.
    pub const fn amount(self) -> u32 {
        self.amount
    }

    /// Its unit.
    pub const fn unit(self) -> Unit {
        self.unit
    }
}

impl std::fmt::Display for Duration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.amount, self.unit.letter())
    }
}

impl std::str::FromStr for Duration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        Self::parse(text)
    }
}

impl From<Duration> for String {
    fn from(duration: Duration) -> Self {
        duration.to_string()
    }
}

impl TryFrom<String> for Duration {
    type Error = DurationError;

    fn try_from(text: String) -> Result<Self, DurationError> {
        Self::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write_and_prints_it_again() {
        for (text, micros) in [
            ("90d", 90 * Timestamp::DAY),
            ("12h", 12 * Timestamp::HOUR),
            ("30m", 30 * Timestamp::MINUTE),
            ("45s", 45 * Timestamp::SECOND),
            ("2w", 14 * Timestamp::DAY),
            ("36500d", Duration::LONGEST),
        ] {
            let duration = Duration::parse(text).unwrap();
            assert_eq!(duration.micros(), micros, "{text}");
            assert_eq!(duration.to_string(), text);
        }
        assert_eq!(Duration::parse(" 14 d "), Duration::parse("14d"));
    }

    #[test]
    fn refuses_the_rest_with_the_reason() {
        for text in ["", "d", "90", "-1d", "1.5h", "9x", "90 days", "d90", "１d"] {
            assert_eq!(Duration::parse(text), Err(DurationError::Malformed), "{text}");
        }
        for text in ["3mo", "1y", "1M"] {
            assert_eq!(Duration::parse(text), Err(DurationError::Calendar), "{text}");
        }
        for text in ["0d", "36501d", "99999999999d", "4294967295w"] {
            assert_eq!(Duration::parse(text), Err(DurationError::OutOfRange), "{text}");
        }
    }
}
