//! What each kind of command does to the accounts.

use rapport_domain::Timestamp;

use super::moves::NewLot;
use super::{AccountKey, Act, Balance, Command, Expiry, Hold, HoldState, Kind, Ledger, Lot, Operation, Place, Refusal};

/// More than this no account ever has, whatever its wallet allows: sums stay far from the end of 64 bits.
const ACCOUNT_MAX: i64 = 1 << 60;

/// What an act came to.
pub(super) struct Outcome {
    pub amount: i64,
    pub short: i64,
    pub reference: Option<i64>,
    pub effective_at: Timestamp,
}

impl Ledger {
    /// Does what the command says, after everything due was posted.
    pub(super) fn act(
        &mut self,
        command: &Command,
        key: AccountKey,
        number: i64,
        now: Timestamp,
    ) -> Result<Outcome, Refusal> {
        let made = |amount| Outcome { amount, short: 0, reference: None, effective_at: now };
        match &command.act {
            Act::Earn { amount, earned_at, active_from, expires_at } => {
                let earned_at = earned_at.unwrap_or(now);
                let active_from = active_from.unwrap_or(earned_at).max(earned_at);
                if earned_at > now {
                    return Err(Refusal::InTheFuture);
                }
                if expires_at.is_some_and(|end| end <= active_from) {
                    return Err(Refusal::EndsTooEarly);
                }
                self.room(key, *amount)?;
                let new = NewLot { earned_at, active_from, expires_at: *expires_at, operation: number, origin: None };
                self.give(key, Place::Issued, *amount, new, earned_at);
                Ok(Outcome { effective_at: earned_at, ..made(*amount) })
            }
            Act::Spend { amount } => {
                self.enough(key, *amount)?;
                self.consume(key, *amount, Place::Spent, now);
                Ok(made(*amount))
            }
            Act::Hold { amount, until } => {
                if *until <= now {
                    return Err(Refusal::EndsTooEarly);
                }
                self.enough(key, *amount)?;
                let lots = self.consume(key, *amount, Place::Held, now);
                let hold = Hold { operation: number, amount: *amount, until: *until, state: HoldState::Open, lots };
                self.change_hold(key, hold);
                self.terms.until = Some(*until);
                Ok(made(*amount))
            }
            Act::Capture { hold, amount } => {
                let hold = self.open_hold(key, hold)?;
                let amount = amount.unwrap_or(hold.amount);
                if amount > hold.amount {
                    return Err(Refusal::HoldTooSmall);
                }
                let reference = Some(hold.operation);
                self.end_hold(key, hold, HoldState::Captured, amount, now);
                Ok(Outcome { reference, ..made(amount) })
            }
            Act::Release { hold } => {
                let hold = self.open_hold(key, hold)?;
                let (reference, amount) = (Some(hold.operation), hold.amount);
                self.end_hold(key, hold, HoldState::Released, 0, now);
                Ok(Outcome { reference, ..made(amount) })
            }
            Act::Adjust { amount, expires_at, into_arrears } => {
                if *amount > 0 {
                    if expires_at.is_some_and(|end| end <= now) {
                        return Err(Refusal::EndsTooEarly);
                    }
                    self.room(key, *amount)?;
                    self.give(key, Place::Adjusted, *amount, NewLot::now(now, *expires_at, number), now);
                } else {
                    self.take_away(key, -amount, *into_arrears, now)?;
                }
                Ok(made(*amount))
            }
            Act::Transfer { to, amount, expiry } => {
                self.transfer(key, self.account_now((*to, key.1)), *amount, expiry, number, now)?;
                Ok(made(*amount))
            }
            Act::HandOver { hold, to, expiry } => {
                let hold = self.open_hold(key, hold)?;
                let reference = Some(hold.operation);
                let amount = self.hand_over(key, self.account_now((*to, key.1)), hold, expiry, number, now)?;
                Ok(Outcome { reference, ..made(amount) })
            }
            Act::Reverse { of, portion, shortage, grace_until } => {
                let target = self.own(of, key).ok_or(Refusal::OperationUnknown)?.clone();
                let (amount, short) = self.reverse(&target, portion, *shortage, *grace_until, number, now)?;
                Ok(Outcome { short, reference: Some(target.number), ..made(amount) })
            }
            Act::Extend { expires_at } => {
                if *expires_at <= now {
                    return Err(Refusal::EndsTooEarly);
                }
                Ok(made(self.extend(key, *expires_at)))
            }
            Act::Forfeit {} => Ok(made(self.forfeit(key, now))),
        }
    }

    fn take_away(&mut self, key: AccountKey, amount: i64, into_arrears: bool, now: Timestamp) -> Result<(), Refusal> {
        let Balance { available, owed, .. } = self.balance(key);
        let rest = (amount - available).max(0);
        if rest > 0 && !into_arrears {
            return Err(Refusal::InsufficientPoints);
        }
        if rest > 0 && owed.saturating_add(rest) > self.wallet(key).arrears_max {
            return Err(Refusal::ArrearsLimit);
        }
        self.consume(key, amount - rest, Place::Adjusted, now);
        if rest > 0 {
            self.post(key, Place::Owed, Place::Adjusted, rest, None, now);
        }
        Ok(())
    }

    fn transfer(
        &mut self,
        from: AccountKey,
        to: AccountKey,
        amount: i64,
        expiry: &Expiry,
        number: i64,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        expiry.check(now)?;
        self.enough(from, amount)?;
        self.room(to, amount)?;
        for (id, amount) in self.consume(from, amount, Place::Transit, now) {
            let lot = self.lot(from, id);
            self.give(to, Place::Transit, amount, NewLot::out_of(&lot, expiry.of(&lot), number), now);
        }
        Ok(())
    }

    /// Gives what was set aside to another; how many points had not lapsed meanwhile.
    fn hand_over(
        &mut self,
        from: AccountKey,
        to: AccountKey,
        hold: Hold,
        expiry: &Expiry,
        number: i64,
        now: Timestamp,
    ) -> Result<i64, Refusal> {
        expiry.check(now)?;
        let parts: Vec<(Lot, i64)> = hold.lots.iter().map(|(id, part)| (self.lot(from, *id), *part)).collect();
        let has_lapsed = |lot: &Lot| lot.expires_at.is_some_and(|end| end <= now);
        let amount = parts.iter().filter(|(lot, _)| !has_lapsed(lot)).map(|(_, part)| part).sum();
        if amount == 0 {
            return Err(Refusal::HoldLapsed);
        }
        self.room(to, amount)?;
        for (lot, part) in parts {
            if has_lapsed(&lot) {
                self.post(from, Place::Held, Place::Available, part, Some(lot.id), now);
                continue;
            }
            self.post(from, Place::Held, Place::Transit, part, Some(lot.id), now);
            self.give(to, Place::Transit, part, NewLot::out_of(&lot, expiry.of(&lot), number), now);
        }
        self.change_hold(from, Hold { state: HoldState::Captured, ..hold });
        self.repay(from, now);
        Ok(amount)
    }

    pub(super) fn extend(&mut self, key: AccountKey, expires_at: Timestamp) -> i64 {
        let ends_earlier = |lot: &&Lot| lot.remaining() > 0 && lot.expires_at.is_some_and(|end| end < expires_at);
        let lots: Vec<Lot> = self.account(key).lots().filter(ends_earlier).cloned().collect();
        let amount = lots.iter().map(Lot::remaining).sum();
        for lot in lots {
            self.fix_lot(key, Lot { expires_at: Some(expires_at), ..lot });
        }
        amount
    }

    fn forfeit(&mut self, key: AccountKey, now: Timestamp) -> i64 {
        let open = |hold: &&Hold| hold.state == HoldState::Open;
        let holds: Vec<Hold> = self.account(key).holds().filter(open).cloned().collect();
        for hold in holds {
            self.end_hold(key, hold, HoldState::Released, 0, now);
        }
        let lots: Vec<Lot> = self.account(key).lots().cloned().collect();
        let mut amount = 0;
        for lot in lots {
            for (place, part) in [(Place::Pending, lot.pending), (Place::Available, self.lot(key, lot.id).available)] {
                self.post(key, place, Place::Expired, part, Some(lot.id), now);
                amount += part;
            }
        }
        let owed = self.balance(key).owed;
        self.post(key, Place::Adjusted, Place::Owed, owed, None, now);
        amount
    }

    /// The hold of that id, if it still holds.
    fn open_hold(&self, key: AccountKey, id: &str) -> Result<Hold, Refusal> {
        let set_aside = |operation: &&Operation| operation.kind == Kind::Hold && operation.refused.is_none();
        let operation = self.own(id, key).filter(set_aside).ok_or(Refusal::HoldUnknown)?;
        let account = self.accounts.get(&key).ok_or(Refusal::HoldUnknown)?;
        let hold = account.hold(operation.number).ok_or(Refusal::HoldUnknown)?;
        match hold.state {
            HoldState::Open => Ok(hold.clone()),
            HoldState::Captured => Err(Refusal::HoldCaptured),
            HoldState::Released => Err(Refusal::HoldReleased),
            HoldState::TimedOut => Err(Refusal::HoldTimedOut),
        }
    }

    fn enough(&self, key: AccountKey, amount: i64) -> Result<(), Refusal> {
        if self.balance(key).available < amount { Err(Refusal::InsufficientPoints) } else { Ok(()) }
    }

    fn room(&self, key: AccountKey, amount: i64) -> Result<(), Refusal> {
        let most = self.wallet(key).balance_max.unwrap_or(ACCOUNT_MAX).min(ACCOUNT_MAX);
        if self.balance(key).total().saturating_add(amount) > most { Err(Refusal::BalanceLimit) } else { Ok(()) }
    }
}

impl Expiry {
    fn check(&self, now: Timestamp) -> Result<(), Refusal> {
        let is_over = matches!(self, Self::Reset { expires_at: Some(end) } if *end <= now);
        if is_over { Err(Refusal::EndsTooEarly) } else { Ok(()) }
    }

    /// When points of a lot lapse that go to somebody else.
    const fn of(&self, lot: &Lot) -> Option<Timestamp> {
        match self {
            Self::Keep => lot.expires_at,
            Self::Reset { expires_at } => *expires_at,
        }
    }
}

impl Command {
    /// The kind of operation it becomes.
    pub(super) const fn kind(&self) -> Kind {
        match self.act {
            Act::Earn { .. } => Kind::Earn,
            Act::Spend { .. } => Kind::Spend,
            Act::Hold { .. } => Kind::Hold,
            Act::Capture { .. } => Kind::Capture,
            Act::Release { .. } => Kind::Release,
            Act::Adjust { .. } => Kind::Adjust,
            Act::Transfer { .. } | Act::HandOver { .. } => Kind::Transfer,
            Act::Reverse { .. } => Kind::Reverse,
            Act::Extend { .. } => Kind::Extend,
            Act::Forfeit {} => Kind::Forfeit,
        }
    }

    /// How many points it asks for, if it says so.
    pub(super) fn amount(&self) -> i64 {
        match &self.act {
            Act::Earn { amount, .. }
            | Act::Spend { amount }
            | Act::Hold { amount, .. }
            | Act::Adjust { amount, .. }
            | Act::Transfer { amount, .. } => *amount,
            Act::Capture { amount, .. } => amount.unwrap_or(0),
            Act::Reverse { .. } | Act::Release { .. } | Act::HandOver { .. } | Act::Extend { .. } | Act::Forfeit {} => {
                0
            }
        }
    }
}
