//! The experiments of each workspace, remembered so that nobody reads them for each answer.
//!
//! Always holds: what was saved is seen by the next question in this process; what was read before a save is not remembered after it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use rapport_domain::WorkspaceId;
use rapport_experiments::records::experiments;
use rapport_experiments::{Experiment, Kind};
use rapport_store::{Queries, Result};

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

/// What is remembered.
#[derive(Debug, Default)]
struct Remembered {
    known: HashMap<WorkspaceId, Arc<Known>>,
    /// Counts how often something was forgotten.
    forgotten: u64,
}

/// The experiments of all workspaces.
#[derive(Debug, Default)]
pub struct LiveExperiments(Mutex<Remembered>);

impl LiveExperiments {
    /// Those of a workspace.
    ///
    /// # Errors
    /// The store's.
    pub async fn get(&self, db: &mut impl Queries, workspace: WorkspaceId) -> Result<Arc<Known>> {
        let forgotten = {
            let remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = remembered.known.get(&workspace) {
                return Ok(Arc::clone(known));
            }
            remembered.forgotten
        };
        let rows = experiments::all(db, workspace).await?;
        let by_key = rows.iter().map(|row| (row.key.clone(), row.experiment())).collect();
        let known = Arc::new(Known { by_key });
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.forgotten == forgotten {
            remembered.known.insert(workspace, Arc::clone(&known));
        }
        Ok(known)
    }

    /// They are read again when they are asked for next: after one was saved.
    pub fn forget(&self, workspace: WorkspaceId) {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.forgotten += 1;
        remembered.known.remove(&workspace);
    }
}
