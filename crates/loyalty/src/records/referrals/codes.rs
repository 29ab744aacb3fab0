//! Codes of members: one for each programme, for ever.

use rapport_domain::{Rng, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

use crate::codes;
use crate::ledger::MemberId;

/// A member's code.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct ReferralCode {
    /// As it is looked up.
    pub lookup: String,
    /// The programme.
    pub referral: String,
    /// Whose: the number as of when it was made.
    pub member: i64,
    /// When it was made.
    pub made_at: Timestamp,
    /// From when on it does not count.
    pub voided_at: Option<Timestamp>,
}

/// Codes that these numbers of one member have, the oldest first.
///
/// # Errors
/// The store's.
pub async fn of_members(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    members: &[MemberId],
) -> Result<Vec<ReferralCode>> {
    let find = sql!(
        "SELECT lookup, referral, member, made_at, voided_at FROM loyalty_referral_codes
         WHERE member IN ($2) AND +workspace = $1 ORDER BY made_at, lookup"
    );
    let members: Vec<i64> = members.iter().map(|member| member.0).collect();
    db.fetch_all(find, args![workspace, &members]).await
}

/// A member's code for a programme: the one that they have, or a new one. `numbers` are all of theirs, their own first.
///
/// # Errors
/// The store's.
pub async fn ensure(
    tx: &mut Tx,
    workspace: WorkspaceId,
    numbers: &[MemberId],
    referral: &str,
    (now, rng): (Timestamp, &dyn Rng),
) -> Result<ReferralCode> {
    let known = |all: Vec<ReferralCode>| all.into_iter().find(|it| it.referral == referral);
    if let Some(code) = known(of_members(tx, workspace, numbers).await?) {
        return revived(tx, workspace, code).await;
    }
    let own = numbers.first().ok_or(rapport_store::Error::NotFound)?;
    // Two who ask at once get the same; the same code twice is one in 10^14, and tried again.
    for _ in 0..3 {
        let add = sql!(
            "INSERT INTO loyalty_referral_codes (workspace, lookup, referral, member, made_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING"
        );
        tx.execute(add, args![workspace, codes::generate(rng), referral, own.0, now]).await?;
        if let Some(code) = known(of_members(tx, workspace, numbers).await?) {
            return Ok(code);
        }
    }
    Err(rapport_store::Error::NotFound)
}

/// Whoever left and came back has the code that they had.
async fn revived(tx: &mut Tx, workspace: WorkspaceId, code: ReferralCode) -> Result<ReferralCode> {
    if code.voided_at.is_some() {
        let set = sql!("UPDATE loyalty_referral_codes SET voided_at = NULL WHERE lookup = $2 AND workspace = $1");
        tx.execute(set, args![workspace, code.lookup.as_str()]).await?;
    }
    Ok(ReferralCode { voided_at: None, ..code })
}

/// Whose these codes are.
///
/// # Errors
/// The store's.
pub async fn by_lookups(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    lookups: &[String],
) -> Result<Vec<ReferralCode>> {
    let find = sql!(
        "SELECT lookup, referral, member, made_at, voided_at FROM loyalty_referral_codes WHERE lookup IN ($2) AND workspace = $1"
    );
    if lookups.is_empty() {
        return Ok(Vec::new());
    }
    db.fetch_all(find, args![workspace, lookups]).await
}

/// In which workspace somebody has this code, whoever it is; nothing of one that two have.
///
/// # Errors
/// The store's.
pub async fn workspace_of(db: &mut impl Queries, lookup: &str) -> Result<Option<WorkspaceId>> {
    let find = sql!("SELECT workspace FROM loyalty_referral_codes WHERE lookup = $1");
    let found: Vec<(WorkspaceId,)> = db.fetch_all(find, args![lookup]).await?;
    Ok(if let [(workspace,)] = found[..] { Some(workspace) } else { None })
}

/// How many codes there are of programmes.
///
/// # Errors
/// The store's.
pub async fn count(db: &mut impl Queries, workspace: WorkspaceId, programs: &[String]) -> Result<Vec<(String, i64)>> {
    let count = sql!(
        "SELECT referral, COUNT(*) FROM loyalty_referral_codes WHERE workspace = $1 AND referral IN ($2) GROUP BY referral ORDER BY referral"
    );
    db.fetch_all(count, args![workspace, programs]).await
}

/// Takes a member's codes out of use; how many there were.
///
/// # Errors
/// The store's.
pub async fn void(tx: &mut Tx, workspace: WorkspaceId, numbers: &[MemberId], now: Timestamp) -> Result<u64> {
    let set = sql!(
        "UPDATE loyalty_referral_codes SET voided_at = $3 WHERE member IN ($2) AND +workspace = $1 AND voided_at IS NULL"
    );
    let numbers: Vec<i64> = numbers.iter().map(|member| member.0).collect();
    tx.execute(set, args![workspace, &numbers, now]).await
}
