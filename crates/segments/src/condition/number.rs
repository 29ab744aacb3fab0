//! The numbers that a condition compares with.
//!
//! Always holds: a [`Number`] is exact in millionths, and the JSON number it is stored as reads back as the same.

use rapport_domain::money;
use serde_json::Value;

/// A decimal number with at most six decimals that a JSON number says exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(i64);

impl Number {
    /// A number of millionths; `None` where a JSON number, a double, cannot say it exactly (fractions of numbers with more
    /// than 15 digits).
    pub fn from_micros(micros: i64) -> Option<Self> {
        (money::micros_from_json(&json(micros)?) == Some(micros)).then_some(Self(micros))
    }

    /// Reads a JSON number, or a text that is one, exactly. `None` for anything else, more than six decimals included.
    pub fn from_json(value: &Value) -> Option<Self> {
        let number = Self::from_micros(money::micros_from_json(value)?)?;
        let text = match value {
            Value::String(text) => text.trim().to_owned(),
            other => other.to_string(),
        };
        number.says(&text).then_some(number)
    }

    /// In millionths.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// As a double, the one that its JSON says.
    pub fn as_f64(self) -> f64 {
        self.to_json().as_f64().unwrap_or(f64::NAN)
    }

    /// As a JSON number.
    pub(super) fn to_json(self) -> Value {
        json(self.0).expect("a number is only made where its JSON exists")
    }

    /// Whether `text` is this number, not one that was rounded to it: its digits past the sixth decimal are all zero.
    fn says(self, text: &str) -> bool {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let Ok(exponent) = exponent.parse::<i64>() else { return false };
        let (_, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
        let trailing_zeros = digits.iter().rev().take_while(|digit| **digit == b'0').count();
        let significant_decimals = decimals.len() as i64 - exponent - trailing_zeros as i64;
        digits.len() == trailing_zeros || significant_decimals <= 6
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.to_json().fmt(f)
    }
}

fn json(micros: i64) -> Option<Value> {
    if micros % money::MICROS_PER_UNIT == 0 {
        return Some(Value::from(micros / money::MICROS_PER_UNIT));
    }
    let float: f64 = money::format_micros(micros).parse().ok()?;
    serde_json::Number::from_f64(float).map(Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn takes_exact_numbers_only() {
        for (value, micros) in [
            (json!(20), Some(20_000_000)),
            (json!(20.10), Some(20_100_000)),
            (json!("20.10"), Some(20_100_000)),
            (json!("20.1000000"), Some(20_100_000)),
            (json!(-0.000001), Some(-1)),
            (json!("1e-6"), Some(1)),
            (json!("10e-7"), Some(1)),
            (json!(0.0), Some(0)),
            (json!("0e9"), Some(0)),
            (json!(9_000_000_000_000i64), Some(9_000_000_000_000_000_000)),
            (json!(0.0000001), None),
            (json!("1.0000005"), None),
            (json!(10_000_000_000_000i64), None),
            (json!("9000000000000.000001"), None),
            (json!("twenty"), None),
            (json!(true), None),
        ] {
            assert_eq!(Number::from_json(&value).map(Number::micros), micros, "{value}");
        }
    }

    proptest! {
        #[test]
        fn its_json_reads_back(micros in prop_oneof![any::<i64>(), -1_000_000_000..1_000_000_000i64]) {
            if let Some(number) = Number::from_micros(micros) {
                prop_assert_eq!(Number::from_json(&number.to_json()), Some(number));
                prop_assert_eq!(number.micros(), micros);
            } else {
                prop_assert!(micros.unsigned_abs() > 1_000_000_000_000_000, "{} is an exact double", micros);
            }
        }
    }
}
