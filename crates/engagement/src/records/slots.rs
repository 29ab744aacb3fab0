//! Slots, and what people saw in them.
//!
//! Always holds: views are counted by the identifier that somebody was there with, so that they stay true when persons are merged or split.

use rapport_domain::{Handle, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};
use serde_json::Value;

/// A stored slot.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct SlotRow {
    /// Its name in addresses.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// What it shows to whom.
    pub definition: Value,
    /// How often it was changed, from 1.
    pub version: i64,
    /// When it was changed.
    pub updated_at: Timestamp,
    /// By whom.
    pub updated_by: String,
}

/// All of a workspace, by name.
pub async fn all(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<SlotRow>> {
    let text = sql!(
        "SELECT key, name, definition, version, updated_at, updated_by FROM slots WHERE workspace = $1 ORDER BY name, key"
    );
    db.fetch_all(text, args![workspace]).await
}

/// Adds one, or takes the place of the one with its key; its version goes on.
pub async fn save(tx: &mut Tx, workspace: WorkspaceId, row: &SlotRow) -> Result<()> {
    let text = sql!(
        "INSERT INTO slots (workspace, key, name, definition, version, updated_at, updated_by) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (key, workspace) DO UPDATE SET name = excluded.name, definition = excluded.definition,
           version = slots.version + excluded.version, updated_at = excluded.updated_at, updated_by = excluded.updated_by"
    );
    let SlotRow { key, name, definition, version, updated_at, updated_by } = row;
    tx.execute(text, args![workspace, key, name, definition.clone(), *version, *updated_at, updated_by]).await?;
    Ok(())
}

/// Deletes one, and what was counted of it; whether it was there.
pub async fn delete(tx: &mut Tx, workspace: WorkspaceId, key: &str) -> Result<bool> {
    tx.execute(sql!("DELETE FROM slot_views WHERE slot = $2 AND workspace = $1"), args![workspace, key]).await?;
    let deleted =
        tx.execute(sql!("DELETE FROM slots WHERE key = $2 AND workspace = $1"), args![workspace, key]).await?;
    Ok(deleted > 0)
}

/// What somebody saw in a slot.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct ViewsRow {
    /// When something was chosen for them first.
    pub first_at: Timestamp,
    /// When the window began in which views are counted.
    pub window_began_at: Timestamp,
    /// Views since then.
    pub views: i64,
}

/// What an identifier saw in a slot.
pub async fn views(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    slot: &str,
    handle: Handle,
) -> Result<Option<ViewsRow>> {
    let text = sql!(
        "SELECT first_at, window_began_at, views FROM slot_views WHERE handle = $3 AND slot = $2 AND workspace = $1"
    );
    db.fetch_optional(text, args![workspace, slot, handle]).await
}

/// Notes what an identifier saw.
pub async fn note(tx: &mut Tx, workspace: WorkspaceId, slot: &str, handle: Handle, row: &ViewsRow) -> Result<()> {
    let text = sql!(
        "INSERT INTO slot_views (workspace, slot, handle, first_at, window_began_at, views) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (handle, slot, workspace) DO UPDATE SET window_began_at = excluded.window_began_at, views = excluded.views"
    );
    let ViewsRow { first_at, window_began_at, views } = row;
    tx.execute(text, args![workspace, slot, handle, *first_at, *window_began_at, *views]).await?;
    Ok(())
}
