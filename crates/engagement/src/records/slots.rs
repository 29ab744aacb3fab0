//! Slots with their versions, what people saw in them, and how often they were shown.
//!
//! Always holds: views are counted by the identifier that somebody was there with, so that they stay true when persons are merged or split; how often a
//! slot was shown is a sum over everybody, with no person in it.

use rapport_domain::{Handle, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};
use serde_json::Value;

/// A stored slot.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct SlotRow {
    /// Its name in addresses.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// What it shows to whom.
    pub definition: Value,
    /// How often it was changed, from 1.
    pub version: i64,
    /// When it was changed.
    pub updated_at: Timestamp,
    /// By whom.
    pub updated_by: String,
    /// When it was put away; pages that ask for it are told that it is not there.
    pub archived_at: Option<Timestamp>,
    /// Since when the share held out is what it is.
    pub held_since: Timestamp,
}

/// A saved version of a slot.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct VersionRow {
    /// From 1.
    pub version: i64,
    /// What it was called.
    pub name: String,
    /// What it showed to whom.
    pub definition: Value,
    /// When it was saved.
    pub saved_at: Timestamp,
    /// By whom.
    pub saved_by: String,
}

/// All of a workspace, by name.
pub async fn all(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<SlotRow>> {
    let text = sql!(
        "SELECT key, name, definition, version, updated_at, updated_by, archived_at, held_since FROM slots
         WHERE workspace = $1 ORDER BY name, key"
    );
    db.fetch_all(text, args![workspace]).await
}

/// One.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, key: &str) -> Result<Option<SlotRow>> {
    let text = sql!(
        "SELECT key, name, definition, version, updated_at, updated_by, archived_at, held_since FROM slots
         WHERE key = $2 AND workspace = $1"
    );
    db.fetch_optional(text, args![workspace, key]).await
}

/// Adds one or takes the place of the one with its key, and keeps this version of it.
pub async fn save(tx: &mut Tx, workspace: WorkspaceId, row: &SlotRow) -> Result<()> {
    let text = sql!(
        "INSERT INTO slots (workspace, key, name, definition, version, updated_at, updated_by, archived_at, held_since)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (key, workspace) DO UPDATE SET name = excluded.name, definition = excluded.definition,
           version = excluded.version, updated_at = excluded.updated_at, updated_by = excluded.updated_by,
           archived_at = excluded.archived_at, held_since = excluded.held_since"
    );
    let SlotRow { key, name, definition, version, updated_at, updated_by, archived_at, held_since } = row;
    let values =
        args![workspace, key, name, definition.clone(), *version, *updated_at, updated_by, *archived_at, *held_since];
    tx.execute(text, values).await?;
    let text = sql!(
        "INSERT INTO slot_versions (workspace, key, version, name, definition, saved_at, saved_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7)"
    );
    let values = args![workspace, key, *version, name, definition.clone(), *updated_at, updated_by];
    tx.execute(text, values).await?;
    Ok(())
}

/// Puts one away, or takes it out again.
pub async fn archive(tx: &mut Tx, workspace: WorkspaceId, key: &str, at: Option<Timestamp>) -> Result<()> {
    let text = sql!("UPDATE slots SET archived_at = $3 WHERE key = $2 AND workspace = $1");
    tx.execute(text, args![workspace, key, at]).await?;
    Ok(())
}

/// All versions of one, the newest first.
pub async fn versions(db: &mut impl Queries, workspace: WorkspaceId, key: &str) -> Result<Vec<VersionRow>> {
    let text = sql!(
        "SELECT version, name, definition, saved_at, saved_by FROM slot_versions
         WHERE key = $2 AND workspace = $1 ORDER BY version DESC"
    );
    db.fetch_all(text, args![workspace, key]).await
}

/// Deletes one, its versions, and what was counted of it; whether it was there.
pub async fn delete(tx: &mut Tx, workspace: WorkspaceId, key: &str) -> Result<bool> {
    tx.execute(sql!("DELETE FROM slot_views WHERE slot = $2 AND workspace = $1"), args![workspace, key]).await?;
    tx.execute(sql!("DELETE FROM slot_days WHERE slot = $2 AND workspace = $1"), args![workspace, key]).await?;
    tx.execute(sql!("DELETE FROM slot_versions WHERE key = $2 AND workspace = $1"), args![workspace, key]).await?;
    let deleted =
        tx.execute(sql!("DELETE FROM slots WHERE key = $2 AND workspace = $1"), args![workspace, key]).await?;
    Ok(deleted > 0)
}

/// How often a variant was shown, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct DayRow {
    /// The slot.
    pub slot: String,
    /// The start of the day, in UTC.
    pub day: Timestamp,
    /// The version that was shown.
    pub version: i64,
    /// The variant's place in it; -1 where nothing was shown.
    pub variant: i64,
    /// Times it was shown.
    pub views: i64,
    /// Of them, those that it was chosen for.
    pub chosen: i64,
    /// Clicks of people in it.
    pub clicks: i64,
}

/// Adds to what was counted.
pub async fn count(tx: &mut Tx, workspace: WorkspaceId, rows: &[DayRow]) -> Result<()> {
    let text = sql!(
        "INSERT INTO slot_days (workspace, slot, day, version, variant, views, chosen, clicks) VALUES {rows}
         ON CONFLICT (slot, day, version, variant, workspace) DO UPDATE SET views = slot_days.views + excluded.views,
           chosen = slot_days.chosen + excluded.chosen, clicks = slot_days.clicks + excluded.clicks"
    );
    let values = rows
        .iter()
        .map(|row| args![workspace, &row.slot, row.day, row.version, row.variant, row.views, row.chosen, row.clicks]);
    tx.execute_many(text, values).await?;
    Ok(())
}

/// What was counted of one slot, day by day.
pub async fn days(db: &mut impl Queries, workspace: WorkspaceId, key: &str) -> Result<Vec<DayRow>> {
    let text = sql!(
        "SELECT slot, day, version, variant, views, chosen, clicks FROM slot_days
         WHERE slot = $2 AND workspace = $1 ORDER BY day, version, variant"
    );
    db.fetch_all(text, args![workspace, key]).await
}

/// What was counted of a slot in a time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Record)]
pub struct SumRow {
    /// The slot.
    pub slot: String,
    /// Times it was shown.
    pub views: i64,
    /// Of them, those with something that was chosen.
    pub chosen: i64,
    /// Clicks of people.
    pub clicks: i64,
    /// The last day on which a page asked for it.
    pub last_day: Timestamp,
}

/// What was counted of every slot since a day.
pub async fn sums(db: &mut impl Queries, workspace: WorkspaceId, since: Timestamp) -> Result<Vec<SumRow>> {
    let text = sql!(
        "SELECT slot, CAST(SUM(views) AS BIGINT) AS views, CAST(SUM(chosen) AS BIGINT) AS chosen,
           CAST(SUM(clicks) AS BIGINT) AS clicks, MAX(day) AS last_day
         FROM slot_days WHERE workspace = $1 AND day >= $2 GROUP BY slot"
    );
    db.fetch_all(text, args![workspace, since]).await
}

/// What somebody saw in a slot.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct ViewsRow {
    /// When something was chosen for them first, since the share held out is what it is.
    pub first_at: Timestamp,
    /// When the window began in which views are counted.
    pub window_began_at: Timestamp,
    /// Views since then.
    pub views: i64,
}

/// What an identifier saw in a slot.
pub async fn views(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    slot: &str,
    handle: Handle,
) -> Result<Option<ViewsRow>> {
    let text = sql!(
        "SELECT first_at, window_began_at, views FROM slot_views WHERE handle = $3 AND slot = $2 AND workspace = $1"
    );
    db.fetch_optional(text, args![workspace, slot, handle]).await
}

/// Notes what identifiers saw of slots, each once.
pub async fn note_all<'a>(
    tx: &mut Tx,
    workspace: WorkspaceId,
    all: impl IntoIterator<Item = ((&'a str, Handle), &'a ViewsRow)>,
) -> Result<()> {
    let text = sql!(
        "INSERT INTO slot_views (workspace, slot, handle, first_at, window_began_at, views) VALUES {rows}
         ON CONFLICT (handle, slot, workspace) DO UPDATE SET first_at = excluded.first_at,
           window_began_at = excluded.window_began_at, views = excluded.views"
    );
    let rows = all
        .into_iter()
        .map(|((slot, handle), row)| args![workspace, slot, handle, row.first_at, row.window_began_at, row.views]);
    tx.execute_many(text, rows).await?;
    Ok(())
}
