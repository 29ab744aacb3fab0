//! Imports: files become events through the same log as everything else.
//!
//! Always holds: the same file again adds nothing, a changed row supersedes its old version; an import that was interrupted is simply run
//! again, because the log knows every row it already has. Rejected rows are kept with their number and reason.
//!
//! Does not do: reading files (rapport-imports does), applying events (the pipeline does).

pub mod records;
pub mod runs;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use rapport_domain::{Event, EventId, Id, SourceId, Timestamp, WorkspaceId};
use rapport_imports::{Import, ImportedEvent, Mapping, Options, Output, Progress, Reject, Report};
use rapport_store::Priority;
use serde::{Deserialize, Serialize};

use crate::installation::Installation;

pub use records::{DATA_MAP, MIGRATIONS, forget_values};

/// Events that are handed to the log at once.
const BATCH: usize = 1_000;
/// Rejected rows that are written at once.
const REJECTS: usize = 500;

/// What to import, into which source.
#[derive(Clone, Debug)]
pub struct Task {
    /// The import's name.
    pub id: Id,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The source the rows belong to; their natural keys are within it.
    pub source: SourceId,
    /// The files, each with the name by which people and the mapping know it.
    pub files: Vec<(PathBuf, String)>,
    /// What the columns mean.
    pub mapping: Mapping,
}

/// What an import did.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// What the files held and by which rules it was taken.
    pub report: Report,
    /// Events that were new.
    pub added: u64,
    /// Events that were there already.
    pub known: u64,
    /// Whether it was stopped before the end.
    pub cancelled: bool,
}

/// Runs an import to its end or until `stop`. Blocks: call it on a thread that may. `progress` is called a few times a second.
pub fn run(
    installation: &Arc<Installation>,
    task: &Task,
    stop: &AtomicBool,
    mut progress: impl FnMut(&Progress, u64),
) -> Result<Outcome> {
    let runtime = tokio::runtime::Handle::current();
    let now = installation.clock.now();
    let import = open(&task.files, now)?;
    // Detection and the profile were shown before; here only the mapping decides.
    let mut events = import.events(&task.mapping)?;
    let mut sink = Sink { installation, task, now, batch: Vec::with_capacity(BATCH), added: 0, known: 0, counter: 0 };
    let mut rejects: Vec<Reject> = Vec::new();
    runtime.block_on(records::forget_rejects(installation, task.workspace, &task.id))?;
    let mut cancelled = false;
    for output in &mut events {
        match output? {
            Output::Event(event) => sink.take(*event)?,
            Output::Reject(reject) => rejects.push(reject),
            Output::Progress(at) => progress(&at, sink.added),
        }
        if rejects.len() >= REJECTS {
            runtime.block_on(records::add_rejects(installation, task, &std::mem::take(&mut rejects)))?;
        }
        if stop.load(Ordering::Relaxed) {
            cancelled = true;
            break;
        }
    }
    sink.flush()?;
    runtime.block_on(records::add_rejects(installation, task, &rejects))?;
    Ok(Outcome { report: events.report().clone(), added: sink.added, known: sink.known, cancelled })
}

/// Opens files under their names.
///
/// # Errors
/// One cannot be read, or is no table.
pub fn open(files: &[(PathBuf, String)], now: Timestamp) -> Result<Import, rapport_imports::Error> {
    let paths: Vec<PathBuf> = files.iter().map(|(path, _)| path.clone()).collect();
    let mut import = Import::open(&paths, Options::at(now))?;
    for (path, name) in files {
        import.rename(path, name);
    }
    Ok(import)
}

/// Takes imported events to the log.
struct Sink<'a> {
    installation: &'a Arc<Installation>,
    task: &'a Task,
    now: Timestamp,
    batch: Vec<Event>,
    added: u64,
    known: u64,
    counter: u32,
}

impl Sink<'_> {
    fn take(&mut self, imported: ImportedEvent) -> Result<()> {
        self.counter = self.counter.wrapping_add(1);
        self.batch.push(event(self.task, imported, self.now, self.counter));
        if self.batch.len() >= BATCH { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let result = self.installation.log.append_blocking(&self.batch).context("writing to the intake log")?;
        self.known += result.duplicates.len() as u64;
        self.added += (self.batch.len() - result.duplicates.len()) as u64;
        self.batch.clear();
        Ok(())
    }
}

/// An imported event as the log takes it. Its place in the file orders it among events of the same instant.
fn event(task: &Task, imported: ImportedEvent, now: Timestamp, counter: u32) -> Event {
    let id = EventId::of_row(task.workspace, task.source, &imported.natural_key.0, &imported.digest);
    // The file as a producer: 31 bits of the source's number keep the key positive.
    let producer = (task.source.0 & 0x7FFF_FFFF) << 32;
    Event {
        id,
        workspace: task.workspace,
        source: task.source,
        kind: imported.kind,
        name: imported.name,
        occurred_at: imported.occurred_at,
        sent_at: None,
        received_at: now,
        order_key: producer | i64::from(counter),
        identifiers: imported.identifiers,
        group_id: imported.group_id,
        previous_id: imported.previous_id,
        natural_key: Some(imported.natural_key),
        supersedes: None,
        properties: imported.properties,
        traits: imported.traits,
        context: imported.context,
    }
}

/// Marks the import as ended, with its outcome or its error.
pub async fn finish(installation: &Installation, task: &Task, outcome: &Result<Outcome>) -> Result<()> {
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    let (state, report, error) = match outcome {
        Ok(outcome) if outcome.cancelled => ("cancelled", Some(serde_json::to_value(outcome)?), None),
        Ok(outcome) => ("done", Some(serde_json::to_value(outcome)?), None),
        Err(error) => ("failed", None, Some(format!("{error:#}"))),
    };
    records::set_state(&mut tx, task.workspace, &task.id, state, report.as_ref(), error.as_deref()).await?;
    tx.commit().await?;
    Ok(())
}
