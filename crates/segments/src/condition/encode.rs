//! From the tree to its JSON, the stored truth.
//!
//! Always holds: what it writes decodes to the same tree. Defaults are left out.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::{Condition, Number, Operand, Performed, Test, Times, Within};

impl Condition {
    /// The JSON form.
    pub fn to_json(&self) -> Value {
        let (name, value) = match self {
            Self::All(children) => ("all", children.iter().map(Self::to_json).collect()),
            Self::Any(children) => ("any", children.iter().map(Self::to_json).collect()),
            Self::Not(child) => ("not", child.to_json()),
            Self::Property { path, test } => ("property", with_test("path", path, test)),
            Self::Fact { key, test } => ("fact", with_test("key", key, test)),
            Self::Performed(performed) => ("performed", performed_json(performed)),
        };
        object([(name, value)])
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
    let mut fields = Map::new();
    fields.insert("event".to_owned(), json!(performed.event));
    if let Some(filter) = &performed.filter {
        fields.insert("where".to_owned(), filter.to_json());
    }
    match performed.times {
        Times::AtLeast(1) => None,
        Times::AtLeast(least) => Some(json!({ "at_least": least })),
        Times::Exactly(exact) => Some(json!({ "exactly": exact })),
        Times::AtMost(most) => Some(json!({ "at_most": most })),
        Times::Between(least, most) => Some(json!({ "between": [least, most] })),
    }
    .and_then(|times| fields.insert("times".to_owned(), times));
    match performed.within {
        Within::Ever => None,
        Within::Last(length) => Some(object([("last", json!(length))])),
        Within::Dates { from, to } => {
            let ends = [("from", from), ("to", to)].into_iter();
            let ends = ends.filter_map(|(name, end)| Some((name.to_owned(), json!(end?.to_string()))));
            Some(Value::Object(ends.collect()))
        }
    }
    .and_then(|within| fields.insert("within".to_owned(), within));
    Value::Object(fields)
}

fn with_test(name: &str, subject: &str, test: &Test) -> Value {
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
    };
    let fields = [Some((name, json!(subject))), Some(("op", json!(op))), operands];
    Value::Object(fields.into_iter().flatten().map(|(name, value)| (name.to_owned(), value)).collect())
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
