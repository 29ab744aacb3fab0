//! Journeys with all their versions.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Sql, Tx, args, sql};
use serde_json::Value;

/// Being written.
pub const DRAFT: &str = "draft";
/// Launched, and waiting until the segments it asks for are known.
pub const STARTING: &str = "starting";
/// People come in and go on.
pub const LIVE: &str = "live";
/// Nobody comes in, and nobody goes on.
pub const PAUSED: &str = "paused";
/// Nobody comes in; those who are in it go on to the end.
pub const ENDING: &str = "ending";
/// Somebody ended it.
pub const STOPPED: &str = "stopped";
/// All that was planned went out, or it ran out, and nobody is in it.
pub const FINISHED: &str = "finished";

/// The way of [`flows`] by which it is counted who came to a node, or into the journey.
pub const CAME: &str = "in";

/// A stored journey.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct JourneyRow {
    /// Its name in addresses; it never changes.
    pub key: String,
    /// `journey` or `campaign`.
    pub kind: String,
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// [`DRAFT`], [`STARTING`], [`LIVE`], [`PAUSED`], [`ENDING`], [`STOPPED`] or [`FINISHED`].
    pub state: String,
    /// The plan as it is being written.
    pub draft: Value,
    /// The version that people come into; 0 for none yet.
    pub live_version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// By whom.
    pub updated_by: String,
    /// When it was launched first.
    pub launched_at: Option<Timestamp>,
}

/// A launched version.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct VersionRow {
    /// Of which journey.
    pub journey: String,
    /// From 1.
    pub version: i64,
    /// The plan.
    pub definition: Value,
    /// When.
    pub launched_at: Timestamp,
    /// By whom.
    pub launched_by: String,
}

const COLUMNS: &str = "key, kind, name, description, state, draft, live_version, created_at, created_by, updated_at, updated_by, launched_at";

/// All of a workspace, the last changed first.
pub async fn all(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<JourneyRow>> {
    let text =
        Sql::assembled(format!("SELECT {COLUMNS} FROM journeys WHERE workspace = $1 ORDER BY updated_at DESC, key"));
    db.fetch_all(text, args![workspace]).await
}

/// One by its key.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, key: &str) -> Result<Option<JourneyRow>> {
    let text = Sql::assembled(format!("SELECT {COLUMNS} FROM journeys WHERE workspace = $1 AND key = $2"));
    db.fetch_optional(text, args![workspace, key]).await
}

/// Adds a journey, or writes a changed one.
pub async fn save(tx: &mut Tx, workspace: WorkspaceId, row: &JourneyRow) -> Result<()> {
    let text = sql!(
        "INSERT INTO journeys (workspace, key, kind, name, description, state, draft, live_version, created_at, created_by, updated_at,
           updated_by, launched_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         ON CONFLICT (workspace, key) DO UPDATE SET name = excluded.name, description = excluded.description, state = excluded.state,
           draft = excluded.draft, live_version = excluded.live_version, updated_at = excluded.updated_at,
           updated_by = excluded.updated_by, launched_at = excluded.launched_at"
    );
    let values = args![
        workspace,
        &row.key,
        &row.kind,
        &row.name,
        &row.description,
        &row.state,
        row.draft.clone(),
        row.live_version,
        row.created_at,
        &row.created_by,
        row.updated_at,
        &row.updated_by,
        row.launched_at
    ];
    tx.execute(text, values).await?;
    Ok(())
}

/// Changes the state of a journey that is in one of `from`; whether it was.
pub async fn set_state(tx: &mut Tx, workspace: WorkspaceId, key: &str, from: &[&str], to: &str) -> Result<bool> {
    let from: Vec<String> = from.iter().map(|state| (*state).to_owned()).collect();
    let text = sql!("UPDATE journeys SET state = $4 WHERE workspace = $1 AND key = $2 AND state IN ($3)");
    Ok(tx.execute(text, args![workspace, key, &from, to]).await? > 0)
}

/// Those of some journeys that are over: nothing more of them is planned, nobody is in them, nothing of them waits to be sent or done, and no newer
/// version waits for its segments. Of `scheduled` those that are live, and whatever is running out.
pub async fn over(db: &mut impl Queries, workspace: WorkspaceId, scheduled: &[String]) -> Result<Vec<String>> {
    let text = sql!(
        "SELECT j.key FROM journeys j
         WHERE +j.workspace = $1 AND (j.state = 'ending' OR (j.state = 'live' AND j.key IN ($2)))
           AND NOT EXISTS (SELECT r.run FROM journey_runs r WHERE r.journey = j.key AND r.workspace = j.workspace AND r.next_at IS NOT NULL)
           AND NOT EXISTS (SELECT i.id FROM journey_instances i WHERE i.journey = j.key AND i.workspace = j.workspace AND i.ended_at IS NULL)
           AND NOT EXISTS (SELECT m.id FROM messages m WHERE m.journey = j.key AND +m.workspace = j.workspace AND m.due_at IS NOT NULL)
           AND NOT EXISTS (SELECT a.id FROM journey_acts a WHERE a.journey = j.key AND +a.workspace = j.workspace AND a.due_at IS NOT NULL)
           AND NOT EXISTS (SELECT v.version FROM journey_versions v WHERE v.journey = j.key AND v.workspace = j.workspace AND v.version > j.live_version)
         ORDER BY j.key"
    );
    let found: Vec<(String,)> = db.fetch_all(text, args![workspace, scheduled]).await?;
    Ok(found.into_iter().map(|(key,)| key).collect())
}

/// Keeps a launched version.
pub async fn insert_version(tx: &mut Tx, workspace: WorkspaceId, row: &VersionRow) -> Result<()> {
    let text = sql!(
        "INSERT INTO journey_versions (workspace, journey, version, definition, launched_at, launched_by) VALUES ($1, $2, $3, $4, $5, $6)"
    );
    let VersionRow { journey, version, definition, launched_at, launched_by } = row;
    tx.execute(text, args![workspace, journey, *version, definition.clone(), *launched_at, launched_by]).await?;
    Ok(())
}

/// Every version of a journey, newest first.
pub async fn versions(db: &mut impl Queries, workspace: WorkspaceId, journey: &str) -> Result<Vec<VersionRow>> {
    let text = sql!(
        "SELECT journey, version, definition, launched_at, launched_by FROM journey_versions
         WHERE workspace = $1 AND journey = $2 ORDER BY version DESC"
    );
    db.fetch_all(text, args![workspace, journey]).await
}

/// Every version that people are in, or come into: of journeys that are neither drafts nor over.
pub async fn running(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<VersionRow>> {
    let text = sql!(
        "SELECT v.journey AS journey, v.version AS version, v.definition AS definition, v.launched_at AS launched_at,
           v.launched_by AS launched_by
         FROM journey_versions v JOIN journeys j ON j.workspace = v.workspace AND j.key = v.journey
         WHERE v.workspace = $1 AND j.state NOT IN ('draft', 'stopped', 'finished')
           AND (v.version = j.live_version OR (SELECT i.node FROM journey_instances i
             WHERE i.workspace = v.workspace AND i.journey = v.journey AND i.version = v.version AND i.ended_at IS NULL
             ORDER BY i.node LIMIT 1) IS NOT NULL)
         ORDER BY v.journey, v.version"
    );
    db.fetch_all(text, args![workspace]).await
}

/// Deletes a journey that never was launched, with nothing left of it; whether there was one.
pub async fn delete_draft(tx: &mut Tx, workspace: WorkspaceId, key: &str) -> Result<bool> {
    let text = sql!("DELETE FROM journeys WHERE workspace = $1 AND key = $2 AND state = 'draft' AND live_version = 0");
    Ok(tx.execute(text, args![workspace, key]).await? > 0)
}

/// People who passed: (journey, version, node, way, day, people). Sums are added to what is there.
pub async fn add_flows(
    tx: &mut Tx,
    workspace: WorkspaceId,
    flows: impl IntoIterator<Item = ((String, i64, String, String, i64), i64)>,
) -> Result<()> {
    let text = sql!(
        "INSERT INTO journey_flows (workspace, journey, version, node, way, day, people) VALUES {rows}
         ON CONFLICT (journey, version, node, way, day, workspace) DO UPDATE SET people = journey_flows.people + excluded.people"
    );
    let rows = flows
        .into_iter()
        .map(|((journey, version, node, way, day), people)| args![workspace, journey, version, node, way, day, people]);
    tx.execute_many(text, rows).await?;
    Ok(())
}

/// The version of each journey that people come into.
pub async fn live(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<VersionRow>> {
    let text = sql!(
        "SELECT v.journey AS journey, v.version AS version, v.definition AS definition, v.launched_at AS launched_at,
           v.launched_by AS launched_by
         FROM journey_versions v JOIN journeys j ON j.workspace = v.workspace AND j.key = v.journey AND v.version = j.live_version
         WHERE v.workspace = $1 ORDER BY v.journey"
    );
    db.fetch_all(text, args![workspace]).await
}

/// How many came to each node ([`CAME`]) and left it by each way: (version, node, way, people).
pub async fn flows(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    journey: &str,
) -> Result<Vec<(i64, String, String, i64)>> {
    let text = sql!(
        "SELECT version, node, way, CAST(SUM(people) AS BIGINT) FROM journey_flows WHERE workspace = $1 AND journey = $2
         GROUP BY version, node, way ORDER BY version, node, way"
    );
    db.fetch_all(text, args![workspace, journey]).await
}

/// How many came into each journey, or reached its goal: (journey, way, people), of the ways `in` and `goal`.
pub async fn entries(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<(String, String, i64)>> {
    let text = sql!(
        "SELECT journey, way, CAST(SUM(people) AS BIGINT) FROM journey_flows
         WHERE workspace = $1 AND node = '' AND way IN ('in', 'goal') GROUP BY journey, way ORDER BY journey, way"
    );
    db.fetch_all(text, args![workspace]).await
}

/// Holds a workspace's journeys until the commit: whoever looks at them at the same time waits. Two who did not would not see each other's messages, and
/// both would pass a cap that has room for one.
pub async fn hold(tx: &mut Tx, workspace: WorkspaceId) -> Result<()> {
    // No journey has an empty name.
    save_turns(tx, workspace, "", ("", Timestamp(0), 0)).await
}

/// A turn counter: when its period began, and how many turns it gave.
pub async fn turns(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    journey: &str,
) -> Result<Vec<(String, Timestamp, i64)>> {
    let text =
        sql!("SELECT node, began_at, used FROM journey_turns WHERE workspace = $1 AND journey = $2 ORDER BY node");
    db.fetch_all(text, args![workspace, journey]).await
}

/// Keeps a turn counter.
pub async fn save_turns(
    tx: &mut Tx,
    workspace: WorkspaceId,
    journey: &str,
    (node, began_at, used): (&str, Timestamp, i64),
) -> Result<()> {
    let text = sql!(
        "INSERT INTO journey_turns (workspace, journey, node, began_at, used) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (journey, node, workspace) DO UPDATE SET began_at = excluded.began_at, used = excluded.used"
    );
    tx.execute(text, args![workspace, journey, node, began_at, used]).await?;
    Ok(())
}
