//! The ledger at work: takes a command, checks it, posts it, or leaves everything as it was.

use std::collections::{BTreeSet, HashMap};

use rapport_domain::Timestamp;

use super::moves::Undo;
use super::{Account, Act, Balance, Command, LotId, MemberId, Operation, Posting, Refusal, Source, Terms, WalletId};
use crate::jurisdictions::Guard;

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
    /// It is another member's number now.
    Merged,
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
    /// Numbers that were merged into another member's, and into whose.
    pub heirs: HashMap<MemberId, MemberId>,
    /// What the law says of when points lapse, of the accounts that a law concerns.
    pub guards: HashMap<AccountKey, Guard>,
    /// Every account that commands touch; one that is not in it is empty.
    pub accounts: HashMap<AccountKey, Account>,
    /// Earlier operations that commands repeat or refer to, by id; those referred to with their postings.
    pub known: HashMap<String, Operation>,
    pub(super) done: Done,
    pub(super) undo: Vec<Undo>,
    /// The postings of the operation that is being made.
    pub(super) current: Vec<Posting>,
    /// What it fixes beside them.
    pub(super) terms: Terms,
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
        let Some(earlier) = self.known.get(&command.id) else {
            return self.goes_nowhere(command).then_some(Err(Refusal::TransferToSelf));
        };
        let is_same = earlier.fingerprint == command.fingerprint();
        Some(if is_same { Ok(Answer::of(earlier, true)) } else { Err(Refusal::IdReused) })
    }

    /// Posts a command, with what was due before and falls due by it.
    fn enter(&mut self, command: &Command, now: Timestamp) -> Result<(), Refusal> {
        let key = self.account_now((command.member, command.wallet));
        self.may(command)?;
        let accounts = self.touched(command);
        for account in &accounts {
            self.settle(*account, now, Timestamp(i64::MIN));
        }
        let number = self.next_operation();
        let outcome = self.act(command, key, number, now)?;
        let operation = Operation {
            amount: outcome.amount,
            short: outcome.short,
            reference: outcome.reference,
            after: self.balance(key),
            effective_at: outcome.effective_at,
            postings: self.take_postings(),
            terms: Some(self.take_terms()),
            member: key.0,
            ..Operation::of(command, number, now)
        };
        let place = self.done.operations.len();
        self.note(operation);
        // What came back after its lot had lapsed lapses now; what was earned long ago lapsed when it did.
        let not_before = if matches!(command.act, Act::Earn { .. }) { Timestamp(i64::MIN) } else { now };
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
        let own = self.account_now((command.member, command.wallet));
        let mut accounts = BTreeSet::from([own]);
        accounts.extend(command.receiver().map(|to| self.account_now((to, command.wallet))));
        if let Act::Reverse { of, .. } = &command.act {
            let postings = self.own(of, own).into_iter().flat_map(|target| &target.postings);
            accounts.extend(postings.map(|posting| self.account_now((posting.member, posting.wallet))));
        }
        accounts
    }

    /// An operation of this account that is known here, under whatever number it was posted.
    pub(super) fn own(&self, id: &str, key: AccountKey) -> Option<&Operation> {
        self.known.get(id).filter(|operation| self.account_now((operation.member, operation.wallet)) == key)
    }

    /// Whether a transfer would go to the member that it comes from.
    fn goes_nowhere(&self, command: &Command) -> bool {
        command.receiver().is_some_and(|to| self.heir(to) == self.heir(command.member))
    }

    /// Whether the member may do this at all.
    fn may(&self, command: &Command) -> Result<(), Refusal> {
        if self.goes_nowhere(command) {
            return Err(Refusal::TransferToSelf);
        }
        let standing = |member: MemberId| self.standings.get(&self.heir(member)).copied().unwrap_or_default();
        let receiver = command.receiver();
        let spends = receiver.is_some() || matches!(command.act, Act::Spend { .. } | Act::Hold { .. });
        for member in [Some(command.member), receiver].into_iter().flatten() {
            match standing(member) {
                Standing::Unknown => return Err(Refusal::MemberUnknown),
                Standing::Closed | Standing::Merged => return Err(Refusal::MemberClosed),
                Standing::Blocked if spends && member == command.member => return Err(Refusal::MemberBlocked),
                Standing::Blocked | Standing::Active => {}
            }
        }
        Ok(())
    }

    pub(super) const fn next_operation(&mut self) -> i64 {
        self.operations += 1;
        self.operations
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
        let key = self.account_now((command.member, command.wallet));
        let after = self.balance_at(key, now);
        let number = self.next_operation();
        let operation =
            Operation { refused: Some(refusal), after, member: key.0, ..Operation::of(command, number, now) };
        let answer = Answer::of(&operation, false);
        self.recorded_at = now;
        self.note(operation);
        answer
    }
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

/// Whether two commands have the same id.
fn has_twins(commands: &[Command]) -> bool {
    let ids: BTreeSet<&str> = commands.iter().map(|command| command.id.as_str()).collect();
    ids.len() < commands.len()
}

impl Operation {
    /// What a command asks for, before anything is known of how it went.
    fn of(command: &Command, number: i64, now: Timestamp) -> Self {
        Self {
            number,
            id: command.id.clone(),
            kind: command.kind(),
            wallet: command.wallet,
            member: command.member,
            amount: command.amount(),
            short: 0,
            refused: None,
            reference: None,
            reversed: 0,
            fingerprint: command.fingerprint(),
            after: Balance::default(),
            effective_at: now,
            recorded_at: now,
            postings: Vec::new(),
            terms: Some(Terms::default()),
            source: command.source.clone(),
        }
    }
}

impl Source {
    /// Of what happens by itself.
    pub(super) fn own() -> Self {
        Self { kind: "due".into(), ..Self::default() }
    }
}
