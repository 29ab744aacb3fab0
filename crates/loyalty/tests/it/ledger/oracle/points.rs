//! The ledger once more, slow and obvious: every point is a thing of its own that lies somewhere.
//!
//! Nothing here is shared with the ledger but the commands and the names of refusals.

use std::collections::BTreeMap;

use rapport_loyalty::ledger::{Act, Balance, Command, Expiry, MemberId, Portion, Refusal, Shortage, Wallet, WalletId};

type Key = (MemberId, WalletId);

/// Where a point lies.
#[derive(Clone, Copy, Debug, PartialEq)]
enum At {
    Pending,
    Available,
    Held(usize),
    Gone,
}

#[derive(Clone, Debug)]
struct Point {
    owner: Key,
    lot: usize,
    at: At,
    earned: i64,
    active: i64,
    expires: Option<i64>,
}

/// What an operation did, point by point. `None` is a point that became a debt.
#[derive(Clone, Debug, Default)]
struct Did {
    key: Option<Key>,
    body: Option<Command>,
    refused: Option<Refusal>,
    kind: &'static str,
    amount: i64,
    reversed: i64,
    took: Vec<(Key, Option<usize>, bool)>,
    gave: Vec<(Key, usize)>,
    short: i64,
    after: Balance,
    hold: Option<(usize, &'static str, i64)>,
}

/// The points of everybody.
#[derive(Clone, Debug, Default)]
pub struct Points {
    points: Vec<Point>,
    lots: usize,
    owed: BTreeMap<Key, i64>,
    did: BTreeMap<String, Did>,
    /// What lapsed and has no id yet, in whose account by the number that it had then: an account's lapses are posted in their order when it is looked at.
    lapses: Vec<(Key, Did)>,
    holds: Vec<String>,
    wallet: Option<Wallet>,
    standing: BTreeMap<MemberId, &'static str>,
    heirs: BTreeMap<MemberId, MemberId>,
}

/// What is compared: refusal, amount, short, the account after it.
pub type Said = (Option<Refusal>, i64, i64, Balance);

impl Points {
    pub fn new(wallet: Wallet, standing: BTreeMap<MemberId, &'static str>) -> Self {
        Self { wallet: Some(wallet), standing, ..Self::default() }
    }

    pub fn balance(&self, key: Key) -> Balance {
        let count =
            |is: fn(&At) -> bool| self.points.iter().filter(|point| point.owner == key && is(&point.at)).count() as i64;
        Balance {
            pending: count(|at| *at == At::Pending),
            available: count(|at| *at == At::Available),
            held: count(|at| matches!(at, At::Held(_))),
            owed: self.owed.get(&key).copied().unwrap_or(0),
        }
    }

    /// What an account comes to at this instant, with what is due.
    pub fn balance_at(&self, key: Key, now: i64) -> Balance {
        let mut then = self.clone();
        then.pass(now);
        then.balance(key)
    }

    /// What is left of every lot: pending, available, held, when it lapses; in the order in which lots were made.
    pub fn lots(&self, key: Key) -> Vec<(i64, i64, i64, Option<i64>)> {
        let mut lots: BTreeMap<usize, (i64, i64, i64, Option<i64>)> = BTreeMap::new();
        for point in self.points.iter().filter(|point| point.owner == key && point.at != At::Gone) {
            let lot = lots.entry(point.lot).or_default();
            lot.3 = point.expires;
            match point.at {
                At::Pending => lot.0 += 1,
                At::Available => lot.1 += 1,
                At::Held(_) => lot.2 += 1,
                At::Gone => {}
            }
        }
        lots.into_values().collect()
    }

    pub fn apply(&mut self, command: &Command, now: i64) -> Said {
        if let Some(did) = self.did.get(&command.id) {
            if did.body.as_ref() == Some(command) {
                return (did.refused, did.amount, did.short, did.after);
            }
            return (Some(Refusal::IdReused), 0, 0, Balance::default());
        }
        // Whoever names an old number means the member that it belongs to.
        let asked = command;
        let mut command = command.clone();
        command.member = self.heir(command.member);
        if let Act::Transfer { to, .. } | Act::HandOver { to, .. } = &mut command.act {
            *to = self.heir(*to);
            if *to == command.member {
                return (Some(Refusal::TransferToSelf), 0, 0, Balance::default());
            }
        }
        let key = (command.member, command.wallet);
        let before = self.clone();
        match self.try_it(&command, key, now) {
            Ok(mut did) => {
                did.after = self.balance(key);
                (did.key, did.body) = (Some(key), Some(asked.clone()));
                self.did.insert(command.id.clone(), did.clone());
                (None, did.amount, did.short, did.after)
            }
            Err(refusal) => {
                *self = before;
                self.pass(now);
                let amount = match &command.act {
                    Act::Earn { amount, .. } | Act::Spend { amount } | Act::Hold { amount, .. } => *amount,
                    Act::Adjust { amount, .. } | Act::Transfer { amount, .. } => *amount,
                    Act::Capture { amount, .. } => amount.unwrap_or(0),
                    _ => 0,
                };
                let did = Did {
                    key: Some(key),
                    body: Some(asked.clone()),
                    refused: Some(refusal),
                    amount,
                    after: self.balance(key),
                    ..Did::default()
                };
                self.did.insert(command.id.clone(), did.clone());
                (Some(refusal), amount, 0, did.after)
            }
        }
    }

    /// That a lapse was posted under this id, of so many points; said again, it is known.
    pub fn lapsed(&mut self, id: &str, key: Key, amount: i64) {
        if self.did.contains_key(id) {
            return;
        }
        let next = self.lapses.iter().position(|(of, _)| *of == key).expect("what was posted has lapsed here too");
        let (_, did) = self.lapses.remove(next);
        assert_eq!(did.amount, amount, "{id} of {key:?}");
        self.did.insert(id.to_owned(), did);
    }

    fn heir(&self, member: MemberId) -> MemberId {
        self.heirs.get(&member).copied().unwrap_or(member)
    }

    /// As if `from` had been called `to` from the beginning; who was blocked stays so.
    pub fn merge(&mut self, from: MemberId, to: MemberId, now: i64) {
        self.pass(now);
        let rename = |key: &mut Key| {
            if key.0 == from {
                key.0 = to;
            }
        };
        self.points.iter_mut().for_each(|point| rename(&mut point.owner));
        for did in self.did.values_mut().chain(self.lapses.iter_mut().map(|(_, did)| did)) {
            did.key.iter_mut().for_each(rename);
            did.took.iter_mut().for_each(|(key, ..)| rename(key));
            did.gave.iter_mut().for_each(|(key, _)| rename(key));
        }
        for (mut key, owed) in std::mem::take(&mut self.owed) {
            rename(&mut key);
            *self.owed.entry(key).or_default() += owed;
        }
        self.heirs.values_mut().filter(|heir| **heir == from).for_each(|heir| *heir = to);
        self.heirs.insert(from, to);
        if self.standing[&from] == "blocked" {
            self.standing.insert(to, "blocked");
        }
        self.pay_all();
    }

    fn try_it(&mut self, command: &Command, key: Key, now: i64) -> Result<Did, Refusal> {
        let wallet = self.wallet.clone().unwrap();
        let mut everybody = vec![command.member];
        if let Act::Transfer { to, .. } | Act::HandOver { to, .. } = &command.act {
            everybody.push(*to);
        }
        for member in everybody {
            match self.standing.get(&member).copied().unwrap_or("unknown") {
                "unknown" => return Err(Refusal::MemberUnknown),
                "closed" => return Err(Refusal::MemberClosed),
                "blocked"
                    if member == command.member
                        && matches!(
                            command.act,
                            Act::Spend { .. } | Act::Hold { .. } | Act::Transfer { .. } | Act::HandOver { .. }
                        ) =>
                {
                    return Err(Refusal::MemberBlocked);
                }
                _ => {}
            }
        }
        // The passing of time is the same for everybody: it does no harm to let it pass in every account.
        self.pass(now);
        let here = self.balance(key);
        let mut did = Did::default();
        match &command.act {
            Act::Earn { amount, earned_at, active_from, expires_at } => {
                let earned = earned_at.map_or(now, |at| at.0);
                let active = active_from.map_or(earned, |at| at.0).max(earned);
                if earned > now {
                    return Err(Refusal::InTheFuture);
                }
                if expires_at.is_some_and(|end| end.0 <= active) {
                    return Err(Refusal::EndsTooEarly);
                }
                self.room(key, *amount, &wallet)?;
                (did.kind, did.amount) = ("earn", *amount);
                self.make(key, *amount, earned, active, expires_at.map(|at| at.0), &mut did);
            }
            Act::Spend { amount } => {
                if here.available < *amount {
                    return Err(Refusal::InsufficientPoints);
                }
                (did.kind, did.amount) = ("spend", *amount);
                self.use_up(key, *amount, At::Gone, &mut did);
            }
            Act::Hold { amount, until } => {
                if until.0 <= now {
                    return Err(Refusal::EndsTooEarly);
                }
                if here.available < *amount {
                    return Err(Refusal::InsufficientPoints);
                }
                let hold = self.holds.len();
                self.holds.push(command.id.clone());
                (did.kind, did.amount, did.hold) = ("hold", *amount, Some((hold, "open", until.0)));
                self.use_up(key, *amount, At::Held(hold), &mut did);
            }
            Act::Capture { hold: id, amount } => {
                let (hold, held) = self.open_hold(key, id)?;
                let amount = amount.unwrap_or(held);
                if amount > held {
                    return Err(Refusal::HoldTooSmall);
                }
                (did.kind, did.amount) = ("capture", amount);
                for (count, (_, point, _)) in self.did[id].took.clone().into_iter().enumerate() {
                    let point = point.unwrap();
                    let is_spent = (count as i64) < amount;
                    self.points[point].at = if is_spent { At::Gone } else { At::Available };
                    if is_spent {
                        did.took.push((key, Some(point), false));
                    }
                }
                self.did.get_mut(id).unwrap().hold = Some((hold, "captured", 0));
            }
            Act::Release { hold: id } => {
                let (hold, held) = self.open_hold(key, id)?;
                (did.kind, did.amount) = ("release", held);
                self.let_go(hold);
                self.did.get_mut(id).unwrap().hold = Some((hold, "released", 0));
            }
            Act::Adjust { amount, expires_at, .. } if *amount > 0 => {
                if expires_at.is_some_and(|end| end.0 <= now) {
                    return Err(Refusal::EndsTooEarly);
                }
                self.room(key, *amount, &wallet)?;
                (did.kind, did.amount) = ("adjust", *amount);
                self.make(key, *amount, now, now, expires_at.map(|at| at.0), &mut did);
            }
            Act::Adjust { amount, into_arrears, .. } => {
                let rest = (-amount - here.available).max(0);
                if rest > 0 && !into_arrears {
                    return Err(Refusal::InsufficientPoints);
                }
                if rest > 0 && here.owed + rest > wallet.arrears_max {
                    return Err(Refusal::ArrearsLimit);
                }
                (did.kind, did.amount) = ("adjust", *amount);
                self.use_up(key, -amount - rest, At::Gone, &mut did);
                self.owe(key, rest, &mut did);
            }
            Act::Transfer { to, amount, expiry } => {
                if matches!(expiry, Expiry::Reset { expires_at: Some(end) } if end.0 <= now) {
                    return Err(Refusal::EndsTooEarly);
                }
                if here.available < *amount {
                    return Err(Refusal::InsufficientPoints);
                }
                let there = (*to, key.1);
                self.room(there, *amount, &wallet)?;
                (did.kind, did.amount) = ("transfer", *amount);
                self.use_up(key, *amount, At::Gone, &mut did);
                self.send(there, expiry, &mut did);
            }
            Act::HandOver { hold: id, to, expiry } => {
                let (hold, _) = self.open_hold(key, id)?;
                if matches!(expiry, Expiry::Reset { expires_at: Some(end) } if end.0 <= now) {
                    return Err(Refusal::EndsTooEarly);
                }
                let held: Vec<usize> = self.did[id].took.iter().filter_map(|(_, point, _)| *point).collect();
                let lasts = |point: &usize| self.points[*point].expires.is_none_or(|end| end > now);
                let (lasting, over): (Vec<usize>, Vec<usize>) = held.into_iter().partition(lasts);
                if lasting.is_empty() {
                    return Err(Refusal::HoldLapsed);
                }
                let there = (*to, key.1);
                self.room(there, lasting.len() as i64, &wallet)?;
                (did.kind, did.amount) = ("transfer", lasting.len() as i64);
                for point in over {
                    self.points[point].at = At::Available;
                }
                for point in lasting {
                    self.points[point].at = At::Gone;
                    did.took.push((key, Some(point), false));
                }
                self.send(there, expiry, &mut did);
                self.did.get_mut(id).unwrap().hold = Some((hold, "captured", 0));
            }
            Act::Reverse { of, portion, shortage, grace_until } => {
                return self.undo(key, of, portion, *shortage, grace_until.map(|at| at.0), now);
            }
            Act::Extend { expires_at } => {
                if expires_at.0 <= now {
                    return Err(Refusal::EndsTooEarly);
                }
                did.kind = "extend";
                // What comes back later into a lot that was extended lasts as long as the lot.
                let is_left = |point: &&Point| point.owner == key && point.at != At::Gone;
                let lots: Vec<usize> = self.points.iter().filter(is_left).map(|point| point.lot).collect();
                for point in self.points.iter_mut().filter(|point| lots.contains(&point.lot)) {
                    if point.expires.is_some_and(|end| end < expires_at.0) {
                        point.expires = Some(expires_at.0);
                        did.amount += i64::from(point.at != At::Gone);
                    }
                }
            }
            Act::Forfeit {} => {
                did.kind = "forfeit";
                for id in self.holds.clone() {
                    if let Some((hold, "open", _)) =
                        self.did.get(&id).filter(|did| did.key == Some(key)).and_then(|did| did.hold)
                    {
                        self.let_go(hold);
                        self.did.get_mut(&id).unwrap().hold = Some((hold, "released", 0));
                        // Debts are paid first: only the rest lapses.
                        self.pay(key);
                    }
                }
                for point in self.points.iter_mut().filter(|point| point.owner == key && point.at != At::Gone) {
                    point.at = At::Gone;
                    did.amount += 1;
                }
                self.owed.remove(&key);
            }
        }
        self.pay(key);
        if let Act::Transfer { to, .. } | Act::HandOver { to, .. } = &command.act {
            self.pay((*to, key.1));
        }
        self.pass(now);
        Ok(did)
    }

    /// Makes points of somebody else of those that were taken, as old as they were.
    fn send(&mut self, there: Key, expiry: &Expiry, did: &mut Did) {
        let sent: Vec<usize> = did.took.iter().filter_map(|(_, point, _)| *point).collect();
        let groups = sent.chunk_by(|a, b| self.points[*a].lot == self.points[*b].lot).map(<[usize]>::to_vec);
        for group in groups.collect::<Vec<_>>() {
            let old = self.points[group[0]].clone();
            let expires = match expiry {
                Expiry::Keep => old.expires,
                Expiry::Reset { expires_at } => expires_at.map(|at| at.0),
            };
            self.make(there, group.len() as i64, old.earned, old.earned, expires, did);
        }
    }

    fn undo(
        &mut self,
        key: Key,
        of: &str,
        portion: &Portion,
        shortage: Shortage,
        grace: Option<i64>,
        now: i64,
    ) -> Result<Did, Refusal> {
        let target = self.did.get(of).filter(|did| did.key == Some(key)).cloned().ok_or(Refusal::OperationUnknown)?;
        if target.refused.is_some() {
            return Err(Refusal::OperationWasRefused);
        }
        if matches!(target.kind, "hold" | "release" | "extend" | "forfeit") {
            return Err(Refusal::NotReversible);
        }
        // What lapsed would lapse again at once.
        if grace.is_some_and(|end| end <= now) || (grace.is_none() && target.kind == "expire") {
            return Err(Refusal::EndsTooEarly);
        }
        let all = target.amount.abs();
        let wanted = match portion {
            Portion::Rest if all == target.reversed => return Err(Refusal::AlreadyReversed),
            Portion::Rest => all - target.reversed,
            Portion::Points { amount } if *amount > all - target.reversed => return Err(Refusal::AlreadyReversed),
            Portion::Points { amount } => *amount,
            Portion::Refunded { refunded, total } => {
                // To the nearest, halves up, in floating point: the numbers are small.
                let undone = (all as f64 * *refunded as f64 / *total as f64 + 0.5).floor() as i64;
                if undone < target.reversed {
                    return Err(Refusal::RefundWentDown);
                }
                undone - target.reversed
            }
        };
        let mut did = Did { kind: "reverse", ..Did::default() };
        let mut moved = wanted;
        if let Some((there, _)) = target.gave.first().copied() {
            moved = self.take_back(there, &target.gave, wanted, shortage, &mut did);
        }
        if !target.took.is_empty() {
            let back: Vec<_> =
                target.took.iter().rev().skip(target.reversed as usize).take(moved as usize).cloned().collect();
            self.put_back(&back, grace, now, &mut did);
        }
        (did.amount, did.short) = (moved, wanted - moved);
        self.did.get_mut(of).unwrap().reversed += wanted;
        for (key, ..) in target.took {
            self.pay(key);
        }
        self.pass(now);
        Ok(did)
    }

    fn take_back(&mut self, there: Key, gave: &[(Key, usize)], wanted: i64, shortage: Shortage, did: &mut Did) -> i64 {
        let mut left = wanted;
        let lots: Vec<usize> = gave.iter().rev().map(|(_, point)| self.points[*point].lot).collect();
        for lot in lots {
            for at in [At::Pending, At::Available] {
                if at == At::Available && shortage == Shortage::PendingOnly {
                    continue;
                }
                for point in 0..self.points.len() {
                    if left > 0 && self.points[point].lot == lot && self.points[point].at == at {
                        self.points[point].at = At::Gone;
                        did.took.push((there, Some(point), at == At::Pending));
                        left -= 1;
                    }
                }
            }
        }
        if shortage != Shortage::PendingOnly {
            let others = left.min(self.balance(there).available);
            self.use_up(there, others, At::Gone, did);
            left -= others;
        }
        if shortage == Shortage::IntoArrears {
            let room = self.wallet.as_ref().unwrap().arrears_max - self.balance(there).owed;
            let debt = left.min(room.max(0));
            self.owe(there, debt, did);
            left -= debt;
        }
        wanted - left
    }

    fn put_back(&mut self, back: &[(Key, Option<usize>, bool)], grace: Option<i64>, now: i64, did: &mut Did) {
        // Points that came of one lot, or of a debt, come back together.
        let lot_of = |points: &Self, entry: &(Key, Option<usize>, bool)| {
            (entry.1.map(|point| points.points[point].lot), entry.2)
        };
        let groups: Vec<Vec<_>> = back.chunk_by(|a, b| lot_of(self, a) == lot_of(self, b)).map(<[_]>::to_vec).collect();
        for group in groups {
            let (key, point, was_pending) = group[0];
            let Some(point) = point else {
                self.make(key, group.len() as i64, now, now, grace, did);
                self.pay(key);
                continue;
            };
            let old = self.points[point].clone();
            if grace.is_some() && old.expires.is_some_and(|end| end <= now) {
                self.make(key, group.len() as i64, old.earned, old.earned, grace, did);
            } else {
                for (_, point, _) in &group {
                    let point = point.unwrap();
                    self.points[point].at = if was_pending && old.active > now { At::Pending } else { At::Available };
                    did.gave.push((key, point));
                }
            }
            self.pay(key);
        }
    }

    /// What falls due, instant by instant.
    fn pass(&mut self, now: i64) {
        let mut instants: Vec<i64> =
            self.points.iter().flat_map(|point| [Some(point.active), point.expires]).flatten().collect();
        instants.extend(self.did.values().filter_map(|did| did.hold.map(|hold| hold.2)));
        instants.retain(|at| *at <= now);
        instants.sort();
        for at in instants {
            for point in &mut self.points {
                if point.at == At::Pending && point.active <= at {
                    point.at = At::Available;
                }
            }
            self.pay_all();
            for id in self.holds.clone() {
                if let Some((hold, "open", until)) = self.did.get(&id).and_then(|did| did.hold)
                    && until <= at
                {
                    self.let_go(hold);
                    self.did.get_mut(&id).unwrap().hold = Some((hold, "timed out", until));
                    self.pay_all();
                    // What should have lapsed while it was set aside does before the next hold ends.
                    self.lapse(at - 1);
                }
            }
            self.lapse(at);
        }
    }

    /// What lapses by an instant: an account's points of one end together, in the order in which they would be used.
    fn lapse(&mut self, at: i64) {
        let mut over: BTreeMap<(Key, i64), Vec<usize>> = BTreeMap::new();
        for (number, point) in self.points.iter_mut().enumerate() {
            if let (At::Available, Some(end)) = (point.at, point.expires.filter(|end| *end <= at)) {
                point.at = At::Gone;
                over.entry((point.owner, end)).or_default().push(number);
            }
        }
        for ((key, _), mut points) in over {
            points.sort_by_key(|number| (self.points[*number].earned, self.points[*number].lot));
            let amount = points.len() as i64;
            let took = points.into_iter().map(|number| (key, Some(number), false)).collect();
            self.lapses.push((key, Did { key: Some(key), kind: "expire", amount, took, ..Did::default() }));
        }
    }

    fn open_hold(&self, key: Key, id: &str) -> Result<(usize, i64), Refusal> {
        let did =
            self.did.get(id).filter(|did| did.key == Some(key) && did.refused.is_none()).ok_or(Refusal::HoldUnknown)?;
        match did.hold.ok_or(Refusal::HoldUnknown)? {
            (hold, "open", _) => Ok((hold, did.amount)),
            (_, "captured", _) => Err(Refusal::HoldCaptured),
            (_, "released", _) => Err(Refusal::HoldReleased),
            _ => Err(Refusal::HoldTimedOut),
        }
    }

    fn let_go(&mut self, hold: usize) {
        for point in &mut self.points {
            if point.at == At::Held(hold) {
                point.at = At::Available;
            }
        }
    }

    fn room(&self, key: Key, amount: i64, wallet: &Wallet) -> Result<(), Refusal> {
        let most = wallet.balance_max.unwrap_or(i64::MAX);
        if self.balance(key).total() + amount > most { Err(Refusal::BalanceLimit) } else { Ok(()) }
    }

    fn make(&mut self, key: Key, amount: i64, earned: i64, active: i64, expires: Option<i64>, did: &mut Did) {
        let lot = self.lots;
        self.lots += 1;
        for _ in 0..amount {
            did.gave.push((key, self.points.len()));
            let at = if active > earned { At::Pending } else { At::Available };
            self.points.push(Point { owner: key, lot, at, earned, active, expires });
        }
        self.pay(key);
    }

    /// The available point whose turn it is.
    fn turn(&self, key: Key) -> Option<usize> {
        let usable = (0..self.points.len())
            .filter(|point| self.points[*point].owner == key && self.points[*point].at == At::Available);
        usable.min_by_key(|point| {
            let point = &self.points[*point];
            (point.expires.unwrap_or(i64::MAX), point.earned, point.lot)
        })
    }

    fn use_up(&mut self, key: Key, amount: i64, to: At, did: &mut Did) {
        for _ in 0..amount {
            let point = self.turn(key).unwrap();
            self.points[point].at = to;
            did.took.push((key, Some(point), false));
        }
    }

    fn owe(&mut self, key: Key, amount: i64, did: &mut Did) {
        *self.owed.entry(key).or_default() += amount;
        for _ in 0..amount {
            did.took.push((key, None, false));
        }
    }

    fn pay(&mut self, key: Key) {
        while self.owed.get(&key).is_some_and(|owed| *owed > 0) {
            let Some(point) = self.turn(key) else { return };
            self.points[point].at = At::Gone;
            *self.owed.get_mut(&key).unwrap() -= 1;
        }
    }

    fn pay_all(&mut self) {
        for key in self.owed.keys().copied().collect::<Vec<_>>() {
            self.pay(key);
        }
    }
}
