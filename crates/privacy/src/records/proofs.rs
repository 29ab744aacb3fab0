//! Mails that ask whether it was the reader who asked for their data, or to be erased: to whom, until when their link works, whether it was used.

use rapport_domain::{Handle, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

/// The name of such a mail: chance, so that none can be guessed.
pub type Id = [u8; 16];

/// A mail that asks.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct ProofRow {
    /// Its name.
    pub id: Id,
    /// The identifier whose address it goes to; nobody's any more after an erasure.
    pub handle: Option<Handle>,
    /// What was asked for: `access`, `erasure`.
    pub kind: String,
    /// In which language.
    pub language: String,
    /// When it was asked for.
    pub made_at: Timestamp,
    /// Until when its link works.
    pub expires_at: Timestamp,
    /// When to send it.
    pub due_at: Option<Timestamp>,
    /// How often that was tried.
    pub attempts: i64,
    /// When it was handed over.
    pub sent_at: Option<Timestamp>,
    /// When its link was used first.
    pub used_at: Option<Timestamp>,
}

/// Adds one.
pub async fn insert(tx: &mut Tx, workspace: WorkspaceId, row: &ProofRow) -> Result<()> {
    let text = sql!(
        "INSERT INTO privacy_proofs (id, workspace, handle, kind, language, made_at, expires_at, due_at, attempts, sent_at, used_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
    );
    let ProofRow { id, handle, kind, language, made_at, expires_at, due_at, attempts, sent_at, used_at } = row;
    let args =
        args![*id, workspace, *handle, kind, language, *made_at, *expires_at, *due_at, *attempts, *sent_at, *used_at];
    tx.execute(text, args).await?;
    Ok(())
}

/// One by its name.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, id: Id) -> Result<Option<ProofRow>> {
    let text = sql!(
        "SELECT id, handle, kind, language, made_at, expires_at, due_at, attempts, sent_at, used_at FROM privacy_proofs
         WHERE id = $2 AND workspace = $1"
    );
    db.fetch_optional(text, args![workspace, id]).await
}

/// Those to an address since then, the latest first.
pub async fn since(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    handle: Handle,
    since: Timestamp,
) -> Result<Vec<ProofRow>> {
    let text = sql!(
        "SELECT id, handle, kind, language, made_at, expires_at, due_at, attempts, sent_at, used_at FROM privacy_proofs
         WHERE handle = $2 AND made_at >= $3 AND workspace = $1 ORDER BY made_at DESC, id"
    );
    db.fetch_all(text, args![workspace, handle, since]).await
}

/// Some that are to be sent, of all workspaces.
pub async fn due(db: &mut impl Queries, now: Timestamp, limit: i64) -> Result<Vec<(WorkspaceId, Id)>> {
    let text = sql!("SELECT workspace, id FROM privacy_proofs WHERE due_at <= $1 ORDER BY due_at, id LIMIT $2");
    db.fetch_all(text, args![now, limit]).await
}

/// Takes one to send it, by moving the instant on at which it is due; whether nobody was faster.
pub async fn take(tx: &mut Tx, id: Id, due_at: Timestamp, until: Timestamp) -> Result<bool> {
    let text = sql!("UPDATE privacy_proofs SET due_at = $3, attempts = attempts + 1 WHERE id = $1 AND due_at = $2");
    Ok(tx.execute(text, args![id, due_at, until]).await? > 0)
}

/// Notes what came of sending it: when it was handed over, and when to try again.
pub async fn note(tx: &mut Tx, id: Id, sent_at: Option<Timestamp>, due_at: Option<Timestamp>) -> Result<()> {
    let text = sql!("UPDATE privacy_proofs SET sent_at = $2, due_at = $3 WHERE id = $1");
    tx.execute(text, args![id, sent_at, due_at]).await?;
    Ok(())
}

/// Its link was used: the first time counts.
pub async fn used(tx: &mut Tx, id: Id, at: Timestamp) -> Result<()> {
    let text = sql!("UPDATE privacy_proofs SET used_at = $2, due_at = NULL WHERE id = $1 AND used_at IS NULL");
    tx.execute(text, args![id, at]).await?;
    Ok(())
}

/// Forgets those from before then.
pub async fn delete_before(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(sql!("DELETE FROM privacy_proofs WHERE made_at < $1"), args![before]).await
}
