//! Restriction (GDPR Article 18): what is known is kept and not used.

use rapport_domain::{Handle, Timestamp, WorkspaceId};
use rapport_store::{Queries, Result, Tx, args, sql};

/// Since when what is known under any of these identifiers is restricted, if it is.
pub async fn since(db: &mut impl Queries, workspace: WorkspaceId, handles: &[Handle]) -> Result<Option<Timestamp>> {
    let text =
        sql!("SELECT MIN(since) FROM restrictions WHERE workspace = $1 AND handle IN ($2) AND lifted_at IS NULL");
    db.scalar(text, args![workspace, handles]).await
}

/// Those of these identifiers that are restricted.
pub async fn restricted(db: &mut impl Queries, workspace: WorkspaceId, handles: &[Handle]) -> Result<Vec<Handle>> {
    let text = sql!(
        "SELECT DISTINCT handle FROM restrictions WHERE workspace = $1 AND handle IN ($2) AND lifted_at IS NULL ORDER BY handle"
    );
    let rows: Vec<(Handle,)> = db.fetch_all(text, args![workspace, handles]).await?;
    Ok(rows.into_iter().map(|(handle,)| handle).collect())
}

/// All identifiers of a workspace that are restricted.
pub async fn all(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<Handle>> {
    let text =
        sql!("SELECT DISTINCT handle FROM restrictions WHERE workspace = $1 AND lifted_at IS NULL ORDER BY handle");
    let rows: Vec<(Handle,)> = db.fetch_all(text, args![workspace]).await?;
    Ok(rows.into_iter().map(|(handle,)| handle).collect())
}

/// Restricts these identifiers.
pub async fn add(
    tx: &mut Tx,
    workspace: WorkspaceId,
    handles: &[Handle],
    since: Timestamp,
    request: &str,
) -> Result<()> {
    let text = sql!(
        "INSERT INTO restrictions (workspace, handle, since, request) VALUES {rows}
         ON CONFLICT (handle, since, workspace) DO NOTHING"
    );
    tx.execute_many(text, handles.iter().map(|handle| args![workspace, *handle, since, request])).await?;
    Ok(())
}

/// Lifts the restrictions of these identifiers; how many there were.
pub async fn lift(tx: &mut Tx, workspace: WorkspaceId, handles: &[Handle], at: Timestamp) -> Result<u64> {
    let text =
        sql!("UPDATE restrictions SET lifted_at = $3 WHERE workspace = $1 AND handle IN ($2) AND lifted_at IS NULL");
    tx.execute(text, args![workspace, handles, at]).await
}
