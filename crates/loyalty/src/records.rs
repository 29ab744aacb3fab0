//! The ledger in the product database.
//!
//! Always holds: whoever posts holds the workspace's head, so that operations of one workspace are written one batch after the other, on both engines and
//! from any number of servers; a batch is written whole, with its domain events, or not at all.

mod ahead;
pub mod awards;
pub mod badges;
pub mod benefits;
pub mod books;
pub mod bulks;
pub mod by_hand;
pub mod cards;
pub mod challenges;
pub mod changes;
pub mod checkouts;
pub mod documents;
pub mod flows;
pub mod gift_cards;
pub mod happenings;
pub mod head;
pub mod households;
pub mod houses;
pub mod jurisdictions;
pub mod leaderboards;
pub mod live;
mod load;
pub mod members;
pub mod merging;
pub mod notices;
pub mod offer_uses;
pub(crate) mod open_lots;
pub mod opening;
pub mod partners;
pub mod payments;
pub mod personal;
pub mod prices;
pub mod programs;
pub mod read;
pub mod redemptions;
pub mod referrals;
pub mod simulations;
pub mod tallies;
pub mod tiers;
pub mod tills;
pub(crate) mod trail;
pub mod transfers;
pub mod tries;
pub mod vouchers;
pub mod wallets;
pub mod why;
mod write;

use std::collections::{BTreeSet, HashMap, HashSet};

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::Tx;

use crate::Error;
use crate::activity::{self, Kept};
use crate::ledger::{Account, AccountKey, Answer, Command, Ledger, LotId, MemberId, WalletId};
use ahead::Sure;
pub(crate) use ahead::{Ahead, ahead, write_ahead};
use head::Head;
use jurisdictions::Laws;
use trail::Trail;

/// Accounts that were posted to before, kept in memory. Each is read again when somebody else posted to it meanwhile.
#[derive(Debug, Default)]
pub struct Memory {
    pub(crate) ledger: Ledger,
    /// How each account was written last.
    pub(crate) written: HashMap<AccountKey, Written>,
    /// Wallets whose points lapse by inactivity.
    pub(crate) kept: HashMap<WalletId, Kept>,
    /// What the law says of each wallet, by jurisdiction.
    pub(crate) laws: HashMap<WalletId, Laws>,
    /// How often the wallets had been changed when they were read.
    pub(crate) settings: Option<i64>,
    /// The members of the batch who are somebody: neither erased, nor an account that belongs to nobody.
    pub(crate) people: HashSet<MemberId>,
    /// What need not be read again as long as nobody else posts.
    pub(crate) sure: Sure,
    batches_since: u32,
}

/// How an account was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// The last operation there was then.
    pub operation: i64,
    /// The instant before which nothing falls due in it.
    pub due_at: Option<Timestamp>,
    /// Its newest operations.
    pub trail: Trail,
    /// The lots that stand in `loyalty_open_lots`.
    pub listed: BTreeSet<LotId>,
}

/// How many lots, holds and accounts are kept in memory for one workspace.
const MEMORY_MAX: usize = 400_000;
/// How many batches pass before that is looked at again.
const TRIM_EVERY: u32 = 64;

/// Posts lists of commands, each list whole or not at all, in the caller's transaction; their answers, in order. If the transaction does not commit,
/// forget `memory`.
///
/// # Errors
/// The store's, or that what it reads back does not fit together.
pub async fn post(
    tx: &mut Tx,
    memory: &mut Memory,
    workspace: WorkspaceId,
    lists: &[Vec<Command>],
    now: Timestamp,
) -> Result<Vec<Vec<Answer>>, Error> {
    let head = head::lock(tx, workspace).await?;
    load::everything(tx, memory, workspace, &head, lists).await?;
    let answers = memory.apply(lists, now);
    write::done(tx, memory, workspace, head)?;
    Ok(answers)
}

/// Posts what is due in some accounts, those that wait longest first; how many accounts were looked at.
///
/// # Errors
/// As [`post`].
pub async fn settle(
    tx: &mut Tx,
    memory: &mut Memory,
    workspace: WorkspaceId,
    most: u32,
    now: Timestamp,
) -> Result<usize, Error> {
    let due = read::due(tx, workspace, now, most).await?;
    if due.is_empty() {
        return Ok(0);
    }
    let head = head::lock(tx, workspace).await?;
    let now = now.max(head.recorded_at);
    load::accounts(tx, memory, workspace, &head, &due).await?;
    for key in &due {
        memory.ledger.settle(*key, now, Timestamp(i64::MIN));
    }
    write::done(tx, memory, workspace, head)?;
    write::looked_at(tx, memory, workspace, &due, now);
    Ok(due.len())
}

/// Posts what is due in all accounts of some members, in the caller's transaction.
pub(crate) async fn settle_of(
    tx: &mut Tx,
    workspace: WorkspaceId,
    members: &[MemberId],
    now: Timestamp,
) -> Result<(), Error> {
    let head = head::lock(tx, workspace).await?;
    let now = now.max(head.recorded_at);
    let due = read::due_of(tx, workspace, members, now).await?;
    let mut memory = Memory::default();
    load::accounts(tx, &mut memory, workspace, &head, &due).await?;
    for key in &due {
        memory.ledger.settle(*key, now, Timestamp(i64::MIN));
    }
    write::done(tx, &mut memory, workspace, head)
}

impl Memory {
    /// Goes on from where the ledger ends.
    fn stands_at(&mut self, head: &Head) {
        (self.ledger.operations, self.ledger.postings) = (head.operations, head.postings);
        self.ledger.recorded_at = head.recorded_at;
    }

    /// What comes of the lists, when all that they touch was read.
    fn apply(&mut self, lists: &[Vec<Command>], now: Timestamp) -> Vec<Vec<Answer>> {
        let mut answers = Vec::with_capacity(lists.len());
        for list in lists {
            let done = self.ledger.apply_all(list, now);
            for (command, answer) in list.iter().zip(&done) {
                activity::note(self.kept.get(&command.wallet), &mut self.ledger, command, answer, now);
            }
            answers.push(done);
        }
        answers
    }

    /// Lets go of what nobody is likely to need.
    pub(crate) fn trim(&mut self) {
        self.batches_since += 1;
        if self.batches_since < TRIM_EVERY {
            return;
        }
        self.batches_since = 0;
        let weight: usize = self.ledger.accounts.values().map(Account::weight).sum();
        if weight > MEMORY_MAX {
            self.ledger.accounts.clear();
            self.written.clear();
            self.sure = Sure::default();
        }
    }
}
