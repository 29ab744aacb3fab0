//! Scalar functions: the interval of a time, an item of a list, which of some names a name is.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, AsArray, BooleanBufferBuilder, Int64Array, StringArray, StringViewArray};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, lit,
};
use rapport_sequences::intervals::Even;

use super::lists::{ListsView, list_type};
use super::settings;

pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    vec![Arc::clone(&INTERVAL_OF), Arc::clone(&LIST_ITEM), Arc::clone(&NAMES_MASK)]
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

/// `names_mask(name, names)`: bit `i` says that the name is the `i`-th of the names.
pub fn names_mask(name: Expr, names: &[&str]) -> Expr {
    NAMES_MASK.call(vec![name, settings::argument(&names)])
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

static NAMES_MASK: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    // Not volatile in truth: what is, is not computed twice, below a filter of it and above.
    Arc::new(ScalarUDF::from(NamesMask { signature: Signature::any(2, Volatility::Volatile) }))
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
        let intervals = Even::new(bounds);
        let mut outside = Vec::new();
        let mut places = Vec::with_capacity(times.len());
        for (row, time) in times.values().iter().enumerate() {
            let place = intervals.find(*time);
            if place.is_none() {
                outside.push(row);
            }
            places.push(place.map_or(0, |place| i64::try_from(place).unwrap_or(i64::MAX)));
        }
        let mut valid = times.nulls().cloned();
        if !outside.is_empty() {
            let mut inside = BooleanBufferBuilder::new(places.len());
            inside.append_n(places.len(), true);
            outside.iter().for_each(|row| inside.set_bit(*row, false));
            valid = NullBuffer::union(valid.as_ref(), Some(&NullBuffer::new(inside.finish())));
        }
        Ok(ColumnarValue::Array(Arc::new(Int64Array::new(places.into(), valid))))
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
        let mut inside = BooleanBufferBuilder::new(lists.len());
        let mut items = Vec::with_capacity(lists.len());
        for row in 0..lists.len() {
            let item = view.list(row).get(place);
            inside.append(item.is_some());
            items.push(item.copied().unwrap_or(0));
        }
        Ok(ColumnarValue::Array(Arc::new(Int64Array::new(items.into(), Some(NullBuffer::new(inside.finish()))))))
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct NamesMask {
    signature: Signature,
}

impl ScalarUDFImpl for NamesMask {
    fn name(&self) -> &str {
        "names_mask"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    /// Never null. To be said here, because the planner and the engine judge it differently where a branch of a `CASE` cannot be reached.
    fn return_field_from_args(&self, _: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(self.name(), DataType::Int64, false)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [names, wanted] = args.args.as_slice() else {
            return exec_err!("names_mask takes a name and a literal list of names");
        };
        let wanted: Vec<String> = settings::of_value(wanted)?;
        let names = names.to_array(args.number_rows)?;
        if let Some(texts) = names.as_string_opt::<i32>() {
            return Ok(ColumnarValue::Array(Arc::new(Int64Array::from(masks_of_texts(texts, &wanted)))));
        }
        let names = cast(&names, &DataType::Utf8View)?;
        let names = names.as_string_view();
        Ok(ColumnarValue::Array(Arc::new(Int64Array::from(masks(names, &wanted)))))
    }
}

/// The mask of each text; none for null. Properties come as texts, not as views. Rows of a person lie together and often say the same, so the
/// text before is asked first.
fn masks_of_texts(texts: &StringArray, wanted: &[String]) -> Vec<i64> {
    let (bytes, offsets) = (texts.value_data(), texts.value_offsets());
    let (mut before, mut mask) = (&b""[..], mask_of("", wanted));
    let mut masks = Vec::with_capacity(texts.len());
    for (row, ends) in offsets.windows(2).enumerate() {
        let [begin, end] = [ends[0], ends[1]].map(|end| usize::try_from(end).unwrap_or(0));
        let text = &bytes[begin..end];
        if text != before {
            (before, mask) = (text, mask_of(texts.value(row), wanted));
        }
        masks.push(mask);
    }
    without_nulls(masks, texts)
}

/// A bit for each of the wanted names that a name is.
fn mask_of(name: &str, wanted: &[String]) -> i64 {
    wanted.iter().enumerate().filter(|(_, other)| *other == name).map(|(at, _)| 1_i64 << at).sum()
}

/// 0 where there is no name.
fn without_nulls(mut masks: Vec<i64>, names: &dyn Array) -> Vec<i64> {
    if names.null_count() > 0 {
        masks.iter_mut().enumerate().filter(|(row, _)| names.is_null(*row)).for_each(|(_, mask)| *mask = 0);
    }
    masks
}

/// The mask of each name; none for null. Rows of a file that have one name have one view of it, so few names are compared. What was compared is
/// found by a hash of the view, not by looking through it: the names of rows change as they like, and a processor cannot foresee where the look ends.
fn masks(names: &StringViewArray, wanted: &[String]) -> Vec<i64> {
    const PLACES: usize = 256;
    let mask_of = |row: usize| mask_of(names.value(row), wanted);
    let place_of = |view: u128| {
        let [low, high] = [view, view >> 64].map(|half| (half & u128::from(u64::MAX)) as u64);
        ((low ^ high.rotate_left(29)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize
    };
    let Some(first) = names.views().first() else { return Vec::new() };
    let mut known = [(*first, mask_of(0)); PLACES];
    let mut masks = Vec::with_capacity(names.len());
    for (row, view) in names.views().iter().enumerate() {
        let place = &mut known[place_of(*view)];
        if place.0 != *view {
            *place = (*view, mask_of(row));
        }
        masks.push(place.1);
    }
    without_nulls(masks, names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_the_bits_of_all_places_where_it_stands() {
        let wanted = ["Order", "Product Viewed in a shop", "Order", "Product Viewed in a hall", ""].map(str::to_owned);
        let names: StringViewArray =
            [Some("Order"), Some("Product Viewed in a hall"), Some("Product Viewed"), None, Some(""), Some("Orders")]
                .into_iter()
                .collect();
        assert_eq!(masks(&names, &wanted), [0b101, 0b1000, 0, 0, 0b1_0000, 0]);
        let texts: StringArray = names.iter().collect();
        assert_eq!(masks_of_texts(&texts, &wanted), masks(&names, &wanted));
        assert_eq!(masks_of_texts(&texts.slice(1, 4), &wanted), [0b1000, 0, 0, 0b1_0000]);
    }
}
