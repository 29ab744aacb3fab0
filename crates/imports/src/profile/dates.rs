//! What the dates of a column look like: order of day and month, range, weekdays, and signs that days and months were swapped.
//!
//! Always holds: every style is tried on every value, so a convention that changes in the middle of a file is seen. A suspicion is
//! a sentence for people, never a change to the data.

use std::collections::BTreeMap;

use rapport_domain::Timestamp;
use serde::{Deserialize, Serialize};

use crate::values::date::{self, DateStyle, Moment, show_day};

/// Different days that are kept for the weekday comparison.
const MAX_DAYS: usize = 20_000;

const STYLES: [DateStyle; 6] = [
    DateStyle::YearMonthDay,
    DateStyle::DayMonthYear,
    DateStyle::MonthDayYear,
    DateStyle::Compact,
    DateStyle::EpochSeconds,
    DateStyle::EpochMillis,
];

/// Facts about a column of dates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DateFacts {
    /// The order of the parts.
    pub style: DateStyle,
    /// The shape of the first value ("dd/mm/yyyy HH:MM").
    pub pattern: String,
    /// Whether day and month could be the other way round: no value says which.
    pub ambiguous: bool,
    /// Values that fit only the other order of day and month.
    pub other_order: u64,
    /// Whether there are times of day.
    pub has_time: bool,
    /// The first day.
    pub earliest: String,
    /// The last day.
    pub latest: String,
    /// Values on each weekday, Monday first.
    pub weekdays: [u64; 7],
    /// Why days and months may be swapped in a part of the values, if so.
    pub swap_suspected: Option<String>,
}

/// Collects facts about dates.
#[derive(Default)]
pub(crate) struct Dates {
    by_style: [Style; 6],
    example: String,
}

#[derive(Default)]
struct Style {
    fits: u64,
    misses: u64,
    /// Values that this style reads and the other order of day and month does not.
    alone: u64,
    with_time: u64,
    /// How often a value is earlier than the one before: a file in order shows the right style.
    backwards: u64,
    last: i64,
    weekdays: [u64; 7],
    /// Different days and their day of the month.
    days: BTreeMap<i64, u8>,
}

impl Dates {
    /// Adds a value that is not blank; returns whether any style reads it.
    pub fn add(&mut self, text: &str) -> bool {
        let mut read = [None; 6];
        let total: u64 = self.by_style[0].fits + self.by_style[0].misses;
        for ((style, slot), facts) in STYLES.iter().zip(&mut read).zip(&mut self.by_style) {
            // A style that never fitted in a thousand values is not tried any more.
            *slot = if total > 1_000 && facts.fits == 0 { None } else { date::parse(text, *style) };
            facts.note(*slot);
        }
        if read[1].is_some() != read[2].is_some() {
            self.by_style[if read[1].is_some() { 1 } else { 2 }].alone += 1;
        }
        let any = read.iter().any(Option::is_some);
        if any && self.example.is_empty() {
            text.clone_into(&mut self.example);
        }
        any
    }

    /// How many values the best style reads.
    pub fn fits(&self) -> u64 {
        self.by_style[self.best()].fits
    }

    fn best(&self) -> usize {
        let mut best = 0;
        for index in 1..STYLES.len() {
            let (a, b) = (&self.by_style[index], &self.by_style[best]);
            if a.fits > b.fits || (a.fits == b.fits && a.fits > 0 && a.backwards < b.backwards) {
                best = index;
            }
        }
        best
    }

    /// The facts, when there is any date.
    pub fn facts(&self) -> Option<DateFacts> {
        let index = self.best();
        let best = &self.by_style[index];
        if best.fits == 0 {
            return None;
        }
        let other = match index {
            1 => Some(&self.by_style[2]),
            2 => Some(&self.by_style[1]),
            _ => None,
        };
        let ambiguous = other
            .is_some_and(|other| other.fits == best.fits && other.backwards == best.backwards && best.days.len() > 1);
        Some(DateFacts {
            style: STYLES[index],
            pattern: date::pattern(&self.example, STYLES[index]),
            ambiguous,
            other_order: other.map_or(0, |other| other.alone),
            has_time: best.with_time * 2 > best.fits,
            earliest: best.days.keys().next().map_or_else(String::new, |day| show_day(*day)),
            latest: best.days.keys().next_back().map_or_else(String::new, |day| show_day(*day)),
            weekdays: best.weekdays,
            swap_suspected: swap(&best.days),
        })
    }
}

impl Style {
    fn note(&mut self, moment: Option<Moment>) {
        let Some(moment) = moment else {
            self.misses += 1;
            return;
        };
        let micros = moment.local_micros() - moment.offset.map_or(0, i64::from) * Timestamp::SECOND;
        self.backwards += u64::from(self.fits > 0 && micros < self.last);
        self.last = micros;
        self.fits += 1;
        self.with_time += u64::from(moment.has_time);
        self.weekdays[moment.weekday()] += 1;
        if self.days.len() < MAX_DAYS || self.days.keys().next_back().is_some_and(|last| moment.days > *last) {
            self.days.insert(moment.days, moment.day);
        }
    }
}

const WEEKDAYS: [&str; 7] = ["Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays"];

/// Signs that day and month were swapped where the day is at most 12.
fn swap(days: &BTreeMap<i64, u8>) -> Option<String> {
    let span = days.keys().next_back()? - days.keys().next()?;
    if days.len() >= 24 && span > 60 && days.values().all(|day| *day <= 12) {
        return Some(
            "no day of the month is above 12 although the dates span months: day and month are probably swapped"
                .to_owned(),
        );
    }
    // A shop that rests on Saturdays rests on all of them: the days 1 to 12 must show the same week as the days after.
    let mut early = [0u32; 7];
    let mut late = [0u32; 7];
    for (date, day) in days {
        let weekday = usize::try_from((date + 3).rem_euclid(7)).unwrap_or(0);
        if *day <= 12 { early[weekday] += 1 } else { late[weekday] += 1 }
    }
    let (early_sum, late_sum) = (early.iter().sum::<u32>(), late.iter().sum::<u32>());
    if early_sum < 40 || late_sum < 60 {
        return None;
    }
    let share = |count: u32, sum: u32| f64::from(count) * 7.0 / f64::from(sum);
    let weekday = (0..7).find(|w| share(late[*w], late_sum) < 0.1 && share(early[*w], early_sum) > 0.5)?;
    Some(format!(
        "{} are missing among the days 13 to 31 but not among the days 1 to 12: day and month are probably swapped where both are at most 12",
        WEEKDAYS[weekday]
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(values: &[&str]) -> DateFacts {
        let mut dates = Dates::default();
        values.iter().for_each(|value| {
            dates.add(value);
        });
        dates.facts().unwrap()
    }

    #[test]
    fn finds_the_order() {
        assert_eq!(facts(&["04-09-2012", "21-05-2013"]).style, DateStyle::DayMonthYear);
        assert_eq!(facts(&["04/09/2012", "05/21/2013"]).style, DateStyle::MonthDayYear);
        assert!(
            facts(&["04/09/2012", "05/04/2012"]).style == DateStyle::MonthDayYear,
            "the file is in order this way only"
        );
        let mixed = facts(&["13/01/2012", "14/01/2012", "01/15/2012"]);
        assert_eq!((mixed.style, mixed.other_order), (DateStyle::DayMonthYear, 1));
        assert!(facts(&["04/04/2012", "05/05/2012"]).ambiguous);
        assert_eq!(facts(&["19970101", "19971231"]).style, DateStyle::Compact);
    }

    #[test]
    fn sees_swapped_days_and_months() {
        let mut right = Dates::default();
        let mut swapped = Dates::default();
        for day in 14_944..15_309 {
            // No Saturdays.
            if (day + 3) % 7 == 5 {
                continue;
            }
            let text = show_day(day);
            right.add(&text);
            let (year, rest) = text.split_once('-').unwrap();
            let (month, day) = rest.split_once('-').unwrap();
            swapped.add(&if day.parse::<u8>().unwrap() <= 12 { format!("{year}-{day}-{month}") } else { text.clone() });
        }
        assert_eq!(right.facts().unwrap().swap_suspected, None);
        assert!(swapped.facts().unwrap().swap_suspected.unwrap().starts_with("Saturdays"));
        assert_eq!(right.facts().unwrap().weekdays[5], 0);
    }
}
