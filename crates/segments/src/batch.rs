//! The batch driver: everybody's history from the lake, in one pass over the events that matter.
//!
//! The query engine tests and reads the events (one bit an event and role, one column a property), the accumulator plays them
//! person by person.
//!
//! Always holds: what is played is what [`Program::look`] sees in the same events, in the one order.

use std::collections::HashMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use datafusion::logical_expr::{Expr, LogicalPlan, ident, lit, when};
use rapport_domain::{Calendar, PersonId, Timestamp, WorkspaceId};
use rapport_lake::columns::{EVENT_ID, OCCURRED_AT, ORDER_KEY, PERSON};
use rapport_lake::{Budget, Lake, Snapshot, TableOptions};
use rapport_profiles::records::{facts, identifiers};
use rapport_store::Store;
use serde_json::Value;

use crate::compile::{EventColumns, event_filter};
use crate::condition::Condition;
use crate::error::Error;
use crate::history::History;
use crate::person::{Change, Person, Told};
use crate::program::{Hook, Program, Reads, Seen, stand_in};
use crate::value::Reading;

/// Events that one pass holds; of more, several passes are made, each over a part of the persons.
const MOST_ROWS: i64 = 2_000_000;
/// Roles that fit one number.
const BITS: usize = 62;
/// Persons that are looked for by name.
const MOST_NAMED: usize = 2_000;

/// Where histories are read from.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// Facts, and when people came.
    pub store: &'a Store,
    /// For sessions of the query engine.
    pub lake: &'a Lake,
    /// The events.
    pub snapshot: &'a Snapshot,
    /// Whose.
    pub workspace: WorkspaceId,
    /// Up to when, included.
    pub now: Timestamp,
}

/// Plays everybody, or some, and hands each to `then`: the person as of now, and the changes on the way. Ascending by person within
/// a pass.
///
/// # Errors
/// The store's, the lake's, and [`Error::Plan`].
pub async fn play(
    program: &Program,
    sources: Sources<'_>,
    only: Option<&[PersonId]>,
    mut then: impl FnMut(Person, Vec<Change>),
) -> Result<(), Error> {
    let hooks = program.hooks();
    let passes = match only {
        Some(_) => 1,
        None => (sources.snapshot.rows() / MOST_ROWS + 1).clamp(1, 256),
    };
    let only: Option<Vec<PersonId>> = only.map(|only| {
        let mut only = only.to_vec();
        only.sort_unstable();
        only.dedup();
        only
    });
    let parts: Vec<Part<'_>> = match &only {
        Some(only) => only.chunks(MOST_NAMED).map(Part::Named).collect(),
        None => (0..passes).map(|part| Part::Share { part, of: passes }).collect(),
    };
    for part in parts {
        let births = births(sources, part).await?;
        let only = if let Part::Named(persons) = part { Some(persons) } else { None };
        let mut told = told(program, sources.store, sources.workspace, only).await?;
        told.retain(|person, _| part.has(*person));
        let mut seen =
            if hooks.is_empty() { Events::default() } else { events(&hooks, &program.calendar, sources, part).await? };
        for (id, born) in births {
            let mut history = History { born: Some(born), ..History::default() };
            seen.take(id, &hooks, &mut history.seen);
            history.told = told.remove(&id).unwrap_or_default();
            if let Some((person, changes)) = history.play(program, id, sources.now) {
                then(person, changes);
            }
        }
    }
    Ok(())
}

/// Some of all persons.
#[derive(Clone, Copy)]
enum Part<'a> {
    /// Those whose number leaves this rest.
    Share { part: i64, of: i64 },
    /// These, ascending.
    Named(&'a [PersonId]),
}

impl Part<'_> {
    fn has(self, person: PersonId) -> bool {
        match self {
            Self::Share { part, of } => person.0.rem_euclid(of) == part,
            Self::Named(persons) => persons.binary_search(&person).is_ok(),
        }
    }

    fn filter(self) -> Option<Expr> {
        match self {
            Self::Share { of: 1, .. } => None,
            // Numbers of persons are positive.
            Self::Share { part, of } => Some((ident(PERSON) % lit(of)).eq(lit(part))),
            Self::Named(persons) => {
                Some(ident(PERSON).in_list(persons.iter().map(|person| lit(person.0)).collect(), false))
            }
        }
    }
}

async fn births(sources: Sources<'_>, part: Part<'_>) -> Result<Vec<(PersonId, Timestamp)>, Error> {
    let db = &mut sources.store.read();
    Ok(match part {
        Part::Named(persons) => identifiers::births_of(db, sources.workspace, persons).await?,
        Part::Share { .. } => {
            let all = identifiers::births(db, sources.workspace).await?;
            all.into_iter().filter(|(person, _)| part.has(*person)).collect()
        }
    })
}

/// What was ever told of the facts that concern a program, of everybody or some, in order.
pub(crate) async fn told(
    program: &Program,
    store: &Store,
    workspace: WorkspaceId,
    only: Option<&[PersonId]>,
) -> Result<HashMap<PersonId, Vec<(Timestamp, Told)>>, Error> {
    let keys: Vec<String> = program.fact_keys().into_iter().map(str::to_owned).collect();
    let mut told: HashMap<PersonId, Vec<(Timestamp, Told)>> = HashMap::new();
    if keys.is_empty() {
        return Ok(told);
    }
    for (person, key, at, value) in facts::histories(&mut store.read(), workspace, &keys, only).await? {
        let value = serde_json::from_str(&value).unwrap_or(Value::Null);
        told.entry(person).or_default().push((at, Told { key, value }));
    }
    Ok(told)
}

/// The events of a pass, in memory.
#[derive(Default)]
struct Events {
    batches: Vec<RecordBatch>,
    /// Sorted: whose, when, and where they are.
    rows: Vec<Row>,
    /// The first row of the next person.
    next: usize,
    masks: usize,
    reads: Vec<Reads>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    person: i64,
    time: i64,
    order_key: i64,
    id: [u8; 16],
    batch: u32,
    row: u32,
}

async fn events(
    hooks: &[(Option<&str>, &Hook)],
    calendar: &Calendar,
    sources: Sources<'_>,
    part: Part<'_>,
) -> Result<Events, Error> {
    let mut reads: Vec<Reads> = Vec::new();
    for (_, hook) in hooks.iter().filter(|(_, hook)| hook.reads != Reads::Nothing) {
        if !reads.contains(&hook.reads) {
            reads.push(hook.reads.clone());
        }
    }
    let plan = plan(hooks, &reads, calendar, sources, part)?;
    let budget = Budget { time: std::time::Duration::from_secs(600), memory: 1 << 30, rows: usize::MAX };
    let (_, batches) = sources.lake.query(budget)?.collect(plan).await?;
    let mut events = Events { batches, rows: Vec::new(), next: 0, masks: hooks.len().div_ceil(BITS), reads };
    events.sort();
    Ok(events)
}

fn plan(
    hooks: &[(Option<&str>, &Hook)],
    reads: &[Reads],
    calendar: &Calendar,
    sources: Sources<'_>,
    part: Part<'_>,
) -> Result<LogicalPlan, Error> {
    let snapshot = sources.snapshot;
    let options = TableOptions { to: Some(sources.now.plus(1)), ..TableOptions::default() };
    let mut scan = snapshot.scan(options)?;
    let names: Option<Vec<&str>> = hooks.iter().map(|(name, _)| *name).collect();
    if let Some(names) = names {
        let names: std::collections::BTreeSet<&str> = names.into_iter().collect();
        scan = scan.filter(EventColumns::name(snapshot).in_list(names.into_iter().map(lit).collect(), false))?;
    }
    if let Some(filter) = part.filter() {
        scan = scan.filter(filter)?;
    }
    let mut columns = vec![ident(PERSON), ident(OCCURRED_AT), ident(ORDER_KEY), ident(EVENT_ID)];
    for (number, chunk) in hooks.chunks(BITS).enumerate() {
        let mut mask: Option<Expr> = None;
        for (bit, (name, hook)) in chunk.iter().enumerate() {
            let mut test = name.map_or_else(|| lit(true), |name| EventColumns::name(snapshot).eq(lit(name)));
            if let Some(filter) = &hook.filter {
                ask_for(snapshot, filter);
                test = test.and(event_filter(filter, snapshot, calendar)?);
            }
            let bit = when(test, lit(1_i64 << bit)).otherwise(lit(0_i64))?;
            mask = Some(mask.map_or(bit.clone(), |mask| mask + bit));
        }
        columns.push(mask.unwrap_or_else(|| lit(0_i64)).alias(mask_name(number)));
    }
    for (number, read) in reads.iter().enumerate() {
        let column = match read {
            Reads::Nothing => lit(0_i64),
            Reads::Amount(path) => {
                snapshot.ask_for(path);
                EventColumns::property(snapshot, path, Reading::Amount)
            }
            Reads::Text(path) => {
                snapshot.ask_for(path);
                EventColumns::property(snapshot, path, Reading::Text)
            }
            Reads::Passes(having) => {
                ask_for(snapshot, having);
                when(event_filter(having, snapshot, calendar)?, lit(1_i64)).otherwise(lit(0_i64))?
            }
        };
        columns.push(column.alias(read_name(number)));
    }
    let any = (0..hooks.len().div_ceil(BITS)).map(|number| ident(mask_name(number)).not_eq(lit(0_i64)));
    let any = any.reduce(Expr::or).unwrap_or_else(|| lit(true));
    Ok(scan.project(columns)?.filter(any)?.build()?)
}

/// Tells the lake that a filter's properties are asked for, so that they become columns.
fn ask_for(snapshot: &Snapshot, filter: &Condition) {
    filter.walk(&mut |part| {
        if let Condition::Property { path, .. } = part {
            snapshot.ask_for(path);
        }
    });
}

fn mask_name(number: usize) -> String {
    format!("mask_{number}")
}

fn read_name(number: usize) -> String {
    format!("read_{number}")
}

impl Events {
    fn sort(&mut self) {
        for (batch, rows) in (0..).zip(&self.batches) {
            let person = rows.column(0).as_primitive::<Int64Type>().values();
            let time = rows.column(1).as_primitive::<TimestampMicrosecondType>().values();
            let order_key = rows.column(2).as_primitive::<Int64Type>().values();
            let ids = rows.column(3).as_fixed_size_binary();
            self.rows.extend((0..rows.num_rows()).map(|row| Row {
                person: person[row],
                time: time[row],
                order_key: order_key[row],
                id: ids.value(row).try_into().unwrap_or_default(),
                batch,
                row: u32::try_from(row).unwrap_or(u32::MAX),
            }));
        }
        self.rows.sort_unstable();
    }

    /// What a person did; to be asked for ascending persons.
    fn take(&mut self, person: PersonId, hooks: &[(Option<&str>, &Hook)], into: &mut Vec<(Timestamp, Seen)>) {
        // Events of persons that nobody asks for are left out.
        self.next += self.rows[self.next..].partition_point(|row| row.person < person.0);
        while let Some(row) = self.rows.get(self.next).filter(|row| row.person == person.0) {
            self.look(*row, hooks, into);
            self.next += 1;
        }
    }

    fn look(&self, row: Row, hooks: &[(Option<&str>, &Hook)], into: &mut Vec<(Timestamp, Seen)>) {
        let (batch, at) = (&self.batches[row.batch as usize], row.row as usize);
        let first = into.len();
        for number in 0..self.masks {
            let mut mask = batch.column(4 + number).as_primitive::<Int64Type>().value(at);
            while mask != 0 {
                let (_, hook) = hooks[number * BITS + mask.trailing_zeros() as usize];
                mask &= mask - 1;
                let (leaf, role) = (u32::try_from(hook.leaf).unwrap_or(u32::MAX), 1_u32 << hook.role);
                match into[first..].iter_mut().find(|(_, seen)| seen.leaf == leaf) {
                    Some((_, seen)) => seen.roles |= role,
                    None => {
                        let value = self.value(batch, at, &hook.reads);
                        into.push((Timestamp(row.time), Seen { leaf, roles: role, order_key: row.order_key, value }));
                    }
                }
            }
        }
    }

    fn value(&self, batch: &RecordBatch, at: usize, reads: &Reads) -> Option<i64> {
        let number = self.reads.iter().position(|other| other == reads)?;
        let column = batch.column(4 + self.masks + number);
        if column.is_null(at) {
            return None;
        }
        match reads {
            Reads::Nothing => None,
            Reads::Amount(_) | Reads::Passes(_) => Some(column.as_primitive::<Int64Type>().value(at)),
            Reads::Text(_) => Some(stand_in(column.as_string::<i32>().value(at))),
        }
    }
}

/// The persons for whom a condition holds now, ascending. `segments` are those that it may ask for.
///
/// # Errors
/// As [`play`], and when the condition asks for what is not there.
pub async fn found(
    condition: &Condition,
    segments: &[(String, Condition)],
    calendar: &Calendar,
    sources: Sources<'_>,
) -> Result<Vec<PersonId>, Error> {
    let mut all = asked_for(segments, condition);
    all.push((CANDIDATE, condition));
    let program = Program::new(&all, calendar.clone())?;
    let tree = program.keys().position(|key| key == CANDIDATE).unwrap_or_default();
    let mut found = Vec::new();
    play(&program, sources, None, |person, _| {
        if person.member_since(tree).is_some() {
            found.push(person.id());
        }
    })
    .await?;
    found.sort_unstable();
    Ok(found)
}

/// The name of what is looked at among the segments it asks for; no segment has it.
pub(crate) const CANDIDATE: &str = " ";

/// The segments that a condition asks for, directly or by way of others.
pub(crate) fn asked_for<'s>(
    segments: &'s [(String, Condition)],
    condition: &Condition,
) -> Vec<(&'s str, &'s Condition)> {
    let mut wanted: Vec<String> = condition.segment_keys().into_iter().map(str::to_owned).collect();
    let mut asked: Vec<(&str, &Condition)> = Vec::new();
    while let Some(key) = wanted.pop() {
        if asked.iter().any(|(known, _)| *known == key) {
            continue;
        }
        if let Some((key, condition)) = segments.iter().find(|(known, _)| *known == key) {
            asked.push((key, condition));
            wanted.extend(condition.segment_keys().into_iter().map(str::to_owned));
        }
    }
    asked
}
