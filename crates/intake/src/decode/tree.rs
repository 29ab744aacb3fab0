//! One item's JSON as a map, read under a budget.
//!
//! Always holds: depth and number of values are bounded while reading; a key stands once in its object; no text holds U+0000;
//! a fault knows the path to where it is. It does not know what the keys mean.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::Limits;
use crate::reject::{Fault, RejectCode};

/// Reads the JSON object `text`. `body_values` is what is left of the body's budget and is reduced by what the item holds.
pub(super) fn read(text: &str, limits: &Limits, body_values: &mut usize) -> Result<Map<String, Value>, Fault> {
    let allowed = limits.event_values.min(*body_values);
    let mut walk = Walk { values_left: allowed, depth_limit: limits.depth, fault: None, trail: Vec::new() };
    let mut reader = serde_json::Deserializer::from_str(text);
    let result = Node { walk: &mut walk, depth: 0 }.deserialize(&mut reader);
    *body_values -= allowed - walk.values_left;
    match result {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Fault::new(RejectCode::WrongType, "", "an event is a JSON object")),
        Err(error) => Err(walk.fault(&error)),
    }
}

enum Step {
    Key(String),
    Index(usize),
}

struct Walk {
    values_left: usize,
    depth_limit: usize,
    fault: Option<(RejectCode, String)>,
    /// From the fault outwards.
    trail: Vec<Step>,
}

impl Walk {
    fn fail<E: serde::de::Error>(&mut self, code: RejectCode, message: impl Into<String>) -> E {
        self.fault = Some((code, message.into()));
        E::custom("refused")
    }

    fn text<E: serde::de::Error>(&mut self, text: &str) -> Result<(), E> {
        if text.as_bytes().contains(&0) {
            return Err(self.fail(RejectCode::Nul, "a text holds the character U+0000: leave it out"));
        }
        Ok(())
    }

    fn fault(self, error: &serde_json::Error) -> Fault {
        let (code, message) = self.fault.unwrap_or_else(|| {
            let text = error.to_string();
            let reason = text.split(" at line ").next().unwrap_or_default().to_owned();
            (RejectCode::BadJson, format!("{reason} (byte {} of the event)", error.column()))
        });
        Fault { code, message, path: path(&self.trail) }
    }
}

fn path(trail: &[Step]) -> String {
    let mut path = String::new();
    for step in trail.iter().rev() {
        match step {
            Step::Key(key) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.extend(key.chars().take(64));
            }
            Step::Index(index) => path.push_str(&format!("[{index}]")),
        }
    }
    path
}

struct Node<'w> {
    walk: &'w mut Walk,
    depth: usize,
}

impl Node<'_> {
    fn deeper<E: serde::de::Error>(&mut self) -> Result<usize, E> {
        if self.depth >= self.walk.depth_limit {
            let limit = self.walk.depth_limit;
            return Err(self.walk.fail(RejectCode::TooDeep, format!("nested deeper than {limit}: flatten it")));
        }
        Ok(self.depth + 1)
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        let Some(left) = self.walk.values_left.checked_sub(1) else {
            return Err(self
                .walk
                .fail(RejectCode::TooManyValues, "too many values in one event or one body: send fewer"));
        };
        self.walk.values_left = left;
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        serde_json::Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        self.walk.text(value)?;
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut access: A) -> Result<Value, A::Error> {
        let depth = self.deeper()?;
        let mut list = Vec::new();
        loop {
            match access.next_element_seed(Node { walk: &mut *self.walk, depth }) {
                Ok(Some(value)) => list.push(value),
                Ok(None) => return Ok(Value::Array(list)),
                Err(error) => {
                    self.walk.trail.push(Step::Index(list.len()));
                    return Err(error);
                }
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut access: A) -> Result<Value, A::Error> {
        let depth = self.deeper()?;
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            self.walk.text(&key)?;
            if map.contains_key(&key) {
                self.walk.trail.push(Step::Key(key));
                return Err(self.walk.fail(RejectCode::DuplicateKey, "this key stands twice in its object"));
            }
            match access.next_value_seed(Node { walk: &mut *self.walk, depth }) {
                Ok(value) => map.insert(key, value),
                Err(error) => {
                    self.walk.trail.push(Step::Key(key));
                    return Err(error);
                }
            };
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> (RejectCode, String) {
        let fault = read(text, &Limits::default(), &mut 100_000).unwrap_err();
        (fault.code, fault.path)
    }

    #[test]
    fn a_fault_knows_where_it_is() {
        assert_eq!(fault(r#"{"a":{"b":[1,{"c":1,"c":2}]}}"#), (RejectCode::DuplicateKey, "a.b[1].c".into()));
        assert_eq!(fault(r#"{"a":[0,"x\u0000"]}"#), (RejectCode::Nul, "a[1]".into()));
        assert_eq!(fault(r#"{"price":1e999}"#), (RejectCode::BadJson, "price".into()));
        assert_eq!(fault(r#"{"t":"\ud800"}"#), (RejectCode::BadJson, "t".into()));
        assert_eq!(fault("[]"), (RejectCode::WrongType, String::new()));
    }

    #[test]
    fn budgets_hold() {
        let limits = Limits { depth: 3, event_values: 4, ..Limits::default() };
        let mut left = 6;
        assert!(read(r#"{"a":{"b":[]}}"#, &limits, &mut left).is_ok());
        assert_eq!(left, 3);
        assert_eq!(read(r#"{"a":{"b":[[]]}}"#, &limits, &mut 9).unwrap_err().code, RejectCode::TooDeep);
        assert_eq!(read(r#"{"a":1,"b":2,"c":3}"#, &limits, &mut left).unwrap_err().code, RejectCode::TooManyValues);
        assert_eq!(left, 0);
        assert!(read(r#"{"a":1,"b":2,"c":3}"#, &limits, &mut 4).is_ok());
    }
}
