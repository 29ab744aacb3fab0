//! Adjustments that are being drafted: whose accounts they are and what would come of it, written down a few accounts at a time.
//!
//! Always holds: nobody sees or starts one before all its accounts are there; of several who draft under the same id at the same time, the first that is whole is it. Accounts are looked at before
//! the writer's turn in which they are written down.
//!
//! Does not: post anything.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Json, Queries, Tx, args, sql};

use super::super::redemptions::Scene;
use super::super::{head, members, read, wallets};
use super::{Asked, Bulk, Foreseen, write};
use crate::Error;
use crate::ledger::{self, MemberId, REFERENCE_MAX, Standing, WalletId};
use crate::rewards::Refusal;

/// The state of one that is not whole.
const DRAFTING: &str = "drafting";

/// An adjustment that is being drafted.
#[derive(Debug)]
pub struct Drafting<'a> {
    asked: Asked<'a>,
    row: Bulk,
    wallet: WalletId,
    foreseen: Foreseen,
    seen: BTreeSet<MemberId>,
}

/// Accounts that were looked at: (place, whose, what was available, why it would refuse).
#[derive(Debug)]
pub struct LookedAt(Vec<(i64, MemberId, i64, Option<&'static str>)>);

impl<'a> Drafting<'a> {
    /// What is asked for, of `whose` accounts, if it can be drafted at all. Numbers that were merged into others are theirs; each account counts once.
    ///
    /// # Errors
    /// The store's.
    pub async fn prepare(
        db: &mut impl Queries,
        scene: Scene<'_>,
        asked: Asked<'a>,
        whose: &[MemberId],
    ) -> Result<Result<Self, Refusal>, Error> {
        if let Err(refusal) = check(asked) {
            return Ok(Err(Refusal::Ledger(refusal)));
        }
        let Some(wallet) = wallets::numbers(db, scene.workspace).await?.get(&asked.wallet.key).copied() else {
            return Ok(Err(Refusal::Ledger(ledger::Refusal::WalletUnknown)));
        };
        let bulk = format!("blk_{:016x}{:016x}", scene.rng.next_u64(), scene.rng.next_u64());
        let foreseen = Foreseen::default();
        let row = Bulk {
            // The id of whoever asks is taken when it is whole.
            id: bulk.clone(),
            bulk,
            fingerprint: fingerprint(asked, whose),
            wallet: asked.wallet.key.clone(),
            amount: asked.amount,
            reason: asked.reason.to_owned(),
            of_segment: asked.of_segment.to_owned(),
            state: DRAFTING.to_owned(),
            members: 0,
            foreseen: serde_json::to_value(&foreseen).expect("plain values become JSON"),
            through: 0,
            posted: 0,
            refused: 0,
            undone: 0,
            asked_by: asked.by.to_owned(),
            asked_at: scene.now,
            started_by: String::new(),
            finished_at: None,
        };
        Ok(Ok(Self { asked, row, wallet, foreseen, seen: BTreeSet::new() }))
    }

    /// Begins it; what was drafted under the same id before, if it was.
    ///
    /// # Errors
    /// The store's.
    pub async fn begin(&self, tx: &mut Tx, workspace: WorkspaceId) -> Result<Result<Option<Bulk>, Refusal>, Error> {
        if let Some(earlier) = self.earlier(tx, workspace).await? {
            return Ok(earlier.map(Some));
        }
        write(tx, workspace, &self.row).await?;
        Ok(Ok(None))
    }

    /// What is there under the id of whoever asks.
    async fn earlier(
        &self,
        tx: &mut Tx,
        workspace: WorkspaceId,
    ) -> rapport_store::Result<Option<Result<Bulk, Refusal>>> {
        let find = sql!("SELECT * FROM loyalty_bulks WHERE id = $2 AND workspace = $1 AND state <> 'drafting'");
        let found: Option<Bulk> = tx.fetch_optional(find, args![workspace, self.asked.id]).await?;
        let is_same = |row: &Bulk| row.fingerprint == self.row.fingerprint;
        Ok(found.map(|row| if is_same(&row) { Ok(row) } else { Err(Refusal::IdReused) }))
    }

    /// Looks at some of the accounts, each once and in their order.
    ///
    /// # Errors
    /// The store's, or that what it reads back does not fit together.
    pub async fn look(
        &mut self,
        db: &mut impl Queries,
        scene: Scene<'_>,
        part: &[MemberId],
    ) -> Result<LookedAt, Error> {
        let mut rows = Vec::new();
        for (member, had, refused) in look(db, scene, (self.wallet, self.asked), part).await? {
            if !self.seen.insert(member) {
                continue;
            }
            let foreseen = &mut self.foreseen;
            let refused = refused.map(ledger::Refusal::code);
            match refused {
                None => {
                    (foreseen.members, foreseen.points) = (foreseen.members + 1, foreseen.points + self.asked.amount);
                }
                Some(code) => *foreseen.refused.entry(code.to_owned()).or_insert(0) += 1,
            }
            let place = i64::try_from(self.seen.len()).unwrap_or(i64::MAX);
            rows.push((place, member, had, refused));
        }
        Ok(LookedAt(rows))
    }

    /// Writes accounts down that were looked at.
    ///
    /// # Errors
    /// The store's.
    pub async fn add(&self, tx: &mut Tx, workspace: WorkspaceId, looked_at: LookedAt) -> rapport_store::Result<()> {
        let add = sql!(
            "INSERT INTO loyalty_bulk_members (workspace, bulk, place, member, had, state, refused) VALUES {rows}"
        );
        let row = |(place, member, had, refused): (i64, MemberId, i64, Option<&'static str>)| {
            args![workspace, &self.row.bulk, place, member.0, had, "waiting", refused]
        };
        tx.execute_many(add, looked_at.0.into_iter().map(row)).await.map(drop)
    }

    /// All accounts are there: from now on it is a draft that can be looked at and started, unless another was whole before under its id, which then is the answer.
    ///
    /// # Errors
    /// The store's, or that it took so long that it was forgotten ([`forget_draft`]).
    pub async fn finish(self, tx: &mut Tx, workspace: WorkspaceId) -> Result<Result<Bulk, Refusal>, Error> {
        head::lock(tx, workspace).await?;
        if let Some(earlier) = self.earlier(tx, workspace).await? {
            return Ok(earlier);
        }
        let row = Bulk {
            id: self.asked.id.to_owned(),
            state: "draft".to_owned(),
            members: i64::try_from(self.seen.len()).unwrap_or(i64::MAX),
            foreseen: serde_json::to_value(&self.foreseen).expect("plain values become JSON"),
            ..self.row
        };
        let show = sql!(
            "UPDATE loyalty_bulks SET id = $3, state = $4, members = $5, foreseen = $6 WHERE bulk = $2 AND workspace = $1 AND state = 'drafting'"
        );
        let values = args![workspace, &row.bulk, &row.id, &row.state, row.members, Json(row.foreseen.clone())];
        if tx.execute(show, values).await? == 0 {
            let what = "a draft of an adjustment was forgotten before all its accounts were there";
            return Err(Error::Damaged { operation: 0, what });
        }
        Ok(Ok(row))
    }
}

/// Refuses what cannot be posted to any account.
fn check(asked: Asked<'_>) -> Result<(), ledger::Refusal> {
    let is_short = |text: &str| text.len() <= REFERENCE_MAX && !text.contains('\0');
    if asked.id.is_empty() || ![asked.id, asked.reason].into_iter().all(is_short) {
        return Err(ledger::Refusal::IdMalformed);
    }
    if asked.amount == 0 {
        return Err(ledger::Refusal::AmountZero);
    }
    if asked.amount.unsigned_abs() > asked.wallet.amount_max.unsigned_abs() {
        return Err(ledger::Refusal::AmountTooLarge);
    }
    Ok(())
}

/// What is asked for, in 128 bits. A segment's members are those of the moment, and no part of it.
fn fingerprint(asked: Asked<'_>, whose: &[MemberId]) -> [u8; 16] {
    let content = (
        &asked.wallet.key,
        asked.amount,
        asked.reason,
        asked.of_segment,
        if asked.of_segment.is_empty() { whose } else { &[] },
    );
    let content = serde_json::to_vec(&content).expect("plain values become JSON");
    blake3::hash(&content).as_bytes()[..16].try_into().expect("a hash has 32 bytes")
}

/// What each account has, and whether it would refuse.
async fn look(
    db: &mut impl Queries,
    scene: Scene<'_>,
    (wallet, asked): (WalletId, Asked<'_>),
    part: &[MemberId],
) -> Result<Vec<(MemberId, i64, Option<ledger::Refusal>)>, Error> {
    let mut numbers = Vec::new();
    for member in part {
        numbers.push(members::now(db, scene.workspace, *member).await?);
    }
    let standings = members::with_balances(db, scene.workspace, numbers.iter().map(|it| it.0).collect()).await?;
    let standings: BTreeMap<MemberId, Standing> =
        standings.iter().map(|row| (row.member(), Standing::read(&row.standing))).collect();
    let accounts = read::accounts(db, scene.workspace, &numbers, scene.now).await?;
    let one = |member: MemberId| {
        let balance = accounts.get(&(member, wallet)).map(ledger::Account::balance).unwrap_or_default();
        let after = balance.pending + balance.available + balance.held + asked.amount;
        let refused = match standings.get(&member) {
            None | Some(Standing::Unknown) => Some(ledger::Refusal::MemberUnknown),
            Some(Standing::Closed | Standing::Merged) => Some(ledger::Refusal::MemberClosed),
            _ if balance.available + asked.amount < 0 => Some(ledger::Refusal::InsufficientPoints),
            _ if asked.amount > 0 && asked.wallet.balance_max.is_some_and(|most| after > most) => {
                Some(ledger::Refusal::BalanceLimit)
            }
            _ => None,
        };
        (member, balance.available, refused)
    };
    Ok(numbers.into_iter().map(one).collect())
}

/// One that was begun before an instant, and is not whole: whoever drafted it was cut short, or another was whole before under its id.
///
/// # Errors
/// The store's.
pub async fn abandoned(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    before: Timestamp,
) -> rapport_store::Result<Option<String>> {
    let find = sql!(
        "SELECT bulk FROM loyalty_bulks WHERE workspace = $1 AND started_by = '' AND finished_at IS NULL AND state = 'drafting' AND +asked_at < $2 LIMIT 1"
    );
    let found: Option<(String,)> = db.fetch_optional(find, args![workspace, before]).await?;
    Ok(found.map(|(bulk,)| bulk))
}

/// Forgets up to `most` accounts of one that is not whole, and with the last of them itself; how many there were.
///
/// # Errors
/// The store's.
pub async fn forget_draft(tx: &mut Tx, workspace: WorkspaceId, bulk: &str, most: u32) -> rapport_store::Result<usize> {
    // Whoever drafted it may be there after all, and have finished it meanwhile.
    head::lock(tx, workspace).await?;
    let find = sql!("SELECT state FROM loyalty_bulks WHERE bulk = $2 AND workspace = $1");
    let state: Option<(String,)> = tx.fetch_optional(find, args![workspace, bulk]).await?;
    if state.is_none_or(|(state,)| state != DRAFTING) {
        return Ok(0);
    }
    let accounts = sql!(
        "DELETE FROM loyalty_bulk_members WHERE bulk = $2 AND workspace = $1 AND place IN (SELECT place FROM loyalty_bulk_members
             WHERE bulk = $2 AND workspace = $1 ORDER BY place LIMIT $3)"
    );
    let gone = tx.execute(accounts, args![workspace, bulk, most]).await?;
    if gone < u64::from(most) {
        let draft = sql!("DELETE FROM loyalty_bulks WHERE bulk = $2 AND workspace = $1");
        tx.execute(draft, args![workspace, bulk]).await?;
    }
    Ok(usize::try_from(gone).expect("no more than were asked for"))
}
