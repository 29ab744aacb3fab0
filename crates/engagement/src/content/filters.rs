//! The filters of the template language ([`super`] lists what they give); there are no others.
//!
//! Always holds: a filter on a missing value is an error (but for `default`); amounts never pass through floating point.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use minijinja::value::{Object, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, filters};
use rapport_domain::money::parse_micros;
use rapport_domain::{Currency, Timestamp};

use super::locale::{DateStyle, Locale};

/// Their names.
pub(crate) const NAMES: &[&str] = &[
    "default", "upper", "lower", "title", "truncate", "number", "money", "date", "round", "join", "first", "last",
    "length", "limit", "plural",
];

/// The longest list that a filter takes.
const MOST_ITEMS: usize = 10_000;
/// Where the scope keeps whom it writes to. No template can name it, because a name has no space.
pub(crate) const READER: &str = "the reader";

/// How the reader writes numbers and where the reader's days begin.
#[derive(Debug)]
pub(crate) struct Reader {
    pub locale: Locale,
    pub zone: TimeZone,
}

impl Object for Reader {}

/// Registers all of them.
pub(crate) fn add_to(environment: &mut Environment<'static>) {
    environment.add_filter("default", default);
    environment.add_filter("upper", filters::upper);
    environment.add_filter("lower", filters::lower);
    environment.add_filter("title", filters::title);
    environment.add_filter("truncate", truncate);
    environment.add_filter("number", number);
    environment.add_filter("money", money);
    environment.add_filter("date", date);
    environment.add_filter("round", round);
    environment.add_filter("join", join);
    environment.add_filter("first", |value: Value| list(&value).and_then(|()| filters::first(&value)));
    environment.add_filter("last", |value: Value| list(&value).and_then(|()| filters::last(value)));
    environment.add_filter("length", |value: Value| list(&value).and_then(|()| filters::length(&value)));
    environment.add_filter("limit", limit);
    environment.add_filter("plural", plural);
    environment.add_test("defined", |value: Value| !value.is_undefined());
    environment.add_test("undefined", |value: Value| value.is_undefined());
}

fn defined(value: &Value) -> Result<(), Error> {
    if value.is_undefined() { Err(Error::from(ErrorKind::UndefinedError)) } else { Ok(()) }
}

/// A list that a filter may walk through. Filters of our own are not charged by the item, and a repeated list costs nothing to make.
fn list(value: &Value) -> Result<(), Error> {
    defined(value)?;
    let is_long = value.as_str().is_none() && value.len().is_none_or(|length| length > MOST_ITEMS);
    if is_long { Err(unfit("not a list, or too long a one")) } else { Ok(()) }
}

fn unfit(what: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, what)
}

fn default(value: Value, fallback: Value) -> Value {
    let is_blank = value.as_str().is_some_and(|text| text.trim().is_empty());
    if value.is_undefined() || value.is_none() || is_blank { fallback } else { value }
}

fn truncate(text: String, letters: usize) -> String {
    match text.char_indices().nth(letters) {
        None => text,
        Some(_) => text.chars().take(letters.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// Plainly joined: minijinja's own filter would leave marks of safe strings, which have no meaning here.
fn join(items: Value, between: Option<String>) -> Result<String, Error> {
    list(&items)?;
    let parts = items.try_iter()?.map(|item| text(&item));
    Ok(parts.collect::<Result<Vec<_>, _>>()?.join(&between.unwrap_or_default()))
}

fn limit(items: Value, most: usize) -> Result<Value, Error> {
    defined(&items)?;
    Ok(items.try_iter()?.take(most.min(MOST_ITEMS)).collect())
}

/// Runs with the reader; the neutral one where an expression is evaluated without a message.
fn with_reader<T>(state: &State, write: impl FnOnce(&Locale, &TimeZone) -> T) -> T {
    match state.lookup(READER).as_ref().and_then(|value| value.downcast_object_ref::<Reader>()) {
        Some(reader) => write(&reader.locale, &reader.zone),
        None => write(&Locale::default(), &TimeZone::UTC),
    }
}

/// A text or number as text; anything else could be of any size.
fn text(value: &Value) -> Result<String, Error> {
    defined(value)?;
    match value.kind() {
        ValueKind::String | ValueKind::Number | ValueKind::Bool => Ok(value.to_string()),
        _ => Err(unfit("not a text or number")),
    }
}

fn micros(value: &Value) -> Result<i64, Error> {
    parse_micros(&text(value)?).map_err(|_| unfit("not a decimal number, or too large"))
}

fn number(state: &State, value: Value, decimals: Option<u32>) -> Result<String, Error> {
    let micros = micros(&value)?;
    Ok(with_reader(state, |locale, _| locale.number(micros, decimals)))
}

/// A plain decimal again, so that it can still be compared and passed on.
fn round(value: Value, decimals: Option<u32>) -> Result<Value, Error> {
    let text = Locale::default().number(micros(&value)?, Some(decimals.unwrap_or(0)));
    Ok(match text.parse::<i64>() {
        Ok(whole) => Value::from(whole),
        Err(_) => text.parse::<f64>().map_or_else(|_| Value::from(text), Value::from),
    })
}

fn money(state: &State, value: Value, currency: String) -> Result<String, Error> {
    let micros = micros(&value)?;
    let currency = Currency::parse(&currency).ok_or_else(|| unfit("not a currency of three letters"))?;
    Ok(with_reader(state, |locale, _| locale.money(micros, currency)))
}

fn date(state: &State, value: Value, style: Option<String>) -> Result<String, Error> {
    defined(&value)?;
    let style = DateStyle::parse(style.as_deref().unwrap_or("medium"))
        .ok_or_else(|| unfit("a date is written short, medium or long"))?;
    with_reader(state, |locale, zone| day(&value, zone).map(|day| locale.date(day, style)))
        .ok_or_else(|| unfit("not a date such as 2026-01-31 or 2026-01-31T10:00:00Z"))
}

fn day(value: &Value, zone: &TimeZone) -> Option<Date> {
    let instant = match value.as_str() {
        Some(text) if text.trim().len() == "2026-01-31".len() => return text.trim().parse().ok(),
        Some(text) => Timestamp::parse(text)?.to_jiff(),
        None => jiff::Timestamp::from_microsecond(value.as_i64()?).ok()?,
    };
    Some(zone.to_datetime(instant).date())
}

fn plural(state: &State, count: Value, one: String, other: String) -> Result<String, Error> {
    let micros = micros(&count)?;
    Ok(with_reader(state, |locale, _| if locale.is_singular(micros) { one } else { other }))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::super::expression::Expression;
    use super::super::language::Language;
    use super::super::limits::Limits;
    use super::super::message::Recipient;
    use super::super::scope;
    use super::*;
    use crate::Error;

    fn text(language: &str, source: &str) -> Result<Arc<str>, Error> {
        let language = Language::parse(language).unwrap();
        let reader = Reader { locale: Locale::of(&language), zone: TimeZone::fixed(jiff::tz::offset(8)) };
        let data = json!({"name": "ann o'neill", "one": 1, "price": "1234.5", "l": ["a", "b", "c"], "day": "2026-01-31",
            "at": "2026-01-31T20:00:00Z", "micros": 1_769_889_600_000_000_i64, "blank": " ", "none": null, "deep": [[1]]});
        let scope = scope::of_message(&data, reader, &Recipient::new(&language, TimeZone::UTC));
        Expression::compile(&"f".into(), source, 0, source.len(), &Limits::default())?.text(&scope)
    }

    #[test]
    fn each_filter() {
        for (language, source, expected) in [
            ("en", "name|title", "Ann O'neill"),
            ("en", "name|upper|lower|truncate(5)", "ann …"),
            ("en", "name|truncate(11)", "ann o'neill"),
            ("de", "price|number", "1.234,5"),
            ("de", "price|number(2)", "1.234,50"),
            ("de", "price|money('eur')", "1.234,50\u{a0}€"),
            ("en", "price|round", "1235"),
            ("en", "price|round(1)", "1234.5"),
            ("en", "(price|round) + 1", "1236"),
            ("en", "day|date", "Jan 31, 2026"),
            ("en", "at|date('long')", "February 1, 2026"),
            ("zh", "micros|date('short')", "2026/2/1"),
            ("en", "one|plural('point', 'points')", "point"),
            ("en", "2|plural('point', 'points')", "points"),
            ("zh", "2|plural('积分', 'x')", "积分"),
            ("en", "l|join(', ')", "a, b, c"),
            ("en", "l|join", "abc"),
            ("en", "l|first ~ l|last ~ l|length", "ac3"),
            ("en", "l|limit(2)|join('+')", "a+b"),
            ("en", "l[:1]|join", "a"),
            ("en", "blank|default('x') ~ none|default('y')", "xy"),
        ] {
            assert_eq!(text(language, source).as_deref().ok(), Some(expected), "{source}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for source in [
            "name|number",
            "name|date",
            "day|date('full')",
            "price|money('euro')",
            "price|money",
            "name|money('EUR')",
            "1e30|number",
            "deep|join",
            "l|number",
            "'2026-02-30'|date",
            "one|limit(1)",
        ] {
            assert_eq!(text("en", source).unwrap_err().code(), "template_value_unfit", "{source}");
        }
    }
}
