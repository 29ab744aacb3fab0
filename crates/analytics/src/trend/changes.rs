//! When the level of a line changed: beside the line, and in a note of the largest one.
//!
//! Always holds: only intervals that are whole are looked at, without what the calendar repeats (the week of days, the year of months); a line that rises or falls
//! steadily has no changes.

use rapport_domain::{Calendar, Currency, Interval, Timestamp};
use rapport_models::changes::{Change, Movement};

use crate::answer::{Cell, LevelChange, Unit};
use crate::english;

/// Fewer intervals tell no levels apart, and more take longer than the question.
const LEAST: usize = 12;
const MOST: usize = 2_000;

/// After how many intervals the calendar repeats itself.
const fn season(interval: Interval) -> usize {
    match interval {
        Interval::Hour => 24,
        Interval::Day => 7,
        Interval::Month => 12,
        Interval::Quarter => 4,
        Interval::Week | Interval::Year => 1,
    }
}

/// Where the level of a line changed, in the order of time; nothing where an interval has nothing to measure.
pub(super) fn of(values: &[Cell], incomplete: &[bool], interval: Interval) -> Vec<LevelChange> {
    let whole = |at: &usize| !incomplete[*at];
    let (Some(first), Some(last)) = ((0..values.len()).find(whole), (0..values.len()).rfind(whole)) else {
        return Vec::new();
    };
    let known: Option<Vec<f64>> = values[first..=last].iter().map(Cell::as_f64).collect();
    let known = known.filter(|it| (LEAST..=MOST).contains(&it.len()));
    let change = |it: &Change| LevelChange {
        at: first + it.at,
        before: it.before.value,
        after: it.after.value,
        after_low: it.after.low,
        after_high: it.after.high,
    };
    match known.map(|it| Movement::of(&it, season(interval))) {
        Some(Ok(Movement::Changed(changes))) => changes.iter().map(change).collect(),
        _ => Vec::new(),
    }
}

/// What the last change of a line is, in a sentence.
pub(super) fn note(
    label: &str,
    changes: &[LevelChange],
    (unit, currency): (Unit, Currency),
    (starts, interval, calendar): (&[Timestamp], Interval, &Calendar),
) -> Option<String> {
    let last = changes.last()?;
    let often = match changes.len() {
        1 => "once,".to_owned(),
        2 => "twice, the last time".to_owned(),
        n => format!("{n} times, the last time"),
    };
    let name = english::interval_name(*starts.get(last.at)?, interval, calendar);
    let level = |value: f64| match unit {
        Unit::Money => english::amount((value * 1e6).round() as i64, currency),
        _ => english::value(&Cell::Number(value), currency),
    };
    let share = last.after / last.before - 1.0;
    let way = if share > 0.0 { "more" } else { "less" };
    let by = if last.before > 0.0 { format!(", {} {way}", english::percent(share.abs())) } else { String::new() };
    Some(format!(
        "{label}: the level changed {often} with {name}, from {} to {}{by}.",
        level(last.before),
        level(last.after)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Weeks of a shop that sells a third less from a day on; the last day is not over.
    fn days(falls: usize) -> Vec<Cell> {
        let week = [0, 3, 5, 4, 8, 20, 15];
        let day = |at: usize| 95 + week[at % 7] + at * at * 7_919 % 11 - if at < falls { 0 } else { 30 };
        (0..120).map(|at| Cell::Integer(day(at) as i64)).chain([Cell::Integer(3)]).collect()
    }

    #[test]
    fn a_line_that_falls_at_once() {
        let values = days(70);
        let mut incomplete = vec![false; values.len()];
        incomplete[120] = true;
        let found = of(&values, &incomplete, Interval::Day);
        assert_eq!(found.iter().map(|it| it.at).collect::<Vec<_>>(), [70]);
        assert!((found[0].before - 105.07).abs() < 0.01 && (found[0].after - 75.18).abs() < 0.01, "{found:?}");
        assert!(found[0].after_low < 75.18 && 75.18 < found[0].after_high, "{found:?}");
        // A day that is not whole at the beginning moves nothing.
        incomplete[0] = true;
        assert_eq!(of(&values, &incomplete, Interval::Day)[0].at, 70);
        let start = |day: i64| Timestamp::parse("2026-01-01").unwrap().plus(day * 86_400_000_000);
        let starts: Vec<Timestamp> = (0..121).map(start).collect();
        let eur = Currency::parse("EUR").unwrap();
        let about = (&starts[..], Interval::Day, &Calendar::default());
        let said = note("Orders", &found, (Unit::Count, eur), about).unwrap();
        assert_eq!(said, "Orders: the level changed once, with 2026-03-12, from 105.07 to 75.18, 28.4% less.");
        let said = note("Revenue", &[found.clone(), found.clone()].concat(), (Unit::Money, eur), about).unwrap();
        assert!(
            said.starts_with("Revenue: the level changed twice, the last time with 2026-03-12, from 105.07 EUR to"),
            "{said}"
        );
        assert_eq!(note("Orders", &[], (Unit::Count, eur), about), None);
    }

    #[test]
    fn what_is_no_change_has_none() {
        let none = |values: &[Cell]| of(values, &vec![false; values.len()], Interval::Week).is_empty();
        assert!(none(&[]) && none(&days(120)[..11]) && none(&[Cell::Integer(4), Cell::Integer(90)]));
        assert!(
            none(&(0..60).map(|at| Cell::Integer(50 + 2 * at + at * at * 7_919 % 11)).collect::<Vec<_>>()),
            "it rises"
        );
        let level = |at: i32| if at < 20 { 1.0 } else { 9.0 };
        let mut gap: Vec<Cell> = (0..40).map(|at| Cell::Number(level(at) + 0.1 * f64::from(at % 3))).collect();
        assert!(!none(&gap));
        gap[30] = Cell::Nothing;
        assert!(none(&gap));
        assert!(of(&days(70), &[true; 121], Interval::Day).is_empty());
    }
}
