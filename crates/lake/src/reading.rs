//! How a property's value is read in a wanted type: the one rule, used for values in the residual, in columns of another type, and
//! wherever a single event is looked at.
//!
//! | read as | from |
//! |---|---|
//! | text | a text as it is; a number in plain decimal notation (`17850`, `12.5`, never `17850.0` or `1e3`); `true`, `false`; a list as its JSON |
//! | number | a number, or a text that is one (`"12.50"`), as a double: exact to 15 digits |
//! | money | a number, or a text that is one, exactly in millionths; more decimals are rounded half away from zero |
//! | boolean | `true` and `false`, also as texts in any letter case |
//!
//! Always holds: `null` has no reading; a value has the same readings wherever it lies.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, StringArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use rapport_domain::money;
use serde_json::Value;

use crate::columns::PropertyType;

/// A value as a text.
pub fn as_text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(match number.as_f64() {
            Some(float) if number.is_f64() => plain_decimal(float),
            _ => number.to_string(),
        })),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => Some(Cow::Owned(value.to_string())),
    }
}

/// A value as a number.
pub fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => number_of_text(text),
        _ => None,
    }
}

/// A value as an amount, in millionths.
pub fn as_money(value: &Value) -> Option<i64> {
    money::micros_from_json(value)
}

/// A value as a boolean.
pub fn as_boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => boolean_of_text(text),
        _ => None,
    }
}

/// An amount as a text: a plain decimal, without zeros at its end.
pub fn money_as_text(micros: i64) -> String {
    money::format_micros(micros).trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The shortest decimal that reads back, without an exponent. Adding zero turns -0.0 into 0.0.
fn plain_decimal(float: f64) -> String {
    (float + 0.0).to_string()
}

fn number_of_text(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

fn boolean_of_text(text: &str) -> Option<bool> {
    text.trim().to_ascii_lowercase().parse().ok()
}

/// `read_text|number|money|boolean(column)`: a property's typed column read in another type, else null.
pub(crate) fn read_as(kind: PropertyType) -> Arc<ScalarUDF> {
    let name = match kind {
        PropertyType::Number => "read_number",
        PropertyType::Boolean => "read_boolean",
        PropertyType::Money => "read_money",
        PropertyType::Text | PropertyType::Json => "read_text",
    };
    Arc::new(ScalarUDF::from(ReadAs { kind, name, signature: Signature::any(1, Volatility::Immutable) }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ReadAs {
    kind: PropertyType,
    name: &'static str,
    signature: Signature,
}

impl ScalarUDFImpl for ReadAs {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.kind.data_type())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [column] = args.args.as_slice() else { return exec_err!("{} takes one column", self.name) };
        let column = column.to_array(args.number_rows)?;
        Ok(ColumnarValue::Array(match column.data_type() {
            DataType::Utf8 => from_texts(column.as_string(), self.kind),
            DataType::Float64 => from_numbers(column.as_primitive(), self.kind),
            DataType::Int64 => from_money(column.as_primitive(), self.kind),
            DataType::Boolean => from_booleans(column.as_boolean(), self.kind),
            other => return exec_err!("{} reads no column of type {other}", self.name),
        }))
    }
}

fn from_texts(texts: &StringArray, kind: PropertyType) -> ArrayRef {
    let texts = texts.iter();
    match kind {
        PropertyType::Text | PropertyType::Json => Arc::new(texts.collect::<StringArray>()),
        PropertyType::Number => Arc::new(texts.map(|text| text.and_then(number_of_text)).collect::<Float64Array>()),
        PropertyType::Money => Arc::new(texts.map(|text| money::parse_micros(text?).ok()).collect::<Int64Array>()),
        PropertyType::Boolean => Arc::new(texts.map(|text| text.and_then(boolean_of_text)).collect::<BooleanArray>()),
    }
}

fn from_numbers(numbers: &arrow::array::PrimitiveArray<Float64Type>, kind: PropertyType) -> ArrayRef {
    match kind {
        PropertyType::Text | PropertyType::Json => {
            Arc::new(numbers.iter().map(|number| number.map(plain_decimal)).collect::<StringArray>())
        }
        PropertyType::Number => Arc::new(numbers.clone()),
        PropertyType::Money => {
            let micros = |number: f64| money::parse_micros(&plain_decimal(number)).ok();
            Arc::new(numbers.iter().map(|number| number.and_then(micros)).collect::<Int64Array>())
        }
        PropertyType::Boolean => Arc::new(BooleanArray::new_null(numbers.iter().len())),
    }
}

fn from_money(amounts: &arrow::array::PrimitiveArray<Int64Type>, kind: PropertyType) -> ArrayRef {
    match kind {
        PropertyType::Text | PropertyType::Json => {
            Arc::new(amounts.iter().map(|micros| micros.map(money_as_text)).collect::<StringArray>())
        }
        PropertyType::Number => {
            let number = |micros: i64| number_of_text(&money_as_text(micros));
            Arc::new(amounts.iter().map(|micros| micros.and_then(number)).collect::<Float64Array>())
        }
        PropertyType::Money => Arc::new(amounts.clone()),
        PropertyType::Boolean => Arc::new(BooleanArray::new_null(amounts.iter().len())),
    }
}

fn from_booleans(flags: &BooleanArray, kind: PropertyType) -> ArrayRef {
    let rows = flags.iter().len();
    match kind {
        PropertyType::Text | PropertyType::Json => {
            Arc::new(flags.iter().map(|flag| flag.map(|flag| flag.to_string())).collect::<StringArray>())
        }
        PropertyType::Number => Arc::new(Float64Array::new_null(rows)),
        PropertyType::Money => Arc::new(Int64Array::new_null(rows)),
        PropertyType::Boolean => Arc::new(flags.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_numbers_that_arrive_as_texts_and_texts_that_arrive_as_numbers() {
        for (value, text, number, money) in [
            (json!("12.50"), Some("12.50"), Some(12.5), Some(12_500_000)),
            (json!(" 20 "), Some(" 20 "), Some(20.0), Some(20_000_000)),
            (json!(12.50), Some("12.5"), Some(12.5), Some(12_500_000)),
            (json!(17850), Some("17850"), Some(17850.0), Some(17_850_000_000)),
            (json!(17850.0), Some("17850"), Some(17850.0), Some(17_850_000_000)),
            (json!(-0.0), Some("0"), Some(0.0), Some(0)),
            (json!(1e-7), Some("0.0000001"), Some(1e-7), Some(0)),
            (json!(1e21), Some("1000000000000000000000"), Some(1e21), None),
            (json!("1e400"), Some("1e400"), None, None),
            (json!("twelve"), Some("twelve"), None, None),
            (json!("NaN"), Some("NaN"), None, None),
            (json!(true), Some("true"), None, None),
            (json!(["a", 1]), Some(r#"["a",1]"#), None, None),
            (json!(null), None, None, None),
        ] {
            assert_eq!(as_text(&value).as_deref(), text, "{value}");
            assert_eq!(as_number(&value), number, "{value}");
            assert_eq!(as_money(&value), money, "{value}");
        }
        assert_eq!([0, 20_000_000, 100_500_000, -1].map(money_as_text), ["0", "20", "100.5", "-0.000001"]);
    }

    #[test]
    fn reads_booleans() {
        assert_eq!(as_boolean(&json!("False")), Some(false));
        assert_eq!(as_boolean(&json!(true)), Some(true));
        assert_eq!(as_boolean(&json!(1)), None);
    }

    #[test]
    fn a_column_reads_like_its_values() {
        let texts: Vec<Option<String>> = ["12.50", " 20 ", "NaN", "True", "x", ""]
            .map(|text| Some(text.to_owned()))
            .into_iter()
            .chain([None])
            .collect();
        let numbers: Vec<Option<f64>> = vec![Some(0.5), Some(-0.0), Some(17850.0), Some(1e-7), Some(1e21), None];
        let flags = vec![Some(true), Some(false), None];
        let texts_json: Vec<Value> = texts.iter().map(|text| json!(text)).collect();
        let numbers_json: Vec<Value> = numbers.iter().map(|number| json!(number)).collect();
        let flags_json: Vec<Value> = flags.iter().map(|flag| json!(flag)).collect();
        let (texts, numbers, flags) =
            (StringArray::from(texts), Float64Array::from(numbers), BooleanArray::from(flags));
        for kind in [PropertyType::Text, PropertyType::Number, PropertyType::Money, PropertyType::Boolean] {
            for (read, values) in [
                (from_texts(&texts, kind), &texts_json),
                (from_numbers(&numbers, kind), &numbers_json),
                (from_booleans(&flags, kind), &flags_json),
            ] {
                let expected: ArrayRef = match kind {
                    PropertyType::Number => Arc::new(values.iter().map(as_number).collect::<Float64Array>()),
                    PropertyType::Money => Arc::new(values.iter().map(as_money).collect::<Int64Array>()),
                    PropertyType::Boolean => Arc::new(values.iter().map(as_boolean).collect::<BooleanArray>()),
                    PropertyType::Text | PropertyType::Json => {
                        Arc::new(values.iter().map(as_text).collect::<StringArray>())
                    }
                };
                assert_eq!(&read, &expected, "{kind:?} of {values:?}");
            }
        }
        let amounts = from_money(&Int64Array::from(vec![Some(12_500_000), None]), PropertyType::Number);
        assert_eq!(amounts.as_primitive::<Float64Type>().iter().collect::<Vec<_>>(), [Some(12.5), None]);
    }
}
