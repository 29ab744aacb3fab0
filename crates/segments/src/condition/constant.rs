//! What can be said of a condition before anybody is looked at: that it holds for everybody, or for nobody, whatever happens.
//!
//! Always holds: what is said is true; it does not find every such condition.

use super::{Condition, Operand, Performed, Test, Times, Within};

impl Condition {
    /// `Some(true)` when it holds for everybody, `Some(false)` when it can hold for nobody, `None` when that depends on people.
    pub fn constant(&self) -> Option<bool> {
        match self {
            Self::All(children) => together(children, true),
            Self::Any(children) => together(children, false),
            Self::Not(child) => child.constant().map(|holds| !holds),
            Self::Bucket(bucket) if bucket.from >= bucket.to => Some(false),
            Self::Bucket(bucket) if bucket.from == 0 && bucket.to >= 10_000 => Some(true),
            Self::Fact { test, .. } | Self::Property { test, .. } | Self::Held { test, .. } => of_test(test),
            Self::Performed(performed) => of_performed(performed),
            Self::Measured(measured) => of_test(&measured.test).filter(|holds| !holds),
            _ => None,
        }
    }
}

/// All (`wanted`) or any (not `wanted`) of the children.
fn together(children: &[Condition], wanted: bool) -> Option<bool> {
    let each: Vec<Option<bool>> = children.iter().map(Condition::constant).collect();
    if each.contains(&Some(!wanted))
        || children.iter().enumerate().any(|(at, one)| is_against(one, &children[at + 1..], wanted))
    {
        return Some(!wanted);
    }
    each.iter().all(|holds| *holds == Some(wanted)).then_some(wanted)
}

/// Whether one of the others is the very opposite, so that they never hold together (`wanted`), or one of them always holds.
fn is_against(one: &Condition, others: &[Condition], wanted: bool) -> bool {
    others.iter().any(|other| is_opposite(one, other) || is_opposite(other, one) || (wanted && are_apart(one, other)))
}

fn is_opposite(one: &Condition, other: &Condition) -> bool {
    match (one, other) {
        (Condition::Not(child), other) => **child == *other,
        (Condition::Fact { key: a, test: one }, Condition::Fact { key: b, test: other }) => {
            a == b && one.opposite().is_some_and(|opposite| opposite == *other)
        }
        (Condition::Performed(one), Condition::Performed(other)) => {
            let same = Performed { times: other.times, ..one.clone() } == *other;
            same && other.times == Times::once() && [Times::never(), Times::AtMost(0.into())].contains(&one.times)
        }
        _ => false,
    }
}

/// Whether two tests of one value exclude each other.
fn are_apart(one: &Condition, other: &Condition) -> bool {
    match (one, other) {
        (Condition::Fact { key: a, test: one }, Condition::Fact { key: b, test: other }) if a == b => {
            match (values(one), values(other)) {
                (Some(one), Some(other)) => !one.iter().any(|value| other.contains(value)),
                _ => {
                    let ((low, high), (other_low, other_high)) = (bounds(one), bounds(other));
                    low > other_high || other_low > high
                }
            }
        }
        _ => false,
    }
}

/// The values that pass, where they are named and of one kind.
fn values(test: &Test) -> Option<Vec<&Operand>> {
    let values: Vec<&Operand> = match test {
        Test::Equals(value) => vec![&**value],
        Test::In(values) => values.iter().map(|value| &**value).collect(),
        _ => return None,
    };
    // `5` and `"5"` can be one value.
    let is_text = |value: &&Operand| matches!(value, Operand::Text(_));
    values.iter().all(is_text).then_some(values)
}

/// The least and the greatest millionths that pass; all for what is no test of numbers.
fn bounds(test: &Test) -> (i64, i64) {
    match test {
        Test::AtLeast(number) => (number.micros(), i64::MAX),
        Test::MoreThan(number) => (number.micros().saturating_add(1), i64::MAX),
        Test::AtMost(number) => (i64::MIN, number.micros()),
        Test::LessThan(number) => (i64::MIN, number.micros().saturating_sub(1)),
        Test::Between(from, to) => (from.micros(), to.micros()),
        Test::Equals(value) => value.number().map_or((i64::MIN, i64::MAX), |number| (number.micros(), number.micros())),
        _ => (i64::MIN, i64::MAX),
    }
}

fn of_test(test: &Test) -> Option<bool> {
    match test {
        Test::In(values) if values.is_empty() => Some(false),
        Test::NotIn(values) if values.is_empty() => Some(true),
        Test::Between(from, to) if from.micros() > to.micros() => Some(false),
        _ => None,
    }
}

fn of_performed(performed: &Performed) -> Option<bool> {
    let filter = performed.filter.as_ref().and_then(|filter| filter.constant());
    let is_empty = matches!(performed.within, Within::Dates { from: Some(from), to: Some(to) } if from == to);
    (filter == Some(false) || is_empty).then(|| performed.times.holds(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    fn constant(text: &str) -> Option<bool> {
        Condition::from_text(text, Limits::DEFAULT).unwrap_or_else(|error| panic!("{text}: {error}")).constant()
    }

    #[test]
    fn what_never_holds_is_found() {
        for text in [
            "trait country = DE and trait country = AT",
            "trait country in (DE, AT) and trait plan = pro and trait country in (FR, IT)",
            "trait age >= 30 and trait age < 30",
            "trait age between 1 and 2 and trait age = 5",
            "trait country exists and trait country does not exist",
            "performed A and not performed A",
            "performed A and never performed A",
            "performed A from 2026-01-01 to 2026-01-01",
            "not everyone()",
        ] {
            assert_eq!(constant(text), Some(false), "{text}");
        }
    }

    #[test]
    fn what_always_holds_is_found() {
        for text in [
            "everyone()",
            "trait country = DE or not trait country = DE",
            "performed A or never performed A",
            "in bucket 0 to 100 of x",
            "not (trait a = x and trait a = y)",
            "trait country = DE or trait country != DE",
        ] {
            assert_eq!(constant(text), Some(true), "{text}");
        }
    }

    #[test]
    fn what_depends_on_people_is_left_open() {
        for text in [
            "trait country = DE or trait country = AT",
            "trait a = 5 and trait a = \"5\"",
            "trait a >= 5 and trait a <= 5",
            "performed A at least 2 times and performed A at most 2 times",
            "performed A and never performed B",
            "trait a = x and trait b = y",
        ] {
            assert_eq!(constant(text), None, "{text}");
        }
    }
}
