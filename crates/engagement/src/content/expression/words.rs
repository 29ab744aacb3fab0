//! The words of an expression: which filters, tests and forms are allowed, and what form an expression has.
//!
//! Does not do: parse. Whether the words make sense together is for minijinja to say.

use super::super::filters::NAMES;

const TESTS: &[&str] = &["defined", "undefined"];
const KEYWORDS: &[&str] =
    &["not", "and", "or", "in", "is", "if", "else", "true", "false", "none", "True", "False", "None"];

/// What an expression is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A path: `profile.first_name`.
    Path,
    /// A path with a fallback (`|default(...)` first), or the test of a path: what is missing on the way may be missing.
    Fallback,
    /// Anything else.
    Free,
}

/// A word that is not allowed where it stands.
#[derive(Debug)]
pub(super) struct Wrong {
    pub at: usize,
    pub found: String,
    pub expected: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Name,
    Literal,
    Symbol,
}

#[derive(Clone, Copy, Debug)]
struct Word<'a> {
    kind: Kind,
    text: &'a str,
    at: usize,
}

/// Checks every word.
pub(super) fn check(source: &str) -> Result<Form, Wrong> {
    let words = split(source)?;
    if words.is_empty() {
        return Err(wrong(0, "nothing".to_owned(), "a value, e.g. `profile.first_name`"));
    }
    for (index, word) in words.iter().enumerate() {
        let before = |back: usize| index.checked_sub(back).and_then(|i| words.get(i)).map_or("", |w| w.text);
        let next = words.get(index + 1).map_or("", |w| w.text);
        if word.text == "{" || word.text == "}" {
            return Err(wrong(word.at, format!("`{}`", word.text), "a value, e.g. `profile.first_name`"));
        }
        if word.kind != Kind::Name {
            continue;
        }
        let text = word.text;
        let tested = before(1) == "is" && text != "not" || before(1) == "not" && before(2) == "is";
        if before(1) == "|" && !NAMES.contains(&text) {
            return Err(wrong(word.at, format!("`{text}`"), &format!("a filter: {}", NAMES.join(", "))));
        } else if tested && !TESTS.contains(&text) {
            return Err(wrong(word.at, format!("`{text}`"), "`defined` or `undefined`"));
        } else if next == "(" && before(1) != "|" && !KEYWORDS.contains(&text) {
            return Err(wrong(word.at, format!("a call of `{text}`"), "a token or a filter; there are no functions"));
        }
    }
    Ok(form(&words))
}

fn wrong(at: usize, found: String, expected: &str) -> Wrong {
    Wrong { at, found, expected: expected.to_owned() }
}

fn split(source: &str) -> Result<Vec<Word<'_>>, Wrong> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(first) = source[at..].chars().next() {
        let rest = &source[at..];
        let (kind, length) = match first {
            _ if first.is_whitespace() => (None, first.len_utf8()),
            '"' | '\'' => (
                Some(Kind::Literal),
                quoted(rest).ok_or_else(|| {
                    wrong(at, "a text without its closing quote".to_owned(), &format!("`{first}` at its end"))
                })?,
            ),
            _ if first.is_ascii_digit() => (Some(Kind::Literal), run(rest, |c| c.is_ascii_alphanumeric())),
            _ if is_letter(first) => (Some(Kind::Name), run(rest, is_letter)),
            _ => (Some(Kind::Symbol), first.len_utf8()),
        };
        if let Some(kind) = kind {
            words.push(Word { kind, text: &rest[..length], at });
        }
        at += length;
    }
    Ok(words)
}

fn is_letter(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn run(text: &str, is_part: impl Fn(char) -> bool) -> usize {
    text.find(|c| !is_part(c)).unwrap_or(text.len())
}

/// The length of the text in quotes at the beginning, with its quotes. A backslash takes the next letter with it.
pub(crate) fn quoted(text: &str) -> Option<usize> {
    let quote = text.chars().next()?;
    let mut letters = text.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        if letter == '\\' {
            letters.next();
        } else if letter == quote {
            return Some(at + letter.len_utf8());
        }
    }
    None
}

fn form(words: &[Word<'_>]) -> Form {
    let rest = if words.first().is_some_and(|first| first.text == "not") { &words[1..] } else { words };
    let Some(after) = path(rest) else { return Form::Free };
    let texts: Vec<&str> = after.iter().map(|w| w.text).collect();
    match texts.as_slice() {
        [] if rest.len() == words.len() => Form::Path,
        [] | ["is", "defined" | "undefined"] | ["is", "not", "defined" | "undefined"] => Form::Fallback,
        ["|", "default", ..] if are_filters(after) => Form::Fallback,
        _ => Form::Free,
    }
}

/// What follows `name.name.name`; a position in a list may stand in brackets.
fn path<'w, 'a>(words: &'w [Word<'a>]) -> Option<&'w [Word<'a>]> {
    let first = words.first()?;
    if first.kind != Kind::Name || KEYWORDS.contains(&first.text) {
        return None;
    }
    let mut rest = &words[1..];
    loop {
        rest = match rest {
            [dot, name, after @ ..] if dot.text == "." && name.kind == Kind::Name => after,
            [open, key, close, after @ ..] if open.text == "[" && key.kind == Kind::Literal && close.text == "]" => {
                after
            }
            _ => return Some(rest),
        };
    }
}

/// Whether the words are filters whose arguments are literals: nothing among them can be missing.
fn are_filters(words: &[Word<'_>]) -> bool {
    let mut after_bar = false;
    words.iter().all(|word| {
        let fits = match word.kind {
            Kind::Name => after_bar,
            Kind::Literal => true,
            Kind::Symbol => ["|", "(", ")", ",", "-", ".", "[", "]"].contains(&word.text),
        };
        after_bar = word.text == "|";
        fits
    })
}

/// A part of an expression that is evaluated or not, as the parts before it decide.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Operand<'a> {
    pub text: &'a str,
    /// Whether it can be the value of the whole.
    pub is_result: bool,
}

/// What stands between `and`, `or`, `if` and `else`; `None` where these stand in parentheses, so that no part stands alone.
pub(super) fn operands(source: &str) -> Option<Vec<Operand<'_>>> {
    let words = split(source).ok()?;
    let (mut depth, mut start, mut in_test) = (0_usize, 0, false);
    let mut found = Vec::new();
    for word in &words {
        match word.text {
            "(" | "[" => depth += 1,
            ")" | "]" => depth = depth.saturating_sub(1),
            "and" | "or" | "if" | "else" if depth > 0 => return None,
            "and" | "or" | "if" | "else" => {
                // What stands before `or` is passed over when it is missing.
                let is_result = !in_test && word.text != "or";
                found.push(Operand { text: source[start..word.at].trim(), is_result });
                start = word.at + word.text.len();
                in_test = match word.text {
                    "if" => true,
                    "else" => false,
                    _ => in_test,
                };
            }
            _ => {}
        }
    }
    found.push(Operand { text: source[start..].trim(), is_result: !in_test });
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        for (source, expected) in [
            ("a", Form::Path),
            ("a.b[0].c", Form::Path),
            ("not a.b", Form::Fallback),
            ("a.b|default('x')|upper", Form::Fallback),
            ("a is not defined", Form::Fallback),
            ("a|upper|default('x')", Form::Free),
            ("a.b|default([])|limit(10)", Form::Fallback),
            ("a|default(b)", Form::Free),
            ("a|default('x') ~ b", Form::Free),
            ("a|default('x') or b", Form::Free),
            ("a > 1", Form::Free),
            ("true", Form::Free),
            ("'a'", Form::Free),
        ] {
            assert_eq!(check(source).unwrap(), expected, "{source}");
        }
    }
    #[test]
    fn parts_that_may_not_be_reached() {
        let parts =
            |source| operands(source).map(|found| found.iter().map(|o| (o.text, o.is_result)).collect::<Vec<_>>());
        assert_eq!(parts("a > 1"), Some(vec![("a > 1", true)]));
        assert_eq!(parts("a or 'and' and c"), Some(vec![("a", false), ("'and'", true), ("c", true)]));
        assert_eq!(parts("a if b or c else d"), Some(vec![("a", true), ("b", false), ("c", false), ("d", true)]));
        assert_eq!(parts("x|default(a or b)"), None);
    }
}
