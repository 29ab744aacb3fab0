//! Hot rows: what was applied and is not in files yet, as Arrow batches in memory.
//!
//! Always holds: hot rows have every change (moves, erasures, superseded events) applied in place; small batches are joined as they
//! come in, so that there are only a few of them, but never across the position that a running flush has taken.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, BooleanArray, Int64Array, RecordBatch};
use arrow::compute::{filter_record_batch, max, min};
use rapport_domain::{Handle, PersonId};

use crate::batch::{self, Keys};
use crate::changes::Changes;
use crate::columns::ColumnSet;
use crate::error::Result;

/// Batches are joined up to this many rows.
const JOIN_ROWS: usize = 32_768;

/// Hot rows that came together.
#[derive(Clone, Debug)]
pub(crate) struct HotBatch {
    /// The rows, sorted.
    pub(crate) batch: RecordBatch,
    /// The log position after the last of them.
    pub(crate) through: i64,
    /// Hot columns of rank below this are complete.
    pub(crate) columns: usize,
    /// The earliest and latest time.
    pub(crate) times: (i64, i64),
    bytes: usize,
}

impl HotBatch {
    /// `None` for no rows.
    pub(crate) fn of(batch: &RecordBatch, through: i64, columns: usize) -> Result<Option<Self>> {
        let batch = batch::sorted(batch)?;
        let times = Keys::of(&batch)?.occurred_at;
        let Some(times) = min(times).zip(max(times)) else { return Ok(None) };
        let bytes = batch.columns().iter().map(|column| column.get_array_memory_size()).sum();
        Ok(Some(Self { batch, through, columns, times, bytes }))
    }
}

/// The hot rows of one workspace, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct HotRows {
    pub(crate) batches: Vec<HotBatch>,
    /// Batches up to here belong to a running flush.
    taken: i64,
}

impl HotRows {
    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.batches.iter().map(|hot| hot.bytes).sum()
    }

    /// Rows held.
    pub(crate) fn rows(&self) -> usize {
        self.batches.iter().map(|hot| hot.batch.num_rows()).sum()
    }

    /// Adds a batch, and joins it with those before it while they are not much larger.
    pub(crate) fn push(&mut self, hot: HotBatch, set: &ColumnSet) -> Result<()> {
        self.batches.push(hot);
        while let [.., before, last] = self.batches.as_slice() {
            let rows = before.batch.num_rows() + last.batch.num_rows();
            if before.through <= self.taken || rows > JOIN_ROWS || before.batch.num_rows() > 2 * last.batch.num_rows() {
                break;
            }
            let joined = batch::joined(&[before.batch.clone(), last.batch.clone()], set)?;
            let joined = HotBatch::of(&joined, last.through, before.columns.min(last.columns))?;
            self.batches.truncate(self.batches.len() - 2);
            self.batches.extend(joined);
        }
        Ok(())
    }

    /// The batches that a flush will write; they stay readable until [`HotRows::flushed`].
    pub(crate) fn take(&mut self) -> Vec<HotBatch> {
        self.taken = self.batches.last().map_or(self.taken, |hot| hot.through);
        self.batches.clone()
    }

    /// Forgets the batches up to `position`: they are in files now.
    pub(crate) fn flushed(&mut self, position: i64) {
        self.batches.retain(|hot| hot.through > position);
    }

    /// Applies changes in place: to these handles, and to the events that are dead.
    pub(crate) fn apply(&mut self, changes: &Changes, handles: &HashSet<Handle>, dead: bool) -> Result<()> {
        let mut kept = Vec::with_capacity(self.batches.len());
        for hot in self.batches.drain(..) {
            let touched = Keys::of(&hot.batch)?.handle.values().iter().any(|handle| handles.contains(&Handle(*handle)));
            if touched || dead {
                kept.extend(HotBatch::of(&changed(&hot.batch, changes)?, hot.through, hot.columns)?);
            } else {
                kept.push(hot);
            }
        }
        self.batches = kept;
        Ok(())
    }
}

/// `batch` with `changes` applied: persons as they are now, without erased and superseded rows. Not sorted again.
pub(crate) fn changed(batch: &RecordBatch, changes: &Changes) -> Result<RecordBatch> {
    let keys = Keys::of(batch)?;
    let persons: Vec<Option<i64>> = (0..batch.num_rows())
        .map(|row| {
            if changes.dead.contains_key(&keys.id(row)) {
                return None;
            }
            changes.person(Handle(keys.handle.value(row)), PersonId(keys.person.value(row))).map(|person| person.0)
        })
        .collect();
    let keep = BooleanArray::from_iter(persons.iter().map(|person| Some(person.is_some())));
    let persons = Int64Array::from_iter_values(persons.iter().map(|person| person.unwrap_or_default()));
    let at = batch.schema().index_of(crate::columns::PERSON)?;
    let mut columns = batch.columns().to_vec();
    columns[at] = Arc::new(persons);
    let batch = RecordBatch::try_new(batch.schema(), columns)?;
    if keep.true_count() == batch.num_rows() { Ok(batch) } else { Ok(filter_record_batch(&batch, &keep)?) }
}
