//! Segments: named conditions, with all their versions.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Sql, Tx, args, sql};

use crate::Condition;

/// A stored segment.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct SegmentRow {
    /// Its number in the workspace.
    pub segment: i64,
    /// Its name in conditions and addresses; it never changes.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The condition's JSON form.
    pub condition: String,
    /// Counts changes of the condition, from 1.
    pub version: i64,
    /// `filling` until its members are known, then `live`; `failed` with an error.
    pub state: String,
    /// The version whose members are known.
    pub filled_version: i64,
    /// Why filling failed.
    pub error: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// By whom.
    pub updated_by: String,
}

impl SegmentRow {
    /// A new segment, whose members are not known yet.
    pub fn new(
        segment: i64,
        key: String,
        (name, description): (String, String),
        condition: &Condition,
        now: Timestamp,
        by: &str,
    ) -> Self {
        Self {
            segment,
            key,
            name,
            description,
            condition: condition.to_json().to_string(),
            version: 1,
            state: "filling".to_owned(),
            filled_version: 0,
            error: None,
            created_at: now,
            updated_at: now,
            updated_by: by.to_owned(),
        }
    }
}

/// Their keys and conditions. What was stored was decoded before.
pub fn conditions(rows: &[SegmentRow]) -> Vec<(String, Condition)> {
    rows.iter().filter_map(|row| Some((row.key.clone(), Condition::parse(&row.condition).ok()?))).collect()
}

/// An earlier or the present version.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct VersionRow {
    /// From 1.
    pub version: i64,
    /// What it was called.
    pub name: String,
    /// The condition's JSON form.
    pub condition: String,
    /// When.
    pub saved_at: Timestamp,
    /// By whom.
    pub saved_by: String,
}

const COLUMNS: &str = "segment, key, name, description, condition, version, state, filled_version, error, created_at, updated_at, updated_by";

/// All of a workspace, by name.
pub async fn all(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<SegmentRow>> {
    let text = Sql::assembled(format!("SELECT {COLUMNS} FROM segments WHERE workspace = $1 ORDER BY name, segment"));
    db.fetch_all(text, args![workspace]).await
}

/// One by its key.
pub async fn by_key(db: &mut impl Queries, workspace: WorkspaceId, key: &str) -> Result<Option<SegmentRow>> {
    let text = Sql::assembled(format!("SELECT {COLUMNS} FROM segments WHERE workspace = $1 AND key = $2"));
    db.fetch_optional(text, args![workspace, key]).await
}

/// The next free number.
pub async fn next_number(tx: &mut Tx, workspace: WorkspaceId) -> Result<i64> {
    let text = sql!("SELECT CAST(COALESCE(MAX(segment), 0) + 1 AS BIGINT) FROM segments WHERE workspace = $1");
    tx.scalar(text, args![workspace]).await
}

/// Adds a segment or writes a changed one, and remembers its version.
pub async fn save(tx: &mut Tx, workspace: WorkspaceId, row: &SegmentRow) -> Result<()> {
    let save = sql!(
        "INSERT INTO segments (workspace, segment, key, name, description, condition, version, state, filled_version, error, created_at,
           updated_at, updated_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         ON CONFLICT (workspace, segment) DO UPDATE SET name = excluded.name, description = excluded.description,
           condition = excluded.condition, version = excluded.version, state = excluded.state, filled_version = excluded.filled_version,
           error = excluded.error, updated_at = excluded.updated_at, updated_by = excluded.updated_by"
    );
    let values = args![
        workspace,
        row.segment,
        &row.key,
        &row.name,
        &row.description,
        &row.condition,
        row.version,
        &row.state,
        row.filled_version,
        row.error.as_deref(),
        row.created_at,
        row.updated_at,
        &row.updated_by
    ];
    tx.execute(save, values).await?;
    let version = sql!(
        "INSERT INTO segment_versions (workspace, segment, version, name, condition, saved_at, saved_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (workspace, segment, version) DO UPDATE SET name = excluded.name"
    );
    let values = args![workspace, row.segment, row.version, &row.name, &row.condition, row.updated_at, &row.updated_by];
    tx.execute(version, values).await?;
    Ok(())
}

/// Notes that the members of a version are known, or why not.
pub async fn filled(
    tx: &mut Tx,
    workspace: WorkspaceId,
    segment: i64,
    version: i64,
    error: Option<&str>,
) -> Result<()> {
    let text = sql!(
        "UPDATE segments SET state = CASE WHEN CAST($5 AS TEXT) IS NULL THEN 'live' ELSE 'failed' END,
           filled_version = CASE WHEN CAST($5 AS TEXT) IS NULL THEN $4 ELSE filled_version END, error = $5
         WHERE workspace = $1 AND segment = $2 AND version = $3"
    );
    tx.execute(text, args![workspace, segment, version, version, error]).await?;
    Ok(())
}

/// Every version, newest first.
pub async fn versions(db: &mut impl Queries, workspace: WorkspaceId, segment: i64) -> Result<Vec<VersionRow>> {
    let text = sql!(
        "SELECT version, name, condition, saved_at, saved_by FROM segment_versions
         WHERE workspace = $1 AND segment = $2 ORDER BY version DESC"
    );
    db.fetch_all(text, args![workspace, segment]).await
}

/// Says that a segment's members are to be found again.
pub async fn unfilled(tx: &mut Tx, workspace: WorkspaceId, segment: i64) -> Result<()> {
    let text = sql!("UPDATE segments SET state = 'filling', filled_version = $3 WHERE workspace = $1 AND segment = $2");
    tx.execute(text, args![workspace, segment, 0_i64]).await?;
    Ok(())
}

/// Deletes a segment with its versions, members and flows. Of one that may be large delete the members first
/// ([`super::memberships::delete_all`]).
pub async fn delete(tx: &mut Tx, workspace: WorkspaceId, segment: i64) -> Result<()> {
    for text in [
        sql!("DELETE FROM memberships WHERE workspace = $1 AND segment = $2"),
        sql!("DELETE FROM segment_flows WHERE workspace = $1 AND segment = $2"),
        sql!("DELETE FROM segment_sizes WHERE workspace = $1 AND segment = $2"),
        sql!("DELETE FROM segment_exports WHERE workspace = $1 AND segment = $2"),
        sql!("DELETE FROM segment_export_runs WHERE workspace = $1 AND segment = $2"),
        sql!("DELETE FROM segment_versions WHERE workspace = $1 AND segment = $2"),
        sql!("DELETE FROM segments WHERE workspace = $1 AND segment = $2"),
    ] {
        tx.execute(text, args![workspace, segment]).await?;
    }
    Ok(())
}
