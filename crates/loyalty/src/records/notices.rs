//! Notices that points are about to lapse: which were given, and how far the accounts of a day were looked through.
//!
//! Always holds: of the points of an account that lapse at one instant there is one notice, written down in the transaction that tells it, however often the work is stopped and begun again.

use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_store::outbox::Event;
use rapport_store::{Queries, Record, Result, Tx, args, sql};
use serde_json::json;

use super::members;
use crate::ledger::{AccountKey, MemberId, WalletId};

/// The domain event of somebody whose points are about to lapse.
pub const EXPIRING: &str = "points.expiring";

/// How far the accounts of a day were looked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Record)]
pub struct Mark {
    /// The first instant of the day.
    pub day: Timestamp,
    /// When something is due in the last account that was looked at.
    pub due_at: Timestamp,
    /// Whose it is.
    pub member: i64,
    /// Of which wallet.
    pub wallet: i64,
}

impl Mark {
    /// Before the first account of a day.
    pub const fn begin(day: Timestamp) -> Self {
        Self { day, due_at: Timestamp(i64::MIN), member: i64::MIN, wallet: i64::MIN }
    }

    /// Behind the last one.
    pub const fn end(day: Timestamp) -> Self {
        Self { day, due_at: Timestamp(i64::MAX), member: i64::MAX, wallet: i64::MAX }
    }
}

/// How far the work is.
///
/// # Errors
/// The store's.
pub async fn mark(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Option<Mark>> {
    let find = sql!("SELECT day, due_at, member, wallet FROM loyalty_notice_marks WHERE workspace = $1");
    db.fetch_optional(find, args![workspace]).await
}

/// Keeps how far the work is.
///
/// # Errors
/// The store's.
pub async fn keep_mark(tx: &mut Tx, workspace: WorkspaceId, mark: Mark) -> Result<()> {
    let save = sql!(
        "INSERT INTO loyalty_notice_marks (workspace, day, due_at, member, wallet) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (workspace) DO UPDATE SET day = EXCLUDED.day, due_at = EXCLUDED.due_at, member = EXCLUDED.member, wallet = EXCLUDED.wallet"
    );
    let Mark { day, due_at, member, wallet } = mark;
    tx.execute(save, args![workspace, day, due_at, member, wallet]).await?;
    Ok(())
}

/// Accounts behind a mark in which something is due by an instant, those that wait longest first, with where each stands.
///
/// # Errors
/// The store's.
pub async fn accounts(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    mark: Mark,
    by: Timestamp,
    most: u32,
) -> Result<Vec<(AccountKey, Mark)>> {
    let find = sql!(
        "SELECT due_at, member, wallet FROM loyalty_balances
         WHERE workspace = $1 AND due_at IS NOT NULL AND due_at <= $2 AND due_at >= $3 AND (due_at, member, wallet) > ($3, $4, $5)
         ORDER BY due_at, member, wallet LIMIT $6"
    );
    let behind = args![workspace, by, mark.due_at, mark.member, mark.wallet, most];
    let rows: Vec<(Timestamp, i64, i64)> = db.fetch_all(find, behind).await?;
    let row = |(due_at, member, wallet)| {
        ((MemberId(member), WalletId(wallet)), Mark { day: mark.day, due_at, member, wallet })
    };
    Ok(rows.into_iter().map(row).collect())
}

/// Notes that a member is told, and tells it; whether it was not noted before.
///
/// # Errors
/// The store's.
pub async fn give(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (key, person): (AccountKey, PersonId),
    (expires_at, points): (Timestamp, i64),
    now: Timestamp,
) -> Result<bool> {
    let add = sql!(
        "INSERT INTO loyalty_notices (workspace, member, wallet, expires_at, points, noticed_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT DO NOTHING"
    );
    let (member, wallet) = key;
    let is_new = tx.execute(add, args![workspace, member.0, wallet.0, expires_at, points, now]).await? > 0;
    if is_new {
        let payload = json!({
            "member": member.0.to_string(), "wallet": wallet.0, "amount": points, "expires_at": expires_at.to_rfc3339(),
        });
        tx.emit(Event::new(workspace, EXPIRING, payload).about(person));
    }
    Ok(is_new)
}

/// A notice that was given.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct NoticeRow {
    /// Of which wallet.
    pub wallet: i64,
    /// When the points lapse.
    pub expires_at: Timestamp,
    /// How many there were when it was given.
    pub points: i64,
    /// When it was given.
    pub noticed_at: Timestamp,
    /// The message that took it to the member.
    pub proof: Option<String>,
    /// When that was handed over.
    pub proved_at: Option<Timestamp>,
}

/// Notices that a member was given, the latest first; those under numbers that were merged into theirs too.
///
/// # Errors
/// The store's.
pub async fn of_member(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    member: MemberId,
    limit: u32,
) -> Result<Vec<NoticeRow>> {
    let numbers: Vec<i64> = members::numbers(db, workspace, member).await?.iter().map(|number| number.0).collect();
    let find = sql!(
        "SELECT wallet, expires_at, points, noticed_at, proof, proved_at FROM loyalty_notices
         WHERE member IN ($2) AND workspace = $1 ORDER BY noticed_at DESC, expires_at DESC, wallet LIMIT $3"
    );
    db.fetch_all(find, args![workspace, &numbers, limit]).await
}

/// A notice of points that have not lapsed yet.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct OpenNotice {
    /// Whose.
    pub member: i64,
    /// Of which wallet.
    pub wallet: i64,
    /// When the points lapse.
    pub expires_at: Timestamp,
    /// When it was given.
    pub noticed_at: Timestamp,
    /// The message that took it to the member.
    pub proof: Option<String>,
}

/// Notices of these members of points that lapse after an instant.
///
/// # Errors
/// The store's.
pub async fn open(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    members: &[MemberId],
    after: Timestamp,
) -> Result<Vec<OpenNotice>> {
    let numbers: Vec<i64> = members.iter().map(|member| member.0).collect();
    let find = sql!(
        "SELECT member, wallet, expires_at, noticed_at, proof FROM loyalty_notices
         WHERE member IN ($2) AND workspace = $1 AND expires_at > $3"
    );
    db.fetch_all(find, args![workspace, &numbers, after]).await
}

/// Notes by which message a notice is proved, and when that was handed over; or that it is by none any more.
///
/// # Errors
/// The store's.
pub async fn prove(
    tx: &mut Tx,
    workspace: WorkspaceId,
    notice: &OpenNotice,
    proof: Option<(&str, Timestamp)>,
) -> Result<()> {
    let note = sql!(
        "UPDATE loyalty_notices SET proof = $5, proved_at = $6 WHERE member = $2 AND wallet = $3 AND expires_at = $4 AND workspace = $1"
    );
    let OpenNotice { member, wallet, expires_at, .. } = notice;
    let (message, at) = proof.unzip();
    tx.execute(note, args![workspace, *member, *wallet, *expires_at, message, at]).await?;
    Ok(())
}
