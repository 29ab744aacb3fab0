//! The texts that people agreed to, word for word: a version is never changed.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

/// One version of a text in one language.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct NoticeRow {
    /// Its stable name, e.g. `newsletter`.
    pub key: String,
    /// From 1.
    pub version: i64,
    /// BCP 47 tag.
    pub locale: String,
    /// The text.
    pub content: String,
    /// BLAKE3 of the text.
    pub digest: [u8; 32],
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
}

/// All versions of all texts, by key, the newest first.
pub async fn all(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<NoticeRow>> {
    let text = sql!(
        "SELECT key, version, locale, content, digest, created_at, created_by FROM notices
         WHERE +workspace = $1 ORDER BY key, version DESC, locale"
    );
    db.fetch_all(text, args![workspace]).await
}

/// Adds a version. The digest is made of the content.
pub async fn insert(tx: &mut Tx, workspace: WorkspaceId, row: &NoticeRow) -> Result<()> {
    let text = sql!(
        "INSERT INTO notices (workspace, key, version, locale, content, digest, created_at, created_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
    );
    let digest = *blake3::hash(row.content.as_bytes()).as_bytes();
    let args =
        args![workspace, &row.key, row.version, &row.locale, &row.content, digest, row.created_at, &row.created_by];
    tx.execute(text, args).await?;
    Ok(())
}
