//! Accounts of the ledger that belong to no member: a partner's, through which goes all that members earn and burn there; a gift card's, which has what is left on it.
//!
//! Always holds: there is one for each kind and key; it has a number as members have, drawn by chance, which nobody is and nobody becomes. So no list, count or lookup of members
//! knows it.

use rapport_domain::{Rng, Timestamp, WorkspaceId};
use rapport_store::{Queries, Result, Tx, args, sql};

use super::members::MemberRow;
use crate::ledger::{MemberId, Standing};

/// Opens the account, if there is none yet; its number. Whoever calls holds the workspace's head.
pub(super) async fn open(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (kind, key): (&str, &str),
    now: Timestamp,
    rng: &dyn Rng,
) -> Result<MemberId> {
    if let Some(found) = find(tx, workspace, kind, key).await? {
        return Ok(found);
    }
    let number = rng.next_positive_i64();
    let add = sql!(
        "INSERT INTO loyalty_houses (workspace, member, kind, key, standing, opened_at) VALUES ($1, $2, $3, $4, $5, $6)"
    );
    tx.execute(add, args![workspace, number, kind, key, Standing::Active.key(), now]).await?;
    Ok(MemberId(number))
}

/// The account of a thing.
///
/// # Errors
/// The store's.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, kind: &str, key: &str) -> Result<Option<MemberId>> {
    let find = sql!("SELECT member FROM loyalty_houses WHERE workspace = $1 AND kind = $2 AND key = $3");
    let found: Option<(i64,)> = db.fetch_optional(find, args![workspace, kind, key]).await?;
    Ok(found.map(|(member,)| MemberId(member)))
}

/// Those of these numbers that are house accounts, as members are read.
pub(super) async fn with_balances(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    numbers: Vec<i64>,
) -> Result<Vec<MemberRow>> {
    let find = sql!(
        "SELECT h.member, h.standing, CAST(NULL AS BIGINT) AS person, CAST(NULL AS BIGINT) AS merged_into, CAST(NULL AS TEXT) AS jurisdiction,
             b.wallet, b.owed, b.operation, b.due_at, b.active_at, b.trail, b.opened FROM loyalty_houses h
         LEFT JOIN loyalty_balances b ON b.member = h.member AND b.workspace = h.workspace
         WHERE h.member IN ($2) AND h.workspace = $1"
    );
    db.fetch_all(find, args![workspace, &numbers]).await
}
