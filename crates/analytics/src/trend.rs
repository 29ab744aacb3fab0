//! Trends: how much of something, interval by interval, taken apart by a value, beside the period before.
//!
//! Always holds: intervals are the calendar's; people are counted once an interval, and once in the total; an interval without
//! events is 0 where something is counted or added up, and nothing where there is nothing to measure.

mod changes;
mod measure;

use datafusion::logical_expr::Expr;
use rapport_domain::{Currency, Timestamp};

use crate::analytics::Found;
use crate::answer::{Cell, Column, ColumnType, Detail, LevelChange, TrendDetail, TrendLine, Unit};
use crate::asking::Asking;
use crate::breakdown::Parts;
use crate::english;
use crate::error::Result;
use crate::period::{Intervals, Range};
use crate::question::{Measure, Period, Series, Trend};

pub(crate) use measure::{EXACT, rounded};
use measure::{Figure, Lines, measured};

/// A line with its exact values, before it becomes what is sent.
struct Line {
    label: String,
    series: usize,
    breakdown: Option<String>,
    figure: Figure,
    values: Vec<Cell>,
    total: Cell,
    before: Option<(Vec<Cell>, Cell)>,
}

/// Answers a trend.
pub(crate) async fn answer(asking: &Asking<'_>, trend: &Trend) -> Result<Found> {
    let range = asking.range(trend.period)?;
    let calendar = &asking.context.calendar;
    let mut intervals = range.intervals(trend.interval, calendar)?;
    let before = if trend.compare { range.before(calendar) } else { None };
    let (mut lines, mut foreign) = (Vec::new(), 0);
    for (at, series) in trend.series.iter().enumerate() {
        foreign += series_lines(asking, trend, at, series, (&range, &intervals), before.as_ref(), &mut lines).await?;
    }
    if trend.period == Period::All {
        without_empty_beginning(&mut intervals, &mut lines);
    }
    let incomplete = intervals.incomplete(&range, asking.context.complete_until());
    let mut notes = notes(asking, trend, &intervals, &incomplete, foreign);
    if trend.compare && before.is_none() {
        notes.push("There is no period before all of the data to compare with.".to_owned());
    }
    let currency = asking.context.currency;
    let (columns, rows) = as_table(&intervals, &lines, currency);
    let sentence = sentence(trend, &lines, intervals.len(), currency);
    let starts = intervals.starts().to_vec();
    let changes: Vec<Vec<LevelChange>> =
        lines.iter().map(|line| changes::of(&line.values, &incomplete, trend.interval)).collect();
    if let Some((line, own)) = lines.iter().zip(&changes).max_by(|a, b| f64::total_cmp(&total(a.0), &total(b.0))) {
        let about = (&starts[..], trend.interval, calendar);
        notes.extend(changes::note(&line.label, own, (line.figure.unit(), currency), about));
    }
    let series = lines.into_iter().zip(changes).map(|(line, own)| line.drawn(currency, own)).collect();
    let detail = Detail::Trend(TrendDetail { starts, incomplete, series });
    Ok(Found { columns, rows, sentence, notes, detail })
}

/// The parts of one series: the values with the most of what is measured.
pub(crate) async fn parts(
    asking: &Asking<'_>,
    trend: &Trend,
    series: &Series,
    range: &Range,
    filter: Expr,
) -> Result<Parts> {
    let weight = Figure::of(series.measure, series.property.as_deref()).weight(asking);
    Parts::ranked(asking, trend.breakdown.as_ref(), trend.breakdown_limit, range, filter, weight).await
}

/// Adds the lines of one series; gives the number of its events that are in other currencies and therefore left out.
async fn series_lines(
    asking: &Asking<'_>,
    trend: &Trend,
    at: usize,
    series: &Series,
    (range, intervals): (&Range, &Intervals),
    before: Option<&Range>,
    lines: &mut Vec<Line>,
) -> Result<u64> {
    let figure = Figure::of(series.measure, series.property.as_deref());
    let filter = asking.selected(&series.selector())?;
    let parts = parts(asking, trend, series, range, filter.clone()).await?;
    let found = measured(asking, &figure, &filter, &parts, range, intervals).await?;
    let earlier = match before {
        Some(range) => {
            let intervals = range.intervals(trend.interval, &asking.context.calendar)?;
            Some(measured(asking, &figure, &filter, &parts, range, &intervals).await?)
        }
        None => None,
    };
    for place in 0..parts.len() {
        if parts.is_broken_down() && !found.has(place) {
            continue;
        }
        let (values, total) = found.line(place, &figure, intervals.len());
        let before = earlier.as_ref().map(|earlier: &Lines| earlier.line(place, &figure, intervals.len()));
        let breakdown = parts.name(place);
        let label = figure.label(series, breakdown.as_deref());
        lines.push(Line { label, series: at, breakdown, figure: figure.clone(), values, total, before });
    }
    Ok(found.foreign)
}

impl Line {
    fn drawn(self, currency: Currency, changes: Vec<LevelChange>) -> TrendLine {
        let numbers = |cells: &[Cell]| cells.iter().map(Cell::as_f64).collect::<Vec<_>>();
        let unit = self.figure.unit();
        TrendLine {
            values: numbers(&self.values),
            compare: self.before.as_ref().map(|(values, _)| numbers(values)),
            compare_total: self.before.map(|(_, total)| total),
            label: self.label,
            series: self.series,
            breakdown: self.breakdown,
            total: self.total,
            unit,
            currency: (unit == Unit::Money).then_some(currency),
            changes: Some(changes).filter(|it| !it.is_empty()),
        }
    }
}

/// Of everything, the empty intervals before the first with a value are not shown: the first event of all may be of another name.
fn without_empty_beginning(intervals: &mut Intervals, lines: &mut [Line]) {
    let is_empty = |cell: &Cell| cell.as_f64().is_none_or(|number| number == 0.0);
    let empty = |at: &usize| lines.iter().all(|line| is_empty(&line.values[*at]));
    let count = (0..intervals.len().saturating_sub(1)).take_while(empty).count();
    intervals.bounds.drain(..count);
    for line in lines {
        line.values.drain(..count);
    }
}

fn as_table(intervals: &Intervals, lines: &[Line], currency: Currency) -> (Vec<Column>, Vec<Vec<Cell>>) {
    let mut columns = vec![Column::new("start", "From", ColumnType::Time)];
    for (at, line) in lines.iter().enumerate() {
        let column = |name: String, label: String| match line.figure.unit() {
            Unit::Money => Column::money(name, label, currency),
            Unit::Count => Column::new(name, label, ColumnType::Integer),
            Unit::Ratio | Unit::Number => Column::new(name, label, ColumnType::Number),
        };
        columns.push(column(format!("value_{at}"), line.label.clone()));
        if line.before.is_some() {
            columns.push(column(format!("before_{at}"), format!("{}, period before", line.label)));
        }
    }
    let row = |(at, start): (usize, &Timestamp)| {
        let values = lines.iter().flat_map(|line| {
            let before = line.before.as_ref().map(|(values, _)| values[at].clone());
            std::iter::once(line.values[at].clone()).chain(before)
        });
        std::iter::once(Cell::Time(*start)).chain(values).collect()
    };
    (columns, intervals.starts().iter().enumerate().map(row).collect())
}

fn sentence(trend: &Trend, lines: &[Line], intervals: usize, currency: Currency) -> String {
    let Some(line) = lines.iter().max_by(|a, b| f64::total_cmp(&total(a), &total(b))) else {
        return "There is nothing to show in this period.".to_owned();
    };
    let value = match line.figure.unit() {
        Unit::Count if line.figure.measure() == Measure::People => match &line.total {
            Cell::Integer(people) => english::counted(people.unsigned_abs(), "person", "people"),
            other => english::value(other, currency),
        },
        _ => english::value(&line.total, currency),
    };
    let over = english::counted(
        intervals as u64,
        english::interval(trend.interval),
        &format!("{}s", english::interval(trend.interval)),
    );
    let leading = if lines.len() > 1 { " (the largest)" } else { "" };
    let compared = line.before.as_ref().and_then(|(_, before)| {
        let change = english::compared(line.total.as_f64()?, before.as_f64()?)?;
        Some(format!(", {change} in the period before"))
    });
    format!("{}{leading}: {value} in {over}{}.", line.label, compared.unwrap_or_default())
}

fn total(line: &Line) -> f64 {
    line.total.as_f64().unwrap_or(f64::NEG_INFINITY)
}

fn notes(asking: &Asking<'_>, trend: &Trend, intervals: &Intervals, incomplete: &[bool], foreign: u64) -> Vec<String> {
    let calendar = &asking.context.calendar;
    let mut notes = Vec::new();
    for (at, start) in intervals.starts().iter().enumerate() {
        if incomplete[at] && (at == 0 || at + 1 == intervals.len()) {
            let name = english::interval_name(*start, trend.interval, calendar);
            let over = intervals.bounds[at + 1] <= asking.context.complete_until();
            let why = if over { "is only partly in the period" } else { "is not complete yet" };
            notes.push(english::sentence(&format!("{name} {why}.")));
        }
    }
    if foreign > 0 {
        notes.push(foreign_note(foreign, asking.context.currency));
    }
    notes
}

/// That events were left out because their money is in another currency.
pub(crate) fn foreign_note(events: u64, currency: Currency) -> String {
    let left_out = if events == 1 { "is" } else { "are" };
    let events = english::counted(events, "event has an amount", "events have amounts");
    format!("{events} in another currency than {currency} and {left_out} left out of the sums.")
}
