//! Rejected events of live sources: what was wrong and where, with masked excerpts.

use rapport_domain::{Id, SourceId, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

/// A stored reject.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct RejectRow {
    /// Its name (`rej_...`); sorts by time.
    pub id: Id,
    /// When it came.
    pub received_at: Timestamp,
    /// The source's name.
    pub source_name: String,
    /// Why, for programs.
    pub code: String,
    /// Why, for people.
    pub message: String,
    /// Where in the body.
    pub location: String,
    /// The masked beginning of the event.
    pub excerpt: String,
}

/// A reject to store.
#[derive(Clone, Debug)]
pub struct NewReject {
    /// Its name.
    pub id: Id,
    /// Why, for programs.
    pub code: &'static str,
    /// Why, for people.
    pub message: String,
    /// Where in the body.
    pub location: String,
    /// The masked beginning of the event.
    pub excerpt: String,
}

/// Stores rejects of one request.
pub async fn insert(
    tx: &mut Tx,
    workspace: WorkspaceId,
    source: SourceId,
    received_at: Timestamp,
    rejects: &[NewReject],
) -> Result<()> {
    let text = sql!(
        "INSERT INTO rejects (id, workspace, source, received_at, code, message, location, excerpt) VALUES {rows}"
    );
    let rows = rejects
        .iter()
        .map(|r| args![&r.id, workspace, source, received_at, r.code, &r.message, &r.location, &r.excerpt]);
    tx.execute_many(text, rows).await?;
    Ok(())
}

/// The newest rejects before `before` (a reject's id) of a workspace, or of one of its sources.
pub async fn newest(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    source: Option<SourceId>,
    before: Option<&str>,
    limit: u32,
) -> Result<Vec<RejectRow>> {
    let text = sql!(
        "SELECT r.id, r.received_at, s.name AS source_name, r.code, r.message, r.location, r.excerpt
         FROM rejects r JOIN sources s ON s.source = r.source
         WHERE r.workspace = $1 AND (CAST($2 AS BIGINT) IS NULL OR r.source = $2)
           AND (CAST($3 AS TEXT) IS NULL OR r.id < $3)
         ORDER BY r.id DESC LIMIT $4"
    );
    db.fetch_all(text, args![workspace, source, before, limit]).await
}

/// How many rejects of a workspace, or of one of its sources, were received since then.
pub async fn count(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    source: Option<SourceId>,
    since: Timestamp,
) -> Result<i64> {
    let text = sql!(
        "SELECT COUNT(*) FROM rejects
         WHERE workspace = $1 AND (CAST($2 AS BIGINT) IS NULL OR source = $2) AND received_at >= $3"
    );
    db.scalar(text, args![workspace, source, since]).await
}

/// Forgets rejects received before then.
pub async fn delete_before(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(sql!("DELETE FROM rejects WHERE received_at < $1"), args![before]).await
}
