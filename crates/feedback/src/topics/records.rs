//! Trees of topics with their versions, and what people put where.

use rapport_domain::{Handle, Timestamp, WorkspaceId};
use rapport_store::{Json, Queries, Record, Result, Tx, args, sql};

use super::Tree;

/// A version of a workspace's tree.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct TreeRow {
    /// From 1 on.
    pub version: i64,
    /// The tree.
    pub tree: Json<Tree>,
    /// When it was saved.
    pub saved_at: Timestamp,
    /// By whom.
    pub saved_by: String,
}

/// The latest tree; `None` where nothing was saved.
///
/// # Errors
/// The store's.
pub async fn tree(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Option<TreeRow>> {
    let text = sql!(
        "SELECT version, tree, saved_at, saved_by FROM topic_trees WHERE workspace = $1 ORDER BY version DESC LIMIT $2"
    );
    db.fetch_optional(text, args![workspace, 1_i64]).await
}

/// All versions, the latest first.
///
/// # Errors
/// The store's.
pub async fn versions(db: &mut impl Queries, workspace: WorkspaceId, limit: i64) -> Result<Vec<TreeRow>> {
    let text = sql!(
        "SELECT version, tree, saved_at, saved_by FROM topic_trees WHERE workspace = $1 ORDER BY version DESC LIMIT $2"
    );
    db.fetch_all(text, args![workspace, limit]).await
}

/// Saves the version after `before` (0: nothing was saved); whether nobody was faster.
///
/// # Errors
/// The store's.
pub async fn save(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (tree, before): (&Tree, i64),
    (by, at): (&str, Timestamp),
) -> Result<bool> {
    let known = versions(tx, workspace, 1).await?.first().map_or(0, |row| row.version);
    if known != before {
        return Ok(false);
    }
    let text = sql!(
        "INSERT INTO topic_trees (workspace, version, tree, saved_at, saved_by) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING"
    );
    Ok(tx.execute(text, args![workspace, before + 1, Json(tree.clone()), at, by]).await? > 0)
}

/// A clause that somebody put into a topic.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct ExampleRow {
    /// Of which text.
    pub event_id: [u8; 16],
    /// Where it begins there, in bytes.
    pub begins: i64,
    /// Whose text it is; nobody's is 0.
    pub handle: Handle,
    /// The clause as it is shown.
    pub clause: String,
    /// The topic's key; empty for none of them.
    pub topic: String,
    /// When.
    pub noted_at: Timestamp,
    /// Who.
    pub noted_by: String,
}

/// Notes where a clause belongs; the latest counts.
///
/// # Errors
/// The store's.
pub async fn note(tx: &mut Tx, workspace: WorkspaceId, row: &ExampleRow) -> Result<()> {
    let text = sql!(
        "INSERT INTO topic_examples (workspace, event_id, begins, handle, clause, topic, noted_at, noted_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (event_id, begins, workspace) DO UPDATE SET clause = excluded.clause, topic = excluded.topic, noted_at = excluded.noted_at,
           noted_by = excluded.noted_by"
    );
    let args =
        args![workspace, row.event_id, row.begins, row.handle, &row.clause, &row.topic, row.noted_at, &row.noted_by];
    tx.execute(text, args).await?;
    Ok(())
}

/// What people put where, the oldest first; at most so many, the newest.
///
/// # Errors
/// The store's.
pub async fn examples(db: &mut impl Queries, workspace: WorkspaceId, most: i64) -> Result<Vec<ExampleRow>> {
    let text = sql!(
        "SELECT event_id, begins, handle, clause, topic, noted_at, noted_by FROM topic_examples WHERE workspace = $1
         ORDER BY noted_at DESC, event_id, begins LIMIT $2"
    );
    let mut rows: Vec<ExampleRow> = db.fetch_all(text, args![workspace, most]).await?;
    rows.reverse();
    Ok(rows)
}

/// What people put where of one text.
///
/// # Errors
/// The store's.
pub async fn examples_of(db: &mut impl Queries, workspace: WorkspaceId, event_id: [u8; 16]) -> Result<Vec<ExampleRow>> {
    let text = sql!(
        "SELECT event_id, begins, handle, clause, topic, noted_at, noted_by FROM topic_examples WHERE event_id = $2 AND workspace = $1 ORDER BY begins"
    );
    db.fetch_all(text, args![workspace, event_id]).await
}

/// How many clauses people put into these topics.
///
/// # Errors
/// The store's.
pub async fn count_of(db: &mut impl Queries, workspace: WorkspaceId, topics: &[String]) -> Result<i64> {
    db.scalar(
        sql!("SELECT COUNT(*) FROM topic_examples WHERE workspace = $1 AND topic IN ($2)"),
        args![workspace, topics],
    )
    .await
}

/// How much there is to learn from: (version of the tree, examples, when the last one was noted).
///
/// # Errors
/// The store's.
pub async fn lessons(db: &mut impl Queries, workspace: WorkspaceId) -> Result<(i64, i64, i64)> {
    let text = sql!("SELECT COUNT(*), COALESCE(MAX(noted_at), $2) FROM topic_examples WHERE workspace = $1");
    let found: Option<(i64, i64)> = db.fetch_optional(text, args![workspace, 0_i64]).await?;
    let (count, last) = found.unwrap_or_default();
    let version = versions(db, workspace, 1).await?.first().map_or(0, |row| row.version);
    Ok((version, count, last))
}
