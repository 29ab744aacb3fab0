//! What moved in a time, over all members: read from sums by hours, which are written with the postings.
//!
//! Always holds: the sums of all hours are the sums of all postings, so what is outstanding is what all accounts come to.
//!
//! Does not: know single members.

use std::collections::BTreeMap;

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Result, Writes, args, sql};

use super::read::unknown;
use crate::ledger::{Balance, Operation, Place, WalletId};

/// Stands for all of time.
const EVER: i64 = i64::MIN;

/// What moved in a wallet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flows {
    /// Given by rules, programs and staff.
    pub issued: i64,
    /// Of what was given, taken back: an order was refunded.
    pub taken_back: i64,
    /// Spent, less what was given back.
    pub redeemed: i64,
    /// Lapsed, less what was given back.
    pub lapsed: i64,
    /// Put right by hand or by an import: up less down.
    pub adjusted: i64,
    /// What members have more than at the beginning of the time.
    pub balance: Balance,
}

impl Flows {
    fn add(&mut self, from: Place, to: Place, amount: i64) {
        self.balance.add(from, -amount);
        self.balance.add(to, amount);
        match from {
            Place::Issued => self.issued += amount,
            Place::Spent => self.redeemed -= amount,
            Place::Expired => self.lapsed -= amount,
            Place::Adjusted => self.adjusted += amount,
            _ => {}
        }
        match to {
            Place::Issued => self.taken_back += amount,
            Place::Spent => self.redeemed += amount,
            Place::Expired => self.lapsed += amount,
            Place::Adjusted => self.adjusted -= amount,
            _ => {}
        }
    }
}

/// How much moved, by wallet, hour, from and to.
pub(crate) type Sums = BTreeMap<(WalletId, i64, Place, Place), i64>;

/// Adds what operations moved.
pub(crate) fn add_up(sums: &mut Sums, operations: &[Operation]) {
    for posting in operations.iter().flat_map(|operation| &operation.postings) {
        for hour in [EVER, hour(posting.effective_at)] {
            *sums.entry((posting.wallet, hour, posting.from, posting.to)).or_default() += posting.amount;
        }
    }
}

/// The sums of all hours and since ever, as they are kept.
///
/// # Errors
/// The store's.
pub(crate) async fn all(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Sums> {
    let kept = sql!("SELECT wallet, hour, from_place, to_place, amount FROM loyalty_flows WHERE workspace = $1");
    let rows: Vec<(i64, i64, String, String, i64)> = db.fetch_all(kept, args![workspace]).await?;
    let mut sums = Sums::new();
    for (wallet, hour, from, to, amount) in rows {
        let place = |text: &str, column| Place::read(text).ok_or_else(|| unknown(column));
        sums.insert((WalletId(wallet), hour, place(&from, "from_place")?, place(&to, "to_place")?), amount);
    }
    Ok(sums)
}

/// Adds what a batch moved.
pub(super) fn note(writes: &mut Writes, workspace: WorkspaceId, operations: &[Operation]) {
    let mut sums = Sums::new();
    add_up(&mut sums, operations);
    let add = sql!(
        "INSERT INTO loyalty_flows (workspace, wallet, hour, from_place, to_place, amount) VALUES {rows}
         ON CONFLICT (workspace, wallet, hour, from_place, to_place) DO UPDATE SET amount = loyalty_flows.amount + EXCLUDED.amount"
    );
    let row = |((wallet, hour, from, to), amount): ((WalletId, i64, Place, Place), i64)| {
        args![workspace, wallet.0, hour, from.key(), to.key(), amount]
    };
    writes.execute_later(add, sums.into_iter().map(row));
}

const fn hour(at: Timestamp) -> i64 {
    at.0.div_euclid(Timestamp::HOUR)
}

/// What moved since ever, by wallets.
///
/// # Errors
/// The store's.
pub async fn ever(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    wallets: &[WalletId],
) -> Result<BTreeMap<WalletId, Flows>> {
    of_hours(db, workspace, wallets, (EVER, EVER + 1)).await
}

/// What moved from one instant on and before another, by wallets. Hours are whole: an hour belongs to the time in which it begins.
///
/// # Errors
/// The store's.
pub async fn between(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    wallets: &[WalletId],
    (from, to): (Timestamp, Timestamp),
) -> Result<BTreeMap<WalletId, Flows>> {
    // An hour that began before is not of it.
    let first = |at: Timestamp| hour(at.plus(Timestamp::HOUR - 1));
    of_hours(db, workspace, wallets, (first(from), first(to))).await
}

async fn of_hours(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    wallets: &[WalletId],
    (from, to): (i64, i64),
) -> Result<BTreeMap<WalletId, Flows>> {
    let sums = sql!(
        "SELECT wallet, from_place, to_place, CAST(SUM(amount) AS BIGINT) FROM loyalty_flows
         WHERE workspace = $1 AND wallet IN ($2) AND hour >= $3 AND hour < $4 GROUP BY wallet, from_place, to_place"
    );
    let numbers: Vec<i64> = wallets.iter().map(|wallet| wallet.0).collect();
    let rows: Vec<(i64, String, String, i64)> =
        db.fetch_all(sums, args![workspace, numbers.as_slice(), from, to]).await?;
    let mut found: BTreeMap<WalletId, Flows> = BTreeMap::new();
    for (wallet, from, to, amount) in rows {
        let place = |text: &str, column| Place::read(text).ok_or_else(|| unknown(column));
        let flows = found.entry(WalletId(wallet)).or_default();
        flows.add(place(&from, "from_place")?, place(&to, "to_place")?, amount);
    }
    Ok(found)
}
