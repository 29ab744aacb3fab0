//! Writes the audit log: entries are collected and stored once a second, in one transaction.
//!
//! Always holds: a request's note is queued before its answer is sent, and a full queue slows requests down instead of losing notes;
//! what is queued is written before the server ends.

use std::time::Duration;

use rapport_store::{Priority, Store};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::records::audit::{self, AuditRow};

const QUEUE: usize = 10_000;
const WRITE_EVERY: Duration = Duration::from_secs(1);

/// Takes notes.
#[derive(Clone, Debug)]
pub struct AuditLog(mpsc::Sender<AuditRow>);

impl AuditLog {
    /// Begins to write; the task ends when every handle is gone and all is written.
    pub fn start(store: Store) -> (Self, JoinHandle<()>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        (Self(sender), tokio::spawn(write(store, receiver)))
    }

    /// Queues a note.
    pub async fn note(&self, row: AuditRow) {
        if self.0.send(row).await.is_err() {
            tracing::error!("the audit log's writer is gone");
        }
    }
}

async fn write(store: Store, mut notes: mpsc::Receiver<AuditRow>) {
    let mut waiting = Vec::new();
    while notes.recv_many(&mut waiting, QUEUE).await > 0 {
        while let Err(error) = store_all(&store, &waiting).await {
            tracing::error!(code = error.code(), "the audit log could not be written");
            if !error.is_retryable() {
                break;
            }
            tokio::time::sleep(WRITE_EVERY).await;
        }
        waiting.clear();
        if !notes.is_closed() {
            tokio::time::sleep(WRITE_EVERY).await;
        }
    }
}

async fn store_all(store: &Store, rows: &[AuditRow]) -> rapport_store::Result<()> {
    let mut tx = store.begin(Priority::Background).await?;
    audit::insert(&mut tx, rows).await?;
    tx.commit().await
}
