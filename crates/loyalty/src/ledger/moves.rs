//! Moving points, and putting them back when a command is refused after all.

use rapport_domain::Timestamp;

use super::{
    Account, AccountKey, Balance, Hold, HoldState, Ledger, Lot, LotId, LotTerms, Operation, Place, Posting, Terms,
    Wallet,
};

/// What is put back when a command is refused.
#[derive(Debug)]
pub(super) enum Undo {
    Balance(AccountKey, Balance),
    Lot(AccountKey, LotId, Option<Lot>),
    Hold(AccountKey, i64, Option<Hold>),
    Reversed(String, i64),
}

/// A state to go back to.
pub(super) struct Mark {
    undo: usize,
    operations: i64,
    postings: i64,
    done: usize,
}

/// What a new lot is, besides its points.
pub(super) struct NewLot {
    pub earned_at: Timestamp,
    pub active_from: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub operation: i64,
    pub origin: Option<LotId>,
}

impl NewLot {
    pub(super) const fn now(now: Timestamp, expires_at: Option<Timestamp>, operation: i64) -> Self {
        Self { earned_at: now, active_from: now, expires_at, operation, origin: None }
    }

    /// Points that lay in `lot`: as old as they were, and to be spent at once.
    pub(super) const fn out_of(lot: &Lot, expires_at: Option<Timestamp>, operation: i64) -> Self {
        Self { earned_at: lot.earned_at, active_from: lot.earned_at, expires_at, operation, origin: Some(lot.id) }
    }
}

impl Ledger {
    /// Gives points as a new lot, and pays what is owed with them.
    pub(super) fn give(&mut self, key: AccountKey, from: Place, amount: i64, new: NewLot, at: Timestamp) {
        let NewLot { earned_at, active_from, expires_at, operation, origin } = new;
        let id = LotId(self.postings + 1);
        let place = if active_from > earned_at { Place::Pending } else { Place::Available };
        let lot = Lot {
            id,
            amount,
            pending: 0,
            available: 0,
            held: 0,
            earned_at,
            active_from,
            expires_at,
            operation,
            origin,
        };
        self.fix_lot(key, lot);
        self.post(key, from, place, amount, Some(id), at);
        self.repay(key, at);
    }

    /// Takes available points in the order in which lots are used; which, of which lots.
    pub(super) fn consume(&mut self, key: AccountKey, amount: i64, to: Place, at: Timestamp) -> Vec<(LotId, i64)> {
        let mut left = amount;
        let mut taken = Vec::new();
        while left > 0 {
            let Some(lot) = self.account(key).turns().next() else { break };
            let (id, part) = (lot.id, lot.available.min(left));
            self.post(key, Place::Available, to, part, Some(id), at);
            taken.push((id, part));
            left -= part;
        }
        taken
    }

    /// Pays what is owed with what is available.
    pub(super) fn repay(&mut self, key: AccountKey, at: Timestamp) {
        let Balance { available, owed, .. } = self.balance(key);
        self.consume(key, owed.min(available), Place::Owed, at);
    }

    /// Spends the first `amount` points of a hold, and gives the others back.
    pub(super) fn end_hold(&mut self, key: AccountKey, hold: Hold, state: HoldState, amount: i64, at: Timestamp) {
        let mut left = amount;
        for (lot, part) in &hold.lots {
            let spent = left.min(*part);
            left -= spent;
            self.post(key, Place::Held, Place::Spent, spent, Some(*lot), at);
            self.post(key, Place::Held, Place::Available, part - spent, Some(*lot), at);
        }
        self.change_hold(key, Hold { state, ..hold });
        self.repay(key, at);
    }

    /// The postings of the operation that is being made.
    pub(super) fn take_postings(&mut self) -> Vec<Posting> {
        std::mem::take(&mut self.current)
    }

    /// What it fixes beside them.
    pub(super) fn take_terms(&mut self) -> Terms {
        std::mem::take(&mut self.terms)
    }

    /// Moves points. Nothing to move is no posting.
    pub(super) fn post(
        &mut self,
        key: AccountKey,
        from: Place,
        to: Place,
        amount: i64,
        lot: Option<LotId>,
        at: Timestamp,
    ) {
        if amount == 0 {
            return;
        }
        if let Some(id) = lot {
            let mut changed = self.lot(key, id);
            for (place, by) in [(from, -amount), (to, amount)] {
                if let Some(part) = changed.part(place) {
                    *part += by;
                }
            }
            self.change_lot(key, changed);
        }
        let before = self.balance(key);
        self.undo.push(Undo::Balance(key, before));
        let balance = self.account(key).balance_mut();
        balance.add(from, -amount);
        balance.add(to, amount);
        self.done.accounts.insert(key);
        self.postings += 1;
        let number = self.postings;
        self.current.push(Posting { number, member: key.0, wallet: key.1, from, to, amount, lot, effective_at: at });
    }

    /// Makes a lot, or gives it another end.
    pub(super) fn fix_lot(&mut self, key: AccountKey, lot: Lot) {
        self.terms.lots.push(LotTerms::of(&lot));
        self.change_lot(key, lot);
    }

    pub(super) fn change_lot(&mut self, key: AccountKey, lot: Lot) {
        let id = lot.id;
        let before = self.account(key).take_lot(id);
        self.undo.push(Undo::Lot(key, id, before));
        self.account(key).put_lot(lot);
        self.done.lots.insert((key, id));
        self.done.accounts.insert(key);
    }

    pub(super) fn change_hold(&mut self, key: AccountKey, hold: Hold) {
        let operation = hold.operation;
        let before = self.account(key).take_hold(operation);
        self.undo.push(Undo::Hold(key, operation, before));
        self.account(key).put_hold(hold);
        self.done.holds.insert((key, operation));
        self.done.accounts.insert(key);
    }

    /// Notes how much of an earlier operation is undone now.
    pub(super) fn change_reversed(&mut self, target: &Operation, reversed: i64) {
        self.undo.push(Undo::Reversed(target.id.clone(), target.reversed));
        self.set_reversed(&target.id, reversed);
    }

    pub(super) fn set_reversed(&mut self, id: &str, reversed: i64) {
        let Some(known) = self.known.get_mut(id) else { return };
        known.reversed = reversed;
        let number = known.number;
        match self.done.operations.iter_mut().find(|operation| operation.number == number) {
            Some(new) => new.reversed = reversed,
            None => drop(self.done.reversed.insert(number, reversed)),
        }
    }

    pub(super) fn lot(&mut self, key: AccountKey, id: LotId) -> Lot {
        self.account(key).lot(id).expect("lots that are referred to are in memory").clone()
    }

    pub(super) fn account(&mut self, key: AccountKey) -> &mut Account {
        self.accounts.entry(key).or_default()
    }

    pub(super) fn balance(&self, key: AccountKey) -> Balance {
        self.accounts.get(&key).map(Account::balance).unwrap_or_default()
    }

    pub(super) fn wallet(&self, key: AccountKey) -> &Wallet {
        &self.wallets[&key.1]
    }

    /// What an account comes to at `now`, with what is due and not posted yet. Changes nothing.
    pub fn balance_at(&mut self, key: AccountKey, now: Timestamp) -> Balance {
        if self.account(key).next_due().is_none_or(|due| due > now) {
            return self.balance(key);
        }
        let (mark, recorded_at) = (self.mark(), self.recorded_at);
        self.settle(key, now, Timestamp(i64::MIN));
        let found = self.balance(key);
        self.back_to(&mark);
        self.recorded_at = recorded_at;
        found
    }

    pub(super) fn mark(&self) -> Mark {
        let (operations, postings) = (self.operations, self.postings);
        Mark { undo: self.undo.len(), operations, postings, done: self.done.operations.len() }
    }

    pub(super) fn back_to(&mut self, mark: &Mark) {
        self.current.clear();
        self.terms = Terms::default();
        while self.undo.len() > mark.undo {
            match self.undo.pop().expect("there is more than the mark") {
                Undo::Balance(key, before) => *self.account(key).balance_mut() = before,
                Undo::Lot(key, id, before) => {
                    self.account(key).take_lot(id);
                    if let Some(lot) = before {
                        self.account(key).put_lot(lot);
                    }
                }
                Undo::Hold(key, operation, before) => {
                    self.account(key).take_hold(operation);
                    if let Some(hold) = before {
                        self.account(key).put_hold(hold);
                    }
                }
                Undo::Reversed(id, before) => self.set_reversed(&id, before),
            }
        }
        for operation in self.done.operations.drain(mark.done..) {
            self.known.remove(&operation.id);
        }
        (self.operations, self.postings) = (mark.operations, mark.postings);
    }
}
