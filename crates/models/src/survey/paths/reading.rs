//! The text of a model of paths: `Trust =~ t1 + t2` for a construct of which the questions are signs, `Trust <~ t1 + t2` for one that they make up, and `Loyal ~ Trust` for
//! what leads to what. A column that is named on a path and measured by nothing is a construct of its own. It is the text of [`crate::structural`], without
//! what that has and partial least squares have not: numbers and names before a column, and `~~`.

use std::fmt;

use super::{Construct, Mode, Model, Unfit};
use crate::structural::syntax::{Modifier, Operator, read};
use crate::structural::{Misread, Reason};

/// Why a text is no model of paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unread {
    /// It cannot be read.
    Text(Misread),
    /// What it says cannot be, with the names of its constructs.
    Model(Unfit, Vec<String>),
}

impl fmt::Display for Unread {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(it) => write!(out, "{it}"),
            Self::Model(Unfit::Alone(at), names) => {
                write!(
                    out,
                    "{} leads nowhere, and nothing leads to it.",
                    names.get(*at).map_or("A construct", String::as_str)
                )
            }
            Self::Model(Unfit::Circle, _) => write!(out, "Paths lead in a circle."),
            Self::Model(it, _) => write!(out, "{it}."),
        }
    }
}

impl std::error::Error for Unread {}

impl Model {
    /// The model that a text says, of these columns, with the names of its constructs.
    ///
    /// # Errors
    /// What cannot be read, names that are no column and measured by nothing, a question of two constructs, a construct on no path, paths in a circle.
    pub fn read(text: &str, columns: &[&str]) -> Result<(Self, Vec<String>), Unread> {
        let mut said = Said::default();
        for (at, line) in text.lines().enumerate() {
            for part in line.split(['#', '!']).next().unwrap_or_default().split(';') {
                let formative = part.contains("<~");
                // Where there is nothing, nothing is read; `read` asks for at least one statement.
                if !part.trim().is_empty() {
                    said.statement(&part.replacen("<~", "=~", 1), formative, columns)
                        .map_err(|reason| Unread::Text(Misread { line: at + 1, reason }))?;
                }
            }
        }
        if said.names.is_empty() {
            return Err(Unread::Text(Misread { line: 0, reason: Reason::Empty }));
        }
        said.model(columns)
    }
}

/// What was said so far.
#[derive(Default)]
struct Said {
    names: Vec<String>,
    constructs: Vec<Construct>,
    /// From, to, and in which line.
    paths: Vec<(String, String)>,
}

impl Said {
    fn statement(&mut self, text: &str, formative: bool, columns: &[&str]) -> Result<(), Reason> {
        let found = read(text).map_err(|it| it.reason)?;
        for it in &found {
            if it.right.iter().any(|it| it.modifier != Modifier::None) {
                return Err(Reason::Unsupported(
                    "a number or a name before a column, with partial least squares,".to_owned(),
                ));
            }
            match it.operator {
                Operator::Together => {
                    return Err(Reason::Unsupported("what goes together (~~), with partial least squares,".to_owned()));
                }
                Operator::Measured => {
                    let place = |name: &String| {
                        columns.iter().position(|it| it == name).ok_or_else(|| Reason::Unknown(name.clone()))
                    };
                    let indicators = it.right.iter().map(|it| place(&it.name)).collect::<Result<Vec<_>, _>>()?;
                    let mode = if formative { Mode::Formative } else { Mode::Reflective };
                    for name in &it.left {
                        if columns.contains(&name.as_str()) {
                            return Err(Reason::Taken(name.clone()));
                        }
                        let taken =
                            indicators.iter().find(|at| self.constructs.iter().any(|it| it.indicators.contains(at)));
                        if self.names.contains(name) || taken.is_some() {
                            let twice = taken.map_or_else(|| name.clone(), |at| columns[*at].to_owned());
                            return Err(Reason::Twice(twice));
                        }
                        self.names.push(name.clone());
                        self.constructs.push(Construct { indicators: indicators.clone(), mode });
                    }
                }
                Operator::Depends => {
                    for (to, from) in it.left.iter().flat_map(|to| it.right.iter().map(move |from| (to, &from.name))) {
                        if to == from {
                            return Err(Reason::Itself(to.clone()));
                        }
                        self.paths.push((from.clone(), to.clone()));
                    }
                }
            }
        }
        Ok(())
    }

    fn model(mut self, columns: &[&str]) -> Result<(Model, Vec<String>), Unread> {
        let named: Vec<String> = self.paths.iter().flat_map(|(from, to)| [from.clone(), to.clone()]).collect();
        for name in named {
            if self.names.contains(&name) {
                continue;
            }
            let free = columns.iter().position(|it| *it == name);
            let taken = |at: &usize| self.constructs.iter().any(|it| it.indicators.contains(at));
            let Some(at) = free.filter(|at| !taken(at)) else {
                return Err(Unread::Text(Misread { line: 0, reason: Reason::Unknown(name) }));
            };
            self.names.push(name);
            self.constructs.push(Construct { indicators: vec![at], mode: Mode::Reflective });
        }
        let place = |name: &String| self.names.iter().position(|it| it == name).unwrap_or_default();
        let paths: Vec<(usize, usize)> = self.paths.iter().map(|(from, to)| (place(from), place(to))).collect();
        match Model::new(self.constructs, &paths) {
            Ok(model) => Ok((model, self.names)),
            Err(fault) => Err(Unread::Model(fault, self.names)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [&str; 6] = ["a1", "a2", "b1", "b2", "c", "d"];

    #[test]
    fn a_text_is_the_model_that_it_says() {
        let text = "A =~ a1 + a2 # signs\nB <~ b1 + b2; B ~ A\nc ~ A + B";
        let (model, names) = Model::read(text, &COLUMNS).unwrap();
        let construct = |indicators: &[usize], mode| Construct { indicators: indicators.to_vec(), mode };
        let wanted = vec![
            construct(&[0, 1], Mode::Reflective),
            construct(&[2, 3], Mode::Formative),
            construct(&[4], Mode::Reflective),
        ];
        assert_eq!(names, ["A", "B", "c"]);
        assert_eq!(model, Model::new(wanted, &[(0, 1), (0, 2), (1, 2)]).unwrap());
    }

    #[test]
    fn what_cannot_be_is_told() {
        for (text, told) in [
            ("", "says nothing"),
            ("A = a1", "no =~"),
            ("A =~ a1 + x; d ~ A", "x is neither"),
            ("A =~ a1 + a2; B =~ a2 + b1; B ~ A", "a2 is said twice"),
            ("A =~ a1; A =~ a2; d ~ A", "A is said twice"),
            ("a1 =~ a2; d ~ a1", "a1 is a column already"),
            ("A =~ a1 + a2; d ~ A; A ~ d", "circle"),
            ("A =~ a1 + a2; d ~ c", "A leads nowhere"),
            ("A =~ a1 + a2; A ~ A", "itself"),
            ("A =~ a1 + a2; d ~ B", "B is neither"),
            ("A =~ a1 + a2; d ~ a1", "a1 is neither"),
            ("A =~ 0.5*a1 + a2; d ~ A", "not known here"),
            ("A =~ a1 + a2; d ~ A; a1 ~~ a2", "not known here"),
        ] {
            let error = Model::read(text, &COLUMNS).unwrap_err().to_string();
            assert!(error.contains(told), "{text}: {error}");
        }
    }
}
