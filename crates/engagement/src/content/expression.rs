//! The expressions of templates: what stands between `{{` and `}}`, and after `if` and `in`. Evaluated by minijinja in an environment
//! that has nothing but the filters of [`super::filters`]: no functions, no methods, no files, no other templates.
//!
//! Always holds: an expression that compiles names only known filters and tests; one evaluation costs at most [`FUEL`]; a missing
//! value is an error unless a fallback takes its place.
//!
//! Does not do: escape. The value is written where the caller knows the place. That is why minijinja evaluates expressions only, and
//! conditions, loops and literals are ours: literals never pass an engine, each place knows how its value is escaped, an error has the
//! line and column of the field that the author wrote, and loops can be counted.

mod words;

use std::sync::{Arc, LazyLock};

use minijinja::value::{Value, ValueKind};
use minijinja::{Environment, ErrorKind, UndefinedBehavior};

use super::filters;
use super::limits::Limits;
use crate::Error;

pub(crate) use words::quoted;

/// What one evaluation may cost, in minijinja's fuel: one instruction, two items of a list, or 64 bytes of text each.
pub(crate) const FUEL: u64 = 2_000;
/// Expressions in parentheses within one another.
const NESTING: usize = 50;

/// For most expressions: a missing value is an error wherever it is used.
static STRICT: LazyLock<Environment<'static>> = LazyLock::new(|| environment(UndefinedBehavior::SemiStrict));
/// For a bare path, or a path with a fallback: `a.b.c|default("")` also stands in where `a` itself is missing.
static CHAINED: LazyLock<Environment<'static>> = LazyLock::new(|| environment(UndefinedBehavior::Chainable));

fn environment(missing: UndefinedBehavior) -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(missing);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(NESTING);
    environment.set_debug(false);
    filters::add_to(&mut environment);
    environment
}

/// Where something stands in a field of a template.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Spot {
    /// The field.
    pub place: Arc<str>,
    /// From 1.
    pub line: usize,
    /// In letters, from 1.
    pub column: usize,
}

impl Spot {
    /// The spot of a byte of a field's source.
    pub fn of(place: &Arc<str>, source: &str, at: usize) -> Self {
        let before = source.get(..at).unwrap_or(source);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        Self {
            place: Arc::clone(place),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    /// A syntax error here.
    pub fn refused(self, found: impl Into<String>, expected: impl Into<String>) -> Error {
        let Self { place, line, column } = self;
        Error::Syntax { place: place.to_string(), line, column, found: found.into(), expected: expected.into() }
    }
}

/// A compiled expression.
#[derive(Clone, Debug)]
pub(crate) struct Expression {
    compiled: Arc<minijinja::Expression<'static, 'static>>,
    /// What the author wrote.
    pub source: Arc<str>,
    /// Where.
    pub spot: Spot,
    /// The paths that it reads, e.g. `profile.first_name`.
    pub tokens: Vec<String>,
    /// Whether it is a path and nothing else.
    pub is_path: bool,
}

impl Expression {
    /// Compiles `field[at..at + length]`.
    pub fn compile(place: &Arc<str>, field: &str, at: usize, length: usize, limits: &Limits) -> Result<Self, Error> {
        let raw = field.get(at..at + length).unwrap_or_default();
        let source = raw.trim();
        let start = at + raw.len() - raw.trim_start().len();
        let spot = |offset: usize| Spot::of(place, field, start + offset);
        if source.len() > limits.expression_bytes {
            let limit = limits.expression_bytes;
            return Err(Error::TooLarge { place: place.to_string(), what: "bytes of one expression", limit });
        }
        let form = words::check(source).map_err(|wrong| spot(wrong.at).refused(wrong.found, wrong.expected))?;
        let environment = if form == words::Form::Free { &*STRICT } else { &*CHAINED };
        let compiled = environment.compile_expression_owned(source.to_owned()).map_err(|error| {
            let (found, expected) = wording(&error);
            // minijinja's range of the end is that of the last word.
            let is_end = found == "end of input";
            let offset = if is_end { source.len() } else { error.range().map_or(0, |range| range.start) };
            spot(offset).refused(found, expected)
        })?;
        let mut tokens: Vec<String> = compiled.undeclared_variables(true).into_iter().collect();
        tokens.sort();
        Ok(Self {
            compiled: Arc::new(compiled),
            source: source.into(),
            spot: spot(0),
            tokens,
            is_path: form == words::Form::Path,
        })
    }

    /// Its value; undefined where a bare path leads nowhere.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Value`], and [`Error::TooMuch`] past [`FUEL`].
    pub fn value(&self, scope: &Value) -> Result<Value, Error> {
        self.compiled.eval(scope.clone()).map_err(|error| match error.kind() {
            ErrorKind::UndefinedError => self.missing(),
            ErrorKind::OutOfFuel => Error::TooMuch {
                place: self.spot.place.to_string(),
                what: "steps of one expression",
                limit: FUEL as usize,
            },
            // Its detail may quote a value of a person; its kind does not.
            kind => self.unfit(kind.to_string()),
        })
    }

    /// Whether some part of it fails, or has no value where one is needed, with nothing but what `scope` has. Unlike [`Self::value`] it tries
    /// the parts of `and`, `or` and `if` that are not reached with these values, too.
    pub fn can_miss(&self, scope: &Value, is_written: bool) -> bool {
        let misses = |result: Result<Value, ErrorKind>, needs_value: bool| match result {
            Ok(value) => needs_value && value.is_undefined(),
            Err(kind) => kind == ErrorKind::UndefinedError,
        };
        let whole = self.compiled.eval(scope.clone()).map_err(|error| error.kind());
        if misses(whole, is_written) {
            return true;
        }
        let Some(operands) = words::operands(&self.source) else { return true };
        operands.len() > 1
            && operands.iter().any(|operand| {
                let alone = STRICT.compile_expression_owned(operand.text.to_owned());
                let value = alone.and_then(|alone| alone.eval(scope.clone())).map_err(|error| error.kind());
                misses(value, is_written && operand.is_result)
            })
    }

    /// Its value as a text to be written.
    pub fn text(&self, scope: &Value) -> Result<Arc<str>, Error> {
        let value = self.value(scope)?;
        match value.kind() {
            ValueKind::Undefined | ValueKind::None => Err(self.missing()),
            ValueKind::String => value.to_str().ok_or_else(|| self.missing()),
            ValueKind::Number | ValueKind::Bool => Ok(value.to_string().into()),
            _ => Err(self.unfit("a list or an object cannot be written; name one of its parts")),
        }
    }

    /// The error for a value that is not there.
    pub fn missing(&self) -> Error {
        let Spot { place, line, column } = &self.spot;
        let (place, expression) = (place.to_string(), self.source.to_string());
        Error::Missing { place, line: *line, column: *column, expression }
    }

    /// The error for a value that is of the wrong kind.
    pub fn unfit(&self, problem: impl Into<String>) -> Error {
        let Spot { place, line, column } = &self.spot;
        let (place, expression) = (place.to_string(), self.source.to_string());
        Error::Value { place, line: *line, column: *column, expression, problem: problem.into() }
    }
}

/// minijinja says "unexpected x, expected y" of most mistakes.
fn wording(error: &minijinja::Error) -> (String, String) {
    let detail = error.detail().unwrap_or("something that is no expression");
    if detail == "unexpected input after expression" {
        return ("a second value".to_owned(), "an operator, a filter or the end of the expression".to_owned());
    }
    match detail.split_once(", expected ") {
        Some((found, expected)) => (found.trim_start_matches("unexpected ").to_owned(), expected.to_owned()),
        None => (detail.trim_start_matches("unexpected ").to_owned(), "a value, e.g. `profile.first_name`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn compile(source: &str) -> Result<Expression, Error> {
        Expression::compile(&"field".into(), source, 0, source.len(), &Limits::default())
    }

    fn text(source: &str) -> Result<String, Error> {
        let data = super::super::scope::value(
            &json!({"name": "Ann", "points": 120, "empty": "", "list": [1, 2], "a": {"b": "c"}}),
        );
        compile(source)?.text(&data).map(|text| text.to_string())
    }

    #[test]
    fn values_and_fallbacks() {
        for (source, expected) in [
            ("name", "Ann"),
            ("a.b", "c"),
            ("nobody|default('you')", "you"),
            ("nobody.first.second|default('you')|upper", "YOU"),
            ("empty|default('you')", "you"),
            ("points + 1", "121"),
            ("'yes' if points >= 100 else 'no'", "yes"),
            ("list|length", "2"),
        ] {
            assert_eq!(text(source).as_deref().ok(), Some(expected), "{source}");
        }
    }

    #[test]
    fn a_missing_value_is_an_error_everywhere() {
        for source in [
            "nobody",
            "nobody.x",
            "name.x",
            "nobody|upper",
            "nobody ~ 'x'",
            "nobody > 1",
            "nobody == 1",
            "nobody|length",
            "nobody|number",
            "nobody|truncate(3)",
            "name|default('x') ~ nobody",
            "'x' in nobody",
            "nobody|join(',')",
        ] {
            assert_eq!(text(source).unwrap_err().code(), "template_value_missing", "{source}");
        }
    }

    #[test]
    fn only_known_filters_and_no_calls() {
        for (source, column, found) in [
            ("range(1000)", 1, "a call of `range`"),
            ("name.upper()", 6, "a call of `upper`"),
            ("name|tojson", 6, "`tojson`"),
            ("name|default('x')|env", 19, "`env`"),
            ("name is callable", 9, "`callable`"),
            ("{'a': 1}", 1, "`{`"),
            ("name|", 6, "end of input"),
            ("name +", 7, "end of input"),
            ("", 1, "nothing"),
            ("name name", 6, "a second value"),
            ("'open", 1, "a text without its closing quote"),
        ] {
            match compile(source) {
                Err(Error::Syntax { column: at, found: what, .. }) => {
                    assert!(at == column && what.contains(found), "{source}: {at} {what}");
                }
                other => panic!("{source}: {other:?}"),
            }
        }
    }

    #[test]
    fn work_and_size_are_limited() {
        for source in ["'ab' * 1000000000", "(('a' * 60000) ~ ('a' * 60000)) ~ ('a' * 60000)"] {
            assert_eq!(text(source).unwrap_err().code(), "template_too_much", "{source}");
        }
        for source in [
            "1 in [2] * 1000000000",
            "([1] * 10001)|last",
            "([1] * 10001)|join",
            "10 ** 10 ** 10",
            "9223372036854775807|money('EUR')",
        ] {
            assert_eq!(text(source).unwrap_err().code(), "template_value_unfit", "{source}");
        }
        assert_eq!(text(&"1+".repeat(300)).unwrap_err().code(), "template_too_large");
        assert_eq!(text(&format!("{}1{}", "(".repeat(200), ")".repeat(200))).unwrap_err().code(), "template_syntax");
    }

    #[test]
    fn an_error_tells_no_value() {
        for source in ["name|number", "name + 1", "name|date", "list", "list|number", "([1] * 1000000000)|join(',')"] {
            let error = text(source).unwrap_err();
            assert!(error.code() == "template_value_unfit" && !error.to_string().contains("Ann"), "{error}");
        }
    }

    #[test]
    fn tokens_are_the_paths_read() {
        let found = compile("a.b|default(name) ~ list[0] if points > 1 else 'x'").unwrap();
        assert_eq!(found.tokens, ["a.b", "list", "name", "points"]);
    }
}
