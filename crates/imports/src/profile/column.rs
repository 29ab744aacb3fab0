//! The profile of one column: its type, range, blanks, sentinels, frequent values.
//!
//! Always holds: one pass, bounded memory. Values in a profile are personal data: they are for the person who imports, and go
//! into no log.

use rapport_domain::money::format_micros;
use serde::{Deserialize, Serialize};

use super::dates::{DateFacts, Dates};
use super::distinct::{Distinct, hash};
use super::top::{Top, ValueCount};
use crate::values::date::DateStyle;
use crate::values::number::{self, DecimalMark, Evidence};
use crate::values::{boolean, has_point_zero, is_blank_word, is_email};
use crate::words;

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// No value at all.
    Empty,
    /// Whole numbers.
    Integer,
    /// Numbers with decimals.
    Decimal,
    /// Dates, with or without a time of day.
    Date,
    /// Yes and no.
    Boolean,
    /// E-mail addresses.
    Email,
    /// Names of things: numbers with leading zeros, codes, hashes.
    Id,
    /// Anything else.
    Text,
}

/// What one column holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnProfile {
    /// Its name.
    pub name: String,
    /// What its values are.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// For numbers: the decimal mark.
    pub decimal_mark: Option<DecimalMark>,
    /// For dates.
    pub dates: Option<DateFacts>,
    /// Rows without a value.
    pub blanks: u64,
    /// Different values.
    pub distinct: u64,
    /// Whether `distinct` is exact.
    pub distinct_is_exact: bool,
    /// For key-like columns: how many values are repetitions of an earlier one.
    pub repeated: Option<u64>,
    /// Smallest number or first date.
    pub minimum: Option<String>,
    /// Largest number or last date.
    pub maximum: Option<String>,
    /// Most frequent values (at most ten).
    pub top: Vec<ValueCount>,
    /// Whether the counts in `top` are exact; else they are lower bounds.
    pub top_is_exact: bool,
    /// Values that probably stand for "nothing".
    pub sentinels: Vec<ValueCount>,
    /// Whole numbers written with ".0" ("17850.0").
    pub point_zero: u64,
    /// Negative numbers.
    pub negative: u64,
    /// Zeros.
    pub zero: u64,
    /// Values that are not of the column's type.
    pub not_of_type: u64,
    /// The longest value, in characters.
    pub longest: u64,
    /// What the person who imports should know.
    pub notes: Vec<String>,
}

/// Numbers that programs write for "nothing".
const SENTINEL_NUMBERS: [i64; 10] = [-1, -9, -99, -999, -9999, -100, 99, 999, 9999, 99_999];

#[derive(Default)]
pub(crate) struct ColumnBuilder {
    rows: u64,
    blanks: u64,
    blank_words: Top,
    whole: u64,
    point: u64,
    comma: u64,
    either_point: u64,
    either_comma: u64,
    leading_zero: u64,
    point_zero: u64,
    booleans: u64,
    emails: u64,
    id_like: u64,
    dates: Dates,
    /// Range and sentinels, for a decimal point and a decimal comma.
    ranges: [Range; 2],
    pub distinct: Distinct,
    top: Top,
    longest: u64,
}

#[derive(Default)]
struct Range {
    low: Option<i64>,
    high: Option<i64>,
    negative: u64,
    zero: u64,
    sentinels: [u64; 10],
}

impl Range {
    fn add(&mut self, micros: i64) {
        self.negative += u64::from(micros < 0);
        self.zero += u64::from(micros == 0);
        let sentinel = SENTINEL_NUMBERS.iter().position(|s| s * 1_000_000 == micros);
        if let Some(index) = sentinel {
            self.sentinels[index] += 1;
            return;
        }
        self.low = Some(self.low.map_or(micros, |low| low.min(micros)));
        self.high = Some(self.high.map_or(micros, |high| high.max(micros)));
    }

    /// Sentinels far outside of the other values.
    fn sentinels(&self) -> Vec<ValueCount> {
        let (Some(low), Some(high)) = (self.low, self.high) else { return Vec::new() };
        let stands_out = |value: i64| if value < 0 { low >= 0 } else { value >= high.saturating_mul(3) && high > 0 };
        SENTINEL_NUMBERS
            .iter()
            .zip(self.sentinels)
            .filter(|(value, count)| *count > 0 && stands_out(**value * 1_000_000))
            .map(|(value, count)| ValueCount { value: value.to_string(), count })
            .collect()
    }

    fn bounds(&self) -> (Option<i64>, Option<i64>) {
        let used =
            SENTINEL_NUMBERS.iter().zip(self.sentinels).filter(|(_, count)| *count > 0).map(|(v, _)| v * 1_000_000);
        let (mut low, mut high) = (self.low, self.high);
        for value in used {
            low = Some(low.map_or(value, |l| l.min(value)));
            high = Some(high.map_or(value, |h| h.max(value)));
        }
        (low, high)
    }
}

impl ColumnBuilder {
    pub fn add(&mut self, value: &str) {
        self.rows += 1;
        if value.is_empty() {
            self.blanks += 1;
            return;
        }
        if is_blank_word(value) {
            self.blanks += 1;
            self.blank_words.add(value);
            return;
        }
        self.distinct.add(hash(value));
        self.top.add(value);
        self.longest = self.longest.max(value.len() as u64);
        let bytes = value.as_bytes();
        let has_digit = bytes.len() <= 64 && bytes.iter().any(u8::is_ascii_digit);
        let is_number = has_digit && self.add_number(value);
        if has_digit && (6..=40).contains(&bytes.len()) && (!is_number || matches!(bytes.len(), 8 | 10 | 13)) {
            self.dates.add(value);
        }
        if !is_number {
            self.booleans += u64::from(boolean(value).is_some());
            self.emails += u64::from(is_email(value));
            self.id_like += u64::from(has_digit && bytes.len() <= 64 && !bytes.contains(&b' '));
        }
    }

    fn add_number(&mut self, value: &str) -> bool {
        let Some(evidence) = number::evidence(value) else { return false };
        match evidence {
            Evidence::Whole => self.whole += 1,
            Evidence::Point => self.point += 1,
            Evidence::Comma => self.comma += 1,
            Evidence::EitherPoint => self.either_point += 1,
            Evidence::EitherComma => self.either_comma += 1,
        }
        self.leading_zero +=
            u64::from(value.len() > 1 && value.starts_with('0') && value.bytes().all(|b| b.is_ascii_digit()));
        self.point_zero += u64::from(has_point_zero(value));
        for (range, mark) in self.ranges.iter_mut().zip([DecimalMark::Point, DecimalMark::Comma]) {
            if let Some(micros) = number::parse(value, mark) {
                range.add(micros);
            }
        }
        true
    }

    /// The mark by which most values are numbers.
    fn mark(&self) -> DecimalMark {
        // "1.234" with other values like "1.2" has decimals; alone it is taken as decimals too, "1,234" as thousands.
        let (point, comma) = (self.point, self.comma);
        if comma > point { DecimalMark::Comma } else { DecimalMark::Point }
    }

    fn kind(&self, name: &str) -> ColumnType {
        let filled = self.rows - self.blanks;
        if filled == 0 {
            return ColumnType::Empty;
        }
        let most = |count: u64| count * 100 >= filled * 95;
        let numbers = self.whole + self.point + self.comma + self.either_point + self.either_comma;
        if most(self.dates.fits()) && self.is_date(name) {
            return ColumnType::Date;
        }
        if most(numbers) {
            if self.leading_zero * 20 > filled {
                return ColumnType::Id;
            }
            let decimals = self.point + self.comma + self.either_point + self.either_comma;
            return if decimals == 0 || decimals == self.point_zero {
                ColumnType::Integer
            } else {
                ColumnType::Decimal
            };
        }
        if most(self.booleans) {
            return ColumnType::Boolean;
        }
        if most(self.emails) {
            return ColumnType::Email;
        }
        if (self.id_like + numbers) * 10 >= filled * 9 { ColumnType::Id } else { ColumnType::Text }
    }

    /// Ten digits are seconds since 1970 only where the name speaks of time: order numbers have ten digits too.
    fn is_date(&self, name: &str) -> bool {
        let style = self.dates.facts().map(|dates| dates.style);
        let is_epoch = matches!(style, Some(DateStyle::EpochSeconds | DateStyle::EpochMillis));
        let speaks_of_time = || {
            words::field_named(name) == Some(words::Field::Date)
                || words::tokens(name)
                    .iter()
                    .any(|t| matches!(t.as_str(), "time" | "date" | "timestamp" | "ts" | "at" | "epoch" | "millis"))
        };
        style.is_some() && (!is_epoch || speaks_of_time())
    }

    /// Closes the column.
    pub fn finish(&self, name: &str) -> ColumnProfile {
        let kind = self.kind(name);
        let filled = self.rows - self.blanks;
        let (distinct, exact) = self.distinct.count();
        let numeric = matches!(kind, ColumnType::Integer | ColumnType::Decimal);
        let mark = self.mark();
        let range = &self.ranges[usize::from(mark == DecimalMark::Comma)];
        let dates = (kind == ColumnType::Date).then(|| self.dates.facts()).flatten();
        let (low, high) = if numeric { range.bounds() } else { (None, None) };
        let repeated = (exact && filled > 0 && distinct * 100 >= filled * 95).then_some(filled - distinct);
        let numbers = self.whole + self.point + self.comma + self.either_point + self.either_comma;
        let of_type = match kind {
            ColumnType::Integer | ColumnType::Decimal => numbers,
            ColumnType::Date => self.dates.fits(),
            ColumnType::Boolean => self.booleans,
            ColumnType::Email => self.emails,
            _ => filled,
        };
        let mut sentinels = self.blank_words.most(10);
        if numeric {
            sentinels.extend(range.sentinels());
        }
        let mut profile = ColumnProfile {
            name: name.to_owned(),
            kind,
            decimal_mark: numeric.then_some(mark),
            minimum: low.map(show_number).or_else(|| dates.as_ref().map(|d| d.earliest.clone())),
            maximum: high.map(show_number).or_else(|| dates.as_ref().map(|d| d.latest.clone())),
            dates,
            blanks: self.blanks,
            distinct,
            distinct_is_exact: exact,
            repeated,
            top: self.top.most(10),
            top_is_exact: !self.top.exact_lost,
            sentinels,
            point_zero: self.point_zero,
            negative: if numeric { range.negative } else { 0 },
            zero: if numeric { range.zero } else { 0 },
            not_of_type: filled - of_type,
            longest: self.longest,
            notes: Vec::new(),
        };
        profile.notes = self.notes(&profile);
        profile
    }

    fn notes(&self, profile: &ColumnProfile) -> Vec<String> {
        let mut notes = Vec::new();
        if profile.point_zero > 0 && profile.kind == ColumnType::Integer {
            notes.push("whole numbers written with \".0\": the ending is taken off where they are ids".to_owned());
        }
        if self.point > 0 && self.comma > 0 && profile.decimal_mark.is_some() {
            notes.push(format!("{} numbers have a decimal point and {} a decimal comma", self.point, self.comma));
        }
        if self.either_comma > 0 && self.point + self.comma == 0 && profile.decimal_mark.is_some() {
            notes.push("a comma before three digits is taken as a thousands mark; no value proves it".to_owned());
        }
        if !profile.sentinels.is_empty() {
            let shown: Vec<String> =
                profile.sentinels.iter().map(|s| format!("{} ({} times)", s.value, s.count)).collect();
            notes.push(format!("values that probably mean \"nothing\": {}", shown.join(", ")));
        }
        let can_be_key = matches!(profile.kind, ColumnType::Id | ColumnType::Integer | ColumnType::Email);
        if can_be_key && profile.repeated.is_some_and(|repeated| repeated > 0) {
            notes.push(format!("nearly a key, but {} values come again", profile.repeated.unwrap_or(0)));
        }
        if let Some(dates) = &profile.dates {
            if dates.ambiguous {
                notes.push(format!("day and month could be the other way round; read as {}", dates.pattern));
            }
            if dates.other_order > 0 {
                notes.push(format!("{} values fit only the other order of day and month", dates.other_order));
            }
            notes.extend(dates.swap_suspected.clone());
        }
        if profile.not_of_type > 0 {
            notes.push(format!("{} values are not of the column's type", profile.not_of_type));
        }
        notes
    }
}

fn show_number(micros: i64) -> String {
    let text = format_micros(micros);
    text.strip_suffix(".00").map_or_else(|| text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(values: &[&str]) -> ColumnProfile {
        let mut builder = ColumnBuilder::default();
        values.iter().for_each(|value| builder.add(value));
        builder.finish("c")
    }

    #[test]
    fn types() {
        use ColumnType::*;
        for (values, kind) in [
            (&["1", "2", ""][..], Integer),
            (&["17850.0", "12.0"], Integer),
            (&["1,5", "2,75"], Decimal),
            (&["00012", "00013"], Id),
            (&["19970101", "19970304"], Date),
            (&["85123A", "22423", "POST1"], Id),
            (&["yes", "no"], Boolean),
            (&["a@b.de", "c@d.org"], Email),
            (&["red lamp", "blue lamp"], Text),
            (&["", "nan"], Empty),
            (&["10000001", "10000002", "99999999"], Integer),
        ] {
            assert_eq!(column(values).kind, kind, "{values:?}");
        }
    }

    #[test]
    fn ranges_sentinels_and_repetitions() {
        let profile = column(&["1", "7", "-99", "-99", "?", "3"]);
        assert_eq!((profile.minimum.as_deref(), profile.maximum.as_deref()), (Some("-99"), Some("7")));
        let words: Vec<&str> = profile.sentinels.iter().map(|s| s.value.as_str()).collect();
        assert_eq!(words, ["?", "-99"]);
        assert_eq!(profile.blanks, 1);
        assert!(column(&["1", "5", "99", "100", "250"]).sentinels.is_empty());
        let keys: Vec<String> = (0..100).map(|i| format!("r{}", i.max(1))).collect();
        assert_eq!(column(&keys.iter().map(String::as_str).collect::<Vec<_>>()).repeated, Some(1));
        assert_eq!(column(&["1.234,50", "7,5"]).decimal_mark, Some(DecimalMark::Comma));
    }
}
