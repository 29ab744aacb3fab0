//! Until when somebody is to be spoken with: after so many hours, or so many working hours.
//!
//! Always holds: working hours are Monday to Friday from 9 to 17 by the workspace's clock; an hour in which the clock is put forward or back lies in none of
//! them, so a working hour is an hour.

use jiff::civil::Date;
use rapport_domain::{Calendar, Timestamp};
use serde::{Deserialize, Serialize};

const BEGIN: i8 = 9;
const END: i8 = 17;
const SATURDAY: u8 = 5;
/// The longest deadline, in hours.
pub const LONGEST: u32 = 24 * 90;

/// A deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deadline {
    /// After so many hours.
    pub hours: u32,
    /// Whether only working hours count.
    #[serde(default)]
    pub working: bool,
}

impl Default for Deadline {
    fn default() -> Self {
        Self { hours: 48, working: false }
    }
}

impl Deadline {
    /// When it is over for what begins at `from`.
    pub fn due(self, from: Timestamp, calendar: &Calendar) -> Timestamp {
        let mut left = i64::from(self.hours.min(LONGEST)) * Timestamp::HOUR;
        if !self.working {
            return from.plus(left);
        }
        let mut date = calendar.date(from);
        let mut at = from;
        loop {
            if calendar.weekday(at.max(instant(date, 12, calendar))) < SATURDAY {
                let begin = at.max(instant(date, BEGIN, calendar));
                let room = instant(date, END, calendar).0 - begin.0;
                if room > 0 && left <= room {
                    return begin.plus(left);
                }
                left -= room.max(0);
            }
            // No date has no next one but the last that there is.
            let Ok(next) = date.tomorrow() else { return at };
            date = next;
            at = instant(date, 0, calendar);
        }
    }
}

fn instant(date: Date, hour: i8, calendar: &Calendar) -> Timestamp {
    let zoned = date.at(hour, 0, 0, 0).to_zoned(calendar.zone.clone());
    zoned.map_or(Timestamp(i64::MAX), |it| it.timestamp().into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rapport_domain::calendar::WeekStart;

    use super::*;

    fn berlin() -> Calendar {
        Calendar::new("Europe/Berlin", WeekStart::Monday).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn due(from: &str, hours: u32) -> String {
        Deadline { hours, working: true }.due(at(from), &berlin()).to_rfc3339()
    }

    #[test]
    fn a_weekend_is_left_out() {
        // A Friday, 16:30 in Berlin: half an hour is left of it.
        assert_eq!(due("2026-11-27T15:30:00Z", 8), "2026-11-30T15:30:00Z");
        assert_eq!(due("2026-11-28T10:00:00Z", 1), "2026-11-30T09:00:00Z");
        // At night, and at the very end of a day.
        assert_eq!(due("2026-11-24T02:00:00Z", 8), "2026-11-24T16:00:00Z");
        assert_eq!(due("2026-11-24T16:00:00Z", 1), "2026-11-25T09:00:00Z");
        let plain = Deadline::default().due(at("2026-11-27T15:30:00Z"), &berlin());
        assert_eq!(plain, at("2026-11-29T15:30:00Z"));
    }

    /// The slow way: minute by minute.
    fn slow(from: Timestamp, hours: u32, calendar: &Calendar) -> Timestamp {
        let mut left = i64::from(hours) * 60;
        let mut at = from;
        while left > 0 {
            let works = calendar.weekday(at) < 5 && (9..17).contains(&calendar.hour(at));
            left -= i64::from(works);
            at = at.plus(Timestamp::MINUTE);
        }
        at
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        /// Also over the days on which clocks are changed: 29 March and 25 October 2026.
        #[test]
        fn as_minute_by_minute(start in 0_i64..(60 * 24 * 320), hours in 1_u32..30) {
            let from = at("2026-01-01T00:00:00Z").plus(start * Timestamp::MINUTE);
            let due = Deadline { hours, working: true }.due(from, &berlin());
            prop_assert_eq!(due, slow(from, hours, &berlin()));
        }
    }
}
