//! Money: an integer at scale 10^-6 with its currency. A shop's line prices have fractions of a cent, so events and
//! questions count in millionths; floating point never touches an amount.

use serde::{Deserialize, Serialize};

/// Millionths in one unit of a currency.
pub const MICROS_PER_UNIT: i64 = 1_000_000;

/// Three capital letters, as in ISO 4217 ("EUR").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// Reads three ASCII letters in any case; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 3] = text.trim().as_bytes().try_into().ok()?;
        bytes.iter().all(u8::is_ascii_alphabetic).then(|| Self(bytes.map(|b| b.to_ascii_uppercase())))
    }

    /// The three letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("only ASCII letters are let in")
    }
}

impl std::fmt::Debug for Currency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Display for Currency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("a currency is three letters, e.g. EUR"))
    }
}

/// An amount in millionths of its currency's unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Millionths: 2.55 is 2_550_000.
    pub micros: i64,
    /// The currency.
    pub currency: Currency,
}

/// Why a text is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not digits with at most one decimal point.
    #[error("not a decimal number")]
    NotANumber,
    /// Beyond about 9.2 * 10^12 units.
    #[error("too large for an amount")]
    TooLarge,
}

/// Reads a decimal number ("-12.345", "1e3", "+.5") exactly as millionths. Digits past the sixth decimal are rounded half away
/// from zero. No thousands marks: the reader of a file takes them out first, because only it knows which mark is which.
pub fn parse_micros(text: &str) -> Result<i64, MoneyError> {
    let text = text.trim();
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((m, e)) => (m, e.parse::<i32>().map_err(|_| MoneyError::NotANumber)?),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.as_bytes().first() {
        Some(b'-') => (true, &mantissa[1..]),
        Some(b'+') => (false, &mantissa[1..]),
        _ => (false, mantissa),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if (whole.is_empty() && fraction.is_empty()) || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return Err(MoneyError::NotANumber);
    }
    let fraction_len = i32::try_from(fraction.len()).map_err(|_| MoneyError::TooLarge)?;
    scale(whole.bytes().chain(fraction.bytes()), exponent.saturating_sub(fraction_len).saturating_add(6), negative)
}

/// The digits as an integer times 10^`power`, rounded half away from zero.
fn scale(digits: impl Iterator<Item = u8>, power: i32, negative: bool) -> Result<i64, MoneyError> {
    let digits: Vec<u8> = digits.skip_while(|b| *b == b'0').collect();
    if digits.is_empty() {
        return Ok(0);
    }
    let length = i32::try_from(digits.len()).map_err(|_| MoneyError::TooLarge)?;
    if length.saturating_add(power) > 19 {
        return Err(MoneyError::TooLarge);
    }
    let kept = usize::try_from(length.saturating_add(power.min(0)).max(0)).unwrap_or(0);
    let mut value: i128 = 0;
    for digit in &digits[..kept] {
        value = value * 10 + i128::from(digit - b'0');
    }
    if power < 0 && length.saturating_add(power) >= 0 && digits.get(kept).is_some_and(|d| *d >= b'5') {
        value += 1;
    }
    for _ in 0..power.max(0) {
        value *= 10;
    }
    i64::try_from(if negative { -value } else { value }).map_err(|_| MoneyError::TooLarge)
}

/// Prints millionths as a plain decimal with as many decimals as needed, two at least ("12.50", "0.001").
pub fn format_micros(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let value = micros.unsigned_abs();
    let (whole, fraction) = (value / 1_000_000, value % 1_000_000);
    let mut decimals = format!("{fraction:06}");
    while decimals.len() > 2 && decimals.ends_with('0') {
        decimals.pop();
    }
    format!("{sign}{whole}.{decimals}")
}

/// Reads a JSON number or a text as millionths. Numbers in JSON arrive as texts too (many shops send "12.50").
pub fn micros_from_json(value: &serde_json::Value) -> Option<i64> {
    match value {
        serde_json::Value::Number(number) => parse_micros(&number.to_string()).ok(),
        serde_json::Value::String(text) => parse_micros(text).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_exactly() {
        for (text, micros) in [
            ("0", 0),
            ("12.50", 12_500_000),
            ("-0.001", -1_000),
            ("+.5", 500_000),
            ("1e3", 1_000_000_000),
            ("1.5E-2", 15_000),
            ("0.0000005", 1),
            ("0.0000004", 0),
            ("-2.9999999", -3_000_000),
            ("9223372036854.775807", i64::MAX),
        ] {
            assert_eq!(parse_micros(text), Ok(micros), "{text}");
        }
        for text in ["", ".", "1,5", "12 000", "NaN", "1e", "--1", "0x10", "1e99999999999"] {
            assert_eq!(parse_micros(text), Err(MoneyError::NotANumber), "{text}");
        }
        assert_eq!(parse_micros("9223372036854.775808"), Err(MoneyError::TooLarge));
        assert_eq!(parse_micros("1e999999999"), Err(MoneyError::TooLarge));
        assert_eq!(parse_micros("1e-999999999"), Ok(0));
        assert_eq!(format_micros(-1_500), "-0.0015");
        assert_eq!(format_micros(12_500_000), "12.50");
    }

    proptest! {
        #[test]
        fn prints_what_it_reads(micros in any::<i64>()) {
            prop_assert_eq!(parse_micros(&format_micros(micros)), Ok(micros));
        }
    }
}
