//! The catalog of event names, for whoever picks one: how often, since when, until when.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

/// A name in use.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct EventNameRow {
    /// The standard name.
    pub name: String,
    /// How many events, superseded ones included.
    pub events: i64,
    /// The earliest.
    pub first_at: Timestamp,
    /// The latest.
    pub last_at: Timestamp,
}

/// Adds a batch's counts.
pub async fn add(tx: &mut Tx, workspace: WorkspaceId, rows: &[EventNameRow]) -> Result<()> {
    let text = sql!(
        "INSERT INTO event_names (workspace, name, events, first_at, last_at) VALUES {rows}
         ON CONFLICT (workspace, name) DO UPDATE SET
           events = event_names.events + excluded.events,
           first_at = CASE WHEN excluded.first_at < event_names.first_at THEN excluded.first_at ELSE event_names.first_at END,
           last_at = CASE WHEN excluded.last_at > event_names.last_at THEN excluded.last_at ELSE event_names.last_at END"
    );
    let rows = rows.iter().map(|r| args![workspace, &r.name, r.events, r.first_at, r.last_at]);
    tx.execute_many(text, rows).await?;
    Ok(())
}

/// All names, the most frequent first.
pub async fn all(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<EventNameRow>> {
    let text =
        sql!("SELECT name, events, first_at, last_at FROM event_names WHERE workspace = $1 ORDER BY events DESC, name");
    db.fetch_all(text, args![workspace]).await
}
