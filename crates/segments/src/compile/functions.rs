//! The scalar functions of compiled conditions.
//!
//! * `text_matches(text, how, part)`: whether the text contains, starts with or ends with `part`, letter case aside. `how` is one
//!   of the literals `contains`, `starts_with`, `ends_with`; `part` is a literal and already folded.
//! * `time_of_text(text)`: the instant that a text says, or null.
//!
//! Always holds: no state; every parameter is an argument. The readings are those of [`crate::value`].

use std::sync::{Arc, LazyLock};

use arrow::array::{AsArray, BooleanArray, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, lit,
};
use rapport_domain::Timestamp;

use crate::value;

/// All functions, to register with every session that runs plans that came from another node.
pub fn all() -> Vec<Arc<ScalarUDF>> {
    vec![Arc::clone(&TEXT_MATCHES), Arc::clone(&TIME_OF_TEXT)]
}

/// How a part stands in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    Contains,
    StartsWith,
    EndsWith,
}

impl How {
    const ALL: [Self; 3] = [Self::Contains, Self::StartsWith, Self::EndsWith];

    const fn word(self) -> &'static str {
        match self {
            Self::Contains => "contains",
            Self::StartsWith => "starts_with",
            Self::EndsWith => "ends_with",
        }
    }
}

/// `text_matches(text, how, part)`.
pub(super) fn text_matches(text: Expr, how: How, part: &str) -> Expr {
    TEXT_MATCHES.call(vec![text, lit(how.word()), lit(value::fold(part))])
}

/// `time_of_text(text)`.
pub(super) fn time_of_text(text: Expr) -> Expr {
    TIME_OF_TEXT.call(vec![text])
}

/// The type of times.
pub(super) fn time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// An instant as a literal.
pub(super) fn time(instant: Timestamp) -> Expr {
    lit(ScalarValue::TimestampMicrosecond(Some(instant.micros()), Some("UTC".into())))
}

static TEXT_MATCHES: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    let signature = Signature::exact(vec![DataType::Utf8; 3], Volatility::Immutable);
    Arc::new(ScalarUDF::from(TextMatches { signature }))
});

static TIME_OF_TEXT: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    let signature = Signature::exact(vec![DataType::Utf8], Volatility::Immutable);
    Arc::new(ScalarUDF::from(TimeOfText { signature }))
});

#[derive(Debug, PartialEq, Eq, Hash)]
struct TextMatches {
    signature: Signature,
}

impl ScalarUDFImpl for TextMatches {
    fn name(&self) -> &str {
        "text_matches"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [text, how, part] = args.args.as_slice() else { return exec_err!("text_matches takes three arguments") };
        let (Some(how), Some(part)) = (literal(how), literal(part)) else {
            return exec_err!("how and part of text_matches are literals");
        };
        let Some(how) = How::ALL.into_iter().find(|known| known.word() == how) else {
            return exec_err!("text_matches knows contains, starts_with and ends_with");
        };
        let text = text.to_array(args.number_rows)?;
        let matches = |text: &str| {
            let folded = value::fold(text);
            match how {
                How::Contains => folded.contains(part),
                How::StartsWith => folded.starts_with(part),
                How::EndsWith => folded.ends_with(part),
            }
        };
        let matched: BooleanArray = strings(&text).iter().map(|text| text.map(matches)).collect();
        Ok(ColumnarValue::Array(Arc::new(matched)))
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct TimeOfText {
    signature: Signature,
}

impl ScalarUDFImpl for TimeOfText {
    fn name(&self) -> &str {
        "time_of_text"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(time_type())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [text] = args.args.as_slice() else { return exec_err!("time_of_text takes one argument") };
        let text = text.to_array(args.number_rows)?;
        let micros = |text: &str| value::as_time(text).map(Timestamp::micros);
        let times: TimestampMicrosecondArray = strings(&text).iter().map(|text| text.and_then(micros)).collect();
        Ok(ColumnarValue::Array(Arc::new(times.with_timezone("UTC"))))
    }
}

fn strings(text: &arrow::array::ArrayRef) -> &StringArray {
    text.as_string::<i32>()
}

fn literal(argument: &ColumnarValue) -> Option<&str> {
    match argument {
        ColumnarValue::Scalar(ScalarValue::Utf8(Some(text))) => Some(text),
        _ => None,
    }
}
