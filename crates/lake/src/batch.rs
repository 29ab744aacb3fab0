//! Rows to Arrow, and the few things done to batches: put in order, cut into cells, fitted to a wider schema.
//!
//! Always holds: a batch has the fixed columns, and of the hot columns those in which at least one row has a value; what no hot
//! column can hold exactly is in the residual. Files and hot batches are sorted by (person, occurred_at, order_key, event_id).

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanBuilder, FixedSizeBinaryArray, Float64Builder, Int64Array, Int64Builder, RecordBatch,
    StringBuilder, StringViewArray, StringViewBuilder, TimestampMicrosecondArray, UInt32Array, new_null_array,
};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{Field, Int64Type, Schema, SchemaRef, TimestampMicrosecondType};
use rapport_domain::{EventId, PersonId, Timestamp, money};
use serde_json::{Map, Value};

use crate::columns::{self, ColumnSet, PropertyType};
use crate::error::{Error, Result};
use crate::layout::{Cell, Layout};
use crate::row::EventRow;

/// The batch of `rows`, in their order.
pub(crate) fn of_rows(rows: &[EventRow], set: &ColumnSet) -> Result<RecordBatch> {
    let mut hot: BTreeMap<usize, HotColumn> = BTreeMap::new();
    let mut residual = StringBuilder::new();
    for (at, row) in rows.iter().enumerate() {
        let mut rest = Map::new();
        for (path, value) in row.properties() {
            let typed = Typed::of(path, value);
            match set.rank(path, typed.kind()) {
                Some(rank) => hot.entry(rank).or_insert_with(|| HotColumn::of(typed.kind())).append(at, typed),
                None => {
                    rest.insert(path.clone(), value.clone());
                }
            }
        }
        if rest.is_empty() {
            residual.append_null();
        } else {
            residual.append_value(Value::Object(rest).to_string());
        }
    }
    let mut fields = columns::fixed_fields();
    let mut arrays = fixed_arrays(rows)?;
    arrays.push(Arc::new(residual.finish()));
    for (rank, column) in hot {
        let of = &set.columns()[rank];
        fields.push(Field::new(of.name(), of.kind.data_type(), true));
        arrays.push(column.finish(rows.len()));
    }
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
}

/// A property's value under the type it counts for.
#[derive(Clone, Copy)]
pub(crate) enum Typed<'v> {
    Number(f64),
    Text(&'v str),
    Boolean(bool),
    Money(i64),
    /// A list, or a number that the column's type cannot hold: stays in the residual.
    Json,
}

impl<'v> Typed<'v> {
    /// Amounts on money paths are rounded to the millionth.
    pub(crate) fn of(path: &str, value: &'v Value) -> Self {
        match value {
            Value::Bool(flag) => Self::Boolean(*flag),
            Value::String(text) => Self::Text(text),
            Value::Number(number) if columns::MONEY_PATHS.contains(&path) => {
                money::parse_micros(&number.to_string()).map_or(Self::Json, Self::Money)
            }
            Value::Number(number) => match number.as_f64() {
                Some(float) if number.is_f64() || float.abs() <= MAX_EXACT_INTEGER => Self::Number(float),
                _ => Self::Json,
            },
            Value::Null | Value::Array(_) | Value::Object(_) => Self::Json,
        }
    }

    pub(crate) const fn kind(self) -> PropertyType {
        match self {
            Self::Number(_) => PropertyType::Number,
            Self::Text(_) => PropertyType::Text,
            Self::Boolean(_) => PropertyType::Boolean,
            Self::Money(_) => PropertyType::Money,
            Self::Json => PropertyType::Json,
        }
    }
}

/// 2^53: every integer up to here is exact in floating point.
const MAX_EXACT_INTEGER: f64 = 9_007_199_254_740_992.0;

/// A hot column while it is filled; rows without a value are padded with nulls later.
pub(crate) enum HotColumn {
    Number(Float64Builder),
    Text(StringBuilder),
    Boolean(BooleanBuilder),
    Money(Int64Builder),
}

impl HotColumn {
    pub(crate) fn of(kind: PropertyType) -> Self {
        match kind {
            PropertyType::Number => Self::Number(Float64Builder::new()),
            PropertyType::Boolean => Self::Boolean(BooleanBuilder::new()),
            PropertyType::Money => Self::Money(Int64Builder::new()),
            PropertyType::Text | PropertyType::Json => Self::Text(StringBuilder::new()),
        }
    }

    pub(crate) fn append(&mut self, at: usize, value: Typed<'_>) {
        self.pad(at);
        match (self, value) {
            (Self::Number(column), Typed::Number(number)) => column.append_value(number),
            (Self::Text(column), Typed::Text(text)) => column.append_value(text),
            (Self::Boolean(column), Typed::Boolean(flag)) => column.append_value(flag),
            (Self::Money(column), Typed::Money(micros)) => column.append_value(micros),
            _ => debug_assert!(false, "a column's rank is looked up by the value's own type"),
        }
    }

    /// Nulls up to row `at`. A path that comes twice in one row cannot be: paths are keys of an object.
    fn pad(&mut self, at: usize) {
        use arrow::array::ArrayBuilder;
        match self {
            Self::Number(column) => column.append_nulls(at - column.len()),
            Self::Boolean(column) => column.append_nulls(at - column.len()),
            Self::Money(column) => column.append_nulls(at - column.len()),
            Self::Text(column) => column.append_nulls(at - column.len()),
        }
    }

    pub(crate) fn finish(mut self, rows: usize) -> ArrayRef {
        self.pad(rows);
        match self {
            Self::Number(mut column) => Arc::new(column.finish()),
            Self::Text(mut column) => Arc::new(column.finish()),
            Self::Boolean(mut column) => Arc::new(column.finish()),
            Self::Money(mut column) => Arc::new(column.finish()),
        }
    }
}

fn fixed_arrays(rows: &[EventRow]) -> Result<Vec<ArrayRef>> {
    let integers =
        |get: fn(&EventRow) -> i64| -> ArrayRef { Arc::new(Int64Array::from_iter_values(rows.iter().map(get))) };
    let times = |get: fn(&EventRow) -> i64| -> ArrayRef {
        Arc::new(TimestampMicrosecondArray::from_iter_values(rows.iter().map(get)).with_timezone("UTC"))
    };
    let words = |get: fn(&EventRow) -> &str| -> ArrayRef {
        let mut builder = StringViewBuilder::with_capacity(rows.len()).with_deduplicate_strings();
        rows.iter().for_each(|row| builder.append_value(get(row)));
        Arc::new(builder.finish())
    };
    let ids = FixedSizeBinaryArray::try_from_iter(rows.iter().map(|row| row.event_id.0));
    let ids = if rows.is_empty() {
        new_null_array(&arrow::datatypes::DataType::FixedSizeBinary(16), 0)
    } else {
        Arc::new(ids?)
    };
    Ok(vec![
        integers(|row| row.person.0),
        integers(|row| row.handle.0),
        times(|row| row.occurred_at.0),
        times(|row| row.received_at.0),
        integers(|row| row.order_key),
        ids,
        integers(|row| row.source.0),
        words(|row| row.kind.as_str()),
        words(|row| &row.name),
    ])
}

/// The fixed columns of a batch, for reading.
pub(crate) struct Keys<'b> {
    pub(crate) person: &'b Int64Array,
    pub(crate) handle: &'b Int64Array,
    pub(crate) occurred_at: &'b TimestampMicrosecondArray,
    pub(crate) order_key: &'b Int64Array,
    pub(crate) event_id: &'b FixedSizeBinaryArray,
}

impl<'b> Keys<'b> {
    pub(crate) fn of(batch: &'b RecordBatch) -> Result<Self> {
        Ok(Self {
            person: column(batch, columns::PERSON)?.as_primitive::<Int64Type>(),
            handle: column(batch, columns::HANDLE)?.as_primitive::<Int64Type>(),
            occurred_at: column(batch, columns::OCCURRED_AT)?.as_primitive::<TimestampMicrosecondType>(),
            order_key: column(batch, columns::ORDER_KEY)?.as_primitive::<Int64Type>(),
            event_id: column(batch, columns::EVENT_ID)?.as_fixed_size_binary(),
        })
    }

    /// The event id of a row.
    pub(crate) fn id(&self, row: usize) -> EventId {
        let mut id = [0; 16];
        id.copy_from_slice(self.event_id.value(row));
        EventId(id)
    }

    fn order(&self, row: usize) -> (i64, i64, i64, &[u8]) {
        let event_id = self.event_id.value(row);
        (self.person.value(row), self.occurred_at.value(row), self.order_key.value(row), event_id)
    }
}

/// A column that every batch of the lake has.
pub(crate) fn column<'b>(batch: &'b RecordBatch, name: &str) -> Result<&'b ArrayRef> {
    batch.column_by_name(name).ok_or_else(|| Error::Damaged(format!("the column {name} is missing")))
}

/// The batch with its rows in the lake's order.
pub(crate) fn sorted(batch: &RecordBatch) -> Result<RecordBatch> {
    let keys = Keys::of(batch)?;
    let mut rows: Vec<u32> = (0..index(batch.num_rows())).collect();
    if rows.is_sorted_by_key(|row| keys.order(*row as usize)) {
        return Ok(batch.clone());
    }
    rows.sort_unstable_by(|a, b| keys.order(*a as usize).cmp(&keys.order(*b as usize)));
    Ok(take_record_batch(batch, &UInt32Array::from(rows))?)
}

/// The rows of each cell that `batch` touches, in their order.
pub(crate) fn cut(batch: &RecordBatch, layout: Layout) -> Result<BTreeMap<Cell, RecordBatch>> {
    let keys = Keys::of(batch)?;
    let mut rows: BTreeMap<Cell, Vec<u32>> = BTreeMap::new();
    for row in 0..batch.num_rows() {
        let cell = layout.cell(PersonId(keys.person.value(row)), Timestamp(keys.occurred_at.value(row)));
        rows.entry(cell).or_default().push(index(row));
    }
    if rows.len() == 1 {
        return Ok(rows.into_keys().map(|cell| (cell, batch.clone())).collect());
    }
    rows.into_iter().map(|(cell, rows)| Ok((cell, take_record_batch(batch, &UInt32Array::from(rows))?))).collect()
}

/// `batch` with exactly the columns of `schema`, in its order; columns it lacks are null.
pub(crate) fn fitted(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let arrays = schema.fields().iter().map(|field| {
        batch
            .column_by_name(field.name())
            .cloned()
            .unwrap_or_else(|| new_null_array(field.data_type(), batch.num_rows()))
    });
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), arrays.collect(), &options)?)
}

/// All rows of `batches` in one, with the columns that any of them has, in the order of the set.
pub(crate) fn joined(batches: &[RecordBatch], set: &ColumnSet) -> Result<RecordBatch> {
    let all = set.schema();
    let used = all.fields().iter().filter(|field| {
        !field.name().starts_with("p:") || batches.iter().any(|batch| batch.column_by_name(field.name()).is_some())
    });
    let schema = Arc::new(Schema::new(used.cloned().collect::<Vec<_>>()));
    let fitted = batches.iter().map(|batch| fitted(batch, &schema)).collect::<Result<Vec<_>>>()?;
    Ok(concat_batches(&schema, &fitted)?)
}

/// A row's index as Arrow takes it.
pub(crate) fn index(row: usize) -> u32 {
    u32::try_from(row).expect("no batch has four billion rows")
}

/// The column `name` of words.
pub(crate) fn words<'b>(batch: &'b RecordBatch, name: &str) -> Result<&'b StringViewArray> {
    Ok(column(batch, name)?.as_string_view())
}
