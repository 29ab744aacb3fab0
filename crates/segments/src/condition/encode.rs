//! From the tree to its JSON, the stored truth.
//!
//! Always holds: what it writes decodes to the same tree. Defaults are left out.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::given::{WITH, bind, lift};
use super::{
    Bucket, Changed, Condition, Events, Given, Limits, Number, Operand, Performed, Sequence, Test, Times, Which, Within,
};
use crate::duration::Duration;
use crate::instant::Instant;
use rapport_domain::Interval;

impl Condition {
    /// The JSON form.
    pub fn to_json(&self) -> Value {
        let (mut form, mut with) = (self.json(), Map::new());
        // Of two values of one parameter, which no decoded condition has, the last is kept.
        let _ = lift(&mut form, &mut with);
        if let Some(fields) = form.as_object_mut().filter(|_| !with.is_empty()) {
            fields.insert(WITH.to_owned(), Value::Object(with));
        }
        form
    }

    /// The same with the values of its parameters in their places.
    pub fn bound(&self) -> Self {
        let mut form = self.json();
        bind(&mut form);
        let limits = Limits { nodes: usize::MAX, depth: usize::MAX, values: usize::MAX, characters: usize::MAX };
        Self::from_json(&form, limits).unwrap_or_else(|_| self.clone())
    }

    /// The JSON form in which values still stand beside their parameters.
    pub(super) fn json(&self) -> Value {
        let value = match self {
            Self::All(children) | Self::Any(children) => children.iter().map(Self::json).collect(),
            Self::Not(child) => child.json(),
            Self::Property { path, test } => Value::Object(with_test(named("path", path), test)),
            Self::Fact { key, test } => Value::Object(with_test(named("key", key), test)),
            Self::Performed(performed) => performed_json(performed),
            Self::Measured(measured) => {
                let mut fields = named("measure", measured.measure.word());
                if measured.measure.has_path() {
                    fields.insert("path".to_owned(), json!(measured.path));
                }
                fields.append(&mut events_json(&measured.of));
                within_json(measured.within, &mut fields);
                Value::Object(with_test(fields, &measured.test))
            }
            Self::Sequence(sequence) => sequence_json(sequence),
            Self::Overdue(overdue) => {
                let mut fields = events_json(&overdue.of);
                fields.insert("factor".to_owned(), number(&overdue.factor));
                fields.insert("gaps".to_owned(), count(&overdue.gaps));
                Value::Object(fields)
            }
            Self::Streak(streak) => {
                let mut fields = events_json(&streak.of);
                fields.insert("interval".to_owned(), json!(interval_word(streak.interval)));
                fields.insert("at_least".to_owned(), count(&streak.least));
                Value::Object(fields)
            }
            Self::Held { key, test, length } => {
                let mut fields = with_test(named("key", key), test);
                fields.insert("for".to_owned(), self::length(length));
                Value::Object(fields)
            }
            Self::Changed(Changed { key, from, to, within }) => {
                let mut fields = named("key", key);
                for (name, operand) in [("from", from), ("to", to)] {
                    fields.extend(operand.as_ref().map(|given| (name.to_owned(), self::operand(given))));
                }
                within_json(*within, &mut fields);
                Value::Object(fields)
            }
            Self::Segment { key, length } => {
                let mut fields = named("key", key);
                fields.extend(length.as_ref().map(|length| ("for".to_owned(), self::length(length))));
                Value::Object(fields)
            }
            Self::Bucket(Bucket { salt, from, to }) => {
                let mut fields = named("salt", salt);
                for (name, hundredths) in [("from", from), ("to", to)] {
                    fields.insert(name.to_owned(), per_cent(*hundredths).to_json());
                }
                Value::Object(fields)
            }
        };
        object([(self.word(), value)])
    }

    /// The word that a test is known by in JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Self::All(_) => "all",
            Self::Any(_) => "any",
            Self::Not(_) => "not",
            Self::Property { .. } => "property",
            Self::Fact { .. } => "fact",
            Self::Performed(_) => "performed",
            Self::Measured(_) => "measured",
            Self::Sequence(_) => "sequence",
            Self::Overdue(_) => "overdue",
            Self::Streak(_) => "streak",
            Self::Held { .. } => "held",
            Self::Changed(_) => "changed",
            Self::Segment { .. } => "segment",
            Self::Bucket(_) => "bucket",
        }
    }
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn performed_json(performed: &Performed) -> Value {
    let mut fields = named("event", &performed.event);
    for (name, filter) in [("where", &performed.filter), ("having", &performed.having)] {
        fields.extend(filter.as_ref().map(|filter| (name.to_owned(), filter.json())));
    }
    match performed.which {
        Which::Every => None,
        Which::First => Some("first"),
        Which::Last => Some("last"),
    }
    .and_then(|which| fields.insert("which".to_owned(), json!(which)));
    match performed.times {
        times if times.is_plain(Times::once()) => None,
        Times::AtLeast(least) => Some(json!({ "at_least": count(&least) })),
        Times::Exactly(exact) => Some(json!({ "exactly": count(&exact) })),
        Times::AtMost(most) => Some(json!({ "at_most": count(&most) })),
        Times::Between(least, most) => Some(json!({ "between": [count(&least), count(&most)] })),
    }
    .and_then(|times| fields.insert("times".to_owned(), times));
    within_json(performed.within, &mut fields);
    Value::Object(fields)
}

fn named(name: &str, value: &str) -> Map<String, Value> {
    Map::from_iter([(name.to_owned(), json!(value))])
}

fn events_json(events: &Events) -> Map<String, Value> {
    let mut fields = named("event", &events.event);
    fields.extend(events.filter.as_ref().map(|filter| ("where".to_owned(), filter.json())));
    fields
}

fn sequence_json(sequence: &Sequence) -> Value {
    let mut fields = Map::new();
    let steps = sequence.steps.iter().map(|step| Value::Object(events_json(step))).collect();
    fields.insert("steps".to_owned(), Value::Array(steps));
    fields.extend(sequence.spanning.as_ref().map(|spanning| ("spanning".to_owned(), length(spanning))));
    fields.extend(sequence.same.as_ref().map(|same| ("same".to_owned(), json!(same))));
    if let Some((events, within)) = &sequence.without {
        let mut without = events_json(events);
        without.insert("within".to_owned(), length(within));
        fields.insert("without".to_owned(), Value::Object(without));
    }
    within_json(sequence.within, &mut fields);
    Value::Object(fields)
}

/// The word of an interval that a streak can have.
pub(crate) const fn interval_word(interval: Interval) -> &'static str {
    match interval {
        Interval::Week => "week",
        Interval::Month => "month",
        _ => "day",
    }
}

/// Hundredths of a per cent as per cent.
pub(crate) fn per_cent(hundredths: u32) -> Number {
    Number::from_micros(i64::from(hundredths) * 10_000).expect("a number below 101 with two decimals")
}

fn within_json(within: Within, fields: &mut Map<String, Value>) {
    match within {
        Within::Ever => None,
        Within::First(first) => Some(object([("first", length(&first))])),
        Within::Last(last) => Some(object([("last", length(&last))])),
        Within::Dates { from, to } => {
            let ends = [("from", from), ("to", to)].into_iter();
            let ends = ends.filter_map(|(name, end)| Some((name.to_owned(), instant(&end?))));
            Some(Value::Object(ends.collect()))
        }
    }
    .and_then(|within| fields.insert("within".to_owned(), within));
}

fn with_test(mut fields: Map<String, Value>, test: &Test) -> Map<String, Value> {
    let one = |operand: Value| Some(("value", operand));
    let many = |operands: Vec<Value>| Some(("values", Value::Array(operands)));
    let (op, operands) = match test {
        Test::Exists => ("exists", None),
        Test::NotExists => ("not_exists", None),
        Test::IsTrue => ("is_true", None),
        Test::IsFalse => ("is_false", None),
        Test::Equals(operand) => ("equals", one(self::operand(operand))),
        Test::NotEquals(operand) => ("not_equals", one(self::operand(operand))),
        Test::In(operands) => ("in", many(operands.iter().map(operand).collect())),
        Test::NotIn(operands) => ("not_in", many(operands.iter().map(operand).collect())),
        Test::Contains(text) => ("contains", one(part(text))),
        Test::NotContains(text) => ("not_contains", one(part(text))),
        Test::StartsWith(text) => ("starts_with", one(part(text))),
        Test::EndsWith(text) => ("ends_with", one(part(text))),
        Test::AtLeast(number) => ("at_least", one(self::number(number))),
        Test::MoreThan(number) => ("more_than", one(self::number(number))),
        Test::AtMost(number) => ("at_most", one(self::number(number))),
        Test::LessThan(number) => ("less_than", one(self::number(number))),
        Test::Between(from, to) => ("between", many([from, to].map(number).to_vec())),
        Test::BetweenTimes(from, to) => ("between", many([from, to].map(instant).to_vec())),
        Test::Before(instant) => ("before", one(self::instant(instant))),
        Test::After(instant) => ("after", one(self::instant(instant))),
        Test::InLast(length) => ("in_last", one(self::length(length))),
        Test::InNext(length) => ("in_next", one(self::length(length))),
    };
    let more = [Some(("op", json!(op))), operands];
    fields.extend(more.into_iter().flatten().map(|(name, value)| (name.to_owned(), value)));
    fields
}

fn count(count: &Given<u32>) -> Value {
    count.to_json(|count| json!(count))
}

fn number(number: &Given<Number>) -> Value {
    number.to_json(|number| number.to_json())
}

fn length(length: &Given<Duration>) -> Value {
    length.to_json(|length| json!(length))
}

fn instant(instant: &Given<Instant>) -> Value {
    instant.to_json(|instant| json!(instant.to_string()))
}

fn part(part: &Given<String>) -> Value {
    part.to_json(|part| json!(part))
}

fn operand(operand: &Given<Operand>) -> Value {
    operand.to_json(|operand| match operand {
        Operand::Text(text) => json!(text),
        Operand::Number(number) => number.to_json(),
        Operand::Boolean(boolean) => json!(boolean),
    })
}
