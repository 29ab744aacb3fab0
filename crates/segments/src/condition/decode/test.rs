//! Decodes an operator with what it compares with.
//!
//! Always holds: an operator has exactly the operands it needs, of a type it can compare.

use super::{Object, array, given, instant, kind, length, pair, present, surely_after, text};
use crate::Error;
use crate::condition::limits::Budget;
use crate::condition::place::Place;
use crate::condition::{Given, Number, Operand, Test};
use crate::duration::Duration;
use crate::instant::Instant;

const OPERATORS: &str = "equals, not_equals, in, not_in, contains, not_contains, starts_with, ends_with, at_least, more_than, \
                         at_most, less_than, between, exists, not_exists, is_true, is_false, before, after, in_last, in_next";

/// What an operator is given.
struct Stated<'a> {
    fields: &'a Object,
    place: &'a Place<'a>,
}

pub(super) fn decode(fields: &Object, place: &Place<'_>, budget: &mut Budget) -> Result<Test, Error> {
    let op_place = place.field("op");
    let op = present(fields, "op").ok_or_else(|| place.refuse("the field `op` is missing"))?;
    let op = op.as_str().ok_or_else(|| op_place.refuse(format!("expected a text, found {}", kind(op))))?;
    let given = Stated { fields, place };
    Ok(match op {
        "exists" => given.nothing(op, Test::Exists)?,
        "not_exists" => given.nothing(op, Test::NotExists)?,
        "is_true" => given.nothing(op, Test::IsTrue)?,
        "is_false" => given.nothing(op, Test::IsFalse)?,
        "equals" => Test::Equals(given.operand(op, budget)?),
        "not_equals" => Test::NotEquals(given.operand(op, budget)?),
        "in" => Test::In(given.operands(op, budget)?),
        "not_in" => Test::NotIn(given.operands(op, budget)?),
        "contains" => Test::Contains(given.text(op, budget)?),
        "not_contains" => Test::NotContains(given.text(op, budget)?),
        "starts_with" => Test::StartsWith(given.text(op, budget)?),
        "ends_with" => Test::EndsWith(given.text(op, budget)?),
        "at_least" => Test::AtLeast(given.number(op, budget)?),
        "more_than" => Test::MoreThan(given.number(op, budget)?),
        "at_most" => Test::AtMost(given.number(op, budget)?),
        "less_than" => Test::LessThan(given.number(op, budget)?),
        "between" => given.between(op, budget)?,
        "before" => Test::Before(given.instant(op, budget)?),
        "after" => Test::After(given.instant(op, budget)?),
        "in_last" => Test::InLast(given.length(op, budget)?),
        "in_next" => Test::InNext(given.length(op, budget)?),
        _ => return Err(op_place.refuse(format!("unknown operator; expected one of {OPERATORS}"))),
    })
}

impl<'a> Stated<'a> {
    fn nothing(&self, op: &str, test: Test) -> Result<Test, Error> {
        self.without("value", op, "nothing to compare with")?;
        self.without("values", op, "nothing to compare with")?;
        Ok(test)
    }

    /// The field `value`, and no `values`.
    fn value(&self, op: &str, budget: &mut Budget) -> Result<&'a serde_json::Value, Error> {
        self.without("values", op, "one `value`")?;
        budget.take_values(1)?;
        present(self.fields, "value").ok_or_else(|| self.place.refuse(format!("`{op}` needs the field `value`")))
    }

    /// The field `values`, and no `value`.
    fn values(&self, op: &str) -> Result<&'a serde_json::Value, Error> {
        self.without("value", op, "a list in `values`")?;
        present(self.fields, "values").ok_or_else(|| self.place.refuse(format!("`{op}` needs the field `values`")))
    }

    fn without(&self, field: &str, op: &str, takes: &str) -> Result<(), Error> {
        match present(self.fields, field) {
            Some(_) => Err(self.place.field(field).refuse(format!("`{op}` takes {takes}, without `{field}`"))),
            None => Ok(()),
        }
    }

    fn operand(&self, op: &str, budget: &mut Budget) -> Result<Given<Operand>, Error> {
        given(self.value(op, budget)?, &self.place.field("value"), budget, operand)
    }

    fn operands(&self, op: &str, budget: &mut Budget) -> Result<Vec<Given<Operand>>, Error> {
        let place = self.place.field("values");
        let values = array(self.values(op)?, &place)?;
        if values.is_empty() {
            return Err(place.refuse("the list is empty; put at least one value into it"));
        }
        budget.take_values(values.len())?;
        values.iter().enumerate().map(|(index, value)| given(value, &place.index(index), budget, operand)).collect()
    }

    fn text(&self, op: &str, budget: &mut Budget) -> Result<Given<String>, Error> {
        given(self.value(op, budget)?, &self.place.field("value"), budget, |value, place, budget| {
            let text = text(value, place, budget)?;
            if text.is_empty() {
                return Err(place.refuse("the text is empty; every text contains it"));
            }
            Ok(text)
        })
    }

    fn number(&self, op: &str, budget: &mut Budget) -> Result<Given<Number>, Error> {
        given(self.value(op, budget)?, &self.place.field("value"), budget, |value, place, _| {
            Number::from_json(value).ok_or_else(|| {
                if value.as_str().is_some_and(|text| Instant::parse(text).is_some()) {
                    let problem = format!("`{op}` compares numbers; for times use `before`, `after` or `between`");
                    return place.refuse(problem);
                }
                place.refuse(NUMBER)
            })
        })
    }

    fn instant(&self, op: &str, budget: &mut Budget) -> Result<Given<Instant>, Error> {
        given(self.value(op, budget)?, &self.place.field("value"), budget, instant)
    }

    fn length(&self, op: &str, budget: &mut Budget) -> Result<Given<Duration>, Error> {
        given(self.value(op, budget)?, &self.place.field("value"), budget, length)
    }

    fn between(&self, op: &str, budget: &mut Budget) -> Result<Test, Error> {
        let place = self.place.field("values");
        budget.take_values(2)?;
        let [first, second] = pair(self.values(op)?, &place)?;
        let reversed = || place.refuse("the first is larger than the second");
        let number = |value: &serde_json::Value, _: &Place<'_>, _: &mut Budget| Ok(Number::from_json(value));
        let time =
            |value: &serde_json::Value, _: &Place<'_>, _: &mut Budget| Ok(value.as_str().and_then(Instant::parse));
        let numbers = (given(first, &place.index(0), budget, number)?, given(second, &place.index(1), budget, number)?);
        if let (Some(from), Some(to)) = (numbers.0.present(), numbers.1.present()) {
            return if *from > *to { Err(reversed()) } else { Ok(Test::Between(from, to)) };
        }
        let times = (given(first, &place.index(0), budget, time)?, given(second, &place.index(1), budget, time)?);
        let (Some(from), Some(to)) = (times.0.present(), times.1.present()) else {
            return Err(place.refuse(format!("expected two numbers, or two dates such as \"2026-03-01\"; {NUMBER}")));
        };
        if surely_after(*from, *to) { Err(reversed()) } else { Ok(Test::BetweenTimes(from, to)) }
    }
}

const NUMBER: &str = "a number is written like 20 or \"20.50\", with at most six decimals, below 9 * 10^12";

pub(super) fn operand(value: &serde_json::Value, place: &Place<'_>, budget: &mut Budget) -> Result<Operand, Error> {
    match value {
        serde_json::Value::Bool(boolean) => Ok(Operand::Boolean(*boolean)),
        serde_json::Value::Number(_) => {
            Number::from_json(value).map(Operand::Number).ok_or_else(|| place.refuse(NUMBER))
        }
        serde_json::Value::String(_) => Ok(Operand::Text(text(value, place, budget)?)),
        other => Err(place.refuse(format!("expected a text, a number or a boolean, found {}", kind(other)))),
    }
}
