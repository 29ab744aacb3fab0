//! What people find in their inbox on the company's own site: the rendered content of messages of the channel `in_app`.
//!
//! Always holds: a message is in the inbox once, as it was written first.

use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};
use serde_json::Value;

/// A message in an inbox.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct InboxRow {
    /// The message's name.
    pub message: String,
    /// `title`, `body`, `url`, `image_url`, `label`, `language`.
    pub content: Value,
    /// Since when it is there.
    pub put_at: Timestamp,
    /// When it was seen first.
    pub opened_at: Option<Timestamp>,
    /// When it was clicked first.
    pub clicked_at: Option<Timestamp>,
}

/// Puts a message into the inbox of its person; nothing when it is there.
pub async fn put(
    tx: &mut Tx,
    workspace: WorkspaceId,
    message: &str,
    person: PersonId,
    content: &Value,
    at: Timestamp,
) -> Result<()> {
    let text = sql!(
        "INSERT INTO inbox (message, workspace, person, content, put_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING"
    );
    tx.execute(text, args![message, workspace, person, content.clone(), at]).await?;
    Ok(())
}

/// What a person finds, put there since an instant, the newest first.
pub async fn of_person(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    person: PersonId,
    since: Timestamp,
    limit: i64,
) -> Result<Vec<InboxRow>> {
    let text = sql!(
        "SELECT inbox.message, inbox.content, inbox.put_at, messages.opened_at, messages.clicked_at FROM inbox
         JOIN messages ON messages.id = inbox.message
         WHERE inbox.person = $2 AND inbox.put_at >= $3 AND inbox.workspace = $1
         ORDER BY inbox.put_at DESC, inbox.message DESC LIMIT $4"
    );
    db.fetch_all(text, args![workspace, person, since, limit]).await
}
