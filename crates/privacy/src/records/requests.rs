//! What people asked for under data protection law, and what was done.

use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

/// A request.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct RequestRow {
    /// `prq_...`.
    pub id: String,
    /// `access`, `erasure`, `restriction`.
    pub kind: String,
    /// `received`, `running`, `done`, `refused`, `failed`.
    pub state: String,
    /// Whose; nobody any more after an erasure.
    pub person: Option<PersonId>,
    /// When it came.
    pub requested_at: Timestamp,
    /// When it must be done: a month later (GDPR Article 12(3)).
    pub due_at: Timestamp,
    /// When it was.
    pub finished_at: Option<Timestamp>,
    /// Who asked: `person`, or the id of a user or key.
    pub actor: String,
    /// What was done: counts by store, no personal data.
    pub report: serde_json::Value,
}

/// The latest requests.
pub async fn list(db: &mut impl Queries, workspace: WorkspaceId, limit: i64) -> Result<Vec<RequestRow>> {
    let text = sql!(
        "SELECT id, kind, state, person, requested_at, due_at, finished_at, actor, report FROM privacy_requests
         WHERE workspace = $1 ORDER BY requested_at DESC, id LIMIT $2"
    );
    db.fetch_all(text, args![workspace, limit]).await
}

/// One request.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, id: &str) -> Result<Option<RequestRow>> {
    let text = sql!(
        "SELECT id, kind, state, person, requested_at, due_at, finished_at, actor, report FROM privacy_requests
         WHERE id = $2 AND workspace = $1"
    );
    db.fetch_optional(text, args![workspace, id]).await
}

/// Those that are not finished, the oldest first, of all workspaces.
pub async fn unfinished(db: &mut impl Queries) -> Result<Vec<(WorkspaceId, String)>> {
    let text = sql!("SELECT workspace, id FROM privacy_requests WHERE finished_at IS NULL ORDER BY requested_at, id");
    db.fetch_all(text, args![]).await
}

/// What somebody asked for of a kind and waits, the oldest.
pub async fn open_of(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    person: PersonId,
    kind: &str,
) -> Result<Option<RequestRow>> {
    let text = sql!(
        "SELECT id, kind, state, person, requested_at, due_at, finished_at, actor, report FROM privacy_requests
         WHERE workspace = $1 AND person = $2 AND kind = $3 AND finished_at IS NULL ORDER BY requested_at, id LIMIT 1"
    );
    db.fetch_optional(text, args![workspace, person, kind]).await
}

/// Closes what somebody asked for of a kind: it was done.
pub async fn close(tx: &mut Tx, workspace: WorkspaceId, person: PersonId, kind: &str, at: Timestamp) -> Result<()> {
    let text = sql!(
        "UPDATE privacy_requests SET state = 'done', finished_at = $4
         WHERE workspace = $1 AND person = $2 AND kind = $3 AND finished_at IS NULL"
    );
    tx.execute(text, args![workspace, person, kind, at]).await?;
    Ok(())
}

/// Those of some persons who asked for anything.
pub async fn askers(db: &mut impl Queries, workspace: WorkspaceId, persons: &[PersonId]) -> Result<Vec<(PersonId,)>> {
    let text =
        sql!("SELECT DISTINCT person FROM privacy_requests WHERE workspace = $1 AND person IN ($2) ORDER BY person");
    db.fetch_all(text, args![workspace, persons]).await
}

/// Gives what a person asked for to whoever they are one with now.
pub async fn give(tx: &mut Tx, workspace: WorkspaceId, from: PersonId, to: PersonId) -> Result<()> {
    let text = sql!("UPDATE privacy_requests SET person = $3 WHERE workspace = $1 AND person = $2");
    tx.execute(text, args![workspace, from, to]).await?;
    Ok(())
}

/// Closes all that somebody asked for: there is nobody any more.
pub async fn close_all(tx: &mut Tx, workspace: WorkspaceId, person: PersonId, at: Timestamp) -> Result<()> {
    let text = sql!(
        "UPDATE privacy_requests SET state = 'done', finished_at = $3 WHERE workspace = $1 AND person = $2 AND finished_at IS NULL"
    );
    tx.execute(text, args![workspace, person, at]).await?;
    Ok(())
}

/// Notes a request, or how far it has come.
pub async fn save(tx: &mut Tx, workspace: WorkspaceId, row: &RequestRow) -> Result<()> {
    let text = sql!(
        "INSERT INTO privacy_requests (workspace, id, kind, state, person, requested_at, due_at, finished_at, actor, report)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (id) DO UPDATE SET state = excluded.state, person = excluded.person, finished_at = excluded.finished_at,
           report = excluded.report"
    );
    let args = args![
        workspace,
        &row.id,
        &row.kind,
        &row.state,
        row.person,
        row.requested_at,
        row.due_at,
        row.finished_at,
        &row.actor,
        &row.report
    ];
    tx.execute(text, args).await?;
    Ok(())
}
