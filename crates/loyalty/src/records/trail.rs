//! Which operations moved something in an account: its trail, from which everything that asks for a member's operations starts.
//!
//! An index of postings by member would change a page of its own, drawn by chance, for each operation. So the newest operations stand with the balance,
//! which is written anyway, and [`PAGE`] of them at a time become a row of `loyalty_trails`.
//!
//! Always holds: an operation is in the trail of every account in which it moved something, once, and in no other; trails only grow. `rapport verify` checks it.

use std::collections::BTreeMap;

use rapport_domain::WorkspaceId;
use rapport_store::{Queries, Result, args, sql};

use super::documents::unreadable;
use crate::ledger::{AccountKey, MemberId, Operation, WalletId};

/// How many operations a row has. As many more bytes would be written with each balance as there are more of them, and a row as often as there are fewer.
pub(super) const PAGE: usize = 16;
/// How many operations are asked for at a time.
const AT_ONCE: usize = 10_000;

/// The newest operations of an account, as they stand with its balance: numbers, with a space between two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trail(pub String);

impl Trail {
    /// Adds operations; whole rows that are to be written by now: (the first, the last, all).
    pub(super) fn add(&mut self, operations: &[i64]) -> Result<Vec<(i64, i64, String)>> {
        let mut all = numbers(&self.0)?;
        all.extend(operations);
        let whole = all.len() - all.len() % PAGE;
        let rows = all[..whole].chunks(PAGE).map(|page| (page[0], page[PAGE - 1], text(page)));
        let rows = rows.collect();
        self.0 = text(&all[whole..]);
        Ok(rows)
    }
}

/// Numbers as they stand with a balance: a space between two.
pub(super) fn text(numbers: &[i64]) -> String {
    let words: Vec<String> = numbers.iter().map(i64::to_string).collect();
    words.join(" ")
}

/// Reads [`text`].
pub(super) fn numbers(text: &str) -> Result<Vec<i64>> {
    let mut numbers = Vec::new();
    for number in text.split(' ').filter(|word| !word.is_empty()) {
        numbers.push(number.parse().map_err(|_| unreadable("trail"))?);
    }
    Ok(numbers)
}

/// What these operations add to the trail of each account.
pub(crate) fn of(operations: &[Operation]) -> BTreeMap<AccountKey, Vec<i64>> {
    let mut found: BTreeMap<AccountKey, Vec<i64>> = BTreeMap::new();
    for operation in operations {
        for posting in &operation.postings {
            let trail = found.entry((posting.member, posting.wallet)).or_default();
            if trail.last() != Some(&operation.number) {
                trail.push(operation.number);
            }
        }
    }
    found
}

/// All operations in which something of these members moved, in order.
///
/// # Errors
/// The store's.
pub(super) async fn operations(db: &mut impl Queries, workspace: WorkspaceId, members: &[i64]) -> Result<Vec<i64>> {
    let find = sql!(
        "SELECT operations FROM loyalty_trails WHERE member IN ($2) AND workspace = $1
         UNION ALL SELECT trail FROM loyalty_balances WHERE member IN ($2) AND workspace = $1 AND trail <> ''"
    );
    let mut found = read(&db.fetch_all(find, args![workspace, members]).await?)?;
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// The last operations before one in which something of these members moved, the newest first.
///
/// # Errors
/// The store's.
pub(super) async fn latest(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    members: &[i64],
    before: i64,
    limit: u32,
) -> Result<Vec<i64>> {
    // Every row that ends before it has one at least. An operation is in the trails of two accounts at most that are one person's by now, so twice as many rows
    // have enough of them; beside the rows in which it lies itself.
    let find = sql!(
        "SELECT operations FROM loyalty_trails WHERE member IN ($2) AND workspace = $1 AND first < $3 AND last >= $3
         UNION ALL SELECT operations FROM (SELECT operations FROM loyalty_trails WHERE member IN ($2) AND workspace = $1 AND last < $3
             ORDER BY last DESC LIMIT $4) earlier
         UNION ALL SELECT trail FROM loyalty_balances WHERE member IN ($2) AND workspace = $1 AND trail <> ''"
    );
    let rows = i64::from(limit).saturating_mul(2);
    let mut found = read(&db.fetch_all(find, args![workspace, members, before, rows]).await?)?;
    found.retain(|operation| *operation < before);
    found.sort_unstable_by(|one, other| other.cmp(one));
    found.dedup();
    found.truncate(limit as usize);
    Ok(found)
}

fn read(rows: &[(String,)]) -> Result<Vec<i64>> {
    let mut found = Vec::new();
    for (text,) in rows {
        found.extend(numbers(text)?);
    }
    Ok(found)
}

/// What moved of these members in all: (wallet, from where, to where, how much).
///
/// # Errors
/// The store's.
pub(super) async fn sums(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    members: &[i64],
) -> Result<Vec<(i64, String, String, i64)>> {
    let mut sums: BTreeMap<(i64, String, String), i64> = BTreeMap::new();
    let add = sql!(
        "SELECT wallet, from_place, to_place, CAST(SUM(amount) AS BIGINT) FROM loyalty_postings
         WHERE operation IN ($2) AND workspace = $1 AND member IN ($3) GROUP BY wallet, from_place, to_place"
    );
    for operations in operations(db, workspace, members).await?.chunks(AT_ONCE) {
        let some: Vec<(i64, String, String, i64)> =
            db.fetch_all(add.clone(), args![workspace, operations, members]).await?;
        for (wallet, from, to, amount) in some {
            *sums.entry((wallet, from, to)).or_default() += amount;
        }
    }
    Ok(sums.into_iter().map(|((wallet, from, to), amount)| (wallet, from, to, amount)).collect())
}

/// The trails of all accounts.
///
/// # Errors
/// The store's.
pub(crate) async fn all(db: &mut impl Queries, workspace: WorkspaceId) -> Result<BTreeMap<AccountKey, Vec<i64>>> {
    let find = sql!(
        "SELECT member, wallet, operations FROM (
             SELECT member, wallet, last, operations FROM loyalty_trails WHERE workspace = $1
             UNION ALL SELECT member, wallet, $2 AS last, trail FROM loyalty_balances WHERE workspace = $1 AND trail <> '') trails
         ORDER BY member, wallet, last"
    );
    let rows: Vec<(i64, i64, String)> = db.fetch_all(find, args![workspace, i64::MAX]).await?;
    let mut found: BTreeMap<AccountKey, Vec<i64>> = BTreeMap::new();
    for (member, wallet, text) in rows {
        found.entry((MemberId(member), WalletId(wallet))).or_default().extend(numbers(&text)?);
    }
    Ok(found)
}
