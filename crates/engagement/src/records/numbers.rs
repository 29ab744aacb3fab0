//! Telephone numbers that were written to, and whose they are: a STOP from one of them is a word of all of these.

use rapport_domain::{Handle, Timestamp, WorkspaceId};
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

/// Notes that somebody wrote to us by WhatsApp from a number. What is told late takes nothing back.
pub async fn heard(tx: &mut Tx, number: &str, at: Timestamp) -> Result<()> {
    let text = sql!("UPDATE text_numbers SET heard_at = $2 WHERE number = $1 AND (heard_at IS NULL OR heard_at < $2)");
    tx.execute(text, args![number, at]).await?;
    Ok(())
}

/// When somebody last wrote to us by WhatsApp from a number that we wrote to, in whatever workspace: they share one provider, and its window is one.
pub async fn heard_at(db: &mut impl Queries, number: &str) -> Result<Option<Timestamp>> {
    let text = sql!(
        "SELECT heard_at FROM text_numbers WHERE number = $1 AND heard_at IS NOT NULL ORDER BY heard_at DESC LIMIT 1"
    );
    let found: Option<(Timestamp,)> = db.fetch_optional(text, args![number]).await?;
    Ok(found.map(|(at,)| at))
}
