//! The JSON form as a JSON Schema (2020-12), for those who write conditions by program.
//!
//! Always holds: what [`Condition::parse`] takes is valid by it. It says less than the decoder refuses: how large a condition may be, which numbers
//! are exact, and that windows do not end before they begin, is said in words only.

use serde_json::{Value, json};

use super::{Condition, Limits, Measure, Sequence};

impl Condition {
    /// The schema of the JSON form.
    pub fn schema() -> Value {
        let reference = |name: &str| json!({ "$ref": format!("#/$defs/{name}") });
        let one = |word: &str, body: Value| (word.to_owned(), body);
        let children = |least: usize| json!({"type": "array", "items": reference("condition"), "minItems": least});
        let kinds = vec![
            one("all", children(0)),
            one("any", children(1)),
            one("not", reference("condition")),
            one("property", with_test(json!({"path": reference("name")}), &["path"])),
            one("fact", with_test(json!({"key": reference("name")}), &["key"])),
            one("held", with_test(json!({"key": reference("name"), "for": reference("duration")}), &["key", "for"])),
            one("performed", object(performed(), &["event"])),
            one("measured", measured()),
            one("sequence", object(sequence(), &["steps"])),
            one("overdue", events(json!({"factor": reference("number"), "gaps": whole(1)}), &["factor"])),
            one(
                "streak",
                events(
                    json!({"interval": {"enum": ["day", "week", "month"]}, "at_least": whole(1)}),
                    &["interval", "at_least"],
                ),
            ),
            one(
                "changed",
                object(
                    json!({"key": reference("name"), "from": reference("value"), "to": reference("value"), "within": reference("within")}),
                    &["key"],
                ),
            ),
            one("segment", object(json!({"key": reference("name"), "for": reference("duration")}), &["key"])),
            one(
                "bucket",
                object(
                    json!({"salt": reference("name"), "from": {"type": "number"}, "to": {"type": "number"}}),
                    &["salt", "from", "to"],
                ),
            ),
        ];
        // Only the outermost condition says what its parameters are.
        let with = json!({"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}});
        let kinds = |more: &Value| -> Vec<Value> {
            let kind = |(word, body): &(String, Value)| object(merged(json!({ word: body }), more), &[word]);
            kinds.iter().map(kind).collect()
        };
        let or_parameter = |types: &[&str]| json!({"anyOf": [{"type": types}, reference("parameter")]});
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Condition",
            "anyOf": kinds(&json!({ "with": with })),
            "$defs": {
                "condition": {"anyOf": kinds(&json!({}))},
                "parameter": object(json!({"parameter": {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,14}$"}}), &["parameter"]),
                "condition_or_null": {"anyOf": [reference("condition"), {"type": "null"}]},
                "name": {"type": "string", "minLength": 1, "maxLength": Limits::DEFAULT.characters},
                "value": or_parameter(&["string", "number", "boolean", "null"]),
                "number": or_parameter(&["number", "string"]),
                "duration": or_parameter(&["string", "null"]),
                "within": {"anyOf": [{"type": "null"}, object(json!({"last": reference("duration"), "first": reference("duration"), "from": reference("duration"), "to": reference("duration")}), &[])]},
                "times": {"anyOf": [{"type": "null"}, object(json!({"at_least": whole(1), "exactly": whole(0), "at_most": whole(0), "between": {"type": "array", "items": whole(0), "minItems": 2}}), &[])]},
            }
        })
    }
}

const OPERATORS: [&str; 21] = [
    "equals",
    "not_equals",
    "in",
    "not_in",
    "contains",
    "not_contains",
    "starts_with",
    "ends_with",
    "at_least",
    "more_than",
    "at_most",
    "less_than",
    "between",
    "exists",
    "not_exists",
    "is_true",
    "is_false",
    "before",
    "after",
    "in_last",
    "in_next",
];

fn whole(least: u32) -> Value {
    json!({"anyOf": [{"type": "integer", "minimum": least}, {"$ref": "#/$defs/parameter"}]})
}

fn object(properties: Value, required: &[&str]) -> Value {
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn merged(mut properties: Value, more: &Value) -> Value {
    if let (Some(properties), Some(more)) = (properties.as_object_mut(), more.as_object()) {
        properties.extend(more.clone());
    }
    properties
}

/// An operator and what it compares with, beside other fields.
fn with_test(fields: Value, required: &[&str]) -> Value {
    let value = json!({ "$ref": "#/$defs/value" });
    let test = json!({"op": {"enum": OPERATORS}, "value": value, "values": {"type": "array", "items": value}});
    object(merged(fields, &test), &[required, &["op"]].concat())
}

/// Which events, beside other fields.
fn events(fields: Value, required: &[&str]) -> Value {
    let events = json!({"event": {"$ref": "#/$defs/name"}, "where": {"$ref": "#/$defs/condition_or_null"}});
    object(merged(fields, &events), &[required, &["event"]].concat())
}

fn performed() -> Value {
    json!({
        "event": {"$ref": "#/$defs/name"}, "where": {"$ref": "#/$defs/condition_or_null"},
        "times": {"$ref": "#/$defs/times"}, "within": {"$ref": "#/$defs/within"},
        "which": {"enum": ["first", "last", null]}, "having": {"$ref": "#/$defs/condition_or_null"},
    })
}

fn measured() -> Value {
    let words: Vec<&str> = Measure::ALL.into_iter().map(Measure::word).collect();
    let fields = json!({
        "measure": {"enum": words}, "path": {"type": ["string", "null"]}, "event": {"$ref": "#/$defs/name"},
        "where": {"$ref": "#/$defs/condition_or_null"}, "within": {"$ref": "#/$defs/within"},
    });
    with_test(fields, &["measure", "event"])
}

fn sequence() -> Value {
    json!({
        "steps": {"type": "array", "items": events(json!({}), &[]), "minItems": 1, "maxItems": Sequence::MOST_STEPS},
        "spanning": {"$ref": "#/$defs/duration"}, "same": {"type": ["string", "null"]},
        "without": {"anyOf": [{"type": "null"}, events(json!({"within": {"$ref": "#/$defs/duration"}}), &["within"])]},
        "within": {"$ref": "#/$defs/within"},
    })
}
