//! Two members who turned out to be one person: everything of the one goes to the other, to the point.
//!
//! A lot, a hold and a debt stay what they are and only change hands: a lot keeps its number, its age, its ends and the operation that brought it in. So
//! whatever names an operation of the old number later (a refund of an order, the capture of a hold) finds the points where they are now.
//!
//! Always holds: a merge is never refused, whatever the wallet's limits say, and is never undone; [`Ledger::heirs`] leads from an old number to the member in one step.
//!
//! Does not do: decide who of the two goes on, or know why they are one person.

use rapport_domain::Timestamp;

use super::command::OWN_IDS;
use super::{AccountKey, Balance, Kind, Ledger, LotId, MemberId, Operation, Place, Source, Terms, WalletId};

/// The places of a lot's points.
const OF_LOTS: [Place; 3] = [Place::Pending, Place::Available, Place::Held];

impl Ledger {
    /// Gives everything that `from` has in any wallet to `to`; how many operations that were, with what was due. Both must be members with their own number, and
    /// all their accounts must be in memory.
    pub fn merge(&mut self, from: MemberId, to: MemberId, now: Timestamp) -> usize {
        let now = now.max(self.recorded_at);
        self.undo.clear();
        let before = self.done.operations.len();
        let mut wallets: Vec<WalletId> = self.accounts.keys().filter(|key| key.0 == from).map(|key| key.1).collect();
        wallets.sort();
        for wallet in wallets {
            self.merge_account((from, wallet), (to, wallet), now);
        }
        for heir in self.heirs.values_mut().filter(|heir| **heir == from) {
            *heir = to;
        }
        self.heirs.insert(from, to);
        self.done.operations.len() - before
    }

    fn merge_account(&mut self, from: AccountKey, to: AccountKey, now: Timestamp) {
        for account in [from, to] {
            self.settle(account, now, Timestamp(i64::MIN));
        }
        let active_at = self.account(from).active_at();
        self.account(to).was_active(active_at);
        let balance = self.balance(from);
        let lots: Vec<LotId> = self.account(from).lots().map(|lot| lot.id).collect();
        for lot in lots {
            self.hand_over_lot(lot, from, to, now);
        }
        self.hand_over_holds(from, to);
        if balance == Balance::default() {
            return;
        }
        self.post(from, Place::Transit, Place::Owed, balance.owed, None, now);
        self.post(to, Place::Owed, Place::Transit, balance.owed, None, now);
        self.repay(to, now);
        let (number, postings) = (self.next_operation(), self.take_postings());
        self.note(Operation {
            number,
            id: format!("{OWN_IDS}{number}"),
            kind: Kind::Merge,
            wallet: to.1,
            member: to.0,
            amount: balance.pending + balance.available + balance.held,
            short: 0,
            refused: None,
            reference: None,
            reversed: 0,
            fingerprint: [0; 16],
            after: self.balance(to),
            effective_at: now,
            recorded_at: now,
            postings,
            terms: Some(Terms::default()),
            source: Source { kind: "merge".into(), reference: from.0.0.to_string(), ..Source::default() },
        });
        self.recorded_at = now;
    }

    /// A lot with everything in it, as it is. Of an empty one nothing is posted; where it is not in memory, whoever needs it finds whose it is.
    fn hand_over_lot(&mut self, id: LotId, from: AccountKey, to: AccountKey, now: Timestamp) {
        let mut lot = self.lot(from, id);
        let parts = OF_LOTS.map(|place| (place, lot.part(place).map_or(0, |part| *part)));
        for (place, part) in parts {
            self.post(from, place, Place::Transit, part, Some(id), now);
        }
        let emptied = self.account(from).take_lot(id).expect("it was there a line ago");
        self.change_lot(to, emptied);
        for (place, part) in parts {
            self.post(to, Place::Transit, place, part, Some(id), now);
        }
    }

    /// Holds; their points went with the lots.
    fn hand_over_holds(&mut self, from: AccountKey, to: AccountKey) {
        let holds: Vec<i64> = self.account(from).holds().map(|hold| hold.operation).collect();
        for hold in holds {
            let hold = self.account(from).take_hold(hold).expect("it was there a line ago");
            self.change_hold(to, hold);
        }
    }

    /// Whose number it is now: the member that it was merged into, or itself.
    pub fn heir(&self, member: MemberId) -> MemberId {
        self.heirs.get(&member).copied().unwrap_or(member)
    }

    /// Which account a command, a posting or an operation means now.
    pub(super) fn account_now(&self, (member, wallet): AccountKey) -> AccountKey {
        (self.heir(member), wallet)
    }
}
