//! Mails that ask somebody to confirm what they asked for (double opt-in): for which topic, to which address, how many went out.
//!
//! Always holds: of an address and a topic there is one row; asked for again, it begins anew no sooner than a day after the last mail.

use rapport_domain::{Channel, Handle, Purpose, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

use super::consents::ConsentRow;
use crate::consent::State;

/// So long a confirmation is waited for: then its link works no more, until it is asked for again.
pub const WORKS_FOR: i64 = 30 * Timestamp::DAY;
/// The one reminder goes out so long after the first mail.
pub const REMINDED_AFTER: i64 = 3 * Timestamp::DAY;
/// So many mails a day are sent to an address: anybody can type in somebody else's.
pub const MOST_A_DAY: usize = 2;
/// What was asked for longer ago is not written about: it comes from a history.
pub const FRESH: i64 = Timestamp::DAY;

/// Whether what was said waits for a mail to confirm it.
pub fn is_by_mail(said: &ConsentRow) -> bool {
    said.state == State::Pending.as_str()
        && said.purpose == Purpose::Marketing.as_str()
        && ["", Channel::Email.as_str()].contains(&said.channel.as_str())
}

/// What is to be confirmed, or was.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct ConfirmationRow {
    /// The identifier whose address it goes to.
    pub handle: Handle,
    /// The topic's key.
    pub topic: String,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// In which language, if that was said.
    pub language: String,
    /// When to send the next mail.
    pub due_at: Option<Timestamp>,
    /// How many went out since it was asked for.
    pub sent: i64,
    /// When the last one did.
    pub sent_at: Option<Timestamp>,
    /// How often the next one was tried.
    pub attempts: i64,
}

/// Somebody asked for something that is to be confirmed; whether a mail is due for it. What is under way already stays as it is.
pub async fn ask(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (handle, topic): (Handle, &str),
    language: &str,
    at: Timestamp,
) -> Result<bool> {
    let text = sql!(
        "INSERT INTO confirmations (workspace, handle, topic, asked_at, language, due_at, sent, sent_at, attempts)
         VALUES ($1, $2, $3, $4, $5, $4, 0, NULL, 0)
         ON CONFLICT (handle, topic, workspace) DO UPDATE
           SET asked_at = excluded.asked_at, language = excluded.language, due_at = excluded.due_at, sent = 0, attempts = 0
           WHERE confirmations.sent_at <= $6 OR (confirmations.sent_at IS NULL AND confirmations.due_at IS NULL)"
    );
    Ok(tx.execute(text, args![workspace, handle, topic, at, language, at.plus(-Timestamp::DAY)]).await? > 0)
}

/// Addresses to which something is to be sent, of all workspaces.
pub async fn due(db: &mut impl Queries, now: Timestamp, limit: i64) -> Result<Vec<(WorkspaceId, Handle)>> {
    let text = sql!(
        "SELECT workspace, handle FROM confirmations WHERE due_at <= $1 GROUP BY workspace, handle ORDER BY MIN(due_at), handle LIMIT $2"
    );
    db.fetch_all(text, args![now, limit]).await
}

/// All of some addresses.
pub async fn of_handles(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    handles: &[Handle],
) -> Result<Vec<ConfirmationRow>> {
    let text = sql!(
        "SELECT handle, topic, asked_at, language, due_at, sent, sent_at, attempts FROM confirmations
         WHERE workspace = $1 AND handle IN ($2) ORDER BY handle, topic"
    );
    db.fetch_all(text, args![workspace, handles]).await
}

/// Takes one to send it, by moving the instant on at which it is due; whether nobody was faster.
pub async fn take(tx: &mut Tx, workspace: WorkspaceId, row: &ConfirmationRow, until: Timestamp) -> Result<bool> {
    let text = sql!(
        "UPDATE confirmations SET due_at = $5, attempts = attempts + 1
         WHERE workspace = $1 AND handle = $2 AND topic = $3 AND due_at = $4"
    );
    Ok(tx.execute(text, args![workspace, row.handle, &row.topic, row.due_at, until]).await? > 0)
}

/// Notes what became of one.
pub async fn note(tx: &mut Tx, workspace: WorkspaceId, row: &ConfirmationRow) -> Result<()> {
    let text = sql!(
        "UPDATE confirmations SET due_at = $4, sent = $5, sent_at = $6, attempts = $7 WHERE workspace = $1 AND handle = $2 AND topic = $3"
    );
    let values = args![workspace, row.handle, &row.topic, row.due_at, row.sent, row.sent_at, row.attempts];
    tx.execute(text, values).await?;
    Ok(())
}
