//! What the ledger says of one person, for them to see, and what of it can name them, to be forgotten.
//!
//! Always holds: numbers stay when a person is erased, because the books need them and the chain of hashes is made of nothing else; texts go.

use std::collections::BTreeSet;

use rapport_domain::{PersonId, WorkspaceId};
use rapport_store::{Queries, Result, Tx, args, sql};

use super::{
    badges, cards, challenges, changes, gift_cards, head, leaderboards, members, partners, payments, read, redemptions,
    tiers, tills, trail, transfers, vouchers, wallets,
};
use crate::ledger::{Lot, MemberId, Operation, WalletId};

/// Operations read at a time.
const STEP: u32 = 500;

/// A member's whole history.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// All numbers of theirs.
    pub numbers: BTreeSet<MemberId>,
    /// All operations that moved points of theirs or were refused, the newest first.
    pub operations: Vec<Operation>,
    /// What is left, by wallet, in the order in which it is used.
    pub lots: Vec<(WalletId, Lot)>,
    /// What staff gave or took by hand, or wanted to.
    pub changes: Vec<changes::Change>,
    /// What they redeemed, the newest first.
    pub redemptions: Vec<redemptions::Redemption>,
    /// What they sent and got, the newest first.
    pub transfers: Vec<transfers::Transfer>,
    /// Codes that they were given.
    pub vouchers: Vec<vouchers::Voucher>,
    /// Cards that stand for them, the newest first.
    pub cards: Vec<cards::Card>,
    /// What they earned and burned at partners, the newest first.
    pub partner_lines: Vec<partners::Line>,
    /// Gift cards that they bought or took into their wallets, the newest first.
    pub gift_cards: Vec<gift_cards::Card>,
}

impl Kept {
    /// How many points an operation brought them, or took from them, if below 0; what only changed its place is 0.
    pub fn change(&self, operation: &Operation) -> i64 {
        let own = operation.postings.iter().filter(|posting| self.numbers.contains(&posting.member));
        own.map(|posting| match (posting.from.is_members(), posting.to.is_members()) {
            (false, true) => posting.amount,
            (true, false) => -posting.amount,
            _ => 0,
        })
        .sum()
    }

    /// Whether it was asked for them, and not for somebody who gave them points.
    pub fn is_own(&self, operation: &Operation) -> bool {
        self.numbers.contains(&operation.member)
    }
}

/// What the ledger says of a person; `None` when they are no member.
///
/// # Errors
/// The store's.
pub async fn of(db: &mut impl Queries, workspace: WorkspaceId, person: PersonId) -> Result<Option<Kept>> {
    let Some(member) = members::of(db, workspace, person).await? else { return Ok(None) };
    let numbers = members::numbers(db, workspace, member).await?.into_iter().collect();
    let mut kept = Kept { numbers, ..Kept::default() };
    loop {
        let before = kept.operations.last().map(|operation| operation.number);
        let step = read::history(db, workspace, member, before, STEP).await?;
        if step.is_empty() {
            break;
        }
        kept.operations.extend(step);
    }
    let mut wallets: Vec<WalletId> = wallets::keys(db, workspace).await?.into_keys().collect();
    wallets.sort();
    for wallet in wallets {
        let lots = read::lots(db, workspace, (member, wallet)).await?;
        kept.lots.extend(lots.into_iter().map(|lot| (wallet, lot)));
    }
    let numbers: Vec<MemberId> = kept.numbers.iter().copied().collect();
    kept.changes = changes::of_members(db, workspace, &numbers).await?;
    kept.redemptions = redemptions::of_members(db, workspace, &numbers, None, u32::MAX).await?;
    kept.transfers = transfers::of_members(db, workspace, &numbers, None, u32::MAX).await?;
    kept.vouchers = vouchers::of_members(db, workspace, &numbers).await?;
    kept.cards = cards::of_members(db, workspace, &numbers).await?;
    kept.partner_lines = partners::of_members(db, workspace, &numbers).await?;
    kept.gift_cards = gift_cards::of_members(db, workspace, &numbers).await?;
    Ok(Some(kept))
}

/// Empties the texts of a person's operations that staff or other systems wrote, also of those by which somebody gave them points, and forgets their cards, where they stood on ladders and whose codes
/// they were given; how many rows there were. Before the link from the person to their number is broken.
///
/// # Errors
/// The store's.
pub async fn forget(tx: &mut Tx, workspace: WorkspaceId, person: PersonId) -> Result<u64> {
    let Some(member) = members::of(tx, workspace, person).await? else { return Ok(0) };
    // Whoever posts tells nobody of them any more.
    head::people_changed(tx, workspace).await?;
    let numbers: Vec<i64> = members::numbers(tx, workspace, member).await?.iter().map(|number| number.0).collect();
    let operations = trail::operations(tx, workspace, &numbers).await?;
    let moved = sql!(
        "UPDATE loyalty_operations SET source_reference = '', source_reason = ''
         WHERE operation IN ($2) AND workspace = $1 AND (source_reference <> '' OR source_reason <> '')"
    );
    let still = sql!(
        "UPDATE loyalty_operations SET source_reference = '', source_reason = ''
         WHERE member IN ($2) AND workspace = $1 AND (refused IS NOT NULL OR kind = 'extend') AND (source_reference <> '' OR source_reason <> '')"
    );
    let texts = tx.execute(moved, args![workspace, &operations]).await?;
    let texts = texts + tx.execute(still, args![workspace, &numbers]).await?;
    let texts = texts + tiers::forget(tx, workspace, &numbers).await?;
    let texts = texts + changes::forget(tx, workspace, &numbers).await?;
    let texts = texts + challenges::forget(tx, workspace, &numbers).await?;
    let texts = texts + badges::forget(tx, workspace, &numbers).await?;
    let texts = texts + leaderboards::forget(tx, workspace, &numbers).await?;
    let texts = texts + payments::forget(tx, workspace, &numbers).await?;
    let texts = texts + tills::forget(tx, workspace, &numbers).await?;
    let texts = texts + cards::forget(tx, workspace, &numbers).await?;
    let texts = texts + transfers::forget(tx, workspace, &numbers).await?;
    let texts = texts + gift_cards::forget(tx, workspace, &numbers).await?;
    let texts = texts + redemptions::forget(tx, workspace, &numbers).await?;
    Ok(texts + vouchers::forget(tx, workspace, &numbers).await?)
}
