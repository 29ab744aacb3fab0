//! What journeys do beside messages: traits, lists, webhooks, actions. Written with the step that decided it, done by the server.

use rapport_domain::{Handle, PersonId, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Sql, Tx, args, sql};
use serde_json::Value;

/// A stored act.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct ActRow {
    /// Its name.
    pub id: String,
    /// Whose workspace.
    pub workspace: WorkspaceId,
    /// About whom.
    pub person: PersonId,
    /// The identifier that came in.
    pub handle: Option<Handle>,
    /// The instance.
    pub instance: String,
    /// The journey.
    pub journey: String,
    /// The node.
    pub node: String,
    /// Which time at it.
    pub visit: i64,
    /// `trait`, `list_on`, `list_off`, `webhook` or `act`.
    pub kind: String,
    /// The trait's name, the list's key, the address, the action's name.
    pub target: String,
    /// The value, or what is told.
    pub content: Value,
    /// `queued`, `done`, `failed`, or `skipped`: it was not to be done any more, and `error` is the reason's word.
    pub state: String,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// When to work on it.
    pub due_at: Option<Timestamp>,
    /// How often it was tried.
    pub attempts: i64,
    /// Since when it fails.
    pub failing_since: Option<Timestamp>,
    /// Why.
    pub error: Option<String>,
}

const COLUMNS: &str = "id, workspace, person, handle, instance, journey, node, visit, kind, target, content, state, decided_at, due_at, attempts,
    failing_since, error";

/// Adds acts; the same again changes nothing.
pub async fn insert(tx: &mut Tx, rows: &[ActRow]) -> Result<()> {
    let text = sql!(
        "INSERT INTO journey_acts (id, workspace, person, handle, instance, journey, node, visit, kind, target, content, state, decided_at,
           due_at, attempts, failing_since, error) VALUES {rows} ON CONFLICT DO NOTHING"
    );
    let rows = rows.iter().map(|r| {
        args![
            &r.id,
            r.workspace,
            r.person,
            r.handle,
            &r.instance,
            &r.journey,
            &r.node,
            r.visit,
            &r.kind,
            &r.target,
            r.content.clone(),
            &r.state,
            r.decided_at,
            r.due_at,
            r.attempts,
            r.failing_since,
            r.error.as_deref()
        ]
    });
    tx.execute_many(text, rows).await?;
    Ok(())
}

/// The state of one that waits for its turn.
pub const QUEUED: &str = "queued";
/// It was done.
pub const DONE: &str = "done";
/// It was tried for long enough.
pub const FAILED: &str = "failed";
/// It was not to be done any more.
pub const SKIPPED: &str = "skipped";

/// Those to be done here by now: all but webhooks.
pub async fn due_here(db: &mut impl Queries, now: Timestamp, limit: i64) -> Result<Vec<ActRow>> {
    let text = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM journey_acts WHERE due_at IS NOT NULL AND due_at <= $1 AND kind <> 'webhook' ORDER BY due_at, id LIMIT $2"
    ));
    db.fetch_all(text, args![now, limit]).await
}

/// Webhooks to be told by now, but for those to these addresses.
pub async fn due_webhooks(db: &mut impl Queries, now: Timestamp, but: &[String], limit: i64) -> Result<Vec<ActRow>> {
    let text = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM journey_acts WHERE due_at IS NOT NULL AND due_at <= $1 AND kind = 'webhook' AND target NOT IN ($2)
         ORDER BY due_at, id LIMIT $3"
    ));
    db.fetch_all(text, args![now, but, limit]).await
}

/// Notes what became of one. What was done is noted in any case; of one that was dropped meanwhile nothing else is.
pub async fn note(tx: &mut Tx, row: &ActRow) -> Result<()> {
    let text = sql!(
        "UPDATE journey_acts SET state = $2, due_at = $3, attempts = $4, failing_since = $5, error = $6
         WHERE id = $1 AND (due_at IS NOT NULL OR $2 = 'done')"
    );
    let values = args![&row.id, &row.state, row.due_at, row.attempts, row.failing_since, row.error.as_deref()];
    tx.execute(text, values).await?;
    Ok(())
}

/// Drops acts of a journey that are not done yet, because it was stopped; how many there were.
pub async fn drop_queued(tx: &mut Tx, workspace: WorkspaceId, journey: &str, limit: i64) -> Result<u64> {
    let text = sql!(
        "UPDATE journey_acts SET state = 'skipped', error = 'stopped', due_at = NULL WHERE id IN (
           SELECT id FROM journey_acts WHERE due_at IS NOT NULL AND workspace = $1 AND journey = $2 LIMIT $3)"
    );
    tx.execute(text, args![workspace, journey, limit]).await
}

/// How many failed at each node of a journey.
pub async fn failed(db: &mut impl Queries, workspace: WorkspaceId, journey: &str) -> Result<Vec<(String, i64)>> {
    let text = sql!(
        "SELECT node, COUNT(*) FROM journey_acts WHERE workspace = $1 AND journey = $2 AND state = 'failed' GROUP BY node ORDER BY node"
    );
    db.fetch_all(text, args![workspace, journey]).await
}

/// Those that failed, the latest first.
pub async fn failed_rows(db: &mut impl Queries, workspace: WorkspaceId, limit: i64) -> Result<Vec<ActRow>> {
    let text = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM journey_acts WHERE workspace = $1 AND state = 'failed' ORDER BY decided_at DESC, id LIMIT $2"
    ));
    db.fetch_all(text, args![workspace, limit]).await
}

/// Tries failed ones again, one or all, at most so many; how many it were.
pub async fn replay(tx: &mut Tx, workspace: WorkspaceId, id: Option<&str>, now: Timestamp, limit: i64) -> Result<u64> {
    let text = sql!(
        "UPDATE journey_acts SET state = 'queued', due_at = $3, attempts = 0, failing_since = NULL, error = NULL WHERE id IN (
           SELECT id FROM journey_acts WHERE workspace = $1 AND state = 'failed' AND (CAST($2 AS TEXT) IS NULL OR id = $2)
           ORDER BY decided_at LIMIT $4)"
    );
    tx.execute(text, args![workspace, id, now, limit]).await
}
