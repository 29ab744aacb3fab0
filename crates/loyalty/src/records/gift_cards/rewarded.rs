//! Gift cards that rewards are: issued in the step in which a redemption becomes the member's, and taken back with it as long as nothing was done with them.
//!
//! Always holds: a redemption has one card, whoever asks how often; the card has no code until somebody is told one, so that none is made that nobody saw.
//!
//! Does not: say who may have the reward; [`redemptions`](super::super::redemptions) does.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Tx, args, sql};

use super::super::head;
use super::super::redemptions::{Redemption, Scene};
use super::{Card, Issue, balance, by_id, fingerprint, issue_one, staff};
use crate::Error;
use crate::dates::Expiry;
use crate::gift_cards::CodeKey;
use crate::ledger;
use crate::program::WalletPlan;
use crate::rewards::{Gives, Refusal, Reward};

/// Under which id the card of a redemption is issued.
fn id_of(redemption: &str) -> String {
    format!("redemption:{redemption}")
}

/// What the card is that a reward gives.
struct Meant<'a> {
    wallet: &'a WalletPlan,
    amount: i64,
    expires_at: Option<Timestamp>,
}

/// The card that a reward is now; none, if it is something else.
fn meant<'a>(scene: Scene<'a>, reward: &Reward) -> Option<Result<Meant<'a>, ledger::Refusal>> {
    let Gives::GiftCard { wallet, amount } = &reward.gives else { return None };
    let Some(plan) = scene.program.gift_card_wallet(wallet.as_deref()) else {
        return Some(Err(ledger::Refusal::WalletUnknown));
    };
    let until = if reward.valid == Expiry::Never { &plan.expiry } else { &reward.valid };
    let expires_at = until.end(scene.now, &scene.calendar.zone);
    if *amount > plan.amount_max {
        return Some(Err(ledger::Refusal::AmountTooLarge));
    }
    if plan.balance_max.is_some_and(|most| *amount > most) {
        return Some(Err(ledger::Refusal::BalanceLimit));
    }
    if expires_at.is_some_and(|end| end <= scene.now) {
        return Some(Err(ledger::Refusal::EndsTooEarly));
    }
    Some(Ok(Meant { wallet: plan, amount: *amount, expires_at }))
}

/// Whether the card that a reward is can be issued now; asked before points are taken, since the ledger keeps what it refuses.
pub(in crate::records) fn fits(scene: Scene<'_>, reward: &Reward) -> Result<(), Refusal> {
    match meant(scene, reward) {
        Some(Err(refusal)) => Err(Refusal::Ledger(refusal)),
        Some(Ok(_)) | None => Ok(()),
    }
}

/// Issues the card of a redemption, where the reward is one. Whoever calls holds the head, and asked [`fits`].
pub(in crate::records) async fn give(
    tx: &mut Tx,
    scene: Scene<'_>,
    row: &Redemption,
    reward: &Reward,
) -> Result<(), Error> {
    let id = id_of(&row.redemption);
    let Some(Ok(meant)) = meant(scene, reward) else { return Ok(()) };
    if !by_id(tx, scene.workspace, &id).await?.is_empty() {
        return Ok(());
    }
    let asked = Issue {
        id: &id,
        count: 1,
        wallet: meant.wallet,
        amount: meant.amount,
        expires_at: meant.expires_at,
        reference: &row.redemption,
        reason: "",
        bought_by: Some(row.member()),
        by: &row.redeemed_by,
    };
    let print = fingerprint((&meant.wallet.key, meant.amount, &row.redemption));
    let issued = issue_one(tx, scene, None, (asked, Some(row.member()), print), 1).await?;
    // What may be refused was asked before; so the whole step is given up.
    let what = "a gift card that could be issued was refused";
    issued.map(drop).map_err(|_| Error::Damaged { operation: 0, what })
}

/// The card of a redemption, once it is the member's.
///
/// # Errors
/// The store's.
pub async fn for_redemption(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    redemption: &str,
) -> rapport_store::Result<Option<Card>> {
    Ok(by_id(db, workspace, &id_of(redemption)).await?.into_iter().next())
}

/// Makes the first code of a redemption's card, and tells it; nothing where there is no such card, or a code was told before.
///
/// # Errors
/// The store's.
pub async fn first_code(
    tx: &mut Tx,
    scene: Scene<'_>,
    key: CodeKey,
    redemption: &str,
) -> Result<Option<String>, Error> {
    head::lock(tx, scene.workspace).await?;
    let found = for_redemption(tx, scene.workspace, redemption).await?;
    let Some(card) = found.filter(|card| card.tail.is_empty()) else { return Ok(None) };
    let made = staff::replace(tx, scene, key, &card.card).await?;
    Ok(made.ok().map(|(_, code)| code))
}

/// The card that goes back with a redemption that is called off, or that something was done with it.
pub(in crate::records) async fn untouched(
    tx: &mut Tx,
    scene: Scene<'_>,
    row: &Redemption,
) -> Result<Result<Option<Card>, Refusal>, Error> {
    let Some(card) = for_redemption(tx, scene.workspace, &row.redemption).await? else { return Ok(Ok(None)) };
    let used = sql!(
        "SELECT id FROM loyalty_gift_card_moves WHERE card = $2 AND workspace = $1 AND refused IS NULL
             AND (kind IN ('claim', 'top_up') OR (kind = 'spend' AND returned < amount)) LIMIT 1"
    );
    let used: Option<(String,)> = tx.fetch_optional(used, args![scene.workspace, &card.card]).await?;
    if used.is_some() {
        return Ok(Err(Refusal::GiftCardUsed));
    }
    if card.state == "void" {
        return Ok(Ok(None));
    }
    let has = balance(tx, scene.workspace, &card, scene.now).await?.available;
    Ok(if has == card.amount { Ok(Some(card)) } else { Err(Refusal::GiftCardUsed) })
}

/// Takes back what [`untouched`] found.
pub(in crate::records) async fn take_back(
    tx: &mut Tx,
    scene: Scene<'_>,
    card: &Card,
    (reason, by): (&str, &str),
) -> Result<(), Error> {
    let gone = staff::void(tx, scene, &card.card, (reason, by), None).await?;
    let what = "a gift card on which all was left could not be taken back";
    gone.map(drop).map_err(|_| Error::Damaged { operation: 0, what })
}

/// Gives the card of a redemption a new code, and tells it; one that was told before does not count any more.
///
/// # Errors
/// The store's.
pub async fn another_code(
    tx: &mut Tx,
    scene: Scene<'_>,
    key: CodeKey,
    redemption: &str,
) -> super::Outcome<(Card, String)> {
    head::lock(tx, scene.workspace).await?;
    let Some(card) = for_redemption(tx, scene.workspace, redemption).await? else {
        return Ok(Err(super::Refusal::Unknown));
    };
    staff::replace(tx, scene, key, &card.card).await
}
