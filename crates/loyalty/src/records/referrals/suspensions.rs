//! Members who are suspended from referrals: by themselves after too many suspicious ones, or by somebody of the staff.
//!
//! Always holds: a suspension that is lifted counts as if it had never been.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

use crate::ledger::MemberId;

/// Who suspends when nobody does.
pub const BY_ITSELF: &str = "";

/// A suspension.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct Suspension {
    /// Of whom: the number as of then.
    pub member: i64,
    /// From when on.
    pub suspended_at: Timestamp,
    /// By whom; empty when it happened by itself.
    pub suspended_by: String,
    /// Why.
    pub reason: String,
}

/// Suspends a member; whether they were not before.
///
/// # Errors
/// The store's.
pub async fn suspend(
    tx: &mut Tx,
    workspace: WorkspaceId,
    numbers: &[MemberId],
    (by, reason): (&str, &str),
    now: Timestamp,
) -> Result<bool> {
    let Some(own) = numbers.first() else { return Ok(false) };
    if !of_members(tx, workspace, numbers).await?.is_empty() {
        return Ok(false);
    }
    let add = sql!(
        "INSERT INTO loyalty_referral_suspensions (workspace, member, suspended_at, suspended_by, reason, lifted_by, lift_reason)
         VALUES ($1, $2, $3, $4, $5, '', '') ON CONFLICT DO NOTHING"
    );
    Ok(tx.execute(add, args![workspace, own.0, now, by, reason]).await? > 0)
}

/// Lifts it; whether there was one.
///
/// # Errors
/// The store's.
pub async fn lift(
    tx: &mut Tx,
    workspace: WorkspaceId,
    numbers: &[MemberId],
    (by, reason): (&str, &str),
    now: Timestamp,
) -> Result<bool> {
    let set = sql!(
        "UPDATE loyalty_referral_suspensions SET lifted_at = $3, lifted_by = $4, lift_reason = $5
         WHERE member IN ($2) AND +workspace = $1 AND lifted_at IS NULL"
    );
    let numbers: Vec<i64> = numbers.iter().map(|member| member.0).collect();
    Ok(tx.execute(set, args![workspace, &numbers, now, by, reason]).await? > 0)
}

/// Suspensions of these numbers that hold, the oldest first.
///
/// # Errors
/// The store's.
pub async fn of_members(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    numbers: &[MemberId],
) -> Result<Vec<Suspension>> {
    let find = sql!(
        "SELECT member, suspended_at, suspended_by, reason FROM loyalty_referral_suspensions
         WHERE member IN ($2) AND +workspace = $1 AND lifted_at IS NULL ORDER BY suspended_at, member"
    );
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    let numbers: Vec<i64> = numbers.iter().map(|member| member.0).collect();
    db.fetch_all(find, args![workspace, &numbers]).await
}

/// When a member was suspended for the last time, whether or not it was lifted.
///
/// # Errors
/// The store's.
pub async fn last_of(db: &mut impl Queries, workspace: WorkspaceId, numbers: &[MemberId]) -> Result<Option<Timestamp>> {
    let find = sql!(
        "SELECT MAX(COALESCE(lifted_at, suspended_at)) FROM loyalty_referral_suspensions WHERE member IN ($2) AND +workspace = $1"
    );
    let numbers: Vec<i64> = numbers.iter().map(|member| member.0).collect();
    db.scalar(find, args![workspace, &numbers]).await
}

/// All that hold, the newest first, behind one of them or from the newest on.
///
/// # Errors
/// The store's.
pub async fn list(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    after: Option<(Timestamp, i64)>,
    limit: u32,
) -> Result<Vec<Suspension>> {
    let find = sql!(
        "SELECT member, suspended_at, suspended_by, reason FROM loyalty_referral_suspensions
         WHERE workspace = $1 AND lifted_at IS NULL AND suspended_at <= $2 AND (suspended_at < $2 OR member > $3)
         ORDER BY suspended_at DESC, member LIMIT $4"
    );
    let (at, member) = after.unwrap_or((Timestamp(i64::MAX), i64::MIN));
    db.fetch_all(find, args![workspace, at, member, limit]).await
}

/// Empties what was written about these numbers; how many rows.
pub(super) async fn forget(tx: &mut Tx, workspace: WorkspaceId, numbers: &[MemberId]) -> Result<u64> {
    let numbers: Vec<i64> = numbers.iter().map(|member| member.0).collect();
    let blank = sql!(
        "UPDATE loyalty_referral_suspensions SET reason = '', lift_reason = '' WHERE member IN ($2) AND +workspace = $1
             AND (reason <> '' OR lift_reason <> '')"
    );
    tx.execute(blank, args![workspace, &numbers]).await
}
