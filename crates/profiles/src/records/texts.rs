//! What people wrote, and other properties that may not go to the lake: kept here, by event.

use rapport_domain::{Handle, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

/// The withheld properties of one event.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct TextRow {
    /// Which event.
    pub event_id: [u8; 16],
    /// Whose.
    pub handle: Handle,
    /// When.
    pub occurred_at: Timestamp,
    /// The event's name.
    pub event_name: String,
    /// The properties, as JSON.
    pub content: String,
}

/// Keeps the withheld properties of a batch.
pub async fn insert(tx: &mut Tx, workspace: WorkspaceId, rows: &[TextRow]) -> Result<()> {
    let text = sql!(
        "INSERT INTO texts (workspace, event_id, handle, occurred_at, event_name, content) VALUES {rows}
         ON CONFLICT (workspace, event_id) DO NOTHING"
    );
    let rows = rows.iter().map(|r| args![workspace, r.event_id, r.handle, r.occurred_at, &r.event_name, &r.content]);
    tx.execute_many(text, rows).await?;
    Ok(())
}

/// Forgets what superseded events said.
pub async fn delete(tx: &mut Tx, workspace: WorkspaceId, event_id: [u8; 16]) -> Result<()> {
    let text = sql!("DELETE FROM texts WHERE workspace = $1 AND event_id = $2");
    tx.execute(text, args![workspace, event_id]).await?;
    Ok(())
}

/// A person's, newest first, between two instants.
pub async fn of_handles(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    handles: &[Handle],
    from: Timestamp,
    to: Timestamp,
    limit: i64,
) -> Result<Vec<TextRow>> {
    let text = sql!(
        "SELECT event_id, handle, occurred_at, event_name, content FROM texts
         WHERE workspace = $1 AND handle IN ($2) AND occurred_at >= $3 AND occurred_at <= $4
         ORDER BY occurred_at DESC, event_id LIMIT $5"
    );
    db.fetch_all(text, args![workspace, handles, from, to, limit]).await
}

/// What one event said.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, event_id: [u8; 16]) -> Result<Option<TextRow>> {
    let text = sql!(
        "SELECT event_id, handle, occurred_at, event_name, content FROM texts WHERE workspace = $1 AND event_id = $2"
    );
    db.fetch_optional(text, args![workspace, event_id]).await
}
