//! Digests of identifiers that must not come back.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Result, Tx, args, sql};

/// All that hold: (workspace, digest).
pub async fn all(db: &mut impl Queries) -> Result<Vec<(WorkspaceId, [u8; 32])>> {
    db.fetch_all(sql!("SELECT workspace, digest FROM suppressions WHERE lifted_at IS NULL"), args![]).await
}

/// Adds digests; those that were lifted hold again.
pub async fn add(
    tx: &mut Tx,
    workspace: WorkspaceId,
    digests: &[[u8; 32]],
    since: Timestamp,
    request: &str,
) -> Result<()> {
    let text = sql!(
        "INSERT INTO suppressions (workspace, digest, since, request) VALUES {rows}
         ON CONFLICT (digest, workspace) DO UPDATE SET since = excluded.since, request = excluded.request, lifted_at = NULL, lifted_by = NULL"
    );
    tx.execute_many(text, digests.iter().map(|digest| args![workspace, *digest, since, request])).await?;
    Ok(())
}

/// Lifts one; whether it held.
pub async fn lift(tx: &mut Tx, workspace: WorkspaceId, digest: [u8; 32], at: Timestamp, by: &str) -> Result<bool> {
    let text = sql!(
        "UPDATE suppressions SET lifted_at = $3, lifted_by = $4 WHERE digest = $2 AND workspace = $1 AND lifted_at IS NULL"
    );
    Ok(tx.execute(text, args![workspace, digest, at, by]).await? > 0)
}
