//! Templates with all their versions.
//!
//! Always holds: a version that was saved stays as it is; saving adds the next one, in the transaction that moves the template to it.
//!
//! Does not do: read what the content says ([`crate::content`] does).

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

/// A stored template, with what a list shows of its latest version.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct TemplateRow {
    /// Its name in addresses and journeys; it never changes.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// `email`, `text`, `push` or `slot`; it never changes.
    pub form: String,
    /// The latest version, from 1.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// When the latest version was saved.
    pub updated_at: Timestamp,
    /// By whom.
    pub updated_by: String,
    /// Since when it is put away.
    pub archived_at: Option<Timestamp>,
}

/// A saved version.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct VersionRow {
    /// From 1.
    pub version: i64,
    /// The template's JSON form.
    pub content: String,
    /// The version that this one repeats, when it was restored.
    pub restored_from: Option<i64>,
    /// When.
    pub saved_at: Timestamp,
    /// By whom.
    pub saved_by: String,
}

/// All of a workspace with their latest content, the one changed last first.
pub async fn all(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<(TemplateRow, String)>> {
    let rows = sql!(
        "SELECT key, name, form, version, created_at, created_by, updated_at, updated_by, archived_at FROM templates
         WHERE workspace = $1 ORDER BY updated_at DESC, key"
    );
    let rows: Vec<TemplateRow> = db.fetch_all(rows, args![workspace]).await?;
    let contents = sql!(
        "SELECT v.key, v.content FROM templates t JOIN template_versions v
         ON v.workspace = t.workspace AND v.key = t.key AND v.version = t.version WHERE t.workspace = $1 ORDER BY v.key"
    );
    let contents: Vec<(String, String)> = db.fetch_all(contents, args![workspace]).await?;
    let content = |key: &str| {
        let at = contents.binary_search_by(|(known, _)| known.as_str().cmp(key)).ok();
        at.map(|at| contents[at].1.clone()).unwrap_or_default()
    };
    Ok(rows.into_iter().map(|row| (row.clone(), content(&row.key))).collect())
}

/// One by its key.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, key: &str) -> Result<Option<TemplateRow>> {
    let text = sql!(
        "SELECT key, name, form, version, created_at, created_by, updated_at, updated_by, archived_at FROM templates
         WHERE workspace = $1 AND key = $2"
    );
    db.fetch_optional(text, args![workspace, key]).await
}

/// How many there are.
pub async fn count(db: &mut impl Queries, workspace: WorkspaceId) -> Result<i64> {
    db.scalar(sql!("SELECT COUNT(*) FROM templates WHERE workspace = $1"), args![workspace]).await
}

/// Adds a template or moves it to its next version. `row.version` is the version that is saved.
///
/// # Errors
/// A violation of uniqueness when that version was saved already, e.g. by somebody else at the same time.
pub async fn save(
    tx: &mut Tx,
    workspace: WorkspaceId,
    row: &TemplateRow,
    content: &str,
    restored_from: Option<i64>,
) -> Result<()> {
    let version = sql!(
        "INSERT INTO template_versions (workspace, key, version, content, restored_from, saved_at, saved_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7)"
    );
    let values = args![workspace, &row.key, row.version, content, restored_from, row.updated_at, &row.updated_by];
    tx.execute(version, values).await?;
    let text = sql!(
        "INSERT INTO templates (workspace, key, name, form, version, created_at, created_by, updated_at, updated_by, archived_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (key, workspace) DO UPDATE SET name = excluded.name, version = excluded.version,
           updated_at = excluded.updated_at, updated_by = excluded.updated_by"
    );
    let values = args![
        workspace,
        &row.key,
        &row.name,
        &row.form,
        row.version,
        row.created_at,
        &row.created_by,
        row.updated_at,
        &row.updated_by,
        row.archived_at
    ];
    tx.execute(text, values).await?;
    Ok(())
}

/// Puts a template away, or takes it out again.
pub async fn archive(tx: &mut Tx, workspace: WorkspaceId, key: &str, at: Option<Timestamp>) -> Result<()> {
    let text = sql!("UPDATE templates SET archived_at = $3 WHERE workspace = $1 AND key = $2");
    tx.execute(text, args![workspace, key, at]).await?;
    Ok(())
}

/// Every version, the newest first.
pub async fn versions(db: &mut impl Queries, workspace: WorkspaceId, key: &str) -> Result<Vec<VersionRow>> {
    let text = sql!(
        "SELECT version, content, restored_from, saved_at, saved_by FROM template_versions
         WHERE workspace = $1 AND key = $2 ORDER BY version DESC"
    );
    db.fetch_all(text, args![workspace, key]).await
}

/// One version.
pub async fn version(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    key: &str,
    version: i64,
) -> Result<Option<VersionRow>> {
    let text = sql!(
        "SELECT version, content, restored_from, saved_at, saved_by FROM template_versions
         WHERE workspace = $1 AND key = $2 AND version = $3"
    );
    db.fetch_optional(text, args![workspace, key, version]).await
}
