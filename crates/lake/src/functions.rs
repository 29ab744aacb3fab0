//! The scalar functions the lake's plans use. They carry no state: every parameter is an argument, so a plan can travel by names.
//!
//! * `property_number|text|boolean|money(residual, path)` reads one path out of the residual column.
//! * `read_number|text|boolean|money(column)` reads a typed column in another type ([`crate::reading`]).
//! * `person_now(handle, handles, persons)` looks a handle up in two lists of equal length, sorted by handle.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanBuilder, Float64Builder, Int64Array, Int64Builder, StringArray, StringBuilder,
};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use crate::columns::PropertyType;
use crate::reading;

/// All functions, to register with a session (here and on every node that runs plans).
pub fn all() -> Vec<Arc<ScalarUDF>> {
    let kinds = [PropertyType::Number, PropertyType::Text, PropertyType::Boolean, PropertyType::Money];
    let properties = kinds.into_iter().flat_map(|kind| [residual_property(kind), reading::read_as(kind)]);
    properties.chain([person_now()]).collect()
}

/// `property_...(residual, path)`: the value at a path of the residual, converted to `kind` where that loses nothing, else null.
pub fn residual_property(kind: PropertyType) -> Arc<ScalarUDF> {
    let name = match kind {
        PropertyType::Number => "property_number",
        PropertyType::Boolean => "property_boolean",
        PropertyType::Money => "property_money",
        PropertyType::Text | PropertyType::Json => "property_text",
    };
    let signature = Signature::exact(vec![DataType::Utf8, DataType::Utf8], Volatility::Immutable);
    Arc::new(ScalarUDF::from(ResidualProperty { kind, name, signature }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ResidualProperty {
    kind: PropertyType,
    name: &'static str,
    signature: Signature,
}

impl ScalarUDFImpl for ResidualProperty {
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
        let [residual, path] = args.args.as_slice() else {
            return exec_err!("{} takes a residual and a path", self.name);
        };
        let ColumnarValue::Scalar(ScalarValue::Utf8(Some(path))) = path else {
            return exec_err!("the path of {} is a literal", self.name);
        };
        let residual = residual.to_array(args.number_rows)?;
        Ok(ColumnarValue::Array(extract(residual.as_string::<i32>(), path, self.kind)))
    }
}

fn extract(residual: &StringArray, path: &str, kind: PropertyType) -> ArrayRef {
    let values = residual.iter().map(|text| text.and_then(|text| value_at(text, path)));
    match kind {
        PropertyType::Number => {
            let mut column = Float64Builder::with_capacity(residual.len());
            values.for_each(|value| column.append_option(value.and_then(|value| reading::as_number(&value))));
            Arc::new(column.finish())
        }
        PropertyType::Boolean => {
            let mut column = BooleanBuilder::with_capacity(residual.len());
            values.for_each(|value| column.append_option(value.and_then(|value| reading::as_boolean(&value))));
            Arc::new(column.finish())
        }
        PropertyType::Money => {
            let mut column = Int64Builder::with_capacity(residual.len());
            values.for_each(|value| column.append_option(value.and_then(|value| reading::as_money(&value))));
            Arc::new(column.finish())
        }
        PropertyType::Text | PropertyType::Json => {
            let mut column = StringBuilder::new();
            values.for_each(|value| column.append_option(value.as_ref().and_then(reading::as_text)));
            Arc::new(column.finish())
        }
    }
}

/// The value at `path` of a flat JSON object, without building the rest of it.
fn value_at(text: &str, path: &str) -> Option<Value> {
    struct Find<'p>(&'p str);

    impl<'de> DeserializeSeed<'de> for Find<'_> {
        type Value = Option<Value>;

        fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
            deserializer.deserialize_map(self)
        }
    }

    impl<'de> Visitor<'de> for Find<'_> {
        type Value = Option<Value>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut found = None;
            while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
                if key == self.0 {
                    found = Some(map.next_value()?);
                } else {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            Ok(found)
        }
    }

    Find(path).deserialize(&mut serde_json::Deserializer::from_str(text)).ok().flatten()
}

/// `person_now(handle, handles, persons)`.
pub fn person_now() -> Arc<ScalarUDF> {
    let list = DataType::List(Arc::new(Field::new_list_field(DataType::Int64, true)));
    let signature = Signature::exact(vec![DataType::Int64, list.clone(), list], Volatility::Immutable);
    Arc::new(ScalarUDF::from(PersonNow { signature }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct PersonNow {
    signature: Signature,
}

impl ScalarUDFImpl for PersonNow {
    fn name(&self) -> &str {
        "person_now"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(self.name(), DataType::Int64, false)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [
            handle,
            ColumnarValue::Scalar(ScalarValue::List(handles)),
            ColumnarValue::Scalar(ScalarValue::List(persons)),
        ] = args.args.as_slice()
        else {
            return exec_err!("person_now takes a handle and two literal lists");
        };
        let handle = handle.to_array(args.number_rows)?;
        let (handles, persons) = (handles.value(0), persons.value(0));
        let (handles, persons) = (handles.as_primitive::<Int64Type>(), persons.as_primitive::<Int64Type>());
        let look_up = |handle: &i64| match handles.values().binary_search(handle) {
            Ok(at) => Ok(persons.value(at)),
            Err(_) => exec_err!("person_now: the handle is not in the list"),
        };
        let found = handle.as_primitive::<Int64Type>().values().iter().map(look_up).collect::<Result<Vec<_>>>()?;
        Ok(ColumnarValue::Array(Arc::new(Int64Array::from(found))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_one_path_of_the_residual() {
        let residual = StringArray::from(vec![
            Some(r#"{"a":1.5,"b":"2,5","c":true,"d.e":[1]}"#),
            Some(r#"{"b":"12.50","a":"x","c":"True"}"#),
            None,
            Some("{}"),
        ]);
        let numbers = |path| {
            extract(&residual, path, PropertyType::Number)
                .as_primitive::<arrow::datatypes::Float64Type>()
                .iter()
                .collect::<Vec<_>>()
        };
        let texts = |path| {
            let column = extract(&residual, path, PropertyType::Text);
            column.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect::<Vec<_>>()
        };
        assert_eq!(numbers("a"), [Some(1.5), None, None, None]);
        assert_eq!(texts("a"), [Some("1.5".to_owned()), Some("x".to_owned()), None, None]);
        assert_eq!(texts("d.e"), [Some("[1]".to_owned()), None, None, None]);
        let money = extract(&residual, "b", PropertyType::Money);
        assert_eq!(money.as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), [None, Some(12_500_000), None, None]);
        let flags = extract(&residual, "c", PropertyType::Boolean);
        assert_eq!(flags.as_boolean().iter().collect::<Vec<_>>(), [Some(true), Some(true), None, None]);
    }
}
