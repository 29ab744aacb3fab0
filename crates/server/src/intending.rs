//! What was learnt from the intents of each workspace, kept in memory until somebody changes their examples.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use rapport_domain::WorkspaceId;
use rapport_feedback::intents::records;
use rapport_text::intents::Intents;

use crate::installation::Installation;

/// By workspace: what there was to learn from, and what was learnt; nothing with fewer than two intents.
#[derive(Default)]
pub struct Known(Mutex<HashMap<WorkspaceId, Learnt>>);

type Learnt = (Lessons, Arc<Option<Intents>>);

/// Each intent with its examples and when they were written.
type Lessons = Vec<(String, i64, i64)>;

/// What was learnt for a workspace, from its examples as they are now.
///
/// # Errors
/// The store's.
pub async fn of(installation: &Installation, workspace: WorkspaceId) -> Result<Arc<Option<Intents>>> {
    let mut db = installation.store.read();
    let lessons: Lessons =
        records::list(&mut db, workspace).await?.into_iter().map(|(intent, count, at)| (intent, count, at.0)).collect();
    {
        let known = installation.intents.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, learnt)) = known.get(&workspace).filter(|it| it.0 == lessons) {
            return Ok(Arc::clone(learnt));
        }
    }
    let examples = records::examples(&mut db, workspace).await?;
    let learning = move || {
        let of: Vec<(&str, &str)> = examples.iter().map(|(intent, text)| (text.as_str(), intent.as_str())).collect();
        Intents::learn(&of)
    };
    let learnt = Arc::new(tokio::task::spawn_blocking(learning).await?);
    let mut known = installation.intents.0.lock().unwrap_or_else(PoisonError::into_inner);
    known.insert(workspace, (lessons, Arc::clone(&learnt)));
    Ok(learnt)
}
