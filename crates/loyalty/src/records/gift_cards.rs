//! Gift cards: issued, topped up, spent in parts, given back, taken into a member's wallet.
//!
//! Always holds: whoever does anything with a card holds the workspace's head from the first look to the last write; the value of a card is what its own account in the ledger has, so that
//! nobody spends it twice and all cards together are what the books owe; the same id with the same words is the same act, also one that was refused.
//!
//! Does not: keep a code, or move money outside the programme.

mod adding;
mod rewarded;
mod rows;
mod staff;
mod sums;

use std::collections::BTreeMap;

use rapport_domain::Timestamp;
use rapport_domain::money::Currency;
use rapport_store::Tx;
use rapport_store::outbox::Event;
use serde::Serialize;
use serde_json::json;

pub use adding::{Added, Which, top_up};
pub use rewarded::{another_code, first_code, for_redemption};
pub(super) use rewarded::{fits as could_reward, give as give_for, take_back, untouched};
pub use rows::{Card, Move, by_code, by_id, by_tail, find, list, moves, of_members};
pub(super) use rows::{forget, merge};
pub use staff::{replace, void};
pub use sums::{Outstanding, outstanding};

use super::redemptions::Scene;
use super::{Memory, head, houses, members, read, wallets};
use crate::Error;
use crate::gift_cards::{CodeKey, NewCode, Refusal};
use crate::ledger::{self, Act, Answer, Balance, Command, Expiry, MemberId, Portion, REFERENCE_MAX, Shortage, Source};
use crate::program::WalletPlan;

/// The domain events of a card that was issued, topped up, spent from, given back to, taken into a wallet, and taken back.
pub const ISSUED: &str = "gift_card.issued";
/// See [`ISSUED`].
pub const TOPPED_UP: &str = "gift_card.topped_up";
/// See [`ISSUED`].
pub const SPENT: &str = "gift_card.spent";
/// See [`ISSUED`].
pub const REFUNDED: &str = "gift_card.refunded";
/// See [`ISSUED`].
pub const CLAIMED: &str = "gift_card.claimed";
/// See [`ISSUED`].
pub const VOIDED: &str = "gift_card.voided";

/// What the ids of the ledger's operations begin with that are made here.
pub const OWN_IDS: &str = "gift_card:";
/// What kind of house account a card's is.
const HOUSE: &str = "gift_card";
/// What comes back to a card whose time is over can be spent for so long.
const GRACE: i64 = 30 * Timestamp::DAY;

/// In so many steps all of a card is taken at most; beyond that the wallet lets move too little at once.
const PARTS_MAX: i64 = 100;

/// What came of it; the store's errors apart.
pub type Outcome<T> = Result<Result<T, Refusal>, Error>;

/// Cards to be issued.
#[derive(Clone, Copy, Debug)]
pub struct Issue<'a> {
    /// Whoever asks names it, so that it is done once. No personal data.
    pub id: &'a str,
    /// How many, alike.
    pub count: u16,
    /// The wallet whose money or points it is.
    pub wallet: &'a WalletPlan,
    /// How much each, in the smallest units of the currency, or in points.
    pub amount: i64,
    /// When their time is over, if that is not when the wallet says.
    pub expires_at: Option<Timestamp>,
    /// What they were sold or given for: a line of an order. No personal data.
    pub reference: &'a str,
    /// Why, in a few words.
    pub reason: &'a str,
    /// The member who bought them.
    pub bought_by: Option<MemberId>,
    /// Who asks.
    pub by: &'a str,
}

/// How much is to be spent.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// How much.
    pub amount: i64,
    /// Whether as much of it as there is will do.
    pub is_part: bool,
    /// In which currency whoever asks counts; in none, if in points.
    pub currency: Option<Currency>,
}

/// Something to be done with a card.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Whoever asks names it, so that it is done once. No personal data.
    pub id: &'a str,
    /// For what: an order's number.
    pub reference: &'a str,
    /// Who asks.
    pub by: &'a str,
}

fn fingerprint(content: impl Serialize) -> [u8; 16] {
    let content = serde_json::to_vec(&content).expect("plain values become JSON");
    blake3::hash(&content).as_bytes()[..16].try_into().expect("a hash has 32 bytes")
}

fn is_readable(texts: &[&str]) -> bool {
    let is_short = |text: &&str| text.len() <= REFERENCE_MAX && !text.contains('\0');
    texts.first().is_some_and(|id| !id.is_empty()) && texts.iter().all(is_short)
}

const MALFORMED: Refusal = Refusal::Ledger(ledger::Refusal::IdMalformed);

/// Refuses nothing, less than nothing, and more than a wallet takes.
fn sound(amount: i64, most: i64) -> Result<(), Refusal> {
    Err(Refusal::Ledger(match amount {
        0 => ledger::Refusal::AmountZero,
        ..0 => ledger::Refusal::AmountNegative,
        _ if amount > most => ledger::Refusal::AmountTooLarge,
        _ => return Ok(()),
    }))
}

/// Refuses users more of a wallet than their role may give or take alone; without a role it is a program that asks, or a till, which have no such limit.
fn alone(scene: Scene<'_>, role: Option<&str>, wallet: &str, amount: i64) -> Result<(), Refusal> {
    let program = scene.program;
    let may = |role: &str| amount == 0 || program.staff.may_alone(program, role, wallet, amount);
    if role.is_none_or(may) { Ok(()) } else { Err(Refusal::NeedsApproval) }
}

/// Issues cards, all or none; each with its code, which is told this once: who asks again learns that they were issued.
///
/// # Errors
/// The store's, or that what it reads back does not fit together.
pub async fn issue(
    tx: &mut Tx,
    scene: Scene<'_>,
    key: CodeKey,
    asked: Issue<'_>,
) -> Outcome<Vec<(Card, Option<String>)>> {
    if !is_readable(&[asked.id, asked.reference, asked.reason]) {
        return Ok(Err(MALFORMED));
    }
    head::lock(tx, scene.workspace).await?;
    let bought_by = match asked.bought_by {
        None => None,
        Some(member) => Some(members::now(tx, scene.workspace, member).await?),
    };
    let what = (&asked.wallet.key, asked.amount, asked.count, asked.expires_at.map(|at| at.0));
    let print = fingerprint((what, asked.reference, asked.reason, asked.bought_by.map(|it| it.0)));
    let earlier = by_id(tx, scene.workspace, asked.id).await?;
    if let Some(first) = earlier.first() {
        let is_same = first.fingerprint == print;
        let told = || earlier.into_iter().map(|card| (card, None)).collect();
        return Ok(if is_same { Ok(told()) } else { Err(Refusal::IdReused) });
    }
    if let Some(member) = bought_by
        && members::find(tx, scene.workspace, member).await?.is_none()
    {
        return Ok(Err(Refusal::MemberUnknown));
    }
    if let Err(refusal) = sound(asked.amount, asked.wallet.amount_max) {
        return Ok(Err(refusal));
    }
    if asked.expires_at.is_some_and(|end| end <= scene.now) {
        return Ok(Err(Refusal::Ledger(ledger::Refusal::EndsTooEarly)));
    }
    let mut issued = Vec::new();
    for number in 1..=asked.count {
        let code = key.make(scene.rng);
        let shown = code.shown.clone();
        match issue_one(tx, scene, Some(code), (asked, bought_by, print), number).await? {
            Ok(card) => issued.push((card, Some(shown))),
            Err(refusal) => return Ok(Err(refusal)),
        }
    }
    Ok(Ok(issued))
}

/// One card; without a code, if nobody is told one yet.
async fn issue_one(
    tx: &mut Tx,
    scene: Scene<'_>,
    code: Option<NewCode>,
    (asked, bought_by, print): (Issue<'_>, Option<MemberId>, [u8; 16]),
    number: u16,
) -> Outcome<Card> {
    let expires_at = asked.expires_at.or_else(|| asked.wallet.expiry.end(scene.now, &scene.calendar.zone));
    let name = format!("gft_{:016x}{:016x}", scene.rng.next_u64(), scene.rng.next_u64());
    let house = houses::open(tx, scene.workspace, (HOUSE, &name), scene.now, scene.rng).await?;
    let card = Card {
        card: name,
        id: asked.id.to_owned(),
        number: i64::from(number),
        fingerprint: print,
        house: house.0,
        wallet: asked.wallet.key.clone(),
        amount: asked.amount,
        state: "live".to_owned(),
        tail: code.as_ref().map(|code| code.tail.clone()).unwrap_or_default(),
        reference: asked.reference.to_owned(),
        reason: asked.reason.to_owned(),
        bought_by: bought_by.map(|it| it.0),
        issued_at: scene.now,
        issued_by: asked.by.to_owned(),
        expires_at,
        claimed_by: None,
        settled_at: None,
        void_reason: String::new(),
    };
    let act = Act::Earn { amount: asked.amount, earned_at: None, active_from: None, expires_at };
    let step = (card.card.clone(), house, act);
    if let Err(refusal) = posted(tx, scene, &card, (asked.by, ""), vec![step]).await? {
        return Ok(Err(refusal));
    }
    card.write(tx, scene.workspace).await?;
    if let Some(code) = code {
        rows::add_code(tx, scene.workspace, &code.digest, &card.card, scene.now).await?;
    }
    tell(tx, scene, ISSUED, &card, asked.amount).await?;
    Ok(Ok(card))
}

/// What cards have, by their accounts: nothing of those that are not there.
///
/// # Errors
/// The store's, or that what it reads back does not fit together.
pub async fn balances(
    db: &mut impl rapport_store::Queries,
    workspace: rapport_domain::WorkspaceId,
    cards: &[Card],
    now: Timestamp,
) -> Result<BTreeMap<MemberId, Balance>, Error> {
    let houses: Vec<MemberId> = cards.iter().map(Card::house).collect();
    let accounts = read::accounts(db, workspace, &houses, now).await?;
    Ok(accounts.into_iter().map(|((house, _), account)| (house, account.balance())).collect())
}

/// What a card has.
///
/// # Errors
/// The store's, or that what it reads back does not fit together.
pub async fn balance(
    db: &mut impl rapport_store::Queries,
    workspace: rapport_domain::WorkspaceId,
    card: &Card,
    now: Timestamp,
) -> Result<Balance, Error> {
    let all = balances(db, workspace, std::slice::from_ref(card), now).await?;
    Ok(all.into_values().next().unwrap_or_default())
}

/// Spends from a card: all of the amount, or with `is_part` as much of it as there is.
///
/// # Errors
/// As [`issue`].
pub async fn spend(
    tx: &mut Tx,
    scene: Scene<'_>,
    (key, code): (CodeKey, &str),
    Wanted { amount, is_part, currency }: Wanted,
    asked: Asked<'_>,
) -> Outcome<(Card, Move)> {
    let digest = match key.read(code) {
        Ok(digest) => digest,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let print =
        fingerprint(("spend", digest, amount, is_part, currency.as_ref().map(Currency::as_str), asked.reference));
    let (card, mut row) = match begin(tx, scene, digest, ("spend", print), asked).await? {
        Ok(Begun::New(card, row)) => (card, row),
        Ok(Begun::Known(card, row)) => return Ok(Ok((card, row))),
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Err(refusal) = sound(amount, i64::MAX) {
        return Ok(Err(refusal));
    }
    if currency != card.currency(scene.program) {
        return Ok(Err(Refusal::OtherCurrency));
    }
    let has = balance(tx, scene.workspace, &card, scene.now).await?.available;
    row.amount = if is_part { amount.min(has) } else { amount };
    let outcome = match usable(&card, has, scene.now) {
        Err(refusal) => Err(refusal),
        Ok(()) if has < row.amount => Err(Refusal::TooLittle),
        Ok(()) => {
            let step = (row.id_in_ledger(), card.house(), Act::Spend { amount: row.amount });
            posted(tx, scene, &card, (asked.by, asked.reference), vec![step]).await?
        }
    };
    finish(tx, scene, (card, row), (SPENT, outcome)).await
}

/// Gives back what was spent from a card, in whole or in part: to the card, or to whoever has taken it into their wallet meanwhile.
///
/// # Errors
/// As [`issue`].
pub async fn refund(
    tx: &mut Tx,
    scene: Scene<'_>,
    (of, amount): (&str, Option<i64>),
    asked: Asked<'_>,
) -> Outcome<(Card, Move)> {
    if !is_readable(&[asked.id, asked.reference]) {
        return Ok(Err(MALFORMED));
    }
    head::lock(tx, scene.workspace).await?;
    let print = fingerprint(("refund", of, amount, asked.reference));
    if let Some(earlier) = rows::move_by_id(tx, scene.workspace, asked.id).await? {
        return known(tx, scene, earlier, print).await;
    }
    let first = rows::move_by_id(tx, scene.workspace, of).await?;
    let Some(mut first) = first.filter(|it| it.kind == "spend" && it.refused.is_none()) else {
        return Ok(Err(Refusal::SpendUnknown));
    };
    let Some(card) = find(tx, scene.workspace, &first.card).await? else { return Ok(Err(Refusal::Unknown)) };
    let left = first.amount - first.returned;
    let amount = amount.unwrap_or(left);
    if amount > left || (left == 0 && amount == 0) {
        return Ok(Err(Refusal::ReturnedMore));
    }
    if let Err(refusal) = sound(amount, i64::MAX) {
        return Ok(Err(refusal));
    }
    let mut row = Move::asked(scene, &card, ("refund", print), asked);
    (row.amount, row.of_id) = (amount, of.to_owned());
    let outcome = if card.state == "void" {
        Err(Refusal::Void)
    } else {
        let is_over = card.expires_at.is_some_and(|end| end <= scene.now);
        let reverse = Act::Reverse {
            of: first.id_in_ledger(),
            portion: Portion::Points { amount },
            shortage: Shortage::WithinBalance,
            grace_until: is_over.then(|| scene.now.plus(GRACE)),
        };
        let mut steps = vec![(row.id_in_ledger(), card.house(), reverse)];
        if let Some(to) = card.claimed_by.map(MemberId) {
            let expiry = Expiry::Keep;
            steps.push((format!("{}:on", row.id_in_ledger()), card.house(), Act::Transfer { to, amount, expiry }));
        }
        posted(tx, scene, &card, (asked.by, asked.reference), steps).await?
    };
    if outcome.is_ok() {
        first.returned += amount;
        first.write(tx, scene.workspace).await?;
    }
    finish(tx, scene, (card, row), (REFUNDED, outcome)).await
}

/// Takes all that is left on a card into a member's wallet. The card is empty for ever then.
///
/// # Errors
/// As [`issue`].
pub async fn claim(
    tx: &mut Tx,
    scene: Scene<'_>,
    (key, code): (CodeKey, &str),
    member: MemberId,
    asked: Asked<'_>,
) -> Outcome<(Card, Move)> {
    let digest = match key.read(code) {
        Ok(digest) => digest,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let member = members::now(tx, scene.workspace, member).await?;
    let print = fingerprint(("claim", digest, asked.reference));
    let (mut card, mut row) = match begin(tx, scene, digest, ("claim", print), asked).await? {
        Ok(Begun::New(card, row)) => (card, row),
        Ok(Begun::Known(card, _)) if card.claimed_by != Some(member.0) => return Ok(Err(Refusal::IdReused)),
        Ok(Begun::Known(card, row)) => return Ok(Ok((card, row))),
        Err(refusal) => return Ok(Err(refusal)),
    };
    if members::find(tx, scene.workspace, member).await?.is_none() {
        return Ok(Err(Refusal::MemberUnknown));
    }
    let has = balance(tx, scene.workspace, &card, scene.now).await?.available;
    row.amount = has;
    let outcome = match usable(&card, has, scene.now) {
        Err(refusal) => Err(refusal),
        Ok(()) => {
            let act = |amount| Act::Transfer { to: member, amount, expiry: Expiry::Keep };
            let steps = in_parts(scene, &card, (&row.id_in_ledger(), has), act);
            posted(tx, scene, &card, (asked.by, asked.reference), steps).await?
        }
    };
    if outcome.is_ok() {
        "claimed".clone_into(&mut card.state);
        (card.claimed_by, card.settled_at) = (Some(member.0), Some(scene.now));
        card.write(tx, scene.workspace).await?;
    }
    finish(tx, scene, (card, row), (CLAIMED, outcome)).await
}

/// An act that is new, or was done before.
enum Begun {
    New(Card, Move),
    Known(Card, Move),
}

/// Takes the head, and looks whether it was done before, and for the card.
async fn begin(
    tx: &mut Tx,
    scene: Scene<'_>,
    digest: crate::gift_cards::Digest,
    (kind, print): (&str, [u8; 16]),
    asked: Asked<'_>,
) -> Outcome<Begun> {
    if !is_readable(&[asked.id, asked.reference]) {
        return Ok(Err(MALFORMED));
    }
    head::lock(tx, scene.workspace).await?;
    if let Some(earlier) = rows::move_by_id(tx, scene.workspace, asked.id).await? {
        let answer = known(tx, scene, earlier, print).await?;
        return Ok(answer.map(|(card, row)| Begun::Known(card, row)));
    }
    let card = match rows::by_digest(tx, scene.workspace, &digest).await? {
        Ok(card) => card,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let row = Move::asked(scene, &card, (kind, print), asked);
    Ok(Ok(Begun::New(card, row)))
}

/// What was answered before, or that the id stands for something else.
async fn known(tx: &mut Tx, scene: Scene<'_>, earlier: Move, print: [u8; 16]) -> Outcome<(Card, Move)> {
    if earlier.fingerprint != print {
        return Ok(Err(Refusal::IdReused));
    }
    if let Some(code) = &earlier.refused {
        return Ok(Err(Refusal::read(code).unwrap_or(Refusal::Unknown)));
    }
    let card = find(tx, scene.workspace, &earlier.card).await?;
    Ok(card.map(|card| (card, earlier)).ok_or(Refusal::Unknown))
}

/// Whether something can be taken from a card.
fn usable(card: &Card, has: i64, now: Timestamp) -> Result<(), Refusal> {
    match card.state.as_str() {
        "void" => Err(Refusal::Void),
        "claimed" => Err(Refusal::Claimed),
        // What came back to it has a time of its own.
        _ if has > 0 => Ok(()),
        _ if card.expires_at.is_some_and(|end| end <= now) => Err(Refusal::Expired),
        _ => Err(Refusal::Empty),
    }
}

/// Writes down what was done, or that it was refused.
async fn finish(
    tx: &mut Tx,
    scene: Scene<'_>,
    (card, mut row): (Card, Move),
    (event, outcome): (&'static str, Result<(), Refusal>),
) -> Outcome<(Card, Move)> {
    let Err(refusal) = outcome else {
        row.write(tx, scene.workspace).await?;
        tell(tx, scene, event, &card, row.amount).await?;
        return Ok(Ok((card, row)));
    };
    if refusal.uses_up_the_id() {
        (row.amount, row.refused) = (0, Some(refusal.code().to_owned()));
        row.write(tx, scene.workspace).await?;
    }
    Ok(Err(refusal))
}

/// Steps that take all of a card: value that was added may have made it more than the wallet lets one operation move.
fn in_parts(
    scene: Scene<'_>,
    card: &Card,
    (id, all): (&str, i64),
    act: impl Fn(i64) -> Act,
) -> Vec<(String, MemberId, Act)> {
    let most = scene.program.wallet(&card.wallet).map_or(all, |it| it.amount_max).max(all / PARTS_MAX + 1);
    let mut steps = Vec::new();
    let mut left = all;
    while left > 0 {
        let id = if steps.is_empty() { id.to_owned() } else { format!("{id}:{}", steps.len() + 1) };
        let part = left.min(most);
        steps.push((id, card.house(), act(part)));
        left -= part;
    }
    steps
}

/// Posts steps that belong together.
async fn posted(
    tx: &mut Tx,
    scene: Scene<'_>,
    card: &Card,
    (by, reason): (&str, &str),
    steps: Vec<(String, MemberId, Act)>,
) -> Outcome<()> {
    let numbers = wallets::numbers(tx, scene.workspace).await?;
    let Some(wallet) = numbers.get(&card.wallet).copied() else {
        return Ok(Err(Refusal::Ledger(ledger::Refusal::WalletUnknown)));
    };
    let source = Source {
        kind: "gift_card".to_owned(),
        reference: card.card.clone(),
        by: by.to_owned(),
        reason: reason.to_owned(),
        asked: None,
    };
    let command = |(id, member, act): (String, MemberId, Act)| {
        let id = if id.starts_with(OWN_IDS) { id } else { format!("{OWN_IDS}{id}") };
        Command { id, member, wallet, act, source: source.clone() }
    };
    // Nothing of it may be remembered before the caller commits.
    let list = [steps.into_iter().map(command).collect::<Vec<_>>()];
    let answers = super::post(tx, &mut Memory::default(), scene.workspace, &list, scene.now).await?;
    let answers: Vec<Answer> = answers.into_iter().flatten().collect();
    let linked = ledger::Refusal::LinkedRefused;
    let refused = answers.iter().filter_map(|answer| answer.refused).min_by_key(|refusal| *refusal == linked);
    Ok(refused.map_or(Ok(()), |refusal| Err(Refusal::Ledger(refusal))))
}

/// Says what happened, without codes and references; of the person, once it is somebody's, and of whoever bought it when it is issued.
async fn tell(tx: &mut Tx, scene: Scene<'_>, name: &'static str, card: &Card, amount: i64) -> Result<(), Error> {
    let member = card.claimed_by.or(card.bought_by.filter(|_| name == ISSUED)).map(MemberId);
    let person = match member {
        Some(member) => members::find(tx, scene.workspace, member).await?.and_then(|it| it.person),
        None => None,
    };
    let payload = json!({
        "gift_card": card.card, "member": member.map(|it| it.0.to_string()), "wallet": card.wallet, "amount": amount, "state": card.state,
        "at": scene.now.to_rfc3339(),
    });
    let event = Event::new(scene.workspace, name, payload);
    tx.emit(match person {
        Some(person) => event.about(person),
        None => event,
    });
    Ok(())
}
