//! The journeys that are live, remembered so that nobody reads them with each batch of events.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use rapport_domain::{Calendar, WorkspaceId};
use rapport_engagement::lots::Lots;
use rapport_engagement::plans::Plans;
use rapport_store::Queries;

use crate::api::questions::calendar_of;
use crate::installation::Installation;
use crate::records::workspaces;

/// The journeys of each workspace, as they were read last, and the experiments that their splits can name.
pub struct LivePlans(Mutex<HashMap<WorkspaceId, Arc<Plans>>>, Arc<dyn Lots>);

impl LivePlans {
    /// None read yet.
    pub fn new(lots: Arc<dyn Lots>) -> Self {
        Self(Mutex::default(), lots)
    }

    /// Those of a workspace.
    ///
    /// # Errors
    /// The store's; a stored plan that this program cannot read.
    pub async fn get(&self, installation: &Installation, workspace: WorkspaceId) -> Result<Arc<Plans>> {
        match self.known(workspace) {
            Some(known) => Ok(known),
            None => self.read(&mut installation.store.read(), workspace).await,
        }
    }

    /// The same within a transaction, which may hold the writer.
    ///
    /// # Errors
    /// As [`LivePlans::get`].
    pub async fn within(&self, db: &mut impl Queries, workspace: WorkspaceId) -> Result<Arc<Plans>> {
        match self.known(workspace) {
            Some(known) => Ok(known),
            None => self.read(db, workspace).await,
        }
    }

    fn known(&self, workspace: WorkspaceId) -> Option<Arc<Plans>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&workspace).cloned()
    }

    async fn read(&self, db: &mut impl Queries, workspace: WorkspaceId) -> Result<Arc<Plans>> {
        let row = workspaces::find(db, workspace).await?;
        let calendar = row.as_ref().map_or_else(|| Some(Calendar::default()), calendar_of);
        let calendar = calendar.context("the workspace has no calendar")?;
        let plans = Arc::new(Plans::load(db, workspace, calendar).await?.with_lots(Arc::clone(&self.1)));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(workspace, Arc::clone(&plans));
        Ok(plans)
    }

    /// They are read again when they are asked for next: some were launched, paused or stopped, or how the workspace sends was changed.
    pub fn forget(&self, workspace: WorkspaceId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&workspace);
    }
}
