//! What becomes of a transfer: a gift is claimed, called off or nobody claims it in time, and staff undo what was a mistake.
//!
//! Always holds: whoever settles one holds the workspace's head; the same said twice is done once.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Tx, args, sql};

use super::{
    Desk, GIFT_CANCELLED, GIFT_CLAIMED, GIFT_TIMED_OUT, Outcome, RECEIVER, REVERSED, SENDER, Transfer, expiry, find,
    member, post, read, room_in, tell, write,
};
use crate::ledger::{self, Act, MemberId, Portion, Shortage};
use crate::records::{head, members};
use crate::transfers::Refusal;
use crate::{Error, codes};

async fn locked(tx: &mut Tx, desk: Desk<'_>, transfer: &str) -> Result<Option<Transfer>, Error> {
    head::lock(tx, desk.scene.workspace).await?;
    let row = find(tx, desk.scene.workspace, transfer).await?;
    Ok(row.filter(|row| row.refused.is_none()))
}

/// An id of its own for each try: the ledger keeps what it refused, and an account that was full may have room later. What is done once is known by the row.
fn step(desk: Desk<'_>, row: &Transfer, what: &str) -> String {
    format!("{}:{what}:{:016x}", row.own_id(), desk.scene.rng.next_u64())
}

/// Gives a gift to whoever has its code; the same member may ask again.
///
/// # Errors
/// The store's, or that what it reads back does not fit together.
pub async fn claim(tx: &mut Tx, desk: Desk<'_>, text: &str, claimant: MemberId) -> Outcome {
    let Some(lookup) = codes::lookup(text).filter(|it| codes::is_sound(it)) else {
        return Ok(Err(Refusal::CodeMistyped));
    };
    let workspace = desk.scene.workspace;
    // Of many who claim at the same moment the first has it, and the others see that.
    head::lock(tx, workspace).await?;
    let Some(row) = read::by_code(tx, workspace, desk.key, &lookup).await? else {
        return Ok(Err(Refusal::CodeUnknown));
    };
    let claimant = members::now(tx, workspace, claimant).await?;
    if let Err(refusal) = is_open(&row, desk.scene.now) {
        let is_theirs = row.state == "claimed" && row.receiver() == Some(claimant);
        return Ok(if is_theirs { Ok(row) } else { Err(refusal) });
    }
    for (number, side) in [(claimant, RECEIVER), (row.sender(), SENDER)] {
        if let Err(refusal) = member(tx, workspace, number, side).await? {
            return Ok(Err(refusal));
        }
    }
    if let Some(rules) = &desk.scene.program.transfers
        && let Err(refusal) = room_in(tx, desk.scene, rules, (claimant, &row.wallet), row.points).await?
    {
        return Ok(Err(refusal));
    }
    hand_over(tx, desk, row, claimant).await
}

fn is_open(row: &Transfer, now: Timestamp) -> Result<(), Refusal> {
    match row.state.as_str() {
        "open" if row.due_at.is_some_and(|due| due <= now) => Err(Refusal::TimedOut),
        "open" => Ok(()),
        "timed_out" => Err(Refusal::TimedOut),
        "cancelled" => Err(Refusal::Cancelled),
        "claimed" => Err(Refusal::Claimed),
        _ => Err(Refusal::NotNow),
    }
}

async fn hand_over(tx: &mut Tx, desk: Desk<'_>, mut row: Transfer, to: MemberId) -> Outcome {
    let operation = step(desk, &row, "claim");
    let act = Act::HandOver { hold: row.own_id(), to, expiry: expiry(desk.scene, &row.wallet) };
    let answer = match post(tx, desk.scene, &row, operation.clone(), act).await? {
        Ok(answer) => answer,
        Err(Refusal::Ledger(ledger::Refusal::HoldTimedOut | ledger::Refusal::HoldLapsed)) => {
            return Ok(Err(Refusal::TimedOut));
        }
        // The account of whoever gave it was closed, maybe before they went on as somebody else.
        Err(Refusal::Ledger(ledger::Refusal::HoldReleased | ledger::Refusal::HoldUnknown)) => {
            return Ok(Err(Refusal::Cancelled));
        }
        Err(refusal) => return Ok(Err(refusal)),
    };
    "claimed".clone_into(&mut row.state);
    (row.receiver, row.arrived, row.operation) = (Some(to.0), answer.amount, operation);
    (row.settled_at, row.due_at) = (Some(desk.scene.now), None);
    write(tx, desk, &row).await?;
    tell(tx, desk.scene, &row, GIFT_CLAIMED).await?;
    Ok(Ok(row))
}

/// Calls a gift off that nobody has claimed; where a member asks, it must be theirs.
///
/// # Errors
/// As [`claim`].
pub async fn cancel(tx: &mut Tx, desk: Desk<'_>, transfer: &str, by: Option<MemberId>, reason: &str) -> Outcome {
    let Some(mut row) = locked(tx, desk, transfer).await? else { return Ok(Err(Refusal::Unknown)) };
    if let Some(by) = by
        && members::now(tx, desk.scene.workspace, by).await? != row.sender()
    {
        return Ok(Err(Refusal::Unknown));
    }
    if row.state == "cancelled" {
        return Ok(Ok(row));
    }
    if let Err(refusal) = is_open(&row, desk.scene.now) {
        return Ok(Err(refusal));
    }
    let id = step(desk, &row, "cancel");
    match post(tx, desk.scene, &row, id, Act::Release { hold: row.own_id() }).await? {
        Ok(_) | Err(Refusal::Ledger(ledger::Refusal::HoldReleased | ledger::Refusal::HoldUnknown)) => {}
        Err(refusal) => return Ok(Err(refusal)),
    }
    "cancelled".clone_into(&mut row.state);
    (row.settled_at, row.due_at) = (Some(desk.scene.now), None);
    if !reason.is_empty() {
        reason.clone_into(&mut row.reason);
    }
    write(tx, desk, &row).await?;
    tell(tx, desk.scene, &row, GIFT_CANCELLED).await?;
    Ok(Ok(row))
}

/// Takes back what arrived, and gives it to whoever sent it, into the lots that it came from; `shortage` says what is done with what was spent. A user of a `role` undoes none of more points than that may change
/// alone; without a role it is a program that asks, which has no such limit.
///
/// # Errors
/// As [`claim`].
pub async fn reverse(
    tx: &mut Tx,
    desk: Desk<'_>,
    transfer: &str,
    shortage: Shortage,
    (reason, role): (&str, Option<&str>),
) -> Outcome {
    let Some(mut row) = locked(tx, desk, transfer).await? else { return Ok(Err(Refusal::Unknown)) };
    match row.state.as_str() {
        "reversed" => return Ok(Ok(row)),
        "done" | "claimed" => {}
        _ => return Ok(Err(Refusal::NotNow)),
    }
    if row.receiver == Some(row.sender) {
        return Ok(Err(Refusal::Ledger(ledger::Refusal::TransferToSelf)));
    }
    let program = desk.scene.program;
    let may_not = |role: &str| row.arrived != 0 && !program.staff.may_alone(program, role, &row.wallet, row.arrived);
    if role.is_some_and(may_not) {
        return Ok(Err(Refusal::NeedsApproval));
    }
    let act = Act::Reverse { of: row.operation.clone(), portion: Portion::Rest, shortage, grace_until: None };
    let id = step(desk, &row, "reverse");
    let answer = match post(tx, desk.scene, &Transfer { reason: reason.to_owned(), ..row.clone() }, id, act).await? {
        Ok(answer) => answer,
        Err(refusal) => return Ok(Err(refusal)),
    };
    "reversed".clone_into(&mut row.state);
    (row.returned, row.settled_at) = (answer.amount, Some(desk.scene.now));
    reason.clone_into(&mut row.reason);
    write(tx, desk, &row).await?;
    tell(tx, desk.scene, &row, REVERSED).await?;
    Ok(Ok(row))
}

/// Whether the time of any gift is over.
///
/// # Errors
/// The store's.
pub async fn are_due(db: &mut impl Queries, workspace: WorkspaceId, now: Timestamp) -> rapport_store::Result<bool> {
    let due = sql!("SELECT transfer FROM loyalty_transfers WHERE workspace = $1 AND due_at <= $2 LIMIT 1");
    let due: Option<(String,)> = db.fetch_optional(due, args![workspace, now]).await?;
    Ok(due.is_some())
}

/// Ends up to `most` gifts that nobody claimed in time; their points came back by themselves at that instant. How many there were.
///
/// # Errors
/// As [`claim`].
pub async fn expire(tx: &mut Tx, desk: Desk<'_>, most: u32) -> Result<usize, Error> {
    let workspace = desk.scene.workspace;
    head::lock(tx, workspace).await?;
    let due = sql!(
        "SELECT * FROM loyalty_transfers WHERE workspace = $1 AND due_at <= $2 ORDER BY due_at, transfer LIMIT $3"
    );
    let due: Vec<Transfer> = tx.fetch_all(due, args![workspace, desk.scene.now, most]).await?;
    let count = due.len();
    for mut row in due {
        "timed_out".clone_into(&mut row.state);
        (row.settled_at, row.due_at) = (row.due_at, None);
        write(tx, desk, &row).await?;
        tell(tx, desk.scene, &row, GIFT_TIMED_OUT).await?;
    }
    Ok(count)
}
