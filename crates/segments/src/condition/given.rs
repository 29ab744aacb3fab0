//! Values of a condition that stand there by themselves or are given by a parameter, so that a condition can be used again with other numbers.
//!
//! In JSON a parameter stands as `{"parameter": "least"}` where a value could, and the outermost condition says what it is in `with`; as text it is
//! `$least`, and the text ends with `with $least = 3`.
//!
//! Always holds: a value that is given by a parameter is the value; everything that evaluates a condition sees no difference, and two
//! conditions that say the same are equal, whatever their parameters are called.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::num::NonZeroU8;

use serde_json::{Map, Value};

use super::Condition;
use super::limits::Budget;
use super::place::Place;
use crate::Error;

/// The field in which the outermost condition says what its parameters are.
pub(super) const WITH: &str = "with";
/// The field that stands for a parameter.
pub(super) const PARAMETER: &str = "parameter";
const VALUE: &str = "value";
/// More parameters than this are a form to be filled in.
const MOST: usize = 50;

/// The name of a parameter: lower-case letters, digits and `_`, a letter first, at most 15.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    bytes: [u8; 15],
    length: NonZeroU8,
}

impl Name {
    /// Reads a name.
    pub fn parse(text: &str) -> Option<Self> {
        let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let mut bytes = [0; 15];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        let is_name = text.starts_with(|c: char| c.is_ascii_lowercase()) && text.bytes().all(is_letter);
        let length = u8::try_from(text.len()).ok().and_then(NonZeroU8::new)?;
        is_name.then_some(Self { bytes, length })
    }

    /// The name as a text.
    pub fn as_str(&self) -> &str {
        // Only letters, digits and `_` come in.
        std::str::from_utf8(&self.bytes[..usize::from(self.length.get())]).unwrap_or_default()
    }
}

impl std::fmt::Debug for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "${}", self.as_str())
    }
}

/// A value, and the parameter that gives it, if one does.
#[derive(Clone, Copy)]
pub struct Given<T> {
    value: T,
    by: Option<Name>,
}

impl<T> Given<T> {
    /// What a parameter says.
    pub(crate) const fn by(value: T, name: Name) -> Self {
        Self { value, by: Some(name) }
    }

    /// The parameter that gives it.
    pub const fn name(&self) -> Option<Name> {
        self.by
    }

    /// As JSON that still says both, the value and its parameter.
    pub(super) fn to_json(&self, json: impl FnOnce(&T) -> Value) -> Value {
        let value = json(&self.value);
        match self.by {
            None => value,
            Some(name) => Value::Object(Map::from_iter([
                (PARAMETER.to_owned(), Value::from(name.as_str())),
                (VALUE.to_owned(), value),
            ])),
        }
    }
}

impl<T> Given<Option<T>> {
    /// A value that is there.
    pub(super) fn present(self) -> Option<Given<T>> {
        Some(Given { value: self.value?, by: self.by })
    }
}

impl<T> From<T> for Given<T> {
    fn from(value: T) -> Self {
        Self { value, by: None }
    }
}

impl From<&str> for Given<String> {
    fn from(value: &str) -> Self {
        value.to_owned().into()
    }
}

impl<T> std::ops::Deref for Given<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: PartialEq> PartialEq for Given<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Given<T> {}

impl<T: PartialOrd> PartialOrd for Given<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl<T: Hash> Hash for Given<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.value.hash(state);
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for Given<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.value.fmt(f)
    }
}

/// The parameters of a condition that is being decoded.
#[derive(Default)]
pub(super) struct Parameters {
    values: BTreeMap<Name, Value>,
    used: BTreeSet<Name>,
}

impl Parameters {
    /// Reads the field `with`.
    pub(super) fn decode(value: &Value, place: &Place<'_>) -> Result<Self, Error> {
        let fields =
            value.as_object().ok_or_else(|| place.refuse("expected an object: parameters and their values"))?;
        if fields.len() > MOST {
            return Err(Error::TooLarge { what: "parameters", limit: MOST });
        }
        let mut values = BTreeMap::new();
        for (name, value) in fields {
            const NAMES: &str =
                "a parameter's name is of at most 15 lower-case letters, digits and `_`, a letter first";
            let name = Name::parse(name).ok_or_else(|| place.refuse(NAMES))?;
            if !(value.is_string() || value.is_number() || value.is_boolean()) {
                return Err(place.field(name.as_str()).refuse("expected a text, a number or a boolean"));
            }
            values.insert(name, value.clone());
        }
        Ok(Self { values, used: BTreeSet::new() })
    }

    /// Refuses parameters that nothing uses.
    pub(super) fn finish(&self) -> Result<(), Error> {
        match self.values.keys().find(|name| !self.used.contains(name)) {
            None => Ok(()),
            Some(name) => Err(Place::ROOT.field(WITH).field(name.as_str()).refuse("nothing uses this parameter")),
        }
    }
}

/// Reads a value, or the parameter that stands for it.
pub(super) fn given<T>(
    value: &Value,
    place: &Place<'_>,
    budget: &mut Budget,
    read: impl FnOnce(&Value, &Place<'_>, &mut Budget) -> Result<T, Error>,
) -> Result<Given<T>, Error> {
    let Some(name) = value.as_object().and_then(|fields| fields.get(PARAMETER)) else {
        return Ok(read(value, place, budget)?.into());
    };
    let name = name.as_str().and_then(Name::parse);
    let name = name.ok_or_else(|| place.field(PARAMETER).refuse("expected the name of a parameter"))?;
    let Some(value) = budget.parameters.values.get(&name).cloned() else {
        let problem =
            format!("there is no parameter `{}`; say what it is in `with` beside the condition", name.as_str());
        return Err(place.field(PARAMETER).refuse(problem));
    };
    budget.parameters.used.insert(name);
    let with = Place::ROOT.field(WITH);
    Ok(Given::by(read(&value, &with.field(name.as_str()), budget)?, name))
}

/// Takes the values out of JSON that says both, parameter and value. A parameter with two values is an error: its name.
pub(super) fn lift(value: &mut Value, with: &mut Map<String, Value>) -> Result<(), String> {
    match value {
        Value::Array(elements) => elements.iter_mut().try_for_each(|element| lift(element, with)),
        Value::Object(fields) => {
            let parameter = fields.get(PARAMETER).and_then(Value::as_str).map(str::to_owned);
            let Some(name) = parameter else { return fields.values_mut().try_for_each(|field| lift(field, with)) };
            let value = fields.remove(VALUE).unwrap_or_default();
            match with.insert(name.clone(), value.clone()) {
                Some(other) if other != value => Err(name),
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// Puts the values in the place of their parameters.
pub(super) fn bind(value: &mut Value) {
    match value {
        Value::Array(elements) => elements.iter_mut().for_each(bind),
        Value::Object(fields) if fields.contains_key(PARAMETER) => *value = fields.remove(VALUE).unwrap_or_default(),
        Value::Object(fields) => fields.values_mut().for_each(bind),
        _ => {}
    }
}

impl Condition {
    /// Its parameters with their values.
    pub fn parameters(&self) -> Map<String, Value> {
        match self.to_json() {
            Value::Object(mut fields) => match fields.remove(WITH) {
                Some(Value::Object(with)) => with,
                _ => Map::new(),
            },
            _ => Map::new(),
        }
    }

    /// The same with other values of some parameters.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a parameter that it does not have, or a value that does not fit.
    pub fn with_parameters(&self, values: &Map<String, Value>) -> Result<Self, Error> {
        let mut form = self.to_json();
        let place = Place::ROOT.field(WITH);
        for (name, value) in values {
            let known = form.get_mut(WITH).and_then(|with| with.get_mut(name));
            let known = known.ok_or_else(|| place.field(name).refuse("it has no parameter of this name"))?;
            *known = value.clone();
        }
        Self::from_json(&form, super::Limits::DEFAULT)
    }
}
