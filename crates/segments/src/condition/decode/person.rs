//! Decodes the tests of a person beyond facts and counts.
//!
//! Always holds: what is decoded can be evaluated: windows have lengths, lists have elements, numbers are in their ranges.

use rapport_domain::Interval;
use serde_json::Value;

use super::{Object, count, events, fields_of, given, kind, length_in, name_in, present, test, within_in};
use crate::Error;
use crate::condition::limits::Budget;
use crate::condition::place::Place;
use crate::condition::{
    Bucket, Changed, Condition, Events, Measure, Measured, Number, Overdue, Sequence, Streak, Test,
};

pub(super) fn measured(
    value: &Value,
    place: &Place<'_>,
    depth: usize,
    budget: &mut Budget,
) -> Result<Condition, Error> {
    let known = ["measure", "path", "event", "where", "within", "op", "value", "values"];
    let fields = fields_of(value, place, &known)?;
    let word = present(fields, "measure").and_then(Value::as_str);
    let measure = Measure::ALL.into_iter().find(|measure| Some(measure.word()) == word).ok_or_else(|| {
        place.field("measure").refuse("expected one of sum, average, smallest, largest, distinct, days")
    })?;
    let path = match (measure.has_path(), present(fields, "path")) {
        (true, _) => name_in(fields, "path", place, budget)?,
        (false, None) => String::new(),
        (false, Some(_)) => return Err(place.field("path").refuse("days are not of a property; leave `path` out")),
    };
    let of = events(fields, place, depth, budget)?;
    let test = test::decode(fields, place, budget)?;
    if !is_of_numbers(&test) {
        let problem =
            "a figure is compared by at_least, more_than, at_most, less_than, between or equals, with numbers";
        return Err(place.field("op").refuse(problem));
    }
    Ok(Condition::Measured(Measured { measure, path, of, within: within_in(fields, place, budget)?, test }))
}

fn is_of_numbers(test: &Test) -> bool {
    match test {
        Test::AtLeast(_) | Test::MoreThan(_) | Test::AtMost(_) | Test::LessThan(_) | Test::Between(..) => true,
        Test::Equals(operand) => operand.number().is_some(),
        _ => false,
    }
}

pub(super) fn sequence(
    value: &Value,
    place: &Place<'_>,
    depth: usize,
    budget: &mut Budget,
) -> Result<Condition, Error> {
    let fields = fields_of(value, place, &["steps", "spanning", "same", "without", "within"])?;
    let inside = place.field("steps");
    let listed =
        present(fields, "steps").and_then(Value::as_array).ok_or_else(|| inside.refuse("expected a list of steps"))?;
    if listed.is_empty() || listed.len() > Sequence::MOST_STEPS {
        return Err(inside.refuse(format!("expected 1 to {} steps", Sequence::MOST_STEPS)));
    }
    let mut steps = Vec::with_capacity(listed.len());
    for (index, step) in listed.iter().enumerate() {
        let place = inside.index(index);
        budget.take_node(depth + 1)?;
        steps.push(events(fields_of(step, &place, &["event", "where"])?, &place, depth, budget)?);
    }
    let spanning = length_in(fields, "spanning", place, budget)?;
    if (steps.len() > 1) != spanning.is_some() {
        let problem = "several steps need the time they span, e.g. \"7d\"; one step has none";
        return Err(place.field("spanning").refuse(problem));
    }
    let same = present(fields, "same").map(|_| name_in(fields, "same", place, budget)).transpose()?;
    let without = match present(fields, "without") {
        None => None,
        Some(value) => {
            let place = place.field("without");
            let fields = fields_of(value, &place, &["event", "where", "within"])?;
            budget.take_node(depth + 1)?;
            let length = length_in(fields, "within", &place, budget)?;
            let length =
                length.ok_or_else(|| place.refuse("expected `within`, e.g. \"1h\": how long it must not follow"))?;
            Some((events(fields, &place, depth, budget)?, length))
        }
    };
    if steps.len() == 1 && without.is_none() {
        return Err(inside.refuse("one step alone is `performed`; add a step, or `without`"));
    }
    Ok(Condition::Sequence(Sequence { steps, spanning, same, without, within: within_in(fields, place, budget)? }))
}

pub(super) fn overdue(value: &Value, place: &Place<'_>, depth: usize, budget: &mut Budget) -> Result<Condition, Error> {
    let fields = fields_of(value, place, &["event", "where", "factor", "gaps"])?;
    let of = events(fields, place, depth, budget)?;
    let factor = |value: &Value, place: &Place<'_>, _: &mut Budget| {
        let factor = Number::from_json(value).filter(|factor| (1..=1_000_000_000).contains(&factor.micros()));
        factor.ok_or_else(|| place.refuse("expected a number above 0 and up to 1000"))
    };
    let factor = given(present(fields, "factor").unwrap_or(&Value::Null), &place.field("factor"), budget, factor)?;
    let gaps = match present(fields, "gaps") {
        None => 3.into(),
        Some(value) => given(value, &place.field("gaps"), budget, count)?,
    };
    if *gaps == 0 || *gaps as usize > Overdue::REMEMBERED {
        return Err(place.field("gaps").refuse(format!("expected a number from 1 to {}", Overdue::REMEMBERED)));
    }
    Ok(Condition::Overdue(Overdue { of, factor, gaps }))
}

pub(super) fn streak(value: &Value, place: &Place<'_>, depth: usize, budget: &mut Budget) -> Result<Condition, Error> {
    let fields = fields_of(value, place, &["event", "where", "interval", "at_least"])?;
    let of: Events = events(fields, place, depth, budget)?;
    let interval = match present(fields, "interval").and_then(Value::as_str) {
        Some("day") => Interval::Day,
        Some("week") => Interval::Week,
        Some("month") => Interval::Month,
        _ => return Err(place.field("interval").refuse("expected \"day\", \"week\" or \"month\"")),
    };
    let inside = place.field("at_least");
    let least = present(fields, "at_least").ok_or_else(|| inside.refuse("expected how many in a row"))?;
    let least = given(least, &inside, budget, count)?;
    if *least == 0 {
        return Err(inside.refuse("expected 1 or more"));
    }
    Ok(Condition::Streak(Streak { of, interval, least }))
}

pub(super) fn held(value: &Value, place: &Place<'_>, budget: &mut Budget) -> Result<Condition, Error> {
    let fields = fields_of(value, place, &["key", "op", "value", "values", "for"])?;
    let key = name_in(fields, "key", place, budget)?;
    let test = test::decode(fields, place, budget)?;
    if matches!(test, Test::InLast(_) | Test::InNext(_)) {
        return Err(place.field("op").refuse("a time near the present does not stay so; leave `for` out"));
    }
    let length = length_in(fields, "for", place, budget)?;
    let length =
        length.ok_or_else(|| place.refuse("the field `for` is missing: how long it has been so, e.g. \"30d\""))?;
    Ok(Condition::Held { key, test, length })
}

pub(super) fn changed(value: &Value, place: &Place<'_>, budget: &mut Budget) -> Result<Condition, Error> {
    let fields = fields_of(value, place, &["key", "from", "to", "within"])?;
    let key = name_in(fields, "key", place, budget)?;
    let operand = |name: &str, budget: &mut Budget| -> Result<_, Error> {
        let Some(value) = present(fields, name) else { return Ok(None) };
        budget.take_values(1)?;
        given(value, &place.field(name), budget, test::operand).map(Some)
    };
    let (from, to) = (operand("from", budget)?, operand("to", budget)?);
    Ok(Condition::Changed(Changed { key, from, to, within: within_in(fields, place, budget)? }))
}

pub(super) fn segment(value: &Value, place: &Place<'_>, budget: &mut Budget) -> Result<Condition, Error> {
    let fields = fields_of(value, place, &["key", "for"])?;
    let key = name_in(fields, "key", place, budget)?;
    Ok(Condition::Segment { key, length: length_in(fields, "for", place, budget)? })
}

pub(super) fn bucket(value: &Value, place: &Place<'_>, budget: &mut Budget) -> Result<Condition, Error> {
    let fields = fields_of(value, place, &["salt", "from", "to"])?;
    let salt = name_in(fields, "salt", place, budget)?;
    let (from, to) = (per_cent(fields, "from", place)?, per_cent(fields, "to", place)?);
    if from >= to {
        return Err(place.refuse("`from` is below `to`; the whole is from 0 to 100"));
    }
    Ok(Condition::Bucket(Bucket { salt, from, to }))
}

/// Hundredths of a per cent.
fn per_cent(fields: &Object, name: &str, place: &Place<'_>) -> Result<u32, Error> {
    let wrong = || place.field(name).refuse("expected per cent from 0 to 100, with at most two decimals");
    let value = present(fields, name).ok_or_else(|| place.refuse(format!("the field `{name}` is missing")))?;
    if !value.is_number() {
        return Err(place.field(name).refuse(format!("expected a number, found {}", kind(value))));
    }
    let micros = Number::from_json(value).ok_or_else(wrong)?.micros();
    if micros % 10_000 != 0 {
        return Err(wrong());
    }
    u32::try_from(micros / 10_000).ok().filter(|hundredths| *hundredths <= 10_000).ok_or_else(wrong)
}
