//! The ledger at work: takes a command, checks it, posts it, or leaves everything as it was.

use std::collections::{BTreeSet, HashMap};

use rapport_domain::Timestamp;

use super::{
    Account, Act, Balance, Command, Expiry, Hold, HoldState, Kind, Lot, LotId, MemberId, Operation, Place, Posting,
    Refusal, Source, WalletId,
};

/// More than this no account ever has, whatever its wallet allows: sums stay far from the end of 64 bits.
const ACCOUNT_MAX: i64 = 1 << 60;
/// How far the machine's clock may fall behind the last operation before commands are refused: as much as a time server moves it at once.
const CLOCK_SLACK: i64 = 5 * Timestamp::SECOND;

/// What holds for every account of a wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wallet {
    /// The most points of one operation.
    pub amount_max: i64,
    /// The most that an account may have.
    pub balance_max: Option<i64>,
    /// The most that a member may owe.
    pub arrears_max: i64,
}

/// What a member may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// There is no such member.
    #[default]
    Unknown,
    /// Everything.
    Active,
    /// Earn, but not spend.
    Blocked,
    /// Nothing.
    Closed,
}

/// Which account: one member's part of one wallet.
pub type AccountKey = (MemberId, WalletId);

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The operation's number; `None` when it was refused without being written down.
    pub operation: Option<i64>,
    /// Why it was refused.
    pub refused: Option<Refusal>,
    /// How many points were moved.
    pub amount: i64,
    /// How many could not be taken back, and are forgiven.
    pub short: i64,
    /// The account after it.
    pub after: Balance,
    /// When it was written down.
    pub recorded_at: Timestamp,
    /// Whether it is the answer to the same command sent before.
    pub replayed: bool,
}

/// Accounts in memory, and what was done to them since [`Ledger::take`].
#[derive(Debug, Default)]
pub struct Ledger {
    /// The number of the last operation.
    pub operations: i64,
    /// The number of the last posting.
    pub postings: i64,
    /// When the last operation was written down.
    pub recorded_at: Timestamp,
    /// The wallets there are.
    pub wallets: HashMap<WalletId, Wallet>,
    /// What members may do; whoever is not in it is unknown.
    pub standings: HashMap<MemberId, Standing>,
    /// Every account that commands touch; one that is not in it is empty.
    pub accounts: HashMap<AccountKey, Account>,
    /// Earlier operations that commands repeat or refer to, by id; those referred to with their postings.
    pub known: HashMap<String, Operation>,
    done: Done,
    undo: Vec<Undo>,
    current: Vec<Posting>,
}

/// What was done, to be written down.
#[derive(Debug, Default, PartialEq)]
pub struct Done {
    /// New operations with their postings, in order.
    pub operations: Vec<Operation>,
    /// Lots that are new or changed.
    pub lots: BTreeSet<(AccountKey, LotId)>,
    /// Holds that are new or changed.
    pub holds: BTreeSet<(AccountKey, i64)>,
    /// Accounts that changed.
    pub accounts: BTreeSet<AccountKey>,
    /// How much of earlier operations is undone now, by number.
    pub reversed: HashMap<i64, i64>,
}

/// What is put back when a command is refused.
#[derive(Debug)]
enum Undo {
    Balance(AccountKey, Balance),
    Lot(AccountKey, LotId, Option<Lot>),
    Hold(AccountKey, i64, Option<Hold>),
    Reversed(String, i64),
}

/// A state to go back to.
struct Mark {
    undo: usize,
    operations: i64,
    postings: i64,
    done: usize,
}

impl Ledger {
    /// Does what `command` asks for at `now`, or says why not.
    pub fn apply(&mut self, command: &Command, now: Timestamp) -> Answer {
        self.apply_all(std::slice::from_ref(command), now).pop().expect("one command has one answer")
    }

    /// Does all of `commands` or none: when one is refused, the others are [`Refusal::LinkedRefused`].
    pub fn apply_all(&mut self, commands: &[Command], now: Timestamp) -> Vec<Answer> {
        if let Some(answers) = self.answered(commands, now) {
            return answers;
        }
        let now = now.max(self.recorded_at);
        self.undo.clear();
        let mark = self.mark();
        for (place, command) in commands.iter().enumerate() {
            if let Err(refusal) = self.enter(command, now) {
                self.back_to(&mark);
                let why = |other: usize| if other == place { refusal } else { Refusal::LinkedRefused };
                return commands.iter().enumerate().map(|(at, command)| self.refuse(command, why(at), now)).collect();
            }
        }
        self.recorded_at = now;
        let answer = |command: &Command| Answer::of(&self.known[&command.id], false);
        commands.iter().map(answer).collect()
    }

    /// Takes what was done since the last time, and forgets what only those commands needed.
    pub fn take(&mut self) -> Done {
        self.known.clear();
        std::mem::take(&mut self.done)
    }

    /// What was done so far.
    pub const fn done(&self) -> &Done {
        &self.done
    }

    /// The answers, where nothing is to be done: the same was asked before, or something is wrong whatever the state of the accounts.
    fn answered(&self, commands: &[Command], now: Timestamp) -> Option<Vec<Answer>> {
        let found: Vec<Option<Result<Answer, Refusal>>> =
            commands.iter().map(|command| self.known_answer(command)).collect();
        if found.iter().all(|answer| matches!(answer, Some(Ok(_)))) {
            return Some(found.into_iter().flatten().flatten().collect());
        }
        let twins = has_twins(commands);
        let behind = now.plus(CLOCK_SLACK) < self.recorded_at;
        let others = match (twins, found.iter().all(Option::is_none), behind) {
            (true, ..) => Refusal::IdReused,
            (false, false, _) => Refusal::LinkedRefused,
            (false, true, true) => Refusal::ClockBehind,
            (false, true, false) => return None,
        };
        let of = |answer| match answer {
            Some(Err(refusal)) => refusal,
            Some(Ok(_)) => Refusal::IdReused,
            None => others,
        };
        Some(found.into_iter().map(|answer| Answer::refused(of(answer), now)).collect())
    }

    /// What can be said of a command without doing it.
    fn known_answer(&self, command: &Command) -> Option<Result<Answer, Refusal>> {
        if !command.is_readable() {
            return Some(Err(Refusal::IdMalformed));
        }
        let Some(wallet) = self.wallets.get(&command.wallet) else { return Some(Err(Refusal::WalletUnknown)) };
        if let Err(refusal) = command.malformed(wallet.amount_max) {
            return Some(Err(refusal));
        }
        let earlier = self.known.get(&command.id)?;
        let is_same = earlier.fingerprint == command.fingerprint();
        Some(if is_same { Ok(Answer::of(earlier, true)) } else { Err(Refusal::IdReused) })
    }

    /// Posts a command, with what was due before and falls due by it.
    fn enter(&mut self, command: &Command, now: Timestamp) -> Result<(), Refusal> {
        let key = (command.member, command.wallet);
        self.may(command)?;
        let accounts = self.touched(command);
        for account in &accounts {
            self.settle(*account, now, Timestamp(i64::MIN));
        }
        let number = self.next_operation();
        let outcome = self.act(command, key, number, now)?;
        let postings = std::mem::take(&mut self.current);
        let operation = Operation {
            number,
            id: command.id.clone(),
            kind: outcome.kind,
            wallet: command.wallet,
            member: command.member,
            amount: outcome.amount,
            short: outcome.short,
            refused: None,
            reference: outcome.reference,
            reversed: 0,
            fingerprint: command.fingerprint(),
            after: self.balance(key),
            effective_at: outcome.effective_at,
            recorded_at: now,
            postings,
            source: command.source.clone(),
        };
        let place = self.done.operations.len();
        self.note(operation);
        // What came back after its lot had lapsed lapses now; what was earned long ago lapsed when it did.
        let not_before = if outcome.kind == Kind::Earn { Timestamp(i64::MIN) } else { now };
        let due: usize = accounts.iter().map(|account| self.settle(*account, now, not_before)).sum();
        if due > 0 {
            let after = self.balance(key);
            self.done.operations[place].after = after;
            self.known.entry(command.id.clone()).and_modify(|operation| operation.after = after);
        }
        Ok(())
    }

    /// The accounts in which a command may move something.
    fn touched(&self, command: &Command) -> BTreeSet<AccountKey> {
        let mut accounts = BTreeSet::from([(command.member, command.wallet)]);
        match &command.act {
            Act::Transfer { to, .. } => drop(accounts.insert((*to, command.wallet))),
            Act::Reverse { of, .. } => {
                let target = self
                    .known
                    .get(of)
                    .filter(|target| target.member == command.member && target.wallet == command.wallet);
                let postings = target.into_iter().flat_map(|target| &target.postings);
                accounts.extend(postings.map(|posting| (posting.member, posting.wallet)));
            }
            _ => {}
        }
        accounts
    }

    /// Whether the member may do this at all.
    fn may(&self, command: &Command) -> Result<(), Refusal> {
        let standing = |member: MemberId| self.standings.get(&member).copied().unwrap_or_default();
        let spends = matches!(command.act, Act::Spend { .. } | Act::Hold { .. } | Act::Transfer { .. });
        let receiver = match command.act {
            Act::Transfer { to, .. } => Some(to),
            _ => None,
        };
        for member in [Some(command.member), receiver].into_iter().flatten() {
            match standing(member) {
                Standing::Unknown => return Err(Refusal::MemberUnknown),
                Standing::Closed => return Err(Refusal::MemberClosed),
                Standing::Blocked if spends && member == command.member => return Err(Refusal::MemberBlocked),
                Standing::Blocked | Standing::Active => {}
            }
        }
        Ok(())
    }

    fn act(&mut self, command: &Command, key: AccountKey, number: i64, now: Timestamp) -> Result<Outcome, Refusal> {
        let made = |kind, amount| Outcome { kind, amount, short: 0, reference: None, effective_at: now };
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
                Ok(Outcome { effective_at: earned_at, ..made(Kind::Earn, *amount) })
            }
            Act::Spend { amount } => {
                self.enough(key, *amount)?;
                self.consume(key, *amount, Place::Spent, now);
                Ok(made(Kind::Spend, *amount))
            }
            Act::Hold { amount, until } => {
                if *until <= now {
                    return Err(Refusal::EndsTooEarly);
                }
                self.enough(key, *amount)?;
                let lots = self.consume(key, *amount, Place::Held, now);
                let hold = Hold { operation: number, amount: *amount, until: *until, state: HoldState::Open, lots };
                self.change_hold(key, hold);
                Ok(made(Kind::Hold, *amount))
            }
            Act::Capture { hold, amount } => {
                let hold = self.open_hold(key, hold)?;
                let amount = amount.unwrap_or(hold.amount);
                if amount > hold.amount {
                    return Err(Refusal::HoldTooSmall);
                }
                let reference = Some(hold.operation);
                self.end_hold(key, hold, HoldState::Captured, amount, now);
                Ok(Outcome { reference, ..made(Kind::Capture, amount) })
            }
            Act::Release { hold } => {
                let hold = self.open_hold(key, hold)?;
                let (reference, amount) = (Some(hold.operation), hold.amount);
                self.end_hold(key, hold, HoldState::Released, 0, now);
                Ok(Outcome { reference, ..made(Kind::Release, amount) })
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
                Ok(made(Kind::Adjust, *amount))
            }
            Act::Transfer { to, amount, expiry } => {
                self.transfer(key, (*to, key.1), *amount, expiry, number, now)?;
                Ok(made(Kind::Transfer, *amount))
            }
            Act::Reverse { of, portion, shortage, grace_until } => {
                let target = self.known.get(of).filter(|target| (target.member, target.wallet) == key);
                let target = target.ok_or(Refusal::OperationUnknown)?.clone();
                let (amount, short) = self.reverse(&target, portion, *shortage, *grace_until, number, now)?;
                Ok(Outcome { short, reference: Some(target.number), ..made(Kind::Reverse, amount) })
            }
            Act::Extend { expires_at } => {
                if *expires_at <= now {
                    return Err(Refusal::EndsTooEarly);
                }
                Ok(made(Kind::Extend, self.extend(key, *expires_at)))
            }
            Act::Forfeit {} => Ok(made(Kind::Forfeit, self.forfeit(key, now))),
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
        if matches!(expiry, Expiry::Reset { expires_at: Some(end) } if *end <= now) {
            return Err(Refusal::EndsTooEarly);
        }
        self.enough(from, amount)?;
        self.room(to, amount)?;
        for (id, amount) in self.consume(from, amount, Place::Transit, now) {
            let lot = self.lot(from, id);
            let expires_at = match expiry {
                Expiry::Keep => lot.expires_at,
                Expiry::Reset { expires_at } => *expires_at,
            };
            let (earned_at, origin) = (lot.earned_at, Some(id));
            let new = NewLot { earned_at, active_from: earned_at, expires_at, operation: number, origin };
            self.give(to, Place::Transit, amount, new, now);
        }
        Ok(())
    }

    fn extend(&mut self, key: AccountKey, expires_at: Timestamp) -> i64 {
        let ends_earlier = |lot: &&Lot| lot.remaining() > 0 && lot.expires_at.is_some_and(|end| end < expires_at);
        let lots: Vec<Lot> = self.account(key).lots().filter(ends_earlier).cloned().collect();
        let amount = lots.iter().map(Lot::remaining).sum();
        for lot in lots {
            self.change_lot(key, Lot { expires_at: Some(expires_at), ..lot });
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
        let set_aside = |operation: &&Operation| {
            operation.kind == Kind::Hold && operation.refused.is_none() && (operation.member, operation.wallet) == key
        };
        let operation = self.known.get(id).filter(set_aside).ok_or(Refusal::HoldUnknown)?;
        let account = self.accounts.get(&key).ok_or(Refusal::HoldUnknown)?;
        let hold = account.hold(operation.number).ok_or(Refusal::HoldUnknown)?;
        match hold.state {
            HoldState::Open => Ok(hold.clone()),
            HoldState::Captured => Err(Refusal::HoldCaptured),
            HoldState::Released => Err(Refusal::HoldReleased),
            HoldState::TimedOut => Err(Refusal::HoldTimedOut),
        }
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
        self.change_lot(key, lot);
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

    fn enough(&self, key: AccountKey, amount: i64) -> Result<(), Refusal> {
        if self.balance(key).available < amount { Err(Refusal::InsufficientPoints) } else { Ok(()) }
    }

    fn room(&self, key: AccountKey, amount: i64) -> Result<(), Refusal> {
        let most = self.wallet(key).balance_max.unwrap_or(ACCOUNT_MAX).min(ACCOUNT_MAX);
        if self.balance(key).total().saturating_add(amount) > most { Err(Refusal::BalanceLimit) } else { Ok(()) }
    }

    pub(super) fn wallet(&self, key: AccountKey) -> &Wallet {
        &self.wallets[&key.1]
    }

    pub(super) fn balance(&self, key: AccountKey) -> Balance {
        self.accounts.get(&key).map(Account::balance).unwrap_or_default()
    }

    pub(super) fn account(&mut self, key: AccountKey) -> &mut Account {
        self.accounts.entry(key).or_default()
    }

    pub(super) fn lot(&mut self, key: AccountKey, id: LotId) -> Lot {
        self.account(key).lot(id).expect("lots that are referred to are in memory").clone()
    }

    pub(super) const fn next_operation(&mut self) -> i64 {
        self.operations += 1;
        self.operations
    }

    /// The postings of the operation that is being made.
    pub(super) fn take_postings(&mut self) -> Vec<Posting> {
        std::mem::take(&mut self.current)
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

    fn change_lot(&mut self, key: AccountKey, lot: Lot) {
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

    fn set_reversed(&mut self, id: &str, reversed: i64) {
        let Some(known) = self.known.get_mut(id) else { return };
        known.reversed = reversed;
        let number = known.number;
        match self.done.operations.iter_mut().find(|operation| operation.number == number) {
            Some(new) => new.reversed = reversed,
            None => drop(self.done.reversed.insert(number, reversed)),
        }
    }

    /// Writes an operation down.
    pub(super) fn note(&mut self, operation: Operation) {
        self.known.insert(operation.id.clone(), operation.clone());
        self.done.operations.push(operation);
    }

    /// Writes down that a command was refused, where that depends on more than the command.
    fn refuse(&mut self, command: &Command, refusal: Refusal, now: Timestamp) -> Answer {
        if !refusal.uses_up_the_id() {
            return Answer::refused(refusal, now);
        }
        let after = self.balance_at((command.member, command.wallet), now);
        let number = self.next_operation();
        let operation = Operation {
            number,
            id: command.id.clone(),
            kind: command.kind(),
            wallet: command.wallet,
            member: command.member,
            amount: command.amount(),
            short: 0,
            refused: Some(refusal),
            reference: None,
            reversed: 0,
            fingerprint: command.fingerprint(),
            after,
            effective_at: now,
            recorded_at: now,
            postings: Vec::new(),
            source: command.source.clone(),
        };
        let answer = Answer::of(&operation, false);
        self.recorded_at = now;
        self.note(operation);
        answer
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

    fn mark(&self) -> Mark {
        let (operations, postings) = (self.operations, self.postings);
        Mark { undo: self.undo.len(), operations, postings, done: self.done.operations.len() }
    }

    fn back_to(&mut self, mark: &Mark) {
        self.current.clear();
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
}

/// What an act came to.
struct Outcome {
    kind: Kind,
    amount: i64,
    short: i64,
    reference: Option<i64>,
    effective_at: Timestamp,
}

impl Answer {
    fn of(operation: &Operation, replayed: bool) -> Self {
        Self {
            operation: Some(operation.number),
            refused: operation.refused,
            amount: operation.amount,
            short: operation.short,
            after: operation.after,
            recorded_at: operation.recorded_at,
            replayed,
        }
    }

    fn refused(refusal: Refusal, now: Timestamp) -> Self {
        let after = Balance::default();
        Self { operation: None, refused: Some(refusal), amount: 0, short: 0, after, recorded_at: now, replayed: false }
    }
}

impl Command {
    const fn kind(&self) -> Kind {
        match self.act {
            Act::Earn { .. } => Kind::Earn,
            Act::Spend { .. } => Kind::Spend,
            Act::Hold { .. } => Kind::Hold,
            Act::Capture { .. } => Kind::Capture,
            Act::Release { .. } => Kind::Release,
            Act::Adjust { .. } => Kind::Adjust,
            Act::Transfer { .. } => Kind::Transfer,
            Act::Reverse { .. } => Kind::Reverse,
            Act::Extend { .. } => Kind::Extend,
            Act::Forfeit {} => Kind::Forfeit,
        }
    }

    /// How many points it asks for, if it says so.
    fn amount(&self) -> i64 {
        match &self.act {
            Act::Earn { amount, .. }
            | Act::Spend { amount }
            | Act::Hold { amount, .. }
            | Act::Adjust { amount, .. }
            | Act::Transfer { amount, .. } => *amount,
            Act::Capture { amount, .. } => amount.unwrap_or(0),
            Act::Reverse { .. } | Act::Release { .. } | Act::Extend { .. } | Act::Forfeit {} => 0,
        }
    }
}

/// Whether two commands have the same id.
fn has_twins(commands: &[Command]) -> bool {
    let ids: BTreeSet<&str> = commands.iter().map(|command| command.id.as_str()).collect();
    ids.len() < commands.len()
}

impl Source {
    /// Of what happens by itself.
    pub(super) fn own() -> Self {
        Self { kind: "due".into(), ..Self::default() }
    }
}
