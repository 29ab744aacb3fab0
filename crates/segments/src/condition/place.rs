//! Where in a condition a decoder is, so that an error can name it: `all[1].performed.times`.
//!
//! Always holds: nothing is built until there is an error; a place is a chain of borrowed parts on the stack.

use crate::Error;

/// A field or an element, and what it is in.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    parent: Option<&'a Place<'a>>,
    part: Part<'a>,
}

#[derive(Clone, Copy)]
enum Part<'a> {
    Root,
    Field(&'a str),
    Index(usize),
}

impl<'a> Place<'a> {
    /// The condition itself.
    pub(super) const ROOT: Place<'static> = Place { parent: None, part: Part::Root };

    /// A field of this place.
    pub(super) fn field(&'a self, name: &'a str) -> Place<'a> {
        Place { parent: Some(self), part: Part::Field(name) }
    }

    /// An element of this place.
    pub(super) fn index(&'a self, index: usize) -> Place<'a> {
        Place { parent: Some(self), part: Part::Index(index) }
    }

    /// An error here.
    pub(super) fn refuse(&self, problem: impl Into<String>) -> Error {
        Error::Invalid { place: self.to_string(), problem: problem.into() }
    }
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(parent) = self.parent else { return f.write_str("the condition") };
        let below_root = parent.parent.is_none();
        if !below_root {
            parent.fmt(f)?;
        }
        match self.part {
            Part::Root => Ok(()),
            Part::Field(name) if below_root => f.write_str(name),
            Part::Field(name) => write!(f, ".{name}"),
            Part::Index(index) => write!(f, "[{index}]"),
        }
    }
}
