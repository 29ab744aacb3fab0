//! The batch driver: everybody's history from the lake, in one pass over the events that matter.
//!
//! The query engine tests and reads the events (one bit an event and role, one column a property), the accumulator plays them
//! person by person.
//!
//! Always holds: what is played is what [`Program::look`] sees in the same events, in the one order.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use datafusion::logical_expr::{Expr, LogicalPlan, ident, lit, when};
use rapport_domain::{Calendar, PersonId, Timestamp, WorkspaceId};
use rapport_lake::columns::{EVENT_ID, OCCURRED_AT, ORDER_KEY, PERSON};
use rapport_lake::{Budget, Lake, MAX_PLAN_NODES, Snapshot, TableOptions};
use rapport_profiles::records::{facts, identifiers, persons};
use rapport_store::Store;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::compile::{EventColumns, event_filter};
use crate::condition::Condition;
use crate::error::Error;
use crate::history::History;
use crate::person::{Change, Person, Told};
use crate::program::{Hook, Program, Reads, Seen, stand_in};
use crate::value::Reading;

/// Bytes of events that one pass holds; of more, several passes are made, each over a part of the persons.
const MOST_BYTES: i64 = 256 << 20;
/// Roles that fit one number.
const BITS: usize = 62;
/// Persons that are looked for by name: each time all files are read. The rest of a plan has as much room as they.
const MOST_NAMED: usize = MAX_PLAN_NODES / 2;
/// Persons handed over at once.
const CHUNK: usize = 2_000;
/// Chunks that wait to be taken.
const WAITING: usize = 4;

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
    /// Events and facts up to when, included.
    pub now: Timestamp,
    /// Time has passed up to then at least: earlier than now while events of before now may still come.
    pub until: Timestamp,
}

/// Whose histories are played.
#[derive(Clone, Copy, Debug)]
pub enum Whom<'a> {
    /// Everybody's.
    Everybody,
    /// Of a part of all people; numbers of persons are drawn by chance, so those up to one are as good as any.
    UpTo(PersonId),
    /// These people's.
    These(&'a [PersonId]),
}

/// Somebody as of now, with the changes on the way.
pub type Played = (Person, Vec<Change>);

/// Histories being played: the engine reads the events of a part of all people, other threads play them.
pub struct Play<'a> {
    program: Arc<Program>,
    sources: Sources<'a>,
    parts: VecDeque<Part>,
    running: Option<(mpsc::Receiver<Vec<Played>>, JoinSet<()>)>,
}

impl<'a> Play<'a> {
    /// Begins to play.
    ///
    /// # Errors
    /// The lake's.
    pub fn begin(program: &Arc<Program>, sources: Sources<'a>, whom: Whom<'_>) -> Result<Self, Error> {
        let parts = match whom {
            Whom::These(persons) => {
                let mut persons = persons.to_vec();
                persons.sort_unstable();
                persons.dedup();
                persons.chunks(MOST_NAMED).map(|named| Part::Named(named.to_vec())).collect()
            }
            Whom::UpTo(last) => VecDeque::from([Part::Range(0, last.0)]),
            Whom::Everybody => ranges(rows_of(program, sources.snapshot)? * row_bytes(program) / MOST_BYTES + 1),
        };
        Ok(Self { program: Arc::clone(program), sources, parts, running: None })
    }

    /// The next ones, in no order; `None` after the last.
    ///
    /// # Errors
    /// The store's, the lake's, and [`Error::Plan`].
    pub async fn next(&mut self) -> Result<Option<Vec<Played>>, Error> {
        loop {
            if let Some((played, threads)) = &mut self.running {
                if let Some(chunk) = played.recv().await {
                    return Ok(Some(chunk));
                }
                while let Some(outcome) = threads.join_next().await {
                    if let Err(error) = outcome
                        && error.is_panic()
                    {
                        std::panic::resume_unwind(error.into_panic());
                    }
                }
                self.running = None;
            }
            let Some(part) = self.parts.pop_front() else { return Ok(None) };
            self.running = Some(self.start(&part).await?);
        }
    }

    async fn start(&self, part: &Part) -> Result<(mpsc::Receiver<Vec<Played>>, JoinSet<()>), Error> {
        let (program, sources) = (&self.program, self.sources);
        let births = births(sources, part).await?;
        let told = told(program, sources.store, sources.workspace, part).await?;
        let hooks = program.hooks();
        let events =
            if hooks.is_empty() { Events::default() } else { events(&hooks, &program.calendar, sources, part).await? };
        let pass = Pass {
            program: Arc::clone(program),
            now: sources.now,
            until: sources.until,
            births,
            told,
            events,
            next: AtomicUsize::new(0),
        };
        let pass = Arc::new(pass);
        let (sender, played) = mpsc::channel(WAITING);
        let mut threads = JoinSet::new();
        let chunks = pass.births.len().div_ceil(CHUNK);
        let most = std::thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..most.min(chunks) {
            let (pass, sender) = (Arc::clone(&pass), sender.clone());
            threads.spawn_blocking(move || pass.work(&sender));
        }
        Ok((played, threads))
    }
}

/// What is played in one go.
struct Pass {
    program: Arc<Program>,
    now: Timestamp,
    until: Timestamp,
    /// Ascending by person.
    births: Vec<(PersonId, Timestamp)>,
    told: HashMap<PersonId, Vec<(Timestamp, Told)>>,
    events: Events,
    next: AtomicUsize,
}

impl Pass {
    /// Plays chunk after chunk until there is none, or nobody waits for them.
    fn work(&self, sender: &mpsc::Sender<Vec<Played>>) {
        let hooks = self.program.hooks();
        loop {
            let first = self.next.fetch_add(CHUNK, Ordering::Relaxed).min(self.births.len());
            let chunk = &self.births[first..self.births.len().min(first + CHUNK)];
            let Some((person, _)) = chunk.first() else { return };
            let mut row = self.events.rows.partition_point(|row| row.person < person.0);
            let mut played = Vec::with_capacity(chunk.len());
            for (id, born) in chunk {
                let mut history = History { born: Some(*born), ..History::default() };
                row = self.events.of(*id, row, &hooks, &mut history.seen);
                history.told = self.told.get(id).cloned().unwrap_or_default();
                played.extend(history.play(&self.program, *id, history.until(self.until, self.now)));
            }
            if sender.blocking_send(played).is_err() {
                return;
            }
        }
    }
}

/// Bytes of an event in memory: its place in the order, twice, with what it is for each leaf and what those want to know of it.
fn row_bytes(program: &Program) -> i64 {
    let hooks = program.hooks();
    let columns = hooks.len().div_ceil(BITS) + reads_of(&hooks).len();
    i64::try_from(size_of::<Row>() + 40 + 8 * columns).unwrap_or(i64::MAX)
}

/// What the leaves want to know of events, each once.
fn reads_of(hooks: &[(Option<&str>, &Hook)]) -> Vec<Reads> {
    let mut reads: Vec<Reads> = Vec::new();
    for (_, hook) in hooks.iter().filter(|(_, hook)| hook.reads != Reads::Nothing) {
        if !reads.contains(&hook.reads) {
            reads.push(hook.reads.clone());
        }
    }
    reads
}

/// How many events concern a program, as the catalog counts them.
pub(crate) fn rows_of(program: &Program, snapshot: &Snapshot) -> Result<i64, Error> {
    let Some(names) = program.event_names() else { return Ok(snapshot.rows()) };
    let names: BTreeSet<&str> = names.into_iter().collect();
    let uses = snapshot.names()?;
    Ok(uses.iter().filter(|(name, _)| names.contains(name.as_str())).map(|(_, used)| used.events).sum())
}

/// Some of all persons.
enum Part {
    /// From one to another, both included.
    Range(i64, i64),
    /// These, ascending.
    Named(Vec<PersonId>),
}

/// All persons in so many parts of about one size.
fn ranges(count: i64) -> VecDeque<Part> {
    persons::ranges(count.clamp(1, 256)).into_iter().map(|(first, last)| Part::Range(first.0, last.0)).collect()
}

impl Part {
    fn filter(&self) -> Option<Expr> {
        match self {
            Self::Range(0, i64::MAX) => None,
            // Files are ordered by person, so most of what lies outside is not read.
            Self::Range(first, last) => Some(ident(PERSON).between(lit(*first), lit(*last))),
            Self::Named(persons) => {
                Some(ident(PERSON).in_list(persons.iter().map(|person| lit(person.0)).collect(), false))
            }
        }
    }
}

async fn births(sources: Sources<'_>, part: &Part) -> Result<Vec<(PersonId, Timestamp)>, Error> {
    let db = &mut sources.store.read();
    Ok(match part {
        Part::Named(persons) => identifiers::births_of(db, sources.workspace, persons).await?,
        Part::Range(first, last) => {
            identifiers::births(db, sources.workspace, PersonId(*first), PersonId(*last)).await?
        }
    })
}

/// What was ever told of the facts that concern a program, in order.
async fn told(
    program: &Program,
    store: &Store,
    workspace: WorkspaceId,
    part: &Part,
) -> Result<HashMap<PersonId, Vec<(Timestamp, Told)>>, Error> {
    let keys: Vec<String> = program.fact_keys().into_iter().map(str::to_owned).collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let db = &mut store.read();
    let rows = match part {
        Part::Named(persons) => facts::histories_of(db, workspace, &keys, persons).await?,
        Part::Range(first, last) => facts::histories(db, workspace, &keys, PersonId(*first), PersonId(*last)).await?,
    };
    Ok(by_person(rows))
}

/// What was ever told of the facts that concern a program, of some people.
pub(crate) async fn told_of(
    program: &Program,
    store: &Store,
    workspace: WorkspaceId,
    persons: &[PersonId],
) -> Result<HashMap<PersonId, Vec<(Timestamp, Told)>>, Error> {
    told(program, store, workspace, &Part::Named(persons.to_vec())).await
}

fn by_person(rows: Vec<(PersonId, String, Timestamp, String)>) -> HashMap<PersonId, Vec<(Timestamp, Told)>> {
    let mut told: HashMap<PersonId, Vec<(Timestamp, Told)>> = HashMap::new();
    for (person, key, at, value) in rows {
        let value = serde_json::from_str(&value).unwrap_or(Value::Null);
        told.entry(person).or_default().push((at, Told { key, value }));
    }
    told
}

/// The events of a pass, in memory.
#[derive(Default)]
struct Events {
    batches: Vec<RecordBatch>,
    /// Sorted: whose, when, and where they are.
    rows: Vec<Row>,
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
    part: &Part,
) -> Result<Events, Error> {
    let reads = reads_of(hooks);
    let plan = plan(hooks, &reads, calendar, sources, part)?;
    let budget = Budget { time: std::time::Duration::from_secs(600), memory: 1 << 30, rows: usize::MAX };
    let (_, batches) = sources.lake.query(budget)?.collect(plan).await?;
    let mut events = Events { batches, rows: Vec::new(), masks: hooks.len().div_ceil(BITS), reads };
    events.sort();
    Ok(events)
}

fn plan(
    hooks: &[(Option<&str>, &Hook)],
    reads: &[Reads],
    calendar: &Calendar,
    sources: Sources<'_>,
    part: &Part,
) -> Result<LogicalPlan, Error> {
    let snapshot = sources.snapshot;
    let options = TableOptions { to: Some(sources.now.plus(1)), ..TableOptions::default() };
    let mut scan = snapshot.scan(options)?;
    let names: Option<Vec<&str>> = hooks.iter().map(|(name, _)| *name).collect();
    if let Some(names) = names {
        let names: BTreeSet<&str> = names.into_iter().collect();
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
        // Files are in this order already: what is sorted are a few long runs.
        self.rows.sort();
    }

    /// What a person did, whose rows are not before `from`; the first row of whoever comes after.
    fn of(
        &self,
        person: PersonId,
        mut from: usize,
        hooks: &[(Option<&str>, &Hook)],
        into: &mut Vec<(Timestamp, Seen)>,
    ) -> usize {
        // Events of persons that nobody asks for are left out.
        while self.rows.get(from).is_some_and(|row| row.person < person.0) {
            from += 1;
        }
        while let Some(row) = self.rows.get(from).filter(|row| row.person == person.0) {
            self.look(*row, hooks, into);
            from += 1;
        }
        from
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
    let program = Arc::new(Program::new(&all, calendar.clone())?);
    let tree = program.keys().position(|key| key == CANDIDATE).unwrap_or_default();
    let mut found = Vec::new();
    let mut play = Play::begin(&program, sources, Whom::Everybody)?;
    while let Some(chunk) = play.next().await? {
        found.extend(
            chunk.iter().filter(|(person, _)| person.member_since(tree).is_some()).map(|(person, _)| person.id()),
        );
    }
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
