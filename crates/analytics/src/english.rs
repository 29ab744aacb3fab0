//! Numbers and lists as the sentences of answers say them.

use rapport_domain::{Calendar, Currency, Interval, Timestamp};

use crate::answer::Cell;

/// `12345` as `12,345`.
pub(crate) fn number(value: u64) -> String {
    grouped(&value.to_string())
}

fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// "1 person", "2 people".
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

/// "12.3%".
pub(crate) fn percent(ratio: f64) -> String {
    format!("{:.1}%", ratio * 100.0)
}

/// "1,234.50 EUR": rounded to cents, for reading.
pub(crate) fn amount(micros: i64, currency: Currency) -> String {
    let cents = (micros.unsigned_abs() + 5_000) / 10_000;
    let sign = if micros < 0 && cents > 0 { "-" } else { "" };
    format!("{sign}{}.{:02} {currency}", number(cents / 100), cents % 100)
}

/// A value in a sentence.
pub(crate) fn value(cell: &Cell, currency: Currency) -> String {
    match cell {
        Cell::Nothing => "nothing".to_owned(),
        Cell::Text(text) => text.clone(),
        Cell::Integer(count) if *count >= 0 => number(count.unsigned_abs()),
        Cell::Integer(count) => count.to_string(),
        Cell::Number(number) => {
            let text = format!("{number:.2}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        Cell::Money(micros) => amount(*micros, currency),
        Cell::Time(time) => time.to_rfc3339(),
    }
}

/// "12.0% more than", "3.1% less than", "as much as".
pub(crate) fn compared(now: f64, before: f64) -> Option<String> {
    if before <= 0.0 {
        return None;
    }
    let change = now / before - 1.0;
    Some(match change {
        _ if change.abs() < 0.000_5 => "as much as".to_owned(),
        _ if change > 0.0 => format!("{} more than", percent(change)),
        _ => format!("{} less than", percent(-change)),
    })
}

/// The word for an interval.
pub(crate) const fn interval(interval: Interval) -> &'static str {
    match interval {
        Interval::Hour => "hour",
        Interval::Day => "day",
        Interval::Week => "week",
        Interval::Month => "month",
        Interval::Quarter => "quarter",
        Interval::Year => "year",
    }
}

/// What an interval that begins at `start` is called: "November 2026", "the week of 2026-11-16".
pub(crate) fn interval_name(start: Timestamp, of: Interval, calendar: &Calendar) -> String {
    let date = calendar.date(start);
    match of {
        Interval::Hour => {
            format!("the hour from {}", start.to_jiff().to_zoned(calendar.zone.clone()).strftime("%Y-%m-%d %H:%M"))
        }
        Interval::Day => date.to_string(),
        Interval::Week => format!("the week of {date}"),
        Interval::Month => date.strftime("%B %Y").to_string(),
        Interval::Quarter => format!("quarter {} of {}", (date.month() + 2) / 3, date.year()),
        Interval::Year => date.year().to_string(),
    }
}

/// The sentence with its first letter in upper case.
pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([number(0), number(999), number(1_000), number(1_234_567)], ["0", "999", "1,000", "1,234,567"]);
        let eur = Currency::parse("EUR").unwrap();
        assert_eq!(amount(1_234_567_895_000, eur), "1,234,567.90 EUR");
        assert_eq!([amount(-4_000, eur), amount(-1_500_000, eur)], ["0.00 EUR", "-1.50 EUR"]);
        assert_eq!(compared(1.2, 1.0).unwrap(), "20.0% more than");
        assert_eq!(compared(1.0, 0.0), None);
        let at = |text| Timestamp::parse(text).unwrap();
        let utc = Calendar::default();
        assert_eq!(interval_name(at("2026-11-01"), Interval::Month, &utc), "November 2026");
        assert_eq!(interval_name(at("2026-10-01"), Interval::Quarter, &utc), "quarter 4 of 2026");
        assert_eq!(interval_name(at("2026-10-01T05:00:00Z"), Interval::Hour, &utc), "the hour from 2026-10-01 05:00");
    }
}
