//! An experiment as a plan: one scan, one aggregate by person, one over persons.
//!
//! Always holds: the scan reaches back as far as the time before exposure does; a trait is joined to persons, after their events were aggregated.

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::ScalarValue;
use datafusion::functions_aggregate::count::count_distinct;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr, cast, ident, lit, when};
use rapport_domain::shop_events::{EXPERIMENT_VIEWED, PASSIVE};
use rapport_domain::{Interval, Timestamp};
use rapport_lake::columns::PERSON;
use rapport_segments::EventColumns;
use rapport_segments::value::{Reading, number_reading};

use super::{Experiment, Immature, Metric};
use crate::aggregates::{
    ExposureSettings, MAX_ARMS, MAX_QUANTITIES, Quantity, exposure, exposure_marks, exposure_sums, names_mask,
};
use crate::asking::{Asking, time};
use crate::breakdown::Parts;
use crate::columns::{Columns, at};
use crate::error::{Error, Result};
use crate::period::Range;
use crate::question::{ANY_EVENT, EventSelector, Measure, Series};

/// Millionths to units.
const MONEY: f64 = 1e-6;

/// What a question comes to.
pub(super) struct Plan {
    pub(super) variants: Vec<String>,
    pub(super) settings: ExposureSettings,
    /// One a metric.
    pub(super) scales: Vec<Scale>,
    pub(super) parts: Parts,
    /// The place of the metric that counts events in other currencies.
    pub(super) foreign: Option<usize>,
    range: Range,
    measured: Vec<One>,
}

/// One quantity: which events have it, and how much of it.
struct One {
    /// 1 or 0.
    is_one: Expr,
    amount: Option<Expr>,
}

/// A metric's quantity, and the one it is divided by.
type Quantities = (usize, Option<usize>);
/// What y and x are multiplied by.
type Scale = (f64, f64);

/// What tells a quantity that was gathered from others: its line, and whether its values are counted.
type Line = (Series, bool);

/// The quantities of a question, gathered.
struct Gathering<'a> {
    asking: &'a Asking<'a>,
    kinds: Vec<Quantity>,
    measured: Vec<One>,
    /// What was gathered: the line, its quantity, what that is multiplied by.
    known: Vec<(Line, (usize, f64))>,
    /// Which events of sums of money are in other currencies.
    foreign: Option<Expr>,
}

impl Gathering<'_> {
    fn push(&mut self, kind: Quantity, is_one: Expr, amount: Option<Expr>) -> usize {
        self.kinds.push(kind);
        self.measured.push(One { is_one, amount });
        self.kinds.len() - 1
    }

    /// A line's quantity, and what it is multiplied by; of equal lines it is one.
    fn series(&mut self, series: &Series) -> Result<(usize, f64)> {
        let line = (series.clone(), false);
        if let Some((_, found)) = self.known.iter().find(|(known, _)| *known == line) {
            return Ok(*found);
        }
        let selector = series.selector();
        let selected = self.asking.selected(&selector)?;
        let is_one = self.is_one(&selector, selected.clone())?;
        let found = match (series.measure, &series.property) {
            (Measure::People, _) => (self.push(Quantity::Any, is_one, None), 1.0),
            (Measure::Sum | Measure::Average, Some(path)) => {
                let (value, scale) = self.amount(path, &selected)?;
                (self.push(Quantity::Amount, is_one, Some(value)), scale)
            }
            _ => (self.push(Quantity::Count, is_one, None), 1.0),
        };
        self.known.push((line, found));
        Ok(found)
    }

    /// 1 where an event is one of a selector's.
    fn is_one(&self, selector: &EventSelector, selected: Expr) -> Result<Expr> {
        if selector.filter.is_none() && !selector.is_any() {
            return Ok(names_mask(self.asking.snapshot.name(), &[selector.event.as_str()]));
        }
        Ok(when(selected, lit(1_i64)).otherwise(lit(0_i64))?)
    }

    /// Of an average's quantity the number of events that have a value: only those are in the mean.
    fn values(&mut self, series: &Series, of: usize) -> Result<usize> {
        let line = (series.clone(), true);
        if let Some((_, (found, _))) = self.known.iter().find(|(known, _)| *known == line) {
            return Ok(*found);
        }
        let selected = self.asking.selected(&series.selector())?;
        let amount = self.measured[of].amount.iter().cloned();
        let has_value = amount.fold(selected, |selected, amount| selected.and(amount.is_not_null()));
        let is_one = when(has_value, lit(1_i64)).otherwise(lit(0_i64))?;
        let found = self.push(Quantity::Count, is_one, None);
        self.known.push((line, (found, 1.0)));
        Ok(found)
    }

    /// A property's value, null where it has none in the workspace's currency.
    fn amount(&mut self, path: &str, selected: &Expr) -> Result<(Expr, f64)> {
        let reading = number_reading(path);
        let value = cast(self.asking.property(path, reading), DataType::Float64);
        if reading != Reading::Amount {
            return Ok((value, 1.0));
        }
        let is_foreign = self.asking.is_foreign();
        let left_out = selected.clone().and(is_foreign.clone()).and(value.clone().is_not_null());
        self.foreign = Some(self.foreign.take().map_or(left_out.clone(), |others| others.or(left_out)));
        Ok((when(is_foreign, lit(ScalarValue::Float64(None))).otherwise(value)?, MONEY))
    }

    /// A metric's quantities, and what y and x are multiplied by.
    fn metric(&mut self, metric: &Metric) -> Result<(Quantities, Scale)> {
        let (of, y) = self.series(&metric.of)?;
        if let Some(per) = &metric.per {
            let (per, x) = self.series(per)?;
            return Ok(((of, Some(per)), (y, x)));
        }
        if metric.of.measure != Measure::Average {
            return Ok(((of, None), (y, y)));
        }
        Ok(((of, Some(self.values(&metric.of, of)?)), (y, 1.0)))
    }
}

impl Plan {
    pub(super) async fn of(asking: &Asking<'_>, question: &Experiment) -> Result<Self> {
        let range = asking.range(question.period)?;
        let mut gathering =
            Gathering { asking, kinds: Vec::new(), measured: Vec::new(), known: Vec::new(), foreign: None };
        let (mut metrics, mut scales) = (Vec::new(), Vec::new());
        for metric in &question.metrics {
            let (quantities, scale) = gathering.metric(metric)?;
            metrics.push(quantities);
            scales.push(scale);
        }
        let mut foreign = None;
        if let Some(is_foreign) = gathering.foreign.take() {
            let is_one = when(is_foreign, lit(1_i64)).otherwise(lit(0_i64))?;
            metrics.push((gathering.push(Quantity::Count, is_one, None), None));
            foreign = Some(metrics.len() - 1);
        }
        if gathering.kinds.len() > MAX_QUANTITIES {
            return Err(Error::invalid("metrics", "these are too many metrics at once; ask for some of them"));
        }
        let (quantities, measured) = (gathering.kinds, gathering.measured);
        let variants = match question.variants.as_slice() {
            [] => found(asking, question, &range).await?,
            named => named.to_vec(),
        };
        let weight = count_distinct(ident(PERSON));
        let exposed = is_exposure(asking, question);
        let parts =
            Parts::ranked(asking, question.breakdown.as_ref(), question.breakdown_limit, &range, exposed, weight)
                .await?;
        // What is at the last instant of the data is known, so the first that is not is the next one.
        let known = asking.context.complete_until().plus(1);
        let window = question.window.map(|window| window.micros().unsigned_abs());
        let settings = ExposureSettings {
            arms: variants.len(),
            quantities,
            from: range.from.0,
            to: range.to.0,
            until: if window.is_some() { known.0 } else { range.to.0 },
            window,
            before: question.before.map_or(0, |before| before.micros().unsigned_abs()),
            metrics,
            immature: question.immature == Immature::Count,
            // Of too long a period people are not counted by day.
            days: range
                .intervals(Interval::Day, &asking.context.calendar)
                .map_or_else(|_| Vec::new(), |it| it.micros()),
            places: parts.len(),
        };
        Ok(Self { variants, settings, scales, parts, foreign, range, measured })
    }

    /// Runs it: the cells of `exposure_sums`.
    pub(super) async fn cells(&self, asking: &Asking<'_>, question: &Experiment) -> Result<Vec<f64>> {
        let plan = self.by_person(asking, question)?;
        let place = self.parts.place()?.alias("place");
        let persons = self.parts.joined(plan)?.project([ident("list"), place])?;
        let sums = exposure_sums(ident("list"), ident("place"), &self.settings).alias("cells");
        let built = persons.aggregate(Vec::<Expr>::new(), [sums])?.build()?;
        let wrong = || Error::Plan("the plan gave no sums of the experiment".to_owned());
        for batch in asking.collect(built).await? {
            let lists = batch.column_by_name("cells").and_then(|cells| cells.as_list_opt::<i32>()).ok_or_else(wrong)?;
            if batch.num_rows() == 1 {
                let cells = lists.value(0);
                let cells = cells.as_primitive_opt::<Int64Type>().ok_or_else(wrong)?;
                return Ok(cells.values().iter().map(|cell| f64::from_bits(cell.cast_unsigned())).collect());
            }
        }
        Err(wrong())
    }

    /// One row a person: `person` and `list`.
    fn by_person(
        &self,
        asking: &Asking<'_>,
        question: &Experiment,
    ) -> Result<datafusion::logical_expr::LogicalPlanBuilder> {
        let from = Timestamp(self.range.from.0.saturating_sub_unsigned(self.settings.before));
        let follow = self.settings.window.unwrap_or(0);
        let to = Timestamp(self.range.to.0.saturating_add_unsigned(follow).min(self.settings.until));
        let mut events = asking.events(from, to.max(self.range.to), true)?;
        let exposures = EventSelector::named(if question.everybody { ANY_EVENT } else { EXPERIMENT_VIEWED });
        let series: Vec<EventSelector> = question
            .metrics
            .iter()
            .flat_map(|metric| std::iter::once(&metric.of).chain(&metric.per))
            .map(Series::selector)
            .collect();
        let selectors: Vec<&EventSelector> = series.iter().chain([&exposures]).collect();
        if let Some(names) = asking.names(&selectors) {
            events = events.filter(names)?;
        }
        let (exposed, seen) = self.exposed_and_seen(asking, question)?;
        let are = self.measured.iter().map(|one| one.is_one.clone()).collect();
        let marks = exposure_marks(self.variants.len(), exposed, seen, are);
        let amounts = self.measured.iter().filter_map(|one| one.amount.clone());
        let amounts: Vec<Expr> = amounts.enumerate().map(|(at, amount)| amount.alias(amount_name(at))).collect();
        let columns = [ident(PERSON), time().alias("time"), marks.alias("marks")];
        let names = (0..amounts.len()).map(|at| ident(amount_name(at))).collect();
        let list = exposure(ident("time"), ident("marks"), names, &self.settings).alias("list");
        Ok(events.project(columns.into_iter().chain(amounts))?.aggregate([ident(PERSON)], [list])?)
    }
}

impl Plan {
    /// Whether an event is an exposure, as 1 or 0, and the bits of the variants that it is of.
    fn exposed_and_seen(&self, asking: &Asking<'_>, question: &Experiment) -> Result<(Expr, Expr)> {
        if question.everybody {
            return Ok((when(is_exposure(asking, question), lit(1_i64)).otherwise(lit(0_i64))?, lit(1_i64)));
        }
        let names: Vec<&str> = self.variants.iter().map(String::as_str).collect();
        let seen = names_mask(asking.property("variant", Reading::Text), &names);
        let own = names_mask(asking.property("experiment", Reading::Text), &[question.experiment.as_str()]);
        Ok((names_mask(asking.snapshot.name(), &[EXPERIMENT_VIEWED]) * own, seen))
    }
}

fn amount_name(at: usize) -> String {
    format!("amount_{at}")
}

/// Whether an event is an exposure of the experiment. What only happens to people brings nobody before anything.
fn is_exposure(asking: &Asking<'_>, question: &Experiment) -> Expr {
    if question.everybody {
        return asking.snapshot.name().in_list(PASSIVE.into_iter().map(lit).collect(), true);
    }
    let own = asking.property("experiment", Reading::Text).eq(lit(question.experiment.as_str()));
    asking.snapshot.name().eq(lit(EXPERIMENT_VIEWED)).and(own)
}

/// The variants that there are exposures of.
async fn found(asking: &Asking<'_>, question: &Experiment, range: &Range) -> Result<Vec<String>> {
    let variant = asking.property("variant", Reading::Text);
    let plan = asking
        .events(range.from, range.to, false)?
        .filter(is_exposure(asking, question).and(variant.clone().is_not_null()))?
        .aggregate([variant.alias("variant")], [count(lit(1_i64)).alias("exposures")])?
        .sort_with_limit(
            [ident("exposures").sort(false, false), ident("variant").sort(true, false)],
            Some(MAX_ARMS + 1),
        )?
        .build()?;
    let mut variants = Vec::new();
    for batch in asking.collect(plan).await? {
        let texts = Columns(&batch).texts("variant")?;
        variants
            .extend((0..batch.num_rows()).filter_map(|row| at(texts, row, |texts, row| texts.value(row).to_owned())));
    }
    if variants.len() > MAX_ARMS {
        return Err(Error::invalid(
            "variants",
            format!("there are exposures of more than {MAX_ARMS}; name those meant"),
        ));
    }
    Ok(variants)
}
