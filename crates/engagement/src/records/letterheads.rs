//! The letterhead of a workspace: whose messages these are. Templates name it as `company`.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

/// A letterhead. An empty text is one that nobody has filled in.
#[derive(Clone, Debug, Default, PartialEq, Record)]
pub struct LetterheadRow {
    /// The company as customers know it.
    pub name: String,
    /// Its postal address, which many countries demand in each message for marketing.
    pub address: String,
    /// Its site.
    pub url: String,
    /// The address of its logo.
    pub logo_url: String,
}

/// The letterhead of a workspace, if it was filled in.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Option<LetterheadRow>> {
    let text = sql!("SELECT name, address, url, logo_url FROM letterheads WHERE workspace = $1");
    db.fetch_optional(text, args![workspace]).await
}

/// Writes the letterhead of a workspace.
pub async fn save(tx: &mut Tx, workspace: WorkspaceId, row: &LetterheadRow, now: Timestamp, by: &str) -> Result<()> {
    let text = sql!(
        "INSERT INTO letterheads (workspace, name, address, url, logo_url, saved_at, saved_by) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (workspace) DO UPDATE SET name = excluded.name, address = excluded.address, url = excluded.url,
           logo_url = excluded.logo_url, saved_at = excluded.saved_at, saved_by = excluded.saved_by"
    );
    tx.execute(text, args![workspace, &row.name, &row.address, &row.url, &row.logo_url, now, by]).await?;
    Ok(())
}
