//! Lists that people keep by hand. Who is on one is a fact (`list.<key>`), told like any other.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

/// A list.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct ListRow {
    /// Its name in conditions and addresses.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
}

impl ListRow {
    /// The key of the fact that says who is on it.
    pub fn fact_key(&self) -> String {
        fact_key(&self.key)
    }
}

/// The key of the fact that says who is on a list.
pub fn fact_key(list: &str) -> String {
    format!("list.{list}")
}

/// All of a workspace, by name.
pub async fn all(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<ListRow>> {
    let text = sql!("SELECT key, name, created_at, created_by FROM lists WHERE workspace = $1 ORDER BY name, key");
    db.fetch_all(text, args![workspace]).await
}

/// Adds a list; whether there was none with its key.
pub async fn insert(tx: &mut Tx, workspace: WorkspaceId, row: &ListRow) -> Result<bool> {
    let text = sql!(
        "INSERT INTO lists (workspace, key, name, created_at, created_by) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (workspace, key) DO NOTHING"
    );
    Ok(tx.execute(text, args![workspace, &row.key, &row.name, row.created_at, &row.created_by]).await? > 0)
}

/// Deletes a list.
pub async fn delete(tx: &mut Tx, workspace: WorkspaceId, key: &str) -> Result<()> {
    tx.execute(sql!("DELETE FROM lists WHERE workspace = $1 AND key = $2"), args![workspace, key]).await?;
    Ok(())
}
