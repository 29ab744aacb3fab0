//! Gift cards, their codes and what was done with them, as they are kept.

use rapport_domain::money::Currency;
use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

use super::super::redemptions::Scene;
use super::{Asked, OWN_IDS};
use crate::gift_cards::{CodeKey, Digest, Refusal};
use crate::ledger::MemberId;
use crate::program::Program;

/// A gift card.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct Card {
    /// Its own id.
    pub card: String,
    /// The id that whoever issued it gave what they asked for.
    pub id: String,
    /// Which of those it is that were asked for together, from 1.
    pub number: i64,
    /// What was asked for, in 128 bits.
    pub fingerprint: [u8; 16],
    /// Its account in the ledger.
    pub house: i64,
    /// The wallet whose money it is.
    pub wallet: String,
    /// How much was put on it, with what was added later, in the smallest units of the currency.
    pub amount: i64,
    /// `live`, `claimed` or `void`.
    pub state: String,
    /// The last characters of its code; empty until somebody was told one.
    pub tail: String,
    /// What it was sold or given for: a line of an order.
    pub reference: String,
    /// Why it was issued, in a few words.
    pub reason: String,
    /// The member who bought it, if that is known.
    pub bought_by: Option<i64>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// By whom.
    pub issued_by: String,
    /// When its time is over.
    pub expires_at: Option<Timestamp>,
    /// Who took it into their wallet.
    pub claimed_by: Option<i64>,
    /// When it was claimed or became void.
    pub settled_at: Option<Timestamp>,
    /// Why it was taken back.
    pub void_reason: String,
}

impl Card {
    /// Its account in the ledger.
    pub const fn house(&self) -> MemberId {
        MemberId(self.house)
    }

    /// In which currency its value is; in none, if it is points.
    pub fn currency(&self, program: &Program) -> Option<Currency> {
        program.wallet(&self.wallet)?.unit.currency()
    }

    pub(super) async fn write(&self, tx: &mut Tx, workspace: WorkspaceId) -> Result<()> {
        let save = sql!(
            "INSERT INTO loyalty_gift_cards (workspace, card, id, number, fingerprint, house, wallet, amount, state, tail, reference, reason, bought_by,
                 issued_at, issued_by, expires_at, claimed_by, settled_at, void_reason)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
             ON CONFLICT (card, workspace) DO UPDATE SET state = EXCLUDED.state, amount = EXCLUDED.amount, tail = EXCLUDED.tail, claimed_by = EXCLUDED.claimed_by,
                 settled_at = EXCLUDED.settled_at, void_reason = EXCLUDED.void_reason"
        );
        let values = args![
            workspace,
            &self.card,
            &self.id,
            self.number,
            self.fingerprint,
            self.house,
            &self.wallet,
            self.amount,
            &self.state,
            &self.tail,
            &self.reference,
            &self.reason,
            self.bought_by,
            self.issued_at,
            &self.issued_by,
            self.expires_at,
            self.claimed_by,
            self.settled_at,
            &self.void_reason,
        ];
        tx.execute(save, values).await.map(drop)
    }
}

/// What was done with a card, or refused.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct Move {
    /// The id that whoever asked gave it.
    pub id: String,
    /// Which card.
    pub card: String,
    /// What was asked for, in 128 bits.
    pub fingerprint: [u8; 16],
    /// `top_up`, `spend`, `refund` or `claim`.
    pub kind: String,
    /// What is given back, by its id.
    pub of_id: String,
    /// How much.
    pub amount: i64,
    /// How much of it came back.
    pub returned: i64,
    /// For what.
    pub reference: String,
    /// Why it was refused.
    pub refused: Option<String>,
    /// When.
    pub moved_at: Timestamp,
    /// Who asked.
    pub moved_by: String,
}

impl Move {
    pub(super) fn asked(scene: Scene<'_>, card: &Card, (kind, print): (&str, [u8; 16]), asked: Asked<'_>) -> Self {
        Self {
            id: asked.id.to_owned(),
            card: card.card.clone(),
            fingerprint: print,
            kind: kind.to_owned(),
            of_id: String::new(),
            amount: 0,
            returned: 0,
            reference: asked.reference.to_owned(),
            refused: None,
            moved_at: scene.now,
            moved_by: asked.by.to_owned(),
        }
    }

    /// Under which id it stands in the ledger: a hash, since an id may be as long as one of the ledger's.
    pub(super) fn id_in_ledger(&self) -> String {
        let hash = blake3::hash(format!("{}\n{}", self.card, self.id).as_bytes());
        format!("{OWN_IDS}{}:{}", self.card, &hash.to_hex()[..32])
    }

    pub(super) async fn write(&self, tx: &mut Tx, workspace: WorkspaceId) -> Result<()> {
        let save = sql!(
            "INSERT INTO loyalty_gift_card_moves (workspace, id, card, fingerprint, kind, of_id, amount, returned, reference, refused, moved_at, moved_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
             ON CONFLICT (id, workspace) DO UPDATE SET returned = EXCLUDED.returned"
        );
        let values = args![
            workspace,
            &self.id,
            &self.card,
            self.fingerprint,
            &self.kind,
            &self.of_id,
            self.amount,
            self.returned,
            &self.reference,
            self.refused.clone(),
            self.moved_at,
            &self.moved_by,
        ];
        tx.execute(save, values).await.map(drop)
    }
}

/// A card by its own id.
///
/// # Errors
/// The store's.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, card: &str) -> Result<Option<Card>> {
    let find = sql!("SELECT * FROM loyalty_gift_cards WHERE card = $2 AND workspace = $1");
    db.fetch_optional(find, args![workspace, card]).await
}

/// The cards that were asked for by an id, in their order.
///
/// # Errors
/// The store's.
pub async fn by_id(db: &mut impl Queries, workspace: WorkspaceId, id: &str) -> Result<Vec<Card>> {
    let find = sql!("SELECT * FROM loyalty_gift_cards WHERE id = $2 AND workspace = $1 ORDER BY number");
    db.fetch_all(find, args![workspace, id]).await
}

/// A card by its code, as somebody typed or scanned it.
///
/// # Errors
/// The store's.
pub async fn by_code(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    key: CodeKey,
    code: &str,
) -> Result<std::result::Result<Card, Refusal>> {
    match key.read(code) {
        Ok(digest) => by_digest(db, workspace, &digest).await,
        Err(refusal) => Ok(Err(refusal)),
    }
}

pub(super) async fn by_digest(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    digest: &Digest,
) -> Result<std::result::Result<Card, Refusal>> {
    let code = sql!("SELECT card, voided_at FROM loyalty_gift_card_codes WHERE digest = $2 AND workspace = $1");
    let found: Option<(String, Option<Timestamp>)> = db.fetch_optional(code, args![workspace, *digest]).await?;
    Ok(match found {
        None => Err(Refusal::Unknown),
        Some((_, Some(_))) => Err(Refusal::CodeVoid),
        Some((card, None)) => find(db, workspace, &card).await?.ok_or(Refusal::Unknown),
    })
}

pub(super) async fn add_code(
    tx: &mut Tx,
    workspace: WorkspaceId,
    digest: &Digest,
    card: &str,
    now: Timestamp,
) -> Result<()> {
    let add = sql!("INSERT INTO loyalty_gift_card_codes (workspace, digest, card, made_at) VALUES ($1, $2, $3, $4)");
    tx.execute(add, args![workspace, *digest, card, now]).await.map(drop)
}

pub(super) async fn void_codes(tx: &mut Tx, workspace: WorkspaceId, card: &str, now: Timestamp) -> Result<()> {
    let void = sql!(
        "UPDATE loyalty_gift_card_codes SET voided_at = $3 WHERE card = $2 AND workspace = $1 AND voided_at IS NULL"
    );
    tx.execute(void, args![workspace, card, now]).await.map(drop)
}

pub(super) async fn move_by_id(db: &mut impl Queries, workspace: WorkspaceId, id: &str) -> Result<Option<Move>> {
    let find = sql!("SELECT * FROM loyalty_gift_card_moves WHERE id = $2 AND workspace = $1");
    db.fetch_optional(find, args![workspace, id]).await
}

/// Cards in a state, if one is named, the newest first, from behind one of them on: (issued at, card).
///
/// # Errors
/// The store's.
pub async fn list(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    state: &str,
    after: Option<(Timestamp, String)>,
    limit: u32,
) -> Result<Vec<Card>> {
    let (at, card) = after.unwrap_or((Timestamp(i64::MAX), String::new()));
    let list = sql!(
        "SELECT * FROM loyalty_gift_cards WHERE workspace = $1 AND (issued_at, card) < ($2, $3) AND ($4 = '' OR state = $4)
         ORDER BY issued_at DESC, card DESC LIMIT $5"
    );
    db.fetch_all(list, args![workspace, at, card, state, limit]).await
}

/// Cards whose code ends so, the newest first.
///
/// # Errors
/// The store's.
pub async fn by_tail(db: &mut impl Queries, workspace: WorkspaceId, end: &str, limit: u32) -> Result<Vec<Card>> {
    let tail = format!("…{}", end.trim().trim_start_matches('…').to_ascii_uppercase());
    let list = sql!(
        "SELECT * FROM loyalty_gift_cards WHERE tail = $2 AND workspace = $1 ORDER BY issued_at DESC, card DESC LIMIT $3"
    );
    db.fetch_all(list, args![workspace, &tail, limit]).await
}

/// What was done with a card, the oldest first, refused acts too.
///
/// # Errors
/// The store's.
pub async fn moves(db: &mut impl Queries, workspace: WorkspaceId, card: &str, limit: u32) -> Result<Vec<Move>> {
    let list =
        sql!("SELECT * FROM loyalty_gift_card_moves WHERE card = $2 AND workspace = $1 ORDER BY moved_at, id LIMIT $3");
    db.fetch_all(list, args![workspace, card, limit]).await
}

/// Cards that some members bought or took into their wallets, the newest first.
///
/// # Errors
/// The store's.
pub async fn of_members(db: &mut impl Queries, workspace: WorkspaceId, members: &[MemberId]) -> Result<Vec<Card>> {
    let numbers: Vec<i64> = members.iter().map(|member| member.0).collect();
    let claimed = sql!("SELECT * FROM loyalty_gift_cards WHERE claimed_by IN ($2) AND workspace = $1");
    let bought = sql!("SELECT * FROM loyalty_gift_cards WHERE bought_by IN ($2) AND workspace = $1");
    let mut found: Vec<Card> = db.fetch_all(claimed, args![workspace, &numbers]).await?;
    found.extend(db.fetch_all::<Card>(bought, args![workspace, &numbers]).await?);
    found.sort_by(|a, b| (b.issued_at, &a.card).cmp(&(a.issued_at, &b.card)));
    found.dedup_by(|a, b| a.card == b.card);
    Ok(found)
}

/// What the one bought and took, the other has, who goes on for both.
pub(in crate::records) async fn merge(tx: &mut Tx, workspace: WorkspaceId, from: MemberId, to: MemberId) -> Result<()> {
    let claimed = sql!("UPDATE loyalty_gift_cards SET claimed_by = $3 WHERE claimed_by = $2 AND workspace = $1");
    let bought = sql!("UPDATE loyalty_gift_cards SET bought_by = $3 WHERE bought_by = $2 AND workspace = $1");
    tx.execute(claimed, args![workspace, from.0, to.0]).await?;
    tx.execute(bought, args![workspace, from.0, to.0]).await.map(drop)
}

/// Empties what staff and shops wrote of cards that a member bought or took.
pub(in crate::records) async fn forget(tx: &mut Tx, workspace: WorkspaceId, numbers: &[i64]) -> Result<u64> {
    let claimed = sql!(
        "UPDATE loyalty_gift_cards SET reference = '', reason = '', void_reason = '' WHERE claimed_by IN ($2) AND workspace = $1
             AND (reference <> '' OR reason <> '' OR void_reason <> '')"
    );
    let bought = sql!(
        "UPDATE loyalty_gift_cards SET reference = '', reason = '', void_reason = '' WHERE bought_by IN ($2) AND workspace = $1
             AND (reference <> '' OR reason <> '' OR void_reason <> '')"
    );
    Ok(tx.execute(claimed, args![workspace, numbers]).await? + tx.execute(bought, args![workspace, numbers]).await?)
}
