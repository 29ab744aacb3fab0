//! Rows of households.

use std::collections::BTreeMap;

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Result, Tx, args, sql};

use super::{Household, Invitation, Membership, Use};
use crate::ledger::MemberId;
use crate::records::members::as_rows;

/// A household by the id that whoever asked gave it.
///
/// # Errors
/// The store's.
pub async fn by_id(db: &mut impl Queries, workspace: WorkspaceId, id: &str) -> Result<Option<Household>> {
    let find = sql!("SELECT * FROM loyalty_households WHERE id = $2 AND workspace = $1");
    db.fetch_optional(find, args![workspace, id]).await
}

/// A household by its own id.
///
/// # Errors
/// The store's.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, household: &str) -> Result<Option<Household>> {
    let find = sql!("SELECT * FROM loyalty_households WHERE household = $2 AND workspace = $1");
    db.fetch_optional(find, args![workspace, household]).await
}

/// Households that there are, the newest first, from behind one of them on.
///
/// # Errors
/// The store's.
pub async fn list(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    after: Option<(Timestamp, String)>,
    limit: u32,
) -> Result<Vec<Household>> {
    let (at, household) = after.unwrap_or((Timestamp(i64::MAX), String::new()));
    let list = sql!(
        "SELECT * FROM loyalty_households WHERE workspace = $1 AND (created_at, household) < ($2, $3) AND ended_at IS NULL
         ORDER BY created_at DESC, household DESC LIMIT $4"
    );
    db.fetch_all(list, args![workspace, at, household, limit]).await
}

/// Everybody who belongs to a household or did, whoever joined first before the others.
///
/// # Errors
/// The store's.
pub async fn members_of(db: &mut impl Queries, workspace: WorkspaceId, household: &str) -> Result<Vec<Membership>> {
    let find = sql!("SELECT * FROM loyalty_household_members WHERE household = $2 AND workspace = $1 ORDER BY place");
    db.fetch_all(find, args![workspace, household]).await
}

/// That a member belongs to a household, if they do.
///
/// # Errors
/// The store's.
pub async fn open_of(db: &mut impl Queries, workspace: WorkspaceId, member: MemberId) -> Result<Option<Membership>> {
    let find = sql!("SELECT * FROM loyalty_household_members WHERE member = $2 AND workspace = $1 AND left_at IS NULL");
    db.fetch_optional(find, args![workspace, member.0]).await
}

/// All households to which some members belong or did.
///
/// # Errors
/// The store's.
pub async fn all_of(db: &mut impl Queries, workspace: WorkspaceId, members: &[MemberId]) -> Result<Vec<Membership>> {
    let find = sql!(
        "SELECT * FROM loyalty_household_members WHERE member IN ($2) AND workspace = $1 ORDER BY joined_at, membership"
    );
    db.fetch_all(find, args![workspace, &as_rows(members)]).await
}

/// How often a member joined in a span.
pub(super) async fn joined(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    member: MemberId,
    from: Timestamp,
    to: Timestamp,
) -> Result<i64> {
    let count = sql!(
        "SELECT CAST(COUNT(*) AS BIGINT) FROM loyalty_household_members WHERE member = $2 AND workspace = $1 AND joined_at >= $3 AND joined_at < $4"
    );
    db.scalar(count, args![workspace, member.0, from, to]).await
}

/// Whether somebody else of a household has a name, whatever its case.
pub(super) async fn is_taken(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    household: &str,
    (name, member): (&str, MemberId),
) -> Result<bool> {
    let count = sql!(
        "SELECT CAST(COUNT(*) AS BIGINT) FROM loyalty_household_members
         WHERE household = $2 AND workspace = $1 AND folded = $3 AND left_at IS NULL AND member <> $4"
    );
    let count: i64 = db.scalar(count, args![workspace, household, name.to_lowercase(), member.0]).await?;
    Ok(count > 0)
}

/// An invitation by its own id.
///
/// # Errors
/// The store's.
pub async fn invitation(db: &mut impl Queries, workspace: WorkspaceId, invitation: &str) -> Result<Option<Invitation>> {
    let find = sql!("SELECT * FROM loyalty_household_invitations WHERE invitation = $2 AND workspace = $1");
    db.fetch_optional(find, args![workspace, invitation]).await
}

pub(super) async fn invitation_by_id(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    id: &str,
) -> Result<Option<Invitation>> {
    let find = sql!("SELECT * FROM loyalty_household_invitations WHERE id = $2 AND workspace = $1");
    db.fetch_optional(find, args![workspace, id]).await
}

/// Whom a household invited, the newest last.
///
/// # Errors
/// The store's.
pub async fn invitations_of(db: &mut impl Queries, workspace: WorkspaceId, household: &str) -> Result<Vec<Invitation>> {
    let find = sql!(
        "SELECT * FROM loyalty_household_invitations WHERE household = $2 AND workspace = $1 ORDER BY made_at, invitation"
    );
    db.fetch_all(find, args![workspace, household]).await
}

/// To what some members were invited, the newest last.
///
/// # Errors
/// The store's.
pub async fn invitations_to(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    members: &[MemberId],
) -> Result<Vec<Invitation>> {
    let find = sql!(
        "SELECT * FROM loyalty_household_invitations WHERE member IN ($2) AND workspace = $1 ORDER BY made_at, invitation"
    );
    db.fetch_all(find, args![workspace, &as_rows(members)]).await
}

/// Whose points were used for a redemption, part by part.
///
/// # Errors
/// The store's.
pub async fn uses_of(db: &mut impl Queries, workspace: WorkspaceId, redemption: &str) -> Result<Vec<Use>> {
    let find = sql!("SELECT * FROM loyalty_household_uses WHERE redemption = $2 AND workspace = $1 ORDER BY part");
    db.fetch_all(find, args![workspace, redemption]).await
}

/// Where a list of uses goes on: behind (when, redemption, part).
pub type Behind = (Timestamp, String, i64);

/// What was used in a household, the newest first, from behind one on.
///
/// # Errors
/// The store's.
pub async fn uses(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    household: &str,
    after: Option<Behind>,
    limit: u32,
) -> Result<Vec<Use>> {
    let (at, redemption, part) = after.unwrap_or((Timestamp(i64::MAX), String::new(), 0));
    let find = sql!(
        "SELECT * FROM loyalty_household_uses WHERE household = $2 AND workspace = $1 AND (used_at, redemption, part) < ($3, $4, $5)
         ORDER BY used_at DESC, redemption DESC, part DESC LIMIT $6"
    );
    db.fetch_all(find, args![workspace, household, at, redemption, part, limit]).await
}

/// What of some members was used, and what they used of others, the newest first.
///
/// # Errors
/// The store's.
pub async fn uses_by_members(db: &mut impl Queries, workspace: WorkspaceId, members: &[MemberId]) -> Result<Vec<Use>> {
    let find = sql!(
        "SELECT * FROM loyalty_household_uses WHERE (giver IN ($2) OR taker IN ($2)) AND workspace = $1
         ORDER BY used_at DESC, redemption DESC, part DESC"
    );
    db.fetch_all(find, args![workspace, &as_rows(members)]).await
}

/// How many points of some members others used in a span, without what went back.
pub(super) async fn used(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (givers, wallet): (&[MemberId], &str),
    (from, to): (Timestamp, Timestamp),
) -> Result<BTreeMap<MemberId, i64>> {
    let sum = sql!(
        "SELECT giver, CAST(SUM(points - returned) AS BIGINT) FROM loyalty_household_uses
         WHERE giver IN ($2) AND workspace = $1 AND taker <> giver AND wallet = $3 AND used_at >= $4 AND used_at < $5 GROUP BY giver"
    );
    let rows: Vec<(i64, i64)> = db.fetch_all(sum, args![workspace, &as_rows(givers), wallet, from, to]).await?;
    Ok(rows.into_iter().map(|(giver, used)| (MemberId(giver), used)).collect())
}

pub(super) async fn save(tx: &mut Tx, workspace: WorkspaceId, row: &Household) -> Result<()> {
    let save = sql!(
        "INSERT INTO loyalty_households (workspace, household, id, fingerprint, name, named_by, head, created_at, ended_at, made_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (household, workspace) DO UPDATE SET name = EXCLUDED.name, named_by = EXCLUDED.named_by, head = EXCLUDED.head, ended_at = EXCLUDED.ended_at"
    );
    let values = args![
        workspace,
        &row.household,
        &row.id,
        row.fingerprint,
        &row.name,
        row.named_by,
        row.head,
        row.created_at,
        row.ended_at,
        &row.made_by,
    ];
    tx.execute(save, values).await.map(drop)
}

pub(super) async fn save_member(tx: &mut Tx, workspace: WorkspaceId, row: &Membership) -> Result<()> {
    let save = sql!(
        "INSERT INTO loyalty_household_members (workspace, membership, household, place, member, name, folded, own_limit, joined_at, left_at, left_how)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (membership, workspace) DO UPDATE SET name = EXCLUDED.name, folded = EXCLUDED.folded, own_limit = EXCLUDED.own_limit,
             left_at = EXCLUDED.left_at, left_how = EXCLUDED.left_how"
    );
    let values = args![
        workspace,
        &row.membership,
        &row.household,
        row.place,
        row.member,
        &row.name,
        row.name.to_lowercase(),
        row.own_limit,
        row.joined_at,
        row.left_at,
        &row.left_how,
    ];
    tx.execute(save, values).await.map(drop)
}

pub(super) async fn save_invitation(tx: &mut Tx, workspace: WorkspaceId, row: &Invitation) -> Result<()> {
    let save = sql!(
        "INSERT INTO loyalty_household_invitations (workspace, invitation, id, fingerprint, household, member, state, made_at, due_at, settled_at, made_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (invitation, workspace) DO UPDATE SET state = EXCLUDED.state, settled_at = EXCLUDED.settled_at"
    );
    let values = args![
        workspace,
        &row.invitation,
        &row.id,
        row.fingerprint,
        &row.household,
        row.member,
        &row.state,
        row.made_at,
        row.due_at,
        row.settled_at,
        &row.made_by,
    ];
    tx.execute(save, values).await.map(drop)
}

pub(super) async fn save_use(tx: &mut Tx, workspace: WorkspaceId, row: &Use) -> Result<()> {
    let save = sql!(
        "INSERT INTO loyalty_household_uses (workspace, redemption, part, household, giver, taker, wallet, points, returned, used_at, returned_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (redemption, part, workspace) DO UPDATE SET returned = EXCLUDED.returned, returned_at = EXCLUDED.returned_at"
    );
    let values = args![
        workspace,
        &row.redemption,
        row.part,
        &row.household,
        row.giver,
        row.taker,
        &row.wallet,
        row.points,
        row.returned,
        row.used_at,
        row.returned_at,
    ];
    tx.execute(save, values).await.map(drop)
}

/// Calls everything off that waits for an answer to a household that ended.
pub(super) async fn withdraw_all(tx: &mut Tx, workspace: WorkspaceId, household: &str, now: Timestamp) -> Result<()> {
    let end = sql!(
        "UPDATE loyalty_household_invitations SET state = 'withdrawn', settled_at = $3 WHERE household = $2 AND workspace = $1 AND state = 'open'"
    );
    tx.execute(end, args![workspace, household, now]).await.map(drop)
}

/// Gives everything of one number to another.
pub(super) async fn give(tx: &mut Tx, workspace: WorkspaceId, from: MemberId, to: MemberId) -> Result<()> {
    let head = sql!("UPDATE loyalty_households SET head = $3 WHERE head = $2 AND workspace = $1");
    let named = sql!("UPDATE loyalty_households SET named_by = $3 WHERE named_by = $2 AND workspace = $1");
    let member = sql!("UPDATE loyalty_household_members SET member = $3 WHERE member = $2 AND workspace = $1");
    let invited = sql!("UPDATE loyalty_household_invitations SET member = $3 WHERE member = $2 AND workspace = $1");
    let giver = sql!("UPDATE loyalty_household_uses SET giver = $3 WHERE giver = $2 AND workspace = $1");
    let taker = sql!("UPDATE loyalty_household_uses SET taker = $3 WHERE taker = $2 AND workspace = $1");
    let about = sql!("UPDATE loyalty_household_acts SET member = $3 WHERE member = $2 AND workspace = $1");
    for text in [head, named, member, invited, giver, taker, about] {
        tx.execute(text, args![workspace, from.0, to.0]).await?;
    }
    Ok(())
}

/// Empties names and what staff said of their households, and calls invitations off; how many rows there were.
pub(super) async fn forget(tx: &mut Tx, workspace: WorkspaceId, numbers: &[i64], now: Timestamp) -> Result<u64> {
    let names = sql!(
        "UPDATE loyalty_household_members SET name = '', folded = '' WHERE member IN ($2) AND workspace = $1 AND name <> ''"
    );
    let called =
        sql!("UPDATE loyalty_households SET name = '' WHERE named_by IN ($2) AND workspace = $1 AND name <> ''");
    let invited = sql!(
        "UPDATE loyalty_household_invitations SET state = 'withdrawn', settled_at = $3 WHERE member IN ($2) AND workspace = $1 AND state = 'open'"
    );
    let said = sql!(
        "UPDATE loyalty_household_acts SET reason = '' WHERE workspace = $1 AND reason <> ''
           AND (member IN ($2) OR household IN (SELECT household FROM loyalty_household_members WHERE member IN ($2) AND workspace = $1))"
    );
    let gone = tx.execute(said, args![workspace, numbers]).await?;
    let gone = gone + tx.execute(names, args![workspace, numbers]).await?;
    let gone = gone + tx.execute(called, args![workspace, numbers]).await?;
    Ok(gone + tx.execute(invited, args![workspace, numbers, now]).await?)
}
