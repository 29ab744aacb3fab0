//! Copies of messages for the company's own people: tests that somebody asked for, and what the seed list gets of each campaign.
//!
//! Always holds: they are no messages to customers, so no report, cap, goal or consent ever sees them; of a campaign's run each seed gets each mail once.

use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Sql, Tx, args, sql};

/// Somebody asked for it.
pub const TEST: &str = "test";
/// The seed list gets it.
pub const SEED: &str = "seed";

/// A stored copy.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct CopyRow {
    /// Its name.
    pub id: String,
    /// Whose workspace.
    pub workspace: WorkspaceId,
    /// [`TEST`] or [`SEED`].
    pub kind: String,
    /// Where it goes.
    pub address: String,
    /// Of which template.
    pub template: String,
    /// With whose values; with examples for nobody's.
    pub person: Option<PersonId>,
    /// The campaign.
    pub journey: String,
    /// Its run.
    pub run: String,
    /// The node.
    pub node: String,
    /// `queued`, `sending`, `sent` or `failed`.
    pub state: String,
    /// When it was asked for.
    pub decided_at: Timestamp,
    /// When to work on it.
    pub due_at: Option<Timestamp>,
    /// How often it was tried.
    pub attempts: i64,
    /// What the other side answered, or why it could not be written.
    pub response: Option<String>,
    /// When it was handed over.
    pub sent_at: Option<Timestamp>,
    /// Who asked.
    pub asked_by: String,
}

const COLUMNS: &str = "id, workspace, kind, address, template, person, journey, run, node, state, decided_at, due_at, attempts, response, sent_at,
    asked_by";

/// Adds copies; a seed that has one already gets no other.
pub async fn insert(tx: &mut Tx, rows: &[CopyRow]) -> Result<u64> {
    let text = sql!(
        "INSERT INTO message_copies (id, workspace, kind, address, template, person, journey, run, node, state, decided_at, due_at, attempts,
           response, sent_at, asked_by) VALUES {rows} ON CONFLICT DO NOTHING"
    );
    let rows = rows.iter().map(|r| {
        args![
            &r.id,
            r.workspace,
            &r.kind,
            &r.address,
            &r.template,
            r.person,
            &r.journey,
            &r.run,
            &r.node,
            &r.state,
            r.decided_at,
            r.due_at,
            r.attempts,
            r.response.as_deref(),
            r.sent_at,
            &r.asked_by
        ]
    });
    tx.execute_many(text, rows).await
}

/// Whether the seed list has what a node of a run sends.
pub async fn is_seeded(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (journey, run, node): (&str, &str, &str),
) -> Result<bool> {
    let text = sql!(
        "SELECT id FROM message_copies WHERE workspace = $1 AND kind = 'seed' AND journey = $2 AND run = $3 AND node = $4 LIMIT 1"
    );
    let found: Option<(String,)> = db.fetch_optional(text, args![workspace, journey, run, node]).await?;
    Ok(found.is_some())
}

/// Those to be worked on by now, of all workspaces.
pub async fn due(db: &mut impl Queries, now: Timestamp, limit: i64) -> Result<Vec<CopyRow>> {
    let text = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM message_copies WHERE due_at IS NOT NULL AND due_at <= $1 ORDER BY due_at, id LIMIT $2"
    ));
    db.fetch_all(text, args![now, limit]).await
}

/// Takes one: until `again` nobody else has it.
pub async fn take(tx: &mut Tx, row: &CopyRow, again: Timestamp) -> Result<bool> {
    let text = sql!(
        "UPDATE message_copies SET state = 'sending', due_at = $3, attempts = attempts + 1 WHERE id = $1 AND due_at = $2"
    );
    Ok(tx.execute(text, args![&row.id, row.due_at, again]).await? > 0)
}

/// Notes what became of one.
pub async fn note(
    tx: &mut Tx,
    id: &str,
    (state, due_at): (&str, Option<Timestamp>),
    response: &str,
    sent_at: Option<Timestamp>,
) -> Result<()> {
    let text = sql!("UPDATE message_copies SET state = $2, due_at = $3, response = $4, sent_at = $5 WHERE id = $1");
    tx.execute(text, args![id, state, due_at, response, sent_at]).await?;
    Ok(())
}

/// The latest of a template, or of a journey's seeds.
pub async fn latest(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    template: Option<&str>,
    journey: Option<&str>,
    limit: i64,
) -> Result<Vec<CopyRow>> {
    let text = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM message_copies WHERE workspace = $1 AND (CAST($2 AS TEXT) IS NULL OR template = $2)
           AND (CAST($3 AS TEXT) IS NULL OR journey = $3) ORDER BY decided_at DESC, id LIMIT $4"
    ));
    db.fetch_all(text, args![workspace, template, journey, limit]).await
}

/// How many tests were asked for since.
pub async fn count_since(db: &mut impl Queries, workspace: WorkspaceId, since: Timestamp) -> Result<i64> {
    let text = sql!("SELECT COUNT(*) FROM message_copies WHERE workspace = $1 AND decided_at >= $2 AND kind = 'test'");
    db.scalar(text, args![workspace, since]).await
}

/// Forgets those of before.
pub async fn delete_before(tx: &mut Tx, before: Timestamp) -> Result<()> {
    tx.execute(sql!("DELETE FROM message_copies WHERE decided_at < $1"), args![before]).await?;
    Ok(())
}
