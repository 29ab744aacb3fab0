//! Reads parameters: `$least` where a value could stand, and `with $least = 3, $window = 90 days` at the end.

use std::collections::BTreeMap;

use super::super::words::{Kind, refuse, words};
use super::Reader;
use crate::Error;
use crate::condition::{Given, Name};

const NAME: &str = "a parameter such as `$least`: at most 15 lower-case letters, digits and `_`, a letter first";

impl<'t> Reader<'t> {
    /// At the beginning of a text; where its parameters have their values is known.
    pub(super) fn new(text: &'t str) -> Result<Self, Error> {
        let words = words(text)?;
        let end = words.len() - 1;
        let mut reader = Self { text, words, at: 0, depth: 0, end, parameters: BTreeMap::new() };
        // `starts with $a` has no `=` behind it.
        let is_beginning = |reader: &Self, at: usize| {
            matches!(&reader.words[at].kind, Kind::Bare(word) if word.eq_ignore_ascii_case("with"))
                && matches!(reader.words.get(at + 1).map(|word| &word.kind), Some(Kind::Bare(word)) if word.starts_with('$'))
                && matches!(reader.words.get(at + 2).map(|word| &word.kind), Some(Kind::Mark("=")))
        };
        let Some(with) = (0..end).find(|at| is_beginning(&reader, *at)) else { return Ok(reader) };
        reader.end = with;
        reader.at = with + 1;
        loop {
            let place = reader.at;
            let name = reader.parameter().ok_or_else(|| reader.expected(NAME))?;
            reader.next();
            reader.need_mark("=")?;
            if reader.parameters.insert(name, (reader.at, false)).is_some() {
                reader.at = place;
                return Err(reader.expected("another parameter; this one has its value already"));
            }
            while !reader.is_mark(0, ",") && !matches!(reader.peek(), Kind::End) {
                reader.next();
            }
            if !reader.is_mark(0, ",") {
                break;
            }
            reader.next();
        }
        reader.at = 0;
        Ok(reader)
    }

    /// The parameter that stands here.
    pub(super) fn parameter(&self) -> Option<Name> {
        match self.peek() {
            Kind::Bare(word) => word.strip_prefix('$').and_then(Name::parse),
            _ => None,
        }
    }

    /// A value, or the parameter that stands for it.
    pub(super) fn given<T>(&mut self, read: fn(&mut Self) -> Result<T, Error>) -> Result<Given<T>, Error> {
        let is_parameter = matches!(self.peek(), Kind::Bare(word) if word.starts_with('$'));
        if !is_parameter {
            return Ok(read(self)?.into());
        }
        let name = self.parameter().ok_or_else(|| self.expected(NAME))?;
        let Some((value, is_used)) = self.parameters.get_mut(&name) else {
            let example = format!("a value, or `with ${} = ...` at the end of the text", name.as_str());
            return Err(self.expected(&example));
        };
        *is_used = true;
        let value = *value;
        self.next();
        let behind = std::mem::replace(&mut self.at, value);
        let given = read(self)?;
        if !self.is_mark(0, ",") && !matches!(self.peek(), Kind::End) {
            return Err(self.expected("`,` or the end"));
        }
        self.at = behind;
        Ok(Given::by(given, name))
    }

    /// Refuses parameters that nothing uses.
    pub(super) fn all_used(&self) -> Result<(), Error> {
        match self.parameters.iter().find(|(_, (_, is_used))| !is_used) {
            None => Ok(()),
            Some((name, (value, _))) => {
                let found = format!("`${}`", name.as_str());
                Err(refuse(self.text, self.words[value - 2].at, &found, "a parameter that the condition uses"))
            }
        }
    }
}
