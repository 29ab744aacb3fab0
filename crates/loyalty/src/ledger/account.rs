//! One member's part of one wallet, in memory: its components, its lots in the order in which they are used up, its open holds.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::Timestamp;

use super::{LotId, Place};

/// An account's components. All at least 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Earned, not yet to be spent.
    pub pending: i64,
    /// To be spent.
    pub available: i64,
    /// Set aside.
    pub held: i64,
    /// What the member owes.
    pub owed: i64,
}

impl Balance {
    /// What the member has, less what they owe.
    pub const fn total(&self) -> i64 {
        self.pending + self.available + self.held - self.owed
    }

    /// Adds points that went to a place, or left it.
    pub const fn add(&mut self, place: Place, amount: i64) {
        match place {
            Place::Pending => self.pending += amount,
            Place::Available => self.available += amount,
            Place::Held => self.held += amount,
            Place::Owed => self.owed -= amount,
            _ => {}
        }
    }
}

/// Points that came in together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lot {
    /// Its number.
    pub id: LotId,
    /// How many came in.
    pub amount: i64,
    /// How many of them are pending.
    pub pending: i64,
    /// How many can be spent.
    pub available: i64,
    /// How many are set aside.
    pub held: i64,
    /// When they were earned.
    pub earned_at: Timestamp,
    /// From when they can be spent.
    pub active_from: Timestamp,
    /// From when they cannot be spent any more.
    pub expires_at: Option<Timestamp>,
    /// The operation that brought them in.
    pub operation: i64,
    /// The lot that they came from, if they were transferred or came back after it had lapsed.
    pub origin: Option<LotId>,
}

impl Lot {
    /// How many are left of it.
    pub const fn remaining(&self) -> i64 {
        self.pending + self.available + self.held
    }

    /// Those that lapse first are used first, then the oldest, then the lower number; those that never lapse come last.
    pub(crate) fn turn(&self) -> Turn {
        (self.expires_at.unwrap_or(Timestamp(i64::MAX)), self.earned_at, self.id)
    }

    pub(super) const fn part(&mut self, place: Place) -> Option<&mut i64> {
        match place {
            Place::Pending => Some(&mut self.pending),
            Place::Available => Some(&mut self.available),
            Place::Held => Some(&mut self.held),
            _ => None,
        }
    }
}

/// Where a lot stands among those that are used up.
pub(crate) type Turn = (Timestamp, Timestamp, LotId);

/// Whether a hold still holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldState {
    /// It does.
    Open,
    /// It was captured.
    Captured,
    /// It was released.
    Released,
    /// Its time was over.
    TimedOut,
}

impl HoldState {
    /// As it is written in SQL and JSON.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Captured => "captured",
            Self::Released => "released",
            Self::TimedOut => "timed_out",
        }
    }

    /// Reads [`HoldState::key`].
    pub fn read(key: &str) -> Option<Self> {
        [Self::Open, Self::Captured, Self::Released, Self::TimedOut].into_iter().find(|state| state.key() == key)
    }
}

/// Points set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The operation that set them aside.
    pub operation: i64,
    /// How many.
    pub amount: i64,
    /// When they come back by themselves.
    pub until: Timestamp,
    /// Whether they are still set aside.
    pub state: HoldState,
    /// From which lots, in the order in which they were taken.
    pub lots: Vec<(LotId, i64)>,
}

/// An account. Lots of which nothing is left need not be in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Account {
    balance: Balance,
    /// When the member last did something that counts as activity, as far as that is known.
    active_at: Option<Timestamp>,
    lots: BTreeMap<LotId, Lot>,
    holds: BTreeMap<i64, Hold>,
    /// Lots with something available, in the order in which they are used.
    turns: BTreeSet<Turn>,
    /// Lots with something pending, by when it becomes available.
    waiting: BTreeSet<(Timestamp, LotId)>,
    /// Open holds, by when their time is over.
    timeouts: BTreeSet<(Timestamp, i64)>,
}

impl Account {
    /// An account as it was stored: what it owes, the lots of which something is left, the open holds.
    pub fn stored(owed: i64, lots: impl IntoIterator<Item = Lot>, holds: impl IntoIterator<Item = Hold>) -> Self {
        let mut account = Self { balance: Balance { owed, ..Balance::default() }, ..Self::default() };
        for lot in lots {
            account.balance.pending += lot.pending;
            account.balance.available += lot.available;
            account.balance.held += lot.held;
            account.put_lot(lot);
        }
        for hold in holds {
            account.put_hold(hold);
        }
        account
    }

    /// The same, of somebody who was last active then.
    #[must_use]
    pub fn active(self, active_at: Option<Timestamp>) -> Self {
        Self { active_at, ..self }
    }

    /// When the member last did something that counts as activity, as far as that is known.
    pub const fn active_at(&self) -> Option<Timestamp> {
        self.active_at
    }

    /// Notes that the member was active then.
    pub(super) fn was_active(&mut self, at: Option<Timestamp>) {
        self.active_at = self.active_at.max(at);
    }

    /// Its components.
    pub const fn balance(&self) -> Balance {
        self.balance
    }

    /// Its lots, by number.
    pub fn lots(&self) -> impl Iterator<Item = &Lot> {
        self.lots.values()
    }

    /// The lots that can be spent, in the order in which they are used.
    pub fn turns(&self) -> impl DoubleEndedIterator<Item = &Lot> {
        self.turns.iter().filter_map(|(.., id)| self.lots.get(id))
    }

    /// Its holds that are known here, by number.
    pub fn holds(&self) -> impl Iterator<Item = &Hold> {
        self.holds.values()
    }

    /// When the next of its available points lapse, and how many do then.
    pub fn next_to_lapse(&self) -> Option<(Timestamp, i64)> {
        let next = self.turns().next()?.expires_at?;
        let lapse = self.turns().take_while(|lot| lot.expires_at == Some(next));
        Some((next, lapse.map(|lot| lot.available).sum()))
    }

    /// A lot.
    pub fn lot(&self, id: LotId) -> Option<&Lot> {
        self.lots.get(&id)
    }

    /// A hold.
    pub fn hold(&self, operation: i64) -> Option<&Hold> {
        self.holds.get(&operation)
    }

    /// How many lots and holds it keeps in memory.
    pub fn weight(&self) -> usize {
        self.lots.len() + self.holds.len() + 1
    }

    /// When the next thing falls due.
    pub fn next_due(&self) -> Option<Timestamp> {
        let waiting = self.waiting.first().map(|(at, _)| *at);
        let timeout = self.timeouts.first().map(|(at, _)| *at);
        let expiry = self.turns.first().map(|(at, ..)| *at).filter(|at| at.0 != i64::MAX);
        [waiting, timeout, expiry].into_iter().flatten().min()
    }

    pub(super) fn next_waiting(&self) -> Option<(Timestamp, LotId)> {
        self.waiting.first().copied()
    }

    pub(super) fn next_timeout(&self) -> Option<(Timestamp, i64)> {
        self.timeouts.first().copied()
    }

    pub(super) fn next_expiry(&self) -> Option<(Timestamp, LotId)> {
        self.turns.first().filter(|(at, ..)| at.0 != i64::MAX).map(|(at, _, id)| (*at, *id))
    }

    pub(super) const fn balance_mut(&mut self) -> &mut Balance {
        &mut self.balance
    }

    /// Puts a lot in, or another state of it in its place. Does not touch the components.
    pub(super) fn put_lot(&mut self, lot: Lot) {
        self.take_lot(lot.id);
        if lot.available > 0 {
            self.turns.insert(lot.turn());
        }
        if lot.pending > 0 {
            self.waiting.insert((lot.active_from, lot.id));
        }
        self.lots.insert(lot.id, lot);
    }

    /// Takes a lot out. Does not touch the components.
    pub(super) fn take_lot(&mut self, id: LotId) -> Option<Lot> {
        let lot = self.lots.remove(&id)?;
        self.turns.remove(&lot.turn());
        self.waiting.remove(&(lot.active_from, id));
        Some(lot)
    }

    /// Puts a hold in, or another state of it in its place.
    pub(super) fn put_hold(&mut self, hold: Hold) {
        self.take_hold(hold.operation);
        if hold.state == HoldState::Open {
            self.timeouts.insert((hold.until, hold.operation));
        }
        self.holds.insert(hold.operation, hold);
    }

    pub(super) fn take_hold(&mut self, operation: i64) -> Option<Hold> {
        let hold = self.holds.remove(&operation)?;
        self.timeouts.remove(&(hold.until, operation));
        Some(hold)
    }

    /// Adds lots and holds that a command refers to and of which nothing was left.
    pub fn recall(&mut self, lots: impl IntoIterator<Item = Lot>, holds: impl IntoIterator<Item = Hold>) {
        for lot in lots {
            if !self.lots.contains_key(&lot.id) {
                self.put_lot(lot);
            }
        }
        for hold in holds {
            if !self.holds.contains_key(&hold.operation) {
                self.put_hold(hold);
            }
        }
    }

    /// Lets go of lots and holds of which nothing is left.
    pub fn forget_empty(&mut self) {
        self.lots.retain(|_, lot| lot.remaining() > 0);
        self.holds.retain(|_, hold| hold.state == HoldState::Open);
    }

    /// What is wrong with it, if anything is: it never should be.
    pub fn fault(&self) -> Option<&'static str> {
        let Balance { pending, available, held, owed } = self.balance;
        let sum = |part: fn(&Lot) -> i64| self.lots.values().map(part).sum::<i64>();
        let set_aside = self.holds.values().filter(|hold| hold.state == HoldState::Open);
        let set_aside: i64 = set_aside.map(|hold| hold.amount).sum();
        let is_whole = |lot: &Lot| {
            lot.pending >= 0 && lot.available >= 0 && lot.held >= 0 && lot.remaining() <= lot.amount && lot.amount > 0
        };
        match () {
            () if pending < 0 || available < 0 || held < 0 || owed < 0 => Some("a component is below 0"),
            () if !self.lots.values().all(is_whole) => Some("a lot has less than nothing or more than came in"),
            () if sum(|lot| lot.pending) != pending => Some("pending differs from the lots"),
            () if sum(|lot| lot.available) != available => Some("available differs from the lots"),
            () if sum(|lot| lot.held) != held => Some("held differs from the lots"),
            () if set_aside != held => Some("held differs from the open holds"),
            () if owed > 0 && available > 0 => Some("something is available while something is owed"),
            () => None,
        }
    }
}
