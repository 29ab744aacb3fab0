//! How many points a list of commands gives, takes or keeps alive, looked up before it is posted: so that a limit of what somebody may do alone holds for every act and for all of a list together.
//!
//! Always holds: of each act no less is counted than it moves, as the accounts stand at the look; nothing is counted below 0, so that no act makes room for another. Nothing is counted of an id
//! that the ledger knows already: it is answered again or refused, and moves nothing.
//!
//! Does not: know limits, which [`Staff::may_alone`](crate::staff::Staff::may_alone) does, or refuse what the ledger refuses.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::Queries;

use super::members;
use super::read::{self, by_ids};
use crate::Error;
use crate::ledger::{Account, AccountKey, Act, Command, Kind, Lot, MemberId, Operation, Portion, WalletId, clawed};

/// What commands give, take or keep alive, wallet by wallet, given and taken added up.
///
/// A hold counts what it sets aside. A capture and a release end the whole hold: what is not taken comes back, so both count all of it, unless the hold is in the same list and was counted there.
/// A reversal counts what it undoes, an extension the points that would lapse earlier, a forfeiture what there is and what is owed.
///
/// # Errors
/// The store's, or that what it reads back does not fit together.
pub async fn touched(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    commands: &[Command],
    now: Timestamp,
) -> Result<BTreeMap<WalletId, i64>, Error> {
    let meant = commands.iter().filter_map(meant);
    let ids: BTreeSet<&String> = commands.iter().map(|command| &command.id).chain(meant).collect();
    // The ledger refuses a NUL, and PostgreSQL does not look for one.
    let ids: Vec<String> = ids.into_iter().filter(|id| !id.contains('\0')).cloned().collect();
    let found = by_ids(db, workspace, &ids).await?;
    let known: HashMap<String, Operation> = found.into_iter().map(|it| (it.id.clone(), it)).collect();
    let looked_at = commands.iter().filter(|command| matches!(command.act, Act::Extend { .. } | Act::Forfeit {}));
    let mut heirs: BTreeMap<MemberId, MemberId> = BTreeMap::new();
    for member in looked_at.map(|command| command.member).collect::<BTreeSet<MemberId>>() {
        heirs.insert(member, members::now(db, workspace, member).await?);
    }
    let all: Vec<MemberId> = heirs.values().copied().collect();
    let accounts = if all.is_empty() { BTreeMap::new() } else { read::accounts(db, workspace, &all, now).await? };
    let mut list = List { known: &known, heirs: &heirs, accounts: &accounts, own: HashMap::new() };
    let mut sums: BTreeMap<WalletId, i64> = BTreeMap::new();
    for command in commands {
        let sum = sums.entry(command.wallet).or_default();
        *sum = sum.saturating_add(list.counted(command));
    }
    Ok(sums)
}

/// The earlier operation that a command is about.
fn meant(command: &Command) -> Option<&String> {
    match &command.act {
        Act::Capture { hold, .. } | Act::Release { hold } | Act::HandOver { hold, .. } => Some(hold),
        Act::Reverse { of, .. } => Some(of),
        _ => None,
    }
}

/// A list that is looked at, with what is known of what it is about.
struct List<'a> {
    known: &'a HashMap<String, Operation>,
    heirs: &'a BTreeMap<MemberId, MemberId>,
    accounts: &'a BTreeMap<AccountKey, Account>,
    /// How many points the operations of the list before this one move, by their ids.
    own: HashMap<&'a str, i64>,
}

impl<'a> List<'a> {
    fn counted(&mut self, command: &'a Command) -> i64 {
        if self.known.contains_key(&command.id) {
            return 0;
        }
        let account = || self.accounts.get(&(*self.heirs.get(&command.member)?, command.wallet));
        let (counted, moved) = match &command.act {
            Act::Earn { amount, .. }
            | Act::Spend { amount }
            | Act::Hold { amount, .. }
            | Act::Adjust { amount, .. }
            | Act::Transfer { amount, .. } => both(amount.saturating_abs()),
            Act::Capture { hold, .. } | Act::Release { hold } | Act::HandOver { hold, .. } => {
                match self.own.get(hold.as_str()) {
                    Some(counted) => (0, *counted),
                    None => both(self.known.get(hold).map_or(0, held)),
                }
            }
            Act::Reverse { of, portion, .. } => both(match self.known.get(of) {
                Some(target) => undone(target, portion),
                None => self.own.get(of.as_str()).copied().unwrap_or(0),
            }),
            Act::Extend { expires_at } => both(account().map_or(0, |it| lapsing_before(it, *expires_at))),
            Act::Forfeit {} => both(account().map_or(0, |it| {
                let has = it.balance();
                has.pending + has.available + has.held + has.owed
            })),
        };
        self.own.entry(&command.id).or_insert(moved);
        counted
    }
}

/// All that an act moves is counted.
const fn both(points: i64) -> (i64, i64) {
    (points, points)
}

/// How many points an operation set aside, if it did.
fn held(operation: &Operation) -> i64 {
    let is_hold = operation.kind == Kind::Hold && operation.refused.is_none();
    if is_hold { operation.amount.saturating_abs() } else { 0 }
}

/// How many points of an operation are undone; none where the ledger refuses to undo it.
fn undone(target: &Operation, portion: &Portion) -> i64 {
    if target.refused.is_some() || !target.kind.is_reversible() {
        return 0;
    }
    let all = target.amount.saturating_abs();
    match portion {
        Portion::Points { amount } => amount.saturating_abs(),
        Portion::Refunded { refunded, total } if *total > 0 && *refunded >= 0 => {
            (clawed(all, *refunded, *total) - target.reversed).max(0)
        }
        Portion::Rest | Portion::Refunded { .. } => all - target.reversed,
    }
}

/// How many points would lapse before then.
fn lapsing_before(account: &Account, end: Timestamp) -> i64 {
    let lots = account.lots().filter(|lot| lot.expires_at.is_some_and(|at| at < end));
    lots.map(Lot::remaining).sum()
}
