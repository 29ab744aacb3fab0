//! JSON Lines as a table: nested objects become columns named by their path ("customer.id"), lists stay JSON text.
//!
//! Always holds: one line is one row; a line that is no object is a bad row.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::records::{BadRow, excerpt};
use crate::row::Row;

/// Objects nested deeper are kept as JSON text.
const MAX_DEPTH: usize = 8;

/// Calls `found` with the path and value of every leaf.
pub(crate) fn flatten(prefix: &str, object: &Map<String, Value>, found: &mut dyn FnMut(&str, &Value)) {
    for (key, value) in object {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            Value::Object(inner) if !inner.is_empty() && path.matches('.').count() < MAX_DEPTH => {
                flatten(&path, inner, found)
            }
            _ => found(&path, value),
        }
    }
}

/// Puts the object in `line` into the fields of `row`; `columns` names them.
pub(crate) fn fill(row: &mut Row, line: &str, columns: &HashMap<String, usize>) -> Result<(), BadRow> {
    let object = object(line)?;
    let mut fields = vec![String::new(); columns.len()];
    flatten("", &object, &mut |path, value| {
        if let Some(index) = columns.get(path) {
            fields[*index] = match value {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
        }
    });
    row.clear();
    for field in &fields {
        row.push(field);
    }
    Ok(())
}

/// Reads a line as an object.
pub(crate) fn object(line: &str) -> Result<Map<String, Value>, BadRow> {
    let bad = |message: String| BadRow { code: "not_json", message, excerpt: excerpt(line) };
    match serde_json::from_str(line) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(bad("the line is JSON, but no object".to_owned())),
        Err(error) => Err(bad(format!("the line is no JSON object (column {})", error.column()))),
    }
}
