//! Funnels: how far people come through steps, how long it takes, taken apart by the value at their entry.
//!
//! Always holds: a person counts once, by the deepest chain whose first step lies in the period; later steps may lie after it, within
//! the window. The rules of steps are those of `sequences::funnel`.

use arrow::array::{Array, RecordBatch};
use datafusion::common::ScalarValue;
use datafusion::functions_aggregate::count::count_distinct;
use datafusion::functions_aggregate::expr_fn::{count, median};
use datafusion::logical_expr::expr::GroupingSet;
use datafusion::logical_expr::{Expr, ExprFunctionExt, LogicalPlanBuilder, ident, lit, when};
use rapport_domain::Timestamp;
use rapport_lake::columns::{OCCURRED_AT, ORDER_KEY, PERSON};
use rapport_segments::EventColumns;

use crate::aggregates::{FunnelSettings, funnel, list_item, marks, names_mask};
use crate::analytics::Found;
use crate::answer::{Cell, Column, ColumnType, Detail, FunnelDetail, FunnelPart, FunnelStep, ratio};
use crate::asking::{Asking, time};
use crate::breakdown::Parts;
use crate::columns::{self, Columns, at};
use crate::english;
use crate::error::Result;
use crate::period::Range;
use crate::question::{EventSelector, Funnel, StepOrder};

/// Answers a funnel.
pub(crate) async fn answer(asking: &Asking<'_>, question: &Funnel) -> Result<Found> {
    let range = asking.range(question.period)?;
    let parts = parts(asking, question, &range).await?;
    let counts = counted(asking, question, &parts, &range).await?;
    let before = match range.before(&asking.context.calendar) {
        Some(range) if question.compare => Some(counted(asking, question, &Parts::whole(), &range).await?),
        _ => None,
    };
    let steps = counts.steps(question, &parts, before.as_ref());
    let (columns, rows) = as_table(&steps);
    let sentence = sentence(question, &steps);
    let notes = notes(asking, question, &range, before.is_none());
    let detail = Detail::Funnel(FunnelDetail { steps, window: question.window.to_string() });
    Ok(Found { columns, rows, sentence, notes, detail })
}

/// The parts of a funnel: by the values of those who begin, or, in any order, of those who do any step.
pub(crate) async fn parts(asking: &Asking<'_>, question: &Funnel, range: &Range) -> Result<Parts> {
    let entries = match question.order {
        StepOrder::Any => &question.steps[..],
        StepOrder::Ordered | StepOrder::Strict => &question.steps[..1],
    };
    let mut entry = Vec::new();
    for step in entries {
        entry.push(asking.selected(step)?);
    }
    let entry = entry.into_iter().reduce(Expr::or).unwrap_or_else(|| lit(false));
    let weight = count_distinct(ident(PERSON));
    Parts::ranked(asking, question.breakdown.as_ref(), question.breakdown_limit, range, entry, weight).await
}

/// A plan with one row a person who began: `person`, `level`, `place` of the breakdown, and `time_0`, `time_1`, ... of the steps.
pub(crate) fn by_person(
    asking: &Asking<'_>,
    question: &Funnel,
    parts: &Parts,
    range: &Range,
) -> Result<LogicalPlanBuilder> {
    let selectors: Vec<&EventSelector> = question.steps.iter().chain(&question.exclude).collect();
    let window = question.window.micros();
    let end = range.to.plus(window).min(asking.context.now.plus(1)).max(range.to);
    let mut events = parts.joined(asking.events(range.from, end, !parts.needs_join())?)?;
    // Nothing may lie between the steps of a strict funnel, so it needs all events of a person.
    let strict = question.order == StepOrder::Strict;
    let mut mask: Option<Expr> = None;
    if selectors.iter().all(|selector| selector.filter.is_none() && !selector.is_any()) {
        let names: Vec<&str> = selectors.iter().map(|selector| selector.event.as_str()).collect();
        mask = Some(names_mask(asking.snapshot.name(), &names));
    } else {
        for (bit, selector) in selectors.iter().enumerate() {
            let part = when(asking.selected(selector)?, lit(1_i64 << bit)).otherwise(lit(0_i64))?;
            mask = Some(mask.map_or(part.clone(), |mask| mask + part));
        }
        if let Some(names) = asking.names(&selectors).filter(|_| !strict) {
            events = events.filter(names)?;
        }
    }
    let mask = mask.unwrap_or_else(|| lit(0_i64)).alias("mask");
    let mut columns = vec![ident(PERSON), time(), ident(ORDER_KEY), mask];
    let mut marked = ident("mask");
    if !parts.are_one() {
        columns.push(parts.place()?.alias("place"));
        marked = marks(marked, ident("place"));
    }
    let mut events = events.project(columns)?;
    if !strict {
        events = events.filter(ident("mask").not_eq(lit(0_i64)))?;
    }
    let settings = FunnelSettings {
        steps: question.steps.len(),
        exclusions: question.exclude.len(),
        window: window.unsigned_abs(),
        until: range.to.0,
        any_order: question.order == StepOrder::Any,
        strict,
    };
    let chain = funnel(ident(OCCURRED_AT), ident(ORDER_KEY), marked, &settings).alias("chain");
    let item = |place: usize| list_item(ident("chain"), place);
    let mut columns = vec![ident(PERSON), item(0).alias("level"), item(1).alias("place")];
    columns.extend((0..question.steps.len()).map(|step| item(2 + step).alias(time_of(step))));
    let persons = events.aggregate([ident(PERSON)], [chain])?.project(columns)?;
    Ok(persons.filter(ident("level").gt(lit(0_i64)))?)
}

fn time_of(step: usize) -> String {
    format!("time_{step}")
}

fn reached(step: usize) -> String {
    format!("reached_{step}")
}

fn gap(step: usize) -> String {
    format!("gap_{step}")
}

/// How many came how far: of all, and by place of the breakdown.
struct Counts {
    whole: Vec<u64>,
    medians: Vec<Option<f64>>,
    places: Vec<Vec<u64>>,
}

async fn counted(asking: &Asking<'_>, question: &Funnel, parts: &Parts, range: &Range) -> Result<Counts> {
    let steps = question.steps.len();
    let mut columns = vec![ident("level"), ident("place")];
    columns.extend((1..steps).map(|step| (ident(time_of(step)) - ident(time_of(step - 1))).alias(gap(step))));
    let mut aggregates = Vec::new();
    for step in 0..steps {
        let level = lit(i64::try_from(step).unwrap_or(i64::MAX));
        let people = count(lit(1_i64)).filter(ident("level").gt(level)).build()?;
        aggregates.push(people.alias(reached(step)));
    }
    aggregates.extend((1..steps).map(|step| median(ident(gap(step))).alias(gap(step))));
    let persons = by_person(asking, question, parts, range)?.project(columns)?;
    let counted = if parts.are_one() {
        let all = persons.aggregate(Vec::<Expr>::new(), aggregates)?;
        let mut columns = vec![lit(ScalarValue::Int64(None)).alias("place")];
        columns.extend((0..steps).map(|step| ident(reached(step))));
        columns.extend((1..steps).map(|step| ident(gap(step))));
        all.project(columns)?
    } else {
        let sets = GroupingSet::GroupingSets(vec![vec![ident("place")], vec![]]);
        persons.aggregate([Expr::GroupingSet(sets)], aggregates)?
    };
    let plan = counted.build()?;
    let mut counts =
        Counts { whole: vec![0; steps], medians: vec![None; steps], places: vec![vec![0; steps]; parts.len()] };
    for batch in asking.collect(plan).await? {
        counts.add(&batch)?;
    }
    Ok(counts)
}

impl Counts {
    fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        let columns = Columns(batch);
        let places = columns.integers("place")?;
        for row in 0..batch.num_rows() {
            let place = places.is_valid(row).then(|| usize::try_from(places.value(row)).unwrap_or(0));
            let into = match place {
                Some(place) => self.places.get_mut(place),
                None => Some(&mut self.whole),
            };
            for (step, people) in into.into_iter().flatten().enumerate() {
                *people = columns::count(columns.integers(&reached(step))?.value(row));
            }
            if place.is_none() {
                for step in 1..self.whole.len() {
                    let micros = at(columns.numbers(&gap(step))?, row, |gaps, row| gaps.value(row));
                    self.medians[step] = micros.map(|micros| micros / Timestamp::SECOND as f64);
                }
            }
        }
        Ok(())
    }

    fn steps(&self, question: &Funnel, parts: &Parts, before: Option<&Self>) -> Vec<FunnelStep> {
        let part = |place: usize, step: usize| {
            let people = &self.places[place];
            parts.name(place).filter(|_| people[0] > 0).map(|value| FunnelPart {
                value,
                people: people[step],
                of_first: ratio(people[step], people[0]),
            })
        };
        let step = |(at, selector): (usize, &EventSelector)| FunnelStep {
            label: selector.label(),
            people: self.whole[at],
            of_first: ratio(self.whole[at], self.whole[0]),
            of_previous: ratio(self.whole[at], self.whole[at.saturating_sub(1)]),
            median_seconds: self.medians[at],
            compare: before.map(|before| before.whole[at]),
            breakdown: (0..parts.len()).filter_map(|place| part(place, at)).collect(),
        };
        question.steps.iter().enumerate().map(step).collect()
    }
}

fn as_table(steps: &[FunnelStep]) -> (Vec<Column>, Vec<Vec<Cell>>) {
    let mut columns = vec![
        Column::new("step", "Step", ColumnType::Integer),
        Column::new("event", "Event", ColumnType::Text),
        Column::new("people", "People", ColumnType::Integer),
        Column::new("of_first", "Of the first", ColumnType::Ratio),
        Column::new("of_previous", "Of the one before", ColumnType::Ratio),
        Column::new("median_seconds", "Median time", ColumnType::Duration),
    ];
    let first = &steps[0];
    if first.compare.is_some() {
        columns.push(Column::new("people_before", "People, period before", ColumnType::Integer));
    }
    for (at, part) in first.breakdown.iter().enumerate() {
        columns.push(Column::new(format!("people_{at}"), part.value.clone(), ColumnType::Integer));
    }
    let integer = |count: u64| Cell::Integer(i64::try_from(count).unwrap_or(i64::MAX));
    let row = |(at, step): (usize, &FunnelStep)| {
        let mut row = vec![
            integer(at as u64 + 1),
            Cell::Text(step.label.clone()),
            integer(step.people),
            Cell::of_number(step.of_first),
            Cell::of_number(step.of_previous),
            Cell::of_number(step.median_seconds),
        ];
        row.extend(step.compare.map(integer));
        row.extend(step.breakdown.iter().map(|part| integer(part.people)));
        row
    };
    (columns, steps.iter().enumerate().map(row).collect())
}

fn sentence(question: &Funnel, steps: &[FunnelStep]) -> String {
    let (first, last) = (&steps[0], &steps[steps.len() - 1]);
    let began = english::counted(first.people, "person", "people");
    match last.of_first {
        None => format!("Nobody did \u{201c}{}\u{201d} in this period.", first.label),
        Some(_) if steps.len() == 1 => format!("{began} did \u{201c}{}\u{201d}.", first.label),
        Some(share) => format!(
            "Of {began} who began with \u{201c}{}\u{201d}, {} ({}) completed all {} steps within {}.",
            first.label,
            english::number(last.people),
            english::percent(share),
            steps.len(),
            question.window,
        ),
    }
}

fn notes(asking: &Asking<'_>, question: &Funnel, range: &Range, without_before: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if question.steps.len() > 1 && range.to.plus(question.window.micros()) > asking.context.complete_until().plus(1) {
        notes.push(format!(
            "People who began less than {} before the end of the data may still go on.",
            question.window
        ));
    }
    if question.compare && without_before {
        notes.push("There is no period before all of the data to compare with.".to_owned());
    }
    notes
}
