//! What the names of a template stand for while one message is rendered: the variables of the loops around a place, the reserved
//! tokens of the message, then the data.
//!
//! Always holds: data cannot take the place of a reserved token; a null is the same as no value.

use std::sync::Arc;

use minijinja::value::{Object, Value};

use super::filters::{READER, Reader};
use super::message::Recipient;

/// The tokens that the sender gives to every message, whatever the data say.
pub(crate) const RESERVED: &[&str] = &["unsubscribe_url", "preferences_url", "view_url"];

/// Names and their values. Shared by all expressions at one place of a template.
#[derive(Debug)]
struct Scope {
    /// Innermost last.
    variables: Vec<(Arc<str>, Value)>,
    base: Arc<Base>,
}

#[derive(Debug)]
struct Base {
    reader: Value,
    reserved: Vec<(&'static str, Value)>,
    data: Value,
}

impl Object for Scope {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        if let Some((_, value)) = self.variables.iter().rev().find(|(name, _)| &**name == key) {
            return Some(value.clone());
        }
        if key == READER {
            return Some(self.base.reader.clone());
        }
        if RESERVED.contains(&key) {
            return self.base.reserved.iter().find(|(name, _)| *name == key).map(|(_, value)| value.clone());
        }
        self.base.data.get_attr(key).ok().filter(|value| !value.is_undefined())
    }
}

/// The scope of a message, before any loop.
pub(crate) fn of_message(data: &serde_json::Value, reader: Reader, recipient: &Recipient<'_>) -> Value {
    let urls = [recipient.unsubscribe_url, recipient.preferences_url, recipient.view_url];
    let reserved = RESERVED.iter().zip(urls).filter_map(|(name, url)| Some((*name, Value::from(url?)))).collect();
    let base = Base { reader: Value::from_object(reader), reserved, data: value(data) };
    Value::from_object(Scope { variables: Vec::new(), base: Arc::new(base) })
}

/// The scope within a loop: its variable, and `loop` with `index` (from 1), `first` and `last`.
pub(crate) fn within(outer: &Value, name: &Arc<str>, item: Value, index: usize, last: bool) -> Value {
    let Some(outer) = outer.downcast_object_ref::<Scope>() else { return outer.clone() };
    let state = [("index", Value::from(index)), ("first", Value::from(index == 1)), ("last", Value::from(last))];
    let mut variables = outer.variables.clone();
    variables.push(("loop".into(), Value::from_pairs(state)));
    variables.push((Arc::clone(name), item));
    Value::from_object(Scope { variables, base: Arc::clone(&outer.base) })
}

/// JSON as the expressions see it, without its nulls.
pub(crate) fn value(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::UNDEFINED,
        serde_json::Value::Bool(flag) => Value::from(*flag),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) => Value::from(whole),
            (None, Some(whole)) => Value::from(whole),
            (None, None) => Value::from(number.as_f64().unwrap_or(f64::NAN)),
        },
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Array(items) => items.iter().filter(|item| !item.is_null()).map(value).collect(),
        serde_json::Value::Object(members) => Value::from_pairs(
            members.iter().filter(|(_, member)| !member.is_null()).map(|(key, member)| (key.as_str(), value(member))),
        ),
    }
}
