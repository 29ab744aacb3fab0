//! What many decisions need and few acts change, remembered for each workspace so that nobody reads it each time.
//!
//! Always holds: what was saved is seen by the next question in this process; what was read before a save is not remembered after it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rapport_domain::WorkspaceId;

/// Something of each workspace.
#[derive(Debug, Default)]
pub struct Live<K>(Mutex<Remembered<K>>);

#[derive(Debug, Default)]
struct Remembered<K> {
    known: HashMap<WorkspaceId, Arc<K>>,
    /// Counts how often something was forgotten.
    forgotten: u64,
}

impl<K> Live<K> {
    /// That of a workspace; it is read where it is not remembered.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn get<E>(&self, workspace: WorkspaceId, read: impl Future<Output = Result<K, E>>) -> Result<Arc<K>, E> {
        let forgotten = {
            let remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = remembered.known.get(&workspace) {
                return Ok(Arc::clone(known));
            }
            remembered.forgotten
        };
        let known = Arc::new(read.await?);
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.forgotten == forgotten {
            remembered.known.insert(workspace, Arc::clone(&known));
        }
        Ok(known)
    }

    /// It is read again when it is asked for next: after something was saved.
    pub fn forget(&self, workspace: WorkspaceId) {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.forgotten += 1;
        remembered.known.remove(&workspace);
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[tokio::test]
    async fn what_was_read_before_a_save_is_not_remembered_after_it() {
        let (live, workspace) = (Live::default(), WorkspaceId(1));
        let saved_meanwhile = async {
            live.forget(workspace);
            Ok::<_, Infallible>("before")
        };
        assert_eq!(*live.get(workspace, saved_meanwhile).await.unwrap(), "before");
        assert_eq!(*live.get(workspace, async { Ok::<_, Infallible>("after") }).await.unwrap(), "after");
        let unread = async { Err(()) };
        assert_eq!(live.get(workspace, unread).await.as_deref(), Ok(&"after"), "remembered");
        assert!(live.get(WorkspaceId(2), async { Err(()) }).await.is_err());
        live.forget(workspace);
        assert!(live.get(workspace, async { Err(()) }).await.is_err(), "forgotten");
    }
}
