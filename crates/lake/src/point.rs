//! The point read: the events of one person, or of some, newest first.
//!
//! Reads only files whose cell can hold the person, of those only the pages whose persons do (files are sorted by person and pages are
//! indexed by it), and of those only the rows asked for.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::ScalarValue;
use datafusion::execution::session_state::SessionState;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{Column, lit};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{ExecutionPlan, collect};
use rapport_domain::{Handle, PersonId, Timestamp, WorkspaceId};

use crate::batch::Keys;
use crate::error::Result;
use crate::lake::Lake;
use crate::layout::bucket;
use crate::read_back;
use crate::row::EventRow;
use crate::scan::{self, Part, Scan, Test};
use crate::session::{Aborting, Engine};
use crate::snapshot::Snapshot;
use crate::workspace::State;

/// Up to so many rows, files are read from the newest on as needed; for more, all at once.
const FEW_ROWS: usize = 1_000;
/// Bytes that a point read may hold.
const MEMORY: usize = 128 << 20;

impl Lake {
    /// The events of `person` from `from` (inclusive) to `to` (exclusive), newest first, at most `limit`.
    pub async fn person_events(
        &self,
        workspace: WorkspaceId,
        person: PersonId,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
        limit: usize,
    ) -> Result<Vec<EventRow>> {
        self.person_events_at(&self.snapshot(workspace).await?, person, from, to, limit).await
    }

    /// The same in a pinned state.
    pub async fn person_events_at(
        &self,
        snapshot: &Snapshot,
        person: PersonId,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
        limit: usize,
    ) -> Result<Vec<EventRow>> {
        let times = (from.map_or(i64::MIN, |from| from.0), to.map_or(i64::MAX, |to| to.0));
        let (engine, snapshot) = (Arc::clone(&self.0.engine), snapshot.clone());
        let read = async move { newest_of(&engine, &snapshot, &[person], times, limit).await };
        Aborting(self.0.engine.prompt().spawn(read)).join().await
    }

    /// The events of some people in a pinned state, newest first: one read for all of them, where as many reads would open the same
    /// files as many times. All are held at once, so ask for some hundred people at a time.
    pub async fn events_of(
        &self,
        snapshot: &Snapshot,
        persons: Vec<PersonId>,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
    ) -> Result<Vec<EventRow>> {
        let times = (from.map_or(i64::MIN, |from| from.0), to.map_or(i64::MAX, |to| to.0));
        let (engine, snapshot) = (Arc::clone(&self.0.engine), snapshot.clone());
        let read = async move { newest_of(&engine, &snapshot, &persons, times, usize::MAX).await };
        Aborting(self.0.engine.prompt().spawn(read)).join().await
    }
}

async fn newest_of(
    engine: &Engine,
    snapshot: &Snapshot,
    persons: &[PersonId],
    times: scan::Times,
    limit: usize,
) -> Result<Vec<EventRow>> {
    let mut batches = hot(snapshot.state(), persons, times)?;
    cold(engine, snapshot, persons, times, limit, &mut batches).await?;
    newest(&batches, snapshot.state(), limit)
}

/// The parts of files that hold rows of these people.
fn parts_of(state: &State, persons: &[PersonId], times: scan::Times) -> Vec<Part> {
    let mut under: Vec<PersonId> = persons.iter().flat_map(|person| state.changes.written_under(*person)).collect();
    under.sort_unstable();
    under.dedup();
    let may_hold = |file: &crate::catalog::DataFile, person: PersonId| {
        bucket(person, file.cell.bucket_bits) == file.cell.bucket
            && (file.persons.0..=file.persons.1).contains(&person.0)
    };
    let files = state.files.iter().filter(|file| under.iter().any(|person| may_hold(file, *person)));
    let parts = scan::parts(files.cloned(), &state.changes, times);
    let mut all = parts.in_place;
    for part in &mut all {
        part.files.retain(|file| persons.iter().any(|person| may_hold(file, *person)));
        part.tests.push(Test::Persons(persons.to_vec()));
        part.few = true;
    }
    let here: Vec<(Handle, PersonId)> =
        parts.moved.iter().flat_map(|part| part.moved.iter().flatten()).copied().collect();
    let here: Vec<(Handle, PersonId)> = here.into_iter().filter(|(_, to)| persons.contains(to)).collect();
    if let Some(mut part) = parts.moved.filter(|_| !here.is_empty()) {
        part.tests.retain(|test| !matches!(test, Test::Handles { .. } | Test::Persons(_)));
        part.tests.push(Test::Persons(under));
        part.tests.push(Test::Handles { among: here.iter().map(|(handle, _)| *handle).collect(), negated: false });
        part.moved = Some(here);
        all.push(part);
    }
    all.retain(|part| !part.files.is_empty());
    all
}

/// Reads files into `batches`, the newest first and twice as many each time, until no older file can hold one of the newest
/// `limit` rows.
async fn cold(
    engine: &Engine,
    snapshot: &Snapshot,
    persons: &[PersonId],
    times: scan::Times,
    limit: usize,
    batches: &mut Vec<RecordBatch>,
) -> Result<()> {
    let mut parts = parts_of(snapshot.state(), persons, times);
    let mut ends: Vec<i64> = parts.iter().flat_map(|part| &part.files).map(|file| file.times.1).collect();
    ends.sort_unstable_by_key(|end| Reverse(*end));
    let session = engine.session(MEMORY)?;
    let context = session.state();
    let mut count = if limit > FEW_ROWS { ends.len() } else { 1 };
    while let Some(end) = ends.first().copied() {
        if oldest_of_newest(batches, limit)?.is_some_and(|oldest| end < oldest) {
            break;
        }
        let until = ends[count.min(ends.len()) - 1];
        ends.retain(|end| *end < until);
        let mut plans = Vec::new();
        for part in &mut parts {
            let (now, later) = std::mem::take(&mut part.files).into_iter().partition(|file| file.times.1 >= until);
            part.files = later;
            let now = Part { files: now, ..part.clone() };
            if !now.files.is_empty() {
                plans.push(plan(&context, snapshot, &now, times)?);
            }
        }
        batches.extend(collect(UnionExec::try_new(plans)?, session.task_ctx()).await?);
        count *= 2;
    }
    Ok(())
}

/// A part with the columns that its files have; the others are null for all.
fn plan(
    context: &SessionState,
    snapshot: &Snapshot,
    part: &Part,
    times: scan::Times,
) -> Result<Arc<dyn ExecutionPlan>> {
    let state = snapshot.state();
    let schema = state.set.schema();
    let present: BTreeSet<usize> = part.files.iter().flat_map(|file| file.present.iter().copied()).collect();
    let columns = state.set.schema_with(present);
    let wanted = columns.fields().iter().map(|field| schema.index_of(field.name()));
    let wanted = wanted.collect::<std::result::Result<Vec<_>, _>>()?;
    let scan = Scan { session: context, state, schema: Arc::clone(&schema), wanted, times };
    let plan = scan.files(part, scan::one_each(&part.files), None)?;
    // All parts have the same columns in the end.
    let all = schema.fields().iter().map(|field| {
        let column = columns.index_of(field.name()).map(|at| Arc::new(Column::new(field.name(), at)) as _);
        let null = || ScalarValue::try_from(field.data_type()).map(lit);
        Ok((column.or_else(|_| null())?, field.name().clone()))
    });
    let all = all.collect::<datafusion::common::Result<Vec<(Arc<dyn PhysicalExpr>, String)>>>()?;
    Ok(Arc::new(ProjectionExec::try_new(all, plan)?))
}

/// The time of the last of the newest `limit` rows, if there are as many.
fn oldest_of_newest(batches: &[RecordBatch], limit: usize) -> Result<Option<i64>> {
    let mut times = Vec::new();
    for batch in batches {
        times.extend_from_slice(Keys::of(batch)?.occurred_at.values());
    }
    times.sort_unstable_by_key(|at| Reverse(*at));
    Ok(limit.checked_sub(1).and_then(|last| times.get(last).copied()))
}

fn hot(state: &State, persons: &[PersonId], times: scan::Times) -> Result<Vec<RecordBatch>> {
    let mut found = Vec::new();
    for hot in state.hot.batches.iter().filter(|hot| hot.times.0 < times.1 && hot.times.1 >= times.0) {
        // Hot batches are sorted by person.
        let all = Keys::of(&hot.batch)?.person.values().as_ref();
        for person in persons {
            let begin = all.partition_point(|other| *other < person.0);
            let length = all[begin..].partition_point(|other| *other == person.0);
            if length > 0 {
                found.push(hot.batch.slice(begin, length));
            }
        }
    }
    for batch in &mut found {
        let occurred_at = Keys::of(batch)?.occurred_at.values();
        // Within a person they are sorted by time.
        let begin = occurred_at.partition_point(|at| *at < times.0);
        let length = occurred_at[begin..].partition_point(|at| *at < times.1);
        *batch = batch.slice(begin, length);
    }
    Ok(found)
}

/// The newest rows of all batches.
fn newest(batches: &[RecordBatch], state: &State, limit: usize) -> Result<Vec<EventRow>> {
    let mut order = Vec::new();
    for (at, batch) in batches.iter().enumerate() {
        let keys = Keys::of(batch)?;
        let key = |row| (keys.occurred_at.value(row), keys.order_key.value(row), keys.id(row), at, row);
        order.extend((0..batch.num_rows()).map(key));
    }
    order.sort_unstable_by(|a, b| b.cmp(a));
    order.truncate(limit);
    let mut chosen: Vec<Vec<usize>> = vec![Vec::new(); batches.len()];
    for (.., at, row) in &order {
        chosen[*at].push(*row);
    }
    let mut read = Vec::with_capacity(batches.len());
    for (batch, rows) in batches.iter().zip(&chosen) {
        read.push(read_back::rows(batch, &state.set, rows)?.into_iter());
    }
    Ok(order.iter().filter_map(|(.., at, _)| read[*at].next()).collect())
}
