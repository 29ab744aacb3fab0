//! How the digest is set, who got which, and the counts that are in it alone.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Json, Queries, Record, Result, Tx, args, sql};

use super::Settings;

/// It was handed over.
pub const SENT: &str = "sent";
/// It could not be.
pub const FAILED: &str = "failed";
const SENDING: &str = "sending";

/// How it is set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    /// The settings.
    pub settings: Settings,
    /// When it was switched on last.
    pub enabled_at: Timestamp,
    /// Grows each time it is saved; 0 where it never was.
    pub revision: i64,
    /// When it was saved last, and by whom.
    pub updated: Option<(Timestamp, String)>,
}

#[derive(Record)]
struct Row {
    settings: Json<Settings>,
    enabled_at: Timestamp,
    revision: i64,
    updated_at: Timestamp,
    updated_by: String,
}

/// How it is set in a workspace.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Kept> {
    let text =
        sql!("SELECT settings, enabled_at, revision, updated_at, updated_by FROM digest_settings WHERE workspace = $1");
    let found: Option<Row> = db.fetch_optional(text, args![workspace]).await?;
    Ok(found.map_or_else(Kept::default, |row| Kept {
        settings: row.settings.0,
        enabled_at: row.enabled_at,
        revision: row.revision,
        updated: Some((row.updated_at, row.updated_by)),
    }))
}

/// Saves the settings if they are at the revision that was seen; whether they were.
pub async fn save(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (settings, enabled_at): (&Settings, Timestamp),
    seen: i64,
    (at, by): (Timestamp, &str),
) -> Result<bool> {
    let text = sql!(
        "INSERT INTO digest_settings (workspace, settings, enabled_at, revision, updated_at, updated_by) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (workspace) DO UPDATE SET settings = excluded.settings, enabled_at = excluded.enabled_at, revision = excluded.revision,
           updated_at = excluded.updated_at, updated_by = excluded.updated_by
         WHERE digest_settings.revision = $7"
    );
    let args = args![workspace, Json(settings.clone()), enabled_at, seen + 1, at, by, seen];
    Ok(tx.execute(text, args).await? > 0)
}

/// Who is done with in a period, or is being sent it: they are left alone now.
pub async fn settled(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    period: Timestamp,
    (now, most): (Timestamp, i64),
) -> Result<Vec<(String,)>> {
    let text = sql!(
        "SELECT recipient FROM digest_sends WHERE period = $2 AND workspace = $1 AND (state <> $3 OR try_at > $4 OR attempts >= $5) ORDER BY recipient"
    );
    db.fetch_all(text, args![workspace, period, SENDING, now, most]).await
}

/// Takes the mail of a period to somebody until `lease`; whether nobody has it, it did not go out, and it was tried fewer than `most` times.
pub async fn take(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (period, recipient): (Timestamp, &str),
    (now, lease): (Timestamp, Timestamp),
    most: i64,
) -> Result<bool> {
    let text = sql!(
        "INSERT INTO digest_sends (workspace, period, recipient, state, attempts, try_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (period, recipient, workspace) DO UPDATE SET attempts = digest_sends.attempts + 1, try_at = excluded.try_at
         WHERE digest_sends.state = $4 AND digest_sends.try_at <= $7 AND digest_sends.attempts < $8"
    );
    let args = args![workspace, period, recipient, SENDING, 1_i64, lease, now, most];
    Ok(tx.execute(text, args).await? > 0)
}

/// Notes what came of it.
pub async fn note(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (period, recipient): (Timestamp, &str),
    state: &str,
) -> Result<()> {
    let text = sql!("UPDATE digest_sends SET state = $4 WHERE period = $2 AND recipient = $3 AND workspace = $1");
    tx.execute(text, args![workspace, period, recipient, state]).await?;
    Ok(())
}

/// Of those who were invited in a time: how many, and how many answered.
pub async fn responses(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (from, to): (Timestamp, Timestamp),
) -> Result<(i64, i64)> {
    let text = sql!(
        "SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN answered_at IS NULL THEN 0 ELSE 1 END), 0) AS BIGINT) FROM invitations
         WHERE workspace = $1 AND invited_at >= $2 AND invited_at < $3 AND state = 'invited'"
    );
    db.fetch_one(text, args![workspace, from, to]).await
}

/// Reviews of a time by stars, without those that are hidden.
pub async fn stars(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (from, to): (Timestamp, Timestamp),
) -> Result<Vec<(i64, i64)>> {
    let text = sql!(
        "SELECT rating, COUNT(*) FROM reviews WHERE workspace = $1 AND state IN ('new', 'shown', 'waiting') AND written_at >= $2 AND written_at < $3
         GROUP BY rating ORDER BY rating"
    );
    db.fetch_all(text, args![workspace, from, to]).await
}

/// Follow-ups that were done in a time, by outcome.
pub async fn closed(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (from, to): (Timestamp, Timestamp),
) -> Result<Vec<(String, i64)>> {
    let text = sql!(
        "SELECT outcome, COUNT(*) FROM follow_ups
         WHERE workspace = $1 AND outcome IN ('recovered', 'not_recovered', 'not_reached', 'no_action_needed') AND closed_at >= $2 AND closed_at < $3
         GROUP BY outcome ORDER BY outcome"
    );
    db.fetch_all(text, args![workspace, from, to]).await
}
