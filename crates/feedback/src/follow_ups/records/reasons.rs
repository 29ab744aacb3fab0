//! Why follow-ups were opened, and what the person said later.

use rapport_domain::{Handle, PersonId, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

/// It is why the follow-up was opened, or one more reason.
pub const REASON: &str = "reason";
/// It is what they said after they were spoken with.
pub const LATER: &str = "later";

/// Something that somebody said.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct ReasonRow {
    /// Of which follow-up.
    pub follow_up: String,
    /// The event; words of it are kept under the same id.
    pub event_id: [u8; 16],
    /// Under which identifier.
    pub handle: Handle,
    /// Whose that is now.
    pub person: PersonId,
    /// [`REASON`] or [`LATER`].
    pub role: String,
    /// The event's name.
    pub event_name: String,
    /// A score or stars, where the event has one.
    pub number: Option<f64>,
    /// What it was about: a product, a survey.
    pub subject: Option<String>,
    /// When it was said.
    pub occurred_at: Timestamp,
    /// When it was added here.
    pub added_at: Timestamp,
    /// When another event replaced it.
    pub taken_back_at: Option<Timestamp>,
}

/// Adds one; whether it was not there.
pub async fn insert(tx: &mut Tx, workspace: WorkspaceId, row: &ReasonRow) -> Result<bool> {
    let text = sql!(
        "INSERT INTO follow_up_reasons (workspace, follow_up, event_id, handle, person, role, event_name, number, subject, occurred_at, added_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (follow_up, event_id, workspace) DO NOTHING"
    );
    let args = args![
        workspace,
        &row.follow_up,
        row.event_id,
        row.handle,
        row.person,
        &row.role,
        &row.event_name,
        row.number,
        row.subject.as_deref(),
        row.occurred_at,
        row.added_at
    ];
    Ok(tx.execute(text, args).await? > 0)
}

/// Those of some follow-ups, in the order in which they were said.
pub async fn of(db: &mut impl Queries, workspace: WorkspaceId, follow_ups: &[String]) -> Result<Vec<ReasonRow>> {
    let text = sql!(
        "SELECT follow_up, event_id, handle, person, role, event_name, number, subject, occurred_at, added_at, taken_back_at FROM follow_up_reasons
         WHERE follow_up IN ($2) AND workspace = $1 ORDER BY follow_up, occurred_at, event_id"
    );
    db.fetch_all(text, args![workspace, follow_ups]).await
}

/// Takes back what an event told that another one replaces; the follow-ups it was a reason of.
pub async fn take_back(
    tx: &mut Tx,
    workspace: WorkspaceId,
    event_id: [u8; 16],
    now: Timestamp,
) -> Result<Vec<(String,)>> {
    let text = sql!(
        "UPDATE follow_up_reasons SET taken_back_at = $3 WHERE event_id = $2 AND workspace = $1 AND taken_back_at IS NULL RETURNING follow_up"
    );
    tx.fetch_all(text, args![workspace, event_id, now]).await
}

/// Hands those of one follow-up to another; what that one has already stays its own.
pub async fn unite(tx: &mut Tx, workspace: WorkspaceId, from: &str, into: &str) -> Result<()> {
    let text = sql!(
        "UPDATE follow_up_reasons SET follow_up = $3 WHERE follow_up = $2 AND workspace = $1 AND event_id NOT IN
           (SELECT event_id FROM follow_up_reasons WHERE follow_up = $3 AND workspace = $1)"
    );
    tx.execute(text, args![workspace, from, into]).await?;
    let text = sql!("DELETE FROM follow_up_reasons WHERE follow_up = $2 AND workspace = $1");
    tx.execute(text, args![workspace, from]).await?;
    Ok(())
}

/// Says whose they are now.
pub async fn follow(tx: &mut Tx, workspace: WorkspaceId, follow_up: &str, person: PersonId) -> Result<()> {
    let text = sql!("UPDATE follow_up_reasons SET person = $3 WHERE follow_up = $2 AND workspace = $1");
    tx.execute(text, args![workspace, follow_up, person]).await?;
    Ok(())
}
