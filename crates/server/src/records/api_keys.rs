//! API keys: what programs read and write the API with. Only hashes are stored.

use rapport_domain::{Id, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

/// A stored key.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct ApiKeyRow {
    /// Its name (`aky_...`).
    pub id: Id,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// What people call it.
    pub name: String,
    /// The first characters of the key.
    pub prefix: String,
    /// Its scopes' words, separated by a blank.
    pub scopes: String,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when.
    pub expires_at: Option<Timestamp>,
    /// When someone took it back.
    pub revoked_at: Option<Timestamp>,
    /// About when it was last used (to the hour).
    pub last_used_at: Option<Timestamp>,
}

/// Stores a new key.
pub async fn insert(tx: &mut Tx, key_hash: [u8; 32], row: &ApiKeyRow) -> Result<()> {
    let text = sql!(
        "INSERT INTO api_keys (id, workspace, name, key_hash, prefix, scopes, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
    );
    let args =
        args![&row.id, row.workspace, &row.name, key_hash, &row.prefix, &row.scopes, row.created_at, row.expires_at];
    tx.execute(text, args).await?;
    Ok(())
}

/// The key with this hash, of any workspace and in any state.
pub async fn by_hash(db: &mut impl Queries, key_hash: [u8; 32]) -> Result<Option<ApiKeyRow>> {
    let text = sql!(
        "SELECT id, workspace, name, prefix, scopes, created_at, expires_at, revoked_at, last_used_at FROM api_keys
         WHERE key_hash = $1"
    );
    db.fetch_optional(text, args![key_hash]).await
}

/// The keys of a workspace, oldest first.
pub async fn all(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<ApiKeyRow>> {
    let text = sql!(
        "SELECT id, workspace, name, prefix, scopes, created_at, expires_at, revoked_at, last_used_at FROM api_keys
         WHERE workspace = $1 ORDER BY id"
    );
    db.fetch_all(text, args![workspace]).await
}

/// Takes a key back; whether there was such a key.
pub async fn revoke(tx: &mut Tx, workspace: WorkspaceId, id: &Id, at: Timestamp) -> Result<bool> {
    let text = sql!("UPDATE api_keys SET revoked_at = COALESCE(revoked_at, $3) WHERE workspace = $1 AND id = $2");
    Ok(tx.execute(text, args![workspace, id, at]).await? > 0)
}

/// Notes that a key was used.
pub async fn touch(tx: &mut Tx, id: &Id, at: Timestamp) -> Result<()> {
    tx.execute(sql!("UPDATE api_keys SET last_used_at = $2 WHERE id = $1"), args![id, at]).await?;
    Ok(())
}
