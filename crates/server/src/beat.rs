//! How a long job says that it goes on, and hears that it is to stop.

use std::time::Duration;

use anyhow::Result;
use rapport_store::Priority;
use rapport_store::jobs::{Claim, Progress};
use tokio::sync::watch;

use crate::installation::Installation;

/// A job that somebody does.
pub struct Beat<'a> {
    /// Where.
    pub installation: &'a Installation,
    /// Which.
    pub claim: &'a Claim,
    /// For so long it belongs to whoever does it, unless they say that they go on.
    pub lease: Duration,
    /// Whether the server stops.
    pub stop: &'a watch::Receiver<bool>,
}

impl Beat<'_> {
    /// Says how far it is; whether somebody asked it to stop.
    ///
    /// # Errors
    /// That the server stops, or somebody else has the job; the store's.
    pub async fn at(&self, done: usize, total: usize) -> Result<bool> {
        anyhow::ensure!(!*self.stop.borrow(), "the server stops");
        let progress = Progress { done: i64::try_from(done)?, total: Some(i64::try_from(total)?) };
        Ok(self.installation.store.jobs().heartbeat(self.claim, self.lease, progress).await?)
    }

    /// Ends it as somebody asked.
    ///
    /// # Errors
    /// The store's.
    pub async fn stopped(&self) -> Result<()> {
        let mut tx = self.installation.store.begin(Priority::Background).await?;
        self.installation.store.jobs().stopped(&mut tx, self.claim).await?;
        Ok(tx.commit().await?)
    }
}
