//! The audit log: who asked for what, when, what for, and whether they got it. Names staff and routes, never a customer's data.

use rapport_domain::{Id, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

/// An entry.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct AuditRow {
    /// Its name (`aud_...`).
    pub id: Id,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// When.
    pub at: Timestamp,
    /// The user's or the key's id.
    pub actor: String,
    /// The purpose's word.
    pub purpose: String,
    /// Method and path, without the query.
    pub action: String,
    /// HTTP status of the answer.
    pub status: u16,
}

/// Stores entries.
pub async fn insert(tx: &mut Tx, rows: &[AuditRow]) -> Result<()> {
    let text = sql!("INSERT INTO audit (id, workspace, at, actor, purpose, action, status) VALUES {rows}");
    let rows = rows.iter().map(|r| args![&r.id, r.workspace, r.at, &r.actor, &r.purpose, &r.action, r.status]);
    tx.execute_many(text, rows).await?;
    Ok(())
}

/// The newest entries of a workspace.
pub async fn newest(db: &mut impl Queries, workspace: WorkspaceId, limit: u32) -> Result<Vec<AuditRow>> {
    let text = sql!(
        "SELECT id, workspace, at, actor, purpose, action, status FROM audit WHERE workspace = $1 ORDER BY id DESC LIMIT $2"
    );
    db.fetch_all(text, args![workspace, limit]).await
}

/// Forgets entries from before then.
pub async fn delete_before(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(sql!("DELETE FROM audit WHERE at < $1"), args![before]).await
}
