//! The topics of each workspace with what was learnt for them, kept in memory until somebody edits them or puts a clause somewhere else.
//!
//! Always holds: what is used is learnt from the latest tree and all corrections that were committed when it was asked for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use rapport_domain::WorkspaceId;
use rapport_feedback::topics::records;
use rapport_feedback::topics::{Sorter, Tree};

use crate::installation::Installation;

/// The newest corrections that are learnt from.
const MOST_EXAMPLES: i64 = 20_000;

/// A workspace's topics.
#[derive(Debug)]
pub struct Topics {
    /// The version of the tree; 0 where nothing was saved.
    pub version: i64,
    /// The tree, and what puts clauses into it.
    pub sorter: Sorter,
    /// How many corrections it learnt from.
    pub examples: usize,
}

/// By workspace.
#[derive(Default)]
pub struct Known(Mutex<HashMap<WorkspaceId, (Lessons, Arc<Topics>)>>);

/// Version, corrections, and when the last one was made.
type Lessons = (i64, i64, i64);

/// A workspace's topics as they are now.
///
/// # Errors
/// The store's.
pub async fn of(installation: &Installation, workspace: WorkspaceId) -> Result<Arc<Topics>> {
    let mut db = installation.store.read();
    let lessons = records::lessons(&mut db, workspace).await?;
    {
        let known = installation.topics.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, topics)) = known.get(&workspace).filter(|it| it.0 == lessons) {
            return Ok(Arc::clone(topics));
        }
    }
    let (version, tree) =
        records::tree(&mut db, workspace).await?.map_or_else(|| (0, Tree::default()), |row| (row.version, row.tree.0));
    let examples = records::examples(&mut db, workspace, MOST_EXAMPLES).await?;
    let learning = move || Topics { version, sorter: Sorter::learn(tree, &examples), examples: examples.len() };
    let topics = Arc::new(tokio::task::spawn_blocking(learning).await?);
    let mut known = installation.topics.0.lock().unwrap_or_else(PoisonError::into_inner);
    known.insert(workspace, (lessons, Arc::clone(&topics)));
    Ok(topics)
}
