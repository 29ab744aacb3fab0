//! What was done about a follow-up, line by line. Lines are only added.

use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};
use serde_json::Value;

/// A line.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct LogRow {
    /// Of which follow-up.
    pub follow_up: String,
    /// Its place, from 1.
    pub number: i64,
    /// Whom it is about.
    pub person: PersonId,
    /// When.
    pub at: Timestamp,
    /// By whom: a user, a key, or the program itself.
    pub by: String,
    /// What was done: a word of [`crate::follow_ups::work`].
    pub act: String,
    /// How they were spoken with.
    pub channel: Option<String>,
    /// What was said or noted.
    pub text: Option<String>,
    /// The new owner, the outcome, until when.
    pub detail: Option<String>,
    /// The line that it takes back.
    pub undoes: Option<i64>,
    /// What there was before it, of what can be taken back.
    pub before: Option<Value>,
}

/// Adds a line at the end; its place. The number in the row is not looked at.
pub async fn append(tx: &mut Tx, workspace: WorkspaceId, row: &LogRow) -> Result<i64> {
    let last = sql!(
        "SELECT CAST(COALESCE(MAX(number), 0) AS BIGINT) FROM follow_up_log WHERE follow_up = $2 AND workspace = $1"
    );
    let (last,): (i64,) = tx.fetch_one(last, args![workspace, &row.follow_up]).await?;
    let text = sql!(
        "INSERT INTO follow_up_log (workspace, follow_up, number, person, at, by, act, channel, text, detail, undoes, before)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
    );
    let args = args![
        workspace,
        &row.follow_up,
        last + 1,
        row.person,
        row.at,
        &row.by,
        &row.act,
        row.channel.as_deref(),
        row.text.as_deref(),
        row.detail.as_deref(),
        row.undoes,
        row.before.clone()
    ];
    tx.execute(text, args).await?;
    Ok(last + 1)
}

/// Those of some follow-ups, in their order.
pub async fn of(db: &mut impl Queries, workspace: WorkspaceId, follow_ups: &[String]) -> Result<Vec<LogRow>> {
    let text = sql!(
        "SELECT follow_up, number, person, at, by, act, channel, text, detail, undoes, before FROM follow_up_log
         WHERE follow_up IN ($2) AND workspace = $1 ORDER BY follow_up, number"
    );
    db.fetch_all(text, args![workspace, follow_ups]).await
}

/// Takes the lines of one that was united with another away, once they were added there.
pub async fn delete(tx: &mut Tx, workspace: WorkspaceId, follow_up: &str) -> Result<()> {
    let text = sql!("DELETE FROM follow_up_log WHERE follow_up = $2 AND workspace = $1");
    tx.execute(text, args![workspace, follow_up]).await?;
    Ok(())
}

/// Says whose they are now.
pub async fn follow(tx: &mut Tx, workspace: WorkspaceId, follow_up: &str, person: PersonId) -> Result<()> {
    let text = sql!("UPDATE follow_up_log SET person = $3 WHERE follow_up = $2 AND workspace = $1");
    tx.execute(text, args![workspace, follow_up, person]).await?;
    Ok(())
}
