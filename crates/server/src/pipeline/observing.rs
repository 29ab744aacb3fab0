//! What was applied, on its way to memberships: they are judged beside the pipeline, so that neither waits for the other's commits.
//!
//! Always holds: memberships hear of batches in their order, and of none before the lake has it; a few batches wait at most, then the pipeline does.
//! What waits when the program stops is lost, and found again at the next start, because memberships follow from what was applied.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_lake::EventRow;
use rapport_segments::live::Observed;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::installation::Installation;

/// So many batches wait.
const WAITING: usize = 8;
/// Batches that wait together are taken together, up to so many events: each costs a commit.
const TOGETHER: usize = 4_000;

/// What a batch did in a workspace.
#[derive(Default)]
pub(super) struct News {
    pub(super) events: Vec<EventRow>,
    pub(super) born: Vec<PersonId>,
    pub(super) told: Vec<(PersonId, Timestamp, String, Value)>,
    pub(super) spoke: Vec<(PersonId, Timestamp)>,
    pub(super) changed: Vec<PersonId>,
}

/// How far something has come: the position of its last event, and when that was received.
#[derive(Clone, Copy)]
pub(super) struct Reached {
    pub(super) position: u64,
    pub(super) received: Option<Timestamp>,
}

enum Message {
    News(WorkspaceId, Box<News>, Reached),
    /// Follows the news of a batch: it is done with, in all workspaces.
    Reached(Reached),
    Settle(oneshot::Sender<()>),
}

/// The way to memberships.
pub(super) struct Observing {
    messages: mpsc::Sender<Message>,
    done: Arc<Done>,
}

struct Done {
    position: AtomicU64,
    received: AtomicI64,
}

impl Done {
    fn reach(&self, reached: Reached) {
        if let Some(Timestamp(received)) = reached.received {
            self.received.store(received, Ordering::Release);
        }
        self.position.store(reached.position, Ordering::Release);
    }
}

impl Observing {
    /// Begins where events are applied up to `position`.
    pub(super) fn start(installation: &Arc<Installation>, position: u64) -> Self {
        // Weak: the task ends when nobody sends any more, and must not hold the data folder until then.
        let installation = Arc::downgrade(installation);
        Self::judged_by(position, move |workspace, news, reached| {
            let installation = installation.upgrade();
            async move {
                let Some(installation) = installation else { return false };
                observe(&installation, workspace, news, reached).await;
                true
            }
        })
    }

    /// The same with what judges; it says whether to go on.
    fn judged_by<J, F>(position: u64, judge: J) -> Self
    where
        J: Fn(WorkspaceId, News, Reached) -> F + Send + 'static,
        F: Future<Output = bool> + Send + 'static,
    {
        let (messages, queue) = mpsc::channel(WAITING);
        let done = Arc::new(Done { position: AtomicU64::new(position), received: AtomicI64::new(i64::MIN) });
        tokio::spawn(listen(judge, queue, Arc::clone(&done)));
        Self { messages, done }
    }

    /// While events wait to be judged: when the last one that was judged was received. What is received later may have happened any time after it.
    pub(super) fn behind_since(&self, head: u64) -> Option<Timestamp> {
        let is_behind = head > self.done.position.load(Ordering::Acquire);
        is_behind.then(|| Timestamp(self.done.received.load(Ordering::Acquire)))
    }

    /// Up to where everything is judged.
    pub(super) fn position(&self) -> u64 {
        self.done.position.load(Ordering::Acquire)
    }

    pub(super) async fn tell(&self, workspace: WorkspaceId, news: News, reached: Reached) {
        self.send(Message::News(workspace, Box::new(news), reached)).await;
    }

    pub(super) async fn reached(&self, reached: Reached) {
        self.send(Message::Reached(reached)).await;
    }

    /// Waits until all that was told is judged.
    pub(super) async fn settle(&self) {
        let (settled, done) = oneshot::channel();
        self.send(Message::Settle(settled)).await;
        let _ = done.await;
    }

    async fn send(&self, message: Message) {
        // The other end is gone only with the installation.
        let _ = self.messages.send(message).await;
    }
}

async fn listen<J, F>(judge: J, mut queue: mpsc::Receiver<Message>, done: Arc<Done>)
where
    J: Fn(WorkspaceId, News, Reached) -> F,
    F: Future<Output = bool>,
{
    let mut next = queue.recv().await;
    while let Some(message) = next.take() {
        match message {
            Message::News(workspace, mut news, mut reached) => {
                let mut passed = None;
                while news.events.len() < TOGETHER {
                    match queue.try_recv() {
                        Ok(Message::News(other, more, then)) if other == workspace => {
                            news.extend(*more);
                            reached = then;
                        }
                        Ok(Message::Reached(reached)) => passed = Some(reached),
                        Ok(other) => {
                            next = Some(other);
                            break;
                        }
                        Err(_) => break,
                    }
                }
                if !judge(workspace, *news, reached).await {
                    return;
                }
                if let Some(passed) = passed {
                    done.reach(passed);
                }
            }
            Message::Reached(reached) => done.reach(reached),
            Message::Settle(settled) => drop(settled.send(())),
        }
        if next.is_none() {
            next = queue.recv().await;
        }
    }
}

async fn observe(installation: &Installation, workspace: WorkspaceId, news: News, reached: Reached) {
    let News { events, born, told, spoke, changed } = news;
    let is_behind = installation.log.head() > reached.position;
    let until = reached.received.filter(|_| is_behind);
    let observed = Observed { events: &events, born: &born, told: &told, spoke: &spoke, changed: &changed, until };
    // Those concerned are made again, so that nothing else waits for it.
    if let Err(error) = installation.memberships.observe(workspace, observed).await {
        tracing::warn!(code = error.code(), "memberships could not be written; they are found again");
    }
}

impl News {
    fn extend(&mut self, more: Self) {
        self.events.extend(more.events);
        self.born.extend(more.born);
        self.told.extend(more.told);
        self.spoke.extend(more.spoke);
        self.changed.extend(more.changed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A batch may concern several workspaces: while one of them is not judged, its windows must not run out as if it were.
    #[tokio::test]
    async fn a_batch_is_done_with_when_all_its_workspaces_are() {
        let observing = Observing::judged_by(3, |_, _, _| async { true });
        let received = Timestamp::from_seconds(7);
        let reached = Reached { position: 5, received: Some(received) };
        assert!(observing.behind_since(3).is_none(), "it begins where events are applied");
        for workspace in [1, 2] {
            observing.tell(WorkspaceId(workspace), News::default(), reached).await;
            observing.settle().await;
            assert!(observing.behind_since(5).is_some(), "after workspace {workspace} others may follow");
        }
        observing.reached(reached).await;
        observing.settle().await;
        assert!(observing.behind_since(5).is_none());
        assert_eq!(observing.behind_since(6), Some(received), "what comes next happened after it was received");
    }
}
