//! Tests and filters of events as expressions.
//!
//! Always holds: an expression is true exactly where the condition holds; elsewhere it is false or null.

use datafusion::logical_expr::{Expr, lit};
use rapport_domain::{Calendar, Timestamp};

use super::columns::EventColumns;
use super::functions::{How, occurred, text_matches, time, time_of_text};
use crate::condition::{Condition, Given, Number, Operand, Scope, Test};
use crate::error::Error;
use crate::instant::Moment;
use crate::occurred::Occurred;
use crate::value::{Reading, number_reading};

/// The filter that a condition on events is, over a table with `columns`; dates are read in `calendar`. Refuses a
/// condition that tests more than the event.
pub fn event_filter(condition: &Condition, columns: &dyn EventColumns, calendar: &Calendar) -> Result<Expr, Error> {
    condition.validate(Scope::Event)?;
    Ok(combine(condition, &mut |leaf| match leaf {
        Condition::Property { path, test } => {
            // Tests near the present are of facts only.
            let moment = Moment { now: Timestamp(0), calendar };
            if let Some(part) = Occurred::of_path(path) {
                return passes(
                    test,
                    &|reading| occurred(part, columns.occurred_at(), reading, calendar),
                    Reading::Number,
                    moment,
                );
            }
            passes(test, &|reading| columns.property(path, reading), number_reading(path), moment)
        }
        _ => lit(false),
    }))
}

/// The expression of a tree whose leaves are compiled by `leaf`.
pub(super) fn combine(condition: &Condition, leaf: &mut dyn FnMut(&Condition) -> Expr) -> Expr {
    match condition {
        Condition::All(children) => {
            let children = children.iter().map(|child| combine(child, leaf)).collect();
            balanced(children, Expr::and).unwrap_or_else(|| lit(true))
        }
        Condition::Any(children) => {
            let children = children.iter().map(|child| combine(child, leaf)).collect();
            balanced(children, Expr::or).unwrap_or_else(|| lit(false))
        }
        Condition::Not(child) => combine(child, leaf).is_not_true(),
        _ => leaf(condition),
    }
}

/// Joins expressions into a tree of the least depth, in their order; `None` when there are none.
pub(super) fn balanced(mut expressions: Vec<Expr>, join: fn(Expr, Expr) -> Expr) -> Option<Expr> {
    while expressions.len() > 1 {
        let mut rest = expressions.into_iter();
        let mut joined = Vec::with_capacity(rest.len().div_ceil(2));
        while let Some(left) = rest.next() {
            joined.push(match rest.next() {
                Some(right) => join(left, right),
                None => left,
            });
        }
        expressions = joined;
    }
    expressions.pop()
}

/// Whether a value passes a test; `read` gives its readings, numbers are compared as `numbers`.
pub(super) fn passes(test: &Test, read: &dyn Fn(Reading) -> Expr, numbers: Reading, moment: Moment<'_>) -> Expr {
    let calendar = moment.calendar;
    let number = || read(numbers);
    let instant = || time_of_text(read(Reading::Text));
    let search = |how, part: &str| text_matches(read(Reading::Text), how, part);
    let bound = |bound: &Number| literal(*bound, numbers);
    match test {
        Test::Exists => read(Reading::Text).is_not_null(),
        Test::NotExists => read(Reading::Text).is_null(),
        Test::IsTrue => read(Reading::Boolean).is_true(),
        Test::IsFalse => read(Reading::Boolean).is_false(),
        Test::Equals(operand) => one_of(std::slice::from_ref(operand), read, numbers),
        Test::NotEquals(operand) => one_of(std::slice::from_ref(operand), read, numbers).is_not_true(),
        Test::In(operands) => one_of(operands, read, numbers),
        Test::NotIn(operands) => one_of(operands, read, numbers).is_not_true(),
        Test::Contains(part) => search(How::Contains, part),
        Test::NotContains(part) => search(How::Contains, part).is_not_true(),
        Test::StartsWith(part) => search(How::StartsWith, part),
        Test::EndsWith(part) => search(How::EndsWith, part),
        Test::AtLeast(least) => number().gt_eq(bound(least)),
        Test::MoreThan(limit) => number().gt(bound(limit)),
        Test::AtMost(most) => number().lt_eq(bound(most)),
        Test::LessThan(limit) => number().lt(bound(limit)),
        Test::Between(from, to) => number().between(bound(from), bound(to)),
        Test::BetweenTimes(from, to) => {
            instant().gt_eq(time(from.start(calendar))).and(instant().lt(time(to.end(calendar))))
        }
        Test::Before(limit) => instant().lt(time(limit.start(calendar))),
        Test::After(limit) => instant().gt_eq(time(limit.end(calendar))),
        Test::InLast(length) => {
            let from = moment.now.plus(1 - length.micros());
            instant().gt_eq(time(from)).and(instant().lt_eq(time(moment.now)))
        }
        Test::InNext(length) => {
            instant().gt(time(moment.now)).and(instant().lt_eq(time(moment.now.plus(length.micros()))))
        }
    }
}

/// Whether a value is one of the operands, each read in its own type.
fn one_of(operands: &[Given<Operand>], read: &dyn Fn(Reading) -> Expr, numbers: Reading) -> Expr {
    let (mut texts, mut values, mut booleans) = (Vec::new(), Vec::new(), Vec::new());
    for operand in operands {
        match &**operand {
            Operand::Text(text) => texts.push(lit(text.as_str())),
            Operand::Number(number) => {
                values.push(literal(*number, numbers));
                // The engine's comparisons take -0.0 for 0.0; its lists compare bits.
                if numbers == Reading::Number && number.micros() == 0 {
                    values.push(lit(-0.0));
                }
            }
            Operand::Boolean(boolean) => booleans.push(lit(*boolean)),
        }
    }
    let lists = [(Reading::Text, texts), (numbers, values), (Reading::Boolean, booleans)];
    let lists = lists.into_iter().filter(|(_, list)| !list.is_empty());
    let tests = lists.map(|(reading, mut list)| match list.len() {
        1 => read(reading).eq(list.swap_remove(0)),
        _ => read(reading).in_list(list, false),
    });
    tests.reduce(Expr::or).unwrap_or_else(|| lit(false))
}

/// A number as a literal of its reading.
fn literal(number: Number, numbers: Reading) -> Expr {
    match numbers {
        Reading::Amount => lit(number.micros()),
        _ => lit(number.as_f64()),
    }
}
