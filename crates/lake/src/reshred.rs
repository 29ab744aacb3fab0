//! Moves values from the residual into columns that became hot after their file was written. Compaction does it, so that in the
//! end a hot property is read from its column alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, StringArray, StringBuilder};
use arrow::compute::is_null;
use arrow::compute::kernels::zip::zip;
use serde_json::{Map, Value};

use crate::batch::{HotColumn, Typed};
use crate::columns::{self, ColumnSet};
use crate::error::Result;

/// `batch`, which has all columns of `set`, with everything in its column. Residuals that are no JSON object stay as they are.
pub(crate) fn reshred(batch: &RecordBatch, set: &ColumnSet) -> Result<RecordBatch> {
    let residual = crate::batch::column(batch, columns::RESIDUAL)?.as_string::<i32>();
    let (rest, moved) = split(residual, set);
    if moved.is_empty() {
        return Ok(batch.clone());
    }
    let mut arrays = batch.columns().to_vec();
    let schema = batch.schema();
    arrays[schema.index_of(columns::RESIDUAL)?] = Arc::new(rest);
    for (rank, values) in moved {
        let at = schema.index_of(&set.columns()[rank].name())?;
        let values = values.finish(batch.num_rows());
        arrays[at] = zip(&is_null(&arrays[at])?, &values, &arrays[at])?;
    }
    Ok(RecordBatch::try_new(schema, arrays)?)
}

/// What stays, and by rank what has a column.
fn split(residual: &StringArray, set: &ColumnSet) -> (StringArray, BTreeMap<usize, HotColumn>) {
    let mut moved: BTreeMap<usize, HotColumn> = BTreeMap::new();
    let mut rest = StringBuilder::new();
    for (at, text) in residual.iter().enumerate() {
        let Some(Ok(object)) = text.map(serde_json::from_str::<Map<String, Value>>) else {
            rest.append_option(text);
            continue;
        };
        let mut kept = Map::new();
        for (path, value) in object {
            let typed = Typed::of(&path, &value);
            match set.rank(&path, typed.kind()) {
                Some(rank) => moved.entry(rank).or_insert_with(|| HotColumn::of(typed.kind())).append(at, typed),
                None => drop(kept.insert(path, value)),
            }
        }
        if kept.is_empty() { rest.append_null() } else { rest.append_value(Value::Object(kept).to_string()) }
    }
    (rest.finish(), moved)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::{PropertyColumn, PropertyType};
    use arrow::array::{Array, ArrayRef};
    use arrow::datatypes::{Field, Float64Type, Schema};

    #[test]
    fn what_has_a_column_leaves_the_residual() {
        let set = ColumnSet::of([PropertyColumn::new("size", PropertyType::Number)]);
        let residual: ArrayRef = Arc::new(StringArray::from(vec![
            Some(r#"{"color":"red","size":2.5}"#),
            Some(r#"{"size":"large"}"#),
            None,
            Some(r#"{"size":4}"#),
        ]));
        let sizes: ArrayRef = Arc::new(arrow::array::Float64Array::from(vec![None, None, Some(7.0), None]));
        let field = |name: &str, array: &ArrayRef| Field::new(name, array.data_type().clone(), true);
        let schema = Schema::new(vec![field(columns::RESIDUAL, &residual), field("p:size:n", &sizes)]);
        let batch = RecordBatch::try_new(Arc::new(schema), vec![residual, sizes]).unwrap();
        let done = reshred(&batch, &set).unwrap();
        let texts: Vec<_> = done.column(0).as_string::<i32>().iter().collect();
        assert_eq!(texts, [Some(r#"{"color":"red"}"#), Some(r#"{"size":"large"}"#), None, None]);
        let sizes: Vec<_> = done.column(1).as_primitive::<Float64Type>().iter().collect();
        assert_eq!(sizes, [Some(2.5), None, Some(7.0), Some(4.0)]);
    }
}
