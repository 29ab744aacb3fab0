//! Periods of challenges, and the days, weeks and months of streaks, as exact instants of the programme's zone.
//!
//! Always holds: a period begins with the first instant of a civil day, also where that day has no midnight; weeks begin with Monday.

use jiff::tz::TimeZone;
use rapport_domain::calendar::Interval;
use rapport_domain::{Calendar, Timestamp};
use serde::{Deserialize, Serialize};

/// In which time something has to be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Period {
    /// All of time.
    #[default]
    Ever,
    /// A civil day.
    Day,
    /// A week from Monday.
    Week,
    /// A civil month.
    Month,
    /// A quarter.
    Quarter,
    /// A civil year.
    Year,
    /// So many civil days from the first thing that counts on; of a challenge that members join, from then on.
    Rolling {
        /// How many.
        days: u16,
    },
}

/// One period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its name: `ever`, `month 2026-05-01`, `run 2`.
    pub key: String,
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub end: Timestamp,
}

impl Span {
    /// All of time.
    pub fn ever() -> Self {
        Self { key: "ever".to_owned(), from: Timestamp(i64::MIN), end: Timestamp(i64::MAX) }
    }

    /// The so-many-th run of so many days from an instant's day on.
    pub(super) fn run(number: u32, at: Timestamp, days: u16, calendar: &Calendar) -> Self {
        let from = calendar.floor(at, Interval::Day);
        let end = (0..days).fold(from, |end, _| calendar.next(end, Interval::Day));
        Self { key: format!("run {number}"), from, end }
    }
}

impl Period {
    fn interval(self) -> Option<(Interval, &'static str)> {
        Some(match self {
            Self::Day => (Interval::Day, "day"),
            Self::Week => (Interval::Week, "week"),
            Self::Month => (Interval::Month, "month"),
            Self::Quarter => (Interval::Quarter, "quarter"),
            Self::Year => (Interval::Year, "year"),
            Self::Ever | Self::Rolling { .. } => return None,
        })
    }

    /// The civil period that an instant lies in; all of time where there are none.
    pub fn span(self, at: Timestamp, calendar: &Calendar) -> Span {
        let Some((interval, word)) = self.interval() else { return Span::ever() };
        let from = calendar.floor(at, interval);
        Span { key: format!("{word} {}", calendar.date(from)), from, end: calendar.next(from, interval) }
    }
}

/// Of what a streak is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreakUnit {
    /// Civil days.
    Days,
    /// Weeks from Monday.
    Weeks,
    /// Civil months.
    Months,
}

impl StreakUnit {
    const fn interval(self) -> Interval {
        match self {
            Self::Days => Interval::Day,
            Self::Weeks => Interval::Week,
            Self::Months => Interval::Month,
        }
    }

    /// The number of the one in which an instant lies; the next one has the next number.
    pub(super) fn number(self, at: Timestamp, calendar: &Calendar) -> i64 {
        let date = calendar.date(at);
        let month = i64::from(date.year()) * 12 + i64::from(date.month());
        let midnight = date.to_zoned(TimeZone::UTC).map_or(0, |day| day.timestamp().as_second());
        // The first of January 1970 was a Thursday.
        let day = midnight.div_euclid(86_400);
        match self {
            Self::Days => day,
            Self::Weeks => (day + 3).div_euclid(7),
            Self::Months => month,
        }
    }

    /// When the so-many-th one after an instant's begins.
    pub(super) fn after(self, at: Timestamp, many: u32, calendar: &Calendar) -> Timestamp {
        let interval = self.interval();
        (0..many).fold(calendar.floor(at, interval), |start, _| calendar.next(start, interval))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rapport_domain::calendar::WeekStart;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn calendar(zone: &str) -> Calendar {
        Calendar::new(zone, WeekStart::Monday).unwrap()
    }

    #[test]
    fn days_weeks_and_months_follow_each_other() {
        let berlin = calendar("Europe/Berlin");
        let number = |unit: StreakUnit, text: &str| unit.number(at(text), &berlin);
        // 23:30 in Berlin, and half an hour after midnight, in the night in which the clock is put forward.
        assert_eq!(
            number(StreakUnit::Days, "2026-03-28T23:30:00Z") - number(StreakUnit::Days, "2026-03-28T22:30:00Z"),
            1
        );
        assert_eq!(
            number(StreakUnit::Days, "2026-03-29T22:00:00Z") - number(StreakUnit::Days, "2026-03-28T23:00:00Z"),
            1
        );
        // Sunday and Monday; the turn of a year within a week.
        assert_eq!(
            number(StreakUnit::Weeks, "2026-03-30T10:00:00Z") - number(StreakUnit::Weeks, "2026-03-29T10:00:00Z"),
            1
        );
        assert_eq!(
            number(StreakUnit::Weeks, "2027-01-01T10:00:00Z"),
            number(StreakUnit::Weeks, "2026-12-31T10:00:00Z")
        );
        assert_eq!(
            number(StreakUnit::Months, "2027-01-01T10:00:00Z") - number(StreakUnit::Months, "2026-12-01T10:00:00Z"),
            1
        );
        assert_eq!(StreakUnit::Days.after(at("2026-03-28T12:00:00Z"), 2, &berlin), at("2026-03-29T22:00:00Z"));
    }

    #[test]
    fn periods_are_those_of_the_zone() {
        let york = calendar("America/New_York");
        let span = |period: Period| period.span(at("2026-11-01T03:30:00Z"), &york);
        assert_eq!(span(Period::Month).key, "month 2026-10-01");
        assert_eq!(span(Period::Week).key, "week 2026-10-26");
        assert_eq!(
            (span(Period::Day).from, span(Period::Day).end),
            (at("2026-10-31T04:00:00Z"), at("2026-11-01T04:00:00Z"))
        );
        assert_eq!(span(Period::Quarter).key, "quarter 2026-10-01");
        assert_eq!(span(Period::Ever), Span::ever());
        // Over the hour that comes twice.
        let run = Span::run(1, at("2026-10-31T12:00:00Z"), 2, &york);
        assert_eq!((run.from, run.end), (at("2026-10-31T04:00:00Z"), at("2026-11-02T05:00:00Z")));
    }
}
