//! Writing a batch down: operations and postings are added; lots, holds and balances get their new state; the chain is moved on; domain events say what
//! happened.

use std::collections::BTreeSet;

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::outbox::Event;
use rapport_store::{Args, Tx, Writes, args, sql};
use serde_json::json;

use super::head::{self, Head};
use super::{Memory, Written, flows, open_lots, trail};
use crate::Error;
use crate::ledger::{Account, AccountKey, Chain, Done, Hold, Kind, Lot, LotId, MemberId, Operation, Terms, checksum};

/// Writes down what was done, if anything was.
pub(super) fn done(tx: &mut Tx, memory: &mut Memory, workspace: WorkspaceId, head: Head) -> Result<(), Error> {
    let done = memory.ledger.take();
    if done.operations.is_empty() {
        return Ok(());
    }
    let head = moved_on(memory, &done, head);
    head::save(tx.writes(), workspace, &head);
    all(tx.writes(), memory, workspace, &done, &head)
}

/// What is to be written when the head still stands where it did.
pub(super) fn done_from(memory: &mut Memory, workspace: WorkspaceId, was: &Head) -> Result<Writes, Error> {
    let done = memory.ledger.take();
    let head = moved_on(memory, &done, was.clone());
    let mut writes = Writes::default();
    head::save_from(&mut writes, workspace, was, &head);
    all(&mut writes, memory, workspace, &done, &head)?;
    Ok(writes)
}

/// Where the ledger ends after it.
fn moved_on(memory: &mut Memory, done: &Done, mut head: Head) -> Head {
    if !done.operations.is_empty() {
        head.chain = Chain(head.chain).with(&done.operations).0;
        (head.operations, head.postings) = (memory.ledger.operations, memory.ledger.postings);
        head.recorded_at = memory.ledger.recorded_at;
    }
    memory.sure.ends_at(head.clone());
    head
}

fn all(
    writes: &mut Writes,
    memory: &mut Memory,
    workspace: WorkspaceId,
    done: &Done,
    head: &Head,
) -> Result<(), Error> {
    operations(writes, workspace, done, head);
    lots(writes, memory, workspace, done);
    holds(writes, memory, workspace, done);
    balances(writes, memory, workspace, done, head)?;
    flows::note(writes, workspace, &done.operations);
    for operation in done.operations.iter().filter(|operation| operation.refused.is_none()) {
        writes.emit(event(workspace, operation));
        for member in others(operation).into_iter().filter(|member| memory.people.contains(member)) {
            writes.emit(received(workspace, operation, member));
        }
    }
    Ok(())
}

fn operations(writes: &mut Writes, workspace: WorkspaceId, done: &Done, head: &Head) {
    let insert = sql!(
        "INSERT INTO loyalty_operations (workspace, operation, id, kind, wallet, member, amount, short, refused, reference, reversed, fingerprint,
             pending, available, held, owed, effective_at, recorded_at, checksum, chain, terms, source_kind, source_reference, source_by, source_reason)
         VALUES {rows}"
    );
    writes.execute_later(insert, done.operations.iter().map(|operation| operation_row(workspace, operation, head)));
    let insert = sql!(
        "INSERT INTO loyalty_postings (workspace, posting, operation, member, wallet, from_place, to_place, amount, lot, effective_at) VALUES {rows}"
    );
    let postings = done.operations.iter().flat_map(|operation| {
        operation.postings.iter().map(move |posting| {
            let (from, to) = (posting.from.key(), posting.to.key());
            let lot = posting.lot.map(|lot| lot.0);
            let (member, wallet) = (posting.member.0, posting.wallet.0);
            args![
                workspace,
                posting.number,
                operation.number,
                member,
                wallet,
                from,
                to,
                posting.amount,
                lot,
                posting.effective_at
            ]
        })
    });
    writes.execute_later(insert, postings);
    let note = sql!(
        "WITH v (workspace, operation, reversed) AS (VALUES {rows})
         UPDATE loyalty_operations SET reversed = v.reversed FROM v
         WHERE loyalty_operations.operation = v.operation AND loyalty_operations.workspace = v.workspace"
    );
    writes
        .execute_later(note, done.reversed.iter().map(|(operation, reversed)| args![workspace, *operation, *reversed]));
}

/// The last one of a batch carries the chain's end.
fn operation_row(workspace: WorkspaceId, operation: &Operation, head: &Head) -> Args {
    let Operation { number, id, wallet, member, amount, short, reference, reversed, after, source, .. } = operation;
    args![
        workspace,
        *number,
        id,
        operation.kind.key(),
        wallet.0,
        member.0,
        *amount,
        *short,
        operation.refused.map(crate::ledger::Refusal::code),
        *reference,
        *reversed,
        operation.fingerprint,
        after.pending,
        after.available,
        after.held,
        after.owed,
        operation.effective_at,
        operation.recorded_at,
        checksum(operation),
        (*number == head.operations).then(|| head.chain.to_vec()),
        operation.terms.as_ref().map(Terms::text),
        &source.kind,
        &source.reference,
        &source.by,
        &source.reason,
    ]
}

fn lots(writes: &mut Writes, memory: &Memory, workspace: WorkspaceId, done: &Done) {
    let save = sql!(
        "INSERT INTO loyalty_lots (workspace, lot, member, wallet, operation, amount, pending, available, held, earned_at, active_from, expires_at, origin)
         VALUES {rows}
         ON CONFLICT (lot, workspace) DO UPDATE SET member = EXCLUDED.member, pending = EXCLUDED.pending, available = EXCLUDED.available, held = EXCLUDED.held,
             expires_at = EXCLUDED.expires_at"
    );
    let row = |(key, id): &(AccountKey, LotId)| {
        let lot = memory.ledger.accounts.get(key)?.lot(*id)?;
        Some(lot_row(workspace, key, lot))
    };
    writes.execute_later(save, done.lots.iter().filter_map(row));
}

fn lot_row(workspace: WorkspaceId, key: &AccountKey, lot: &Lot) -> Args {
    args![
        workspace,
        lot.id.0,
        key.0.0,
        key.1.0,
        lot.operation,
        lot.amount,
        lot.pending,
        lot.available,
        lot.held,
        lot.earned_at,
        lot.active_from,
        lot.expires_at,
        lot.origin.map(|origin| origin.0),
    ]
}

fn holds(writes: &mut Writes, memory: &Memory, workspace: WorkspaceId, done: &Done) {
    let save = sql!(
        "INSERT INTO loyalty_holds (workspace, hold, member, wallet, amount, until, state) VALUES {rows}
         ON CONFLICT (hold, workspace) DO UPDATE SET member = EXCLUDED.member, state = EXCLUDED.state"
    );
    let row = |(key, operation): &(AccountKey, i64)| {
        let hold: &Hold = memory.ledger.accounts.get(key)?.hold(*operation)?;
        Some(args![workspace, *operation, key.0.0, key.1.0, hold.amount, hold.until, hold.state.key()])
    };
    writes.execute_later(save, done.holds.iter().filter_map(row));
}

/// Balances in two ways: where nothing falls due earlier than was known, the index by what is due is not touched.
fn balances(
    writes: &mut Writes,
    memory: &mut Memory,
    workspace: WorkspaceId,
    done: &Done,
    head: &Head,
) -> Result<(), Error> {
    let save = sql!(
        "INSERT INTO loyalty_balances (workspace, member, wallet, pending, available, held, owed, due_at, operation, active_at, trail, opened) VALUES {rows}
         ON CONFLICT (member, wallet, workspace) DO UPDATE SET pending = EXCLUDED.pending, available = EXCLUDED.available, held = EXCLUDED.held,
             owed = EXCLUDED.owed, due_at = EXCLUDED.due_at, operation = EXCLUDED.operation, active_at = EXCLUDED.active_at, trail = EXCLUDED.trail,
             opened = EXCLUDED.opened"
    );
    let save_parts = sql!(
        "INSERT INTO loyalty_balances (workspace, member, wallet, pending, available, held, owed, due_at, operation, active_at, trail, opened) VALUES {rows}
         ON CONFLICT (member, wallet, workspace) DO UPDATE SET pending = EXCLUDED.pending, available = EXCLUDED.available, held = EXCLUDED.held,
             owed = EXCLUDED.owed, operation = EXCLUDED.operation, active_at = EXCLUDED.active_at, trail = EXCLUDED.trail,
             opened = EXCLUDED.opened"
    );
    let save_trail =
        sql!("INSERT INTO loyalty_trails (workspace, member, wallet, first, last, operations) VALUES {rows}");
    let add_lots = sql!("INSERT INTO loyalty_open_lots (workspace, member, wallet, lot) VALUES {rows}");
    let drop_lots = sql!(
        "WITH v (workspace, member, wallet, lot) AS (VALUES {rows})
         DELETE FROM loyalty_open_lots WHERE (member, wallet, lot, workspace) IN (SELECT member, wallet, lot, workspace FROM v)"
    );
    let moved = trail::of(&done.operations);
    // Lots that change hands leave nothing behind.
    let at_once = done.operations.iter().any(|operation| operation.kind == Kind::Merge);
    let (mut whole, mut parts, mut trails) = (Vec::new(), Vec::new(), Vec::new());
    let (mut added, mut gone) = (Vec::new(), Vec::new());
    for key in &done.accounts {
        let Some(account) = memory.ledger.accounts.get_mut(key) else { continue };
        if let Some(what) = account.fault() {
            return Err(Error::Damaged { operation: head.operations, what });
        }
        let (was_due_at, mut trail, mut listed) = match memory.written.remove(key) {
            Some(stored) => (Some(stored.due_at), stored.trail, stored.listed),
            None => Default::default(),
        };
        let due_at = due_at(was_due_at.flatten(), account.next_due(), head.recorded_at);
        for (first, last, operations) in trail.add(moved.get(key).map_or(&[], Vec::as_slice))? {
            trails.push(args![workspace, key.0.0, key.1.0, first, last, operations]);
        }
        let lots = open_lots::change(account, &mut listed, at_once);
        added.extend(lots.added.iter().map(|lot| args![workspace, key.0.0, key.1.0, lot.0]));
        gone.extend(lots.gone.iter().map(|lot| args![workspace, key.0.0, key.1.0, lot.0]));
        let balance = account.balance();
        let row = args![
            workspace,
            key.0.0,
            key.1.0,
            balance.pending,
            balance.available,
            balance.held,
            balance.owed,
            due_at,
            head.operations,
            account.active_at(),
            &trail.0,
            lots.opened
        ];
        if was_due_at == Some(due_at) {
            parts.push(row)
        } else {
            whole.push(row)
        }
        account.forget_empty();
        memory.written.insert(*key, Written { operation: head.operations, due_at, trail, listed });
    }
    writes.execute_later(save, whole);
    writes.execute_later(save_parts, parts);
    writes.execute_later(save_trail, trails);
    // A lot that changes hands goes before it comes.
    writes.execute_later(drop_lots, gone);
    writes.execute_later(add_lots, added);
    Ok(())
}

/// The instant that is kept: nothing falls due before it. It stays where it is while that holds, and is exact again once it has passed.
fn due_at(stored: Option<Timestamp>, next: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    match stored {
        Some(at) if at > now => Some(next.map_or(at, |next| next.min(at))),
        _ => next,
    }
}

/// Makes the instants exact of accounts that were looked at in vain: nothing was due in them any more. So nobody looks at them again before something is, be
/// it that what would have lapsed was spent, or that the number was merged into another member's.
pub(super) fn looked_at(tx: &mut Tx, memory: &mut Memory, workspace: WorkspaceId, keys: &[AccountKey], now: Timestamp) {
    let save = sql!(
        "WITH v (workspace, member, wallet, due_at) AS (VALUES {rows})
         UPDATE loyalty_balances SET due_at = v.due_at FROM v
         WHERE loyalty_balances.member = v.member AND loyalty_balances.wallet = v.wallet AND loyalty_balances.workspace = v.workspace"
    );
    let mut rows = Vec::new();
    for key in keys {
        let next = memory.ledger.accounts.get(key).and_then(Account::next_due);
        match memory.written.get_mut(key) {
            Some(stored) if stored.due_at.is_none_or(|at| at > now) => continue,
            Some(stored) => stored.due_at = next,
            None => {}
        }
        rows.push(args![workspace, key.0.0, key.1.0, next]);
    }
    tx.execute_later(save, rows);
}

/// Who else's points moved by it: whoever was given some, or has to give them back.
fn others(operation: &Operation) -> BTreeSet<MemberId> {
    operation.postings.iter().map(|posting| posting.member).filter(|member| *member != operation.member).collect()
}

/// What is told of them.
fn received(workspace: WorkspaceId, operation: &Operation, member: MemberId) -> Event {
    let payload = json!({
        "operation": operation.number,
        "member": member.0.to_string(),
        "wallet": operation.wallet.0,
        "amount": operation.amount,
        "at": operation.recorded_at.to_rfc3339(),
    });
    let name = if operation.kind == Kind::Transfer { RECEIVED } else { name(operation.kind) };
    Event::new(workspace, name, payload)
}

/// The domain event of points that somebody else gave.
const RECEIVED: &str = "points.received";

/// What other parts of the program hear of it. It says the member's number and not who that is, so that erasing somebody need not look for it
/// (`members::name_people`).
fn event(workspace: WorkspaceId, operation: &Operation) -> Event {
    let payload = json!({
        "operation": operation.number,
        "member": operation.member.0.to_string(),
        "wallet": operation.wallet.0,
        "amount": operation.amount,
        "available": operation.after.available,
        "at": operation.recorded_at.to_rfc3339(),
    });
    Event::new(workspace, name(operation.kind), payload)
}

/// What the domain event of an operation is called.
const fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Earn => "points.earned",
        Kind::Spend => "points.spent",
        Kind::Hold => "points.held",
        Kind::Capture => "points.captured",
        Kind::Release => "points.released",
        Kind::Adjust => "points.adjusted",
        Kind::Transfer => "points.transferred",
        Kind::Reverse => "points.reversed",
        Kind::Extend => "points.extended",
        Kind::Forfeit => "points.forfeited",
        Kind::Merge => "points.merged",
        Kind::Activate => "points.activated",
        Kind::TimeOut => "points.returned",
        Kind::Expire => "points.expired",
    }
}
