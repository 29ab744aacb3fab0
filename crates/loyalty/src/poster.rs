//! The one door through which commands reach the ledger: those that wait together are posted in one transaction, hence with one sync of the disk.
//!
//! Always holds: an answer is given after the commit returned; lists are posted in the order in which they came; a batch that fails is answered with the
//! failure, and nothing of it remains in memory.
//!
//! Does not: know what commands are for. What must commit together with other changes is posted in their transaction with [`records::post`].

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rapport_domain::WorkspaceId;
use rapport_store::{Priority, Store};
use tokio::sync::{mpsc, oneshot};

use crate::Error;
use crate::ledger::{Answer, Command};
use crate::records::{self, Memory};

/// Lists of one batch at most: more would keep other writers waiting.
const BATCH_MAX: usize = 1_024;
/// How long what is due may keep others from the writer at a time.
const SLICE: Duration = Duration::from_millis(5);
/// Accounts of one slice of what is due at most.
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

/// Whoever asked for what is due to be posted, and in how many accounts at most.
type Settling = (WorkspaceId, u32, oneshot::Sender<Result<usize, Error>>);

async fn run(store: Store, mut requests: mpsc::Receiver<Request>) {
    let mut memories: HashMap<WorkspaceId, Memory> = HashMap::new();
    let mut batch = Vec::new();
    let mut slice = Slice::default();
    while requests.recv_many(&mut batch, BATCH_MAX).await > 0 {
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
            if !answer(&store, memories.entry(workspace).or_default(), workspace, lists).await {
                memories.remove(&workspace);
            }
        }
        for (workspace, most, answer) in settles {
            let memory = memories.entry(workspace).or_default();
            let outcome = settle(&store, memory, (workspace, most), &mut slice, || !requests.is_empty()).await;
            if outcome.is_err() {
                memories.remove(&workspace);
            }
            drop(answer.send(outcome));
        }
    }
}

/// In how many accounts what is due is posted at a time: as many as take about [`SLICE`], since others wait that long. How much is due in an account differs,
/// and so do machines, so it is found by trying.
#[derive(Debug)]
struct Slice {
    accounts: u32,
}

impl Default for Slice {
    fn default() -> Self {
        Self { accounts: 8 }
    }
}

impl Slice {
    /// Learns from one that looked at so many accounts.
    fn took(&mut self, time: Duration, found: u32) {
        if time > SLICE {
            self.accounts = (self.accounts / 2).max(1);
        } else if time < SLICE / 2 && found == self.accounts {
            self.accounts = (self.accounts * 2).min(ACCOUNTS_MAX);
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
        let part = slice.accounts.min(most - count);
        let mut tx = store.begin(Priority::Background).await?;
        let began = Instant::now();
        let found = records::settle(&mut tx, memory, workspace, part, store.clock().now()).await?;
        let found = u32::try_from(found).expect("no more than were asked for");
        slice.took(began.elapsed(), found);
        tx.commit().await?;
        memory.trim();
        count += found;
        if count >= most || found < part || others_wait() {
            return Ok(usize::try_from(count).expect("accounts that were counted"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_becomes_as_long_as_others_may_wait() {
        let mut slice = Slice::default();
        // A millisecond for each account, then a tenth of one.
        for (millionths, wanted) in [(1_000, 4), (100, 32)] {
            for _ in 0..10 {
                slice.took(Duration::from_micros(millionths) * slice.accounts, slice.accounts);
            }
            assert_eq!(slice.accounts, wanted);
        }
        for _ in 0..10 {
            slice.took(Duration::from_secs(1), slice.accounts);
        }
        assert_eq!(slice.accounts, 1, "an account is never cut in two");
    }
}
