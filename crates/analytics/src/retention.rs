//! Retention: who of those that began comes back, interval by interval.
//!
//! Always holds: the rules are those of `sequences::retention`; cohorts are founded in the period, first-time ones by the first start
//! ever; columns reach past the period, up to where there is data. A cell whose interval is not over is marked.

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, ident, lit, when};
use rapport_domain::{Interval, Timestamp};
use rapport_lake::columns::PERSON;

use crate::aggregates::{RETURNED, RetentionSettings, STARTED, interval_of, retention_intervals, retention_table};
use crate::analytics::Found;
use crate::answer::{Cell, Cohort, CohortCell, Column, ColumnType, Detail, RetentionDetail, ratio};
use crate::asking::{Asking, time};
use crate::columns::count;
use crate::english;
use crate::error::{Error, Result};
use crate::period::{Intervals, Range};
use crate::question::{Period, Retention};

/// What a question comes to: the intervals, and the parameters of the aggregates.
pub(crate) struct Plan {
    range: Range,
    /// Those of the cohorts, then those in which people may still come back.
    pub(crate) intervals: Intervals,
    pub(crate) settings: RetentionSettings,
}

impl Plan {
    pub(crate) fn of(asking: &Asking<'_>, question: &Retention) -> Result<Self> {
        let range = asking.range(question.period)?;
        let calendar = &asking.context.calendar;
        let mut intervals = range.intervals(question.interval, calendar)?;
        let cohorts = intervals.len();
        let until = asking.context.complete_until();
        let wanted = cohorts + question.intervals;
        while intervals.len() < wanted && intervals.bounds.last().is_some_and(|last| *last <= until) {
            let last = intervals.bounds[intervals.bounds.len() - 1];
            intervals.bounds.push(calendar.next(last, question.interval));
        }
        let settings = RetentionSettings {
            intervals: intervals.len(),
            cohorts,
            last_column: question.intervals,
            from: range.from.0,
            to: range.to.0,
            first_time: question.first_time,
            on_or_after: question.on_or_after,
        };
        Ok(Self { range, intervals, settings })
    }

    /// A plan with one row a person: `person` and `sets`.
    pub(crate) fn by_person(&self, asking: &Asking<'_>, question: &Retention) -> Result<LogicalPlanBuilder> {
        let bounds = &self.intervals.bounds;
        let end = bounds.last().copied().unwrap_or(self.range.to).min(asking.context.now.plus(1));
        // The first start ever may be before the period.
        let begin = if question.first_time { Timestamp(i64::MIN) } else { self.range.from };
        let mut events = asking.events(begin, end, true)?;
        if let Some(names) = asking.names(&[&question.start, &question.back]) {
            events = events.filter(names)?;
        }
        let mark = |holds: Expr, mark: i64| when(holds, lit(mark)).otherwise(lit(0_i64));
        let marks =
            mark(asking.selected(&question.start)?, STARTED)? + mark(asking.selected(&question.back)?, RETURNED)?;
        let columns = [
            ident(PERSON),
            time().alias("time"),
            interval_of(time(), &self.intervals.micros()).alias("interval"),
            marks.alias("marks"),
        ];
        let sets = retention_intervals(ident("time"), ident("interval"), ident("marks"), &self.settings);
        Ok(events.project(columns)?.aggregate([ident(PERSON)], [sets.alias("sets")])?)
    }
}

/// Answers retention.
pub(crate) async fn answer(asking: &Asking<'_>, question: &Retention) -> Result<Found> {
    let plan = Plan::of(asking, question)?;
    let counts = table(asking, question, &plan).await?;
    let mut cohorts = plan.cohorts(&counts, asking.context.complete_until());
    if question.period == Period::All {
        let empty = cohorts.iter().take_while(|cohort| cohort.size == 0).count();
        cohorts.drain(..empty.min(cohorts.len().saturating_sub(1)));
    }
    let average = averages(&cohorts, question.intervals);
    let (columns, rows) = as_table(&cohorts, question);
    let sentence = sentence(question, &cohorts, &average);
    let notes = notes(asking, question, &cohorts);
    let detail = Detail::Retention(RetentionDetail { interval: question.interval, cohorts, average });
    Ok(Found { columns, rows, sentence, notes, detail })
}

/// The counts of all cells, row by row.
async fn table(asking: &Asking<'_>, question: &Retention, plan: &Plan) -> Result<Vec<u64>> {
    let cells = retention_table(ident("sets"), &plan.settings).alias("cells");
    let built = plan.by_person(asking, question)?.aggregate(Vec::<Expr>::new(), [cells])?.build()?;
    let wrong = || Error::Plan("the plan gave no table of cohorts".to_owned());
    for batch in asking.collect(built).await? {
        let lists = batch.column_by_name("cells").and_then(|cells| cells.as_list_opt::<i32>()).ok_or_else(wrong)?;
        if lists.len() == 1 {
            let cells = lists.value(0);
            let cells = cells.as_primitive_opt::<Int64Type>().ok_or_else(wrong)?;
            return Ok(cells.values().iter().map(|cell| count(*cell)).collect());
        }
    }
    Err(wrong())
}

impl Plan {
    fn cohorts(&self, counts: &[u64], until: Timestamp) -> Vec<Cohort> {
        let bounds = &self.intervals.bounds;
        let incomplete = self.intervals.incomplete(&self.range, until);
        let width = self.settings.last_column + 1;
        let cohort = |at: usize| {
            let columns = width.min(self.settings.intervals - at);
            let cell = |k: usize| CohortCell {
                count: counts[at * width + k],
                complete: if k == 0 { !incomplete[at] } else { bounds[at + k + 1] <= until },
            };
            Cohort {
                start: bounds[at],
                size: counts[at * width],
                complete: !incomplete[at],
                cells: (0..columns).map(cell).collect(),
            }
        };
        (0..self.settings.cohorts).map(cohort).collect()
    }
}

/// Column by column over complete cells: who came back as a share of who could.
fn averages(cohorts: &[Cohort], last: usize) -> Vec<Option<f64>> {
    let average = |column: usize| {
        let observed = cohorts.iter().filter_map(|cohort| {
            let cell = cohort.cells.get(column).filter(|cell| cell.complete || column == 0)?;
            Some((cell.count, cohort.size))
        });
        let (back, size) = observed.fold((0, 0), |sum, (back, size)| (sum.0 + back, sum.1 + size));
        ratio(back, size)
    };
    let columns = cohorts.iter().map(|cohort| cohort.cells.len()).max().unwrap_or(0).min(last + 1);
    (0..columns).map(average).collect()
}

fn as_table(cohorts: &[Cohort], question: &Retention) -> (Vec<Column>, Vec<Vec<Cell>>) {
    let width = cohorts.iter().map(|cohort| cohort.cells.len()).max().unwrap_or(1);
    let word = english::sentence(english::interval(question.interval));
    let mut columns =
        vec![Column::new("cohort", "Cohort", ColumnType::Time), Column::new("size", "People", ColumnType::Integer)];
    columns.extend((1..width).map(|k| Column::new(format!("back_{k}"), format!("{word} {k}"), ColumnType::Integer)));
    let row = |cohort: &Cohort| {
        let cell = |k: usize| match cohort.cells.get(k) {
            Some(cell) => Cell::Integer(i64::try_from(cell.count).unwrap_or(i64::MAX)),
            None => Cell::Nothing,
        };
        std::iter::once(Cell::Time(cohort.start)).chain((0..width).map(cell)).collect()
    };
    (columns, cohorts.iter().map(row).collect())
}

fn sentence(question: &Retention, cohorts: &[Cohort], average: &[Option<f64>]) -> String {
    let size: u64 = cohorts.iter().map(|cohort| cohort.size).sum();
    if size == 0 {
        return format!("Nobody did \u{201c}{}\u{201d} in this period.", question.start.label());
    }
    let (word, what) = (english::interval(question.interval), question.back.label());
    let first = if question.first_time { " for the first time" } else { "" };
    match average.get(1).copied().flatten() {
        Some(share) => format!(
            "Of the people who did \u{201c}{}\u{201d}{first}, {} came back for \u{201c}{what}\u{201d} in the {word} after{}.",
            question.start.label(),
            english::percent(share),
            if question.on_or_after { " or later" } else { "" },
        ),
        None => format!(
            "{} did \u{201c}{}\u{201d}{first}; no {word} after has passed yet.",
            english::counted(size, "person", "people"),
            question.start.label()
        ),
    }
}

fn notes(asking: &Asking<'_>, question: &Retention, cohorts: &[Cohort]) -> Vec<String> {
    let calendar = &asking.context.calendar;
    let mut notes = Vec::new();
    if let Some(last) = cohorts.last().filter(|cohort| !cohort.complete) {
        let name = english::interval_name(last.start, question.interval, calendar);
        notes.push(english::sentence(&format!("{name} is not complete yet.")));
    }
    if let [first, _, ..] = cohorts
        && !first.complete
    {
        let name = english::interval_name(first.start, question.interval, calendar);
        notes.push(english::sentence(&format!("{name} is only partly in the period.")));
    }
    if cohorts.iter().flat_map(|cohort| cohort.cells.iter().skip(1)).any(|cell| !cell.complete) {
        notes.push("Averages leave out the cells whose time is not over.".to_owned());
    }
    if question.interval == Interval::Hour {
        notes.push("Hours are those of the clock in the workspace's zone.".to_owned());
    }
    notes
}
