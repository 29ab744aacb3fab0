//! Experiments in two aggregates: what each person was exposed to and did, and the sums over persons of each variant.
//!
//! `exposure(time, marks, amounts..., settings)` gives a list a person: the bits of the variants seen in its lower and the number of exposures in its
//! upper half, the time of the first exposure, and for those of one variant the values of all quantities after and before it, as the bits of doubles.
//! Nobody exposed has an empty list. `exposure_sums(list, place, settings)` adds the lists up, see [`Sums`].
//!
//! An exposure changes three numbers of its person and is forgotten, so that ten million of them cost little; only what is measured is kept until
//! the end.

use std::mem::size_of;
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Int64Type, TimestampMicrosecondType};
use datafusion::common::{Result, exec_datafusion_err, internal_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, Expr, GroupsAccumulator, Signature, Volatility, lit,
};
use rapport_sequences::{ExposureSpec, Exposures, Fold, Measurement};
use serde::{Deserialize, Serialize};

use super::exposure_sums;
use super::lists::{Lists, ListsView, list_type};
use super::rows::{GroupedRows, passes};
use super::settings;

/// Most variants of an experiment: they share the bits of a mark with the quantities.
pub const MAX_ARMS: usize = 16;
/// Most quantities that are measured at once.
pub const MAX_QUANTITIES: usize = 40;

/// How a quantity is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Quantity {
    /// 1 for whoever has any of the events.
    Any,
    /// How many of the events.
    Count,
    /// The sum of an amount, which is an argument of its own; the arguments follow one another as these quantities do.
    Amount,
}

/// The parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExposureSettings {
    /// How many variants there are; what is none of them is one more.
    pub arms: usize,
    /// What is measured.
    pub quantities: Vec<Quantity>,
    /// Exposures count from here.
    pub from: i64,
    /// Exposures count before this.
    pub to: i64,
    /// Nothing is known from here on.
    pub until: i64,
    /// Microseconds after the first exposure that count.
    pub window: Option<u64>,
    /// Microseconds before it; 0 for none.
    pub before: u64,
    /// Each metric's quantity, and the one it is divided by.
    pub metrics: Vec<(usize, Option<usize>)>,
    /// Whether people whose window is not over are counted.
    pub immature: bool,
    /// The bounds of the days by which first exposures are counted.
    pub days: Vec<i64>,
    /// How many parts the answer is taken apart into; at least 1.
    pub places: usize,
}

impl ExposureSettings {
    pub(super) fn spec(&self) -> ExposureSpec {
        let Self { from, to, until, window, before, .. } = *self;
        ExposureSpec { from, to, until, window, before }
    }

    fn folds(&self) -> Vec<Fold> {
        let fold = |quantity: &Quantity| if *quantity == Quantity::Any { Fold::Any } else { Fold::Sum };
        self.quantities.iter().map(fold).collect()
    }
}

/// The first aggregate. `time` is a `Timestamp(µs)`; `marks` are those of [`exposure_marks`]; `amounts` are `Float64`, null where there is none.
pub fn exposure(time: Expr, marks: Expr, amounts: Vec<Expr>, settings: &ExposureSettings) -> Expr {
    let arguments = [time, marks].into_iter().chain(amounts).chain([settings::argument(settings)]).collect();
    EXPOSURE.call(arguments)
}

/// The marks of an event: whether it `is_exposure`, of which of the `variants` (a bit each, [`super::names_mask`]), and of each quantity whether the
/// event belongs to it; all are `Int64` and, but for the variants, 1 or 0. Sums and products, because a branch of a `CASE` copies the texts it is taken for.
pub fn exposure_marks(arms: usize, is_exposure: Expr, variants: Expr, quantities: Vec<Expr>) -> Expr {
    let bit = |bit: usize| lit(1_i64 << bit);
    let marks = is_exposure * (variants + bit(arms));
    quantities.into_iter().enumerate().fold(marks, |marks, (at, is_one)| marks + is_one * bit(arms + 1 + at))
}

pub(super) fn function() -> Arc<AggregateUDF> {
    Arc::clone(&EXPOSURE)
}

pub(super) fn sums_function() -> Arc<AggregateUDF> {
    exposure_sums::function()
}

static EXPOSURE: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
    let signature = Signature::variadic_any(Volatility::Immutable);
    Arc::new(AggregateUDF::from(ExposureFunction { signature }))
});

#[derive(Debug, PartialEq, Eq, Hash)]
struct ExposureFunction {
    signature: Signature,
}

impl AggregateUDFImpl for ExposureFunction {
    fn name(&self) -> &str {
        "exposure"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(list_type())
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        internal_err!("`exposure` is asked for by person")
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new(format!("{}[rows]", args.name), list_type(), true))])
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(ExposureAccumulator::new(settings::of_arguments(args.exprs)?)))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

struct ExposureAccumulator {
    arms: usize,
    quantities: Vec<Quantity>,
    spec: ExposureSpec,
    folds: Vec<Fold>,
    exposures: Vec<Exposures>,
    rows: GroupedRows<Measurement>,
}

impl ExposureAccumulator {
    fn new(settings: ExposureSettings) -> Self {
        let (spec, folds) = (settings.spec(), settings.folds());
        let ExposureSettings { arms, quantities, .. } = settings;
        Self { arms, quantities, spec, folds, exposures: Vec::new(), rows: GroupedRows::default() }
    }

    fn grow(&mut self, total_groups: usize) {
        if self.exposures.len() < total_groups {
            self.exposures.resize(total_groups, Exposures::NONE);
        }
        self.rows.reserve(total_groups);
    }

    fn see(&mut self, group: usize, event: Happening, amounts: &[&Float64Array], at: usize) {
        let marks = event.marks.cast_unsigned();
        let is_exposure = marks >> self.arms & 1 == 1;
        if is_exposure && self.spec.counts(event.time) {
            // Below the bit that says "an exposure" are those of the variants; without one of them it is none that is known.
            let known = marks & ((1 << self.arms) - 1);
            let arms = u32::try_from(if known == 0 { 1 << self.arms } else { known }).unwrap_or(u32::MAX);
            let exposures = &mut self.exposures[group];
            *exposures = exposures.merged(Exposures { first: event.time, arms, count: 1 });
        }
        let (mut measured, mut amount) = (marks >> (self.arms + 1), 0);
        if measured == 0 {
            return;
        }
        for (quantity, kind) in self.quantities.iter().enumerate() {
            let value = match kind {
                Quantity::Any | Quantity::Count => Some(1.0),
                Quantity::Amount => {
                    let amounts = amounts[amount];
                    amount += 1;
                    amounts.is_valid(at).then(|| amounts.value(at))
                }
            };
            if let Some(value) = value.filter(|_| measured & 1 == 1) {
                let quantity = u32::try_from(quantity).unwrap_or(u32::MAX);
                self.rows.push(group, Measurement { time: event.time, quantity, value });
            }
            measured >>= 1;
        }
    }

    /// A group's state: bits and number of exposures, the first, then time, quantity and value of each measurement.
    fn state_of(exposures: Exposures, rows: &[Measurement]) -> impl Iterator<Item = i64> {
        let rows = rows.iter().flat_map(|row| [row.time, i64::from(row.quantity), bits(row.value)]);
        [seen(exposures), exposures.first].into_iter().chain(rows)
    }
}

/// Bits and number of exposures in one.
fn seen(exposures: Exposures) -> i64 {
    (u64::from(exposures.arms) | (u64::from(exposures.count) << 32)).cast_signed()
}

/// The reverse, with the first.
pub(super) fn exposures(seen: i64, first: i64) -> Exposures {
    let seen = seen.cast_unsigned();
    let half = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    Exposures { first, arms: half(seen), count: half(seen >> 32) }
}

/// A double as a list can hold it.
pub(super) fn bits(value: f64) -> i64 {
    value.to_bits().cast_signed()
}

/// The reverse.
pub(super) fn value(bits: i64) -> f64 {
    f64::from_bits(bits.cast_unsigned())
}

impl GroupsAccumulator for ExposureAccumulator {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total_groups: usize,
    ) -> Result<()> {
        self.grow(total_groups);
        let (events, amounts) = arguments(values)?;
        for (at, group) in groups.iter().enumerate() {
            if passes(filter, at) {
                self.see(*group, events.at(at), &amounts, at);
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let (persons, mut rows) = (emit.take_needed(&mut self.exposures), self.rows.take(emit));
        let mut lists = Lists::with_capacity(persons.len());
        let (mut after, mut before) = (vec![0.0; self.quantities.len()], vec![0.0; self.quantities.len()]);
        for (group, person) in persons.into_iter().enumerate() {
            if person.arm().is_some_and(|arm| arm < self.arms) {
                self.spec.measure(person.first, rows.group(group), &self.folds, &mut after, &mut before);
                let before = if self.spec.before > 0 { &before[..] } else { &[] };
                lists.push(
                    [seen(person), person.first].into_iter().chain(after.iter().chain(before).map(|it| bits(*it))),
                );
            } else {
                lists.push(person.any().then(|| [seen(person), person.first]).into_iter().flatten());
            }
        }
        Ok(lists.finish())
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        let (persons, mut rows) = (emit.take_needed(&mut self.exposures), self.rows.take(emit));
        let mut lists = Lists::with_capacity(persons.len());
        for (group, person) in persons.into_iter().enumerate() {
            lists.push(Self::state_of(person, rows.group(group)));
        }
        Ok(vec![lists.finish()])
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total_groups: usize) -> Result<()> {
        self.grow(total_groups);
        let lists = ListsView::of(states[0].as_ref())?;
        for (at, group) in groups.iter().enumerate() {
            let [person, first, rows @ ..] = lists.list(at) else { continue };
            let mine = &mut self.exposures[*group];
            *mine = mine.merged(exposures(*person, *first));
            let (rows, _) = rows.as_chunks::<3>();
            for [time, quantity, amount] in rows {
                let quantity = u32::try_from(*quantity).unwrap_or(u32::MAX);
                self.rows.push(*group, Measurement { time: *time, quantity, value: value(*amount) });
            }
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows = values[0].len();
        let mut single = Self {
            quantities: self.quantities.clone(),
            folds: self.folds.clone(),
            exposures: Vec::new(),
            rows: GroupedRows::default(),
            ..*self
        };
        let groups: Vec<usize> = (0..rows).collect();
        single.update_batch(values, &groups, filter, rows)?;
        single.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.exposures.capacity() * size_of::<Exposures>() + self.rows.size()
    }
}

/// One event.
#[derive(Clone, Copy)]
struct Happening {
    time: i64,
    marks: i64,
}

/// The arguments of a batch.
struct Happenings<'a> {
    times: &'a [i64],
    marks: &'a [i64],
}

impl Happenings<'_> {
    fn at(&self, at: usize) -> Happening {
        Happening { time: self.times[at], marks: self.marks[at] }
    }
}

fn arguments(values: &[ArrayRef]) -> Result<(Happenings<'_>, Vec<&Float64Array>)> {
    let wrong = || exec_datafusion_err!("`exposure` takes a time, marks, amounts and settings");
    let [times, marks, amounts @ .., _] = values else { return Err(wrong()) };
    let times = times.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(wrong)?.values();
    let marks = marks.as_primitive_opt::<Int64Type>().ok_or_else(wrong)?.values();
    let amounts = amounts.iter().map(|it| it.as_primitive_opt::<Float64Type>().ok_or_else(wrong));
    Ok((Happenings { times, marks }, amounts.collect::<Result<_>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int64Array, TimestampMicrosecondArray};
    use proptest::prelude::*;

    const GROUPS: usize = 4;

    fn settings() -> ExposureSettings {
        ExposureSettings {
            arms: 2,
            quantities: vec![Quantity::Any, Quantity::Amount, Quantity::Count],
            from: 2,
            to: 15,
            until: 18,
            window: Some(5),
            before: 4,
            metrics: vec![],
            immature: true,
            days: vec![],
            places: 1,
        }
    }

    /// Group, time, marks, amount.
    type Event = (usize, i64, i64, Option<u8>);

    fn columns(events: &[Event]) -> (Vec<ArrayRef>, Vec<usize>) {
        let times: TimestampMicrosecondArray = events.iter().map(|event| Some(event.1)).collect();
        let marks: Int64Array = events.iter().map(|event| event.2).collect();
        let amounts: Float64Array = events.iter().map(|event| event.3.map(|it| f64::from(it) / 10.0)).collect();
        let settings: ArrayRef = Arc::new(Int64Array::from(vec![0; events.len()]));
        let arguments: Vec<ArrayRef> = vec![Arc::new(times), Arc::new(marks), Arc::new(amounts), settings];
        (arguments, events.iter().map(|event| event.0).collect())
    }

    fn lists(array: &ArrayRef) -> Vec<Vec<i64>> {
        let view = ListsView::of(array.as_ref()).unwrap();
        (0..array.len()).map(|row| view.list(row).to_vec()).collect()
    }

    #[test]
    fn a_variant_that_is_none_of_those_asked_for_is_one_more() {
        let mut it = ExposureAccumulator::new(settings());
        // Marks: bits 0 and 1 are the variants, bit 2 says that it is an exposure, bits 3 to 5 are the quantities.
        let events = [
            (0, 5, 0b100, None),
            (1, 5, 0b101, None),
            (1, 6, 0b10_1000, None),
            (2, 5, 0b101, None),
            (2, 9, 0b110, None),
        ];
        let (values, groups) = columns(&events);
        it.update_batch(&values, &groups, None, GROUPS).unwrap();
        let found = lists(&it.evaluate(EmitTo::All).unwrap());
        assert_eq!(found[0], [0b100 | 1 << 32, 5]);
        let values = [1.0, 0.0, 1.0, 0.0, 0.0, 0.0].map(bits);
        assert_eq!(found[1], [[0b001 | 1 << 32, 5].as_slice(), &values].concat());
        assert_eq!(found[2], [0b011 | 2 << 32, 5], "mixed");
        assert!(found[3].is_empty());
    }

    proptest! {
        #[test]
        fn parts_that_are_merged_give_what_the_whole_gives(
            events in prop::collection::vec((0..GROUPS, 0i64..20, 0i64..64, prop::option::of(0u8..9)), 0..24),
            (cut, first) in (0usize..24, 0..GROUPS),
        ) {
            let mut whole = ExposureAccumulator::new(settings());
            let (values, groups) = columns(&events);
            whole.update_batch(&values, &groups, None, GROUPS).unwrap();
            let whole = lists(&whole.evaluate(EmitTo::All).unwrap());

            // One part hands over its state, of the other each row becomes a state by itself.
            let (left, right) = events.split_at(cut.min(events.len()));
            let (mut part, mut merged) = (ExposureAccumulator::new(settings()), ExposureAccumulator::new(settings()));
            let (values, groups) = columns(left);
            part.update_batch(&values, &groups, None, GROUPS).unwrap();
            let state = part.state(EmitTo::All).unwrap();
            merged.merge_batch(&state, &(0..GROUPS).collect::<Vec<_>>(), GROUPS).unwrap();
            let (values, groups) = columns(right);
            let state = merged.convert_to_state(&values, None).unwrap();
            merged.merge_batch(&state, &groups, GROUPS).unwrap();
            let mut found = lists(&merged.evaluate(EmitTo::First(first)).unwrap());
            found.extend(lists(&merged.evaluate(EmitTo::All).unwrap()));
            prop_assert_eq!(found, whole);
        }
    }
}
