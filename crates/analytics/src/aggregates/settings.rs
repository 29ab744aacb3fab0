//! The parameters of an aggregate as one literal argument.
//!
//! An aggregate's arguments are turned into arrays, batch by batch; a dictionary of one value costs a byte a row, whatever the size
//! of the value. So all parameters go as one JSON text in a dictionary.

use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, exec_datafusion_err, internal_err};
use datafusion::logical_expr::{ColumnarValue, Expr, lit};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Literal;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The settings as an argument.
pub(super) fn argument(settings: &impl Serialize) -> Expr {
    let text = serde_json::to_string(settings).expect("plain numbers and words have a JSON form");
    lit(ScalarValue::Dictionary(Box::new(DataType::Int8), Box::new(ScalarValue::Utf8(Some(text)))))
}

/// The settings from the arguments of an aggregate.
pub(super) fn of_arguments<T: DeserializeOwned>(arguments: &[std::sync::Arc<dyn PhysicalExpr>]) -> Result<T> {
    let Some(literal) = arguments.last().and_then(|argument| argument.downcast_ref::<Literal>()) else {
        return internal_err!("the last argument of this aggregate is its settings, a literal");
    };
    of_scalar(literal.value())
}

/// The settings from an argument of a scalar function.
pub(super) fn of_value<T: DeserializeOwned>(value: &ColumnarValue) -> Result<T> {
    match value {
        ColumnarValue::Scalar(scalar) => of_scalar(scalar),
        ColumnarValue::Array(_) => internal_err!("the settings of this function are a literal"),
    }
}

fn of_scalar<T: DeserializeOwned>(scalar: &ScalarValue) -> Result<T> {
    let text = match scalar {
        ScalarValue::Dictionary(_, value) => value.as_ref(),
        other => other,
    };
    let ScalarValue::Utf8(Some(text)) = text else { return internal_err!("settings are a text") };
    serde_json::from_str(text).map_err(|error| exec_datafusion_err!("settings that cannot be read: {error}"))
}
