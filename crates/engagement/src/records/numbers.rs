//! Telephone numbers that were written to, and whose they are: a STOP from one of them is a word of all of these.

use rapport_domain::{Handle, WorkspaceId};
use rapport_store::{Queries, Result, Tx, args, sql};

/// Notes that a number (E.164) was written to.
pub async fn note(tx: &mut Tx, workspace: WorkspaceId, number: &str, handle: Handle) -> Result<()> {
    let text = sql!("INSERT INTO text_numbers (workspace, number, handle) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING");
    tx.execute(text, args![workspace, number, handle]).await?;
    Ok(())
}

/// Whose a number is, in all workspaces: they share one provider, and whoever says STOP to it names none of them.
pub async fn owners(db: &mut impl Queries, number: &str) -> Result<Vec<(WorkspaceId, Handle)>> {
    let text = sql!("SELECT workspace, handle FROM text_numbers WHERE number = $1 ORDER BY workspace, handle");
    db.fetch_all(text, args![number]).await
}
