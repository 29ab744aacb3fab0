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

/// What became of the messages of a template.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct FiguresRow {
    /// The template.
    pub template: String,
    /// How many were put there.
    pub messages: i64,
    /// How many were seen.
    pub seen: i64,
    /// How many were clicked.
    pub clicked: i64,
    /// When the latest was put there.
    pub last_at: Timestamp,
}

/// By template what was put into inboxes since an instant, and what became of it.
pub async fn figures(db: &mut impl Queries, workspace: WorkspaceId, since: Timestamp) -> Result<Vec<FiguresRow>> {
    let text = sql!(
        "SELECT messages.template AS template, COUNT(*) AS messages, COUNT(messages.opened_at) AS seen,
           COUNT(messages.clicked_at) AS clicked, MAX(inbox.put_at) AS last_at
         FROM inbox JOIN messages ON messages.id = inbox.message
         WHERE inbox.workspace = $1 AND inbox.put_at >= $2 GROUP BY messages.template ORDER BY messages.template"
    );
    db.fetch_all(text, args![workspace, since]).await
}

/// A message in somebody's inbox.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct PutRow {
    /// The message's name.
    pub message: String,
    /// Whose inbox.
    pub person: PersonId,
    /// Its template.
    pub template: String,
    /// The journey that wrote it.
    pub journey: Option<String>,
    /// `title`, `body`, `url`, `image_url`, `label`, `language`.
    pub content: Value,
    /// Since when it is there.
    pub put_at: Timestamp,
    /// When it was seen first.
    pub opened_at: Option<Timestamp>,
    /// When it was clicked first.
    pub clicked_at: Option<Timestamp>,
}

/// What was put into inboxes last, of all templates or of one, before (time, message).
pub async fn latest(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    template: &str,
    since: Timestamp,
    before: (Timestamp, &str),
    limit: i64,
) -> Result<Vec<PutRow>> {
    let text = sql!(
        "SELECT inbox.message AS message, inbox.person AS person, messages.template AS template, messages.journey AS journey,
           inbox.content AS content, inbox.put_at AS put_at, messages.opened_at AS opened_at, messages.clicked_at AS clicked_at
         FROM inbox JOIN messages ON messages.id = inbox.message
         WHERE inbox.workspace = $1 AND inbox.put_at >= $3 AND inbox.put_at <= $4
           AND (inbox.put_at < $4 OR inbox.message < $5) AND ($2 = '' OR messages.template = $2)
         ORDER BY inbox.put_at DESC, inbox.message DESC LIMIT $6"
    );
    db.fetch_all(text, args![workspace, template, since, before.0, before.1, limit]).await
}

/// What stands in some of the messages, by their names; of those that were put into no inbox nothing.
pub async fn contents(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    messages: &[String],
) -> Result<Vec<(String, Value)>> {
    let text = sql!("SELECT message, content FROM inbox WHERE +workspace = $1 AND message IN ($2)");
    db.fetch_all(text, args![workspace, messages]).await
}
