//! Files of members on schedule, and what came of them.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

/// When a segment's members are written into a file.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct ExportRow {
    /// Of which segment.
    pub segment: i64,
    /// `csv` or `parquet`.
    pub format: String,
    /// Every so many hours.
    pub every_hours: i64,
    /// The next time.
    pub next_at: Timestamp,
}

/// A file that was written, or was not.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct RunRow {
    /// When.
    pub ran_at: Timestamp,
    /// Members in it.
    pub people: i64,
    /// Its place below the data folder.
    pub file: Option<String>,
    /// Why there is none.
    pub error: Option<String>,
}

/// So many runs are remembered.
pub const REMEMBERED: i64 = 10;

/// The schedule of a segment.
pub async fn of_segment(db: &mut impl Queries, workspace: WorkspaceId, segment: i64) -> Result<Option<ExportRow>> {
    let text =
        sql!("SELECT segment, format, every_hours, next_at FROM segment_exports WHERE workspace = $1 AND segment = $2");
    db.fetch_optional(text, args![workspace, segment]).await
}

/// Those that are due, of all workspaces.
pub async fn due(db: &mut impl Queries, now: Timestamp) -> Result<Vec<(WorkspaceId, i64)>> {
    let text = sql!("SELECT workspace, segment FROM segment_exports WHERE next_at <= $1 ORDER BY next_at LIMIT 20");
    db.fetch_all(text, args![now]).await
}

/// Sets a schedule.
pub async fn save(tx: &mut Tx, workspace: WorkspaceId, row: &ExportRow) -> Result<()> {
    let text = sql!(
        "INSERT INTO segment_exports (workspace, segment, format, every_hours, next_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (workspace, segment) DO UPDATE SET format = excluded.format, every_hours = excluded.every_hours, next_at = excluded.next_at"
    );
    tx.execute(text, args![workspace, row.segment, &row.format, row.every_hours, row.next_at]).await?;
    Ok(())
}

/// Ends a schedule.
pub async fn delete(tx: &mut Tx, workspace: WorkspaceId, segment: i64) -> Result<()> {
    let text = sql!("DELETE FROM segment_exports WHERE workspace = $1 AND segment = $2");
    tx.execute(text, args![workspace, segment]).await?;
    Ok(())
}

/// The runs of a segment, the latest first.
pub async fn runs(db: &mut impl Queries, workspace: WorkspaceId, segment: i64) -> Result<Vec<RunRow>> {
    let text = sql!(
        "SELECT ran_at, people, file, error FROM segment_export_runs WHERE workspace = $1 AND segment = $2 ORDER BY ran_at DESC"
    );
    db.fetch_all(text, args![workspace, segment]).await
}

/// Remembers a run, and forgets those that are too old.
pub async fn ran(tx: &mut Tx, workspace: WorkspaceId, segment: i64, run: &RunRow) -> Result<()> {
    let text = sql!(
        "INSERT INTO segment_export_runs (workspace, segment, ran_at, people, file, error) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (workspace, segment, ran_at) DO UPDATE SET people = excluded.people, file = excluded.file, error = excluded.error"
    );
    let values = args![workspace, segment, run.ran_at, run.people, run.file.as_deref(), run.error.as_deref()];
    tx.execute(text, values).await?;
    let text = sql!(
        "DELETE FROM segment_export_runs WHERE workspace = $1 AND segment = $2 AND ran_at < COALESCE((
           SELECT MIN(ran_at) FROM (
             SELECT ran_at FROM segment_export_runs WHERE workspace = $1 AND segment = $2 ORDER BY ran_at DESC LIMIT $3) newest), 0)"
    );
    tx.execute(text, args![workspace, segment, REMEMBERED]).await?;
    Ok(())
}
