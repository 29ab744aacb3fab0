//! Periods of a ladder as exact instants.
//!
//! Always holds: a period begins with the first instant of a civil day of the programme's zone, also where that day has no midnight. Periods are counted from their anchor, not from each other: a month
//! after 31 January ends with February, two months after it with 31 March; the anniversaries of 29 February are on the 28th in other years.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};
use rapport_domain::Timestamp;

use super::Length;
use crate::dates::Unit;

/// From its first instant to before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    pub from: Timestamp,
    pub end: Timestamp,
}

impl Length {
    fn times(self, count: i64) -> Span {
        let many = i64::from(self.count).saturating_mul(count);
        match self.unit {
            Unit::Days => many.days(),
            Unit::Months => many.months(),
            Unit::Years => many.years(),
        }
    }

    /// About how many days; only to guess a period from.
    fn days(self) -> i64 {
        let each = match self.unit {
            Unit::Days => 1,
            Unit::Months => 30,
            Unit::Years => 365,
        };
        i64::from(self.count) * each
    }

    /// The first instant of the day so long after an instant's.
    pub(super) fn after(self, at: Timestamp, zone: &TimeZone) -> Timestamp {
        start(day(at, zone).checked_add(self.times(1)).unwrap_or(Date::MAX), zone)
    }

    /// From when on what was done at an instant is too long ago: so much time is over with the end of its day.
    pub(super) fn leaves(self, at: Timestamp, zone: &TimeZone) -> Timestamp {
        let last = day(at, zone).checked_add(self.times(1)).unwrap_or(Date::MAX);
        start(last.tomorrow().unwrap_or(Date::MAX), zone)
    }

    /// The period of periods from `anchor` on in which an instant lies.
    pub(super) fn around(self, anchor: Date, at: Timestamp, zone: &TimeZone) -> Bounds {
        let bound = |count: i64| {
            let date = anchor.checked_add(self.times(count));
            start(date.unwrap_or(if count < 0 { Date::MIN } else { Date::MAX }), zone)
        };
        let days = anchor.until((jiff::Unit::Day, day(at, zone))).map_or(0, |span| i64::from(span.get_days()));
        let mut count = days.div_euclid(self.days().max(1));
        while bound(count) > at {
            count -= 1;
        }
        while bound(count + 1) <= at {
            count += 1;
        }
        Bounds { from: bound(count), end: bound(count + 1) }
    }
}

/// The civil day of an instant.
pub(super) fn day(at: Timestamp, zone: &TimeZone) -> Date {
    at.to_jiff().to_zoned(zone.clone()).date()
}

/// The first instant of a day.
pub(super) fn start(day: Date, zone: &TimeZone) -> Timestamp {
    let start = day.to_zoned(zone.clone()).and_then(|day| day.start_of_day());
    start.map_or(if day < Date::ZERO { Timestamp(i64::MIN) } else { Timestamp(i64::MAX) }, |it| it.timestamp().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn text(at: Timestamp, zone: &TimeZone) -> String {
        at.to_jiff().to_zoned(zone.clone()).datetime().to_string()
    }

    fn around(anchor: Date, count: u16, unit: Unit, at: &str, zone: &str) -> (String, String) {
        let zone = TimeZone::get(zone).unwrap();
        let at = at.parse::<jiff::civil::DateTime>().unwrap().to_zoned(zone.clone()).unwrap().timestamp().into();
        let span = Length { count, unit }.around(anchor, at, &zone);
        (text(span.from, &zone), text(span.end, &zone))
    }

    #[test]
    fn periods_are_counted_from_their_anchor() {
        let pair = |from: &str, end: &str| (format!("{from}T00:00:00"), format!("{end}T00:00:00"));
        let month = |at: &str| around(date(2026, 1, 31), 1, Unit::Months, at, "Europe/Berlin");
        assert_eq!(month("2026-02-27T23:59:59"), pair("2026-01-31", "2026-02-28"));
        assert_eq!(month("2026-02-28T00:00:00"), pair("2026-02-28", "2026-03-31"));
        assert_eq!(month("2025-12-31T12:00:00"), pair("2025-12-31", "2026-01-31"));
        let leap = |at: &str| around(date(2024, 2, 29), 1, Unit::Years, at, "UTC");
        assert_eq!(leap("2025-02-27T00:00:00"), pair("2024-02-29", "2025-02-28"));
        assert_eq!(leap("2028-02-28T23:00:00"), pair("2027-02-28", "2028-02-29"));
        assert_eq!(
            around(date(2000, 4, 1), 12, Unit::Months, "2026-03-31T10:00:00", "UTC"),
            pair("2025-04-01", "2026-04-01")
        );
    }

    /// In São Paulo of 2018 the day on which summer time began had no midnight.
    #[test]
    fn days_without_midnight_begin_all_the_same() {
        let (from, end) = around(date(2018, 10, 4), 1, Unit::Months, "2018-11-04T01:00:00", "America/Sao_Paulo");
        assert_eq!((from.as_str(), end.as_str()), ("2018-11-04T01:00:00", "2018-12-04T00:00:00"));
        let zone = TimeZone::get("America/Sao_Paulo").unwrap();
        let at = Timestamp::parse("2018-10-27T12:00:00Z").unwrap();
        assert_eq!(text(Length { count: 7, unit: Unit::Days }.leaves(at, &zone), &zone), "2018-11-04T01:00:00");
    }
}
