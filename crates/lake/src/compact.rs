//! Compaction: small files become large ones, cells that grew are cut anew, and changes are written into files and forgotten.
//!
//! Always holds: it replaces files by files with the same rows (less those that are superseded or erased) in one commit; flushes and
//! questions go on meanwhile; replaced files are deleted when no snapshot holds them any more.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use datafusion::physical_expr::LexOrdering;
use datafusion::physical_expr::PhysicalSortExpr;
use datafusion::physical_expr::expressions::col;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures::StreamExt;
use rapport_domain::WorkspaceId;
use rapport_store::Priority;

use crate::batch;
use crate::catalog::{DataFile, records};
use crate::columns;
use crate::error::{Error, Result};
use crate::lake::{Commit, Inner, Lake, Settings};
use crate::layout::{Cell, Layout};
use crate::reshred::reshred;
use crate::scan::{self, Scan};
use crate::session::Aborting;
use crate::workspace::{State, Workspace};
use crate::writer::{CellWriter, Written};

/// What one step of compaction did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Files replaced.
    pub before: usize,
    /// Files written for them.
    pub after: usize,
    /// Rows written.
    pub rows: i64,
}

impl Lake {
    /// One step of what is due in a workspace; `None` when nothing is. Call it again until then, with pauses as the machine allows.
    pub async fn compact(&self, workspace: WorkspaceId) -> Result<Option<Compacted>> {
        let workspace = self.workspace(workspace).await?;
        let _one = workspace.compacting.lock().await;
        self.delete_removed(workspace.id).await?;
        let state = workspace.state();
        let layout = layout_due(&state, &self.0.settings);
        let files = few(files_due(&state, layout, &self.0.settings));
        self.replace(&workspace, state, files, layout).await
    }

    /// Writes all changes of a workspace into its files at once: what erasure asks for after the tombstones. Afterwards the bytes of erased
    /// rows are gone as soon as no snapshot holds the old files.
    pub async fn rewrite_changed(&self, workspace: WorkspaceId) -> Result<Compacted> {
        let workspace = self.workspace(workspace).await?;
        let _one = workspace.compacting.lock().await;
        let mut all = Compacted::default();
        for (_, files) in by_cell(&workspace.state()) {
            for files in files.chunks(MOST_FILES) {
                let state = workspace.state();
                let files = files.iter().filter(|file| state.changes.lacks(file.revision)).cloned().collect();
                let layout = state.head.layout;
                if let Some(step) = self.replace(&workspace, state, files, layout).await? {
                    all.before += step.before;
                    all.after += step.after;
                    all.rows += step.rows;
                }
            }
        }
        self.delete_removed(workspace.id).await?;
        Ok(all)
    }

    async fn replace(
        &self,
        workspace: &Workspace,
        state: State,
        files: Vec<Arc<DataFile>>,
        layout: Layout,
    ) -> Result<Option<Compacted>> {
        if files.is_empty() {
            return Ok(None);
        }
        let merge = Merge { inner: Arc::clone(&self.0), workspace: workspace.id, state, layout };
        let inputs = files.clone();
        let run = async move { merge.run(&inputs).await };
        let added = Aborting(self.0.engine.threads().spawn(run)).join().await?;
        let done =
            Compacted { before: files.len(), after: added.len(), rows: added.iter().map(|file| file.rows).sum() };
        let commit = Commit { added, removed: files, layout: Some(layout), ..Commit::compaction() };
        self.commit(workspace, commit).await?;
        Ok(Some(done))
    }

    /// Deletes replaced files that no snapshot and no plan holds.
    async fn delete_removed(&self, workspace: WorkspaceId) -> Result<()> {
        let grace = i64::try_from(self.0.settings.grace.as_micros()).unwrap_or(i64::MAX);
        let now = self.0.store.clock().now();
        let (free, held): (Vec<_>, Vec<_>) = self.0.removed().drain(..).partition(|(at, file)| {
            file.workspace == workspace && at.plus(grace) <= now && Arc::strong_count(file) == 1
        });
        self.0.removed().extend(held);
        if free.is_empty() {
            return Ok(());
        }
        self.0.files.delete(free.iter().map(|(_, file)| file.path()).collect()).await?;
        let mut tx = self.0.store.begin(Priority::Background).await?;
        records::forget_files(&mut tx, free.iter().map(|(_, file)| file.id.clone()).collect()).await?;
        Ok(tx.commit().await?)
    }
}

/// So many files are merged in one step: each that is open takes memory.
const MOST_FILES: usize = 16;

/// The smallest of too many files; the next step takes the others.
fn few(mut files: Vec<Arc<DataFile>>) -> Vec<Arc<DataFile>> {
    if files.len() > MOST_FILES {
        files.sort_by_key(|file| file.rows);
        files.truncate(MOST_FILES);
    }
    files
}

/// The layout that fits the largest cell. Steps that would not split it are skipped: rows of one week gain nothing from months, and
/// every step writes all rows again.
fn layout_due(state: &State, settings: &Settings) -> Layout {
    let layout = state.head.layout;
    let files: Vec<_> = state.files.iter().filter(|file| layout_of(file) == layout).collect();
    let mut due = layout;
    while largest_cell(&files, due) > settings.cell_rows && due.finer() != due {
        due = due.finer();
    }
    due
}

/// About how many rows the largest cell has when `files` are cut by `layout`: each file's rows count as spread evenly over its time and
/// over the buckets.
fn largest_cell(files: &[&Arc<DataFile>], layout: Layout) -> i64 {
    let mut cells: HashMap<(i64, i64), i64> = HashMap::new();
    for file in files {
        let splits = layout.bucket_bits.saturating_sub(file.cell.bucket_bits);
        let periods = layout.periods(file.times);
        for period in &periods {
            *cells.entry((*period, file.cell.bucket)).or_default() += (file.rows >> splits) / periods.len() as i64;
        }
    }
    cells.into_values().max().unwrap_or_default()
}

fn layout_of(file: &DataFile) -> Layout {
    Layout { granularity: file.cell.granularity, bucket_bits: file.cell.bucket_bits }
}

fn by_cell(state: &State) -> BTreeMap<Cell, Vec<Arc<DataFile>>> {
    let mut cells: BTreeMap<Cell, Vec<Arc<DataFile>>> = BTreeMap::new();
    for file in state.files.iter() {
        cells.entry(file.cell).or_default().push(Arc::clone(file));
    }
    cells
}

/// The files of one cell to replace next: those cut by an old layout first, then many of a size, then those that lack changes
/// when too many changes wait.
fn files_due(state: &State, layout: Layout, settings: &Settings) -> Vec<Arc<DataFile>> {
    let cells = by_cell(state);
    if let Some(files) = cells.values().find(|files| layout_of(&files[0]) != layout) {
        return files.clone();
    }
    if let Some(files) = cells.values().find_map(|files| alike(files, settings.merge_files)) {
        return files;
    }
    if state.changes.len() <= settings.pending_changes {
        return Vec::new();
    }
    let lacking = |files: &Vec<Arc<DataFile>>| {
        let lacking: Vec<_> = files.iter().filter(|file| state.changes.lacks(file.revision)).cloned().collect();
        (!lacking.is_empty()).then_some(lacking)
    };
    cells.values().find_map(lacking).unwrap_or_default()
}

/// Enough files of about one size (within a factor of four), and all smaller ones: each row is rewritten a few times only.
fn alike(files: &[Arc<DataFile>], enough: usize) -> Option<Vec<Arc<DataFile>>> {
    let class = |file: &DataFile| file.rows.max(1).ilog(4);
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for file in files {
        *counts.entry(class(file)).or_default() += 1;
    }
    let largest =
        counts.into_iter().filter(|(_, count)| *count >= enough.max(2)).map(|(class, _)| class).next_back()?;
    Some(files.iter().filter(|file| class(file) <= largest).cloned().collect())
}

/// One merge of sorted files into sorted files.
struct Merge {
    inner: Arc<Inner>,
    workspace: WorkspaceId,
    state: State,
    layout: Layout,
}

impl Merge {
    /// The ranks of the columns to write: those that the inputs have, and those that became hot since and may take values out of their
    /// residuals.
    fn present(&self, inputs: &[Arc<DataFile>]) -> Vec<usize> {
        let first = inputs.iter().map(|file| file.columns).min().unwrap_or_default();
        let there = inputs.iter().flat_map(|file| file.present.iter().copied());
        there.chain(first..self.state.set.len()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    async fn run(self, inputs: &[Arc<DataFile>]) -> Result<Vec<DataFile>> {
        let session = self.inner.engine.session(self.inner.settings.compaction_bytes)?;
        let present = self.present(inputs);
        let schema = self.state.set.schema_with(present.iter().copied());
        let wanted = (0..schema.fields().len()).collect();
        let context = session.state();
        let times = (i64::MIN, i64::MAX);
        let scan = Scan { session: &context, state: &self.state, schema: Arc::clone(&schema), wanted, times };
        let plan = sorted_plan(&scan, inputs)?;
        let Some(plan) = plan else { return Ok(Vec::new()) };
        let written = Written {
            workspace: self.workspace,
            schema,
            columns: self.state.set.len(),
            present,
            revision: self.state.changes.revision,
        };
        let all_complete = inputs.iter().all(|file| file.columns == written.columns);
        let mut writers: BTreeMap<Cell, CellWriter> = BTreeMap::new();
        let mut stream = execute_stream(plan, session.task_ctx())?;
        while let Some(rows) = stream.next().await {
            let rows = if all_complete { rows? } else { reshred(&rows?, &self.state.set)? };
            for (cell, rows) in batch::cut(&rows, self.layout)? {
                let writer = match writers.remove(&cell) {
                    Some(writer) => writer,
                    None => CellWriter::create(&self.inner.files, &written, cell, self.inner.file_id())?,
                };
                writers.entry(cell).or_insert(writer).write(&rows)?;
            }
            // A year that becomes months and buckets has dozens of files open.
            let held: usize = writers.values().map(CellWriter::held).sum();
            if held > self.inner.settings.compaction_bytes {
                let largest = writers.values_mut().max_by_key(|writer| writer.held());
                largest.map_or(Ok(()), CellWriter::let_go)?;
            }
        }
        let mut files = Vec::new();
        for writer in writers.into_values() {
            files.push(writer.finish(&self.inner.files).await?);
        }
        Ok(files)
    }
}

/// The rows of `inputs` in the lake's order: files are sorted already and only merged; moved rows are sorted first.
fn sorted_plan(scan: &Scan<'_>, inputs: &[Arc<DataFile>]) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let parts = scan::parts(inputs.iter().cloned(), &scan.state.changes, scan.times);
    let order = [columns::PERSON, columns::OCCURRED_AT, columns::ORDER_KEY, columns::EVENT_ID];
    let order = order.map(|name| Ok(PhysicalSortExpr::new_default(col(name, &scan.schema)?)));
    let order = LexOrdering::new(order.into_iter().collect::<datafusion::common::Result<Vec<_>>>()?)
        .ok_or_else(|| Error::Engine("an order needs columns".to_owned()))?;
    let mut plans = Vec::new();
    for part in &parts.in_place {
        plans.push(scan.files(part, scan::one_each(&part.files), None)?);
    }
    if let Some(part) = &parts.moved {
        // Each sort keeps memory for itself, so there is one for each thread, not for each file.
        let rows = scan.files(part, scan.groups(&part.files), None)?;
        plans.push(Arc::new(SortExec::new(order.clone(), rows).with_preserve_partitioning(true)));
    }
    if plans.is_empty() {
        return Ok(None);
    }
    Ok(Some(Arc::new(SortPreservingMergeExec::new(order, UnionExec::try_new(plans)?))))
}
