//! Audiences, and which rows of theirs are at the platform.
//!
//! Always holds: a row is written before it is told to the platform, and deleted after the platform has taken it away, so that nothing is there of which
//! nobody knows; a row whose person is nobody any more (erased) is to be taken away.

use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};
use serde_json::Value;

/// To be told to the platform; it may be there.
pub const ADDING: &str = "adding";
/// There.
pub const ON: &str = "on";
/// To be taken away; it may be there.
pub const REMOVING: &str = "removing";

/// Kept fresh.
pub const LIVE: &str = "live";
/// Taken away from the platform, until somebody asks for it again.
pub const EMPTIED: &str = "emptied";
/// Taken away from the platform, and then deleted.
pub const DELETING: &str = "deleting";

/// By files that people carry over.
pub const BY_FILE: &str = "file";
/// By the platform's interface.
pub const BY_INTERFACE: &str = "interface";

/// Whose rows are nobody's any more.
const NOBODY: PersonId = PersonId(0);

/// A stored audience.
#[derive(Clone, PartialEq, Record)]
pub struct AudienceRow {
    /// Where.
    pub workspace: WorkspaceId,
    /// Its name in addresses.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// The platform's word.
    pub platform: String,
    /// Whose members are in it, by the key of a segment.
    pub segment: String,
    /// [`BY_FILE`] or [`BY_INTERFACE`].
    pub way: String,
    /// The platform's name for the list.
    pub list: String,
    /// What opens it.
    pub token: String,
    /// How often it is refreshed.
    pub refresh_hours: i64,
    /// [`LIVE`], [`EMPTIED`] or [`DELETING`].
    pub state: String,
    /// How often it was refreshed.
    pub run: i64,
    /// Of the last refresh: members of the segment, people in the audience, and those who are not, by reason.
    pub counts: Value,
    /// When it was refreshed.
    pub refreshed_at: Option<Timestamp>,
    /// When it is to be again.
    pub next_at: Timestamp,
    /// Failures without a success since.
    pub attempts: i64,
    /// Before then the platform is not asked again.
    pub retry_at: Timestamp,
    /// What the platform answered last, when it was no yes.
    pub error: Option<String>,
    /// When it was changed.
    pub updated_at: Timestamp,
    /// By whom.
    pub updated_by: String,
}

// A token opens an account of the company.
impl std::fmt::Debug for AudienceRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AudienceRow({}, {}, {})", self.key, self.platform, self.state)
    }
}

/// A row of hashed values.
#[derive(Clone, PartialEq, Record)]
pub struct MemberRow {
    /// Ours.
    pub id: String,
    /// Whose.
    pub person: PersonId,
    /// The values, as the platform takes them.
    pub content: Value,
    /// [`ADDING`], [`ON`] or [`REMOVING`].
    pub state: String,
    /// The refresh in which the person last belonged to it.
    pub run: i64,
    /// How often something was heard since it was judged that may end it. A new row was not judged yet.
    pub doubts: i64,
}

// Hashes of addresses reach people too.
impl std::fmt::Debug for MemberRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MemberRow({}, {})", self.id, self.state)
    }
}

/// All audiences, of one workspace or of all, by name.
pub async fn all(db: &mut impl Queries, workspace: Option<WorkspaceId>) -> Result<Vec<AudienceRow>> {
    let text = sql!(
        "SELECT workspace, key, name, platform, segment, way, list, token, refresh_hours, state, run, counts, refreshed_at, next_at, attempts,
           retry_at, error, updated_at, updated_by
         FROM audiences ORDER BY name, key, workspace"
    );
    let rows: Vec<AudienceRow> = db.fetch_all(text, args![]).await?;
    Ok(rows.into_iter().filter(|row| workspace.is_none_or(|workspace| row.workspace == workspace)).collect())
}

/// One by its key.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, key: &str) -> Result<Option<AudienceRow>> {
    let text = sql!(
        "SELECT workspace, key, name, platform, segment, way, list, token, refresh_hours, state, run, counts, refreshed_at, next_at, attempts,
           retry_at, error, updated_at, updated_by
         FROM audiences WHERE key = $2 AND workspace = $1"
    );
    db.fetch_optional(text, args![workspace, key]).await
}

/// Adds one, or takes the place of the one with its key.
pub async fn save(tx: &mut Tx, row: &AudienceRow) -> Result<()> {
    let text = sql!(
        "INSERT INTO audiences (workspace, key, name, platform, segment, way, list, token, refresh_hours, state, run, counts, refreshed_at,
           next_at, attempts, retry_at, error, updated_at, updated_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
         ON CONFLICT (key, workspace) DO UPDATE SET name = excluded.name, platform = excluded.platform, segment = excluded.segment,
           way = excluded.way, list = excluded.list, token = excluded.token, refresh_hours = excluded.refresh_hours,
           state = excluded.state, run = excluded.run, counts = excluded.counts, refreshed_at = excluded.refreshed_at,
           next_at = excluded.next_at, attempts = excluded.attempts, retry_at = excluded.retry_at, error = excluded.error,
           updated_at = excluded.updated_at, updated_by = excluded.updated_by"
    );
    let values = args![
        row.workspace,
        &row.key,
        &row.name,
        &row.platform,
        &row.segment,
        &row.way,
        &row.list,
        &row.token,
        row.refresh_hours,
        &row.state,
        row.run,
        row.counts.clone(),
        row.refreshed_at,
        row.next_at,
        row.attempts,
        row.retry_at,
        row.error.as_deref(),
        row.updated_at,
        &row.updated_by
    ];
    tx.execute(text, values).await?;
    Ok(())
}

/// Deletes one, with what is known of its rows.
pub async fn delete(tx: &mut Tx, workspace: WorkspaceId, key: &str) -> Result<()> {
    tx.execute(sql!("DELETE FROM audience_members WHERE audience = $2 AND workspace = $1"), args![workspace, key])
        .await?;
    tx.execute(sql!("DELETE FROM audiences WHERE key = $2 AND workspace = $1"), args![workspace, key]).await?;
    Ok(())
}

/// The rows of some persons in an audience.
pub async fn of_persons(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    audience: &str,
    persons: &[PersonId],
) -> Result<Vec<MemberRow>> {
    let text = sql!(
        "SELECT id, person, content, state, run, doubts FROM audience_members
         WHERE person IN ($3) AND workspace = $1 AND audience = $2 ORDER BY id"
    );
    db.fetch_all(text, args![workspace, audience, persons]).await
}

/// Adds rows that are to be told to the platform.
pub async fn insert(
    tx: &mut Tx,
    workspace: WorkspaceId,
    audience: &str,
    rows: &[MemberRow],
    now: Timestamp,
) -> Result<()> {
    let text = sql!(
        "INSERT INTO audience_members (id, workspace, audience, person, content, state, run, doubts, open_at) VALUES {rows}"
    );
    let rows = rows.iter().map(|row| {
        let MemberRow { id, person, content, state, run, doubts } = row;
        args![id, workspace, audience, *person, content.clone(), state, *run, *doubts, Some(now)]
    });
    tx.execute_many(text, rows).await?;
    Ok(())
}

/// Notes that these rows still belong to the audience in a refresh. What was to be taken away is judged again, and told again, because it may be gone.
pub async fn keep(tx: &mut Tx, ids: &[String], run: i64, now: Timestamp) -> Result<()> {
    let text = sql!(
        "UPDATE audience_members SET run = $2, doubts = CASE WHEN state = 'removing' THEN doubts + $3 ELSE doubts END,
           open_at = CASE WHEN state = 'removing' THEN $4 ELSE open_at END, state = CASE WHEN state = 'removing' THEN 'adding' ELSE state END
         WHERE id IN ($1)"
    );
    tx.execute(text, args![ids, run, 1_i64, Some(now)]).await?;
    Ok(())
}

/// Has all rows taken away that did not belong to the audience in this refresh; how many.
pub async fn remove_before(
    tx: &mut Tx,
    workspace: WorkspaceId,
    audience: &str,
    run: i64,
    now: Timestamp,
) -> Result<u64> {
    let text = sql!(
        "UPDATE audience_members SET state = 'removing', open_at = $4
         WHERE audience = $2 AND workspace = $1 AND run < $3 AND state <> 'removing'"
    );
    tx.execute(text, args![workspace, audience, run, Some(now)]).await
}

/// Has rows taken away.
pub async fn remove(tx: &mut Tx, ids: &[String], now: Timestamp) -> Result<()> {
    let text = sql!("UPDATE audience_members SET state = 'removing', open_at = $2 WHERE id IN ($1)");
    tx.execute(text, args![ids, Some(now)]).await?;
    Ok(())
}

/// Notes that something happened to persons that may end their being in audiences: what they agreed to, who they are.
pub async fn doubt(tx: &mut Tx, workspace: WorkspaceId, persons: &[PersonId], now: Timestamp) -> Result<u64> {
    if persons.is_empty() {
        return Ok(0);
    }
    let text =
        sql!("UPDATE audience_members SET doubts = doubts + $3, open_at = $4 WHERE person IN ($2) AND workspace = $1");
    tx.execute(text, args![workspace, persons, 1_i64, Some(now)]).await
}

/// Notes that so many doubts were for nothing; a row of which more was heard since stays in doubt.
pub async fn trust(tx: &mut Tx, ids: &[String], doubts: i64) -> Result<()> {
    let text = sql!(
        "UPDATE audience_members SET doubts = $3, open_at = CASE WHEN state = 'on' THEN NULL ELSE open_at END
         WHERE id IN ($1) AND doubts = $2"
    );
    tx.execute(text, args![ids, doubts, 0_i64]).await?;
    Ok(())
}

/// Rows of which it is not sure whether they may stay.
pub async fn doubted(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    audience: &str,
    limit: i64,
) -> Result<Vec<MemberRow>> {
    let text = sql!(
        "SELECT id, person, content, state, run, doubts FROM audience_members
         WHERE audience = $2 AND workspace = $1 AND open_at IS NOT NULL AND doubts > $3 AND state <> 'removing' AND person <> $4
         ORDER BY id LIMIT $5"
    );
    db.fetch_all(text, args![workspace, audience, 0_i64, NOBODY, limit]).await
}

/// Rows that are to be taken away.
pub async fn to_remove(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    audience: &str,
    limit: i64,
) -> Result<Vec<MemberRow>> {
    let text = sql!(
        "SELECT id, person, content, state, run, doubts FROM audience_members
         WHERE audience = $2 AND workspace = $1 AND open_at IS NOT NULL AND state = 'removing' AND person <> $3
         UNION ALL SELECT id, person, content, state, run, doubts FROM audience_members
         WHERE person = $3 AND workspace = $1 AND audience = $2
         ORDER BY id LIMIT $4"
    );
    db.fetch_all(text, args![workspace, audience, NOBODY, limit]).await
}

/// Rows that are to be told to the platform, of which nothing is in doubt.
pub async fn to_add(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    audience: &str,
    limit: i64,
) -> Result<Vec<MemberRow>> {
    let text = sql!(
        "SELECT id, person, content, state, run, doubts FROM audience_members
         WHERE audience = $2 AND workspace = $1 AND open_at IS NOT NULL AND state = 'adding' AND doubts = $3 AND person <> $4
         ORDER BY id LIMIT $5"
    );
    db.fetch_all(text, args![workspace, audience, 0_i64, NOBODY, limit]).await
}

/// Notes that rows are at the platform. What came into doubt meanwhile stays so.
pub async fn added(tx: &mut Tx, ids: &[String]) -> Result<()> {
    let text = sql!(
        "UPDATE audience_members SET state = 'on', open_at = CASE WHEN doubts > $2 THEN open_at ELSE NULL END
         WHERE id IN ($1) AND state = 'adding'"
    );
    tx.execute(text, args![ids, 0_i64]).await?;
    Ok(())
}

/// Forgets rows that the platform has taken away.
pub async fn removed(tx: &mut Tx, ids: &[String]) -> Result<()> {
    tx.execute(sql!("DELETE FROM audience_members WHERE id IN ($1)"), args![ids]).await?;
    Ok(())
}

/// How many rows are in which state.
pub async fn states(db: &mut impl Queries, workspace: WorkspaceId, audience: &str) -> Result<Vec<(String, i64)>> {
    let text = sql!(
        "SELECT state, COUNT(*) FROM audience_members WHERE audience = $2 AND workspace = $1 GROUP BY state ORDER BY state"
    );
    db.fetch_all(text, args![workspace, audience]).await
}
