//! What tills need: whose a telephone number is, and which receipts were told.
//!
//! Always holds: a number is known as a hash only; a receipt is told once, and what is told of it again must be the same.
//!
//! Does not: earn anything. A receipt is an order like any other, told through the log.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

use super::members;
use crate::ledger::MemberId;

/// Whose a number is, by its hash: the members who go on, where several became one.
///
/// # Errors
/// The store's.
pub async fn by_phone(db: &mut impl Queries, workspace: WorkspaceId, lookup: &str) -> Result<Vec<MemberId>> {
    let find = sql!("SELECT member FROM loyalty_phones WHERE lookup = $2 AND workspace = $1 ORDER BY member");
    let rows: Vec<(i64,)> = db.fetch_all(find, args![workspace, lookup]).await?;
    let mut found = Vec::new();
    for (member,) in rows {
        let now = members::now(db, workspace, MemberId(member)).await?;
        if !found.contains(&now) {
            found.push(now);
        }
    }
    Ok(found)
}

/// Says which numbers a member has, instead of what was said before.
///
/// # Errors
/// The store's.
pub async fn save_phones(tx: &mut Tx, workspace: WorkspaceId, member: MemberId, lookups: &[String]) -> Result<()> {
    let forget = sql!("DELETE FROM loyalty_phones WHERE member = $2 AND workspace = $1");
    let add = sql!("INSERT INTO loyalty_phones (workspace, lookup, member) VALUES {rows} ON CONFLICT DO NOTHING");
    tx.execute(forget, args![workspace, member.0]).await?;
    if !lookups.is_empty() {
        tx.execute_many(add, lookups.iter().map(|lookup| args![workspace, lookup, member.0])).await?;
    }
    Ok(())
}

/// A receipt that was told.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct Receipt {
    /// Of which store.
    pub store: String,
    /// Its number there.
    pub receipt: String,
    /// Who bought.
    pub member: i64,
    /// What was told, in 128 bits.
    pub fingerprint: [u8; 16],
    /// By which key or user.
    pub told_by: String,
    /// When it was bought.
    pub occurred_at: Timestamp,
    /// When it was told.
    pub recorded_at: Timestamp,
    /// When it was called off.
    pub cancelled_at: Option<Timestamp>,
}

/// A receipt, if it was told.
///
/// # Errors
/// The store's.
pub async fn receipt(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (store, receipt): (&str, &str),
) -> Result<Option<Receipt>> {
    let find = sql!(
        "SELECT store, receipt, member, fingerprint, told_by, occurred_at, recorded_at, cancelled_at FROM loyalty_receipts
         WHERE store = $2 AND receipt = $3 AND workspace = $1"
    );
    db.fetch_optional(find, args![workspace, store, receipt]).await
}

/// Writes a receipt down, and gives it back as it is known: what was told first stays.
///
/// # Errors
/// The store's.
pub async fn tell(tx: &mut Tx, workspace: WorkspaceId, it: &Receipt) -> Result<Receipt> {
    let add = sql!(
        "INSERT INTO loyalty_receipts (workspace, store, receipt, member, fingerprint, told_by, occurred_at, recorded_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING
         RETURNING store, receipt, member, fingerprint, told_by, occurred_at, recorded_at, cancelled_at"
    );
    let row = args![
        workspace,
        &it.store,
        &it.receipt,
        it.member,
        it.fingerprint.to_vec(),
        &it.told_by,
        it.occurred_at,
        it.recorded_at
    ];
    match tx.fetch_optional(add, row).await? {
        Some(told) => Ok(told),
        None => receipt(tx, workspace, (&it.store, &it.receipt)).await?.ok_or(rapport_store::Error::NotFound),
    }
}

/// Notes that a receipt was called off; what was noted first stays.
///
/// # Errors
/// The store's.
pub async fn cancel(tx: &mut Tx, workspace: WorkspaceId, (store, receipt): (&str, &str), now: Timestamp) -> Result<()> {
    let note = sql!(
        "UPDATE loyalty_receipts SET cancelled_at = $4 WHERE store = $2 AND receipt = $3 AND workspace = $1 AND cancelled_at IS NULL"
    );
    tx.execute(note, args![workspace, store, receipt, now]).await.map(drop)
}

/// Receipts of these members, the latest first.
///
/// # Errors
/// The store's.
pub async fn of_members(db: &mut impl Queries, workspace: WorkspaceId, numbers: &[MemberId]) -> Result<Vec<Receipt>> {
    let own: Vec<i64> = numbers.iter().map(|number| number.0).collect();
    let find = sql!(
        "SELECT store, receipt, member, fingerprint, told_by, occurred_at, recorded_at, cancelled_at FROM loyalty_receipts
         WHERE member IN ($2) AND workspace = $1 ORDER BY occurred_at DESC, store, receipt"
    );
    db.fetch_all(find, args![workspace, &own]).await
}

/// Forgets a member's numbers and receipts.
pub(super) async fn forget(tx: &mut Tx, workspace: WorkspaceId, numbers: &[i64]) -> Result<u64> {
    let phones = sql!("DELETE FROM loyalty_phones WHERE member IN ($2) AND workspace = $1");
    let receipts = sql!("DELETE FROM loyalty_receipts WHERE member IN ($2) AND workspace = $1");
    Ok(tx.execute(phones, args![workspace, numbers]).await? + tx.execute(receipts, args![workspace, numbers]).await?)
}
