//! Imports under way in a running server: their progress, and the way to stop them.
//!
//! Always holds: how an import stands is in the database; here is only what a restart may forget. Imports that a stop of the server
//! interrupted begin again at its next start, and add only what is missing.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, anyhow};
use rapport_domain::{Id, Timestamp, WorkspaceId};
use rapport_imports::Progress;
use rapport_store::Priority;
use tokio::sync::Semaphore;

use super::records::{self, ImportRow};
use super::{Task, finish};
use crate::installation::Installation;
use crate::records::workspaces;

/// One at a time: two would only take turns on the same log.
const AT_ONCE: usize = 1;

/// How far a running import is.
#[derive(Clone, Debug)]
pub struct Running {
    /// Rows and bytes read; `None` while it waits for its turn.
    pub progress: Option<Progress>,
    /// Since when it runs.
    pub began: Timestamp,
    /// New events so far.
    pub added: u64,
}

struct Run {
    state: Mutex<Running>,
    stop: AtomicBool,
}

/// The imports under way.
pub struct Runs {
    installation: Arc<Installation>,
    runs: Mutex<HashMap<Id, Arc<Run>>>,
    turn: Arc<Semaphore>,
    /// The server stops: what is under way begins again at its next start.
    interrupted: AtomicBool,
}

impl Runs {
    /// None under way.
    pub fn new(installation: Arc<Installation>) -> Arc<Self> {
        Arc::new(Self {
            installation,
            runs: Mutex::default(),
            turn: Arc::new(Semaphore::new(AT_ONCE)),
            interrupted: AtomicBool::new(false),
        })
    }

    /// Begins again what a stop of the server interrupted.
    pub async fn resume(self: &Arc<Self>) -> Result<()> {
        for workspace in workspaces::ids(&mut self.installation.store.read()).await? {
            for row in records::all(&mut self.installation.store.read(), workspace).await? {
                if row.state == "running" {
                    self.begin(task(workspace, &row)?);
                }
            }
        }
        Ok(())
    }

    /// How far an import is, if it is under way.
    pub fn running(&self, id: &Id) -> Option<Running> {
        let runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let run = runs.get(id)?;
        let state = run.state.lock().unwrap_or_else(PoisonError::into_inner);
        Some(state.clone())
    }

    /// Asks an import to stop; it keeps what it has taken.
    pub fn stop(&self, id: &Id) {
        if let Some(run) = self.runs.lock().unwrap_or_else(PoisonError::into_inner).get(id) {
            run.stop.store(true, Ordering::Relaxed);
        }
    }

    /// Stops all, for the server's end; they begin again at its next start.
    pub fn interrupt(&self) {
        self.interrupted.store(true, Ordering::Relaxed);
        for run in self.runs.lock().unwrap_or_else(PoisonError::into_inner).values() {
            run.stop.store(true, Ordering::Relaxed);
        }
    }

    /// Runs a task in the background. A task that is under way already is left alone.
    pub fn begin(self: &Arc<Self>, task: Task) {
        let began = self.installation.clock.now();
        let state = Mutex::new(Running { progress: None, began, added: 0 });
        let run = Arc::new(Run { state, stop: AtomicBool::new(false) });
        {
            let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
            if runs.contains_key(&task.id) {
                return;
            }
            runs.insert(task.id.clone(), Arc::clone(&run));
        }
        let this = Arc::clone(self);
        tokio::spawn(async move {
            if let Err(error) = this.work(&task, run).await {
                tracing::error!(import = %task.id, error = %error, "an import could not be ended properly");
            }
            this.runs.lock().unwrap_or_else(PoisonError::into_inner).remove(&task.id);
        });
    }

    async fn work(&self, task: &Task, run: Arc<Run>) -> Result<()> {
        let _turn = Arc::clone(&self.turn).acquire_owned().await?;
        let installation = Arc::clone(&self.installation);
        let moved = task.clone();
        let outcome = tokio::task::spawn_blocking(move || {
            super::run(&installation, &moved, &run.stop, |progress, added| {
                let mut state = run.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.progress = Some(progress.clone());
                state.added = added;
            })
        })
        .await
        .unwrap_or_else(|_| Err(anyhow!("reading the files stopped unexpectedly; the server's log says where")));
        if self.interrupted.load(Ordering::Relaxed) {
            return Ok(());
        }
        finish(&self.installation, task, &outcome).await
    }
}

/// The task that a stored import is.
pub fn task(workspace: WorkspaceId, row: &ImportRow) -> Result<Task> {
    Ok(Task {
        id: row.id.clone(),
        workspace,
        source: row.source,
        files: row.files.0.iter().map(|(path, name)| (path.into(), name.clone())).collect(),
        mapping: serde_json::from_value(row.mapping.0.clone())?,
    })
}

/// Marks an import as running, so that it survives a restart.
pub async fn mark_running(installation: &Installation, workspace: WorkspaceId, id: &Id) -> Result<()> {
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    records::set_state(&mut tx, workspace, id, "running", None, None).await?;
    tx.commit().await?;
    Ok(())
}
