//! What becomes of a redemption: it is paid, delivered, cannot be delivered, is called off, lapses, or its code is used.
//!
//! Always holds: whoever settles one holds the workspace's head; the same said twice is done once.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::outbox::Event;
use rapport_store::{Queries, Tx, args, sql};
use serde_json::json;

use super::taking::Back;
use super::{
    CANCELLED, FULFILLED, Outcome, Redemption, Scene, Stage, VOUCHER_USED, count, find, taking, tell_of, write,
};
use crate::Error;
use crate::ledger;
use crate::records::vouchers::Voucher;
use crate::records::{documents, gift_cards, head, members, vouchers};
use crate::rewards::{Refusal, Reward};

/// So long points can be spent again that came back because something could not be delivered, though their lot lapsed meanwhile.
const GRACE: i64 = 30 * Timestamp::DAY;
/// When it is tried again to end what could not be ended.
const PUT_OFF: i64 = Timestamp::DAY;

async fn locked(tx: &mut Tx, scene: Scene<'_>, redemption: &str) -> Result<Option<Redemption>, Error> {
    head::lock(tx, scene.workspace).await?;
    let row = find(tx, scene.workspace, redemption).await?;
    Ok(row.filter(|row| row.refused.is_none()))
}

/// The money part was paid: the points are taken, and what is not to be delivered is the member's.
///
/// # Errors
/// The store's, or that what it reads back does not fit together.
pub async fn paid(tx: &mut Tx, scene: Scene<'_>, redemption: &str) -> Outcome {
    let Some(mut row) = locked(tx, scene, redemption).await? else { return Ok(Err(Refusal::RedemptionUnknown)) };
    if row.paid_at.is_some() {
        return Ok(Ok(row));
    }
    if row.money.is_none() {
        return Ok(Err(Refusal::NotNow));
    }
    if let Err(refusal) = still_open(&row, scene.now) {
        return Ok(Err(refusal));
    }
    let reward = reward_of(tx, scene, &row).await?;
    if let Some(reward) = &reward
        && let Err(refusal) = gift_cards::could_reward(scene, reward)
    {
        return Ok(Err(refusal));
    }
    if let Err(refusal) = capture(tx, scene, &mut row).await? {
        return Ok(Err(refusal));
    }
    (row.paid_at, row.due_at) = (Some(scene.now), None);
    if row.kind == "delivered" {
        // Whoever took the money delivers or gives it back: that does not lapse by itself.
        write(tx, scene.workspace, &row);
        return Ok(Ok(row));
    }
    fulfilled(tx, scene, row).await
}

/// It was delivered; `reference` is what whoever delivers knows it by.
///
/// # Errors
/// As [`paid`].
pub async fn fulfil(tx: &mut Tx, scene: Scene<'_>, redemption: &str, reference: &str) -> Outcome {
    let Some(mut row) = locked(tx, scene, redemption).await? else { return Ok(Err(Refusal::RedemptionUnknown)) };
    if row.state == "fulfilled" && row.kind == "delivered" {
        return Ok(Ok(row));
    }
    if row.money.is_some() && row.paid_at.is_none() {
        return Ok(Err(Refusal::NotNow));
    }
    if let Err(refusal) = still_open(&row, scene.now) {
        return Ok(Err(refusal));
    }
    if let Err(refusal) = capture(tx, scene, &mut row).await? {
        return Ok(Err(refusal));
    }
    reference.clone_into(&mut row.reference);
    row.due_at = None;
    fulfilled(tx, scene, row).await
}

fn still_open(row: &Redemption, now: Timestamp) -> Result<(), Refusal> {
    match row.state.as_str() {
        "requested" if row.due_at.is_some_and(|due| due <= now) => Err(Refusal::TooLate),
        "requested" => Ok(()),
        "expired" => Err(Refusal::TooLate),
        _ => Err(Refusal::NotNow),
    }
}

async fn capture(tx: &mut Tx, scene: Scene<'_>, row: &mut Redemption) -> Result<Result<(), Refusal>, Error> {
    if row.taken != "held" {
        return Ok(Ok(()));
    }
    let step = step(scene, "capture");
    let outcome = taking::capture(tx, scene, row, &step).await?;
    if outcome == Err(Refusal::Ledger(ledger::Refusal::HoldTimedOut)) {
        return Ok(Err(Refusal::TooLate));
    }
    if outcome.is_ok() {
        row.taken = format!("captured{step}");
    }
    Ok(outcome)
}

/// An id of its own for each try: the ledger keeps what it refused, and a limit that was full then may have room later. What is done once is known by the row.
fn step(scene: Scene<'_>, what: &str) -> String {
    format!(":{what}:{:016x}", scene.rng.next_u64())
}

/// The reward as it was when it was asked for, where it is a gift card.
async fn reward_of(tx: &mut Tx, scene: Scene<'_>, row: &Redemption) -> Result<Option<Reward>, Error> {
    if row.kind != "gift_card" {
        return Ok(None);
    }
    let versions = documents::versions_of::<Reward>(tx, scene.workspace, &row.reward).await?;
    Ok(versions.into_iter().find(|it| it.version == row.version).map(|it| it.document))
}

async fn fulfilled(tx: &mut Tx, scene: Scene<'_>, mut row: Redemption) -> Outcome {
    "fulfilled".clone_into(&mut row.state);
    row.settled_at = Some(scene.now);
    let given = vouchers::given_for(tx, scene.workspace, &row.redemption).await?;
    row.due_at = given.iter().find_map(|voucher| voucher.valid_until);
    write(tx, scene.workspace, &row);
    if let Some(reward) = reward_of(tx, scene, &row).await? {
        gift_cards::give_for(tx, scene, &row, &reward).await?;
    }
    tell_of(tx, scene, &row, FULFILLED).await?;
    Ok(Ok(row))
}

/// It cannot be delivered: points, stock and room come back, and points whose lot lapsed meanwhile last another thirty days.
///
/// # Errors
/// As [`paid`].
pub async fn fail(tx: &mut Tx, scene: Scene<'_>, redemption: &str, reason: &str) -> Outcome {
    let Some(row) = locked(tx, scene, redemption).await? else { return Ok(Err(Refusal::RedemptionUnknown)) };
    match row.state.as_str() {
        "failed" => return Ok(Ok(row)),
        "requested" => {}
        _ => return Ok(Err(Refusal::NotNow)),
    }
    undo(tx, scene, row, "failed", (reason, Some(scene.now.plus(GRACE)))).await
}

/// It is called off, by the member within their time or by staff as long as no code of it was used.
///
/// # Errors
/// As [`paid`].
pub async fn cancel(tx: &mut Tx, scene: Scene<'_>, redemption: &str, by_member: bool, reason: &str) -> Outcome {
    let Some(row) = locked(tx, scene, redemption).await? else { return Ok(Err(Refusal::RedemptionUnknown)) };
    match row.state.as_str() {
        "cancelled" => return Ok(Ok(row)),
        "requested" | "fulfilled" => {}
        "used" => return Ok(Err(Refusal::CodeUsed)),
        _ => return Ok(Err(Refusal::NotNow)),
    }
    // What is not paid yet is not bought yet.
    let is_bought = row.money.is_none() || row.paid_at.is_some();
    if by_member && is_bought && row.cancel_until.is_none_or(|until| until <= scene.now) {
        return Ok(Err(Refusal::TooLate));
    }
    if vouchers::are_used(tx, scene.workspace, &row.redemption, scene.now).await? {
        return Ok(Err(Refusal::CodeUsed));
    }
    let card = match gift_cards::untouched(tx, scene, &row).await? {
        Ok(card) => card,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let outcome = undo(tx, scene, row, "cancelled", (reason, None)).await?;
    if let (Ok(row), Some(card)) = (&outcome, card) {
        gift_cards::take_back(tx, scene, &card, (reason, &row.redeemed_by)).await?;
    }
    Ok(outcome)
}

/// It is called off as long as the member has not had it: what was delivered or used stays.
///
/// # Errors
/// As [`paid`].
pub async fn withdraw(tx: &mut Tx, scene: Scene<'_>, redemption: &str) -> Outcome {
    let Some(row) = locked(tx, scene, redemption).await? else { return Ok(Err(Refusal::RedemptionUnknown)) };
    match row.stage() {
        Stage::Had => Ok(Err(Refusal::NotNow)),
        Stage::Promised | Stage::Gone => cancel(tx, scene, redemption, false, "").await,
    }
}

/// Gives back what was taken.
async fn undo(
    tx: &mut Tx,
    scene: Scene<'_>,
    mut row: Redemption,
    state: &str,
    (reason, grace_until): (&str, Option<Timestamp>),
) -> Outcome {
    let back = match row.taken.split_once(':').unwrap_or((row.taken.as_str(), "")) {
        // What was set aside has come back by itself.
        ("held", _) if state == "expired" => Some(Back::Came),
        ("held", _) => Some(Back::Release),
        ("spent", _) => Some(Back::Reverse { step: String::new(), grace_until }),
        ("captured", step) => Some(Back::Reverse { step: format!(":{step}"), grace_until }),
        _ => None,
    };
    if let Some(back) = back
        && let Err(refusal) = taking::give_back(tx, scene, &row, (&step(scene, "return"), &back)).await?
    {
        return Ok(Err(refusal));
    }
    if row.taken != "none" {
        "returned".clone_into(&mut row.taken);
    }
    vouchers::take_back(tx, scene.workspace, &row.redemption, row.state == "fulfilled").await?;
    count(tx, scene, &row, -1);
    state.clone_into(&mut row.state);
    (row.settled_at, row.due_at) = (Some(scene.now), None);
    if !reason.is_empty() {
        reason.clone_into(&mut row.reason);
    }
    write(tx, scene.workspace, &row);
    tell_of(tx, scene, &row, CANCELLED).await?;
    Ok(Ok(row))
}

/// Whether the time of any is over.
///
/// # Errors
/// The store's.
pub async fn are_due(db: &mut impl Queries, workspace: WorkspaceId, now: Timestamp) -> rapport_store::Result<bool> {
    let due = sql!("SELECT redemption FROM loyalty_redemptions WHERE workspace = $1 AND due_at <= $2 LIMIT 1");
    let due: Option<(String,)> = db.fetch_optional(due, args![workspace, now]).await?;
    Ok(due.is_some())
}

/// Ends up to `most` redemptions whose time is over; how many there were. One that cannot be ended is put off for a day, so that others come to their turn.
///
/// # Errors
/// As [`paid`].
pub async fn expire(tx: &mut Tx, scene: Scene<'_>, most: u32) -> Result<usize, Error> {
    head::lock(tx, scene.workspace).await?;
    expire_locked(tx, scene, most).await
}

/// The same for whoever holds the head.
pub(super) async fn expire_locked(tx: &mut Tx, scene: Scene<'_>, most: u32) -> Result<usize, Error> {
    let due = sql!(
        "SELECT * FROM loyalty_redemptions WHERE workspace = $1 AND due_at <= $2 ORDER BY due_at, redemption LIMIT $3"
    );
    let due: Vec<Redemption> = tx.fetch_all(due, args![scene.workspace, scene.now, most]).await?;
    let count = due.len();
    for mut row in due {
        if row.state == "requested" {
            // Points that were set aside have come back at this very instant.
            let Err(refusal) = undo(tx, scene, row.clone(), "expired", ("", None)).await? else { continue };
            tracing::warn!(
                code = refusal.code(),
                "a redemption that was not settled in time could not be ended; it is tried again in a day"
            );
            row.due_at = Some(scene.now.plus(PUT_OFF));
            write(tx, scene.workspace, &row);
            continue;
        }
        if row.state == "fulfilled" {
            "expired".clone_into(&mut row.state);
            row.settled_at = row.due_at;
        }
        row.due_at = None;
        write(tx, scene.workspace, &row);
    }
    Ok(count)
}

/// A code was used: it is told, and the redemption that it came from is over when nothing is left of it.
///
/// # Errors
/// The store's.
pub async fn used(tx: &mut Tx, scene: Scene<'_>, voucher: &Voucher) -> Result<(), Error> {
    if voucher.uses_left == Some(0) && !voucher.given_for.is_empty() {
        let end = sql!(
            "UPDATE loyalty_redemptions SET state = 'used', settled_at = $3, due_at = NULL WHERE redemption = $2 AND workspace = $1 AND state = 'fulfilled'"
        );
        tx.execute(end, args![scene.workspace, &voucher.given_for, scene.now]).await?;
    }
    let person = match voucher.holder() {
        Some(member) => members::find(tx, scene.workspace, member).await?.and_then(|it| it.person),
        None => None,
    };
    if let Some(person) = person {
        let payload = json!({
            "redemption": voucher.given_for, "member": voucher.holder.map(|it| it.to_string()), "owner_kind": voucher.owner_kind, "owner": voucher.owner,
            "uses_left": voucher.uses_left,
        });
        tx.emit(Event::new(scene.workspace, VOUCHER_USED, payload).about(person));
    }
    Ok(())
}

/// A use was given back, so that the redemption stands as before.
///
/// # Errors
/// The store's.
pub async fn reopen(tx: &mut Tx, scene: Scene<'_>, voucher: &Voucher) -> Result<(), Error> {
    let back = sql!(
        "UPDATE loyalty_redemptions SET state = 'fulfilled', due_at = $3 WHERE redemption = $2 AND workspace = $1 AND state = 'used'"
    );
    tx.execute(back, args![scene.workspace, &voucher.given_for, voucher.valid_until]).await?;
    Ok(())
}
