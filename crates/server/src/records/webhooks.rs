//! Webhooks: where domain events are sent.

use rapport_domain::{Id, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Sql, Tx, args, sql};

/// A stored webhook.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct WebhookRow {
    /// Its name (`whk_...`).
    pub id: Id,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// Where to.
    pub url: String,
    /// What messages are signed with.
    pub secret: String,
    /// Names of events, as a JSON list.
    pub events: String,
    /// Keys of segments, as a JSON list; empty for all.
    pub segments: String,
    /// Whether it is sent to.
    pub active: bool,
    /// Since when it is there.
    pub created_at: Timestamp,
    /// Since when nothing arrived.
    pub failing_since: Option<Timestamp>,
    /// Failures in a row.
    pub attempts: i64,
    /// Not before.
    pub next_at: Timestamp,
    /// When it was sent to last.
    pub last_at: Option<Timestamp>,
    /// What it answered, if it did.
    pub last_status: Option<i64>,
    /// Why nothing arrived.
    pub last_error: Option<String>,
}

impl WebhookRow {
    /// The name of its cursor.
    pub fn consumer(&self) -> String {
        format!("webhook:{}", self.id)
    }
}

const COLUMNS: &str = "id, workspace, url, secret, events, segments, active, created_at, failing_since, attempts, next_at, last_at, last_status, last_error";

/// All of a workspace, the oldest first.
pub async fn all(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<WebhookRow>> {
    let text = Sql::assembled(format!("SELECT {COLUMNS} FROM webhooks WHERE workspace = $1 ORDER BY created_at, id"));
    db.fetch_all(text, args![workspace]).await
}

/// Those that can be sent to now, of all workspaces.
pub async fn due(db: &mut impl Queries, now: Timestamp) -> Result<Vec<WebhookRow>> {
    let text = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM webhooks WHERE active = $1 AND next_at <= $2 ORDER BY next_at, id"
    ));
    db.fetch_all(text, args![true, now]).await
}

/// Adds one or writes a changed one.
pub async fn save(tx: &mut Tx, row: &WebhookRow) -> Result<()> {
    let text = sql!(
        "INSERT INTO webhooks (id, workspace, url, secret, events, segments, active, created_at, failing_since, attempts, next_at, last_at,
           last_status, last_error) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
         ON CONFLICT (id) DO UPDATE SET url = excluded.url, events = excluded.events, segments = excluded.segments, active = excluded.active,
           failing_since = excluded.failing_since, attempts = excluded.attempts, next_at = excluded.next_at, last_at = excluded.last_at,
           last_status = excluded.last_status, last_error = excluded.last_error"
    );
    let values = args![
        &row.id,
        row.workspace,
        &row.url,
        &row.secret,
        &row.events,
        &row.segments,
        row.active,
        row.created_at,
        row.failing_since,
        row.attempts,
        row.next_at,
        row.last_at,
        row.last_status,
        row.last_error.as_deref()
    ];
    tx.execute(text, values).await?;
    Ok(())
}

/// What came of sending; what people changed meanwhile stays.
pub async fn sent(tx: &mut Tx, row: &WebhookRow) -> Result<()> {
    let text = sql!(
        "UPDATE webhooks SET active = CASE WHEN $2 THEN active ELSE $2 END, failing_since = $3, attempts = $4, next_at = $5, last_at = $6,
           last_status = $7, last_error = $8 WHERE id = $1"
    );
    let values = args![
        &row.id,
        row.active,
        row.failing_since,
        row.attempts,
        row.next_at,
        row.last_at,
        row.last_status,
        row.last_error.as_deref()
    ];
    tx.execute(text, values).await?;
    Ok(())
}

/// Deletes one, with its cursor.
pub async fn delete(tx: &mut Tx, workspace: WorkspaceId, row: &WebhookRow) -> Result<()> {
    tx.execute(sql!("DELETE FROM webhooks WHERE workspace = $1 AND id = $2"), args![workspace, &row.id]).await?;
    let cursor = sql!("DELETE FROM consumer_cursor WHERE workspace = $1 AND consumer = $2");
    tx.execute(cursor, args![workspace, row.consumer()]).await?;
    Ok(())
}
