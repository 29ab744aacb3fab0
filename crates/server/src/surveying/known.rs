//! The surveys that people answer, remembered so that nobody reads them with each batch of events.
//!
//! Always holds: what was saved is seen by the next question in this process; what was read before a save is not remembered after it.

use std::sync::Arc;

use rapport_domain::WorkspaceId;
use rapport_feedback::records::surveys::{self, SurveyRow};
use rapport_feedback::{Definition, Error};
use rapport_store::Queries;

use crate::live::Live;

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

/// The surveys of all workspaces.
#[derive(Debug, Default)]
pub struct LiveSurveys(Live<Known>);

impl LiveSurveys {
    /// Those of a workspace.
    ///
    /// # Errors
    /// The store's; a stored definition that this program cannot read.
    pub async fn get(&self, db: &mut impl Queries, workspace: WorkspaceId) -> Result<Arc<Known>, Error> {
        let read = async {
            let mut all = Vec::new();
            for row in surveys::all(db, workspace).await? {
                let Some(version) = row.published else { continue };
                if let Some(definition) = surveys::version(db, workspace, row.survey, version).await? {
                    all.push(Published { row, version, definition });
                }
            }
            all.sort_by_key(|it| it.row.survey);
            Ok(Known { all })
        };
        self.0.get(workspace, read).await
    }

    /// They are read again when they are asked for next: after one was saved.
    pub fn forget(&self, workspace: WorkspaceId) {
        self.0.forget(workspace);
    }
}
