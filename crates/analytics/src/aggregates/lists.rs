//! Lists of 64-bit integers: the form of partial states and of what a person's events come to.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, ListArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::{Result, exec_datafusion_err};

/// The type of the lists.
pub(super) fn list_type() -> DataType {
    DataType::List(item())
}

fn item() -> FieldRef {
    Arc::new(Field::new_list_field(DataType::Int64, true))
}

/// Builds one list after the other.
#[derive(Default)]
pub(super) struct Lists {
    values: Vec<i64>,
    lengths: Vec<usize>,
}

impl Lists {
    pub(super) fn with_capacity(lists: usize) -> Self {
        Self { values: Vec::new(), lengths: Vec::with_capacity(lists) }
    }

    pub(super) fn push(&mut self, list: impl IntoIterator<Item = i64>) {
        let before = self.values.len();
        self.values.extend(list);
        self.lengths.push(self.values.len() - before);
    }

    /// Lists that all have `N` items.
    pub(super) fn of_rows<const N: usize>(rows: impl ExactSizeIterator<Item = [i64; N]>) -> ArrayRef {
        let lists = rows.len();
        let mut values = Vec::with_capacity(lists * N);
        rows.for_each(|row| values.extend(row));
        Self::of_equal(values, N, lists)
    }

    /// Values that are as many lists, one after the other, of equal length.
    pub(super) fn of_equal(values: Vec<i64>, length: usize, lists: usize) -> ArrayRef {
        let offsets = OffsetBuffer::from_repeated_length(length, lists);
        Arc::new(ListArray::new(item(), offsets, Arc::new(Int64Array::from(values)), None))
    }

    pub(super) fn finish(self) -> ArrayRef {
        let offsets = OffsetBuffer::from_lengths(self.lengths);
        Arc::new(ListArray::new(item(), offsets, Arc::new(Int64Array::from(self.values)), None))
    }
}

/// An array of lists, to read.
#[derive(Clone, Copy)]
pub(super) struct ListsView<'a> {
    values: &'a [i64],
    offsets: &'a [i32],
}

impl<'a> ListsView<'a> {
    pub(super) fn of(array: &'a dyn Array) -> Result<Self> {
        let wrong = || exec_datafusion_err!("expected lists of 64-bit integers");
        let lists = array.as_list_opt::<i32>().ok_or_else(wrong)?;
        let values = lists.values().as_primitive_opt::<Int64Type>().ok_or_else(wrong)?;
        Ok(Self { values: values.values(), offsets: lists.value_offsets() })
    }

    /// The list of a row; empty where it is null.
    pub(super) fn list(self, row: usize) -> &'a [i64] {
        let end = |offset: i32| usize::try_from(offset).unwrap_or(0);
        &self.values[end(self.offsets[row])..end(self.offsets[row + 1])]
    }
}
