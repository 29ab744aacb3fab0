//! Undoing an operation by a new one.
//!
//! What it took goes back into the lots it came from, those that were used last first: after a part of it is undone the account is as if only the rest
//! had been taken. What it gave is taken back from the lots it went into, then, if the policy allows, from whatever is available, then it is owed.

use rapport_domain::Timestamp;

use super::moves::NewLot;
use super::{AccountKey, Kind, Ledger, Lot, Operation, Place, Portion, Posting, Refusal, Shortage, clawed};
use crate::jurisdictions::Verdict;

impl Ledger {
    /// Undoes a portion of `target`; how many points were moved, and how many could not be.
    pub(super) fn reverse(
        &mut self,
        target: &Operation,
        portion: &Portion,
        shortage: Shortage,
        grace_until: Option<Timestamp>,
        number: i64,
        now: Timestamp,
    ) -> Result<(i64, i64), Refusal> {
        if target.refused.is_some() {
            return Err(Refusal::OperationWasRefused);
        }
        if !target.kind.is_reversible() {
            return Err(Refusal::NotReversible);
        }
        if grace_until.map_or(target.kind == Kind::Expire, |end| end <= now) {
            return Err(Refusal::EndsTooEarly);
        }
        let wanted = wanted(target, portion)?;
        let given: Vec<&Posting> = target.postings.iter().rev().filter(|posting| is_giving(posting)).collect();
        let taken: Vec<&Posting> = target.postings.iter().rev().filter(|posting| is_taking(posting)).collect();
        let mut moved = wanted;
        if !given.is_empty() {
            moved = self.take_back(&given, wanted, shortage, now);
        }
        if !taken.is_empty() {
            self.put_back(&taken, moved, target.reversed, grace_until, number, now);
        }
        self.change_reversed(target, target.reversed + wanted);
        Ok((moved, wanted - moved))
    }

    /// Takes `wanted` points back that `given` gave; how many it could take.
    fn take_back(&mut self, given: &[&Posting], wanted: i64, shortage: Shortage, now: Timestamp) -> i64 {
        let mut left = wanted;
        for posting in given {
            let Some(id) = posting.lot else { continue };
            let key = self.account_now((posting.member, posting.wallet));
            for place in [Place::Pending, Place::Available] {
                if place == Place::Available && shortage == Shortage::PendingOnly {
                    continue;
                }
                let part = self.lot(key, id).part(place).map_or(0, |part| *part).min(left);
                self.post(key, place, posting.from, part, Some(id), now);
                left -= part;
            }
        }
        let (Some(first), true) = (given.first(), shortage != Shortage::PendingOnly) else { return wanted - left };
        let key = self.account_now((first.member, first.wallet));
        left -= self.consume(key, left, first.from, now).iter().map(|(_, part)| part).sum::<i64>();
        if shortage == Shortage::IntoArrears {
            let room = (self.wallet(key).arrears_max - self.balance(key).owed).max(0);
            self.post(key, Place::Owed, first.from, left.min(room), None, now);
            left -= left.min(room);
        }
        wanted - left
    }

    /// Puts `wanted` points back that `taken` took, after `skipped` that were put back before.
    fn put_back(
        &mut self,
        taken: &[&Posting],
        wanted: i64,
        skipped: i64,
        grace_until: Option<Timestamp>,
        number: i64,
        now: Timestamp,
    ) {
        let (mut skip, mut left) = (skipped, wanted);
        for posting in taken {
            let over = skip.min(posting.amount);
            skip -= over;
            let part = (posting.amount - over).min(left);
            left -= part;
            if part > 0 {
                self.put_back_into(posting, part, grace_until, number, now);
            }
        }
    }

    fn put_back_into(
        &mut self,
        posting: &Posting,
        part: i64,
        grace_until: Option<Timestamp>,
        number: i64,
        now: Timestamp,
    ) {
        let key = self.account_now((posting.member, posting.wallet));
        let Some(id) = posting.lot else {
            // It had become a debt, which may be paid by now: what comes back pays what is left of it.
            return self.give(key, posting.to, part, NewLot::now(now, grace_until, number), now);
        };
        let lot = self.lot(key, id);
        match grace_until {
            Some(_) if lot.expires_at.is_some_and(|end| end <= now) && !self.is_spared(&lot, posting, key, now) => {
                self.give(key, posting.to, part, NewLot::out_of(&lot, grace_until, number), now);
            }
            // What lapsed against the law goes back into its lot, which gets another end.
            _ => {
                let is_pending = posting.from == Place::Pending && lot.active_from > now;
                let place = if is_pending { Place::Pending } else { Place::Available };
                self.post(key, posting.to, place, part, Some(id), now);
                self.repay(key, now);
            }
        }
    }

    /// Whether points lapsed that the law does not let lapse.
    fn is_spared(&mut self, lot: &Lot, posting: &Posting, key: AccountKey, now: Timestamp) -> bool {
        let lapsed = lot.expires_at.filter(|_| posting.to == Place::Expired);
        lapsed.is_some_and(|end| self.verdict(key, end, now) != Verdict::Lapse)
    }
}

/// How many points more are to be undone.
fn wanted(target: &Operation, portion: &Portion) -> Result<i64, Refusal> {
    let all = target.amount.abs();
    let rest = all - target.reversed;
    match portion {
        Portion::Rest if rest == 0 => Err(Refusal::AlreadyReversed),
        Portion::Rest => Ok(rest),
        Portion::Points { amount } if *amount > rest => Err(Refusal::AlreadyReversed),
        Portion::Points { amount } => Ok(*amount),
        Portion::Refunded { refunded, total } => match clawed(all, *refunded, *total) - target.reversed {
            ..0 => Err(Refusal::RefundWentDown),
            more => Ok(more),
        },
    }
}

/// Whether points came to a member.
fn is_giving(posting: &Posting) -> bool {
    !posting.from.is_members() && matches!(posting.to, Place::Pending | Place::Available)
}

/// Whether points left a member.
fn is_taking(posting: &Posting) -> bool {
    posting.from.is_members() && !posting.to.is_members()
}
