//! Reading what commands need into memory.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Tx, args, sql};

use super::ahead::Who;
use super::head::Head;
use super::read::{HoldRow, LotRow, by_ids, postings_of, with_postings};
use super::trail::{self, Trail};
use super::{Memory, Written, houses, jurisdictions, members, open_lots, wallets};
use crate::Error;
use crate::ledger::{
    Account, AccountKey, Act, Command, Hold, Kind, Lot, LotId, MemberId, Operation, Place, Standing, WalletId,
};

/// Everything that `lists` may touch.
pub(super) async fn everything(
    tx: &mut Tx,
    memory: &mut Memory,
    workspace: WorkspaceId,
    head: &Head,
    lists: &[Vec<Command>],
) -> Result<(), Error> {
    settings(tx, memory, workspace, head).await?;
    let commands = || lists.iter().flatten();
    let mut touched: BTreeSet<AccountKey> = BTreeSet::new();
    for command in commands() {
        touched.insert((command.member, command.wallet));
        touched.extend(command.receiver().map(|to| (to, command.wallet)));
    }
    let known = known(tx, workspace, commands()).await?;
    touched.extend(
        known.values().flat_map(|operation| &operation.postings).map(|posting| (posting.member, posting.wallet)),
    );
    let touched: Vec<AccountKey> = touched.into_iter().collect();
    accounts(tx, memory, workspace, head, &touched).await?;
    recall(tx, memory, workspace, &known).await?;
    memory.ledger.known = known;
    Ok(())
}

/// What the programme says of wallets, unless it is known already.
async fn settings(tx: &mut Tx, memory: &mut Memory, workspace: WorkspaceId, head: &Head) -> Result<(), Error> {
    if memory.settings != Some(head.settings) {
        let read = wallets::settings(tx, workspace).await?;
        (memory.ledger.wallets, memory.kept, memory.laws) = (read.limits, read.kept, read.laws);
        memory.settings = Some(head.settings);
    }
    Ok(())
}

/// Earlier operations of these ids, and those that commands refer to, the latter with their postings.
async fn known<'c>(
    tx: &mut Tx,
    workspace: WorkspaceId,
    commands: impl Iterator<Item = &'c Command> + Clone,
) -> Result<HashMap<String, Operation>, Error> {
    let meant = |command: &'c Command| match &command.act {
        Act::Capture { hold, .. } | Act::Release { hold } | Act::HandOver { hold, .. } => Some(hold),
        Act::Reverse { of, .. } => Some(of),
        _ => None,
    };
    let meant: BTreeSet<&String> = commands.clone().filter_map(meant).collect();
    let ids: BTreeSet<&String> = commands.map(|command| &command.id).chain(meant.iter().copied()).collect();
    // A NUL is refused before it is looked for.
    let ids: Vec<String> = ids.into_iter().filter(|id| !id.contains('\0')).cloned().collect();
    let found = by_ids(tx, workspace, &ids).await?;
    let (referred, mut known): (Vec<Operation>, Vec<Operation>) =
        found.into_iter().partition(|operation| meant.contains(&operation.id));
    known.extend(with_postings(tx, workspace, referred).await?);
    Ok(known.into_iter().map(|operation| (operation.id.clone(), operation)).collect())
}

/// Accounts that are not in memory, or were posted to by somebody else since; those of numbers that were merged into another member's are the other's.
pub(super) async fn accounts(
    tx: &mut Tx,
    memory: &mut Memory,
    workspace: WorkspaceId,
    head: &Head,
    keys: &[AccountKey],
) -> Result<(), Error> {
    memory.stands_at(head);
    memory.sure.saw(head);
    let numbers: BTreeSet<i64> = keys.iter().map(|(member, _)| member.0).collect();
    let mut rows = members::with_balances(tx, workspace, numbers.iter().copied().collect()).await?;
    let known: BTreeSet<i64> = rows.iter().map(|row| row.member().0).collect();
    let nobodys: Vec<i64> = numbers.difference(&known).copied().collect();
    if !nobodys.is_empty() {
        rows.extend(houses::with_balances(tx, workspace, nobodys).await?);
    }
    memory.ledger.heirs = rows.iter().filter_map(|row| Some((row.member(), row.heir()?))).collect();
    let heirs: BTreeSet<i64> = memory.ledger.heirs.values().map(|heir| heir.0).collect();
    let others: Vec<i64> = heirs.difference(&numbers).copied().collect();
    if !others.is_empty() {
        rows.extend(members::with_balances(tx, workspace, others).await?);
    }
    let keys: BTreeSet<AccountKey> = keys.iter().map(|key| (memory.ledger.heir(key.0), key.1)).collect();
    memory.ledger.standings = rows.iter().map(|row| (row.member(), Standing::read(&row.standing))).collect();
    memory.people = rows.iter().filter(|row| row.person.is_some()).map(members::MemberRow::member).collect();
    let concerned: BTreeMap<MemberId, String> =
        rows.iter().filter_map(|row| Some((row.member(), row.jurisdiction.clone()?))).collect();
    if !concerned.is_empty() {
        settings(tx, memory, workspace, head).await?;
    }
    memory.ledger.guards = jurisdictions::guards(tx, workspace, &memory.laws, &concerned).await?;
    let of_row = |row: &members::MemberRow| {
        let trail = Trail(row.trail.clone()?);
        let written = Written { operation: row.operation?, due_at: row.due_at, trail, listed: BTreeSet::new() };
        Some(((row.member(), WalletId(row.wallet?)), (row.owed?, written, row.active_at)))
    };
    let mut stored: HashMap<AccountKey, (i64, Written, Option<Timestamp>)> = rows.iter().filter_map(of_row).collect();
    let is_old = |key: &&AccountKey| match (stored.get(key), memory.written.get(key)) {
        (None, _) => false,
        (Some((_, written, _)), known) => known.map(|it| it.operation) != Some(written.operation),
    };
    let old: Vec<AccountKey> = keys.iter().filter(is_old).copied().collect();
    let whose: BTreeSet<MemberId> = old.iter().map(|key| key.0).collect();
    let mut newest = Vec::new();
    for row in rows.iter().filter(|row| whose.contains(&row.member())) {
        newest.extend(trail::numbers(row.opened.as_deref().unwrap_or_default())?);
    }
    for (key, Parts { lots, holds, listed }) in read(tx, workspace, &old, newest).await? {
        let Some((owed, written, active_at)) = stored.remove(&key) else { continue };
        memory.ledger.accounts.insert(key, Account::stored(owed, lots, holds).active(active_at));
        memory.written.insert(key, Written { listed, ..written });
    }
    // Who looked in vain at an account that is in memory changed its instant and nothing else.
    for (key, (_, written, _)) in stored {
        if let Some(known) = memory.written.get_mut(&key).filter(|_| keys.contains(&key)) {
            known.due_at = written.due_at;
        }
    }
    let plain = rows.iter().filter(|row| row.heir().is_none() && row.jurisdiction.is_none());
    let who =
        |row: &members::MemberRow| Who { standing: Standing::read(&row.standing), is_person: row.person.is_some() };
    let plain: HashMap<MemberId, Who> = plain.map(|row| (row.member(), who(row))).collect();
    memory.sure.learn(keys.iter().filter_map(|key| Some((*key, *plain.get(&key.0)?))));
    Ok(())
}

/// What is left in an account.
#[derive(Default)]
pub(super) struct Parts {
    pub lots: Vec<Lot>,
    pub holds: Vec<Hold>,
    /// The lots that stand in the table of those of which something is left.
    pub listed: BTreeSet<LotId>,
}

/// The lots and holds of which something is left; `newest` as for [`open_lots::of`].
pub(super) async fn read(
    tx: &mut impl Queries,
    workspace: WorkspaceId,
    keys: &[AccountKey],
    newest: Vec<i64>,
) -> Result<HashMap<AccountKey, Parts>, Error> {
    let mut read: HashMap<AccountKey, Parts> = keys.iter().map(|key| (*key, Parts::default())).collect();
    if keys.is_empty() {
        return Ok(read);
    }
    let members: BTreeSet<i64> = keys.iter().map(|(member, _)| member.0).collect();
    let members: Vec<i64> = members.into_iter().collect();
    for (key, found) in open_lots::of(tx, workspace, &members, newest).await? {
        if let Some(parts) = read.get_mut(&key) {
            (parts.lots, parts.listed) = (found.lots, found.listed);
        }
    }
    let holds = sql!("SELECT * FROM loyalty_holds WHERE member IN ($2) AND workspace = $1 AND state = 'open'");
    let holds: Vec<HoldRow> = tx.fetch_all(holds, args![workspace, &members]).await?;
    for HoldRow { key, hold } in with_lots(tx, workspace, holds).await? {
        if let Some(parts) = read.get_mut(&key) {
            parts.holds.push(hold);
        }
    }
    Ok(read)
}

/// Lots and holds that commands refer to and of which nothing may be left.
async fn recall(
    tx: &mut Tx,
    memory: &mut Memory,
    workspace: WorkspaceId,
    known: &HashMap<String, Operation>,
) -> Result<(), Error> {
    let postings = || known.values().flat_map(|operation| &operation.postings);
    let lots: BTreeSet<i64> = postings().filter_map(|posting| posting.lot).map(|lot| lot.0).collect();
    if lots.is_empty() {
        return Ok(());
    }
    let lots: Vec<i64> = lots.into_iter().collect();
    let find = sql!(
        "SELECT lot, operation, amount, pending, available, held, earned_at, active_from, expires_at, origin, member, wallet
         FROM loyalty_lots WHERE lot IN ($2) AND workspace = $1"
    );
    for LotRow { key, lot } in tx.fetch_all(find, args![workspace, &lots]).await? {
        let key = (memory.ledger.heir(key.0), key.1);
        memory.ledger.accounts.entry(key).or_default().recall([lot], []);
    }
    let holds: Vec<i64> =
        known.values().filter(|operation| operation.kind == Kind::Hold).map(|operation| operation.number).collect();
    if !holds.is_empty() {
        let find = sql!("SELECT * FROM loyalty_holds WHERE hold IN ($2) AND workspace = $1");
        let holds: Vec<HoldRow> = tx.fetch_all(find, args![workspace, &holds]).await?;
        for HoldRow { key, hold } in with_lots(tx, workspace, holds).await? {
            let key = (memory.ledger.heir(key.0), key.1);
            memory.ledger.accounts.entry(key).or_default().recall([], [hold]);
        }
    }
    Ok(())
}

/// Holds with the lots that their points were taken from.
async fn with_lots(
    tx: &mut impl Queries,
    workspace: WorkspaceId,
    mut holds: Vec<HoldRow>,
) -> Result<Vec<HoldRow>, Error> {
    if holds.is_empty() {
        return Ok(holds);
    }
    let numbers: Vec<i64> = holds.iter().map(|row| row.hold.operation).collect();
    let postings = postings_of(tx, workspace, &numbers).await?;
    for row in &mut holds {
        let set_aside = postings.get(&row.hold.operation).into_iter().flatten().filter(|it| it.to == Place::Held);
        row.hold.lots = set_aside.filter_map(|posting| posting.lot.map(|lot| (lot, posting.amount))).collect();
        if row.hold.lots.iter().map(|(_, amount)| amount).sum::<i64>() != row.hold.amount {
            return Err(Error::Damaged { operation: row.hold.operation, what: "a hold and its postings differ" });
        }
    }
    Ok(holds)
}
