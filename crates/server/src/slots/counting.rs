//! How often slots are shown: counted in memory, because pages ask far more often than a database should be written to, and written every few seconds.
//!
//! Always holds: what is counted names no person; what a killed process had not written yet, a few seconds' worth, is missing from the figures and from
//! nothing else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_engagement::records::slots::{self, DayRow};
use rapport_store::{Priority, Result};
use tokio::sync::watch;

use super::{Slot, Slots};
use crate::installation::Installation;

const WRITE_EVERY: Duration = Duration::from_secs(5);

/// Workspace, slot, day, version, variant.
type Place = (WorkspaceId, String, i64, i64, i64);

/// What was shown since it was written last: how often, and how often it was chosen.
#[derive(Default)]
pub(super) struct Counted(Mutex<HashMap<Place, (i64, i64)>>);

impl Counted {
    /// Counts one showing.
    pub(super) fn shown(
        &self,
        workspace: WorkspaceId,
        slot: &Slot,
        place: Option<usize>,
        is_chosen: bool,
        now: Timestamp,
    ) {
        let place = (workspace, slot.key.clone(), now.utc_day(), slot.version, variant(place));
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sums = all.entry(place).or_default();
        sums.0 += 1;
        sums.1 += i64::from(is_chosen);
    }

    fn take(&self) -> HashMap<WorkspaceId, Vec<DayRow>> {
        let all = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut rows: HashMap<WorkspaceId, Vec<DayRow>> = HashMap::new();
        for ((workspace, slot, day, version, variant), (views, chosen)) in all {
            let row = DayRow { slot, day: start_of(day), version, variant, views, chosen, clicks: 0 };
            rows.entry(workspace).or_default().push(row);
        }
        rows
    }
}

/// A variant's place as it is stored.
fn variant(place: Option<usize>) -> i64 {
    place.and_then(|place| i64::try_from(place).ok()).unwrap_or(-1)
}

const fn start_of(day: i64) -> Timestamp {
    Timestamp(day * Timestamp::DAY)
}

/// A click in a variant.
pub fn click(slot: &str, version: i64, variant: i64, now: Timestamp) -> DayRow {
    let day = start_of(now.utc_day());
    DayRow { slot: slot.to_owned(), day, version, variant, views: 0, chosen: 0, clicks: 1 }
}

impl Slots {
    /// Writes what was shown since it was written last. What cannot be written is counted with what comes next.
    ///
    /// # Errors
    /// The store's.
    pub async fn write(&self, installation: &Installation) -> Result<()> {
        for (workspace, rows) in self.counted.take() {
            if let Err(error) = write(installation, workspace, &rows).await {
                let mut all = self.counted.0.lock().unwrap_or_else(PoisonError::into_inner);
                for row in rows {
                    let place = (workspace, row.slot, row.day.utc_day(), row.version, row.variant);
                    let sums = all.entry(place).or_default();
                    *sums = (sums.0 + row.views, sums.1 + row.chosen);
                }
                return Err(error);
            }
        }
        Ok(())
    }
}

async fn write(installation: &Installation, workspace: WorkspaceId, rows: &[DayRow]) -> Result<()> {
    let mut tx = installation.store.begin(Priority::Background).await?;
    slots::count(&mut tx, workspace, rows).await?;
    tx.commit().await
}

/// Writes every few seconds until `stop` is set.
pub async fn run(slots: Arc<Slots>, installation: Arc<Installation>, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(WRITE_EVERY) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        if let Err(error) = slots.write(&installation).await {
            tracing::warn!(code = error.code(), "what slots showed could not be counted; it is tried again");
        }
    }
}
