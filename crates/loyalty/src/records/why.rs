//! Why a balance is what it is, or was: every lot of an account with where it came from and what became of its points.
//!
//! Always holds: what is left of the lots, less the debts, is the balance of the same instants ([`super::read::balance_as_of`]), since both are sums of the same postings.
//! A lot that came along from an old number of the member's brings the movements of before with it.
//!
//! Does not: say when a lot would have lapsed as it was known earlier; the end is the present one. What is due and not posted yet is not in it.

use std::collections::BTreeMap;

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Row, args, sql};

use super::read::{PostingRow, unknown};
use super::{members, trail};
use crate::ledger::{AccountKey, Balance, Kind, Lot, LotId, Posting, Source};

/// Points that moved, and by what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// What moved.
    pub posting: Posting,
    /// The operation's number.
    pub operation: i64,
    /// Its id.
    pub id: String,
    /// Its kind.
    pub kind: Kind,
    /// When it was written down.
    pub recorded_at: Timestamp,
    /// Where it came from.
    pub source: Source,
}

/// A lot and what became of its points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LotStory {
    /// The lot; what is pending, available and held is what it was then.
    pub lot: Lot,
    /// What moved, in the order in which it was written down; the first brought it in.
    pub movements: Vec<Movement>,
}

/// Why a balance is what it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Why {
    /// The balance.
    pub balance: Balance,
    /// Every lot that was ever in the account, the oldest first.
    pub lots: Vec<LotStory>,
    /// How debts came about and went, as far as no lot paid them.
    pub debts: Vec<Movement>,
}

impl Record for Movement {
    fn from_row(row: &Row) -> Result<Self> {
        let PostingRow { operation, posting } = PostingRow::from_row(row)?;
        Ok(Self {
            posting,
            operation,
            id: row.get("id")?,
            kind: Kind::read(&row.get::<String>("kind")?).ok_or_else(|| unknown("kind"))?,
            recorded_at: row.get("recorded_at")?,
            source: Source {
                kind: row.get("source_kind")?,
                reference: row.get("source_reference")?,
                by: row.get("source_by")?,
                reason: row.get("source_reason")?,
                asked: None,
            },
        })
    }
}

/// Why an account has what it has, by what had taken effect by `effective` and was written down by `recorded`; all of it with the end of time.
///
/// # Errors
/// The store's.
pub async fn why(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    key: AccountKey,
    effective: Timestamp,
    recorded: Timestamp,
) -> Result<Why> {
    let numbers: Vec<i64> = members::numbers(db, workspace, key.0).await?.iter().map(|number| number.0).collect();
    let operations = trail::operations(db, workspace, &numbers).await?;
    let find = sql!(
        "SELECT p.*, o.id, o.kind, o.recorded_at, o.source_kind, o.source_reference, o.source_by, o.source_reason FROM loyalty_postings p
         JOIN loyalty_operations o ON o.operation = p.operation AND o.workspace = p.workspace
         WHERE p.operation IN ($6) AND p.member IN ($2) AND p.workspace = $1 AND p.wallet = $3 AND p.effective_at <= $4 AND o.recorded_at <= $5 ORDER BY p.posting"
    );
    let moved: Vec<Movement> =
        db.fetch_all(find, args![workspace, &numbers, key.1.0, effective, recorded, &operations]).await?;
    let mut why = Why::default();
    let mut of_lots: BTreeMap<LotId, Vec<Movement>> = BTreeMap::new();
    for movement in moved {
        let posting = &movement.posting;
        if posting.member == key.0 {
            why.balance.add(posting.from, -posting.amount);
            why.balance.add(posting.to, posting.amount);
        }
        match posting.lot {
            Some(lot) => of_lots.entry(lot).or_default().push(movement),
            None if posting.member == key.0 => why.debts.push(movement),
            None => {}
        }
    }
    of_lots.retain(|_, movements| movements.iter().any(|it| it.posting.member == key.0));
    let ids: Vec<i64> = of_lots.keys().map(|lot| lot.0).collect();
    if ids.is_empty() {
        return Ok(why);
    }
    let find = sql!(
        "SELECT lot, operation, amount, pending, available, held, earned_at, active_from, expires_at, origin
         FROM loyalty_lots WHERE lot IN ($2) AND workspace = $1 ORDER BY lot"
    );
    let lots: Vec<Lot> = db.fetch_all(find, args![workspace, &ids]).await?;
    for lot in lots {
        let movements = of_lots.remove(&lot.id).unwrap_or_default();
        why.lots.push(LotStory { lot: as_moved(lot, key, &movements), movements });
    }
    Ok(why)
}

/// The lot as these movements left it in the account.
fn as_moved(mut lot: Lot, key: AccountKey, movements: &[Movement]) -> Lot {
    let mut parts = Balance::default();
    for posting in movements.iter().map(|it| &it.posting).filter(|posting| posting.member == key.0) {
        for (place, by) in [(posting.from, -posting.amount), (posting.to, posting.amount)] {
            parts.add(place, by);
        }
    }
    (lot.pending, lot.available, lot.held) = (parts.pending, parts.available, parts.held);
    lot
}
