//! From JSON to the tree.
//!
//! Always holds: every field is known, and every error names its place and what was expected there. The depth is checked before
//! a level is entered. It does not check whether tests fit where the condition stands: see [`Scope`](super::Scope).

use rapport_domain::shop_events::standard_name;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::given::{Given, Parameters, WITH, given, lift};
use super::limits::Budget;
use super::place::Place;
use super::{Condition, Events, Limits, Performed, Times, Which, Within};
use crate::Error;
use crate::duration::Duration;
use crate::instant::Instant;

mod person;
mod test;

type Object = Map<String, Value>;

impl Condition {
    /// Reads the JSON form, within the default [`Limits`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::parse_within(text, Limits::DEFAULT)
    }

    /// Reads the JSON form, within `limits`.
    pub fn parse_within(text: &str, limits: Limits) -> Result<Self, Error> {
        limits.check_nesting(text)?;
        let value = serde_json::from_str(text).map_err(|error| Error::NotJson(error.to_string()))?;
        Self::from_json(&value, limits)
    }

    /// Reads the JSON form when it is already a value, e.g. a part of a larger document.
    pub fn from_json(value: &Value, limits: Limits) -> Result<Self, Error> {
        let mut budget = Budget::new(limits);
        let Some(with) = value.as_object().and_then(|fields| fields.get(WITH)) else {
            return condition(value, &Place::ROOT, 1, &mut budget);
        };
        budget.parameters = Parameters::decode(with, &Place::ROOT.field(WITH))?;
        let rest = value.as_object().into_iter().flatten().filter(|(name, _)| *name != WITH);
        let rest = Value::Object(rest.map(|(name, value)| (name.clone(), value.clone())).collect());
        let decoded = condition(&rest, &Place::ROOT, 1, &mut budget)?;
        budget.parameters.finish()?;
        if let Err(name) = lift(&mut decoded.json(), &mut Map::new()) {
            let problem = "it stands for values of two kinds, such as a number and a text; make two parameters of it";
            return Err(Place::ROOT.field(WITH).field(&name).refuse(problem));
        }
        Ok(decoded)
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::from_json(&value, Limits::DEFAULT).map_err(serde::de::Error::custom)
    }
}

fn condition(value: &Value, place: &Place<'_>, depth: usize, budget: &mut Budget) -> Result<Condition, Error> {
    const EXPECTED: &str = "expected one of `all`, `any`, `not`, `property`, `fact`, `held`, `changed`, `performed`, `measured`, `sequence`, \
                            `overdue`, `streak`, `segment`, `bucket`";
    budget.take_node(depth)?;
    let object = object(value, place)?;
    let mut fields = object.iter();
    let (Some((name, value)), None) = (fields.next(), fields.next()) else {
        return Err(place.refuse(format!("a condition is an object with exactly one field; {EXPECTED}")));
    };
    let inside = place.field(name);
    match name.as_str() {
        "all" => Ok(Condition::All(conditions(value, &inside, depth, budget)?)),
        "any" => {
            let children = conditions(value, &inside, depth, budget)?;
            if children.is_empty() {
                return Err(inside.refuse("an empty `any` never holds; put at least one condition into it"));
            }
            Ok(Condition::Any(children))
        }
        "not" => Ok(Condition::Not(Box::new(condition(value, &inside, depth + 1, budget)?))),
        "property" => {
            let fields = fields_of(value, &inside, &["path", "op", "value", "values"])?;
            let path = name_in(fields, "path", &inside, budget)?;
            Ok(Condition::Property { path, test: test::decode(fields, &inside, budget)? })
        }
        "fact" => {
            let fields = fields_of(value, &inside, &["key", "op", "value", "values"])?;
            let key = name_in(fields, "key", &inside, budget)?;
            Ok(Condition::Fact { key, test: test::decode(fields, &inside, budget)? })
        }
        "performed" => Ok(Condition::Performed(performed(value, &inside, depth, budget)?)),
        "measured" => person::measured(value, &inside, depth, budget),
        "sequence" => person::sequence(value, &inside, depth, budget),
        "overdue" => person::overdue(value, &inside, depth, budget),
        "streak" => person::streak(value, &inside, depth, budget),
        "held" => person::held(value, &inside, budget),
        "changed" => person::changed(value, &inside, budget),
        "segment" => person::segment(value, &inside, budget),
        "bucket" => person::bucket(value, &inside, budget),
        other => Err(place.refuse(format!("unknown field `{}`; {EXPECTED}", shortened(other)))),
    }
}

fn conditions(value: &Value, place: &Place<'_>, depth: usize, budget: &mut Budget) -> Result<Vec<Condition>, Error> {
    let elements = array(value, place)?;
    let decode = |(index, element)| condition(element, &place.index(index), depth + 1, budget);
    elements.iter().enumerate().map(decode).collect()
}

fn performed(value: &Value, place: &Place<'_>, depth: usize, budget: &mut Budget) -> Result<Performed, Error> {
    let fields = fields_of(value, place, &["event", "where", "times", "within", "which", "having"])?;
    let Events { event, filter } = events(fields, place, depth, budget)?;
    let times = match present(fields, "times") {
        Some(value) => times(value, &place.field("times"), budget)?,
        None => Times::once(),
    };
    let which = match present(fields, "which").map(|which| (which.as_str(), which)) {
        None => Which::Every,
        Some((Some("first"), _)) => Which::First,
        Some((Some("last"), _)) => Which::Last,
        Some(_) => return Err(place.field("which").refuse("expected \"first\" or \"last\"")),
    };
    let having = filter_in(fields, "having", place, depth, budget)?;
    if which == Which::Every && having.is_some() {
        return Err(place
            .field("having")
            .refuse("`having` tests the first or last event; say which, or put it into `where`"));
    }
    if which != Which::Every && times != Times::once() {
        return Err(place.field("times").refuse("there is one first and one last event; leave `times` out"));
    }
    Ok(Performed { event, filter, times, within: within_in(fields, place, budget)?, which, having })
}

/// The fields `event` and `where`.
fn events(fields: &Object, place: &Place<'_>, depth: usize, budget: &mut Budget) -> Result<Events, Error> {
    let event = name_in(fields, "event", place, budget)?;
    let filter = filter_in(fields, "where", place, depth, budget)?;
    Ok(Events { event: standard_name(&event).to_owned(), filter })
}

fn filter_in(
    fields: &Object,
    name: &str,
    place: &Place<'_>,
    depth: usize,
    budget: &mut Budget,
) -> Result<Option<Box<Condition>>, Error> {
    let Some(filter) = present(fields, name) else { return Ok(None) };
    Ok(Some(Box::new(condition(filter, &place.field(name), depth + 1, budget)?)))
}

/// The field `within`.
fn within_in(fields: &Object, place: &Place<'_>, budget: &mut Budget) -> Result<Within, Error> {
    present(fields, "within").map_or(Ok(Within::Ever), |value| within(value, &place.field("within"), budget))
}

/// A length of time in a field.
fn length_in(
    fields: &Object,
    name: &str,
    place: &Place<'_>,
    budget: &mut Budget,
) -> Result<Option<Given<Duration>>, Error> {
    let Some(value) = present(fields, name) else { return Ok(None) };
    given(value, &place.field(name), budget, length).map(Some)
}

fn length(value: &Value, place: &Place<'_>, _: &mut Budget) -> Result<Duration, Error> {
    let text = value.as_str().ok_or_else(|| place.refuse("expected a text such as \"90d\""))?;
    Duration::parse(text).map_err(|error| place.refuse(error.to_string()))
}

fn times(value: &Value, place: &Place<'_>, budget: &mut Budget) -> Result<Times, Error> {
    const EXPECTED: &str = "expected exactly one of `at_least`, `exactly`, `at_most`, `between`";
    let fields = fields_of(value, place, &["at_least", "exactly", "at_most", "between"])?;
    let mut entries = fields.iter();
    let (Some((name, value)), None) = (entries.next(), entries.next()) else { return Err(place.refuse(EXPECTED)) };
    let inside = place.field(name);
    Ok(match name.as_str() {
        "at_least" => {
            let least = given(value, &inside, budget, count)?;
            if *least == 0 {
                return Err(inside.refuse("at least 0 always holds; expected 1 or more"));
            }
            Times::AtLeast(least)
        }
        "exactly" => Times::Exactly(given(value, &inside, budget, count)?),
        "at_most" => Times::AtMost(given(value, &inside, budget, count)?),
        _ => {
            let [least, most] = pair(value, &inside)?;
            let least = given(least, &inside.index(0), budget, count)?;
            let most = given(most, &inside.index(1), budget, count)?;
            if least > most {
                return Err(inside.refuse("the first number is larger than the second"));
            }
            Times::Between(least, most)
        }
    })
}

fn count(value: &Value, place: &Place<'_>, _: &mut Budget) -> Result<u32, Error> {
    let count = value.as_u64().and_then(|count| u32::try_from(count).ok());
    count.ok_or_else(|| place.refuse(format!("expected a whole number from 0 to {}", u32::MAX)))
}

fn within(value: &Value, place: &Place<'_>, budget: &mut Budget) -> Result<Within, Error> {
    let fields = fields_of(value, place, &["last", "first", "from", "to"])?;
    let (last, from, to) = (present(fields, "last"), present(fields, "from"), present(fields, "to"));
    if let Some(first) = length_in(fields, "first", place, budget)? {
        return match (last, from, to) {
            (None, None, None) => Ok(Within::First(first)),
            _ => Err(place.refuse("`first` stands alone")),
        };
    }
    match (last, from, to) {
        (Some(_), None, None) => Ok(length_in(fields, "last", place, budget)?.map_or(Within::Ever, Within::Last)),
        (None, None, None) => Err(place.refuse("expected `last`, `first`, or `from` and `to`")),
        (None, from, to) => {
            let from = from.map(|value| given(value, &place.field("from"), budget, instant)).transpose()?;
            let to = to.map(|value| given(value, &place.field("to"), budget, instant)).transpose()?;
            if from.zip(to).is_some_and(|(from, to)| surely_after(*from, *to)) {
                return Err(place.refuse("`from` is later than `to`"));
            }
            Ok(Within::Dates { from, to })
        }
        _ => Err(place.refuse("`last` stands alone: expected either `last`, or `from` and `to`")),
    }
}

/// Whether `first` is after `second` where both are dates or both are instants; what else depends on the zone.
fn surely_after(first: Instant, second: Instant) -> bool {
    match (first, second) {
        (Instant::Date(first), Instant::Date(second)) => first > second,
        (Instant::At(first), Instant::At(second)) => first > second,
        _ => false,
    }
}

fn instant(value: &Value, place: &Place<'_>, _: &mut Budget) -> Result<Instant, Error> {
    value.as_str().and_then(Instant::parse).ok_or_else(|| {
        place
            .refuse("expected a date such as \"2026-03-01\" or a time with its offset such as \"2026-03-01T10:00:00Z\"")
    })
}

/// The object at `value`, when all its fields are among `known`.
fn fields_of<'v>(value: &'v Value, place: &Place<'_>, known: &[&str]) -> Result<&'v Object, Error> {
    let object = object(value, place)?;
    match object.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => {
            let expected: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
            let problem = format!("unknown field `{}`; expected {}", shortened(name), expected.join(", "));
            Err(place.refuse(problem))
        }
        None => Ok(object),
    }
}

fn object<'v>(value: &'v Value, place: &Place<'_>) -> Result<&'v Object, Error> {
    value.as_object().ok_or_else(|| place.refuse(format!("expected an object, found {}", kind(value))))
}

fn array<'v>(value: &'v Value, place: &Place<'_>) -> Result<&'v [Value], Error> {
    let array = value.as_array().ok_or_else(|| place.refuse(format!("expected a list, found {}", kind(value))))?;
    Ok(array)
}

fn pair<'v>(value: &'v Value, place: &Place<'_>) -> Result<[&'v Value; 2], Error> {
    match array(value, place)? {
        [first, second] => Ok([first, second]),
        _ => Err(place.refuse("expected a list of two")),
    }
}

/// A field that is there and not null.
fn present<'v>(fields: &'v Object, name: &str) -> Option<&'v Value> {
    fields.get(name).filter(|value| !value.is_null())
}

/// A required name: a text, not blank, not too long.
fn name_in(fields: &Object, name: &str, place: &Place<'_>, budget: &Budget) -> Result<String, Error> {
    let value = present(fields, name).ok_or_else(|| place.refuse(format!("the field `{name}` is missing")))?;
    let text = text(value, &place.field(name), budget)?;
    if text.trim().is_empty() {
        return Err(place.field(name).refuse("expected a text that is not blank"));
    }
    Ok(text)
}

fn text(value: &Value, place: &Place<'_>, budget: &Budget) -> Result<String, Error> {
    let text = value.as_str().ok_or_else(|| place.refuse(format!("expected a text, found {}", kind(value))))?;
    if text.chars().nth(budget.characters()).is_some() {
        return Err(place.refuse(format!("the text is longer than {} characters", budget.characters())));
    }
    if text.contains('\0') {
        return Err(place.refuse("the text contains a NUL character, which no value can"));
    }
    Ok(text.to_owned())
}

/// What a JSON value is, in words.
const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The beginning of a name for an error text, so that a hostile one cannot fill a log.
fn shortened(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(40).collect()
}
