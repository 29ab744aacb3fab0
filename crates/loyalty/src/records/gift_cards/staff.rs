//! What staff do with a card: give it a new code, take it back.

use rapport_store::Tx;

use super::super::head;
use super::super::redemptions::Scene;
use super::{Card, Outcome, Refusal, VOIDED, alone, balance, find, in_parts, posted, rows, tell};
use crate::gift_cards::CodeKey;
use crate::ledger::Act;

async fn open(tx: &mut Tx, scene: Scene<'_>, card: &str) -> Outcome<Card> {
    head::lock(tx, scene.workspace).await?;
    Ok(match find(tx, scene.workspace, card).await? {
        None => Err(Refusal::Unknown),
        Some(card) if card.state == "void" => Err(Refusal::Void),
        Some(card) if card.state == "claimed" => Err(Refusal::Claimed),
        Some(card) => Ok(card),
    })
}

/// Gives a card a new code, because the old one was lost; that one does not count from now on.
///
/// # Errors
/// The store's.
pub async fn replace(tx: &mut Tx, scene: Scene<'_>, key: CodeKey, card: &str) -> Outcome<(Card, String)> {
    let mut card = match open(tx, scene, card).await? {
        Ok(card) => card,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let code = key.make(scene.rng);
    rows::void_codes(tx, scene.workspace, &card.card, scene.now).await?;
    rows::add_code(tx, scene.workspace, &code.digest, &card.card, scene.now).await?;
    card.tail = code.tail;
    card.write(tx, scene.workspace).await?;
    Ok(Ok((card, code.shown)))
}

/// Takes a card back with all that is left on it; a user of a `role` no more than that may take alone. Done twice it is done once.
///
/// # Errors
/// The store's, or that what it reads back does not fit together.
pub async fn void(
    tx: &mut Tx,
    scene: Scene<'_>,
    card: &str,
    (reason, by): (&str, &str),
    role: Option<&str>,
) -> Outcome<Card> {
    let mut card = match open(tx, scene, card).await? {
        Ok(card) => card,
        Err(Refusal::Void) => return Ok(find(tx, scene.workspace, card).await?.ok_or(Refusal::Unknown)),
        Err(refusal) => return Ok(Err(refusal)),
    };
    let left = balance(tx, scene.workspace, &card, scene.now).await?.available;
    if let Err(refusal) = alone(scene, role, &card.wallet, left) {
        return Ok(Err(refusal));
    }
    if left > 0 {
        let act = |amount: i64| Act::Adjust { amount: -amount, expires_at: None, into_arrears: false };
        let steps = in_parts(scene, &card, (&format!("{}:void", card.card), left), act);
        if let Err(refusal) = posted(tx, scene, &card, (by, reason), steps).await? {
            return Ok(Err(refusal));
        }
    }
    "void".clone_into(&mut card.state);
    card.settled_at = Some(scene.now);
    reason.clone_into(&mut card.void_reason);
    card.write(tx, scene.workspace).await?;
    tell(tx, scene, VOIDED, &card, left).await?;
    Ok(Ok(card))
}
