//! Rows read back from batches: the way back of [`crate::batch::of_rows`].

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type, TimestampMicrosecondType};
use rapport_domain::{EventKind, Handle, PersonId, SourceId, Timestamp};
use serde_json::{Map, Number, Value};

use crate::batch::{self, Keys};
use crate::columns::{self, ColumnSet, PropertyType};
use crate::error::{Error, Result};
use crate::reading::money_as_text;
use crate::row::{EventRow, RowKey};

/// Some rows of `batch`, in the order of `rows`.
pub(crate) fn rows(batch: &RecordBatch, set: &ColumnSet, rows: &[usize]) -> Result<Vec<EventRow>> {
    let keys = Keys::of(batch)?;
    let received_at = batch::column(batch, columns::RECEIVED_AT)?.as_primitive::<TimestampMicrosecondType>();
    let source = batch::column(batch, columns::SOURCE)?.as_primitive::<Int64Type>();
    let (kind, name) = (batch::words(batch, columns::KIND)?, batch::words(batch, columns::NAME)?);
    let residual = batch::column(batch, columns::RESIDUAL)?.as_string::<i32>();
    let hot: Vec<(&str, PropertyType, &ArrayRef)> = set
        .columns()
        .iter()
        .filter_map(|column| Some((column.path.as_str(), column.kind, batch.column_by_name(&column.name())?)))
        .collect();
    let read = |row: usize| {
        let key = RowKey {
            person: PersonId(keys.person.value(row)),
            handle: Handle(keys.handle.value(row)),
            occurred_at: Timestamp(keys.occurred_at.value(row)),
            order_key: keys.order_key.value(row),
            event_id: keys.id(row),
        };
        let received_at = Timestamp(received_at.value(row));
        let kind =
            kind_of(kind.value(row)).ok_or_else(|| Error::Damaged(format!("unknown kind {}", kind.value(row))))?;
        let bare = EventRow::bare(key, received_at, SourceId(source.value(row)), kind, name.value(row).to_owned());
        let mut properties: Vec<(String, Value)> = Vec::new();
        for (path, kind, column) in hot.iter().filter(|(_, _, column)| column.is_valid(row)) {
            properties.extend(value(column, *kind, row).map(|value| ((*path).to_owned(), value)));
        }
        if residual.is_valid(row) {
            let rest: Map<String, Value> = serde_json::from_str(residual.value(row))
                .map_err(|_| Error::Damaged("a residual is no JSON object".to_owned()))?;
            properties.extend(rest);
        }
        properties.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(bare.with_properties(properties))
    };
    rows.iter().map(|row| read(*row)).collect()
}

fn kind_of(word: &str) -> Option<EventKind> {
    use EventKind::{Alias, Group, Identify, Page, Screen, Track};
    [Identify, Track, Page, Screen, Group, Alias].into_iter().find(|kind| kind.as_str() == word)
}

fn value(column: &ArrayRef, kind: PropertyType, row: usize) -> Option<Value> {
    Some(match kind {
        PropertyType::Number => number(column.as_primitive::<Float64Type>().value(row))?,
        PropertyType::Text | PropertyType::Json => Value::from(column.as_string::<i32>().value(row)),
        PropertyType::Boolean => Value::from(column.as_boolean().value(row)),
        PropertyType::Money => {
            let micros = column.as_primitive::<Int64Type>().value(row);
            serde_json::from_str(&money_as_text(micros)).ok()?
        }
    })
}

/// A number as JSON; whole ones without a fraction.
#[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
fn number(float: f64) -> Option<Value> {
    if float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0 {
        return Some(Value::from(float as i64));
    }
    Number::from_f64(float).map(Value::Number)
}
