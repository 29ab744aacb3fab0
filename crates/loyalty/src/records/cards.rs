//! Members' cards: a code that stands for a member at a till.
//!
//! Always holds: a code is a card's for ever, and says nothing of whose it is; a member has one card that counts, and a new one makes the others void at once; the card of somebody who
//! goes on as another member leads to that one.
//!
//! Does not: prove that whoever shows a card is its member.

use rapport_domain::{Rng, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

use super::{head, members};
use crate::codes;
use crate::ledger::MemberId;

/// A card.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct Card {
    /// Its code, as it is looked up.
    pub lookup: String,
    /// The number that it was issued to.
    pub member: i64,
    /// When.
    pub issued_at: Timestamp,
    /// Since when it does not count any more.
    pub voided_at: Option<Timestamp>,
}

impl Card {
    /// The code in groups, as people read it.
    pub fn shown(&self) -> String {
        codes::shown(&self.lookup)
    }
}

/// Why a card does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It cannot be a code: a character is wrong, or two changed places.
    Mistyped,
    /// There is no such card.
    Unknown,
    /// The member has another one.
    Void,
}

impl Refusal {
    /// A stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Mistyped => "card_mistyped",
            Self::Unknown => "card_unknown",
            Self::Void => "card_void",
        }
    }
}

/// All cards of some numbers, the newest first.
///
/// # Errors
/// The store's.
pub async fn of_members(db: &mut impl Queries, workspace: WorkspaceId, numbers: &[MemberId]) -> Result<Vec<Card>> {
    let numbers: Vec<i64> = numbers.iter().map(|number| number.0).collect();
    let find = sql!(
        "SELECT lookup, member, issued_at, voided_at FROM loyalty_cards WHERE member IN ($2) AND workspace = $1
         ORDER BY issued_at DESC, lookup"
    );
    db.fetch_all(find, args![workspace, &numbers]).await
}

/// The card of a member that counts: the newest, where several members became one.
///
/// # Errors
/// The store's.
pub async fn valid(db: &mut impl Queries, workspace: WorkspaceId, member: MemberId) -> Result<Option<Card>> {
    let numbers = members::numbers(db, workspace, member).await?;
    let all = of_members(db, workspace, &numbers).await?;
    Ok(all.into_iter().find(|card| card.voided_at.is_none()))
}

/// Gives a member a new card; those that they had are void from now on.
///
/// # Errors
/// The store's.
pub async fn issue(
    tx: &mut Tx,
    workspace: WorkspaceId,
    member: MemberId,
    now: Timestamp,
    rng: &dyn Rng,
) -> Result<Card> {
    // Of two who issue at the same moment, the second voids what the first issued.
    head::lock(tx, workspace).await?;
    let numbers: Vec<i64> = members::numbers(tx, workspace, member).await?.iter().map(|number| number.0).collect();
    let void =
        sql!("UPDATE loyalty_cards SET voided_at = $3 WHERE member IN ($2) AND workspace = $1 AND voided_at IS NULL");
    tx.execute(void, args![workspace, &numbers, now]).await?;
    let card = Card { lookup: codes::generate(rng), member: member.0, issued_at: now, voided_at: None };
    let add = sql!("INSERT INTO loyalty_cards (workspace, lookup, member, issued_at) VALUES ($1, $2, $3, $4)");
    tx.execute(add, args![workspace, card.lookup.as_str(), member.0, now]).await?;
    Ok(card)
}

/// The card of a member that counts, issued if they have none.
///
/// # Errors
/// The store's.
pub async fn ensure(
    tx: &mut Tx,
    workspace: WorkspaceId,
    member: MemberId,
    now: Timestamp,
    rng: &dyn Rng,
) -> Result<Card> {
    head::lock(tx, workspace).await?;
    match valid(tx, workspace, member).await? {
        Some(card) => Ok(card),
        None => issue(tx, workspace, member, now, rng).await,
    }
}

/// Whose card a code is, as somebody typed or scanned it: the member who goes on, where several became one.
///
/// # Errors
/// The store's.
pub async fn holder(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    text: &str,
) -> Result<std::result::Result<MemberId, Refusal>> {
    let Some(lookup) = codes::lookup(text).filter(|it| codes::is_sound(it)) else { return Ok(Err(Refusal::Mistyped)) };
    let find =
        sql!("SELECT lookup, member, issued_at, voided_at FROM loyalty_cards WHERE lookup = $2 AND workspace = $1");
    let found: Option<Card> = db.fetch_optional(find, args![workspace, lookup]).await?;
    Ok(match found {
        None => Err(Refusal::Unknown),
        Some(card) if card.voided_at.is_some() => Err(Refusal::Void),
        Some(card) => Ok(members::now(db, workspace, MemberId(card.member)).await?),
    })
}

/// Forgets the cards of these numbers; how many there were.
pub(super) async fn forget(tx: &mut Tx, workspace: WorkspaceId, numbers: &[i64]) -> Result<u64> {
    let forget = sql!("DELETE FROM loyalty_cards WHERE member IN ($2) AND workspace = $1");
    tx.execute(forget, args![workspace, numbers]).await
}
