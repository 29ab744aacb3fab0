//! Sources: where events come from, and how many came.

use rapport_domain::{SourceId, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

/// A stored source.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct SourceRow {
    /// Which one; numbered within the data folder.
    pub source: SourceId,
    /// What people call it; unique in its workspace.
    pub name: String,
    /// http, file, sample or rapport.
    pub kind: String,
    /// Events applied.
    pub events: i64,
    /// Events rejected.
    pub rejects: i64,
    /// When the last applied event was received.
    pub last_event_at: Option<Timestamp>,
    /// Since when.
    pub created_at: Timestamp,
}

/// A new source; fails with a unique violation when the name is taken.
pub async fn create(tx: &mut Tx, workspace: WorkspaceId, name: &str, kind: &str, at: Timestamp) -> Result<SourceId> {
    let text = sql!(
        "INSERT INTO sources (workspace, name, kind, events, rejects, created_at) VALUES ($1, $2, $3, $4, $4, $5)
         RETURNING source"
    );
    tx.scalar(text, args![workspace, name, kind, 0_i64, at]).await
}

/// The source of this name, made if there is none.
pub async fn ensure(tx: &mut Tx, workspace: WorkspaceId, name: &str, kind: &str, at: Timestamp) -> Result<SourceId> {
    let text = sql!("SELECT source FROM sources WHERE workspace = $1 AND name = $2");
    match tx.fetch_optional::<(SourceId,)>(text, args![workspace, name]).await? {
        Some((source,)) => Ok(source),
        None => create(tx, workspace, name, kind, at).await,
    }
}

/// The kind of the source whose events the program itself makes.
pub const OWN: &str = "rapport";

/// The sources of a kind.
pub async fn of_kind(db: &mut impl Queries, workspace: WorkspaceId, kind: &str) -> Result<Vec<SourceId>> {
    let text = sql!("SELECT source FROM sources WHERE workspace = $1 AND kind = $2 ORDER BY source");
    let rows: Vec<(SourceId,)> = db.fetch_all(text, args![workspace, kind]).await?;
    Ok(rows.into_iter().map(|(source,)| source).collect())
}

/// All sources of a workspace, oldest first.
pub async fn all(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<SourceRow>> {
    let text = sql!(
        "SELECT source, name, kind, events, rejects, last_event_at, created_at FROM sources WHERE workspace = $1 ORDER BY source"
    );
    db.fetch_all(text, args![workspace]).await
}

/// One source.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, source: SourceId) -> Result<Option<SourceRow>> {
    let text = sql!(
        "SELECT source, name, kind, events, rejects, last_event_at, created_at FROM sources WHERE workspace = $1 AND source = $2"
    );
    db.fetch_optional(text, args![workspace, source]).await
}

/// Counts applied events; to be called in the transaction that applies them.
pub async fn add_events(
    tx: &mut Tx,
    workspace: WorkspaceId,
    source: SourceId,
    events: i64,
    last_received_at: Timestamp,
) -> Result<()> {
    let text = sql!(
        "UPDATE sources SET events = events + $3,
           last_event_at = CASE WHEN last_event_at IS NULL OR last_event_at < $4 THEN $4 ELSE last_event_at END
         WHERE workspace = $1 AND source = $2"
    );
    tx.execute(text, args![workspace, source, events, last_received_at]).await?;
    Ok(())
}

/// Counts rejected events.
pub async fn add_rejects(tx: &mut Tx, workspace: WorkspaceId, source: SourceId, rejects: i64) -> Result<()> {
    let text = sql!("UPDATE sources SET rejects = rejects + $3 WHERE workspace = $1 AND source = $2");
    tx.execute(text, args![workspace, source, rejects]).await?;
    Ok(())
}
