//! Value that is added to a card that there is: a top-up.
//!
//! Always holds: what is added ends with the card; a till adds no more at once than the wallet lets tills add, and a user no more than their role may give alone; the same id with the same words is the same top-up, also one that was refused.
//!
//! Does not: take the money for it.

use rapport_domain::money::Currency;
use rapport_store::Tx;

use super::super::head;
use super::super::redemptions::Scene;
use super::{
    Asked, Card, MALFORMED, Move, Outcome, Refusal, TOPPED_UP, alone, find, fingerprint, finish, is_readable, known,
    posted, rows, sound,
};
use crate::gift_cards::CodeKey;
use crate::ledger::{self, Act};

/// Which card something is added to.
#[derive(Clone, Copy, Debug)]
pub enum Which<'a> {
    /// By its code, as it was typed or scanned.
    Code(CodeKey, &'a str),
    /// By its own id.
    Card(&'a str),
}

/// How much is to be added.
#[derive(Clone, Copy, Debug)]
pub struct Added<'a> {
    /// How much.
    pub amount: i64,
    /// In which currency whoever asks counts; in none, if in points.
    pub currency: Option<Currency>,
    /// Whether only a till asks, which adds as much at once as the wallet lets tills.
    pub is_till: bool,
    /// The role of the user who asks, who adds no more at once than it may give alone; none of a program or a till.
    pub role: Option<&'a str>,
}

/// Adds value to a card, whole or not at all.
///
/// # Errors
/// The store's, or that what it reads back does not fit together.
pub async fn top_up(
    tx: &mut Tx,
    scene: Scene<'_>,
    which: Which<'_>,
    added: Added<'_>,
    asked: Asked<'_>,
) -> Outcome<(Card, Move)> {
    if !is_readable(&[asked.id, asked.reference]) {
        return Ok(Err(MALFORMED));
    }
    let digest = match which {
        Which::Code(key, code) => match key.read(code) {
            Ok(digest) => Some(digest),
            Err(refusal) => return Ok(Err(refusal)),
        },
        Which::Card(_) => None,
    };
    head::lock(tx, scene.workspace).await?;
    let named = if let Which::Card(card) = which { card } else { "" };
    let currency = added.currency.as_ref().map(Currency::as_str);
    let print = fingerprint(("top_up", digest, named, added.amount, currency, asked.reference));
    if let Some(earlier) = rows::move_by_id(tx, scene.workspace, asked.id).await? {
        return known(tx, scene, earlier, print).await;
    }
    let found = match digest {
        Some(digest) => rows::by_digest(tx, scene.workspace, &digest).await?,
        None => find(tx, scene.workspace, named).await?.ok_or(Refusal::Unknown),
    };
    let mut card = match found {
        Ok(card) => card,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Err(refusal) = fits(scene, &card, added) {
        return Ok(Err(refusal));
    }
    let mut row = Move::asked(scene, &card, ("top_up", print), asked);
    row.amount = added.amount;
    let outcome = match card.state.as_str() {
        "void" => Err(Refusal::Void),
        "claimed" => Err(Refusal::Claimed),
        _ if card.expires_at.is_some_and(|end| end <= scene.now) => Err(Refusal::Expired),
        _ => {
            let act =
                Act::Earn { amount: added.amount, earned_at: None, active_from: None, expires_at: card.expires_at };
            let step = (row.id_in_ledger(), card.house(), act);
            posted(tx, scene, &card, (asked.by, asked.reference), vec![step]).await?
        }
    };
    if outcome.is_ok() {
        card.amount += added.amount;
        card.write(tx, scene.workspace).await?;
    }
    finish(tx, scene, (card, row), (TOPPED_UP, outcome)).await
}

/// Refuses what can be corrected, whatever the card has.
fn fits(scene: Scene<'_>, card: &Card, added: Added<'_>) -> Result<(), Refusal> {
    let plan = scene.program.wallet(&card.wallet);
    let most = plan.map_or(0, |it| it.amount_max);
    sound(added.amount, most)?;
    if added.currency != card.currency(scene.program) {
        return Err(Refusal::OtherCurrency);
    }
    alone(scene, added.role, &card.wallet, added.amount)?;
    match plan.and_then(|it| it.till_top_up_max).filter(|_| added.is_till) {
        _ if !added.is_till => Ok(()),
        None => Err(Refusal::TopUpOff),
        Some(most) if added.amount > most => Err(Refusal::Ledger(ledger::Refusal::AmountTooLarge)),
        Some(_) => Ok(()),
    }
}
