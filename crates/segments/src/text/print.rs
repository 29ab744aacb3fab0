//! Writes a condition as text, in one way.

use super::words::{is_bare, quote};
use crate::condition::encode::{interval_word, per_cent};
use crate::condition::{
    Bucket, Changed, Condition, Events, Given, Measured, Number, Operand, Overdue, Performed, Sequence, Streak, Test,
    Times, Which, Within,
};
use crate::duration::{Duration, Unit};
use crate::instant::Instant;

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
    "first",
    "having",
    "sum",
    "average",
    "smallest",
    "largest",
    "distinct",
    "days",
    "sequence",
    "overdue",
    "streak",
];

/// The beginning of the keys of facts that say who is on a list.
const LIST: &str = "list.";

/// How tightly what stands around binds: a group in something that binds as tightly, or more so, needs parentheses. The same group
/// inside itself has them too, or it would read back flat.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Nothing,
    Or,
    And,
    Not,
}

pub(super) fn condition(condition: &Condition) -> String {
    let mut text = String::new();
    write(condition, Binding::Nothing, None, &mut text);
    for (at, (parameter, value)) in condition.parameters().iter().enumerate() {
        let before = if at == 0 { " with " } else { ", " };
        text.push_str(&format!("{before}${parameter} = {}", parameter_value(value)));
    }
    text
}

fn parameter_value(value: &serde_json::Value) -> String {
    let plain = |text: &str| Duration::parse(text).is_ok() || Instant::parse(text).is_some();
    match value.as_str() {
        None => value.to_string(),
        Some(text) if is_bare(text) && plain(text) => text.to_owned(),
        Some(text) => name(text),
    }
}

/// A value, or the parameter that gives it.
fn given<T>(given: &Given<T>, print: impl FnOnce(&T) -> String) -> String {
    given.name().map_or_else(|| print(given), |name| format!("${}", name.as_str()))
}

fn plain<T: std::fmt::Display>(value: &Given<T>) -> String {
    given(value, T::to_string)
}

/// `next` is what follows after `and` or `or`: a bare `where` must not swallow it.
fn write(condition: &Condition, around: Binding, next: Option<&Condition>, text: &mut String) {
    match condition {
        Condition::All(children) => group(children, Binding::And, around, next, text),
        Condition::Any(children) => group(children, Binding::Or, around, next, text),
        Condition::Not(child) => {
            text.push_str("not ");
            write(child, Binding::Not, next, text);
        }
        Condition::Property { path, test } => {
            text.push_str(&name(path));
            text.push(' ');
            text.push_str(&self::test(test));
        }
        Condition::Fact { key, test: Test::IsTrue } if key.starts_with(LIST) => {
            text.push_str(&format!("in list {}", name(&key[LIST.len()..])));
        }
        Condition::Fact { key, test } => text.push_str(&format!("{} {}", fact(key), self::test(test))),
        Condition::Held { key, test, length } => {
            text.push_str(&format!("{} {} for {}", fact(key), self::test(test), duration(length)));
        }
        Condition::Changed(changed) => self::changed(changed, text),
        Condition::Measured(measured) => self::measured(measured, text),
        Condition::Sequence(sequence) => self::sequence(sequence, text),
        Condition::Overdue(Overdue { of, factor, gaps }) => {
            let (factor, gaps) = (plain(factor), plain(gaps));
            text.push_str(&format!("overdue {} by {factor} after {gaps} gaps", name(&of.event)));
            filter(of, text);
        }
        Condition::Streak(Streak { of, interval, least }) => {
            let unit = interval_word(*interval);
            text.push_str(&format!("streak {} at least {} {unit}s", name(&of.event), plain(least)));
            filter(of, text);
        }
        Condition::Segment { key, length } => {
            text.push_str(&format!("in segment {}", name(key)));
            if let Some(length) = length {
                text.push_str(&format!(" for {}", duration(length)));
            }
        }
        Condition::Bucket(Bucket { salt, from, to }) => {
            text.push_str(&format!("in bucket {} to {} of {}", per_cent(*from), per_cent(*to), name(salt)));
        }
        Condition::Performed(performed) => self::performed(performed, next, text),
    }
}

fn group(children: &[Condition], own: Binding, around: Binding, next: Option<&Condition>, text: &mut String) {
    let (word, short) = if own == Binding::And { (" and ", "everyone") } else { (" or ", "nobody") };
    // One child or none is a group all the same: `everyone(a)` and `a` are two conditions.
    let is_short = children.len() < 2;
    let parentheses = is_short || own <= around;
    if is_short {
        text.push_str(short);
    }
    if parentheses {
        text.push('(');
    }
    let inside = if is_short { Binding::Nothing } else { own };
    let after = next.filter(|_| !parentheses);
    for (at, child) in children.iter().enumerate() {
        if at > 0 {
            text.push_str(word);
        }
        write(child, inside, children.get(at + 1).or(after), text);
    }
    if parentheses {
        text.push(')');
    }
}

fn performed(performed: &Performed, next: Option<&Condition>, text: &mut String) {
    let never = performed.times.is_plain(Times::never());
    text.push_str(match performed.which {
        Which::First => "first performed ",
        Which::Last => "last performed ",
        Which::Every if never => "never performed ",
        Which::Every => "performed ",
    });
    text.push_str(&name(&performed.event));
    match performed.times {
        times if never || times.is_plain(Times::once()) => {}
        Times::AtLeast(least) => text.push_str(&format!(" at least {} times", plain(&least))),
        Times::Exactly(exact) => text.push_str(&format!(" exactly {} times", plain(&exact))),
        Times::AtMost(most) => text.push_str(&format!(" at most {} times", plain(&most))),
        Times::Between(least, most) => {
            text.push_str(&format!(" between {} and {} times", plain(&least), plain(&most)));
        }
    }
    within(performed.within, text);
    let last = next.is_none_or(begins_with_person);
    if let Some(filter) = &performed.filter {
        clause("where", filter, last && performed.having.is_none(), text);
    }
    if let Some(having) = &performed.having {
        clause("having", having, last, text);
    }
}

/// A filter after its word; in parentheses, unless it is one test and nothing that follows could be taken for its continuation.
fn clause(word: &str, filter: &Condition, last: bool, text: &mut String) {
    let simple = last && matches!(filter, Condition::Property { .. });
    text.push_str(&format!(" {word} "));
    if !simple {
        text.push('(');
    }
    write(filter, Binding::Nothing, None, text);
    if !simple {
        text.push(')');
    }
}

fn filter(events: &Events, text: &mut String) {
    if let Some(filter) = &events.filter {
        clause("where", filter, false, text);
    }
}

fn within(within: Within, text: &mut String) {
    match within {
        Within::Ever => {}
        Within::Last(length) => text.push_str(&format!(" in the last {}", duration(&length))),
        Within::First(length) => text.push_str(&format!(" in the first {}", duration(&length))),
        Within::Dates { from: Some(from), to: Some(to) } => {
            text.push_str(&format!(" from {} to {}", plain(&from), plain(&to)));
        }
        Within::Dates { from: Some(from), to: None } => text.push_str(&format!(" since {}", plain(&from))),
        Within::Dates { from: None, to: Some(to) } => text.push_str(&format!(" before {}", plain(&to))),
        Within::Dates { from: None, to: None } => text.push_str(" from any to any"),
    }
}

fn fact(key: &str) -> String {
    match key.strip_prefix("trait.") {
        Some(key) if !key.is_empty() => format!("trait {}", name(key)),
        _ => format!("fact {}", name(key)),
    }
}

fn changed(changed: &Changed, text: &mut String) {
    text.push_str(&format!("{} changed", fact(&changed.key)));
    for (word, operand) in [("from", &changed.from), ("to", &changed.to)] {
        if let Some(operand) = operand {
            text.push_str(&format!(" {word} {}", self::operand(operand)));
        }
    }
    if changed.within != Within::Ever {
        text.push_str(" during");
        within(changed.within, text);
    }
}

fn measured(measured: &Measured, text: &mut String) {
    text.push_str(measured.measure.word());
    if measured.measure.has_path() {
        text.push_str(&format!(" {}", name(&measured.path)));
    }
    text.push_str(&format!(" of {} {}", name(&measured.of.event), test(&measured.test)));
    within(measured.within, text);
    filter(&measured.of, text);
}

fn sequence(sequence: &Sequence, text: &mut String) {
    text.push_str("sequence (");
    for (at, step) in sequence.steps.iter().enumerate() {
        if at > 0 {
            text.push_str(", ");
        }
        text.push_str(&name(&step.event));
        filter(step, text);
    }
    text.push(')');
    if let Some(length) = &sequence.spanning {
        text.push_str(&format!(" spanning {}", duration(length)));
    }
    if let Some(same) = &sequence.same {
        text.push_str(&format!(" same {}", name(same)));
    }
    if let Some((events, length)) = &sequence.without {
        text.push_str(&format!(" without {}", name(&events.event)));
        filter(events, text);
        text.push_str(&format!(" within {}", duration(length)));
    }
    within(sequence.within, text);
}

/// Whether the first word that a condition is written with says that it tests the person.
fn begins_with_person(condition: &Condition) -> bool {
    match condition {
        Condition::Not(child) => begins_with_person(child),
        // Groups begin with a parenthesis, or with their first child: either could be a filter's.
        Condition::All(_) | Condition::Any(_) | Condition::Property { .. } => false,
        _ => true,
    }
}

fn duration(length: &Given<Duration>) -> String {
    given(length, |length| in_words(*length))
}

fn in_words(length: Duration) -> String {
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
    let one = |word: &str, operand: &Given<Operand>| format!("{word} {}", self::operand(operand));
    let many = |word: &str, operands: &[Given<Operand>]| {
        format!("{word} ({})", operands.iter().map(operand).collect::<Vec<_>>().join(", "))
    };
    let number = |word: &str, number: &Given<Number>| format!("{word} {}", plain(number));
    let part = |part: &Given<String>| given(part, |part| quote(part));
    match test {
        Test::Exists => "exists".to_owned(),
        Test::NotExists => "does not exist".to_owned(),
        Test::IsTrue => "is true".to_owned(),
        Test::IsFalse => "is false".to_owned(),
        Test::Equals(value) => one("=", value),
        Test::NotEquals(value) => one("!=", value),
        Test::In(values) => many("in", values),
        Test::NotIn(values) => many("not in", values),
        Test::Contains(text) => format!("contains {}", part(text)),
        Test::NotContains(text) => format!("does not contain {}", part(text)),
        Test::StartsWith(text) => format!("starts with {}", part(text)),
        Test::EndsWith(text) => format!("ends with {}", part(text)),
        Test::AtLeast(value) => number(">=", value),
        Test::MoreThan(value) => number(">", value),
        Test::AtMost(value) => number("<=", value),
        Test::LessThan(value) => number("<", value),
        Test::Between(from, to) => format!("between {} and {}", plain(from), plain(to)),
        Test::BetweenTimes(from, to) => format!("between {} and {}", plain(from), plain(to)),
        Test::Before(instant) => format!("before {}", plain(instant)),
        Test::After(instant) => format!("after {}", plain(instant)),
        Test::InLast(length) => format!("in the last {}", duration(length)),
        Test::InNext(length) => format!("in the next {}", duration(length)),
    }
}

fn operand(operand: &Given<Operand>) -> String {
    given(operand, |operand| match operand {
        Operand::Text(text) => name(text),
        Operand::Number(number) => number.to_string(),
        Operand::Boolean(value) => value.to_string(),
    })
}
