//! How a JSON value of an event or a fact is read when a condition compares it. The operator and its operand decide the type, never
//! the data, so one condition means the same for every event:
//!
//! | read as | from |
//! |---|---|
//! | text | a text as it is; a number in plain decimal notation (`17850`, `12.5`, never `17850.0` or `1e3`); `true`, `false`; a list as its JSON |
//! | number | a number, or a text that is one (`"12.50"`), as a double: exact to 15 digits |
//! | amount | a number, or a text that is one, exactly in millionths; more decimals are rounded half away from zero |
//! | boolean | `true` and `false`, also as texts in any letter case |
//! | time | a text in RFC 3339; without an offset in UTC, a bare date as its midnight UTC |
//!
//! Facts, and the properties that hold money in the standard events, are compared as amounts, all other properties as numbers.
//!
//! Always holds: `null` has no reading, and what has none in the wanted type is missing. Money is never compared in floating point.

use std::borrow::Cow;

use rapport_domain::{Timestamp, money};
use rapport_lake::columns::MONEY_PATHS;
use serde_json::Value;

/// A type that a value can be read as by the query engine. Times are read from the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reading {
    /// UTF-8.
    Text,
    /// A double.
    Number,
    /// A 64-bit integer of millionths.
    Amount,
    /// True or false.
    Boolean,
}

/// How the numbers of facts are compared: a balance is money.
pub const FACT_NUMBERS: Reading = Reading::Amount;

/// How the numbers at a property's path are compared.
pub fn number_reading(path: &str) -> Reading {
    if MONEY_PATHS.contains(&path) { Reading::Amount } else { Reading::Number }
}

/// The reading as a text, of a value whose numbers are read as `numbers`.
pub fn as_text(value: &Value, numbers: Reading) -> Option<Cow<'_, str>> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(match as_amount(value) {
            Some(micros) if numbers == Reading::Amount => decimal_of_micros(micros),
            _ => plain_decimal(number),
        })),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => Some(Cow::Owned(value.to_string())),
    }
}

/// The reading as a number.
pub fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

/// The reading as an amount, in millionths.
pub fn as_amount(value: &Value) -> Option<i64> {
    money::micros_from_json(value)
}

/// The reading as a boolean.
pub fn as_boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(boolean) => Some(*boolean),
        Value::String(text) => text.trim().to_ascii_lowercase().parse().ok(),
        _ => None,
    }
}

/// The reading as an instant, of a text.
pub fn as_time(text: &str) -> Option<Timestamp> {
    Timestamp::parse(text)
}

/// A text as `contains`, `starts_with` and `ends_with` see it: every character in lower case, by itself.
pub fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

fn decimal_of_micros(micros: i64) -> String {
    let decimal = money::format_micros(micros);
    decimal.trim_end_matches('0').trim_end_matches('.').to_owned()
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
    fn reads_numbers_that_arrive_as_texts_and_texts_that_arrive_as_numbers() {
        for (value, text, number, amount) in [
            (json!("12.50"), Some("12.50"), Some(12.5), Some(12_500_000)),
            (json!(12.50), Some("12.5"), Some(12.5), Some(12_500_000)),
            (json!(17850), Some("17850"), Some(17850.0), Some(17_850_000_000)),
            (json!(17850.0), Some("17850"), Some(17850.0), Some(17_850_000_000)),
            (json!(-0.0), Some("0"), Some(0.0), Some(0)),
            (json!(1e-7), Some("0.0000001"), Some(1e-7), Some(0)),
            (json!(1e21), Some("1000000000000000000000"), Some(1e21), None),
            (json!("1e400"), Some("1e400"), None, None),
            (json!("twelve"), Some("twelve"), None, None),
            (json!("NaN"), Some("NaN"), None, None),
            (json!(true), Some("true"), None, None),
            (json!(["a", 1]), Some(r#"["a",1]"#), None, None),
            (json!(null), None, None, None),
        ] {
            assert_eq!(as_text(&value, Reading::Number).as_deref(), text, "{value}");
            assert_eq!(as_number(&value), number, "{value}");
            assert_eq!(as_amount(&value), amount, "{value}");
        }
    }

    #[test]
    fn an_amount_as_a_text_is_its_millionths() {
        for (value, text) in [
            (json!(20), "20"),
            (json!(100.0), "100"),
            (json!(20.5), "20.5"),
            (json!(20.499_999_9), "20.5"),
            (json!(-0.000_001), "-0.000001"),
            (json!("20.50"), "20.50"),
            (json!(1e15), "1000000000000000"),
        ] {
            assert_eq!(as_text(&value, Reading::Amount).as_deref(), Some(text), "{value}");
        }
    }

    #[test]
    fn reads_booleans_and_times() {
        assert_eq!(as_boolean(&json!("False")), Some(false));
        assert_eq!(as_boolean(&json!(true)), Some(true));
        assert_eq!(as_boolean(&json!(1)), None);
        assert_eq!(as_time("2026-03-01").unwrap().to_rfc3339(), "2026-03-01T00:00:00Z");
        assert_eq!(as_time("1700000000"), None);
    }

    #[test]
    fn folding_is_character_by_character() {
        assert_eq!(fold("CAFÉ"), "café");
        // A final sigma would differ from an inner one if whole words were folded.
        assert!(fold("ΟΔΟΣ ΑΒ").starts_with(&fold("ΟΔΟΣ")) && fold("ΟΔΟΣΑ").starts_with(&fold("ΟΔΟΣ")));
    }
}
