//! When points become available, and when they lapse: rules in days, months and years of the programme's own time zone, made into exact instants.
//!
//! Always holds: an end is the first instant of a civil day, also where that day has no midnight; "until 28 February" means to the end of that day, so that the instant
//! is the beginning of 1 March. A month after 31 January ends with 28 February (29 in a leap year).
//!
//! Does not: look at accounts. The instant is stored in the lot, with the rule that made it in the operation's source.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};
use rapport_domain::Timestamp;
use serde::{Deserialize, Serialize};

/// A length of civil time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Civil days.
    Days,
    /// Civil months.
    Months,
    /// Civil years.
    Years,
}

/// To which end of a period a day is moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// It stays.
    #[default]
    Day,
    /// The last day of its month.
    Month,
    /// The last day of its quarter.
    Quarter,
    /// The last day of its half-year.
    HalfYear,
    /// The last day of its year.
    Year,
}

/// When points lapse.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Expiry {
    /// Never.
    #[default]
    Never,
    /// So long after they were earned: with 0 at the end of the same day.
    After {
        /// How many.
        count: u16,
        /// Of what.
        unit: Unit,
        /// Then moved to the end of a period.
        #[serde(default)]
        rounding: Rounding,
    },
    /// At the end of the next of these days of the year.
    Fixed {
        /// Month and day: `[12, 31]`. 29 February is 28 February in other years.
        days: Vec<(i8, i8)>,
        /// Points earned fewer days before one of them wait for the one after it.
        #[serde(default)]
        at_least_days: u16,
    },
    /// So long after the member last did something that counts: each such thing moves the end of all their points.
    Inactivity {
        /// How many.
        count: u16,
        /// Of what.
        unit: Unit,
        /// What counts.
        #[serde(default = "usual")]
        counts: Vec<Activity>,
    },
}

/// Something in a member's account that may count as activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// They earned points by a rule.
    Earned,
    /// They redeemed points.
    Redeemed,
    /// Staff or a program gave them points.
    Granted,
    /// They passed points on.
    Transferred,
    /// They got points from another member.
    Received,
    /// Staff or an import put a balance right.
    Adjusted,
}

/// What they do themselves with the shop.
pub(crate) fn usual() -> Vec<Activity> {
    vec![Activity::Earned, Activity::Redeemed]
}

/// Why a rule is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// More than 200 years, so that no calendar reaches it.
    #[error("that is more than 200 years; say `never` instead")]
    TooLong,
    /// There are no days, or more than twenty.
    #[error("name 1 to 20 days of the year")]
    Days,
    /// There is no such day.
    #[error("there is no day {1} in month {0}")]
    NoSuchDay(i8, i8),
    /// Inactivity of no time.
    #[error("name at least one day, month or year")]
    Nothing,
    /// Inactivity that nothing ends.
    #[error("name at least one thing that counts as activity")]
    NoActivity,
}

impl Expiry {
    /// Whether it can be reckoned with.
    ///
    /// # Errors
    /// Why not, in a sentence.
    pub fn check(&self) -> Result<(), Refusal> {
        match self {
            Self::Never => Ok(()),
            Self::After { count, unit, .. } | Self::Inactivity { count, unit, .. } => {
                if matches!(self, Self::Inactivity { count: 0, .. }) {
                    return Err(Refusal::Nothing);
                }
                if matches!(self, Self::Inactivity { counts, .. } if counts.is_empty()) {
                    return Err(Refusal::NoActivity);
                }
                let most = match unit {
                    Unit::Days => 73_000,
                    Unit::Months => 2_400,
                    Unit::Years => 200,
                };
                if u32::from(*count) > most { Err(Refusal::TooLong) } else { Ok(()) }
            }
            Self::Fixed { days, .. } if days.is_empty() || days.len() > 20 => Err(Refusal::Days),
            // Of a leap year, so that 29 February is one.
            Self::Fixed { days, .. } => days.iter().try_for_each(|(month, day)| {
                Date::new(2_024, *month, *day).map(drop).map_err(|_| Refusal::NoSuchDay(*month, *day))
            }),
        }
    }

    /// From when points that were earned at `earned` cannot be spent any more; for [`Expiry::Inactivity`], `earned` is when the member last did something that counts.
    pub fn end(&self, earned: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let day = earned.to_jiff().to_zoned(zone.clone()).date();
        let last = match self {
            Self::Never => return None,
            Self::After { count, unit, rounding } => rounding.last(later(day, *count, *unit)?)?,
            Self::Inactivity { count, unit, .. } => later(day, *count, *unit)?,
            Self::Fixed { days, at_least_days } => {
                let first = day.checked_add(i64::from(*at_least_days).days()).ok()?;
                let years = [first.year(), first.year().checked_add(1)?];
                let all =
                    years.into_iter().flat_map(|year| days.iter().map(move |(month, day)| of_year(year, *month, *day)));
                all.flatten().filter(|day| *day >= first).min()?
            }
        };
        Some(day_after(last, zone))
    }
}

/// Until when points are pending.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Pending {
    /// Not at all.
    #[default]
    No,
    /// So many civil days, as long as goods can be returned: with 14, on the fifteenth day from its beginning on.
    ReturnWindow {
        /// How many.
        days: u16,
    },
}

impl Pending {
    /// From when points that were earned at `earned` can be spent.
    pub fn end(self, earned: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let Self::ReturnWindow { days } = self else { return None };
        let day = earned.to_jiff().to_zoned(zone.clone()).date();
        Some(day_after(later(day, days, Unit::Days)?, zone))
    }
}

impl Rounding {
    /// The last day of the period that `day` lies in.
    fn last(self, day: Date) -> Option<Date> {
        let months = match self {
            Self::Day => return Some(day),
            Self::Month => 1,
            Self::Quarter => 3,
            Self::HalfYear => 6,
            Self::Year => 12,
        };
        let month = (day.month() - 1) / months * months + months;
        Date::new(day.year(), month, 1).ok().map(Date::last_of_month)
    }
}

fn later(day: Date, count: u16, unit: Unit) -> Option<Date> {
    let count = i64::from(count);
    let span: Span = match unit {
        Unit::Days => count.days(),
        Unit::Months => count.months(),
        Unit::Years => count.years(),
    };
    day.checked_add(span).ok()
}

fn of_year(year: i16, month: i8, day: i8) -> Option<Date> {
    Date::new(year, month, day).ok().or_else(|| Date::new(year, month, 1).ok().map(Date::last_of_month))
}

/// The first instant after a day.
fn day_after(day: Date, zone: &TimeZone) -> Timestamp {
    let next = day.tomorrow().and_then(|next| next.to_zoned(zone.clone())).and_then(|next| next.start_of_day());
    next.map_or(Timestamp(i64::MAX), |next| next.timestamp().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    fn at(text: &str, zone: &TimeZone) -> Timestamp {
        text.parse::<jiff::civil::DateTime>().unwrap().to_zoned(zone.clone()).unwrap().timestamp().into()
    }

    fn ends(rule: &Expiry, earned: &str, name: &str) -> String {
        let zone = zone(name);
        let end = rule.end(at(earned, &zone), &zone).unwrap();
        end.to_jiff().to_zoned(zone).datetime().to_string()
    }

    const fn after(count: u16, unit: Unit, rounding: Rounding) -> Expiry {
        Expiry::After { count, unit, rounding }
    }

    /// The worked cases of Voucherify's documentation of rolling expiry, and of Square's `P12M`, which lasts to the end of a month.
    #[test]
    fn published_cases() {
        let months = |count| after(count, Unit::Months, Rounding::Day);
        assert_eq!(ends(&months(1), "2026-01-31T10:00:00", "Europe/Warsaw"), "2026-03-01T00:00:00");
        assert_eq!(ends(&months(1), "2024-01-31T10:00:00", "Europe/Warsaw"), "2024-03-01T00:00:00");
        assert_eq!(ends(&months(0), "2026-01-31T23:59:59", "Europe/Warsaw"), "2026-02-01T00:00:00");
        let square = after(12, Unit::Months, Rounding::Month);
        assert_eq!(ends(&square, "2020-07-06T12:00:00", "America/New_York"), "2021-08-01T00:00:00");
    }

    #[test]
    fn periods_end_where_they_end() {
        for (rounding, end) in [
            (Rounding::Day, "2026-05-16T00:00:00"),
            (Rounding::Month, "2026-06-01T00:00:00"),
            (Rounding::Quarter, "2026-07-01T00:00:00"),
            (Rounding::HalfYear, "2026-07-01T00:00:00"),
            (Rounding::Year, "2027-01-01T00:00:00"),
        ] {
            assert_eq!(ends(&after(30, Unit::Days, rounding), "2026-04-15T08:00:00", "Asia/Shanghai"), end);
        }
        assert_eq!(ends(&after(1, Unit::Years, Rounding::Day), "2024-02-29T08:00:00", "UTC"), "2025-03-01T00:00:00");
    }

    #[test]
    fn fixed_days_come_once_a_year() {
        let rule = Expiry::Fixed { days: vec![(6, 30), (12, 31)], at_least_days: 30 };
        assert_eq!(ends(&rule, "2026-05-31T10:00:00", "UTC"), "2026-07-01T00:00:00");
        assert_eq!(ends(&rule, "2026-06-01T10:00:00", "UTC"), "2027-01-01T00:00:00");
        assert_eq!(ends(&rule, "2026-12-15T10:00:00", "UTC"), "2027-07-01T00:00:00");
        let leap = Expiry::Fixed { days: vec![(2, 29)], at_least_days: 0 };
        assert_eq!(ends(&leap, "2026-02-28T10:00:00", "UTC"), "2026-03-01T00:00:00");
        assert_eq!(ends(&leap, "2027-03-01T10:00:00", "UTC"), "2028-03-01T00:00:00");
    }

    /// In São Paulo of 2018 the day on which summer time began had no midnight; in Samoa 30 December 2011 did not exist.
    #[test]
    fn days_without_midnight_begin_all_the_same() {
        let week = after(7, Unit::Days, Rounding::Day);
        assert_eq!(ends(&week, "2018-10-27T10:00:00", "America/Sao_Paulo"), "2018-11-04T01:00:00");
        assert_eq!(
            ends(&after(1, Unit::Days, Rounding::Day), "2011-12-28T10:00:00", "Pacific/Apia"),
            "2011-12-31T00:00:00"
        );
        let window = Pending::ReturnWindow { days: 14 };
        let zone = zone("Europe/Berlin");
        // Over the night in which the clock goes back.
        let end = window.end(at("2026-10-20T22:00:00", &zone), &zone).unwrap();
        assert_eq!(end, at("2026-11-04T00:00:00", &zone));
    }

    #[test]
    fn what_cannot_be_reckoned_is_refused() {
        let fixed = |days| Expiry::Fixed { days, at_least_days: 0 };
        for (rule, why) in [
            (after(201, Unit::Years, Rounding::Day), Refusal::TooLong),
            (fixed(vec![]), Refusal::Days),
            (fixed(vec![(1, 1); 21]), Refusal::Days),
            (fixed(vec![(2, 30)]), Refusal::NoSuchDay(2, 30)),
            (fixed(vec![(13, 1)]), Refusal::NoSuchDay(13, 1)),
            (Expiry::Inactivity { count: 0, unit: Unit::Months, counts: usual() }, Refusal::Nothing),
            (Expiry::Inactivity { count: 1, unit: Unit::Months, counts: Vec::new() }, Refusal::NoActivity),
        ] {
            assert_eq!(rule.check(), Err(why));
        }
        assert_eq!(fixed(vec![(2, 29)]).check(), Ok(()));
        assert_eq!(after(0, Unit::Days, Rounding::Day).check(), Ok(()));
    }

    proptest! {
        /// Whatever the rule, the zone and the day: points last longer than the moment they are earned in, and those earned later never lapse earlier.
        #[test]
        fn later_points_never_lapse_earlier(first in 0_i64..2_000_000_000, more in 0_i64..40_000_000, count in 0_u16..800, unit in 0_usize..3, rounding in 0_usize..5, place in 0_usize..4) {
            let zone = zone(["UTC", "America/Sao_Paulo", "Pacific/Apia", "Asia/Kathmandu"][place]);
            let unit = [Unit::Days, Unit::Months, Unit::Years][unit];
            let count = if unit == Unit::Years { count % 100 } else { count };
            let rounding = [Rounding::Day, Rounding::Month, Rounding::Quarter, Rounding::HalfYear, Rounding::Year][rounding];
            for rule in [after(count, unit, rounding), Expiry::Fixed { days: vec![(3, 31), (9, 30)], at_least_days: count % 60 }] {
                let (first, later) = (Timestamp::from_seconds(first), Timestamp::from_seconds(first + more));
                let (one, other) = (rule.end(first, &zone).unwrap(), rule.end(later, &zone).unwrap());
                prop_assert!(one > first && other >= one);
                let start = one.to_jiff().to_zoned(zone.clone());
                prop_assert_eq!(start.start_of_day().unwrap(), start);
            }
        }
    }
}
