//! Groups of experiments that may not meet.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

/// A group.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct GroupRow {
    /// Its key; decides who is where in it.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// What is assigned in all of its experiments: `person` or `anonymous`.
    pub unit: String,
    /// How often its experiments were saved.
    pub revision: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
}

/// All of a workspace.
pub async fn all(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<GroupRow>> {
    // `+`: all of this small table.
    let text = sql!(
        "SELECT key, name, unit, revision, created_at, created_by FROM exclusion_groups WHERE +workspace = $1 ORDER BY key"
    );
    db.fetch_all(text, args![workspace]).await
}

/// Makes one; whether there was none of the key.
pub async fn insert(tx: &mut Tx, workspace: WorkspaceId, row: &GroupRow) -> Result<bool> {
    let text = sql!(
        "INSERT INTO exclusion_groups (workspace, key, name, unit, revision, created_at, created_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (key, workspace) DO NOTHING"
    );
    let args = args![workspace, &row.key, &row.name, &row.unit, row.revision, row.created_at, &row.created_by];
    Ok(tx.execute(text, args).await? == 1)
}

/// Takes the group for this transaction, so that two experiments cannot take the same places; its unit, if there is one of the key.
pub async fn hold(tx: &mut Tx, workspace: WorkspaceId, key: &str) -> Result<Option<String>> {
    let text =
        sql!("UPDATE exclusion_groups SET revision = revision + 1 WHERE key = $2 AND workspace = $1 RETURNING unit");
    let found: Option<(String,)> = tx.fetch_optional(text, args![workspace, key]).await?;
    Ok(found.map(|(unit,)| unit))
}
