//! One series of a trend as a plan, and its rows as exact values.
//!
//! Always holds: money is added up in whole millionths, in decimals wide enough that no sum can wrap round.

use std::collections::HashMap;

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use datafusion::functions_aggregate::count::count_distinct;
use datafusion::functions_aggregate::expr_fn::{count, max, median, min, sum};
use datafusion::logical_expr::expr::GroupingSet;
use datafusion::logical_expr::{Expr, cast, ident, lit};
use rapport_lake::columns::PERSON;
use rapport_segments::value::{Reading, number_reading};

use crate::aggregates::interval_of;
use crate::answer::{Cell, Unit};
use crate::asking::{Asking, time};
use crate::breakdown::Parts;
use crate::columns::{Columns, amount, at};
use crate::error::Result;
use crate::period::{Intervals, Range};
use crate::question::{Measure, Series};

/// What is measured: a measure, and the property with its reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Figure {
    measure: Measure,
    property: Option<(String, Reading)>,
}

impl Figure {
    pub(crate) fn of(measure: Measure, property: Option<&str>) -> Self {
        let property = property.filter(|_| measure.needs_property());
        Self { measure, property: property.map(|path| (path.to_owned(), number_reading(path))) }
    }

    pub(crate) const fn measure(&self) -> Measure {
        self.measure
    }

    /// Of money.
    fn is_money(&self) -> bool {
        matches!(self.property, Some((_, Reading::Amount)))
    }

    pub(crate) fn unit(&self) -> Unit {
        match self.measure {
            Measure::Count | Measure::People => Unit::Count,
            _ if self.is_money() => Unit::Money,
            _ => Unit::Number,
        }
    }

    pub(super) fn label(&self, series: &Series, breakdown: Option<&str>) -> String {
        let events = series.selector().label();
        let of = self.property.as_ref().map_or("", |(path, _)| path.as_str());
        let what = match self.measure {
            Measure::Count => events,
            Measure::People => format!("{events}: people"),
            Measure::Sum => format!("{events}: sum of {of}"),
            Measure::Average => format!("{events}: average {of}"),
            Measure::Minimum => format!("{events}: smallest {of}"),
            Measure::Maximum => format!("{events}: largest {of}"),
            Measure::Median => format!("{events}: median {of}"),
        };
        match breakdown {
            Some(value) => format!("{what}, {value}"),
            None => what,
        }
    }

    /// By what the values of a breakdown are ranked: what is shown, where that adds up; else the number of events.
    pub(super) fn weight(&self, asking: &Asking<'_>) -> Expr {
        match self.measure {
            Measure::People => count_distinct(ident(PERSON)),
            Measure::Sum => sum(self.value(asking).unwrap_or_else(|| lit(0_i64))),
            _ => count(lit(1_i64)),
        }
    }

    /// The property's value.
    fn value(&self, asking: &Asking<'_>) -> Option<Expr> {
        let (path, reading) = self.property.as_ref()?;
        let value = asking.property(path, *reading);
        Some(match reading {
            // The engine's median of integers is a floating point number.
            Reading::Amount if matches!(self.measure, Measure::Sum | Measure::Average | Measure::Median) => {
                cast(value, EXACT)
            }
            _ => value,
        })
    }

    /// The aggregates that it needs, of the column `value`.
    fn aggregates(&self) -> Vec<Expr> {
        let value = || ident("value");
        match self.measure {
            Measure::Count => Vec::new(),
            Measure::People => vec![count_distinct(ident(PERSON)).alias("people")],
            Measure::Sum | Measure::Average => vec![sum(value()).alias("sum"), count(value()).alias("values")],
            Measure::Minimum => vec![min(value()).alias("figure")],
            Measure::Maximum => vec![max(value()).alias("figure")],
            Measure::Median => vec![median(value()).alias("figure")],
        }
    }

    /// The value of a row of the aggregates.
    fn cell(&self, columns: &Columns<'_>, row: usize) -> Result<Cell> {
        let integer = |name: &str| -> Result<i64> { Ok(columns.integers(name)?.value(row)) };
        Ok(match self.measure {
            Measure::Count => Cell::Integer(integer("events")?),
            Measure::People => Cell::Integer(integer("people")?),
            Measure::Sum | Measure::Average => {
                let values = integer("values")?;
                let mean = self.measure == Measure::Average;
                match (values, self.is_money()) {
                    (0, _) if mean => Cell::Nothing,
                    (0, true) => Cell::Money(0),
                    (0, false) => Cell::Number(0.0),
                    (_, true) => {
                        let sum = columns.decimals("sum")?.value(row);
                        Cell::Money(amount(if mean { rounded(sum, values.into()) } else { sum })?)
                    }
                    (_, false) => {
                        let sum = columns.numbers("sum")?.value(row);
                        Cell::Number(if mean { sum / values as f64 } else { sum })
                    }
                }
            }
            Measure::Median if self.is_money() => {
                let median = at(columns.decimals("figure")?, row, |figures, row| figures.value(row));
                median.map_or(Ok(Cell::Nothing), |median| amount(median).map(Cell::Money))?
            }
            Measure::Minimum | Measure::Maximum if self.is_money() => {
                let figures = columns.integers("figure")?;
                at(figures, row, |figures, row| Cell::Money(figures.value(row))).unwrap_or(Cell::Nothing)
            }
            Measure::Minimum | Measure::Maximum | Measure::Median => {
                Cell::of_number(at(columns.numbers("figure")?, row, |figures, row| figures.value(row)))
            }
        })
    }

    /// The value where there are no events.
    fn empty(&self) -> Cell {
        match (self.measure, self.is_money()) {
            (Measure::Count | Measure::People, _) => Cell::Integer(0),
            (Measure::Sum, true) => Cell::Money(0),
            (Measure::Sum, false) => Cell::Number(0.0),
            _ => Cell::Nothing,
        }
    }
}

/// Millionths as decimals whose sum cannot wrap round.
pub(crate) const EXACT: DataType = DataType::Decimal128(19, 0);

/// The quotient, rounded half away from zero.
pub(crate) fn rounded(sum: i128, count: i128) -> i128 {
    let half = if sum < 0 { -count / 2 } else { count / 2 };
    (sum + half) / count
}

/// The values of all lines of a series.
#[derive(Default)]
pub(super) struct Lines {
    /// By place of the breakdown and interval; without an interval the total.
    cells: HashMap<(usize, Option<usize>), Cell>,
    /// Events left out because of their currency.
    pub(super) foreign: u64,
}

impl Lines {
    /// Whether a place has any event.
    pub(super) fn has(&self, place: usize) -> bool {
        self.cells.contains_key(&(place, None))
    }

    /// The values of the first `count` intervals, and the total.
    pub(super) fn line(&self, place: usize, figure: &Figure, count: usize) -> (Vec<Cell>, Cell) {
        let cell = |interval| self.cells.get(&(place, interval)).cloned().unwrap_or_else(|| figure.empty());
        ((0..count).map(|interval| cell(Some(interval))).collect(), cell(None))
    }

    fn add(&mut self, batch: &RecordBatch, figure: &Figure) -> Result<()> {
        let columns = Columns(batch);
        let (intervals, places) = (columns.integers("interval")?, columns.integers("place")?);
        let (foreign, events) = (columns.integers("foreign")?, columns.integers("events")?);
        let index = |value: i64| usize::try_from(value).unwrap_or(0);
        for row in 0..batch.num_rows() {
            let interval = at(intervals, row, |intervals, row| index(intervals.value(row)));
            if foreign.value(row) != 0 {
                let events = crate::columns::count(events.value(row));
                self.foreign += if interval.is_none() { events } else { 0 };
                continue;
            }
            self.cells.insert((index(places.value(row)), interval), figure.cell(&columns, row)?);
        }
        Ok(())
    }
}

/// Measures the events that pass `filter`, by interval and as a whole in one pass.
pub(super) async fn measured(
    asking: &Asking<'_>,
    figure: &Figure,
    filter: &Expr,
    parts: &Parts,
    range: &Range,
    intervals: &Intervals,
) -> Result<Lines> {
    let foreign = if figure.is_money() { asking.foreign()? } else { lit(0_i64) };
    let mut rows = vec![
        ident(PERSON),
        interval_of(time(), &intervals.micros()).alias("interval"),
        parts.place()?.alias("place"),
        foreign.alias("foreign"),
    ];
    rows.extend(figure.value(asking).map(|value| value.alias("value")));
    let by = |names: &[&str]| names.iter().map(|name| ident(*name)).collect::<Vec<_>>();
    let sets = GroupingSet::GroupingSets(vec![by(&["interval", "place", "foreign"]), by(&["place", "foreign"])]);
    let aggregates = std::iter::once(count(lit(1_i64)).alias("events")).chain(figure.aggregates());
    let plan = parts
        .joined(asking.events(range.from, range.to, false)?)?
        .filter(filter.clone())?
        .project(rows)?
        .aggregate([Expr::GroupingSet(sets)], aggregates)?
        .build()?;
    let mut lines = Lines::default();
    for batch in asking.collect(plan).await? {
        lines.add(&batch, figure)?;
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::rounded;

    #[test]
    fn means_are_rounded_half_away_from_zero() {
        assert_eq!([rounded(5, 2), rounded(-5, 2), rounded(4, 3), rounded(5, 3), rounded(-4, 3)], [3, -3, 1, 2, -1]);
    }
}
