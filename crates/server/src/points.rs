//! Posts what falls due on the points ledger: points that become available, holds whose time is over, points that lapse.
//!
//! Always holds: nothing depends on it being in time. Whoever asks for a balance or spends points meets what is due by then, whether it was posted or not; this only keeps
//! lists and totals true for those who do not come by.

pub mod facts;
pub mod identity;
pub mod personal;

use std::sync::Arc;
use std::time::Duration;

use rapport_domain::WorkspaceId;
use tokio::sync::watch;

use crate::installation::Installation;
use crate::records::workspaces;

/// How often it is looked what is due.
const EVERY: Duration = Duration::from_secs(1);
/// Accounts posted to in one turn of the writer: few enough that nobody waits.
const TOGETHER: u32 = 50;

/// Works until `stop` is set.
pub async fn run(installation: Arc<Installation>, mut stop: watch::Receiver<bool>) {
    while tokio::time::timeout(EVERY, stop.wait_for(|stop| *stop)).await.is_err() {
        let workspaces = match workspaces::ids(&mut installation.store.read()).await {
            Ok(ids) => ids,
            Err(error) => {
                tracing::warn!(code = error.code(), "workspaces could not be read; it is tried again");
                continue;
            }
        };
        for workspace in workspaces {
            if let Err(error) = settle(&installation, workspace, &stop).await {
                tracing::warn!(code = error.code(), "what is due on the ledger could not be posted; it is tried again");
            }
        }
    }
}

async fn settle(
    installation: &Installation,
    workspace: WorkspaceId,
    stop: &watch::Receiver<bool>,
) -> Result<(), rapport_loyalty::Error> {
    while !*stop.borrow() && installation.points.settle(workspace, TOGETHER).await? > 0 {}
    Ok(())
}
