//! A workspace's settings of sending.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Result, Tx, args, sql};
use serde_json::Value;

use crate::sending::Settings;

/// The settings; those by default where nothing was said.
pub async fn read(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Settings> {
    let text = sql!("SELECT settings FROM sending_settings WHERE workspace = $1");
    let stored: Option<(Value,)> = db.fetch_optional(text, args![workspace]).await?;
    // What was stored was decoded before.
    Ok(stored.and_then(|(form,)| Settings::from_json(&form).ok()).unwrap_or_default())
}

/// Stores them.
pub async fn save(tx: &mut Tx, workspace: WorkspaceId, settings: &Settings, now: Timestamp, by: &str) -> Result<()> {
    let text = sql!(
        "INSERT INTO sending_settings (workspace, settings, updated_at, updated_by) VALUES ($1, $2, $3, $4)
         ON CONFLICT (workspace) DO UPDATE SET settings = excluded.settings, updated_at = excluded.updated_at, updated_by = excluded.updated_by"
    );
    let form = serde_json::to_value(settings).unwrap_or_default();
    tx.execute(text, args![workspace, form, now, by]).await?;
    Ok(())
}
