//! The text of a model: one statement a line, or several with `;` between. What follows `#` or `!` is a remark.
//!
//! | Text | Says |
//! |---|---|
//! | `f =~ x1 + x2 + x3` | the latent variable f is measured by these |
//! | `y ~ x + f` | paths lead from x and f to y |
//! | `a ~~ b`, `a ~~ a` | what is left over of a and b goes together; the variance (left over) of a |
//! | `0.5*x`, `NA*x`, `b1*x` | fixed at a number; free, where it would be fixed; named, and equal to whatever has the same name |
//!
//! It is what of lavaan's text is needed here. Statements that are known there and not here (`:=`, `==`, `~ 1`, `<~`, `|`) are refused by name.

use std::fmt;

/// What a text cannot mean, and in which line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misread {
    /// The line, from 1; 0 for the text as a whole.
    pub line: usize,
    /// Why.
    pub reason: Reason,
}

/// Why a text is no model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// There is no statement at all.
    Empty,
    /// There is no `=~`, `~` or `~~` in it.
    NoOperator,
    /// A statement of lavaan's that this does not know.
    Unsupported(String),
    /// A name is missing beside an operator, `+` or `*`.
    NameMissing,
    /// It is no name.
    NoName(String),
    /// Neither a column nor a latent variable.
    Unknown(String),
    /// A latent variable has the name of a column.
    Taken(String),
    /// It is said twice.
    Twice(String),
    /// A variable would measure or lead to itself.
    Itself(String),
    /// A latent variable measures itself by others.
    Circle(String),
    /// A name for equal parameters is used for a number that is not finite.
    NotFinite(String),
}

impl fmt::Display for Misread {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(out, "Line {}: ", self.line)?;
        }
        match &self.reason {
            Reason::Empty => write!(out, "the model says nothing."),
            Reason::NoOperator => {
                write!(out, "there is no =~ (measured by), ~ (depends on) or ~~ (goes together with).")
            }
            Reason::Unsupported(what) => write!(out, "{what} is not known here."),
            Reason::NameMissing => write!(out, "a name is missing."),
            Reason::NoName(it) => {
                write!(out, "{it:?} is no name: names are letters, digits, _ and ., and begin with a letter.")
            }
            Reason::Unknown(it) => write!(out, "{it} is neither a column nor measured by =~."),
            Reason::Taken(it) => write!(out, "{it} is a column already, so it cannot be measured by others."),
            Reason::Twice(it) => write!(out, "{it} is said twice."),
            Reason::Itself(it) => write!(out, "{it} cannot measure or depend on itself."),
            Reason::Circle(it) => write!(out, "what measures {it} is measured by it."),
            Reason::NotFinite(it) => write!(out, "{it} is not a finite number."),
        }
    }
}

impl std::error::Error for Misread {}

/// Between the sides of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Measured,
    Depends,
    Together,
}

/// What stands before a name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Modifier {
    None,
    Fixed(f64),
    Free,
    Label(String),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Term {
    pub(crate) modifier: Modifier,
    pub(crate) name: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Statement {
    pub(crate) line: usize,
    pub(crate) left: Vec<String>,
    pub(crate) operator: Operator,
    pub(crate) right: Vec<Term>,
}

/// The statements of a text.
pub(crate) fn read(text: &str) -> Result<Vec<Statement>, Misread> {
    let mut found = Vec::new();
    for (at, whole) in text.lines().enumerate() {
        let line = at + 1;
        let said = whole.split(['#', '!']).next().unwrap_or_default();
        for part in said.split(';').map(str::trim).filter(|it| !it.is_empty()) {
            found.push(statement(part, line).map_err(|reason| Misread { line, reason })?);
        }
    }
    if found.is_empty() { Err(Misread { line: 0, reason: Reason::Empty }) } else { Ok(found) }
}

fn statement(text: &str, line: usize) -> Result<Statement, Reason> {
    for (sign, what) in [
        (":=", "a defined parameter (:=)"),
        ("==", "a constraint (==); equal parameters have the same name before *"),
        ("<~", "a formative variable (<~)"),
        ("|", "a threshold (|)"),
        ("<", "a constraint (<)"),
        (">", "a constraint (>)"),
    ] {
        if text.contains(sign) {
            return Err(Reason::Unsupported(what.to_string()));
        }
    }
    let operators = [("=~", Operator::Measured), ("~~", Operator::Together), ("~", Operator::Depends)];
    let split = operators.iter().find_map(|(sign, it)| text.split_once(sign).map(|(left, right)| (left, *it, right)));
    let (left, operator, right) = split.ok_or(Reason::NoOperator)?;
    if right.contains('~') {
        return Err(Reason::Unsupported("a second operator in one statement".to_string()));
    }
    if operator == Operator::Depends && right.split('+').any(|it| it.trim() == "1" || it.trim() == "0") {
        return Err(Reason::Unsupported("a mean (~ 1): means are the sample's".to_string()));
    }
    let left = left.split('+').map(|it| name(it.trim())).collect::<Result<_, _>>()?;
    let right = right.split('+').map(term).collect::<Result<_, _>>()?;
    Ok(Statement { line, left, operator, right })
}

fn term(text: &str) -> Result<Term, Reason> {
    let Some((before, after)) = text.rsplit_once('*') else {
        return Ok(Term { modifier: Modifier::None, name: name(text.trim())? });
    };
    let before = before.trim();
    let modifier = match before.parse::<f64>() {
        _ if before == "NA" => Modifier::Free,
        Ok(it) if it.is_finite() => Modifier::Fixed(it),
        Ok(_) => return Err(Reason::NotFinite(before.to_string())),
        Err(_) if before.contains('*') => {
            return Err(Reason::Unsupported("more than one thing before a name".to_string()));
        }
        Err(_) if before.contains('(') => return Err(Reason::Unsupported(format!("{before} before a name"))),
        Err(_) => Modifier::Label(name(before)?),
    };
    Ok(Term { modifier, name: name(after.trim())? })
}

fn name(text: &str) -> Result<String, Reason> {
    let first = text.chars().next().ok_or(Reason::NameMissing)?;
    let fine = first.is_alphabetic() && text.chars().all(|it| it.is_alphanumeric() || it == '_' || it == '.');
    if fine { Ok(text.to_string()) } else { Err(Reason::NoName(text.to_string())) }
}
