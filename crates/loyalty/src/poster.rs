//! The one door through which commands reach the ledger: those that wait together are posted in one transaction, hence with one sync of the disk.
//!
//! Always holds: an answer is given after the commit returned; lists are posted in the order in which they came; a batch that fails is answered with the
//! failure, and nothing of it remains in memory.
//!
//! Does not: know what commands are for. What must commit together with other changes is posted in their transaction with [`records::post`].

use std::collections::HashMap;
use std::sync::Arc;

use rapport_domain::WorkspaceId;
use rapport_store::{Priority, Store};
use tokio::sync::{mpsc, oneshot};

use crate::Error;
use crate::ledger::{Answer, Command};
use crate::records::{self, Memory};

/// Lists of one batch at most: more would keep other writers waiting.
const BATCH_MAX: usize = 512;
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

#[derive(Debug)]
enum Work {
    Post(Vec<Command>, oneshot::Sender<Result<Vec<Answer>, Error>>),
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
type Waiting = (Vec<Command>, oneshot::Sender<Result<Vec<Answer>, Error>>);

async fn run(store: Store, mut requests: mpsc::Receiver<Request>) {
    let mut memories: HashMap<WorkspaceId, Memory> = HashMap::new();
    let mut batch = Vec::new();
    while requests.recv_many(&mut batch, BATCH_MAX).await > 0 {
        let mut posts: Vec<(WorkspaceId, Vec<Waiting>)> = Vec::new();
        for Request { workspace, work } in batch.drain(..) {
            match work {
                Work::Post(commands, answer) => match posts.iter_mut().find(|(other, _)| *other == workspace) {
                    Some((_, lists)) => lists.push((commands, answer)),
                    None => posts.push((workspace, vec![(commands, answer)])),
                },
                Work::Settle(most, answer) => {
                    let outcome = settle(&store, memories.entry(workspace).or_default(), workspace, most).await;
                    if outcome.is_err() {
                        memories.remove(&workspace);
                    }
                    drop(answer.send(outcome));
                }
            }
        }
        for (workspace, lists) in posts {
            if !answer(&store, memories.entry(workspace).or_default(), workspace, lists).await {
                memories.remove(&workspace);
            }
        }
    }
}

/// Posts the lists of a workspace together and tells everybody; whether they were written down.
async fn answer(store: &Store, memory: &mut Memory, workspace: WorkspaceId, lists: Vec<Waiting>) -> bool {
    let (lists, answers): (Vec<Vec<Command>>, Vec<_>) = lists.into_iter().unzip();
    match post(store, memory, workspace, &lists).await {
        Ok(outcomes) => {
            for (answer, outcome) in answers.into_iter().zip(outcomes) {
                drop(answer.send(Ok(outcome)));
            }
            true
        }
        Err(error) => {
            tracing::error!(code = error.code(), "ledger.batch lost");
            let error = Arc::new(error);
            for answer in answers {
                drop(answer.send(Err(Error::Batch(error.clone()))));
            }
            false
        }
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

async fn settle(store: &Store, memory: &mut Memory, workspace: WorkspaceId, most: u32) -> Result<usize, Error> {
    let mut tx = store.begin(Priority::Background).await?;
    let count = records::settle(&mut tx, memory, workspace, most, store.clock().now()).await?;
    tx.commit().await?;
    memory.trim();
    Ok(count)
}
