//! What applied batches leave to be written together: how often and when identifiers were seen, and the summaries of persons.
//!
//! A customer who looks at forty pages changes the same two rows forty times. Written with every batch, that is a page of the database
//! a row and batch (measured: 200 MB/s of writes at 5,000 events/s); written every few seconds and in the order of the keys, each page is
//! written once.
//!
//! Always holds: nothing here is truth. Activity is counted again from the log, from the position up to which it was settled
//! ([`Profiles::backlog_again`]); an identifier's row says up to which position it has been counted, so that a settling that was cut
//! short counts nothing twice. Summaries are derived.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rapport_domain::{Event, Handle, PersonId, WorkspaceId};
use rapport_store::{Priority, Queries, Result, Store};

use super::{Applied, Profiles, Settings, labels};
use crate::records::identifiers::{self, Activity};
use crate::records::persons;

/// Rows written in one transaction: each is in a page of its own, and whoever else wants to write waits for them.
const SLICE: usize = 100;

/// What waits to be written, of one workspace.
#[derive(Clone, Debug, Default)]
pub struct Backlog {
    activity: BTreeMap<Handle, Activity>,
    /// Everyone who did something.
    seen: BTreeSet<PersonId>,
    /// Those of them whose name, orders or identifiers may have changed.
    news: BTreeSet<PersonId>,
}

impl Backlog {
    /// Adds what a committed batch did.
    pub fn add(&mut self, applied: &Applied) {
        for (handle, activity) in &applied.activity {
            self.count(*handle, *activity);
        }
        self.seen.extend(&applied.touched);
        self.news.extend(&applied.news);
    }

    fn count(&mut self, handle: Handle, more: Activity) {
        self.activity.entry(handle).and_modify(|known| known.add(more)).or_insert(more);
    }

    /// Adds another one, of later batches.
    pub fn append(&mut self, later: Self) {
        for (handle, activity) in later.activity {
            self.count(handle, activity);
        }
        self.seen.extend(later.seen);
        self.news.extend(later.news);
    }

    /// How many rows wait.
    pub fn rows(&self) -> usize {
        self.activity.len() + self.seen.len()
    }

    /// Whether somebody's name, orders or identifiers wait to be shown.
    pub fn has_news(&self) -> bool {
        !self.news.is_empty()
    }

    /// The part that should be shown soon. When they were seen, and how often, stays here.
    pub fn take_news(&mut self) -> Self {
        Self { news: std::mem::take(&mut self.news), ..Self::default() }
    }

    /// Writes it, in slices. `position` is the log's after the last event in it. When it fails, or ends early, do it again with the same
    /// position.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn settle(&self, store: &Store, workspace: WorkspaceId, position: i64) -> Result<()> {
        let activity: Vec<(Handle, Activity)> = self.activity.iter().map(|(handle, a)| (*handle, *a)).collect();
        for slice in activity.chunks(SLICE) {
            let mut tx = store.begin(Priority::Background).await?;
            identifiers::add_activity(&mut tx, workspace, slice, position).await?;
            tx.commit().await?;
        }
        let news: Vec<PersonId> = self.news.iter().copied().collect();
        for slice in news.chunks(SLICE) {
            let mut tx = store.begin(Priority::Background).await?;
            persons::summarise(&mut tx, workspace, slice).await?;
            labels::relabel(&mut tx, workspace, slice).await?;
            tx.commit().await?;
        }
        let seen: Vec<PersonId> = self.seen.difference(&self.news).copied().collect();
        for slice in seen.chunks(SLICE) {
            let mut tx = store.begin(Priority::Background).await?;
            persons::seen(&mut tx, workspace, slice).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

impl Profiles {
    /// What the program had not settled when it stopped: `events` with their log positions are those applied since the last settling.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn backlog_again(
        &self,
        db: &mut impl Queries,
        settings: Settings,
        events: &[(u64, Event)],
    ) -> Result<Backlog> {
        let only: Vec<Event> = events.iter().map(|(_, event)| event.clone()).collect();
        let (indexes, applied) = self.again(db, settings, &only).await?;
        let mut handles: Vec<Handle> = applied.iter().map(|event| event.handle).collect();
        handles.sort_unstable();
        handles.dedup();
        let rows = identifiers::by_handles(db, settings.workspace, &handles).await?;
        let counted: HashMap<Handle, i64> = rows.iter().map(|row| (row.handle, row.counted_through)).collect();
        let mut backlog = Backlog::default();
        for (index, event) in indexes.into_iter().zip(&applied) {
            let (position, _) = events[index];
            let position = i64::try_from(position).unwrap_or(i64::MAX);
            backlog.seen.insert(event.person);
            backlog.news.insert(event.person);
            if counted.get(&event.handle).is_some_and(|counted| *counted < position) {
                backlog.count(event.handle, Activity::once(event.occurred_at));
            }
        }
        // An event may have joined persons: whoever it names is somebody whose summary may be old.
        for (kind, values) in super::again::named(&only) {
            let rows = identifiers::by_values(db, settings.workspace, kind, &values).await?;
            backlog.news.extend(rows.iter().map(|row| row.person));
        }
        backlog.seen.extend(backlog.news.iter().copied().collect::<Vec<_>>());
        Ok(backlog)
    }
}
