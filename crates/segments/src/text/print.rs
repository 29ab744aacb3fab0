//! Writes a condition as text, in one way.

use super::words::{is_bare, quote};
use crate::condition::{Condition, Number, Operand, Performed, Test, Times, Within};
use crate::duration::{Duration, Unit};

/// Words that mean something where a name or value could stand.
pub(super) const KEYWORDS: &[&str] = &[
    "and",
    "or",
    "not",
    "where",
    "trait",
    "fact",
    "performed",
    "never",
    "in",
    "is",
    "exists",
    "contains",
    "starts",
    "ends",
    "with",
    "between",
    "before",
    "after",
    "at",
    "exactly",
    "least",
    "most",
    "times",
    "since",
    "from",
    "to",
    "true",
    "false",
    "everyone",
    "nobody",
    "does",
    "contain",
    "the",
    "last",
];

/// How tightly what stands around binds: inside a tighter one a looser group needs parentheses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Or,
    And,
    Not,
}

pub(super) fn condition(condition: &Condition) -> String {
    let mut text = String::new();
    write(condition, Binding::Or, None, &mut text);
    text
}

/// `next` is what follows after `and` or `or`: a bare `where` must not swallow it.
fn write(condition: &Condition, around: Binding, next: Option<&Condition>, text: &mut String) {
    match condition {
        Condition::All(children) => group(children, Binding::And, around, "everyone", next, text),
        Condition::Any(children) => group(children, Binding::Or, around, "nobody", next, text),
        Condition::Not(child) => {
            text.push_str("not ");
            write(child, Binding::Not, next, text);
        }
        Condition::Property { path, test } => {
            text.push_str(&name(path));
            text.push(' ');
            text.push_str(&self::test(test));
        }
        Condition::Fact { key, test } => {
            match key.strip_prefix("trait.") {
                Some(key) => text.push_str(&format!("trait {} ", name(key))),
                None => text.push_str(&format!("fact {} ", name(key))),
            }
            text.push_str(&self::test(test));
        }
        Condition::Performed(performed) => self::performed(performed, next, text),
    }
}

fn group(
    children: &[Condition],
    own: Binding,
    around: Binding,
    empty: &str,
    next: Option<&Condition>,
    text: &mut String,
) {
    let word = if own == Binding::And { " and " } else { " or " };
    // One child or none is a group all the same: `(all of a)` and `a` are two conditions.
    if children.len() < 2 {
        text.push_str(empty);
        text.push('(');
        if let [child] = children {
            write(child, Binding::Or, None, text);
        }
        text.push(')');
        return;
    }
    // The same group inside itself keeps its parentheses, or it would read back flat.
    let parentheses = own <= around && around != Binding::Or || around == Binding::Or && text.ends_with(" or ");
    if parentheses {
        text.push('(');
    }
    for (at, child) in children.iter().enumerate() {
        if at > 0 {
            text.push_str(word);
        }
        let after = if parentheses { None } else { next };
        let inner = match child {
            Condition::Any(grand) if grand.len() > 1 && own == Binding::Or => {
                let mut part = String::new();
                write(child, Binding::Or, None, &mut part);
                text.push('(');
                text.push_str(&part);
                text.push(')');
                continue;
            }
            _ => own,
        };
        write(child, inner, children.get(at + 1).or(after), text);
    }
    if parentheses {
        text.push(')');
    }
}

fn performed(performed: &Performed, next: Option<&Condition>, text: &mut String) {
    let never = performed.times == Times::Exactly(0);
    text.push_str(if never { "never performed " } else { "performed " });
    text.push_str(&name(&performed.event));
    match performed.times {
        Times::AtLeast(1) | Times::Exactly(0) => {}
        Times::AtLeast(least) => text.push_str(&format!(" at least {least} times")),
        Times::Exactly(exact) => text.push_str(&format!(" exactly {exact} times")),
        Times::AtMost(most) => text.push_str(&format!(" at most {most} times")),
        Times::Between(least, most) => text.push_str(&format!(" between {least} and {most} times")),
    }
    match performed.within {
        Within::Ever => {}
        Within::Last(length) => text.push_str(&format!(" in the last {}", duration(length))),
        Within::Dates { from: Some(from), to: Some(to) } => text.push_str(&format!(" from {from} to {to}")),
        Within::Dates { from: Some(from), to: None } => text.push_str(&format!(" since {from}")),
        Within::Dates { from: None, to: Some(to) } => text.push_str(&format!(" before {to}")),
        Within::Dates { from: None, to: None } => text.push_str(" from any to any"),
    }
    if let Some(filter) = &performed.filter {
        let simple = matches!(**filter, Condition::Property { .. }) && next.is_none_or(begins_with_person);
        text.push_str(" where ");
        if simple {
            write(filter, Binding::Or, None, text);
        } else {
            text.push('(');
            write(filter, Binding::Or, None, text);
            text.push(')');
        }
    }
}

/// Whether the first word that a condition is written with says that it tests the person.
fn begins_with_person(condition: &Condition) -> bool {
    match condition {
        Condition::Fact { .. } | Condition::Performed(_) => true,
        Condition::Not(child) => begins_with_person(child),
        // Groups begin with a parenthesis, or with their first child: either could be a filter's.
        Condition::All(_) | Condition::Any(_) | Condition::Property { .. } => false,
    }
}

fn duration(length: Duration) -> String {
    let unit = match length.unit() {
        Unit::Second => "second",
        Unit::Minute => "minute",
        Unit::Hour => "hour",
        Unit::Day => "day",
        Unit::Week => "week",
    };
    let plural = if length.amount() == 1 { "" } else { "s" };
    format!("{} {unit}{plural}", length.amount())
}

fn name(text: &str) -> String {
    let plain = is_bare(text) && text.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '*');
    if plain && !KEYWORDS.contains(&text.to_lowercase().as_str()) { text.to_owned() } else { quote(text) }
}

fn test(test: &Test) -> String {
    let one = |word: &str, operand: &Operand| format!("{word} {}", self::operand(operand));
    let many = |word: &str, operands: &[Operand]| {
        format!("{word} ({})", operands.iter().map(operand).collect::<Vec<_>>().join(", "))
    };
    let number = |word: &str, number: &Number| format!("{word} {number}");
    match test {
        Test::Exists => "exists".to_owned(),
        Test::NotExists => "does not exist".to_owned(),
        Test::IsTrue => "is true".to_owned(),
        Test::IsFalse => "is false".to_owned(),
        Test::Equals(value) => one("=", value),
        Test::NotEquals(value) => one("!=", value),
        Test::In(values) => many("in", values),
        Test::NotIn(values) => many("not in", values),
        Test::Contains(part) => format!("contains {}", quote(part)),
        Test::NotContains(part) => format!("does not contain {}", quote(part)),
        Test::StartsWith(part) => format!("starts with {}", quote(part)),
        Test::EndsWith(part) => format!("ends with {}", quote(part)),
        Test::AtLeast(value) => number(">=", value),
        Test::MoreThan(value) => number(">", value),
        Test::AtMost(value) => number("<=", value),
        Test::LessThan(value) => number("<", value),
        Test::Between(from, to) => format!("between {from} and {to}"),
        Test::BetweenTimes(from, to) => format!("between {from} and {to}"),
        Test::Before(instant) => format!("before {instant}"),
        Test::After(instant) => format!("after {instant}"),
    }
}

fn operand(operand: &Operand) -> String {
    match operand {
        Operand::Text(text) => name(text),
        Operand::Number(number) => number.to_string(),
        Operand::Boolean(value) => value.to_string(),
    }
}
