//! Scores of others, entered with where they are from and of when: an industry's, a competitor's, one's own from before.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

/// A stored benchmark.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct BenchmarkRow {
    /// Its name in addresses.
    pub id: String,
    /// Whose score it is: an industry, a competitor.
    pub name: String,
    /// What was measured, as in [`crate::results::scores::measures`].
    pub measure: String,
    /// The score, in the unit of the measure.
    pub score: f64,
    /// Half of its interval's width, where the source says it.
    pub margin: Option<f64>,
    /// Of a mean: the least of the scale it is on.
    pub low: Option<i64>,
    /// Of a mean: the most.
    pub high: Option<i64>,
    /// Where it is from.
    pub source: String,
    /// Of which day it is: `2026-01-31`.
    pub as_of: String,
    /// When it was entered.
    pub entered_at: Timestamp,
    /// By whom.
    pub entered_by: String,
}

/// All of a workspace, the newest day first.
pub async fn all(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<BenchmarkRow>> {
    let text = sql!(
        "SELECT id, name, measure, score, margin, low, high, source, as_of, entered_at, entered_by FROM benchmarks
         WHERE workspace = $1 ORDER BY as_of DESC, name, id"
    );
    db.fetch_all(text, args![workspace]).await
}

/// Adds one, or writes it anew.
pub async fn save(tx: &mut Tx, workspace: WorkspaceId, row: &BenchmarkRow) -> Result<()> {
    let text = sql!(
        "INSERT INTO benchmarks (id, workspace, name, measure, score, margin, low, high, source, as_of, entered_at, entered_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         ON CONFLICT (workspace, id) DO UPDATE SET name = excluded.name, measure = excluded.measure, score = excluded.score,
           margin = excluded.margin, low = excluded.low, high = excluded.high, source = excluded.source, as_of = excluded.as_of,
           entered_at = excluded.entered_at, entered_by = excluded.entered_by"
    );
    let args = args![
        &row.id,
        workspace,
        &row.name,
        &row.measure,
        row.score,
        row.margin,
        row.low,
        row.high,
        &row.source,
        &row.as_of,
        row.entered_at,
        &row.entered_by
    ];
    tx.execute(text, args).await?;
    Ok(())
}

/// Takes one away; whether there was one.
pub async fn delete(tx: &mut Tx, workspace: WorkspaceId, id: &str) -> Result<bool> {
    let text = sql!("DELETE FROM benchmarks WHERE workspace = $1 AND id = $2");
    Ok(tx.execute(text, args![workspace, id]).await? == 1)
}
