//! The plain evaluator: one condition, one person with all events in memory. It serves where there are few events, and it is
//! the meaning that the compiler is tested against, so it says everything in the most obvious way.
//!
//! Always holds: it answers for any condition, decoded or built by hand; where there is no event to look at, a `property`
//! test sees a missing value. It does not index, cache or remember.

pub(crate) mod figure;
pub(crate) mod person;

use std::cmp::Ordering;

use rapport_domain::{PersonId, Timestamp};
use serde_json::Value;

use crate::condition::{Condition, Events, Number, Operand, Performed, Test, Which, Within};
use crate::instant::Moment;
use crate::occurred::Occurred;
use crate::value::{self, Reading};

/// An event as a condition sees it.
#[derive(Clone, Copy, Debug)]
pub struct EventView<'a> {
    /// Its standard name.
    pub name: &'a str,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Its producer and the producer's counter ([`rapport_sequences::order`]).
    pub order_key: i64,
    /// What is known about it, as the lake keeps it: flattened to (path, value), each path once.
    pub properties: &'a [(String, Value)],
}

impl<'a> EventView<'a> {
    /// An event whose producer is not known.
    pub const fn new(name: &'a str, occurred_at: Timestamp, properties: &'a [(String, Value)]) -> Self {
        Self { name, occurred_at, order_key: 0, properties }
    }

    /// A property by its path, keys joined by dots.
    pub fn property(&self, path: &str) -> Option<&'a Value> {
        self.properties.iter().find(|(of, _)| of == path).map(|(_, value)| value)
    }
}

/// A fact as a condition sees it.
#[derive(Clone, Copy, Debug)]
pub struct FactView<'a> {
    /// What it is about, e.g. `trait.country`.
    pub key: &'a str,
    /// From when on it is so, until another one with the same key.
    pub valid_from: Timestamp,
    /// What is so; null for nothing.
    pub value: &'a Value,
}

impl<'a> FactView<'a> {
    /// A fact that was always so.
    pub const fn always(key: &'a str, value: &'a Value) -> Self {
        Self { key, valid_from: Timestamp(i64::MIN), value }
    }
}

/// The times in which a person is in a segment: from, and until before.
#[derive(Clone, Copy, Debug)]
pub struct SegmentView<'a> {
    /// The segment's key.
    pub key: &'a str,
    /// Ascending, apart from each other.
    pub spans: &'a [(Timestamp, Timestamp)],
}

/// What a condition is tested on.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Who.
    pub person: PersonId,
    /// When they came: their first event; the beginning of time without it.
    pub born: Option<Timestamp>,
    /// The event being looked at, if there is one.
    pub event: Option<EventView<'a>>,
    /// What is known about the person. Of two that begin at one instant, the later in the list holds.
    pub facts: &'a [FactView<'a>],
    /// Everything the person did, in any order. Of tied events, the later in the list comes later.
    pub events: &'a [EventView<'a>],
    /// In which other segments they are.
    pub segments: &'a [SegmentView<'a>],
}

impl<'a> Subject<'a> {
    /// Somebody of whom nothing is known.
    pub const NOBODY: Self =
        Self { person: PersonId(0), born: None, event: None, facts: &[], events: &[], segments: &[] };

    /// What a fact says at an instant.
    pub fn fact(&self, key: &str, at: Timestamp) -> Option<&'a Value> {
        let known = self.facts.iter().filter(|fact| fact.key == key && fact.valid_from <= at);
        // Of equal ones the last.
        known.max_by_key(|fact| fact.valid_from).map(|fact| fact.value).filter(|value| !value.is_null())
    }

    fn born(&self) -> Timestamp {
        self.born.unwrap_or(Timestamp(i64::MIN))
    }

    /// The events that are meant and have happened, in the one order.
    pub(crate) fn events_of(&self, name: &str, filter: Option<&Condition>, moment: Moment<'_>) -> Vec<EventView<'a>> {
        let meant = |event: &&EventView<'a>| self.is_meant(event, name, filter, moment);
        let mut events: Vec<EventView<'a>> = self.events.iter().filter(meant).copied().collect();
        events.sort_by_key(|event| (event.occurred_at, event.order_key));
        events
    }

    /// Whether an event has happened, has the name and passes the filter.
    fn is_meant(&self, event: &EventView<'a>, name: &str, filter: Option<&Condition>, moment: Moment<'_>) -> bool {
        let looking_at_it = Subject { event: Some(*event), ..*self };
        let named = name == "*" || name == event.name;
        named && event.occurred_at <= moment.now && filter.is_none_or(|filter| holds(filter, &looking_at_it, moment))
    }

    fn events_meant(&self, events: &Events, moment: Moment<'_>) -> Vec<EventView<'a>> {
        self.events_of(&events.event, events.filter.as_deref(), moment)
    }
}

/// Whether `condition` holds for `subject` at `moment`.
pub fn holds(condition: &Condition, subject: &Subject<'_>, moment: Moment<'_>) -> bool {
    match condition {
        Condition::All(children) => children.iter().all(|child| holds(child, subject, moment)),
        Condition::Any(children) => children.iter().any(|child| holds(child, subject, moment)),
        Condition::Not(child) => !holds(child, subject, moment),
        Condition::Property { path, test } => {
            let occurred = Occurred::of_path(path).zip(subject.event);
            let of_time = occurred.map(|(part, event)| part.value(event.occurred_at, moment.calendar));
            let value = of_time.as_ref().or_else(|| subject.event?.property(path));
            test.holds(value, value::number_reading(path), moment)
        }
        Condition::Fact { key, test } => test.holds(subject.fact(key, moment.now), value::FACT_NUMBERS, moment),
        Condition::Performed(performed) => self::performed(performed, subject, moment),
        Condition::Measured(measured) => person::measured(measured, subject, moment),
        Condition::Sequence(sequence) => person::sequence(sequence, subject, moment),
        Condition::Overdue(overdue) => person::overdue(overdue, subject, moment),
        Condition::Streak(streak) => person::streak(streak, subject, moment),
        Condition::Held { key, test, length } => person::held(key, test, **length, subject, moment),
        Condition::Changed(changed) => person::changed(changed, subject, moment),
        Condition::Segment { key, length } => {
            let now = moment.now;
            let spans = subject.segments.iter().filter(|segment| segment.key == key).flat_map(|segment| segment.spans);
            let span = spans.copied().find(|(from, until)| *from <= now && now < *until);
            span.is_some_and(|(from, _)| length.is_none_or(|length| from.plus(length.micros()) <= now))
        }
        Condition::Bucket(bucket) => bucket.has(subject.person),
    }
}

fn performed(performed: &Performed, subject: &Subject<'_>, moment: Moment<'_>) -> bool {
    let events = subject.events_of(&performed.event, performed.filter.as_deref(), moment);
    let in_window = |event: &&EventView<'_>| performed.within.includes(event.occurred_at, subject.born(), moment);
    let one = match performed.which {
        Which::Every => return performed.times.holds(events.iter().filter(in_window).count() as u64),
        Which::First => events.first(),
        Which::Last => events.last(),
    };
    one.filter(in_window).is_some_and(|event| {
        let looking_at_it = Subject { event: Some(*event), ..*subject };
        performed.having.as_deref().is_none_or(|having| holds(having, &looking_at_it, moment))
    })
}

impl Within {
    /// Whether an event of `instant` is in the window of a person who came at `born`.
    pub fn includes(self, instant: Timestamp, born: Timestamp, moment: Moment<'_>) -> bool {
        let in_window = match self {
            Self::Ever => true,
            Self::First(length) => instant < born.plus(length.micros()),
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
            Self::In(operands) => operands.iter().any(|operand| equals(operand)),
            Self::NotIn(operands) => !operands.iter().any(|operand| equals(operand)),
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
            Self::InLast(length) => {
                time().is_some_and(|time| time <= moment.now && moment.now < time.plus(length.micros()))
            }
            Self::InNext(length) => {
                time().is_some_and(|time| moment.now < time && time.plus(-length.micros()) <= moment.now)
            }
        }
    }
}

impl Operand {
    /// Whether a value is this, read in the operand's type.
    pub(crate) fn equals(&self, value: &Value, numbers: Reading) -> bool {
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
