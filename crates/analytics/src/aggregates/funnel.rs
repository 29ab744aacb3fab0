//! `funnel(time, order_key, marks, settings)`: how far a person came, over the kernel of `sequences`.
//!
//! The answer is a list: level, tag of the entry's event (0 at level 0), and the times of the steps filled, ascending. The lower
//! 32 bits of `marks` are a mask: bit `i` says that the event matches step `i`; exclusions have the bits above. Its upper 32 bits are a tag,
//! any small number that the entry should pass on, such as a place in a breakdown. One number, because each column that a row takes along
//! costs as much as another.

use std::mem::size_of;
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type, TimestampMicrosecondType};
use datafusion::common::{Result, exec_datafusion_err, internal_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, Expr, GroupsAccumulator, Signature, Volatility, lit,
};
use rapport_lake::KEEPS_ROWS;
use rapport_sequences::order::{self, Ordered};
use rapport_sequences::{Funnel, FunnelMode, FunnelSpec, Stepped};
use serde::{Deserialize, Serialize};

use super::lists::{Lists, ListsView, list_type};
use super::rows::{GroupedRows, passes};
use super::settings;

/// The parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunnelSettings {
    /// Number of steps.
    pub steps: usize,
    /// Number of exclusions, whose bits follow those of the steps.
    pub exclusions: usize,
    /// Microseconds from the entry to a later step, at most.
    pub window: u64,
    /// Chains begin before this instant.
    pub until: i64,
    /// In any order.
    pub any_order: bool,
    /// With nothing in between.
    pub strict: bool,
}

impl FunnelSettings {
    fn kernel(self) -> Result<Funnel> {
        let mode = match (self.any_order, self.strict) {
            (true, _) => FunnelMode::AnyOrder,
            (false, true) => FunnelMode::Strict,
            (false, false) => FunnelMode::Ordered,
        };
        let exclusions = (self.steps..self.steps + self.exclusions).fold(0, |bits, bit| bits | (1_u32 << bit.min(31)));
        let spec = FunnelSpec { steps: self.steps, window: self.window, mode, exclusions };
        Funnel::new(spec).map_err(|error| exec_datafusion_err!("{error}"))
    }
}

/// The aggregate as an expression; `time` is a `Timestamp(µs)`, the others are `Int64`.
pub fn funnel(time: Expr, order_key: Expr, marks: Expr, settings: &FunnelSettings) -> Expr {
    FUNNEL.call(vec![time, order_key, marks, settings::argument(settings)])
}

/// `marks` of a mask and a tag, both `Int64` and not negative.
pub fn marks(mask: Expr, tag: Expr) -> Expr {
    mask + tag * lit(1_i64 << 32)
}

pub(super) fn function() -> Arc<AggregateUDF> {
    Arc::clone(&FUNNEL)
}

static FUNNEL: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
    let signature = Signature::any(4, Volatility::Immutable);
    Arc::new(AggregateUDF::from(FunnelFunction { signature, aliases: [KEEPS_ROWS.to_owned()] }))
});

#[derive(Debug, PartialEq, Eq, Hash)]
struct FunnelFunction {
    signature: Signature,
    aliases: [String; 1],
}

impl AggregateUDFImpl for FunnelFunction {
    fn name(&self) -> &str {
        "funnel"
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(list_type())
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        internal_err!("`funnel` is asked for by person")
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new(format!("{}[rows]", args.name), list_type(), true))])
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        let settings: FunnelSettings = settings::of_arguments(args.exprs)?;
        let kernel = settings.kernel()?;
        let rows = GroupedRows::default();
        Ok(Box::new(FunnelAccumulator { kernel, steps: settings.steps, until: settings.until, rows }))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

/// An event of 24 bytes.
#[derive(Clone, Copy)]
struct Row {
    time: i64,
    order_key: i64,
    mask: u32,
    tag: i32,
}

impl Row {
    fn new(time: i64, order_key: i64, marks: i64) -> Self {
        let marks = marks.cast_unsigned();
        let low = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).unwrap_or(u32::MAX);
        Self { time, order_key, mask: low(marks), tag: low(marks >> 32).cast_signed() }
    }

    fn marks(self) -> i64 {
        (u64::from(self.mask) | (u64::from(self.tag.cast_unsigned()) << 32)).cast_signed()
    }

    fn to_state(self) -> [i64; 3] {
        [self.time, self.order_key, self.marks()]
    }

    fn of_state(state: &[i64]) -> Self {
        Self::new(state[0], state[1], state[2])
    }
}

impl Ordered for Row {
    #[inline]
    fn time(&self) -> i64 {
        self.time
    }
    #[inline]
    fn order_key(&self) -> i64 {
        self.order_key
    }
    #[inline]
    fn tie_break(&self) -> u64 {
        self.marks().cast_unsigned()
    }
}

impl Stepped for Row {
    #[inline]
    fn steps(&self) -> u32 {
        self.mask
    }
}

struct FunnelAccumulator {
    kernel: Funnel,
    steps: usize,
    until: i64,
    rows: GroupedRows<Row>,
}

impl FunnelAccumulator {
    fn answer(&mut self, events: &mut [Row], lists: &mut Lists) {
        order::sort(events);
        let conversion = self.kernel.conversion_before(events, self.until);
        let level = i64::try_from(conversion.level).unwrap_or(0);
        let (mut filled, mut count) = ([0_usize; 32], 0);
        for event in (0..self.steps).filter_map(|step| conversion.event(step)) {
            filled[count] = event;
            count += 1;
        }
        let filled = &mut filled[..count];
        filled.sort_unstable();
        let tag = filled.first().map_or(0, |entry| i64::from(events[*entry].tag));
        lists.push([level, tag].into_iter().chain(filled.iter().map(|at| events[*at].time)));
    }
}

impl GroupsAccumulator for FunnelAccumulator {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total_groups: usize,
    ) -> Result<()> {
        let events = Events::of(values)?;
        self.rows.reserve(total_groups);
        for (at, group) in groups.iter().enumerate() {
            if passes(filter, at) {
                self.rows.push(*group, events.row(at));
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let mut together = self.rows.take(emit);
        let mut lists = Lists::with_capacity(together.len());
        for group in 0..together.len() {
            self.answer(together.group(group), &mut lists);
        }
        Ok(lists.finish())
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        let mut together = self.rows.take(emit);
        let mut lists = Lists::with_capacity(together.len());
        for group in 0..together.len() {
            lists.push(together.group(group).iter().flat_map(|row| row.to_state()));
        }
        Ok(vec![lists.finish()])
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total_groups: usize) -> Result<()> {
        let lists = ListsView::of(states[0].as_ref())?;
        self.rows.reserve(total_groups);
        for (at, group) in groups.iter().enumerate() {
            for state in lists.list(at).chunks_exact(3) {
                self.rows.push(*group, Row::of_state(state));
            }
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let events = Events::of(values)?;
        if filter.is_none() {
            return Ok(vec![Lists::of_rows((0..values[0].len()).map(|at| events.row(at).to_state()))]);
        }
        let mut lists = Lists::with_capacity(values[0].len());
        for at in 0..values[0].len() {
            lists.push(passes(filter, at).then(|| events.row(at).to_state()).into_iter().flatten());
        }
        Ok(vec![lists.finish()])
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.rows.size()
    }
}

/// The arguments of a batch.
struct Events<'a> {
    times: &'a [i64],
    keys: &'a [i64],
    marks: &'a [i64],
}

impl<'a> Events<'a> {
    fn of(values: &'a [ArrayRef]) -> Result<Self> {
        let integers = |at: usize| -> Result<&'a [i64]> {
            let wrong = || exec_datafusion_err!("argument {at} of `funnel` is not Int64");
            Ok(values[at].as_primitive_opt::<Int64Type>().ok_or_else(wrong)?.values())
        };
        let times = values[0]
            .as_primitive_opt::<TimestampMicrosecondType>()
            .ok_or_else(|| exec_datafusion_err!("the first argument of `funnel` is a time in microseconds"))?;
        Ok(Self { times: times.values(), keys: integers(1)?, marks: integers(2)? })
    }

    fn row(&self, at: usize) -> Row {
        Row::new(self.times[at], self.keys[at], self.marks[at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int64Array, TimestampMicrosecondArray};
    use proptest::prelude::*;

    const SETTINGS: FunnelSettings =
        FunnelSettings { steps: 2, exclusions: 1, window: 5, until: 15, any_order: false, strict: false };
    const GROUPS: usize = 4;

    fn accumulator() -> FunnelAccumulator {
        let (steps, until) = (SETTINGS.steps, SETTINGS.until);
        FunnelAccumulator { kernel: SETTINGS.kernel().unwrap(), steps, until, rows: GroupedRows::default() }
    }

    fn arguments(events: &[(usize, i64, i64)]) -> (Vec<ArrayRef>, Vec<usize>) {
        let column =
            |of: fn(&(usize, i64, i64)) -> i64| Arc::new(events.iter().map(of).collect::<Int64Array>()) as ArrayRef;
        let times: TimestampMicrosecondArray = events.iter().map(|event| Some(event.1)).collect();
        let arguments = vec![Arc::new(times) as ArrayRef, column(|_| 0), column(|event| event.2 | (event.1 << 32))];
        (arguments, events.iter().map(|event| event.0).collect())
    }

    fn lists(array: &ArrayRef) -> Vec<Vec<i64>> {
        let view = ListsView::of(array.as_ref()).unwrap();
        (0..array.len()).map(|row| view.list(row).to_vec()).collect()
    }

    #[test]
    fn a_row_comes_back_from_its_state() {
        for (mask, tag) in [(0, 0), (u32::MAX, -1), (1 << 31, i32::MIN), (5, i32::MAX)] {
            let row = Row { time: -7, order_key: i64::MIN, mask, tag };
            let back = Row::of_state(&row.to_state());
            assert_eq!((back.time, back.order_key, back.mask, back.tag), (-7, i64::MIN, mask, tag));
        }
    }

    proptest! {
        #[test]
        fn parts_that_are_merged_give_what_the_whole_gives(
            events in prop::collection::vec((0..GROUPS, 0i64..20, 0i64..8), 0..24),
            cut in 0usize..24,
            first in 0..GROUPS,
        ) {
            let mut whole = accumulator();
            let (values, groups) = arguments(&events);
            whole.update_batch(&values, &groups, None, GROUPS).unwrap();
            let whole = lists(&whole.evaluate(EmitTo::All).unwrap());

            // One part hands over its state, of the other each row becomes a state by itself.
            let (left, right) = events.split_at(cut.min(events.len()));
            let (mut part, mut merged) = (accumulator(), accumulator());
            let (values, groups) = arguments(left);
            part.update_batch(&values, &groups, None, GROUPS).unwrap();
            let state = part.state(EmitTo::All).unwrap();
            merged.merge_batch(&state, &(0..GROUPS).collect::<Vec<_>>(), GROUPS).unwrap();
            let (values, groups) = arguments(right);
            let state = merged.convert_to_state(&values, None).unwrap();
            merged.merge_batch(&state, &groups, GROUPS).unwrap();
            let mut found = lists(&merged.evaluate(EmitTo::First(first)).unwrap());
            found.extend(lists(&merged.evaluate(EmitTo::All).unwrap()));
            prop_assert_eq!(found, whole);
        }
    }
}
