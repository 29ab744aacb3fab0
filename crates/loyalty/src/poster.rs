//! The one door through which commands reach the ledger: those that wait together are posted in one transaction, hence with one sync of the disk. What comes
//! meanwhile is worked out in memory, if that is enough, and written next.
//!
//! Always holds: an answer is given after the commit returned; lists are posted in the order in which they came; a batch that fails is answered with the
//! failure, and nothing of it remains in memory, nor of what was worked out after it.
//!
//! Does not: know what commands are for. What must commit together with other changes is posted in their transaction with [`records::post`].

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use rapport_domain::WorkspaceId;
use rapport_store::{Priority, Slice, Store};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinError, JoinHandle};

use crate::Error;
use crate::ledger::{AccountKey, Answer, Command};
use crate::records::{self, Ahead, Memory};

/// Lists of one batch at most: more would keep other writers waiting.
const BATCH_MAX: usize = 1_024;
/// Accounts in which what is due is posted at a time at most.
const ACCOUNTS_MAX: u32 = 512;
/// Lists that may wait; whoever comes then waits to be let in.
const QUEUE_MAX: usize = 8_192;

/// Takes commands. Cheap to clone; the last one dropped ends its task.
#[derive(Clone, Debug)]
pub struct Poster {
    queue: mpsc::Sender<Request>,
}

#[derive(Debug)]
struct Request {
    workspace: WorkspaceId,
    work: Work,
}

/// Who is told what came of a list.
type Told = oneshot::Sender<Result<Vec<Answer>, Error>>;

#[derive(Debug)]
enum Work {
    Post(Vec<Command>, Told),
    Settle(u32, oneshot::Sender<Result<usize, Error>>),
}

impl Poster {
    /// Starts the task that posts.
    pub fn start(store: Store) -> Self {
        let (queue, requests) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(run(store, requests));
        Self { queue }
    }

    /// Posts one command; what came of it, refusals included.
    ///
    /// # Errors
    /// When it could not be written down; then nothing was done, and the same can be sent again.
    pub async fn post(&self, workspace: WorkspaceId, command: Command) -> Result<Answer, Error> {
        let mut answers = self.post_all(workspace, vec![command]).await?;
        Ok(answers.pop().expect("one command has one answer"))
    }

    /// Posts linked commands: all or none of them.
    ///
    /// # Errors
    /// As [`Poster::post`].
    pub async fn post_all(&self, workspace: WorkspaceId, commands: Vec<Command>) -> Result<Vec<Answer>, Error> {
        let (answer, answered) = oneshot::channel();
        self.send(Request { workspace, work: Work::Post(commands, answer) }).await?;
        answered.await.map_err(|_| Error::Stopped)?
    }

    /// Posts what is due in up to `most` accounts; how many there were.
    ///
    /// # Errors
    /// As [`Poster::post`].
    pub async fn settle(&self, workspace: WorkspaceId, most: u32) -> Result<usize, Error> {
        let (answer, answered) = oneshot::channel();
        self.send(Request { workspace, work: Work::Settle(most, answer) }).await?;
        answered.await.map_err(|_| Error::Stopped)?
    }

    async fn send(&self, request: Request) -> Result<(), Error> {
        self.queue.send(request).await.map_err(|_| Error::Stopped)
    }
}

/// A list that waits, and who is told what came of it.
type Waiting = (Vec<Command>, Told);

/// Whoever asked for what is due to be posted, and in how many accounts at most.
type Settling = (WorkspaceId, u32, oneshot::Sender<Result<usize, Error>>);

async fn run(store: Store, mut requests: mpsc::Receiver<Request>) {
    let mut desk = Desk { store, memories: HashMap::new(), underway: None };
    let mut batch = Vec::new();
    let mut slice = Slice::up_to(ACCOUNTS_MAX);
    loop {
        match &mut desk.underway {
            None => drop(requests.recv_many(&mut batch, BATCH_MAX).await),
            Some(underway) => tokio::select! {
                biased;
                outcome = &mut underway.written => {
                    desk.arrived(outcome).await;
                    continue;
                }
                _ = requests.recv_many(&mut batch, BATCH_MAX) => {}
            },
        }
        if batch.is_empty() {
            break;
        }
        let mut posts: Vec<(WorkspaceId, Vec<Waiting>)> = Vec::new();
        let mut settles: Vec<Settling> = Vec::new();
        for Request { workspace, work } in batch.drain(..) {
            match work {
                Work::Post(commands, answer) => match posts.iter_mut().find(|(other, _)| *other == workspace) {
                    Some((_, lists)) => lists.push((commands, answer)),
                    None => posts.push((workspace, vec![(commands, answer)])),
                },
                Work::Settle(most, answer) => settles.push((workspace, most, answer)),
            }
        }
        for (workspace, lists) in posts {
            desk.post(workspace, lists.into_iter().unzip()).await;
        }
        for (workspace, most, answer) in settles {
            desk.wait().await;
            let memory = desk.memories.entry(workspace).or_default();
            let outcome = settle(&desk.store, memory, (workspace, most), &mut slice, || !requests.is_empty()).await;
            if outcome.is_err() {
                desk.memories.remove(&workspace);
            }
            drop(answer.send(outcome));
        }
    }
    desk.wait().await;
}

/// Lists that wait, and who is told what came of each.
type Lists = (Vec<Vec<Command>>, Vec<Told>);

/// What the task works with.
struct Desk {
    store: Store,
    memories: HashMap<WorkspaceId, Memory>,
    underway: Option<Underway>,
}

/// Lists that were worked out and are being written.
struct Underway {
    workspace: WorkspaceId,
    lists: Lists,
    answers: Vec<Vec<Answer>>,
    touched: BTreeSet<AccountKey>,
    written: JoinHandle<Result<(), Error>>,
}

impl Desk {
    /// Posts the lists of a workspace together: worked out by what is in memory and written while the next ones are worked out, if that is enough.
    async fn post(&mut self, workspace: WorkspaceId, lists: Lists) {
        let memory = self.memories.entry(workspace).or_default();
        let ahead = records::ahead(memory, workspace, &lists.0, self.store.clock().now());
        let failed = self.wait().await == Some(workspace);
        match ahead {
            Ok(Some(Ahead { answers, writes, touched })) if !failed => {
                let written = tokio::spawn(records::write_ahead(self.store.clone(), writes));
                self.underway = Some(Underway { workspace, lists, answers, touched, written });
                return;
            }
            // It was worked out after what was not written.
            Ok(Some(Ahead { touched, .. })) => self.memories.entry(workspace).or_default().forget(&touched),
            Ok(None) => {}
            Err(error) => {
                tracing::error!(code = error.code(), "ledger.memory does not fit together; it is read anew");
                self.memories.remove(&workspace);
            }
        }
        self.answer(workspace, lists).await;
    }

    /// Waits for what is being written; whose it was, if it was not written and had to be posted in the usual way.
    async fn wait(&mut self) -> Option<WorkspaceId> {
        let outcome = (&mut self.underway.as_mut()?.written).await;
        self.arrived(outcome).await
    }

    /// Tells those whose lists were written, or posts them in the usual way: somebody else posted meanwhile, or an id was used before.
    async fn arrived(&mut self, outcome: Result<Result<(), Error>, JoinError>) -> Option<WorkspaceId> {
        let Underway { workspace, lists, answers, touched, .. } = self.underway.take()?;
        let memory = self.memories.entry(workspace).or_default();
        if matches!(outcome, Ok(Ok(()))) {
            memory.trim();
            tell(lists.1, answers);
            return None;
        }
        memory.forget(&touched);
        self.answer(workspace, lists).await;
        Some(workspace)
    }

    /// Posts lists in the usual way and tells everybody.
    async fn answer(&mut self, workspace: WorkspaceId, (lists, waiting): Lists) {
        let memory = self.memories.entry(workspace).or_default();
        match post(&self.store, memory, workspace, &lists).await {
            Ok(answers) => tell(waiting, answers),
            Err(error) => {
                self.memories.remove(&workspace);
                tracing::error!(code = error.code(), "ledger.batch lost");
                let error = Arc::new(error);
                for answer in waiting {
                    drop(answer.send(Err(Error::Batch(error.clone()))));
                }
            }
        }
    }
}

fn tell(waiting: Vec<Told>, answers: Vec<Vec<Answer>>) {
    for (waiting, answer) in waiting.into_iter().zip(answers) {
        drop(waiting.send(Ok(answer)));
    }
}

async fn post(
    store: &Store,
    memory: &mut Memory,
    workspace: WorkspaceId,
    lists: &[Vec<Command>],
) -> Result<Vec<Vec<Answer>>, Error> {
    let mut tx = store.begin(Priority::Interactive).await?;
    let answers = records::post(&mut tx, memory, workspace, lists, store.clock().now()).await?;
    tx.commit().await?;
    memory.trim();
    Ok(answers)
}

/// Posts what is due in up to `most` accounts, a slice at a time, until nothing is left or others wait: they go first, and who asked for this asks again.
async fn settle(
    store: &Store,
    memory: &mut Memory,
    (workspace, most): (WorkspaceId, u32),
    slice: &mut Slice,
    others_wait: impl Fn() -> bool,
) -> Result<usize, Error> {
    let mut count = 0;
    loop {
        let part = slice.size().min(most - count);
        let mut tx = store.begin(Priority::Background).await?;
        let began = Instant::now();
        let found = records::settle(&mut tx, memory, workspace, part, store.clock().now()).await?;
        // Others wait through the sync of the disk as well.
        tx.commit().await?;
        slice.took(began.elapsed(), found);
        memory.trim();
        let found = u32::try_from(found).expect("no more than were asked for");
        count += found;
        if count >= most || found < part || others_wait() {
            return Ok(usize::try_from(count).expect("accounts that were counted"));
        }
    }
}

#[cfg(test)]
mod tests;
