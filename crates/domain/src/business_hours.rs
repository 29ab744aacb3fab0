//! When somebody is at work: hours of the week in a zone, and holidays; how much of a span of time that is, and when so much of it is over.
//!
//! Always holds: an instant is open when what the clock of the zone shows then lies in an interval of that civil day, so a day on which clocks are put
//! forward has 23 hours and one on which they are put back has 25; `elapsed` of two spans that touch is the sum of both; a deadline is the earliest
//! instant at which so much has elapsed.
//!
//! Does not do: decide what is measured, or what follows from being late.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp as Instant, ToSpan};
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Minutes of a day.
const DAY: u16 = 24 * 60;
/// Intervals of one day, at most.
const MOST_INTERVALS: usize = 12;
/// Holidays, at most.
const MOST_HOLIDAYS: usize = 2_000;
/// Without an open minute in so many days there are no working hours at all.
const LONGEST_PAUSE: i64 = 366;
/// A deadline is looked for in so many days.
const FARTHEST: i64 = 40 * 366;
/// Spans are made for so many days at a time.
const STRIDE: i64 = 31 * Timestamp::DAY;

/// A day on which the hours are others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holiday {
    /// The civil day: `2026-12-25`.
    pub day: String,
    /// What it is called.
    #[serde(default)]
    pub name: String,
    /// The intervals in which somebody is there all the same, such as `09:00-12:00`; none is a whole holiday.
    #[serde(default)]
    pub open: Vec<String>,
    /// Whether it does not count, though it stays in the list.
    #[serde(default)]
    pub is_off: bool,
}

/// Working hours as they are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The zone whose clock they go by (IANA): `Europe/Berlin`.
    pub zone: String,
    /// For each day from Monday to Sunday the intervals that are open: `09:00-17:30`; `00:00-24:00` is all day.
    pub week: [Vec<String>; 7],
    /// Days with other hours.
    #[serde(default)]
    pub holidays: Vec<Holiday>,
}

impl Plan {
    /// Always open.
    pub fn always(zone: &str) -> Self {
        let all_day = || vec!["00:00-24:00".to_owned()];
        Self { zone: zone.to_owned(), week: std::array::from_fn(|_| all_day()), holidays: Vec::new() }
    }

    /// Monday to Friday, nine to five.
    pub fn usual(zone: &str) -> Self {
        let of = |day: usize| if day < 5 { vec!["09:00-17:00".to_owned()] } else { Vec::new() };
        Self { zone: zone.to_owned(), week: std::array::from_fn(of), holidays: Vec::new() }
    }
}

/// Minutes since midnight as the clock shows them, the second one not included.
type Minutes = (u16, u16);

/// Working hours.
#[derive(Clone, Debug, PartialEq)]
pub struct BusinessHours {
    zone: TimeZone,
    week: [Vec<Minutes>; 7],
    holidays: BTreeMap<Date, Vec<Minutes>>,
}

impl BusinessHours {
    /// Reads a plan.
    ///
    /// # Errors
    /// The field that is wrong, and why.
    pub fn new(plan: &Plan) -> Result<Self, (String, &'static str)> {
        let zone = TimeZone::get(&plan.zone).map_err(|_| ("zone".to_owned(), "is no IANA time zone"))?;
        if plan.holidays.len() > MOST_HOLIDAYS {
            return Err(("holidays".to_owned(), "there are at most 2000"));
        }
        let mut week: [Vec<Minutes>; 7] = Default::default();
        for (at, (day, texts)) in week.iter_mut().zip(&plan.week).enumerate() {
            *day = intervals(texts).map_err(|why| (format!("week[{at}]"), why))?;
        }
        let mut holidays = BTreeMap::new();
        for (at, holiday) in plan.holidays.iter().enumerate() {
            let place = || format!("holidays[{at}]");
            let day: Date = holiday.day.parse().map_err(|_| (place(), "is no day such as 2026-12-25"))?;
            let open = intervals(&holiday.open).map_err(|why| (place(), why))?;
            if !holiday.is_off {
                holidays.insert(day, open);
            }
        }
        let hours = Self { zone, week, holidays };
        if hours.is_never_open() {
            return Err(("week".to_owned(), "there must be an open minute within 366 days"));
        }
        Ok(hours)
    }

    /// Whether a pause of more than [`LONGEST_PAUSE`] days comes about: the week is empty, or holidays cover all of it.
    fn is_never_open(&self) -> bool {
        if self.week.iter().all(Vec::is_empty) {
            return true;
        }
        let (Some(first), Some(last)) = (self.holidays.keys().next(), self.holidays.keys().next_back()) else {
            return false;
        };
        // Before the first and after the last holiday each week is open.
        let mut closed = 0;
        let mut day = *first;
        while day <= *last {
            closed = if self.on(day).is_empty() { closed + 1 } else { 0 };
            if closed >= LONGEST_PAUSE {
                return true;
            }
            let Ok(next) = day.checked_add(1.day()) else { break };
            day = next;
        }
        false
    }

    fn on(&self, day: Date) -> &[Minutes] {
        let usual = || &self.week[usize::try_from(day.weekday().to_monday_zero_offset()).unwrap_or(0)];
        self.holidays.get(&day).unwrap_or_else(usual)
    }

    /// Whether somebody is at work at an instant.
    pub fn is_open(&self, at: Timestamp) -> bool {
        let local = at.to_jiff().to_zoned(self.zone.clone());
        let minute = u16::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute())).unwrap_or(0);
        self.on(local.date()).iter().any(|(from, to)| (*from..*to).contains(&minute))
    }

    /// How much of `[from, to)` is open, in microseconds; 0 when `from` is not before `to`.
    pub fn elapsed(&self, from: Timestamp, to: Timestamp) -> i64 {
        let mut sum = 0;
        let mut start = from;
        while start < to {
            let end = start.plus(STRIDE).min(to);
            sum += self.spans(start, end).iter().map(|(a, b)| b.0 - a.0).sum::<i64>();
            start = end;
        }
        sum
    }

    /// The earliest instant, from `from` on, at which `target` microseconds have elapsed; `None` beyond forty years.
    pub fn deadline(&self, from: Timestamp, target: i64) -> Option<Timestamp> {
        if target <= 0 {
            return Some(from);
        }
        let mut left = target;
        let mut start = from;
        let end = from.plus(FARTHEST * Timestamp::DAY);
        while start < end {
            let until = start.plus(STRIDE);
            for (a, b) in self.spans(start, until) {
                if b.0 - a.0 >= left {
                    return Some(a.plus(left));
                }
                left -= b.0 - a.0;
            }
            start = until;
        }
        None
    }

    /// The open parts of `[from, to)`, in order. Between two changes of the zone's offset the clock runs evenly, so parts are made for each such stretch.
    fn spans(&self, from: Timestamp, to: Timestamp) -> Vec<(Timestamp, Timestamp)> {
        let mut spans = Vec::new();
        let mut start = from;
        let changes: Vec<Timestamp> = self
            .zone
            .following(from.to_jiff())
            .map(|change| Timestamp::from(change.timestamp()))
            .take_while(|at| *at < to)
            .collect();
        for end in changes.into_iter().chain([to]) {
            self.add_even(&mut spans, start, end);
            start = end;
        }
        spans
    }

    fn add_even(&self, spans: &mut Vec<(Timestamp, Timestamp)>, from: Timestamp, to: Timestamp) {
        if from >= to {
            return;
        }
        let offset = i64::from(self.zone.to_offset(from.to_jiff()).seconds()) * Timestamp::SECOND;
        let local = |at: Timestamp| at.0.saturating_add(offset);
        for number in local(from).div_euclid(Timestamp::DAY)..=(local(to) - 1).div_euclid(Timestamp::DAY) {
            let midnight = number * Timestamp::DAY;
            let Ok(day) = Instant::from_microsecond(midnight) else { continue };
            for (first, last) in self.on(day.to_zoned(TimeZone::UTC).date()) {
                let at = |minute: u16| Timestamp(midnight + i64::from(minute) * Timestamp::MINUTE - offset);
                let (a, b) = (at(*first).max(from), at(*last).min(to));
                if a < b {
                    spans.push((a, b));
                }
            }
        }
    }
}

/// Intervals of a day, sorted; those that overlap are refused.
fn intervals(texts: &[String]) -> Result<Vec<Minutes>, &'static str> {
    if texts.len() > MOST_INTERVALS {
        return Err("a day has at most 12 intervals");
    }
    let read = |text: &String| {
        let (from, to) = text.split_once('-')?;
        let (from, to) = (minute(from)?, minute(to)?);
        (from < to).then_some((from, to))
    };
    let found: Option<Vec<Minutes>> = texts.iter().map(read).collect();
    let mut found = found.ok_or("an interval is such as 09:00-17:30, from an earlier minute to a later one")?;
    found.sort_unstable();
    if found.windows(2).any(|two| two[0].1 > two[1].0) {
        return Err("intervals of a day do not overlap");
    }
    Ok(found)
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let is_number = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    let (hour, minute) =
        (is_number(hour).then(|| hour.parse::<u16>())?, is_number(minute).then(|| minute.parse::<u16>())?);
    let (hour, minute) = (hour.ok()?, minute.ok()?);
    let found = hour * 60 + minute;
    (minute < 60 && found <= DAY).then_some(found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ZONES: [&str; 6] =
        ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns"];

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn hours(change: impl FnOnce(&mut Plan)) -> BusinessHours {
        let mut plan = Plan::usual("Europe/Berlin");
        change(&mut plan);
        BusinessHours::new(&plan).unwrap()
    }

    const HOUR: i64 = Timestamp::HOUR;

    #[test]
    fn nights_weekends_and_holidays_do_not_count() {
        let hours = hours(|plan| {
            let holiday = |day: &str, open: &[&str], is_off| Holiday {
                day: day.to_owned(),
                name: String::new(),
                open: open.iter().map(|it| (*it).to_owned()).collect(),
                is_off,
            };
            plan.holidays = vec![
                holiday("2026-12-24", &["09:00-12:00"], false),
                holiday("2026-12-25", &[], false),
                holiday("2026-12-28", &[], true),
            ];
        });
        // Friday at 16:00 until Monday at 10:00.
        assert_eq!(hours.elapsed(at("2026-11-27T15:00:00Z"), at("2026-11-30T09:00:00Z")), 2 * HOUR);
        // The 24th to noon, nothing on the 25th, and the 28th is a working day after all.
        assert_eq!(hours.elapsed(at("2026-12-24T00:00:00Z"), at("2026-12-29T00:00:00Z")), 11 * HOUR);
        assert_eq!(hours.deadline(at("2026-12-24T10:00:00Z"), 2 * HOUR), Some(at("2026-12-28T09:00:00Z")));
        // On the stroke of closing, not on the next morning.
        assert_eq!(hours.deadline(at("2026-12-24T10:00:00Z"), HOUR), Some(at("2026-12-24T11:00:00Z")));
        assert!(hours.is_open(at("2026-12-24T10:59:59Z")) && !hours.is_open(at("2026-12-24T11:00:00Z")));
        assert_eq!(hours.elapsed(at("2026-12-29T00:00:00Z"), at("2026-12-24T00:00:00Z")), 0);
    }

    #[test]
    fn days_have_the_hours_that_the_clock_has() {
        let always = BusinessHours::new(&Plan::always("Europe/Berlin")).unwrap();
        let day = |from: &str, to: &str| always.elapsed(at(from), at(to)) / HOUR;
        assert_eq!(day("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"), 23);
        assert_eq!(day("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"), 25);
        // The hour that comes twice counts twice, the one that is left out not at all.
        let night = hours(|plan| plan.week[6] = vec!["02:00-03:00".to_owned()]);
        assert_eq!(night.elapsed(at("2026-10-24T22:00:00Z"), at("2026-10-25T23:00:00Z")), 2 * HOUR);
        assert_eq!(night.elapsed(at("2026-03-28T23:00:00Z"), at("2026-03-29T22:00:00Z")), 0);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let refused = |change: fn(&mut Plan)| {
            let mut plan = Plan::usual("UTC");
            change(&mut plan);
            BusinessHours::new(&plan).unwrap_err().0
        };
        assert_eq!(refused(|plan| plan.zone = "Mars/Olympus".to_owned()), "zone");
        for text in
            ["9-17", "17:00-09:00", "09:00-09:00", "09:00-24:01", "09:61-10:00", "+9:00-10:00", "", "é:00-09:00"]
        {
            let mut plan = Plan::usual("UTC");
            plan.week[2] = vec![text.to_owned()];
            assert_eq!(BusinessHours::new(&plan).unwrap_err().0, "week[2]", "{text}");
        }
        assert_eq!(refused(|plan| plan.week[0].push("16:00-18:00".to_owned())), "week[0]");
        assert_eq!(refused(|plan| plan.week = Default::default()), "week");
        // Two years of holidays are no working hours, and end.
        assert_eq!(
            refused(|plan| {
                let first: Date = "2026-01-01".parse().unwrap();
                let day = |at: i64| first.checked_add(at.days()).unwrap().to_string();
                plan.holidays = (0..730)
                    .map(|at| Holiday { day: day(at), name: String::new(), open: Vec::new(), is_off: false })
                    .collect();
            }),
            "week"
        );
    }

    prop_compose! {
        fn plan()(
            zone in prop::sample::select(ZONES.to_vec()),
            week in prop::array::uniform7(prop::collection::vec((0u16..1_400, 1u16..600), 0..3)),
            holidays in prop::collection::vec((0i64..30, prop::option::of((0u16..1_400, 1u16..400))), 0..4),
            from in 0i64..700,
        ) -> (BusinessHours, Timestamp) {
            let text = |(from, long): (u16, u16)| {
                let to = (from + long).min(DAY);
                format!("{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)
            };
            // Only what does not overlap.
            let some = |spans: Vec<(u16, u16)>| {
                let mut kept: Vec<(u16, u16)> = Vec::new();
                for one in spans {
                    if kept.iter().all(|it| it.0 + it.1 <= one.0 || one.0 + one.1 <= it.0) {
                        kept.push(one);
                    }
                }
                kept.into_iter().map(text).collect::<Vec<_>>()
            };
            let start = Timestamp::parse("2025-03-01T00:00:00Z").unwrap().plus(from * Timestamp::DAY);
            let first = Calendar::date(start);
            let mut plan = Plan { zone: zone.to_owned(), week: week.map(some), holidays: Vec::new() };
            plan.week[1] = vec!["08:15-12:00".to_owned()];
            for (day, open) in holidays {
                let day = first.checked_add(day.days()).unwrap().to_string();
                plan.holidays.push(Holiday { day, name: String::new(), open: open.map(text).into_iter().collect(), is_off: false });
            }
            (BusinessHours::new(&plan).unwrap(), start)
        }
    }

    struct Calendar;
    impl Calendar {
        fn date(at: Timestamp) -> Date {
            at.to_jiff().to_zoned(TimeZone::UTC).date()
        }
    }

    proptest! {
        /// Against counting minute by minute what the clock shows, and the deadline as the first minute at which so many have been counted.
        #[test]
        fn elapsed_is_what_counting_minutes_gives((hours, start) in plan(), from in 0i64..20_000, long in 0i64..15_000, cut in 0i64..15_000) {
            let minute = Timestamp::MINUTE;
            let from = start.plus(from * minute);
            let open = |at: i64| i64::from(hours.is_open(from.plus(at * minute)));
            let counted: i64 = (0..long).map(open).sum();
            let elapsed = hours.elapsed(from, from.plus(long * minute));
            prop_assert_eq!(elapsed, counted * minute);
            let cut = cut.min(long);
            let parts = hours.elapsed(from, from.plus(cut * minute)) + hours.elapsed(from.plus(cut * minute), from.plus(long * minute));
            prop_assert_eq!(parts, elapsed);
            if elapsed > 0 {
                let deadline = hours.deadline(from, elapsed).unwrap();
                prop_assert!(deadline <= from.plus(long * minute));
                prop_assert_eq!(hours.elapsed(from, deadline), elapsed);
                prop_assert_eq!(hours.elapsed(from, deadline.plus(-1)), elapsed - 1);
            }
        }
    }
}
