//! From the tree to its JSON, the stored truth.
//!
//! Always holds: what it writes decodes to the same tree. Defaults are left out.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::{Bucket, Changed, Condition, Events, Number, Operand, Performed, Sequence, Test, Times, Which, Within};
use rapport_domain::Interval;

impl Condition {
    /// The JSON form.
    pub fn to_json(&self) -> Value {
        let value = match self {
            Self::All(children) | Self::Any(children) => children.iter().map(Self::to_json).collect(),
            Self::Not(child) => child.to_json(),
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
                fields.insert("factor".to_owned(), overdue.factor.to_json());
                fields.insert("gaps".to_owned(), json!(overdue.gaps));
                Value::Object(fields)
            }
            Self::Streak(streak) => {
                let mut fields = events_json(&streak.of);
                fields.insert("interval".to_owned(), json!(interval_word(streak.interval)));
                fields.insert("at_least".to_owned(), json!(streak.least));
                Value::Object(fields)
            }
            Self::Held { key, test, length } => {
                let mut fields = with_test(named("key", key), test);
                fields.insert("for".to_owned(), json!(length));
                Value::Object(fields)
            }
            Self::Changed(Changed { key, from, to, within }) => {
                let mut fields = named("key", key);
                for (name, operand) in [("from", from), ("to", to)] {
                    fields.extend(operand.as_ref().map(|operand| (name.to_owned(), operand.to_json())));
                }
                within_json(*within, &mut fields);
                Value::Object(fields)
            }
            Self::Segment { key, length } => {
                let mut fields = named("key", key);
                fields.extend(length.map(|length| ("for".to_owned(), json!(length))));
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
        fields.extend(filter.as_ref().map(|filter| (name.to_owned(), filter.to_json())));
    }
    match performed.which {
        Which::Every => None,
        Which::First => Some("first"),
        Which::Last => Some("last"),
    }
    .and_then(|which| fields.insert("which".to_owned(), json!(which)));
    match performed.times {
        Times::AtLeast(1) => None,
        Times::AtLeast(least) => Some(json!({ "at_least": least })),
        Times::Exactly(exact) => Some(json!({ "exactly": exact })),
        Times::AtMost(most) => Some(json!({ "at_most": most })),
        Times::Between(least, most) => Some(json!({ "between": [least, most] })),
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
    fields.extend(events.filter.as_ref().map(|filter| ("where".to_owned(), filter.to_json())));
    fields
}

fn sequence_json(sequence: &Sequence) -> Value {
    let mut fields = Map::new();
    let steps = sequence.steps.iter().map(|step| Value::Object(events_json(step))).collect();
    fields.insert("steps".to_owned(), Value::Array(steps));
    fields.extend(sequence.spanning.map(|length| ("spanning".to_owned(), json!(length))));
    fields.extend(sequence.same.as_ref().map(|same| ("same".to_owned(), json!(same))));
    if let Some((events, length)) = &sequence.without {
        let mut without = events_json(events);
        without.insert("within".to_owned(), json!(length));
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
        Within::First(length) => Some(object([("first", json!(length))])),
        Within::Last(length) => Some(object([("last", json!(length))])),
        Within::Dates { from, to } => {
            let ends = [("from", from), ("to", to)].into_iter();
            let ends = ends.filter_map(|(name, end)| Some((name.to_owned(), json!(end?.to_string()))));
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
        Test::Equals(operand) => ("equals", one(operand.to_json())),
        Test::NotEquals(operand) => ("not_equals", one(operand.to_json())),
        Test::In(operands) => ("in", many(operands.iter().map(Operand::to_json).collect())),
        Test::NotIn(operands) => ("not_in", many(operands.iter().map(Operand::to_json).collect())),
        Test::Contains(text) => ("contains", one(json!(text))),
        Test::NotContains(text) => ("not_contains", one(json!(text))),
        Test::StartsWith(text) => ("starts_with", one(json!(text))),
        Test::EndsWith(text) => ("ends_with", one(json!(text))),
        Test::AtLeast(number) => ("at_least", one(number.to_json())),
        Test::MoreThan(number) => ("more_than", one(number.to_json())),
        Test::AtMost(number) => ("at_most", one(number.to_json())),
        Test::LessThan(number) => ("less_than", one(number.to_json())),
        Test::Between(from, to) => ("between", many([*from, *to].map(Number::to_json).to_vec())),
        Test::BetweenTimes(from, to) => ("between", many([*from, *to].map(|end| json!(end.to_string())).to_vec())),
        Test::Before(instant) => ("before", one(json!(instant.to_string()))),
        Test::After(instant) => ("after", one(json!(instant.to_string()))),
        Test::InLast(length) => ("in_last", one(json!(length))),
        Test::InNext(length) => ("in_next", one(json!(length))),
    };
    let more = [Some(("op", json!(op))), operands];
    fields.extend(more.into_iter().flatten().map(|(name, value)| (name.to_owned(), value)));
    fields
}

impl Operand {
    fn to_json(&self) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Number(number) => number.to_json(),
            Self::Boolean(boolean) => json!(boolean),
        }
    }
}
