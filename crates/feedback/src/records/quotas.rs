//! How many answers each quota has, by wave.

use rapport_domain::WorkspaceId;
use rapport_store::{Queries, Result, Tx, args, sql};

/// The answers that quotas have, by quota.
pub async fn of(db: &mut impl Queries, workspace: WorkspaceId, survey: i64, wave: i64) -> Result<Vec<(String, i64)>> {
    let text = sql!(
        "SELECT quota, filled FROM survey_quotas WHERE survey = $2 AND wave = $3 AND workspace = $1 ORDER BY quota"
    );
    db.fetch_all(text, args![workspace, survey, wave]).await
}

/// Adds to one; what it has then. Others that add to the same wait for the end of this transaction.
pub async fn add(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (survey, wave): (i64, i64),
    quota: &str,
    count: i64,
) -> Result<i64> {
    let text = sql!(
        "INSERT INTO survey_quotas (workspace, survey, wave, quota, filled) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (survey, wave, quota, workspace) DO UPDATE SET filled = survey_quotas.filled + excluded.filled RETURNING filled"
    );
    tx.scalar(text, args![workspace, survey, wave, quota, count]).await
}
