//! What was sent, by whom, and what came of it.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Result, args, sql};

use super::{Transfer, digest};
use crate::ledger::MemberId;

/// So many gifts that wait are shown to whoever made them.
const OPEN_MAX: i64 = 50;

/// By the id that whoever asked gave it.
///
/// # Errors
/// The store's.
pub async fn by_id(db: &mut impl Queries, workspace: WorkspaceId, id: &str) -> Result<Option<Transfer>> {
    let find = sql!("SELECT * FROM loyalty_transfers WHERE id = $2 AND workspace = $1");
    db.fetch_optional(find, args![workspace, id]).await
}

/// By its own id.
///
/// # Errors
/// The store's.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, transfer: &str) -> Result<Option<Transfer>> {
    let find = sql!("SELECT * FROM loyalty_transfers WHERE transfer = $2 AND workspace = $1");
    db.fetch_optional(find, args![workspace, transfer]).await
}

/// A gift by its code, as it is looked up.
pub(super) async fn by_code(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    key: &[u8; 32],
    lookup: &str,
) -> Result<Option<Transfer>> {
    let find = sql!("SELECT * FROM loyalty_transfers WHERE digest = $2 AND workspace = $1");
    db.fetch_optional(find, args![workspace, digest(key, lookup).to_vec()]).await
}

/// Which transfers are listed; what is empty does not matter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter<'a> {
    /// In which state.
    pub state: &'a str,
}

/// Transfers, the newest first, from behind one of them on.
///
/// # Errors
/// The store's.
pub async fn list(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    filter: Filter<'_>,
    after: Option<(Timestamp, String)>,
    limit: u32,
) -> Result<Vec<Transfer>> {
    let (at, transfer) = after.unwrap_or((Timestamp(i64::MAX), String::new()));
    let list = sql!(
        "SELECT * FROM loyalty_transfers WHERE workspace = $1 AND (made_at, transfer) < ($2, $3) AND (state = $4 OR $4 = '')
         ORDER BY made_at DESC, transfer DESC LIMIT $5"
    );
    db.fetch_all(list, args![workspace, at, transfer, filter.state, limit]).await
}

/// What some members sent or got, the newest first, from behind one on.
///
/// # Errors
/// The store's.
pub async fn of_members(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    members: &[MemberId],
    after: Option<(Timestamp, String)>,
    limit: u32,
) -> Result<Vec<Transfer>> {
    let (at, transfer) = after.unwrap_or((Timestamp(i64::MAX), String::new()));
    let numbers: Vec<i64> = members.iter().map(|member| member.0).collect();
    let list = sql!(
        "SELECT * FROM loyalty_transfers WHERE (sender IN ($2) OR receiver IN ($2)) AND (made_at, transfer) < ($3, $4) AND workspace = $1
         ORDER BY made_at DESC, transfer DESC LIMIT $5"
    );
    db.fetch_all(list, args![workspace, &numbers, at, transfer, limit]).await
}

/// What a member sent in a year.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// How many points; gifts count until they come back.
    pub sent: i64,
    /// How often.
    pub times: i64,
}

/// Gifts of a member that nobody has claimed yet, the newest first; of those whose time is over some may still be here.
///
/// # Errors
/// The store's.
pub async fn open_of(db: &mut impl Queries, workspace: WorkspaceId, member: MemberId) -> Result<Vec<Transfer>> {
    let list = sql!(
        "SELECT * FROM loyalty_transfers WHERE sender = $2 AND workspace = $1 AND state = 'open' ORDER BY made_at DESC, transfer DESC LIMIT $3"
    );
    db.fetch_all(list, args![workspace, member.0, OPEN_MAX]).await
}

/// How many points a member sent out of a wallet in a span, and how often: without what was refused, came back or was undone.
pub(super) async fn sent(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (member, wallet): (MemberId, &str),
    from: Timestamp,
    to: Timestamp,
) -> Result<Used> {
    let sum = sql!(
        "SELECT CAST(COALESCE(SUM(points), 0) AS BIGINT), CAST(COUNT(*) AS BIGINT) FROM loyalty_transfers
         WHERE sender = $2 AND workspace = $1 AND wallet = $3 AND made_at >= $4 AND made_at < $5 AND state IN ('open', 'done', 'claimed')"
    );
    let found: Option<(i64, i64)> = db.fetch_optional(sum, args![workspace, member.0, wallet, from, to]).await?;
    let (sent, times) = found.unwrap_or_default();
    Ok(Used { sent, times })
}

/// How many points a member got in a wallet in a span, without what was undone.
pub(super) async fn got(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (member, wallet): (MemberId, &str),
    from: Timestamp,
    to: Timestamp,
) -> Result<i64> {
    let sum = sql!(
        "SELECT CAST(COALESCE(SUM(arrived), 0) AS BIGINT) FROM loyalty_transfers
         WHERE receiver = $2 AND workspace = $1 AND wallet = $3 AND settled_at >= $4 AND settled_at < $5 AND state IN ('done', 'claimed')"
    );
    db.scalar(sum, args![workspace, member.0, wallet, from, to]).await
}
