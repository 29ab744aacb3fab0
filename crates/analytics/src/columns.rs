//! The columns of engine batches as plain values. A missing or differently typed column is an error, never a guess.

use arrow::array::{Array, AsArray, BooleanArray, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Decimal128Type, Float64Type, Int64Type};

use crate::error::{Error, Result};

/// A batch read by column names.
pub(crate) struct Columns<'b>(pub(crate) &'b RecordBatch);

impl<'b> Columns<'b> {
    fn array(&self, name: &str) -> Result<&'b dyn Array> {
        let missing = || Error::Plan(format!("the plan gave no column `{name}`"));
        self.0.column_by_name(name).map(AsRef::as_ref).ok_or_else(missing)
    }

    pub(crate) fn integers(&self, name: &str) -> Result<&'b Int64Array> {
        self.array(name)?.as_primitive_opt::<Int64Type>().ok_or_else(|| wrong(name))
    }

    pub(crate) fn numbers(&self, name: &str) -> Result<&'b Float64Array> {
        self.array(name)?.as_primitive_opt::<Float64Type>().ok_or_else(|| wrong(name))
    }

    pub(crate) fn decimals(&self, name: &str) -> Result<&'b Decimal128Array> {
        self.array(name)?.as_primitive_opt::<Decimal128Type>().ok_or_else(|| wrong(name))
    }

    pub(crate) fn booleans(&self, name: &str) -> Result<&'b BooleanArray> {
        self.array(name)?.as_boolean_opt().ok_or_else(|| wrong(name))
    }

    pub(crate) fn texts(&self, name: &str) -> Result<&'b StringArray> {
        self.array(name)?.as_string_opt::<i32>().ok_or_else(|| wrong(name))
    }
}

fn wrong(name: &str) -> Error {
    Error::Plan(format!("the plan gave column `{name}` another type"))
}

/// The value at `row`, if there is one.
pub(crate) fn at<A: Array, T>(array: &A, row: usize, value: impl FnOnce(&A, usize) -> T) -> Option<T> {
    array.is_valid(row).then(|| value(array, row))
}

/// A count that the engine gave.
pub(crate) fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// A sum of millionths that must fit an amount.
pub(crate) fn amount(sum: i128) -> Result<i64> {
    i64::try_from(sum).map_err(|_| Error::TooMuchMoney)
}
