//! What was redeemed, by whom, and what came of it.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Result, args, sql};

use super::{Redemption, Stage};
use crate::ledger::MemberId;

/// By the id that whoever asked gave it.
///
/// # Errors
/// The store's.
pub async fn by_id(db: &mut impl Queries, workspace: WorkspaceId, id: &str) -> Result<Option<Redemption>> {
    let find = sql!("SELECT * FROM loyalty_redemptions WHERE id = $2 AND workspace = $1");
    db.fetch_optional(find, args![workspace, id]).await
}

/// By its own id.
///
/// # Errors
/// The store's.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, redemption: &str) -> Result<Option<Redemption>> {
    let find = sql!("SELECT * FROM loyalty_redemptions WHERE redemption = $2 AND workspace = $1");
    db.fetch_optional(find, args![workspace, redemption]).await
}

/// Which redemptions are listed; what is empty does not matter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter<'a> {
    /// In which state.
    pub state: &'a str,
    /// Of which reward.
    pub reward: &'a str,
}

/// Redemptions, the newest first, from behind one of them on.
///
/// # Errors
/// The store's.
pub async fn list(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    filter: Filter<'_>,
    after: Option<(Timestamp, String)>,
    limit: u32,
) -> Result<Vec<Redemption>> {
    let (at, redemption) = after.unwrap_or((Timestamp(i64::MAX), String::new()));
    let list = sql!(
        "SELECT * FROM loyalty_redemptions WHERE workspace = $1 AND (requested_at, redemption) < ($2, $3) AND (state = $4 OR $4 = '') AND (reward = $5 OR $5 = '')
         ORDER BY requested_at DESC, redemption DESC LIMIT $6"
    );
    db.fetch_all(list, args![workspace, at, redemption, filter.state, filter.reward, limit]).await
}

/// What some members redeemed, the newest first, from behind one on.
///
/// # Errors
/// The store's.
pub async fn of_members(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    members: &[MemberId],
    after: Option<(Timestamp, String)>,
    limit: u32,
) -> Result<Vec<Redemption>> {
    let (at, redemption) = after.unwrap_or((Timestamp(i64::MAX), String::new()));
    let numbers: Vec<i64> = members.iter().map(|member| member.0).collect();
    let list = sql!(
        "SELECT * FROM loyalty_redemptions WHERE member IN ($2) AND (requested_at, redemption) < ($3, $4) AND workspace = $1
         ORDER BY requested_at DESC, redemption DESC LIMIT $5"
    );
    db.fetch_all(list, args![workspace, &numbers, at, redemption, limit]).await
}

/// What was bought out of a wallet and is at some stage, the newest first, from behind one on; everybody's, or what these numbers bought.
///
/// # Errors
/// The store's.
pub async fn search(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (wallet, members, stage): (&str, Option<&[MemberId]>, Option<Stage>),
    after: Option<(Timestamp, String)>,
    limit: u32,
) -> Result<Vec<Redemption>> {
    let (at, redemption) = after.unwrap_or((Timestamp(i64::MAX), String::new()));
    let stage = stage.map_or("", Stage::key);
    let Some(members) = members else {
        let find = sql!(
            "SELECT * FROM loyalty_redemptions WHERE workspace = $1 AND wallet = $2 AND refused IS NULL AND (requested_at, redemption) < ($3, $4)
                 AND ($5 = '' OR $5 = CASE WHEN state = 'requested' OR (state = 'fulfilled' AND kind NOT IN ('delivered', 'donation', 'gift_card')) THEN 'promised'
                     WHEN state IN ('fulfilled', 'used') THEN 'had' ELSE 'gone' END)
             ORDER BY requested_at DESC, redemption DESC LIMIT $6"
        );
        return db.fetch_all(find, args![workspace, wallet, at, redemption, stage, limit]).await;
    };
    let numbers: Vec<i64> = members.iter().map(|member| member.0).collect();
    let find = sql!(
        "SELECT * FROM loyalty_redemptions WHERE workspace = $1 AND wallet = $2 AND refused IS NULL AND (requested_at, redemption) < ($3, $4)
             AND ($5 = '' OR $5 = CASE WHEN state = 'requested' OR (state = 'fulfilled' AND kind NOT IN ('delivered', 'donation', 'gift_card')) THEN 'promised'
                 WHEN state IN ('fulfilled', 'used') THEN 'had' ELSE 'gone' END)
             AND member IN ($6) ORDER BY requested_at DESC, redemption DESC LIMIT $7"
    );
    db.fetch_all(find, args![workspace, wallet, at, redemption, stage, numbers.as_slice(), limit]).await
}

/// What was given to charities: which, how many donations, points by wallet, millionths of the programme's currency.
///
/// # Errors
/// The store's.
pub async fn gifts(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<(String, String, i64, i64, i64)>> {
    let sum = sql!(
        "SELECT charity, wallet, COUNT(*), CAST(SUM(points) AS BIGINT), CAST(SUM(amount) AS BIGINT) FROM loyalty_redemptions
         WHERE workspace = $1 AND charity > '' AND state = 'fulfilled' GROUP BY charity, wallet ORDER BY charity, wallet"
    );
    db.fetch_all(sum, args![workspace]).await
}
