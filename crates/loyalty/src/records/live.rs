//! Programmes in memory, so that nobody reads them with each batch of events.
//!
//! Always holds: what was committed, by whichever server, is seen by the next question.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rapport_domain::WorkspaceId;
use rapport_store::Queries;

use super::head;
use super::programs::Programs;

/// The programmes of all workspaces.
#[derive(Debug, Default)]
pub struct LivePrograms(Mutex<HashMap<WorkspaceId, (i64, Arc<Programs>)>>);

impl LivePrograms {
    /// That of a workspace with its rules, in all their versions; an empty one where there is none. Not to be asked in a transaction that changes it.
    ///
    /// # Errors
    /// The store's; that this program cannot read a version.
    pub async fn get(&self, db: &mut impl Queries, workspace: WorkspaceId) -> rapport_store::Result<Arc<Programs>> {
        let changes = head::read(db, workspace).await?.map_or(0, |head| head.settings);
        if let Some((of, known)) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&workspace)
            && *of == changes
        {
            return Ok(Arc::clone(known));
        }
        let known = Arc::new(if changes == 0 { Programs::default() } else { Programs::read(db, workspace).await? });
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(workspace, (changes, Arc::clone(&known)));
        Ok(known)
    }
}
