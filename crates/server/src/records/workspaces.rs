//! Workspaces: the tenants, and the calendar, currency and language in which each one counts.

use rapport_domain::{Channel, Timestamp, WorkspaceId};
use rapport_engagement::journey::Class;
use rapport_store::{Queries, Record, Result, Tx, args, sql};

/// The workspace that every data folder has from the start: the migration that makes the table puts it there.
pub const FIRST: WorkspaceId = WorkspaceId(1);

/// A stored workspace.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct WorkspaceRow {
    /// Which one.
    pub workspace: WorkspaceId,
    /// What people call it.
    pub name: String,
    /// IANA name.
    pub time_zone: String,
    /// monday, sunday or saturday.
    pub week_start: String,
    /// Three letters.
    pub currency: String,
    /// BCP 47 tag.
    pub locale: String,
}

/// All workspaces.
pub async fn ids(db: &mut impl Queries) -> Result<Vec<WorkspaceId>> {
    let rows: Vec<(WorkspaceId,)> =
        db.fetch_all(sql!("SELECT workspace FROM workspaces ORDER BY workspace"), args![]).await?;
    Ok(rows.into_iter().map(|(workspace,)| workspace).collect())
}

/// Those that have messages of a channel and a class to be sent by now: one look into an index for each.
pub async fn with_messages_due(
    db: &mut impl Queries,
    channel: Channel,
    class: Class,
    now: Timestamp,
) -> Result<Vec<WorkspaceId>> {
    let text = sql!(
        "SELECT w.workspace FROM workspaces w WHERE EXISTS (SELECT m.id FROM messages m WHERE m.workspace = w.workspace
           AND m.channel = $1 AND m.class = $2 AND m.due_at IS NOT NULL AND m.due_at <= $3) ORDER BY w.workspace"
    );
    let rows: Vec<(WorkspaceId,)> = db.fetch_all(text, args![channel.as_str(), class.as_str(), now]).await?;
    Ok(rows.into_iter().map(|(workspace,)| workspace).collect())
}

/// One workspace.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Option<WorkspaceRow>> {
    let text =
        sql!("SELECT workspace, name, time_zone, week_start, currency, locale FROM workspaces WHERE workspace = $1");
    db.fetch_optional(text, args![workspace]).await
}

/// Stores what may change of a workspace.
pub async fn update(tx: &mut Tx, row: &WorkspaceRow) -> Result<()> {
    let text = sql!(
        "UPDATE workspaces SET name = $2, time_zone = $3, week_start = $4, currency = $5, locale = $6 WHERE workspace = $1"
    );
    tx.execute(text, args![row.workspace, &row.name, &row.time_zone, &row.week_start, &row.currency, &row.locale])
        .await?;
    Ok(())
}
