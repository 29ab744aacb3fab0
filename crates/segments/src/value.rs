//! How the value of an event or a fact is read when a condition compares it. The operator and its operand decide the type, never
//! the data, so one condition means the same for every event. The rule for each type is the lake's ([`rapport_lake::reading`]); beside
//! those, a time is a text in RFC 3339, without an offset in UTC, a bare date as its midnight UTC.
//!
//! Facts, and the properties that hold money in the standard events, are compared as amounts, all other properties as numbers.
//!
//! Always holds: a value that has no reading in the wanted type is missing. Money is never compared in floating point.

use std::borrow::Cow;

use rapport_domain::Timestamp;
use rapport_lake::columns::MONEY_PATHS;
use rapport_lake::reading;
use serde_json::Value;

pub use rapport_lake::reading::{as_boolean, as_money as as_amount, as_number};

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

/// The reading as a text, of a value whose numbers are read as `numbers`: an amount has at most six decimals.
pub fn as_text(value: &Value, numbers: Reading) -> Option<Cow<'_, str>> {
    match as_amount(value) {
        Some(micros) if value.is_number() && numbers == Reading::Amount => {
            Some(Cow::Owned(reading::money_as_text(micros)))
        }
        _ => reading::as_text(value),
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_amount_as_a_text_is_its_millionths() {
        for (value, amount, number) in [
            (json!(20), "20", "20"),
            (json!(100.0), "100", "100"),
            (json!(20.499_999_9), "20.5", "20.4999999"),
            (json!(-0.000_001), "-0.000001", "-0.000001"),
            (json!("20.50"), "20.50", "20.50"),
            (json!(1e15), "1000000000000000", "1000000000000000"),
        ] {
            assert_eq!(as_text(&value, Reading::Amount).as_deref(), Some(amount), "{value}");
            assert_eq!(as_text(&value, Reading::Number).as_deref(), Some(number), "{value}");
        }
    }

    #[test]
    fn a_time_is_a_text() {
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
