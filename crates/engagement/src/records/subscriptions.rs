//! Browsers that take push messages.
//!
//! Always holds: an endpoint is known once in a workspace, with the identifier that subscribed last.

use rapport_domain::{Handle, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

/// A browser that takes push messages.
#[derive(Clone, PartialEq, Eq, Record)]
pub struct SubscriptionRow {
    /// A digest of the endpoint.
    pub id: String,
    /// Whose browser it is.
    pub handle: Handle,
    /// Where messages go.
    pub endpoint: String,
    /// The browser's public key (`p256dh`), in base64url.
    pub browser_key: String,
    /// The browser's secret (`auth`), in base64url.
    pub browser_auth: String,
    /// Whether the company's own server vouched for who it is.
    pub is_proven: bool,
    /// Since when.
    pub subscribed_at: Timestamp,
}

// An endpoint is an address of a person, and a key is a key.
impl std::fmt::Debug for SubscriptionRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SubscriptionRow({:?})", self.handle)
    }
}

/// Notes a subscription, or who has it now.
pub async fn save(tx: &mut Tx, workspace: WorkspaceId, row: &SubscriptionRow) -> Result<()> {
    let text = sql!(
        "INSERT INTO push_subscriptions (workspace, id, handle, endpoint, browser_key, browser_auth, is_proven, subscribed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (id, workspace) DO UPDATE SET handle = excluded.handle, browser_key = excluded.browser_key,
           browser_auth = excluded.browser_auth, is_proven = excluded.is_proven, subscribed_at = excluded.subscribed_at"
    );
    let SubscriptionRow { id, handle, endpoint, browser_key, browser_auth, is_proven, subscribed_at } = row;
    let values = args![workspace, id, *handle, endpoint, browser_key, browser_auth, *is_proven, *subscribed_at];
    tx.execute(text, values).await?;
    Ok(())
}

/// Those of some identifiers, the newest first.
pub async fn of_handles(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    handles: &[Handle],
) -> Result<Vec<SubscriptionRow>> {
    let text = sql!(
        "SELECT id, handle, endpoint, browser_key, browser_auth, is_proven, subscribed_at FROM push_subscriptions
         WHERE handle IN ($2) AND workspace = $1 ORDER BY subscribed_at DESC, id"
    );
    db.fetch_all(text, args![workspace, handles]).await
}

/// Forgets one whose browser does not take messages any more.
pub async fn delete(tx: &mut Tx, workspace: WorkspaceId, id: &str) -> Result<u64> {
    tx.execute(sql!("DELETE FROM push_subscriptions WHERE id = $2 AND workspace = $1"), args![workspace, id]).await
}
