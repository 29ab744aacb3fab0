//! The facts of many persons as a table.
//!
//! Always holds: a row is one present fact with all its readings, so the plan only compares columns. One row a person and key.

use std::sync::{Arc, LazyLock};

use arrow::array::{BooleanBuilder, Int64Builder, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::Result;
use datafusion::logical_expr::{Expr, col, lit};
use rapport_domain::PersonId;
use serde_json::Value;

use super::person_set::PERSON;
use super::predicate::passes;
use crate::condition::Test;
use crate::instant::Moment;
use crate::value::{self, Reading};

const KEY: &str = "key";

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new(PERSON, DataType::Int64, false),
        Field::new(KEY, DataType::Utf8, false),
        Field::new(column_name(Reading::Text), DataType::Utf8, false),
        Field::new(column_name(value::FACT_NUMBERS), DataType::Int64, true),
        Field::new(column_name(Reading::Boolean), DataType::Boolean, true),
    ]))
});

/// The columns of a table of facts: `person`, `key`, and the readings `text`, `amount` (millionths) and `boolean`.
pub fn fact_schema() -> SchemaRef {
    Arc::clone(&SCHEMA)
}

/// The table of these facts. Facts whose value is null are left out: there is none.
pub fn fact_rows<'a>(facts: impl IntoIterator<Item = (PersonId, &'a str, &'a Value)>) -> Result<RecordBatch> {
    let (mut persons, mut keys, mut texts) = (Int64Builder::new(), StringBuilder::new(), StringBuilder::new());
    let (mut amounts, mut booleans) = (Int64Builder::new(), BooleanBuilder::new());
    for (person, key, value) in facts {
        let Some(text) = value::as_text(value, value::FACT_NUMBERS) else { continue };
        persons.append_value(person.0);
        keys.append_value(key);
        texts.append_value(text);
        amounts.append_option(value::as_amount(value));
        booleans.append_option(value::as_boolean(value));
    }
    let columns: Vec<arrow::array::ArrayRef> = vec![
        Arc::new(persons.finish()),
        Arc::new(keys.finish()),
        Arc::new(texts.finish()),
        Arc::new(amounts.finish()),
        Arc::new(booleans.finish()),
    ];
    Ok(RecordBatch::try_new(fact_schema(), columns)?)
}

/// Whether a row of the table is the fact `key` and passes a test.
pub(super) fn row_passes(key: &str, test: &Test, moment: Moment<'_>) -> Expr {
    let read = |reading| col(column_name(reading));
    col(KEY).eq(lit(key)).and(passes(test, &read, value::FACT_NUMBERS, moment))
}

const fn column_name(reading: Reading) -> &'static str {
    match reading {
        Reading::Text => "text",
        Reading::Number => "number",
        Reading::Amount => "amount",
        Reading::Boolean => "boolean",
    }
}
