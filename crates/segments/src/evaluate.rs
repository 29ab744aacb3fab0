//! The plain evaluator: one condition, one person with all events in memory. It serves where there are few events, and it is
//! the meaning that the compiler is tested against, so it says everything in the most obvious way.
//!
//! Always holds: it answers for any condition, decoded or built by hand; where there is no event to look at, a `property`
//! test sees a missing value. It does not index, cache or remember.

use std::collections::BTreeMap;

use rapport_domain::Timestamp;
use serde_json::{Map, Value};

use crate::condition::{Condition, Operand, Performed, Test, Within};
use crate::instant::Moment;
use crate::value;

/// An event as a condition sees it.
#[derive(Clone, Copy, Debug)]
pub struct EventView<'a> {
    /// Its standard name.
    pub name: &'a str,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// What is known about it.
    pub properties: &'a Map<String, Value>,
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
            let value = subject.event.and_then(|event| value::at_path(event.properties, path));
            test.holds(value, moment)
        }
        Condition::Fact { key, test } => test.holds(subject.facts.get(key), moment),
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
    /// Whether a value, or a missing one, passes.
    pub fn holds(&self, value: Option<&Value>, moment: Moment<'_>) -> bool {
        let text = || value.and_then(value::as_text);
        let folded = || text().map(|text| value::fold(&text));
        let micros = || value.and_then(value::as_micros);
        let boolean = || value.and_then(value::as_boolean);
        let time = || value.and_then(value::as_time);
        let calendar = moment.calendar;
        match self {
            Self::Exists => value.is_some_and(value::is_present),
            Self::NotExists => !value.is_some_and(value::is_present),
            Self::IsTrue => boolean() == Some(true),
            Self::IsFalse => boolean() == Some(false),
            Self::Equals(operand) => operand.equals(value),
            Self::NotEquals(operand) => !operand.equals(value),
            Self::In(operands) => operands.iter().any(|operand| operand.equals(value)),
            Self::NotIn(operands) => !operands.iter().any(|operand| operand.equals(value)),
            Self::Contains(part) => folded().is_some_and(|text| text.contains(&value::fold(part))),
            Self::NotContains(part) => !folded().is_some_and(|text| text.contains(&value::fold(part))),
            Self::StartsWith(part) => folded().is_some_and(|text| text.starts_with(&value::fold(part))),
            Self::EndsWith(part) => folded().is_some_and(|text| text.ends_with(&value::fold(part))),
            Self::AtLeast(number) => micros().is_some_and(|micros| micros >= number.micros()),
            Self::MoreThan(number) => micros().is_some_and(|micros| micros > number.micros()),
            Self::AtMost(number) => micros().is_some_and(|micros| micros <= number.micros()),
            Self::LessThan(number) => micros().is_some_and(|micros| micros < number.micros()),
            Self::Between(from, to) => micros().is_some_and(|micros| (from.micros()..=to.micros()).contains(&micros)),
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
    fn equals(&self, value: Option<&Value>) -> bool {
        match self {
            Self::Text(text) => value.and_then(value::as_text).is_some_and(|value| value == *text),
            Self::Number(number) => value.and_then(value::as_micros) == Some(number.micros()),
            Self::Boolean(boolean) => value.and_then(value::as_boolean) == Some(*boolean),
        }
    }
}
