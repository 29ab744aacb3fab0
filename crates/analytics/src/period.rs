//! From a period to instants, and from instants to intervals.
//!
//! Always holds: a range ends at the latest just after the present, so that what is dated in the future has not happened.

use jiff::ToSpan;
use rapport_domain::{Calendar, Interval, Timestamp};
use rapport_segments::{Instant, duration::Unit};

use crate::analytics::Context;
use crate::error::{Error, Result};
use crate::question::Period;

/// Most intervals of an answer.
pub(crate) const MAX_INTERVALS: usize = 3_000;

/// From an instant (inclusive) to another (exclusive).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    /// The beginning is not a cut: nothing is before it.
    pub(crate) from_the_first: bool,
}

impl Range {
    /// The range of `period`; `times` are those of the first and the last event.
    pub(crate) fn of(period: Period, context: &Context, times: Option<(Timestamp, Timestamp)>) -> Result<Self> {
        let now = context.now.plus(1);
        let calendar = &context.calendar;
        let (first, last) = times.unwrap_or((context.now, context.now));
        let all = Self { from: first.min(context.now), to: last.plus(1).min(now), from_the_first: true };
        let range = match period {
            Period::All => all,
            Period::Last(length) => {
                let days = match length.unit() {
                    Unit::Day => i64::from(length.amount()),
                    Unit::Week => 7 * i64::from(length.amount()),
                    Unit::Second | Unit::Minute | Unit::Hour => 0,
                };
                let from = match days {
                    0 => now.plus(-length.micros()),
                    _ => Instant::Date(days_before(calendar.date(context.now), days - 1)).start(calendar),
                };
                Self { from, to: now, from_the_first: false }
            }
            Period::Between { from, to } => {
                let to = to.map_or(now, |to| to.until(calendar)).min(now);
                match from {
                    Some(from) => Self { from: from.start(calendar), to, from_the_first: false },
                    None => Self { from: all.from.min(to), to, from_the_first: true },
                }
            }
        };
        if range.from > range.to {
            return Err(Error::invalid("period", "it ends before it begins, or lies in the future"));
        }
        Ok(range)
    }

    /// The period before, of the same length: as many civil days where the length is of such, else as long. `None` where nothing can
    /// be before.
    pub(crate) fn before(&self, calendar: &Calendar) -> Option<Self> {
        if self.from_the_first || self.from >= self.to {
            return None;
        }
        let (first, last) = (calendar.date(self.from), calendar.date(self.to.plus(-1)));
        let at_midnight = Instant::Date(first).start(calendar) == self.from;
        let days = i64::from(first.until(last).map_or(0, |span| span.get_days())) + 1;
        let earlier = if at_midnight {
            Self {
                from: Instant::Date(days_before(first, days)).start(calendar),
                to: back(self.to, days, calendar),
                ..*self
            }
        } else {
            Self { from: self.from.plus(self.from.0 - self.to.0), to: self.from, ..*self }
        };
        (earlier.from < earlier.to).then_some(earlier)
    }

    /// The same end, reaching back over at least `count` whole intervals, but not to before the interval of the first event.
    pub(crate) fn reaching_back(
        &self,
        calendar: &Calendar,
        interval: Interval,
        count: usize,
        first: Option<Timestamp>,
    ) -> Self {
        let mut start = calendar.floor(self.to.plus(-1), interval);
        for _ in 1..count {
            start = calendar.floor(start.plus(-1), interval);
        }
        let data = first.map_or(self.from, |first| calendar.floor(first, interval));
        Self { from: self.from.min(start.max(data)), ..*self }
    }

    /// The intervals that touch it.
    pub(crate) fn intervals(&self, interval: Interval, calendar: &Calendar) -> Result<Intervals> {
        let bounds = calendar.starts(interval, self.from, self.to, MAX_INTERVALS);
        if bounds.last().is_some_and(|last| *last < self.to) {
            let problem = format!("more than {MAX_INTERVALS} intervals; choose a longer interval or a shorter period");
            return Err(Error::invalid("interval", problem));
        }
        Ok(Intervals { bounds })
    }
}

/// Intervals that touch: interval `i` is from bound `i` to bound `i + 1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Intervals {
    pub(crate) bounds: Vec<Timestamp>,
}

impl Intervals {
    pub(crate) fn len(&self) -> usize {
        self.bounds.len().saturating_sub(1)
    }

    pub(crate) fn starts(&self) -> &[Timestamp] {
        &self.bounds[..self.len()]
    }

    pub(crate) fn micros(&self) -> Vec<i64> {
        self.bounds.iter().map(|bound| bound.0).collect()
    }

    /// Which of them `range` cuts, or data does not reach the end of.
    pub(crate) fn incomplete(&self, range: &Range, until: Timestamp) -> Vec<bool> {
        let until = until.min(range.to);
        let cut = |start: Timestamp| start < range.from && !range.from_the_first;
        self.bounds.windows(2).map(|bounds| cut(bounds[0]) || bounds[1] > until).collect()
    }

    /// The place of the interval that begins at `start`.
    pub(crate) fn place(&self, start: Timestamp) -> Option<usize> {
        self.starts().binary_search(&start).ok()
    }
}

fn days_before(date: jiff::civil::Date, days: i64) -> jiff::civil::Date {
    date.checked_sub(days.days()).unwrap_or(jiff::civil::Date::MIN)
}

/// The same time of day so many civil days earlier.
fn back(instant: Timestamp, days: i64, calendar: &Calendar) -> Timestamp {
    let zoned = instant.to_jiff().to_zoned(calendar.zone.clone());
    zoned.checked_sub(days.days()).map_or(Timestamp(i64::MIN), |zoned| zoned.timestamp().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rapport_domain::{Currency, WeekStart};
    use rapport_segments::Duration;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_short_range_reaches_back_over_whole_weeks_as_far_as_there_is_data() {
        let calendar = Calendar::default();
        let range = Range { from: at("2026-11-01T00:00:00Z"), to: at("2026-11-21T12:00:00Z"), from_the_first: false };
        let back = |first: &str| range.reaching_back(&calendar, Interval::Week, 4, Some(at(first))).from;
        assert_eq!(back("2020-01-01T00:00:00Z"), at("2026-10-26T00:00:00Z"));
        assert_eq!(back("2026-11-20T00:00:00Z"), range.from, "no earlier than there is data");
        assert_eq!(range.reaching_back(&calendar, Interval::Week, 2, None).from, range.from, "never shorter");
    }

    fn berlin(now: &str) -> Context {
        Context {
            calendar: Calendar::new("Europe/Berlin", WeekStart::Monday).unwrap(),
            currency: Currency::parse("EUR").unwrap(),
            now: at(now),
            data_until: at(now),
        }
    }

    #[test]
    fn the_last_days_are_civil_days_and_the_present_one_is_the_last() {
        let context = berlin("2026-03-30T10:00:00Z");
        let last = |text: &str| Range::of(Period::Last(Duration::parse(text).unwrap()), &context, None).unwrap();
        assert_eq!(last("1d").from, at("2026-03-29T22:00:00Z"));
        assert_eq!(last("2d").from, at("2026-03-28T23:00:00Z"));
        assert_eq!(last("1w").from, at("2026-03-23T23:00:00Z"));
        assert_eq!(last("12h").from, at("2026-03-29T22:00:00.000001Z"));
        assert_eq!(last("12h").to, context.now.plus(1));
        let before = last("2d").before(&context.calendar).unwrap();
        assert_eq!((before.from, before.to), (at("2026-03-26T23:00:00Z"), at("2026-03-28T11:00:00.000001Z")));
    }

    #[test]
    fn the_last_date_belongs_to_the_period_and_the_future_does_not() {
        let context = berlin("2026-03-30T10:00:00Z");
        let between = |from: &str, to: &str| {
            Range::of(Period::Between { from: Instant::parse(from), to: Instant::parse(to) }, &context, None)
        };
        let january = between("2026-01-01", "2026-01-31").unwrap();
        assert_eq!((january.from, january.to), (at("2025-12-31T23:00:00Z"), at("2026-01-31T23:00:00Z")));
        let before = january.before(&context.calendar).unwrap();
        assert_eq!((before.from, before.to), (at("2025-11-30T23:00:00Z"), january.from));
        assert_eq!(between("2026-01-01", "2026-12-31").unwrap().to, context.now.plus(1));
        assert_eq!(between("2026-02-01", "2026-01-01").unwrap_err().code(), "question_invalid");
        assert_eq!(between("2027-02-01", "").unwrap_err().code(), "question_invalid");
        let all = Range::of(Period::All, &context, Some((at("2025-01-01"), at("2030-01-01")))).unwrap();
        assert_eq!((all.from, all.to, all.before(&context.calendar)), (at("2025-01-01"), context.now.plus(1), None));
    }

    #[test]
    fn intervals_that_are_cut_or_not_over_are_incomplete() {
        let context = berlin("2026-03-30T10:00:00Z");
        let period = Period::Between { from: Instant::parse("2026-01-15"), to: None };
        let range = Range::of(period, &context, None).unwrap();
        let months = range.intervals(Interval::Month, &context.calendar).unwrap();
        assert_eq!(
            months.starts(),
            [at("2025-12-31T23:00:00Z"), at("2026-01-31T23:00:00Z"), at("2026-02-28T23:00:00Z")]
        );
        assert_eq!(months.incomplete(&range, context.now), [true, false, true]);
        assert_eq!(months.incomplete(&range, at("2026-02-10")), [true, true, true]);
        assert_eq!(months.place(at("2026-01-31T23:00:00Z")), Some(1));
        let long = Range { from: at("1970-01-01"), ..range };
        assert_eq!(long.intervals(Interval::Hour, &context.calendar).unwrap_err().code(), "question_invalid");
    }
}
