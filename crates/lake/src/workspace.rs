//! What the lake knows of one workspace, in memory: the catalog's state, the changes, the hot rows.
//!
//! Always holds: every part is shared, never changed in place while a snapshot holds it, so a snapshot is a handful of pointers taken
//! under one short lock and sees one state: files up to a commit, hot rows after it, and the changes of both.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rapport_domain::{EventId, Handle, WorkspaceId};

use crate::batch;
use crate::catalog::{DataFile, Head};
use crate::changes::{Changes, Dead, Move};
use crate::columns::{ColumnSet, PropertyColumn};
use crate::error::{Error, Result};
use crate::hot::{HotBatch, HotRows};
use crate::registry::Registry;
use crate::row::EventRow;

/// One workspace.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) id: WorkspaceId,
    state: Mutex<State>,
    /// Held by a flush.
    pub(crate) flushing: tokio::sync::Mutex<()>,
    /// Held by a compaction; flushes go on meanwhile.
    pub(crate) compacting: tokio::sync::Mutex<()>,
    /// Held from reading the head to having written the next one.
    pub(crate) committing: tokio::sync::Mutex<()>,
}

/// The state that a snapshot pins.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) head: Head,
    /// Events up to this log position are in files or hot rows.
    pub(crate) applied: i64,
    pub(crate) files: Arc<Vec<Arc<DataFile>>>,
    pub(crate) changes: Arc<Changes>,
    pub(crate) set: Arc<ColumnSet>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) hot: Arc<HotRows>,
    /// The revision of the files that a flush is writing now.
    pub(crate) writing: Option<i64>,
}

impl Workspace {
    pub(crate) fn new(id: WorkspaceId, state: State) -> Self {
        let [flushing, compacting, committing] = std::array::from_fn(|_| tokio::sync::Mutex::new(()));
        Self { id, state: Mutex::new(state), flushing, compacting, committing }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that holds the lock leaves the state half changed, so a panic elsewhere under it does no harm.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn state(&self) -> State {
        self.lock().clone()
    }
}

impl State {
    /// Takes in rows; those that changed meanwhile are taken as they are now. `position` is the log's after them.
    pub(crate) fn append(&mut self, rows: Vec<EventRow>, position: i64, limit: usize) -> Result<()> {
        if position <= self.applied {
            return Ok(());
        }
        if self.hot.bytes() >= limit {
            return Err(Error::HotRowsFull { limit });
        }
        let registry = Arc::make_mut(&mut self.registry);
        let mut current = Vec::with_capacity(rows.len());
        for mut row in rows {
            if self.changes.dead.contains_key(&row.event_id) {
                continue;
            }
            let Some(person) = self.changes.person(row.handle, row.person) else { continue };
            row.person = person;
            registry.see(&row);
            current.push(row);
        }
        if let Some(hot) = HotBatch::of(&batch::of_rows(&current, &self.set)?, position, self.set.len())? {
            Arc::make_mut(&mut self.hot).push(hot, &self.set)?;
        }
        self.applied = position;
        Ok(())
    }

    /// Takes in moves of `revision`.
    pub(crate) fn moved(&mut self, moves: &[Move], revision: i64) -> Result<()> {
        let changes = Arc::make_mut(&mut self.changes);
        for change in moves {
            changes.apply_move(*change, revision);
        }
        changes.complete(revision);
        let handles: HashSet<Handle> = moves.iter().map(|change| change.handle).collect();
        Arc::make_mut(&mut self.hot).apply(&self.changes, &handles, false)
    }

    /// Takes in superseded events.
    pub(crate) fn superseded(&mut self, events: &[EventId], dead: Dead) -> Result<()> {
        let changes = Arc::make_mut(&mut self.changes);
        for event in events {
            changes.apply_dead(*event, dead);
        }
        changes.complete(dead.revision);
        Arc::make_mut(&mut self.hot).apply(&self.changes, &HashSet::new(), true)
    }

    /// Adds hot columns; rows that come from now on are written with them.
    pub(crate) fn promote(&mut self, columns: &[PropertyColumn]) {
        let set = Arc::make_mut(&mut self.set);
        for column in columns {
            set.add(column.clone());
        }
    }

    /// Replaces files after a commit.
    pub(crate) fn replace(&mut self, removed: &[Arc<DataFile>], added: Vec<DataFile>) {
        let removed: HashSet<&str> = removed.iter().map(|file| file.id.as_str()).collect();
        let kept = self.files.iter().filter(|file| !removed.contains(file.id.as_str())).cloned();
        self.files = Arc::new(kept.chain(added.into_iter().map(Arc::new)).collect());
    }

    /// Changes that every file has now.
    pub(crate) fn settled(&self) -> (Vec<Handle>, Vec<EventId>, i64) {
        let files = self.files.iter().map(|file| file.revision);
        let revision = files.chain(self.writing).min().unwrap_or(self.changes.revision);
        let (handles, events) = self.changes.settled(revision, self.head.flushed);
        (handles, events, revision)
    }

    /// Forgets changes that every file has.
    pub(crate) fn forget(&mut self, handles: &[Handle], events: &[EventId], revision: i64) {
        if handles.is_empty() && events.is_empty() {
            return;
        }
        let changes = Arc::make_mut(&mut self.changes);
        for handle in handles {
            if changes.moved.get(handle).is_some_and(|moved| moved.revision <= revision) {
                changes.moved.remove(handle);
            }
        }
        for event in events {
            changes.dead.remove(event);
        }
    }
}
