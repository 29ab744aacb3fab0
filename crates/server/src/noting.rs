//! What has to be kept before an answer leaves, written for all requests that wait at the same moment: who was exposed to what, and who saw a slot.
//!
//! A site asks a thousand times a second, and each of the first answers has to be kept. A transaction each would make them stand in line for the one
//! writer; so whoever comes while one is written waits, and is written with all the others that came meanwhile.
//!
//! Always holds: [`Noting::exposures`] and [`Noting::view`] return after the commit; what one note says does not fail another; whoever is cut off
//! takes nobody with them.
//!
//! Does not do: decide anything. What holds is said by `expose_all`, as for a single one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use rapport_domain::{Clock, Handle, WorkspaceId};
use rapport_engagement::records::slots::{self, ViewsRow};
use rapport_experiments::Exposure;
use rapport_experiments::records::exposures::{self, Exposed, Who};
use rapport_store::outbox::Event;
use rapport_store::{Error, Priority, Result, Store};
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

/// Most notes of one transaction: it holds the writer for some milliseconds then.
const TOGETHER: usize = 256;
/// So often somebody waits for another who writes for them and is cut off.
const ATTEMPTS: usize = 5;

/// Somebody saw a slot.
#[derive(Clone, Debug)]
pub struct View {
    /// The slot's key.
    pub slot: String,
    /// Who.
    pub handle: Handle,
    /// What is known of their views then.
    pub row: ViewsRow,
    /// What others have to know of it.
    pub event: Option<Event>,
}

/// One note.
#[derive(Clone, Debug)]
enum Note {
    Exposures(Vec<(Who, Exposure)>),
    View(Box<View>),
}

struct Waiting {
    workspace: WorkspaceId,
    note: Note,
    tell: oneshot::Sender<Result<Vec<Exposed>>>,
}

/// Writes notes.
pub struct Noting {
    store: Store,
    clock: Arc<dyn Clock>,
    waiting: Mutex<Vec<Waiting>>,
    /// Whoever has it writes.
    turn: tokio::sync::Mutex<()>,
}

impl Noting {
    /// Into a store.
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, waiting: Mutex::default(), turn: tokio::sync::Mutex::default() }
    }

    /// Keeps exposures; what holds, one each.
    ///
    /// # Errors
    /// The store's: nothing of these was kept.
    pub async fn exposures(&self, workspace: WorkspaceId, all: Vec<(Who, Exposure)>) -> Result<Vec<Exposed>> {
        if all.is_empty() {
            return Ok(Vec::new());
        }
        self.note(workspace, Note::Exposures(all)).await
    }

    /// Keeps that a slot was seen.
    ///
    /// # Errors
    /// The store's: it was not kept.
    pub async fn view(&self, workspace: WorkspaceId, view: View) -> Result<()> {
        self.note(workspace, Note::View(Box::new(view))).await.map(drop)
    }

    async fn note(&self, workspace: WorkspaceId, note: Note) -> Result<Vec<Exposed>> {
        for _ in 0..ATTEMPTS {
            let (tell, mut told) = oneshot::channel();
            self.waiting().push(Waiting { workspace, note: note.clone(), tell });
            let _turn = self.turn.lock().await;
            loop {
                match told.try_recv() {
                    Ok(result) => return result,
                    Err(TryRecvError::Empty) => self.write_next().await,
                    // Whoever wrote it was cut off before the commit.
                    Err(TryRecvError::Closed) => break,
                }
            }
        }
        Err(Error::Busy { what: "notes of others were cut off again and again".to_owned() })
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes those who wait longest.
    async fn write_next(&self) {
        let next: Vec<Waiting> = {
            let mut waiting = self.waiting();
            let count = waiting.len().min(TOGETHER);
            waiting.drain(..count).collect()
        };
        let mut by_workspace: BTreeMap<WorkspaceId, Vec<Waiting>> = BTreeMap::new();
        for one in next {
            by_workspace.entry(one.workspace).or_default().push(one);
        }
        for (workspace, all) in by_workspace {
            let notes: Vec<&Note> = all.iter().map(|it| &it.note).collect();
            match self.write(workspace, &notes).await {
                Ok(found) => all.into_iter().zip(found).for_each(|(one, found)| one.answer(Ok(found))),
                // One of them cannot be written, or the store is busy: each learns its own lot.
                Err(_) => {
                    for one in all {
                        let found = self.write(workspace, &[&one.note]).await;
                        one.answer(found.map(|found| found.into_iter().flatten().collect()));
                    }
                }
            }
        }
    }

    /// Writes notes of a workspace in one transaction; what holds of the exposures of each.
    async fn write(&self, workspace: WorkspaceId, notes: &[&Note]) -> Result<Vec<Vec<Exposed>>> {
        let exposures = |note: &&Note| match note {
            Note::Exposures(all) => all.clone(),
            Note::View(_) => Vec::new(),
        };
        let each: Vec<Vec<(Who, Exposure)>> = notes.iter().map(exposures).collect();
        let views: Vec<&View> = notes.iter().filter_map(|note| note.view()).collect();
        let mut tx = self.store.begin(Priority::Interactive).await?;
        let mut held = exposures::expose_all(&mut tx, workspace, &each.concat(), self.clock.now()).await?.into_iter();
        // Of two looks at once the later one holds.
        let rows: BTreeMap<_, _> = views.iter().map(|it| ((it.slot.as_str(), it.handle), &it.row)).collect();
        slots::note_all(&mut tx, workspace, rows).await?;
        views.iter().filter_map(|it| it.event.clone()).for_each(|event| tx.emit(event));
        tx.commit().await?;
        Ok(each.iter().map(|all| held.by_ref().take(all.len()).collect()).collect())
    }
}

impl Note {
    const fn view(&self) -> Option<&View> {
        match self {
            Self::Exposures(_) => None,
            Self::View(view) => Some(view),
        }
    }
}

impl Waiting {
    /// Whoever does not wait any more needs no answer.
    fn answer(self, found: Result<Vec<Exposed>>) {
        drop(self.tell.send(found));
    }
}
