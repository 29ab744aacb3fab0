//! Addresses that nothing is sent to: they bounced for good, or whoever reads them complained.

use rapport_domain::{Channel, Handle, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

/// It came back for good: this address is dead, another one of the same person is not.
pub const BOUNCED: &str = "bounced";
/// Its owner said that what they got is spam.
pub const COMPLAINED: &str = "complained";

/// A dead address.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct DeadRow {
    /// Its identifier.
    pub handle: Handle,
    /// For which channel.
    pub channel: String,
    /// About what; empty for everything.
    pub topic: String,
    /// `bounced`, `complained` or `manual`.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// What was heard.
    pub detail: String,
}

/// Notes that an address is dead.
pub async fn insert(tx: &mut Tx, workspace: WorkspaceId, row: &DeadRow) -> Result<()> {
    let text = sql!(
        "INSERT INTO dead_addresses (workspace, handle, channel, topic, reason, since, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (handle, channel, topic, workspace) DO NOTHING"
    );
    let DeadRow { handle, channel, topic, reason, since, detail } = row;
    tx.execute(text, args![workspace, *handle, channel, topic, reason, *since, detail]).await?;
    Ok(())
}

/// Those of some identifiers.
pub async fn of_handles(db: &mut impl Queries, workspace: WorkspaceId, handles: &[Handle]) -> Result<Vec<DeadRow>> {
    let text = sql!(
        "SELECT handle, channel, topic, reason, since, detail FROM dead_addresses WHERE workspace = $1 AND handle IN ($2)
         ORDER BY handle, channel, topic"
    );
    db.fetch_all(text, args![workspace, handles]).await
}

/// Sends to an address again.
pub async fn revive(tx: &mut Tx, workspace: WorkspaceId, handles: &[Handle], channel: Channel) -> Result<u64> {
    let text = sql!("DELETE FROM dead_addresses WHERE workspace = $1 AND handle IN ($2) AND channel = $3");
    tx.execute(text, args![workspace, handles, channel.as_str()]).await
}

/// How many there are: (channel, reason, addresses).
pub async fn count(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<(String, String, i64)>> {
    let text = sql!(
        "SELECT channel, reason, COUNT(*) FROM dead_addresses WHERE workspace = $1 GROUP BY channel, reason ORDER BY channel, reason"
    );
    db.fetch_all(text, args![workspace]).await
}
