//! Evidence: why two identifiers are one person. Only ever added to; undoing marks a row and keeps it.

use rapport_domain::{EventId, Handle, Id, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

/// A stored piece of evidence. `left_handle < right_handle`.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct EvidenceRow {
    /// Its name (`evd_...`).
    pub id: Id,
    /// One identifier.
    pub left_handle: Handle,
    /// The other.
    pub right_handle: Handle,
    /// The rule's word.
    pub rule: String,
    /// The event that said so first.
    pub event_id: [u8; 16],
    /// When that happened.
    pub occurred_at: Timestamp,
    /// When we learned of it.
    pub recorded_at: Timestamp,
    /// Whether a limit keeps it from counting.
    pub set_aside: bool,
    /// When someone took it back.
    pub undone_at: Option<Timestamp>,
    /// Who took it back.
    pub undone_by: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

impl EvidenceRow {
    /// Whether it is about this identifier.
    pub fn touches(&self, handle: Handle) -> bool {
        self.left_handle == handle || self.right_handle == handle
    }

    /// The event that said so.
    pub const fn event(&self) -> EventId {
        EventId(self.event_id)
    }
}

/// Evidence that touches any of these handles, undone or not.
pub async fn touching(db: &mut impl Queries, workspace: WorkspaceId, handles: &[Handle]) -> Result<Vec<EvidenceRow>> {
    let text = sql!(
        "SELECT id, left_handle, right_handle, rule, event_id, occurred_at, recorded_at, set_aside, undone_at, undone_by, reason
         FROM evidence WHERE workspace = $1 AND left_handle IN ($2)
         UNION
         SELECT id, left_handle, right_handle, rule, event_id, occurred_at, recorded_at, set_aside, undone_at, undone_by, reason
         FROM evidence WHERE workspace = $1 AND right_handle IN ($2)
         ORDER BY occurred_at, id"
    );
    db.fetch_all(text, args![workspace, handles]).await
}

/// One piece by its name.
pub async fn by_id(db: &mut impl Queries, workspace: WorkspaceId, id: &Id) -> Result<Option<EvidenceRow>> {
    let text = sql!(
        "SELECT id, left_handle, right_handle, rule, event_id, occurred_at, recorded_at, set_aside, undone_at, undone_by, reason
         FROM evidence WHERE workspace = $1 AND id = $2"
    );
    db.fetch_optional(text, args![workspace, id]).await
}

/// Adds evidence; of a pair and rule already known, the earlier happening is kept, because persons are derived from the earliest.
pub async fn insert(tx: &mut Tx, workspace: WorkspaceId, rows: &[EvidenceRow]) -> Result<()> {
    let text = sql!(
        "INSERT INTO evidence (id, workspace, left_handle, right_handle, rule, event_id, occurred_at, recorded_at, set_aside)
         VALUES {rows}
         ON CONFLICT (workspace, left_handle, right_handle, rule) DO UPDATE SET
           occurred_at = excluded.occurred_at, event_id = excluded.event_id
         WHERE excluded.occurred_at < evidence.occurred_at"
    );
    let rows = rows.iter().map(|r| {
        args![
            &r.id,
            workspace,
            r.left_handle,
            r.right_handle,
            &r.rule,
            r.event_id,
            r.occurred_at,
            r.recorded_at,
            r.set_aside
        ]
    });
    tx.execute_many(text, rows).await?;
    Ok(())
}

/// Says whether a limit keeps a piece from counting.
pub async fn set_aside(tx: &mut Tx, workspace: WorkspaceId, id: &Id, set_aside: bool) -> Result<()> {
    let text = sql!("UPDATE evidence SET set_aside = $3 WHERE workspace = $1 AND id = $2");
    tx.execute(text, args![workspace, id, set_aside]).await?;
    Ok(())
}

/// Marks a piece as taken back (`at` given) or as standing again.
pub async fn mark_undone(
    tx: &mut Tx,
    workspace: WorkspaceId,
    id: &Id,
    at: Option<Timestamp>,
    by: &str,
    reason: &str,
) -> Result<()> {
    let text = sql!("UPDATE evidence SET undone_at = $3, undone_by = $4, reason = $5 WHERE workspace = $1 AND id = $2");
    tx.execute(text, args![workspace, id, at, by, reason]).await?;
    Ok(())
}
