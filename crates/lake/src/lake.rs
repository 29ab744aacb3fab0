//! The lake itself: opens the catalog, takes in rows, flushes them into cells, publishes changes, gives snapshots.
//!
//! Always holds: rows leave memory in the same moment in which the catalog commits their files, together with the log position up to
//! which everything is in files. After a crash the caller appends again from [`Positions::flushed`] on.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrow::array::RecordBatch;
use rapport_domain::{EventId, Timestamp, WorkspaceId};
use rapport_store::{Priority, Store, Tx};

use crate::batch;
use crate::catalog::{CommitKind, DataFile, Head, records};
use crate::changes::{Dead, Move};
use crate::columns::PropertyColumn;
use crate::error::{Error, Result};
use crate::files::{Files, Location};
use crate::hot::HotBatch;
use crate::layout::{Cell, Layout};
use crate::registry::HotRule;
use crate::row::EventRow;
use crate::session::{Aborting, Budget, Engine, QueryContext};
use crate::snapshot::{Positions, Snapshot};
use crate::workspace::{State, Workspace};
use crate::writer::{CellWriter, Written};

/// How a lake is run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Bytes of hot rows of a workspace at which a flush is due.
    pub flush_bytes: usize,
    /// Bytes of hot rows of a workspace at which appends are refused until a flush made room.
    pub hot_bytes: usize,
    /// Rows that a cell may have before the layout becomes finer.
    pub cell_rows: i64,
    /// Files of about one size that are merged.
    pub merge_files: usize,
    /// Changes that may wait before files are rewritten for them alone.
    pub pending_changes: usize,
    /// Bytes that a compaction may hold; beyond, it sorts on disk.
    pub compaction_bytes: usize,
    /// When a property becomes a column.
    pub hot_rule: HotRule,
    /// Threads that questions run on, and partitions of a plan.
    pub partitions: usize,
    /// Bytes of the cache of file footers.
    pub footer_bytes: usize,
    /// How long a file that was replaced stays, for plans that another process made of it.
    pub grace: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            flush_bytes: 48 << 20,
            hot_bytes: 128 << 20,
            cell_rows: 2_000_000,
            merge_files: 6,
            pending_changes: 2_000,
            compaction_bytes: 192 << 20,
            hot_rule: HotRule::default(),
            partitions: std::thread::available_parallelism().map_or(2, usize::from),
            footer_bytes: 32 << 20,
            grace: Duration::ZERO,
        }
    }
}

/// A change that is written in a transaction and must be published after its commit.
#[derive(Debug)]
#[must_use = "after the commit, questions see the change only when it is published"]
pub struct Ticket {
    workspace: WorkspaceId,
    change: Change,
}

#[derive(Debug)]
enum Change {
    Moved { moves: Vec<Move>, revision: i64 },
    Superseded { events: Vec<EventId>, dead: Dead },
}

/// Writes, in the transaction that changes identities, that handles belong to other persons now, or are erased. Publish the ticket
/// after the commit ([`Lake::publish`]).
pub async fn record_moves(tx: &mut Tx, workspace: WorkspaceId, moves: &[Move]) -> Result<Ticket> {
    let revision = records::next_revision(tx, workspace).await?;
    records::add_moves(tx, workspace, moves, revision).await?;
    Ok(Ticket { workspace, change: Change::Moved { moves: moves.to_vec(), revision } })
}

/// Writes that events are superseded or erased. `position` is the log position of the event that says so: the dead events come
/// before it. Publish the ticket after the commit ([`Lake::publish`]).
pub async fn record_superseded(
    tx: &mut Tx,
    workspace: WorkspaceId,
    events: &[EventId],
    position: i64,
) -> Result<Ticket> {
    let dead = Dead { revision: records::next_revision(tx, workspace).await?, position };
    records::add_dead(tx, workspace, events, dead).await?;
    Ok(Ticket { workspace, change: Change::Superseded { events: events.to_vec(), dead } })
}

/// What a flush did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flushed {
    /// Rows that are in files now.
    pub rows: i64,
    /// Files written.
    pub files: usize,
    /// Events up to this log position are in files.
    pub position: i64,
}

/// The lake. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub struct Lake(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) files: Files,
    pub(crate) settings: Settings,
    pub(crate) engine: Arc<Engine>,
    workspaces: tokio::sync::Mutex<HashMap<WorkspaceId, Arc<Workspace>>>,
    /// Files that no commit has any more, with the time they were removed; deleted when no snapshot holds them.
    pub(crate) removed: Mutex<Vec<(Timestamp, Arc<DataFile>)>>,
}

impl Lake {
    /// Opens the lake whose catalog is in `store` (with [`crate::MIGRATIONS`]) and deletes what a crash has left behind.
    pub async fn open(store: Store, location: &Location, settings: Settings) -> Result<Self> {
        let files = Files::open(location)?;
        let engine = Arc::new(Engine::new(&files, settings.partitions.max(1), settings.footer_bytes)?);
        let mut known = HashSet::new();
        for workspace in records::workspaces(&mut store.read()).await? {
            let removed = records::files(&mut store.read(), workspace, true).await?;
            files.delete(removed.iter().map(DataFile::path).collect()).await?;
            let mut tx = store.begin(Priority::Background).await?;
            records::forget_files(&mut tx, removed.into_iter().map(|file| file.id).collect()).await?;
            tx.commit().await?;
            known.extend(records::files(&mut store.read(), workspace, false).await?.iter().map(DataFile::path));
        }
        files.delete_orphans(&known).await?;
        let workspaces = tokio::sync::Mutex::default();
        Ok(Self(Arc::new(Inner { store, files, settings, engine, workspaces, removed: Mutex::default() })))
    }

    /// Opens a lake in a local folder with the usual settings.
    pub async fn open_folder(store: Store, folder: impl Into<PathBuf>) -> Result<Self> {
        Self::open(store, &Location::Folder(folder.into()), Settings::default()).await
    }

    /// Up to where a workspace's events are in files, and in memory.
    pub async fn positions(&self, workspace: WorkspaceId) -> Result<Positions> {
        Ok(self.snapshot(workspace).await?.positions())
    }

    /// Takes in rows that were applied. `position` is the log's position after the last event that they come from; rows at or
    /// before the position that is applied already are taken for a repetition and ignored. Rows, and tickets that move them, come in the order
    /// of their transactions.
    pub async fn append(&self, workspace: WorkspaceId, rows: Vec<EventRow>, position: i64) -> Result<()> {
        let workspace = self.workspace(workspace).await?;
        let limit = self.0.settings.hot_bytes;
        workspace.lock().append(rows, position, limit)
    }

    /// Whether enough hot rows have come together that a flush is due.
    pub async fn is_flush_due(&self, workspace: WorkspaceId) -> Result<bool> {
        Ok(self.workspace(workspace).await?.lock().hot.bytes() >= self.0.settings.flush_bytes)
    }

    /// Whether so many hot rows have come together that the next ones may find no room: then wait for a flush.
    pub async fn is_crowded(&self, workspace: WorkspaceId) -> Result<bool> {
        let crowded = self.0.settings.hot_bytes / 4 * 3;
        Ok(self.workspace(workspace).await?.lock().hot.bytes() >= crowded)
    }

    /// Makes a committed change visible.
    pub async fn publish(&self, ticket: Ticket) -> Result<()> {
        let workspace = self.workspace(ticket.workspace).await?;
        let mut state = workspace.lock();
        match ticket.change {
            Change::Moved { moves, revision } => state.moved(&moves, revision),
            Change::Superseded { events, dead } => state.superseded(&events, dead),
        }
    }

    /// The present state of a workspace's events, pinned.
    pub async fn snapshot(&self, workspace: WorkspaceId) -> Result<Snapshot> {
        Ok(Snapshot::of(self.workspace(workspace).await?))
    }

    /// A session for one question.
    pub fn query(&self, budget: Budget) -> Result<QueryContext> {
        QueryContext::new(Arc::clone(&self.0.engine), budget)
    }

    /// Writes all hot rows of a workspace into cells.
    pub async fn flush(&self, workspace: WorkspaceId) -> Result<Flushed> {
        let workspace = self.workspace(workspace).await?;
        let _one = workspace.flushing.lock().await;
        let (taken, state) = {
            let mut state = workspace.lock();
            state.writing = Some(state.changes.revision);
            (Arc::make_mut(&mut state.hot).take(), state.clone())
        };
        let flushed = self.flush_taken(&workspace, taken, &state).await;
        workspace.lock().writing = None;
        flushed
    }

    async fn flush_taken(&self, workspace: &Workspace, taken: Vec<HotBatch>, state: &State) -> Result<Flushed> {
        let position = state.applied;
        if taken.is_empty() && position == state.head.flushed {
            return Ok(Flushed { rows: 0, files: 0, position });
        }
        let added = self.write_hot(workspace, taken, state).await?;
        let flushed = Flushed { rows: added.iter().map(|file| file.rows).sum(), files: added.len(), position };
        let columns = state.registry.promotions(&state.set, self.0.settings.hot_rule);
        self.commit(workspace, Commit { added, columns, ..Commit::flush(position) }).await?;
        Ok(flushed)
    }

    async fn write_hot(&self, workspace: &Workspace, taken: Vec<HotBatch>, state: &State) -> Result<Vec<DataFile>> {
        if taken.is_empty() {
            return Ok(Vec::new());
        }
        let columns = taken.iter().map(|hot| hot.columns).min().unwrap_or_default();
        let (set, layout) = (Arc::clone(&state.set), state.head.layout);
        let cells = self.blocking(move || {
            let batches: Vec<RecordBatch> = taken.into_iter().map(|hot| hot.batch).collect();
            let joined = batch::sorted(&batch::joined(&batches, &set)?)?;
            Ok((joined.schema(), batch::cut(&joined, layout)?))
        });
        let (schema, cells) = cells.await?;
        let written = Written {
            workspace: workspace.id,
            present: state.set.ranks_in(&schema),
            schema,
            columns,
            revision: state.changes.revision,
        };
        self.write(written, cells).await
    }

    /// Runs work that holds a processor for long, where it gives way to what comes in.
    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        Aborting(self.0.engine.threads().spawn_blocking(work)).join().await
    }

    /// Writes one file for each cell.
    async fn write(&self, written: Written, cells: BTreeMap<Cell, RecordBatch>) -> Result<Vec<DataFile>> {
        let inner = Arc::clone(&self.0);
        let writers = self.blocking(move || {
            let mut writers = Vec::with_capacity(cells.len());
            for (cell, batch) in cells {
                let mut writer = CellWriter::create(&inner.files, &written, cell, inner.file_id())?;
                writer.write(&batch)?;
                writers.push(writer);
            }
            Ok(writers)
        });
        let mut files = Vec::new();
        for writer in writers.await? {
            files.push(writer.finish(&self.0.files).await?);
        }
        Ok(files)
    }

    /// Commits to the catalog, then to memory. When the catalog refuses, the new files are deleted.
    pub(crate) async fn commit(&self, workspace: &Workspace, commit: Commit) -> Result<()> {
        let committing = workspace.committing.lock().await;
        let state = workspace.state();
        let mut head = Head { seq: state.head.seq + 1, ..state.head };
        head.flushed = commit.flushed.unwrap_or(head.flushed);
        head.layout = commit.layout.unwrap_or(head.layout);
        if let Err(error) = self.commit_catalog(workspace.id, &commit, head, &state).await {
            // The error that matters is the first; what cannot be deleted now is deleted at the next start.
            let _ = self.0.files.delete(commit.added.iter().map(DataFile::path).collect()).await;
            return Err(error);
        }
        let settled = {
            let mut state = workspace.lock();
            state.head = head;
            state.replace(&commit.removed, commit.added);
            state.promote(&commit.columns);
            if let Some(position) = commit.flushed {
                Arc::make_mut(&mut state.hot).flushed(position);
                state.writing = None;
            }
            state.settled()
        };
        let now = self.0.store.clock().now();
        self.0.removed().extend(commit.removed.into_iter().map(|file| (now, file)));
        drop(committing);
        self.forget(workspace, settled).await
    }

    async fn commit_catalog(&self, workspace: WorkspaceId, commit: &Commit, head: Head, state: &State) -> Result<()> {
        let now = self.0.store.clock().now();
        let mut tx = self.0.store.begin(Priority::Background).await?;
        records::advance(&mut tx, workspace, head, commit.kind, now).await?;
        records::add_files(&mut tx, &commit.added, head.seq).await?;
        let removed: Vec<String> = commit.removed.iter().map(|file| file.id.clone()).collect();
        if !removed.is_empty() {
            records::remove_files(&mut tx, removed, head.seq).await?;
        }
        records::add_columns(&mut tx, workspace, state.set.len(), &commit.columns).await?;
        if commit.kind == CommitKind::Flush {
            records::save_properties(&mut tx, workspace, &state.registry).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Forgets changes that every file has.
    async fn forget(&self, workspace: &Workspace, settled: Settled) -> Result<()> {
        let (handles, events, revision) = settled;
        if handles.is_empty() && events.is_empty() {
            return Ok(());
        }
        let mut tx = self.0.store.begin(Priority::Background).await?;
        records::forget_changes(&mut tx, workspace.id, &handles, &events, revision).await?;
        tx.commit().await?;
        workspace.lock().forget(&handles, &events, revision);
        Ok(())
    }

    /// The workspace, read from the catalog at first use.
    pub(crate) async fn workspace(&self, id: WorkspaceId) -> Result<Arc<Workspace>> {
        let mut workspaces = self.0.workspaces.lock().await;
        if let Some(workspace) = workspaces.get(&id) {
            return Ok(Arc::clone(workspace));
        }
        let workspace = Arc::new(Workspace::new(id, self.load(id).await?));
        workspaces.insert(id, Arc::clone(&workspace));
        Ok(workspace)
    }

    async fn load(&self, id: WorkspaceId) -> Result<State> {
        if records::head(&mut self.0.store.read(), id).await?.is_none() {
            let mut tx = self.0.store.begin(Priority::Background).await?;
            records::ensure(&mut tx, id).await?;
            tx.commit().await?;
        }
        let mut db = self.0.store.snapshot().await?;
        let missing = || Error::Damaged(format!("workspace {id} has no catalog"));
        let head = records::head(&mut db, id).await?.ok_or_else(missing)?;
        let files = records::files(&mut db, id, false).await?;
        Ok(State {
            head,
            applied: head.flushed,
            files: Arc::new(files.into_iter().map(Arc::new).collect()),
            changes: Arc::new(records::changes(&mut db, id, head.revision).await?),
            set: Arc::new(records::columns(&mut db, id).await?),
            registry: Arc::new(records::properties(&mut db, id).await?),
            hot: Arc::default(),
            writing: None,
        })
    }
}

type Settled = (Vec<rapport_domain::Handle>, Vec<EventId>, i64);

/// One step of the catalog.
pub(crate) struct Commit {
    pub(crate) kind: CommitKind,
    /// The new flush position, if it moves.
    pub(crate) flushed: Option<i64>,
    /// The new layout, if it becomes finer.
    pub(crate) layout: Option<Layout>,
    pub(crate) added: Vec<DataFile>,
    pub(crate) removed: Vec<Arc<DataFile>>,
    pub(crate) columns: Vec<PropertyColumn>,
}

impl Commit {
    fn flush(position: i64) -> Self {
        Self { kind: CommitKind::Flush, flushed: Some(position), ..Self::compaction() }
    }

    /// A compaction that changes nothing yet.
    pub(crate) fn compaction() -> Self {
        Self {
            kind: CommitKind::Compaction,
            flushed: None,
            layout: None,
            added: Vec::new(),
            removed: Vec::new(),
            columns: Vec::new(),
        }
    }
}

impl Inner {
    /// A new file's random name.
    pub(crate) fn file_id(&self) -> String {
        let rng = self.store.rng();
        format!("{:016x}{:016x}", rng.next_u64(), rng.next_u64())
    }

    pub(crate) fn removed(&self) -> std::sync::MutexGuard<'_, Vec<(Timestamp, Arc<DataFile>)>> {
        self.removed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
