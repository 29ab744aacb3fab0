//! Times of day where a person is: waiting until one, and hours in which nobody is disturbed.
//!
//! Always holds: a civil time is resolved in the zone at its own date. One that does not exist (clocks put forward) is taken as much later as
//! the clock was put forward, one that exists twice is the first (RFC 5545 section 3.3.5 reads them so). Never goes back.

use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use rapport_domain::Timestamp;

/// The days of a week as words, from Monday.
pub const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Reads a time of day such as `09:30`; `None` for anything else.
pub fn time_of_day(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let is_number = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(hour) || !is_number(minute) {
        return None;
    }
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

/// The instant of a civil time in a zone.
pub fn instant(zone: &TimeZone, date: Date, time: Time) -> Option<Timestamp> {
    at(zone, DateTime::from_parts(date, time))
}

/// The same of a date with its time.
pub fn at(zone: &TimeZone, civil: DateTime) -> Option<Timestamp> {
    // jiff's own reading of a gap and a fold is the one of RFC 5545.
    civil.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp().into())
}

/// Noon of a day such as `2026-11-20` in a zone; `None` for what is no day.
pub fn noon_of(day: &str, zone: &TimeZone) -> Option<Timestamp> {
    (day.len() == 10).then_some(())?;
    instant(zone, day.parse::<Date>().ok()?, Time::midnight().saturating_add(12.hours()))
}

/// What the clock in a zone shows.
pub fn civil(zone: &TimeZone, now: Timestamp) -> DateTime {
    now.to_jiff().to_zoned(zone.clone()).datetime()
}

/// The first instant after `now` that is so many days on, at that time of day, on one of these weekdays (0 for Monday; all when empty).
/// With 0 days it is today, or the next such day when that time has passed.
pub fn next_time(zone: &TimeZone, now: Timestamp, days: u32, time: Time, weekdays: &[u8]) -> Option<Timestamp> {
    let mut date = civil(zone, now).date().checked_add(i64::from(days).days()).ok()?;
    // A week has all weekdays; two more, because the first may have passed and a zone may leave out a day.
    for _ in 0..=8 {
        let weekday = u8::try_from(date.weekday().to_monday_zero_offset()).unwrap_or(0);
        if weekdays.is_empty() || weekdays.contains(&weekday) {
            let found = instant(zone, date, time)?;
            if found > now {
                return Some(found);
            }
        }
        date = date.tomorrow().ok()?;
    }
    None
}

/// From when to when of each day nobody is disturbed: over midnight when it ends earlier than it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// From this time of day on.
    pub from: Time,
    /// Until before this one.
    pub until: Time,
}

impl Hours {
    /// The end of the quiet hours that `now` lies in; `None` when it lies in none. Equal ends are no quiet hours.
    ///
    /// What the clock on the wall shows decides: when it is put back into quiet hours they begin again, when it is put forward out of them
    /// they are over.
    pub fn end_of(self, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
        if !self.hold_at(zone, now) {
            return None;
        }
        // They end only where the clock shows their end, or where it is put forward or back.
        let here = civil(zone, now).date();
        let days = [here, here.tomorrow().ok()?, here.tomorrow().ok()?.tomorrow().ok()?];
        let shown = days.into_iter().flat_map(|day| {
            let both = zone.to_ambiguous_zoned(DateTime::from_parts(day, self.until));
            [both.clone().earlier(), both.later()].into_iter().flatten().map(|zoned| zoned.timestamp().into())
        });
        let changed = zone.following(now.to_jiff()).take(2).map(|change| change.timestamp().into());
        shown.chain(changed).filter(|at: &Timestamp| *at > now && !self.hold_at(zone, *at)).min()
    }

    /// Whether the clock shows a time within them.
    pub fn hold_at(self, zone: &TimeZone, now: Timestamp) -> bool {
        let time = civil(zone, now).time();
        if self.from <= self.until {
            self.from <= time && time < self.until
        } else {
            time >= self.from || time < self.until
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    fn ts(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn next(zone_name: &str, now: &str, days: u32, at: &str, weekdays: &[u8]) -> Timestamp {
        next_time(&zone(zone_name), ts(now), days, time_of_day(at).unwrap(), weekdays).unwrap()
    }

    #[test]
    fn times_of_day_are_read_strictly() {
        assert_eq!(time_of_day("09:30"), Time::new(9, 30, 0, 0).ok());
        for text in ["9:30", "24:00", "09:60", "0930", "", "09:30:00", "-1:00", "+9:30"] {
            assert_eq!(time_of_day(text), None, "{text}");
        }
    }

    #[test]
    fn days_are_those_of_the_person() {
        // 23:30 UTC on Sunday is Monday morning in Tokyo: a weekday tested on the UTC day would be the wrong one.
        assert_eq!(next("Asia/Tokyo", "2026-11-22T23:30:00Z", 0, "09:00", &[0]), ts("2026-11-23T00:00:00Z"));
        assert_eq!(next("America/Los_Angeles", "2026-11-23T05:00:00Z", 0, "09:00", &[0]), ts("2026-11-23T17:00:00Z"));
        // Across the date line the same instant is two days.
        assert_eq!(next("Pacific/Kiritimati", "2026-11-23T11:00:00Z", 1, "08:00", &[]), ts("2026-11-24T18:00:00Z"));
        assert_eq!(next("Pacific/Niue", "2026-11-23T10:00:00Z", 1, "08:00", &[]), ts("2026-11-23T19:00:00Z"));
    }

    #[test]
    fn a_later_day_has_its_own_offset() {
        // Berlin changes on 29 March 2026: 09:00 is 07:00 UTC then, not 08:00.
        assert_eq!(next("Europe/Berlin", "2026-03-28T12:00:00Z", 1, "09:00", &[]), ts("2026-03-29T07:00:00Z"));
        // 02:30 does not exist on that day; it is read as 03:30.
        assert_eq!(next("Europe/Berlin", "2026-03-28T12:00:00Z", 1, "02:30", &[]), ts("2026-03-29T01:30:00Z"));
        // 02:30 exists twice on 25 October; the first counts, and once it has passed the next one is tomorrow's.
        assert_eq!(next("Europe/Berlin", "2026-10-24T12:00:00Z", 1, "02:30", &[]), ts("2026-10-25T00:30:00Z"));
        assert_eq!(next("Europe/Berlin", "2026-10-25T00:45:00Z", 0, "02:30", &[]), ts("2026-10-26T01:30:00Z"));
    }

    #[test]
    fn a_day_that_a_zone_left_out_is_passed_over() {
        // Samoa had no 30 December 2011.
        let found = next("Pacific/Apia", "2011-12-30T08:00:00Z", 1, "09:00", &[]);
        assert_eq!(civil(&zone("Pacific/Apia"), found).to_string(), "2011-12-31T09:00:00");
    }

    #[test]
    fn quiet_hours_end_in_the_morning() {
        let night = Hours { from: time_of_day("22:00").unwrap(), until: time_of_day("06:00").unwrap() };
        let end = |now: &str| night.end_of(&zone("Europe/Berlin"), ts(now));
        // 05:30 with quiet hours from 22 to 06 is held until 06:00.
        assert_eq!(end("2026-11-23T04:30:00Z"), Some(ts("2026-11-23T05:00:00Z")));
        assert_eq!(end("2026-11-22T21:00:00Z"), Some(ts("2026-11-23T05:00:00Z")));
        assert_eq!(end("2026-11-22T20:59:59Z"), None);
        assert_eq!(end("2026-11-23T05:00:00Z"), None);
        // The night in which the clock is put forward is an hour shorter.
        assert_eq!(end("2026-03-28T22:00:00Z"), Some(ts("2026-03-29T04:00:00Z")));
        let noon = Hours { from: time_of_day("12:00").unwrap(), until: time_of_day("14:00").unwrap() };
        assert_eq!(noon.end_of(&TimeZone::UTC, ts("2026-01-01T13:00:00Z")), Some(ts("2026-01-01T14:00:00Z")));
        let none = Hours { from: noon.from, until: noon.from };
        assert_eq!(none.end_of(&TimeZone::UTC, ts("2026-01-01T12:00:00Z")), None);
    }

    #[test]
    fn clocks_that_are_changed_within_quiet_hours() {
        let hours =
            |from: &str, until: &str| Hours { from: time_of_day(from).unwrap(), until: time_of_day(until).unwrap() };
        let berlin = zone("Europe/Berlin");
        // From 03:00 the clock is put back to 02:00: it shows 02:10 a second time, when they are on again.
        let second = ts("2026-10-25T01:10:00Z");
        assert_eq!(hours("22:00", "02:30").end_of(&berlin, second), Some(ts("2026-10-25T01:30:00Z")));
        // From 02:00 it is put forward to 03:00: their end at 02:30 is passed over.
        assert_eq!(
            hours("22:00", "02:30").end_of(&berlin, ts("2026-03-29T00:30:00Z")),
            Some(ts("2026-03-29T01:00:00Z"))
        );
        // And so is their beginning.
        assert_eq!(
            hours("02:30", "06:00").end_of(&berlin, ts("2026-03-29T01:00:00Z")),
            Some(ts("2026-03-29T04:00:00Z"))
        );
    }

    proptest! {
        /// Looked for minute by minute: the end is the first minute at which the wall clock shows none of the quiet hours.
        #[test]
        fn the_end_is_the_first_minute_outside(
            change in prop::sample::select(vec![("UTC", "2026-01-01"), ("Europe/Berlin", "2026-03-29"), ("Europe/Berlin", "2026-10-25"),
                ("Pacific/Chatham", "2026-04-05"), ("Pacific/Chatham", "2026-09-27"), ("America/New_York", "2026-11-01"),
                ("Australia/Lord_Howe", "2026-10-04"), ("Africa/Cairo", "2026-04-24"), ("Asia/Kolkata", "2026-06-01")]),
            minutes in -1_440i64..2_880, from in 0i8..48, until in 0i8..48
        ) {
            let zone = zone(change.0);
            let half = |n: i8| Time::new(n / 2, n % 2 * 30, 0, 0).unwrap();
            let hours = Hours { from: half(from), until: half(until) };
            let now = ts(change.1).plus(minutes * Timestamp::MINUTE);
            let is_quiet = |at: Timestamp| {
                let time = civil(&zone, at).time();
                if from < until { hours.from <= time && time < hours.until } else { from != until && (time >= hours.from || time < hours.until) }
            };
            let slow = is_quiet(now).then(|| (0..1_500).map(|n| now.plus(n * Timestamp::MINUTE)).find(|at| !is_quiet(*at)).unwrap());
            prop_assert_eq!(hours.end_of(&zone, now), slow);
        }

        #[test]
        fn the_next_time_shows_that_time(
            minutes in 0i64..1_051_200, days in 0u32..40, hour in 0i8..24, weekdays in prop::collection::vec(0u8..7, 0..4),
            name in prop::sample::select(vec!["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia"])
        ) {
            let zone = zone(name);
            let now = ts("2026-01-01").plus(minutes * Timestamp::MINUTE);
            let found = next_time(&zone, now, days, Time::new(hour, 0, 0, 0).unwrap(), &weekdays).unwrap();
            prop_assert!(found > now);
            let shown = civil(&zone, found);
            let is_gap = shown.hour() != hour;
            prop_assert!(!is_gap || shown.hour() == hour + 1 || shown.minute() == 30, "{shown}");
            let weekday = u8::try_from(shown.date().weekday().to_monday_zero_offset()).unwrap();
            prop_assert!(weekdays.is_empty() || weekdays.contains(&weekday));
            let apart = (shown.date() - civil(&zone, now).date()).get_days();
            let least = i32::try_from(days).unwrap();
            prop_assert!(apart >= least && (!weekdays.is_empty() || apart <= least + 1), "{apart} {days}");
        }
    }
}
