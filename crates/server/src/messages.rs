//! What messages are rendered with: the values of one person, the company's letterhead, what an event brings, and examples of all of it.
//!
//! Always holds: a template reaches what is listed in `rapport_engagement::content::known` and the person's own traits; identifiers, keys and
//! consents are not in its reach.
//!
//! Does not do: decide who gets a message, send anything.

pub mod company;
pub mod given;
pub mod sample;
pub mod scope;

use rapport_domain::WorkspaceId;
use rapport_engagement::tracking::Tracker;
use rapport_privacy::Links;
use rapport_privacy::records::secrets;
use rapport_store::{Priority, Result};

use crate::installation::Installation;

/// The links of a workspace, whose secret is made at first use.
///
/// # Errors
/// The store's.
pub async fn links(installation: &Installation, workspace: WorkspaceId) -> Result<Links> {
    Ok(Links::new(workspace, &secret(installation, workspace).await?))
}

/// The links of a workspace that count clicks.
///
/// # Errors
/// The store's.
pub async fn tracker(installation: &Installation, workspace: WorkspaceId) -> Result<Tracker> {
    Ok(Tracker::new(workspace, &secret(installation, workspace).await?))
}

/// The secret of a workspace, made at first use: keys are derived of it, each for one purpose.
///
/// # Errors
/// The store's.
pub async fn secret(installation: &Installation, workspace: WorkspaceId) -> Result<[u8; 32]> {
    let store = &installation.store;
    if let Some(secret) = secrets::find(&mut store.read(), workspace).await? {
        return Ok(secret);
    }
    let mut tx = store.begin(Priority::Interactive).await?;
    let secret = secrets::ensure(&mut tx, workspace, &*installation.rng).await?;
    tx.commit().await?;
    Ok(secret)
}
