//! The one calendar of a workspace: its time zone, the first day of its week, and the intervals every question counts by.
//!
//! Always holds: intervals of one calendar touch without gap or overlap, also where a clock is put forward or back. Windows
//! ("within 14 days") are elapsed time and do not belong here.

use jiff::civil::{Date, Weekday};
use jiff::{ToSpan, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// The length by which a question counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interval {
    /// A clock hour.
    Hour,
    /// A civil day in the calendar's zone.
    Day,
    /// Seven civil days from the calendar's first day of the week.
    Week,
    /// A civil month.
    Month,
    /// January, April, July or October and the two months after it.
    Quarter,
    /// A civil year.
    Year,
}

/// The day on which a week begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeekStart {
    /// ISO 8601.
    #[default]
    Monday,
    /// As in the Americas.
    Sunday,
    /// As in much of the Middle East.
    Saturday,
}

/// A time zone and a first day of the week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// The zone.
    pub zone: TimeZone,
    /// The first day of the week.
    pub week_start: WeekStart,
}

impl Default for Calendar {
    fn default() -> Self {
        Self { zone: TimeZone::UTC, week_start: WeekStart::Monday }
    }
}

impl Calendar {
    /// A calendar in an IANA zone ("Europe/Berlin"); `None` for an unknown name.
    pub fn new(zone: &str, week_start: WeekStart) -> Option<Self> {
        Some(Self { zone: TimeZone::get(zone).ok()?, week_start })
    }

    /// The start of the interval that `instant` lies in.
    pub fn floor(&self, instant: Timestamp, interval: Interval) -> Timestamp {
        let zoned = instant.to_jiff().to_zoned(self.zone.clone());
        if interval == Interval::Hour {
            // An hour is elapsed time within the zone's offset, so a repeated hour stays two hours.
            let offset = i64::from(zoned.offset().seconds()) * Timestamp::SECOND;
            let local = instant.0.saturating_add(offset);
            return Timestamp(local.div_euclid(Timestamp::HOUR) * Timestamp::HOUR - offset);
        }
        self.start_of(self.floor_date(zoned.date(), interval))
    }

    /// The start of the interval after the one that begins at `start`.
    pub fn next(&self, start: Timestamp, interval: Interval) -> Timestamp {
        if interval == Interval::Hour {
            let next = self.floor(start.plus(Timestamp::HOUR), interval);
            return if next > start { next } else { start.plus(Timestamp::HOUR) };
        }
        let date = start.to_jiff().to_zoned(self.zone.clone()).date();
        self.start_of(Self::step(date, interval))
    }

    /// Starts of all intervals that touch `[from, to)`, and as the last element the end of the last interval: interval `i` is
    /// `[starts[i], starts[i + 1])`. Empty when `from >= to`. Stops after `limit` intervals.
    pub fn starts(&self, interval: Interval, from: Timestamp, to: Timestamp, limit: usize) -> Vec<Timestamp> {
        if from >= to {
            return Vec::new();
        }
        let mut starts = vec![self.floor(from, interval)];
        while starts.len() <= limit {
            let last = starts[starts.len() - 1];
            if last >= to {
                break;
            }
            starts.push(self.next(last, interval));
        }
        starts
    }

    /// The civil date of an instant in this calendar.
    pub fn date(&self, instant: Timestamp) -> Date {
        instant.to_jiff().to_zoned(self.zone.clone()).date()
    }

    /// What the clock shows: 0 to 23.
    pub fn hour(&self, instant: Timestamp) -> u8 {
        u8::try_from(instant.to_jiff().to_zoned(self.zone.clone()).hour()).unwrap_or(0)
    }

    /// The day of the week: 0 for Monday to 6 for Sunday.
    pub fn weekday(&self, instant: Timestamp) -> u8 {
        u8::try_from(self.date(instant).weekday().to_monday_zero_offset()).unwrap_or(0)
    }

    fn start_of(&self, date: Date) -> Timestamp {
        // The first instant of the civil day, also where midnight does not exist on it.
        date.to_zoned(self.zone.clone())
            .and_then(|z| z.start_of_day())
            .map_or(Timestamp(i64::MAX), |z| z.timestamp().into())
    }

    fn floor_date(&self, date: Date, interval: Interval) -> Date {
        let first_of = |month: i8| Date::new(date.year(), month, 1).unwrap_or(date);
        match interval {
            Interval::Hour | Interval::Day => date,
            Interval::Week => {
                let first = match self.week_start {
                    WeekStart::Monday => Weekday::Monday,
                    WeekStart::Sunday => Weekday::Sunday,
                    WeekStart::Saturday => Weekday::Saturday,
                };
                let back = i64::from(date.weekday().since(first));
                date.checked_sub(back.days()).unwrap_or(date)
            }
            Interval::Month => first_of(date.month()),
            Interval::Quarter => first_of((date.month() - 1) / 3 * 3 + 1),
            Interval::Year => first_of(1),
        }
    }

    fn step(date: Date, interval: Interval) -> Date {
        let span = match interval {
            Interval::Hour | Interval::Day => 1.day(),
            Interval::Week => 7.days(),
            Interval::Month => 1.month(),
            Interval::Quarter => 3.months(),
            Interval::Year => 1.year(),
        };
        date.checked_add(span).unwrap_or(Date::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn days_follow_daylight_saving() {
        let berlin = Calendar::new("Europe/Berlin", WeekStart::Monday).unwrap();
        let starts = berlin.starts(Interval::Day, at("2026-03-28T12:00:00Z"), at("2026-03-30T12:00:00Z"), 10);
        let lengths: Vec<i64> = starts.windows(2).map(|w| (w[1].0 - w[0].0) / Timestamp::HOUR).collect();
        assert_eq!(lengths, [24, 23, 24]);
        assert_eq!(berlin.floor(at("2026-10-25T12:00:00Z"), Interval::Week), at("2026-10-18T22:00:00Z"));
    }

    #[test]
    fn weeks_begin_where_the_workspace_says() {
        let thursday = at("2026-11-19T10:00:00Z");
        for (start, expected) in
            [(WeekStart::Monday, "2026-11-16"), (WeekStart::Sunday, "2026-11-15"), (WeekStart::Saturday, "2026-11-14")]
        {
            let calendar = Calendar { zone: TimeZone::UTC, week_start: start };
            assert_eq!(calendar.floor(thursday, Interval::Week), at(expected));
        }
        let utc = Calendar::default();
        assert_eq!(utc.floor(thursday, Interval::Quarter), at("2026-10-01"));
        assert_eq!(utc.next(at("2026-10-01"), Interval::Quarter), at("2027-01-01"));
    }

    proptest! {
        #[test]
        fn intervals_touch(
            micros in 0i64..2_000_000_000_000_000,
            zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu", "Australia/Lord_Howe"]),
            interval in prop::sample::select(vec![Interval::Hour, Interval::Day, Interval::Week, Interval::Month, Interval::Quarter, Interval::Year]),
        ) {
            let calendar = Calendar::new(zone, WeekStart::Sunday).unwrap();
            let instant = Timestamp(micros);
            let start = calendar.floor(instant, interval);
            let next = calendar.next(start, interval);
            prop_assert!(start <= instant && instant < next, "{start} <= {instant} < {next}");
            prop_assert_eq!(calendar.floor(start, interval), start);
            prop_assert_eq!(calendar.floor(Timestamp(next.0 - 1), interval), start);
        }
    }
}
