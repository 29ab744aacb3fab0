//! What events told of friends: which codes they used, and what they did that may count.
//!
//! Always holds: what is told again replaces what was told; an event that was replaced by another says nothing any more.

use rapport_domain::{Handle, Timestamp, WorkspaceId};
use rapport_store::{Args, Queries, Record, Result, Tx, args, sql};

/// A code that an event told of.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct ClaimRow {
    /// Which event.
    pub event_id: [u8; 16],
    /// The friend's identifier.
    pub handle: Handle,
    /// The code, as it is looked up.
    pub lookup: String,
    /// When.
    pub claimed_at: Timestamp,
    /// The producer's order.
    pub order_key: i64,
}

/// Something that a friend did that may count.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct ActRow {
    /// `order:1042`, `event:` and its id.
    pub occasion: String,
    /// For which programme.
    pub referral: String,
    /// The friend's identifier.
    pub handle: Handle,
    /// The order's number, where it is one.
    pub order_id: Option<String>,
    /// When.
    pub acted_at: Timestamp,
    /// What it came to, in millionths of the programme's currency.
    pub amount: Option<i64>,
    /// Whether the programme's condition held.
    pub holds: bool,
    /// Whether it was called off, or went back whole, before it was told.
    pub is_void: bool,
}

impl ActRow {
    fn args(&self, workspace: WorkspaceId) -> Args {
        args![
            workspace,
            self.occasion.as_str(),
            self.referral.as_str(),
            self.handle,
            self.order_id.as_deref(),
            self.acted_at,
            self.amount,
            self.holds,
            self.is_void
        ]
    }
}

/// Keeps codes.
///
/// # Errors
/// The store's.
pub async fn tell_claims(tx: &mut Tx, workspace: WorkspaceId, rows: &[ClaimRow]) -> Result<()> {
    let add = sql!(
        "INSERT INTO loyalty_referral_claims (workspace, event_id, handle, lookup, claimed_at, order_key) VALUES {rows}
         ON CONFLICT (event_id, workspace) DO NOTHING"
    );
    let row = |it: &ClaimRow| args![workspace, it.event_id, it.handle, it.lookup.as_str(), it.claimed_at, it.order_key];
    tx.execute_many(add, rows.iter().map(row)).await.map(drop)
}

/// Keeps what friends did; each occasion once for a programme. What was void before stays void.
///
/// # Errors
/// The store's.
pub async fn tell_acts(tx: &mut Tx, workspace: WorkspaceId, rows: &[ActRow]) -> Result<()> {
    let add = sql!(
        "INSERT INTO loyalty_referral_acts (workspace, occasion, referral, handle, order_id, acted_at, amount, holds, is_void) VALUES {rows}
         ON CONFLICT (occasion, referral, workspace) DO UPDATE SET handle = EXCLUDED.handle, acted_at = EXCLUDED.acted_at,
             amount = EXCLUDED.amount, holds = EXCLUDED.holds"
    );
    tx.execute_many(add, rows.iter().map(|it| it.args(workspace))).await.map(drop)
}

/// Notes that these will be void when they are told.
///
/// # Errors
/// The store's.
pub async fn void_acts(tx: &mut Tx, workspace: WorkspaceId, rows: &[ActRow]) -> Result<()> {
    let add = sql!(
        "INSERT INTO loyalty_referral_acts (workspace, occasion, referral, handle, order_id, acted_at, amount, holds, is_void) VALUES {rows}
         ON CONFLICT (occasion, referral, workspace) DO UPDATE SET is_void = EXCLUDED.is_void"
    );
    tx.execute_many(add, rows.iter().map(|it| ActRow { is_void: true, ..it.clone() }.args(workspace))).await.map(drop)
}

/// Forgets what was told by events that were replaced, and occasions that did not happen; by which identifiers their friends are known.
///
/// # Errors
/// The store's.
pub async fn forget(
    tx: &mut Tx,
    workspace: WorkspaceId,
    events: &[[u8; 16]],
    occasions: &[String],
) -> Result<Vec<Handle>> {
    let mut touched = Vec::new();
    for event in events {
        let claims =
            sql!("DELETE FROM loyalty_referral_claims WHERE event_id = $2 AND workspace = $1 RETURNING handle");
        let rows: Vec<(Handle,)> = tx.fetch_all(claims, args![workspace, *event]).await?;
        touched.extend(rows.into_iter().map(|(handle,)| handle));
    }
    if !occasions.is_empty() {
        let acts = sql!("DELETE FROM loyalty_referral_acts WHERE occasion IN ($2) AND workspace = $1 RETURNING handle");
        let rows: Vec<(Handle,)> = tx.fetch_all(acts, args![workspace, occasions]).await?;
        touched.extend(rows.into_iter().map(|(handle,)| handle));
    }
    Ok(touched)
}

/// Codes that these identifiers used.
///
/// # Errors
/// The store's.
pub async fn claims_of(db: &mut impl Queries, workspace: WorkspaceId, handles: &[Handle]) -> Result<Vec<ClaimRow>> {
    let find = sql!(
        "SELECT event_id, handle, lookup, claimed_at, order_key FROM loyalty_referral_claims WHERE handle IN ($2) AND +workspace = $1"
    );
    if handles.is_empty() {
        return Ok(Vec::new());
    }
    db.fetch_all(find, args![workspace, handles]).await
}

/// What these identifiers did.
///
/// # Errors
/// The store's.
pub async fn acts_of(db: &mut impl Queries, workspace: WorkspaceId, handles: &[Handle]) -> Result<Vec<ActRow>> {
    let find = sql!(
        "SELECT occasion, referral, handle, order_id, acted_at, amount, holds, is_void FROM loyalty_referral_acts WHERE handle IN ($2) AND +workspace = $1"
    );
    if handles.is_empty() {
        return Ok(Vec::new());
    }
    db.fetch_all(find, args![workspace, handles]).await
}

/// By which identifiers whoever did these is known.
///
/// # Errors
/// The store's.
pub async fn actors(db: &mut impl Queries, workspace: WorkspaceId, occasions: &[String]) -> Result<Vec<Handle>> {
    let find = sql!("SELECT DISTINCT handle FROM loyalty_referral_acts WHERE occasion IN ($2) AND workspace = $1");
    if occasions.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<(Handle,)> = db.fetch_all(find, args![workspace, occasions]).await?;
    Ok(rows.into_iter().map(|(handle,)| handle).collect())
}
