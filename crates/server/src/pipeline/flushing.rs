//! Writes hot rows into files beside the pipeline, which waits for it only when memory is used up.
//!
//! Always holds: at most one flush of a workspace runs from here; when one has failed, the next is waited for, so that the failure is seen.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::PoisonError;

use anyhow::{Context, Result};
use rapport_domain::WorkspaceId;
use rapport_lake::{Flushed, Lake};
use tokio::task::JoinHandle;

type Running = JoinHandle<rapport_lake::Result<Flushed>>;

/// The flushes that are running.
#[derive(Default)]
pub(super) struct Flushing {
    running: Mutex<HashMap<WorkspaceId, Running>>,
}

impl Flushing {
    /// Begins a flush when one is due; waits for it when further rows may find no room.
    pub(super) async fn make_room(&self, lake: &Lake, workspace: WorkspaceId) -> Result<()> {
        if !lake.is_flush_due(workspace).await? {
            return Ok(());
        }
        let failed = match self.finished(workspace) {
            Some(flush) => flush.await.context("a flush has died")?.is_err(),
            None => false,
        };
        if failed || lake.is_crowded(workspace).await? {
            // One that is running has to end first, and may have made all the room there is to make.
            lake.flush(workspace).await?;
        } else {
            self.begin(lake, workspace);
        }
        Ok(())
    }

    fn finished(&self, workspace: WorkspaceId) -> Option<Running> {
        let mut running = self.lock();
        if running.get(&workspace).is_some_and(JoinHandle::is_finished) { running.remove(&workspace) } else { None }
    }

    fn begin(&self, lake: &Lake, workspace: WorkspaceId) {
        let lake = lake.clone();
        self.lock().entry(workspace).or_insert_with(|| tokio::spawn(async move { lake.flush(workspace).await }));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<WorkspaceId, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nothing is written any more.
    pub(super) async fn settle(&self) {
        let running: Vec<Running> = self.lock().drain().map(|(_, flush)| flush).collect();
        for flush in running {
            // What could not be written is still in the log.
            let _ = flush.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use rapport_domain::{
        Event, EventId, EventKind, Handle, Identifier, IdentifierKind, PersonId, SourceId, Timestamp,
    };
    use rapport_lake::{EventRow, Location, Settings};
    use rapport_store::{Store, StoreConfig};
    use serde_json::Map;

    use super::*;

    const W: WorkspaceId = WorkspaceId(1);

    fn rows(position: i64) -> Vec<EventRow> {
        let event = Event {
            id: EventId::of_message(W, SourceId(1), &position.to_string()),
            workspace: W,
            source: SourceId(1),
            kind: EventKind::Track,
            name: "Product Viewed".to_owned(),
            occurred_at: Timestamp::from_seconds(position),
            sent_at: None,
            received_at: Timestamp::from_seconds(position),
            order_key: 0,
            identifiers: vec![Identifier { kind: IdentifierKind::UserId, value: "ann".to_owned() }],
            group_id: None,
            previous_id: None,
            natural_key: None,
            supersedes: None,
            properties: Map::new(),
            traits: Map::new(),
            context: Map::new(),
        };
        vec![EventRow::of_event(&event, PersonId(1), Handle(1), &crate::pipeline::SplitBefore).0]
    }

    async fn lake(folder: &std::path::Path, settings: Settings) -> Lake {
        let store = Store::open(StoreConfig::folder(folder), &[rapport_lake::MIGRATIONS]).await.unwrap();
        Lake::open(store, &Location::Folder(folder.join("lake")), settings).await.unwrap()
    }

    async fn flushed(lake: &Lake) -> i64 {
        lake.positions(W).await.unwrap().flushed
    }

    #[tokio::test]
    async fn rows_are_written_beside_whoever_makes_room() {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake(folder.path(), Settings { flush_bytes: 1, ..Settings::default() }).await;
        let flushing = Flushing::default();
        lake.append(W, rows(1), 1).await.unwrap();
        flushing.make_room(&lake, W).await.unwrap();
        assert_eq!(flushed(&lake).await, 0, "it was not waited for");
        // While one runs no other begins.
        flushing.make_room(&lake, W).await.unwrap();
        assert_eq!(flushing.lock().len(), 1);
        flushing.settle().await;
        assert_eq!(flushed(&lake).await, 1);
    }

    #[tokio::test]
    async fn where_memory_is_used_up_it_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake(folder.path(), Settings { flush_bytes: 1, hot_bytes: 8, ..Settings::default() }).await;
        let flushing = Flushing::default();
        for position in 1..4 {
            flushing.make_room(&lake, W).await.unwrap();
            lake.append(W, rows(position), position).await.unwrap();
        }
        assert_eq!(flushed(&lake).await, 2);
    }

    #[tokio::test]
    async fn a_failure_is_seen_and_the_next_is_tried() {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake(folder.path(), Settings { flush_bytes: 1, ..Settings::default() }).await;
        let flushing = Flushing::default();
        lake.append(W, rows(1), 1).await.unwrap();
        let cells = folder.path().join("lake");
        std::fs::remove_dir_all(&cells).unwrap();
        std::fs::write(&cells, "in the way").unwrap();
        flushing.make_room(&lake, W).await.unwrap();
        while !flushing.lock().values().all(JoinHandle::is_finished) {
            tokio::task::yield_now().await;
        }
        flushing.make_room(&lake, W).await.unwrap_err();
        std::fs::remove_file(&cells).unwrap();
        std::fs::create_dir(&cells).unwrap();
        flushing.make_room(&lake, W).await.unwrap();
        flushing.settle().await;
        assert_eq!(flushed(&lake).await, 1);
    }
}
