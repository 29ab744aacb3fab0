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
    /// `queued`, `done` or `failed`.
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

/// Those to be done by now.
pub async fn due(db: &mut impl Queries, now: Timestamp, limit: i64) -> Result<Vec<ActRow>> {
    let text = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM journey_acts WHERE due_at IS NOT NULL AND due_at <= $1 ORDER BY due_at, id LIMIT $2"
    ));
    db.fetch_all(text, args![now, limit]).await
}

/// Notes what became of one.
pub async fn note(tx: &mut Tx, row: &ActRow) -> Result<()> {
    let text = sql!(
        "UPDATE journey_acts SET state = $2, due_at = $3, attempts = $4, failing_since = $5, error = $6 WHERE id = $1"
    );
    let values = args![&row.id, &row.state, row.due_at, row.attempts, row.failing_since, row.error.as_deref()];
    tx.execute(text, values).await?;
    Ok(())
}

/// How many failed at each node of a journey.
pub async fn failed(db: &mut impl Queries, workspace: WorkspaceId, journey: &str) -> Result<Vec<(String, i64)>> {
    let text = sql!(
        "SELECT node, COUNT(*) FROM journey_acts WHERE workspace = $1 AND journey = $2 AND state = 'failed' GROUP BY node ORDER BY node"
    );
    db.fetch_all(text, args![workspace, journey]).await
}
