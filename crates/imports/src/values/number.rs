//! Numbers as people and programs write them, read exactly as millionths.
//!
//! Always holds: no floating point. "1.234,50 €", "(12.00)", "12.00-" and "R$ 1 234,5" are numbers when the style says which mark
//! is the decimal one; thousands marks must stand before groups of three digits.

use rapport_domain::money::parse_micros;
use serde::{Deserialize, Serialize};

/// The sign between whole units and decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecimalMark {
    /// 1234.50, and 1,234.50.
    #[default]
    Point,
    /// 1234,50, and 1.234,50.
    Comma,
}

impl DecimalMark {
    const fn mark(self) -> u8 {
        match self {
            Self::Point => b'.',
            Self::Comma => b',',
        }
    }

    const fn thousands(self) -> u8 {
        match self {
            Self::Point => b',',
            Self::Comma => b'.',
        }
    }
}

/// Reads a number as millionths; `None` when the text is none in this style.
pub fn parse(text: &str, mark: DecimalMark) -> Option<i64> {
    plain(text.as_bytes(), mark.mark()).or_else(|| decorated(text, mark))
}

/// The frequent case: an optional minus, at most 12 digits, at most 6 decimals.
fn plain(bytes: &[u8], mark: u8) -> Option<i64> {
    let (negative, digits) = match bytes.split_first()? {
        (b'-', rest) => (true, rest),
        _ => (false, bytes),
    };
    let (mut value, mut decimals, mut count) = (0i64, None::<u32>, 0);
    for byte in digits {
        if byte.is_ascii_digit() {
            value = value * 10 + i64::from(byte - b'0');
            count += 1;
            decimals = decimals.map(|d| d + 1);
            if count > 12 {
                return None;
            }
        } else if *byte == mark && decimals.is_none() {
            decimals = Some(0);
        } else {
            return None;
        }
    }
    let decimals = decimals.unwrap_or(0);
    if count == 0 || decimals > 6 {
        return None;
    }
    let micros = value * 10i64.pow(6 - decimals);
    Some(if negative { -micros } else { micros })
}

fn decorated(text: &str, mark: DecimalMark) -> Option<i64> {
    if text.len() > 64 || !text.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut body = text.trim();
    let mut negative = false;
    if let Some(inner) = body.strip_prefix('(').and_then(|b| b.strip_suffix(')')) {
        (negative, body) = (true, inner);
    }
    if let Some(rest) = body.strip_prefix(['-', '−']) {
        (negative, body) = (!negative, rest);
    } else if let Some(rest) = body.strip_suffix('-') {
        (negative, body) = (!negative, rest);
    }
    let is_unit = |c: char| "€$£¥₹ ".contains(c) || c.is_whitespace();
    let bare = strip_currency(body.trim_matches(is_unit)).trim_matches(is_unit);
    let had_unit = bare.len() < body.len();
    body = bare;
    if let Some(rest) = body.strip_prefix('-').filter(|_| had_unit) {
        (negative, body) = (!negative, rest);
    }
    let cleaned = ungroup(body.strip_prefix('+').unwrap_or(body), mark)?;
    if cleaned.starts_with(['-', '+']) {
        return None;
    }
    let micros = parse_micros(&cleaned).ok()?;
    Some(if negative { -micros } else { micros })
}

/// Takes "EUR", "USD", "R$" and the like off one end.
fn strip_currency(body: &str) -> &str {
    let is_code = |code: &str| code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase());
    if let Some(rest) = body.strip_prefix("R$") {
        return rest;
    }
    if let (Some(code), Some(rest)) = (body.get(..3), body.get(3..))
        && is_code(code)
    {
        return rest;
    }
    let split = body.len().saturating_sub(3);
    match (body.get(..split), body.get(split..)) {
        (Some(rest), Some(code)) if is_code(code) => rest,
        _ => body,
    }
}

/// Takes thousands marks out and makes the decimal mark a point; `None` when groups are not of three digits.
fn ungroup(body: &str, mark: DecimalMark) -> Option<String> {
    let decimal = char::from(mark.mark());
    let (whole, fraction) = match body.split_once(decimal) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (body, None),
    };
    let is_group_mark =
        |c: char| c == char::from(mark.thousands()) || matches!(c, '\'' | '’' | ' ' | '\u{a0}' | '\u{202f}');
    let mut cleaned = String::with_capacity(body.len());
    for (index, group) in whole.split(is_group_mark).enumerate() {
        let right_size =
            if index == 0 { !group.is_empty() || !whole.contains(is_group_mark) } else { group.len() == 3 };
        if !right_size || (index == 0 && whole.contains(is_group_mark) && group.len() > 3) {
            return None;
        }
        cleaned.push_str(group);
    }
    if let Some(fraction) = fraction {
        cleaned.push('.');
        cleaned.push_str(fraction);
    }
    Some(cleaned)
}

/// Whether a text is a number in one of the styles.
pub fn looks_like_number(text: &str) -> bool {
    parse(text, DecimalMark::Point).is_some() || parse(text, DecimalMark::Comma).is_some()
}

/// What a number's own marks say about the style it is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// No marks at all.
    Whole,
    /// Can only be a decimal point.
    Point,
    /// Can only be a decimal comma.
    Comma,
    /// "1,234" or "1.234": a thousands mark or three decimals; the mark as written.
    EitherPoint,
    /// The same with a comma.
    EitherComma,
}

/// The evidence in one number; `None` when it is no number.
pub(crate) fn evidence(text: &str) -> Option<Evidence> {
    let as_point = parse(text, DecimalMark::Point);
    let as_comma = parse(text, DecimalMark::Comma);
    match (as_point, as_comma) {
        (None, None) => None,
        (Some(_), None) => Some(Evidence::Point),
        (None, Some(_)) => Some(Evidence::Comma),
        (Some(a), Some(b)) if a == b => Some(Evidence::Whole),
        _ if text.contains('.') => Some(Evidence::EitherPoint),
        _ => Some(Evidence::EitherComma),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rapport_domain::money::format_micros;

    #[test]
    fn reads_what_people_write() {
        for (text, mark, micros) in [
            ("12.5", DecimalMark::Point, 12_500_000),
            ("12,5", DecimalMark::Comma, 12_500_000),
            ("1.234,50 €", DecimalMark::Comma, 1_234_500_000),
            ("€1,234.50", DecimalMark::Point, 1_234_500_000),
            ("(12.00)", DecimalMark::Point, -12_000_000),
            ("12,00-", DecimalMark::Comma, -12_000_000),
            ("-$5", DecimalMark::Point, -5_000_000),
            ("$-5", DecimalMark::Point, -5_000_000),
            ("R$ 1.234,5", DecimalMark::Comma, 1_234_500_000),
            ("1 234,5 EUR", DecimalMark::Comma, 1_234_500_000),
            ("1'234.5", DecimalMark::Point, 1_234_500_000),
            ("1e3", DecimalMark::Point, 1_000_000_000),
            (".5", DecimalMark::Point, 500_000),
        ] {
            assert_eq!(parse(text, mark), Some(micros), "{text}");
        }
        for text in ["", "-", "a1", "1.2.3", "12,34", "1,23,456", "--1", "1-2", "€", "0x1F", "5 pieces", ",123"] {
            assert_eq!(parse(text, DecimalMark::Point), None, "{text}");
        }
        assert_eq!(evidence("1,234"), Some(Evidence::EitherComma));
        assert_eq!(evidence("1,23"), Some(Evidence::Comma));
        assert_eq!(evidence("1.50"), Some(Evidence::Point));
        assert_eq!(evidence("12"), Some(Evidence::Whole));
    }

    proptest! {
        #[test]
        fn reads_back_what_is_printed(micros in any::<i64>()) {
            let text = format_micros(micros);
            prop_assert_eq!(parse(&text, DecimalMark::Point), Some(micros));
            prop_assert_eq!(parse(&text.replace('.', ","), DecimalMark::Comma), Some(micros));
        }

        #[test]
        fn thousands_marks_change_nothing(micros in any::<i64>()) {
            let plain = format_micros(micros);
            let (whole, fraction) = plain.split_once('.').unwrap();
            let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |d| ("-", d));
            let grouped: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(|c| std::str::from_utf8(c).unwrap()).collect();
            prop_assert_eq!(parse(&format!("{sign}{}.{fraction}", grouped.join(",")), DecimalMark::Point), Some(micros));
            prop_assert_eq!(parse(&format!("{sign}{},{fraction}", grouped.join(".")), DecimalMark::Comma), Some(micros));
        }

        #[test]
        fn never_panics(text in "\\PC{0,20}") {
            let _ = evidence(&text);
        }
    }
}
