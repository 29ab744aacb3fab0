//! The policies of each workspace with what they know, remembered so that nobody reads them for each decision.
//!
//! Always holds: what was saved or learnt is seen by the next decision in this process; what was read before is not remembered after it.

use std::collections::BTreeMap;
use std::sync::Arc;

use rapport_domain::WorkspaceId;
use rapport_experiments::policies::design::{Decides, Policy, State};
use rapport_experiments::policies::records;
use rapport_store::{Queries, Result};

use crate::live::Live;

/// The policies of a workspace.
#[derive(Debug, Default)]
pub struct Known {
    /// By their keys.
    pub by_key: BTreeMap<String, Policy>,
}

impl Known {
    /// The one of a key that chooses ways.
    pub fn of_ways(&self, key: &str) -> Option<&Policy> {
        self.by_key.get(key).filter(|it| it.design.decides == Decides::Way)
    }

    /// The one that says how often people are written to, if any is at work.
    pub fn of_frequency(&self) -> Option<&Policy> {
        self.by_key.values().find(|it| it.design.decides == Decides::Frequency && it.state != State::Paused)
    }
}

/// The policies of all workspaces.
#[derive(Debug, Default)]
pub struct LivePolicies(Live<Known>);

impl LivePolicies {
    /// Those of a workspace.
    ///
    /// # Errors
    /// The store's.
    pub async fn get(&self, db: &mut impl Queries, workspace: WorkspaceId) -> Result<Arc<Known>> {
        let read = async {
            let rows = records::all(db, workspace).await?;
            Ok(Known { by_key: rows.iter().map(|row| (row.key.clone(), row.policy())).collect() })
        };
        self.0.get(workspace, read).await
    }

    /// They are read again when they are asked for next: after one was saved, or learnt.
    pub fn forget(&self, workspace: WorkspaceId) {
        self.0.forget(workspace);
    }
}
