//! What falls due by itself. In the order of instants; at the same instant points become available, then holds end, then points lapse. Points that the law does not let lapse yet get another end at that instant.

use rapport_domain::Timestamp;

use super::command::OWN_IDS;
use super::{AccountKey, HoldState, Kind, Ledger, Lot, LotId, Operation, Place, Source};
use crate::jurisdictions::Verdict;

/// The next thing that falls due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Activate(LotId),
    TimeOut(i64),
    Expire(LotId),
}

impl Ledger {
    /// Posts everything that falls due up to `now` in one account, each at its instant, but not before `not_before`; how many operations.
    pub fn settle(&mut self, key: AccountKey, now: Timestamp, not_before: Timestamp) -> usize {
        let mut count = 0;
        let mut at = not_before;
        while let Some((instant, step)) = self.next_step(key).filter(|(instant, _)| *instant <= now) {
            at = at.max(instant);
            self.step(key, instant, step, at, now);
            count += 1;
        }
        count
    }

    /// Notes that a member did something that counts as activity.
    pub(crate) fn was_active(&mut self, key: AccountKey, at: Timestamp) {
        let key = self.account_now(key);
        self.account(key).was_active(Some(at));
    }

    /// Lets everything in an account that would lapse earlier last until `end`, because the member did something that counts as activity.
    pub(crate) fn stay_active(&mut self, key: AccountKey, end: Timestamp, now: Timestamp) {
        let key = self.account_now(key);
        let now = now.max(self.recorded_at);
        let lapses = |lot: &super::Lot| lot.remaining() > 0 && lot.expires_at.is_some_and(|at| at < end);
        if end <= now || !self.account(key).lots().any(lapses) {
            return;
        }
        let number = self.next_operation();
        let amount = self.extend(key, end);
        let terms = Some(self.take_terms());
        self.note(Operation {
            number,
            id: format!("{OWN_IDS}{number}"),
            kind: Kind::Extend,
            wallet: key.1,
            member: key.0,
            amount,
            short: 0,
            refused: None,
            reference: None,
            reversed: 0,
            fingerprint: [0; 16],
            after: self.balance(key),
            effective_at: now,
            recorded_at: now,
            postings: Vec::new(),
            terms,
            source: Source { kind: "activity".into(), ..Source::own() },
        });
        self.recorded_at = now;
    }

    fn next_step(&mut self, key: AccountKey) -> Option<(Timestamp, Step)> {
        let account = self.account(key);
        let steps = [
            account.next_waiting().map(|(at, lot)| (at, Step::Activate(lot))),
            account.next_timeout().map(|(at, hold)| (at, Step::TimeOut(hold))),
            account.next_expiry().map(|(at, lot)| (at, Step::Expire(lot))),
        ];
        steps.into_iter().flatten().min()
    }

    fn step(&mut self, key: AccountKey, instant: Timestamp, step: Step, at: Timestamp, now: Timestamp) {
        let spared = match step {
            Step::Expire(_) => self.verdict(key, instant, at),
            _ => Verdict::Lapse,
        };
        let number = self.next_operation();
        let (kind, amount, reference) = match step {
            Step::Activate(_) => (Kind::Activate, self.activate(key, instant, at), None),
            Step::TimeOut(hold) => {
                let hold = self.account(key).hold(hold).expect("a hold with a timeout is in memory").clone();
                let (amount, reference) = (hold.amount, hold.operation);
                self.end_hold(key, hold, HoldState::TimedOut, 0, at);
                (Kind::TimeOut, amount, Some(reference))
            }
            Step::Expire(_) => match spared {
                Verdict::Lapse => (Kind::Expire, self.expire(key, instant, at), None),
                Verdict::Until(end) => (Kind::Extend, self.put_off(key, instant, Some(end)), None),
                Verdict::Never => (Kind::Extend, self.put_off(key, instant, None), None),
            },
        };
        let (postings, terms) = (self.take_postings(), Some(self.take_terms()));
        self.note(Operation {
            number,
            id: format!("{OWN_IDS}{number}"),
            kind,
            wallet: key.1,
            member: key.0,
            amount,
            short: 0,
            refused: None,
            reference,
            reversed: 0,
            fingerprint: [0; 16],
            after: self.balance(key),
            effective_at: at,
            recorded_at: now,
            postings,
            terms,
            source: if spared == Verdict::Lapse { Source::own() } else { by_law() },
        });
        self.recorded_at = self.recorded_at.max(now);
    }

    /// What the law says at `at` of points of an account whose end is `end`.
    pub(super) fn verdict(&mut self, key: AccountKey, end: Timestamp, at: Timestamp) -> Verdict {
        let Some(guard) = self.guards.get(&key) else { return Verdict::Lapse };
        let Some(account) = self.accounts.get(&key) else { return Verdict::Lapse };
        // Of somebody of whom no activity is known, the last points that lapse then were the last thing that happened.
        let earned = account.lots().filter(|lot| lot.expires_at == Some(end)).map(|lot| lot.earned_at).max();
        let active_at = account.active_at().or(earned).unwrap_or(Timestamp(i64::MIN));
        guard.verdict(end, active_at, at)
    }

    /// Gives another end to all lots whose points would lapse at `instant`, also to what is set aside of them.
    fn put_off(&mut self, key: AccountKey, instant: Timestamp, end: Option<Timestamp>) -> i64 {
        let lapses = |lot: &&Lot| lot.remaining() > 0 && lot.expires_at == Some(instant);
        let lots: Vec<Lot> = self.account(key).lots().filter(lapses).cloned().collect();
        let amount = lots.iter().map(Lot::remaining).sum();
        for lot in lots {
            self.fix_lot(key, Lot { expires_at: end, ..lot });
        }
        amount
    }

    /// All lots whose points become available at this instant.
    fn activate(&mut self, key: AccountKey, instant: Timestamp, at: Timestamp) -> i64 {
        let mut amount = 0;
        while let Some((_, lot)) = self.account(key).next_waiting().filter(|(due, _)| *due == instant) {
            let part = self.lot(key, lot).pending;
            self.post(key, Place::Pending, Place::Available, part, Some(lot), at);
            amount += part;
        }
        self.repay(key, at);
        amount
    }

    /// All lots whose points lapse at this instant.
    fn expire(&mut self, key: AccountKey, instant: Timestamp, at: Timestamp) -> i64 {
        let mut amount = 0;
        while let Some((_, lot)) = self.account(key).next_expiry().filter(|(due, _)| *due == instant) {
            let part = self.lot(key, lot).available;
            self.post(key, Place::Available, Place::Expired, part, Some(lot), at);
            amount += part;
        }
        amount
    }
}

/// Of points that the law does not let lapse yet.
fn by_law() -> Source {
    Source { kind: "jurisdiction".into(), ..Source::own() }
}
