//! Scalar functions: the interval of a time, an item of a list.

use std::sync::{Arc, LazyLock};

use arrow::array::{AsArray, Int64Array, Int64Builder};
use arrow::datatypes::{DataType, Field, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, lit,
};
use rapport_sequences::intervals;

use super::lists::{ListsView, list_type};

pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    vec![Arc::clone(&INTERVAL_OF), Arc::clone(&LIST_ITEM)]
}

/// `interval_of(time, boundaries)`: interval `i` begins at boundary `i` and ends before the next one.
pub fn interval_of(time: Expr, boundaries: &[i64]) -> Expr {
    let values: Vec<ScalarValue> = boundaries.iter().map(|bound| ScalarValue::Int64(Some(*bound))).collect();
    let list = ScalarValue::List(ScalarValue::new_list_nullable(&values, &DataType::Int64));
    INTERVAL_OF.call(vec![time, lit(list)])
}

/// `list_item(list, place)`, places from 0.
pub fn list_item(list: Expr, place: usize) -> Expr {
    LIST_ITEM.call(vec![list, lit(i64::try_from(place).unwrap_or(i64::MAX))])
}

static INTERVAL_OF: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let list = DataType::List(Arc::new(Field::new_list_field(DataType::Int64, true)));
    Arc::new(ScalarUDF::from(IntervalOf { signature: Signature::exact(vec![time, list], Volatility::Immutable) }))
});

static LIST_ITEM: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    let signature = Signature::exact(vec![list_type(), DataType::Int64], Volatility::Immutable);
    Arc::new(ScalarUDF::from(ListItem { signature }))
});

#[derive(Debug, PartialEq, Eq, Hash)]
struct IntervalOf {
    signature: Signature,
}

impl ScalarUDFImpl for IntervalOf {
    fn name(&self) -> &str {
        "interval_of"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [time, ColumnarValue::Scalar(ScalarValue::List(bounds))] = args.args.as_slice() else {
            return exec_err!("interval_of takes a time and a literal list of boundaries");
        };
        let bounds = ListsView::of(bounds.as_ref())?.list(0);
        let times = time.to_array(args.number_rows)?;
        let times = times.as_primitive::<TimestampMicrosecondType>();
        // Rows of one person follow one another in time, so the interval found last is likely the next one, too.
        let mut found = 0;
        let place = |time: i64| {
            let inside =
                |at: usize| bounds.get(at).zip(bounds.get(at + 1)).is_some_and(|(a, b)| *a <= time && time < *b);
            if inside(found) {
                return i64::try_from(found).ok();
            }
            found = intervals::find(bounds, time)?;
            i64::try_from(found).ok()
        };
        let mut place = place;
        let places: Int64Array = times.iter().map(|time| time.and_then(&mut place)).collect();
        Ok(ColumnarValue::Array(Arc::new(places)))
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ListItem {
    signature: Signature,
}

impl ScalarUDFImpl for ListItem {
    fn name(&self) -> &str {
        "list_item"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [lists, ColumnarValue::Scalar(ScalarValue::Int64(Some(place)))] = args.args.as_slice() else {
            return exec_err!("list_item takes a list and a literal place");
        };
        let place = usize::try_from(*place).unwrap_or(usize::MAX);
        let lists = lists.to_array(args.number_rows)?;
        let view = ListsView::of(lists.as_ref())?;
        let mut items = Int64Builder::with_capacity(args.number_rows);
        (0..lists.len()).for_each(|row| items.append_option(view.list(row).get(place).copied()));
        Ok(ColumnarValue::Array(Arc::new(items.finish())))
    }
}
