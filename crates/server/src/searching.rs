//! The indices of words, one a workspace, in the data folder: they follow what the database says of verbatims, within a second.
//!
//! Always holds: an index is a cache, begun anew where it cannot be read or is of another time; what is erased is in no file of it when erasing ends.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use rapport_domain::{Timestamp, WorkspaceId};
use rapport_feedback::verbatims::records::{self, Filter};
use rapport_feedback::verbatims::search::{Found, Index, Ranking};
use rapport_store::Priority;
use tokio::sync::watch;

use crate::installation::Installation;
use crate::records::workspaces;

/// How often it is looked whether something changed.
const EVERY: Duration = Duration::from_secs(1);
/// So many verbatims are taken up with one commit of the index.
const AT_ONCE: i64 = 10_000;
/// What is gone is told so long; an index that has not heard of it by then begins anew.
const TOLD_DAYS: i64 = 30;

/// The indices that are open.
pub struct Indices {
    folder: PathBuf,
    open: Mutex<HashMap<WorkspaceId, Arc<Followed>>>,
}

struct Followed {
    index: Index,
    /// One at a time; whoever waits finds nothing left to do.
    following: tokio::sync::Mutex<()>,
    /// Whether it is far behind, so that much of what there is would not be found.
    is_behind: std::sync::atomic::AtomicBool,
}

impl Indices {
    /// Those in a data folder.
    pub fn new(data: &std::path::Path) -> Self {
        Self { folder: data.join("search"), open: Mutex::default() }
    }

    fn of(&self, workspace: WorkspaceId) -> Result<Arc<Followed>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = open.get(&workspace) {
            return Ok(Arc::clone(known));
        }
        let folder = self.folder.join(workspace.to_string());
        std::fs::create_dir_all(&folder)?;
        let followed = Followed { index: Index::open(&folder)?, following: Default::default(), is_behind: true.into() };
        let followed = Arc::new(followed);
        open.insert(workspace, Arc::clone(&followed));
        Ok(followed)
    }

    /// Closes one and deletes its files.
    fn begin_anew(&self, workspace: WorkspaceId) -> Result<()> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&workspace);
        std::fs::remove_dir_all(self.folder.join(workspace.to_string()))?;
        Ok(())
    }
}

/// Finds verbatims by words; `None` while the index is far behind.
///
/// # Errors
/// Its files cannot be read.
pub async fn find(
    installation: &Installation,
    workspace: WorkspaceId,
    words: String,
    filter: Filter,
    (ranking, limit): (Ranking, usize),
) -> Result<Option<Found>> {
    let followed = installation.indices.of(workspace)?;
    if followed.is_behind.load(std::sync::atomic::Ordering::Acquire) {
        return Ok(None);
    }
    let found = tokio::task::spawn_blocking(move || followed.index.find(&words, &filter, ranking, limit));
    Ok(Some(found.await??))
}

/// Takes up everything that changed until now.
///
/// # Errors
/// The store's, and those of the index's files.
pub async fn follow(installation: &Installation, workspace: WorkspaceId) -> Result<()> {
    let mut followed = installation.indices.of(workspace)?;
    let mut turn = followed.following.lock().await;
    loop {
        let from = followed.index.position();
        let changes = records::changes(&mut installation.store.read(), workspace, from, AT_ONCE).await?;
        let Some(changes) = changes else {
            tracing::info!(workspace = workspace.0, "an index of words is begun anew");
            drop(turn);
            installation.indices.begin_anew(workspace)?;
            followed = installation.indices.of(workspace)?;
            turn = followed.following.lock().await;
            continue;
        };
        let more = changes.more;
        if changes.to != from {
            let followed = Arc::clone(&followed);
            let took = move || followed.index.follow(&changes.gone, &changes.changed, changes.to);
            tokio::task::spawn_blocking(took).await??;
        }
        if !more {
            followed.is_behind.store(false, std::sync::atomic::Ordering::Release);
            drop(turn);
            return Ok(());
        }
    }
}

/// Follows, and writes anew what still holds something that is gone.
///
/// # Errors
/// As [`follow`].
pub async fn purge(installation: &Installation, workspace: WorkspaceId) -> Result<()> {
    follow(installation, workspace).await?;
    let followed = installation.indices.of(workspace)?;
    let _turn = followed.following.lock().await;
    let purged = Arc::clone(&followed);
    tokio::task::spawn_blocking(move || purged.index.purge()).await??;
    Ok(())
}

/// Follows all workspaces until `stop` is set.
pub async fn run(installation: Arc<Installation>, mut stop: watch::Receiver<bool>) {
    loop {
        if let Err(error) = follow_all(&installation).await {
            tracing::warn!(error = %format!("{error:#}"), "an index of words could not follow; it is tried again");
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

async fn follow_all(installation: &Installation) -> Result<()> {
    for workspace in workspaces::ids(&mut installation.store.read()).await? {
        follow(installation, workspace).await?;
    }
    Ok(())
}

/// Forgets which verbatims went long ago.
///
/// # Errors
/// The store's.
pub async fn forget_removals(installation: &Installation, workspace: WorkspaceId) -> rapport_store::Result<()> {
    let before = installation.clock.now().plus(-TOLD_DAYS * Timestamp::DAY);
    let mut tx = installation.store.begin(Priority::Background).await?;
    records::forget_removals(&mut tx, workspace, before).await?;
    tx.commit().await.map(drop)
}
