//! What applied batches leave to be written together ([`rapport_profiles::Backlog`]), and when that is.
//!
//! Always holds: what waits here is in the log, behind the cursor [`ACTIVITY`], which moves when all of it is written; after a crash it is
//! made again from there. It is taken between two batches, so that content and position agree.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use rapport_domain::{Event, WorkspaceId};
use rapport_profiles::{Applied, Backlog, Settings};
use rapport_store::Priority;
use rapport_store::cursor::Cursor;
use tokio::sync::watch;

use super::{MOST_EVENTS, Pipeline, epoch, position, signed};
use crate::installation::Installation;

/// How far activity and summaries have come.
pub const ACTIVITY: Cursor<'static> = Cursor { consumer: "activity", workspace: WorkspaceId(0), partition: 0 };
/// A new customer, a name or an order is in lists after this long.
const NEWS_EVERY: Duration = Duration::from_secs(1);
/// When somebody was seen last is in lists after this long,
const SETTLE_EVERY: Duration = Duration::from_secs(5);
/// or, where very much happens, after so many times as long as it took to write it last: whoever comes again meanwhile is written once.
const SETTLE_RESTS: u32 = 15;
/// When so many rows wait, they are written beside the pipeline, whatever the rest;
const MANY_ROWS: usize = 200_000;
/// and so many wait at most: then the pipeline waits too, for seconds.
const MOST_ROWS: usize = 2 * MANY_ROWS;

type Backlogs = BTreeMap<WorkspaceId, Backlog>;

/// What waits.
pub struct Behind {
    open: Mutex<Backlogs>,
    settling: tokio::sync::Mutex<Settling>,
}

struct Settling {
    /// Where the cursor stands.
    position: u64,
    /// What is being written, up to a position; kept until all of it is.
    taken: Option<(u64, Backlogs)>,
}

impl Behind {
    /// Nothing waits; `cursor` is how far the log has been applied.
    pub async fn open(installation: &Installation, cursor: u64) -> Result<Self> {
        let position = position(installation, ACTIVITY).await?.min(cursor);
        Ok(Self { open: Mutex::default(), settling: tokio::sync::Mutex::new(Settling { position, taken: None }) })
    }

    /// Adds what a committed batch did.
    pub fn add(&self, workspace: WorkspaceId, applied: &Applied) {
        self.lock().entry(workspace).or_default().add(applied);
    }

    /// Whether as much waits as may.
    pub fn is_full(&self) -> bool {
        self.rows() >= MOST_ROWS
    }

    fn rows(&self) -> usize {
        self.lock().values().map(Backlog::rows).sum()
    }

    fn lock(&self) -> MutexGuard<'_, Backlogs> {
        // Whatever is in it can be written, also when a holder panicked.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put_back(&self, workspace: WorkspaceId, backlog: Backlog) {
        self.lock().entry(workspace).or_default().append(backlog);
    }
}

/// Whether it is time to write all that waits, so long after it was done last, which took so long, while so many rows wait.
fn is_due(since: Duration, took: Duration, rows: usize) -> bool {
    since >= SETTLE_EVERY.max(took * SETTLE_RESTS) || rows >= MANY_ROWS
}

impl Pipeline {
    /// Writes all that waits.
    pub async fn settle(&self) -> Result<()> {
        let mut settling = self.behind.settling.lock().await;
        if settling.taken.is_none() {
            let cursor = self.cursor.lock().await;
            settling.taken = Some((*cursor, std::mem::take(&mut *self.behind.lock())));
        }
        let Some((to, backlogs)) = &settling.taken else { return Ok(()) };
        let (from, to) = (settling.position, *to);
        for (workspace, backlog) in backlogs {
            backlog.settle(&self.installation.store, *workspace, signed(to)).await?;
        }
        if to > from {
            let mut tx = self.installation.store.begin(Priority::Background).await?;
            ACTIVITY.advance(&mut tx, epoch(&self.installation), signed(from), signed(to)).await?;
            tx.commit().await?;
        }
        *settling = Settling { position: to, taken: None };
        Ok(())
    }

    /// Writes the summaries of those with news.
    async fn tell_news(&self) -> Result<()> {
        let news: Vec<(WorkspaceId, Backlog)> =
            self.behind.lock().iter_mut().filter(|(_, b)| b.has_news()).map(|(w, b)| (*w, b.take_news())).collect();
        let mut failed = Ok(());
        for (workspace, backlog) in news {
            if failed.is_ok() {
                failed = backlog.settle(&self.installation.store, workspace, 0).await;
            }
            if failed.is_err() {
                self.behind.put_back(workspace, backlog);
            }
        }
        Ok(failed?)
    }

    /// Writes what waits, every few seconds, until `stop` is set, and then the rest.
    pub async fn settle_regularly(&self, mut stop: watch::Receiver<bool>) {
        // What a crash left waiting is written at once.
        let mut settled: Option<(Instant, Duration)> = None;
        loop {
            let pause = if settled.is_some() { NEWS_EVERY } else { Duration::ZERO };
            let stopped = tokio::time::timeout(pause, stop.wait_for(|stop| *stop)).await.is_ok();
            let all = stopped || settled.is_none_or(|(at, took)| is_due(at.elapsed(), took, self.behind.rows()));
            let began = Instant::now();
            let written = if all { self.settle().await } else { self.tell_news().await };
            if all {
                settled = Some((Instant::now(), began.elapsed()));
            }
            if let Err(error) = written {
                tracing::warn!(error = %format!("{error:#}"), "summaries of customers wait; writing them is tried again");
            }
            if stopped {
                return;
            }
        }
    }

    /// Makes again what waited when the program stopped; `cursor` is how far the log has been applied.
    pub(super) async fn backlog_again(&self, cursor: u64) -> Result<()> {
        let settled = self.behind.settling.lock().await.position;
        let mut next = (settled + 1).max(self.installation.log.first());
        while next <= cursor {
            let most = usize::try_from(cursor + 1 - next).unwrap_or(MOST_EVENTS).min(MOST_EVENTS);
            let read = self.read(next, most).await?;
            next = read.next;
            let mut by_workspace: BTreeMap<WorkspaceId, Vec<(u64, Event)>> = BTreeMap::new();
            for (position, event) in read.events {
                by_workspace.entry(event.workspace).or_default().push((position, event));
            }
            for (workspace, events) in by_workspace {
                let mut db = self.installation.store.read();
                let currency = self.currency(&mut db, workspace).await?;
                let settings = Settings { workspace, currency, position: signed(next - 1) };
                let backlog = self.installation.profiles.backlog_again(&mut db, settings, &events).await?;
                self.behind.put_back(workspace, backlog);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rests_in_proportion_but_not_until_the_pipeline_has_to_wait() {
        let seconds = Duration::from_secs;
        assert!(!is_due(seconds(4), seconds(0), 1));
        assert!(is_due(seconds(5), seconds(0), 1));
        assert!(!is_due(seconds(29), seconds(2), MANY_ROWS - 1), "whoever comes again meanwhile is written once");
        assert!(is_due(seconds(30), seconds(2), 1));
        // A shop of very many customers fills it long before the rest is over.
        assert!(is_due(seconds(1), seconds(20), MANY_ROWS));
    }
}
