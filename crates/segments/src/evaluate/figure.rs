//! What a test looks at, as it is for somebody now: "2 of 3 orders", and how far that is from passing. For people who ask why.
//!
//! Always holds: it reads what the plain evaluator reads; whether a test holds is never decided here.

use std::collections::BTreeSet;

use rapport_domain::Timestamp;
use serde_json::Value;

use super::{EventView, Subject, person};
use crate::condition::{Condition, Measure, Measured, Number, Performed, Test, Times, Which};
use crate::instant::Moment;
use crate::value::{self, Reading};

/// What a test looks at.
#[derive(Clone, Debug, PartialEq)]
pub enum Figure {
    /// So many: events, different values, days, steps of a sequence, intervals in a row.
    Count(u64),
    /// An amount in millionths.
    Amount(i128),
    /// What is known of the person; null for nothing.
    Value(Value),
    /// When what is looked at happened, if it did.
    At(Option<Timestamp>),
    /// So many microseconds of those that are needed.
    Passed {
        /// So far.
        so_far: i64,
        /// Until it holds.
        needed: i64,
    },
    /// The person's random place, in hundredths of a per cent.
    Place(u32),
}

/// The figure of one test of a person; `None` for combinations, and for what is known elsewhere (segments, sequences).
pub(crate) fn figure(condition: &Condition, subject: &Subject<'_>, moment: Moment<'_>) -> Option<Figure> {
    Some(match condition {
        Condition::Fact { key, .. } => Figure::Value(subject.fact(key, moment.now).cloned().unwrap_or(Value::Null)),
        Condition::Performed(performed) => self::performed(performed, subject, moment),
        Condition::Measured(measured) => self::measured(measured, subject, moment),
        Condition::Overdue(overdue) => {
            let (times, gaps) = person::rhythm(overdue, subject, moment);
            match times.last() {
                Some(last) if gaps.len() >= *overdue.gaps as usize => Figure::Passed {
                    so_far: moment.now.0 - last,
                    needed: person::usual(&gaps, *overdue.factor).saturating_add(1),
                },
                _ => Figure::Count(gaps.len() as u64),
            }
        }
        Condition::Streak(streak) => Figure::Count(u64::from(person::streak_length(streak, subject, moment))),
        Condition::Held { key, test, length } => {
            let since = person::held_since(key, test, subject, moment);
            let so_far = since.map_or(0, |since| moment.now.0.saturating_sub(since.0));
            Figure::Passed { so_far, needed: length.micros() }
        }
        Condition::Changed(changed) => Figure::At(person::last_change(changed, subject, moment)),
        Condition::Bucket(bucket) => Figure::Place(bucket.place(subject.person)),
        _ => return None,
    })
}

fn performed(performed: &Performed, subject: &Subject<'_>, moment: Moment<'_>) -> Figure {
    let events = subject.events_of(&performed.event, performed.filter.as_deref(), moment);
    let in_window = |event: &&EventView<'_>| performed.within.includes(event.occurred_at, subject.born(), moment);
    match performed.which {
        Which::Every => Figure::Count(events.iter().filter(in_window).count() as u64),
        Which::First => Figure::At(events.first().map(|event| event.occurred_at)),
        Which::Last => Figure::At(events.last().map(|event| event.occurred_at)),
    }
}

fn measured(measured: &Measured, subject: &Subject<'_>, moment: Moment<'_>) -> Figure {
    let mut events = subject.events_meant(&measured.of, moment);
    events.retain(|event| measured.within.includes(event.occurred_at, subject.born(), moment));
    match measured.measure {
        Measure::Distinct => {
            let texts =
                events.iter().filter_map(|event| value::as_text(event.property(&measured.path)?, Reading::Text));
            Figure::Count(texts.collect::<BTreeSet<_>>().len() as u64)
        }
        Measure::Days => {
            let days: BTreeSet<_> = events.iter().map(|event| moment.calendar.date(event.occurred_at)).collect();
            Figure::Count(days.len() as u64)
        }
        _ => match person::amount(measured, &events) {
            Some((sum, parts)) => Figure::Amount(sum / parts),
            None => Figure::Value(Value::Null),
        },
    }
}

/// How far a test that does not hold is from holding: from 0 (nearly) to 1 (all the way, or there is no measure for it).
pub(crate) fn distance(condition: &Condition, figure: &Figure) -> f64 {
    match (condition, figure) {
        (Condition::Performed(performed), Figure::Count(count)) => {
            let (count, wanted) = (*count as f64, nearest_count(performed.times, *count));
            relative(count, wanted)
        }
        (Condition::Streak(streak), Figure::Count(count)) => relative(*count as f64, f64::from(*streak.least)),
        (Condition::Sequence(sequence), Figure::Count(count)) => relative(*count as f64, sequence.steps.len() as f64),
        (Condition::Measured(measured), Figure::Count(count)) => to_number(&measured.test, *count as f64),
        (Condition::Measured(measured), Figure::Amount(micros)) => to_number(&measured.test, *micros as f64 / 1e6),
        (Condition::Fact { test, .. }, Figure::Value(value)) => {
            value::as_number(value).map_or(1.0, |value| to_number(test, value))
        }
        (_, Figure::Passed { so_far, needed }) => relative(*so_far as f64, *needed as f64),
        _ => 1.0,
    }
}

/// The count that would do and is nearest.
fn nearest_count(times: Times, count: u64) -> f64 {
    let within = |least: u32, most: u32| f64::from(u32::try_from(count).unwrap_or(u32::MAX).clamp(least, most));
    match times {
        Times::AtLeast(least) => within(*least, u32::MAX),
        Times::Exactly(exact) => f64::from(*exact),
        Times::AtMost(most) => within(0, *most),
        Times::Between(least, most) => within(*least, *most),
    }
}

fn to_number(test: &Test, value: f64) -> f64 {
    let number = |number: &Number| number.as_f64();
    match test {
        Test::AtLeast(least) | Test::MoreThan(least) => relative(value.min(number(least)), number(least)),
        Test::AtMost(most) | Test::LessThan(most) => relative(value.max(number(most)), number(most)),
        Test::Between(least, most) => relative(value, value.clamp(number(least), number(most).max(number(least)))),
        Test::Equals(wanted) => wanted.number().map_or(1.0, |wanted| relative(value, number(&wanted))),
        _ => 1.0,
    }
}

/// How far one number is from another, as a share of the larger one.
fn relative(value: f64, wanted: f64) -> f64 {
    let scale = value.abs().max(wanted.abs());
    if scale == 0.0 { 0.0 } else { ((value - wanted).abs() / scale).min(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(text: &str, figure: Figure) -> f64 {
        distance(&Condition::from_text(text, crate::Limits::DEFAULT).unwrap(), &figure)
    }

    #[test]
    fn a_test_is_the_nearer_the_less_is_missing() {
        assert!((near("performed A at least 3 times", Figure::Count(2)) - 1.0 / 3.0).abs() < 1e-9);
        assert!((near("performed A exactly 2 times", Figure::Count(4)) - 0.5).abs() < 1e-9);
        assert!((near("sum revenue of A >= 100", Figure::Amount(75_000_000)) - 0.25).abs() < 1e-9);
        assert!((near("trait age >= 50", Figure::Value(40.into())) - 0.2).abs() < 1e-9);
        assert!((near("trait plan = pro for 10 days", Figure::Passed { so_far: 9, needed: 10 }) - 0.1).abs() < 1e-9);
        assert!((near("trait plan = pro", Figure::Value("free".into())) - 1.0).abs() < 1e-9);
        assert!((near("sum revenue of A <= 0", Figure::Amount(0))).abs() < 1e-9);
    }
}
