//! `exposure_sums(list, place, settings)`: what the persons of an experiment come to, variant by variant.
//!
//! Always holds: everything is a sum over persons, so parts add up to the whole. The answer is one list of doubles, as bits; [`Sums`] says what is where.

use std::mem::size_of_val;
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::{Result, ScalarValue, exec_datafusion_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Expr, Signature, Volatility};
use rapport_models::experiments::Paired;
use rapport_sequences::intervals::{self, Even};

use super::exposure::{ExposureSettings, bits, exposures, value};
use super::lists::{Lists, ListsView, list_type};
use super::settings;

/// The second aggregate, over the lists of [`super::exposure()`]; `place` is `Int64` and not negative.
pub fn exposure_sums(list: Expr, place: Expr, settings: &ExposureSettings) -> Expr {
    SUMS.call(vec![list, place, settings::argument(settings)])
}

pub(super) fn function() -> Arc<AggregateUDF> {
    Arc::clone(&SUMS)
}

static SUMS: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
    Arc::new(AggregateUDF::from(SumsFunction { signature: Signature::any(3, Volatility::Immutable) }))
});

/// Mixed persons, and those of an unknown variant.
const OUTSIDE: usize = 2;
/// Persons, their exposures, those whose window is not over, those counted.
const HEADS: usize = 4;
/// The sums of a metric: y, y², x, x², xy.
const SUMS_OF_METRIC: usize = 5;

/// The list, place by place: [`OUTSIDE`], then of each variant [`HEADS`], first exposures by day, and [`SUMS_OF_METRIC`] of each metric, where y is
/// the value after exposure, and x that of a ratio's denominator, else the value before.
pub struct Sums<'a> {
    settings: &'a ExposureSettings,
    cells: &'a [f64],
}

/// What is known of a variant beside its metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heads {
    /// Persons exposed to it alone.
    pub persons: u64,
    /// Their exposures.
    pub exposures: u64,
    /// Those of them whose window is not over.
    pub immature: u64,
    /// Those whose values are in the sums.
    pub counted: u64,
}

impl ExposureSettings {
    fn days(&self) -> usize {
        intervals::count(&self.days)
    }

    fn width_of_arm(&self) -> usize {
        HEADS + self.days() + SUMS_OF_METRIC * self.metrics.len()
    }

    fn width_of_place(&self) -> usize {
        OUTSIDE + self.arms * self.width_of_arm()
    }
}

impl<'a> Sums<'a> {
    /// Reads the cells; `None` where they are not as many as the settings say.
    pub fn of(settings: &'a ExposureSettings, cells: &'a [f64]) -> Option<Self> {
        (cells.len() == settings.places * settings.width_of_place()).then_some(Self { settings, cells })
    }

    /// Persons of several variants, and persons of none that was asked for.
    pub fn outside(&self, place: usize) -> (u64, u64) {
        let cells = &self.cells[place * self.settings.width_of_place()..];
        (count(cells[0]), count(cells[1]))
    }

    fn arm(&self, place: usize, arm: usize) -> &'a [f64] {
        let width = self.settings.width_of_arm();
        &self.cells[place * self.settings.width_of_place() + OUTSIDE + arm * width..][..width]
    }

    /// The heads of a variant.
    pub fn heads(&self, place: usize, arm: usize) -> Heads {
        let [persons, exposures, immature, counted, ..] = self.arm(place, arm) else {
            return Heads { persons: 0, exposures: 0, immature: 0, counted: 0 };
        };
        let [persons, exposures, immature, counted] = [persons, exposures, immature, counted].map(|it| count(*it));
        Heads { persons, exposures, immature, counted }
    }

    /// How many persons of a variant were first exposed on each of the days.
    pub fn days(&self, place: usize, arm: usize) -> Vec<u64> {
        self.arm(place, arm)[HEADS..HEADS + self.settings.days()].iter().map(|it| count(*it)).collect()
    }

    /// The sums of a metric.
    pub fn metric(&self, place: usize, arm: usize, metric: usize) -> Paired {
        let cells = &self.arm(place, arm)[HEADS + self.settings.days() + SUMS_OF_METRIC * metric..];
        Paired { n: self.heads(place, arm).counted, y: cells[0], yy: cells[1], x: cells[2], xx: cells[3], xy: cells[4] }
    }
}

/// A count that was kept as a double.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a sum of ones")]
fn count(sum: f64) -> u64 {
    sum.max(0.0) as u64
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct SumsFunction {
    signature: Signature,
}

impl AggregateUDFImpl for SumsFunction {
    fn name(&self) -> &str {
        "exposure_sums"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(list_type())
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let settings: ExposureSettings = settings::of_arguments(args.exprs)?;
        let cells = vec![0.0; settings.places * settings.width_of_place()];
        let days = settings.days.as_slice().into();
        Ok(Box::new(SumsAccumulator { settings, days, cells }))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new(format!("{}[cells]", args.name), list_type(), true))])
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

#[derive(Debug)]
struct SumsAccumulator {
    settings: ExposureSettings,
    /// Those of the settings.
    days: Arc<[i64]>,
    cells: Vec<f64>,
}

impl SumsAccumulator {
    fn add(&mut self, place: usize, list: &[i64], days: &Even<'_>) {
        let settings = &self.settings;
        let [seen, first, values @ ..] = list else { return };
        let person = exposures(*seen, *first);
        let cells = &mut self.cells[place * settings.width_of_place()..][..settings.width_of_place()];
        let Some(arm) = person.arm().filter(|arm| *arm < settings.arms) else {
            cells[usize::from(person.arm().is_some())] += 1.0;
            return;
        };
        let cells = &mut cells[OUTSIDE + arm * settings.width_of_arm()..][..settings.width_of_arm()];
        let is_mature = settings.spec().is_mature(*first);
        let is_counted = is_mature || settings.immature;
        let heads = [1.0, f64::from(person.count), f64::from(u8::from(!is_mature)), f64::from(u8::from(is_counted))];
        cells.iter_mut().zip(heads).for_each(|(cell, more)| *cell += more);
        if let Some(day) = days.find(*first) {
            cells[HEADS + day] += 1.0;
        }
        if !is_counted {
            return;
        }
        let (after, before) = values.split_at(settings.quantities.len().min(values.len()));
        let at = |values: &[i64], quantity: usize| values.get(quantity).copied().map_or(0.0, value);
        let sums = cells[HEADS + settings.days()..].chunks_exact_mut(SUMS_OF_METRIC);
        for (sums, (of, per)) in sums.zip(&settings.metrics) {
            let y = at(after, *of);
            let x = per.map_or_else(|| at(before, *of), |per| at(after, per));
            if y != 0.0 || x != 0.0 {
                sums.iter_mut().zip([y, y * y, x, x * x, x * y]).for_each(|(sum, more)| *sum += more);
            }
        }
    }
}

impl Accumulator for SumsAccumulator {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let lists = ListsView::of(values[0].as_ref())?;
        let wrong = || exec_datafusion_err!("the place in `exposure_sums` is an Int64");
        let places = values[1].as_primitive_opt::<Int64Type>().ok_or_else(wrong)?;
        let bounds = Arc::clone(&self.days);
        let days = Even::new(&bounds);
        for row in 0..values[0].len() {
            let place = usize::try_from(places.value(row)).unwrap_or(0);
            if place < self.settings.places {
                self.add(place, lists.list(row), &days);
            }
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mut lists = Lists::with_capacity(1);
        lists.push(self.cells.iter().map(|cell| bits(*cell)));
        Ok(ScalarValue::List(Arc::new(lists.finish().as_list::<i32>().clone())))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let lists = ListsView::of(states[0].as_ref())?;
        for row in 0..states[0].len() {
            for (mine, theirs) in self.cells.iter_mut().zip(lists.list(row)) {
                *mine += value(*theirs);
            }
        }
        Ok(())
    }

    fn size(&self) -> usize {
        size_of_val(self) + size_of_val(self.cells.as_slice())
    }
}
