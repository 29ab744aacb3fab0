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
    /// When it is called off unless its receipt is told before; nothing once it is told or called off.
    pub due_at: Option<Timestamp>,
    /// Who called it off; [`NOBODY`](super::NOBODY), where its receipt was not told in time.
    pub cancelled_by: String,
}

/// How a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its receipt was not told yet.
    Open,
    /// Its receipt was told.
    Told,
    /// Of a receipt that was told something came back.
    Returned,
    /// It was called off before its receipt was told.
    Cancelled,
    /// It was called off because its receipt was not told in time.
    Lapsed,
    /// It was refused.
    Refused,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Open, Self::Told, Self::Returned, Self::Cancelled, Self::Lapsed, Self::Refused];

    /// A stable word, the one that queries make of a row.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Told => "told",
            Self::Returned => "returned",
            Self::Cancelled => "cancelled",
            Self::Lapsed => "lapsed",
            Self::Refused => "refused",
        }
    }
}

impl Payment {
    /// Whether it was paid, and not called off before the receipt was told.
    pub const fn counts(&self) -> bool {
        self.refused.is_none() && self.cancelled_at.is_none()
    }

    /// How it stands.
    pub fn state(&self) -> State {
        match self {
            Self { refused: Some(_), .. } => State::Refused,
            Self { cancelled_at: Some(_), cancelled_by, .. } if cancelled_by == super::NOBODY => State::Lapsed,
            Self { cancelled_at: Some(_), .. } => State::Cancelled,
            Self { due_at: Some(_), .. } => State::Open,
            Self { returned: 1.., .. } => State::Returned,
            _ => State::Told,
        }
    }

    pub(super) async fn write(&self, tx: &mut Tx, workspace: WorkspaceId) -> Result<()> {
        let save = sql!(
            "INSERT INTO loyalty_payments (workspace, id, fingerprint, store, receipt, member, wallet, points, money, total, returned, money_returned,
                 refused, paid_at, paid_by, cancelled_at, due_at, cancelled_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
             ON CONFLICT (id, workspace) DO UPDATE SET total = EXCLUDED.total, returned = EXCLUDED.returned,
                 money_returned = EXCLUDED.money_returned, cancelled_at = EXCLUDED.cancelled_at, due_at = EXCLUDED.due_at,
                 cancelled_by = EXCLUDED.cancelled_by"
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
            self.due_at,
            &self.cancelled_by,
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
        "SELECT * FROM loyalty_payments WHERE store = $2 AND receipt = $3 AND +workspace = $1 ORDER BY paid_at, id"
    );
    db.fetch_all(list, args![workspace, store, receipt]).await
}

/// Payments of these members, the latest first.
///
/// # Errors
/// The store's.
pub async fn of_members(db: &mut impl Queries, workspace: WorkspaceId, numbers: &[MemberId]) -> Result<Vec<Payment>> {
    let own: Vec<i64> = numbers.iter().map(|number| number.0).collect();
    let list =
        sql!("SELECT * FROM loyalty_payments WHERE member IN ($2) AND +workspace = $1 ORDER BY paid_at DESC, id");
    db.fetch_all(list, args![workspace, &own]).await
}

/// Which payments are listed; what is empty does not matter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter<'a> {
    /// Of these members.
    pub members: Option<&'a [MemberId]>,
    /// As they stand now.
    pub state: Option<State>,
    /// Of this store.
    pub store: &'a str,
    /// Paid from this instant on.
    pub from: Option<Timestamp>,
    /// Paid before this instant.
    pub until: Option<Timestamp>,
}

/// Payments, the newest first, from behind one of them on: (paid at, id).
///
/// # Errors
/// The store's.
pub async fn list(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    filter: Filter<'_>,
    after: Option<(Timestamp, String)>,
    limit: u32,
) -> Result<Vec<Payment>> {
    let (at, id) = after.unwrap_or((Timestamp(i64::MAX), String::new()));
    let state = filter.state.map_or("", State::key);
    let (from, until) = (filter.from.unwrap_or(Timestamp(i64::MIN)), filter.until.unwrap_or(Timestamp(i64::MAX)));
    let Some(members) = filter.members else {
        let list = sql!(
            "SELECT * FROM loyalty_payments WHERE workspace = $1 AND (paid_at, id) < ($2, $3) AND paid_at >= $4 AND paid_at < $5 AND ($6 = '' OR store = $6)
                 AND ($7 = '' OR $7 = CASE WHEN refused IS NOT NULL THEN 'refused' WHEN cancelled_at IS NOT NULL AND cancelled_by = 'nobody' THEN 'lapsed'
                     WHEN cancelled_at IS NOT NULL THEN 'cancelled' WHEN due_at IS NOT NULL THEN 'open' WHEN returned > 0 THEN 'returned' ELSE 'told' END)
             ORDER BY paid_at DESC, id DESC LIMIT $8"
        );
        return db.fetch_all(list, args![workspace, at, id, from, until, filter.store, state, limit]).await;
    };
    let numbers: Vec<i64> = members.iter().map(|member| member.0).collect();
    let list = sql!(
        "SELECT * FROM loyalty_payments WHERE workspace = $1 AND (paid_at, id) < ($2, $3) AND paid_at >= $4 AND paid_at < $5 AND ($6 = '' OR store = $6)
             AND ($7 = '' OR $7 = CASE WHEN refused IS NOT NULL THEN 'refused' WHEN cancelled_at IS NOT NULL AND cancelled_by = 'nobody' THEN 'lapsed'
                 WHEN cancelled_at IS NOT NULL THEN 'cancelled' WHEN due_at IS NOT NULL THEN 'open' WHEN returned > 0 THEN 'returned' ELSE 'told' END)
             AND member IN ($8) ORDER BY paid_at DESC, id DESC LIMIT $9"
    );
    let values = args![workspace, at, id, from, until, filter.store, state, numbers.as_slice(), limit];
    db.fetch_all(list, values).await
}

/// Forgets a member's payments.
pub(in crate::records) async fn forget(tx: &mut Tx, workspace: WorkspaceId, numbers: &[i64]) -> Result<u64> {
    let returns = sql!("DELETE FROM loyalty_payment_returns WHERE member IN ($2) AND workspace = $1");
    let payments = sql!("DELETE FROM loyalty_payments WHERE member IN ($2) AND workspace = $1");
    Ok(tx.execute(returns, args![workspace, numbers]).await? + tx.execute(payments, args![workspace, numbers]).await?)
}
