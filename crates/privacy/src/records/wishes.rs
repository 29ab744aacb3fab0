//! Wishes that are no consent: how often, in which language.

use rapport_domain::{Handle, Timestamp, WorkspaceId};
use rapport_store::{Queries, Result, Tx, args, sql};

/// How often somebody wants to hear of us: the value is one of [`FREQUENCIES`].
pub const FREQUENCY: &str = "frequency";
/// In which language: a BCP 47 tag.
pub const LANGUAGE: &str = "language";
/// Every message, at most one a week, at most one a month.
pub const FREQUENCIES: [&str; 3] = ["all", "weekly", "monthly"];

/// What was wished under these identifiers: (key, value, since when), the latest of each key.
pub async fn of_handles(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    handles: &[Handle],
) -> Result<Vec<(String, String, Timestamp)>> {
    let text = sql!(
        "SELECT key, value, changed_at FROM wishes WHERE workspace = $1 AND handle IN ($2) ORDER BY key, changed_at DESC, handle"
    );
    let mut rows: Vec<(String, String, Timestamp)> = db.fetch_all(text, args![workspace, handles]).await?;
    rows.dedup_by(|later, earlier| later.0 == earlier.0);
    Ok(rows)
}

/// The time between two messages that is wished under each of these identifiers, in microseconds, where less than every message is.
pub async fn gaps(db: &mut impl Queries, workspace: WorkspaceId, handles: &[Handle]) -> Result<Vec<(Handle, i64)>> {
    let text =
        sql!("SELECT handle, value FROM wishes WHERE workspace = $1 AND handle IN ($2) AND key = $3 ORDER BY handle");
    let rows: Vec<(Handle, String)> = db.fetch_all(text, args![workspace, handles, FREQUENCY]).await?;
    let gap = |value: &str| match value {
        "weekly" => Some(7 * Timestamp::DAY),
        "monthly" => Some(30 * Timestamp::DAY),
        _ => None,
    };
    Ok(rows.into_iter().filter_map(|(handle, value)| Some((handle, gap(&value)?))).collect())
}

/// Notes wishes, unless later ones are known: (identifier, key, value, when).
pub async fn save(tx: &mut Tx, workspace: WorkspaceId, rows: &[(Handle, String, String, Timestamp)]) -> Result<()> {
    let text = sql!(
        "INSERT INTO wishes (workspace, handle, key, value, changed_at) VALUES {rows}
         ON CONFLICT (handle, key, workspace) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at
         WHERE excluded.changed_at >= wishes.changed_at"
    );
    tx.execute_many(text, rows.iter().map(|(handle, key, value, at)| args![workspace, *handle, key, value, *at]))
        .await?;
    Ok(())
}
