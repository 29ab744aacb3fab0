//! What a model says of people beside a number: words by which they are found, such as what happened to them that comes before a loss.
//!
//! Always holds: a mark is of a run, and is gone once a later run does not say it again.

use rapport_domain::{Handle, Timestamp, WorkspaceId};
use rapport_store::{Result, Tx, args, sql};

/// A mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Of which model.
    pub model: String,
    /// Whose (by their oldest identifier).
    pub handle: Handle,
    /// The word.
    pub mark: String,
    /// As of when.
    pub scored_at: Timestamp,
}

/// Writes marks; those that are there are of this run from now on.
pub async fn put(tx: &mut Tx, workspace: WorkspaceId, rows: &[Mark]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let text = sql!(
        "INSERT INTO score_marks (workspace, model, handle, mark, scored_at) VALUES {rows}
         ON CONFLICT (handle, model, mark, workspace) DO UPDATE SET scored_at = excluded.scored_at"
    );
    let row = |r: &Mark| args![workspace, &r.model, r.handle, &r.mark, r.scored_at];
    tx.execute_many(text, rows.iter().map(row)).await.map(drop)
}

/// Forgets some of the marks from before an instant. How many.
pub async fn forget_before(tx: &mut Tx, workspace: WorkspaceId, model: &str, before: Timestamp) -> Result<u64> {
    let forget = sql!(
        "DELETE FROM score_marks WHERE model = $2 AND workspace = $1 AND scored_at < $3 AND handle IN (
           SELECT handle FROM score_marks WHERE workspace = $1 AND model = $2 AND scored_at < $3 ORDER BY handle LIMIT $4)"
    );
    tx.execute(forget, args![workspace, model, before, 200_i64]).await
}
