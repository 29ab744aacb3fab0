//! The experiments of each workspace, remembered so that nobody reads them for each answer.
//!
//! Always holds: what was saved is seen by the next question in this process; what was read before a save is not remembered after it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rapport_domain::WorkspaceId;
use rapport_experiments::records::experiments;
use rapport_experiments::{Experiment, Kind};
use rapport_store::{Queries, Result};

use crate::live::Live;

/// The experiments of a workspace.
#[derive(Debug, Default)]
pub struct Known {
    /// By their keys.
    pub by_key: BTreeMap<String, Experiment>,
}

impl Known {
    /// The one of a key.
    pub fn get(&self, key: &str) -> Option<&Experiment> {
        self.by_key.get(key)
    }

    /// Those that hold people out.
    pub fn holdouts(&self) -> Vec<&Experiment> {
        self.by_key.values().filter(|it| it.design.kind == Kind::Holdout).collect()
    }

    /// The conditions that rules of these and of all holdouts ask for: keys of segments.
    pub fn conditions<'a>(&'a self, of: impl IntoIterator<Item = &'a Experiment>) -> Vec<String> {
        let all = of.into_iter().chain(self.holdouts());
        let keys: BTreeSet<&String> =
            all.flat_map(|it| it.design.rules.iter().filter_map(|rule| rule.condition.as_ref())).collect();
        keys.into_iter().cloned().collect()
    }
}

/// The experiments of all workspaces.
#[derive(Debug, Default)]
pub struct LiveExperiments(Live<Known>);

impl LiveExperiments {
    /// Those of a workspace.
    ///
    /// # Errors
    /// The store's.
    pub async fn get(&self, db: &mut impl Queries, workspace: WorkspaceId) -> Result<Arc<Known>> {
        let read = async {
            let rows = experiments::all(db, workspace).await?;
            Ok(Known { by_key: rows.iter().map(|row| (row.key.clone(), row.experiment())).collect() })
        };
        self.0.get(workspace, read).await
    }

    /// They are read again when they are asked for next: after one was saved.
    pub fn forget(&self, workspace: WorkspaceId) {
        self.0.forget(workspace);
    }
}
