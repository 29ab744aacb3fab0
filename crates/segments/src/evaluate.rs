//! The plain evaluator: one condition, one person with all events in memory. It serves where there are few events, and it is
//! the meaning that the compiler is tested against, so it says everything in the most obvious way.
//!
//! Always holds: it answers for any condition, decoded or built by hand; where there is no event to look at, a `property`
//! test sees a missing value. It does not index, cache or remember.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use rapport_domain::Timestamp;
use serde_json::Value;

use crate::condition::{Condition, Number, Operand, Performed, Test, Within};
use crate::instant::Moment;
use crate::value::{self, Reading};

/// An event as a condition sees it.
#[derive(Clone, Copy, Debug)]
pub struct EventView<'a> {
    /// Its standard name.
    pub name: &'a str,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// What is known about it, as the lake keeps it: flattened to (path, value), each path once.
    pub properties: &'a [(String, Value)],
}

impl<'a> EventView<'a> {
    fn property(&self, path: &str) -> Option<&'a Value> {
        self.properties.iter().find(|(of, _)| of == path).map(|(_, value)| value)
    }
}

/// What a condition is tested on.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The event being looked at, if there is one.
    pub event: Option<EventView<'a>>,
    /// What is known about the person, by key.
    pub facts: &'a BTreeMap<String, Value>,
    /// Everything the person did, in any order.
    pub events: &'a [EventView<'a>],
}

/// Whether `condition` holds for `subject` at `moment`.
pub fn holds(condition: &Condition, subject: &Subject<'_>, moment: Moment<'_>) -> bool {
    match condition {
        Condition::All(children) => children.iter().all(|child| holds(child, subject, moment)),
        Condition::Any(children) => children.iter().any(|child| holds(child, subject, moment)),
        Condition::Not(child) => !holds(child, subject, moment),
        Condition::Property { path, test } => {
            let value = subject.event.and_then(|event| event.property(path));
            test.holds(value, value::number_reading(path), moment)
        }
        Condition::Fact { key, test } => test.holds(subject.facts.get(key), value::FACT_NUMBERS, moment),
        Condition::Performed(performed) => {
            let counts = |event: &&EventView<'_>| counts(performed, event, subject, moment);
            performed.times.holds(subject.events.iter().filter(counts).count() as u64)
        }
    }
}

/// Whether `performed` counts `event`.
fn counts(performed: &Performed, event: &EventView<'_>, subject: &Subject<'_>, moment: Moment<'_>) -> bool {
    let named = performed.event == "*" || performed.event == event.name;
    let looking_at_it = Subject { event: Some(*event), ..*subject };
    let passes = |filter: &Condition| holds(filter, &looking_at_it, moment);
    named && performed.within.includes(event.occurred_at, moment) && performed.filter.as_deref().is_none_or(passes)
}

impl Within {
    /// Whether an event of `instant` is in the window.
    pub fn includes(self, instant: Timestamp, moment: Moment<'_>) -> bool {
        let in_window = match self {
            Self::Ever => true,
            Self::Last(length) => instant > moment.now.plus(-length.micros()),
            Self::Dates { from, to } => {
                from.is_none_or(|from| instant >= from.start(moment.calendar))
                    && to.is_none_or(|to| instant < to.start(moment.calendar))
            }
        };
        in_window && instant <= moment.now
    }
}

impl Test {
    /// Whether a value, or a missing one, passes. Numbers are compared as `numbers`.
    pub fn holds(&self, value: Option<&Value>, numbers: Reading, moment: Moment<'_>) -> bool {
        let value = value.filter(|value| !value.is_null());
        let text = || value.and_then(|value| value::as_text(value, numbers));
        let folded = || text().map(|text| value::fold(&text));
        let contains = |part: &str| folded().is_some_and(|text| text.contains(&value::fold(part)));
        let equals = |operand: &Operand| value.is_some_and(|value| operand.equals(value, numbers));
        let boolean = || value.and_then(value::as_boolean);
        let order = |number: &Number| value.and_then(|value| compare(value, *number, numbers));
        let time = || text().and_then(|text| value::as_time(&text));
        let calendar = moment.calendar;
        match self {
            Self::Exists => value.is_some(),
            Self::NotExists => value.is_none(),
            Self::IsTrue => boolean() == Some(true),
            Self::IsFalse => boolean() == Some(false),
            Self::Equals(operand) => equals(operand),
            Self::NotEquals(operand) => !equals(operand),
            Self::In(operands) => operands.iter().any(equals),
            Self::NotIn(operands) => !operands.iter().any(equals),
            Self::Contains(part) => contains(part),
            Self::NotContains(part) => !contains(part),
            Self::StartsWith(part) => folded().is_some_and(|text| text.starts_with(&value::fold(part))),
            Self::EndsWith(part) => folded().is_some_and(|text| text.ends_with(&value::fold(part))),
            Self::AtLeast(number) => order(number).is_some_and(Ordering::is_ge),
            Self::MoreThan(number) => order(number).is_some_and(Ordering::is_gt),
            Self::AtMost(number) => order(number).is_some_and(Ordering::is_le),
            Self::LessThan(number) => order(number).is_some_and(Ordering::is_lt),
            Self::Between(from, to) => {
                order(from).is_some_and(Ordering::is_ge) && order(to).is_some_and(Ordering::is_le)
            }
            Self::BetweenTimes(from, to) => {
                time().is_some_and(|time| time >= from.start(calendar) && time < to.end(calendar))
            }
            Self::Before(instant) => time().is_some_and(|time| time < instant.start(calendar)),
            Self::After(instant) => time().is_some_and(|time| time >= instant.end(calendar)),
        }
    }
}

impl Operand {
    /// Whether a value is this, read in the operand's type.
    fn equals(&self, value: &Value, numbers: Reading) -> bool {
        match self {
            Self::Text(text) => value::as_text(value, numbers).is_some_and(|value| value == *text),
            Self::Number(number) => compare(value, *number, numbers).is_some_and(Ordering::is_eq),
            Self::Boolean(boolean) => value::as_boolean(value) == Some(*boolean),
        }
    }
}

/// How a value stands to a number; `None` when it is none.
fn compare(value: &Value, number: Number, numbers: Reading) -> Option<Ordering> {
    match numbers {
        Reading::Amount => Some(value::as_amount(value)?.cmp(&number.micros())),
        _ => value::as_number(value)?.partial_cmp(&number.as_f64()),
    }
}
