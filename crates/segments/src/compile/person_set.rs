//! Who: a condition on persons as a plan whose rows are the persons for whom it holds.
//!
//! The leaves of the tree become columns of a table with one row a person: a `performed` test the number of events that count,
//! a `fact` test the number of facts that pass (none or one). The tree is then one filter over that row. Leaves that count the same
//! share a column. Events that no leaf can count are filtered out first, by name and time, unless absent persons can qualify.
//!
//! Always holds: the events are read once and the facts once, whatever the size of the tree.

use datafusion::common::{Column, JoinType, Result};
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr, ExprFunctionExt, LogicalPlan, LogicalPlanBuilder, col, lit, when};
use rapport_domain::Timestamp;

use super::columns::EventColumns;
use super::facts::row_passes;
use super::functions::time;
use super::predicate::{balanced, combine, event_filter};
use crate::condition::{Condition, Performed, Scope, Test, Times, Which, Within};
use crate::error::Error;
use crate::instant::Moment;

/// The one column of the answer: the person, `Int64`, never null, each once.
pub const PERSON: &str = "person";

/// What a condition on persons is answered from.
pub struct Sources<'a> {
    /// The events.
    pub events: LogicalPlan,
    /// Their columns.
    pub columns: &'a dyn EventColumns,
    /// The facts that the condition [asks for](Condition::fact_keys), with the columns of [`fact_schema`](super::fact_schema).
    /// Without them no one has any.
    pub facts: Option<LogicalPlan>,
    /// Everyone there is, in a column `person`, each once. Without it everyone is who has an event (up to now) or a fact.
    pub persons: Option<LogicalPlan>,
}

/// The plan of the persons for whom `condition` holds at `moment`.
pub fn person_set(condition: &Condition, sources: Sources<'_>, moment: Moment<'_>) -> Result<LogicalPlan, Error> {
    condition.validate(Scope::Person)?;
    if !is_countable(condition) {
        let problem = "it tests more than counts and facts; the persons are found from their histories";
        return Err(Error::Invalid { place: "the condition".to_owned(), problem: problem.to_owned() });
    }
    let leaves = Leaves::of(condition);
    let everyone = sources.persons.is_none() && holds_for_absent(condition);
    let events = match leaves.performed.as_slice() {
        [] if !everyone => None,
        performed => Some(count_events(performed, &sources, everyone, moment)?),
    };
    let facts = match (sources.facts, leaves.facts.as_slice()) {
        (Some(facts), tests) if everyone || !tests.is_empty() => Some(count_facts(facts, tests, moment)?),
        _ => None,
    };
    let has_facts = facts.is_some();
    let rows = one_row_a_person(sources.persons, events, facts)?;
    let filter = combine(condition, &mut |leaf| leaves.test(leaf, has_facts));
    Ok(rows.filter(filter)?.project([col(PERSON)])?.build()?)
}

/// The different things that a tree counts.
#[derive(Default)]
struct Leaves<'c> {
    performed: Vec<&'c Performed>,
    facts: Vec<(&'c str, &'c Test)>,
}

impl<'c> Leaves<'c> {
    fn of(condition: &'c Condition) -> Self {
        let mut leaves = Self::default();
        // Inside a `performed` there are no further leaves: its filter tests properties only.
        condition.walk(&mut |condition| match condition {
            Condition::Performed(performed) if leaves.event_column(performed).is_none() => {
                leaves.performed.push(performed)
            }
            Condition::Fact { key, test } if leaves.fact_column(key, test).is_none() => leaves.facts.push((key, test)),
            _ => {}
        });
        leaves
    }

    fn event_column(&self, performed: &Performed) -> Option<usize> {
        let same = |other: &&Performed| {
            (&other.event, &other.filter, other.within) == (&performed.event, &performed.filter, performed.within)
        };
        self.performed.iter().position(same)
    }

    fn fact_column(&self, key: &str, test: &Test) -> Option<usize> {
        self.facts.iter().position(|other| *other == (key, test))
    }

    /// A leaf of the tree as a test of its column.
    fn test(&self, leaf: &Condition, has_facts: bool) -> Expr {
        match leaf {
            Condition::Performed(performed) => match self.event_column(performed) {
                Some(column) => times_hold(performed.times, &col(event_column(column))),
                None => lit(false),
            },
            Condition::Fact { key, test } => match self.fact_column(key, test) {
                Some(column) if has_facts => fact_holds(test, &col(fact_column(column))),
                _ => lit(holds_for_absent(leaf)),
            },
            _ => lit(false),
        }
    }
}

fn event_column(column: usize) -> String {
    format!("events_{column}")
}

fn fact_column(column: usize) -> String {
    format!("facts_{column}")
}

/// Whether a count, null for none, is right.
fn times_hold(times: Times, count: &Expr) -> Expr {
    let number = |number: u32| lit(i64::from(number));
    let counted = match times {
        Times::AtLeast(least) => count.clone().gt_eq(number(*least)),
        Times::Exactly(exact) => count.clone().eq(number(*exact)),
        Times::AtMost(most) => count.clone().lt_eq(number(*most)),
        Times::Between(least, most) => count.clone().between(number(*least), number(*most)),
    };
    if times.holds(0) { count.clone().is_null().or(counted) } else { counted }
}

/// Whether a fact passes, by the number of rows of its key that pass the positive test.
fn fact_holds(test: &Test, passed: &Expr) -> Expr {
    let holds = passed.clone().gt(lit(0i64));
    if test.opposite().is_some() { holds.is_not_true() } else { holds }
}

/// Whether the condition holds for someone who has neither events nor facts.
fn holds_for_absent(condition: &Condition) -> bool {
    match condition {
        Condition::All(children) => children.iter().all(holds_for_absent),
        Condition::Any(children) => children.iter().any(holds_for_absent),
        Condition::Not(child) => !holds_for_absent(child),
        Condition::Property { test, .. } | Condition::Fact { test, .. } => test.opposite().is_some(),
        Condition::Performed(performed) => performed.times.holds(0),
        // What is not a count is not compiled: see `is_countable`.
        _ => false,
    }
}

/// Whether a condition is made of counts of events and tests of facts only, so that [`person_set`] can answer it in one pass.
pub fn is_countable(condition: &Condition) -> bool {
    let mut countable = true;
    condition.walk(&mut |condition| {
        countable &= match condition {
            Condition::All(_) | Condition::Any(_) | Condition::Not(_) => true,
            Condition::Property { .. } | Condition::Fact { .. } => true,
            Condition::Performed(performed) => {
                performed.which == Which::Every && !matches!(performed.within, Within::First(_))
            }
            _ => false,
        };
    });
    countable
}

/// One row a person with the counts of all `performed` leaves. Persons without a counted event may be missing, unless `everyone`.
fn count_events(
    performed: &[&Performed],
    sources: &Sources<'_>,
    everyone: bool,
    moment: Moment<'_>,
) -> Result<LogicalPlan, Error> {
    let columns = sources.columns;
    let windows: Vec<Window> = performed.iter().map(|performed| Window::of(performed.within, moment)).collect();
    let mut counts = Vec::with_capacity(performed.len());
    for (index, (performed, window)) in performed.iter().zip(&windows).enumerate() {
        let mut tests = Vec::new();
        if performed.event != ANY {
            tests.push(columns.name().eq(lit(performed.event.as_str())));
        }
        tests.push(window.includes(&columns.occurred_at()));
        if let Some(filter) = &performed.filter {
            tests.push(event_filter(filter, columns, moment.calendar)?);
        }
        let counted = balanced(tests, Expr::and).unwrap_or_else(|| lit(true));
        counts.push(count(lit(1i64)).filter(counted).build()?.alias(event_column(index)));
    }
    let happened = Window { from: None, before: moment.now.plus(1) };
    let needed =
        if everyone { happened.includes(&columns.occurred_at()) } else { any_counts(performed, &windows, columns) };
    let plan = LogicalPlanBuilder::from(sources.events.clone()).filter(needed)?;
    Ok(plan.aggregate([columns.person().alias(PERSON)], counts)?.build()?)
}

const ANY: &str = "*";

/// Whether any leaf can count an event, by name and time alone: simple enough to skip files by.
fn any_counts(performed: &[&Performed], windows: &[Window], columns: &dyn EventColumns) -> Expr {
    let from = windows.iter().map(|window| window.from).min().flatten();
    let before = windows.iter().map(|window| window.before).max().unwrap_or_default();
    let window = Window { from, before }.includes(&columns.occurred_at());
    if performed.iter().any(|performed| performed.event == ANY) {
        return window;
    }
    let names: std::collections::BTreeSet<&str> = performed.iter().map(|performed| performed.event.as_str()).collect();
    columns.name().in_list(names.into_iter().map(lit).collect(), false).and(window)
}

/// `[from, before)`; an open start is none.
struct Window {
    from: Option<Timestamp>,
    before: Timestamp,
}

impl Window {
    fn of(within: Within, moment: Moment<'_>) -> Self {
        let happened = moment.now.plus(1);
        match within {
            Within::Ever | Within::First(_) => Self { from: None, before: happened },
            Within::Last(length) => Self { from: Some(happened.plus(-length.micros())), before: happened },
            Within::Dates { from, to } => Self {
                from: from.map(|from| from.start(moment.calendar)),
                before: to.map_or(happened, |to| to.start(moment.calendar).min(happened)),
            },
        }
    }

    fn includes(&self, occurred_at: &Expr) -> Expr {
        let ended = occurred_at.clone().lt(time(self.before));
        match self.from {
            Some(from) => occurred_at.clone().gt_eq(time(from)).and(ended),
            None => ended,
        }
    }
}

/// One row a person with the number of facts that pass each test, taken positively.
fn count_facts(facts: LogicalPlan, tests: &[(&str, &Test)], moment: Moment<'_>) -> Result<LogicalPlan> {
    let counts = tests.iter().enumerate().map(|(index, (key, test))| {
        let opposite = test.opposite();
        let positive = opposite.as_ref().unwrap_or(test);
        let passed = row_passes(key, positive, moment);
        Ok(count(lit(1i64)).filter(passed).build()?.alias(fact_column(index)))
    });
    let counts = counts.collect::<Result<Vec<_>>>()?;
    LogicalPlanBuilder::from(facts).aggregate([col(PERSON)], counts)?.build()
}

/// Joins the counts: to `persons`, or, without them, to each other.
fn one_row_a_person(
    persons: Option<LogicalPlan>,
    events: Option<LogicalPlan>,
    facts: Option<LogicalPlan>,
) -> Result<LogicalPlanBuilder> {
    let aliased = |plan: LogicalPlan, name: &str| LogicalPlanBuilder::from(plan).alias(name);
    let Some(persons) = persons else {
        return match (events, facts) {
            (Some(events), Some(facts)) => both(aliased(events, "events")?, aliased(facts, "facts")?.build()?),
            (Some(rows), None) | (None, Some(rows)) => Ok(LogicalPlanBuilder::from(rows)),
            (None, None) => LogicalPlanBuilder::empty(false).project([lit(0i64).alias(PERSON)]),
        };
    };
    let mut rows = LogicalPlanBuilder::from(persons).project([col(PERSON)])?.alias("persons")?;
    for (name, counts) in [("events", events), ("facts", facts)] {
        let Some(counts) = counts else { continue };
        let keys = (vec![Column::new(Some("persons"), PERSON)], vec![Column::new(Some(name), PERSON)]);
        rows = rows.join(aliased(counts, name)?.build()?, JoinType::Left, keys, None)?;
    }
    let kept = counts_of(&rows);
    rows.project(std::iter::once(col(Column::new(Some("persons"), PERSON)).alias(PERSON)).chain(kept))
}

/// Everyone in either of the two.
fn both(events: LogicalPlanBuilder, facts: LogicalPlan) -> Result<LogicalPlanBuilder> {
    let [left, right] = ["events", "facts"].map(|table| Column::new(Some(table), PERSON));
    let rows = events.join(facts, JoinType::Full, (vec![left.clone()], vec![right.clone()]), None)?;
    let person = when(col(left.clone()).is_null(), col(right)).otherwise(col(left))?.alias(PERSON);
    let kept = counts_of(&rows);
    rows.project(std::iter::once(person).chain(kept))
}

/// The columns of counts, without the persons.
fn counts_of(rows: &LogicalPlanBuilder) -> Vec<Expr> {
    let columns = rows.schema().columns().into_iter().filter(|column| column.name() != PERSON);
    columns.map(|column| col(column.clone()).alias(column.name())).collect()
}
