//! Which badges members have, and why.
//!
//! Always holds: a badge is received with its first cause and taken back with its last, and told once; the same cause gives it once.

use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_store::outbox::Event;
use rapport_store::{Queries, Record, Result, Tx, args, sql};
use serde_json::json;

use crate::ledger::MemberId;

/// The domain event of a badge that was received.
pub const RECEIVED: &str = "badge.received";
/// Of one that was taken back.
pub const TAKEN_BACK: &str = "badge.taken_back";

/// The cause of a badge whose condition held.
pub const BY_CONDITION: &str = "condition";
/// The cause of a badge that staff gave.
pub const BY_STAFF: &str = "staff";

/// A reason for which a member has, or had, a badge.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct BadgeRow {
    /// Whose.
    pub member: i64,
    /// Which.
    pub badge: String,
    /// What gave it: a challenge's completion, `condition` or `staff`.
    pub cause: String,
    /// Since when they have it.
    pub given_at: Timestamp,
    /// A user, a key; empty where Rapport gave it by itself.
    pub given_by: String,
    /// Why, in the words of staff.
    pub reason: String,
    /// Since when no more.
    pub taken_at: Option<Timestamp>,
    /// Who took it back.
    pub taken_by: String,
    /// Why, in the words of staff.
    pub taken_reason: String,
}

/// Whose badge it is about.
#[derive(Clone, Copy, Debug)]
pub struct Whose<'a> {
    /// The member.
    pub member: MemberId,
    /// Who that is.
    pub person: PersonId,
    /// The badge.
    pub badge: &'a str,
    /// What gives it.
    pub cause: &'a str,
}

/// When, by whom and why something is done.
#[derive(Clone, Copy, Debug)]
pub struct Act<'a> {
    /// From when on.
    pub at: Timestamp,
    /// The present.
    pub now: Timestamp,
    /// A user, a key; empty where Rapport does it by itself.
    pub by: &'a str,
    /// Why.
    pub reason: &'a str,
}

/// Gives a badge; whether it is a cause that did not hold already.
///
/// # Errors
/// The store's.
pub async fn give(tx: &mut Tx, workspace: WorkspaceId, whose: Whose<'_>, act: Act<'_>) -> Result<bool> {
    let had = has(tx, workspace, whose).await?;
    let give = sql!(
        "INSERT INTO loyalty_badges (workspace, member, badge, cause, given_at, recorded_at, given_by, reason, taken_by, taken_reason)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', '')
         ON CONFLICT (member, badge, cause, workspace) DO UPDATE SET given_at = EXCLUDED.given_at, recorded_at = EXCLUDED.recorded_at,
             given_by = EXCLUDED.given_by, reason = EXCLUDED.reason, taken_at = NULL, taken_by = '', taken_reason = ''
             WHERE loyalty_badges.taken_at IS NOT NULL"
    );
    let Whose { member, badge, cause, .. } = whose;
    let row = args![workspace, member.0, badge, cause, act.at, act.now, act.by, act.reason];
    let is_new = tx.execute(give, row).await? > 0;
    if is_new && !had {
        tell(tx, workspace, RECEIVED, whose, act.at);
    }
    Ok(is_new)
}

/// Takes a badge back that something gave, or everything if `cause` is empty; whether there was any.
///
/// # Errors
/// The store's.
pub async fn take(tx: &mut Tx, workspace: WorkspaceId, whose: Whose<'_>, act: Act<'_>) -> Result<bool> {
    let take = sql!(
        "UPDATE loyalty_badges SET taken_at = $5, taken_by = $6, taken_reason = $7
         WHERE member = $2 AND badge = $3 AND ($4 = '' OR cause = $4) AND workspace = $1 AND taken_at IS NULL"
    );
    let Whose { member, badge, cause, .. } = whose;
    let taken = tx.execute(take, args![workspace, member.0, badge, cause, act.at, act.by, act.reason]).await?;
    if taken > 0 && !has(tx, workspace, whose).await? {
        tell(tx, workspace, TAKEN_BACK, whose, act.at);
    }
    Ok(taken > 0)
}

async fn has(db: &mut impl Queries, workspace: WorkspaceId, whose: Whose<'_>) -> Result<bool> {
    let count = sql!(
        "SELECT COUNT(*) FROM loyalty_badges WHERE member = $2 AND badge = $3 AND workspace = $1 AND taken_at IS NULL"
    );
    let count: i64 = db.scalar(count, args![workspace, whose.member.0, whose.badge]).await?;
    Ok(count > 0)
}

fn tell(tx: &mut Tx, workspace: WorkspaceId, name: &'static str, whose: Whose<'_>, at: Timestamp) {
    // Staff take it back for whatever reason it was given.
    let by = whose.cause.split(':').next().filter(|by| !by.is_empty()).unwrap_or(BY_STAFF);
    let payload =
        json!({ "member": whose.member.0.to_string(), "badge": whose.badge, "by": by, "at": at.to_rfc3339() });
    tx.emit(Event::new(workspace, name, payload).about(whose.person));
}

/// The badges of these members with all their causes, also those that they have no more; the oldest first.
///
/// # Errors
/// The store's.
pub async fn of_members(db: &mut impl Queries, workspace: WorkspaceId, members: &[MemberId]) -> Result<Vec<BadgeRow>> {
    let own: Vec<i64> = members.iter().map(|member| member.0).collect();
    let find = sql!(
        "SELECT member, badge, cause, given_at, given_by, reason, taken_at, taken_by, taken_reason FROM loyalty_badges
         WHERE member IN ($2) AND +workspace = $1 ORDER BY given_at, badge, cause"
    );
    db.fetch_all(find, args![workspace, &own]).await
}

/// How many members have a badge.
///
/// # Errors
/// The store's.
pub async fn holders(db: &mut impl Queries, workspace: WorkspaceId, badge: &str) -> Result<i64> {
    let count = sql!(
        "SELECT COUNT(DISTINCT member) FROM loyalty_badges WHERE workspace = $1 AND badge = $2 AND taken_at IS NULL"
    );
    db.scalar(count, args![workspace, badge]).await
}

/// Members who have a badge, a few at a time from behind one of them on, each with since when they have it.
///
/// # Errors
/// The store's.
pub async fn held_by(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    badge: &str,
    after: Option<i64>,
    limit: u32,
) -> Result<Vec<(i64, Timestamp)>> {
    let find = sql!(
        "SELECT member, MIN(given_at) FROM loyalty_badges
         WHERE workspace = $1 AND badge = $2 AND taken_at IS NULL AND member > $3 GROUP BY member ORDER BY member LIMIT $4"
    );
    db.fetch_all(find, args![workspace, badge, after.unwrap_or(i64::MIN), limit]).await
}

/// What one member has the other has, who goes on for both.
pub(super) async fn merge(tx: &mut Tx, workspace: WorkspaceId, from: MemberId, to: MemberId) -> Result<()> {
    let copy = sql!(
        "INSERT INTO loyalty_badges (workspace, member, badge, cause, given_at, recorded_at, given_by, reason, taken_at, taken_by, taken_reason)
         SELECT workspace, $3, badge, cause, given_at, recorded_at, given_by, reason, taken_at, taken_by, taken_reason FROM loyalty_badges
         WHERE member = $2 AND workspace = $1
         ON CONFLICT (member, badge, cause, workspace) DO UPDATE SET given_at = EXCLUDED.given_at, given_by = EXCLUDED.given_by,
             reason = EXCLUDED.reason, taken_at = NULL, taken_by = '', taken_reason = ''
             WHERE loyalty_badges.taken_at IS NOT NULL AND EXCLUDED.taken_at IS NULL"
    );
    tx.execute(copy, args![workspace, from.0, to.0]).await?;
    forget(tx, workspace, &[from.0]).await.map(drop)
}

/// Forgets which badges somebody had.
pub(super) async fn forget(tx: &mut Tx, workspace: WorkspaceId, numbers: &[i64]) -> Result<u64> {
    let forget = sql!("DELETE FROM loyalty_badges WHERE member IN ($2) AND +workspace = $1");
    tx.execute(forget, args![workspace, numbers]).await
}
