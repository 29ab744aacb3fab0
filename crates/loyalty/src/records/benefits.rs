//! What members used of their tiers' benefits, and what it cost.
//!
//! Always holds: a use is recorded once, by its id; never more of them than a benefit allows in a period, whoever asks at the same time.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

use super::head;
use crate::ledger::MemberId;

/// A use of a benefit.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct UseRow {
    /// What whoever recorded it calls it.
    pub id: String,
    /// Whose.
    pub member: i64,
    /// On which ladder.
    pub ladder: String,
    /// Of which benefit.
    pub benefit: String,
    /// On which tier they were.
    pub tier: String,
    /// In which period it counts.
    pub period: String,
    /// What it cost, in millionths of the programme's currency.
    pub cost: i64,
    /// What it was used for: a number of the shop.
    pub reference: String,
    /// Who recorded it.
    pub used_by: String,
    /// When.
    pub used_at: Timestamp,
}

/// What came of recording a use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It is.
    New,
    /// It was already, as this.
    Again(UseRow),
    /// The id is that of another use.
    IdReused,
    /// It was used as often as it can be.
    UsedUp,
}

/// Records a use, if the benefit was used fewer than `most` times in its period.
///
/// # Errors
/// The store's.
pub async fn record(tx: &mut Tx, workspace: WorkspaceId, row: &UseRow, most: Option<u32>) -> Result<Recorded> {
    // From here on nobody else records any, so that what is counted stays true.
    head::lock(tx, workspace).await?;
    let known = sql!(
        "SELECT id, member, ladder, benefit, tier, period, cost, reference, used_by, used_at FROM loyalty_benefit_uses
         WHERE id = $2 AND workspace = $1"
    );
    if let Some(known) = tx.fetch_optional::<UseRow>(known, args![workspace, &row.id]).await? {
        let words = |it: &UseRow| (it.member, it.benefit.clone(), it.reference.clone());
        return Ok(if words(&known) == words(row) { Recorded::Again(known) } else { Recorded::IdReused });
    }
    if let Some(most) = most
        && used(tx, workspace, MemberId(row.member), &row.benefit, &row.period).await? >= i64::from(most)
    {
        return Ok(Recorded::UsedUp);
    }
    let add = sql!(
        "INSERT INTO loyalty_benefit_uses (workspace, id, member, ladder, benefit, tier, period, cost, reference, used_by, used_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
    );
    let UseRow { id, member, ladder, benefit, tier, period, cost, reference, used_by, used_at } = row;
    let values = args![workspace, id, *member, ladder, benefit, tier, period, *cost, reference, used_by, *used_at];
    tx.execute(add, values).await?;
    Ok(Recorded::New)
}

/// How often a member used a benefit in a period.
///
/// # Errors
/// The store's.
pub async fn used(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    member: MemberId,
    benefit: &str,
    period: &str,
) -> Result<i64> {
    let count = sql!(
        "SELECT COUNT(*) FROM loyalty_benefit_uses WHERE member = $2 AND +workspace = $1 AND benefit = $3 AND period = $4"
    );
    db.scalar(count, args![workspace, member.0, benefit, period]).await
}

/// A member's uses, the latest first, from behind one of them on: (when, id).
///
/// # Errors
/// The store's.
pub async fn of_member(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    member: MemberId,
    after: Option<(Timestamp, String)>,
    limit: u32,
) -> Result<Vec<UseRow>> {
    let (at, id) = after.unwrap_or((Timestamp(i64::MAX), String::new()));
    let list = sql!(
        "SELECT id, member, ladder, benefit, tier, period, cost, reference, used_by, used_at FROM loyalty_benefit_uses
         WHERE member = $2 AND +workspace = $1 AND (used_at, id) < ($3, $4)
         ORDER BY used_at DESC, id DESC LIMIT $5"
    );
    db.fetch_all(list, args![workspace, member.0, at, id, limit]).await
}

/// What was used of a ladder's benefits from one instant to before another: (benefit, tier, how often, what it cost).
///
/// # Errors
/// The store's.
pub async fn totals(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    ladder: &str,
    (from, to): (Timestamp, Timestamp),
) -> Result<Vec<(String, String, i64, i64)>> {
    let sums = sql!(
        "SELECT benefit, tier, COUNT(*), CAST(SUM(cost) AS BIGINT) FROM loyalty_benefit_uses
         WHERE workspace = $1 AND ladder = $2 AND used_at >= $3 AND used_at < $4 GROUP BY benefit, tier ORDER BY benefit, tier"
    );
    db.fetch_all(sums, args![workspace, ladder, from, to]).await
}
