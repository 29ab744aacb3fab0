//! Dates and times as files write them: any separator, any order, month names, two-digit years, compact, seconds since 1970.
//!
//! Always holds: only dates that exist (no 30 February), years 1900 to 2199; a text with anything left over is no date. Which of
//! day and month comes first is never guessed from one value: the style says it.

use jiff::civil;
use jiff::tz::TimeZone;
use rapport_domain::Timestamp;
use serde::{Deserialize, Serialize};

/// The order of a date's parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateStyle {
    /// 2011-12-09, 2011/12/09 and RFC 3339.
    YearMonthDay,
    /// 9.12.2011, 09/12/2011, 9-Dec-2011.
    DayMonthYear,
    /// 12/9/2011, Dec 9, 2011.
    MonthDayYear,
    /// 20111209.
    Compact,
    /// Seconds since 1970 (10 digits).
    EpochSeconds,
    /// Milliseconds since 1970 (13 digits).
    EpochMillis,
}

/// A date and time of day without a zone, or with a fixed offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Days since 1970-01-01.
    pub days: i64,
    /// Day of the month.
    pub day: u8,
    /// Microseconds since midnight.
    pub micros: i64,
    /// Seconds east of UTC, where the text says so.
    pub offset: Option<i32>,
    /// Whether the text has a time of day.
    pub has_time: bool,
}

impl Moment {
    /// The moment on a clock that shows UTC.
    pub const fn local_micros(self) -> i64 {
        self.days * Timestamp::DAY + self.micros
    }

    /// The instant, with clocks of `zone` where the text names no offset. A time that a clock change left out is moved on.
    pub fn at(self, zone: &TimeZone) -> Timestamp {
        if let Some(offset) = self.offset {
            return Timestamp(self.local_micros() - i64::from(offset) * Timestamp::SECOND);
        }
        if *zone == TimeZone::UTC {
            return Timestamp(self.local_micros());
        }
        let shown = Timestamp(self.local_micros()).to_jiff().to_zoned(TimeZone::UTC).datetime();
        shown.to_zoned(zone.clone()).map_or(Timestamp(self.local_micros()), |zoned| zoned.timestamp().into())
    }

    /// 0 for Monday to 6 for Sunday.
    pub const fn weekday(self) -> usize {
        // 1970-01-01 was a Thursday.
        ((self.days + 3).rem_euclid(7)) as usize
    }
}

/// Reads a date, with or without a time of day.
pub fn parse(text: &str, style: DateStyle) -> Option<Moment> {
    let bytes = text.as_bytes();
    if bytes.len() < 6 || bytes.len() > 40 {
        return None;
    }
    match style {
        DateStyle::Compact => compact(bytes),
        DateStyle::EpochSeconds => epoch(bytes, 10, Timestamp::SECOND),
        DateStyle::EpochMillis => epoch(bytes, 13, 1_000),
        _ => separated(bytes, style),
    }
}

/// Whether a text is a date in any style that its shape alone gives away (not the epochs).
pub fn looks_like_date(text: &str) -> bool {
    [DateStyle::YearMonthDay, DateStyle::DayMonthYear, DateStyle::MonthDayYear]
        .iter()
        .any(|style| parse(text, *style).is_some())
}

fn digits(bytes: &[u8]) -> Option<i64> {
    if bytes.is_empty() || bytes.len() > 18 {
        return None;
    }
    bytes.iter().try_fold(0, |value, b| b.is_ascii_digit().then(|| value * 10 + i64::from(b - b'0')))
}

fn epoch(bytes: &[u8], length: usize, unit: i64) -> Option<Moment> {
    let value = if bytes.len() == length { digits(bytes)? } else { return None };
    let micros = value.checked_mul(unit)?;
    let date = Timestamp(micros).to_jiff().to_zoned(TimeZone::UTC).date();
    Some(Moment {
        days: micros.div_euclid(Timestamp::DAY),
        day: u8::try_from(date.day()).ok()?,
        micros: micros.rem_euclid(Timestamp::DAY),
        offset: Some(0),
        has_time: true,
    })
}

fn compact(bytes: &[u8]) -> Option<Moment> {
    let (date, time) = bytes.split_at_checked(8)?;
    let days = days(digits(&date[..4])?, digits(&date[4..6])?, digits(&date[6..])?)?;
    let day = u8::try_from(digits(&date[6..])?).ok()?;
    let time = time.strip_prefix(b"T").or_else(|| time.strip_prefix(b" ")).unwrap_or(time);
    let (micros, has_time) = match time.len() {
        0 => (0, false),
        4 | 6 => {
            let part = |i: usize| time.get(i..i + 2).map_or(Some(0), digits);
            (of_clock(part(0)?, part(2)?, part(4)?)?, true)
        }
        _ => {
            let (micros, offset) = clock(time)?;
            return Some(Moment { days, day, micros, offset, has_time: true });
        }
    };
    Some(Moment { days, day, micros, offset: None, has_time })
}

fn of_clock(hour: i64, minute: i64, second: i64) -> Option<i64> {
    // A leap second is counted as the last one.
    (hour < 24 && minute < 60 && second <= 60).then(|| (hour * 3600 + minute * 60 + second.min(59)) * Timestamp::SECOND)
}

fn separated(bytes: &[u8], style: DateStyle) -> Option<Moment> {
    let (first, rest) = part(bytes)?;
    let (second, rest) = part(separator(rest)?)?;
    let (third, rest) = part(separator(rest)?)?;
    let (year, month, day) = match style {
        DateStyle::YearMonthDay => (first, second, third),
        DateStyle::DayMonthYear => (third, second, first),
        _ => (third, first, second),
    };
    if matches!(year, Part::Name(_))
        || matches!(day, Part::Name(_))
        || (style == DateStyle::YearMonthDay && !year.is_long())
    {
        return None;
    }
    let day = day.value();
    let days = days(year.year()?, month.month()?, day)?;
    let day = u8::try_from(day).ok()?;
    if rest.is_empty() {
        return Some(Moment { days, day, micros: 0, offset: None, has_time: false });
    }
    let rest = rest.strip_prefix(b",").unwrap_or(rest);
    let time = rest.strip_prefix(b"T").or_else(|| rest.strip_prefix(b" "))?;
    let (micros, offset) = clock(time)?;
    Some(Moment { days, day, micros, offset, has_time: true })
}

enum Part {
    Number { value: i64, length: usize },
    Name(i64),
}

impl Part {
    const fn value(&self) -> i64 {
        match self {
            Self::Number { value, .. } | Self::Name(value) => *value,
        }
    }

    const fn is_long(&self) -> bool {
        matches!(self, Self::Number { length: 4, .. })
    }

    fn year(&self) -> Option<i64> {
        match self {
            Self::Number { value, length: 4 } => Some(*value),
            Self::Number { value, length: 2 } => Some(if *value < 70 { 2000 + value } else { 1900 + value }),
            _ => None,
        }
    }

    fn month(&self) -> Option<i64> {
        match self {
            Self::Number { value, length } if *length <= 2 => Some(*value),
            Self::Name(month) => Some(*month),
            Self::Number { .. } => None,
        }
    }
}

fn part(bytes: &[u8]) -> Option<(Part, &[u8])> {
    let length = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    if length > 0 {
        let value = if length <= 4 { digits(&bytes[..length])? } else { return None };
        return Some((Part::Number { value, length }, &bytes[length..]));
    }
    let length = bytes.iter().take_while(|b| b.is_ascii_alphabetic() || **b >= 0x80).count();
    Some((Part::Name(month_named(std::str::from_utf8(&bytes[..length]).ok()?)?), &bytes[length..]))
}

/// English, German, Portuguese, Spanish, French names by their first letters.
fn month_named(name: &str) -> Option<i64> {
    const MONTHS: [&[&str]; 12] = [
        &["jan", "jän", "ene"],
        &["feb", "fev", "fév"],
        &["mar", "mär", "mrz"],
        &["apr", "abr", "avr"],
        &["may", "mai"],
        &["jun", "juin"],
        &["jul", "juil"],
        &["aug", "ago", "aoû"],
        &["sep", "set"],
        &["oct", "okt", "out"],
        &["nov"],
        &["dec", "dez", "dic", "déc"],
    ];
    let name = name.to_lowercase();
    if name.chars().count() < 3 {
        return None;
    }
    MONTHS
        .iter()
        .zip(1..)
        .find(|(starts, _)| starts.iter().any(|start| name.starts_with(start)))
        .map(|(_, month)| month)
}

fn separator(bytes: &[u8]) -> Option<&[u8]> {
    let rest = match bytes.split_first()? {
        (b'-' | b'/' | b'.' | b' ', rest) => rest,
        (b',', rest) => rest.strip_prefix(b" ").unwrap_or(rest),
        _ => return None,
    };
    // "9. Dez 2011", "Dec. 9, 2011"
    Some(if bytes[0] == b'.' { rest.strip_prefix(b" ").unwrap_or(rest) } else { rest })
}

/// Hours, minutes, seconds, fraction, AM or PM, offset.
fn clock(bytes: &[u8]) -> Option<(i64, Option<i32>)> {
    let mut rest = bytes.trim_ascii_start();
    let mut parts = [0i64; 3];
    let mut count = 0;
    for slot in &mut parts {
        let length = rest.iter().take(2).take_while(|b| b.is_ascii_digit()).count();
        *slot = digits(&rest[..length])?;
        rest = &rest[length..];
        count += 1;
        match rest.strip_prefix(b":") {
            Some(next) if count < 3 => rest = next,
            _ => break,
        }
    }
    let mut fraction = 0;
    if let Some(decimals) = rest.strip_prefix(b".").or_else(|| rest.strip_prefix(b",")) {
        let length = decimals.iter().take_while(|b| b.is_ascii_digit()).count();
        let used = &decimals[..length.min(6)];
        fraction = digits(used)? * 10i64.pow(6 - u32::try_from(used.len()).ok()?);
        rest = &decimals[length..];
    }
    rest = rest.trim_ascii_start();
    let half = if rest.len() >= 2 { rest[..2].to_ascii_uppercase() } else { Vec::new() };
    let mut hour = parts[0];
    if half == b"AM" || half == b"PM" {
        if !(1..=12).contains(&hour) {
            return None;
        }
        hour = hour % 12 + if half == b"PM" { 12 } else { 0 };
        rest = rest[2..].trim_ascii_start();
    } else if count < 2 {
        return None;
    }
    Some((of_clock(hour, parts[1], parts[2])? + fraction, offset(rest)?))
}

/// "", "Z", "UTC", "+01:00", "+0100", "-03".
fn offset(bytes: &[u8]) -> Option<Option<i32>> {
    match bytes {
        b"" => return Some(None),
        b"Z" | b"z" | b"UTC" | b"GMT" => return Some(Some(0)),
        _ => {}
    }
    let (sign, digits_of) = match bytes.split_first()? {
        (b'+', rest) => (1, rest),
        (b'-', rest) => (-1, rest),
        _ => return None,
    };
    let plain: Vec<u8> = digits_of.iter().copied().filter(|b| *b != b':').collect();
    let (hours, minutes) = match plain.len() {
        2 => (digits(&plain)?, 0),
        4 => (digits(&plain[..2])?, digits(&plain[2..])?),
        _ => return None,
    };
    (hours <= 14 && minutes < 60).then(|| i32::try_from(sign * (hours * 3600 + minutes * 60)).ok())
}

/// Days since 1970-01-01 of a date that exists.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1900..2200).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length =
        [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][usize::try_from(month).ok()? - 1];
    if day > length {
        return None;
    }
    // Howard Hinnant's days_from_civil, for years from 1900.
    let y = if month <= 2 { year - 1 } else { year };
    let era_year = y % 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some((y / 400) * 146_097 + era_year * 365 + era_year / 4 - era_year / 100 + day_of_year - 719_468)
}

/// The shape of a date's text, for people: digits become the letters of their part ("dd/mm/yyyy HH:MM").
pub fn pattern(example: &str, style: DateStyle) -> String {
    let order: &[char] = match style {
        DateStyle::YearMonthDay | DateStyle::Compact => &['y', 'm', 'd', 'H', 'M', 'S', 'f', 'z', 'z'],
        DateStyle::DayMonthYear => &['d', 'm', 'y', 'H', 'M', 'S', 'f', 'z', 'z'],
        DateStyle::MonthDayYear => &['m', 'd', 'y', 'H', 'M', 'S', 'f', 'z', 'z'],
        DateStyle::EpochSeconds => return "seconds since 1970".to_owned(),
        DateStyle::EpochMillis => return "milliseconds since 1970".to_owned(),
    };
    if style == DateStyle::Compact {
        return if example.len() == 8 { "yyyymmdd".to_owned() } else { "yyyymmdd HHMMSS".to_owned() };
    }
    let mut text = String::new();
    let (mut part, mut in_part) = (0, false);
    for c in example.chars() {
        let is_part = c.is_ascii_digit() || (c.is_alphabetic() && part < 3 && c != 'T');
        if !is_part && in_part {
            part += 1;
        }
        in_part = is_part;
        text.push(if is_part { order.get(part).copied().unwrap_or(c) } else { c });
    }
    text
}

/// A civil date for showing a day.
pub(crate) fn show_day(days: i64) -> String {
    let date = civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(days));
    date.map_or_else(|_| String::new(), |date| date.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str, style: DateStyle) -> String {
        parse(text, style).map_or_else(|| "-".to_owned(), |moment| moment.at(&TimeZone::UTC).to_rfc3339())
    }

    #[test]
    fn reads_what_files_write() {
        use DateStyle::*;
        for (text, style, expected) in [
            ("2010-12-01 08:26:00", YearMonthDay, "2010-12-01T08:26:00Z"),
            ("2019-11-24 00:01:03.979311+00:00", YearMonthDay, "2019-11-24T00:01:03.979311Z"),
            ("2019-11-24T01:00:00+01:00", YearMonthDay, "2019-11-24T00:00:00Z"),
            ("2019/1/4", YearMonthDay, "2019-01-04T00:00:00Z"),
            ("04-09-2012", DayMonthYear, "2012-09-04T00:00:00Z"),
            ("4.9.12 7:05", DayMonthYear, "2012-09-04T07:05:00Z"),
            ("01-Jan-1995", DayMonthYear, "1995-01-01T00:00:00Z"),
            ("9. Dezember 2011", DayMonthYear, "2011-12-09T00:00:00Z"),
            ("05/11/2016 12:00:00 AM", MonthDayYear, "2016-05-11T00:00:00Z"),
            ("12/31/1999 09:30:00 PM", MonthDayYear, "1999-12-31T21:30:00Z"),
            ("Dec 9, 2011", MonthDayYear, "2011-12-09T00:00:00Z"),
            ("19970101", Compact, "1997-01-01T00:00:00Z"),
            ("20111209T115000", Compact, "2011-12-09T11:50:00Z"),
            ("881250949", EpochSeconds, "-"),
            ("1323431400", EpochSeconds, "2011-12-09T11:50:00Z"),
            ("1323431400000", EpochMillis, "2011-12-09T11:50:00Z"),
            ("2011-02-30", YearMonthDay, "-"),
            ("2012-02-29", YearMonthDay, "2012-02-29T00:00:00Z"),
            ("13/13/2011", DayMonthYear, "-"),
            ("2011-12-09 25:00", YearMonthDay, "-"),
            ("2011-12-09 10:00 o'clock", YearMonthDay, "-"),
            ("1.2.3", DayMonthYear, "-"),
            ("19971301", Compact, "-"),
        ] {
            assert_eq!(read(text, style), expected, "{text}");
        }
        assert_eq!(pattern("01/12/2010 8:26", DayMonthYear), "dd/mm/yyyy H:MM");
        assert_eq!(pattern("2010-12-01T08:26:00", YearMonthDay), "yyyy-mm-ddTHH:MM:SS");
        assert_eq!(parse("1970-01-01", YearMonthDay).unwrap().weekday(), 3);
    }

    #[test]
    fn clocks_of_a_zone() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let at = |text| parse(text, DateStyle::YearMonthDay).unwrap().at(&berlin).to_rfc3339();
        assert_eq!(at("2026-07-01 12:00"), "2026-07-01T10:00:00Z");
        assert_eq!(at("2026-03-29 02:30"), "2026-03-29T01:30:00Z");
    }

    proptest! {
        #[test]
        fn reads_back_every_order(day in -25_567i64..84_000, seconds in 0i64..86_400) {
            let micros = day * Timestamp::DAY + seconds * Timestamp::SECOND;
            let civil = Timestamp(micros).to_jiff().to_zoned(TimeZone::UTC).datetime();
            let (y, m, d) = (civil.year(), civil.month(), civil.day());
            let time = format!("{:02}:{:02}:{:02}", civil.hour(), civil.minute(), civil.second());
            for (text, style) in [
                (format!("{y}-{m:02}-{d:02} {time}"), DateStyle::YearMonthDay),
                (format!("{d}.{m}.{y} {time}"), DateStyle::DayMonthYear),
                (format!("{m}/{d}/{y} {time}"), DateStyle::MonthDayYear),
                (format!("{y}{m:02}{d:02}T{time}"), DateStyle::Compact),
            ] {
                let moment = parse(&text, style);
                prop_assert_eq!(moment.map(Moment::local_micros), Some(micros), "{}", text);
                prop_assert_eq!(moment.map(|m| i64::from(m.day)), Some(i64::from(d)));
            }
        }

        #[test]
        fn never_panics(text in "[0-9a-zA-Z:/., TZ+\\-é]{0,24}") {
            for style in [DateStyle::YearMonthDay, DateStyle::DayMonthYear, DateStyle::MonthDayYear, DateStyle::Compact] {
                let _ = parse(&text, style);
            }
        }
    }
}
