//! The surveys that people answer, remembered so that nobody reads them with each batch of events.
//!
//! Always holds: what was saved is seen by the next question in this process; what was read before a save is not remembered after it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rapport_domain::WorkspaceId;
use rapport_feedback::records::surveys::{self, SurveyRow};
use rapport_feedback::{Definition, Error};
use rapport_store::Queries;

/// A survey with what people answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Published {
    /// It.
    pub row: SurveyRow,
    /// The version that is answered.
    pub version: i64,
    /// What that asks.
    pub definition: Definition,
}

/// The surveys of a workspace that have a published version.
#[derive(Debug, Default)]
pub struct Known {
    /// In the order of their numbers.
    pub all: Vec<Published>,
}

impl Known {
    /// The one of a key.
    pub fn get(&self, key: &str) -> Option<&Published> {
        self.all.iter().find(|it| it.row.key == key)
    }
}

/// What is remembered.
#[derive(Debug, Default)]
struct Remembered {
    known: HashMap<WorkspaceId, Arc<Known>>,
    /// Counts how often something was forgotten.
    forgotten: u64,
}

/// The surveys of all workspaces.
#[derive(Debug, Default)]
pub struct LiveSurveys(Mutex<Remembered>);

impl LiveSurveys {
    /// Those of a workspace.
    ///
    /// # Errors
    /// The store's; a stored definition that this program cannot read.
    pub async fn get(&self, db: &mut impl Queries, workspace: WorkspaceId) -> Result<Arc<Known>, Error> {
        let forgotten = {
            let remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = remembered.known.get(&workspace) {
                return Ok(Arc::clone(known));
            }
            remembered.forgotten
        };
        let mut all = Vec::new();
        for row in surveys::all(db, workspace).await? {
            let Some(version) = row.published else { continue };
            if let Some(definition) = surveys::version(db, workspace, row.survey, version).await? {
                all.push(Published { row, version, definition });
            }
        }
        all.sort_by_key(|it| it.row.survey);
        let known = Arc::new(Known { all });
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
