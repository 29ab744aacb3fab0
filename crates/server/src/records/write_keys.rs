//! Write keys: what a source writes events with. Only hashes are stored.

use rapport_domain::{Id, SourceId, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

/// A stored key, as people see it.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct WriteKeyRow {
    /// Its name (`wky_...`).
    pub id: Id,
    /// The first characters of the key.
    pub prefix: String,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when.
    pub expires_at: Option<Timestamp>,
    /// When someone took it back.
    pub revoked_at: Option<Timestamp>,
    /// About when it was last used (to the hour).
    pub last_used_at: Option<Timestamp>,
}

/// What a presented key opens.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct WriteKeyUse {
    /// The key's name.
    pub id: Id,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The source it writes for.
    pub source: SourceId,
    /// Until when.
    pub expires_at: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
    /// About when it was last used.
    pub last_used_at: Option<Timestamp>,
}

/// Stores a new key.
pub async fn insert(
    tx: &mut Tx,
    workspace: WorkspaceId,
    source: SourceId,
    key_hash: [u8; 32],
    row: &WriteKeyRow,
) -> Result<()> {
    let text = sql!(
        "INSERT INTO write_keys (id, workspace, source, key_hash, prefix, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)"
    );
    let args = args![&row.id, workspace, source, key_hash, &row.prefix, row.created_at, row.expires_at];
    tx.execute(text, args).await?;
    Ok(())
}

/// The key with this hash, of any workspace and in any state.
pub async fn by_hash(db: &mut impl Queries, key_hash: [u8; 32]) -> Result<Option<WriteKeyUse>> {
    let text =
        sql!("SELECT id, workspace, source, expires_at, revoked_at, last_used_at FROM write_keys WHERE key_hash = $1");
    db.fetch_optional(text, args![key_hash]).await
}

/// The keys of a source, oldest first.
pub async fn of_source(db: &mut impl Queries, workspace: WorkspaceId, source: SourceId) -> Result<Vec<WriteKeyRow>> {
    let text = sql!(
        "SELECT id, prefix, created_at, expires_at, revoked_at, last_used_at FROM write_keys
         WHERE workspace = $1 AND source = $2 ORDER BY id"
    );
    db.fetch_all(text, args![workspace, source]).await
}

/// Takes a key back; whether there was such a key.
pub async fn revoke(tx: &mut Tx, workspace: WorkspaceId, id: &Id, at: Timestamp) -> Result<bool> {
    let text = sql!("UPDATE write_keys SET revoked_at = COALESCE(revoked_at, $3) WHERE workspace = $1 AND id = $2");
    Ok(tx.execute(text, args![workspace, id, at]).await? > 0)
}

/// Notes that a key was used.
pub async fn touch(tx: &mut Tx, id: &Id, at: Timestamp) -> Result<()> {
    tx.execute(sql!("UPDATE write_keys SET last_used_at = $2 WHERE id = $1"), args![id, at]).await?;
    Ok(())
}
