//! Parts of receipts that members pay with points at a till.
//!
//! Always holds: whoever pays, calls off, tells the receipt or gives back holds the workspace's head from the first look to the last write, so that nothing is paid on a receipt that was told, and no
//! more comes back than was paid; the same id with the same words is the same payment, also one that was refused. What comes back goes into the lots that it came from; of what lapsed
//! meanwhile it lasts another thirty days. What was paid of a receipt that nobody told in time is called off, whoever looks first.
//!
//! Does not: tell receipts. They are orders, and [`paid`] says which part of theirs was paid with points.

mod back;
mod lapsing;
mod rows;

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Tx};
use serde::Serialize;

pub use back::{Back, give_back};
pub use lapsing::{are_due, expire};
pub(super) use rows::forget;
pub use rows::{Filter, Payment, State, by_id, list, of_members, of_receipt};

use super::redemptions::Scene;
use super::{Memory, head, members, tills, wallets};
use crate::Error;
use crate::ledger::{self, Act, Answer, Command, MemberId, Portion, REFERENCE_MAX, Shortage, Source};
use crate::paying::{Paying, Refusal};

/// What the ids of the ledger's operations begin with that are made here.
pub const OWN_IDS: &str = "till:";
/// What came back to lots whose time is over can be spent for so long.
const GRACE: i64 = 30 * Timestamp::DAY;
/// Who calls off what was paid of a receipt that was not told in time.
const NOBODY: &str = "nobody";

/// What came of it; the store's errors apart.
pub type Outcome<T> = Result<Result<T, Refusal>, Error>;

/// A part of a receipt to be paid.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Whoever asks names it, so that it is done once. No personal data.
    pub id: &'a str,
    /// Of which store and receipt.
    pub receipt: (&'a str, &'a str),
    /// Who pays.
    pub member: MemberId,
    /// Out of which wallet; the first of `paying`, unless said.
    pub wallet: Option<&'a str>,
    /// How many points.
    pub points: i64,
    /// What the receipt comes to, in millionths of the programme's currency.
    pub total: i64,
    /// Who asks.
    pub by: &'a str,
}

fn fingerprint(content: impl Serialize) -> [u8; 16] {
    let content = serde_json::to_vec(&content).expect("plain values become JSON");
    blake3::hash(&content).as_bytes()[..16].try_into().expect("a hash has 32 bytes")
}

/// Pays, whole or not at all.
///
/// # Errors
/// The store's, or that what it reads back does not fit together.
pub async fn pay(tx: &mut Tx, scene: Scene<'_>, asked: Asked<'_>) -> Outcome<Payment> {
    let (store, receipt) = asked.receipt;
    if asked.id.is_empty() || [asked.id, store, receipt].iter().any(|it| it.len() > REFERENCE_MAX || it.contains('\0'))
    {
        return Ok(Err(Refusal::Ledger(ledger::Refusal::IdMalformed)));
    }
    head::lock(tx, scene.workspace).await?;
    let print = fingerprint((store, receipt, asked.member.0, asked.wallet, asked.points, asked.total));
    if let Some(earlier) = by_id(tx, scene.workspace, asked.id).await? {
        if earlier.fingerprint != print {
            return Ok(Err(Refusal::IdReused));
        }
        let refused = earlier.refused.as_deref().map(|code| Refusal::read(code).unwrap_or(Refusal::Unknown));
        return Ok(refused.map_or(Ok(earlier), Err));
    }
    let Some(found) = members::find(tx, scene.workspace, asked.member).await? else {
        return Ok(Err(Refusal::MemberUnknown));
    };
    let member = found.member;
    let plan = match asked.wallet {
        Some(key) => scene.program.paying.iter().find(|it| it.wallet == key),
        None => scene.program.paying.first(),
    };
    let Some(plan) = plan else { return Ok(Err(Refusal::Off)) };
    let mut row = Payment {
        id: asked.id.to_owned(),
        fingerprint: print,
        store: store.to_owned(),
        receipt: receipt.to_owned(),
        member: member.0,
        wallet: plan.wallet.clone(),
        points: asked.points,
        money: 0,
        total: asked.total,
        returned: 0,
        money_returned: 0,
        refused: None,
        paid_at: scene.now,
        paid_by: asked.by.to_owned(),
        cancelled_at: None,
        due_at: Some(scene.now.plus(i64::from(plan.told_within_days) * Timestamp::DAY)),
        cancelled_by: String::new(),
    };
    let outcome = match fits(tx, scene, (plan, member), asked).await? {
        Err(refusal) => Err(refusal),
        Ok(money) => {
            row.money = money;
            let act = Act::Spend { amount: asked.points };
            posted(tx, scene, &row, (asked.by, own_id(&row.id, "")), act).await?
        }
    };
    let Err(refusal) = outcome else {
        row.write(tx, scene.workspace).await?;
        return Ok(Ok(row));
    };
    if refusal.uses_up_the_id() {
        (row.points, row.money, row.refused) = (0, 0, Some(refusal.code().to_owned()));
        row.due_at = None;
        row.write(tx, scene.workspace).await?;
    }
    Ok(Err(refusal))
}

/// What the points pay, in millionths, where the receipt lets them.
async fn fits(tx: &mut Tx, scene: Scene<'_>, (plan, member): (&Paying, MemberId), asked: Asked<'_>) -> Outcome<i64> {
    if tills::receipt(tx, scene.workspace, asked.receipt).await?.is_some() {
        return Ok(Err(Refusal::ReceiptTold));
    }
    let earlier = lapsing::in_time(tx, scene, asked.receipt).await?;
    let counts: Vec<&Payment> = earlier.iter().filter(|it| it.counts()).collect();
    for payment in &counts {
        if members::now(tx, scene.workspace, MemberId(payment.member)).await? != member {
            return Ok(Err(Refusal::OtherMember));
        }
    }
    let paid = |of: &dyn Fn(&Payment) -> bool| {
        counts.iter().filter(|it| of(it)).fold(0_i64, |sum, it| sum.saturating_add(it.money))
    };
    let (own, all) = (paid(&|it| it.wallet == plan.wallet), paid(&|_| true));
    let money = match plan.pays(scene.program, asked.points, (asked.total, own)) {
        Ok(money) => money,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if money.saturating_add(all) > asked.total {
        return Ok(Err(Refusal::AboveMost));
    }
    Ok(Ok(money))
}

/// Calls a payment off, while its receipt was not told: all of it comes back. Done twice it is done once.
///
/// # Errors
/// As [`pay`].
pub async fn cancel(tx: &mut Tx, scene: Scene<'_>, id: &str, by: &str) -> Outcome<Payment> {
    head::lock(tx, scene.workspace).await?;
    let found = by_id(tx, scene.workspace, id).await?.filter(|it| it.refused.is_none());
    let Some(mut row) = found else { return Ok(Err(Refusal::Unknown)) };
    if row.cancelled_at.is_some() {
        return Ok(Ok(row));
    }
    if tills::receipt(tx, scene.workspace, (&row.store, &row.receipt)).await?.is_some() {
        return Ok(Err(Refusal::ReceiptTold));
    }
    Ok(call_off(tx, scene, &mut row, by).await?.map(|()| row))
}

/// Gives all of it back. Its receipt was not told.
async fn call_off(tx: &mut Tx, scene: Scene<'_>, row: &mut Payment, by: &str) -> Outcome<()> {
    let act = reverse(row, row.points, scene.now);
    if let Err(refusal) = posted(tx, scene, row, (by, own_id(&row.id, "cancelled")), act).await? {
        return Ok(Err(refusal));
    }
    (row.returned, row.money_returned, row.cancelled_at) = (row.points, row.money, Some(scene.now));
    (row.due_at, row.cancelled_by) = (None, by.to_owned());
    row.write(tx, scene.workspace).await?;
    Ok(Ok(()))
}

/// What of a receipt was paid with points, in millionths, where it comes to `total` and is this member's. Whoever tells a receipt asks in the transaction in which it is told, after [`hold`].
///
/// # Errors
/// The store's.
pub async fn paid(
    tx: &mut Tx,
    scene: Scene<'_>,
    receipt: (&str, &str),
    (member, total): (MemberId, i64),
) -> Outcome<i64> {
    let workspace = scene.workspace;
    let mut all = lapsing::in_time(tx, scene, receipt).await?;
    all.retain(Payment::counts);
    if all.is_empty() {
        return Ok(Ok(0));
    }
    let member = members::now(tx, workspace, member).await?;
    let mut sum = 0_i64;
    for payment in &all {
        if members::now(tx, workspace, MemberId(payment.member)).await? != member {
            return Ok(Err(Refusal::OtherMember));
        }
        sum = sum.saturating_add(payment.money);
    }
    if sum > total {
        return Ok(Err(Refusal::BelowPaid));
    }
    for mut payment in all {
        (payment.total, payment.due_at) = (total, None);
        payment.write(tx, workspace).await?;
    }
    Ok(Ok(sum))
}

/// Keeps everybody else from paying until the transaction ends.
///
/// # Errors
/// The store's.
pub async fn hold(tx: &mut Tx, workspace: WorkspaceId) -> Result<(), Error> {
    Ok(head::lock(tx, workspace).await.map(drop)?)
}

fn reverse(row: &Payment, amount: i64, now: Timestamp) -> Act {
    Act::Reverse {
        of: own_id(&row.id, ""),
        portion: Portion::Points { amount },
        shortage: Shortage::WithinBalance,
        grace_until: Some(now.plus(GRACE)),
    }
}

/// Under which id it stands in the ledger: a hash, since an id may be as long as one of the ledger's.
fn own_id(payment: &str, part: &str) -> String {
    let hash = blake3::hash(format!("{payment}\n{part}").as_bytes());
    format!("{OWN_IDS}{}", &hash.to_hex()[..40])
}

async fn posted(tx: &mut Tx, scene: Scene<'_>, row: &Payment, (by, id): (&str, String), act: Act) -> Outcome<()> {
    let numbers = wallets::numbers(tx, scene.workspace).await?;
    let Some(wallet) = numbers.get(&row.wallet).copied() else {
        return Ok(Err(Refusal::Ledger(ledger::Refusal::WalletUnknown)));
    };
    let source = Source {
        kind: "till".to_owned(),
        reference: row.receipt.clone(),
        by: by.to_owned(),
        reason: String::new(),
        asked: None,
    };
    let member = members::now(tx, scene.workspace, MemberId(row.member)).await?;
    let list = [vec![Command { id, member, wallet, act, source }]];
    // Nothing of it may be remembered before the caller commits.
    let answers = super::post(tx, &mut Memory::default(), scene.workspace, &list, scene.now).await?;
    let answers: Vec<Answer> = answers.into_iter().flatten().collect();
    let refused = answers.iter().find_map(|answer| answer.refused);
    Ok(refused.map_or(Ok(()), |refusal| Err(Refusal::Ledger(refusal))))
}

/// All payments that were made of a receipt, called off or not; for whoever only looks.
///
/// # Errors
/// The store's.
pub async fn any_of(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    receipt: (&str, &str),
) -> rapport_store::Result<bool> {
    Ok(of_receipt(db, workspace, receipt).await?.iter().any(Payment::counts))
}
