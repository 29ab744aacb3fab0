//! Retention in two aggregates: each person's intervals as two bit sets, and the table of cohorts over them.
//!
//! `retention_intervals(time, interval, marks, settings)` gives a list of `2 * words` integers: the intervals in which a cohort is
//! founded, then those with a return. Of `marks`, bit 0 says that the event is a start, bit 1 that it is a return. For a first-time question only the first start ever founds a cohort, and none if it
//! lies before `from` or not before `to`. `retention_table(sets, settings)` gives the counts of all cells, row by row.

use std::mem::size_of;
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Int64Array};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type, TimestampMicrosecondType};
use datafusion::common::{Result, ScalarValue, exec_datafusion_err, exec_err, internal_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, ColumnarValue, EmitTo, Expr, GroupsAccumulator, ScalarFunctionArgs,
    ScalarUDF, ScalarUDFImpl, Signature, Volatility, lit,
};
use rapport_sequences::{Counting, Retention, RetentionSpec};
use serde::{Deserialize, Serialize};

use super::lists::{Lists, ListsView, list_type};
use super::rows::passes;
use super::settings;

/// The parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetentionSettings {
    /// How many intervals there are.
    pub intervals: usize,
    /// How many of the first found a cohort.
    pub cohorts: usize,
    /// The greatest column.
    pub last_column: usize,
    /// Starts count from here.
    pub from: i64,
    /// Starts count before this.
    pub to: i64,
    /// Only the first start ever counts.
    pub first_time: bool,
    /// A later return counts for earlier columns.
    pub on_or_after: bool,
}

impl RetentionSettings {
    fn words(&self) -> usize {
        self.intervals.div_ceil(64)
    }

    fn kernel(&self) -> Retention {
        let end = i64::try_from(self.intervals).unwrap_or(i64::MAX);
        Retention::new(RetentionSpec {
            // By calendar the kernel needs to know only how many intervals there are: bits are their places.
            boundaries: (0..=end).collect(),
            cohorts: self.cohorts,
            last_column: self.last_column,
            counting: Counting::Calendar,
            first_time: self.first_time,
            on_or_after: self.on_or_after,
            minimum: 1,
        })
    }
}

/// The first aggregate: `time` is a `Timestamp(µs)`, `interval` the place of its interval or null, `marks` are [`STARTED`] and
/// [`RETURNED`].
pub fn retention_intervals(time: Expr, interval: Expr, marks: Expr, settings: &RetentionSettings) -> Expr {
    INTERVALS.call(vec![time, interval, marks, settings::argument(settings)])
}

/// The mark of an event that founds a cohort.
pub const STARTED: i64 = 1;
/// The mark of an event that counts as coming back.
pub const RETURNED: i64 = 2;

/// The second aggregate, over the lists of the first.
pub fn retention_table(sets: Expr, settings: &RetentionSettings) -> Expr {
    TABLE.call(vec![sets, settings::argument(settings)])
}

/// Whether a person with these lists is counted in a cell.
pub fn retention_cell(sets: Expr, settings: &RetentionSettings, cohort: usize, column: usize) -> Expr {
    let place = |place: usize| lit(i64::try_from(place).unwrap_or(i64::MAX));
    CELL.call(vec![sets, settings::argument(settings), place(cohort), place(column)])
}

pub(super) fn intervals_function() -> Arc<AggregateUDF> {
    Arc::clone(&INTERVALS)
}

pub(super) fn table_function() -> Arc<AggregateUDF> {
    Arc::clone(&TABLE)
}

pub(super) fn cell_function() -> Arc<ScalarUDF> {
    Arc::clone(&CELL)
}

static INTERVALS: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
    Arc::new(AggregateUDF::from(IntervalsFunction { signature: Signature::any(4, Volatility::Immutable) }))
});

static TABLE: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
    Arc::new(AggregateUDF::from(TableFunction { signature: Signature::any(2, Volatility::Immutable) }))
});

static CELL: LazyLock<Arc<ScalarUDF>> =
    LazyLock::new(|| Arc::new(ScalarUDF::from(CellFunction { signature: Signature::any(4, Volatility::Immutable) })));

#[derive(Debug, PartialEq, Eq, Hash)]
struct IntervalsFunction {
    signature: Signature,
}

impl AggregateUDFImpl for IntervalsFunction {
    fn name(&self) -> &str {
        "retention_intervals"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(list_type())
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        internal_err!("`retention_intervals` is asked for by person")
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        // Bytes, not a list: rows of bytes are moved between parts at a fraction of the cost.
        Ok(vec![Arc::new(Field::new(format!("{}[sets]", args.name), DataType::Binary, true))])
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        let settings = settings::of_arguments(args.exprs)?;
        Ok(Box::new(IntervalsAccumulator::new(settings)))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

/// Where a person's first start lies: its time, and its interval or -1. The least pair is the first.
type First = (i64, i64);

const NO_START: First = (i64::MAX, i64::MAX);

struct IntervalsAccumulator {
    settings: RetentionSettings,
    groups: usize,
    /// One a group where only the first start counts, else none.
    first: Vec<First>,
    /// `2 * words` a group: intervals with a start, intervals with a return.
    sets: Vec<u64>,
}

impl IntervalsAccumulator {
    fn new(settings: RetentionSettings) -> Self {
        Self { settings, groups: 0, first: Vec::new(), sets: Vec::new() }
    }

    fn width(&self) -> usize {
        2 * self.settings.words()
    }

    fn grow(&mut self, total_groups: usize) {
        if self.groups < total_groups {
            self.groups = total_groups;
            self.sets.resize(total_groups * self.width(), 0);
            if self.settings.first_time {
                self.first.resize(total_groups, NO_START);
            }
        }
    }

    fn see(&mut self, group: usize, event: Happening) {
        let (width, words) = (self.width(), self.settings.words());
        let set = &mut self.sets[group * width..][..width];
        let place = usize::try_from(event.interval).ok().filter(|place| *place < self.settings.intervals);
        if event.started {
            if let Some(first) = self.first.get_mut(group) {
                *first = (*first).min((event.time, event.interval));
            }
            let counts = (self.settings.from..self.settings.to).contains(&event.time);
            if let Some(place) = place.filter(|_| counts) {
                set[place / 64] |= 1 << (place % 64);
            }
        }
        if let Some(place) = place.filter(|_| event.returned) {
            set[words + place / 64] |= 1 << (place % 64);
        }
    }

    /// Takes the groups to emit.
    fn take(&mut self, emit: EmitTo) -> Self {
        let (EmitTo::First(count), width) = (emit, self.width()) else {
            return std::mem::replace(self, Self::new(self.settings));
        };
        let first = if self.settings.first_time { emit.take_needed(&mut self.first) } else { Vec::new() };
        let sets = EmitTo::First(count * width).take_needed(&mut self.sets);
        self.groups -= count;
        Self { settings: self.settings, groups: count, first, sets }
    }
}

impl GroupsAccumulator for IntervalsAccumulator {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total_groups: usize,
    ) -> Result<()> {
        self.grow(total_groups);
        let happenings = Happenings::of(values)?;
        for (at, group) in groups.iter().enumerate() {
            if passes(filter, at) {
                self.see(*group, happenings.at(at));
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let (words, width, settings) = (self.settings.words(), self.width(), self.settings);
        let mut taken = self.take(emit);
        for (set, (time, interval)) in taken.sets.chunks_exact_mut(width).zip(&taken.first) {
            set[..words].fill(0);
            let place = usize::try_from(*interval).ok().filter(|place| *place < settings.intervals);
            if let Some(place) = place.filter(|_| (settings.from..settings.to).contains(time)) {
                set[place / 64] |= 1 << (place % 64);
            }
        }
        let words = taken.sets.iter().map(|word| word.cast_signed()).collect();
        Ok(Lists::of_equal(words, width, taken.groups))
    }

    /// A group's sets, then its first start where that counts, each as eight bytes.
    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        let width = self.width();
        let taken = self.take(emit);
        let mut bytes = Vec::with_capacity(8 * (taken.sets.len() + 2 * taken.first.len()));
        for group in 0..taken.groups {
            taken.sets[group * width..][..width].iter().for_each(|word| bytes.extend(word.to_le_bytes()));
            if let Some((time, interval)) = taken.first.get(group) {
                bytes.extend(time.to_le_bytes());
                bytes.extend(interval.to_le_bytes());
            }
        }
        let each = bytes.len().checked_div(taken.groups).unwrap_or(0);
        let offsets = OffsetBuffer::from_repeated_length(each, taken.groups);
        Ok(vec![Arc::new(BinaryArray::new(offsets, bytes.into(), None))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total_groups: usize) -> Result<()> {
        self.grow(total_groups);
        let wrong = || exec_datafusion_err!("a state of `retention_intervals` is bytes");
        let (states, width) = (states[0].as_binary_opt::<i32>().ok_or_else(wrong)?, self.width());
        for (at, group) in groups.iter().enumerate() {
            let (words, _) = states.value(at).as_chunks::<8>();
            for (mine, theirs) in self.sets[group * width..][..width].iter_mut().zip(words) {
                *mine |= u64::from_le_bytes(*theirs);
            }
            if let (Some(first), [time, interval]) = (self.first.get_mut(*group), &words[width.min(words.len())..]) {
                *first = (*first).min((i64::from_le_bytes(*time), i64::from_le_bytes(*interval)));
            }
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows = values[0].len();
        let mut single = Self::new(self.settings);
        let groups: Vec<usize> = (0..rows).collect();
        single.update_batch(values, &groups, filter, rows)?;
        single.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.first.capacity() * size_of::<First>() + self.sets.capacity() * size_of::<u64>()
    }
}

/// One event.
#[derive(Clone, Copy)]
struct Happening {
    time: i64,
    /// -1: outside of all.
    interval: i64,
    started: bool,
    returned: bool,
}

/// The arguments of a batch.
struct Happenings<'a> {
    times: &'a [i64],
    intervals: &'a Int64Array,
    marks: &'a [i64],
}

impl<'a> Happenings<'a> {
    fn of(values: &'a [ArrayRef]) -> Result<Self> {
        let wrong = || exec_datafusion_err!("`retention_intervals` takes a time, an interval and marks");
        Ok(Self {
            times: values[0].as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(wrong)?.values(),
            intervals: values[1].as_primitive_opt::<Int64Type>().ok_or_else(wrong)?,
            marks: values[2].as_primitive_opt::<Int64Type>().ok_or_else(wrong)?.values(),
        })
    }

    fn at(&self, at: usize) -> Happening {
        let interval = if self.intervals.is_valid(at) { self.intervals.value(at) } else { -1 };
        let has = |mark: i64| self.marks[at] & mark != 0;
        Happening { time: self.times[at], interval, started: has(STARTED), returned: has(RETURNED) }
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct TableFunction {
    signature: Signature,
}

impl AggregateUDFImpl for TableFunction {
    fn name(&self) -> &str {
        "retention_table"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(list_type())
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let settings: RetentionSettings = settings::of_arguments(args.exprs)?;
        let cells = settings.cohorts * (settings.last_column + 1);
        Ok(Box::new(TableAccumulator { settings, kernel: settings.kernel(), merged: vec![0; cells] }))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new(format!("{}[cells]", args.name), list_type(), true))])
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

#[derive(Debug)]
struct TableAccumulator {
    settings: RetentionSettings,
    kernel: Retention,
    /// Counts of other parts.
    merged: Vec<i64>,
}

impl TableAccumulator {
    /// All cells, as wide as the last column; what is not observed is 0.
    fn cells(&self) -> ScalarValue {
        let width = self.settings.last_column + 1;
        let mut cells = self.merged.clone();
        for (cohort, row) in cells.chunks_mut(width).enumerate() {
            for (cell, count) in row.iter_mut().zip(self.kernel.row(cohort)) {
                *cell += i64::try_from(*count).unwrap_or(i64::MAX);
            }
        }
        let mut lists = Lists::with_capacity(1);
        lists.push(cells);
        ScalarValue::List(Arc::new(lists.finish().as_list::<i32>().clone()))
    }
}

impl Accumulator for TableAccumulator {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let lists = ListsView::of(values[0].as_ref())?;
        let words = self.settings.words();
        let mut sets = Vec::with_capacity(2 * words);
        for row in 0..values[0].len() {
            sets.clear();
            sets.extend(lists.list(row).iter().map(|word| word.cast_unsigned()));
            if sets.len() == 2 * words {
                self.kernel.add_intervals(&sets[..words], &sets[words..]);
            }
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(self.cells())
    }

    fn size(&self) -> usize {
        size_of::<Self>() + 2 * self.merged.capacity() * size_of::<u64>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.cells()])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let lists = ListsView::of(states[0].as_ref())?;
        for row in 0..states[0].len() {
            self.merged.iter_mut().zip(lists.list(row)).for_each(|(mine, theirs)| *mine += theirs);
        }
        Ok(())
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct CellFunction {
    signature: Signature,
}

impl ScalarUDFImpl for CellFunction {
    fn name(&self) -> &str {
        "retention_cell"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [
            sets,
            settings,
            ColumnarValue::Scalar(ScalarValue::Int64(Some(cohort))),
            ColumnarValue::Scalar(ScalarValue::Int64(Some(column))),
        ] = args.args.as_slice()
        else {
            return exec_err!("retention_cell takes sets, settings, a cohort and a column");
        };
        let settings: RetentionSettings = settings::of_value(settings)?;
        let (cohort, column) = (usize::try_from(*cohort).unwrap_or(0), usize::try_from(*column).unwrap_or(0));
        let sets = sets.to_array(args.number_rows)?;
        let lists = ListsView::of(sets.as_ref())?;
        let words = settings.words();
        let has = |list: &[i64], place: usize| {
            list.get(place / 64).is_some_and(|word| place < settings.intervals && word & (1 << (place % 64)) != 0)
        };
        let last = if settings.on_or_after { settings.last_column } else { column };
        let counted = |row: usize| {
            let list = lists.list(row);
            let (started, returned) = list.split_at(words.min(list.len()));
            has(started, cohort) && (column == 0 || (column..=last).any(|k| has(returned, cohort + k)))
        };
        let counted: BooleanArray = (0..sets.len()).map(|row| Some(counted(row))).collect();
        Ok(ColumnarValue::Array(Arc::new(counted)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::TimestampMicrosecondArray;
    use proptest::prelude::*;

    const GROUPS: usize = 4;
    const INTERVALS: i64 = 70;

    fn settings(first_time: bool) -> RetentionSettings {
        let intervals = usize::try_from(INTERVALS).unwrap();
        RetentionSettings { intervals, cohorts: 40, last_column: 3, from: 5, to: 60, first_time, on_or_after: false }
    }

    fn accumulator(first_time: bool) -> IntervalsAccumulator {
        IntervalsAccumulator::new(settings(first_time))
    }

    /// Interval `i` is the microsecond `i`; times outside have none.
    fn arguments(events: &[(usize, i64, i64)]) -> (Vec<ArrayRef>, Vec<usize>) {
        let times: TimestampMicrosecondArray = events.iter().map(|event| Some(event.1)).collect();
        let intervals: Int64Array =
            events.iter().map(|event| (0..INTERVALS).contains(&event.1).then_some(event.1)).collect();
        let marks: Int64Array = events.iter().map(|event| event.2).collect();
        (vec![Arc::new(times), Arc::new(intervals), Arc::new(marks)], events.iter().map(|event| event.0).collect())
    }

    fn places(words: &[i64]) -> Vec<i64> {
        (0..INTERVALS).filter(|place| words[usize::try_from(place / 64).unwrap()] & (1 << (place % 64)) != 0).collect()
    }

    proptest! {
        /// Oracle: the times of each group's starts and returns.
        #[test]
        fn parts_that_are_merged_give_the_intervals_of_all_events(
            events in prop::collection::vec((0..GROUPS, -3i64..75, 0i64..4), 0..40),
            cut in 0usize..40,
            first_time in any::<bool>(),
        ) {
            let (left, right) = events.split_at(cut.min(events.len()));
            let (mut part, mut merged) = (accumulator(first_time), accumulator(first_time));
            let (values, groups) = arguments(left);
            part.update_batch(&values, &groups, None, GROUPS).unwrap();
            let state = part.state(EmitTo::All).unwrap();
            merged.merge_batch(&state, &(0..GROUPS).collect::<Vec<_>>(), GROUPS).unwrap();
            let (values, groups) = arguments(right);
            let state = merged.convert_to_state(&values, None).unwrap();
            merged.merge_batch(&state, &groups, GROUPS).unwrap();
            let early = merged.evaluate(EmitTo::First(1)).unwrap();
            let late = merged.evaluate(EmitTo::All).unwrap();
            for group in 0..GROUPS {
                let (array, row) = if group == 0 { (&early, 0) } else { (&late, group - 1) };
                let sets = ListsView::of(array.as_ref()).unwrap().list(row);
                let marked = |mark: i64| {
                    let mut times: Vec<i64> =
                        events.iter().filter(|(g, _, marks)| *g == group && marks & mark != 0).map(|event| event.1).collect();
                    times.sort_unstable();
                    times.dedup();
                    times
                };
                let mut started = marked(STARTED);
                started.truncate(if first_time { 1 } else { usize::MAX });
                started.retain(|time| (5..60).contains(time));
                let returned: Vec<i64> = marked(RETURNED).into_iter().filter(|time| (0..INTERVALS).contains(time)).collect();
                prop_assert_eq!((places(&sets[..2]), places(&sets[2..])), (started, returned));
            }
        }
    }
}
