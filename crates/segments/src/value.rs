//! How a JSON value of an event or a fact is read when a condition compares it. The operator and its operand decide the type, never
//! the data, so one condition means the same for every event:
//!
//! | read as | from |
//! |---|---|
//! | text | a text as it is; a number in plain decimal notation (`17850`, `12.5`, never `17850.0` or `1e3`); `true` and `false` |
//! | number | a number, or a text that is one (`"12.50"`), exactly in millionths; more than six decimals are rounded half away from zero |
//! | boolean | `true` and `false`, or the texts `"true"` and `"false"` |
//! | time | a text in RFC 3339; without an offset in UTC, a bare date as its midnight UTC |
//!
//! Always holds: `null`, lists and objects have no reading, nor has a number beyond about 9.2 * 10^12 as a number. What has no
//! reading in the wanted type is missing. No floating point takes part in a comparison.

use std::borrow::Cow;

use rapport_domain::{Timestamp, money};
use serde_json::{Map, Value};

/// The value at a path of an event's properties: the key itself, or keys of nested objects joined by dots (`shipping.country`).
/// Lists are not entered.
pub fn at_path<'a>(properties: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(value) = properties.get(path) {
        return Some(value);
    }
    let (first, mut rest) = path.split_once('.')?;
    let mut value = properties.get(first)?;
    loop {
        let object = value.as_object()?;
        match rest.split_once('.') {
            Some((key, after)) => (value, rest) = (object.get(key)?, after),
            None => return object.get(rest),
        }
    }
}

/// Whether there is a value at all.
pub fn is_present(value: &Value) -> bool {
    !value.is_null()
}

/// The reading as a text.
pub fn as_text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Bool(true) => Some(Cow::Borrowed("true")),
        Value::Bool(false) => Some(Cow::Borrowed("false")),
        Value::Number(number) => Some(Cow::Owned(plain_decimal(number))),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The reading as a number, in millionths.
pub fn as_micros(value: &Value) -> Option<i64> {
    money::micros_from_json(value)
}

/// The reading as a boolean.
pub fn as_boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(boolean) => Some(*boolean),
        Value::String(text) if text == "true" => Some(true),
        Value::String(text) if text == "false" => Some(false),
        _ => None,
    }
}

/// The reading as an instant.
pub fn as_time(value: &Value) -> Option<Timestamp> {
    Timestamp::parse(value.as_str()?)
}

/// A text as `contains`, `starts_with` and `ends_with` see it: every character in lower case, by itself.
pub fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

fn plain_decimal(number: &serde_json::Number) -> String {
    match number.as_f64() {
        // Adding zero turns -0.0 into 0.0. Rust prints the shortest decimal that reads back, without an exponent.
        Some(float) if number.is_f64() => (float + 0.0).to_string(),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn finds_keys_and_nested_keys() {
        let properties = json!({ "a.b": 1, "a": { "b": 2, "c": { "d": 3 } }, "list": [{ "x": 4 }] });
        let properties = properties.as_object().unwrap();
        for (path, expected) in [
            ("a.b", Some(json!(1))),
            ("a.c.d", Some(json!(3))),
            ("a.c", Some(json!({ "d": 3 }))),
            ("a.c.d.e", None),
            ("a.x", None),
            ("list.0", None),
            ("list.x", None),
            ("", None),
            (".", None),
        ] {
            assert_eq!(at_path(properties, path), expected.as_ref(), "{path}");
        }
    }

    #[test]
    fn reads_numbers_that_arrive_as_texts_and_texts_that_arrive_as_numbers() {
        for (value, text, micros) in [
            (json!("12.50"), Some("12.50"), Some(12_500_000)),
            (json!(12.50), Some("12.5"), Some(12_500_000)),
            (json!(17850), Some("17850"), Some(17_850_000_000)),
            (json!(17850.0), Some("17850"), Some(17_850_000_000)),
            (json!(-0.0), Some("0"), Some(0)),
            (json!(1e-7), Some("0.0000001"), Some(0)),
            (json!(1e21), Some("1000000000000000000000"), None),
            (json!(u64::MAX), Some("18446744073709551615"), None),
            (json!("twelve"), Some("twelve"), None),
            (json!(true), Some("true"), None),
            (json!(null), None, None),
            (json!([1]), None, None),
            (json!({}), None, None),
        ] {
            assert_eq!(as_text(&value).as_deref(), text, "{value}");
            assert_eq!(as_micros(&value), micros, "{value}");
        }
    }

    #[test]
    fn reads_booleans_and_times() {
        assert_eq!(as_boolean(&json!("false")), Some(false));
        assert_eq!(as_boolean(&json!(true)), Some(true));
        assert_eq!(as_boolean(&json!(1)), None);
        assert_eq!(as_time(&json!("2026-03-01")).unwrap().to_rfc3339(), "2026-03-01T00:00:00Z");
        assert_eq!(as_time(&json!(1_700_000_000)), None);
    }

    #[test]
    fn folding_is_character_by_character() {
        assert_eq!(fold("CAFÉ"), "café");
        // A final sigma would differ from an inner one if whole words were folded.
        assert!(fold("ΟΔΟΣ ΑΒ").starts_with(&fold("ΟΔΟΣ")) && fold("ΟΔΟΣΑ").starts_with(&fold("ΟΔΟΣ")));
    }
}
