//! Payments as they are kept.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

use crate::ledger::MemberId;

/// A part of a receipt that was paid with points, or refused.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct Payment {
    /// The id that whoever asked gave it.
    pub id: String,
    /// What was asked for, in 128 bits.
    pub fingerprint: [u8; 16],
    /// Of which store.
    pub store: String,
    /// Of which receipt there.
    pub receipt: String,
    /// Who paid.
    pub member: i64,
    /// Out of which wallet.
    pub wallet: String,
    /// How many points.
    pub points: i64,
    /// What they paid, in millionths of the programme's currency.
    pub money: i64,
    /// What the receipt came to, in millionths: as it was told, once it is.
    pub total: i64,
    /// How many points came back.
    pub returned: i64,
    /// What these had paid.
    pub money_returned: i64,
    /// Why it was refused.
    pub refused: Option<String>,
    /// When.
    pub paid_at: Timestamp,
    /// Who asked.
    pub paid_by: String,
    /// When it was called off.
    pub cancelled_at: Option<Timestamp>,
}

impl Payment {
    /// Whether it was paid, and not called off before the receipt was told.
    pub const fn counts(&self) -> bool {
        self.refused.is_none() && self.cancelled_at.is_none()
    }

    pub(super) async fn write(&self, tx: &mut Tx, workspace: WorkspaceId) -> Result<()> {
        let save = sql!(
            "INSERT INTO loyalty_payments (workspace, id, fingerprint, store, receipt, member, wallet, points, money, total, returned, money_returned,
                 refused, paid_at, paid_by, cancelled_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
             ON CONFLICT (id, workspace) DO UPDATE SET total = EXCLUDED.total, returned = EXCLUDED.returned,
                 money_returned = EXCLUDED.money_returned, cancelled_at = EXCLUDED.cancelled_at"
        );
        let values = args![
            workspace,
            &self.id,
            self.fingerprint,
            &self.store,
            &self.receipt,
            self.member,
            &self.wallet,
            self.points,
            self.money,
            self.total,
            self.returned,
            self.money_returned,
            self.refused.clone(),
            self.paid_at,
            &self.paid_by,
            self.cancelled_at,
        ];
        tx.execute(save, values).await.map(drop)
    }
}

/// A payment by its id.
///
/// # Errors
/// The store's.
pub async fn by_id(db: &mut impl Queries, workspace: WorkspaceId, id: &str) -> Result<Option<Payment>> {
    let find = sql!("SELECT * FROM loyalty_payments WHERE id = $2 AND workspace = $1");
    db.fetch_optional(find, args![workspace, id]).await
}

/// All payments of a receipt, the oldest first, refused ones too.
///
/// # Errors
/// The store's.
pub async fn of_receipt(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (store, receipt): (&str, &str),
) -> Result<Vec<Payment>> {
    let list = sql!(
        "SELECT * FROM loyalty_payments WHERE store = $2 AND receipt = $3 AND workspace = $1 ORDER BY paid_at, id"
    );
    db.fetch_all(list, args![workspace, store, receipt]).await
}

/// Payments of these members, the latest first.
///
/// # Errors
/// The store's.
pub async fn of_members(db: &mut impl Queries, workspace: WorkspaceId, numbers: &[MemberId]) -> Result<Vec<Payment>> {
    let own: Vec<i64> = numbers.iter().map(|number| number.0).collect();
    let list = sql!("SELECT * FROM loyalty_payments WHERE member IN ($2) AND workspace = $1 ORDER BY paid_at DESC, id");
    db.fetch_all(list, args![workspace, &own]).await
}

/// Forgets a member's payments.
pub(in crate::records) async fn forget(tx: &mut Tx, workspace: WorkspaceId, numbers: &[i64]) -> Result<u64> {
    let returns = sql!("DELETE FROM loyalty_payment_returns WHERE member IN ($2) AND workspace = $1");
    let payments = sql!("DELETE FROM loyalty_payments WHERE member IN ($2) AND workspace = $1");
    Ok(tx.execute(returns, args![workspace, numbers]).await? + tx.execute(payments, args![workspace, numbers]).await?)
}
