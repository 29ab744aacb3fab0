//! When the shop is busy: the days of the simulated history in the shop's zone, with growth, season, weekday and time of day.
//!
//! Always holds: [`Seasons::weeks_at`] and [`Seasons::instant_at`] are each other's inverse and monotone. They translate
//! between the calendar and *shop weeks*, a clock that runs fast when the shop is busy and has the calendar's mean speed over the whole
//! history; a process with constant rate in shop weeks therefore shows season, weekdays and evenings in the calendar.

use jiff::{ToSpan, civil::Date, civil::Weekday, tz::TimeZone};
use rapport_domain::Timestamp;

use crate::chance::Dice;

/// Days of history: about 24 months.
pub(crate) const DAYS: usize = 730;

/// By month, January first: how busy a home and outdoor shop is.
const MONTHS: [f64; 12] = [0.85, 0.80, 0.90, 0.95, 1.05, 1.05, 0.95, 0.90, 0.95, 1.05, 1.30, 1.60];

/// By hour of the local day.
const HOURS: [f64; 24] = [
    0.6, 0.3, 0.2, 0.1, 0.1, 0.3, 0.8, 1.4, 2.0, 2.4, 2.6, 2.6, 2.8, 2.5, 2.3, 2.3, 2.5, 2.9, 3.4, 4.2, 4.8, 4.3, 2.9,
    1.5,
];

/// How many times as many customers are won at the end of the history as at its start.
const GROWTH: f64 = 2.4;

/// The days of the history and how busy they are.
pub(crate) struct Seasons {
    dates: Vec<Date>,
    /// Local midnight of each day and of the day after the last, microseconds.
    midnights: Vec<i64>,
    /// Shop weeks from the start to each midnight.
    weeks: Vec<f64>,
    /// Share of all new customers won before each midnight.
    won: Vec<f64>,
    /// Share of a day's business before each full hour.
    hours: [f64; 25],
}

impl Seasons {
    /// The history that ends at `end`.
    pub(crate) fn new(end: Timestamp) -> Self {
        // Berlin's rule written out, so that no time zone database is needed.
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a constant, valid POSIX rule");
        let last = end.to_jiff().to_zoned(zone.clone()).date();
        let dates: Vec<Date> =
            (0..DAYS as i64).map(|day| last.saturating_sub((DAYS as i64 - 1 - day).days())).collect();
        let midnight = |date: Date| {
            zone.to_timestamp(date.to_datetime(jiff::civil::Time::midnight())).map_or(end.0, |t| t.as_microsecond())
        };
        let mut midnights: Vec<i64> = dates.iter().map(|date| midnight(*date)).collect();
        midnights.push(midnight(last.saturating_add(1.day())));
        let busy: Vec<f64> = dates.iter().map(|date| busyness(*date)).collect();
        let speed = DAYS as f64 / 7.0 / busy.iter().sum::<f64>();
        let weeks = running_sum(busy.iter().map(|b| b * speed));
        let winning: Vec<f64> =
            busy.iter().enumerate().map(|(day, b)| b * GROWTH.powf(day as f64 / DAYS as f64)).collect();
        let all: f64 = winning.iter().sum();
        let won = running_sum(winning.iter().map(|w| w / all));
        let all: f64 = HOURS.iter().sum();
        let mut hours = [0.0; 25];
        for (hour, share) in HOURS.iter().enumerate() {
            hours[hour + 1] = hours[hour] + share / all;
        }
        Self { dates, midnights, weeks, won, hours }
    }

    /// The first instant of the history.
    pub(crate) fn start(&self) -> Timestamp {
        Timestamp(self.midnights[0])
    }

    /// The date of a day of the history.
    pub(crate) fn date(&self, day: usize) -> Date {
        self.dates[day]
    }

    /// The share of all new customers that is won on a day.
    pub(crate) fn share_won(&self, day: usize) -> f64 {
        self.won[day + 1] - self.won[day]
    }

    /// Local midnight of a day, plus seconds.
    pub(crate) fn at(&self, day: usize, seconds: i64) -> Timestamp {
        Timestamp(self.midnights[day] + seconds * Timestamp::SECOND)
    }

    /// Shop weeks from the start of the history to an instant, which is clamped to the history.
    pub(crate) fn weeks_at(&self, instant: Timestamp) -> f64 {
        let day = self.midnights.partition_point(|m| *m <= instant.0).clamp(1, DAYS) - 1;
        let (from, to) = (self.midnights[day], self.midnights[day + 1]);
        let hour = 24.0 * ((instant.0 - from) as f64 / (to - from) as f64).clamp(0.0, 1.0);
        let whole = (hour as usize).min(23);
        let share = self.hours[whole] + (hour - whole as f64) * (self.hours[whole + 1] - self.hours[whole]);
        self.weeks[day] + share * (self.weeks[day + 1] - self.weeks[day])
    }

    /// The instant at which so many shop weeks have passed since the start, or `None` past the last day.
    pub(crate) fn instant_at(&self, weeks: f64) -> Option<Timestamp> {
        self.instant_on(&self.weeks, weeks)
    }

    /// An instant at which a customer is won, up to `end`.
    pub(crate) fn winning_instant(&self, dice: &mut Dice, end: Timestamp) -> Timestamp {
        loop {
            let share = dice.unit();
            match self.instant_on(&self.won, share) {
                Some(instant) if instant <= end => return instant,
                _ => {}
            }
        }
    }

    fn instant_on(&self, sums: &[f64], value: f64) -> Option<Timestamp> {
        if value >= sums[DAYS] {
            return None;
        }
        let day = sums.partition_point(|sum| *sum <= value).max(1) - 1;
        let share = (value - sums[day]) / (sums[day + 1] - sums[day]);
        let hour = self.hours.partition_point(|sum| *sum <= share).clamp(1, 24) - 1;
        let within = (share - self.hours[hour]) / (self.hours[hour + 1] - self.hours[hour]);
        let (from, to) = (self.midnights[day], self.midnights[day + 1]);
        let fraction = (hour as f64 + within) / 24.0;
        Some(Timestamp(from + (fraction * (to - from) as f64) as i64))
    }
}

/// How busy a day is, before it is scaled to a mean of one.
fn busyness(date: Date) -> f64 {
    let month = MONTHS[usize::from(date.month().unsigned_abs()) - 1];
    let weekday = match date.weekday() {
        Weekday::Monday => 1.05,
        Weekday::Sunday => 1.15,
        Weekday::Friday => 0.90,
        Weekday::Saturday => 0.95,
        _ => 0.98,
    };
    let special = match (date.month(), date.day(), date.weekday()) {
        (11, 23..=29, Weekday::Friday) => 2.4,
        (12, 22..=31, _) => 0.45,
        _ => 1.0,
    };
    month * weekday * special
}

fn running_sum(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut sum = 0.0;
    std::iter::once(0.0)
        .chain(values.map(|value| {
            sum += value;
            sum
        }))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shop_weeks_and_calendar_agree_both_ways() {
        let end = Timestamp::parse("2026-11-21T15:04:05Z").unwrap();
        let seasons = Seasons::new(end);
        assert!((seasons.weeks_at(Timestamp(seasons.midnights[DAYS])) - DAYS as f64 / 7.0).abs() < 1e-9);
        let mut before = seasons.start();
        for step in 1..5000 {
            let weeks = DAYS as f64 / 7.0 * f64::from(step) / 5000.0;
            let instant = seasons.instant_at(weeks).unwrap();
            assert!(instant > before);
            assert!((seasons.weeks_at(instant) - weeks).abs() < 1e-6, "{weeks}");
            before = instant;
        }
        assert_eq!(seasons.instant_at(DAYS as f64), None);
    }

    #[test]
    fn days_begin_at_berlin_midnight() {
        let seasons = Seasons::new(Timestamp::parse("2026-11-21T23:30:00Z").unwrap());
        assert_eq!(seasons.date(DAYS - 1).to_string(), "2026-11-22");
        assert_eq!(seasons.at(DAYS - 1, 0), Timestamp::parse("2026-11-22T00:00:00+01:00").unwrap());
        let summer = seasons.dates.iter().position(|d| d.to_string() == "2026-07-01").unwrap();
        assert_eq!(seasons.at(summer, 0), Timestamp::parse("2026-07-01T00:00:00+02:00").unwrap());
    }
}
