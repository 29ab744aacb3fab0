//! The scalar functions of compiled conditions.
//!
//! * `text_matches(text, how, part)`: whether the text contains, starts with or ends with `part`, letter case aside. `how` is one
//!   of the literals `contains`, `starts_with`, `ends_with`; `part` is a literal and already folded.
//! * `time_of_text(text)`: the instant that a text says, or null.
//! * `hour_of(time, zone)`, `weekday_of(time, zone)`: what clock and calendar of a zone say; `zone` is a literal.
//!
//! Always holds: no state; every parameter is an argument. The readings are those of [`crate::value`].

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, AsArray, BooleanArray, StringArray, TimestampMicrosecondArray, UInt8Array};
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, cast, lit,
};
use rapport_domain::{Calendar, Timestamp, WeekStart};

use crate::occurred::{Occurred, weekday};
use crate::value::{self, Reading};

/// All functions, to register with every session that runs plans that came from another node.
pub fn all() -> Vec<Arc<ScalarUDF>> {
    vec![Arc::clone(&TEXT_MATCHES), Arc::clone(&TIME_OF_TEXT), Arc::clone(&HOUR_OF), Arc::clone(&WEEKDAY_OF)]
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

/// What is asked of the time of an event, as `reading`; null for a reading that it does not have.
pub(super) fn occurred(part: Occurred, at: Expr, reading: Reading, calendar: &Calendar) -> Expr {
    let zone = lit(calendar.zone.iana_name().unwrap_or("UTC"));
    let said = match part {
        Occurred::Hour => HOUR_OF.call(vec![at, zone]),
        Occurred::Weekday => WEEKDAY_OF.call(vec![at, zone]),
    };
    match (part, reading) {
        (Occurred::Hour, Reading::Number) => cast(said, DataType::Float64),
        (Occurred::Hour, Reading::Text) => cast(said, DataType::Utf8),
        (Occurred::Weekday, Reading::Text) => said,
        (_, Reading::Amount) => lit(ScalarValue::Int64(None)),
        (_, Reading::Number) => lit(ScalarValue::Float64(None)),
        (_, Reading::Boolean) => lit(ScalarValue::Boolean(None)),
    }
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

static HOUR_OF: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Arc::new(ScalarUDF::from(OfTime::new(false))));

static WEEKDAY_OF: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Arc::new(ScalarUDF::from(OfTime::new(true))));

/// Hours or weekdays of times.
#[derive(Debug, PartialEq, Eq, Hash)]
struct OfTime {
    is_weekday: bool,
    signature: Signature,
}

impl OfTime {
    fn new(is_weekday: bool) -> Self {
        Self { is_weekday, signature: Signature::exact(vec![time_type(), DataType::Utf8], Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for OfTime {
    fn name(&self) -> &str {
        if self.is_weekday { "weekday_of" } else { "hour_of" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(if self.is_weekday { DataType::Utf8 } else { DataType::UInt8 })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [time, zone] = args.args.as_slice() else { return exec_err!("a time and a zone are expected") };
        let calendar = literal(zone).and_then(|zone| Calendar::new(zone, WeekStart::Monday));
        let Some(calendar) = calendar else { return exec_err!("the zone is a literal and known") };
        let times = time.to_array(args.number_rows)?;
        let times = times.as_primitive::<TimestampMicrosecondType>().iter().map(|at| at.map(Timestamp));
        let said: ArrayRef = if self.is_weekday {
            Arc::new(times.map(|at| at.map(|at| weekday(at, &calendar))).collect::<StringArray>())
        } else {
            Arc::new(times.map(|at| at.map(|at| calendar.hour(at))).collect::<UInt8Array>())
        };
        Ok(ColumnarValue::Array(said))
    }
}

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
